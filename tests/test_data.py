"""The files under data/ are what their README says."""

from __future__ import annotations

import runpy

from served import ROOT

import doaudit as da
from doaudit.actions import COLUMNS


def test_the_sample_is_what_its_command_writes():
    """The committed sample is the simulated account's, byte for byte."""
    written = runpy.run_path(str(ROOT / "data" / "make_sample.py"))["sample"]()

    assert (ROOT / "data" / "sample_actions.csv").read_bytes() == written


def test_the_sample_is_small_and_reads_back():
    """A few thousand rows under a megabyte, with the documented columns."""
    path = ROOT / "data" / "sample_actions.csv"

    actions = da.read_csv(path)

    assert path.stat().st_size < 1_000_000
    assert len(actions) == 4000
    assert {name: str(dtype) for name, dtype in actions.dtypes.items()} == COLUMNS


def test_the_readme_explains_every_column():
    """Each column of each file that a report writes is named in data/README.md."""
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")

    assert [name for name in COLUMNS if f"| `{name}` |" not in readme] == []
