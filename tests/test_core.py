import pytest
from hypothesis import given
from hypothesis import strategies as st

from repair.core import Edit, RepairError, Segment, apply, compatible, suggestion_id

edits = st.builds(
    lambda start, length, text: Edit(start, start + length, text),
    st.integers(0, 12), st.integers(0, 4), st.text(max_size=3),
)  # fmt: skip


@given(st.text(min_size=16, max_size=30), st.lists(edits, max_size=5))
def test_apply_refuses_exactly_the_incompatible(mt, chosen):
    fits = all(compatible(a, b) for i, a in enumerate(chosen) for b in chosen[:i])
    if fits:
        assert len(apply(mt, chosen)) == len(mt) + sum(
            len(e.text) - (e.end - e.start) for e in chosen
        )
    else:
        with pytest.raises(RepairError):
            apply(mt, chosen)


@given(st.text(min_size=16), st.lists(edits, max_size=5), st.randoms())
def test_the_order_of_edits_does_not_matter(mt, chosen, random):
    shuffled = random.sample(chosen, len(chosen))
    try:
        expected = apply(mt, chosen)
    except RepairError:
        with pytest.raises(RepairError):
            apply(mt, shuffled)
    else:
        assert apply(mt, shuffled) == expected


@pytest.mark.parametrize("edit", [Edit(-1, 2, ""), Edit(2, 9, ""), Edit(3, 2, "")])
def test_an_edit_outside_the_text_is_refused(edit):
    with pytest.raises(RepairError, match="outside"):
        apply("four", [edit])


def test_an_insertion_may_touch_a_replacement():
    assert apply("a b", [Edit(2, 2, "x "), Edit(2, 3, "c")]) == "a x c"


@given(st.text(), st.text())
def test_ids_are_stable_and_tell_places_apart(name, mt):
    segment = Segment(name, mt)
    assert suggestion_id(segment, 0, 1) == suggestion_id(Segment(name, mt, "источник"), 0, 1)
    assert suggestion_id(segment, 0, 1) != suggestion_id(segment, 1, 1)


def test_blind_drops_what_the_pipeline_must_not_see():
    segment = Segment("1", "mt", "src", ("ref",), "pe", "doc", ("frame",))
    assert segment.blind() == Segment("1", "mt", "src", (), None, "doc", ("frame",))


def test_an_error_names_the_place_and_the_mend():
    error = RepairError("Column 'mt' is missing.", path="a.tsv", line=1, mend="Add it.")
    assert str(error) == "a.tsv:1: Column 'mt' is missing. Add it."
