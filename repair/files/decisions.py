"""What people said of suggestions: read, merged, carried over to another run, made into edits.

A decisions file is one JSON object::

    {"schema": "mt-repair.decisions/1",
     "run": run_digest of the run that was reviewed,
     "decisions": [{"suggestion": id, "segment": segment id, "verdict": "accepted" | "rejected" |
                    "edited" | "pending", "candidate": index, "text": ..., "note": ...,
                    "start": ..., "end": ..., "original": ...}, ...],
     "silenced": [{"scope": "place", "suggestion": id, "segment": segment id} |
                  {"scope": "rule", "by": "style/quote-space"} |
                  {"scope": "word", "word": "Zvezda"}, ...]}

``start``, ``end`` are half-open code points into the MT: the range that the edit replaces, and
``original`` is the MT there. ``text`` is what an edited one puts there, and for an accepted one
the text of the candidate, which tells it from the others where a later run orders them otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ..core import (
    VERDICTS,
    Decision,
    Edit,
    Record,
    RepairError,
    Segment,
    Suggestion,
    apply,
    compatible,
    suggestion_id,
)
from .streams import Lines, atomic_writer

SCHEMA = "mt-repair.decisions/1"
SCOPES = {"place": "suggestion", "rule": "by", "word": "word"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A decision with the place in the MT that it was made for."""

    decision: Decision
    segment: str
    start: int | None = None
    end: int | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """ "Not an error": at one place (``what`` is a suggestion id), by one rule, or of one word."""

    scope: str
    what: str
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """The content of a decisions file; ``run`` is the digest of the reviewed run."""

    run: str
    decisions: tuple[Placed, ...] = ()
    silenced: tuple[Silence, ...] = ()


class Conflict(NamedTuple):
    """Two decisions of one suggestion that differ."""

    mine: Placed
    theirs: Placed


def read_decisions(path: str | Path) -> Decisions:
    """Read a decisions file. Raises `RepairError` with the place of what is wrong in it."""
    lines = Lines(path)
    try:
        text = "".join(line for _, line in lines)
    finally:
        lines.close()
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line, what = 1, "nested too deeply"
        if isinstance(error, json.JSONDecodeError):
            line, what = error.lineno, f"{error.msg} at column {error.colno:,}"
        raise RepairError(f"Not JSON: {what}.", path=path, line=line, mend=_EXPORT) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise RepairError(
            f"This is no decisions file: its schema is {schema!r}, not {SCHEMA!r}.",
            path=path,
            mend=_EXPORT,
        )
    try:
        return decisions_from_dict(found)
    except RepairError as error:
        raise RepairError(error.message, path=path, mend=error.mend) from error


_EXPORT = "Export the decisions from the report."


def decisions_from_dict(found: Mapping[str, Any]) -> Decisions:
    """`Decisions` of their JSON form; raises `RepairError` that names the entry that is wrong."""
    decisions, silenced = [], []
    for index, entry in enumerate(_list(found, "decisions"), 1):
        decisions.append(_placed(entry, f"Decision {index}"))
    for index, entry in enumerate(_list(found, "silenced"), 1):
        scope = entry.get("scope") if isinstance(entry, dict) else None
        what = entry.get(SCOPES[scope]) if scope in SCOPES else None
        if not isinstance(what, str):
            raise RepairError(
                f"Silenced entry {index} has no scope of place, rule or word, or lacks what it is.",
                mend=_EXPORT,
            )
        silenced.append(Silence(scope, what, entry.get("segment")))
    run = found.get("run", "")
    if not isinstance(run, str):
        raise RepairError("The digest of the run is no text.", mend=_EXPORT)
    return Decisions(run, tuple(decisions), tuple(silenced))


def _list(found: Mapping[str, Any], key: str) -> list:
    entries = found.get(key, [])
    if not isinstance(entries, list):
        raise RepairError(f"The field {key!r} is no list.", mend=_EXPORT)
    return entries


def _placed(entry: Any, name: str) -> Placed:
    if not isinstance(entry, dict):
        raise RepairError(f"{name} is no object.", mend=_EXPORT)

    def value(key: str, kind: type, default: Any = None) -> Any:
        given = entry.get(key)
        if given is None:
            given = default
        if given is not None and type(given) is not kind:
            raise RepairError(f"{name}: {key!r} is {given!r}.", mend=_EXPORT)
        return given

    suggestion, verdict = value("suggestion", str), value("verdict", str)
    if suggestion is None or verdict not in VERDICTS:
        raise RepairError(
            f"{name} names no suggestion, or its verdict {verdict!r} is none of "
            f"{', '.join(VERDICTS)}.",
            mend=_EXPORT,
        )
    text = value("text", str)
    if verdict == "edited" and text is None:
        raise RepairError(f"{name} is edited and has no text.", mend=_EXPORT)
    decision = Decision(
        suggestion, verdict, value("candidate", int, 0), text, value("note", str, "")
    )
    return Placed(
        decision,
        value("segment", str, ""),
        value("start", int),
        value("end", int),
        value("original", str),
    )


def decisions_to_dict(decisions: Decisions) -> dict[str, Any]:
    """The JSON form of decisions. Law: `decisions_from_dict` gives them back."""
    entries = []
    for placed in decisions.decisions:
        decision = asdict(placed.decision)
        entry = {"suggestion": decision.pop("suggestion"), "segment": placed.segment, **decision}
        entry |= {"start": placed.start, "end": placed.end, "original": placed.original}
        entries.append(entry)
    silenced = []
    for silence in decisions.silenced:
        entry = {"scope": silence.scope, SCOPES[silence.scope]: silence.what}
        if silence.segment is not None:
            entry["segment"] = silence.segment
        silenced.append(entry)
    return {
        "schema": SCHEMA,
        "run": decisions.run,
        "decisions": entries,
        "silenced": silenced,
    }


def write_decisions(path: str | Path, decisions: Decisions, *, force: bool = False) -> None:
    """Write a decisions file; raises `RepairError` as `atomic_writer` does."""
    with atomic_writer(path, force=force, encoding="utf-8") as out:
        json.dump(decisions_to_dict(decisions), out, ensure_ascii=False, indent=1)
        out.write("\n")


def check_run(decisions: Decisions, digest: str, *, force: bool = False) -> None:
    """Raise `RepairError` if the decisions were made on another run than that of ``digest``."""
    if decisions.run != digest and not force:
        raise RepairError(
            "These decisions were made on another run.",
            mend="Give the run that was reviewed, or pass --force to take those that still fit.",
        )


def decided_edits(record: Record, decisions: Decisions | Iterable[Placed]) -> list[Edit]:
    """The edits that a person wants in a record: of accepted suggestions and of edited ones.

    Decisions of other records are passed over. Raises `RepairError` for two edits that cannot
    both be made, for two decisions of one suggestion, and for one that does not fit the record.
    """
    suggestions = {suggestion.id: suggestion for suggestion in record.suggestions}
    where = f"Segment {record.segment.id!r}: "
    made: dict[str, tuple[Edit | None, Placed]] = {}
    for placed in getattr(decisions, "decisions", decisions):
        suggestion = suggestions.get(placed.decision.suggestion)
        if suggestion is None:
            continue
        edit = _edit(record, suggestion, placed)
        if edit is _UNFIT:
            raise RepairError(
                f"{where}the decision {_named(placed)} fits no candidate of the suggestion.",
                mend="The run was made again: give the run that was reviewed, or decide it again.",
            )
        if suggestion.id in made and made[suggestion.id][0] != edit:
            raise RepairError(
                f"{where}there are two decisions of one suggestion: "
                f"{_named(made[suggestion.id][1])} and {_named(placed)}.",
                mend="Keep one of them.",
            )
        made[suggestion.id] = edit, placed
    chosen = sorted(
        ((edit, placed) for edit, placed in made.values() if edit is not None),
        key=lambda pair: (pair[0].start, pair[0].end),
    )
    for (first, one), (second, two) in pairwise(chosen):
        if not compatible(first, second):
            raise RepairError(
                f"{where}the decisions {_named(one)} and {_named(two)} change the same place.",
                mend="Reject one of them.",
            )
    return [edit for edit, _ in chosen]


_UNFIT = Edit(-1, -1, "")


def _edit(record: Record, suggestion: Suggestion, placed: Placed) -> Edit | None:
    """The edit of a decision, None for none, `_UNFIT` where it fits nothing in the suggestion."""
    decision, mt = placed.decision, record.segment.mt
    if decision.verdict == "accepted":
        index = _candidate_index(suggestion, placed)
        return _UNFIT if index is None else suggestion.candidates[index].edit
    if decision.verdict != "edited":
        return None
    if placed.start is not None and placed.end is not None:
        start, end = placed.start, placed.end
    elif 0 <= decision.candidate < len(suggestion.candidates):
        edit = suggestion.candidates[decision.candidate].edit
        start, end = edit.start, edit.end
    else:
        start, end = suggestion.span.start, suggestion.span.end
    if not 0 <= start <= end <= len(mt):
        return _UNFIT
    if placed.original is not None and mt[start:end] != placed.original:
        return _UNFIT
    return Edit(start, end, decision.text)


def _candidate_index(suggestion: Suggestion, placed: Placed) -> int | None:
    """The candidate that an accepting decision means: by its text and range if they are known."""
    decision, candidates = placed.decision, suggestion.candidates

    def fits(index: int) -> bool:
        edit = candidates[index].edit
        return decision.text in (None, edit.text) and (
            placed.start is None or (placed.start, placed.end) == (edit.start, edit.end)
        )

    order = sorted(range(len(candidates)), key=lambda index: index != decision.candidate)
    if decision.text is None:
        order = [index for index in order if index == decision.candidate]
    return next((index for index in order if fits(index)), None)


def _named(placed: Placed) -> str:
    decision = placed.decision
    text = "" if decision.text is None else f" “{decision.text}”"
    original = "" if placed.original is None else f" “{placed.original}”"
    return f"{decision.suggestion} ({decision.verdict}{original}{' →' if text else ''}{text})"


def decided_text(record: Record, decisions: Decisions | Iterable[Placed]) -> str:
    """The MT with exactly what was accepted or edited; raises as `decided_edits` does."""
    return apply(record.segment.mt, decided_edits(record, decisions))


def by_segment(decisions: Decisions) -> dict[str, list[Placed]]:
    """Decisions by segment id, so that each record looks at its own only."""
    found: dict[str, list[Placed]] = {}
    for placed in decisions.decisions:
        found.setdefault(placed.segment, []).append(placed)
    return found


def merge_decisions(
    mine: Decisions, theirs: Decisions, *, force: bool = False
) -> tuple[Decisions, list[Conflict]]:
    """Decisions of two people on one run, and those in which they differ (``mine`` stand).

    A pending decision gives way; notes that differ are joined. Raises `RepairError` for decisions
    of two runs, unless ``force``.
    """
    if mine.run != theirs.run and not force:
        raise RepairError(
            "The decisions were made on two different runs.",
            mend="Merge those of one run, or pass --force.",
        )
    merged = {placed.decision.suggestion: placed for placed in mine.decisions}
    conflicts = []
    for placed in theirs.decisions:
        name = placed.decision.suggestion
        other = merged.get(name)
        if other is None or other == placed:
            merged[name] = placed
        elif _same(other.decision, placed.decision):
            merged[name] = _with_note(other, placed.decision.note)
        elif other.decision.verdict == "pending":
            merged[name] = _with_note(placed, other.decision.note)
        elif placed.decision.verdict == "pending":
            merged[name] = _with_note(other, placed.decision.note)
        else:
            conflicts.append(Conflict(other, placed))
    silenced = dict.fromkeys((*mine.silenced, *theirs.silenced))
    return Decisions(mine.run, tuple(merged.values()), tuple(silenced)), conflicts


def _same(one: Decision, two: Decision) -> bool:
    if one.verdict != two.verdict:
        return False
    if one.verdict == "accepted":
        known = one.text is not None and two.text is not None
        return one.text == two.text if known else one.candidate == two.candidate
    return one.verdict != "edited" or one.text == two.text


def _with_note(placed: Placed, note: str) -> Placed:
    notes = placed.decision.note.split("\n") if placed.decision.note else []
    notes += [line for line in note.split("\n") if line and line not in notes]
    return replace(placed, decision=replace(placed.decision, note="\n".join(notes)))


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """Earlier decisions in another run: those that apply there, with its ids, and those that don't."""

    decisions: Decisions
    outdated: tuple[Placed, ...]
    silenced: frozenset[str] = field(default=frozenset())


def carry_over(decisions: Decisions, records: Iterable[Record], run: str = "") -> CarriedOver:
    """Earlier decisions as they stand in ``records`` of another run, whose digest is ``run``.

    A decision applies where the run suggests something at the same place of the same MT, even if
    the segment has another id now; an accepted one only where its candidate is still offered.
    ``silenced`` are the ids of the run's suggestions that a silence covers.
    """
    direct: dict[str, list[int]] = {}
    by_range: dict[tuple[int | None, int | None], list[int]] = {}
    in_segment: dict[str, list[int]] = {}
    for index, placed in enumerate(decisions.decisions):
        direct.setdefault(placed.decision.suggestion, []).append(index)
        by_range.setdefault((placed.start, placed.end), []).append(index)
        in_segment.setdefault(placed.segment, []).append(index)
    silences = Silences(decisions)
    applying: dict[int, Placed] = {}
    moved: list[tuple[int, Placed]] = []
    covered: set[str] = set()
    for record in records:
        segment = record.segment
        for suggestion in record.suggestions:
            if silences.covers(segment, suggestion):
                covered.add(suggestion.id)
            if suggestion.id in direct:
                for index in direct[suggestion.id]:
                    if carried := _carried(decisions.decisions[index], record, suggestion):
                        applying[index] = carried
                continue
            for index in _same_range(suggestion, by_range):
                placed = decisions.decisions[index]
                if _named_before(segment, suggestion, placed.segment) == (
                    placed.decision.suggestion
                ) and (carried := _carried(placed, record, suggestion)):
                    moved.append((index, carried))
        for index in in_segment.get(segment.id, ()):
            # What was rejected and is no longer suggested stays rejected, for the runs to come.
            placed = decisions.decisions[index]
            stands = placed.original == segment.mt[placed.start : placed.end]
            if placed.decision.verdict == "rejected" and stands:
                applying.setdefault(index, placed)
    # A sentence may come twice: each decision goes to one place, each place takes one decision.
    taken = {placed.decision.suggestion for placed in applying.values()}
    for index, placed in moved:
        if index not in applying and placed.decision.suggestion not in taken:
            applying[index] = placed
            taken.add(placed.decision.suggestion)
    outdated = tuple(
        placed
        for index, placed in enumerate(decisions.decisions)
        if index not in applying and placed.decision.verdict != "pending"
    )
    kept = tuple(applying[index] for index in sorted(applying))
    return CarriedOver(Decisions(run, kept, decisions.silenced), outdated, frozenset(covered))


def _same_range(
    suggestion: Suggestion, by_range: Mapping[tuple[int | None, int | None], list]
) -> Iterator:
    """Decisions made for the range of a suggestion or of one of its candidates."""
    ranges = {(suggestion.span.start, suggestion.span.end)}
    ranges |= {(c.edit.start, c.edit.end) for c in suggestion.candidates}
    for place in sorted(ranges):
        yield from by_range.get(place, ())


def _named_before(segment: Segment, suggestion: Suggestion, old_id: str) -> str:
    """The id of a suggestion if its segment were named ``old_id``: it holds a hash of the MT."""
    span = suggestion.span
    return suggestion_id(replace(segment, id=old_id), span.start, span.end)


def _carried(placed: Placed, record: Record, suggestion: Suggestion) -> Placed | None:
    """A decision as it applies to a suggestion of another run, or None if it does not."""
    decision = placed.decision
    if decision.verdict == "pending" or _edit(record, suggestion, placed) is _UNFIT:
        return None
    candidate = decision.candidate
    if decision.verdict == "accepted":
        candidate = _candidate_index(suggestion, placed)
    elif not 0 <= candidate < len(suggestion.candidates):
        candidate = 0
    decision = replace(decision, suggestion=suggestion.id, candidate=candidate)
    return replace(placed, decision=decision, segment=record.segment.id)


class Silences:
    """What is not to be suggested again: silenced places, rules and words, and what was rejected."""

    def __init__(self, decisions: Decisions):
        self._rules = {s.what for s in decisions.silenced if s.scope == "rule"}
        self._words = {s.what for s in decisions.silenced if s.scope == "word"}
        self._places = {s.what for s in decisions.silenced if s.scope == "place"}
        self._rejected: dict[tuple[int | None, int | None], list[Placed]] = {}
        for placed in decisions.decisions:
            if placed.decision.verdict == "rejected":
                self._places.add(placed.decision.suggestion)
                self._rejected.setdefault((placed.start, placed.end), []).append(placed)

    def covers(self, segment: Segment, suggestion: Suggestion) -> bool:
        """Whether a person said that this is not an error.

        A word in small letters is meant in every case, another one as it is written.
        """
        span = suggestion.span
        word = segment.mt[span.start : span.end].strip()
        return (
            suggestion.id in self._places
            or (bool(self._rules) and all(by in self._rules for by in span.by.split(", ")))
            or (bool(word) and (word in self._words or word.lower() in self._words))
            or self._was_rejected(segment, suggestion)
        )

    def _was_rejected(self, segment: Segment, suggestion: Suggestion) -> bool:
        """Whether it was rejected in a segment of the same MT that had another id."""
        return any(
            _named_before(segment, suggestion, placed.segment) == placed.decision.suggestion
            for placed in _same_range(suggestion, self._rejected)
        )
