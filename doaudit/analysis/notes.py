"""Notes of a table: why a figure of a row is missing, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.analysis.groups import combined_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Note", "join_notes"]


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """
    A note that some rows have.

    Attributes:
        rows: whether each row has it.
        text: the words; with `{}` for the number of the row, if there is one.
        numbers: int64, one a row; None if all have the same words.
    """

    rows: NDArray[np.bool_]
    text: str
    numbers: NDArray[np.int64] | None = None


def join_notes(notes: Sequence[Note]) -> pd.Series[str]:
    """
    Join the notes of each row, in their order.

    Example:
        >>> left_out = Note(np.array([False, True]), "{} left out", np.array([0, 7]))
        >>> join_notes([Note(np.array([True, True]), "odd"), left_out]).tolist()
        ['odd', 'odd; 7 left out']
    """
    # Rows have few different notes, and joining words row by row is slow.
    parts = [np.where(note.rows, 1 if note.numbers is None else 1 + note.numbers, 0) for note in notes]
    _, example, row = np.unique(combined_ranks(parts), return_index=True, return_inverse=True)
    texts = [
        "; ".join(note.text.format(f"{part[at] - 1:,}") for note, part in zip(notes, parts, strict=True) if part[at])
        for at in example
    ]
    return pd.Series(np.array(texts, dtype=object)[row], dtype=str)
