"""The page of a report in a real browser: from disk and in JupyterLab, wide and narrow, light and dark, on paper."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
import requests
from pypdf import PdfReader

import doaudit as da
from doaudit.demo import serve

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

A4_POINTS = (595, 842)
OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
    .filter(element => !element.closest(".da-show, figure, .scrolled, .skip"))
    .map(element => element.outerHTML.slice(0, 80))"""
PRINTED_PIXELS = 703  # of a sheet between its margins
PRINTED = """() => {
    const cells = [...document.querySelectorAll(".da-table th, .da-table td")];
    const isPrinted = cell => getComputedStyle(cell).display !== "none";
    const words = cells.filter(isPrinted).flatMap(cell => cell.innerText.split(/\\s+/).filter(word => word));
    const tables = [...document.querySelectorAll("table")];
    return [Math.max(...tables.map(table => table.getBoundingClientRect().right)), words,
        cells.filter(cell => !isPrinted(cell)).length];
}"""
CONTRAST = """() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"""
IS_READY = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
LINKED = """import doaudit as da
account = da.demo(actions=300)
da.report(account.actions(), "../data/linked", account=account)"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of six weeks of a simulated account, some of whose names mean harm."""
    folder = tmp_path_factory.mktemp("report") / "out"
    with (
        serve(seed=7, actions=1500, hostile_names=True, speed=0) as server,
        da.connect(token=server.token, base_url=server.url, history=":memory:") as account,
    ):
        return da.report(account.actions(), folder, account=account, droplets=account.droplets())


@pytest.fixture
def tab_of(chromium):
    """Return the function that opens a tab of a width and a colour scheme, and what its page asks for and says."""
    contexts, noted = [], []

    def opened(width, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: noted.append(request.url))
        tab.on("console", lambda message: noted.append(message.text))
        tab.on("pageerror", lambda error: noted.append(str(error)))
        return tab, noted

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 700, 390])
def test_it_is_readable_from_disk_at_every_width(report, tab_of, width, scheme):
    """Nothing is wider than the screen but what scrolls by itself; no request but the page's own, no message."""
    tab, noted = tab_of(width, scheme)

    tab.goto(report.path.as_uri())

    assert noted == [report.path.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERFLOWING) == []
    text, back = ([int(part) for part in re.findall(r"\d+", color)[:3]] for color in tab.evaluate(CONTRAST))
    assert (sum(text) > sum(back)) == (scheme == "dark")
    assert tab.locator("figure svg").count() == len(list(report.folder.glob("*.svg")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_no_serious_fault_of_accessibility(report, tab_of, scheme):
    """axe-core finds nothing serious or critical: contrast, names, roles, order of headings."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab, _ = tab_of(1280, scheme)
    tab.goto(report.path.as_uri())

    found = axe.run(tab).response["violations"]

    assert [
        (each["id"], [node["html"][:120] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []


def test_a_finding_leads_to_its_chapter_by_keyboard(report, tab_of):
    """The first stop of the Tab key skips to the findings; the link of a finding brings its chapter into view."""
    tab, _ = tab_of(1280)
    tab.goto(report.path.as_uri())

    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    link = tab.locator(".findings a").first
    link.focus()
    tab.keyboard.press("Enter")

    target = link.get_attribute("href")
    assert tab.evaluate("location.hash") == target
    assert tab.evaluate(f"document.querySelector('{target}').getBoundingClientRect().top") < 200


def test_paper_has_every_column_that_fits_and_names_the_others(report, tab_of, tmp_path):
    """Each page is A4 and numbered, no table is wider than it, and the PDF has each cell that is printed."""
    tab, _ = tab_of(PRINTED_PIXELS)
    tab.goto(report.path.as_uri())
    tab.emulate_media(media="print")
    right, words, hidden = tab.evaluate(PRINTED)
    tab.emulate_media(media="null")  # as a printer asks for it
    tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)

    pages = PdfReader(tmp_path / "report.pdf").pages
    text = [page.extract_text() for page in pages]
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in pages} == {A4_POINTS}
    assert all(f"{number} of {len(pages)}" in each for number, each in enumerate(text, 1))
    assert right <= PRINTED_PIXELS
    assert len(words) > 500
    # Long words are broken anywhere, so blanks and ends of lines are left out; a PDF writes some letters as one.
    squeezed = re.sub(r"\s", "", unicodedata.normalize("NFKC", "".join(text)))
    assert [word for word in words if re.sub(r"\s", "", word) not in squeezed] == []
    assert hidden > 0
    assert "Notprinted:" in squeezed


def test_it_opens_in_jupyterlab(page, lab, foreign, report):
    """JupyterLab's own viewer shows it, with its figures, and asks nobody else for anything."""
    address, token = lab
    put(lab, "report.html", {"type": "file", "format": "text", "content": report.path.read_text(encoding="utf-8")})

    page.goto(f"{address}/lab/tree/report.html?token={token}&reset")

    shown = page.frame_locator(".jp-HTMLViewer iframe, iframe.jp-HTMLViewer, .jp-HTMLContainer iframe").first
    shown.locator("h1", has_text="Audit of").wait_for()
    assert shown.locator("figure svg").count() == len(list(report.folder.glob("*.svg")))
    assert foreign == []


def test_a_link_in_a_notebook_opens_it_in_jupyterlab(page, lab, foreign):
    """What `report` returns is a link; a click opens the page beside the notebook."""
    address, token = lab
    cell = {"cell_type": "code", "id": "a", "source": LINKED, "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    put(lab, "notebooks/linked.ipynb", {"type": "notebook", "format": "json", "content": notebook})
    page.goto(f"{address}/lab/tree/notebooks/linked.ipynb?token={token}&reset")
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    page.get_by_role("link", name="Open the report").click()

    page.frame_locator(".jp-HTMLViewer iframe, iframe.jp-HTMLViewer, .jp-HTMLContainer iframe").first.locator(
        "h1", has_text="Audit of simulated account"
    ).wait_for()
    assert foreign == []


def put(lab, path, model):
    """Put a file into the root of JupyterLab."""
    address, token = lab
    answer = requests.put(
        f"{address}/api/contents/{path}",
        data=json.dumps(model),
        headers={"Authorization": f"token {token}"},
        timeout=180,
    )
    answer.raise_for_status()
