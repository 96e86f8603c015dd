"""Puts the candidates for a place in order, and says how many of the first are right.

Features of each candidate are counts and probabilities of English with it in its place, what the
phrase memory says, and who proposed it; a gradient-boosted ranker orders them (LambdaMART, Burges
2010, by LightGBM), trained on the edits of human post-editors. `Confidence` is another model, for
another question: does the first one make the segment better, given also what the detector thinks?
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel

from ..core import RepairError
from ..ngrams import FUNCTION_WORDS
from .inventory import PRODUCERS, Place, Reading, Words

FEATURES = (
    "words of the candidate",
    "words of the place",
    "place is a gap",
    "log-probability, change",
    "log-probability, change against deletion",
    "log-probability, rank among all",
    "count with the word on the left",
    "count with the word on the right",
    "count between both",
    "rarest word",
    "rarest word that stands there",
    "log-probability of what stands there",
    "lexicon: best share",
    "lexicon: mean support of content words",
    "lexicon: support of what stands there",
    "phrase memory: share",
    "renders a source word that nothing renders",
    "likeness to what stands there",
    "content words of the candidate",
    "content words of the place",
    "words that stand elsewhere in the MT",
    "has a source",
    "place in the segment",
    "first word is a function word",
    "last word is a function word",
    "log-probability, below the best",
    "log-probability, rank among those of its length",
    "log-probability, change per word",
    "words more than the place has",
    "infilling: log-probability of the first word",
    "infilling: log-probability of the wording",
    "infilling: rank of the wording",
    "infilling: log-probability of beginning like this",
    "infilling: log-probability of the best wording",
    "infilling: log-probability of nothing",
    "infilling: entropy of the first word",
    *(f"by {producer.__name__}" for producer in PRODUCERS),
)


def describe(reading: Reading, place: Place, found: dict[Words, int]) -> np.ndarray:
    """(candidates, `FEATURES`) of the candidates for a place, in their order."""
    counts, options = reading.counts, list(found)
    there = reading.words[place.start : place.end]
    rows = np.zeros((len(options), len(FEATURES)), np.float32)
    if not options:
        return rows
    edits = [(place.start, place.end, words) for words in options]
    gains = counts.change(reading.words, [*edits, (place.start, place.end, ())])
    gains, dropped = gains[:-1], gains[-1]
    run = np.concatenate([[0, 0], reading.ids, [1, 1]])
    left, right = run[place.start + 1], run[place.end + 2]
    size = len(options)
    sizes = np.array([len(words) for words in options])
    flat = counts.ids([word for words in options for word in words])
    starts = np.cumsum(sizes) - sizes
    some = sizes > 0
    first, last = np.full(size, right), np.full(size, left)
    first[some], last[some] = flat[starts[some]], flat[(starts + sizes - 1)[some]]
    lefts, rights = np.full(size, left), np.full(size, right)
    rarity = np.full(size, math.nan)
    rarity[some] = np.minimum.reduceat(np.log1p(counts.count(flat)), starts[some])
    content_there = [word for word in there if _says(word)]
    behind = reading.behind(place)
    near: dict[str, float] = {}
    fresh: set[str] = set()
    for i in behind:
        for word, share in reading.renderings[i].items():
            near[word] = max(near.get(word, 0.0), share)
            if share >= 0.05 and i in reading.uncovered:
                fresh.add(word)
    remembered = _remembered(reading, behind)
    elsewhere = set(reading.words[: place.start]) | set(reading.words[place.end :])
    joined = [" ".join(words) for words in options]
    likeness = process.cdist([" ".join(there)], joined, scorer=Indel.normalized_similarity)[0]
    bits = np.array([found[words] for words in options])
    # What is known of a word, for each word once.
    names = {word: n for n, word in enumerate(dict.fromkeys(w for words in options for w in words))}
    known = np.array(
        [
            (near.get(w, 0.0), reading.support(w), _says(w), w in fresh, w in elsewhere,
             w in FUNCTION_WORDS)
            for w in names
        ]
    ).reshape(-1, 6)  # fmt: skip
    each = known[[names[word] for words in options for word in words]]
    says = each[:, 2]
    sums = np.zeros((size, 5))
    if some.any():
        cut = starts[some]
        sums[some, 0] = np.maximum.reduceat(each[:, 0], cut)
        sums[some, 1:] = np.add.reduceat(
            np.stack([each[:, 1] * says, says, each[:, 3] * says, each[:, 4] * says], 1), cut
        )
        rows[some, 23], rows[some, 24] = each[cut, 5], each[(starts + sizes - 1)[some], 5]
    rows[:, 12] = sums[:, 0]
    spoken = sums[:, 2] > 0
    rows[:, 13] = np.where(spoken & bool(behind), sums[:, 1] / np.maximum(sums[:, 2], 1), math.nan)
    rows[:, 14] = _support(reading, content_there)
    rows[:, 15] = [remembered.get(text, 0.0) for text in joined]
    rows[:, 16], rows[:, 17] = sums[:, 3] > 0, likeness
    rows[:, 18], rows[:, 19], rows[:, 20] = sums[:, 2], len(content_there), sums[:, 4]
    rows[:, 21], rows[:, 22] = bool(behind), place.start / max(1, len(reading.words))
    rows[:, 0], rows[:, 1], rows[:, 2] = sizes, len(there), not there
    rows[:, 3], rows[:, 4] = gains, gains - dropped
    rows[:, 5] = np.argsort(np.argsort(-gains))
    rows[:, 6] = np.log1p(counts.count(lefts, first))
    rows[:, 7] = np.log1p(counts.count(last, rights))
    rows[:, 8] = np.where(sizes == 1, np.log1p(counts.count(lefts, first, rights)), math.nan)
    rows[:, 9] = rarity
    rows[:, 10] = np.log1p(counts.count(reading.ids[place.start : place.end])).min(initial=99.0)
    rows[:, 11] = reading.own_scores[place.start : place.end + 1].mean()
    rows[:, 25] = gains - gains.max()
    for count in np.unique(sizes):
        alike = sizes == count
        rows[alike, 26] = np.argsort(np.argsort(-gains[alike]))
    rows[:, 27] = gains / (1 + np.maximum(sizes, len(there)))
    rows[:, 28] = sizes - len(there)
    rows[:, 29:36] = _filled(reading.filling(place), options)
    rows[:, 36:] = bits[:, None] >> np.arange(len(PRODUCERS)) & 1
    return rows


def _filled(filling, options: Sequence[Words]) -> np.ndarray:
    """What the infilling model says of each candidate; nan where it does not say anything."""
    out = np.full((len(options), 7), math.nan)
    if filling is None:
        return out
    said = {words: (p, rank) for rank, (words, p) in enumerate(filling.wordings)}
    begun = dict(filling.guesses)
    some = [k for k, words in enumerate(options) if words]
    out[:, :2] = filling.empty
    out[some, 0] = filling.first([options[k][0] for k in some])
    out[some, 1:3] = [said.get(options[k], (math.nan, len(said))) for k in some]
    out[:, 3] = [begun.get(words, math.nan) for words in options]
    out[:, 4] = filling.wordings[0][1] if filling.wordings else math.nan
    out[:, 5], out[:, 6] = filling.empty, filling.entropy
    return out


def _says(word: str) -> bool:
    """Whether a word has a content of its own."""
    return word not in FUNCTION_WORDS and word[-1:].isalnum()


def _remembered(reading: Reading, behind: Sequence[int]) -> dict[str, float]:
    """The renderings of the source phrases behind a place with their shares."""
    lemmas = [word.lemma for word in reading.source]
    found: dict[str, float] = {}
    for start, end in {
        (start, start + size)
        for i in behind[:4]
        for size in (1, 2, 3)
        for start in range(max(0, i - size + 1), min(i, len(lemmas) - size) + 1)
    }:
        for text, share in reading.memory.phrases(lemmas[start:end]):
            found[text] = max(found.get(text, 0.0), share)
    return found


def _support(reading: Reading, content: Sequence[str]) -> float:
    if not content or not reading.source:
        return math.nan
    return sum(map(reading.support, content)) / len(content)


# What is asked about a candidate, after the ranker's features of it: `CHANCES` whether it is right
# where the place is wrong, `DOUBTS` whether it helps at a place that may be wrong.
CHANCES = ("score", "lead over the best other", "share among all", "candidates")
DOUBTS = (
    *CHANCES,
    "probability that it is right if the place is wrong",
    "highest error probability in the place",
    "mean error probability in the place",
    "error probability before the place",
    "error probability after the place",
    "expected HTER",
    "expected DA",
)


# The price of a deletion with and without the source, chosen on MLQE-PE dev and AFRL dev, so that at
# most about one and a half times as many are proposed as editors make.
DELETION, DELETION_BLIND = 1.8, 2.7


def scored(model, rows: np.ndarray) -> np.ndarray:
    """The scores of a ranker, less a price for deletion.

    Deletion is a candidate everywhere, and wins where nothing else is known: it must not.
    """
    price = np.where(rows[:, FEATURES.index("has a source")] > 0, DELETION, DELETION_BLIND)
    return model.predict(rows, num_threads=1) - price * (rows[:, 0] == 0)


class Ranker:
    """The shipped models: order and confidence. Raises `RepairError` for a damaged folder."""

    def __init__(self, folder: str | Path | None = None):
        self.folder = Path(folder or Path(str(resources.files("repair.models") / "fixer")))

    def _model(self, name: str):
        import lightgbm

        path = self.folder / name
        try:
            return lightgbm.Booster(model_str=path.read_text("utf-8"))
        except (OSError, lightgbm.basic.LightGBMError) as error:
            raise RepairError(
                f"The fixer's model cannot be read: {error}",
                path=path,
                mend="Install mt-repair again, or train it with models/fixer/train.py.",
            ) from None

    @cached_property
    def order(self):
        return self._model("order.txt")

    @cached_property
    def chance(self):
        return self._model("chance.txt")

    @cached_property
    def confidence(self):
        return self._model("confidence.txt")

    @cached_property
    def signature(self) -> str:
        """The digest of the models."""
        digest = hashlib.sha256()
        for name in ("order.txt", "chance.txt", "confidence.txt"):
            path = self.folder / name
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:8]

    def rank(self, rows: np.ndarray) -> np.ndarray:
        """A score for each candidate; higher is better."""
        return scored(self.order, rows)

    def right(self, rows: np.ndarray, scores: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """The probability that each of ``chosen`` is an editor's wording, if the place is wrong."""
        return self.chance.predict(chances(rows, scores, chosen), num_threads=1)

    def helps(self, asked: np.ndarray) -> np.ndarray:
        """The probability that candidates help (see `doubts`)."""
        return self.confidence.predict(asked, num_threads=1)


def chances(rows: np.ndarray, scores: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What `Ranker.chance` reads of ``chosen`` candidates (indices): their features, `CHANCES`."""
    ranked = np.sort(scores)[::-1]
    top, second = ranked[0], ranked[1] if len(ranked) > 1 else ranked[0] - 5
    own = scores[chosen]
    lead = own - np.where(own == top, second, top)
    share = np.exp(own - top) / np.exp(scores - top).sum()
    count = np.full(len(chosen), len(rows))
    return np.column_stack([rows[chosen], own, lead, share, count])


def doubts(asked: np.ndarray, right: np.ndarray, place: Place, detection, offsets) -> np.ndarray:
    """What `Ranker.confidence` reads: `chances` of some candidates, and `DOUBTS`."""
    inside, before, after = math.nan, math.nan, math.nan
    mean, hter, da = math.nan, math.nan, math.nan
    if detection is not None and detection.tokens:
        start, end = offsets
        within = [
            p for (a, b), p in zip(detection.tokens, detection.words, strict=True)
            if a < end and start < b
        ]  # fmt: skip
        if not within:
            gap = sum(b <= start for _, b in detection.tokens)
            within = [detection.gaps[gap]]
        inside, mean = max(within), sum(within) / len(within)
        ends = [i for i, (_, b) in enumerate(detection.tokens) if b <= start]
        starts = [i for i, (a, _) in enumerate(detection.tokens) if a >= end]
        before = detection.words[ends[-1]] if ends else math.nan
        after = detection.words[starts[0]] if starts else math.nan
        if detection.quality:
            hter = detection.quality.hter
            da = math.nan if detection.quality.da is None else detection.quality.da
    same = np.broadcast_to([inside, mean, before, after, hter, da], (len(asked), 6))
    return np.column_stack([asked, right, same])
