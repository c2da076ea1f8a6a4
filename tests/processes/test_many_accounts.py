"""Commands on several accounts as real processes: killed, stopped, and gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import warnings

import pytest
from agency import BAD, SLOW, Agency, fifty_worlds, small_world

import doaudit as da
from doaudit.demo import Fault

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
PATIENCE_S = 600


def started(agency, folder, *words):
    """Start a command on all accounts."""
    file = agency.write_file(folder)
    return subprocess.Popen(
        [sys.executable, "-m", "doaudit", *words, "--accounts", str(file)],
        env=agency.environment(folder),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(agency, folder, *words):
    """Run a command on all accounts, and return its status and what it printed."""
    process = started(agency, folder, *words)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def until(condition):
    """Wait until something is so."""
    for _ in range(PATIENCE_S * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("It did not come to that.")


def unchanged_for(seconds, agency):
    """Return the requests of some seconds ago."""
    earlier = agency.requests
    time.sleep(seconds)
    return earlier


def rows(agency, folder, monkeypatch):
    """Return how many actions the history of each account has."""
    for name, variable in agency.variables.items():
        monkeypatch.setenv(variable, agency.tokens[name])
    with da.read_accounts(folder / "accounts.toml", base_url=agency.url) as accounts, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        actions = accounts.history.read()
    return {name: int(n) for name, n in actions["account"].value_counts().items()}


@pytest.mark.thorough
def test_fifty_accounts_are_killed_in_the_middle_and_gone_on_with(tmp_path, monkeypatch):
    """What was read before is not read again, and in the end each account but the bad one is whole."""
    with Agency(fifty_worlds()) as agency:
        first = started(agency, tmp_path, "refresh")
        until(lambda: sum(agency.requests.values()) > 120)
        first.kill()
        first.communicate()
        before = agency.requests
        held = rows(agency, tmp_path, monkeypatch)
        assert 0 < sum(held.values()) < sum(len(world.log) for world in agency.worlds.values())
        since_kill = agency.requests

        status, out, err = ended(agency, tmp_path, "refresh")

        assert (status, out) == (1, "")
        assert f"{BAD} was not read" in err
        whole = {name: len(world.log) for name, world in agency.worlds.items() if name != BAD}
        assert rows(agency, tmp_path, monkeypatch) == whole
        again = {name: agency.requests[name] - since_kill[name] for name in agency.worlds}
        # Those that had come to their end before are asked for page 1 only, and for names that were not read yet.
        assert sum(again[name] == 1 for name in whole) >= sum(before[name] > 8 for name in whole)
        assert before[BAD] <= 2


def test_ctrl_c_stops_all_and_says_how_many_were_done(tmp_path):
    """It ends within seconds although one account is slow, with the status of Ctrl-C, and what was read is kept."""
    worlds = {f"team-{number}": small_world(number) for number in range(3)} | {SLOW: small_world(4)}
    with Agency(worlds) as agency:
        agency.worlds[SLOW].faults.add(Fault("hang", path=r"/v2/actions\?", times=None, seconds=60.0))
        process = started(agency, tmp_path, "refresh")
        until(lambda: all(number > 6 for name, number in agency.requests.items() if name != SLOW))
        until(lambda: agency.requests == unchanged_for(4.0, agency))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)

        assert process.returncode == 130
        assert "Stopped: 3 of 4 accounts were done." in err
        assert "Traceback" not in err


@pytest.mark.release
def test_an_audit_of_several_writes_a_report_of_each_and_one_of_all(tmp_path):
    """The status is not 0 if one failed; without it, it is 0."""
    with Agency({"acme": small_world(1), "globex": small_world(2), BAD: small_world(3)}) as agency:
        status, out, _ = ended(agency, tmp_path, "audit", "--out", "report")
        assert status == 1
        assert "3 ACCOUNTS, all REAL" in out
        assert f"{BAD} was not read" in out
        pages = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "report").rglob("index.html"))
        assert pages == [
            "report/accounts/acme/index.html", "report/accounts/globex/index.html", "report/index.html",
        ]  # fmt: skip
        manifest = json.loads((tmp_path / "report" / "manifest.json").read_text())
        assert manifest["completeness"]["verdict"] == "unproved"
        assert set(manifest["reports"]) == {"acme", "globex"}

        agency.worlds.pop(BAD)
        agency.tokens.pop(BAD)
        status, out, err = ended(agency, tmp_path, "audit", "--out", "second")
        assert (status, "Traceback" in err) == (0, False)


def test_tables_and_checks_take_the_file(tmp_path):
    """A table has the column of the account, can be narrowed to some, and says which accounts it lacks."""
    with Agency({"acme": small_world(1), "globex": small_world(2), BAD: small_world(3)}) as agency:
        status, out, err = ended(agency, tmp_path, "last-actions", "--format", "csv")
        assert status == 1
        assert f"{BAD} was not read" in err
        assert "2 of 3 accounts are complete." in err
        assert {line.split(",")[0] for line in out.splitlines()[1:]} == {"acme", "globex"}

        _, out, _ = ended(agency, tmp_path, "last-actions", "--format", "csv", "--no-refresh", "--account", "acme")
        assert {line.split(",")[0] for line in out.splitlines()[1:]} == {"acme"}

        status, _, err = ended(agency, tmp_path, "findings", "--fail-on", "act-now")
        assert (status, "whatever was found" in err) == (1, True)

        status, out, _ = ended(agency, tmp_path, "check")
        assert status == 1
        assert f"2 of 3 accounts can be audited, not {BAD}." in out


def test_a_history_and_a_file_of_accounts_are_not_taken_together(tmp_path):
    """Each account has a history of its own, so one for all is a mistake that is said."""
    with Agency({"acme": small_world(1)}) as agency:
        status, _, err = ended(agency, tmp_path, "refresh", "--history", "x.duckdb")
    assert status == 1
    assert "leave --history and --demo out" in err
