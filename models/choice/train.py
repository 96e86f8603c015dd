"""Fit the model of choice: ``python models/choice/train.py --corpora FOLDER``.

Data: newstest2021 (development). Outputs of the three weakest systems, two of the middle and one
strong one stand in for the MT and for hypotheses in all pairings, so that better and worse
hypotheses are seen; some segments are read without the source or without the detector. Each change
is applied alone; it helps if token edits saved and chrF++ gained, taken together, are positive
against the references. Predictions that are printed are crossed: each fifth of the documents is
predicted from the other four. Detections are kept under ``--work`` and made once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sacrebleu
from rapidfuzz.distance import Levenshtein
from repair.corpora.measure_hypotheses import _tsv, by_quality, read

from repair import Segment, apply
from repair.align import tokens
from repair.detect import Detector
from repair.propose.changes import cut
from repair.propose.judge import FEATURES, Describer

HERE = Path(__file__).resolve().parent
EACH, SEED, FOLDS = 400, 1, 5  # segments of each pairing
BLIND, UNDETECTED = 0.15, 0.12  # shares of segments without a source, without detections
CHRF = 2.5  # points of chrF++ of a segment that weigh as much as one token edit
SETTINGS = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 24, "min_data_in_leaf": 80,
    "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.5, "lambda_l2": 5.0,
    "num_threads": 1, "verbose": -1, "seed": SEED, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
TREES = 250


class Detections:
    """Detections of texts, made once and kept in a file."""

    def __init__(self, work: Path):
        self.detector = Detector()
        self.path = work / f"detections-{self.detector.config['sha256'][:8]}.pkl"
        self.seen = pickle.loads(self.path.read_bytes()) if self.path.exists() else {}

    def add(self, pairs: Sequence[tuple[str, str | None]]) -> None:
        """Detect what is new among pairs of MT and source, and save."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self.seen]
        found = self.detector([Segment(str(i), mt, source) for i, (mt, source) in enumerate(new)])
        self.seen.update(zip(new, found, strict=True))
        if new:
            self.path.write_bytes(pickle.dumps(self.seen))


def effect(mt: str, fixed: str, references: Sequence[str], chrf, known: dict) -> float:
    """Token edits saved, on average over references, and chrF++ gained in the same unit."""

    def cost(text: str) -> tuple[float, float]:
        if (text, references) not in known:
            mine = [text[a:b].lower() for a, b in tokens(text)]
            edits = [
                Levenshtein.distance(mine, [r[a:b].lower() for a, b in tokens(r)])
                for r in references
            ]
            score = chrf.sentence_score(text, list(references)).score
            known[text, references] = float(np.mean(edits)), score
        return known[text, references]

    before, after = cost(mt), cost(fixed)
    return before[0] - after[0] + (after[1] - before[1]) / CHRF


def collect(corpora: Path, detections: Detections, each: int):
    """Rows of features, effects, the fold of each, and what they are of."""
    outputs, references = read(corpora)
    sources = {r["id"]: r["src_ru"] for r in _tsv(corpora / "wmt_pairs/newstest2021_ruen.tsv.xz")}
    systems = by_quality(outputs, references)
    weak, half = systems[:3], len(systems) // 2
    others = [*systems[half - 1 : half + 1], systems[-2]]
    groups = [(a, (b,)) for a in weak for b in others]
    groups += [(b, (a,)) for b in others for a in weak]
    groups += [(b, (c,)) for b in others for c in others if b != c]
    groups += [(a, tuple(others[:count])) for a in weak for count in (2, 3)]
    groups += [(b, tuple(weak)) for b in others]
    place = {name: number for number, name in enumerate(references)}
    rows, effects, folds, names = [], [], [], []
    chrf, known = sacrebleu.CHRF(word_order=2), {}
    for mt_system, rivals in groups:
        rng = random.Random(f"{SEED} {mt_system} {rivals}")
        there = [
            name
            for name in outputs[mt_system]
            if name in references and all(name in outputs[rival] for rival in rivals)
        ]
        chosen = []
        for name in rng.sample(there, min(each, len(there))):
            mt = outputs[mt_system][name]
            ways = [cut(mt, outputs[rival][name]) for rival in rivals]
            goals = [apply(mt, [e for bundle in way for e in bundle.edits]) for way in ways]
            source = None if rng.random() < BLIND else sources[name]
            chosen.append((name, mt, ways, goals, source, rng.random() < UNDETECTED))
        detections.add(
            [(t, s) for _, mt, _, goals, s, off in chosen if not off for t in (mt, *goals)]
        )
        for name, mt, ways, goals, source, off in chosen:
            seen = {} if off else detections.seen
            describer = Describer(Segment(name, mt, source), seen.get((mt, source)))
            votes = Counter(bundle.edits for way in ways for bundle in way)
            done = set()
            for way, goal in zip(ways, goals, strict=True):
                new = [bundle for bundle in way if bundle.edits not in done]
                done |= {bundle.edits for bundle in new}
                if not new:
                    continue
                found = describer.describe(
                    describer.read(goal, seen.get((goal, source))),
                    new, [votes[bundle.edits] for bundle in new], len(rivals),
                )  # fmt: skip
                for row, bundle in zip(found, new, strict=True):
                    fixed = apply(mt, bundle.edits)
                    rows.append(row)
                    effects.append(effect(mt, fixed, references[name], chrf, known))
                    folds.append(place[name] * FOLDS // len(place))
                    names.append((mt_system, rivals, name, bundle.edits))
        print(f"{mt_system} <- {', '.join(rivals)}: {len(rows)} changes", flush=True)
    return np.array(rows), np.array(effects), np.array(folds), names


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, print crossed figures, write."""
    import lightgbm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--work", type=Path, default=Path("work/choice"))
    parser.add_argument("--each", type=int, default=EACH, help="segments of each pairing")
    parser.add_argument("--out", type=Path, default=HERE / "model.txt")
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    options.work.mkdir(parents=True, exist_ok=True)
    rows, effects, folds, names = collect(
        Path(options.corpora), Detections(options.work), options.each
    )
    better = (effects > 0.05).astype(int)
    print(f"{len(rows)} changes, {better.mean():.3f} help, {(effects < -0.05).mean():.3f} harm")

    def fit(chosen: np.ndarray):
        data = lightgbm.Dataset(
            rows[chosen], better[chosen], feature_name=[f"f{i}" for i in range(len(FEATURES))],
            categorical_feature=[0], free_raw_data=False,
        )  # fmt: skip
        return lightgbm.train(SETTINGS, data, TREES)

    said = np.zeros(len(rows))
    for fold in range(FOLDS):
        said[folds == fold] = fit(folds != fold).predict(rows[folds == fold])
    print("said   is     harm   changes")
    for low in np.arange(0, 1, 0.1):
        cell = (said >= low) & (said < low + 0.1)
        if cell.any():
            harm = (effects[cell] < -0.05).mean()
            print(f"{said[cell].mean():.3f}  {better[cell].mean():.3f}  {harm:.3f}  {cell.sum()}")
    whole = fit(np.ones(len(rows), bool))
    text = whole.model_to_string()
    options.out.write_text(text, "utf-8")
    with open(options.work / "crossed.pkl", "wb") as file:
        pickle.dump((said, effects, names), file)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    print(f"{options.out.name} {digest}, {len(text) / 1e6:.2f} MB, {time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
