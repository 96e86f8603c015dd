"""How close a text is to its references, whether a change helped, and by how much for sure.

BLEU, chrF++ and TER come from sacreBLEU, with its signatures; the bootstrap draws the resamples
that the ``sacrebleu`` command draws, so figures, intervals and p values are those it prints.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics import BLEU, CHRF

from ..align import tokens
from ..core import Edit, Record, RepairError, apply
from .ter import FastTER

SAMPLES = 1000
METRICS = ("BLEU", "chrF++", "TER")


@dataclass(frozen=True, slots=True)
class Score:
    """One corpus figure, 0..100, with the signature that makes it reproducible.

    ``mean`` ± ``interval`` is the 95 % range over bootstrap resamples. With a baseline,
    ``p_value`` is that of the paired bootstrap (Koehn, 2004, as sacreBLEU implements it).
    """

    name: str
    value: float
    signature: str
    mean: float | None = None
    interval: float | None = None
    baseline: float | None = None
    baseline_mean: float | None = None
    baseline_interval: float | None = None
    p_value: float | None = None

    @property
    def change(self) -> float | None:
        """The difference to the baseline; below zero is a gain for TER, a loss for the others."""
        return None if self.baseline is None else self.value - self.baseline

    def __str__(self) -> str:
        text = f"{self.name:<7} {self.value:6.2f}"
        if self.interval is not None:
            text += f" (μ = {self.mean:.2f} ± {self.interval:.2f})"
        if self.baseline is not None:
            text += f"  baseline {self.baseline:6.2f}  change {self.change:+.2f}"
        if self.p_value is not None:
            text += f"  p = {self.p_value:.4f}"
        return text


@dataclass(frozen=True)
class Scores:
    """What `score` returns: the corpus figures, and on request those of each document."""

    segments: int
    scores: tuple[Score, ...]
    documents: dict[str, tuple[Score, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Score:
        return next(score for score in self.scores if score.name == name)

    def to_json(self) -> dict:
        """The same as plain dicts and lists, for ``json.dump``."""
        plain = {"segments": self.segments, "scores": [asdict(score) for score in self.scores]}
        if self.documents:
            plain["documents"] = {
                doc: [asdict(score) for score in scores] for doc, scores in self.documents.items()
            }
        return plain | {"warnings": list(self.warnings)}

    def __str__(self) -> str:
        lines = [str(score) for score in self.scores]
        lines += [f"{score.name:<7} {score.signature}" for score in self.scores]
        for doc, scores in self.documents.items():
            lines += [f"{doc}", *(f"  {score}" for score in scores)]
        return "\n".join([*lines, *self.warnings])


def score(
    fixed: Sequence[str],
    references: Sequence[str | Sequence[str]],
    baseline: Sequence[str] | None = None,
    *,
    metrics: Sequence[str] = METRICS,
    docs: Sequence[str | None] | None = None,
    tokenized: bool = False,
    samples: int = SAMPLES,
    seed: int | None = None,
    workers: int = 1,
) -> Scores:
    """Score texts against their references, and against a baseline by paired bootstrap.

    ``references`` has one entry a segment: a string, or several where there are several
    references. ``docs`` names each segment's document and asks for figures by document.
    ``tokenized`` says that the texts are tokenised already: BLEU then splits at spaces only.
    ``samples`` 0 leaves the bootstrap out. ``seed`` is sacreBLEU's unless given (12345, or the
    environment variable SACREBLEU_SEED). ``workers`` above 1 count many segments in that many
    processes: call it under ``if __name__ == "__main__"`` then. Raises `RepairError` for texts that do not pair up.
    """
    sets = _reference_sets(len(fixed), references)
    if baseline is not None and len(baseline) != len(fixed):
        raise RepairError(f"{len(fixed)} fixed segments, but {len(baseline)} of the baseline.")
    if docs is not None and len(docs) != len(fixed):
        raise RepairError(f"{len(fixed)} fixed segments, but {len(docs)} document names.")
    comparison = Comparison(
        fixed, sets, baseline, metrics=metrics, tokenized=tokenized, workers=workers
    )
    by_document = {} if docs is None else comparison.by_group(docs)
    warnings = ()
    spaced = sum(text.endswith(" .") for text in fixed)
    if not tokenized and spaced >= 100:
        warnings = (
            f"{spaced} segments end in a full stop after a space: the text looks tokenised, and "
            "its BLEU is not that of running text. Detokenise it, or say that it is tokenised.",
        )
    return Scores(len(fixed), comparison.scores(samples, seed), by_document, warnings)


def _reference_sets(count: int, references: Sequence[str | Sequence[str]]) -> list[tuple[str, ...]]:
    if not count:
        raise RepairError("There is nothing to score: no segments.")
    sets = [(item,) if isinstance(item, str) else tuple(item) for item in references]
    if len(sets) != count:
        raise RepairError(
            f"{count} fixed segments, but references for {len(sets)}.",
            mend="Give one entry a segment, a list of texts where there are several references.",
        )
    for index, texts in enumerate(sets):
        if not texts or not all(isinstance(text, str) for text in texts):
            raise RepairError(f"Segment {index + 1} has no reference.")
    return sets


class Comparison:
    """Sufficient statistics of each segment, from which any subset is scored without new counting.

    ``statistics[name]`` is an array of segments x figures, summed over a set of segments and then
    turned into a score; ``before`` has the same of the baseline.
    """

    def __init__(
        self,
        fixed: Sequence[str],
        references: Sequence[tuple[str, ...]],
        baseline: Sequence[str] | None = None,
        *,
        metrics: Sequence[str] = METRICS,
        tokenized: bool = False,
        workers: int = 1,
    ):
        self.metrics = {name: _make_metric(name, tokenized) for name in metrics}
        counts = {len(texts) for texts in references}
        for metric in self.metrics.values():
            metric.num_refs = min(counts) if len(counts) == 1 else -1
        self.tokenized = tokenized
        self._references, self._workers = references, workers
        self._known: dict[Pair, int] = {}
        self._rows: dict[str, np.ndarray] = {}
        self._learn([fixed] if baseline is None else [fixed, baseline])
        self.statistics = self._table(fixed)
        self.before = None if baseline is None else self._table(baseline)

    def again(self, fixed: Sequence[str]) -> Comparison:
        """The same comparison for other texts, of which those known already are not counted."""
        other = copy(self)
        other._known, other._rows = dict(self._known), dict(self._rows)
        other._learn([fixed])
        other.statistics = other._table(fixed)
        return other

    def _learn(self, texts: Sequence[Sequence[str]]) -> None:
        """Count each text once against its references, however many systems wrote it."""
        pairs = {
            pair: 0
            for lines in texts
            for pair in zip(self._references, lines, strict=True)
            if pair not in self._known
        }
        if not pairs:
            return
        # The outputs for one segment lie together, so that its references are cut only once.
        ordered = sorted(pairs)
        counted = _count(ordered, tuple(self.metrics), self.tokenized, self._workers)
        first = len(self._known)
        self._known |= {pair: first + number for number, pair in enumerate(ordered)}
        for name, rows in counted.items():
            old = self._rows.get(name)
            self._rows[name] = rows if old is None else np.concatenate([old, rows])

    def _table(self, lines: Sequence[str]) -> dict[str, np.ndarray]:
        numbers = [self._known[pair] for pair in zip(self._references, lines, strict=True)]
        return {name: rows[numbers] for name, rows in self._rows.items()}

    def scores(self, samples: int = SAMPLES, seed: int | None = None) -> tuple[Score, ...]:
        """The corpus figures, in the order in which the metrics were asked for."""
        seed = _default_seed() if seed is None else seed
        found = []
        for name, metric in self.metrics.items():
            signature = metric.get_signature()
            value = self._figure(name, self.statistics[name].sum(0))
            options = {}
            if self.before is not None:
                options["baseline"] = self._figure(name, self.before[name].sum(0))
            if samples:
                signature.update("bs", samples)
                signature.update("seed", str(seed))
                drawn = self._resampled(name, self.statistics[name], samples, seed)
                options["mean"], options["interval"] = estimate_interval(drawn)
                if self.before is not None:
                    base = self._resampled(name, self.before[name], samples, seed)
                    options["baseline_mean"], options["baseline_interval"] = estimate_interval(base)
                    options["p_value"] = p_value(drawn, base, abs(options["baseline"] - value))
            found.append(Score(name, value, signature.format(), **options))
        return tuple(found)

    def by_group(self, names: Sequence[str | None]) -> dict[str, tuple[Score, ...]]:
        """Figures for each group of segments that share a name, without bootstrap."""
        labels = np.array([name or "" for name in names])
        groups = {}
        for label in dict.fromkeys(labels.tolist()):
            chosen = labels == label
            groups[label] = tuple(
                Score(
                    name,
                    self._figure(name, self.statistics[name][chosen].sum(0)),
                    metric.get_signature().format(),
                    baseline=None
                    if self.before is None
                    else self._figure(name, self.before[name][chosen].sum(0)),
                )
                for name, metric in self.metrics.items()
            )
        return groups

    def by_segment(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The figure of every segment by itself, after and before."""
        after, before = (
            None if table is None else np.array([self._figure(name, row) for row in table])
            for table in (self.statistics[name], self.before and self.before[name])
        )
        return after, before

    def _figure(self, name: str, sums: np.ndarray) -> float:
        return float(self.metrics[name]._compute_score_from_stats(sums.tolist()).score)

    def _resampled(self, name: str, table: np.ndarray, samples: int, seed: int) -> np.ndarray:
        sums = np.concatenate([counts @ table for counts in resamples(len(table), samples, seed)])
        return np.array([self._figure(name, row) for row in sums])


Pair = tuple[tuple[str, ...], str]
# So many pairs are counted in a second; for fewer no further process is started.
_WORTH_A_PROCESS = 1500


def _count(
    pairs: list[Pair], metrics: tuple[str, ...], tokenized: bool, workers: int
) -> dict[str, np.ndarray]:
    """Sufficient statistics of texts against their references: pairs x figures by metric."""
    workers = min(workers, len(pairs) // _WORTH_A_PROCESS)
    if workers < 2:
        return _count_piece(pairs, metrics, tokenized)
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    size = -(-len(pairs) // (workers * 4))
    pieces = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    # A forked child would share locks with whatever threads run here; a fresh one does not.
    context = multiprocessing.get_context("spawn")
    count = partial(_count_piece, metrics=metrics, tokenized=tokenized)
    with ProcessPoolExecutor(workers, context) as pool:
        tables = list(pool.map(count, pieces))
    return {name: np.concatenate([table[name] for table in tables]) for name in metrics}


def _count_piece(
    pairs: list[Pair], metrics: tuple[str, ...], tokenized: bool
) -> dict[str, np.ndarray]:
    tables = {}
    for name in metrics:
        metric, rows, group, info = _make_metric(name, tokenized), [], None, None
        for references, text in pairs:
            if references != group:
                group = references
                info = metric._extract_reference_info(
                    [metric._preprocess_segment(one) for one in references]
                )
            rows.append(metric._compute_segment_statistics(metric._preprocess_segment(text), info))
        tables[name] = np.array(rows, dtype=np.float64)
    return tables


def _make_metric(name: str, tokenized: bool):
    if name == "BLEU":
        return BLEU(tokenize="none" if tokenized else None, force=True)
    if name == "chrF++":
        return CHRF(word_order=2)
    if name == "chrF":
        return CHRF()
    if name == "TER":
        return FastTER()
    raise RepairError(f"There is no metric {name!r}.", mend="Choose of BLEU, chrF, chrF++, TER.")


def _default_seed() -> int:
    given = os.environ.get("SACREBLEU_SEED", "12345")
    return int(given) if given.isdigit() else 12345


def resamples(count: int, samples: int, seed: int, chunk: int = 1 << 23) -> Iterator[np.ndarray]:
    """How often each of ``count`` segments is drawn: arrays of some resamples x ``count``.

    The draws are those of sacreBLEU, in pieces of at most ``chunk`` numbers.
    """
    rng = np.random.default_rng(seed)
    step = max(1, chunk // count)
    for start in range(0, samples, step):
        rows = min(step, samples - start)
        drawn = rng.choice(count, size=(rows, count), replace=True)
        drawn += np.arange(rows)[:, None] * count
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)


def estimate_interval(drawn: np.ndarray) -> tuple[float, float]:
    """Mean and half width of the middle 95 % of bootstrap figures, as sacreBLEU cuts them."""
    ordered = np.sort(drawn)
    cut = len(ordered) // 40
    return float(ordered.mean()), float(0.5 * (ordered[-1 - cut] - ordered[cut]))


def p_value(drawn: np.ndarray, base: np.ndarray, difference: float) -> float:
    """How often chance alone makes a difference as large as the one seen (paired bootstrap).

    Equal to sacreBLEU's but for texts that score the same on every resample: it gives them 0.001,
    here they get 1.
    """
    spread = np.abs(drawn - base)
    if not difference and not spread.any():
        return 1.0
    # sacreBLEU works in 32 bits; a difference below their resolution is none.
    exceeding = np.sum(spread - spread.mean() > difference + 1e-9)
    return float((exceeding + 1) / (len(drawn) + 1))


# ---- what single edits and whole segments do


def edit_distance(text: str, targets: Iterable[str]) -> int:
    """Token edits to the nearest of ``targets``."""
    words = [text[start:end] for start, end in tokens(text)]
    return min(
        Levenshtein.distance(words, [target[start:end] for start, end in tokens(target)])
        for target in targets
    )


def edit_effect(mt: str, edit: Edit, targets: Sequence[str]) -> int:
    """Change of the distance to the nearest target by this edit alone: below zero is closer.

    Counted in tokens. Where an edit changes nothing but spaces, and so no token, the distance in
    characters decides.
    """
    fixed = apply(mt, [edit])
    old, new = ([text[a:b] for a, b in tokens(text)] for text in (mt, fixed))
    if old == new:
        before, after = (
            min(Levenshtein.distance(text, target) for target in targets) for text in (mt, fixed)
        )
        return after - before
    goals = [[target[a:b] for a, b in tokens(target)] for target in targets]
    before, after = (
        min(Levenshtein.distance(words, goal) for goal in goals) for words in (old, new)
    )
    return after - before


@dataclass(frozen=True)
class SegmentEffect:
    """What a record's fixes did to one segment, by its references (or its post-edit).

    ``against`` names the texts compared with; ``suggestions`` maps a suggestion's id to
    ``towards``, ``neutral`` or ``away``: what its best candidate alone does.
    """

    against: str
    chrf_before: float
    chrf_after: float
    ter_before: float
    ter_after: float
    suggestions: dict[str, str]

    @cached_property
    def verdict(self) -> str:
        """``improved``, ``unchanged`` or ``worsened``, by TER and then by chrF++."""
        before = (self.ter_before, -self.chrf_before)
        after = (self.ter_after, -self.chrf_after)
        return "improved" if after < before else "worsened" if after > before else "unchanged"


def name_effect(change: int) -> str:
    """``towards``, ``neutral`` or ``away`` for a change of distance."""
    return "towards" if change < 0 else "away" if change > 0 else "neutral"


def segment_effect(record: Record) -> SegmentEffect | None:
    """Whether a record's fixes, together and one by one, bring its segment nearer to its target.

    The target is the post-edit where there is one, else the references; ``None`` where there is
    neither.
    """
    segment = record.segment
    if segment.post_edit is not None:
        against, targets = "post-edit", (segment.post_edit,)
    elif segment.references:
        against, targets = "references", segment.references
    else:
        return None
    figures = []
    for metric in (CHRF(word_order=2), FastTER()):
        info = metric._extract_reference_info([metric._preprocess_segment(t) for t in targets])
        for text in (segment.mt, record.fixed):
            row = metric._compute_segment_statistics(metric._preprocess_segment(text), info)
            figures.append(float(metric._compute_score_from_stats(row).score))
            if record.fixed == segment.mt:
                figures.append(figures[-1])
                break
    return SegmentEffect(
        against,
        *figures,
        {
            suggestion.id: name_effect(
                edit_effect(segment.mt, suggestion.candidates[0].edit, targets)
            )
            for suggestion in record.suggestions
            if suggestion.candidates
        },
    )
