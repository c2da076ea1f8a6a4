"""Files that are written whole or not at all, and locks between processes and threads."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import stat
import tempfile
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from doaudit.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from doaudit.clock import Clock

__all__ = ["Locked", "file_lock", "private_folder", "private_umask", "tighten", "write_files"]

_POLL_S = 0.02  # an operation on a history takes about 0.05 s
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_OTHERS = 0o077  # what a group and everybody else may do
_UMASK_LOCK = threading.RLock()


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
    tighten(path)  # made by an earlier version, it may be open to others
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


def tighten(path: Path) -> None:
    """
    Take a file from everybody but its owner; what is missing, a link or somebody else's stays as it is.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "history"
        ...     path.touch(mode=0o644)
        ...     tighten(path)
        ...     oct(path.stat().st_mode)
        '0o100600'
    """
    # By name: a file must not be opened and closed here, which would end the locks that this process has on it.
    with suppress(OSError):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and stat.S_IMODE(mode) & _OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


@contextmanager
def private_umask() -> Iterator[None]:
    """
    Let files that are made while the block runs be for the user alone, also those that a library makes.

    The umask belongs to the whole process, so the block has to be short; one thread at a time is in one.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder, private_umask():
        ...     path = Path(folder) / "history.wal"
        ...     path.touch()
        ...     oct(path.stat().st_mode)
        '0o100600'
    """
    with _UMASK_LOCK:
        before = os.umask(_OTHERS)
        try:
            yield
        finally:
            os.umask(before)


def write_files(folder: Path, files: Iterable[tuple[str, bytes]], *, private: bool = False) -> None:
    """
    Write files so that each is either there whole or not at all, the last one last.

    A folder that does not exist yet appears in one move with all of them. In one that does, nothing is written outside
    it, since it may be a mount of its own, and others in it are left alone. One file is replaced in one move. Of
    several, the earlier ones are first taken away, the last one before the others, so that old and new never lie side
    by side, and a process that is killed meanwhile leaves the folder without the last file, which vouches for the rest.

    Args:
        folder: where to; it and its parents are made.
        files: names and contents.
        private: whether nobody but the user may read the files, and the folders that are made; otherwise the umask
            says who may.

    Raises:
        FileProblem: the folder cannot be made or written; nothing in it has changed then.
    """
    new: Path | None = None
    try:
        beside = folder if folder.is_dir() else folder.parent
        if private:
            private_folder(beside)
        else:
            beside.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=".doaudit-", dir=beside)) / "new"
        new.mkdir(mode=0o700 if private else 0o777)
        names = [_write_file(new / name, content, 0o600 if private else 0o666) for name, content in files]
        if not folder.exists():
            new.rename(folder)
        else:
            _replace(folder, names, new)
    except OSError as fault:
        raise FileProblem(
            f"{folder} cannot be written ({fault.strerror or fault}). Choose another folder, or make room or "
            "rights there."
        ) from None
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)
            with suppress(OSError):  # not empty, if earlier files could not be put back
                new.parent.rmdir()


def _write_file(path: Path, content: bytes, mode: int) -> str:
    """Write a file to the disk, and return its name."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode), "wb") as file:  # noqa: PTH123 -- no Path
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path.name


def _replace(folder: Path, names: list[str], new: Path) -> None:
    """Move files from *new* to *folder* in place of those of the same names, or leave everything as it was."""
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{name} in it is a folder")
    if len(names) == 1:
        (new / names[0]).replace(folder / names[0])
        return
    earlier = new.with_name("earlier")
    earlier.mkdir()
    moved: list[str] = []
    try:
        for name in reversed(names):
            with suppress(FileNotFoundError):
                (folder / name).rename(earlier / name)
        for name in names:
            moved.append(name)
            (new / name).replace(folder / name)
    except BaseException:  # Ctrl-C, too, leaves the earlier files
        for name in moved:
            (folder / name).unlink(missing_ok=True)
        for file in earlier.iterdir():
            file.replace(folder / file.name)
        earlier.rmdir()
        raise
    shutil.rmtree(earlier)
