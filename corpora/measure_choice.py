"""What the choice takes from another engine's output, and what it keeps out.

    MT_REPAIR_CORPORA=FOLDER python -m repair.corpora.measure_choice [newstest2021|generaltest2022]

The outputs of the three weakest systems (by chrF++) are the MT, those of the system in the middle
the hypotheses; then the roles are swapped. For several values of ``--precision``: TER and chrF++ of
the MT, of ours and of the hypothesis taken whole, the share of its changed words that ours changes
too, the share of its gain that ours keeps, p by paired bootstrap, and segments made better and
worse. At last every tenth hypothesis is poisoned: a number, date, name or negation is altered by
the planters of `repair.corpora.measure_facts`, and what of it gets into the fixed text is counted
and listed. ``--poison-every 1`` makes that count firmer.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from repair import RepairError, Segment, align, ngrams
from repair.choose import choose
from repair.evaluate.metrics import Comparison
from repair.pipeline import Repairer
from repair.propose import Hypothesis, propose_all

from .measure_facts import PLANTERS
from .shelf import Files, corpora_folder

PRECISIONS = (0.5, 0.52, 0.55, 0.6, 0.7, 0.8, 0.9)
POISONS = ("number", "date", "name", "negation")
SEED = 11


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
            segments[row["id"]] = Segment(row["id"], "", row["src_ru"], references)
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


def repaired(segments: list[Segment], hypotheses: dict[str, str], batch: int = 256) -> list:
    """Records in suggest mode, with the guard to choose by."""
    stage = Given(hypotheses)
    with Repairer(style=False, fixer=False, proposers=[stage], batch_size=batch) as repairer:
        return list(repairer.run(segments)), repairer.guard


def measure(segments: list[Segment], hypotheses: dict[str, str], title: str) -> None:
    """Print what several precisions give."""
    records, guard = repaired(segments, hypotheses)
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
        fixed = [
            choose(r.segment, r.suggestions, precision=precision, guard=guard)[1] for r in records
        ]
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
            f"worse {worse}",
            flush=True,
        )


def _segments(compared: Comparison) -> tuple[int, int]:
    """Segments with more and with less chrF++ than the MT."""
    after, before = compared.by_segment("chrF++")
    gain = after - before
    return int((gain > 1e-9).sum()), int((gain < -1e-9).sum())


def poisoned(
    segments: list[Segment], hypotheses: dict[str, str], every: int
) -> dict[str, tuple[str, str]]:
    """Hypotheses of every n-th segment with one fact altered, and which kind it is."""
    rng = random.Random(SEED)
    found = {}
    planters = [(p, kind) for p, kind in PLANTERS.items() if kind in POISONS]
    for segment in segments[::every]:
        pair = Segment(segment.id, hypotheses[segment.id], segment.source)
        for planter, kind in rng.sample(planters, len(planters)):
            text = planter(pair, rng)
            if text and text != pair.mt:
                found[segment.id] = text, kind
                break
    return found


def got_through(mt: str, clean: str, poison: str, fixed: str) -> str | None:
    """The altered word that the fixed text has and the MT had not, or lacks and the MT had."""
    bags = [Counter(w for w, _, _ in ngrams.words(t)) for t in (mt, clean, poison, fixed)]
    old, good, bad, new = bags
    for word in bad - good:
        if new[word] > old[word] and word[-1:].isalnum():
            return word
    if not +(bad - good):
        for word in good - bad:
            if new[word] < old[word] and word[-1:].isalnum():
                return word
    return None


def measure_poison(
    segments: list[Segment], hypotheses: dict[str, str], precision: float, every: int
) -> None:
    """Print how much of what was altered gets into the fixed text."""
    poison = poisoned(segments, hypotheses, every)
    mixed = hypotheses | {name: text for name, (text, _) in poison.items()}
    records, guard = repaired([s for s in segments if s.id in poison], mixed)
    counts, through, list_ = Counter(), Counter(), []
    for record in records:
        text, kind = poison[record.segment.id]
        fixed = choose(record.segment, record.suggestions, precision=precision, guard=guard)[1]
        counts[kind] += 1
        word = got_through(record.segment.mt, hypotheses[record.segment.id], text, fixed)
        if word:
            through[kind] += 1
            list_.append(f"    {kind} in {record.segment.id}: “{word}”")
    print(f"\npoisoned, precision {precision}:")
    for kind in POISONS:
        if counts[kind]:
            print(
                f"  {kind}: {counts[kind]} altered, kept out {1 - through[kind] / counts[kind]:.3f}"
            )
    print("\n".join(list_[:40]))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="newstest2021")
    parser.add_argument("--corpora", default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--segments", type=int, help="the first n of each system only")
    parser.add_argument("--poison-every", type=int, default=10)
    parser.add_argument("--precision", type=float, default=0.55, help="for the poison")
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
            )
            for i in ids
        ]
        return some, {f"{mt_system}/{i}": outputs[other][i] for i in ids}

    forward = [made(system, middle) for system in weak]
    joined = [s for some, _ in forward for s in some]
    hypotheses = {k: v for _, some in forward for k, v in some.items()}
    measure(joined, hypotheses, f"MT {', '.join(weak)}; hypotheses {middle}")
    for system in weak:
        measure(*made(middle, system), f"roles swapped: MT {middle}, hypotheses {system}")
    measure_poison(joined, hypotheses, options.precision, options.poison_every)
    print(f"{time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
