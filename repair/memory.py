"""What Russian words and phrases are called in English: a lexicon and phrases with their weights.

Mined by word alignment from sentence pairs (``models/memory/build.py``). A Russian word is known by
its lemma (`pymorphy3`), an English one as `repair.ngrams.normal` has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .core import RepairError
from .facts.names import dictionary

FILE = "memory.npz"
LONGEST = 3  # Russian words in one phrase
_GRAMMAR = frozenset({"PREP", "CONJ", "PRCL", "NPRO", "INTJ"})
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


class Word(NamedTuple):
    """A Russian word at ``source[start:end]``; ``lemma`` is lower-case, digits are all ``0``."""

    start: int
    end: int
    lemma: str


def russian_words(source: str) -> list[Word]:
    """The words and numbers of a Russian text, without punctuation."""
    return [Word(*match.span(), lemma(match[0])) for match in _WORD.finditer(source)]


def lemma(word: str) -> str:
    """The likeliest dictionary form of a Russian word; an unknown one as it is."""
    return _read(word)[0]


def has_meaning(word: str) -> bool:
    """Whether a Russian word is more than grammar: no preposition, conjunction, particle or pronoun."""
    return _read(word)[1] not in _GRAMMAR


@lru_cache(maxsize=1 << 17)
def _read(word: str) -> tuple[str, str]:
    """The lemma of a word and its part of speech, empty if it is unknown."""
    lower = re.sub(r"\d", "0", word.lower())
    parses = dictionary().parse(lower) if re.search("[а-яё]", lower) else ()
    if not parses:
        return lower.replace("ё", "е"), ""
    return parses[0].normal_form.replace("ё", "е"), str(parses[0].tag.POS)


class Memory:
    """Renderings of Russian lemmas, one to three in a row, with their share.

    ``share`` of a word is the lexical translation probability t(e | f) of IBM model 1 with a
    preference for the diagonal (Dyer et al. 2013); of a phrase, its relative frequency.
    """

    def __init__(self, path: str | Path | None = None):
        path = Path(path) if path else Path(str(resources.files("repair.models") / "memory" / FILE))
        try:
            with np.load(path) as arrays:
                lines = {
                    key: arrays[key].tobytes().decode("utf-8").split("\n")
                    for key in ("russian", "english", "phrases", "renderings")
                }
                ends, words, shares = (arrays[key] for key in ("ends", "words", "shares"))
                phrase_ends, phrase_shares = arrays["phrase_ends"], arrays["phrase_shares"]
        except (OSError, EOFError, KeyError, ValueError) as error:
            raise RepairError(
                f"The phrase memory cannot be read: {error}",
                path=path,
                mend="Install mt-repair again, or build it with models/memory/build.py.",
            ) from None
        english = lines["english"]
        starts = [0, *ends[:-1].tolist()]
        self._words = {
            russian: {
                english[w]: share / 255
                for w, share in zip(words[a:b].tolist(), shares[a:b].tolist(), strict=True)
            }
            for russian, a, b in zip(lines["russian"], starts, ends.tolist(), strict=True)
        }
        starts = [0, *phrase_ends[:-1].tolist()]
        self._phrases = {
            phrase: tuple(
                zip(lines["renderings"][a:b], (phrase_shares[a:b] / 255).tolist(), strict=True)
            )
            for phrase, a, b in zip(lines["phrases"], starts, phrase_ends.tolist(), strict=True)
        }

    def words(self, lemma: str) -> dict[str, float]:
        """English words for a lemma with t(e | f); empty if it is unknown."""
        return self._words.get(lemma, {})

    def phrases(self, lemmas: Sequence[str]) -> tuple[tuple[str, float], ...]:
        """English renderings of lemmas in a row with their share, the most frequent first."""
        return self._phrases.get(" ".join(lemmas), ())

    def synonyms(self, word: str, most: int = 20) -> tuple[str, ...]:
        """English words that render the same lemmas, the closest first."""
        weights: dict[str, float] = {}
        for one, share in self._lemmas.get(word, ()):
            for other, its in self._words[one].items():
                if other != word and its >= 0.03:
                    weights[other] = weights.get(other, 0.0) + share * its
        order = sorted(weights, key=lambda other: (-weights[other], other))
        return tuple(order[:most])

    @cached_property
    def _lemmas(self) -> dict[str, list[tuple[str, float]]]:
        found: dict[str, list[tuple[str, float]]] = {}
        for one, known in self._words.items():
            for word, share in known.items():
                if share >= 0.08:
                    found.setdefault(word, []).append((one, share))
        return found


@cache
def shipped() -> Memory:
    """The memory that ships with the package, loaded once."""
    return Memory()
