"""Reads numbers in Russian and English text, in digits and in words, and says which are the same.

A number is a `Quantity` with all values that it may stand for (``90-е`` is 90 and 1990, ``1.200``
is 1.2 and 1200). Two quantities are the same if they share a value, or if one is the other
rounded, converted to another unit of the same dimension, or written as a share, a multiple or a
time of day in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from . import number_words as words
from .units import UNITS, english_unit, russian_unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text: ``text[start:end]`` with its multiplier but without its unit.

    ``kind``: cardinal, ordinal, share, fraction, decade, time, times (a multiple), vague
    (hundreds of). ``scale`` is the multiplier that was written (1000 for ``тыс.``). ``weak``
    numbers (one, both, first, parts of compounds) explain others but are no evidence alone.
    """

    start: int
    end: int
    values: frozenset[float]
    kind: str = "cardinal"
    unit: str | None = None
    digits: bool = False
    weak: bool = False
    scale: float = 1.0
    clock: tuple[int, int] | None = None

    @property
    def value(self) -> float:
        """The reading that is most likely."""
        return max(self.values)

    @property
    def is_year(self) -> bool:
        """Whether it looks like a year: four digits, without unit and multiplier."""
        return (
            self.digits
            and self.kind in ("cardinal", "ordinal", "decade")
            and self.scale == 1
            and self.unit in (None, "year")
            and (self.end - self.start == 4 or self.kind != "cardinal")
            and any(1000 < value < 2100 for value in self.values)
        )


# What looks like a number and must be left alone: telephone numbers, addresses of pages and mail,
# codes that mix letters and digits.
_NOT_NUMBERS = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+\.\w+"
    r"|\+\d[\d\s()-]{7,}\d|\b8[ -]?\(?\d{3}\)?[ -]\d{3}[ -]\d\d[ -]\d\d\b|\(\d{3}\) ?\d{3}-\d{4}"
)
_SPACE = " \u00a0\u202f\u2009"
_DIGITS_RU = re.compile(
    rf"(?<![\d.,])(?:(?P<date>[0-3]?\d\.[01]\d\.(?:19|20)\d\d)(?!\d)"
    rf"|(?P<clock>[0-2]?\d[:։][0-5]\d(?![\d:])|[0-2]?\d[{_SPACE}]час\w*[{_SPACE}][0-5]?\d(?=[{_SPACE}]мин))"
    rf"|(?P<mixed>(?:\d{{1,3}}[{_SPACE}])?[1-9]\d? ?/ ?[1-9]\d?(?![\d/])|[½¼¾])"
    rf"|(?P<grouped>\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?![\d])(?:,\d+)?)"
    rf"|(?P<plain>\d+(?:[.,]\d+)*))"
)
_DIGITS_EN = re.compile(
    rf"(?<![\d.,])(?:(?P<date>[0-3]?\d[./][0-3]?\d[./](?:19|20)\d\d)(?!\d)"
    rf"|(?P<clock>[0-2]?\d[:.][0-5]\d(?= ?(?:[ap]\.?m\b|GMT|hours|MSK)))"
    rf"|(?P<clock2>[0-2]?\d(?::| ?: )[0-5]\d)(?! ?[\d:])"
    r"|(?P<clock3>[0-2]?\d[:։-] ?[0-5]\d(?= hours)|[0-2]?\d hours?,?(?: and)? [0-5]?\d(?= minutes))"
    rf"|(?P<mixed>(?:\d{{1,3}}[{_SPACE}])?[1-9]\d? ?/ ?[1-9]\d?(?![\d/])|[½¼¾])"
    rf"|(?P<grouped>\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?![\d,])(?:[.,]\d+)?)"
    rf"|(?P<plain>\d+(?:[.,]\d+)*))"
)
_ORDINAL_RU = re.compile(
    r"[-‑–]?(?:(?P<decade>е|х|ых|ые|ми)|(?P<cardinal>ти|и)|(?:ого|го|му|ый|ой|ий|я|ая|м|й|ю|ую|ом))(?![\w])"
)
_COMPOUND_RU = re.compile(r"[-‑–](?=[а-яё]{3})")
_ORDINAL_EN = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_DECADE_EN = re.compile(r"['’]?s\b")
_PERCENT_RU = re.compile(r"[-‑–]?\s?(?:%|п\.\s?п\.|процент)")
_PERCENT_EN = re.compile(r"[-‑–]?\s?(?:%|per\s?cent|percent|pct|pp\b)", re.IGNORECASE)
_SCALE_RU = re.compile(
    rf"[-‑–{_SPACE}]?(?:(?P<k>тыс(?:\.|яч\w*)?)|(?P<m>млн\.?|миллион\w*)|(?P<b>млрд\.?|миллиард\w*)"
    r"|(?P<t>трлн\.?|триллион\w*))(?![\w])"
)
_SCALE_EN = re.compile(
    rf"[-‑–{_SPACE}]?(?:(?P<k>thousand|k)|(?P<m>millions?|mln|mn|m(?=\b))|(?P<b>billions?|bln|bn|b)"
    r"|(?P<t>trillions?|trl?n|tl?n))\b",
    re.IGNORECASE,
)
_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_RANGE = re.compile(r"\s?[-‑–—]\s?|\s+(?:до|to|and|и|or|или)\s+")
_HALF_RU = re.compile(r"\s+с\s+половиной\b")
_HALF_EN = re.compile(r"\s+and\s+a\s+half\b", re.IGNORECASE)
_MERIDIEM = re.compile(r"\s?(?:(?P<am>a\.?m)|(?P<pm>p\.?m))\b", re.IGNORECASE)
_TIMES_RU = re.compile(rf"[{_SPACE}]раза?(?!\w)")
_ROMAN = re.compile(r"\b[IVX]{1,6}\b|\b[ХVI]{2,6}\b")
_DAYPART_RU = re.compile(
    r"\s+час\w*\s+(?P<part>утра|дня|вечера|ночи)|\s+(?P<bare>утра|дня|вечера|ночи)\b"
)


@lru_cache(maxsize=4096)
def read_russian(text: str) -> tuple[Quantity, ...]:
    """The numbers of a Russian text in order."""
    return _read(text, "ru")


@lru_cache(maxsize=8192)
def read_english(text: str) -> tuple[Quantity, ...]:
    """The numbers of an English text in order."""
    return _read(text, "en")


def _read(text: str, language: str) -> tuple[Quantity, ...]:
    masked = _NOT_NUMBERS.sub(lambda match: "\0" * len(match[0]), text)
    found = list(_digit_numbers(masked, language))
    taken = [(q.start, q.end) for q in found]
    spelled = words.spelled_russian if language == "ru" else words.spelled_english
    for start, end, values, kind, scale, weak in spelled(masked):
        if any(a < end and start < b for a, b in taken):
            continue
        found.append(
            _with_unit(
                Quantity(start, end, frozenset(values), kind, weak=weak, scale=scale),
                masked,
                language,
            )
        )
    for match in _ROMAN.finditer(masked):
        value = words.roman(match[0].replace("Х", "X"))
        lone = len(match[0]) == 1 and (language == "en" or (match[0] == "I" and not match.start()))
        if value and not lone and not any(a < match.end() and match.start() < b for a, b in taken):
            found.append(Quantity(*match.span(), frozenset({float(value)}), "ordinal", weak=True))
    found.sort(key=lambda q: (q.start, q.end))
    return tuple(_share_scale(found, masked))


def _digit_numbers(text: str, language: str) -> Iterable[Quantity]:
    pattern = _DIGITS_RU if language == "ru" else _DIGITS_EN
    for match in pattern.finditer(text):
        start, end = match.span()
        if match["date"]:
            for part in re.finditer(r"\d+", match[0]):
                at = start + part.start()
                yield Quantity(
                    at,
                    at + len(part[0]),
                    frozenset({float(part[0])}),
                    digits=True,
                    weak=len(part[0]) < 4,
                )
            continue
        parts = match.groupdict()
        clock = match["clock"] or parts.get("clock2") or parts.get("clock3")
        if clock:
            hour, minute = map(int, re.findall(r"\d+", clock))
            if hour < 24:
                yield _clock(text, start, end, hour, minute, language)
                continue
            for part in re.finditer(r"\d+", match[0]):  # a score
                at = start + part.start()
                yield Quantity(at, at + len(part[0]), frozenset({float(part[0])}), digits=True)
            continue
        if match["mixed"]:
            yield from _mixed(text, start, match[0], language)
            continue
        raw = match[0]
        yield from _plain(text, start, raw, language)


def _mixed(text: str, start: int, raw: str, language: str) -> Iterable[Quantity]:
    """``1/8``, ``2 1/2 million``, ``½``: a fraction, or the round of a cup, or two numbers."""
    whole = re.match(r"(?:(\d*)\s)?(?:(\d+) ?/ ?(\d+)|([½¼¾]))", raw)
    part = {"½": 0.5, "¼": 0.25, "¾": 0.75}.get(whole[4]) or int(whole[2]) / int(whole[3])
    end = start + len(raw)
    if part >= 1 and not whole[1]:  # 2019/20, 5/4: two numbers
        for number in re.finditer(r"\d+", raw):
            at = start + number.start()
            yield Quantity(
                at, at + len(number[0]), frozenset({float(number[0])}), digits=True, weak=True
            )
        return
    values, scale = {int(whole[1] or 0) + part}, 1.0
    scaled = (_SCALE_RU if language == "ru" else _SCALE_EN).match(text, end)
    if scaled:
        scale, end = _SCALES[scaled.lastgroup], scaled.end()
    elif not whole[1] and whole[3]:
        # «1/8 финала» is the round of 16; the parts may also be told apart, as in 24/7.
        values |= {2.0 * int(whole[3]), float(whole[3])}
    values = frozenset(value * scale for value in values)
    yield Quantity(start, end, values, "fraction", digits=True, weak=not whole[1], scale=scale)


def _clock(text: str, start: int, end: int, hour: int, minute: int, language: str) -> Quantity:
    values = {hour + minute / 60, float(hour) if not minute else hour + minute / 60}
    meridiem = _MERIDIEM.match(text, end) if language == "en" else None
    if meridiem and meridiem["pm"] and hour < 12:
        hour += 12
    elif meridiem and meridiem["am"] and hour == 12:
        hour = 0
    return Quantity(start, end, frozenset(values), "time", digits=True, clock=(hour, minute))


def _plain(text: str, start: int, raw: str, language: str) -> Iterable[Quantity]:
    """One number in digits with what follows it: suffix, multiplier, percent sign, unit."""
    end = start + len(raw)
    before = text[start - 1] if start else " "
    values = number_values(raw, language)
    kind, scale, weak = "cardinal", 1.0, False
    # Су-57, COVID-19, G20, 5G: part of a name; it must recur, but it is no amount.
    if before.isalpha() or (before in "-‑" and start >= 2 and text[start - 2].isalpha()):
        weak = True
    if language == "ru":
        ordinal = _ORDINAL_RU.match(text, end)
        whole = next(iter(values))
        decade = whole % 10 == 0 and (whole < 100 or 1000 <= whole < 2100)
        if ordinal and (ordinal["cardinal"] or (ordinal["decade"] and not decade)):
            end, ordinal = ordinal.end(), None  # «49-ти тысячам», «2-х миллионов»
        if ordinal:
            kind = "ordinal"
            whole = next(iter(values))
            if ordinal["decade"] and whole % 10 == 0 and (whole < 100 or 1000 <= whole < 2100):
                kind = "decade"
                values = values | words.decade_years(whole)
            end = ordinal.end()
        else:
            compound = _COMPOUND_RU.match(text, end)
            scaled = _SCALE_RU.match(text, end)
            if scaled:
                scale = _SCALES[scaled.lastgroup]
                end = scaled.end()
                if text[end - 1] == "." and not re.match(r"\s*[а-яё$€%]", text[end:]):
                    end -= 1
            elif compound and not _PERCENT_RU.match(text, end):
                quantity = Quantity(start, end, values, kind, digits=True, weak=weak)
                yield _with_unit(quantity, text, language)
                return
        half = _HALF_RU.match(text, end)
        if half:
            values, end = frozenset(v + 0.5 for v in values), half.end()
            scaled = _SCALE_RU.match(text, end)
            if scaled:
                scale, end = _SCALES[scaled.lastgroup], scaled.end()
    else:
        ordinal = _ORDINAL_EN.match(text, end)
        decade = _DECADE_EN.match(text, end)
        scaled = _SCALE_EN.match(text, end)
        if ordinal:
            kind, end = "ordinal", ordinal.end()
        elif decade and not raw.count(","):
            whole = next(iter(values))
            if whole % 10 == 0 and (whole < 100 or 1000 <= whole < 2100):
                kind = "decade"
                values = values | words.decade_years(whole)
            end = decade.end()
        elif scaled and not _is_meter(text, scaled):
            scale, end = _SCALES[scaled.lastgroup], scaled.end()
        else:
            half = _HALF_EN.match(text, end)
            if half:
                values, end = frozenset(v + 0.5 for v in values), half.end()
                scaled = _SCALE_EN.match(text, end)
                if scaled:
                    scale, end = _SCALES[scaled.lastgroup], scaled.end()
    values = frozenset(round(v * scale, 6) for v in values)
    if (_PERCENT_RU if language == "ru" else _PERCENT_EN).match(text, end):
        kind = "share"
    clock = _dotted_clock(text, start, raw) if language == "ru" and scale == 1 else None
    quantity = Quantity(start, end, values, kind, None, True, weak, scale, clock)
    hour = next(iter(values))
    if language == "en" and hour <= 12 and (meridiem := _MERIDIEM.match(text, end)):
        shifted = int(hour) % 12 + (12 if meridiem["pm"] else 0)
        yield Quantity(start, end, frozenset({hour}), "time", digits=True, clock=(shifted, 0))
        return
    if language == "ru" and hour <= 12 and (part := _DAYPART_RU.match(text, end)):
        daypart = part["part"] or part["bare"]
        later = daypart == "вечера" or (daypart == "дня" and hour < 7)
        if part["part"] or daypart != "дня":  # «2 дня» are two days
            shifted = int(hour) % 12 + (12 if later or (daypart == "дня" and hour == 12) else 0)
            yield Quantity(start, end, frozenset({hour}), "time", digits=True, clock=(shifted, 0))
            return
    yield _with_unit(quantity, text, language)


def _dotted_clock(text: str, start: int, raw: str) -> tuple[int, int] | None:
    """«в 18.53», «с 6.30»: a time of day with a full stop."""
    match = re.fullmatch(r"([0-2]?\d)\.([0-5]\d)", raw)
    if match and re.search(r"(?:^|\s)(?:в|во|к|до|с|около|после)\s$", text[:start], re.IGNORECASE):
        return (int(match[1]), int(match[2])) if int(match[1]) < 24 else None
    return None


def _is_meter(text: str, scaled: re.Match) -> bool:
    """``100 m`` is a distance and ``$100m`` an amount."""
    return scaled[0].strip(_SPACE + "-‑–").lower() in "mbk" and not scaled[0][:1].isalpha()


def number_values(raw: str, language: str) -> frozenset[float]:
    """What a number in digits may stand for, given which sign is the decimal one.

    A lone group of three digits behind the foreign separator is read both ways, since engines
    copy it: ``1.200`` in Russian, ``1,200`` in English is unambiguous, ``1 200`` always.
    """
    raw = re.sub(f"[{_SPACE}]", "", raw)
    decimal, group = (",", ".") if language == "ru" else (".", ",")
    parts = re.split("[.,]", raw)
    if len(parts) == 1:
        return frozenset({float(raw)})
    signs = re.sub(r"\d", "", raw)
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    if len(signs) == 1:
        as_decimal = float(f"{parts[0]}.{parts[1]}")
        if not grouped or parts[0] == "0":
            return frozenset({as_decimal})
        if signs == group:
            whole = float("".join(parts))
            return frozenset({whole}) if language == "en" else frozenset({whole, as_decimal})
        # A Russian text that took its numbers from an English one: 13,435 cases.
        return frozenset({as_decimal, float("".join(parts))} if language == "ru" else {as_decimal})
    if len(set(signs)) == 1:
        return frozenset({float("".join(parts))}) if grouped else frozenset({float(parts[0])})
    if signs[-1] == decimal or set(signs[:-1]) == {group}:
        return frozenset({float("".join(parts[:-1]) + "." + parts[-1])})
    return frozenset({float("".join(parts[:-1]) + "." + parts[-1])})


def _with_unit(quantity: Quantity, text: str, language: str) -> Quantity:
    read = russian_unit if language == "ru" else english_unit
    unit = read(text, quantity.start, quantity.end)
    kind = quantity.kind
    if unit == "percent":
        kind = "share"
    if language == "ru" and _TIMES_RU.match(text, quantity.end):
        unit, kind = None, "times" if re.search(r"\b[Вв]о?\s+$", text[: quantity.start]) else kind
    if unit is None and kind == quantity.kind:
        return quantity
    return replace(quantity, kind=kind, unit=unit)


def _share_scale(found: Sequence[Quantity], text: str) -> list[Quantity]:
    """In a range (``2–3 млн руб.``) the first number takes multiplier and unit of the second."""
    result: list[Quantity] = []
    for quantity in found:  # «3 млн 442,2 тыс.» is one number
        last = result[-1] if result else None
        if (
            last
            and (last.scale > quantity.scale > 1 or _is_rest(last, quantity))
            and text[last.end : quantity.start].strip(_SPACE + "$€.") == ""
            and quantity.value < last.scale
        ):
            total = frozenset(a + b for a in last.values for b in quantity.values)
            result[-1] = replace(
                quantity, start=last.start, values=total, unit=last.unit or quantity.unit
            )
        else:
            result.append(quantity)
    for index in range(len(result) - 2, -1, -1):
        first, second = result[index], result[index + 1]
        if not _RANGE.fullmatch(text[first.end : second.start]) or first.kind == "time":
            continue
        values = first.values
        if second.scale > 1 and first.scale == 1:
            values = values | {value * second.scale for value in values}
        kind = second.kind if first.kind == "cardinal" and second.kind == "share" else first.kind
        result[index] = replace(first, values=values, kind=kind, unit=first.unit or second.unit)
    return result


def _is_rest(last: Quantity, quantity: Quantity) -> bool:
    """«47 тыс. 530», "2 million 300": hundreds behind a multiplier."""
    return (
        last.scale == 1e3
        and quantity.scale == 1
        and quantity.digits
        and quantity.kind == "cardinal"
        and quantity.end - quantity.start == 3
        and 100 <= quantity.value < 1000
    )


def same(source: Quantity, mt: Quantity) -> bool:
    """Whether the MT's number may render the source's."""
    for a in source.values:
        for b in mt.values:
            if abs(a - b) <= 1e-6 * max(1.0, abs(a)):
                return True
            if not (source.is_year or mt.is_year) and (_rounded(a, b) or _rounded(b, a)):
                return True
    return _same_clock(source, mt) or _same_share(source, mt) or _converted(source, mt)


def _rounded(exact: float, short: float) -> bool:
    """Whether ``short`` is ``exact`` with fewer figures, two of them at least."""
    if exact < 1000 or short <= 0 or abs(exact - short) > 0.05 * exact:
        return False
    figures = len(f"{int(short)}".rstrip("0"))
    if figures < 2 or figures >= len(f"{int(exact)}".rstrip("0")):
        return False
    step = 10 ** (len(f"{int(short)}") - figures)
    return step >= 10 and abs(exact - short) <= step / 2


def _same_clock(source: Quantity, mt: Quantity) -> bool:
    if not source.clock and not mt.clock:
        return False
    hours = []
    for quantity in (source, mt):
        if quantity.clock:
            hours.append(quantity.clock)
        elif quantity.value < 25:
            hours.append((int(quantity.value), round(quantity.value % 1 * 60)))
        else:
            return False
    (a, m), (b, n) = hours
    return m == n and (a == b or (a % 12 == b % 12 and not (source.clock and mt.clock)))


def _same_share(source: Quantity, mt: Quantity) -> bool:
    """Half is 50 %, twice as much is by 100 %, «вдвое меньше» is half."""
    sides = []
    for quantity in (source, mt):
        values = set()
        for value in quantity.values:
            if quantity.kind == "share":
                values |= {value / 100, 1 + value / 100, 1 - value / 100}
            elif quantity.kind in ("fraction", "times"):
                values |= {value, 1 / value if value else 0.0, value - 1}
        sides.append((quantity.kind, values))
    (kind, a), (other, b) = sides
    return kind != other and any(abs(x - y) < 0.006 and x > 0 for x in a for y in b)


def _converted(source: Quantity, mt: Quantity) -> bool:
    """Whether both say the same in two units of one dimension, within 4 % for rounding."""
    one, two = UNITS.get(source.unit or ""), UNITS.get(mt.unit or "")
    if not one or not two or source.unit == mt.unit or one[0] != two[0] or one[0] == "money":
        return False
    if one[0] == "temperature":
        pairs = ((a, b) for a in source.values for b in mt.values)
        to_fahrenheit = source.unit == "celsius"
        return any(
            abs((a * 9 / 5 + 32 if to_fahrenheit else (a - 32) * 5 / 9) - b) <= 1.5
            for a, b in pairs
        )
    return any(
        abs(a * one[1] - b * two[1]) <= 0.04 * max(a * one[1], b * two[1])
        for a in source.values
        for b in mt.values
    )


def match(
    source: Sequence[Quantity], mt: Sequence[Quantity]
) -> tuple[list[tuple[Quantity, Quantity]], list[Quantity], list[Quantity]]:
    """Pairs of same numbers, the source's numbers left over, and the MT's.

    Each number is used once, nearest in relative order first; strict equality goes before
    looser ways to be the same.
    """
    pairs: list[tuple[Quantity, Quantity]] = []
    left, right = list(source), list(mt)
    # Words that only may be numbers come last: «года» must not use up the 1 of "1 percent".
    passes = [(rule, strong) for strong in (True, False) for rule in (_equal_alike, _equal, same)]
    for rule, strong in passes:
        for quantity in list(left):
            options = [
                other
                for other in right
                if not (strong and (quantity.weak or other.weak)) and rule(quantity, other)
            ]
            if options:
                at = quantity.start / max(1, source[-1].end)
                best = min(options, key=lambda o: abs(o.start / max(1, mt[-1].end) - at))
                pairs.append((quantity, best))
                left.remove(quantity)
                right.remove(best)
    # A sum that the other side wrote in parts: «два года и месяц», "one year, two months".
    for first, second in pairwise(list(right)):
        total = first.value + second.value
        hit = next((q for q in left if total in q.values), None)
        if hit and first in right and second in right and first.scale > second.value:
            left.remove(hit)
            right.remove(first)
            right.remove(second)
            pairs.append((hit, first))
    return pairs, left, right


def _equal(source: Quantity, mt: Quantity) -> bool:
    return bool(source.values & mt.values)


def _equal_alike(source: Quantity, mt: Quantity) -> bool:
    return _equal(source, mt) and source.kind == mt.kind and source.unit == mt.unit


def render(quantity: Quantity, like: str, other: Quantity) -> str | None:
    """The source's number in the form of the MT's ``like``; None where that is not certain."""
    value = quantity.value
    years = [v for v in quantity.values if 1000 <= v < 2100]
    if quantity.kind == "decade" and len(years) == 1 and len(like) >= 5:
        return f"{int(years[0])}s"
    if len(quantity.values) > 1 or quantity.kind == "time" or quantity.clock or other.clock:
        return None
    if not re.search(r"\d", like):
        spelled = words.spell_english(value, ordinal=other.kind == "ordinal")
        if spelled is None and quantity.scale >= 1e6:
            name = {1e6: "million", 1e9: "billion", 1e12: "trillion"}[quantity.scale]
            return f"{value / quantity.scale:g} {name}"
        return spelled[:1].upper() + spelled[1:] if spelled and like[:1].isupper() else spelled
    number = re.match(r"[\d.,\u00a0\u202f ]*\d", like)
    tail = like[number.end() :] if number else ""
    if re.search(r"\d", tail):
        return None
    shown = value / other.scale
    if other.scale > 1 and quantity.scale == 1 and shown < 0.01:
        shown, tail = value, ""
    elif other.scale > 1 and quantity.scale not in (1.0, other.scale):
        scale_name = {1e3: "thousand", 1e6: "million", 1e9: "billion", 1e12: "trillion"}
        shown = value / quantity.scale
        tail = f" {scale_name[quantity.scale]}"
    if other.scale == 1 and quantity.scale > 1:
        names = {1e3: None, 1e6: " million", 1e9: " billion", 1e12: " trillion"}
        if names[quantity.scale]:
            shown, tail = value / quantity.scale, names[quantity.scale]
    if shown != int(shown):
        text = f"{shown:,.6f}".rstrip("0").rstrip(".")
    elif quantity.is_year or (
        shown < 10_000 and "," not in like and " " not in (number or [""])[0]
    ):
        text = f"{int(shown)}" if quantity.is_year or shown < 1000 else f"{int(shown):,}"
    else:
        text = f"{int(shown):,}"
    if other.kind == "ordinal" and shown == int(shown):
        tail = words.ordinal_suffix(int(shown))
    return text + tail
