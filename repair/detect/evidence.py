"""Evidence beside the network: what lexicon, phrase memory and counts say of each word and gap.

The network has read some hundred thousand sentences; whether a rare word renders anything of the
source, a lexicon knows better. `describe` puts numbers on that, and gradient-boosted trees
(LightGBM), fitted on development data, turn them into what is added to the network's log-odds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from .. import memory
from ..align import Token
from ..bitext import Bitext, spelled_names
from ..ngrams import FUNCTION_WORDS, normal, related

WORDS = (
    "log-odds of the network",
    "lexicon: best share of the word",
    "lexicon: best share of its forms",
    "lexicon: second best share of its forms",
    "lexicon: best share, less far from the diagonal",
    "lexicon: log of all shares",
    "phrase memory: best share of a phrase with one of its forms",
    "likeness in letters to a name or unknown word of the source",
    "function word",
    "letters or digits",
    "digit",
    "capital",
    "linked to a word of the source",
    "share of source words near that nothing renders",
    "share of source words near that the lexicon lacks",
    "word before has no support",
    "word after has no support",
    "log-probability",
    "log-probability of the next word",
    "length in characters",
)
GAPS = (
    "log-odds of the network",
    "log-odds of the word before",
    "log-odds of the word after",
    "source words that nothing renders, between the words that the neighbours render",
    "the neighbours render words in order",
    "distance between the words that they render",
    "share of source words near that nothing renders",
    "share of all source words that nothing renders",
    "log-probability of the word after",
)
SEGMENTS = (
    "mean support of words with a meaning",
    "share of words with a meaning that have no support",
    "share of source words that nothing renders",
    "log of words a source word",
    "mean log-probability",
)
# Columns of `WORDS` that are read again or filled apart from the others.
_BEST, _LIKE, _GRAMMAR, _LETTERS, _UNCOVERED, _LACKING = 2, 7, 8, 9, 13, 14
_BARE_BEFORE, _BARE_AFTER, _LOGPROB, _NEXT, _LENGTH = 15, 16, 17, 18, 19
SUPPORTED, NAMED = 0.05, 0.85  # a share and a likeness from which a word counts as supported
EDGE = -4.0  # log-odds in the place of a word that is not there
_CYRILLIC = re.compile("[А-ЯЁа-яё]")
_STEM = 3  # letters that forms of a word share


class Evidence(NamedTuple):
    """Rows of `WORDS` for N tokens, of `GAPS` for N+1 gaps, and one of `SEGMENTS`.

    The columns for the network's log-odds are left at 0.
    """

    words: np.ndarray
    gaps: np.ndarray
    segment: np.ndarray


def describe(bitext: Bitext, tokens: Sequence[Token]) -> Evidence:
    """The evidence for tokens of the MT, which need not be the words of ``bitext``.

    *Nothing renders* a source word with a meaning (no preposition, conjunction, particle or
    pronoun) if no word of the MT is a form of one of its renderings, nor part of a remembered phrase,
    nor the same word, number or name, nor like it in letters where the lexicon lacks it. A word of
    the MT that is like such a one in letters counts as one that the lexicon has.
    """
    words, size = bitext.words, len(bitext.source)
    own = bitext.own_scores
    table, bare_source, counted = _words(bitext, own)
    means = (table[:, _LETTERS] > 0) & (table[:, _GRAMMAR] == 0)  # words with a meaning
    bare = means & (table[:, _BEST] < SUPPORTED)
    table[1:, _BARE_BEFORE], table[:-1, _BARE_AFTER] = bare[:-1], bare[1:]
    uncovered = bare_source.sum() / max(1, counted)
    segment = np.array(
        [
            table[means, _BEST].mean() if means.any() else 0.0,
            bare[means].mean() if means.any() else 0.0,
            uncovered,
            math.log((len(words) + 1) / (size + 1)),
            own.mean(),
        ]
    )
    rows = np.zeros((len(tokens), len(WORDS)))
    starts = np.array([start for start, _ in bitext.ranges], int)
    ends = np.array([end for _, end in bitext.ranges], int)
    bounds = np.array(tokens, int).reshape(-1, 2)
    first = np.searchsorted(ends, bounds[:, 0], "right")
    last = np.searchsorted(starts, bounds[:, 1])
    for index, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        if high == low + 1:
            rows[index] = table[low]
        elif high > low:
            # A token of several words is as good as its worst.
            worst = min(range(low, high), key=lambda j: (not means[j], table[j, _BEST], j))
            rows[index] = table[worst]
            rows[index, _LOGPROB] = table[low:high, _LOGPROB].min()
            rows[index, _NEXT] = table[high - 1, _NEXT]
    gaps = _gaps(bitext, own, bare_source, uncovered)[[*first, len(words)]]
    return Evidence(rows, gaps, segment)


def beside(evidence: Evidence, words: np.ndarray, gaps: np.ndarray) -> Evidence:
    """The evidence with the network's log-odds of N words and N+1 gaps in their columns."""
    edges = np.concatenate([[EDGE], words, [EDGE]])
    evidence.words[:, 0] = words
    evidence.gaps[:, :3] = np.stack([gaps, edges[:-1], edges[1:]], 1)
    return evidence


def _words(bitext: Bitext, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """`WORDS` for each word of the MT, but for what its neighbours have; source words that nothing
    renders, as flags, and how many have a meaning.
    """  # fmt: skip
    size, text = len(bitext.source), bitext.segment.source or ""
    whose: dict[str, list[tuple[int, float]]] = {}
    for i, known in enumerate(bitext.renderings):
        for word, share in known.items():
            whose.setdefault(word, []).append((i, share))
    stems: dict[str, list[str]] = {}
    for word in whose:
        if len(word) > _STEM and word not in FUNCTION_WORDS:
            stems.setdefault(word[:_STEM], []).append(word)
    phrases = _phrases(bitext)
    for phrase in phrases:
        for word in phrase:
            if len(word) > _STEM and word not in whose and word not in FUNCTION_WORDS:
                stems.setdefault(word[:_STEM], []).append(word)
    in_phrases: dict[str, float] = {}
    for phrase, (share, _) in phrases.items():
        for word in phrase:
            in_phrases[word] = max(in_phrases.get(word, 0.0), share)
    written = [text[start:end] for start, end, _ in bitext.source]
    names = {one: i for i, word in enumerate(written) for one in _letters(bitext, i, word)}
    spelled = sorted(names)
    rendered = np.zeros(size)  # how well each source word is
    reached: set[str] = set()  # words whose forms are there
    known_words: dict[str, tuple[float, ...]] = {}
    for word in dict.fromkeys(bitext.words):
        grammar, letters = word in FUNCTION_WORDS, word[-1:].isalnum()
        forms = [word]
        if not grammar and len(word) > _STEM:
            near = stems.get(word[:_STEM], ())
            forms += [other for other in near if other != word and related(word, other)]
        shares = sorted((bitext.support(form) for form in forms), reverse=True)
        like = 0.0
        if word in names:
            like = 1.0
            rendered[names[word]] = 1.0
        elif letters and not grammar and spelled:
            name, like, _ = process.extractOne(word, spelled, scorer=JaroWinkler.similarity)
            if like >= NAMED:
                rendered[names[name]] = 1.0
        if not grammar:
            reached.update(forms)
            for form in forms:
                for i, share in whose.get(form, ()):
                    rendered[i] = max(rendered[i], share)
        total = sum(share for _, share in whose.get(word, ()))
        if like >= NAMED:  # its letters are as good as a rendering
            shares[0] = total = 1.0
        known_words[word] = (
            1.0 if like >= NAMED else bitext.support(word),
            shares[0],
            shares[1] if len(shares) > 1 else 0.0,
            math.log(1e-4 + total),
            max(in_phrases.get(form, 0.0) for form in forms),
            like,
        )
    for phrase, (share, at) in phrases.items():
        if all(word in reached or word in FUNCTION_WORDS for word in phrase):
            for i in at:
                rendered[i] = max(rendered[i], share)
    meaning = np.array([memory.has_meaning(word) for word in written], bool)
    bare = meaning & (rendered < SUPPORTED)
    lacking = np.array([not known for known in bitext.renderings], bool)
    count = len(bitext.words)
    at = (np.arange(count) + 0.5) / max(1, count)
    reach = max(0.12, 2 / max(1, size))
    rows = np.zeros((count, len(WORDS)))
    rows[:, _UNCOVERED], rows[:, _LACKING] = _near(bare, at, reach), _near(lacking, at, reach)
    for j, word in enumerate(bitext.words):
        support, best, second, total, phrase, like = known_words[word]
        near = max(
            (share * (1 - 0.6 * abs((i + 0.5) / size - at[j])) for i, share in whose.get(word, ())),
            default=0.0,
        )
        named = like >= NAMED
        near = 1.0 if named else near
        rows[j, 1:_UNCOVERED] = (
            support, best, second, near, total, phrase, like, word in FUNCTION_WORDS,
            word[-1:].isalnum(), any(c.isdigit() for c in word),
            bitext.segment.mt[bitext.ranges[j][0]].isupper(), named or bitext.links[j] is not None,
        )  # fmt: skip
        rows[j, _LENGTH] = len(word)
    rows[:, _LOGPROB], rows[:, _NEXT] = own[:-1], own[1:]
    return rows, bare, int(meaning.sum())


def _letters(bitext: Bitext, i: int, word: str) -> Iterable[str]:
    """How a word of the source may be written by its letters alone: a name, a term, Latin, digits."""
    if not _CYRILLIC.search(word):
        return (normal(word),)
    if word[0].isupper() or not bitext.renderings[i]:
        return spelled_names(word)
    return ()


def _phrases(bitext: Bitext) -> dict[tuple[str, ...], tuple[float, range]]:
    """Remembered renderings of two or three source words, with their share and those words."""
    lemmas = [word.lemma for word in bitext.source]
    found: dict[tuple[str, ...], tuple[float, range]] = {}
    for length in (2, 3):
        for start in range(len(lemmas) - length + 1):
            for text, share in bitext.memory.phrases(lemmas[start : start + length])[:8]:
                words = tuple(text.split())
                if share > found.get(words, (0.0, None))[0]:
                    found[words] = share, range(start, start + length)
    return found


def _near(flags: np.ndarray, at: np.ndarray, reach: float) -> np.ndarray:
    """The share of flags no farther than ``reach`` from each position; both are from 0 to 1."""
    size = len(flags)
    if not size:
        return np.zeros(len(at))
    sums = np.concatenate([[0], np.cumsum(flags)])
    low = np.clip(np.ceil(size * (at - reach) - 0.5), 0, size).astype(int)
    high = np.clip(np.floor(size * (at + reach) - 0.5) + 1, 0, size).astype(int)
    return np.where(high > low, (sums[high] - sums[low]) / np.maximum(1, high - low), 0.0)


def _gaps(bitext: Bitext, own: np.ndarray, bare: np.ndarray, uncovered: float) -> np.ndarray:
    """`GAPS` for the gap before each word of the MT and at its end."""
    count, size = len(bitext.words), len(bitext.source)
    left, right = [-1], [size]
    for link in bitext.links:
        left.append(left[-1] if link is None else link)
    for link in reversed(bitext.links):
        right.append(right[-1] if link is None else link)
    before, after = np.array(left), np.array(right[::-1])
    low, high = np.minimum(before, after) + 1, np.maximum(before, after)
    sums = np.concatenate([[0], np.cumsum(bare)])
    at = np.arange(count + 1) / max(1, count)
    rows = np.zeros((count + 1, len(GAPS)))
    rows[:, 3] = sums[np.maximum(low, high)] - sums[low]
    rows[:, 4], rows[:, 5] = after > before, abs(after - before)
    rows[:, 6] = _near(bare, at, max(0.1, 1.5 / max(1, size)))
    rows[:, 7], rows[:, 8] = uncovered, own
    return rows
