"""A small sequence-to-sequence model that writes the words of a place, whole words at a time.

It reads the states that the detector's encoder has for the words around a place and for the source
words behind it, so that the encoder runs once for both. Each word it writes is drawn from a mixture:
a vocabulary of frequent English words, the lexicon's renderings of a source word that it attends
to, or a word of the MT nearby (pointer networks, Vinyals et al. 2015; lexical attention, Arthur et
al. 2016). So no word comes out broken, and rare words need not be learned.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core import RepairError
from .inventory import Place, Reading, Words

if TYPE_CHECKING:
    from ..detect import States

SCHEMA = "mt-repair.infill/1"
END, RARE, BEGIN = 0, 1, 2  # of the vocabulary: the end of a wording, a word it lacks, no word
RESERVED = 3
NEAR = 8  # words of the MT on each side of a place that are read
BEHIND = 12  # source words behind a place that are read
RENDERINGS = 10  # of one source word
LONGEST = 5  # words of a place and of a wording
BEAM, STEPS = 6, 4
MT_ROLES, SOURCE_ROLES = 12, 8  # where a word stands, seen from the place


class View(NamedTuple):
    """What is read for one place: rows of states, and what is known of their words.

    ``mt`` and ``source`` are indices of words, ``mt_roles`` and ``source_roles`` say where each
    stands; ``words`` are the MT's words; ``renderings`` are English words with their shares for
    each source word; ``left`` is the word before the place, "" at the start.
    """

    mt: list[int]
    mt_roles: list[int]
    words: list[str]
    source: list[int]
    source_roles: list[int]
    renderings: list[dict[str, float]]
    left: str


def view(reading: Reading, place: Place) -> View:
    """The words around a place and the source words behind it."""
    start, end = place
    mt = list(range(max(0, start - NEAR), min(len(reading.words), end + NEAR)))
    roles = []
    for j in mt:
        if j < start:
            roles.append(min(start - j, 4) + 3)  # 4 to 7
        elif j >= end:
            roles.append(min(j - end, 3) + 8)  # 8 to 11
        elif end - start == 1:
            roles.append(3)
        else:
            roles.append(0 if j == start else 2 if j == end - 1 else 1)
    source = reading.behind(place, BEHIND)
    ranks = [min(rank, 6) for rank in range(len(source))]
    renderings = []
    for i in source:
        best = sorted(reading.renderings[i].items(), key=lambda x: (-x[1], x[0]))[:RENDERINGS]
        total = sum(share for _, share in best)
        renderings.append({word: share / total for word, share in best})
    left = reading.words[start - 1] if start else ""
    return View(mt, roles, [reading.words[j] for j in mt], source, ranks, renderings, left)


def states_of(reading: Reading, states: States) -> tuple[np.ndarray, np.ndarray]:
    """States of the words of the MT and of the source as a `Reading` has them: (words, width)."""
    mt = _gathered(reading.ranges, states.tokens, states.words)
    source = _gathered([word[:2] for word in reading.source], states.source_tokens, states.source)
    return mt, source


def _gathered(ranges, tokens, rows: np.ndarray) -> np.ndarray:
    """The mean state of the tokens that each range meets."""
    out = np.zeros((len(ranges), rows.shape[1]), np.float32)
    at = 0
    for k, (start, end) in enumerate(ranges):
        while at < len(tokens) and tokens[at][1] <= start:
            at += 1
        last = at
        while last < len(tokens) and tokens[last][0] < end:
            last += 1
        if last > at:
            out[k] = rows[at:last].mean(0)
    return out


class Filling(NamedTuple):
    """What the model would write: log-probabilities of first words, and its best wordings."""

    first: dict[str, float]
    wordings: list[tuple[Words, float]]
    empty: float  # log-probability of nothing
    unseen: float  # what a first word has that is not in ``first``


class Infiller:
    """The model of a folder with ``config.json``, ``vocabulary.txt`` and ``model.safetensors``."""

    def __init__(self, folder: str | Path | None = None):
        self.folder = Path(folder or Path(str(resources.files("repair.models") / "infill")))

    @cached_property
    def config(self) -> dict:
        path = self.folder / "config.json"
        try:
            config = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise _damaged(path, error) from None
        if not isinstance(config, dict) or config.get("schema") != SCHEMA:
            raise _damaged(path, f"its schema is not {SCHEMA}")
        return config

    @property
    def encoder(self) -> str:
        """The digest of the detector's weights whose states it reads."""
        return self.config["encoder"]

    @cached_property
    def signature(self) -> str:
        """The digest of the weights."""
        return self.config["sha256"][:8]

    @cached_property
    def vocabulary(self) -> list[str]:
        path = self.folder / "vocabulary.txt"
        try:
            words = path.read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, error) from None
        return ["</s>", "<unk>", "<s>", *words]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: k for k, word in enumerate(self.vocabulary) if k >= RESERVED}

    @cached_property
    def _network(self):
        from safetensors.torch import load

        from .infill_network import Network, Shape, unpack

        path = self.folder / "model.safetensors"
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != self.config["sha256"]:
                raise _damaged(path, "its checksum is another one")
            network = Network(Shape(**self.config["shape"]))
            network.load_state_dict(unpack(load(data)))
        except (OSError, RuntimeError, TypeError, KeyError, ValueError) as error:
            raise _damaged(path, error) from None
        return network.eval().requires_grad_(False)

    def reaches(self, place: Place) -> bool:
        """Whether a place is short enough."""
        return place.end - place.start <= LONGEST

    def fill(self, reading: Reading, place: Place, states: States) -> Filling:
        """What could be written at a place of up to `LONGEST` words, best first.

        A beam search over whole words; the log-probability of a wording includes its end.
        """
        import torch

        seen = view(reading, place)
        mt, source = states_of(reading, states)
        inputs = packed([seen], [(mt[seen.mt], source[seen.source])], self._ids)
        network = self._network
        # The words that only a pointer can write come behind the vocabulary.
        extra = sorted(
            {w for known in seen.renderings for w in known if w not in self._ids}
            | {w for w in seen.words if w not in self._ids}
        )
        names = {word: len(self.vocabulary) + k for k, word in enumerate(extra)}
        every = [*self.vocabulary, *extra]
        ids = names | {w: self._ids[w] for w in seen.words if w in self._ids}
        lexical = np.zeros((max(1, len(seen.source)), len(every)), np.float32)
        for row, known in enumerate(seen.renderings):
            for word, share in known.items():
                lexical[row, self._ids.get(word, names.get(word, RARE))] += share
        copied = np.zeros((max(1, len(seen.words)), len(every)), np.float32)
        copied[np.arange(len(seen.words)), [ids[w] for w in seen.words]] = 1
        lexical, copied = torch.from_numpy(lexical), torch.from_numpy(copied)
        with torch.inference_mode():
            memory = network.read(inputs)
            beams = [((), 0.0)]
            done: list[tuple[Words, float]] = []
            first: np.ndarray | None = None
            for step in range(STEPS + 1):
                prefixes = [[seen.left, *words] for words, _ in beams]
                table = torch.tensor(
                    [[self._ids.get(w, RARE if w else BEGIN) for w in line] for line in prefixes]
                )
                mix = network.mixture(network.write(table, memory)[:, -1:], memory)
                p = torch.zeros(len(beams), len(every))
                p[:, : len(self.vocabulary)] = mix.generated[:, 0]
                p += mix.lexical[:, 0] @ lexical + mix.copied[:, 0] @ copied
                scores = p.clamp(min=1e-9).log().numpy()
                scores[:, RARE] = scores[:, BEGIN] = -math.inf
                if first is None:
                    first = scores[0]
                done += [
                    (words, total + float(scores[k, END])) for k, (words, total) in enumerate(beams)
                ]
                if step == STEPS:
                    break
                totals = scores + np.array([total for _, total in beams])[:, None]
                totals[:, END] = -math.inf
                flat = totals.ravel()
                best = np.argpartition(-flat, BEAM)[:BEAM]
                best = best[np.argsort(-flat[best], kind="stable")]
                grown = []
                for index in best.tolist():
                    k, word = divmod(index, len(every))
                    grown.append(((*beams[k][0], every[word]), float(flat[index])))
                # A repeated word is never wanted, and what can no longer win is let go.
                beams = [(w, t) for w, t in grown if len(w) < 2 or w[-1] != w[-2]]
                worst = sorted((t for _, t in done), reverse=True)[: 2 * BEAM]
                beams = [b for b in beams if len(worst) < 2 * BEAM or b[1] > worst[-1]]
                if not beams:
                    break
        done.sort(key=lambda one: -one[1])
        there = tuple(reading.words[place.start : place.end])
        wordings = [(w, t) for w, t in done if w and w != there][: 2 * BEAM]
        likely = {every[k]: float(first[k]) for k in np.flatnonzero(first > -11) if k != END}
        return Filling(likely, wordings, float(first[END]), -11.5)


def packed(views: Sequence[View], states: Sequence[tuple], ids: dict[str, int], targets=None):
    """A padded batch of views with their states and, to train, their wordings."""
    import torch

    from .infill_network import Inputs

    rows = len(views)
    width = states[0][0].shape[1]
    most_mt = max(1, max(len(v.mt) for v in views))
    most_source = max(1, max(len(v.source) for v in views))
    mt = np.zeros((rows, most_mt, width), np.float32)
    source = np.zeros((rows, most_source, width), np.float32)
    words = np.full((rows, most_mt), RARE, np.int64)
    mt_roles = np.full((rows, most_mt), -1, np.int64)
    source_roles = np.full((rows, most_source), -1, np.int64)
    renderings = np.full((rows, most_source, RENDERINGS), RARE, np.int64)
    shares = np.zeros((rows, most_source, RENDERINGS), np.float32)
    for r, (v, (mt_states, source_states)) in enumerate(zip(views, states, strict=True)):
        mt[r, : len(v.mt)] = mt_states
        source[r, : len(v.source)] = source_states
        words[r, : len(v.mt)] = [ids.get(w, RARE) for w in v.words]
        mt_roles[r, : len(v.mt)] = v.mt_roles
        source_roles[r, : len(v.source)] = v.source_roles
        for k, known in enumerate(v.renderings):
            for n, (word, share) in enumerate(known.items()):
                renderings[r, k, n], shares[r, k, n] = ids.get(word, RARE), share
    arrays = [mt, words, mt_roles, source, source_roles, renderings, shares]
    return Inputs(*map(torch.from_numpy, arrays))


def _damaged(path: Path, what) -> RepairError:
    return RepairError(
        f"The infilling model cannot be read: {what}",
        path=path,
        mend="Install mt-repair again, or train it with models/infill/train.py.",
    )
