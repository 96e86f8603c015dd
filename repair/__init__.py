"""Finds and repairs errors in machine translation from Russian into English."""

from .core import (
    CATEGORIES,
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
