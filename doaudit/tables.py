"""
The registry of tables: each with its function, its plot, and a sentence that says how to read it.

Report sections, CSV files, figures, subcommands, the documentation and the tests of "every table" walk `TABLES`. A new
table is one module in `doaudit.analysis`, one in `doaudit.plots` with the same name, one row here, and its tests.

Functions are named and not imported, so that a help text need not load pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

__all__ = ["TABLES", "Option", "Table", "Variant", "find_table"]


@dataclass(frozen=True)
class Option:
    """
    An argument of a table's function that its subcommand has as a flag.

    Attributes:
        name: of the argument.
        summary: what it says, in a few words.
        many: true if it takes several values.
    """

    name: str
    summary: str
    many: bool = False


@dataclass(frozen=True)
class Variant:
    """
    One way in which a report has a table.

    Attributes:
        name: name of the CSV file, the figure and the section.
        arguments: arguments of the table's function.
        section: true if the page shows its first rows.
        figure: true if the page shows its plot.
        height_inches: of the plot.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    section: bool = False
    figure: bool = False
    height_inches: float = 5.0


@dataclass(frozen=True)
class Table:
    """
    A table that is computed from an actions frame.

    Attributes:
        name: name of the function in `doaudit`, of the subcommand with dashes, and of the plot in `doaudit.plots`.
        summary: what it holds, in a few words.
        how_to_read: how to read it, in one sentence.
        chapter: the part of a report that it stands in (see `doaudit.report.chapters`); empty if it has a file only.
        by: the column that it is grouped by where nothing else is said; empty if it cannot be grouped.
        variants: how a report has it.
        companion: another function of the same arguments whose table the plot takes, too; empty if none.
        companion_as: the plot's argument for it.
        options: its other arguments that the subcommand takes.
        from_account: an argument of the function that only the account itself can give, and that may be left out:
            'droplets', those that exist now, or 'started_by_doaudit', ids of actions; empty if there is none.
        told_by_all: the column by which its rows belong to a part of the actions ('id', 'resource'), where the table is
            made of all of them first, since a part alone would judge otherwise; empty if a part tells it.
        of_all: true if it is only right of all actions, so that its subcommand takes no part of them.
    """

    name: str
    summary: str
    how_to_read: str
    chapter: str = ""
    by: str = ""
    variants: tuple[Variant, ...] = ()
    companion: str = ""
    companion_as: str = "distribution"
    options: tuple[Option, ...] = ()
    from_account: str = ""
    told_by_all: str = ""
    of_all: bool = False

    @property
    def function(self) -> Callable[..., pd.DataFrame]:
        """The function that computes it: actions in, table out."""
        return getattr(import_module("doaudit.analysis"), self.name)  # type: ignore[no-any-return]

    @property
    def plot(self) -> Callable[..., Any]:
        """The function that draws it: table in, Axes out."""
        return getattr(import_module("doaudit.plots"), self.name)  # type: ignore[no-any-return]

    def draw(self, actions: pd.DataFrame, table: pd.DataFrame, arguments: Mapping[str, Any], **options: Any) -> Any:  # noqa: ANN401 -- matplotlib's Axes
        """Draw a table that was computed from *actions* with *arguments*, and return the Axes."""
        if self.companion:
            companion = getattr(import_module("doaudit.analysis"), self.companion)
            options[self.companion_as] = companion(actions, **arguments)
        return self.plot(table, **options)


TABLES: tuple[Table, ...] = (
    Table(
        "findings",
        "what somebody should know, in plain words, the worst first",
        "Act now on what goes wrong at this moment, look at what is unusual; call shows more.",
        variants=(Variant("findings"),),
        options=(
            Option("since", 'only what began at that moment or later: "7d", "2026-06-01"'),
            Option("tz", "the time zone of business hours (UTC)"),
        ),
        from_account="droplets",
        of_all=True,
    ),
    Table(
        "durations",
        "percentiles of durations by group, with intervals",
        "Half of the group's completed actions took up to p50, 90 % up to p90; the interval beside each holds the true "
        "value 95 times in 100, and the completed share says how many complete at all.",
        chapter="durations",
        by="type",
        variants=(
            Variant("durations_by_type", {"by": "type"}, section=True, figure=True),
            Variant("durations_by_resource", {"by": "resource"}),
        ),
        companion="duration_distribution",
    ),
    Table(
        "duration_curves",
        "the share of each group that has ended, over time",
        "Of the group's completed actions this share took no longer than so many seconds; the true share lies between "
        "low and high 95 times in 100.",
        by="type",
    ),
    Table(
        "outcome_curves",
        "what has become of each group's actions, over time",
        "After so many seconds these shares of the group's actions had completed, errored, or were still open.",
        by="type",
    ),
    Table(
        "failure_rates",
        "failure rates by group, with intervals",
        "Of the group's finished actions this share errored; the true rate lies in the interval 95 times in 100, and a "
        "q of at most 0.05 marks a group that fails more often than the others.",
        chapter="failures",
        by="type",
        variants=(
            Variant("failure_rates_by_type", {"by": "type"}, section=True, figure=True),
            Variant("failure_rates_by_resource", {"by": "resource"}),
        ),
    ),
    Table(
        "failures",
        "the actions that errored, newest first",
        "Each row is an action that errored; the API gives no reason.",
        chapter="failures",
        variants=(Variant("failures", section=True),),
    ),
    Table(
        "incidents",
        "days on which far more actions failed than usual, by group",
        "Each row is a time in which many actions of the group failed; expected is how many would have, had those days "
        "been like all others.",
        chapter="incidents",
        by="region",
        variants=(Variant("incidents", {"by": "region"}, section=True, figure=True, height_inches=2.6),),
        companion="daily_failures",
        companion_as="daily",
    ),
    Table(
        "retries",
        "failures, and whether trying again helped, newest first",
        "Each row is a failure with the actions of its type that followed on its resource within six hours of each "
        "other; outcome says what they came to.",
        variants=(Variant("retries"),),
    ),
    Table(
        "retry_rates",
        "shares of the failures tried again that recovered, by group",
        "Of the failures that were tried again this share recovered; the true share lies in the interval 95 times in "
        "100.",
        chapter="failures",
        by="type",
        variants=(Variant("retry_rates_by_type", {"by": "type"}, figure=True),),
    ),
    Table(
        "changes",
        "durations and failure rates that are different since some day",
        "Since that day, or gradually, the group takes or fails so many times as much as before; the true ratio lies "
        "in the interval 95 times in 100.",
        chapter="changes",
        by="type",
        variants=(Variant("changes", {"by": "type"}, section=True, figure=True, height_inches=3.5),),
        companion="change_series",
        companion_as="series",
    ),
    Table(
        "compare",
        "failure rates and durations of two periods, by group",
        "After are the last 30 days and before the 30 before them, unless other periods were given; where q is at most "
        "0.05 they differ by more than chance.",
        chapter="changes",
        by="type",
        variants=(Variant("compare", {"by": "type"}, section=True, figure=True),),
        options=(
            Option("at", 'the moment between the two periods: "2026-06-01"'),
            Option("last", 'the length of the second period, and of the one before it: "30d"'),
        ),
    ),
    Table(
        "open_actions",
        "the actions that have not ended, oldest first",
        "An action is slow if it is older than 99 % of those that it is compared with were when they ended, and stuck "
        "beyond three times that.",
        chapter="open",
        variants=(Variant("open_actions", section=True, figure=True),),
        told_by_all="id",
    ),
    Table(
        "power_periods",
        "periods in which a droplet was off, and which actions bound them",
        "Each row is a period in which the droplet was off, and billed all the same; if its bounds are not certain, a "
        "note says why.",
        chapter="power",
        variants=(Variant("power_periods", section=True, figure=True, height_inches=7.5),),
        told_by_all="resource",
        from_account="started_by_doaudit",
    ),
    Table(
        "backups",
        "when a snapshot or backup of each droplet was last taken",
        "Where without is true, none was taken for 7 days; that one was taken does not say that it still exists, which "
        "only the account can tell.",
        chapter="backups",
        variants=(Variant("backups", section=True, figure=True, height_inches=8.5),),
        told_by_all="resource",
        from_account="droplets",
    ),
    Table(
        "activity",
        "actions by day, week or month, by outcome",
        "Each row counts the actions that started in a period (UTC), by how they ended.",
        chapter="activity",
        variants=(
            Variant("activity_by_day", {"freq": "D"}),
            Variant("activity_by_week", {"freq": "W"}, figure=True),
        ),
        options=(
            Option("freq", "length of a period: h, D, W, MS or ME for hours, days, weeks, months (D)"),
            Option("by", "count the groups of these apart", many=True),
        ),
    ),
    Table(
        "week_pattern",
        "actions by weekday and hour",
        "Each row counts the actions that started in an hour of the week, by the clock of its zone, and says which "
        "share of them errored.",
        chapter="activity",
        variants=(Variant("week_pattern", figure=True),),
        options=(Option("tz", "time zone, such as Europe/Berlin (UTC)"),),
    ),
    Table(
        "concurrency",
        "how many actions ran at once, by group",
        "The most actions of the group that ran at once, and when they first did; during 99 % of the time no more than "
        "p99 ran, and during the busy share at least one.",
        chapter="activity",
        by="type",
        variants=(Variant("concurrency_by_type", {"by": "type"}, figure=True),),
        companion="daily_concurrency",
        companion_as="daily",
    ),
    Table(
        "lifespans",
        "when droplets and reserved IPs were created and destroyed",
        "Each row is a droplet or a reserved IP; its lifespan is the time from its creation to its destruction, or, "
        "if it lives, until the actions were read.",
        variants=(Variant("lifespans"),),
    ),
    Table(
        "churn",
        "droplets and reserved IPs created, destroyed and there, by week",
        "Each row counts those of a kind that were created and destroyed in a week (UTC), and that existed at its end.",
        chapter="activity",
        variants=(Variant("churn", figure=True),),
    ),
    Table(
        "slowest",
        "the finished actions that took longest",
        "Each row is a finished action, with its duration in seconds.",
        chapter="durations",
        variants=(Variant("slowest", figure=True),),
        companion="durations",
        companion_as="usual",
    ),
    Table(
        "last_actions",
        "the last action of each type on each resource",
        "Each row is the last action of its type on its resource, with its age; the newest row comes first.",
        variants=(Variant("last_actions"),),
    ),
    Table(
        "timeline",
        "every action of each resource, oldest first",
        "Each row is an action, from its start to its end; one without an end is open.",
    ),
    Table(
        "problems",
        "rows that break an expectation",
        "Each row names an action whose record is odd, and says what is odd; nothing is repaired.",
        chapter="problems",
        variants=(Variant("problems", section=True),),
    ),
)


def find_table(name: str) -> Table:
    """
    Return a table by its name.

    Raises:
        KeyError: there is none of that name.

    Example:
        >>> find_table("failure_rates").summary
        'failure rates by group, with intervals'
    """
    return next(table for table in TABLES if table.name == name)
