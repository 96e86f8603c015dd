"""Error spans marked by people in the MQM scheme: WMT metrics tasks (Freitag et al., 2021), BioMQM.

Three layouts: Google's tables, one row an error, the span between ``<v>`` and ``</v>`` in the
target; BioMQM's tables, one row an error, ``<tag>`` in ``Tagged_Target``; and JSON lines, one a
rated segment, with ``spans`` of ``start, end, category, severity``. One rating of one output is
one segment here, so that raters who disagree are not mixed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from repair.core import SEVERITIES, ErrorSpan, RepairError, Segment

from .gold import Corpus, Gold, name_category
from .shelf import Files

_MARK = re.compile(r"</?(?:v|tag)>")
_COLUMNS = {
    "system": ("system", "MT"),
    "doc": ("doc", "Doc"),
    "seg": ("seg_id", "globalSegId", "SEG_ID"),
    "rater": ("rater", "Annotator_ID"),
    "source": ("source", "Source"),
    "target": ("target", "Target"),
    "tagged": ("Tagged_Target",),
    "category": ("category", "Error Category"),
    "severity": ("severity", "Severity"),
}


def read(files: Files, name: str, use: str, part: str | None = None) -> Corpus:
    """Rated segments of all systems; ``part`` ``train`` or ``dev`` keeps a quarter of the sources
    apart: those that come last in their abstracts, so that whole passages stay together.
    """
    rows = list(_rows(files))
    if not rows:
        raise files.missing("MQM ratings (.jsonl or .tsv)")
    rows = [row for row in rows if not row["human"]]
    if part is not None:
        if part not in ("train", "dev"):
            raise RepairError(f"{name} has no part {part!r}.", mend="Its parts are train and dev.")
        held = held_out(rows)
        rows = [row for row in rows if (row["source"] in held) == (part == "dev")]
        use = "development" if part == "dev" else "train"
    segments, gold, seen = [], [], {}
    for row in rows:
        key = f"{row['system']}.{row['doc']}.{row['seg']}.{row['rater']}"
        seen[key] = seen.get(key, 0) + 1
        segments.append(
            Segment(
                f"{name}.{key}" + (f".{seen[key]}" if seen[key] > 1 else ""),
                row["mt"],
                row["source"],
            )
        )
        gold.append(Gold(spans=row["spans"], system=row["system"], domain=row["domain"]))
    full = name if part is None else f"{name}/{part}"
    return Corpus(full, use, segments, gold, tune=full if use == "development" else None)


def held_out(rows: Iterable[dict]) -> set[str]:
    """The sources of the last quarter, ordered by their place in the document."""
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row["source"], row["position"])
    ranked = sorted(order, key=lambda source: (order[source], source))
    return set(ranked[len(ranked) * 3 // 4 :])


def _rows(files: Files) -> Iterator[dict]:
    for path in sorted(files):
        if re.search(r"\.jsonl(\.xz|\.gz)?$", path):
            yield from _json_rows(files, path)
        elif re.search(r"\.tsv(\.xz|\.gz)?$", path) and "avg_seg_scores" not in path:
            yield from _table_rows(files, path)


def _json_rows(files: Files, path: str) -> Iterator[dict]:
    for number, line in enumerate(files.lines(path), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise RepairError(f"This is no JSON ({error}).", path=path, line=number) from error
        if not row.get("complete", True):
            continue  # an error that could not be placed would count as none
        yield {
            "system": row["system"],
            "doc": row["doc"],
            "seg": row["seg"],
            "position": int(row["seg"]),
            "rater": row["rater"],
            "source": row["src"],
            "mt": row["mt"],
            "human": row.get("human", False),
            "domain": row.get("domain"),
            "spans": tuple(
                _span(row["mt"], s["start"], s["end"], s["category"], s["severity"])
                for s in row["spans"]
            ),
        }


def _table_rows(files: Files, path: str) -> Iterator[dict]:
    """One row an error becomes one row a rating."""
    ratings: dict[tuple, dict] = {}
    for row in files.table(path):
        cell = {
            ours: next((row[name] for name in names if name in row), "")
            for ours, names in _COLUMNS.items()
        }
        marked = cell["tagged"] or cell["target"]
        text = _MARK.sub("", cell["target"])
        key = tuple(cell[name] for name in ("system", "doc", "seg", "rater"))
        rating = ratings.setdefault(
            key,
            {
                **{name: cell[name] for name in ("system", "doc", "seg", "rater", "source")},
                "position": int(cell["seg"]) if cell["seg"].isdigit() else 0,
                "mt": text,
                "human": bool(re.match(r"(?i)(human|ref)", cell["system"])),
                "domain": None,
                "spans": (),
            },
        )
        if cell["category"].lower() in ("", "no-error", "no error"):
            continue
        plain, start, end = _unmarked(marked)
        if start is None:
            # An error without a mark is one of the source (an omission): it has no place here.
            continue
        if plain != rating["mt"]:
            continue
        rating["spans"] += (_span(plain, start, end, cell["category"], cell["severity"]),)
    yield from ratings.values()


def _unmarked(text: str) -> tuple[str, int | None, int | None]:
    """The text without its marks, and the range between the first and the last of them."""
    marks = list(_MARK.finditer(text))
    if not marks:
        return text, None, None
    start = marks[0].start()
    end = marks[-1].start() - sum(len(mark[0]) for mark in marks[:-1])
    return _MARK.sub("", text), start, end


def _span(mt: str, start: int, end: int, category: str, severity: str) -> ErrorSpan:
    severity = severity.strip().lower().replace("no-error", "neutral")
    return ErrorSpan(
        start,
        min(end, len(mt)),
        name_category(category),
        severity if severity in SEVERITIES else "minor",
        1.0,
        "mqm",
    )
