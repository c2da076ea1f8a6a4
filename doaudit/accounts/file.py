"""
Files that name accounts, so that a cron job audits them all: names of environment variables, never tokens.

    folder = "histories"        # optional: where the histories are kept, seen from this file

    [accounts]
    acme = "ACME_TOKEN"
    globex = "GLOBEX_TOKEN"
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from doaudit.accounts.many import Accounts, accounts, looks_like_a_token
from doaudit.errors import FileProblem, InvalidArgument, TokenMissing
from doaudit.secret import Secret

__all__ = ["read_accounts"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_EXAMPLE = 'Write it like this: [accounts], and below it a line such as acme = "ACME_TOKEN" for each account.'


def read_accounts(path: str | os.PathLike[str], *, base_url: str | None = None) -> Accounts:
    """
    Open the accounts that a TOML file names, with the tokens that are in the environment.

    Args:
        path: the file. Its table `accounts` has for each name the environment variable that holds the token; its
            `folder`, if it has one, is where the histories are kept.
        base_url: the address, as `doaudit.connect` takes it.

    Raises:
        FileProblem: the file cannot be read.
        InvalidArgument: it is no such file, or has a token in it.
        TokenMissing: an environment variable is unset.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "accounts.toml")
        ...     _ = file.write_text("accounts.acme = 'NOT_SET_ANYWHERE'")
        ...     read_accounts(file)
        Traceback (most recent call last):
        doaudit.errors.TokenMissing: The token of acme is not there: the environment variable NOT_SET_ANYWHERE is unset.
    """
    file = Path(path).expanduser()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise FileProblem(f"{file} cannot be read ({fault.strerror or fault}). Check the name.") from None
    except ValueError as fault:  # TOML, or UTF-8; the message of neither quotes a value
        raise InvalidArgument(f"{file} is no TOML file of accounts: {fault}. {_EXAMPLE}") from None
    variables, folder = _content(content, file)
    unset = {name: variable for name, variable in variables.items() if not os.getenv(variable)}
    for name, variable in unset.items():
        raise TokenMissing(f"The token of {name} is not there: the environment variable {variable} is unset.")
    histories = None if folder is None else file.parent / Path(folder).expanduser()
    return accounts(
        {name: Secret(os.getenv(variable)) for name, variable in variables.items()}, histories, base_url=base_url
    )


def _content(content: dict[str, Any], file: Path) -> tuple[dict[str, str], str | None]:
    """Return the variable of each account, and the folder."""
    variables, folder = content.pop("accounts", None), content.pop("folder", None)
    if not isinstance(variables, dict) or not variables or content or not isinstance(folder, str | None):
        raise InvalidArgument(f"{file} names no accounts, or something else besides. {_EXAMPLE}")
    if any(looks_like_a_token(name) for name in variables):
        raise InvalidArgument(f"{file} has a token where the name of an account belongs; revoke it. {_EXAMPLE}")
    for name, variable in variables.items():
        if not isinstance(variable, str) or looks_like_a_token(variable):
            raise InvalidArgument(
                f"{file} has a token, or no text, where the environment variable of {name!r} belongs. Tokens do not "
                f"belong into files: put it into a variable, and its name here; revoke one that others may have seen. "
                f"{_EXAMPLE}"
            )
        if not _VARIABLE.fullmatch(variable):
            raise InvalidArgument(
                f"{file} has under {name!r} what cannot be the name of an environment variable. {_EXAMPLE}"
            )
    return variables, folder
