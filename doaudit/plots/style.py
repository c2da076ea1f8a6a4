"""What all pictures share: the white card, its colours and fonts, a row for each name, the sentence for no data."""

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
    "BLUE",
    "CARD",
    "DOTS",
    "FAINT",
    "GRID",
    "INK",
    "ORANGE",
    "SKY",
    "VERMILLION",
    "beside",
    "dress_ticks",
    "headline",
    "key",
    "name_rows",
    "picture",
    "row_font",
    "sentence",
]

# Okabe and Ito's palette ("Color universal design", 2008), chosen so that neighbours also differ in lightness.
BLUE = "#0072B2"
SKY = "#8CC8EC"
VERMILLION = "#C84E00"
ORANGE = "#F0B429"
INK = "#222222"
FAINT = "#666666"
GRID = "#E3E3E3"
CARD = "#FFFFFF"

# Markers without a line. They take no part in the layout: an empty set counts as a point in the corner of the figure.
DOTS: Any = {"linestyle": "none", "in_layout": False}

WIDTH_INCHES = 9.0
DPI = 110
MARGIN_INCHES = 0.1
FONT_SIZE = 9.0
FEWEST_ROWS = 3
"""A picture of one or two rows is laid out as one of three, so that a row never becomes a wall."""

# Every artist is made under these settings, whatever style the user's notebook has chosen: the same table gives the
# same picture. Dollar signs and TeX commands in names that come from the API stay plain text.
_SETTINGS: Any = {  # matplotlib types the keys as a Literal that grows with each release
    "axes.grid": False,
    "axes.titlecolor": INK,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "hatch.color": CARD,
    "hatch.linewidth": 1.2,
    "legend.labelcolor": INK,
    "lines.antialiased": True,
    "lines.markeredgewidth": 1.0,
    "patch.force_edgecolor": False,
    "path.effects": [],
    "path.sketch": None,
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
}

_DARK = 0.4
"""Backgrounds of less luminance than this get light text."""


@contextmanager
def picture(ax: Axes | None, *, rows: int = 0, row_inches: float = 0.0, height: float = 1.4) -> Iterator[Axes]:
    """
    Axes to draw on under doaudit's settings: *ax* itself, or those of a new card.

    The card is *height* inches high, and *row_inches* more for each of its *rows*.
    """
    # The card first: a notebook's backend sets itself up as pyplot is loaded, and leaving the context would undo it.
    home: Figure | Axes = _card(height + row_inches * max(rows, FEWEST_ROWS)) if ax is None else ax
    with mpl.rc_context(_SETTINGS):
        axes = home if isinstance(home, Axes) else home.add_subplot()
        _dress(axes)
        yield axes


def _card(height: float) -> Figure:
    # Only here: a caller that brings its own Axes may be a worker process, or a thread that must not meet pyplot.
    from matplotlib import pyplot as plt  # noqa: PLC0415

    layout = ConstrainedLayoutEngine(w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
    return plt.figure(figsize=(WIDTH_INCHES, height), dpi=DPI, layout=layout, facecolor=CARD)


def _dress(ax: Axes) -> None:
    ax.set_facecolor(CARD)
    ax.set_axisbelow(True)
    ax.grid(visible=False, which="both")
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", edgecolor=FAINT, linewidth=0.8)
    ax.tick_params(
        which="both", top=False, right=False, bottom=True, left=True, labeltop=False, labelright=False,
        labelbottom=True, labelleft=True, grid_color=GRID, grid_linewidth=0.8, grid_linestyle="-", grid_alpha=1.0,
    )  # fmt: skip
    dress_ticks(ax)


def dress_ticks(ax: Axes) -> None:
    """Fonts and colours of what stands along the axes; *ax* may be that of a colour bar."""
    ink, faint = _inks(ax)
    ax.tick_params(
        which="both", length=0, width=0.8, color=faint, pad=4, labelsize=FONT_SIZE, labelcolor=ink,
        labelfontfamily="DejaVu Sans", labelrotation=0,
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=ink, fontsize=FONT_SIZE, fontweight="normal", fontfamily="DejaVu Sans")
        axis.get_offset_text().set(color=ink, fontsize=FONT_SIZE, fontfamily="DejaVu Sans")


def _inks(ax: Axes) -> tuple[str, str]:
    """Strong and faint text colour for what stands outside the axes, on the figure's own background."""
    red, green, blue, alpha = to_rgba(ax.figure.get_facecolor())
    if alpha < 1:  # it shines through whatever the page is: only a middle grey is legible on both black and white
        return "#777777", "#777777"
    if 0.2126 * red + 0.7152 * green + 0.0722 * blue < _DARK:
        return "#EEEEEE", "#BBBBBB"
    return INK, FAINT


def headline(ax: Axes, text: str, *, keyed: bool = False) -> None:
    """The picture's title at the left; *keyed* leaves a line for a legend between title and axes."""
    ax.set_title(
        text,
        loc="left",
        pad=26 if keyed else 9,
        color=_inks(ax)[0],
        fontsize=FONT_SIZE + 2,
        fontweight="bold",
        wrap=True,
    )


def key(ax: Axes, artists: Sequence[Artist | Container]) -> None:
    """A one-line legend between title and axes, for *artists* that carry a label, if there are any."""
    if not artists:
        return
    ax.legend(
        handles=artists, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.4, borderpad=0, frameon=False,
        ncols=len(artists), fontsize=FONT_SIZE - 0.5, labelcolor=_inks(ax)[0], handlelength=1.6, handletextpad=0.5,
        columnspacing=1.4,
    )  # fmt: skip


def row_font(ax: Axes, rows: int, *, notes: bool = False) -> float:
    """The font size, in points, at which *rows* lines fit the height that *ax* has now; each with a note, if wanted."""
    pitch = ax.get_window_extent().height * 72 / ax.figure.dpi / max(rows, FEWEST_ROWS)
    return min(FONT_SIZE, max(4.0, (0.42 if notes else 0.62) * pitch))


def name_rows(ax: Axes, names: Sequence[str], *, font: float) -> None:
    """Give each row, from the top, its name at the left."""
    spare = max(FEWEST_ROWS - len(names), 0) / 2
    ax.set_ylim(len(names) - 0.5 + spare, -0.5 - spare)
    ax.set_yticks(range(len(names)), names, fontsize=font, parse_math=False, usetex=False)


def beside(ax: Axes, texts: Sequence[str], *, font: float, notes: Sequence[str] | None = None) -> None:
    """Write each row's text to the right of the axes, and under it, smaller, its note if it has one."""
    ink, faint = _inks(ax)
    place: dict[str, Any] = {
        "xycoords": ax.get_yaxis_transform(),
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    for row, text in enumerate(texts):
        note = notes[row] if notes else ""
        lift = 0.58 * font if note else 0.0
        ax.annotate(text, (1, row), (10, lift), va="center", ha="left", fontsize=font, color=ink, **place)
        if note:
            ax.annotate(
                note, (1, row), (10, lift - font), va="center", ha="left", fontsize=0.8 * font, color=faint, **place
            )


def sentence(ax: Axes, text: str) -> None:
    """Say in the middle of empty axes why there is nothing to see."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines["bottom"].set_visible(False)
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=FAINT, fontsize=FONT_SIZE + 2)
