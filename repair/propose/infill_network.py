"""The network of `repair.propose.infill`: a decoder over words with two pointers.

Everything here needs torch, so it is imported only by what runs the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of the network; ``states`` is the width of the encoder's states.

    The ids from 1 to ``reserved`` are never written.
    """

    vocabulary: int
    mt_roles: int
    source_roles: int
    reserved: int
    states: int = 384
    width: int = 256
    embedding: int = 128
    layers: int = 2
    heads: int = 4
    inner: int = 768
    longest: int = 8


class Inputs(NamedTuple):
    """What is read for each place (rows), padded; a role of -1 is padding.

    ``mt`` (rows, m, states), ``words`` and ``mt_roles`` (rows, m); ``source`` (rows, s, states),
    ``source_roles`` (rows, s), ``renderings`` and ``shares`` (rows, s, renderings).
    """

    mt: Tensor
    words: Tensor
    mt_roles: Tensor
    source: Tensor
    source_roles: Tensor
    renderings: Tensor
    shares: Tensor


class Memory(NamedTuple):
    """What the decoder attends to: keys and values of each layer, keys of the pointers, masks."""

    keys: list[Tensor]
    values: list[Tensor]
    mask: Tensor
    lexical: Tensor
    lexical_mask: Tensor
    copied: Tensor
    copied_mask: Tensor

    def of(self, rows: Tensor) -> Memory:
        """The memory of these rows, in this order."""
        return Memory(
            *([one[rows] for one in field] if isinstance(field, list) else field[rows]
              for field in self)
        )  # fmt: skip


class Mixture(NamedTuple):
    """Probabilities of each step: of the vocabulary, and of the words that are pointed at."""

    generated: Tensor
    lexical: Tensor
    copied: Tensor


def _masked(mask: Tensor) -> Tensor:
    return torch.zeros(mask.shape).masked_fill(~mask, -1e4)


class Layer(nn.Module):
    """Self-attention over what was written, attention to the memory, and an inner layer."""

    def __init__(self, shape: Shape):
        super().__init__()
        width, self.heads = shape.width, shape.heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.cross = nn.Linear(width, width)
        self.rise = nn.Linear(width, shape.inner)
        self.fall = nn.Linear(shape.inner, width)

    def split(self, x: Tensor) -> Tensor:
        """(rows, n, width) to (rows, heads, n, width of a head)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor, rate: float) -> Tensor:
        def joined(scores: Tensor, v: Tensor) -> Tensor:
            return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)

        length = x.shape[1]
        q, k, v = (self.split(part) for part in self.qkv(self.norms[0](x)).chunk(3, -1))
        later = torch.full((length, length), -1e4).triu(1)
        mixed = joined(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + later, v)
        x = x + functional.dropout(self.out(mixed), rate, self.training)
        q = self.split(self.query(self.norms[1](x)))
        scores = q @ keys.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask[:, None, None]
        x = x + functional.dropout(self.cross(joined(scores, values)), rate, self.training)
        inner = functional.gelu(self.rise(self.norms[2](x)))
        return x + functional.dropout(self.fall(inner), rate, self.training)


class Network(nn.Module):
    """The decoder. Word vectors are shared by what is read and what is written."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        width, small = shape.width, shape.embedding
        self.words = nn.Embedding(shape.vocabulary, small)
        self.positions = nn.Embedding(shape.longest, width)
        self.roles = nn.Embedding(shape.mt_roles + shape.source_roles, width)
        self.mt = nn.Linear(shape.states, width)
        self.source = nn.Linear(shape.states, width)
        self.enter = nn.Linear(small, width)
        self.there = nn.Linear(small, width)
        self.rendered = nn.Linear(small, width)
        self.memory_norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, small)
        self.bias = nn.Parameter(torch.zeros(shape.vocabulary))
        self.gate = nn.Linear(width, 3)
        self.point_lexical = nn.Linear(width, width)
        self.point_copied = nn.Linear(width, width)

    def read(self, inputs: Inputs, rate: float = 0.0) -> Memory:
        """The memory of each place; each has at least the word that it starts with."""
        mt = self.mt(inputs.mt) + self.there(self.words(inputs.words))
        mt = mt + self.roles(inputs.mt_roles.clamp(min=0))
        meant = (self.words(inputs.renderings) * inputs.shares[..., None]).sum(2)
        source = self.source(inputs.source) + self.rendered(meant)
        source = source + self.roles(inputs.source_roles.clamp(min=0) + self.shape.mt_roles)
        mt, source = self.memory_norm(mt), self.memory_norm(source)
        if rate:
            mt = functional.dropout(mt, rate, self.training)
            source = functional.dropout(source, rate, self.training)
        both = torch.cat([mt, source], 1)
        mt_mask, source_mask = inputs.mt_roles >= 0, inputs.source_roles >= 0
        keys, values = [], []
        for layer in self.layers:
            k, v = layer.memory(both).chunk(2, -1)
            keys.append(layer.split(k))
            values.append(layer.split(v))
        known = source_mask & (inputs.shares.sum(-1) > 0)
        return Memory(
            keys, values, _masked(torch.cat([mt_mask, source_mask], 1)),
            self.point_lexical(source), known, self.point_copied(mt), mt_mask,
        )  # fmt: skip

    def write(self, prefix: Tensor, memory: Memory, rate: float = 0.0) -> Tensor:
        """States (rows, steps, width) after each word of a prefix of ids, which starts to the left.

        One memory serves many prefixes of the same place.
        """
        x = self.enter(self.words(prefix)) + self.positions.weight[: prefix.shape[1]]
        for layer, keys, values in zip(self.layers, memory.keys, memory.values, strict=True):
            x = layer(x, keys, values, memory.mask, rate)
        return self.norm(x)

    def mixture(self, states: Tensor, memory: Memory) -> Mixture:
        """What is written next: probabilities that add up to 1 over all three ways."""
        gates = self.gate(states)
        closed = torch.stack(
            [torch.ones(len(memory.copied_mask), dtype=torch.bool), memory.lexical_mask.any(1),
             memory.copied_mask.any(1)], 1,
        )  # fmt: skip
        gates = (gates + _masked(closed)[:, None]).softmax(-1)
        logits = self.leave(states) @ self.words.weight.T + self.bias
        logits = logits.index_fill(-1, torch.arange(1, self.shape.reserved), -1e4)

        def pointed(keys: Tensor, mask: Tensor) -> Tensor:
            scores = states @ keys.transpose(-1, -2) / math.sqrt(states.shape[-1])
            return (scores + _masked(mask)[:, None]).softmax(-1)

        return Mixture(
            logits.softmax(-1) * gates[..., :1],
            pointed(memory.lexical, memory.lexical_mask) * gates[..., 1:2],
            pointed(memory.copied, memory.copied_mask) * gates[..., 2:],
        )


def pack(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights for a file, in 16 bits."""
    return {name: value.detach().half().contiguous() for name, value in weights.items()}


def unpack(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `pack`, in 32 bits."""
    return {name: value.float() for name, value in weights.items()}
