"""What lexicon, phrases and counts say of a translation, and the trees that add it to the network."""

import hashlib
import json

import lightgbm
import numpy as np
import pytest
from test_detect import SEGMENTS, write_tiny

from repair import RepairError, Segment, align
from repair.bitext import Bitext
from repair.detect import Detector, evidence

LETTERS = "likeness in letters to a name or unknown word of the source"
SOURCE = "Министр подписал соглашение о торговле с Китаем."


def told(mt, source=SOURCE, tokens=None):
    return evidence.describe(Bitext(Segment("1", mt, source)), tokens or align.tokens(mt))


def column(found, name, kind="WORDS"):
    return getattr(found, kind.lower())[:, getattr(evidence, kind).index(name)]


def test_a_word_that_renders_nothing_has_no_support():
    right = told("The minister signed an agreement on trade with China.")
    wrong = told("The minister signed an agreement on wool with China.")
    best = evidence.WORDS[2]
    assert column(right, best)[6] > 0.1 > evidence.SUPPORTED > column(wrong, best)[6]
    assert column(wrong, "word before has no support")[7] == 1
    assert column(right, "word before has no support")[7] == 0
    bare = evidence.SEGMENTS.index("share of words with a meaning that have no support")
    assert right.segment[bare] == 0 < wrong.segment[bare]


def test_another_form_has_the_support_of_the_word():
    found = told("Ministers signed agreements.")
    assert all(column(found, evidence.WORDS[2])[:3] > evidence.SUPPORTED)


def test_names_are_known_by_their_letters():
    found = told("Kotenochkin met Brezhnova.", "Котёночкин встретил Брежнева.")
    like = column(found, LETTERS)
    assert like[0] == 1 and 0.85 < like[2] < 1 and like[1] < 0.85
    assert all(column(found, evidence.WORDS[2])[[0, 2]] == 1)  # as good as a rendering


def test_what_the_source_has_itself_is_no_invention():
    found = told("The Kubernetes cluster has 14 nodes.", "В кластере Kubernetes 14 узлов.")
    like = column(found, LETTERS)
    assert like[1] == 1 and like[4] == 1


def test_a_term_that_the_lexicon_lacks_is_known_by_its_letters():
    bitext = Bitext(Segment("1", "Adenocarcinoma was found.", "Найдена аденокарцинома."))
    assert not bitext.renderings[1]
    assert told("Adenocarcinoma was found.", "Найдена аденокарцинома.").words[0, 7] > 0.85


def test_a_gap_knows_what_is_missing():
    name = "source words that nothing renders, between the words that the neighbours render"
    whole = told("The minister signed an agreement on trade with China.")
    short = told("The minister signed with China.")
    assert column(whole, name, "GAPS").max() <= 1  # a preposition may be no word of its own
    assert column(short, name, "GAPS")[3] == 2  # agreement, trade


@pytest.mark.parametrize("mt", ["", "   ", "12 %", "don 't", "😀 !", "a" * 400])
def test_any_tokens_have_their_rows(mt):
    for tokens in (align.tokens(mt), align.whitespace_tokens(mt)):
        for source in (SOURCE, "", None):
            found = evidence.describe(Bitext(Segment("1", mt, source)), tokens)
            count = len(tokens)
            assert found.words.shape == (count, len(evidence.WORDS))
            assert found.gaps.shape == (count + 1, len(evidence.GAPS))
            assert np.isfinite(found.words).all() and np.isfinite(found.gaps).all()
            assert found.segment.shape == (len(evidence.SEGMENTS),)


def test_the_log_odds_of_the_network_stand_beside():
    mt = "One two"
    found = evidence.beside(told(mt), np.array([1.0, 2.0]), np.array([5.0, 6.0, 7.0]))
    assert found.words[:, 0].tolist() == [1, 2]
    edge = evidence.EDGE
    assert found.gaps[:, :3].tolist() == [[5, edge, 1], [6, 1, 2], [7, 2, edge]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny detector, with trees that hold every word without support for wrong."""
    folder = write_tiny(tmp_path_factory.mktemp("evidence") / "tiny")
    draw = np.random.default_rng(0)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["evidence"] = {}
    for kind in ("words", "gaps"):
        names = getattr(evidence, kind.upper())
        rows = draw.random((3000, len(names)))
        labels = rows[:, 2] < 0.1 if kind == "words" else rows[:, 3] > 0.9
        data = lightgbm.Dataset(rows, labels.astype(float))
        settings = {"objective": "cross_entropy", "verbose": -1, "seed": 1, "num_threads": 1}
        text = lightgbm.train(settings, data, 30).model_to_string()
        (folder / f"{kind}.txt").write_text(text, "utf-8", newline="\n")
        config["evidence"][kind] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder


def test_trees_add_to_the_network_and_only_with_a_source(folder, tmp_path_factory):
    plain = Detector(write_tiny(tmp_path_factory.mktemp("plain") / "tiny"), threads=1)
    detector = Detector(folder, threads=1)
    mt = "The minister signed an agreement on wool with China."
    with_source, without = Segment("1", mt, SOURCE), Segment("2", mt)
    before, after = plain([with_source])[0], detector([with_source])[0]
    wool = [mt[a:b] for a, b in after.tokens].index("wool")
    assert after.words[wool] > before.words[wool] and after.words[wool] > 0.8
    assert after.words[1] < 0.5
    assert detector([without]) == plain([without])
    assert detector.signature != plain.signature


def test_the_batch_changes_nothing(folder):
    detector = Detector(folder, threads=1)
    together = detector(SEGMENTS)
    assert [detector([segment])[0] for segment in SEGMENTS] == together
    assert detector(SEGMENTS[::-1])[::-1] == together


def test_altered_trees_are_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "words.txt").write_text("tree", "utf-8")
    with pytest.raises(RepairError, match="checksum"):
        Detector(tmp_path)(SEGMENTS[:1])
    (tmp_path / "words.txt").unlink()
    with pytest.raises(RepairError, match="missing"):
        Detector(tmp_path)(SEGMENTS[:1])
