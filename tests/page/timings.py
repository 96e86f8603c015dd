"""How fast the report is in the browser: ``python tests/page/timings.py [SEGMENTS]`` prints figures.

Every figure is from an event to the frame after it that has been painted, as the page itself
measures it; of repeated ones the median and the worst.
"""

import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from report_samples import HEADER, many_records
from test_page import CHROMIUM, FLAGS

from repair.report import write_report

UNTIL_PAINTED = """async (act) => {
  const start = performance.now();
  timedActs[act]();
  await new Promise((done) => requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); }));
  return performance.now() - start;
}"""
ACTS = """window.timedActs = {
  key: () => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', code: 'KeyA', bubbles: true, cancelable: true})),
  move: () => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', code: 'KeyJ', bubbles: true, cancelable: true})),
  filter: () => document.querySelector("#facets button[data-facet=severity][data-value=major]").click(),
}"""


def main(count: int) -> None:
    records = many_records(count)
    out = io.BytesIO()
    start = time.perf_counter()
    write_report(records, HEADER, out, digest="timings")
    print(f"{count} segments, {sum(len(r.suggestions) for r in records)} suggestions")
    print(f"written in {time.perf_counter() - start:.2f} s, {len(out.getvalue()) / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        path.write_bytes(out.getvalue())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(path.as_uri())
        page.wait_for_timeout(500)
        paint, rows, shown = page.evaluate(
            """[performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
                performance.getEntriesByName('mt-repair:rows')[0]?.startTime ?? 0,
                performance.getEntriesByName('mt-repair:shown')[0].startTime]"""
        )
        print(f"first paint {paint:.0f} ms, first rows {rows:.0f} ms, all usable {shown:.0f} ms")
        page.evaluate(ACTS)
        for name in ("key", "move"):
            report(f"{name} to paint", [page.evaluate(UNTIL_PAINTED, name) for _ in range(60)])
        page.keyboard.press("f")
        page.wait_for_timeout(300)
        report("filter to paint", [page.evaluate(UNTIL_PAINTED, "filter") for _ in range(20)])
        browser.close()


def report(name: str, figures: list[float]) -> None:
    print(f"{name}: median {statistics.median(figures):.1f} ms, worst {max(figures):.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
