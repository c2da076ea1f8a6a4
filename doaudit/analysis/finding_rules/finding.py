"""A finding, and the evidence that rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import newest_by_account
from doaudit.analysis.engines import read_frame
from doaudit.analysis.groups import number_groups
from doaudit.analysis.incidents import incidents
from doaudit.analysis.resource_rows import resource_numbers, resource_rows
from doaudit.analysis.tally import OUTCOMES
from doaudit.resources import DROPLET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from narwhals.typing import IntoFrame
    from pandas.api.typing import NaTType

    Moment = pd.Timestamp | NaTType

__all__ = [
    "SEVERITIES",
    "Evidence",
    "Finding",
    "Severity",
    "account_of",
    "by_account",
    "call_within",
    "each_row",
    "joined_ids",
    "label",
    "moment",
    "until",
]

Severity = Literal["know", "look", "act now"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Every severity, the worst last."""

_DAY_S = 86_400
_DROPLETS, _SELECT = "account.droplets()", "da.select(actions"
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
        sentence: what was found, in plain words, without the account.
        call: the call that shows more, of all accounts.
        ids: of the actions.
        account: the account in which it is, where the actions are of many.
    """

    severity: Severity
    kind: str
    group: str
    since: Moment
    sentence: str
    call: str
    ids: str = ""
    account: str | None = None


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
    def droplet_rows(self) -> pd.DataFrame:
        """The completed actions that create, destroy and back up droplets, each droplet's by their ends; its number."""
        rows = resource_rows(self.actions, DROPLET, _DROPLET_TYPES)
        rows = rows[rows["outcome"] == OUTCOMES.index("completed")].reset_index(drop=True)
        return rows.assign(droplet=resource_numbers(rows))

    @cached_property
    def incidents(self) -> pd.DataFrame:
        """The incidents by region."""
        return incidents(self.actions, by="region")

    @cached_property
    def now_s(self) -> dict[str | None, int]:
        """The newest `observed_at` of each account, in seconds since 1970; 0 if there is none. One account is None."""
        newest = newest_by_account(read_frame(self.actions, account_keys(self.actions)))
        return {account: 0 if pd.isna(seconds) else int(seconds) for account, seconds in newest.items()}

    def is_within(self, moment: pd.Timestamp, days: float, account: str | None) -> bool:
        """Return whether a moment lies within the last days of an account."""
        return self.now_s[account] - moment.timestamp() <= days * _DAY_S

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


def account_of(row: Any) -> str | None:  # noqa: ANN401 -- a row of any table
    """
    Return the account of a row of `each_row`, None where its table has none.

    Example:
        >>> [account_of(row) for row in each_row(pd.DataFrame({"account": ["acme"], "id": [7]}))]
        ['acme']
    """
    account: str | None = getattr(row, ACCOUNT, None)
    return account


def by_account(table: pd.DataFrame) -> list[tuple[str | None, pd.DataFrame]]:
    """
    Return the rows of each account that a table has rows of; a table without `account` is that of one, None.

    Example:
        >>> [(account, len(rows)) for account, rows in by_account(pd.DataFrame({"account": ["b", "a", "b"]}))]
        [('a', 1), ('b', 2)]
    """
    if ACCOUNT not in table:
        return [(None, table)]
    accounts, number = number_groups(table, [ACCOUNT])
    return [(account, table[number == at]) for at, account in enumerate(accounts[ACCOUNT])]


def call_within(call: str, account: str | None) -> str:
    r"""
    Return a call that shows more of one account, out of the one that shows it of all.

    Example:
        >>> call_within('da.incidents(actions, by="region")', "acme")
        'da.incidents(da.select(actions, account=\'acme\'), by="region")'
        >>> call_within('da.select(actions, type="destroy")', "acme")
        'da.select(actions, account=\'acme\', type="destroy")'
        >>> call_within("da.backups(actions, account.droplets())", "acme")
        'da.backups(actions, accounts.droplets()).query("account == \'acme\'")'
    """
    if account is None or not call:
        return call
    if _DROPLETS in call:  # which has a row for each droplet that is given, whatever the actions
        return call.replace(_DROPLETS, "accounts.droplets()") + f".query({f'account == {account!r}'!r})"
    if call.startswith(_SELECT):
        return call.replace(_SELECT, f"{_SELECT}, account={account!r}", 1)
    return call.replace("(actions", f"(da.select(actions, account={account!r})", 1)


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
