"""Judging the changes of a hypothesis: descriptions, probabilities, and what they rest on."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from repair import RepairError, Segment, align
from repair.pipeline import Repairer
from repair.propose import Hypotheses, Hypothesis, propose, propose_all
from repair.propose.changes import cut
from repair.propose.judge import FEATURES, Describer, Judge

SOURCE = "Министр сказал, что переговоры закончились."
MT = "The minister told that negotiation is ended."
BETTER = "The minister said that the talks were over."


class Doubter:
    """A detector that doubts the words of a list."""

    signature = "doubter"

    def __init__(self, *words):
        self.words = words

    def __call__(self, segments):
        return [self.one(segment) for segment in segments]

    def one(self, segment):
        tokens = tuple(align.tokens(segment.mt))
        words = tuple(0.7 if segment.mt[a:b] in self.words else 0.1 for a, b in tokens)
        quality = SimpleNamespace(hter=float(np.mean(words)), da=0.1)
        return SimpleNamespace(
            tokens=tokens,
            words=words,
            gaps=(0.02,) * (len(tokens) + 1),
            quality=quality,
            findings=(),
        )


def described(source=SOURCE, detector=None):
    segment = Segment("1", MT, source)
    bundles = cut(MT, BETTER)
    describer = Describer(segment, detector.one(segment) if detector else None)
    text = describer.read(BETTER, detector.one(Segment("1", BETTER, source)) if detector else None)
    return bundles, describer.describe(text, bundles, [1] * len(bundles), 1)


def column(rows, name):
    return rows[:, FEATURES.index(name)]


def test_each_change_is_described():
    bundles, rows = described(detector=Doubter("told", "negotiation"))
    assert rows.shape == (len(bundles), len(FEATURES))
    told = next(i for i, b in enumerate(bundles) if MT[b.edits[0].start :].startswith("told"))
    assert column(rows, "error probability of what goes, highest")[told] == 0.7
    assert column(rows, "error probability of what comes, highest")[told] == 0.1
    assert column(rows, "change of log-probability")[told] > 0


def test_what_cannot_be_known_is_unknown():
    _, rows = described(source=None)
    for name in FEATURES:
        values = column(rows, name)
        if "source" in name or "error probability" in name or "expected" in name:
            assert all(map(math.isnan, values)), name
        elif "rarest" not in name:
            assert not any(map(math.isnan, values)), name


@pytest.mark.parametrize("source", [SOURCE, None])
@pytest.mark.parametrize("detector", [None, Doubter("told")])
def test_probabilities_do_not_depend_on_the_batch(source, detector):
    judge = Judge(detector)
    segments = [Segment("1", MT, source), Segment("2", "He goed home.", None)]
    heard = [[Hypothesis(BETTER, "hypotheses/a")], [Hypothesis("He went home.", "hypotheses/a")]]
    seen = detector(segments) if detector else ()
    together = propose_all(segments, heard, seen, judge)
    for index in (0, 1):
        alone = propose_all([segments[index]], [heard[index]], seen[index : index + 1], judge)
        assert alone[0] == together[index]
        assert together[index]
        assert all(0 < f.candidates[0].confidence < 1 for f in together[index])


def test_reasons_are_given_when_asked():
    judge = Judge()
    segment = Segment("1", MT, SOURCE)
    found = propose_all([segment], [[Hypothesis(BETTER, "hypotheses/a")]], (), judge, explain=True)
    assert all("What weighed most:" in f.candidates[0].message for f in found[0])
    plain = propose(segment, [Hypothesis(BETTER, "hypotheses/a")])
    assert not any("weighed" in f.candidates[0].message for f in plain)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(RepairError, match="model of choice"):
        Judge(folder=tmp_path).predict(np.zeros((1, len(FEATURES))))


class Sure:
    """Proposes to upper-case every word, with rising confidence."""

    signature = "sure"

    def __call__(self, segments):
        from repair import Candidate, Edit, ErrorSpan, Finding

        found = []
        for segment in segments:
            some = []
            for k, (a, b) in enumerate(align.tokens(segment.mt)):
                edit = Edit(a, b, segment.mt[a:b].upper())
                sure = 0.6 + 0.05 * k
                span = ErrorSpan(a, b, "fluency/grammar", "minor", sure, "sure")
                some.append(Finding(span, (Candidate(edit, "sure", sure),)))
            found.append(some)
        return found


@pytest.mark.parametrize("harm", [0.0, 0.1, 0.3, 0.8, 1.0])
def test_the_harm_that_is_expected_stays_below_its_bound(harm):
    options = {"detector": False, "style": False, "facts": False, "proposers": [Sure()]}
    segments = [Segment(str(i), "a b c d e") for i in range(10)]

    def applied(**more):
        with Repairer(**options, mode="apply", precision=0.6, **more) as repairer:
            records = list(repairer.run(segments))
        return [s.confidence for r in records for s in r.suggestions if s.applied]

    kept = applied(max_harm=harm)
    assert sum(1 - c for c in kept) <= harm * len(segments) + 1e-9
    everything = applied()
    assert len(everything) == 50 and set(kept) <= set(everything)
    left = [c for c in everything if c not in kept]
    assert not kept or not left or min(kept) >= max(left)
    assert (len(kept) == 50) == (sum(1 - c for c in everything) <= harm * len(segments))


def test_a_bound_that_is_no_share_is_refused():
    with pytest.raises(RepairError, match="harm"):
        Repairer(detector=False, style=False, facts=False, max_harm=2)


GOOD = "The minister said that the talks were over and that the parties would meet again in May."
BAD = "Minister the said what talk ended is and what sides the again will met in the May."


def confidences(mts, hypotheses, docs, producers=None):
    segments = [
        Segment(str(i), mt, None, doc=doc)
        for i, (mt, doc) in enumerate(zip(mts, docs, strict=True))
    ]
    names = producers or ["hypotheses/a"] * len(mts)
    heard = [[Hypothesis(h, name)] for h, name in zip(hypotheses, names, strict=True)]
    found = propose_all(segments, heard, (), Judge())
    return [[f.candidates[0].confidence for f in some] for some in found]


def test_the_whole_document_says_who_translates_better():
    mt, hypothesis = "He goes to the home.", "He is going home."
    alone = confidences([mt], [hypothesis], [None])[0]
    better = confidences([mt, *[BAD] * 20], [hypothesis, *[GOOD] * 20], ["d"] * 21)[0]
    worse = confidences([mt, *[GOOD] * 20], [hypothesis, *[BAD] * 20], ["d"] * 21)[0]
    assert all(a > b > c for a, b, c in zip(better, alone, worse, strict=True))


def test_documents_and_producers_are_not_mixed():
    mt, hypothesis = "He goes to the home.", "He is going home."
    mts, texts = (
        [mt, *[BAD] * 5, mt, *[GOOD] * 5],
        [hypothesis, *[GOOD] * 5, hypothesis, *[BAD] * 5],
    )
    both = confidences(mts, texts, ["d"] * 6 + ["e"] * 6)
    apart = [confidences(mts[k : k + 6], texts[k : k + 6], ["d"] * 6) for k in (0, 6)]
    assert both == [*apart[0], *apart[1]]
    producers = ["hypotheses/a"] * 6 + ["hypotheses/b"] * 6
    assert confidences(mts, texts, ["d"] * 12, producers) == both


def test_the_signature_names_the_model_where_it_judges(tmp_path):
    path = tmp_path / "h.tsv"
    path.write_text(f"id\thypothesis\n1\t{BETTER}\n", "utf-8")
    options = {"detector": False, "style": False, "facts": False, "fixer": False}
    with Repairer(**options, proposers=[Hypotheses(path)]) as repairer:
        assert Judge().signature in repairer.signature
        (record,) = repairer.run([Segment("1", MT, SOURCE)])
        assert record.suggestions and record.fixed == MT
    with Repairer(**options) as repairer:
        assert "choice:" not in repairer.signature
