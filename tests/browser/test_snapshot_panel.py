"""The panels in a real JupyterLab, in a real browser: what a person sees and does, and what a lost kernel leaves."""

from __future__ import annotations

import re
import time

import pytest
from lab_page import (
    COMMAND_MODE,
    IS_READY,
    KINDS,
    RESTART,
    RUN_ALL,
    RUN_CELL,
    SAVE,
    SHUT_DOWN,
    open_notebook,
    save_screenshot,
    serious_faults,
    use_theme,
)

from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Droplet

pytestmark = pytest.mark.browser

SPEED = 30
HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"

# The account lives in the test's process, so that it goes on when the kernel has ended. The clock keeps pace with it.
OPEN = """
import time
import doaudit as da
from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.clock import SystemClock
class FastClock:
    def now(self): return {now} + (time.time() - {at}) * {speed}
    def elapsed(self): return self.now()
    def wait(self, seconds, stop=None): return SystemClock().wait(seconds / {speed}, stop)
account = Account(Client({token!r}, {url!r}, clock=FastClock()), history={history!r}, clock=FastClock())
from doaudit.widgets import Monitor, SnapshotPanel
"""

ROOT, MONITOR = ".da-snapshot", ".da-monitor"


@pytest.fixture
def world():
    """An account with three droplets, one of which has a name that looks like a script."""
    droplets = [
        Droplet(101, "web-01", snapshot_s=60.0),
        Droplet(102, "db-01", snapshot_s=150.0),
        Droplet(103, HOSTILE, snapshot_s=30.0),
    ]
    return World(droplets=droplets, seed=7)


@pytest.fixture
def server(world):
    """The account, served with a faster clock."""
    with serve(world, speed=SPEED) as served:
        yield served


@pytest.fixture
def first(server, world, tmp_path):
    """The cell that opens the account."""
    history = str(tmp_path / "h.duckdb")
    return OPEN.format(now=world.now, at=time.time(), speed=SPEED, token=server.token, url=server.url, history=history)


@pytest.fixture
def notebook(lab, page, first):
    """Open a notebook of these cells, after one that opens the account, in Lab or Notebook 7, and run all cells."""

    def opened(*cells, path="doc/tree"):
        open_notebook(lab, page, first, *cells, path=path)
        return page

    return opened


def choose(page, name):
    """Find a droplet by its name, choose it, and wait for the plan."""
    page.locator(f"{ROOT} .da-find").first.fill(name)
    rows = page.locator(f"{ROOT} .da-droplets tbody tr")
    page.wait_for_function("document.querySelectorAll('.da-droplets tbody tr').length === 1")
    rows.first.click()
    page.locator(f"{ROOT} .da-plan label", has_text="Yes,").wait_for()


def start_snapshot(page, name):
    """Choose, confirm, start."""
    choose(page, name)
    page.locator(".da-confirm").check()
    page.locator("button.da-start:enabled").click()
    page.locator(f"{ROOT} .da-run").first.wait_for()


def result(page):
    """Wait until all is over, and return the text of the first result."""
    page.locator("button.da-again").wait_for(timeout=180_000)
    return page.locator(f"{ROOT} .da-run > p").first.inner_text()


def logged(page, words):
    """Wait until the first run's log has these words."""
    page.locator(f"{ROOT} .da-run pre", has_text=words).first.wait_for(state="attached")


def post_requests(world):
    """Return the requests that would change something in the account."""
    return [line for line in world.requests if line.startswith("POST")]


def outlast_a_reload(world):
    """Make the snapshot slow, so that it is not over when a busy machine has reloaded a page or restarted a kernel."""
    world.faults.add(Fault("slow_event", type="snapshot", seconds=SPEED * 45))


def status(world, droplet_id):
    """Return the status of a droplet."""
    return world.droplet(droplet_id).get("status", world.now)


def test_the_notebook_from_top_to_bottom(lab, page, foreign):
    """After Run All Cells of notebook 05 both panels are there and nothing has been started; the panel then works."""
    address, token = lab
    page.goto(f"{address}/doc/tree/notebooks/05_snapshot_workflow.ipynb?token={token}&reset")
    page.wait_for_function(IS_READY)
    page.evaluate(RUN_ALL)
    page.locator(f"{MONITOR} .da-verdict-stuck").first.wait_for()
    assert page.locator(f"{ROOT} .da-work").is_hidden()
    assert serious_faults(page, ROOT) == serious_faults(page, MONITOR) == []

    start_snapshot(page, "web-01")
    save_screenshot(page, "notebook-05-monitor", MONITOR)
    text = result(page)
    save_screenshot(page, "notebook-05-panel", ROOT)
    use_theme(page, "Dark")
    save_screenshot(page, "notebook-05-monitor-dark", MONITOR)
    save_screenshot(page, "notebook-05-panel-dark", ROOT)
    assert serious_faults(page, ROOT) == serious_faults(page, MONITOR) == []
    use_theme(page, "Light")

    assert text.startswith("Done: the snapshot 'web-01")
    assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert foreign == []


def test_a_snapshot_by_hand(notebook, world, foreign):
    """Choosing, confirming and starting takes one snapshot; other cells run meanwhile; the page shows the result."""
    page = notebook("panel = SnapshotPanel(account); panel", "6 * 7")
    page.locator(f"{ROOT} .da-droplets tbody tr").first.wait_for()
    save_screenshot(page, "panel-choose", ROOT)
    choose(page, "web-01")
    plan = page.locator(f"{ROOT} .da-plan .da-steps").first.inner_text()
    save_screenshot(page, "panel-plan", ROOT)
    assert post_requests(world) == []
    assert page.locator("button.da-start").is_disabled()
    assert page.locator("button.da-start").inner_text() == "Take snapshot of web-01"

    page.locator(".da-confirm").check()
    page.locator("button.da-start:enabled").dblclick()
    page.locator(f"{ROOT} .da-run", has_text="Taking the snapshot").wait_for()
    page.evaluate(RUN_CELL, 2)
    is_running = page.locator("button.da-cancel").is_visible()
    save_screenshot(page, "panel-running", ROOT)
    text = result(page)
    save_screenshot(page, "panel-done", ROOT)

    assert "about" in plan
    assert is_running
    assert text.startswith("Done: the snapshot 'web-01")
    assert len(world.listed_images(101)) == 1
    assert status(world, 101) == "active"
    assert foreign == []


@pytest.mark.parametrize(
    "words",
    [
        "Asking DigitalOcean to shut down",
        "waiting until it is off",
        "has started the snapshot",
        "Looking for it among",
        "Asking DigitalOcean to switch on",
    ],
)
def test_cancel_restores_the_power(notebook, world, words):
    """A cancel in any phase ends with the droplet on, and says so; what DigitalOcean has begun goes on there."""
    page = notebook("panel = SnapshotPanel(account); panel")
    start_snapshot(page, "db-01")
    logged(page, words)

    # Not by the mouse: in the last phases the run may be over, and the button hidden, before it comes.
    page.locator("button.da-cancel").evaluate("button => button.click()")
    text = result(page)
    save_screenshot(page, f"panel-cancelled-{words.split()[-1]}", ROOT)

    assert text.startswith(("Cancelled", "Done"))
    assert text.startswith("Cancelled") or words.startswith(("Looking", "Asking DigitalOcean to switch on"))
    assert "is on, as it was before" in text
    assert status(world, 102) == "active"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("errored", type="snapshot"), r"Failed.*gives no reason.*is on, as it was before"),
        (Fault("without_effect", type="shutdown"), r"Done.*is on, as it was before"),
    ],
    ids=["errored snapshot", "stuck shutdown"],
)
def test_failures_are_shown_and_the_droplet_is_on(notebook, world, fault, words):
    """A snapshot that errors, and a shutdown that the droplet ignores, leave the droplet on, and the panel says so."""
    world.faults.add(fault)
    page = notebook("panel = SnapshotPanel(account); panel")
    use_theme(page, "Dark")
    start_snapshot(page, "web-01")

    text = result(page)
    save_screenshot(page, f"panel-{fault.type}-{fault.kind}-dark", ROOT)
    use_theme(page, "Light")

    assert re.match(words, text, re.DOTALL)
    assert status(world, 101) == "active"
    assert ("power_off" in [action.type for action in world.actions_of(world.droplet(101))]) == (
        fault.type == "shutdown"
    )


CONTROLS = {
    "the list": ".da-droplets tbody input",
    "the choice of all": "thead input",
    "the search": ".da-find",
    "a heading": "[data-column=region] button",
    "the name": ".da-name-field",
    "a box": ".da-live",
    "a button": ".da-reload",
}


def test_keys_stay_in_the_panel(notebook, world):
    """In each control d d, b, a, x and arrows reach no cell; keys choose in the list; Enter plans; Ctrl+S saves."""
    page = notebook("panel = SnapshotPanel(account); panel", "6 * 7")
    page.locator(f"{ROOT} .da-droplets tbody tr").nth(2).wait_for()
    before = page.evaluate(KINDS)
    for control in CONTROLS.values():
        target = page.locator(f"{ROOT} {control}").first
        page.evaluate(COMMAND_MODE)
        target.focus()
        assert target.evaluate("control => control === document.activeElement"), control
        for key in ["d", "d", "b", "a", "x", "z", "y", "ArrowUp", "ArrowDown", "Escape", "Shift+M"]:
            page.keyboard.press(key)
        assert page.evaluate(KINDS) == before, control
    for field in (".da-find", ".da-name-field"):
        page.locator(f"{ROOT} {field}").fill("")

    page.wait_for_timeout(1_100)  # what was typed before is no beginning of a name any more
    page.locator(f"{ROOT} .da-droplets tbody input").first.focus()
    page.keyboard.press("Home")
    names = [page.evaluate("() => document.activeElement.dataset.name")]
    page.keyboard.press("ArrowDown")
    names.append(page.evaluate("() => document.activeElement.dataset.name"))
    page.keyboard.type("web")
    names.append(page.evaluate("() => document.activeElement.dataset.name"))
    page.keyboard.press("Enter")
    page.locator(f"{ROOT} .da-plan label", has_text="Yes, switch web-01 off").wait_for()
    assert page.evaluate("() => document.activeElement.textContent") == "What will happen"
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.model.setMetadata('touched', 1); }")
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    assert names == [HOSTILE.lower(), "db-01", "web-01"]
    assert post_requests(world) == []


def test_a_queue_of_three_of_which_one_fails(notebook, world):
    """Three are chosen at once, one fails, the others are taken all the same; each has its steps and its result."""
    world.faults.add(Fault("errored", type="snapshot"))
    page = notebook("panel = SnapshotPanel(account); panel")
    page.locator(f"{ROOT} .da-droplets tbody tr").nth(2).wait_for()
    page.locator("thead input").check()
    page.locator("button.da-start", has_text="Take 3 snapshots").wait_for()
    page.get_by_label("go on after one has failed").check()
    page.get_by_label("How many at once").fill("2")
    save_screenshot(page, "panel-plan-of-three", ROOT)
    page.locator(".da-confirm").check()
    page.locator("button.da-start:enabled").click()
    page.locator(f"{ROOT} .da-run").nth(2).wait_for()
    save_screenshot(page, "panel-queue", ROOT)
    page.locator("button.da-again").wait_for(timeout=180_000)
    save_screenshot(page, "panel-queue-done", ROOT)
    kinds = page.locator(f"{ROOT} .da-run .da-chip").all_inner_texts()

    assert sorted(kinds) == ["done", "done", "failed"]
    assert page.get_by_role("status").filter(has_text="3 snapshots: 2 done, 1 failed.").is_visible()
    assert [status(world, each) for each in (101, 102, 103)] == ["active"] * 3


def test_the_table_of_droplets(notebook, world):
    """Words and a box filter, headings sort, what is not there is said, and the plan follows the fields."""
    world.act_on_droplet(101, {"type": "snapshot"})
    world.advance(300)
    page = notebook("account.refresh(); panel = SnapshotPanel(account); panel")
    rows = page.locator(f"{ROOT} .da-droplets tbody tr")
    rows.nth(2).wait_for()
    page.locator("[data-column=age_s] button").click()
    page.locator("[data-column=age_s][aria-sort=descending]").wait_for()
    assert "web-01" in rows.last.inner_text()
    page.get_by_label("none for 7 days").check()
    page.wait_for_function("document.querySelectorAll('.da-droplets tbody tr').length === 2")
    page.locator(".da-find").fill("web")
    page.get_by_text("No droplet fits.").wait_for()
    page.get_by_label("none for 7 days").uncheck()
    choose(page, "web")
    page.locator(".da-name-field").fill("by name")
    page.locator(f"{ROOT} .da-plan summary", has_text="'by name' of web-01").wait_for()
    page.locator(".da-live").check()
    page.locator(f"{ROOT} .da-plan", has_text="web-01 stays on").wait_for()
    save_screenshot(page, "panel-table", ROOT)

    assert post_requests(world) == []


def test_names_are_text(notebook, world):
    """A droplet, a snapshot and an error that look like HTML are shown as text in every part of the panels."""
    page = notebook("panel = SnapshotPanel(account); panel", "account.refresh(); Monitor(account, interval_s=0.5)")
    page.locator(".da-name-field").fill(HOSTILE)
    start_snapshot(page, "<img")
    page.locator(f"{MONITOR} tbody tr", has_text="snapshot").filter(has_text=HOSTILE).first.wait_for()
    save_screenshot(page, "monitor", MONITOR)

    text = result(page)

    assert HOSTILE in text
    assert page.title() != "pwned"
    assert page.locator(".jp-OutputArea-output img").count() == 0


def test_in_notebook_7(notebook, world):
    """Both panels work in Notebook 7, where 700 pixels are enough."""
    page = notebook(
        "panel = SnapshotPanel(account); panel",
        "account.refresh(); Monitor(account, interval_s=0.5)",
        path="notebooks",
    )
    page.set_viewport_size({"width": 700, "height": 1000})
    start_snapshot(page, "web-01")
    page.locator(f"{MONITOR} tbody tr", has_text="web-01").first.wait_for()
    save_screenshot(page, "panels-notebook-7", ".jp-Notebook")
    widths = [page.locator(root).evaluate("panel => panel.scrollWidth - panel.clientWidth") for root in (ROOT, MONITOR)]

    assert result(page).startswith("Done")
    assert status(world, 101) == "active"
    assert max(widths) <= 1


def test_in_voila(voila, page, first, world):
    """The panel works in Voila, where there is no notebook around it."""
    page.goto(voila(first, "panel = SnapshotPanel(account); panel"))
    start_snapshot(page, "web-01")

    assert result(page).startswith("Done")
    assert len(world.listed_images(101)) == 1
    assert status(world, 101) == "active"


def test_a_page_that_is_loaded_again_shows_the_panel(notebook, world):
    """Loading the page again brings back the running panel, and its buttons work."""
    outlast_a_reload(world)
    page = notebook("panel = SnapshotPanel(account); panel")
    start_snapshot(page, "db-01")
    page.evaluate(SAVE)

    page.reload()
    page.wait_for_function(IS_READY)
    page.locator("button.da-cancel:enabled").click()

    assert result(page).startswith("Cancelled")
    assert status(world, 102) == "active"


def test_a_kernel_that_was_shut_down_is_noticed(notebook, world):
    """A panel that shows a running snapshot says by itself that nobody watches it any more, and what to do."""
    outlast_a_reload(world)
    page = notebook("panel = SnapshotPanel(account); panel")
    start_snapshot(page, "db-01")
    logged(page, "has started the snapshot")
    page.evaluate(SHUT_DOWN)

    page.get_by_role("alert").filter(has_text="run account.resume()").first.wait_for()


def test_a_lost_kernel_is_shown_and_its_run_resumed(notebook, world):
    """Without its kernel a panel says so, its last state stays readable, and the run is resumed in a new kernel."""
    outlast_a_reload(world)
    page = notebook("panel = SnapshotPanel(account); panel")
    start_snapshot(page, "db-01")
    logged(page, "has started the snapshot")

    page.evaluate(RESTART)
    page.get_by_role("alert").filter(has_text="account.resume()").first.wait_for()
    save_screenshot(page, "panel-disconnected", ROOT)
    page.evaluate(SAVE)
    page.reload()
    page.wait_for_function(IS_READY)
    left = page.locator(".jp-OutputArea-output", has_text="no longer live").first
    left.wait_for()
    shown = left.inner_text()
    save_screenshot(page, "panel-after-reload", ".jp-Notebook")
    page.evaluate(RUN_ALL)
    page.locator("button.da-resume").click()
    text = result(page)

    assert "account.resume()" in shown
    assert "Taking the snapshot" in shown
    assert text.startswith("Done")
    assert status(world, 102) == "active"
    assert len(world.listed_images(102)) == 1
