"""Decisions: merged without loss, carried over to where they belong, made into edits or refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import Candidate, Decision, Edit, ErrorSpan, Record, RepairError, Segment, Suggestion
from repair.core import suggestion_id
from repair.files.decisions import (
    Decisions,
    Placed,
    Silence,
    Silences,
    by_segment,
    carry_over,
    check_run,
    decided_edits,
    decided_text,
    decisions_from_dict,
    decisions_to_dict,
    merge_decisions,
    read_decisions,
    write_decisions,
)

MT = "He go to home in the Moscow."


def suggest(segment, start, end, *texts, by="grammar/x"):
    span = ErrorSpan(start, end, "fluency/grammar", "minor", 0.6, by)
    options = tuple(Candidate(Edit(start, end, text), by, 0.6) for text in texts)
    return Suggestion(suggestion_id(segment, start, end), span, options, 0.6)


def record(name="1", mt=MT, places=((3, 5, "goes", "went"), (6, 9, ""), (17, 21, ""))):
    segment = Segment(name, mt)
    return Record(segment, (), tuple(suggest(segment, *place) for place in places), mt)


def decide(one, index, verdict, candidate=0, text=None, note=""):
    suggestion = one.suggestions[index]
    edit = suggestion.candidates[candidate].edit
    if verdict == "accepted":
        text = edit.text
    return Placed(
        Decision(suggestion.id, verdict, candidate, text, note), one.segment.id, edit.start,
        edit.end, one.segment.mt[edit.start : edit.end],
    )  # fmt: skip


text = st.text(max_size=8)
placed = st.builds(
    Placed,
    st.builds(Decision, st.sampled_from("abcd"), st.sampled_from(["pending", "rejected", "accepted"]),
              st.integers(0, 3), st.none() | text, st.sampled_from(["", "x", "y"]))
    | st.builds(Decision, st.sampled_from("abcd"), st.just("edited"), st.just(0), text),
    text, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9), st.none() | text,
)  # fmt: skip
silences = st.builds(Silence, st.sampled_from(["place", "rule", "word"]), text, st.none() | text)
unique = st.lists(placed, max_size=4, unique_by=lambda p: p.decision.suggestion).map(tuple)
files = st.builds(Decisions, st.just("run"), unique, st.lists(silences, max_size=3, unique=True).map(tuple))  # fmt: skip


@given(files)
def test_decisions_come_back_as_they_were(decisions):
    assert decisions_from_dict(json.loads(json.dumps(decisions_to_dict(decisions)))) == decisions


def verdicts(decisions):
    found = {}
    for one in decisions.decisions:
        decision = one.decision
        key = decision.text if decision.text is not None else decision.candidate
        kept = key if decision.verdict in ("accepted", "edited") else None
        if decision.verdict != "pending":
            found[decision.suggestion] = (decision.verdict, kept)
    return found


@given(files, files)
def test_merging(one, two):
    same, none = merge_decisions(one, one)
    assert same == one and not none
    assert merge_decisions(one, Decisions("run"))[0] == one
    merged, conflicts = merge_decisions(one, two)
    other, mirrored = merge_decisions(two, one)
    # What both agree on does not depend on the order; conflicts name both sides.
    assert [(c.mine, c.theirs) for c in conflicts] == sorted(
        ((c.theirs, c.mine) for c in mirrored),
        key=lambda pair: [p.decision.suggestion for p in two.decisions].index(
            pair[1].decision.suggestion
        ),
    )
    disputed = {c.mine.decision.suggestion for c in conflicts}
    agreed = {k: v for k, v in verdicts(merged).items() if k not in disputed}
    assert {k: v[0] for k, v in agreed.items()} == {
        k: v[0] for k, v in verdicts(other).items() if k not in disputed
    }
    # Nothing that was decided is lost, and merging again changes nothing.
    assert set(verdicts(merged)) == set(verdicts(one)) | set(verdicts(two))
    assert set(merged.silenced) == {*one.silenced, *two.silenced}
    assert verdicts(merge_decisions(merged, one)[0]) == verdicts(merged)


def test_merging_by_example():
    one = record()
    mine = Decisions("r", (decide(one, 0, "accepted", 0, note="sure"), decide(one, 1, "pending")))
    theirs = Decisions("r", (decide(one, 0, "accepted", 1), decide(one, 1, "rejected", note="why")))
    merged, conflicts = merge_decisions(mine, theirs)
    assert [c.theirs.decision.text for c in conflicts] == ["went"]
    assert [p.decision.verdict for p in merged.decisions] == ["accepted", "rejected"]
    same = Decisions("r", (decide(one, 0, "accepted", 0, note="yes"),))
    merged, conflicts = merge_decisions(mine, same)
    assert not conflicts and merged.decisions[0].decision.note == "sure\nyes"
    with pytest.raises(RepairError, match=r"two different runs.*--force"):
        merge_decisions(mine, replace(theirs, run="other"))
    assert merge_decisions(mine, replace(theirs, run="other"), force=True)[0].run == "r"


def test_exactly_what_was_decided_is_applied():
    one = record()
    decisions = Decisions(
        "r",
        (
            decide(one, 0, "accepted", 1),
            decide(one, 1, "rejected"),
            decide(one, 2, "edited", text="snowy "),
            Placed(Decision("elsewhere", "accepted"), "9"),
        ),
    )
    assert decided_text(one, decisions) == "He went to home in snowy Moscow."
    assert decided_edits(one, []) == []
    assert list(by_segment(decisions)) == ["1", "9"]
    assert decided_text(one, by_segment(decisions)["1"]) == decided_text(one, decisions)


def test_decisions_without_places_and_texts_are_enough():
    one = record()
    names = [s.id for s in one.suggestions]
    decisions = [
        Placed(Decision(names[0], "accepted", 1), "1"),
        Placed(Decision(names[1], "edited", 0, "back "), "1"),
    ]
    assert decided_text(one, decisions) == "He went back home in the Moscow."


def test_the_text_tells_which_candidate_was_meant():
    one = record(places=((3, 5, "goes", "went"),))
    before = decide(one, 0, "accepted", 0)
    again = record(places=((3, 5, "went", "goes"),))
    assert decided_text(again, [before]) == "He goes to home in the Moscow."
    with pytest.raises(RepairError, match="fits no candidate"):
        decided_edits(record(places=((3, 5, "ran"),)), [before])


def test_edits_that_cannot_both_be_made_are_named():
    one = record(places=((3, 5, "goes"), (3, 9, "goes"), (6, 9, "")))
    with pytest.raises(RepairError) as caught:
        decided_edits(one, [decide(one, 0, "accepted"), decide(one, 1, "accepted")])
    for suggestion in one.suggestions[:2]:
        assert suggestion.id in str(caught.value)
    with pytest.raises(RepairError, match="two decisions of one suggestion"):
        decided_edits(one, [decide(one, 0, "accepted"), decide(one, 0, "rejected")])
    assert len(decided_edits(one, [decide(one, 0, "accepted"), decide(one, 2, "accepted")])) == 2
    far = replace(decide(one, 0, "edited", text="x"), end=99, original=None)
    with pytest.raises(RepairError, match="fits no candidate"):
        decided_edits(one, [far])


# Another run


def test_everything_applies_to_the_same_run():
    one = record()
    decisions = Decisions(
        "old",
        (decide(one, 0, "accepted", 1), decide(one, 1, "rejected"), decide(one, 2, "pending")),
    )
    carried = carry_over(decisions, [one], "new")
    assert carried.decisions == Decisions("new", decisions.decisions[:2])
    assert carried.outdated == ()
    assert carried.silenced == {one.suggestions[1].id}


def test_decisions_follow_a_segment_to_its_new_id():
    old, new = record("5"), [record("5", "Another text entirely, really."[:28]), record("6")]
    decisions = Decisions("old", tuple(
        decide(old, i, v, text="x") for i, v in enumerate(("accepted", "rejected", "edited"))
    ))  # fmt: skip
    carried = carry_over(decisions, new)
    assert [p.segment for p in carried.decisions.decisions] == ["6"] * 3
    names = [s.id for s in new[1].suggestions]
    assert [p.decision.suggestion for p in carried.decisions.decisions] == names
    assert carried.outdated == () and carried.silenced == {names[1]}
    assert decided_text(new[1], carried.decisions) == decided_text(old, decisions)


def test_a_sentence_that_comes_twice_takes_its_own_decisions():
    old, new = [record("1"), record("2")], [record("2"), record("3")]
    decisions = Decisions("old", (decide(old[0], 0, "accepted"), decide(old[1], 0, "rejected")))
    carried = carry_over(decisions, new)
    assert {p.segment: p.decision.verdict for p in carried.decisions.decisions} == {
        "3": "accepted",
        "2": "rejected",
    }


def test_what_no_longer_applies_is_outdated():
    old = record()
    decisions = Decisions("old", tuple(decide(old, i, "accepted") for i in range(3)))
    changed = record(places=((3, 5, "ran"), (17, 21, "")))
    carried = carry_over(decisions, [changed])
    assert carried.outdated == decisions.decisions[:2]
    assert carry_over(decisions, [record("1", MT + "!")]).outdated == decisions.decisions
    # What was rejected and is not suggested any more is kept for the runs to come.
    rejected = Decisions("old", (decide(old, 1, "rejected"),))
    assert carry_over(rejected, [changed]).decisions.decisions == rejected.decisions


def test_silences():
    segment = Segment("1", "Zvezda and zvezda said go.")
    one = suggest(segment, 0, 6, "Star", by="style/a")
    two = suggest(segment, 11, 17, "star", by="style/a, grammar/b")
    three = suggest(segment, 23, 25, "goes", by="grammar/b")

    def covered(*entries):
        found = Silences(Decisions("r", (), tuple(Silence(*entry) for entry in entries)))
        return [found.covers(segment, s) for s in (one, two, three)]

    assert covered() == [False, False, False]
    assert covered(("word", "Zvezda")) == [True, False, False]
    assert covered(("word", "zvezda")) == [True, True, False]
    assert covered(("rule", "style/a")) == [True, False, False]
    assert covered(("rule", "style/a"), ("rule", "grammar/b")) == [True, True, True]
    assert covered(("place", three.id)) == [False, False, True]
    moved = Segment("2", segment.mt)
    rejected = Decisions("r", (decide(Record(segment, (), (three,)), 0, "rejected"),))
    assert Silences(rejected).covers(moved, suggest(moved, 23, 25, "gone"))
    assert not Silences(rejected).covers(Segment("2", segment.mt + "!"), three) or (
        three.id == rejected.decisions[0].decision.suggestion
    )


@settings(max_examples=40)
@given(st.permutations(range(6)), st.lists(st.sampled_from(["accepted", "rejected", "edited"]), min_size=6, max_size=6))  # fmt: skip
def test_moving_segments_about_loses_no_decision(order, chosen):
    texts = [f"Text {i} go home." for i in range(6)]
    old = [record(str(i), t, ((7, 9, "goes"),)) for i, t in enumerate(texts)]
    decisions = Decisions("old", tuple(
        decide(one, 0, verdict, text="x") for one, verdict in zip(old, chosen, strict=True)
    ))  # fmt: skip
    new = [record(str(i), texts[j], ((7, 9, "goes"),)) for i, j in enumerate(order)]
    carried = carry_over(decisions, new)
    assert carried.outdated == ()
    before = {r.segment.mt: decided_text(r, decisions) for r in old}
    after = {r.segment.mt: decided_text(r, carried.decisions) for r in new}
    assert before == after
    assert carry_over(carried.decisions, new).decisions == carried.decisions


# Files


def test_a_file_comes_back(tmp_path):
    one = record()
    decisions = Decisions(
        "d" * 64, (decide(one, 0, "edited", text="“д”\u2028"),),
        (Silence("rule", "style/a"), Silence("word", "Zvezda"), Silence("place", "x", "1")),
    )  # fmt: skip
    path = tmp_path / "decisions.json"
    write_decisions(path, decisions)
    assert read_decisions(path) == decisions
    with pytest.raises(RepairError, match="exists"):
        write_decisions(path, decisions)


def test_decisions_of_another_run():
    decisions = Decisions("a")
    check_run(decisions, "a")
    check_run(decisions, "b", force=True)
    with pytest.raises(RepairError, match=r"another run.*--force"):
        check_run(decisions, "b")


GOOD = '{"schema": "mt-repair.decisions/1", "run": "r", "decisions": ['
BAD = {
    "not json": ("{", r"d.json:1: Not JSON"),
    "other": ('{"schema": "x"}', r"no decisions file: its schema is 'x'"),
    "a list": ("[]", "its schema is None"),
    "no list": ('{"schema": "mt-repair.decisions/1", "decisions": {}}', "'decisions' is no list"),
    "verdict": (GOOD + '{"suggestion": "a", "verdict": "maybe"}]}', r"Decision 1 .*'maybe' is none of"),
    "no name": (GOOD + '{"verdict": "accepted"}]}', "Decision 1 names no suggestion"),
    "no text": (GOOD + '{"suggestion": "a", "verdict": "edited"}]}', "Decision 1 is edited and has"),
    "bad type": (GOOD + '{"suggestion": "a", "verdict": "accepted", "candidate": "0"}]}', "'candidate' is '0'"),
    "silence": (GOOD + '], "silenced": [{"scope": "all"}]}', "Silenced entry 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path, name):
    data, message = BAD[name]
    path = tmp_path / "d.json"
    path.write_text(data)
    with pytest.raises(RepairError, match=message) as caught:
        read_decisions(path)
    assert str(caught.value).startswith(str(path)) and caught.value.mend
