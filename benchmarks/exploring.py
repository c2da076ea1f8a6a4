"""What a click in the explorer costs: from the event to the last change on the page, in JupyterLab and Chromium."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from large_accounts import enlarged, simulated_actions
from measuring import Finding, at_most, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]

ROOT = Path(__file__).parents[1]
_BOUNDS_S = {  # rows: first view, choice, brush, findings
    52_292: (0.5, 0.150, 0.350, 1.0),
    1_000_000: (1.0, 0.300, 0.500, 5.0),
    5_000_000: (5.0, 1.0, 1.0, None),
}
# Findings are an answer of their own; whatever changes elsewhere counts.
_WATCH = """() => {
    window.lastChange = performance.now();
    window.watcher?.disconnect();
    const aside = ".da-findings, .da-slow";
    window.watcher = new MutationObserver((changes) => {
        for (const {target} of changes) {
            const element = target.nodeType === 1 ? target : target.parentElement;
            if (element?.closest(".da-explorer") && !element.closest(aside)) window.lastChange = performance.now();
            if (element?.closest(".da-findings")) window.lastFinding = performance.now();
        }
    });
    window.watcher.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
}"""
_SHOW = """async () => {
    window.began = performance.now();
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = 1;
    await window.jupyterapp.commands.execute("notebook:run-cell"); }"""
_CLICK = """([facet, place]) => {
    window.began = performance.now();
    document.querySelectorAll(`[data-facet=${facet}] li`)[place].click(); }"""
_CLEAR = """() => {
    window.began = performance.now();
    [...document.querySelectorAll(".da-chips button")].at(-1).click(); }"""
_BEGIN = "() => { window.began = performance.now(); }"
_OPEN = "import pandas as pd, doaudit as da; actions = pd.read_pickle('actions.pickle'); da.widgets.Explorer"
_ROWS = ".da-explorer .da-rows [role=row] .da-c-id"
_CHOICES = (("type", 0), ("type", 4), ("outcome", 1), ("resource_type", 0), ("region", 1))


def measure(*, quick: bool) -> Iterator[Finding]:
    """First view, choice of a value, brush and findings; of five million actions only if not *quick*."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import lab_page  # noqa: PLC0415 -- of the tests
    import lab_server  # noqa: PLC0415 -- likewise
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- as large as all the rest

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("No Chromium here: the explorer is not measured.", file=sys.stderr)
        return
    home = Path(tempfile.mkdtemp())
    with lab_server.lab_server(home) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=lab_server.CHROMIUM_OPTIONS)
        for rows in [*_BOUNDS_S][: 2 if quick else 3]:
            enlarged(simulated_actions(), rows).to_pickle(home / "actions.pickle")
            page = browser.new_context(viewport={"width": 1280, "height": 1400}).new_page()
            page.set_default_timeout(lab_server.READY_S * 1000)
            open_first = (
                "import pandas as pd, doaudit as da; actions = pd.read_pickle('actions.pickle'); da.widgets.Explorer"
            )
            lab_page.put(lab, "panel.ipynb", open_first, "explorer = da.widgets.Explorer(actions); explorer")
            page.goto(f"{lab[0]}/doc/tree/panel.ipynb?token={lab[1]}&reset")
            page.wait_for_function(lab_page.IS_READY)
            page.evaluate(lab_page.RUN_CELL, 0)
            page.wait_for_function(lab_page.IS_READY)
            yield from _measure_page(page, rows)
            page.context.close()
        browser.close()


def _measure_page(page: Any, rows: int) -> Iterator[Finding]:  # noqa: ANN401 -- playwright is loaded late
    first, choice, brush, findings = _BOUNDS_S[rows]
    page.evaluate(_WATCH)
    page.evaluate(_SHOW)
    page.locator(_ROWS).first.wait_for()
    first_s = _settled(page)
    page.locator(".da-findings:not([aria-busy]) li").first.wait_for()
    found_s = page.evaluate("() => (window.lastFinding - window.began) / 1000")
    chosen = []
    for facet in _CHOICES:
        page.evaluate(_CLICK, facet)
        chosen.append(_settled(page))
        page.evaluate(_CLEAR)
        chosen.append(_settled(page))
    brushed = []
    for begin, end in ((0.2, 0.5), (0.5, 0.9), (0.1, 0.95)):
        box = page.locator(".da-timeline").bounding_box()
        page.mouse.move(box["x"] + box["width"] * begin, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * end, box["y"] + 40)
        page.evaluate(_BEGIN)
        page.mouse.up()
        brushed.append(_settled(page))
    for what, taken, wanted in (
        ("first view", first_s, first),
        ("choice, the slowest of ten", max(chosen), choice),
        ("brush, the slowest of three", max(brushed), brush),
        ("findings of all", found_s, findings),
    ):
        bound = ("", None) if wanted is None else at_most(taken, wanted, "s")
        yield Finding(f"explorer, {rows:,} actions: {what}", seconds(taken), "", "", *bound)


def _settled(page: Any) -> float:  # noqa: ANN401 -- see `_measure_page`
    """Wait until nothing has changed for a second, findings included; return the seconds to the last other change."""
    page.wait_for_timeout(50)
    page.locator(".da-findings:not([aria-busy])").wait_for()
    while page.evaluate("() => performance.now() - Math.max(window.lastChange, window.began)") < 1_000:
        time.sleep(0.05)
    taken: float = page.evaluate("() => (window.lastChange - window.began) / 1000")
    return taken
