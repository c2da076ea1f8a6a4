"""A list of droplets to search and choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LABEL_WIDTH", "DropletList", "rows_of"]

LABEL_WIDTH = "8rem"
_COLUMNS = ("name", "region", "status", "size", "last snapshot", "id")
_LONGEST = 32
_SPACE = "\N{NO-BREAK SPACE}"  # an option of a list keeps no other


class DropletList(W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A field to type in and the droplets in which every word of it occurs, one a line.

    Attributes:
        filter: the field.
        choice: the list; its value is a droplet's id, or None.
    """

    def __init__(self) -> None:
        self.filter = W.Text(
            description="Find",
            placeholder="part of a name, region, size, status or id",
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width="100%", max_width="40rem"),
        )
        self._head = W.HTML()
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
        self._names: dict[int, str] = {}
        super().__init__([self.filter, self._head, self.choice, self._count])
        self.filter.add_class("doaudit-filter")
        self._head.add_class("doaudit-head")
        self.choice.add_class("doaudit-droplets")

    @property
    def chosen(self) -> int | None:
        """The id of the droplet that is chosen, or None."""
        value = self.choice.value
        return None if value is None else int(value)

    def say(self, words: str) -> None:
        """Say something below the list; *words* are HTML."""
        self._count.value = f'<span class="da-pale" role="status">{words}</span>'

    def fill(self, droplets: pd.DataFrame, last_snapshots: Mapping[int, pd.Timestamp]) -> None:
        """
        Show these droplets.

        Args:
            droplets: as `Account.droplets` gives them.
            last_snapshots: when a droplet's latest known snapshot was begun, by the droplet's id.
        """
        head, self._lines = rows_of(droplets, last_snapshots)
        self._head.value = f'<pre aria-hidden="true">{head}</pre>'
        self.narrow()
        self.choice.disabled = False

    def narrow(self) -> None:
        """Show those in which every word of the field occurs, and keep the choice if it is among them."""
        words = self.filter.value.casefold().split()
        found = [(line, one) for line, one in self._lines if all(word in line.casefold() for word in words)]
        kept = self.choice.value
        self.choice.options = found
        self.choice.value = kept if kept in {one for _, one in found} else None
        self.say(f"{len(found):,} of {len(self._lines):,} droplets" if self._lines else "This account has no droplets.")


def rows_of(droplets: pd.DataFrame, last_snapshots: Mapping[int, pd.Timestamp]) -> tuple[str, list[tuple[str, int]]]:
    """
    The heading, and a line of text with the id for each droplet, by name; all columns are equally wide.

    Example:
        >>> table = pd.DataFrame({"id": [7], "name": ["web-01"], "status": ["off"], "region": ["fra1"], "size": ["s"]})
        >>> head, [(line, droplet_id)] = rows_of(table, {7: pd.Timestamp("2026-03-12T22:27Z")})
        >>> line.split(), droplet_id
        (['web-01', 'fra1', 'off', 's', '2026-03-12', '22:27', '7'], 7)
    """
    ordered = droplets.sort_values(["name", "id"])
    ids: list[int] = ordered["id"].tolist()
    words = [["-" if pd.isna(word) else str(word) for word in ordered[name]] for name in _COLUMNS[:4]]
    taken = [f"{last_snapshots[one]:%Y-%m-%d %H:%M}" if one in last_snapshots else "-" for one in ids]
    columns = [list(map(_shortened, words[0])), *words[1:], taken, list(map(str, ids))]
    aligned = [_aligned([head, *cells]) for head, cells in zip(_COLUMNS, columns, strict=True)]
    head, *lines = [(2 * _SPACE).join(cells) for cells in zip(*aligned, strict=True)]
    return head, list(zip(lines, ids, strict=True))


def _aligned(cells: list[str]) -> list[str]:
    width = max(map(len, cells))
    return [cell.replace(" ", _SPACE).ljust(width, _SPACE) for cell in cells]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
