"""Whether a Latin word spells a Cyrillic one, in whichever transliteration or original spelling.

`spelling_cost` is the price of the cheapest alignment of Russian letters with Latin ones, each
Russian letter yielding none to four. The prices (``transliteration.tsv``) are learned from the names of
Wikidata by `repair.corpora.learn_transliteration`; so Kovalev and Kovalyov, Khrushchev and Chruschtschow,
Johnson and Jonson all come out cheap.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

LONGEST_CHUNK = 4
UNSEEN = 6.0  # cost of a chunk that was never seen for a letter
# A start for the training, and a floor under it: the usual transliterations.
PLAIN: dict[str, str] = {
    "а": "a", "б": "b", "в": "v|w", "г": "g|h", "д": "d", "е": "e|ye|ie", "ё": "yo|e|o|io", "ж": "zh|j|g",
    "з": "z|s", "и": "i|y|ee", "й": "y|i|j|", "к": "k|c|ck|q", "л": "l|ll", "м": "m|mm", "н": "n|nn",
    "о": "o", "п": "p|pp", "р": "r|rr", "с": "s|c|ss", "т": "t|th|tt", "у": "u|oo|w|ou", "ф": "f|ph",
    "х": "kh|h|x|ch", "ц": "ts|c|tz|z", "ч": "ch|tch|c", "ш": "sh|sch|ch", "щ": "shch|sch", "ъ": "|'",
    "ы": "y|i", "ь": "|'", "э": "e|a", "ю": "yu|u|iu|ju", "я": "ya|a|ia|ja",
}  # fmt: skip


def align_letters(
    ru: str, en: str, costs: Mapping[str, Mapping[str, float]]
) -> tuple[float, list[str] | None]:
    """The cheapest way to cut ``en`` into one chunk a letter of ``ru``: cost and chunks."""
    infinite = float("inf")
    n, m = len(ru), len(en)
    best = [[infinite] * (m + 1) for _ in range(n + 1)]
    back = [[0] * (m + 1) for _ in range(n + 1)]
    best[0][0] = 0.0
    for i in range(n):
        of_letter = costs.get(ru[i], {})
        for j in range(m + 1):
            here = best[i][j]
            if here == infinite:
                continue
            for size in range(min(LONGEST_CHUNK, m - j) + 1):
                cost = here + of_letter.get(en[j : j + size], UNSEEN + size)
                if cost < best[i + 1][j + size]:
                    best[i + 1][j + size] = cost
                    back[i + 1][j + size] = size
    if best[n][m] == infinite:
        return infinite, None
    chunks, j = [], m
    for i in range(n, 0, -1):
        size = back[i][j]
        chunks.append(en[j - size : j])
        j -= size
    return best[n][m], chunks[::-1]


@lru_cache(maxsize=1)
def _costs() -> dict[str, dict[str, float]]:
    costs: dict[str, dict[str, float]] = {}
    for line in (files(__package__) / "transliteration.tsv").read_text("utf-8").splitlines():
        letter, chunk, cost = line.split("\t")
        costs.setdefault(letter, {})[chunk] = float(cost)
    return costs


def may_begin_alike(ru: str, en: str) -> bool:
    """Whether the first letters agree; both words in lower case."""
    return any(en.startswith(opening) for opening in _openings(ru[:2]))


LIMIT = 2.4  # above this cost per letter one word does not spell the other


@lru_cache(maxsize=4096)
def _openings(ru: str) -> tuple[str, ...]:
    """The first letters that an English spelling of a word that begins with ``ru`` may have."""
    costs, first = _costs(), ru[:1]
    openings = {chunk[:1] for chunk in costs.get(first, {first: 0.0}) if chunk}
    if "" in costs.get(first, {}) and len(ru) > 1:
        openings |= {chunk[:1] for chunk in costs.get(ru[1], {ru[1]: 0.0}) if chunk}
    return tuple(openings)


_ENDINGS = frozenset(
    [
        "а", "я", "у", "ю", "е", "и", "ы", "о", "й", "ь", "ой", "ей", "ою", "ею", "ом", "ем",
        "ём", "ами", "ями", "ах", "ях", "ам", "ям", "ов", "ев", "ёв", "ы", "их", "ых", "им",
        "ым", "ими", "ыми", "ого", "его", "ому", "ему", "ую", "юю", "ая", "яя", "ое", "ее",
        "ий", "ый", "ии", "ию", "ия", "ием", "ье", "ья", "ью",
    ]
)  # fmt: skip
_SKIPPABLE = frozenset("aeiouys")


def _silent(before: str, letter: str) -> float:
    return 0.5 if letter == before else {"h": 1.5, "e": 2.0, "g": 3.0, "k": 3.0}.get(letter, 4.0)


@lru_cache(maxsize=1 << 17)
def spelling_cost(ru: str, en: str) -> float:
    """How badly Latin ``en`` spells Cyrillic ``ru``, per letter: 0 is perfect, above 1.2 is not it.

    Both are single words in lower case. The Russian case ending may be missing and the English
    word may add a vowel, since `Женеве` is Geneva and `Хабаровска` Khabarovsk.
    """
    if "x" in en:
        return min(_aligned(ru, en), _aligned(ru, en.replace("x", "ks")))
    return _aligned(ru, en)


def _aligned(ru: str, en: str) -> float:
    """`spelling_cost` of one way to write the English word."""
    n, m = len(ru), len(en)
    if not n or not m or m > 2 * n + 3 or n > 2 * m + 4:
        return 9.0
    if not any(en.startswith(opening) for opening in _openings(ru[:2])):
        return 9.0
    bound = LIMIT * n + 0.01  # costs only grow, and beyond it nothing counts
    row = {0: 0.0}
    answer = 9.0
    for i in range(n):
        chunks = _chunks(ru[i])
        following: dict[int, float] = {}
        for j in range(m + 1):
            here = row.get(j)
            if here is None:
                continue
            if 0 < j < m:  # a silent or doubled Latin letter
                skipped = here + _silent(en[j - 1], en[j])
                if skipped < row.get(j + 1, bound):
                    row[j + 1] = skipped
            for chunk, size, cost in chunks.get(en[j : j + 1], chunks[""]):
                total = here + cost
                cheaper = total < following.get(j + size, bound)
                if cheaper and j + size <= m and en.startswith(chunk, j):
                    following[j + size] = total
        if not following:
            break
        row = following
        rest = ru[i + 1 :]
        if i >= 1 and (not rest or rest in _ENDINGS):
            for j, cost in row.items():
                if m - j <= 3 and all(letter in _SKIPPABLE for letter in en[j:]):
                    answer = min(answer, (cost + 0.5 * (m - j) + 0.2 * len(rest)) / (i + 1))
    return answer


@lru_cache(maxsize=256)
def _chunks(letter: str) -> dict[str, tuple[tuple[str, int, float], ...]]:
    """What a Russian letter may be, by the next English letter, with length and cost.

    The empty key is for the end of the word: the Russian letter is silent.
    """
    known = _costs().get(letter) or {letter: 0.0}
    silent = ("", 0, known.get("", UNSEEN))
    table: dict[str, tuple[tuple[str, int, float], ...]] = {"": (silent,)}
    for first in "abcdefghijklmnopqrstuvwxyz":
        here = [(chunk, len(chunk), cost) for chunk, cost in known.items() if chunk[:1] == first]
        unseen = [("", size, UNSEEN + size) for size in range(1, LONGEST_CHUNK + 1)]
        table[first] = (*here, silent, *unseen)
    return table


def fold(word: str) -> str:
    """Letters without accents, since the model knows ASCII only."""
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", word)
        if not unicodedata.combining(letter)
    )
    return plain.replace("ł", "l").replace("ø", "o").replace("ß", "ss").replace("æ", "ae")


_PRESS = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i",
    "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y",
    "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip


def romanize(name: str) -> str:
    """A Russian name as English-language news writes it (BGN/PCGN without its apostrophes)."""
    letters = []
    lower = name.lower()
    for index, letter in enumerate(lower):
        latin = _PRESS.get(letter, letter)
        before = lower[index - 1] if index else "-"
        if letter == "е" and before in "аеёиоуыэюя-йъь":
            latin = "ye"
        if letter in "ий" and lower[index:] == "й" and before in "ыи":
            latin = ""
        if letter == "и" and lower[index:] == "ий":
            latin = "y"
        letters.append(latin.capitalize() if name[index].isupper() else latin)
    return "".join(letters)
