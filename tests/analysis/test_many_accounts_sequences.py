"""Sequences and findings of many accounts: what is of one account is as if the others were not there."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from engine_frames import plain, to_duckdb, to_polars
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from joined import joined

import doaudit as da
from doaudit.actions import Record, categorical, to_frame
from doaudit.analysis import (
    backups,
    churn,
    concurrency,
    daily_concurrency,
    findings,
    last_actions,
    lifespans,
    power_periods,
    retries,
    retry_rates,
    timeline,
)
from doaudit.analysis.findings import in_short
from doaudit.analysis.resource_rows import resource_rows, seen_resources
from doaudit.errors import InvalidArgument
from doaudit.resources import DROPLET

NAMES = ("acme", "globex", "initech")
DAY_S = 86_400
FIRST = 1_767_225_600  # 2026-01-01
TYPES = (
    "create", "destroy", "power_off", "power_on", "shutdown", "reboot", "snapshot", "backup", "resize",
    "password_reset",
)  # fmt: skip
STATISTICAL = (
    "incident",
    "change of duration",
    "change of failure rate",
    "failing type",
    "stuck action",
    "slow action",
)


def by_account_and(table):
    """Return a table that groups as it is asked to, asked for groups within an account."""
    return lambda actions: table(actions, ["account", "type"] if "account" in actions else "type")


TABLES = {
    "power_periods": power_periods,
    "backups": backups,
    "lifespans": lifespans,
    "churn": churn,
    "retries": retries,
    "retries within an hour": lambda actions: retries(actions, within_s=3600),
    "retry_rates": retry_rates,
    "retry_rates by resource": lambda actions: retry_rates(actions, "resource"),
    "timeline": timeline,
    "timeline of one": lambda actions: timeline(actions, ["web-1", "droplet:2"]),
    "last_actions": last_actions,
    "last_actions that errored": lambda actions: last_actions(actions, outcome="errored"),
    "concurrency": by_account_and(concurrency),
    "daily_concurrency": by_account_and(daily_concurrency),
    "resource_rows": lambda actions: resource_rows(actions, DROPLET, TYPES),
    "seen_resources": lambda actions: seen_resources(actions, DROPLET),
}


def of_one(table, account):
    """Return the rows of one account of a table of many, without the column."""
    rows = table[table["account"] == account].drop(columns="account")
    return plain(rows.reset_index(drop=True))


def one_as_alone(made, make, accounts):
    """Compare the rows of each account in a table of many with the table of that account alone."""
    assert made.columns[0] == "account"
    assert isinstance(made["account"].dtype, pd.CategoricalDtype)
    assert made["account"].notna().all()
    for account, actions in accounts.items():
        pd.testing.assert_frame_equal(of_one(made, account), plain(make(actions)), obj=account)


@st.composite
def accounts_of_same_ids(draw):
    """Draw three small accounts with the same ids, resources and names, in different roles and at different times."""
    return {account: drawn_account(draw(st.integers(0, 2**20)), draw(st.integers(1, 40))) for account in NAMES}


def drawn_account(seed, count):
    """Build the actions of a small account, of ids, droplets and names that any other such account has, too."""
    drawn = random.Random(seed)  # noqa: S311 -- the same account for the same seed
    read_at = FIRST + drawn.choice([60, 75, 90]) * DAY_S
    records = []
    for number in range(1, count + 1):
        begin = FIRST + drawn.randrange(60) * DAY_S + drawn.choice([0, 60, 3600, 30_000])
        status = drawn.choice(["completed", "completed", "errored", "errored", "in-progress", "pending"])
        end = None if status == "in-progress" else begin + drawn.choice([0, 7, 60, 4000])
        kind, droplet = drawn.choice(TYPES), drawn.choice([1, 2, 3])
        region = drawn.choice(["fra1", "nyc3", None])
        records.append(Record(number, status, kind, moment(begin), moment(end), droplet, "droplet", region_slug=region))
    names = {
        f"droplet:{number}": name for number, name in enumerate(drawn.sample(["web-1", "web-2", None], 3), start=1)
    }
    actions = to_frame(records, observed_at=read_at)
    return actions.assign(resource_name=categorical(map(names.get, actions["resource"])))


def moment(seconds):
    """Write a moment as the API does, if there is one."""
    return None if seconds is None else f"{pd.Timestamp(seconds, unit='s'):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def companies():
    """Return the last actions of three simulated accounts, whose droplets have ids in common."""
    accounts = {}
    for seed, name in enumerate(NAMES, start=1):
        with da.demo(seed=seed) as account:
            actions = account.actions()
        accounts[name] = actions.head(2500).reset_index(drop=True)
    return accounts


@pytest.mark.parametrize("table", TABLES)
@given(accounts=accounts_of_same_ids())
@examples(60, quick=3)
def test_a_table_of_many_accounts_is_the_tables_of_each(table, accounts):
    """Whatever ids, resources and names accounts have in common, each one's rows are those of its own table."""
    if table == "timeline of one":
        accounts = {name: with_both_asked(actions) for name, actions in accounts.items()}

    one_as_alone(TABLES[table](joined(accounts)), TABLES[table], accounts)


def with_both_asked(actions):
    """Return actions in which web-1 and droplet:2 both are, in one action at least."""
    first = actions.index == 0
    return actions.assign(
        resource=categorical(actions["resource"].astype(object).mask(first, "droplet:2")),
        resource_name=categorical(
            None if pd.isna(name) else name for name in actions["resource_name"].astype(object).mask(first, "web-1")
        ),
    )


@pytest.mark.parametrize("table", [name for name in TABLES if name != "timeline of one"])
def test_a_table_of_simulated_accounts_is_the_tables_of_each(companies, table):
    """Simulated accounts have ids and keys of resources in common; nothing of one is taken for the other's."""
    one_as_alone(TABLES[table](joined(companies)), TABLES[table], companies)


@pytest.mark.parametrize("take", [to_polars, lambda actions: to_duckdb(actions, "America/New_York")])
@pytest.mark.parametrize("table", TABLES)
def test_every_engine_keeps_accounts_apart(table, take):
    """Polars and DuckDB make the tables of many accounts that pandas makes."""
    accounts = {name: with_both_asked(drawn_account(seed, 60)) for seed, name in enumerate(NAMES)}
    actions = joined(accounts)

    pd.testing.assert_frame_equal(plain(TABLES[table](take(actions))), plain(TABLES[table](actions)))


def facts_of(found):
    """Return what rules of fact say, but for the one that leaves out what is in incidents."""
    rows = found[~found["kind"].isin([*STATISTICAL, "nothing unusual", "failed again and again"])]
    return rows[["severity", "kind", "group", "since", "sentence", "ids"]].astype(object).to_numpy().tolist()


def same_facts(found, accounts, **arguments):
    """Hold the facts found of each account to those found in it alone."""
    for account, actions in accounts.items():
        its = found[(found["account"] == account).to_numpy(dtype=bool, na_value=False)]
        assert its["sentence"].str.startswith(f"{account}: ").all()
        its = its.assign(sentence=its["sentence"].str.removeprefix(f"{account}: "))
        assert facts_of(its) == facts_of(findings(actions, **arguments))


@given(accounts=accounts_of_same_ids())
@examples(40, quick=1)
def test_facts_about_an_account_are_those_found_in_it_alone(accounts):
    """Nothing another account has done makes a fact, or takes one away; `since` counts back from its own reading."""
    same_facts(findings(joined(accounts)), accounts)
    same_facts(findings(joined(accounts), since="20d"), accounts, since="20d")


def test_findings_of_simulated_accounts_are_those_of_each(companies):
    """Stuck and slow actions are the same, too: what is compared is of one account."""
    found = findings(joined(companies))

    same_facts(found, companies)
    for account, actions in companies.items():
        alone = findings(actions)
        for kind in ("stuck action", "slow action"):
            its = found[(found["kind"] == kind) & (found["account"] == account)]
            assert its["ids"].tolist() == alone.loc[alone["kind"] == kind, "ids"].tolist()
    assert found["severity"].cat.codes.is_monotonic_decreasing


@pytest.mark.parametrize("take", [to_polars, lambda actions: to_duckdb(actions, "America/New_York")])
def test_every_engine_finds_the_same_in_many_accounts(companies, take):
    """Polars and DuckDB find what pandas finds."""
    actions = joined({name: each.head(600) for name, each in companies.items()})

    pd.testing.assert_frame_equal(plain(findings(take(actions))), plain(findings(actions)))


def test_the_call_of_a_finding_shows_more_of_its_account(companies):
    """Each call runs on the frame of all accounts, and has rows of no other account."""
    actions = joined(companies)
    found = findings(actions)

    calls = found.loc[found["call"] != "", ["account", "call"]].drop_duplicates("call")
    shown = [eval(call, {"da": da, "actions": actions}) for call in calls["call"]]  # noqa: S307 -- the finding's own

    assert len(shown) > len(NAMES)
    for account, table in zip(calls["account"], shown, strict=True):
        assert set(table.get("account", [account])) == {account}
        assert len(table)


def reboots(names, days=60):
    """Return healthy accounts, in each of which one droplet reboots each day and is backed up."""
    records = [
        Record(2 * day + at, "completed", kind, moment(FIRST + day * DAY_S), moment(FIRST + day * DAY_S + 10 + day % 7),
               7, "droplet", region_slug="fra1")
        for day in range(days) for at, kind in enumerate(("reboot", "backup"))
    ]  # fmt: skip
    actions = to_frame(records, observed_at=FIRST + days * DAY_S)
    return dict.fromkeys(names, actions)


def test_nothing_unusual_is_one_row_for_all_accounts():
    """It says in how many accounts, is of none of them, and is not there if one of them has something."""
    accounts = reboots(NAMES)
    found = findings(joined(accounts))

    assert found["kind"].tolist() == ["nothing unusual"]
    assert found["account"].isna().tolist() == [True]
    assert found["sentence"].item().startswith("There is nothing to act on or to look at in 3 accounts. Looked for: ")

    idle = accounts["globex"][accounts["globex"]["type"] == "reboot"]
    one = findings(joined(accounts | {"globex": idle}))

    assert one[["account", "kind"]].to_numpy().tolist() == [["globex", "no backup"]]
    assert one["sentence"].item().startswith("globex: 1 of 1 droplet seen ")


def test_no_actions_of_many_accounts_are_nothing_unusual():
    """A frame of many accounts without rows has its tables, with the column, and no finding."""
    nothing = joined(reboots(NAMES)).head(0)

    for name, table in TABLES.items():
        if name != "timeline of one":
            made = table(nothing)
            assert made.empty
            assert made.columns[0] == "account"
    assert findings(nothing, since="7d")["kind"].tolist() == ["nothing unusual"]


def test_droplets_of_many_accounts_are_those_of_their_account():
    """The table has exactly the droplets given; a key that two accounts have is two droplets."""
    actions = joined(reboots(NAMES))
    droplets = pd.DataFrame({
        "account": ["acme", "globex", "newco"], "id": [7, 8, 7], "name": ["web", "db", "web"], "region": "fra1",
        "snapshot_ids": [[], [1], []], "backup_ids": [[5], [], []],
    })  # fmt: skip

    table = backups(actions, droplets)

    assert table[["account", "resource_name", "taken"]].to_numpy().tolist() == [
        ["globex", "db", 0], ["newco", "web", 0], ["acme", "web", 60],
    ]  # fmt: skip
    assert table["still_exists"].tolist() == [True, False, True]
    found = findings(actions, droplets)
    assert found["account"].tolist() == ["globex", "newco"]
    assert found["call"].tolist() == [
        f"""da.backups(actions, accounts.droplets()).query("account == '{name}'")""" for name in ("globex", "newco")
    ]


@pytest.mark.parametrize(("has", "said"), [
    ("actions", "The actions are of many accounts, .* and the droplets are not"),
    ("droplets", "The droplets are of many accounts, .* and the actions are not"),
])  # fmt: skip
def test_droplets_and_actions_are_of_the_same_accounts(has, said):
    """An id is unique in its account only, so both are of many accounts, or both of one."""
    actions = joined(reboots(NAMES))
    droplets = pd.DataFrame({
        "account": ["acme"], "id": [7], "name": ["web"], "region": ["fra1"], "snapshot_ids": [[]], "backup_ids": [[]],
    })  # fmt: skip
    given = (
        (actions, droplets.drop(columns="account")) if has == "actions" else (actions[actions.columns[1:]], droplets)
    )

    with pytest.raises(InvalidArgument, match=said):
        backups(*given)


def off_and_on(started):
    """Return a droplet of each account that was off and is on again by the same ids, and who switched it on."""
    times = [(moment(FIRST + at), moment(FIRST + at + 5)) for at in (0, 600)]
    records = [
        Record(number, "completed", kind, *time, 7, "droplet")
        for number, (kind, time) in enumerate(zip(("power_off", "power_on"), times, strict=True), start=1)
    ]
    actions = to_frame(records, observed_at=FIRST + DAY_S)
    table = power_periods(joined(dict.fromkeys(NAMES, actions)), started_by_doaudit=started)
    return dict(zip(table["account"], table["by_doaudit"], strict=True))


def test_what_doaudit_started_is_told_by_account_and_id():
    """An id that doaudit started in one account is somebody else's in the others."""
    started = pd.DataFrame({"account": ["globex", "acme"], "id": [2, 1]})

    assert off_and_on(started) == {"acme": False, "globex": True, "initech": False}
    with pytest.raises(InvalidArgument, match="started_by_doaudit has no 'account'"):
        off_and_on([1, 2])


def test_a_name_is_looked_for_in_every_account():
    """It may belong to different droplets; of each account the one that has it is listed, account by account."""
    actions = joined(reboots(("globex", "acme")))
    is_other = (actions["account"] == "globex") & (actions["type"] == "backup")
    actions = actions.assign(
        resource=categorical(actions["resource"].astype(object).mask(is_other, "droplet:9")),
        resource_name=categorical(["db" if other else "web" for other in is_other]),
    )
    swapped = actions.assign(
        resource_name=categorical(
            "web" if key == ("droplet:9" if account == "globex" else "droplet:7") else "db"
            for account, key in zip(actions["account"], actions["resource"], strict=True)
        )
    )

    table = timeline(swapped, "web")

    assert table["account"].drop_duplicates().tolist() == ["acme", "globex"]
    assert table.groupby("account", observed=True)["resource"].unique().str.join(" ").to_dict() == {
        "acme": "droplet:7", "globex": "droplet:9",
    }  # fmt: skip
    assert set(timeline(actions, "droplet:7")["account"]) == {"acme", "globex"}


def test_in_short_says_in_how_many_accounts():
    """The first finding of a kind stands for the others, which may be of the same account or of others."""
    found = pd.DataFrame({
        "account": ["acme", "globex", "acme", "acme"], "severity": ["look"] * 4,
        "kind": ["droplet off", "droplet off", "no backup", "no backup"],
        "sentence": ["acme: web is off.", "globex: db is off.", "acme: 1 of 2.", "acme: 2 of 2."],
    })  # fmt: skip

    assert in_short(found) == [
        ("look", "droplet off", "acme: web is off. And 1 more, in 2 accounts in all."),
        ("look", "no backup", "acme: 1 of 2. And 1 more."),
    ]  # fmt: skip
