"""One name spelled two ways in a document.

Names that come from Cyrillic have many Latin spellings (Sergei, Sergey; Zelensky, Zelenskiy). Two
capitalized words of a document with the same `skeleton` are taken for one name when nothing speaks
against it: neither is a common word, and, where there is a source, one Russian word stands behind
both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

from ..core import Edit
from .typography import Flag, Passage

_NAME = re.compile(r"(?<![\w’'.-])[A-Z][a-z]{3,}(?:-[A-Z][a-z]{2,})?(?![\w-])")
_STEPS = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"shch|sch|tsch", "š"),
        (r"tch|ch", "č"),
        (r"sh", "š"),
        (r"zh", "ž"),
        (r"kh", "h"),
        (r"ph", "f"),
        (r"ck|q|c(?![eiy])", "k"),
        (r"ts|tz", "c"),
        (r"x", "ks"),
        (r"w", "v"),
        (r"(?:iy|ij|yy|ii|yi|ey|ei|y|i|j)$", "i"),
        (r"(?:y|j)(?=[aeou])", ""),
        (r"iy|ij|ii|yi|y|j", "i"),
        (r"i(?=[aeou])", ""),
        (r"ou|oo", "u"),
        (r"(.)\1", r"\1"),
    )
]
# Pairs with one skeleton that are two names or words of English.
_APART_PAIRS = (
    "eric/erik marks/marx steven/stephen philips/phillips jon/john carl/karl marc/mark "
    "marcus/markus maria/mara kris/chris dixon/dickson jackson/jakson catherine/katherine"
)
_APART = frozenset(frozenset(pair.split("/")) for pair in _APART_PAIRS.split())


@lru_cache(maxsize=65536)
def skeleton(name: str) -> str:
    """What the usual romanizations of one Cyrillic name have in common."""
    text = name.lower()
    for pattern, by in _STEPS:
        text = pattern.sub(by, text)
    return text


@lru_cache(maxsize=65536)
def _romanized(word: str) -> str:
    letters = {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
        "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
        "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
        "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
    }  # fmt: skip
    return skeleton("".join(letters.get(letter, letter) for letter in word.lower()))


def _stands_behind(name_skeleton: str, source: str) -> bool:
    """Whether the source has a capitalized word that romanizes to the name, endings aside."""
    stem = name_skeleton[: max(4, len(name_skeleton) - 2)]
    return any(_romanized(word).startswith(stem) for word in re.findall(r"[А-ЯЁ][а-яё-]+", source))


def one_name_two_spellings(passages: Sequence[Passage]) -> list[list[Flag]]:
    """For every passage of one document, the names that the document mostly spells otherwise."""
    flags: list[list[Flag]] = [[] for _ in passages]
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    order: dict[str, int] = {}
    for passage in passages:
        for match in _NAME.finditer(passage.text):
            spellings[skeleton(match[0])][match[0]] += 1
            order.setdefault(match[0], len(order))
    doubtful = {key: names for key, names in spellings.items() if len(names) > 1 and len(key) >= 4}
    if not doubtful:
        return flags
    lower = {word for p in passages for word in re.findall(r"\b[a-z]{4,}\b", p.text)}
    for key, names in doubtful.items():
        kept = [name for name in names if name.lower() not in lower]
        if len(kept) != 2 or frozenset(name.lower() for name in kept) in _APART:
            continue
        usual, other = sorted(kept, key=lambda name: (-names[name], order[name]))
        if {usual[-1], other[-1]} & {"s"} and usual.rstrip("s") == other.rstrip("s"):
            continue
        for passage, found in zip(passages, flags, strict=True):
            if passage.source and not _stands_behind(key, passage.source):
                continue
            for match in _NAME.finditer(passage.text):
                if match[0] == other:
                    found.append(
                        Flag(
                            *match.span(),
                            (Edit(match.start(), match.end(), usual),),
                            f"The document also writes “{usual}”.",
                        )
                    )
    return flags
