"""Names are found in Russian and recognised in English, however they are spelled."""

from pathlib import Path

import pytest

import repair
from repair.facts.exonyms import exonyms
from repair.facts.lexicon import is_compound, is_english
from repair.facts.names import match_names, renders, russian_names, stem, unexplained_names
from repair.facts.transliteration import LIMIT, romanize, spelling_cost


@pytest.mark.parametrize(
    ("ru", "spellings"),
    [
        ("Ковалёв", ["Kovalev", "Kovalyov", "Kovaliov", "Kovalyoff"]),
        ("Навальный", ["Navalny", "Navalnyy", "Navalnyi", "Nawalny"]),
        ("Ершов", ["Yershov", "Ershov"]),
        ("Хрущёв", ["Khrushchev", "Hruschev", "Khrushchyov"]),
        ("Юлия", ["Yulia", "Yuliya", "Julia", "Iuliia"]),
        ("Джонсон", ["Johnson", "Jonson"]),
        ("Маск", ["Musk"]),
        ("Хант", ["Hunt"]),
        ("Шварценеггер", ["Schwarzenegger"]),
        ("Сочи", ["Sochi"]),
        ("Вашингтон", ["Washington"]),
        ("Париж", ["Paris"]),
        ("Вена", ["Vienna"]),
        ("США", ["US", "U.S", "United", "America"]),
        ("ООН", ["UN"]),
        ("МВФ", ["IMF"]),
    ],
)
def test_usual_spellings_render_a_name(ru, spellings):
    for spelling in spellings:
        assert renders(ru.lower(), spelling.lower()), (ru, spelling)


@pytest.mark.parametrize(
    ("ru", "others"),
    [
        ("Горшкова", ["Pot", "Petrova", "Gordon"]),
        ("Ершов", ["Ruff", "Ivanov"]),
        ("Вена", ["Venice"]),
        ("Индонезия", ["India"]),
        ("Путин", ["Medvedev"]),
        ("Хаскель", ["Hawking"]),
    ],
)
def test_other_names_do_not(ru, others):
    for other in others:
        assert not renders(ru.lower(), other.lower()), (ru, other)


@pytest.mark.parametrize(
    "form",
    ["Сташевская", "Сташевской", "Сташевскую", "Женева", "Женеве", "Хабаровска", "Ульвеланном"],
)
def test_case_endings_do_not_matter(form):
    english = {"С": "stashevskaya", "Ж": "geneva", "Х": "khabarovsk", "У": "ulveland"}[form[0]]
    assert renders(form.lower(), english)


def test_the_cost_of_a_spelling_tells_right_from_wrong():
    assert spelling_cost("путина", "putin") < 0.5 < LIMIT < spelling_cost("путина", "lavrov")


def test_names_are_found_by_their_capitals():
    text = "В Вене Ингрид Хаскель встретила посла. Погода была хорошей, Совет молчал."
    assert [name.word for name in russian_names(text) if name.sure] == ["Вене", "Ингрид", "Хаскель"]


def test_a_first_word_is_a_name_only_if_the_dictionary_says_so():
    assert russian_names("Портрет украли из музея.") == ()
    assert [name.word for name in russian_names("Путин прибыл.")] == ["Путин"]


def test_a_heading_in_capitals_has_no_names():
    assert russian_names("НОВОСТИ ИЗ МОСКВЫ И КАЗАНИ") == ()


def test_names_are_matched_across_the_languages():
    source = "Марина Сташевская и Пётр Ершов прибыли из Перми в Вену."
    mt = "Marina Stashevskaya and Pyotr Ruff arrived from Perm in Venice."
    entities = match_names(source, mt)
    assert [e.is_lost for e in entities] == [False, False, False, True]
    assert entities[1].found[0] and not entities[1].found[1]


def test_two_people_of_one_first_name_need_two_words():
    source = "Разговор Владимира Королькова и Владимира Зотова состоялся вчера."
    lost = [e.is_lost for e in match_names(source, "The talk of Vladimir Zotov took place.")]
    assert lost == [True, False]


def test_strange_names_in_the_mt():
    words = unexplained_names("Он приехал в Казань.", "He came to Gothenburg on Monday.")
    assert [word for _, _, word in words] == ["Gothenburg"]
    assert unexplained_names("Он приехал в Казань.", "He came to Kazan on Monday.") == ()


@pytest.mark.parametrize(
    ("russian", "english"),
    [
        ("Ершов", "Yershov"),
        ("Белый", "Bely"),
        ("Щукин", "Shchukin"),
        ("Юрьев", "Yuryev"),
        ("Соловьёв", "Solovyov"),
    ],
)
def test_romanized_as_in_the_press(russian, english):
    assert romanize(russian) == english


def test_forms_of_a_name_share_a_stem():
    assert len({stem(w) for w in ("Горшков", "Горшкова", "Горшкову", "Горшковым")}) == 1


def test_exonyms_cover_cases_and_adjectives():
    assert "germany" in exonyms("германии") and "german" in exonyms("германский")
    assert "vienna" in exonyms("вене")
    assert exonyms("портрет") == frozenset()


def test_the_table_of_exonyms_is_well_formed():
    path = Path(repair.__file__).parent / "facts" / "exonyms.tsv"
    rows = [r for r in path.read_text("utf-8").splitlines() if r and not r.startswith("#")]
    assert len(rows) > 350
    for row in rows:
        russian, english = row.split("\t")
        assert russian == russian.lower() and english.strip("|") == english and english


def test_known_and_unknown_english_words():
    assert is_english("negotiations") and not is_english("tordepodoes")
    assert is_compound("antivaccine") and not is_compound("distsnse")
