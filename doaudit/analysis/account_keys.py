"""The column `account`: a frame of many accounts has it, and what is compared with its like keeps them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from doaudit.actions import ACCOUNT
from doaudit.analysis.engines import quoted, read_columns, to_pandas
from doaudit.analysis.groups import key_columns
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    from doaudit.analysis.groups import By

__all__ = ["account_keys", "check_one_account", "within_accounts"]


def account_keys(actions: IntoFrame) -> list[str]:
    """
    Return the columns that tell accounts apart: `account` of a frame of many accounts, none of a frame of one.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(7, "errored", "resize")], observed_at=1632996060)
        >>> account_keys(actions), account_keys(actions.assign(account="acme"))
        ([], ['account'])
    """
    return [ACCOUNT] if ACCOUNT in nw.from_native(actions).collect_schema().names() else []


def within_accounts(actions: IntoFrame, by: By) -> list[str]:
    """
    Return the columns to group by so that no group is of two accounts: `account` first, where the frame has it.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(7, "errored", "resize")], observed_at=1632996060)
        >>> within_accounts(actions, "type"), within_accounts(actions.assign(account="acme"), "type")
        (['type'], ['account', 'type'])
    """
    keys = key_columns(by)
    return keys if ACCOUNT in keys else [*account_keys(actions), *keys]


def check_one_account(actions: IntoFrame, what: str) -> None:
    """
    Refuse a frame of more than one account, where *what* is computed can only be right of one.

    Raises:
        InvalidArgument: it has actions of more than one account.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> check_one_account(to_frame([Record(7, "errored", "resize")], observed_at=1632996060), "Expected durations")
    """
    if not account_keys(actions):
        return
    accounts = to_pandas(read_columns(actions, [ACCOUNT]).unique())[ACCOUNT].dropna()
    if len(accounts) > 1:
        names = sorted(map(str, accounts))
        raise InvalidArgument(
            f"{what} are those of one account, and these actions are of {len(names)}: {quoted(names)}. Select one "
            f'with da.select(actions, account="{names[0]}").'
        )
