"""What places, peoples, bodies and agencies are called in English where the letters do not tell.

Countries and big cities come from CLDR through `babel`, the rest from ``exonyms.tsv``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def listed_stems() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """English words by Russian stem, and by whole word; all in lower case."""
    stems: dict[str, set[str]] = {}
    whole: dict[str, set[str]] = {}
    for line in (files(__package__) / "exonyms.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#") and "\t" in line:
            ru, en = line.split("\t")
            words = {word.lower() for phrase in en.split("|") for word in phrase.split()}
            target = whole if ru.endswith("=") else stems
            target.setdefault(ru.rstrip("=").replace("ё", "е"), set()).update(words)
    for ru, en in _cldr_names():
        theirs = {word.strip(".,()’'").lower() for word in re.split(r"[\s-]", en)}
        theirs = {word for word in theirs if len(word) > 2} - {
            "and",
            "the",
            "of",
            "island",
            "islands",
        }
        for word in re.findall(r"[А-ЯЁ][а-яё]{3,}", ru):
            stem = re.sub(r"(?:ия|ая|ое|ый|ий|ые|[аяоеыиьй])$", "", word.lower()).replace("ё", "е")
            if len(stem) >= 4 and not _GENERIC.match(stem):
                stems.setdefault(stem, set()).update(theirs)
    return (
        {stem: frozenset(words) for stem, words in stems.items()},
        {word: frozenset(words) for word, words in whole.items()},
    )


# Parts of names of countries that are common words elsewhere.
_GENERIC = re.compile(
    "восточн|западн|южн|северн|центральн|объединен|соединен|нов|остров|республ|экватор|свят|общ|территор|"
    "федерат|народн|демократ|берег|город|больш|мал|отдален|внешн|союз|земля|слонов|кокос|рождеств|"
    "маршал|пасх|корол|принц|майор|пик|порт"
)


def _cldr_names() -> list[tuple[str, str]]:
    """Countries and the cities of time zones, Russian and English."""
    from babel import Locale

    russian, english = Locale("ru"), Locale("en")
    pairs = [
        (name, english.territories[code])
        for code, name in russian.territories.items()
        if code in english.territories and not code.isdigit()
    ]
    for zone, info in russian.time_zones.items():
        if "city" in info:
            there = english.time_zones.get(zone, {}).get("city")
            pairs.append((info["city"], there or zone.rsplit("/", 1)[-1].replace("_", " ")))
    return pairs


# What may follow the stem of a place: case endings, and «-ский», «-цы», «-янин» and the like.
INFLECTED = re.compile(r"[аеиоуыэюяйьмхв]{0,3}")
_DERIVED = re.compile(r"[аеиоуыэюяйьмхвн]{0,3}(?:(?:ск|ц|ч|ян|ан|ин|ен|н|к|ств|чан)[а-я]{0,5})?")


@lru_cache(maxsize=1 << 15)
def exonyms(word: str) -> frozenset[str]:
    """What a Russian word (any case, lower case letters) is called in English, in lower case.

    The longest stem that the word begins with and that leaves no more than an ending or a
    derived adjective.
    """
    stems, whole = listed_stems()
    plain = word.replace("ё", "е")
    if plain in whole:
        return whole[plain]
    for size in range(len(plain), 1, -1):
        found = stems.get(plain[:size])
        if found and (_DERIVED if size >= 4 else INFLECTED).fullmatch(plain[size:]):
            return found
    return frozenset()


def renders_known(ru: str, en: str) -> bool:
    """Whether an English word is a known name for the Russian word; both in lower case."""
    known = exonyms(ru)
    return bool(known) and (
        en in known or (en.endswith("s") and en[:-1] in known) or en.replace(".", "") in known
    )


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    return frozenset(en.lower() for _, en in _cldr_names() if re.fullmatch(r"[A-Z][a-z]{3,}", en))


@lru_cache(maxsize=1)
def _capitals() -> frozenset[str]:
    from babel import Locale

    english = Locale("en")
    names = [*english.languages.values(), *english.months["format"]["wide"].values()]
    names += english.days["format"]["wide"].values()
    # A month that is a verb far more often.
    return (_places() | {name.lower() for name in names if name.isalpha()}) - {"may"}


def is_capitalized(en: str) -> bool:
    """Whether an English word, in lower case, is written with a capital as a name of CLDR.

    Names of countries, big cities, languages (and so of peoples), months and days.
    """
    return en in _capitals()


def is_place(en: str) -> bool:
    """Whether an English word, in lower case, is the whole name of a country or big city."""
    return en in _places()
