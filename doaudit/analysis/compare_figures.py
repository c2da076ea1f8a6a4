"""Figures of two periods by group: counts, failure rates and durations, with the tests of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.analysis.intervals import ratio, ratio_interval
from doaudit.analysis.tally import OUTCOMES
from doaudit.analysis.two_samples import (
    day_deff,
    difference_p,
    log_rank,
    median_interval,
    newcombe,
    welch_of_ranks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]

__all__ = ["counts_of_periods", "durations_of_periods", "rates_of_periods", "rows_of_periods"]

_COMPLETED, _ERRORED, _OPEN = (OUTCOMES.index(name) for name in ("completed", "errored", "open"))
_NO_DAY, _UNTIMED = -1, -1


def rows_of_periods(counted: pd.DataFrame, group: NDArray[np.int64]) -> pd.DataFrame:
    """
    Return counts of two periods as whole numbers: `group`, `cell` (two a group), `is_after` and those of the tally.

    Example:
        >>> counted = pd.DataFrame({"is_after": [True], "day": [None], "seconds": [None], "actions": [3]})
        >>> counted["outcome"] = pd.Categorical(["open"], categories=OUTCOMES)
        >>> rows_of_periods(counted, np.array([4])).to_dict("records")
        [{'group': 4, 'cell': 9, 'is_after': 1, 'day': -1, 'outcome': 2, 'seconds': -1, 'actions': 3}]
    """
    is_after = counted["is_after"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "group": group,
            "cell": 2 * group + is_after,
            "is_after": is_after,
            "day": counted["day"].astype("Int64").to_numpy(dtype=np.int64, na_value=_NO_DAY),
            "outcome": counted["outcome"].cat.codes.to_numpy(dtype=np.int64),
            "seconds": counted["seconds"].astype("Int64").to_numpy(dtype=np.int64, na_value=_UNTIMED),
            "actions": counted["actions"].to_numpy(dtype=np.int64),
        }
    )


def counts_of_periods(rows: pd.DataFrame, groups: int) -> dict[str, Any]:
    """
    Count the actions of each group in both periods by outcome, and say in which it is present.

    Example:
        >>> row = {"group": 0, "cell": 1, "is_after": 1, "day": 9, "outcome": 1, "seconds": 60, "actions": 3}
        >>> counts = counts_of_periods(pd.DataFrame([row]), 1)
        >>> counts["presence"].item(), counts["errored_after"].tolist()
        ('new', [3])
    """
    outcome = rows["outcome"]
    chosen = {
        "actions": outcome >= 0,
        "open": outcome == _OPEN,
        "finished": outcome.isin([_COMPLETED, _ERRORED]),
        "errored": outcome == _ERRORED,
    }
    counts: dict[str, Any] = {}
    for name, is_chosen in chosen.items():
        both = np.bincount(rows["cell"], rows["actions"] * is_chosen, 2 * groups).astype(np.int64).reshape(groups, 2)
        counts |= {f"{name}_before": both[:, 0], f"{name}_after": both[:, 1]}
    is_gone = np.where(counts["actions_after"] == 0, "vanished", "both")
    presence = np.where(counts["actions_before"] == 0, "new", is_gone)
    return {"presence": pd.Series(presence.tolist(), dtype=str), **counts}


def rates_of_periods(rows: pd.DataFrame, groups: int) -> dict[str, Figures]:
    """
    Compute the failure rates of each group in both periods, their difference with its interval, and `p_rate`.

    Example:
        >>> row = {"group": 0, "cell": 1, "is_after": 1, "day": 9, "outcome": 1, "seconds": 60, "actions": 3}
        >>> rates_of_periods(pd.DataFrame([row]), 1)["rate_after"].tolist()
        [1.0]
    """
    finished = rows[rows["outcome"].isin([_COMPLETED, _ERRORED])]
    cell, day, actions = (finished[name].to_numpy() for name in ("cell", "day", "actions"))
    errored = actions * (finished["outcome"] == _ERRORED).to_numpy()
    deff = np.fmax(day_deff(cell, day, errored, actions - errored, 2 * groups), 1.0)
    k = (np.bincount(cell, errored, 2 * groups) / deff).reshape(groups, 2)
    n = (np.bincount(cell, actions, 2 * groups) / deff).reshape(groups, 2)
    rates, (change, low, high) = ratio(k, n), newcombe(k, n)
    return {
        "rate_before": rates[:, 0],
        "rate_after": rates[:, 1],
        "rate_change": change,
        "rate_change_low": low,
        "rate_change_high": high,
        "p_rate": difference_p(k, n),
    }


def durations_of_periods(rows: pd.DataFrame, groups: int) -> dict[str, Figures]:
    """
    Compute the median durations of completed actions in both periods, their ratio, and the tests of durations.

    `t_duration` and `z_tail` are above 0 if durations, or the longest with those still open, are longer afterwards.

    Example:
        >>> row = {"group": 0, "cell": 1, "is_after": 1, "day": 9, "outcome": 0, "seconds": 60, "actions": 3}
        >>> durations_of_periods(pd.DataFrame([row]), 1)["p50_after_s"].tolist()
        [60.0]
    """
    timed = rows[rows["seconds"] >= 0]
    completed = timed[timed["outcome"] == _COMPLETED]
    cell, day, seconds, actions = (completed[name].to_numpy() for name in ("cell", "day", "seconds", "actions"))
    limits = median_interval(cell, day, seconds.astype(float), actions, 2 * groups)
    (before, after), names = np.moveaxis(np.reshape(limits, (3, groups, 2)), 2, 0), ("", "_low", "_high")
    low, high = ratio_interval((after[0], after[1], after[2]), (before[0], before[1], before[2]))
    endless = np.where(after[0] > 0, np.inf, np.nan)
    return {
        **{f"p50_before{name}_s": limit for name, limit in zip(names, before, strict=True)},
        **{f"p50_after{name}_s": limit for name, limit in zip(names, after, strict=True)},
        "ratio": np.where(before[0] == 0, endless, ratio(after[0], before[0])),
        "ratio_low": low,
        "ratio_high": high,
        **_test_ranks(completed, groups),
        **_test_tail(timed, groups),
    }


def _test_ranks(completed: pd.DataFrame, groups: int) -> dict[str, Figures]:
    present, group = np.unique(completed["group"], return_inverse=True)
    t, p = np.full((2, groups), np.nan)
    if len(present):
        is_after, day, seconds, count = (
            completed[name].to_numpy() for name in ("is_after", "day", "seconds", "actions")
        )
        t[present], p[present] = welch_of_ranks(group, is_after, day, seconds.astype(float), count)
    return {"t_duration": t, "p_duration": p}


def _test_tail(timed: pd.DataFrame, groups: int) -> dict[str, Figures]:
    present, group = np.unique(timed["group"], return_inverse=True)
    z, p = np.full((2, groups), np.nan)
    if len(present):
        is_after, day, seconds, count = (timed[name].to_numpy() for name in ("is_after", "day", "seconds", "actions"))
        completed = count * (timed["outcome"] == _COMPLETED).to_numpy()
        z[present], p[present] = log_rank(group, is_after, day, seconds.astype(float), completed, count - completed)
    return {"z_tail": z, "p_tail": p}
