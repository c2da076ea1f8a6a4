"""Rates of recovery: of the failures that were tried again, the share that came to work, and after how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import within_accounts
from doaudit.analysis.action_rows import unix_times
from doaudit.analysis.curve_values import quantile
from doaudit.analysis.design_effect import design_effect, effective
from doaudit.analysis.groups import By, check_names, number_groups, with_keys
from doaudit.analysis.intervals import finished_needed, ratio, wilson
from doaudit.analysis.quantile_intervals import quantile_interval
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.retries import CHAIN_FIGURES, CHAIN_OUTCOMES, RETRY_S, chains
from doaudit.analysis.survival import kaplan_meier
from doaudit.analysis.tally import OUTCOMES, lifetimes

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["retry_rates"]

_COUNTED = tuple(outcome.replace(" ", "_") for outcome in CHAIN_OUTCOMES)
_DAY_S = 86_400
_MEDIAN = 0.5


def retry_rates(
    actions: IntoFrame, by: By = "type", *, within_s: float = RETRY_S, confidence: float = 0.95
) -> pd.DataFrame:
    """
    Compute the share of the failures tried again that recovered, per group, with its interval, most failures first.

    A failure that is a retry itself is counted with the first one (see `retries`). Those that were not tried again, or
    are not settled, are counted and are no part of the share. Failures of one day often have one cause, so where they
    end alike on the same days the interval is that of so many fewer failures, as in `failure_rates`.

    Source: Wilson's interval, 1927, on counts over the design effect of days (see `doaudit.analysis.design_effect`);
    the median and its interval from order statistics (see `doaudit.analysis.survival`).

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by, of the first failure; `()` for all as one group. Nulls are a group of
            their own. Groups are within an account: of many accounts, `account` comes before these columns. A
            `resource` has its newest `resource_name` beside it.
        within_s: the longest time from the end of an attempt to the start of the next, in seconds.
        confidence: of the intervals.

    Returns:
        One row for each group in which something failed: `account` first, where the frame has it; the *by* columns;
        `failures`, of which `recovered`,
        `failed_again`, `not_retried`, `open`, `unclear` (int64); `recovery_rate`, the share of recovered ones among
        those that recovered or failed again, and its interval `low`, `high` (float64 between 0 and 1, NaN without a
        denominator); `deff` (float64, NaN where nothing can tell); `p50_recovery_s`, the median time from the first
        failure to the end of the attempt that worked, and its interval `p50_recovery_low_s`, `p50_recovery_high_s`
        (float64 seconds of those that recovered, NaN if these are too few).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, *within_s* is negative, or confidence is not
            between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> times = [("errored", "10:00:00Z", "10:00:03Z"), ("completed", "10:05:00Z", "10:06:00Z")]
        >>> tries = [
        ...     Record(n, status, "snapshot", f"2026-03-12T{start}", f"2026-03-12T{end}", 123, "droplet")
        ...     for n, (status, start, end) in enumerate(times)
        ... ]
        >>> table = retry_rates(to_frame(tries, observed_at=1773354500))
        >>> table[["type", "failures", "recovered", "recovery_rate"]].values.tolist()
        [['snapshot', 1, 1, 1.0]]
    """
    keys = within_accounts(actions, by)
    check_names(keys, CHAIN_FIGURES)
    table = chains(actions, keys, within_s=within_s)
    groups, group = number_groups(table, keys)
    outcome = table["outcome"].cat.codes.to_numpy()
    counts = {name: np.bincount(group[outcome == code], minlength=len(groups)) for code, name in enumerate(_COUNTED)}
    recovered, settled = counts["recovered"], counts["recovered"] + counts["failed_again"]
    deff = _design_effect(table, group, len(groups))
    low, high = wilson(effective(pd.Series(recovered), deff), effective(pd.Series(settled), deff), confidence)
    figures = {
        "failures": np.bincount(group, minlength=len(groups)),
        **counts,
        "recovery_rate": ratio(recovered, settled),
        "low": low,
        "high": high,
        "deff": deff,
        **_recovery_times(table, keys, confidence),
    }
    rates = with_keys(groups, figures).sort_values("failures", ascending=False, kind="stable", ignore_index=True)
    return with_resource_names(rates, actions, keys)


def _design_effect(table: pd.DataFrame, group: Counts, groups: int) -> Figures:
    """Return the design effect of each group's recovery rate, with the days of the first failures as clusters."""
    recovered = table["outcome"].eq("recovered").to_numpy()
    settled = recovered | table["outcome"].eq("failed again").to_numpy()
    day = (unix_times(table["first_failure_at"]) // _DAY_S).to_numpy()
    cells = pd.DataFrame({"group": group, "day": day})[settled]
    cells, cell = number_groups(cells, ["group", "day"])
    k = np.bincount(cell, weights=recovered[settled], minlength=len(cells))
    n = np.bincount(cell, minlength=len(cells)).astype(float)
    of_day = {
        "errored": k, "completed": n - k, "days": np.ones(len(n)),
        "errored_squared": k * k, "errored_finished": k * n, "finished_squared": n * n,
    }  # fmt: skip
    where = cells["group"].to_numpy(dtype="int64")
    return design_effect(
        pd.DataFrame({name: np.bincount(where, weights=sums, minlength=groups) for name, sums in of_day.items()})
    )


def _recovery_times(table: pd.DataFrame, keys: list[str], confidence: float) -> dict[str, Figures]:
    """Return the median of each group's times to recovery, and its interval; NaN where there are too few."""
    taken = table["recovery_s"].round().astype("Int64")
    counted = table[keys].assign(
        outcome=pd.Categorical(["completed"] * len(table), categories=OUTCOMES), seconds=taken, actions=1
    )
    times = lifetimes(counted, keys)
    curves = kaplan_meier(times.group, times.seconds, times.ended, times.running, groups=len(times.keys))
    too_few = curves.ended < finished_needed(_MEDIAN, confidence)
    median = (quantile(curves, _MEDIAN), *quantile_interval(curves, _MEDIAN, confidence, np.ones(len(times.keys))))
    names = ("p50_recovery_s", "p50_recovery_low_s", "p50_recovery_high_s")
    return {name: np.where(too_few, np.nan, figures) for name, figures in zip(names, median, strict=True)}
