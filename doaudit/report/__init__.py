"""An audit as files: tables as CSV, figures as PNG, a page that shows them, and a manifest with their hashes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast
from urllib.parse import quote

from doaudit.actions import ACCOUNT, COLUMNS, only_account
from doaudit.csv import csv_bytes
from doaudit.errors import FileProblem, InvalidArgument
from doaudit.files import write_files
from doaudit.progress import row_bar
from doaudit.report.completeness import ask
from doaudit.report.excel import workbook_bytes
from doaudit.report.manifest import MANIFEST, SEAL, facts, files_listed, manifest, scope, seal
from doaudit.report.many import account_table, ask_each
from doaudit.report.page import page
from doaudit.report.verify import Verification, verify
from doaudit.tables import TABLES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pandas as pd

    from doaudit.report.completeness import Completeness, ReportedAccount
    from doaudit.report.many import ReportedAccounts
    from doaudit.tables import Table, Variant

__all__ = ["Verification", "report", "verify"]

_DPI = 110
_READS = "reads.csv"
_WORKBOOK = "report.xlsx"
_SIMULATED = "simulated account"


def report(
    actions: pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    account: ReportedAccount | ReportedAccounts | None = None,
    source: str = "",
    each: bool = False,
    excel: bool = False,
) -> Path:
    """
    Write one audit of *actions* into *folder*: CSV files, figures, index.html, manifest.json and manifest.sha256.

    The report says whether *actions* are all that the account has, a selection of them, or not proved; nothing is asked
    of the API for that. The same actions, of a history in the same state, give the same bytes. The files appear all
    together or not at all where the folder is new. In one that has an earlier report the new files take its place, the
    manifest last; if that fails, the earlier report is there as it was.

    Args:
        actions: an actions frame (see `doaudit.actions`).
        folder: where to; it and its parents are made, and `~` is the user's own folder.
        account: the `doaudit.Account` that the actions come from, or the `doaudit.Accounts`. Its history tells whether
            they are complete, and its log of reads becomes reads.csv. Without it the report says that nothing is known
            about completeness.
        source: whose actions they are; by default the account's own `source`.
        each: of several accounts, also write a report of each that has a history, into `accounts/` and its name. They
            are written first; a fault ends all, and leaves those that were written.
        excel: also write all tables as one workbook, report.xlsx, which needs openpyxl (`doaudit[excel]`) and takes
            tens of seconds for as many thousands of actions. Reports of each have none.

    Returns:
        The path of index.html.

    Raises:
        InvalidArgument: *actions* is no actions frame, or *each* is wanted where *account* is not several.
        FileProblem: the folder cannot be written; nothing in it has changed then. Or reads.csv of an earlier report
            cannot be deleted.
        NotPossible: *excel* is wanted where openpyxl is not installed.
        HistoryLocked: another process has been using the account's history for too long.
    """
    _check_columns(actions)
    target = Path(folder).expanduser()
    if target.exists() and not target.is_dir():
        raise FileProblem(f"{target} is a file, and a report is a folder. Choose another name.")
    completeness = _ask(actions, account)
    written = _write_each(actions, target, account, completeness) if each else {}
    variants = [(table, _of_accounts(variant, actions)) for table in TABLES for variant in table.variants]
    tables = _tables(actions, variants, completeness)
    figures = dict(_figures(actions, tables, variants))
    simulated = source == _SIMULATED
    if account is not None:
        tables["reads"] = account.history.reads()
        source, simulated = source or account.source, account.is_simulated
    about = scope(actions, tables, completeness, source=source, simulated=simulated)
    if each:
        about["reports"] = written
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()} | figures
    if excel:
        files[_WORKBOOK] = workbook_bytes(tables, facts(about))
        about["workbook"] = _WORKBOOK
    sections = [(table, variant) for table, variant in variants if variant.section]
    files["index.html"] = page(about, tables, list(figures), sections).encode()
    listed = manifest(about, files)
    files |= {SEAL: seal(listed), MANIFEST: listed}
    earlier = files_listed(target / MANIFEST)
    write_files(target, files.items())
    for stale in {_READS, _WORKBOOK} & (earlier - files.keys()):
        _delete(target / stale)
    return target / "index.html"


def _tables(
    actions: pd.DataFrame, variants: list[tuple[Table, Variant]], completeness: Completeness
) -> dict[str, pd.DataFrame]:
    """Return the actions and each table, by the name of its CSV file."""
    tables = {
        "actions": actions[[name for name in (ACCOUNT, *COLUMNS) if name in actions.columns]],
        **{variant.name: table.function(actions, **variant.arguments) for table, variant in variants},
    }
    if ACCOUNT in actions.columns:
        tables["accounts"] = account_table(actions, tables["findings"], completeness)
    return tables


def _write_each(
    actions: pd.DataFrame,
    target: Path,
    account: ReportedAccount | ReportedAccounts | None,
    completeness: Completeness,
) -> dict[str, dict[str, str]]:
    """Write a report of each account, and return the page and the hash of the manifest of each, by name."""
    if not _is_several(account):
        raise InvalidArgument("each=True is for several accounts: give what doaudit.accounts() returns as account=.")
    members = dict(account.items())
    # Of one whose history cannot be asked, nothing can be said but that.
    asked = [name for name, one in completeness.accounts.items() if one.foreign is not None]
    pages = {}
    with row_bar("reports", len(asked), unit=" reports") as add:
        for name in asked:
            page_of_it = report(
                only_account(actions, name), target / "accounts" / quote(name, safe=" "), account=members[name]
            )
            sha = hashlib.sha256(page_of_it.with_name(MANIFEST).read_bytes()).hexdigest()
            pages[name] = {"page": page_of_it.relative_to(target).as_posix(), "manifest_sha256": sha}
            add(1)
    return pages


def _is_several(account: ReportedAccount | ReportedAccounts | None) -> TypeGuard[ReportedAccounts]:
    return isinstance(cast("object", account), Mapping)


def _ask(actions: pd.DataFrame, account: ReportedAccount | ReportedAccounts | None) -> Completeness:
    if not _is_several(account):
        return ask(actions["id"].to_numpy(), cast("ReportedAccount | None", account), actions["started_at"].min())
    if ACCOUNT not in actions.columns:
        raise InvalidArgument(
            "These actions do not say of which account they are, and several were given as account=. Use what "
            "actions() of all of them returns, or give the one that these are of."
        )
    return ask_each(actions, account)


def _of_accounts(variant: Variant, actions: pd.DataFrame) -> Variant:
    """Return how a report of several accounts has a table: by resource is by account and resource."""
    if ACCOUNT not in actions.columns or variant.arguments.get("by") != "resource":
        return variant
    return replace(variant, arguments={**variant.arguments, "by": [ACCOUNT, "resource"]})


def _check_columns(actions: pd.DataFrame) -> None:
    lacking = [name for name in COLUMNS if name not in actions.columns]
    if lacking:
        raise InvalidArgument(
            f"A report is made of an actions frame, and this one lacks {', '.join(lacking)}. "
            "Use what account.actions() or read_csv() returns."
        )


def _delete(stale: Path) -> None:
    """Delete a file of an earlier report that the new one does not have."""
    try:
        stale.unlink(missing_ok=True)
    except OSError as fault:
        raise FileProblem(
            f"The report is written, but {stale} of an earlier report cannot be deleted ({fault.strerror or fault}), "
            "and is no part of this one. Delete it yourself."
        ) from None


def _figures(
    actions: pd.DataFrame, tables: dict[str, pd.DataFrame], variants: list[tuple[Table, Variant]]
) -> Iterator[tuple[str, bytes]]:
    # Drawn on figures of their own, not through pyplot, so that a report can be written from any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 -- see below
    from matplotlib.figure import Figure  # noqa: PLC0415 -- matplotlib is loaded only where something is drawn

    for table, variant in variants:
        if not variant.figure:
            continue
        figure = Figure(figsize=(9, variant.height_inches), dpi=_DPI, layout="constrained")
        table.draw(actions, tables[variant.name], variant.arguments, ax=figure.subplots())
        buffer = io.BytesIO()
        # Without the name and version of the software, which would change bytes that show the same picture. By its
        # canvas, which draws it once; savefig would lay it out and draw it twice.
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
        yield f"{variant.name}.png", buffer.getvalue()
