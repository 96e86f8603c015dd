"""The arrows between modules: data flows one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "repair"

# From the bottom up: a module may import from its own row and those above it.
LAYERS = [
    "core",
    "align files.streams evaluate.environment",
    "ngrams files.formats files.sentences facts.lexicon facts.transliteration facts.exonyms"
    " grammar.leash detect.encoder propose.infill_network",
    "files files.runs style.spelling facts.number_words propose.changes grammar.rules"
    " grammar.jars style.patterns",
    "memory propose.composed files.decisions facts.numbers facts.dates facts.units facts.negation facts.names"
    " grammar.languagetool",
    "bitext detect.evidence propose.inventory style.typography style.quotes style.calques style.consistency facts.confidence",
    "facts.checks facts.words propose.judge propose.rank",
    "detect facts style grammar propose propose.seq2seq propose.infill propose.fixer",
    "choose",
    "pipeline report report.views report.docx",
    "evaluate.ter evaluate.metrics evaluate.plots evaluate.leaks evaluate.detection"
    " evaluate.systems",
    "evaluate.effects evaluate.planted",
    "evaluate evaluate.baselines evaluate.results",
    "cli cli.progress cli.run cli.review cli.measure cli.corpora cli.setup",
]
LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row.split()}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name not in ("", "__main__", "report.page"):
            yield name, path


def imported(path):
    """Names of modules of this package that a file imports, wherever in the file it does so."""
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level and node.level <= len(here) + 1:
            base = list(here[: len(here) + 1 - node.level])
        elif (node.module or "").split(".")[0] == "repair":
            base, node.module = [], node.module.partition(".")[2]
        else:
            continue
        base += node.module.split(".") if node.module else []
        inner = [".".join([*base, alias.name]) for alias in node.names]
        yield from [name for name in inner if name in LEVEL] or [".".join(base)]


def test_every_module_has_its_place():
    assert {name for name, _ in modules()} - set(LEVEL) == set()


def test_arrows_point_one_way():
    wrong = [
        f"{name} imports {other}"
        for name, path in modules()
        for other in imported(path)
        if other in LEVEL and LEVEL[other] > LEVEL[name]
    ]
    assert wrong == []


def test_the_package_never_imports_training_code():
    for _, path in modules():
        text = path.read_text(encoding="utf-8")
        assert "train" not in [
            part for line in text.splitlines() if line.lstrip().startswith(("import", "from"))
            for part in line.replace(".", " ").split()
        ], path  # fmt: skip


def test_only_one_module_imports_language_tool_python():
    users = {p.name for _, p in modules() if "import language_tool_python" in p.read_text("utf-8")
             or "from language_tool_python" in p.read_text("utf-8")}  # fmt: skip
    assert len(users) <= 1


@pytest.mark.parametrize(
    "statement",
    [
        "import repair",
        "from repair.cli import parser; parser().format_help()",
        "import repair.report.views, repair.files.runs, repair.pipeline, repair.ngrams",
    ],
)
def test_light_imports_stay_light(statement):
    code = f"import sys; {statement}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
