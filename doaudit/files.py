"""Files that are written whole or not at all, and locks between processes and threads."""

from __future__ import annotations

import errno
import json
import os
import platform
import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from doaudit.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from doaudit.clock import Clock

__all__ = ["Locked", "file_lock", "private_folder", "write_files"]

_POLL_S = 0.02  # an operation on a history takes about 0.05 s
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)


class Locked(Exception):
    """Another process or thread holds the lock; `holder` says who, as far as is known."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"The lock is held by {holder}.")
        self.holder = holder


@contextmanager
def file_lock(path: Path, *, wait_s: float, clock: Clock) -> Iterator[None]:
    """
    Hold a lock while the block runs, against other processes and against other threads of this one.

    The operating system releases the lock when its process ends, however it ends. The file stays where it is: removing
    it would let two processes hold locks on two files of one name. Its content says who holds it.

    Args:
        path: the lock file; made for the user alone if there is none. A symbolic link is refused.
        wait_s: how long to wait for another holder, in seconds; 0 tries once.
        clock: tells the time, and waits.

    Raises:
        Locked: somebody else held it all that time.
        OSError: the file cannot be made, opened or locked.
    """
    # Without fallback_to_soft: a lock that is only the existence of a file would outlive a machine that was lost.
    lock = FileLock(path, timeout=0, mode=0o600, fallback_to_soft=False)
    deadline_s = clock.elapsed() + wait_s
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if clock.elapsed() >= deadline_s:
                raise Locked(_read_holder(path)) from None
            clock.wait(_POLL_S)
        except NotImplementedError as fault:
            raise OSError(errno.ENOLCK, "this file system has no locks", str(path)) from fault
        except OSError as fault:
            if fault.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
            raise
    try:
        _write_holder(path, clock.now())
        yield
    finally:
        _write_holder(path, None)
        lock.release()


def _write_holder(path: Path, now: float | None) -> None:
    """Write who holds the lock, for other people's messages; the lock itself does not depend on it."""
    text = ""
    if now is not None:
        since = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since})
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_TRUNC | _NO_LINKS)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def _read_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def private_folder(folder: Path) -> None:
    """
    Make a folder, and its missing parents, for the user alone.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        private_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)


def write_files(folder: Path, files: Iterable[tuple[str, bytes]], *, private: bool = False) -> None:
    """
    Write files so that each is either there whole or not at all, the last one last.

    A folder that does not exist yet appears in one move with all of them. In one that does, each file is replaced in
    one move, and others in it are left alone; nothing is written outside it, since it may be a mount of its own.
    With *private*, nobody but the user may read them.

    Raises:
        FileProblem: the folder cannot be made or written; nothing in it has changed then.
    """
    staging: Path | None = None
    try:
        beside = folder if folder.is_dir() else folder.parent
        beside.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=beside))
        staging.chmod(0o755)
        names = []
        for name, content in files:
            with (staging / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if private:
                (staging / name).chmod(0o600)
            names.append(name)
        if not folder.exists():
            staging.rename(folder)
            return
        for name in names:
            (staging / name).replace(folder / name)
    except OSError as fault:
        raise FileProblem(
            f"{folder} cannot be written ({fault.strerror or fault}). Choose another folder, or make room or "
            "rights there."
        ) from None
    finally:
        _clear(staging)


def _clear(staging: Path | None) -> None:
    if staging is not None and staging.is_dir():
        for file in staging.iterdir():
            file.unlink()
        staging.rmdir()
