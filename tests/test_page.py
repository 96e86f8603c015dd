"""The page in a real browser: every key and state, what is remembered, and that nothing leaves it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from report_samples import HEADER, earlier, many_records, sample_records, suggest

from repair.core import Quality, Record, Segment
from repair.files.decisions import decided_text, decisions_from_dict
from repair.report import write_report

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "page"))
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
AXE = "4.10.3"


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_laws_of_the_modules():
    tests = sorted(map(str, (HERE / "page").glob("*.test.mjs")))
    done = subprocess.run(["node", "--test", *tests], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("no Chromium was found; name one in CHROMIUM")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Opens a report of records; at the end no request and no error may have happened."""
    contexts, asked, errors = [], [], []
    path = tmp_path / "report.html"

    def open_report(records=None, *, context=None, digest="d", width=1280, **options):
        if records is not None:
            write_report(records, HEADER, path, digest=digest, force=True, **options)
        if context is None:
            context = browser.new_context(
                accept_downloads=True, viewport={"width": width, "height": 860}
            )
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.goto(path.as_uri())
        until(page, "performance.getEntriesByName('mt-repair:shown').length")
        return page

    yield open_report
    for context in contexts:
        context.close()
    others = [url for url in asked if not url.startswith((path.as_uri(), "data:", "blob:"))]
    assert others == [] and errors == []


SEGMENT = Segment("1", "He told that 1,5 milions was stole.", "Он сказал, что украли «миллионы».",
                  ("He said that 1.5 million had been stolen.",), doc="news")  # fmt: skip
OTHER = Segment("2", "The minister quotes about the talks", "Министр о переговорах.", doc="news")


def few_records():
    """Four places in the first segment, the second and fourth overlapping; two linked ones after."""
    first = [
        suggest(SEGMENT, 3, 7, "said", category="style/awkward", by="style/calque", confidence=0.95,
                message="“told” needs someone who is told: «сказал»."),
        suggest(SEGMENT, 13, 24, "1.5 million", "1,500,000", category="accuracy/number",
                severity="critical", by="facts/number", confidence=0.8),
        suggest(SEGMENT, 17, 24, "millions", category="fluency/spelling", confidence=0.5),
        suggest(SEGMENT, 29, 34, category="fluency/grammar", severity="major", by="detector"),
    ]  # fmt: skip
    second = [
        suggest(OTHER, 13, 19, "speaks", confidence=0.7, group="h1", by="hypotheses"),
        suggest(OTHER, 35, 35, ".", category="fluency/punctuation", confidence=0.65, group="h1",
                by="hypotheses"),
    ]  # fmt: skip
    return [
        Record(SEGMENT, (), tuple(first), SEGMENT.mt, Quality(0.4)),
        Record(OTHER, (), tuple(second), OTHER.mt, Quality(0.1), ("something was odd",)),
    ]


IDS = [s.id for record in few_records() for s in record.suggestions]


def until(page, expression):
    """Wait for a condition; the policy of the page forbids the way that Playwright has for it."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def states(page):
    """The state that each margin button shows, in order."""
    names = page.locator("button.item").evaluate_all("all => all.map((one) => one.className)")
    return [name.split()[2] for name in names]


def active(page):
    return page.locator("button.item[aria-current=true]").get_attribute("data-item")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def exported(page):
    with page.expect_download() as download:
        page.keyboard.press("Control+s")
    return json.loads(Path(download.value.path()).read_text("utf-8"))


def live(page):
    return page.locator("#live").inner_text().strip()


def fixed_line(page, number):
    line = page.locator("article").nth(number).locator(".line.fixed .text")
    return line.inner_text() if line.count() else None


def test_a_round_by_keyboard_gives_the_file_that_apply_takes(open_page):
    records = few_records()
    page = open_page(records)
    assert states(page) == ["pending"] * 6 and active(page) == IDS[0]
    press(page, "a")
    assert active(page) == IDS[1] and fixed_line(page, 0).startswith("He said that 1,5")
    press(page, "2")
    assert states(page)[:3] == ["accepted", "accepted", "conflict"]
    assert active(page) == IDS[3], "a place in conflict is passed over"
    press(page, "a")
    assert "No fix is proposed" in live(page) and active(page) == IDS[3]
    press(page, "e")
    page.keyboard.type("stolen")
    press(page, "Enter")
    assert states(page)[3] == "edited" and active(page) == IDS[4]
    assert fixed_line(page, 0) == "He said that 1,500,000 was stolen."
    press(page, "r")
    assert active(page) == IDS[5]
    press(page, "c")
    page.keyboard.type("so be it")
    press(page, "Enter", "a")
    assert "Nothing is left" in live(page)
    assert page.locator("#progress-text").inner_text().startswith("5 of 5 decided")

    file = exported(page)
    decisions = decisions_from_dict(file)
    assert file["run"] == "d" and len(file["decisions"]) == 5
    assert file["decisions"][-1]["note"] == "so be it"
    assert decided_text(records[0], decisions) == "He said that 1,500,000 was stolen."
    assert decided_text(records[1], decisions) == OTHER.mt + "."


def test_ideas_at_a_marked_place_wait_for_a_number(open_page):
    marks = suggest(SEGMENT, 3, 7, "said", "spoke", confidence=0.45, by="detect/x")
    other = suggest(SEGMENT, 17, 24, "millions", category="fluency/spelling", confidence=0.7)
    page = open_page([Record(SEGMENT, (), (marks, other), SEGMENT.mt, Quality(0.4))])
    assert page.locator("article ins").count() == 1, "only the offer stands in the text"
    card = page.locator("#card").inner_text()
    assert "wordings that may fit" in card and "said" in card and "spoke" in card
    assert "by detect/x" in card
    press(page, "a")
    assert states(page) == ["pending", "pending"] and "1 to 2 take a wording" in live(page)
    press(page, "2")
    assert states(page) == ["accepted", "pending"]
    assert fixed_line(page, 0).startswith("He spoke that")
    file = exported(page)
    assert decided_text(
        Record(SEGMENT, (), (marks, other), SEGMENT.mt), decisions_from_dict(file)
    ).startswith("He spoke that")


def test_moving_skipping_and_undoing(open_page):
    page = open_page(few_records())
    press(page, "j", "j")
    assert active(page) == IDS[2]
    press(page, "k", "k", "k")
    assert active(page) == IDS[0], "there is nothing before the first"
    press(page, "s")
    assert active(page) == IDS[1]
    press(page, "r", "r", "r", "r", "r")
    assert active(page) == IDS[0], "what was skipped comes last"
    press(page, "u", "u")
    assert states(page) == ["pending", "rejected", "rejected", "rejected", "pending", "pending"]
    assert active(page) == IDS[4], "undo goes where it happened"
    press(page, "Shift+U", "Control+z", "Control+Shift+Z")
    assert states(page)[4] == "rejected"
    for _ in range(9):
        press(page, "u")
    assert states(page) == ["pending"] * 6 and "Nothing to undo" in live(page)


def test_the_keys_work_under_a_russian_layout(open_page):
    page = open_page(few_records())
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'ф', code: 'KeyA', bubbles: true, cancelable: true}))"
    )
    assert states(page)[0] == "accepted"


def test_the_sheet_of_keys_and_the_switch(open_page):
    page = open_page(few_records())
    press(page, "?")
    assert page.locator("dialog .keys tr").count() >= 15
    page.locator("#single-keys").uncheck()
    press(page, "Escape", "a")
    assert states(page)[0] == "pending"
    press(page, "Tab")
    with page.expect_download():
        press(page, "Control+s")
    page.reload()
    press(page, "a")
    assert states(page)[0] == "pending", "the switch is remembered"


def test_letters_in_a_field_decide_nothing(open_page):
    page = open_page(few_records())
    press(page, "/")
    page.keyboard.type("araj")
    page.wait_for_timeout(300)
    assert page.locator("article").count() == 0
    assert page.locator(".nothing").inner_text().startswith("No segment matches")
    page.locator("#search").fill("")
    page.wait_for_timeout(300)
    assert states(page) == ["pending"] * 6


def test_the_search_finds_and_highlights_in_all_texts(open_page):
    page = open_page(few_records())
    press(page, "/")
    page.keyboard.type("МИНИСТР")
    until(page, "document.querySelectorAll('article').length === 1")
    assert (
        page.evaluate(
            "[...CSS.highlights.get('found')].map((one) => one.startContainer.data.slice(one.startOffset, one.endOffset)).join()"
        )
        == "Министр"
    )
    press(page, "Escape")
    assert page.locator("#search").input_value() == "МИНИСТР", "the search stays"
    assert "q=" in page.url
    page.locator("#filtered button[data-act=clear]").click()
    assert not page.evaluate("CSS.highlights.has('found')")


def test_linked_suggestions_are_accepted_together(open_page):
    page = open_page(few_records())
    press(page, "k", "j", "j", "j", "j")
    assert "1 of 2" in page.locator("[data-part=linked]").inner_text()
    press(page, "g")
    assert states(page)[4:] == ["accepted", "accepted"]
    press(page, "u")
    assert states(page)[4:] == ["pending", "pending"]


def test_accepting_a_rival_sets_the_first_back(open_page):
    page = open_page(few_records())
    press(page, "j", "a")
    assert states(page)[2] == "conflict"
    page.locator("button.item").nth(2).click()
    press(page, "a")
    assert states(page)[1:3] == ["conflict", "accepted"]
    assert "set back" in live(page)


def test_not_an_error_by_rule_and_by_word(open_page):
    page = open_page(few_records())
    page.locator("[data-part=silenceBox] summary").click()
    page.locator("[data-part=silenceRule]").click()
    assert states(page)[0] == "silenced" and active(page) == IDS[1]
    press(page, "j", "j")
    page.locator("[data-part=silenceBox] summary").click() if not page.locator(
        "[data-part=silenceWord]"
    ).is_visible() else None
    page.locator("[data-part=silenceWord]").click()
    assert states(page)[3] == "silenced"
    silenced = exported(page)["silenced"]
    assert silenced == [
        {"scope": "rule", "by": "style/calque"},
        {"scope": "word", "word": "stole"},
    ] or silenced[1] == {"scope": "word", "word": SEGMENT.mt[29:34].strip()}
    press(page, "u", "u")
    assert states(page) == ["pending"] * 6


def test_decisions_are_remembered_by_run(open_page):
    page = open_page(few_records())
    press(page, "a", "2", "r", "u")
    before = exported(page)
    again = open_page(context=page.context)
    assert exported(again) == before
    assert states(again)[:4] == ["accepted", "accepted", "conflict", "pending"]
    other = open_page(few_records(), context=page.context, digest="other")
    assert states(other) == ["pending"] * 6


def test_two_windows_on_one_report_do_not_lose_decisions(open_page):
    page = open_page(few_records())
    twin = open_page(context=page.context)
    press(page, "a")
    until(twin, "document.querySelectorAll('button.item.accepted').length === 1")
    press(twin, "j", "j", "j", "r")
    until(page, "document.querySelectorAll('button.item.rejected').length === 1")
    assert states(page) == states(twin)


def test_import_merges_and_asks_about_conflicts(open_page, tmp_path):
    page = open_page(few_records())
    press(page, "a", "1")
    mine = exported(page)
    theirs = json.loads(json.dumps(mine))
    theirs["decisions"][0] |= {"verdict": "rejected", "text": None}
    theirs["decisions"].append(
        {
            "suggestion": IDS[4],
            "segment": "2",
            "verdict": "edited",
            "candidate": 0,
            "text": "talks",
            "note": "",
            "start": 13,
            "end": 19,
            "original": "quotes",
        }
    )
    theirs["decisions"].append(
        {
            "suggestion": "0" * 16,
            "segment": "2",
            "verdict": "accepted",
            "candidate": 0,
            "text": "x",
            "note": "",
            "start": 4,
            "end": 12,
            "original": "minister",
        }
    )
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps(theirs), encoding="utf-8")
    page.locator("#import").set_input_files(file)
    page.wait_for_selector("dialog[open]")
    text = page.locator("dialog").inner_text()
    for line in ("1 new decisions", "1 the same as here", "1 decided differently", "1 outdated"):
        assert line in text
    page.locator("dialog input[type=checkbox]").check()
    page.locator("dialog button.primary").click()
    until(page, "document.querySelectorAll('button.item.outdated').length === 1")
    assert states(page)[0] == "rejected" and states(page)[4] == "edited"
    press(page, "u")
    assert states(page)[0] == "accepted" and states(page)[4] == "pending"
    file.write_text("{", encoding="utf-8")
    page.locator("#import").set_input_files(file)
    until(page, "document.querySelector('#live').textContent.includes('no JSON')")


def test_a_report_takes_up_earlier_decisions_and_shows_outdated_ones(open_page):
    records = few_records()
    entries = [
        {"suggestion": IDS[0], "segment": "1", "verdict": "accepted", "candidate": 0},
        {"suggestion": "0" * 16, "segment": "2", "verdict": "accepted", "candidate": 0, "text": "x",
         "start": 4, "end": 12, "original": "minister"},
    ]  # fmt: skip
    file = {"schema": "mt-repair.decisions/1", "run": "old", "decisions": entries}
    page = open_page(records, **earlier(file, records, "d"))
    assert states(page)[0] == "accepted" and states(page).count("outdated") == 1
    page.locator("button.item.outdated").click()
    assert page.locator("[data-part=decideBox]").is_hidden()
    page.locator("[data-part=dismiss] button").click()
    assert states(page).count("dismissed") == 1
    assert [d["suggestion"] for d in exported(page)["decisions"]] == [IDS[0]]


def test_filters_narrow_count_and_live_in_the_address(open_page):
    page = open_page(sample_records())
    total = len([s for r in sample_records() for s in r.suggestions])
    press(page, "f")
    page.locator("#facets button[data-facet=severity][data-value=critical]").click()
    critical = sum(s.span.severity == "critical" for r in sample_records() for s in r.suggestions)
    assert page.locator("#filtered-text").inner_text().startswith(f"{critical} suggestions")
    pressed = page.locator("#facets button[data-facet=severity][data-value=critical]")
    assert pressed.get_attribute("aria-pressed") == "true"
    assert pressed.evaluate("node => node === document.activeElement")
    page.locator("#facets button[data-facet=category][data-value='accuracy/number']").click()
    assert "severity=critical" in page.url and "category=accuracy%2Fnumber" in page.url
    again = open_page(context=page.context)
    again.goto(page.url)
    again.reload()
    assert (
        again.locator("#filtered-text").inner_text() == page.locator("#filtered-text").inner_text()
    )
    page.locator("#filtered button[data-act=clear]").click()
    assert page.locator("#progress-text").inner_text().startswith(f"0 of {total}")
    assert page.locator("#filtered").is_hidden()
    # Any value on the card filters by it.
    page.locator("#card .tags button[data-facet=category]").click()
    assert page.locator("#filtered").is_visible()


def test_a_decided_suggestion_stays_until_the_filter_changes(open_page):
    page = open_page(few_records())
    press(page, "f")
    page.locator("#facets button[data-value=pending]").click()
    press(page, "a")
    assert states(page)[0] == "accepted"
    until(
        page,
        "document.querySelector('#facets button[data-value=accepted] .count')?.textContent === '1'",
    )


def test_bulk_decides_the_filtered_ones_in_one_step(open_page):
    page = open_page(few_records())
    press(page, "f")
    page.locator("#facets button[data-value='style/awkward']").click()
    page.locator("#filtered button[data-act=bulk]").click()
    text = page.locator("dialog").inner_text()
    assert "Decide 2 suggestions" in text and "awkward" in text
    assert page.locator("dialog .examples li").count() == 2
    page.locator("dialog button.primary").click()
    until(page, "document.querySelectorAll('button.item.accepted').length === 2")
    page.locator("#segments").click(position={"x": 5, "y": 5})
    press(page, "u")
    assert states(page) == ["pending"] * 6
    page.locator("#filtered button[data-act=bulk]").click()
    press(page, "Escape")
    assert states(page) == ["pending"] * 6


def test_bulk_accepts_only_what_can_stand_together(open_page):
    page = open_page(few_records())
    page.evaluate("location.hash = '#doc=news'")
    page.wait_for_selector("#filtered:not([hidden])")
    page.locator("#filtered button[data-act=bulk]").click()
    assert "Decide 6 suggestions" in page.locator("dialog").inner_text()
    assert page.locator("dialog button.primary").inner_text() == "Accept 4"
    page.locator("dialog button.primary").click()
    until(page, "document.querySelectorAll('button.item.accepted').length === 4")
    assert states(page) == ["accepted", "accepted", "conflict", "pending", "accepted", "accepted"]


def test_the_reference_is_hidden_until_wanted_and_shown_in_the_evaluation_view(open_page):
    def effect(record):
        ways = {s.id: "towards" for s in record.suggestions if s.candidates}
        return SimpleNamespace(against="references", chrf_before=50.0, chrf_after=61.5,
                               ter_before=40.0, ter_after=30.0, suggestions=ways)  # fmt: skip

    page = open_page(few_records())
    reference = page.locator(".line.reference").first
    assert reference.is_hidden()
    press(page, "x")
    assert reference.is_visible()
    page = open_page(few_records(), evaluation=True, effect=effect)
    assert page.locator(".line.reference").first.is_visible()
    assert "chrF++ 50.0 → 61.5 (+11.5)" in page.locator(".effect").first.inner_text()
    assert "moves towards the reference" in page.locator("#card").inner_text()


def test_the_card_says_what_why_how_sure_and_by_whom(open_page):
    page = open_page(few_records())
    card = page.locator("#card").inner_text()
    for words in ("style/awkward", "minor", "not decided", "sure 0.95", "style/calque", "told",
                  "needs someone", "1 of 6"):  # fmt: skip
        assert words in card
    assert page.locator(".source mark").inner_text() == "сказал", "the words it rests on"
    press(page, "j")
    choices = page.locator(".choice")
    assert choices.count() == 2 and "likely 0.80" in choices.first.inner_text()


HOSTILE = [
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(1)"> &amp; &lt;b&gt;',
    "a\u2028b\u2029c\u0085d",
    "\u202eevil\u202c \u2066x\u2069 \u200bzero\ufeff",
    "x" * 100_000,
    "👩\u200d👩\u200d👧 𝔘𝔫𝔦 e\u0301\u0323 ﷽",
    "\x00\x01\x1b[31m\x7f \ud800 lone",
    "{{script}} ${alert(1)} `",
    "שלום עולם، مرحبا",
    "--><!--<!",
]


def test_hostile_texts_are_shown_and_never_run(open_page):
    records = []
    for text in HOSTILE:
        segment = Segment(text[:50], text + " tail", text, (text,), text, text[:60])
        end = len(text)
        offer = suggest(
            segment, 0, end, text[::-1], text, category=text[:40], by=text[:30], message=text
        )
        records.append(Record(segment, (), (offer,), text, None, (text[:90],)))
    page = open_page(records, title="</title><script>alert(1)</script>")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article").count() == len(HOSTILE)
    assert page.evaluate("document.scripts.length") == 3, "header, decisions and the page's own"
    assert page.locator("article img, article script, article b").count() == 0
    shown = page.locator("article").nth(0).locator(".line.mt").inner_text()
    assert "</script>" in shown
    bidi = page.locator("article").nth(3).locator(".line.source .control").all_inner_texts()
    assert "U+202E" in bidi and "U+FEFF" in bidi
    for _ in HOSTILE:
        press(page, "a")
    assert states(page) == ["accepted"] * len(HOSTILE)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "no text makes the page scroll sideways"
    press(page, "f", "?")
    file = exported_after_close(page)
    assert [d["original"] for d in file["decisions"]] == HOSTILE


def exported_after_close(page):
    page.keyboard.press("Escape")
    return exported(page)


def test_offsets_are_right_after_astral_characters(open_page):
    mt = "😀 𝔘𝔫 wrong 👩‍👧 too"
    segment = Segment("1", mt)
    start = mt.index("wrong")
    record = Record(segment, (), (suggest(segment, start, start + 5, "right"),), mt)
    page = open_page([record])
    assert (
        page.locator(".place.edit del").evaluate("n => n.lastChild.previousSibling.textContent")
        == "wrong"
    )
    press(page, "a")
    assert fixed_line(page, 0) == mt.replace("wrong", "right")
    (entry,) = exported(page)["decisions"]
    assert (entry["start"], entry["end"], entry["original"]) == (start, start + 5, "wrong")


def test_the_line_of_the_fixed_text_is_what_apply_makes(open_page):
    records = [r for r in sample_records() if r.suggestions][:25]
    page = open_page(records)
    for number in range(40):
        press(page, "a" if number % 3 else "r")
    decisions = decisions_from_dict(exported(page))
    page.evaluate("scrollTo(0, 0)")
    for number, record in enumerate(records[:10]):
        wanted = decided_text(record, decisions)
        assert (fixed_line(page, number) or record.segment.mt) == wanted


def test_all_rows_come_into_being_on_the_way_and_in_print(open_page):
    page = open_page(many_records(400))
    made = page.locator("article").count()
    assert 8 <= made < 100, "rows far away are not made"
    for _ in range(30):
        page.mouse.wheel(0, 2500)
        page.wait_for_timeout(15)
    page.wait_for_timeout(100)
    assert page.locator("article").count() < 250, "and are given up"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article").count() == 400
    assert page.locator("article .notes").count() > 200
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    until(page, "document.querySelectorAll('article').length < 250")


def test_a_jump_over_thousands_lands_in_view(open_page):
    records = many_records(2000)
    last = next(r for r in reversed(records) if r.suggestions).suggestions[-1]
    page = open_page(records)
    page.evaluate(f"location.hash = '#at={last.id}'")
    until(page, f"document.querySelector('button[aria-current]')?.dataset.item === '{last.id}'")
    page.wait_for_timeout(200)
    box = page.locator("button[aria-current=true]").bounding_box()
    assert 0 < box["y"] < 860


def test_the_tree_of_a_screen_reader(open_page):
    page = open_page(few_records())
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]
    ]
    roles = [role for role, _ in named]
    assert roles.count("suggestion") == 4, "overlapping and bare ones are no suggestion"
    assert {"banner", "main", "complementary", "progressbar", "searchbox", "article"} <= set(roles)
    labels = [name for role, name in named if role == "button"]
    assert any(
        name == "style, awkward, minor, sure, not decided: “told” becomes “said”" for name in labels
    )
    assert all(name for role, name in named if role in ("button", "textbox", "searchbox", "img"))
    # Only one button of the list is a stop of the Tab key; the arrows go on from there.
    stops = page.locator("#segments button[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    press(page, "ArrowDown", "ArrowDown")
    assert page.evaluate("document.activeElement.dataset.item") == IDS[2]
    press(page, "r")
    assert page.evaluate("document.activeElement.dataset.item") == IDS[3], "the focus moves on"
    page.locator("#card button[data-act=skip]").focus()
    press(page, "Enter")
    assert page.evaluate("document.activeElement.dataset.act") == "skip", "and stays in the card"


@pytest.mark.parametrize("width", [1280, 640, 320])
def test_nothing_scrolls_sideways(open_page, width):
    page = open_page(few_records(), width=width)
    page.locator("#overview > summary").click()
    press(page, "f", "x", "e", "Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, fetched once by npm into the user's cache."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    from platformdirs import user_cache_dir

    folder = Path(user_cache_dir("mt-repair")) / "tests" / f"axe-core-{AXE}"
    source = folder / "node_modules/axe-core/axe.min.js"
    if not source.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit",
                   "--no-fund", f"axe-core@{AXE}"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"npm could not fetch axe-core: {done.stderr.strip()[-200:]}")
    return source.read_text("utf-8")


def test_axe_finds_no_violation(open_page, axe):
    page = open_page(few_records() + sample_records()[:3])
    press(page, "a", "2", "r", "x", "f", "e")
    page.locator("#overview > summary").click()
    page.evaluate(axe)
    # Colors are judged at rest, not while a message fades.
    page.emulate_media(reduced_motion="reduce")
    found = violations(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found += violations(page, "color-contrast")
    press(page, "Escape", "?")
    found += violations(page, within="dialog")
    press(page, "Escape")
    page.set_viewport_size({"width": 320, "height": 640})
    found += violations(page)
    assert found == []


def violations(page, *rules, within="body"):
    page.wait_for_timeout(200)  # the toast fades
    options = {"runOnly": list(rules)} if rules else {}
    page.wait_for_timeout(250)
    result = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def test_the_full_round_asks_nothing_twice(open_page):
    """Reviewed, exported, carried over to the next run's report: all is decided there."""
    records = [r for r in sample_records() if r.suggestions][:15]
    page = open_page(records)
    count = sum(len(r.suggestions) for r in records)
    for number in range(count):
        press(page, "r" if number % 2 else "a")
        if "No fix" in live(page):
            press(page, "r")
    assert page.locator("#progress-text").inner_text().startswith(f"{count} of {count}")
    again = open_page(records, digest="next", **earlier(exported(page), records, "next"))
    assert again.locator("#progress-text").inner_text().startswith(f"{count} of {count}")
    assert exported(again)["decisions"] == exported(page)["decisions"]


def test_the_whole_way_from_a_file_to_a_reviewed_one_and_again(browser, tmp_path):
    """Run, report, review by keyboard, export, apply, run again with the decisions, report."""
    mt = tmp_path / "mt.txt"
    mt.write_text((HERE.parent / "corpora/samples/economy.mt.txt").read_text("utf-8"), "utf-8")
    from round_trip import round_trip

    figures = round_trip(browser, tmp_path, mt, ["--stages", "style"])
    assert figures["segments changed"] > 0 and figures["decided"]["rejected"] > 0
