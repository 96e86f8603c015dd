"""Plots as SVG, written by hand: reliability, precision by recall, bars. No script, no outside file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 380, 280, 48, 40, 30, 14
INK, FAINT, MAIN = "#222", "#bbb", "#2563a8"


def plot_reliability(table: Sequence[dict], title: str) -> str:
    """Share that was right by confidence; the diagonal is perfect, the dots grow with the count."""
    most = max((row["count"] for row in table), default=1)
    body = [_line(0, 0, 1, 1, FAINT, dashed=True)]
    points = [(row["confidence"], row["right"]) for row in table]
    body.append(_path(points, MAIN))
    for row in table:
        x, y = _at(row["confidence"], row["right"])
        radius = 2.5 + 5 * (row["count"] / most) ** 0.5
        note = f"{row['count']} with confidence {row['confidence']:.2f}: {row['right']:.2f} right"
        body.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{MAIN}" fill-opacity=".6">'
            f"<title>{escape(note)}</title></circle>"
        )
    return _frame(title, "confidence", "share right", body)


def plot_precision(curve: Sequence[Sequence[float]], title: str, chance: float = 0.0) -> str:
    """Precision by recall; the dashed line is what flagging at random gives."""
    body = [_line(0, chance, 1, chance, FAINT, dashed=True), _path(curve, MAIN)]
    return _frame(title, "recall", "precision", body)


def plot_bars(values: Sequence[tuple[str, float]], title: str) -> str:
    """Shares as horizontal bars, one a line, labeled."""
    row, left = 18, 190
    height = 40 + row * len(values)
    body = [f'<text x="8" y="20" font-weight="600">{escape(title)}</text>']
    for index, (label, value) in enumerate(values):
        y = 34 + index * row
        width = 250 * max(0.0, min(1.0, value))
        body += [
            f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{left}" y="{y}" width="250" height="13" fill="#eee"/>',
            f'<rect x="{left}" y="{y}" width="{width:.1f}" height="13" fill="{MAIN}"/>',
            f'<text x="{left + 256}" y="{y + 11}">{value:.2f}</text>',
        ]
    return _svg(490, height, title, body)


def _at(x: float, y: float) -> tuple[float, float]:
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + across * x, HEIGHT - BOTTOM - up * y


def _line(x1: float, y1: float, x2: float, y2: float, color: str, *, dashed: bool = False) -> str:
    (a, b), (c, d) = _at(x1, y1), _at(x2, y2)
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="{color}"{dash}/>'


def _path(points: Sequence[Sequence[float]], color: str) -> str:
    places = " ".join("{:.1f},{:.1f}".format(*_at(x, y)) for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2"/>'


def _frame(title: str, across: str, up: str, body: Sequence[str]) -> str:
    parts = [f'<text x="{LEFT}" y="18" font-weight="600">{escape(title)}</text>']
    for step in range(0, 11, 2):
        value = step / 10
        x, y = _at(value, 0)
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{value:.1f}</text>')
        x, y = _at(0, value)
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:.1f}</text>')
        parts.append(_line(0, value, 1, value, "#eee"))
    parts += [_line(0, 0, 1, 0, INK), _line(0, 0, 0, 1, INK)]
    x, y = _at(0.5, 0)
    parts.append(f'<text x="{x:.1f}" y="{y + 33:.1f}" text-anchor="middle">{escape(across)}</text>')
    x, y = _at(0, 0.5)
    parts.append(
        f'<text x="12" y="{y:.1f}" text-anchor="middle" transform="rotate(-90 12 {y:.1f})">'
        f"{escape(up)}</text>"
    )
    return _svg(WIDTH, HEIGHT, title, [*parts, *body])


def _svg(width: int, height: int, title: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="11" '
        f'fill="{INK}"><title>{escape(title)}</title>' + "".join(body) + "</svg>"
    )
