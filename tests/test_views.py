"""The other views of a run: each shows the same edits, and none is steered by the texts."""

import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import HEADER, sample_records, suggest
from rich.console import Console

from repair.align import tokens
from repair.core import Record, RepairError, Segment, apply, compatible
from repair.files.decisions import decisions_from_dict
from repair.report.docx import write_tracked_changes
from repair.report.views import COLUMNS, applied, decided, m2, markdown, offered, terminal, tsv

SEGMENT = Segment("1", "He told that 1,5 milions was stolen", doc="news")


def record_of(*suggestions, segment=SEGMENT, **more):
    return Record(segment, (), tuple(suggestions), segment.mt, **more)


@st.composite
def records(draw):
    """Any text with suggestions at any places, overlapping ones too."""
    mt = draw(st.text(st.sampled_from("ab ,.\t\n😀я\u0301\x07<&"), max_size=20))
    segment = Segment("1", mt)
    suggestions = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(mt)))
        end = draw(st.integers(start, len(mt)))
        text = draw(st.text(st.sampled_from("xy ,\n>"), max_size=4))
        sure = draw(st.floats(0, 1))
        suggestions.append(suggest(segment, start, end, text, confidence=sure, by="p"))
    return record_of(*suggestions, segment=segment)


def fixed_of(record):
    return apply(record.segment.mt, [edit for _, edit in offered(record)])


@given(records())
def test_offered_edits_can_stand_together(record):
    edits = [edit for _, edit in offered(record)]
    assert all(compatible(a, b) for i, a in enumerate(edits) for b in edits[:i])
    assert edits == sorted(edits, key=lambda edit: (edit.start, edit.end))


def test_ideas_are_named_and_not_put_in():
    record = record_of(
        suggest(SEGMENT, 3, 7, "said", "spoke", confidence=0.3, by="detect/x"),
        suggest(SEGMENT, 17, 24, "millions", confidence=0.6),
    )
    assert fixed_of(record) == "He told that 1,5 millions was stolen"
    out = io.StringIO()
    terminal([record], Console(file=out, width=120))
    assert "“told”, perhaps “said” or “spoke”" in out.getvalue()
    assert "+said+" not in out.getvalue() and "{+millions+}" in out.getvalue()
    row = dict(zip(COLUMNS, "".join(tsv([record])).split("\n")[1].split("\t"), strict=True))
    assert (row["text"], row["alternatives"]) == ("", "said | spoke")
    assert row["confidence"] == "0.3000", "that the place is wrong"


# ---- M2


def applied_m2(block):
    """The tokens of an M2 block after its edits, by the rules of the format."""
    head, *lines = block.strip("\n").split("\n")
    words = head.split(" ")[1:]
    for line in reversed(lines):
        place, kind, correction, *_ = line[2:].split("|||")
        start, end = map(int, place.split())
        if kind != "noop":
            words[start:end] = correction.split(" ") if correction else []
    return words


@settings(max_examples=150)
@given(records())
def test_the_edits_of_an_m2_block_give_the_tokens_of_the_fixed_text(record):
    (block,) = m2([record])
    fixed = fixed_of(record)
    assert applied_m2(block) == [fixed[a:b] for a, b in tokens(fixed)]
    places = [
        tuple(map(int, line[2:].split("|||")[0].split())) for line in block.split("\n")[1:] if line
    ]
    assert places == sorted(places)


def test_m2_of_a_join_an_insertion_and_no_edit():
    segment = Segment("1", "to day he go home")
    record = record_of(
        suggest(segment, 2, 3, "", category="fluency/spelling"),
        suggest(segment, 12, 12, "es", category="fluency/grammar"),
        suggest(segment, 17, 17, ".", category="fluency/punctuation"),
        segment=segment,
    )
    blocks = list(m2([record, record_of()]))
    assert blocks[0].split("\n")[1:4] == [
        "A 0 2|||R:fluency/spelling|||today|||REQUIRED|||-NONE-|||0",
        "A 3 4|||R:fluency/grammar|||goes|||REQUIRED|||-NONE-|||0",
        "A 5 5|||M:fluency/punctuation|||.|||REQUIRED|||-NONE-|||0",
    ]
    assert "noop" in blocks[1]


# ---- TSV


@given(records())
def test_every_suggestion_is_one_line_of_the_table(record):
    lines = "".join(tsv([record])).split("\n")
    assert lines[0].split("\t") == list(COLUMNS) and lines[-1] == ""
    rows = [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines[1:-1]]
    assert [row["suggestion"] for row in rows] == [s.id for s in record.suggestions]
    for row, suggestion in zip(rows, record.suggestions, strict=True):
        span = suggestion.span
        original = record.segment.mt[span.start : span.end]
        unescaped = re.sub(
            r"\\(.)", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), row["original"]
        )
        assert unescaped == original


def decisions_on(*entries):
    return decisions_from_dict(
        {"schema": "mt-repair.decisions/1", "run": "d", "decisions": list(entries)}
    )


def test_decisions_stand_in_the_table_and_choose_the_edits():
    told, amount = suggest(SEGMENT, 3, 7, "said"), suggest(SEGMENT, 13, 24, "1.5 million", "2")
    record = record_of(told, amount)
    base = {"segment": "1"}
    decisions = decisions_on(
        {**base, "suggestion": told.id, "verdict": "rejected", "note": "fine"},
        {**base, "suggestion": amount.id, "verdict": "accepted", "candidate": 1, "text": "2"},
    )
    rows = [line.split("\t") for line in tsv([record], decisions)][1:]
    assert [row[-3:] for row in rows] == [["rejected", "", "fine\n"], ["accepted", "2", "\n"]]
    chosen = decided(decisions)(record)
    assert [(s.id, edit.text) for s, edit in chosen] == [(amount.id, "2")]
    assert decided(decisions_on())(record) == [] and applied(record) == []


# ---- terminal


def shown(records, **options):
    out = io.StringIO()
    terminal(records, Console(file=out, width=80, **options))
    return out.getvalue()


def test_the_terminal_shows_what_becomes_what_and_why(monkeypatch):
    monkeypatch.setenv("PAGER", "")
    monkeypatch.delenv("NO_COLOR", raising=False)
    record = record_of(suggest(SEGMENT, 3, 7, "said", message="Told needs someone."))
    text = shown([record, record_of(segment=Segment("2", "fine"))])
    for words in (
        "[-told-]{+said+}",
        "minor ●",
        "style/awkward, likely 0.70",
        "Told needs someone.",
    ):
        assert words in text
    assert "fine" not in text, "segments without suggestions are left out"
    assert "\x1b" not in text
    assert "\x1b[" in shown([record], force_terminal=True)
    assert "No suggestions" in shown([])


def test_no_text_steers_the_terminal(monkeypatch):
    monkeypatch.setenv("PAGER", "")
    bad = "\x1b]0;owned\x07 [red]x[/red] \u202e \r\n \ud800"
    segment = Segment(bad, bad, bad, doc=bad)
    record = record_of(
        suggest(segment, 0, 3, bad, message=bad, by=bad), segment=segment, warnings=(bad,)
    )
    text = shown([record])
    assert not re.search("[\x1b\x07\r\u202e\ud800]", text)
    assert "[red]x[/red]" in text and "<U+001B>" in text


def test_a_pager_is_used_on_a_terminal_and_may_be_left(monkeypatch, tmp_path):
    seen = tmp_path / "seen"
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\nhead -c 300 > {seen}\n")
    pager.chmod(0o755)
    monkeypatch.setenv("PAGER", str(pager))
    record = record_of(suggest(SEGMENT, 3, 7, "said"))
    terminal([record] * 3000, Console(file=io.StringIO(), width=80, force_terminal=True))
    assert seen.stat().st_size == 300


# ---- Markdown


def test_the_summary_counts_and_names_the_worst():
    text = "".join(markdown(sample_records(), HEADER, title="A *title*"))
    assert text.startswith("# A \\*title\\*\n")
    count = sum(len(r.suggestions) for r in sample_records())
    assert f"{count} suggestions in 51 of 75 segments" in text
    rows = re.findall(r"^\| (\w+) \| (\d+)% \| (\d+) \|$", text, re.MULTILINE)
    shares = [int(share) for _, share, _ in rows]
    assert len(rows) == 3 and shares == sorted(shares, reverse=True)
    assert text.count("\n* ") == 20


@given(records())
def test_markdown_keeps_texts_on_their_lines(record):
    text = "".join(markdown([record]))
    assert len([line for line in text.split("\n") if line.startswith("* ")]) == len(
        record.suggestions
    )
    assert not re.search("(?<!\\\\)<", text)


# ---- tracked changes

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def paragraphs(data, accept):
    """The texts of a document once all its changes are accepted, or rejected."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ElementTree.fromstring(archive.read("word/document.xml"))
        comments = ElementTree.fromstring(archive.read("word/comments.xml"))
    gone = W + ("del" if accept else "ins")
    texts = []
    for paragraph in root.iter(W + "p"):
        pieces = []
        for child in paragraph:
            if child.tag == gone:
                continue
            for node in child.iter():
                if node.tag in (W + "t", W + "delText"):
                    pieces.append(node.text or "")
                elif node.tag in (W + "tab", W + "br"):
                    pieces.append("\t" if node.tag == W + "tab" else "\n")
        texts.append("".join(pieces))
    return texts, root, comments


def tracked(records, **options):
    out = io.BytesIO()
    write_tracked_changes(records, out, date=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), **options)
    return out.getvalue()


@given(records())
def test_accepting_all_changes_gives_the_fixed_text_and_rejecting_all_the_mt(record):
    data = tracked([record])
    mt, fixed = record.segment.mt, fixed_of(record)
    assert paragraphs(data, accept=False)[0] == [mt.replace("\x07", "\ufffd")]
    assert paragraphs(data, accept=True)[0] == [fixed.replace("\x07", "\ufffd")]


def test_changes_have_author_date_and_reason():
    data = tracked(
        [record_of(suggest(SEGMENT, 3, 7, "said", "claimed", by="style/calque"))], with_source=True
    )
    texts, root, comments = paragraphs(data, accept=True)
    assert texts == ["news", "He said that 1,5 milions was stolen"]
    (deleted,) = root.iter(W + "del")
    (inserted,) = root.iter(W + "ins")
    assert deleted.get(W + "author") == inserted.get(W + "author") == "mt-repair, style/calque"
    assert deleted.get(W + "date") == "2026-01-02T03:04:00Z"
    identities = [node.get(W + "id") for node in (deleted, inserted, *comments)]
    assert len(set(identities)) == 3
    words = "".join(node.text for node in comments.iter(W + "t"))
    assert "style/awkward, minor, likely (0.70)" in words and "“claimed”" in words


def test_the_same_run_gives_the_same_document():
    assert tracked(sample_records()) == tracked(sample_records())


def test_an_existing_document_stays_unless_forced(tmp_path):
    path = tmp_path / "t.docx"
    path.write_text("mine")
    with pytest.raises(RepairError):
        write_tracked_changes([record_of()], path)
    write_tracked_changes([record_of()], path, force=True)
    assert zipfile.is_zipfile(path)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice (soffice) is not installed")
def test_libreoffice_sees_the_changes_as_tracked(tmp_path):
    data = sample_records()[:20]
    write_tracked_changes(data, tmp_path / "t.docx", with_source=True)
    command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
               "--convert-to", "fodt", "--outdir", str(tmp_path), str(tmp_path / "t.docx")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "t.fodt").read_text("utf-8")
    edits = [(r.segment.mt, edit) for r in data for _, edit in offered(r)]
    assert text.count("<text:deletion>") == sum(edit.end > edit.start for _, edit in edits)
    assert text.count("<text:insertion>") == sum(edit.text != "" for _, edit in edits)
    assert text.count("<office:annotation ") == len(edits)
    assert "mt-repair, style/calque" in text
