"""Writes into the tables beside `actions`, each in a transaction of its own."""

from __future__ import annotations

from doaudit.history import side_tables

__all__ = ["assign_resources", "name_resources"]


def name_resources(store, kind, names, at, *, all_of_kind):
    """Write the names of resources of a kind, as one list told them."""
    listed = side_tables.Named(kind, names, at, all_of_kind)
    store.run(lambda connection: side_tables.name_all(connection, [listed]))


def assign_resources(store, keys):
    """Write the resources of actions whose records do not tell them."""
    store.run(lambda connection: side_tables.assign_resources(connection, keys))
