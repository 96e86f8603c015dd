"""Train the fixer's ranker and its confidence: ``python models/fixer/train.py --corpora FOLDER``.

The ranker learns from the edits of post-editors (MLQE-PE train, AFRL without its last 400): at each
place of an edit the candidates of the inventory, the editor's wording against the others. The
confidence learns, on development data (MLQE-PE dev, the last 400 of AFRL, outputs of weak systems of
newstest2021), whether the first candidate at a place that the detector suspects brings the segment
nearer to its post-edit or references; what is printed of it is crossed over segments. Prepared
examples are kept under ``--work``.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "detector"))

from examples import LAST_AFRL, Shelf, mlqe_rows

from repair import Segment, ngrams
from repair.propose.fixer import places
from repair.propose.inventory import Place, Reading, Words, candidates
from repair.propose.rank import DOUBTS, FEATURES, Ranker, describe, doubts

SEED, FOLDS = 3, 5
SPANS = 7000  # places of edits to learn from
OTHERS = 60  # candidates beside the right one that are kept, half of them the likeliest English
BLIND = 0.3  # share of places that are read without the source
NEWS = 700  # outputs of newstest2021
RANK = {
    "objective": "lambdarank", "learning_rate": 0.06, "num_leaves": 31, "min_data_in_leaf": 40,
    "feature_fraction": 0.6, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 3.0,
    "lambdarank_truncation_level": 8, "num_threads": 1, "verbose": -1, "seed": SEED,
    "deterministic": True, "force_row_wise": True,
}  # fmt: skip
TREES = 220
SURE = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 10, "min_data_in_leaf": 60,
    "feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 10.0,
    "num_threads": 1, "verbose": -1, "seed": SEED, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
SURE_TREES = 160


def edits(mt: Sequence[str], better: Sequence[str]) -> Iterator[tuple[Place, Words]]:
    """Places that were changed and their wording, one for each run without a word that stayed."""
    i = j = 0
    blocks = Levenshtein.opcodes(mt, better).as_matching_blocks() if mt and better else []
    for block in [*blocks, (len(mt), len(better), 0)]:
        if i < block[0] or j < block[1]:
            yield Place(i, block[0]), tuple(better[j : block[1]])
        i, j = block[0] + block[2], block[1] + block[2]


def texts(text: str) -> list[str]:
    return [word for word, _, _ in ngrams.words(text)]


def post_edits(shelf: Shelf, split: str) -> Iterator[tuple[str, str, str]]:
    """Source, MT and post-edit of ``train``, ``mlqe-dev`` or ``afrl-dev``."""
    if split in ("train", "mlqe-dev"):
        for row in mlqe_rows(shelf, "train" if split == "train" else "dev"):
            if split != "train" or shelf.allows(row["src"], row["mt"], row["pe"]):
                yield row["src"], row["mt"], row["pe"]
    if split in ("train", "afrl-dev"):
        rows = shelf.afrl()
        for row in rows[:-LAST_AFRL] if split == "train" else rows[-LAST_AFRL:]:
            if split != "train" or shelf.allows(row["src_ru"], row["mt"], row["pe"]):
                yield row["src_ru"], row["mt"], row["pe"]


def examples(shelf: Shelf, rng: random.Random):
    """Rows, labels and sizes of groups for the ranker."""
    spans = [
        (source, mt, place, gold)
        for source, mt, pe in post_edits(shelf, "train")
        for place, gold in edits(texts(mt), texts(pe))
        if len(gold) <= 4 and place.end - place.start <= 4
    ]
    rows, labels, groups = [], [], []
    known = total = 0
    for source, mt, place, gold in rng.sample(spans, min(SPANS, len(spans))):
        reading = Reading(Segment("", mt, None if rng.random() < BLIND else source))
        found = candidates(reading, place)
        total += 1
        if gold not in found:
            continue
        known += 1
        described = describe(reading, place, found)
        right = list(found).index(gold)
        likely = np.argsort(-described[:, 3])[: OTHERS // 2].tolist()
        some = rng.sample(range(len(found)), min(OTHERS // 2, len(found)))
        kept = sorted({right, *likely, *some})
        rows.append(described[kept])
        labels.append([int(k == right) for k in kept])
        groups.append(len(kept))
    print(f"{total} places, the editor's wording among the candidates of {known / total:.3f}")
    return np.concatenate(rows), np.concatenate(labels), groups


def developments(shelf: Shelf) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Name of the set, source, MT and targets of what the confidence is learned from."""
    found = []
    for name in ("mlqe-dev", "afrl-dev"):
        found += [(name, source, mt, (pe,)) for source, mt, pe in post_edits(shelf, name)]
    references = {
        r["id"]: tuple(x for x in (r["tgt_en"], r.get("tgt_en_B")) if x)
        for r in shelf.table("wmt_pairs/newstest2021_ruen")
    }
    outputs = [
        r for r in shelf.table("wmt_outputs/newstest2021.ruen_mt")
        if r["system"] in ("Online-Y", "Online-W", "AFRL", "Online-A")
    ]  # fmt: skip
    for row in random.Random(SEED).sample(outputs, NEWS):
        found.append(("newstest2021", row["src_ru"], row["mt"], references[row["id"]]))
    return found


def judged(shelf: Shelf, ranker: Ranker, work: Path, detector):
    """For each suspected place the doubts, whether the first candidate helps, and whence it is."""
    sets = developments(shelf)
    path = work / f"detections-{detector.config['sha256'][:8]}.pkl"
    if path.exists():
        seen = pickle.loads(path.read_bytes())
    else:
        seen = detector([Segment(str(i), mt, source) for i, (_, source, mt, _) in enumerate(sets)])
        path.write_bytes(pickle.dumps(seen))
    rows, helps, harms, origin = [], [], [], []
    for number, ((name, source, mt, targets), detection) in enumerate(zip(sets, seen, strict=True)):
        reading = Reading(Segment("", mt, source))
        goals = [texts(target) for target in targets]
        before = [Levenshtein.distance(reading.words, goal) for goal in goals]
        for place in places(reading, detection):
            found = candidates(reading, place)
            if not found:
                continue
            described = describe(reading, place, found)
            scores = ranker.rank(described)
            best = list(found)[int(np.argmax(scores))]
            fixed = [*reading.words[: place.start], *best, *reading.words[place.end :]]
            gains = [b - Levenshtein.distance(fixed, g) for b, g in zip(before, goals, strict=True)]
            rows.append(doubts(described, scores, place, detection, reading.offsets(place)))
            helps.append(max(gains) > 0 and min(gains) >= 0)
            harms.append(min(gains) < 0 and max(gains) <= 0)
            origin.append((name, number))
    return np.array(rows), np.array(helps), np.array(harms), origin


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print, write."""
    import lightgbm

    from repair.detect import Detector

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--work", type=Path, default=Path("work/fixer"))
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    options.work.mkdir(parents=True, exist_ok=True)
    shelf = Shelf(Path(options.corpora))
    cache = options.work / "examples.pkl"
    if cache.exists():
        rows, labels, groups = pickle.loads(cache.read_bytes())
    else:
        rows, labels, groups = examples(shelf, random.Random(SEED))
        cache.write_bytes(pickle.dumps((rows, labels, groups)))
    print(
        f"{len(groups)} places, {len(rows)} candidates, {time.time() - started:.0f} s", flush=True
    )
    data = lightgbm.Dataset(
        rows, labels, group=groups, feature_name=[f"f{i}" for i in range(len(FEATURES))]
    )
    model = lightgbm.train(RANK, data, TREES)
    (options.out / "order.txt").write_text(model.model_to_string(), "utf-8")
    print(f"ranker trained, {time.time() - started:.0f} s", flush=True)

    rows, helps, harms, origin = judged(shelf, Ranker(options.out), options.work, Detector())
    fold = np.array([number % FOLDS for _, number in origin])

    def sure(chosen: np.ndarray):
        names = [f"f{i}" for i in range(len(FEATURES) + len(DOUBTS))]
        data = lightgbm.Dataset(rows[chosen], helps[chosen].astype(int), feature_name=names)
        return lightgbm.train(SURE, data, SURE_TREES)

    said = np.zeros(len(rows))
    for k in range(FOLDS):
        said[fold == k] = sure(fold != k).predict(rows[fold == k])
    for name in dict.fromkeys(name for name, _ in origin):
        mine = np.array([name == other for other, _ in origin])
        print(f"{name}: {mine.sum()} places, first candidate helps {helps[mine].mean():.3f}, "
              f"harms {harms[mine].mean():.3f}")  # fmt: skip
        for low in np.arange(0, 1, 0.1):
            cell = mine & (said >= low) & (said < low + 0.1)
            if cell.any():
                print(f"  said {said[cell].mean():.3f}, helps {helps[cell].mean():.3f}, "
                      f"harms {harms[cell].mean():.3f}, {cell.sum()}")  # fmt: skip
    text = sure(np.ones(len(rows), bool)).model_to_string()
    (options.out / "confidence.txt").write_text(text, "utf-8")
    with open(options.work / "crossed.pkl", "wb") as file:
        pickle.dump((said, helps, harms, origin), file)
    print(f"done, {time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
