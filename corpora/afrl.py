"""Monolingual post-edits of WMT 2014 Russian-English MT, by editors who did not read Russian.

A table with the columns ``id, src_ru, tgt_en, mt, pe``. The last 400 rows are for development.
Tags are derived: a word that the post-edit replaces or drops is BAD, and so is a gap where it
puts words in.
"""

from __future__ import annotations

from repair.align import tokens
from repair.core import RepairError, Segment

from .gold import Corpus, Gold, tags_from_post_edit
from .shelf import Files

LAST = 400
PARTS = {"train": "train", "dev": "development"}


def read(files: Files, part: str) -> Corpus:
    """``train`` or ``dev``."""
    if part not in PARTS:
        raise RepairError(f"AFRL has no part {part!r}.", mend=f"Its parts are {', '.join(PARTS)}.")
    path = files.find("wmt14_afrl_monolingual_postedit.tsv")
    if path is None:
        raise files.missing("wmt14_afrl_monolingual_postedit.tsv")
    rows = list(files.table(path))
    rows = rows[-LAST:] if part == "dev" else rows[:-LAST]
    segments, gold = [], []
    for number, row in enumerate(rows):
        mt, edited = row["mt"], row["pe"]
        places = tuple(tokens(mt))
        old = [mt[start:end] for start, end in places]
        new = [edited[start:end] for start, end in tokens(edited)]
        segments.append(
            Segment(
                f"afrl.{part}.{number + 1}.{row['id']}",
                mt,
                row["src_ru"],
                (row["tgt_en"],),
                edited,
            )
        )
        gold.append(
            Gold(
                places=places,
                tags=tags_from_post_edit(old, new),
                tokenized=(" ".join(old), " ".join(new)),
                domain="news",
            )
        )
    return Corpus(
        f"afrl/{part}",
        PARTS[part],
        segments,
        gold,
        tune="afrl/dev" if part == "dev" else None,
        words="own",
        notes=("Tags are derived from the post-edit; TER, BLEU and chrF++ against it are of the "
               "text in mt-repair's own tokens, split at spaces only (BLEU tok:none).",),
    )  # fmt: skip
