"""Learns how Russian letters are spelled in Latin names, for `repair.facts.transliteration`.

    python -m repair.corpora.learn_transliteration PAIRS.tsv.xz repair/facts/transliteration.tsv

``PAIRS`` has the columns ``ru``, ``en`` and, optionally, ``count``: single words in lower case,
such as the name tokens of Wikidata labels (CC0). The model is a monotone alignment: each Russian
letter yields zero to four Latin ones. Its probabilities are found by Viterbi training from a
start that knows nothing but lengths and a transliteration table; noise among the pairs falls out
because pairs that align badly are dropped from round to round.
"""

from __future__ import annotations

import lzma
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

from repair.facts.transliteration import LONGEST_CHUNK, PLAIN, UNSEEN, align_letters

ROUNDS = 6
PAIRS = 60_000
KEEP = 0.93  # of the pairs of a round, best first
SMOOTH = 0.5


def read_pairs(path: str | Path, most: int = PAIRS) -> list[tuple[str, str, int]]:
    """Word pairs with their counts, the frequent ones first."""
    pairs = []
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(names, line.rstrip("\n").split("\t"), strict=True))
            ru, en = row["ru"].lower(), row["en"].lower()
            if ru.isalpha() and en.isascii() and en.isalpha() and 3 <= len(ru) <= 14:
                pairs.append((ru, en, int(row.get("count") or 1)))
    pairs.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    return pairs[:most]


def learn(pairs: list[tuple[str, str, int]]) -> dict[str, dict[str, float]]:
    """Costs (negative natural logarithms) of Latin chunks for each Russian letter."""
    costs: dict[str, dict[str, float]] = {
        letter: dict.fromkeys(chunks.split("|"), 0.7) for letter, chunks in PLAIN.items()
    }
    for _ in range(ROUNDS):
        counts: dict[str, Counter] = defaultdict(Counter)
        scored = []
        for ru, en, weight in pairs:
            cost, chunks = align_letters(ru, en, costs)
            if chunks is not None:
                scored.append((cost / (len(ru) + 1), ru, chunks, weight))
        scored.sort(key=lambda row: row[0])
        for _cost, ru, chunks, weight in scored[: int(KEEP * len(scored))]:
            for letter, chunk in zip(ru, chunks, strict=True):
                counts[letter][chunk] += min(3.0, 1 + math.log(weight))
        costs = {}
        for letter, seen in counts.items():
            total = sum(seen.values()) + SMOOTH * len(seen)
            costs[letter] = {
                chunk: -math.log((count + SMOOTH) / total)
                for chunk, count in seen.items()
                if len(chunk) <= LONGEST_CHUNK and count > 3 and count / total > math.exp(-UNSEEN)
            }
    return costs


def main(pairs: str, target: str) -> None:
    costs = learn(read_pairs(pairs))
    lines = [
        f"{letter}\t{chunk}\t{cost:.2f}"
        for letter in sorted(costs)
        for chunk, cost in sorted(costs[letter].items(), key=lambda item: item[1])
    ]
    Path(target).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
