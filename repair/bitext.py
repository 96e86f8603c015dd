"""A translation beside its source, word by word: which words render which, as the lexicon has it."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from . import memory, ngrams
from .core import Segment
from .facts.exonyms import exonyms
from .facts.names import stem
from .facts.transliteration import romanize
from .ngrams import FUNCTION_WORDS

BAND = 80  # words of the source on each side of the diagonal that may stand behind a word


class Bitext:
    """The words of a segment's MT and source, and what the lexicon says of them.

    ``words`` are those of `repair.ngrams`, at ``ranges`` of the MT and with their ``ids`` among the
    counts; ``source`` are Russian words with lemmas. All but the words of the MT is empty without
    a source.
    """

    def __init__(self, segment: Segment):
        self.segment = segment
        self.counts, self.memory = ngrams.shipped(), memory.shipped()
        found = ngrams.words(segment.mt)
        self.words = [word for word, _, _ in found]
        self.ranges = [(start, end) for _, start, end in found]
        self.ids = self.counts.ids(self.words)
        self.source = memory.russian_words(segment.source or "")

    @cached_property
    def renderings(self) -> list[dict[str, float]]:
        """The lexicon's words for each word of the source."""
        return [self.memory.words(word.lemma) for word in self.source]

    @cached_property
    def links(self) -> list[int | None]:
        """For each word of the MT the source word that it renders, as the lexicon has it."""
        links: list[int | None] = []
        for j, word in enumerate(self.words):
            best, link = 0.03, None
            if word not in FUNCTION_WORDS:
                middle = round((j + 0.5) / len(self.words) * len(self.source))
                for i in range(max(0, middle - BAND), min(len(self.source), middle + BAND)):
                    share = self.renderings[i].get(word, 0.0)
                    away = abs((i + 0.5) / len(self.source) - (j + 0.5) / len(self.words))
                    if share and share * (1 - 0.6 * away) > best:
                        best, link = share * (1 - 0.6 * away), i
            links.append(link)
        return links

    def support(self, word: str) -> float:
        """The highest share that any word of the source gives to an English one."""
        return self._supports.get(word, 0.0)

    @cached_property
    def _supports(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for known in self.renderings:
            for word, share in known.items():
                if share > found.get(word, 0.0):
                    found[word] = share
        return found

    @cached_property
    def own_scores(self) -> np.ndarray:
        """The log-probability of each word of the MT and of its end."""
        return self.counts.score(self.words)

    @cached_property
    def uncovered(self) -> set[int]:
        """Source words that no word of the MT renders."""
        there = set(self.words)
        return {
            i
            for i, known in enumerate(self.renderings)
            if not any(
                s >= 0.05 and w in there and w not in FUNCTION_WORDS for w, s in known.items()
            )
        }


@lru_cache(maxsize=1 << 14)
def spelled_names(text: str) -> tuple[str, ...]:
    """How a Russian name is written in English: its known name, its dictionary form in letters."""
    lower = text.lower()
    found = [one for one in sorted(exonyms(lower)) if one.isascii() and " " not in one]
    found += [romanize(memory.lemma(text)), romanize(stem(text))]
    return tuple(dict.fromkeys(ngrams.normal(one) for one in found if len(one) > 1))
