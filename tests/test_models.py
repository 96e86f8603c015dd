"""The shipped detector: floors on sentences written for this test, and its training in small."""

import json
import lzma
import random
import re
import subprocess
import sys
import tarfile
import tomllib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from repair import Segment
from repair.detect import Detector, shipped_folder
from repair.propose.infill import Infiller
from repair.propose.inventory import Place, Reading

torch = pytest.importorskip("torch")

FOLDER = shipped_folder()
TRAINING = Path(__file__).resolve().parent.parent / "models" / "detector"
LIMIT = 48_000_000
shipped = pytest.mark.skipif(
    not (FOLDER / "model.safetensors").exists(), reason="the detector's weights are not here"
)

# Source, good translation, the same with one error, the wrong words.
PAIRS = [
    (
        "Министр прибыл в Вену в понедельник вечером.",
        "The minister arrived in Vienna on Monday evening.",
        "The minister arrived in Vienna on министр evening.",
        ["министр"],
    ),
    (
        "В результате пожара погибли три человека.",
        "Three people died in the fire.",
        "Three people people died died in the fire.",
        ["people", "died"],
    ),
    (
        "Переговоры продолжатся завтра в столице.",
        "The talks will continue in the capital tomorrow.",
        "The talks banana continue in the capital tomorrow.",
        ["banana"],
    ),
    (
        "Правительство одобрило новый закон о пенсиях.",
        "The government approved a new pension law.",
        "The government a approved new law pension.",
        ["a", "approved", "law", "pension"],
    ),
    (
        "Завод закрыли после проверки.",
        "The plant was closed after an inspection.",
        "The plant was wardrobe after an inspection.",
        ["wardrobe"],
    ),
    (
        "Цены на хлеб выросли на пять процентов.",
        "Bread prices rose by five percent.",
        "Bread prices rose by pyat percent.",
        ["pyat"],
    ),
]


@pytest.fixture(scope="module")
def detector():
    return Detector(threads=1)


@shipped
def test_the_shipped_files_are_small_enough_and_have_a_card():
    for path in FOLDER.iterdir():
        if path.is_file():
            assert path.stat().st_size <= LIMIT, path.name
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for set_name in ("MLQE-PE", "AFRL", "BioMQM", "newstest2013", "CC0", "Apache-2.0"):
        assert set_name in card
    assert json.loads((FOLDER / "eval.json").read_text())["signature"] == Detector().signature


@shipped
@pytest.mark.parametrize("sighted", [True, False], ids=["source", "blind"])
def test_planted_errors_stand_out(detector, sighted):
    """The wrong words score higher than the right ones of the same sentence, and than its twin."""
    good = detector([Segment("g", g, s if sighted else None) for s, g, _, _ in PAIRS])
    bad = detector([Segment("b", b, s if sighted else None) for s, _, b, _ in PAIRS])
    ranked, higher = [], []
    for (_, _, text, wrong), clean, found in zip(PAIRS, good, bad, strict=True):
        words = [text[a:b] for a, b in found.tokens]
        at = [p for w, p in zip(words, found.words, strict=True) if w in wrong]
        off = [p for w, p in zip(words, found.words, strict=True) if w not in wrong]
        ranked.append(max(at) > max(off))
        higher.append(max(found.words) > max(clean.words))
    assert np.mean(ranked) >= 0.65
    assert np.mean(higher) >= 0.8


@shipped
def test_good_sentences_stay_mostly_unmarked(detector):
    found = detector([Segment("g", good, source) for source, good, _, _ in PAIRS])
    marked = sum(f.span.end > f.span.start for d in found for f in d.findings)
    assert marked <= 2


@shipped
def test_quality_falls_with_errors(detector):
    good = detector([Segment("g", g, s) for s, g, _, _ in PAIRS])
    bad = detector([Segment("b", b, s) for s, _, b, _ in PAIRS])
    assert np.mean([d.quality.hter for d in bad]) > np.mean([d.quality.hter for d in good])
    assert all(0 <= d.quality.hter <= 1 for d in good + bad)


@shipped
def test_the_shipped_detector_does_not_see_the_batch(detector):
    segments = [Segment("s", text, source) for source, *both, _ in PAIRS for text in both]
    segments += [Segment("t", text) for _, *both, _ in PAIRS for text in both]
    assert [detector([segment])[0] for segment in segments[::3]] == detector(segments)[::3]


@shipped
def test_the_vocabulary_can_write_both_languages(detector):
    """Letters, figures and news punctuation of Russian and English are never unknown pieces."""
    cut = detector._pieces.cut
    for letter in "АаБбЁёЙйЪъЫыЭэЮюЯяAaZz09.,:;!?«»“”„–—-'’()[]%$€№…&/":
        assert 3 not in cut(letter), letter
    for word in ("Ыгыатта", "взаимоотношения", "Kyrgyzstan", "G-20", "12,5", "COVID-19"):
        assert 3 not in cut(word), word


def test_the_recipe_declares_what_it_trains_on():
    recipe = tomllib.loads((TRAINING / "recipe.toml").read_text(encoding="utf-8"))
    sys.path.insert(0, str(TRAINING))
    try:
        import train
    finally:
        sys.path.remove(str(TRAINING))
    used = {part for stage in recipe["stage"] for part in stage["parts"]}
    assert used <= set(train.PARTS)
    declared = {name for part in recipe["trains_on"].values() for name in part}
    assert set(recipe["trains_on"]) >= used
    kept = r"\bdev\b|\btest2[01]|newstest2021|generaltest|flores|demetr|bbc|brown|reuters|jfleg"
    assert not [name for name in declared if re.search(kept, name)]
    names = {stage["name"] for stage in recipe["stage"]}
    assert set(recipe["export"]["average"]) <= names


# --- Training in small -------------------------------------------------------


def write_table(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join("\t".join(row) for row in [header, *rows]) + "\n"
    path.write_bytes(lzma.compress(text.encode()))


def write_corpora(folder):
    """Corpora of a few sentences in the layout of the real ones."""
    splits = {
        "train/ru-en-train/train": ("post-editing", [(s, g, b) for s, g, b, _ in PAIRS]),
        "dev/ru-en-dev/dev": (
            "post-editing",
            [("Это наш первый тест .", "It a is test .", "It is .")] * 4,
        ),
        "test/ru-en-test20/test20": ("post-editing", [("Вот оно .", "This it .", "Here it .")] * 2),
    }
    files = {"test21/ru-en-test21/test21.src": "Другой текст .\n"}
    assessments = {
        "train/ru-en-train/train": "train/ru-en-train/train.ruen.df.short.tsv",
        "dev/ru-en-dev/dev": "dev/ru-en-dev/dev.ruen.df.short.tsv",
        "test/ru-en-test20/test20": "test/ru-en/test20.ruen.df.short.tsv",
    }
    for name, (kind, rows) in splits.items():
        columns = {key: [] for key in ("src", "pe", "mt", "tags", "hter")}
        scores = ["segid\toriginal\ttranslation\tz_mean"]
        for i, (source, better, worse) in enumerate(rows):
            words = [w for w in worse.replace(".", " .").split() if w]
            bad = ["BAD" if j % 3 == 1 else "OK" for j in range(len(words))]
            tags = ["OK"]
            for tag in bad:
                tags += [tag, "OK"]
            values = (source, better, " ".join(words), " ".join(tags), f"{0.1 * (i % 5):.2f}")
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
            scores.append(f"{i}\t{source}\t{worse}\t{0.3 * (i % 4) - 0.5}")
        for key, column in columns.items():
            files[f"{kind}/{name}.{key}"] = "\n".join(column) + "\n"
        files[f"direct-assessments/{assessments[name]}"] = "\n".join(scores) + "\n"
    (folder / "mlqe-pe").mkdir(parents=True)
    with tarfile.open(folder / "mlqe-pe/mlqe-pe-ru-en.tar.xz", "w:xz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, BytesIO(text.encode()))
    for name in ("newstest2021_ruen", "generaltest2022_ruen"):
        write_table(folder / f"wmt_pairs/{name}.tsv.xz", ["src_ru", "tgt_en"], [["Раз", "One"]])
    for name in ("newstest2021_enru", "generaltest2022_enru"):
        write_table(folder / f"wmt_pairs/{name}.tsv.xz", ["src_ru", "tgt_en"], [["Два", "Two"]])
    outputs = [[str(i // 5), "Это наш второй опыт.", "It is our second test.", f"system-{i % 5}",
                f"It are our {word} test."] for i, word in enumerate(["first", "second", "own", "one", "a"] * 4)]  # fmt: skip
    columns = ["id", "src_ru", "tgt_en", "system", "mt"]
    write_table(folder / "wmt_outputs/newstest2021.ruen_mt.tsv.xz", columns, outputs)
    write_table(folder / "pairs/flores200_dev.tsv.xz", ["src_ru", "tgt_en"], [["Три", "Three"]])
    write_table(folder / "demetr/demetr_ruen_even.tsv.xz", ["src_ru", "tgt_en"], [["Пять", "Five"]])
    afrl = [["Снег шёл всю ночь.", "Snow fell all night.", "Snow went night.", "Snow fell."]]
    write_table(
        folder / "post_edits/wmt14_afrl_monolingual_postedit.tsv.xz",
        ["src_ru", "tgt_en", "mt", "pe"],
        afrl,
    )
    return folder


def test_examples_label_what_was_planted_and_refuse_what_is_tested(tmp_path):
    sys.path.insert(0, str(TRAINING))
    try:
        import examples
    finally:
        sys.path.remove(str(TRAINING))
    shelf = examples.Shelf(write_corpora(tmp_path / "corpora"))
    assert not shelf.allows("Это наш первый тест") and shelf.allows("Завод открыт.")
    words, gaps, kinds, gap_kinds = examples.compare(
        ["He", "sold", "12", "old", "car"], ["He", "sold", "13", "old", "cars", "."]
    )
    assert words == [0, 0, 1, 0, 1] and sum(gaps) == 1
    assert examples.CATEGORIES[kinds[2]] == "accuracy/number"
    assert len(gaps) == 6 and len(gap_kinds) == 6
    assert examples.biomqm_held_out([{"src": str(i), "seg": str(i)} for i in range(8)]) == {
        "6",
        "7",
    }


def test_replaced_words_are_labelled_and_the_others_stay():
    sys.path.insert(0, str(TRAINING))
    try:
        import examples
        import replaced
    finally:
        sys.path.remove(str(TRAINING))
    words = [
        "The",
        "minister",
        "said",
        "that",
        "the",
        "talks",
        "with",
        "Ankara",
        "would",
        "end",
        "in",
        "the",
        "course",
        "of",
        "May",
        ".",
    ]
    source = [
        "Министр",
        "сказал",
        ",",
        "что",
        "переговоры",
        "с",
        "Анкарой",
        "завершатся",
        "в",
        "мае",
        ".",
    ]
    replacer, touched = replaced.Replacer(1), 0
    for _ in range(60):
        made = replacer.example(source, words)
        count = len(made.mt)
        assert len(made.words) == len(made.word_category) == len(made.severity) == count
        assert len(made.gaps) == len(made.gap_category) == count + 1
        right = [w for w, label in zip(made.mt, made.words, strict=True) if label == 0]
        rest = iter(words)
        assert all(word in rest for word in right), "in the order of the original"
        wrong = sum(label > 0 for label in made.words) + sum(made.gaps)
        assert (made.mt == words) == (wrong == 0)
        kinds = [k for k, label in zip(made.word_category, made.words, strict=True) if label]
        assert all(0 <= k < len(examples.CATEGORIES) for k in kinds)
        touched += wrong
    assert 0.06 < touched / 60 / len(words) < 0.25


def test_what_was_spoiled_is_put_right_by_what_is_wanted():
    sys.path.insert(0, str(TRAINING.parent / "infill"))
    try:
        import places
    finally:
        sys.path.remove(str(TRAINING.parent / "infill"))
    text = (
        "The finance ministry said on Friday that it would lower the tax on small firms next year."
    )
    spoiler, right, changed = places.Spoiler(random.Random(3)), places.texts(text), 0
    for _ in range(40):
        lesson = spoiler.lesson("Источник.", text)
        if lesson is None:
            continue
        words = places.texts(lesson.mt)
        for place, wording in reversed(lesson.wanted):
            assert len(wording) <= places.STEPS and place.end - place.start <= places.LONGEST
            words[place.start : place.end] = wording
        changed += lesson.mt != text
        dropped = places.edits(places.texts(lesson.mt), right)
        assert words == right or len(list(dropped)) > len(lesson.wanted)
    assert changed > 30
    assert spoiler.lesson(None, "Too short.") is None


INFILL = """
seed = 1
vocabulary = 300
fold = 1
watch = 3
[model]
width = 32
embedding = 16
layers = 1
heads = 2
inner = 32
[segments]
post_edits = 20
[shares]
post_edits = 1.0
[train]
minutes = 0.04
log_seconds = 0
batch = 4
rate = 1e-2
warm_up = 0.05
dropout = 0.1
blind = 0.25
"""


def test_the_infilling_model_is_trained_from_corpora_to_a_folder_that_loads(tmp_path):
    corpora = write_corpora(tmp_path / "corpora")
    (tmp_path / "recipe.toml").write_text(INFILL, encoding="utf-8")
    options = {"recipe": tmp_path / "recipe.toml", "corpora": corpora, "threads": 1}
    options |= {"work": tmp_path / "work", "out": tmp_path / "out"}
    command = [sys.executable, str(TRAINING.parent / "infill/train.py")]
    command += [str(x) for key, value in options.items() for x in (f"--{key}", value)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"post_edits: \d+ places", done.stdout)
    assert re.search(r"mlqe-dev first, first five; all: 0\.", done.stdout)
    infiller = Infiller(tmp_path / "out")
    segment = Segment("1", "It are our first test.", "Это наш второй опыт.")
    states = Detector(keep_states=True, threads=1)([segment])[0].states
    filling = Reading(segment, infiller, states).filling(Place(1, 2))
    assert (tmp_path / "out/curve.svg").read_text(encoding="utf-8").startswith("<svg")
    assert filling.wordings and len(infiller.vocabulary) == 303


SCRIPT = """
import json, sys
sys.path.insert(0, {training!r})
import numpy as np, torch
import base, export, measure, train
from repair.detect.encoder import Network, Shape
letters = "абвгдежзийклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyz0123456789.,!?'"
pieces = [["<s>", 0], ["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁", -2]]
pieces += [[c, -3] for c in letters] + [["▁" + c, -3] for c in letters]
from tokenizers import Tokenizer, models, pre_tokenizers
t = Tokenizer(models.Unigram([tuple(p) for p in pieces], unk_id=3))
t.pre_tokenizer = pre_tokenizers.Metaspace()
vocabulary = json.loads(t.to_str())
def load_base(encoder, tokenizer, layers, downloads):
    torch.manual_seed(0)
    shape = Shape(len(pieces), layers, 1, 1, 1)
    weights = Network(shape).state_dict()
    heads = ("mix", "words", "gaps", "segment")
    return {{k: v for k, v in weights.items() if not k.startswith(heads)}}, vocabulary
base.load_base = load_base
train.examples.plain_text = lambda shelf: iter([["Три", "город", "city"]])
measure.good_news = lambda shelf, count: {{"news": ["The city was calm."] * 4}}
train.main(sys.argv[1:])
sys.exit(train.main(sys.argv[1:]))  # taken up: nothing left to train
"""

RECIPE = """
seed = 1
[base]
encoder = "tiny"
tokenizer = "tiny"
[model]
layers = 2
frozen = 0
[[stage]]
name = "only"
parts = { mlqe = 1.0 }
pieces = 4000
batch = 400
rate = 1e-3
rate_heads = 1e-3
drop_source = 0.25
weight_words = 2.0
weight_gaps = 4.0
log_seconds = 0
loss = { words = 1.0, gaps = 0.3, hter = 1.0, da = 0.1 }
[export]
name = "smoke"
average = ["only"]
"""


def test_training_goes_from_corpora_to_a_folder_that_loads(tmp_path):
    corpora = write_corpora(tmp_path / "corpora")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "run.py").write_text(SCRIPT.format(training=str(TRAINING)), encoding="utf-8")
    options = {"recipe": tmp_path / "recipe.toml", "corpora": corpora, "threads": 1}
    options |= {"work": tmp_path / "work", "out": tmp_path / "out"}
    command = [sys.executable, str(tmp_path / "run.py")]
    command += [str(x) for key, value in options.items() for x in (f"--{key}", value)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    history = json.loads((tmp_path / "work/only.history.json").read_text())
    losses = [row["loss"]["words"] for row in history if "loss" in row]
    assert len(losses) > 5 and np.mean(losses[-3:]) < np.mean(losses[:3])
    assert "source_mcc" in history[-1]["dev"]
    detector = Detector(tmp_path / "out", threads=1)
    found = detector([Segment("a", "Three people died in the fire.", PAIRS[1][0])])[0]
    assert len(found.words) == 7
    limits = detector.thresholds(sighted=True)
    assert 0 < limits["words"]["mcc"] < 1 and 0 < limits["gaps"]["default"] < 1
    assert "taken from only.pt" in done.stdout
    assert (tmp_path / "out/curve.svg").read_text(encoding="utf-8").startswith("<svg")
