"""Numbers are read alike in both languages, in digits and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repair.facts import dates, numbers
from repair.facts.number_words import roman, spell_english
from repair.facts.numbers import match, read_english, read_russian, same


def values(quantities):
    return [sorted(q.values) for q in quantities if not q.weak]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("244890 жителей", [244890]),
        ("244 890 жителей", [244890]),
        ("8\u00a0340 судов", [8340]),
        ("2,3 млн тонн", [2.3e6]),
        ("полтора миллиарда рублей", [1.5e9]),
        ("двадцать пять тысяч", [25_000]),
        ("сто тридцать два человека", [132]),
        ("три с половиной миллиона", [3.5e6]),
        ("49-ти тысячам жителей", [49_000]),
        ("3 млн 442,2 тыс. тонн", [3_442_200]),
        ("две трети", [2 / 3]),
        ("двадцать первый век", [21]),
        ("полмиллиона", [5e5]),
        ("двухсот человек", [200]),
        ("37-летний житель", [37]),
        ("четверо из девяти", [4, 9]),
    ],
)
def test_russian_numbers(text, expected):
    assert [max(v) for v in values(read_russian(text))] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("244,890 people", [244890]),
        ("2.3 million tons", [2.3e6]),
        ("one and a half billion rubles", [1.5e9]),
        ("twenty-five thousand", [25_000]),
        ("one hundred and thirty-two people", [132]),
        ("three and a half million", [3.5e6]),
        ("half a million", [5e5]),
        ("a quarter of a million", [250_000]),
        ("two dozen", [24]),
        ("two-thirds", [2 / 3]),
        ("the twenty-first century", [21]),
        ("$100m", [1e8]),
        ("2 1/2 million", [2.5e6]),
        ("ten millions", [1e7]),
        ("between two and three", [2, 3]),
    ],
)
def test_english_numbers(text, expected):
    assert [max(v) for v in values(read_english(text))] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("source", "mt"),
    [
        ("15:00", "3 p.m."),
        ("в 17 часов 47 минут", "at 5:47 PM"),
        ("в 7 утра", "at 7 a.m."),
        ("19:30", "19: 30"),
        ("90-е годы", "the 1990s"),
        ("20-е годы", "the twenties"),
        ("XXI век", "the 21st century"),
        ("половина", "50%"),
        ("на четверть", "by 25 percent"),
        ("120 км", "75 miles"),
        ("полтора года", "18 months"),
        ("двое суток", "48 hours"),
        ("1/8 финала", "the round of 16"),
        ("2 345 678 рублей", "2.3 million rubles"),
        ("в 100 раз", "to 1 percent"),
        ("третий", "third"),
        ("трёхдневный визит", "a three-day visit"),
        ("13-й", "13th"),
        ("2019/20", "2019–20"),
    ],
)
def test_different_writings_of_one_number_match(source, mt):
    _, lost, added = match(read_russian(source), read_english(mt))
    assert [q for q in lost + added if not q.weak] == []


@pytest.mark.parametrize(
    ("source", "mt"),
    [
        ("244 890", "24,490"),
        ("244 890", "2,448,900"),
        ("в 2020 году", "in 2021"),
        ("трое", "four"),
        ("2,5 млн", "2.5 billion"),
        ("15%", "50%"),
        ("300 тысяч", "300"),
        ("14:30", "3:40 p.m."),
        ("двенадцать", "twenty"),
    ],
)
def test_different_numbers_do_not_match(source, mt):
    pairs, lost, added = match(read_russian(source), read_english(mt))
    assert any(not q.weak for q in lost) and any(not q.weak for q in added), pairs


def test_telephone_numbers_and_addresses_are_left_alone():
    assert read_russian("Звоните: +7 (495) 123-45-67 или 8-800-555-35-35, info12@mail15.ru") == ()


def test_currencies_and_units_are_read():
    assert [q.unit for q in read_russian("4,6 млн евро, 5 км, 15 процентов")] == [
        "euro",
        "km",
        "percent",
    ]
    assert [q.unit for q in read_english("€4.6 million, 5 kilometers, 15%")] == [
        "euro",
        "km",
        "percent",
    ]


@pytest.mark.parametrize(
    ("source", "wrong", "right"),
    [
        ("15", "50", "15"),
        ("четырёх", "fourteen", "four"),
        ("4,6 млн", "4.6 billion", "4.6 million"),
        ("120 тысяч", "120", "120,000"),
        ("8 340", "8,34", "8,340"),
        ("1 127", "1 27", "1,127"),
        ("1990-х", "1900s", "1990s"),
        ("23-го", "3rd", "23rd"),
        ("2017", "2007", "2017"),
        ("полтора миллиарда", "one billion", "1.5 billion"),
    ],
)
def test_a_number_is_rendered_in_the_form_of_the_wrong_one(source, wrong, right):
    ours, theirs = read_russian(source)[0], read_english(wrong)[0]
    assert numbers.render(ours, wrong, theirs) == right


@given(st.integers(0, 10**12))
def test_digits_are_read_however_they_are_grouped(number):
    english = read_english(f"{number:,} people")
    russian = read_russian(f"{number:,} человек".replace(",", "\u00a0"))
    assert float(number) in english[0].values
    assert float(number) in russian[0].values
    assert same(russian[0], english[0])


@given(st.integers(2, 99))
def test_small_numbers_in_words_are_read_back(number):
    (quantity,) = read_english(f"{spell_english(number)} ships")
    assert quantity.values == {float(number)}


@given(st.text(alphabet="0123456789.,:/-–% \u00a0$€млнтысxiv век%", max_size=40))
def test_no_text_breaks_the_readers_and_offsets_lie_inside(text):
    for quantity in (*read_russian(text), *read_english(text)):
        assert 0 <= quantity.start < quantity.end <= len(text)


def test_roman_numerals():
    assert [roman(text) for text in ("XXI", "IV", "IX", "XIX", "VX", "IIII")] == [
        21, 4, 9, 19, None, None,
    ]  # fmt: skip


def compare(source, mt):
    wrong, lost, added = dates.compare(dates.russian_dates(source), dates.english_dates(mt))
    return (
        [(source[a.start : a.end], mt[b.start : b.end]) for a, b in wrong],
        [source[w.start : w.end] for w in lost],
        [mt[w.start : w.end] for w in added],
    )


def test_months_and_weekdays():
    assert compare("В среду, 5 июля", "On Wednesday, July 5") == ([], [], [])
    assert compare("в июле", "in June") == ([("июле", "June")], [], [])
    assert compare("11.07.2020", "November 7, 2020") == ([("07", "November")], [], [])
    assert compare("11.07.2020", "July 11, 2020") == ([], [], [])
    assert compare("5 июля", "on the fifth") == ([], ["июля"], [])
    assert compare("субботний день", "Saturday") == ([], [], [])
    assert compare("в середине сентября", "in mid-September") == ([], [], [])
    assert compare("провести зиму", "spend the summer") == ([("зиму", "summer")], [], [])


def test_words_that_only_look_like_months_are_no_evidence():
    assert compare("Они могут прийти.", "They may march.") == ([], [], [])
    assert compare("защита окружающей среды", "protection of the environment") == ([], [], [])
    assert compare("пять лет", "five years") == ([], [], [])
