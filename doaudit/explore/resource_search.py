"""Resources found by a part of their name or key, as it is typed; and everything that happened to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from doaudit.actions import ACCOUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.explore.coded_actions import CodedActions, CodedText

__all__ = ["ResourceNames", "rows_of"]


class ResourceNames:
    """
    The resources of an actions frame: key, newest name, number of actions.

    Args:
        actions: an actions frame as numbers, newest first.
    """

    def __init__(self, actions: CodedActions) -> None:
        keys, names = actions.texts["resource"], actions.texts["resource_name"]
        # Each resource has the name of its first row that has one: rows are newest first, so what is put last stays.
        name_of = np.full(len(keys.texts), -1, dtype=np.int64)
        named = np.flatnonzero(names.codes >= 0)[::-1]
        name_of[keys.codes[named]] = names.codes[named]
        self._known = [
            (key, names.texts[name_of[at]], int(keys.counts[at]))
            for at, key in enumerate(keys.texts)
            if key is not None
        ]
        self._known.sort(key=lambda each: -each[2])
        self._name_of = {key: name for key, name, _ in self._known}

    def name_of(self, key: str) -> str | None:
        """Return the newest name of a resource; None if it has none, or there is no such resource."""
        return self._name_of.get(key)

    def find(self, text: str, most: int = 12) -> list[tuple[str, str | None, int]]:
        """
        Find resources whose name or key contains each word of a text, in capitals or not.

        Returns:
            The key, the name and the number of actions of at most *most*: those whose name or id begins with the text
            first, and those with more actions before those with fewer.

        Example:
            >>> from doaudit.actions import Record, to_frame
            >>> from doaudit.explore.coded_actions import code_actions
            >>> taken = [Record(n, "done", "resize", resource_id=57 + n, resource_type="droplet") for n in range(3)]
            >>> ResourceNames(code_actions(to_frame(taken, observed_at=1632996060))).find("58")
            [('droplet:58', None, 1)]
        """
        words = text.lower().split()
        begins: list[tuple[str, str | None, int]] = []
        contains: list[tuple[str, str | None, int]] = []
        for each in self._known if words else ():
            key, name = each[0].lower(), (each[1] or "").lower()
            if all(word in key or word in name for word in words):
                is_first = name.startswith(words[0]) or key.partition(":")[2].startswith(words[0])
                (begins if is_first else contains).append(each)
        return [*begins, *contains][:most]


def rows_of(actions: CodedActions, resource: str, account: str | None) -> NDArray[np.intp]:
    """
    Return the numbers of the rows of a resource, the newest first; none if no action is of it.

    Args:
        actions: an actions frame as numbers.
        resource: its key.
        account: the account that it is in, where the frame has several.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> actions = code_actions(to_frame([Record(7, "done", "resize")], observed_at=1632996060))
        >>> rows_of(actions, "droplet:7", None).tolist()
        []
    """
    is_its = _has(actions.texts["resource"], resource)
    if account is not None and ACCOUNT in actions.texts:
        is_its &= _has(actions.texts[ACCOUNT], account)
    rows = np.flatnonzero(is_its)
    return rows[np.argsort(-actions.start[rows], kind="stable")]


def _has(column: CodedText, text: str) -> NDArray[np.bool_]:
    if text not in column.texts:
        return np.zeros(len(column.codes), dtype=bool)
    has_it: NDArray[np.bool_] = column.codes == column.texts.index(text)
    return has_it
