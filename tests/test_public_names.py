"""The public names: what `doaudit` shows, that it is typed and light, and that everything that lists them agrees."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import doaudit as da
from doaudit import cli
from doaudit.tables import TABLES

ROOT = Path(__file__).parent.parent
OVERVIEW = (ROOT / "docs" / "reference" / "overview.md").read_text(encoding="utf-8")


def commands() -> set[str]:
    """The names of the subcommands."""
    return set(cli.COMMANDS.commands)


def test_all_is_what_is_shown():
    """Every name in `__all__` is there, sorted, and nothing else is shown."""
    assert da.__all__ == sorted(da.__all__)
    assert dir(da) == sorted([*da.__all__, "__version__"])
    assert all(getattr(da, name) is not None for name in da.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'snapshot_all'; it has Account"):
        _ = da.snapshot_all


@pytest.mark.parametrize("module", ["report", "demo", "account"])
def test_a_function_is_not_hidden_by_its_module(module):
    """A module that was imported first does not take the place of the public function of its name."""
    code = (
        f"import doaudit.{module}, types, doaudit as da\n"
        "print([name for name in da.__all__ if isinstance(getattr(da, name), types.ModuleType)])"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown == "['plots', 'widgets']\n"


@pytest.mark.parametrize("module", [da.plots, da.widgets])
def test_the_modules_show_what_is_meant_to_be_used(module):
    """Pressing TAB after `da.plots.` and `da.widgets.` shows no helper and no submodule."""
    assert [name for name in dir(module) if not name.startswith("__")] == module.__all__
    assert not any(isinstance(getattr(module, name), types.ModuleType) for name in module.__all__)


def test_import_is_light():
    """`import doaudit` and the first look at an account load no matplotlib, widgets, DuckDB or Flask."""
    code = (
        "import sys, doaudit as da; da.connect(token='0' * 64)\n"
        "print(sorted({'matplotlib', 'duckdb', 'ipywidgets', 'flask'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_row_of_the_registry_is_there():
    """Each table has its function and a plot of its name; and there is no other plot."""
    assert all(callable(table.function) and getattr(da, table.name) is table.function for table in TABLES)
    assert {table.name for table in TABLES} == set(da.plots.__all__)
    assert all(table.plot is getattr(da.plots, table.name) for table in TABLES)
    assert {table.name.replace("_", "-") for table in TABLES} <= commands()


def test_every_table_says_how_to_read_it():
    """A summary of a few words, and a sentence."""
    for table in TABLES:
        assert len(table.summary.split()) <= 12
        assert re.fullmatch(r"[A-Z].*\.", table.how_to_read)


def test_the_overview_names_every_public_name():
    """The overview of functions has every public name, and every subcommand is in it."""
    words = set(re.findall(r"[\w-]+", OVERVIEW))

    assert set(da.__all__) - {"Account", "Action", "DoauditError"} <= words
    assert commands() <= words
