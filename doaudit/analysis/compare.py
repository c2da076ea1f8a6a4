"""Comparison of two periods: how often actions fail and how long they take, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.analysis.compare_figures import (
    counts_of_periods,
    durations_of_periods,
    rates_of_periods,
    rows_of_periods,
)
from doaudit.analysis.compare_sentences import compare_sentence
from doaudit.analysis.groups import By, check_names, group_labels, key_columns, number_groups, with_keys
from doaudit.analysis.periods import count_periods
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.significance import benjamini_hochberg

if TYPE_CHECKING:
    from datetime import timedelta

    from narwhals.typing import IntoFrame

    from doaudit.since import Since

__all__ = ["compare"]

_TESTS = ("rate", "duration", "tail")
_FIGURES = (
    "presence", "actions_before", "actions_after", "open_before", "open_after", "finished_before", "finished_after",
    "errored_before", "errored_after", "rate_before", "rate_after", "rate_change", "rate_change_low",
    "rate_change_high", "p50_before_s", "p50_before_low_s", "p50_before_high_s", "p50_after_s", "p50_after_low_s",
    "p50_after_high_s", "ratio", "ratio_low", "ratio_high", "q_rate", "q_duration", "q_tail", "q", "tests", "sentence",
)  # fmt: skip
_MOST_Q = 0.05


def compare(
    actions: IntoFrame,
    after: IntoFrame | None = None,
    by: By = "type",
    *,
    at: Since | None = None,
    last: str | timedelta | None = None,
) -> pd.DataFrame:
    """
    Compare how often actions fail and how long they take in two periods, what got worse first.

    Two frames are compared as they are. Of one frame it is what started before *at* and what did not, or the *last*
    days and as many before them, counted back from the newest `observed_at`; with neither, the last 30 days. A period
    holds what starts in it: its first second is included, and the first one after it is not. Accounts that were read at
    different times are compared in the same periods, and apart with `by=["account", "type"]`.

    Three things are tested in each group that has five actions in both periods: failure rates, durations of completed
    actions, and, since a few that hardly end leave a median as it is, the longest durations with what is still open.
    Actions of one day are not taken for independent. The periods are taken as they are, so that another fleet, or an
    incident, is a difference; `changes` compares like with like.

    Source: Newcombe, 1998, for rates, on as many actions as the design effect of days leaves; Welch, 1947, on the sums
    of ranks of days, and the log-rank test of Mantel, 1966, for durations; the ratio of medians by the method of Donner
    and Zou, 2012, from order statistics. See `doaudit.analysis.two_samples`. All tests are judged together after
    Benjamini and Hochberg, 1995.

    Args:
        actions: an actions frame of any engine that narwhals reads; the earlier one if *after* is given.
        after: the later one.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        at: the moment at which the later period begins: "2026-06-01", "30d" ago, a date, or a time with a zone.
        last: how long each period is: "30d", "12h", "8w" or a timedelta.

    Returns:
        One row a group: the *by* columns; `presence` ("both", "new" or "vanished"); `actions_before`, `actions_after`
        and likewise `open_`, `finished_` (completed or errored), `errored_` (int64); the failure rates `rate_before`,
        `rate_after`, their difference `rate_change` and its interval `rate_change_low`, `rate_change_high`; the medians
        `p50_before_s`, `p50_after_s` of completed actions with intervals `p50_before_low_s`, `p50_before_high_s` and so
        on (seconds); `ratio` of the medians, `ratio_low`, `ratio_high` (float64, NaN where nothing can tell, 95 %);
        `q_rate`, `q_duration`, `q_tail` of the tests and the smallest of them, `q` (float64, NaN if not tested);
        `tests`, how many were made (int64, the same in each row); `sentence`.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have; more than one of *after*, *at* and *last* is
            given, or one cannot be understood; a period that was asked for holds no action.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> days = [f"2021-{month}-{day:02}T10:00:00Z" for month in ("08", "09") for day in range(1, 31)]
        >>> ends = [f"{day[:14]}{2 if day < '2021-09' else 4}{n % 5}:00Z" for n, day in enumerate(days)]
        >>> taken = [Record(n, "completed", "resize", *times) for n, times in enumerate(zip(days, ends))]
        >>> compare(to_frame(taken, observed_at=1633042800), at="2021-09-01")["sentence"].item()
        'resize takes 1.91 x as long (1.81 to 2.01): 22 min before, 42 min after'
    """
    keys = key_columns(by)
    check_names(keys, (*_FIGURES, "is_after"))
    counted = count_periods(actions, after, keys, at=at, last=last)
    groups, group = number_groups(counted, keys)
    rows, number = rows_of_periods(counted, group), len(groups)
    figures: dict[str, Any] = {
        **counts_of_periods(rows, number),
        **rates_of_periods(rows, number),
        **durations_of_periods(rows, number),
    }
    q = benjamini_hochberg(np.concatenate([figures[f"p_{name}"] for name in _TESTS])).reshape(len(_TESTS), number)
    figures |= {f"q_{name}": values for name, values in zip(_TESTS, q, strict=True)}
    figures |= {
        "q": np.fmin.reduce(q, axis=0),
        "tests": np.full(number, np.count_nonzero(~np.isnan(q)), dtype=np.int64),
    }
    rows_of = [dict(zip(figures, row, strict=True)) for row in zip(*figures.values(), strict=True)]
    labels = zip(group_labels(groups), rows_of, strict=True)
    figures["sentence"] = pd.Series([compare_sentence(*each) for each in labels], dtype=str)
    differs = q <= _MOST_Q
    is_worse = (differs & [figures[name] > 0 for name in ("rate_change", "t_duration", "z_tail")]).any(axis=0)
    by_q = np.nan_to_num(figures["q"], nan=2.0)
    worst_first = np.lexsort([-figures["actions_after"], by_q, ~differs.any(axis=0), ~is_worse])
    table = with_keys(groups, {name: figures[name] for name in _FIGURES})
    return with_resource_names(table.iloc[worst_first].reset_index(drop=True), actions if after is None else after, by)
