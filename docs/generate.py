"""Write the parts of the documentation that follow from the code: tables, plots, commands and floors."""

from __future__ import annotations

import ast
import html
import io
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import doaudit as da
from doaudit import cli
from doaudit.demo import serve
from doaudit.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doaudit.tables import Table

__all__ = ["pages", "pictures", "write"]

DOCS = Path(__file__).parent
ROOT = DOCS.parent
DPI = 110
HELP_WIDTH = 86


def write(folder: Path) -> None:
    """Write every page and picture; a file that is the same already is left alone, so that Sphinx need not read it."""
    contents = {name: text.encode() for name, text in pages().items()} | dict(pictures())
    for name, content in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)


def pages() -> dict[str, str]:
    """Return the text of each generated page, by its file name."""
    return {
        "tables.md": "\n".join(_functions(table) for table in TABLES),
        "plots.md": "\n".join(_autodoc("autofunction", f"doaudit.plots.{table.name}") for table in TABLES),
        "gallery.md": "\n".join(map(_gallery_entry, TABLES)),
        "commands.md": "\n".join(f"## doaudit {name}\n\n{_text(help_)}" for name, help_ in _commands()),
        "floors.md": _floors(),
        "transitions.md": (DOCS / "snapshot_transitions.md").read_text(encoding="utf-8"),
    }


def pictures() -> Iterator[tuple[str, bytes]]:
    """Yield the picture of each plot, drawn by the code that the gallery shows, and that of the snapshot machine."""
    import matplotlib as mpl  # noqa: PLC0415 -- text alone needs none of it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 -- after the choice of Agg

    with serve(speed=0) as server, da.connect(token=server.token, base_url=server.url, history=":memory:") as account:
        actions = account.actions()
    for table in TABLES:
        exec(_code(table), {"da": da, "actions": actions})
        picture = io.BytesIO()
        plt.gcf().savefig(picture, dpi=DPI, metadata={"Software": None})
        plt.close("all")
        yield f"pictures/{table.name}.png", picture.getvalue()
    import transition_picture  # noqa: PLC0415 -- it imports matplotlib

    yield "pictures/transitions.png", transition_picture.draw()


def _functions(table: Table) -> str:
    own = {each.name for each in TABLES}  # a table that accompanies another one has a place of its own
    names = [table.name, *([table.companion] if table.companion and table.companion not in own else [])]
    how = f"*How to read it:* {_marked(table.how_to_read)}"
    return "\n".join([f"### {table.name}\n\n{how}\n", *(_autodoc("autofunction", f"doaudit.{name}") for name in names)])


def _gallery_entry(table: Table) -> str:
    return (
        f"## {table.name}\n\n{table.summary.capitalize()}. {_marked(table.how_to_read)}\n\n"
        f"{_text(_code(table), 'python')}\n"
        f"![The plot of {table.name}: {table.summary}](/generated/pictures/{table.name}.png)\n\n"
        f"{{py:func}}`doaudit.{table.name}` computes the table, {{py:func}}`doaudit.plots.{table.name}` draws it.\n"
    )


def _code(table: Table) -> str:
    arguments = next((variant.arguments for variant in table.variants if variant.figure), {})
    companion = f", {table.companion_as}={_call(table.companion, arguments)}" if table.companion else ""
    return f"table = {_call(table.name, arguments)}\nda.plots.{table.name}(table{companion})"


def _call(function: str, arguments: Mapping[str, Any]) -> str:
    return f"da.{function}({', '.join(['actions', *(f'{key}={json.dumps(arguments[key])}' for key in arguments)])})"


def _commands() -> Iterator[tuple[str, str]]:
    """Yield each subcommand with its help text."""
    for name, command in cli.COMMANDS.commands.items():
        context = click.Context(command, info_name=f"doaudit {name}", terminal_width=HELP_WIDTH)
        yield name, command.get_help(context) + "\n"


def _floors() -> str:
    """Return the picture of the floors, and what each module on them is, from pyproject.toml and the docstrings."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = [re.findall(r"doaudit\.(\w+)", layer) for layer in contracts[0]["layers"]]
    boxes = "\n".join(
        "<div>" + "".join(f"<code>{html.escape(name)}</code>" for name in floor) + "</div>" for floor in floors
    )
    rows = "\n".join(f"| `{name}` | {_first_sentence(name)} |" for floor in floors for name in floor)
    return (
        f'```{{raw}} html\n<div class="floors">\n{boxes}\n</div>\n```\n\n| module | what it is |\n|---|---|\n{rows}\n'
    )


def _first_sentence(module: str) -> str:
    file = next(path for path in (ROOT / "doaudit").glob(f"{module}*") if path.stem == module)
    source = file / "__init__.py" if file.is_dir() else file
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    sentence, *_ = re.split(r"(?<=\.)\s", docstring.split("\n\n")[0].replace("\n", " "))
    return sentence


def _marked(sentence: str) -> str:
    """Return a sentence with the names of columns as code."""
    return re.sub(r"\w+_\w+", r"`\g<0>`", sentence)


def _autodoc(directive: str, name: str) -> str:
    return f"```{{eval-rst}}\n.. {directive}:: {name}\n```\n"


def _text(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"
