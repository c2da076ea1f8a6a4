"""Every table of the registry, on every engine, in sessions of several time zones: the frame that pandas makes."""

from __future__ import annotations

import os
import random
from importlib import metadata
from pathlib import Path

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from engine_frames import ENGINES, ZONES, end_spark, need, plain, process_zone, to_duckdb, to_polars
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit import analysis
from doaudit.analysis import durations, failure_rates, problems, select, tally
from doaudit.analysis.engines import to_pandas
from doaudit.analysis.tally import timed
from doaudit.errors import InvalidArgument
from doaudit.tables import TABLES

# narwhals tells its users of Dask of a package of its own that is to come; ibis calls DuckDB by an older name; Spark's
# makers have not tried it on this pandas, and here it only hands over Arrow's columns.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Dask support is moving out of Narwhals:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

CALLS = {
    variant.name if not companion else f"{variant.name}, {function}": (function, dict(variant.arguments))
    for table in TABLES
    for variant in table.variants
    for companion, function in enumerate([table.name, table.companion])
    if function
} | {table.name: (table.name, {}) for table in TABLES if not table.variants}
"""Each table of the registry with the arguments of each variant, if any, and its companion with the same."""
ONCE = {function: (call, (function, given)) for call, (function, given) in reversed(CALLS.items())}
"""The first variant of each table, where one is enough."""
ROWS = 360
NEW_YORK = ZONES[1]
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "engines.md"
identical = {name: set() for name in ENGINES}
"""The zones in which an engine has made every table, filled by the test of it."""


def odd_actions(build):
    """Build actions around New York's change of clocks: nulls, words unknown, wrong times, an id that comes twice."""
    drawn = random.Random(7)  # noqa: S311 -- the same odd rows each time
    seconds = [drawn.choice([0, 1, 5, 30, 70, 400, 90_000]) for _ in range(ROWS)]
    starts = pd.Timestamp("2026-03-05T20:00:00Z") + pd.to_timedelta(
        [drawn.randrange(700_000) for _ in range(ROWS)], "s"
    )
    kinds = ["snapshot", "backup", "resize", "rotate_console_key", None, "create", "destroy", "power_off", "power_on"]
    words = ["completed"] * 12 + ["errored", "in-progress", "done", "pending", None]
    actions = build(
        type=[drawn.choice(kinds) for _ in range(ROWS)],
        status=[drawn.choice(words) for _ in range(ROWS)],
        resource=[drawn.choice(["droplet:1", "droplet:2", None]) for _ in range(ROWS)],
        resource_type=[drawn.choice(["droplet", "volume", "teapot", None]) for _ in range(ROWS)],
        resource_id=[drawn.choice([2**53 + 1, 7, None]) for _ in range(ROWS)],
        region=[drawn.choice(["fra1", "nyc3", None]) for _ in range(ROWS)],
        seconds=seconds,
        started_at=[str(start) for start in starts],
    )
    actions.loc[::40, "started_at"] = pd.NaT
    actions.loc[5::50, "completed_at"] = pd.NaT
    actions.loc[9::60, "completed_at"] = pd.Timestamp("2026-03-01T00:00:00Z")
    actions.loc[13::70, "completed_at"] = pd.Timestamp("2027-01-01T00:00:00Z")
    actions.loc[30, "id"] = actions.loc[31, "id"]
    return actions.sort_values(["started_at", "id"], ascending=False, ignore_index=True)


@pytest.fixture(scope="module")
def actions(frame):
    """Return a small account in which everything odd occurs."""
    return odd_actions(frame)


@pytest.fixture(scope="module")
def expected(actions):
    """Return every table, as pandas makes it."""
    return {call: plain(getattr(analysis, name)(actions, **given)) for call, (name, given) in CALLS.items()}


@pytest.fixture(scope="module")
def taken(actions, tmp_path_factory):
    """Return the function that takes the account to an engine, once for each engine and zone."""
    frames = {}

    def take(name, zone):
        if (name, zone) not in frames:
            frames[name, zone] = ENGINES[name].take(actions, zone, tmp_path_factory.mktemp("engine"))
        return frames[name, zone]

    yield take
    end_spark()


def every_engine(zones=(NEW_YORK,), without="", released=()):
    """Return the engines in each zone but for one, marked by the suite that tries them; some only before a release."""
    thorough, release = [[mark, pytest.mark.engines] for mark in (pytest.mark.thorough, pytest.mark.release)]
    return [
        pytest.param(
            name, zone, marks=release if zone != NEW_YORK or name in released else thorough if engine.apart else []
        )
        for name, engine in ENGINES.items()
        for zone in zones
        if name != without
    ]


@pytest.mark.parametrize(("engine", "zone"), every_engine(ZONES, released=["Spark Connect"]))
def test_every_engine_makes_every_table_that_pandas_makes(taken, expected, engine, zone):
    """Rows, order and dtypes depend neither on the engine, nor on the zone of its session or of the process."""
    need(ENGINES[engine])
    with process_zone(zone):
        rows = taken(engine, zone)
        if engine.startswith("Spark"):
            rows.sparkSession.conf.set("spark.sql.session.timeZone", zone)

        for call, (name, arguments) in CALLS.items():
            made = getattr(analysis, name)(rows, **arguments)
            pd.testing.assert_frame_equal(plain(made), expected[call], obj=f"{call} of {engine} in {zone}")
    identical[engine].add(zone)


@pytest.mark.release
@pytest.mark.engines
def test_the_guide_says_what_was_run():
    """The table of the guide is that of the engines that made every table just now; a variable has it written anew."""
    if {name for name in ENGINES if set(ZONES) <= identical[name]} != set(ENGINES):
        pytest.skip("Not every engine has run before this test; make test-engines runs all.")
    rows = ["| engine | version | handed over as | tables as in pandas | time zones |", "|---|---|---|---|---|"]
    for name, engine in ENGINES.items():
        version = ".".join(metadata.version(engine.package).split(".")[:2])
        tables = f"{len(CALLS)} of {len(CALLS)}"
        rows.append(f"| {name} | {version} | `{engine.handed}` | {tables} | {', '.join(sorted(identical[name]))} |")
    before, begin, rest = GUIDE.read_text(encoding="utf-8").partition("written by make test-engines -->\n")
    _, end, after = rest.partition("<!-- /engines -->")
    page = before + begin + "\n" + "\n".join(rows) + "\n\n" + end + after
    if os.environ.get("DOAUDIT_WRITE_ENGINES"):
        GUIDE.write_text(page, encoding="utf-8")

    assert begin
    assert GUIDE.read_text(encoding="utf-8") == page, "DOAUDIT_WRITE_ENGINES=1 make test-engines writes it anew."


# Once Spark Connect was used, the functions of pyspark are Connect's for the rest of the process: one of them will do.
@pytest.mark.parametrize(("engine", "zone"), every_engine(without="Spark"))
def test_every_engine_groups_by_a_time_and_by_numbers_alike(taken, actions, engine, zone):
    """A start is a moment, whatever zone a session shows it in, and an id beyond 2^53 stays whole."""
    need(ENGINES[engine])
    rows = taken(engine, zone)

    for by in (["started_at", "type"], "resource_id", ()):
        pd.testing.assert_frame_equal(plain(failure_rates(rows, by)), plain(failure_rates(actions, by)), obj=str(by))


@pytest.mark.parametrize(("engine", "zone"), every_engine(without="Spark"))
def test_every_engine_selects_the_rows_that_pandas_selects(taken, actions, engine, zone):
    """A selection is made where the rows are, and what is left is a frame of that engine, in any zone."""
    need(ENGINES[engine])
    rows = taken(engine, zone)
    selections = [
        {"since": "60h", "overlapping": True},
        {"until": "2026-03-08T02:30:00-05:00", "type": ["re*", None], "outcome": ["completed", "unclear"]},
        {"resource": ["droplet:?", None], "region": "nyc3", "text": "SNAP"},
    ]

    for chosen in selections:
        kept = select(rows, **chosen)
        ids = to_pandas(nw.from_native(kept).select("id"))["id"]
        assert type(kept) is type(rows)
        assert sorted(ids) == sorted(select(actions, **chosen)["id"])
        assert 0 < len(ids) < ROWS


@pytest.mark.parametrize("engine", ["Polars", "Polars, lazy", "DuckDB"])
def test_every_engine_makes_tables_of_many_groups_alike(frame, engine):
    """Of so many resources that rows are brought as numbers the percentiles are those of pandas, nulls included."""
    drawn, rows = random.Random(3), 3_000  # noqa: S311 -- the same rows each time
    actions = frame(
        resource=[drawn.choice([None, *(f"droplet:{number}" for number in range(1_200))]) for _ in range(rows)],
        type=[drawn.choice(["resize", "Reboot", "reboot", "Ünbekannt", None]) for _ in range(rows)],
        status=[drawn.choice(["completed", "errored", "in-progress", None]) for _ in range(rows)],
        seconds=[drawn.choice([0, 1, 90_000]) for _ in range(rows)],
        started_at=[drawn.choice([None, "1969-12-30T10:00:00Z", "2026-03-01T23:59:59Z"]) for _ in range(rows)],
    )
    elsewhere = ENGINES[engine].take(actions, "America/New_York", None)

    for by in ("resource", ["type", "resource"]):
        pd.testing.assert_frame_equal(plain(durations(elsewhere, by)), plain(durations(actions, by)), obj=str(by))
    pd.testing.assert_frame_equal(
        plain(tally(elsewhere, ["resource", "type"], by_day=True)),
        plain(tally(actions, ["resource", "type"], by_day=True)),
    )


NAIVE = {
    "pandas": lambda actions: actions.assign(started_at=actions["started_at"].dt.tz_localize(None)),
    "polars": lambda actions: to_polars(actions).with_columns(pl.col("started_at").dt.replace_time_zone(None)),
    "duckdb": lambda actions: to_duckdb(actions, "UTC").project(
        "* REPLACE (started_at AT TIME ZONE 'UTC' AS started_at)"
    ),
}


@pytest.mark.parametrize("engine", NAIVE)
def test_times_without_a_zone_are_refused_with_the_cast_to_write(actions, expected, engine):
    """The message names the column, and the statement in it makes the frame one that is taken."""
    naive = NAIVE[engine](actions)

    with pytest.raises(InvalidArgument, match="times in 'started_at' have no time zone") as refused:
        durations(naive)

    names = {"actions": naive, "pl": pl}
    exec(str(refused.value).partition("try again: ")[2], names)  # noqa: S102 -- the message's own statement
    pd.testing.assert_frame_equal(plain(durations(names["actions"])), expected["durations_by_type"])


def test_text_in_place_of_times_is_refused(actions):
    """Text is no time, and the message says which column has it."""
    with pytest.raises(InvalidArgument, match="column 'completed_at' holds no times but String"):
        durations(actions.assign(completed_at="2026-03-12T22:27:07Z"))


def test_whole_numbers_are_taken_as_seconds(actions, expected):
    """A frame whose times are seconds since 1970 already makes the same tables."""
    times = ["started_at", "completed_at", "observed_at"]
    numbers = to_polars(actions).with_columns(pl.col(times).dt.epoch("s"))

    for call, (name, arguments) in ONCE.values():
        pd.testing.assert_frame_equal(plain(getattr(analysis, name)(numbers, **arguments)), expected[call])


def test_columns_of_the_callers_own_are_in_nobodys_way(actions, expected):
    """A frame may have columns with the names that are added; only to group by them is refused."""
    own = actions.assign(seconds="mine", started_at_in_unix_seconds=0, unknown_type=7, start="mine", hour=3)

    for call, (name, arguments) in ONCE.values():
        pd.testing.assert_frame_equal(plain(getattr(analysis, name)(own, **arguments)), expected[call])
    with pytest.raises(InvalidArgument, match="cannot name 'started_at_in_unix_seconds'"):
        durations(own, by="started_at_in_unix_seconds")


def test_only_the_rows_of_problems_leave_the_engine(actions, monkeypatch):
    """Of a relation, the sound rows are never brought into pandas."""
    fetched = []
    take = duckdb.DuckDBPyRelation.df
    monkeypatch.setattr(
        duckdb.DuckDBPyRelation, "df", lambda self, **how: fetched.append(take(self, **how)) or fetched[-1]
    )
    sound = actions[~actions["id"].isin(set(problems(actions)["id"]))]
    some = pd.concat([sound, actions[actions["id"] == actions.loc[5, "id"]]])

    problems(to_duckdb(some, "UTC"))

    assert sum(map(len, fetched)) <= 1 < len(some)


SOME_ROWS = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=60, unique=True)
ELSEWHERE = st.tuples(st.sampled_from(["Polars", "DuckDB"]), st.sampled_from(ZONES))


@given(chosen=SOME_ROWS, cut=st.integers(0, 60), elsewhere=ELSEWHERE)
@examples(60, quick=6)
def test_parts_add_up_to_the_whole_on_any_engine(actions, chosen, cut, elsewhere):
    """The tallies of two parts, of another engine and another zone, sum to the tally of all rows."""
    rows, (engine, zone) = actions.iloc[chosen], elsewhere
    parts = [part for part in (rows.iloc[:cut], rows.iloc[cut:]) if len(part)]
    keys = ["type", "outcome", "seconds"]

    tallies = [tally(ENGINES[engine].take(part, zone, None), "type") for part in parts]

    def summed(tables):
        added = pd.concat([table.astype({"type": object, "outcome": object}) for table in tables])
        return added.groupby(keys, dropna=False)["actions"].sum().sort_index()

    pd.testing.assert_series_equal(summed(tallies), summed([tally(rows, "type")]))


@given(call=st.sampled_from(sorted(CALLS)), chosen=SOME_ROWS, seed=st.integers(0, 99), elsewhere=ELSEWHERE)
@examples(300, quick=12)
def test_neither_the_order_nor_the_engine_nor_the_zone_changes_a_table(actions, call, chosen, seed, elsewhere):
    """Any rows, in any order, on another engine in another zone, make a table alike."""
    rows, (engine, zone) = actions.iloc[sorted(chosen)], elsewhere
    shuffled = ENGINES[engine].take(rows.sample(frac=1, random_state=seed), zone, None)
    name, arguments = CALLS[call]
    make = getattr(analysis, name)

    pd.testing.assert_frame_equal(plain(make(shuffled, **arguments)), plain(make(rows, **arguments)))


def test_the_seconds_of_a_row_stay_whole_numbers(actions):
    """What statistics compute with is int64 in the engine itself, so that no rounding differs."""
    for engine in ("Polars", "DuckDB"):
        schema = timed(ENGINES[engine].take(actions, "Asia/Kolkata", None)).collect_schema()

        assert {schema[f"{time}_in_unix_seconds"] for time in ("started_at", "completed_at", "observed_at")} == {
            nw.Int64()
        }
