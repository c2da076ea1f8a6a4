"""Draw the snapshot machine from its table of transitions: its phases as boxes, and what may follow as arrows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from doaudit.snapshot.transition_table import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.patches import FancyBboxPatch

    from doaudit.snapshot.run import Phase

__all__ = ["draw"]

DPI = 110
ENDS: tuple[Phase, ...] = ("failed", "cancelled")
PLACES: dict[Phase, tuple[float, float]] = {
    "planned": (0, 0),
    "waiting for another action": (0, 1),
    "shutting down": (0, 2),
    "powering off": (0, 3),
    "confirming off": (0, 4),
    "snapshotting": (0, 5),
    "confirming snapshot": (0, 6),
    "powering on": (1, 7),
    "confirming on": (1, 8),
    "done": (0, 8),
    "failed": (2, 7),
    "cancelled": (2, 8),
}
"""Columns and rows of the phases; a phase that is in the table and not here is an error."""
COLUMN, ROW = 4.6, 1.0
POWER, QUIET = "#b3261e", "#5f6368"


def draw() -> bytes:
    """
    Return the picture as PNG.

    An arrow goes from phase to phase; those to *powering on* are red. The ends *failed* and *cancelled*, which nearly
    every phase can lead to, are written beside the box in place of an arrow.
    """
    figure = Figure(figsize=(9.6, 7.6), layout="constrained")
    axes = figure.add_subplot()
    following = {phase: list(dict.fromkeys(row.next_phase for row in rows)) for phase, rows in TRANSITIONS.items()}
    reached = {"planned"}.union(*following.values())  # 'unreadable' is what a damaged journal gives
    boxes = {phase: _box(axes, phase) for phase in following if phase in reached}
    for phase in boxes:
        for next_phase in following[phase]:
            if next_phase not in ENDS:
                _arrow(axes, phase, next_phase, boxes)
        ends = [end for end in following[phase] if end in ENDS]
        if ends:
            x, y = _centre(phase)
            axes.text(x - 0.15, y - 0.42, f"or {', '.join(ends)}", fontsize=7.5, color=QUIET, ha="right", va="center")
    axes.set(xlim=(-2.0, 10.4), ylim=(-8.6, 0.5))
    axes.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    return picture.getvalue()


def _centre(phase: Phase) -> tuple[float, float]:
    column, row = PLACES[phase]
    return column * COLUMN, -row * ROW


def _box(axes: Axes, phase: Phase) -> FancyBboxPatch | None:
    x, y = _centre(phase)
    style = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "black"}
    return axes.text(x, y, phase, ha="center", va="center", bbox=style, zorder=3).get_bbox_patch()


def _arrow(axes: Axes, phase: Phase, next_phase: Phase, boxes: Mapping[Phase, FancyBboxPatch | None]) -> None:
    (x, y), (to_x, to_y) = _centre(phase), _centre(next_phase)
    style: dict[str, Any] = {
        "arrowstyle": "-|>",
        "color": POWER if next_phase == "powering on" else "black",
        "connectionstyle": f"arc3,rad={_bend(x, y, to_x, to_y)}",
        "patchA": boxes[phase],
        "patchB": boxes[next_phase],
        "shrinkB": 3,
    }
    if phase == next_phase:
        x, y, to_x, to_y = x + 0.25, y + 0.2, x - 0.25, y + 0.2
        style |= {"connectionstyle": "arc3,rad=1.8", "patchA": None, "patchB": None}
    axes.annotate("", (to_x, to_y), (x, y), arrowprops=style, zorder=2)


def _bend(x: float, y: float, to_x: float, to_y: float) -> float:
    """Return how far an arrow is bent: not at all to the next row or a neighbour, else around what stands between."""
    if to_x < x or (abs(to_y - y) <= 2 * ROW and to_x > x):
        return 0.12
    if to_x == x and 0 < y - to_y <= ROW:
        return 0.0
    return 0.4 if to_x == x and to_y > y else -0.35
