"""The shipped fixer: small repairs at the places that the detector suspects, offline.

At each place it takes the candidates of `repair.propose.inventory`, puts them in order and offers
the first few, each with a confidence of its own (see `repair.propose.rank`). Where the detector marks
a place anyway, it shows a person what could stand there, even if it is not sure. Words are
known ones or stand in the source's lexicon, numbers are those of the place or of the source; case
and spaces fit the place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import ngrams
from ..bitext import spelled_names
from ..core import Candidate, Edit, ErrorSpan, Finding, Segment, apply
from ..facts import guard
from ..facts.exonyms import is_capitalized
from ..ngrams import FUNCTION_WORDS
from .changes import category_of
from .infill import Infiller
from .inventory import PRODUCERS, Place, Reading, Words, candidates
from .rank import Ranker, chances, describe, doubts

MOST_PLACES = 2  # of one segment are tried: four find hardly more, in twice the time
# The error probability of a word below which it is left alone: about the detector's own threshold,
# since below it there is hardly an offer to make (of 4,200 segments, a dozen), at a third of the cost. Gaps,
# which are seldom wrong, are tried from as much below it as `GAPS` says.
LEAST_DOUBT, GAPS = 0.36, 0.12
OFFERED = 5
# Below this nothing is offered as an edit. Of crossed confidences next to none reach it.
LEAST_CONFIDENCE = 0.5
# A place that the detector marks is shown to a person in any case, with wordings to look at, whatever
# their confidence: at most so many places of a segment, of so many words.
MOST_MARKED, LONGEST_MARKED = 4, 3
IDEAS = 30  # candidates among which they are looked for
_TIGHT_LEFT = re.compile(r"[,.;:!?%)\]]|['’](?:s|t|re|ve|ll|d|m)$", re.IGNORECASE)


def places(reading: Reading, detection: Any, least: float = LEAST_DOUBT) -> list[Place]:
    """Places worth trying: suspected words, joined if they touch, and suspected gaps.

    ``least`` is the error probability from which a word is suspected.
    """
    if detection is None or not detection.tokens or not reading.words:
        return []
    doubt = np.zeros(len(reading.words))
    at = 0
    for (start, end), p in zip(detection.tokens, detection.words, strict=True):
        while at < len(doubt) and reading.ranges[at][1] <= start:
            at += 1
        j = at
        while j < len(doubt) and reading.ranges[j][0] < end:
            doubt[j] = max(doubt[j], p)
            j += 1
    found: list[tuple[float, Place]] = []
    j = 0
    while j < len(doubt):
        end = j
        while end < len(doubt) and doubt[end] >= least and end - j < 3:
            end += 1
        if end > j:
            found.append((float(doubt[j:end].max()), Place(j, end)))
            if end - j > 1:  # the surest word alone may be all that is wrong
                top = j + int(doubt[j:end].argmax())
                found.append((float(doubt[top]) - 0.02, Place(top, top + 1)))
        j = max(end, j + 1)
    for gap, p in enumerate(detection.gaps):
        if p >= least - GAPS:
            offset = detection.tokens[gap - 1].end if gap else 0
            at = sum(b <= offset for _, b in reading.ranges)
            found.append((p + GAPS, Place(at, at)))
    best = sorted(dict.fromkeys(found), key=lambda x: (-x[0], x[1]))[:MOST_PLACES]
    return sorted({place for _, place in best})


def marked(reading: Reading, detection: Any) -> dict[Place, ErrorSpan]:
    """Places that the detector's findings mark, the surest ones: short ones, not mere signs."""
    found: dict[Place, ErrorSpan] = {}
    spans = [finding.span for finding in getattr(detection, "findings", ())]
    for span in sorted(spans, key=lambda span: (-span.confidence, span.start, span.end)):
        inside = [
            j for j, (a, b) in enumerate(reading.ranges) if a < span.end and span.start < b
        ]  # fmt: skip
        if span.start == span.end:
            at = sum(b <= span.start for _, b in reading.ranges)
            found.setdefault(Place(at, at), span)
        elif any(reading.words[j][-1:].isalnum() for j in inside) and len(inside) <= LONGEST_MARKED:
            found.setdefault(Place(inside[0], inside[-1] + 1), span)
    return dict(list(found.items())[:MOST_MARKED])


class Fixer:
    """The stage that proposes small repairs; it needs detections (see `repair.pipeline.Stage`).

    Nothing is offered whose first candidate is less sure than ``least``, and no candidate that would
    cost a fact (`repair.facts.guard`) or delete more than words of grammar. With ``ideas``, places that
    the detector marks have wordings that are less sure: they are for a person to look at (see
    `repair.core.Suggestion.is_offer`), never deletions, and words with a meaning for such words.
    """

    reads_detections = reads_states = True

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        least: float = LEAST_CONFIDENCE,
        ideas: bool = True,
        infiller: Infiller | None = None,
    ):
        self.ranker, self.least, self.ideas = Ranker(folder), least, ideas
        self.infiller = infiller or Infiller()

    @property
    def signature(self) -> str:
        """The models and the least confidence."""
        models = f"{self.ranker.signature}:{self.infiller.signature}"
        return f"fixer:{models}|least:{self.least:g}" + ("" if self.ideas else "|ideas:no")

    def read(self, segment: Segment, detection: Any) -> Reading:
        """A segment as the fixer's parts see it, with the encoder's states if they were kept."""
        return Reading(segment, self.infiller, getattr(detection, "states", None))

    def __call__(
        self, segments: Sequence[Segment], detections: Sequence[Any] = ()
    ) -> list[list[Finding]]:
        seen = detections or [None] * len(segments)
        work = []
        for index, (segment, detection) in enumerate(zip(segments, seen, strict=True)):
            if not _is_suspected(detection):
                continue
            reading = self.read(segment, detection)
            shown = marked(reading, detection) if self.ideas else {}
            at = sorted({*places(reading, detection), *shown})
            work.append((index, reading, at, shown, detection))
        # Many places at once are several times faster than one by one.
        self.infiller.remember([(reading, place) for _, reading, at, *_ in work for place in at])
        found: list[list[Finding]] = [[] for _ in segments]
        for index, reading, at, shown, detection in work:
            offered = (self._finding(reading, p, detection, shown.get(p)) for p in at)
            found[index] = [finding for finding in offered if finding]
        return found

    def candidates(self, reading: Reading, place: Place) -> list[tuple[Words, int, float]]:
        """All candidates for a given place with their producers (bits) and scores, best first."""
        return self.ranked(reading, place)[0]

    def ranked(
        self, reading: Reading, place: Place
    ) -> tuple[list[tuple[Words, int, float]], float]:
        """`candidates`, and the probability that the first is right if the place is wrong."""
        found = candidates(reading, place)
        if not found:
            return [], 0.0
        rows = describe(reading, place, found)
        scores = self.ranker.rank(rows)
        order = np.argsort(-scores, kind="stable")
        options = list(found.items())
        ranked = [(*options[k], float(scores[k])) for k in order]
        return ranked, float(self.ranker.right(rows, scores, order[:1])[0])

    def _finding(
        self, reading: Reading, place: Place, detection: Any, mark: ErrorSpan | None
    ) -> Finding | None:
        """What is offered at a place; at one that has a ``mark``, ideas if nothing is."""
        found = candidates(reading, place)
        if not found:
            return None
        rows, options = describe(reading, place, found), list(found)
        scores = self.ranker.rank(rows)
        order = np.argsort(-scores, kind="stable")
        chosen = order[:OFFERED].tolist()
        ideas: list[int] = []
        if mark:
            likely = order[:IDEAS].tolist()
            ideas = [k for k in likely if _is_idea(reading, place, options[k])][:OFFERED]
        every = np.array(list(dict.fromkeys([*chosen, *ideas])))
        asked = doubts(
            chances(rows, scores, every), self.ranker.right(rows, scores, every),
            place, detection, reading.offsets(place),
        )  # fmt: skip
        sure = dict(zip(every.tolist(), self.ranker.helps(asked).tolist(), strict=True))
        offers: list[Candidate] = []
        if max(sure[k] for k in chosen) >= self.least:
            offers = self._offers(reading, place, found, chosen, sure, scores)
        if not offers or offers[0].confidence < self.least:
            offers = self._offers(reading, place, found, ideas, sure, scores)
            if not offers:
                return None
        edits = _together(reading.segment.mt, [offer.edit for offer in offers])
        offers = [replace(offer, edit=edit) for offer, edit in zip(offers, edits, strict=True)]
        if offers[0].confidence < self.least:
            start, end = edits[0].start, edits[0].end
            message = f"{mark.message} One of these wordings may fit.".strip()
            return Finding(replace(mark, start=start, end=end, message=message), tuple(offers))
        best, inside = offers[0], float(asked[0, -6])
        category = category_of(reading.segment.mt, best.edit)
        severity = "major" if category.startswith("accuracy/") else "minor"
        wrong = max(best.confidence, inside if inside == inside else 0.0)
        span = ErrorSpan(
            best.edit.start, best.edit.end, category, severity, round(wrong, 3), best.by,
            "The detector suspects this place; a small repair may help.",
        )  # fmt: skip
        return Finding(span, tuple(offers))

    def _offers(
        self, reading: Reading, place: Place, found: dict[Words, int], chosen: Sequence[int],
        sure: dict[int, float], scores: np.ndarray,
    ) -> list[Candidate]:  # fmt: skip
        """Those of the chosen candidates that fit the place and cost no fact, in their order."""
        options, offers = list(found.items()), []
        # Token edits, by which the confidence was learned, like deletions too well to let it choose:
        # the ranker's order stands, and nothing is surer than what comes before it.
        steps = np.arange(len(chosen)) / 1000  # no ties, which would be put in order by their text
        said = np.array([sure[k] for k in chosen])
        falling = np.maximum(np.minimum.accumulate(said + steps) - steps, 0.001)
        for k, confidence in zip(chosen, falling, strict=True):
            words, bits = options[k]
            edit = fitted(reading, place, words)
            if edit is None or reading.segment.mt[edit.start : edit.end] == edit.text:
                continue
            if repeats(reading, place, words) or (not words and _has_content(reading, place)):
                continue
            if guard(reading.segment, apply(reading.segment.mt, [edit])):
                continue  # it would cost a number, a date, a name or a negation
            who = [p.__name__ for bit, p in enumerate(PRODUCERS) if bits >> bit & 1]
            message = f"From {', '.join(name.replace('_', ' ') for name in who)}."
            offers.append(
                Candidate(edit, f"fixer/{who[0]}", round(float(confidence), 3), message,
                          round(float(scores[k]), 3))
            )  # fmt: skip
        return offers


def _is_suspected(detection: Any) -> bool:
    """Whether there may be a place worth trying: most segments need not be read any closer."""
    if detection is None or not detection.tokens:
        return False
    if detection.findings or max(detection.words) >= LEAST_DOUBT:
        return True
    return max(detection.gaps) >= LEAST_DOUBT - GAPS


def _is_idea(reading: Reading, place: Place, words: Words) -> bool:
    """Whether a person may want to see a wording: it says something if what stands there does."""
    says = any(word not in FUNCTION_WORDS and word[-1:].isalnum() for word in words)
    return bool(words) and (says or not _has_content(reading, place))


def _together(mt: str, edits: Sequence[Edit]) -> list[Edit]:
    """The same edits, all over the range of the widest, so that they are one choice."""
    start, end = min(e.start for e in edits), max(e.end for e in edits)
    return [Edit(start, end, mt[start : e.start] + e.text + mt[e.end : end]) for e in edits]


def _has_content(reading: Reading, place: Place) -> bool:
    """Whether a place has words that are more than grammar: their loss is no small repair."""
    words = reading.words[place.start : place.end]
    return any(word not in FUNCTION_WORDS and word[-1:].isalnum() for word in words)


def repeats(reading: Reading, place: Place, words: Words) -> bool:
    """Whether a wording says again what is said up to three words away."""
    near = {
        *reading.words[max(0, place.start - 3) : place.start],
        *reading.words[place.end : place.end + 3],
    }
    return any(word in near and word not in FUNCTION_WORDS and len(word) > 2 for word in words)


def fitted(reading: Reading, place: Place, words: Words) -> Edit | None:
    """The edit that puts words at a place, with its spaces and case; none if that cannot be."""
    edit = _written(reading, place, words) if words else _deleted(reading, place)
    if edit is None:
        return None
    # Whatever the spaces and signs around: these words stand there afterwards, and no others.
    wanted = [*reading.words[: place.start], *words, *reading.words[place.end :]]
    fixed = apply(reading.segment.mt, [edit])
    return edit if [word for word, _, _ in ngrams.words(fixed)] == wanted else None


def _written(reading: Reading, place: Place, words: Words) -> Edit | None:
    mt = reading.segment.mt
    start, end = reading.offsets(place)
    text = ""
    for index, word in enumerate(words):
        tight = index == 0 or _TIGHT_LEFT.match(word) or text.endswith("(")
        text += ("" if tight else " ") + _cased(reading, place, word)
    opens = not mt[:start].strip(" \"'“”«»([-–—")
    if opens and start == end:
        return None  # what would begin the sentence changes the case of the next word
    if opens and mt[start:end][:1].isupper():
        text = text[0].upper() + text[1:]
    tight = bool(_TIGHT_LEFT.match(words[0]))
    if start == end:
        before = not tight and not mt[start - 1 : start].isspace()
    else:
        before = not tight and mt[start - 1 : start].isalnum()
        if tight and mt[start - 1 : start] == " ":
            start -= 1
    after = mt[end : end + 1].isalnum() and text[-1] != "("
    return Edit(start, end, " " * before + text + " " * after)


def _deleted(reading: Reading, place: Place) -> Edit | None:
    mt = reading.segment.mt
    start, end = reading.offsets(place)
    if mt[:start].strip() == "":
        return None  # what begins the sentence then would have to change its case
    # A deletion takes one of the two spaces along.
    if mt[start - 1 : start].isspace():
        start -= 1
    elif mt[end : end + 1].isspace():
        end += 1
    joined = mt[start - 1 : start].isalnum() and mt[end : end + 1].isalnum()
    return Edit(start, end, " " * joined)


def _cased(reading: Reading, place: Place, word: str) -> str:
    """A word as it is written here: as elsewhere at this place, or with a name's capital."""
    start, end = reading.offsets(place)
    for text, a, b in (
        zip(
            reading.words[place.start : place.end],
            *zip(*reading.ranges[place.start : place.end], strict=True),
            strict=True,
        )
        if start < end
        else ()
    ):
        if text == word:
            return reading.segment.mt[a:b]
    if re.search(r"\d", word):  # digits are all alike in the counts: the source has the real ones
        for i in reading.behind(place, len(reading.source)):
            there = reading.source[i]
            if there.lemma == word:
                return (reading.segment.source or "")[there.start : there.end]
    if word == "i":
        return "I"
    if word in ("'s", "'t") or not word[:1].isalpha():
        return word
    source = reading.segment.source or ""
    for i in reading.behind(place):
        there = reading.source[i]
        text = source[there.start : there.end]
        name = text[:1].isupper() and there.start > 0 and word not in FUNCTION_WORDS
        if name and (reading.renderings[i].get(word, 0.0) >= 0.1 or word in spelled_names(text)):
            return word[0].upper() + word[1:]
    return word[0].upper() + word[1:] if is_capitalized(word) else word
