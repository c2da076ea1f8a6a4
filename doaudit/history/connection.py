"""
Connections to a history: to a file that is open only during an operation, or to tables in memory.

DuckDB lets one process at a time write a file, so each operation opens it, under a lock, and closes it again; that
takes about 0.02 s. No connection from here reaches another file or loads an extension. What DuckDB writes, also its log
and what it has no room for in memory, is for the user alone, wherever it lies.
"""

from __future__ import annotations

import errno
import glob
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

import duckdb

from doaudit.errors import FileProblem, HistoryLocked, NewerHistory
from doaudit.files import Locked, file_lock, private_folder, private_umask, tighten
from doaudit.history.calls import KeptConnection, call, run_call
from doaudit.history.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from doaudit.clock import Clock
    from doaudit.history.calls import Opened

__all__ = ["Backend", "FileBackend", "MemoryBackend", "is_damage"]

T = TypeVar("T")

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
    # Otherwise the file would be one that only the DuckDB that made it, and newer ones, can read.
    "storage_compatibility_version": "v1.4.0",
}
_DAMAGE = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes")


class Backend(Protocol):
    """Storage of a history: a file or memory."""

    def run(self, work: Callable[[DuckDBPyConnection], T], *, read_only: bool = False) -> T:
        """
        Call a function with a connection, in a transaction that no other call overlaps, and return its result.

        Args:
            work: the function.
            read_only: whether the database refuses everything that *work* tries to write.
        """

    @property
    def account(self) -> str:
        """The key of the account."""

    @property
    def path(self) -> Path | None:
        """The file; None for a history in memory."""


@dataclass(frozen=True)
class MemoryBackend:
    """A history in memory, which ends with the process."""

    account: str
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _kept: KeptConnection = field(default_factory=lambda: KeptConnection(_connect(":memory:")), repr=False)
    path: None = None

    def run(self, work: Callable[[DuckDBPyConnection], T], *, read_only: bool = False) -> T:
        """Call a function with the connection; see `Backend`."""
        with call(), self._lock:
            return run_call(lambda opened: self._attempt(work, opened, read_only=read_only))

    def _attempt(self, work: Callable[[DuckDBPyConnection], T], opened: Opened, *, read_only: bool) -> T:
        connection = self._kept.get()
        opened(connection)
        with _transaction(connection):
            migrate(connection, self.account, "in memory")
        with _transaction(connection, read_only=read_only):
            return work(connection)


@dataclass(frozen=True)
class FileBackend:
    """
    A history in a file.

    A file that turns out to be damaged is moved aside, and a fresh one begun.

    Attributes:
        path: the file.
        account: the key of the account whose history it is.
        wait_s: how long a call waits for another process that uses the file, in seconds.
        clock: tells the time, and waits.
        on_warning: called with a sentence when a damaged file was moved aside.
    """

    path: Path
    account: str
    wait_s: float
    clock: Clock
    on_warning: Callable[[str], None]

    def run(self, work: Callable[[DuckDBPyConnection], T], *, read_only: bool = False) -> T:
        """
        Call a function with a connection; see `Backend`.

        Raises:
            HistoryLocked: another process has had the file open for too long.
            WrongAccount, NewerHistory: it is not a history that can be used here.
            FileProblem: it cannot be opened, read or written, or is no history.
        """
        warning = None
        with call(), self.lock():
            self._refuse_other_files()
            tighten(self.path)
            tighten(self.path.with_name(f"{self.path.name}.wal"))
            try:
                result = run_call(lambda opened: self._attempt(work, opened, read_only=read_only))
            except duckdb.Error as fault:
                moved_to = self._move_aside()
                warning = (
                    f"The history {self.path} was damaged ({_first_line(fault)}). It was moved to {moved_to.name}, "
                    "beside it, and a fresh one begun: the next refresh reads every action again."
                )
                result = run_call(lambda opened: self._attempt(work, opened, read_only=read_only))
        if warning is not None:
            self.on_warning(warning)
        return result

    @contextmanager
    def lock(self) -> Iterator[None]:
        """
        Hold the lock of the file, against every other process and thread, while the block runs.

        Raises:
            HistoryLocked: another process or thread held it for all of `wait_s`.
            FileProblem: the lock file beside it cannot be made or locked, or is a symbolic link.
        """
        path = self.path.with_name(f"{self.path.name}.lock")
        with ExitStack() as stack:
            try:
                private_folder(path.parent)
                stack.enter_context(file_lock(path, wait_s=self.wait_s, clock=self.clock))
            except Locked as locked:
                raise HistoryLocked(
                    f"The history {self.path.name} is in use by {locked.holder}, and was not free within "
                    f"{self.wait_s:g} s. Wait until that is done, or end it, and try again."
                ) from None
            except OSError as fault:
                if fault.errno == errno.ELOOP:
                    raise FileProblem(
                        f"The lock file {path} is a symbolic link, and doaudit follows none, so that nobody's file is "
                        "overwritten through it. Delete the link, not its target, and try again."
                    ) from None
                raise FileProblem(
                    f"The lock file {path} cannot be used ({fault.strerror or fault}). Choose another folder on this "
                    "machine that you may write to, with history=, or keep nothing on disk with history=':memory:'."
                ) from fault
            yield

    def _attempt(self, work: Callable[[DuckDBPyConnection], T], opened: Opened, *, read_only: bool) -> T:
        try:
            with _connected(self.path) as connection, _transaction(connection):
                opened(connection)
                migrate(connection, self.account, str(self.path))
                if not read_only:
                    return work(connection)
            with _connected(self.path, read_only=True) as connection, _transaction(connection, read_only=True):
                opened(connection)
                return work(connection)
        except duckdb.Error as fault:
            if is_damage(fault):
                raise
            raise self._problem(fault) from fault

    def _refuse_other_files(self) -> None:
        if self.path.is_symlink():
            target = self.path.parent / self.path.readlink()
            raise FileProblem(
                f"The history {self.path} is a symbolic link, and doaudit follows none: the lock that keeps programs "
                f"apart lies beside the name. Name the file itself with history=, {target}."
            )
        # A damaged history still has its name or its first bytes; a file with neither is none, and stays. DuckDB would
        # read a table such as a CSV file into memory, and what is stored there would be gone with the connection.
        if self.path.suffix.lower() == ".duckdb" or not self.path.is_file() or self.path.stat().st_size == 0:
            return
        with self.path.open("rb") as file:
            header = file.read(12)
        if header[8:] != b"DUCK":
            raise FileProblem(
                f"{self.path} is no history of doaudit, and no DuckDB database at all. It is left as it is: choose "
                "another file with history=, best one that ends in .duckdb."
            )

    def _move_aside(self) -> Path:
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        names = [f"{self.path.name}.damaged-{stamp}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 100)))]
        target = next(path for path in map(self.path.with_name, names) if not path.exists())
        # The last changes may be only in the log beside the file; to rescue something one needs both.
        try:
            for log in self.path.parent.glob(f"{glob.escape(self.path.name)}.wal*"):
                log.replace(log.with_name(log.name.replace(self.path.name, target.name, 1)))
            self.path.replace(target)
        except OSError as fault:
            raise FileProblem(
                f"The history {self.path} is damaged and cannot be moved aside: {fault.strerror}. Move it away "
                "yourself; the next refresh reads every action again."
            ) from fault
        return target

    def _problem(self, fault: duckdb.Error) -> FileProblem:
        text = _first_line(fault)
        if "Conflicting lock" in text or "different configuration" in text or "being used by another" in text:
            return HistoryLocked(f"The history {self.path} is open in another program. Close it there. DuckDB: {text}")
        if "version number" in text:
            return NewerHistory(
                f"The history {self.path} was written by a newer DuckDB than {duckdb.__version__}. Upgrade it: "
                f"pip install -U duckdb. DuckDB: {text}"
            )
        return FileProblem(f"The history {self.path} cannot be used. DuckDB: {text}")


@contextmanager
def _transaction(connection: DuckDBPyConnection, *, read_only: bool = False) -> Iterator[None]:
    """Run a block in a transaction: all of it takes effect, or nothing."""
    connection.execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # a damaged file has ended it already
            connection.rollback()
        raise
    with private_umask():  # the log is made here
        connection.commit()


@contextmanager
def _connected(path: Path, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """Connect to a file while the block runs."""
    # DuckDB would make this folder as soon as a query needs it, for everybody, and leaves one that is there.
    scratch = path.with_name(f"{path.name}.tmp")
    with suppress(OSError):
        scratch.mkdir(mode=0o700)
    try:
        connection = _connect(path, read_only=read_only)
        try:
            yield connection
        finally:
            with private_umask():
                connection.close()
    finally:
        with suppress(OSError):
            scratch.rmdir()


def _connect(path: Path | str, *, read_only: bool = False) -> DuckDBPyConnection:
    with private_umask():
        connection = duckdb.connect(path, read_only=read_only, config=_CONFIG)
    connection.execute("SET TimeZone = 'UTC'; SET lock_configuration = true")
    return connection


def _first_line(fault: duckdb.Error) -> str:
    return str(fault).splitlines()[0]


def is_damage(fault: duckdb.Error) -> bool:
    """Return whether an error says that the file itself is broken."""
    # DuckDB has no class of its own for it. A query's text is no part of these classes' messages.
    classes = type(fault) is duckdb.Error or isinstance(fault, duckdb.IOException)
    return isinstance(fault, duckdb.SerializationException) or (classes and any(word in str(fault) for word in _DAMAGE))
