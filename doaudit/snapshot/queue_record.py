"""
Records of queues: which snapshots were asked for together, and how far they came, so that a lost kernel loses none.

Each queue has a file, beside the journals, that is replaced as a whole before a run begins and after it has ended. Runs
have their own journals; a record only names them. It is deleted once the queue is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 -- msgspec reads the annotations when a record is stored
from typing import TYPE_CHECKING, Literal

import msgspec

from doaudit.errors import FileProblem
from doaudit.files import write_files

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["QueueRecord", "QueuedSnapshot", "delete_record", "load_records", "save_record", "with_state"]

_VERSION = 1


@dataclass(frozen=True)
class QueuedSnapshot:
    """
    One snapshot of a queue.

    Attributes:
        name: the snapshot's; None for one that is made up when its turn comes.
        run_id: of its run, once that is about to begin.
    """

    droplet_id: int
    droplet_name: str
    name: str | None
    live: bool
    state: Literal["waiting", "begun", "ended"] = "waiting"
    run_id: str | None = None


@dataclass(frozen=True)
class QueueRecord:
    """
    A queue as it is stored.

    Attributes:
        at_once: how many are taken at the same time.
        keep_going: whether the others are taken after one has failed.
    """

    id: str
    created_at: datetime
    items: tuple[QueuedSnapshot, ...]
    at_once: int = 1
    keep_going: bool = False
    version: int = _VERSION

    @property
    def waiting(self) -> tuple[QueuedSnapshot, ...]:
        """Those that were not begun."""
        return tuple(item for item in self.items if item.state == "waiting")


def with_state(
    record: QueueRecord, at: int, state: Literal["begun", "ended"], run_id: str | None = None
) -> QueueRecord:
    """
    Return the record with another state of one of its snapshots.

    Example:
        >>> from datetime import UTC
        >>> record = QueueRecord("q", datetime(2026, 11, 23, tzinfo=UTC), (QueuedSnapshot(7, "web-01", None, False),))
        >>> with_state(record, 0, "begun", "run").items[0].run_id
        'run'
    """
    item = replace(record.items[at], state=state, run_id=run_id or record.items[at].run_id)
    return replace(record, items=(*record.items[:at], item, *record.items[at + 1 :]))


def save_record(folder: Path, record: QueueRecord) -> None:
    """
    Write a record in place of the one before.

    Raises:
        FileProblem: it cannot be written.
    """
    write_files(folder, [(f"{record.id}.json", msgspec.json.encode(record))], private=True)


def delete_record(folder: Path, record: QueueRecord) -> None:
    """
    Delete the record of a queue that is over.

    Raises:
        FileProblem: it cannot be deleted.
    """
    path = folder / f"{record.id}.json"
    try:
        path.unlink(missing_ok=True)
    except OSError as fault:
        raise FileProblem(
            f"The record {path} of a queue of snapshots that is over cannot be deleted ({fault.strerror or fault}). "
            "Delete it yourself; otherwise it is offered again."
        ) from None


def load_records(folder: Path) -> list[QueueRecord]:
    """
    Read the records of queues that are not over, oldest first.

    Raises:
        FileProblem: one cannot be read, or is damaged.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = msgspec.json.decode(path.read_bytes(), type=QueueRecord)
        except OSError as fault:
            raise FileProblem(f"The record {path} cannot be read ({fault.strerror or fault}).") from None
        except msgspec.DecodeError as fault:
            raise FileProblem(_damaged(path, str(fault))) from None
        if record.version != _VERSION:
            raise FileProblem(_damaged(path, f"it is of version {record.version}, which this doaudit does not know"))
        found.append(record)
    return found


def _damaged(path: Path, reason: str) -> str:
    return (
        f"The record {path} of a queue of snapshots cannot be read: {reason}. The runs that it had begun have journals "
        "of their own, and are resumed without it; which others were to follow is lost. Delete that file."
    )
