"""What can be measured, in one form: stages, detectors, pipelines, and files of predictions.

A system has a ``name``, a ``signature``, and ``outputs(corpus)``: one `Output` a segment, made
without sight of references and post-edits. Gold is reached by prediction files alone, and only to
line their words up with the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..align import Token, diff, gap_position, tokens
from ..core import (
    SEVERITIES,
    Candidate,
    Edit,
    ErrorSpan,
    Finding,
    Quality,
    Record,
    RepairError,
    Segment,
    apply,
    compatible,
)
from ..files.streams import Lines
from ..pipeline import batches


@dataclass(frozen=True, slots=True)
class Output:
    """What a system said of one segment.

    ``words`` and ``gaps`` are scores of BAD for the N ``places`` and N+1 gaps around them, where
    the system has such; ``spans`` what it flags by itself. ``offers`` are its edits by place, best
    candidate first, ``kept`` those that are in ``fixed``, which is ``None`` for a system that
    repairs nothing. ``tokenized`` is the fixed text as the corpus counts words, where given so.
    """

    places: tuple[Token, ...] | None = None
    words: np.ndarray | None = None
    gaps: np.ndarray | None = None
    spans: tuple[ErrorSpan, ...] = ()
    quality: Quality | None = None
    offers: tuple[tuple[Candidate, ...], ...] = ()
    kept: tuple[Edit, ...] = ()
    fixed: str | None = None
    tokenized: str | None = None

    def scores_at(self, text: str, places: Sequence[Token]) -> tuple[np.ndarray, np.ndarray]:
        """Scores for the words and gaps of another tokenisation of the same text.

        A word takes the highest score of what it overlaps, a gap the highest of the gaps between
        its neighbours. What has no scores of its own has the confidence of its spans.
        """
        words, gaps = np.zeros(len(places)), np.zeros(len(places) + 1)
        if self.words is not None:
            if tuple(places) == self.places:
                return self.words, self.gaps
            starts = [place.start for place in places]
            ends = [place.end for place in places]
            for place, score in zip(self.places, self.words, strict=True):
                first = int(np.searchsorted(ends, place.start, side="right"))
                last = int(np.searchsorted(starts, place.end, side="left"))
                words[first:last] = np.maximum(words[first:last], score)
            for index, score in enumerate(self.gaps):
                self._raise_gap(gaps, places, gap_position(text, self.places, index), score)
            return words, gaps
        for span in self.spans:
            if span.start == span.end:
                self._raise_gap(gaps, places, span.start, span.confidence, words)
                continue
            for index, place in enumerate(places):
                if place.start < span.end and span.start < place.end:
                    words[index] = max(words[index], span.confidence)
        return words, gaps

    def badness(self, text: str) -> float:
        """How bad the segment is: the estimate of HTER, or else the mean score of its words."""
        if self.quality is not None:
            return self.quality.hter
        places = self.places if self.words is not None else tuple(tokens(text))
        words, gaps = self.scores_at(text, places)
        return float((words.sum() + gaps.sum()) / max(1, len(words)))

    @staticmethod
    def _raise_gap(gaps, places, position: int, score: float, words=None) -> None:
        index = sum(place.end <= position for place in places)
        if index < len(places) and places[index].start < position:
            if words is not None:  # inside a word: the word is wrong
                words[index] = max(words[index], score)
            return
        gaps[index] = max(gaps[index], score)


class System(Protocol):
    """Anything that can be measured."""

    name: str
    signature: str

    def outputs(self, corpus: Any) -> Iterator[Output]: ...


class DoNothing:
    """Flags nothing and changes nothing: the rival of every repairer."""

    name = "do-nothing"
    signature = "do-nothing"

    def outputs(self, corpus) -> Iterator[Output]:
        for segment in corpus.segments:
            yield Output(fixed=segment.mt)


class AllOk:
    """Calls every word right, and offers no repair."""

    name = "all-ok"
    signature = "all-ok"

    def outputs(self, corpus) -> Iterator[Output]:
        for _ in corpus.segments:
            yield Output()


class AllBad:
    """Calls every word wrong, and no gap: what recall alone is worth."""

    name = "all-bad"
    signature = "all-bad"

    def outputs(self, corpus) -> Iterator[Output]:
        for segment in corpus.segments:
            places = tuple(tokens(segment.mt))
            spans = tuple(
                ErrorSpan(start, end, "accuracy/mistranslation", "major", 1.0, self.name)
                for start, end in places
            )
            yield Output(spans=spans)


class Staged:
    """A stage or a detector, called on batches of whole documents.

    ``fix`` applies the best candidate of every finding, surest first, without any further choice.
    """

    def __init__(self, name: str, stage, *, fix: bool = True):
        self.name, self.stage, self.fix = name, stage, fix
        self.signature = stage.signature + ("|blind" if fix else "")

    def outputs(self, corpus) -> Iterator[Output]:
        for batch in batches([segment.blind() for segment in corpus.segments]):
            results = list(self.stage(batch))
            if len(results) != len(batch):
                raise RepairError(
                    f"{self.name}: {len(batch)} segments in, {len(results)} results out."
                )
            for segment, result in zip(batch, results, strict=True):
                yield self._output(segment, result)

    def _output(self, segment: Segment, result) -> Output:
        words = getattr(result, "words", None)
        findings: Sequence[Finding] = result if words is None else result.findings
        spans = tuple(finding.span for finding in findings)
        offers = tuple(finding.candidates for finding in findings if finding.candidates)
        kept = apply_blindly(offers) if self.fix else ()
        fixed = apply(segment.mt, kept) if self.fix and (offers or words is None) else None
        if words is None:
            return Output(spans=spans, offers=offers, kept=kept, fixed=fixed)
        return Output(
            places=tuple(result.tokens),
            words=np.asarray(words, dtype=np.float64),
            gaps=np.asarray(result.gaps, dtype=np.float64),
            spans=spans,
            quality=result.quality,
            offers=offers,
            kept=kept,
            fixed=fixed,
        )


def apply_blindly(offers: Sequence[Sequence[Candidate]]) -> tuple[Edit, ...]:
    """The best candidate of each offer, surest first, as far as they are compatible."""
    kept: list[Edit] = []
    firsts = [candidates[0] for candidates in offers]
    for candidate in sorted(firsts, key=lambda c: (-c.confidence, c.edit.start, c.edit.end)):
        if all(compatible(candidate.edit, edit) for edit in kept):
            kept.append(candidate.edit)
    return tuple(kept)


class Piped:
    """A whole pipeline: an object with ``run(segments)``, or a function, that yields records."""

    def __init__(self, name: str, pipeline):
        self.name, self.pipeline = name, pipeline
        self.signature = getattr(pipeline, "signature", name)

    def outputs(self, corpus) -> Iterator[Output]:
        run = getattr(self.pipeline, "run", self.pipeline)
        blind = [segment.blind() for segment in corpus.segments]
        count = 0
        for record in run(iter(blind)):
            if count >= len(blind) or record.segment.id != blind[count].id:
                raise RepairError(f"{self.name}: record {count + 1} is of {record.segment.id}.")
            count += 1
            yield output_of(record)
        if count != len(blind):
            raise RepairError(f"{self.name}: {len(blind)} segments in, {count} records out.")


def output_of(record: Record) -> Output:
    """A record as an output."""
    offers = tuple(s.candidates for s in record.suggestions if s.candidates)
    kept = tuple(s.candidates[0].edit for s in record.suggestions if s.applied and s.candidates)
    return Output(
        spans=record.spans,
        quality=record.quality,
        offers=offers,
        kept=kept,
        fixed=record.fixed,
    )


# ---- other people's predictions

PREDICTIONS = ("tags", "spans", "text", "run")


class Predicted:
    """A file that some other program wrote for the segments of a corpus, in their order.

    ``format`` is ``tags`` (one line a segment, or the WMT submission table), ``spans`` (JSON
    lines), ``text`` (one repaired segment a line) or ``run`` (a run file of mt-repair).
    ``tokenized`` says that the file is about the corpus's tokenised text.
    """

    def __init__(self, path: str | Path, format: str, *, name: str = "", tokenized: bool = False):
        if format not in PREDICTIONS:
            raise RepairError(
                f"Unknown format {format!r} of predictions.",
                mend=f"Known are {', '.join(PREDICTIONS)}.",
            )
        self.path, self.format, self.tokenized = str(path), format, tokenized
        self.name = name or Path(path).name
        self.signature = f"predictions:{self.name}|format:{format}"

    def outputs(self, corpus) -> Iterator[Output]:
        reader = {
            "tags": self._tags,
            "spans": self._spans,
            "text": self._text,
            "run": self._run,
        }[self.format]
        yield from reader(corpus)

    def _lines(self, corpus) -> list[str]:
        lines = Lines(self.path)
        try:
            texts = [line.rstrip("\r\n") for _, line in lines]
        finally:
            lines.close()
        if len(texts) != len(corpus):
            raise RepairError(
                f"{len(texts)} lines for the {len(corpus)} segments of {corpus.name}.",
                path=self.path,
                mend="Give one line a segment, in the order of the corpus.",
            )
        return texts

    def _places(self, corpus, index: int) -> tuple[Token, ...]:
        places = corpus.gold[index].places
        if places is None:
            raise RepairError(
                f"{corpus.name} does not say what its words are, so tags cannot be lined up.",
                path=self.path,
                mend="Give spans instead of tags.",
            )
        return places

    def _tags(self, corpus) -> Iterator[Output]:
        lines = Lines(self.path)
        try:
            first = lines.first
        finally:
            lines.close()
        if first.count("\t") >= 4:
            yield from self._submission(corpus)
            return
        for index, line in enumerate(self._lines(corpus)):
            places = self._places(corpus, index)
            scores = [self._tag(tag, index) for tag in line.split()]
            if len(scores) == 2 * len(places) + 1:
                words, gaps = scores[1::2], scores[::2]
            elif len(scores) == len(places):
                words, gaps = scores, [0.0] * (len(places) + 1)
            else:
                raise RepairError(
                    f"{len(scores)} tags for {len(places)} words.",
                    path=self.path,
                    line=index + 1,
                    mend=f"Give {2 * len(places) + 1} (gap, word, gap ...) or {len(places)}.",
                )
            yield Output(places=places, words=np.array(words), gaps=np.array(gaps))

    def _tag(self, tag: str, index: int) -> float:
        if tag in ("OK", "BAD"):
            return float(tag == "BAD")
        try:
            value = float(tag)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise RepairError(
                f"A tag is {tag!r}.",
                path=self.path,
                line=index + 1,
                mend="Use OK and BAD, or probabilities of BAD between 0 and 1.",
            )
        return value

    def _submission(self, corpus) -> Iterator[Output]:
        """WMT's table: [pair], method, type (mt, gap or source), segment, word, text, score."""
        words = [np.zeros(len(self._places(corpus, i))) for i in range(len(corpus))]
        gaps = [np.zeros(len(scores) + 1) for scores in words]
        rows = []
        lines = Lines(self.path)
        try:
            for number, line in lines:
                cells = line.rstrip("\r\n").split("\t")
                if len(cells) < 5 or not cells[-3].isdigit() or not cells[-4].isdigit():
                    if number == 1:
                        continue  # a header
                    raise RepairError(
                        "This is no row of a WMT word-level submission.",
                        path=self.path,
                        line=number,
                        mend="Columns are method, type, segment, word index, word, score.",
                    )
                rows.append((number, cells[-5].lower(), int(cells[-4]), int(cells[-3]), cells[-1]))
        finally:
            lines.close()
        # Segments count from 0 in some years and from 1 in others; words count from 0.
        base = min((segment for _, _, segment, _, _ in rows), default=0)
        seen = {segment - base for _, _, segment, _, _ in rows}
        if base > 1 or len(seen) != len(corpus):
            raise RepairError(
                f"The table speaks of {len(seen)} segments, {corpus.name} has {len(corpus)}.",
                path=self.path,
            )
        for number, kind, segment, word, tag in rows:
            target = {"mt": words, "target": words, "gap": gaps, "gaps": gaps}.get(kind)
            if target is None:
                continue  # source words
            index = segment - base
            if not 0 <= index < len(corpus) or word >= len(target[index]):
                raise RepairError(
                    f"Segment {segment} has no {kind} {word}.", path=self.path, line=number
                )
            target[index][word] = self._tag(tag, number - 1)
        for index in range(len(corpus)):
            yield Output(places=self._places(corpus, index), words=words[index], gaps=gaps[index])

    def _spans(self, corpus) -> Iterator[Output]:
        rows = [self._object(line, index) for index, line in enumerate(self._lines(corpus))]
        by_id = {str(row["id"]): row for row in rows if "id" in row}
        if len(by_id) == len(rows) and all(s.id in by_id for s in corpus.segments):
            rows = [by_id[segment.id] for segment in corpus.segments]
        for index, (segment, row) in enumerate(zip(corpus.segments, rows, strict=True)):
            spans = row.get("spans", row.get("errors", row.get("error_spans", [])))
            fixed = row.get("fixed")
            quality = None
            if row.get("hter") is not None or row.get("da") is not None:
                da = row.get("da")
                quality = Quality(float(row.get("hter") or 0.0), None if da is None else float(da))
            yield Output(
                spans=tuple(self._span(span, corpus, index) for span in spans),
                quality=quality,
                **_repaired(segment, fixed),
            )

    def _object(self, line: str, index: int) -> dict:
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise RepairError(
                f"This is no JSON ({error}).", path=self.path, line=index + 1
            ) from error
        if not isinstance(row, dict):
            raise RepairError(
                "This is no JSON object.",
                path=self.path,
                line=index + 1,
                mend='Write {"spans": [{"start": 0, "end": 5, "confidence": 0.7}]} a line.',
            )
        return row

    def _span(self, span: dict, corpus, index: int) -> ErrorSpan:
        segment, gold = corpus.segments[index], corpus.gold[index]
        try:
            start, end = int(span["start"]), int(span["end"])
            confidence = float(span.get("confidence", 1.0))
        except (KeyError, TypeError, ValueError) as error:
            raise RepairError(
                f"A span lacks a number ({error}).",
                path=self.path,
                line=index + 1,
                mend="Each span needs start and end, and may have category, severity, confidence.",
            ) from error
        text = gold.tokenized[0] if self.tokenized and gold.tokenized else segment.mt
        if not 0 <= start <= end <= len(text):
            raise RepairError(
                f"A span {start}..{end} lies outside the text of {len(text)} characters.",
                path=self.path,
                line=index + 1,
            )
        if self.tokenized and gold.tokenized:
            start, end = _to_raw(text, gold.places, start, end)
        severity = str(span.get("severity", "major")).lower()
        return ErrorSpan(
            start,
            end,
            str(span.get("category", "accuracy/mistranslation")),
            severity if severity in SEVERITIES else "major",
            confidence,
            self.name,
        )

    def _text(self, corpus) -> Iterator[Output]:
        for index, line in enumerate(self._lines(corpus)):
            segment, gold = corpus.segments[index], corpus.gold[index]
            if self.tokenized and gold.tokenized:
                old = gold.tokenized[0].split()
                plain = corpus.written(index, line.split()) if line.split() != old else segment.mt
                yield Output(**_repaired(segment, plain), tokenized=" ".join(line.split()))
            else:
                yield Output(**_repaired(segment, line))

    def _run(self, corpus) -> Iterator[Output]:
        from ..files.runs import read_run

        count = 0
        for record in read_run(self.path):
            if count >= len(corpus) or record.segment.mt != corpus.segments[count].mt:
                raise RepairError(
                    f"Record {count + 1} is not of the corpus {corpus.name}.", path=self.path
                )
            count += 1
            yield output_of(record)
        if count != len(corpus):
            raise RepairError(
                f"{count} records for the {len(corpus)} segments of {corpus.name}.", path=self.path
            )


def _repaired(segment: Segment, fixed: str | None) -> dict[str, Any]:
    """A repaired text as edits, each offered and kept."""
    if fixed is None:
        return {}
    edits = diff(segment.mt, fixed)
    return {
        "offers": tuple((Candidate(edit, "predictions", 1.0),) for edit in edits),
        "kept": tuple(edits),
        "fixed": fixed,
    }


def _to_raw(text: str, places: Sequence[Token], start: int, end: int) -> tuple[int, int]:
    """A range of tokenised text as one of the raw text whose words are at ``places``."""
    position, spans = 0, []
    for word, place in zip(text.split(" "), places, strict=True):
        spans.append((position, position + len(word), place))
        position += len(word) + 1
    touched = [place for first, last, place in spans if first < end and start < last]
    if start < end and touched:
        return touched[0].start, touched[-1].end
    after = next((place.start for first, _, place in spans if first >= start), None)
    position = places[-1].end if after is None and places else after or 0
    return position, position
