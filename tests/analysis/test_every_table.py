"""Rules for every table: its columns and dtypes, odd frames, other engines, and that nothing is changed."""

from __future__ import annotations

import inspect

import pandas as pd
import pytest

from doaudit import analysis
from doaudit.analysis import (
    activity,
    backups,
    change_series,
    changes,
    churn,
    compare,
    concurrency,
    daily_concurrency,
    daily_failures,
    duration_curves,
    duration_distribution,
    durations,
    failure_rates,
    failures,
    findings,
    incidents,
    last_actions,
    lifespans,
    open_actions,
    outcome_curves,
    power_periods,
    problems,
    retries,
    retry_rates,
    slowest,
    tally,
    timeline,
    week_pattern,
)
from doaudit.tables import TABLES as REGISTERED

ACTION_COLUMNS = {
    "id": "int64",
    "type": "category",
    "resource_type": "category",
    "resource": "category",
    "resource_name": "category",
    "region": "category",
    "started_at": "datetime64[s, UTC]",
}
COUNTS = dict.fromkeys(["actions", "completed", "errored", "open", "unclear"], "int64")
PERCENTILES = [f"p{percent}{side}_s" for percent in (50, 90, 99) for side in ("", "_low", "_high")]
TABLES = {
    "tally": (
        lambda actions: tally(actions, "type"),
        {"type": "category", "outcome": "category", "seconds": "Int64", "actions": "int64"},
    ),
    "durations": (
        durations,
        {"type": "category"}
        | dict.fromkeys(["actions", "open", "finished", "completed", "errored", "untimed"], "int64")
        | dict.fromkeys(["completed_share", *PERCENTILES, "max_s", "deff"], "float64")
        | {"note": "text"},
    ),
    "duration_distribution": (
        duration_distribution,
        {"type": "category", "from_s": "int64", "to_s": "int64", "actions": "int64", "share": "float64"},
    ),
    "duration_curves": (
        duration_curves,
        {"type": "category", "after_s": "int64"} | dict.fromkeys(["share", "low", "high"], "float64"),
    ),
    "outcome_curves": (
        outcome_curves,
        {"type": "category", "after_s": "int64"}
        | dict.fromkeys(["completed", "errored", "unclear", "open"], "float64"),
    ),
    "failure_rates": (
        failure_rates,
        {"type": "category"}
        | dict.fromkeys(["actions", "open", "unclear", "finished", "errored"], "int64")
        | dict.fromkeys(["failure_rate", "low", "high", "deff", "q"], "float64")
        | {"groups_tested": "int64", "rate_if_open_complete": "float64", "rate_if_open_fail": "float64"},
    ),
    "incidents": (
        incidents,
        {"region": "category", "first_failure_at": "datetime64[s, UTC]", "last_failure_at": "datetime64[s, UTC]"}
        | {
            "actions": "int64",
            "errored": "int64",
            "expected": "float64",
            "q": "float64",
            "types": "text",
            "ids": "text",
        },
    ),
    "daily_failures": (
        daily_failures,
        {"region": "category", "day": "datetime64[s, UTC]", "actions": "int64", "finished": "int64"}
        | {"errored": "int64", "expected": "float64", "q": "float64"},
    ),
    "changes": (
        changes,
        {"type": "category", "what": "text", "shape": "text"}
        | dict.fromkeys(["since", "since_low", "since_high"], "datetime64[s, UTC]")
        | dict.fromkeys(["before_s", "after_s", "rate_before", "rate_after"], "float64")
        | dict.fromkeys(["ratio", "ratio_low", "ratio_high", "q"], "float64")
        | {"actions": "int64", "sentence": "text"},
    ),
    "change_series": (
        change_series,
        {"type": "category", "what": "text", "week": "datetime64[s, UTC]", "is_after": "bool", "actions": "int64"}
        | {"median_s": "float64", "failure_rate": "float64"},
    ),
    "compare": (
        compare,
        {"type": "category", "presence": "text"}
        | {
            f"{name}_{period}": "int64"
            for name in ("actions", "open", "finished", "errored")
            for period in ("before", "after")
        }
        | dict.fromkeys(["rate_before", "rate_after"], "float64")
        | dict.fromkeys([f"rate_change{part}" for part in ("", "_low", "_high")], "float64")
        | {f"p50_{period}{part}_s": "float64" for period in ("before", "after") for part in ("", "_low", "_high")}
        | dict.fromkeys(["ratio", "ratio_low", "ratio_high"], "float64")
        | dict.fromkeys(["q_rate", "q_duration", "q_tail", "q"], "float64")
        | {"tests": "int64", "sentence": "text"},
    ),
    "findings": (
        findings,
        {"severity": "category", "kind": "text", "group": "text", "since": "datetime64[s, UTC]"}
        | dict.fromkeys(["sentence", "call", "ids"], "text"),
    ),
    "failures": (failures, ACTION_COLUMNS | {"completed_at": "datetime64[s, UTC]", "duration_s": "float64"}),
    "slowest": (
        slowest,
        ACTION_COLUMNS | {"completed_at": "datetime64[s, UTC]", "duration_s": "float64", "status": "category"},
    ),
    "open_actions": (
        open_actions,
        ACTION_COLUMNS
        | {"age_s": "float64", "verdict": "category", "compared_with": "text", "finished": "int64"}
        | dict.fromkeys(["older_than", "usual_p50_s", "usual_p99_s", "p50_left_s", "p90_left_s"], "float64")
        | {"sentence": "text"},
    ),
    "retries": (
        retries,
        dict.fromkeys(["type", "resource_type", "resource", "resource_name", "region"], "category")
        | {"first_failure_at": "datetime64[s, UTC]", "attempts": "int64", "errored": "int64", "outcome": "category"}
        | {"recovered_at": "datetime64[s, UTC]", "recovery_s": "float64", "ids": "text"},
    ),
    "retry_rates": (
        retry_rates,
        {"type": "category"}
        | dict.fromkeys(["failures", "recovered", "failed_again", "not_retried", "open", "unclear"], "int64")
        | dict.fromkeys(["recovery_rate", "low", "high", "deff"], "float64")
        | dict.fromkeys([f"p50_recovery{side}_s" for side in ("", "_low", "_high")], "float64"),
    ),
    "last_actions": (
        last_actions,
        ACTION_COLUMNS
        | {"completed_at": "datetime64[s, UTC]", "status": "category", "duration_s": "float64", "age_s": "float64"}
        | {"actions": "int64"},
    ),
    "concurrency": (
        concurrency,
        {"type": "category", "actions": "int64", "untimed": "int64", "most": "int64", "most_at": "datetime64[s, UTC]"}
        | {"most_s": "int64", "p99": "float64", "mean": "float64", "busy_share": "float64"},
    ),
    "daily_concurrency": (
        daily_concurrency,
        {"type": "category", "day": "datetime64[s, UTC]", "most": "int64", "mean": "float64"},
    ),
    "timeline": (
        timeline,
        {name: dtype for name, dtype in ACTION_COLUMNS.items() if name != "started_at"}
        | {"start": "datetime64[s, UTC]", "end": "datetime64[s, UTC]", "duration_s": "float64", "outcome": "category"},
    ),
    **{
        f"activity {freq}": (
            lambda actions, freq=freq: activity(actions, freq),
            {"period": "datetime64[s, UTC]"} | COUNTS,
        )
        for freq in ("h", "D", "W", "MS", "ME")
    },
    "activity by two columns": (
        lambda actions: activity(actions, "W", by=["region", "type"]),
        {"region": "category", "type": "category", "period": "datetime64[s, UTC]"} | COUNTS,
    ),
    **{
        f"week_pattern {tz}": (
            lambda actions, tz=tz: week_pattern(actions, tz),
            {"weekday": "int64", "hour": "int64", "actions": "int64", "errored": "int64"}
            | {"failure_rate": "float64", "zone": "text"},
        )
        for tz in ("UTC", "Asia/Kolkata")
    },
    "power_periods": (
        power_periods,
        {"resource": "category", "resource_name": "category", "region": "category"}
        | {"off_from": "datetime64[s, UTC]", "off_to": "datetime64[s, UTC]", "still_off": "bool", "off_s": "float64"}
        | {"off_by": "category", "off_id": "int64", "on_by": "category", "on_id": "Int64"}
        | {"by_doaudit": "boolean", "certain": "bool", "note": "text"},
    ),
    "backups": (
        backups,
        {"resource": "category", "resource_name": "category", "region": "category"}
        | {"last_taken_at": "datetime64[s, UTC]", "last_type": "category"}
        | {"age_s": "float64", "longest_gap_s": "float64", "taken": "int64", "errored": "int64"}
        | {"without": "bool", "still_exists": "boolean"},
    ),
    "lifespans": (
        lifespans,
        {"kind": "category", "resource": "category", "resource_name": "category", "region": "category"}
        | {"created_at": "datetime64[s, UTC]", "destroyed_at": "datetime64[s, UTC]"}
        | {"lifespan_s": "float64", "lives": "bool"},
    ),
    "churn": (
        churn,
        {"kind": "category", "week": "datetime64[s, UTC]"}
        | dict.fromkeys(["created", "destroyed", "existed"], "int64"),
    ),
    "problems": (problems, {"id": "int64", "problem": "text", "detail": "text"}),
}
COUNTED = [name for name in TABLES if name != "problems"]
"""The tables that come from the tally: any engine makes them, and the order of the rows does not matter."""
MIXED = {
    "status": ["completed", "errored", "in-progress", "done", "pending", "odd", None, "completed", "errored"] * 30,
    "type": ["snapshot", "resize", "power_off", None, "shutdown", "destroy", "power_on", "backup", "create", None] * 27,
    "seconds": [0, 5, 4000, 30, 70, 60, 1, -5, 12] * 30,
    "resource": [(None, "droplet:1", "droplet:2")[number % 7 % 3] for number in range(270)],
    "started_at": [f"2026-03-{day:02}T{day % 24:02}:15:00Z" for day in range(1, 28)] * 10,
}
NOTHING = dict.fromkeys(
    ["type", "status", "resource_type", "resource_id", "resource", "resource_name", "region"], [None] * 3
)
FRAMES = {
    "empty": {"status": []},
    "one row": {"status": ["completed"]},
    "all open": {"status": ["in-progress"] * 3},
    "all errored": {"status": ["errored"] * 3},
    "all unclear": {"status": ["pending"] * 3},
    "all null": NOTHING | {"started_at": [None] * 3, "completed_at": [None] * 3, "observed_at": [None] * 3},
    "null groups": NOTHING | {"status": ["completed", "errored", "in-progress"]},
    "mixed": MIXED,
    "one second": {"type": ["power_off", "power_on", "create", "destroy", "snapshot"], "seconds": 0},
    "no resource": {"type": ["power_off", "power_on", "snapshot"], "resource": None},
}


def dtypes_of(table):
    """Return the names of the dtypes; text has another name in pandas 2 than in pandas 3."""
    return {name: "text" if pd.api.types.is_string_dtype(dtype) else str(dtype) for name, dtype in table.dtypes.items()}


def test_every_registered_table_is_tested_here():
    """A table that is added to the registry gets a row in this module."""
    tested = {name.split()[0] for name in TABLES}

    assert {table.name for table in REGISTERED} <= tested
    assert {table.companion for table in REGISTERED if table.companion} <= tested


def test_every_flag_of_a_table_is_an_argument_of_its_function():
    """A subcommand takes nothing that the function does not, nor groups twice."""
    for table in REGISTERED:
        arguments = inspect.signature(table.function).parameters
        assert {option.name for option in table.options} <= set(arguments)
        assert not (table.by and "by" in {option.name for option in table.options})


def test_only_public_names_are_offered():
    """Completion after `doaudit.analysis.` shows the tables and what describes them, and no module."""
    assert dir(analysis) == sorted(analysis.__all__)
    assert {table.name for table in REGISTERED} <= set(analysis.__all__)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_table_has_its_columns_whatever_the_actions(frame, table, kind):
    """Columns, their order and their dtypes never depend on the rows."""
    make, expected = TABLES[table]

    made = make(frame(**FRAMES[kind]))

    assert list(dtypes_of(made).items()) == list(expected.items())
    assert made.index.equals(pd.RangeIndex(len(made)))


@pytest.mark.parametrize("table", TABLES)
def test_the_actions_are_left_as_they_were(frame, table):
    """No table changes the frame it is made from."""
    actions = frame(**MIXED)
    before = actions.copy(deep=True)

    TABLES[table][0](actions)

    pd.testing.assert_frame_equal(actions, before)


@pytest.mark.parametrize("table", COUNTED)
@pytest.mark.parametrize("kind", ["empty", pytest.param("all null", marks=pytest.mark.release), "mixed"])
def test_every_engine_makes_the_same_table(frame, elsewhere, table, kind):
    """Polars and DuckDB give the figures, the order and the times that pandas gives."""
    actions, make = frame(**FRAMES[kind]), TABLES[table][0]

    expected, made = make(actions), make(elsewhere(actions))

    categories = expected.select_dtypes("category").columns
    pd.testing.assert_frame_equal(
        made.astype(dict.fromkeys(categories, object)), expected.astype(dict.fromkeys(categories, object))
    )


@pytest.mark.parametrize("table", COUNTED)
def test_the_order_of_the_rows_means_nothing(frame, table):
    """Shuffled actions make the same table."""
    actions, make = frame(**MIXED), TABLES[table][0]

    pd.testing.assert_frame_equal(make(actions.sample(frac=1, random_state=3)), make(actions))


@pytest.mark.parametrize("make", [durations, failure_rates, duration_distribution])
@pytest.mark.parametrize("by", ["resource", ["resource_type", "type"], ("region",), "resource_id", "started_at", ()])
def test_any_columns_make_groups(frame, make, by):
    """`by` takes a column, several, or none; they come first, and the groups hold all actions."""
    actions = frame(**MIXED)
    keys = [by] if isinstance(by, str) else list(by)

    made = make(actions, by)

    assert made.columns[: len(keys)].tolist() == keys
    assert made.columns.is_unique
    assert made.dtypes[keys].equals(actions.dtypes[keys])
    if make is not duration_distribution:
        assert made["actions"].sum() == len(actions)
        assert not made.duplicated(keys).any() if keys else len(made) == 1


@pytest.mark.parametrize("make", [durations, failure_rates])
def test_all_of_nothing_is_one_row_of_zeros(frame, make):
    """Without columns to group by there is one row, even for an account in which nothing happened."""
    made = make(frame(status=[]), by=())

    assert made[["actions", "open", "finished", "errored"]].to_numpy().tolist() == [[0, 0, 0, 0]]
