"""Train the shipped infilling model: ``python models/infill/train.py --corpora FOLDER``.

Reads a recipe (TOML), collects places with the words that belong there, runs the detector's encoder
over their segments once and keeps its states under ``--work``, trains the decoder on them, and
writes the folder. The encoder itself is not trained, so the detector loses nothing. A run that was
cut off goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import pickle
import random
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "detector")]

import curve
import places
from examples import Shelf, post_edits
from repair.corpora.measure_fixer import edits, texts
from repair.models import seal

from repair import Segment, ngrams
from repair.detect import Detector
from repair.propose.infill import (
    BEGIN,
    LONGEST,
    MT_ROLES,
    RARE,
    RESERVED,
    SCHEMA,
    SOURCE_ROLES,
    STEPS,
    Infiller,
    packed,
    states_of,
    view,
)
from repair.propose.infill_network import Network, Shape, pack
from repair.propose.inventory import Reading

SHARD = 500  # segments


def say(text: str) -> None:
    """A line of the log, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def lessons(recipe: dict, shelf: Shelf, work: Path) -> dict[str, list[places.Lesson]]:
    """The segments of each part with their places; kept, since no model has a say in them."""
    found = {}
    for name, count in recipe["segments"].items():
        path = work / f"{name}-{count}.pkl"
        if not path.exists():
            rng = random.Random(f"{recipe['seed']} {name}")
            made = [
                one._replace(source=None) if rng.random() < recipe["train"]["blind"] else one
                for one in itertools.islice(places.PARTS[name](shelf, rng, recipe["fold"]), count)
            ]
            path.write_bytes(pickle.dumps(made))
        found[name] = pickle.loads(path.read_bytes())
        say(f"{name}: {len(found[name])} segments")
    return found


def prepare(
    found: dict[str, list[places.Lesson]], work: Path, detector: Detector, turn: int = 1
) -> dict[str, list[tuple]]:
    """For each part its places: view, states of its words, wording; made in this order or back."""
    digest = detector.config["sha256"][:8]
    shards = {
        work / f"{name}-{len(mine)}-{digest}-{first}.pkl": (name, mine[first : first + SHARD])
        for name, mine in found.items()
        for first in range(0, len(mine), SHARD)
    }
    for path, (_, some) in list(shards.items())[::turn]:
        if not path.exists():
            path.write_bytes(pickle.dumps(encoded(some, detector)))
    parts: dict[str, list[tuple]] = {name: [] for name in found}
    for path, (name, _) in shards.items():
        parts[name] += pickle.loads(path.read_bytes())
    for name, mine in parts.items():
        say(f"{name}: {len(mine)} places")
    return parts


def encoded(some: Sequence[places.Lesson], detector: Detector) -> list[tuple]:
    """What each place of some lessons is read as."""
    segments = [Segment("", one.mt, one.source) for one in some]
    made = []
    for segment, one, seen in zip(segments, some, detector(segments), strict=True):
        reading = Reading(segment)
        mt, source = (rows.astype(np.float16) for rows in states_of(reading, seen.states))
        for place, wording in one.wanted:
            looked = view(reading, place)
            made.append((looked, (mt[looked.mt], source[looked.source]), wording))
    return made


def new_network(recipe: dict, vocabulary: Sequence[str], detector: Detector) -> Network:
    """A new decoder; its word vectors start from the detector's pieces, made smaller."""
    torch.manual_seed(recipe["seed"])
    shape = Shape(
        len(vocabulary) + RESERVED, MT_ROLES, SOURCE_ROLES, RESERVED,
        detector.config["shape"].get("width", 384), **recipe["model"],
    )  # fmt: skip
    network = Network(shape)
    rows = detector._network.pieces.weight
    vectors = torch.stack([rows[list(detector._pieces.cut(w))].mean(0) for w in vocabulary])
    vectors = vectors - vectors.mean(0)
    small = vectors @ torch.linalg.svd(vectors, full_matrices=False)[2][: shape.embedding].T
    counts = ngrams.shipped()
    frequency = torch.from_numpy(np.log1p(counts.count(counts.ids(vocabulary)))).float()
    with torch.no_grad():
        network.words.weight.mul_(0.05)
        network.words.weight[RESERVED:] = 0.08 * small / small.std()
        network.bias[RESERVED:] = 0.5 * (frequency - frequency.mean())
        network.gate.bias[:] = torch.tensor([0.5, 0.0, -0.5])
    return network


def batch_of(chosen: Sequence[tuple], ids: dict[str, int]):
    """Inputs, prefixes, targets, and what of each target the pointers can write."""
    inputs = packed([one[0] for one in chosen], [one[1] for one in chosen], ids)
    steps = max(len(wording) for _, _, wording in chosen) + 1
    rows, most_mt, most_source = len(chosen), inputs.mt.shape[1], inputs.source.shape[1]
    prefix, target = np.full((rows, steps), RARE, np.int64), np.full((rows, steps), -1, np.int64)
    lexical = np.zeros((rows, steps, most_source), np.float32)
    copied = np.zeros((rows, steps, most_mt), np.float32)
    for r, (seen, _, wording) in enumerate(chosen):
        line = [seen.left, *wording]
        prefix[r, : len(line)] = [ids.get(w, RARE) if w else BEGIN for w in line]
        target[r, : len(line)] = [*(ids.get(w, RARE) for w in wording), 0]
        for t, word in enumerate(wording):
            lexical[r, t, : len(seen.source)] = [known.get(word, 0.0) for known in seen.renderings]
            copied[r, t, : len(seen.mt)] = [float(w == word) for w in seen.words]
    return inputs, *map(torch.from_numpy, (prefix, target, lexical, copied))


def loss_of(network: Network, batch, rate: float) -> tuple[torch.Tensor, int]:
    """The mean of -log p over the words that can be written at all, and their number."""
    inputs, prefix, target, lexical, copied = batch
    memory = network.read(inputs, rate)
    mix = network.mixture(network.write(prefix, memory, rate), memory)
    p = mix.generated.gather(-1, target.clamp(min=0)[..., None])[..., 0]
    p = p + (mix.lexical * lexical).sum(-1) + (mix.copied * copied).sum(-1)
    possible = (target != RARE) | (lexical.sum(-1) > 0) | (copied.sum(-1) > 0)
    kept = (target >= 0) & possible
    return -p[kept].clamp(min=1e-7).log().mean(), int(kept.sum())


def development(shelf: Shelf, work: Path, detector: Detector, most: int) -> dict[str, list]:
    """Readings, places, states and wordings of the development sets."""
    path = work / f"development-{detector.config['sha256'][:8]}-{most}.pkl"
    if not path.exists():
        sets = {}
        for name in ("mlqe-dev", "afrl-dev"):
            rows = []
            for source, mt, better in post_edits(shelf, name):
                wanted = [
                    (p, w) for p, w in edits(texts(mt), texts(better))
                    if p.end - p.start <= LONGEST and w
                ]  # fmt: skip
                if wanted:
                    rows.append((Segment("", mt, source), wanted))
            rows = random.Random(1).sample(rows, min(most, len(rows)))
            seen = detector([segment for segment, _ in rows])
            sets[name] = [
                (segment, one.states, wanted)
                for (segment, wanted), one in zip(rows, seen, strict=True)
            ]
        path.write_bytes(pickle.dumps(sets))
    return pickle.loads(path.read_bytes())


def measured(infiller: Infiller, sets: dict[str, list]) -> dict[str, str]:
    """How often the editor's wording is first and among the first five, by words wanted."""
    out = {}
    for name, rows in sets.items():
        hits: dict[int, list[tuple[bool, bool]]] = {}
        started = time.time()
        for segment, states, wanted in rows:
            reading = Reading(segment, infiller, states)
            infiller.remember([(reading, place) for place, _ in wanted])
            for place, wording in wanted:
                found = [w for w, _ in reading.filling(place).wordings]
                size = min(len(wording), STEPS + 1)
                hits.setdefault(size, []).append((wording in found[:1], wording in found[:5]))
        every = [hit for part in hits.values() for hit in part]
        text = "; ".join(
            f"{size}: {np.mean(part, 0)[0]:.3f} {np.mean(part, 0)[1]:.3f} of {len(part)}"
            for size, part in [("all", every), *sorted(hits.items())]
        )
        out[name] = f"{text}; {1000 * (time.time() - started) / len(every):.1f} ms a place"
    return out


def write(network: Network, vocabulary: Sequence[str], detector: Detector, recipe: dict, out: Path):
    """Write the folder."""
    from safetensors.torch import save

    out.mkdir(parents=True, exist_ok=True)
    data = save(pack(network.state_dict()))
    (out / "model.safetensors").write_bytes(data)
    (out / "vocabulary.txt").write_text("\n".join(vocabulary), "utf-8")
    config = {
        "schema": SCHEMA,
        "sha256": hashlib.sha256(data).hexdigest(),
        "encoder": detector.config["sha256"],
        "shape": asdict(network.shape),
        "recipe": recipe,
    }
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", type=Path, default=HERE / "recipe.toml")
    parser.add_argument("--corpora", type=Path, default=os.environ.get("MT_REPAIR_CORPORA"))
    parser.add_argument("--work", type=Path, default=Path("work/infill"))
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prepare", type=int, choices=(0, 1, -1), metavar="N",
                        help="train nothing: 0 collects the segments, 1 and -1 encode them, too, "
                        "two processes from both ends")  # fmt: skip
    options = parser.parse_args(arguments)
    if options.corpora is None:
        parser.error("name the corpora folder with --corpora or MT_REPAIR_CORPORA")
    torch.set_num_threads(options.threads)
    recipe = tomllib.loads(options.recipe.read_text("utf-8"))
    options.work.mkdir(parents=True, exist_ok=True)
    shelf = Shelf(Path(options.corpora))
    detector = Detector(keep_states=True)
    found = lessons(recipe, shelf, options.work)
    if options.prepare is not None:
        if options.prepare:
            prepare(found, options.work, detector, options.prepare)
        return 0
    parts = prepare(found, options.work, detector)
    sets = development(shelf, options.work, detector, recipe.get("watch", 200))
    counts = ngrams.shipped()
    usual = np.argsort(-counts.count(np.arange(len(counts))), kind="stable")
    usual = [counts.word(int(k)) for k in usual if k > ngrams.UNKNOWN]
    vocabulary = [w for w in usual if w.isascii() and not any(c.isdigit() for c in w)]
    vocabulary = vocabulary[: recipe["vocabulary"]]
    ids = {word: k + RESERVED for k, word in enumerate(vocabulary)}
    network = new_network(recipe, vocabulary, detector)
    settings = recipe["train"]
    matrices = [p for p in network.parameters() if p.dim() > 1]
    others = [p for p in network.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=settings["rate"], betas=(0.9, 0.98), fused=True,
    )  # fmt: skip
    state = options.work / "state.pt"
    elapsed, history, rng = 0.0, [], random.Random(recipe["seed"])
    if state.exists():
        saved = torch.load(state, weights_only=False)
        network.load_state_dict(saved["weights"])
        optimizer.load_state_dict(saved["optimizer"])
        elapsed, history = saved["elapsed"], saved["history"]
        rng.setstate(saved["random"])
    names, shares = zip(*recipe["shares"].items(), strict=True)
    queues: dict[str, list[int]] = {name: [] for name in names}
    limit, started, logged, kept_at = (
        60 * settings["minutes"],
        time.time(),
        time.time(),
        time.time(),
    )
    sums, count = [], 0
    network.train()
    while (progress := (elapsed + time.time() - started) / limit) < 1:
        chosen = []
        for name in rng.choices(names, shares, k=settings["batch"]):
            if not queues[name]:
                queues[name] = list(range(len(parts[name])))
                rng.shuffle(queues[name])
            chosen.append(parts[name][queues[name].pop()])
        warm = settings["warm_up"]
        rate = settings["rate"] * min(progress / warm + 0.01, (1 - progress) / (1 - warm))
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, _ = loss_of(network, batch_of(chosen, ids), settings["dropout"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        sums.append(float(loss.detach()))
        count += len(chosen)
        if time.time() - logged > settings.get("log_seconds", 60):
            say(
                f"{progress:.2f} loss {np.mean(sums):.3f}, {count / (time.time() - logged):.0f} places/s"
            )
            loss_now = {"words": round(float(np.mean(sums)), 4)}
            history.append({"seconds": round(progress * limit), "loss": loss_now})
            sums, count, logged = [], 0, time.time()
        if time.time() - kept_at > 240:
            saved = {"weights": network.state_dict(), "optimizer": optimizer.state_dict()}
            saved |= {"elapsed": elapsed + time.time() - started, "history": history}
            torch.save(saved | {"random": rng.getstate()}, state.with_suffix(".new"))
            os.replace(state.with_suffix(".new"), state)
            write(network, vocabulary, detector, recipe, options.work / "now")
            for name, text in measured(Infiller(options.work / "now"), sets).items():
                say(f"{name} first, first five; {text}")
            kept_at = time.time()
    write(network.eval(), vocabulary, detector, recipe, options.out)
    (options.work / "infill.history.json").write_text(json.dumps(history), "utf-8")
    curve.draw(options.work, ["infill"], options.out / "curve.svg")
    for name, text in measured(Infiller(options.out), sets).items():
        say(f"{name} first, first five; {text}")
    seal(options.out, ["config.json", "model.safetensors", "vocabulary.txt"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
