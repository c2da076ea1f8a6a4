"""Messages to an explorer in a living kernel, from its main thread and a subshell, as two pages would send them."""

from __future__ import annotations

import queue

import pytest
from jupyter_client.manager import start_new_kernel
from processes import PATIENCE_S

OPEN = """
import doaudit as da
explorer = da.widgets.Explorer(da.demo(actions=1_000).actions())
explorer
"""
HOSTILE = [
    None,
    "DROP TABLE actions",
    {"kind": "look", "selection": {"type": [{"$where": "1"}]}},
    {"kind": "rows", "sort": "__class__", "limit": 10**9},
    {"kind": "csv", "path": "/etc/passwd"},
    {"kind": "look", "selection": {"since": "9" * 200}},
    {"kind": "find", "text": "x" * 10**5},
]
ROUNDS = 12


@pytest.fixture
def kernel():
    """A kernel and its client."""
    manager, client = start_new_kernel(startup_timeout=PATIENCE_S, kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def heard(client):
    """Return the next message that the kernel publishes."""
    try:
        return client.get_iopub_msg(timeout=PATIENCE_S)
    except queue.Empty:
        return pytest.fail("The kernel says nothing more.")


def run(client, code):
    """Run a cell; return the messages up to its end."""
    asked, messages = client.execute(code), []
    while True:
        messages.append(heard(client))
        content = messages[-1]["content"]
        is_its = messages[-1]["parent_header"].get("msg_id") == asked
        assert messages[-1]["msg_type"] != "error", content
        if is_its and content.get("execution_state") == "idle":
            return messages


def comm_of(messages):
    """Return the comm of the explorer among those that a cell has opened."""
    opened = [each["content"] for each in messages if each["msg_type"] == "comm_open"]
    return next(each["comm_id"] for each in opened if "_esm" in each["data"].get("state", {}))


def subshell(client):
    """Open a second thread for messages, as JupyterLab does for each comm; skip a kernel that has none."""
    asked = client.session.msg("create_subshell_request", {})
    client.control_channel.send(asked)
    try:
        return client.get_control_msg(timeout=10)["content"]["subshell_id"]
    except (queue.Empty, KeyError):
        return pytest.skip("This ipykernel has no subshells.")


def test_hostile_messages_from_two_threads_are_answered(kernel):
    """Each message gets its answer, right or a fault; the last that could be read is selected; nothing is printed."""
    comm, second = comm_of(run(kernel, OPEN)), subshell(kernel)
    wanted = set()

    def send(number, content, shell):
        if isinstance(content, dict):
            content = {"view": "v", "number": number, **content}
            wanted.add(number)
        data = {"comm_id": comm, "data": {"method": "custom", "content": content}}
        message = kernel.session.msg("comm_msg", data)
        message["header"]["subshell_id"] = shell
        kernel.shell_channel.send(message)

    number = 0
    for _ in range(ROUNDS):
        for content in HOSTILE:
            for shell in (None, second):
                number += 1
                send(number, content, shell)
                send(1_000 + number, {"kind": "look", "selection": {"outcome": ["completed"]}}, shell)
                send(2_000 + number, {"kind": "rows", "offset": 0, "limit": 50, "sort": "id"}, shell)
    answers, faults = {}, 0
    while wanted - answers.keys():
        message = heard(kernel)
        assert message["msg_type"] not in ("error", "stream"), message["content"]
        content = message["content"].get("data", {}).get("content", {}) if message["msg_type"] == "comm_msg" else {}
        faults += content.get("kind") == "fault"
        if content.get("number") is not None:
            answers[content["number"]] = content

    assert faults >= 2 * ROUNDS * len(HOSTILE)
    for at in range(1, number + 1):
        assert answers[1_000 + at]["selected"] == answers[1_001]["selected"] < 1_000
        assert len(answers[2_000 + at]["rows"]) == 50
    [said] = [
        each["content"]["data"]["text/plain"]
        for each in run(kernel, "explorer.selection == da.Selection(outcome='completed'), len(explorer.actions)")
        if each["msg_type"] == "execute_result"
    ]
    assert said == f"(True, {answers[1_001]['selected']})"
