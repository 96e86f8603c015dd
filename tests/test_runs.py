"""Run files: records come back as they were, and a run that was killed goes on where it stopped."""

import gzip
import json
import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import Candidate, Edit, ErrorSpan, Quality, Record, RepairError, Segment, Suggestion
from repair.files.runs import RunWriter, read_run, record_from_dict, record_to_dict, run_digest

HEADER = {"signature": "mt-repair:1|style:2", "input": {"format": "lines"}, "options": {"n": 1}}

text = st.text(max_size=12)
number = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | text
edits = st.builds(Edit, st.integers(0, 9), st.integers(0, 9), text)
spans = st.builds(
    ErrorSpan, st.integers(0, 9), st.integers(0, 9), text, text, number, text, text
)  # fmt: skip
candidates = st.builds(Candidate, edits, text, number, text, st.none() | number, maybe)
suggestions = st.builds(
    Suggestion, text, spans, st.lists(candidates, max_size=3).map(tuple), number, st.booleans()
)
segments = st.builds(
    Segment, text, text, maybe, st.lists(text, max_size=2).map(tuple), maybe, maybe,
    st.lists(text, max_size=3).map(tuple),
)  # fmt: skip
records = st.builds(
    Record,
    segments,
    st.lists(spans, max_size=2).map(tuple),
    st.lists(suggestions, max_size=2).map(tuple),
    text,
    st.none() | st.builds(Quality, number, st.none() | number),
    st.lists(text, max_size=2).map(tuple),
)


def record(index, mt="He go home."):
    segment = Segment(str(index), mt, frame=("", "\n"))
    return Record(segment, fixed=mt)


def finish(path, found, **options):
    with RunWriter(path, HEADER, **options) as writer:
        writer.write(found)
        writer.commit()
    return path


@settings(max_examples=80)
@given(records)
def test_a_record_comes_back_as_it_was(one):
    assert record_from_dict(json.loads(json.dumps(record_to_dict(one)))) == one
    assert record_from_dict(record_to_dict(one)) == one


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@settings(max_examples=50, deadline=None)
@given(st.lists(records | segments.map(lambda s: Record(s, fixed="\ud83d\u2028\0")), max_size=4))
def test_a_run_comes_back_as_often_as_it_is_read(folder, found):
    run = read_run(finish(folder / "run.jsonl", found, force=True))
    assert list(run) == found == list(run)
    assert run.header == {"schema": "mt-repair.run/1", **HEADER}


def test_compressed_runs(tmp_path):
    found = [record(i) for i in range(9)]
    path = finish(tmp_path / "run.jsonl.gz", found)
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 10
    assert list(read_run(path)) == found
    assert os.listdir(tmp_path) == ["run.jsonl.gz"]


def test_the_digest_is_of_ids_and_mt_in_order():
    one, two = record(1, "ab"), record(2, "c")
    assert run_digest([one, two]) != run_digest([two, one])
    assert run_digest([record("1a", "b")]) != run_digest([record("1", "ab")])
    assert run_digest([one]) == run_digest([Record(one.segment, fixed="other", warnings=("x",))])


# Interruption


def interrupted(path, batches, tail=b""):
    """A run that fails after ``batches`` and, in the middle of a line, after ``tail``."""
    with pytest.raises(KeyboardInterrupt), RunWriter(path, HEADER) as writer:
        for batch in batches:
            writer.write(batch)
        raise KeyboardInterrupt
    part = path.with_name(path.name + ".part")
    with open(part, "ab") as out:
        out.write(tail)
    assert not path.exists()
    return part


@pytest.mark.parametrize("tail", [b"", b"{", b'{"segment":{"id":"7"', b"\0\0\0\0\n", b'{"a":\n'])
@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, tail, suffix):
    found = [record(i) for i in range(10)]
    whole = finish(tmp_path / f"whole.jsonl{suffix}", found)
    path = tmp_path / f"run.jsonl{suffix}"
    interrupted(path, [found[:3], found[3:6]], tail)
    with RunWriter(path, HEADER, resume=True) as writer:
        assert (writer.done, writer.complete) == (6, False)
        assert list(writer.written()) == found[:6]
        writer.truncate(4)
        assert list(writer.written()) == found[:4]
        writer.write(found[4:])
        writer.commit()
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, whole.name])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_may_be_cut_at_any_byte(folder, data):
    found = [record(i, "д" * i) for i in range(6)]
    whole = finish(folder / "whole.jsonl", found, force=True).read_bytes()
    path = folder / "cut.jsonl"
    part = folder / "cut.jsonl.part"
    part.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with RunWriter(path, HEADER, resume=True, force=True) as writer:
        writer.write(found[writer.done :])
        writer.commit()
    assert path.read_bytes() == whole


WRITES_AND_HANGS = """
import sys, time
from repair import Record, Segment
from repair.files.runs import RunWriter
with RunWriter(sys.argv[1], {"signature": "s"}) as writer:
    for start in range(0, 10**9, 100):
        writer.write([Record(Segment(str(i), "mt " * 50), fixed="x") for i in range(start, start + 100)])
        print(start, flush=True)
"""


def test_kill_in_the_middle(tmp_path):
    path = tmp_path / "run.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES_AND_HANGS, str(path)], stdout=subprocess.PIPE
    )
    promised = [int(process.stdout.readline()) + 100 for _ in range(20)][-1]
    with pytest.raises(RepairError, match="Another process is writing"):
        RunWriter(path, {"signature": "s"}, resume=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with RunWriter(path, {"signature": "s"}, resume=True) as writer:
        assert writer.done >= promised
        ids = [r.segment.id for r in writer.written()]
        assert ids == [str(i) for i in range(writer.done)]


def test_a_finished_run_has_nothing_to_resume(tmp_path):
    path = finish(tmp_path / "run.jsonl", [record(1), record(2)])
    before = path.read_bytes()
    with RunWriter(path, HEADER, resume=True) as writer:
        assert (writer.complete, writer.done) == (True, 2)
        assert len(list(writer.written())) == 2
        writer.commit()
        with writer.reopen() as run:
            assert len(list(run)) == 2
    assert path.read_bytes() == before


def test_what_a_writer_refuses(tmp_path):
    path = tmp_path / "run.jsonl"
    interrupted(path, [[record(1)]])
    with pytest.raises(RepairError, match=r"interrupted.*--resume.*--force"):
        RunWriter(path, HEADER)
    other = {**HEADER, "signature": "x", "options": {"n": 2, "m": True}}
    with pytest.raises(RepairError) as caught:
        RunWriter(path, other, resume=True)
    for part in ('signature was "mt-repair:1|style:2" and is now "x"', "options.n was 1 and is now 2",
                 "options.m was null and is now true"):  # fmt: skip
        assert part in str(caught.value)
    finish(path, [record(1)], force=True)
    with pytest.raises(RepairError, match=r"exists.*--force"):
        RunWriter(path, HEADER)
    with pytest.raises(RepairError, match="was made otherwise"):
        RunWriter(path, other, resume=True)
    with pytest.raises(RepairError, match="does not exist"):
        RunWriter(tmp_path / "no" / "run.jsonl", HEADER)
    with (
        RunWriter(tmp_path / "nan.jsonl", HEADER) as writer,
        pytest.raises(RepairError, match="'1'"),
    ):
        writer.write([Record(Segment("1", "a"), quality=Quality(float("nan")))])


def test_a_run_that_is_not_kept(tmp_path, capfdbinary):
    with RunWriter(None, HEADER) as writer:
        writer.write([record(1)])
        writer.commit()
        with writer.reopen() as run:
            assert list(run) == [record(1)]
    assert not os.path.exists(run.path)
    with RunWriter("-", HEADER) as writer:
        writer.write([record(1)])
        writer.commit()
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert record_from_dict(json.loads(lines[1])) == record(1)


FILLS_THE_DISK = """
import resource, sys
from repair import Record, RepairError, Segment
from repair.files.runs import RunWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    with RunWriter(sys.argv[1], {"signature": "s"}) as writer:
        for i in range(1000):
            writer.write([Record(Segment(str(i), "mt " * 50), fixed="x")])
except RepairError as error:
    print(error)
"""


def test_full_disk(tmp_path):
    path = tmp_path / "run.jsonl"
    command = [sys.executable, "-c", FILLS_THE_DISK, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "run.jsonl: The file cannot be written: File too large" in said and "--resume" in said
    with RunWriter(path, {"signature": "s"}, resume=True) as writer:
        assert 200 < writer.done < 1000
        assert len(list(writer.written())) == writer.done


BAD = {
    "empty": ("", "run.jsonl: The run file is empty"),
    "text": ("Hello\n", "run.jsonl:1: Not JSON, at column 1"),
    "other": ('{"mt": "a"}\n', "run.jsonl:1: This is no run file"),
    "newer": ('{"schema": "mt-repair.run/9"}\n', "run/9; this version reads mt-repair.run/1"),
    "cut": ('{"schema": "mt-repair.run/1"}\n{"segm', "run.jsonl:2: .*cut off.*--resume"),
    "damaged": ('{"schema": "mt-repair.run/1"}\n{"segm\n{}\n', "run.jsonl:2: Not JSON, at column"),
    "no record": ('{"schema": "mt-repair.run/1"}\n{}\n', "run.jsonl:2: This is no record"),
    "a list": ('{"schema": "mt-repair.run/1"}\n[]\n', "run.jsonl:2: This is no record"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_run_files(tmp_path, name):
    data, message = BAD[name]
    path = tmp_path / "run.jsonl"
    path.write_text(data)
    with pytest.raises(RepairError, match=message) as caught:
        list(read_run(path))
    assert caught.value.mend
