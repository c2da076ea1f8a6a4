"""The documentation: it builds without a warning, its code runs, and it has every public name, command and decision."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

import doaudit as da
from doaudit import cli
from doaudit.tables import TABLES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
GUIDE = sorted((DOCS / "guide").glob("*.md"))
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def code_of(page: Path) -> list[str]:
    """The Python that a page shows, block by block."""
    return PYTHON_BLOCK.findall(page.read_text(encoding="utf-8"))


def can_run(block: str) -> bool:
    """Whether all that a block imports is installed; what is not runs in test_beyond_one_machine."""
    return all(importlib.util.find_spec(name) for name in re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE))


@pytest.fixture(scope="module")
def generated():
    """The pages that follow from the code."""
    sys.path.insert(0, str(DOCS))
    try:
        import generate  # noqa: PLC0415 -- found by the path above
    finally:
        sys.path.remove(str(DOCS))
    return generate.pages()


@pytest.fixture(scope="module")
def start():
    """The names that the guide begins with, from the code that it shows."""
    names = {}
    for block in code_of(DOCS / "guide" / "index.md"):
        exec(block, names)  # noqa: S102 -- our own page
    yield names
    names["account"].close()


@pytest.mark.thorough
@pytest.mark.parametrize("page", [page for page in GUIDE if page.stem != "index"], ids=lambda page: page.stem)
def test_the_code_of_the_guide_runs(page, start, monkeypatch, tmp_path):
    """Each block of a page runs after those before it, on the simulated account, if what it imports is here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- after the choice of Agg

    plt.switch_backend("Agg")
    names = dict(start)
    try:
        for block in filter(can_run, code_of(page)):
            exec(block, names)  # noqa: S102 -- our own page
    finally:
        plt.close("all")
        if names["account"] is not start["account"]:
            names["account"].close()

    assert code_of(page)


def test_every_question_of_the_guide_is_listed():
    """The first page of the guide leads to every other."""
    index = (DOCS / "guide" / "index.md").read_text(encoding="utf-8")

    assert [page.name for page in GUIDE if page.stem != "index" and f"({page.name})" not in index] == []


def test_the_gallery_has_every_plot(generated):
    """Each plot has a section of its own, with the code that draws it and the picture."""
    assert re.findall(r"^## (\w+)$", generated["gallery.md"], re.MULTILINE) == [table.name for table in TABLES]
    for name in da.plots.__all__:
        assert f"da.plots.{name}(table" in generated["gallery.md"]
        assert f"(/generated/pictures/{name}.png)" in generated["gallery.md"]


def test_every_public_name_is_in_the_reference(generated):
    """A public function, class, plot or widget that nobody documented fails here."""
    written = [page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")]
    documented = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)", "\n".join([*written, *generated.values()]), re.MULTILINE))
    public = {f"doaudit.{name}" for name in da.__all__ if name != "DoauditError"}
    plots = {f"doaudit.plots.{name}" for name in da.plots.__all__}
    widgets = {f"doaudit.widgets.{name}" for name in da.widgets.__all__}

    assert public | plots | widgets | {"doaudit.errors"} <= documented


def test_every_subcommand_is_in_the_docs(generated):
    """A subcommand that nobody documented fails here."""
    assert re.findall(r"^## doaudit (.+)$", generated["commands.md"], re.MULTILINE) == list(cli.COMMANDS.commands)


def test_decisions_have_one_form():
    """A decision is numbered without gaps, says when it was made, and has one page that is short."""
    pages = sorted((DOCS / "decisions").glob("0*.md"))

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.match(r"# .+\n\n\*\*Decided\*\* in \w+ \d{4}\.\n", text), page.name
        assert len(text.splitlines()) <= 40, page.name


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[bq]*.yml")), ids=lambda p: p.stem)
def test_issue_templates_warn_of_tokens(path):
    """Whoever reports something is told first to leave out tokens, and confirms it."""
    template = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert "token" in template["body"][0]["attributes"]["value"]
    assert template["body"][-1]["attributes"]["options"][0]["required"] is True


def test_hooks_run_offline():
    """Every hook for commits is a command of the virtual environment, and downloads nothing."""
    configured = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))

    assert [repository["repo"] for repository in configured["repos"]] == ["local"]
    for hook in configured["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs` does it, from a copy of what it needs."""
    copy = tmp_path_factory.mktemp("docs") / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "_build", "generated")
    for folder in ("docs", "doaudit"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    (copy / "data").mkdir()
    for file in ("pyproject.toml", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "data/README.md"):
        shutil.copy(ROOT / file, copy / file)
    # Proxies that answer nothing: whatever asks the internet fails at once.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9") | {"no_proxy": "127.0.0.1,localhost"}
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", "site"],
        cwd=copy,
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stderr) == (0, "")
    return copy / "site"


@pytest.mark.thorough
def test_the_site_has_every_public_name(site):
    """Sphinx finds each public name, and each public method of an account, and builds without a warning."""
    header_and_objects = (site / "objects.inv").read_bytes().split(b"\n", 4)
    objects = {line.split()[0] for line in zlib.decompress(header_and_objects[-1]).decode().splitlines()}
    methods = {name for name in dir(da.Account) if not name.startswith("_")}

    assert {f"doaudit.{name}" for name in da.__all__} - {"doaudit.DoauditError"} <= objects
    assert {f"doaudit.Account.{name}" for name in methods} <= objects


@pytest.mark.thorough
def test_the_site_links_every_decision_and_picture(site):
    """Each decision is linked from the list of decisions; each plot's picture is there; nothing is loaded from afar."""
    decisions = (site / "decisions" / "index.html").read_text(encoding="utf-8")

    assert all(f'href="{page.stem}.html"' in decisions for page in (DOCS / "decisions").glob("0*.md"))
    assert {path.stem for path in (site / "_images").glob("*.png")} >= set(da.plots.__all__)
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)', page.read_text(encoding="utf-8"))
        assert loaded == [], page.name
