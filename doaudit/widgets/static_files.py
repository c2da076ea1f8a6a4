"""JavaScript and CSS of the panels, as the texts that anywidget takes."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["static_text"]


def static_text(*names: str) -> str:
    """
    Return files of `widgets/static` as one text: the module of a widget can import none of its neighbours.

    Example:
        >>> static_text("base.js").startswith("// What every panel stands on")
        True
    """
    folder = files("doaudit.widgets") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
