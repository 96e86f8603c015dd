"""Quotation marks: which one opens, which one closes, and the spaces around them.

A translation that moved words about leaves marks such as ``today, ”said X`` and ``to“ gain … ”of``:
neither the glyph nor the spaces say reliably which way a mark faces. `read_marks` weighs all the
evidence and picks the cheapest reading of the whole segment; where two readings are about as
cheap, nothing is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, product
from typing import NamedTuple

from ..core import Edit
from .typography import MASK, SPEECH, Flag, Passage

_MARK = re.compile(r"[\"“”„«»‟]")
_OPENERS, _CLOSERS = "“„«‟", "”»"
_BEFORE_OPEN = "([{—–-/“\"«„‘'’" + MASK
_SPEECH = re.compile(rf"(?:{SPEECH})\b")
_HOLLOW = frozenset(("and", "or", "of", "on", "in", "to", "the", "with", "for", "by", "at", "from"))
_MOST_MARKS = 10

# Costs of a reading, in units of "one clear sign says otherwise".
_SHAPE = _GLYPH = 1.5
_CUE, _NESTED, _OPEN_END, _STRAY_END, _HOLLOW_QUOTE = 2.0, 0.5, 0.7, 2.5, 6.0


class Mark(NamedTuple):
    """A mark with the spaces around it and what they suggest: 1 opens, -1 closes, 0 unclear."""

    start: int
    left: int
    right: int
    glyph: str
    shape: int


def _marks(text: str) -> list[Mark]:
    marks = []
    for match in _MARK.finditer(text):
        at = match.start()
        left = len(text[:at]) - len(text[:at].rstrip(" \u00a0"))
        right = len(text[at + 1 :]) - len(text[at + 1 :].lstrip(" \u00a0"))
        before = text[at - left - 1 : at - left] if at - left else ""
        after = text[at + 1 + right : at + 2 + right]
        free_left = left > 0 or not before or before in _BEFORE_OPEN
        free_right = right > 0 or not after or after in ".,;:!?)]}…—–-'’/" or after in '"”»“'
        if match[0] == '"' and before.isdigit() and not left and not _MARK.search(text[:at]):
            continue  # 15" is inches
        marks.append(Mark(at, left, right, match[0], int(free_left) - int(free_right)))
    return marks


def _is_sound(marks: list[Mark]) -> bool:
    """Whether every mark faces the way it looks and they nest: the usual case, nothing to do."""
    depth = 0
    for mark in marks:
        if mark.shape == 0 or (mark.glyph in _OPENERS and mark.shape < 0):
            return False
        if mark.glyph in _CLOSERS and mark.shape > 0:
            return False
        depth += mark.shape
        if not 0 <= depth <= 2:
            return False
    return depth == 0 or len(marks) == 1


def _cost(text: str, marks: list[Mark], ways: tuple[int, ...]) -> float:
    cost, depth = 0.0, 0
    for index, (mark, way) in enumerate(zip(marks, ways, strict=True)):
        if mark.shape and mark.shape != way:
            cost += _SHAPE
        if (mark.glyph in _OPENERS and way < 0) or (mark.glyph in _CLOSERS and way > 0):
            cost += _GLYPH
        inner = text[mark.start + 1 + mark.right :]
        outer = text[: mark.start - mark.left]
        if _SPEECH.match(inner) and outer[-1:] in (",", "!", "?", "…"):
            cost += _CUE if way > 0 else 0
        if way < 0 and depth == 0:
            # Closes what an earlier segment opened.
            cost += _OPEN_END if outer[-1:] in (",", ".", "!", "?", "…") else _STRAY_END
        elif way < 0:
            depth -= 1
        else:
            depth += 1
            cost += _NESTED * (depth - 1)
            if index + 1 < len(marks) and ways[index + 1] < 0:
                inside = text[mark.start + 1 : marks[index + 1].start].split()
                if not inside or all(word.lower() in _HOLLOW for word in inside):
                    cost += _HOLLOW_QUOTE
    if depth:
        last = max(index for index, way in enumerate(ways) if way > 0)
        outer = text[: marks[last].start].rstrip()
        lead = not outer or outer[-1] in ",:.!?—–-" or _SPEECH.search(outer[-12:])
        cost += depth * (_OPEN_END if lead else _STRAY_END)
    return cost


def read_marks(text: str, marks: list[Mark]) -> tuple[int, ...] | None:
    """The direction of every mark, or None where no reading is clearly the cheapest."""
    if len(marks) > _MOST_MARKS:
        return None
    ranked = sorted(
        (_cost(text, marks, ways), ways) for ways in product((1, -1), repeat=len(marks))
    )
    if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < 0.75:
        return None
    return ranked[0][1]


def quote_space(passage: Passage) -> Iterator[Flag]:
    """Quotation marks that stand on the wrong side of a space, face the wrong way or do not match."""
    text = passage.text
    marks = _marks(text)
    if not marks:
        return
    foreign = any(mark.glyph in "«»„‟" for mark in marks)
    mixed = len({mark.glyph == '"' for mark in marks}) > 1
    if _is_sound(marks) and not foreign and not mixed:
        return
    ways = tuple(mark.shape for mark in marks) if _is_sound(marks) else read_marks(text, marks)
    if ways is None:
        return
    stack: list[int] = []
    pairs: list[tuple[int, ...]] = []
    for index, way in enumerate(ways):
        if way > 0:
            stack.append(index)
        else:
            pairs.append((stack.pop(), index) if stack else (index,))
    pairs += [(index,) for index in stack]
    done = 0
    for pair in sorted(pairs):
        for flag in _mend(passage, marks, ways, pair):
            # Two marks around one space: the first pair has it.
            if len(pair) > 1 or flag.start >= done:
                yield flag
                done = max(done, flag.end)


def _mend(
    passage: Passage, marks: list[Mark], ways: tuple[int, ...], pair: tuple[int, ...]
) -> Iterator[Flag]:
    """One flag for a pair (or a mark whose partner is in another segment), its edits together."""
    text = passage.text
    glyphs = [marks[index].glyph for index in pair]
    curly = passage.curly and any(glyph != '"' for glyph in glyphs)
    if all(glyph in "“”" for glyph in glyphs):
        curly = True
    edits, spaces = [], False
    for index in pair:
        mark, way = marks[index], ways[index]
        left, right = _expected_spaces(text, mark, way)
        if passage.tokenised:
            left, right = mark.left, mark.right
        glyph = '"' if not curly else "“" if way > 0 else "”"
        start, end = mark.start - mark.left, mark.start + 1 + mark.right
        old, new = text[start:end], " " * left + glyph + " " * right
        if old.replace("\u00a0", " ") == new:  # a space that does not break is as good
            continue
        if left == mark.left:
            start, old, new = mark.start, text[mark.start : end], new[left:]
        if right == mark.right:
            cut = len(new) - right
            end, new = mark.start + 1, new[:cut] if left != mark.left else glyph
        spaces = spaces or (left, right) != (mark.left, mark.right)
        edits.append(Edit(start, end, new))
    if not edits or any(a.end > b.start for a, b in pairwise(edits)):
        return
    message = (
        "The quotation mark stands on the wrong side of the space."
        if spaces
        else "The quotation marks do not match."
        if len(set(glyphs)) > 1
        else "English quotation marks are meant."
    )
    yield Flag(edits[0].start, edits[-1].end, tuple(edits), message)


def _expected_spaces(text: str, mark: Mark, way: int) -> tuple[int, int]:
    before = text[: mark.start - mark.left][-1:]
    after = text[mark.start + 1 + mark.right :][:1]
    if way > 0:
        if not before or (before in _BEFORE_OPEN and not mark.left):
            return 0, 0
        return max(mark.left, 1), 0
    if not after:
        return 0, mark.right
    if after.isalnum() or after in "($€£[" or after == MASK:
        return 0, max(mark.right, 1)
    if after in ".,;:!?)":
        return 0, 0
    return 0, mark.right
