"""A finding, and the evidence that rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from doaudit.analysis.incidents import incidents
from doaudit.analysis.resource_rows import last_observed, resource_rows
from doaudit.analysis.tally import OUTCOMES
from doaudit.resources import DROPLET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from narwhals.typing import IntoFrame
    from pandas.api.typing import NaTType

    Moment = pd.Timestamp | NaTType

__all__ = ["SEVERITIES", "Evidence", "Finding", "Severity", "each_row", "joined_ids", "label", "moment", "until"]

Severity = Literal["know", "look", "act now"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Every severity, the worst last."""

_DAY_S = 86_400
_DROPLET_TYPES = ("create", "destroy", "snapshot", "backup")


@dataclass(frozen=True)
class Finding:
    """
    Something that the actions show.

    Attributes:
        severity: 'act now' for what goes wrong now, 'look' for what is unusual, 'know' for what is good to know.
        kind: what it is, in a few words; each rule has its own.
        group: what it is about: a type, a region, a resource.
        since: when it began; NaT where that is not known.
        sentence: what was found, in plain words.
        call: the call that shows more.
        ids: of the actions.
    """

    severity: Severity
    kind: str
    group: str
    since: Moment
    sentence: str
    call: str
    ids: str = ""


@dataclass(frozen=True)
class Evidence:
    """
    Evidence that rules look at: the actions, and what is read off them once.

    Attributes:
        actions: an actions frame of any engine.
        droplets: what `account.droplets()` returns; None if it was not asked.
        zone: the time zone of business hours.
        hours: the hours between which people work, from Monday to Friday.
    """

    actions: IntoFrame
    droplets: pd.DataFrame | None
    zone: ZoneInfo
    hours: tuple[int, int]

    @cached_property
    def now(self) -> Moment:
        """The newest `observed_at` of the actions; NaT if there are none."""
        return last_observed(self.actions)

    @cached_property
    def droplet_rows(self) -> pd.DataFrame:
        """The completed actions that create, destroy and back up droplets, each droplet's by their ends."""
        rows = resource_rows(self.actions, DROPLET, _DROPLET_TYPES)
        return rows[rows["outcome"] == OUTCOMES.index("completed")].reset_index(drop=True)

    @cached_property
    def incidents(self) -> pd.DataFrame:
        """The incidents by region."""
        return incidents(self.actions, by="region")

    @cached_property
    def now_s(self) -> int:
        """The newest `observed_at` in seconds since 1970; 0 if there are no actions."""
        return 0 if pd.isna(self.now) else int(self.now.timestamp())

    def is_within(self, moment: pd.Timestamp, days: float) -> bool:
        """Return whether a moment lies within the last days."""
        return self.now_s - moment.timestamp() <= days * _DAY_S

    def is_off_hours(self, moment: pd.Timestamp) -> bool:
        """Return whether a moment lies outside business hours."""
        local = moment.tz_convert(self.zone)
        first, last = self.hours
        return local.weekday() >= 5 or not first <= local.hour < last  # noqa: PLR2004 -- Saturday


def label(name: object, key: object) -> str:
    """
    Return the name of a resource, or its key where it has none.

    Example:
        >>> label(None, "droplet:7"), label("web-01", "droplet:8")
        ('droplet:7', 'web-01')
    """
    return next((str(text) for text in (name, key) if isinstance(text, str)), "(none)")


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """
    Iterate over the rows of a table, whose columns are attributes.

    Example:
        >>> [row.id for row in each_row(pd.DataFrame({"id": [7, 8]}))]
        [7, 8]
    """
    return table.itertuples(index=False)


def moment(seconds: float) -> pd.Timestamp:
    """
    Make a moment in UTC of seconds since 1970.

    Example:
        >>> moment(60).isoformat()
        '1970-01-01T00:01:00+00:00'
    """
    return pd.Timestamp(int(seconds), unit="s", tz="UTC").as_unit("s")


def until(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """
    Write the end of a period, with its day if it is not that of the beginning.

    Example:
        >>> until(moment(0), moment(90)), until(moment(0), moment(90_000))
        ('00:01', '1970-01-02 01:00')
    """
    return f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"


def joined_ids(ids: Iterable[int]) -> str:
    """
    Join ids as tables have them.

    Example:
        >>> joined_ids([7, 8])
        '7, 8'
    """
    return ", ".join(str(int(each)) for each in ids)
