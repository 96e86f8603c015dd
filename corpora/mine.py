"""Mines what machine translation from Russian says and people do not: ``python -m repair.corpora.mine``.

For every source of the WMT news tests there are the outputs of several systems and a human
reference. An n-gram that the systems use far more often than the references of the same sources,
and that native English hardly uses, is a calque or a false friend, a garble, a name or a topic
word. The last two are filtered out by the number of documents and by capitals; the rest is for a
person to judge, who generalizes it into an entry of ``repair/style/calques.toml``.

The ranking is the z-score of the log odds with an informative Dirichlet prior (Monroe, Colaresi
and Quinn 2008, "Fightin' Words"). Each row names the Russian n-gram most associated with it.
The corpora are found through ``MT_REPAIR_CORPORA`` or ``--corpora``; see the README of this folder.
"""

from __future__ import annotations

import argparse
import lzma
import math
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..core import RepairError

TRAIN_YEARS = (2013, 2014, 2018, 2019)
REFERENCE_SETS = (*(f"newstest{year}_ruen" for year in range(2012, 2021)), "ntrex128_enru")
NATIVE_SETS = ("wikinews", "onestop", "speeches", "congress_first150k", "wh_written")
# Neighbouring sources come from one document: sources are counted by blocks of this many lines.
BLOCK = 12

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,:]\d+)*|[^\w\s]")


class Source(NamedTuple):
    """One Russian sentence with its distinct machine outputs and its references."""

    id: str
    source: str
    references: tuple[str, ...]
    outputs: tuple[str, ...]


class Mined(NamedTuple):
    """An n-gram with its evidence: weighted counts of sources, and documents (blocks of lines)."""

    z: float
    ngram: str
    mt: float
    references: int
    native: int
    documents: int
    systems: float
    russian: str
    example: str


def corpora_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the corpora: ``given`` or the environment variable ``MT_REPAIR_CORPORA``.

    Raises `RepairError` where neither names a folder.
    """
    name = given or os.environ.get("MT_REPAIR_CORPORA")
    if not name or not Path(name).is_dir():
        raise RepairError(
            f"No folder of corpora at {name!r}." if name else "No folder of corpora was named.",
            mend="Set MT_REPAIR_CORPORA or give --corpora.",
        )
    return Path(name)


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a ``.tsv.xz`` with a header and no quoting, by column name."""
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
            header = file.readline().rstrip("\n").split("\t")
            for line in file:
                yield dict(zip(header, line.rstrip("\n").split("\t"), strict=False))
    except FileNotFoundError:
        raise RepairError("This corpus is missing.", path=path) from None


def read_sources(folder: Path, year: int) -> list[Source]:
    """The sources of ``newstest<year>`` in order, each with outputs and references."""
    second = {}
    pairs = folder / "wmt_pairs" / f"newstest{year}_ruen.tsv.xz"
    if pairs.exists():
        second = {row["id"]: row["tgt_en_B"] for row in read_rows(pairs) if row.get("tgt_en_B")}
    found: dict[str, tuple[str, str, list[str]]] = {}
    for row in read_rows(folder / "wmt_outputs" / f"newstest{year}.ruen_mt.tsv.xz"):
        found.setdefault(row["id"], (row["src_ru"], row["tgt_en"], []))[2].append(row["mt"])
    return [
        Source(
            key,
            source,
            (reference, second[key]) if key in second else (reference,),
            tuple(dict.fromkeys(outputs)),
        )
        for key, (source, reference, outputs) in found.items()
    ]


def split_words(text: str) -> list[str]:
    """Words, numbers (as ``0``) and signs in lower case; quotes and dashes are made equal."""
    words = []
    for word in _WORD.findall(text.replace("’", "'")):
        if word[0].isdigit():
            word = "0"
        elif word in "“”„«»":
            word = '"'
        elif word in "–—":
            word = "-"
        words.append(word.lower())
    return words


def ngrams(words: list[str], size: int) -> set[tuple[str, ...]]:
    """The distinct n-grams of a sentence that do not start or end with a number."""
    return {
        gram
        for gram in zip(*(words[i:] for i in range(size)), strict=False)
        if gram[0] != "0" and gram[-1] != "0"
    }


def capitalized_words(sources: Iterable[Source]) -> set[str]:
    """Words that references write with a capital inside the sentence more often than not."""
    upper, lower = Counter(), Counter()
    for source in sources:
        for text in source.references:
            for word in _WORD.findall(text)[1:]:
                (upper if word[0].isupper() else lower)[word.lower()] += 1
    return {word for word, count in upper.items() if count > lower[word] and word != "i"}


def mine(
    sources: list[Source],
    native: Iterable[str],
    *,
    sizes: tuple[int, int] = (1, 5),
    min_documents: int = 5,
    max_native: float = 2.0,
) -> list[Mined]:
    """Ranked n-grams that the outputs of ``sources`` use more than references and native text.

    ``max_native`` bounds the occurrences in a million native sentences, relative to the machine's
    own rate: an n-gram is kept while its native rate is below its machine rate / ``max_native``.
    """
    names = capitalized_words(sources)
    outputs = [[split_words(text) for text in source.outputs] for source in sources]
    references = [[split_words(text) for text in source.references] for source in sources]
    kept: dict[tuple[str, ...], tuple[float, int, int, float]] = {}
    shorter: set[tuple[str, ...]] | None = None
    for size in range(1, sizes[1] + 1):
        weight, blocks = defaultdict(float), defaultdict(set)
        for index, texts in enumerate(outputs):
            here = Counter(gram for words in texts for gram in ngrams(words, size))
            for gram, count in here.items():
                if shorter is None or (gram[:-1] in shorter and gram[1:] in shorter):
                    weight[gram] += count / len(texts)
                    blocks[gram].add(index // BLOCK)
        shorter = {gram for gram, documents in blocks.items() if len(documents) >= min_documents}
        if size < sizes[0]:
            continue
        in_references = Counter(
            gram for texts in references for gram in ngrams(texts[0], size) if gram in shorter
        )
        for gram in shorter:
            if not any(word in names for word in gram) and any(w[0].isalpha() for w in gram):
                kept[gram] = (weight[gram], in_references[gram], len(blocks[gram]), 0.0)
    in_native, total = _count_native(native, set(kept), sizes)
    ranked = []
    for gram, (mt, ref, documents, _) in kept.items():
        rate, native_rate = mt / len(sources), in_native[gram] / max(total, 1)
        if native_rate * max_native > rate:
            continue
        z = _log_odds(mt, len(sources), ref, len(sources), native_rate)
        if z > 0.5:
            ranked.append((z, gram, mt, ref, in_native[gram], documents))
    ranked.sort(reverse=True)
    return _with_russian(_without_parts(ranked), sources, outputs)


def _without_parts(ranked: list[tuple], share: float = 0.8) -> list[tuple]:
    """The rows whose n-gram is not mostly a part of a longer n-gram of the ranking."""
    weight = {row[1]: row[2] for row in ranked}
    parts = {
        part
        for gram, count in weight.items()
        for part in (gram[1:], gram[:-1])
        if part in weight and count >= share * weight[part]
    }
    return [row for row in ranked if row[1] not in parts]


def _log_odds(count: float, total: int, other: float, others: int, native_rate: float) -> float:
    """z-score of the log odds of ``count`` of ``total`` against ``other`` of ``others``."""
    prior = 0.5 + native_rate * others
    size = 2.0 * others
    first = math.log((count + prior) / (total + size - count - prior))
    second = math.log((other + prior) / (others + size - other - prior))
    return (first - second) / math.sqrt(1 / (count + prior) + 1 / (other + prior))


def _count_native(
    native: Iterable[str], wanted: set[tuple[str, ...]], sizes: tuple[int, int]
) -> tuple[Counter[tuple[str, ...]], int]:
    """Sentences of ``native`` that hold each wanted n-gram, and the number of sentences."""
    counts, total = Counter(), 0
    for text in native:
        total += 1
        words = split_words(text)
        for size in range(sizes[0], sizes[1] + 1):
            counts.update(ngrams(words, size) & wanted)
    return counts, total


def _with_russian(ranked, sources: list[Source], outputs: list[list[list[str]]]) -> list[Mined]:
    """Adds to each row the Russian n-gram with the best Dice coefficient, and an example."""
    wanted = {row[1] for row in ranked}
    sizes = sorted({len(gram) for gram in wanted})
    places, in_russian = defaultdict(list), Counter()
    russian = []
    for index, source in enumerate(sources):
        words = split_words(source.source)
        # Stems (first five letters) bring the forms of a Russian word together.
        stems = [word[:6] for word in words]
        grams = {gram for size in (1, 2, 3) for gram in ngrams(stems, size) if gram[0].isalpha()}
        russian.append(grams)
        in_russian.update(grams)
        found = {g for words in outputs[index] for size in sizes for g in ngrams(words, size)}
        for gram in found & wanted:
            places[gram].append(index)
    mined = []
    for z, gram, mt, ref, native, documents in ranked:
        together = Counter(r for index in places[gram] for r in russian[index])
        best = max(
            ((2 * n / (in_russian[r] + len(places[gram])), len(r), r) for r, n in together.items()),
            default=(0, 0, ()),
        )
        share, example = 0.0, ""
        for index in places[gram]:
            hits = [k for k, words in enumerate(outputs[index]) if gram in ngrams(words, len(gram))]
            share += len(hits) / len(outputs[index])
            if hits and (not example or len(sources[index].outputs[hits[0]]) < len(example)):
                example = sources[index].outputs[hits[0]]
        mined.append(
            Mined(
                z,
                " ".join(gram),
                mt,
                ref,
                native,
                documents,
                share / max(len(places[gram]), 1),
                f"{' '.join(best[2])} ({best[0]:.2f})",
                example,
            )
        )
    return mined


def native_sentences(folder: Path) -> Iterator[str]:
    """Clean native English and the human references of the years that may be trained on."""
    for name in NATIVE_SETS:
        path = folder / "english" / "sentences" / f"{name}.tsv.xz"
        if path.exists():
            for row in read_rows(path):
                yield row["sentence"]
    for name in REFERENCE_SETS:
        path = folder / "wmt_pairs" / f"{name}.tsv.xz"
        if path.exists():
            for row in read_rows(path):
                yield row["tgt_en"]


def main(arguments: list[str] | None = None) -> int:
    """Prints the ranked table as TSV on standard output."""
    parser = argparse.ArgumentParser(prog="python -m repair.corpora.mine", description=__doc__)
    parser.add_argument("--corpora", help="folder of the corpora (default: $MT_REPAIR_CORPORA)")
    parser.add_argument("--years", type=int, nargs="+", default=TRAIN_YEARS)
    parser.add_argument("--sizes", type=int, nargs=2, default=(1, 5), metavar=("MIN", "MAX"))
    parser.add_argument("--min-documents", type=int, default=5, help="blocks of 12 source lines")
    parser.add_argument(
        "--max-native",
        type=float,
        default=2.0,
        help="drop an n-gram unless its machine rate is this many times its native rate",
    )
    parser.add_argument("--top", type=int, default=2000)
    options = parser.parse_args(arguments)
    try:
        folder = corpora_folder(options.corpora)
        sources = [source for year in options.years for source in read_sources(folder, year)]
        rows = mine(
            sources,
            native_sentences(folder),
            sizes=tuple(options.sizes),
            min_documents=options.min_documents,
            max_native=options.max_native,
        )
    except RepairError as error:
        print(error, file=sys.stderr)
        return 2
    print("\t".join(Mined._fields))
    for row in rows[: options.top]:
        print(
            f"{row.z:.2f}\t{row.ngram}\t{row.mt:.1f}\t{row.references}\t{row.native}"
            f"\t{row.documents}\t{row.systems:.2f}\t{row.russian}\t{row.example}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
