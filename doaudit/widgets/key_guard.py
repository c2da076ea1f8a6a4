"""A part of a panel that keeps its keys from the notebook."""

from __future__ import annotations

from typing import ClassVar

import anywidget

from doaudit.widgets.static_files import static_text

__all__ = ["KeyGuard"]


class KeyGuard(anywidget.AnyWidget):
    """
    Part of a panel of ipywidgets that shows nothing: no key without Ctrl or Cmd leaves the panel.

    In JupyterLab's command mode a key typed in a panel would reach the notebook: `d d` deletes the cell.
    """

    _esm: ClassVar[str] = static_text("base.js", "key_guard.js")
