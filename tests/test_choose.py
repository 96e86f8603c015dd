from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from repair.choose import choose, suggest
from repair.core import Candidate, Edit, ErrorSpan, Finding, Segment, apply, compatible

MT = "the quick brown fox jumps over"
SEGMENT = Segment("1", MT)


def finding(start, end, text, confidence, by="style/x", group=None, severity="minor"):
    span = ErrorSpan(start, end, "fluency/grammar", severity, confidence, by)
    candidate = Candidate(Edit(start, end, text), by, confidence, group=group)
    return Finding(span, (candidate,))


findings = st.lists(
    st.builds(
        lambda start, length, text, confidence: finding(start, start + length, text, confidence),
        st.integers(0, 20), st.integers(0, 6), st.sampled_from(["", "x", "yy "]),
        st.sampled_from([0.2, 0.6, 0.8, 0.95]),
    ),
    max_size=8,
)  # fmt: skip


@given(findings)
def test_chosen_edits_never_overlap_and_are_worth_most(found):
    suggestions = suggest(SEGMENT, found)
    chosen, fixed, _ = choose(SEGMENT, suggestions, precision=0.55)
    applied = [s.candidates[0].edit for s in chosen if s.applied]
    assert fixed == apply(MT, applied)
    usable = [s for s in suggestions if s.candidates and s.confidence >= 0.55]
    best = max(
        sum(2 * s.confidence - 1 for s in subset)
        for size in range(len(usable) + 1)
        for subset in combinations(usable, size)
        if all(compatible(a.candidates[0].edit, b.candidates[0].edit)
               for a, b in combinations(subset, 2))
    )  # fmt: skip
    assert abs(sum(2 * s.confidence - 1 for s in chosen if s.applied) - best) < 1e-9


@given(findings)
def test_one_suggestion_a_place_in_text_order(found):
    suggestions = suggest(SEGMENT, found)
    places = [(s.span.start, s.span.end) for s in suggestions]
    assert places == sorted(set(places))


def test_unsure_edits_are_shown_but_not_applied():
    suggestions, fixed, _ = choose(
        SEGMENT, suggest(SEGMENT, [finding(4, 9, "slow", 0.6)]), precision=0.9
    )
    assert fixed == MT
    assert [s.applied for s in suggestions] == [False]


def test_agreement_across_families_counts_within_one_does_not():
    two = [finding(4, 9, "slow", 0.6), finding(4, 9, "slow", 0.6, by="hypothesis/a")]
    (merged,) = suggest(SEGMENT, two)
    assert merged.candidates[0].by == "hypothesis/a, style/x"
    assert abs(merged.confidence - 0.84) < 1e-9
    (same,) = suggest(SEGMENT, [two[0], finding(4, 9, "slow", 0.6, by="style/y")])
    assert same.confidence == 0.6


def test_a_group_is_applied_whole_or_not_at_all():
    pair = [finding(0, 4, "", 0.95, group="g"), finding(20, 20, "the ", 0.95, group="g")]
    assert choose(SEGMENT, suggest(SEGMENT, pair), precision=0.9)[1] != MT
    half = [pair[0], finding(20, 20, "the ", 0.5, group="g")]
    assert choose(SEGMENT, suggest(SEGMENT, half), precision=0.9)[1] == MT


def test_the_guard_holds_back_alone_and_together():
    found = [finding(4, 9, "slow", 0.95), finding(10, 15, "red", 0.92)]

    def no_red(segment, fixed):
        return ["red is not brown"] if "red" in fixed else []

    _suggestions, fixed, reasons = choose(
        SEGMENT, suggest(SEGMENT, found), precision=0.9, guard=no_red
    )
    assert fixed == "the slow brown fox jumps over"
    assert reasons == ["Held back “brown” → “red”: red is not brown"]

    def not_both(segment, fixed):
        return ["both"] if "slow red" in fixed else []

    assert choose(SEGMENT, suggest(SEGMENT, found), precision=0.9, guard=not_both)[1] == (
        "the slow brown fox jumps over"
    )


def test_a_bare_finding_is_shown_where_nothing_else_is():
    bare = Finding(ErrorSpan(10, 15, "accuracy/mistranslation", "major", 0.7, "detector"))
    assert [s.candidates for s in suggest(SEGMENT, [bare])] == [()]
    both = suggest(SEGMENT, [bare, finding(10, 15, "red", 0.6)])
    assert [len(s.candidates) for s in both] == [1]


def test_a_mark_keeps_its_ideas_and_the_surest_reason():
    def mark(start, end, confidence, by, *candidates):
        span = ErrorSpan(start, end, "fluency/grammar", "minor", confidence, by)
        return Finding(span, candidates)

    idea = Candidate(Edit(4, 9, "slow"), "fixer/x", 0.03)
    own, rule = mark(4, 9, 0.6, "detect/x"), mark(4, 9, 1.0, "facts/y")
    (only,) = suggest(SEGMENT, [own, mark(4, 9, 0.6, "detect/x", idea)])
    assert only.candidates == (idea,) and only.confidence == 0.03 and not only.is_offer
    assert only.span == own.span, "what marks the place is told, not the idea"
    (sure,) = suggest(SEGMENT, [own, rule, mark(4, 9, 0.6, "detect/x", idea)])
    assert sure.span.by == "facts/y" and sure.candidates == (idea,)
    wide = mark(0, 15, 0.9, "facts/z")
    assert len(suggest(SEGMENT, [wide, mark(4, 9, 0.6, "detect/x", idea)])) == 2, (
        "a surer mark stays"
    )
    (better,) = suggest(
        SEGMENT, [own, rule, mark(4, 9, 0.6, "detect/x", idea), finding(4, 9, "slow", 0.8)]
    )
    assert better.is_offer and better.confidence > 0.8
    assert suggest(SEGMENT, [mark(4, 9, 0.05, "detect/x", idea)]) == []


@given(
    findings, findings, st.sampled_from([0.2, 0.6, 0.8, 0.95]), st.sampled_from([0.2, 0.8, None])
)
def test_changes_of_hypotheses_have_a_bar_of_their_own(rules, changes, precision, bar):
    for number, change in enumerate(changes):
        (candidate,) = change.candidates
        changes[number] = replace(
            change, candidates=(replace(candidate, by="hypotheses/a", group=f"a.1#{number}"),)
        )
    found = suggest(SEGMENT, [*rules, *changes])
    chosen, fixed, _ = choose(SEGMENT, found, precision=precision, hypotheses=bar)
    applied = [s.candidates[0] for s in chosen if s.applied]
    assert fixed == apply(MT, [candidate.edit for candidate in applied])
    for candidate in applied:
        own = bar if candidate.group and bar is not None else precision
        assert candidate.confidence >= own
    if bar is None or bar == precision:
        assert (chosen, fixed) == choose(SEGMENT, found, precision=precision)[:2]
