"""Lines and questions for whoever runs a cell, a script or a command."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

from doaudit.errors import NotPossible
from doaudit.formatting import visible

__all__ = ["confirmed", "print_line"]


def print_line(text: str, stream: TextIO | None = None) -> None:
    """
    Print a line, by default to standard error; a stream that is closed or full is no error.

    Control characters are made visible, but for line feeds at its start: they end what stands there, such as ^C.
    """
    line = text.lstrip("\n")
    with contextlib.suppress(OSError, ValueError):
        print(text[: len(text) - len(line)] + visible(line), file=stream or sys.stderr, flush=True)


def confirmed(question: str, *, how_without: str) -> bool:
    """
    Ask a question, and return whether the answer is yes.

    Args:
        question: what is asked.
        how_without: how to begin without being asked, for the message where nobody can be asked.

    Raises:
        NotPossible: nobody can be asked: cron, or a notebook that a program runs.
    """
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except (EOFError, OSError, RuntimeError) as fault:
        raise NotPossible(
            f"Nothing was begun: this is a real account, and nobody could be asked ({type(fault).__name__}). "
            f"{how_without} begins without asking."
        ) from None
