"""What a change looks like: the edits of a hypothesis, which of them belong together, of what kind.

A hypothesis is cut by `align.diff` into minimal edits. Edits that are worth nothing apart (the
two ends of a moved word, a pair of quotes) form one `Bundle`; most bundles are a single edit.

``priors.json`` holds log-odds, fitted on development data: see `repair.corpora.measure_hypotheses`,
whose command makes the file anew. The data are the outputs of newstest2021 (ru-en): as MT those
of the three weakest systems, as hypotheses those of the others, one to three at a time. A bundle
counts as better if, applied alone, it brings the segment nearer to one of the two references, in
token edit distance, and takes it away from neither; a place counts as wrong if neither
reference, aligned by `align.diff`, leaves it as it is.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from ..align import diff, tokens
from ..core import Edit, apply
from ..ngrams import FUNCTION_WORDS


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ARTICLES = frozenset({"a", "an", "the"})
_NEGATIONS = _listed("no not never none nobody nothing nowhere neither nor without cannot")
_NUMBERS = _listed("""zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred hundreds thousand thousands million millions billion billions trillion trillions dozen
    dozens half third quarter first second fourth fifth sixth seventh eighth ninth tenth""")
_ENDING = re.compile(
    r"(?:[bdglmnprt]?(?:ed|er|ers|est|ing)|e?[sd]|e|ly|y|ies|ied|ier|en|n|['’]s?)?"
)
# What tokenizers of models flatten without meaning it: the look of a sign, not the sign.
_SHAPES = str.maketrans("“”„‟«»‘’‚‛`´‐‑‒–—―−", '"' * 6 + "'" * 6 + "-" * 7)
_QUOTES = '"“”„‟«»'
_BRACKETS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Edits of one hypothesis that are worth nothing apart, mostly a single one."""

    edits: tuple[Edit, ...]
    kept: float  # the share of the tokens of the mt that the whole hypothesis leaves alone


def cut(mt: str, hypothesis: str, *, shapes: bool = True) -> list[Bundle]:
    """The bundles of edits that turn ``mt`` into ``hypothesis``, but for its spaces.

    Whitespace around the hypothesis, and any that merely replaces other whitespace, is taken
    from ``mt``. With ``shapes`` true, all bundles applied give ``hypothesis`` in other respects.
    """
    body = mt.strip()
    lead = mt[: len(mt) - len(mt.lstrip())] if body else mt
    tail = mt[len(mt.rstrip()) :] if body else ""
    fitted = lead + hypothesis.strip() + tail
    edits = [
        edit
        for edit in diff(mt, fitted)
        if not _only_respaces(mt, edit)
        and (shapes or _shape(mt[edit.start : edit.end]) != _shape(edit.text))
    ]
    places = tokens(mt)
    lost = sum(any(e.start < b and a < e.end for e in edits) for a, b in places)
    kept = 1 - lost / len(places) if places else 0.0
    return [Bundle(tuple(edits[i] for i in part), kept) for part in _together(mt, edits)]


def _only_respaces(mt: str, edit: Edit) -> bool:
    """Whether there is a space before and after the edit, of whatever kind and width."""
    old, new = mt[edit.start : edit.end], edit.text
    around = mt[max(edit.start - 1, 0) : edit.start] + mt[edit.end : edit.end + 1]
    beside = any(c.isspace() for c in around)
    return not old.strip() and not new.strip() and (beside or bool(old and new))


def _shape(text: str) -> str:
    return text.translate(_SHAPES).replace("…", "...").replace("''", '"')


def _together(mt: str, edits: Sequence[Edit]) -> list[list[int]]:
    """Indices of edits that belong together, in order of their first."""
    parent = list(range(len(edits)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in (*_moves(mt, edits), *_pairs(mt, edits)):
        a, b = sorted((root(i), root(j)))
        parent[b] = a
    parts: dict[int, list[int]] = {}
    for i in range(len(edits)):
        parts.setdefault(root(i), []).append(i)
    return list(parts.values())


def _moves(mt: str, edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Pairs of edits of which one takes away a word that the other brings."""
    for i, one in enumerate(edits):
        for j, other in enumerate(edits):
            if i != j and _moves_to(mt, one, other):
                yield i, j


def _moves_to(mt: str, one: Edit, other: Edit) -> bool:
    (gone, put), (taken, come) = _change(mt, one), _change(mt, other)
    shared = gone & come
    if any(w not in FUNCTION_WORDS or w in _NEGATIONS for w in shared):
        return True
    # A short word that only leaves here and only comes there, and not far away, has moved too
    # (look up the word, look the word up); articles come and go on their own.
    between = mt[min(one.end, other.end) : max(one.start, other.start)]
    pure = bool(shared) and gone == come and not put and not taken
    return pure and not set(shared) <= _ARTICLES and len(tokens(between)) <= 6


def _pairs(mt: str, edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Pairs of edits that touch the two ends of one pair of quotes or brackets, on either side."""
    ranges, shift = [], 0
    for edit in edits:
        ranges.append((edit.start + shift, edit.start + shift + len(edit.text)))
        shift += len(edit.text) - (edit.end - edit.start)
    for text, where in ((mt, [(e.start, e.end) for e in edits]), (apply(mt, edits), ranges)):
        for opening, closing in _paired(text):
            i = next((k for k, (a, b) in enumerate(where) if a <= opening < b), None)
            j = next((k for k, (a, b) in enumerate(where) if a <= closing < b), None)
            if i is not None and j is not None and i != j:
                yield i, j


def _paired(text: str) -> Iterable[tuple[int, int]]:
    """Offsets of opening and closing quotes and brackets; quotes alternate, whatever their look."""
    quote, opened = None, []
    for place, sign in enumerate(text):
        if sign in _QUOTES:
            if quote is None:
                quote = place
            else:
                yield quote, place
                quote = None
        elif sign in "([{":
            opened.append(place)
        elif sign in _BRACKETS and opened and text[opened[-1]] == _BRACKETS[sign]:
            yield opened.pop(), place


def _words(text: str) -> list[str]:
    return [text[a:b].casefold() for a, b in tokens(text) if any(c.isalnum() for c in text[a:b])]


@lru_cache(1024)  # asked many times for each pair of edits of a segment
def _change(mt: str, edit: Edit) -> tuple[Counter, Counter]:
    """Words that go and words that come, with their number, in lower case."""
    old, new = Counter(_words(mt[edit.start : edit.end])), Counter(_words(edit.text))
    return old - new, new - old


def category_of(mt: str, edit: Edit, bundle: Sequence[Edit] = ()) -> str:
    """The category that an edit looks like, from its two sides and the rest of its bundle."""
    old, new = mt[edit.start : edit.end], edit.text
    gone, come = _change(mt, edit)
    if not gone and not come:
        if Counter(_words(old)) and _words(old) != _words(new):
            return "fluency/word-order"
        signs = [
            Counter(c for c in _shape(t) if not c.isspace() and not c.isalnum()) for t in (old, new)
        ]
        quotes = {'"', "'", "-"}
        moved_signs = set((signs[0] - signs[1]) + (signs[1] - signs[0]))
        return "fluency/punctuation" if moved_signs - quotes else "fluency/typography"
    words = [*gone, *come]
    if any(_negates(w) for w in gone) != any(_negates(w) for w in come):
        return "accuracy/negation"
    if any(c.isdigit() for w in words for c in w) or any(w in _NUMBERS for w in words):
        return "accuracy/number"
    if any(_moves_to(mt, edit, e) or _moves_to(mt, e, edit) for e in bundle if e != edit):
        return "fluency/word-order"
    if all(w in FUNCTION_WORDS for w in words):
        return "fluency/grammar"
    if not gone:
        return "accuracy/omission"
    if not come:
        return "accuracy/addition"
    content = [[w for w in side if w not in FUNCTION_WORDS] for side in (gone, come)]
    if len(content[0]) == len(content[1]) and all(map(_related, *content)):
        return "fluency/grammar"
    if _names(mt, old, edit.start) and _names(mt, new, edit.start):
        return "accuracy/entity"
    return "accuracy/mistranslation"


def _negates(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(("n't", "n’t"))


def _related(one: str, other: str) -> bool:
    """Whether two words look like forms of one: walk, walked; study, studies."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    rest = (one[same:], other[same:])
    return same >= 3 and all(_ENDING.fullmatch(r) for r in rest)


def _names(mt: str, text: str, start: int) -> bool:
    """Whether ``text`` has a capitalized word that does not merely begin the segment."""
    found = [text[a:b] for a, b in tokens(text) if text[a].isalpha()]
    if not mt[:start].strip(" \"'“”«»([-–—"):
        found = found[1:]
    return any(w[0].isupper() and w.casefold() not in FUNCTION_WORDS for w in found)


def features(mt: str, bundle: Bundle, agreed: int, total: int) -> tuple[str, ...]:
    """What the priors know of a bundle: the keys of its rows in ``priors.json``."""
    edit = bundle.edits[0]
    old, new = _words(mt[edit.start : edit.end]), _words(edit.text)
    if len(bundle.edits) > 1:
        categories = {category_of(mt, e, bundle.edits) for e in bundle.edits}
        kind = "move" if "fluency/word-order" in categories else "pair"
    else:
        act = "replace" if old and new else "insert" if new else "delete" if old else "signs"
        kind = f"{act} {category_of(mt, edit).partition('/')[2]}"
    size = sum(max(len(_words(mt[e.start : e.end])), len(_words(e.text))) for e in bundle.edits)
    words = "1" if size <= 1 else "2" if size == 2 else "3-5" if size <= 5 else "6+"
    if total == 1:
        vote = "alone"
    elif agreed == total:
        vote = "all of 2" if total == 2 else "all of 3+"
    else:
        vote = "half or more" if 2 * agreed >= total else "fewer than half"
    kept = next(name for least, name in _KEPT if bundle.kept >= least)
    return f"kind: {kind}", f"words: {words}", f"vote: {vote}", f"kept: {kept}"


_KEPT = ((0.85, "85%+"), (0.7, "70-85%"), (0.55, "55-70%"), (0.4, "40-55%"), (0.0, "under 40%"))


@cache
def priors() -> dict:
    """The table of log-odds: ``wrong`` and ``better``, each with an intercept under ``base``."""
    return json.loads(files(__package__).joinpath("priors.json").read_text("utf-8"))


def confidences(mt: str, bundle: Bundle, agreed: int, total: int) -> tuple[float, float]:
    """How probable it is that the place is wrong, and that the bundle makes the segment better.

    ``agreed`` of ``total`` producers have it. A kind of edit that was too rare to be measured
    counts as the average one.
    """
    keys = features(mt, bundle, agreed, total)
    odds = [
        table["base"] + sum(table.get(key, 0.0) for key in keys)
        for table in (priors()["wrong"], priors()["better"])
    ]
    wrong, better = (round(1 / (1 + math.exp(-o)), 3) for o in odds)
    return max(wrong, better), better
