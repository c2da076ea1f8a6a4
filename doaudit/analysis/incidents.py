"""Incidents: days on which far more actions failed together than usual, by region or any other group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.special import gammainc

from doaudit.actions import ACCOUNT
from doaudit.analysis.account_keys import within_accounts
from doaudit.analysis.action_rows import from_unix_seconds
from doaudit.analysis.daily_counts import per_day
from doaudit.analysis.engines import to_pandas, unix_seconds
from doaudit.analysis.groups import By, check_names, number_groups
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.significance import benjamini_hochberg
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

__all__ = ["daily_failures", "failures_by_day", "incidents"]

_DAY_S = 86_400
_FIGURES = ("first_failure_at", "last_failure_at", "actions", "errored", "expected", "q", "types", "ids")


def daily_failures(actions: IntoFrame, by: By = "region") -> pd.DataFrame:
    """
    Count the failures of each group on each day, and compute how many were to be expected.

    Each action is expected to fail as often as its type did on all other days and in all other groups of its account;
    half a failure and one action are added to those, so that a type that never failed elsewhere may fail once.

    Source: a Poisson rate from the cells that are left (Breslow and Day, Statistical Methods in Cancer Research II,
    1987, chapter 2, indirect standardization); half a failure after Jeffreys.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
            A `resource` has its newest `resource_name` beside it. No group is of two accounts.

    Returns:
        One row for each group and day (UTC) on which an action started, by value: `account` first, where the frame has
        it, and the *by* columns; `day` (datetime64[s, UTC]); `actions`, `finished` (completed or errored), `errored`
        (int64); `expected` (float64 failures); `q` (float64: the share of false alarms among the days with such a q or
        a smaller one, of all accounts together, NaN where nothing finished).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "errored" if n < 3 else "completed", "resize", "2021-09-30T10:00:00Z") for n in range(9)]
        >>> daily_failures(to_frame(taken, observed_at=1633042800), by=())[["finished", "errored"]].values.tolist()
        [[9, 3]]
    """
    keys = within_accounts(actions, by)
    check_names(keys, ["q"])
    table, p = failures_by_day(actions, keys)
    table = table.assign(day=from_unix_seconds(table["day"] * _DAY_S), q=benjamini_hochberg(p))
    return with_resource_names(table, actions, keys)


def failures_by_day(actions: IntoFrame, keys: list[str]) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """
    Count the failures of each group on each day, those expected, and the chance of as many or more; see above.

    Returns:
        The table of `daily_failures` without `q`, its `day` in days since 1970 (int64), and the p-value of each row,
        NaN where nothing finished.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> failed = Record(1, "errored", "resize", "1970-01-02T01:59:59Z")
        >>> table, p = failures_by_day(to_frame([failed], observed_at=1633042800), [])
        >>> table.values.tolist(), p.round(2).tolist()
        ([[1.0, 1.0, 1.0, 1.0, 0.5]], [0.39])
    """
    check_names(keys, ["day", "actions", "finished", "expected"])
    counted = per_day(actions, [*keys, "type"])
    finished = counted["errored"] + counted["completed"]
    counted = counted.assign(finished=finished, expected=_expected(counted, finished))
    days, cell = number_groups(counted, [*keys, "day"])
    sums = {name: np.zeros(len(days), dtype=np.int64) for name in ("actions", "finished", "errored")}
    for name, counts in sums.items():
        np.add.at(counts, cell, counted[name].to_numpy())
    expected = np.bincount(cell, weights=counted["expected"], minlength=len(days)).astype(float)
    errored = sums["errored"]
    p = np.where(errored > 0, gammainc(np.maximum(errored, 1), expected), 1.0)
    return days.assign(**sums, expected=expected), np.where(sums["finished"] > 0, p, np.nan)


def incidents(actions: IntoFrame, by: By = "region", *, max_q: float = 0.05) -> pd.DataFrame:
    """
    List the days on which far more actions of a group failed than were to be expected, the worst first.

    Days that follow each other are one incident. What was expected is in `daily_failures`.

    Source: the upper tail of a Poisson distribution for each group and day, judged together after Benjamini and
    Hochberg, 1995.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
            A `resource` has its newest `resource_name` beside it. No group is of two accounts.
        max_q: the share of false alarms that is accepted among the days that are called incidents.

    Returns:
        One row an incident: `account` first, where the frame has it, and the *by* columns; `first_failure_at`,
        `last_failure_at` (datetime64[s, UTC], their starts); `actions` that started on those days, `errored` (int64);
        `expected` (float64 failures); `q` (float64, the smallest of its days); `types`, those that failed and how
        often, most often first; `ids` of what failed (text).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or *max_q* is not between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> days = [f"2021-09-{day:02}T10:00:00Z" for day in range(1, 31)]
        >>> usual = [Record(n, "completed", "resize", day) for n, day in enumerate(days * 9)]
        >>> burst = [Record(n, "errored", "resize", "2021-09-30T11:00:00Z") for n in range(1000, 1009)]
        >>> table = incidents(to_frame([*usual, *burst], observed_at=1633042800), by=())
        >>> table[["actions", "errored", "types"]].values.tolist()
        [[18, 9, 'resize (9)']]
    """
    if not 0 < max_q < 1:
        raise InvalidArgument(f"max_q must be a share between 0 and 1, such as 0.05; got {max_q!r}.")
    keys = within_accounts(actions, by)
    check_names(keys, _FIGURES)
    daily = daily_failures(actions, by)
    bad = daily[daily["q"].le(max_q) & daily["errored"].gt(0)].reset_index(drop=True)
    _, group = number_groups(bad, keys)
    follows = (np.diff(group, prepend=-1) == 0) & (bad["day"].diff().dt.total_seconds() == _DAY_S).to_numpy()
    incident = np.cumsum(~follows) - 1
    named = list(bad.columns[: list(bad.columns).index("day")])  # the keys, and the names of resources
    table = bad[named].iloc[np.flatnonzero(~follows)].reset_index(drop=True)
    sums = bad[["actions", "errored", "expected"]].groupby(incident).sum().astype({"expected": "float64"})
    q = bad["q"].groupby(incident).min()
    table = table.assign(**sums, q=q, **_failed(_failures_of(actions, keys, bad.assign(incident=incident)), len(table)))
    excess = (table["errored"] - table["expected"]).to_numpy(dtype=float)
    worst_first = np.argsort(-excess, kind="stable")
    return table.iloc[worst_first].reset_index(drop=True)[[*named, *_FIGURES]]


def _expected(counted: pd.DataFrame, finished: pd.Series[int]) -> NDArray[np.float64]:
    """Return for each type, group and day the failures expected there, from all others of the type in its account."""
    types, code = number_groups(counted, [*(name for name in (ACCOUNT,) if name in counted), "type"])
    errored_elsewhere, finished_elsewhere = (
        np.bincount(code, weights=counts, minlength=len(types))[code] - counts.to_numpy()
        for counts in (counted["errored"], finished)
    )
    expected: NDArray[np.float64] = finished.to_numpy() * (errored_elsewhere + 0.5) / (finished_elsewhere + 1)
    return expected


def _failures_of(actions: IntoFrame, keys: list[str], bad: pd.DataFrame) -> pd.DataFrame:
    """Return the actions that failed in incidents, oldest first, with the number of each one's incident."""
    columns = list(dict.fromkeys([*keys, "type", "id"]))
    is_errored = nw.col("outcome") == OUTCOMES.index("errored")
    start = unix_seconds("started_at").alias("start")
    frame = timed(actions, columns).filter(is_errored, ~unix_seconds("started_at").is_null()).select(*columns, start)
    failed = to_pandas(frame).astype({"id": "int64", "start": "int64"})
    failed = failed.assign(day=failed["start"] // _DAY_S)
    days = bad[[*keys, "incident"]].assign(day=bad["day"].astype("int64") // _DAY_S)
    return failed.merge(days, on=[*keys, "day"]).sort_values(["start", "id"], ignore_index=True)


def _failed(failed: pd.DataFrame, count: int) -> dict[str, Any]:
    """Return what the failures of each incident tell."""
    places = failed.groupby("incident").indices
    by_incident = [failed.iloc[places[number]] for number in range(count)]
    return {
        "first_failure_at": from_unix_seconds(pd.Series([rows["start"].min() for rows in by_incident], dtype="Int64")),
        "last_failure_at": from_unix_seconds(pd.Series([rows["start"].max() for rows in by_incident], dtype="Int64")),
        "types": pd.Series([_types(rows["type"]) for rows in by_incident], dtype=str),
        "ids": pd.Series([", ".join(map(str, rows["id"])) for rows in by_incident], dtype=str),
    }


def _types(types: pd.Series[Any]) -> str:
    words = types.astype(object).where(types.notna(), "(none)")
    counts = sorted(words.value_counts().items(), key=lambda each: (-each[1], str(each[0])))
    return ", ".join(f"{word} ({count:,})" for word, count in counts)
