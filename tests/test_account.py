"""The face of the toolkit, over real HTTP on simulated accounts."""

from __future__ import annotations

import pickle

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import doaudit as da
from doaudit.demo import Fault, World, serve
from doaudit.demo.records import Action, Droplet
from doaudit.errors import InvalidArgument, ReadIncomplete, TokenMissing, UnsafeAddress

START = 1_795_435_200
TOKENS = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")


def actions_of_a_day(count: int) -> list[Action]:
    """Reboots of a minute, one every ten minutes, of which the last is still open at START."""
    return [
        Action(
            id=2**31 + n, type="reboot", resource_id=5, started_at=START - 600 * n - 30, ends_at=START - 600 * n + 30
        )
        for n in range(count)
    ]


@pytest.fixture
def server():
    """A small simulated account whose clock stands still."""
    with serve(World(actions=actions_of_a_day(30)), speed=0) as running:
        yield running


@pytest.fixture
def account(server):
    """The face of that account."""
    with da.connect(server.token, server.url) as opened:
        yield opened


def test_actions_are_read_framed_and_proved(account, server):
    """One call gives every action with the server's time of reading, and leaves the proof behind."""
    actions = account.actions()

    assert len(actions) == 30
    assert actions["id"].tolist() == [2**31 + n for n in range(30)]
    assert (actions["observed_at"] == pd.Timestamp(START, unit="s", tz="UTC")).all()
    assert actions["status"].value_counts().to_dict() == {"completed": 29, "in-progress": 1}
    assert account.proof.complete


def test_reading_again_sees_what_has_changed(account, server):
    """A second refresh counts what is new and what has finished since."""
    first = account.refresh()
    server.world.advance(100)
    server.world.arrive(2)

    second = account.refresh()

    assert (first.new, first.finished, first.complete) == (30, 0, True)
    assert (second.new, second.finished, second.complete) == (2, 1, True)
    assert "complete: 32 distinct ids" in str(second)


def test_without_refresh_nothing_is_asked(account, server):
    """What is in hand is given without a request, and so is nothing."""
    assert account.actions(refresh=False).empty
    assert account.proof is None
    account.actions()
    asked = len(server.world.requests)

    assert len(account.actions(refresh=False)) == 30
    assert len(server.world.requests) == asked


def test_what_a_failed_read_had_is_kept():
    """After a page that could not be had, the other pages are in hand and are called incomplete."""
    world = World(actions=actions_of_a_day(450))
    world.faults.add(Fault("forbidden", path="page=2&", times=None))
    with serve(world, speed=0) as server, da.connect(server.token, server.url) as account:
        with pytest.raises(ReadIncomplete, match="actions:read"):
            account.refresh()

        assert len(account.actions(refresh=False)) in {200, 250}
        assert not account.proof.complete


def test_a_failed_read_loses_nothing_and_is_mended_by_the_next():
    """After a complete history a refresh that fails keeps all it had, says so, and the next one makes it whole."""
    world = World(actions=actions_of_a_day(30))
    with serve(world, speed=0) as server, da.connect(server.token, server.url) as account:
        account.refresh()
        world.arrive(600)
        world.faults.add(Fault("forbidden", path="page=3&"))

        with pytest.raises(ReadIncomplete):
            account.refresh()

        assert len(account.actions(refresh=False)) >= 230
        assert not account.proof.complete
        assert account.refresh().complete
        assert len(account.actions(refresh=False)) == 630


@pytest.mark.parametrize("name", TOKENS)
def test_the_token_is_found_in_each_variable(name, server, monkeypatch):
    """The documented variables and the address variable open the account."""
    monkeypatch.setenv(name, f" {server.token}\n")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", f"{server.url}/v2/")

    with da.connect() as account:
        assert len(account.actions()) == 30


def test_the_variables_have_an_order(server, monkeypatch):
    """DIGITALOCEAN_TOKEN goes before the others, and an empty one counts as none."""
    server.world.tokens.revoke("dop_v1_" + "a" * 64)
    for name, token in zip(TOKENS, ("", server.token, "dop_v1_" + "a" * 64), strict=True):
        monkeypatch.setenv(name, token)

    with da.connect(base_url=server.url) as account:
        assert len(account.actions()) == 30


def test_no_token_is_said_with_the_way_out():
    """Without a token the message names the variables, the scopes and the simulated account."""
    with pytest.raises(TokenMissing, match=r"DIGITALOCEAN_TOKEN.*actions:read.*doaudit\.demo\(\)"):
        da.connect()


def test_the_token_does_not_leave_the_machine_unencrypted():
    """Plain http to another machine is refused before anything is sent."""
    with pytest.raises(UnsafeAddress, match="unencrypted"):
        da.connect("a" * 64, "http://api.digitalocean.com")


def test_an_account_shows_no_token(account, server):
    """Neither what it looks like nor a pickle of it has the token."""
    account.actions()

    assert server.token not in repr(account)
    assert "127.0.0.1" in repr(account)
    with pytest.raises(TypeError, match="cannot be"):
        pickle.dumps(account)


def test_droplets_are_a_table(server):
    """What exists now is one row a droplet, with region and size as words."""
    world = World(droplets=[Droplet(7, "web-01", region="ams3"), Droplet(3, "<b>db</b>", region="fra1")])
    with serve(world, speed=0) as running, da.connect(running.token, running.url) as account:
        droplets = account.droplets()

    assert droplets[["id", "name", "region"]].to_numpy().tolist() == [[3, "<b>db</b>", "fra1"], [7, "web-01", "ams3"]]
    assert str(droplets["created_at"].dtype) == "datetime64[s, UTC]"


def test_the_simulated_account_says_that_it_is_one():
    """A demo is never taken for a real account."""
    with da.demo() as account:
        assert account.source == "simulated account"
        assert "simulated" in repr(account)


def test_by_with_an_unknown_column_names_the_columns(account):
    """A misspelt column is answered with those there are."""
    actions = account.actions()

    for table in (da.durations, da.failure_rates):
        with pytest.raises(InvalidArgument, match=r"typ.*resource_type"):
            table(actions, by="typ")


def test_public_names_are_what_the_module_shows():
    """Everything in __all__ is there, and a misspelt name is answered with the names."""
    assert all(getattr(da, name) is not None for name in da.__all__)
    assert sorted(da.__all__) == da.__all__
    assert da.__version__
    with pytest.raises(AttributeError, match="durations"):
        _ = da.duration


def test_a_bad_token_is_one_paragraph_in_a_notebook(server):
    """A notebook shows the sentence and not the frames of the library."""
    server.world.tokens.revoke(server.token)
    code = f"import doaudit as da\nda.connect({server.token!r}, {server.url!r}).actions()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])

    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()

    shown = [output for output in notebook.cells[0].outputs if output.output_type == "error"]
    assert [output.ename for output in shown] == ["Unauthorized"]
    assert len(shown[0].traceback) == 1
    assert shown[0].traceback[0].startswith("Unauthorized: DigitalOcean does not accept this token")
    assert server.token not in str(shown)
