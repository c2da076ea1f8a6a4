"""Names beside keys: a table that is grouped by resource has a column with the newest name of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from doaudit.actions import ACCOUNT, categorical
from doaudit.analysis.engines import read_columns, to_pandas
from doaudit.analysis.groups import key_columns, number_groups

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    from doaudit.analysis.groups import By

__all__ = ["with_resource_names"]

_KEY, _NAME, _START = "resource", "resource_name", "started_at"


def with_resource_names(table: pd.DataFrame, actions: IntoFrame, by: By) -> pd.DataFrame:
    """
    Insert the newest name of each resource beside its key, where a table of *actions* is grouped by resource.

    The newest name is the one of the action that started last, and of equal starts the one with the highest id, among
    those that have a name. A table that is grouped by the name already is returned as it is, and so is one of actions
    that have no column of names.

    Where the table is grouped by `account`, too, a resource is that of its account. Where it is not, though the actions
    are of several, resources of one key are one group, and its name is the newest of them all.

    Args:
        table: with the *by* columns.
        actions: the actions frame it is made of, of any engine that narwhals reads.
        by: the column or columns that it is grouped by.

    Returns:
        The table, with `resource_name` (category, null where none is known) after `resource`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(1, "done", "resize", "2021-09-30T10:00:00Z", None, 5, "droplet")], 1632996000)
        >>> table = pd.DataFrame({"resource": ["droplet:5"], "actions": [1]})
        >>> with_resource_names(table, actions.assign(resource_name="web-1"), by="resource").values.tolist()
        [['droplet:5', 'web-1', 1]]
    """
    keys = key_columns(by)
    if _KEY not in keys or _NAME in keys or _NAME not in nw.from_native(actions).collect_schema().names():
        return table
    key = [name for name in (ACCOUNT, _KEY) if name in keys]
    resources, codes = number_groups(table, key)
    known = _newest_names(actions, key)
    names = pd.Series(categorical(map(known.get, zip(*(resources[name] for name in key), strict=True))))
    place = list(table.columns).index(_KEY) + 1
    columns = [*table.columns[:place], _NAME, *table.columns[place:]]
    return table.assign(**{_NAME: names.array.take(codes)})[columns]


def _newest_names(actions: IntoFrame, key: list[str]) -> dict[tuple[Any, ...], str]:
    """Return the newest name of each resource that has one, by the values of the key."""
    rows = read_columns(actions, [*key, _NAME, _START, "id"])
    # The last start of each name, and not each row, leaves the engine; an id is only needed where two start together.
    grouped: Any = rows.group_by([*key, _NAME], drop_null_keys=True).agg(nw.col(_START).max())
    names = _in_order(to_pandas(grouped), [_START])
    newest = names.drop_duplicates(key, keep="last")
    if len(newest) < len(names):
        starts = names[key].merge(newest, on=key, how="left")[_START].set_axis(names.index)
        last = names[key][(names[_START] == starts) | (names[_START].isna() & starts.isna())]
        if tied := last[_KEY][last.duplicated()].unique().tolist():
            of_tied = rows.filter(nw.col(_KEY).is_in(tied), ~nw.col(_NAME).is_null())
            # Two accounts may have an action of one id and start: of those the last name by value.
            by_id = _in_order(to_pandas(of_tied), [_START, "id", _NAME]).drop_duplicates(key, keep="last")
            newest = pd.concat([newest, by_id[[*key, _NAME]]])
    return dict(zip(zip(*(newest[name] for name in key), strict=True), newest[_NAME], strict=True))


def _in_order(names: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    texts = {name: names[name].astype(object) for name in (ACCOUNT, _KEY, _NAME) if name in names}
    return names.assign(**texts).sort_values(columns, na_position="first", kind="stable")
