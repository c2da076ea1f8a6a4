"""
Design effects of days at some seconds of each group, out of a tally by day, or counted where the rows are.

Nearly every duration of a group occurs on few days only, so that a tally by day is nearly as long as the rows: of a
hundred million actions by type, three million rows. Where groups are few, an engine with SQL and Polars can count for
each group and day how many are below the percentiles, which must be known before: a second look at the rows, of which
only days come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.design_effect import design_effect_of_days, quantile_design_effect
from doaudit.analysis.engines import evaluates_cases, to_pandas
from doaudit.analysis.groups import key_columns, number_groups
from doaudit.analysis.percentiles import daily_durations
from doaudit.analysis.tally import OUTCOMES, add_day, tally, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows
    from doaudit.analysis.groups import By

    Figures = NDArray[np.float64]

__all__ = ["DesignEffects", "tally_with_effects"]

_FEW_GROUPS = 64  # each is a case of an expression
_LARGEST = 2**53  # seconds; no action takes so long
_COMPLETED, _OPEN = OUTCOMES.index("completed"), OUTCOMES.index("open")

DesignEffects: TypeAlias = "Callable[[Sequence[Figures]], list[Figures]]"
"""Returns for each list of seconds, one a group, the design effect of the share that takes no longer."""


def tally_with_effects(actions: IntoFrame, by: By, *, of: str) -> tuple[pd.DataFrame, DesignEffects]:
    """
    Count the actions of each group, outcome and duration, and return what tells design effects at some of these.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by.
        of: 'completed', or 'ended' for all that are not open.

    Returns:
        A tally by at least these columns (see `doaudit.analysis.tally`), and the function.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", "resize", f"2021-09-{n}T10:00:00Z", f"2021-09-{n}T10:00:0{n // 15}Z")
        ...          for n in (10, 11, 20, 21)]
        >>> counted, effects = tally_with_effects(to_frame(taken, observed_at=1632996000), "type", of="completed")
        >>> [effect.round(2).tolist() for effect in effects([np.array([0.0])])]
        [[1.33]]
    """
    keys = key_columns(by)
    rows = timed(actions, keys)
    if evaluates_cases(rows) and len(to_pandas(rows.select(*keys).unique().head(_FEW_GROUPS + 1))) <= _FEW_GROUPS:
        counted = tally(actions, by)
        groups, _ = number_groups(counted, keys)
        is_wanted = nw.col("outcome") == _COMPLETED if of == "completed" else nw.col("outcome") != _OPEN
        wanted = add_day(rows, keys).filter(is_wanted, nw.col("seconds") >= 0)
        return counted, lambda limits: _effects_in_engine(wanted, groups, limits)
    counted = tally(actions, by, by_day=True)
    daily = daily_durations(counted, by, of=of)
    return counted, lambda limits: [quantile_design_effect(daily, limit) for limit in limits]


def _effects_in_engine(rows: Rows, groups: pd.DataFrame, limits: Sequence[Figures]) -> list[Figures]:
    """Count how many of each group and day take no longer than its limits, and compute the design effects."""
    keys = list(groups.columns)
    names = [f"within_limit_{at}" for at in range(len(limits))]
    within = {
        name: nw.when(nw.col("seconds") <= _limit_of_row(groups, limit)).then(nw.lit(1)).otherwise(nw.lit(0))
        for name, limit in zip(names, limits, strict=True)
    }
    counted = rows.with_columns(**within).group_by([*keys, "day"], drop_null_keys=False)
    days = to_pandas(counted.agg(*(nw.col(name).sum() for name in names), actions=nw.len()))
    # Each group comes once, in its order, before those of the days.
    group = number_groups(pd.concat([groups, days[keys]], ignore_index=True), keys)[1][len(groups) :]
    n = days["actions"].to_numpy(dtype=float)
    return [design_effect_of_days(group, days[name].to_numpy(dtype=float), n, groups=len(groups)) for name in names]


def _limit_of_row(groups: pd.DataFrame, limit: Figures) -> nw.Expr:
    """Return the expression for the limit of the group that a row is in, in whole seconds; -1 where it has none."""
    whole = np.floor(np.clip(np.nan_to_num(limit, nan=-1.0, posinf=_LARGEST), -1, _LARGEST)).astype(np.int64)
    expression = nw.lit(int(whole[-1])) if len(whole) else nw.lit(-1)
    for at in range(len(whole) - 1):
        is_group = nw.lit(True)
        for name in groups.columns:
            value = groups[name].iloc[at]
            is_group &= nw.col(name).is_null() if pd.isna(value) else nw.col(name) == value
        expression = nw.when(is_group).then(nw.lit(int(whole[at]))).otherwise(expression)
    return expression
