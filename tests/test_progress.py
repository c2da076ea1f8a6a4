"""What somebody at a terminal sees of a long read, and what a log file does not."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action, Droplet

READ = "import doaudit as da; print(da.connect(history=':memory:').refresh())"


@pytest.fixture
def environment():
    """A program's environment that names an account which makes it wait."""
    actions = [Action(id=n, type="reboot", started_at=n * 60, ends_at=n * 60 + 5) for n in range(1, 1401)]
    world = World(actions=actions)
    world.faults.add(Fault("burst_limit", path="page=4&", seconds=1))
    with serve(world, speed=0, latency_s=0.3) as server:
        yield {**os.environ, "DIGITALOCEAN_TOKEN": server.token, "DIGITALOCEAN_API_URL": server.url}


def on_a_terminal(command, environment):
    """Run a program whose standard error is a terminal; return its status and what that showed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    ends = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": theirs}
    with subprocess.Popen(command, env=environment, **ends) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # which is how Linux says that the other end has closed
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    return process.returncode, shown.decode()


def test_a_terminal_shows_rows_pages_rate_and_waits(environment):
    """The bar counts actions and pages, and says what it waits for and how long."""
    status, text = on_a_terminal([sys.executable, "-c", READ], environment)

    assert status == 0
    assert "waiting 1 s, limit of requests a minute" in text
    assert "100%" in text
    assert "1400/1400" in text
    assert re.search(r"1400/1400 actions, \d\d:\d\d, 00:00 left, 7 pages", text)
    assert "/s" not in text


def test_a_terminal_shows_how_far_planning_has_come(tmp_path):
    """To plan several snapshots takes requests for each: a bar counts them. Nothing is begun without an answer."""
    world = World(droplets=[Droplet(each, f"web-{each}") for each in (101, 102, 103)])
    command = [sys.executable, "-m", "doaudit", "snapshot", "web-*", "--history", str(tmp_path / "h.duckdb")]
    with serve(world, speed=0, latency_s=0.4) as server:
        account = {"DIGITALOCEAN_TOKEN": server.token, "DIGITALOCEAN_API_URL": server.url}
        status, text = on_a_terminal(command, {**os.environ, "DOAUDIT_STATE_DIR": str(tmp_path), **account})

    assert status == 2
    assert re.search(r"planning: +\d+% .* [12]/3 snapshots", text)
    assert re.search(r"planning: 100% .* 3/3 snapshots", text)
    assert not [line for line in world.requests if line.startswith("POST")]


def test_a_log_file_shows_nothing(environment):
    """Where nobody looks, only the result is printed."""
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, env=environment, check=True)

    assert done.stderr == ""
    assert done.stdout.startswith("1,400 new actions, 0 newly finished, in ")
