"""Measures a system on a corpus: does it find the errors, do its edits help, what does it break.

This is the only module that puts references, post-edits and human marks beside what a system
said. Thresholds are tuned on development data and applied as they are; a choice that looks at the
reference is reported under the name *oracle* and nowhere else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..align import Token, spans_to_tags, tags_to_spans, tokens
from ..core import RepairError
from . import detection
from .effects import repair_figures
from .metrics import SAMPLES
from .planted import planted_figures
from .systems import Output, System


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What scores at least that much is BAD; ``tuned_on`` names the data, or says how it was set."""

    words: float
    gaps: float
    tuned_on: str


@dataclass(frozen=True)
class Evaluation:
    """The figures of one system on one corpus, as nested dicts, and how they came about."""

    corpus: str
    use: str
    system: str
    signature: str
    segments: int
    results: dict[str, Any]
    notes: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """A figure by its dotted path, such as ``words.mcc`` or ``repair.post_edit.TER.change``."""
        value: Any = self.results
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RepairError(
                f"{self.corpus} gives no figure {name!r} for {self.system}.",
                mend=f"It gives {', '.join(sorted(_paths(self.results)))}.",
            )
        return float(value)

    def to_json(self) -> dict[str, Any]:
        """Everything, for ``json.dump``."""
        return {
            "corpus": self.corpus,
            "use": self.use,
            "system": self.system,
            "signature": self.signature,
            "segments": self.segments,
            "results": self.results,
            "notes": list(self.notes),
            "environment": self.environment,
        }


def _paths(tree: dict, before: str = "") -> list[str]:
    found = []
    for key, value in tree.items():
        if isinstance(value, dict):
            found += _paths(value, f"{before}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(f"{before}{key}")
    return found


def run_system(
    system: System, corpus, progress: Callable[[int], None] = lambda done: None
) -> tuple[list[Output], float]:
    """The outputs of a system and the seconds that it took; it sees no reference."""
    started, outputs = time.perf_counter(), []
    for output in system.outputs(corpus):
        outputs.append(output)
        progress(1)
    if len(outputs) != len(corpus):
        raise RepairError(f"{system.name}: {len(corpus)} segments in, {len(outputs)} outputs.")
    return outputs, time.perf_counter() - started


def tune(corpus, outputs: Sequence[Output]) -> Thresholds | None:
    """The thresholds with the best MCC for words and for gaps; ``None`` without gold tags."""
    table = _Tags.collect(corpus, outputs)
    if table is None:
        return None
    words, gaps = (
        detection.best_threshold(part.gold, part.scores)
        if set(np.unique(part.scores)) - {0.0, 1.0}
        else 0.5  # OK or BAD: there is nothing to tune
        for part in (table.words, table.gaps)
    )
    return Thresholds(words, gaps, corpus.name)


def measure(
    corpus,
    system: System,
    outputs: Sequence[Output],
    *,
    thresholds: Thresholds | None = None,
    seconds: float | None = None,
    samples: int = SAMPLES,
    workers: int = 1,
) -> Evaluation:
    """All figures that the corpus has gold for. Without thresholds 0.5 is used, and said."""
    from .environment import describe_environment, peak_memory_mb

    if not len(corpus):
        raise RepairError(f"{corpus.name} has no segments.")
    thresholds = thresholds or Thresholds(0.5, 0.5, "none: 0.5")
    results: dict[str, Any] = {}
    notes = list(getattr(corpus, "notes", ()))
    table = _Tags.collect(corpus, outputs)
    if table is not None:
        results |= _detection(corpus, outputs, table, thresholds, samples)
        if thresholds.tuned_on == corpus.name:
            notes.append("The thresholds were tuned on this very set, which flatters them.")
    results |= planted_figures(corpus, outputs)
    repair = repair_figures(corpus, outputs, samples, workers)
    sentence = _sentence(corpus, outputs, repair.pop("hter_of_segments", None), samples)
    if sentence:
        results["sentence"] = sentence
    if repair:
        results["repair"] = repair
    if seconds is not None:
        results["speed"] = {
            "seconds": seconds,
            "segments_per_second": len(corpus) / seconds if seconds else math.inf,
            "peak_memory_mb": peak_memory_mb(),
        }
    return Evaluation(
        corpus.name,
        corpus.use,
        system.name,
        system.signature,
        len(corpus),
        results,
        tuple(notes),
        describe_environment(),
    )


# ---- detection


@dataclass
class _Part:
    """Flat arrays over all segments: gold tags, scores, and whose they are."""

    gold: np.ndarray
    scores: np.ndarray
    owner: np.ndarray


@dataclass
class _Tags:
    """Gold tags beside a system's scores, and each segment's words."""

    places: list[tuple[Token, ...] | None]
    tags: list[tuple[bool, ...] | None]
    words: _Part
    gaps: _Part

    @classmethod
    def collect(cls, corpus, outputs: Sequence[Output]) -> _Tags | None:
        places, tags = [], []
        parts: tuple[list, list] = ([], [])
        for index, (segment, gold, output) in enumerate(
            zip(corpus.segments, corpus.gold, outputs, strict=True)
        ):
            spots, marks = gold_tags(segment, gold)
            places.append(spots)
            tags.append(marks)
            if marks is None:
                continue
            scores = output.scores_at(segment.mt, spots)
            for part, truth, score in zip(parts, (marks[1::2], marks[::2]), scores, strict=True):
                part.append((np.array(truth, dtype=bool), score, np.full(len(truth), index)))
        if not parts[0]:
            return None
        flat = [_Part(*(np.concatenate(column) for column in zip(*p, strict=True))) for p in parts]
        return cls(places, tags, *flat)


def gold_tags(segment, gold) -> tuple[tuple[Token, ...] | None, tuple[bool, ...] | None]:
    """The words of a segment and their tags; made from marked spans where there are only those."""
    if gold.tags is not None:
        return gold.places, gold.tags
    if gold.spans is None or gold.planted is not None:
        return None, None
    places = tuple(tokens(segment.mt))
    return places, tuple(spans_to_tags(places, [(span.start, span.end) for span in gold.spans]))


def _detection(corpus, outputs, table: _Tags, thresholds: Thresholds, samples: int) -> dict:
    count = len(corpus)
    flags = [
        part.scores >= threshold
        for part, threshold in (
            (table.words, thresholds.words),
            (table.gaps, thresholds.gaps),
        )
    ]
    counts = [
        detection.count_tags(part.gold, flagged, part.owner, count)
        for part, flagged in zip((table.words, table.gaps), flags, strict=True)
    ]
    results: dict[str, Any] = {}
    for name, rows, part, threshold in (
        ("words", counts[0], table.words, thresholds.words),
        ("gaps", counts[1], table.gaps, thresholds.gaps),
    ):
        results[name] = {
            **detection.tag_figures(rows, samples=samples),
            "average_precision": detection.average_precision(part.gold, part.scores),
            "threshold": threshold,
        }
    results["words+gaps"] = detection.tag_figures(counts[0] + counts[1], samples=samples)
    results["thresholds"] = {"tuned_on": thresholds.tuned_on}
    own = _own_tags(corpus, outputs, table)
    if own is not None:
        results["own"] = {
            name: detection.tag_figures(rows, samples=0)
            for name, rows in zip(("words", "gaps"), own, strict=True)
        }
    if table.words.gold.any():
        results["spans"] = _spans(corpus, outputs, table, thresholds, samples)
        scored = table.words.scores
        if len(np.unique(scored)) > 2:
            results["plots"] = {
                "precision_by_recall": detection.precision_by_recall(table.words.gold, scored)
            }
        if any(output.words is not None for output in outputs) and len(np.unique(scored)) > 2:
            results["calibration"] = {
                "words": detection.reliability(scored, table.words.gold),
                "gaps": detection.reliability(table.gaps.scores, table.gaps.gold),
            }
    categories = {s.category for gold in corpus.gold for s in gold.spans or ()}
    if len(categories) > 1:
        results["categories"] = detection.category_figures(
            [gold.spans or () for gold in corpus.gold], [output.spans for output in outputs]
        )
    return results


def _own_tags(corpus, outputs, table: _Tags) -> tuple[np.ndarray, np.ndarray] | None:
    """Counts for what the system flags by itself, at its own operating point."""
    if not any(output.spans for output in outputs):
        return None
    rows: tuple[list, list] = ([], [])
    for places, marks, output in zip(table.places, table.tags, outputs, strict=True):
        if marks is None:
            continue
        mine = spans_to_tags(places, [(span.start, span.end) for span in output.spans])
        for part, offset in zip(rows, (1, 0), strict=True):
            part.append(np.array(mine[offset::2], dtype=bool))
    return tuple(
        detection.count_tags(part.gold, np.concatenate(flagged), part.owner, len(corpus))
        for part, flagged in zip((table.words, table.gaps), rows, strict=True)
    )


def _spans(corpus, outputs, table: _Tags, thresholds: Thresholds, samples: int) -> dict:
    gold, found = [], []
    for index, (places, marks) in enumerate(zip(table.places, table.tags, strict=True)):
        if marks is None:
            continue
        text, human, output = corpus.segments[index].mt, corpus.gold[index].spans, outputs[index]
        gold.append(
            tags_to_spans(text, places, marks)
            if human is None
            else [(span.start, span.end) for span in human]
        )
        if output.words is not None:
            words, gaps = output.scores_at(text, places)
            mine = [False] * (2 * len(places) + 1)
            mine[1::2] = (words >= thresholds.words).tolist()
            mine[::2] = (gaps >= thresholds.gaps).tolist()
            found.append(tags_to_spans(text, places, mine))
        else:
            found.append(
                [
                    (span.start, span.end)
                    for span in output.spans
                    if span.confidence
                    >= (thresholds.words if span.start < span.end else thresholds.gaps)
                ]
            )
    return detection.span_figures(
        [[tuple(span) for span in spans] for spans in gold],
        [[tuple(span) for span in spans] for spans in found],
        samples=samples,
    )


# ---- sentence level


def _sentence(corpus, outputs, measured: np.ndarray | None, samples: int) -> dict:
    """Correlation with HTER and with direct assessments, of the same sign as if both were quality.

    A system without an estimate of quality is taken by the mean score of its words.
    """
    estimated = all(output.quality is not None for output in outputs)
    scores = np.array([o.badness(s.mt) for s, o in zip(corpus.segments, outputs, strict=True)])
    if len(corpus) < 3 or not scores.size or np.ptp(scores) == 0:
        return {}
    results: dict[str, Any] = {"estimate": "quality" if estimated else "mean score of the words"}
    hter = [gold.hter for gold in corpus.gold]
    if None in hter:
        hter = None if measured is None else measured.tolist()
    if hter is not None:
        results["hter"] = detection.correlation(hter, scores, samples=samples)
    da = [gold.da for gold in corpus.gold]
    if None not in da:
        guesses = [output.quality and output.quality.da for output in outputs]
        quality = -scores if None in guesses else np.array(guesses)
        results["da"] = detection.correlation(da, quality, samples=samples)
    return results if len(results) > 1 else {}
