"""`doaudit findings --fail-on`: an exit status for jobs, from real processes on a served account."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import get_args

import pytest
from served import START, finished_actions

from doaudit.analysis.finding_rules.finding import Severity
from doaudit.cli import main
from doaudit.cli.findings import SEVERITIES
from doaudit.demo import World, serve
from doaudit.demo.world.records import Action, Droplet

HOUR_S = 3600
REBOOTS = finished_actions(60, resource_id=5, resource="droplet:5")
HANGS = Action(id=9999, type="reboot", resource_id=5, started_at=START - 2 * HOUR_S)
RESET = Action(id=9999, type="password_reset", resource_id=5, started_at=START - HOUR_S, ends_at=START - HOUR_S + 9)
WORLDS = {
    "act-now": lambda: World(actions=[*REBOOTS, HANGS]),
    "look": lambda: World(actions=REBOOTS, droplets=[Droplet(7, "without-a-backup")]),
    "know": lambda: World(actions=[*REBOOTS, RESET]),
    "nothing": lambda: World(actions=REBOOTS),
}


@pytest.fixture
def arguments(tmp_path):
    """Return what the command line is given: words, and a history of this test."""
    return lambda *words: [*words, "--history", str(tmp_path / "history.duckdb")]


@pytest.fixture
def doaudit(arguments):
    """Run the command line on a served account as a process, and return what became of it."""

    def run(server, *words):
        environment = os.environ | {"DIGITALOCEAN_TOKEN": server.token, "DIGITALOCEAN_API_URL": server.url}
        command = [sys.executable, "-m", "doaudit", *arguments(*words)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_process_ends_with_3_where_something_is_found(doaudit):
    """It prints the table as ever, and says on standard error why its status is not 0."""
    with serve(WORLDS["act-now"](), speed=0) as server:
        plain, done = doaudit(server, "findings"), doaudit(server, "findings", "--fail-on", "look")

    assert (plain.returncode, done.returncode) == (0, 3)
    assert plain.stdout == done.stdout
    assert done.stderr == plain.stderr + "Findings that are 'act now' or 'look': 1, so the exit status is 3.\n"


def test_a_history_that_is_not_complete_is_status_1(doaudit):
    """Whatever was found in it: nobody knows what is missing, and a line on standard error says that something is."""
    with serve(World(actions=[*finished_actions(450), HANGS]), speed=0) as server:
        first = doaudit(server, "refresh", "--since", "2026-11-23T11:00:00Z")
        done = doaudit(server, "findings", "--no-refresh", "--fail-on", "act-now")

    assert (first.returncode, done.returncode) == (0, 1)
    assert "act now" in done.stdout
    assert done.stderr.endswith("Not all actions are here, so the exit status is 1, whatever was found.\n")


@pytest.mark.parametrize("worst", WORLDS)
def test_the_status_follows_the_worst_finding(worst, arguments, monkeypatch, capsys):
    """It is 3 from the severity that was named upwards, else 0; the row that says that nothing is unusual is none."""
    with serve(WORLDS[worst](), speed=0) as server:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", server.token)
        monkeypatch.setenv("DIGITALOCEAN_API_URL", server.url)
        failing = {word for word in SEVERITIES if main(arguments("findings", "--fail-on", word)) == 3}

    assert failing == (set(SEVERITIES[SEVERITIES.index(worst) :]) if worst in SEVERITIES else set())
    assert ("There is nothing to act on or to look at" in capsys.readouterr().out) == (worst in {"know", "nothing"})


def test_each_severity_has_a_spelling():
    """The command line has every severity, the worst first, with a dash where there is a space."""
    assert [word.replace("-", " ") for word in SEVERITIES] == [*reversed(get_args(Severity))]


def test_only_findings_have_severities(capsys):
    """Another table does not understand the option: status 2."""
    assert main(["open-actions", "--fail-on", "look"]) == 2
    assert "--fail-on" in capsys.readouterr().err
