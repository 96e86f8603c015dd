"""Measures what a rule checker's flags are worth on machine translation into English.

``python -m repair.corpora.measure_rules grammar -o repair/grammar/rules.tsv`` runs LanguageTool
with every rule over translations that have a post-edit or references, and counts for each rule
how often the flagged place was wrong and how often the first replacement was for the better:

* a place is *bad* if the post-editor changed it (the word and gap tags of MLQE-PE ru-en; for the
  other post-edits, an edit of the diff overlaps it);
* a replacement is *better* or *worse* if the Levenshtein distance to the post-edit, or to the
  nearest reference, becomes smaller or larger (over tokens with the space before them; over
  characters without spaces for MLQE-PE ru-en, whose post-edits are tokenised). A reference is
  another translation, so many good replacements make no difference to it; those do not count;
* a mistake that recurs in the translations of one sentence counts once.

Training and development sets only. The spelling checker is measured on the smaller sets.
"""

from __future__ import annotations

import argparse
import csv
import io
import lzma
import os
import re
import sys
import tarfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from repair import align
from repair.core import RepairError, Segment
from repair.grammar import Grammar
from repair.grammar.languagetool import Match
from repair.grammar.rules import SPELLER, Rule

_BATCH = 500
_WHAT = "LanguageTool 6.8, all local rules but those that ask for today's date"


class Judged(NamedTuple):
    """A segment with what judges it: word tags over tokens, if published, and other texts."""

    segment: Segment
    tokens: str | None = None
    tags: tuple[bool, ...] = ()
    post_edit: str | None = None


def read_table(path: Path, every: int = 1) -> Iterator[dict[str, str]]:
    """The rows of a tab-separated file without quoting, or every so many of them."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        header = next(file).rstrip("\n").split("\t")
        for number, line in enumerate(file):
            if number % every == 0:
                yield dict(zip(header, line.rstrip("\n").split("\t"), strict=False))


def read_mlqe(root: Path, part: str) -> Iterator[Judged]:
    """MLQE-PE ru-en: the raw translation, and tags and post-edit over its tokens."""
    with tarfile.open(root / "mlqe-pe/mlqe-pe-ru-en.tar.xz") as archive:
        names = {f"post-editing/{part}/ru-en-{part}/{part}.{kind}" for kind in ("mt", "pe", "tags")}
        names.add(f"direct-assessments/{part}/ru-en-{part}/{part}.ruen.df.short.tsv")
        texts = {
            member.name.rsplit(".", 1)[1]: archive.extractfile(member).read().decode("utf-8")
            for member in archive
            if member.name in names
        }
    rows = csv.DictReader(io.StringIO(texts["tsv"]), delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = (texts[kind].split("\n") for kind in ("mt", "pe", "tags"))
    for row, tokens, post_edit, tags in zip(rows, *columns, strict=False):
        if _squeezed(row["translation"]) == _squeezed(tokens):
            segment = Segment(f"{part}.{row['segid']}", row["translation"], row["original"])
            bad = tuple(tag == "BAD" for tag in tags.split())
            yield Judged(segment, tokens, bad, post_edit)


def read_post_edits(path: Path, every: int = 1) -> Iterator[Judged]:
    """A table with the columns mt and pe."""
    for number, row in enumerate(read_table(path, every)):
        source = row.get("src_ru") or row.get("src")
        segment = Segment(f"{path.name}.{number}", row["mt"], source, post_edit=row["pe"])
        yield Judged(segment, post_edit=row["pe"])


def read_outputs(root: Path, year: str, every: int = 1) -> Iterator[Judged]:
    """Outputs of the systems of a year with all references of it."""
    pairs = root / f"wmt_pairs/newstest{year}_ruen.tsv.xz"
    second = {row["id"]: row.get("tgt_en_B") for row in read_table(pairs)} if pairs.exists() else {}
    for row in read_table(root / f"wmt_outputs/newstest{year}.ruen_mt.tsv.xz", every):
        references = tuple(filter(None, (row["tgt_en"], second.get(row["id"]))))
        yield Judged(Segment(row["id"], row["mt"], row["src_ru"], references=references))


def sets(root: Path) -> dict[str, Iterable[Judged]]:
    """What is measured on, by name."""
    english = root / "english/post_edits"
    return {
        "mlqe-pe ru-en dev": read_mlqe(root, "dev"),
        "newstest2021 outputs": read_outputs(root, "2021"),
        "wmt14 monolingual post-edits": read_post_edits(
            root / "post_edits/wmt14_afrl_monolingual_postedit.tsv.xz"
        ),
        "mlqe-pe ru-en train": read_mlqe(root, "train"),
        "mlqe-pe ro-en, half": read_post_edits(english / "mlqe_pe_ro-en.tsv.xz", 2),
        "mlqe-pe et-en, half": read_post_edits(english / "mlqe_pe_et-en.tsv.xz", 2),
        "newstest2019 outputs, a fifth": read_outputs(root, "2019", 5),
        "newstest2018 outputs, a fifth": read_outputs(root, "2018", 5),
        "newstest2014 outputs, a sixth": read_outputs(root, "2014", 6),
        "newstest2013 outputs, a twelfth": read_outputs(root, "2013", 12),
    }


_WITH_SPELLER = ("mlqe-pe ru-en dev", "wmt14 monolingual post-edits")


def place_is_bad(judged: Judged, match: Match) -> bool | None:
    """Whether the post-editor changed the flagged place; None where there is no post-edit."""
    mt = judged.segment.mt
    if judged.tags:
        start, end = len(_squeezed(mt[: match.start])), len(_squeezed(mt[: match.end]))
        position = 0
        for index, token in enumerate(align.whitespace_tokens(judged.tokens)):
            after = position + token.end - token.start
            if judged.tags[2 * index + 1] and position < end and start < after:
                return True
            if judged.tags[2 * index] and start < position < end:
                return True
            position = after
        return False
    if judged.post_edit is None:
        return None
    return any(
        edit.start <= match.end and match.start <= edit.end
        if edit.start == edit.end
        else edit.start < match.end and match.start < edit.end
        for edit in align.diff(mt, judged.post_edit)
    )


def gain(judged: Judged, match: Match) -> int:
    """1 if the first replacement is for the better, -1 for the worse, 0 if nothing tells."""
    if not match.replacements:
        return 0
    mt = judged.segment.mt
    new = mt[: match.start] + match.replacements[0] + mt[match.end :]
    view = _squeezed if judged.tokens is not None else _spaced_tokens
    others = (judged.post_edit,) if judged.post_edit is not None else judged.segment.references
    if not others:
        return 0
    before, after = (
        min(Levenshtein.distance(view(text), view(other)) for other in others) for text in (mt, new)
    )
    return (after < before) - (after > before)


def measure(
    batches: Iterable[list[Judged]], grammar: Grammar, only: re.Pattern[str] | None = None
) -> dict[str, Rule]:
    """The counts of every rule that spoke, or of those whose name ``only`` matches."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    categories, seen = {}, set()
    for batch in batches:
        matches = grammar.matches([judged.segment for judged in batch])
        for judged, found in zip(batch, matches, strict=True):
            for match in found:
                text = judged.segment.mt[match.start : match.end]
                key = (judged.segment.source, match.rule, text, match.replacements[:1])
                if key in seen or (only and not only.match(match.rule)):
                    continue
                seen.add(key)
                categories[match.rule] = match.category
                bad, change = place_is_bad(judged, match), gain(judged, match)
                for column, hit in enumerate((bad is not None, bool(bad), change > 0, change < 0)):
                    counts[match.rule][column] += hit
    return {rule: Rule(rule, categories[rule], *row) for rule, row in counts.items()}


def _batches(judged: Iterable[Judged], limit: int | None) -> Iterator[list[Judged]]:
    batch: list[Judged] = []
    for number, one in enumerate(judged):
        if number == limit:
            break
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def _spaced_tokens(text: str) -> list[str]:
    return [
        text[start:end] + (" " if text[start - 1 : start].isspace() else "")
        for start, end in align.tokens(text)
    ]


def _added(first: dict[str, Rule], second: dict[str, Rule]) -> dict[str, Rule]:
    total = dict(first)
    for name, rule in second.items():
        old = total.get(name)
        total[name] = (
            Rule(*rule[:2], *map(sum, zip(old[2:], rule[2:], strict=True))) if old else rule
        )
    return total


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checker", choices=["grammar"])
    parser.add_argument("-o", "--output", metavar="FILE", help="the table (default: stdout)")
    parser.add_argument("--corpora", default=os.environ.get("MT_REPAIR_CORPORA"), metavar="DIR")
    parser.add_argument("--limit", type=int, metavar="N", help="segments taken from each set")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    if not options.corpora:
        parser.error("name the corpora by --corpora or MT_REPAIR_CORPORA")
    root, table, head = Path(options.corpora), {}, []
    for speller in (False, True):
        with Grammar(speller=speller, all_rules=True, workers=options.workers) as grammar:
            for name, judged in sets(root).items():
                if speller and name not in _WITH_SPELLER:
                    continue
                begun, many = time.monotonic(), list(_batches(judged, options.limit))
                found = measure(many, grammar, SPELLER if speller else None)
                table = _added(table, found)
                size = sum(map(len, many))
                rate = size / (time.monotonic() - begun)
                flags = sum(rule.flags for rule in found.values())
                print(f"{name}: {size} segments, {flags} flags judged by post-edits, "
                      f"{rate:.0f} segments/s", file=sys.stderr, flush=True)  # fmt: skip
                head.append(f"{'speller' if speller else 'rules'}: {name}, {size} segments")
                text = _table(head, table)  # after each set, so that an interruption costs one set
                if options.output:
                    Path(options.output).write_text(text, "utf-8")
    if not options.output:
        sys.stdout.write(text)


def _table(head: list[str], table: dict[str, Rule]) -> str:
    lines = [f"# {line}" for line in (_WHAT, *head)]
    lines.append("\t".join(Rule._fields))
    lines += ["\t".join(map(str, rule)) for rule in sorted(table.values())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        main()
    except RepairError as error:
        sys.exit(str(error))
