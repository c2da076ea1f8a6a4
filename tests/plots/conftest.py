"""Small tables with the columns that the analysis promises, where a test states only what differs."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from doaudit import plots

mpl.use("Agg")


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Start and end each test without figures, which pyplot keeps for ever."""
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def ax():
    """Axes of a figure that pyplot does not know."""
    return Figure(figsize=(9, 5), layout="constrained").add_subplot()


def _rows(defaults, columns):
    length = max([len(values) for values in columns.values()], default=0)
    return pd.DataFrame({name: columns.get(name, [value] * length) for name, value in defaults.items()})


def _builder(defaults):
    @pytest.fixture
    def fixture():
        return lambda **columns: _rows(defaults, columns)

    return fixture


@pytest.fixture
def durations_table():
    """Build a durations table."""

    def build(**columns):
        defaults = {"type": "snapshot", "actions": 812, "open": 0, "finished": 812, "errored": 3, "untimed": 0}
        defaults |= {"p50_s": 60, "p50_low_s": 50, "p50_high_s": 70, "p90_s": 300, "p90_low_s": 250}
        defaults |= {"p90_high_s": 400, "p99_s": 900, "p99_low_s": 700, "p99_high_s": 1500, "max_s": 2000, "note": ""}
        return _rows(defaults, columns)

    return build


@pytest.fixture
def curves_table():
    """Build a table of curves, of durations and of outcomes: twenty steps a group."""

    def build(**columns):
        steps = [{name: values[at] for name, values in columns.items()} for at in range(len(columns["type"]))]
        rows = [
            {
                **group, "after_s": 3 ** (step // 2), "share": step / 20, "low": step / 25, "high": step / 19,
                "completed": step / 20, "errored": step / 200, "unclear": 0.0, "open": 1 - step * 11 / 200,
            }
            for group in steps for step in range(1, 19)
        ]  # fmt: skip
        names = ["type", "after_s", "share", "low", "high", "completed", "errored", "unclear", "open"]
        return pd.DataFrame(rows, columns=names)

    return build


rates_table = _builder(
    {"type": "snapshot", "actions": 812, "open": 0, "unclear": 0, "finished": 812, "errored": 3}
    | {"failure_rate": 0.004, "low": 0.001, "high": 0.011, "deff": 1.0, "q": 0.4}
)


@pytest.fixture
def incidents_table():
    """Build an incidents table."""

    def build(**columns):
        defaults = {"region": "ams3", "first_failure_at": pd.Timestamp("2026-06-17T13:04:28Z")}
        defaults |= {"last_failure_at": pd.Timestamp("2026-06-17T17:16:58Z"), "actions": 239, "errored": 150}
        return _rows(defaults | {"expected": 2.2, "q": 0.0, "types": "snapshot (150)", "ids": "1, 2"}, columns)

    return build


@pytest.fixture
def retry_rates_table():
    """Build a retry rates table."""

    def build(**columns):
        defaults = {"type": "snapshot", "failures": 97, "recovered": 29, "failed_again": 5, "not_retried": 63}
        defaults |= {"open": 0, "unclear": 0, "recovery_rate": 29 / 34, "low": 0.698, "high": 0.936}
        return _rows(defaults | {"deff": np.nan, "p50_recovery_s": 4306.0}, columns)

    return build


concurrency_table = _builder(
    {"type": "snapshot", "actions": 5965, "untimed": 1, "most": 15, "most_s": 64, "p99": 1.0, "mean": 0.03}
    | {"most_at": pd.Timestamp("2026-06-17T13:26:30Z"), "busy_share": 0.0288}
)


@pytest.fixture
def changes_table():
    """Build a changes table."""

    def build(**columns):
        days = pd.to_datetime(["2026-06-17", "2026-06-14", "2026-06-20"], utc=True)
        defaults = {"type": "snapshot", "what": "duration", "shape": "step"}
        defaults |= dict(zip(["since", "since_low", "since_high"], days, strict=True))
        defaults |= {"before_s": 60.0, "after_s": 90.0, "rate_before": np.nan, "rate_after": np.nan, "ratio": 1.5}
        return _rows(defaults | {"ratio_low": 1.4, "ratio_high": 1.6, "q": 0.001, "actions": 812}, columns)

    return build


@pytest.fixture
def compare_table():
    """Build a table of two periods."""

    def build(**columns):
        defaults = {"type": "snapshot", "presence": "both", "actions_before": 812, "actions_after": 790}
        defaults |= {"rate_before": 0.01, "rate_after": 0.02, "p50_before_s": 60.0, "p50_before_low_s": 50.0}
        defaults |= {"p50_before_high_s": 70.0, "p50_after_s": 90.0, "p50_after_low_s": 80.0, "p50_after_high_s": 99.0}
        return _rows(defaults | {"q_rate": 0.4, "q_duration": 0.01, "q_tail": 0.4, "q": 0.01}, columns)

    return build


@pytest.fixture
def activity_table():
    """Build an activity table of as many periods as its first column has, each with a row for each of the groups."""

    def build(freq="D", groups=None, **columns):
        table = _rows({"completed": 0, "errored": 0, "open": 0, "unclear": 0}, columns)
        count = len(table) // len(groups or [""])
        periods = pd.date_range("2026-01-05", periods=count, freq=freq, tz="UTC").as_unit("s")
        table.insert(0, "period", periods.take(np.arange(len(table)) % max(count, 1)))
        table.insert(1, "actions", table[["completed", "errored", "open", "unclear"]].sum(axis=1))
        if groups:
            table.insert(0, "type", np.repeat(groups, len(periods)))
        return table

    return build


@pytest.fixture
def week_table():
    """Build a week pattern in which each hour of the week, counted from Monday 00:00, has its own number as count."""
    hours = np.arange(168)
    table = pd.DataFrame({"weekday": hours // 24, "hour": hours % 24, "actions": hours, "errored": 0})
    return table.assign(failure_rate=0.0, zone="UTC").sample(frac=1, random_state=1)


_ACTION = {
    "id": 1,
    "type": "snapshot",
    "resource_type": "droplet",
    "resource": "droplet:123",
    "resource_name": "web-1",
    "region": "fra1",
    "started_at": pd.Timestamp("2026-03-12T22:27:07Z"),
}


slowest_table = _builder(_ACTION | {"completed_at": pd.NaT, "duration_s": 4000, "status": "completed"})


open_table = _builder(
    _ACTION
    | {"age_s": 90, "verdict": "normal", "finished": 812, "older_than": 0.5, "p50_left_s": 30.0, "p90_left_s": 80.0}
)


@pytest.fixture
def timeline_table():
    """Build a timeline."""

    def build(**columns):
        times = {"start": _ACTION["started_at"], "end": pd.Timestamp("2026-03-12T22:27:14Z"), "duration_s": 7.0}
        action = {name: value for name, value in _ACTION.items() if name != "started_at"}
        return _rows(action | times | {"outcome": "completed"}, columns)

    return build


@pytest.fixture
def periods_table():
    """Build a table of power periods."""

    def build(**columns):
        defaults = {"resource": "droplet:123", "resource_name": "web-1", "region": "fra1"}
        defaults |= {"off_from": pd.Timestamp("2026-03-12T22:27:07Z"), "off_to": pd.NaT, "still_off": False}
        defaults |= {"off_s": 90_000.0, "off_by": "power_off", "off_id": 1, "on_by": "power_on", "on_id": 2}
        return _rows(defaults | {"by_doaudit": None, "certain": True, "note": ""}, columns)

    return build


@pytest.fixture
def backups_table():
    """Build a table of backups."""

    def build(**columns):
        defaults = {"resource": "droplet:123", "resource_name": "web-1", "region": "fra1"}
        defaults |= {"last_taken_at": pd.Timestamp("2026-03-12T22:27:07Z"), "last_type": "backup", "age_s": 90_000.0}
        defaults |= {"longest_gap_s": 200_000.0, "taken": 12, "errored": 1, "without": False, "still_exists": None}
        table = _rows(defaults, columns)
        return table.assign(still_exists=pd.array(table["still_exists"], dtype="boolean"))

    return build


@pytest.fixture
def churn_table():
    """Build a table of churn of as many weeks as its first column has."""

    def build(**columns):
        table = _rows({"kind": "droplet", "created": 0, "destroyed": 0, "existed": 0}, columns)
        weeks = pd.date_range("2026-01-05", periods=len(table), freq="7D", tz="UTC").as_unit("s")
        table.insert(1, "week", weeks)
        return table

    return build


_BEGIN, _END = (pd.Timestamp(f"2026-03-12T22:27:{second}Z") for second in ("07", "14"))

findings_table = _builder(
    {
        "severity": "look",
        "kind": "droplet off",
        "group": "web-1",
        "since": _BEGIN,
        "sentence": "",
        "call": "",
        "ids": "1",
    }
)
failures_table = _builder(_ACTION | {"completed_at": _END, "duration_s": 7.0})
retries_table = _builder(
    {name: value for name, value in _ACTION.items() if name not in ("id", "started_at")}
    | {"first_failure_at": _BEGIN, "attempts": 2, "errored": 1, "outcome": "recovered", "recovered_at": _END}
    | {"recovery_s": 4306.0, "ids": "1, 2"}
)
lifespans_table = _builder(
    {"kind": "droplet", "resource": "droplet:123", "resource_name": "web-1", "region": "fra1", "created_at": _BEGIN}
    | {"destroyed_at": pd.NaT, "lifespan_s": 90_000.0, "lives": True}
)
last_actions_table = _builder(
    _ACTION | {"completed_at": _END, "status": "completed", "duration_s": 7.0, "age_s": 90_000.0, "actions": 3}
)
problems_table = _builder({"id": 1, "problem": "region_missing", "detail": "There is no region."})


@pytest.fixture(params=plots.__all__)
def plot(request):
    """Each function of `doaudit.plots` in turn, by name."""
    return request.param


@pytest.fixture
def long_table(plot, request):
    """A full table for *plot*: 20 rows, names longer than fit, notes and texts next to them where there can be any."""
    names = [f"an_action_type_whose_name_goes_on_and_on_and_on_as_number_{number}" for number in range(20)]
    note = "p90 needs 36 finished actions; p99 needs 368 finished actions"
    if plot == "week_pattern":
        return request.getfixturevalue("week_table")
    maker, columns = {
        "durations": ("durations_table", {"type": names, "note": [note] * 20, "open": [1234] * 20}),
        "duration_curves": ("curves_table", {"type": names}),
        "outcome_curves": ("curves_table", {"type": names}),
        "failure_rates": ("rates_table", {"type": names, "open": [1234] * 20}),
        "incidents": ("incidents_table", {"region": names}),
        "retry_rates": ("retry_rates_table", {"type": names, "unclear": [7] * 20, "open": [3] * 20}),
        "concurrency": ("concurrency_table", {"type": names}),
        "changes": ("changes_table", {"type": names}),
        "compare": ("compare_table", {"type": names, "q_duration": [0.01, 0.4] * 10, "q_rate": [0.01] * 20}),
        "activity": ("activity_table", {"completed": range(20), "errored": [3] * 20, "open": [1] * 20}),
        "slowest": ("slowest_table", {"resource": names, "status": ["errored", "completed"] * 10}),
        "open_actions": (
            "open_table",
            {"resource": names, "verdict": ["stuck", "slow", "normal", "too few to tell"] * 5},
        ),
        "timeline": ("timeline_table", {"resource": names, "outcome": ["errored", "open"] * 10}),
        "findings": ("findings_table", {"group": names, "severity": ["act now", "look", "know", "look"] * 5}),
        "failures": ("failures_table", {"type": names}),
        "retries": ("retries_table", {"resource_name": names, "outcome": ["recovered", "open", "unclear", "x"] * 5}),
        "lifespans": ("lifespans_table", {"resource_name": names, "kind": ["droplet", "reserved_ip"] * 10}),
        "last_actions": ("last_actions_table", {"type": names, "status": ["errored", "completed"] * 10}),
        "problems": ("problems_table", {"problem": names, "detail": [note] * 20}),
        "backups": (
            "backups_table",
            {"resource_name": names, "still_exists": [False, True] * 10, "without": [True] * 9 + [False] * 11},
        ),
        "churn": ("churn_table", {"created": range(20), "destroyed": [3] * 20, "existed": [1234] * 20}),
        "power_periods": (
            "periods_table",
            {"resource_name": names, "still_off": [True] * 5 + [False] * 15, "certain": [False, True] * 10},
        ),
    }[plot]
    return request.getfixturevalue(maker)(**columns)


@pytest.fixture
def draw(plot):
    """The function of this plot."""
    return getattr(plots, plot)


def _hidden_ticks(figure):
    """The labels of ticks that matplotlib keeps beyond the ends of an axis and never draws."""
    for axes in figure.findobj(Axes):  # those inside other Axes, too
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    yield from (tick.label1, tick.label2)


@pytest.fixture
def visible_texts():
    """Return the function that lists the texts a reader sees in a figure, each with its box in pixels."""

    def find(figure):
        figure.draw_without_rendering()
        hidden = set(_hidden_ticks(figure))
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
        return [(text, text.get_window_extent()) for text in texts if text not in hidden]

    return find
