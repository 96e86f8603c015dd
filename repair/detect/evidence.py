"""Evidence beside the network: what lexicon, phrase memory and counts say of each word and gap.

The network has read some hundred thousand sentences; whether a rare word renders anything of the
source, a lexicon knows better. `describe` puts numbers on that, and gradient-boosted trees
(LightGBM), fitted on development data, turn them into what is added to the network's log-odds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from ..align import Token
from ..bitext import Bitext, spelled_names
from ..ngrams import FUNCTION_WORDS

WORDS = (
    "log-odds of the network",
    "lexicon: best share of the word",
    "lexicon: best share of its forms",
    "lexicon: second best share of its forms",
    "lexicon: best share, less far from the diagonal",
    "lexicon: log of all shares",
    "phrase memory: best share of a phrase with one of its forms",
    "likeness to a name of the source",
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
SUPPORTED, NAMED = 0.05, 0.85  # a share and a likeness from which a word counts as supported
EDGE = -4.0  # log-odds in the place of a word that is not there
_FORMS = 8
_CYRILLIC = re.compile("[А-ЯЁ][А-ЯЁа-яё-]*")


class Evidence(NamedTuple):
    """Rows of `WORDS` for N tokens, of `GAPS` for N+1 gaps, and one of `SEGMENTS`.

    The columns for the network's log-odds are left at 0.
    """

    words: np.ndarray
    gaps: np.ndarray
    segment: np.ndarray


def describe(bitext: Bitext, tokens: Sequence[Token]) -> Evidence:
    """The evidence for tokens of the MT, which need not be the words of ``bitext``."""
    words, size = bitext.words, len(bitext.source)
    own = bitext.own_scores
    uncovered = _Share([i in bitext.uncovered for i in range(size)])
    table = _words(bitext, own, uncovered)
    means = (table[:, 9] > 0) & (table[:, 8] == 0)  # words with a meaning
    bare = means & (table[:, 2] < SUPPORTED) & (table[:, 7] < NAMED)
    table[1:, 15], table[:-1, 16] = bare[:-1], bare[1:]
    segment = np.array(
        [
            table[means, 2].mean() if means.any() else 0.0,
            bare[means].mean() if means.any() else 0.0,
            uncovered.of(0, size),
            math.log((len(words) + 1) / (size + 1)),
            own.mean(),
        ]
    )
    rows = np.zeros((len(tokens), len(WORDS)))
    gaps = np.zeros((len(tokens) + 1, len(GAPS)))
    starts = np.array([start for start, _ in bitext.ranges], int)
    ends = np.array([end for _, end in bitext.ranges], int)
    before = [int(np.searchsorted(ends, start, "right")) for start, _ in tokens]
    for index, (_, end) in enumerate(tokens):
        inside = range(before[index], int(np.searchsorted(starts, end)))
        if inside:
            # A token of several words is as good as its worst.
            worst = min(inside, key=lambda j: (not means[j], table[j, 2], j))
            rows[index] = table[worst]
            rows[index, 17] = table[inside, 17].min()
            rows[index, 18] = table[inside[-1], 18]
    for index, j in enumerate([*before, len(words)]):
        gaps[index] = _gap(bitext, own, uncovered, j)
    return Evidence(rows, gaps, segment)


def beside(evidence: Evidence, words: np.ndarray, gaps: np.ndarray) -> Evidence:
    """The evidence with the network's log-odds of N words and N+1 gaps in their columns."""
    edges = np.concatenate([[EDGE], words, [EDGE]])
    evidence.words[:, 0] = words
    evidence.gaps[:, :3] = np.stack([gaps, edges[:-1], edges[1:]], 1)
    return evidence


class _Share:
    """Shares of a run of yes and no, by running sums."""

    def __init__(self, flags: Sequence[bool]):
        self.sums = np.concatenate([[0], np.cumsum(np.array(flags, int))])

    def of(self, start: int, end: int) -> float:
        return float(self.sums[end] - self.sums[start]) / max(1, end - start)

    def near(self, position: float, reach: float) -> float:
        """The share among those no farther than ``reach`` from a position; both are from 0 to 1."""
        size = len(self.sums) - 1
        if not size:
            return 0.0
        low = max(0, math.ceil(size * (position - reach) - 0.5))
        high = min(size, math.floor(size * (position + reach) - 0.5) + 1)
        return self.of(low, high) if low < high else 0.0


def _words(bitext: Bitext, own: np.ndarray, uncovered: _Share) -> np.ndarray:
    """`WORDS` for each word of the MT, but for what its neighbours have."""
    size, text = len(bitext.source), bitext.segment.source or ""
    lacking = _Share([not known for known in bitext.renderings])
    whose: dict[str, list[tuple[int, float]]] = {}
    for i, known in enumerate(bitext.renderings):
        for word, share in known.items():
            whose.setdefault(word, []).append((i, share))
    phrases = _phrases(bitext)
    written = [text[start:end] for start, end, _ in bitext.source]
    names = sorted(
        {one for word in written if _CYRILLIC.fullmatch(word) for one in spelled_names(word)}
    )
    rows = np.zeros((len(bitext.words), len(WORDS)))
    known_words: dict[str, tuple[float, ...]] = {}
    for j, word in enumerate(bitext.words):
        grammar, letters = word in FUNCTION_WORDS, word[-1:].isalnum()
        if word not in known_words:
            forms = [word] if grammar else [word, *bitext.counts.forms(word)[:_FORMS]]
            shares = sorted((bitext.support(form) for form in forms), reverse=True)
            like = 0.0
            if letters and not grammar and names:
                like = process.extractOne(word, names, scorer=JaroWinkler.similarity)[1]
            known_words[word] = (
                bitext.support(word),
                shares[0],
                shares[1] if len(shares) > 1 else 0.0,
                math.log(1e-4 + sum(share for _, share in whose.get(word, ()))),
                max(phrases.get(form, 0.0) for form in forms),
                like,
            )
        support, best, second, total, phrase, like = known_words[word]
        at = (j + 0.5) / len(bitext.words)
        reach = max(0.12, 2 / max(1, size))
        near = max(
            (share * (1 - 0.6 * abs((i + 0.5) / size - at)) for i, share in whose.get(word, ())),
            default=0.0,
        )
        start, end = bitext.ranges[j]
        rows[j, 1:15] = (
            support, best, second, near, total, phrase, like, grammar, letters,
            any(c.isdigit() for c in word), bitext.segment.mt[start:end][:1].isupper(),
            bitext.links[j] is not None, uncovered.near(at, reach), lacking.near(at, reach),
        )  # fmt: skip
        rows[j, 17:] = own[j], own[j + 1], len(word)
    return rows


def _phrases(bitext: Bitext) -> dict[str, float]:
    """The best share of a remembered rendering of two or three source words, for each of its words."""
    lemmas = [word.lemma for word in bitext.source]
    found: dict[str, float] = {}
    for length in (2, 3):
        for start in range(len(lemmas) - length + 1):
            for text, share in bitext.memory.phrases(lemmas[start : start + length])[:8]:
                for word in text.split():
                    found[word] = max(found.get(word, 0.0), share)
    return found


def _gap(bitext: Bitext, own: np.ndarray, uncovered: _Share, j: int) -> np.ndarray:
    """`GAPS` for the gap before word ``j`` of the MT."""
    links, size = bitext.links, len(bitext.source)
    left = next((x for x in reversed(links[:j]) if x is not None), -1)
    right = next((x for x in links[j:] if x is not None), size)
    low, high = min(left, right) + 1, max(left, right)
    missing = uncovered.of(low, high) * (high - low) if low < high else 0.0
    near = uncovered.near(j / max(1, len(links)), max(0.1, 1.5 / max(1, size)))
    return np.array(
        [0, 0, 0, missing, right > left, abs(right - left), near, uncovered.of(0, size), own[j]]
    )
