"""How sure a finding of each check is: counts measured on development data, shrunk towards 1/2.

`corpora/measure_facts.py` measures them and writes ``confidence.json`` beside this file.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

# Imaginary findings, half of them right, that keep small counts modest.
PRIOR = 6


@lru_cache(maxsize=1)
def _counts() -> dict[str, dict[str, list[int]]]:
    return json.loads((files(__package__) / "confidence.json").read_text("utf-8"))


def confidence_of(check: str) -> float:
    """The probability that a finding of ``check`` marks a place that is wrong."""
    return _shrunk(_counts()["findings"].get(check, [0, 0]))


def fix_confidence_of(check: str) -> float:
    """The probability that the fix of ``check`` makes the segment better."""
    counts = _counts()
    return _shrunk(counts["fixes"].get(check) or counts["findings"].get(check, [0, 0]))


def _shrunk(count: list[int]) -> float:
    right, seen = count
    return round((right + PRIOR / 2) / (seen + PRIOR), 3)
