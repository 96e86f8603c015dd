"""MLQE-PE, Russian-English: word, gap and source tags, HTER, direct assessments, post-edits.

Fomicheva et al., 2020 (arXiv 2010.04480). Tags and post-edits are of tokenised text, direct
assessments of raw text. Segments here are raw, as a user would have them; the tags' words are
located in it, and the post-edit is written like running text.

Read in any of its layouts: the folders ``post-editing/`` and ``direct-assessments/`` as they
come out of the archives, the archives themselves, or one archive of them all.
"""

from __future__ import annotations

from repair.core import RepairError, Segment

from .gold import Corpus, Gold, detokenize, locate, parse_tags, project
from .shelf import Files

SPLITS = {"train": "train", "dev": "development", "test20": "test", "test21": "test"}
PAIR = "ru-en"


def read(files: Files, split: str) -> Corpus:
    """One of `SPLITS`; raises `RepairError` where a file is missing or lines do not match."""
    if split not in SPLITS:
        raise RepairError(
            f"MLQE-PE has no part {split!r}.", mend=f"Its parts are {', '.join(SPLITS)}."
        )
    wanted = {
        name: files.find(f"{split}.{name}", within=PAIR)
        for name in ("mt", "src", "pe", "tags", "source_tags", "hter", "tok.mt", "tok.src",
                     "ruen.df.short.tsv", "doc_ids")
    }  # fmt: skip
    tokenised = files.lines(wanted["tok.mt"] or wanted["mt"])
    if tokenised is None:
        raise files.missing(f"{split}.mt")
    assessed = _assessments(files, wanted["ruen.df.short.tsv"])
    columns = {
        name: files.lines(wanted[name], count=len(tokenised)) if wanted[name] else None
        for name in ("src", "pe", "tags", "source_tags", "hter")
    }
    raw = [row["translation"] for row in assessed] if assessed else None
    sources = [row["original"] for row in assessed] if assessed else columns["src"]
    if raw is None and wanted["tok.mt"]:
        raw = files.lines(wanted["mt"], count=len(tokenised))
    for texts in (raw, sources):
        if texts is not None and len(texts) != len(tokenised):
            raise RepairError(
                f"{len(tokenised)} tokenised segments, but {len(texts)} raw ones.",
                path=wanted["ruen.df.short.tsv"],
                mend="Fetch the set again: mt-repair corpora fetch mlqe-pe.",
            )
    docs = files.lines(wanted["doc_ids"])
    docs = docs[1:] if docs and len(docs) == len(tokenised) + 1 else None

    segments, gold = [], []
    for index, line in enumerate(tokenised):
        words = line.split()
        places = locate(words, raw[index]) if raw else None
        mt, places = (raw[index], places) if places is not None else detokenize(words)
        tags = columns["tags"] and parse_tags(columns["tags"][index])
        if tags and len(tags) != 2 * len(words) + 1:
            raise RepairError(
                f"{len(words)} words need {2 * len(words) + 1} tags, not {len(tags)}.",
                path=wanted["tags"],
                line=index + 1,
            )
        edited = columns["pe"] and columns["pe"][index].split()
        row = assessed[index] if assessed else {}
        segments.append(
            Segment(
                f"mlqe-pe.{split}.{index + 1}",
                mt,
                sources[index] if sources else None,
                post_edit=project(mt, places, words, edited) if edited is not None else None,
            )
        )
        gold.append(
            Gold(
                places=places,
                tags=tags or None,
                source_tags=parse_tags(columns["source_tags"][index])
                if columns["source_tags"]
                else None,
                hter=float(columns["hter"][index]) if columns["hter"] else None,
                da=float(row["z_mean"]) if row.get("z_mean") else None,
                tokenized=(" ".join(words), None if edited is None else " ".join(edited)),
                domain=docs and ("reddit" if "reddit" in docs[index] else "proverbs"),
            )
        )
    return Corpus(
        f"mlqe-pe/{split}",
        SPLITS[split],
        segments,
        gold,
        tune=None if split == "train" else "mlqe-pe/dev",
        notes=("TER, BLEU and chrF++ against the post-edit are of the released tokenised text, "
               "split at spaces only (BLEU tok:none).",),
    )  # fmt: skip


def _assessments(files: Files, path: str | None) -> list[dict[str, str]] | None:
    lines = files.lines(path)
    if lines is None:
        return None
    header = lines[0].split("\t")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        row = line.split("\t")
        if len(row) != len(header):
            raise RepairError(
                f"{len(row)} columns instead of {len(header)}.", path=path, line=number
            )
        rows.append(dict(zip(header, row, strict=True)))
    return rows
