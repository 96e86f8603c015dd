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
from dataclasses import dataclass
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
# The beam after each word of a wording, and how many wordings of that length are kept: long ones are
# less probable than any short one, and would never be seen beside them.
BEAMS, KEPT = (12, 4, 2, 2), (6, 4, 2, 2)
OPENINGS, SECONDS = 100, 12  # words that may come first, and second words after each of the beam
STEPS = len(BEAMS)
GROUP = 8  # places that are searched together
COLUMNS = 2 * NEAR + LONGEST + BEHIND * RENDERINGS  # words that can be pointed at from a place
LEAST, UNSEEN = 1e-9, -11.0  # the least probability; logarithms of first words are kept above
FLOOR = math.log(LEAST) + 1e-3  # what is not above has no probability at all
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


@dataclass(frozen=True, eq=False)
class Filling:
    """What the model would write at a place: its best wordings, each with its log-probability.

    ``guesses`` are one and two words with the log-probability that a wording begins like this.
    ``opening`` are the log-probabilities of all first words by index, ``indices`` and ``more`` the
    indices of words; index 0 stands for nothing at all.
    """

    wordings: list[tuple[Words, float]]
    guesses: list[tuple[Words, float]]
    opening: np.ndarray
    indices: dict[str, int]
    more: dict[str, int]

    def first(self, words: Sequence[str]) -> np.ndarray:
        """The log-probabilities that a wording begins with each of these; `UNSEEN` at least."""
        known, more = self.indices, self.more
        places = [known[w] if w in known else more.get(w, RARE) for w in words]
        return np.maximum(self.opening[places], UNSEEN)

    @property
    def empty(self) -> float:
        """The log-probability of writing nothing."""
        return float(self.opening[END])

    @cached_property
    def entropy(self) -> float:
        """Of the first word, in nats."""
        return -float((np.exp(self.opening) * self.opening).sum())


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

    def fill(self, asked: Sequence[tuple[Reading, Place]]) -> list[Filling]:
        """What could be written at each of some places, which the model must reach.

        A beam search over whole words that keeps the best of each length; the log-probability of a
        wording includes its end. Places are searched in groups of one size and shape, so that the
        result does not depend on which stand together; many at once are several times faster.
        """
        found: list[Filling] = []
        for start in range(0, len(asked), GROUP):
            group = asked[start : start + GROUP]
            full = [*group, *[group[-1]] * (GROUP - len(group))]
            found += self._search(full)[: len(group)]
        return found

    def remember(self, asked: Sequence[tuple[Reading, Place]]) -> None:
        """`fill`, and leave with each reading what its places would be filled with."""
        asked = [(r, p) for r, p in asked if r.lacks(p)]
        for (reading, place), filling in zip(asked, self.fill(asked), strict=True):
            reading.keep(place, filling)

    def _search(self, asked: Sequence[tuple[Reading, Place]]) -> list[Filling]:
        import torch

        network, size = self._network, len(self.vocabulary)
        views = [view(reading, place) for reading, place in asked]
        states = {id(reading): states_of(reading, reading.states) for reading, _ in asked}
        rows = [
            (mt[seen.mt], source[seen.source])
            for seen, (mt, source) in zip(views, (states[id(r)] for r, _ in asked), strict=True)
        ]
        inputs = packed(views, rows, self._ids, (2 * NEAR + LONGEST, BEHIND))
        pointers = [_Pointers(seen, self._ids, size) for seen in views]
        columns = torch.from_numpy(np.stack([one.columns for one in pointers]))
        lexical = torch.from_numpy(np.stack([one.lexical for one in pointers]))
        copied = torch.from_numpy(np.stack([one.copied for one in pointers]))

        def spelled(k: int, index: int) -> str:
            return self.vocabulary[index] if index < size else pointers[k].extra[index - size]

        there = [tuple(reading.words[place.start : place.end]) for reading, place in asked]
        beams: list[list[tuple[Words, float]]] = [[((), 0.0)] for _ in asked]
        wordings: list[list[tuple[Words, float]]] = [[] for _ in asked]
        guesses: list[list[tuple[Words, float]]] = [[] for _ in asked]
        opening = np.zeros((len(asked), 0))
        width = 1
        with torch.inference_mode():
            memory = network.read(inputs)
            for step, (beam, kept) in enumerate(zip((*BEAMS, 0), (0, *KEPT), strict=True)):
                lines = [beams[k][min(n, len(beams[k]) - 1)] for k in range(len(asked))
                         for n in range(width)]  # fmt: skip
                whose = torch.arange(len(asked)).repeat_interleave(width)
                prefix = [
                    [self._ids.get(w, RARE if w else BEGIN) for w in (views[k].left, *words)]
                    for k, (words, _) in zip(whose.tolist(), lines, strict=True)
                ]
                near = memory.of(whose)
                mix = network.mixture(network.write(torch.tensor(prefix), near)[:, -1:], near)
                aimed = mix.lexical @ lexical[whose] + mix.copied @ copied[whose]
                p = torch.cat([mix.generated[:, 0], torch.zeros(len(lines), COLUMNS)], 1)
                p.scatter_add_(1, columns[whose], aimed[:, 0])
                p[:, 1:RESERVED] = 0
                if step == 0:
                    opening = p.clamp(min=LEAST).log().numpy()
                ends = p[:, END].clamp(min=LEAST).log().tolist()
                p[:, END] = 0
                tried = (OPENINGS, SECONDS)[step] if step < 2 else beam
                most = min(max(beam, tried, 1) + 1, p.shape[1])
                values, indices = p.topk(most, dim=1)
                values, indices = values.clamp(min=LEAST).log().tolist(), indices.tolist()
                for k in range(len(asked)):
                    at = k * width
                    mine = list(enumerate(beams[k], at))
                    closed = [(w, t + ends[n]) for n, (w, t) in mine if w and w != there[k]]
                    wordings[k] += _ordered(closed)[:kept]
                    grown = [
                        ((*words, word), total + value)
                        for n, (words, total) in mine
                        for value, index in zip(values[n], indices[n], strict=True)
                        if value > FLOOR and words[-1:] != ((word := spelled(k, index)),)
                    ]
                    if step < 2:
                        guesses[k] += grown
                    beams[k] = _ordered(grown)[:beam]
                width = beam
                if not beam:
                    break
        return [
            Filling(_ordered(mine), _ordered(more), line, self._ids, one.names)
            for mine, more, line, one in zip(wordings, guesses, opening, pointers, strict=True)
        ]


class _Pointers:
    """Words that can be pointed at from a place, as columns; ``extra`` are not in the vocabulary."""

    def __init__(self, seen: View, ids: dict[str, int], size: int):
        words = sorted({*seen.words, *(w for known in seen.renderings for w in known)})
        self.extra = [word for word in words if word not in ids]
        self.names = {word: size + k for k, word in enumerate(self.extra)}
        self.columns = np.full(COLUMNS, RARE, np.int64)
        self.columns[: len(words)] = [ids.get(w, self.names.get(w, RARE)) for w in words]
        column = {word: k for k, word in enumerate(words)}
        self.lexical = np.zeros((BEHIND, COLUMNS), np.float32)
        for row, known in enumerate(seen.renderings):
            for word, share in known.items():
                self.lexical[row, column[word]] = share
        self.copied = np.zeros((2 * NEAR + LONGEST, COLUMNS), np.float32)
        self.copied[range(len(seen.words)), [column[w] for w in seen.words]] = 1.0


def packed(
    views: Sequence[View],
    states: Sequence[tuple[np.ndarray, np.ndarray]],
    ids: dict[str, int],
    most: tuple[int, int] | None = None,
):
    """A padded batch of views with the states of their words; ``most`` are the sizes to pad to."""
    import torch

    from .infill_network import Inputs

    rows, width = len(views), states[0][0].shape[1]
    most_mt, most_source = most or (
        max(1, max(len(v.mt) for v in views)), max(1, max(len(v.source) for v in views)),
    )  # fmt: skip
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


def _ordered(found: list[tuple[Words, float]]) -> list[tuple[Words, float]]:
    """The likeliest first; equals by their words, so that the order is always the same."""
    return sorted(found, key=lambda one: (-one[1], one[0]))


def _damaged(path: Path, what) -> RepairError:
    return RepairError(
        f"The infilling model cannot be read: {what}",
        path=path,
        mend="Install mt-repair again, or train it with models/infill/train.py.",
    )
