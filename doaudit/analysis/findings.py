"""Findings: what happened, what changed, what hangs and what has no backup, in plain words, the worst first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT, categorical
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.finding_rules import facts, statistical
from doaudit.analysis.finding_rules.finding import SEVERITIES, Evidence, Finding, call_within, label
from doaudit.errors import InvalidArgument
from doaudit.formatting import count
from doaudit.since import parse_since

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.since import Since

__all__ = ["MOST_IN_SHORT", "concerning", "findings", "in_short"]

MOST_IN_SHORT = 7
"""Sentences that a summary has at most, of those that `in_short` returns."""

_COLUMNS = ("severity", "kind", "group", "since", "sentence", "call", "ids")
_RULES = (*statistical.RULES, *facts.RULES)
_LAST_HOUR = 24
_NOTHING = "nothing unusual"
_CHANGE, _OF_A_TYPE = "change of ", ("failing type",)  # kinds of findings whose group is a type
_LOOKED_FOR = (
    "stuck and slow actions, incidents, changes, droplets that are off, without a backup, destroyed together or "
    "without a backup, failures again and again, new types and regions"
)


def findings(
    actions: IntoFrame,
    droplets: pd.DataFrame | None = None,
    since: Since | None = None,
    *,
    tz: str = "UTC",
    hours: tuple[int, int] = (7, 20),
) -> pd.DataFrame:
    """
    List what the actions show that somebody should know, in plain words, the worst first.

    Rules of two kinds look at them. Statistical ones have the thresholds of their tables: of the incidents, changes and
    failing types that are listed, at most 5 in 100 are false alarms, on average, and of healthy actions fewer than 1 in
    100 is called stuck. Rules of fact say what they count: 5 or more droplets older than a day, or 8 older than six
    hours, destroyed within an hour, droplets destroyed within 30 days without a snapshot or backup of the 7 days
    before, droplets off for a day, no snapshot or backup for 7 days, 3 failures in a row, a type or region that is new
    within 30 days, password resets and changes outside business hours within 30 days, odd rows. See
    `doaudit.analysis.finding_rules`.

    Of many accounts each is judged by its own actions, and of all the worst comes first. Statistical rules count all
    accounts as one family of tests, so that fifty accounts do not make fifty times as many false alarms.

    Args:
        actions: an actions frame of any engine that narwhals reads. Give all, not a selection: what is usual is told by
            the rest.
        droplets: the droplets that exist now, as `account.droplets()` returns them, for those without a backup; of many
            accounts with `account`.
        since: list only what began at that moment or later, or at an unknown one: "30d", a date, or a time with a zone.
            It is counted back from the newest `observed_at` of the account.
        tz: the time zone of business hours, such as "Europe/Berlin".
        hours: the hours between which people work, from Monday to Friday.

    Returns:
        One row a finding: `account` first, where the frame has it (category); `severity` (category: 'act now', 'look',
        'know'), `kind`, `group` (text), `since` (datetime64[s, UTC], NaT if it is not known), `sentence`, which begins
        with the account where there are many, `call` that shows more, `ids` of the actions (text). If there is nothing
        to act on or to look at in any account, a row without `account` says so, and what was looked for.

    Raises:
        InvalidArgument: the frame holds no actions, *droplets* lacks a column, only one of the two has `account`, or
            *since*, *tz* or *hours* cannot be understood.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> start, ends = "2026-03-12T22:00:00Z", [f"2026-03-12T22:00:{n}Z" for n in range(10, 40)]
        >>> taken = [Record(n, "completed", "reboot", start, end, 7, "droplet") for n, end in enumerate(ends)]
        >>> hangs = Record(99, "in-progress", "reboot", "2026-03-12T23:00:00Z", None, 7, "droplet")
        >>> findings(to_frame([*taken, hangs], observed_at=1773370800)).iloc[0][["severity", "sentence"]].tolist()
        ['act now', 'reboot of droplet:7 has not ended: open for 4 h; the longest of 30 like it took 39 s.']
    """
    evidence = Evidence(actions, droplets, _zone(tz), _checked_hours(hours))
    found = [finding for rule in _RULES for finding in rule(evidence)]
    if since is not None:
        earliest = {
            account: pd.Timestamp(parse_since(since, datetime.fromtimestamp(now_s, UTC)))
            for account, now_s in (evidence.now_s or {None: 0}).items()
        }
        found = [each for each in found if pd.isna(each.since) or each.since >= earliest[each.account]]
    is_of_many = bool(account_keys(actions))
    if all(each.severity == "know" for each in found):
        found.insert(0, _nothing_unusual(len(evidence.now_s) if is_of_many else None))
    return _table(found, is_of_many=is_of_many)


def _nothing_unusual(accounts: int | None) -> Finding:
    """Say that there is nothing to act on or to look at, in how many accounts if they are many, and what was sought."""
    where, group = (f" in {count(accounts, 'account')}", "accounts") if accounts is not None else ("", "account")
    sentence = f"There is nothing to act on or to look at{where}. Looked for: {_LOOKED_FOR}."
    return Finding("know", _NOTHING, group, pd.NaT, sentence, "")


def concerning(found: pd.DataFrame, actions: pd.DataFrame, until: datetime | None = None) -> pd.DataFrame:
    """
    Keep the findings that concern some actions: those that name one of them, or their type, or that name neither.

    Args:
        found: what `findings` returns of all actions.
        actions: some of them, in pandas.
        until: leave out what began at that moment or later.

    Returns:
        These rows of it; if there is nothing to act on or to look at, a row says so.

    Example:
        >>> found = {"severity": "look", "kind": ["incident", "incident", "failing type"], "group": ["", "", "resize"]}
        >>> found = pd.DataFrame({**found, "ids": ["7, 8", "9", ""], "since": pd.NaT, "sentence": ""})
        >>> concerning(found, pd.DataFrame({"id": [8], "type": ["reboot"]}))["ids"].tolist()
        ['7, 8']
    """
    keys = [ACCOUNT, "id"] if ACCOUNT in found else ["id"]
    named = found.assign(id=found["ids"].str.split(", ")).explode("id")
    named = named[named["id"] != ""].astype({"id": "int64"})
    # Ids first: of a million actions, few are named.
    of_them = named.index[_occurs(named, actions[actions["id"].isin(named["id"])], keys)]
    about_type = (found["ids"] == "") & (found["kind"].isin(_OF_A_TYPE) | found["kind"].str.startswith(_CHANGE))
    types = actions[[*keys[:-1], "type"]].drop_duplicates().rename(columns={"type": "group"})
    types = types.assign(group=types["group"].astype(object).where(types["group"].notna(), label(None, None)))
    is_kept = ((found["ids"] == "") & ~about_type) | found.index.isin(of_them)
    is_kept |= about_type & _occurs(found, types, [*keys[:-1], "group"])
    if ACCOUNT in found:
        is_kept &= found[ACCOUNT].isna() | found[ACCOUNT].isin(actions[ACCOUNT].unique())
    if until is not None:
        is_kept &= ~(found["since"] >= until)
    kept = found[is_kept].reset_index(drop=True)
    if (kept["severity"] != "know").any() or (kept["kind"] == _NOTHING).any():
        return kept
    number = actions[ACCOUNT].nunique() if ACCOUNT in found else None
    nothing = _table([_nothing_unusual(number)], is_of_many=number is not None)
    return pd.concat([nothing, kept], ignore_index=True)


def _occurs(rows: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> NDArray[np.bool_]:
    """Return for each row whether one of the others has the same keys."""
    have, wanted = (pd.MultiIndex.from_frame(each[keys].astype(object)) for each in (others, rows))
    return wanted.isin(have)


def in_short(found: pd.DataFrame) -> list[tuple[str, str, str]]:
    """
    Return the first finding of each kind, with the number of others and of their accounts, in the order of the table.

    Args:
        found: what `findings` returns.

    Returns:
        The severity, the kind and the sentence of each.

    Example:
        >>> found = {"severity": ["look"] * 2, "kind": ["droplet off"] * 2, "sentence": ["web is off.", "db is off."]}
        >>> in_short(pd.DataFrame(found))
        [('look', 'droplet off', 'web is off. And 1 more.')]
    """
    number = found["kind"].value_counts()
    accounts = found.groupby("kind")[ACCOUNT].nunique() if ACCOUNT in found else dict.fromkeys(number.index, 1)
    first = found.drop_duplicates("kind")
    return [
        (str(severity), str(kind), f"{sentence}{_others(number[kind] - 1, accounts[kind])}")
        for severity, kind, sentence in zip(first["severity"], first["kind"], first["sentence"], strict=True)
    ]


def _others(number: int, accounts: int) -> str:
    """Say how many other findings of a kind there are, and in how many accounts all of them are."""
    if not number:
        return ""
    return f" And {number:,} more." if accounts <= 1 else f" And {number:,} more, in {accounts:,} accounts in all."


def _table(found: list[Finding], *, is_of_many: bool) -> pd.DataFrame:
    """Sort findings, the worst first, those of one severity in the order of the rules and of their tables."""
    columns = {name: [getattr(each, name) for each in found] for name in _COLUMNS}
    columns["call"] = [call_within(each.call, each.account) for each in found]
    if is_of_many:
        accounts = {ACCOUNT: categorical(each.account for each in found)}
        columns["sentence"] = [f"{each.account}: {each.sentence}" if each.account else each.sentence for each in found]
    else:
        accounts = {}
    since = pd.DatetimeIndex(pd.to_datetime(columns["since"], utc=True)).as_unit("s")
    severity = np.array([SEVERITIES.index(each.severity) for each in found], dtype=np.int64)
    table = pd.DataFrame(
        {
            **accounts,
            "severity": pd.Categorical.from_codes(severity, categories=pd.Index(SEVERITIES), ordered=True),
            **{name: pd.Series(columns[name], dtype=str) for name in ("kind", "group")},
            "since": since,
            **{name: pd.Series(columns[name], dtype=str) for name in ("sentence", "call", "ids")},
        }
    )
    return table.iloc[np.argsort(-severity, kind="stable")].reset_index(drop=True)


def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise InvalidArgument(
            f"tz is the name of a time zone, such as 'Europe/Berlin' or 'UTC'; got {tz!r}."
        ) from fault


def _checked_hours(hours: tuple[int, int]) -> tuple[int, int]:
    first, last = hours
    if not 0 <= first < last <= _LAST_HOUR:
        raise InvalidArgument(
            f"hours are the first hour of a working day and the one after its last, such as (7, 20); got {hours!r}."
        )
    return first, last
