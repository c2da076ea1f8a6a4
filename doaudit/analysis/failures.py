"""Failures: the rate by group with its interval, and the actions that errored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import narwhals as nw
import numpy as np

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows, sort_rows
from doaudit.analysis.daily_counts import DAY_SUMS, outcomes_by_day
from doaudit.analysis.design_effect import design_effect, effective
from doaudit.analysis.engines import quoted
from doaudit.analysis.groups import By, with_keys
from doaudit.analysis.intervals import clopper_pearson, wilson
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.significance import benjamini_hochberg, fisher_greater
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

__all__ = ["failure_rates", "failures", "rates_of_counts"]

Method: TypeAlias = Literal["wilson", "clopper-pearson"]
_INTERVALS = {"wilson": wilson, "clopper-pearson": clopper_pearson}
_COUNTED = ("actions", *OUTCOMES, *DAY_SUMS)


def failure_rates(
    actions: IntoFrame, by: By = "type", *, confidence: float = 0.95, method: Method = "wilson"
) -> pd.DataFrame:
    """
    Compute the share of finished actions that errored, per group, with its interval and a test, worst first.

    Open actions are counted but are no part of the share: they may still succeed. The two last columns say what the
    share would be if all of them did, and if none did.

    Failures that come on the same days say less than as many that are apart. `deff` is the design effect of days; where
    it is above 1, the interval is that of so many fewer actions.

    Of many intervals some miss their true rate by chance, and those stand out. So each group is tested against all
    others together: `q` is the share of false alarms among the groups with such a q or a smaller one.

    The worst group is the one whose rate is surely high: groups are sorted by the lower Clopper-Pearson limit of their
    counts, which for one failure of one is 2.5 %, so that such a group does not lead the list.

    Source: Wilson 1927 and Clopper and Pearson 1934 for the intervals, as in Brown, Cai and DasGupta, Interval
    Estimation for a Binomial Proportion, 2001; see `doaudit.analysis.design_effect` and `doaudit.analysis.significance`
    (Fisher's exact test, Benjamini and Hochberg).

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
            A `resource` has its newest `resource_name` beside it.
        confidence: of the intervals.
        method: "wilson", whose interval is right on average, or "clopper-pearson", whose wider one is right at least as
            often as *confidence* says.

    Returns:
        One row a group: the *by* columns; `actions`, `open`, `unclear` (ended, but with a status that says neither),
        `finished` (completed or errored), `errored` (int64); `failure_rate` and its interval `low`, `high` (float64
        between 0 and 1, NaN without a denominator); `deff` (float64, NaN where nothing can tell); `q` (float64, NaN
        where nothing was tested), `groups_tested` (int64, the same in each row); `rate_if_open_complete`,
        `rate_if_open_fail` (as the rate).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, confidence is not between 0 and 1, or there
            is no such method.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "errored" if n == 1 else "completed", "resize") for n in range(4)]
        >>> failure_rates(to_frame(taken, observed_at=1632996000))[["finished", "failure_rate"]].values.tolist()
        [[4.0, 0.25]]
    """
    if method not in _INTERVALS:
        raise InvalidArgument(f"The interval of a rate is one of {quoted(_INTERVALS)}; got {method!r}.")
    table = rates_of_counts(outcomes_by_day(actions, by), confidence=confidence, method=method)
    return with_resource_names(table, actions, by)


def rates_of_counts(counts: pd.DataFrame, *, confidence: float = 0.95, method: Method = "wilson") -> pd.DataFrame:
    """
    Compute the table of `failure_rates`, without names of resources, from what `outcomes_by_day` returns.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(n, "errored", "resize") for n in range(4)], observed_at=1632996000)
        >>> rates_of_counts(outcomes_by_day(actions, "type"))["failure_rate"].tolist()
        [1.0]
    """
    errored, running = counts["errored"], counts["open"]
    finished = counts["completed"] + errored
    deff = design_effect(counts)
    low, high = _INTERVALS[method](effective(errored, deff), effective(finished, deff), confidence)
    p = fisher_greater(errored, finished)
    finished_or_null = finished.where(finished > 0)
    finished_at_last = (finished + running).where(finished + running > 0)
    table = with_keys(
        counts.drop(columns=[name for name in counts if name in _COUNTED]),
        {
            "actions": counts["actions"],
            "open": running,
            "unclear": counts["unclear"],
            "finished": finished,
            "errored": errored,
            "failure_rate": errored / finished_or_null,
            "low": low,
            "high": high,
            "deff": deff,
            "q": benjamini_hochberg(p),
            "groups_tested": np.full(len(p), np.count_nonzero(~np.isnan(p)), dtype=np.int64),
            "rate_if_open_complete": errored / finished_at_last,
            "rate_if_open_fail": (errored + running) / finished_at_last,
        },
    )
    surely_above, _ = clopper_pearson(errored, finished, confidence)
    worst_first = np.lexsort([-table["actions"].to_numpy(), -table["failure_rate"].to_numpy(), -surely_above])
    return table.iloc[worst_first].reset_index(drop=True)


def failures(actions: IntoFrame) -> pd.DataFrame:
    """
    List the actions that errored, newest first.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        One row each: `account` first, where the frame has it; `id`, `type`, `resource_type`, `resource`,
        `resource_name`, `region`, `started_at`, `completed_at`, `duration_s` (float64 seconds, NaN if untimed).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> failed = Record(131781197, "errored", "snapshot", "2016-08-12T09:21:48Z", "2016-08-12T09:21:51Z")
        >>> failures(to_frame([failed], observed_at=1470993720))[["id", "duration_s"]].values.tolist()
        [[131781197.0, 3.0]]
    """
    columns = [*account_keys(actions), *ACTION_COLUMNS, "completed_at"]
    errored = timed(actions, columns).filter(nw.col("outcome") == OUTCOMES.index("errored"))
    table = action_rows(errored, columns, seconds="duration_s")
    newest_first = ["started_at", "id"]
    return sort_rows(table, newest_first, falling=newest_first)
