"""
The journal of snapshot runs: every request that changes something is on the disk before it is sent.

Each run has a file. Each line holds the whole run, before such a request and at each change of phase.

    {"v":2,"crc":"5d41402a","at":"2026-11-23T12:00:00Z","why":"about to ask","run":{...}}

`crc` is the CRC-32 of the line without it. A damaged file is read as follows:

- a last line that stops in the middle was being written when the machine was lost, so that what it announces was not
  sent: the line before it counts;
- after any other damage, also in an empty file, it is not known how far the run came. It is listed as a run in the
  phase 'unreadable', and is not resumed.

Lines of version 1 have no checksum, and other names for some fields.
"""

from __future__ import annotations

import os
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import msgspec

from doaudit.errors import FileProblem
from doaudit.files import private_folder, tighten
from doaudit.snapshot.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from doaudit.actions import Action
    from doaudit.snapshot.state_folders import StateFolders

__all__ = ["Journal", "Started", "load", "note_started", "runs", "started", "unfinished"]

_STARTED_FILE = "started.jsonl"
_HEAD = re.compile(rb'\{"v":(\d+),"crc":"([0-9a-f]{8})",')
_VERSION_1 = (b'{"at":', b'{"action_id":')
_RUN_ID = re.compile(r"(\d{8}T\d{6}Z)-(\d{1,18})-[0-9a-f]{8}")
_RENAMED = {  # by version 2, since version 1
    "orders": "submissions",
    "order": "submission",
    "in_the_way": "blocking_action_id",
    "troubles": "read_errors",
    "rejections": "auth_errors",
}


@dataclass(frozen=True)
class _Entry:
    at: datetime
    why: str
    run: Run


@dataclass(frozen=True)
class Started:
    """An action that doaudit started; `run_id` if a run did."""

    action_id: int
    type: str
    resource: str
    asked_at: datetime
    run_id: str | None = None


class Journal:
    """The file of one run, made with its first line. Only the holder of the droplet's lock may write it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self.path = folder / f"{run_id}.jsonl"
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Open nothing yet: a run that is refused has no file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, at: datetime, why: str, run: Run) -> None:
        """
        Write a line to the disk.

        Raises:
            FileProblem: it cannot be written; the file is then as it was.
        """
        try:
            line = _line(msgspec.json.encode(_Entry(at, why, run)))
            if self._file is None:
                private_folder(self.path.parent)
                if not self.path.exists():
                    self._file = _create(self.path, line)
                    return
                tighten(self.path)
                self._file = os.open(self.path, _OPEN_FLAGS)
            _append(self._file, line)
        except OSError as fault:
            raise self._problem(fault) from None

    def _problem(self, fault: OSError) -> FileProblem:
        return FileProblem(
            f"The journal {self.path} cannot be written ({fault.strerror or fault}), and nothing that changes the "
            "account is asked for without it. Make room or rights there, or choose another folder with "
            "DOAUDIT_STATE_DIR."
        )


def load(folders: Iterable[Path], run_id: str) -> Run | None:
    """
    Read the last known state of a run, from the first of the folders that has its journal; None if none has it.

    Raises:
        FileProblem: the file cannot be read.
    """
    paths = [folder / f"{run_id}.jsonl" for folder in folders]
    return next((_last_state(path) for path in paths if path.exists()), None)


def runs(folders: Iterable[Path]) -> list[Run]:
    """
    Read the last known state of each run in these folders, oldest first; of a run in two folders, the first counts.

    A run whose journal is damaged is in the phase 'unreadable'.

    Raises:
        FileProblem: a journal cannot be read.
    """
    found: dict[str, Run] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.jsonl")):
            if path.name != _STARTED_FILE and path.stem not in found:
                found[path.stem] = _last_state(path)
    return sorted(found.values(), key=lambda run: (run.created_at, run.id))


def unfinished(folders: StateFolders) -> list[Run]:
    """
    Return the runs that are not being driven and have not ended, or may have left a droplet off; oldest first.

    One whose journal is damaged is among them, in the phase 'unreadable'.

    Raises:
        FileProblem: a journal cannot be read.
    """
    left = [run for run in runs(folders.readable) if not run.ended or run.needs_power_on]
    return [run for run in left if not folders.droplet_is_locked(run.droplet_id)]


def note_started(folder: Path, resource: str, action: Action, asked_at: datetime) -> None:
    """
    Record that doaudit started a single action.

    Raises:
        FileProblem: the file cannot be written.
    """
    line = _line(msgspec.json.encode(Started(action.id, action.type or "", resource, asked_at)))
    path = folder / _STARTED_FILE
    try:
        private_folder(folder)
        tighten(path)
        file = os.open(path, _OPEN_FLAGS | os.O_CREAT, 0o600)
        try:
            _append(file, line)
        finally:
            os.close(file)
    except OSError as fault:
        raise FileProblem(
            f"Action {action.id} was started, but {path} cannot be written ({fault.strerror or fault})."
        ) from None


def started(folders: Iterable[Path]) -> list[Started]:
    """
    Read the actions that doaudit is known to have started, oldest first.

    Raises:
        FileProblem: a journal cannot be read.
    """
    folders = list(folders)
    found: dict[int, Started] = {}
    for folder in folders:
        for line in _lines(folder / _STARTED_FILE):
            with suppress(msgspec.DecodeError, ValueError):
                single = msgspec.json.decode(_check_line(line), type=Started)
                found[single.action_id] = single
    for run in runs(folders):
        for submission in run.every_submission:
            action_id = submission.action_id
            if action_id is not None:
                resource = f"droplet:{run.droplet_id}"
                found[action_id] = Started(action_id, submission.type, resource, submission.sent_at, run.id)
    return sorted(found.values(), key=lambda action: (action.asked_at, action.action_id))


# Links are not followed: one here could lead to a file of another user.
_OPEN_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def _create(path: Path, line: bytes) -> int:
    """Create a file that has its first line from the moment it exists."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(new, _OPEN_FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _append(file, line)
        new.replace(path)
    except OSError:
        os.close(file)
        new.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return file


def _append(file: int, line: bytes) -> None:
    size = os.lseek(file, 0, os.SEEK_END)
    os.lseek(file, max(size - 1, 0), os.SEEK_SET)
    # A lost machine may have left a line without its end; the next one must be whole.
    rest = line if os.read(file, 1) in {b"", b"\n"} else b"\n" + line
    try:
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows has no way to do it, and some file systems none
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _line(body: bytes) -> bytes:
    return b'{"v":2,"crc":"%08x",' % zlib.crc32(body) + body[1:] + b"\n"


def _check_line(line: bytes) -> bytes:
    """Check a line, and return it without its checksum; a line of version 1 as it is."""
    if line.startswith(_VERSION_1):
        return line
    head = _HEAD.match(line)
    if head is None:
        raise ValueError("The beginning of a line cannot be read.")
    body = b"{" + line[head.end() :]
    if int(head[1]) != 2:  # noqa: PLR2004 -- the version
        raise ValueError(f"A line is of version {int(head[1])}, which this doaudit does not know.")
    if zlib.crc32(body) != int(head[2], 16):
        raise ValueError("A line does not agree with its checksum.")
    return body


def _last_state(path: Path) -> Run:
    """Return the run of the last whole line, or an unreadable one if the file is damaged otherwise."""
    lines = _lines(path)
    known: Run | None = None
    damage = "It is empty." if not any(lines) else ""
    for number, line in enumerate(lines):
        is_last = number == len(lines) - 1
        try:
            if line.strip():
                known, damage = _decode_run(line), ""
        except (msgspec.DecodeError, ValueError, TypeError, LookupError) as fault:
            if not (is_last and known is not None and _stops_in_the_middle(line)):
                damage = str(fault)
    return _unreadable(path, known, damage) if damage or known is None else known


def _decode_run(line: bytes) -> Run:
    body = _check_line(line)
    if body is not line:
        return msgspec.json.decode(body, type=_Entry).run
    return msgspec.convert(_from_version_1(msgspec.json.decode(body, type=dict[str, Any])["run"]), Run)


def _from_version_1(run: dict[str, Any]) -> dict[str, Any]:
    """Rename the fields of version 1; its deadlines were times of day, and start again."""
    renamed = {_RENAMED.get(name, name): value for name, value in run.items()}
    since, deadline = renamed.pop("phase_since", None), renamed.pop("phase_deadline", None)
    if since and deadline:
        patience = datetime.fromisoformat(deadline) - datetime.fromisoformat(since)
        renamed |= {"phase_since_s": 0.0, "phase_deadline_s": patience.total_seconds()}
    return renamed


def _stops_in_the_middle(line: bytes) -> bool:
    """Return whether a line is cut off."""
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError as fault:
        return "truncated" in str(fault)
    return False


def _unreadable(path: Path, known: Run | None, damage: str) -> Run:
    """Return a run that says only which file is damaged and which droplet to look at."""
    text = (
        f"Its journal {path} is damaged: {damage} So it is not known how far it came, and it is not resumed. "
        "Look at the droplet: is it on, is the snapshot there? Then delete that file."
    )
    if known is None:
        named = _RUN_ID.fullmatch(path.stem)
        droplet_id = int(named[2]) if named else 0
        begun = datetime.strptime(named[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if named else _changed_at(path)
        known = Run(path.stem, droplet_id, str(droplet_id), "?", live=False, was_on=True, created_at=begun)
    where = f"https://cloud.digitalocean.com/droplets/{known.droplet_id}"
    sentence = (
        f"IT IS NOT KNOWN whether droplet {known.droplet_name} ({known.droplet_id}) is on: look at {where}. {text}"
    )
    return replace(known, phase="unreadable", power="unknown", error=text, sentence=sentence, ended_at=None)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _lines(path: Path) -> list[bytes]:
    """Return the lines of a file; the last one is empty if the file ends with a line end, as it should."""
    tighten(path)
    try:
        return path.read_bytes().split(b"\n") if path.exists() else []
    except OSError as fault:
        raise FileProblem(f"The journal {path} cannot be read ({fault.strerror or fault}).") from None
