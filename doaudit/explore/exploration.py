"""An exploration: one actions frame, the part of it that is selected, and answers about that part."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT, COLUMNS
from doaudit.analysis.findings import concerning, findings, in_short
from doaudit.analysis.part import end_of
from doaudit.analysis.selecting import moment_second
from doaudit.analysis.tally import OUTCOMES
from doaudit.csv import csv_bytes
from doaudit.errors import InvalidArgument
from doaudit.explore.coded_actions import code_actions
from doaudit.explore.facets import count_facets
from doaudit.explore.matching import all_of, matches
from doaudit.explore.resource_search import ResourceNames, rows_of
from doaudit.explore.row_order import COLUMNS as SHOWN
from doaudit.explore.row_order import page_of, sort_rows
from doaudit.explore.time_bins import choose_bins
from doaudit.explore.type_tally import TypeTally
from doaudit.formatting import rate, time_span, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from doaudit.analysis.selection import Selection
    from doaudit.explore.time_bins import TimeBins

__all__ = ["CSV_ROWS", "Exploration"]

CSV_ROWS = 50_000
"""Rows in a piece of a CSV file."""

_TYPES = 12  # that are shown with their durations, the most frequent, and with their rates, the worst
_LAST_S = 1 << 33  # in 2242, which pandas 2 can still tell
_MOST_OF_ONE = 500  # actions of one resource that are listed


class Exploration:
    """
    Answers about parts of one actions frame, which any thread may ask for.

    Args:
        frame: an actions frame in pandas; it is not changed.
        droplets: those that exist now, as `account.droplets()` returns them, for findings on backups.

    Raises:
        InvalidArgument: it is no actions frame in pandas.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.selection import Selection
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", "reboot", "resize"])]
        >>> exploration = Exploration(to_frame(taken, observed_at=1632996060))
        >>> exploration.look(Selection(type="resize"))["selected"]
        2
    """

    def __init__(self, frame: pd.DataFrame, droplets: pd.DataFrame | None = None) -> None:
        self._frame, self._droplets = frame, droplets
        self._actions = code_actions(frame)
        self._tally, self._bins = TypeTally(self._actions), choose_bins(self._actions)
        self._zoomed: tuple[tuple[int, int], TimeBins] | None = None
        self._lock = threading.Lock()
        self._masks: tuple[Selection, dict[str, NDArray[np.bool_]]] | None = None
        self._sorted: tuple[tuple[Selection, str | None, bool], NDArray[np.intp]] | None = None
        self._measured: dict[Selection, dict[str, Any]] = {}
        self._found: pd.DataFrame | None = None

    @cached_property
    def _names(self) -> ResourceNames:
        return ResourceNames(self._actions)

    @property
    def columns(self) -> list[str]:
        """Columns of its table, in their order."""
        return [name for name in SHOWN if name != ACCOUNT or ACCOUNT in self._actions.texts]

    def look(self, selection: Selection, span: tuple[int, int] | None = None) -> dict[str, Any]:
        """
        Return what is to be seen of a selection, as JSON has it.

        Args:
            selection: the conditions.
            span: what the timeline is to show, in Unix seconds; None for all.

        Returns:
            `total` and `selected` (numbers of actions); `outcomes` of the selected ones; `facets`: for each (see
            `doaudit.explore.facets`) a value, its text and the number of rows; `window`: its ends in Unix seconds;
            `timeline`: `first_s`, `width_s`, `is_zoomed` and `bins` with the number of each outcome, of what fulfils
            the conditions but those on time; `durations` and `failure_rates`, each of twelve types, and how many
            `types` there are.
        """
        with self._lock:
            masks = self._masks_of(selection)
            everything = all_of(masks.values())
            bins = self._bins_of(span)
            without_time = all_of(mask for name, mask in masks.items() if name not in ("since", "until"))
            outcome = self._actions.outcome if everything is None else self._actions.outcome[everything]
            return {
                "total": len(self._actions),
                "selected": len(outcome),
                "outcomes": dict(zip(OUTCOMES, np.bincount(outcome, minlength=len(OUTCOMES)).tolist(), strict=True)),
                "facets": {
                    name: [(value, _label(value), found) for value, _, found in values]
                    for name, values in count_facets(self._actions, masks).items()
                },
                "window": self.window_of(selection),
                "timeline": {
                    "first_s": bins.first_s,
                    "width_s": bins.width_s,
                    "bins": bins.count(without_time),
                    "is_zoomed": span is not None,
                },
                **self._measures(selection),
            }

    def rows(self, selection: Selection, sort: str | None, offset: int, limit: int, *, down: bool) -> dict[str, Any]:
        """Return some rows of a selection, in the order of a column, as cells (see `doaudit.explore.row_order`)."""
        with self._lock:
            self._check_column(sort)
            rows = self._order(selection, sort, down=down)
            return {"offset": offset, "rows": page_of(self._actions, rows[offset : offset + limit])}

    def find(self, text: str) -> list[tuple[str, str | None, int]]:
        """Find resources by a part of their name or key: key, name, number of actions."""
        return [(key, None if name is None else visible(name), number) for key, name, number in self._names.find(text)]

    def names_of(self, keys: Iterable[str | None]) -> dict[str, str]:
        """Return the names of those resources that have one, by key."""
        return {key: visible(name) for key in keys if key is not None and (name := self._names.name_of(key))}

    def resource(self, key: str, account: str | None = None) -> dict[str, Any]:
        """Return the newest actions of a resource as cells, and how many there are in all."""
        rows = rows_of(self._actions, key, account)
        return {"resource": key, "total": len(rows), "rows": page_of(self._actions, rows[:_MOST_OF_ONE])}

    def csv(self, selection: Selection, offset: int) -> tuple[bytes, int]:
        """Return a piece of the selected rows as CSV, of which the first has the header, and the number of rows."""
        with self._lock:
            rows = self._order(selection, None, down=False)
        columns = [name for name in (ACCOUNT, *COLUMNS) if name in self._frame.columns]
        piece = csv_bytes(self._frame[columns].iloc[rows[offset : offset + CSV_ROWS]])
        return piece if offset == 0 else piece.partition(b"\n")[2], len(rows)

    def selected(self, selection: Selection) -> pd.DataFrame:
        """Return the selected rows of the frame, as `doaudit.select` does."""
        with self._lock:
            return self._frame.iloc[self._order(selection, None, down=False)]

    def findings(self, selection: Selection) -> list[tuple[str, str, str]]:
        """
        Return the findings that concern a selection in short: severity, kind, sentence; all actions tell what is usual.

        The first call takes seconds for a million actions, and holds up no other question.
        """
        if not len(self._frame):
            return []
        if self._found is None:
            self._found = findings(self._frame, self._droplets)
        if not selection.conditions():
            return in_short(self._found)
        since, _ = self.window_of(selection)
        newest = self._frame["observed_at"].max().to_pydatetime()
        recent = self._found
        if since is not None:
            begins = pd.Timestamp(min(max(since, 0), _LAST_S), unit="s", tz="UTC")
            recent = recent[~(recent["since"] < begins)]
        about = [name for name in (ACCOUNT, "id", "type") if name in self._frame]
        with self._lock:
            chosen = self._frame[about].iloc[self._order(selection, None, down=False)]
        return in_short(concerning(recent, chosen, end_of(selection, newest)))

    def window_of(self, selection: Selection) -> list[int | None]:
        """Return the ends of the window of a selection in Unix seconds; None for an open end."""
        newest, ends = self._actions.newest, {"since": selection.since, "until": selection.until}
        return [None if end is None else moment_second(end, newest, name=name) for name, end in ends.items()]

    def _masks_of(self, selection: Selection) -> dict[str, NDArray[np.bool_]]:
        """Return which rows fulfil each condition, and keep it for the questions that follow."""
        if selection.account is not None and ACCOUNT not in self._actions.texts:
            raise InvalidArgument("These actions have no column 'account': they are of one account. Leave account out.")
        if self._masks is None or self._masks[0] != selection:
            self._masks = selection, matches(self._actions, selection)
        return self._masks[1]

    def _order(self, selection: Selection, sort: str | None, *, down: bool) -> NDArray[np.intp]:
        """Return the numbers of the selected rows, sorted once for all pages."""
        wanted = selection, sort, down
        if self._sorted is None or self._sorted[0] != wanted:
            chosen = all_of(self._masks_of(selection).values())
            rows = np.arange(len(self._actions)) if chosen is None else np.flatnonzero(chosen)
            self._sorted = wanted, rows if sort is None else sort_rows(self._actions, rows, sort, down=down)
        return self._sorted[1]

    def _check_column(self, sort: str | None) -> None:
        if sort is not None and sort not in self.columns:
            raise InvalidArgument(f"These rows are sorted by {', '.join(self.columns)}; got {sort!r}.")

    def _measures(self, selection: Selection) -> dict[str, Any]:
        """Return durations and failure rates by type; those of all actions are kept."""
        if selection in self._measured:
            return self._measured[selection]
        taken, failed = self._tally.tables(all_of(self._masks_of(selection).values()))
        measures = {
            "types": len(taken),
            "durations": [_duration(row) for row in taken.head(_TYPES).to_dict("records")],
            "failure_rates": [_rate(row) for row in failed.head(_TYPES).to_dict("records")],
        }
        if not selection.conditions():
            self._measured[selection] = measures
        return measures

    def _bins_of(self, span: tuple[int, int] | None) -> TimeBins:
        if span is None:
            return self._bins
        if self._zoomed is None or self._zoomed[0] != span:
            self._zoomed = span, choose_bins(self._actions, span)
        return self._zoomed[1]


def _duration(row: dict[Any, Any]) -> dict[str, Any]:
    spans = {name: {"s": _finite(row[name]), "text": time_span(row[name])} for name in ("p50_s", "p90_s")}
    return {**_type(row), "completed": row["completed"], **spans}


def _rate(row: dict[Any, Any]) -> dict[str, Any]:
    shares = {name: _finite(row[name]) for name in ("failure_rate", "low", "high")}
    return {**_type(row), "finished": row["finished"], "errored": row["errored"], "text": _interval(shares), **shares}


def _interval(shares: dict[str, float | None]) -> str:
    share, low, high = shares.values()
    if share is None or low is None or high is None:
        return "-"
    return f"{rate(share)} ({100 * low:.2f}-{100 * high:.2f})"


def _type(row: dict[Any, Any]) -> dict[str, str | None]:
    value = row["type"] if isinstance(row["type"], str) else None
    return {"type": value, "label": _label(value)}


def _label(value: str | None) -> str:
    return "(none)" if value is None else visible(value)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
