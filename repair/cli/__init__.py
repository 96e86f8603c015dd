"""The command line: ``mt-repair``, the same as ``python -m repair``.

stdout is data, stderr is progress, warnings and summary. Exit codes: 0 done, 1 a ``--check`` or
``--at-least`` was missed, 2 usage or input, 3 finished with failed segments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from .. import RepairError, __version__
from . import measure, review, run, setup


def parser() -> argparse.ArgumentParser:
    """The whole command line as argparse knows it."""
    top = argparse.ArgumentParser(
        prog="mt-repair",
        description="Repair machine translation from Russian into English, and review every edit.",
        epilog="'mt-repair COMMAND --help' explains each command.",
    )
    top.add_argument("--version", action="version", version=f"mt-repair {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for part in (run, review, measure, setup):
        part.add_commands(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code and turns known failures into one line each."""
    options = parser().parse_args(arguments)
    # A terminated run cleans up (the grammar checker's process, temporary files) like Ctrl-C.
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _terminate)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except RepairError as error:
        return _complain(str(error))
    except BrokenPipeError:
        # The reader of our output went away (| head): no complaint, and none at shutdown either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("mt-repair: interrupted", file=sys.stderr)
        return 130
    except MemoryError:
        return _complain("Out of memory. Try a smaller --batch-size.")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}.")


def _complain(message: str) -> int:
    print(f"mt-repair: {message}", file=sys.stderr)
    return 2


def _terminate(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
