"""The data model: what a segment is, what is wrong with it, what could be done, what was decided.

Every type is frozen. Offsets are half-open ranges of Unicode code points into ``Segment.mt``;
``start == end`` is a gap, the place of an omission. Data flows one way: a reader makes a
`Segment`, checkers and proposers make `Finding`s, `choose` makes `Suggestion`s and the fixed
text, and a `Record` holds it all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

SEVERITIES = ("neutral", "minor", "major", "critical")
EVEN = 0.5  # the confidence from which an edit is offered, not only shown at a marked place
VERDICTS = ("pending", "accepted", "rejected", "edited")

# MQM names (themqm.org, and the subset that the WMT metrics tasks annotate), lower case.
CATEGORIES = {
    "accuracy/mistranslation": "says something else than the source",
    "accuracy/omission": "something of the source is missing",
    "accuracy/addition": "something that the source does not say",
    "accuracy/untranslated": "left in the source language",
    "accuracy/number": "a number, amount, date or time differs from the source",
    "accuracy/entity": "a name of a person, place or organisation differs from the source",
    "accuracy/negation": "negation lost, added or reversed",
    "fluency/grammar": "agreement, tense, article, preposition, word form",
    "fluency/word-order": "words in the wrong order",
    "fluency/spelling": "misspelled or not a word",
    "fluency/punctuation": "wrong, missing or doubled punctuation",
    "fluency/typography": "spaces, quotes, dashes, letter case",
    "fluency/inconsistency": "the same thing written in two ways",
    "fluency/register": "too formal or too colloquial for the text",
    "style/awkward": "grammatical, but no native writer would put it this way",
    "terminology": "not the established term",
}


class RepairError(Exception):
    """What the library raises for bad input: says what, where, and how to mend it.

    ``path`` and ``line`` (1-based) name the place; ``mend`` is one sentence that tells the user
    what to do. ``str()`` of the error is the whole message for a person.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        mend: str | None = None,
    ):
        self.message, self.path, self.line, self.mend = message, path, line, mend
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(f"{where}{message}" + (f" {mend}" if mend else ""))


@dataclass(frozen=True, slots=True)
class Segment:
    """One unit of translation, never changed and never normalized.

    ``references`` are independent translations, ``post_edit`` is a correction of this very
    ``mt``. ``doc`` names the document; neighbours with the same ``doc`` are in order. ``frame``
    belongs to the reader that made the segment: what it needs to write the segment back.
    """

    id: str
    mt: str
    source: str | None = None
    references: tuple[str, ...] = ()
    post_edit: str | None = None
    doc: str | None = None
    frame: tuple[str, ...] = ()

    def blind(self) -> Segment:
        """The segment as the pipeline may see it: without references and post-edit."""
        return replace(self, references=(), post_edit=None)


@dataclass(frozen=True, slots=True)
class ErrorSpan:
    """A place in ``mt`` that is wrong; ``start == end`` means that something is missing there.

    ``category`` is a key of `CATEGORIES`, ``severity`` one of `SEVERITIES`, ``confidence`` a
    calibrated probability that the place is wrong, ``by`` the producer with its version or rule
    (``style/quote-space``), ``message`` one sentence for the reviewer.
    """

    start: int
    end: int
    category: str
    severity: str
    confidence: float
    by: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``mt[start:end]`` by ``text``: all that `apply` understands."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to repair a place.

    ``confidence`` is the calibrated probability that the edit makes the segment better; ``score``
    is the producer's own unnormalised figure, if it has one. ``group`` is shared by edits that
    were cut from one hypothesis.
    """

    edit: Edit
    by: str
    confidence: float
    message: str = ""
    score: float | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a checker or proposer returns: a place that is wrong, and ways to mend it, if any."""

    span: ErrorSpan
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place with its candidates, best first; ``confidence`` is that of the best one.

    ``applied`` says whether `choose` put the best candidate into the fixed text.
    """

    id: str
    span: ErrorSpan
    candidates: tuple[Candidate, ...]
    confidence: float
    applied: bool = False

    @property
    def is_offer(self) -> bool:
        """Whether the best candidate is at least as likely to help as not.

        Otherwise the place is marked, and what candidates there are may give a person an idea.
        """
        return bool(self.candidates) and self.confidence >= EVEN


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a suggestion.

    ``candidate`` is the index of the accepted one; ``text`` replaces it when the verdict is
    ``edited``.
    """

    suggestion: str
    verdict: str
    candidate: int = 0
    text: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """The expected quality of the whole segment: ``hter`` in 0..1 (0 is perfect), ``da`` a z-score."""

    hter: float
    da: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A segment with all that is known of it: one line of a run file."""

    segment: Segment
    spans: tuple[ErrorSpan, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    fixed: str = ""
    quality: Quality | None = None
    warnings: tuple[str, ...] = field(default=())


def suggestion_id(segment: Segment, start: int, end: int) -> str:
    """A stable name for a place: the same segment id, text and offsets give the same name."""
    key = f"{segment.id}\0{segment.mt}\0{start}\0{end}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=8).hexdigest()


def compatible(first: Edit, second: Edit) -> bool:
    """Whether both edits can be applied: they touch at most, and are not two insertions at one gap."""
    a, b = sorted((first, second), key=lambda edit: (edit.start, edit.end))
    return a.end <= b.start and (a.start, a.end) != (b.start, b.end)


def apply(mt: str, edits: Iterable[Edit]) -> str:
    """Apply edits to ``mt``, all of them against the original offsets.

    Raises `RepairError` for an edit out of range and for two edits that are not `compatible`.
    """
    pieces, position, last = [], 0, None
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not 0 <= edit.start <= edit.end <= len(mt):
            raise RepairError(f"Edit {edit} lies outside the text of {len(mt)} characters.")
        if last is not None and not compatible(last, edit):
            raise RepairError(f"Edits {last} and {edit} overlap.")
        pieces += (mt[position : edit.start], edit.text)
        position, last = edit.end, edit
    return "".join(pieces) + mt[position:]
