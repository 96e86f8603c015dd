"""Finds what is wrong in a machine translation, word by word, with the neural detector.

`Detector` reads source and mt together, or the mt alone, and gives for every word and gap the
calibrated probability that it is wrong, spans with category and severity, and an estimate of the
quality of the segment. The weights lie in a folder with ``config.json``, ``tokenizer.json`` and
``model.safetensors``; the one shipped with the package is the default. With a source, trees over
`repair.detect.evidence` (``words.txt``, ``gaps.txt``) have their say, if the folder has any.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import align
from ..align import Token
from ..bitext import Bitext
from ..core import CATEGORIES, ErrorSpan, Finding, Quality, RepairError, Segment
from . import evidence

if TYPE_CHECKING:
    from .encoder import Batch

SCHEMA = "mt-repair.detector/1"
MESSAGES = {
    "accuracy/mistranslation": "This may not be what the source says.",
    "accuracy/omission": "Something of the source may be missing here.",
    "accuracy/addition": "The source may not say this.",
    "accuracy/untranslated": "This may have been left untranslated.",
    "accuracy/number": "Check this number, date or unit.",
    "accuracy/entity": "Check this name.",
    "accuracy/negation": "Check the negation.",
    "fluency/grammar": "The grammar may be wrong here.",
    "fluency/word-order": "The words may be in the wrong order.",
    "fluency/spelling": "This may be misspelled.",
    "fluency/punctuation": "Check the punctuation.",
    "fluency/typography": "Check letter case, spaces and quotes.",
    "fluency/register": "This may not fit the tone of the text.",
    "style/awkward": "This may sound awkward.",
    "terminology": "This may not be the established term.",
}
ROOM = 256  # pieces in one batch; the number of rows depends on their length alone
WINDOW = 160  # pieces of mt in one window of a long segment
MARGIN = 32  # pieces of context on each side that a neighbouring window answers for
LONGEST = 384  # pieces of source and mt that are read in one go


@dataclass(frozen=True, slots=True)
class Detection:
    """What is wrong in one segment.

    ``words`` has the probability of BAD of each of the N ``tokens``, ``gaps`` that of the N+1 gaps
    around them. ``quality`` is None for an empty mt; ``states`` is, unless the detector keeps them.
    """

    findings: tuple[Finding, ...]
    quality: Quality | None
    tokens: tuple[Token, ...]
    words: tuple[float, ...]
    gaps: tuple[float, ...]
    states: States | None = None


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """What the encoder knows of each token of the mt and of the source: (tokens, width) each.

    The mean of the states of a token's first and last piece. ``encoder`` is the SHA-256 of the
    weights that made them.
    """

    tokens: tuple[Token, ...]
    words: np.ndarray
    source_tokens: tuple[Token, ...]
    source: np.ndarray
    encoder: str = ""


class _Window(NamedTuple):
    """Tokens ``[first, last)`` of a segment, of which ``[own_first, own_last)`` are answered."""

    segment: int
    source: tuple[int, ...]
    pieces: list[tuple[int, ...]]
    first: int
    own_first: int
    own_last: int
    source_first: int = 0  # the place of its first source piece among those of the segment


class _Raw(NamedTuple):
    """Logits of one segment."""

    words: np.ndarray
    gaps: np.ndarray
    whole: np.ndarray
    states: States | None
    source_ends: np.ndarray | None  # where the pieces of each source token end


def shipped_folder() -> Path:
    """The folder of the weights that come with the package."""
    return Path(str(resources.files("repair.models") / "detector"))


class Detector:
    """The neural detector: a stage for the pipeline, and figures for those who measure.

    ``sensitivity`` (0 to 1) moves the threshold for findings: .5 is the shipped one, chosen for
    precision; 1 flags whatever is more likely wrong than an average word. ``device`` is a torch
    device, ``threads`` the number of CPU threads; ``keep_states`` leaves the encoder's states in the
    detections, for models that sit on it. Results do not depend on how segments are batched.
    Raises `RepairError` for a folder that is incomplete or damaged; the weights are read at the
    first call.
    """

    may_run_ahead = True  # from a thread of its own, see `repair.pipeline.Repairer.run_batches`

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        sensitivity: float = 0.5,
        device: str | None = None,
        threads: int | None = None,
        keep_states: bool = False,
    ):
        if not 0 <= sensitivity <= 1:
            raise RepairError(
                f"Sensitivity {sensitivity} is out of range.", mend="Give a number from 0 to 1."
            )
        self.folder = shipped_folder() if folder is None else Path(folder)
        self.sensitivity, self.device, self.threads = sensitivity, device or "cpu", threads
        self.keep_states = keep_states
        self.config = _read_config(self.folder)
        self._by = f"detect/{self.config['name']}"

    @property
    def signature(self) -> str:
        """Model, digest of its weights and sensitivity."""
        parts = [self.config["sha256"], *self.config.get("evidence", {}).values()]
        digest = ":".join(part[:8] for part in parts)
        return f"detect:{self.config['name']}:{digest}|sensitivity:{self.sensitivity:g}"

    def thresholds(self, *, sighted: bool) -> dict[str, dict[str, float]]:
        """Thresholds on the probabilities of ``words`` and ``gaps``, with or without a source.

        ``default`` was chosen for precision, ``mcc`` maximises MCC; both on development data.
        """
        return self.config["conditions"]["source" if sighted else "blind"]["thresholds"]

    def __call__(self, segments: Sequence[Segment]) -> list[Detection]:
        """One detection per segment, in order."""
        return self.detect(segments)

    def detect(
        self, segments: Sequence[Segment], tokens: Sequence[Sequence[Token]] | None = None
    ) -> list[Detection]:
        """As a call, but with tokens of the caller (a tokenised corpus has its own)."""
        places = _places(segments, tokens)
        raws = self._logits(segments, places)
        told = self._evidence(segments, places, raws) if self._trees else [None] * len(raws)
        scores = self._scores(segments, raws, told)
        rows = zip(segments, places, raws, told, scores, strict=True)
        return [self._detection(segment, tuple(spots), *row) for segment, spots, *row in rows]

    def close(self) -> None:
        """Let the weights go; the next call reads them again."""
        self.__dict__.pop("_network", None)
        self.__dict__.pop("_trees", None)

    # --- beside the network ---

    @cached_property
    def _trees(self) -> dict[str, Any]:
        """The trees over the evidence for words and gaps, if the folder has any."""
        import lightgbm

        found = {}
        for kind, digest in self.config.get("evidence", {}).items():
            path = _present(self.folder / f"{kind}.txt")
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise _altered(path)
            found[kind] = lightgbm.Booster(model_str=data.decode("utf-8"))
        return found

    def _evidence(self, segments, places, raws) -> list[evidence.Evidence | None]:
        """The evidence of each segment that has words and a source."""
        return [
            evidence.beside(
                evidence.describe(Bitext(segment), spots), raw.words[:, 0], raw.gaps[:, 0]
            )
            if spots and _sighted(segment)
            else None
            for segment, spots, raw in zip(segments, places, raws, strict=True)
        ]

    def _scores(self, segments, raws, told) -> list[dict[str, np.ndarray]]:
        """Log-odds of words and gaps: those of the network, calibrated, and what the trees add."""
        scores: list[dict[str, np.ndarray]] = []
        for segment, raw in zip(segments, raws, strict=True):
            fit = self._condition(segment)["calibration"]
            scores.append(
                {
                    kind: fit[kind][0] * getattr(raw, kind)[:, 0].astype(np.float64) + fit[kind][1]
                    for kind in ("words", "gaps")
                }
            )
        known = [index for index, one in enumerate(told) if one is not None]
        for kind, trees in self._trees.items() if known else ():
            rows = [getattr(told[index], kind) for index in known]
            added = trees.predict(np.concatenate(rows), raw_score=True, num_threads=1)
            cuts = np.cumsum([len(part) for part in rows])[:-1]
            for index, part in zip(known, np.split(added, cuts), strict=True):
                scores[index][kind] += part
        return scores

    def _condition(self, segment: Segment) -> dict[str, Any]:
        return self.config["conditions"]["source" if _sighted(segment) else "blind"]

    # --- from texts to logits ---

    @cached_property
    def _pieces(self) -> Any:
        from .encoder import Pieces

        return Pieces(_present(self.folder / "tokenizer.json"))

    @cached_property
    def _network(self) -> Any:
        import torch
        from safetensors.torch import load

        from .encoder import Network, Shape, unpack

        path = _present(self.folder / "model.safetensors")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.config["sha256"]:
            raise _altered(path)
        if self.threads:
            torch.set_num_threads(self.threads)
        try:
            with torch.device("meta"):
                network = Network(Shape(**self.config["shape"]))
            network.load_state_dict(unpack(load(data)), assign=True)
        except (RuntimeError, TypeError, KeyError, ValueError) as error:
            raise RepairError(
                f"The weights do not fit the configuration: {error}",
                path=path,
                mend="Take both files from the same release.",
            ) from error
        network = network.to(self.device).eval().requires_grad_(False)
        if _fast_bf16(self.device):
            network.layers.to(torch.bfloat16)
        return network

    def _logits(self, segments: Sequence[Segment], places: Sequence[Sequence[Token]]) -> list[_Raw]:
        shape = self.config["shape"]
        out = [
            _Raw(
                np.zeros((len(spots), shape["words"]), np.float32),
                np.zeros((len(spots) + 1, shape["gaps"]), np.float32),
                np.zeros(shape["segments"], np.float32),
                *(self._no_states(segment, spots) if self.keep_states else (None, None)),
            )
            for segment, spots in zip(segments, places, strict=True)
        ]
        for windows, batch in self._batches(segments, places):
            read = self._network.read(batch)
            words, gaps, whole = (
                x.float().cpu().numpy() for x in self._network.answer(batch, *read)
            )
            if self.keep_states:
                self._keep(out, windows, read[0].float().cpu().numpy())
            word = gap = 0
            for row, window in enumerate(windows):
                mine, count = out[window.segment], len(window.pieces)
                skip, end = window.own_first - window.first, window.own_last - window.first
                mine.words[window.own_first : window.own_last] = words[word + skip : word + end]
                # A window answers for the gap before each of its words; the last also for the end.
                last = end + (window.own_last == len(places[window.segment]))
                target = slice(window.own_first, window.first + last)
                mine.gaps[target] = gaps[gap + skip : gap + last]
                share = (end - skip) / max(1, len(places[window.segment]))
                mine.whole[:] += whole[row] * np.float32(share)
                word, gap = word + count, gap + count + 1
        return out

    def _no_states(self, segment: Segment, spots: Sequence[Token]) -> tuple[States, np.ndarray]:
        width, text = self.config["shape"].get("width", 384), segment.source or ""
        source = align.tokens(text)
        rows = [np.zeros((len(tokens), width), np.float32) for tokens in (spots, source)]
        states = States(tuple(spots), rows[0], tuple(source), rows[1], self.config["sha256"])
        sizes = [len(self._pieces.cut(text[a:b])) for a, b in source]
        return states, np.cumsum([0, *sizes])[1:]

    def _keep(self, out: list[_Raw], windows: list[_Window], read: np.ndarray) -> None:
        """Put the states of a batch (rows, length, width) where they belong."""
        for row, window in zip(read, windows, strict=False):  # rows that fill up come last
            states, source_ends = out[window.segment].states, out[window.segment].source_ends
            ends = np.cumsum([len(piece) for piece in window.pieces]) + len(window.source) + 2
            starts = np.concatenate([[len(window.source) + 3], ends[:-1] + 1])
            own = slice(window.own_first - window.first, window.own_last - window.first)
            mean = (row[starts[own]] + row[ends[own]]) / 2
            states.words[window.own_first : window.own_last] = mean
            # A source word in the parts of several windows has the state of the last.
            begin = window.source_first
            starts = np.concatenate([[0], source_ends[:-1]])
            there = slice(
                np.searchsorted(starts, begin),
                np.searchsorted(source_ends, begin + len(window.source), "right"),
            )
            first, last = starts[there] - begin + 1, source_ends[there] - begin
            states.source[there] = (row[first] + row[last]) / 2

    def _batches(
        self, segments: Sequence[Segment], places: Sequence[Sequence[Token]]
    ) -> Iterator[tuple[list[_Window], Batch]]:
        """Windows of about the same length, in batches whose shape depends on that length alone.

        A batch that is not full is filled with empty rows: so every matrix product has the same
        shape, and a segment the same result, whatever stands beside it.
        """
        import torch

        from .encoder import collate

        windows: dict[int, list[_Window]] = {}
        for index, (segment, spots) in enumerate(zip(segments, places, strict=True)):
            for window in self._windows(index, segment, spots):
                size = len(window.source) + sum(map(len, window.pieces)) + 4
                windows.setdefault(-(-size // 8) * 8, []).append(window)
        filler = _Window(-1, (), [(3,)], 0, 0, 1)
        with torch.inference_mode():
            for length, group in sorted(windows.items(), reverse=True):
                rows = max(1, ROOM // length)
                for start in range(0, len(group), rows):
                    some = group[start : start + rows]
                    full = [*some, *[filler] * (rows - len(some))]
                    batch = collate([(w.source, w.pieces) for w in full], length=length)
                    yield some, batch.to(self.device)

    def _windows(self, index: int, segment: Segment, spots: Sequence[Token]) -> Iterator[_Window]:
        if not spots:
            return
        cut = self._pieces.cut
        pieces = [cut(segment.mt[a:b]) for a, b in spots]
        text = segment.source or ""
        source = [cut(text[a:b]) for a, b in align.tokens(text)]
        flat = tuple(i for token in source for i in token)
        if len(flat) + sum(map(len, pieces)) + 4 <= LONGEST:
            yield _Window(index, flat, pieces, 0, 0, len(pieces))
            return
        starts = np.concatenate([[0], np.cumsum([len(p) for p in pieces])])
        total = int(starts[-1])
        count = max(1, -(-total // (WINDOW - 2 * MARGIN)))
        bounds = [int(np.searchsorted(starts, total * k / count)) for k in range(count + 1)]
        bounds[-1] = len(pieces)
        for own_first, own_last in itertools.pairwise(bounds):
            if own_first == own_last:
                continue
            low, high = starts[own_first] - MARGIN, starts[own_last] + MARGIN
            first = max(0, int(np.searchsorted(starts, low)))
            last = min(len(pieces), max(own_last, int(np.searchsorted(starts, high, "right")) - 1))
            # The part of the source that stands at the same share of its length, and more.
            spare = LONGEST - 4 - int(starts[last] - starts[first])
            middle = (starts[first] + starts[last]) / 2 / total * len(flat)
            begin = int(min(max(0, middle - spare / 2), max(0, len(flat) - spare)))
            part = flat[begin : begin + spare]
            yield _Window(index, part, pieces[first:last], first, own_first, own_last, begin)

    # --- from logits to findings ---

    def _detection(
        self,
        segment: Segment,
        spots: tuple[Token, ...],
        raw: _Raw,
        told: evidence.Evidence | None,
        scores: dict[str, np.ndarray],
    ) -> Detection:
        if not spots:
            return Detection((), None, (), (), (self._empty_gap(segment),))
        condition = self._condition(segment)
        words, gaps = _probabilities(scores["words"]), _probabilities(scores["gaps"])
        hter, da = condition["calibration"]["hter"], condition["calibration"]["da"]
        known = summary(raw, told)[: len(hter) - 1]
        quality = Quality(
            hter=round(min(1.0, max(0.0, float(known @ hter[:-1]) + hter[-1])), 4),
            da=round(da[0] * float(raw.whole[1]) + da[1], 4),
        )
        findings = self._findings(segment, spots, raw, words, gaps, condition["thresholds"])
        return Detection(tuple(findings), quality, spots, tuple(words), tuple(gaps), raw.states)

    def _empty_gap(self, segment: Segment) -> float:
        """An empty translation of something is wrong, one of nothing is not."""
        return 1.0 if _sighted(segment) else 0.0

    def _threshold(self, default: float) -> float:
        """The threshold at this sensitivity: on the logit scale, from .99 by ``default`` to .1."""

        def logit(p: float) -> float:
            return math.log(p / (1 - p))

        low, middle, high = logit(0.1), logit(min(0.98, max(0.11, default))), logit(0.99)
        share = 2 * abs(self.sensitivity - 0.5)
        end = low if self.sensitivity > 0.5 else high
        return 1 / (1 + math.exp(-(middle + share * (end - middle))))

    def _findings(self, segment, spots, raw, words, gaps, thresholds) -> Iterator[Finding]:
        categories = self.config["categories"]
        kinds = len(categories)
        word_limit = self._threshold(thresholds["words"]["default"])
        gap_limit = self._threshold(thresholds["gaps"]["default"])
        bad = [p > word_limit for p in words]
        tags = [False] * (2 * len(spots) + 1)
        tags[1::2] = bad
        for gap, p in enumerate(gaps):
            beside = (gap > 0 and bad[gap - 1]) or (gap < len(bad) and bad[gap])
            tags[2 * gap] = p > gap_limit and not beside
        for start, end in align.tags_to_spans(segment.mt, spots, tags):
            if start == end:
                gap = sum(token.end <= start for token in spots)
                confidence = gaps[gap]
                name = categories[int(raw.gaps[gap, 1 : 1 + kinds].argmax())]
                severity = "minor" if name.startswith("fluency") else "major"
            else:
                inside = [i for i, t in enumerate(spots) if start <= t.start and t.end <= end]
                weight = np.array([words[i] for i in inside])[:, None]
                kind = _softmax(raw.words[inside, 1 : 1 + kinds])
                grade = _softmax(raw.words[inside, 1 + kinds :])
                confidence = max(words[i] for i in inside)
                name = categories[int((kind * weight).sum(0).argmax())]
                severity = self.config["severities"][int((grade * weight).sum(0).argmax())]
            message = MESSAGES.get(name, "This may be wrong.")
            span = ErrorSpan(start, end, name, severity, confidence, self._by, message)
            yield Finding(span)


def _places(
    segments: Sequence[Segment], tokens: Sequence[Sequence[Token]] | None
) -> list[Sequence[Token]]:
    if tokens is None:
        return [align.tokens(segment.mt) for segment in segments]
    if len(tokens) != len(segments):
        raise ValueError(f"{len(segments)} segments, but tokens of {len(tokens)}")
    return list(tokens)


def summary(raw: _Raw, told: evidence.Evidence | None) -> np.ndarray:
    """What the estimate of HTER is a weighted sum of: the network's own, and what it says of words.

    With a source and evidence, `evidence.SEGMENTS` follow.
    """
    words, gaps, own = (
        1 / (1 + np.exp(-x.astype(np.float64)))
        for x in (raw.words[:, 0], raw.gaps[:, 0], raw.whole[:1])
    )
    mine = [own[0], raw.whole[1], words.mean(), gaps.mean()]
    return np.array([*mine, math.log(len(words)), *(told.segment if told else ())])


def _probabilities(scores: np.ndarray) -> list[float]:
    """Probabilities of log-odds; rounded, so that a float's last bits never matter."""
    return [round(float(p), 5) for p in 1 / (1 + np.exp(-scores))]


def _sighted(segment: Segment) -> bool:
    return bool(segment.source and segment.source.strip())


def _altered(path: Path) -> RepairError:
    return RepairError(
        "The weights do not match their checksum.",
        path=path,
        mend="Install the package again, or fetch the file again.",
    )


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _fast_bf16(device: str) -> bool:
    """Whether this CPU multiplies in bfloat16; elsewhere it would be far slower than float32."""
    import torch

    if device != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    return (
        bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        and "AVX512" in torch.backends.cpu.get_cpu_capability()
    )


def _present(path: Path) -> Path:
    if not path.is_file():
        raise RepairError(
            "The detector's folder is incomplete: this file is missing.",
            path=path,
            mend="Name a folder with config.json, tokenizer.json and model.safetensors.",
        )
    return path


def _read_config(folder: Path) -> dict[str, Any]:
    path = _present(folder / "config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RepairError(f"Not valid JSON: {error}", path=path) from error
    if not isinstance(config, dict) or config.get("schema") != SCHEMA:
        raise RepairError(
            f"Not the configuration of a detector ({SCHEMA}).",
            path=path,
            mend="Name a folder that models/detector/train.py wrote.",
        )
    needed = {"name", "sha256", "shape", "categories", "severities", "conditions"}
    if missing := sorted(needed - set(config)):
        raise RepairError(f"The configuration lacks {', '.join(missing)}.", path=path)
    if unknown := sorted(set(config["categories"]) - set(CATEGORIES)):
        raise RepairError(f"Unknown categories: {', '.join(unknown)}.", path=path)
    return config
