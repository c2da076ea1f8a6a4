"""Several accounts as one: each is read beside the others, none stops the others, and none is mixed up with another."""

from __future__ import annotations

import warnings

import duckdb
import pandas as pd
import polars as pl
import pytest
from agency import BAD, LIMITED, SLOW, Agency, fifty_worlds, small_world
from exposed import places_of, raised_by
from pandas.testing import assert_frame_equal

import doaudit as da
from doaudit.actions import COLUMNS, put_together
from doaudit.demo import World
from doaudit.errors import FileProblem, InvalidArgument, TokenMissing, Unauthorized
from doaudit.secret import Secret

TOKEN = "dop_v1_" + 16 * "3fa9"


@pytest.fixture
def agency():
    """Five accounts that share ids and resources, one of them with a bad token."""
    with Agency({"acme": small_world(1), "globex co": small_world(2), "initech": small_world(3), BAD: World()}) as run:
        yield run


@pytest.fixture
def opened(agency, tmp_path):
    """The accounts, opened by their tokens."""
    with da.accounts(agency.tokens, tmp_path / "histories", base_url=agency.url) as accounts:
        yield accounts


@pytest.fixture
def well(agency, tmp_path):
    """Those of them that can be read."""
    tokens = {name: token for name, token in agency.tokens.items() if name != BAD}
    with da.accounts(tokens, tmp_path / "histories", base_url=agency.url) as accounts:
        yield accounts


def as_text(frame):
    """The frame with texts in place of categories, whose order may differ."""
    return frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))


def test_the_frame_has_every_action_of_every_account(agency, well):
    """The rows of each account are those that it has by itself, in one order, under its name."""
    actions = well.actions()

    assert list(actions.columns) == ["account", *COLUMNS]
    assert actions["account"].value_counts().to_dict() == {name: len(agency.worlds[name].log) for name in well}
    assert actions["started_at"].is_monotonic_decreasing
    for name in well:
        own = actions[actions["account"] == name].drop(columns="account").reset_index(drop=True)
        assert_frame_equal(as_text(own), as_text(well[name].actions(refresh=False)))


def test_an_account_that_cannot_be_read_is_named_and_stops_no_other(opened):
    """The result is not complete, says whose token is bad and why, and has all of the others."""
    result = opened.refresh()

    assert (result.complete, result.as_asked, list(result.failed)) == (False, False, [BAD])
    assert set(result.read) == set(opened) - {BAD}
    assert str(result).startswith("3 of 4 accounts read: ")
    assert "INCOMPLETE" in str(result).splitlines()[0]
    assert f"\n{BAD} was not read: " in str(result)
    with pytest.warns(UserWarning, match=f"{BAD} was not read") as told:
        actions = opened.actions()
    assert len(told) == 1
    assert set(actions["account"]) == set(result.read)


def test_if_none_can_be_read_that_is_an_error(agency, tmp_path):
    """A frame without a row would look like accounts in which nothing happened."""
    with da.accounts({BAD: agency.tokens[BAD]}, tmp_path, base_url=agency.url) as accounts, pytest.raises(Unauthorized):
        accounts.actions()


def test_a_second_refresh_costs_each_account_what_is_new(agency, well):
    """One request each, where nothing is new and nothing was open."""
    well.refresh()
    before = agency.requests

    result = well.refresh()

    assert {name: agency.requests[name] - before[name] for name in well} == dict.fromkeys(well, 1)
    assert result.complete
    assert str(result).startswith("3 accounts read: 0 new actions")


def test_no_more_than_sixteen_requests_are_under_way(tmp_path):
    """The bound holds over all accounts together, and is used."""
    worlds = {f"team-{number}": small_world(number) for number in range(30)}
    with Agency(worlds, held_until=12) as run, da.accounts(run.tokens, tmp_path, base_url=run.url) as accounts:
        assert accounts.refresh().complete
        assert 12 <= run.most_in_flight <= 16


@pytest.mark.release
def test_fifty_accounts_are_one(tmp_path):
    """Two large ones, a limited and a slow one are whole; the bad one is named; every way to the tables is the same."""
    with Agency(fifty_worlds()) as run, da.accounts(run.tokens, tmp_path / "kept", base_url=run.url) as accounts:
        with pytest.warns(UserWarning, match=BAD):
            actions = accounts.actions()
        whole = {name for name, proof in _proofs(accounts).items() if proof.complete}
        assert whole == set(run.worlds) - {BAD} >= {LIMITED, SLOW}
        _check_each_way(accounts, actions, tmp_path)


def _proofs(accounts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the account that cannot be opened
        return accounts.proof


def _check_each_way(accounts, actions, folder):
    """Make tables of the frame, of frames put together, of the relation and of a folder of Parquet files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        lake = accounts.history.export_parquet(folder / "lake")
        relation = accounts.history.relation()
        frames = {name: accounts[name].actions(refresh=False) for name in _proofs(accounts)}
    assert {path.name for path in lake.iterdir()} == {f"account={name}" for name in frames}
    assert_frame_equal(put_together(frames), actions)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    ways = {
        "relation": relation,
        "DuckDB on Parquet": connection.sql(f"FROM read_parquet('{lake}/**/*.parquet', hive_partitioning = true)"),
        "Polars on Parquet": pl.scan_parquet(lake, hive_partitioning=True),
    }
    tables = {
        "durations": lambda frame: da.durations(frame, by=["account", "type"]),
        "failure rates": lambda frame: da.failure_rates(frame, by=["account", "resource"]),
        "open actions": da.open_actions,
        "last actions": da.last_actions,
    }
    for way, rows in ways.items():
        for name, table in tables.items():
            made, expected = as_text(table(rows)), as_text(table(actions))
            assert_frame_equal(made, expected, check_dtype=False, obj=f"{name} of {way}")


def test_every_way_to_the_tables_is_the_same(well, tmp_path):
    """Frame, frames put together, attached histories and a folder of Parquet files give the same tables."""
    _check_each_way(well, well.actions(), tmp_path)


def test_histories_in_memory_are_asked_like_files(tmp_path):
    """Simulated accounts, whose histories are in memory, have the same queries and the same export."""
    with da.accounts({"acme": da.demo(1, actions=300), "globex": da.demo(2, actions=300)}) as accounts:
        actions = accounts.actions()
        _check_each_way(accounts, actions, tmp_path)
        counted = accounts.history.sql("SELECT account, count(*) AS n FROM actions GROUP BY 1 ORDER BY 1")
        assert counted["n"].tolist() == [300, 300]
        assert accounts.history.reads()["account"].tolist() == ["acme", "globex"]
        droplets = accounts.droplets()
        assert droplets["account"].value_counts().to_dict() == {
            name: len(accounts[name].droplets()) for name in accounts
        }
        assert accounts.started().columns[0] == "account"


def test_a_query_of_all_only_reads(well):
    """It sees the views of each history and no file, and it changes nothing."""
    well.refresh()
    for view in ("actions", "resources", "anomalies", "reads"):
        assert well.history.sql(f"FROM {view}").columns[0] == "account"
    for query in (
        "DELETE FROM actions",
        "COPY actions TO 'x.csv'",
        "FROM read_csv('/etc/passwd')",
        "ATTACH 'x.duckdb'",
    ):
        with pytest.raises(InvalidArgument):
            well.history.sql(query)


def test_an_export_replaces_one_and_nothing_else(well, tmp_path):
    """Accounts that are no longer there leave the folder; a folder with anything else in it is left as it is."""
    well.refresh()
    lake = well.history.export_parquet(tmp_path / "lake")
    (lake / "account=gone" / "year=2026").mkdir(parents=True)
    well.history.export_parquet(lake)
    assert not (lake / "account=gone").exists()
    (lake / "notes.txt").write_text("mine")
    with pytest.raises(FileProblem, match=r"no export of several histories"):
        well.history.export_parquet(lake)
    assert (lake / "notes.txt").read_text() == "mine"


def test_one_account_under_two_names_is_refused(agency, tmp_path):
    """Its actions would be counted twice: by the token at once, by two tokens once the API has said whose they are."""
    with pytest.raises(InvalidArgument, match="under two names"):
        da.accounts({"acme": TOKEN, "globex": TOKEN})
    agency.worlds["initech"].team = agency.worlds["acme"].team
    tokens = {name: agency.tokens[name] for name in ("acme", "initech")}
    with (
        da.accounts(tokens, tmp_path, base_url=agency.url) as accounts,
        pytest.raises(InvalidArgument, match="acme and initech are the same account"),
    ):
        accounts.refresh()


@pytest.mark.parametrize("name", ["", "7", "2026-01-01", "a/b", "..", "nan", "x" * 61, "a\nb", "=cmd()", "account=x"])
def test_a_name_that_is_none_is_refused(name):
    """A name becomes a folder, a value that a lake types by itself, and a cell of a spreadsheet."""
    with pytest.raises(InvalidArgument, match="name of an account"):
        da.accounts({name: TOKEN})


def test_names_that_differ_in_capitals_only_are_refused():
    """Some file systems have one file for both."""
    with pytest.raises(InvalidArgument, match="capitals"):
        da.accounts({"Acme": TOKEN, "acme": TOKEN + "0"})


@pytest.mark.parametrize(
    "members",
    [
        {},
        [TOKEN],
        TOKEN,
        {"acme": ""},
        {"acme": None},
        {"acme/": TOKEN},
        {TOKEN: "acme"},
        {TOKEN[7:]: "acme"},
        {"a": TOKEN, "b": TOKEN},
        {"acme": f"{TOKEN} x"},
    ],
)
def test_no_error_shows_a_token(members):
    """Whatever is wrong with what was given, neither the text nor a variable of a frame has a token."""
    fault = raised_by(lambda: da.accounts(members))

    assert isinstance(fault, InvalidArgument | TokenMissing)
    assert not places_of(TOKEN[7:], fault)
    assert TOKEN[7:] not in str(fault)


def test_an_empty_token_is_named():
    """Who gave fifty tokens learns which of them is empty."""
    with pytest.raises(TokenMissing, match="globex"):
        da.accounts({"acme": TOKEN, "globex": " "})


def test_a_folder_is_for_tokens(tmp_path):
    """Accounts that are open have their histories already."""
    with da.demo(actions=300) as account, pytest.raises(InvalidArgument, match="folder="):
        da.accounts({"acme": account}, tmp_path)


def test_what_was_asked_wrongly_is_an_error_of_all(well):
    """An argument that cannot be meant is not reported as fifty accounts that failed."""
    with pytest.raises(InvalidArgument, match="since"):
        well.refresh(since="yesterdayish")
    with pytest.raises(InvalidArgument, match="full=True"):
        well.refresh(full=True, since="7d")


def test_since_reads_a_part_of_each(well):
    """Only what was asked for is in the frame, and it counts as what was asked for."""
    first = well.actions(since="2026-11-23T11:40:00Z")
    assert 0 < len(first) < len(well.actions())


FILES = {
    "no TOML": ("accounts = [", "no TOML file"),
    "no accounts": ("folder = 'x'", "names no accounts"),
    "something else": ("colour = 'red'\n[accounts]\nacme = 'ACME'", "names no accounts"),
    "a token": (f"[accounts]\nacme = '{TOKEN}'", "Tokens do not belong into files"),
    "an old token": (f"[accounts]\nacme = '{16 * '3fa9'}'", "Tokens do not belong into files"),
    "turned around": (f"[accounts]\n{TOKEN} = 'ACME'", "where the name of an account belongs"),
    "a number": ("[accounts]\nacme = 7", "where the environment variable"),
    "no name": ("[accounts]\nacme = 'ACME TOKEN'", "cannot be the name of an environment variable"),
    "a bad name": ("[accounts]\n'a/b' = 'ACME'", "name of an account"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_meant_says_why_and_shows_no_token(case, tmp_path, monkeypatch):
    """Each error names the file or the account, and how to write it."""
    monkeypatch.setenv("ACME", TOKEN)
    content, message = FILES[case]
    file = tmp_path / "accounts.toml"
    file.write_text(content)

    fault = raised_by(lambda: da.read_accounts(file))

    assert isinstance(fault, InvalidArgument)
    assert message in str(fault)
    assert TOKEN[7:] not in str(fault)


def test_a_file_names_variables_and_a_folder_beside_it(agency, tmp_path, monkeypatch):
    """Tokens come from the environment; histories lie where the file says, seen from the file."""
    file = agency.write_file(tmp_path)
    with pytest.raises(TokenMissing, match="TOKEN_0"):
        da.read_accounts(file)
    for name, variable in agency.variables.items():
        monkeypatch.setenv(variable, agency.tokens[name])
    with da.read_accounts(file, base_url=agency.url) as accounts:
        accounts.refresh()
    assert {path.name for path in (tmp_path / "histories").glob("*.duckdb")} == {
        f"{name}.duckdb" for name in agency.worlds if name != BAD
    }


def test_a_file_that_is_not_there_is_named(tmp_path):
    """The error is about the file, not about its content."""
    with pytest.raises(FileProblem, match=r"nowhere\.toml"):
        da.read_accounts(tmp_path / "nowhere.toml")


def test_each_is_checked_and_the_bad_one_is_named(opened):
    """A check says of each whether it can be audited."""
    results = opened.check()

    assert isinstance(results.pop(BAD), Unauthorized)
    assert all(each.usable for each in results.values())


def test_nothing_that_is_shown_has_a_token(agency, opened):
    """Neither the accounts, nor a result, nor a warning."""
    with pytest.warns(UserWarning, match=BAD) as told:
        opened.actions()
    texts = [repr(opened), str(opened.refresh()), opened.source, *(str(each.message) for each in told)]
    for token in agency.tokens.values():
        assert not any(token[7:] in text for text in texts)
    assert isinstance(Secret(TOKEN), str)


def test_a_report_of_all_and_one_of_each(well, tmp_path):
    """The page of all links those of each; each is the one that its account would write alone."""
    actions = well.actions()

    page = da.report(actions, tmp_path / "all", account=well, each=True)

    html = page.path.read_text(encoding="utf-8")
    assert "Complete: " in html
    for name in well:
        assert f'href="accounts/{name.replace(" ", "%20")}/index.html"' in html
        assert (page.folder / "accounts" / name / "index.html").exists()
    alone = da.report(well["globex co"].actions(refresh=False), tmp_path / "alone", account=well["globex co"])
    of_it = page.folder / "accounts" / "globex co"
    assert (of_it / "index.html").read_bytes() == alone.path.read_bytes()
    assert (of_it / "manifest.json").read_bytes() == (alone.folder / "manifest.json").read_bytes()
    table = pd.read_csv(page.folder / "accounts.csv")
    assert dict(zip(table["account"], table["actions"], strict=True)) == actions["account"].value_counts().to_dict()
    assert_frame_equal(da.read_csv(page.folder / "actions.csv"), actions)


def test_a_report_says_which_account_is_not_whole(opened, tmp_path):
    """One account that could not be read makes the report of all unproved, and is named in it."""
    with pytest.warns(UserWarning, match=BAD):
        actions = opened.actions()
    with pytest.warns(UserWarning, match=BAD):
        page = da.report(actions, tmp_path / "all", account=opened)
    html = page.path.read_text(encoding="utf-8")
    assert "Not complete: Of 4 accounts 1 is not proved to be here as a whole." in html


def test_a_report_needs_the_account_of_each_row(well, tmp_path):
    """A frame that does not say whose its rows are is not proved by several histories."""
    well.refresh()
    with pytest.raises(InvalidArgument, match="of which account"):
        da.report(well["acme"].actions(refresh=False), tmp_path / "x", account=well)
    with pytest.raises(InvalidArgument, match="each=True"):
        da.report(well["acme"].actions(refresh=False), tmp_path / "x", account=well["acme"], each=True)
