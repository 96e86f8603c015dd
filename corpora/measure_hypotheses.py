"""Measure how often an edit cut from a hypothesis helps; makes ``repair/propose/priors.json``.

    MT_REPAIR_CORPORA=FOLDER python -m repair.corpora.measure_hypotheses [--write FILE]

Development data only: the outputs of newstest2021 (ru-en) with their two references. The MT are
the outputs of the three systems with the lowest chrF++; the hypotheses are those of the other
systems, for every segment one, two and three of them at a time (drawn with a fixed seed). Each
bundle of edits (see `repair.propose.changes`) is applied alone and judged by token edit distance:
*better* means nearer to one reference and farther from neither; the place is *wrong* if neither
reference, aligned with the MT, keeps it as it is. Two logistic regressions over the features of
`repair.propose.changes.features` become the log-odds of the table. What is printed is out of sample: each
fifth of the documents is predicted from the other four.

What the figures are not: an edit that neither reference speaks for is counted as not better, so
they are low; token edit distance likes deletions, whose figure is therefore too kind; and nobody
measured editors, which get the same table.

The roles swapped (strong systems as MT, weak ones as hypotheses) are printed beside it, and are
no part of the table: they show how far to trust a hypothesis that is worse than the MT.
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from repair.align import diff, tokens
from repair.core import RepairError, apply
from repair.propose.changes import Bundle, cut, features

WEAKEST, SEED, FOLDS = 3, 2021, 5
# Features seen fewer times than this say too little to be in the table.
LEAST = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One bundle, judged."""

    segment: int
    keys: tuple[str, ...]
    wrong: bool
    better: bool
    worse: bool


def read(corpora: Path) -> tuple[dict[str, dict[str, str]], dict[str, tuple[str, ...]]]:
    """The outputs by system and id, and the references by id."""
    outputs: dict[str, dict[str, str]] = defaultdict(dict)
    references: dict[str, tuple[str, ...]] = {}
    for row in _tsv(corpora / "wmt_outputs" / "newstest2021.ruen_mt.tsv.xz"):
        outputs[row["system"]][row["id"]] = row["mt"]
    for row in _tsv(corpora / "wmt_pairs" / "newstest2021_ruen.tsv.xz"):
        references[row["id"]] = tuple(r for r in (row["tgt_en"], row["tgt_en_B"]) if r)
    # Equal outputs are kept once, under the first system that has them: the others keep silent.
    return dict(outputs), references


def _tsv(path: Path) -> Iterator[dict[str, str]]:
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    except OSError as error:
        raise RepairError(
            f"Cannot read the corpus: {error.strerror}.",
            path=path,
            mend="Set MT_REPAIR_CORPORA to the folder that has wmt_outputs and wmt_pairs.",
        ) from error


def by_quality(outputs: dict, references: dict) -> list[str]:
    """The systems, the weakest first."""
    import sacrebleu

    metric = sacrebleu.CHRF(word_order=2)
    scores = {}
    for system, texts in outputs.items():
        ids = [i for i in texts if i in references]
        streams = [[references[i][min(k, len(references[i]) - 1)] for i in ids] for k in (0, 1)]
        scores[system] = metric.corpus_score([texts[i] for i in ids], streams).score
    return sorted(scores, key=scores.__getitem__)


def judge(mt: str, bundle: Bundle, references: Iterable[str]) -> tuple[bool, bool, bool]:
    """Whether the place is wrong, and whether the bundle makes the segment better, or worse."""
    fixed = apply(mt, bundle.edits)
    gains = [_distance(mt, r) - _distance(fixed, r) for r in references]
    better = max(gains) > 0 and min(gains) >= 0
    worse = min(gains) < 0 and max(gains) <= 0
    kept = (_keeps(mt, bundle, diff(mt, r)) for r in references)
    return not any(kept), better, worse


def _distance(one: str, other: str) -> int:
    return Levenshtein.distance(_tokens(one), _tokens(other))


def _tokens(text: str) -> list[str]:
    return [text[a:b] for a, b in tokens(text)]


def _keeps(mt: str, bundle: Bundle, changes) -> bool:
    """Whether a reference keeps at least one place of the bundle as it is."""
    return any(
        not any(c.start <= e.end and e.start <= c.end for c in changes) for e in bundle.edits
    )


def rows(
    mts: Iterable[str], hypotheses: list[str], outputs: dict, references: dict, seed: int = SEED
) -> list[Row]:
    """All bundles of one, two and three hypotheses a segment."""
    found = []
    order = {name: number for number, name in enumerate(references)}
    for system in mts:
        for name, mt in outputs[system].items():
            if name not in references:
                continue
            rng = random.Random(f"{seed} {system} {name}")
            there = [h for h in hypotheses if h != system and name in outputs[h]]
            for count in (1, 2, 3):
                if len(there) < count:
                    continue
                voices: dict = defaultdict(list)
                for other in rng.sample(there, count):
                    for bundle in cut(mt, outputs[other][name]):
                        voices[bundle.edits].append(bundle)
                for same in voices.values():
                    keys = features(mt, same[0], len(same), count)
                    found.append(Row(order[name], keys, *judge(mt, same[0], references[name])))
    return found


def fit(found: list[Row], target: str) -> dict[str, float]:
    """Log-odds of each feature and their base."""
    from sklearn.linear_model import LogisticRegression

    counts: dict[str, int] = defaultdict(int)
    for row in found:
        for key in row.keys:
            counts[key] += 1
    names = sorted(key for key, count in counts.items() if count >= LEAST)
    index = {key: column for column, key in enumerate(names)}
    model = LogisticRegression(C=1.0, max_iter=500)
    model.fit(_matrix(found, index), [getattr(row, target) for row in found])
    table = {"base": round(float(model.intercept_[0]), 3)}
    return table | {k: round(float(w), 3) for k, w in zip(names, model.coef_[0], strict=True)}


def _matrix(found: list[Row], index: dict[str, int]):
    from scipy.sparse import csr_matrix

    places = [(r, index[k]) for r, row in enumerate(found) for k in row.keys if k in index]
    data = [1.0] * len(places)
    return csr_matrix((data, tuple(zip(*places, strict=True))), shape=(len(found), len(index)))


def predict(table: dict[str, float], row: Row) -> float:
    import math

    odds = table["base"] + sum(table.get(key, 0.0) for key in row.keys)
    return 1 / (1 + math.exp(-odds))


def out_of_sample(found: list[Row], target: str) -> list[float]:
    """Predictions for each row from tables fitted without its fifth of the text."""
    last = max(row.segment for row in found) + 1
    fold = [row.segment * FOLDS // last for row in found]  # runs of segments: whole documents
    tables = [
        fit([r for r, f in zip(found, fold, strict=True) if f != k], target) for k in range(FOLDS)
    ]
    return [predict(tables[f], row) for row, f in zip(found, fold, strict=True)]


def report(title: str, found: list[Row], predictions: list[float] | None, write) -> None:
    write(f"\n{title}: {len(found)} bundles")
    share = sum(r.better for r in found) / len(found)
    worse = sum(r.worse for r in found) / len(found)
    write(
        f"  better {share:.3f}, worse {worse:.3f}, place wrong {sum(r.wrong for r in found) / len(found):.3f}"
    )
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        for key in row.keys:
            groups[key].append(row)
    for key in sorted(groups):
        some = groups[key]
        write(
            f"  {key:34} {len(some):6}  better {sum(r.better for r in some) / len(some):.3f}"
            f"  worse {sum(r.worse for r in some) / len(some):.3f}"
        )
    if predictions is None:
        return
    write("  said    is     bundles")
    for low in [k / 10 for k in range(10)]:
        cell = [(p, r) for p, r in zip(predictions, found, strict=True) if low <= p < low + 0.1]
        if cell:
            said = sum(p for p, _ in cell) / len(cell)
            true = sum(r.better for _, r in cell) / len(cell)
            write(f"  {said:.3f}  {true:.3f}  {len(cell)}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument(
        "--write", metavar="FILE", help="write the table, as repair/propose/priors.json"
    )
    options = parser.parse_args(arguments)
    if not options.corpora:
        parser.error("set MT_REPAIR_CORPORA or give --corpora FOLDER")
    outputs, references = read(Path(options.corpora))
    systems = by_quality(outputs, references)
    print("systems, weakest first:", ", ".join(systems))
    weak, others = systems[:WEAKEST], systems[WEAKEST:]
    found = rows(weak, others, outputs, references)
    report(f"MT: {', '.join(weak)}", found, out_of_sample(found, "better"), print)
    swapped = rows(systems[-WEAKEST:], weak, outputs, references)
    table = {target: fit(found, target) for target in ("wrong", "better")}
    said = [predict(table["better"], row) for row in swapped]
    report(f"swapped, MT: {', '.join(systems[-WEAKEST:])}", swapped, said, print)
    if options.write:
        Path(options.write).write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
