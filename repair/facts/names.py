"""Finds names in Russian text and the words that render them in the MT.

Russian writes only names with a capital within a sentence, so a capital is what finds them, and
the dictionary of `pymorphy3` tells names from common nouns at a sentence's beginning. An English
word renders a name if it is a known exonym (`repair.facts.exonyms`) or spells it (`repair.facts.transliteration`).

A neural recogniser (slovnet's news model) was tried instead: on the sources of newstest2020 this
finds 98 % of its persons and places and 85 % of its organisations, several times as fast.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from .exonyms import INFLECTED, exonyms, is_place, listed_stems, renders_known
from .lexicon import is_common_english
from .transliteration import LIMIT, fold, romanize, spelling_cost

# For each stem of a Russian name the English spellings of a document with their counts.
Spellings = dict[str, Counter]


class Name(NamedTuple):
    """A name's word at ``text[start:end]`` of the source.

    ``kind``: person, place, acronym or other; ``sure`` if it must be found in the translation.
    """

    start: int
    end: int
    word: str
    kind: str
    sure: bool


@lru_cache(maxsize=1)
def dictionary():
    """The dictionary alone: what it does not know is not guessed, which takes most of the time."""
    import pymorphy3
    from pymorphy3.units import DictionaryAnalyzer

    return pymorphy3.MorphAnalyzer(units=[DictionaryAnalyzer()])


_PROPER = frozenset({"Name", "Surn", "Patr", "Geox"})


@lru_cache(maxsize=1 << 16)
def _analyses(word: str) -> tuple[tuple[float, frozenset[str]], ...]:
    """Score and grammemes of each analysis in the dictionary, best first; empty if unknown."""
    return tuple((p.score, p.tag.grammemes) for p in dictionary().parse(word))


@lru_cache(maxsize=1 << 16)
def word_kind(word: str) -> str:
    """``person``, ``place``, ``common`` or ``unknown``, by the likeliest analysis of a word."""
    analyses = _analyses(word.lower())
    proper = [grammemes for _, grammemes in analyses if grammemes & _PROPER]
    common = [
        score for score, grammemes in analyses if not grammemes & (_PROPER | {"Orgn", "Abbr"})
    ]
    if common and (common[0] > 0.3 or not proper):
        return "common"
    if proper:
        return "place" if "Geox" in proper[0] else "person"
    return "unknown"


@lru_cache(maxsize=1 << 14)
def _may_be_common(word: str) -> bool:
    """Whether a word at the beginning of a sentence may be no name at all."""
    return any(
        score > 0.05 and not grammemes & (_PROPER | {"Orgn", "Abbr"})
        for score, grammemes in _analyses(word)
    )


# So well known that writers leave them out; they count only where another name stands instead.
_OMITTABLE = re.compile(
    r"сша|рф|росси[яиюей]+|москв[аыуе]|украин[аыуе]|герман\w+|япони\w+|европ\w+|росгварди\w+|мвд|мчс|"
    r"вмс|вмф|вс|ск|папа|папы|папе|римск\w+|военно-\w+|великобритани\w|парти[ияюей]+|министерств\w+|правительств\w+|президент\w*|банк\w*"
)
_CAPITAL = re.compile(r"(?<![\w'’-])(?:[А-ЯЁ]['’])?[А-ЯЁ][а-яё]+(?:-[А-ЯЁ]?[а-яё]+)*(?![\w-])")
_ACRONYM = re.compile(r"(?<![\w-])[А-ЯЁ]{2,6}(?![\w])")
# Росздравнадзор, Москомстройинвест: names of bodies that are translated, each in its own way.
_BODY = re.compile(
    r"(?:Рос|Гос|Мос|Мин|Глав|Ген|Сов|Обл|Гор|Балт|Черномор|Центр|Проф|Евро|Нац|Мед|Зам|Рай|Спец|Пром|Агро)"
    r"(?!ов|ев|ин)[бвгджзклмнпрстфхцчшщ][а-я]{2,}"
)
_OPENING = re.compile(r"(?:^|[.!?…:;«»\"“„”—–-]|\d\.|\n)[\s«\"“„—–-]*$")


@lru_cache(maxsize=4096)
def russian_names(text: str) -> tuple[Name, ...]:
    """The words of names in a Russian text in order."""
    # A headline in capitals or in title case tells nothing.
    letters = [c for c in text if c.isalpha()]
    if sum(c.isupper() for c in letters) > 0.4 * len(letters):
        return ()
    found = []
    for match in _CAPITAL.finditer(text):
        word = match[0]
        opening = bool(_OPENING.search(text[: match.start()]))
        parts = word.split("-")
        kind = word_kind(word if len(parts) == 1 else parts[-1])
        lower = word.lower()
        if opening and (_may_be_common(lower) or (kind == "unknown" and len(word) < 5)):
            continue
        if kind == "unknown" and exonyms(lower):
            kind = "place"
        if kind == "unknown" and _BODY.match(word):
            kind = "body"
        if kind == "common" and (_is_listed(lower) or _is_place_adjective(lower)):
            kind = "place"
        sure = kind in ("person", "place", "unknown") and len(word) > 3
        if opening and kind == "unknown":
            sure = False
        found.append(Name(*match.span(), word, kind, sure))
    for match in _ACRONYM.finditer(text):
        if len(match[0]) > 1 and not re.fullmatch("[ХIVX]+", match[0]):
            known = bool(exonyms(match[0].lower()))
            found.append(Name(*match.span(), match[0], "acronym", known))
    found = _surnames(text, found)
    for match in _LATIN.finditer(text):
        found.append(Name(*match.span(), match[0], "latin", True))
    return tuple(sorted(found))


def _surnames(text: str, found: list[Name]) -> list[Name]:
    """Ершов is a town and a surname: behind a first name it is the latter."""
    result = sorted(found)
    for index in range(1, len(result)):
        first, second = result[index - 1], result[index]
        if (
            second.kind == "place"
            and first.kind == "person"
            and text[first.end : second.start] == " "
            and any("Surn" in grammemes for _, grammemes in _analyses(second.word.lower()))
        ):
            result[index] = second._replace(kind="person")
    return result


_LATIN = re.compile(r"(?<![\w@./-])(?![IVXLC]+\b)[A-Za-zÀ-ž]*[A-ZÀ-Ž][A-Za-zÀ-ž]+(?![\w@/])")


@lru_cache(maxsize=1 << 14)
def _is_listed(word: str) -> bool:
    """Whether a capitalised common noun has an English name: Министерство, Отечество, Катар."""
    stems, whole = listed_stems()
    plain = word.replace("ё", "е")
    return plain in whole or any(
        plain[:size] in stems and INFLECTED.fullmatch(plain[size:])
        for size in range(len(plain), 2, -1)
    )


_ADJECTIVE = re.compile(r"([а-яё-]{3,}?)(?:ов|ев|ин)?ск(?:ий|ая|ое|ие|ого|ой|ому|ую|им|ом|их|ими)")


@lru_cache(maxsize=1 << 14)
def _is_place_adjective(word: str) -> bool:
    """Whether an adjective is made from a place: Краснодарский, Тверской."""
    match = _ADJECTIVE.fullmatch(word)
    return bool(match) and any(
        "Geox" in grammemes
        for ending in ("", "а", "ь", "о", "ия", "ы")
        for _, grammemes in _analyses(match[1] + ending)
    )


_ENGLISH = re.compile(r"[A-Za-zÀ-ž]+(?:[.’'][A-Za-zÀ-ž]+)*\.?")


@lru_cache(maxsize=8192)
def english_words(text: str) -> tuple[tuple[int, int, str], ...]:
    """Words with offsets; possessive endings are cut off, hyphens split."""
    words = []
    for match in _ENGLISH.finditer(text):
        word = re.sub(r"(?:['’]s|['’]|\.)$", "", match[0])
        words.append((match.start(), match.start() + len(word), word))
    return tuple(words)


@lru_cache(maxsize=1 << 17)
def renders(ru: str, en: str) -> bool:
    """Whether an English word may stand for a word of a Russian name; both in lower case."""
    plain = re.sub(r"['’-]", "", ru)
    en = re.sub(r"['’]", "", en)
    if renders_known(ru, en):
        return True
    folded = fold(en)
    latin = _press_stem(plain)
    if folded.startswith(latin) and len(latin) > 3 and len(folded) - len(latin) < 3:
        return True  # the usual spelling needs no search
    limit = LIMIT - 0.1 if len(plain) > 4 else LIMIT - 0.5
    if spelling_cost(plain, folded) <= limit:
        return True
    return folded.endswith("s") and spelling_cost(plain, folded[:-1]) <= limit - 0.1


@lru_cache(maxsize=1 << 15)
def _press_stem(ru: str) -> str:
    return romanize(stem(ru))


def resembles(ru: str, en: str) -> bool:
    """Whether an English word may be the original spelling of a foreign name; in lower case.

    Looser than `renders`: Умала is Humala, Вайянкур Vaillancourt.
    """
    from rapidfuzz.distance import Levenshtein

    latin = _press_stem(ru)
    return Levenshtein.normalized_similarity(latin, fold(en)[: len(latin) + 3]) >= 0.5


def _belong(first: str, second: str) -> bool:
    """Whether neighbours are parts of one name: «Анна Горшкова» are, «Дагестана Анна» are not."""
    if {"acronym", "body", "latin"} & {first, second}:
        return first == second == "latin"
    return (first, second) not in (
        ("place", "person"),
        ("common", "person"),
        ("place", "unknown"),
        ("person", "place"),
    )


class Entity(NamedTuple):
    """Neighbouring words that make one name, with the MT words (indices) that render each."""

    names: tuple[Name, ...]
    found: tuple[tuple[int, ...], ...]

    @property
    def start(self) -> int:
        return self.names[0].start

    @property
    def end(self) -> int:
        return self.names[-1].end

    @property
    def is_lost(self) -> bool:
        """Whether no word of a name that must be there is there."""
        return any(name.sure for name in self.names) and not any(self.found)

    @property
    def is_omittable(self) -> bool:
        """Whether good translations leave it out now and then, since the context says it."""
        return all(not name.sure or _OMITTABLE.fullmatch(name.word.lower()) for name in self.names)


@lru_cache(maxsize=8192)
def match_names(source: str, mt: str) -> tuple[Entity, ...]:
    """The names of the source, each with the words of `english_words(mt)` that render it."""
    words = english_words(mt)
    lower = [word.lower() for _, _, word in words]
    capital = [i for i, (_, _, word) in enumerate(words) if not word.islower()]
    if len(capital) < 2:  # all in lower case: capitals tell nothing
        capital = list(range(len(words)))
    groups: list[list[Name]] = []
    for name in russian_names(source):
        last = groups[-1][-1] if groups else None
        if last and source[last.end : name.start] == " " and _belong(last.kind, name.kind):
            groups[-1].append(name)
        else:
            groups.append([name])
    entities = []
    for group in groups:
        found = []
        for name in group:
            ru = name.word.lower()
            parts = {ru, *(part for part in ru.split("-") if len(part) > 2)}
            adjective = _ADJECTIVE.fullmatch(ru)
            if adjective:  # Алтайский край is Altai Krai
                parts.add(adjective[1])
            hits = [i for i, en in enumerate(lower) if any(renders_known(p, en) for p in parts)]
            if name.kind == "latin":
                hits = [i for i, en in enumerate(lower) if en.replace(".", "") == ru]
                hits = hits or ([0] if ru in mt.lower() else [])
            elif not hits and name.kind == "acronym":
                hits = [i for i in capital if spelling_cost(ru, lower[i]) <= LIMIT]
            elif not hits:
                hits = [i for i in capital if any(renders(p, lower[i]) for p in parts)]
                # One Russian word, two English ones: Quang Binh, De Niro.
                hits = hits or [
                    i
                    for i, j in pairwise(capital)
                    if j == i + 1 and renders(ru, lower[i] + lower[j])
                ]
            found.append(tuple(hits))
        entities.append(Entity(tuple(group), tuple(found)))
    return tuple(_claimed(entities))


def _claimed(entities: list[Entity]) -> list[Entity]:
    """Two persons of one first name need two words: who has a surname in the MT is served first."""
    result = list(entities)
    order = sorted(range(len(entities)), key=lambda k: -sum(map(bool, entities[k].found)))
    taken: set[int] = set()
    for k in order:
        entity = entities[k]
        if len(entity.names) < 2 or entity.names[0].kind not in ("person", "unknown"):
            continue
        full = all(entity.found)
        found = []
        for hits in entity.found:
            free = tuple(i for i in hits if i not in taken)
            found.append(free)
            if full and free:
                taken.add(free[0])
        if not full and any(entity.found) and not any(found):
            result[k] = entity._replace(found=tuple(found))
    return result


@lru_cache(maxsize=8192)
def unexplained_names(source: str, mt: str) -> tuple[tuple[int, int, str], ...]:
    """Capitalised words of the MT within a sentence that nothing in the source explains."""
    if sum(c.isupper() for c in mt) > 0.3 * max(1, sum(c.isalpha() for c in mt)):
        return ()
    words = english_words(mt)
    explained = {i for e in match_names(source, mt) for hits in e.found for i in hits}
    theirs = [w.lower() for w in re.findall(r"[А-Яа-яЁё]{3,}", source)]
    latin = source.lower()
    result = []
    for index, (start, end, word) in enumerate(words):
        if index in explained or not word[:1].isupper() or len(word) < 3:
            continue
        if opens_sentence(mt, start) or word.lower() in latin:
            continue
        if is_common_english(word, 3e-6) and not is_place(word.lower()):
            continue
        en = word.lower()
        if not any(renders(ru, en) for ru in theirs):
            result.append((start, end, word))
    return tuple(result)


def opens_sentence(text: str, start: int) -> bool:
    """Whether the English word at ``start`` may owe its capital to its place."""
    return bool(_OPENING_EN.search(text[max(0, start - 12) : start])) or start == 0


_OPENING_EN = re.compile(r"(?:[.!?…:;“\"”«—–-]|\d\.|\n)[\s“\"”«'‘’(]*$")


@lru_cache(maxsize=1 << 15)
def stem(word: str) -> str:
    """A Russian name without its case ending, so that forms of one name meet."""
    lower = word.lower().replace("ё", "е")
    for size in (3, 2, 1):
        if len(lower) - size >= 3 and lower[-size:] in _CASES:
            return lower[:-size]
    return lower


_CASES = frozenset(
    [
        "ого", "ому", "ыми", "ими", "ами", "ями", "ой", "ей", "ом", "ем", "ым", "им", "ую",
        "юю", "ах", "ях", "ам", "ям", "ий", "ый", "ая", "яя", "ия", "ию", "ии", "а",
        "я", "у", "ю", "е", "и", "ы", "о", "й", "ь",
    ]
)  # fmt: skip
