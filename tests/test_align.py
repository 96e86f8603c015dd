import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repair.align import (
    diff,
    gap_position,
    spans_to_tags,
    tags_to_spans,
    tokens,
    whitespace_tokens,
)
from repair.core import Edit, apply

pieces = st.sampled_from(["a", "b", "c", " ", "  ", ",", ".", "U.S.", "1,000", "don't", "😀", "”"])
texts = st.lists(pieces).map("".join) | st.text()


@given(texts, texts)
def test_diff_then_apply_gives_the_hypothesis(mt, hypothesis):
    assert apply(mt, diff(mt, hypothesis)) == hypothesis


@given(texts)
def test_no_difference_no_edit(text):
    assert diff(text, text) == []


@given(texts)
def test_tokens_are_ordered_and_hold_all_but_whitespace(text):
    found = tokens(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    rest = list(text)
    for token in found:
        rest[token.start : token.end] = " " * (token.end - token.start)
    assert not "".join(rest).strip()


@pytest.mark.parametrize(
    ("mt", "hypothesis", "edits"),
    [
        ("a big cat sat", "a cat sat", [Edit(2, 6, "")]),
        ("a cat", "a big cat", [Edit(2, 2, "big ")]),
        ("He told that", "He said that", [Edit(3, 7, "said")]),
        ("in U.S. troops", "in UK troops", [Edit(3, 7, "UK")]),
    ],
)
def test_edits_are_whole_tokens_and_stand_alone(mt, hypothesis, edits):
    assert diff(mt, hypothesis) == edits


def test_numbers_abbreviations_and_contractions_are_one_token():
    text = "He’s in the U.S., paid 1,234.5 at 3:1 in the 1990s, COVID-19."
    words = [text[a:b] for a, b in tokens(text)]
    assert words == [
        "He’s", "in", "the", "U.S.", ",", "paid", "1,234.5", "at", "3:1", "in", "the", "1990s",
        ",", "COVID-19", ".",
    ]  # fmt: skip


@given(st.lists(st.booleans(), min_size=11, max_size=11))
def test_tags_to_spans_and_back(tags):
    text = "aa bb cc dd ee"
    places = whitespace_tokens(text)
    spans = tags_to_spans(text, places, tags)
    back = spans_to_tags(places, spans)
    assert back[1::2] == tags[1::2]
    # A BAD gap between two BAD words is part of their range; all others survive.
    inner = [0 < i < 10 and tags[i - 1] and tags[i + 1] for i in range(0, 11, 2)]
    assert [b or i for b, i in zip(back[::2], inner, strict=True)] == [
        t or i for t, i in zip(tags[::2], inner, strict=True)
    ]


def test_wrong_number_of_tags():
    with pytest.raises(ValueError, match="5 tags"):
        tags_to_spans("a b", whitespace_tokens("a b"), [True])


def test_gap_positions_stand_before_the_next_token():
    text = " aa  bb "
    assert [gap_position(text, whitespace_tokens(text), i) for i in range(3)] == [1, 5, 7]
