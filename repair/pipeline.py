"""The whole way from segments to records: detect, check, propose, choose.

A `Repairer` holds the stages of one run. Segments stream through in batches that hold whole
documents where they are short enough, since some checks compare the segments of a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Protocol

from . import __version__
from .choose import Guard, choose, suggest
from .core import Finding, Quality, Record, RepairError, Segment, Suggestion

BATCH = 256
# A document longer than this many batches is cut, so that memory stays bounded.
LONGEST = 4


class Stage(Protocol):
    """A checker or proposer: the same number of lists out as segments in, nothing printed.

    One whose ``reads_detections`` is true is called with the detections as well, one
    `repair.detect.Detection` or ``None`` a segment.
    """

    signature: str

    def __call__(self, segments: Sequence[Segment]) -> list[list[Finding]]: ...


def batches(segments: Iterable[Segment], size: int = BATCH) -> Iterator[list[Segment]]:
    """Consecutive segments, at least ``size`` of them, cut between documents if that comes soon.

    Where a batch ends depends on the segments alone, so that a resumed run cuts the same ones.
    """
    batch: list[Segment] = []
    for segment in segments:
        full = len(batch) >= size and segment.doc != batch[-1].doc
        if full or len(batch) >= size * LONGEST:
            yield batch
            batch = []
        batch.append(segment)
    if batch:
        yield batch


class Repairer:
    """Repairs machine translations from Russian into English.

    ``detector``, ``style``, ``facts``, ``grammar`` and ``fixer`` take ``True`` for the shipped one,
    ``False`` for none, or an object of yours with the same call; the shipped fixer needs a detector. ``proposers`` are further stages, such as
    `repair.propose.Hypotheses` or `repair.propose.seq2seq.Seq2Seq`. In ``mode="suggest"`` nothing is
    applied and ``Record.fixed`` equals the MT; in ``mode="apply"`` the edits whose confidence
    reaches ``precision`` are; changes cut from hypotheses, a model's too, need
    ``hypothesis_precision`` instead, if it is given (`repair.choose.BALANCED` is a measured
    one). ``max_harm`` bounds what may go wrong: of each batch so few of the
    least sure edits are applied that the expected number of those that do not help, the sum of
    1 - confidence, stays below ``max_harm`` times the number of segments. With ``explain``, the
    messages of changes from hypotheses say what weighed most. ``silenced`` says of a suggestion that it is not to be made (see
    `repair.files.decisions.Silences`). A stage that fails leaves a warning on the record; ``strict=True``
    raises instead. Use it as a context manager, or call `close`: the grammar checker is a process.
    """

    def __init__(
        self,
        *,
        detector=True,
        style=True,
        facts=True,
        grammar=False,
        fixer=True,
        proposers: Sequence[Stage] = (),
        mode: str = "suggest",
        precision: float = 0.9,
        hypothesis_precision: float | None = None,
        max_harm: float | None = None,
        explain: bool = False,
        veto: bool = True,
        silenced: Callable[[Segment, Suggestion], bool] | None = None,
        strict: bool = False,
        batch_size: int = BATCH,
    ):
        if mode not in ("suggest", "apply"):
            raise RepairError(f"Unknown mode {mode!r}.", mend="Use 'suggest' or 'apply'.")
        for name, value in (
            ("Precision", precision),
            ("Precision of hypotheses", hypothesis_precision),
            ("The highest harm", max_harm),
        ):
            if value is not None and not 0 <= value <= 1:
                raise RepairError(f"{name} {value} is no probability.", mend="Use 0 to 1.")
        self.hypothesis_precision, self.max_harm = hypothesis_precision, max_harm
        self.mode, self.precision, self.strict, self.batch_size = (
            mode,
            precision,
            strict,
            batch_size,
        )
        self.silenced = silenced
        self.notices: list[str] = []  # what the user should hear once, such as a missing part
        self.detector = _made(detector, _shipped_detector, self.notices)
        checkers = [
            _made(style, _style, self.notices),
            _made(facts, _facts, self.notices),
            _made(grammar, _grammar, self.notices),
            # The shipped fixer works where the detector suspects something.
            _made(fixer if self.detector or fixer is not True else False, _fixer, self.notices),
        ]
        self.stages: list[Stage] = [stage for stage in (*checkers, *proposers) if stage]
        wanted = any(getattr(stage, "reads_states", False) for stage in self.stages)
        if wanted and hasattr(self.detector, "keep_states"):
            self.detector.keep_states = True  # the encoder runs once for both
        for stage in self.stages:
            if getattr(stage, "judge", False) is None:
                stage.judge = self._judge
            if explain and hasattr(stage, "explain"):
                stage.explain = True
        self.guard: Guard | None = _guard() if veto and facts else None

    @cached_property
    def _judge(self):
        from .propose.judge import Judge

        return Judge(self.detector)

    @property
    def signature(self) -> str:
        """What made the result: version, stages with theirs, operating point."""
        parts = [f"mt-repair:{__version__}"]
        parts += [stage.signature for stage in (self.detector, *self.stages) if stage]
        judges = {id(j): j for s in self.stages if (j := getattr(s, "judge", None))}
        parts += [judge.signature for judge in judges.values()]
        if self.mode == "apply":
            parts.append(f"precision:{self.precision:g}")
            if self.hypothesis_precision is not None:
                parts.append(f"hypothesis-precision:{self.hypothesis_precision:g}")
            if self.max_harm is not None:
                parts.append(f"max-harm:{self.max_harm:g}")
        parts.append(f"mode:{self.mode}" + ("" if self.guard else "|veto:no"))
        return "|".join(parts)

    def __call__(self, mt: str, source: str | None = None) -> Record:
        """Repair one text on its own."""
        return next(self.run([Segment("1", mt, source)]))

    def run(self, segments: Iterable[Segment]) -> Iterator[Record]:
        """Records in the order of the segments, a batch at a time."""
        for records in self.run_batches(batches(segments, self.batch_size)):
            yield from records

    def run_batches(self, batches: Iterable[Sequence[Segment]]) -> Iterator[list[Record]]:
        """The records of each batch, in order; the caller cut them (see `batches`).

        A detector that may be called from a thread of its own reads the next batch while the
        other stages work on the last. What the batches raise is raised after the records of those
        before.
        """
        ahead = getattr(self.detector, "may_run_ahead", False)
        if not ahead:
            yield from map(self.run_batch, batches)
            return
        waiting: tuple[Sequence[Segment], Future] | None = None
        coming, trouble = iter(batches), None
        with ThreadPoolExecutor(1, thread_name_prefix="detector") as thread:
            while True:
                try:
                    batch = next(coming, None)
                except Exception as error:
                    batch, trouble = None, error
                reading = None if batch is None else (batch, thread.submit(self._detected, batch))
                if waiting:
                    yield self._repaired(waiting[0], *waiting[1].result())
                if reading is None:
                    break
                waiting = reading
        if trouble:
            raise trouble

    def run_batch(self, batch: Sequence[Segment]) -> list[Record]:
        """The records of one batch."""
        return self._repaired(batch, *self._detected(batch))

    def _detected(self, batch: Sequence[Segment]) -> tuple[list, list[list[str]]]:
        """The detections of a batch, none where there is no detector, and its warnings."""
        warnings: list[list[str]] = [[] for _ in batch]
        if not self.detector:
            return [None] * len(batch), warnings
        blind = [segment.blind() for segment in batch]
        return self._call(self.detector, blind, warnings), warnings

    def _repaired(
        self, batch: Sequence[Segment], detections: list, warnings: list[list[str]]
    ) -> list[Record]:
        """What the other stages and the choice make of a batch that the detector has read."""
        blind = [segment.blind() for segment in batch]
        findings: list[list[Finding]] = [[] for _ in batch]
        quality: list[Quality | None] = [None] * len(batch)
        for index, seen in enumerate(detections):
            if seen is not None:
                findings[index] += seen.findings
                quality[index] = seen.quality
        for stage in self.stages:
            for index, found in enumerate(self._call(stage, blind, warnings, detections)):
                findings[index] += found or ()
            # A stage that gave up for good says so itself, and the user hears it once.
            gone = getattr(stage, "failed", None)
            if gone and gone not in self.notices:
                self.notices.append(gone)
        suggestions = [self._suggestions(s, f) for s, f in zip(batch, findings, strict=True)]
        records = self._records(batch, findings, suggestions, quality, warnings)
        if self.max_harm is not None and self.mode == "apply":
            limit = self.max_harm * len(batch)
            sure = sorted(
                {s.confidence for r in records for s in r.suggestions if s.applied}, reverse=True
            )
            # The lowest bar that the budget allows, which never lowers those that were asked for.
            risk = [
                sum(1 - s.confidence for r in records for s in r.suggestions
                    if s.applied and s.confidence >= bar)
                for bar in sure
            ]  # fmt: skip
            allowed = [bar for bar, cost in zip(sure, risk, strict=True) if cost <= limit]
            bar = allowed[-1] if allowed else 1.01
            if sure and bar > sure[-1]:
                records = self._records(batch, findings, suggestions, quality, warnings, bar)
        return records

    def _suggestions(self, segment: Segment, findings: list[Finding]) -> list[Suggestion]:
        blind = segment.blind()
        suggestions = suggest(blind, findings)
        if self.silenced:
            suggestions = [s for s in suggestions if not self.silenced(blind, s)]
        return suggestions

    def _records(self, batch, findings, suggestions, quality, warnings, bar=0.0) -> list[Record]:
        rows = zip(batch, findings, suggestions, quality, warnings, strict=True)
        return [self._record(*row, bar) for row in rows]

    def _record(self, segment, findings, suggestions, quality, warnings, bar) -> Record:
        blind = segment.blind()
        fixed = segment.mt
        if self.mode == "apply":
            try:
                suggestions, fixed, held_back = choose(
                    blind,
                    suggestions,
                    precision=max(bar, self.precision),
                    hypotheses=None
                    if self.hypothesis_precision is None
                    else max(bar, self.hypothesis_precision),
                    guard=self.guard,
                )
                warnings = [*warnings, *held_back]
            except Exception as error:
                if self.strict:
                    raise
                warnings = [*warnings, f"failed: choose: {error!r}"]
        spans = sorted({f.span for f in findings}, key=lambda s: (s.start, s.end, s.by, s.category))
        return Record(segment, tuple(spans), tuple(suggestions), fixed, quality, tuple(warnings))

    def _call(
        self, stage, segments: Sequence[Segment], warnings: list[list[str]], detections=()
    ) -> list:
        """The stage on a batch; what it cannot do is found one by one and becomes a warning."""
        inputs = [segments]
        if getattr(stage, "reads_detections", False):
            inputs.append(detections)
        try:
            return _checked(stage, *inputs)
        except Exception as error:
            if self.strict:
                raise
            name = stage.signature.split(":")[0]
            if isinstance(error, RepairError) or len(segments) == 1:
                for notes in warnings:
                    notes.append(f"failed: {name}: {error}")
                return [None] * len(segments)
        results: list = []
        for index, segment in enumerate(segments):
            own = [warnings[index]]
            results += self._call(stage, [segment], own, detections[index : index + 1])
        return results

    def close(self) -> None:
        for stage in (self.detector, *self.stages):
            if stage and hasattr(stage, "close"):
                stage.close()

    def __enter__(self) -> Repairer:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def failed(record: Record) -> bool:
    """Whether a stage could not deal with the segment."""
    return any(warning.startswith("failed: ") for warning in record.warnings)


def _checked(stage, segments: Sequence[Segment], *more) -> list:
    results = list(stage(segments, *more))
    if len(results) != len(segments):
        raise ValueError(f"{len(segments)} segments in, {len(results)} results out")
    return results


def _made(wanted, make, notices: list[str]):
    """The stage itself, one made by ``make`` for ``True``, or none with a notice why."""
    if wanted is True:
        try:
            return make()
        except RepairError as error:
            notices.append(str(error))
            return None
    return wanted or None


def _shipped_detector():
    from .detect import Detector

    return Detector()


def _style():
    from .style import Style

    return Style()


def _facts():
    from .facts import Facts

    return Facts()


def _grammar():
    from .grammar import Grammar

    return Grammar()


def _fixer():
    from .propose.fixer import Fixer

    return Fixer()


def _guard() -> Guard:
    from .facts import guard

    return guard
