"""Which English words exist and which are common, by the word list of `wordfreq`."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1)
def _english_frequencies() -> dict[str, float]:
    import wordfreq

    return wordfreq.get_frequency_dict("en", wordlist="large")


@lru_cache(maxsize=1 << 16)
def is_common_english(word: str, least: float = 2e-5) -> bool:
    """Whether a word is so frequent that a capital does not make it a name: Minister, State.

    ``least`` is its share of all words.
    """
    return _english_frequencies().get(word.lower(), 0.0) >= least


@lru_cache(maxsize=1 << 16)
def is_english(word: str) -> bool:
    """Whether a word, in any of its forms, is in the English word list."""
    known = _english_frequencies()
    lower = word.lower().replace("’", "'")
    return lower in known or re.sub(r"'s?$|s$|es$", "", lower) in known


@lru_cache(maxsize=1 << 16)
def is_compound(word: str) -> bool:
    """Whether a word is put together or derived from known ones: antivaccine, retransmitters."""
    lower = word.lower()
    for size in range(3, len(lower) - 2):
        head, tail = lower[:size], lower[size:]
        known_tail = is_english(tail) and (is_common_english(tail) or len(tail) > 4)
        if known_tail and (head in _PREFIXES or (len(head) > 3 and is_common_english(head))):
            return True
        if tail in _SUFFIXES and len(head) > 3 and (is_english(head) or is_english(head + "e")):
            return True
    return False


_PREFIXES = frozenset(
    [
        "anti", "non", "pre", "post", "over", "under", "out", "super", "inter", "multi",
        "micro", "macro", "mini", "mega", "semi", "sub", "trans", "ultra", "counter", "pseudo",
        "neo", "euro", "bio", "geo", "eco", "auto", "tele", "cyber", "electro", "hydro", "aero",
        "mono", "poly", "para", "intra", "extra", "co", "re", "un", "dis", "mis", "self",
        "cross", "photo", "video", "audio", "psycho", "socio", "agro", "petro", "thermo",
        "cardio",
    ]
)  # fmt: skip
_SUFFIXES = frozenset(
    [
        "ness", "less", "like", "wise", "able", "ible", "ism", "ist", "ists", "ization",
        "isation", "izing", "ising", "ized", "ised", "ability", "ship", "hood", "ward", "wards",
        "ing", "ings", "ed", "er", "ers", "ly", "ian", "ians", "ism", "ology", "ologist",
        "ologists",
    ]
)  # fmt: skip
