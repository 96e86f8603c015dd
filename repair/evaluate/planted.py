"""Planted errors (DEMETR): by kind, are they flagged, ranked below the original, restored?

The false alarms that go with it are counted on the same texts before the error was planted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..align import Token, spans_to_tags, tokens
from .metrics import edit_distance
from .systems import Output


def planted_figures(corpus, outputs: Sequence[Output]) -> dict[str, Any]:
    """By kind of planted error: flagged, ranked below the original, restored."""
    if corpus.gold[0].planted is None:
        return {}
    clean = {
        segment.mt: index
        for index, (segment, gold) in enumerate(zip(corpus.segments, corpus.gold, strict=True))
        if gold.planted == ""
    }
    badness = [o.badness(s.mt) for s, o in zip(corpus.segments, outputs, strict=True)]
    flags = [_flags(s.mt, o) for s, o in zip(corpus.segments, outputs, strict=True)]
    good = list(clean.values())
    levels = {
        "segments": _level([max(flags[i][0], default=0.0) for i in good], 0.05),
        "words": _level([score for i in good for score in flags[i][0][1::2]], 0.05),
    }
    kinds: dict[str, dict[str, Any]] = {}
    severities: dict[str, dict[str, Any]] = {}
    for index, (segment, gold) in enumerate(zip(corpus.segments, corpus.gold, strict=True)):
        if not gold.planted:
            continue
        scores, spots = flags[index]
        hit = _touched(scores, spots, gold.spans or ())
        own = any(
            _meets(mine, theirs) for mine in outputs[index].spans for theirs in gold.spans or ()
        )
        original = clean.get(gold.original)
        fixed = outputs[index].fixed
        row = {
            "texts": 1,
            "flagged": own,
            "flagged_at_5_segments": hit >= levels["segments"],
            "flagged_at_5_words": hit >= levels["words"],
            "original_preferred": 0.5
            if original is None or badness[original] == badness[index]
            else float(badness[original] < badness[index]),
            "restored": fixed == gold.original,
            "nearer": fixed is not None
            and fixed != segment.mt
            and edit_distance(fixed, (gold.original,))
            < edit_distance(segment.mt, (gold.original,)),
        }
        for group, name in ((kinds, gold.planted), (severities, gold.severity)):
            total = group.setdefault(name, dict.fromkeys(row, 0))
            for key, value in row.items():
                total[key] += value

    def shares(group: dict) -> dict:
        return {
            name: {k: v if k == "texts" else v / total["texts"] for k, v in total.items()}
            for name, total in sorted(group.items())
        }

    flagged = [bool(outputs[i].spans) for i in good]
    words = [spans_to_tags(tokens(corpus.segments[i].mt), [(s.start, s.end) for s in outputs[i].spans])
             for i in good]  # fmt: skip
    return {
        "planted": {
            "by_severity": shares(severities),
            "by_kind": shares(kinds),
            "clean": {
                "texts": len(good),
                "flagged": sum(flagged) / len(good) if good else 0.0,
                "words_flagged": sum(sum(t[1::2]) for t in words)
                / max(1, sum(len(t) // 2 for t in words)),
                "changed": sum(outputs[i].fixed not in (None, corpus.segments[i].mt) for i in good)
                / max(1, len(good)),
            },
        }
    }


def _flags(text: str, output: Output) -> tuple[list[float], tuple[Token, ...]]:
    """Scores as 2N+1 tags, and the words they belong to."""
    places = output.places if output.words is not None else tuple(tokens(text))
    words, gaps = output.scores_at(text, places)
    scores = [0.0] * (2 * len(places) + 1)
    scores[1::2], scores[::2] = words.tolist(), gaps.tolist()
    return scores, places


def _level(scores: Sequence[float], share: float) -> float:
    """The lowest level that at most ``share`` of the scores reach."""
    ordered = sorted(scores, reverse=True)
    allowed = int(share * len(ordered))
    return math.nextafter(ordered[allowed], math.inf) if allowed < len(ordered) else 0.0


def _touched(scores: Sequence[float], places, spans) -> float:
    """The highest score at the spans; the gap or word right beside counts as well (`_meets`)."""
    best = -1.0
    for index, bad in enumerate(spans_to_tags(places, [(s.start, s.end) for s in spans])):
        if bad:
            near = range(max(0, index - 1), min(len(scores), index + 2))
            best = max(best, *(scores[i] for i in near))
    return best


def _meets(first, second) -> bool:
    """Whether two spans share a character, or one is a gap that touches the other."""
    if first.start == first.end or second.start == second.end:
        return first.start <= second.end + 1 and second.start <= first.end + 1
    return first.start < second.end and second.start < first.end
