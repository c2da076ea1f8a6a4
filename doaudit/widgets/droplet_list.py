"""A list of droplets to search and choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name
import pandas as pd

from doaudit.formatting import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LABEL_WIDTH", "DropletList", "droplet_lines"]

LABEL_WIDTH = "8rem"
_COLUMNS = ("name", "region", "status", "size", "last snapshot", "id")
_LONGEST_NAME = 32
_SPACE = "\N{NO-BREAK SPACE}"  # an option of a list keeps no other


class DropletList(W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A search field, and below it one line for each droplet in which every word of the field occurs.

    Attributes:
        filter: the search field.
        choice: the list; its value is a droplet's id, or None.
    """

    def __init__(self) -> None:
        self.filter = W.Text(
            description="Find",
            placeholder="part of a name, region, size, status or id",
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width="100%", max_width="40rem"),
        )
        self._heading = W.HTML()
        self.choice = W.Select(
            description="Droplet",
            options=[],
            rows=9,
            disabled=True,
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width="auto"),
        )
        self._count = W.HTML()
        self._lines: list[tuple[str, int]] = []
        super().__init__([self.filter, self._heading, self.choice, self._count])
        self.filter.add_class("doaudit-filter")
        self._heading.add_class("doaudit-list-heading")
        self.choice.add_class("doaudit-droplets")

    @property
    def chosen(self) -> int | None:
        """The id of the chosen droplet, or None."""
        value = self.choice.value
        return None if value is None else int(value)

    def show(self, droplets: pd.DataFrame, last_snapshots: Mapping[int, pd.Timestamp]) -> None:
        """
        Show these droplets.

        Args:
            droplets: one row a droplet, as `Account.droplets` returns them.
            last_snapshots: the start of each droplet's latest known snapshot, by the droplet's id.
        """
        heading, self._lines = droplet_lines(droplets, last_snapshots)
        self._heading.value = f'<pre aria-hidden="true">{heading}</pre>'
        self.apply_filter()
        self.choice.disabled = False

    def apply_filter(self) -> None:
        """Show the droplets in whose line every word of the field occurs; keep the choice if it is among them."""
        words = self.filter.value.casefold().split()
        matches = [
            (line, droplet_id) for line, droplet_id in self._lines if all(word in line.casefold() for word in words)
        ]
        chosen = self.choice.value
        self.choice.options = matches
        self.choice.value = chosen if chosen in {droplet_id for _, droplet_id in matches} else None
        count = f"{len(matches):,} of {len(self._lines):,} droplets" if self._lines else "This account has no droplets."
        self._count.value = f'<span class="da-pale" role="status">{count}</span>'


def droplet_lines(
    droplets: pd.DataFrame, last_snapshots: Mapping[int, pd.Timestamp]
) -> tuple[str, list[tuple[str, int]]]:
    """
    Write droplets as lines of text whose columns are aligned, in the order of their names.

    Args:
        droplets: columns `id` (int64), `name`, `region`, `status`, `size` (text), one row a droplet.
        last_snapshots: the start of each droplet's latest known snapshot, by the droplet's id.

    Returns:
        The heading, and for each droplet its line and its id.

    Example:
        >>> table = pd.DataFrame({"id": [7], "name": ["web-01"], "status": ["off"], "region": ["fra1"], "size": ["s"]})
        >>> heading, [(line, droplet_id)] = droplet_lines(table, {7: pd.Timestamp("2026-03-12T22:27Z")})
        >>> line.split(), droplet_id
        (['web-01', 'fra1', 'off', 's', '2026-03-12', '22:27', '7'], 7)
    """
    ordered = droplets.sort_values(["name", "id"])
    ids: list[int] = ordered["id"].tolist()
    names, *others = [
        ["-" if pd.isna(value) else visible(str(value)) for value in ordered[name]] for name in _COLUMNS[:4]
    ]
    snapshots = [f"{last_snapshots[i]:%Y-%m-%d %H:%M}" if i in last_snapshots else "-" for i in ids]
    columns = [list(map(_shortened, names)), *others, snapshots, list(map(str, ids))]
    aligned = [_aligned([title, *cells]) for title, cells in zip(_COLUMNS, columns, strict=True)]
    heading, *lines = [(2 * _SPACE).join(cells) for cells in zip(*aligned, strict=True)]
    return heading, list(zip(lines, ids, strict=True))


def _aligned(cells: list[str]) -> list[str]:
    width = max(map(len, cells))
    return [cell.replace(" ", _SPACE).ljust(width, _SPACE) for cell in cells]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
