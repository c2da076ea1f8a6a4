"""Style of all figures: white background, colours and fonts, labelled rows, legend, and the message for no data."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.layout_engine import ConstrainedLayoutEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.container import Container
    from matplotlib.figure import Figure

__all__ = [
    "BACKGROUND",
    "BLUE",
    "GRID",
    "MARKERS_ONLY",
    "MUTED_TEXT",
    "ORANGE",
    "SKY",
    "TEXT",
    "VERMILLION",
    "empty_message",
    "figure_for",
    "label_rows",
    "legend",
    "opacity",
    "panel",
    "row_font_size",
    "row_points",
    "row_texts",
    "set_title",
    "style_ticks",
]

# Okabe and Ito's palette ("Color universal design", 2008), chosen so that neighbours also differ in lightness.
BLUE = "#0072B2"
SKY = "#8CC8EC"
VERMILLION = "#C84E00"
ORANGE = "#F0B429"
TEXT = "#222222"
MUTED_TEXT = "#666666"
GRID = "#E3E3E3"
BACKGROUND = "#FFFFFF"

# Markers without a line. They take no part in the layout: an empty set counts as a point in the corner of the figure.
MARKERS_ONLY: Any = {"linestyle": "none", "in_layout": False}

WIDTH_INCHES = 9.0
DPI = 110
MARGIN_INCHES = 0.1
FONT_SIZE = 9.0
MIN_ROWS = 3
"""A figure of one or two rows is laid out as one of three, so that no row becomes very high."""

# Every artist is made under these settings, whatever style the user's notebook has chosen: the same table gives the
# same figure. Dollar signs and TeX commands in names that come from the API stay plain text.
_SETTINGS: Any = {  # matplotlib types the keys as a Literal that grows with each release
    "axes.grid": False,
    "axes.titlecolor": TEXT,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "hatch.color": BACKGROUND,
    "hatch.linewidth": 1.2,
    "legend.labelcolor": TEXT,
    "lines.antialiased": True,
    "lines.markeredgewidth": 1.0,
    "patch.force_edgecolor": False,
    "path.effects": [],
    "path.sketch": None,
    "text.color": TEXT,
    "text.parse_math": False,
    "text.usetex": False,
}

_FAINTEST, _STRONGEST, _FEW = 0.12, 0.85, 40
"""The opacity of a mark among very many and among few, and how many are few."""

_DARK_LUMINANCE = 0.4
"""Backgrounds of less luminance than this get light text."""


@contextmanager
def figure_for(ax: Axes | None, *, rows: int = 0, row_inches: float = 0.0, height: float = 1.4) -> Iterator[Axes]:
    """
    Provide Axes to draw on under doaudit's settings: *ax* itself, or those of a new figure.

    The new figure is *height* inches high, and *row_inches* more for each of its *rows*.
    """
    # The figure first: a notebook's backend sets itself up as pyplot is loaded, and leaving the context would undo it.
    target: Figure | Axes = _new_figure(height + row_inches * max(rows, MIN_ROWS)) if ax is None else ax
    with mpl.rc_context(_SETTINGS):
        axes = target if isinstance(target, Axes) else target.add_subplot()
        _style_axes(axes)
        yield axes


def _new_figure(height: float) -> Figure:
    # Only here: a caller that brings its own Axes may be a worker process, or a thread that must not meet pyplot.
    from matplotlib import pyplot as plt  # noqa: PLC0415

    layout = ConstrainedLayoutEngine(w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
    return plt.figure(figsize=(WIDTH_INCHES, height), dpi=DPI, layout=layout, facecolor=BACKGROUND)


def _style_axes(ax: Axes) -> None:
    ax.set_facecolor(BACKGROUND)
    ax.set_axisbelow(True)
    ax.grid(visible=False, which="both")
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", edgecolor=MUTED_TEXT, linewidth=0.8)
    ax.tick_params(
        which="both", top=False, right=False, bottom=True, left=True, labeltop=False, labelright=False,
        labelbottom=True, labelleft=True, grid_color=GRID, grid_linewidth=0.8, grid_linestyle="-", grid_alpha=1.0,
    )  # fmt: skip
    style_ticks(ax)


def style_ticks(ax: Axes) -> None:
    """Set the fonts and colours of the labels along the axes; *ax* may be that of a colour bar."""
    text, muted = _text_colors(ax)
    ax.tick_params(
        which="both", length=0, width=0.8, color=muted, pad=4, labelsize=FONT_SIZE, labelcolor=text,
        labelfontfamily="DejaVu Sans", labelrotation=0,
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=text, fontsize=FONT_SIZE, fontweight="normal", fontfamily="DejaVu Sans")
        axis.get_offset_text().set(color=text, fontsize=FONT_SIZE, fontfamily="DejaVu Sans")


def _text_colors(ax: Axes) -> tuple[str, str]:
    """Return the strong and the muted colour of text outside the axes, for the figure's own background."""
    red, green, blue, alpha = to_rgba(ax.figure.get_facecolor())
    if alpha < 1:  # it shines through whatever the page is: only a middle grey is legible on both black and white
        return "#777777", "#777777"
    if 0.2126 * red + 0.7152 * green + 0.0722 * blue < _DARK_LUMINANCE:
        return "#EEEEEE", "#BBBBBB"
    return TEXT, MUTED_TEXT


def set_title(ax: Axes, text: str, *, with_legend: bool = False) -> None:
    """Write the title at the left; *with_legend* leaves a line for a legend between title and axes."""
    ax.set_title(
        text,
        loc="left",
        pad=26 if with_legend else 9,
        color=_text_colors(ax)[0],
        fontsize=FONT_SIZE + 2,
        fontweight="bold",
        wrap=True,
    )


def panel(ax: Axes, left: float, right: float) -> Axes:
    """
    Return new Axes inside *ax*, between two shares of its width, with its rows; it only shows what is drawn on them.

    Layout and size stay those of *ax*, so this works in any figure, and what is written beside *ax* has its place.
    """
    inside = ax.inset_axes((left, 0, right - left, 1))
    _style_axes(inside)
    inside.patch.set_visible(False)
    inside.set_ylim(ax.get_ylim())
    inside.set_yticks([])
    return inside


def legend(ax: Axes, artists: Sequence[Artist | Container]) -> None:
    """Draw a one-line legend between title and axes, for *artists* that carry a label, if there are any."""
    if not artists:
        return
    ax.legend(
        handles=artists, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.4, borderpad=0, frameon=False,
        ncols=len(artists), fontsize=FONT_SIZE - 0.5, labelcolor=_text_colors(ax)[0], handlelength=1.6,
        handletextpad=0.5, columnspacing=1.4,
    )  # fmt: skip


def row_font_size(ax: Axes, rows: int, *, notes: bool = False) -> float:
    """Return the font size, in points, at which *rows* lines fit the present height of *ax*; with *notes* two each."""
    return min(FONT_SIZE, max(4.0, (0.42 if notes else 0.62) * row_points(ax, rows)))


def row_points(ax: Axes, rows: int) -> float:
    """Return the height of each of *rows* rows, in points, at the present height of *ax*."""
    height: float = ax.get_window_extent().height * 72 / ax.figure.dpi
    return height / max(rows, MIN_ROWS)


def label_rows(ax: Axes, names: Sequence[str], *, font_size: float) -> None:
    """Write the name of each row, from the top, at the left."""
    spare = max(MIN_ROWS - len(names), 0) / 2
    ax.set_ylim(len(names) - 0.5 + spare, -0.5 - spare)
    ax.set_yticks(range(len(names)), names, fontsize=font_size, parse_math=False, usetex=False)


def row_texts(ax: Axes, texts: Sequence[str], *, font_size: float, notes: Sequence[str] | None = None) -> None:
    """Write each row's text to the right of the axes, and under it, smaller, its note if it has one."""
    text_color, muted_color = _text_colors(ax)
    position: dict[str, Any] = {
        "xycoords": ax.get_yaxis_transform(),
        "textcoords": "offset points",
        "annotation_clip": False,
        "ha": "left",
    }
    for row, text in enumerate(texts):
        note = notes[row] if notes else ""
        lift = 0.58 * font_size if note else 0.0
        ax.annotate(text, (1, row), (10, lift), va="center", fontsize=font_size, color=text_color, **position)
        if note:
            ax.annotate(
                note, (1, row), (10, lift - font_size), va="center", fontsize=0.8 * font_size, color=muted_color,
                **position,
            )  # fmt: skip


def opacity(marks: int) -> float:
    """
    Return the opacity of each of so many marks in a row: the more there are, the fainter, so that crowds are darker.

    Example:
        >>> [round(opacity(marks), 2) for marks in (1, 40, 80, 100_000)]
        [0.85, 0.85, 0.42, 0.12]
    """
    return max(_FAINTEST, _STRONGEST * min(1.0, _FEW / max(marks, 1)))


def empty_message(ax: Axes, text: str) -> None:
    """Write in the middle of empty axes why there is nothing to see."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines["bottom"].set_visible(False)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED_TEXT, fontsize=FONT_SIZE + 2)
