"""Confirmation of what changes an account: asked on a terminal, or given by --yes; without it nothing is sent."""

from __future__ import annotations

import sys

from doaudit.errors import NotPossible
from doaudit.operations.console import confirmed, print_line

__all__ = ["NOBODY_ASKED", "refusal"]

NOBODY_ASKED = 2
_DECLINED = 1


def refusal(question: str, *, yes: bool, simulated: bool = False) -> int:
    """
    Ask whether to begin, and return the exit status if that was not confirmed, or 0.

    Args:
        question: what is asked on a terminal.
        yes: true if it was confirmed beforehand.
        simulated: true for a simulated account, in which nothing real is changed.

    Returns:
        0 to begin; 1 if the answer is no; `NOBODY_ASKED` if there is no terminal, or nobody answers.
    """
    if yes or simulated:
        return 0
    if not sys.stdin.isatty():
        print_line(
            "Nothing was begun: this is a real account, and there is no terminal to ask on. --yes begins without "
            "asking."
        )
        return NOBODY_ASKED
    try:
        if confirmed(question, how_without="--yes"):
            return 0
    except NotPossible as nobody:
        print_line(str(nobody))
        return NOBODY_ASKED
    print_line("Nothing was begun.", sys.stdout)
    return _DECLINED
