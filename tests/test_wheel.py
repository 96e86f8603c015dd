"""The wheel, built and installed elsewhere, runs without the checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the wheel's content, as pip would put it into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # Built from what git would hand out, so that stray files cannot stand in for missing ones.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.split(b"\0")  # fmt: skip
    for name in filter(None, listed):
        origin, copy = ROOT / os.fsdecode(name), source / os.fsdecode(name)
        if origin.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(origin)
    subprocess.run(
        [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", folder, source],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            site,
            wheel,
        ],
        check=True,
    )
    return site


def run(site, *arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_the_wheel_repairs_a_text(installed, tmp_path):
    (tmp_path / "mt.txt").write_text("He told that the the talks are over.\n")
    (tmp_path / "ru.txt").write_text("Он сказал, что переговоры окончены.\n")
    done = run(
        installed, "-m", "repair", "run", "-t", "mt.txt", "-s", "ru.txt", "-o", "run.jsonl",
        "--report", "review.html", "--stages", "detector,style,facts", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    header, record = map(json.loads, (tmp_path / "run.jsonl").read_text().splitlines())
    assert "detector" in header["signature"]
    assert record["suggestions"]
    assert "<html" in (tmp_path / "review.html").read_text()
    where = run(installed, "-c", "import repair; print(repair.__file__)", cwd=tmp_path)
    assert str(installed) in where.stdout


def test_the_wheel_seizes_no_other_import_name(installed):
    tops = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert tops <= {"repair", "bin", ".lock"}


def test_the_wheel_holds_weights_samples_and_data(installed):
    repair = installed / "repair"
    assert list((repair / "models").rglob("*.safetensors"))
    assert list((repair / "corpora" / "samples").glob("*.txt"))
    tracked = subprocess.run(
        ["git", "ls-files", "repair", "models", "corpora"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    missing = []
    for name in tracked:
        top, _, rest = name.partition("/")
        inside = repair / rest if top == "repair" else repair / top / rest
        if (ROOT / name).exists() and not inside.exists():
            missing.append(name)
    assert missing == []
