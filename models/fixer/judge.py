"""Draw real errors for a person to judge: ``python models/fixer/judge.py --corpora FOLDER``.

100 places of the weaker outputs of newstest2021 where both references and most other systems
disagree with the MT. Prints each with its source, the reference's words and the fixer's first five
wordings, as if the place were known to be wrong; at last, how many of the wordings that the reader
of ``judged.tsv`` accepted are still among the first five.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "detector"))

from examples import Shelf, read_table
from repair.corpora.measure_fixer import edits, texts

from repair import Segment
from repair.detect import Detector
from repair.propose.fixer import Fixer, repeats
from repair.propose.inventory import Place, Words

SYSTEMS = ("Online-Y", "Online-W", "AFRL", "Online-A")
DRAWN, SEED = 100, 2026
LONGEST = 4  # words of the place and of the reference's words
SHARED = 0.25  # of the other systems and the references that write the same: then it is no error


def errors(shelf: Shelf) -> Iterator[tuple[dict, Place, Words]]:
    """Rows of system outputs with a place that is wrong, and the nearest reference's words."""
    references = {
        row["id"]: [x for x in (row["tgt_en"], row.get("tgt_en_B")) if x]
        for row in shelf.table("wmt_pairs/newstest2021_ruen")
    }
    outputs = defaultdict(list)
    for row in shelf.table("wmt_outputs/newstest2021.ruen_mt"):
        outputs[row["id"]].append(row)
    for name, rows in sorted(outputs.items()):
        for row in rows:
            if row["system"] not in SYSTEMS:
                continue
            words = ["", *texts(row["mt"]), ""]
            others = [one["mt"] for one in rows if one is not row] + references[name]
            others = [f" {' '.join(texts(text))} " for text in others]

            def share(run: Sequence[str], others=others) -> float:
                return sum(f" {' '.join(run).strip()} " in text for text in others) / len(others)

            changes = [list(edits(words[1:-1], texts(text))) for text in references[name]]
            best = min(changes, key=lambda e: sum(max(p.end - p.start, len(w)) for p, w in e))
            for place, wanted in best:
                short = max(place.end - place.start, len(wanted)) <= LONGEST
                if short and share(words[place.start : place.end + 2]) < SHARED:
                    yield row, place, wanted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    options = parser.parse_args()
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    drawn = random.Random(SEED).sample(list(errors(Shelf(Path(options.corpora)))), DRAWN)
    segments = [Segment(row["id"], row["mt"], row["src_ru"]) for row, _, _ in drawn]
    fixer, detections = Fixer(), Detector(keep_states=True)(segments)
    judged = {
        (row["system"], row["id"], row["start"], row["end"]): row["accepted"]
        for row in read_table(HERE / "judged.tsv")
    }
    known = still = 0
    for (row, place, wanted), segment, seen in zip(drawn, segments, detections, strict=True):
        reading = fixer.read(segment, seen)
        ranked = [
            w for w, _, _ in fixer.ranked(reading, place)[0] if not repeats(reading, place, w)
        ]
        offers = [" ".join(words) or "∅" for words in ranked[:5]]
        start, end = reading.offsets(place)
        mt = segment.mt
        print(f"[{row['system']} {row['id']}] {mt[:start]}⟦{mt[start:end]}⟧{mt[end:]}")
        print(f"    {segment.source}")
        print(f"    reference: {' '.join(wanted) or '∅'}; offered: {' / '.join(offers)}")
        accepted = judged.get((row["system"], row["id"], str(start), str(end)))
        known += accepted is not None
        still += bool(accepted) and accepted in offers
    print(f"{known} of {DRAWN} were judged; of {still} an accepted wording is among the first five")
    return 0


if __name__ == "__main__":
    sys.exit(main())
