"""Tokens with offsets, the diff between two texts as edits, and word tags to and from spans.

Word-level quality estimation (WMT) tags N tokens and the N+1 gaps around them ``OK`` or ``BAD``,
interleaved as gap, word, gap, ..., word, gap: 2N+1 tags. Here a tag is a bool, true for ``BAD``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from .core import Edit

# A number with its separators, a word with inner apostrophes, hyphens and full stops (U.S.), or
# one sign. A trailing full stop belongs to the word only where it closes an abbreviation.
_TOKEN = re.compile(
    r"\d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s)?(?![^\W\d_])"
    r"|(?:[^\W\d_]\.){2,}"
    r"|[\w\u0300-\u036f]+(?:[-'’‑][\w\u0300-\u036f]+)*"
    r"|[^\w\s]"
)


class Token(NamedTuple):
    """A half-open range of code points."""

    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Words, numbers and punctuation marks of running text, in order; whitespace is none."""
    return [Token(*match.span()) for match in _TOKEN.finditer(text)]


def whitespace_tokens(text: str) -> list[Token]:
    """The tokens of text that is already tokenised, as in the published QE corpora."""
    return [Token(*match.span()) for match in re.finditer(r"\S+", text)]


def diff(mt: str, hypothesis: str) -> list[Edit]:
    """The edits that turn ``mt`` into ``hypothesis``: whole tokens, as few as Levenshtein finds.

    Law: ``apply(mt, diff(mt, hypothesis)) == hypothesis``, whitespace included. Edits are split
    wherever a token stays the same, so each one stands alone.
    """
    old, new = tokens(mt), tokens(hypothesis)
    same = Levenshtein.opcodes([mt[a:b] for a, b in old], [hypothesis[a:b] for a, b in new])
    blocks = same.as_matching_blocks() if old and new else []
    edits, i, j = [], 0, 0  # ends of the last matched token in mt and in hypothesis
    kept = [(old[b.a + k], new[b.b + k]) for b in blocks for k in range(b.size)]
    for mine, theirs in [*kept, (Token(len(mt), len(mt)), Token(len(hypothesis), len(hypothesis)))]:
        before, after = mt[i : mine.start], hypothesis[j : theirs.start]
        if before != after:
            edits.append(_trimmed(i, before, after))
        i, j = mine.end, theirs.end
    return edits


def _trimmed(start: int, old: str, new: str) -> Edit:
    """The edit at ``start`` without the whitespace that both sides share at their ends."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head] and old[head].isspace():
        head += 1
    tail = 0
    while (
        tail < min(len(old), len(new)) - head
        and old[-1 - tail] == new[-1 - tail]
        and old[-1 - tail].isspace()
    ):
        tail += 1
    return Edit(start + head, start + len(old) - tail, new[head : len(new) - tail])


def gap_position(text: str, places: Sequence[Token], gap: int) -> int:
    """The offset that stands for gap ``gap`` (0..N): the start of the token after it."""
    if gap < len(places):
        return places[gap].start
    return places[-1].end if places else len(text)


def spans_to_tags(places: Sequence[Token], spans: Iterable[tuple[int, int]]) -> list[bool]:
    """2N+1 tags for ``(start, end)`` ranges: a token is BAD if a span covers any of it.

    An empty range marks the gap it lies in; inside a token it marks the token.
    """
    tags = [False] * (2 * len(places) + 1)
    for start, end in spans:
        if start == end:
            gap = sum(token.end <= start for token in places)
            inside = gap < len(places) and places[gap].start < start
            tags[2 * gap + inside] = True
            continue
        for index, token in enumerate(places):
            if token.start < end and start < token.end:
                tags[2 * index + 1] = True
    return tags


def tags_to_spans(text: str, places: Sequence[Token], tags: Sequence[bool]) -> list[Token]:
    """Ranges for 2N+1 tags: neighbouring BAD tokens become one range, a BAD gap an empty one.

    A BAD gap between two BAD tokens does not split them and is not reported apart.
    """
    if len(tags) != 2 * len(places) + 1:
        raise ValueError(f"{len(places)} tokens need {2 * len(places) + 1} tags, not {len(tags)}")
    spans: list[Token] = []
    for index, bad in enumerate(tags):
        if not bad:
            continue
        if index % 2:
            token = places[index // 2]
            if index >= 2 and tags[index - 2] and spans and spans[-1].end > spans[-1].start:
                spans[-1] = Token(spans[-1].start, token.end)
            else:
                spans.append(token)
        elif not (0 < index < len(tags) - 1 and tags[index - 1] and tags[index + 1]):
            position = gap_position(text, places, index // 2)
            spans.append(Token(position, position))
    return spans
