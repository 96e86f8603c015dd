"""What each of LanguageTool's rules is worth on machine translation, and what we call it.

``rules.tsv`` holds counts on development data, one line a rule. It is written by
``python -m repair.corpora.measure_rules grammar``, which says in the file's head what was read and how.
``flags`` and ``bad``: places flagged in machine translation that has a post-edit, and those that
the post-editor changed. ``better`` and ``worse``: first replacements that bring the segment nearer
to, or take it further from, its post-edit or the nearest of its references. A mistake that several
systems make in one sentence counts once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# LanguageTool's category -> ours and the severity; the rest is fluency/grammar, minor.
CATEGORIES = {
    "CASING": ("fluency/typography", "minor"),
    "COLLOCATIONS": ("style/awkward", "minor"),
    "COLLOQUIALISMS": ("fluency/register", "neutral"),
    "COMPOUNDING": ("fluency/spelling", "minor"),
    "CONFUSED_WORDS": ("fluency/spelling", "minor"),
    "CREATIVE_WRITING": ("style/awkward", "neutral"),
    "FALSE_FRIENDS": ("accuracy/mistranslation", "minor"),
    "GENDER_NEUTRALITY": ("fluency/register", "neutral"),
    "NONSTANDARD_PHRASES": ("style/awkward", "minor"),
    "PLAIN_ENGLISH": ("style/awkward", "neutral"),
    "PROPER_NOUNS": ("fluency/typography", "minor"),
    "PUNCTUATION": ("fluency/punctuation", "minor"),
    "REDUNDANCY": ("style/awkward", "neutral"),
    "REPETITIONS": ("style/awkward", "minor"),
    "REPETITIONS_STYLE": ("style/awkward", "neutral"),
    "SEMANTICS": ("accuracy/mistranslation", "major"),
    "STYLE": ("style/awkward", "neutral"),
    "TYPOGRAPHY": ("fluency/typography", "minor"),
    "TYPOS": ("fluency/spelling", "minor"),
}
SPELLER = re.compile(r"(MORFOLOGIK|HUNSPELL|SYMSPELL)_")
_PRIOR = 10  # flags that a rule's category weighs beside the rule's own
_ENOUGH, _PAYS = 5, 0.3  # a rule with so many judgements is silent below this confidence


class Rule(NamedTuple):
    """What was measured for one rule: counts on development data, see above."""

    rule: str
    category: str
    flags: int
    bad: int
    better: int
    worse: int


@cache
def measured() -> dict[str, Rule]:
    """The measured rules by name, read from ``rules.tsv``."""
    table = files(__package__).joinpath("rules.tsv").read_text("utf-8")
    lines = (line for line in table.splitlines() if line and not line.startswith("#"))
    return {
        row["rule"]: Rule(row["rule"], row["category"], *(int(row[k]) for k in Rule._fields[2:]))
        for row in csv.DictReader(lines, delimiter="\t")
    }


@cache
def silent_rules() -> frozenset[str]:
    """The rules that were measured and do not pay."""
    return frozenset(
        rule.rule
        for rule in measured().values()
        if max(rule.flags, rule.better + rule.worse) >= _ENOUGH
        and place_confidence(rule.rule, rule.category) < _PAYS
        and edit_confidence(rule.rule, rule.category) < _PAYS
    )


def place_confidence(rule: str, category: str) -> float:
    """How often a place that ``rule`` flags is wrong, shrunk towards its category and all rules."""
    return _rate(rule, category, lambda counts: (counts.bad, counts.flags))


def edit_confidence(rule: str, category: str) -> float:
    """How often the first replacement of ``rule`` is for the better where it makes a difference."""
    return _rate(rule, category, lambda counts: (counts.better, counts.better + counts.worse))


def _rate(rule: str, category: str, counted: Callable[[Rule], tuple[int, int]]) -> float:
    table = measured()
    known = [counts for counts in table.values() if not SPELLER.match(counts.rule)]
    rate = 0.5
    for group in (known, [counts for counts in known if counts.category == category]):
        rate = _shrunk(*(map(sum, zip((0, 0), *map(counted, group), strict=True))), rate)
    return _shrunk(*counted(table[rule]), rate) if rule in table else rate


def _shrunk(hits: int, count: int, towards: float) -> float:
    return (hits + _PRIOR * towards) / (count + _PRIOR)
