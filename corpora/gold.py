"""What a corpus knows of a segment: tags, spans, scores, planted errors, in one convention.

Tags are bools, true for ``BAD``, 2N+1 a segment: gap, word, gap, ..., word, gap. `Gold.places`
says where in ``Segment.mt`` the N words are. Ranges are half-open, in code points of ``mt``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz.distance import Levenshtein

from repair.align import Token, diff, tokens
from repair.core import CATEGORIES, ErrorSpan, Segment


@dataclass(frozen=True, slots=True)
class Gold:
    """What people (or a corruption program) said of one segment; ``None`` is: nobody was asked.

    ``spans`` empty means: judged clean. ``tokenized`` is the MT and its post-edit as the tags
    count tokens, words parted by spaces. ``planted`` names the kind of error that was planted
    into ``original``; it is empty for a text left as it was. ``da`` is a z-score.
    """

    places: tuple[Token, ...] | None = None
    tags: tuple[bool, ...] | None = None
    source_tags: tuple[bool, ...] | None = None
    hter: float | None = None
    da: float | None = None
    spans: tuple[ErrorSpan, ...] | None = None
    tokenized: tuple[str, str | None] | None = None
    planted: str | None = None
    severity: str | None = None
    original: str | None = None
    system: str | None = None
    domain: str | None = None


@dataclass(frozen=True)
class Corpus:
    """Segments with their gold, in order; ``use`` is ``train``, ``development`` or ``test``.

    ``tune`` names the development set on which thresholds for this one are chosen. ``words`` says
    how `Gold.tokenized` was cut: ``moses``, or ``own`` for `repair.align.tokens`.
    """

    name: str
    use: str
    segments: list[Segment]
    gold: list[Gold]
    tune: str | None = None
    notes: tuple[str, ...] = field(default=())
    words: str = "moses"

    def __post_init__(self) -> None:
        if len(self.segments) != len(self.gold):
            raise ValueError(f"{len(self.segments)} segments, but gold for {len(self.gold)}")

    def __len__(self) -> int:
        return len(self.segments)

    def head(self, limit: int | None) -> Corpus:
        """The first ``limit`` segments."""
        if limit is None or limit >= len(self):
            return self
        return self.where(lambda index: index < limit)

    def where(self, wanted) -> Corpus:
        """The segments whose index satisfies ``wanted``."""
        kept = [index for index in range(len(self)) if wanted(index)]
        return replace(
            self,
            segments=[self.segments[index] for index in kept],
            gold=[self.gold[index] for index in kept],
        )

    def tokenized(self, index: int, fixed: str) -> str:
        """A text of segment ``index`` cut into words as its post-edit is."""
        if self.words == "own":
            return " ".join(fixed[start:end] for start, end in tokens(fixed))
        return retokenize(self.segments[index].mt, self.gold[index].places, fixed)

    def written(self, index: int, words: Sequence[str]) -> str:
        """Words cut as the corpus cuts them, as running text spaced like the segment's MT."""
        gold = self.gold[index]
        old = gold.tokenized[0].split()
        return project(self.segments[index].mt, gold.places, old, words)


# ---- raw text and tokenised text of the same sentence


def locate(tokens: Sequence[str], raw: str) -> tuple[Token, ...] | None:
    """Where each token stands in the raw text it was cut from; ``None`` if it was not.

    Tokenisation may add and drop white space and nothing else.
    """
    places, position = [], 0
    for token in tokens:
        start = None
        for sign in token:
            while position < len(raw) and raw[position] != sign and raw[position].isspace():
                position += 1
            if position >= len(raw) or raw[position] != sign:
                return None
            start = position if start is None else start
            position += 1
        places.append(Token(start, position))
    return tuple(places) if not raw[position:].strip() else None


_OPENING = set("([{«“‘$£€#@¿")
_CLOSING = set(")]}»”’.,;:!?%…")
_QUOTES = set("\"'")


def detokenize(tokens: Sequence[str]) -> tuple[str, tuple[Token, ...]]:
    """Running text of tokens (Moses' rules for English in short), and where each token stands."""
    return _write(tokens, [None] * len(tokens))


def _write(tokens: Sequence[str], known: Sequence[str | None]) -> tuple[str, tuple[Token, ...]]:
    """Join tokens; ``known`` is the space before a token where it is known, else rules decide."""
    text, places, open_quote = "", [], set()
    previous = ""
    for token, given in zip(tokens, known, strict=True):
        closing = token in open_quote
        if given is not None:
            space = given
        elif (
            not previous
            or previous in _OPENING
            or previous == "\0"
            or token[0] in _CLOSING
            or closing
            or token == "n't"
            or re.fullmatch(r"['’](?:s|t|m|d|re|ve|ll|S)", token)
        ):
            space = ""
        else:
            space = " "
        text += space
        places.append(Token(len(text), len(text) + len(token)))
        text += token
        previous = token
        if token in _QUOTES:
            open_quote ^= {token}
            previous = token if closing else "\0"  # nothing parts an opening quote from its word
    return text, tuple(places)


def project(mt: str, places: Sequence[Token], old: Sequence[str], new: Sequence[str]) -> str:
    """Running text of the tokens ``new``, spaced like ``mt`` wherever its tokens ``old`` stay."""
    blocks = Levenshtein.opcodes(list(old), list(new)).as_matching_blocks() if old and new else []
    source = {b.b + k: b.a + k for b in blocks for k in range(b.size)}
    known: list[str | None] = []
    for index in range(len(new)):
        here, before = source.get(index), source.get(index - 1)
        if here is not None and here == 0 and index == 0:
            known.append(mt[: places[0].start])
        elif here is not None and before is not None and here == before + 1:
            known.append(mt[places[before].end : places[here].start])
        else:
            known.append(None)
    return _write(list(new), known)[0]


# Moses' English tokeniser in short: full stops stay on abbreviations and initials, apostrophes
# open a token, hyphens part nothing.
_WORD = re.compile(
    r"\d+(?:[.,]\d+)*(?:(?:-\w+)+|(?:st|nd|rd|th|s)\b)?"
    r"|(?:[^\W\d_]\.){2,}"
    r"|\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Gen|Col|Prof|Sen|Gov|No)\.(?=\s)"
    r"|(?<=[^\W\d_])['’][^\W\d_]+"
    r"|\w+(?:-\w+)*"
    r"|\.{2,}"
    r"|\S"
)


def retokenize(mt: str, places: Sequence[Token], fixed: str) -> str:
    """``fixed`` in the tokens of the corpus: untouched words as they were cut, new ones by rule.

    Law: the MT itself gives exactly its released tokens.
    """
    edits = diff(mt, fixed)
    kept: list[tuple[int, int]] = []  # ranges of untouched tokens in fixed
    shift, upcoming = 0, list(edits)
    for start, end in places:
        while upcoming and upcoming[0].end <= start and not _touches(upcoming[0], start, end, mt):
            edit = upcoming.pop(0)
            shift += len(edit.text) - (edit.end - edit.start)
        if not any(_touches(edit, start, end, mt) for edit in upcoming[:2]):
            kept.append((start + shift, end + shift))
    pieces, position = [], 0
    for start, end in _apart(kept, fixed):
        pieces += _WORD.findall(fixed, position, start)
        pieces.append("".join(fixed[start:end].split()))
        position = end
    return " ".join(pieces + _WORD.findall(fixed, position))


def _apart(kept: list[tuple[int, int]], fixed: str) -> list[tuple[int, int]]:
    """The tokens that no new text is written against: ``.`` of a new ``...`` is none."""
    inside = {index for start, end in kept for index in range(start, end)}

    def glued(index: int, other: int) -> bool:
        if not 0 <= other < len(fixed) or other in inside:
            return False
        pair = fixed[index], fixed[other]
        return pair == (".", ".") or all(sign.isalnum() or sign in "-'’`" for sign in pair)

    return [
        (start, end)
        for start, end in kept
        if not glued(start, start - 1) and not glued(end - 1, end)
    ]


def _touches(edit, start: int, end: int, mt: str) -> bool:
    """Whether an edit changes the token or writes right against it."""
    if edit.start < end and start < edit.end:
        return True
    if edit.start != edit.end:
        return False
    if start < edit.start < end:
        return True
    if edit.start == end:
        return bool(edit.text[:1].strip()) and (edit.text[0].isalnum() or edit.text[0] in "'’-")
    return edit.end == start and bool(edit.text[-1:].strip()) and edit.text[-1].isalnum()


# ---- tags


def parse_tags(line: str) -> tuple[bool, ...]:
    """``OK`` and ``BAD`` (or 0 and 1) parted by spaces; raises ValueError for anything else."""
    values = {"OK": False, "BAD": True, "0": False, "1": True}
    try:
        return tuple(values[tag] for tag in line.split())
    except KeyError as error:
        raise ValueError(f"a tag is {error.args[0]!r}, not OK or BAD") from None


def tags_from_post_edit(old: Sequence[str], new: Sequence[str]) -> tuple[bool, ...]:
    """2N+1 tags: words that the post-edit replaces or drops, gaps where it puts words in."""
    tags = [False] * (2 * len(old) + 1)
    for operation in Levenshtein.opcodes(list(old), list(new)):
        if operation.tag == "insert":
            tags[2 * operation.src_start] = True
        elif operation.tag != "equal":
            for index in range(operation.src_start, operation.src_end):
                tags[2 * index + 1] = True
    return tuple(tags)


# ---- categories

_CATEGORY_WORDS = (
    ("non-translation", "accuracy/mistranslation"),
    ("mistranslation", "accuracy/mistranslation"),
    ("omission", "accuracy/omission"),
    ("addition", "accuracy/addition"),
    ("untranslated", "accuracy/untranslated"),
    ("name", "accuracy/entity"),
    ("number", "accuracy/number"),
    ("currency", "accuracy/number"),
    ("measurement", "accuracy/number"),
    ("date", "accuracy/number"),
    ("time", "accuracy/number"),
    ("telephone", "accuracy/number"),
    ("address", "accuracy/entity"),
    ("wrong term", "terminology"),
    ("terminology", "terminology"),
    ("grammar", "fluency/grammar"),
    ("word order", "fluency/word-order"),
    ("spelling", "fluency/spelling"),
    ("punctuation", "fluency/punctuation"),
    ("encoding", "fluency/typography"),
    ("display", "fluency/typography"),
    ("inconsisten", "fluency/inconsistency"),
    ("register", "fluency/register"),
    ("awkward", "style/awkward"),
    ("fluent", "style/awkward"),
    ("style", "style/awkward"),
    ("unintelligible", "style/awkward"),
)


def name_category(published: str) -> str:
    """The name that `CATEGORIES` has for an MQM category as published."""
    name = re.sub(r"[\s_]+", " ", published.strip().lower()).replace(
        "non translation", "non-translation"
    )
    if name in CATEGORIES:
        return name
    return next((ours for word, ours in _CATEGORY_WORDS if word in name), "style/awkward")
