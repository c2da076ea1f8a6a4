"""The command line as real processes: streams that are closed, full, cut off or ASCII, and Ctrl-C at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import Stand

from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action, Droplet

PATIENCE_S = 400
FOLDER = "Prüfung-日本"
# Sends Ctrl-C to itself as soon as a module is imported.
INTERRUPTED = """
import importlib.abc, os, signal, sys
wanted = sys.argv.pop(1)

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == wanted:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from doaudit.__main__ import run
sys.exit(run())
"""


@pytest.fixture(scope="module")
def account():
    """A small account whose names are not ASCII."""
    actions = [Action(id=n, type="reboot", resource_id=7, started_at=n, ends_at=n + 60) for n in range(1, 30)]
    with serve(World(actions=actions, droplets=[Droplet(7, "wéb-日本")]), speed=0) as server:
        yield server


@pytest.fixture
def doaudit(account, tmp_path):
    """Run the command line in a shell that redirects its streams, and return what became of it."""

    def run(redirection, *words, code=None, **options):
        program = [sys.executable, *(["-m", "doaudit"] if code is None else ["-c", code]), *words]
        environment = {
            **os.environ,
            "DIGITALOCEAN_TOKEN": account.token,
            "DIGITALOCEAN_API_URL": account.url,
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "DOAUDIT_STATE_DIR": str(tmp_path / "state"),
            **options.pop("env", {}),
        }
        command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *program]
        return subprocess.run(
            command,
            env=environment,
            cwd=tmp_path,
            timeout=PATIENCE_S,
            check=False,
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )

    return run


def unread():
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_reader_that_leaves_costs_no_report(doaudit, tmp_path):
    """`| head -1` ends with 141 and no traceback, the report is written, and a path that is not ASCII is no error."""
    writing = unread()
    done = doaudit("", "audit", "--out", FOLDER, stdout=writing, env={"PYTHONIOENCODING": "ascii"})
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")
    assert (tmp_path / FOLDER / "manifest.json").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        ("<&- >&-", 0, b""),
        pytest.param("<&- >&- 2>&-", 0, b"", marks=pytest.mark.release),
        (">/dev/full", 1, b"doaudit: Standard output takes nothing more (No space left on device)"),
        pytest.param(">/dev/full 2>&1", 1, b"", marks=pytest.mark.release),
    ],
)
def test_an_audit_is_made_though_nobody_can_be_told(redirection, status, said, doaudit, tmp_path):
    """Streams that are closed or full cost no report; what is full is said in one line, and is status 1."""
    done = doaudit(redirection, "audit", "--out", FOLDER)

    assert done.returncode == status
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == bool(said)
    assert (tmp_path / FOLDER / "manifest.json").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        pytest.param({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, marks=pytest.mark.release),
    ],
)
def test_an_ascii_terminal_shows_escapes(locale, doaudit, tmp_path):
    """A path that a terminal cannot show is shown with escapes."""
    done = doaudit("", "audit", "--out", FOLDER, env={"PYTHONUTF8": "0"} | locale)

    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"Report: Pr\xfc" in done.stdout or rb"Report: Pr\udcc3" in done.stdout
    assert (tmp_path / FOLDER / "manifest.json").exists()


@pytest.mark.parametrize(
    "redirection", [">/dev/full", pytest.param(">&-", marks=pytest.mark.thorough)], ids=["full", "closed"]
)
def test_a_table_that_was_not_printed_is_no_success(redirection, doaudit):
    """A full or closed standard output is one sentence on stderr and status 1."""
    done = doaudit(redirection, "slowest", "--format", "csv")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"doaudit: Standard output takes nothing more")
    assert b"Traceback" not in done.stderr


@pytest.mark.thorough
def test_csv_is_utf_8_whatever_the_terminal_is(doaudit):
    """A CSV file is the same everywhere; a text table has escapes where the terminal lacks a character."""
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    table, text = doaudit("", "slowest", "--format", "csv", env=ascii_only), doaudit("", "slowest", env=ascii_only)

    assert "wéb-日本" in table.stdout.decode("utf-8")
    assert rb"w\xe9b-\u65e5\u672c" in text.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["slowest"]])
def test_help_that_nobody_reads_is_no_traceback(words, doaudit):
    """A reader that leaves ends every command without a word."""
    writing = unread()
    done = doaudit("", *words, stdout=writing)
    os.close(writing)

    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    assert done.returncode == 141


LATE = ["numpy", "pandas", "pandas._libs.tslibs", "requests", "duckdb", "scipy.special", "matplotlib.figure", "msgspec"]


@pytest.mark.parametrize(
    "module", ["doaudit.cli.audit", *(pytest.param(each, marks=pytest.mark.thorough) for each in LATE)]
)
def test_ctrl_c_during_imports_is_one_sentence(module, doaudit):
    """Ctrl-C while something is imported ends with 130 and one sentence, and no traceback."""
    done = doaudit("", module, "audit", "--out", FOLDER, code=INTERRUPTED)

    assert (done.returncode, done.stderr.strip()) == (130, b"doaudit: Stopped.")


@pytest.mark.thorough
@pytest.mark.parametrize("path", ["/v2/account", "/v2/actions", "/v2/droplets"])
def test_ctrl_c_while_the_api_is_waited_for(path, tmp_path):
    """Ctrl-C while a response is waited for ends with 130 and one sentence, and the next refresh is complete."""
    stand = Stand(tmp_path)
    try:
        stand.world.faults.add(Fault("slow", path=path, seconds=10.0))
        child = stand.start("refresh")
        while not any(path in request for request in stand.world.requests):
            time.sleep(0.01)
        child.process.send_signal(signal.SIGINT)

        assert (child.ended(), child.said.count("\n"), "Traceback" in child.said) == (130, 2, False)
        assert stand.start("refresh").ended() == 0
    finally:
        stand.stop()
