"""Measures the rules of `repair.style`: ``python -m repair.corpora.measure_style``.

Three questions. How often do the rules fire on good English (false alarms per 1,000 human
sentences; every flag there counts as false)? On machine translation of development data, how many
segments do they flag and do their fixes move towards a reference? What do the flags look like
(a random draw, for a person to judge)? With ``--write`` the fixes are compared with the references
of the training years instead, and the counts go to ``repair/style/precision.toml``, from which the
rules take their confidence.

A fix moves towards a reference if the word-level edit distance to the nearest reference falls;
where the words stay the same, the distance in characters decides.
"""

from __future__ import annotations

import argparse
import random
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from ..align import tokens
from ..core import Finding, RepairError, Segment, apply
from ..style import Style
from .mine import TRAIN_YEARS, corpora_folder, read_rows, read_sources

DEVELOPMENT_YEAR = 2021
NATIVE_SETS = ("bbc", "brown", "reuters21578")
REFERENCE_YEARS = tuple(range(2012, 2021))
SEED = 20240229


class Move(NamedTuple):
    """What one fix does to its segment: ``gain`` > 0 towards a reference, < 0 away, 0 neither."""

    rule: str
    segment: Segment
    findings: tuple[Finding, ...]
    gain: float

    def show(self) -> str:
        """The segment with the edits marked as ``{old => new}``."""
        text = self.segment.mt
        for finding in sorted(self.findings, key=lambda f: -f.span.start):
            if finding.candidates:
                edit = finding.candidates[0].edit
                old, new = text[edit.start : edit.end], edit.text
                text = f"{text[: edit.start]}{{{old} => {new}}}{text[edit.end :]}"
            else:
                start, end = finding.span.start, finding.span.end
                text = f"{text[:start]}{{{text[start:end]}}}{text[end:]}"
        return text


def sample_native(folder: Path, count: int) -> list[Segment]:
    """Good English: half human references, half native news, the latter as whole documents."""
    draw = random.Random(SEED)
    references = [
        Segment(row["id"], row["tgt_en"], row["src_ru"])
        for year in REFERENCE_YEARS
        for row in read_rows(folder / "wmt_pairs" / f"newstest{year}_ruen.tsv.xz")
    ]
    documents: dict[str, list[Segment]] = defaultdict(list)
    for name in NATIVE_SETS:
        for row in read_rows(folder / "english" / "sentences" / f"{name}.tsv.xz"):
            doc, _, _ = row["source_id"].rpartition(":")
            documents[doc].append(Segment(row["source_id"], row["sentence"], doc=doc))
    chosen = draw.sample(references, min(count // 2, len(references)))
    names = sorted(documents)
    draw.shuffle(names)
    for name in names:
        if len(chosen) >= count:
            break
        chosen += documents[name]
    return chosen[:count]


def read_outputs(folder: Path, years: Iterable[int]) -> Iterator[Segment]:
    """The distinct outputs of each source of the years, with the references."""
    for year in years:
        for source in read_sources(folder, year):
            for number, mt in enumerate(source.outputs):
                yield Segment(f"{source.id}.{number}", mt, source.source, source.references)


def batches(segments: Iterable[Segment], size: int = 500) -> Iterator[list[Segment]]:
    """Runs of ``size`` segments, the last one shorter."""
    batch: list[Segment] = []
    for segment in segments:
        batch.append(segment)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def find_moves(
    style: Style, segments: Iterable[Segment], with_source: bool = True
) -> Iterator[Move]:
    """One `Move` for every fix (edits of one group are one fix) and every flag without a fix."""
    for batch in batches(segments):
        asked = [Segment(s.id, s.mt, s.source if with_source else None, doc=s.doc) for s in batch]
        for segment, findings in zip(batch, style(asked), strict=True):
            fixes: dict[str, list[Finding]] = defaultdict(list)
            for number, finding in enumerate(findings):
                group = finding.candidates[0].group if finding.candidates else None
                fixes[group or str(number)].append(finding)
            for parts in fixes.values():
                rule = parts[0].span.by.removeprefix("style/")
                yield Move(rule, segment, tuple(parts), _gain(segment, parts))


def _gain(segment: Segment, findings: list[Finding]) -> float:
    edits = [finding.candidates[0].edit for finding in findings if finding.candidates]
    if not edits or not segment.references:
        return 0.0
    fixed = apply(segment.mt, edits)
    before = min(_distance(segment.mt, reference) for reference in segment.references)
    after = min(_distance(fixed, reference) for reference in segment.references)
    if before == after and _words(segment.mt) == _words(fixed):
        before = min(Levenshtein.distance(segment.mt, ref) for ref in segment.references)
        after = min(Levenshtein.distance(fixed, ref) for ref in segment.references)
    return float(before - after)


def _words(text: str) -> list[str]:
    return [text[a:b] for a, b in tokens(text.replace("’", "'"))]


def _distance(text: str, reference: str) -> int:
    return Levenshtein.distance(_words(text), _words(reference))


def count_moves(moves: Iterable[Move]) -> dict[str, tuple[int, int, int]]:
    """Per rule, the fixes that move towards a reference, away from it, and neither.

    Several systems that say the same of one source are one observation.
    """
    gains: dict[tuple[str, str], float] = defaultdict(float)
    for move in moves:
        if any(finding.candidates for finding in move.findings):
            gains[move.rule, move.segment.id.rpartition(".")[0]] += move.gain
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for (rule, _), gain in gains.items():
        counts[rule][0 if gain > 0 else 1 if gain < 0 else 2] += 1
    return {rule: (up, down, same) for rule, (up, down, same) in counts.items()}


def write_precision(path: Path, style: Style, counts: dict[str, tuple[int, int, int]]) -> None:
    """Writes the counts by rule and by family; the section ``wrong``, judged by hand, is kept."""
    kept = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    better: dict[str, list[int]] = {}
    for rule, (up, down, _) in counts.items():
        for name in (style.family(rule), rule):
            total = better.setdefault(name, [0, 0])
            total[0] += up
            total[1] += down
    lines = [
        "# Counts behind the confidence of `repair.style`, as [good, bad], by rule and by family.",
        "# `wrong`: flags judged by a person to be errors, or not. `better`: fixes that moved",
        "# towards the reference, or away, on newstest2013, 2014, 2018 and 2019 (outputs of all",
        "# systems); written by `python -m repair.corpora.measure_style --write`.",
    ]
    for section, table in (("wrong", kept.get("wrong", {})), ("better", better)):
        lines.append(f"\n[{section}]")
        lines += (f"{name} = [{good}, {bad}]" for name, (good, bad) in sorted(table.items()))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _print_counts(title: str, counts: dict[str, tuple[int, int, int]], least: int = 1) -> None:
    up, down, same = (sum(row[k] for row in counts.values()) for k in range(3))
    share = up / max(up + down, 1)
    print(f"{title}: {up} towards a reference, {down} away, {same} neither ({share:.0%} of moves)")
    for rule, (up, down, same) in sorted(counts.items(), key=lambda item: -sum(item[1])):
        if up + down + same >= least:
            print(f"  {rule:32} {up:5} {down:5} {same:5}")


def measure_native(style: Style, folder: Path, count: int, show: int) -> None:
    """Prints the false alarms per 1,000 sentences of good English, without and with the source."""
    segments = sample_native(folder, count)
    for with_source in (False, True):
        chosen = [s for s in segments if s.source] if with_source else segments
        moves = list(find_moves(style, chosen, with_source))
        rules = Counter(move.rule for move in moves)
        rate = 1000 * len(moves) / max(len(chosen), 1)
        about = "references with their source" if with_source else "sentences, no source"
        print(f"good English, {len(chosen)} {about}: {len(moves)} flags, {rate:.2f} per 1,000")
        if not with_source:
            families = Counter(style.family(rule) for rule in rules.elements())
            print("  by family: " + ", ".join(f"{n} {c}" for n, c in families.most_common()))
            print("  by rule: " + ", ".join(f"{n} {c}" for n, c in rules.most_common(30)))
            for move in sorted(moves, key=lambda m: m.rule)[:show]:
                print(f"    {move.rule}: {move.show()}")


def measure_development(style: Style, folder: Path, draw: int) -> None:
    """Prints what the rules do on the outputs of the development year, and a random draw."""
    segments = list(read_outputs(folder, [DEVELOPMENT_YEAR]))
    moves = list(find_moves(style, segments))
    flagged = len({move.segment.id for move in moves})
    print(
        f"newstest{DEVELOPMENT_YEAR}: {len(segments)} outputs, {flagged} flagged, {len(moves)} flags"
    )
    _print_counts("  fixes", count_moves(moves))
    chosen = random.Random(SEED).sample(moves, min(draw, len(moves)))
    for number, move in enumerate(chosen, 1):
        sign = "+" if move.gain > 0 else "-" if move.gain < 0 else "="
        print(f"{number:3} {sign} {move.rule}: {move.show()}")
        print(f"      ref: {move.segment.references[0]}")


def main(arguments: list[str] | None = None) -> int:
    """Runs the measurements and prints them."""
    parser = argparse.ArgumentParser(
        prog="python -m repair.corpora.measure_style",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpora", help="folder of the corpora (default: $MT_REPAIR_CORPORA)")
    parser.add_argument("--rules", nargs="+", help="names, families or patterns of rules")
    parser.add_argument("--native", type=int, default=20_000, help="sentences of good English")
    parser.add_argument("--show", type=int, default=0, help="false alarms to print")
    parser.add_argument("--draw", type=int, default=50, help="development flags to print")
    parser.add_argument("--years", type=int, nargs="+", default=TRAIN_YEARS)
    parser.add_argument("--write", action="store_true", help="measure the training years and store")
    options = parser.parse_args(arguments)
    try:
        folder, style = corpora_folder(options.corpora), Style(rules=options.rules)
        print(style.signature)
        if options.write:
            counts = count_moves(find_moves(style, read_outputs(folder, options.years)))
            _print_counts("training years", counts)
            path = Path(__file__).resolve().parents[1] / "repair" / "style" / "precision.toml"
            write_precision(path, style, counts)
            return 0
        if options.native:
            measure_native(style, folder, options.native, options.show)
        measure_development(style, folder, options.draw)
    except RepairError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
