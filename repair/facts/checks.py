"""The checks of `repair.facts` on numbers, dates, negation and passages.

A check is a function from a `Pair` to its faults; its docstring is the title that the reviewer
sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from . import dates, names, negation, numbers
from .transliteration import romanize


@dataclass(frozen=True, slots=True)
class Fault:
    """What a check returns: a place in the MT, what it is about, and the right text if certain.

    ``about`` names the fact, independent of offsets, so that the guard can compare two texts.
    """

    start: int
    end: int
    severity: str
    message: str
    about: tuple[str, ...]
    fix: str | None = None


class Pair:
    """Source and MT of a segment with what was read from them; source may be missing."""

    def __init__(self, source: str | None, mt: str):
        self.source, self.mt = source or "", mt
        self.has_source = bool(source and re.search("[а-яёА-ЯЁ]", source))
        # How the document spells names elsewhere; the stage fills it in.
        self.spellings: names.Spellings = {}

    @cached_property
    def names(self):
        return names.match_names(self.source, self.mt) if self.has_source else ()

    @cached_property
    def number_match(self):
        return numbers.match(numbers.read_russian(self.source), numbers.read_english(self.mt))

    @cached_property
    def number_faults(self):
        return list(_number_faults(self))

    @cached_property
    def date_match(self):
        return dates.compare(dates.russian_dates(self.source), dates.english_dates(self.mt))

    @cached_property
    def negation_match(self):
        return negation.compare(self.source, self.mt)

    def gap(self, source_position: int) -> int:
        """Where in the MT the thing at ``source_position`` should stand, at a word's beginning."""
        target = round(source_position / max(1, len(self.source)) * len(self.mt))
        starts = [match.start() for match in re.finditer(r"(?<!\S)\S", self.mt)] or [0]
        return min(starts, key=lambda start: abs(start - target))


def _number_faults(pair: Pair) -> Iterator[tuple[str, Fault]]:
    """Numbers left over on both sides, paired by kind, size of the change and place."""
    if len(_CYRILLIC.findall(pair.mt)) > 0.4 * len(pair.mt.split()):
        return  # not translated at all: the numbers are not the trouble
    _, lost, added = pair.number_match
    lost = [q for q in lost if not q.weak and not _explained(q, pair)]
    added = [q for q in added if not q.weak]
    source, mt = pair.source, pair.mt
    while lost and added:
        ours, theirs = min(
            ((a, b) for a in lost for b in added), key=lambda ab: _distance(*ab, pair)
        )
        if _distance(ours, theirs, pair) >= 3 and (len(lost) > 1 or len(added) > 1):
            break
        lost.remove(ours)
        added.remove(theirs)
        said, given = source[ours.start : ours.end], mt[theirs.start : theirs.end]
        if _same_scale_elsewhere(ours, theirs, source):
            continue
        rest = next((q for q in added if q.start == theirs.end + 1 and q.digits), None)
        if rest and theirs.digits and mt[theirs.end] in " \u00a0" and ours.digits:  # "1 27"
            added.remove(rest)
            theirs = replace(theirs, end=rest.end)
            given = mt[theirs.start : theirs.end]
        yield (
            "changed_number",
            Fault(
                theirs.start,
                theirs.end,
                "critical",
                f"The source says “{said}”, the MT “{given}”.",
                ("number", said, given),
                numbers.render(ours, given, theirs),
            ),
        )
    for ours in lost:
        if ours.digits and not ours.is_year:
            said = source[ours.start : ours.end]
            place = pair.gap(ours.start)
            yield (
                "lost_number",
                Fault(
                    place,
                    place,
                    "major",
                    f"“{said}” of the source is not in the MT.",
                    ("number lost", said),
                ),
            )
    for theirs in added:
        if theirs.digits and not theirs.is_year and not _in_brackets(mt, theirs.start):
            given = mt[theirs.start : theirs.end]
            yield (
                "added_number",
                Fault(
                    theirs.start,
                    theirs.end,
                    "major",
                    f"The source has nothing like “{given}”.",
                    ("number added", given),
                ),
            )


def _distance(ours: numbers.Quantity, theirs: numbers.Quantity, pair: Pair) -> float:
    """How unlikely it is that one number was meant to render the other."""
    apart = abs(ours.start / max(1, len(pair.source)) - theirs.start / max(1, len(pair.mt)))
    return (
        2 * apart
        + (ours.unit != theirs.unit)
        + (ours.kind != theirs.kind)
        + 2 * (ours.is_year != theirs.is_year)
        + (ours.scale != theirs.scale) * 0.5
    )


def _explained(quantity: numbers.Quantity, pair: Pair) -> bool:
    """Whether the MT has the same number once more than needed, or merged a repeated one."""
    others = numbers.read_english(pair.mt)
    repeated = sum(bool(q.values & quantity.values) for q in numbers.read_russian(pair.source)) > 1
    return repeated and any(q.values & quantity.values for q in others)


def _same_scale_elsewhere(ours, theirs, source: str) -> bool:
    """«22 миллиона … оставшиеся 18»: the MT may repeat the multiplier of a neighbour."""
    factor = theirs.value / ours.value if ours.value and ours.scale == 1 else 0
    return factor in (1e3, 1e6, 1e9) and any(
        q.scale == factor for q in numbers.read_russian(source)
    )


def _in_brackets(text: str, position: int) -> bool:
    return text.rfind("(", 0, position) > text.rfind(")", 0, position)


def changed_number(pair: Pair) -> Iterable[Fault]:
    """A number differs from the source."""
    return [fault for name, fault in pair.number_faults if name == "changed_number"]


def lost_number(pair: Pair) -> Iterable[Fault]:
    """A number of the source is missing."""
    return [fault for name, fault in pair.number_faults if name == "lost_number"]


def added_number(pair: Pair) -> Iterable[Fault]:
    """A number that the source does not have."""
    return [fault for name, fault in pair.number_faults if name == "added_number"]


_MONEY = {unit for unit, (dimension, _) in numbers.UNITS.items() if dimension == "money"}


def changed_unit(pair: Pair) -> Iterable[Fault]:
    """The number is right, its unit or currency is not."""
    for ours, theirs in pair.number_match[0]:
        a, b = numbers.UNITS.get(ours.unit or ""), numbers.UNITS.get(theirs.unit or "")
        if not a or not b or ours.unit == theirs.unit or a[0] != b[0]:
            continue
        if not (ours.values & theirs.values) or ours.weak or theirs.weak:
            continue
        if a[0] in ("temperature", "share") or (
            a[0] == "time" and "quarter" in (ours.unit, theirs.unit)
        ):
            continue
        said = _with_tail(pair.source, ours)
        given = _with_tail(pair.mt, theirs)
        yield Fault(
            theirs.start,
            theirs.end + len(given) - (theirs.end - theirs.start),
            "critical" if a[0] == "money" else "major",
            f"The source says “{said}”, the MT “{given}”.",
            ("unit", said, given),
        )


def _with_tail(text: str, quantity: numbers.Quantity) -> str:
    tail = re.match(r"[\s\u00a0-]*[^\s,.;:!?)»”\"]+", text[quantity.end :])
    return text[quantity.start : quantity.end + (tail.end() if tail else 0)]


def changed_date(pair: Pair) -> Iterable[Fault]:
    """A month, weekday or season differs from the source."""
    for ours, theirs in pair.date_match[0]:
        said, given = pair.source[ours.start : ours.end], pair.mt[theirs.start : theirs.end]
        yield Fault(
            theirs.start,
            theirs.end,
            "critical",
            f"The source says “{said}”, the MT “{given}”.",
            ("date", said.lower(), given.lower()),
            dates.name_of(ours, given),
        )


def lost_date(pair: Pair) -> Iterable[Fault]:
    """A month or weekday of the source is missing."""
    for ours in pair.date_match[1]:
        if ours.kind == "season":
            continue
        said = pair.source[ours.start : ours.end]
        place = pair.gap(ours.start)
        yield Fault(
            place, place, "major", f"“{said}” of the source is not in the MT.", ("date lost", said)
        )


def lost_negation(pair: Pair) -> Iterable[Fault]:
    """The source denies something and the MT does not."""
    lost, _ = pair.negation_match
    for cue in lost[:1]:
        said = pair.source[cue.start : _word_end(pair.source, cue.end)]
        place = pair.gap(cue.start)
        yield Fault(
            place,
            place,
            "critical",
            f"The source says “{said}”; nothing in the MT denies it.",
            ("negation lost",),
        )


def added_negation(pair: Pair) -> Iterable[Fault]:
    """The MT denies more than the source does."""
    _, added = pair.negation_match
    for cue in added[:1]:  # of several, only the count is known to be wrong
        given = pair.mt[cue.start : _word_end(pair.mt, cue.end)]
        yield Fault(
            cue.start,
            cue.end,
            "critical",
            f"The MT says “{given}”; the source has no negation for it.",
            ("negation added",),
        )


def _word_end(text: str, position: int) -> int:
    following = re.match(r"\s+[\w-]+", text[position:])
    return position + (following.end() if following else 0)


_CYRILLIC = re.compile(r"[А-Яа-яЁёІіЇїЄєҐґЎў]+(?:[-’'][А-Яа-яЁёІіЇїЄєҐґЎў]+)*")


def leftover_cyrillic(pair: Pair) -> Iterable[Fault]:
    """A word was left in Cyrillic."""
    for match in _CYRILLIC.finditer(pair.mt):
        before = pair.mt[match.start() - 1 : match.start()]
        after = pair.mt[match.end() : match.end() + 1]
        # A Latin word with a Cyrillic letter in it looks right and is the business of `style`.
        if re.match(r"[A-Za-z]", before or "-") or re.match(r"[A-Za-z]", after or "-"):
            continue
        if len(match[0]) == 1 and match[0] in "АВЕКМНОРСТХаеорсух":
            continue
        yield Fault(
            match.start(),
            match.end(),
            "critical" if len(match[0]) > 3 else "major",
            f"“{match[0]}” is not translated.",
            ("cyrillic", match[0]),
            _in_latin(match[0], pair),
        )


def _in_latin(word: str, pair: Pair) -> str | None:
    """A name left in Cyrillic as the document spells it elsewhere, or else romanised."""
    if not word[:1].isupper() or word.isupper() or names.word_kind(word) == "common":
        return None
    seen = pair.spellings.get(names.stem(word))
    if seen:
        return seen.most_common(1)[0][0]
    # In another case than the nominative, letters alone would make a wrong name of it.
    return None if _OBLIQUE.search(word) else romanize(word)


_OBLIQUE = re.compile(r"(?:[аеиоуыюяь]|[оеёыи]м|[ая][хм]|ми|[оеё]й|ого|его)$")


_OPEN = {"(": ")", "[": "]", "“": "”", "«": "»"}


def unbalanced_bracket(pair: Pair) -> Iterable[Fault]:
    """A bracket is opened and not closed, or closed and not opened."""
    for opening, closing in (("(", ")"), ("[", "]")):
        if opening not in pair.mt and closing not in pair.mt:
            continue
        text = re.sub(r"[:;]-?[()]+|^\s*\w{1,2}\)", lambda m: "_" * len(m[0]), pair.mt)
        if pair.has_source and pair.source.count(opening) != pair.source.count(closing):
            continue
        stack: list[int] = []
        wrong: list[int] = []
        for position, sign in enumerate(text):
            if sign == opening:
                stack.append(position)
            elif sign == closing:
                if stack:
                    stack.pop()
                else:
                    wrong.append(position)
        for position in wrong + stack:
            sign = pair.mt[position]
            yield Fault(
                position,
                position + 1,
                "minor",
                f"“{sign}” has no partner.",
                ("bracket", sign),
            )


def doubled_passage(pair: Pair) -> Iterable[Fault]:
    """A passage stands twice in a row."""
    found = [(m.start(), m.end(), m[0].lower()) for m in re.finditer(r"\w+", pair.mt)]
    words = [word for _, _, word in found]
    if len(set(pairwise(words))) == len(words) - 1:
        return  # no two words occur twice, let alone in a row
    index = 0
    while index < len(words):
        for length in range(min(40, (len(words) - index) // 2), 1, -1):
            first = words[index : index + length]
            if first != words[index + length : index + 2 * length] or len(set(first)) < 2:
                continue
            said = " ".join(first)
            if pair.has_source and _repeats(pair.source, length):
                continue
            start, end = found[index + length - 1][1], found[index + 2 * length - 1][1]
            if re.search(r"[()\[\]\"“”«»!?]", pair.mt[found[index][0] : end]):
                continue  # a title with its translation, an exclamation
            yield Fault(
                start,
                end,
                "major" if length > 3 else "minor",
                f"“{said}” stands twice in a row.",
                ("doubled", said),
                "",
            )
            index += 2 * length - 1
            break
        index += 1


def _repeats(text: str, length: int) -> bool:
    words = re.findall(r"\w+", text.lower())
    return any(
        words[i : i + n] == words[i + n : i + 2 * n]
        for n in range(max(1, length - 1), length + 2)
        for i in range(len(words) - 2 * n + 1)
    )


def lost_passage(pair: Pair) -> Iterable[Fault]:
    """Much of the source is missing."""
    if not pair.has_source:
        return
    source, mt = len(pair.source), len(pair.mt)
    sentences = len(re.findall(r"[.!?…]+[»”\"]?\s+[«“\"]?[А-ЯЁ]", pair.source)) + 1
    if source >= 60 and mt < 0.45 * source:
        yield Fault(
            mt,
            mt,
            "critical",
            f"The MT has {mt} characters for {source} of the source"
            + (f" in {sentences} sentences." if sentences > 1 else "."),
            ("passage lost",),
        )


def added_passage(pair: Pair) -> Iterable[Fault]:
    """The MT says much more than the source."""
    if not pair.has_source:
        return
    source, mt = len(pair.source), len(pair.mt)
    if mt > 60 and mt > 2.2 * source + 20:
        yield Fault(
            0,
            mt,
            "major",
            f"The MT has {mt} characters for {source} of the source.",
            ("passage added",),
        )
