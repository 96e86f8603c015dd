"""What a system's repairs do: to the corpus, to each segment, edit by edit; and what an oracle could.

Differences come with the paired bootstrap. A post-edit is compared with in the corpus's own words;
whether a single edit helps is its effect on the distance to the nearest target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from ..align import diff
from ..core import Edit, apply, compatible
from . import detection
from .metrics import Comparison, Score, edit_distance, edit_effect, name_effect
from .systems import Output


def repair_figures(corpus, outputs: Sequence[Output], samples: int, workers: int = 1) -> dict:
    segments = corpus.segments
    edited = all(segment.post_edit is not None for segment in segments)
    referred = all(segment.references for segment in segments)
    offering = any(output.offers or output.fixed is not None for output in outputs)
    fixed = [
        segment.mt if output.fixed is None else output.fixed
        for segment, output in zip(segments, outputs, strict=True)
    ]
    changed = [text != segment.mt for text, segment in zip(fixed, segments, strict=True)]
    results: dict[str, Any] = {}
    if not offering:
        if edited:
            comparison = _against_post_edit(corpus, [s.mt for s in segments], outputs, workers)
            results["hter_of_segments"] = _segment_ter(comparison.before["TER"])
        return results
    primary: Comparison | None = None
    for target, present in (("post_edit", edited), ("references", referred)):
        if not present or corpus.gold[0].planted is not None:
            continue
        if target == "post_edit":
            comparison = _against_post_edit(corpus, fixed, outputs, workers)
            results["hter_of_segments"] = _segment_ter(comparison.before["TER"])
        else:
            comparison = Comparison(
                fixed,
                [s.references for s in segments],
                [s.mt for s in segments],
                workers=workers,
            )
        results[target] = _comparison(comparison.scores(samples))
        if target == "post_edit":
            before, after = (
                _segment_ter(t["TER"]) for t in (comparison.before, comparison.statistics)
            )
            results[target]["mean_hter"] = {
                "before": float(before.mean()),
                "after": float(after.mean()),
            }
        systems = [gold.system for gold in corpus.gold]
        if len(set(systems)) > 1:
            results[target]["by_system"] = {
                system: _comparison(scores)
                for system, scores in comparison.by_group(systems).items()
            }
        if primary is None:
            primary = comparison
            verdicts = _verdicts(comparison, corpus, fixed)
            results["segments"] = {"against": target, **verdicts, "changed": sum(changed)}
    harm = _harm(corpus, outputs, changed)
    if harm:
        results["harm"] = harm
    if any(output.offers for output in outputs) and (edited or referred):
        results |= _edits(corpus, outputs, primary)
    return results


def _against_post_edit(
    corpus, fixed: Sequence[str], outputs: Sequence[Output], workers: int
) -> Comparison:
    """Both texts cut into words as the corpus cuts them, where it says how."""
    gold = corpus.gold
    if any(one.tokenized is None or one.tokenized[1] is None for one in gold):
        return Comparison(
            fixed,
            [(s.post_edit,) for s in corpus.segments],
            [s.mt for s in corpus.segments],
            workers=workers,
        )
    cut = []
    for index, (segment, text) in enumerate(zip(corpus.segments, fixed, strict=True)):
        if outputs[index].tokenized is not None:
            cut.append(outputs[index].tokenized)
        elif text == segment.mt:
            cut.append(gold[index].tokenized[0])
        else:
            cut.append(corpus.tokenized(index, text))
    return Comparison(
        cut,
        [(one.tokenized[1],) for one in gold],
        [one.tokenized[0] for one in gold],
        tokenized=True,
        workers=workers,
    )


def _segment_ter(rows: np.ndarray) -> np.ndarray:
    return rows[:, 0] / np.maximum(rows[:, 1], 1)


def _comparison(scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    results = {}
    for score in scores:
        one = {"before": score.baseline, "after": score.value, "change": score.change}
        if score.p_value is not None:
            one |= {"p": score.p_value, "interval": score.interval}
        results[score.name] = one | {"signature": score.signature}
    return results


def _verdicts(comparison: Comparison, corpus, fixed: Sequence[str]) -> dict[str, int]:
    """Improved, unchanged and worsened segments: by TER; if equal by chrF++; then by characters.

    Spaces and their like are seen by the last alone.
    """
    tally = {"improved": 0, "unchanged": 0, "worsened": 0}
    chrf = comparison.metrics["chrF++"]
    for index, (segment, gold) in enumerate(zip(corpus.segments, corpus.gold, strict=True)):
        if fixed[index] == segment.mt:
            tally["unchanged"] += 1
            continue
        before, after = (t["TER"][index][0] for t in (comparison.before, comparison.statistics))
        if before == after:
            after, before = (
                chrf._compute_score_from_stats(t["chrF++"][index].tolist()).score
                for t in (comparison.before, comparison.statistics)
            )
        if before == after:
            before, after = (
                min(Levenshtein.distance(text, target) for target in _targets(segment, gold))
                for text in (segment.mt, fixed[index])
            )
        name = "improved" if after < before else "worsened" if after > before else "unchanged"
        tally[name] += 1
    return tally


def needs_nothing(segment, gold) -> bool:
    """Whether the MT was judged right as it is: its post-edit, a reference or the marks say so."""
    if gold.planted is not None:
        return gold.planted == ""
    if segment.post_edit is not None:
        if gold.tokenized is not None and gold.tokenized[1] is not None:
            return gold.tokenized[0] == gold.tokenized[1]
        return segment.mt == segment.post_edit
    if gold.spans is not None:
        return not gold.spans
    return segment.mt in segment.references


def _harm(corpus, outputs, changed) -> dict[str, Any]:
    good = [needs_nothing(s, g) for s, g in zip(corpus.segments, corpus.gold, strict=True)]
    total = sum(good)
    if not total:
        return {}
    harmed = sum(g and c for g, c in zip(good, changed, strict=True))
    asked = sum(g and bool(o.offers) for g, o in zip(good, outputs, strict=True))
    low, high = wilson(harmed, total)
    return {
        "needed_nothing": total,
        "changed": harmed,
        "rate": harmed / total,
        "rate_low": low,
        "rate_high": high,
        "with_suggestions": asked,
    }


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % range of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    share, square = hits / count, z * z / count
    middle = share + square / 2
    spread = z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))


def _targets(segment, gold) -> tuple[str, ...]:
    if gold.planted is not None:
        return (gold.original,)
    return (segment.post_edit,) if segment.post_edit is not None else segment.references


def _edits(corpus, outputs: Sequence[Output], comparison: Comparison | None) -> dict[str, Any]:
    """What single edits do, how sure they were, what they reach of the wanted ones; the oracle."""
    tally = {which: {"towards": 0, "neutral": 0, "away": 0} for which in ("proposed", "kept")}
    confidence, helped, oracle = [], [], []
    wanted = {"edits": 0, "first": 0, "among_5": 0, "among_all": 0}
    for segment, gold, output in zip(corpus.segments, corpus.gold, outputs, strict=True):
        targets = _targets(segment, gold)
        effects: dict[Edit, int] = {}

        def effect(edit: Edit, mt=segment.mt, targets=targets, effects=effects) -> int:
            if edit not in effects:
                effects[edit] = edit_effect(mt, edit, targets)
            return effects[edit]

        for candidates in output.offers:
            change = effect(candidates[0].edit)
            tally["proposed"][name_effect(change)] += 1
            confidence.append(candidates[0].confidence)
            helped.append(change < 0)
        for edit in output.kept:
            tally["kept"][name_effect(effect(edit))] += 1
        if segment.post_edit is not None:
            _cover(segment, output, wanted)
        oracle.append(_oracle(segment.mt, output, targets, effect))
    results: dict[str, Any] = {}
    for which, counts in tally.items():
        total = sum(counts.values())
        low, high = wilson(counts["towards"], total)
        results[which] = {
            "edits": total,
            **counts,
            "share_towards": counts["towards"] / total if total else 0.0,
            "share_low": low,
            "share_high": high,
        }
    results = {"edits": results}
    if wanted["edits"]:
        results["wanted"] = wanted | {
            key: wanted[key] / wanted["edits"] for key in ("first", "among_5", "among_all")
        }
    if len(set(confidence)) > 1:
        results["calibration"] = detection.reliability(confidence, helped)
    if comparison is not None:
        results["oracle"] = _oracle_figures(corpus, oracle, comparison)
    return results


def _cover(segment, output: Output, wanted: dict[str, int]) -> None:
    """Count which of the post-edit's own edits were offered, word for word and place for place."""
    by_place = {}
    for candidates in output.offers:
        for candidate in candidates:
            place = (candidate.edit.start, candidate.edit.end)
            offered = by_place.setdefault(place, [])
            if candidate.edit.text not in offered:
                offered.append(candidate.edit.text)
    for edit in diff(segment.mt, segment.post_edit):
        offered = by_place.get((edit.start, edit.end), [])
        wanted["edits"] += 1
        wanted["first"] += edit.text in offered[:1]
        wanted["among_5"] += edit.text in offered[:5]
        wanted["among_all"] += edit.text in offered


def _oracle(mt: str, output: Output, targets, effect: Callable[[Edit], int]) -> str:
    """The text with those candidates that the reference likes best, one a place."""
    best = []
    for candidates in output.offers:
        edit = min((candidate.edit for candidate in candidates), key=effect)
        if effect(edit) < 0:
            best.append(edit)
    kept: list[Edit] = []
    distance = None
    for edit in sorted(best, key=lambda e: (effect(e), e.start, e.end)):
        if not all(compatible(edit, other) for other in kept):
            continue
        # Edits that help alone may hurt together: two ways to put in the same missing word.
        distance = edit_distance(apply(mt, kept), targets) if distance is None else distance
        after = edit_distance(apply(mt, [*kept, edit]), targets)
        if after <= distance:
            kept.append(edit)
            distance = after
    best_text = apply(mt, kept)
    if output.fixed is not None and output.fixed != best_text and targets:
        # What was applied may be better still: edits of one group help only together.
        return min((best_text, output.fixed), key=lambda text: edit_distance(text, targets))
    return best_text


def _oracle_figures(corpus, fixed: list[str], comparison: Comparison) -> dict[str, Any]:
    if comparison.tokenized:
        gold = corpus.gold
        fixed = [
            gold[index].tokenized[0] if text == segment.mt else corpus.tokenized(index, text)
            for index, (segment, text) in enumerate(zip(corpus.segments, fixed, strict=True))
        ]
    return {
        name: {key: one[key] for key in ("before", "after", "change")}
        for name, one in _comparison(comparison.again(fixed).scores(0)).items()
    }
