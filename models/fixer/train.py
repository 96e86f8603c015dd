"""Train the fixer's models: ``python models/fixer/train.py --corpora FOLDER``.

The order of candidates is learned from the edits of post-editors (MLQE-PE train, AFRL without its
last 400): at each place of an edit the editor's wording against the other candidates. The chance
that a candidate is the editor's wording is learned from the same places, each ranked by a model that
did not see its half. The confidence is learned on development data (MLQE-PE dev, the last 400 of AFRL,
outputs of weak systems of newstest2021): whether a candidate at a place that the detector
suspects brings the segment nearer to its post-edit or references, with the source and without; what is
printed of it is crossed over segments. Prepared examples and detections are kept under ``--work``, so that a run that was cut
off goes on; ``--confidence`` trains the last part alone, as after a change of the detector.
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
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "detector"))

from examples import Shelf, post_edits
from export import HeldOut
from repair.corpora.measure_fixer import edits, texts
from repair.models import seal

from repair import Segment
from repair.evaluate.metrics import Comparison
from repair.propose.fixer import places
from repair.propose.infill import Infiller
from repair.propose.inventory import Reading, candidates
from repair.propose.rank import (
    CHANCES,
    DOUBTS,
    FEATURES,
    Ranker,
    chances,
    describe,
    doubts,
    scored,
)

SEED, FOLDS = 3, 5
SPANS = 12_000  # places of edits to learn from, at most
OTHERS = 120  # candidates beside the right one that are kept, a third of them the likeliest
DOUBT = 0.2  # error probability from which on a place teaches the confidence
PARITY = 0  # of the rows that teach the order; the others teach the infilling model
BLIND = 0.3  # share of places that are read without the source
NEWS = 700  # outputs of newstest2021
RANK = {
    "objective": "lambdarank", "learning_rate": 0.08, "num_leaves": 31, "min_data_in_leaf": 40,
    "feature_fraction": 0.6, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 3.0,
    "lambdarank_truncation_level": 8, "num_threads": 1, "verbose": -1, "seed": SEED,
    "deterministic": True, "force_row_wise": True,
}  # fmt: skip
TREES = 150
SURE = {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 10, "min_data_in_leaf": 60,
    "feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 10.0,
    "num_threads": 1, "verbose": -1, "seed": SEED, "deterministic": True, "force_row_wise": True,
}  # fmt: skip
SURE_TREES = 160
TRIED = 3  # candidates of a place that the chance and the confidence learn from
BARS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def examples(
    shelf: Shelf, rng: random.Random, detector, infiller
) -> list[tuple[np.ndarray, int, int]]:
    """For each place the features of its candidates, the index of the right one or -1, its fold."""
    spans = [
        (number, source, mt, place, gold)
        for number, (source, mt, pe) in enumerate(post_edits(shelf, "train"))
        if number % 2 == PARITY
        for place, gold in edits(texts(mt), texts(pe))
        if place.end - place.start <= 5
    ]
    made = []
    spans = rng.sample(spans, min(SPANS, len(spans)))
    segments = [Segment("", mt, None if rng.random() < BLIND else source)
                for _, source, mt, _, _ in spans]  # fmt: skip
    different = list(dict.fromkeys(segments))
    seen = dict(zip(different, detector(different), strict=True))
    readings = {one: Reading(one, infiller, seen[one].states) for one in different}
    infiller.remember([(readings[one], span[3]) for one, span in zip(segments, spans, strict=True)])
    for (number, _, _, place, gold), segment in zip(spans, segments, strict=True):
        reading = readings[segment]
        found = candidates(reading, place)
        if found:
            right = list(found).index(gold) if gold in found else -1
            made.append(
                (describe(reading, place, found).astype(np.float16), right, number // 2 % 2)
            )
    return made


def order(made: Sequence[tuple[np.ndarray, int, int]]):
    """The ranker learned from places, each with its right candidate and some of the others.

    In two rounds: against the likeliest and random ones, then against those that the first ranker
    puts on top, and fewer random ones.
    """
    import lightgbm

    rng = random.Random(SEED)
    known = [(described, right) for described, right, _ in made if right >= 0]
    model = None
    for hard, some in ((OTHERS // 3, OTHERS * 2 // 3), (OTHERS // 2, OTHERS // 2)):
        rows, labels, groups = [], [], []
        for described, right in known:
            described = described.astype(np.float32)
            likely = described[:, 3] if model is None else model.predict(described, num_threads=1)
            top = np.argsort(-likely, kind="stable")[:hard].tolist()
            drawn = rng.sample(range(len(described)), min(some, len(described)))
            kept = sorted({right, *top, *drawn})
            rows.append(described[kept])
            labels += [int(k == right) for k in kept]
            groups.append(len(kept))
        names = [f"f{i}" for i in range(len(FEATURES))]
        data = lightgbm.Dataset(np.concatenate(rows), labels, group=groups, feature_name=names)
        model = lightgbm.train(RANK, data, TREES)
    return model


def chance(made: Sequence[tuple[np.ndarray, int, int]]):
    """The model of being right, learned from places that the ranker did not see."""
    import lightgbm

    rows, labels = [], []
    for fold in (0, 1):
        model = order([one for one in made if one[2] != fold])
        for described, right, mine in made:
            if mine == fold:
                described = described.astype(np.float32)
                scores = scored(model, described)
                chosen = np.argsort(-scores, kind="stable")[:TRIED]
                rows.append(chances(described, scores, chosen))
                labels.append(chosen == right)
    names = [f"f{i}" for i in range(len(FEATURES) + len(CHANCES))]
    first = np.mean([label[0] for label in labels])
    print(f"first candidate right at {first:.3f} of {len(labels)} places", flush=True)
    labels = np.concatenate(labels).astype(int)
    data = lightgbm.Dataset(np.concatenate(rows), labels, feature_name=names)
    return lightgbm.train(SURE, data, SURE_TREES)


def developments(shelf: Shelf) -> list[tuple[str, str | None, str, tuple[str, ...]]]:
    """Name of the set, source, MT and targets of what the confidence is learned from.

    Everything twice: with the source, then, in the same order, without.
    """
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
    return found + [(f"{name}, without source", None, *rest) for name, _, *rest in found]


def judged(sets: Sequence[tuple], ranker: Ranker, work: Path, detector, infiller):
    """For each suspected place the doubts, whether the first candidate helps or harms, and the edit.

    An edit is the number of its segment, the place and the wording. It helps if it saves token
    edits to one target and costs none to another.
    """
    key = hashlib.sha256(json.dumps([detector.signature, detector.config]).encode()).hexdigest()
    path = work / f"detections-{key[:8]}-{len(sets)}.pkl"
    if path.exists():
        seen = pickle.loads(path.read_bytes())
    else:
        seen = detector([Segment(str(i), mt, source) for i, (_, source, mt, _) in enumerate(sets)])
        path.write_bytes(pickle.dumps(seen))
    rows, helps, harms, made = [], [], [], []
    readings = [
        Reading(Segment("", mt, source), infiller, detection.states)
        for (_, source, mt, _), detection in zip(sets, seen, strict=True)
    ]
    infiller.remember(
        [(r, place) for r, d in zip(readings, seen, strict=True) for place in places(r, d, DOUBT)]
    )
    for number, ((*_, targets), detection) in enumerate(zip(sets, seen, strict=True)):
        reading = readings[number]
        goals = [texts(target) for target in targets]
        before = [Levenshtein.distance(reading.words, goal) for goal in goals]
        for place in places(reading, detection, DOUBT):
            found = candidates(reading, place)
            if not found:
                continue
            described = describe(reading, place, found)
            scores = ranker.rank(described)
            chosen = np.argsort(-scores, kind="stable")[:TRIED]
            right = ranker.right(described, scores, chosen)
            asked = chances(described, scores, chosen)
            rows.append(doubts(asked, right, place, detection, reading.offsets(place)))
            options = list(found)
            for k in chosen:
                wording = options[k]
                fixed = [*reading.words[: place.start], *wording, *reading.words[place.end :]]
                gains = [
                    b - Levenshtein.distance(fixed, g) for b, g in zip(before, goals, strict=True)
                ]
                helps.append(max(gains) > 0 and min(gains) >= 0)
                harms.append(min(gains) < 0 and max(gains) <= 0)
                made.append((number, place, wording))
    return np.concatenate(rows), np.array(helps), np.array(harms), made


def applied(name: str, sets: Sequence[tuple], said, helps, harms, done) -> None:
    """Print what it does to apply the first candidates above a bar, where they do not meet."""
    mine = [number for number, one in enumerate(sets) if one[0] == name]
    words = {number: texts(sets[number][2]) for number in mine}
    targets = [tuple(" ".join(texts(t)) for t in sets[number][3]) for number in mine]
    before = [" ".join(words[number]) for number in mine]
    clean = {n for n, b, t in zip(mine, before, targets, strict=True) if b in t}
    by_segment: dict[int, list[int]] = {}
    for k in np.argsort(-said, kind="stable"):
        by_segment.setdefault(done[k][0], []).append(int(k))
    for bar in BARS:
        after, chosen, hurt = [], [], 0
        for number in mine:
            taken: list[int] = []
            for k in by_segment.get(number, ()):
                place = done[k][1]
                apart = all(
                    place.end < done[o][1].start or done[o][1].end < place.start for o in taken
                )
                if said[k] >= bar and apart:
                    taken.append(k)
            fixed = list(words[number])
            for k in sorted(taken, key=lambda k: -done[k][1].start):
                fixed[done[k][1].start : done[k][1].end] = done[k][2]
            hurt += bool(taken) and number in clean
            chosen += taken
            after.append(" ".join(fixed))
        if not chosen:
            continue
        scores = Comparison(after, targets, before, tokenized=True, metrics=("TER",)).scores(200)
        print(f"  applied at {bar:.2f}: {len(chosen)} edits in {len(mine)} segments, towards "
              f"{helps[chosen].mean():.3f}, away {harms[chosen].mean():.3f}; TER "
              f"{scores[0].baseline:.2f} to {scores[0].value:.2f} (p {scores[0].p_value:.3f}); "
              f"{hurt} of {len(clean)} clean segments changed")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print, write."""
    import lightgbm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--work", type=Path, default=Path("work/fixer"))
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--confidence", action="store_true",
                        help="train the confidence alone, as after a change of the detector")  # fmt: skip
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    options.work.mkdir(parents=True, exist_ok=True)
    shelf = Shelf(Path(options.corpora))
    detector, infiller = HeldOut(shelf, keep_states=True), Infiller()
    cache = options.work / "examples.pkl"
    if cache.exists():
        made = pickle.loads(cache.read_bytes())
    else:
        made = examples(shelf, random.Random(SEED), detector, infiller)
        cache.write_bytes(pickle.dumps(made))
    known = sum(right >= 0 for _, right, _ in made)
    print(f"{len(made)} places, the editor's wording among the candidates of "
          f"{known / len(made):.3f}, {time.time() - started:.0f} s", flush=True)  # fmt: skip
    if not options.confidence:
        for name, model in (("order", order(made)), ("chance", chance(made))):
            (options.out / f"{name}.txt").write_text(model.model_to_string(), "utf-8")
        print(f"ranker trained, {time.time() - started:.0f} s", flush=True)

    sets = developments(shelf)
    rows, helps, harms, done = judged(sets, Ranker(options.out), options.work, detector, infiller)
    print(f"{len(rows)} candidates at suspected places, {time.time() - started:.0f} s", flush=True)
    # A segment is in the same fold with and without its source.
    fold = np.array([number % (len(sets) // 2) % FOLDS for number, _, _ in done])

    def sure(chosen: np.ndarray):
        names = [f"f{i}" for i in range(len(FEATURES) + len(DOUBTS))]
        data = lightgbm.Dataset(rows[chosen], helps[chosen].astype(int), feature_name=names)
        return lightgbm.train(SURE, data, SURE_TREES)

    said = np.zeros(len(rows))
    for k in range(FOLDS):
        said[fold == k] = sure(fold != k).predict(rows[fold == k])
    for name in dict.fromkeys(name for name, *_ in sets):
        mine = np.array([sets[number][0] == name for number, _, _ in done])
        print(f"{name}: {mine.sum()} candidates, help {helps[mine].mean():.3f}, "
              f"harms {harms[mine].mean():.3f}")  # fmt: skip
        for low in np.arange(0, 1, 0.1):
            cell = mine & (said >= low) & (said < low + 0.1)
            if cell.any():
                print(f"  said {said[cell].mean():.3f}, helps {helps[cell].mean():.3f}, "
                      f"harms {harms[cell].mean():.3f}, {cell.sum()}")  # fmt: skip
        applied(name, sets, said, helps, harms, done)
    text = sure(np.ones(len(rows), bool)).model_to_string()
    (options.out / "confidence.txt").write_text(text, "utf-8")
    with open(options.work / "crossed.pkl", "wb") as file:
        pickle.dump((said, helps, harms, done), file)
    seal(options.out, ["order.txt", "chance.txt", "confidence.txt"])
    print(f"done, {time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
