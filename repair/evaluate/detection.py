"""Arithmetic of detection: tags, spans, scores of segments, calibration; with bootstrap intervals.

Everything takes NumPy arrays or plain sequences and knows nothing of corpora or systems. Spans
are half-open ranges of code points; ``start == end`` is a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..core import ErrorSpan
from .metrics import SAMPLES, resamples

SEED = 12345


# ---- tags


def count_tags(
    gold: np.ndarray, flagged: np.ndarray, owner: np.ndarray, segments: int
) -> np.ndarray:
    """True and false positives, false and true negatives of each segment: segments x 4.

    ``owner`` is the index of the segment that each tag belongs to.
    """
    kinds = np.where(flagged, np.where(gold, 0, 1), np.where(gold, 2, 3))
    flat = np.bincount(owner * 4 + kinds, minlength=segments * 4)
    return flat.reshape(segments, 4).astype(np.float64)


def mcc(counts: np.ndarray) -> np.ndarray:
    """Matthews correlation of counts (..., 4); 0 where a row or column of the table is empty."""
    tp, fp, fn, tn = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    below = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return np.divide(tp * tn - fp * fn, below, out=np.zeros_like(below), where=below > 0)


def _ratio(above, below) -> np.ndarray:
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def f1_bad(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn, _ = np.moveaxis(np.asarray(counts), -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def f1_ok(counts: np.ndarray) -> np.ndarray:
    _, fp, fn, tn = np.moveaxis(np.asarray(counts), -1, 0)
    return _ratio(2 * tn, 2 * tn + fp + fn)


def tag_figures(counts: np.ndarray, *, samples: int = SAMPLES, seed: int = SEED) -> dict[str, Any]:
    """MCC, F1 of both classes, precision and recall of BAD, with the 95 % range of MCC and F1."""
    total = counts.sum(0)
    tp, fp, fn, _ = total
    figures = {
        "mcc": float(mcc(total)),
        "f1_bad": float(f1_bad(total)),
        "f1_ok": float(f1_ok(total)),
        "precision": float(_ratio(tp, tp + fp)),
        "recall": float(_ratio(tp, tp + fn)),
        "flagged": float(_ratio(tp + fp, total.sum())),
        "bad": float(_ratio(tp + fn, total.sum())),
        "tags": int(total.sum()),
    }
    if samples and len(counts):
        for name, figure in (("mcc", mcc), ("f1_bad", f1_bad)):
            low, high = interval(counts, figure, samples=samples, seed=seed)
            figures[f"{name}_low"], figures[f"{name}_high"] = low, high
    return figures


def interval(
    rows: np.ndarray,
    figure: Callable[[np.ndarray], np.ndarray],
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> tuple[float, float]:
    """The middle 95 % of a figure over resampled segments; ``figure`` takes summed rows."""
    drawn = np.sort(resample(rows, figure, samples=samples, seed=seed))
    cut = len(drawn) // 40
    return float(drawn[cut]), float(drawn[-1 - cut])


def resample(rows, figure, *, samples: int = SAMPLES, seed: int = SEED) -> np.ndarray:
    """The figure on every resample; the draws depend on the number of segments and the seed only,
    so that two systems are resampled alike and their difference is a paired one.
    """
    rows = np.asarray(rows, dtype=np.float64)
    return np.concatenate([figure(counts @ rows) for counts in resamples(len(rows), samples, seed)])


def best_threshold(gold: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the best MCC: what scores that or more is BAD.

    It lies halfway between the two scores it parts. Where flagging nothing is best it is above
    all scores.
    """
    gold, scores = np.asarray(gold, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not len(scores) or not gold.any():
        return _above(scores)
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], gold[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    tp = np.cumsum(hits)[last].astype(np.float64)
    flagged = (np.flatnonzero(last) + 1).astype(np.float64)
    bad = float(gold.sum())
    counts = np.stack([tp, flagged - tp, bad - tp, len(gold) - bad - (flagged - tp)], axis=-1)
    values = mcc(counts)
    best = int(np.argmax(values))
    if values[best] <= 0:
        return _above(scores)
    values_at = ranked[last]
    lower = values_at[best + 1] if best + 1 < len(values_at) else values_at[best] - 1e-6
    return float((values_at[best] + lower) / 2)


def _above(scores: np.ndarray) -> float:
    return float(max(1.0, scores.max(initial=0.0)) + 1e-6)


def average_precision(gold: np.ndarray, scores: np.ndarray) -> float:
    """Area under precision by recall, as scikit-learn computes it; ties count together."""
    gold, scores = np.asarray(gold, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not gold.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(gold[order])
    last = np.append(ranked[1:] != ranked[:-1], True)
    found, flagged = hits[last], np.flatnonzero(last) + 1
    recall = found / gold.sum()
    return float(np.sum(np.diff(recall, prepend=0.0) * found / flagged))


def precision_by_recall(
    gold: np.ndarray, scores: np.ndarray, points: int = 60
) -> list[list[float]]:
    """Pairs of recall and precision for a plot, at thresholds where either changes."""
    gold, scores = np.asarray(gold, dtype=bool), np.asarray(scores, dtype=np.float64)
    if not gold.any() or not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(gold[order])
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    if len(last) > points:
        last = last[np.unique(np.linspace(0, len(last) - 1, points).astype(int))]
    return [[float(hits[i] / gold.sum()), float(hits[i] / (i + 1))] for i in last]


# ---- spans


def span_figures(
    gold: Sequence[Sequence[tuple[int, int]]],
    found: Sequence[Sequence[tuple[int, int]]],
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """Precision, recall and F1 of spans by three rules, micro-averaged over all segments.

    ``exact``: same start and end. ``overlap``: a span counts that shares a character with one of
    the other side. ``partial``: by characters, so that each span earns as much as it covers; a gap
    counts as one character of its own.
    """
    rows = []
    for theirs, mine in zip(gold, found, strict=True):
        theirs, mine = sorted(set(theirs)), sorted(set(mine))
        units, flagged = _units(theirs), _units(mine)
        both = len(units & flagged)
        exact = len(set(theirs) & set(mine))
        rows.append(
            (
                exact, len(mine), exact, len(theirs),
                sum(_units([span]) & units != set() for span in mine), len(mine),
                sum(_units([span]) & flagged != set() for span in theirs), len(theirs),
                both, len(flagged), both, len(units),
            )
        )  # fmt: skip
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 12)
    total = table.sum(0)
    figures: dict[str, Any] = {"gold": int(total[3]), "found": int(total[1])}
    for index, name in enumerate(("exact", "overlap", "partial")):
        part = slice(4 * index, 4 * index + 4)
        figures[name] = dict(
            zip(("precision", "recall", "f1"), map(float, _span_f1(total[part])), strict=True)
        )
        if samples and len(table):
            low, high = interval(
                table[:, part], lambda sums: _span_f1(sums)[2], samples=samples, seed=seed
            )
            figures[name] |= {"f1_low": low, "f1_high": high}
    return figures


def _span_f1(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hits, found, met, gold = np.moveaxis(np.asarray(sums), -1, 0)
    precision, recall = _ratio(hits, found), _ratio(met, gold)
    return precision, recall, _ratio(2 * precision * recall, precision + recall)


def _units(spans: Iterable[tuple[int, int]]) -> set:
    """Characters that spans cover; a gap is a unit of its own kind."""
    units: set = set()
    for start, end in spans:
        units.update(range(start, end) if start < end else [(start,)])
    return units


def category_figures(
    gold: Sequence[Sequence[ErrorSpan]], found: Sequence[Sequence[ErrorSpan]]
) -> dict[str, dict[str, float]]:
    """By category: how much of the gold is flagged at all, and under its own name.

    ``recall`` and ``named`` are shares of the characters of the category's gold spans;
    ``precision`` is the share of the characters flagged under the name that have it in the gold.
    """
    tally: dict[str, np.ndarray] = {}

    def row(category: str) -> np.ndarray:
        return tally.setdefault(category, np.zeros(6))

    for theirs, mine in zip(gold, found, strict=True):
        flagged = _units((span.start, span.end) for span in mine)
        for category in {span.category for span in theirs} | {span.category for span in mine}:
            wanted = _units((s.start, s.end) for s in theirs if s.category == category)
            named = _units((s.start, s.end) for s in mine if s.category == category)
            row(category)[:] += (
                sum(span.category == category for span in theirs),
                sum(span.category == category for span in mine),
                len(wanted), len(wanted & flagged), len(wanted & named), len(named),
            )  # fmt: skip
    return {
        category: {
            "gold": int(spans),
            "found": int(mine),
            "recall": float(_ratio(met, wanted)),
            "named": float(_ratio(both, wanted)),
            "precision": float(_ratio(both, named)),
        }
        for category, (spans, mine, wanted, met, both, named) in sorted(
            tally.items(), key=lambda item: (-item[1][0], item[0])
        )
    }


# ---- scores of whole segments


def correlation(
    gold: Sequence[float], scores: Sequence[float], *, samples: int = SAMPLES, seed: int = SEED
) -> dict[str, Any]:
    """Pearson and Spearman with their 95 % ranges (Spearman's over the ranks of the whole set)."""
    x, y = np.asarray(gold, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    figures: dict[str, Any] = {"segments": len(x)}
    for name, (a, b) in (("pearson", (x, y)), ("spearman", (ranks(x), ranks(y)))):
        rows = np.stack([np.ones_like(a), a, b, a * a, b * b, a * b], axis=-1)
        figures[name] = float(_pearson(rows.sum(0)))
        if samples and len(x) > 2:
            low, high = interval(rows, _pearson, samples=samples, seed=seed)
            figures[f"{name}_low"], figures[f"{name}_high"] = low, high
    return figures


def _pearson(sums: np.ndarray) -> np.ndarray:
    n, a, b, aa, bb, ab = np.moveaxis(np.asarray(sums), -1, 0)
    spread = np.sqrt(np.maximum(n * aa - a * a, 0)) * np.sqrt(np.maximum(n * bb - b * b, 0))
    return np.divide(n * ab - a * b, spread, out=np.zeros_like(spread), where=spread > 1e-12)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


# ---- calibration


def reliability(
    confidence: Sequence[float], right: Sequence[bool], bins: int = 10
) -> dict[str, Any]:
    """How often what was said with a confidence was right: a table, and the expected gap.

    ``ece`` is the mean distance between confidence and truth over bins of equal width, weighted by
    their counts (Naeini et al., 2015); ``brier`` the mean squared error.
    """
    p, y = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    which = np.minimum((p * bins).astype(int), bins - 1)
    table = []
    for index in range(bins):
        inside = which == index
        if inside.any():
            table.append(
                {
                    "from": index / bins,
                    "to": (index + 1) / bins,
                    "count": int(inside.sum()),
                    "confidence": float(p[inside].mean()),
                    "right": float(y[inside].mean()),
                }
            )
    gaps = [row["count"] * abs(row["confidence"] - row["right"]) for row in table]
    return {
        "count": len(p),
        "ece": float(sum(gaps) / len(p)) if len(p) else 0.0,
        "brier": float(np.mean((p - y) ** 2)) if len(p) else 0.0,
        "table": table,
    }
