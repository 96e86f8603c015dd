"""Pictures of the report: ``python tests/page/screenshots.py [FOLDER]``.

Without a folder it renews ``repair/report/page/screenshot.png``, which the README shows; with one it puts
every look of the page there, to be looked at: light, dark, filters, phone, evaluation and print.
The report is that of a run on the sample articles with the stages that are installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from report_samples import article_segments
from test_page import CHROMIUM, FLAGS

from repair import cli

ROOT = Path(__file__).parent.parent.parent

# name, width, height, theme, evaluation view, what is pressed (":x" is clicked)
LOOKS = (
    ("light", 1280, 820, "light", False, "aaraaa"),
    ("dark", 1280, 820, "dark", False, ["a", "r", "a", ":#overview summary"]),
    ("filters", 1440, 900, "light", False, ["f", "a", ":[data-value=accuracy]"]),
    ("keys", 900, 800, "dark", False, "?"),
    ("phone", 320, 660, "light", False, "aa"),
    ("evaluation", 1280, 900, "light", True, [":#overview summary"]),
)


def write_articles(path: Path) -> None:
    rows = ["id\tsource\tmt\treference\tdoc"]
    for name in ("diplomacy", "economy", "interview"):
        for number, (segment, _) in enumerate(article_segments(name), 1):
            texts = (segment.source, segment.mt, segment.references[0])
            rows.append("\t".join((f"{name[0]}{number}", *texts, name)))
    path.write_text("\n".join(rows) + "\n", "utf-8")


def main(folder: Path | None) -> None:
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        articles, run = Path(work) / "articles.tsv", Path(work) / "run.jsonl"
        write_articles(articles)
        if cli.main(["run", str(articles), "-o", str(run), "-q"]) not in (0, 3):
            raise SystemExit("the run failed")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, width, height, theme, evaluation, acts in LOOKS:
            if folder is None and name != "light":
                continue
            report = Path(work) / f"{name}.html"
            options = ["--evaluation"] if evaluation else []
            cli.main(
                ["report", str(run), "-o", str(report), "--title", "Sample articles", *options]
            )
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=theme,
                device_scale_factor=2 if name == "phone" else 1,
            )  # fmt: skip
            page.goto(report.as_uri())
            page.wait_for_timeout(300)
            for act in acts:
                page.click(act[1:]) if act[0] == ":" else page.keyboard.press(act)
            page.wait_for_timeout(4000 if folder is None else 400)  # the last message fades
            page.screenshot(
                path=(folder or ROOT / "repair/report/page")
                / f"{name if folder else 'screenshot'}.png"
            )
            if name == "light" and folder:
                page.pdf(path=folder / "print.pdf", format="A4")
                if shutil.which("pdftoppm"):
                    command = ["pdftoppm", "-r", "70", "-png", "-l", "2"]
                    subprocess.run([*command, folder / "print.pdf", folder / "print"], check=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
