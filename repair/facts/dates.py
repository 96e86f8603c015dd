"""Months, weekdays and seasons in Russian and English text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class CalendarWord(NamedTuple):
    """A word of the calendar at ``text[start:end]``: ``month`` 1..12, ``weekday`` 1..7, ``season`` 1..4.

    ``weak`` words may mean something else (``May``, ``March``, «среда» as surroundings).
    """

    start: int
    end: int
    kind: str
    value: int
    weak: bool = False


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SEASONS = ["winter", "spring", "summer", "autumn"]

_MONTHS_RU = (
    r"январ[яьюе]м?",
    r"феврал[яьюе]м?",
    r"март(?:а|у|ом|е)?",
    r"апрел[яьюе]м?",
    r"ма(?:й|я|ю|ем|е)",
    r"июн[яьюе]м?",
    r"июл[яьюе]м?",
    r"август(?:а|у|ом|е)?",
    r"сентябр[яьюе]м?",
    r"октябр[яьюе]м?",
    r"ноябр[яьюе]м?",
    r"декабр[яьюе]м?",
)
_WEEKDAYS_RU = (
    r"понедельник(?:а|у|ом|е|и|ам|ов)?",
    r"вторник(?:а|у|ом|е|и|ам|ов)?",
    r"сред(?:а|у|ы|е|ой|ам)",
    r"четверг(?:а|у|ом|е|и|ам|ов)?",
    r"пятниц(?:а|у|ы|е|ей|ам)",
    r"суббот(?:а|у|ы|е|ой|ам)",
    r"воскресень(?:е|я|ю|ем|ям)",
)
_SEASONS_RU = (r"зим(?:а|у|ы|е|ой)", r"весн(?:а|у|ы|е|ой)", r"лет(?:о|ом|у|е)", r"осен(?:ь|и|ью)")
_RU = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        f"(?P<{kind}{index}>{form})"
        for kind, forms in (
            ("month", _MONTHS_RU),
            ("weekday", _WEEKDAYS_RU),
            ("season", _SEASONS_RU),
        )
        for index, form in enumerate(forms, 1)
    )
    + r")(?![\w])",
    re.IGNORECASE,
)
_EN = re.compile(
    r"(?<!\w)(?:"
    + "|".join(f"(?P<month{i}>{m}|{m[:3]}t?(?=\\.? \\d))" for i, m in enumerate(MONTHS, 1))
    + "|"
    + "|".join(f"(?P<weekday{i}>{d}s?)" for i, d in enumerate(WEEKDAYS, 1))
    + "|(?P<season1>[Ww]inters?)|(?P<season2>[Ss]pring)|(?P<season3>[Ss]ummers?)"
    + "|(?P<season4>[Aa]utumns?|[Ff]all)"
    + r")(?![\w])"
)
# «субботний», «мартовский», «летний» explain an English noun and prove nothing by themselves.
_ADJECTIVES_RU = re.compile(
    r"(?<![\w-])(?P<stem>январск|февральск|мартовск|апрельск|майск|июньск|июльск|августовск|"
    r"сентябрьск|октябрьск|ноябрьск|декабрьск|понедельничн|вторничн|средов|четвергов|пятничн|субботн|"
    r"воскресн|зимн|весенн|летн|осенн|лета(?!\w)|перезим|озим)\w*",
    re.IGNORECASE,
)
_STEMS = {
    stem: (kind, value)
    for kind, stems in (
        (
            "month",
            "январск февральск мартовск апрельск майск июньск июльск августовск сентябрьск "
            "октябрьск ноябрьск декабрьск",
        ),
        ("weekday", "понедельничн вторничн средов четвергов пятничн субботн воскресн"),
        ("season", "зимн весенн летн осенн"),
    )
    for value, stem in enumerate(stems.split(), 1)
} | {"лета": ("season", 3), "перезим": ("season", 1), "озим": ("season", 1)}
# The month of 11.07.2020.
_NUMERIC = re.compile(r"(?<!\d)[0-3]?\d\.([01]\d)\.(?:19|20)\d\d(?!\d)")


@lru_cache(maxsize=4096)
def russian_dates(text: str) -> tuple[CalendarWord, ...]:
    """The calendar words of a Russian text in order, numeric dates as their months."""
    found = []
    for match in _RU.finditer(text):
        kind, value = (
            match.lastgroup.rstrip("0123456789"),
            int(re.search(r"\d+", match.lastgroup)[0]),
        )
        word = match[0]
        capital = word[0].isupper() and match.start() > 0
        weak = kind == "month" and (capital or not _dated(text, match.start(), match.end()))
        if kind == "weekday" and value == 3:
            weak = not re.search(
                r"\b[Вв]о?\s+$|\b(?:со?|на|до|каждую)\s+$", text[: match.start()]
            ) or (word.lower() in ("среде", "среды"))
        if kind == "season":
            weak = capital or (value == 3 and word.lower() != "летом") or word.lower() == "осени"
        found.append(CalendarWord(*match.span(), kind, value, weak))
    for match in _ADJECTIVES_RU.finditer(text):
        found.append(CalendarWord(*match.span(), *_STEMS[match["stem"].lower()], True))
    for match in _NUMERIC.finditer(text):
        if 1 <= int(match[1]) <= 12:
            found.append(CalendarWord(*match.span(1), "month", int(match[1]), False))
    if re.search("[A-Z]", text):  # Windows 10 May 2020 Update
        found += [word._replace(weak=True) for word in english_dates(text)]
    return tuple(sorted(found))


def _dated(text: str, start: int, end: int) -> bool:
    """Whether the month is certain: a day or a year, or «в» and no adjective around it."""
    before, after = text[:start], text[end:]
    return bool(
        re.search(
            r"\d(?:-?\w{1,3})?\s+$|\b(?:в|к|до|с|по|на|за|конце|начале|середине|половине)\s+$",
            before,
            re.I,
        )
        or re.match(r"\s+(?:\d{4}|прошлого|этого|следующего|текущего)", after)
    )


@lru_cache(maxsize=8192)
def english_dates(text: str) -> tuple[CalendarWord, ...]:
    """The calendar words of an English text in order, numeric dates as their months."""
    found = []
    for match in _EN.finditer(text):
        kind, value = (
            match.lastgroup.rstrip("0123456789"),
            int(re.search(r"\d+", match.lastgroup)[0]),
        )
        weak = False
        if kind == "month" and match[0] in ("May", "March", "August", "June", "April"):
            before, after = text[: match.start()], text[match.end() :]
            weak = not (
                re.search(r"\d(?:st|nd|rd|th)?(?: of)?\s+$", before)
                or re.match(r"\s+\d|,?\s+(?:19|20)\d\d", after)
                or re.search(
                    r"\b(?:in|since|until|by|of|from|to|between|last|this|next|early|late|mid|for|and|before|after|through)[\s-]+$",
                    before,
                    re.IGNORECASE,
                )
            )
        if kind == "season":
            weak = match[0].lower() in ("spring", "fall") or match[0][0].isupper()
        found.append(CalendarWord(*match.span(), kind, value, weak))
    for match in re.finditer(r"(?<!\d)([0-3]?\d)[./]([0-3]?\d)[./](?:19|20)\d\d(?!\d)", text):
        for part in (1, 2):
            if 1 <= int(match[part]) <= 12:
                found.append(CalendarWord(*match.span(part), "month", int(match[part]), True))
    return tuple(sorted(found))


def name_of(word: CalendarWord, like: str) -> str:
    """The English name of a calendar word, capitalised and in the plural as ``like`` is."""
    if word.kind == "month":
        return MONTHS[word.value - 1]
    if word.kind == "weekday":
        return WEEKDAYS[word.value - 1] + ("s" if like.endswith("s") else "")
    name = SEASONS[word.value - 1] + ("s" if like.endswith("s") else "")
    return name.capitalize() if like[:1].isupper() else name


def compare(
    source: tuple[CalendarWord, ...], mt: tuple[CalendarWord, ...]
) -> tuple[list[tuple[CalendarWord, CalendarWord]], list[CalendarWord], list[CalendarWord]]:
    """(source, MT) words of one kind that exclude each other, and what only one side has.

    A word that recurs on the other side at all is not left over; weak words match but are
    neither lost nor added.
    """
    wrong, lost, added = [], [], []
    for kind in ("month", "weekday", "season"):
        ours = [word for word in source if word.kind == kind]
        theirs = [word for word in mt if word.kind == kind]
        ours_values, their_values = {w.value for w in ours}, {w.value for w in theirs}
        missing = [w for w in ours if w.value not in their_values and not w.weak]
        extra = [w for w in theirs if w.value not in ours_values and not w.weak]
        while missing and extra:
            wrong.append((missing.pop(0), extra.pop(0)))
        lost += missing
        added += extra
    return wrong, lost, added
