"""Tables on the command line: what only the account can tell is asked of it, and is left empty where it may not be."""

from __future__ import annotations

import csv
import io

import pytest

from doaudit.cli import main
from doaudit.demo import World, serve
from doaudit.demo.world.records import Action, Droplet


@pytest.fixture
def server(monkeypatch):
    """An account that the environment names: its only action was done to a droplet that is there no more."""
    reboot = Action(1, "reboot", 100, 110, resource_id=8, resource="droplet:8")
    with serve(World(droplets=[Droplet(7, "web-01")], actions=[reboot]), speed=0) as serving:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", serving.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", serving.url)
        yield serving


@pytest.fixture
def rows_of(tmp_path, capsys):
    """Return the function that runs a command that succeeds, and gives the rows it prints and what it says."""

    def run(*words):
        assert main([*words, "--format", "csv", "--history", str(tmp_path / "history.duckdb")]) == 0
        shown = capsys.readouterr()
        return list(csv.DictReader(io.StringIO(shown.out))), shown.err

    return run


def test_the_droplets_of_backups_are_those_of_the_account(server, rows_of):
    """One to which nothing was done is in the table, one that is there no more is not."""
    rows, _ = rows_of("backups")

    assert [(row["resource"], row["still_exists"]) for row in rows] == [("droplet:7", "false")]


def test_nothing_is_asked_where_the_history_is_taken_as_it_is(server, rows_of):
    """With --no-refresh the droplets are those of the actions, and not one request is sent."""
    rows_of("backups")
    server.world.requests.clear()

    rows, _ = rows_of("backups", "--no-refresh")

    assert [(row["resource"], row["still_exists"]) for row in rows] == [("droplet:8", "")]
    assert not server.world.requests


def test_backups_of_a_selection_are_those_of_its_droplets(server, rows_of):
    """A droplet that has no action in the selection is in no row: nobody looked for its backups."""
    rows, said = rows_of("backups", "--resource", "droplet:8")

    assert [(row["resource"], row["still_exists"]) for row in rows] == [("droplet:8", "")]
    assert "Selected 1 of 1 actions" in said


def test_a_token_that_may_not_list_droplets_gets_the_table_all_the_same(server, rows_of):
    """The message names the scope that is lacking, and the droplets are those of the actions."""
    server.world.tokens[server.token] = frozenset({"actions:read", "account:read"})

    rows, said = rows_of("backups")

    assert [row["resource"] for row in rows] == ["droplet:8"]
    assert "droplet:read" in said
    assert "What only the account can tell is left empty." in said


def test_power_periods_know_what_doaudit_did_not_start(server, rows_of):
    """What ended a period is told to be none of doaudit's, because its journals do not have it."""
    for kind in ("power_off", "power_on"):
        server.world.act_on_droplet(7, {"type": kind})
        server.world.advance(60)

    [row], _ = rows_of("power-periods")

    assert (row["off_by"], row["on_by"], row["by_doaudit"]) == ("power_off", "power_on", "false")
