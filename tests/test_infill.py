"""The infilling model: a tiny one made on the spot for its laws, and the shipped one."""

import hashlib
import json
import math
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest

from repair import RepairError, Segment, align
from repair.detect import Detector, States
from repair.propose.fixer import Fixer
from repair.propose.infill import (
    LONGEST,
    MT_ROLES,
    RARE,
    RESERVED,
    SCHEMA,
    SOURCE_ROLES,
    Infiller,
    packed,
    states_of,
    view,
)
from repair.propose.inventory import Place, Reading, candidates
from repair.propose.rank import FEATURES, describe

SOURCE = "Министр заявил, что переговоры с Анкарой завершились."
MT = "The Minister declared that negotiation with Ankara have the end."
VOCABULARY = [
    "the",
    "of",
    "talks",
    "with",
    "that",
    "ended",
    "and",
    "said",
    "minister",
    "to",
    "a",
    "in",
    "ankara",
    ".",
]
WIDTH = 12


def states(segment, seed=0, encoder="tiny"):
    rng = np.random.default_rng(seed)
    rows = []
    for text in (segment.mt, segment.source or ""):
        tokens = tuple(align.tokens(text))
        rows += [tokens, rng.normal(size=(len(tokens), WIDTH)).astype(np.float32)]
    return States(*rows, encoder)


def write_tiny(folder, seed=0):
    import torch
    from safetensors.torch import save

    from repair.propose.infill_network import Network, Shape, pack

    torch.manual_seed(seed)
    shape = Shape(len(VOCABULARY) + RESERVED, MT_ROLES, SOURCE_ROLES, RESERVED, WIDTH,
                  width=16, embedding=8, layers=2, heads=2, inner=16)  # fmt: skip
    folder.mkdir(exist_ok=True)
    data = save(pack(Network(shape).state_dict()))
    (folder / "model.safetensors").write_bytes(data)
    (folder / "vocabulary.txt").write_text("\n".join(VOCABULARY), "utf-8")
    config = {"schema": SCHEMA, "sha256": hashlib.sha256(data).hexdigest(), "encoder": "tiny"}
    (folder / "config.json").write_text(json.dumps(config | {"shape": asdict(shape)}), "utf-8")
    return folder


@pytest.fixture(scope="module")
def infiller(tmp_path_factory):
    return Infiller(write_tiny(tmp_path_factory.mktemp("infill")))


def reading(infiller=None, mt=MT, source=SOURCE):
    segment = Segment("1", mt, source)
    return Reading(segment, infiller, states(segment) if infiller else None)


PLACES = [Place(4, 5), Place(0, 0), Place(7, 7), Place(7, 9), Place(9, 10), Place(10, 10)]


@pytest.mark.parametrize("place", PLACES)
def test_probabilities_add_up_and_wordings_are_whole_words(infiller, place):
    text = reading(infiller)
    filling = text.filling(place)
    assert np.exp(filling.opening).sum() == pytest.approx(1, abs=1e-3)
    assert filling.entropy > 0
    rendered = {word for known in text.renderings for word in known}
    for words, p in filling.wordings:
        assert set(words) <= set(VOCABULARY) | set(text.words) | rendered
        assert all(a != b for a, b in pairwise(words)) and p < 0
        assert words != tuple(text.words[place.start : place.end])
    scores = [p for _, p in filling.wordings]
    assert filling.wordings and scores == sorted(scores, reverse=True)


def test_a_wording_has_the_probability_that_training_gives_it(infiller):
    import torch

    text, place = reading(infiller), Place(4, 5)
    seen = view(text, place)
    mt, source = states_of(text, states(text.segment))
    network, ids = infiller._network, infiller._ids
    inputs = packed([seen], [(mt[seen.mt], source[seen.source])], ids)
    memory = network.read(inputs)
    for words, said in text.filling(place).wordings[:4]:
        line = [seen.left, *words]
        prefix = torch.tensor([[ids.get(w, RARE) for w in line]])
        mix = network.mixture(network.write(prefix, memory), memory)
        total = 0.0
        for step, word in enumerate([*words, None]):
            p = float(mix.generated[0, step, ids.get(word, RARE) if word else 0])
            if word:
                shares = [known.get(word, 0.0) for known in seen.renderings]
                p += float(mix.lexical[0, step] @ torch.tensor(shares))
                p += float(
                    mix.copied[0, step] @ torch.tensor([float(w == word) for w in seen.words])
                )
            total += math.log(p)
        assert said == pytest.approx(total, abs=1e-3)


def test_each_word_has_the_states_of_its_tokens():
    segment = Segment("1", "Don't go there", "Не ходи туда")
    text, given = Reading(segment), states(segment)
    mt, source = states_of(text, given)
    assert text.words == ["don", "'t", "go", "there"]
    assert np.allclose(mt[0], mt[1]) and np.allclose(mt[3], given.words[-1])
    assert np.allclose(source, given.source)


def test_places_are_filled_alike_alone_and_together(infiller):
    asked = [(reading(infiller, source=s), p) for s in (SOURCE, None) for p in PLACES]
    for (text, place), together in zip(asked, infiller.fill(asked), strict=True):
        alone = text.filling(place)
        assert alone.wordings == together.wordings
        assert (alone.opening == together.opening).all()


def test_without_a_source_it_writes_from_the_text_alone(infiller):
    text = reading(infiller, source=None)
    for words, _ in text.filling(Place(4, 5)).wordings:
        assert set(words) <= set(VOCABULARY) | set(text.words)


def test_states_of_another_encoder_are_not_read(infiller):
    segment = Segment("1", MT, SOURCE)
    other = Reading(segment, infiller, replace(states(segment), encoder="another"))
    assert other.filling(Place(4, 5)) is None
    assert reading(None).filling(Place(4, 5)) is None
    assert reading(infiller).filling(Place(0, LONGEST + 1)) is None


def test_its_wordings_are_candidates_with_features(infiller):
    text, place = reading(infiller), Place(4, 5)
    found = candidates(text, place)
    rows = describe(text, place, found)
    whole = FEATURES.index("infilling: log-probability of the wording")
    first = FEATURES.index("infilling: log-probability of the first word")
    by = FEATURES.index("by infilled")
    assert rows[:, by].sum() > 0
    for row in rows:
        assert not math.isnan(row[first])
        if row[by]:
            assert row[whole] <= row[first] + 1e-3
    plain = describe(reading(None), place, candidates(reading(None), place))
    assert np.isnan(plain[:, first]).all()


@pytest.mark.parametrize("name", ["config.json", "vocabulary.txt", "model.safetensors"])
def test_damaged_folders_say_how_to_mend(tmp_path, name):
    folder = write_tiny(tmp_path / "damaged")
    (folder / name).write_bytes(b"\xff{")
    broken = Infiller(folder)
    with pytest.raises(RepairError, match=r"infilling model.*\n?") as error:
        reading(broken).filling(Place(4, 5))
    assert error.value.mend
    (folder / name).unlink()
    with pytest.raises(RepairError):
        reading(Infiller(folder)).filling(Place(4, 5))


def test_the_shipped_model_belongs_to_the_shipped_detector():
    detector, fixer = Detector(keep_states=True), Fixer()
    assert fixer.infiller.encoder == detector.config["sha256"]
    segments = [
        Segment("1", MT, SOURCE),
        Segment("2", "He arrived at Moscow on Friday.", "Он прибыл в Москву в пятницу."),
    ]
    both = detector(segments)
    for segment, seen in zip(segments, both, strict=True):
        text = fixer.read(segment, seen)
        alone = fixer.read(segment, detector([segment])[0])
        here, there = text.filling(Place(2, 3)), alone.filling(Place(2, 3))
        assert here.wordings == there.wordings and (here.opening == there.opening).all()
    text = fixer.read(segments[1], both[1])
    at = text.words.index("at")
    first = text.filling(Place(at, at + 1)).first
    assert first(["in"]) > first(["dog"]) and first(["in"]) > first(["yesterday"])
