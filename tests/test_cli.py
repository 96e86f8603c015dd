"""The command line from outside: what it writes, what it says of bad input, how it exits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repair.cli import main
from repair.files.runs import read_run, run_digest

SAMPLES = Path(__file__).parent.parent / "corpora" / "samples"
FAST = ["--stages", "style,facts"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sample_run(*more):
    return main(
        ["run", "-s", str(SAMPLES / "diplomacy.ru.txt"), "-t", str(SAMPLES / "diplomacy.mt.txt"),
         "-r", str(SAMPLES / "diplomacy.ref.txt"), "-o", "run.jsonl", *FAST, *more]
    )  # fmt: skip


def test_run_report_apply_and_nothing_is_overwritten(here, capsys):
    assert sample_run("--report", "review.html", "--fixed", "fixed.txt") == 0
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert {path.name for path in before} == {"run.jsonl", "review.html", "fixed.txt"}
    assert sample_run() == 2
    assert "run.jsonl" in capsys.readouterr().err
    assert main(["apply", "run.jsonl", "-o", "fixed.txt"]) == 2
    assert main(["report", "run.jsonl", "-o", "review.html"]) == 2
    assert {path: path.read_bytes() for path in here.iterdir()} == before
    assert main(["apply", "run.jsonl", "-o", "again.txt"]) == 0
    assert (here / "again.txt").read_bytes() == (here / "fixed.txt").read_bytes()


def test_decisions_are_applied_exactly_and_not_asked_again(here, capsys):
    sample_run()
    run = read_run("run.jsonl")
    open_ones = [(r, s) for r in run for s in r.suggestions if s.candidates]
    assert len(open_ones) >= 3
    decisions = [
        {"suggestion": s.id, "segment": r.segment.id, "verdict": verdict, "candidate": 0}
        for (r, s), verdict in zip(open_ones, ("accepted", "rejected", "accepted"), strict=False)
    ]
    content = {
        "schema": "mt-repair.decisions/1", "run": run_digest(run), "decisions": decisions,
        "silenced": [],
    }  # fmt: skip
    Path("decisions.json").write_text(json.dumps(content))
    assert main(["apply", "run.jsonl", "--decisions", "decisions.json", "-o", "fixed.txt"]) == 0
    from repair.core import apply

    lines = (here / "fixed.txt").read_text().splitlines()
    for record, line in zip(run, lines, strict=True):
        wanted = [
            s.candidates[0].edit
            for (r, s), d in zip(open_ones, decisions, strict=False)
            if r.segment.id == record.segment.id and d["verdict"] == "accepted"
        ]
        assert line == apply(record.segment.mt, wanted)

    sample_run("--force", "--decisions", "decisions.json")
    left = {s.id for r in read_run("run.jsonl") for s in r.suggestions}
    assert open_ones[1][1].id not in left and open_ones[0][1].id in left

    Path("decisions.json").write_text(json.dumps({**content, "run": "0" * 64}))
    assert main(["apply", "run.jsonl", "--decisions", "decisions.json", "-o", "other.txt"]) == 2
    assert "another run" in capsys.readouterr().err


def test_references_change_no_suggestion(here):
    sample_run()
    with_reference = [r.suggestions for r in read_run("run.jsonl")]
    main(["run", "-s", str(SAMPLES / "diplomacy.ru.txt"), "-t", str(SAMPLES / "diplomacy.mt.txt"),
          "-o", "bare.jsonl", *FAST])  # fmt: skip
    assert [r.suggestions for r in read_run("bare.jsonl")] == with_reference


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({}, ["run", "missing.txt"], "missing.txt"),
        ({"a.txt": ""}, ["run", "a.txt"], "empty"),
        ({"a.tsv": "id\ttext\n1\tx\n"}, ["run", "a.tsv"], "mt"),
        ({"a.jsonl": '{"mt": "x"}\n{"mt": \n'}, ["run", "a.jsonl"], "a.jsonl:2"),
        ({"a.txt": "x\ny\n", "b.txt": "x\n"}, ["run", "a.txt", "-s", "b.txt"], "2"),
        ({"a.txt": "x"}, ["run", "a.txt", "-o", "no/where.jsonl"], "no"),
        ({"a.txt": "x"}, ["run", "a.txt", "--precision", "7"], "7"),
        ({"a.txt": "x"}, ["run", "a.txt", "-t", "a.txt"], "twice"),
        ({"a.txt": "x"}, ["run", "a.txt", "--resume"], "-o"),
        ({}, ["run"], "stdin"),
        ({"a.jsonl": "{}\n"}, ["report", "a.jsonl"], "a.jsonl"),
        ({"a.txt": "x"}, ["report", "a.txt", "-o", "a.xyz"], "a.txt"),
    ],
)
def test_bad_input_gets_one_clear_line_and_exit_code_2(here, capsys, files, arguments, said):
    for name, text in files.items():
        Path(name).write_text(text)
    assert main(arguments + (FAST if arguments[0] == "run" else [])) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") <= 3 and "Traceback" not in captured.err
    assert {p.name for p in here.iterdir()} == set(files)


def test_legacy_encoding_is_asked_for_and_put_back(here, capsys):
    Path("a.txt").write_bytes("The Минск talks\r\nare over".encode("cp1251"))
    assert main(["run", "a.txt", "--format", "lines", *FAST]) == 2
    assert "--encoding cp1251" in capsys.readouterr().err
    options = ["--format", "lines", "--encoding", "cp1251", "-o", "r.jsonl", "--fixed", "b.txt"]
    assert main(["run", "a.txt", *options, "--stages", "none"]) == 0
    assert Path("b.txt").read_bytes() == Path("a.txt").read_bytes()


def test_check_is_a_gate(here):
    Path("good.txt").write_text("The talks are over.\n")
    Path("bad.txt").write_text("The the talks ,  are over.\n")
    assert main(["run", "good.txt", "--check", "-o", "a.jsonl", *FAST]) == 0
    assert main(["run", "bad.txt", "--check", "-o", "b.jsonl", *FAST]) == 1


def command(*arguments):
    return [sys.executable, "-m", "repair", *arguments]


def environment():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


def test_stdout_is_data_and_a_broken_pipe_is_no_error(here):
    Path("a.tsv").write_text("id\tmt\n" + "".join(f"{i}\tLine {i}.\n" for i in range(5000)))
    with open("a.tsv", "rb") as stdin:
        done = subprocess.run(
            command("run", "-", "--format", "tsv", "--stages", "none"),
            stdin=stdin, capture_output=True, env=environment(), check=True,
        )  # fmt: skip
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 5001 and all(json.loads(line) for line in lines)
    piped = subprocess.Popen(
        command("run", "a.tsv", "--stages", "none"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    piped.stdout.readline()
    piped.stdout.close()
    assert b"Traceback" not in piped.stderr.read()
    assert piped.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_run_resumes_to_the_same_result(here, kind):
    """The law that matters: kill at any moment, --resume, and the run file is the same."""
    rows = "".join(f"{i}\tHe told that the the talks {i} are over .\n" for i in range(6_000))
    Path("a.tsv").write_text("id\tmt\n" + rows)
    arguments = ["run", "a.tsv", "--stages", "style", "-q"]
    subprocess.run(command(*arguments, "-o", "whole.jsonl"), env=environment(), check=True)
    process = subprocess.Popen(
        command(*arguments, "-o", "cut.jsonl"), env=environment(), stderr=subprocess.PIPE
    )
    part = here / "cut.jsonl.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 50_000) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(kind)
    assert process.wait() == (-signal.SIGKILL if kind == signal.SIGKILL else 130)
    assert b"Traceback" not in process.stderr.read()
    assert part.exists() and not Path("cut.jsonl").exists()
    refused = subprocess.run(command(*arguments, "-o", "cut.jsonl"), env=environment(),
                             capture_output=True)  # fmt: skip
    assert refused.returncode == 2 and b"--resume" in refused.stderr
    subprocess.run(
        command(*arguments, "-o", "cut.jsonl", "--resume"), env=environment(), check=True
    )
    assert Path("cut.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_every_command_has_help(capsys):
    for name in ("run", "report", "apply", "score", "evaluate", "corpora", "doctor", "models"):
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize("view", ["html", "terminal", "markdown", "tsv", "m2", "docx"])
def test_every_view_of_a_run_is_written(here, view):
    sample_run()
    assert main(["report", "run.jsonl", "--view", view, "-o", f"out.{view}"]) == 0
    assert Path(f"out.{view}").stat().st_size > 500
    run = read_run("run.jsonl")
    made = {"schema": "mt-repair.decisions/1", "run": run_digest(run), "decisions": []}
    Path("d.json").write_text(json.dumps(made))
    arguments = ["--decisions", "d.json", "--view", view, "-o", "decided", "--force"]
    assert main(["report", "run.jsonl", *arguments]) == 0


def test_doctor_assembles_the_grammar_checker_and_says_what_works(here, capsys, monkeypatch):
    """Jars are taken from the user's cache where they are, else fetched; progress goes to stderr."""
    from repair.grammar import jars

    real = jars.jar_folder()
    monkeypatch.setenv("MT_REPAIR_CACHE", str(here / "cache"))
    fresh = jars.jar_folder()
    fresh.mkdir(parents=True)
    if real.is_dir():
        names = sorted(jar.name for jar in jars.locked())
        for name in names[1:]:  # one is left to be fetched, so that progress is told
            if (real / name).exists():
                shutil.copyfile(real / name, fresh / name)
    code = main(["doctor", "--install-languagetool", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["LanguageTool"]["ok"] and code == 0, rows
    assert rows["model detector"]["ok"]


def test_hypotheses_that_meet_no_segment_are_reported(here, capsys):
    Path("a.txt").write_text("The talks are over.\n")
    Path("h.tsv").write_text("segment\thypothesis\tproducer\n99\tThe talks ended.\tB\n")
    assert main(["run", "a.txt", "--stages", "none", "--hypotheses", "h.tsv", "-o", "r.jsonl"]) == 0
    assert "'99' (line 2)" in capsys.readouterr().err


def test_the_fixer_asks_for_the_detector(here, capsys):
    (here / "mt.txt").write_text("The talks are over.\n")
    assert main(["run", "mt.txt", "-o", "run.jsonl", "--stages", "style,fixer"]) == 2
    assert "no detector" in capsys.readouterr().err and not (here / "run.jsonl").exists()
