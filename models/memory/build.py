"""Mine the phrase memory: ``python models/memory/build.py --corpora FOLDER``.

Aligns words of Russian and English sentences that may be trained on (IBM model 1 with a preference
for the diagonal, both ways, by expectation maximisation), keeps the lexical table, and counts the
phrase pairs that the alignment does not cut. Sentences of development and test sets are left out.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "detector"))

from examples import Shelf

from repair import ngrams
from repair.memory import FILE, LONGEST, russian_words

PAIRS = [f"wmt_pairs/newstest{year}_ruen" for year in range(2012, 2021)]
PAIRS += ["wmt_pairs/newstest2019_enru", "wmt_pairs/newstest2020_enru", "wmt_pairs/ntrex128_enru"]
PAIRS += ["pairs/ud_pud", "pairs/xquad", "pairs/tico19_test", "pairs/mt_geneval_wiki_bios_enru"]
PAIRS += ["pairs/tatoeba_test"]
OUTPUTS = ["wmt_outputs/newstest2018.ruen_mt", "wmt_outputs/newstest2019.ruen_mt"]
EACH = 4  # outputs of one sentence
ROUNDS, TENSION, SEED = 6, 4.0, 7
WORDS, LEAST_WORD = 14, 0.008  # renderings of a lemma, and their least share
RENDERINGS, LEAST_SHARE, LEAST_COUNT = 12, 0.02, 2
LONGEST_RENDERING = 4
NULL = "<null>"


def sentence_pairs(shelf: Shelf) -> Iterator[tuple[str, str]]:
    """Russian and English sentences, each pair once."""
    seen = set()
    for name in PAIRS:
        for row in shelf.table(name):
            for key in ("tgt_en", "tgt_en_B"):
                if row.get(key):
                    seen.add((row["src_ru"], row[key]))
    rng = random.Random(SEED)
    for name in OUTPUTS:
        groups = defaultdict(list)
        for row in shelf.table(name):
            groups[row["src_ru"]].append(row["mt"])
        for source, texts in sorted(groups.items()):
            seen.update((source, text) for text in rng.sample(texts, min(EACH, len(texts))))
    sides = [
        shelf.mlqe(f"post-editing/train/ru-en-train/train.{s}").splitlines() for s in ("src", "pe")
    ]
    seen.update(zip(*sides, strict=True))
    for source, english in sorted(seen):
        if source and english and shelf.allows(source, english):
            yield source, english


def cut(pairs: Iterator[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    """Lemmas and English words without punctuation, where neither side is very long or odd."""
    found = []
    for source, english in pairs:
        left = [word.lemma for word in russian_words(source)]
        right = [w for w, _, _ in ngrams.words(english) if w[-1].isalnum()]
        if 0 < len(left) <= 70 and 0 < len(right) <= 90 and 0.4 < len(left) / len(right) < 2.5:
            found.append((left, right))
    return found


def align(sides: Sequence[tuple[Sequence[str], Sequence[str]]]):
    """Align the second of each pair to the first: the table {(f, e): t}, and each word's best place.

    Returns the vocabularies, arrays of (f, e, t) and for each pair the place in the first for
    every word of the second, -1 for none.
    """
    first, second = {NULL: 0}, {}
    for left, right in sides:
        for word in left:
            first.setdefault(word, len(first))
        for word in right:
            second.setdefault(word, len(second))
    keys, weights, starts, total = [], [], [], 0
    for left, right in sides:
        f = np.array([0, *(first[w] for w in left)], np.int64)
        e = np.array([second[w] for w in right], np.int64)
        keys.append((f[None] * len(second) + e[:, None]).ravel())
        i = (np.arange(len(left)) + 0.5) / len(left)
        j = (np.arange(len(right)) + 0.5) / len(right)
        near = np.exp(-TENSION * np.abs(i[None] - j[:, None]))
        near = 0.92 * near / near.sum(1, keepdims=True)
        weights.append(np.concatenate([np.full((len(right), 1), 0.08), near], 1).ravel())
        starts.append(total + np.arange(len(right)) * len(f))
        total += len(f) * len(right)
    keys, weights = np.concatenate(keys), np.concatenate(weights).astype(np.float32)
    starts = np.concatenate(starts)
    unique, inverse = np.unique(keys, return_inverse=True)
    inverse = inverse.astype(np.int32)
    owner = (unique // len(second)).astype(np.int64)
    table = np.ones(len(unique)) / len(second)
    sizes = np.diff(np.append(starts, total))
    for _ in range(ROUNDS):
        p = table[inverse] * weights
        p /= np.repeat(np.add.reduceat(p, starts), sizes)
        counts = np.bincount(inverse, p, len(unique))
        table = counts / np.bincount(owner, counts, len(first))[owner]
    p = table[inverse] * weights
    best, at = [], 0
    for left, right in sides:
        block = p[at : at + (len(left) + 1) * len(right)].reshape(len(right), -1)
        best.append(block.argmax(1) - 1)
        at += block.size
    return list(first), list(second), (owner, unique % len(second), table, counts), best


def phrase_counts(sides, forward, backward) -> dict[tuple[str, ...], Counter]:
    """Phrase pairs that no agreed link leaves, up to the longest, by the Russian side."""
    found: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    for (left, right), there, back in zip(sides, forward, backward, strict=True):
        links = [(i, j) for j, i in enumerate(there) if i >= 0 and back[i] == j]
        by_left = defaultdict(list)
        by_right = defaultdict(list)
        for i, j in links:
            by_left[i].append(j)
            by_right[j].append(i)
        for a in range(len(left)):
            for b in range(a + 1, min(len(left), a + LONGEST) + 1):
                inside = [j for i in range(a, b) for j in by_left[i]]
                if not inside or not by_left[a] or not by_left[b - 1]:
                    continue
                low, high = min(inside), max(inside) + 1
                if any(not a <= i < b for j in range(low, high) for i in by_right[j]):
                    continue
                # Words without a link may belong to the phrase: an article, a preposition.
                lows, highs = [low], [high]
                while lows[-1] > 0 and not by_right[lows[-1] - 1] and low - lows[-1] < 2:
                    lows.append(lows[-1] - 1)
                while highs[-1] < len(right) and not by_right[highs[-1]] and highs[-1] - high < 1:
                    highs.append(highs[-1] + 1)
                for start in lows:
                    for end in highs:
                        if end - start <= LONGEST_RENDERING:
                            found[tuple(left[a:b])][" ".join(right[start:end])] += 1
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Mine and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--out", type=Path, default=HERE / FILE)
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    sides = cut(sentence_pairs(Shelf(Path(options.corpora))))
    print(f"{len(sides)} pairs, {time.time() - started:.0f} s", flush=True)
    russian, english, (f, e, share, counts), forward = align(sides)
    print(f"aligned one way, {time.time() - started:.0f} s", flush=True)
    backward = align([(right, left) for left, right in sides])[3]
    print(f"aligned both ways, {time.time() - started:.0f} s", flush=True)
    phrases = phrase_counts(sides, forward, backward)

    kept = (share >= LEAST_WORD) & (counts >= 1.2) & (f > 0)
    f, e, share = f[kept], e[kept], share[kept]
    order = np.lexsort((-share, f))
    f, e, share = f[order], e[order], share[order]
    first = np.flatnonzero(np.diff(f, prepend=-1))
    rank = np.arange(len(f)) - np.repeat(first, np.diff(np.append(first, len(f))))
    f, e, share = f[rank < WORDS], e[rank < WORDS], share[rank < WORDS]
    owners, sizes = np.unique(f, return_counts=True)
    names, tops, ends, shares = [], [], [], []
    for phrase, seen in sorted(phrases.items()):
        total = sum(seen.values())
        # With one word, what the lexicon knows already need not stand here.
        best = [
            (text, n) for text, n in seen.most_common(RENDERINGS)
            if n >= LEAST_COUNT and n / total >= LEAST_SHARE
        ]  # fmt: skip
        if best:
            names.append(" ".join(phrase))
            tops += [text for text, _ in best]
            shares += [n / total for _, n in best]
            ends.append(len(tops))

    def text(lines: Sequence[str]) -> np.ndarray:
        return np.frombuffer("\n".join(lines).encode("utf-8"), np.uint8)

    used, places = np.unique(e, return_inverse=True)
    np.savez_compressed(
        options.out,
        russian=text([russian[i] for i in owners]),
        english=text([english[i] for i in used]),
        ends=np.cumsum(sizes).astype(np.int32),
        words=places.astype(np.int32),
        shares=np.clip(np.round(share * 255), 1, 255).astype(np.uint8),
        phrases=text(names),
        renderings=text(tops),
        phrase_ends=np.array(ends, np.int32),
        phrase_shares=np.clip(np.round(np.array(shares) * 255), 1, 255).astype(np.uint8),
    )
    print(
        f"{len(owners)} lemmas with {len(e)} words, {len(names)} phrases with {len(tops)} renderings;"
        f" {options.out.stat().st_size / 1e6:.1f} MB, {time.time() - started:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
