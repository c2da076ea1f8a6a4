"""One at a time: a small file beside the history that says who is using it."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from doaudit.errors import FileProblem, HistoryLocked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from doaudit.clock import Clock

__all__ = ["held"]

_GLANCE_S = 0.02  # how often a wait looks whether the lock is free; an operation takes about 0.05 s


@contextmanager
def held(lock: Path, *, wait_s: float, clock: Clock) -> Iterator[None]:
    """
    Hold the lock while the block runs, against other processes and against other threads of this one.

    The system frees the lock when its process ends, however it ends. The file stays where it is: removing it would let
    two processes hold locks on two files of one name.

    Args:
        lock: the lock file; made if there is none.
        wait_s: how long to wait for another holder, in seconds.
        clock: tells the time, and waits.

    Raises:
        HistoryLocked: somebody else held it all that time; the message says who.
        FileProblem: the lock file cannot be made, or this file system knows no locks.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")
    except OSError as fault:
        raise FileProblem(
            f"The lock file {lock} cannot be opened: {fault.strerror}. Choose a folder that you may write to, with "
            "history=, or keep nothing on disk with history=':memory:'."
        ) from fault
    with file:
        _wait_for(file, lock, wait_s, clock)
        try:
            _sign(file, clock.now())
            yield
        finally:
            _sign(file, None)
            _unlock(file)


def _wait_for(file: IO[str], lock: Path, wait_s: float, clock: Clock) -> None:
    last_try = clock.elapsed() + wait_s
    while True:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            if clock.elapsed() >= last_try:
                raise HistoryLocked(
                    f"The history {lock.name.removesuffix('.lock')} is in use by {_holder(file)}, and was not free "
                    f"within {wait_s:g} s. Wait until that is done, or end it, and try again."
                ) from None
            clock.wait(_GLANCE_S)
        except OSError as fault:
            raise FileProblem(
                f"The file {lock} cannot be locked: {fault.strerror}. Some network drives know no locks; choose a "
                "folder on this machine, with history=."
            ) from fault
        else:
            return


def _sign(file: IO[str], now: float | None) -> None:
    file.seek(0)
    file.truncate()
    if now is not None:
        since = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "host": platform.node(), "since": since}, file)
    file.flush()


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        who = json.load(file)
        return f"process {who['pid']} on {who['host']} since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading what is locked; a byte far behind the text leaves that readable.
    _FAR = 1 << 30

    def _lock(file: IO[str]) -> None:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: IO[str]) -> None:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # flock, not lockf: its lock belongs to the open file, so that it keeps threads of one process apart, too.
    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
