"""The leak check: exact and near duplicates, what recipes declare, and the command."""

import json
import os
from pathlib import Path

import corpus_samples as samples
import pytest

from repair import RepairError
from repair.cli import main
from repair.evaluate.leaks import (
    Index,
    Text,
    find_leaks,
    fold,
    protected_names,
    read_declared,
    read_texts,
)

PROTECTED = [
    Text("dev", "1.source", "Министр иностранных дел заявил, что переговоры будут продолжены в марте."),
    Text("dev", "2.source", "Всё хорошо."),
    Text("dev", "3.post_edit", "The central bank kept its key rate at 16 percent on Friday, as expected."),
]  # fmt: skip


def leaks_of(*texts):
    return list(Index(PROTECTED).leaks(Text("train", str(i), t) for i, t in enumerate(texts)))


def test_an_exact_duplicate_is_found_whatever_its_signs():
    found = leaks_of("«министр иностранных дел заявил: что переговоры будут продолжены в Марте»")
    assert [(leak.protected.id, leak.exact) for leak in found] == [("1.source", True)]


@pytest.mark.parametrize(
    "text",
    [
        "Министр иностранных дел вчера заявил, что переговоры будут продолжены в марте.",
        "The central bank kept its key rate at 15 percent on Friday, as was expected.",
        "Central bank kept its key rate at 16 percent Friday, as expected",
    ],
)
def test_a_near_duplicate_is_found_and_is_not_exact(text):
    (leak,) = leaks_of(text)
    assert 0.85 <= leak.similarity < 1 and not leak.exact


@pytest.mark.parametrize(
    "text",
    [
        "Все хорошо!",  # too short to say anything
        "Министр финансов заявил, что налоги будут повышены в мае.",
        "The central bank said on Friday that it would publish a report on inflation next week.",
        "",
    ],
)
def test_what_only_resembles_is_none(text):
    assert leaks_of(text) == []


def test_folding_keeps_letters_and_digits():
    assert fold("«Ёлка», 5 %!") == "елка5"


@pytest.fixture
def folder(tmp_path):
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files("train"))
    samples.write_files(tmp_path / "mlqe-pe", samples.mlqe_files("dev", samples.POSTS[:2]))
    table = (
        "id\tsrc_ru\ttgt_en\na.1\tКошка спит на старом диване.\tThe cat sleeps on the old sofa.\n"
    )
    samples.write_files(tmp_path, {"pairs/cats.tsv": table})
    return tmp_path


def test_lists_are_sets_or_tables(folder):
    assert {t.id for t in read_texts("pairs/cats", folder)} == {"a.1.src_ru", "a.1.tgt_en"}
    kinds = {t.id.rsplit(".", 1)[1] for t in read_texts("mlqe-pe/dev", folder)}
    assert kinds == {"source", "mt", "post_edit"}
    with pytest.raises(RepairError, match="no list 'pairs/dogs'"):
        list(read_texts("pairs/dogs", folder))


def test_report_counts_segments_by_pair_of_lists(folder):
    report = find_leaks(["mlqe-pe/train", "pairs/cats"], ["mlqe-pe/dev"], folder)
    assert report.table()[1:] == [["mlqe-pe/train", "mlqe-pe/dev", "1", "0"]]
    assert report.trained["pairs/cats"] == 2


def write_recipe(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    return folder


def test_recipes_declare_their_data(tmp_path):
    declared = read_declared(
        write_recipe(tmp_path / "m", '[trains_on]\na = ["x/y", "z"]\nb = ["z"]\ndrops = "exact"\n')
    )
    assert (declared.lists, declared.drops) == (("x/y", "z"), "exact")
    with pytest.raises(RepairError, match="does not say"):
        read_declared(write_recipe(tmp_path / "n", "seed = 1\n"))
    with pytest.raises(RepairError, match="no recipe"):
        read_declared(tmp_path)
    with pytest.raises(RepairError, match="no TOML"):
        read_declared(write_recipe(tmp_path / "o", "= 1"))


def test_the_command_fails_on_a_leak_that_training_keeps(folder, tmp_path, capsys):
    common = ["corpora", "leaks", "--against", "mlqe-pe/dev", "--from", str(folder)]
    assert main([*common, "--train", "mlqe-pe/train"]) == 1
    assert "were trained on" in capsys.readouterr().err
    assert main([*common, "--train", "pairs/cats"]) == 0
    assert "No text in common" in capsys.readouterr().out
    model = write_recipe(tmp_path / "m", '[trains_on]\na = ["mlqe-pe/train"]\ndrops = "exact"\n')
    assert main([*common, "--model", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leaks"][0]["similarity"] == 1


REAL = os.environ.get("MT_REPAIR_CORPORA")


@pytest.mark.skipif(
    not REAL, reason="MT_REPAIR_CORPORA is not set: the training lists are not here"
)
def test_the_shipped_models_were_not_trained_on_what_they_are_tested_on(capsys):
    assert main(["corpora", "leaks"]) == 0, capsys.readouterr()


def test_no_shipped_model_names_a_test_set_as_training_data():
    from importlib import resources

    for folder in Path(str(resources.files("repair.models"))).glob("*/recipe.toml"):
        assert not set(read_declared(folder.parent).lists) & set(protected_names())
