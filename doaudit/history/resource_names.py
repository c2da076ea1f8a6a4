"""
Names of resources, and the volume of each action on a volume.

The list of actions has neither. Names are read from the lists of existing resources, and the history remembers them
after a resource is deleted; one that was deleted before the first read stays without a name. Each kind needs a scope of
its own; a token without it still gets its actions.

Where it is known in advance that names will be needed, they are read while the actions are, and stored after them.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from doaudit.api.client import Stopped
from doaudit.api.resource_lists import Listed, ResourceList, read_lists
from doaudit.errors import ApiProblem, Forbidden, NotFound
from doaudit.history.facts import read_facts
from doaudit.history.side_tables import Named, assign_resources, name_all, write_notes
from doaudit.records import whole_number
from doaudit.resources import KINDS, VOLUME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from duckdb import DuckDBPyConnection

    from doaudit.api.client import Client
    from doaudit.history.facts import Facts
    from doaudit.history.store import Store
    from doaudit.resources import Kind
    from doaudit.resources import ResourceList as Source

    NamesRead = Mapping[Listed, ResourceList | ApiProblem]

__all__ = ["NamesReading", "names_are_due", "reading_names", "update_resource_names", "write_names"]

_DAY_S = 86_400
_POLL_S = 0.2  # as for results of the list of actions: on some systems Ctrl-C is noticed only between two waits
_NOTE = "names"
_LISTS = {Listed(source.path, source.body_key, source.query): (kind, source) for kind in KINDS for source in kind.lists}
_OF_A_VOLUME = "actions"


def names_are_due(facts: Facts, now: int) -> bool:
    """
    Return whether there may be new names: at first, once a day, and when unknown resources have appeared.

    Example:
        >>> from doaudit.history.facts import Facts
        >>> names_are_due(Facts(), now=1_773_354_500)
        True
    """
    # A note of an earlier version may lack a count: then the names are read once more.
    last = facts.notes.get(_NOTE, {})
    return _is_old(last, now) or facts.unnamed > int(last.get("unnamed", 0)) or _more_without_volume(facts)


def _more_without_volume(facts: Facts) -> bool:
    return facts.without_volume > int(facts.notes.get(_NOTE, {}).get("without_volume", 0))


def update_resource_names(client: Client, store: Store, *, now: int) -> tuple[str, ...]:
    """
    Read the names of resources where there may be new ones; see `names_are_due`.

    Args:
        client: the account.
        store: its history.
        now: the time by the server's clock, in Unix seconds.

    Returns:
        The scopes that the token lacks for it; empty if nothing had to be read.

    Raises:
        ApiProblem: a list could not be read, for another reason than a scope.
    """
    facts = store.facts()
    read = NamesReading(client, facts).fetch(facts, now)
    lacking = store.run(lambda connection: write_names(connection, read, now)) if read else ()
    for fault in _faults(read):
        raise fault
    return lacking


@contextmanager
def reading_names(client: Client, facts: Facts, *, wanted: bool) -> Iterator[NamesReading | None]:
    """Read names of resources while the block runs, if *wanted*; when it ends, nothing goes on but what was sent."""
    if not wanted:
        yield None
        return
    reading = NamesReading(client, facts)
    try:
        yield reading
    finally:
        reading.stop()


class NamesReading:
    """
    Reading of the names of resources, beside other requests where it is known in advance that they are needed.

    Args:
        client: the account.
        facts: of its history, as they were before the read.

    Attributes:
        has_begun: true once names are being read, whether they were due or not.
        problem: why names could not be read; empty if they could, or were not taken yet.
        lacking: scopes that the token lacks for the names, once they are written.
    """

    def __init__(self, client: Client, facts: Facts) -> None:
        self._client = client
        self._last: dict[str, Any] = facts.notes.get(_NOTE, {})
        self._stop, self._ended = threading.Event(), threading.Event()
        self._results: list[NamesRead | Exception] = []
        self._is_taken = False
        self.has_begun = False
        self.problem = ""
        self.lacking: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """True if names that were begun can be taken without waiting."""
        return self._ended.is_set()

    def begin(self, now: int) -> None:
        """
        Begin to read in a thread of its own, if that is needed whatever the actions are: at first, and after a day.

        Further calls do nothing. The first is best made when the account has answered something: one that cannot be
        read is not asked for six things at once.
        """
        if self.has_begun or not _is_old(self._last, now):
            return
        self.has_begun = True
        # At first the actions of volumes are read, too, before it is known that there are any: who has volumes has
        # hardly ever done nothing with them.
        with_volumes = not self._last
        threading.Thread(target=self._read_beside, args=(with_volumes,), name="doaudit-names", daemon=True).start()

    def stop(self) -> None:
        """Stop: nothing more is asked for, and requests that are under way are not waited for."""
        self._stop.set()

    def fetch(self, facts: Facts, now: int) -> NamesRead:
        """
        Return what the lists of resources say, read now if they were not in advance; empty if that is not needed.

        Raises:
            ApiProblem: they could not be read at all. One that could not is among the results, with the reason.
        """
        if self.has_begun:
            read = self._result()
        elif names_are_due(facts, now):
            read = read_lists(self._client, list(_LISTS), stop=self._stop)
        else:
            return {}
        volumes = [volume for volume in _lists_of_volumes(read) if volume not in read]
        if volumes and not _faults(read) and _more_without_volume(facts):
            read = {**read, **read_lists(self._client, volumes, stop=self._stop)}
        return read

    def is_awaited(self, facts: Facts, now: int) -> bool:
        """Return whether there are names to be taken, which are being read or are due."""
        is_being_read = self.has_begun and not self._is_taken
        return not self.problem and (is_being_read or names_are_due(facts, now))

    def take(self, facts: Facts, now: int) -> Callable[[DuckDBPyConnection], None]:
        """Fetch the names, or note why some could not be read; return the function that writes them."""
        read: NamesRead = {}
        try:
            read = self.fetch(facts, now)
            self.problem = "".join(map(str, _faults(read)[:1]))
        except ApiProblem as fault:  # the actions were read, and are worth more than the names
            self.problem = str(fault)
        self._is_taken = True

        def write(connection: DuckDBPyConnection) -> None:
            self.lacking = write_names(connection, read, now)

        return write

    def _read_beside(self, with_volumes: bool) -> None:  # noqa: FBT001 -- a thread's argument
        def then(listed: Listed, found: ResourceList) -> list[Listed]:
            return _lists_of_volumes({listed: found}) if with_volumes else []

        with suppress(Stopped):
            try:
                self._results.append(read_lists(self._client, list(_LISTS), then=then, stop=self._stop))
            except Exception as fault:  # noqa: BLE001 -- whatever it is, it is raised again on the calling thread
                self._results.append(fault)
        self._ended.set()

    def _result(self) -> NamesRead:
        while not self._ended.wait(_POLL_S):
            pass
        if not self._results:  # it was stopped, with all reads that the client shares bounds with
            raise Stopped
        [result] = self._results
        if isinstance(result, Exception):
            raise result
        return result


def _lists_of_volumes(read: NamesRead) -> list[Listed]:
    """Return the lists of the actions of each volume that was found."""
    found = [each for listed, each in read.items() if listed in _LISTS and _LISTS[listed][0] is VOLUME]
    ids = [str(row["id"]) for each in found if isinstance(each, ResourceList) for row in each.rows if "id" in row]
    return [Listed(f"{VOLUME.path}/{volume}/actions", _OF_A_VOLUME) for volume in ids]


def _faults(read: NamesRead) -> list[ApiProblem]:
    """Return why lists could not be read, where that is neither a scope nor that a volume is gone."""
    return [
        found
        for listed, found in read.items()
        if isinstance(found, ApiProblem)
        and not isinstance(found, Forbidden)
        and not (isinstance(found, NotFound) and listed.key == _OF_A_VOLUME)
    ]


def write_names(connection: DuckDBPyConnection, read: NamesRead, now: int) -> tuple[str, ...]:
    """Write what was read into the history, if anything was; return the scopes that are lacking."""
    if not read:
        return ()
    lacking = [source.scope for listed, (_, source) in _LISTS.items() if isinstance(read.get(listed), Forbidden)]
    before = read_facts(connection)
    name_all(connection, [_named(*_LISTS[listed], found) for listed, found in _resources(read)])
    if _more_without_volume(before):
        of_volumes = {listed: found for listed, found in read.items() if listed.key == _OF_A_VOLUME}
        if any(isinstance(found, Forbidden) for found in of_volumes.values()):
            lacking.append(VOLUME.read_scope)
        assign_resources(connection, _actions_of_volumes(of_volumes))
    if not _faults(read):
        left = read_facts(connection)
        volumes, without_volume = _lists_of_volumes(read), left.without_volume
        if volumes and read.keys().isdisjoint(volumes):  # then these are still to be asked for
            without_volume = min(without_volume, int(before.notes.get(_NOTE, {}).get("without_volume", 0)))
        note = {"at": now, "unnamed": left.unnamed, "without_volume": without_volume}
        write_notes(connection, {_NOTE: note})
    return tuple(lacking)


def _resources(read: NamesRead) -> list[tuple[Listed, ResourceList]]:
    """Return the lists that name resources and were read, in the order of the kinds."""
    found = [(listed, read.get(listed)) for listed in _LISTS]
    return [(listed, each) for listed, each in found if isinstance(each, ResourceList)]


def _named(kind: Kind, source: Source, found: ResourceList) -> Named:
    ids = [(row[source.id_field], row) for row in found.rows if isinstance(row.get(source.id_field), str | int)]
    names = {f"{kind.name}:{number}": _name(row) for number, row in ids}
    return Named(kind.name, names, found.date, all_of_kind=source.complete and found.adds_up)


def _name(row: dict[str, Any]) -> str | None:
    name = row.get("name")
    return None if name is None else str(name)


def _actions_of_volumes(of_volumes: NamesRead) -> dict[int, str]:
    """Return the key of its volume for each action in the volumes' own lists."""
    return {
        number: f"volume:{listed.path.removeprefix(VOLUME.path).split('/')[1]}"
        for listed, found in of_volumes.items()
        if isinstance(found, ResourceList)
        for row in found.rows
        if (number := whole_number(row.get("id"))) is not None
    }


def _is_old(last: dict[str, Any], now: int) -> bool:
    return now - int(last.get("at", now - _DAY_S)) >= _DAY_S
