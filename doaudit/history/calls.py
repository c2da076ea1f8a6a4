"""
Calls of DuckDB: Ctrl-C ends one at once, and none is under way when Python ends.

While DuckDB runs a query, Python may not hear of a signal before the query has ended. So a call of the main thread runs
in a thread of its own, and the main thread waits for it and interrupts it. And DuckDB's objects complain, a hundred
lines long, if one of them is still there when Python ends: so calls under way are waited for then, and connections that
are kept are closed and let go.
"""

from __future__ import annotations

import atexit
import sys
import threading
import traceback
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

import duckdb

from doaudit.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

    Opened = Callable[[DuckDBPyConnection], None]

__all__ = ["KeptConnection", "call", "run_call"]

T = TypeVar("T")
_AT_EXIT_S = 2.0  # Jupyter leaves a kernel five seconds
_AGAIN_S = 0.05
_HEARD_AFTER_S = 0.2


class KeptConnection:
    """
    Connection that stays open until nobody refers to it any more, or Python ends.

    Example:
        >>> import duckdb
        >>> kept = KeptConnection(duckdb.connect(":memory:"))
        >>> kept.get().execute("SELECT 1").fetchall()
        [(1,)]
        >>> kept.close()
        >>> kept.get()
        Traceback (most recent call last):
        doaudit.errors.FileProblem: The history is closed, because this Python ends. Read what you need before that.
    """

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection: DuckDBPyConnection | None = connection
        _kept.add(self)

    def get(self) -> DuckDBPyConnection:
        """
        Return the connection.

        Raises:
            FileProblem: it is closed.
        """
        if self._connection is None:
            _refuse()
        return self._connection

    def close(self) -> None:
        """Close it and let it go; a closed connection that is still there complains, too."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def call() -> Iterator[None]:
    """
    Count a call while the block runs, which lets no connection out.

    Raises:
        FileProblem: Python is ending.
    """
    with _under_way.changed:
        if _under_way.is_over:
            _refuse()
        _under_way.number += 1
    handled_before = sys.exception()
    try:
        yield
    except BaseException as fault:
        _let_go(fault, handled_before)
        raise
    finally:
        with _under_way.changed:
            _under_way.number -= 1
            _under_way.changed.notify_all()


def run_call(work: Callable[[Opened], T]) -> T:
    """
    Call a function that works with a connection, and return its result; Ctrl-C interrupts it.

    Args:
        work: the function; it calls the function that it is given as soon as it has a connection.

    Raises:
        KeyboardInterrupt: Ctrl-C stopped it; it has ended then.

    Example:
        >>> run_call(lambda opened: "a result")
        'a result'
    """
    running = _Call(work)
    if threading.current_thread() is not threading.main_thread():  # it gets no signals
        return running.here()
    thread = threading.Thread(target=running.run, name="doaudit-history", daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:  # Python is ending, and starts no threads any more
            return running.here()
        # In pieces: of a signal that comes just before it waits, Python tells a thread only once that has woken up.
        while not running.done.wait(_HEARD_AFTER_S):
            pass
    except BaseException:
        running.stop()
        raise
    return running.result()


class _Call(Generic[T]):
    """One call that may run in another thread."""

    def __init__(self, work: Callable[[Opened], T]) -> None:
        self._work = work
        self._connections: list[DuckDBPyConnection] = []
        self._results: list[T] = []
        self._faults: list[BaseException] = []
        self._lock = threading.Lock()
        self._begun = self._withdrawn = False
        self.done = threading.Event()

    def here(self) -> T:
        return self._work(lambda _: None)

    def run(self) -> None:
        with self._lock:
            if self._withdrawn:
                return
            self._begun = True
        try:
            self._results.append(self._work(self._connections.append))
        except BaseException as fault:  # noqa: BLE001 -- it is raised again in the thread that waits
            self._faults.append(fault)
        finally:
            self._connections.clear()
            self.done.set()

    def stop(self) -> None:
        """Let the call not begin, or interrupt it until it has ended: between two queries an interrupt ends neither."""
        is_over = False
        while not is_over:
            # One more Ctrl-C changes nothing: the history's lock must not be released while something is written. Nor
            # does a connection that the call has just closed: DuckDB's error would hide Ctrl-C and look like damage.
            with suppress(KeyboardInterrupt, duckdb.Error):
                self._withdraw()
                self._interrupt_connection()
            with suppress(KeyboardInterrupt):
                is_over = self._withdrawn or self.done.wait(_AGAIN_S)

    def _withdraw(self) -> None:
        with self._lock:
            self._withdrawn = not self._begun

    def _interrupt_connection(self) -> None:
        for connection in self._connections[-1:]:
            connection.interrupt()

    def result(self) -> T:
        if self._faults:
            raise self._faults.pop()
        return self._results.pop()


class _UnderWay:
    """Calls under way, and whether Python is ending, after which there are no more."""

    def __init__(self) -> None:
        self.number, self.is_over = 0, False
        self.changed = threading.Condition()


_under_way = _UnderWay()
_kept: weakref.WeakSet[KeptConnection] = weakref.WeakSet()


def _let_go(fault: BaseException, until: BaseException | None) -> None:
    """Clear the functions that an error came through: Python keeps them for later, and what they hold with them."""
    chain: BaseException | None = fault
    while chain is not None and chain is not until:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__


def _refuse() -> NoReturn:
    raise FileProblem("The history is closed, because this Python ends. Read what you need before that.")


def _end() -> None:
    with _under_way.changed:
        _under_way.is_over = True
        _under_way.changed.wait_for(lambda: _under_way.number == 0, _AT_EXIT_S)
    for kept in list(_kept):
        kept.close()


atexit.register(_end)
