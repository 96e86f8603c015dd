"""Names that a spelling checker does not know, told from words that are misspelled.

A capitalised word is taken for a name where the Russian holds a word that sounds like it, the
source holds it as it is, or the document writes it a second time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

_ROMAN = {
    **str.maketrans("абвгдеёзийклмнопрстуфхыэяюіїґє", "abvgdeeziiklmnoprstufhieauiige"),
    **str.maketrans({"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": ""}),
}
# Ways to write one sound in Latin letters, folded into one; in this order.
_FOLDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("shch|sch|tsch", "sh"),
        ("kh|ch(?=r)", "h"),
        ("ph", "f"),
        ("th", "t"),
        ("dzh|dj|j(?=[aeiou])", "zh"),
        ("tch|cz", "ch"),
        ("tz|c(?=[eiy])", "ts"),
        ("ck|c(?!h)|q", "k"),
        ("x", "ks"),
        ("w", "v"),
        ("[yij]+(?=[aeou])", ""),  # ya, yu, ye, yo and their other spellings
        ("ee|ie|iy|yi|ii|ij|y|j", "i"),
        ("oo|ou", "u"),
        ("h$|'|’", ""),
        (r"(.)\1", r"\1"),
    )
]
_ALIKE = 0.75
_ENDING = 3  # letters of Russian inflection that may be left out
_CYRILLIC = re.compile(r"[а-яёіїєґ]{2,}", re.IGNORECASE)
_LATIN = re.compile(r"[^\W\d_]+")


def is_name(word: str, source: str, counts: Mapping[str, int]) -> bool:
    """Whether ``word`` is a name rather than a misspelling.

    ``counts`` tells how often each word occurs in the document that holds ``word``.
    """
    if not any(letter.isupper() for letter in word):
        return False
    parts = [part for part in _LATIN.findall(re.sub(r"['’]s$", "", word)) if len(part) > 1]
    if not parts:
        return True
    return all(counts.get(part, 0) > 1 or _in_source(part, source) for part in parts)


def likeness(text: str, source: str) -> float:
    """How much the words of ``text`` sound like words of the Russian, 0 to 1; 1 without any."""
    best = [
        max((_similarity(_sound(word.lower()), other) for other in _sounds(source)), default=0.0)
        for word in _LATIN.findall(text)
    ]
    return sum(best) / len(best) if best else 1.0


def _in_source(word: str, source: str) -> bool:
    if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", source, re.IGNORECASE):
        return True
    sound = _sound(word.lower())
    return any(_alike(sound, other) for other in _sounds(source))


@lru_cache(maxsize=256)  # the words of one sentence are asked for one after the other
def _sounds(source: str) -> frozenset[str]:
    words = {match.lower() for match in _CYRILLIC.findall(source) if len(match) > 2}
    return frozenset(_sound(word.translate(_ROMAN)) for word in words)


def _sound(word: str) -> str:
    for pattern, sound in _FOLDS:
        word = pattern.sub(sound, word)
    return word


def _alike(latin: str, russian: str) -> bool:
    """Whether both sound alike, up to a Russian ending of a few letters."""
    if not latin or latin[0] not in _BEGIN.get(russian[:1], russian[:1]):
        return False
    return _similarity(latin, russian) >= _ALIKE


def _similarity(latin: str, russian: str) -> float:
    shortest = max(2, len(russian) - _ENDING)
    return max(
        Levenshtein.normalized_similarity(latin, russian[:length])
        for length in range(min(shortest, len(russian)), len(russian) + 1)
    )


# First letters that stand for the same beginning: Hong Kong and Гонконг, Eltsin and Yeltsin.
_BEGIN = {
    "g": "gh",
    "h": "hg",
    "v": "vwu",
    "e": "eaoi",
    "i": "iye",
    "u": "ui",
    "z": "zsj",
    "k": "kc",
}
