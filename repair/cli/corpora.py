"""``corpora``: what there is to measure on, where it is, how to get it, whether it leaked."""

from __future__ import annotations

import argparse
import json
import sys

from .. import RepairError


def add_commands(commands) -> None:
    parser = commands.add_parser(
        "corpora",
        help="list, fetch and check the public corpora",
        description="The public corpora that mt-repair is measured on: list them, fetch one, "
        "verify checksums, check training data for leaks.",
    )
    parser.set_defaults(run=show, folder=None, json=False, verify=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")

    shown = actions.add_parser("list", help="what there is, and what is here (the default)")
    _add_folder(shown)
    shown.add_argument("--verify", action="store_true", help="compare checksums")
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(run=show)

    fetched = actions.add_parser("fetch", help="download a set from where it is published")
    fetched.add_argument("names", nargs="+", metavar="NAME")
    _add_folder(fetched)
    fetched.set_defaults(run=fetch)

    leaked = actions.add_parser(
        "leaks",
        help="compare training lists with development and test sets",
        description="Exact and near duplicates between what models were trained on and what they "
        "are tested on. Exits with 1 if a text was trained on that is tested on.",
    )
    leaked.add_argument("--model", action="append", default=[], metavar="FOLDER",
                        help="a model folder, whose recipe.toml says what it was trained on "
                        "(default: the shipped ones)")  # fmt: skip
    leaked.add_argument("--train", action="append", default=[], metavar="LIST",
                        help="a set, or a table below the corpora folder (repeatable)")  # fmt: skip
    leaked.add_argument("--against", action="append", metavar="SET",
                        help="a protected set (repeatable; default: all)")  # fmt: skip
    leaked.add_argument("--near", type=float, default=0.85, metavar="SHARE",
                        help="of characters in common (default: %(default)s)")  # fmt: skip
    leaked.add_argument("--strict", action="store_true", help="near duplicates count as well")
    leaked.add_argument("--json", action="store_true", help="print JSON")
    _add_folder(leaked)
    leaked.set_defaults(run=leaks)


def _add_folder(parser) -> None:
    parser.add_argument("--from", "--folder", dest="folder", metavar="DIR",
                        help="where the corpora are, or go (default: MT_REPAIR_CORPORA, else the "
                        "user's data folder)")  # fmt: skip


def show(options: argparse.Namespace) -> int:
    from ..corpora import corpora_folder, manifest
    from ..corpora.fetch import verify

    root = corpora_folder(options.folder)
    rows, changed = [], []
    for name, entry in manifest().items():
        files = [root / f["path"] for key in ("repacked", "files") for f in entry.get(key, ())]
        here = any(path.exists() for path in files) or entry["reader"] == "samples"
        state = "here" if here else "can be fetched" if entry.get("files") else "by hand"
        if options.verify and here:
            states = verify(name, options.folder)
            changed += [f"{path} has changed" for path, found in states if found == "changed"]
            state = ", ".join(sorted({found for _, found in states})) or "here"
        use = entry["use"]
        parts = use if isinstance(use, str) else ", ".join(f"{p} ({u})" for p, u in use.items())
        rows.append(
            {
                "name": name,
                "state": state,
                "use": parts,
                "title": entry["title"],
                "licence": entry["licence"],
                "origin": entry["origin"],
            }
        )
    if options.json:
        print(json.dumps({"folder": str(root), "corpora": rows}, ensure_ascii=False, indent=2))
    else:
        print(f"Corpora folder: {root}")
        for row in rows:
            print(f"\n{row['name']} [{row['state']}]\n  {row['title']}\n  use: {row['use']}")
            print(f"  licence: {row['licence']}\n  origin: {row['origin']}")
        print("\nsacrebleu/NAME names a set of sacreBLEU, such as sacrebleu/wmt21/systems.")
    for line in changed:
        print(f"mt-repair: {line}", file=sys.stderr)
    return 1 if changed else 0


def fetch(options: argparse.Namespace) -> int:
    from ..corpora.fetch import fetch as download

    def progress(name: str, done: int, total: int | None) -> None:
        if sys.stderr.isatty():
            whole = f" of {total / 1e6:.1f}" if total else ""
            print(f"\r{name}: {done / 1e6:.1f}{whole} MB", end="", file=sys.stderr)

    for name in options.names:
        paths = download(name, options.folder, progress=progress)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        for path in paths:
            print(path)
    return 0


def leaks(options: argparse.Namespace) -> int:
    from ..evaluate.leaks import find_leaks, read_declared
    from ..evaluate.results import write_rows

    lists, drops = list(options.train), set()
    folders = options.model or ([] if options.train else _shipped())
    for folder in folders:
        declared = read_declared(folder)
        lists += declared.lists
        if declared.drops == "exact":
            drops |= set(declared.lists)
    lists = list(dict.fromkeys(lists))
    report = find_leaks(lists, options.against, options.folder, near=options.near)
    bad = [
        leak
        for leak in report.leaks
        if (leak.exact and leak.trained.list not in drops) or (options.strict and not leak.exact)
    ]
    if options.json:
        found = [
            {
                "trained": f"{leak.trained.list}:{leak.trained.id}",
                "protected": f"{leak.protected.list}:{leak.protected.id}",
                "similarity": leak.similarity,
            }
            for leak in report.leaks
        ]
        print(json.dumps({"trained": report.trained, "protected": report.protected,
                          "leaks": found}, ensure_ascii=False, indent=2))  # fmt: skip
        return 1 if bad else 0
    trained, protected = sum(report.trained.values()), sum(report.protected.values())
    print(
        f"{trained:,} training texts of {len(report.trained)} lists, compared with {protected:,} "
        f"texts of {len(report.protected)} development and test sets"
    )
    rows = report.table()
    if len(rows) > 1:
        print(write_rows(rows))
    else:
        print("No text in common.")
    if drops:
        print("Exact ones in lists of models that drop them in training are not counted.")
    if bad:
        print(f"mt-repair: {len(bad)} texts were trained on and are tested on.", file=sys.stderr)
    return 1 if bad else 0


def _shipped() -> list:
    from importlib import resources
    from pathlib import Path

    folder = Path(str(resources.files("repair.models")))
    found = sorted(path.parent for path in folder.glob("*/recipe.toml"))
    if not found:
        raise RepairError("No shipped model has a recipe.", mend="Give --model or --train.")
    return found
