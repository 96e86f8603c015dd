"""Scoring: parity with sacreBLEU's command and code, laws of effects, intervals and pairing."""

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.lib_ter import translation_edit_rate

from repair.core import (
    Candidate,
    Edit,
    ErrorSpan,
    Record,
    RepairError,
    Segment,
    Suggestion,
)
from repair.evaluate import metrics
from repair.evaluate.ter import count_edits

REFERENCES = [
    "The ministry confirmed that talks on the border will resume in March.",
    "Prices rose by 4.5 percent over the year, the statistics office said.",
    '"We are not going to comment on this," the spokesman told reporters.',
    "Two hundred people were evacuated from the flooded villages on Sunday.",
    "The court postponed the hearing until the end of the month.",
]
BASELINE = [
    "Ministry has confirmed that the talks about border will be resumed in March.",
    "Prices grew on 4.5 percents for the year, said the statistics office.",
    '"We are not going to comment this," - said the spokesman to reporters.',
    "Two hundreds people were evacuated from flooded villages in Sunday.",
    "The court postponed the hearing until the end of month.",
]
FIXED = [
    "The ministry has confirmed that the talks about the border will be resumed in March.",
    "Prices grew by 4.5 percent for the year, said the statistics office.",
    '"We are not going to comment this," - said the spokesman to reporters.',
    "Two hundred people were evacuated from flooded villages on Sunday.",
    "The court adjourned hearing until end of month.",
]


def run_sacrebleu(tmp_path, *options, reference=REFERENCES, systems=(BASELINE, FIXED)):
    paths = []
    for name, lines in zip(("ref", "base", "fixed"), (reference, *systems), strict=True):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(str(path))
    command = [sys.executable, "-m", "sacrebleu", paths[0], "-i", *paths[1:], "-w", "4"]
    command += ["-m", "bleu", "chrf", "ter", "--chrf-word-order", "2", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def parse_table(printed):
    """Two rows (baseline, system) of [(value, mean, interval), ...] in the order BLEU, chrF, TER."""
    cells = re.findall(r"([\d.]+) \(([\d.]+) ± ([\d.]+)\)", printed)
    p_values = [float(p) for p in re.findall(r"\(p = ([\d.]+)\)", printed)]
    signatures = re.findall(r"- \S+\s+(nrefs:\S+)", printed)
    return [tuple(map(float, cell)) for cell in cells], p_values, signatures


@pytest.mark.parametrize("repeat", [1, 37])
def test_figures_p_values_and_signatures_are_those_of_the_sacrebleu_command(tmp_path, repeat):
    """The published tool on the same files, with its paired bootstrap."""
    texts = [part * repeat for part in (REFERENCES, BASELINE, FIXED)]
    cells, p_values, signatures = parse_table(
        run_sacrebleu(tmp_path, "--paired-bs", "-f", "text", reference=texts[0], systems=texts[1:])
    )
    ours = metrics.score(texts[2], texts[0], baseline=texts[1]).scores
    assert len(cells) == 6 and len(p_values) == 3
    assert [score.signature for score in ours] == signatures
    for index, score in enumerate(ours):
        base = (score.baseline, score.baseline_mean, score.baseline_interval)
        assert base == pytest.approx(cells[index], abs=1e-3)
        fixed = (score.value, score.mean, score.interval)
        assert fixed == pytest.approx(cells[3 + index], abs=1e-3)
        # One resample in a thousand may fall on the other side by 32-bit rounding.
        assert score.p_value == pytest.approx(p_values[index], abs=1.01 / 1001)


def test_several_references_score_as_in_sacrebleu():
    from sacrebleu.metrics import BLEU, CHRF, TER

    other = [reference.replace("the ", "that ") for reference in REFERENCES]
    ours = metrics.score(FIXED, list(zip(REFERENCES, other, strict=True)), samples=0)
    for name, metric in (("BLEU", BLEU()), ("chrF++", CHRF(word_order=2)), ("TER", TER())):
        theirs = metric.corpus_score(FIXED, [REFERENCES, other])
        assert ours[name].value == pytest.approx(theirs.score)
        assert ours[name].signature == metric.get_signature().format()


WORDS = st.lists(st.sampled_from("abcdefg"), max_size=14)


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS)
def test_edits_are_those_of_sacrebleu(hypothesis, reference):
    assert count_edits(hypothesis, reference) == translation_edit_rate(hypothesis, reference)[0]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from("abcdefghijkl"), min_size=6, max_size=40),
    st.lists(st.tuples(*[st.integers(0, 39)] * 3), max_size=5),
)
def test_edits_with_moved_blocks_are_those_of_sacrebleu(reference, moves):
    hypothesis = list(reference)
    for start, length, goal in moves:
        block = hypothesis[start : start + length % 7]
        del hypothesis[start : start + length % 7]
        hypothesis[goal:goal] = block
    assert count_edits(hypothesis, reference) == translation_edit_rate(hypothesis, reference)[0]


def test_long_texts_reach_the_beam_and_still_agree():
    rng = np.random.default_rng(5)
    reference = [str(word) for word in rng.integers(0, 200, 52)]
    hypothesis = [*reference[26:], *[str(w) for w in rng.integers(0, 200, 4)], *reference[:26]]
    assert count_edits(hypothesis, reference) == translation_edit_rate(hypothesis, reference)[0]


def test_resamples_do_not_depend_on_the_size_of_pieces():
    whole = np.concatenate(list(metrics.resamples(11, 50, 3)))
    pieces = np.concatenate(list(metrics.resamples(11, 50, 3, chunk=40)))
    assert (whole == pieces).all()
    assert (whole.sum(1) == 11).all()


def test_equal_texts_differ_by_nothing():
    scores = metrics.score(BASELINE, REFERENCES, baseline=BASELINE)
    assert all(score.change == 0 and score.p_value == 1 for score in scores.scores)


def test_counting_in_two_processes_gives_the_same():
    fixed = [f"{text} {number}" for number in range(700) for text in FIXED]
    references = REFERENCES * 700
    alone, together = (
        metrics.score(fixed, references, metrics=["BLEU", "TER"], samples=0, workers=workers)
        for workers in (1, 2)
    )
    assert alone == together


def test_documents_are_scored_apart_and_printed():
    docs = ["a", "a", "b", "b", "b"]
    scores = metrics.score(FIXED, REFERENCES, baseline=BASELINE, docs=docs, samples=20)
    alone = metrics.score(FIXED[:2], REFERENCES[:2], baseline=BASELINE[:2], samples=0)
    assert [one.value for one in scores.documents["a"]] == [one.value for one in alone.scores]
    assert "p = " in str(scores) and "nrefs:1" in str(scores)
    assert scores.to_json()["documents"].keys() == {"a", "b"}


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.score(FIXED, REFERENCES[:3]),
        lambda: metrics.score(FIXED, [REFERENCES]),
        lambda: metrics.score(FIXED, REFERENCES, baseline=BASELINE[:1]),
        lambda: metrics.score(FIXED, REFERENCES, docs=["a"]),
        lambda: metrics.score(FIXED, [[] for _ in FIXED]),
        lambda: metrics.score([], []),
        lambda: metrics.score(FIXED, REFERENCES, metrics=["METEOR"]),
    ],
)
def test_texts_that_do_not_pair_up_are_refused(call):
    with pytest.raises(RepairError):
        call()


def test_text_that_looks_tokenised_is_remarked_on():
    lines = ["It is late ."] * 100
    assert "tokenised" in metrics.score(lines, lines, samples=0).warnings[0]
    assert not metrics.score(lines, lines, samples=0, tokenized=True).warnings


@pytest.mark.parametrize(
    ("mt", "edit", "target", "effect"),
    [
        ("He go home.", Edit(3, 5, "went"), "He went home.", "towards"),
        ("He went home.", Edit(3, 7, "go"), "He went home.", "away"),
        ("He go home.", Edit(3, 5, "gone"), "He went home.", "neutral"),
        ("today, ”said Ivanov", Edit(6, 8, "” "), "today,” said Ivanov", "towards"),
        ("He went  home.", Edit(7, 9, " "), "He went home.", "towards"),
        ("He went home.", Edit(7, 8, "  "), "He went home.", "away"),
    ],
)
def test_an_edit_moves_towards_or_away(mt, edit, target, effect):
    assert metrics.name_effect(metrics.edit_effect(mt, edit, (target,))) == effect


def make_record(mt, fixed, *suggestions, references=(), post_edit=None):
    made = tuple(
        Suggestion(
            f"s{index}",
            ErrorSpan(edit.start, edit.end, "fluency/grammar", "minor", 0.5, "test"),
            (Candidate(edit, "test", 0.5),),
            0.5,
        )
        for index, edit in enumerate(suggestions)
    )
    segment = Segment("1", mt, references=references, post_edit=post_edit)
    return Record(segment, suggestions=made, fixed=fixed)


def test_segment_effect_says_what_each_suggestion_and_all_together_do():
    record = make_record(
        "He go in home.",
        "He went home.",
        Edit(3, 5, "went"),
        Edit(6, 9, ""),
        Edit(9, 13, "house"),
        references=("He went home.", "She went home."),
    )
    effect = metrics.segment_effect(record)
    assert effect.suggestions == {"s0": "towards", "s1": "towards", "s2": "away"}
    assert effect.ter_after == 0 < effect.ter_before
    assert effect.chrf_after == 100 > effect.chrf_before
    assert effect.verdict == "improved" and effect.against == "references"


def test_segment_effect_prefers_the_post_edit_and_needs_some_target():
    record = make_record("He go.", "He go.", references=("Off.",), post_edit="He goes.")
    effect = metrics.segment_effect(record)
    assert effect.against == "post-edit" and effect.verdict == "unchanged"
    assert metrics.segment_effect(make_record("a", "a")) is None


def test_no_edit_of_a_finished_segment_moves_towards_it():
    text = "The talks went on."
    record = make_record(text, text, Edit(0, 3, "Some"), references=(text,))
    assert metrics.segment_effect(record).suggestions == {"s0": "away"}
