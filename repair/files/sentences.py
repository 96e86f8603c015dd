"""Running text into sentences with offsets, lossless.

`sentencex <https://github.com/wikimedia/sentencex>`_ decides which full stops end a sentence. It
pairs quotes, which garbled quotes (``to“ gain … ”of``) defeat: one stray mark swallows the rest
of a paragraph. So it is shown the text without quotes, and the rules below put each quote back on
its side.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

# Longer than any sentence of prose: what has no full stop for so long is cut at a weaker place,
# since models and grammar checkers read no further.
LONGEST = 2000

_BREAKS = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_LINE = re.compile(rf"[^{_BREAKS}]*(?:\r\n|[{_BREAKS}])|[^{_BREAKS}]+")
# Hidden from sentencex: quotes, brackets (whose partners it looks for in quadratic time), and what
# cannot be encoded. A single quote is one at the edge of a word only: not in "don't".
_HIDDEN = re.compile(r"[\"“”„‟«»‹›()\[\]{}<>\ud800-\udfff\x00-\x08]|(?<!\w)[‘’']|(?<=[.!?…,])[‘’']")
_BRACKETS = re.compile(r"\([^()]{0,400}\)|\[[^\[\]]{0,400}\]")
_CLOSERS = re.compile(r"\s*[”»’)\]]|[\"“„'‘]|\s*[.!?…]+")
_LONE_QUOTE = re.compile(r'\s+"(?=\s|\Z)')
_LIST_MARK = re.compile(r"\s*[(\[]?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]\Z")
_DOMAIN = re.compile(r"(?:ru|com|org|net|info|su|ua|by|kz|рф)\b", re.I)
# What sentencex does not know: titles, the initials of Russian names, and shortened Russian words
# as machine translation leaves them. A name or a number follows, not a new sentence.
_SHORT = re.compile(
    r"\b(?:Amb|Acad|Ms|Ste|Ft|Yu|Ya|Ye|Yo|Kh|Zh|Ts|Sh|Ch|Shch|im|ul|pr|bul|obl|resp|pos|approx|vol"
    r"|sq|cu|mln|bln|trln|thous)\.\Z"
)
_CLOCK = re.compile(r"\b[ap]\.\s?m\.\Z")
_ZONE = re.compile(r"\s+(?:[A-Z]\w+ ){1,2}time\b|\s+[A-Z]{2,4}\b")
_RUN_ON = re.compile(r"[\w\"”»)]{2}[.!?…]+\Z")
_ELLIPSIS = re.compile(r"(?:\.\.+|…)\W*\Z")
_LEAD = re.compile(r"[\W_]*")
_WEAK = re.compile(r".*[;:—–]\s|.*[,)]\s|.*\s", re.S)


def lines(text: str) -> list[str]:
    """The lines of ``text`` with their ends; concatenated they are ``text``."""
    return [match.group() for match in _LINE.finditer(text)]


def split(paragraph: str) -> list[tuple[int, int]]:
    """The sentences of one paragraph as half-open ranges, in order, without whitespace around.

    Whatever lies outside the ranges is whitespace.
    """
    ends = _ends(paragraph)
    found, start = [], 0
    for end in [*ends, len(paragraph)]:
        piece = paragraph[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if left < right:
            found += _cut(paragraph, left, right)
        start = end
    return found


def _ends(text: str) -> list[int]:
    """Offsets in ``text`` at which one sentence ends and the next begins."""
    import sentencex

    shown = _HIDDEN.sub(" ", text)
    brackets = [match.span() for match in _BRACKETS.finditer(text)]
    straight = [match.start() for match in re.finditer('"', text)]
    ends, last, bracket = [], 0, 0
    for item in sentencex.get_sentence_boundaries("en", shown):
        stop = item["end_index"]
        while stop > last and shown[stop - 1].isspace():
            stop -= 1
        end = _closed(text, stop, straight)
        while bracket < len(brackets) and brackets[bracket][1] <= end:
            bracket += 1
        inside = bracket < len(brackets) and brackets[bracket][0] < end
        if last < end < len(text) and not inside and _parts(text, last, end):
            ends.append(end)
            last = end
    return ends


def _closed(text: str, stop: int, straight: list[int]) -> int:
    """``stop``, moved behind the marks that close the sentence before it."""
    while match := _CLOSERS.match(text, stop):
        mark, spaced = match.group()[-1], match.end() - match.start() > 1
        before, after = text[stop - 1 : stop], text[match.end() : match.end() + 1]
        if mark in "'‘’" and (spaced or after.isalnum() or not before):
            break
        if mark in '"“„' and after.isalnum() and not _closes(stop, straight):
            break
        stop = match.end()
    # A straight quote between two spaces closes if it is the second of its pair.
    match = _LONE_QUOTE.match(text, stop)
    return match.end() if match and _closes(match.end() - 1, straight) else stop


def _closes(position: int, straight: list[int]) -> bool:
    """Whether the straight quote at ``position`` is the second of a pair."""
    return bisect_left(straight, position) % 2 == 1


def _parts(text: str, start: int, end: int) -> bool:
    """Whether a sentence really ends at ``end``, judged by what stands on both sides."""
    begin = _LEAD.match(text, end).end()
    following = text[begin : begin + 1]
    # A small letter goes on: "Why?" he asked; 5 thous. people; ”said X; - said X.
    if not following or following.islower():
        return False
    head = text[max(start, end - 40) : end]
    if _ELLIPSIS.search(head) and not following.isupper():
        return False
    if _SHORT.search(head) or (end - start < 12 and _LIST_MARK.match(text[start:end])):
        return False
    if _CLOCK.search(head) and _ZONE.match(text, end):
        return False
    if text[end].isspace() or text[end - 1] not in ".!?…":
        return True
    # No space between them: "said.He left", but not Lenta.Ru, nor U.S.Steel, nor 3.5.
    following_two = text[end : end + 2]
    return (
        _RUN_ON.search(head) is not None
        and (following_two.istitle() or not following_two[:1].isalnum())
        and not _DOMAIN.match(text, end)
    )


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The range ``start, end``, in parts of at most `LONGEST` characters where it is longer."""
    while end - start > LONGEST:
        match = _WEAK.match(text, start, start + LONGEST)
        stop = match.end() if match else start + LONGEST
        yield start, start + len(text[start:stop].rstrip())
        start = stop
    yield start, end


def stream(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """``(line number, gap, sentence)`` for numbered lines with their ends; a last gap may stand alone.

    Every line break ends a segment, as news desks write one paragraph, headline or list item a
    line; only hard-wrapped text (see `wrapped`) is read across its breaks. Gaps and sentences
    concatenated are the input. At most `_BLOCK` lines are held.
    """
    gap, number = "", 0
    for block in _blocks(numbered):
        for number, paragraph in block:
            position = 0
            for start, end in split(paragraph):
                yield number, gap + paragraph[position:start], paragraph[start:end]
                gap, position = "", end
            gap += paragraph[position:]
    if gap:
        yield number, gap, ""


_BLOCK = 200


def _blocks(numbered: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Runs of lines between blank ones; the lines of hard-wrapped ones joined into a paragraph."""
    block: list[tuple[int, str]] = []
    for number, line in numbered:
        if block and (line.isspace() or len(block) >= _BLOCK or len(line) > _WIDEST + 2):
            yield _joined(block)
            block = []
        block.append((number, line))
        if line.isspace() or len(line) > _WIDEST + 2:
            yield block
            block = []
    if block:
        yield _joined(block)


def _joined(block: list[tuple[int, str]]) -> list[tuple[int, str]]:
    texts = [line for _, line in block]
    return [(block[0][0], "".join(texts))] if wrapped(texts) else block


_WIDEST = 100


def wrapped(block: list[str]) -> bool:
    """Whether these neighboring lines are one paragraph, broken by an editor at a fixed width.

    Such lines are at most `_WIDEST` wide, none could have taken the first word of the next, and
    most of them stop in mid-sentence. Fewer than four lines are not enough to tell.
    """
    texts = [line.rstrip() for line in block]
    if len(texts) < 4 or not 40 <= max(map(len, texts)) <= _WIDEST:
        return False
    width = max(map(len, texts))
    open_ends = 0
    for line, following in pairwise(texts):
        word = following.split(maxsplit=1)
        if not line or not word or len(line) + 1 + len(word[0]) <= width:
            return False
        open_ends += line[-1] not in '.!?…:"”»'
    return open_ends * 2 > len(texts) - 1
