import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repair.core import Candidate, Edit, ErrorSpan, Finding, RepairError, Segment
from repair.pipeline import Repairer, batches, failed


class Shout:
    """Finds every lower-case 'x' and wants an 'X'; fails on a segment that holds 'boom'."""

    signature = "shout:1"

    def __call__(self, segments):
        for segment in segments:
            assert not segment.references and segment.post_edit is None
            if "boom" in segment.mt:
                raise ValueError("boom")
        return [
            [
                Finding(
                    ErrorSpan(i, i + 1, "fluency/spelling", "minor", 0.9, "shout"),
                    (Candidate(Edit(i, i + 1, "X"), "shout", 0.95),),
                )
                for i, sign in enumerate(segment.mt)
                if sign == "x"
            ]
            for segment in segments
        ]


def repairer(**options):
    return Repairer(
        detector=False, style=False, facts=False, proposers=[Shout()], batch_size=2, **options
    )


texts = st.lists(st.sampled_from(["ax", "b", "boom", "xx", ""]), max_size=9)


@given(texts, st.integers(1, 4))
def test_batches_hold_all_segments_in_order(mts, size):
    segments = [Segment(str(i), mt, doc=str(i // 3)) for i, mt in enumerate(mts)]
    cut = list(batches(segments, size))
    assert [s for batch in cut for s in batch] == segments
    assert all(len(batch) <= 4 * size for batch in cut)


@given(texts)
def test_a_broken_segment_costs_only_itself(mts):
    segments = [Segment(str(i), mt) for i, mt in enumerate(mts)]
    records = list(repairer(mode="apply").run(segments))
    assert [r.segment for r in records] == segments
    assert [r.fixed for r in records] == [
        mt if mt == "boom" else mt.replace("x", "X") for mt in mts
    ]
    assert [failed(r) for r in records] == [mt == "boom" for mt in mts]


def test_strict_stops():
    with pytest.raises(ValueError, match="boom"):
        list(repairer(strict=True).run([Segment("1", "boom")]))


@given(texts)
def test_references_change_nothing_but_themselves(mts):
    bare = [Segment(str(i), mt) for i, mt in enumerate(mts)]
    with_references = [replace(s, references=("X " + s.mt,), post_edit="Y") for s in bare]
    a = list(repairer(mode="apply").run(bare))
    b = list(repairer(mode="apply").run(with_references))
    assert [replace(r, segment=r.segment.blind()) for r in b] == a


class Watcher:
    """A detector that says who called it, and when it has read each segment."""

    signature, may_run_ahead = "watcher:1", True

    def __init__(self):
        self.read = {name: threading.Event() for name in "012345"}
        self.threads = set()

    def __call__(self, segments):
        self.threads.add(threading.current_thread())
        for segment in segments:
            if segment.mt == "boom":
                raise ValueError("boom")
        for segment in segments:
            self.read[segment.id].set()
        return [None] * len(segments)


class Slow(Shout):
    """Goes on with a batch when the detector has read the one behind it."""

    def __init__(self, watcher):
        self.watcher = watcher

    def __call__(self, segments):
        after = self.watcher.read.get(str(int(segments[-1].id) + 1))
        assert after is None or after.wait(20)
        return super().__call__(segments)


def test_the_detector_reads_the_next_batch_meanwhile():
    segments = [Segment(str(i), "ax", doc=str(i)) for i in range(6)]
    watcher = Watcher()
    ahead = Repairer(
        detector=watcher, style=False, facts=False, fixer=False, proposers=[Slow(watcher)],
        batch_size=2, mode="apply",
    )  # fmt: skip
    records = list(ahead.run(segments))
    assert [r.segment for r in records] == segments
    assert [r.fixed for r in records] == ["aX"] * 6 and not any(r.warnings for r in records)
    assert threading.current_thread() not in watcher.threads and len(watcher.threads) == 1


@given(texts)
def test_reading_ahead_changes_nothing(mts):
    segments = [Segment(str(i % 6), mt, doc=str(i // 2)) for i, mt in enumerate(mts)]
    results = []
    for may in (True, False):
        watcher = Watcher()
        watcher.may_run_ahead = may
        made = Repairer(
            detector=watcher, style=False, facts=False, fixer=False, proposers=[Shout()],
            batch_size=2, mode="apply",
        )  # fmt: skip
        results.append(list(made.run(segments)))
    assert results[0] == results[1]
    assert [failed(r) for r in results[0]] == [mt == "boom" for mt in mts]


@pytest.mark.parametrize("may", [True, False])
def test_an_unreadable_input_costs_no_batch_before_it(may):
    def broken():
        for i in range(5):
            yield Segment(str(i), "ax", doc=str(i))
        raise RepairError("Line 6 cannot be read.")

    watcher, seen = Watcher(), []
    watcher.may_run_ahead = may
    made = Repairer(detector=watcher, style=False, facts=False, fixer=False, batch_size=2)
    with pytest.raises(RepairError, match="Line 6"):
        for record in made.run(broken()):
            seen.append(record.segment.id)
    assert seen == ["0", "1", "2", "3"]


def test_whoever_stops_early_may():
    made = Repairer(detector=Watcher(), style=False, facts=False, fixer=False, batch_size=2)
    records = made.run(Segment(str(i), "ax", doc=str(i)) for i in range(6))
    assert next(records).segment.id == "0"
    records.close()


def test_suggest_mode_touches_nothing():
    (record,) = repairer().run([Segment("1", "axx")])
    assert record.fixed == "axx" and len(record.suggestions) == 2


def test_the_signature_names_stages_and_operating_point():
    assert "shout:1" in repairer().signature
    assert "precision:0.9|mode:apply" in repairer(mode="apply").signature


def test_hypotheses_may_have_a_bar_of_their_own():
    class Offer(Shout):
        def __call__(self, segments):
            return [
                [
                    replace(f, candidates=(replace(f.candidates[0], confidence=0.7, group=g),))
                    for f, g in zip(found, ("a.1#1", None), strict=False)
                ]
                for found in super().__call__(segments)
            ]

    def fixed(**options):
        made = Repairer(
            detector=False, style=False, facts=False, fixer=False, proposers=[Offer()],
            mode="apply", **options,
        )  # fmt: skip
        assert ("hypothesis-precision:" in made.signature) == ("hypothesis_precision" in options)
        return next(made.run([Segment("1", "x x")])).fixed

    assert fixed() == "x x"
    assert fixed(hypothesis_precision=0.6) == "X x"
    assert fixed(precision=0.6, hypothesis_precision=0.9) == "x X"
    assert fixed(hypothesis_precision=0.6, max_harm=0.0) == "x x"


@pytest.mark.parametrize(
    "options", [{"mode": "maybe"}, {"precision": 2}, {"hypothesis_precision": -1}]
)
def test_bad_options_are_named(options):
    with pytest.raises(RepairError):
        repairer(**options)


class Seer:
    """A detector that can keep states, and says whether it was asked to."""

    signature = "seer:1"
    keep_states = False

    def __call__(self, segments):
        return [None for _ in segments]


class Reader(Shout):
    reads_states = True


@pytest.mark.parametrize(("stage", "kept"), [(Shout(), False), (Reader(), True)])
def test_the_detector_keeps_states_for_stages_that_read_them(stage, kept):
    options = {"style": False, "facts": False, "fixer": False, "proposers": [stage]}
    assert Repairer(detector=Seer(), **options).detector.keep_states is kept
