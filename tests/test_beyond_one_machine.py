"""What the guide and the notebook say of lakes, clusters and warehouses, on all of their engines."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from kernels import NOTEBOOKS, execute, outputs, said, seal

import doaudit as da

PAGE = Path(__file__).parent.parent / "docs" / "guide" / "beyond.md"
[NOTEBOOK] = [path for path in NOTEBOOKS if path.stem == "06_beyond_one_machine"]

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.engines,
    # What packages announce to those who build on them; see test_every_engine.
    pytest.mark.filterwarnings("ignore:Dask support is moving out of Narwhals:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


@pytest.fixture(autouse=True)
def all_engines():
    """Skip where an engine is missing; in CI that is an error."""
    lacks = [name for name in ("dask", "ibis", "pyspark") if importlib.util.find_spec(name) is None]
    lacks += [] if shutil.which("java") else ["java"]
    if lacks:
        reason = f"{', '.join(lacks)} not found; make test-engines installs all but Java"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.mark.release
def test_the_notebook_makes_the_same_table_in_every_place(tmp_path):
    """With everything installed no cell is skipped, nothing but Java says anything, and all tables are identical."""
    shutil.copy(NOTEBOOK, tmp_path)

    executed = execute(nbformat.read(NOTEBOOK, as_version=4), tmp_path, seal(tmp_path / "ipython"), one_cell_s=600)

    said_anything = {cell for cell, output in outputs(executed) if output.output_type == "stream"}
    places = re.findall(r"^(\S.*?) +(True|False)$", said(executed, "identical"), re.MULTILINE)
    assert said_anything <= {"read", "size", "export", "in-spark"}
    assert dict(places) == dict.fromkeys(
        ["pandas", "DuckDB", "DuckDB, Parquet", "Polars, Parquet", "Dask", "Spark", "ibis"], "True"
    )


def test_the_code_of_the_guide_runs_on_every_engine(tmp_path, monkeypatch):
    """Each example of the page runs after those before it, and each place makes the table that pandas makes."""
    monkeypatch.chdir(tmp_path)
    account = da.demo(actions=2_000)
    names = {"da": da, "account": account, "actions": account.actions()}
    try:
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            exec(block, names)  # noqa: S102 -- our own page
        tables = {name: da.durations(names[name]) for name in ("relation", "in_duckdb", "in_polars", "in_dask")}
        tables |= {name: da.durations(names[name]) for name in ("in_spark", "in_warehouse")}
    finally:
        if "spark" in names:
            names["spark"].stop()
        account.close()

    assert [name for name, table in tables.items() if not table.equals(da.durations(names["actions"]))] == []


@pytest.mark.parametrize("dialect", ["trino", "bigquery", "snowflake"])
def test_sql_of_warehouses_is_written(dialect, monkeypatch):
    """What a table asks of a warehouse groups and counts there, in its own SQL; it is compiled here, and not run."""
    import ibis  # noqa: PLC0415 -- installed for `make test-engines` alone

    times = dict.fromkeys(["started_at", "completed_at", "observed_at"], "timestamp('UTC')")
    words = dict.fromkeys(["type", "status"], "string")
    actions = ibis.table({**words, **times}, name="actions")
    asked = []

    def keep_the_question(self, **how):
        asked.append(ibis.to_sql(self, dialect=dialect))
        raise InterruptedError("nobody answers")

    # A table that belongs to no connection: what is asked of it is kept.
    monkeypatch.setattr(ibis.Expr, "get_backend", lambda self: SimpleNamespace(name=dialect))
    monkeypatch.setattr(ibis.Table, "to_pyarrow", keep_the_question)

    with pytest.raises(InterruptedError, match="nobody answers"):
        da.failure_rates(actions, by="type")

    assert len(asked) == 1
    assert "GROUP BY" in asked[0]
    assert re.search({"trino": "TO_UNIXTIME", "bigquery": "UNIX_SECONDS", "snowflake": "DATE_PART"}[dialect], asked[0])
