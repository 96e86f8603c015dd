"""What the choice takes from another engine's output, and what it keeps out.

    MT_REPAIR_CORPORA=FOLDER python -m repair.corpora.measure_choice [newstest2021|generaltest2022]

The outputs of the three weakest systems (by chrF++) are the MT, those of the system in the middle
the hypotheses; then the roles are swapped. For several values of ``--precision``: TER and chrF++ of
the MT, of ours and of the hypothesis taken whole, the share of its changed words that ours changes
too, the share of its gain that ours keeps, p by paired bootstrap, segments made better and worse,
and how many of the edits help and harm (token edits against the references). At last every tenth
hypothesis is poisoned (`repair.corpora.poison`), and what of it gets into the fixed text is counted
and listed. ``--poison-every 1`` makes that count firmer.

Each system's output is one document, as a file of lines is for ``mt-repair run``; ``--documents``
takes the documents of the corpus instead. The shipped model was fitted on newstest2021: figures
there are of texts that it knows, and what `models/choice/train.py` prints is the honest one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from repair import RepairError, Segment, align
from repair.choose import BALANCED, choose
from repair.detect import Detector
from repair.evaluate.metrics import Comparison, edit_effect
from repair.pipeline import Repairer
from repair.propose import Hypothesis, propose_all

from .poison import poison_some, tally
from .shelf import Files, corpora_folder

PRECISIONS = (0.5, BALANCED, 0.6, 0.7, 0.8, 0.9)


class Given:
    """A stage that proposes hypotheses from memory."""

    reads_detections = True
    signature = "given"
    judge, explain = None, False

    def __init__(self, hypotheses: dict[str, str]):
        self.hypotheses = hypotheses

    def __call__(self, segments: Sequence[Segment], detections: Sequence = ()):
        heard = [[Hypothesis(self.hypotheses[s.id], "hypotheses/other")] for s in segments]
        return propose_all(segments, heard, detections, self.judge)


class Remembering:
    """A detector that looks at each pair of MT and source once: texts recur in both roles."""

    def __init__(self, detector):
        self.detector, self.signature = detector, detector.signature
        self.seen = {}

    def __call__(self, segments: Sequence[Segment]) -> list:
        new = {(s.mt, s.source): s for s in segments if (s.mt, s.source) not in self.seen}
        self.seen.update(zip(new, self.detector(list(new.values())), strict=True))
        return [self.seen[s.mt, s.source] for s in segments]


def read(corpora: Path, name: str) -> tuple[dict[str, dict[str, str]], dict[str, Segment]]:
    """Outputs by system and id, and by id a segment with source and references but no MT.

    Of generaltest2022 only the news.
    """
    files = Files(corpora / "wmt_outputs", corpora / "wmt_pairs", name=name)
    path, pairs = files.find(f"{name}.ruen_mt.tsv"), files.find(f"{name}_ruen.tsv")
    if path is None or pairs is None:
        raise files.missing(f"{name}.ruen_mt.tsv")
    segments = {}
    for row in files.table(pairs):
        if row.get("domain", "news") == "news":
            references = tuple(r for r in (row["tgt_en"], row.get("tgt_en_B")) if r)
            segments[row["id"]] = Segment(
                row["id"], "", row["src_ru"], references, doc=row.get("doc") or None
            )
    outputs: dict[str, dict[str, str]] = defaultdict(dict)
    for row in files.table(path):
        if row["id"] in segments:
            outputs[row["system"]][row["id"]] = row["mt"]
    return dict(outputs), segments


def ranked(outputs: dict[str, dict[str, str]], segments: dict[str, Segment]) -> list[str]:
    """Systems, the weakest first."""
    scores = {}
    for system, texts in outputs.items():
        ids = list(texts)
        whole = Comparison(
            [texts[i] for i in ids], [segments[i].references for i in ids], metrics=("chrF++",)
        )
        scores[system] = whole.scores(samples=0)[0].value
    return sorted(scores, key=scores.__getitem__)


def texts(text: str) -> list[str]:
    return [text[a:b] for a, b in align.tokens(text)]


def repaired(segments: list[Segment], hypotheses: dict[str, str], detector) -> tuple:
    """Records in suggest mode, and the guard to choose by."""
    options = {"detector": detector, "style": False, "fixer": False}
    with Repairer(**options, proposers=[Given(hypotheses)]) as repairer:
        return list(repairer.run(segments)), repairer.guard


def measure(segments: list[Segment], hypotheses: dict[str, str], title: str, detector) -> None:
    """Print what several precisions give."""
    records, guard = repaired(segments, hypotheses, detector)
    references = [s.references for s in segments]
    mts = [s.mt for s in segments]
    whole = [hypotheses[s.id] for s in segments]
    compared = Comparison(whole, references, mts, metrics=("chrF++", "TER"))
    every = sum(Levenshtein.distance(texts(a), texts(b)) for a, b in zip(mts, whole, strict=True))
    names = compared.scores()
    before, after = [s.baseline for s in names], [s.value for s in names]
    print(f"\n{title}: {len(segments)} segments")
    print(f"  the MT: chrF++ {before[0]:.2f}, TER {before[1]:.2f}; the hypothesis taken whole: "
          f"{after[0]:.2f}, {after[1]:.2f}")  # fmt: skip
    for precision in PRECISIONS:
        chosen = [
            choose(r.segment, r.suggestions, precision=precision, guard=guard) for r in records
        ]
        fixed = [text for _, text, _ in chosen]
        effects = [
            edit_effect(s.mt, one.candidates[0].edit, s.references)
            for s, (some, _, _) in zip(segments, chosen, strict=True)
            for one in some
            if one.applied
        ]
        helped, harmed = (sum(sign * e > 0 for e in effects) for sign in (-1, 1))
        ours = compared.again(fixed)
        scores = ours.scores()
        changed = sum(
            Levenshtein.distance(texts(a), texts(b)) for a, b in zip(mts, fixed, strict=True)
        )
        gains = [
            (s.value - b) / (a - b) if a != b else 0.0
            for s, b, a in zip(scores, before, after, strict=True)
        ]
        better, worse = _segments(ours)
        print(
            f"  precision {precision:.2f}: chrF++ {scores[0].value:.2f} (p {scores[0].p_value:.3f}, "
            f"{gains[0]:+.2f} of the gain), TER {scores[1].value:.2f} (p {scores[1].p_value:.3f}, "
            f"{gains[1]:+.2f}), words {changed / max(1, every):.2f}, segments better {better}, "
            f"worse {worse}, edits {len(effects)}, help {helped / max(1, len(effects)):.3f}, harm "
            f"{harmed / max(1, len(effects)):.3f}",
            flush=True,
        )


def _segments(compared: Comparison) -> tuple[int, int]:
    """Segments with more and with less chrF++ than the MT."""
    after, before = compared.by_segment("chrF++")
    gain = after - before
    return int((gain > 1e-9).sum()), int((gain < -1e-9).sum())


def measure_poison(
    segments: list[Segment], hypotheses: dict[str, str], precision: float, every: int, detector
) -> None:
    """Print how much of what was altered gets into the fixed text."""
    texts = [hypotheses[s.id] for s in segments]
    poisons = poison_some(texts, [(s.mt, s.source) for s in segments], every=every)
    mixed = {
        s.id: one.after if one else text
        for s, one, text in zip(segments, poisons, texts, strict=True)
    }
    records, guard = repaired(segments, mixed, detector)
    fixed = [choose(r.segment, r.suggestions, precision=precision, guard=guard)[1] for r in records]
    counts, through = tally(poisons, [s.mt for s in segments], fixed)
    print(f"\npoisoned, precision {precision}:")
    for kind, (put, got) in counts.items():
        if put:
            print(f"  {kind}: {put} altered, {got} got in, kept out {1 - got / put:.3f}")
    for one, text in through[:40]:
        print(f"    {one}: {text}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="newstest2021")
    parser.add_argument("--corpora", default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--segments", type=int, help="the first n of each system only")
    parser.add_argument("--poison-every", type=int, default=10)
    parser.add_argument("--precision", type=float, default=BALANCED, help="for the poison")
    parser.add_argument("--documents", action="store_true", help="as the corpus has them")
    options = parser.parse_args(arguments)
    if not options.corpora:
        raise RepairError("No corpora.", mend="Set MT_REPAIR_CORPORA or give --corpora FOLDER.")
    started = time.time()
    outputs, segments = read(corpora_folder(options.corpora), options.name)
    systems = ranked(outputs, segments)
    weak, middle = systems[:3], systems[len(systems) // 2]
    print(f"{options.name}; systems, weakest first: {', '.join(systems)}; hypotheses: {middle}")

    def made(mt_system: str, other: str) -> tuple[list[Segment], dict[str, str]]:
        ids = [i for i in outputs[mt_system] if i in outputs[other]][: options.segments]
        some = [
            Segment(
                f"{mt_system}/{i}",
                outputs[mt_system][i],
                segments[i].source,
                segments[i].references,
                doc=f"{mt_system}/{segments[i].doc if options.documents else other}",
            )
            for i in ids
        ]
        return some, {f"{mt_system}/{i}": outputs[other][i] for i in ids}

    forward = [made(system, middle) for system in weak]
    joined = [s for some, _ in forward for s in some]
    hypotheses = {k: v for _, some in forward for k, v in some.items()}
    detector = Remembering(Detector())
    measure(joined, hypotheses, f"MT {', '.join(weak)}; hypotheses {middle}", detector)
    for system in weak:
        title = f"roles swapped: MT {middle}, hypotheses {system}"
        measure(*made(middle, system), title, detector)
    measure_poison(joined, hypotheses, options.precision, options.poison_every, detector)
    print(f"{time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
