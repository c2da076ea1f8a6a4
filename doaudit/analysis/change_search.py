"""The search for changes: which groups have one, and the actions in which it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.change_points import find_splits
from doaudit.analysis.change_scores import failure_scores, rank_scores
from doaudit.analysis.groups import number_groups
from doaudit.analysis.incidents import failures_by_day
from doaudit.analysis.significance import benjamini_hochberg
from doaudit.analysis.tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.change_points import Splits

    Counts = NDArray[np.int64]

__all__ = ["DURATION", "FAILURE_RATE", "Change", "find_changes"]

DURATION, FAILURE_RATE = "duration", "failure rate"
_PLACE = ("region", "type", "resource")  # of incidents, and with what an action is compared
_INCIDENT_Q = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """
    A change that was found.

    Attributes:
        group: the position of its group among the keys.
        what: `DURATION` or `FAILURE_RATE`.
        q: the share of false ones among the changes with such a q or a smaller one.
        z: the difference in standard deviations, above 0 if there is more since.
        since: the first day of the change, in days since 1970.
        since_low: the first day on which it may have begun.
        since_high: the last day on which it may have begun.
        is_gradual: true if it is a steady rise or fall rather than a step.
        deff: the design effect of days.
        rows: the actions it was found in: `day`, `actions`, `is_after`, and `block` and `seconds`, or `errored`.
    """

    group: int
    what: str
    q: float
    z: float
    since: int
    since_low: int
    since_high: int
    is_gradual: bool
    deff: float
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """Tests of one figure: the rows with the number of their group, and the position of each group among the keys."""

    what: str
    rows: pd.DataFrame
    groups: Counts
    splits: Splits

    def change(self, number: int, q: float) -> Change:
        """Return the change of the group with this number."""
        splits, since = self.splits, int(self.splits.since[number])
        rows = self.rows[(self.rows["group"] == number).to_numpy()].drop(columns="group").reset_index(drop=True)
        return Change(
            group=int(self.groups[number]),
            what=self.what,
            q=q,
            z=float(splits.z[number]),
            since=since,
            since_low=int(splits.since_low[number]),
            since_high=int(splits.since_high[number]),
            is_gradual=bool(splits.is_gradual[number]),
            deff=float(splits.deff[number]),
            rows=rows.assign(is_after=rows["day"] >= since),
        )


def find_changes(actions: IntoFrame, keys: list[str], max_q: float) -> tuple[pd.DataFrame, list[Change]]:
    """
    Find the groups whose durations or failure rate are different since some day: the keys of all groups, and changes.

    What got worse comes first, and of that the surest. The keys are to tell accounts apart (see
    `doaudit.analysis.account_keys.within_accounts`).

    Raises:
        InvalidArgument: the frame does not have one of the columns, or it holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> find_changes(to_frame([Record(1, "errored", "resize")], observed_at=1632996000), ["type"], 0.05)[1]
        []
    """
    counted = tally(actions, list(dict.fromkeys([*keys, *_PLACE])), by_day=True)
    counted = _without_incidents(counted[counted["day"].notna()].reset_index(drop=True), actions)
    groups, group = number_groups(counted, keys)
    rows = (
        counted[["day", "type", "resource", "outcome", "seconds", "actions"]]
        .assign(group=group)
        .astype({"day": "int64"})
    )
    tests = [*_test_durations(rows), *_test_failures(rows)]
    all_q = benjamini_hochberg(np.concatenate([np.empty(0), *(test.splits.p for test in tests)]))
    found: list[Change] = []
    for test in tests:
        q, all_q = all_q[: len(test.groups)], all_q[len(test.groups) :]
        found += [test.change(number, float(q[number])) for number in np.flatnonzero(q <= max_q).tolist()]
    return groups, sorted(found, key=lambda change: (change.z < 0, change.q, -abs(change.z), change.group))


def _without_incidents(counted: pd.DataFrame, actions: IntoFrame) -> pd.DataFrame:
    """Leave out the days of regions that are incidents: those are told elsewhere, and are over."""
    accounts = account_keys(actions)
    daily, p = failures_by_day(actions, [*accounts, "region"])
    # Each account's days are judged alone, so that what is left of it does not depend on the others.
    _, account = number_groups(daily, accounts)
    q = np.full(len(daily), np.nan)
    for number in np.unique(account):
        q[account == number] = benjamini_hochberg(p[account == number])
    bad = daily[(q <= _INCIDENT_Q) & (daily["errored"] > 0)]
    if bad.empty:
        return counted
    place = [*accounts, "region", "day"]
    cells = bad[place].astype({"day": "Int64"}).assign(is_incident=True)
    joined = counted[place].merge(cells, on=place, how="left")
    return counted[joined["is_incident"].isna().to_numpy()].reset_index(drop=True)


def _test_durations(rows: pd.DataFrame) -> Iterator[_Tests]:
    """Test the durations of completed actions that are not the only ones of their type on their resource."""
    is_known = (rows["outcome"] == "completed") & rows["seconds"].notna() & rows["resource"].notna()
    known = rows[is_known.to_numpy()].reset_index(drop=True)
    _, block = number_groups(known, ["group", "type", "resource"])
    is_compared = (np.bincount(block, known["actions"]) > 1)[block]
    compared = known[is_compared].reset_index(drop=True)
    if compared.empty:
        return
    groups, group = np.unique(compared["group"], return_inverse=True)
    _, block = np.unique(block[is_compared], return_inverse=True)
    seconds = compared["seconds"].to_numpy(dtype=float)
    compared = compared[["day", "actions"]].assign(group=group, block=block, seconds=seconds)
    scores = rank_scores(*(compared[name].to_numpy() for name in ("group", "block", "day", "seconds", "actions")))
    yield _Tests(DURATION, compared, groups, find_splits(scores))


def _test_failures(rows: pd.DataFrame) -> Iterator[_Tests]:
    """Test the failure rates of finished actions."""
    finished = rows[rows["outcome"].isin(["completed", "errored"]).to_numpy()].reset_index(drop=True)
    if finished.empty:
        return
    days, cell = number_groups(finished, ["group", "day"])
    actions = np.bincount(cell, finished["actions"]).astype(np.int64)
    errored = np.bincount(cell, finished["actions"] * (finished["outcome"] == "errored")).astype(np.int64)
    groups, group = np.unique(days["group"], return_inverse=True)
    days = days[["day"]].assign(group=group, actions=actions, errored=errored)
    scores = failure_scores(group, days["day"].to_numpy(), errored, actions)
    yield _Tests(FAILURE_RATE, days, groups, find_splits(scores))
