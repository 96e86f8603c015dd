"""The samples are aligned, and their marked errors lie where they say they do."""

import re

import pytest
from repair.corpora.sample_articles import NAMES, sample, sample_errors, sample_text

from repair.core import CATEGORIES, SEVERITIES, RepairError, apply


@pytest.mark.parametrize("name", NAMES)
def test_every_segment_has_source_mt_and_reference(name):
    for segment in sample(name):
        assert re.search("[а-яё]", segment.source)
        assert segment.mt == segment.mt.strip() != ""
        assert len(segment.references) == 1
        assert not re.search("[а-яё]", segment.references[0], re.IGNORECASE)


def test_there_are_enough_segments_and_about_a_third_is_fine():
    errors = [spans for name in NAMES for spans in sample_errors(name).values()]
    assert len(errors) >= 60
    assert 0.25 < sum(not spans for spans in errors) / len(errors) < 0.45


@pytest.mark.parametrize("name", NAMES)
def test_marked_errors_lie_inside_the_mt_and_change_it(name):
    texts = {segment.id: segment.mt for segment in sample(name)}
    for identity, errors in sample_errors(name).items():
        mt = texts[identity]
        for span, edit in errors:
            assert 0 <= span.start <= span.end <= len(mt)
            assert mt[span.start : span.end] != edit.text
            assert span.category in CATEGORIES and span.severity in SEVERITIES


@pytest.mark.parametrize("name", NAMES)
def test_all_corrections_of_a_segment_apply_together(name):
    for segment in sample(name):
        fixed = apply(segment.mt, [edit for _, edit in sample_errors(name)[segment.id]])
        assert not re.search("[а-яё]", fixed, re.IGNORECASE)
        assert "  " not in fixed and fixed == fixed.strip()


@pytest.mark.parametrize("name", NAMES)
def test_running_text_is_the_mt(name):
    assert sample_text(name).split() == " ".join(s.mt for s in sample(name)).split()
    assert "\n\n" in sample_text(name)


def test_every_accuracy_category_that_facts_guard_occurs():
    seen = {span.category for name in NAMES for e in sample_errors(name).values() for span, _ in e}
    assert {f"accuracy/{kind}" for kind in ("number", "entity", "negation", "untranslated")} <= seen


def test_an_unknown_sample_is_an_error_that_names_the_known_ones():
    with pytest.raises(RepairError, match="diplomacy"):
        sample("sports")
