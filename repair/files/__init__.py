"""Every byte in or out: text, parallel lines, TSV, CSV and JSON lines, read and put back as streams.

Law: writing the machine translation that was read gives the input byte for byte, whatever its
line ends, byte-order mark, quoting and further columns; a fixed text changes its own field only.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from ..core import RepairError, Segment
from .formats import LAYOUTS, Row, parted
from .streams import COMPRESSED, Lines, atomic_writer, codec_name, open_bytes

FORMATS = tuple(LAYOUTS)
_SUFFIXES = {".tsv": "tsv", ".tab": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_FOREIGN = {
    **dict.fromkeys((".docx", ".doc", ".odt", ".rtf", ".pdf", ".html", ".htm"), "text"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "CSV"),
    **dict.fromkeys((".xlf", ".xliff", ".tmx", ".xml", ".json"), "TSV or JSON lines"),
}

# Ids beyond so many are not compared, to bound the memory that it takes (about 64 MB).
_IDS_COMPARED = 4_000_000
_LONG = 10_000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


class Input:
    """A file as a stream of segments; `header` is what a writer needs besides them.

    It can be iterated any number of times, unless it is standard input. ``warn`` is called with a
    sentence about what is odd and yet works, once for each kind.
    """

    def __init__(
        self,
        path: str | Path,
        format: str,
        encoding: str | None,
        companions: Mapping[str, Sequence[str | Path]],
        columns: Mapping[str, str],
        warn: Callable[[str], None],
    ):
        self.path, self.format, self.warn = str(path), format, warn
        self.name = "stdin" if self.path == "-" else Path(self.path).name
        self._companions, self._warned = companions, set()
        lines = Lines(path, encoding)
        # Standard input is kept open; any other file is opened anew whenever it is iterated.
        self._stdin = lines if self.path == "-" else None
        self.encoding, self.bom = lines.encoding, lines.bom
        try:
            if not lines.first:
                raise RepairError("The file is empty.", path=path, mend="Give a file with text.")
            self._layout = LAYOUTS[format](self.path, lines.first, columns)
        finally:
            lines.close()

    def header(self) -> dict[str, Any]:
        """What `write_texts` needs to put texts back, as JSON: no path, no text of a segment."""
        return {
            "name": self.name,
            "format": self.format,
            "encoding": self.encoding,
            "bom": self.bom,
            **self._layout.header,
        }

    def __iter__(self) -> Iterator[Segment]:
        if self.path != "-":
            lines = Lines(self.path, self.encoding)
        elif self._stdin is None:
            raise RepairError("Standard input can be read only once.", mend="Give a file.")
        else:
            lines, self._stdin = self._stdin, None
        with ExitStack() as stack:
            stack.callback(lines.close)
            rows = _folded(self._layout.rows(lines))
            if self._companions:
                rows = self._joined(rows, stack)
            yield from self._segments(rows)

    def _segments(self, rows: Iterable[Row]) -> Iterator[Segment]:
        seen = _Seen()
        repeats: dict[str, int] = {}
        ordinal = 0
        for ordinal, row in enumerate(rows, 1):
            mt, fields = row.mt, row.fields
            self._inspect(row)
            name = fields.get("id")
            if name is None:
                name = str(ordinal)
            if self.format not in ("text", "lines") and len(seen) < _IDS_COMPARED:
                name = self._unique(name, seen, repeats, row.line)
            yield Segment(
                name,
                mt,
                fields.get("source"),
                fields.get("references", ()),
                fields.get("post_edit"),
                fields.get("doc") or self.name,
                (row.before, row.after) if row.raw == mt else (row.before, row.after, row.raw),
            )
        if not ordinal:
            raise RepairError(
                "The file holds no text." if self.format == "text" else "The file holds no rows.",
                path=self.path,
                mend="Give a file with text.",
            )

    def _unique(self, name: str, seen: _Seen, repeats: dict[str, int], line: int) -> str:
        """``name``, or ``name#2``, ``name#3`` where it came before."""
        unique = name
        while not seen.add(unique):
            repeats[name] = repeats.get(name, 1) + 1
            unique = f"{name}#{repeats[name]}"
        if unique != name:
            self._note("ids", f"{self.path}:{line}: the id {name!r} came before; it is read as "
                       f"{unique!r}, and further ones likewise.")  # fmt: skip
        return unique

    def _inspect(self, row: Row) -> None:
        if len(row.mt) > _LONG:
            self._note("long", f"{self.path}:{row.line}: a segment of {len(row.mt):,} characters; "
                       "checkers and models may look at its beginning only.")  # fmt: skip
        if _CONTROL.search(row.mt):
            sign = _CONTROL.search(row.mt).group()
            self._note("control", f"{self.path}:{row.line}: a control character (U+{ord(sign):04X}) "
                       "in the text; it is kept.")  # fmt: skip

    def _note(self, kind: str, sentence: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self.warn(sentence)

    def _joined(self, rows: Iterator[Row], stack: ExitStack) -> Iterator[Row]:
        """Rows with the same line of the companion files as fields."""
        readers = []
        for field, paths in self._companions.items():
            for path in paths:
                lines = Lines(path, self.encoding)
                stack.callback(lines.close)
                readers.append((field, lines.path, iter(lines)))
        count = 0
        for count, row in enumerate(rows, 1):
            fields: dict[str, Any] = {}
            for field, path, lines in readers:
                _, line = next(lines, (0, None))
                if line is None:
                    self._unequal(path, f"{count - 1:,}", f"at least {count:,}")
                text = parted(line)[0]
                if field == "references":
                    fields[field] = (*fields.get(field, ()), text)
                else:
                    fields[field] = text
            yield row._replace(fields=fields)
        for _, path, lines in readers:
            if next(lines, None) is not None:
                self._unequal(path, f"more than {count:,}", f"{count:,}")

    def _unequal(self, path: str, theirs: str, mine: str) -> None:
        raise RepairError(f"{path} has {theirs} lines, {self.path} {mine}.", mend=_ALIGN)


_ALIGN = "Line-aligned files need one line for each segment, in the same order."


class _Seen:
    """A set of texts, told apart by 64 bits of hash, in a tenth of the memory that a set takes."""

    def __init__(self):
        self._count, self._table = 0, array("Q", [0]) * 1024

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Add a text; False if it was there."""
        if 2 * self._count >= len(self._table):
            old = self._table
            self._table = array("Q", [0]) * (2 * len(old))
            for key in filter(None, old):
                self._table[self._place(key)] = key
        key = hash(text) & 0xFFFF_FFFF_FFFF_FFFF or 1
        place = self._place(key)
        if self._table[place]:
            return False
        self._table[place] = key
        self._count += 1
        return True

    def _place(self, key: int) -> int:
        """Where the key is, or the free place where it belongs."""
        table, last = self._table, len(self._table) - 1
        place = key & last
        while table[place] and table[place] != key:
            place = (place + 1) & last
        return place


def open_input(
    path: str | Path,
    *,
    source: str | Path | None = None,
    references: Sequence[str | Path] = (),
    post_edit: str | Path | None = None,
    format: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Input:
    """Open a file with machine translation, ``-`` for standard input.

    The format is told by the suffix, before ``.gz``, ``.xz`` or ``.bz2``: `FORMATS`, where text
    is what is nothing else, and lines (one segment a line) what comes with line-aligned files of
    ``source``, ``references`` or ``post_edit``. ``columns`` names the columns or fields that have
    names of their own: ``{"mt": "target"}``. Raises `RepairError` for what cannot be read, for
    an unknown format, a missing column, unequal numbers of lines.
    """
    companions: dict[str, Sequence[str | Path]] = {}
    for field, paths in (
        ("source", [source] if source else []),
        ("references", list(references)),
        ("post_edit", [post_edit] if post_edit else []),
    ):
        if paths:
            companions[field] = paths
    chosen = format or _format_of(path, bool(companions))
    if chosen not in FORMATS:
        raise RepairError(f"Unknown format {chosen!r}.", mend=f"Known are {', '.join(FORMATS)}.")
    if companions and chosen == "text":
        raise RepairError(
            "Running text cannot be aligned with the lines of other files.",
            path=path,
            mend="Give all of them one segment a line, with --format lines.",
        )
    if companions and chosen != "lines":
        raise RepairError(
            f"The format is {chosen}: source and references come from its columns.",
            path=path,
            mend="Give either columns or line-aligned files, not both.",
        )
    beside = list(chain.from_iterable(companions.values()))
    if list(map(str, (path, *beside))).count("-") > 1:
        raise RepairError("Only one of the files can be standard input.", mend="Give a file.")
    for companion in beside:
        _check_alignment(str(path), str(companion), codec_name(encoding))
    return Input(path, chosen, encoding, companions, dict(columns or {}), warn)


def _format_of(path: str | Path, aligned: bool) -> str:
    suffixes = [s.lower() for s in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes and str(path) != "-" else ""
    if suffix in _FOREIGN:
        raise RepairError(
            f"Files of the kind {suffix} are not read.",
            path=path,
            mend=f"Export it as {_FOREIGN[suffix]}, or name the format with --format "
            f"{'|'.join(FORMATS)}.",
        )
    return _SUFFIXES.get(suffix, "lines" if aligned else "text")


def _check_alignment(path: str, companion: str, encoding: str) -> None:
    """Raise `RepairError` unless both files, read now, have as many lines."""
    if "-" in (path, companion):
        return
    mine, theirs = _count_lines(path, encoding), _count_lines(companion, encoding)
    if mine == theirs:
        return
    line, texts = _drift(path, companion, encoding)
    shown = ["“" + (text[:60] + "…" if len(text) > 60 else text) + "”" for text in texts]
    raise RepairError(
        f"{companion} has {theirs:,} lines, {path} {mine:,}; by the lengths of the lines they part "
        f"at line {line:,}: {shown[0]} beside {shown[1]}.",
        path=path,
        line=line,
        mend=_ALIGN,
    )


def _count_lines(path: str, encoding: str) -> int:
    if encoding.startswith(("utf-16", "utf-32")):
        return sum(1 for _ in Lines(path, encoding))
    count, last = 0, b"\n"
    stream = open_bytes(path)
    try:
        while chunk := stream.read(1 << 20):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    except (OSError, EOFError):
        pass  # the reader says it better
    finally:
        stream.close()
    return count + (last != b"\n")


def _drift(path: str, companion: str, encoding: str) -> tuple[int, tuple[str, str]]:
    """The line where one file has lines too many, with both texts there.

    Before it, line i belongs to line i, from there on to line i + d, where d is the difference of
    the counts: of all places the one that makes the ratios of lengths most even.
    """
    lengths = []
    for name in (path, companion):
        lengths.append(array("L", (len(line.strip()) for _, line in Lines(name, encoding))))
    short, long = sorted(lengths, key=len)
    shift = len(long) - len(short)
    ratio = (sum(long) + 1) / (sum(short) + 1)

    def unevenness(offset: int) -> list[float]:
        return [
            abs(math.log((long[i + offset] + 1) / ((length + 1) * ratio)))
            for i, length in enumerate(short)
        ]

    before = [0.0, *accumulate(unevenness(0))]
    after = [0.0, *accumulate(unevenness(shift))]
    place = min(range(len(before)), key=lambda k: before[k] + after[-1] - after[k])
    texts = []
    for name in (path, companion):
        found = (line.strip() for number, line in Lines(name, encoding) if number == place + 1)
        texts.append(next(found, ""))
    return place + 1, tuple(texts)


def _folded(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows without the blank ones, which go before the next row or, at the end, after the last."""
    held, blank = None, ""
    for row in rows:
        if row.mt is None:
            blank += row.before
            continue
        if held is not None:
            yield held
        held = row._replace(before=blank + row.before) if blank else row
        blank = ""
    if held is not None:
        yield held._replace(after=held.after + blank) if blank else held


def write_texts(
    path: str | Path,
    header: Mapping[str, Any],
    pairs: Iterable[tuple[Segment, str]],
    *,
    force: bool = False,
    encoding: str | None = None,
) -> int:
    """Write fixed texts in the format of the input they came from; returns how many.

    ``header`` is what `Input.header` gave, ``pairs`` are all its segments in order, each with its
    fixed text. What cannot stand in a line or column (line breaks, tabs) becomes a space there.
    ``encoding`` overrides that of the input. Raises `RepairError` as `atomic_writer` does, and
    for a character that the encoding does not have.
    """
    layout = LAYOUTS[header["format"]]
    chosen = codec_name(encoding) if encoding else header["encoding"]
    # These would write a byte-order mark before each piece.
    chosen = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(chosen, chosen)
    mark = header.get("bom") or (encoding or "").lower().replace("_", "-") in (
        "utf-16",
        "utf-8-sig",
    )
    count = 0
    with atomic_writer(path, force=force) as out:
        head = ("\ufeff" if mark and chosen.startswith("utf") else "") + header.get("head", "")
        out.write(head.encode(chosen))
        for segment, fixed in pairs:
            before, after, *raw = segment.frame
            raw = raw[0] if raw else segment.mt
            # What was not edited stays as it stood in the file, quoting and escapes included.
            field = raw if fixed == segment.mt else layout.field(fixed, raw, header)
            piece = f"{before}{field}{after}"
            try:
                out.write(piece.encode(chosen))
            except UnicodeEncodeError as error:
                sign = piece[error.start]
                raise RepairError(
                    f"The sign “{sign}” (U+{ord(sign):04X}) of segment {segment.id!r} cannot be "
                    f"written in {chosen}.",
                    path=path,
                    mend="Write the fixed text with --encoding utf-8.",
                ) from error
            count += 1
    return count
