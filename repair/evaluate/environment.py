"""On what a figure was measured: versions, processor, memory."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("sacrebleu", "numpy", "rapidfuzz", "torch", "transformers", "language-tool-python")


@cache
def describe_environment() -> dict[str, str]:
    """Versions of what counts, and one line on the hardware."""
    from .. import __version__

    versions = {"mt-repair": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions | {"hardware": hardware_line()}


def hardware_line() -> str:
    """The processor, its usable cores, the memory, the system."""
    parts = [_processor(), f"{usable_cores()} cores"]
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        parts.append(f"{size / 2**30:.0f} GiB")
    except (AttributeError, ValueError, OSError):
        pass
    return ", ".join([*parts, f"{platform.system()} {platform.machine()}"])


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory_mb() -> float | None:
    """The most memory that this process has held so far, without its children; None if unknown."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
