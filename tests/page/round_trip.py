"""The whole way of a review: run, report, browser, export, apply, and the run and report after it.

``python tests/page/round_trip.py MT.txt [-s SOURCE.txt] [-r REFERENCE.txt] [--stages LIST]`` does it
on line-aligned files in a temporary folder and prints figures; `test_page` does it on the samples.
A reviewer is played by the keyboard alone, and decides by a seeded draw.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from repair import cli
from repair.files.decisions import decided_text, decisions_from_dict
from repair.files.runs import read_run


def command(*arguments) -> None:
    code = cli.main([str(argument) for argument in arguments])
    if code:
        raise SystemExit(f"mt-repair {' '.join(map(str, arguments))}: exit code {code}")


def counts(page) -> dict[str, int]:
    """Suggestions by the state that their buttons show, all rows made."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    names = page.locator("button.item").evaluate_all("all => all.map((one) => one.classList[2])")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    return {name: names.count(name) for name in sorted(set(names))}


def review(page, seed: int) -> int:
    """Decide everything by keys; returns how many were pressed."""
    chance, pressed = random.Random(seed), 0
    for _ in range(100_000):
        if "Nothing is left" in page.locator("#live").inner_text():
            return pressed
        key = chance.choices("ares", weights=(6, 5, 1, 1))[0]
        page.keyboard.press(key)
        pressed += 1
        if key == "e":
            page.keyboard.type(" edited")
            page.keyboard.press("Enter")
            pressed += 8
        elif "No fix is proposed" in page.locator("#live").inner_text():
            page.keyboard.press("r")
            pressed += 1
    raise AssertionError("the review does not end")


def round_trip(browser, folder: Path, mt: Path, options: list[str], seed: int = 1) -> dict:
    """Do it all in ``folder``; raises AssertionError where something is lost or asked twice."""
    run, html, decisions = folder / "run.jsonl", folder / "1.html", folder / "decisions.json"
    command("run", "-t", mt, "-o", run, "-q", *options)
    command("report", run, "-o", html)
    page = browser.new_page(viewport={"width": 1280, "height": 860}, accept_downloads=True)
    page.goto(html.as_uri())
    page.wait_for_timeout(500)
    before = counts(page)
    start = time.perf_counter()
    pressed = review(page, seed)
    seconds = time.perf_counter() - start
    after = counts(page)
    with page.expect_download() as download:
        page.keyboard.press("Control+s")
    download.value.save_as(decisions)
    page.close()
    assert "pending" not in after, after

    command("apply", run, "--decisions", decisions, "-o", folder / "fixed.txt")
    file = decisions_from_dict(json.loads(decisions.read_text("utf-8")))
    wanted = [decided_text(record, file) for record in read_run(run)]
    fixed = (folder / "fixed.txt").read_text("utf-8").splitlines()
    assert fixed == wanted, "the file has exactly the accepted and edited edits"

    again, html = folder / "run2.jsonl", folder / "2.html"
    command("run", "-t", mt, "-o", again, "-q", "--decisions", decisions, *options)
    command("report", again, "--decisions", decisions, "-o", html)
    # A browser that remembers nothing.
    context = browser.new_context()
    page = context.new_page()
    page.goto(html.as_uri())
    page.wait_for_timeout(500)
    asked = counts(page)
    context.close()
    assert "pending" not in asked and "outdated" not in asked, asked
    changed = sum(a != b for a, b in zip(fixed, mt.read_text("utf-8").splitlines(), strict=True))
    return {"suggestions": before, "keys": pressed, "seconds": round(seconds, 1), "decided": after,
            "segments changed": changed, "second report": asked}  # fmt: skip


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from test_page import CHROMIUM, FLAGS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mt", type=Path)
    parser.add_argument("-s", "--source")
    parser.add_argument("-r", "--reference")
    parser.add_argument("--stages", default="style,facts")
    given = parser.parse_args()
    options = ["--stages", given.stages]
    options += ["-s", given.source] if given.source else []
    options += ["-r", given.reference] if given.reference else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, value in round_trip(browser, Path(folder), given.mt, options).items():
            print(f"{name}: {value}")
        browser.close()


if __name__ == "__main__":
    main()
