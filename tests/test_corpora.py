"""Readers of the published formats, their laws, the manifest, fetching over loopback."""

import hashlib
import http.server
import os
import threading
from pathlib import Path

import corpus_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repair.corpora import demetr, english, gold, mqm, wmt
from repair.corpora.fetch import fetch, verify
from repair.corpora.shelf import Files

from repair import RepairError, corpora
from repair.align import spans_to_tags, tags_to_spans
from repair.core import CATEGORIES

REAL = os.environ.get(corpora.VARIABLE)
needs_corpora = pytest.mark.skipif(
    not REAL, reason=f"{corpora.VARIABLE} is not set: the published corpora are not here"
)

# ---- raw and tokenised text


def test_words_are_found_in_the_raw_text():
    raw = 'He said: "No." '
    places = gold.locate(["He", "said", ":", '"', "No", ".", '"'], raw)
    assert [raw[a:b] for a, b in places] == ["He", "said", ":", '"', "No", ".", '"']
    assert gold.locate(["He", "sad"], raw) is None
    assert gold.locate(["He"], raw) is None


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("It 's late , isn 't it ?", "It's late, isn't it?"),
        ('He said : " Stop ! " and left .', 'He said: "Stop!" and left.'),
        ("( 5 % of $ 3 )", "(5% of $3)"),
        ("“ Yes , ” she said .", "“Yes,” she said."),
    ],
)
def test_words_are_written_as_running_text(words, text):
    written, places = gold.detokenize(words.split())
    assert written == text
    assert [written[a:b] for a, b in places] == words.split()


TEXTS = st.lists(
    st.sampled_from(["Mr.", "Smith", "said", ",", '"', "no", ".", "4.5", "%", "it", "'s", "U.S."]),
    min_size=1, max_size=10,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_the_mt_itself_gives_its_released_words(words, edited):
    raw, places = gold.detokenize(words)
    assert gold.retokenize(raw, places, raw) == " ".join(words)
    # A post-edit that keeps everything is the MT, spaces included.
    assert gold.project(raw, places, words, words) == raw
    assert "".join(gold.project(raw, places, words, edited).split()) == "".join(edited)


def test_a_repair_is_cut_like_the_corpus_and_leaves_the_rest_alone():
    words = ["He", "can", "not", "go", "to", "the", "U.S.", "-born", "friend", "'s", "house", "."]
    raw, places = gold.detokenize(words)
    fixed = raw.replace("go to", "went, to")
    assert gold.retokenize(raw, places, fixed) == " ".join(words).replace("go to", "went , to")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=9), st.lists(st.sampled_from("abcd"), max_size=9))
def test_derived_tags_mark_what_a_post_edit_changes(old, new):
    tags = gold.tags_from_post_edit(old, new)
    assert len(tags) == 2 * len(old) + 1
    assert any(tags) == (old != new)


def test_tags_are_parsed_or_refused():
    assert gold.parse_tags("OK BAD OK") == (False, True, False)
    with pytest.raises(ValueError, match="GOOD"):
        gold.parse_tags("OK GOOD")


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("Accuracy/Mistranslation", "accuracy/mistranslation"),
        ("Locale convention/Name format", "accuracy/entity"),
        ("Linguistic_conventions/Grammar", "fluency/grammar"),
        ("Terminology/Inappropriate for context", "terminology"),
        ("Accuracy/Untranslated text", "accuracy/untranslated"),
        ("Non_translation", "accuracy/mistranslation"),
        ("Style/Awkward", "style/awkward"),
    ],
)
def test_categories_have_our_names(published, ours):
    assert gold.name_category(published) == ours and ours in CATEGORIES


# ---- MLQE-PE


@pytest.fixture(params=["folders", "one archive", "an archive a part"])
def mlqe(request, tmp_path):
    """The same split in every layout."""
    files = samples.mlqe_files()
    if request.param == "folders":
        samples.write_files(tmp_path / "mlqe-pe", files)
    elif request.param == "one archive":
        samples.write_archive(tmp_path / "mlqe-pe/mlqe-pe-ru-en.tar.xz", files)
    else:
        for part in ("post-editing", "direct-assessments"):
            members = {
                path.split("/", 2)[2]: text for path, text in files.items() if path.startswith(part)
            }
            samples.write_archive(tmp_path / f"mlqe-pe/data/{part}/dev/ru-en-dev.tar.gz", members)
    return tmp_path


def test_mlqe_pe_is_read_in_every_layout(mlqe):
    corpus = corpora.load("mlqe-pe/dev", mlqe)
    assert (corpus.name, corpus.use, corpus.tune, len(corpus)) == (
        "mlqe-pe/dev", "development", "mlqe-pe/dev", 4,
    )  # fmt: skip
    segment, known = corpus.segments[1], corpus.gold[1]
    assert segment.mt == "Last year the prices grew on 4.5%."
    assert segment.source == "В прошлом году цены выросли на 4,5 %."
    assert segment.post_edit == "Last year prices rose by 4.5%."
    bad = [
        segment.mt[p.start : p.end]
        for p, t in zip(known.places, known.tags[1::2], strict=True)
        if t
    ]
    assert bad == ["the", "grew", "on"]
    assert (known.hter, known.da, known.domain) == (0.375, 0.125, "proverbs")
    assert known.source_tags == (False,) * 8
    assert corpus.segments[2].post_edit == "The children didn't go to school."


def test_mlqe_pe_tags_are_2n_plus_1_and_survive_spans(mlqe):
    corpus = corpora.load("mlqe-pe/dev", mlqe)
    for segment, known in zip(corpus.segments, corpus.gold, strict=True):
        assert len(known.tags) == 2 * len(known.places) + 1
        spans = tags_to_spans(segment.mt, known.places, known.tags)
        assert tuple(spans_to_tags(known.places, spans)) == known.tags
        assert corpus.tokenized(corpus.segments.index(segment), segment.mt) == known.tokenized[0]


def test_mlqe_pe_without_raw_text_is_detokenised(tmp_path):
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files(raw=False))
    corpus = corpora.load("mlqe-pe/dev", tmp_path)
    assert corpus.segments[2].mt == "The children didn't go to school"
    assert corpus.gold[2].da is None


def test_mlqe_pe_says_which_line_is_wrong(tmp_path):
    files = samples.mlqe_files()
    path = "post-editing/dev/ru-en-dev/dev.tags"
    samples.write_files(
        tmp_path / "mlqe-pe", files | {path: files[path].replace("OK BAD", "BAD", 1)}
    )
    with pytest.raises(RepairError, match=r"dev\.tags:2: 9 words need 19 tags, not 18"):
        corpora.load("mlqe-pe/dev", tmp_path)
    short = "\n".join(files[path].splitlines()[:3]) + "\n"
    samples.write_files(tmp_path / "mlqe-pe", {path: short})
    with pytest.raises(RepairError, match="3 lines instead of 4"):
        corpora.load("mlqe-pe/dev", tmp_path)


def test_what_is_missing_is_said_with_the_way_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(RepairError, match="corpora fetch mlqe-pe"):
        corpora.load("mlqe-pe/dev", tmp_path)
    monkeypatch.setenv(corpora.VARIABLE, str(tmp_path / "elsewhere"))
    with pytest.raises(RepairError, match="elsewhere"):
        corpora.load("demetr/even")
    for name in ("nothing", "mlqe-pe", "mlqe-pe/test99"):
        with pytest.raises(RepairError, match=r"test20"):
            corpora.load(name, tmp_path)


# ---- WMT


def layouts(name):
    yield "repository", samples.wmt_files(name)
    yield "tables", samples.wmt_tables(name)


@pytest.mark.parametrize(("layout", "files"), list(layouts("newstest2021")))
def test_wmt_news_is_read_in_both_layouts(tmp_path, layout, files):
    corpus = wmt.read(Files(samples.write_files(tmp_path, files)), "newstest2021", "train", None)
    # The equal output of the second system is kept for the first by name only.
    assert [s.id for s in corpus.segments] == [
        "newstest2021.ruen.1.Alpha", "newstest2021.ruen.2.Alpha", "newstest2021.ruen.3.Alpha",
        "newstest2021.ruen.1.Zeta", "newstest2021.ruen.3.Zeta",
    ]  # fmt: skip
    first = corpus.segments[0]
    assert first.references == ("The bridge was opened in May.", "The bridge opened in May.")
    assert first.source == "Мост открыли в мае." and first.doc == "Alpha/mk.1"
    assert [g.domain for g in corpus.gold[:3]] == ["news", "news", "social"]


def test_wmt_parts_are_domains_or_systems(tmp_path):
    files = Files(samples.write_files(tmp_path, samples.wmt_files()))
    assert len(wmt.read(files, "newstest2021", "test", None, "news")) == 3
    assert len(wmt.read(files, "newstest2021", "test", None, "Zeta")) == 2
    with pytest.raises(RepairError, match="Alpha, Zeta"):
        wmt.read(files, "newstest2021", "test", None, "sport")


def test_wmt_submitted_data_of_older_years(tmp_path):
    files = Files(samples.write_files(tmp_path, samples.wmt_old_files()))
    corpus = wmt.read(files, "newstest2019", "train", None)
    assert {g.system for g in corpus.gold} == {"Alpha.12", "Zeta.12"}
    assert corpus.segments[0].references == ("The bridge was opened in May.",)


def test_wmt_archive_is_read_without_unpacking(tmp_path):
    inner = {f"wmt21-news-systems-1.3/{p}": t for p, t in samples.wmt_files().items()}
    samples.write_archive(tmp_path / "wmt/wmt21-news-systems-1.3.tar.gz", inner)
    assert len(corpora.load("newstest2021", tmp_path)) == 5


def test_wmt_without_outputs_or_with_uneven_files_is_refused(tmp_path):
    files = samples.wmt_files()
    uneven = files | {"txt/references/newstest2021.ru-en.ref.A.en": "One line.\n"}
    with pytest.raises(RepairError, match="1 lines instead of 3"):
        wmt.read(Files(samples.write_files(tmp_path / "a", uneven)), "newstest2021", "test", None)
    bare = {path: text for path, text in files.items() if "outputs" not in path}
    with pytest.raises(RepairError, match="an output of a system"):
        wmt.read(Files(samples.write_files(tmp_path / "b", bare)), "newstest2021", "test", None)


class FakeSet:
    """What sacreBLEU offers of a downloaded set with systems."""

    langpairs = {"ru-en": None}  # noqa: RUF012

    def __init__(self, folder, columns):
        self.columns = columns
        self.paths = []
        for name, lines in columns.items():
            path = folder / name.replace(":", "-")
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self.paths.append(str(path))

    def fieldnames(self, pair):
        return list(self.columns)

    def get_files(self, pair):
        return self.paths


def test_sets_of_sacrebleu(tmp_path, monkeypatch):
    from sacrebleu import dataset

    columns = {"src": [r[0] for r in samples.NEWS], "ref:A": [r[1] for r in samples.NEWS],
               "docid": ["d"] * 3, **samples.OUTPUTS}  # fmt: skip
    monkeypatch.setitem(dataset.DATASETS, "fake/systems", FakeSet(tmp_path, columns))
    corpus = corpora.load("sacrebleu/fake/systems")
    assert len(corpus) == 5 and corpus.segments[0].references == (samples.NEWS[0][1],)
    with pytest.raises(RepairError, match="wmt19"):
        corpora.load("sacrebleu/no-such-set")


def test_sets_of_sacrebleu_offline_say_what_to_do(tmp_path, monkeypatch):
    from sacrebleu import dataset

    class Offline(FakeSet):
        def fieldnames(self, pair):
            raise OSError("Name or service not known")

    monkeypatch.setitem(dataset.DATASETS, "fake", Offline(tmp_path, {}))
    with pytest.raises(RepairError, match="Go online"):
        corpora.load("sacrebleu/fake")


# ---- DEMETR


@pytest.mark.parametrize("files", [samples.demetr_json(), samples.demetr_table()])
def test_demetr_has_the_clean_texts_first_and_knows_the_planted_place(tmp_path, files):
    corpus = demetr.read(Files(samples.write_files(tmp_path, files)), "even")
    assert [g.planted for g in corpus.gold[:2]] == ["", ""]
    assert len(corpus) == 5
    planted = {g.planted: (s, g) for s, g in zip(corpus.segments, corpus.gold, strict=True)}
    segment, known = planted["critical_id10_numbers_replaced"]
    assert [segment.mt[s.start : s.end] for s in known.spans] == ["8"]
    assert known.original == "The price grew by 5%." and known.severity == "critical"
    _, known = planted["critical_id23_noun_removed"]
    assert [(s.start, s.end, s.category) for s in known.spans] == [(4, 4, "accuracy/omission")]
    assert len(demetr.read(Files(tmp_path), "all")) == 7


# ---- AFRL, MQM, good English, samples


def test_afrl_keeps_its_last_400_rows_for_development(tmp_path):
    rows = [
        f"n.{i}\tОн идёт.\tHe walks.\tHe go home {i}.\tHe goes home {i}.\t0.9" for i in range(403)
    ]
    text = "\n".join(["id\tsrc_ru\ttgt_en\tmt\tpe\ttoken_sim_mt_pe", *rows]) + "\n"
    samples.write_files(tmp_path, {"post_edits/wmt14_afrl_monolingual_postedit.tsv": text})
    train, dev = (corpora.load(f"afrl/{part}", tmp_path) for part in ("train", "dev"))
    assert (len(train), len(dev)) == (3, 400)
    known = dev.gold[0]
    assert known.tags == (False,) * 3 + (True,) + (False,) * 7
    assert dev.tokenized(0, "He went home 3.") == "He went home 3 ."
    assert known.tokenized == ("He go home 3 .", "He goes home 3 .")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", samples.mqm_jsonl()),
        ("mqm_x.tsv", samples.mqm_google()),
        ("b_ru2en.tsv", samples.mqm_bio()),
    ],
)
def test_mqm_layouts_agree(tmp_path, name, text):
    samples.write_files(tmp_path, {name: text})
    corpus = mqm.read(Files(tmp_path), "ratings", "train")
    assert len(corpus) == 4
    found = {
        s.mt: [(p.start, p.end, p.category, p.severity) for p in g.spans]
        for s, g in zip(corpus.segments, corpus.gold, strict=True)
    }
    assert found["The sours one is here."] == [
        (4, 9, "accuracy/mistranslation", "major"), (13, 15, "fluency/grammar", "minor"),
    ]  # fmt: skip
    assert found["Third 'a source ."] == [(16, 17, "fluency/punctuation", "neutral")]
    assert found["The second source."] == []


def test_mqm_keeps_the_last_quarter_of_the_sources_apart(tmp_path):
    samples.write_files(tmp_path, {"a.jsonl": samples.mqm_jsonl()})
    train, dev = (mqm.read(Files(tmp_path), "ratings", "train", part) for part in ("train", "dev"))
    assert {s.source for s in dev.segments} == {"Источник четыре."}
    assert len(train) == 3 and (train.use, dev.use) == ("train", "development")


def test_mqm_leaves_out_ratings_with_an_unplaced_error(tmp_path):
    text = samples.mqm_jsonl().replace('"complete": true', '"complete": false', 1)
    samples.write_files(tmp_path, {"a.jsonl": text})
    assert len(mqm.read(Files(tmp_path), "ratings", "train")) == 3


def test_good_english_is_all_right(tmp_path):
    samples.write_files(tmp_path, {"bbc.tsv": "source_id\tsentence\nbbc:x:1\tIt is late.\n"})
    corpus = english.read(Files(tmp_path), "bbc", "development")
    assert corpus.gold[0].tags == (False,) * 9 and corpus.segments[0].doc == "bbc:x"


def test_samples_of_the_package_are_a_corpus():
    corpus = corpora.load("samples/diplomacy")
    assert corpus.segments[0].references and any(g.spans for g in corpus.gold)
    assert len(corpora.load("samples/diplomacy", limit=3)) == 3


# ---- manifest and fetching


def test_the_manifest_is_complete():
    for name, entry in corpora.manifest().items():
        assert {"title", "origin", "licence", "use", "reader"} <= set(entry), name
        uses = [entry["use"]] if isinstance(entry["use"], str) else list(entry["use"].values())
        assert set(uses) <= {"train", "development", "test"}
        for file in entry.get("repacked", ()):
            assert (
                file["size"] > 0 and len(file["sha256"]) == 64 and not file["path"].startswith("/")
            )
        for file in entry.get("files", ()):
            assert file["url"].startswith("https://") and " " not in file["url"]
    assert corpora.manifest()["generaltest2022"]["use"] == "test"
    assert "mlqe-pe/test20" in corpora.names()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one file, whole or from an offset; breaks off where told."""

    data, break_at, asked = b"", None, []

    def do_GET(self):
        if self.path != "/set.tsv":
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        type(self).asked.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.data) - start))
        self.end_headers()
        self.wfile.write(self.data[start : type(self).break_at])

    def log_message(self, *_):
        pass


@pytest.fixture
def served(monkeypatch):
    """A corpus that is published on loopback; its bytes, and the server."""
    data = b"source_id\tsentence\n" + b"x:y:1\tGood morning to all of you.\n" * 500
    Server.data, Server.break_at, Server.asked = data, None, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = {"path": "little/set.tsv", "url": f"http://127.0.0.1:{server.server_port}/set.tsv",
            "sha256": hashlib.sha256(data).hexdigest()}  # fmt: skip
    entry = {"title": "Little", "origin": "here", "licence": "none", "reader": "english",
             "use": {"set": "development"}, "files": [file]}  # fmt: skip
    monkeypatch.setattr(corpora, "manifest", lambda: {"little": entry})
    yield file, entry
    server.shutdown()
    server.server_close()


def test_fetch_downloads_verifies_and_does_it_once(served, tmp_path):
    told = []
    paths = fetch("little", tmp_path, progress=lambda *state: told.append(state))
    assert paths == [tmp_path / "little/set.tsv"] and paths[0].read_bytes() == Server.data
    assert told[-1] == ("set.tsv", len(Server.data), len(Server.data))
    fetch("little", tmp_path)
    assert Server.asked == [0]
    assert verify("little", tmp_path) == [(paths[0], "ok")]
    assert len(corpora.load("little/set", tmp_path)) == 500


def test_fetch_goes_on_where_it_stopped(served, tmp_path):
    Server.break_at = 4000
    with pytest.raises(RepairError, match=r"cannot be reached|broke off"):
        fetch("little", tmp_path)
    assert not (tmp_path / "little/set.tsv").exists()
    Server.break_at = None
    fetch("little", tmp_path)
    assert Server.asked[-1] == 4000
    assert (tmp_path / "little/set.tsv").read_bytes() == Server.data


def test_fetch_refuses_what_differs(served, tmp_path):
    served[0]["sha256"] = "0" * 64
    with pytest.raises(RepairError, match="checksum is"):
        fetch("little", tmp_path)


def test_fetch_remembers_a_checksum_that_was_not_known(served, tmp_path):
    del served[0]["sha256"]
    path = fetch("little", tmp_path)[0]
    assert verify("little", tmp_path) == [(path, "ok")]
    path.write_bytes(b"other")
    assert verify("little", tmp_path) == [(path, "changed")]


def test_fetch_checks_the_files_inside(served, tmp_path):
    served[1]["contents"] = [{"name": "set.tsv", "sha256": "0" * 64}]
    with pytest.raises(RepairError, match="not what was published"):
        fetch("little", tmp_path)


def test_fetch_says_what_is_gone_offline_or_by_hand(served, tmp_path):
    file, entry = served
    url = file["url"]
    file["url"] = url.replace("set.tsv", "gone")
    with pytest.raises(RepairError, match="404"):
        fetch("little", tmp_path)
    file["url"] = "http://127.0.0.1:9/set.tsv"
    with pytest.raises(RepairError, match="Go online"):
        fetch("little", tmp_path)
    del entry["files"]
    with pytest.raises(RepairError, match="published at here"):
        fetch("little", tmp_path)


# ---- the real ones


@needs_corpora
def test_published_mlqe_pe_obeys_the_laws():
    changed = exact = 0
    for name in ("mlqe-pe/dev", "mlqe-pe/test20"):
        corpus = corpora.load(name)
        assert len(corpus) == 1000
        for index, (segment, known) in enumerate(zip(corpus.segments, corpus.gold, strict=True)):
            assert len(known.tags) == 2 * len(known.places) + 1
            assert corpus.tokenized(index, segment.mt) == known.tokenized[0]
            if known.tokenized[0] == known.tokenized[1]:
                assert segment.post_edit == segment.mt
            else:
                changed += 1
                exact += corpus.tokenized(index, segment.post_edit) == known.tokenized[1]
    # The released words of a post-edit come back from its running text, a handful apart.
    assert exact / changed > 0.99


@needs_corpora
def test_local_files_are_those_of_the_manifest():
    for name in ("mlqe-pe", "afrl", "demetr", "newstest2021", "generaltest2022"):
        assert {state for _, state in verify(name)} <= {"ok"}


@needs_corpora
@pytest.mark.parametrize("name", ["mlqe-pe/test21", "afrl/dev", "demetr/even", "biomqm/dev",
                                  "newstest2021", "generaltest2022/news"])  # fmt: skip
def test_published_sets_are_read(name):
    corpus = corpora.load(name)
    assert len({segment.id for segment in corpus.segments}) == len(corpus)
    for segment, known in zip(corpus.segments, corpus.gold, strict=True):
        for span in known.spans or ():
            assert 0 <= span.start <= span.end <= len(segment.mt)
    assert corpus.use in ("development", "test") and Path(corpora.corpora_folder()).is_dir()
