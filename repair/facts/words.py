"""The checks of `repair.facts` on names and single words: lost, altered, copied, invented, reversed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files

from . import exonyms, lexicon, names, transliteration
from .checks import Fault, Pair
from .names import Entity, Name, Spellings

_VARIANT = re.compile(r"(?:['’]?s|a|n|an|ian|ans|ians|ese|ish|i|is|skaya|sky|skiy|y|ya)?")


def changed_name(pair: Pair) -> Iterable[Fault]:
    """A name differs from the source."""
    for entity, place in _name_faults(pair):
        if place is not None:
            start, end, given = place
            said = pair.source[entity.start : entity.end]
            yield Fault(
                start,
                end,
                "critical",
                f"The source names “{said}”, the MT “{given}”.",
                ("name", said, given),
                _spelling(entity, pair),
            )


def lost_name(pair: Pair) -> Iterable[Fault]:
    """A name of the source is missing."""
    for entity, place in _name_faults(pair):
        if place is None and not entity.is_omittable:
            said = pair.source[entity.start : entity.end]
            gap = pair.gap(entity.start)
            yield Fault(
                gap, gap, "major", f"“{said}” of the source is not in the MT.", ("name lost", said)
            )


def _name_faults(pair: Pair) -> Iterator[tuple[Entity, tuple[int, int, str] | None]]:
    """Names that are not in the MT, each with the MT word that stands there instead, if any."""
    if not pair.names:
        return
    strangers = list(names.unexplained_names(pair.source, pair.mt))
    words = names.english_words(pair.mt)
    used = {index for entity in pair.names for hits in entity.found for index in hits}
    for entity in pair.names:
        if any(name.word[:-1] in pair.mt for name in entity.names if name.kind != "latin"):
            continue  # left in Cyrillic, which another check says
        if entity.is_lost:
            place = _nearest(entity, strangers, pair)
            if place and any(
                names.resembles(name.word.lower(), place[2].lower()) for name in entity.names
            ):
                strangers.remove(place)
                continue
            if place is not None:
                strangers.remove(place)
            yield entity, place
            continue
        # «Алевтина Горшкова», "Alevtina Pot": the surname is lost and a stranger stands beside.
        missing = [n for n, hits in zip(entity.names, entity.found, strict=True) if not hits]
        if not missing or missing[-1] is not entity.names[-1] or not _is_surname(missing[-1]):
            continue
        if entity.names[0].kind != "person":
            continue
        for hits in entity.found:
            beside = hits[-1] + 1 if hits else -1
            if 0 < beside < len(words) and beside not in used:
                start, end, given = words[beside]
                apart = pair.mt[words[beside - 1][1] : start]
                alike = transliteration.may_begin_alike(missing[-1].word.lower(), given.lower())
                if given[:1].isupper() and len(given) > 2 and apart == " " and not alike:
                    yield Entity((missing[-1],), ((),)), (start, end, given)
                    break


def _is_surname(name: Name) -> bool:
    return len(name.word) > 3 and name.kind in ("person", "unknown", "common")


def _nearest(entity: Entity, strangers: list, pair: Pair) -> tuple[int, int, str] | None:
    if not strangers:
        return None
    at = entity.start / max(1, len(pair.source))
    best = min(strangers, key=lambda word: abs(word[0] / max(1, len(pair.mt)) - at))
    return best if abs(best[0] / max(1, len(pair.mt)) - at) < 0.35 else None


def _spelling(entity: Entity, pair: Pair) -> str | None:
    """How the document spells a name of one word elsewhere."""
    if len(entity.names) != 1:
        return None
    seen = pair.spellings.get(names.stem(entity.names[0].word))
    return seen.most_common(1)[0][0] if seen else None


def spellings_of(pairs: Sequence[Pair]) -> Spellings:
    """How a document renders each name that is a single word, with counts."""
    seen: Spellings = defaultdict(Counter)
    for pair in pairs:
        words = names.english_words(pair.mt)
        for entity in pair.names:
            for name, hits in zip(entity.names, entity.found, strict=True):
                if len(hits) == 1 and name.kind in ("person", "unknown", "place"):
                    word = words[hits[0]][2]
                    if not exonyms.renders_known(name.word.lower(), word.lower()):
                        seen[names.stem(name.word)][word] += 1
    return seen


def inconsistent_names(pairs: Sequence[Pair], spelled: Spellings) -> list[list[Fault]]:
    """A name is spelled in another way elsewhere in the document."""
    result: list[list[Fault]] = []
    for pair in pairs:
        faults = []
        words = names.english_words(pair.mt)
        for entity in pair.names:
            for name, hits in zip(entity.names, entity.found, strict=True):
                seen = spelled.get(names.stem(name.word))
                if len(hits) != 1 or not seen or len(seen) < 2:
                    continue
                start, end, word = words[hits[0]]
                usual = max(seen, key=lambda w: (seen[w], _first_use(pairs, w)))
                if word == usual or seen[word] >= seen[usual] or _same_name(word, usual):
                    continue
                faults.append(
                    Fault(
                        start,
                        end,
                        "minor",
                        f"“{name.word}” is “{usual}” elsewhere in the document, “{word}” here.",
                        ("spelling", name.word, word),
                        usual,
                    )
                )
        result.append(faults)
    return result


def _first_use(pairs: Sequence[Pair], word: str) -> int:
    """Larger for words that the document uses earlier."""
    return -next((i for i, pair in enumerate(pairs) if word in pair.mt), len(pairs))


def _same_name(one: str, other: str) -> bool:
    """Whether two spellings are forms of one: Ivanov and Ivanova, Kazan and Kazan's."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    if long.startswith(short) and _VARIANT.fullmatch(long[len(short) :]):
        return True
    common = len(re.match(r"(.*).*\0\1", f"{short}\0{long}")[1])
    return short[:1] != long[:1] or common < len(short) // 2 or min(len(short), len(long)) < 4


_LOWER = re.compile(r"(?<![\w@.#/’'“\"«-])[a-z]{5,}(?![\w@/]|\.\w)")


def copied_word(pair: Pair) -> Iterable[Fault]:
    """A Russian word was transliterated and not translated."""
    unknown = _unknown_words(pair)
    if not unknown:
        return
    theirs = re.findall(r"(?<![\w-])[а-яё]{5,}", pair.source)
    for start, end, word in unknown:
        source = next(
            (ru for ru in theirs if transliteration.spelling_cost(ru, word.lower()) <= 1.2), None
        )
        if source:
            yield Fault(
                start,
                end,
                "major",
                f"“{word}” is “{source}” in Latin letters.",
                ("copied", word),
            )


def invented_word(pair: Pair) -> Iterable[Fault]:
    """A word that is in no English word list."""
    unknown = _unknown_words(pair)
    if not unknown:
        return
    theirs = [w.lower() for w in re.findall(r"[А-Яа-яЁё]{4,}", pair.source)]
    for start, end, word in unknown:
        if not any(
            transliteration.spelling_cost(ru, word.lower()) <= transliteration.LIMIT
            for ru in theirs
        ):
            yield Fault(start, end, "minor", f"“{word}” is no known word.", ("invented", word))


def _unknown_words(pair: Pair) -> list[tuple[int, int, str]]:
    return [
        (match.start(), match.end(), match[0])
        for match in _LOWER.finditer(pair.mt)
        if match[0] not in pair.source.lower()
        and not lexicon.is_english(match[0])
        and not lexicon.is_compound(match[0])
    ]


@lru_cache(maxsize=1)
def _opposites() -> list[tuple[re.Pattern, re.Pattern, re.Pattern, str]]:
    rows = []
    for line in (files(__package__) / "opposites.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            ru, right, wrong = line.split("\t")
            rows.append(
                (
                    re.compile(rf"(?<![\w-])(?:{ru})(?![\w])", re.IGNORECASE),
                    re.compile(rf"\b(?:{right})\b", re.IGNORECASE),
                    re.compile(rf"\b(?:{wrong})\b", re.IGNORECASE),
                    ru,
                )
            )
    return rows


def opposite_word(pair: Pair) -> Iterable[Fault]:
    """The opposite of what the source says."""
    rows = _opposites()
    # A word of the other side that the source has for itself explains the suspect.
    for index, (ru, right, wrong, _) in enumerate(rows):
        said = ru.search(pair.source)
        given = wrong.search(pair.mt) if said else None
        if not said or not given or right.search(pair.mt):
            continue
        partner = rows[index ^ 1]
        if partner[0].search(pair.source):
            continue
        if re.search(r"(?<!\w)(?:не|нет|без|ни)(?!\w)", pair.source, re.IGNORECASE) or re.search(
            r"\b(?:not|no|never|without)\b|n['’]t\b", pair.mt, re.IGNORECASE
        ):
            continue  # antonym and negation are a good translation
        yield Fault(
            given.start(),
            given.end(),
            "critical",
            f"The source says “{said[0]}”, the MT “{given[0]}”.",
            ("opposite", said[0].lower(), given[0].lower()),
        )
