"""Run files: a header line and one record a line, as JSON; written so that a killed run can go on.

A run file is UTF-8 JSON lines. The first line is ``{"schema": "mt-repair.run/1", "signature": ...,
"input": {...}, "options": {...}}``, where ``input`` is what `repair.files.Input.header` gave; each
further line is a record as `record_to_dict` has it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..core import Candidate, Edit, ErrorSpan, Quality, Record, RepairError, Segment, Suggestion
from .streams import COMPRESSED, Lines, atomic_writer, check_output, lock, output_errors, publish

SCHEMA = "mt-repair.run/1"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def record_to_dict(record: Record) -> dict[str, Any]:
    """A record as JSON; what is empty is left out. Law: `record_from_dict` gives it back."""
    segment = record.segment
    about: dict[str, Any] = {"id": segment.id, "mt": segment.mt}
    if segment.source is not None:
        about["source"] = segment.source
    if segment.references:
        about["references"] = segment.references
    if segment.post_edit is not None:
        about["post_edit"] = segment.post_edit
    if segment.doc is not None:
        about["doc"] = segment.doc
    if segment.frame:
        about["frame"] = segment.frame
    found: dict[str, Any] = {"segment": about}
    if record.spans:
        found["spans"] = [_span_to_dict(span) for span in record.spans]
    if record.suggestions:
        found["suggestions"] = [
            {
                "id": suggestion.id,
                "span": _span_to_dict(suggestion.span),
                "candidates": [_candidate_to_dict(c) for c in suggestion.candidates],
                "confidence": suggestion.confidence,
                "applied": suggestion.applied,
            }
            for suggestion in record.suggestions
        ]
    found["fixed"] = record.fixed
    if record.quality is not None:
        found["quality"] = {"hter": record.quality.hter, "da": record.quality.da}
    if record.warnings:
        found["warnings"] = record.warnings
    return found


def _span_to_dict(span: ErrorSpan) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "category": span.category,
        "severity": span.severity,
        "confidence": span.confidence,
        "by": span.by,
        "message": span.message,
    }


def _candidate_to_dict(candidate: Candidate) -> dict[str, Any]:
    edit = candidate.edit
    found = {
        "start": edit.start,
        "end": edit.end,
        "text": edit.text,
        "by": candidate.by,
        "confidence": candidate.confidence,
        "message": candidate.message,
    }
    if candidate.score is not None:
        found["score"] = candidate.score
    if candidate.group is not None:
        found["group"] = candidate.group
    return found


def record_from_dict(found: Mapping[str, Any]) -> Record:
    """The record that `record_to_dict` wrote. Raises `RepairError` for what is not one."""
    try:
        about = found["segment"]
        segment = Segment(
            about["id"],
            about["mt"],
            about.get("source"),
            tuple(about.get("references", ())),
            about.get("post_edit"),
            about.get("doc"),
            tuple(about.get("frame", ())),
        )
        quality = found.get("quality")
        return Record(
            segment,
            tuple(ErrorSpan(**span) for span in found.get("spans", ())),
            tuple(
                Suggestion(
                    s["id"],
                    ErrorSpan(**s["span"]),
                    tuple(_candidate_from_dict(c) for c in s["candidates"]),
                    s["confidence"],
                    s["applied"],
                )
                for s in found.get("suggestions", ())
            ),
            found["fixed"],
            None if quality is None else Quality(**quality),
            tuple(found.get("warnings", ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RepairError(f"This is no record of a run ({error!r}).") from error


def _candidate_from_dict(found: Mapping[str, Any]) -> Candidate:
    return Candidate(
        Edit(found["start"], found["end"], found["text"]),
        found["by"],
        found["confidence"],
        found.get("message", ""),
        found.get("score"),
        found.get("group"),
    )


@dataclass(frozen=True, slots=True)
class Run:
    """A run file: its header, and its records as often as they are iterated, streamed."""

    path: str
    header: Mapping[str, Any]

    def __iter__(self) -> Iterator[Record]:
        lines = Lines(self.path)
        try:
            rows = iter(lines)
            next(rows, None)
            for number, line in rows:
                try:
                    yield record_from_dict(_loaded(line, self.path, number))
                except RepairError as error:
                    if error.path is not None:
                        raise
                    raise RepairError(
                        error.message, path=self.path, line=number, mend="Make the run again."
                    ) from error
        finally:
            lines.close()


def read_run(path: str | Path) -> Run:
    """Open a run file, compressed or not, finished or interrupted (``.part``).

    Raises `RepairError` for what is no run file; iteration does so for a line that is damaged.
    """
    path = str(path)
    if path == "-":
        raise RepairError("A run file cannot be read from standard input.", mend="Give a file.")
    lines = Lines(path)
    try:
        first = lines.first
        if not first.strip():
            raise RepairError("The run file is empty.", path=path, mend="Make the run again.")
        return Run(path, _checked_header(_loaded(first, path, 1), path))
    finally:
        lines.close()


def _checked_header(header: Any, path: str) -> dict[str, Any]:
    schema = header.get("schema") if isinstance(header, dict) else None
    if schema == SCHEMA:
        return header
    if isinstance(schema, str) and schema.startswith("mt-repair.run/"):
        raise RepairError(
            f"The run file has the schema {schema}; this version reads {SCHEMA}.",
            path=path,
            line=1,
            mend="Update mt-repair, or make the run again.",
        )
    raise RepairError(
        "This is no run file: its first line has no schema mt-repair.run.",
        path=path,
        line=1,
        mend="Make one with: mt-repair run FILE -o run.jsonl",
    )


def _loaded(line: str, path: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        if not line.endswith("\n") and number > 1:
            raise RepairError(
                "The last line is cut off: the run was interrupted.",
                path=path,
                line=number,
                mend="Complete it with --resume.",
            ) from error
        what, column = "nested too deeply", 1
        if isinstance(error, json.JSONDecodeError):
            what, column = error.msg, error.colno
        raise RepairError(
            f"Not JSON, at column {column:,}: {what}.",
            path=path,
            line=number,
            mend="A run file is made by mt-repair run.",
        ) from error


def run_digest(records: Iterable[Record]) -> str:
    """What a decisions file names a run by: SHA-256 over id and MT of all records, in order."""
    digest = hashlib.sha256()
    for record in records:
        for text in (record.segment.id, record.segment.mt):
            data = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(data))
            digest.update(data)
    return digest.hexdigest()


class RunWriter:
    """Writes a run file record by record beside its place, as ``PATH.part``, and renames it at the end.

    A path of None writes a temporary file, for the views of a run that is not kept, and ``-`` to
    standard output besides. As a context manager it leaves the ``.part`` behind on failure:
    ``resume=True`` takes it up. ``done`` is the number of records that are there already, which
    the caller skips (``truncate`` cuts them back to the end of a batch), and ``complete`` says
    that the whole file is. Raises `RepairError` where the file exists, where there is a ``.part``
    and neither ``resume`` nor ``force``, where the ``.part`` was made with another header, and
    where another process is writing it.
    """

    def __init__(
        self,
        path: str | Path | None,
        header: Mapping[str, Any],
        *,
        resume: bool = False,
        force: bool = False,
    ):
        self.path = None if path is None else str(path)
        self.header = json.loads(json.dumps({"schema": SCHEMA, **header}))
        self.done, self.complete, self._force = 0, False, force
        self._echo: IO[bytes] | None = sys.stdout.buffer if self.path == "-" else None
        self._stream: IO[bytes] | None = None
        self._kept = self.path not in (None, "-")
        if not self._kept:
            handle, self._target = tempfile.mkstemp(suffix=".jsonl", prefix="mt-repair-")
            self._part, self._stream = self._target, os.fdopen(handle, "r+b")
            self._start()
            return
        self._target = os.path.realpath(self.path)
        self._part = f"{self._target}.part"
        there = os.path.exists(self._part)
        if resume and not there and os.path.isfile(self._target):
            self._check_header(read_run(self._target).header, self.path)
            self.done, self.complete = sum(1 for _ in Lines(self._target)) - 1, True
            return
        check_output(self.path, force=force)
        if there and not resume and not force:
            raise RepairError(
                f"A run to this file was interrupted ({os.path.basename(self._part)} is there).",
                path=self.path,
                mend="Pass --resume to go on with it, or --force to begin anew.",
            )
        with output_errors(self.path):
            self._stream = open(self._part, "r+b" if there else "w+b")  # noqa: SIM115
        try:
            lock(self._stream, self.path)
            if not (there and resume and self._take_up()):
                self._start()
        except BaseException:
            self._stream.close()
            raise

    def _start(self) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self._put((json.dumps(self.header, ensure_ascii=False) + "\n").encode())

    def _take_up(self) -> bool:
        """Find the whole records of an interrupted run; False where not even the header is whole."""
        stream = self._stream
        stream.seek(0)
        first = stream.readline()
        if not first.endswith(b"\n"):
            return False
        self._check_header(_loaded(first.decode("utf-8", "replace"), self._part, 1), self._part)
        end, last, count = stream.tell(), b"", 0
        for line in stream:
            if not line.endswith(b"\n"):
                break
            end, last, count = end + len(line), line, count + 1
        if last:
            # After a power cut the file may be longer than what reached the disk.
            try:
                json.loads(last)
            except ValueError:
                end, count = end - len(last), count - 1
        stream.seek(end)
        stream.truncate()
        self.done = count
        return True

    def _check_header(self, theirs: Mapping[str, Any], path: str) -> None:
        found = list(_differences(_checked_header(theirs, path), self.header))
        if found:
            raise RepairError(
                f"The interrupted run was made otherwise: {'; '.join(found[:4])}.",
                path=path,
                mend="Repeat its command as it was, or begin anew with --force.",
            )

    def truncate(self, count: int) -> None:
        """Keep the first ``count`` records, so that a batch that was cut short is made again."""
        if not 0 <= count <= self.done or self.complete:
            raise ValueError(f"{self.done} records cannot be cut to {count}")
        self._stream.seek(0)
        for _ in range(count + 1):
            self._stream.readline()
        self._stream.truncate(self._stream.tell())
        self._stream.seek(0, os.SEEK_END)
        self.done = count

    def written(self) -> Iterator[Record]:
        """The records that are there already, `done` of them, streamed."""
        if self._stream is not None:
            self._stream.flush()
        return iter(Run(self._target if self.complete else self._part, self.header))

    def write(self, records: Sequence[Record]) -> None:
        """Add records; what was written when this returns survives the process."""
        lines = []
        for record in records:
            try:
                lines.append(_ENCODER.encode(record_to_dict(record)))
                lines[-1].encode()
            except UnicodeEncodeError:
                # Half a surrogate pair has no bytes in UTF-8, but an escape in JSON.
                lines[-1] = json.dumps(record_to_dict(record))
            except ValueError as error:
                raise RepairError(
                    f"The record of segment {record.segment.id!r} holds a number that is none "
                    f"({error}).",
                    mend="Report it with the stage that made it.",
                ) from error
        if lines:
            self._put(("\n".join(lines) + "\n").encode())

    def _put(self, data: bytes) -> None:
        kept = "What was done is kept: go on with --resume." if self._kept else ""
        with output_errors(self.path or self._part, kept):
            self._stream.write(data)
            self._stream.flush()
        if self._echo:
            self._echo.write(data)
            self._echo.flush()

    def commit(self) -> None:
        """Give the finished file its name, compressed if its suffix says so."""
        if not self._kept or self.complete:
            return
        with output_errors(self.path):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            if self._target.endswith(COMPRESSED):
                self._stream.seek(0)
                # A name of its own beside the .part, which must outlive a failure here.
                with atomic_writer(self.path, force=self._force, part=f"{self._part}.z") as out:
                    while chunk := self._stream.read(1 << 20):
                        out.write(chunk)
                os.unlink(self._part)
            else:
                publish(self._part, self._target, force=self._force)
        self._close()
        self.complete = True

    @contextmanager
    def reopen(self) -> Iterator[Run]:
        """The committed run, for its views."""
        if self._stream is not None:
            self._stream.flush()
        yield Run(self._target, self.header)

    def _close(self) -> None:
        if self._stream is not None:
            # What a full disk refused is tried again here; it was reported already.
            with suppress(OSError):
                self._stream.close()
            self._stream = None

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._close()
        if not self._kept:
            with suppress(OSError):
                os.unlink(self._target)


def _differences(theirs: Any, mine: Any, at: str = "") -> Iterator[str]:
    """Where two headers differ, in words."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for key in [*mine, *(k for k in theirs if k not in mine)]:
            yield from _differences(theirs.get(key), mine.get(key), f"{at}.{key}" if at else key)
    elif theirs != mine:
        yield f"{at} was {_short(theirs)} and is now {_short(mine)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
