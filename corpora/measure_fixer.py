"""What the fixer can reach where a person edited: coverage by producer, and the order of candidates.

    MT_REPAIR_CORPORA=FOLDER python -m repair.corpora.measure_fixer [mlqe-pe/dev] [afrl/dev] [--draw 10]

The places are those that the post-editor changed, one for each run of words without one that
stayed, case left out. Printed with and without the source: for how many the post-editor's wording is
among the candidates, how many each producer adds and how many it alone adds, how many are first or
among the first five, the share of deletions, how many of the surest are right, and TER and BLEU if the first candidate is put at every
such place. Then of the places that the detector marks by itself: how many have ideas, and how often one
of them brings the segment nearer to its post-edit. ``--draw N`` also prints N right and N wrong first candidates, drawn at random from those
read with the source; ``--checkers style facts grammar`` counts what the fixes of these stages would add to the candidates.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rapidfuzz.distance import Levenshtein

from repair import Segment, apply, ngrams
from repair.detect import Detector
from repair.evaluate.metrics import Comparison
from repair.facts import Facts
from repair.grammar import Grammar
from repair.pipeline import Stage
from repair.propose.fixer import Fixer
from repair.propose.inventory import PRODUCERS, Place, Words
from repair.style import Style

from . import load

CHECKERS = {"style": Style, "facts": Facts, "grammar": Grammar}


def texts(text: str) -> list[str]:
    """The words of a text as the fixer counts them."""
    return [word for word, _, _ in ngrams.words(text)]


def edits(mt: Sequence[str], better: Sequence[str]) -> Iterator[tuple[Place, Words]]:
    """Places that were changed and their wording, one for each run without a word that stayed."""
    i = j = 0
    blocks = Levenshtein.opcodes(mt, better).as_matching_blocks() if mt and better else []
    for block in [*blocks, (len(mt), len(better), 0)]:
        if i < block[0] or j < block[1]:
            yield Place(i, block[0]), tuple(better[j : block[1]])
        i, j = block[0] + block[2], block[1] + block[2]


def checked(
    checkers: Mapping[str, Stage], segments: Sequence[Segment]
) -> list[dict[Words, set[str]]]:
    """For each segment what the fixes of the checkers make of its words, and who proposes it."""
    found: list[dict[Words, set[str]]] = [{} for _ in segments]
    for name, checker in checkers.items():
        for made, segment, findings in zip(found, segments, checker(segments), strict=True):
            for finding in findings:
                for candidate in finding.candidates:
                    fixed = tuple(texts(apply(segment.mt, [candidate.edit])))
                    made.setdefault(fixed, set()).add(name)
    return found


def measure(
    name: str,
    fixer: Fixer,
    detector: Detector,
    sighted: bool,
    folder: str | None,
    draw: int = 0,
    checkers: Mapping[str, Stage] | None = None,
) -> None:
    """Print the figures of one development set, with or without the source, and ``draw`` examples."""
    firsts: dict[bool, list[str]] = {True: [], False: []}
    corpus = load(name, folder)
    has, alone = Counter(), Counter()
    total = covered = first = five = deletions = wanted_deletions = 0
    sizes, found_sizes = Counter(), Counter()
    before, after, targets, chances = [], [], [], []
    read = [Segment(s.id, s.mt, s.source if sighted else None) for s in corpus.segments]
    fixes = checked(checkers or {}, read)
    rows = zip(corpus.segments, read, detector(read), fixes, strict=True)
    for segment, seen, detection, proposed in rows:
        reading = fixer.read(seen, detection)
        goal = texts(segment.post_edit)
        wanted = list(edits(reading.words, goal))
        fixer.infiller.remember([(reading, place) for place, _ in wanted])
        fixed, shift = list(reading.words), 0
        for place, gold in wanted:
            ranked, right = fixer.ranked(reading, place)
            total += 1
            wanted_deletions += not gold
            size = "deletion" if not gold else f"{min(len(gold), 3)}{'+' * (len(gold) > 2)}"
            sizes[size] += 1
            rank = next((k for k, (words, _, _) in enumerate(ranked) if words == gold), None)
            chances.append((right, rank == 0))
            mended = (*reading.words[: place.start], *gold, *reading.words[place.end :])
            for checker in proposed.get(mended, ()):
                has[checker] += 1
                alone[checker] += rank is None
            if rank is not None:
                covered += 1
                found_sizes[size] += 1
                first += rank == 0
                five += rank < 5
                bits = ranked[rank][1]
                who = [p.__name__ for b, p in enumerate(PRODUCERS) if bits >> b & 1]
                has.update(who)
                alone.update(who if len(who) == 1 else [])
            if ranked:
                best = ranked[0][0]
                deletions += not best
                there, said, meant = (
                    " ".join(words) or "∅"
                    for words in (reading.words[place.start : place.end], best, gold)
                )
                firsts[rank == 0].append(
                    f"{there} → {said}" + ("" if rank == 0 else f" (wanted {meant})")
                )
                fixed[place.start + shift : place.end + shift] = best
                shift += len(best) - (place.end - place.start)
        before.append(" ".join(reading.words))
        after.append(" ".join(fixed))
        targets.append((" ".join(goal),))
    scores = Comparison(after, targets, before, tokenized=True, metrics=("TER", "BLEU")).scores(0)
    print(f"{name}, {'with' if sighted else 'without'} source: {total} places; wording among the "
          f"candidates {covered / total:.3f}, first {first / total:.3f}, first five {five / total:.3f}; "
          f"deletions {deletions / total:.3f} (wanted {wanted_deletions / total:.3f})")  # fmt: skip
    print("  " + "; ".join(f"{s.name} {s.baseline:.2f} to {s.value:.2f}" for s in scores))
    chances.sort(reverse=True)
    print("  right among the surest: " + ", ".join(
        f"{share:.0%} {sum(hit for _, hit in part) / len(part):.3f} (said "
        f"{sum(p for p, _ in part) / len(part):.3f})"
        for share in (0.05, 0.1, 0.2, 0.4, 1)
        for part in [chances[: max(1, round(share * total))]]
    ))  # fmt: skip
    print("  by words wanted: " + ", ".join(
        f"{size} {found_sizes[size] / sizes[size]:.3f} of {sizes[size]}" for size in sorted(sizes)
    ))  # fmt: skip
    for who in [*(producer.__name__ for producer in PRODUCERS), *(checkers or ())]:
        print(f"  {who:24} has {has[who] / total:.3f}, alone {alone[who] / total:.3f}")
    for right, lines in firsts.items():
        drawn = random.Random(1).sample(lines, min(draw, len(lines)))
        for line in drawn:
            print(f"  {'right' if right else 'wrong'}: {line}")


def measure_ideas(name: str, fixer: Fixer, detector: Detector, folder: str | None) -> None:
    """Print what the ideas at the detector's own marks are worth, read with the source."""
    segments = load(name, folder).segments
    read = [Segment(s.id, s.mt, s.source) for s in segments]
    detections = detector(read)
    marks = sum(len(detection.findings) for detection in detections)
    ideas = wrong = first = some = 0
    for segment, findings in zip(segments, fixer(read, detections), strict=True):
        words, goal = texts(segment.mt), texts(segment.post_edit)
        before = Levenshtein.distance(words, goal)
        touched = [place for place, _ in edits(words, goal)]
        offsets = [(start, end) for _, start, end in ngrams.words(segment.mt)]
        for finding in findings:
            if finding.candidates[0].confidence >= fixer.least:
                continue
            after = [
                texts(apply(segment.mt, [candidate.edit])) for candidate in finding.candidates
            ]  # fmt: skip
            saved = [before - Levenshtein.distance(fixed, goal) for fixed in after]
            start = sum(end <= finding.span.start for _, end in offsets)
            last = sum(begin < finding.span.end for begin, _ in offsets)
            ideas += 1
            wrong += any(p.start <= last and start <= p.end for p in touched)
            first += saved[0] > 0
            some += max(saved) > 0
    if ideas:
        print(f"{name}: {marks} places marked by the detector, {ideas} with ideas, at or beside a "
              f"change of the editor {wrong / ideas:.3f}; nearer to the post-edit by the first "
              f"{first / ideas:.3f}, by one of them {some / ideas:.3f}")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["mlqe-pe/dev", "afrl/dev"])
    parser.add_argument("--corpora", help="folder of corpora (default: $MT_REPAIR_CORPORA)")
    parser.add_argument("--checkers", nargs="*", default=[], choices=sorted(CHECKERS),
                        help="count what their fixes would add, too")  # fmt: skip
    parser.add_argument("--draw", type=int, default=0, help="right and wrong examples to print")
    options = parser.parse_args(arguments)
    started = time.time()
    fixer, detector = Fixer(), Detector(keep_states=True)
    checkers = {name: CHECKERS[name]() for name in options.checkers}
    for name in options.names:
        for sighted in (True, False):
            draw = options.draw if sighted else 0
            measure(name, fixer, detector, sighted, options.corpora, draw, checkers)
        measure_ideas(name, fixer, detector, options.corpora)
    for checker in checkers.values():
        if hasattr(checker, "close"):
            checker.close()
    print(f"{time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
