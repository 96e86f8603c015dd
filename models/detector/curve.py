"""Draw the learning curve of a training run as SVG, from the histories that stages leave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT, EDGE, LABELS = 720, 300, 46, 220
COLORS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7d5ba6", "#8a6d1d", "#555555")


def draw(work: Path, stages: Sequence[str], out: Path) -> None:
    """The word loss of each stage over its minutes, with dev MCC and AP at its ends."""
    lines, labels, start = [], [], {}
    found: dict[str, list[tuple[float, float]]] = {}
    notes: dict[str, str] = {}
    for name in stages:
        path = work / f"{name}.history.json"
        if not path.exists():
            continue
        rows = json.loads(path.read_text(encoding="utf-8"))
        found[name] = [(r["seconds"] / 60, r["loss"]["words"]) for r in rows if "loss" in r]
        dev = rows[-1].get("dev", {})
        notes[name] = name
        if "source_mcc" in dev:
            notes[name] += f": dev MCC {dev['source_mcc']:.3f}, AP {dev['source_ap']:.3f}"
    found = {name: points for name, points in found.items() if points}
    if not found:
        return
    # Runs of the same depth (mixed-1, mixed-2) start together, the next depth after the longest.
    clock, depth = 0.0, ""
    for name in found:
        family = name.rsplit("-", 1)[0]
        if family != depth:
            clock = max((start[n] + found[n][-1][0] for n in start), default=0.0)
            depth = family
        start[name] = clock
    right = max(start[n] + p[-1][0] for n, p in found.items())
    values = [v for points in found.values() for _, v in points]
    low, high = min(values), max(values)

    def place(x: float, y: float) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * x / max(right, 1e-9)
        down = EDGE + (HEIGHT - 2 * EDGE) * (high - y) / max(high - low, 1e-9)
        return f"{across:.1f},{down:.1f}"

    for index, (name, points) in enumerate(found.items()):
        color = COLORS[index % len(COLORS)]
        path = " ".join(place(start[name] + x, y) for x, y in points)
        lines.append(f'<polyline fill="none" stroke="{color}" stroke-width="1.5" points="{path}"/>')
        y = EDGE + 15 * index
        labels.append(f'<text x="{WIDTH - EDGE + 12}" y="{y}" fill="{color}">{notes[name]}</text>')
    axes = (
        f'<path d="M{EDGE},{EDGE} V{HEIGHT - EDGE} H{WIDTH - EDGE}" fill="none" stroke="#888"/>'
        f'<text x="{EDGE - 40}" y="{EDGE + 4}">{high:.2f}</text>'
        f'<text x="{EDGE - 40}" y="{HEIGHT - EDGE}">{low:.2f}</text>'
        f'<text x="{WIDTH - EDGE - 30}" y="{HEIGHT - EDGE + 18}">{right:.0f} min</text>'
        f'<text x="{EDGE}" y="{EDGE - 16}">word loss while training (weights differ by stage)</text>'
    )
    out.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LABELS} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        f"{axes}{''.join(lines)}{''.join(labels)}</svg>\n",
        encoding="utf-8",
    )
