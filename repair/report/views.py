"""Other views of a run: a colored diff for the terminal, Markdown, TSV, and M2 for error-type tools.

All of them stream. A view shows the edits that a chooser picks of each record: what the run
offers, what it applied, or what a person decided.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..align import tokens
from ..core import SEVERITIES, Edit, Record, Suggestion, apply, compatible
from ..files.decisions import Decisions, by_segment, decided_edits

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

Chosen = list[tuple[Suggestion, Edit]]
Chooser = Callable[[Record], Chosen]

SHAPES = {"critical": "◆", "major": "▲", "minor": "●", "neutral": "○"}
COLORS = {"critical": "bold red", "major": "yellow", "minor": "blue", "neutral": "bright_black"}
LEVELS = (("sure", 0.9), ("likely", 0.6), ("unsure", 0.0))
# Rows in a table of documents or of examples of the Markdown summary.
MOST_ROWS = 20


def offered(record: Record) -> Chosen:
    """The best candidates that can stand together, the surer ones first served; in text order.

    Only those of offers (`Suggestion.is_offer`): the others are for a person to look at.
    """
    chosen: Chosen = []
    for suggestion in sorted(record.suggestions, key=lambda s: -s.confidence):
        if suggestion.is_offer:
            edit = suggestion.candidates[0].edit
            if all(compatible(edit, other) for _, other in chosen):
                chosen.append((suggestion, edit))
    return sorted(chosen, key=lambda pair: (pair[1].start, pair[1].end))


def applied(record: Record) -> Chosen:
    """What the run put into the fixed text."""
    return [(s, s.candidates[0].edit) for s in record.suggestions if s.applied and s.candidates]


def decided(decisions: Decisions) -> Chooser:
    """A chooser of what was accepted or edited. It raises `RepairError` as `decided_edits` does."""
    of_segment = by_segment(decisions)

    def choose(record: Record) -> Chosen:
        own = of_segment.get(record.segment.id, ())
        if not own or not decided_edits(record, own):
            return []
        chosen = [
            (suggestion, edit)
            for suggestion in record.suggestions
            for edit in decided_edits(replace(record, suggestions=(suggestion,)), own)
        ]
        return sorted(chosen, key=lambda pair: (pair[1].start, pair[1].end))

    return choose


def level(confidence: float) -> str:
    """A word for a probability: sure, likely or unsure."""
    return next(word for word, least in LEVELS if confidence >= least)


def visible(text: str) -> str:
    """Text that cannot steer a terminal or turn its neighbors around: such characters as codes."""
    return "".join(
        f"<U+{ord(char):04X}>"
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or char in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        else char
        for char in text
    )


# ---- terminal


def terminal(
    records: Iterable[Record], console: Console, *, choose: Chooser = offered, all: bool = False
) -> None:
    """A colored diff of the segments that have suggestions, or of ``all``, paged on a terminal.

    The pager is ``$PAGER``, else ``less``; leaving it early ends the view.
    """
    with _paged(console) as out, suppress(BrokenPipeError):
        doc, shown = None, 0
        for record in records:
            if not (record.suggestions or record.warnings or all):
                continue
            if record.segment.doc and record.segment.doc != doc:
                doc = record.segment.doc
                out.rule(_text(visible(doc), "bold"), align="left", style="bright_black")
            out.print(_segment_table(record, choose(record)))
            out.print()
            shown += 1
        if not shown:
            out.print("No suggestions.")


@contextmanager
def _paged(console: Console) -> Iterator[Console]:
    """The console itself, or one that writes to a pager where a person sits at it."""
    from rich.console import Console

    command = shlex.split(os.environ.get("PAGER", "less"))
    if not console.is_terminal or not command or not shutil.which(command[0]):
        yield console
        return
    # -R: colors; -F: no paging for what fits on the screen; -X: it stays there afterwards.
    environment = {**os.environ, "LESS": os.environ.get("LESS", "-RFX")}
    pager = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment,
                             encoding="utf-8")  # fmt: skip

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich would end the whole program

    try:
        yield Piped(
            file=pager.stdin,
            force_terminal=True,
            width=console.width,
            color_system=console.color_system,
            no_color=console.no_color,
        )
    finally:
        with suppress(BrokenPipeError):
            pager.stdin.close()
        pager.wait()


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def _segment_table(record: Record, chosen: Chosen) -> Table:
    """A segment with its suggestions: labels to the left, texts wrapped beside them."""
    from rich.table import Table

    segment = record.segment
    quality = "" if record.quality is None else f"  {record.quality.hter:.0%} to change"
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=10, justify="right", style="bright_black")
    table.add_column(ratio=1, overflow="fold")
    table.add_row("", _text(visible(segment.id) + quality, "bright_black"))
    if segment.source is not None:
        table.add_row("source", _text(visible(segment.source), "dim"))
    table.add_row("mt", diff_text(segment.mt, chosen, record.suggestions))
    shown = {suggestion.id for suggestion, _ in chosen}
    for suggestion in record.suggestions:
        severity = suggestion.span.severity
        mark = _text(f"{severity} {SHAPES[severity]}", COLORS[severity])
        table.add_row(mark, _suggestion_text(record, suggestion, suggestion.id in shown))
    for warning in record.warnings:
        table.add_row("warning", _text(visible(warning), "yellow"))
    return table


def diff_text(mt: str, chosen: Chosen, suggestions: Iterable[Suggestion] = ()) -> Text:
    """The MT with what goes out struck through and red, and what comes in green.

    Brackets say the same without color: ``[-out-]{+in+}``. Marked places without an edit are
    underlined.
    """
    line, position = _text(""), 0
    edits = sorted({edit for _, edit in chosen}, key=lambda edit: (edit.start, edit.end))
    bare = [s.span for s in suggestions if not s.is_offer]
    for edit in [*edits, Edit(len(mt), len(mt), "")]:
        cuts = {
            min(max(at, position), edit.start) for span in bare for at in (span.start, span.end)
        }
        for start, end in pairwise(sorted({position, edit.start, *cuts})):
            marked = any(span.start <= start and end <= span.end for span in bare)
            line.append(visible(mt[start:end]), "underline" if marked else "")
        if edit.end > edit.start:
            line.append(f"[-{visible(mt[edit.start : edit.end])}-]", "strike red")
        if edit.text:
            line.append(f"{{+{visible(edit.text)}+}}", "bold green")
        position = edit.end
    return line


def _suggestion_text(record: Record, suggestion: Suggestion, is_shown: bool) -> Text:
    span, mt = suggestion.span, record.segment.mt
    sure = suggestion.confidence
    if suggestion.is_offer:
        first, *others = suggestion.candidates
        line = _text(_change(mt, first.edit), "" if is_shown else "dim")
        for candidate in others:
            line.append(f", or “{visible(candidate.edit.text)}”", "dim")
    else:
        sure = span.confidence
        line = _text(f"“{visible(mt[span.start : span.end])}”" if span.end > span.start else "‸")
        ideas = " or ".join(f"“{visible(c.edit.text)}”" for c in suggestion.candidates)
        line.append(f", perhaps {ideas}" if ideas else "", "dim")
    line.append(f"  {span.category}, {level(sure)} {sure:.2f}, {visible(span.by)}", "bright_black")
    if suggestion.applied:
        line.append("  applied", "green")
    if span.message:
        line.append(f"\n{visible(span.message)}", "italic")
    return line


def _change(mt: str, edit: Edit) -> str:
    old, new = mt[edit.start : edit.end], edit.text
    if not old:
        return f"‸{visible(new)}"
    return f"“{visible(old)}” → “{visible(new)}”" if new else f"“{visible(old)}” out"


# ---- tables


COLUMNS = (
    "segment", "doc", "suggestion", "start", "end", "original", "text", "category", "severity",
    "confidence", "by", "message", "applied", "alternatives", "verdict", "decided", "note",
)  # fmt: skip


def tsv(records: Iterable[Record], decisions: Decisions | None = None) -> Iterator[str]:
    """Lines of a table, one suggestion each, under a line of `COLUMNS`.

    Backslash, tab and line ends in a text are written as ``\\\\``, ``\\t``, ``\\n`` and ``\\r``; the
    texts of alternatives are parted by `` | ``. A place that is no offer (`Suggestion.is_offer`) has no
    ``text``, all its candidates as alternatives, and the confidence that it is wrong. ``decided`` is the text that an accepted or edited
    decision puts in.
    """
    yield "\t".join(COLUMNS) + "\n"
    of_segment = by_segment(decisions) if decisions else {}
    for record in records:
        segment = record.segment
        own = {p.decision.suggestion: p for p in of_segment.get(segment.id, ())}
        for suggestion in record.suggestions:
            span, candidates = suggestion.span, suggestion.candidates
            first = candidates[0].edit.text if suggestion.is_offer else ""
            placed = own.get(suggestion.id)
            edits = decided_edits(record, [placed]) if placed else []
            row = (
                segment.id, segment.doc or "", suggestion.id, span.start, span.end,
                segment.mt[span.start : span.end], first,
                span.category, span.severity,
                f"{suggestion.confidence if suggestion.is_offer else span.confidence:.4f}",
                span.by, span.message, "yes" if suggestion.applied else "",
                " | ".join(c.edit.text for c in candidates[suggestion.is_offer :]),
                placed.decision.verdict if placed else "",
                edits[0].text if edits else "", placed.decision.note if placed else "",
            )  # fmt: skip
            yield "\t".join(_cell(str(value)) for value in row) + "\n"


def _cell(text: str) -> str:
    for char, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(char, escaped)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def m2(records: Iterable[Record], *, choose: Chooser = offered) -> Iterator[str]:
    """Blocks of the M2 format of grammatical error correction, as ERRANT and the M2 scorer read it.

    Tokens are those of `repair.align.tokens`; an error type is ``M``, ``U`` or ``R`` (missing,
    unnecessary, replace) with the category. Edits of spaces alone change no token and do not appear.
    """
    for record in records:
        mt = record.segment.mt
        places = tokens(mt)
        lines = [" ".join(["S", *(_m2_text(mt[a:b]) for a, b in places)])]
        for start, end, correction, category in _token_edits(mt, places, choose(record)):
            kind = "M" if start == end else "R" if correction else "U"
            lines.append(
                f"A {start} {end}|||{kind}:{category}|||{correction}|||REQUIRED|||-NONE-|||0"
            )
        if len(lines) == 1:
            lines.append("A -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0")
        yield "\n".join(lines) + "\n\n"


def _m2_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _token_edits(mt: str, places, chosen: Chosen) -> Iterator[tuple[int, int, str, str]]:
    """Edits as ``(first token, end token, new tokens, category)``; those that meet are joined."""
    groups: list[tuple[int, int, int, int, list[Edit], str]] = []  # tokens, then characters
    for suggestion, edit in chosen:
        # The tokens that the edit covers or touches: taking a space out may join two.
        touched = [i for i, (a, b) in enumerate(places) if b >= edit.start and a <= edit.end]
        before = sum(b < edit.start for _, b in places)
        first, last = (touched[0], touched[-1] + 1) if touched else (before, before)
        start = min([edit.start] + [places[i].start for i in touched])
        end = max([edit.end] + [places[i].end for i in touched])
        edits, category = [edit], suggestion.span.category
        if groups and start <= groups[-1][3]:
            first, other_last, start, other_end, others, category = groups.pop()
            last, end, edits = max(last, other_last), max(end, other_end), [*others, edit]
        groups.append((first, last, start, end, edits, category))
    for first, last, start, end, edits, category in groups:
        moved = [Edit(e.start - start, e.end - start, e.text) for e in edits]
        fixed = apply(mt[start:end], moved)
        old = [mt[a:b] for a, b in places[first:last]]
        new = [fixed[a:b] for a, b in tokens(fixed)]
        while old and new and old[0] == new[0]:
            old, new, first = old[1:], new[1:], first + 1
        while old and new and old[-1] == new[-1]:
            old, new, last = old[:-1], new[:-1], last - 1
        if old or new:
            yield first, last, _m2_text(" ".join(new)), category


# ---- summary


def markdown(
    records: Iterable[Record],
    header: Mapping[str, Any] | None = None,
    *,
    decisions: Decisions | None = None,
    title: str = "Suggested edits",
) -> Iterator[str]:
    """The lines of a summary of a run: what was found, how sure, where it is worst, and the gravest examples."""
    segments = with_suggestions = suggestions = 0
    table: dict[str, Counter[str]] = defaultdict(Counter)
    levels: Counter[str] = Counter()
    docs: dict[str, list[float]] = defaultdict(list)
    gravest: list[tuple[tuple, str]] = []
    for record in records:
        segments += 1
        with_suggestions += bool(record.suggestions)
        suggestions += len(record.suggestions)
        if record.quality is not None:
            docs[record.segment.doc or ""].append(record.quality.hter)
        for suggestion in record.suggestions:
            span = suggestion.span
            table[span.category][span.severity] += 1
            sure = suggestion.confidence if suggestion.is_offer else span.confidence
            levels[level(sure)] += 1
            order = (-SEVERITIES.index(span.severity), -sure, segments, span.start)
            gravest.append((order, _example(record, suggestion)))
        if len(gravest) > 50 * MOST_ROWS:
            gravest = sorted(gravest)[:MOST_ROWS]
    lines = [f"# {_escape(title)}", ""]
    if header and header.get("signature"):
        lines += [f"Run: `{str(header['signature']).replace('`', '')}`", ""]
    lines += [
        f"{suggestions} suggestions in {with_suggestions} of {segments} segments: "
        + ", ".join(f"{levels[word]} {word}" for word, _ in LEVELS)
        + ".",
        "",
    ]
    if decisions is not None:
        verdicts = Counter(placed.decision.verdict for placed in decisions.decisions)
        said = ", ".join(f"{verdicts[v]} {v}" for v in ("accepted", "edited", "rejected"))
        lines += [f"Decided: {said}.", ""]
    lines += _found_table(table)
    lines += _document_table(docs)
    if gravest:
        lines += ["## The gravest", ""] + [line for _, line in sorted(gravest)[:MOST_ROWS]] + [""]
    yield from (f"{line}\n" for line in lines)


def _found_table(table: Mapping[str, Counter[str]]) -> list[str]:
    if not table:
        return []
    used = [s for s in reversed(SEVERITIES) if any(row[s] for row in table.values())]
    lines = ["## What was found", "", f"| category | {' | '.join(used)} | all |"]
    lines.append(f"|---|{'---:|' * (len(used) + 1)}")
    for category, row in sorted(table.items(), key=lambda pair: (-pair[1].total(), pair[0])):
        counts = " | ".join(str(row[s]) if row[s] else "" for s in used)
        lines.append(f"| {_escape(category)} | {counts} | {row.total()} |")
    return [*lines, ""]


def _document_table(docs: Mapping[str, list[float]]) -> list[str]:
    if not docs:
        return []
    worst = sorted(docs.items(), key=lambda pair: -sum(pair[1]) / len(pair[1]))
    lines = ["## Documents, worst expected quality first", ""]
    lines += ["| document | to change | segments |", "|---|---:|---:|"]
    for name, shares in worst[:MOST_ROWS]:
        mean = sum(shares) / len(shares)
        lines.append(f"| {_escape(name) or '(no name)'} | {mean:.0%} | {len(shares)} |")
    if len(worst) > MOST_ROWS:
        lines.append(f"| and {len(worst) - MOST_ROWS} more | | |")
    return [*lines, ""]


def _example(record: Record, suggestion: Suggestion) -> str:
    span, mt = suggestion.span, record.segment.mt
    if suggestion.is_offer:
        change = _change(mt, suggestion.candidates[0].edit)
    else:
        change = f"“{visible(mt[span.start : span.end])}”" if span.end > span.start else "‸"
    why = f": {_escape(span.message)}" if span.message else ""
    name = _escape(record.segment.id)
    return f"* {name}, {span.severity} {_escape(span.category)}: {_escape(change)}{why}"


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = " ".join(visible(text.replace("\n", " ").replace("\t", " ")).split(" "))
    escaped = "".join(f"\\{char}" if char in r"\`*_{}[]<>#|~!" else char for char in text)
    return escaped.replace("&", "&amp;")
