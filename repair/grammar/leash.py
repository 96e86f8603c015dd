"""Runs a command that must not outlive this program's parent: ``python leash.py COMMAND...``.

The parent holds the write end of this program's standard input. When that closes, which the
operating system does even for a parent that was killed with SIGKILL, or when the parent is gone,
the command is killed. A forked child of the parent may hold the pipe open, so the parent's process
id is watched as well. On Linux the kernel kills the command if this program itself is killed.

The first line on standard output is the command's process id; everything that the command prints
goes to standard error. The standard library is all that is needed, so that
``python -I -S leash.py`` starts fast and whatever the environment holds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

_LOOK_EVERY = 0.5  # seconds


def _death_with_parent():
    """A function for the child, before exec: the kernel kills it when its parent dies (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes
    import signal

    libc, me = ctypes.CDLL(None, use_errno=True), os.getpid()

    def arm() -> None:
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != me:  # the parent died before the call
            os._exit(1)

    return arm


def _wait_for_release(parent: int) -> None:
    """Return when standard input closes or ``parent`` is no longer the parent."""
    if sys.platform == "win32":  # no select on pipes, and no reparenting to notice
        while os.read(0, 4096):
            pass
        return
    import select

    while os.getppid() == parent:
        if select.select([0], [], [], _LOOK_EVERY)[0] and not os.read(0, 4096):
            return


def main(command: list[str]) -> None:
    """Run ``command`` until it ends or the leash is let go; never returns."""
    parent = os.getppid()
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        preexec_fn=_death_with_parent(),
        creationflags=flags,
    )

    def follow() -> None:
        code = child.wait()
        os._exit(code if 0 <= code < 256 else 1)

    try:
        print(child.pid, flush=True)
        threading.Thread(target=follow, daemon=True).start()
        _wait_for_release(parent)
    finally:
        child.kill()
        child.wait()
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
