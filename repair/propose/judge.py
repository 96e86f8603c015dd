"""How probable it is that a change helps: what both texts look like, and a model over it.

A bundle of edits (see `repair.propose.changes`) is described by what the detector thinks of the words
that go and of those that come, by how usual the English is before and after, by what the phrase
memory says of both sides, and by what kind of change it is. Boosted trees weigh that. What they say
is set against the evidence which of MT and hypothesis is better in the document as a whole, by a
logistic regression, since one sentence alone says little about who translates better.
``models/choice/train.py`` fits both, on development data.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Indel

from .. import ngrams
from ..core import Edit, RepairError, Segment, apply
from ..memory import russian_words
from ..memory import shipped as shipped_memory
from ..ngrams import FUNCTION_WORDS
from .changes import Bundle, category_of

KINDS = (
    "accuracy/mistranslation",
    "accuracy/omission",
    "accuracy/addition",
    "accuracy/entity",
    "accuracy/number",
    "accuracy/negation",
    "fluency/grammar",
    "fluency/word-order",
    "fluency/punctuation",
    "fluency/typography",
)
# What the model reads, in order; a value that cannot be had is NaN.
FEATURES = (
    "kind",
    "words that go",
    "words that come",
    "content words that go",
    "content words that come",
    "edits of the change",
    "share of the MT kept",
    "distance to the next change",
    "share of hypotheses that agree",
    "hypotheses",
    "likeness of both sides",
    "place in the segment",
    "length of the segment",
    "error probability of what goes, highest",
    "error probability of what goes, mean",
    "error probability around it, highest",
    "error probability of what comes, highest",
    "error probability of what comes, mean",
    "error probability around what comes, highest",
    "expected HTER of the MT",
    "expected HTER of the hypothesis",
    "expected DA of the MT",
    "expected DA of the hypothesis",
    "change of log-probability",
    "change of log-probability a word",
    "log-probability a word of the MT",
    "log-probability a word of the hypothesis",
    "rarest word that goes",
    "rarest word that comes",
    "unknown words that go",
    "unknown words that come",
    "support of the source for what goes",
    "support of the source for what comes",
    "source words rendered, change",
    "source words rendered, share in the MT",
    "source words rendered, share in the hypothesis",
    "support of the source, what comes less what goes",
    "error probability, what goes less what comes",
    "log-probability that the hypothesis would lose without it",
)
# What sets the hypotheses of a document against its MT, on average.
CONTRASTS = (
    "expected DA of the hypotheses less that of the MT",
    "log-probability a word of the hypotheses less that of the MT",
    "source words that the hypotheses render less those of the MT",
)
# The mean over a document counts as many segments more that speak for neither side.
RESERVE = 6


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the segment with what is known of it: its words, and what the detector thinks."""

    text: str
    words: tuple[tuple[str, int, int], ...]
    logprobs: np.ndarray
    covered: frozenset[int]  # indices of source words that it renders
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    detection: Any = None

    @property
    def fluency(self) -> float:
        """The mean log-probability of a word."""
        return float(self.logprobs.mean())


class Describer:
    """Describes changes of one segment; made once a segment, since much is shared by all."""

    def __init__(self, segment: Segment, detection: Any = None):
        self.counts, self.memory = ngrams.shipped(), shipped_memory()
        self.source = russian_words(segment.source or "")
        self._renderings = [self.memory.words(word.lemma) for word in self.source]
        self.mt = self.read(segment.mt, detection)

    def read(self, text: str, detection: Any = None) -> Text:
        """A text of this segment."""
        words = tuple(ngrams.words(text))
        plain, starts, ends = zip(*words, strict=True) if words else ((), (), ())
        return Text(
            text, words, self.counts.score(plain), self._covered(plain), starts, ends, detection
        )

    def _covered(self, words: Sequence[str]) -> frozenset[int]:
        there = set(words)
        return frozenset(
            i
            for i, known in enumerate(self._renderings)
            if any(
                share >= 0.04 and w in there and w not in FUNCTION_WORDS
                for w, share in known.items()
            )
        )

    def _support(self, words: Sequence[str]) -> float:
        """The mean of the highest lexical probability of each content word; NaN without any."""
        content = [w for w in words if w not in FUNCTION_WORDS and w[-1].isalnum()]
        if not self.source or not content:
            return math.nan
        return sum(
            max((known.get(w, 0.0) for known in self._renderings), default=0.0) for w in content
        ) / len(content)

    def contrast(self, hypothesis: Text) -> np.ndarray:
        """What speaks for the whole hypothesis and against the MT, or the other way: `CONTRASTS`."""
        _, _, mt_da, da = _quality(self.mt, hypothesis)
        fluency = hypothesis.fluency - self.mt.fluency
        rendered = math.nan
        if self.source:
            rendered = (len(hypothesis.covered) - len(self.mt.covered)) / len(self.source)
        return np.array([da - mt_da, fluency, rendered])

    def describe(
        self, hypothesis: Text, bundles: Sequence[Bundle], agreed: Sequence[int], total: int
    ) -> np.ndarray:
        """(bundles, features) of changes that turn the MT into the hypothesis."""
        mt = self.mt
        every = [edit for bundle in bundles for edit in bundle.edits]
        moved = _moved(every)
        fixed = [_plain(apply(mt.text, bundle.edits)) for bundle in bundles]
        without = [
            _plain(apply(mt.text, [edit for edit in every if edit not in bundle.edits]))
            for bundle in bundles
        ]
        scores = self._scores([*fixed, *without])
        count = max(1, len(self.source))
        rows = []
        for index, (bundle, votes) in enumerate(zip(bundles, agreed, strict=True)):
            first = bundle.edits[0]
            old = [w for e in bundle.edits for w in _within(mt, e.start, e.end)]
            new = [
                w
                for e in bundle.edits
                for w in _within(hypothesis, moved[e], moved[e] + len(e.text))
            ]
            after, back = scores[index], scores[len(bundles) + index]
            others = [e for e in every if e not in bundle.edits]
            nearest = min((_gap(mt, first, e) for e in others), default=99)
            gone = _doubts(mt, [(e.start, e.end) for e in bundle.edits])
            come = _doubts(hypothesis, [(moved[e], moved[e] + len(e.text)) for e in bundle.edits])
            supports = self._support(old), self._support(new)
            covered = self._covered(fixed[index]) if self.source else frozenset()
            rows.append(
                [
                    KINDS.index(category_of(mt.text, first, bundle.edits)),
                    len(old),
                    len(new),
                    sum(w not in FUNCTION_WORDS and w[-1].isalnum() for w in old),
                    sum(w not in FUNCTION_WORDS and w[-1].isalnum() for w in new),
                    len(bundle.edits),
                    bundle.kept,
                    min(nearest, 30),
                    votes / total,
                    total,
                    Indel.normalized_similarity(" ".join(old), " ".join(new)),
                    first.start / max(1, len(mt.text)),
                    len(mt.words),
                    *gone,
                    *come,
                    *_quality(mt, hypothesis),
                    float(after.sum() - mt.logprobs.sum()),
                    float(after.mean() - mt.logprobs.mean()),
                    mt.fluency,
                    hypothesis.fluency,
                    self._rarest(old),
                    self._rarest(new),
                    sum(not self.counts.known(w) for w in old),
                    sum(not self.counts.known(w) for w in new),
                    *supports,
                    len(covered) - len(mt.covered) if self.source else math.nan,
                    len(mt.covered) / count if self.source else math.nan,
                    len(hypothesis.covered) / count if self.source else math.nan,
                    supports[1] - supports[0],
                    gone[0] - come[0],
                    float(hypothesis.logprobs.sum() - back.sum()),
                ]
            )
        return np.array(rows, np.float64).reshape(len(bundles), len(FEATURES))

    def _scores(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """`repair.ngrams.Counts.score` of many sentences in one go."""
        edge = [ngrams.START, ngrams.START]
        runs = [np.concatenate([edge, self.counts.ids(s), [ngrams.END]]) for s in sentences]
        if not runs:
            return []
        triples = [np.stack([run[:-2], run[1:-1], run[2:]]) for run in runs]
        values = self.counts.logprob(*np.concatenate(triples, 1))
        return np.split(values, np.cumsum([len(run) - 2 for run in runs])[:-1])

    def _rarest(self, words: Sequence[str]) -> float:
        if not words:
            return math.nan
        return float(np.log1p(self.counts.count(self.counts.ids(words))).min())


def _moved(edits: Sequence[Edit]) -> dict[Edit, int]:
    """Where the new text of each edit begins once all are applied."""
    places, shift = {}, 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        places[edit] = edit.start + shift
        shift += len(edit.text) - (edit.end - edit.start)
    return places


def _plain(text: str) -> list[str]:
    return [word for word, _, _ in ngrams.words(text)]


def _within(text: Text, start: int, end: int) -> list[str]:
    if start == end:
        return []
    first, last = bisect_right(text.ends, start), bisect_left(text.starts, end)
    return [word for word, _, _ in text.words[first:last]]


def _gap(mt: Text, one: Edit, other: Edit) -> int:
    """Words between two edits."""
    low, high = min(one.end, other.end), max(one.start, other.start)
    return max(0, bisect_right(mt.ends, high) - bisect_left(mt.starts, low)) if low < high else 0


def mean_contrast(contrasts: Sequence[np.ndarray]) -> np.ndarray:
    """What the segments of a document say together of MT and hypotheses.

    What is unknown of all of them is 0: it speaks for neither side.
    """
    rows = np.array(contrasts)
    return np.nansum(rows, 0) / ((~np.isnan(rows)).sum(0) + RESERVE)


def _doubts(text: Text, ranges: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """The detector's highest and mean word probability in ranges, and the highest around them."""
    found = text.detection
    if found is None or not found.tokens:
        return math.nan, math.nan, math.nan
    inside, around = [], []
    for start, end in ranges:
        for index, (a, b) in enumerate(found.tokens):
            if a < end and start < b:
                inside.append(found.words[index])
            elif b <= start <= b + 1 or a - 1 <= end <= a:
                around.append(found.words[index])
            if a >= start and (index == 0 or found.tokens[index - 1].end <= start):
                around.append(found.gaps[index])
    return (
        max(inside, default=math.nan),
        sum(inside) / len(inside) if inside else math.nan,
        max(around, default=math.nan),
    )


def _quality(mt: Text, hypothesis: Text) -> tuple[float, float, float, float]:
    values = []
    for key in ("hter", "da"):
        for text in (mt, hypothesis):
            quality = getattr(text.detection, "quality", None)
            value = getattr(quality, key, None)
            values.append(math.nan if value is None else value)
    return tuple(values)


class Judge:
    """Says how probable it is that a change makes a segment better.

    ``detector`` is asked about the hypotheses as well; without one, or without a source, the model
    goes by what is left. *Better* means nearer to the references by token edits and chrF++ taken
    together: among changes said to help with .6, six in ten do (see ``models/choice/README.md``).
    Segments of one document (``Segment.doc``) are judged together, as far as they are in one batch.
    Raises `RepairError` for a model that cannot be read; it is read at the first use.
    """

    def __init__(self, detector: Any = None, folder: str | Path | None = None):
        self.detector = detector
        self.folder = Path(folder or str(resources.files("repair.models") / "choice"))

    @cached_property
    def signature(self) -> str:
        """The digest of the model's files."""
        whole = self._read("model.txt") + self._read("document.json")
        return f"choice:{hashlib.sha256(whole.encode()).hexdigest()[:8]}"

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text("utf-8")
        except OSError as error:
            raise RepairError(
                f"The model of choice cannot be read: {error.strerror}.",
                path=self.folder / name,
                mend="Install mt-repair again, or train it with models/choice/train.py.",
            ) from None

    @cached_property
    def _trees(self):
        import lightgbm

        try:
            trees = lightgbm.Booster(model_str=self._read("model.txt"))
        except lightgbm.basic.LightGBMError as error:
            raise RepairError(
                f"The model of choice is damaged: {error}", path=self.folder / "model.txt"
            ) from None
        if trees.num_feature() != len(FEATURES):
            raise RepairError(
                f"The model of choice reads {trees.num_feature()} features, not {len(FEATURES)}.",
                path=self.folder / "model.txt",
                mend="Train it anew with models/choice/train.py.",
            )
        return trees

    @cached_property
    def _document(self) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Intercept, weight of the trees' log-odds, weights of the contrasts and their limits."""
        path = self.folder / "document.json"
        try:
            table = json.loads(self._read("document.json"))
            weights, limits = (
                np.array([table[key][name] for name in CONTRASTS], np.float64)
                for key in ("contrasts", "limits")
            )
            return float(table["base"]), float(table["trees"]), weights, limits
        except (ValueError, KeyError, TypeError) as error:
            raise RepairError(f"The model of choice is damaged: {error!r}", path=path) from None

    def predict(self, described: np.ndarray, document: np.ndarray | None = None) -> np.ndarray:
        """Probabilities for rows of `FEATURES`.

        ``document`` is the `mean_contrast` of their document; without it nothing is known of it.
        """
        if not len(described):
            return np.zeros(0)
        odds = self._trees.predict(described, raw_score=True, num_threads=1)
        base, slope, weights, _ = self._document
        odds = base + slope * odds + float(weights @ self._limited(document))
        return 1 / (1 + np.exp(-odds))

    def _limited(self, document: np.ndarray | None) -> np.ndarray:
        """What is known of the document, no further out than what was seen in training."""
        limits = self._document[3]
        return np.zeros(len(limits)) if document is None else np.clip(document, -limits, limits)

    def reasons(
        self, described: np.ndarray, document: np.ndarray | None = None, most: int = 3
    ) -> list[str]:
        """What spoke most for and against each change, in words, the weightiest first.

        Weights are parts of the log-odds: Shapley values of the trees, and the document's terms.
        """
        found = []
        if not len(described):
            return found
        _, slope, weights, _ = self._document
        whole = self._limited(document)
        values = slope * self._trees.predict(described, pred_contrib=True, num_threads=1)[:, :-1]
        for row, shares in zip(described, values, strict=True):
            every = [
                *((FEATURES[i], _shown(i, row[i]), share) for i, share in enumerate(shares)),
                *(
                    (f"in the document, {name}", f"{value:+.2g}", share)
                    for name, value, share in zip(CONTRASTS, whole, weights * whole, strict=True)
                ),
            ]
            every.sort(key=lambda reason: -abs(reason[2]))
            found.append(
                "; ".join(
                    f"{'for' if share > 0 else 'against'} it {name}: {value} ({share:+.2f})"
                    for name, value, share in every[:most]
                )
            )
        return found

    def weighers(
        self,
        segments: Sequence[Segment],
        detections: Sequence[Any],
        texts: Sequence[Sequence[tuple[str, str]]],
        explain: bool = False,
    ) -> list[Callable]:
        """For each segment what weighs the changes towards its ``texts``, pairs of producer and text.

        A weigher takes pairs of a bundle and the text it leads to, how many hypotheses have each
        and how many there are; it returns probabilities and, if ``explain``, reasons.
        """
        owners = [{text: who for who, text in reversed(some)} for some in texts]
        asked = [(index, text) for index, some in enumerate(owners) for text in some]
        seen: dict[tuple[int, str], Any] = {}
        if self.detector:
            found = self.detector(
                [Segment(segments[i].id, text, segments[i].source) for i, text in asked]
            )
            seen = dict(zip(asked, found, strict=True))
        describers = [
            Describer(segment, detections[index] if detections else None) if texts[index] else None
            for index, segment in enumerate(segments)
        ]
        read = {(i, text): describers[i].read(text, seen.get((i, text))) for i, text in asked}
        groups: dict[tuple, list[np.ndarray]] = defaultdict(list)
        for index, text in asked:
            company = _company(segments, index, owners[index][text])
            groups[company].append(describers[index].contrast(read[index, text]))
        means = {key: mean_contrast(rows) for key, rows in groups.items()}

        def weigher(index: int) -> Callable:
            def weigh(changes, agreed, total) -> tuple[list[float], list[str]]:
                better, reasons = [0.0] * len(changes), [""] * len(changes)
                for text in dict.fromkeys(text for _, text in changes):
                    mine = [k for k, (_, other) in enumerate(changes) if other == text]
                    rows = describers[index].describe(
                        read[index, text],
                        [changes[k][0] for k in mine],
                        [agreed[k] for k in mine],
                        total,
                    )
                    mean = means[_company(segments, index, owners[index][text])]
                    said = self.predict(rows, mean)
                    whys = self.reasons(rows, mean) if explain else [""] * len(mine)
                    for k, value, why in zip(mine, said, whys, strict=True):
                        better[k], reasons[k] = round(float(value), 3), why
                return better, reasons

            return weigh

        return [weigher(index) for index in range(len(segments))]


def _company(segments: Sequence[Segment], index: int, producer: str) -> tuple:
    """What is judged together: what a producer has for a document, or for a segment without one."""
    doc = segments[index].doc
    return (doc, producer) if doc is not None else (None, index, producer)


def _shown(feature: int, value: float) -> str:
    if math.isnan(value):
        return "unknown"
    return KINDS[int(value)] if FEATURES[feature] == "kind" else f"{value:.3g}"
