"""The table of calques and false friends, ``calques.toml``: entries and engine.

The pattern language is described at the head of the table. A pattern is compiled to one regular
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

from ..core import RepairError
from .patterns import (
    END,
    GAP,
    NAME,
    START,
    Element,
    Inflections,
    compile_trigger,
    read_element,
    read_words,
    takes_an,
)

# Words too common to be worth an index entry; a pattern is indexed under another of its words.
_COMMON_WORDS = (
    "the a an of to in on and for by with at from that this it is was be are were as not he she "
    "they we his her its their has have had will would who which what all one out up about into "
    "more than or but if so no can could new year years also said its there been after over"
)
_COMMON = frozenset(_COMMON_WORDS.split())


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
            gap = r"[ \u00a0]*" if element.punctuation or after_sign else GAP
            if not begun:
                parts.append(f"(?:{group}{GAP})?" if element.optional else group)
                begun = not element.optional
            else:
                parts.append(f"(?:{gap}{group})?" if element.optional else gap + group)
            after_sign = element.punctuation and not element.optional
        head = "" if self.elements[0].punctuation else r"(?<![\w’'-])(?<!\d[.,])"
        head = START + head if self.starts else head
        tail = "" if self.elements[-1].punctuation else r"(?![\w-]|['’]\w)"
        return re.compile(head + "".join(parts) + tail + (END if self.ends else ""), re.IGNORECASE)

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
        start, names = match.start(), [element.regex == NAME for element in self.elements]

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
        if self.family == "office" and _is_title(match) and not _begins_sentence(match):
            # A title before a name keeps its capitals.
            return re.sub(r"\b[a-z](?=\w{3})", lambda letter: letter[0].upper(), text)
        if match[0][:1].isupper() and text[:1].islower():
            spoken = not (match[0].istitle() or names[0] or _is_title(match))
            if spoken or _begins_sentence(match):
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


def _article(match: re.Match[str]) -> str:
    return match[1] + ("n" if takes_an(match[2]) else "")


def _begins_sentence(match: re.Match[str]) -> bool:
    before = match.string[: match.start()]
    return bool(re.search(r"(?:^|[.!?…:][\"”]?\s+|[\"“«]\s*)$", before))


def _is_title(match: re.Match[str]) -> bool:
    words = [word for word in match[0].split() if len(word) > 3]
    return len(words) > 0 and all(word[0].isupper() for word in words)


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
    return read_table((resources.files(__package__) / "calques.toml").read_text(encoding="utf-8"))


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
    elements = tuple(read_element(word, sets, inflections) for word in words)
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
        previous=read_words(entry.get("not_after", ""), sets, inflections),
        following=read_words(entry.get("not_before", ""), sets, inflections),
        starts=starts,
        ends=ends,
        inflections=inflections,
    )
