"""The wheel and the sdist: built, installed into an empty environment, and used from there as a stranger would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from doaudit.cli.lab import prepare_notebooks
from doaudit.errors import DoauditError

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def build(target: str, source: Path, folder: Path) -> Path:
    """Build a wheel or an sdist with the locked hatchling, without the internet, and return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The sdist."""
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """The wheel, built from the unpacked sdist, as package managers do."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    [source] = unpacked.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An empty environment with the wheel in it, which borrows the dependencies of the one that runs the tests."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    # A .pth file in a folder that is added by one is not read, so the checkout's own doaudit stays out.
    [packages] = (home / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python.parent


def run(folder: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a program in a folder, with nothing of this checkout in its environment."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "VIRTUAL"))
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.thorough
def test_the_sdist_has_what_a_distributor_needs(sdist):
    """The code, its tests, the notebooks, the documentation's sources and the licence; nothing that was generated."""
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}

    assert {"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "pyproject.toml", "docs/conf.py"} <= names
    assert {"tests/conftest.py", "data/sample_actions.csv", *(f"notebooks/{name}" for name in NOTEBOOKS)} <= names
    assert not [name for name in names if name.startswith(("docs/_build", "docs/generated", "data/reports"))]


@pytest.mark.thorough
def test_the_wheel_has_code_and_notebooks_only(wheel):
    """Whoever installs doaudit gets its code, its types and the notebooks, and no tests."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    roots = {name.split("/")[0].removesuffix(".dist-info").split("-")[0] for name in names}
    assert roots == {"doaudit"}
    assert "doaudit/py.typed" in names
    assert {"base.js", "base.css", "explorer.js"} <= {Path(name).name for name in names if "/widgets/static/" in name}
    assert sorted(Path(name).name for name in names if name.startswith("doaudit/notebooks/")) == NOTEBOOKS


@pytest.mark.thorough
def test_an_installed_doaudit_audits(installed, tmp_path):
    """From an empty folder, the command writes a report that is complete, with the code of the wheel."""
    where = run(tmp_path, str(installed / "python"), "-c", "import doaudit.cli; print(doaudit.__file__)")
    audit = run(tmp_path, str(installed / "doaudit"), "audit", "--demo", "--out", "X")

    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stderr
    assert audit.returncode == 0, audit.stderr
    assert json.loads((tmp_path / "X" / "manifest.json").read_text())["completeness"]["complete"] is True
    assert (tmp_path / "X" / "index.html").stat().st_size > 0


@pytest.mark.thorough
def test_an_installed_lab_brings_its_notebooks(installed, tmp_path):
    """From an empty folder, `doaudit lab` copies the notebooks there and says so; later it leaves them alone."""
    pytest.importorskip("jupyterlab")
    command = [str(installed / "doaudit"), "lab", "--", "--version"]

    first = run(tmp_path, *command)
    (tmp_path / "notebooks" / NOTEBOOKS[0]).write_text("changed")
    second = run(tmp_path, *command)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert f"Copied {len(NOTEBOOKS)} notebooks to {tmp_path / 'notebooks'}" in first.stderr
    assert sorted(path.name for path in (tmp_path / "notebooks").iterdir()) == NOTEBOOKS
    assert (tmp_path / "notebooks" / NOTEBOOKS[0]).read_text() == "changed"
    assert "Copied" not in second.stderr


def test_a_folder_of_notebooks_is_taken_as_it_is(tmp_path, capsys):
    """In a checkout the notebooks are there, and nothing is copied."""
    assert prepare_notebooks(tmp_path) == tmp_path

    assert (list(tmp_path.iterdir()), capsys.readouterr().err) == ([], "")


def test_a_checkout_without_that_folder_says_so(tmp_path):
    """A doaudit that carries no notebooks makes no folder."""
    with pytest.raises(DoauditError, match="There is no folder"):
        prepare_notebooks(tmp_path / "none")

    assert list(tmp_path.iterdir()) == []
