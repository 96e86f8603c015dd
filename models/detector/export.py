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

from repair.detect import SCHEMA, Detector, evidence
from repair.detect.encoder import Network, pack

PRECISION = 0.4  # of words at the default threshold, on development data
FALSE_ALARMS = 0.02  # of words of good news, at most
NEWS = 250  # sentences of each collection of good news


def logistic(features: np.ndarray, labels: np.ndarray, ridge: float = 3.0) -> list[float]:
    """Weights of the logistic fit of labels on features, by Newton's method with a little ridge."""
    x = features.astype(np.float64)
    w = np.zeros(x.shape[1])
    w[0] = 1.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = x.T @ (p - labels) + ridge * w
        curve = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(w))
        w -= np.linalg.solve(curve, slope)
    return [round(float(v), 5) for v in w]


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


def write_model(
    network: Network,
    recipe: dict,
    shelf: examples.Shelf,
    tokenizer: Path,
    keep: np.ndarray,
    out: Path,
) -> None:
    """Pack, calibrate on MLQE-PE dev and good news, and write the folder ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    weights = network.state_dict()
    weights["pieces.weight"] = weights["pieces.weight"][torch.from_numpy(keep).long()]
    data = save(pack(weights))
    (out / "model.safetensors").write_bytes(data)
    if tokenizer.resolve() != (out / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer, out / "tokenizer.json")
    alone = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    plain = {"words": alone, "gaps": alone, "hter": [1.0, 0.0], "da": [1.0, 0.0]}
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
    dev = measure.dev_set(shelf)
    words = np.concatenate([row["tags"][1::2] for row in dev]).astype(bool)
    gaps = np.concatenate([row["tags"][0::2] for row in dev]).astype(bool)
    hter = np.array([float(row["hter"]) for row in dev])
    da = np.array([row["da"] for row in dev])
    news = measure.good_news(shelf, NEWS)
    detector = Detector(out, threads=torch.get_num_threads())
    for name, condition in conditions.items():
        raw = measure.raw_of(detector, dev, sighted=name == "source")
        whole = np.stack([r.whole for r in raw])
        known = ~np.isnan(da)
        fit = condition["calibration"]
        fit["hter"] = line(1 / (1 + np.exp(-whole[:, 0])), hter)
        fit["da"] = line(whole[known, 1], da[known])
        for kind, labels in (("words", words), ("gaps", gaps)):
            features = np.concatenate([evidence(r, kind) for r in raw])
            fit[kind] = logistic(features, labels)
            scores = measure.sigmoid(features @ np.array(fit[kind]))
            limit = condition["thresholds"][kind]
            limit["mcc"] = round(measure.best_threshold(labels, scores)[0], 2)
            limit["default"] = default_threshold(labels, scores)
            alone = measure.best_threshold(labels, measure.sigmoid(features[:, 0]))[1]
            joint = measure.mcc(labels, scores > limit["mcc"])
            print(f"{name} {kind}: dev MCC {alone:.3f} of the logit alone, {joint:.3f} calibrated")
    calm = measure.raw_news(detector, news)
    for kind in ("words", "gaps"):
        for condition in conditions.values():
            fit = np.array(conditions["blind"]["calibration"][kind])
            features = np.concatenate([evidence(r, kind) for r in calm])
            scores = np.sort(measure.sigmoid(features @ fit))
            share = FALSE_ALARMS if kind == "words" else FALSE_ALARMS / 8
            enough = float(scores[int(len(scores) * (1 - share))])
            if condition is conditions["blind"] or kind == "gaps":
                limit = condition["thresholds"][kind]
                limit["default"] = round(min(0.95, max(limit["default"], enough)), 3)
    write()
