"""Folders of the journals and locks of an account, in the user's state folder, whatever history is used."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import platformdirs

from doaudit.api.account_index import account_name, add_to_index, read_index
from doaudit.clock import SystemClock
from doaudit.errors import FileProblem, NotPossible
from doaudit.files import Locked, file_lock, private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from doaudit.api.client import Client

__all__ = ["StateFolders", "any_journals", "state_folders"]

_VARIABLE = "DOAUDIT_STATE_DIR"
_WAIT_S = 2.0  # whoever only looks whether a droplet is free holds its lock for a moment


@dataclass(frozen=True)
class StateFolders:
    """
    The folders of one account.

    Attributes:
        journals: where its journals are written.
        locks: where the locks of its droplets are; one folder for every account at one address, since a droplet's id
            is its own and one account may have many tokens.
        earlier: where journals were written by earlier versions; they are only read.
    """

    journals: Path
    locks: Path
    earlier: tuple[Path, ...] = ()

    @property
    def readable(self) -> tuple[Path, ...]:
        """The folders to look for journals in, the one that is written first."""
        return self.journals, *self.earlier

    @property
    def queues(self) -> Path:
        """The folder of the records of queues, beside the journals."""
        return self.journals.parent / "queues"

    def queue_is_locked(self, queue_id: str) -> bool:
        """
        Return whether somebody drives a queue just now.

        Raises:
            FileProblem: that cannot be found out.
        """
        path = self.queues / f"{queue_id}.lock"
        if not path.exists():
            return False
        try:
            with file_lock(path, wait_s=0, clock=SystemClock()):
                return False
        except Locked:
            return True
        except OSError as fault:
            raise self._problem(fault) from None

    @contextmanager
    def droplet_locked(self, droplet_id: int) -> Iterator[None]:
        """
        Hold a droplet while the block runs, against other processes and against other threads of this one.

        The system frees it when its process ends, however it ends.

        Raises:
            NotPossible: somebody else drives a workflow of this droplet.
            FileProblem: the lock's file cannot be made or locked.
        """
        with ExitStack() as stack:
            try:
                private_folder(self.locks)
                stack.enter_context(file_lock(self._lock(droplet_id), wait_s=_WAIT_S, clock=SystemClock()))
            except Locked as locked:
                raise NotPossible(
                    f"A snapshot workflow of droplet {droplet_id} is being driven already, by {locked.holder}: another "
                    "notebook or program on this machine. Watch it there, or end that first."
                ) from None
            except OSError as fault:
                raise self._problem(fault) from None
            yield

    def droplet_is_locked(self, droplet_id: int) -> bool:
        """
        Return whether somebody drives a workflow of a droplet just now.

        Raises:
            FileProblem: that cannot be found out.
        """
        if not self.locks.is_dir():
            return False
        try:
            with file_lock(self._lock(droplet_id), wait_s=0, clock=SystemClock()):
                return False
        except Locked:
            return True
        except OSError as fault:
            raise self._problem(fault) from None

    def _lock(self, droplet_id: int) -> Path:
        return self.locks / f"droplet-{droplet_id}.lock"

    def _problem(self, fault: Exception) -> FileProblem:
        said = getattr(fault, "strerror", None) or fault
        return FileProblem(
            f"The folder {self.locks}, whose files keep two programs from working on one droplet, cannot be used "
            f"({said}). Nothing is begun without it. Choose another folder on this machine with {_VARIABLE}."
        )


def state_folders(client: Client, *, earlier: tuple[Path, ...] = ()) -> StateFolders:
    """
    Return the folders of an account in the user's state folder, or in DOAUDIT_STATE_DIR.

    The account is asked for its name once for each token, and remembered beside the folders under a one-way
    fingerprint. A token that may not read it has folders of its own.

    Args:
        client: the account.
        earlier: folders in which earlier versions wrote.

    Raises:
        FileProblem: what was asked cannot be remembered.
        ApiProblem: this token is new here, and the API could not be asked whose it is.
    """
    root = _root()
    index = read_index(root)
    key = index.get(client.fingerprint)
    if key is None:
        key = account_name(client) or f"account-{client.fingerprint[:12]}"
        try:
            private_folder(root)
        except OSError as fault:
            raise FileProblem(
                f"The folder {root} cannot be made ({fault.strerror or fault}); journals of snapshots are kept there. "
                f"Choose another with {_VARIABLE}."
            ) from None
        add_to_index(root, client.fingerprint, key)
    address = hashlib.sha256(client.base_url.encode()).hexdigest()[:12]
    return StateFolders(root / quote(key, safe="") / "runs", root / f"locks-{address}", earlier)


def any_journals() -> bool:
    """Return whether there is a journal or a queue of any account in the user's state folder."""
    return any(any(_root().glob(pattern)) for pattern in ("*/runs/*.jsonl", "*/queues/*.json"))


def _root() -> Path:
    chosen = os.getenv(_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_state_path("doaudit")
