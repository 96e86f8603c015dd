"""Evaluation: laws, peers' prediction files, gates, and the command."""

import json
from pathlib import Path

import corpus_samples as samples
import numpy as np
import pytest
from repair.corpora.gold import Corpus, Gold

from repair import RepairError, corpora
from repair.cli import main
from repair.core import Candidate, Edit, ErrorSpan, Finding, Quality, Record, Segment, Suggestion
from repair.detect import Detection
from repair.evaluate import Thresholds, gold_tags, measure, run_system, tune
from repair.evaluate.baselines import RandomEdit, Surface, make_system, readme_block
from repair.evaluate.metrics import score
from repair.evaluate.results import draw_plots, summary_rows, write_page, write_text
from repair.evaluate.systems import AllOk, DoNothing, Output, Piped, Predicted, Staged


@pytest.fixture
def folder(tmp_path):
    """A corpora folder with a development and a test set of MLQE-PE."""
    posts = samples.POSTS * 3
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files("dev", posts))
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files("test20", posts))
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files("train", posts * 3))
    samples.write_files(tmp_path, samples.demetr_table())
    samples.write_files(tmp_path, samples.wmt_tables())
    return tmp_path


@pytest.fixture
def dev(folder):
    return corpora.load("mlqe-pe/dev", folder)


def evaluated(system, corpus, **options):
    outputs, seconds = run_system(system, corpus)
    thresholds = options.pop("thresholds", None) or tune(corpus, outputs)
    options = {"samples": 50, "thresholds": thresholds, "seconds": seconds} | options
    return measure(corpus, system, outputs, **options)


# ---- systems


class Oracle:
    """A system that knows the answers, to see that they are counted as right."""

    name = signature = "oracle-for-tests"

    def outputs(self, corpus):
        from repair.align import diff

        for segment, gold in zip(corpus.segments, corpus.gold, strict=True):
            edits = tuple(diff(segment.mt, segment.post_edit))
            yield Output(
                places=gold.places,
                words=np.array(gold.tags[1::2], dtype=float) * 0.8,
                gaps=np.array(gold.tags[::2], dtype=float) * 0.8,
                quality=Quality(gold.hter, gold.da),
                offers=tuple((Candidate(edit, "t", 0.9),) for edit in edits),
                kept=edits,
                fixed=segment.post_edit,
            )


def test_knowing_everything_is_perfect(dev):
    evaluation = evaluated(Oracle(), dev)
    for name in ("words.mcc", "gaps.mcc", "words+gaps.mcc", "spans.exact.f1", "sentence.hter.pearson",
                 "sentence.da.pearson", "repair.edits.kept.share_towards", "repair.wanted.first"):  # fmt: skip
        assert evaluation.figure(name) == pytest.approx(1), name
    assert evaluation.figure("repair.post_edit.TER.after") == 0
    assert evaluation.figure("repair.post_edit.BLEU.after") == pytest.approx(100)
    assert evaluation.figure("repair.harm.rate") == 0
    assert evaluation.results["repair"]["segments"]["improved"] == 9


def test_doing_nothing_changes_nothing_and_is_the_released_text(dev):
    evaluation = evaluated(DoNothing(), dev)
    old, new = zip(*(gold.tokenized for gold in dev.gold), strict=True)
    plain = score(old, new, tokenized=True, samples=0)
    for name in ("TER", "BLEU", "chrF++"):
        assert evaluation.figure(f"repair.post_edit.{name}.before") == plain[name].value
        assert evaluation.figure(f"repair.post_edit.{name}.change") == 0
        assert evaluation.figure(f"repair.post_edit.{name}.p") == 1
    assert evaluation.figure("words.mcc") == 0
    assert "repair" not in evaluated(AllOk(), dev).results


class Shout:
    """A stage that flags the first word and would write it in capitals; sees what it is given."""

    signature = "shout/1"

    def __init__(self):
        self.seen = []

    def __call__(self, segments):
        self.seen += segments
        for segment in segments:
            end = segment.mt.index(" ")
            span = ErrorSpan(0, end, "fluency/typography", "minor", 0.4, "shout")
            candidate = Candidate(Edit(0, end, segment.mt[:end].upper() + "!"), "shout", 0.4)
            yield [Finding(span, (candidate,))]


def test_a_system_never_sees_references_and_harm_is_counted(dev, folder):
    stage = Shout()
    news = corpora.load("newstest2021", folder)
    for corpus in (dev, news):
        evaluation = evaluated(Staged("shout", stage), corpus)
        assert evaluation.figure("repair.edits.kept.share_towards") == 0
        assert evaluation.results["repair"]["segments"]["worsened"] == len(corpus)
        assert evaluation.figure("repair.harm.rate") == 1
    assert all(not s.references and s.post_edit is None for s in stage.seen)
    assert set(evaluation.results["repair"]["references"]["by_system"]) == {"Alpha", "Zeta"}
    assert evaluation.figure("repair.oracle.TER.change") == 0


def test_without_references_a_system_says_the_same(folder):
    from dataclasses import replace

    corpus = corpora.load("newstest2021", folder)
    bare = replace(corpus, segments=[replace(s, references=()) for s in corpus.segments])
    for system in (Staged("shout", Shout()), RandomEdit()):
        assert run_system(system, corpus)[0] == run_system(system, bare)[0]


class Tagger:
    """A detector with words of its own: it cuts at spaces, and scores by length."""

    signature = "tagger/1"

    def __call__(self, segments):
        from repair.align import whitespace_tokens

        for segment in segments:
            places = tuple(whitespace_tokens(segment.mt))
            words = tuple(min(1.0, (end - start) / 10) for start, end in places)
            gaps = (0.1,) * len(places) + (0.9,)
            yield Detection((), Quality(0.2, 0.1), places, words, gaps)


def test_scores_of_other_words_are_carried_over(dev):
    output = run_system(Staged("tagger", Tagger(), fix=False), dev)[0][1]
    text, places = dev.segments[1].mt, dev.gold[1].places
    words, gaps = output.scores_at(text, places)
    by_word = dict(zip([text[a:b] for a, b in places], words, strict=True))
    assert by_word["4.5"] == by_word["%"] == by_word["."] == pytest.approx(0.5)
    assert by_word["prices"] == pytest.approx(0.6)
    # The gap before the last word's parts is real, those within it are not.
    assert gaps.tolist() == pytest.approx([0.1] * 7 + [0, 0, 0.9])
    evaluation = evaluated(Staged("tagger", Tagger(), fix=False), dev)
    assert evaluation.results["calibration"]["words"]["count"] == 81
    assert "repair" not in evaluation.results


def test_gaps_and_words_take_the_confidence_of_spans():
    output = Output(
        spans=(
            ErrorSpan(0, 5, "accuracy/addition", "minor", 0.7, "t"),
            ErrorSpan(6, 6, "accuracy/omission", "minor", 0.6, "t"),
            ErrorSpan(8, 8, "accuracy/omission", "minor", 0.5, "t"),
        )
    )
    from repair.align import tokens

    words, gaps = output.scores_at("Never again.", tokens("Never again."))
    assert words.tolist() == [0.7, 0.5, 0]  # an omission inside a word marks the word
    assert gaps.tolist() == [0, 0.6, 0, 0]


class Pipeline:
    """Ends every segment with a full stop."""

    signature = "pipeline/1"

    def run(self, segments):
        for segment in segments:
            edit = Edit(len(segment.mt), len(segment.mt), ".")
            span = ErrorSpan(edit.start, edit.end, "fluency/punctuation", "minor", 0.6, "t")
            done = not segment.mt.endswith(".") and segment.mt[-1].isalpha()
            suggestion = Suggestion("x", span, (Candidate(edit, "t", 0.6),), 0.6, applied=done)
            fixed = segment.mt + "." if done else segment.mt
            yield Record(segment, (span,), (suggestion,), fixed)


def test_a_pipeline_is_measured_by_its_records(dev):
    evaluation = evaluated(Piped("dots", Pipeline()), dev)
    repair = evaluation.results["repair"]
    assert repair["segments"] == {
        "against": "post_edit", "improved": 3, "unchanged": 9, "worsened": 0, "changed": 3,
    }  # fmt: skip
    assert (repair["edits"]["proposed"]["edits"], repair["edits"]["kept"]["edits"]) == (12, 3)
    assert repair["harm"]["rate"] == 0 and repair["harm"]["with_suggestions"] == 3


def test_a_system_that_loses_segments_is_refused(dev):
    class Lossy:
        signature = "lossy"

        def __call__(self, segments):
            return [[] for _ in segments][1:]

    with pytest.raises(RepairError, match="results out"):
        run_system(Staged("lossy", Lossy()), dev)
    with pytest.raises(RepairError, match="records out"):
        run_system(Piped("lossy", lambda segments: iter(())), dev)


# ---- predictions of others


def written(tmp_path, lines):
    path = tmp_path / "predictions"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def gold_lines(dev, kind):
    for index, (segment, gold) in enumerate(zip(dev.segments, dev.gold, strict=True)):
        names = ["BAD" if tag else "OK" for tag in gold.tags]
        if kind == "tags":
            yield " ".join(names)
        elif kind == "words":
            yield " ".join(names[1::2])
        elif kind == "probabilities":
            yield " ".join("0.9" if tag else "0.2" for tag in gold.tags)
        elif kind == "spans":
            from repair.align import tags_to_spans

            spans = tags_to_spans(segment.mt, gold.places, gold.tags)
            yield json.dumps({"spans": [{"start": a, "end": b} for a, b in spans]})
        elif kind == "tokenized spans":
            words, spans, position = gold.tokenized[0].split(" "), [], 0
            for word, tag in zip(words, gold.tags[1::2], strict=True):
                if tag:
                    spans.append({"start": position, "end": position + len(word)})
                position += len(word) + 1
            yield json.dumps({"spans": spans, "id": index})
        elif kind == "text":
            yield segment.post_edit
        elif kind == "tokenized text":
            yield gold.tokenized[1]


@pytest.mark.parametrize(
    ("kind", "format", "tokenized"),
    [
        ("tags", "tags", False),
        ("words", "tags", False),
        ("probabilities", "tags", False),
        ("spans", "spans", False),
        ("tokenized spans", "spans", True),
    ],
)
def test_tags_and_spans_of_others_are_read(dev, tmp_path, kind, format, tokenized):
    path = written(tmp_path, gold_lines(dev, kind))
    system = Predicted(path, format, tokenized=tokenized)
    evaluation = evaluated(system, dev, thresholds=Thresholds(0.5, 0.5, "given"))
    assert evaluation.figure("words.mcc") == pytest.approx(1)
    expected = 0 if kind in ("words", "tokenized spans") else 1
    assert evaluation.figure("gaps.mcc") == pytest.approx(expected)


@pytest.mark.parametrize("base", [0, 1])
def test_the_table_of_wmt_submissions_is_read(dev, tmp_path, base):
    rows = []
    for index, gold in enumerate(dev.gold):
        words = gold.tokenized[0].split()
        for kind, tags in (("mt", gold.tags[1::2]), ("gap", gold.tags[::2])):
            for word, tag in enumerate(tags):
                text = words[word] if kind == "mt" else "gap"
                cells = ("ru-en", "peer", kind, index + base, word, text, "BAD" if tag else "OK")
                rows.append("\t".join(map(str, cells)))
    evaluation = evaluated(Predicted(written(tmp_path, rows), "tags"), dev)
    assert evaluation.figure("words+gaps.mcc") == pytest.approx(1)
    with pytest.raises(RepairError, match="has 12"):
        evaluated(Predicted(written(tmp_path, rows[: len(rows) // 2]), "tags"), dev)


@pytest.mark.parametrize("kind", ["text", "tokenized text"])
def test_repaired_text_of_others_is_read(dev, tmp_path, kind):
    path = written(tmp_path, gold_lines(dev, kind))
    evaluation = evaluated(Predicted(path, "text", tokenized=kind != "text"), dev)
    assert evaluation.figure("repair.post_edit.TER.after") == 0
    assert evaluation.figure("repair.post_edit.BLEU.after") == pytest.approx(100)
    assert evaluation.figure("repair.edits.kept.share_towards") == 1


def test_a_run_file_is_read(dev, tmp_path):
    from repair.files.runs import record_to_dict

    head = json.dumps({"schema": "mt-repair.run/1", "signature": "x", "input": {}, "options": {}})
    rows = [json.dumps(record_to_dict(r)) for r in Pipeline().run(s.blind() for s in dev.segments)]
    evaluation = evaluated(Predicted(written(tmp_path, [head, *rows]), "run"), dev)
    assert evaluation.results["repair"]["segments"]["improved"] == 3


@pytest.mark.parametrize(
    ("format", "lines", "message"),
    [
        ("tags", ["OK"], r"1 lines for the 12 segments"),
        ("tags", ["OK OK"] * 12, r":1: 2 tags for 7 words"),
        ("tags", ["GOOD"] * 12, r":1: A tag is 'GOOD'"),
        ("spans", ["{"] * 12, r":1: This is no JSON"),
        ("spans", ['{"spans": [{"start": 1}]}'] * 12, r"lacks a number"),
        ("spans", ['{"spans": [{"start": 1, "end": 900}]}'] * 12, r"outside the text"),
        ("spans", ["[]"] * 12, r"no JSON object"),
    ],
)
def test_predictions_that_do_not_fit_are_refused_with_the_line(
    dev, tmp_path, format, lines, message
):
    with pytest.raises(RepairError, match=message):
        run_system(Predicted(written(tmp_path, lines), format), dev)


def test_an_unknown_format_is_refused():
    with pytest.raises(RepairError, match="Known are tags"):
        Predicted("x", "xml")


# ---- planted errors


def test_planted_errors_by_kind(folder):
    corpus = corpora.load("demetr/even", folder)

    class Digits:
        """Flags every 8 and makes it a 5."""

        signature = "digits/1"

        def __call__(self, segments):
            for segment in segments:
                at = segment.mt.find("8")
                if at < 0:
                    yield []
                    continue
                span = ErrorSpan(at, at + 1, "accuracy/number", "critical", 0.9, "t")
                yield [Finding(span, (Candidate(Edit(at, at + 1, "5"), "t", 0.9),))]

    planted = evaluated(Staged("digits", Digits()), corpus).results["planted"]
    kinds = planted["by_kind"]
    hit = kinds["critical_id10_numbers_replaced"]
    assert (hit["flagged"], hit["restored"], hit["original_preferred"]) == (1, 1, 1)
    missed = kinds["critical_id23_noun_removed"]
    assert (missed["flagged"], missed["restored"], missed["original_preferred"]) == (0, 0, 0.5)
    assert planted["by_severity"]["critical"]["flagged"] == 0.5
    assert planted["clean"] == {"texts": 2, "flagged": 0, "words_flagged": 0, "changed": 0}


# ---- baselines


def test_a_random_edit_depends_on_the_segment_alone(dev):
    all_of_them = run_system(RandomEdit(), dev)[0]
    assert all(len(output.kept) == 1 for output in all_of_them)
    places = [output.kept[0].start for output in all_of_them]
    again = run_system(RandomEdit(), dev.head(3))[0]
    assert [output.kept[0].start for output in again] == places[:3]
    assert evaluated(RandomEdit(), dev).figure("repair.post_edit.TER.change") > 0


def test_surface_features_learn_from_the_training_part(folder, dev):
    pytest.importorskip("sklearn")
    system = Surface(corpora.load("mlqe-pe/train", folder), rounds=30)
    evaluation = evaluated(system, dev)
    assert evaluation.figure("words.mcc") > 0.9  # the training part has the same segments
    assert run_system(system, dev)[0][1].quality.hter > run_system(system, dev)[0][0].quality.hter


def test_flagging_every_word_has_all_the_recall_and_no_correlation(dev):
    evaluation = evaluated(make_system("all-bad"), dev)
    assert evaluation.figure("words.recall") == evaluation.figure("words.flagged") == 1
    assert evaluation.figure("words.mcc") == evaluation.figure("gaps.recall") == 0


def test_unknown_systems_are_refused():
    with pytest.raises(RepairError, match="do-nothing"):
        make_system("magic")


# ---- evaluation as a whole


def test_thresholds_are_those_given_and_said(dev):
    outputs, _ = run_system(Staged("tagger", Tagger(), fix=False), dev)
    tuned = tune(dev, outputs)
    assert tuned.tuned_on == "mlqe-pe/dev"
    evaluation = measure(dev, AllOk(), outputs, thresholds=Thresholds(0.65, 2, "elsewhere"))
    assert evaluation.figure("words.threshold") == 0.65
    assert evaluation.results["thresholds"] == {"tuned_on": "elsewhere"}
    assert "elsewhere" in write_text(evaluation)


def test_gold_spans_alone_give_tags():
    segment = Segment("1", "Two bad words.")
    span = ErrorSpan(4, 7, "fluency/grammar", "minor", 1.0, "t")
    places, tags = gold_tags(segment, Gold(spans=(span,)))
    assert [segment.mt[a:b] for (a, b), t in zip(places, tags[1::2], strict=True) if t] == ["bad"]
    assert gold_tags(segment, Gold()) == (None, None)


def test_a_corpus_with_marked_spans_is_evaluated_by_category():
    segments = [Segment("1", "Two bad words."), Segment("2", "All is well.")]
    spans = (ErrorSpan(4, 7, "fluency/grammar", "minor", 1.0, "t"),
             ErrorSpan(8, 13, "terminology", "minor", 1.0, "t"))  # fmt: skip
    corpus = Corpus("marked", "development", segments, [Gold(spans=spans), Gold(spans=())])
    evaluation = evaluated(Staged("shout", Shout()), corpus)
    assert evaluation.results["categories"]["fluency/grammar"]["recall"] == 0
    assert evaluation.results["repair"]["harm"] == pytest.approx(
        evaluation.results["repair"]["harm"] | {"needed_nothing": 1, "changed": 1}
    )


def test_figures_are_found_by_path_or_refused_with_what_there_is(dev):
    evaluation = evaluated(DoNothing(), dev)
    with pytest.raises(RepairError, match=r"words\.mcc"):
        evaluation.figure("words.mxx")
    assert json.loads(json.dumps(evaluation.to_json()))["results"]["words"]["mcc"] == 0


def test_results_are_written_for_people(dev, folder):
    evaluations = [evaluated(Oracle(), dev), evaluated(Staged("tagger", Tagger(), fix=False), dev),
                   evaluated(Staged("shout", Shout()), corpora.load("demetr/even", folder))]  # fmt: skip
    text = "\n".join(write_text(one) for one in evaluations)
    for part in ("MCC", "tok:none", "Pearson", "12 segments: oracle-for-tests", "3 unchanged",
                 "Planted errors by kind", "Hardware", "Signature: oracle-for-tests"):  # fmt: skip
        assert part in text, part
    page = write_page(evaluations)
    assert page.count("<svg") == sum(len(draw_plots(one)) for one in evaluations) >= 3
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "")
    assert len(summary_rows(evaluations)) == 4


def test_the_readme_table_stands_between_its_markers(tmp_path):
    text = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n"
    assert readme_block(text, "t", "| new |", "README.md") == (
        "a\n<!-- t -->\n\n| new |\n\n<!-- /t -->\nb\n"
    )
    with pytest.raises(RepairError, match="no place"):
        readme_block("nothing", "t", "", "README.md")


# ---- the command


def run(capsys, *arguments):
    code = main([*map(str, arguments)])
    return code, *capsys.readouterr()


def test_a_peer_is_measured_without_code(folder, dev, tmp_path, capsys):
    path = written(tmp_path, gold_lines(dev, "tags"))
    html = tmp_path / "page.html"
    code, out, _ = run(capsys, "evaluate", "mlqe-pe/test20", "--predictions", path, "--from", folder,
                       "--samples", 20, "--html", html, "--at-least", "words.mcc=0.99")  # fmt: skip
    assert code == 0 and "1.000" in out
    assert "<table>" in html.read_text("utf-8")


def test_floors_and_ceilings_are_gates(folder, capsys):
    common = (
        "evaluate",
        "mlqe-pe/dev",
        "--system",
        "do-nothing",
        "--from",
        folder,
        "--samples",
        0,
        "-q",
    )
    code, _, err = run(capsys, *common, "--at-least", "words.mcc=0.1")
    assert code == 1 and "words.mcc is 0.0000, below 0.1" in err
    code, _, err = run(capsys, *common, "--at-most", "repair.post_edit.TER.after=1")
    assert code == 1 and "above 1" in err
    code, _, err = run(capsys, *common, "--at-most", "repair.harm.rate=0")
    assert code == 0 and not err
    code, _, err = run(capsys, *common, "--at-least", "words.mcc")
    assert code == 2 and "no floor" in err


def test_thresholds_for_a_test_set_come_from_development(folder, dev, tmp_path, capsys):
    """On the test set the best threshold is another one; it must not be found."""
    rows = [" ".join("0.4" if tag else "0.2" for tag in gold.tags) for gold in dev.gold]
    tuned_on = tmp_path / "dev.tags"
    tuned_on.write_text("\n".join(rows) + "\n")
    rows = [" ".join("0.25" if tag else "0.1" for tag in gold.tags) for gold in dev.gold]
    path = written(tmp_path, rows)
    common = ("evaluate", "mlqe-pe/test20", "--predictions", path, "--from", folder, "--samples", 0)
    _, out, _ = run(capsys, *common, "--tune-predictions", tuned_on, "--json")
    results = json.loads(out)["evaluations"][0]["results"]
    assert results["words"]["threshold"] == pytest.approx(0.3) and results["words"]["mcc"] == 0
    assert results["thresholds"] == {"tuned_on": "mlqe-pe/dev"}
    _, out, _ = run(capsys, *common, "--threshold", "0.2", "--json")
    assert json.loads(out)["evaluations"][0]["results"]["words"]["mcc"] == pytest.approx(1)


def test_several_sets_and_systems_in_one_call(folder, tmp_path, capsys):
    code, out, _ = run(capsys, "evaluate", "mlqe-pe/dev", "demetr/even", "newstest2021",
                       "--system", "do-nothing", "--system", "random-edit", "--limit", 4,
                       "--from", folder, "--samples", 20, "--plots", tmp_path / "plots")  # fmt: skip
    assert code == 0 and "6 evaluations" in out
    assert list((tmp_path / "plots").glob("*.svg"))


def test_the_table_of_baselines_goes_into_the_readme(folder, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- baselines -->\n<!-- /baselines -->\n", encoding="utf-8")
    options = ("evaluate", "mlqe-pe/dev", "--baselines", "--from", folder, "--samples", 20,
               "--languagetool-url", "http://127.0.0.1:9", "--update-readme", readme)  # fmt: skip
    code, out, err = run(capsys, *options)
    assert code == 0 and "random-edit" in out
    assert "left out languagetool-blind" in err
    table = readme.read_text("utf-8")
    assert "| mlqe-pe/dev | do-nothing |" in table and "| mlqe-pe/dev | surface |" in table


README = Path(__file__).parent.parent / "README.md"
SMALL = ("samples/diplomacy", "samples/economy", "samples/interview", "--baselines",
         "--system", "do-nothing", "--system", "random-edit", "--table", "baselines-samples")  # fmt: skip


def test_the_readme_has_the_figures_that_the_command_gives(tmp_path, capsys):
    """On the sample articles, which are here; the figures on public corpora are checked by hand."""
    text = README.read_text("utf-8") if README.exists() else ""
    if "<!-- baselines-samples -->" not in text:
        pytest.skip("README.md has no table named baselines-samples")
    copy = tmp_path / "README.md"
    copy.write_text(text, encoding="utf-8")
    assert run(capsys, "evaluate", *SMALL, "-q", "--update-readme", copy)[0] == 0

    def rows(text):
        block = text.split("<!-- baselines-samples -->")[1].split("<!-- /baselines-samples -->")[0]
        return [line for line in block.splitlines() if line.startswith("|")]

    assert rows(text) == rows(copy.read_text("utf-8"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate",), "No corpus was named"),
        (("evaluate", "samples/economy"), "Say what to measure"),
        (("evaluate", "samples/economy", "--system", "x"), "no system 'x'"),
        (("evaluate", "nothing", "--system", "do-nothing"), "no corpus 'nothing'"),
    ],
)
def test_bad_usage_is_said_in_one_line(arguments, message, capsys):
    code, _, err = run(capsys, *arguments)
    assert code == 2 and message in err


def test_score_command(tmp_path, capsys):
    for name, text in (("fixed", "The bridge opened.\n"), ("ref", "The bridge opened.\n"),
                       ("base", "Bridge opened.\n"), ("long", "a\nb\n")):  # fmt: skip
        (tmp_path / name).write_text(text)
    common = ("score", tmp_path / "fixed", "-r", tmp_path / "ref", "--samples", 10)
    code, out, _ = run(capsys, *common, "--baseline", tmp_path / "base")
    assert code == 0 and "nrefs:1|bs:10|seed:12345" in out and "baseline" in out
    code, out, _ = run(capsys, *common, "--json", "--metrics", "TER")
    assert [s["name"] for s in json.loads(out)["scores"]] == ["TER"]
    code, _, err = run(capsys, "score", tmp_path / "fixed", "-r", tmp_path / "long")
    assert code == 2 and "2 lines, but" in err


def test_corpora_command(folder, capsys):
    code, out, _ = run(capsys, "corpora")
    assert code == 0 and "mlqe-pe" in out and "CC0-1.0" in out
    code, out, _ = run(capsys, "corpora", "list", "--from", folder, "--json")
    states = {row["name"]: row["state"] for row in json.loads(out)["corpora"]}
    assert states["samples"] == "here" and states["afrl"] == "by hand"
