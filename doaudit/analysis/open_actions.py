"""Open actions: their age, the verdict on it, what they are compared with, and the time they may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows, sort_rows
from doaudit.analysis.comparison import RECENT_DAYS, comparison_sets, recent_tally, says_more_than
from doaudit.analysis.curve_values import remaining, share_ended
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.expected_duration import LEAST_FINISHED, VERDICTS, ExpectedDuration, describe_age, find_verdict

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

__all__ = ["open_actions"]

_FIGURES = ["finished", "older_than", "usual_p50_s", "usual_p99_s", "max_s", "is_recent"]
_LEFT = ["p50_left_s", "p90_left_s"]
_SET = ["finished", "is_own", "is_recent"]


def open_actions(actions: IntoFrame) -> pd.DataFrame:
    """
    List the actions that were still running when last seen, oldest first, each judged by finished actions like it.

    Like it are the finished actions of the same type on the same resource if there are at least 20, or if half of them
    took longer than 99 % of that type do; else those of the same type; never those of other types or accounts. Only
    what started in the last 180 days counts, where that is at least 100. A type or resource that is not known is like
    no other.

    The verdict is `slow` for an action that is older than 99 % of them were when they ended, `stuck` beyond three times
    that, else `normal`. Of fewer than 20, an age beyond all of them is `too few to tell`. Of actions that are like the
    others, one in 100 becomes slow, and fewer than one in 100 stuck (simulated: 0.0, 0.04 and 0.64 % where the
    logarithms of durations have a standard deviation of 0.4, 0.8 and 1.2).

    Source: the remaining time is the quantile residual life on the curve of Kaplan and Meier (Jeong, Statistical
    Inference on Residual Life, 2014).

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        One row each: `account` first, where the frame has it; `id`, `type`, `resource_type`, `resource`,
        `resource_name`, `region`, `started_at`; `age_s` when last seen (float64 seconds, NaN without a start);
        `verdict` (category, the worst last); `compared_with`, in words (text); `finished`, how many these are (int64,
        the timed ones); `older_than`, the share of them that took no longer (float64, NaN if there are none);
        `usual_p50_s`, `usual_p99_s`, seconds within which 50 and 99 % of them ended; `p50_left_s`, `p90_left_s`, the
        seconds within which it ends with a chance of 50 and 90 %, given its age (float64; from its own resource if 20
        of those took longer than its age, else from its type if 20 of those did, else NaN; infinity where the data do
        not reach); `sentence` (text).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> start, ends = "2026-03-12T22:00:00Z", [f"2026-03-12T22:{n}:00Z" for n in range(10, 34)]
        >>> taken = [Record(n, "completed", "snapshot", start, end) for n, end in enumerate(ends)]
        >>> row = open_actions(to_frame([*taken, Record(99, "in-progress", "snapshot", start)], 1773356400)).iloc[0]
        >>> row["verdict"], row["sentence"]
        ('slow', 'open for 1 h; the longest of 24 like it took 33 min')
    """
    is_open = nw.col("outcome") == OUTCOMES.index("open")
    accounts = account_keys(actions)
    columns = [*accounts, *ACTION_COLUMNS]
    table = action_rows(timed(actions, columns).filter(is_open), columns, seconds="age_s")
    table = sort_rows(table, ["started_at", "id"])
    compared = _compare(table, recent_tally(actions, set(table["type"].dropna())), [*accounts, "type"])
    usual = [
        ExpectedDuration(p50_s, p99_s, p99_s, max_s, finished)
        for p50_s, p99_s, max_s, finished in zip(
            *(compared[name] for name in ("usual_p50_s", "usual_p99_s", "max_s", "finished")), strict=True
        )
    ]
    ages = [None if np.isnan(age) else age for age in table["age_s"].tolist()]
    verdicts = [find_verdict(age, each) for age, each in zip(ages, usual, strict=True)]
    sentences = [describe_age(age, each) for age, each in zip(ages, usual, strict=True)]
    return table.assign(
        verdict=pd.Categorical(verdicts, categories=pd.Index(VERDICTS), ordered=True),
        compared_with=_in_words(table, compared),
        **compared[["finished", "older_than", "usual_p50_s", "usual_p99_s", *_LEFT]],
        sentence=pd.Series(sentences, dtype=str),
    )


def _compare(table: pd.DataFrame, counted: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the figures of each open action's comparison set, and what is left by the closest set that can tell."""
    of_type = _compare_within(table, counted, keys)
    own = _compare_within(table, counted, [*keys, "resource"])
    is_own = says_more_than(
        own["finished"].to_numpy(),
        own["usual_p50_s"].to_numpy(dtype=float),
        of_type["usual_p99_s"].to_numpy(dtype=float),
    )
    compared = of_type[_FIGURES].assign(is_own=is_own, p50_left_s=np.nan, p90_left_s=np.nan)
    compared.loc[is_own, _FIGURES] = own.loc[is_own, _FIGURES]
    for closer in (of_type, own):
        can_tell = closer["outlasting"] >= LEAST_FINISHED
        compared.loc[can_tell, _LEFT] = closer.loc[can_tell, _LEFT]
    return compared


def _compare_within(table: pd.DataFrame, counted: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Compare each open action with the finished ones that share these columns with it; a null is shared with none."""
    sets = comparison_sets(counted, columns)
    # An open action is in the tally too, so each finds its group; a merge takes a null for equal to a null.
    numbered = sets.keys.assign(number=np.arange(len(sets.keys)))
    group = table[columns].merge(numbered, how="left")["number"].to_numpy(dtype=np.int64)
    known = table[columns].notna().all(axis="columns").to_numpy()
    finished = np.where(known, sets.curves.ended[group], 0)
    age = table["age_s"].fillna(0).to_numpy(dtype=np.int64)
    comparable = table["age_s"].notna().to_numpy() & (finished > 0)
    older_than = np.where(comparable, share_ended(sets.curves, group, age), np.nan)
    usual = {"usual_p50_s": sets.p50_s, "usual_p99_s": sets.p99_s, "max_s": sets.max_s}
    return pd.DataFrame(
        {
            "finished": finished,
            "older_than": older_than,
            **{name: np.where(finished > 0, seconds[group], np.nan) for name, seconds in usual.items()},
            "is_recent": sets.is_recent[group],
            "p50_left_s": remaining(sets.curves, group, age, 0.5),
            "p90_left_s": remaining(sets.curves, group, age, 0.9),
            "outlasting": np.rint(np.nan_to_num(finished * (1 - older_than))).astype(np.int64),
        }
    )


def _in_words(table: pd.DataFrame, compared: pd.DataFrame) -> pd.Series[str]:
    """Say what each open action is compared with."""
    words = []
    columns = ("type", "resource", "resource_name")
    rows = zip(*(table[name] for name in columns), *(compared[name] for name in _SET), strict=True)
    for type_, resource, name, finished, is_own, is_recent in rows:
        of = (resource if pd.isna(name) else name) if is_own else "any resource"
        when = f" in {RECENT_DAYS} days" if is_recent else ""
        words.append(f"{finished:,} {type_} of {of}{when}" if finished else "")
    return pd.Series(words, dtype=str)
