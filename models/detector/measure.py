"""Development figures while training: word and gap MCC, average precision, Pearson."""

from __future__ import annotations

from collections.abc import Sequence

import examples
import numpy as np
import torch

from repair.encoder import Network, Pieces, collate


def has_bf16() -> bool:
    """Whether this CPU multiplies in bfloat16; elsewhere it would be far slower than float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and (
        "AVX512" in torch.backends.cpu.get_cpu_capability()
    )


def mcc(labels: np.ndarray, guesses: np.ndarray) -> float:
    """Matthews correlation of two boolean arrays."""
    tp = float((labels & guesses).sum())
    fp = float((~labels & guesses).sum())
    fn = float((labels & ~guesses).sum())
    tn = float((~labels & ~guesses).sum())
    below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / below**0.5 if below else 0.0


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """The threshold of a grid with the highest MCC, and that MCC."""
    grid = np.arange(0.02, 0.97, 0.01)
    values = [mcc(labels, scores > t) for t in grid]
    best = int(np.argmax(values))
    return float(grid[best]), float(values[best])


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """The area under the precision-recall curve, as a step function."""
    order = np.argsort(-scores, kind="stable")
    hits = labels[order].astype(float)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / max(1.0, hits.sum()))


def dev_set(shelf: examples.Shelf) -> list[dict]:
    """MLQE-PE dev with its whitespace tokens."""
    return [row for row in examples.mlqe_rows(shelf, "dev") if row["mt"].split()]


@torch.no_grad()
def logits_of(
    network: Network,
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]],
    near: Pieces,
    keep: np.ndarray | None = None,
    budget: int = 2400,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Word, gap and segment logits for pairs of source and mt tokens, in their order."""
    network.eval()

    def ids(token: str) -> list[int]:
        pieces = near.cut(token)
        return list(pieces) if keep is None else [int(keep[i]) for i in pieces]

    cut = [([i for w in src for i in ids(w)], [ids(w) for w in mt]) for src, mt in pairs]
    sizes = [len(src) + sum(map(len, mt)) + 4 for src, mt in cut]
    order = sorted(range(len(cut)), key=sizes.__getitem__)
    out: list = [None] * len(cut)
    while order:
        size = -(-sizes[order[-1]] // 8) * 8
        count = max(1, budget // size)
        chosen, order = order[-count:], order[:-count]
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
            words, gaps, segments = network(collate([cut[i] for i in chosen]))
        w = g = 0
        for row, i in enumerate(chosen):
            n = len(cut[i][1])
            out[i] = (
                words[w : w + n].float().numpy(),
                gaps[g : g + n + 1].float().numpy(),
                segments[row].float().numpy(),
            )
            w, g = w + n, g + n + 1
    return out


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def quick(
    network: Network, dev: Sequence[dict], near: Pieces, keep: np.ndarray | None
) -> dict[str, float]:
    """MCC at the best threshold, AP and Pearson on MLQE-PE dev, with and without the source."""
    figures = {}
    words = np.concatenate([row["tags"][1::2] for row in dev]).astype(bool)
    gaps = np.concatenate([row["tags"][0::2] for row in dev]).astype(bool)
    for name, sighted in (("source", True), ("blind", False)):
        pairs = [(row["src"].split() if sighted else [], row["mt"].split()) for row in dev]
        out = logits_of(network, pairs, near, keep)
        scores = _sigmoid(np.concatenate([w[:, 0] for w, _, _ in out]))
        holes = _sigmoid(np.concatenate([g[:, 0] for _, g, _ in out]))
        segments = np.stack([s for _, _, s in out])
        figures[f"{name}_mcc"] = best_threshold(words, scores)[1]
        figures[f"{name}_ap"] = average_precision(words, scores)
        figures[f"{name}_gap_mcc"] = best_threshold(gaps, holes)[1]
        hter = np.array([float(row["hter"]) for row in dev])
        figures[f"{name}_hter"] = float(np.corrcoef(hter, segments[:, 0])[0, 1])
        da = np.array([row["da"] for row in dev])
        known = ~np.isnan(da)
        figures[f"{name}_da"] = float(np.corrcoef(da[known], segments[known, 1])[0, 1])
    return {key: round(value, 4) for key, value in figures.items()}
