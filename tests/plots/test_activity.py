"""The plot of activity: bars stacked by outcome, one for each period."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from drawn import legend_labels, row_names, texts
from matplotlib.dates import num2date
from matplotlib.patches import StepPatch

from doaudit import plots


def stacks(ax):
    """Return each bar as (day it begins, bottom, height), layer by layer."""
    return [
        [(num2date(bar.get_x()).strftime("%m-%d"), bar.get_y(), bar.get_height()) for bar in layer]
        for layer in ax.containers
    ]


def test_outcomes_are_stacked_with_errors_at_the_bottom(activity_table, ax):
    """Errored actions all start at zero, so that their heights can be compared between periods."""
    table = activity_table(completed=[5, 7], errored=[1, 0], open=[0, 2], unclear=[3, 0])

    plots.activity(table, ax=ax)

    assert legend_labels(ax) == ["errored", "open", "unclear", "completed"]
    assert stacks(ax) == [
        [("01-05", 0, 1), ("01-06", 0, 0)],
        [("01-05", 1, 0), ("01-06", 0, 2)],
        [("01-05", 1, 3), ("01-06", 2, 0)],
        [("01-05", 4, 5), ("01-06", 2, 7)],
    ]


def test_an_outcome_that_never_occurs_is_not_in_the_legend(activity_table, ax):
    """The legend names only what can be seen."""
    plots.activity(activity_table(completed=[5, 7], errored=[0, 0], open=[0, 2]), ax=ax)

    assert legend_labels(ax) == ["open", "completed"]


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
    tops, _, bottoms = above.get_data()
    assert errors.tolist() == errored.tolist()
    assert bottoms.tolist() == errored.tolist()
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


def test_one_period_is_drawn_too(activity_table, ax):
    """A single row has no neighbour to tell its length; it is still drawn."""
    plots.activity(activity_table(completed=[5]), ax=ax)

    assert stacks(ax) == [[("01-05", 0, 5)]]
    assert ax.get_ylabel() == "actions in the period"


def test_periods_without_a_single_action_are_drawn_empty(activity_table, ax):
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
    """A table whose times were converted to local ones gives the same plot."""
    table = activity_table(freq="6h", completed=[5, 7])

    plots.activity(table.assign(period=table["period"].dt.tz_convert("Asia/Tokyo")), ax=ax)

    assert [num2date(edge).hour for edge in ax.get_xlim()] == [0, 12]


def bands(ax):
    """Return each row of a grouped plot by its name: its layers from the bottom up, in shares of its highest period."""
    rows = {name: {} for name in row_names(ax)}
    for layer in ax.containers:
        heights = [round(abs(bar.get_height()) / 0.8, 6) for bar in layer]
        rows[list(rows)[round(layer[0].get_y())]][layer[0].get_facecolor()[:3]] = heights
    return {name: list(layers.values()) for name, layers in rows.items()}


def test_each_group_has_a_row_with_a_scale_of_its_own(activity_table, ax):
    """The largest group comes first; in each row the highest period is as high as in any other, and said beside."""
    table = activity_table(groups=["resize", "snapshot"], completed=[1, 0, 30, 10], errored=[1, 0, 10, 0])

    plots.activity(table, ax=ax)

    assert ax.get_title(loc="left") == "Actions started, by type"
    assert bands(ax) == {"snapshot": [[0.25, 0], [0.75, 0.25]], "resize": [[0.5, 0], [0.5, 0]]}
    assert texts(ax) == ["50 actions", "at most 40 per day", "2 actions", "at most 2 per day"]
    assert legend_labels(ax) == ["errored", "completed"]


def test_the_rest_of_many_groups_is_one_row(activity_table, ax):
    """Eight groups have a row of their own, all others one together; with nine, each has its own."""
    names = [f"type_{number}" for number in range(11)]

    plots.activity(activity_table(groups=names, completed=range(11, 0, -1)), ax=ax)

    assert row_names(ax) == [*names[:8], "3 others"]
    assert texts(ax)[-2:] == ["6 actions", "at most 6 in the period"]
    nine = plots.activity(activity_table(groups=names[:9], completed=[1] * 9), ax=ax.figure.add_subplot())
    assert row_names(nine) == names[:9]


def test_groups_may_lack_periods_and_come_in_any_order(activity_table, ax):
    """A table that was filtered or sorted in between is drawn at its dates all the same."""
    table = activity_table(groups=["resize", "reboot"], completed=[4, 0, 2, 0, 1, 8])

    plots.activity(table[table["completed"] > 0].sample(frac=1, random_state=5), ax=ax)

    assert bands(ax) == {"reboot": [[0, 0.125, 1]], "resize": [[1, 0, 0.5]]}
    assert [num2date(edge).strftime("%m-%d") for edge in ax.get_xlim()] == ["01-05", "01-08"]


def test_many_groups_with_long_names_stay_apart(activity_table, visible_texts):
    """No two texts of a grouped plot overlap, on a figure of ours, also where groups have null for a name."""
    names = [f"an_action_type_whose_name_goes_on_and_on_and_on_as_number_{number}" for number in range(20)]
    table = activity_table(groups=names, completed=[123_456] * 60, errored=[7] * 60)
    table.loc[table["type"] == names[0], "type"] = None

    figure = plots.activity(table).figure

    boxes = [box for _, box in visible_texts(figure)]
    assert len(boxes) > 25
    for a, b in itertools.combinations(boxes, 2):
        assert a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
    assert "(none)" in row_names(figure.axes[0])


def test_no_groups_are_a_message(activity_table, ax):
    """A grouped table without rows says so."""
    plots.activity(activity_table(groups=["resize"], completed=[1]).head(0), ax=ax)

    assert texts(ax) == ["no actions to show"]
    assert ax.get_legend() is None


def test_years_of_days_of_groups_become_stepped_areas(activity_table, ax):
    """More periods than bars have room for are one shape for each group and outcome."""
    plots.activity(activity_table(groups=["resize", "reboot"], completed=[1, 2] * 1000), ax=ax)

    assert ax.containers == []
    assert len([patch for patch in ax.patches if isinstance(patch, StepPatch)]) == 2


def test_resources_go_by_their_names(activity_table, ax):
    """A name that two resources share has the key beside it, and each has a row of its own."""
    table = activity_table(groups=["a", "b", "c"], completed=[3, 2, 1]).drop(columns="type")
    table.insert(0, "resource", ["droplet:1", "droplet:2", "droplet:3"])
    table.insert(1, "resource_name", ["web-1", "web-1", None])

    plots.activity(table, ax=ax)

    assert row_names(ax) == ["web-1 (droplet:1)", "web-1 (droplet:2)", "droplet:3"]
    assert ax.get_title(loc="left") == "Actions started, by resource"
