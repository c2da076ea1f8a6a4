"""The notebooks run from top to bottom in a fresh kernel, and what git keeps of them is only what a person wrote."""

from __future__ import annotations

import ast
import json
import re
import shutil

import nbformat
import pytest
from kernels import NOTEBOOKS, code_cells, execute, outputs, said, seal
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The settings of a kernel that reaches this machine only."""
    return seal(tmp_path_factory.mktemp("ipython"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request, home, tmp_path_factory):
    """One notebook after a run from top to bottom, in a copy of its folder."""
    folder = tmp_path_factory.mktemp("clone") / "notebooks"
    folder.mkdir()
    shutil.copy(request.param, folder)
    return execute(nbformat.read(folder / request.param.name, as_version=4), folder, home)


def test_every_question_has_its_notebook():
    """None is missing, so that the tests below never run on none."""
    assert [path.stem for path in NOTEBOOKS] == [
        "00_start_here",
        "01_explore_history",
        "02_durations",
        "03_failures",
        "04_reports",
        "05_snapshot_workflow",
        "06_beyond_one_machine",
    ]


def test_runs_without_a_word_on_stderr(executed):
    """A notebook runs from top to bottom without an error, a warning, a token or the internet."""
    complaints = [(cell, output.text) for cell, output in outputs(executed) if output.get("name") == "stderr"]

    assert not complaints
    assert all(cell.execution_count for cell in code_cells(executed))


def test_shows_nothing_meant_for_programmers(executed):
    """A cell shows a table, a picture, a number or a sentence, never the repr of an object."""
    shown = [(cell, output.data["text/plain"]) for cell, output in outputs(executed) if "data" in output]
    reprs = [(cell, text) for cell, text in shown if re.match(r"<(?!Figure|IPython)|\[<|[\w.]+\(.*=", text)]

    assert not reprs


def test_a_cell_shows_its_last_value_once(executed):
    """What a cell ends with is one output, as HTML and as text: nothing is shown beside it by itself."""
    for cell in code_cells(executed):
        shown = [output for output in cell.outputs if "text/html" in output.get("data", {})]

        assert len([output for output in shown if "da-show" in output["data"]["text/html"]]) <= 1, cell.id
        assert len(shown) <= 1, cell.id


def test_every_picture_is_there(executed):
    """A cell that draws shows one picture."""
    for cell in code_cells(executed):
        pictures = sum("image/png" in output.get("data", {}) for output in cell.outputs)

        assert pictures == (cell.source.count("da.plots.") + cell.source.count("Image(")), cell.id


def test_says_what_its_prose_says(executed):
    """What the prose of a notebook promises of the simulated account is what its cells show."""
    promised = {
        "proof": r"complete +True",
        "outcomes": r"completed +done +errored",
        "no-p99": r"p99 needs 368 completed actions",
        "incidents": r"(?s)region.*\nams3",
        "changes": r"attach_volume takes 1\.6 x as long",
        "equal": r"^True$",
        "identical": r"(?s)^(?!.*False).*pandas +True\nDuckDB +True\nDuckDB, Parquet +True",
        "verify": r"^Intact: \d+ files of .* as the manifest lists them\.",
    }
    for cell in code_cells(executed):
        if cell.id in promised:
            assert re.search(promised[cell.id], said(executed, cell.id)), cell.id


def test_a_notebook_that_left_this_machine_would_fail(home, tmp_path):
    """The kernel of these tests reaches this machine only, so a green run needed no internet."""
    abroad = new_notebook(cells=[new_code_cell("import socket; socket.create_connection(('192.0.2.1', 443), 1)")])

    with pytest.raises(CellExecutionError, match=r"tried to reach 192\.0\.2\.1"):
        execute(abroad, tmp_path, home)


@EACH
def test_git_keeps_no_result(path):
    """Outputs, counts and widget states hold an account's data, so none of them is stored."""
    notebook = nbformat.read(path, as_version=4)

    assert [cell.id for cell in code_cells(notebook) if cell.outputs or cell.execution_count is not None] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@EACH
def test_is_written_in_one_way(path):
    """Sorted keys, one indent, cell ids that say what a cell is for: a change shows up as what it is and no more."""
    text = path.read_text(encoding="utf-8")
    fields = json.loads(text)
    ids = [cell["id"] for cell in fields["cells"]]

    assert text == json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert (fields["nbformat"], fields["nbformat_minor"]) == (4, 5)
    assert fields["metadata"]["kernelspec"]["name"] == "python3"
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", one)] == []
    nbformat.validate(nbformat.read(path, as_version=4))


@EACH
def test_only_looks_and_asks(path):
    """A notebook defines nothing and its cells are a few lines: what can be reused lives in the package."""
    for cell in code_cells(nbformat.read(path, as_version=4)):
        tree = ast.parse(cell.source)
        made = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]

        assert not made, cell.id
        assert not loops, cell.id
        assert sum(map(bool, cell.source.splitlines())) <= 4, cell.id


@EACH
def test_holds_no_secret(path):
    """Nothing in a notebook looks like a token."""
    assert re.findall(r"do[a-z]_v1_\w*|[0-9a-fA-F]{40,}|Bearer \w+", path.read_text(encoding="utf-8")) == []


@EACH
def test_begins_with_its_question_and_the_account(path):
    """Whoever opens one reads what it answers, and finds the account opened in the same way in all."""
    first, second, *_ = nbformat.read(path, as_version=4).cells
    model = code_cells(nbformat.read(NOTEBOOKS[0], as_version=4))[0]

    assert first.cell_type == "markdown"
    assert re.match(r"# .+\n\n.*\?", first.source)
    # A workflow is watched on a clock that runs faster than the one on the wall.
    assert re.sub(r"demo\(speed=\d+\)", "demo()", second.source) == model.source
    assert "da.connect()" in second.source
