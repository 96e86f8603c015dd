"""The layouts of a file: how rows with their fields are cut out of lines, and a text put back.

A layout has ``header``, what a writer needs, ``rows(lines)``, and ``field(fixed, raw, header)``, the
fixed text as it stands in the file in the place of ``raw``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..core import RepairError
from . import sentences

# Header names, small letters, spaces and hyphens as underscores; reference1, ref_b, refs as well.
_NAMES = {
    **dict.fromkeys(("id", "segment_id", "seg_id", "segid"), "id"),
    **dict.fromkeys(("source", "src", "source_text", "src_ru", "ru"), "source"),
    **dict.fromkeys(("mt", "mt_text", "translation", "machine_translation"), "mt"),
    **dict.fromkeys(("post_edit", "postedit", "pe"), "post_edit"),
    **dict.fromkeys(("doc", "document", "doc_id", "docid", "document_id"), "doc"),
}
_REFERENCE = re.compile(r"ref(?:erence)?s?(?:_?(?:\d+|[a-z]))?")

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Row(NamedTuple):
    """One unit of a file: ``raw`` is the field that holds ``mt``, as it stands in the file.

    ``before``, ``raw`` and ``after`` of all rows, concatenated, are the file. A row without
    ``mt`` is blank: all of it is in ``before``.
    """

    line: int
    before: str
    raw: str
    after: str
    mt: str | None
    fields: Mapping[str, Any]


NO_FIELDS: Mapping[str, Any] = {}


def parted(line: str) -> tuple[str, str]:
    """A line without its end, and the end."""
    if line.endswith("\r\n"):
        return line[:-2], "\r\n"
    return (line[:-1], "\n") if line.endswith("\n") else (line, "")


class Text:
    """Running text; every sentence is a row."""

    def __init__(self, path: str, first: str, columns: Mapping[str, str]):
        self.header: dict[str, Any] = {}

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
        for number, gap, sentence in sentences.stream(lines):
            yield Row(number, gap, sentence, "", sentence or None, NO_FIELDS)

    @staticmethod
    def field(fixed: str, raw: str, header: Mapping[str, Any]) -> str:
        return fixed


class OneALine(Text):
    """One segment a line; an empty line is an empty segment."""

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
        for number, line in lines:
            text, end = parted(line)
            yield Row(number, "", text, end, text, NO_FIELDS)

    @staticmethod
    def field(fixed: str, raw: str, header: Mapping[str, Any]) -> str:
        return _on_one_line(fixed)


def _on_one_line(text: str, tabs: bool = False) -> str:
    """``text`` with a space for what would end the line, or the column."""
    text = re.sub(r"\r?\n|\r\Z", " ", text)
    return text.replace("\t", " ") if tabs else text


class Table:
    """Rows with named columns: what TSV and CSV have in common."""

    def __init__(self, path: str, first: str, columns: Mapping[str, str]):
        self.path = path
        self.delimiter = self._delimiter(first, columns)
        text, end = parted(first)
        names = [name for name, _, _ in self._cells(text)]
        self.places = _places(names, columns, path)
        self.width = len(names)
        self.header: dict[str, Any] = {"head": text + end, "delimiter": self.delimiter}

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
        lines = iter(lines)
        next(lines)
        (mt,) = self.places["mt"]
        single = [(f, p[0]) for f, p in self.places.items() if f not in ("mt", "references")]
        references = self.places.get("references", ())
        for number, record, end in self._records(lines):
            cells = self._cells(record)
            if len(cells) != self.width:
                if not record.strip() and self.width > 1:
                    yield Row(number, record + end, "", "", None, NO_FIELDS)
                    continue
                raise RepairError(
                    f"The row has {len(cells)} columns, the header {self.width}.",
                    path=self.path,
                    line=number,
                    mend=self.RAGGED,
                )
            text, start, stop = cells[mt]
            fields: dict[str, Any] = {f: cells[p][0] or None for f, p in single}
            if references:
                fields["references"] = tuple(cells[p][0] for p in references if cells[p][0])
            yield Row(number, record[:start], record[start:stop], record[stop:] + end, text, fields)


class Tsv(Table):
    """Tab-separated columns, without quoting: a quote is a quote."""

    RAGGED = (
        "Look for a tab or a line break within a text; quoted fields are read with --format csv."
    )

    @staticmethod
    def _delimiter(first: str, columns: Mapping[str, str]) -> str:
        return "\t"

    def _records(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
        for number, line in lines:
            yield number, *parted(line)

    def _cells(self, record: str) -> list[tuple[str, int, int]]:
        cells, start = [], 0
        for text in record.split("\t"):
            cells.append((text, start, start + len(text)))
            start += len(text) + 1
        return cells

    @staticmethod
    def field(fixed: str, raw: str, header: Mapping[str, Any]) -> str:
        return _on_one_line(fixed, tabs=True)


class Csv(Table):
    """Columns between commas, semicolons or tabs, with quoting as spreadsheets write it."""

    RAGGED = "Look for an unquoted delimiter or a stray quote within a text."
    LONGEST = 1000  # lines of one record: more of them are an open quote

    def _delimiter(self, first: str, columns: Mapping[str, str]) -> str:
        head = parted(first)[0]
        found = ","
        for self.delimiter in (",", ";", "\t", "|"):
            self._compile()
            names = [name for name, _, _ in self._cells(head)]
            if any(_field_of(name, columns) == "mt" for name in names):
                return self.delimiter
            if head.count(self.delimiter) > head.count(found):
                found = self.delimiter
        self.delimiter = found
        self._compile()
        return found

    def _compile(self) -> None:
        d = re.escape(self.delimiter)
        self._cell = re.compile(rf'"([^"]*(?:""[^"]*)*)"(?={d}|\Z)|([^{d}]*)')
        self._open = re.compile(r'"[^"]*(?:""[^"]*)*\Z')

    def _records(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
        for number, line in lines:
            record, end = parted(line)
            count = 1
            while '"' in record and self._is_open(record):
                _, more = next(lines, (0, None))
                count += 1
                if more is None or count > self.LONGEST:
                    raise RepairError(
                        "A quote is opened in this row and never closed.",
                        path=self.path,
                        line=number,
                        mend="Double the quotes within a quoted field, or use --format tsv.",
                    )
                more, ending = parted(more)
                record, end = record + end + more, ending
            yield number, record, end

    def _is_open(self, record: str) -> bool:
        return any(
            record.startswith('"', start)
            and self._cell.match(record, start).group(1) is None
            and self._open.match(record, start)
            for _, start, _ in self._cells(record)
        )

    def _cells(self, record: str) -> list[tuple[str, int, int]]:
        cells, position = [], 0
        while True:
            match = self._cell.match(record, position)
            quoted = match.group(1)
            text = match.group(2) if quoted is None else quoted.replace('""', '"')
            cells.append((text, position, match.end()))
            position = match.end() + 1
            if position > len(record):
                return cells

    @staticmethod
    def field(fixed: str, raw: str, header: Mapping[str, Any]) -> str:
        plain = not raw.startswith('"') and not re.search(
            rf'["\r\n{re.escape(header["delimiter"])}]|^\s|\s\Z', fixed
        )
        return fixed if plain else '"' + fixed.replace('"', '""') + '"'


def _field_of(name: str, columns: Mapping[str, str]) -> str | None:
    """The field that a column holds, by its name or by ``columns``, which maps fields to names."""
    for field, own in columns.items():
        if own == name:
            return "references" if field == "reference" else field
    key = re.sub(r"[\s-]+", "_", name.strip().lower())
    field = "references" if _REFERENCE.fullmatch(key) else _NAMES.get(key)
    return None if field in columns or (field == "references" and "reference" in columns) else field


def _places(names: Sequence[str], columns: Mapping[str, str], path: str) -> dict[str, list[int]]:
    """The columns of each field; raises `RepairError` without one of ``mt`` or with two."""
    for field, own in columns.items():
        if own not in names:
            raise _missing(own, names, path, field)
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        field = _field_of(name, columns)
        if field and (field == "references" or field not in places):
            places.setdefault(field, []).append(index)
        elif field:
            raise RepairError(
                f"Two columns hold the {field}: {names[places[field][0]]!r} and {name!r}.",
                path=path,
                line=1,
                mend=f"Rename one, or say which with --column {field}=NAME.",
            )
    if "mt" not in places:
        raise _missing("mt", names, path, "mt")
    return places


def _missing(name: str, names: Iterable[str], path: str, field: str, line: int = 1) -> RepairError:
    shown = ", ".join(repr(n[:40]) for n in names) or "none"
    return RepairError(
        f"There is no column {name!r}; there are {shown}.",
        path=path,
        line=line,
        mend=f"Name it in the header, or say which column it is with --column {field}=NAME.",
    )


class JsonLines:
    """One JSON object a line; blank lines are kept."""

    def __init__(self, path: str, first: str, columns: Mapping[str, str]):
        self.path, self.columns = path, columns
        self.header: dict[str, Any] = {}
        # The file tells at its first line, not after the models were loaded.
        if first.strip():
            next(self.rows([(1, first)]))

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
        named: dict[str, str | None] = {}  # what a key holds; most lines have the same keys
        for number, line in lines:
            text, end = parted(line)
            if not text.strip():
                yield Row(number, line, "", "", None, NO_FIELDS)
                continue
            fields: dict[str, Any] = {}
            place = None
            for key, value, start, stop in self._members(text, number):
                if key not in named:
                    named[key] = _field_of(key, self.columns)
                field = named[key]
                if field == "mt":
                    place = start, stop
                if field == "references":
                    values = value if isinstance(value, list) else [value]
                    given = (self._text(v, key, number) for v in values)
                    fields[field] = (*fields.get(field, ()), *filter(None, given))
                elif field:
                    fields[field] = self._text(value, key, number)
            mt = fields.pop("mt", None)
            if place is None or mt is None:
                keys = [key for key, _, _, _ in self._members(text, number)]
                raise _missing("mt", keys, self.path, "mt", number)
            start, stop = place
            for field in ("id", "source", "post_edit", "doc"):
                if fields.get(field) == "":
                    del fields[field]
            yield Row(number, text[:start], text[start:stop], text[stop:] + end, mt, fields)

    def _text(self, value: Any, key: str, line: int) -> str | None:
        if isinstance(value, str):
            if _SURROGATE.search(value):
                raise RepairError(
                    f"The field {key!r} holds half a surrogate pair, which is no character.",
                    path=self.path,
                    line=line,
                    mend="Remove the lone \\ud800–\\udfff escape, or export the file again.",
                )
            return value
        if value is None:
            return None
        if (
            key != self.columns.get("mt")
            and _NAMES.get(key) != "mt"
            and type(value) in (int, float)
        ):
            return str(value)
        raise RepairError(
            f"The field {key!r} is {json.dumps(value, ensure_ascii=False)[:40]}, not a text.",
            path=self.path,
            line=line,
            mend="Texts are JSON strings.",
        )

    def _members(self, text: str, line: int) -> Iterator[tuple[str, Any, int, int]]:
        """Key, value, and the range of the value in ``text``, of a JSON object."""
        try:
            yield from _object(text)
        except (json.JSONDecodeError, RecursionError) as error:
            what, column = "nested too deeply", 1
            if isinstance(error, json.JSONDecodeError):
                what, column = error.msg, error.pos + 1
            array = text.lstrip().startswith("[")
            raise RepairError(
                f"Not a JSON object, at column {column:,}: {what}.",
                path=self.path,
                line=line,
                mend="Put one object a line; jq -c '.[]' does so with an array."
                if array
                else "Put one JSON object, with the field mt, on every line.",
            ) from error

    @staticmethod
    def field(fixed: str, raw: str, header: Mapping[str, Any]) -> str:
        return json.dumps(fixed, ensure_ascii=raw.isascii() and "\\u" in raw)


LAYOUTS = {"text": Text, "lines": OneALine, "tsv": Tsv, "csv": Csv, "jsonl": JsonLines}
_SPACE = re.compile(r"[ \t\r]*")
_DECODER = json.JSONDecoder()


def _object(text: str) -> Iterator[tuple[str, Any, int, int]]:
    position = _SPACE.match(text).end()
    if not text.startswith("{", position):
        raise json.JSONDecodeError("Expecting an object", text, position)
    position = _SPACE.match(text, position + 1).end()
    while not text.startswith("}", position):
        if not text.startswith('"', position):
            raise json.JSONDecodeError("Expecting a key in double quotes", text, position)
        key, position = json.decoder.scanstring(text, position + 1, True)
        position = _SPACE.match(text, position).end()
        if not text.startswith(":", position):
            raise json.JSONDecodeError("Expecting ':'", text, position)
        start = _SPACE.match(text, position + 1).end()
        value, stop = _DECODER.raw_decode(text, start)
        yield key, value, start, stop
        position = _SPACE.match(text, stop).end()
        if text.startswith(",", position):
            position = _SPACE.match(text, position + 1).end()
            if text.startswith("}", position):
                raise json.JSONDecodeError("Expecting a key in double quotes", text, position)
        elif not text.startswith("}", position):
            raise json.JSONDecodeError("Expecting ',' or '}'", text, position)
    end = _SPACE.match(text, position + 1).end()
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
