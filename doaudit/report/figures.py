"""Figures of a report as SVG, the same bytes for the same table, for a file and for within a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from doaudit.formatting import html_text

if TYPE_CHECKING:
    import pandas as pd

    from doaudit.tables import Table, Variant

__all__ = ["figure_svg", "inline_svg"]

_WIDTH_INCHES = 9.0
# Ids are made from what they name and not at random, and text stays text: it can be found, copied and read aloud.
_SETTINGS: Any = {"svg.hashsalt": "doaudit", "svg.fonttype": "none"}
_FONT = "'DejaVu Sans'"
_FONTS = f"{_FONT}, Verdana, sans-serif"  # Verdana is as wide
_LEFT_OUT = re.compile(r"\s*<(metadata|style)\b.*?</\1>", re.DOTALL)
_TAG, _LONG_NUMBER = re.compile(r"<[^>]+>"), re.compile(r"-?\d+\.\d{3,}")
_IDS = re.compile(r'((?:\bid="|href="#|url\(#))(?=[\w-])')


def figure_svg(table: Table, variant: Variant, actions: pd.DataFrame, rows: pd.DataFrame) -> str:
    """
    Draw a table of a report, and return the file.

    It is drawn on a figure of its own, not through pyplot, so that a report can be written from any thread.

    Args:
        table: of the registry.
        variant: how the report has it.
        actions: from which *rows* were made.
        rows: the table.
    """
    import matplotlib as mpl  # noqa: PLC0415 -- loaded only where something is drawn
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 -- see above
    from matplotlib.figure import Figure  # noqa: PLC0415 -- see above

    figure = Figure(figsize=(_WIDTH_INCHES, variant.height_inches), layout="constrained")
    canvas = FigureCanvasSVG(figure)
    table.draw(actions, rows, variant.arguments, ax=figure.subplots())
    buffer = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        # Without time, name and version of the software, which would change bytes that show the same picture.
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    svg = buffer.getvalue().decode().replace(_FONT, _FONTS)
    return _TAG.sub(lambda tag: _LONG_NUMBER.sub(_rounded, tag[0]), svg)


def _rounded(number: re.Match[str]) -> str:
    """Write a length with two decimals, a hundredth of a point, since six of them are most of a file."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def inline_svg(svg: str, name: str, label: str) -> str:
    """
    Return a figure as an element of a page, in which its ids meet those of no other, without a style of its own.

    Args:
        svg: as `figure_svg` returns it.
        name: of the figure, unique in the page.
        label: what is seen in it, for those who do not see it.

    Example:
        >>> inline_svg('<?xml version="1.0"?><svg><g id="p1" clip-path="url(#c)"/></svg>', "churn", "Churn")
        '<svg role="img" aria-label="Churn"><g id="churn-p1" clip-path="url(#churn-c)"/></svg>'
    """
    bare = _LEFT_OUT.sub("", svg[svg.index("<svg") :].rstrip())
    element = _IDS.sub(rf"\g<1>{name}-", bare)
    return element.replace("<svg", f'<svg role="img" aria-label="{html_text(label)}"', 1)
