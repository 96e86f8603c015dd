"""Figures of a detector on development data while training, and on all sets at the end.

``python models/detector/measure.py`` measures the shipped folder and writes ``eval.json``.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import examples
import numpy as np
import torch

from repair import Segment, align
from repair.detect import Detector
from repair.detect.encoder import Network, Pieces, collate
from repair.evaluate.baselines import close_system, make_system
from repair.facts import Facts

HERE = Path(__file__).resolve().parent
SAMPLES = 1000


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


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function."""
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
        scores = sigmoid(np.concatenate([w[:, 0] for w, _, _ in out]))
        holes = sigmoid(np.concatenate([g[:, 0] for _, g, _ in out]))
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


# --- The shipped folder on all sets --------------------------------------------------------------


def raw_of(detector: Detector, rows: Sequence[dict], *, sighted: bool) -> list:
    """Logits for tokenised rows, one entry a row."""
    segments = [
        Segment(str(i), row["mt"], row["src"] if sighted else None) for i, row in enumerate(rows)
    ]
    return detector._logits(segments, [align.whitespace_tokens(row["mt"]) for row in rows])


def good_news(shelf: examples.Shelf, count: int) -> dict[str, list[str]]:
    """Every n-th sentence of good English news and prose, ``count`` of each collection."""
    found = {}
    for name in ("bbc", "brown"):
        rows = shelf.table(f"english/sentences/{name}")
        found[name] = [row["sentence"] for row in rows[:: max(1, len(rows) // count)][:count]]
    return found


def raw_news(detector: Detector, news: dict[str, list[str]]) -> list:
    """Logits for sentences without a source."""
    texts = [text for some in news.values() for text in some]
    segments = [Segment(str(i), text) for i, text in enumerate(texts)]
    return detector._logits(segments, [align.tokens(text) for text in texts])


def with_range(
    figure: Callable[[np.ndarray], float], segments: int, samples: int = SAMPLES
) -> dict[str, float]:
    """A figure over segment indices with its 95 % bootstrap range over segments."""
    draw = np.random.default_rng(12345)
    values = [figure(draw.integers(0, segments, segments)) for _ in range(samples)]
    low, high = np.percentile(values, [2.5, 97.5])
    value = figure(np.arange(segments))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def tag_figure(
    labels: Sequence[np.ndarray], scores: Sequence[np.ndarray], threshold: float
) -> dict[str, float]:
    """MCC over all tags at a threshold, with its range."""
    counts = np.array(
        [
            [(g & f).sum(), (~g & f).sum(), (g & ~f).sum(), (~g & ~f).sum()]
            for g, f in ((g, s > threshold) for g, s in zip(labels, scores, strict=True))
        ],
        float,
    )

    def figure(chosen: np.ndarray) -> float:
        tp, fp, fn, tn = counts[chosen].sum(0)
        below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return float((tp * tn - fp * fn) / below**0.5) if below else 0.0

    tp, fp, fn, _ = counts.sum(0)
    found = {"mcc": with_range(figure, len(counts)), "threshold": threshold}
    found["precision"] = round(float(tp / max(1, tp + fp)), 4)
    found["recall"] = round(float(tp / max(1, tp + fn)), 4)
    found["flagged"] = round(float((tp + fp) / counts.sum()), 4)
    found["ap"] = round(average_precision(np.concatenate(labels), np.concatenate(scores)), 4)
    return found


def pearson_figure(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Pearson's r with its range."""
    return with_range(lambda chosen: float(np.corrcoef(x[chosen], y[chosen])[0, 1]), len(x))


def measure_tags(detector: Detector, rows: Sequence[dict]) -> dict[str, dict]:
    """Word and gap MCC at both thresholds, and Pearson where HTER or DA is known."""
    found = {}
    for name, sighted in (("source", True), ("blind", False)):
        segments = [
            Segment(str(i), row["mt"], row["src"] if sighted else None)
            for i, row in enumerate(rows)
        ]
        places = [align.whitespace_tokens(row["mt"]) for row in rows]
        out = detector.detect(segments, places)
        limits = detector.thresholds(sighted=sighted)
        figures: dict = {}
        for kind, start in (("words", 1), ("gaps", 0)):
            labels = [np.array(row["tags"][start::2], bool) for row in rows]
            scores = [np.array(getattr(d, kind)) for d in out]
            for which in ("mcc", "default"):
                key = kind if which == "mcc" else f"{kind}_default"
                figures[key] = tag_figure(labels, scores, limits[kind][which])
            # With the best threshold of the other half of this set: other texts want other ones.
            halves = [
                best_threshold(np.concatenate(labels[k::2]), np.concatenate(scores[k::2]))[0]
                for k in (1, 0)
            ]
            shifted = [s - halves[i % 2] for i, s in enumerate(scores)]
            figures[f"{kind}_crossed"] = tag_figure(labels, shifted, 0.0)
        for key in ("hter", "da"):
            gold = np.array([float(row.get(key, "nan")) for row in rows])
            known = ~np.isnan(gold)
            if known.any():
                mine = np.array([getattr(d.quality, key) for d in out])
                figures[key] = pearson_figure(gold[known], mine[known])
        found[name] = figures
    return found


def afrl_rows(shelf: examples.Shelf) -> list[dict]:
    """The last 400 AFRL rows, tokenised, with tags from mt against post-edit."""
    rows = []
    for row in shelf.afrl()[-examples.LAST_AFRL :]:
        mt, pe = examples.cut(row["mt"]), examples.cut(row["pe"])
        words, gaps, _, _ = examples.compare(mt, pe)
        tags = [False] * (2 * len(mt) + 1)
        tags[1::2], tags[0::2] = [bool(w) for w in words], [bool(g) for g in gaps]
        rows.append({"src": row["src_ru"], "mt": " ".join(mt), "tags": tags})
    return [row for row in rows if row["mt"]]


def measure_news(detector: Detector, shelf: examples.Shelf, count: int = 400) -> dict[str, dict]:
    """Shares of words and gaps flagged, and of sentences with a finding, at the defaults."""
    found = {}
    for name, texts in good_news(shelf, count).items():
        out = detector([Segment(str(i), text) for i, text in enumerate(texts)])
        limits = detector.thresholds(sighted=False)
        words = [np.array(d.words) > limits["words"]["default"] for d in out]
        sizes = np.array([[w.sum(), len(w)] for w in words], float)
        found[name] = {
            "words_flagged": with_range(
                lambda c, sizes=sizes: float(sizes[c, 0].sum() / sizes[c, 1].sum()), len(sizes)
            ),
            "sentences_flagged": round(float(np.mean([bool(d.findings) for d in out])), 4),
        }
    return found


def measure_planted(detector: Detector, shelf: examples.Shelf) -> dict[str, dict]:
    """Critical errors of DEMETR found at 5 % false alarms on the unperturbed translations.

    A planted error counts as found if a word or gap within one token of the difference is above
    the threshold that flags 5 % of the words of the unperturbed. The second figure takes whole
    segments: their highest word against the threshold that flags 5 % of unperturbed segments. With
    the source, the third counts what `repair.facts` reports at the place as found, too, as in a run of both.
    """
    rows = [
        row
        for row in shelf.table("demetr/demetr_ruen_even")
        if row["severity"] == "critical" and row["mt"] != row["perturbed"]
    ]
    clean = {row["mt"]: row["src_ru"] for row in rows}
    found, facts = {}, Facts()
    for name, sighted in (("source", True), ("blind", False)):
        good = detector([Segment("c", mt, s if sighted else None) for mt, s in clean.items()])
        words = np.sort(np.concatenate([d.words for d in good]))
        limit = float(words[int(len(words) * 0.95)])
        tops = np.sort([max((*d.words, 0.0)) for d in good])
        segment_limit = float(tops[int(len(tops) * 0.95)])
        out = detector(
            [Segment("p", row["perturbed"], row["src_ru"] if sighted else None) for row in rows]
        )
        hits, whole, both = defaultdict(list), defaultdict(list), defaultdict(list)
        checked: list = [()] * len(rows)
        if sighted:
            checked = facts([Segment("p", row["perturbed"], row["src_ru"]) for row in rows])
        for row, d, reported in zip(rows, out, checked, strict=True):
            text, near = row["perturbed"], set()
            mt = [text[a:b] for a, b in d.tokens]
            best = 0.0
            words, gaps, _, _ = examples.compare(mt, examples.cut(row["mt"]))
            for i, label in enumerate(words):
                if label:
                    near |= {*range(max(0, i - 1), i + 2)}
                    best = max(best, *d.words[max(0, i - 1) : i + 2], *d.gaps[i : i + 2])
            for i, label in enumerate(gaps):
                if label:
                    near |= {max(0, i - 1), i}
                    best = max(best, d.gaps[i], *d.words[max(0, i - 1) : i + 1])
            hits[row["type"]].append(best > limit)
            spots = [d.tokens[i] for i in sorted(near) if i < len(d.tokens)]
            told = any(
                f.span.start <= end and start <= f.span.end
                for f in reported for start, end in spots
            )  # fmt: skip
            both[row["type"]].append(best > limit or told)
            whole[row["type"]].append(max((*d.words, 0.0)) > segment_limit)
        every = np.concatenate([hits[k] for k in sorted(hits)]).astype(float)
        wide = np.concatenate([whole[k] for k in sorted(whole)]).astype(float)
        found[name] = {
            "recall_at_5_percent_of_words": with_range(lambda c, e=every: e[c].mean(), len(every)),
            "recall_at_5_percent_of_segments": with_range(lambda c, e=wide: e[c].mean(), len(wide)),
            "by_type": {k: round(float(np.mean(v)), 3) for k, v in sorted(hits.items())},
        }
        if sighted:
            joined = np.concatenate([both[k] for k in sorted(both)]).astype(float)
            found[name]["with_facts"] = with_range(lambda c, e=joined: e[c].mean(), len(joined))
            alarms = facts([Segment("c", mt, s) for mt, s in clean.items()])
            found[name]["clean_segments_reported_by_facts"] = sum(map(bool, alarms)) / len(clean)
            found[name]["with_facts_by_type"] = {
                k: round(float(np.mean(v)), 3) for k, v in sorted(both.items())
            }
    return found


def character_f1(gold: Sequence[set[int]], mine: Sequence[set[int]]) -> dict[str, float]:
    """F1 over characters in spans: partial overlap earns partial credit."""
    counts = np.array(
        [[len(g & m), len(g), len(m)] for g, m in zip(gold, mine, strict=True)], float
    )

    def figure(chosen: np.ndarray) -> float:
        both, g, m = counts[chosen].sum(0)
        return float(2 * both / (g + m)) if g + m else 0.0

    return with_range(figure, len(counts))


def measure_spans(detector: Detector, shelf: examples.Shelf) -> dict[str, dict]:
    """Span F1 over characters on the held-out quarter of BioMQM, and what doing nothing gives.

    One of the thresholds is the best of 400 rows of the other three quarters, drawn evenly, which the
    detector has seen in training.
    """
    every = [r for r in examples.read_mqm(shelf, "biomqm_ruen") if not r.get("human")]
    held = examples.biomqm_held_out(every)
    rows = [row for row in every if row["src"] in held]
    gold = [_marked(row) for row in rows]
    out = detector.detect([Segment(str(i), r["mt"], r["src"]) for i, r in enumerate(rows)])
    found = {"segments": len(rows), "characters_marked": round(_share(gold, rows), 4)}
    limits = detector.thresholds(sighted=True)["words"]
    known = [row for row in every if row["src"] not in held]
    known = known[:: max(1, len(known) // 400)][:400]  # of all texts and raters: they differ
    seen = detector.detect([Segment(str(i), r["mt"], r["src"]) for i, r in enumerate(known)])
    right = [_marked(row) for row in known]
    tried = {
        float(t): character_f1(right, _flagged(known, seen, t))["value"]
        for t in np.arange(0.01, 0.5, 0.01)
    }
    best = max(tried, key=lambda t: tried[t])
    found["trained_threshold"] = round(best, 2)
    for key, threshold in (*limits.items(), ("trained", best)):
        found[f"threshold_{key}"] = character_f1(gold, _flagged(rows, out, threshold))
    found["everything"] = character_f1(gold, [set(range(len(r["mt"]))) for r in rows])
    found["nothing"] = character_f1(gold, [set() for _ in rows])
    return found


def measure_languagetool(shelf: examples.Shelf) -> dict[str, float]:
    """Span F1 over characters of LanguageTool with every rule on the held-out quarter of BioMQM."""
    system = make_system("languagetool")
    every = [r for r in examples.read_mqm(shelf, "biomqm_ruen") if not r.get("human")]
    held = examples.biomqm_held_out(every)
    rows = [row for row in every if row["src"] in held]
    try:
        found = system.stage([Segment(str(i), r["mt"], r["src"]) for i, r in enumerate(rows)])
    finally:
        close_system(system)
    mine = [{c for f in fs for c in range(f.span.start, f.span.end)} for fs in found]
    return character_f1([_marked(row) for row in rows], mine)


def _marked(row: dict) -> set[int]:
    return {c for span in row["spans"] for c in range(span["start"], span["end"])}


def _flagged(rows: Sequence[dict], out: Sequence, threshold: float) -> list[set[int]]:
    mine = []
    for row, d in zip(rows, out, strict=True):
        tags = [False] * (2 * len(d.tokens) + 1)
        tags[1::2] = [p > threshold for p in d.words]
        spans = align.tags_to_spans(row["mt"], d.tokens, tags)
        mine.append({c for a, b in spans for c in range(a, b)})
    return mine


def _share(gold: Sequence[set[int]], rows: Sequence[dict]) -> float:
    return sum(map(len, gold)) / sum(len(row["mt"]) for row in rows)


def main() -> int:
    """Measure and write ``eval.json``; parts that are named are renewed, the others kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--out", type=Path, default=HERE / "eval.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("parts", nargs="*", default=["dev", "test20", "afrl", "news"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shelf = examples.Shelf(options.corpora)
    detector = Detector(options.folder, threads=options.threads)

    @functools.cache
    def held_out() -> Detector:
        """For sets that the trees have seen."""
        from export import HeldOut

        return HeldOut(shelf, options.folder, threads=options.threads)

    def tags(split: str, judge: Detector = detector) -> dict:
        return measure_tags(judge, [r for r in examples.mlqe_rows(shelf, split) if r["mt"]])

    known = {
        "dev": lambda: tags("dev", held_out()),
        "test20": lambda: tags("test20"),
        "afrl": lambda: measure_tags(held_out(), afrl_rows(shelf)),
        "news": lambda: measure_news(detector, shelf),
        "demetr": lambda: measure_planted(detector, shelf),
        "biomqm": lambda: measure_spans(detector, shelf),
        "languagetool": lambda: measure_languagetool(shelf),
    }
    for part in options.parts:
        started = time.time()
        figures = known[part]()
        print(part, round(time.time() - started, 1), "s", json.dumps(figures), flush=True)
        found = json.loads(options.out.read_text()) if options.out.exists() else {}
        if found.get("signature") != detector.signature:
            found = {"signature": detector.signature}
        found[part] = figures
        options.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
