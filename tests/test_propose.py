"""Hypotheses from files and models: edits that belong together, safe loading, no lost text."""

import gzip
import http.server
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import models
from repair.core import Edit, RepairError, Segment, apply
from repair.propose import Hypotheses, Hypothesis, propose
from repair.propose.changes import category_of, cut

FAMILIES = ("marian", "t5", "bart", "m2m100")
WORDS = st.lists(st.sampled_from(
    ["the", "law", "“", "”", '"', "of", "new", "not", "in", "2014", ",", "Moscow", "said", "says", "("]
), max_size=12).map(" ".join)  # fmt: skip


def edits_of(mt, hypothesis):
    """(old, new, category, group) of each finding."""
    found = propose(Segment("1", mt), [Hypothesis(hypothesis, "x")])
    return [
        (mt[f.span.start : f.span.end], f.candidates[0].edit.text, f.span.category,
         f.candidates[0].group)
        for f in found
    ]  # fmt: skip


# -- changes ------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS)
def test_all_bundles_together_give_the_hypothesis(mt, hypothesis):
    edits = [edit for bundle in cut(mt, hypothesis) for edit in bundle.edits]
    assert apply(mt, edits).split() == hypothesis.split()


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS)
def test_every_edit_is_in_one_bundle_and_findings_repeat(mt, hypothesis):
    edits = [edit for bundle in cut(mt, hypothesis) for edit in bundle.edits]
    assert len(edits) == len(set(edits))
    segment, heard = Segment("1", mt), [Hypothesis(hypothesis, "x")]
    found = propose(segment, heard)
    assert found == propose(segment, heard)
    for finding in found:
        (candidate,) = finding.candidates
        assert 0 < candidate.confidence <= finding.span.confidence < 1
        assert (candidate.edit.start, candidate.edit.end) == (finding.span.start, finding.span.end)


def test_spaces_around_and_between_are_not_an_opinion():
    assert (
        propose(Segment("1", " The  law\u00a0passed. \n"), [Hypothesis("The law passed.", "x")])
        == []
    )


def test_edits_of_one_hypothesis_stand_alone():
    found = edits_of("He quotes the law, in a big town.", "He cites the laws, in a large town.")
    assert len({group for *_, group in found}) == len(found) > 2
    assert {group.split("#")[0] for *_, group in found} == {"x.1"}


@pytest.mark.parametrize(
    ("mt", "hypothesis"),
    [
        ("Yesterday the court freed him.", "The court freed him yesterday."),
        ("He said “yes” to us.", 'He said "yes" to us.'),
        ("He said yes to us.", "He said (yes) to us."),
        ("They looked up the word.", "They looked the word up."),
        ("He is not sure that it is.", "He is sure that it is not."),
    ],
)
def test_what_belongs_together_shares_its_group(mt, hypothesis):
    found = edits_of(mt, hypothesis)
    assert len(found) >= 2
    assert len({group for *_, group in found}) == 1


def test_articles_come_and_go_on_their_own():
    found = edits_of("So the court freed man.", "So court freed the man.")
    assert len({group for *_, group in found}) == 2


@pytest.mark.parametrize(
    ("mt", "old", "new", "category"),
    [
        ("He walk home.", "walk", "walked", "fluency/grammar"),
        ("He walked in home.", " in", "", "fluency/grammar"),
        ("He went home.", "", "quickly ", "accuracy/omission"),
        ("He went quickly home.", " quickly", "", "accuracy/addition"),
        ("It was done in 2014.", "2014", "2015", "accuracy/number"),
        ("It was two men.", "two", "three", "accuracy/number"),
        ("It was two men.", "was", "was not", "accuracy/negation"),
        ("It is Moscow.", "Moscow", "Minsk", "accuracy/entity"),
        ("The cat slept.", "cat", "dog", "accuracy/mistranslation"),
        ("Yes , he did.", " ,", ",", "fluency/typography"),
        ("Yes he did.", "Yes", "Yes,", "fluency/punctuation"),
        ("He said “no”.", "“", '"', "fluency/typography"),
        ("the cat slept.", "the", "The", "fluency/typography"),
        ("He home went.", "home went", "went home", "fluency/word-order"),
    ],
)
def test_category(mt, old, new, category):
    start = mt.index(old) if old else mt.index("home")
    assert category_of(mt, Edit(start, start + len(old), new)) == category


def test_agreement_is_one_candidate_with_its_count():
    segment = Segment("1", "He quotes the law.")
    heard = [Hypothesis("He cites the law.", "a"), Hypothesis("He cites the laws.", "b"),
             Hypothesis("He reads the law.", "c")]  # fmt: skip
    found = propose(segment, heard)
    by_text = {f.candidates[0].edit.text: f.candidates[0] for f in found}
    assert set(by_text) == {"cites", "laws", "reads"}
    assert by_text["cites"].score == 2 and "2 of 3" in by_text["cites"].message
    assert by_text["cites"].confidence > by_text["reads"].confidence
    # The best hypothesis of a list speaks against what only the second has.
    listed = propose(
        segment, [Hypothesis("He cites the law.", "a"), Hypothesis("He reads the law.", "a", 1)]
    )
    first, second = (next(f.candidates[0] for f in listed if f.candidates[0].edit.text == t)
                     for t in ("cites", "reads"))  # fmt: skip
    assert first.confidence > second.confidence


def test_an_empty_mt_is_an_omission_and_an_empty_hypothesis_is_none():
    (finding,) = propose(Segment("1", ""), [Hypothesis("The law passed.", "x")])
    assert finding.span.category == "accuracy/omission"
    assert apply("", [finding.candidates[0].edit]) == "The law passed."
    assert propose(Segment("1", "The law passed."), [Hypothesis(" ", "x")]) == []


# -- files of hypotheses ------------------------------------------------------------------------


def test_formats_say_the_same(tmp_path):
    rows = [("b", "Second text.", "nmt", 0.5), ("a", "First text here.", "human", None),
            ("a", "First texts.", "nmt", -2.0), ("a", "First, text.", "nmt", -1.0)]  # fmt: skip
    tsv = "\ufeffproducer\tid\tscore\thypothesis\n" + "".join(
        f"{by}\t{i}\t{'' if s is None else s}\t{h}\r\n" for i, h, by, s in rows
    )
    plain = "".join(f"{i}\t{h}\t{by}\t{'' if s is None else s}\n" for i, h, by, s in rows)
    jsonl = "".join(
        json.dumps({"id": i, "hypothesis": h, "producer": by, "score": s}) + "\n"
        for i, h, by, s in rows
    )
    (tmp_path / "h.tsv").write_text(tsv, "utf-8")
    (tmp_path / "plain.tsv").write_text(plain, "utf-8")
    (tmp_path / "h.jsonl.gz").write_bytes(gzip.compress(jsonl.encode()))
    segments = [Segment("a", "First text."), Segment("b", "Second text."), Segment("c", "Other.")]
    results = []
    for name in ("h.tsv", "plain.tsv", "h.jsonl.gz"):
        stage = Hypotheses(tmp_path / name)
        results.append(stage(segments))
        assert stage.notices() == []
        ranked = [(h.text, h.rank) for h in stage.of("a") if h.producer == "hypotheses/nmt"]
        assert ranked == [("First, text.", 0), ("First texts.", 1)]
        stage.close()
    assert results[0] == results[1] == results[2]
    assert results[0][1:] == [[], []]
    assert {f.span.by for f in results[0][0]} == {"hypotheses/human", "hypotheses/nmt"}


def test_unknown_ids_are_reported_with_their_lines(tmp_path):
    path = tmp_path / "engine.tsv"
    path.write_text("a\tText.\nz\tText.\ny\tText.\nz\tTexts.\n")
    stage = Hypotheses(path)
    stage([Segment("a", "Text")])
    assert stage.unknown() == (2, [("z", 2), ("y", 3)])
    assert "2 ids belong to no segment: 'z' (line 2), 'y' (line 3)" in stage.notices()[0]
    assert stage.of("a")[0].producer == "hypotheses/engine"


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("h.tsv", b"a\tText.\nonly\n", 2, "tabs"),
        ("h.tsv", b"a\tText.\tx\t1\t5\n", 1, "columns"),
        ("h.tsv", b"a\tText.\tx\tgood\n", 1, "score"),
        ("h.tsv", b"a\tText.\tx\tnan\n", 1, "score"),
        ("h.tsv", b"\tText.\n", 1, "empty"),
        ("h.tsv", b"id\tproducer\na\tx\n", 1, "hypothesis"),
        ("h.tsv", b"a\tText.\n\xcf\xf0\tx\n", 2, "UTF-8"),
        ("h.tsv", b"a\tTe\x00xt.\n", 1, "U+0000"),
        ("h.tsv", b"", None, "no hypothesis"),
        ("h.jsonl", b'{"id": "a", "hypothesis": "T"}\n{"id": \n', 2, "column"),
        ("h.jsonl", b"[1]\n", 1, "object"),
        ("h.jsonl", b'{"id": "a"}\n', 1, "'hypothesis' is missing"),
        ("h.jsonl", b'{"id": true, "hypothesis": "T"}\n', 1, "'id'"),
        ("h.jsonl", b'{"id": "a", "hypothesis": "\\ud800"}\n', 1, "U+D800"),
        ("h.jsonl", b'{"id": "a", "hypothesis": "T", "score": [1]}\n', 1, "score"),
        ("h.jsonl.gz", b"no gzip", None, "gzip"),
    ],
)
def test_bad_files_say_where(tmp_path, name, content, line, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RepairError) as caught:
        Hypotheses(path)
    assert (caught.value.line, caught.value.path) == (line, path)
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RepairError, match="No such file"):
        Hypotheses(tmp_path / "none.tsv")


# -- models -------------------------------------------------------------------------------------

SEGMENTS = [
    Segment("1", "The minister said that the talks go on.", "Министр заявил, что переговоры идут."),
    Segment("2", "Nobody was hurt.", "Никто не пострадал."),
    Segment("3", "The court in the capital let the man go, they said.", "Суд отпустил мужчину."),
    Segment("4", "", "Цены на нефть упали."),
    Segment("5", "Oil prices fell."),
    Segment("6", "Nobody was hurt.", "Никто не пострадал."),
]


def load(folder, **options):
    from repair.propose.seq2seq import Seq2Seq

    return Seq2Seq(folder, **{"kind": "translator", "threads": 1, "beam": 3} | options)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["editor", "translator"])
def test_families_and_kinds(tiny_model, family, kind):
    stage = load(tiny_model(family), kind=kind, nbest=2)
    hypotheses = stage.hypotheses(SEGMENTS)
    assert len(hypotheses) == len(SEGMENTS)
    assert any(hypotheses) and all(len(h) <= 2 for h in hypotheses)
    assert hypotheses[1] == hypotheses[5]
    # An editor has nothing to read in an empty MT, a translator nothing without a source.
    assert hypotheses[3 if kind == "editor" else 4] == []
    assert not any("</s>" in t or "<pad>" in t or "__en__" in t for h in hypotheses for t in h)
    findings = stage(SEGMENTS)
    assert len(findings) == len(SEGMENTS)
    for segment, found, texts in zip(SEGMENTS, findings, hypotheses, strict=True):
        assert bool(found) <= bool(texts)
        for finding in found:
            assert finding.span.by == f"seq2seq/tiny-{family}"
            apply(segment.mt, [finding.candidates[0].edit])


@pytest.mark.parametrize("family", FAMILIES)
def test_results_do_not_depend_on_the_batch(tiny_model, family):
    stage = load(tiny_model(family), kind="editor", nbest=2)
    together = stage.hypotheses(SEGMENTS)
    assert len({tuple(h) for h in together}) >= 3, "the model must not write the same for all"
    assert together == stage.hypotheses(SEGMENTS)
    assert together == [stage.hypotheses([segment])[0] for segment in SEGMENTS]
    stage.batch_tokens = 1
    shuffled = random.Random(3).sample(range(len(SEGMENTS)), len(SEGMENTS))
    again = stage.hypotheses([SEGMENTS[i] for i in shuffled])
    assert [again[shuffled.index(i)] for i in range(len(SEGMENTS))] == together


def test_the_same_folder_gives_the_same_signature_and_options_change_it(tiny_model):
    stage = load(tiny_model("marian"))
    assert stage.signature == load(tiny_model("marian")).signature
    assert stage.signature != load(tiny_model("marian"), beam=2).signature
    assert stage.signature.startswith("seq2seq:tiny-marian@")


def test_long_texts_are_windowed_and_a_too_long_sentence_is_skipped(tiny_model):
    stage = load(tiny_model("marian"), kind="editor", beam=1)
    sentence = "The court let the man go."
    (windows, whole) = stage._windows(" ".join([sentence] * 12)), stage._windows(sentence)
    assert len(windows) > 1 and " ".join(windows) == " ".join([sentence] * 12)
    assert all(len(stage._encode(window)) <= 64 for window in windows)
    one, many = stage.hypotheses([Segment("1", sentence), Segment("2", " ".join([sentence] * 12))])
    assert bool(one) == bool(many) and whole == [sentence]
    endless = Segment("3", "the court " * 100)
    assert stage.hypotheses([endless]) == [[]]


def test_an_unfinished_output_is_no_hypothesis(tiny_model):
    stage = load(tiny_model("m2m100"), kind="editor", nbest=3)
    assert any(stage.hypotheses(SEGMENTS))
    stage._room = 1
    assert not any(stage.hypotheses(SEGMENTS))


def test_the_prefix_reaches_the_model(tiny_model):
    stage = load(tiny_model("t5"), kind="editor", prefix="gec: ")
    assert stage._encode("the law") == load(tiny_model("t5"), kind="editor")._encode("gec: the law")
    assert "gec: " in stage.signature


def test_what_the_model_cannot_write_is_not_an_edit(tiny_model):
    stage = load(tiny_model("marian"), kind="editor")
    mt = "The talks № go on."
    kept = stage._spellable(mt, propose(Segment("1", mt), [Hypothesis("The talks go.", "x")]))
    assert [mt[f.span.start : f.span.end].strip() for f in kept] == ["on"]


@pytest.mark.parametrize(
    ("family", "name", "kind"),
    [
        ("marian", "anything", "translator"),
        ("m2m100", "anything", "translator"),
        ("t5", "my-grammar-correction", "editor"),
        ("bart", "bart-gec", "editor"),
        ("t5", "anything", None),
        ("bart", "anything", None),
    ],
)
def test_kind_is_guessed_where_certain(tiny_model, tmp_path, family, name, kind):
    folder = tmp_path / name
    shutil.copytree(tiny_model(family), folder)
    if kind:
        assert load(folder, kind=None).kind == kind
    else:
        with pytest.raises(RepairError, match="--fixer-kind"):
            load(folder, kind=None)


def test_languages(tiny_model, tmp_path):
    stage = load(tiny_model("m2m100"))
    codes = stage._tokenizer.lang_code_to_id
    assert stage._encode("да")[0] == codes["ru"]
    assert stage._model.generation_config.forced_bos_token_id == codes["en"]
    assert load(tiny_model("m2m100"), kind="editor")._encode("yes")[0] == codes["en"]
    with pytest.raises(RepairError, match="no language 'xx'"):
        load(tiny_model("m2m100"), source_lang="xx")
    folder = tmp_path / "opus-mt-en-ru"
    shutil.copytree(tiny_model("marian"), folder)
    (folder / "tokenizer_config.json").write_text('{"source_lang": "en", "target_lang": "ru"}')
    with pytest.raises(RepairError, match="from en to ru"):
        load(folder)


@pytest.mark.parametrize(
    "options", [{"nbest": 4}, {"kind": "both"}, {"beam": 0}, {"device": "abacus"}]
)
def test_bad_options(tiny_model, options):
    with pytest.raises(RepairError):
        load(tiny_model("t5"), **options)


# -- safety -------------------------------------------------------------------------------------


class Trap:
    """What a hostile pickle does: runs a command when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_bin_weights_load_without_running_anything(tiny_model, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "tiny"
    shutil.copytree(tiny_model("marian"), folder)
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    same = load(tiny_model("marian")).hypotheses(SEGMENTS)
    assert load(folder).hypotheses(SEGMENTS) == same

    sprung = tmp_path / "sprung"
    for hostile in ("torch", "pickle"):
        if hostile == "torch":
            torch.save(state | {"trap": Trap(sprung)}, folder / "pytorch_model.bin")
        else:
            (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(sprung)))
        with pytest.raises(RepairError, match="not loaded"):
            load(folder)
        assert not sprung.exists()
    # With safetensors beside it, the pickle is not even opened.
    shutil.copy(tiny_model("marian") / "model.safetensors", folder)
    assert load(folder).hypotheses(SEGMENTS) == same
    assert not sprung.exists()


def test_code_beside_a_model_is_not_run(tiny_model, tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_model("bart"), folder)
    sprung = tmp_path / "sprung"
    (folder / "evil.py").write_text(f"import os; os.mkdir({str(sprung)!r})\nclass A: pass\n")
    config = json.loads((folder / "config.json").read_text())
    names = ("AutoConfig", "AutoModelForSeq2SeqLM", "AutoTokenizer")
    config["auto_map"] = dict.fromkeys(names, "evil.A")
    (folder / "config.json").write_text(json.dumps(config))
    settings_of = json.loads((folder / "tokenizer_config.json").read_text())
    settings_of["auto_map"] = {"AutoTokenizer": ["evil.A", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings_of))
    load(folder)
    config["model_type"] = "evil"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RepairError, match="contains custom code"):
        load(folder)
    assert not sprung.exists()


@pytest.mark.parametrize(
    "broken", ["weights", "config", "tokenizer", "decoder-only", "cut", "shape"]
)
def test_broken_folders_are_explained(tiny_model, tmp_path, broken):
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_model("t5"), folder)
    weights = folder / "model.safetensors"
    if broken == "weights":
        weights.rename(folder / "tf_model.h5")
    elif broken == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif broken == "tokenizer":
        (folder / "spiece.model").write_bytes(b"nonsense")
    else:
        config = json.loads((folder / "config.json").read_text())
        config = {"config": {}, "decoder-only": config | {"model_type": "gpt2"},
                  "shape": config | {"d_ff": 32}}[broken]  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RepairError) as caught:
        load(folder)
    assert caught.value.path == folder and caught.value.mend


# -- the hub ------------------------------------------------------------------------------------


class FakeHub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's API as a download needs, for one model."""

    files, asked = {}, []

    def do_GET(self):
        type(self).asked.append(self.path)
        path = self.path.partition("?")[0]
        commit = "a" * 40
        if path.startswith("/api/models/some/model/tree/"):
            tree = [{"type": "file", "path": n, "size": len(b), "oid": "b" * 40}
                    for n, b in self.files.items()]  # fmt: skip
            self._send(json.dumps(tree).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/api/models/some/model"):
            listed = [{"rfilename": n} for n in self.files]
            info = {"id": "some/model", "sha": commit, "siblings": listed}
            self._send(json.dumps(info).encode(), {"Content-Type": "application/json"})
        elif (name := path.rpartition("/")[2]) in self.files and "/resolve/" in path:
            self._send(self.files[name], {"ETag": f'"{name}"', "X-Repo-Commit": commit})
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET

    def _send(self, body, headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def in_fresh_python(code, home, **environment):
    """Standard output of code that runs with the hub's settings read anew."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"HF_HOME": str(home)} | environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_fetch_takes_only_what_is_safe_and_needed(tmp_path):
    FakeHub.files = {"config.json": b"{}", "model.safetensors": b"w", "pytorch_model.bin": b"p",
                     "modeling.py": b"evil", "training_args.bin": b"evil", "spiece.model": b"s",
                     "tf_model.h5": b"t", "tokenizer.json": b"{}", "README.md": b"card"}  # fmt: skip
    FakeHub.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        code = (
            "from repair import models\n"
            "folder, name = models.resolve('some/model')\n"
            "print(*sorted(p.name for p in folder.iterdir()))\n"
            f"print(models.fetch('some/model', {str(tmp_path / 'here')!r}))\n"
            "try: models.fetch('some/other')\n"
            "except models.RepairError as error: print(error)\n"
        )
        out = in_fresh_python(code, tmp_path / "cache", HF_ENDPOINT=endpoint).splitlines()
    finally:
        server.shutdown()
        server.server_close()
    wanted = "README.md config.json model.safetensors spiece.model tokenizer.json"
    assert out[0] == wanted
    assert (tmp_path / "here" / "model.safetensors").read_bytes() == b"w"
    assert "The hub has no model some/other" in out[2]
    fetched = {path.rpartition("/")[2] for path in FakeHub.asked if "/resolve/" in path}
    assert fetched == set(wanted.split())
    # Once it is in the cache, nobody is asked any more.
    again = in_fresh_python(
        "from repair import models; print(models.resolve('some/model')[0])",
        tmp_path / "cache",
        HF_HUB_OFFLINE="1",
    )
    assert "snapshots" in again


@pytest.mark.parametrize(
    "environment",
    [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_XET": "1"}],
)
def test_offline_says_what_to_do(tmp_path, environment):
    code = (
        "from repair.propose.seq2seq import Seq2Seq\nfrom repair import RepairError\n"
        "try: Seq2Seq('opus-mt-ru-en')\n"
        "except RepairError as error: print(error)"
    )
    out = in_fresh_python(code, tmp_path, **environment)
    assert "Cannot download Helsinki-NLP/opus-mt-ru-en" in out and "give its folder" in out


def test_a_name_that_is_no_model():
    with pytest.raises(RepairError, match="neither a folder nor a hub id"):
        models.resolve("./nowhere")


# -- what ships ---------------------------------------------------------------------------------


def test_seal_and_verify(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "train.py").write_text("pass")
    models.seal(tmp_path)
    assert "train.py" not in (tmp_path / models.SUMS).read_text()
    models.verify(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(RepairError, match=r"model\.safetensors.*differs"):
        models.verify(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(RepairError, match="missing"):
        models.verify(tmp_path)
    (tmp_path / models.SUMS).write_text(f"{'0' * 64}  ../outside\n")
    with pytest.raises(RepairError, match="no checksum"):
        models.verify(tmp_path)


def test_what_ships_matches_its_checksums():
    for model in models.shipped():
        models.verify(model.folder)
        assert model.licence and model.size > 0


def test_hub_models_are_listed_with_what_a_user_needs():
    listed = models.hub()
    assert {m.kind for m in listed} == {"editor", "translator"}
    assert len({m.name for m in listed}) == len(listed)
    for model in listed:
        assert "/" in model.name and model.licence and model.note and model.name in model.use
    assert models.known("opus-mt-ru-en").name == "Helsinki-NLP/opus-mt-ru-en"
    assert models.known("vennify/t5-base-grammar-correction").prefix == "grammar: "
