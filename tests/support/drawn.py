"""What was drawn on Axes, read back: names of rows, texts, legend, bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars", "legend_labels", "row_names", "texts", "tick_labels"]


def row_names(ax: Axes) -> list[str]:
    """Return the names of the rows, from the top."""
    return [label.get_text() for label in ax.get_yticklabels()]


def texts(ax: Axes) -> list[str]:
    """Return the texts next to the rows, or the message in empty axes."""
    return [text.get_text() for text in ax.texts]


def legend_labels(ax: Axes) -> list[str]:
    """Return the labels in the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def bars(ax: Axes) -> list[tuple[int, float, bool]]:
    """Return every horizontal bar as (row, length, hatched), from the top."""
    drawn = [bar for layer in ax.containers for bar in layer]
    return sorted((round(bar.get_y() + bar.get_height() / 2), bar.get_width(), bool(bar.get_hatch())) for bar in drawn)


def tick_labels(ax: Axes) -> list[str]:
    """Return the labels along the x axis, within its limits, after a layout."""
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    pairs = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_text() for place, label in pairs if low <= place <= high]
