"""LanguageTool's jars: which ones (a lock file), where (the user's cache), and how they get there.

``languagetool.lock`` is in jgo's lock format and pins every jar by its SHA-256 sum; jgo fetches
from Maven Central or from the repositories of the user's own jgo settings. A jar is moved into
place only when its sum is right, so an interrupted assembly is taken up where it stopped, and
only one process assembles at a time.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from ..core import RepairError

VERSION = "6.8"

# Called after each jar with how many are in place, how many there are, and the jar's name.
Progress = Callable[[int, int, str], None]

_INSTALL = "mt-repair doctor --install-languagetool"
_OTHERWISE = "or give the URL of a running LanguageTool server or a LanguageTool folder."
_WAIT = 900  # seconds for another process that is assembling
_TRIES = 3
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


class GrammarUnavailable(RepairError):
    """LanguageTool cannot be had or cannot be started; ``mend`` says what to do."""


class Jar(NamedTuple):
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> Path:
        """Its place in a Maven repository."""
        return Path(*self.group.split("."), self.artifact, self.version, self.name)


@cache
def locked() -> tuple[Jar, ...]:
    """The jars that make up the embedded server."""
    lock = tomllib.loads(files(__package__).joinpath("languagetool.lock").read_text("utf-8"))
    return tuple(
        Jar(d["groupId"], d["artifactId"], d["version"], d["sha256"]) for d in lock["dependencies"]
    )


def cache_folder() -> Path:
    """Where mt-repair keeps what it fetched: ``MT_REPAIR_CACHE`` or the user's cache folder."""
    if chosen := os.environ.get("MT_REPAIR_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("mt-repair", appauthor=False)


def jar_folder() -> Path:
    """Where the embedded LanguageTool lies, or will lie."""
    return cache_folder() / f"languagetool-{VERSION}"


def faulty(folder: Path) -> list[Jar]:
    """The locked jars that ``folder`` lacks or that differ from their checksum."""
    jars = locked()
    with ThreadPoolExecutor(4) as pool:  # hashing releases the lock of the interpreter
        whole = list(pool.map(lambda jar: _whole(folder / jar.name, jar), jars))
    return [jar for jar, good in zip(jars, whole, strict=True) if not good]


def _whole(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def assemble(progress: Progress | None = None) -> Path:
    """Fetch what the cache lacks, verify every jar, and return the folder.

    Safe to call from several processes at once, and to call again after an interruption. Raises
    `GrammarUnavailable` when a jar cannot be fetched or written.
    """
    folder = jar_folder()
    if folder.is_dir() and not faulty(folder):
        return folder
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(folder.suffix + ".lock"), timeout=_WAIT):
            _fill(folder, progress)
    except Timeout:
        raise GrammarUnavailable(
            "Another process has been assembling LanguageTool for a quarter of an hour.",
            path=folder,
            mend=f"End it, then run `{_INSTALL}`.",
        ) from None
    except OSError as error:
        raise GrammarUnavailable(
            f"LanguageTool cannot be written: {error.strerror or error}.",
            path=folder,
            mend="Make room for 110 MB there, or set MT_REPAIR_CACHE to a folder that has it.",
        ) from error
    return folder


def _fill(folder: Path, progress: Progress | None) -> None:
    wanted = faulty(folder)
    done, total = len(locked()) - len(wanted), len(locked())
    # Beside the jars and not in the system's temporary folder, so that moving is atomic.
    with tempfile.TemporaryDirectory(prefix="partial-", dir=folder) as staging:
        pool = ThreadPoolExecutor(4)
        try:
            for jar in pool.map(lambda jar: _place(jar, folder, Path(staging)), wanted):
                done += 1
                if progress is not None:
                    progress(done, total, jar.name)
        finally:  # on Ctrl-C or a failure: what is queued is not begun
            pool.shutdown(cancel_futures=True)
    for leftover in folder.glob("partial-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)


def _place(jar: Jar, folder: Path, staging: Path) -> Jar:
    fetched = _from_local_repository(jar, staging) or _fetch(jar, staging)
    os.replace(fetched, folder / jar.name)
    return jar


def _from_local_repository(jar: Jar, staging: Path) -> Path | None:
    """A verified copy from the user's own Maven repository (``~/.m2``, ``M2_REPO``), if any."""
    from jgo.constants import default_maven_repo

    theirs = default_maven_repo() / jar.path
    if not _whole(theirs, jar):
        return None
    return Path(shutil.copyfile(theirs, staging / jar.name))


def _fetch(jar: Jar, staging: Path) -> Path:
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    # The user's repositories first: behind a company's mirror the public one does not answer.
    repositories = {**GlobalSettings.load().repositories}
    for name, place in MavenContext().remote_repos.items():
        repositories.setdefault(name, place)
    reason: Exception | str = ""
    for turn in range(_TRIES):
        for name, place in repositories.items():
            context = MavenContext(
                resolver=PythonResolver(),
                repo_cache=staging,
                remote_repos={name: place},
                timeout=20,
            )
            artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
            path = staging / jar.path
            path.unlink(missing_ok=True)  # what an earlier try left
            try:
                artifact.resolve()
            except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
                if isinstance(error, OSError) and error.errno in _DISK:
                    raise
                reason = error
                continue
            if _whole(path, jar):
                return path
            reason = "its checksum is not the pinned one"
        time.sleep(0.5 * turn)
    raise GrammarUnavailable(
        f"LanguageTool cannot be assembled: {jar.name} could not be fetched ({reason}).",
        mend=f"Connect to the internet and run `{_INSTALL}`, {_OTHERWISE}",
    ) from (reason if isinstance(reason, Exception) else None)
