"""Problems of the data: rows of an actions frame that break an expectation; nothing is repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.actions import COMPLETED, ERRORED, IN_PROGRESS, text_dtype
from doaudit.resources import KINDS, KNOWN_RESOURCE_TYPES, KNOWN_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    _Expectation = tuple[str, pd.Series[bool], Callable[[pd.DataFrame], list[str]]]

__all__ = ["problems"]

_DOCUMENTED_STATUS = {"completed", "errored", "in-progress"}
_REGION_OPTIONAL = frozenset(word for kind in KINDS if kind.region_optional for word in kind.resource_types)
_IDENTIFIED = frozenset(word for kind in KINDS if kind.id_in_action != "none" for word in kind.resource_types)


def problems(actions: pd.DataFrame) -> pd.DataFrame:
    """
    List the rows that break an expectation, one row for each expectation broken; nothing is repaired.

    Returns:
        `id` (int64), `problem` (a short word to group by), `detail` (a sentence), in the frame's order.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> odd = to_frame([Record(7, "done", "resize", "2021-09-30T10:00:00Z", resource_type="volume")], 1632996000)
        >>> problems(odd)["problem"].tolist()
        ['unknown_status', 'finished_without_end', 'region_missing']
    """
    found = []
    for problem, mask, detail in _expectations(actions):
        rows = actions[mask]
        sentences = pd.Series(detail(rows), dtype=text_dtype())
        found.append(
            pd.DataFrame(
                {"id": rows["id"].to_numpy(), "problem": problem, "detail": sentences, "row": np.flatnonzero(mask)}
            )
        )
    action_rows = pd.concat(found, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    return action_rows.drop(columns="row")


def _expectations(actions: pd.DataFrame) -> list[tuple[str, np.ndarray[Any, Any], Callable[[pd.DataFrame], list[str]]]]:
    """Return each expectation: its name, the rows that break it, and the sentences that say so."""
    return [
        (name, np.asarray(rows.fillna(value=False), dtype=bool), detail)
        for name, rows, detail in (*_about_words(actions), *_about_times(actions), *_about_places(actions))
    ]


def _about_words(actions: pd.DataFrame) -> list[_Expectation]:
    status, types, kinds = actions["status"], actions["type"], actions["resource_type"]
    return [
        ("duplicate_id", actions["id"].duplicated(keep=False), _say("The id occurs more than once.")),
        (
            "unknown_status",
            ~status.isin(_DOCUMENTED_STATUS),
            _quote("status", "The status {} is not a documented one."),
        ),
        (
            "unknown_type",
            ~types.isin(KNOWN_TYPES),
            _quote("type", "The type {} is in no public description of the API."),
        ),
        (
            "unknown_resource_type",
            ~kinds.isin(KNOWN_RESOURCE_TYPES),
            _quote("resource_type", "The resource type {} is in no public description of the API."),
        ),
    ]


def _about_times(actions: pd.DataFrame) -> list[_Expectation]:
    status = actions["status"]
    started, completed = actions["started_at"], actions["completed_at"]
    ended, ahead = status.isin(COMPLETED | ERRORED), actions["observed_at"] + pd.Timedelta(seconds=60)
    return [
        ("start_missing", started.isna(), _say("There is no start, or none that can be read: no duration.")),
        ("finished_without_end", ended & completed.isna(), _say("It has finished, but has no end: no duration.")),
        ("end_before_start", completed < started, _say("It ends before it starts: no duration.")),
        ("open_with_end", status.isin(IN_PROGRESS) & completed.notna(), _say("It is open, yet has an end.")),
        (
            "ahead_of_clock",
            (started > ahead) | (completed > ahead),
            _say("It starts or ends later than it was read."),
        ),
    ]


def _about_places(actions: pd.DataFrame) -> list[_Expectation]:
    kinds = actions["resource_type"]
    return [
        (
            "region_missing",
            actions["region"].isna() & ~kinds.isin(_REGION_OPTIONAL),
            _say("There is no region."),
        ),
        (
            "resource_missing",
            kinds.isin(_IDENTIFIED) & actions["resource"].isna(),
            _quote("resource_id", "The resource id {} names no resource of its kind."),
        ),
    ]


def _say(sentence: str) -> Callable[[pd.DataFrame], list[str]]:
    return lambda rows: [sentence] * len(rows)


def _quote(column: str, sentence: str) -> Callable[[pd.DataFrame], list[str]]:
    def detail(rows: pd.DataFrame) -> list[str]:
        return [sentence.format("(none)" if pd.isna(value) else repr(value)) for value in rows[column]]

    return detail
