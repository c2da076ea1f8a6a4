"""Actions as numbers: each text as its place in a short list, each time in seconds, so that counting is quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT, COLUMNS
from doaudit.analysis.engines import TIMES, quoted, to_pandas, unix_seconds
from doaudit.analysis.tally import timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.integer[Any]]

__all__ = ["NO_TIME", "CodedActions", "CodedText", "code_actions"]

NO_TIME = -(1 << 62)
"""In place of a time that is null: long before every other one."""

_TEXTS = ("type", "status", "region", "resource_type", "resource", "resource_name", ACCOUNT)


@dataclass(frozen=True, eq=False)
class CodedText:
    """
    A column of text: the texts that occur, and for each row the place of its own.

    Attributes:
        texts: each text once, sorted, and None at the end, for null.
        codes: for each row the place of its text; -1, which is the end, for null.
        counts: how many rows have each text.
    """

    texts: tuple[str | None, ...]
    codes: Numbers
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CodedActions:
    """
    An actions frame, and what is asked of it as arrays, a value for each row.

    Attributes:
        frame: the frame.
        texts: the columns of text, by name.
        outcome: places in `doaudit.analysis.tally.OUTCOMES`.
        seconds: durations; of an open action, how long it had been running when last seen; -1 if nobody can tell.
        start, end: Unix seconds, `NO_TIME` for null.
        newest: the newest `observed_at` in Unix seconds; None if there is none.
    """

    frame: pd.DataFrame
    texts: dict[str, CodedText]
    outcome: NDArray[np.int8]
    seconds: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    newest: int | None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)


def code_actions(frame: pd.DataFrame) -> CodedActions:
    """
    Bring an actions frame into numbers.

    Raises:
        InvalidArgument: it is no frame of pandas, or lacks a column.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", "reboot", None])]
        >>> column = code_actions(to_frame(taken, observed_at=1632996060)).texts["type"]
        >>> column.texts, column.codes.tolist(), column.counts.tolist()
        (('reboot', 'resize', None), [-1, 0, 1], [1, 1, 1])
    """
    if not isinstance(frame, pd.DataFrame):
        raise InvalidArgument(
            f"An explorer takes an account, or actions in pandas; this is of type {type(frame).__name__}. Bring a part "
            "of them into pandas first, as in da.select(actions, since='90d').to_pandas()."
        )
    if absent := [name for name in COLUMNS if name not in frame.columns]:
        raise InvalidArgument(f"These are no actions: {quoted(absent)} is lacking. account.actions() returns some.")
    whole = {name: unix_seconds(name).fill_null(NO_TIME).alias(name) for name in TIMES}
    numbers = to_pandas(timed(frame).select("outcome", "seconds", *whole.values()))
    start, end, observed = (numbers[name].to_numpy(dtype=np.int64) for name in TIMES)
    newest = int(observed.max(initial=NO_TIME))
    return CodedActions(
        frame=frame,
        texts={name: _coded(frame[name]) for name in _TEXTS if name in frame.columns},
        outcome=numbers["outcome"].to_numpy(dtype=np.int8),
        seconds=numbers["seconds"].to_numpy(dtype=np.int64),
        start=start,
        end=end,
        newest=None if newest == NO_TIME else newest,
    )


def _coded(column: pd.Series[Any]) -> CodedText:
    """Return a column of text by codes, in the order of the texts, without those that do not occur."""
    values = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    codes, texts = values.cat.codes.to_numpy(), [str(text) for text in values.cat.categories.tolist()]
    counts = np.bincount(codes.astype(np.int64) + 1, minlength=len(texts) + 1)
    counts = np.append(counts[1:], counts[0])
    if texts == sorted(texts) and counts[:-1].all():
        return CodedText((*texts, None), codes, counts)
    order = sorted(np.flatnonzero(counts[:-1]).tolist(), key=texts.__getitem__)
    places = np.full(len(counts), -1, dtype=np.int64)
    places[order] = np.arange(len(order))
    return CodedText((*(texts[at] for at in order), None), places[codes], np.append(counts[order], counts[-1]))
