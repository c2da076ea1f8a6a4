"""The plot of power periods: bars at their times, arrows where one goes on, and what is not certain."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import date2num

from doaudit import plots


def bars(ax):
    """Return the bars as (row, begin in days, width in days, colour), from the top."""
    found = sorted(ax.patches, key=lambda bar: bar.get_y())
    return [
        (round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width(), to_hex(bar.get_facecolor()).upper())
        for bar in found
    ]


def test_a_bar_is_where_the_period_is(periods_table, ax):
    """It begins when the droplet went off and is as long as that lasted; its colour says whether it still is."""
    table = periods_table(
        off_from=[pd.Timestamp("2026-03-01T12:00:00Z"), pd.Timestamp("2026-03-05T00:00:00Z")],
        still_off=[True, False],
        off_s=[10 * 86_400.0, 2 * 86_400.0],
        on_by=[None, "power_on"],
        certain=[True, False],
    )

    plots.power_periods(table, ax=ax)

    begins = date2num(pd.Timestamp("2026-03-01T12:00")), date2num(pd.Timestamp("2026-03-05"))
    assert bars(ax) == [
        (0, pytest.approx(begins[0]), pytest.approx(10), plots.style.VERMILLION),
        (1, pytest.approx(begins[1]), pytest.approx(2), plots.style.SKY),
    ]
    [arrow] = [line for line in ax.lines if line.get_marker() == ">"]
    assert arrow.get_ydata().tolist() == [0]
    texts = ["10 d, still off", "since power_off", "2 d, not certain", "power_off to power_on"]
    assert [text.get_text() for text in ax.texts] == texts
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["still off", "was off, not certain"]


def test_a_short_period_is_seen(periods_table, ax):
    """Minutes within years are drawn a little wider than they are, inside the axis."""
    table = periods_table(
        off_from=[pd.Timestamp("2023-03-01T12:00:00Z"), pd.Timestamp("2026-03-05T00:00:00Z")], off_s=[60.0, 60.0]
    )

    plots.power_periods(table, ax=ax)

    left, right = ax.get_xlim()
    for _, begin, width, _ in bars(ax):
        assert width > (right - left) / 300
        assert left <= begin
        assert begin + width <= right + 1e-9


def test_a_droplet_without_a_name_is_called_by_its_key(periods_table, ax):
    """The label has the name, or else the key, and the day, which no long name cuts off."""
    table = periods_table(resource_name=["web-01", None, "a" * 80])

    plots.power_periods(table, ax=ax)

    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == ["web-01 2026-03-12", "droplet:123 2026-03-12"]
    assert labels[2].endswith("aaa 2026-03-12")
    assert len(labels[2]) <= 44


def test_the_rest_is_counted(periods_table, ax):
    """Of many periods the first 25 are drawn, and the title says of how many."""
    table = periods_table(off_s=[3600.0] * 40)

    plots.power_periods(table, ax=ax)

    assert len(ax.patches) == 25
    order = "(first 25 of 40 periods, still off first, then longest)"
    assert ax.get_title(loc="left") == f"Periods in which a droplet was off {order}"
