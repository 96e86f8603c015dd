"""Arithmetic of detection: parity with scikit-learn and scipy, laws of thresholds and spans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.core import ErrorSpan
from repair.evaluate import detection
from repair.evaluate.effects import wilson

FLAGS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), min_size=1, max_size=60
)


@settings(max_examples=15, deadline=None)
@given(FLAGS)
def test_tag_figures_are_those_of_scikit_learn(rows):
    metrics = pytest.importorskip("sklearn.metrics")
    gold, flagged = (np.array([row[i] for row in rows]) for i in (0, 1))
    # One of each, so that scikit-learn has two classes to speak of.
    gold, flagged = np.append(gold, [True, False]), np.append(flagged, [True, False])
    owner = np.array([*(row[2] for row in rows), 0, 1])
    figures = detection.tag_figures(detection.count_tags(gold, flagged, owner, 4), samples=0)
    assert figures["mcc"] == pytest.approx(metrics.matthews_corrcoef(gold, flagged))
    options = {"zero_division": 0}
    assert figures["f1_bad"] == pytest.approx(metrics.f1_score(gold, flagged, **options))
    assert figures["f1_ok"] == pytest.approx(metrics.f1_score(~gold, ~flagged, **options))
    assert figures["precision"] == pytest.approx(metrics.precision_score(gold, flagged, **options))
    assert figures["recall"] == pytest.approx(metrics.recall_score(gold, flagged, **options))


SCORED = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.5001, 0.9, 1.0])),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(SCORED)
def test_average_precision_is_that_of_scikit_learn(rows):
    metrics = pytest.importorskip("sklearn.metrics")
    gold, scores = (np.array([row[i] for row in rows]) for i in (0, 1))
    if gold.any():
        ours = detection.average_precision(gold, scores)
        assert ours == pytest.approx(metrics.average_precision_score(gold, scores))


@settings(max_examples=60, deadline=None)
@given(SCORED)
def test_no_threshold_beats_the_best(rows):
    gold, scores = (np.array([row[i] for row in rows]) for i in (0, 1))

    def mcc_at(level):
        counts = detection.count_tags(gold, scores >= level, np.zeros(len(gold), int), 1)
        return float(detection.mcc(counts.sum(0)))

    best = mcc_at(detection.best_threshold(gold, scores))
    assert best >= max(mcc_at(level) for level in [*scores, 2.0]) - 1e-12


def test_correlations_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    x = rng.integers(0, 9, 80) / 9
    y = x + rng.normal(size=80)
    figures = detection.correlation(x, y, samples=200)
    assert figures["pearson"] == pytest.approx(stats.pearsonr(x, y)[0])
    assert figures["spearman"] == pytest.approx(stats.spearmanr(x, y)[0])
    assert figures["pearson_low"] < figures["pearson"] < figures["pearson_high"]
    assert detection.correlation([1, 1, 1], [1, 2, 3])["pearson"] == 0


def test_spans_earn_by_exact_place_by_overlap_and_by_characters():
    gold, found = [[(0, 4), (10, 10)], []], [[(2, 6), (10, 10)], [(0, 2)]]
    figures = detection.span_figures(gold, found, samples=0)
    assert figures["exact"] == pytest.approx({"precision": 1 / 3, "recall": 1 / 2, "f1": 0.4})
    assert figures["overlap"]["precision"] == pytest.approx(2 / 3)
    assert figures["overlap"]["recall"] == 1
    # 3 of 5 marked units (4 characters and a gap) are met, of 7 flagged ones.
    assert figures["partial"]["recall"] == pytest.approx(3 / 5)
    assert figures["partial"]["precision"] == pytest.approx(3 / 7)


SPANS = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda s: (s[0], s[0] + s[1])), max_size=4),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_marking_exactly_the_gold_is_perfect_and_nothing_is_nothing(gold):
    for figures, value in (
        (detection.span_figures(gold, gold, samples=0), 1.0),
        (detection.span_figures(gold, [[] for _ in gold], samples=0), 0.0),
    ):
        if any(gold):
            assert {figures[m]["f1"] for m in ("exact", "overlap", "partial")} == {value}


def test_categories_are_counted_under_the_gold_name():
    def span(a, b, category):
        return ErrorSpan(a, b, category, "minor", 1.0, "t")

    gold = [[span(0, 4, "accuracy/number"), span(6, 8, "fluency/grammar")]]
    found = [[span(0, 2, "accuracy/number"), span(6, 8, "accuracy/number")]]
    figures = detection.category_figures(gold, found)
    assert figures["accuracy/number"]["recall"] == 0.5
    assert figures["accuracy/number"]["named"] == 0.5
    assert figures["accuracy/number"]["precision"] == 0.5
    assert (figures["fluency/grammar"]["recall"], figures["fluency/grammar"]["named"]) == (1, 0)


def test_calibration_sees_over_confidence():
    figures = detection.reliability([0.95] * 10 + [0.05] * 10, [True] * 5 + [False] * 15)
    assert figures["ece"] == pytest.approx((0.45 + 0.05) / 2)
    assert [row["count"] for row in figures["table"]] == [10, 10]
    assert detection.reliability([1.0, 0.0], [True, False])["ece"] == 0


def test_wilson_range_holds_the_share_and_never_leaves_0_to_1():
    assert wilson(0, 0) == (0, 1)
    for hits, count in ((0, 10), (5, 10), (10, 10)):
        low, high = wilson(hits, count)
        assert 0 <= low <= hits / count <= high <= 1
