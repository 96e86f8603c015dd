"""The surface of translated news: typography, calques and false friends, consistency.

`Style` is a stage of the pipeline. Its rules are the checks of `typography` and `quotes`, the
entries of ``calques.toml`` and the document check of `consistency`; each has a name, which the
findings carry (``style/quote-space``). How sure a finding is was measured, not guessed: see
``precision.toml`` and ``python -m repair.corpora.measure_style``, which writes it.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from itertools import groupby

from ..core import Candidate, Edit, ErrorSpan, Finding, RepairError, Segment
from .calques import Calque, Table, load_table
from .consistency import one_name_two_spellings
from .patterns import takes_an
from .quotes import quote_space
from .typography import CHECKS, Flag, Passage, count_spacing, mask

VERSION = "1"

SURFACE = {"quote-space": quote_space, **CHECKS}
CONSISTENCY = "name-consistency"
_CATEGORY = {
    "quote-space": "fluency/typography",
    "space-before-punctuation": "fluency/typography",
    "space-in-brackets": "fluency/typography",
    "missing-space": "fluency/typography",
    "double-space": "fluency/typography",
    "acronym-case": "fluency/typography",
    "mixed-script": "fluency/spelling",
    "doubled-word": "fluency/grammar",
    CONSISTENCY: "fluency/inconsistency",
}


@lru_cache(maxsize=1)
def _shipped_table() -> Table:
    return load_table()


@lru_cache(maxsize=1)
def _precision() -> dict[str, dict[str, list[int]]]:
    text = (resources.files(__package__) / "precision.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def shrink(counts: tuple[int, int], prior: float, strength: float = 6.0) -> float:
    """The share of good ones among ``(good, bad)``, drawn towards ``prior`` where there are few."""
    good, bad = counts
    return (good + strength * prior) / (good + bad + strength)


class Style:
    """Finds what gives a translation away on its surface, and mends what is certain.

    ``rules`` limits the rules: names, families or patterns of either (``"quote-*"``), a leading
    ``!`` takes rules away; None means all. Raises `RepairError` for a name that fits no rule.
    """

    def __init__(self, *, rules: Iterable[str] | None = None):
        table = _shipped_table()
        families = {calque.name: calque.family for calque in table.calques}
        families |= dict.fromkeys(SURFACE, "typography")
        families[CONSISTENCY] = "consistency"
        chosen = _choose_rules(families, None if rules is None else list(rules))
        self._families = families
        self._checks = {name: check for name, check in SURFACE.items() if name in chosen}
        self._table = Table(calque for calque in table.calques if calque.name in chosen)
        self._consistent = CONSISTENCY in chosen
        self.rules = tuple(name for name in families if name in chosen)
        key = "\n".join((*self.rules, *(c.find + "\t" + "\t".join(c.fixes) for c in table.calques)))
        digest = hashlib.blake2b(key.encode(), digest_size=4).hexdigest()
        self.signature = f"style/{VERSION}+{len(self.rules)}rules.{digest}"

    def __call__(self, segments: Sequence[Segment]) -> list[list[Finding]]:
        """Findings of each segment, in the order of the text."""
        texts = [mask(segment.mt) for segment in segments]
        tokenised = self._read_spacing(segments, texts)
        findings: list[list[Finding]] = []
        for doc, group in groupby(range(len(segments)), key=lambda n: segments[n].doc):
            members = list(group)
            together = doc is not None and _prefers_curly([texts[n] for n in members])
            passages = [
                Passage(
                    texts[n],
                    segments[n].source,
                    tokenised[n],
                    together if doc is not None else _prefers_curly([texts[n]]),
                )
                for n in members
            ]
            found = [self._check(passage) for passage in passages]
            if self._consistent and doc is not None and len(members) > 1:
                for flags, own in zip(one_name_two_spellings(passages), found, strict=True):
                    own += (self._finding(CONSISTENCY, flag) for flag in flags)
            findings += (sorted(own, key=lambda f: (f.span.start, f.span.end)) for own in found)
        return findings

    def family(self, rule: str) -> str:
        """The family of a rule, such as ``typography`` or ``attribution``."""
        return self._families[rule]

    @staticmethod
    def _read_spacing(segments: Sequence[Segment], texts: list[str]) -> list[bool]:
        """Whether each text is tokenised; texts without a document are judged together."""
        by_doc: dict[str | None, list[int]] = {}
        for number, segment in enumerate(segments):
            by_doc.setdefault(segment.doc, []).append(number)
        tokenised = [False] * len(segments)
        for numbers in by_doc.values():
            for number, answer in zip(
                numbers, _tokenised([texts[n] for n in numbers]), strict=True
            ):
                tokenised[number] = answer
        return tokenised

    def _check(self, passage: Passage) -> list[Finding]:
        findings = []
        for name, check in self._checks.items():
            for number, flag in enumerate(check(passage)):
                findings += self._split(name, flag, number)
        findings += self._calques(passage)
        return findings

    def _split(self, name: str, flag: Flag, number: int) -> Iterator[Finding]:
        """One finding an edit; edits of one flag share a group, since half of them mends nothing."""
        if len(flag.edits) <= 1:
            yield self._finding(name, flag)
            return
        group = f"style/{name}/{number}:{flag.start}"
        for edit in flag.edits:
            part = Flag(edit.start, edit.end, (edit,), flag.message)
            yield self._finding(name, part, group)

    def _finding(self, name: str, flag: Flag, group: str | None = None) -> Finding:
        by = f"style/{name}"
        sure, better = confidence(name, self._families[name])
        span = ErrorSpan(
            flag.start,
            flag.end,
            _CATEGORY.get(name, "fluency/punctuation"),
            "minor",
            sure,
            by,
            flag.message,
        )
        candidates = [Candidate(edit, by, better, flag.message, group=group) for edit in flag.edits]
        return Finding(span, tuple(candidates))

    def _calques(self, passage: Passage) -> list[Finding]:
        text = passage.text
        found = list(self._table.find_in(text, passage.source))
        findings, taken = [], []
        # Of overlapping matches the longest stands, then the first of the table.
        for calque, match in sorted(found, key=lambda pair: pair[1].start() - pair[1].end()):
            start, end = match.span()
            if any(start < b and a < end for a, b in taken):
                continue
            taken.append((start, end))
            findings.append(self._calque_finding(calque, match, text))
        return findings

    def _calque_finding(self, calque: Calque, match, text: str) -> Finding:
        by = f"style/{calque.name}"
        sure, better = confidence(calque.name, calque.family)
        candidates = []
        for rank, fix in enumerate(calque.fixes):
            edit = trim(text, _with_article(text, Edit(*match.span(), calque.mend(match, fix))))
            if edit is not None:
                candidates.append(Candidate(edit, by, better * 0.7**rank, calque.why))
        start, end = match.span()
        span = ErrorSpan(start, end, calque.category, calque.severity, sure, by, calque.why)
        return Finding(span, tuple(candidates))


def confidence(name: str, family: str) -> tuple[float, float]:
    """Probabilities that the place is wrong and that the fix is better, from measured counts.

    A rule with few counts is drawn towards its family, a family towards one half.
    """
    measured = _precision()
    shares = []
    for what in ("wrong", "better"):
        table = measured.get(what, {})
        prior = shrink(tuple(table.get(family, (0, 0))), 0.5)
        shares.append(shrink(tuple(table.get(name, (0, 0))), prior))
    return round(max(shares), 3), round(shares[1], 3)


def trim(text: str, edit: Edit) -> Edit | None:
    """The edit without the words that both sides share at their ends; None if nothing changes."""
    old, new = text[edit.start : edit.end], edit.text
    if old == new:
        return None
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    # Back to the start of a word, so that a reviewer never sees half of one.
    while head and (
        (old[head - 1 : head + 1].isalnum() and len(old) > head)
        or (new[head - 1 : head + 1].isalnum() and len(new) > head)
    ):
        head -= 1
    tail = 0
    most = min(len(old), len(new)) - head
    while tail < most and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    while tail and (
        (old[len(old) - tail - 1 : len(old) - tail + 1].isalnum() and len(old) > tail)
        or (new[len(new) - tail - 1 : len(new) - tail + 1].isalnum() and len(new) > tail)
    ):
        tail -= 1
    return Edit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def _with_article(text: str, edit: Edit) -> Edit:
    """The edit together with an "a" or "an" before it that no longer fits."""
    before = text[: edit.start]
    if not edit.text or not before[-3:].lower().endswith(("a ", "an ")):
        return edit
    article = before.rstrip().rsplit(" ", 1)[-1]
    if article.lower() not in ("a", "an"):
        return edit
    fitting = article[0] + ("n" if takes_an(edit.text) else "")
    if fitting == article:
        return edit
    return Edit(edit.start - len(article) - 1, edit.end, f"{fitting} {edit.text}")


def _tokenised(texts: Sequence[str]) -> list[bool]:
    """Which texts of one document set spaces around all punctuation, as corpora do.

    The document decides where it is clear; else each text speaks for itself.
    """
    counts = [count_spacing(text) for text in texts]
    spaced, attached = sum(c[0] for c in counts), sum(c[1] for c in counts)
    if spaced > attached:
        return [True] * len(counts)
    if attached >= 4 and attached >= 4 * spaced:
        return [False] * len(counts)
    return [apart > close for apart, close in counts]


def _prefers_curly(texts: Iterable[str]) -> bool:
    curly = straight = 0
    for text in texts:
        straight += text.count('"')
        if not text.isascii():
            curly += text.count("“") + text.count("”")
    return curly > straight


def _choose_rules(families: dict[str, str], wanted: list[str] | None) -> set[str]:
    if wanted is None:
        return set(families)
    chosen: set[str] = set()
    if all(pattern.startswith("!") for pattern in wanted):
        chosen = set(families)
    for pattern in wanted:
        bare = pattern.removeprefix("!").removeprefix("style/")
        fitting = {
            name
            for name, family in families.items()
            if fnmatchcase(name, bare) or fnmatchcase(family, bare)
        }
        if not fitting:
            raise RepairError(
                f"No rule of style fits {pattern!r}.",
                mend="Families are " + ", ".join(sorted(set(families.values()))) + ".",
            )
        chosen = chosen - fitting if pattern.startswith("!") else chosen | fitting
    return chosen
