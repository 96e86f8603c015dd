"""Measures the checks of `repair.facts` and stores how far each can be trusted.

    python -m repair.corpora.measure_facts [CORPORA] [--store repair/facts/confidence.json] [--show CHECK]

Four measurements on development data, none of them on a test set:

* false alarms on good news pairs (newstest2019 to 2021, source and human reference), per 1,000
  segments; references have errors of their own, so this is an upper bound;
* recall on errors planted into those pairs by the functions of this file;
* recall on DEMETR by kind of error;
* precision on outputs of machine translation (newstest2013 to 2021): a finding is confirmed if
  no reference of the segment has the same fault, a fix if a reference has its text and not the
  text it replaces. These counts become the confidences (`repair.facts.confidence`).
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from repair import facts
from repair.core import Segment
from repair.facts import dates, numbers
from repair.facts.names import english_words, match_names

GOOD = ("newstest2019_ruen", "newstest2020_ruen", "newstest2021_ruen")
OUTPUTS = ("newstest2013", "newstest2014", "newstest2018", "newstest2019", "newstest2021")
MOST_OUTPUTS = 3_000  # a set, every so many rows
GROUPS = {
    "numbers, dates, Cyrillic": "number date cyrillic unit",
    "names": "name",
    "negation": "negation",
}


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a .tsv.xz file by column name."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        names = next(lines).rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"), strict=False)) for line in lines]


def good_pairs(corpora: Path) -> list[Segment]:
    """News sources with their human translation in the place of the MT."""
    return [
        Segment(row["id"], row["tgt_en"], row["src_ru"])
        for name in GOOD
        for row in read(corpora / "wmt_pairs" / f"{name}.tsv.xz")
    ]


def name_of(finding) -> str:
    """The check that a finding comes from."""
    return finding.span.by.split("/")[1].replace("-", "_")


def false_alarms(pairs: list[Segment], show: str | None = None) -> Iterator[str]:
    """Lines of a table: findings per 1,000 good segments, by check and by group."""
    found = facts.Facts()(pairs)
    counts = Counter(name_of(f) for findings in found for f in findings)
    flagged = sum(bool(findings) for findings in found)
    yield f"{len(pairs)} good segments, {flagged} flagged: {1000 * flagged / len(pairs):.1f} per 1,000"
    for name, count in counts.most_common():
        yield f"  {name:20} {count:4} {1000 * count / len(pairs):6.2f}"
    for group, words in GROUPS.items():
        hits = sum(
            any(word in name_of(f) for f in findings for word in words.split())
            for findings in found
        )
        yield f"  = {group:26} {1000 * hits / len(pairs):6.2f} per 1,000"
    for segment, findings in zip(pairs, found, strict=True):
        for finding in findings:
            if show == name_of(finding):
                yield f"{segment.id}\t{finding.span.message}\n  {segment.source}\n  {segment.mt}"


def change_number(pair: Segment, rng: random.Random) -> str | None:
    """One digit of a number becomes another."""
    places = [q for q in numbers.read_english(pair.mt) if q.digits and not q.weak]
    if not places:
        return None
    place = rng.choice(places)
    digits = [i for i in range(place.start, place.end) if pair.mt[i].isdigit()]
    at = rng.choice(digits)
    new = rng.choice([d for d in "123456789" if d != pair.mt[at]])
    return pair.mt[:at] + new + pair.mt[at + 1 :]


def drop_digit(pair: Segment, rng: random.Random) -> str | None:
    """A number loses one digit."""
    places = [
        q for q in numbers.read_english(pair.mt) if q.digits and q.end - q.start > 1 and not q.weak
    ]
    if not places:
        return None
    place = rng.choice(places)
    digits = [i for i in range(place.start, place.end) if pair.mt[i].isdigit()]
    if len(digits) < 2:
        return None
    at = rng.choice(digits[1:])
    return pair.mt[:at] + pair.mt[at + 1 :]


def change_number_word(pair: Segment, rng: random.Random) -> str | None:
    """A number in words becomes another: two for three."""
    words = [
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "twelve",
        "twenty",
        "thirty",
    ]
    places = list(re.finditer(rf"\b(?:{'|'.join(words)})\b(?!-)", pair.mt))
    if not places:
        return None
    place = rng.choice(places)
    new = rng.choice([word for word in words if word != place[0]])
    return pair.mt[: place.start()] + new + pair.mt[place.end() :]


def change_month(pair: Segment, rng: random.Random) -> str | None:
    """A month or weekday becomes another."""
    places = [w for w in dates.english_dates(pair.mt) if w.kind != "season" and not w.weak]
    if not places:
        return None
    place = rng.choice(places)
    names = dates.MONTHS if place.kind == "month" else dates.WEEKDAYS
    new = rng.choice([name for name in names if name != names[place.value - 1]])
    return pair.mt[: place.start] + new + pair.mt[place.end :]


def change_scale(pair: Segment, rng: random.Random) -> str | None:
    """Million for billion, or the other way."""
    other = {"million": "billion", "billion": "million", "thousand": "million"}
    places = list(re.finditer(r"\b(?:million|billion|thousand)\b", pair.mt))
    if not places:
        return None
    place = rng.choice(places)
    return pair.mt[: place.start()] + other[place[0]] + pair.mt[place.end() :]


STRANGERS = [
    "Alderton",
    "Brunswick",
    "Castellani",
    "Dubrovina",
    "Eriksen",
    "Falkland",
    "Gutierrez",
    "Halloway",
    "Ishikawa",
    "Jurgensen",
    "Kowalczyk",
    "Lindqvist",
    "Montague",
    "Nakamura",
    "Oyelaran",
    "Pemberton",
    "Quintero",
    "Rasmussen",
    "Szymanski",
    "Thornbury",
]


def replace_name(pair: Segment, rng: random.Random) -> str | None:
    """A name becomes another name."""
    return _swap_name(pair, rng, rng.choice(STRANGERS))


def remove_name(pair: Segment, rng: random.Random) -> str | None:
    """A name is lost."""
    return _swap_name(pair, rng, "")


def _swap_name(pair: Segment, rng: random.Random, new: str) -> str | None:
    words = english_words(pair.mt)
    places = [
        hits[0]
        for entity in match_names(pair.source, pair.mt)
        if len(entity.names) == 1 and entity.names[0].sure and entity.names[0].kind != "latin"
        for hits in entity.found
        if len(hits) == 1
    ]
    if not places:
        return None
    start, end, _ = words[rng.choice(places)]
    return re.sub(r"  +", " ", pair.mt[:start] + new + pair.mt[end:])


def remove_negation(pair: Segment, rng: random.Random) -> str | None:
    """A "not" is lost where it is the only one."""
    places = list(re.finditer(r"\bnot |(?<=[a-z])n['’]t\b|\bnever ", pair.mt))
    if len(places) != 1 or re.search(r"\b(?:can|wo)n['’]t\b", pair.mt):
        return None
    return pair.mt[: places[0].start()] + pair.mt[places[0].end() :]


def add_negation(pair: Segment, rng: random.Random) -> str | None:
    """A "not" after an auxiliary that had none."""
    places = list(
        re.finditer(
            r"\b(?:is|are|was|were|will|would|can|could|should|has|have)\b(?! not|n['’]t)", pair.mt
        )
    )
    if not places or re.search(r"\bnot\b|n['’]t\b|\bnever\b", pair.mt):
        return None
    place = rng.choice(places)
    return pair.mt[: place.end()] + " not" + pair.mt[place.end() :]


def leave_russian(pair: Segment, rng: random.Random) -> str | None:
    """A word of the source stands in the MT as it is."""
    theirs = re.findall(r"[а-яё]{4,}", pair.source)
    places = list(re.finditer(r"\b[a-z]{4,}\b", pair.mt))
    if not theirs or not places:
        return None
    place = rng.choice(places)
    return pair.mt[: place.start()] + rng.choice(theirs) + pair.mt[place.end() :]


def double_passage(pair: Segment, rng: random.Random) -> str | None:
    """Four words stand twice in a row."""
    places = list(re.finditer(r"\b[a-z]+ [a-z]+ [a-z]+ [a-z]+(?= [a-z])", pair.mt))
    if not places:
        return None
    place = rng.choice(places)
    return pair.mt[: place.end()] + " " + place[0] + pair.mt[place.end() :]


Planter = Callable[[Segment, random.Random], str | None]
# Which checks should see what was planted.
PLANTERS: dict[Planter, str] = {
    change_number: "number",
    drop_digit: "number",
    change_number_word: "number",
    change_scale: "number",
    change_month: "date",
    replace_name: "name",
    remove_name: "name",
    remove_negation: "negation",
    add_negation: "negation",
    leave_russian: "cyrillic",
    double_passage: "doubled",
}


def planted(pairs: list[Segment], seed: int = 7) -> Iterator[str]:
    """Lines of a table: how many planted errors are flagged, and vetoed by the guard."""
    check = facts.Facts().check
    for planter, kind in PLANTERS.items():
        rng = random.Random(seed)
        total = hits = held = 0
        for pair in pairs:
            wrong = planter(pair, rng)
            if wrong is None or wrong == pair.mt:
                continue
            total += 1
            known = Counter(f.span.message for f in check(pair))
            fresh = [
                f
                for f in check(Segment(pair.id, wrong, pair.source))
                if known[f.span.message] == 0 and kind in name_of(f)
            ]
            hits += bool(fresh)
            held += bool(facts.guard(pair, wrong))
        yield (
            f"  {planter.__name__:20} {total:5} planted, flagged {hits / max(1, total):6.1%},"
            f" vetoed {held / max(1, total):6.1%}"
        )


def demetr(corpora: Path) -> Iterator[str]:
    """Lines of a table: DEMETR's errors flagged by any check, by kind."""
    check = facts.Facts().check
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in read(corpora / "demetr" / "demetr_ruen_even.tsv.xz"):
        if row["mt"] == row["perturbed"] or row["severity"] == "base":
            continue
        known = {f.span.message for f in check(Segment("", row["mt"], row["src_ru"]))}
        found = check(Segment("", row["perturbed"], row["src_ru"]))
        counts[row["type"]][0] += 1
        counts[row["type"]][1] += any(f.span.message not in known for f in found)
    for kind, (total, hits) in sorted(counts.items()):
        yield f"  {kind:34} {hits:3} of {total:3} {hits / total:6.1%}"


def confirmed(corpora: Path) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """[right, seen] by check, for findings and for fixes, against the references."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    fixed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    check = facts.Facts().check
    for name in OUTPUTS:
        references = defaultdict(list)
        for row in read(corpora / "wmt_pairs" / f"{name}_ruen.tsv.xz"):
            references[row["src_ru"]] += [row["tgt_en"], row.get("tgt_en_B") or row["tgt_en"]]
        rows = read(corpora / "wmt_outputs" / f"{name}.ruen_mt.tsv.xz")
        for row in rows[:: max(1, len(rows) // MOST_OUTPUTS)]:
            source, mt = row["src_ru"], row["mt"]
            theirs = set(references.get(source, [])) or {row["tgt_en"]}
            for finding in check(Segment("", mt, source)):
                kind = name_of(finding)
                found[kind][1] += 1
                found[kind][0] += all(
                    _is_confirmed(finding, mt, source, reference) for reference in theirs
                )
                for candidate in finding.candidates:
                    edit = candidate.edit
                    old = mt[edit.start : edit.end]
                    fixed[kind][1] += 1
                    fixed[kind][0] += any(
                        _speaks_for(reference, edit.text, old, mt) for reference in theirs
                    )
    return dict(found), dict(fixed)


def _speaks_for(reference: str, new: str, old: str, mt: str) -> bool:
    """Whether a reference has the new text, or its number, and not the old one."""
    if not new:
        return mt.count(old.strip()) > reference.count(old.strip())
    ours, theirs = numbers.read_english(new), numbers.read_english(reference)
    if ours and re.search(r"\d", old + new):
        wrong = numbers.read_english(old)
        return any(ours[0].values & q.values for q in theirs) and not any(
            wrong[0].values & q.values for q in theirs if wrong
        )
    return _holds(reference, new) and not _holds(reference, old)


def _holds(text: str, part: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE))


def _is_confirmed(finding, mt: str, source: str, reference: str) -> bool:
    """Whether a reference speaks for a finding: it has neither the fault nor the wrong text."""
    same = {name_of(f) for f in facts.Facts().check(Segment("", reference, source))}
    given = mt[finding.span.start : finding.span.end]
    if name_of(finding) in same:
        return False
    kind = name_of(finding)
    if kind in ("doubled_passage", "unbalanced_bracket", "lost_passage", "added_passage"):
        return True
    return not given or not _holds(reference, given) or kind in ("added_negation", "opposite_word")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="?", default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--store", type=Path, help="write the counts of confirmed findings here")
    parser.add_argument("--show", help="print the good segments that this check flags")
    parser.add_argument("--every", type=int, default=1, help="plant into every so many pairs")
    options = parser.parse_args(arguments)
    if not options.corpora:
        parser.error("name the folder of the corpora, or set MT_REPAIR_CORPORA")
    corpora = Path(options.corpora)
    pairs = good_pairs(corpora)
    print(*false_alarms(pairs, options.show), sep="\n")
    if options.show:
        return
    print("planted:", *planted(pairs[:: options.every]), sep="\n")
    print("DEMETR:", *demetr(corpora), sep="\n")
    found, fixed = confirmed(corpora)
    for title, counts in (("findings", found), ("fixes", fixed)):
        print(f"{title} confirmed by the references:")
        for name, (right, seen) in sorted(counts.items()):
            print(f"  {name:20} {right:4} of {seen:4} {right / seen:6.1%}")
    if options.store:
        text = json.dumps({"findings": found, "fixes": fixed}, indent=1, sort_keys=True)
        options.store.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
