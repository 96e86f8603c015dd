"""The multilingual encoder under the detector: pieces, the network, and its weights in a file.

Everything here needs torch, so it is imported only by what runs a model. A segment is read as
``<s> source </s></s> mt </s>`` (without a source ``<s> </s></s> mt </s>``); each token is cut into
pieces on its own, so that tokens and pieces always line up, whatever the tokenisation of the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

BOS, PAD, EOS, UNKNOWN = 0, 1, 2, 3
LONGEST_TOKEN = 24  # pieces; the middle of a longer token (an address, a hash) is left out
POSITIONS = 512
_QUOTES = str.maketrans(dict.fromkeys("‘’`´", "'") | dict.fromkeys("“”„«»″", '"') | {"\xad": ""})
_CLOSERS = frozenset(",.;:!?)]%…") | {"..."}
_GROUP = 64  # weights that share one scale in 8 bits
_BLOCK = 32  # weights that share one scale in 4 bits


class Pieces:
    """Cuts tokens into piece ids with a Hugging Face ``tokenizer.json``."""

    def __init__(self, path: str | Path):
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._known: dict[str, tuple[int, ...]] = {}
        self._space = self._tokenizer.token_to_id("▁")

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size(with_added_tokens=False)

    def cut(self, token: str) -> tuple[int, ...]:
        """The piece ids of one token, never none.

        Closing punctuation and clitics lose the mark of a preceding space, as in running text.
        """
        known = self._known.get(token)
        if known is not None:
            return known
        plain = token.translate(_QUOTES)
        ids = self._tokenizer.encode(plain, add_special_tokens=False).ids or [UNKNOWN]
        if plain in _CLOSERS or (len(plain) > 1 and plain[0] == "'"):
            if ids[0] == self._space and len(ids) > 1:
                ids = ids[1:]
            else:
                bare = self._tokenizer.token_to_id(plain)
                ids = ids if bare is None else [bare]
        if len(ids) > LONGEST_TOKEN:
            ids = ids[: LONGEST_TOKEN // 2] + ids[-LONGEST_TOKEN // 2 :]
        if len(self._known) > 500_000:
            self._known.clear()
        self._known[token] = tuple(ids)
        return self._known[token]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of the network; ``words``, ``gaps`` and ``segments`` count outputs of the heads."""

    vocabulary: int
    layers: int
    words: int
    gaps: int
    segments: int
    width: int = 384
    heads: int = 12
    inner: int = 1536
    epsilon: float = 1e-12


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded piece ids and the places in them, as flat indices into (rows x length).

    ``words`` is (words, 2): first and last piece; ``gaps`` is (gaps, 2): the pieces left and right
    of the gap; ``word_rows`` and ``gap_rows`` say which row each belongs to; ``inside`` marks the
    pieces of the mt.
    """

    ids: Tensor
    lengths: Tensor
    words: Tensor
    gaps: Tensor
    word_rows: Tensor
    gap_rows: Tensor
    inside: Tensor

    def to(self, device: str) -> Batch:
        """The same batch on a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


def collate(
    pairs: Sequence[tuple[Sequence[int], Sequence[Sequence[int]]]],
    *,
    length: int | None = None,
) -> Batch:
    """One batch of ``(source pieces, pieces of each mt token)``.

    With a ``length`` every row is padded to it, and the places to as many as could be, so that
    the shape of all tensors depends on the number of rows and the length only; else the length is
    the next multiple of 8.
    """
    rows, words, gaps, word_rows, gap_rows, ranges = [], [], [], [], [], []
    longest = 0
    for source, tokens in pairs:
        ids = [BOS, *source, EOS, EOS]
        start = len(ids)
        firsts, lasts = [], [start - 1]
        for token in tokens:
            firsts.append(len(ids))
            ids.extend(token)
            lasts.append(len(ids) - 1)
        firsts.append(len(ids))
        ranges.append((start, len(ids)))
        ids.append(EOS)
        rows.append((ids, firsts, lasts))
        longest = max(longest, len(ids))
    fixed = length is not None
    length = length if fixed else -(-longest // 8) * 8
    table = np.full((len(rows), length), PAD, np.int64)
    inside = np.zeros((len(rows), length), bool)
    for row, (ids, firsts, lasts) in enumerate(rows):
        table[row, : len(ids)] = ids
        inside[row, slice(*ranges[row])] = True
        base = row * length
        words.append(np.stack([firsts[:-1], lasts[1:]], 1).astype(np.int64) + base)
        gaps.append(np.stack([lasts, firsts], 1).astype(np.int64) + base)
        word_rows.append(np.full(len(firsts) - 1, row))
        gap_rows.append(np.full(len(firsts), row))

    def joined(parts: list[np.ndarray]) -> Tensor:
        whole = np.concatenate(parts)
        if fixed:
            spare = len(rows) * length - len(whole)
            whole = np.concatenate([whole, np.zeros((spare, *whole.shape[1:]), np.int64)])
        return torch.from_numpy(whole)

    return Batch(
        ids=torch.from_numpy(table),
        lengths=torch.tensor([len(ids) for ids, _, _ in rows]),
        words=joined(words),
        gaps=joined(gaps),
        word_rows=joined(word_rows),
        gap_rows=joined(gap_rows),
        inside=torch.from_numpy(inside),
    )


def _drop(x: Tensor, rate: float) -> Tensor:
    """Dropout with one mask for all positions of a row: as good here, and far cheaper on a CPU."""
    if rate == 0:
        return x
    kept = (torch.rand(x.shape[0], 1, x.shape[2], device=x.device) > rate).to(x.dtype)
    return x * (kept / (1 - rate))


class Layer(nn.Module):
    """One post-norm BERT layer."""

    def __init__(self, shape: Shape):
        super().__init__()
        width, self.heads = shape.width, shape.heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_attention = nn.LayerNorm(width, shape.epsilon)
        self.rise = nn.Linear(width, shape.inner)
        self.fall = nn.Linear(shape.inner, width)
        self.norm_inner = nn.LayerNorm(width, shape.epsilon)

    def forward(self, x: Tensor, mask: Tensor, rate: float) -> Tensor:
        rows, length, width = x.shape
        q, k, v = self.qkv(x).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + mask
        mixed = (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(rows, length, width)
        x = self.norm_attention(x + _drop(self.out(mixed), rate))
        inner = functional.gelu(self.rise(x))
        return self.norm_inner(x + _drop(self.fall(inner), rate))


class Head(nn.Module):
    """Two neighbouring states and the state of the whole segment, to ``outputs`` numbers."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.pair = nn.Linear(2 * width, width)
        self.whole = nn.Linear(width, width, bias=False)
        self.result = nn.Linear(width, outputs)

    def forward(self, states: Tensor, places: Tensor, rows: Tensor, whole: Tensor) -> Tensor:
        # The same as self.pair over joined states, but the product has the shape of the batch
        # whatever the number of places: rounding then does not depend on the neighbours.
        left, right = self.pair.weight.chunk(2, 1)
        pair = functional.linear(states, left, self.pair.bias).index_select(0, places[:, 0])
        pair = pair + functional.linear(states, right).index_select(0, places[:, 1])
        return self.result(functional.gelu(pair + self.whole(whole).index_select(0, rows)))


class Network(nn.Module):
    """The encoder and heads for words, gaps and segments over a learned mix of its layers.

    The mix exists because the top layers of a contrastively trained encoder keep little of the
    single token.
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.pieces = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(POSITIONS, shape.width)
        self.norm = nn.LayerNorm(shape.width, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.mix = nn.Parameter(torch.zeros(2, shape.layers + 1))
        self.words = Head(shape.width, shape.words)
        self.gaps = Head(shape.width, shape.gaps)
        self.segment = nn.Linear(2 * shape.width, shape.width)
        self.segment_result = nn.Linear(shape.width, shape.segments)

    def encode(self, batch: Batch, rate: float = 0.0) -> list[Tensor]:
        """The states of the embedding and of each layer, each (rows, length, width)."""
        length = batch.ids.shape[1]
        embedded = self.pieces(batch.ids) + self.positions.weight[:length]
        x = _drop(self.norm(embedded), rate).to(self.layers[0].qkv.weight.dtype)
        hidden = torch.arange(length, device=x.device)[None] >= batch.lengths[:, None]
        mask = torch.zeros(hidden.shape, dtype=x.dtype, device=x.device)
        mask = mask.masked_fill(hidden, -1e4)[:, None, None, :]
        states = [x]
        for layer in self.layers:
            x = layer(x, mask, rate)
            states.append(x)
        return states

    def read(self, batch: Batch, rate: float = 0.0) -> tuple[Tensor, Tensor]:
        """The mix of layers for tokens (rows, length, width), and first and mean (rows, 2 width)."""
        states = self.encode(batch, rate)
        kind = self.words.pair.weight.dtype
        fine, coarse = self.mix.softmax(-1).to(states[0].dtype)
        tokens = sum(weight * state for weight, state in zip(fine, states, strict=True)).to(kind)
        whole = sum(weight * state for weight, state in zip(coarse, states, strict=True)).to(kind)
        share = batch.inside.to(kind)
        share = share / share.sum(1, keepdim=True).clamp(min=1)
        mean = (share[:, None] @ whole)[:, 0]
        return tokens, torch.cat([whole[:, 0], mean], -1)

    def forward(self, batch: Batch, rate: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Logits: (words, shape.words), (gaps, shape.gaps), (rows, shape.segments)."""
        return self.answer(batch, *self.read(batch, rate), rate)

    def answer(
        self, batch: Batch, tokens: Tensor, whole: Tensor, rate: float = 0.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The logits for what `read` gave."""
        segment = functional.gelu(self.segment(whole))
        segment = _drop(segment[:, None], rate)[:, 0]
        flat = _drop(tokens, rate).flatten(0, 1)
        return (
            self.words(flat, batch.words, batch.word_rows, segment),
            self.gaps(flat, batch.gaps, batch.gap_rows, segment),
            self.segment_result(segment),
        )


def pack(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a file: piece rows in 4 bits, matrices in 8 bits, the rest in 32.

    4 bits are exact for rows that came in 4 bits (blocks of 32 with one scale) and were not
    trained.
    """
    packed = {}
    for name, weight in weights.items():
        weight = weight.detach().float()
        if name == "pieces.weight":
            blocks = weight.reshape(weight.shape[0], -1, _BLOCK)
            # In that format the largest number of a block lies at -8 times the scale.
            top = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True))[..., 0]
            scale = (top / -8).half()
            safe = torch.where(scale == 0, 1, scale.float())
            code = (blocks / safe[..., None] + 8).round().clamp(0, 15).to(torch.uint8)
            code = code.reshape(weight.shape[0], -1)
            packed[name + ".q4"] = code[:, 0::2] | (code[:, 1::2] << 4)
            packed[name + ".scale"] = scale
        elif weight.dim() == 2 and weight.numel() > 4096 and weight.shape[1] % _GROUP == 0:
            groups = weight.reshape(weight.shape[0], -1, _GROUP)
            scale = (groups.abs().amax(-1) / 127).clamp(min=1e-7).half()
            code = (groups / scale.float()[..., None]).round().clamp(-127, 127)
            packed[name + ".q8"] = code.to(torch.int8).reshape(weight.shape)
            packed[name + ".scale"] = scale
        else:
            packed[name] = weight.contiguous()
    return packed


def unpack(packed: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `pack`, in 32 bits."""
    weights = {}
    for name, value in packed.items():
        if name.endswith(".q4"):
            code = torch.stack([value & 15, value >> 4], -1).reshape(value.shape[0], -1, _BLOCK)
            scale = packed[name.removesuffix(".q4") + ".scale"].float()
            weight = (code.float() - 8) * scale[..., None]
            weights[name.removesuffix(".q4")] = weight.reshape(value.shape[0], -1)
        elif name.endswith(".q8"):
            scale = packed[name.removesuffix(".q8") + ".scale"].float()
            groups = value.float().reshape(value.shape[0], -1, _GROUP) * scale[..., None]
            weights[name.removesuffix(".q8")] = groups.reshape(value.shape)
        elif not name.endswith(".scale"):
            weights[name] = value.float()
    return weights
