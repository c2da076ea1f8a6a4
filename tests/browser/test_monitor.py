"""The monitor in a real browser: filter, order, details, keys, a hidden page and a lost kernel."""

from __future__ import annotations

import re

import pytest
from lab_page import (
    COMMAND_MODE,
    IS_READY,
    KINDS,
    RESTART,
    SAVE,
    SHUT_DOWN,
    open_notebook,
    python,
    save_screenshot,
    serious_faults,
    use_theme,
)

pytestmark = pytest.mark.browser

ROOT = ".da-monitor"
ROWS = f"{ROOT} tbody tr:not(.da-details)"
# The simulated account has ten open actions, six of which are stuck.
OPEN = """
import doaudit as da
account = da.demo()
account.refresh()
monitor = da.widgets.Monitor(account, interval_s=0.5)
"""
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event("visibilitychange")); }"""


@pytest.fixture
def monitor(lab, page, errors):
    """A page of Lab with a monitor that has read the account."""
    open_notebook(lab, page, OPEN, "monitor", "6 * 7")
    page.locator(ROWS).nth(9).wait_for()
    return page


def verdicts(page):
    """The verdicts in the order of the rows."""
    return page.locator(f"{ROWS} .da-chip").all_inner_texts()


def test_filter_order_and_details(monitor, foreign, errors):
    """Words filter, headings sort both ways, a row opens details, its id is copied; light and dark are legible."""
    page = monitor
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    verdict = page.locator("[data-column=verdict]")
    verdict.get_by_role("button").click()
    page.locator("[data-column=verdict][aria-sort=ascending]").wait_for()
    first = verdicts(page)
    verdict.get_by_role("button").click()
    page.locator("[data-column=verdict][aria-sort=descending]").wait_for()
    last = verdicts(page)
    assert first.count("stuck") == 6
    assert first[:6] == ["stuck"] * 6
    assert last[-6:] == ["stuck"] * 6

    page.locator("[data-column=age_s] button").click()
    ages = python(page, "sorted((row.age_s for row in monitor.poller.observation.open), reverse=True)")
    assert len(ages) == page.locator(ROWS).count()
    oldest = python(page, "max(monitor.poller.observation.open, key=lambda row: row.age_s).action.id")
    page.get_by_label("Filter the actions by words").fill("STUCK attach nyc3")
    page.wait_for_function("document.querySelectorAll('.da-monitor tbody tr:not(.da-details)').length === 1")
    row = page.locator(ROWS)
    assert "volume-nyc3-04" in row.inner_text()
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    details = page.locator(f"{ROOT} .da-details:visible")
    details.get_by_text(f"Action {oldest} of volume-nyc3-04").wait_for()
    details.get_by_role("button", name="Copy id").click()
    details.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == str(oldest)
    page.wait_for_timeout(1500)  # three more readings
    assert details.is_visible()
    page.get_by_label("Filter the actions by words").fill("nothing like it")
    page.get_by_text("No action has these words.").wait_for()
    page.get_by_label("Filter the actions by words").fill("")

    save_screenshot(page, "monitor-light", ROOT)
    faults = serious_faults(page, ROOT)
    use_theme(page, "Dark")
    save_screenshot(page, "monitor-dark", ROOT)
    faults += serious_faults(page, ROOT)
    use_theme(page, "Light")
    assert faults == []
    assert (foreign, errors) == ([], [])


def test_it_says_what_ended_and_rests_while_hidden(monitor, errors):
    """What ends is said in a sentence and pales; a hidden page asks nothing and says so; Stop stops, Start starts."""
    page = monitor
    python(page, "account.act(f\"droplet:{account.droplets()['id'].iloc[0]}\", 'reboot').id")
    page.get_by_role("log").get_by_text(re.compile("reboot of .* completed after")).wait_for()
    page.locator(f"{ROOT} tr.da-ended").first.wait_for()
    save_screenshot(page, "monitor-ended", ROOT)

    page.evaluate(HIDE, True)
    page.get_by_text("Paused while the page is hidden.").wait_for()
    sent = "len(account._server.world.requests)"
    before = python(page, sent)
    page.wait_for_timeout(2_000)
    assert python(page, sent) <= before + 1
    page.evaluate(HIDE, False)
    page.get_by_text("Paused while").wait_for(state="hidden")

    page.locator(f"{ROOT} .da-stop").click()
    page.get_by_text(re.compile("Stopped.$")).wait_for()
    assert not python(page, "monitor.poller.running")
    page.locator(f"{ROOT} .da-start").click()
    page.get_by_text(re.compile("Stopped.$")).wait_for(state="hidden")
    assert python(page, "monitor.poller.running")
    assert errors == []


def test_keys_stay_in_the_monitor(monitor):
    """In every control d d, b, a, x and arrows reach no cell, nor is a row lost."""
    page = monitor
    before = page.evaluate(KINDS)
    for control in ("input", ".da-stop", "[data-column=event] button", "tbody .da-link"):
        target = page.locator(f"{ROOT} {control}").first
        page.evaluate(COMMAND_MODE)
        target.focus()
        assert target.evaluate("control => control === document.activeElement"), control
        for key in ["d", "d", "b", "a", "x", "z", "y", "ArrowUp", "ArrowDown", "Escape", "Shift+M"]:
            page.keyboard.press(key)
        assert page.evaluate(KINDS) == before, control


def test_without_its_kernel(monitor):
    """A restart is said in words; after a reload the last state is there to read."""
    page = monitor
    page.evaluate(RESTART)
    page.get_by_role("alert").filter(has_text="No longer live").wait_for()
    page.evaluate(SAVE)
    page.reload()
    page.wait_for_function(IS_READY)
    left = page.locator(".jp-OutputArea-output", has_text="no longer live").first
    left.wait_for()

    assert "10 open actions" in left.inner_text()


def test_a_kernel_that_was_shut_down_is_noticed(monitor):
    """A monitor that nobody touches says by itself that it is no longer live."""
    page = monitor
    page.evaluate(SHUT_DOWN)

    page.get_by_role("alert").filter(has_text="No longer live").wait_for()


def test_in_voila(voila, page):
    """The same panel works in Voila."""
    page.goto(voila(OPEN, "monitor"))
    page.locator(ROWS).nth(9).wait_for()

    assert verdicts(page).count("stuck") == 6
