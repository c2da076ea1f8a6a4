"""Chapters of a report, in their order, each with a heading that says what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.formatting import count, rate, time_span, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CHAPTERS", "SIGNIFICANT", "Chapter", "chapter_of"]

SIGNIFICANT = 0.05
_SEEN_CHANGES = ("change of duration", "change of failure rate")
_SEEN_ACTIVITY = ("many destroyed", "new type", "new region", "outside business hours", "password reset")


@dataclass(frozen=True)
class Chapter:
    """
    A part of a report.

    Attributes:
        name: as `doaudit.tables.Table.chapter` has it.
        title: in a word or two.
        heading: says what was found, of the report's tables by the name of their table.
        kinds: the kinds of findings that are about it.
    """

    name: str
    title: str
    heading: Callable[[Mapping[str, pd.DataFrame]], str]
    kinds: tuple[str, ...] = ()


def _open(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["open_actions"]
    if table.empty:
        return "Every action has ended"
    verdicts = table["verdict"].value_counts()
    told = " and ".join(f"{verdicts[word]:,} {word}" for word in ("stuck", "slow") if verdicts.get(word, 0))
    oldest = f"the oldest for {time_span(table['age_s'].max())}"
    return f"{_are(len(table), 'action')} open{f', of them {told}' if told else ''}; {oldest}"


def _incidents(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["incidents"]
    if table.empty:
        return "On no day did far more actions fail than usual"
    worst = table.sort_values("errored", ascending=False, kind="stable").iloc[0]
    begun = f"{worst['first_failure_at']:%Y-%m-%d}"
    failed = f"{worst['errored']:,} of {worst['actions']:,} actions"
    if len(table) == 1:
        return f"On {begun} {failed} in {visible(str(worst['region']))} failed"
    return f"{count(len(table), 'incident')}; in the largest, on {begun}, {failed} failed"


def _changes(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["changes"]
    if table.empty:
        return "Nothing takes longer or fails more often than it did"
    more = f", and {len(table) - 1:,} more" if len(table) > 1 else ""
    return f"{visible(str(table['sentence'].iloc[0]))}{more}"


def _failures(tables: Mapping[str, pd.DataFrame]) -> str:
    rates = tables["failure_rates"]
    finished, errored = int(rates["finished"].sum()), int(rates["errored"].sum())
    if not finished:
        return "No action has finished"
    worse = int((rates["q"] <= SIGNIFICANT).sum())
    others = f"; {count(worse, 'group')} {'fails' if worse == 1 else 'fail'} more often" if worse else ""
    return f"{errored:,} of {finished:,} finished actions failed, {rate(errored / finished)}{others}"


def _durations(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["durations"].dropna(subset=["p90_s"])
    if table.empty:
        return "Too few actions have completed to say how long they take"
    slowest = table.sort_values("p90_s", ascending=False, kind="stable").head(1)
    keys = slowest.iloc[0, : list(table.columns).index("actions")].dropna()  # account, group, name of the resource
    half, most = (time_span(slowest[name].item()) for name in ("p50_s", "p90_s"))
    return f"{visible(str(keys.iloc[-1]))} takes longest: half within {half}, 90 % within {most}"


def _activity(tables: Mapping[str, pd.DataFrame]) -> str:
    weeks = tables["activity_by_week"]
    if weeks.empty:
        return "No action has started"
    total = weeks.groupby("period")["actions"].sum()
    busiest = total.idxmax()
    return f"{total.median():,.0f} actions in a usual week; most, {total.max():,}, in the week of {busiest:%Y-%m-%d}"


def _power(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["power_periods"]
    off = table[(table["still_off"] & table["certain"]).to_numpy(dtype=bool)]
    if off.empty:
        return "No droplet is known to be off"
    longest = off.sort_values("off_s", ascending=False, kind="stable").iloc[0]
    name = longest["resource"] if pd.isna(longest["resource_name"]) else longest["resource_name"]
    return f"{_are(len(off), 'droplet')} off, {visible(str(name))} for {time_span(longest['off_s'])}"


def _backups(tables: Mapping[str, pd.DataFrame]) -> str:
    table = tables["backups"]
    if table.empty:
        return "No droplet is known"
    without = int(table["without"].sum())
    if not without:
        return f"A snapshot or backup of each of {count(len(table), 'droplet')} was taken within 7 days"
    return f"Of {count(len(table), 'droplet')} {without:,} had no snapshot or backup taken for 7 days"


def _problems(tables: Mapping[str, pd.DataFrame]) -> str:
    number = tables["problems"]["id"].nunique()
    return f"The records of {count(number, 'action')} are odd" if number else "No record is odd"


def _are(number: int, noun: str) -> str:
    return f"{count(number, noun)} {'is' if number == 1 else 'are'}"


CHAPTERS: tuple[Chapter, ...] = (
    Chapter("open", "Open and stuck", _open, ("stuck action", "slow action")),
    Chapter("incidents", "Incidents", _incidents, ("incident",)),
    Chapter("changes", "Changes", _changes, _SEEN_CHANGES),
    Chapter("failures", "Failures", _failures, ("failing type", "failed again and again")),
    Chapter("durations", "Durations", _durations),
    Chapter("activity", "Activity", _activity, _SEEN_ACTIVITY),
    Chapter("power", "Power-off periods", _power, ("droplet off",)),
    Chapter("backups", "Backups", _backups, ("no backup", "destroyed without backup")),
    Chapter("problems", "Data problems", _problems, ("odd rows",)),
)
"""All of them, in order; each table of the registry that has a chapter stands in one."""


def chapter_of(kind: str) -> str:
    """
    Return the name of the chapter that findings of a kind are about; an empty text if there is none.

    Example:
        >>> chapter_of("droplet off"), chapter_of("nothing unusual")
        ('power', '')
    """
    return next((chapter.name for chapter in CHAPTERS if kind in chapter.kinds), "")
