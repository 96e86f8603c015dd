"""Numbers in words: reads them in running Russian and English text, and writes small ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# start, end, values, kind, scale, weak
Spelled = tuple[int, int, frozenset[float], str, float, bool]

_CARDINALS_RU: dict[str, float] = {}
_ADJECTIVE = "(?:ый|ой|ий|ая|яя|ое|ого|ому|ым|ом|ые|ых|ыми|ую)"


def _add(value: float, forms: str) -> None:
    for form in forms.split():
        _CARDINALS_RU[form] = value


_add(0, "ноль ноля нуль нуля нулю нулём нолём")
_add(1, "один одна одно одного одной одному одним одном одну")
_add(
    2,
    "два две двух двум двумя двое двоих двоим двоими оба обе обоих обеих обоим обеим обоими обеими",
)
_add(3, "три трёх трём тремя трое троих троим троими")
_add(4, "четыре четырёх четырём четырьмя четверо четверых четверым")
_add(5, "пять пяти пятью пятеро пятерых пятерым")
_add(6, "шесть шести шестью шестеро шестерых")
_add(7, "семь семи семеро семерых")
_add(8, "восемь восьми восемью восьмью")
_add(9, "девять девяти девятью")
_add(10, "десять десяти десятью десяток десятка десятку десятком")
_TEENS = "одиннадцат двенадцат тринадцат четырнадцат пятнадцат шестнадцат семнадцат восемнадцат девятнадцат"
for _value, _stem in enumerate(_TEENS.split(), 11):
    _add(_value, f"{_stem}ь {_stem}и {_stem}ью")
_add(12, "дюжина дюжины дюжину")
for _value, _stem in ((20, "двадцат"), (30, "тридцат")):
    _add(_value, f"{_stem}ь {_stem}и {_stem}ью")
_add(40, "сорок сорока")
for _value, _stem in ((50, "пят"), (60, "шест"), (70, "сем"), (80, "восем")):
    _add(_value, f"{_stem}ьдесят {_stem}идесяти {_stem}ьюдесятью")
_add(80, "восьмидесяти")
_add(90, "девяносто девяноста")
_add(100, "сто ста сотня сотни сотню сотней")
_add(200, "двести двухсот двумстам двумястами двухстах")
_add(300, "триста трёхсот трёмстам тремястами трёхстах")
_add(400, "четыреста четырёхсот четырёмстам четырьмястами четырёхстах")
for _value, _stem in ((500, "пят"), (600, "шест"), (700, "сем"), (900, "девят")):
    _add(_value, f"{_stem}ьсот {_stem}исот {_stem}истам {_stem}ьюстами {_stem}истах")
_add(800, "восемьсот восьмисот восьмистам восемьюстами восьмистах")

_SCALE_RU = {
    **dict.fromkeys(["тысяча", "тысячи", "тысяч", "тысячу", "тысяче", "тысячей", "тысячам", "тысячами", "тысячах", "тыс"], 1e3),
    **{f"миллион{e}": 1e6 for e in ("", "а", "у", "ов", "ом", "ы", "ам", "ами", "ах", "е")},
    "млн": 1e6,
    **{f"миллиард{e}": 1e9 for e in ("", "а", "у", "ов", "ом", "ы", "ам", "ами", "ах", "е")},
    "млрд": 1e9,
    **{f"триллион{e}": 1e12 for e in ("", "а", "у", "ов", "ом", "ы", "ам", "ами", "ах", "е")},
    "трлн": 1e12,
}  # fmt: skip
_ORDINAL_STEMS = {
    "перв": 1, "втор": 2, "четвёрт": 4, "четверт": 4, "пят": 5, "шест": 6, "седьм": 7, "восьм": 8,
    "девят": 9, "десят": 10, **{stem: n for n, stem in enumerate(_TEENS.split(), 11)},
    "двадцат": 20, "тридцат": 30, "сороков": 40, "пятидесят": 50, "шестидесят": 60,
    "семидесят": 70, "восьмидесят": 80, "девяност": 90, "сот": 100, "двухсот": 200,
    "трёхсот": 300, "пятисот": 500, "тысячн": 1000, "миллионн": 1e6, "двухтысячн": 2000,
}  # fmt: skip
_ORDINAL_RU = re.compile(
    rf"(?P<stem>{'|'.join(sorted(_ORDINAL_STEMS, key=len, reverse=True))}){_ADJECTIVE}"
    r"|трет(?P<third>ий|ья|ье|ьего|ьей|ьему|ьим|ьем|ьи|ьих|ью|ьими)"
)
_TIMES_RU = {
    "дважды": 2, "трижды": 3, "четырежды": 4, "вдвое": 2, "втрое": 3, "вчетверо": 4, "впятеро": 5,
    "вдвоём": 2, "втроём": 3,
}  # fmt: skip
_MULTIPLES_RU = re.compile(
    r"(?:у|пере)?дв(?:ойн|оен|ои)\w+|удво\w+|утро\w+|тройн\w+|двукратн\w+|тр[её]хкратн\w+|\w+кратн\w+"
)
_PREFIX = {
    "полутора": 1.5, "дву": 2, "двух": 2, "двухсот": 200, "трёх": 3, "три": 3, "четырёх": 4,
    "пяти": 5, "шести": 6, "семи": 7, "восьми": 8, "девяти": 9, "десяти": 10,
    **{f"{stem}и": n for n, stem in enumerate(_TEENS.split(), 11)},
    "двадцати": 20, "тридцати": 30, "сорока": 40, "пятидесяти": 50, "шестидесяти": 60,
    "семидесяти": 70, "восьмидесяти": 80, "девяносто": 90, "сто": 100, "трёхсот": 300,
    "пятисот": 500, "тысяче": 1000, "четверть": 0.25, "пол": 0.5,
}  # fmt: skip
_COMPOUND_RU = re.compile(
    rf"(?P<prefix>(?:{'|'.join(sorted(_PREFIX, key=len, reverse=True))}))"
    r"(?P<rest>(?:лет|годи|годов|месяч|недель|днев|час|минут|секунд|этаж|комнат|сторон|процент|метр|"
    r"километр|тонн|кратн|миллион|миллиард|тысяч|очк|балль|мест|раз|тыс|финал|век|столет|дюйм|"
    r"колёс|колес|дверн|значн|язычн|уровн|ступен|разов|членн|палатн|партийн|спальн|цилиндр)\w*)"
)
_HALVES_RU = {
    "полтора": 1.5, "полторы": 1.5, "полутора": 1.5,
    "половина": 0.5, "половины": 0.5, "половину": 0.5, "половине": 0.5, "половиной": 0.5,
    "пол": 0.5, "треть": 1 / 3, "трети": 1 / 3, "третью": 1 / 3,
    "четверть": 0.25, "четверти": 0.25, "четвертью": 0.25, "полсотни": 50.0, "полмиллиона": 5e5,
    "полмиллиарда": 5e8, "полтриллиона": 5e11, "полтысячи": 500.0, "полугода": 0.5, "полгода": 0.5, "полчаса": 0.5,
    "полвека": 50.0, "полдесятка": 5.0, "полдюжины": 6.0, "полтораста": 150.0,
}  # fmt: skip
_WEAK_RU = {
    "пара": 2, "пару": 2, "пары": 2, "парой": 2, "сутки": 24, "суток": 24, "полдень": 12,
    "полночь": 12, "век": 100, "века": 100, "столетие": 100, "столетия": 100, "тройка": 3,
    "тройку": 3, "тройки": 3, "пятёрка": 5, "пятёрку": 5, "десятка": 10, "десятку": 10,
    "четвёрка": 4, "двойка": 2, "дуэт": 2, "трио": 3, "год": 1, "года": 1, "миллион": 1e6, "тысяча": 1e3, "тысячу": 1e3, "миллиард": 1e9, "тысячи": 1e3, "тысяч": 1e3, "миллионы": 1e6, "миллионов": 1e6, "вдесятером": 10, "часа": 1, "полугодие": 6, "квартал": 3, "полугода": 6,
    "полгода": 6, "полчаса": 30, "единственный": 1, "единственная": 1, "единый": 1,
    "близнецы": 2, "близнецов": 2, "одни": 1, "одних": 1, "годовщина": 1, "десятилетие": 10,
    "десятилетия": 10, "десятилетий": 10, "вторичный": 2, "вторично": 2, "вновь": 2, "другой": 2,
}  # fmt: skip
_VAGUE_RU = {"десятки": 10, "десятков": 10, "десятками": 10, "сотен": 100, "сотнями": 100}

_ONES_EN = dict(
    zip(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ],
        range(20),
        strict=True,
    )
)
_TENS_EN = dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_SCALE_EN = {"hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_ORDINALS_EN = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13,
    "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50,
    "sixtieth": 60, "seventieth": 70, "eightieth": 80, "ninetieth": 90, "hundredth": 100,
    "thousandth": 1000, "millionth": 1e6,
}  # fmt: skip
_DECADES_EN = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70,
    "eighties": 80, "nineties": 90,
}  # fmt: skip
_OTHER_EN: dict[str, tuple[float, str, bool]] = {
    "half": (0.5, "fraction", True), "halves": (0.5, "fraction", True),
    "quarter": (0.25, "fraction", True), "quarters": (0.25, "fraction", True),
    "thirds": (1 / 3, "fraction", True), "fifths": (0.2, "fraction", True),
    "dozen": (12, "cardinal", True), "couple": (2, "cardinal", True), "pair": (2, "cardinal", True),
    "both": (2, "cardinal", True), "twice": (2, "times", True), "double": (2, "times", True),
    "doubled": (2, "times", True), "doubling": (2, "times", True), "doubles": (2, "times", True),
    "twofold": (2, "times", True), "thrice": (3, "times", True), "triple": (3, "times", True),
    "tripled": (3, "times", True), "threefold": (3, "times", True), "tenfold": (10, "times", True),
    "fourfold": (4, "times", True), "fivefold": (5, "times", True), "once": (1, "times", True),
    "halved": (0.5, "times", True), "noon": (12, "cardinal", True), "midnight": (12, "cardinal", True),
    "duo": (2, "cardinal", True), "trio": (3, "cardinal", True), "twins": (2, "cardinal", True),
    "twin": (2, "cardinal", True), "decade": (10, "cardinal", True), "decades": (10, "cardinal", True),
    "century": (100, "cardinal", True), "centuries": (100, "cardinal", True),
    "dozens": (10, "vague", True), "tens": (10, "vague", True), "hundreds": (100, "vague", True),
    "thousands": (1e3, "vague", True), "millions": (1e6, "vague", True),
    "billions": (1e9, "vague", True), "trillions": (1e12, "vague", True),
    "single": (1, "cardinal", True), "million": (1e6, "cardinal", True),
    "billion": (1e9, "cardinal", True), "trillion": (1e12, "cardinal", True), "score": (20, "vague", True),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_JOIN_RU = re.compile(r"[\s\u00a0]+|\s?[-‑]\s?")
_JOIN_EN = re.compile(r"[\s\u00a0]+|-|‑")


def spelled_russian(text: str) -> Iterator[Spelled]:
    """Numbers in words of a Russian text."""
    found = [(m.start(), m.end(), m[0].lower()) for m in _WORD.finditer(text)]
    index = 0
    while index < len(found):
        start, end, word = found[index]
        plain = _yo(word)
        if plain in _VAGUE_RU:
            yield start, end, frozenset({float(_VAGUE_RU[plain])}), "vague", 1.0, True
            index += 1
            continue
        read = _value_ru(word)
        taken = _compose(text, found, index, _value_ru, _JOIN_RU) if read else None
        if taken:
            stop, value, kind, scale, weak = taken
            end = found[stop - 1][1]
            part = re.match(r"\s+(трет[иьея]\w*|четверт[иьея]\w*)(?!\w)", text[end:])
            if part and kind == "cardinal" and value < 4:
                value /= 3 if part[1].startswith("т") else 4
                end += part.end()
                yield start, end, frozenset({value}), "fraction", 1.0, False
                index = _skip(found, index, end)
                continue
            half = re.match(r"\s+с\s+(половиной|четвертью|третью)\b", text[end:])
            if half and kind == "cardinal":
                part = {"половиной": 0.5, "четвертью": 0.25, "третью": 1 / 3}[half[1]]
                value, end = value + part, end + half.end()
                scaled = re.match(r"\s+(\w+)", text[end:])
                if scaled and scaled[1] in _SCALE_RU:
                    scale = _SCALE_RU[scaled[1]]
                    value, end = value * scale, end + scaled.end()
                while stop < len(found) and found[stop][0] < end:
                    stop += 1
            yield start, end, frozenset({value}), kind, scale, weak
            index = stop
            continue
        other = _single_russian(word)
        if other:
            values, kind, weak = other
            stop, scale = index + 1, 1.0
            if index + 1 < len(found) and 0.2 < min(values) < 2 and word in _HALVES_RU:
                following = found[index + 1]
                multiplier = _SCALE_RU.get(_yo(following[2]))
                if multiplier and text[end : following[0]].isspace():
                    values = frozenset(value * multiplier for value in values)
                    end, scale, stop, kind = following[1], multiplier, index + 2, "cardinal"
            yield start, end, values, kind, scale, weak
            index = stop
            continue
        index += 1


@lru_cache(maxsize=1 << 16)
def _single_russian(word: str) -> tuple[frozenset[float], str, bool] | None:
    """A number that a single word holds: half, twice, «пятилетний», a pair."""
    plain = _yo(word)
    if plain in _HALVES_RU or word in _HALVES_RU:
        value = float(_HALVES_RU.get(word, _HALVES_RU.get(plain, 0)))
        extra = {float(_WEAK_RU[word])} if word in _WEAK_RU else set()
        strong = plain.startswith("полтор") or plain == "полутора" or value > 2
        kind = "cardinal" if strong else "fraction"
        return frozenset({value} | extra), kind, not strong
    if plain in _TIMES_YO:
        return frozenset({float(_TIMES_YO[plain])}), "times", True
    if plain in _WEAK_YO:
        return frozenset({float(_WEAK_YO[plain])}), "cardinal", True
    compound = _COMPOUND_YO.fullmatch(plain)
    if compound:
        value = float(_PREFIX_YO[compound["prefix"]])
        rest = compound["rest"]
        for stem, factor in (("тысяч", 1e3), ("миллион", 1e6), ("миллиард", 1e9)):
            if rest.startswith(stem):
                value *= factor
        return frozenset({value}), "cardinal", True
    if plain.startswith("круглосуточн"):
        return frozenset({24.0}), "cardinal", True
    multiple = _MULTIPLES_RU.fullmatch(plain)
    if multiple:
        value = 3.0 if "тр" in plain[:4] else 2.0
        for prefix, number in _PREFIX_YO.items():
            if plain.startswith(prefix + "кратн"):
                value = float(number)
        return frozenset({value}), "times", True
    return None


def spelled_english(text: str) -> Iterator[Spelled]:
    """Numbers in words of an English text."""
    found = [(m.start(), m.end(), m[0].lower()) for m in _WORD.finditer(text)]
    index = 0
    while index < len(found):
        start, end, word = found[index]
        # "a million", "half a million", "a quarter of a million", "a hundred"
        phrase = _PHRASE_EN.match(text, start) if word in ("a", "an", "half", "quarter") else None
        if phrase and (phrase["scale"].lower() in _SCALE_EN or phrase["scale"].lower() == "dozen"):
            part = (phrase["part"] or "").lower()
            base = {"": 1.0, "half": 0.5, "quarter": 0.25}[part]
            scale = float(_SCALE_EN.get(phrase["scale"].lower(), 12))
            yield start, phrase.end(), frozenset({base * scale}), "cardinal", scale, base == 1
            index = _skip(found, index, phrase.end())
            continue
        read = _value_en(word)
        taken = _compose(text, found, index, _value_en, _JOIN_EN) if read else None
        if taken:
            stop, value, kind, scale, weak = taken
            end = found[stop - 1][1]
            half = re.match(
                r"(?:\s+|-)and(?:\s+|-)(?:a|one)(?:\s+|-)(half|quarter|third)\b", text[end:]
            )
            half = half or re.match(r"\s+\w+\s+and\s+a\s+(half)\b", text[end:])
            of = re.match(r"(?:\s+|-)(thirds?|quarters?|fourths?|fifths?|tenths?)\b", text[end:])
            if half and kind == "cardinal":
                part = {"half": 0.5, "quarter": 0.25, "third": 1 / 3}[half[1]]
                value, end, weak = value + part, end + half.end(), False
                scaled = re.match(r"\s+(\w+)", text[end:])
                if scaled and scaled[1].lower() in _SCALE_EN:
                    scale = float(_SCALE_EN[scaled[1].lower()])
                    value, end = value * scale, end + scaled.end()
                stop = _skip(found, index, end)
            elif of and kind == "cardinal" and value < 10:
                parts = {"th": 3, "qu": 4, "fo": 4, "fi": 5, "te": 10}[of[1][:2].lower()]
                yield start, end + of.end(), frozenset({value / parts}), "fraction", 1.0, value == 1
                index = _skip(found, index, end + of.end())
                continue
            elif re.match(r"\s+dozen\b", text[end:]) and value < 10:
                end += re.match(r"\s+dozen\b", text[end:]).end()
                value, stop = value * 12, _skip(found, index, end)
            yield start, end, frozenset({value}), kind, scale, weak
            index = stop
            continue
        if word == "a" and (half := re.match(r"a\s+\w+\s+and\s+a\s+half\b", text[start:], re.I)):
            yield start, start + half.end(), frozenset({1.5}), "cardinal", 1.0, True
            index = _skip(found, index, start + half.end())
            continue
        if word in _OTHER_EN:
            value, kind, weak = _OTHER_EN[word]
            yield start, end, frozenset({float(value)}), kind, 1.0, weak
        elif word in _DECADES_EN:
            value = _DECADES_EN[word]
            yield start, end, frozenset({float(value), 1900.0 + value}), "decade", 1.0, False
        index += 1


_PHRASE_EN = re.compile(
    r"(?:an?\s+)?(?:(?P<part>half|quarter)\s+(?:of\s+)?an?|an?|half(?=-))[\s-]+(?P<scale>hundred|thousand|million|"
    r"billion|trillion|dozen)\b(?!-)",
    re.IGNORECASE,
)


def _skip(found: list[tuple[int, int, str]], index: int, end: int) -> int:
    while index < len(found) and found[index][0] < end:
        index += 1
    return index


def _compose(text, found, index, value_of, join):
    """One number from the words at ``index``: (next index, value, kind, scale, weak) or None."""
    total, current, smallest = 0.0, 0.0, float("inf")
    kind, scale, count, stop = "cardinal", 1.0, 0, index
    lonely = ""  # the last word read, to tell "both" from "two"
    while stop < len(found):
        start, _, word = found[stop]
        if stop > index and not join.fullmatch(text[found[stop - 1][1] : start]):
            break
        if stop > index and "-" in text[found[stop - 1][1] : start] and count and smallest < 20:
            break  # "five-one" is a score
        if word == "and" and count and smallest >= 100 and stop + 1 < len(found):
            following = value_of(found[stop + 1][2])
            if not following or following[1] == "scale" or following[0] >= 100:
                break
            stop += 1
            continue
        read = value_of(word)
        if read is None:
            break
        value, sort = read
        if sort == "scale":
            if value == 100:  # English "hundred"
                if not count or current >= 100 or current == 0:
                    break
                current *= 100
            else:
                if not count:
                    break
                if total and value >= scale and scale > 1:
                    break
                total += current * value if current else value
                current = 0.0
                scale = max(scale, value)
            smallest = value
        else:
            if count and not (
                value < 10 <= smallest < 100 or value < 100 <= smallest or value < smallest >= 1000
            ):
                break
            if count and smallest < 20:
                break
            current += value
            smallest = value
        lonely = word
        count += 1
        stop += 1
        if sort == "ordinal":
            kind = "ordinal"
            break
    if not count:
        return None
    value = total + current
    weak = count == 1 and (value == 1 or (kind == "ordinal" and value <= 2) or lonely in _BOTH)
    return stop, value, kind, scale, weak


_BOTH = frozenset(
    [
        "оба",
        "обе",
        "обоих",
        "обеих",
        "обоим",
        "обеим",
        "обоими",
        "обеими",
        "сотня",
        "сотни",
        "сотню",
        "сотней",
        "десяток",
        "десятка",
    ]
)


@lru_cache(maxsize=1 << 16)
def _value_ru(word: str) -> tuple[float, str] | None:
    plain = _yo(word)
    if plain in _CARDINALS_YO:
        return _CARDINALS_YO[plain], "unit"
    if plain in _SCALE_RU:
        return _SCALE_RU[plain], "scale"
    ordinal = _ORDINAL_RU.fullmatch(word) or _ORDINAL_RU.fullmatch(plain)
    if ordinal:
        return (3.0 if ordinal["third"] else float(_ORDINAL_STEMS[ordinal["stem"]])), "ordinal"
    return None


@lru_cache(maxsize=1 << 16)
def _value_en(word: str) -> tuple[float, str] | None:
    if word in _ONES_EN:
        return float(_ONES_EN[word]), "unit"
    if word in _TENS_EN:
        return float(_TENS_EN[word]), "unit"
    if word in _SCALE_EN or (word[-1:] == "s" and word[:-1] in _SCALE_EN):
        return float(_SCALE_EN[word.rstrip("s")]), "scale"
    if word in _ORDINALS_EN:
        return float(_ORDINALS_EN[word]), "ordinal"
    return None


def _yo(word: str) -> str:
    return word.replace("ё", "е")


_CARDINALS_YO = {_yo(word): value for word, value in _CARDINALS_RU.items()}
_TIMES_YO = {_yo(word): value for word, value in _TIMES_RU.items()}
_WEAK_YO = {_yo(word): value for word, value in _WEAK_RU.items()}
_PREFIX_YO = {_yo(word): value for word, value in _PREFIX.items()}
_COMPOUND_YO = re.compile(_yo(_COMPOUND_RU.pattern))


def roman(text: str) -> int | None:
    """The value of a Roman numeral up to 39, None if it is not well formed."""
    if not re.fullmatch(r"X{0,3}(?:IX|IV|V?I{0,3})", text) or not text:
        return None
    values = [{"I": 1, "V": 5, "X": 10}[sign] for sign in text]
    return sum(-a if b and a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


_ONES = list(_ONES_EN)
_TENS = list(_TENS_EN)
_ORDINALS = {value: word for word, value in _ORDINALS_EN.items()}


def spell_english(value: float, *, ordinal: bool = False) -> str | None:
    """A whole number below 100 in words; None for others."""
    if value != int(value) or not 0 <= value < 100:
        return None
    number = int(value)
    if ordinal:
        if number in _ORDINALS:
            return _ORDINALS[number]
        return f"{_TENS[number // 10 - 2]}-{_ORDINALS[number % 10]}" if number > 20 else None
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def decade_years(whole: float) -> set[float]:
    """The other readings of a decade: 90 is 1990, 20 is 1920 and 2020, 1990 is 90."""
    if whole >= 100:
        return {whole % 100}
    return {1900 + whole, 2000 + whole} if whole <= 30 else {1900 + whole}


def ordinal_suffix(number: int) -> str:
    """``st``, ``nd``, ``rd`` or ``th``."""
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
