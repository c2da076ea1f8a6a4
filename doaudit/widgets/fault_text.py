"""An error as the line that a panel shows."""

from __future__ import annotations

from doaudit.errors import DoauditError
from doaudit.formatting import one_line

__all__ = ["fault_text"]

_LONGEST = 1_000


def fault_text(error: Exception) -> str:
    """
    Return an error as one line: of our own, which are written to be read, the text; of any other its type, too.

    Example:
        >>> fault_text(DoauditError("There is no token.")), fault_text(KeyError("id"))
        ('There is no token.', "KeyError: 'id'")
    """
    return one_line(str(error) if isinstance(error, DoauditError) else f"{type(error).__name__}: {error}", _LONGEST)
