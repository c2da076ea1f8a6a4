"""Comparisons in a frame of many accounts: each account has the figures that it has alone."""

from __future__ import annotations

import narwhals as nw
import pandas as pd
import pytest
from engine_frames import ENGINES, end_spark, need, plain
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from joined import joined, of_account
from scipy import stats

import doaudit as da
from doaudit import analysis
from doaudit.actions import categorical, newest_first
from doaudit.analysis.expected import comparable_durations, expected_durations
from doaudit.errors import InvalidArgument
from doaudit.expected_duration import describe_age

pytestmark = [
    pytest.mark.filterwarnings("ignore:Dask support is moving out of Narwhals:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]  # as in test_every_engine

NAMES = ("globex", "acme", "initech")
LISTED = {"open_actions": {}, "failures": {}, "slowest": {"n": 10**6}, "problems": {}}
FOUND = {"incidents": {}, "daily_failures": {}, "changes": {}, "change_series": {}}
GROUPED = (
    "durations", "duration_distribution", "duration_curves", "outcome_curves", "failure_rates", "activity", "compare",
)  # fmt: skip
BY = ["account", "type"]
OF_ALL = ["q_rate", "q_duration", "q_tail", "q", "tests", "groups_tested", "sentence"]
"""What depends on the other groups of a table."""
GROUPS = st.lists(
    st.tuples(
        st.integers(1, 25),
        st.sampled_from(["snapshot", "resize", None]),
        st.sampled_from(["droplet:1", "droplet:2", None]),
        st.sampled_from(["completed"] * 4 + ["errored", "errored", "in-progress", "odd"]),
        st.sampled_from([0, 5, 60, 4_000]),
        st.sampled_from([None, "2025-06-01T10:00:00Z", "2026-03-01T23:00:00Z", "2026-03-02T01:00:00Z"]),
        st.sampled_from(["fra1", "nyc3", None]),
    ),
    max_size=7,
)
"""Groups of one account: how many, and the type, resource, status, first seconds, start and region of each."""


def built(frame, groups, name=""):
    """Build the actions of one account, whose ids and resources are those of the others."""
    if not groups:
        return built(frame, [(1, "snapshot", None, "completed", 0, None, None)]).iloc[:0]
    rows = [(*row[1:4], row[4] + at, *row[5:]) for row in groups for at in range(row[0])]
    kind, resource, status, seconds, start, region = map(list, zip(*rows, strict=True))
    made = frame(
        type=kind, resource=resource, status=status, seconds=seconds, started_at=start, region=region,
        resource_name=[None if each is None else f"{name}{each}" for each in resource],
    )  # fmt: skip
    made.loc[made.index[1::9], "id"] = 1
    coded = made.select_dtypes("category")
    words = {name: categorical(coded[name].astype(object).where(coded[name].notna(), None)) for name in coded}
    return newest_first(made.assign(**words))


def days(frame, slower_from, bad, factor):
    """Build 140 days of an account: durations that are longer from a day on, and a day on which all fail."""
    rows = [
        (day, at, "fra1" if at % 2 else "nyc3", "reboot" if at < 4 else "resize")
        for day in range(140)
        for at in range(9)
    ]
    moments = [pd.Timestamp("2026-01-01T10:00:00Z") + pd.Timedelta(day, "D") for day, *_ in rows]
    return frame(
        type=[kind for *_, kind in rows],
        region=[region for _, _, region, _ in rows],
        status=["errored" if day == bad or (day * 7 + at) % 97 == 0 else "completed" for day, at, *_ in rows],
        seconds=[20 * (factor if day >= slower_from else 1) + (day * 7 + at * 3) % 10 for day, at, *_ in rows],
        started_at=[f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments],
        resource=[f"droplet:{1 + at % 3}" for _, at, *_ in rows],
    )


def agree(made, alone, **options):
    """Compare each account's part of a table with the table of it alone."""
    assert made.columns[0] == "account"
    assert made["account"].dtype == "category"
    for name, table in alone.items():
        pd.testing.assert_frame_equal(of_account(made, name), plain(table), obj=name, **options)


@pytest.fixture(scope="module")
def planted(frame):
    """Return three accounts in which something changes, on days of their own, or all fails on one."""
    return {"globex": days(frame, 60, 30, 2), "acme": days(frame, 200, 90, 1), "initech": days(frame, 100, 200, 1.5)}


@pytest.fixture(scope="module")
def companies():
    """Return the actions of three simulated companies."""
    made = {}
    for seed, name in enumerate(NAMES, start=1):
        with da.demo(seed=seed, actions=2_500) as account:
            made[name] = account.actions()
    return made


@pytest.mark.parametrize("table", LISTED)
@examples(60, quick=5)
@given(three=st.tuples(GROUPS, GROUPS, GROUPS))
def test_each_account_is_listed_as_it_is_alone(frame, table, three):
    """Whatever the other accounts hold, and though all have the same ids and resources."""
    frames = {name: built(frame, groups, name) for name, groups in zip(NAMES, three, strict=True)}
    make = getattr(analysis, table)

    made = make(joined(frames), **LISTED[table])

    alone = {name: make(each, **LISTED[table]) for name, each in frames.items()}
    agree(made, alone)
    assert len(made) == sum(map(len, alone.values()))


@pytest.mark.parametrize("by", ["region", "type", ["resource", "type"], ()])
@examples(60, quick=5)
@given(three=st.tuples(GROUPS, GROUPS, GROUPS))
def test_what_is_usual_on_a_day_is_that_of_the_account(frame, by, three):
    """Counts and expected failures of each day are those of the account alone; q is that of all days together."""
    frames = {name: built(frame, groups, name) for name, groups in zip(NAMES, three, strict=True)}

    made = analysis.daily_failures(joined(frames), by)

    alone = {name: analysis.daily_failures(each, by).drop(columns="q") for name, each in frames.items()}
    agree(made.drop(columns="q"), alone)
    tested = made[made["finished"] > 0]
    p = stats.poisson.sf(tested["errored"] - 1, tested["expected"])
    assert tested["q"].tolist() == pytest.approx(stats.false_discovery_control(p).tolist() if len(tested) else [])


@examples(60, quick=5)
@given(groups=GROUPS, by=st.sampled_from(["region", "type", ["resource", "type"], ()]))
def test_the_same_account_three_times_has_its_incidents_three_times(frame, groups, by):
    """Then all q are what they are alone, and so is all else, ids and names included."""
    alone = built(frame, groups)

    made = analysis.incidents(joined(dict.fromkeys(NAMES, alone)), by, max_q=0.3)

    agree(made, dict.fromkeys(NAMES, analysis.incidents(alone, by, max_q=0.3)))


@pytest.mark.parametrize("table", FOUND)
@pytest.mark.parametrize("by", ["type", "resource", ()])
def test_what_is_found_in_an_account_is_what_is_found_in_it_alone(planted, table, by):
    """Incidents, changes and what is drawn of them, in all but q."""
    make = getattr(analysis, table)

    made = make(joined(planted), by).drop(columns="q", errors="ignore")

    alone = {name: make(each, by).drop(columns="q", errors="ignore") for name, each in planted.items()}
    if "sentence" in made:
        for name, each in alone.items():
            alone[name] = each.assign(sentence=f"{name}: " + each["sentence"])
    assert sum(len(each) for each in alone.values()) == len(made) > 0
    agree(made, alone)


def test_the_worst_comes_first_whichever_account_it_is_in(planted):
    """A table is in one order, not account by account, and its companion has the groups of it."""
    actions = joined(planted)

    found, series = analysis.changes(actions), analysis.change_series(actions)
    bad = analysis.incidents(actions)

    assert found["q"].is_monotonic_increasing
    assert set(found["account"]) == {"globex", "initech"}
    assert set(zip(*(series[name] for name in BY), strict=True)) == set(zip(*(found[name] for name in BY), strict=True))
    assert (bad["errored"] - bad["expected"]).is_monotonic_decreasing
    assert set(bad["account"]) == {"acme", "globex"}


@pytest.mark.parametrize("table", LISTED)
def test_simulated_companies_are_listed_as_they_are_alone(companies, table):
    """As above, in accounts of thousands of actions in which everything that the API sends occurs."""
    make = getattr(analysis, table)

    made = make(joined(companies), **LISTED[table])

    agree(made, {name: make(each, **LISTED[table]) for name, each in companies.items()})


@pytest.mark.parametrize("table", GROUPED)
def test_grouped_by_account_a_table_has_the_figures_of_each(companies, table):
    """By account and type, each account's groups are those of its frame by type, but for what compares groups."""
    make = getattr(analysis, table)

    def shown(made):
        """Leave out empty bins and periods, and what groups are tested together for, and sort what is left."""
        counted = made[made["actions"] > 0] if table in ("activity", "duration_distribution") else made
        order = [name for name in (*BY, "period", "day", "from_s", "after_s") if name in made]
        return plain(counted.drop(columns=OF_ALL, errors="ignore").sort_values(order, ignore_index=True))

    made = make(joined(companies), by=BY)

    assert made.columns[:2].tolist() == BY
    agree(shown(made), {name: shown(make(each, by="type")) for name, each in companies.items()})


@pytest.mark.parametrize("options", [{"last": "20d"}, {"at": "2026-11-01"}, {}])
def test_two_periods_are_compared_account_by_account(companies, elsewhere, options):
    """The moment between the periods is one for all; a sentence names the account, on every engine."""
    actions = joined(companies)

    made = analysis.compare(actions, by=BY, **options)

    assert set(made["account"]) == set(NAMES)
    assert all(row.sentence.startswith(f"{row.account}: ") for row in made.itertuples())
    pd.testing.assert_frame_equal(plain(analysis.compare(elsewhere(actions), by=BY, **options)), plain(made))


@pytest.fixture(scope="module")
def odd(frame):
    """Return two accounts with the same ids, resources and times, and an id that one of them has twice."""
    groups = [
        (25, "snapshot", "droplet:1", "completed", 5, "2026-03-01T23:00:00Z", "fra1"),
        (3, "snapshot", "droplet:1", "in-progress", 90, "2026-03-02T01:00:00Z", "fra1"),
        (8, "resize", "droplet:2", "errored", 0, "2026-03-02T01:00:00Z", None),
        (2, None, None, "odd", 0, None, "nyc3"),
    ]
    return joined({"globex": built(frame, groups, "g-"), "acme": built(frame, groups[:3], "a-").iloc[::-1]})


CALLS = {**LISTED, **FOUND, **{table: {"by": BY} for table in (*GROUPED, "concurrency", "daily_concurrency")}}


@pytest.mark.parametrize("call", CALLS)
def test_other_engines_make_the_same_of_many_accounts(odd, elsewhere, call):
    """Rows, order and dtypes do not depend on where the rows are; equal ones are in the order of their accounts."""
    make = getattr(analysis, call)

    pd.testing.assert_frame_equal(plain(make(elsewhere(odd), **CALLS[call])), plain(make(odd, **CALLS[call])))


@pytest.mark.thorough
@pytest.mark.engines
@pytest.mark.parametrize("engine", [name for name, each in ENGINES.items() if each.apart])
def test_engines_that_are_installed_apart_make_the_same(odd, engine, tmp_path):
    """Spark, Dask, ibis and PyArrow likewise."""
    need(ENGINES[engine])
    rows = ENGINES[engine].take(odd, "America/New_York", tmp_path)

    for call, arguments in CALLS.items():
        make = getattr(analysis, call)
        pd.testing.assert_frame_equal(plain(make(rows, **arguments)), plain(make(odd, **arguments)), obj=call)
    end_spark()


def test_an_open_action_is_compared_within_its_account(frame):
    """What is stuck in one account is normal in another, though type, resource and ids are the same."""
    fast = built(frame, [(30, "snapshot", "droplet:1", "completed", 1, "2026-03-01T00:00:00Z", "fra1")])
    running = [(1, "snapshot", "droplet:1", "in-progress", 900, "2026-03-02T00:00:00Z", "fra1")]
    slow = built(frame, [(30, "snapshot", "droplet:1", "completed", 900, "2026-03-01T00:00:00Z", "fra1"), *running])
    quick = joined({"acme": pd.concat([fast, built(frame, running)], ignore_index=True), "globex": slow})

    table = analysis.open_actions(quick).set_index("account")

    assert table["verdict"].to_dict() == {"acme": "stuck", "globex": "normal"}
    assert table["finished"].tolist() == [30, 30]


def test_the_last_180_days_are_those_before_an_account_was_last_read(frame):
    """A history that was read a year ago is compared with what was usual then."""
    taken = [(100, "snapshot", "droplet:1", "completed", 50), (60, "snapshot", "droplet:1", "completed", 1)]
    running = (1, "snapshot", "droplet:1", "in-progress", 70)

    def read(year):
        starts = [f"{year}-03-01T00:00:00Z", f"{year - 1}-01-01T00:00:00Z", f"{year}-03-02T00:00:00Z"]
        groups = [(*each, start, "fra1") for each, start in zip([*taken, running], starts, strict=True)]
        return built(frame, groups).assign(observed_at=pd.Timestamp(f"{year}-04-01", tz="UTC").as_unit("s"))

    frames = {"acme": read(2026), "globex": read(2025)}

    made = analysis.open_actions(joined(frames))

    assert set(made["compared_with"]) == {"100 snapshot of droplet:1 in 180 days"}
    agree(made, {name: analysis.open_actions(each) for name, each in frames.items()})


@pytest.mark.parametrize("compute", [comparable_durations, expected_durations])
def test_expected_durations_are_of_one_account(odd, compute):
    """They know types and resources only, so more than one account is refused, with the way to one of them."""
    with pytest.raises(InvalidArgument, match=r"""of 2: 'acme', 'globex'.*da\.select\(actions, account="acme"\)"""):
        compute(odd)

    one = da.select(odd, account="acme")
    assert compute(one) == compute(one.drop(columns="account"))
    assert compute(one)


def test_expected_durations_of_one_account_come_from_every_engine(odd, elsewhere):
    """A verdict is that of the table, whichever engine holds the one account."""
    one = elsewhere(da.select(odd, account="acme"))

    usual = comparable_durations(one)

    table = analysis.open_actions(one)
    assert table["sentence"].tolist() == [
        describe_age(age, usual.of("snapshot", "droplet:1")) for age in table["age_s"]
    ]
    with pytest.raises(InvalidArgument, match="of 2: 'acme', 'globex'"):
        comparable_durations(elsewhere(odd))


def test_an_id_of_two_accounts_is_no_duplicate(frame):
    """An id is unique in its account; twice in one of them is a problem of that one."""
    taken = [(3, "resize", "droplet:1", "completed", 5, "2026-03-01T00:00:00Z", "fra1")]
    once, twice = built(frame, taken).assign(id=[7, 8, 9]), built(frame, taken).assign(id=[7, 8, 8])

    table = analysis.problems(joined({"globex": once, "acme": twice}))

    assert table[["account", "id", "problem"]].to_numpy().tolist() == [["acme", 8, "duplicate_id"]] * 2


def test_a_name_is_that_of_the_account_where_the_table_tells_accounts_apart(frame, elsewhere):
    """Grouped by resource alone, one key is one group, and has the newest name of all accounts."""
    old = frame(resource="droplet:1", resource_name=["first", "then"], started_at=["2026-03-01", "2026-03-02"])
    new = frame(resource="droplet:1", resource_name=["other", None], started_at=["2026-03-03", "2026-03-04"])
    tied = frame(resource="droplet:2", resource_name=["x", "y"], started_at="2026-03-01T00:00:00Z")
    both = joined({"globex": pd.concat([old, tied], ignore_index=True), "acme": pd.concat([new, tied.iloc[:1]])})

    for actions in (both, elsewhere(both)):
        apart = analysis.failure_rates(actions, by=["account", "resource"])
        names = dict(zip(zip(apart["account"], apart["resource"], strict=True), apart["resource_name"], strict=True))
        assert names == {
            ("acme", "droplet:1"): "other", ("acme", "droplet:2"): "x",
            ("globex", "droplet:1"): "then", ("globex", "droplet:2"): "y",
        }  # fmt: skip
        together = analysis.failure_rates(actions, by="resource").set_index("resource")
        assert together["resource_name"].to_dict() == {"droplet:1": "other", "droplet:2": "y"}
        assert together["actions"].to_dict() == {"droplet:1": 4, "droplet:2": 3}


def test_a_frame_of_one_account_may_have_the_column(companies):
    """Then every table is that without it, after the name."""
    alone = companies["acme"]
    one = joined({"acme": alone})

    for table, arguments in {**LISTED, "daily_failures": {}}.items():
        make = getattr(analysis, table)
        agree(make(one, **arguments), {"acme": make(alone, **arguments)})
    assert nw.from_native(da.select(one, account="acme")).shape == one.shape
