"""
Many accounts as one: each has a history of its own, all are refreshed side by side, and are one frame.

    agency = da.accounts({"acme": token, "globex": another}, folder="histories")
    actions = agency.actions()                          # the column `account` in front
    da.failure_rates(actions, by=["account", "type"])
    agency["acme"].snapshot(droplet_id)                 # one of them, as `doaudit.Account`

What compares like with like (open actions, incidents, changes, findings, the sequences of a resource) keeps accounts
apart by itself.
"""

from doaudit.accounts.file import read_accounts
from doaudit.accounts.many import Accounts, accounts
from doaudit.accounts.refresh import AccountsRefresh

__all__ = ["Accounts", "AccountsRefresh", "accounts", "read_accounts"]
