"""What could stand at a marked place of the MT: candidates of small producers, word by word.

A place is a run of words of the MT, or the gap before one. Each producer is a function of a
`Reading` (the segment with its words and what the source says) and a `Place`; it yields tuples of
words as `repair.ngrams` knows them. The measured case for such an inventory, against a decoder that
writes freely, is that the right answer is one or two words for seven places of ten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import ngrams
from ..bitext import BAND, Bitext, spelled_names
from ..core import Segment
from ..memory import LONGEST
from ..ngrams import FUNCTION_WORDS
from .composed import composed

Words = tuple[str, ...]


def _ordered(words: str) -> list[str]:
    return list(dict.fromkeys(words.split()))


FREQUENT = [
    (word,)
    for word in sorted(
        FUNCTION_WORDS
        | set(
            _ordered("""very even just only still already then now again however like well too many
            much most every each all both other another same own yet rather quite almost back let
            make made get made go say said people time new first two more if not no can also""")
        )
    )
    if word.isascii()
]
PAIRS = [
    tuple(pair.split())
    for pair in """of the|in the|to the|on the|for the|and the|that the|with the|from the|by the|at the|of a
        in a|to be|it is|there is|is a|with a|as a|for a|will be|has been|have been|had been|would be
        it was|he is|he was|they are|and in|which is|who is|to a|that it|that he|as the|such a|one of
        about the|is the|was the|are the|it 's|he 's|of their""".replace("\n", "|").split("|")
]
SIGNS = (",", ".", "-", '"', ":", ";", "?", "!", "—", "(", ")", "…", "–")
PARTICLES = _ordered("the a an of to in for on with by from and that is be not")


class Place(NamedTuple):
    """Words ``start`` to ``end`` of the MT, in the numbering of `Reading.words`; a gap if equal."""

    start: int
    end: int


class Reading(Bitext):
    """A segment as the producers see it, with an infilling model and its states where there are any.

    ``infiller`` is a `repair.propose.infill.Infiller`, ``states`` a `repair.detect.States`.
    """

    def __init__(self, segment: Segment, infiller: Any = None, states: Any = None):
        super().__init__(segment)
        # States of another encoder would mean nothing to the model.
        fits = infiller is not None and states is not None and infiller.encoder == states.encoder
        self._infiller, self.states = (infiller, states) if fits else (None, None)
        self._fillings: dict[Place, Any] = {}
        self._behind: dict[Place, list[int]] = {}

    def filling(self, place: Place) -> Any:
        """What the infilling model would write at a place (`repair.propose.infill.Filling`)."""
        if self.lacks(place):
            self._infiller.remember([(self, place)])
        return self._fillings.get(place)

    def lacks(self, place: Place) -> bool:
        """Whether the infilling model has yet to read a place that it reaches."""
        known = self._infiller is None or place in self._fillings
        return not known and self._infiller.reaches(place)

    def keep(self, place: Place, filling: Any) -> None:
        """Remember what a place would be filled with."""
        self._fillings[place] = filling

    def offsets(self, place: Place) -> tuple[int, int]:
        """Where a place begins and ends in the MT; a gap stands right after the word before it."""
        if place.start < place.end:
            return self.ranges[place.start][0], self.ranges[place.end - 1][1]
        if place.start:
            return (self.ranges[place.start - 1][1],) * 2
        return 0, 0

    def behind(self, place: Place, most: int = 6) -> list[int]:
        """Source words that may stand behind a place, the likeliest first."""
        if place not in self._behind:
            self._behind[place] = self._order(place) if self.source else []
        return self._behind[place][:most]

    def _order(self, place: Place) -> list[int]:
        inside = [self.links[j] for j in range(place.start, place.end) if self.links[j] is not None]
        left = next(
            (self.links[j] for j in range(place.start - 1, -1, -1) if self.links[j] is not None),
            None,
        )
        right = next(
            (self.links[j] for j in range(place.end, len(self.words)) if self.links[j] is not None),
            None,
        )
        middle = (place.start + place.end) / 2 / max(1, len(self.words)) * len(self.source)
        near = [i for i in (left, right) if i is not None]
        centre = (
            sum(near) / len(near) if near and abs(sum(near) / len(near) - middle) < 6 else middle
        )

        def cost(i: int) -> float:
            between = (
                left is not None and right is not None and min(left, right) < i < max(left, right)
            )
            return abs(i - centre) - 4 * (i in inside) - 2 * (i in self.uncovered) - 2 * between

        return sorted(range(len(self.source)), key=cost)


def delete(reading: Reading, place: Place) -> Iterator[Words]:
    """Nothing at all."""
    if place.start < place.end:
        yield ()


def function_words(reading: Reading, place: Place) -> Iterator[Words]:
    """A function word, or a usual pair of them."""
    if place.end - place.start <= 3:
        yield from FREQUENT
        yield from PAIRS


def inflections(reading: Reading, place: Place) -> Iterator[Words]:
    """Another form of one word of the place."""
    words = tuple(reading.words[place.start : place.end])
    if len(words) <= 3:
        for index, word in enumerate(words):
            for form in reading.counts.forms(word):
                yield (*words[:index], form, *words[index + 1 :])


def neighbours(reading: Reading, place: Place) -> Iterator[Words]:
    """The same words without one, in another order, or with a particle before, between or after."""
    words = tuple(reading.words[place.start : place.end])
    if not words or len(words) > 4:
        return
    for index in range(len(words)):
        yield words[:index] + words[index + 1 :]
    for index in range(len(words) - 1):
        yield (*words[:index], words[index + 1], words[index], *words[index + 2 :])
    for particle in PARTICLES:
        for index in range(len(words) + 1):
            yield (*words[:index], particle, *words[index:])
        for index, word in enumerate(words):
            if word in FUNCTION_WORDS:
                yield (*words[:index], particle, *words[index + 1 :])


def lexicon(reading: Reading, place: Place) -> Iterator[Words]:
    """English words for the source words behind the place, also in other forms."""
    behind = reading.behind(place)
    for rank, i in enumerate(behind):
        for word, share in reading.renderings[i].items():
            if share >= 0.02 or rank < 2:
                yield (word,)
                if word not in FUNCTION_WORDS and rank < 3 and share >= 0.08:
                    for form in reading.counts.forms(word)[:8]:
                        yield (form,)
    for i in reading.behind(place, 2 * BAND):
        if i not in behind:
            for word, share in reading.renderings[i].items():
                if share >= 0.08 and word not in FUNCTION_WORDS:
                    yield (word,)


def synonyms(reading: Reading, place: Place) -> Iterator[Words]:
    """Words that render the same Russian words as one of the place does."""
    words = tuple(reading.words[place.start : place.end])
    if len(words) <= 3:
        for index, word in enumerate(words):
            if word not in FUNCTION_WORDS:
                for other in reading.memory.synonyms(word):
                    yield (*words[:index], other, *words[index + 1 :])


def spellings(reading: Reading, place: Place) -> Iterator[Words]:
    """Known words that are spelled much like an unknown one of the place."""
    words = tuple(reading.words[place.start : place.end])
    if len(words) <= 2:
        for index, word in enumerate(words):
            if word.isalpha() and len(word) > 3 and not reading.counts.known(word):
                for other in reading.counts.alike(word):
                    yield (*words[:index], other, *words[index + 1 :])


def phrases(reading: Reading, place: Place) -> Iterator[Words]:
    """Remembered renderings of the source phrases behind the place."""
    lemmas = [word.lemma for word in reading.source]
    seen = set()
    for i in reading.behind(place)[:4]:
        for size in range(1, LONGEST + 1):
            for start in range(max(0, i - size + 1), min(i, len(lemmas) - size) + 1):
                if (start, size) in seen:
                    continue
                seen.add((start, size))
                for text, _ in reading.memory.phrases(lemmas[start : start + size])[:8]:
                    yield tuple(text.split())


def rendered_with_particle(reading: Reading, place: Place) -> Iterator[Words]:
    """An article or preposition with a word for the source words behind the place."""
    for i in reading.behind(place)[:3]:
        best = sorted(reading.renderings[i].items(), key=lambda x: (-x[1], x[0]))[:4]
        for word, share in best:
            if share >= 0.08 and word not in FUNCTION_WORDS:
                for particle in PARTICLES[:10]:
                    yield (particle, word)
                    yield (word, particle)


def infilled(reading: Reading, place: Place) -> Iterator[Words]:
    """What the infilling model writes, one to four words."""
    filling = reading.filling(place)
    if filling:
        yield from (words for words, _ in filling.wordings)


def guessed(reading: Reading, place: Place) -> Iterator[Words]:
    """One and two words with which the infilling model would begin, whatever it would go on with."""
    filling = reading.filling(place)
    if filling:
        yield from (words for words, _ in filling.guesses)


def names(reading: Reading, place: Place) -> Iterator[Words]:
    """Names of the source behind the place, in Latin letters."""
    source = reading.segment.source or ""
    for i in reading.behind(place)[:4]:
        word = reading.source[i]
        text = source[word.start : word.end]
        if text[:1].isupper() and word.start > 0 and re.fullmatch(r"[А-ЯЁа-яё-]+", text):
            yield from ((spelled,) for spelled in spelled_names(text))


def context(reading: Reading, place: Place) -> Iterator[Words]:
    """What most often stands between the words left and right."""
    if place.end - place.start > 3:
        return
    ids, size = reading.ids, len(reading.words)
    left = int(ids[place.start - 1]) if place.start else ngrams.START
    right = int(ids[place.end]) if place.end < size else ngrams.END
    if ngrams.UNKNOWN not in (left, right):
        for words, _ in reading.counts.between(left, right):
            yield tuple(reading.counts.word(word) for word in words)
    if left not in (ngrams.UNKNOWN, ngrams.START):
        run = np.concatenate([[ngrams.START] * 2, ids, [ngrams.END] * 2])
        before, after = int(run[place.start]), int(run[place.end + 3])
        for one in reading.counts.likely(before, left, right, after):
            yield (reading.counts.word(one),)


def punctuation(reading: Reading, place: Place) -> Iterator[Words]:
    """Another sign, or one where there is none."""
    words = tuple(reading.words[place.start : place.end])
    if len(words) <= 2 and not any(word[-1:].isalnum() for word in words):
        yield from ((sign,) for sign in SIGNS)
    elif len(words) == 1:
        yield (",",)
        for sign in SIGNS[:4]:
            yield (sign, *words)
            yield (*words, sign)


Producer = Callable[[Reading, Place], Iterable[Words]]
PRODUCERS: tuple[Producer, ...] = (
    delete, function_words, inflections, neighbours, lexicon, synonyms, spellings, phrases,
    rendered_with_particle, composed, infilled, guessed, names, context, punctuation,
)  # fmt: skip
_DIGIT = re.compile(r"\d")
_SAFE = re.compile(r"[a-z0-9'.&/$%£€à-ÿ-]+|[,.:;?!\"—–()…]", re.IGNORECASE)


def candidates(reading: Reading, place: Place) -> dict[Words, int]:
    """All candidates for a place but what stands there, with the producers of each as bits."""
    there = tuple(reading.words[place.start : place.end])
    left = reading.words[place.start - 1] if place.start else ""
    right = reading.words[place.end] if place.end < len(reading.words) else ""
    found: dict[Words, int] = {}
    # Digits are all alike here: a number is written as it stands in the place or in the source.
    numbers = {word for word in there if _DIGIT.search(word)}
    numbers |= {word.lemma for word in reading.source if _DIGIT.search(word.lemma)}
    for bit, producer in enumerate(PRODUCERS):
        for words in producer(reading, place):
            if words != there and _safe(words, left, right, numbers):
                found[words] = found.get(words, 0) | 1 << bit
    return found


def _safe(words: Words, left: str, right: str, numbers: set[str]) -> bool:
    """Whether there are only Latin words and known numbers, none doubled with its neighbour."""
    if words and (words[0] == left or words[-1] == right):
        return False
    if len(words) > 1 and any(a == b for a, b in pairwise(words)):
        return False
    if not words and left == right and left[-1:].isalnum():
        return False
    return all(_is_safe(word) or word in numbers for word in words)


@lru_cache(maxsize=1 << 16)
def _is_safe(word: str) -> bool:
    return bool(_SAFE.fullmatch(word)) and not _DIGIT.search(word)
