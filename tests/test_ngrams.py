"""English n-gram counts: what is counted, and the laws of the model over them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import RepairError, ngrams
from repair.ngrams import BITS, RESERVED, Counts, shipped, words

WORD = st.sampled_from(
    ["the", "a", "of", "minister", "talks", "said", "told", "over", ".", ",", "qqzzy", "0000"]
)
SENTENCE = st.lists(WORD, max_size=9)


def texts(sentence):
    return [word for word, _, _ in words(sentence)]


def test_running_and_tokenised_text_read_alike():
    assert texts("Don’t say it’s Putin's 2014 plan.") == texts(
        "Don 't say it 's Putin 's 2014 plan ."
    )
    assert texts("Don’t") == ["don", "'t"]


@given(st.text(max_size=40))
def test_words_lie_in_the_text_in_order(text):
    end = 0
    for _, a, b in words(text):
        assert end <= a < b <= len(text)
        end = b


def test_probabilities_add_up():
    counts = shipped()
    every = np.arange(len(counts))
    for pair in (["of", "the"], ["qqzzy", "the"], ["the", "qqzzy"], ["<s>", "<s>"]):
        before, last = (np.full(len(counts), i) for i in counts.ids(pair))
        total = np.exp(counts.logprob(before, last, every)).sum()
        assert 0.94 < total < 1.06, (pair, total)  # counts are kept within 6 %


def test_english_is_likelier_than_its_words_in_another_order():
    counts = shipped()
    good = counts.score(texts("The minister said that the talks were over.")).sum()
    bad = counts.score(texts("Talks the over said minister were that the.")).sum()
    assert good > bad + 10
    assert counts.count(counts.ids(["of"]), counts.ids(["the"]))[0] > 10_000


@settings(max_examples=40)
@given(SENTENCE, st.data())
def test_a_change_is_the_difference_of_two_scores(sentence, data):
    counts = shipped()
    edits = []
    for _ in range(3):
        start = data.draw(st.integers(0, len(sentence)))
        end = data.draw(st.integers(start, len(sentence)))
        edits.append((start, end, data.draw(st.lists(WORD, max_size=3))))
    base = counts.score(sentence).sum()
    for edit, change in zip(edits, counts.change(sentence, edits), strict=True):
        start, end, new = edit
        after = counts.score([*sentence[:start], *new, *sentence[end:]]).sum()
        assert math.isclose(change, after - base, abs_tol=1e-6)


def test_a_file_comes_back_as_it_was_written(tmp_path):
    vocabulary = [*RESERVED, "b", "a"]
    pair = np.array([(3 << BITS) | 4, (4 << BITS) | 3], np.uint64)
    triple = np.array([(3 << 2 * BITS) | (4 << BITS) | 3], np.uint64)
    tables = [np.array([5, 5, 0, 7, 300]), (pair, np.array([2, 90])), (triple, np.array([1]))]
    ngrams.save(tmp_path / "counts.npz", vocabulary, tables)
    counts = Counts(tmp_path / "counts.npz")
    a, b = counts.ids(["a"]), counts.ids(["b"])
    assert counts.count(b, a)[0] == 2 and counts.count(a, a)[0] == 0
    assert counts.count(b, a, b)[0] == 1
    assert abs(counts.count(a)[0] / 300 - 1) < 0.06 and abs(counts.count(a, b)[0] / 90 - 1) < 0.06
    assert counts.known("a") and not counts.known("c")


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "counts.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RepairError) as caught:
        Counts(path)
    assert caught.value.path == path and "build.py" in caught.value.mend
