"""
Schema of a history file, and the migration of files of earlier versions.

The tables, in the schema `stored`; times are TIMESTAMP_S in UTC:

    file             account, version                     the account of the history, and the version of the schema
    actions          one row an action: the columns of the actions frame (see `doaudit.actions`), and
                     first_seen_at, last_open_at          when it was first read, and last read while open
    action_resource  id, key                              the resource of an action whose record does not tell it
    resources        key, name, kind, seen_at, gone_at    the last name of a resource; gone_at once it is deleted
    anomalies        id, kind, detail, seen_at            things that an action did and should not
    started          id, run, asked_at                    the actions that doaudit itself started, and in which run
    notes            key, value                           JSON: the proof of the latest read, where to resume
    reads            one row a read, in their order       the log of reads; see `doaudit.history.read_log`

Three more say what a refresh must know, so that it need not look through all rows; see `doaudit.history.facts`:

    unsettled        id, is_open, started_at, observed_at the actions that are open, or have ended without an end
    unnamed          key                                  the resources of actions of which no name was ever read
    without_volume   id                                   the actions on volumes of which the volume is not known

For queries there are the views `actions`, `resources`, `anomalies` and `reads`, with times as TIMESTAMPTZ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.errors import FileProblem, NewerHistory, WrongAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["STEPS", "VALUES", "migrate"]

# The columns that a reading fills, in the table's order; without the id, and without `resource`, which follows from two
# of them.
VALUES = ("type", "status", "resource_type", "resource_id", "region", "started_at", "completed_at")

_VERSION_1 = """
    CREATE TABLE stored.actions (
        id BIGINT NOT NULL, type VARCHAR, status VARCHAR, resource_type VARCHAR, resource_id BIGINT, region VARCHAR,
        started_at TIMESTAMP_S, completed_at TIMESTAMP_S, resource VARCHAR, observed_at TIMESTAMP_S NOT NULL,
        first_seen_at TIMESTAMP_S NOT NULL, last_open_at TIMESTAMP_S
    );
    CREATE TABLE stored.action_resource (id BIGINT PRIMARY KEY, key VARCHAR NOT NULL);
    CREATE TABLE stored.resources (
        key VARCHAR PRIMARY KEY, name VARCHAR, kind VARCHAR NOT NULL, seen_at TIMESTAMP_S NOT NULL, gone_at TIMESTAMP_S
    );
    CREATE TABLE stored.anomalies (
        id BIGINT NOT NULL, kind VARCHAR NOT NULL, detail VARCHAR NOT NULL, seen_at TIMESTAMP_S NOT NULL,
        PRIMARY KEY (id, kind, seen_at)
    );
    CREATE TABLE stored.notes (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
    CREATE MACRO stored.utc(moment) AS timezone('UTC', moment::TIMESTAMP);
    CREATE VIEW main.actions AS
        SELECT
            a.id, a.type, a.status, a.resource_type, a.resource_id, coalesce(o.key, a.resource) AS resource,
            r.name AS resource_name, a.region, stored.utc(a.started_at) AS started_at,
            stored.utc(a.completed_at) AS completed_at, stored.utc(a.observed_at) AS observed_at,
            stored.utc(a.first_seen_at) AS first_seen_at, stored.utc(a.last_open_at) AS last_open_at
        FROM stored.actions a
        LEFT JOIN stored.action_resource o ON o.id = a.id
        LEFT JOIN stored.resources r ON r.key = coalesce(o.key, a.resource);
    CREATE VIEW main.resources AS
        SELECT key, name, kind, stored.utc(seen_at) AS seen_at, stored.utc(gone_at) AS gone_at FROM stored.resources;
    CREATE VIEW main.anomalies AS SELECT id, kind, detail, stored.utc(seen_at) AS seen_at FROM stored.anomalies;
"""

# The actions that doaudit itself started: the API names no actor.
_VERSION_2 = """
    CREATE TABLE stored.started (id BIGINT PRIMARY KEY, run VARCHAR, asked_at TIMESTAMP_S NOT NULL);
    DROP VIEW main.actions;
    CREATE VIEW main.actions AS
        SELECT
            a.id, a.type, a.status, a.resource_type, a.resource_id, coalesce(o.key, a.resource) AS resource,
            r.name AS resource_name, a.region, stored.utc(a.started_at) AS started_at,
            stored.utc(a.completed_at) AS completed_at, stored.utc(a.observed_at) AS observed_at,
            stored.utc(a.first_seen_at) AS first_seen_at, stored.utc(a.last_open_at) AS last_open_at,
            if(s.id IS NULL, NULL, 'doaudit') AS started_by, s.run
        FROM stored.actions a
        LEFT JOIN stored.action_resource o ON o.id = a.id
        LEFT JOIN stored.resources r ON r.key = coalesce(o.key, a.resource)
        LEFT JOIN stored.started s ON s.id = a.id;
"""

# The log of reads. started_at and ended_at are null if no page of the list was read.
_VERSION_3 = """
    CREATE TABLE stored.reads (
        number BIGINT PRIMARY KEY, asked_at TIMESTAMP_S NOT NULL, started_at TIMESTAMP_S, ended_at TIMESTAMP_S,
        requests BIGINT NOT NULL, new BIGINT NOT NULL, total_reported BIGINT, complete BOOLEAN NOT NULL, reason VARCHAR
    );
    CREATE VIEW main.reads AS
        SELECT
            number, stored.utc(asked_at) AS asked_at, stored.utc(started_at) AS started_at,
            stored.utc(ended_at) AS ended_at, requests, new, total_reported, complete, reason
        FROM stored.reads;
"""

# What a refresh must know of all rows, kept beside them.
_VERSION_4 = """
    CREATE TABLE stored.unsettled (
        id BIGINT NOT NULL, is_open BOOLEAN NOT NULL, started_at TIMESTAMP_S, observed_at TIMESTAMP_S NOT NULL
    );
    CREATE TABLE stored.unnamed (key VARCHAR NOT NULL);
    CREATE TABLE stored.without_volume (id BIGINT NOT NULL);
    INSERT INTO stored.unsettled
        SELECT id, is_open, started_at, observed_at
        FROM (
            SELECT *, status = 'in-progress' OR (
                coalesce(status NOT IN ('completed', 'done', 'errored'), true) AND completed_at IS NULL
            ) AS is_open
            FROM stored.actions
        )
        WHERE is_open OR completed_at IS NULL;
    INSERT INTO stored.unnamed
        SELECT DISTINCT resource FROM stored.actions ANTI JOIN stored.resources ON key = resource
        WHERE resource IS NOT NULL;
    INSERT INTO stored.without_volume
        SELECT id FROM stored.actions ANTI JOIN stored.action_resource USING (id)
        WHERE resource_type IN ('volume', 'backend') AND resource IS NULL;
"""

# STEPS[n] makes version n + 1 from version n; a new file is version 0. A step that has been released is never changed.
STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)


def migrate(connection: DuckDBPyConnection, account: str, name: str, steps: Sequence[str] = STEPS) -> None:
    """
    Migrate the file behind a connection to today's version, or make a new file a history of this account.

    Args:
        connection: a connection with a transaction under way that may write.
        account: the key of the account.
        name: of the file, for a message.
        steps: the SQL that makes each version from the one before.

    Raises:
        WrongAccount: the file holds another account's history.
        NewerHistory: the file has a version that this doaudit does not know.
        FileProblem: the file is another program's database.
    """
    found = _identity(connection, account, name)
    if found is not None and found[0] != account:
        raise WrongAccount(
            f"The history {name} is that of account {found[0]}, and the token is one of account {account}. Two "
            "accounts never share a history: give each its own file, with history=, or leave history= out.",
            owner=found[0],
        )
    version = 0 if found is None else found[1]
    if version > len(steps):
        raise NewerHistory(
            f"The history {name} has version {version}, and this doaudit knows versions up to {len(steps)}. A newer "
            "doaudit has written it: upgrade doaudit, or choose another file with history=."
        )
    if found is not None and version == len(steps):
        return
    if found is None:
        connection.execute("CREATE SCHEMA stored; CREATE TABLE stored.file (account VARCHAR, version INTEGER)")
        connection.execute("INSERT INTO stored.file VALUES (?, 0)", [account])
    for step in steps[version:]:
        connection.execute(step)
    connection.execute("UPDATE stored.file SET version = ?", [len(steps)])


def _identity(connection: DuckDBPyConnection, account: str, name: str) -> tuple[str, int] | None:
    """Return the account and the version of a file; None for a new one."""
    # Schemas are asked for first: about tables DuckDB answers only after it has loaded them all.
    if connection.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'stored'").fetchall():
        rows = connection.execute("SELECT account, version FROM stored.file").fetchall()
        return (rows[0][0], rows[0][1]) if rows else (account, 0)
    if connection.execute("SELECT 1 FROM duckdb_tables() WHERE NOT internal").fetchall():
        raise FileProblem(
            f"{name} is a DuckDB database, but no history of doaudit. It is left as it is: choose another file with "
            "history=."
        )
    return None
