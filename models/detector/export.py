"""Write the shipped folder: packed weights, tokenizer, and what is fitted on development data.

    python models/detector/export.py [--folder models/detector] [--corpora FOLDER]

fits calibration, thresholds and the trees over the evidence (`repair.detect.evidence`) of a folder
anew, as is needed when the phrase memory or the counts are other ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import examples
import lightgbm
import measure
import numpy as np
import torch
from repair.models import seal
from safetensors.torch import save

from repair import Segment, align
from repair.detect import SCHEMA, Detector, evidence, summary
from repair.detect.encoder import Network, pack

PRECISION = 0.4  # of words at the default threshold, on development data
FALSE_ALARMS = 0.02  # of words of good news, at most
NEWS = 250  # sentences of each collection of good news
FOLDS = 5
ROUNDS = {"words": 100, "gaps": 80}  # chosen by folds, as are the settings
SETTINGS = {
    "objective": "cross_entropy",
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 20,
    "seed": 1,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
}
# What makes a word likelier right must never make it likelier wrong (-1), and the other way round (1).
DIRECTIONS = {
    "log-odds of the network": 1,
    "log-odds of the word before": 1,
    "log-odds of the word after": 1,
    "lexicon: best share of the word": -1,
    "lexicon: best share of its forms": -1,
    "lexicon: second best share of its forms": -1,
    "lexicon: best share, less far from the diagonal": -1,
    "lexicon: log of all shares": -1,
    "phrase memory: best share of a phrase with one of its forms": -1,
    "likeness in letters to a name or unknown word of the source": -1,
    "linked to a word of the source": -1,
    "source words that nothing renders, between the words that the neighbours render": 1,
    "share of source words near that nothing renders": 1,
    "share of all source words that nothing renders": 1,
}
RIDGE = 20.0
SEALED = ["config.json", "gaps.txt", "model.safetensors", "tokenizer.json", "words.txt"]


def logistic(logits: np.ndarray, labels: np.ndarray) -> list[float]:
    """Slope and intercept of the logistic fit of labels on logits, by Newton's method."""
    x = np.stack([logits.astype(np.float64), np.ones(len(logits))], 1)
    w = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        w -= np.linalg.solve(curve, x.T @ (p - labels))
    return [round(float(v), 5) for v in w]


def line(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Slope and intercept of the least-squares line."""
    return [round(float(v), 5) for v in np.polyfit(x, y, 1)]


def weighted(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Weights of the columns and an intercept, by ridge regression."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = (x - mean) / spread
    slopes = np.linalg.solve(z.T @ z + RIDGE * np.eye(z.shape[1]), z.T @ (y - y.mean())) / spread
    return [round(float(v), 6) for v in (*slopes, y.mean() - mean @ slopes)]


def trees(
    rows: Sequence[np.ndarray], labels: Sequence[np.ndarray], start: Sequence[np.ndarray], kind: str
) -> lightgbm.Booster:
    """Trees over the evidence that add to log-odds ``start`` what makes the labels likelier."""
    columns = getattr(evidence, kind.upper())
    names = [name.replace(":", "") for name in columns]
    data = lightgbm.Dataset(
        np.concatenate(rows), np.concatenate(labels), init_score=np.concatenate(start),
        feature_name=[name.replace(",", "").replace(" ", "_") for name in names],
    )  # fmt: skip
    directions = [DIRECTIONS.get(name, 0) for name in columns]
    return lightgbm.train(SETTINGS | {"monotone_constraints": directions}, data, ROUNDS[kind])


def crossed(rows, labels, start, sources: Sequence[str], kind: str) -> list[np.ndarray]:
    """``start`` with what trees add that have not seen the source, in five folds of sources."""
    place, found = folds_of(sources), list(start)
    for fold, model in enumerate(held_out(rows, labels, start, sources, kind)):
        for i, source in enumerate(sources):
            if place[examples.letters(source)] == fold:
                found[i] = start[i] + model.predict(rows[i], raw_score=True)
    return found


def left_out(rows, labels, start, told: Sequence[Told], kind: str) -> list[np.ndarray]:
    """``start`` with what trees add that have seen the other sets alone."""
    found = list(start)
    for name in dict.fromkeys(one.name for one in told):
        seen = [i for i, one in enumerate(told) if one.name != name]
        model = trees(*([x[i] for i in seen] for x in (rows, labels, start)), kind)
        for i, one in enumerate(told):
            if one.name == name:
                found[i] = start[i] + model.predict(rows[i], raw_score=True)
    return found


def read(detector: Detector, told: Sequence[Told], *, sighted: bool) -> tuple[list, list]:
    """The network's logits and, with the source, the evidence of each translation."""
    segments = [Segment("", one.mt, one.src if sighted else None) for one in told]
    places = [align.whitespace_tokens(one.mt) for one in told]
    raw = detector._logits(segments, places)
    return raw, detector._evidence(segments, places, raw)


def folds_of(sources: Sequence[str]) -> dict[str, int]:
    """A fold for the letters of each source, whatever its tokenisation."""
    return {one: k % FOLDS for k, one in enumerate(dict.fromkeys(map(examples.letters, sources)))}


def held_out(rows, labels, start, sources: Sequence[str], kind: str) -> list[lightgbm.Booster]:
    """For each fold of sources, trees that have seen all the others."""
    place, found = folds_of(sources), []
    for fold in range(FOLDS):
        seen = [i for i, source in enumerate(sources) if place[examples.letters(source)] != fold]
        found.append(trees(*([x[i] for i in seen] for x in (rows, labels, start)), kind))
    return found


class HeldOut(Detector):
    """The detector with trees that have not seen the source of what they judge.

    What is learned from its detections on development data would trust it too much otherwise.
    """

    def __init__(self, shelf: examples.Shelf, folder: Path | None = None, **settings):
        super().__init__(folder, **settings)
        told = calibration_set(shelf)
        raw, seen = read(self, told, sighted=True)
        fit = self.config["conditions"]["source"]["calibration"]
        sources = [one.src for one in told]
        self._place = folds_of(sources)
        self._all, self._held = self._trees, [{} for _ in range(FOLDS)]
        for kind in self._all:
            labels = [getattr(one, kind) for one in told]
            start = [
                fit[kind][0] * getattr(r, kind)[:, 0].astype(float) + fit[kind][1] for r in raw
            ]
            rows = [getattr(e, kind) for e in seen]
            for fold, model in enumerate(held_out(rows, labels, start, sources, kind)):
                self._held[fold][kind] = model

    @property
    def signature(self) -> str:
        return super().signature + "|held-out"

    def detect(self, segments, tokens=None):
        """As the detector, with the trees of each segment's fold."""
        fold = [self._place.get(examples.letters(s.source or ""), FOLDS) for s in segments]
        found: list = [None] * len(segments)
        for k, chosen in enumerate((*self._held, self._all)):
            mine = [i for i, which in enumerate(fold) if which == k]
            self.__dict__["_trees"] = chosen
            some = [segments[i] for i in mine]
            cut = None if tokens is None else [tokens[i] for i in mine]
            for i, detection in zip(mine, super().detect(some, cut), strict=True):
                found[i] = detection
        return found


def default_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The lowest threshold of a grid from which on the precision is at least `PRECISION`."""
    for t in np.arange(0.2, 0.9, 0.01):
        flagged = scores > t
        if flagged.sum() < 10 or labels[flagged].mean() >= PRECISION:
            return round(float(t), 2)
    return 0.9


@dataclasses.dataclass(frozen=True)
class Told:
    """A translation with labels, for calibration; a label is the share of judges against it."""

    name: str
    src: str
    mt: str
    words: np.ndarray
    gaps: np.ndarray


def calibration_set(shelf: examples.Shelf) -> list[Told]:
    """Development data of three kinds, so that a probability means about the same on each.

    MLQE-PE dev; the last 400 of AFRL; 600 outputs of newstest2021, judged by the other systems and
    the reference.
    """
    found = []
    for name, rows in (("mlqe", measure.dev_set(shelf)), ("afrl", measure.afrl_rows(shelf))):
        for row in rows:
            tags = np.array(row["tags"], float)
            found.append(Told(name, row["src"], row["mt"], tags[1::2], tags[0::2]))
    news = list(examples.consensus(shelf, ("2021",), training=False))
    for one in news[:: max(1, len(news) // 600)][:600]:
        words, gaps = np.asarray(one.words, float), np.asarray(one.gaps, float)
        found.append(Told("newstest2021", " ".join(one.source), " ".join(one.mt), words, gaps))
    return found


def write_model(
    network: Network,
    recipe: dict,
    shelf: examples.Shelf,
    tokenizer: Path,
    keep: np.ndarray,
    out: Path,
) -> None:
    """Pack the weights, write the folder ``out``, and `calibrate` it."""
    out.mkdir(parents=True, exist_ok=True)
    weights = network.state_dict()
    weights["pieces.weight"] = weights["pieces.weight"][torch.from_numpy(keep).long()]
    data = save(pack(weights))
    (out / "model.safetensors").write_bytes(data)
    if tokenizer.resolve() != (out / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer, out / "tokenizer.json")
    plain = {"words": [1.0, 0.0], "gaps": [1.0, 0.0], "hter": [1.0, 0.0], "da": [1.0, 0.0]}
    limits = {kind: {"default": 0.5, "mcc": 0.5} for kind in ("words", "gaps")}
    conditions = {
        name: {"calibration": dict(plain), "thresholds": {k: dict(v) for k, v in limits.items()}}
        for name in ("source", "blind")
    }
    config = {
        "schema": SCHEMA,
        "name": recipe["export"]["name"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "shape": dataclasses.asdict(
            dataclasses.replace(network.shape, vocabulary=len(keep)),
        ),
        "categories": list(examples.CATEGORIES),
        "severities": list(examples.SEVERITIES),
        "conditions": conditions,
    }
    _write(out, config)
    calibrate(out, shelf)


def _write(out: Path, config: dict) -> None:
    text = json.dumps(config, ensure_ascii=False, indent=1) + "\n"
    (out / "config.json").write_text(text, encoding="utf-8")


def calibrate(out: Path, shelf: examples.Shelf) -> None:
    """Fit calibration, thresholds and trees of a folder on development data, and write them.

    Thresholds and the figures, which go to ``eval.json``, are those of trees that have not seen the
    source (five folds); the trees that are written have seen all. ``left_out`` are figures of trees
    that have not seen the set that they are asked about.
    """
    config = json.loads((out / "config.json").read_text("utf-8"))
    config.pop("evidence", None)
    _write(out, config)
    detector = Detector(out, threads=torch.get_num_threads())
    told = calibration_set(shelf)
    dev = measure.dev_set(shelf)
    hter = np.array([float(row["hter"]) for row in dev])
    da = np.array([row["da"] for row in dev])
    known = ~np.isnan(da)
    figures: dict = {}
    digests = {}
    for name, condition in config["conditions"].items():
        sighted = name == "source"
        raw, seen = read(detector, told, sighted=sighted)
        fit = condition["calibration"]
        known_of = np.stack([summary(r, e) for r, e in zip(raw, seen, strict=True)])[: len(dev)]
        fit["hter"] = weighted(known_of, hter)
        fit["da"] = line(np.array([r.whole[1] for r in raw[: len(dev)]])[known], da[known])
        figures[name] = {"hter": _crossed_pearson(known_of, hter)}
        for kind in ("words", "gaps"):
            labels = [getattr(one, kind) for one in told]
            logits = [getattr(r, kind)[:, 0].astype(float) for r in raw]
            fit[kind] = logistic(np.concatenate(logits), np.concatenate(labels))
            scores = [fit[kind][0] * x + fit[kind][1] for x in logits]
            if sighted:
                rows, sources = [getattr(e, kind) for e in seen], [one.src for one in told]
                model = trees(rows, labels, scores, kind).model_to_string()
                (out / f"{kind}.txt").write_text(model, "utf-8", newline="\n")
                digests[kind] = hashlib.sha256(model.encode("utf-8")).hexdigest()
                figures[name][f"{kind}_alone"] = _by_set(told, labels, scores)
                figures[name][f"{kind}_left_out"] = _by_set(
                    told, labels, left_out(rows, labels, scores, told, kind)
                )
                scores = crossed(rows, labels, scores, sources, kind)
            figures[name][kind] = _by_set(told, labels, scores)
            chances = [measure.sigmoid(x) for x in scores]
            mine = [i for i, one in enumerate(told) if one.name == "mlqe"]
            gold, said = (np.concatenate([x[i] for i in mine]) for x in (labels, chances))
            limit = condition["thresholds"][kind]
            limit["mcc"] = round(measure.best_threshold(gold > 0.5, said)[0], 2)
            every = np.concatenate(labels) > 0.5, np.concatenate(chances)
            limit["default"] = default_threshold(*every)
    blind = config["conditions"]["blind"]
    calm = measure.raw_news(detector, measure.good_news(shelf, NEWS))
    for kind in ("words", "gaps"):
        slope, intercept = blind["calibration"][kind]
        logits = np.concatenate([getattr(r, kind)[:, 0] for r in calm])
        scores = np.sort(measure.sigmoid(slope * logits + intercept))
        share = FALSE_ALARMS if kind == "words" else FALSE_ALARMS / 8
        enough = float(scores[int(len(scores) * (1 - share))])
        for condition in config["conditions"].values():
            if condition is blind or kind == "gaps":
                limit = condition["thresholds"][kind]
                limit["default"] = round(min(0.95, max(limit["default"], enough)), 3)
    config["evidence"] = digests
    _write(out, config)
    found = {"signature": Detector(out).signature, "crossed": figures}
    (out / "eval.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    seal(out, SEALED)
    print(json.dumps(figures, indent=1))


def _crossed_pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of what `weighted` estimates for rows that it has not seen, in five folds."""
    guess = np.zeros(len(y))
    for fold in range(FOLDS):
        held = np.arange(len(y)) % FOLDS == fold
        weights = np.array(weighted(x[~held], y[~held]))
        guess[held] = x[held] @ weights[:-1] + weights[-1]
    return round(float(np.corrcoef(guess, y)[0, 1]), 4)


def _by_set(told: Sequence[Told], labels, scores) -> dict[str, dict[str, float]]:
    """Average precision and MCC at the best threshold on each development set."""
    found = {}
    for name in dict.fromkeys(one.name for one in told):
        mine = [i for i, one in enumerate(told) if one.name == name]
        gold, said = (np.concatenate([x[i] for i in mine]) for x in (labels, scores))
        chances = measure.sigmoid(said)
        found[name] = {
            "ap": round(measure.average_precision(gold > 0.5, chances), 4),
            "mcc_at_its_best": round(measure.best_threshold(gold > 0.5, chances)[1], 4),
            "wrong": round(float(gold.mean()), 4),
            "said": round(float(chances.mean()), 4),
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit a folder's calibration, thresholds and trees anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).resolve().parent
    parser.add_argument("--folder", type=Path, default=here)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    torch.set_num_threads(options.threads)
    calibrate(options.folder, examples.Shelf(options.corpora))
    return 0


if __name__ == "__main__":
    sys.exit(main())
