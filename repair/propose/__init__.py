"""Proposals from whole sentences that someone else wrote: another engine, a model, a colleague.

`propose` turns hypotheses for a segment into findings, one for each edit that they make.
`Hypotheses` is the stage that reads them from a file; `repair.propose.seq2seq.Seq2Seq` is the one that
asks a model.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import Candidate, Edit, ErrorSpan, Finding, RepairError, Segment, apply
from .changes import Bundle, category_of, confidences, cut


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """How ``producer`` would put the whole segment; ``rank`` is its place in an n-best list, from 0."""

    text: str
    producer: str
    rank: int = 0
    score: float | None = None


def propose(
    segment: Segment,
    hypotheses: Iterable[Hypothesis],
    *,
    shapes: bool = True,
    weigh: Callable | None = None,
) -> list[Finding]:
    """Findings for what the hypotheses change, by place; one candidate each.

    An edit that several hypotheses agree on becomes one candidate whose ``score`` says how many
    do. ``Candidate.group`` is ``PRODUCER.RANK#EDITS``: what stands before ``#`` names the
    hypothesis that the edit was cut from, and edits with the whole group in common are to be
    applied together or not at all. With ``shapes`` false, edits that change only the look of a
    quote, dash or ellipsis are left out, since the vocabulary of many models has no other.
    ``weigh`` (see `repair.propose.judge.Judge.weighers`) gives the confidence; without it, it is
    that of the table of priors.
    """
    mt = segment.mt
    heard = [h for h in hypotheses if h.text.strip()]
    voices: dict[tuple[Edit, ...], list[tuple[Hypothesis, Bundle]]] = {}
    goals: dict[Hypothesis, str] = {}
    for hypothesis in heard:
        bundles = cut(mt, hypothesis.text, shapes=shapes)
        goals[hypothesis] = apply(mt, [edit for bundle in bundles for edit in bundle.edits])
        for bundle in bundles:
            voices.setdefault(bundle.edits, []).append((hypothesis, bundle))
    best = {h.producer for h in heard if h.rank == 0}
    changes, agreed_on, totals = [], [], []
    for voiced in voices.values():
        first, bundle = min(voiced, key=lambda voice: voice[0].rank)
        agreed = dict.fromkeys(h.producer for h, _ in voiced)
        # A producer that has the edit only lower down has put its best hypothesis against it.
        against = (best & set(agreed)) - {h.producer for h, _ in voiced if h.rank == 0}
        changes.append((bundle, goals[first]))
        agreed_on.append(len(agreed))
        totals.append(len({h.producer for h in heard}) + len(against))
    judged, reasons = (None, [""] * len(changes))
    if weigh and changes:
        judged, reasons = weigh(changes, agreed_on, max(totals))
    findings = []
    for index, (edits, voiced) in enumerate(voices.items()):
        first, bundle = min(voiced, key=lambda voice: voice[0].rank)
        agreed = dict.fromkeys(h.producer for h, _ in voiced)
        wrong, better = confidences(mt, bundle, agreed_on[index], totals[index])
        if judged:
            better = judged[index]
            wrong = max(wrong, better)
        who = ", ".join(name.split("/", 1)[-1] for name in agreed)
        if len(heard) > 1:
            who = f"{len(voiced)} of {len(heard)} hypotheses ({who})"
        group = f"{first.producer}.{first.rank + 1}#{_digest(edits)}"
        for edit in edits:
            category = category_of(mt, edit, edits)
            severity = "major" if category.startswith("accuracy/") else "minor"
            message = f"{who}: {_said(mt, edit)}."
            if reasons[index]:
                message += f" What weighed most: {reasons[index]}."
            findings.append(
                Finding(
                    ErrorSpan(
                        edit.start, edit.end, category, severity, wrong, first.producer, message
                    ),
                    (Candidate(edit, first.producer, better, message, float(len(voiced)), group),),
                )
            )
    return sorted(
        findings,
        key=lambda f: (f.span.start, f.span.end, f.candidates[0].edit.text, f.candidates[0].group),
    )


def goals(
    segment: Segment, hypotheses: Iterable[Hypothesis], *, shapes: bool = True
) -> list[tuple[str, str]]:
    """What `propose` leads to: producer and text for each hypothesis that says anything."""
    return [
        (
            h.producer,
            apply(segment.mt, [e for b in cut(segment.mt, h.text, shapes=shapes) for e in b.edits]),
        )
        for h in hypotheses
        if h.text.strip()
    ]


def propose_all(
    segments: Sequence[Segment],
    hypotheses: Sequence[Sequence[Hypothesis]],
    detections: Sequence = (),
    judge=None,
    *,
    shapes: bool = True,
    explain: bool = False,
) -> list[list[Finding]]:
    """`propose` for a batch, weighed by a `repair.propose.judge.Judge` if there is one."""
    if judge is None:
        return [propose(s, h, shapes=shapes) for s, h in zip(segments, hypotheses, strict=True)]
    texts = [goals(s, h, shapes=shapes) for s, h in zip(segments, hypotheses, strict=True)]
    weighers = judge.weighers(segments, detections, texts, explain)
    return [
        propose(s, h, shapes=shapes, weigh=w)
        for s, h, w in zip(segments, hypotheses, weighers, strict=True)
    ]


def _digest(edits: Sequence[Edit]) -> str:
    key = "\0".join(f"{e.start},{e.end},{e.text}" for e in edits)
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _said(mt: str, edit: Edit) -> str:
    old, new = mt[edit.start : edit.end].strip(), edit.text.strip()
    if not old:
        return f"“{new}” is missing here" if new else "the space here is wrong"
    return f"“{new}” instead of “{old}”" if new else f"“{old}” is too much"


class Hypotheses:
    """The stage that proposes what a file of hypotheses has for each segment.

    The file is TSV or JSONL, by suffix, also ``.gz``, ``.xz`` or ``.bz2``; UTF-8; several lines a
    segment, in any order. TSV has the columns ``id``, ``hypothesis``, ``producer`` and ``score``,
    the last two optional, in the order of the header line or, without one, in this order. JSONL
    has objects with these keys. Lines of one producer for one segment are its n-best list: by
    falling score, or in the order of the file where scores are missing. An empty hypothesis
    counts as none. The rows are kept in a temporary database that goes to disk when it is large.

    ``judge`` (`repair.propose.judge.Judge`) gives the confidences; a `repair.Repairer` puts its
    own there if none was given. With ``explain``, messages say what weighed most.

    Raises `RepairError`, with the line, for what cannot be read. After the run `unknown` tells
    which ids of the file belong to no segment.
    """

    def __init__(self, path: str | os.PathLike, *, judge=None, explain: bool = False):
        self.judge, self.explain = judge, explain
        self.path = Path(path)
        digest = hashlib.sha256()
        # An empty name: a private database that SQLite spills to disk when it outgrows its cache.
        self._rows = sqlite3.connect("", check_same_thread=False)
        self._rows.execute(
            "create table rows (segment text, hypothesis text, producer text, score real, line int)"
        )
        self._rows.execute("create table asked (segment text primary key) without rowid")
        with self._rows:
            self._rows.executemany(
                "insert into rows values (?, ?, ?, ?, ?)", _read(self.path, digest)
            )
        self._rows.execute("create index by_segment on rows (segment)")
        (self.count,) = self._rows.execute("select count(*) from rows").fetchone()
        if not self.count:
            raise RepairError("The file has no hypothesis.", path=path)
        self.signature = f"hypotheses:{self.path.name}@{digest.hexdigest()[:12]}"

    reads_detections = True

    def __call__(
        self, segments: Sequence[Segment], detections: Sequence = ()
    ) -> list[list[Finding]]:
        with self._rows:
            self._rows.executemany(
                "insert or ignore into asked values (?)", ((s.id,) for s in segments)
            )
        heard = [self.of(segment.id) for segment in segments]
        return propose_all(segments, heard, detections, self.judge, explain=self.explain)

    def of(self, segment: str) -> list[Hypothesis]:
        """The hypotheses for a segment id, ranked within each producer."""
        rows = self._rows.execute(
            "select hypothesis, producer, score from rows where segment = ?"
            " order by score is null, score desc, line",
            (segment,),
        )
        ranks: dict[str, int] = {}
        found = []
        for text, producer, score in rows:
            rank = ranks[producer] = ranks.get(producer, -1) + 1
            found.append(Hypothesis(text, f"hypotheses/{producer}", rank, score))
        return sorted(found, key=lambda h: (h.rank, h.producer))

    def unknown(self, most: int = 10) -> tuple[int, list[tuple[str, int]]]:
        """How many ids belong to no segment seen so far, and the first few with their lines."""
        query = "from rows where segment not in (select segment from asked)"
        (count,) = self._rows.execute(f"select count(distinct segment) {query}").fetchone()
        rows = self._rows.execute(
            f"select segment, min(line) as first {query} group by segment order by first limit ?",
            (most,),
        )
        return count, rows.fetchall()

    def notices(self) -> list[str]:
        """What the user should hear after the run: ids of the file that met no segment."""
        count, some = self.unknown(3)
        if not count:
            return []
        named = ", ".join(f"{name!r} (line {line})" for name, line in some)
        more = ", …" if count > len(some) else ""
        ids = "1 id belongs" if count == 1 else f"{count} ids belong"
        return [f"{self.path}: {ids} to no segment: {named}{more}"]

    def close(self) -> None:
        self._rows.close()


_COLUMNS = ("id", "hypothesis", "producer", "score")
_NAMES = {
    "segment": "id",
    "segment_id": "id",
    "text": "hypothesis",
    "translation": "hypothesis",
    "system": "producer",
    "by": "producer",
}


def _read(path: Path, digest) -> Iterator[tuple[str, str, str, float | None, int]]:
    """Rows for the database; ``digest`` takes the bytes that were read."""
    suffixes = [s for s in path.suffixes if s not in (".gz", ".xz", ".bz2")]
    parse = _json_rows if suffixes and suffixes[-1] in (".jsonl", ".ndjson", ".json") else _tsv_rows
    producer = path.name.split(".")[0] or "file"
    for line, row in parse(path, _lines(path, digest)):
        name, hypothesis, by, score = row
        if not name:
            raise RepairError("The segment id is empty.", path=path, line=line)
        for text in (name, hypothesis, by or ""):
            _check(text, path, line)
        if hypothesis.strip():
            yield name, " ".join(hypothesis.split()), by or producer, score, line


def _lines(path: Path, digest) -> Iterator[tuple[int, str]]:
    import bz2
    import gzip
    import lzma

    opened = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}.get(path.suffix, open)
    number = 0
    try:
        with opened(path, "rb") as file:
            for number, raw in enumerate(file, 1):
                digest.update(raw)
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise RepairError(
                        f"Byte {error.start + 1} of the line is not UTF-8.",
                        path=path,
                        line=number,
                        mend="Convert the file to UTF-8.",
                    ) from None
                yield number, text.rstrip("\r\n")
    except (OSError, EOFError, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RepairError(
            f"Cannot read the hypotheses: {reason}.", path=path, line=number or None
        ) from error


def _tsv_rows(path: Path, lines: Iterable[tuple[int, str]]):
    order: Sequence[str] = _COLUMNS
    for position, (line, text) in enumerate(pair for pair in lines if pair[1].strip()):
        cells = text.split("\t")
        names = [_NAMES.get(c.strip().lower(), c.strip().lower()) for c in cells]
        if position == 0 and "id" in names:
            if "hypothesis" not in names:
                raise RepairError(
                    "The header has no column 'hypothesis'.",
                    path=path,
                    line=line,
                    mend="Name the columns id, hypothesis, producer, score.",
                )
            order = names
            continue
        row = dict(zip(order, cells, strict=False))
        if len(cells) < 2 or "hypothesis" not in row:
            raise RepairError(
                f"The line has {len(cells)} of the columns {', '.join(order)}.",
                path=path,
                line=line,
                mend="Separate the columns by tabs.",
            )
        if len(cells) > len(order):
            raise RepairError(
                f"The line has {len(cells)} columns, more than the {len(order)} expected.",
                path=path,
                line=line,
                mend="A tab within a hypothesis must be a space.",
            )
        score = row.get("score", "").strip()
        yield (
            line,
            (
                row["id"].strip(),
                row["hypothesis"],
                row.get("producer", "").strip(),
                _score(score, path, line) if score else None,
            ),
        )


def _json_rows(path: Path, lines: Iterable[tuple[int, str]]):
    for line, text in lines:
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise RepairError(f"The line is not JSON{where}.", path=path, line=line) from None
        if not isinstance(row, dict):
            raise RepairError("The line is not a JSON object.", path=path, line=line)
        row = {_NAMES.get(key, key): value for key, value in row.items()}
        name, hypothesis, producer = row.get("id"), row.get("hypothesis"), row.get("producer")
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        for key, value in (("id", name), ("hypothesis", hypothesis), ("producer", producer or "")):
            if not isinstance(value, str):
                state = "is missing" if value is None else f"is not text but {value!r}"
                raise RepairError(f"The key {key!r} {state}.", path=path, line=line)
        score = row.get("score")
        yield (
            line,
            (
                name.strip(),
                hypothesis,
                (producer or "").strip(),
                None if score is None else _score(score, path, line),
            ),
        )


def _score(value: object, path: Path, line: int) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise RepairError(f"The score {value!r} is not a number.", path=path, line=line)
    return number


def _check(text: str, path: Path, line: int) -> None:
    for sign in text:
        if (
            unicodedata.category(sign) == "Cc" and not sign.isspace()
        ) or "\ud800" <= sign <= "\udfff":
            raise RepairError(
                f"The line has the character U+{ord(sign):04X}, which is no text.",
                path=path,
                line=line,
            )
