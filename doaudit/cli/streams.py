"""
Standard streams of the command line, which may be closed, full, cut off, or unable to show most characters.

What a command is asked to do comes first, and is done although nobody can be told of it. A table that could not be
printed is a failure.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from doaudit.formatting import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "OutputLost",
    "discard_unprinted",
    "flush",
    "patient_output",
    "prepare_streams",
    "show",
    "show_bytes",
    "show_prepared",
]

_INPUT, _OUTPUT, _ERRORS = range(3)


class OutputLost(Exception):
    """
    Standard output takes nothing more.

    Attributes:
        by_reader: true if who read it has gone, as `head` does once it has enough.
        was_closed: true if the command was started without it.
        reason: why, otherwise.
    """

    def __init__(self, fault: OSError | ValueError) -> None:
        super().__init__(str(fault))
        self.by_reader = isinstance(fault, BrokenPipeError)
        self.was_closed = isinstance(fault, OSError) and fault.errno == errno.EBADF
        self.reason = (fault.strerror if isinstance(fault, OSError) else None) or str(fault)


def prepare_streams() -> None:
    """
    Open the standard streams that are closed, and let characters that an encoding lacks be shown as escapes.

    A stream that is closed would otherwise be the next file that is opened: a stray line would be written into it.
    """
    closed = [number for number in (_INPUT, _OUTPUT, _ERRORS) if not _is_open(number)]
    for number in closed:
        # Standard output is opened for reading, so that writing fails: what is lost is noticed.
        opened = os.open(os.devnull, os.O_RDWR if number == _ERRORS else os.O_RDONLY)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
    if _INPUT in closed:
        sys.stdin = _text(_INPUT, "r")
    if _OUTPUT in closed:
        sys.stdout = _text(_OUTPUT, "w")
    if _ERRORS in closed:
        sys.stderr = _text(_ERRORS, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _text(number: int, mode: str) -> TextIO:
    raw = io.FileIO(number, "r" if mode == "r" else "w", closefd=False)
    return io.TextIOWrapper(io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw), encoding="utf-8")


def show(text: str) -> None:
    """
    Print a line to standard output, with control characters in it made visible.

    Raises:
        OutputLost: it takes nothing more.

    Example:
        >>> show("52,292 actions in the history.")
        52,292 actions in the history.
    """
    show_prepared(visible(text, keep="\n"))


def show_prepared(text: str) -> None:
    """
    Print lines to standard output as they are: control characters of their texts are visible already.

    Raises:
        OutputLost: it takes nothing more.
    """
    try:
        print(text, flush=True)
    except (OSError, ValueError) as fault:
        raise OutputLost(fault) from None


def show_bytes(content: bytes) -> None:
    """
    Print UTF-8 to standard output as it is, whatever the terminal's encoding: a CSV file is the same everywhere.

    Raises:
        OutputLost: it takes nothing more.
    """
    try:
        sys.stdout.flush()
        if hasattr(sys.stdout, "buffer"):
            sys.stdout.buffer.write(content)
        else:  # a notebook's, or a test's
            sys.stdout.write(content.decode())
        sys.stdout.flush()
    except (OSError, ValueError) as fault:
        raise OutputLost(fault) from None


def flush() -> None:
    """
    Print what was written to standard output by others, such as click.

    Raises:
        OutputLost: it takes nothing more.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as fault:
        raise OutputLost(fault) from None


@contextlib.contextmanager
def patient_output() -> Iterator[Callable[[str], None]]:
    """
    Yield a function that prints lines, for a block whose work matters more than its words.

    Raises:
        OutputLost: at the end of the block, if standard output took nothing more; not if it was closed on purpose.

    Example:
        >>> with patient_output() as say:
        ...     say("The report is written.")
        The report is written.
    """
    lost: list[OutputLost] = []

    def say(text: str) -> None:
        if not lost:
            try:
                show(text)
            except OutputLost as fault:
                lost.append(fault)

    yield say
    if lost and not lost[0].was_closed:
        raise lost[0]


def discard_unprinted() -> None:
    """Discard what standard output does not take; Python would try once more at its end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
