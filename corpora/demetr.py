"""DEMETR (Karpinska et al., 2022): one planted error a text, of 35 kinds, with its severity.

The published folder has one JSON file a kind for all languages; a table of the Russian part has
the columns ``id, src_ru, tgt_en, mt, perturbed, type, severity``. Ids keep the published number,
and ``even`` and ``odd`` are halves by it. Texts without a planted error come first: they are
what a false alarm is counted on. Where a kind of error had nothing to change (no number in the
sentence), the published text is the original; such rows are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from repair.align import diff, tokens
from repair.core import ErrorSpan, RepairError, Segment

from .gold import Corpus, Gold
from .shelf import Files

PARTS = ("even", "odd", "all")
LANGUAGE = "russian"


def read(files: Files, part: str = "even") -> Corpus:
    """The clean texts and then every perturbed one, of the sources with even or odd number."""
    if part not in PARTS:
        raise RepairError(f"DEMETR has no part {part!r}.", mend=f"Parts are {', '.join(PARTS)}.")
    rows = [
        row for row in _rows(files) if part == "all" or (row["number"] % 2 == 0) == (part == "even")
    ]
    if not rows:
        raise files.missing("DEMETR's Russian part")
    segments, gold, clean = [], [], {}
    for row in rows:
        clean.setdefault(row["number"], row)
    for number, row in sorted(clean.items()):
        segments.append(
            Segment(f"demetr.clean.{number}", row["mt"], row["source"], (row["reference"],))
        )
        gold.append(Gold(planted="", original=row["mt"]))
    for row in rows:
        if row["perturbed"] == row["mt"]:
            continue
        segments.append(
            Segment(
                f"demetr.{row['kind']}.{row['number']}",
                row["perturbed"],
                row["source"],
                (row["reference"],),
            )
        )
        gold.append(
            Gold(
                spans=_planted_spans(row["perturbed"], row["mt"], row["severity"]),
                planted=row["kind"],
                severity=row["severity"],
                original=row["mt"],
            )
        )
    return Corpus(f"demetr/{part}", "development", segments, gold, tune=f"demetr/{part}")


def _rows(files: Files) -> Iterator[dict]:
    tables = files.matching("demetr_ruen")
    for path in tables:
        for row in files.table(path):
            yield {
                "number": int(row["id"].rsplit(".", 1)[1]),
                "source": row["src_ru"],
                "reference": row["tgt_en"],
                "mt": row["mt"],
                "perturbed": row["perturbed"],
                "kind": row["type"],
                "severity": row["severity"],
            }
    if tables:
        return
    for path in files.matching("_id"):
        if not re.search(r"/(base|critical|major|minor)_id\d+\w*\.json$", path):
            continue
        try:
            items = json.loads(files.text(path))
        except json.JSONDecodeError as error:
            raise RepairError(f"This is no JSON ({error}).", path=path) from error
        for item in items:
            if item["lang_tag"] == LANGUAGE:
                yield {
                    "number": int(item["id"]),
                    "source": item["src_sent"],
                    "reference": item["eng_sent"],
                    "mt": item["mt_sent"],
                    "perturbed": item["pert_sent"],
                    "kind": item["pert_name"],
                    "severity": item["severity"],
                }


def _planted_spans(text: str, original: str, severity: str) -> tuple[ErrorSpan, ...]:
    """Where ``text`` differs from ``original``; a removed word is a gap."""
    kind = severity if severity in ("minor", "major", "critical") else "critical"
    spans = []
    for edit in diff(text, original):
        category = "accuracy/omission" if edit.start == edit.end else "accuracy/mistranslation"
        start, end = edit.start, edit.end
        if start < end and not text[start:end].strip():
            continue  # the space that goes with a removed word
        spans.append(ErrorSpan(start, end, category, kind, 1.0, "demetr"))
    if not spans and text != original and tokens(text):
        spans.append(ErrorSpan(0, len(text), "fluency/typography", kind, 1.0, "demetr"))
    return tuple(spans)
