"""Configure Sphinx; `make docs` builds the site into docs/_build/html, without the internet."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.ext.napoleon import Config, GoogleDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for generate.py

project = "doaudit"
release = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
# generated/ is included by other pages; the table of transitions is too.
exclude_patterns = ["_build", "generated", "snapshot_transitions.md"]
default_role = "py:obj"  # docstrings put names into single backticks
myst_heading_anchors = 3

autodoc_typehints = "none"  # the docstrings say what each argument is
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
# Returns is sentences, not "type: description".
DOCSTRINGS = Config(napoleon_custom_sections=["Returns", ("Attributes", "params_style")])

html_theme = "furo"
html_title = f"doaudit {release}"
html_static_path = ["static"]
html_css_files = ["floors.css"]
html_copy_source = False
html_show_copyright = False


def to_rst(_app: Sphinx, what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Turn a docstring of ours into reStructuredText."""
    if what == "module":
        lines[:] = _with_literal_blocks(lines)
    else:
        # Called here and not by its extension, which takes what stands before a colon for the type of a property.
        lines[:] = GoogleDocstring(lines, DOCSTRINGS, what="object").lines()


def _with_literal_blocks(lines: list[str]) -> list[str]:
    """Mark the indented tables and trees of a module's docstring as to be shown as they are."""
    before, marked = "", []
    for line in lines:
        if line.startswith(" ") and before and not before.startswith(" "):
            marked += ["::", ""]
        marked.append(line)
        before = line or before
    return marked


def setup(app: Sphinx) -> None:
    """Write the pages that follow from the code before any page is read."""
    import generate  # noqa: PLC0415 -- found by the path above

    app.connect("builder-inited", lambda _: generate.write(HERE / "generated"))
    app.connect("autodoc-process-docstring", to_rst)
