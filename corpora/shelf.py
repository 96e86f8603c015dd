"""Where the corpora are: a folder of files and archives, read alike."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from repair.core import RepairError

VARIABLE = "MT_REPAIR_CORPORA"
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


def corpora_folder(folder: str | Path | None = None) -> Path:
    """The folder given, that of `VARIABLE`, or ``mt-repair/corpora`` in the user's data folder."""
    if folder is not None:
        return Path(folder)
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    import platformdirs

    return Path(platformdirs.user_data_dir("mt-repair")) / "corpora"


class Files:
    """The files of one corpus, loose or in archives, by their paths; nothing is unpacked on disk.

    ``folders`` are searched in order and may be files. A path inside an archive continues the
    archive's own; of an archive only the members that match ``keep`` are seen.
    """

    def __init__(self, *folders: str | Path, name: str = "the set", keep: str = ""):
        self.folders = [Path(folder) for folder in folders]
        self.name, self.keep = name, keep
        self._members: dict[str, tuple[Path, str | None]] = {}
        for folder in self.folders:
            for path in [folder] if folder.is_file() else _walk(folder):
                if path.name.endswith(_ARCHIVES):
                    for member in _unpacked(path, path.stat().st_mtime_ns, keep):
                        self._members[f"{path}/{member}"] = (path, member)
                else:
                    self._members[str(path)] = (path, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def find(self, ending: str, *, within: str = "") -> str | None:
        """The first path whose last part (or parts) is ``ending``, compressed or not."""
        for tail in (ending, f"{ending}.xz", f"{ending}.gz"):
            for path in self._members:
                if within in path and (path.endswith(f"/{tail}") or path == tail):
                    return path
        return None

    def matching(self, part: str) -> list[str]:
        """All paths that contain ``part``, sorted."""
        return sorted(path for path in self._members if part in path)

    def data(self, path: str) -> bytes:
        """The bytes of a file, as they are."""
        file, member = self._members[path]
        if member is None:
            return file.read_bytes()
        return _unpacked(file, file.stat().st_mtime_ns, self.keep)[member]

    def text(self, path: str) -> str:
        """The whole file as UTF-8 text."""
        data = self.data(path)
        try:
            if path.endswith(".xz"):
                data = lzma.decompress(data)
            elif path.endswith(".gz"):
                data = gzip.decompress(data)
            return data.decode("utf-8-sig")
        except (UnicodeDecodeError, lzma.LZMAError, EOFError, OSError) as error:
            raise RepairError(
                f"The file is damaged ({error}).", path=path, mend="Fetch the set again."
            ) from error

    def lines(self, path: str | None, count: int | None = None) -> list[str] | None:
        """The lines of a file without their ends; ``None`` for no path.

        ``count`` is how many there must be. Only line feeds part lines: texts may hold others.
        """
        if path is None:
            return None
        lines = self.text(path).replace("\r\n", "\n").split("\n")
        if lines[-1] == "":
            lines.pop()
        if count is not None and len(lines) != count:
            raise RepairError(
                f"{len(lines)} lines instead of {count}.",
                path=path,
                mend="The files of a set must have one segment a line, in the same order.",
            )
        return lines

    def table(self, path: str) -> Iterator[dict[str, str]]:
        """The rows of a tab-separated file with a header and without quoting."""
        lines = self.lines(path)
        header = lines[0].split("\t") if lines else []
        for number, line in enumerate(lines[1:], 2):
            cells = line.split("\t")
            if len(cells) != len(header):
                raise RepairError(
                    f"{len(cells)} columns instead of {len(header)}.", path=path, line=number
                )
            yield dict(zip(header, cells, strict=True))

    def missing(self, what: str) -> RepairError:
        """The error that says where ``what`` was looked for, and how to get it."""
        places = ", ".join(str(folder) for folder in self.folders) or "nowhere"
        return RepairError(
            f"{self.name}: {what} was not found in {places}.",
            mend=f"Run 'mt-repair corpora fetch {self.name}', give --from DIR, or set {VARIABLE} "
            "to the folder that holds it.",
        )


def _walk(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


@cache
def _unpacked(path: Path, changed: int, keep: str) -> dict[str, bytes]:
    """The members that match; they are a few megabytes in each of these corpora."""
    try:
        with tarfile.open(path) as archive:
            return {
                member.name: archive.extractfile(member).read()
                for member in archive
                if member.isfile() and re.search(keep, member.name)
            }
    except (tarfile.TarError, EOFError, lzma.LZMAError, OSError) as error:
        raise RepairError(
            f"The archive is damaged ({error}).", path=path, mend="Fetch it again."
        ) from error
