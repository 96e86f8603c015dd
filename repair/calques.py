"""The table of calques and false friends, ``calques.toml``: its pattern language and its engine.

The language is described at the head of the table. A pattern is compiled to one regular
expression; an index from a rare word of each pattern to the pattern keeps the regular expressions
from running on segments that cannot match, so that the cost hardly grows with the table.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import NamedTuple

from .core import RepairError

_GAP = r"[ \u00a0]+"
_START = r"(?:^|(?<=[.!?…][ \u00a0])|(?<=[\"“«])|(?<=[.!?…][\"”»][ \u00a0]))"
_END = r"(?=[ \u00a0]*(?:[.!?…]|$))"
_NAME = (
    r"(?-i:[A-Z][\w.’'-]*[\w’'-](?:[ \u00a0](?:(?:de|von|van|bin|al|der|da|di)[ \u00a0])?"
    r"[A-Z][\w’'-]*[\w’'-]){0,3})"
)
_NUMBER = (
    r"(?:[$€£]?\d+(?:[.,\u00a0 ]\d+)*(?:%|(?:[ \u00a0]?(?:thousand|million|billion|trillion|percent|per cent))"
    r"?)|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|sixty|hundred|several|many)"
)
_OPEN = {
    "@Name": _NAME,
    "@num": _NUMBER,
    "@day": r"(?:[12]?\d|3[01])",
    "@age": r"[1-9]\d?",
    "@int": r"[1-9]\d{0,2}",
    "@percent": r"\d[\d.,]*[ \u00a0]?(?:%|percent|per[ \u00a0]cent)",
    "@word": r"[^\W\d_][\w’'-]*",
    "@words": r"[\w’'-]+(?:[ \u00a0][\w’'-]+){0,3}?",
}
_PUNCTUATION = {
    ",": r",",
    ".": r"\.",
    ":": r":",
    '"': r"[\"“”«»]",
    "-": r"[-–—]",
    "(": r"\(",
    ")": r"\)",
}
# Words too common to be worth an index entry; a pattern is indexed under another of its words.
_COMMON_WORDS = (
    "the a an of to in on and for by with at from that this it is was be are were as not he she "
    "they we his her its their has have had will would who which what all one out up about into "
    "more than or but if so no can could new year years also said its there been after over"
)
_COMMON = frozenset(_COMMON_WORDS.split())


class Element(NamedTuple):
    """One position of a pattern: a regular expression and the literal words that it may match.

    ``words`` is empty for an open class; ``forms`` holds the inflected forms, in the order that
    `Inflections` gives them, of every word that may inflect; ``proper`` says that capitals are
    usual in it.
    """

    regex: str
    optional: bool
    words: frozenset[str]
    forms: tuple[tuple[str, ...], ...]
    punctuation: bool = False
    proper: bool = False


class Inflections:
    """English inflection by rule, with the irregular words of the table."""

    def __init__(self, table: Mapping[str, list[str]]):
        self.verbs = {line.split()[0]: tuple(line.split()) for line in table.get("verbs", ())}
        self.nouns = dict(line.split() for line in table.get("nouns", ()))
        self.doubling = {word for line in table.get("doubling", ()) for word in line.split()}
        self.maps: dict[str, dict[str, str]] = {}

    def verb(self, base: str) -> tuple[str, ...]:
        """Base, third person, -ing form, past, participle: always five, some of them equal."""
        if base in self.verbs:
            return self.verbs[base]
        if re.search(r"(?:s|x|z|ch|sh|o)$", base):
            third = base + "es"
        elif re.search(r"[^aeiou]y$", base):
            third = base[:-1] + "ies"
        else:
            third = base + "s"
        stem = base + base[-1] if base in self.doubling else base
        if base.endswith("ie"):
            ing = base[:-2] + "ying"
        elif re.search(r"[^eoy]e$", base):
            ing = base[:-1] + "ing"
        else:
            ing = stem + "ing"
        if base.endswith("e"):
            past = base + "d"
        elif re.search(r"[^aeiou]y$", base):
            past = base[:-1] + "ied"
        else:
            past = stem + "ed"
        return base, third, ing, past, past

    def noun(self, singular: str) -> tuple[str, ...]:
        """Singular and plural."""
        if singular in self.nouns:
            return singular, self.nouns[singular]
        if re.search(r"(?:s|x|z|ch|sh)$", singular):
            return singular, singular + "es"
        if re.search(r"[^aeiou]y$", singular):
            return singular, singular[:-1] + "ies"
        return singular, singular + "s"


@dataclass(frozen=True)
class Calque:
    """One entry of the table, compiled on first use."""

    name: str
    family: str
    why: str
    find: str
    elements: tuple[Element, ...]
    fixes: tuple[str, ...]
    category: str
    severity: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    source: str = ""
    needs_source: bool = False
    russian: str = ""
    previous: re.Pattern[str] | None = None
    following: re.Pattern[str] | None = None
    starts: bool = False
    ends: bool = False
    inflections: Inflections = field(repr=False, default=None)  # type: ignore[assignment]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The regular expression; element ``k`` is the group ``e<k>``, from 1."""
        parts, begun, after_sign = [], False, False
        for number, element in enumerate(self.elements, 1):
            group = f"(?P<e{number}>{element.regex})"
            gap = r"[ \u00a0]*" if element.punctuation or after_sign else _GAP
            if not begun:
                parts.append(f"(?:{group}{_GAP})?" if element.optional else group)
                begun = not element.optional
            else:
                parts.append(f"(?:{gap}{group})?" if element.optional else gap + group)
            after_sign = element.punctuation and not element.optional
        head = "" if self.elements[0].punctuation else r"(?<![\w’'-])(?<!\d[.,])"
        head = _START + head if self.starts else head
        tail = "" if self.elements[-1].punctuation else r"(?![\w-]|['’]\w)"
        return re.compile(head + "".join(parts) + tail + (_END if self.ends else ""), re.IGNORECASE)

    @cached_property
    def trigger(self) -> re.Pattern[str] | None:
        """What the lower-cased source must contain, with ``ё`` written ``е``."""
        return compile_trigger(self.source) if self.source else None

    @cached_property
    def anchors(self) -> frozenset[str]:
        """Lower-case ASCII words one of which every match contains."""
        best: tuple[int, frozenset[str]] = (0, frozenset())
        for element in self.elements:
            if element.optional or not element.words:
                continue
            pieces = {max(re.findall(r"[a-z]+", word), key=len) for word in element.words}
            rarity = min(1 if piece in _COMMON else 10 + len(piece) for piece in pieces)
            best = max(best, (rarity * 100 - len(pieces), frozenset(pieces)), key=lambda x: x[0])
        return best[1]

    def find_in(self, text: str) -> Iterator[re.Match[str]]:
        """The matches that no exception of the entry excludes."""
        named = any(element.proper for element in self.elements)
        for match in self.pattern.finditer(text):
            # Capitals on all words make it a name or a title, which is not ours to reword.
            titled = not named and match.start() and _is_title(match)
            if titled and self.family != "office" and not _begins_sentence(match):
                continue
            if self.previous:
                before = re.findall(
                    r"[\w’'-]+|[^\w\s]", text[max(0, match.start() - 40) : match.start()]
                )
                if before and self.previous.fullmatch(before[-1]):
                    continue
            if self.following:
                after = re.match(r"\s*([\w’'-]+|[^\w\s])", text[match.end() :])
                if after and self.following.fullmatch(after[1]):
                    continue
            yield match

    def mend(self, match: re.Match[str], fix: str) -> str:
        """The text of ``fix`` for this match, with forms and capitals carried over."""
        start, names = match.start(), [element.regex == _NAME for element in self.elements]

        def fill(slot: re.Match[str]) -> str:
            number, kind, word = int(slot[1]), slot[2], slot[3]
            found = match[f"e{number}"] or ""
            if kind == "%":
                return self.inflections.maps[word].get(found.lower(), found)
            if kind == "^":
                return " ".join(part[:1].upper() + part[1:] for part in found.split())
            if kind == "+":
                return self.inflections.verb(found.lower())[_ENDINGS.index(word)]
            if not word:
                moved = slot.start() > 0 and match.start(f"e{number}") == start
                lowers = found[1:].islower() or found == "A"
                if moved and lowers and not names[number - 1]:
                    return found[:1].lower() + found[1:]
                return found
            return self._carry(self.elements[number - 1], found, word, match)

        text = _SLOT.sub(fill, fix)
        text = re.sub(r"\s+([,.:])", r"\1", re.sub(r"\s{2,}", " ", text)).strip()
        text = (
            re.sub(r"\b([Aa])n?(?= (\S+))", _article, text)
            if re.search(r"\b[Aa]n? ", fix)
            else text
        )
        first = match[0][:1]
        if first.isupper() and text[:1].islower():
            if _begins_sentence(match):
                text = text[:1].upper() + text[1:]
            elif self.family == "office" and _is_title(match):
                # A title before a name keeps its capitals.
                text = re.sub(r"\b[a-z](?=\w{3})", lambda letter: letter[0].upper(), text)
            elif not (match[0].istitle() or names[0] or _is_title(match)):
                text = text[:1].upper() + text[1:]
        return text

    def _carry(self, element: Element, found: str, word: str, match: re.Match[str]) -> str:
        """``word`` in the form in which the element was found."""
        low = found.lower()
        for forms in element.forms:
            if low not in forms:
                continue
            head, _, tail = word.partition(" ")
            if len(forms) == 2:
                # The last word of a noun phrase is its head.
                *front, head = word.split()
                return " ".join([*front, self.inflections.noun(head)[forms.index(low)]])
            index = forms.index(low)
            # One form may be past and participle (left), or base and past (put).
            if low in (forms[3], forms[4]) and forms[4] == low and index in (0, 3):
                before = match.string[: match.start()]
                if _PERFECT.search(before):
                    index = 4
                elif forms[0] == low:
                    index = 0 if _BARE.search(before) else 3
            made = self.inflections.verb(head)[index]
            return f"{made} {tail}" if tail else made
        return word


_SLOT = re.compile(r"\{(\d+)([:%^+]?)([^}]*)\}")
_ENDINGS = ("", "s", "ing", "ed", "en")
_PERFECT = re.compile(
    r"\b(?:have|has|had|having|been|be|is|are|was|were|being|get|got|['’]ve)(?: \w+ly| not| also| already)?\s*$"
)
_BARE = re.compile(
    r"\b(?:to|will|would|can|could|may|might|must|should|shall|not|did|do|does|let|(?:n|['’])t)\s*$"
)
_VOWEL = re.compile(
    r"(?:[aeio]|u(?!ni[^nm]|s[aeiu]|ti|rani|kr|ro|ga)|hour|hono|heir|8|11\b|18\b)(?!ne\b|nce\b|u[rp]?o)"
)


def takes_an(word: str) -> bool:
    """Whether ``word`` takes the article "an": by its sound, as far as spelling tells."""
    return bool(_VOWEL.match(word.lower()))


def _article(match: re.Match[str]) -> str:
    return match[1] + ("n" if takes_an(match[2]) else "")


def _begins_sentence(match: re.Match[str]) -> bool:
    before = match.string[: match.start()]
    return bool(re.search(r"(?:^|[.!?…:][\"”]?\s+|[\"“«]\s*)$", before))


def _is_title(match: re.Match[str]) -> bool:
    words = [word for word in match[0].split() if len(word) > 3]
    return len(words) > 0 and all(word[0].isupper() for word in words)


def compile_trigger(trigger: str) -> re.Pattern[str]:
    """A pattern over lower-case Russian: words, ``*`` for any ending, ``..`` for up to two words."""
    ways = []
    for way in trigger.lower().replace("ё", "е").split("|"):
        parts = []
        for word in way.split():
            parts.append(
                r"(?:\w+\W+){0,2}" if word == ".." else re.escape(word).replace(r"\*", r"\w*")
            )
        regex = r"\W+".join(parts).replace(r"(?:\w+\W+){0,2}\W+", r"(?:\w+\W+){0,2}")
        ways.append(regex)
    return re.compile(r"(?<!\w)(?:" + "|".join(ways) + r")(?!\w)")


class Table:
    """All entries, the index over them, and the inflections that they share."""

    def __init__(self, calques: Iterable[Calque]):
        self.calques = tuple(calques)
        self._index: dict[str, list[int]] = defaultdict(list)
        self._always: list[int] = []
        for number, calque in enumerate(self.calques):
            for word in calque.anchors:
                self._index[word].append(number)
            if not calque.anchors:
                self._always.append(number)

    def find_in(self, text: str, source: str | None) -> Iterator[tuple[Calque, re.Match[str]]]:
        """Every match, in the order of the table, of entries that the source does not rule out."""
        words = set(re.findall(r"[a-z]+", text.lower()))
        wanted = {n for word in words & self._index.keys() for n in self._index[word]}
        russian = None
        for number in sorted(wanted.union(self._always)):
            calque = self.calques[number]
            if calque.needs_source and not source:
                continue
            matches = list(calque.find_in(text))
            if not matches:
                continue
            if source and calque.trigger is not None:
                if russian is None:
                    russian = source.lower().replace("ё", "е")
                if not calque.trigger.search(russian):
                    continue
            for match in matches:
                # A pattern may cover the right wording too: then there is nothing to say.
                fix = calque.mend(match, calque.fixes[0]) if calque.fixes else None
                if fix is None or fix.lower() != match[0].lower():
                    yield calque, match


def read_table(text: str, path: str = "calques.toml") -> Table:
    """The table of a TOML text; raises `RepairError` that names the entry for whatever is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RepairError(f"The table is not valid TOML: {error}.", path=path) from None
    inflections = Inflections(data.get("inflections", {}))
    sets = {f"@{name}": words for name, words in data.get("sets", {}).items()}
    for name, lines in data.get("maps", {}).items():
        pairs = [line.split(" = ") for line in lines]
        inflections.maps[name] = {old.lower(): new for old, new in pairs}
        sets[f"@{name}"] = "|".join(old.replace(" ", "_") for old, _ in pairs)
    calques, names = [], set()
    for entry in data.get("calque", ()):
        name = entry.get("name", "?")
        if name in names:
            raise RepairError(f"Two entries are called {name!r}.", path=path)
        names.add(name)
        try:
            calques.append(_read_entry(entry, sets, inflections))
        except (KeyError, ValueError) as error:
            raise RepairError(
                f"Entry {name!r}: {error}.", path=path, mend="See the head of the table."
            ) from None
    return Table(calques)


def load_table() -> Table:
    """The table that ships with the package."""
    return read_table((resources.files("repair") / "calques.toml").read_text(encoding="utf-8"))


_FIELD_NAMES = (
    "name family find fix source needs_source russian not_after not_before why bad good "
    "category severity"
)
_FIELDS = frozenset(_FIELD_NAMES.split())


def _read_entry(entry: dict, sets: Mapping[str, str], inflections: Inflections) -> Calque:
    if unknown := entry.keys() - _FIELDS:
        raise ValueError(f"unknown field {sorted(unknown)[0]}")
    words = entry["find"].split()
    starts, ends = words[0] == "^", words[-1] == "$"
    words = words[starts : len(words) - ends]
    elements = tuple(_read_element(word, sets, inflections) for word in words)
    fixes = entry.get("fix", ())
    fixes = (fixes,) if isinstance(fixes, str) else tuple(fixes)
    for number, kind, word in (slot.groups() for fix in fixes for slot in _SLOT.finditer(fix)):
        if not 0 < int(number) <= len(elements):
            raise ValueError(f"the pattern has no element {number}")
        if kind == "%" and word not in inflections.maps:
            raise ValueError(f"there is no map {word}")
        if kind == "+" and word not in _ENDINGS:
            raise ValueError(f"there is no ending {word}")
    bad, good = entry["bad"], entry["good"]
    return Calque(
        name=entry["name"],
        family=entry["family"],
        why=entry["why"],
        find=entry["find"],
        elements=elements,
        fixes=fixes,
        category=entry.get("category", "style/awkward"),
        severity=entry.get("severity", "minor"),
        bad=(bad,) if isinstance(bad, str) else tuple(bad),
        good=(good,) if isinstance(good, str) else tuple(good),
        source=entry.get("source", ""),
        needs_source=entry.get("needs_source", False),
        russian=entry.get("russian", ""),
        previous=_read_words(entry.get("not_after", ""), sets, inflections),
        following=_read_words(entry.get("not_before", ""), sets, inflections),
        starts=starts,
        ends=ends,
        inflections=inflections,
    )


def _read_words(
    text: str, sets: Mapping[str, str], inflections: Inflections
) -> re.Pattern[str] | None:
    if not text:
        return None
    return re.compile(_read_element(text, sets, inflections).regex, re.IGNORECASE)


def _read_element(text: str, sets: Mapping[str, str], inflections: Inflections) -> Element:
    optional = len(text) > 1 and text.endswith("?")
    text = text.removesuffix("?") if optional else text
    if text in _PUNCTUATION:
        return Element(_PUNCTUATION[text], optional, frozenset(), (), True)
    if text in _OPEN:
        return Element(_OPEN[text], optional, frozenset(), (), proper=text == "@Name")
    words, forms, open_ways = [], [], []
    for way in text.split("|"):
        if way in _OPEN:
            open_ways.append(_OPEN[way])
            continue
        if way.startswith("@"):
            if way not in sets:
                raise ValueError(f"there is no set {way}")
            ways = sets[way].split("|")
        else:
            ways = [way]
        for one in ways:
            word, _, kind = one.replace("_", " ").partition("/")
            if kind not in ("", "v", "vd", "vs", "vp", "vn", "n"):
                raise ValueError(f"there is no inflection class /{kind}")
            if not kind:
                words.append(word)
                continue
            made = inflections.noun(word) if kind == "n" else inflections.verb(word)
            forms.append(made)
            if kind == "vd":  # past and participle
                words += made[3:]
            elif kind == "vs":  # finite: no -ing form
                words += (*made[:2], *made[3:])
            elif kind == "vp":  # present
                words += made[:2]
            elif kind == "vn":  # neither past nor participle
                words += made[:3]
            else:
                words += made
    unique = sorted({word.lower() for word in words}, key=lambda word: (-len(word), word))
    ways = [re.escape(word).replace("'", "['’]").replace(r"\ ", _GAP) for word in unique]
    regex = "(?:" + "|".join(ways + open_ways) + ")"
    # An element that may be any name or word is no good for the index.
    proper = _NAME in open_ways or any(word != word.lower() for word in words)
    index = frozenset(() if open_ways else unique)
    return Element(regex, optional, index, tuple(forms), proper=proper)
