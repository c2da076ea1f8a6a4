"""
What was started, written before it is started.

Each run has a file of its own, a JSON document a line, each the whole run as it was at that moment: before each request
that changes something, and at each change of phase. A line is in the file, and on the disk, before the request is
sent. A last line that a lost machine left unfinished is passed over.

A file is locked while its run is driven, so that nobody else goes on with it; the system frees the lock when the
process ends, however it ends.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- msgspec reads the annotations
from typing import IO, TYPE_CHECKING, Self

import msgspec

from doaudit.errors import FileProblem, NotPossible
from doaudit.workflow.run import Run  # noqa: TC001 -- msgspec reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from doaudit.actions import Action

__all__ = ["Entry", "Journal", "Started", "load", "note_started", "started", "unfinished"]

_SINGLE = "started.jsonl"


@dataclass(frozen=True)
class Entry:
    """One line: the run as it was, when and why it was written."""

    at: datetime
    why: str
    run: Run


@dataclass(frozen=True)
class Started:
    """An action that doaudit asked for; `run_id` if a workflow did."""

    action_id: int
    type: str
    resource: str
    asked_at: datetime
    run_id: str | None = None


class Journal:
    """
    The file of one run, held while the `with` block runs.

    Raises:
        NotPossible: another process or thread is driving this run.
        FileProblem: the file cannot be written; then nothing is started either.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.path = folder / f"{run_id}.jsonl"
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Hold it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as fault:
            raise self._problem(fault) from None
        if not _locked(self._file):
            self._file.close()
            raise NotPossible(
                f"The snapshot workflow {self.path.stem} is being driven already, by another notebook or program on "
                "this machine. Watch it there, or end that first."
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()

    def write(self, at: datetime, why: str, run: Run) -> None:
        """
        Put a line on the disk.

        Raises:
            FileProblem: that cannot be done.
        """
        if self._file is None:
            raise ValueError("A journal is written inside its with block.")
        try:
            self._file.write(_mended(self._file) + msgspec.json.encode(Entry(at, why, run)) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as fault:
            raise self._problem(fault) from None

    def _problem(self, fault: OSError) -> FileProblem:
        return FileProblem(
            f"The journal {self.path} cannot be written ({fault.strerror or fault}), and nothing is started without it."
            " Make room or rights there, or choose another place for the history."
        )


def load(path: Path) -> Run | None:
    """
    The run as its journal last tells it; None where no line of it can be read.

    Raises:
        FileProblem: the file cannot be read.
    """
    return next((entry.run for entry in reversed(list(_entries(path)))), None)


def unfinished(folder: Path) -> list[Run]:
    """
    The runs in a folder that nobody drives and that are not over, or left a droplet off or perhaps off; oldest first.

    Raises:
        FileProblem: a journal cannot be read.
    """
    left = []
    for path in _journals(folder):
        run = load(path)
        if run is not None and (not run.ended or run.needs_power_on) and not _is_held(path):
            left.append(run)
    return sorted(left, key=lambda run: run.created_at)


def note_started(folder: Path, resource: str, action: Action, asked_at: datetime) -> None:
    """
    Keep that doaudit started a single action.

    Raises:
        FileProblem: the file cannot be written.
    """
    line = Started(action.id, action.type or "", resource, asked_at)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _SINGLE).open("a+b") as file:
            file.write(_mended(file) + msgspec.json.encode(line) + b"\n")
    except OSError as fault:
        raise FileProblem(
            f"Action {action.id} was started, but {folder / _SINGLE} cannot be written ({fault.strerror or fault})."
        ) from None


def started(folder: Path) -> list[Started]:
    """The actions that doaudit is known to have started, oldest first."""
    found: list[Started] = []
    for line in _lines(folder / _SINGLE):
        with suppress(msgspec.DecodeError):
            found.append(msgspec.json.decode(line, type=Started))
    for path in _journals(folder):
        run = load(path)
        if run is not None:
            found += [
                Started(submission.action_id, submission.type, f"droplet:{run.droplet_id}", submission.sent_at, run.id)
                for submission in run.every_submission
                if submission.action_id is not None
            ]
    return sorted(found, key=lambda each: (each.asked_at, each.action_id))


def _journals(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.jsonl")) if path.name != _SINGLE]


def _entries(path: Path) -> Iterator[Entry]:
    for line in _lines(path):
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=Entry)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines() if path.exists() else []
    except OSError as fault:
        raise FileProblem(f"The journal {path} cannot be read ({fault.strerror or fault}).") from None


def _mended(file: IO[bytes]) -> bytes:
    """A line end where a lost machine left a line without one, so that the next line is whole."""
    file.seek(0, os.SEEK_END)
    if file.tell() == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _is_held(path: Path) -> bool:
    try:
        with path.open("a+b") as file:
            return not _locked(file)
    except OSError as fault:
        raise FileProblem(f"The journal {path} cannot be opened ({fault.strerror or fault}).") from None


if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading what is locked; a byte far behind the text leaves that readable.
    _FAR = 1 << 30

    def _locked(file: IO[bytes]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    # flock, not lockf: its lock belongs to the open file, so that it keeps threads of one process apart, too.
    def _locked(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
