"""The fixer's candidates: numbers, names, signs, spellings and what is put together of parts."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import Segment, ngrams
from repair.propose import inventory
from repair.propose.composed import composed, parts
from repair.propose.fixer import fitted
from repair.propose.inventory import Place, Reading, candidates
from repair.propose.rank import CHANCES, FEATURES, chances, describe

SOURCE = "В 2014 году Кузьминов провёл переговоры с министром обороны."
MT = "In 1914 year, Smith held negotiation on the minister of defense."


def reading(mt=MT, source=SOURCE):
    return Reading(Segment("1", mt, source))


def place_of(text, words):
    wanted = words.split()
    for start in range(len(text.words)):
        if text.words[start : start + len(wanted)] == wanted:
            return Place(start, start + len(wanted))
    raise AssertionError(words)


def test_a_number_is_written_as_the_source_has_it():
    text = reading("It began a year ago.", "Это началось в 2014 году.")
    place = place_of(text, "a year ago")
    options = [words for words in candidates(text, place) if "0000" in words]
    assert options, "the year of the source is a candidate"
    for words in options:
        assert "2014" in fitted(text, place, words).text


def test_no_number_comes_from_nowhere():
    text = reading("They came in the end.", "Они пришли в конце.")
    for start in range(len(text.words)):
        for words in candidates(text, Place(start, start + 1)):
            assert not re.search(r"\d", " ".join(words))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Кузьминовым", "kuzminov"), ("Ереване", "yerevan"), ("Швейцарии", "switzerland")],
)
def test_a_name_loses_its_case_ending_or_has_its_own_spelling(name, wanted):
    assert wanted in inventory.spelled_names(name)


def test_an_unknown_word_may_be_a_misspelled_one():
    text = reading("The govermnent has resigned.", None)
    place = place_of(text, "govermnent")
    assert ("government",) in set(inventory.spellings(text, place))
    known = reading("The government has resigned.", None)
    assert not set(inventory.spellings(known, place))


def test_signs_are_offered_for_signs():
    text = reading("He came : it was late", None)
    options = set(inventory.punctuation(text, place_of(text, ":")))
    assert {(",",), (";",), ("—",)} <= options
    assert not any(word.isalnum() for words in options for word in words)


def test_wordings_are_put_together_from_renderings_and_small_words():
    text = reading()
    place = place_of(text, "negotiation on")
    options = set(composed(text, place))
    assert ("talks", "with") in options
    assert {len(words) for words in options} == {2, 3}
    assert parts(text, place)["talks"] < 0 == parts(text, place)["negotiation"]


def test_more_of_the_source_is_looked_at_only_when_asked():
    text = reading()
    place = place_of(text, "negotiation")
    assert text.behind(place) == text.behind(place, 50)[:6]
    assert len(text.behind(place, 50)) == len(text.source)
    assert text.source[text.behind(place)[0]].lemma == "переговоры"


MTS = [MT, "“Yes” , he said; 5 left", "", "x", "qwxz qwxz", "— — —", "Привет, friends of 10%"]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(MTS), st.sampled_from([SOURCE, None, "", "—", "1 2 3"]), st.data())
def test_whatever_the_place_candidates_are_words_that_change_it(mt, source, data):
    text = reading(mt, source)
    start = data.draw(st.integers(0, len(text.words)))
    place = Place(start, data.draw(st.integers(start, min(len(text.words), start + 6))))
    found = candidates(text, place)
    left = text.words[start - 1 : start]
    right = text.words[place.end : place.end + 1]
    for words in found:
        assert words != tuple(text.words[place.start : place.end])
        assert not re.search(r"[\u0400-\u04ff\s\x00-\x1f]", "".join(words))
        run = [*left, *words, *right]
        if words:
            assert all(a != b for a, b in pairwise(run)), run
    rows = describe(text, place, found)
    assert rows.shape == (len(found), len(FEATURES))
    if found:
        chosen = np.arange(min(3, len(found)))
        assert chances(rows, rows[:, 3], chosen).shape == (
            len(chosen),
            len(FEATURES) + len(CHANCES),
        )


def test_change_agrees_with_scoring_the_whole_sentence():
    counts = ngrams.shipped()
    words = ["he", "have", "been", "in", "moscow", "."]
    edits = [(1, 2, ("has",)), (3, 3, ("there",)), (0, 6, ()), (4, 6, ("the", "city")), (1, 2, ())]
    base = counts.score(words).sum()
    for (start, end, new), change in zip(edits, counts.change(words, edits), strict=True):
        after = counts.score([*words[:start], *new, *words[end:]]).sum()
        assert change == pytest.approx(after - base, abs=1e-9)
