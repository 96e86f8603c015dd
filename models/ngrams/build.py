"""Count the English of the training corpora: ``python models/ngrams/build.py --corpora FOLDER``.

Writes ``counts.npz`` beside this file in about four minutes on one core and 3 GB of memory.
Sentences of development and test sets are left out (compared by letters and digits).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "detector"))

from examples import Shelf

from repair.ngrams import BITS, END, FILE, RESERVED, START, UNKNOWN, save, words

MONOLINGUAL = ["kremlin", "wh_written", "congress_first150k", "speeches", "onestop", "wikinews"]
PAIRS = [f"wmt_pairs/newstest{year}_ruen" for year in range(2012, 2021)]
PAIRS += ["wmt_pairs/newstest2019_enru", "wmt_pairs/newstest2020_enru", "wmt_pairs/ntrex128_enru"]
PAIRS += ["pairs/ud_pud", "pairs/xquad", "pairs/tico19_test", "pairs/mt_geneval_wiki_bios_enru"]
POST_EDITS = [f"english/post_edits/mlqe_pe_{pair}-en" for pair in ("ro", "et")]
VOCABULARY = 120_000
LEAST = {2: 1, 3: 2}  # n-grams seen less often are not kept


def sentences(shelf: Shelf) -> Iterator[str]:
    """The English sentences that are counted, each once."""
    seen = set()
    for name in MONOLINGUAL:
        for row in shelf.table(f"english/sentences/{name}"):
            seen.add(row["sentence"])
    for name in PAIRS:
        for row in shelf.table(name):
            seen.add(row["tgt_en"])
            seen.add(row.get("tgt_en_B") or "")
    for name in POST_EDITS:
        seen.update(row["pe"] for row in shelf.table(name))
    seen.update(shelf.mlqe("post-editing/train/ru-en-train/train.pe").splitlines())
    for text in sorted(seen):
        if text and shelf.allows(text):
            yield text


def count(corpus: Sequence[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Packed n-grams, sorted, and how often each was seen; edges of sentences included."""
    keys = []
    for ids in corpus:
        run = np.concatenate([[START] * (n - 1), ids, [END]]).astype(np.uint64)
        key = np.zeros(len(run) - n + 1, np.uint64)
        for offset in range(n):
            key = (key << np.uint64(BITS)) | run[offset : offset + len(key)]
        keys.append(key)
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    # A run with an uncounted word says nothing of that word.
    mask = np.uint64((1 << BITS) - 1)
    unknown = np.zeros(len(found), bool)
    for offset in range(n):
        unknown |= ((found >> np.uint64(BITS * offset)) & mask) == UNKNOWN
    kept = (counts >= LEAST[n]) & ~unknown
    return found[kept], counts[kept]


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--out", type=Path, default=HERE / FILE)
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    started = time.time()
    texts = [[word for word, _, _ in words(t)] for t in sentences(Shelf(Path(options.corpora)))]
    frequency = Counter(word for text in texts for word in text)
    common = [word for word, seen in frequency.most_common(VOCABULARY) if seen > 1]
    vocabulary = [*RESERVED, *common]
    ids = {word: index for index, word in enumerate(vocabulary)}
    corpus = [np.array([ids.get(word, UNKNOWN) for word in text], np.int64) for text in texts]
    single = np.bincount(np.concatenate(corpus), minlength=len(vocabulary))
    single[START] = single[END] = len(corpus)
    tables = [single, count(corpus, 2), count(corpus, 3)]
    save(options.out, vocabulary, tables)
    print(
        f"{len(texts)} sentences, {sum(map(len, texts))} words, {len(vocabulary)} kept; "
        f"{len(tables[1][0])} pairs, {len(tables[2][0])} triples; "
        f"{options.out.stat().st_size / 1e6:.1f} MB in {time.time() - started:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
