"""LanguageTool's rules as a stage: which of them pay on machine translation, and how much.

A checker's flags are weak evidence of translation errors, so a rule's confidence is what was
measured on development data (``rules.tsv``, written by ``python -m
repair.corpora.measure_rules grammar``), and rules that do not pay there are silent.
"""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..align import diff
from ..core import Candidate, Edit, ErrorSpan, Finding, RepairError, Segment
from ..style.spelling import is_name, likeness
from .jars import GrammarUnavailable, Progress, assemble
from .languagetool import STAND_IN, Match, NoAnswer, Profile, Refused, Server, sendable, status
from .rules import (
    CATEGORIES,
    SPELLER,
    edit_confidence,
    measured,
    place_confidence,
    silent_rules,
)

__all__ = ["Grammar", "GrammarUnavailable", "install", "status"]

# News mixes British and American English, which is nothing to repair.
_VARIANTS = frozenset({"AMERICAN_ENGLISH_STYLE", "BRITISH_ENGLISH", "REGIONALISMS"})
# Rules that look beyond a sentence: their verdict depends on the neighbours of a segment, which
# in a request are other segments. `style` checks quotes and names over a document instead.
_NOT_LOCAL = frozenset(
    {
        "ENGLISH_WORD_REPEAT_BEGINNING_RULE",
        "EN_REPEATEDWORDS",
        "EN_UNPAIRED_BRACKETS",
        "EN_UNPAIRED_QUOTES",
        "EN_WORD_COHERENCY",
        "PARAGRAPH_REPEAT_BEGINNING_RULE",
        "READABILITY_RULE_DIFFICULT",
        "READABILITY_RULE_SIMPLE",
        "TOO_LONG_PARAGRAPH",
        "TOO_LONG_SENTENCE",
        "UPPERCASE_SENTENCE_START",
        "PUNCTUATION_PARAGRAPH_END",
    }
)
# Rules that compare with today's date: the same text must give the same findings next year.
_BY_THE_CLOCK = frozenset({"DATE_FUTURE_VERB_PAST", "DATE_NEW_YEAR", "EN_DATE_WEEKDAY_CURRENTYEAR"})
_OTHER_VARIANT = {"en-US": "en-GB"}  # the spelling that is right, too; en-US for all others

_REQUEST_SEGMENTS = 50
_REQUEST_CHARACTERS = 20_000
_SEPARATOR = "\n\n"  # ends a sentence whatever stands before it
_SUGGESTIONS = 3  # candidates taken from one flag
_SECOND = 0.5  # each later replacement is worth half the one before
_RESTARTS = 12  # in a row; a hundred good requests give one back
_PAUSE = 1.0  # seconds before a server that is not ours is asked again


class _Piece(NamedTuple):
    """A part of a segment that is sent as one paragraph: nearly always all of it."""

    segment: int
    offset: int
    text: str


class _Broken(Exception):
    """The server cannot be brought back."""


class Grammar:
    """Finds what LanguageTool's rules object to; a stage, with a server that starts when it is made.

    ``url`` names a running server, ``folder`` a LanguageTool folder; without them the embedded
    one is used, and assembled first where ``fetch`` allows it. ``speller`` adds the spelling
    checker; it is off because on news it flags names more than anything else. ``workers`` is the
    number of requests under way at once, ``timeout`` is in seconds and for one request,
    ``all_rules`` lets the rules speak that do not pay.

    Raises `GrammarUnavailable` when the server cannot be had or started. Later on it is restarted
    when it dies or hangs, and what it was asked is asked again; a dozen failures in a row end
    that: the stage then warns once, finds nothing more, and ``failed`` says why.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        folder: str | Path | None = None,
        language: str = "en-US",
        speller: bool = False,
        workers: int = 2,
        heap_mb: int = 512,
        timeout: float = 60,
        fetch: bool = True,
        all_rules: bool = False,
    ):
        if not re.fullmatch(r"en(-[A-Z]{2})?", language):
            raise RepairError(
                f"{language!r} is not a kind of English.", mend="Use en, en-US or en-GB."
            )
        if workers < 1 or heap_mb < 256 or timeout <= 0:
            raise RepairError("workers must be 1 or more, heap_mb 256 or more, timeout positive.")
        self.language, self.speller, self.workers = language, speller, workers
        self.all_rules = all_rules
        self.failed: str | None = None
        self._server = Server(url=url, folder=folder, heap_mb=heap_mb, timeout=timeout, fetch=fetch)
        self._local = url is None
        self._pool: ThreadPoolExecutor | None = None
        self._budget, self._good = _RESTARTS, 0
        # A language without a variant has no spelling checker and no rules about the variant.
        self._profile = Profile(
            language if speller and "-" in language else "en" if not speller else "en-US",
            disabled_rules=_NOT_LOCAL
            | _BY_THE_CLOCK
            | (frozenset() if all_rules else silent_rules()),
            disabled_categories=_VARIANTS,
        )
        self.start()

    def __enter__(self) -> Grammar:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @property
    def signature(self) -> str:
        """The name and version, the language, and a digest of the rules with their weights."""
        state = (*map(sorted, self._profile[1:]), sorted(measured().values()))
        rules = hashlib.blake2b(repr(state).encode(), digest_size=4).hexdigest()
        return f"LanguageTool-{self._server.version}({self._profile.language},rules:{rules})"

    def start(self) -> None:
        """Start the server again after `close`. Raises `GrammarUnavailable`."""
        if self._pool is None:
            self._server.start()
            self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="grammar")

    def close(self) -> None:
        """Stop the server; safe to call at any time and again."""
        pool, self._pool = self._pool, None
        self._server.stop()  # first, so that requests under way end
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def __call__(self, segments: Sequence[Segment]) -> list[list[Finding]]:
        """The findings of each segment, in the order of their place."""
        segments = list(segments)
        if self.failed is None and segments:
            try:
                matches = self.matches(segments)
                return [
                    [
                        _finding(segment.mt, match)
                        for match in found
                        if self.all_rules or not _touches_quote(segment.mt, match)
                    ]
                    for segment, found in zip(segments, matches, strict=True)
                ]
            except _Broken as error:
                self.failed = f"LanguageTool failed and is left out from here on: {error}"
                self.close()
                warnings.warn(self.failed, stacklevel=2)
        return [[] for _ in segments]

    def matches(self, segments: Sequence[Segment]) -> list[list[Match]]:
        """What LanguageTool says of each ``mt``, offsets in code points, names left in peace."""
        self.start()
        try:
            matches = self._check([segment.mt for segment in segments])
            matches = [
                [
                    match
                    for match in found
                    if not _spoils_a_name(segment, match) and not _opens(segment.mt, match)
                ]
                for segment, found in zip(segments, matches, strict=True)
            ]
            return self._spelled_wrong(segments, matches) if self.speller else matches
        except BaseException:  # Ctrl-C above all: no request goes on behind the caller's back
            self.close()
            raise

    def _check(self, texts: Sequence[str], profile: Profile | None = None) -> list[list[Match]]:
        found: list[list[Match]] = [[] for _ in texts]
        for piece, matches in self._ask(_requests(texts), profile or self._profile):
            text = texts[piece.segment]
            for match in matches:
                start, end = match.start + piece.offset, match.end + piece.offset
                # A flag on a character that was replaced is about the stand-in.
                if sendable(text[start:end]) == text[start:end]:
                    found[piece.segment].append(match._replace(start=start, end=end))
        for matches in found:
            matches.sort()
        return found

    def _ask(
        self, requests: list[list[_Piece]], profile: Profile
    ) -> Iterable[tuple[_Piece, list[Match]]]:
        """Every piece with its matches: two rounds at full speed, the rest with care."""
        for _ in range(2):
            futures = [self._pool.submit(self._request, pieces, profile) for pieces in requests]
            failed, lost = [], False
            try:
                for pieces, future in zip(requests, futures, strict=True):
                    try:
                        yield from zip(pieces, future.result(), strict=True)
                        self._note_success()
                    except (NoAnswer, Refused) as error:
                        failed.append(pieces)
                        lost = lost or isinstance(error, NoAnswer)
            finally:
                for future in futures:
                    future.cancel()
            if not failed:
                return
            if lost:
                self._revive()
            requests = failed
        for pieces in requests:
            yield from self._ask_with_care(pieces, profile)

    def _ask_with_care(
        self, pieces: list[_Piece], profile: Profile
    ) -> Iterable[tuple[_Piece, list[Match]]]:
        """Halve what fails until the one text that the server cannot bear is found and left out."""
        try:
            yield from zip(pieces, self._request(pieces, profile), strict=True)
            self._note_success()
            return
        except NoAnswer:
            self._revive()
        except Refused:
            pass
        if len(pieces) == 1:
            return
        half = len(pieces) // 2
        for part in (pieces[:half], pieces[half:]):
            yield from self._ask_with_care(part, profile)

    def _request(self, pieces: list[_Piece], profile: Profile) -> list[list[Match]]:
        """The matches of each piece, offsets relative to it; one that spans two is dropped."""
        starts, position = [], 0
        for piece in pieces:
            starts.append(position)
            position += len(piece.text) + len(_SEPARATOR)
        text = _SEPARATOR.join(piece.text for piece in pieces)
        found: list[list[Match]] = [[] for _ in pieces]
        for match in self._server.check(text, profile):
            index = bisect_right(starts, match.start) - 1
            start, end = match.start - starts[index], match.end - starts[index]
            if 0 <= start <= end <= len(pieces[index].text):
                found[index].append(match._replace(start=start, end=end))
        return found

    def _note_success(self) -> None:
        self._good += 1
        if self._good % 100 == 0:
            self._budget = min(_RESTARTS, self._budget + 1)

    def _revive(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise _Broken(f"it failed {_RESTARTS} times")
        if not self._local:
            time.sleep(_PAUSE)
            return
        try:
            self._server.restart()
        except GrammarUnavailable as error:
            raise _Broken(str(error)) from error

    def _spelled_wrong(
        self, segments: Sequence[Segment], matches: list[list[Match]]
    ) -> list[list[Match]]:
        """Drop spelling flags on names and on words that another kind of English knows."""
        flagged = {
            segment.mt[match.start : match.end]
            for segment, found in zip(segments, matches, strict=True)
            for match in found
            if SPELLER.match(match.rule)
        }
        if not flagged:
            return matches
        known = self._known_elsewhere(sorted(flagged))
        documents: dict[str | None, Counter[str]] = {}
        for segment in segments:
            counts = documents.setdefault(_document(segment), Counter())
            counts.update(re.findall(r"\w+", segment.mt))

        def kept(segment: Segment, match: Match) -> bool:
            if not SPELLER.match(match.rule):
                return True
            word = segment.mt[match.start : match.end]
            return word not in known and not is_name(
                word, segment.source or "", documents[_document(segment)]
            )

        return [
            [match for match in found if kept(segment, match)]
            for segment, found in zip(segments, matches, strict=True)
        ]

    def _known_elsewhere(self, words: list[str]) -> set[str]:
        other = _OTHER_VARIANT.get(self._profile.language, "en-US")
        speller = f"MORFOLOGIK_RULE_{other.replace('-', '_').upper()}"
        found = self._check(words, Profile(other, only=frozenset({speller})))
        return {word for word, matches in zip(words, found, strict=True) if not matches}


def install(progress: Progress | None = None) -> Path:
    """Assemble the embedded LanguageTool, or verify it, and return its folder.

    ``progress`` is called with the number of jars in place, of all jars, and the last one's name.
    """
    return assemble(progress)


def _spoils_a_name(segment: Segment, match: Match) -> bool:
    """Whether a name is taken for a better known one that is further from the Russian."""
    if match.category != "MULTITOKEN_SPELLING" or not match.replacements or not segment.source:
        return False
    name = segment.mt[match.start : match.end]
    return likeness(match.replacements[0], segment.source) < likeness(name, segment.source)


def _opens(mt: str, match: Match) -> bool:
    """Whether a sign that opens the text is held against what stands before it in a request."""
    return match.rule == "COMMA_PARENTHESIS_WHITESPACE" and not mt[: match.start].strip()


def _touches_quote(mt: str, match: Match) -> bool:
    """Whether the place holds a double quotation mark.

    LanguageTool looks at one mark at a time, and closes where the text meant to open; `style`
    reads all marks of a segment in pairs.
    """
    return any(sign in '"“”„«»' for sign in mt[match.start : match.end])


def _document(segment: Segment) -> str:
    return f"doc {segment.doc}" if segment.doc is not None else f"segment {segment.id}"


def _requests(texts: Sequence[str]) -> list[list[_Piece]]:
    """The texts in requests of bounded size; a long text is cut, one without words left out."""
    requests: list[list[_Piece]] = []
    room = 0
    for index, text in enumerate(texts):
        for offset, part in _cut(sendable(text)):
            if not any(sign.isalnum() for sign in part):
                continue
            if not requests or len(requests[-1]) == _REQUEST_SEGMENTS or room < len(part):
                requests.append([])
                room = _REQUEST_CHARACTERS
            requests[-1].append(_Piece(index, offset, part))
            room -= len(part)
    return requests


def _cut(text: str) -> Iterable[tuple[int, str]]:
    """``text`` in parts of bounded length, cut after a sentence or at least between words."""
    start = 0
    while len(text) - start > _REQUEST_CHARACTERS:
        window = text[start : start + _REQUEST_CHARACTERS]
        ends = [match.end() for match in re.finditer(r"[.!?…][\"'”’»)\]]* +", window)]
        space = window.rfind(" ") + 1
        end = start + (ends[-1] if ends else space or _REQUEST_CHARACTERS)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _finding(mt: str, match: Match) -> Finding:
    """The match as a finding whose place is no larger than what its replacements change."""
    category, severity = CATEGORIES.get(match.category, ("fluency/grammar", "minor"))
    by = f"languagetool/{match.rule}"
    covered = mt[match.start : match.end]
    texts = [
        text
        for text in dict.fromkeys(match.replacements)
        if text != covered and not ("\n" in text or STAND_IN in text)
    ][:_SUGGESTIONS]
    edits = [edit for text in texts for edit in diff(covered, text)]
    first = min((edit.start for edit in edits), default=0)
    last = max((edit.end for edit in edits), default=len(covered))
    start, end = match.start + first, match.start + last
    tail = len(covered) - last
    confidence = edit_confidence(match.rule, match.category)
    candidates = tuple(
        Candidate(
            Edit(start, end, text[first : len(text) - tail]),
            by,
            confidence * _SECOND**place,
            match.message,
        )
        for place, text in enumerate(texts)
    )
    sure = place_confidence(match.rule, match.category)
    return Finding(ErrorSpan(start, end, category, severity, sure, by, match.message), candidates)
