"""What every test stands on: no network but this machine, no token from the environment."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from examples import number_of_examples
from hypothesis import HealthCheck, settings

# A test's examples are the same on each run of CI, so that a red run can be repeated; elsewhere they vary.
settings.register_profile(
    "doaudit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=number_of_examples(100),
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("doaudit")


def _only_loopback(event: str, arguments: tuple) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside:
        raise PermissionError(f"A test tried to reach {host}; tests talk to this machine only.")


sys.addaudithook(_only_loopback)

# Under nohup, or behind an & of a script, signals are ignored, and so they would be by the processes that tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


# A file that takes minutes begins first, so that no process is left alone with it at the end.
_LONG = ("test_fates.py", "test_notebooks_in_lab.py", "test_notebooks.py", "test_snapshot_processes.py")


def pytest_collection_modifyitems(items):
    """Put the tests of long files first, otherwise in their order."""
    items.sort(key=lambda item: _LONG.index(item.path.name) if item.path.name in _LONG else len(_LONG))


@pytest.fixture(autouse=True)
def data_home(monkeypatch, tmp_path_factory):
    """A developer's own token and history are never seen by a test; what it keeps goes to a folder of its own."""
    for name in ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN", "DIGITALOCEAN_API_URL"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    monkeypatch.setenv("DOAUDIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    return home


@pytest.fixture
def closed_parent(tmp_path):
    """A folder in whose parent nothing can be made: for root both are mounts, the parent's read-only."""
    parent, folder = tmp_path / "parent", tmp_path / "parent" / "folder"
    parent.mkdir()
    if os.geteuid() != 0:
        folder.mkdir()
        parent.chmod(0o555)
        yield folder
        parent.chmod(0o755)
        return
    mount, umount = shutil.which("mount"), shutil.which("umount")
    tmpfs = [mount, "-t", "tmpfs", "none"]
    if not (mount and umount) or subprocess.run([*tmpfs, parent], capture_output=True, check=False).returncode:
        pytest.skip("This machine lets not even root mount a file system.")
    folder.mkdir()
    subprocess.run([*tmpfs, folder], check=True)
    subprocess.run([mount, "-o", "remount,ro", parent], check=True)
    yield folder
    subprocess.run([umount, "-l", folder, parent], check=True)


@pytest.fixture(scope="session")
def stage():
    """An address of a simulated account that can lead to any world; each test sets its own behind it."""
    from staged import Stage  # noqa: PLC0415 -- loads Flask, which most tests do without

    running = Stage()
    yield running
    running.stop()


@pytest.fixture
def scene(stage):
    """A droplet that is on, and a snapshot that takes half a minute."""
    from staged import world_of  # noqa: PLC0415 -- see `stage`

    return stage.set(world_of())


@pytest.fixture(scope="session")
def openapi():
    """The official OpenAPI document of actions; it lies beside the checkout, or where a variable says."""
    beside = Path(__file__).parents[2] / "shared" / "openapi" / "actions.json"
    path = Path(os.environ.get("DOAUDIT_OPENAPI", beside))
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"The OpenAPI document is not at {path}.")
        pytest.skip(f"The OpenAPI document is not at {path}; DOAUDIT_OPENAPI can name another place.")
    return json.loads(path.read_text(encoding="utf-8"))
