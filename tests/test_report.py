"""The report as a file: safe whatever the texts hold, streamed, and true to the records."""

import hashlib
import io
import json
import re
from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HEADER, earlier, many_records, sample_records, suggest

from repair.core import Quality, Record, RepairError, Segment
from repair.report import BLOCK, MODULES, page_script, safe_json, write_report


def written(records, **options):
    out = io.BytesIO()
    write_report(records, HEADER, out, digest="d", **options)
    return out.getvalue().decode("utf-8")


def data_of(page):
    """The data blocks of a page: header, decisions, and all segments."""
    found = re.findall(r'<script type="application/json" ([^>]*)>(.*?)</script>', page, re.DOTALL)
    header, decisions = (json.loads(text) for _, text in found[:2])
    return header, decisions, [segment for _, text in found[2:] for segment in json.loads(text)]


ANYTHING = st.text(st.characters() | st.sampled_from("<>&\u2028\u2029'\"\\/!-\x00\ud800\udc00"))


@given(ANYTHING)
def test_any_text_survives_in_a_script_element_and_cannot_leave_it(text):
    safe = safe_json([text])
    assert json.loads(safe) == [text]
    assert not re.search("[<>&\u2028\u2029\ud800-\udfff]", safe)


@settings(max_examples=30)
@given(ANYTHING, ANYTHING)
def test_no_text_changes_the_elements_of_the_page(text, title):
    segment = Segment(text, text, text, (text,), text, text)
    record = Record(segment, (), (suggest(segment, 0, len(text), text, message=text),), text)
    page = written([record], title=title.strip("\0") or "x")
    plain = written([Record(Segment("1", "a"), (), (), "a")])
    assert page.count("<script") == plain.count("<script")
    _, _, (found,) = data_of(page)
    assert found["mt"] == text and found["places"][0]["candidates"][0]["text"] == text


def test_a_title_is_text_even_if_it_is_a_placeholder_or_markup():
    page = written([], title="{{script}} <img src=x onerror=alert(1)>")
    assert "<title>{{script}} &lt;img src=x onerror=alert(1)&gt;</title>" in page


def test_the_policy_names_exactly_the_script_and_style_of_the_page():
    page = written(sample_records())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    for text in (script, style):
        assert b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", script + style)


def test_the_script_never_writes_markup():
    script = page_script()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script
    )
    assert "</script" not in script and "<!--" not in script
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_modules_import_only_from_those_before_them():
    from importlib.resources import files

    for index, name in enumerate(MODULES):
        source = files("repair.report.page").joinpath(name).read_text("utf-8")
        wanted = set(re.findall(r'from "\./([\w.]+)"', source))
        assert wanted <= set(MODULES[:index]), name


def test_all_records_arrive_in_order_and_in_blocks():
    records = many_records(BLOCK + 3)
    page = written(records)
    assert page.count('class="records"') == 2
    header, decisions, segments = data_of(page)
    assert header["run"] == "d" and header["file"] == "samples.decisions.json"
    assert decisions["decisions"] == decisions["silenced"] == decisions["outdated"] == []
    assert [segment["id"] for segment in segments] == [r.segment.id for r in records]
    for record, segment in zip(records, segments, strict=True):
        assert segment["source"] == record.segment.source
        for suggestion, place in zip(record.suggestions, segment.get("places", []), strict=True):
            assert place["id"] == suggestion.id
            texts = [c["text"] for c in place.get("candidates", [])]
            assert texts == [c.edit.text for c in suggestion.candidates]


def test_records_are_taken_one_by_one():
    """A block is written before the records after it are asked for."""
    out, seen = io.BytesIO(), []

    def records():
        for record in many_records(2 * BLOCK + 1):
            seen.append(out.tell())
            yield record

    write_report(records(), HEADER, out, digest="d")
    assert seen[0] < seen[BLOCK] < seen[2 * BLOCK]


def test_an_existing_file_stays_unless_forced(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("mine")
    with pytest.raises(RepairError):
        write_report(sample_records(), HEADER, path, digest="d")
    assert path.read_text() == "mine"
    write_report(sample_records(), HEADER, path, digest="d", force=True)
    assert path.read_bytes().startswith(b"<!doctype html>")


def test_a_failure_midway_leaves_no_file(tmp_path):
    def broken():
        yield from sample_records()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_report(broken(), HEADER, tmp_path / "r.html", digest="d")
    assert list(tmp_path.iterdir()) == []


def test_effects_are_asked_for_in_the_evaluation_view_alone():
    records = sample_records()[:3]
    asked = []

    def effect(record):
        asked.append(record.segment.id)
        ways = {s.id: "towards" for s in record.suggestions}
        return SimpleNamespace(against="references", chrf_before=50.0, chrf_after=60.123,
                               ter_before=40.0, ter_after=30.0, suggestions=ways)  # fmt: skip

    written(records, effect=effect)
    assert asked == []
    header, _, segments = data_of(written(records, evaluation=True, effect=effect))
    assert header["evaluation"] and asked == [r.segment.id for r in records]
    assert segments[1]["effect"]["chrf"] == [50.0, 60.12]


def test_a_place_without_a_fix_has_the_confidence_of_its_span():
    segment = Segment("1", "abc")
    suggestion = suggest(segment, 0, 1, confidence=0.4)
    record = Record(segment, (), (suggestion,), "abc", Quality(0.25))
    _, _, (found,) = data_of(written([record]))
    assert found["places"][0]["confidence"] == 0.4 and found["quality"] == {"hter": 0.25}


def test_earlier_decisions_stand_in_the_page_under_the_digest_of_this_run():
    records = sample_records()
    record = next(r for r in records if r.suggestions and r.suggestions[0].candidates)
    first = record.suggestions[0]
    entry = {
        "suggestion": first.id,
        "segment": record.segment.id,
        "verdict": "accepted",
        "candidate": 0,
    }
    gone = {**entry, "suggestion": "0" * 16}
    file = {"schema": "mt-repair.decisions/1", "run": "old", "decisions": [entry, gone]}
    _, decisions, _ = data_of(written(records, **earlier(file, records, "d")))
    assert decisions["run"] == "d"
    assert [d["suggestion"] for d in decisions["decisions"]] == [first.id]
    assert [d["suggestion"] for d in decisions["outdated"]] == ["0" * 16]


def test_the_page_does_not_depend_on_what_it_need_not_know():
    """References are shown on demand; the frame of the reader and scores stay out."""
    records = sample_records()
    framed = [replace(r, segment=replace(r.segment, frame=("secret",))) for r in records]
    assert written(framed) == written(records)
