"""Units and currencies in Russian and English: which one a number carries."""

from __future__ import annotations

import re

# unit: (dimension, factor to the base unit of its dimension); money is never converted.
UNITS: dict[str, tuple[str, float]] = {
    "ruble": ("money", 1), "dollar": ("money", 1), "euro": ("money", 1), "pound": ("money", 1),
    "yuan": ("money", 1), "yen": ("money", 1), "hryvnia": ("money", 1), "tenge": ("money", 1),
    "franc": ("money", 1), "lira": ("money", 1), "kopeck": ("money", 1), "cent": ("money", 1),
    "percent": ("share", 1), "point": ("share", 1),
    "mm": ("length", 0.001), "cm": ("length", 0.01), "m": ("length", 1), "km": ("length", 1000),
    "mile": ("length", 1609.34), "foot": ("length", 0.3048), "inch": ("length", 0.0254),
    "yard": ("length", 0.9144),
    "g": ("mass", 0.001), "kg": ("mass", 1), "ton": ("mass", 1000), "lb": ("mass", 0.4536),
    "centner": ("mass", 100), "ounce": ("mass", 0.02835),
    "liter": ("volume", 1), "gallon": ("volume", 3.785), "barrel": ("volume", 158.987),
    "m3": ("volume", 1000), "ml": ("volume", 0.001), "foot3": ("volume", 28.317),
    "hectare": ("area", 10_000), "acre": ("area", 4046.86), "m2": ("area", 1),
    "km2": ("area", 1_000_000), "sotka": ("area", 100), "foot2": ("area", 0.0929),
    "mile2": ("area", 2_589_988),
    "kmh": ("speed", 1), "mph": ("speed", 1.60934), "ms": ("speed", 3.6),
    "celsius": ("temperature", 1), "fahrenheit": ("temperature", 1),
    "second": ("time", 1), "minute": ("time", 60), "hour": ("time", 3600), "day": ("time", 86_400),
    "week": ("time", 604_800), "month": ("time", 2_629_800), "year": ("time", 31_557_600),
    "century": ("time", 3_155_760_000), "decade": ("time", 315_576_000),
    "quarter": ("time", 7_889_400),
    "kw": ("power", 1), "mw": ("power", 1000), "gw": ("power", 1e6), "hp": ("power", 0.7355),
    "kwh": ("energy", 1), "mwh": ("energy", 1000),
}  # fmt: skip

_RU = [
    ("percent", r"%|процент(?!н\w+ пункт)"),
    ("point", r"п\. ?п\.|процентн\w+ пункт"),
    ("ruble", r"руб(?:\.|л[а-яё]+)?(?![а-яё])|₽"),
    ("dollar", r"долл(?:\.|ар[а-яё]*)?|\$|USD"),
    ("euro", r"евро(?![а-яё])|€|EUR"),
    ("pound", r"фунт[а-яё]* стерлинг|£"),
    ("yuan", r"юан[а-яё]+"), ("yen", r"[ий]ен(?:а|ы|у|е|ой)?(?![а-яё])"),
    ("hryvnia", r"грив[а-яё]+|грн"), ("tenge", r"тенге"), ("franc", r"франк(?![ф])[а-яё]*"),
    ("lira", r"лир[аыу]?(?![а-яё])"), ("kopeck", r"копе[а-яё]+"),
    ("kmh", r"км/ч|километр[а-яё]* в час"), ("ms", r"м/с|метр[а-яё]* в секунду"),
    ("kwh", r"кВт[·*-]?ч|киловатт[- ]час"), ("mwh", r"МВт[·*-]?ч"),
    ("km2", r"(?:кв\.? ?км|км2|км²|квадратн\w+ километр)"),
    ("m2", r"(?:кв\.? ?м(?![а-яё])|м2|м²|квадратн\w+ метр|кв\. ?метр)"),
    ("m3", r"(?:куб\.? ?м(?![а-яё])|м3|м³|кубометр|кубическ\w+ метр|куб\. ?метр)"),
    ("km", r"км(?![а-яё/])|километр(?!ов\w{2})"), ("cm", r"см(?![а-яё])\.?|сантиметр"),
    ("mm", r"мм(?![а-яё])|миллиметр"),
    ("m", r"м(?![а-яё./])|метр(?![оа]п|о\b)"), ("mile", r"мил[ьяией]+(?![а-яё])"),
    ("foot", r"фут(?:а|ов)?(?![а-яё])"), ("inch", r"дюйм"),
    ("kg", r"кг(?![а-яё])|килограмм"), ("g", r"гр(?:\.|\b)|грамм"),
    ("ton", r"т(?![а-яё./])|тонн"), ("centner", r"центнер|ц(?![а-яё])"),
    ("liter", r"л(?![а-яё.])|литр"), ("ml", r"мл(?![а-яё])|миллилитр"), ("barrel", r"баррел"),
    ("gallon", r"галлон"),
    ("hectare", r"га(?![а-яё])|гектар"), ("sotka", r"сот(?:ок|ки)\b"),
    ("celsius", r"°|градус"),
    ("second", r"сек(?:\.|унд[аыу]?)(?![а-яё])"), ("minute", r"мин(?:\.|ут[аыу]?)(?![а-яё])"),
    ("hour", r"час(?:а|ов|у|ам|ами|ах)?(?![а-яё])"),
    ("day", r"сут(?:ки|ок|кам|ках)(?![а-яё])|д(?:ень|ня|ней|ням|нях|нями)(?![а-яё])|дневн"),
    ("week", r"недел[яьиюей]+(?![а-яё])|недельн"),
    ("month", r"месяц[а-яё]*|месячн"), ("quarter", r"квартал(?!ьн)[а-яё]*"),
    ("year", r"год(?:а|у|ы|ов|ам|ами|ах|ом)?(?![а-яё])|лет(?![а-яё])|летн|г\.|гг\."),
    ("century", r"век(?:а|у|ов|ом|е)?(?![а-яё])|столети"), ("decade", r"десятилети"),
    ("gw", r"ГВт"), ("mw", r"МВт|мегаватт"), ("kw", r"кВт(?![·*-])|киловатт"),
    ("hp", r"л\. ?с\.|лошадин"),
]  # fmt: skip
_EN = [
    ("percent", r"%|per\s?cent(?!age)|percent(?!age)|pct\b"),
    ("point", r"percentage[- ]points?|pp\b"),
    ("ruble", r"r(?:o)?ubles?|RUB\b|₽|rub\b"), ("dollar", r"(?:US ?)?dollars?|USD\b|\$"),
    ("euro", r"euros?\b|EUR\b|€"), ("pound", r"pounds? sterling|GBP\b|quid"),
    ("yuan", r"yuan|RMB"), ("yen", r"yen\b|¥"), ("hryvnia", r"hryvn\w+|UAH"), ("tenge", r"tenge"),
    ("franc", r"francs?\b"), ("lira", r"liras?\b"), ("kopeck", r"kope[c]?ks?"),
    ("cent", r"cents?\b"),
    ("kmh", r"km/h|kph|kilomet(?:er|re)s?[- ](?:per|an) hour"), ("mph", r"mph|miles[- ](?:per|an) hour"),
    ("ms", r"m/s|met(?:er|re)s? per second"),
    ("kwh", r"kWh|kilowatt[- ]hours?"), ("mwh", r"MWh|megawatt[- ]hours?"),
    ("km2", r"(?:sq\.? ?km|km2|km²|square kilomet(?:er|re)s?)"),
    ("m2", r"(?:sq\.? ?m(?:et\w+)?\b|m2\b|m²|square met(?:er|re)s?|square[- ]met\w+)"),
    ("foot2", r"(?:sq\.? ?(?:ft|feet)|square[- ]f(?:ee|oo)t)"), ("mile2", r"square miles?"),
    ("m3", r"(?:cu\.? ?m\b|m3\b|m³|cubic met(?:er|re)s?)"), ("foot3", r"cubic feet"),
    ("km", r"km\b|kilomet(?:er|re)s?\b|kms\b"), ("cm", r"cm\b|centimet(?:er|re)s?"),
    ("mm", r"mm\b|millimet(?:er|re)s?"), ("m", r"m\b|met(?:er|re)s?\b"),
    ("mile", r"miles?\b"), ("foot", r"f(?:ee|oo)t\b|ft\b"), ("inch", r"inch(?:es)?\b"),
    ("yard", r"yards?\b"),
    ("kg", r"kg\b|kgs\b|kilos?\b|kilograms?\b"), ("g", r"g\b|grams?\b|grammes?\b"),
    ("ton", r"t\b|ton(?:ne)?s?\b|metric tons?"), ("centner", r"cent?ners?\b|quintals?\b"),
    ("lb", r"lbs?\b"), ("ounce", r"ounces?\b|oz\b"),
    ("liter", r"l\b|lit(?:er|re)s?\b"), ("ml", r"ml\b|millilit(?:er|re)s?"), ("barrel", r"barrels?\b"),
    ("gallon", r"gallons?\b"), ("hectare", r"ha\b|hectares?\b"), ("acre", r"acres?\b"),
    ("fahrenheit", r"(?:°|degrees?) ?F(?:ahrenheit)?\b"), ("celsius", r"°|degrees?\b"),
    ("second", r"sec(?:onds?)?\b"), ("minute", r"min(?:ute)?s?\b"), ("hour", r"h(?:ou)?rs?\b|hour"),
    ("day", r"days?\b"), ("week", r"weeks?\b"), ("month", r"months?\b"), ("quarter", r"quarters?\b"),
    ("year", r"years?\b|yrs?\b"), ("century", r"centur(?:y|ies)\b"), ("decade", r"decades?\b"),
    ("gw", r"GW\b|gigawatts?"), ("mw", r"MW\b|megawatts?"), ("kw", r"kW\b|kilowatts?"),
    ("hp", r"hp\b|horsepower"),
]  # fmt: skip
_GAP = r"(?:[\s\u00a0-]|‑)*"
_AFTER_RU = re.compile(_GAP + "(?:" + "|".join(f"(?P<{u}>{p})" for u, p in _RU) + ")")
_AFTER_EN = re.compile(_GAP + "(?:" + "|".join(f"(?P<{u}>{p})" for u, p in _EN) + ")")
_BEFORE = re.compile(r"(?P<dollar>\$)|(?P<euro>€|EUR)|(?P<pound>£)|(?P<ruble>₽|RUB)|(?P<yen>¥)")
# «миллиона российских рублей», "million US dollars", "billion cubic meters"
_BETWEEN_RU = re.compile(
    rf"{_GAP}(?:российск|американск|белорусск|австралийск|канадск|украинск|китайск)[а-яё]+"
)
_BETWEEN_EN = re.compile(
    rf"{_GAP}(?:Russian|American|US|U\.S\.|Ukrainian|Chinese|metric|more|whole)"
)


def russian_unit(text: str, start: int, end: int) -> str | None:
    """The unit of the number at ``text[start:end]``, behind it or, as a sign, before it."""
    return _unit(text, start, end, _AFTER_RU, _BETWEEN_RU)


def english_unit(text: str, start: int, end: int) -> str | None:
    """The unit of the number at ``text[start:end]``, behind it or, as a sign, before it."""
    return _unit(text, start, end, _AFTER_EN, _BETWEEN_EN)


def _unit(text: str, start: int, end: int, after: re.Pattern, between: re.Pattern) -> str | None:
    sign = _BEFORE.search(text[max(0, start - 4) : start].rstrip()[-3:])
    if sign:
        return sign.lastgroup
    middle = between.match(text, end)
    found = after.match(text, middle.end() if middle else end)
    return found.lastgroup if found else None
