"""The notebooks in a real JupyterLab, in a real browser: what a person sees after *Run All Cells*."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALWAYS = ("01_explore_history",)  # 05 is in test_snapshot_panel.py; the others have nothing that 01 does not show
EVERY_ACTION = "52292/52292"
TALLEST = 16_000

IS_READY = """() => {
    const shown = window.jupyterapp?.shell.currentWidget?.context;
    return shown?.isReady && shown.sessionContext.session?.kernel?.status === "idle";
}"""
RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === "code")
    .flatMap(cell => cell.model.outputs.toJSON())"""
HEIGHT = """() => Math.max(...[...document.querySelectorAll(".jp-WindowedPanel-outer")].map(
    panel => panel.scrollHeight))"""
SCROLL_UP = """() => document.querySelectorAll(".jp-WindowedPanel-outer").forEach(panel => { panel.scrollTop = 0; })"""


@pytest.mark.parametrize(
    "path",
    [pytest.param(each, marks=() if each.stem in ALWAYS else pytest.mark.release, id=each.stem) for each in NOTEBOOKS],
)
def test_everything_can_be_seen(chromium, page, lab, foreign, path):
    """After Run All Cells each table, picture and bar of a notebook is on the page, and none came from elsewhere."""
    address, token = lab
    page.goto(f"{address}/doc/tree/notebooks/{path.name}?token={token}&reset")
    page.wait_for_function(IS_READY)

    page.evaluate(RUN_ALL)

    page.locator(".jp-OutputArea-output .jupyter-widgets", has_text=EVERY_ACTION).first.wait_for()
    outputs = page.evaluate(OUTPUTS)
    stretch(page)
    keep_picture(page, path)
    assert foreign == []
    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []
    assert tall(page, "table.dataframe") == sum(map(is_table, outputs)) > 0
    assert tall(page, ".jp-RenderedImage img") == drawn(path)


def is_table(output):
    """Whether an output is a frame; what a panel leaves behind is HTML, too."""
    return "dataframe" in "".join(output.get("data", {}).get("text/html", ""))


def drawn(path):
    """How many pictures the cells of a notebook draw."""
    return sum(cell.source.count("da.plots.") + cell.source.count("Image(") for cell in nbformat.read(path, 4).cells)


def stretch(page):
    """Make the window as tall as the notebook, and go to its top."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": min(TALLEST, page.evaluate(HEIGHT) + 200)})
    page.evaluate(SCROLL_UP)


def tall(page, selector):
    """How many of these stand on the page with a height that can be seen."""
    return sum(element.bounding_box()["height"] > 20 for element in page.locator(selector).all())


def keep_picture(page, path):
    """Keep what is seen, if somebody wants to look."""
    if os.environ.get("DOAUDIT_SCREENSHOTS"):
        folder = ROOT / "screenshots"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=folder / f"{path.stem}.png")
