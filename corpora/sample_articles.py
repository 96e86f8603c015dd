"""The three news articles that were written for the project, with their errors marked."""

from __future__ import annotations

import json
from importlib.resources import files

from repair.core import Edit, ErrorSpan, RepairError, Segment

NAMES = ("diplomacy", "economy", "interview")


def sample(name: str) -> list[Segment]:
    """The segments of one article, with source and reference; ids are ``NAME:LINE`` from 1."""
    sources, mts, references = (_lines(f"{name}.{suffix}.txt") for suffix in ("ru", "mt", "ref"))
    return [
        Segment(f"{name}:{number}", mt, source, (reference,), doc=name)
        for number, (source, mt, reference) in enumerate(
            zip(sources, mts, references, strict=True), 1
        )
    ]


def sample_errors(name: str) -> dict[str, list[tuple[ErrorSpan, Edit]]]:
    """The marked errors of one article with their corrections, by segment id, in text order."""
    errors: dict[str, list[tuple[ErrorSpan, Edit]]] = {segment.id: [] for segment in sample(name)}
    for line in _lines(f"{name}.spans.jsonl"):
        row = json.loads(line)
        start, end = row["start"], row["end"]
        span = ErrorSpan(start, end, row["category"], row["severity"], 1.0, "samples/gold")
        errors[f"{name}:{row['segment']}"].append((span, Edit(start, end, row["text"])))
    return errors


def sample_text(name: str) -> str:
    """The MT of one article as running text, paragraphs separated by an empty line."""
    return _read(f"{name}.en.txt")


def _lines(file: str) -> list[str]:
    return _read(file).splitlines()


def _read(file: str) -> str:
    name = file.split(".", 1)[0]
    if name not in NAMES:
        raise RepairError(f"There is no sample {name!r}.", mend=f"Choose from {', '.join(NAMES)}.")
    return (files("repair.corpora") / "samples" / file).read_text("utf-8")
