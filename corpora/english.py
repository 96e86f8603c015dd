"""Good English by good writers: on it every flag is a false alarm.

A table with the columns ``source_id, sentence``; a source id is ``set:document:number``.
"""

from __future__ import annotations

from itertools import islice

from repair.align import tokens
from repair.core import Segment

from .gold import Corpus, Gold
from .shelf import Files


def read(files: Files, name: str, use: str, limit: int | None = None) -> Corpus:
    """The sentences of one set, the first ``limit`` of them, with every word judged right."""
    path = files.find(f"{name}.tsv")
    if path is None:
        raise files.missing(f"{name}.tsv")
    segments, gold = [], []
    for row in islice(files.table(path), limit):
        sentence = row["sentence"]
        places = tuple(tokens(sentence))
        segments.append(Segment(row["source_id"], sentence, doc=row["source_id"].rsplit(":", 1)[0]))
        gold.append(
            Gold(places=places, tags=(False,) * (2 * len(places) + 1), spans=(), domain="clean")
        )
    return Corpus(f"english/{name}", use, segments, gold)
