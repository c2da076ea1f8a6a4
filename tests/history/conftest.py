"""A history in a real file, and what was said about it."""

from __future__ import annotations

import pytest
from served import Hourglass

from doaudit.actions import Record
from doaudit.history.store import open_store


@pytest.fixture
def hourglass():
    """A clock that tells how long was waited."""
    return Hourglass()


@pytest.fixture
def warnings_told():
    """What the store has told of damaged files."""
    return []


@pytest.fixture
def path(tmp_path):
    """Where the history is."""
    return tmp_path / "somewhere" / "account.duckdb"


@pytest.fixture
def opened(path, hourglass, warnings_told):
    """Open the history of the account `mine`, or of another."""

    def opened(account="mine", at=path, **options):
        options = {"clock": hourglass, "on_warning": warnings_told.append, **options}
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
