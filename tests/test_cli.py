"""The command line: what it prints, and that 0 means that it happened."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import version

import pytest
import requests

import doaudit as da
from doaudit.cli import COMMANDS, main
from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action, Droplet
from doaudit.tables import TABLES


@pytest.fixture
def served():
    """A small account that the environment names."""
    actions = [Action(id=n, type="reboot", resource_id=5, started_at=n, ends_at=n + 60) for n in range(1, 6)]
    with serve(World(actions=actions), speed=0) as server:
        yield server


def as_real_account(server, monkeypatch) -> None:
    """Let the environment name a served account."""
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
    monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)


def test_audit_of_the_simulated_account(tmp_path, capsys):
    """It says loudly that nothing is real, sums up, and writes a report with a complete proof."""
    status = main(["audit", "--demo", "--out", str(tmp_path / "out")])

    said = capsys.readouterr().out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert status == 0
    assert said.count("SIMULATED ACCOUNT") == 1
    assert "52,292 actions" in said
    for word in ("complete", "Failed:", "Slowest type:", "Open:", "Odd rows:", "notebooks"):
        assert word in said
    assert (manifest["source"], manifest["completeness"]["complete"]) == ("simulated account", True)
    assert manifest["completeness"]["proof"]["distinct_ids"] == manifest["actions"] == 52_292


def test_audit_of_a_real_account(served, monkeypatch, tmp_path, capsys):
    """With a token it reads that account, says so, and files the report under the date of the read."""
    as_real_account(served, monkeypatch)
    monkeypatch.chdir(tmp_path)

    status = main(["audit"])

    said = capsys.readouterr().out
    assert status == 0
    assert "REAL ACCOUNT" in said
    assert "SIMULATED" not in said
    assert served.token not in said
    assert len(da.read_csv("data/reports/2026-11-23/actions.csv")) == 5


def test_refresh_is_quiet_and_cheap(served, monkeypatch, capsys):
    """A cron job that goes well prints nothing; what it read once it does not read again."""
    as_real_account(served, monkeypatch)

    assert [main(["refresh"]), main(["refresh"])] == [0, 0]

    assert capsys.readouterr() == ("", "")
    assert [request for request in served.world.requests if "/v2/actions" in request][1:] == [
        "GET /v2/actions?page=1&per_page=200"
    ]


def test_refresh_that_fails_says_so(served, monkeypatch, capsys):
    """A failure is a line on stderr and status 1."""
    as_real_account(served, monkeypatch)
    served.world.faults.add(Fault("unauthorized", times=None))

    assert main(["refresh", "--full"]) == 1
    assert "does not accept this token" in capsys.readouterr().err


def test_refresh_without_names_says_so_line_by_line(served, monkeypatch, capsys):
    """The actions are there, so the status is 0; that names could not be read is a line of its own."""
    as_real_account(served, monkeypatch)
    served.world.faults.add(Fault("not_found", path=r"/v2/droplets\?", times=None))

    assert main(["refresh"]) == 0

    lines = capsys.readouterr().err.splitlines()
    assert "new actions" in lines[0]
    assert lines[-1].startswith("Some names of resources could not be read: There is nothing at GET /v2/droplets")


def test_audit_of_an_empty_account(monkeypatch, tmp_path, capsys):
    """No actions are an audit, too."""
    with serve(World(), speed=0) as server:
        as_real_account(server, monkeypatch)

        assert main(["audit", "--out", str(tmp_path / "out")]) == 0

    assert "no actions yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("unauthorized", "does not accept this token"), ("forbidden", "lacks the scope actions:read")],
)
def test_a_refused_token_is_one_line_and_status_1(fault, sentence, served, monkeypatch, tmp_path, capsys):
    """What went wrong is a sentence on stderr, and no report is half-written."""
    as_real_account(served, monkeypatch)
    served.world.faults.add(Fault(fault, times=None))

    status = main(["audit", "--out", str(tmp_path / "out")])

    shown = capsys.readouterr()
    assert status == 1
    assert sentence in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert served.token not in shown.err + shown.out
    assert list(tmp_path.iterdir()) == []


def test_no_token_is_status_1(capsys):
    """Without --demo nothing simulated is passed off as an audit, and what to do is said as a shell has it."""
    assert main(["audit"]) == 1
    said = capsys.readouterr().err
    assert "There is no token" in said
    assert "export DIGITALOCEAN_TOKEN=..., or add --demo" in said


def test_the_variable_of_the_token_is_named(served, monkeypatch, capsys):
    """Who has several is told which one was used, where it is accepted and where it is not."""
    as_real_account(served, monkeypatch)
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    monkeypatch.setenv("DO_TOKEN", served.token)
    assert main(["failures"]) == 0
    accepted = capsys.readouterr().err
    served.world.tokens.revoke(served.token)

    assert main(["failures"]) == 1

    assert "read with DO_TOKEN;" in accepted
    assert "The token was taken from DO_TOKEN." in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_status_1(served, monkeypatch, tmp_path, capsys):
    """An unwritable place is named."""
    as_real_account(served, monkeypatch)
    (tmp_path / "file").write_text("")

    assert main(["audit", "--out", str(tmp_path / "file" / "out")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_lab_without_notebooks_is_said(tmp_path, capsys):
    """A folder that is not there is named."""
    assert main(["lab", str(tmp_path / "none")]) == 1
    assert "There is no folder" in capsys.readouterr().err


def test_lab_passes_on_what_stands_behind_the_dashes(tmp_path):
    """JupyterLab itself answers, with the version that is installed."""
    pytest.importorskip("jupyterlab")
    command = [sys.executable, "-m", "doaudit", "lab", str(tmp_path), "--", "--version"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == version("jupyterlab")


def test_arguments_that_mean_nothing_are_status_2(capsys):
    """What is not understood is the status that shells know, and one line that names what is nearest, and the help."""
    said = []
    for words in (["failure"], ["failures", "--regoin", "nyc3"], ["failures", "--format", "xml"], ["act", "web-01"]):
        assert main(words) == 2
        said.append(capsys.readouterr())

    assert all(each.out == "" and len(each.err.splitlines()) == 1 for each in said)
    for each, words in zip(said, ("failures", "--region", "'table', 'csv', 'json'", "EVENT"), strict=True):
        assert words in each.err
        assert "--help` shows how it is used." in each.err


def test_demo_serves_other_tools():
    """Another program can talk to `doaudit demo`, with the address and token that it prints."""
    command = [sys.executable, "-m", "doaudit", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        url, token = (line.split("=", 1)[1].strip() for line in lines[1:])
        answer = requests.get(f"{url}/v2/actions", headers={"Authorization": f"Bearer {token}"}, timeout=120).json()
        process.terminate()
        process.communicate(timeout=120)

    assert answer["meta"]["total"] == 52_292


def test_demo_serves_a_small_account_on_request():
    """With --actions it has a few pages, not hundreds; if asked, hostile names are there and stuck actions are not."""
    command = [sys.executable, "-m", "doaudit", "demo", "--port", "0", "--actions", "45", "--hostile-names", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        url, token = (line.split("=", 1)[1].strip() for line in lines[1:])
        actions, droplets = (
            requests.get(
                f"{url}/v2/{what}?per_page=200", headers={"Authorization": f"Bearer {token}"}, timeout=120
            ).json()
            for what in ("actions", "droplets")
        )
        process.terminate()
        process.communicate(timeout=120)

    assert actions["meta"]["total"] == len(actions["actions"]) == 45
    assert any("<b>" in droplet["name"] for droplet in droplets["droplets"])
    assert sum(action["status"] == "in-progress" for action in actions["actions"]) == 4


def test_demo_of_an_impossible_size_is_said(capsys):
    """The possible sizes are named."""
    assert main(["demo", "--port", "0", "--actions", "0"]) == 1

    assert "choose a number from 1 to" in capsys.readouterr().err


def test_demo_on_a_port_in_use_is_said(capsys):
    """The port is named, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert main(["demo", "--port", str(port)]) == 1

    assert str(port) in capsys.readouterr().err


@pytest.fixture
def droplet(monkeypatch):
    """A droplet in an account that the environment names, where nothing takes long."""
    with serve(World(droplets=[Droplet(7, "web-01", snapshot_s=1)]), speed=20) as server:
        as_real_account(server, monkeypatch)
        yield server.world


def test_snapshot_asks_first(droplet, monkeypatch, capsys):
    """Without a yes nothing is begun, and what would have been is told."""
    terminal = io.StringIO("no\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)

    assert main(["snapshot", "7", "My Snapshot"]) == 1

    said = capsys.readouterr().out
    for words in (
        "'My Snapshot' of droplet web-01 (7",
        "will be off for about",
        "Take the snapshot",
        "Nothing was begun",
    ):
        assert words in said
    assert not [request for request in droplet.requests if request.startswith("POST")]


@pytest.mark.parametrize("fault", [None, "errored"])
def test_snapshot_is_0_only_if_there_is_one(fault, droplet, capsys):
    """The exit status tells whether the snapshot exists and the droplet is as it was; progress goes to the terminal."""
    if fault:
        droplet.faults.add(Fault(fault, type="snapshot"))

    status = main(["snapshot", "7", "My Snapshot", "--live", "--yes"])

    shown = capsys.readouterr()
    assert status == (1 if fault else 0)
    assert ("failed at DigitalOcean" in shown.err) == bool(fault)
    assert "DigitalOcean has started the snapshot" in shown.err


def test_snapshot_of_a_missing_droplet_is_status_1(droplet, capsys):
    """A droplet that is not there is said, and nothing is begun."""
    assert main(["snapshot", "8", "--yes"]) == 1
    assert "There is nothing at GET /v2/droplets/8" in capsys.readouterr().err


def test_watch_follows_what_is_open(monkeypatch, capsys):
    """Without ids every open action is followed to its end; an id that nobody knows is status 1."""
    with serve(World(droplets=[Droplet(7, "web-01")]), speed=0) as server:
        as_real_account(server, monkeypatch)
        world = server.world
        world.faults.add(Fault("slow_event", type="rename", seconds=60))
        action = world.act_on_droplet(7, {"type": "rename", "name": "web-02"})

        def end_once_it_is_followed() -> None:
            while f"GET /v2/actions/{action.id}" not in world.requests:
                time.sleep(0.01)
            world.advance(120)

        # However long the command takes to begin, the action is open then.
        threading.Thread(target=end_once_it_is_followed, daemon=True).start()
        assert main(["watch"]) == 0

    said = capsys.readouterr().out
    assert "1 action is open." in said
    assert f"rename {action.id} of web-01: completed" in said


def test_a_table_says_what_it_stands_on(served, monkeypatch, tmp_path, capsys):
    """A table's command prints the rows alone to standard output, and beside them whose they are and as of when."""
    as_real_account(served, monkeypatch)
    history = str(tmp_path / "history.duckdb")

    assert main(["failure-rates", "--format", "csv", "--history", history]) == 0
    read = capsys.readouterr()
    assert main(["failure-rates", "--by", "region,type", "--no-refresh", "--history", history]) == 0
    text = capsys.readouterr()

    assert read.out.splitlines()[0].startswith("type,actions,open,unclear,finished,errored")
    assert "REAL ACCOUNT" in read.err
    assert "Complete as of" in read.err
    assert "Of the group's finished actions" in text.err
    assert text.out.split()[:2] == ["region", "type"]
    assert "5 actions." in text.err


def test_incidents_are_by_region_and_ids_are_for_programs(capsys):
    """Each table has its own column to group by; a table leaves out the many ids, and csv has all of them."""
    assert main(["incidents", "--demo"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("ams3")]
    assert main(["incidents", "--demo", "--format", "csv"]) == 0
    [row] = csv.DictReader(io.StringIO(capsys.readouterr().out))

    assert "2026-06-17 13:04" in line
    assert row["ids"].split(", ")[0] not in line
    assert (row["region"], row["errored"], len(row["ids"].split(", "))) == ("ams3", "150", 150)


def test_a_table_of_an_incomplete_history_is_no_success(served, monkeypatch, tmp_path, capsys):
    """What was never read is no empty account: the command says so, and its status is 1."""
    as_real_account(served, monkeypatch)

    status = main(["failures", "--no-refresh", "--history", str(tmp_path / "new.duckdb")])

    assert status == 1
    assert "INCOMPLETE: this history was never read" in capsys.readouterr().err


def test_a_table_of_a_selection_has_only_its_actions(served, monkeypatch, tmp_path, capsys):
    """The flags are those of `select`; the history is read as a whole, and how much was selected is said beside."""
    as_real_account(served, monkeypatch)
    history = str(tmp_path / "history.duckdb")
    flags = ["--resource", "droplet:*,volume:1", "--until", "1970-01-01T00:00:04Z", "--outcome", "completed"]

    assert main(["durations", "--format", "csv", "--history", history, *flags]) == 0
    selected = capsys.readouterr()
    assert main(["durations", "--no-refresh", "--history", history, "--type", "reboott"]) == 0
    nothing = capsys.readouterr()
    assert main(["durations", "--no-refresh", "--history", history, "--since", "lately"]) == 1
    refused = capsys.readouterr()

    [row] = csv.DictReader(io.StringIO(selected.out))
    assert (row["type"], row["actions"]) == ("reboot", "3")
    assert "5 actions." in selected.err
    assert 'Selected 3 of 5 actions: until="1970-01-01T00:00:04Z", outcome=["completed"], resource=' in selected.err
    assert nothing.out == ""
    assert "There are no rows." in nothing.err
    assert 'no type is "reboott"; the nearest is "reboot"' in nothing.err
    assert "Warning" not in nothing.err
    assert "since is" in refused.err


def test_every_table_takes_every_flag_of_a_selection():
    """What a frame can be filtered by in Python, a table can be on the command line, unless it must see all actions."""
    wanted = {f"--{each.name.replace('_', '-')}" for each in dataclasses.fields(da.Selection)}

    for table in TABLES:
        command = COMMANDS.commands[table.name.replace("_", "-")]
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert (wanted <= flags) != table.of_all


def test_a_table_takes_the_arguments_of_its_function(served, monkeypatch, tmp_path, capsys):
    """Periods, groups and the time zone are flags; a zone that there is not is a sentence and status 1."""
    as_real_account(served, monkeypatch)
    history = ["--history", str(tmp_path / "history.duckdb"), "--format", "csv"]

    assert main(["activity", "--freq", "MS", "--by", "type", "--by", "region", *history]) == 0
    [month] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert main(["week-pattern", "--tz", "Asia/Kolkata", *history]) == 0
    hours = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["week-pattern", "--tz", "Asia/Calcuta", *history]) == 1

    assert list(month)[:4] == ["type", "region", "period", "actions"]
    assert (month["type"], month["actions"]) == ("reboot", "5")
    [hour] = [row for row in hours if row["actions"] != "0"]
    assert (hour["weekday"], hour["hour"], hour["zone"]) == ("3", "5", "Asia/Kolkata")
    assert "Did you mean 'Asia/Calcutta'?" in capsys.readouterr().err
