"""Fixtures: a history in a real file, and the warnings about it."""

from __future__ import annotations

import pytest
from served import Hourglass

from doaudit.actions import Record
from doaudit.history.store import open_store


@pytest.fixture
def hourglass():
    """A clock whose waits take no time, and are added up."""
    return Hourglass()


@pytest.fixture
def warned():
    """The warnings about damaged files."""
    return []


@pytest.fixture
def path(tmp_path):
    """The file of the history."""
    return tmp_path / "somewhere" / "account.duckdb"


@pytest.fixture
def opened(path, hourglass, warned):
    """Open the history of the account `mine`, or of another."""

    def opened(account="mine", at=path, **options):
        options = {"clock": hourglass, "on_warning": warned.append, **options}
        return open_store(at, account, **options)

    return opened


@pytest.fixture
def action():
    """A finished power_off, but for what is said otherwise."""

    def action(id, **facts):  # noqa: A002 -- it is the field's name
        usual = {
            "status": "completed",
            "type": "power_off",
            "started_at": "2026-03-12T22:27:07Z",
            "completed_at": "2026-03-12T22:27:14Z",
            "resource_id": 557861237,
            "resource_type": "droplet",
            "region_slug": "fra1",
        }
        return Record(id, **{**usual, **facts})

    return action
