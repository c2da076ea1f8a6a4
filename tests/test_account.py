"""The face of the toolkit, over real HTTP on simulated accounts."""

from __future__ import annotations

import pickle
import threading

import nbformat
import pandas as pd
import pytest
from kernels import STARTUP_S
from nbclient import NotebookClient

import doaudit as da
from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.clock import ScaledClock
from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action, Droplet
from doaudit.errors import (
    InvalidArgument,
    NotFound,
    NotPossible,
    ReadIncomplete,
    Refused,
    SnapshotFailed,
    TimedOut,
    TokenMissing,
    UnsafeAddress,
)

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
    with da.connect(token=server.token, base_url=server.url) as opened:
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
    with serve(world, speed=0) as server, da.connect(token=server.token, base_url=server.url) as account:
        with pytest.raises(ReadIncomplete, match="actions:read"):
            account.refresh()

        assert len(account.actions(refresh=False)) in {200, 250}
        assert not account.proof.complete


def test_a_failed_read_loses_nothing_and_is_mended_by_the_next():
    """After a complete history a refresh that fails keeps all it had, says so, and the next one makes it whole."""
    world = World(actions=actions_of_a_day(30))
    with serve(world, speed=0) as server, da.connect(token=server.token, base_url=server.url) as account:
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
        da.connect(token="a" * 64, base_url="http://api.digitalocean.com")


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
    with serve(world, speed=0) as running, da.connect(token=running.token, base_url=running.url) as account:
        droplets = account.droplets()

    assert droplets[["id", "name", "region"]].to_numpy().tolist() == [[3, "<b>db</b>", "fra1"], [7, "web-01", "ams3"]]
    assert str(droplets["created_at"].dtype) == "datetime64[s, UTC]"


def test_what_doaudit_started_is_marked_in_the_history():
    """The journal is joined into the history: of its own actions the actor is known, of others it is not."""
    world = World(droplets=[Droplet(7, "web-01")], actions=actions_of_a_day(3))
    with serve(world, speed=0) as running, da.connect(token=running.token, base_url=running.url) as account:
        event = account.act("droplet:7", "reboot")
        account.refresh()
        marked = account.history.sql("SELECT id, started_by FROM actions WHERE started_by IS NOT NULL")

    assert marked.to_numpy().tolist() == [[event.id, "doaudit"]]


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
    code = f"import doaudit as da\nda.connect(token={server.token!r}, base_url={server.url!r}).actions()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])

    NotebookClient(notebook, allow_errors=True, kernel_name="python3", startup_timeout=STARTUP_S).execute()

    shown = [output for output in notebook.cells[0].outputs if output.output_type == "error"]
    assert [output.ename for output in shown] == ["Unauthorized"]
    assert len(shown[0].traceback) == 1
    assert shown[0].traceback[0].startswith("Unauthorized: DigitalOcean does not accept this token")
    assert server.token not in str(shown)


@pytest.fixture
def acting():
    """A droplet of a simulated account whose clock goes a thousand times as fast as ours."""
    with serve(World(droplets=[Droplet(7, "web-01")]), speed=1000) as server:
        clock = ScaledClock(lambda: server.world.now, 1000)
        with Account(Client(server.token, server.url, clock=clock), history=":memory:", clock=clock) as account:
            yield account, server.world


def test_droplets_know_which_images_exist(acting):
    """A snapshot is there once it is done, and backups are enabled once that was asked for."""
    account, world = acting
    before = account.droplets().iloc[0]

    for event in ("snapshot", "enable_backups"):
        world.act_on_droplet(7, {"type": event})
        world.advance(3600)

    after = account.droplets().iloc[0]
    assert (before["snapshot_ids"], before["backup_ids"], before["backups_enabled"]) == ([], [], False)
    assert (after["snapshot_ids"], after["backup_ids"], after["backups_enabled"]) == (list(world.images), [], True)
    assert len(world.images) == 1


def test_the_tutorial_by_hand(acting):
    """An event is started, its action looked at and awaited, and a second one refused meanwhile."""
    account, world = acting
    world.faults.add(Fault("slow_event", type="power_off", seconds=200))

    action = account.act("droplet:7", "power_off")
    with pytest.raises(Refused, match="pending event"):
        account.act("droplet:7", "snapshot", name="Nifty New Snapshot")
    ended = account.wait(action)

    assert (action.outcome, ended.outcome, ended.id) == ("open", "completed", action.id)
    assert account.action(action.id) == ended or account.action(action.id).completed_at == ended.completed_at
    assert account.wait([action, action.id])[1].outcome == "completed"


def test_waiting_tells_a_timeout_and_a_missing_action(acting):
    """What never ends is TimedOut and carries the action; what nobody knows is NotFound."""
    account, world = acting
    world.faults.add(Fault("stuck", type="reboot"))
    action = account.act("droplet:7", "reboot")

    with pytest.raises(TimedOut, match="not failed") as late:
        account.wait(action)
    with pytest.raises(NotFound):
        account.wait(99)

    assert [each.id for each in late.value.actions] == [action.id]


def test_every_verdict_on_an_open_action_is_the_same():
    """The table, the error of a wait, a watch and the monitor's poller judge an action by the same rule."""
    reboots = [Action(id=n, type="reboot", started_at=START - 9_000 + n, ends_at=START - 8_970 + n) for n in range(40)]
    stuck = Action(id=99, type="reboot", started_at=START - 7_200)
    with (
        serve(World(actions=[*reboots, stuck]), speed=0) as server,
        da.connect(token=server.token, base_url=server.url, history=":memory:") as account,
    ):
        row = da.open_actions(account.actions()).iloc[0]
        with pytest.raises(TimedOut) as overdue:
            account.wait(99)
        watched = account.watch([99])
        poller = account.poller(interval_s=0.01)
        observed = threading.Event()
        poller.listeners.append(lambda _: observed.set())
        poller.start()
        assert observed.wait(20)
        poller.stop()

    seen = poller.observation.open[0]
    verdict = "stuck; open for 2 h; the longest of 40 like it took 30 s"
    assert f"{row['verdict']}; {row['sentence']}" == f"{seen.verdict}; {seen.sentence}" == verdict
    assert f"action 99 ({verdict})" in str(overdue.value)
    assert watched.verdicts == {99: verdict}


def test_a_snapshot_in_one_call(acting, capsys):
    """The call says what will happen and what happens, and gives the run."""
    account, world = acting

    run = account.snapshot(7, "before the upgrade", confirm=True)

    said = capsys.readouterr().err
    assert (run.ok, run.power_is_as_before) == (True, True)
    assert "will be off for about" in said
    assert f"[action {run.action_ids[0]}]" in said
    assert [image.name for image in world.images.values()] == ["before the upgrade"]
    assert account.snapshot_runs.running() == []


def test_a_snapshot_that_fails_is_raised_and_what_is_owed_is_resumed(acting):
    """A script cannot overlook a droplet that is off, and one call mends it."""
    account, world = acting
    world.faults.add(Fault("errored", type="power_on", times=3))

    with pytest.raises(SnapshotFailed, match="IS SWITCHED OFF") as failed:
        account.snapshot(7, confirm=True)
    left = [run.id for run in account.snapshot_runs.unfinished()]
    resumed = account.resume()

    assert left == [failed.value.run.id]
    assert [run.power_is_as_before for run in resumed] == [True]
    assert world.droplets[7].real("status", world.now) == "active"
    assert account.snapshot_runs.unfinished() == account.resume() == []


def test_what_doaudit_started_is_marked(acting):
    """The API names no actor; the account knows which actions came from here, and joins to the history."""
    account, _ = acting
    single = account.act("droplet:7", "rename", name="web-02")
    account.wait(single)
    run = account.snapshot(7, confirm=True)

    started = account.started()

    assert started["id"].tolist() == [single.id, *run.action_ids]
    assert started["run"].isna().tolist() == [True, False, False, False]
    assert set(started["resource"]) == {"droplet:7"}
    assert str(started["asked_at"].dtype) == "datetime64[s, UTC]"
    assert set(started["id"]) <= set(account.actions()["id"])


def test_a_plan_expects_what_the_history_tells(server):
    """How long it will take is what it has taken here, not a guess."""
    taken = [
        Action(id=n, type="snapshot", resource_id=7, started_at=START - 9000 * n, ends_at=START - 9000 * n + 600 + n)
        for n in range(1, 61)
    ]
    world = World(actions=taken, droplets=[Droplet(7, "web-01")])
    with serve(world, speed=0) as running, da.connect(token=running.token, base_url=running.url) as account:
        guessed = account.snapshot_runs.plan(7)
        account.refresh()
        known = account.snapshot_runs.plan(7)

    assert known.expected["snapshot"].p50_s == 630
    assert guessed.expected["snapshot"].p50_s != 630


def test_a_simulated_account_can_be_small():
    """It has as many actions as asked for, and is complete; an impossible number is rejected."""
    with da.demo(actions=50) as account:
        assert len(account.actions()) == 50
        assert account.proof.complete
    with pytest.raises(InvalidArgument, match="choose a number from 1 to"):
        da.demo(actions=0)


def test_a_simulated_account_can_be_quiet():
    """Nothing that an audit is to find is in it: what is open is minutes old."""
    with da.demo(actions=300, quiet=True) as account:
        actions = account.actions()

    assert da.open_actions(actions)["age_s"].max() < 3_600
    assert len(actions) == 300


def test_a_simulated_account_can_go_faster():
    """Its clock is the one that the account waits on."""
    with da.demo(speed=5000) as account:
        droplet_id = int(account.droplets()["id"].iloc[0])
        before = account.now()

        run = account.wait(account.act(f"droplet:{droplet_id}", "reboot"))

        assert run.outcome == "completed"
        assert account.now() > before
    with pytest.raises(InvalidArgument, match="above 0"):
        da.demo(speed=0)


def posts(world):
    """Return the requests that changed something."""
    return [request for request in world.requests if request.startswith("POST")]


def test_a_snapshot_of_a_real_account_is_confirmed_first(acting, monkeypatch):
    """Without confirm=True the cell asks; where nobody answers, or the answer is no, nothing is begun."""
    account, world = acting

    with pytest.raises(NotPossible, match=r"nobody could be asked.*confirm=True"):
        account.snapshot(7)
    with pytest.raises(NotPossible, match="not confirmed"):
        account.snapshot(7, confirm=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(NotPossible, match="not confirmed"):
        account.snapshot(7)
    assert posts(world) == []
    monkeypatch.setattr("builtins.input", lambda _: "yes")

    assert account.snapshot(7).ok


@pytest.mark.parametrize("name", ["before the upgrade", None])
def test_a_cell_that_is_run_again_starts_nothing(acting, name):
    """The same droplet and name within an hour is refused, unless it is said that it is meant."""
    account, world = acting
    first = account.snapshot(7, name, confirm=True)
    asked = len(posts(world))

    with pytest.raises(NotPossible, match=rf"'{first.snapshot_name}'.*again=True"):
        account.snapshot(7, name, confirm=True)
    assert len(posts(world)) == asked
    other = account.snapshot(7, "another name", confirm=True)
    again = account.snapshot(7, name, confirm=True, again=True)
    world.advance(3700)
    later = account.snapshot(7, name, confirm=True)

    assert (other.ok, again.ok, later.ok) == (True, True, True)


def test_what_was_left_is_said_first_and_in_the_next_plan(acting, capsys):
    """A droplet that an earlier run left off is the first thing that a new run says."""
    account, world = acting
    world.faults.add(Fault("errored", type="power_on", times=3))
    with pytest.raises(SnapshotFailed):
        account.snapshot(7, "one", confirm=True)
    capsys.readouterr()

    plan = account.snapshot_runs.plan(7, "two")
    with pytest.raises(NotPossible):
        account.snapshot(7, "two", confirm=False)

    assert capsys.readouterr().err.startswith("LEFT UNFINISHED: the snapshot 'one' of droplet web-01 (7)")
    assert "IS SWITCHED OFF" in plan.notes[0]


def test_journals_lie_with_the_account_whatever_the_history(server, tmp_path, monkeypatch):
    """Two histories of one account share what was started; a simulated account leaves nothing behind."""
    state = tmp_path / "state"
    monkeypatch.setenv("DOAUDIT_STATE_DIR", str(state))
    world = World(droplets=[Droplet(7, "web-01")])
    with serve(world, speed=0) as running:
        with da.connect(token=running.token, base_url=running.url, history=tmp_path / "a.db") as account:
            started = account.act("droplet:7", "reboot")
        with da.connect(token=running.token, base_url=running.url, history=":memory:") as account:
            known = account.started()
    with da.demo() as account:
        account.act(f"droplet:{account.droplets()['id'].iloc[0]}", "reboot")

    assert known["id"].tolist() == [started.id]
    assert sorted(path.name for path in state.rglob("*") if path.is_file()) == ["accounts.json", "started.jsonl"]
    assert {path.stat().st_mode & 0o077 for path in (state, *state.rglob("*"))} == {0}
