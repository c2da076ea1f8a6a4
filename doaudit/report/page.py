"""The page of a report: one file that needs nothing beside it, with text, figures and tables, for screen and paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from doaudit.analysis.findings import MOST_IN_SHORT, in_short
from doaudit.formatting import count, visible
from doaudit.report.chapters import CHAPTERS, chapter_of
from doaudit.report.figures import inline_svg
from doaudit.report.glossary import WORDS
from doaudit.report.paper import printed_columns
from doaudit.report.tiles import tiles
from doaudit.show import make_grid
from doaudit.show.view import notes_of, table_html, table_stylesheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from jinja2 import Environment

    from doaudit.tables import Table, Variant

__all__ = ["Content", "page"]

_SHOWN_ROWS = 12
_TONES = {"act now": "bad", "look": "warn", "know": "muted"}
_BADGES = {
    "complete": ("good", "Complete"),
    "complete since": ("good", "Complete since"),
    "selection": ("warn", "Selection"),
    "incomplete": ("bad", "Incomplete"),
    "unproved": ("warn", "Not proved"),
}
_NOT_COVERED = (
    "The API records no actor, IP address or reason for a failure, and no logins, DNS or SSH-key events: what is not "
    "in this list may still have happened. An action says that a snapshot was taken; whether it still exists, only the "
    "account can tell."
)
_ACCOUNTS = (
    "Each row is an account: how many of its actions failed, what was found that is to be acted on or looked at, and "
    "whether all of its actions are here."
)
_STARTED = "Each row is an action that doaudit started from this machine; who started the others, the API does not say."
_READS = (
    "When the account was read, the latest read first: with how many requests, how many actions were new, and whether "
    "the read was complete, or why not. It was asked at the time of the machine that read; the other times are the "
    "server's."
)


@dataclass(frozen=True)
class Content:
    """
    All that a page is made of.

    Attributes:
        scope: as `doaudit.report.manifest.scope` makes it.
        tables: by the name of their CSV file.
        figures: SVG, by the name of their variant.
        variants: how the report has the tables of the registry.
        compared: a sentence that says which periods are compared.
        hashes: SHA-256 of each other file, by name.
    """

    scope: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, str]
    variants: Sequence[tuple[Table, Variant]]
    compared: str
    hashes: Mapping[str, str]


def page(content: Content) -> str:
    """Write the page as HTML; the same content gives the same text."""
    scope = content.scope
    tone, word = _BADGES[scope["completeness"]["verdict"]]
    chapters = _chapters(content)
    short = in_short(content.tables["findings"])
    return _environment().get_template("page.html.j2").render(
        title=visible(scope["title"] or f"Audit of {scope['source'] or 'an unnamed source'}"),
        scope=scope,
        stylesheet=_stylesheet(),
        facts=[(name, visible(value)) for name, value in _facts(scope).items()],
        badge={"tone": tone, "word": word, "sentence": visible(scope["completeness"]["sentence"])},
        contents=[("findings", "Findings"), *((each["id"], each["title"]) for each in chapters),
                  ("limits", "What the API cannot tell"), ("words", "Words"), ("files", "Files")],
        findings=[
            {"severity": severity, "tone": _TONES[severity], "sentence": visible(sentence), "chapter": chapter_of(kind)}
            for severity, kind, sentence in short[:MOST_IN_SHORT]
        ],
        findings_more=_more(len(short)),
        is_part=bool(scope["selection"]),
        given=f"{scope['given']:,}",
        tiles=tiles(content.tables, scope, content.compared),
        chapters=chapters,
        not_covered=_NOT_COVERED,
        words=WORDS,
        files=_files(content),
    )  # fmt: skip


def _facts(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that stand on top; the banner and the badge say the others."""
    window, read = scope["window"], scope["observed_at"]
    selection = {"selection": scope["selection"]} if scope["selection"] else {}
    return {
        "account": scope["source"] or "not named",
        "actions": f"{scope['actions']:,}",
        "started": f"{_minute(window['first_started_at'])} to {_minute(window['last_started_at'])} UTC",
        "read": f"{_minute(read['last'])} UTC",
        **selection,
        "written by": f"doaudit {scope['doaudit']}",
    }


def _minute(moment: str | None) -> str:
    return "-" if moment is None else moment[:16].replace("T", " ")


def _more(kinds: int) -> str:
    more = kinds - MOST_IN_SHORT
    return f"{count(more, 'more kind')} of findings {'is' if more == 1 else 'are'} not listed here." if more > 0 else ""


def _chapters(content: Content) -> list[dict[str, Any]]:
    by_table = {variant.name: content.tables[variant.name] for _, variant in content.variants}
    by_table |= {table.name: content.tables[variant.name] for table, variant in reversed(content.variants)}
    chapters = []
    for chapter in CHAPTERS:
        parts = [
            _part(content, table, variant)
            for table, variant in content.variants
            if table.chapter == chapter.name and (variant.section or variant.figure)
        ]
        words = f"Below, {content.compared}." if chapter.name == "changes" else ""
        heading = chapter.heading(by_table)
        chapters.append(_chapter(chapter.name, chapter.title, heading, parts, words))
    last = chapters.pop()  # odd records and the log of reads end the report
    return [*_accounts(content), *chapters, *_started(content), last, *_reads(content)]


def _chapter(
    name: str, title: str, heading: str, parts: list[dict[str, Any]], words: str = "", links: Sequence[object] = ()
) -> dict[str, Any]:
    return {"id": name, "title": title, "heading": heading, "parts": parts, "words": words, "links": links}


def _accounts(content: Content) -> list[dict[str, Any]]:
    if "accounts" not in content.tables:
        return []
    table = content.tables["accounts"]
    reports = content.scope.get("reports", {})
    links = [{"name": visible(name), "page": quote(each["page"])} for name, each in reports.items()]
    unusual = int((table["act_now"] > 0).sum())
    heading = f"{count(len(table), 'account')}; {unusual:,} with something to act on now"
    part = _table_part("accounts", "Accounts", _ACCOUNTS, table, rows=None)
    return [_chapter("accounts", "Accounts", heading, [part], links=links)]


def _started(content: Content) -> list[dict[str, Any]]:
    table = content.tables.get("started")
    if table is None:
        return []
    heading = f"{count(len(table), 'action')} started by doaudit" if len(table) else "doaudit started none of them"
    parts = [_table_part("started", "Started by doaudit", _STARTED, table)] if len(table) else []
    return [_chapter("started", "Started by doaudit", heading, parts)]


def _reads(content: Content) -> list[dict[str, Any]]:
    table = content.tables.get("reads")
    if table is None:
        return []
    heading = f"The account was read {count(len(table), 'time')}" if len(table) else "No read is known"
    return [_chapter("reads", "Log of reads", heading, [_table_part("reads", "Reads", _READS, table)])]


def _part(content: Content, table: Table, variant: Variant) -> dict[str, Any]:
    rows, figure = content.tables[variant.name], content.figures.get(variant.name)
    title = visible(variant.name.replace("_", " ")).capitalize()
    part = _table_part(variant.name, title, table.how_to_read, rows, shown=variant.section)
    label = f"{title}. {table.how_to_read}"
    return part | {"figure": "" if figure is None else _safe(inline_svg(figure, variant.name, label))}


def _table_part(
    name: str, title: str, how_to_read: str, table: pd.DataFrame, *, rows: int | None = _SHOWN_ROWS, shown: bool = True
) -> dict[str, Any]:
    part = {"name": name, "title": title, "how_to_read": how_to_read, "rows": count(len(table), "row"), "figure": ""}
    if not shown or table.empty:
        return part | {"table": "", "unprinted": ""}
    grid = make_grid(table, rows=rows)
    printed = printed_columns(grid)
    unprinted = ", ".join(column.heading for column in grid.columns if column.name not in printed)
    notes = notes_of(grid).split("; columns not shown")[0]
    return part | {"table": _safe(table_html(grid, label=title, notes=notes, printed=printed)), "unprinted": unprinted}


def _files(content: Content) -> list[dict[str, str]]:
    words = {f"{name}.csv": count(len(table), "row") for name, table in content.tables.items()}
    words |= {f"{name}.svg": "figure" for name in content.figures}
    return [
        {"name": name, "words": words.get(name, "all tables"), "sha256": sha256}
        for name, sha256 in content.hashes.items()
    ] + [{"name": name, "words": "see above", "sha256": ""} for name in ("manifest.json", "manifest.sha256")]


@cache
def _stylesheet() -> str:
    own = (files("doaudit.report") / "templates" / "page.css").read_text(encoding="utf-8")
    return _safe(f"{table_stylesheet()}\n{own}")


def _safe(html: str) -> str:
    """Mark HTML whose texts are escaped already: a stylesheet, a table of `doaudit.show`, a figure of matplotlib."""
    from markupsafe import Markup  # noqa: PLC0415 -- comes with Jinja2, which is loaded only to show HTML

    return Markup(html)  # noqa: S704 -- see above


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 -- loaded only to show HTML

    return Environment(
        loader=PackageLoader("doaudit.report"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
