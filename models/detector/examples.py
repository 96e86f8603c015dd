"""Training examples: the corpora as words with soft labels, without anything the tests contain.

Each part is a function from the `Shelf` (where the corpora lie) to an iterable of `Example`; the
recipe names the parts and their shares. No part reads a development or test set, and `Shelf`
refuses every row whose Russian or English text occurs in one.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import random
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from repair import align

CATEGORIES = (
    "accuracy/mistranslation",
    "accuracy/omission",
    "accuracy/addition",
    "accuracy/untranslated",
    "accuracy/number",
    "accuracy/entity",
    "accuracy/negation",
    "fluency/grammar",
    "fluency/word-order",
    "fluency/spelling",
    "fluency/punctuation",
    "fluency/typography",
    "fluency/register",
    "style/awkward",
    "terminology",
)
SEVERITIES = ("minor", "major", "critical")
NAMES = {name: index for index, name in enumerate(CATEGORIES)}
LAST_AFRL = 400  # these rows of the AFRL post-edits are kept for measuring
_PLAIN = str.maketrans(dict.fromkeys("‘’`´", "'") | dict.fromkeys("“”„«»″", '"') | {"\xad": ""})


@dataclass(slots=True)
class Example:
    """Words of one translation with labels: ``words`` and ``gaps`` are probabilities of BAD.

    Categories and severities are indices, -1 where unknown; ``foreign`` marks a source in another
    language than Russian; ``hter`` and ``da`` are nan where unknown.
    """

    source: Sequence[str]
    mt: Sequence[str]
    words: Sequence[float]
    gaps: Sequence[float]
    word_category: Sequence[int] | None = None
    gap_category: Sequence[int] | None = None
    severity: Sequence[int] | None = None
    hter: float = float("nan")
    da: float = float("nan")
    foreign: bool = False
    weight: float = 1.0


def cut(text: str) -> list[str]:
    """The tokens of running text, with plain quotes."""
    return [text[a:b].translate(_PLAIN) for a, b in align.tokens(text)]


def letters(text: str) -> str:
    """The key by which overlap is checked: lower-case letters and digits only."""
    return re.sub(r"[\W_]+", "", text.lower())


def read_table(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a tab-separated file without quoting, compressed or not."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        header = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = line.rstrip("\n").split("\t")
            if len(row) == len(header):
                yield dict(zip(header, row, strict=True))


@dataclass
class Shelf:
    """The corpora folder, and the texts that must not be trained on."""

    folder: Path
    seed: int = 0
    forbidden: set[str] = field(default_factory=set)
    _archive: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for split in ("dev/ru-en-dev/dev", "test/ru-en-test20/test20"):
            for side in ("src", "pe"):
                self.forbid(self.mlqe(f"post-editing/{split}.{side}").splitlines())
        self.forbid(self.mlqe("test21/ru-en-test21/test21.src").splitlines())
        tables = [
            "wmt_pairs/newstest2021_ruen",
            "wmt_pairs/generaltest2022_ruen",
            "wmt_pairs/newstest2021_enru",
            "wmt_pairs/generaltest2022_enru",
            "pairs/flores200_dev",
            "demetr/demetr_ruen_even",
        ]
        for table in tables:
            for row in self.table(table):
                self.forbid(row[key] for key in ("src_ru", "tgt_en", "tgt_en_B") if row.get(key))
        for row in self.afrl()[-LAST_AFRL:]:
            self.forbid((row["src_ru"], row["tgt_en"], row["mt"], row["pe"]))

    def forbid(self, texts: Iterable[str]) -> None:
        """Keep rows with one of these texts out of training; very short ones say nothing."""
        self.forbidden.update(key for text in texts if len(key := letters(text)) > 8)

    def allows(self, *texts: str) -> bool:
        """Whether none of the texts occurs in a development or test set."""
        return not any(letters(text) in self.forbidden for text in texts)

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of ``name``.tsv or ``name``.tsv.xz."""
        path = self.folder / f"{name}.tsv.xz"
        return list(read_table(path if path.exists() else path.with_suffix("")))

    def mlqe(self, name: str) -> str:
        """A file of the MLQE-PE archive."""
        if not self._archive:
            with tarfile.open(self.folder / "mlqe-pe/mlqe-pe-ru-en.tar.xz") as archive:
                for member in archive.getmembers():
                    if member.isfile():
                        data = archive.extractfile(member).read()
                        self._archive[member.name] = data.decode("utf-8")
        ending = next((key for key in self._archive if key.endswith(name)), None)
        if ending is None:
            raise FileNotFoundError(f"{name} is not in the MLQE-PE archive")
        return self._archive[ending]

    def afrl(self) -> list[dict[str, str]]:
        """The AFRL post-edits in their published order."""
        return self.table("post_edits/wmt14_afrl_monolingual_postedit")


def mlqe_rows(shelf: Shelf, split: str) -> list[dict]:
    """One split of MLQE-PE ru-en: texts, tags, HTER and DA (z-mean), aligned by line."""
    names = {
        "train": ("train/ru-en-train/train", "train/ru-en-train/train.ruen.df.short.tsv"),
        "dev": ("dev/ru-en-dev/dev", "dev/ru-en-dev/dev.ruen.df.short.tsv"),
        "test20": ("test/ru-en-test20/test20", "test/ru-en/test20.ruen.df.short.tsv"),
    }
    edits, assessments = names[split]
    sides = {
        side: shelf.mlqe(f"post-editing/{edits}.{side}").splitlines()
        for side in ("src", "mt", "pe", "tags", "hter")
    }
    table = io.StringIO(shelf.mlqe(f"direct-assessments/{assessments}"))
    scores = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = []
    for index, texts in enumerate(zip(*sides.values(), strict=True)):
        row = dict(zip(sides, texts, strict=True))
        row["da"] = float("nan")
        if index < len(scores) and letters(scores[index]["original"]) == letters(row["src"]):
            row["da"] = float(scores[index]["z_mean"])
            row["raw_src"] = scores[index]["original"]
            row["raw_mt"] = scores[index]["translation"]
        row["tags"] = [tag == "BAD" for tag in row["tags"].split()]
        rows.append(row)
    return rows


def post_edits(shelf: Shelf, split: str) -> Iterator[tuple[str, str, str]]:
    """Source, MT and post-edit of ``train``, ``mlqe-dev`` or ``afrl-dev``."""
    if split in ("train", "mlqe-dev"):
        for row in mlqe_rows(shelf, "train" if split == "train" else "dev"):
            if split != "train" or shelf.allows(row["src"], row["mt"], row["pe"]):
                yield row["src"], row["mt"], row["pe"]
    if split in ("train", "afrl-dev"):
        rows = shelf.afrl()
        for row in rows[:-LAST_AFRL] if split == "train" else rows[-LAST_AFRL:]:
            if split != "train" or shelf.allows(row["src_ru"], row["mt"], row["pe"]):
                yield row["src_ru"], row["mt"], row["pe"]


_FUNCTION = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "by",
        "with",
        "from",
        "as",
        "into",
        "about",
        "over",
        "under",
        "than",
        "that",
        "this",
        "these",
        "those",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "has",
        "have",
        "had",
        "do",
        "does",
        "did",
        "will",
        "would",
        "can",
        "could",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "and",
        "or",
        "but",
        "so",
        "if",
        "it",
        "its",
        "he",
        "she",
        "they",
        "his",
        "her",
        "their",
        "him",
        "them",
        "we",
        "us",
        "our",
        "you",
        "your",
        "i",
        "my",
        "me",
        "who",
        "which",
        "what",
        "there",
        "here",
        "up",
        "out",
        "off",
        "'s",
    ]
)
_NEGATIONS = frozenset(
    ["not", "n't", "no", "never", "none", "nothing", "neither", "nor", "without", "cannot", "'t"]
)


def category_of(old: Sequence[str], new: Sequence[str], mt: set[str], first: bool) -> str:
    """The likely category of a human edit, from the words that it takes and gives.

    A guess by rule, so that post-edits without categories can teach them.
    """
    a, b = [w.lower() for w in old], [w.lower() for w in new]
    both = a + b
    if a == b:
        return "fluency/typography"
    if all(not any(c.isalnum() for c in w) for w in both):
        return "fluency/punctuation"
    if any("\u0400" <= c <= "\u04ff" for w in a for c in w):
        return "accuracy/untranslated"
    if any(c.isdigit() for w in both for c in w):
        return "accuracy/number"
    if len(both) <= 4 and bool(_NEGATIONS & set(a)) != bool(_NEGATIONS & set(b)):
        return "accuracy/negation"
    if all(w in _FUNCTION or not w[0].isalnum() for w in both):
        return "fluency/grammar"
    content_a = [w for w in a if w not in _FUNCTION and w[0].isalnum()]
    content_b = [w for w in b if w not in _FUNCTION and w[0].isalnum()]
    if sorted(a) == sorted(b) or (not a and b and all(w in mt for w in content_b)):
        return "fluency/word-order"
    if not content_a:
        return "accuracy/omission"
    if not content_b:
        return "accuracy/addition"
    stems = {w[: max(3, len(w) - 3)] for w in content_b}
    if all(any(w.startswith(s) or s.startswith(w[:4]) for s in stems) for w in content_a):
        return "fluency/grammar"
    if not first and all(w[:1].isupper() for w in old if w.lower() not in _FUNCTION):
        return "accuracy/entity"
    return "accuracy/mistranslation"


def compare(mt: Sequence[str], better: Sequence[str]) -> tuple[list, list, list, list]:
    """Word and gap labels and categories of ``mt`` against a corrected version."""
    words, gaps = [0.0] * len(mt), [0.0] * (len(mt) + 1)
    word_category, gap_category = [-1] * len(mt), [-1] * (len(mt) + 1)
    lower = {w.lower() for w in mt}
    for op in Levenshtein.opcodes(mt, better):
        if op.tag == "equal":
            continue
        old = mt[op.src_start : op.src_end]
        new = better[op.dest_start : op.dest_end]
        name = NAMES[category_of(old, new, lower, op.src_start == 0)]
        if op.tag == "insert":
            gaps[op.src_start], gap_category[op.src_start] = 1.0, name
        for index in range(op.src_start, op.src_end):
            words[index], word_category[index] = 1.0, name
    return words, gaps, word_category, gap_category


def _hter(words: Sequence[float], gaps: Sequence[float]) -> float:
    return min(1.0, (sum(words) + sum(gaps)) / max(1, len(words)))


def mlqe(shelf: Shelf) -> Iterator[Example]:
    """MLQE-PE ru-en train: gold tags, categories by rule, HTER and DA.

    Every row comes twice: as published (Moses tokens), and from its raw text where the tokens can
    be mapped, so that running text is known too.
    """
    for row in mlqe_rows(shelf, "train"):
        mt, pe = row["mt"].split(), row["pe"].split()
        if not mt or not shelf.allows(row["src"], row["mt"]) or len(row["tags"]) != 2 * len(mt) + 1:
            continue
        _, _, word_category, gap_category = compare(mt, pe)
        yield Example(
            row["src"].split(),
            mt,
            [float(tag) for tag in row["tags"][1::2]],
            [float(tag) for tag in row["tags"][0::2]],
            word_category,
            gap_category,
            hter=min(1.0, float(row["hter"])),
            da=row["da"],
        )


def other_post_edits(shelf: Shelf) -> Iterator[Example]:
    """MLQE-PE of Romanian, Estonian, Nepali and Sinhala into English, against the post-edit."""
    for pair in ("ro", "et", "ne", "si"):
        for row in shelf.table(f"english/post_edits/mlqe_pe_{pair}-en"):
            mt, pe = cut(row["mt"]), cut(row["pe"])
            hter = float(row["hter"])
            if not mt or len(mt) > 90 or hter > 0.7 or not shelf.allows(row["mt"], row["pe"]):
                continue
            labels = compare(mt, pe)
            weight = 1.0 if pair in ("ro", "et") else 0.6
            yield Example(
                cut(row["src"]), mt, *labels, hter=min(1.0, hter), foreign=True, weight=weight
            )


def afrl(shelf: Shelf) -> Iterator[Example]:
    """AFRL post-edits of weak news translation; an edit that invents content counts less."""
    for row in shelf.afrl()[:-LAST_AFRL]:
        if not shelf.allows(row["src_ru"], row["mt"], row["pe"]):
            continue
        mt, pe = cut(row["mt"]), cut(row["pe"])
        if not mt:
            continue
        words, gaps, word_category, gap_category = compare(mt, pe)
        yield Example(
            cut(row["src_ru"]),
            mt,
            words,
            gaps,
            word_category,
            gap_category,
            hter=_hter(words, gaps),
        )


def consensus(
    shelf: Shelf, years: Sequence[str] = ("2013", "2014", "2018", "2019"), training: bool = True
) -> Iterator[Example]:
    """WMT system outputs: a word is wrong as far as neither reference nor other systems have it.

    The label of a word is 0 where it is aligned to the same word of the reference, else the share
    of the other systems that lack it, weighted by how near each system is to the references on
    the whole. A content word that the reference has elsewhere is a shift more often than an error
    and keeps less than half of its label. Unless it is for ``training``, texts of development and
    test sets are let through.
    """
    for year in years:
        groups: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        texts: dict[str, tuple[str, str]] = {}
        for row in shelf.table(f"wmt_outputs/newstest{year}.ruen_mt"):
            if not training or shelf.allows(row["src_ru"], row["tgt_en"], row["mt"]):
                groups[row["id"]].append((row["system"], cut(row["mt"])))
                texts[row["id"]] = row["src_ru"], row["tgt_en"]
        near: dict[str, list[float]] = defaultdict(list)
        for name, outputs in groups.items():
            reference = [w.lower() for w in cut(texts[name][1])]
            for system, mt in outputs:
                lower = [w.lower() for w in mt]
                near[system].append(Levenshtein.normalized_similarity(lower, reference))
        trust = {system: float(np.mean(values)) ** 3 for system, values in near.items()}
        order = random.Random(f"{shelf.seed} {year}")
        for name in sorted(groups):
            outputs = [(s, mt) for s, mt in groups[name] if 2 <= len(mt) <= 80]
            source, reference = cut(texts[name][0]), [w.lower() for w in cut(texts[name][1])]
            if len(source) > 80 or len(outputs) < 4:
                continue
            lower = [[w.lower() for w in mt] for _, mt in outputs]
            chosen = order.sample(range(len(outputs)), min(6, len(outputs)))
            for index in chosen:
                yield _agreement(outputs, lower, index, trust, source, reference)


def _agreement(outputs, lower, index, trust, source, reference) -> Example:
    _, mt = outputs[index]
    mine = lower[index]
    words, gaps, word_category, gap_category = compare(mine, reference)
    spare = Counter(reference)
    spare.subtract(w for w, label in zip(mine, words, strict=True) if label == 0)
    total = 0.0
    absent, holes = np.zeros(len(mt)), np.zeros(len(mt) + 1)
    for other, (rival, _) in enumerate(outputs):
        if other == index:
            continue
        weight = trust[rival]
        total += weight
        for op in Levenshtein.opcodes(mine, lower[other]):
            if op.tag in ("replace", "delete"):
                absent[op.src_start : op.src_end] += weight
            elif op.tag == "insert":
                holes[op.src_start] += weight
    labels = np.array(words) * absent / total
    for place, word in enumerate(mine):
        if labels[place] and len(word) > 3 and spare[word] > 0:
            spare[word] -= 1
            labels[place] *= 0.4
    holes = np.array(gaps) * holes / total
    return Example(
        source, mt, labels, holes, word_category, gap_category, hter=_hter(labels, holes)
    )


_MQM = [
    ("omission", "accuracy/omission"),
    ("addition", "accuracy/addition"),
    ("untranslated", "accuracy/untranslated"),
    ("number", "accuracy/number"),
    ("currency", "accuracy/number"),
    ("date", "accuracy/number"),
    ("measure", "accuracy/number"),
    ("time", "accuracy/number"),
    ("name", "accuracy/entity"),
    ("address", "accuracy/entity"),
    ("mistranslation", "accuracy/mistranslation"),
    ("non-translation", "accuracy/mistranslation"),
    ("unintelligible", "accuracy/mistranslation"),
    ("grammar", "fluency/grammar"),
    ("spelling", "fluency/spelling"),
    ("punctuation", "fluency/punctuation"),
    ("encoding", "fluency/typography"),
    ("register", "fluency/register"),
    ("term", "terminology"),
    ("inconsisten", "terminology"),
    ("awkward", "style/awkward"),
    ("fluent", "style/awkward"),
]


def mqm_category(name: str) -> int:
    """The index in `CATEGORIES` of a category as the MQM files name it, or -1."""
    lower = name.lower()
    return next((NAMES[mine] for key, mine in _MQM if key in lower), -1)


def read_mqm(shelf: Shelf, name: str) -> list[dict]:
    """The rows of one file of human error spans."""
    with lzma.open(shelf.folder / f"english/mqm/{name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def biomqm_held_out(rows: Sequence[dict]) -> set[str]:
    """The sources of the last quarter, in order of position: whole abstracts, for measuring."""
    order: dict[str, int] = {}
    for row in rows:
        order.setdefault(row["src"], int(row["seg"]))
    ranked = sorted(order, key=lambda source: (order[source], source))
    return set(ranked[len(ranked) * 3 // 4 :])


def _mqm(rows: Iterable[dict], shelf: Shelf, *, sources: bool) -> Iterator[Example]:
    groups: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in rows:
        if not row.get("human") and shelf.allows(row["src"], row["mt"]):
            groups[row["src"], row["mt"]].append(row)
    order = sorted(groups)
    random.Random(shelf.seed).shuffle(order)
    for source, text in order:
        ratings = groups[source, text]
        places = align.tokens(text)
        if not 2 <= len(places) <= 90:
            continue
        words, gaps = np.zeros(len(places)), np.zeros(len(places) + 1)
        word_category, gap_category = [-1] * len(places), [-1] * (len(places) + 1)
        severity = [-1] * len(places)
        for rating in ratings:
            marks, holes = np.zeros(len(places)), np.zeros(len(places) + 1)
            for span in rating["spans"]:
                label = {"neutral": 0.4, "minor": 0.8}.get(span["severity"], 1.0)
                kind = mqm_category(span["category"])
                tags = align.spans_to_tags(places, [(span["start"], span["end"])])
                marked = [i for i, tag in enumerate(tags[1::2]) if tag]
                if len(marked) > 8:  # a whole clause was marked: most of its words are right
                    label *= 0.3
                for i in marked:
                    marks[i] = max(marks[i], label)
                    word_category[i] = kind
                    if span["severity"] in SEVERITIES:
                        severity[i] = max(severity[i], SEVERITIES.index(span["severity"]))
                for i, tag in enumerate(tags[0::2]):
                    if tag:
                        holes[i], gap_category[i] = 1.0, kind
            words += marks / len(ratings)
            gaps += holes / len(ratings)
        yield Example(
            cut(source) if sources else [],
            cut(text),
            words,
            gaps,
            word_category,
            gap_category,
            severity,
        )


def biomqm(shelf: Shelf) -> Iterator[Example]:
    """BioMQM ru-en without the held-out quarter."""
    rows = read_mqm(shelf, "biomqm_ruen")
    held = biomqm_held_out(rows)
    yield from _mqm((row for row in rows if row["src"] not in held), shelf, sources=True)


def news_mqm(shelf: Shelf) -> Iterator[Example]:
    """WMT20 Chinese to English news, three raters; read without the Chinese."""
    yield from _mqm(read_mqm(shelf, "wmt20_mqm_zhen_news"), shelf, sources=False)


Part = Callable[[Shelf], Iterator[Example]]
PARTS: dict[str, Part] = {
    "mlqe": mlqe,
    "other_post_edits": other_post_edits,
    "afrl": afrl,
    "consensus": consensus,
    "biomqm": biomqm,
    "news_mqm": news_mqm,
}


def plain_text(shelf: Shelf) -> Iterator[list[str]]:
    """Tokens of Russian and English text that may be trained on: what the vocabulary must hold."""
    for row in mlqe_rows(shelf, "train"):
        yield row["src"].split()
        yield row["mt"].split()
    for year in range(2012, 2021):
        for pair in ("ruen", "enru"):
            if pair == "ruen" or year >= 2019:
                for row in shelf.table(f"wmt_pairs/newstest{year}_{pair}"):
                    if shelf.allows(row["src_ru"], row["tgt_en"]):
                        yield cut(row["src_ru"])
                        yield cut(row["tgt_en"])
    for year in ("2013", "2014", "2018", "2019"):
        for row in shelf.table(f"wmt_outputs/newstest{year}.ruen_mt"):
            if shelf.allows(row["src_ru"], row["tgt_en"], row["mt"]):
                yield cut(row["mt"])
    for pair in ("ro", "et", "ne", "si"):
        for row in shelf.table(f"english/post_edits/mlqe_pe_{pair}-en"):
            yield cut(row["mt"])
    for name in ("kremlin", "wh_written", "onestop", "wikinews"):
        for index, row in enumerate(shelf.table(f"english/sentences/{name}")):
            if index % 3 == 0:
                yield cut(row["sentence"])
