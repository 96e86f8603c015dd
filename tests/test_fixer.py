"""The shipped fixer: what its producers offer, how words are fitted to a place, and the stage."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import RepairError, Segment, align, apply, ngrams
from repair.core import ErrorSpan, Finding
from repair.memory import Memory, lemma, russian_words, shipped
from repair.propose import inventory
from repair.propose.fixer import MOST_MARKED, Fixer, fitted, marked, places, repeats
from repair.propose.inventory import Place, Reading, candidates
from repair.propose.rank import FEATURES, Ranker, describe, scored

SOURCE = "Министр заявил, что переговоры с Анкарой завершились в ходе визита."
MT = "The Minister declared that negotiation with Ankara have ended the course of visit."
MTS = [
    MT,
    "“Yes”, he told, and 5 of them left.",
    "x",
    "",
    "Don’t go the the home",
    "Привет, friends",
]


def reading(mt=MT, source=SOURCE):
    return Reading(Segment("1", mt, source))


def place_of(text, words):
    count = len(words.split())
    for start in range(len(text.words)):
        if text.words[start : start + count] == words.split():
            return Place(start, start + count)
    raise AssertionError(words)


def suspected(mt, *suspects, gaps=()):
    tokens = tuple(align.tokens(mt))
    words = tuple(0.6 if mt[a:b] in suspects else 0.05 for a, b in tokens)
    holes = tuple(0.3 if k in gaps else 0.01 for k in range(len(tokens) + 1))
    quality = SimpleNamespace(hter=0.3, da=0.0)
    return SimpleNamespace(tokens=tokens, words=words, gaps=holes, quality=quality, findings=())


def test_the_memory_knows_words_and_phrases():
    memory = shipped()
    assert memory.words("переговоры").keys() >= {"talks", "negotiations"}
    assert "in the course of" in dict(memory.phrases(["в", "ход"]))
    assert memory.words("абырвалг") == {} and memory.phrases(["абырвалг"]) == ()


def test_russian_words_are_known_by_their_lemma():
    assert [w.lemma for w in russian_words("В 2014 году переговоры шли")][:3] == [
        "в",
        "0000",
        "год",
    ]
    assert lemma("переговорами") == "переговоры" and lemma("NATO") == "nato"


def test_a_damaged_memory_is_named(tmp_path):
    (tmp_path / "memory.npz").write_bytes(b"no")
    with pytest.raises(RepairError, match="phrase memory"):
        Memory(tmp_path / "memory.npz")


@pytest.mark.parametrize(
    ("producer", "place", "wanted"),
    [
        (inventory.delete, "the course", ()),
        (inventory.function_words, "the", ("in", "the")),
        (inventory.inflections, "negotiation", ("negotiations",)),
        (inventory.neighbours, "course of", ("course", "of", "the")),
        (inventory.lexicon, "negotiation", ("talks",)),
        (inventory.phrases, "the course of", ("in", "the", "course", "of")),
        (inventory.rendered_with_particle, "negotiation", ("the", "talks")),
        (inventory.context, "have", ("has",)),
    ],
)
def test_what_a_producer_offers(producer, place, wanted):
    text = reading()
    if producer is inventory.context:
        text = reading("He have been here.", None)
    assert wanted in set(producer(text, place_of(text, place)))


def test_names_are_spelled():
    text = reading("We spoke with the city.", "Мы говорили с Кузьминовым.")
    assert ("kuzminov",) in set(inventory.names(text, place_of(text, "the city")))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MTS), st.sampled_from([SOURCE, None, "", "????"]), st.data())
def test_candidates_are_safe_and_fit(mt, source, data):
    text = reading(mt, source)
    start = data.draw(st.integers(0, len(text.words)))
    end = data.draw(st.integers(start, min(len(text.words), start + 3)))
    place = Place(start, end)
    found = candidates(text, place)
    rows = describe(text, place, found)
    assert rows.shape == (len(found), len(FEATURES))
    for words in list(found)[:: max(1, len(found) // 15)]:
        assert not any(re.search("[А-Яа-яЁё]", word) for word in words)
        assert words != tuple(text.words[start:end])
        edit = fitted(text, place, words)
        if edit is None:
            continue
        fixed = apply(mt, [edit])
        assert "  " not in fixed or "  " in mt
        there = [word for word, _, _ in ngrams.words(fixed)]
        assert there == [*text.words[:start], *words, *text.words[end:]], (mt, place, words, fixed)


def test_the_case_of_a_sentence_and_of_a_name_is_kept():
    text = reading("Talks with the city are over.", "Переговоры с Анкарой закончены.")
    assert fitted(text, Place(0, 1), ("negotiations",)).text == "Negotiations"
    assert fitted(text, place_of(text, "the city"), ("ankara",)).text == "Ankara"
    assert fitted(text, Place(0, 0), ("the",)) is None


def test_nothing_is_said_twice():
    text = reading("They spoke of sanctions and checks.", None)
    place = place_of(text, "checks")
    assert repeats(text, place, ("sanctions",))
    assert not repeats(text, place, ("balances",)) and not repeats(text, place, ("of",))


@pytest.mark.parametrize(
    ("mt", "place", "words", "fixed"),
    [
        ("“Yes”, he said.", Place(2, 3), ("and",), None),
        ("a -b c", Place(1, 2), (), "a b c"),
        ("He came home late", Place(2, 3), (), "He came late"),
        ("He came , late", Place(2, 3), (";",), "He came; late"),
        ("He came", Place(2, 2), ("home", "."), "He came home."),
    ],
)
def test_spaces_fit_the_place(mt, place, words, fixed):
    text = reading(mt, None)
    edit = fitted(text, place, words)
    if fixed is not None:
        assert apply(mt, [edit]) == fixed
    elif edit is not None:
        there = [word for word, _, _ in ngrams.words(apply(mt, [edit]))]
        assert there == [*text.words[: place.start], *words, *text.words[place.end :]]


def test_only_suspected_places_are_tried():
    text = reading()
    assert places(text, suspected(MT)) == []
    assert places(text, suspected(MT, "have")) == [place_of(text, "have")]
    assert Place(8, 8) in places(text, suspected(MT, gaps=(8,)))
    assert places(text, None) == []


def test_the_stage_offers_repairs_where_the_detector_doubts():
    segments = [Segment("1", MT, SOURCE), Segment("2", MT, SOURCE), Segment("3", "", SOURCE)]
    detections = [suspected(MT, "have", "negotiation"), None, suspected("")]
    fixer = Fixer(least=0.0)
    found = fixer(segments, detections)
    assert found[1] == found[2] == []
    assert found[0], "an agreement error next to the place is within reach"
    for finding in found[0]:
        confidences = [c.confidence for c in finding.candidates]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 <= c <= 1 for c in confidences)
        assert all(c.by.startswith("fixer/") for c in finding.candidates)
    assert fixer([segments[0]], [detections[0]]) == found[:1]
    assert fixer.signature == Fixer(least=0.0).signature != Fixer().signature
    assert Fixer(least=1.0)(segments, detections) == [[], [], []]


def with_marks(mt, *marks):
    detection = suspected(mt, *marks)
    findings = []
    for text in marks:
        start = mt.index(text)
        span = ErrorSpan(
            start, start + len(text), "accuracy/mistranslation", "major", 0.6, "detect/x"
        )
        findings.append(Finding(span))
    detection.findings = tuple(findings)
    return detection


def test_what_the_detector_marks_has_wordings_to_look_at():
    mt = "Browser of the magazine Anna told about it , and 5 of them ."
    segment = Segment("1", mt, "Обозреватель журнала Анна рассказала об этом, и 5 из них.")
    fixer, detection = Fixer(), with_marks(mt, "Browser", "of them", " ,")
    found = fixer([segment], [detection])[0]
    marks = {(finding.span.start, finding.span.end): finding for finding in found}
    browser = marks[0, len("Browser")]
    assert browser.span.by == "detect/x" and browser.span.category == "accuracy/mistranslation"
    texts = {c.edit.text for c in browser.candidates}
    assert texts & {"Columnist", "Commentator", "Reviewer", "Observer"}
    assert not any(mt[a:b].strip() == "," for a, b in marks), "no ideas for a mere sign"
    for finding in found:
        ranges = {(c.edit.start, c.edit.end) for c in finding.candidates}
        assert ranges == {(finding.span.start, finding.span.end)}, "one choice"
        assert all(c.edit.text.strip() for c in finding.candidates), "no deletion"
        assert all(c.confidence < fixer.least for c in finding.candidates)
    assert Fixer(ideas=False)([segment], [detection]) == [[]]
    assert Fixer(ideas=False).signature != fixer.signature


def test_at_most_a_few_short_places_are_marked():
    mt = "one two three four five six seven eight nine ten"
    words = mt.split()
    seen = marked(reading(mt, None), with_marks(mt, *words[:6], " ".join(words[6:])))
    assert len(seen) == MOST_MARKED and all(
        len(mt[s.start : s.end].split()) == 1 for s in seen.values()
    )
    assert marked(reading(mt, None), None) == {}


def test_names_of_peoples_and_months_have_a_capital():
    text = reading("He came to it.", "Он приехал.")
    assert fitted(text, Place(3, 4), ("egypt",)).text == "Egypt"
    assert fitted(text, Place(3, 4), ("russian", "may")).text == "Russian may"


def test_agreement_is_found_by_the_english_alone():
    text = reading("He have been in Moscow for two days.", None)
    best = [words for words, _, _ in Fixer().candidates(text, place_of(text, "have"))[:5]]
    assert ("has",) in best


def test_a_deletion_costs_more_where_no_source_speaks_for_it():
    place = place_of(reading(), "the course")
    model = SimpleNamespace(predict=lambda rows, num_threads: np.zeros(len(rows)))
    costs = {}
    for source in (SOURCE, None):
        text = reading(source=source)
        found = {(): 1, ("the", "end"): 2}
        costs[source] = scored(model, describe(text, place, found)).tolist()
    assert costs[SOURCE][1] == costs[None][1] == 0 > costs[SOURCE][0] > costs[None][0]


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(RepairError, match=r"models/fixer/train\.py"):
        Ranker(tmp_path).rank(describe(reading(), Place(0, 1), candidates(reading(), Place(0, 1))))
