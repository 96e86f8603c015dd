"""The diff report: one self-contained HTML file in which a person decides every suggested edit.

The page is made of the plain files in ``page/``: a template, a style sheet and small JavaScript
modules that are put into one inline script. The data stands in JSON blocks that the browser does
not run, and reaches the page as text nodes only. The content security policy allows this very
script and style by their hashes, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

from ..core import Record, Suggestion
from ..files.decisions import SCHEMA
from ..files.streams import atomic_writer

# The order in which the modules are put together: each imports only from those before it.
MODULES = (
    "text.js",
    "model.js",
    "filters.js",
    "storage.js",
    "keys.js",
    "list.js",
    "card.js",
    "panel.js",
    "highlight.js",
    "overview.js",
    "dialogs.js",
    "actions.js",
    "app.js",
)
# Segments in one JSON block: small enough that parsing one does not hold up the browser.
BLOCK = 500


class Effect(Protocol):
    """What the fixes of a segment did by its references, as `repair.evaluate.metrics.segment_effect` says."""

    against: str
    chrf_before: float
    chrf_after: float
    ter_before: float
    ter_after: float
    suggestions: Mapping[str, str]


def write_report(
    records: Iterable[Record],
    header: Mapping[str, Any],
    output: str | Path | IO[bytes],
    *,
    digest: str,
    evaluation: bool = False,
    effect: Callable[[Record], Effect | None] | None = None,
    decisions: Iterable[Mapping[str, Any]] | None = None,
    silenced: Iterable[Mapping[str, Any]] | None = None,
    outdated: Iterable[Mapping[str, Any]] | None = None,
    title: str | None = None,
    force: bool = False,
) -> None:
    """Write the report of a run as HTML to a path or a binary stream, as the records come.

    ``digest`` names the run: decisions are remembered and exported under it. ``evaluation`` shows
    the references from the start, which would anchor a reviewer, and with ``effect`` what each
    suggestion does by them. ``decisions``, ``silenced`` and ``outdated`` are entries of earlier
    decisions files, as `repair.files.decisions.carry_over` and `decisions_to_dict` make them for this
    run: the first two are taken up, outdated ones are shown as such. Raises `RepairError` if the
    file exists and ``force`` is not given.
    """
    title = title or _title(header)
    about = {
        "run": digest,
        "evaluation": evaluation,
        "file": f"{_file_stem(title)}.decisions.json",
    }
    earlier = {
        "schema": SCHEMA,
        "run": digest,
        "decisions": list(decisions or ()),
        "silenced": list(silenced or ()),
        "outdated": list(outdated or ()),
    }
    script, style = page_script(), _page_file("page.css")
    shell = {
        "policy": _policy(script, style),
        "generator": "mt-repair",
        "title": html.escape(title),
        "signature": html.escape(str(header.get("signature", ""))),
        "style": style,
        "script": script,
    }
    head, tail = _page_file("template.html").split("{{data}}")
    opened = (
        atomic_writer(output, force=force)
        if isinstance(output, str | Path)
        else nullcontext(output)
    )
    with opened as stream:

        def write(text: str) -> None:
            stream.write(text.encode("utf-8", "surrogatepass"))

        write(_fill(head, shell))
        write(_data_block(about, 'id="header"'))
        write(_data_block(earlier, 'id="decisions"'))
        shown = (_segment(record, effect if evaluation else None) for record in records)
        for block in _blocks(shown, BLOCK):
            write(_data_block(block, 'class="records"'))
        write(_fill(tail, shell))


@cache
def page_script() -> str:
    """The modules of the page as one script: each is a function that returns what it exports."""
    parts = ['"use strict";\nconst modules = {};\n']
    for name in MODULES:
        source = _page_file(name)
        exported = re.findall(
            r"^export (?:async )?(?:function|const|class) ([$\w]+)", source, re.MULTILINE
        )
        body = re.sub(
            r'^import (\{[^}]*\}) from "\./([\w.]+)";$',
            r'const \1 = modules["\2"];',
            source,
            flags=re.MULTILINE,
        )
        body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
        parts.append(
            f'modules["{name}"] = await (async () => {{\n{body}\nreturn {{ {", ".join(exported)} }};\n}})();\n'
        )
    return "".join(parts)


@cache
def _page_file(name: str) -> str:
    return files("repair.report.page").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    """No request at all; this script and this style, known by their hashes, and nothing else."""

    def sha256(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; script-src 'sha256-{sha256(script)}'; "
        f"style-src 'sha256-{sha256(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _fill(template: str, values: Mapping[str, str]) -> str:
    # In one pass, so that a title which contains a placeholder stays a title.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


# Inside a script element these could end it, or a line of it; lone surrogates are no UTF-8.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def safe_json(value: Any) -> str:
    """Compact JSON that can stand in a script element whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _data_block(value: Any, attributes: str) -> str:
    return f'<script type="application/json" {attributes}>{safe_json(value)}</script>\n'


def _blocks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(values)
    while block := list(islice(iterator, size)):
        yield block


def _segment(
    record: Record, effect: Callable[[Record], Effect | None] | None = None
) -> dict[str, Any]:
    """What the page needs of a record; what is empty or said already is left out."""
    segment = record.segment
    data: dict[str, Any] = {"id": segment.id, "mt": segment.mt}
    if segment.source is not None:
        data["source"] = segment.source
    if segment.doc:
        data["doc"] = segment.doc
    if segment.references:
        data["references"] = list(segment.references)
    if segment.post_edit is not None:
        data["postEdit"] = segment.post_edit
    if record.quality is not None:
        data["quality"] = {"hter": round(record.quality.hter, 4)}
    if record.warnings:
        data["warnings"] = list(record.warnings)
    if record.suggestions:
        data["places"] = [_place(suggestion) for suggestion in record.suggestions]
    if effect and (known := effect(record)) is not None:
        data["effect"] = {
            "against": known.against,
            "chrf": [round(known.chrf_before, 2), round(known.chrf_after, 2)],
            "ter": [round(known.ter_before, 2), round(known.ter_after, 2)],
            "suggestions": dict(known.suggestions),
        }
    return data


def _place(suggestion: Suggestion) -> dict[str, Any]:
    span = suggestion.span
    confidence = suggestion.confidence if suggestion.is_offer else span.confidence
    place: dict[str, Any] = {
        "id": suggestion.id,
        "start": span.start,
        "end": span.end,
        "category": span.category,
        "severity": span.severity,
        "confidence": round(confidence, 4),
        "by": span.by,
    }
    if span.message:
        place["message"] = span.message
    if suggestion.applied:
        place["applied"] = True
    if suggestion.candidates:
        place["candidates"] = [_candidate(candidate, span) for candidate in suggestion.candidates]
    return place


def _candidate(candidate, span) -> dict[str, Any]:
    edit = candidate.edit
    data: dict[str, Any] = {"text": edit.text, "confidence": round(candidate.confidence, 4)}
    if (edit.start, edit.end) != (span.start, span.end):
        data |= {"start": edit.start, "end": edit.end}
    if candidate.by != span.by:
        data["by"] = candidate.by
    if candidate.message and candidate.message != span.message:
        data["message"] = candidate.message
    if candidate.group:
        data["group"] = candidate.group
    return data


def _title(header: Mapping[str, Any]) -> str:
    name = (header.get("input") or {}).get("name")
    return f"Review: {name}" if name else "Review of suggested edits"


def _file_stem(title: str) -> str:
    """A file name made of the title that every system can store."""
    stem = re.sub(r"[^\w.-]+", "-", title.removeprefix("Review: ")).strip("-.")
    return stem[:80] or "review"
