"""The pattern language of ``calques.toml``: elements, inflection, Russian triggers, a or an.

What the language offers its users is described at the head of the table; here it is turned into
regular expressions. Nothing here knows of entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

GAP = r"[ \u00a0]+"
START = r"(?:^|(?<=[.!?…][ \u00a0])|(?<=[\"“«])|(?<=[.!?…][\"”»][ \u00a0]))"
END = r"(?=[ \u00a0]*(?:[.!?…]|$))"
NAME = (
    r"(?-i:[A-Z][\w.’'-]*[\w’'-](?:[ \u00a0](?:(?:de|von|van|bin|al|der|da|di)[ \u00a0])?"
    r"[A-Z][\w’'-]*[\w’'-]){0,3})"
)
_NUMBER = (
    r"(?:[$€£]?\d+(?:[.,\u00a0 ]\d+)*"
    r"(?:%|[ \u00a0]?(?:thousand|million|billion|trillion|percent|per cent))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|sixty|hundred|several|many)"
)
_OPEN = {
    "@Name": NAME,
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


_VOWEL = re.compile(
    r"(?:[aeio]|u(?!ni[^nmd]|s[aeiu]|ti|rani|kr|ro|ga)|hour|hono|heir|8|11\b|18\b)(?!ne\b|nce\b|u[rp]?o)"
)


def takes_an(word: str) -> bool:
    """Whether ``word`` takes the article "an": by its sound, as far as spelling tells."""
    return bool(_VOWEL.match(word.lower()))


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


def read_words(
    text: str, sets: Mapping[str, str], inflections: Inflections
) -> re.Pattern[str] | None:
    """A pattern for one word out of ``text`` (alternatives as in an element), None for ""."""
    if not text:
        return None
    return re.compile(read_element(text, sets, inflections).regex, re.IGNORECASE)


def read_element(text: str, sets: Mapping[str, str], inflections: Inflections) -> Element:
    """One position of a pattern as it is written in the table; raises `ValueError`."""
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
    ways = [re.escape(word).replace("'", "['’]").replace(r"\ ", GAP) for word in unique]
    regex = "(?:" + "|".join(ways + open_ways) + ")"
    # An element that may be any name or word is no good for the index.
    proper = NAME in open_ways or any(word != word.lower() for word in words)
    index = frozenset(() if open_ways else unique)
    return Element(regex, optional, index, tuple(forms), proper=proper)
