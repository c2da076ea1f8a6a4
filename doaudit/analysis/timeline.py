"""Timeline: every action of a resource, oldest first, with its begin, its end and how it ended."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows
from doaudit.analysis.engines import quoted, to_pandas
from doaudit.analysis.groups import ranks
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame

    from doaudit.analysis.engines import Rows

__all__ = ["timeline"]

_ABOUT = ["id", "type", "resource_type", "resource", "resource_name", "region"]


def timeline(actions: IntoFrame, resource: str | Sequence[str] | None = None) -> pd.DataFrame:
    """
    List every action of one resource, of several or of all, oldest first; of many accounts, account by account.

    A resource is asked for by its key or by a name. A name may have belonged to several resources, one after the other,
    and both a name and a key may be in several accounts: then all of them are listed. Actions without a resource are
    left out.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        resource: a key such as "droplet:3164450", a name such as "web-01", or a list of them; by default all resources.

    Returns:
        One row an action: `account` first, where the frame has it; `id`, `type`, `resource_type`, `resource`,
        `resource_name`, `region`; `start`, `end` (datetime64[s, UTC]; no end while it is open, or where it is before
        the start); `duration_s` (float64 seconds, NaN without a start or an end); `outcome` (category: completed,
        errored, open or unclear). Those without a start come last.

    Raises:
        InvalidArgument: there is no such resource (the message names close ones), none is named, or the frame holds no
            actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> times = ("2026-03-12T22:27:07Z", "2026-03-12T22:27:14Z")
        >>> power_off = Record(7, "completed", "power_off", *times, 5, "droplet")
        >>> table = timeline(to_frame([power_off], observed_at=1773354500), "droplet:5")
        >>> table[["type", "duration_s", "outcome"]].values.tolist()
        [['power_off', 7.0, 'completed']]
    """
    accounts = account_keys(actions)
    columns = [*accounts, *ACTION_COLUMNS, "completed_at", "outcome"]
    rows = timed(actions, columns[:-1]).filter(~nw.col("resource").is_null())
    if resource is not None:
        asked = [resource] if isinstance(resource, str) else list(resource)
        rows = rows.filter(_is_one_of(_find(rows, asked, accounts)))
    table = action_rows(rows, columns, seconds="duration_s")
    table = table.sort_values(["started_at", "id"], ignore_index=True)
    if accounts:
        table = table.iloc[np.argsort(ranks(table[ACCOUNT]), kind="stable")].reset_index(drop=True)
    outcome = table["outcome"].to_numpy(dtype="int64")
    has_end = table["duration_s"].notna() & (outcome != OUTCOMES.index("open"))
    return table[[*accounts, *_ABOUT]].assign(
        start=table["started_at"],
        end=table["completed_at"].where(has_end),
        duration_s=table["duration_s"].where(has_end),
        outcome=pd.Categorical.from_codes(outcome, categories=pd.Index(OUTCOMES)),
    )


def _find(rows: Rows, asked: Sequence[str], accounts: list[str]) -> pd.DataFrame:
    """Return the resources that have one of the keys or names *asked*: their keys, and their accounts."""
    if not asked:
        raise InvalidArgument('resource names none; give a key such as "droplet:3164450", a name, or leave it out.')
    known: Any = rows.select(*accounts, "resource", "resource_name").unique()
    there_are = to_pandas(known).astype(object)
    keys, names = there_are["resource"], there_are["resource_name"]
    there = {*keys, *names.dropna()}
    for word in asked:
        if word not in there:
            raise InvalidArgument(_nothing_of(word, there))
    return there_are.loc[keys.isin(asked) | names.isin(asked), [*accounts, "resource"]].drop_duplicates()


def _is_one_of(resources: pd.DataFrame) -> nw.Expr:
    """Return the condition that an action is of one of these resources."""
    if ACCOUNT not in resources:
        return nw.col("resource").is_in(resources["resource"].tolist())
    # A key that is asked for in one account may be that of another resource in the next.
    of_accounts = [
        (nw.col(ACCOUNT) == account) & nw.col("resource").is_in(keys["resource"].tolist())
        for account, keys in resources.groupby(ACCOUNT)
    ]
    return nw.any_horizontal(*of_accounts, ignore_nulls=True)


def _nothing_of(word: str, there: set[str]) -> str:
    close = get_close_matches(word, sorted(there), n=4)
    return f"No action here is of a resource {word!r}" + (
        f"; did you mean {quoted(close)}?"
        if close
        else ", or of one with a name like that. doaudit.last_actions(actions) lists the resources there are."
    )
