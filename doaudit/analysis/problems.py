"""Problems of the data: rows of an actions frame that break an expectation; nothing is repaired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from doaudit.actions import ACCOUNT, COMPLETED, ERRORED, IN_PROGRESS, categorical, text_dtype
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.engines import read_frame, to_pandas, unix_seconds
from doaudit.resources import KINDS, KNOWN_RESOURCE_TYPES, KNOWN_TYPES

if TYPE_CHECKING:
    from collections.abc import Collection

    from narwhals.typing import IntoFrame

    from doaudit.analysis.engines import Rows

__all__ = ["problems"]

_DOCUMENTED_STATUS = {"completed", "errored", "in-progress"}
_REGION_OPTIONAL = frozenset(word for kind in KINDS if kind.region_optional for word in kind.resource_types)
_IDENTIFIED = frozenset(word for kind in KINDS if kind.id_in_action != "none" for word in kind.resource_types)
_COLUMNS = ("id", "type", "resource_type", "resource_id", "resource", "region")
_LEEWAY_S = 60


@dataclass(frozen=True)
class _Expectation:
    """
    One thing that is expected of a row.

    Attributes:
        problem: a word for a row that breaks it.
        broken: true, false or null for each row.
        sentence: says so.
        quotes: the column whose value stands in the sentence; empty if none.
    """

    problem: str
    broken: nw.Expr
    sentence: str
    quotes: str = ""

    def describe(self, rows: pd.DataFrame) -> list[str]:
        """Write the sentence of each row."""
        if not self.quotes:
            return [self.sentence] * len(rows)
        words = ["(none)" if pd.isna(value) else repr(str(value)) for value in rows[self.quotes]]
        return [self.sentence.format(word) for word in words]


def problems(actions: IntoFrame) -> pd.DataFrame:
    """
    List the rows that break an expectation, one row for each expectation broken; nothing is repaired.

    Args:
        actions: an actions frame of any engine that narwhals reads; only the rows that are listed leave it.

    Returns:
        `account` first, where the frame has it; `id` (int64), `problem` (a short word to group by), `detail` (a
        sentence); the newest action first, those without a start last.

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> odd = to_frame([Record(7, "done", "resize", "2021-09-30T10:00:00Z", resource_type="volume")], 1632996000)
        >>> problems(odd)["problem"].tolist()
        ['unknown_status', 'finished_without_end', 'region_missing']
    """
    accounts = account_keys(actions)
    frame = read_frame(actions, [*accounts, *_COLUMNS])
    twice = _Expectation("duplicate_id", nw.lit(True), "The id occurs more than once.")
    expectations = [*_about_words(), *_about_times(), *_about_places()]
    odd = _collect(_broken(frame, expectations))
    found = [_listed(_collect(_repeated(frame, [*accounts, "id"])), twice, rank=0)]
    for rank, expectation in enumerate(expectations, start=1):
        found.append(_listed(odd[odd[expectation.problem].to_numpy() == 1], expectation, rank))
    order = {"start": False, "id": False} | dict.fromkeys([*accounts, "rank", "detail"], True)
    listed = pd.concat(found, ignore_index=True).sort_values(
        list(order), ascending=list(order.values()), na_position="last", ignore_index=True
    )
    named = {name: categorical(listed[name].where(listed[name].notna(), None)) for name in accounts}
    return listed.assign(**named)[[*accounts, "id", "problem", "detail"]]


def _broken(frame: Rows, expectations: list[_Expectation]) -> Rows:
    """Return the rows that break an expectation, with a column for each: 1 where it is broken."""
    flags = {
        expectation.problem: nw.when(expectation.broken).then(nw.lit(1)).otherwise(nw.lit(0))
        for expectation in expectations
    }
    return frame.with_columns(**flags).filter(
        nw.any_horizontal(*(nw.col(name) == 1 for name in flags), ignore_nulls=True)
    )


def _repeated(frame: Rows, keys: list[str]) -> Rows:
    """Return the rows whose id another row has too, in the same account."""
    counted: Any = frame.group_by(keys).agg(rows=nw.len())
    return frame.join(counted.filter(nw.col("rows") > 1).select(*keys), on=keys, how="semi")


def _collect(rows: Rows) -> pd.DataFrame:
    times = ("started_at", "completed_at", "observed_at")
    return to_pandas(rows.with_columns(start=unix_seconds("started_at")).drop(*times))


def _listed(rows: pd.DataFrame, expectation: _Expectation, rank: int) -> pd.DataFrame:
    accounts = {ACCOUNT: rows[ACCOUNT].astype(object).array} if ACCOUNT in rows else {}
    return pd.DataFrame(
        accounts
        | {
            "id": rows["id"].to_numpy(dtype="int64"),
            "problem": pd.Series([expectation.problem] * len(rows), dtype=text_dtype()),
            "detail": pd.Series(expectation.describe(rows), dtype=text_dtype()),
            "rank": rank,
            "start": rows["start"].astype("Int64").array,
        }
    )


def _is_none_of(column: str, words: Collection[str]) -> nw.Expr:
    return ~nw.col(column).is_in(sorted(words)) | nw.col(column).is_null()


def _about_words() -> list[_Expectation]:
    unknown = "in no public description of the API."
    return [
        _Expectation(
            "unknown_status",
            _is_none_of("status", _DOCUMENTED_STATUS),
            "The status {} is not a documented one.",
            quotes="status",
        ),
        _Expectation("unknown_type", _is_none_of("type", KNOWN_TYPES), f"The type {{}} is {unknown}", quotes="type"),
        _Expectation(
            "unknown_resource_type",
            _is_none_of("resource_type", KNOWN_RESOURCE_TYPES),
            f"The resource type {{}} is {unknown}",
            quotes="resource_type",
        ),
    ]


def _about_times() -> list[_Expectation]:
    status, start, end = nw.col("status"), unix_seconds("started_at"), unix_seconds("completed_at")
    ahead = unix_seconds("observed_at") + _LEEWAY_S
    has_ended = status.is_in(sorted(COMPLETED | ERRORED))
    return [
        _Expectation("start_missing", start.is_null(), "There is no start, or none that can be read: no duration."),
        _Expectation(
            "finished_without_end", has_ended & end.is_null(), "It has finished, but has no end: no duration."
        ),
        _Expectation("end_before_start", end < start, "It ends before it starts: no duration."),
        _Expectation(
            "open_with_end", status.is_in(sorted(IN_PROGRESS)) & ~end.is_null(), "It is open, yet has an end."
        ),
        _Expectation("ahead_of_clock", (start > ahead) | (end > ahead), "It starts or ends later than it was read."),
    ]


def _about_places() -> list[_Expectation]:
    return [
        _Expectation(
            "region_missing",
            nw.col("region").is_null() & _is_none_of("resource_type", _REGION_OPTIONAL),
            "There is no region.",
        ),
        _Expectation(
            "resource_missing",
            nw.col("resource_type").is_in(sorted(_IDENTIFIED)) & nw.col("resource").is_null(),
            "The resource id {} names no resource of its kind.",
            quotes="resource_id",
        ),
    ]
