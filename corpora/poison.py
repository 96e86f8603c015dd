"""Puts errors of fact into hypotheses, to see whether a repair lets them into the text.

`poison` alters one number, date, name or negation of a hypothesis; `poison_some` does so in every
so-many-th of a series. `got_in` says afterwards whether the false fact stands in a fixed text.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from repair.core import RepairError
from repair.facts import dates, negation, numbers
from repair.facts.lexicon import is_common_english
from repair.facts.names import english_words, opens_sentence

KINDS = ("number", "date", "name", "negation")
# Names that a poisoned hypothesis puts in the place of another: none is common in news from Russia.
NAMES = (
    "Hartmann",
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Tanaka",
    "Castellano",
    "Brannigan",
    "Ferreira",
)
_SMALL = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty",
          "thirty", "forty", "fifty")  # fmt: skip
_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]\d|\d)")
_DAY = re.compile(
    rf"(?<![\d.,])[123]?\d(?:st|nd|rd|th)?(?= (?:of )?(?:{'|'.join(dates.MONTHS)})\b)"
    rf"|(?<=\b)(?:{'|'.join(dates.MONTHS)}) [123]?\d(?!\d|[.,:]\d)"
)
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|will|would|can|could|should|must|has|have|had|did|does|do|may|might)\b"
    r"(?! (?:not|never|no)\b)(?=\s+[a-z])"
)
_DENIAL = re.compile(
    r"(?P<aux>\b(?:ca|[a-z]+))n['’]t\b|\bcannot\b|\s+not\b(?! (?:only|just|merely))"
)


@dataclass(frozen=True, slots=True)
class Poison:
    """One false fact: ``before[start:end]``, which was ``old``, became ``new`` in ``after``."""

    kind: str
    before: str
    after: str
    start: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.kind}: “{self.old or 'nothing'}” became “{self.new or 'nothing'}”"


def poison(
    hypothesis: str, kind: str, *, avoid: Sequence[str] = (), seed: int | str = 0
) -> Poison | None:
    """The hypothesis with one fact of this kind altered, or ``None`` where there is none to alter.

    What comes in stands in none of the texts ``avoid`` (the MT, the source), so that it can be
    told apart afterwards; a negation goes only where the MT, ``avoid[0]``, has it as well.
    """
    if kind not in KINDS:
        raise RepairError(f"Unknown kind of poison {kind!r}.", mend=f"One of {', '.join(KINDS)}.")
    rng = random.Random(f"{seed} {kind} {hypothesis}")
    ways = list(_WAYS[kind](hypothesis, rng, avoid))
    rng.shuffle(ways)
    for start, old, new in ways:
        after = hypothesis[:start] + new + hypothesis[start + len(old) :]
        made = Poison(kind, hypothesis, after, start, old, new)
        if after != hypothesis and not any(
            new.strip() and _has(t, new) for t in avoid if kind != "negation"
        ):
            return made
    return None


def poison_some(
    hypotheses: Sequence[str], avoid: Sequence[Sequence[str]], *, every: int = 10, seed: int = 0
) -> list[Poison | None]:
    """One poison in each run of ``every`` hypotheses, the kinds as evenly as they can be had."""
    made: list[Poison | None] = [None] * len(hypotheses)
    counts: Counter[str] = Counter()
    for first in range(0, len(hypotheses), every):
        run = list(range(first, min(first + every, len(hypotheses))))
        random.Random(f"{seed} {first}").shuffle(run)
        wanted = sorted(KINDS, key=lambda kind: (counts[kind], KINDS.index(kind)))
        tries = (
            (index, found)
            for kind in wanted
            for index in run
            if (found := poison(hypotheses[index], kind, avoid=avoid[index], seed=seed))
        )
        index, found = next(tries, (None, None))
        if found:
            made[index] = found
            counts[found.kind] += 1
    return made


def got_in(one: Poison, mt: str, fixed: str) -> bool:
    """Whether the fixed text has the false fact, and has it not from the MT."""
    if one.kind != "negation":
        return _count(fixed, one.new) > _count(mt, one.new)
    if fixed == mt:
        return False
    around = _neighbours(one.after, one.start, len(one.new))
    more, fewer = _denials(fixed) > _denials(mt), _denials(fixed) < _denials(mt)
    if one.new.strip() and not one.old.strip():
        return more and around in _plain(fixed)
    return fewer


def _has(text: str, piece: str) -> bool:
    return _count(text, piece) > 0


def _count(text: str, piece: str) -> int:
    return len(
        re.findall(rf"(?<![\w.,]){re.escape(piece.strip())}(?![\w]|[.,]\d)", text, re.IGNORECASE)
    )


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _neighbours(text: str, start: int, length: int) -> str:
    """The denial with the word before it."""
    before = re.search(r"\S*\s*$", text[:start])
    return _plain((before[0] if before else "") + text[start : start + length])


def _denials(text: str) -> int:
    return sum(map(negation.strong_english, negation.english_cues(text)))


Way = tuple[int, str, str]


def _numbers(text: str, rng: random.Random, avoid: Sequence[str]) -> Iterator[Way]:
    """A digit changed, dropped or added; a small number in words changed."""
    taken = [m.span() for pattern in (_YEAR, _DAY) for m in pattern.finditer(text)]
    for quantity in numbers.read_english(text):
        old = text[quantity.start : quantity.end]
        if quantity.weak or any(a < quantity.end and quantity.start < b for a, b in taken):
            continue
        digits = re.match(r"[\d.,]*\d", old)
        if digits:
            number = digits[0]
            places = [i for i, sign in enumerate(number) if sign.isdigit()]
            place = rng.choice(places)
            others = [d for d in "123456789" if d != number[place]]
            changed = number[:place] + rng.choice(others) + number[place + 1 :]
            yield quantity.start, number, changed
            if number.isdigit():
                yield quantity.start, number, number + "0"
                if len(number) > 2:
                    yield quantity.start, number, number[:-1]
        elif old.lower() in _SMALL:
            new = rng.choice([word for word in _SMALL if word != old.lower()])
            yield quantity.start, old, new.capitalize() if old[0].isupper() else new


def _dates(text: str, rng: random.Random, avoid: Sequence[str]) -> Iterator[Way]:
    """Another month, weekday, year or day of the month."""
    for word in dates.english_dates(text):
        old = text[word.start : word.end]
        names = {"month": dates.MONTHS, "weekday": dates.WEEKDAYS}.get(word.kind)
        if names and not word.weak and old in names:
            yield word.start, old, rng.choice([name for name in names if name != old])
    for match in _YEAR.finditer(text):
        yield match.start(), match[0], str(int(match[0]) + rng.choice([-10, -3, -1, 1, 2, 5]))
    for match in _DAY.finditer(text):
        digits = re.search(r"\d+", match[0])
        day = rng.choice([d for d in range(2, 29) if d != int(digits[0])])
        if not match[0][digits.end() :]:  # "21st" would need another ending
            yield match.start() + digits.start(), digits[0], str(day)


def _names(text: str, rng: random.Random, avoid: Sequence[str]) -> Iterator[Way]:
    """Another name, or the same with other letters at its end."""
    months = {*dates.MONTHS, *dates.WEEKDAYS}
    for start, end, word in english_words(text):
        if (
            len(word) > 3
            and word[0].isupper()
            and word[1:].islower()
            and word not in months
            and text[start:end] == word
            and not opens_sentence(text, start)
            and not is_common_english(word)
        ):
            yield start, word, rng.choice(NAMES)
            yield start, word, word[: max(3, len(word) - 3)] + rng.choice(("ardo", "ekin", "ulov"))


def _negations(text: str, rng: random.Random, avoid: Sequence[str]) -> Iterator[Way]:
    """A "not" where there was none; or one that goes, where the MT has it."""
    if not re.search(r"\b(?:not|cannot|no|never|nor|without)\b|n['’]t\b", text, re.IGNORECASE):
        for match in _AUXILIARY.finditer(text):
            yield match.end(), "", " not"
    elif avoid and _denials(avoid[0]):
        for match in _DENIAL.finditer(text):
            if match["aux"]:
                whole = {"ca": "can", "wo": "will", "sha": "shall"}.get(match["aux"], match["aux"])
                yield match.start(), match[0], whole
            else:
                yield match.start(), match[0], "can" if match[0].strip() == "cannot" else ""


_WAYS = {"number": _numbers, "date": _dates, "name": _names, "negation": _negations}


def tally(
    poisons: Iterable[Poison | None], mts: Iterable[str], fixed: Iterable[str]
) -> tuple[dict[str, tuple[int, int]], list[tuple[Poison, str]]]:
    """By kind how many were put in and how many got into the text; and what did, with the text."""
    counts = {kind: [0, 0] for kind in KINDS}
    through = []
    for one, mt, text in zip(poisons, mts, fixed, strict=True):
        if one is None:
            continue
        counts[one.kind][0] += 1
        if got_in(one, mt, text):
            counts[one.kind][1] += 1
            through.append((one, text))
    return {kind: (put, got) for kind, (put, got) in counts.items()}, through
