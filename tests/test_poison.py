import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repair.corpora.poison import KINDS, NAMES, got_in, poison, poison_some, tally

from repair.core import RepairError
from repair.facts import numbers

TEXT = "On Tuesday, 14 March 2019, Governor Kovalyov said that 350 people were evacuated."
SOURCE = "Во вторник, 14 марта 2019 года, губернатор Ковалев сообщил, что эвакуировали 350 человек."
MT = "On Tuesday, March 14, 2019, the governor Kovalev reported that they evacuated 350 people."


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(seed=st.integers(0, 50))
def test_one_fact_is_altered_and_the_rest_stays(kind, seed):
    one = poison(TEXT, kind, avoid=(MT, SOURCE), seed=seed)
    assert one.kind == kind and one.before == TEXT != one.after
    assert one.after == TEXT[: one.start] + one.new + TEXT[one.start + len(one.old) :]
    assert one == poison(TEXT, kind, avoid=(MT, SOURCE), seed=seed)
    if kind != "negation":
        assert one.new not in re.findall(r"\w+", MT + SOURCE)


@settings(deadline=None)
@given(seed=st.integers(0, 50))
def test_each_kind_alters_what_its_name_says(seed):
    number, date, name, negation = (poison(TEXT, kind, seed=seed) for kind in KINDS)
    assert number.old == "350" and numbers.read_english(number.new)
    assert date.old in ("Tuesday", "March", "2019", "14")
    assert name.old == "Kovalyov" and (name.new in NAMES or name.new.startswith("Koval"))
    assert negation.new == " not" and re.search(r"\bwere not\b", negation.after)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("They did not agree.", "They did agree."),
        ("They can't agree.", "They can agree."),
        ("They won’t agree.", "They will agree."),
        ("We cannot agree with them.", "We can agree with them."),
    ],
)
def test_a_denial_goes_only_where_the_mt_has_it(text, after):
    assert poison(text, "negation", avoid=("They don't agree.",)).after == after
    assert poison(text, "negation", avoid=("They agree.",)) is None


def test_what_has_no_fact_is_left_alone():
    for kind in ("number", "date", "name"):
        assert poison("The talks go on.", kind) is None
    with pytest.raises(RepairError, match="weather"):
        poison(TEXT, "weather")


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(seed=st.integers(0, 30))
def test_what_got_in_is_seen_and_what_did_not_is_not(kind, seed):
    one = poison(TEXT, kind, avoid=(MT,), seed=seed)
    assert got_in(one, MT, one.after)
    assert not got_in(one, MT, MT)
    assert not got_in(one, MT, TEXT)
    assert not got_in(one, one.after, one.after)  # the MT had it already


def test_a_denial_that_is_lost_is_seen():
    mt = "They do not agree with 3 points."
    one = poison("They don't agree on three points.", "negation", avoid=(mt,))
    assert got_in(one, mt, "They do agree on three points.")
    assert not got_in(one, mt, "They do not agree on three points.")


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 5))
def test_one_in_so_many_is_poisoned(count, every, seed):
    texts = [TEXT] * count
    made = poison_some(texts, [(MT, SOURCE)] * count, every=every, seed=seed)
    runs = [made[i : i + every] for i in range(0, count, every)]
    assert [sum(one is not None for one in run) for run in runs] == [1] * len(runs)
    kinds = [one.kind for one in made if one]
    assert not kinds or max(map(kinds.count, KINDS)) - min(map(kinds.count, KINDS)) <= 1
    counts, through = tally(made, [MT] * count, [one.after if one else MT for one in made])
    assert sum(put for put, _ in counts.values()) == len(kinds) == len(through)
    assert tally(made, [MT] * count, [MT] * count)[1] == []
