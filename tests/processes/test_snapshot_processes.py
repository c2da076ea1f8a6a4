"""
What a snapshot promises, held by real processes: signals, kill -9, a full disk, two programs at once, a hostile server.

They all run side by side, since each of them mostly waits.
"""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from examples import THOROUGH
from processes import SPEED, Stand

from doaudit.demo import Fault

PHASES = {
    "shutting down": "Asking DigitalOcean to shut down the droplet.",
    "confirming off": "waiting until it is off.",
    "snapshotting": "DigitalOcean has started the snapshot.",
    "confirming snapshot": "Looking for it among the droplet's snapshots.",
    "powering on": "Asking DigitalOcean to switch on the droplet.",
}
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
AT_ONCE_S = 10
_LONG_S = 3000


def signalled(stand, number, phase):
    """Send a signal in a phase, and let the process end by itself."""
    # The plan and the beginning read the snapshots, too.
    stand.world.faults.add(Fault("slow", path="/snapshots", after=2, seconds=2.0))
    child = stand.snapshot()
    child.says(PHASES[phase])
    child.process.send_signal(number)
    child.ended()
    return child


def signalled_twice(stand, number):
    """Send a signal twice while the snapshot is taken; then take up what was left."""
    child = stand.snapshot()
    child.says(PHASES["snapshotting"])
    child.process.send_signal(number)
    child.says("The droplet's power is restored first")
    began = time.monotonic()
    child.process.send_signal(number)
    child.ended()
    return child, time.monotonic() - began, stand.power(), stand.resume()


def nohup(stand):
    """Send SIGHUP to a process that was started with nohup."""
    child = stand.snapshot(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    child.says(PHASES["snapshotting"])
    child.process.send_signal(signal.SIGHUP)
    child.ended()
    return child


def unheard(stand):
    """Read the beginning of what is printed, or nothing at all, and close the pipe."""
    children = []
    for droplet in (7, 8):
        reading, writing = os.pipe()
        children.append(stand.snapshot(droplet, stdout=writing, stderr=writing))
        os.close(writing)
        if droplet == 7:
            os.read(reading, 1)
        os.close(reading)
    return [child.ended() for child in children]


def closed_terminal(stand):
    """Close the terminal that the process runs in, as a lost ssh session does."""
    ours, theirs = pty.openpty()
    child = stand.snapshot(
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    said = b""
    while PHASES["snapshotting"].encode() not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    child.ended()
    return child


def killed_and_resumed_twice(stand):
    """Kill two snapshots with -9; ask for what is new; then let two processes take both up at once."""
    # However slowly the processes come along, neither snapshot ends before both are killed.
    stand.world.faults.add(Fault("slow_event", type="snapshot", times=2, seconds=_LONG_S))
    left = [stand.snapshot(each) for each in (7, 8)]
    for child in left:
        child.says(PHASES["snapshotting"])
        child.process.kill()
        child.process.wait()
    refresh = stand.start("refresh")
    refresh.ended()
    stand.world.advance(_LONG_S)
    resumers = [stand.start("resume", "--yes") for _ in range(2)]
    for each in resumers:
        each.ended()
    again = stand.resume()
    return refresh, resumers, again


def queue_killed_and_resumed(stand):
    """Kill a queue of two with -9 while its first snapshot is taken; begin another program, and resume."""
    stand.world.faults.add(Fault("slow_event", type="snapshot", times=1, seconds=_LONG_S))
    child = stand.start("snapshot", "web-*", "mine", "--yes")
    child.says(PHASES["snapshotting"])
    child.process.kill()
    child.process.wait()
    refresh = stand.start("refresh")
    refresh.ended()
    before = len(stand.taken(8))
    stand.world.advance(_LONG_S)
    return before, refresh, stand.resume(), stand.resume()


def queue_signalled(stand):
    """Send SIGTERM to a queue of two while its first droplet is off."""
    child = stand.start("snapshot", "web-*", "mine", "--yes", "--keep-going")
    child.says(PHASES["confirming off"])
    child.process.send_signal(signal.SIGTERM)
    return child.ended(), child


def two_histories(stand):
    """Let two processes with histories of their own snapshot one droplet."""
    stand.world.faults.add(Fault("slow_event", type="snapshot", seconds=SPEED * 25))
    # It has loaded everything before it is let go, or it might come when the first is done.
    go = stand.folder / "go"
    second = stand.start(
        code=f"""
import pathlib, sys, time
import doaudit.connect, doaudit.snapshot.driver
from doaudit.__main__ import run
print("Loaded.", flush=True)
while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)
sys.argv[1:] = ["snapshot", "7", "mine", "--yes", "--history", {str(stand.folder / "b.duckdb")!r}]
sys.exit(run())
"""
    )
    second.says("Loaded.")
    first = stand.snapshot(7, "--history", stand.folder / "a.db")
    first.says(PHASES["confirming off"])
    go.touch()
    return first, first.ended(), second, second.ended()


def trickling(stand):
    """Let the answer that tells of the snapshot's end trickle a byte each five seconds."""
    code = f"""
import doaudit as da
from doaudit.account import Account
from doaudit.api.client import Client
client = Client({stand.server.token!r}, {stand.server.url!r}, deadline_s=1.5)
Account(client, history=":memory:").snapshot(7, "mine", confirm=True)
"""
    child = stand.start(code=code)
    child.says(PHASES["snapshotting"])
    stand.world.faults.add(Fault("trickle", method="GET", path="/v2/actions/", times=2, seconds=5.0))
    child.ended()
    return child


def left_running_at_exit(stand):
    """End programs in whose background a droplet is off: while its snapshot is taken, and before."""
    code = """
import doaudit as da, time
account = da.connect()
job = account.snapshot_runs.job(account.snapshot_runs.plan({}, "mine"))
job.start()
while not ({}): time.sleep(0.02)
"""
    while_taken, before = "job.state.snapshot_under_way", "job.state.power != 'untouched'"
    children = [stand.start(code=code.format(7, while_taken)), stand.start(code=code.format(8, before))]
    for child in children:
        child.ended()
    return children


def queue_left_at_exit(stand):
    """End a program in whose background the first droplet of a queue is off."""
    child = stand.start(
        code="""
import doaudit as da, time
account = da.connect()
runs = account.snapshot_runs
queue = runs.queue([runs.plan(each, "mine") for each in (7, 8)], keep_going=True)
queue.start()
while queue.states[0].power == "untouched": time.sleep(0.02)
"""
    )
    child.ended()
    return child


def full_disk(stand):
    """Fill the disk that holds the journal once the shutdown was sent; make room again after the end."""
    stand.state.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    small = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", stand.state]
    if not (mount and unmount) or subprocess.run([mount, *small], capture_output=True, check=False).returncode:
        return None
    try:
        child = stand.snapshot()
        child.says("DigitalOcean has started the shutdown.")
        with (stand.state / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            fill(file)
        child.ended()
        return child
    finally:
        subprocess.run([unmount, "-l", stand.state], check=True)


def fill(file):
    """Write until there is no room any more."""
    while True:
        file.write(bytes(4096))


# Ctrl-C in each phase; the other two signals, which take the same way, in each phase only where there is time.
ALWAYS = [
    (number, phase) for number in STATUS for phase in PHASES if number == signal.SIGINT or phase == "snapshotting"
]
SIGNALLED = [
    pytest.param(*each, marks=() if each in ALWAYS else pytest.mark.release)
    for each in (product(STATUS, PHASES) if THOROUGH else ALWAYS)
]
# What takes longest comes first.
SCENARIOS = {
    "two histories": two_histories,
    "killed": killed_and_resumed_twice,
    "queue killed": queue_killed_and_resumed,
    "queue signalled": queue_signalled,
    "queue left at exit": queue_left_at_exit,
    "left at exit": left_running_at_exit,
    "trickling": trickling,
    **{f"{number.name} twice": lambda stand, number=number: signalled_twice(stand, number) for number in STATUS},
    **{
        f"{number.name} while {phase}": lambda stand, number=number, phase=phase: signalled(stand, number, phase)
        for number, phase in (each.values for each in SIGNALLED)
    },
    "nohup": nohup,
    "closed terminal": closed_terminal,
    "unheard": unheard,
    "full disk": full_disk,
}


@pytest.fixture(scope="module")
def happened(tmp_path_factory):
    """What happened in each scenario; a dozen of them at a time."""
    more = {
        f"{number.name} while {phase}" for number, phase in product(STATUS, PHASES) if (number, phase) not in ALWAYS
    }
    started = {}
    with ThreadPoolExecutor(12) as pool:

        def happened_in(name):
            if name not in started:
                stand = Stand(tmp_path_factory.mktemp("process"))
                started[name] = stand, pool.submit(SCENARIOS[name], stand)
            return started[name]

        # All that the selected tests ask for begin at once.
        for name in SCENARIOS:
            if name in more or not THOROUGH:
                happened_in(name)
        yield lambda name: (happened_in(name)[1].result(), happened_in(name)[0])
    for stand, _ in started.values():
        stand.stop()


@pytest.mark.parametrize(("number", "phase"), SIGNALLED)
def test_a_signal_restores_the_power_in_every_phase(happened, number, phase):
    """Ctrl-C, SIGTERM and SIGHUP end with the droplet on and seen on, a status of their own, and a sentence."""
    child, stand = happened(f"{number.name} while {phase}")

    said = child.said
    assert stand.power() == "active"
    assert len(stand.taken()) <= 1
    assert "The droplet's power is restored first" in said
    if phase == "powering on":  # it came too late to cancel anything
        assert (child.process.returncode, "Done: the snapshot 'mine' exists" in said) == (0, True)
    else:
        assert child.process.returncode == STATUS[number]
        assert "Cancelled: " in said
        assert "is on, as it was before" in said or phase == "shutting down"
    assert "Traceback" not in said


@pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)
def test_a_second_signal_leaves_at_once_and_the_next_start_knows(happened, number):
    """Who insists gets out; what is owed is said, and is made good by `doaudit resume`."""
    (child, seconds, _, resumed), stand = happened(f"{number.name} twice")

    assert (child.process.returncode, seconds < AT_ONCE_S) == (STATUS[number], True)
    assert "Left as it is, on the way back to a droplet that is on." in child.said
    assert resumed.said.startswith("LEFT UNFINISHED: the snapshot 'mine' of droplet web-7 (7)")
    assert (resumed.process.returncode, stand.power()) == (0, "active")


def test_a_hangup_that_is_ignored_stays_ignored(happened):
    """Under nohup a closed terminal cancels nothing."""
    child, _ = happened("nohup")

    assert (child.process.returncode, "Done: the snapshot 'mine' exists" in child.said) == (0, True)


def test_a_closed_terminal_leaves_no_droplet_off(happened):
    """A terminal that goes away, and can no longer be written to, cancels: the power is restored first."""
    child, stand = happened("closed terminal")

    assert (child.process.returncode, stand.power(), len(stand.taken())) == (129, "active", 1)


def test_who_does_not_listen_changes_nothing(happened):
    """With its output cut off, as by `head -1`, the snapshot is made and the status is 0."""
    statuses, stand = happened("unheard")

    assert statuses == [0, 0]
    assert [(stand.power(each), len(stand.taken(each))) for each in (7, 8)] == [("active", 1)] * 2


def test_a_queue_that_was_killed_is_resumed_as_a_whole(happened):
    """The run that was lost is taken to its end, then the one that was not begun; once each, and nothing is left."""
    (before, refresh, resumed, again), stand = happened("queue killed")

    assert before == 0
    assert "LEFT UNFINISHED: a queue of 2 snapshots" in resumed.said
    assert "Not begun yet: web-8 (8)." in resumed.said
    assert resumed.process.returncode == 0, resumed.said
    assert [(stand.power(each), len(stand.taken(each))) for each in (7, 8)] == [("active", 1)] * 2
    assert "Nothing was left unfinished." in again.said
    assert refresh.process.returncode == 0


def test_a_signal_ends_a_queue_with_every_droplet_on(happened):
    """SIGTERM restores the power of the one that runs, begins no other though told to keep going, and is the status."""
    (status, child), stand = happened("queue signalled")

    assert status == STATUS[signal.SIGTERM]
    assert "Not begun: web-8 (8)." in child.said
    assert [stand.power(each) for each in (7, 8)] == ["active"] * 2
    assert stand.taken(8) == []


def test_a_queue_ends_with_python(happened):
    """When Python ends, the droplet that is off is switched on first, and no other is begun."""
    child, stand = happened("queue left at exit")

    assert child.process.returncode == 0, child.said
    assert "waiting until droplet web-7 is on again before Python ends" in child.said
    assert [stand.power(each) for each in (7, 8)] == ["active"] * 2
    assert not [line for line in stand.world.requests if line.startswith("POST /v2/droplets/8/")]


def test_what_kill_9_leaves_is_said_first_thing_and_made_good_once(happened):
    """Two processes that take up two runs make one snapshot of each; whatever is started next says what was left."""
    (refresh, resumers, again), stand = happened("killed")

    assert refresh.said.count("LEFT UNFINISHED") == 2
    for droplet in (7, 8):
        assert (stand.power(droplet), len(stand.taken(droplet))) == ("active", 1)
    said = [each.said for each in resumers]
    assert sum(each.count("Done: the snapshot 'mine' exists") for each in said) >= 2
    assert all(each.process.returncode == 0 for each in resumers), said
    assert "Nothing was left unfinished." in again.said


def test_two_histories_do_not_drive_one_droplet(happened):
    """A droplet has one driver, wherever the histories lie."""
    (first, first_status, second, second_status), stand = happened("two histories")

    assert (first_status, second_status) == (0, 1)
    assert "is being driven already, by process" in second.said
    assert (len(stand.taken()), stand.power()) == (1, "active")
    assert "Done" in first.said


def test_an_answer_that_trickles_is_cut(happened):
    """A server that sends a byte each five seconds keeps no droplet off."""
    child, stand = happened("trickling")

    assert (child.process.returncode, stand.power(), len(stand.taken())) == (0, "active", 1)


def test_a_program_that_ends_switches_the_droplet_on_first(happened):
    """A program that ends while a snapshot runs in its background waits until the droplet is on."""
    (child, early), stand = happened("left at exit")

    assert (stand.power(7), stand.power(8)) == ("active", "active")
    for each, number in ((child, 7), (early, 8)):
        assert f"waiting until droplet web-{number} is on again before Python ends" in each.said
        assert "is on, as it was before" in each.said
    assert "Done: the snapshot 'mine' exists" in child.said
    assert "Cancelled" in early.said


def test_a_full_disk_leaves_no_droplet_off(happened):
    """Where the journal cannot be written any more, no snapshot is sent, and the droplet is switched on."""
    child, stand = happened("full disk")
    if child is None:
        reason = "Mounting a small disk takes root."
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    assert (child.process.returncode, stand.power(), stand.taken()) == (1, "active", [])
    assert "No space left on device" in child.said
    assert "is on, as it was before" in child.said
