"""Bytes and characters of files: compression by suffix, decoding with clear errors, atomic output."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..core import RepairError

COMPRESSED = (".gz", ".xz", ".bz2")
_DAMAGED = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)
# What a file that is not UTF-8 may be, with what to call it; the likelier of two equals is first.
_LEGACY = ("cp1251", "koi8-r", "cp866", "iso8859-5", "cp1252")
# Russian letters, the most frequent first: in text that was decoded wrongly the rare ones abound.
_LETTERS = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_WEIGHTS = {letter: 1 - 0.03 * rank for rank, letter in enumerate(_LETTERS)}


def open_bytes(path: str | Path) -> IO[bytes]:
    """A file to read, decompressed by its suffix; ``-`` is standard input.

    Raises `RepairError` where there is none, or none that may be read.
    """
    path = str(path)
    if path == "-":
        return sys.stdin.buffer
    try:
        if path.endswith(".gz"):
            return gzip.open(path)
        if path.endswith(".xz"):
            return lzma.open(path)
        if path.endswith(".bz2"):
            return bz2.open(path)
        return open(path, "rb")
    except FileNotFoundError as error:
        raise RepairError("There is no such file.", path=path, mend="Check the name.") from error
    except IsADirectoryError as error:
        raise RepairError("This is a directory.", path=path, mend="Name a file in it.") from error
    except OSError as error:
        raise RepairError(f"The file cannot be read: {error.strerror}.", path=path) from error


def codec_name(encoding: str | None) -> str:
    """The canonical name of an encoding; UTF-8 for none. Raises `RepairError` for an unknown one."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
        "a".encode(name)
    except (LookupError, TypeError) as error:
        raise RepairError(
            f"Unknown encoding {encoding!r}.", mend="Try cp1251, koi8-r, utf-16 or utf-8."
        ) from error
    return "utf-8" if name == "utf-8-sig" else name


class Lines:
    """The lines of a text file, numbered from 1, with their ends, which are ``\\n`` or ``\\r\\n``.

    ``encoding`` is exact once the file is open (UTF-16 with its byte order), ``bom`` says whether
    a byte-order mark came first; it is no part of the first line. Iteration raises `RepairError`
    with the line that cannot be decoded and what the file may be instead.
    """

    def __init__(self, path: str | Path, encoding: str | None = None):
        self.path = str(path)
        self._stream = open_bytes(path)
        self.encoding = codec_name(encoding)
        head = b""
        if self.encoding in ("utf-16", "utf-32"):
            width = int(self.encoding[-2:]) // 8
            head = self._read(width, 1)
            big = head == "\ufeff".encode(f"{self.encoding}-be")
            self.encoding += "-be" if big else "-le"
        self._pieces = self._decode_utf8() if self.encoding == "utf-8" else self._decode(head)
        first = next(self._pieces, None)
        self.empty = first is None
        self.bom = first is not None and first.startswith("\ufeff")
        self._first = None if first is None else first.removeprefix("\ufeff")

    def _read(self, size: int, line: int) -> bytes:
        try:
            return self._stream.read(size)
        except (*_DAMAGED, OSError) as error:
            raise self._unreadable(error, line) from error

    def __iter__(self) -> Iterator[tuple[int, str]]:
        if self._first is None:
            return
        number = 1
        first, self._first = self._first, None
        # A mark and nothing else is an empty file.
        if first:
            yield number, first
        for line in self._pieces:
            number += 1
            yield number, line

    @property
    def first(self) -> str:
        """The first line, not yet taken."""
        return self._first or ""

    def close(self) -> None:
        if self.path != "-":
            self._stream.close()

    def _unreadable(self, error: Exception, line: int) -> RepairError:
        if isinstance(error, _DAMAGED):
            return RepairError(
                f"The compressed file is cut off or damaged ({error}).",
                path=self.path,
                line=line,
                mend="Check that its suffix says how it is compressed, and copy it again.",
            )
        return RepairError(f"The file cannot be read: {error.strerror or error}.", path=self.path)

    def _decode_utf8(self) -> Iterator[str]:
        number = 0
        read = self._stream.readline
        while True:
            try:
                line = read()
            except (*_DAMAGED, OSError) as error:
                raise self._unreadable(error, number + 1) from error
            if not line:
                return
            number += 1
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                rest = line + self._stream.read(65536)
                raise self._undecodable(number, rest, line, error.start) from error
            if number == 1 and text.count("\0") * 3 >= len(text):
                raise self._undecodable(1, line, line, 0)
            yield text

    def _decode(self, chunk: bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)()
        number, held = 0, [""]
        while True:
            chunk += self._read(1 << 16, number + 1)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(self.encoding, "ignore")
                line = number + 1 + good.count("\n")
                raise RepairError(
                    f"The bytes {error.object[error.start : error.start + 4].hex(' ')} are no text "
                    f"in {self.encoding}.",
                    path=self.path,
                    line=line,
                    mend="Try another --encoding, or none for UTF-8.",
                ) from error
            *whole, rest = text.split("\n")
            if whole:
                held.append(whole[0])
                yield "".join(held) + "\n"
                for line in whole[1:]:
                    yield line + "\n"
                number += len(whole)
                held = []
            held.append(rest)
            if not chunk:
                break
            chunk = b""
        last = "".join(held)
        if last:
            yield last

    def _undecodable(self, number: int, sample: bytes, line: bytes, start: int) -> RepairError:
        for magic, kind in ((b"\x1f\x8b", ".gz"), (b"\xfd7zXZ", ".xz"), (b"BZh", ".bz2")):
            if number == 1 and line.startswith(magic):
                return RepairError(
                    "The file is compressed, and its name does not say so.",
                    path=self.path,
                    mend=f"Rename it to {self.path}{kind}.",
                )
        if number == 1 and line.startswith((b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")):
            return RepairError(
                "The file is a document of another program, not text.",
                path=self.path,
                mend="Export it as plain text, TSV or CSV.",
            )
        likely = guess_encodings(sample)
        if likely:
            shown = sample.decode(likely[0], "ignore")
            shown = re.sub(r"\s+", " ", shown[max(0, start - 20) : start + 40]).strip()
            others = f" (or {', '.join(likely[1:])})" if likely[1:] else ""
            question = (
                f"It looks like {likely[0]}{others}: is it “{shown}”? If so, pass --encoding "
            )
            mend = question + f"{likely[0]}."
        else:
            mend = "Name the encoding with --encoding, or convert the file to UTF-8."
        return RepairError("The text is not UTF-8.", path=self.path, line=number, mend=mend)


def guess_encodings(sample: bytes) -> list[str]:
    """The encodings in which ``sample`` could be Russian or English, the likeliest first."""
    for mark, name in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if sample.startswith(mark):
            return [name]
    if sample.count(0) * 5 > len(sample):
        return ["utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"]
    # Cyrillic in UTF-16: every other byte is 04, or the 00 of a space.
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = sample[start::2]
        if len(high) > 4 and (high.count(4) + high.count(0)) * 10 > len(high) * 9:
            return [name]
    scores = {name: _plausibility(sample, name) for name in _LEGACY}
    best = max(scores.values())
    likely = [name for name in _LEGACY if scores[name] > max(0.5, best - 0.1)]
    return sorted(likely, key=lambda name: -scores[name])


def _plausibility(sample: bytes, encoding: str) -> float:
    """How much the bytes beyond ASCII look like Russian or English in ``encoding``, at most 1."""
    text = sample.decode(encoding, "replace")
    high = [sign for sign in text if sign > "\x7f"]
    if not high:
        return 0.0
    good = 0.0
    for previous, sign in zip(" " + text, text, strict=False):
        if sign <= "\x7f":
            continue
        if sign in "“”„‘’«»–—…№°€£\xa0·•™©®§":
            good += 0.9
        elif sign.lower() in _WEIGHTS:
            # So do capitals after small letters, and letters of two alphabets in a word.
            mixed = previous.isalpha() and previous.isascii()
            wrong = mixed or (sign.isupper() and previous.islower())
            good += 0 if wrong else _WEIGHTS[sign.lower()] - 0.15 * sign.isupper()
        elif encoding == "cp1252" and sign in "àáâäçèéêëíîïñóôöùúûüßÀÉÖÜ":
            good += 0.8 if previous.isascii() else 0.1
    return good / len(high)


@contextmanager
def atomic_writer(
    path: str | Path,
    *,
    force: bool = False,
    encoding: str | None = None,
    part: str | None = None,
) -> Iterator[IO]:
    """A file to write that appears under its name at the end, whole, or not at all.

    Bytes, or text with its line ends untouched where ``encoding`` is given; compressed by the
    suffix. It is written beside its place, as ``part`` (``PATH.part`` if not given). ``-`` and what is no regular file
    (a pipe, ``/dev/null``) are written directly. Raises `RepairError` where the file exists and
    ``force`` is not given, where the folder is missing, where the disk is full.
    """
    if str(path) == "-" or (os.path.exists(path) and not os.path.isfile(path)):
        yield from _direct(path, encoding)
        return
    target = os.path.realpath(path)
    check_output(path, force=force)
    part = part or f"{target}.part"
    done = False
    try:
        with output_errors(path):
            with open(part, "wb") as raw:
                with _compressor(raw, target) as stream:
                    if encoding is None:
                        yield stream
                    else:
                        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
                        yield text
                        text.flush()
                        text.detach()
                raw.flush()
                os.fsync(raw.fileno())
            publish(part, target, force=force)
            done = True
    finally:
        if not done:
            with suppress(OSError):
                os.unlink(part)


def _direct(path: str | Path, encoding: str | None) -> Iterator[IO]:
    with output_errors(path):
        stream = sys.stdout.buffer if str(path) == "-" else open(path, "wb")  # noqa: SIM115
        try:
            if encoding is None:
                yield stream
            else:
                text = io.TextIOWrapper(stream, encoding=encoding, newline="")
                yield text
                text.flush()
                text.detach()
            stream.flush()
        finally:
            if stream is not sys.stdout.buffer:
                stream.close()


@contextmanager
def _compressor(raw: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if name.endswith(".gz"):
        # No name and no time in it: the same content gives the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as stream:
            yield stream
    elif name.endswith(".xz"):
        with lzma.open(raw, "wb") as stream:
            yield stream
    elif name.endswith(".bz2"):
        with bz2.open(raw, "wb") as stream:
            yield stream
    else:
        yield raw


def check_output(path: str | Path, *, force: bool = False) -> None:
    """Raise `RepairError` if ``path`` could not be written: call it before the work begins."""
    if str(path) == "-":
        return
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise RepairError("This is a directory.", path=path, mend="Name a file in it.")
    if not os.path.isdir(folder):
        raise RepairError(
            f"The folder {os.path.dirname(str(path)) or folder} does not exist.",
            path=path,
            mend=f"Make it with: mkdir -p {os.path.dirname(str(path)) or folder}",
        )
    if os.path.exists(path) and not force and os.path.isfile(path):
        raise RepairError(
            "The file exists.", path=path, mend="Pass --force to replace it, or name another."
        )
    if not os.access(folder, os.W_OK):
        raise RepairError("The folder cannot be written to.", path=path, mend="Name another.")


@contextmanager
def output_errors(path: str | Path, kept: str = "Nothing was left half written.") -> Iterator[None]:
    """Turn what the system says about an output into a `RepairError`, a broken pipe excepted."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # An error of another file (the input that is read meanwhile) is not about this one.
        if error.filename and not str(error.filename).startswith(os.path.realpath(path)):
            raise
        raise RepairError(
            f"The file cannot be written: {error.strerror or error}.",
            path=path,
            mend=f"Free some space or write to another disk. {kept}",
        ) from error


def lock(stream: IO[bytes], path: str | Path) -> None:
    """Hold a file that is being written until it is closed; raise `RepairError` if another does."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RepairError(
            "Another process is writing this file.", path=path, mend="Wait for it, or stop it."
        ) from error
    except OSError:  # a file system without locks
        return


def publish(part: str, target: str, *, force: bool) -> None:
    """Give a finished file its name; without ``force`` never in place of one that came meanwhile."""
    if force:
        with suppress(OSError):
            os.chmod(part, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(part, target)
    else:
        try:
            os.link(part, target)
        except FileExistsError as error:
            raise RepairError(
                "Another program wrote the file meanwhile.",
                path=target,
                mend="Pass --force to replace it, or name another.",
            ) from error
        except OSError:  # a file system without hard links
            check_output(target)
            os.replace(part, target)
        else:
            os.unlink(part)
    with suppress(OSError):  # so that the name, too, survives a power cut
        folder = os.open(os.path.dirname(target), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
