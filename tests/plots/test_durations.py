"""The plot of durations: where everything is drawn, and what is left out with which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import row_names, texts, tick_labels
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.text import Text

from doaudit import plots
from doaudit.errors import InvalidArgument

MEDIAN, P90 = "o", "D"


def marked(ax, marker):
    """Return the markers of one kind as (seconds, row), with the row that each belongs to."""
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
    return [(seconds, round(row)) for seconds, row in np.concatenate(points) if np.isfinite(seconds)]


def spans(ax):
    """Return every interval as (from, to) in seconds."""
    return [(segment[0][0], segment[1][0]) for lines in ax.collections for segment in lines.get_segments()]


def test_each_group_has_its_row_with_everything_where_the_table_says(durations_table, ax):
    """Median, p90, p99 and the longest stand at the table's seconds, the first group on top."""
    table = durations_table(type=["snapshot", "reboot"], p50_s=[60, 7], p90_s=[300, 15], p99_s=[900, 40])

    plots.durations(table, ax=ax)

    assert row_names(ax) == ["snapshot", "reboot"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert marked(ax, MEDIAN) == [(60, 0), (7, 1)]
    assert marked(ax, P90) == [(300, 0), (15, 1)]
    assert marked(ax, "|") == [(900, 0), (40, 1)]
    assert marked(ax, "x") == [(2000, 0), (2000, 1)]


def test_intervals_reach_from_low_to_high(durations_table, ax):
    """The median's and the p90's interval are drawn as the table gives them."""
    plots.durations(durations_table(type=["snapshot"]), ax=ax)

    assert spans(ax) == [(50, 70), (250, 400)]
    assert marked(ax, ">") == []


def test_an_interval_without_an_upper_end_runs_into_an_arrow(durations_table, ax):
    """Where the data cannot bound a percentile the line goes to the end of the axis and points beyond."""
    plots.durations(durations_table(type=["snapshot", "reboot"], p90_high_s=[400, np.inf]), ax=ax)

    right = ax.get_xlim()[1]
    assert marked(ax, ">") == [(right, 1)]
    assert (250, right) in spans(ax)


def test_a_percentile_that_was_not_reached_is_an_arrow_without_a_marker(durations_table, ax):
    """A curve that never falls to 10 % has no p90 to mark; the row says so."""
    note = "p90 is infinite: too many are open; p99 is infinite: too many are open"
    table = durations_table(type=["snapshot"], p90_s=[np.inf], p90_high_s=[np.inf], p99_s=[np.inf], note=[note])

    plots.durations(table, ax=ax)

    assert marked(ax, P90) == []
    assert marked(ax, ">") == [(ax.get_xlim()[1], 0)]
    assert texts(ax) == ["812 finished", "p90 not reached; p99 not reached"]


def test_a_percentile_that_needs_more_actions_is_not_drawn_and_says_so(durations_table, ax):
    """Too few actions for p90: no marker, no interval, no arrow, but the table's reason in small print."""
    table = durations_table(
        type=["snapshot"], finished=[9], open=[2], p90_s=[np.nan], p90_high_s=[np.inf], p99_s=[np.nan],
        note=["p90 needs 36 finished actions; p99 needs 368 finished actions"],
    )  # fmt: skip

    plots.durations(table, ax=ax)

    assert marked(ax, P90) == marked(ax, ">") == marked(ax, "|") == []
    assert spans(ax) == [(50, 70)]
    counts, note = ax.texts
    assert (counts.get_text(), note.get_text()) == ("9 finished, 2 open", "p90 needs 36; p99 needs 368")
    assert note.get_fontsize() < counts.get_fontsize()


def test_zero_seconds_have_a_place_on_the_axis(durations_table):
    """An action that took 0 s is drawn at a tick of its own, clearly left of 1 s."""
    table = durations_table(type=["reserve_ip"], p50_s=[0], p50_low_s=[0], p50_high_s=[1])

    ax = plots.durations(table)

    assert tick_labels(ax) == ["0 s", "1 s", "10 s", "1 min", "10 min"]
    zero, one = (ax.transData.transform((seconds, 0))[0] for seconds in (0, 1))
    assert ax.bbox.x0 < zero < one - 25


def test_the_axis_begins_near_the_data_when_nothing_took_0_s(durations_table):
    """Long actions do not leave half of the plot empty."""
    low = {"p50_low_s": [700], "p50_s": [800], "p50_high_s": [900], "p90_s": [4000], "p90_low_s": [3700]}
    table = durations_table(type=["backup"], **low, p90_high_s=[9000], p99_s=[90_000], max_s=[200_000])

    ax = plots.durations(table)

    assert tick_labels(ax) == ["10 min", "1 h", "1 d"]


def test_a_narrow_axis_has_fewer_ticks(durations_table):
    """Where ten labels would touch only the units themselves are written."""
    ax = Figure(figsize=(4.5, 3), layout="constrained").add_subplot()

    plots.durations(durations_table(type=["a"], p50_low_s=[0], max_s=[90_000]), ax=ax)

    assert tick_labels(ax) == ["0 s", "1 min", "1 h", "1 d"]


def test_only_the_first_groups_are_drawn_and_the_title_says_so(durations_table, ax):
    """A plot that leaves groups out says how many there are."""
    plots.durations(durations_table(type=list("abcde")), ax=ax, top=3)

    assert row_names(ax) == ["a", "b", "c"]
    assert ax.get_title(loc="left") == "How long actions take, by type (first 3 of 5 groups, most actions first)"


def test_the_distribution_is_drawn_behind_its_own_group(durations_table, ax):
    """Each shape lies on the row of its group, null groups included, over the bins of the table."""
    table = durations_table(type=["snapshot", None])
    bins = {"from_s": [0, 1, 10] * 2, "to_s": [1, 10, 100] * 2, "actions": 1, "share": [0, 0.25, 0.75, 0.5, 0.5, 0]}
    distribution = pd.DataFrame({"type": [None] * 3 + ["snapshot"] * 3, **bins})

    plots.durations(table, distribution=distribution, ax=ax)

    shapes = {}
    for shape in ax.patches:
        assert isinstance(shape, StepPatch)
        upper, edges, lower = shape.get_data()
        middle, half = (upper + lower) / 2, (upper - lower) / 2
        assert edges.tolist() == [0, 1, 10, 100]
        assert shape.get_zorder() < min(line.get_zorder() for line in ax.lines)
        shapes[middle[0]] = half / half.max()
    assert sorted(shapes) == [0, 1]
    assert shapes[0].tolist() == [1, 1, 0]
    assert shapes[1] == pytest.approx([0, 1 / 3, 1])


def test_a_group_of_which_nothing_finished_has_no_shape(durations_table, ax):
    """Shares of nothing draw nothing."""
    table = durations_table(type=["snapshot"], finished=[0])
    distribution = pd.DataFrame({"type": ["snapshot"], "from_s": [0], "to_s": [1], "actions": [0], "share": [np.nan]})

    plots.durations(table, distribution=distribution, ax=ax)

    assert len(ax.patches) == 0


def test_a_distribution_of_other_groups_is_refused(durations_table, ax):
    """Shapes of one grouping behind the rows of another would be read as theirs."""
    distribution = pd.DataFrame({"region": ["fra1"], "from_s": [0], "to_s": [1], "actions": [1], "share": [1.0]})

    with pytest.raises(InvalidArgument, match=r"grouped by \['type'\], but the distribution by \['region'\]"):
        plots.durations(durations_table(type=["snapshot"]), distribution=distribution, ax=ax)


def test_names_are_joined_cut_and_never_empty(durations_table, ax):
    """Several columns make one name; a null is called (none); a long name loses its middle."""
    table = durations_table(type=["snapshot", None, "x" * 50 + "17"])
    table.insert(0, "region", ["fra1", "ams3", None])

    plots.durations(table, ax=ax)

    first, second, third = row_names(ax)
    assert (first, second) == ("fra1 · snapshot", "ams3 · (none)")
    assert third.startswith("(none) · xxx")
    assert third.endswith("17")
    assert "…" in third
    assert len(third) == 44


def test_without_groups_the_row_is_called_all_actions(durations_table, ax):
    """`by=()` gives a table without a group column."""
    plots.durations(durations_table(type=["snapshot"]).drop(columns="type"), ax=ax)

    assert row_names(ax) == ["all actions"]
    assert ax.get_title(loc="left") == "How long actions take"


def test_dollar_signs_in_names_are_drawn_as_such(durations_table, ax):
    """A name such as $x_1$ is text from the API, not a formula; neither is a line break a second line."""
    plots.durations(durations_table(type=["$x_1$", r"$\frac{", "x_1", "a\nb"]), ax=ax)

    ax.figure.draw_without_rendering()
    formula, broken, bare, lines = ax.get_yticklabels()
    assert formula.get_window_extent().width > bare.get_window_extent().width + 8
    assert broken.get_text() == r"$\frac{"
    assert lines.get_window_extent().height < 1.5 * bare.get_window_extent().height


def test_dollar_signs_in_titles_are_drawn_as_such(durations_table):
    """A column of the user's own may be called anything."""
    widths = []
    for column in ("$team$", "team"):
        ax = plots.durations(durations_table(type=["a"]).rename(columns={"type": column}))
        ax.figure.draw_without_rendering()
        (title,) = [text for text in ax.findobj(Text) if text.get_text().endswith(f"by {column}")]
        widths.append(title.get_window_extent().width)

    assert widths[0] > widths[1] + 8


def test_nullable_and_categorical_columns_are_fine(durations_table, ax):
    """Int64, Float64 and category columns draw as plain ones do."""
    table = durations_table(type=["snapshot", None], p99_s=[None, 900])
    table = table.astype({"type": "category", "p99_s": "Float64", "finished": "Int64", "p50_s": "Int64"})

    plots.durations(table, ax=ax)

    assert row_names(ax) == ["snapshot", "(none)"]
    assert marked(ax, "|") == [(900, 1)]
