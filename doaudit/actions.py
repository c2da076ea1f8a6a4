"""
The actions frame: its columns, and the way from an API record to a row.

One row an action, unique `id`, newest first. The columns and their dtypes:

    id              int64                ids pass 2^31
    type            category             an open set: unknown words are kept and reported
    status          category             likewise
    resource_type   category             likewise
    resource_id     Int64                null for volumes; for reserved IPs the IPv4 address as a number
    resource        category             'droplet:3164450', 'reserved_ip:45.55.96.47'; null where the API cannot tell
    resource_name   category             null if never seen
    region          category             the region's slug
    started_at      datetime64[s, UTC]
    completed_at    datetime64[s, UTC]   null while the action is open
    observed_at     datetime64[s, UTC]   when the row was read from the API: the clock of every statistic

A frame of many accounts has one more, before the others: `account`, category, the name that the account was given. An
id is unique in its account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from doaudit.records import COMPLETED, ERRORED, IN_PROGRESS, LATEST_S, Record, Region, is_rfc_3339
from doaudit.resources import resource_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "ACCOUNT",
    "COLUMNS",
    "COMPLETED",
    "ERRORED",
    "IN_PROGRESS",
    "Action",
    "Outcome",
    "Record",
    "categorical",
    "newest_first",
    "only_account",
    "put_together",
    "started_since",
    "text_dtype",
    "to_frame",
    "to_utc",
    "with_account",
]

ACCOUNT = "account"
"""The column that a frame of many accounts has besides."""

_TIME = "datetime64[s, UTC]"
COLUMNS: dict[str, str] = {
    "id": "int64",
    "type": "category",
    "status": "category",
    "resource_type": "category",
    "resource_id": "Int64",
    "resource": "category",
    "resource_name": "category",
    "region": "category",
    "started_at": _TIME,
    "completed_at": _TIME,
    "observed_at": _TIME,
}


Outcome = Literal["completed", "errored", "open", "unclear"]


@dataclass(frozen=True)
class Action:
    """
    One action, as it was when last read.

    Attributes:
        status: DigitalOcean's word; `outcome` is what it means.
        resource: the resource's key, such as 'droplet:3164450'; None where the API cannot tell.
        started_at, completed_at: None where the API gave none that can be read.
        observed_at: when it was read, by the server's clock.

    Example:
        >>> start = "2026-03-12T22:27:07Z"
        >>> power_off = Record(3087531973, "in-progress", "power_off", start, None, 557861237, "droplet")
        >>> action = Action.of(power_off, observed_at=1773354430)
        >>> action.outcome, action.resource, action.age_s
        ('open', 'droplet:557861237', 3.0)
    """

    id: int
    type: str | None
    status: str | None
    resource_type: str | None
    resource_id: int | None
    resource: str | None
    region: str | None
    started_at: datetime | None
    completed_at: datetime | None
    observed_at: datetime

    @classmethod
    def of(cls, record: Record, observed_at: int) -> Action:
        """Make the action of a record that was read at *observed_at*, in Unix seconds."""
        return cls(
            id=record.id,
            type=record.type,
            status=record.status,
            resource_type=record.resource_type,
            resource_id=record.resource_id,
            resource=resource_key(record.resource_type, record.resource_id),
            region=_region(record),
            started_at=_moment(record.started_at),
            completed_at=_moment(record.completed_at),
            observed_at=datetime.fromtimestamp(observed_at, UTC),
        )

    @property
    def outcome(self) -> Outcome:
        """Meaning of the status: open until it has ended; unclear if it has ended with an unknown word."""
        if self.status in COMPLETED:
            return "completed"
        if self.status in ERRORED:
            return "errored"
        return "open" if self.status in IN_PROGRESS or self.completed_at is None else "unclear"

    @property
    def finished(self) -> bool:
        """True if it has ended, however it ended."""
        return self.outcome != "open"

    @property
    def age_s(self) -> float | None:
        """Seconds from its start to its end, or to when it was read; None without a start."""
        if self.started_at is None:
            return None
        return ((self.completed_at or self.observed_at) - self.started_at).total_seconds()


def _moment(value: str | int | None) -> datetime | None:
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC) if 0 <= value < LATEST_S else None
        return datetime.fromisoformat(value).astimezone(UTC) if value and is_rfc_3339(value) else None
    except (ValueError, OverflowError):
        return None


def to_frame(records: Sequence[Record], observed_at: int | Sequence[int] | np.ndarray[Any, Any]) -> pd.DataFrame:
    """
    Make the actions frame of records with distinct ids.

    Args:
        records: in any order.
        observed_at: when they were read from the API, in Unix seconds: one for all, or one a record.

    Example:
        >>> power_off = Record(3087531973, "completed", "power_off", "2026-03-12T22:27:07Z", "2026-03-12T22:27:14Z",
        ...                    557861237, "droplet", region_slug="fra1")
        >>> to_frame([power_off], observed_at=1773354500)[["id", "resource", "region"]].values.tolist()
        [[3087531973, 'droplet:557861237', 'fra1']]
    """
    keys: dict[tuple[str | None, int | None], str | None] = {}
    pairs = [(r.resource_type, r.resource_id) for r in records]
    for pair in pairs:
        if pair not in keys:
            keys[pair] = resource_key(*pair)
    observed = np.broadcast_to(np.asarray(observed_at, dtype="int64"), len(records))
    columns: dict[str, Any] = {
        "id": np.array([r.id for r in records], dtype="int64"),
        "type": categorical([r.type for r in records]),
        "status": categorical([r.status for r in records]),
        "resource_type": categorical([r.resource_type for r in records]),
        "resource_id": pd.array([r.resource_id for r in records], dtype="Int64"),
        "resource": categorical([keys[pair] for pair in pairs]),
        "resource_name": categorical([None] * len(records)),
        "region": categorical([_region(r) if r.region_slug is None else r.region_slug for r in records]),
        "started_at": to_utc([r.started_at for r in records]),
        "completed_at": to_utc([r.completed_at for r in records]),
        "observed_at": pd.DatetimeIndex(observed.astype("datetime64[s]")).tz_localize("UTC"),
    }
    # As `newest_first`, in a third of its time for a page. A null start is the smallest number there is.
    order = np.lexsort((columns["id"], columns["started_at"].asi8))[::-1]
    return pd.DataFrame({name: column.take(order) for name, column in columns.items()})


def newest_first(actions: pd.DataFrame) -> pd.DataFrame:
    """The frame in its order: by start, equal starts by id, rows without a start last."""
    return actions.sort_values(["started_at", "id"], ascending=False, na_position="last", ignore_index=True)


def put_together(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    Put the actions of several accounts into one frame, newest first, with the column `account` in front.

    Args:
        frames: an actions frame for each account, by its name.

    Example:
        >>> taken = [Record(n, "completed", "resize", f"2026-03-0{n}T10:00:00Z") for n in (1, 2)]
        >>> frames = {"globex": to_frame(taken[:1], 1773354500), "acme": to_frame(taken[1:], 1773354500)}
        >>> put_together(frames)[["account", "id"]].values.tolist()
        [['acme', 2], ['globex', 1]]
    """
    names = sorted(frames)
    account = _repeated(names, [len(frames[name]) for name in names])
    whole = {name: _joined([frames[each][name] for each in names], dtype) for name, dtype in COLUMNS.items()}
    actions = pd.DataFrame({ACCOUNT: account, **whole})
    # As `newest_first`; actions of two accounts that are equal in both are in the order of their accounts.
    start = pd.DatetimeIndex(actions["started_at"]).asi8
    order = np.lexsort((-account.codes.astype("int64"), actions["id"].to_numpy(), start))[::-1]
    return actions.take(order).reset_index(drop=True)


def with_account(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    Put tables of the same columns one below the other, in the order of their names, with the column `account` in front.

    Example:
        >>> with_account({"globex": pd.DataFrame({"n": [1]}), "acme": pd.DataFrame({"n": [2]})}).values.tolist()
        [['acme', 2], ['globex', 1]]
    """
    names = sorted(tables)
    # Tables without a row would, in pandas, take part in the choice of dtypes.
    filled = [tables[name] for name in names if len(tables[name])] or [tables[name] for name in names[:1]]
    rows = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    account = _repeated(names, [len(tables[name]) for name in names])
    return pd.concat([pd.Series(account, name=ACCOUNT), rows], axis=1)


def _repeated(names: list[str], rows: list[int]) -> pd.Categorical:
    """Return each name as often as it has rows; the names are sorted."""
    return pd.Categorical.from_codes(np.repeat(np.arange(len(names)), rows), pd.Index(names, dtype=text_dtype()))


def _joined(columns: list[pd.Series[Any]], dtype: str) -> Any:  # noqa: ANN401 -- an array of one of several kinds
    """Join columns; of texts, the categories are those of all, sorted."""
    if dtype != "category":
        return pd.concat(columns, ignore_index=True) if columns else pd.Series(dtype=dtype)
    texts = sorted(set().union(*(column.cat.categories for column in columns)))
    at = {text: code for code, text in enumerate(texts)}
    codes = [
        np.append([at[text] for text in column.cat.categories], -1).astype("int64")[column.cat.codes.to_numpy()]
        for column in columns
    ]
    joined = np.concatenate([np.empty(0, dtype="int64"), *codes])
    return pd.Categorical.from_codes(joined, pd.Index(texts, dtype=text_dtype()))


def started_since(actions: pd.DataFrame, moment: datetime) -> pd.DataFrame:
    """
    Return the rows of actions that started at a moment or later, with the categories that occur in them.

    Example:
        >>> taken = [Record(n, "completed", "resize", f"2026-03-0{n}T10:00:00Z") for n in (1, 2)]
        >>> started_since(to_frame(taken, 1773354500), datetime(2026, 3, 2, tzinfo=UTC))["id"].tolist()
        [2]
    """
    return _chosen(actions, actions["started_at"] >= moment)


def only_account(actions: pd.DataFrame, name: str) -> pd.DataFrame:
    """
    Return the rows of one account out of a frame of several, as the frame of that account alone.

    Example:
        >>> actions = to_frame([Record(7, "errored", "resize")], observed_at=1632996060)
        >>> "account" in only_account(put_together({"acme": actions}), "acme")
        False
    """
    return _chosen(actions, actions[ACCOUNT] == name).drop(columns=ACCOUNT)


def _chosen(actions: pd.DataFrame, mask: pd.Series[bool]) -> pd.DataFrame:
    rows = actions[mask].reset_index(drop=True)
    coded = rows.select_dtypes("category").columns
    return rows.assign(**{name: rows[name].cat.remove_unused_categories() for name in coded})


def _region(record: Record) -> str | None:
    if record.region_slug is not None:
        return record.region_slug
    return record.region.slug if isinstance(record.region, Region) else record.region


def categorical(values: Iterable[str | None]) -> pd.Categorical:
    """
    Texts as a categorical with sorted categories, so that equal texts make equal columns.

    Example:
        >>> categorical(["b", None, "a", "b"]).categories.tolist()
        ['a', 'b']
    """
    values = list(values)
    known = sorted(word for word in dict.fromkeys(values) if word is not None)
    codes: dict[str | None, int] = {None: -1} | {word: at for at, word in enumerate(known)}
    coded = np.fromiter(map(codes.__getitem__, values), "int64", len(values))
    return pd.Categorical.from_codes(coded, categories=pd.Index(known, dtype=text_dtype()))


def text_dtype() -> Any:  # noqa: ANN401 -- pandas 2 says object, pandas 3 its own str type
    """Give the dtype that this pandas has for a column of text."""
    return pd.Series(["a"]).dtype


def to_utc(values: Sequence[str | int | None]) -> pd.DatetimeIndex:
    """
    Times in the frame's resolution, whole seconds in UTC; null where a value is neither RFC 3339 nor Unix seconds.

    Example:
        >>> to_utc(["2025-10-14T11:55:31.615157397Z", None])[0].isoformat()
        '2025-10-14T11:55:31+00:00'
    """
    # A few sources send Unix seconds; text is RFC 3339, mostly whole seconds, at times finer: it is cut, not rounded.
    texts = [
        value if isinstance(value, str) and is_rfc_3339(value) else _unix_seconds_as_text(value) for value in values
    ]
    parsed = pd.to_datetime(pd.Series(texts, dtype="object"), format="ISO8601", utc=True, errors="coerce")
    return pd.DatetimeIndex(parsed.dt.floor("s").dt.as_unit("s"))


def _unix_seconds_as_text(value: str | int | None) -> str | None:
    # Left to itself, pandas reads 'now' as the time of this machine; so no other text gets through.
    if isinstance(value, int) and 0 <= value < LATEST_S:
        return datetime.fromtimestamp(value, UTC).isoformat()
    return None
