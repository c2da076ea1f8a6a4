"""An audit as files: tables as CSV, figures as SVG, one page that needs nothing else, a manifest with their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, Unpack, cast
from urllib.parse import quote

import pandas as pd

from doaudit.actions import ACCOUNT, COLUMNS, only_account
from doaudit.analysis.selection import Conditions, Selection
from doaudit.csv import csv_bytes
from doaudit.errors import FileProblem, InvalidArgument
from doaudit.files import write_files
from doaudit.progress import row_bar
from doaudit.report.completeness import ask
from doaudit.report.contents import Known, actions_table, choose_actions, choose_variants, make_table
from doaudit.report.excel import workbook_bytes
from doaudit.report.figures import figure_svg
from doaudit.report.manifest import MANIFEST, SEAL, Named, facts, files_listed, manifest, scope, seal
from doaudit.report.many import account_table, ask_each
from doaudit.report.page import Content, page
from doaudit.report.verify import Verification, verify
from doaudit.report.written import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from doaudit.report.completeness import Completeness, ReportedAccount
    from doaudit.report.contents import ReportedActions
    from doaudit.report.many import ReportedAccounts
    from doaudit.tables import Table, Variant

__all__ = ["Report", "Verification", "report", "verify"]

_WORKBOOK = "report.xlsx"
_OURS = (".csv", ".svg", ".png", ".xlsx")  # files that a report may have had
_SIMULATED = "simulated account"


def report(  # noqa: PLR0913 -- one for each thing that a report can be told
    actions: pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    account: ReportedAccount | ReportedAccounts | None = None,
    droplets: pd.DataFrame | None = None,
    source: str = "",
    title: str = "",
    by: str = "type",
    each: bool = False,
    excel: bool = False,
    **conditions: Unpack[Conditions],
) -> Report:
    """
    Write one audit of *actions* into *folder*: a page, CSV files, figures, manifest.json and manifest.sha256.

    The page, index.html, is one file that can be sent on alone. It says whether *actions* are all that the account has,
    a selection of them, or not proved; nothing is asked of the API for that. The same actions, of a history in the same
    state, give the same bytes. The files appear all together or not at all where the folder is new. In one that has an
    earlier report the new files take its place, the manifest last; if that fails, the earlier one is there as it was.

    Args:
        actions: an actions frame (see `doaudit.actions`).
        folder: where to; it and its parents are made, and `~` is the user's own folder.
        account: the `doaudit.Account` that the actions come from, or the `doaudit.Accounts`. Its history tells whether
            they are complete, its log of reads becomes reads.csv, and what doaudit started in it started.csv. Without
            it the report says that nothing is known about completeness.
        droplets: those that exist now, as `account.droplets()` returns them, for those without a backup; without it
            only droplets that have an action are known.
        source: whose actions they are; by default the account's own `source`.
        title: of the page; by default it names the source.
        by: the column by which tables are grouped, such as "region".
        each: of several accounts, also write a report of each that has a history, into `accounts/` and its name. They
            are written first; a fault ends all, and leaves those that were written.
        excel: also write all tables as one workbook, report.xlsx, which needs openpyxl (`doaudit[excel]`) and takes
            tens of seconds for as many thousands of actions. Reports of each have none.
        conditions: those of `doaudit.select`, such as `since="30d"` or `region="nyc3"`, for a report of a part. What is
            usual is still told by all actions, and a part with `since` is compared with the window before. Of several
            accounts one is chosen by its own `actions()` and itself as *account*.

    Returns:
        The report: the `path` of index.html, its `findings`, `completeness` in a sentence, and the `sha256` of the
        manifest.

    Raises:
        InvalidArgument: *actions* is no actions frame, a condition or *by* cannot be understood, or *each* is wanted
            where *account* is not several.
        FileProblem: the folder cannot be written; nothing in it has changed then. Or a file of an earlier report cannot
            be deleted.
        NotPossible: *excel* is wanted where openpyxl is not installed.
        HistoryLocked: another process has been using the account's history for too long.
    """
    target = Path(folder).expanduser()
    _check(actions, target)
    chosen = choose_actions(actions, Selection(**conditions))
    completeness = _ask(chosen.rows, account)
    written = {}
    if each:
        options: dict[str, Any] = {"title": title, "by": by, **conditions}
        written = _write_each(actions, target, _several(account), completeness, droplets, options)
    simulated = source == _SIMULATED if account is None else account.is_simulated
    named = Named(title, source or ("" if account is None else account.source), simulated)
    variants = choose_variants(actions, by)
    with row_bar("report", 2 * len(variants), unit=" parts") as add:
        tables = _tables(chosen, variants, Known(droplets, None if account is None else account.started()), add)
        if ACCOUNT in actions.columns:
            tables["accounts"] = account_table(chosen.rows, tables["findings"], completeness)
        if account is not None:
            tables |= {"started": _started_of(chosen, account), "reads": account.history.reads()}
        figures = _figures(chosen, tables, variants, add)
    about = scope(chosen, tables, completeness, named)
    if each:
        about["reports"] = written
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()}
    files |= {f"{name}.svg": svg.encode() for name, svg in figures.items()}
    if excel:
        files[_WORKBOOK] = workbook_bytes(tables, facts(about))
    return _write(target, files, Content(about, tables, figures, variants, chosen.compared, {}))


def _write(target: Path, files: dict[str, bytes], content: Content) -> Report:
    """Write the files of a report with its page and manifest, and delete what an earlier one had besides."""
    hashes = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    files["index.html"] = page(replace(content, hashes=hashes)).encode()
    hashes["index.html"] = hashlib.sha256(files["index.html"]).hexdigest()
    listed = manifest(content.scope, files, hashes)
    files |= {SEAL: seal(listed), MANIFEST: listed}
    earlier = files_listed(target / MANIFEST)
    write_files(target, files.items())
    for stale in sorted(earlier - files.keys()):
        # Names of a manifest are text from a file: only those of files that a report writes are followed.
        if Path(stale).name == stale and stale.endswith(_OURS):
            _delete(target / stale)
    sentence = content.scope["completeness"]["sentence"]
    sha256 = hashlib.sha256(listed).hexdigest()
    return Report(target / "index.html", content.tables["findings"], sentence, sha256)


def _tables(
    chosen: ReportedActions, variants: Sequence[tuple[Table, Variant]], known: Known, add: Callable[[int], None]
) -> dict[str, pd.DataFrame]:
    """Return the actions and each table, by the name of its CSV file."""
    tables = {"actions": actions_table(chosen.rows)}
    for table, variant in variants:
        tables[variant.name] = make_table(table, variant, chosen, known)
        add(1)
    return tables


def _figures(
    chosen: ReportedActions,
    tables: Mapping[str, pd.DataFrame],
    variants: Sequence[tuple[Table, Variant]],
    add: Callable[[int], None],
) -> dict[str, str]:
    figures = {}
    for table, variant in variants:
        if variant.figure:
            figures[variant.name] = figure_svg(table, variant, chosen.rows, tables[variant.name])
        add(1)
    return figures


def _started_of(chosen: ReportedActions, account: ReportedAccount | ReportedAccounts) -> pd.DataFrame:
    """Return what doaudit started, of the reported actions."""
    started = account.started()
    keys = [ACCOUNT, "id"] if ACCOUNT in chosen.rows.columns else ["id"]
    known = pd.MultiIndex.from_frame(chosen.rows[keys].astype(object))
    return started[pd.MultiIndex.from_frame(started[keys].astype(object)).isin(known)].reset_index(drop=True)


def _several(account: ReportedAccount | ReportedAccounts | None) -> ReportedAccounts:
    if not _is_several(account):
        raise InvalidArgument("each=True is for several accounts: give what doaudit.accounts() returns as account=.")
    return account


def _write_each(
    actions: pd.DataFrame,
    target: Path,
    several: ReportedAccounts,
    completeness: Completeness,
    droplets: pd.DataFrame | None,
    options: Mapping[str, Any],
) -> dict[str, dict[str, str]]:
    """Write a report of each account, and return the page and the hash of the manifest of each, by name."""
    members = dict(several.items())
    # Of one whose history cannot be asked, nothing can be said but that.
    asked = [name for name, one in completeness.accounts.items() if one.foreign is not None]
    pages = {}
    with row_bar("reports", len(asked), unit=" reports") as add:
        for name in asked:
            its = None if droplets is None else only_account(droplets, name)
            folder = target / "accounts" / quote(name, safe=" ")
            one = report(only_account(actions, name), folder, account=members[name], droplets=its, **options)
            pages[name] = {"page": one.path.relative_to(target).as_posix(), "manifest_sha256": one.sha256}
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


def _check(actions: pd.DataFrame, target: Path) -> None:
    lacking = [name for name in COLUMNS if name not in actions.columns]
    if lacking:
        raise InvalidArgument(
            f"A report is made of an actions frame, and this one lacks {', '.join(lacking)}. "
            "Use what account.actions() or read_csv() returns."
        )
    if target.exists() and not target.is_dir():
        raise FileProblem(f"{target} is a file, and a report is a folder. Choose another name.")


def _delete(stale: Path) -> None:
    """Delete a file of an earlier report that the new one does not have."""
    try:
        stale.unlink(missing_ok=True)
    except OSError as fault:
        raise FileProblem(
            f"The report is written, but {stale} of an earlier report cannot be deleted ({fault.strerror or fault}), "
            "and is no part of this one. Delete it yourself."
        ) from None
