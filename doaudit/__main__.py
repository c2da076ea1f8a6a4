"""
Entry point of the command line, of `doaudit` and of `python -m doaudit`.

Almost nothing is imported before Ctrl-C is taken care of: importing pandas takes longer than most people's patience.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["run"]

_INTERRUPTED = 130


def run() -> int:
    """
    Run the command that this process was started with, and return its exit status; see `doaudit.cli.main`.

    Ctrl-C is one sentence and status 130 wherever it comes: during imports, in a query, or while nobody listens.
    """
    interrupts: list[int] = []
    ended_with: list[int] = []
    # Registered first, so that it is the last of all.
    atexit.register(_leave_if_interrupted, ended_with)

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not so under nohup
        signal.signal(signal.SIGINT, interrupt)
    sys.excepthook, sys.unraisablehook = _print_fault, _print_ignored
    try:
        from doaudit.cli import main  # noqa: PLC0415 -- see above
        from doaudit.cli.streams import discard_unprinted, prepare_streams  # noqa: PLC0415 -- see above

        prepare_streams()
        try:
            ended_with.append(main())
        finally:
            discard_unprinted()
    except KeyboardInterrupt:
        ended_with.append(_stopped())
    except Exception:
        # Compiled modules turn an interrupted import into errors of their own.
        if not interrupts:
            raise
        ended_with.append(_stopped())
    return ended_with[-1]


def _stopped() -> int:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # nobody is there to read it
        sys.stderr.write("\ndoaudit: Stopped.\n")
    return _INTERRUPTED


def _leave_if_interrupted(ended_with: list[int]) -> None:
    """End the process with status 130; Python itself sends itself SIGINT or not, as the moment of Ctrl-C was."""
    if ended_with[-1:] == [_INTERRUPTED]:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(_INTERRUPTED)


def _print_fault(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback, as Python does, but none of Ctrl-C: compiled modules print it where they cannot raise it."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, fault, trace)


def _print_ignored(ignored: sys.UnraisableHookArgs) -> None:
    """Print what Python had to ignore, as it does, but not Ctrl-C that came when all was over."""
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)


if __name__ == "__main__":
    sys.exit(run())
