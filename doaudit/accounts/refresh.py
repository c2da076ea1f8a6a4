"""Result of a refresh of several accounts: that of each, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.errors import DoauditError
from doaudit.formatting import count, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from doaudit.history.refresh import Refresh

__all__ = ["AccountsRefresh"]


@dataclass(frozen=True)
class AccountsRefresh:
    """
    Result of a refresh of several accounts.

    Attributes:
        outcomes: of each account its refresh, or the error that ended it, by name.
    """

    outcomes: Mapping[str, Refresh | DoauditError]

    @property
    def read(self) -> dict[str, Refresh]:
        """The refreshes of those that could be read, complete or not."""
        return {name: each for name, each in self.outcomes.items() if not isinstance(each, DoauditError)}

    @property
    def failed(self) -> dict[str, DoauditError]:
        """The errors of those that could not be read, or not to the end."""
        return {name: each for name, each in self.outcomes.items() if isinstance(each, DoauditError)}

    @property
    def complete(self) -> bool:
        """True if the histories have every action of every account."""
        return not self.failed and all(each.complete for each in self.read.values())

    @property
    def as_asked(self) -> bool:
        """True if the histories have every action that was asked for, of every account."""
        return not self.failed and all(each.as_asked for each in self.read.values())

    @property
    def read_at(self) -> datetime | None:
        """The date of the last response, by the servers' clocks; None if nothing was read."""
        return max((each.read_at for each in self.read.values()), default=None)

    @property
    def names_problem(self) -> str:
        """Reasons why names of resources could not be read; empty if they could, of all accounts."""
        problems = {name: each.names_problem for name, each in self.read.items() if each.names_problem}
        return " ".join(f"{visible(name)}: {problem}" for name, problem in problems.items())

    def __str__(self) -> str:
        """Summarize it in a few lines, one for each account about which there is something to say."""
        read = self.read
        new, finished, requests = (
            sum(getattr(each, name) for each in read.values()) for name in ("new", "finished", "requests")
        )
        all_of_them = count(len(self.outcomes), "account")
        accounts = all_of_them if not self.failed else f"{len(read):,} of {all_of_them}"
        ids = sum(each.proof.distinct_ids for each in read.values())
        proved = f"complete: {ids:,} distinct ids, and the API reports as many" if self.complete else "INCOMPLETE"
        counts = f"{count(new, 'new action')}, {finished:,} newly finished, in {count(requests, 'request')}"
        lines = [f"{accounts} read: {counts}; {proved}."]
        lines += [f"{visible(name)} was not read: {one_line(str(fault))}" for name, fault in self.failed.items()]
        for name, each in read.items():
            _, *more = str(each).splitlines()
            said = ([] if each.complete else [f"{each.proof}."]) + more
            lines += [f"{visible(name)}: {sentence}" for sentence in said]
        return "\n".join(lines)

    __repr__ = __str__  # at the end of a cell
