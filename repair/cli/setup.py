"""``mt-repair doctor`` and ``mt-repair models``: what is installed, what works, how to mend it."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata

from .. import RepairError, __version__
from .progress import counted


def add_commands(commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="what is installed, what works, how to mend it",
        description="Check every part; exit 1 if one does not work.",
    )
    doctor.add_argument("--install-languagetool", action="store_true",
                        help="assemble the embedded grammar checker now (about 100 MB)")  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=run_doctor)

    models = commands.add_parser(
        "models",
        help="models that ship, and hub models worth using",
        description="List the models that ship and hub models worth using for Russian to English; "
        "fetch one by name.",
    )
    models.add_argument("--fetch", metavar="ID", help="download this hub model now")
    models.add_argument("--to", metavar="FOLDER", help="where to put it (default: the hub's cache)")
    models.add_argument("--json", action="store_true", help="print JSON")
    models.set_defaults(run=run_models)


def run_doctor(options) -> int:
    from .. import grammar

    if options.install_languagetool:
        with counted("LanguageTool") as progress:
            grammar.install(progress)
    rows = [*_packages(), *_weights(), *(tuple(row) for row in grammar.status())]
    if options.json:
        keys = ("name", "ok", "detail", "mend")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("", "part", "found", "to mend it", box=None, pad_edge=False)
        for name, ok, detail, mend in rows:
            table.add_row(
                "[green]ok[/]" if ok else "[red]no[/]", name, detail, "" if ok else mend or ""
            )
        Console().print(table)
    return 0 if all(row[1] for row in rows) else 1


def _packages():
    yield "mt-repair", True, __version__, None
    version = platform.python_version()
    yield "python", sys.version_info >= (3, 11), version, "Install Python 3.11 or later."
    for name in ("torch", "transformers", "sacrebleu", "language-tool-python"):
        try:
            yield name, True, metadata.version(name), None
        except metadata.PackageNotFoundError:
            yield name, False, "missing", f"pip install {name}"


def _weights():
    from .. import models

    for model in models.shipped():
        try:
            models.verify(model.folder)
            yield f"model {model.name}", True, "weights match their checksums", None
        except RepairError as error:
            yield f"model {model.name}", False, error.message, error.mend


def run_models(options) -> int:
    from .. import models

    if options.fetch:
        print(models.fetch(options.fetch, options.to))
        return 0
    shipped, hub = models.shipped(), models.hub()
    if options.json:
        rows = [{"shipped": True, **_plain(m)} for m in shipped]
        rows += [{"shipped": False, **_plain(m)} for m in hub]
        print(json.dumps(rows, indent=2, default=str))
        return 0
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, listed in (("shipped", shipped), ("on the hub", hub)):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for row, model in enumerate(listed):
            facts = {k: v for k, v in _plain(model).items() if k not in _IN_JSON_ONLY}
            if row == 0:
                for column in facts:
                    table.add_column(column, overflow="fold")
            table.add_row(*("" if v is None else _told(k, v) for k, v in facts.items()))
        console.print(table)
    return 0


_IN_JSON_ONLY = ("files", "folder", "use", "prefix", "weights")


def _told(name: str, value) -> str:
    if name == "size" and isinstance(value, int):
        return f"{value / 1e6:,.0f} MB"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain(model) -> dict:
    from dataclasses import asdict

    return asdict(model)
