"""The form of the code itself: floors, sizes, words, docstrings; see CONTRIBUTING."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "doaudit").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FUNCTION, LONGEST_FILE = 40, 350
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
METAPHORS = PROJECT["tool"]["doaudit"]["words-not-used"]
QUESTIONS = {"What", "How", "Whether", "When", "Where", "Which", "Who", "Whose", "Why"}


def name(path: Path) -> str:
    """The path within the checkout."""
    return path.relative_to(ROOT).as_posix()


def definitions(path: Path) -> list[tuple[ast.AST, str]]:
    """Every module, class and function of a file, with its name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (tree, name(path)),
        *((node, f"{name(path)}:{node.name}") for node in ast.walk(tree) if isinstance(node, nodes)),
    ]


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has, from its name to its end, without its docstring."""
    first = function.body[0]
    docstring = ast.get_docstring(function) is not None
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if docstring else 0)


def test_the_floors_are_those_of_the_contracts():
    """CONTRIBUTING's table has the floors that import-linter checks, and every module is on one of them."""
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = [set(re.findall(r"doaudit\.(\w+)", layer)) for layer in contracts[0]["layers"]]
    table = re.findall(r"^\| \d+ \| (.+?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    there = {path.stem for path in (ROOT / "doaudit").glob("*.py")} | {
        path.parent.name for path in (ROOT / "doaudit").glob("*/__init__.py")
    }

    assert [set(re.findall(r"`(\w+)`", row)) for row in table] == layers
    assert there - {"__init__", "__main__", "demo"} == set().union(*layers)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_file_and_no_function_is_long(path):
    """A file has at most 350 lines, a function at most 40 beside its docstring."""
    long = {
        place: lines_of_code(node)
        for node, place in definitions(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of_code(node) > LONGEST_FUNCTION
    }

    assert long == {}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_docstrings_begin_with_what_a_reader_searches_for(path):
    """No docstring begins with a question word; a module and a public function or class has one."""
    docstrings = {place: ast.get_docstring(node) for node, place in definitions(path)}

    assert [place for place, text in docstrings.items() if text and text.split()[0].strip(",.:") in QUESTIONS] == []
    assert docstrings[name(path)]


@pytest.mark.parametrize("path", MODULES + TESTS, ids=name)
def test_words_are_the_fields_own(path):
    """None of the first version's metaphors is left."""
    text = path.read_text(encoding="utf-8")

    assert re.findall(rf"\b(?:{'|'.join(METAPHORS)})\b", text, re.IGNORECASE) == []
