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
from rapidfuzz.distance import Indel

from ..core import RepairError
from .changes import FUNCTION_WORDS
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
    ids = [counts.ids(words) for words in options]
    first = np.array([i[0] if len(i) else right for i in ids])
    last = np.array([i[-1] if len(i) else left for i in ids])
    size = len(options)
    lefts, rights = np.full(size, left), np.full(size, right)
    single = np.array([len(i) == 1 for i in ids])
    own = counts.score(reading.words)[place.start : place.end + 1]
    content_there = [w for w in there if w not in FUNCTION_WORDS and w[-1:].isalnum()]
    support_there = _support(reading, content_there)
    lemmas = [word.lemma for word in reading.source]
    behind = reading.behind(place)
    remembered: dict[str, float] = {}
    for i in behind[:4]:
        for length in (1, 2, 3):
            for start in range(max(0, i - length + 1), min(i, len(lemmas) - length) + 1):
                for text, share in reading.memory.phrases(lemmas[start : start + length]):
                    remembered[text] = max(remembered.get(text, 0.0), share)
    fresh = [reading.renderings[i] for i in behind if i in reading.uncovered]
    elsewhere = set(reading.words[: place.start]) | set(reading.words[place.end :])
    rarity = np.array([_rarest(counts, i) for i in ids])
    order = np.argsort(np.argsort(-gains))
    joined = " ".join(there)
    for k, words in enumerate(options):
        content = [w for w in words if w not in FUNCTION_WORDS and w[-1:].isalnum()]
        best = max((reading.renderings[i].get(w, 0.0) for i in behind for w in words), default=0.0)
        rows[k, 12:25] = (
            best,
            _support(reading, content),
            support_there,
            remembered.get(" ".join(words), 0.0),
            any(known.get(w, 0.0) >= 0.05 for known in fresh for w in content),
            Indel.normalized_similarity(joined, " ".join(words)),
            len(content),
            len(content_there),
            sum(w in elsewhere for w in content),
            bool(lemmas),
            place.start / max(1, len(reading.words)),
            bool(words) and words[0] in FUNCTION_WORDS,
            bool(words) and words[-1] in FUNCTION_WORDS,
        )
        for bit in range(len(PRODUCERS)):
            rows[k, 25 + bit] = found[words] >> bit & 1
    rows[:, 0] = [len(words) for words in options]
    rows[:, 1] = len(there)
    rows[:, 2] = not there
    rows[:, 3], rows[:, 4], rows[:, 5] = gains, gains - dropped, order
    rows[:, 6] = np.log1p(counts.count(lefts, first))
    rows[:, 7] = np.log1p(counts.count(last, rights))
    rows[:, 8] = np.where(single, np.log1p(counts.count(lefts, first, rights)), math.nan)
    rows[:, 9] = rarity
    rows[:, 10] = _rarest(counts, counts.ids(there))
    rows[:, 11] = own.mean()
    return rows


def _support(reading: Reading, content: Sequence[str]) -> float:
    if not content or not reading.source:
        return math.nan
    return sum(
        max((known.get(w, 0.0) for known in reading.renderings), default=0.0) for w in content
    ) / len(content)


def _rarest(counts, ids: np.ndarray) -> float:
    return float(np.log1p(counts.count(ids)).min()) if len(ids) else math.nan


# What the confidence in the first candidate is judged by, after the ranker's features of it.
DOUBTS = (
    "score of the first",
    "lead over the second",
    "share of the first",
    "highest error probability in the place",
    "mean error probability in the place",
    "error probability before the place",
    "error probability after the place",
    "expected HTER",
    "expected DA",
    "candidates",
)


DELETION = 0.8  # chosen on MLQE-PE dev and AFRL dev, so that deletions are not over-proposed


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
    def confidence(self):
        return self._model("confidence.txt")

    @cached_property
    def signature(self) -> str:
        """The digest of both models."""
        digest = hashlib.sha256()
        for name in ("order.txt", "confidence.txt"):
            path = self.folder / name
            digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:8]

    def rank(self, rows: np.ndarray) -> np.ndarray:
        """A score for each candidate; higher is better."""
        # Deletion is a candidate everywhere, and wins where nothing else is known: it must not.
        return self.order.predict(rows, num_threads=1) - DELETION * (rows[:, 0] == 0)


def doubts(rows: np.ndarray, scores: np.ndarray, place: Place, detection, offsets) -> np.ndarray:
    """What `Ranker.confidence` reads: features of the first candidate, and `DOUBTS`."""
    best = np.argsort(-scores, kind="stable")
    top = float(scores[best[0]])
    second = float(scores[best[1]]) if len(best) > 1 else top - 5
    share = 1 / float(np.exp(scores - top).sum())
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
    return np.concatenate(
        [
            rows[best[0]],
            [top, top - second, share, inside, mean, before, after, hter, da, len(rows)],
        ]
    )
