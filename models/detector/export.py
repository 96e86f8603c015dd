"""Write the shipped folder: packed weights, tokenizer, and a configuration calibrated on dev."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import examples
import measure
import numpy as np
import torch
from safetensors.torch import save

from repair.detect import SCHEMA, Detector
from repair.detect.encoder import Network, pack

PRECISION = 0.4  # of words at the default threshold, on development data
FALSE_ALARMS = 0.02  # of words of good news, at most
NEWS = 250  # sentences of each collection of good news


def logistic(logits: np.ndarray, labels: np.ndarray) -> list[float]:
    """Slope and intercept of the logistic fit of labels on logits, by Newton's method."""
    x = np.stack([logits.astype(np.float64), np.ones(len(logits))], 1)
    w = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        w -= np.linalg.solve(curve, x.T @ (p - labels))
    return [round(float(v), 5) for v in w]


def scaled(logits: np.ndarray, weights: list[float]) -> np.ndarray:
    """Probabilities of logits after calibration."""
    return measure.sigmoid(weights[0] * logits + weights[1])


def line(x: np.ndarray, y: np.ndarray) -> list[float]:
    """Slope and intercept of the least-squares line."""
    return [round(float(v), 5) for v in np.polyfit(x, y, 1)]


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
    """Pack, calibrate on development data, and write the folder ``out``."""
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
    path = out / "config.json"

    def write() -> None:
        text = json.dumps(config, ensure_ascii=False, indent=1) + "\n"
        path.write_text(text, encoding="utf-8")

    write()
    told = calibration_set(shelf)
    dev = measure.dev_set(shelf)
    hter = np.array([float(row["hter"]) for row in dev])
    da = np.array([row["da"] for row in dev])
    news = measure.good_news(shelf, NEWS)
    detector = Detector(out, threads=torch.get_num_threads())
    for name, condition in conditions.items():
        raw = measure.raw_of(detector, [vars(one) for one in told], sighted=name == "source")
        whole = np.stack([r.whole for r in raw[: len(dev)]])
        known = ~np.isnan(da)
        fit = condition["calibration"]
        fit["hter"] = line(1 / (1 + np.exp(-whole[:, 0])), hter)
        fit["da"] = line(whole[known, 1], da[known])
        for kind in ("words", "gaps"):
            labels = {one.name: [] for one in told}
            logits = {one.name: [] for one in told}
            for one, r in zip(told, raw, strict=True):
                labels[one.name].append(getattr(one, kind))
                logits[one.name].append(getattr(r, kind)[:, 0])
            gold = {key: np.concatenate(values) for key, values in labels.items()}
            seen = {key: np.concatenate(values) for key, values in logits.items()}
            every = np.concatenate(list(gold.values())), np.concatenate(list(seen.values()))
            fit[kind] = logistic(every[1], every[0])
            scores = {key: scaled(values, fit[kind]) for key, values in seen.items()}
            limit = condition["thresholds"][kind]
            limit["mcc"] = round(measure.best_threshold(gold["mlqe"] > 0.5, scores["mlqe"])[0], 2)
            limit["default"] = default_threshold(every[0] > 0.5, scaled(every[1], fit[kind]))
            for key in gold:
                wrong = gold[key] > 0.5
                flagged = scores[key] > limit["default"]
                print(
                    f"{name} {kind} {key}: wrong {gold[key].mean():.3f}, said {scores[key].mean():.3f},"
                    f" AP {measure.average_precision(wrong, scores[key]):.3f}, MCC at its best"
                    f" {measure.best_threshold(wrong, scores[key])[1]:.3f}, at MLQE-PE dev's threshold"
                    f" {measure.mcc(wrong, scores[key] > limit['mcc']):.3f}; default flags"
                    f" {flagged.mean():.4f}, right {wrong[flagged].mean() if flagged.any() else 0:.3f}"
                )
    calm = measure.raw_news(detector, news)
    for kind in ("words", "gaps"):
        for condition in conditions.values():
            fit = conditions["blind"]["calibration"][kind]
            scores = np.sort(scaled(np.concatenate([getattr(r, kind)[:, 0] for r in calm]), fit))
            share = FALSE_ALARMS if kind == "words" else FALSE_ALARMS / 8
            enough = float(scores[int(len(scores) * (1 - share))])
            if condition is conditions["blind"] or kind == "gaps":
                limit = condition["thresholds"][kind]
                limit["default"] = round(min(0.95, max(limit["default"], enough)), 3)
    write()
