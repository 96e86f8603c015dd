"""Wordings of two and three words, put together from small parts by what English likes.

The parts are the words of the place and their other forms, function words, and what the source words
behind the place are called. A beam grows them from the words on the left to those on the right
with the trigram model of `repair.ngrams`; a part's own weight says how likely it is to be wanted
here at all. So an article with a rendering, an auxiliary with another form, or the renderings of
two neighbouring source words are all one mechanism.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from .. import ngrams
from ..ngrams import FUNCTION_WORDS

FIRST, SECOND, THIRD = 14, 30, 30  # parts tried as the first word, and as each further one
PAIRS, PLAIN_PAIRS, TRIPLES = 36, 10, 16  # kept; plain ones are function words alone
GROWN = 10  # pairs that a third word is added to
COPY, FORM, FUNCTION, RENDERED_FORM = 0.0, -1.5, -1.6, -1.2  # log-weights of parts
DISTANCE = -0.35  # for each step down the list of source words behind the place
LONGEST_PLACE = 5
_FUNCTION = frozenset(
    re.findall(
        r"\S+",
        """the a an of to in for on at by with from as that which who and or but not it he she they
        we i you his her their its our this these is are was were be been has have had will would
        can could should must do did there 's than about into out up all some no more""",
    )
)


def parts(reading, place) -> dict[str, float]:
    """Words that may be of use at a place, each with its log-weight."""
    found: dict[str, float] = {}

    def add(word: str, weight: float) -> None:
        if weight > found.get(word, -99.0):
            found[word] = weight

    for word in reading.words[place.start : place.end]:
        add(word, COPY)
        if word not in FUNCTION_WORDS:
            for form in reading.counts.forms(word)[:8]:
                add(form, FORM)
    for word in sorted(_FUNCTION):
        add(word, FUNCTION)
    for rank, i in enumerate(reading.behind(place)):
        for word, share in reading.renderings[i].items():
            weight = math.log(share) + DISTANCE * rank - 0.5
            if weight > -4.5:
                add(word, weight)
                if weight > -2.2 and word not in FUNCTION_WORDS:
                    for form in reading.counts.forms(word)[:5]:
                        add(form, weight + RENDERED_FORM)
    return found


def composed(reading, place) -> Iterator[tuple[str, ...]]:
    """Two and three parts in a row that English likes between the words left and right."""
    if place.end - place.start > LONGEST_PLACE:
        return
    weights = parts(reading, place)
    vocabulary = list(weights)
    counts = reading.counts
    ids = counts.ids(vocabulary)
    known = ids != ngrams.UNKNOWN
    weight = np.array([weights[word] for word in vocabulary])
    plain = np.array([word in FUNCTION_WORDS or not word[-1:].isalnum() for word in vocabulary])
    run = np.concatenate([[ngrams.START] * 2, reading.ids, [ngrams.END] * 2])
    before, left = run[place.start], run[place.start + 1]
    right, after = run[place.end + 2], run[place.end + 3]

    def follow(a, b, c) -> np.ndarray:
        return counts.logprob(*np.broadcast_arrays(a, b, c))

    def close(a, b) -> np.ndarray:
        """What the words on the right cost after ``a b``."""
        end = follow(a, b, right)
        return end if right == ngrams.END else end + follow(b, right, after)

    opening = follow(before, left, ids) + weight
    ending = follow(left, ids, right) + weight
    first = _best(np.where(known, opening, -99), FIRST, plain)
    second = _best(np.where(known, ending, -99), SECOND, plain)
    a, b = (x.ravel() for x in np.meshgrid(first, second, indexing="ij"))
    apart = ids[a] != ids[b]
    a, b = a[apart], b[apart]
    grown = opening[a] + follow(left, ids[a], ids[b]) + weight[b]
    only = plain[a] & plain[b]
    # What closes badly may open well, so that more are closed than are kept.
    for kind, most in ((~only, PAIRS), (only, PLAIN_PAIRS)):
        chosen = np.flatnonzero(kind)
        chosen = chosen[np.argsort(-grown[chosen], kind="stable")[: 4 * most]]
        total = grown[chosen] + close(ids[a[chosen]], ids[b[chosen]])
        for k in chosen[np.argsort(-total, kind="stable")[:most]]:
            yield vocabulary[a[k]], vocabulary[b[k]]
    # A third word behind the pairs that opened best.
    best = np.argsort(-grown - 2 * ~only, kind="stable")[:GROWN]
    k, c = (x.ravel() for x in np.meshgrid(best, second[:THIRD], indexing="ij"))
    fit = (ids[c] != ids[b[k]]) & (ids[c] != ids[a[k]]) & ~(only[k] & plain[c])
    k, c = k[fit], c[fit]
    grown = grown[k] + follow(ids[a[k]], ids[b[k]], ids[c]) + weight[c]
    open_best = np.argsort(-grown, kind="stable")[: 4 * TRIPLES]
    k, c, grown = k[open_best], c[open_best], grown[open_best]
    total = grown + close(ids[b[k]], ids[c])
    for n in np.argsort(-total, kind="stable")[:TRIPLES]:
        yield vocabulary[a[k[n]]], vocabulary[b[k[n]]], vocabulary[c[n]]


def _best(scores: np.ndarray, most: int, plain: np.ndarray) -> np.ndarray:
    """Indices of the highest scores, half of them for words that say something themselves."""
    order = np.argsort(-scores, kind="stable")
    content = order[~plain[order]][: most // 2]
    function = order[plain[order]][: most - len(content)]
    return np.concatenate([content, function])
