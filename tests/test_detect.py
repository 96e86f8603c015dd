"""Laws of the detector, on a tiny seeded one that is built on the spot."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair import RepairError, Segment, align
from repair.detect import MARGIN, SCHEMA, Detector

torch = pytest.importorskip("torch")

LETTERS = "abcdefghijklmnopqrstuvwxyzабвгдежзийклмнопрстуфхцчшщъыьэюя0123456789.,;:!?'\"()-"
CATEGORIES = ["accuracy/mistranslation", "accuracy/omission", "fluency/grammar"]


def write_tiny(folder, seed=0):
    """A detector with two narrow layers and random weights."""
    from safetensors.torch import save
    from tokenizers import Tokenizer, models, pre_tokenizers

    from repair.detect.encoder import Network, Shape, pack

    vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocabulary += [(letter, -3.0) for letter in LETTERS]
    vocabulary += [("▁" + letter, -3.5) for letter in LETTERS]
    vocabulary += [("▁the", -1.0), ("▁city", -1.0), ("▁was", -1.0), ("▁город", -1.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(seed)
    kinds = len(CATEGORIES)
    shape = {"vocabulary": len(vocabulary), "layers": 2, "words": 1 + kinds + 3, "gaps": 1 + kinds}
    shape |= {"segments": 2, "width": 64, "heads": 4, "inner": 128}
    network = Network(Shape(**shape))
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    data = save(pack(network.state_dict()))
    (folder / "model.safetensors").write_bytes(data)
    line = {"words": [0.2, 0.0], "gaps": [0.2, -1.0]}
    line |= {"hter": [1.0, 0.0], "da": [1.0, 0.0]}
    limits = {"words": {"default": 0.5, "mcc": 0.4}, "gaps": {"default": 0.5, "mcc": 0.4}}
    condition = {"calibration": line, "thresholds": limits}
    config = {
        "schema": SCHEMA,
        "name": "tiny",
        "sha256": hashlib.sha256(data).hexdigest(),
        "shape": shape,
        "categories": CATEGORIES,
        "severities": ["minor", "major", "critical"],
        "conditions": {"source": condition, "blind": condition},
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("detector") / "tiny")


@pytest.fixture(scope="module")
def detector(folder):
    return Detector(folder, sensitivity=0.7, threads=1)


TEXTS = [
    ("The city was taken.", "Город взяли."),
    ("The the city, was: 12,5 percent (about)", "Город был."),
    ("One.", None),
    ("", "Город."),
    ("   ", None),
    ("“Quoted” text — with 😀 signs 👍🏽 and naïve words", "Цитата"),
    ("the city " * 40, "город " * 30),
]
SEGMENTS = [Segment(str(i), mt, source) for i, (mt, source) in enumerate(TEXTS)]


def test_one_detection_per_segment_with_aligned_parts(detector):
    for segment, found in zip(SEGMENTS, detector(SEGMENTS), strict=True):
        assert list(found.tokens) == align.tokens(segment.mt)
        assert len(found.words) == len(found.tokens)
        assert len(found.gaps) == len(found.tokens) + 1
        assert all(0 <= p <= 1 for p in (*found.words, *found.gaps))
        for finding in found.findings:
            span = finding.span
            assert 0 <= span.start <= span.end <= len(segment.mt)
            assert span.category in CATEGORIES and span.message and span.by == "detect/tiny"
            if span.start < span.end:  # begins and ends with a token, emoji or not
                assert span.start in {t.start for t in found.tokens}
                assert span.end in {t.end for t in found.tokens}


def test_findings_are_the_words_above_the_threshold(folder):
    detector = Detector(folder)  # at .5 the threshold is the shipped one: here .5
    for found in detector(SEGMENTS):
        flagged = {
            i
            for finding in found.findings
            for i, token in enumerate(found.tokens)
            if finding.span.start <= token.start and token.end <= finding.span.end
        }
        assert flagged == {i for i, p in enumerate(found.words) if p > 0.5}
        for finding in found.findings:
            if finding.span.start < finding.span.end:
                inside = [
                    p
                    for t, p in zip(found.tokens, found.words, strict=True)
                    if finding.span.start <= t.start and t.end <= finding.span.end
                ]
                assert finding.span.confidence == max(inside)


def test_the_batch_changes_nothing(detector):
    together = detector(SEGMENTS)
    assert [detector([segment])[0] for segment in SEGMENTS] == together
    assert detector(SEGMENTS[::-1])[::-1] == together
    assert detector(SEGMENTS * 5)[: len(SEGMENTS)] == together


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=60), st.none() | st.text(max_size=40)), min_size=1, max_size=4
    )
)
def test_any_text_is_read(detector, texts):
    segments = [Segment(str(i), mt, source) for i, (mt, source) in enumerate(texts)]
    found = detector(segments)
    assert [list(f.tokens) for f in found] == [align.tokens(s.mt) for s in segments]


def test_empty_mt(detector):
    empty, blank = detector([Segment("a", "", "Город."), Segment("b", "", None)])
    assert empty.quality is None and empty.words == () and empty.gaps == (1.0,)
    assert blank.gaps == (0.0,) and blank.findings == ()


def test_references_are_not_seen(detector):
    seen = Segment(
        "a", "The city was taken.", "Город взяли.", ("The town fell.",), "The city fell."
    )
    assert detector([seen]) == detector([seen.blind()])


def test_source_and_no_source_differ(detector):
    with_source, without, blank = detector(
        [
            Segment("a", "The city was taken.", "Город взяли."),
            Segment("b", "The city was taken."),
            Segment("c", "The city was taken.", "  "),
        ]
    )
    assert with_source.words != without.words
    assert without.words == blank.words


def test_windows_cover_every_token_once_with_context(detector):
    text = " ".join(f"word{i} the city, was" for i in range(60))
    segment = Segment("a", text, "город был " * 100)
    spots = align.tokens(text)
    windows = list(detector._windows(0, segment, spots))
    assert len(windows) > 2
    assert [w.own_first for w in windows] == [0, *(w.own_last for w in windows[:-1])]
    assert windows[-1].own_last == len(spots)
    for window in windows:
        last = window.first + len(window.pieces)
        assert window.first <= window.own_first < window.own_last <= last
        assert len(window.source) + sum(map(len, window.pieces)) + 4 <= 512
        before = window.pieces[: window.own_first - window.first]
        if window.first:
            assert sum(map(len, before)) >= MARGIN - 24
    found = detector([segment])[0]
    assert len(found.words) == len(spots) and len(set(found.words)) > 40


def test_words_far_from_the_end_do_not_know_of_it(detector):
    """A change in the last words of a long segment leaves its first words as they were."""
    text = " ".join(f"city{i} was the, best" for i in range(60))
    one, other = detector([Segment("a", text + " the end"), Segment("b", text + " the owl")])
    assert one.words != other.words
    assert one.words[:150] == other.words[:150]


def test_tokens_of_the_caller(detector):
    segment = Segment("a", "It 's the city 's best .", "Город.")
    spots = align.whitespace_tokens(segment.mt)
    found = detector.detect([segment], [spots])[0]
    assert list(found.tokens) == spots and len(found.words) == 7
    with pytest.raises(ValueError, match="1 segments"):
        detector.detect([segment], [spots, spots])


def test_sensitivity_flags_more(folder):
    counts = []
    for sensitivity in (0.0, 0.3, 0.5, 0.8, 1.0):
        found = Detector(folder, sensitivity=sensitivity)(SEGMENTS)
        counts.append(
            sum(
                sum(f.span.start <= t.start and t.end <= f.span.end for t in d.tokens)
                for d in found
                for f in d.findings
            )
        )
    assert counts == sorted(counts) and counts[0] < counts[-1]
    with pytest.raises(RepairError, match="out of range"):
        Detector(folder, sensitivity=2)


def test_states_line_up_with_words(folder, detector):
    keeper = Detector(folder, keep_states=True)
    found = keeper(SEGMENTS)
    for segment, plain, one in zip(SEGMENTS, detector(SEGMENTS), found, strict=True):
        assert (plain.words, plain.gaps, plain.states) == (one.words, one.gaps, None)
        if not one.tokens:
            assert one.states is None
            continue
        assert one.states.tokens == one.tokens
        assert one.states.words.shape == (len(align.tokens(segment.mt)), 64)
        assert one.states.source.shape == (len(align.tokens(segment.source or "")), 64)
        assert all(state.any() for state in (*one.states.words, *one.states.source))
    alone = keeper([SEGMENTS[0]])[0].states
    assert np.array_equal(alone.words, found[0].states.words)
    assert np.array_equal(alone.source, found[0].states.source)
    assert not np.array_equal(alone.words[0], alone.words[1])


def test_states_of_a_long_segment_come_from_all_its_windows(folder):
    segment = Segment("1", "word " * 600 + "end", "слово " * 600 + "конец")
    states = Detector(folder, keep_states=True)([segment])[0].states
    assert states.words.shape[0] == states.source.shape[0] == 601
    assert all(state.any() for state in states.words)
    assert np.mean([state.any() for state in states.source]) > 0.9


def test_signature_names_weights_and_options(folder, tmp_path):
    other = write_tiny(tmp_path / "other", seed=1)
    signatures = {
        Detector(folder).signature,
        Detector(folder, sensitivity=0.6).signature,
        Detector(other).signature,
    }
    assert len(signatures) == 3
    assert Detector(folder).signature == Detector(folder).signature


def test_damaged_folders_say_how_to_mend(tmp_path):
    place = write_tiny(tmp_path / "damaged")
    weights = place / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(RepairError, match="checksum"):
        Detector(place)(SEGMENTS)
    weights.unlink()
    with pytest.raises(RepairError, match="missing"):
        Detector(place)(SEGMENTS)
    (place / "config.json").write_text('{"schema": "other"}')
    with pytest.raises(RepairError, match="Not the configuration"):
        Detector(place)
    (place / "config.json").write_text("{")
    with pytest.raises(RepairError, match="JSON"):
        Detector(place)
    with pytest.raises(RepairError, match="missing"):
        Detector(tmp_path / "nowhere")


def test_weights_of_another_shape_are_refused(tmp_path):
    place = write_tiny(tmp_path / "shape")
    config = json.loads((place / "config.json").read_text())
    config["shape"]["layers"] = 3
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(RepairError, match="do not fit"):
        Detector(place)(SEGMENTS)


def test_packing_keeps_weights():
    from repair.detect.encoder import pack, unpack

    torch.manual_seed(0)
    matrix = torch.randn(128, 128)
    codes = torch.randint(0, 16, (10, 4, 32))
    codes[..., 0] = 0  # the largest of a block lies at -8, as the 4-bit format has it
    rows = ((codes.float() - 8) * 0.125).reshape(10, 128)
    back = unpack(pack({"a.weight": matrix, "pieces.weight": rows, "b": matrix[0]}))
    assert torch.equal(back["pieces.weight"], rows)  # lossless
    assert torch.equal(back["b"], matrix[0])
    assert (back["a.weight"] - matrix).abs().max() < matrix.abs().max() / 200


def test_import_does_not_pull_torch():
    code = "import sys, repair.detect; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
