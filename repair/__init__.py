"""Finds and repairs errors in machine translation from Russian into English.

>>> import repair
>>> record = repair.repair("He told that the talks are over.", style=True, detector=False)
>>> record.suggestions[0].candidates[0].edit.text
'said'
"""

from importlib import import_module

__version__ = "0.1.0"

from .core import (
    CATEGORIES,
    SEVERITIES,
    Candidate,
    Decision,
    Edit,
    ErrorSpan,
    Finding,
    Quality,
    Record,
    RepairError,
    Segment,
    Suggestion,
    apply,
)

# Imported when first used, so that `import repair` stays light.
_LAZY = {
    "Repairer": "repair.pipeline",
    "Detector": "repair.detect",
    "Grammar": "repair.grammar",
    "Hypotheses": "repair.propose",
    "Seq2Seq": "repair.propose.seq2seq",
    "Style": "repair.style",
    "Facts": "repair.facts",
    "open_input": "repair.files",
    "read_run": "repair.files.runs",
    "score": "repair.evaluate.metrics",
}

__all__ = [
    "CATEGORIES",
    "SEVERITIES",
    "Candidate",
    "Decision",
    "Edit",
    "ErrorSpan",
    "Finding",
    "Quality",
    "Record",
    "RepairError",
    "Segment",
    "Suggestion",
    "apply",
    "repair",
    *_LAZY,
]


def repair(mt: str, source: str | None = None, **options) -> Record:
    """Repair one text; ``options`` are those of `Repairer`, which is faster for many texts."""
    from .pipeline import Repairer

    with Repairer(**options) as repairer:
        return repairer(mt, source)


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'repair' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LAZY])
