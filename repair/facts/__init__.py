"""Facts of the source that must be in the MT: numbers, dates, names, negation, whole passages.

`Facts` is the stage: deterministic checks, each a function whose docstring is the title that the
reviewer sees. `guard` compares a changed text with the MT and says which fact the change would
break. Both read the same views of the two texts, so what the guard forbids is what the stage
would flag.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..core import Candidate, Edit, ErrorSpan, Finding, Segment
from . import dates, negation, numbers
from .checks import (
    Fault,
    Pair,
    added_negation,
    added_number,
    added_passage,
    changed_date,
    changed_number,
    changed_unit,
    doubled_passage,
    leftover_cyrillic,
    lost_date,
    lost_negation,
    lost_number,
    lost_passage,
    unbalanced_bracket,
)
from .confidence import confidence_of, fix_confidence_of
from .lexicon import is_common_english
from .names import english_words, opens_sentence
from .words import (
    changed_name,
    copied_word,
    inconsistent_names,
    invented_word,
    lost_name,
    opposite_word,
    spellings_of,
)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Veto:
    """Why a changed text must not be: a fact that was right in the MT and is not any more."""

    check: str
    reason: str

    def __str__(self) -> str:
        return self.reason


Check = Callable[[Pair], Iterable[Fault]]

# Which category a check's faults have; checks that need the source come first.
SOURCE_CHECKS: dict[Check, str] = {
    changed_number: "accuracy/number",
    lost_number: "accuracy/omission",
    added_number: "accuracy/addition",
    changed_unit: "accuracy/number",
    changed_date: "accuracy/number",
    lost_date: "accuracy/omission",
    lost_negation: "accuracy/negation",
    added_negation: "accuracy/negation",
    changed_name: "accuracy/entity",
    lost_name: "accuracy/entity",
    copied_word: "accuracy/untranslated",
    opposite_word: "accuracy/mistranslation",
    lost_passage: "accuracy/omission",
    added_passage: "accuracy/addition",
}
MT_CHECKS: dict[Check, str] = {
    leftover_cyrillic: "accuracy/untranslated",
    unbalanced_bracket: "fluency/punctuation",
    doubled_passage: "accuracy/addition",
    invented_word: "fluency/spelling",
}


def title(check: Check) -> str:
    """What the reviewer reads above the message."""
    return (check.__doc__ or check.__name__).strip().splitlines()[0].rstrip(".")


class Facts:
    """The stage: every check on every segment; without a source only those that read the MT."""

    def __init__(self, *, skip: Iterable[str] = ()):
        self.skip = frozenset(skip)
        self.signature = f"facts:{VERSION}" + "".join(f"-{name}" for name in sorted(self.skip))

    def __call__(self, segments: Sequence[Segment]) -> list[list[Finding]]:
        pairs = [Pair(segment.source, segment.mt) for segment in segments]
        documents: dict[str | None, list[int]] = defaultdict(list)
        for index, segment in enumerate(segments):
            documents[segment.doc].append(index)
        findings: list[list[Finding]] = [[] for _ in segments]
        for doc, members in documents.items():
            if doc is None:
                continue
            spellings = spellings_of([pairs[index] for index in members])
            for index in members:
                pairs[index].spellings = spellings
            if "inconsistent_names" not in self.skip:
                faults = inconsistent_names([pairs[index] for index in members], spellings)
                for index, found in zip(members, faults, strict=True):
                    findings[index] += [
                        _finding(inconsistent_names, "fluency/inconsistency", f) for f in found
                    ]
        for pair, found in zip(pairs, findings, strict=True):
            found += self._check(pair)
            found.sort(key=lambda f: (f.span.start, f.span.end, f.span.by))
        return findings

    def check(self, segment: Segment) -> list[Finding]:
        """The findings of one segment by itself, in text order."""
        return self([segment])[0]

    def _check(self, pair: Pair) -> Iterator[Finding]:
        for check, category in _checks(pair):
            if check.__name__ not in self.skip:
                for fault in check(pair):
                    yield _finding(check, category, fault)


def _checks(pair: Pair) -> Iterator[tuple[Check, str]]:
    if pair.has_source:
        yield from SOURCE_CHECKS.items()
    yield from MT_CHECKS.items()


def _finding(check: Check, category: str, fault: Fault) -> Finding:
    name = check.__name__
    by = f"facts/{name.replace('_', '-')}"
    message = f"{title(check)}: {fault.message}"
    span = ErrorSpan(
        fault.start, fault.end, category, fault.severity, confidence_of(name), by, message
    )
    if fault.fix is None:
        return Finding(span)
    edit = Edit(fault.start, fault.end, fault.fix)
    return Finding(span, (Candidate(edit, by, fix_confidence_of(name), message),))


def guard(segment: Segment, fixed: str) -> list[Veto]:
    """Why ``fixed`` must not replace the MT: facts that it breaks and the MT did not.

    With a source, both texts are checked against it, more strictly than the stage does: a number
    or negation counts even where the stage would not bother the reviewer. Without one, numbers,
    dates, names and negations must simply stay what they are.
    """
    if fixed == segment.mt:
        return []
    before, after = Pair(segment.source, segment.mt), Pair(segment.source, fixed)
    vetoes = []
    # One fault less excuses none more: a fixed number must not cost a name.
    for check, _ in _checks(after):
        known = Counter(fault.about for fault in check(before))
        for fault in check(after):
            if known[fault.about] > 0:
                known[fault.about] -= 1
            else:
                vetoes.append(Veto(check.__name__, f"{title(check)}: {fault.message}"))
    strict = _strict_with_source if after.has_source else _strict_without_source
    vetoes += strict(before, after)
    unique = {veto.reason: veto for veto in vetoes}
    return list(unique.values())


def _strict_with_source(before: Pair, after: Pair) -> Iterator[Veto]:
    """Numbers, dates and negations that were matched before and are not now."""
    for index, name, text in (
        (1, "lost_number", "{} of the source would be lost"),
        (2, "added_number", "the source has nothing like {}"),
    ):
        old, new = before.number_match[index], after.number_match[index]
        known = Counter(frozenset(q.values) for q in old)
        for quantity in new:
            if quantity.weak:
                continue
            if known[frozenset(quantity.values)] > 0:
                known[frozenset(quantity.values)] -= 1
                continue
            side = after.source if index == 1 else after.mt
            quote = f"“{side[quantity.start : quantity.end]}”"
            yield Veto(name, f"{title(globals()[name])}: {text.format(quote)}.")
    for index, name in ((1, "lost_date"), (2, "changed_date")):
        known = Counter((w.kind, w.value) for w in before.date_match[index])
        for word in after.date_match[index]:
            if known[word.kind, word.value] > 0:
                known[word.kind, word.value] -= 1
                continue
            side = after.source if index == 1 else after.mt
            yield Veto(name, f"{title(globals()[name])}: “{side[word.start : word.end]}”.")
    yield from _names_lost(before, after)
    # "did not agree" may become "disagreed"; else a denial comes only with a reason in the source,
    # and goes only if it had none.
    old, new = _denials(before.mt), _denials(after.mt)
    rephrased = _all_denials(before.mt) == _all_denials(after.mt)
    if new > old and new > negation.explained(after.source, after.mt):
        yield Veto(
            "added_negation", f"{title(added_negation)}: {old} negations would become {new}."
        )
    if new < old <= negation.explained(before.source, before.mt) and not rephrased:
        yield Veto("lost_negation", f"{title(lost_negation)}: {old} negations would become {new}.")


def _names_lost(before: Pair, after: Pair) -> Iterator[Veto]:
    """Names of the source that the MT renders and the changed text does not."""
    for old, new in zip(before.names, after.names, strict=True):
        for name, was, is_now in zip(old.names, old.found, new.found, strict=True):
            if was and not is_now and name.sure:
                yield Veto("changed_name", f"{title(changed_name)}: “{name.word}” would be lost.")


def _strict_without_source(before: Pair, after: Pair) -> Iterator[Veto]:
    """Without evidence nothing factual may change."""
    _, lost, added = numbers.match(numbers.read_english(before.mt), numbers.read_english(after.mt))
    for quantity in lost:
        if not quantity.weak:
            quote = before.mt[quantity.start : quantity.end]
            yield Veto("changed_number", f"The number “{quote}” would be changed without a source.")
    for quantity in added:
        if not quantity.weak:
            quote = after.mt[quantity.start : quantity.end]
            yield Veto("changed_number", f"The number “{quote}” would appear without a source.")
    old = Counter((w.kind, w.value) for w in dates.english_dates(before.mt) if not w.weak)
    new = Counter((w.kind, w.value) for w in dates.english_dates(after.mt) if not w.weak)
    if old != new:
        yield Veto("changed_date", "A month, weekday or season would change without a source.")
    old_names, new_names = _proper(before.mt), _proper(after.mt)
    for word in sorted(old_names ^ new_names):
        yield Veto("changed_name", f"The name “{word}” would change without a source.")
    if _denials(before.mt) != _denials(after.mt):
        yield Veto(
            "added_negation",
            f"{_denials(before.mt)} negations would become {_denials(after.mt)} without a source.",
        )


def _proper(text: str) -> set[str]:
    """Capitalised words within sentences that are no common words, without possessive endings."""
    return {
        word.rstrip("s") if word.isupper() else word
        for start, _, word in english_words(text)
        if word[:1].isupper()
        and len(word) > 1
        and not opens_sentence(text, start)
        and not is_common_english(word)
    }


def _denials(text: str) -> int:
    return sum(map(negation.strong_english, negation.english_cues(text)))


def _all_denials(text: str) -> int:
    return len(negation.english_cues(text))
