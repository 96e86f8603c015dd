"""Download a corpus from where it is published: resumed after a break, and verified."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from repair.core import RepairError

from . import corpora_folder, entry, open_files

_PIECE = 1 << 16
_RECORD = ".checksums"


def fetch(
    name: str,
    folder: str | Path | None = None,
    *,
    progress: Callable[[str, int, int | None], None] = lambda path, done, total: None,
) -> list[Path]:
    """Download the files of a set that are not there yet; returns all of them.

    A download that broke off goes on where it stopped. ``progress`` is told path, bytes so far
    and bytes in all, where known. Raises `RepairError` when offline, when a checksum differs, and
    for a set that cannot be had by download.
    """
    first, found, _ = entry(name)
    root = corpora_folder(folder)
    if not found.get("files"):
        raise RepairError(
            f"{first} cannot be downloaded file by file; it is published at {found['origin']}.",
            mend=f"Get it there and put it into {root / first}, or give --from DIR.",
        )
    paths = []
    for file in found["files"]:
        path = root / file["path"]
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _download(file["url"], path, progress)
        _verify(path, file, root, fresh=True)
        paths.append(path)
    verify_contents(first, root)
    return paths


def _download(url: str, path: Path, progress: Callable) -> None:
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "mt-repair"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            if have and response.status != 206:
                have = 0  # the server starts over, and so do we
            size = response.headers.get("Content-Length")
            total = have + int(size) if size else None
            with open(part, "ab" if have else "wb") as out:
                while piece := response.read(_PIECE):
                    out.write(piece)
                    have += len(piece)
                    progress(path.name, have, total)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # there was nothing left to send
            os.replace(part, path)
            return
        raise RepairError(
            f"{url} answered {error.code} {error.reason}.",
            mend="The set may have moved: look at its origin in 'mt-repair corpora', and give "
            "--from DIR for a copy of yours.",
        ) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise RepairError(
            f"{url} cannot be reached ({reason}).",
            mend="Go online and run the command again, it goes on where it stopped; or give "
            "--from DIR for a copy of yours.",
        ) from error
    if total is not None and have != total:
        raise RepairError(
            f"{url} broke off after {have} of {total} bytes.", mend="Run the command again."
        )
    os.replace(part, path)


def verify(name: str, folder: str | Path | None = None) -> list[tuple[Path, str]]:
    """Every file of the set that is there, with ``ok``, ``changed`` or ``unknown``."""
    first, found, _ = entry(name)
    root = corpora_folder(folder)
    results = []
    for key in ("repacked", "files"):
        for file in found.get(key, ()):
            path = root / file["path"]
            if path.exists():
                try:
                    results.append((path, "ok" if _verify(path, file, root) else "unknown"))
                except RepairError:
                    results.append((path, "changed"))
    if results:
        verify_contents(first, root)
    return results


def verify_contents(name: str, folder: Path) -> None:
    """Compare the files inside archives with the manifest; raises for one that differs."""
    _, found, _ = entry(name)
    if not found.get("contents"):
        return
    files = open_files(name, folder)
    for content in found["contents"]:
        path = files.find(content["name"], within=found.get("keep", ""))
        if path and hashlib.sha256(files.data(path)).hexdigest() != content["sha256"]:
            raise RepairError(
                "The content is not what was published when this package was made.",
                path=path,
                mend="Compare it with the origin; figures from it are not comparable.",
            )


def _verify(path: Path, file: dict, root: Path, *, fresh: bool = False) -> bool:
    """Whether a checksum was known; raises when it differs. ``fresh`` records an unknown one."""
    record = root / _RECORD
    recorded = {}
    if record.exists():
        for line in record.read_text("utf-8").splitlines():
            digest, _, recorded_path = line.partition("  ")
            recorded[recorded_path] = digest
    known = {k: file[k] for k in ("sha256", "md5") if k in file}
    if not known and file["path"] in recorded:
        known = {"sha256": recorded[file["path"]]}
    for kind, expected in known.items():
        with open(path, "rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
        if found != expected:
            raise RepairError(
                f"The {kind} checksum is {found}, not {expected}.",
                path=path,
                mend="Delete the file and fetch it again.",
            )
    if not known and fresh:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with open(record, "a", encoding="utf-8") as out:
            out.write(f"{digest}  {file['path']}\n")
    return bool(known)
