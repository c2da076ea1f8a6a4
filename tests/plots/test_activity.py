"""The pictures over time: activity and the pattern of the week."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.dates import num2date
from matplotlib.patches import StepPatch

from doaudit import plots


def stacks(ax):
    """Each bar as (day it begins, bottom, height), layer by layer."""
    return [
        [(num2date(bar.get_x()).strftime("%m-%d"), bar.get_y(), bar.get_height()) for bar in layer]
        for layer in ax.containers
    ]


def legend(ax):
    """The words in the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_outcomes_are_stacked_with_errors_on_the_ground(activity_table, ax):
    """Errored actions share the ground line, so that their heights can be compared between periods."""
    table = activity_table(completed=[5, 7], errored=[1, 0], open=[0, 2], unclear=[3, 0])

    plots.activity(table, ax=ax)

    assert legend(ax) == ["errored", "open", "unclear", "completed"]
    assert stacks(ax) == [
        [("01-05", 0, 1), ("01-06", 0, 0)],
        [("01-05", 1, 0), ("01-06", 0, 2)],
        [("01-05", 1, 3), ("01-06", 2, 0)],
        [("01-05", 4, 5), ("01-06", 2, 7)],
    ]


def test_an_outcome_that_never_occurs_is_not_in_the_legend(activity_table, ax):
    """The legend names only what can be seen."""
    plots.activity(activity_table(completed=[5, 7], errored=[0, 0], open=[0, 2]), ax=ax)

    assert legend(ax) == ["open", "completed"]


def test_outcomes_differ_by_more_than_colour(activity_table, ax):
    """Open and unclear actions are hatched, each in its own way; errors are far darker than successes."""
    plots.activity(activity_table(completed=[5], errored=[1], open=[2], unclear=[3]), ax=ax)

    hatches = [layer[0].get_hatch() or "" for layer in ax.containers]
    lightness = [np.dot(layer[0].get_facecolor()[:3], (0.2126, 0.7152, 0.0722)) for layer in ax.containers]
    assert len(set(hatches)) == 3
    assert hatches[0] == hatches[3]
    assert lightness[3] - lightness[0] > 0.25


def test_many_periods_become_one_stepped_area(activity_table, ax):
    """Three years of days are drawn without gaps, one shape an outcome, with the heights of the table."""
    completed, errored = np.arange(1000) % 90, np.arange(1000) % 7

    plots.activity(activity_table(completed=completed, errored=errored), ax=ax)

    assert ax.containers == []
    below, above = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    errors, _, _ = below.get_data()
    tops, _, ground = above.get_data()
    assert errors.tolist() == errored.tolist()
    assert ground.tolist() == errored.tolist()
    assert tops.tolist() == (completed + errored).tolist()


@pytest.mark.parametrize(
    ("freq", "unit"), [("h", "per hour"), ("D", "per day"), ("W-MON", "per week"), ("MS", "per month")]
)
def test_the_axis_says_what_a_bar_counts(activity_table, ax, freq, unit):
    """Counts carry the unit that the table's periods have."""
    plots.activity(activity_table(freq=freq, completed=[1] * 14), ax=ax)

    assert ax.get_ylabel() == f"actions {unit}"


def test_bars_are_as_wide_as_their_months(activity_table, ax):
    """Periods of different length stand at their own dates and never overlap."""
    plots.activity(activity_table(freq="MS", completed=[1] * 4), ax=ax)

    (layer,) = ax.containers
    starts = [num2date(bar.get_x()).strftime("%m-%d") for bar in layer]
    widths = [round(bar.get_width() / 0.86) for bar in layer]
    assert starts == ["02-01", "03-01", "04-01", "05-01"]
    assert widths == [28, 31, 30, 30]
    assert num2date(ax.get_xlim()[0]).strftime("%Y-%m-%d") == "2026-02-01"


def test_one_period_is_a_picture_too(activity_table, ax):
    """A single row has no neighbour to tell its length; it is still drawn."""
    plots.activity(activity_table(completed=[5]), ax=ax)

    assert stacks(ax) == [[("01-05", 0, 5)]]
    assert ax.get_ylabel() == "actions in the period"


def test_periods_without_a_single_action_are_an_empty_picture(activity_table, ax):
    """Zeroes are an answer: quiet days, not an error."""
    plots.activity(activity_table(completed=[0, 0, 0]), ax=ax)

    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] >= 1
    assert ax.get_legend() is None


def test_periods_read_back_from_a_file_without_a_zone_are_utc(activity_table, ax):
    """Text and naive times mean UTC, as everywhere in doaudit."""
    table = activity_table(completed=[5, 7]).assign(period=["2026-01-05", "2026-01-06"])

    plots.activity(table, ax=ax)

    assert stacks(ax) == [[("01-05", 0, 5), ("01-06", 0, 7)]]


def test_periods_of_another_zone_are_drawn_in_utc(activity_table, ax):
    """A table whose times were converted to local ones gives the same picture."""
    table = activity_table(freq="6h", completed=[5, 7])

    plots.activity(table.assign(period=table["period"].dt.tz_convert("Asia/Tokyo")), ax=ax)

    assert [num2date(edge).hour for edge in ax.get_xlim()] == [0, 12]


def test_the_week_is_a_map_with_monday_on_top(week_table, ax):
    """Every hour of the week has its cell at its weekday and hour, in whatever order the rows come."""
    plots.week_pattern(week_table, ax=ax)

    (mesh,) = ax.collections
    counts = np.asarray(mesh.get_array()).reshape(7, 24)
    assert counts.tolist() == np.arange(168).reshape(7, 24).tolist()
    assert next(label.get_text() for label in ax.get_yticklabels()) == "Monday"
    assert ax.get_ylim() == (7, 0)
    assert mesh.get_clim() == (0, 167)


def test_hours_are_named_under_their_cells_and_counts_in_a_colour_bar(week_table, ax):
    """The reader sees which hour a column is, that it is UTC, and what the colours mean."""
    plots.week_pattern(week_table, ax=ax)

    named = {label.get_text(): place for place, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}
    assert named["09"] == 9.5
    assert "UTC" in ax.get_xlabel()
    (bar,) = [axes for axes in ax.figure.axes if axes is not ax]
    assert bar.get_ylabel() == "actions started"


def test_the_darker_a_cell_the_more_actions(week_table, ax):
    """Lightness alone carries the meaning: the map reads the same without colour."""
    plots.week_pattern(week_table, ax=ax)

    (mesh,) = ax.collections
    lightness = mesh.to_rgba(np.linspace(0, 167, 20))[:, :3] @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) < 0).all()


def test_a_week_without_actions_is_a_sentence(week_table, ax):
    """168 zeroes are no pattern."""
    plots.week_pattern(week_table.assign(actions=0), ax=ax)

    assert [text.get_text() for text in ax.texts] == ["no actions to show"]
    assert not ax.collections
