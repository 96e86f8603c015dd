"""The arrows between modules: data flows one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "repair"

# From the bottom up: a module may import from its own row and those above it.
LAYERS = [
    {"core"},
    {"align", "streams", "environment"},
    {"formats", "sentences", "lexicon", "transliteration", "exonyms", "leash", "encoder"},
    {"files", "runs", "spelling", "number_words", "changes", "grammar_rules", "jars", "patterns"},
    {"decisions", "numbers", "dates", "units", "negation", "names", "languagetool"},
    {"typography", "quotes", "calques", "consistency", "fact_confidence"},
    {"fact_checks", "word_checks"},
    {"detect", "facts", "style", "grammar", "propose", "seq2seq"},
    {"choose"},
    {"pipeline", "report", "views", "docx"},
    {"ter", "metrics", "plots", "leaks", "detection", "systems"},
    {"effects", "planted"},
    {"baselines", "evaluate", "results"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ("__init__", "__main__", "page"):
            yield parts[0], path


def imported(path):
    """Names of modules of this package that a file imports, wherever in the file it does so."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (name.split(".")[0] for name in names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("repair."):
            yield node.module.split(".")[1]


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
        "import repair.report, repair.files, repair.runs, repair.views, repair.pipeline",
    ],
)
def test_light_imports_stay_light(statement):
    code = f"import sys; {statement}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
