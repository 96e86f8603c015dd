"""Laws, golden cases and the table of calques of the style stage."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from repair.corpora.measure_style import count_moves, find_moves, read_outputs, write_precision
from repair.corpora.mine import corpora_folder, mine, read_sources
from repair.corpora.mine import main as mine_main

from repair.core import CATEGORIES, Edit, RepairError, Segment, apply, compatible
from repair.style import SURFACE, Style, confidence, shrink, trim
from repair.style.calques import Table, load_table, read_table
from repair.style.consistency import skeleton
from repair.style.typography import mask

CASES = sorted((Path(__file__).parent / "cases" / "style").glob("*.txt"))
STYLE = Style()
TABLE = load_table()
ALONE = {name: Style(rules=[name]) for name in SURFACE}
MARKED = re.compile(r"\{([^{}]*?)(?: => ([^{}]*))?\}")


def fix(style, segments):
    """The texts with the surest edits that do not overlap, groups whole or not at all."""
    fixed = []
    for segment, findings in zip(segments, style(segments), strict=True):
        chosen, refused = [], set()
        ranked = [f.candidates[0] for f in findings if f.candidates]
        ranked.sort(key=lambda c: (-(c.edit.end - c.edit.start), -c.confidence, c.edit.start))
        for candidate in ranked:
            if not all(compatible(candidate.edit, other.edit) for other in chosen):
                refused.add(candidate.group)
            else:
                chosen.append(candidate)
        edits = [c.edit for c in chosen if c.group is None or c.group not in refused]
        fixed.append(apply(segment.mt, edits))
    return fixed


# --- golden cases -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_case(path):
    text = path.read_text(encoding="utf-8")
    sources = [None] * 1000
    if text.startswith("# source\n"):
        head, text = text.removeprefix("# source\n").split("# input\n")
        sources = head.splitlines()
    given, expected = (part.splitlines() for part in text.split("# output\n"))
    segments = [
        Segment(str(number), mt, source, doc=path.stem)
        for number, (mt, source) in enumerate(zip(given, sources, strict=False))
    ]
    assert fix(STYLE, segments) == expected


def test_golden_cases_are_found():
    assert len(CASES) >= 9


# --- laws ---------------------------------------------------------------------------------------

PIECE_TEXT = (
    '" ” “ « » , . ; : ! ? - – ( ) [ ] \u00a0 a the said he Orlov Tass Un of of in 5 2:1 \n x,y '
    "today, word. The https://a.ru a@b.ru приказ мaй told that in this year 's ’ ' … .. ,, "
)
PIECES = st.sampled_from(PIECE_TEXT.split(" "))
NEWS = st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join)


@given(st.lists(st.tuples(st.text() | NEWS, st.none() | st.text()), max_size=4), st.booleans())
@example([("0\u00a0“", None)], False)
@example([('a “ " b', None), ("\ud800 \x00 ,a", "\udfff")], True)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_findings_are_valid_on_any_text(pairs, one_document):
    doc = "d" if one_document else None
    segments = [Segment(str(n), mt, source, doc=doc) for n, (mt, source) in enumerate(pairs)]
    found = STYLE(segments)
    assert len(found) == len(segments)
    for segment, findings in zip(segments, found, strict=True):
        groups = {}
        for finding in findings:
            span = finding.span
            assert 0 <= span.start <= span.end <= len(segment.mt)
            assert span.category in CATEGORIES and span.by.startswith("style/") and span.message
            assert 0 < span.confidence < 1
            for candidate in finding.candidates:
                edit = candidate.edit
                assert segment.mt[edit.start : edit.end] != edit.text
                apply(segment.mt, [edit])
                if candidate.group:
                    groups.setdefault(candidate.group, []).append(edit)
        for edits in groups.values():
            apply(segment.mt, edits)
    assert STYLE(segments) == found


@given(NEWS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mended_place_is_not_found_again(text):
    """Every rule, run again on what it made, is content or goes on to a text of its own liking."""
    for name, style in ALONE.items():
        mended = text
        for _ in range(6):
            (again,) = fix(style, [Segment("1", mended)])
            if again == mended:
                break
            mended = again
        assert again == mended, name


@given(NEWS)
@settings(max_examples=100, deadline=None)
def test_masked_text_is_never_edited(text):
    masked = mask(text)
    assert len(masked) == len(text)
    for finding in STYLE([Segment("1", text)])[0]:
        for candidate in finding.candidates:
            assert "\ue000" not in masked[candidate.edit.start : candidate.edit.end]


def test_references_and_neighbors_without_a_document_change_nothing():
    texts = ["In this year he won.", "Orlov left , he said.", "Sales rose on 5 percent."]
    alone = [STYLE([Segment("1", text)])[0] for text in texts]
    together = STYLE([Segment("1", text, references=("x",), post_edit="y") for text in texts])
    assert [f[0].candidates for f in together] == [f[0].candidates for f in alone]


def test_a_quote_pair_is_one_group():
    (findings,) = STYLE([Segment("1", "The plant wants to“ gain ground ”of the market.")])
    groups = {c.group for f in findings for c in f.candidates}
    assert len(findings) == 2 and len(groups) == 1 and None not in groups


# --- the table ----------------------------------------------------------------------------------


def test_the_table_is_large_and_documented():
    assert len(TABLE.calques) >= 300
    for calque in TABLE.calques:
        assert calque.why.endswith(".") and len(calque.why) < 160, calque.name
        assert calque.category in CATEGORIES, calque.name
        assert calque.anchors, f"{calque.name} has no word to index"
        assert not calque.needs_source or calque.russian, calque.name


def test_every_bad_example_is_mended_as_marked():
    wrong = []
    for calque in TABLE.calques:
        alone = Table([calque])
        for marked in calque.bad:
            (slot,) = MARKED.finditer(marked)
            text = MARKED.sub(lambda m: m[1], marked)
            matches = [match for _, match in alone.find_in(text, calque.russian or None)]
            if [(m.start(), m[0]) for m in matches] != [(slot.start(), slot[1])]:
                wrong.append((calque.name, text, [m[0] for m in matches]))
            elif calque.fixes and calque.mend(matches[0], calque.fixes[0]) != slot[2]:
                wrong.append((calque.name, calque.mend(matches[0], calque.fixes[0]), slot[2]))
    assert wrong == []


def test_no_good_example_is_touched():
    wrong = []
    for calque in TABLE.calques:
        for text in calque.good:
            for source in (None, "Нет.") if calque.needs_source else (None,):
                if list(Table([calque]).find_in(text, source)):
                    wrong.append((calque.name, text))
    assert wrong == []


def test_a_mended_example_does_not_fire_again():
    wrong = []
    for calque in TABLE.calques:
        for marked in calque.bad if calque.fixes else ():
            text = MARKED.sub(lambda m: m[2] or "", marked)
            if list(Table([calque]).find_in(text, calque.russian or None)):
                wrong.append((calque.name, text))
    assert wrong == []


def test_a_source_without_the_trigger_silences_the_entry():
    fired = []
    for calque in TABLE.calques:
        if calque.trigger is not None:
            for marked in calque.bad:
                text = MARKED.sub(lambda m: m[1], marked)
                if list(Table([calque]).find_in(text, "Ъ!")):
                    fired.append(calque.name)
    assert fired == []


def test_the_index_loses_nothing():
    for calque in TABLE.calques[::7]:
        text = MARKED.sub(lambda m: m[1], calque.bad[0])
        russian = calque.russian or None
        slow = [
            (c.name, m.span())
            for one in TABLE.calques
            for c, m in Table([one]).find_in(text, russian)
        ]
        fast = [(c.name, m.span()) for c, m in TABLE.find_in(text, russian)]
        assert fast == slow


ENTRY = """
[[calque]]
name = "x"
family = "f"
find = "{find}"
fix = "{fix}"
why = "Why."
bad = "b"
good = "g"
"""


@pytest.mark.parametrize(
    ("find", "fix_text", "complaint"),
    [
        ("the @nothing", "x", "no set @nothing"),
        ("walk/q home", "x", "no inflection class /q"),
        ("walk home", "{3}", "no element 3"),
        ("walk home", "{1%nothing}", "no map nothing"),
        ("walk home", "{1+er}", "no ending er"),
    ],
)
def test_a_broken_entry_is_named(find, fix_text, complaint):
    with pytest.raises(RepairError, match=complaint) as caught:
        read_table(ENTRY.replace("{find}", find).replace("{fix}", fix_text))
    assert "'x'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("He walks home.", "He strolls homeward."),
        ("They had walked home.", "They had strolled homeward."),
        ("Walking home, he fell.", "Strolling homeward, he fell."),
        ("WALKHOME", None),
    ],
)
def test_a_fix_takes_the_form_of_the_match(text, fixed):
    table = read_table(
        ENTRY.replace("{find}", "walk/v home").replace("{fix}", "{1:stroll} homeward")
    )
    made = [
        text[: m.start()] + c.mend(m, c.fixes[0]) + text[m.end() :]
        for c, m in table.find_in(text, None)
    ]
    assert made == ([fixed] if fixed else [])


def test_the_article_before_a_fix_fits():
    (findings,) = STYLE([Segment("1", "He told an anecdote.", "Он рассказал анекдот.")])
    assert apply("He told an anecdote.", [findings[0].candidates[0].edit]) == "He told a joke."


# --- options, confidence ------------------------------------------------------------------------


def test_rules_are_chosen_by_name_family_pattern_and_exclusion():
    assert Style(rules=["quote-space"]).rules == ("quote-space",)
    assert set(Style(rules=["typography"]).rules) == set(SURFACE)
    assert "quote-space" not in Style(rules=["!quote-*"]).rules
    assert Style(rules=["style/time", "!in-this-year"]).family("in-monday") == "time"
    assert Style(rules=["time"]).signature != Style().signature == Style().signature
    with pytest.raises(RepairError, match="no-such-rule"):
        Style(rules=["no-such-rule"])


def test_confidence_comes_from_counts():
    assert shrink((0, 0), 0.5) == 0.5
    assert 0.5 < shrink((3, 0), 0.5) < shrink((30, 0), 0.5) < 1
    for name in STYLE.rules:
        sure, better = confidence(name, STYLE.family(name))
        assert 0 < better <= sure < 1, name


def test_trim_keeps_whole_words():
    text = "He walked slowly as well as also fast."
    assert trim(text, Edit(17, 32, "as well as")) == Edit(27, 32, "")
    assert trim("He walks on", Edit(3, 8, "walked")) == Edit(3, 8, "walked")
    assert trim("the same", Edit(0, 8, "the same")) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zelensky", "Zelenskiy"),
        ("Sergei", "Sergey"),
        ("Alexander", "Aleksander"),
        ("Khodakov", "Hodakov"),
    ],
)
def test_romanizations_of_one_name_share_a_skeleton(one, other):
    assert skeleton(one) == skeleton(other)
    assert skeleton("Ivanov") != skeleton("Ivanova")


def test_the_source_tells_two_men_from_two_spellings():
    texts = ["Krylenko spoke.", "Krilenko left.", "Krylenko sat."]
    same = [Segment(str(n), t, "Крыленко здесь.", doc="d") for n, t in enumerate(texts)]
    other = [Segment(str(n), t, "Он здесь.", doc="d") for n, t in enumerate(texts)]
    style = Style(rules=["name-consistency"])
    assert [len(f) for f in style(same)] == [0, 1, 0]
    assert [len(f) for f in style(other)] == [0, 0, 0]


# --- mining and measuring -----------------------------------------------------------------------


@pytest.fixture
def corpora(tmp_path):
    """A tiny corpus: two systems say a calque in every sentence, the reference never does."""
    rows, pairs = ["id\tsrc_ru\ttgt_en\tsystem\tmt"], ["id\tsrc_ru\ttgt_en\torig"]
    for number in range(120):
        source, reference = (
            f"В этом году мост {number} открыт.",
            f"This year bridge {number} is open.",
        )
        pairs.append(f"n.{number}\t{source}\t{reference}\tru")
        rows.append(f"n.{number}\t{source}\t{reference}\tA\tIn this year bridge {number} is open.")
        rows.append(
            f"n.{number}\t{source}\t{reference}\tB\tIn this year the bridge {number} opened."
        )
    for folder, name, lines in (
        ("wmt_outputs", "newstest2013.ruen_mt", rows),
        ("wmt_pairs", "newstest2013_ruen", pairs),
    ):
        (tmp_path / folder).mkdir()
        with lzma.open(tmp_path / folder / f"{name}.tsv.xz", "wt", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return tmp_path


def test_mining_finds_the_calque_and_the_russian_behind_it(corpora, capsys):
    sources = read_sources(corpora, 2013)
    assert len(sources) == 120 and len(sources[0].outputs) == 2
    mined = {row.ngram: row for row in mine(sources, ["The year was good."] * 50)}
    assert "in this year" in mined and "this year" not in mined
    assert "in this" not in mined  # mostly a part of the longer one
    assert mined["in this year"].references == 0 and mined["in this year"].mt == 120
    assert "году" in mined["in this year"].russian
    assert mine_main(["--corpora", str(corpora), "--years", "2013"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("z\tngram") and any("in this year" in row for row in rows)


def test_measuring_counts_one_observation_a_source(corpora, tmp_path):
    style = Style(rules=["in-this-year"])
    counts = count_moves(find_moves(style, read_outputs(corpora, [2013])))
    assert counts == {"in-this-year": (120, 0, 0)}
    path = tmp_path / "precision.toml"
    path.write_text("[wrong]\nin-this-year = [9, 1]\n", encoding="utf-8")
    write_precision(path, style, counts)
    text = path.read_text(encoding="utf-8")
    assert "in-this-year = [9, 1]" in text and "time = [120, 0]" in text


def test_missing_corpora_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MT_REPAIR_CORPORA", raising=False)
    with pytest.raises(RepairError, match="MT_REPAIR_CORPORA"):
        corpora_folder()
    assert mine_main(["--corpora", str(tmp_path)]) == 2
    assert "missing" in capsys.readouterr().err
