"""Train the shipped detector from data to folder: ``python models/detector/train.py``.

Reads a recipe (TOML), prepares the examples once, runs its stages one after another, averages the
runs that the recipe names, calibrates on MLQE-PE dev and writes the folder. Every stage leaves
checkpoints under the work folder, and a run that was stopped goes on from the last one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import random
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent))

import base
import curve
import examples
import export
import measure
import plant
import replaced

from repair.detect.encoder import Network, Pieces, Shape, collate

HERE = Path(__file__).resolve().parent
PARTS = examples.PARTS | {
    "planted_pairs": plant.planted_pairs,
    "planted_english": plant.planted_english,
    "wrong_senses": plant.wrong_senses,
    "replaced_pairs": replaced.replaced_pairs,
}


def say(text: str) -> None:
    """A line of the log, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


# --- Preparation ---------------------------------------------------------------------------------


class Part:
    """Encoded examples of one part in flat arrays, so that a cache loads at once."""

    def __init__(self, arrays: dict[str, np.ndarray]):
        self.arrays = arrays
        ends = np.cumsum(arrays["words_in"])
        self.word_start = np.concatenate([[0], ends]).astype(np.int64)
        self.source_start = np.concatenate([[0], np.cumsum(arrays["source_in"])]).astype(np.int64)
        self.piece_start = np.concatenate([[0], np.cumsum(arrays["pieces_in"])]).astype(np.int64)
        sizes = np.add.reduceat(arrays["pieces_in"], self.word_start[:-1]) if len(self) else []
        self.sizes = np.asarray(sizes) + arrays["source_in"] + 4

    def __len__(self) -> int:
        return len(self.arrays["words_in"])

    def pair(self, index: int, drop: bool) -> tuple[list[int], list[list[int]]]:
        """Source pieces (none if dropped) and the pieces of every word."""
        a = self.arrays
        source = a["source"][self.source_start[index] : self.source_start[index + 1]].tolist()
        words = range(self.word_start[index], self.word_start[index + 1])
        pieces = [a["mt"][self.piece_start[w] : self.piece_start[w + 1]].tolist() for w in words]
        return ([] if drop else source), pieces

    def labels(self, index: int) -> dict[str, np.ndarray]:
        """Labels of one example by name."""
        a, w = self.arrays, slice(self.word_start[index], self.word_start[index + 1])
        g = slice(w.start + index, w.stop + index + 1)
        return {
            "words": a["words"][w],
            "word_category": a["word_category"][w],
            "severity": a["severity"][w],
            "gaps": a["gaps"][g],
            "gap_category": a["gap_category"][g],
        }


def encode(found: Iterable[examples.Example], near: Pieces, ids: np.ndarray, full: Pieces) -> Part:
    """Examples as arrays, all piece ids in the numbering of the full vocabulary."""
    out: dict[str, list] = {key: [] for key in ("source", "mt", "words_in", "source_in")}
    out |= {key: [] for key in ("pieces_in", "words", "gaps", "word_category", "gap_category")}
    out |= {key: [] for key in ("severity", "hter", "da", "weight")}
    for example in found:
        count = len(example.mt)
        if example.foreign:
            source = [i for word in example.source for i in full.cut(word)]
        else:
            source = [int(ids[i]) for word in example.source for i in near.cut(word)]
        pieces = [near.cut(word) for word in example.mt]
        if count == 0 or len(source) + sum(map(len, pieces)) > 300:
            continue
        out["source"] += source
        out["source_in"].append(len(source))
        out["words_in"].append(count)
        for word in pieces:
            out["mt"] += [int(ids[i]) for i in word]
            out["pieces_in"].append(len(word))
        out["words"] += list(example.words)
        out["gaps"] += list(example.gaps)
        out["word_category"] += example.word_category or [-1] * count
        out["gap_category"] += example.gap_category or [-1] * (count + 1)
        out["severity"] += example.severity or [-1] * count
        out["hter"].append(example.hter)
        out["da"].append(example.da)
        out["weight"].append(example.weight)
    whole = {"source", "mt", "words_in", "source_in", "pieces_in"}
    small = {"word_category", "gap_category", "severity"}
    kinds = {
        key: np.int32 if key in whole else np.int8 if key in small else np.float32 for key in out
    }
    return Part({key: np.array(values, kinds[key]) for key, values in out.items()})


def prepare(recipe: dict, corpora: Path, work: Path) -> tuple[dict[str, Part], Path]:
    """The parts that the recipe names, encoded, and the trimmed tokenizer; cached under ``work``."""
    shelf = examples.Shelf(corpora, recipe["seed"])
    names = sorted({name for stage in recipe["stage"] for name in stage["parts"]})
    weights, vocabulary = base.load_base(
        recipe["base"]["encoder"],
        recipe["base"]["tokenizer"],
        recipe["model"]["layers"],
        work / "downloads",
    )
    # Two processes may prepare at once: neither is to see half a file of the other.
    fresh = work / f"full.{os.getpid()}.json"
    fresh.write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    os.replace(fresh, work / "full.json")
    full = Pieces(work / "full.json")
    if not (work / "tokenizer.json").exists():
        say("trimming the vocabulary")
        seen: set[int] = set()
        words: set[str] = set()
        for text in examples.plain_text(shelf):
            words.update(text)
        for word in words:
            seen.update(full.cut(word))
        trimmed, keep = base.trim(vocabulary, seen)
        np.save(work / "keep.npy", np.array(keep))
        text = json.dumps(trimmed, ensure_ascii=False)
        (work / "tokenizer.json").write_text(text, encoding="utf-8")
        say(f"kept {len(keep)} of {len(vocabulary['model']['vocab'])} pieces")
    near, ids = Pieces(work / "tokenizer.json"), np.load(work / "keep.npy")
    parts = {}
    for name in names:
        path = work / f"part-{name}.npz"
        if not path.exists():
            limit = recipe.get("limit", {}).get(name)
            part = encode(itertools.islice(PARTS[name](shelf), limit), near, ids, full)
            np.savez(path, **part.arrays)
        with np.load(path) as arrays:
            parts[name] = Part(dict(arrays))
        say(f"part {name}: {len(parts[name])} examples, {int(parts[name].sizes.sum())} pieces")
    if not (work / "base.pt").exists():
        torch.save(weights, work / "base.pt")
    return parts, work / "tokenizer.json"


# --- Batches and loss ----------------------------------------------------------------------------


def plan(parts: dict[str, Part], stage: dict, seed: int) -> list[list[tuple[str, int, bool]]]:
    """Batches of (part, index, source dropped) for a whole stage, the same for the same seed.

    Parts are mixed by their share of examples; each is gone through in shuffled epochs.
    """
    order = random.Random(f"{seed} {stage['name']}")
    shares = stage["parts"]
    names = list(shares)
    queues: dict[str, list[int]] = {name: [] for name in names}
    pool: list[tuple[int, str, int, bool]] = []
    batches, spent = [], 0

    def flush() -> None:
        pool.sort()
        group: list[tuple[str, int, bool]] = []
        longest = 0
        ready = []
        for size, name, index, drop in pool:
            longest = max(longest, -(-size // 8) * 8)
            if group and longest * (len(group) + 1) > stage["batch"]:
                ready.append(group)
                group, longest = [], -(-size // 8) * 8
            group.append((name, index, drop))
        if group:
            ready.append(group)
        order.shuffle(ready)
        batches.extend(ready)
        pool.clear()

    while spent < stage["pieces"]:
        name = order.choices(names, [shares[n] for n in names])[0]
        if not queues[name]:
            queues[name] = list(range(len(parts[name])))
            order.shuffle(queues[name])
        index = queues[name].pop()
        drop = order.random() < stage["drop_source"]
        size = int(parts[name].sizes[index])
        if drop:
            size -= int(parts[name].arrays["source_in"][index])
        pool.append((size, name, index, drop))
        spent += size
        if len(pool) >= 1500:
            flush()
    flush()
    return batches


def loss_of(
    network: Network, parts: dict[str, Part], batch: Sequence[tuple[str, int, bool]], stage: dict
) -> tuple[torch.Tensor, dict[str, float]]:
    """The weighted sum of all losses on one batch, and each of them for the log."""
    pairs = [parts[name].pair(index, drop) for name, index, drop in batch]
    labels = [parts[name].labels(index) for name, index, _ in batch]
    joined = {
        key: torch.from_numpy(np.concatenate([label[key] for label in labels])) for key in labels[0]
    }
    arrays = [parts[name].arrays for name, _, _ in batch]
    per_row = {
        key: torch.tensor([float(a[key][i]) for a, (_, i, _) in zip(arrays, batch, strict=True)])
        for key in ("weight", "hter", "da")
    }
    inputs = collate(pairs)
    with torch.autocast("cpu", torch.bfloat16, enabled=measure.has_bf16()):
        words, gaps, segments = network(inputs, stage.get("dropout", 0.1))
    words, gaps, segments = words.float(), gaps.float(), segments.float()
    losses = {}
    kinds = len(examples.CATEGORIES)
    for key, logits, rows in (("words", words, inputs.word_rows), ("gaps", gaps, inputs.gap_rows)):
        target = joined[key]
        weight = per_row["weight"][rows] * (1 + (stage[f"weight_{key}"] - 1) * target)
        each = functional.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
        losses[key] = (each * weight).sum() / weight.sum()
        category = joined[f"{key[:-1]}_category"].long()
        known = (category >= 0) & (target > 0.4)
        if known.any():
            guess = logits[known, 1 : 1 + kinds]
            losses[f"{key[:-1]}_category"] = functional.cross_entropy(guess, category[known])
    severity = joined["severity"].long()
    if (known := severity >= 0).any():
        guess = words[known, 1 + kinds :]
        losses["severity"] = functional.cross_entropy(guess, severity[known])
    for column, key in enumerate(("hter", "da")):
        if (known := ~per_row[key].isnan()).any():
            guess = segments[known, column]
            guess = guess.sigmoid() if key == "hter" else guess
            losses[key] = functional.mse_loss(guess, per_row[key][known])
    total = sum(stage["loss"].get(key, 0.0) * value for key, value in losses.items())
    return total, {key: float(value.detach()) for key, value in losses.items()}


# --- Stages --------------------------------------------------------------------------------------


def new_network(recipe: dict, work: Path) -> Network:
    """The base encoder with new heads."""
    torch.manual_seed(recipe["seed"])
    weights = torch.load(work / "base.pt", weights_only=True)
    kinds = len(examples.CATEGORIES)
    shape = Shape(
        vocabulary=len(weights["pieces.weight"]),
        layers=recipe["model"]["layers"],
        words=1 + kinds + len(examples.SEVERITIES),
        gaps=1 + kinds,
        segments=2,
    )
    network = Network(shape)
    missing, surplus = network.load_state_dict(weights, strict=False)
    heads = ("mix", "words", "gaps", "segment")
    assert not surplus and all(name.startswith(heads) for name in missing), (missing, surplus)
    with torch.no_grad():
        network.words.result.bias[0] = network.gaps.result.bias[0] = -2.0
        network.segment_result.bias[0] = -1.5
        network.mix[:, shape.layers // 2 :] = 1.0
    # The rows of pieces, and the lowest layers, stay as they came: no gradient flows there.
    frozen = (network.pieces, network.positions, network.norm)
    for module in (*frozen, *network.layers[: recipe["model"]["frozen"]]):
        module.requires_grad_(False)
    return network


def optimizer_of(network: Network, stage: dict) -> torch.optim.Optimizer:
    """AdamW with the heads faster than the encoder, and decay on matrices only."""
    groups: dict[tuple[float, float], list] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            head = name.startswith(("words", "gaps", "segment"))
            rate = 3e-3 if name == "mix" else stage["rate_heads"] if head else stage["rate"]
            decay = 0.01 if weight.dim() > 1 and name != "mix" else 0.0
            groups.setdefault((rate, decay), []).append(weight)
    settings = [
        {"params": weights, "lr": rate, "peak": rate, "weight_decay": decay}
        for (rate, decay), weights in groups.items()
    ]
    return torch.optim.AdamW(settings, betas=(0.9, 0.98), eps=1e-6, fused=True)


def trained(network: Network) -> dict[str, torch.Tensor]:
    """All weights but the frozen piece rows."""
    return {k: v for k, v in network.state_dict().items() if k != "pieces.weight"}


def run_stage(
    network: Network, parts: dict[str, Part], stage: dict, seed: int, work: Path, watch
) -> None:
    """Train one stage in place; ``watch(network)`` gives development figures for the log."""
    done = work / f"{stage['name']}.pt"
    if done.exists():
        network.load_state_dict(torch.load(done, weights_only=True), strict=False)
        say(f"{stage['name']}: taken from {done.name}")
        return
    state = work / f"{stage['name']}.state.pt"
    batches = plan(parts, stage, seed)
    optimizer = optimizer_of(network, stage)
    first, elapsed, history = 0, 0.0, []
    if state.exists():
        saved = torch.load(state, weights_only=False)
        network.load_state_dict(saved["weights"], strict=False)
        optimizer.load_state_dict(saved["optimizer"])
        first, elapsed, history = saved["step"], saved["elapsed"], saved["history"]
    say(f"{stage['name']}: {len(batches)} batches, from {first}")
    limit = 60 * stage.get("minutes", math.inf)
    torch.manual_seed(seed + first)
    sums: dict[str, list[float]] = {}
    started, logged, saved_at, pieces = time.time(), time.time(), time.time(), 0
    network.train()
    for step in range(first, len(batches)):
        spent = elapsed + time.time() - started
        progress = max(step / len(batches), spent / limit)
        if progress >= 1:
            break
        warm = stage.get("warm_up", 0.08)
        scale = min(1.0, (progress + 1e-3) / warm) * min(1.0, (1 - progress) / (1 - warm))
        scale = max(scale, stage.get("lowest", 0.0))
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * min(scale, (progress + 1e-3) / warm)
        loss, each = loss_of(network, parts, batches[step], stage)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
        optimizer.step()
        for key, value in each.items():
            sums.setdefault(key, []).append(value)
        pieces += sum(int(parts[n].sizes[i]) for n, i, _ in batches[step])
        if time.time() - logged > stage.get("log_seconds", 30):
            means = {key: round(float(np.mean(values)), 4) for key, values in sums.items()}
            rate = pieces / (time.time() - logged)
            say(f"{stage['name']} {step + 1}/{len(batches)} {progress:.2f} {rate:.0f}/s {means}")
            row = {"stage": stage["name"], "step": step + 1, "seconds": spent, "loss": means}
            history.append(row)
            sums.clear()
            logged, pieces = time.time(), 0
            if len(history) % stage.get("watch_every", 20) == 0:
                row["dev"] = watch(network)
                network.train()
                say(f"{stage['name']} dev {row['dev']}")
                logged = time.time()
        if time.time() - saved_at > 180:
            weights = trained(network)
            saved = {"weights": weights, "optimizer": optimizer.state_dict(), "step": step + 1}
            saved |= {"elapsed": elapsed + time.time() - started, "history": history}
            torch.save(saved, state.with_suffix(".new"))
            os.replace(state.with_suffix(".new"), state)
            saved_at = time.time()
    figures = watch(network)
    say(f"{stage['name']} end {figures}")
    history.append({"stage": stage["name"], "step": len(batches), "end": True, "dev": figures})
    (work / f"{stage['name']}.history.json").write_text(json.dumps(history), encoding="utf-8")
    torch.save(trained(network), done)
    state.unlink(missing_ok=True)


def average(network: Network, checkpoints: Sequence[dict[str, torch.Tensor]]) -> None:
    """Load the mean of several trained weights (a uniform soup)."""
    mean = {k: torch.stack([c[k] for c in checkpoints]).mean(0) for k in checkpoints[0]}
    network.load_state_dict(mean, strict=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=HERE / "recipe.toml")
    parser.add_argument(
        "--corpora",
        type=Path,
        default=os.environ.get("MT_REPAIR_CORPORA"),
        help="folder of corpora (default: $MT_REPAIR_CORPORA)",
    )
    parser.add_argument("--work", type=Path, default=Path("work/detector"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write the model to")
    parser.add_argument("--stages", nargs="*", help="run these stages only, and write nothing")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    torch.set_num_threads(options.threads)
    recipe = tomllib.loads(options.recipe.read_text(encoding="utf-8"))
    options.work.mkdir(parents=True, exist_ok=True)
    parts, tokenizer = prepare(recipe, Path(options.corpora), options.work)
    shelf = examples.Shelf(Path(options.corpora), recipe["seed"])
    dev = measure.dev_set(shelf)[: recipe.get("watch", None)]
    keep = np.load(options.work / "keep.npy")
    near = Pieces(tokenizer)

    def watch(network: Network) -> dict:
        return measure.quick(network, dev, near, keep)

    for stage in recipe["stage"]:
        if options.stages and stage["name"] not in options.stages:
            continue
        network = new_network(recipe, options.work)
        begin = [stage["from"]] if isinstance(stage.get("from"), str) else stage.get("from", [])
        if begin:
            files = [options.work / f"{name}.pt" for name in begin]
            average(network, [torch.load(file, weights_only=True) for file in files])
        run_stage(network, parts, stage, stage.get("seed", recipe["seed"]), options.work, watch)
    if options.stages:
        return 0
    network = new_network(recipe, options.work)
    files = [options.work / f"{name}.pt" for name in recipe["export"]["average"]]
    average(network, [torch.load(file, weights_only=True) for file in files])
    export.write_model(network, recipe, shelf, tokenizer, keep, options.out)
    names = [stage["name"] for stage in recipe["stage"]]
    curve.draw(options.work, names, options.out / "curve.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
