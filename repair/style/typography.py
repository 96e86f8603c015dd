"""Quotes, spaces, dashes, doubled words, stops, mixed scripts, letter case: one check a function.

A check reads a `Passage` and yields `Flag`s. Its name is the rule's name, its docstring says what
the rule is about. Text that must not be touched (addresses, code, quoted foreign text) is masked
in ``Passage.text`` by private-use characters of the same length, so no pattern can match there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..core import Edit

MASK = "\ue000"

# What a newsroom writes after a quotation, to tell a closing mark from an opening one.
SPEECH = (
    "said|says|say|added|adds|noted|notes|told|explained|explains|stressed|stresses|stated|"
    "states|wrote|writes|reported|reports|emphasized|emphasised|concluded|recalled|admitted|"
    "believes|believed|thinks|thought|asked|answered|replied|quoted|quotes|declared|announced|"
    "commented|continued|continues|complained|insisted|warned|argued|assured|assures|shared|"
    "recalls|confirmed|confirms|clarified|remarked|claimed|claims|sums|summed|quote"
)


class Flag(NamedTuple):
    """A place that a rule objects to: ``edits`` mend it together, ``()`` where nothing is certain.

    ``start`` and ``end`` bound the place. ``others`` are further fixes of the same place, each one
    text for ``start``..``end``.
    """

    start: int
    end: int
    edits: tuple[Edit, ...]
    message: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """One segment as the checks see it.

    ``text`` is the masked text; ``tokenised`` says that spaces stand around all punctuation, as in
    corpora, so that spacing is no error; ``curly`` says that the document prefers curly quotes.
    """

    text: str
    source: str | None = None
    tokenised: bool = False
    curly: bool = False


_MASKED = re.compile(
    r"`[^`]*`"  # code
    r"|https?://\S+|www\.\S+"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w])[@#]\w+"
    r"|</?[a-zA-Z][^<>]{0,200}>|\{\w{0,40}\}|%\(\w+\)[sd]|&\w{2,8};"
    r"|\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:ru|com|org|net|ua|by|info|gov|edu|io|tv|uk|us|eu|de|"
    r"рф|me|news|online|html?|pdf|jpe?g|docx?|xlsx?|exe|py|js|css|json|xml)\b(?:/\S*)?"
    r"|\b\w+\((?=[^\s()]*\))[^\s()]*\)"  # a call
    r"|[\w\\/]+(?:[\\/_][\w.]+)*\w*_\w+"  # snake_case and paths
)
_MAY_MASK = re.compile(r"[@#`<{&_]|%\(|://|www\.|\w\(|\.[A-Za-zр]")
_QUOTED = re.compile(r"[\"“«„]([^\"“”«»„]{1,300})[\"”»“]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_FOREIGN = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")


def mask(text: str) -> str:
    """``text`` with addresses, code and quoted foreign text replaced, at the same offsets."""
    if not text.isascii():
        for quoted in list(_QUOTED.finditer(text)):
            letters, foreign = _LETTER.findall(quoted[1]), _FOREIGN.findall(quoted[1])
            # One mixed word is no foreign quotation; a quotation without Latin words is.
            if foreign and len(foreign) > 0.9 * len(letters):
                start, end = quoted.span()
                text = text[:start] + MASK * (end - start) + text[end:]
    if not _MAY_MASK.search(text):
        return text
    return _MASKED.sub(lambda match: MASK * len(match[0]), text)


# --- spaces -------------------------------------------------------------------------------------

_SPACED = re.compile(r"(?<=[^\s(\[])[ \u00a0]+([,;:!?]|\.(?!\w|\.))(?=[\s\"”»’')\]]|$)")
_SWAPPED = re.compile(r"(?<=[\w\ue000)\]\"”»’'])[ \u00a0]+,(?=[A-Za-z]{2})")
_ATTACHED = re.compile(r"[\w\ue000)\]\"”»’'%][,;:!?.](?=\s|$)")


def count_spacing(text: str) -> tuple[int, int]:
    """How many punctuation marks stand apart from their word, and how many are attached."""
    return len(_SPACED.findall(text)), len(_ATTACHED.findall(text))


def space_before_punctuation(passage: Passage) -> Iterator[Flag]:
    """No space before a comma, stop, colon, semicolon, question or exclamation mark."""
    if passage.tokenised:
        return
    text = passage.text
    for match in _SPACED.finditer(text):
        start, end = match.start(), match.start(1)
        before = text[start - 1]
        # A smiley, a range or a list of signs is no sentence punctuation.
        if match[1] == ":" and end + 1 < len(text) and text[end + 1] in ")(-":
            continue
        if before in '-–—:;,.!?…"“”«»„' or text[end:].startswith("..."):
            continue
        yield Flag(
            start,
            end + 1,
            (Edit(start, end, ""),),
            f"No space before {match[1]!r}.",
        )
    for match in _SWAPPED.finditer(text):
        fix = Edit(match.start(), match.end(), ", ")
        yield Flag(*match.span(), (fix,), "The space belongs after the comma.")


_IN_BRACKETS = re.compile(r"(?<=[(\[])[ \u00a0]+(?=\S)|(?<=[^\s(\[])[ \u00a0]+(?=[)\]])")


def space_in_brackets(passage: Passage) -> Iterator[Flag]:
    """No space inside round or square brackets."""
    if passage.tokenised or not ("(" in passage.text or "[" in passage.text):
        return
    for match in _IN_BRACKETS.finditer(passage.text):
        start, end = match.span()
        if passage.text[start - 1 : end + 1].replace(" ", "") in ("[]", "()"):
            continue
        yield Flag(start, end, (Edit(start, end, ""),), "No space inside brackets.")


_MISSING = re.compile(
    r"(?<=[a-z]{2})[,;](?=[A-Za-z]{2})"
    r"|(?<=[a-z]{2}[!?])(?=[A-Z][a-z])"
    r"|(?<=[a-z]{3}\.)(?=(?:The|In|He|She|It|We|They|But|And|This|That|These|As|At|On|If|For|His|"
    r"Her|You|Also|After|However|According|There|What|When|Now|Not|So|Our|All|One|No|By|From|"
    r"Earlier|Then|Their|Its|Today|Meanwhile)\b)"
    r"|(?<=[a-z]{2})(?=\((?!s\)|es\)|ies\))[A-Za-z]{3,}[\s,])"
    r"|(?<=[A-Za-z]\))(?=[A-Za-z]{3,})"
)


def missing_space(passage: Passage) -> Iterator[Flag]:
    """A space after a comma, a stop or a closing bracket, and before an opening one."""
    text = passage.text
    for match in _MISSING.finditer(text):
        place = match.end()
        if text[place - 1] == "." and text[:place].split()[-1][0].isupper():
            continue  # Mail.Today is a name
        if match[0]:
            yield Flag(match.start(), place, (Edit(place, place, " "),), "A space is missing.")
        else:
            yield Flag(place - 1, place + 1, (Edit(place, place, " "),), "A space is missing.")


_DOUBLE_SPACE = re.compile(r"(?<=[\w,]) {2,}(?=\w)")


def double_space(passage: Passage) -> Iterator[Flag]:
    """One space between two words."""
    if "  " in passage.text:
        found = list(_DOUBLE_SPACE.finditer(passage.text))
        # Many of them are a layout (a table, spaced letters), not slips.
        if len(found) <= 3:
            for match in found:
                yield Flag(
                    *match.span(), (Edit(match.start(), match.end() - 1, ""),), "Two spaces."
                )


_DOUBLE_SIGN = re.compile(
    r"(?<=\w)(,[ \u00a0]?,(?=\s)|\.\.(?=\s|$|[\"”])|,\.(?=\s|$)|[!?]\.(?=\s|$))"
)
_ABBREVIATION = re.compile(r"(?:\b\w|\b(?:Mr|Mrs|Ms|Dr|St|Inc|Ltd|Co|Corp|Jr|Sr|etc|No|vs|al))$")


def double_punctuation(passage: Passage) -> Iterator[Flag]:
    """Two marks where one is meant: ``,,`` ``..`` ``,.`` ``?.``"""
    if passage.tokenised:
        return
    text = passage.text
    for match in _DOUBLE_SIGN.finditer(text):
        sign = match[1].replace(" ", "").replace("\u00a0", "")
        if sign[0] in "!?":
            word = re.search(r"\w+$", text[: match.start()])
            if word and word[0][0].isupper():  # Yahoo!
                continue
        if sign == ".." and _ABBREVIATION.search(text, 0, match.start()):
            continue
        fixed = "." if sign == ",." else sign[0]
        yield Flag(
            *match.span(),
            (Edit(match.start(), match.end(), fixed),),
            f"{match[1]!r} instead of one mark.",
        )


# --- dashes -------------------------------------------------------------------------------------

_SUBJECT = (
    rf"(?:(?:he|she|they|we|I|it)[ ](?:also[ ])?(?:{SPEECH})|(?:{SPEECH})"
    rf"|(?:[A-Z][\w.'’-]+[ ]){{1,4}}(?:{SPEECH})"
    rf"|(?:the|a|an|our|his|her)[ ](?:[\w'’-]+[ ]){{1,5}}?(?:{SPEECH}))\b(?![ ](?:and|or|[-–—]))"
)
_QUOTE_DASH = re.compile(
    rf"(?P<quote>[\"”»])(?P<comma>,?)[ \u00a0]*[-–—]{{1,2}}[ \u00a0]*(?={_SUBJECT})"
)
_COMMA_DASH = re.compile(rf"(?<=\w)(?P<sign>[,!?])[ \u00a0]*[-–—]{{1,2}}[ \u00a0]*(?={_SUBJECT})")
_STOP_DASH = re.compile(r"(?<=[.!?])[ \u00a0]+[-–—]{1,2}[ \u00a0]+(?=[\"“«])")


def attribution_dash(passage: Passage) -> Iterator[Flag]:
    """English sets a comma, not a dash, between the quotation and who said it."""
    text = passage.text
    if "-" not in text and "–" not in text and "—" not in text:
        return
    why = "The dash before who said it is Russian punctuation; English sets a comma."
    for match in _QUOTE_DASH.finditer(text):
        before = text[: match.start()].rstrip()[-1:]
        comma = "" if match["comma"] or before in ",.!?…" else ","
        if before == ".":
            # A full stop inside the quotation becomes the comma.
            stop = len(text[: match.start()].rstrip()) - 1
            if text[stop - 1 : stop] != ".":
                fix = "," + text[stop + 1 : match.start()] + match["quote"] + " "
                yield Flag(stop, match.end(), (Edit(stop, match.end(), fix),), why)
                continue
        fix = comma + match["quote"] + match["comma"] + " "
        yield Flag(match.start(), match.end(), (Edit(match.start(), match.end(), fix),), why)
    for match in _COMMA_DASH.finditer(text):
        fix = Edit(match.start(), match.end(), match["sign"] + " ")
        yield Flag(match.start(), match.end(), (fix,), why)
    for match in _STOP_DASH.finditer(text):
        fix = Edit(match.start(), match.end(), " ")
        yield Flag(match.start(), match.end(), (fix,), "No dash before the quotation goes on.")


# --- words --------------------------------------------------------------------------------------

_DOUBLED = re.compile(
    r"\b([a-z]+(?:'[a-z]+)?)[ \u00a0]+\1\b(?!['’-]|[ \u00a0]+\1\b)", re.IGNORECASE
)
_DOUBLED_PAIR = re.compile(r"\b([a-z]+ (?:the|a|of|in|to|on|for|and|from|with|by)) \1\b")
_MAY_DOUBLE_WORDS = (
    "had that very many far long bye no yes so well there now really never again ha blah please "
    "who what is was do in on her you more much too hear knock boo never hush tut tick out over "
    "wait go come run step round half one two poor dear good bad big old little up down"
)
_MAY_DOUBLE = frozenset(_MAY_DOUBLE_WORDS.split())


def doubled_word(passage: Passage) -> Iterator[Flag]:
    """The same word twice in a row."""
    text = passage.text
    for match in _DOUBLED.finditer(text):
        word = match[1]
        first, second = match[0][: len(word)], match[0][-len(word) :]
        lower = word.lower()
        # Bora Bora, New New York; "AA AA"; the source may double it too.
        if lower in _MAY_DOUBLE or len(word) == 1 or second[0].isupper():
            continue
        if first[0].isupper() and lower not in ("the", "a", "an", "of", "to", "for", "and", "it"):
            continue
        if match.start() and text[match.start() - 1] in "'’-–—":
            continue
        cut = Edit(match.start() + len(word), match.end(), "")
        yield Flag(match.start(), match.end(), (cut,), f"“{word}” is doubled.")
    for match in _DOUBLED_PAIR.finditer(text):
        if match[1].split()[0] in _MAY_DOUBLE:
            continue
        cut = Edit(match.start() + len(match[1]), match.end(), "")
        yield Flag(match.start(), match.end(), (cut,), f"“{match[1]}” is doubled.")


_WORD_MIXED = re.compile(r"[^\W\d_]*(?:[a-zA-Z][\u0400-\u052f]|[\u0400-\u052f][a-zA-Z])[^\W\d_]*")
_LOOKALIKES = str.maketrans("АВЕКМНОРСТХУЅІЈаеорсухіѕј", "ABEKMHOPCTXYSIJaeopcyxisj")


def mixed_script(passage: Passage) -> Iterator[Flag]:
    """Cyrillic letters inside a Latin word."""
    if passage.text.isascii():
        return
    for match in _WORD_MIXED.finditer(passage.text):
        latin = match[0].translate(_LOOKALIKES)
        fix = () if _CYRILLIC.search(latin) else (Edit(match.start(), match.end(), latin),)
        yield Flag(*match.span(), fix, f"“{match[0]}” mixes Cyrillic and Latin letters.")


# Written in capitals by themselves; in title case they are no English word or common name.
_CAPITALS = (
    "Tass|Itar-Tass|Fsb|Fbi|Gru|Svr|Osce|Gdp|Usa|Cis|Csto|Rbc|Rbk|Dpr|Lpr|Dnr|Lnr|Imf|Wto|Afp|"
    "Cnn|Ussr|Uae|Nhl|Khl|Kgb|Mgimo|Hiv|Dna|Vtsiom|Vciom|Fsin|Fns|Fas|Nkvd|Rsfsr|Pace|Mvd|Mchs|"
    "Gibdd|Egrul|Uefa|Fifa|Wada|Rusada|Usada|Ria"
)
_CAPITALS_RE = re.compile(rf"(?<![\w’'-])(?:{_CAPITALS}|tass|itar-tass)(?![\w’-])")
_BODIES = re.compile(
    r"(?<![\w’'-])(?:Un|Eu)(?= (?:Security Council|General Assembly|Secretary|Human Rights|"
    r"resolution|sanctions|peacekeep|Commission|member|summit|countries|leaders|ambassador|envoy|"
    r"Charter|mission|headquarters))"
)


def acronym_case(passage: Passage) -> Iterator[Flag]:
    """Agencies and acronyms that are written in capitals: TASS, FSB, UN Security Council."""
    text = passage.text
    for match in _CAPITALS_RE.finditer(text):
        word = match[0]
        following = text[match.end() : match.end() + 8]
        if word == "Ria" and not following.startswith(" Novosti"):
            continue
        # British papers write Fifa, Uefa, Wada: only wrong beside the capitals.
        if word in ("Fifa", "Uefa", "Wada", "Pace", "Usada", "Rusada") and word.upper() not in text:
            continue
        fix = Edit(match.start(), match.end(), word.upper())
        yield Flag(*match.span(), (fix,), f"“{word.upper()}” is written in capitals.")
    for match in _BODIES.finditer(text):
        fix = Edit(match.start(), match.end(), match[0].upper())
        yield Flag(*match.span(), (fix,), f"“{match[0].upper()}” is written in capitals.")


# --- stops --------------------------------------------------------------------------------------

_ENDS = re.compile(r"[.!?…][\"”»’')\]]*\s*$")
_ENDS_IN_WORD = re.compile(r"[\w)%](?:[\"”»])?\s*$")


def missing_stop(passage: Passage) -> Iterator[Flag]:
    """The source ends with a stop, the translation ends with a word."""
    source, text = passage.source, passage.text
    if not source or len(text) < 25:
        return
    end = re.search(r"([.!?])[\"”»’')\]]*\s*$", source)
    if not end or source.rstrip().endswith("...") or not _ENDS_IN_WORD.search(text):
        return
    place = len(text.rstrip())
    if MASK in text[place - 1 : place]:
        return
    sign = f" {end[1]}" if passage.tokenised else end[1]
    yield Flag(place - 1, place, (Edit(place, place, sign),), "The closing stop is missing.")


def added_stop(passage: Passage) -> Iterator[Flag]:
    """The source is a headline without a stop, the translation has one."""
    source, text = passage.source, passage.text
    if not source or not text.endswith(".") or text.endswith("..") or not 15 <= len(text) <= 110:
        return
    if not re.search(r"[^\W\d_]$", source.rstrip()) or re.search(r"[.!?]\s", source):
        return
    if not re.search(r"[^\W\d_.]{3,}\.$", text) or re.search(r"[.!?]\s", text):
        return
    place = len(text) - 1
    yield Flag(place, place + 1, (Edit(place, place + 1, ""),), "The source has no stop here.")


CHECKS: dict[str, Callable[[Passage], Iterator[Flag]]] = {
    "space-before-punctuation": space_before_punctuation,
    "space-in-brackets": space_in_brackets,
    "missing-space": missing_space,
    "double-space": double_space,
    "double-punctuation": double_punctuation,
    "attribution-dash": attribution_dash,
    "doubled-word": doubled_word,
    "mixed-script": mixed_script,
    "acronym-case": acronym_case,
    "missing-stop": missing_stop,
    "added-stop": added_stop,
}
