"""Public corpora in one form: `load` a set by name, as it was published or repacked.

    corpus = corpora.load("mlqe-pe/dev")          # from MT_REPAIR_CORPORA, or folder=...
    for segment, gold in zip(corpus.segments, corpus.gold): ...

`manifest` lists them with origin, licence, checksums and what each may be used for.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from repair.core import RepairError

from .gold import Corpus, Gold
from .shelf import VARIABLE, Files, corpora_folder

__all__ = ["VARIABLE", "Corpus", "Gold", "corpora_folder", "load", "manifest", "names"]


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """The sets by name: title, origin, licence, use, files."""
    text = (resources.files(__package__) / "manifest.toml").read_text("utf-8")
    return {name: entry for name, entry in tomllib.loads(text).items() if name != "schema"}


def names() -> list[str]:
    """Every set and part that `load` knows by name; sets of sacreBLEU come on top."""
    found = []
    for name, entry in manifest().items():
        use = entry["use"]
        found += [name] if isinstance(use, str) else [f"{name}/{part}" for part in use]
    return found


def entry(name: str) -> tuple[str, dict[str, Any], str | None]:
    """The manifest's name, its entry, and the part that ``name`` asks for."""
    first, _, part = name.partition("/")
    found = manifest().get(first)
    if found is None:
        raise RepairError(
            f"There is no corpus {name!r}.",
            mend=f"Known are {', '.join(names())}, and sacrebleu/NAME for sacreBLEU's sets.",
        )
    return first, found, part or None


def open_files(name: str, folder: str | Path | None = None) -> Files:
    """The files of a set below the corpora folder, in whichever layout they are there."""
    first, found, _ = entry(name)
    root = corpora_folder(folder)
    places = [root / file["path"] for key in ("repacked", "files") for file in found.get(key, ())]
    present = [path for path in places if path.exists()]
    # Archives unpacked by hand, or a folder given for this set alone.
    loose = [path for path in (root / first, root) if path.is_dir() and not present]
    return Files(*(present or loose[:1] or [root]), name=first, keep=found.get("keep", ""))


def load(name: str, folder: str | Path | None = None, *, limit: int | None = None) -> Corpus:
    """The set ``name``, such as ``mlqe-pe/dev`` or ``generaltest2022/news``.

    ``folder`` stands in for `VARIABLE`; ``limit`` keeps the first so many segments. Raises
    `RepairError` for an unknown name, and for a set that is not there, with how to get it.
    """
    from . import afrl, demetr, english, mlqe_pe, mqm, wmt

    if name.startswith("sacrebleu/"):
        return wmt.read_sacrebleu(name.removeprefix("sacrebleu/")).head(limit)
    first, found, part = entry(name)
    use = found["use"]
    if isinstance(use, dict):
        if part is None:
            raise RepairError(
                f"{first} has several parts.",
                mend=f"Choose from {', '.join(f'{first}/{known}' for known in use)}.",
            )
        use = use.get(part, "development")
    if found["reader"] == "samples":
        return _samples(part).head(limit)
    files = open_files(name, folder)
    match found["reader"]:
        case "mlqe_pe":
            corpus = mlqe_pe.read(files, part)
        case "afrl":
            corpus = afrl.read(files, part)
        case "demetr":
            corpus = demetr.read(files, part)
        case "mqm":
            corpus = mqm.read(files, first, use, part)
        case "english":
            corpus = english.read(files, part, use, limit)
        case "wmt":
            corpus = wmt.read(files, first, use, found.get("tune"), part)
        case other:
            raise RepairError(f"The manifest names an unknown reader {other!r} for {first}.")
    return corpus.head(limit)


def _samples(part: str) -> Corpus:
    from repair.align import spans_to_tags, tokens

    from .sample_articles import sample, sample_errors

    segments, errors = sample(part), sample_errors(part)
    gold = []
    for segment in segments:
        places = tuple(tokens(segment.mt))
        spans = tuple(span for span, _ in errors[segment.id])
        tags = spans_to_tags(places, [(span.start, span.end) for span in spans])
        gold.append(Gold(places=places, tags=tuple(tags), spans=spans, domain="news"))
    return Corpus(
        f"samples/{part}", "development", segments, gold, tune=f"samples/{part}", words="own"
    )
