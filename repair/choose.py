"""From findings to suggestions and the fixed text: merge by place, then pick what is safe.

An edit that helps with probability p is worth p - (1 - p): what it gains if right, less what it
costs if wrong. `choose` picks, among edits that reach the wanted precision, the set of compatible
ones that is worth most. Edits that share a `group` only make sense together and are picked
together or not at all. When nothing is sure enough, nothing is touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod

from .core import (
    SEVERITIES,
    Candidate,
    Edit,
    ErrorSpan,
    Finding,
    Segment,
    Suggestion,
    apply,
    compatible,
    suggestion_id,
)

# Above this many mutually entangled edits the exact search gives way to a greedy one.
EXACT_LIMIT = 18
# A suggestion keeps this many candidates, best first.
MOST_CANDIDATES = 5
# What is less probable than this is not shown: neither an edit nor a place, but any edit at a place.
LEAST_CONFIDENCE = 0.1
# The bar for changes cut from hypotheses that was chosen on development data, by crossed figures:
# six tenths of what a better engine gains for four tenths of the words that it changes.
BALANCED = 0.56

# A guard looks at a changed text and says why it must not be, one sentence a reason; none is good.
Guard = Callable[[Segment, str], Sequence[str]]


def suggest(
    segment: Segment, findings: Iterable[Finding], *, least: float = LEAST_CONFIDENCE
) -> list[Suggestion]:
    """Suggestions in text order, one a place, from what all checkers and proposers found.

    A place is the range that an edit replaces. The same edit from several producers becomes one
    candidate that names them all. A finding without a fix is a suggestion without candidates,
    unless it overlaps a place that has an offer, or is no surer than a mark there that has candidates.
    At the very range of such a mark the surest finding is what the place is marked for.
    """
    spans: dict[tuple[int, int], list[ErrorSpan]] = defaultdict(list)
    offers: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    bare: list[ErrorSpan] = []
    for finding in findings:
        useful = [c for c in finding.candidates if _changes(segment.mt, c.edit)]
        for candidate in useful:
            place = (candidate.edit.start, candidate.edit.end)
            offers[place].append(candidate)
            spans[place].append(finding.span)
        if not useful and not finding.candidates:
            bare.append(finding.span)

    suggestions = []
    for place, candidates in offers.items():
        merged = _merge(candidates)[:MOST_CANDIDATES]
        span = _place_span(place, spans[place])
        if max(merged[0].confidence, span.confidence) >= least:
            suggestions.append(
                Suggestion(
                    suggestion_id(segment, *place), span, tuple(merged), merged[0].confidence
                )
            )
    offered = [suggestion.span for suggestion in suggestions if suggestion.is_offer]
    ideas = {(s.span.start, s.span.end): s for s in suggestions if not s.is_offer}
    for place, found in _by_place(bare).items():
        span = max(found, key=lambda span: span.confidence)
        if span.confidence < least or any(_overlap(span, other) for other in offered):
            continue
        if idea := ideas.get(place):
            if span.confidence > idea.span.confidence:
                at = suggestions.index(idea)
                suggestions[at] = replace(idea, span=_place_span(place, [span, idea.span]))
        elif not any(
            _overlap(span, s.span) and span.confidence <= s.span.confidence for s in ideas.values()
        ):
            suggestions.append(Suggestion(suggestion_id(segment, *place), span, (), 0.0))
    return sorted(suggestions, key=lambda s: (s.span.start, s.span.end))


def choose(
    segment: Segment,
    suggestions: Sequence[Suggestion],
    *,
    precision: float,
    hypotheses: float | None = None,
    guard: Guard | None = None,
) -> tuple[list[Suggestion], str, list[str]]:
    """Mark what is safe to apply; returns suggestions, the fixed text, and the guard's reasons.

    Only best candidates with at least ``precision`` as confidence are applied; those that were cut
    from a hypothesis (`Candidate.group`) need ``hypotheses`` instead, if it is given. What the
    guard objects to, alone or in the final text, is left out, with one reason for each.
    """
    bars = (precision, precision if hypotheses is None else hypotheses)
    units: dict[str, list[Suggestion]] = defaultdict(list)
    linked: dict[str, int] = defaultdict(int)
    for suggestion in suggestions:
        if suggestion.candidates:
            best = suggestion.candidates[0]
            units[best.group or suggestion.id].append(suggestion)
        for group in {candidate.group for candidate in suggestion.candidates if candidate.group}:
            linked[group] += 1

    reasons: list[str] = []
    usable: dict[str, tuple[list[Edit], float]] = {}
    for name, members in units.items():
        edits = [member.candidates[0].edit for member in members]
        worth = sum(2 * member.confidence - 1 for member in members)
        whole = len(members) == linked.get(name, 1)
        sure = all(m.confidence >= bars[m.candidates[0].group is not None] for m in members)
        if not (sure and whole and _all_compatible(edits)):
            continue
        objections = list(guard(segment, apply(segment.mt, edits))) if guard else []
        if objections:
            reasons += [_held_back(segment, edits, objection) for objection in objections]
        else:
            usable[name] = (edits, worth)

    picked = _best_set(usable)
    fixed = apply(segment.mt, [edit for name in picked for edit in usable[name][0]])
    # Edits that are harmless alone can do harm together: the final string is judged too.
    while picked and guard and (objections := list(guard(segment, fixed))):
        worst = min(picked, key=lambda name: usable[name][1])
        picked.remove(worst)
        reasons += [_held_back(segment, usable[worst][0], objection) for objection in objections]
        fixed = apply(segment.mt, [edit for name in picked for edit in usable[name][0]])
    applied = {member.id for name in picked for member in units[name]}
    return [replace(s, applied=s.id in applied) for s in suggestions], fixed, reasons


def _changes(mt: str, edit: Edit) -> bool:
    return mt[edit.start : edit.end] != edit.text


def _by_place(spans: Iterable[ErrorSpan]) -> dict[tuple[int, int], list[ErrorSpan]]:
    places: dict[tuple[int, int], list[ErrorSpan]] = defaultdict(list)
    for span in spans:
        places[span.start, span.end].append(span)
    return places


def _merge(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One candidate for each text, best first; independent producers that agree add up.

    Agreement of producers of the same family (the part of ``by`` before the slash) is no new
    evidence; across families the doubts multiply.
    """
    texts: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        texts[candidate.edit.text].append(candidate)
    merged = []
    for same in texts.values():
        best = max(same, key=lambda c: (c.confidence, c.by))
        doubts: dict[str, float] = {}
        for candidate in same:
            family = candidate.by.split("/")[0]
            doubts[family] = min(doubts.get(family, 1.0), 1 - candidate.confidence)
        if len(doubts) > 1:
            names = ", ".join(sorted({candidate.by for candidate in same}))
            best = replace(best, confidence=1 - prod(doubts.values()), by=names)
        merged.append(best)
    return sorted(merged, key=lambda c: (-c.confidence, c.edit.text))


def _place_span(place: tuple[int, int], spans: Sequence[ErrorSpan]) -> ErrorSpan:
    """The span to show at a place: the surest one, with the gravest severity of all."""
    best = max(spans, key=lambda span: (span.confidence, span.by))
    severity = max((span.severity for span in spans), key=SEVERITIES.index)
    return replace(best, start=place[0], end=place[1], severity=severity)


def _overlap(a: ErrorSpan, b: ErrorSpan) -> bool:
    if a.start == a.end or b.start == b.end:
        return a.start <= b.end and b.start <= a.end
    return a.start < b.end and b.start < a.end


def _all_compatible(edits: Sequence[Edit]) -> bool:
    return all(compatible(a, b) for i, a in enumerate(edits) for b in edits[:i])


def _best_set(units: dict[str, tuple[list[Edit], float]]) -> list[str]:
    """The compatible units that are worth most, by exact search within entangled clusters."""
    names = sorted(units, key=lambda name: (units[name][0][0].start, name))
    rivals = {
        a: {
            b
            for b in names
            if a != b and not all(compatible(x, y) for x in units[a][0] for y in units[b][0])
        }
        for a in names
    }
    picked: list[str] = []
    seen: set[str] = set()
    for name in names:
        if name in seen:
            continue
        cluster, todo = [], [name]
        seen.add(name)
        while todo:
            cluster.append(todo.pop())
            fresh = rivals[cluster[-1]] - seen
            seen |= fresh
            todo += sorted(fresh)
        cluster.sort(key=lambda name: (-units[name][1], name))
        picked += _search(cluster, rivals, units)
    return picked


def _search(
    cluster: list[str], rivals: dict[str, set[str]], units: dict[str, tuple[list[Edit], float]]
) -> list[str]:
    """The best independent set of one cluster (names ordered by falling worth)."""
    if len(cluster) > EXACT_LIMIT:
        kept: list[str] = []
        for name in cluster:
            if units[name][1] > 0 and not rivals[name].intersection(kept):
                kept.append(name)
        return kept

    def explore(rest: list[str]) -> tuple[float, list[str]]:
        if not rest:
            return 0.0, []
        first, others = rest[0], rest[1:]
        without = explore(others)
        worth, chosen = explore([name for name in others if name not in rivals[first]])
        with_first = (worth + units[first][1], [first, *chosen])
        return with_first if with_first[0] > without[0] else without

    return explore(cluster)[1]


def _held_back(segment: Segment, edits: Sequence[Edit], objection: str) -> str:
    changes = ", ".join(f"“{segment.mt[e.start : e.end]}” → “{e.text}”" for e in edits)
    return f"Held back {changes}: {objection}"
