"""What the README shows was run: its sessions and examples are executed here, in order."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLES = ROOT / "corpora" / "samples"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the files that the README's commands name."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(SAMPLES / "diplomacy.en.txt", folder / "article.en.txt")
    for name, suffix in (("news.ru", "ru.txt"), ("news.en", "mt.txt"), ("news.ref.en", "ref.txt")):
        shutil.copy(SAMPLES / f"diplomacy.{suffix}", folder / name)
    return folder


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def test_console_sessions(desk):
    """Each ``$`` line runs; what is printed below it must be printed, ``...`` standing for any text."""
    sessions = blocks("console")
    assert sessions
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    for session in sessions:
        for step in re.split(r"^\$ ", session, flags=re.M)[1:]:
            command, _, expected = step.partition("\n")
            python = shlex.quote(sys.executable)
            done = subprocess.run(
                re.sub(r"\bmt-repair\b", f"{python} -m repair", command),
                shell=True, cwd=desk, env=environment, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode in (0, 1), f"{command}\n{done.stderr}"
            printed = done.stdout + done.stderr
            for line in filter(None, map(str.strip, expected.splitlines())):
                if line != "...":
                    pattern = ".*".join(map(re.escape, line.split("...")))
                    assert re.search(pattern, printed), f"{command}\nwants: {line}\ngot: {printed}"


def test_python_examples(desk, monkeypatch):
    monkeypatch.chdir(desk)
    examples = blocks("python")
    assert examples
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    names: dict = {}
    for number, example in enumerate(examples):
        test = parser.get_doctest(example, names, f"README.md example {number}", None, 0)
        assert test.examples, "an example is written as a >>> session"
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize().failed == 0


def test_the_file_map_is_complete():
    """Every package and module on the first level of ``repair/`` has its line in the README."""
    listed = set(re.findall(r"^\s+(\w+)(?:\.py|/)\s", README, re.M))
    there = {p.stem for p in (ROOT / "repair").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert there - {"__pycache__", "__init__", "__main__"} <= listed


def test_every_command_is_documented():
    from repair.cli import parser

    (commands,) = [a for a in parser()._actions if a.dest == "command"]
    for name in commands.choices:
        assert f"mt-repair {name}" in README, name
