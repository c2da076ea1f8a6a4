"""A snapshot in a living kernel: it asks in the cell, and the stop button restores the power before the cell ends."""

from __future__ import annotations

import queue

import pytest
from jupyter_client.manager import start_new_kernel
from processes import PATIENCE_S, Stand

OPEN = "import doaudit as da; account = da.connect()"
TAKE = "run = account.snapshot(7, 'mine')"


@pytest.fixture
def stand(tmp_path):
    """A served account."""
    stand = Stand(tmp_path)
    yield stand
    stand.stop()


@pytest.fixture
def kernel(stand):
    """A kernel with the account in its environment."""
    manager, client = start_new_kernel(
        startup_timeout=PATIENCE_S, kernel_name="python3", env=stand.environment, cwd=str(stand.folder)
    )
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def result_of(kernel, code, *, answer=None, interrupt_at=None):
    """Run a cell: answer its question, stop it at some words, and return what it said and what it raised."""
    manager, client = kernel
    client.execute(code, allow_stdin=answer is not None)
    if answer is not None:
        asked = client.get_stdin_msg(timeout=PATIENCE_S)
        assert "Begin? Type yes" in asked["content"]["prompt"]
        client.input(answer)
    said, raised, ended = "", None, False
    while not ended:
        try:
            message = client.get_iopub_msg(timeout=PATIENCE_S)
        except queue.Empty:
            pytest.fail(f"The cell does not end:\n{said}")
        kind, content = message["msg_type"], message["content"]
        said += content.get("text", "") if kind == "stream" else ""
        if interrupt_at is not None and interrupt_at in said:
            manager.interrupt_kernel()
            interrupt_at = None
        if kind == "error":
            raised = content["ename"], content["evalue"]
        ended = kind == "status" and content["execution_state"] == "idle"
    return said, raised


def test_a_cell_asks_and_is_stopped_only_with_the_droplet_on(kernel, stand):
    """On a real account a yes is needed; Ctrl-C comes back after the power was restored, and the job is over then."""
    result_of(kernel, OPEN)

    said, raised = result_of(kernel, TAKE, answer="no")
    assert raised[0] == "NotPossible"
    assert stand.taken() == []

    said, raised = result_of(kernel, TAKE, answer="yes", interrupt_at="DigitalOcean has started the snapshot.")

    assert raised[0] == "KeyboardInterrupt"
    assert "The droplet's power is restored first" in said
    assert "Cancelled: droplet web-7 (7) is on, as it was before." in said
    assert stand.power() == "active"
    assert result_of(kernel, "assert account.snapshot_runs.running() == []")[1] is None

    said, raised = result_of(kernel, TAKE)
    assert raised[0] == "NotPossible"
    assert "again=True" in raised[1]
    assert len(stand.taken()) == 1
