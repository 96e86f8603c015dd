"""Records for the tests of the report: the project's sample articles, and texts made to do harm."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from repair.core import (
    Candidate,
    Edit,
    ErrorSpan,
    Quality,
    Record,
    Segment,
    Suggestion,
    suggestion_id,
)
from repair.files.decisions import Decisions, carry_over, decisions_from_dict, decisions_to_dict

ARTICLES = Path(__file__).parent.parent / "corpora/samples"
HEADER = {"schema": "mt-repair.run/1", "signature": "mt-repair:test", "input": {"name": "samples"}}
SURE = {"critical": 0.93, "major": 0.81, "minor": 0.66, "neutral": 0.42}
BY = {
    "accuracy": "facts/number",
    "fluency": "style/quote-space",
    "style": "style/calque",
    "terminology": "hypotheses",
}
WHY = {
    "accuracy/number": "The source has another figure.",
    "accuracy/entity": "The name in the source is another one.",
    "fluency/typography": "The quotation mark hangs on the wrong word.",
}


def suggest(segment, start, end, *texts, category="style/awkward", severity="minor", by="style/x",
            confidence=0.7, message="Reads badly.", group=None, applied=False):  # fmt: skip
    """One suggestion whose candidates have falling confidence."""
    span = ErrorSpan(start, end, category, severity, confidence, by, message)
    candidates = tuple(
        Candidate(Edit(start, end, text), by, round(confidence * 0.8**i, 3), message, group=group)
        for i, text in enumerate(texts)
    )
    name = suggestion_id(segment, start, end)
    return Suggestion(name, span, candidates, confidence if texts else 0.0, applied)


def article_segments(name: str) -> Iterator[tuple[Segment, list[dict]]]:
    """The segments of a sample article, each with its marked errors."""
    source, mt, reference = (
        (ARTICLES / f"{name}.{kind}.txt").read_text("utf-8").splitlines()
        for kind in ("ru", "mt", "ref")
    )
    spans = defaultdict(list)
    for line in (ARTICLES / f"{name}.spans.jsonl").read_text("utf-8").splitlines():
        span = json.loads(line)
        spans[span["segment"]].append(span)
    for number, texts in enumerate(zip(source, mt, reference, strict=True), 1):
        segment = Segment(f"{name}-{number}", texts[1], texts[0], (texts[2],), doc=name)
        yield segment, spans[number]


def sample_records() -> list[Record]:
    """The sample articles with a suggestion at every marked error; the same at every call."""
    chance = random.Random(5)
    records = []
    for article in ("diplomacy", "economy", "interview"):
        for segment, spans in article_segments(article):
            suggestions = []
            for span in spans:
                family = span["category"].split("/")[0]
                offers = [span["text"]]
                if span["text"].strip() and chance.random() < 0.3:
                    offers.append(f"{span['text'].strip()} indeed")
                sure = max(0.05, min(0.99, SURE[span["severity"]] + chance.uniform(-0.25, 0.1)))
                message = WHY.get(span["category"], "Not what the source says, or not English.")
                if chance.random() < 0.12:
                    offers = []
                suggestions.append(
                    suggest(
                        segment,
                        span["start"],
                        span["end"],
                        *offers,
                        category=span["category"],
                        severity=span["severity"],
                        by=BY[family],
                        confidence=round(sure, 2),
                        message=message,
                    )
                )
            hter = min(1.0, 0.04 + 0.09 * len(suggestions) + chance.random() * 0.05)
            records.append(
                Record(segment, (), tuple(suggestions), segment.mt, Quality(round(hter, 3)))
            )
    return records


def earlier(file: dict, records: list[Record], run: str) -> dict:
    """The arguments that a report takes for an earlier decisions file."""
    carried = carry_over(decisions_from_dict(file), records, run)
    outdated = decisions_to_dict(Decisions(run, carried.outdated))["decisions"]
    found = decisions_to_dict(carried.decisions)
    return {"decisions": found["decisions"], "silenced": found["silenced"], "outdated": outdated}


def many_records(count: int) -> list[Record]:
    """A run of ``count`` segments, the samples over and over under other names."""
    base = sample_records()
    records = []
    for index in range(count):
        record = base[index % len(base)]
        segment = replace(
            record.segment, id=str(index + 1), doc=f"{record.segment.doc}-{index // len(base) + 1}"
        )
        suggestions = tuple(
            replace(s, id=suggestion_id(segment, s.span.start, s.span.end))
            for s in record.suggestions
        )
        records.append(replace(record, segment=segment, suggestions=suggestions))
    return records
