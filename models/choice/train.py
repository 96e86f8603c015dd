"""Fit the model of choice: ``python models/choice/train.py --corpora FOLDER``.

Data: newstest2021 (development). Outputs of the three weakest systems, two of the middle and one
strong one stand in for the MT and for hypotheses in all pairings, so that better and worse
hypotheses are seen; some segments are read without the source, and many, for the time that it
takes, without the detector. Each change is applied alone; it helps if token edits saved and chrF++ gained, taken together, are positive
against the references.

Trees learn which changes help, and weigh each by how much it does, for good or ill: an article is
not worth what a verb is. A logistic regression then turns their log-odds and the contrast of the
whole document into a probability, which is that of a change, whatever its weight. What is printed
is crossed twice: each fifth of the text is predicted by models that saw neither it nor, for the
document's part, any text of the two systems. Detections are kept under ``--work`` and made once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sacrebleu
from rapidfuzz.distance import Levenshtein
from repair.corpora.measure_hypotheses import _tsv, by_quality, read

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "detector"))

from examples import Shelf
from export import HeldOut

from repair import Segment, apply
from repair.align import tokens
from repair.propose.changes import cut
from repair.propose.judge import CONTRASTS, FEATURES, Describer, mean_contrast

HERE = Path(__file__).resolve().parent
EACH, DETECTED = 300, 220  # segments of each pairing, and how many of them the detector reads
SEED, FOLDS = 1, 5
BLIND, UNDETECTED = 0.12, 0.1  # shares of segments without a source, without detections
CHRF = 2.5  # points of chrF++ of a segment that weigh as much as one token edit
MOST = 4.0  # what a single change can weigh
DOCUMENTS = (1, 12, 200)  # sizes of documents that the logistic regression sees
SETTINGS = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 24, "min_data_in_leaf": 80,
    "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.5, "lambda_l2": 5.0,
    "num_threads": 1, "verbose": -1, "seed": SEED, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
TREES = 250


class Change(NamedTuple):
    """One change of a segment: of which systems, towards which of the texts, and its edits."""

    mt_system: str
    rivals: tuple[str, ...]
    segment: str
    rival: str
    edits: tuple
    whole: bool  # read with source and detector


class Detections:
    """Detections of texts, made once and kept in a file."""

    def __init__(self, work: Path, corpora: Path):
        self.detector = HeldOut(Shelf(corpora))
        key = json.dumps(self.detector.config, sort_keys=True).encode()  # weights and calibration
        self.path = work / f"detections-{hashlib.sha256(key).hexdigest()[:8]}.pkl"
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


class Examples:
    """What the models learn from: one row a change."""

    def __init__(self, corpora: Path):
        self.outputs, self.references = read(corpora)
        pairs = corpora / "wmt_pairs/newstest2021_ruen.tsv.xz"
        self.sources = {row["id"]: row["src_ru"] for row in _tsv(pairs)}
        self.systems = by_quality(self.outputs, self.references)
        half = len(self.systems) // 2
        self.weak = self.systems[:3]
        self.others = [*self.systems[half - 1 : half + 1], self.systems[-2]]
        self.place = {name: number for number, name in enumerate(self.references)}
        # The same sentences for every pairing, as far as they are there, so that few are detected.
        self.order = sorted(self.references, key=lambda i: hashlib.md5(i.encode()).digest())
        self.rows, self.effects, self.folds = [], [], []
        self.changes: list[Change] = []
        self.contrasts: dict[tuple[str, str, str], np.ndarray] = {}

    def groups(self) -> list[tuple[str, tuple[str, ...]]]:
        """MT system and its rivals."""
        weak, others = self.weak, self.others
        found = [(a, (b,)) for a in weak for b in others]
        found += [(b, (a,)) for b in others for a in weak]
        found += [(b, (c,)) for b in others for c in others if b != c]
        found += [(a, tuple(others[:count])) for a in weak for count in (2, 3)]
        return found + [(b, tuple(weak)) for b in others]

    def collect(self, detections: Detections, each: int, detected: int) -> None:
        """Fill rows, effects and folds."""
        chrf, known = sacrebleu.CHRF(word_order=2), {}
        for mt_system, rivals in self.groups():
            rng = random.Random(f"{SEED} {mt_system} {rivals}")
            there = [
                n for n in self.order if all(n in self.outputs[s] for s in (mt_system, *rivals))
            ]
            chosen = []
            share = 1 if len(rivals) == 1 else 2
            for number, name in enumerate(there[: each // share]):
                mt = self.outputs[mt_system][name]
                ways = [cut(mt, self.outputs[rival][name]) for rival in rivals]
                goals = [apply(mt, [e for bundle in way for e in bundle.edits]) for way in ways]
                source = None if rng.random() < BLIND else self.sources[name]
                off = rng.random() < UNDETECTED or number >= detected // share
                chosen.append((name, mt, ways, goals, source, off))
            detections.add(
                [(t, s) for _, mt, _, goals, s, off in chosen if not off for t in (mt, *goals)]
            )
            for name, mt, ways, goals, source, off in chosen:
                seen = {} if off else detections.seen
                describer = Describer(Segment(name, mt, source), seen.get((mt, source)))
                votes = Counter(bundle.edits for way in ways for bundle in way)
                done = set()
                for rival, way, goal in zip(rivals, ways, goals, strict=True):
                    read = describer.read(goal, seen.get((goal, source)))
                    if len(rivals) == 1:
                        self.contrasts[mt_system, rival, name] = describer.contrast(read)
                    new = [bundle for bundle in way if bundle.edits not in done]
                    done |= {bundle.edits for bundle in new}
                    found = describer.describe(
                        read, new, [votes[bundle.edits] for bundle in new], len(rivals)
                    )
                    for row, bundle in zip(found, new, strict=True):
                        fixed = apply(mt, bundle.edits)
                        self.rows.append(row)
                        self.effects.append(effect(mt, fixed, self.references[name], chrf, known))
                        self.folds.append(self.place[name] * FOLDS // len(self.place))
                        whole = source is not None and not off
                        self.changes.append(
                            Change(mt_system, rivals, name, rival, bundle.edits, whole)
                        )
            print(f"{mt_system} <- {', '.join(rivals)}: {len(self.rows)} changes", flush=True)

    def documents(self, size: int) -> np.ndarray:
        """(rows, contrasts) of the documents if they have ``size`` segments of those chosen."""
        pairings: dict[tuple[str, str], list[str]] = defaultdict(list)
        for mt_system, rival, name in self.contrasts:
            pairings[mt_system, rival].append(name)
        means = {}
        for (mt_system, rival), names in pairings.items():
            names.sort(key=self.place.__getitem__)
            for start in range(0, len(names), size):
                part = names[start : start + size]
                mean = mean_contrast([self.contrasts[mt_system, rival, n] for n in part])
                means.update({(mt_system, rival, n): mean for n in part})
        none = np.zeros(len(CONTRASTS))
        return np.array([means.get((c.mt_system, c.rival, c.segment), none) for c in self.changes])


def fit_trees(rows: np.ndarray, effects: np.ndarray):
    """Trees that tell helpful changes from others, each by its weight."""
    import lightgbm

    data = lightgbm.Dataset(
        rows, (effects > 0.05).astype(int), weight=np.minimum(np.abs(effects), MOST),
        feature_name=[f"f{i}" for i in range(len(FEATURES))], categorical_feature=[0],
    )  # fmt: skip
    return lightgbm.train(SETTINGS, data, TREES)


def fit_document(odds: np.ndarray, contrasts: Sequence[np.ndarray], better: np.ndarray):
    """(base, weight of the trees, weights of the contrasts), from rows at several document sizes."""
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([np.c_[odds, some] for some in contrasts])
    scale = rows.std(0) + 1e-9
    kept = np.ones(rows.shape[1], bool)
    while True:
        model = LogisticRegression(C=1.0, max_iter=300)
        model.fit((rows / scale)[:, kept], np.tile(better, len(contrasts)))
        weights = np.zeros(rows.shape[1])
        weights[kept] = model.coef_[0] / scale[kept]
        # What makes a hypothesis better cannot speak against it: such a weight is chance.
        if (weights >= 0).all():
            return float(model.intercept_[0]), float(weights[0]), weights[1:]
        kept &= weights > 0


def crossed(examples: Examples, odds: np.ndarray, better, folds) -> dict[int, np.ndarray]:
    """By size of document, probabilities from regressions without the fold and both systems."""
    contrasts = {size: examples.documents(size) for size in DOCUMENTS}
    mt = np.array([c.mt_system for c in examples.changes])
    rival = np.array([c.rival for c in examples.changes])
    said = {size: np.zeros(len(odds)) for size in DOCUMENTS}
    for fold in range(FOLDS):
        for system in dict.fromkeys(mt):
            mine = (mt == system) | (rival == system)
            kept = (folds != fold) & ~mine
            base, slope, weights = fit_document(
                odds[kept], [contrasts[size][kept] for size in DOCUMENTS], better[kept]
            )
            here = (folds == fold) & mine
            for size in DOCUMENTS:
                said[size][here] += (base + slope * odds + contrasts[size] @ weights)[here] / 2
    return {size: 1 / (1 + np.exp(-values)) for size, values in said.items()}


def print_reliability(said: np.ndarray, effects: np.ndarray) -> None:
    better = effects > 0.05
    error = 0.0
    print("said   is     harm   changes")
    for low in np.arange(0, 1, 0.1):
        cell = (said >= low) & (said < low + 0.1)
        if cell.any():
            harm = (effects[cell] < -0.05).mean()
            print(f"{said[cell].mean():.3f}  {better[cell].mean():.3f}  {harm:.3f}  {cell.sum()}")
            error += abs(said[cell].mean() - better[cell].mean()) * cell.mean()
    print(f"expected calibration error {error:.4f}")


def print_trial(examples: Examples, said: np.ndarray, title: str, pairings) -> None:
    """What is gained if all changes from a confidence on are applied, without the guard.

    Of the segments that were read with source and detector.
    """
    metric = sacrebleu.CHRF(word_order=2)
    offers: dict[tuple, list[tuple[float, tuple]]] = defaultdict(list)
    for change, value in zip(examples.changes, said, strict=True):
        if len(change.rivals) == 1 and change.whole:
            offers[change.mt_system, change.rival, change.segment].append((value, change.edits))
    keys = [key for key in offers if key[:2] in pairings]
    mts = [examples.outputs[a][n] for a, _, n in keys]
    references = [examples.references[n] for _, _, n in keys]
    streams = [[r[min(k, len(r) - 1)] for r in references] for k in (0, 1)]

    def figures(texts: list[str]) -> tuple[float, float]:
        wrong = total = 0.0
        for text, some in zip(texts, references, strict=True):
            mine = [text[a:b].lower() for a, b in tokens(text)]
            cut_ = [[r[a:b].lower() for a, b in tokens(r)] for r in some]
            wrong += min(Levenshtein.distance(mine, r) for r in cut_)
            total += float(np.mean([len(r) for r in cut_]))
        return metric.corpus_score(texts, streams).score, 100 * wrong / total

    def words(texts: list[str]) -> int:
        cuts = [
            [[t[a:b] for a, b in tokens(t)] for t in pair] for pair in zip(mts, texts, strict=True)
        ]
        return sum(Levenshtein.distance(*pair) for pair in cuts)

    def at(bar: float) -> list[str]:
        return [
            apply(mt, [e for value, edits in offers[key] if value >= bar for e in edits])
            for mt, key in zip(mts, keys, strict=True)
        ]

    before, whole = figures(mts), figures(at(0))
    every = words(at(0))
    print(f"{title}: {len(keys)} segments, chrF++ {before[0]:.2f}, token edits {before[1]:.2f}; "
          f"whole {whole[0] - before[0]:+.2f} {whole[1] - before[1]:+.2f}")  # fmt: skip
    for bar in (0.5, 0.56, 0.6, 0.65, 0.7, 0.8):
        texts = at(bar)
        after = figures(texts)
        gains = [(a - b) / (w - b) for a, b, w in zip(after, before, whole, strict=True)]
        print(f"  from {bar:.2f}: {after[0] - before[0]:+.2f} {after[1] - before[1]:+.2f}, of the gain "
              f"{gains[0]:+.2f} {gains[1]:+.2f}, of the words {words(texts) / every:.2f}")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, print crossed figures, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--work", type=Path, default=Path("work/choice"))
    parser.add_argument("--each", type=int, default=EACH, help="segments of each pairing")
    parser.add_argument("--detected", type=int, default=DETECTED, help="those with detections")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write to")
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    options.work.mkdir(parents=True, exist_ok=True)
    examples = Examples(Path(options.corpora))
    print("systems, weakest first:", ", ".join(examples.systems))
    examples.collect(
        Detections(options.work, Path(options.corpora)), options.each, options.detected
    )
    rows, effects = np.array(examples.rows), np.array(examples.effects)
    folds, better = np.array(examples.folds), effects > 0.05
    print(f"{len(rows)} changes, {better.mean():.3f} help, {(effects < -0.05).mean():.3f} harm, "
          f"{time.time() - started:.0f} s")  # fmt: skip
    odds = np.zeros(len(rows))
    for fold in range(FOLDS):
        trees = fit_trees(rows[folds != fold], effects[folds != fold])
        odds[folds == fold] = trees.predict(rows[folds == fold], raw_score=True)
    said = crossed(examples, odds, better, folds)
    from sklearn.metrics import roc_auc_score

    whole = np.array([change.whole for change in examples.changes])
    for size, values in said.items():
        area, seen = (roc_auc_score(better[m], values[m]) for m in (whole >= 0, whole))
        print(
            f"\ndocuments of {size}: area under the curve {area:.4f}, with all evidence {seen:.4f}"
        )
        print_reliability(values, effects)
    middle = examples.systems[len(examples.systems) // 2]
    for size in DOCUMENTS[1:]:
        print(f"\ndocuments of {size}")
        forward = {(a, middle) for a in examples.weak}
        print_trial(examples, said[size], f"{', '.join(examples.weak)} <- {middle}", forward)
        for a in examples.weak:
            print_trial(examples, said[size], f"swapped, {middle} <- {a}", {(middle, a)})
    contrasts = [examples.documents(size) for size in DOCUMENTS]
    base, slope, weights = fit_document(odds, contrasts, better)
    table = {"base": round(base, 4), "trees": round(slope, 4)}
    limits = np.abs(np.concatenate(contrasts)).max(0)
    for key, values in (("contrasts", weights), ("limits", limits)):
        table[key] = dict(zip(CONTRASTS, values.round(4).tolist(), strict=True))
    files = {"model.txt": fit_trees(rows, effects).model_to_string(),
             "document.json": json.dumps(table, indent=1) + "\n"}  # fmt: skip
    for name, text in files.items():
        (options.out / name).write_text(text, "utf-8")
    with open(options.work / "crossed.pkl", "wb") as file:
        pickle.dump((said, effects, examples.changes), file)
    write_sums(options.out)
    print(f"{sum(map(len, files.values())) / 1e6:.2f} MB, {time.time() - started:.0f} s")
    return 0


def write_sums(folder: Path) -> None:
    """Write the checksums of what ships."""
    names = [n for n in ("README.md", "document.json", "model.txt") if (folder / n).is_file()]
    sums = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
