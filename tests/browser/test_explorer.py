"""The explorer in a real browser: every filter by mouse and by keyboard, and what a lost kernel leaves."""

from __future__ import annotations

import json
import re
import time

import pytest
import requests
from lab_page import (
    COMMAND_MODE,
    IS_READY,
    KINDS,
    RESTART,
    RUN_ALL,
    SAVE,
    SHUT_DOWN,
    open_notebook,
    python,
    save_screenshot,
    serious_faults,
    use_theme,
)

pytestmark = pytest.mark.browser

ROOT = ".da-explorer"
SIMULATED = (
    "import doaudit as da; account = da.demo(); actions = account.actions(); explorer = da.widgets.Explorer(actions)"
)
FEW = (
    "import doaudit as da; account = da.demo(actions=2_000); actions = account.actions();"
    " explorer = da.widgets.Explorer(actions)"
)
ACCOUNTS = """
import doaudit as da
import pandas as pd
few = da.demo(actions=9_000).actions()
parts = {"prod": few, "stage": few.iloc[3_000:], "lab": few.iloc[6_000:]}
actions = pd.concat([part.assign(account=name) for name, part in parts.items()], ignore_index=True)
explorer = da.widgets.Explorer(actions)
"""
HOSTILE = "<img src=x onerror=\"document.title='pwned'\">"
IN_SELECTION = "len(explorer.actions)"


@pytest.fixture
def explore(lab, page, errors):
    """Open a notebook whose second cell shows an explorer, and wait for its rows."""

    def opened(first=FEW, *others, path="doc/tree"):
        open_notebook(lab, page, first, "explorer", *others, path=path)
        page.locator(f"{ROOT} .da-rows [role=row]", has_text=re.compile(r"\d{4}-\d\d-\d\d")).first.wait_for()
        return page

    return opened


def selected(page):
    """How many actions the page says are selected."""
    return int(page.locator(f"{ROOT} .da-status").first.inner_text().split(" of ")[0].replace(",", ""))


def wait_for(page, expression, value):
    """Wait until a Python expression has a value."""
    for _ in range(300):
        if (found := python(page, expression)) == value:
            return
        time.sleep(0.1)
    pytest.fail(f"{expression} is {found!r}, and not {value!r}.")


def wait_for_count(page, expression=IN_SELECTION):
    """Wait until the page says the number that Python says, and return it."""
    wanted = python(page, expression)
    page.locator(f"{ROOT} .da-status", has_text=f"{wanted:,} of ").first.wait_for()
    return wanted


def clear(page):
    """Take every filter off."""
    page.get_by_role("button", name="Clear all").click()
    wait_for(page, "explorer.selection.conditions()", {})
    wait_for_count(page)


def saved_notebook(lab):
    """The notebook as it was saved."""
    address, token = lab
    key = {"Authorization": f"token {token}"}
    return requests.get(f"{address}/api/contents/panel.ipynb", headers=key, timeout=30).json()["content"]


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_every_filter_by_mouse_and_by_keyboard(explore, foreign, errors, theme):
    """Each filter selects by click and by keys; the count beside a value is what it then gives, as `select` says."""
    page = explore(ACCOUNTS)
    use_theme(page, theme)
    for facet in ("account", "type", "outcome", "region", "resource_type"):
        options = page.locator(f"[data-facet={facet}] li")
        value, count = options.nth(1).get_attribute("aria-label"), options.nth(1).locator(".da-count").inner_text()
        options.nth(1).click()
        wait_for(page, f"explorer.selection.{facet}", [value])
        assert wait_for_count(page) == int(count.replace(",", ""))
        assert python(page, f"len(da.select(actions, {facet}={value!r}))") == selected(page)
        assert options.nth(1).get_attribute("aria-selected") == "true"
        clear(page)

        options.first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        wait_for(page, f"explorer.selection.{facet}", [options.nth(2).get_attribute("aria-label")])
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        wait_for(
            page, f"sorted(explorer.selection.{facet})", sorted([value, options.nth(2).get_attribute("aria-label")])
        )
        wait_for_count(page)
        clear(page)

    save_screenshot(page, f"explorer-{theme.lower()}", ROOT)
    page.locator(f"{ROOT} .da-findings:not([aria-busy])").wait_for()
    faults = serious_faults(page, ROOT)
    use_theme(page, "Light")  # which is kept for the pages of other tests
    assert faults == []
    assert (foreign, errors) == ([], [])


def place_at(page, share):
    """A place on the timeline, at a share of its width."""
    box = page.locator(".da-timeline").bounding_box()
    return box["x"] + box["width"] * share, box["y"] + 40


def test_one_bar_and_what_is_in_it(explore, errors):
    """A click chooses a bar; zoomed in, its parts can be chosen, to the hour; zoomed out, everything is there again."""
    page = explore(SIMULATED)
    page.mouse.click(*place_at(page, 0.3))
    wait_for(page, "len(explorer.selection.conditions())", 2)
    since = python(page, "explorer.selection.since")
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_text("Each bar is six hours.").or_(page.get_by_text("Each bar is an hour.")).wait_for()
    page.get_by_role("slider", name="End of the window").focus()
    page.keyboard.press("ArrowLeft")
    wait_for(page, "explorer.selection.until[10:11]", "T")
    assert python(page, "explorer.selection.since") == f"{since}T00:00:00Z"
    save_screenshot(page, "explorer-zoomed", ROOT)
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_text("Each bar is a week.").wait_for()
    wait_for(page, "len(explorer.selection.conditions())", 2)
    assert 0 < wait_for_count(page) < 2_000
    assert errors == []


def test_the_window_by_mouse_by_keys_and_by_hand(explore, errors):
    """Dragging, clicking, arrow keys and typed times choose a window in UTC; what is no time is refused in words."""
    page = explore(SIMULATED)
    page.mouse.move(*place_at(page, 0.5))
    page.mouse.down()
    page.mouse.move(*place_at(page, 0.6), steps=3)
    page.mouse.move(*place_at(page, 0.75), steps=3)
    page.mouse.up()
    wait_for(page, "[*explorer.selection.conditions()]", ["since", "until"])
    since, until = python(page, "[explorer.selection.since, explorer.selection.until]")
    assert wait_for_count(page) == python(page, f"len(da.select(actions, since={since!r}, until={until!r}))")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", since)

    page.get_by_role("slider", name="Beginning of the window").focus()
    page.keyboard.press("ArrowRight")
    wait_for(
        page,
        f"(__import__('datetime').date.fromisoformat(explorer.selection.since) - "
        f"__import__('datetime').date.fromisoformat({since!r})).days",
        7,
    )
    page.get_by_role("slider", name="End of the window").focus()
    page.keyboard.press("End")
    wait_for(page, "explorer.selection.until", None)
    page.get_by_role("slider", name="Beginning of the window").focus()
    page.keyboard.press("Home")
    wait_for(page, "explorer.selection.conditions()", {})

    page.get_by_label("From, in UTC").fill("2026-10-01 08:00")
    page.keyboard.press("Enter")
    wait_for(page, "explorer.selection.since", "2026-10-01T08:00Z")
    page.get_by_label("From, in UTC").fill("30d")
    page.keyboard.press("Tab")
    wait_for(page, "explorer.selection.since", "30d")
    assert wait_for_count(page) == python(page, "len(da.select(actions, since='30d'))")

    page.get_by_label("Until, in UTC").fill("soon; DROP TABLE actions")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="until is").wait_for()
    assert python(page, "explorer.selection.conditions()") == {"since": 'since="30d"'}
    page.locator("[data-facet=outcome] li").first.click()
    page.get_by_role("alert").wait_for(state="hidden")
    assert errors == []


KEYS = """
took = actions["completed_at"].where(actions["status"] != "in-progress", actions["observed_at"]) - actions["started_at"]
took_s = took.dt.total_seconds()
keys = {"duration_s": took_s.where(took_s >= 0), "region": actions["region"].astype(object)}
"""
ORDER = (
    "actions['id'].take(keys['{column}'].reset_index(drop=True)"
    ".sort_values(ascending={up}, kind='stable', na_position='last').index)"
)


def test_rows_are_sorted_and_opened(explore, errors):
    """A heading sorts both ways, nulls last; keys go through the rows to the end, and open a resource's timeline."""
    page = explore(SIMULATED + KEYS)
    grid = page.get_by_role("grid", name="Selected actions")
    ids = page.locator(f"{ROOT} .da-rows [role=row] .da-c-id")

    for column, ends in (("duration_s", ["descending", "ascending"]), ("region", ["ascending", "descending"])):
        head = page.locator(f"[data-column={column}]")
        for end in ends:
            head.get_by_role("button").click()
            page.locator(f"[data-column={column}][aria-sort={end}]").wait_for()
            order = ORDER.format(column=column, up=end == "ascending")
            page.locator(f"{ROOT} .da-rows [role=row] .da-c-id", has_text=re.compile(r"\d")).first.wait_for()
            time.sleep(0.5)
            wanted = python(page, f"{order}.head(3).astype(str).tolist()")
            assert ids.all_inner_texts()[:3] == wanted
            grid.focus()
            page.keyboard.press("End")
            last = python(page, f"str({order}.iloc[-1])")
            page.locator(f"{ROOT} .da-rows [role=row].da-active", has_text=last).wait_for()
        head.get_by_role("button").click()
        page.locator(f"[data-column={column}][aria-sort=none]").wait_for()

    grid.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.locator(
        f"{ROOT} .da-rows [role=row].da-active", has_text=python(page, "str(actions['id'].iloc[1])")
    ).wait_for()
    page.keyboard.press("Enter")
    name = python(page, "actions['resource_name'].iloc[1]")
    panel = page.get_by_role("region", name="Timeline of a resource")
    panel.get_by_role("heading", name=re.compile(re.escape(name))).wait_for()
    assert panel.locator("tbody tr").count() == python(
        page, "min(500, len(da.timeline(actions, actions['resource'].iloc[1])))"
    )
    save_screenshot(page, "explorer-resource", ROOT)
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert grid.evaluate("grid => grid === document.activeElement")

    page.locator(f"{ROOT} .da-rows .da-link").first.click()
    panel.get_by_role("button", name="Select only this resource").click()
    wait_for(page, "explorer.selection.resource", [python(page, "actions['resource'].iloc[0]")])
    assert errors == []


def test_searching_and_taking_away(explore, errors, tmp_path):
    """A resource is found as one types; the line, the clipboard and the CSV file have what is selected."""
    page = explore(SIMULATED)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    search = page.get_by_role("combobox", name="Find a resource by name or id")
    search.press_sequentially("WEB 1", delay=30)
    page.get_by_role("option", name=re.compile("web-1")).first.wait_for()
    save_screenshot(page, "explorer-search", ROOT)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for(page, "len(explorer.selection.resource or [])", 1)
    page.get_by_role("region", name="Timeline of a resource").wait_for()
    search.press_sequentially("zzzz", delay=30)
    page.get_by_text("No resource has that in its name or id.").wait_for()
    page.keyboard.press("Escape")
    search.fill("")

    page.get_by_role("button", name=re.compile("^Remove Resource")).click()
    wait_for(page, "explorer.selection.conditions()", {})
    page.get_by_label("Text in type, resource, region or id").fill("volume")
    wait_for(page, "explorer.selection.text", "volume")
    wait_for_count(page)
    line = page.locator("[data-line=code]").inner_text()
    assert line == 'da.select(actions, text="volume")'
    assert python(page, f"({line}).equals(explorer.actions)")
    for kind in ("code", "report"):
        page.locator(f"[data-copy={kind}]").click()
        page.locator(f"[data-copy={kind}]", has_text="Copied").wait_for()
        assert page.evaluate("() => navigator.clipboard.readText()") == page.locator(f"[data-line={kind}]").inner_text()

    with page.expect_download() as begun:
        page.get_by_role("button", name="Download CSV").click()
    begun.value.save_as(tmp_path / "actions.csv")
    assert begun.value.suggested_filename == "actions.csv"
    read = f"da.read_csv({str(tmp_path / 'actions.csv')!r})"
    assert python(page, f"[{read}['id'].tolist() == explorer.actions['id'].tolist(), len({read})]") == [
        True,
        selected(page),
    ]
    assert python(
        page,
        f"all({read}[name].astype(str).tolist() == explorer.actions[name].astype(str).tolist() "
        "for name in actions.columns if name != 'resource_id')",
    )

    clear(page)
    with page.expect_download() as begun:  # in two pieces
        page.get_by_role("button", name="Download CSV").click()
    begun.value.save_as(tmp_path / "actions.csv")
    assert python(page, f"{read}['id'].tolist() == actions['id'].tolist()")
    assert errors == []


def test_the_last_wish_wins(explore, errors):
    """Fast clicks are not answered one after the other: what is shown at the end is what was chosen last."""
    page = explore(SIMULATED)
    page.evaluate("""() => {
        const options = [...document.querySelectorAll("[data-facet=type] li")];
        for (let round = 0; round < 4; round += 1) for (const option of options.slice(0, 6)) option.click();
        options[3].click();
    }""")

    wait_for(page, "len(explorer.selection.type or [])", 1)
    page.wait_for_timeout(500)

    assert python(page, "explorer.selection.type") == [
        page.locator("[data-facet=type] li").nth(3).get_attribute("aria-label")
    ]
    assert wait_for_count(page) == selected(page)
    assert page.locator("[data-facet=type] li[aria-selected=true]").count() == 1
    assert errors == []


def test_keys_that_follow_each_other_are_all_taken(explore, errors):
    """Arrow keys pressed while an answer is on its way move the window once each; what is cleared stays cleared."""
    page = explore(SIMULATED)
    handle = page.get_by_role("slider", name="Beginning of the window")
    handle.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(180)
    page.wait_for_timeout(500)
    assert handle.get_attribute("aria-valuenow") == "12"
    assert python(page, "explorer.selection.since") == handle.get_attribute("aria-valuetext").removesuffix(" UTC")

    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Clear all").evaluate("button => button.click()")
    page.wait_for_timeout(500)
    assert python(page, "explorer.selection.conditions()") == {}
    assert handle.get_attribute("aria-valuenow") == "0"

    page.locator(".da-chart .da-link").first.focus()
    page.keyboard.press("Enter")
    wait_for(page, "len(explorer.selection.type or [])", 1)
    page.wait_for_timeout(500)
    assert page.evaluate("() => document.activeElement.classList.contains('da-link')")
    assert errors == []


def test_shares_of_chosen_outcomes_are_no_failure_rates(explore, errors):
    """Where only failures are chosen all of them have failed: that this says nothing is said beside it."""
    page = explore(FEW)
    rates = page.get_by_role("region", name="How many fail")
    rates.get_by_text("Of finished actions, the worst first").wait_for()
    page.locator("[data-facet=outcome] li[aria-label=errored]").click()
    rates.get_by_text("do not say how many fail").wait_for()
    page.get_by_role("region", name="How long they take").get_by_text("No completed action is selected.").wait_for()
    clear(page)
    rates.get_by_text("Of finished actions, the worst first").wait_for()
    assert errors == []


def test_findings_are_of_what_is_shown(explore, errors):
    """Findings of another selection, which come late, are not shown beside this one."""
    page = explore(FEW)
    page.locator("[data-facet=type] li").first.click()
    wait_for(page, "len(explorer.selection.type or [])", 1)
    page.locator(f"{ROOT} .da-findings:not([aria-busy])").wait_for()
    told = page.locator(f"{ROOT} .da-findings").inner_text()

    python(page, "explorer.send({'kind': 'findings', 'code': 'actions', 'found': [['look', '', 'of all actions']]})")
    python(page, "explorer.select(type='create')")
    page.locator("[data-line=code]", has_text="create").wait_for()
    page.locator(f"{ROOT} .da-findings:not([aria-busy])").wait_for()
    assert "of all actions" not in page.locator(f"{ROOT} .da-findings").inner_text() != told

    python(page, "explorer.send({'kind': 'findings', 'code': explorer.code, 'found': [['look', '', 'of these']]})")
    page.get_by_text("of these").wait_for()
    assert errors == []


def test_zooming_keeps_what_was_chosen_before(explore, errors):
    """A click on Zoom in takes no choice away that waits for its turn, nor does a choice take the zoom away."""
    page = explore(SIMULATED)
    page.mouse.click(*place_at(page, 0.3))
    wait_for(page, "len(explorer.selection.conditions())", 2)
    page.evaluate("""() => {
        for (const option of [...document.querySelectorAll("[data-facet=type] li")].slice(0, 3)) option.click();
        [...document.querySelectorAll(".da-time button")].find((each) => each.textContent === "Zoom in").click();
        document.querySelector("[data-facet=outcome] li").click();
    }""")

    wait_for(page, "len(explorer.selection.outcome or [])", 1)
    page.wait_for_timeout(500)

    assert python(page, "[len(explorer.selection.type or []), len(explorer.selection.outcome or [])]") == [3, 1]
    assert page.get_by_role("button", name="Zoom out").is_enabled()
    assert errors == []


MILLION = """
import pandas as pd
few = da.demo(actions=52_292).actions()
actions = pd.concat([few] * 20, ignore_index=True)
actions["id"] = range(4_000_000_000, 4_000_000_000 + len(actions))
explorer = da.widgets.Explorer(actions)
"""


def test_a_million_rows(explore, errors):
    """The last of a million rows is reached by scrolling and by keys, and those in between are the frame's."""
    page = explore(f"import doaudit as da{MILLION}")
    rows = page.locator(f"{ROOT} .da-rows [role=row] .da-c-id")
    viewport = page.locator(f"{ROOT} .da-viewport")

    viewport.evaluate("place => { place.scrollTop = place.scrollHeight; }")
    last = python(page, "str(actions['id'].iloc[-1])")
    rows.filter(has_text=last).wait_for()
    viewport.evaluate("place => { place.scrollTop = 0; }")
    rows.filter(has_text=python(page, "str(actions['id'].iloc[0])")).wait_for()
    page.get_by_role("grid", name="Selected actions").focus()
    page.keyboard.press("End")
    rows.filter(has_text=last).wait_for()
    page.keyboard.press("PageUp")
    page.wait_for_timeout(500)
    shown = rows.all_inner_texts()
    start = python(page, f"int(actions.index[actions['id'] == {shown[0]}][0])")
    assert shown == python(page, f"actions['id'].iloc[{start}:{start + len(shown)}].astype(str).tolist()")
    assert page.locator(f"{ROOT} [role=grid]").get_attribute("aria-rowcount") == str(20 * 52_292 + 1)
    assert rows.count() < 30

    begun = []
    page.on("download", lambda download: begun.append(download.suggested_filename))
    page.get_by_role("button", name="Download CSV").click()
    page.get_by_role("button", name=re.compile("[1-9] %: click to cancel")).click()
    page.get_by_role("button", name="Download CSV").wait_for()
    page.wait_for_timeout(2_000)
    assert page.get_by_role("button", name="Download CSV").is_visible()
    assert begun == []
    assert errors == []


def test_two_views_of_one_explorer(explore, errors):
    """What is chosen in one view, or from Python, is shown in all."""
    page = explore(FEW, "explorer", "explorer.select(outcome='errored')")
    first, second = page.locator(ROOT).nth(0), page.locator(ROOT).nth(1)
    for view in (first, second):
        view.locator("[data-facet=outcome] li[aria-label=errored][aria-selected=true]").wait_for()

    second.locator("[data-facet=type] li").first.click()
    wait_for(page, "len(explorer.selection.conditions())", 2)

    lines = [view.locator("[data-line=code]") for view in (first, second)]
    for line in lines:
        line.filter(has_text="type=").wait_for()
    assert lines[0].inner_text() == lines[1].inner_text() == python(page, "explorer.code")
    assert errors == []


CONTROLS = {
    "a filter": "[data-facet=type] li",
    "the search": "[role=combobox]",
    "the text": "input[type=search]",
    "an end of the window": "[role=slider]",
    "a time": "input[name=since]",
    "the rows": "[role=grid]",
    "a heading": "[data-column=type] button",
    "a type": ".da-chart .da-link",
    "a button": ".da-csv",
}


def focus(control):
    """Focus a control, again if an answer to what was typed before has just replaced it."""
    for _ in range(20):
        control.focus()
        if control.evaluate("control => control === document.activeElement"):
            return
        time.sleep(0.1)
    pytest.fail(f"{control} did not take the focus.")


def test_keys_stay_in_the_panel(lab, explore, errors):
    """In every control d d, b, a, x, z, m and arrows reach no cell; Ctrl+S still saves."""
    page = explore(FEW, "6 * 7")
    before = page.evaluate(KINDS)
    for selector in CONTROLS.values():
        control = page.locator(f"{ROOT} {selector}").first
        page.evaluate(COMMAND_MODE)
        focus(control)
        for key in ["d", "d", "b", "a", "x", "z", "m", "y", "ArrowUp", "ArrowDown", "Escape", "Shift+M"]:
            page.keyboard.press(key)
        assert page.evaluate(KINDS) == before, selector
    for name in ("the search", "the text", "a time"):
        page.locator(f"{ROOT} {CONTROLS[name]}").first.fill("")

    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.model.setMetadata('touched', 1); }")
    page.locator(f"{ROOT} [role=grid]").focus()
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert errors == []


def test_without_its_kernel(lab, page, explore):
    """A restart is said in words, and what was last seen stays readable in the saved notebook, which is small."""
    explore(FEW)
    page.locator("[data-facet=outcome] li").first.click()
    wait_for(page, "explorer.selection.outcome", ["completed"])
    wait_for_count(page)
    count = selected(page)
    page.evaluate(RESTART)
    page.get_by_role("alert").filter(has_text="No longer live").wait_for()
    page.locator("[data-facet=type] li").first.dispatch_event("click")
    page.wait_for_timeout(500)
    save_screenshot(page, "explorer-lost", ROOT)
    page.evaluate(SAVE)
    saved = saved_notebook(lab)

    page.reload()
    page.wait_for_function(IS_READY)
    left = page.locator(".jp-OutputArea-output", has_text="no longer live").first
    left.wait_for()
    text = left.inner_text()
    save_screenshot(page, "explorer-after-reload", ".jp-Notebook")

    assert f"{count:,} of 2,000 actions" in text
    assert 'da.select(actions, outcome=["completed"])' in text
    assert len(json.dumps(saved)) < 50_000
    page.evaluate(RUN_ALL)
    page.locator(f"{ROOT} .da-rows [role=row]").first.wait_for()
    assert left.is_hidden()


def test_a_kernel_that_was_shut_down_is_said(explore):
    """What is shown stays as it is; the first click says that nobody answers any more."""
    page = explore(FEW)
    page.evaluate(SHUT_DOWN)
    page.locator("[data-facet=outcome] li").first.click()

    page.get_by_role("alert").filter(has_text="No longer live").wait_for()


def test_saved_with_its_widget_state(lab, page, explore):
    """Where JupyterLab is told to save the state of widgets, too, the notebook stays below 200 kB."""
    address, token = lab
    setting = f"{address}/lab/api/settings/@jupyter-widgets/jupyterlab-manager:plugin"
    key = {"Authorization": f"token {token}"}
    requests.put(setting, json={"raw": '{"saveState": true}'}, headers=key, timeout=30).raise_for_status()
    try:
        explore(SIMULATED)
        page.locator("[data-facet=outcome] li").first.click()
        wait_for(page, "explorer.selection.outcome", ["completed"])
        page.evaluate(SAVE)
    finally:
        requests.put(setting, json={"raw": "{}"}, headers=key, timeout=30).raise_for_status()
    saved = saved_notebook(lab)

    [state] = saved["metadata"]["widgets"].values()
    assert any(each["model_name"] == "AnyModel" for each in state["state"].values())
    assert len(json.dumps(saved)) < 200_000


def test_hostile_names_are_text(explore, page, errors, foreign):
    """Names, types and regions that look like scripts are shown as they are, in every part of the panel."""
    first = (
        "import doaudit as da; actions = da.demo(actions=300).actions()\n"
        f"bad = {HOSTILE!r}\n"
        "for name in ('type', 'region', 'resource_name', 'resource_type'):\n"
        "    actions[name] = actions[name].cat.rename_categories({actions[name].cat.categories[0]: bad})\n"
        "explorer = da.widgets.Explorer(actions)"
    )
    explore(first)
    page.locator("[data-facet=type] li", has_text="<img").click()
    wait_for(page, "explorer.selection.type", [HOSTILE])
    page.locator("[role=combobox]").press_sequentially("<img", delay=20)
    page.locator(".da-found [role=option]", has_text="<img").first.click()
    page.get_by_role("region", name="Timeline of a resource").wait_for()
    page.locator(f"{ROOT} .da-findings:not([aria-busy])").wait_for()
    save_screenshot(page, "explorer-hostile", ROOT)

    assert page.title() != "pwned"
    assert page.locator(f"{ROOT} img").count() == 0
    assert python(page, f"({page.locator('[data-line=code]').inner_text()}).equals(explorer.actions)")
    assert (foreign, errors) == ([], [])


# What Notebook 7 itself says beside the extension of Voila, whatever is in the notebook.
OF_NOTEBOOK_7 = (
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
)


def test_in_notebook_7(explore, page, errors, foreign):
    """The same panel works in Notebook 7, where 700 pixels are enough."""
    page.set_viewport_size({"width": 700, "height": 1000})
    explore(FEW, path="notebooks")
    page.locator("[data-facet=outcome] li").first.click()
    wait_for(page, "explorer.selection.outcome", ["completed"])
    wait_for_count(page)
    overflow = page.locator(ROOT).evaluate("panel => panel.scrollWidth - panel.clientWidth")
    save_screenshot(page, "explorer-notebook-7", ROOT)

    assert overflow <= 1
    assert foreign == []
    assert [error for error in errors if error not in OF_NOTEBOOK_7] == []


def test_in_voila(voila, page, errors):
    """The same panel works in Voila, where there is no notebook around it."""
    page.goto(voila(FEW, "explorer"))
    page.locator(f"{ROOT} .da-rows [role=row]", has_text=re.compile(r"\d{4}-\d\d-\d\d")).first.wait_for()
    count = page.locator("[data-facet=outcome] li .da-count").first.inner_text()
    page.locator("[data-facet=outcome] li").first.click()
    page.locator(f"{ROOT} .da-status", has_text=f"{count} of 2,000").wait_for()
    page.locator("[data-column=duration_s] button").click()
    page.locator("[data-column=duration_s][aria-sort=descending]").wait_for()
    save_screenshot(page, "explorer-voila", "body")

    # Voila asks for two stylesheets elsewhere, and one of its own modules is shared twice.
    assert [error for error in errors if "net::ERR_FAILED" not in error and "docregistry" not in error] == []


def test_the_first_notebook_opens_with_it(lab, page, errors, foreign):
    """After Run All Cells of notebook 00 its explorer works, without a word on stderr."""
    address, token = lab
    page.goto(f"{address}/doc/tree/notebooks/00_start_here.ipynb?token={token}&reset")
    page.wait_for_function(IS_READY)
    page.evaluate(RUN_ALL)
    page.locator("[data-facet=outcome] li", has_text="errored").click()

    wait_for(page, "explorer.selection.outcome", ["errored"])
    assert wait_for_count(page) == 532
    save_screenshot(page, "notebook-00", ".jp-Notebook")
    assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert (foreign, errors) == ([], [])
