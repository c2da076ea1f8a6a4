"""A panel to explore actions: filters, a timeline, durations, failure rates, findings and every row."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Unpack, cast

import anywidget
import pandas as pd
import traitlets

from doaudit.actions import ACCOUNT
from doaudit.analysis.selection import Conditions, Selection
from doaudit.errors import ApiProblem
from doaudit.explore.exploration import CSV_ROWS, Exploration
from doaudit.explore.question import read_question
from doaudit.report import report
from doaudit.widgets.explorer_text import fallback_html, fallback_text
from doaudit.widgets.fault_text import fault_text
from doaudit.widgets.static_fallback import StaticFallback
from doaudit.widgets.static_files import static_text

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from doaudit.analysis.selection import OneOrMany
    from doaudit.explore.question import Question
    from doaudit.report import Report

__all__ = ["ActionSource", "Explorer"]

_PARTS = ("base.js", "explorer_filters.js", "explorer_timeline.js", "explorer_tables.js", "explorer.js")
_FAR_S = 1 << 53  # beyond every time


class ActionSource(Protocol):
    """An account, or several: what has actions and droplets."""

    def actions(self) -> pd.DataFrame:
        """Return the actions, after a refresh."""

    def droplets(self) -> pd.DataFrame:
        """Return the droplets that exist now."""


class Explorer(StaticFallback, anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """
    A panel to explore actions: choose values, drag over the timeline, search, sort, and take the rows away.

    It only reads. What is chosen is a `Selection`; `actions` are the rows that it selects, and `code` is the line that
    selects the same without the panel. Counts beside the values of a filter are those that choosing it would give.

    Args:
        source: an account or several, whose `actions()` are read first, or an actions frame in pandas.
        droplets: those that exist now, as `account.droplets()` returns them, for findings on backups; an account is
            asked for them.
        name: the name of the frame in the lines of code.

    Raises:
        InvalidArgument: the frame holds no actions.
        ApiProblem, HistoryLocked: the account's actions could not be read; `Explorer(account.actions(refresh=False))`
            shows those that were read before.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     explorer = Explorer(account)
        >>> explorer.select(type="snapshot", outcome="errored")
        >>> len(explorer.actions), explorer.code
        (124, 'da.select(actions, type=["snapshot"], outcome=["errored"])')
    """

    _esm: ClassVar[str] = static_text(*_PARTS)
    _css: ClassVar[str] = static_text("base.css", "explorer.css")
    _name = "Explorer"
    fallback_class = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, source: ActionSource | pd.DataFrame, *, droplets: pd.DataFrame | None = None, name: str = "actions"
    ) -> None:
        super().__init__()
        self.fallback_class = self._fallback_class
        if not isinstance(source, pd.DataFrame) and hasattr(source, "droplets"):
            droplets = _droplets(source) if droplets is None else droplets
            source = source.actions()
        self._frame, self._droplets, self._frame_name = cast("pd.DataFrame", source), droplets, name
        self._exploration = Exploration(self._frame, droplets)
        self._selection = Selection()
        self._span: tuple[int, int] | None = None  # that the timeline shows
        self._seen: tuple[object, dict[str, Any]] | None = None
        self._is_shown = self._is_looking = False
        self._wanted = Selection()  # whose findings are looked for
        self.on_msg(self._receive)

    @property
    def selection(self) -> Selection:
        """The conditions that are chosen; see `doaudit.Selection`."""
        return self._selection

    @property
    def actions(self) -> pd.DataFrame:
        """The selected rows of the frame, as `doaudit.select` returns them."""
        return self._exploration.selected(self._selection)

    @property
    def code(self) -> str:
        """The line of code that selects the same."""
        return self._code_of(self._selection)

    def select(self, *, account: OneOrMany = None, **conditions: Unpack[Conditions]) -> None:
        """
        Choose a selection from Python, in place of the one that is chosen; every view of the panel shows it.

        Args:
            account: values of that column, in a frame of many accounts.
            conditions: those of `doaudit.select`; none selects everything.

        Raises:
            InvalidArgument: a condition cannot be understood.
        """
        self._look(Selection(account=account, **conditions), None)

    def report(self, folder: str | os.PathLike[str], **options: Any) -> Report:  # noqa: ANN401 -- those of `report`
        """
        Write the report of the selection; see `doaudit.report`, whose other arguments are *options*.

        Raises:
            As `doaudit.report`.
        """
        chosen = {name: getattr(self._selection, name) for name in self._selection.conditions()}
        account = chosen.pop(ACCOUNT, None)
        frame = self._frame if account is None else Selection(account=account).apply(self._frame)
        return report(frame, folder, **{"droplets": self._droplets, **chosen, **options})

    def _code_of(self, selection: Selection) -> str:
        return selection.code(self._frame_name) if selection.conditions() else self._frame_name

    def _receive(self, widget: object, content: Any, buffers: Sequence[object]) -> None:  # noqa: ANN401 -- anything
        """Answer a message; nobody would see what a handler raises, so a fault is an answer, too."""
        del widget, buffers
        asked = content if isinstance(content, dict) else {}
        about = {name: asked.get(name) for name in ("view", "number") if isinstance(asked.get(name), str | int)}
        try:
            question = read_question(content)
            if question.kind == "look":
                self._look(question.selection or self._selection, question)
            else:
                answer, buffer = self._answer(question)
                self.send({"kind": question.kind, **about, **answer}, buffer)
        except Exception as error:  # noqa: BLE001 -- see above
            of = asked.get("kind") if isinstance(asked.get("kind"), str) else None
            self.send({"kind": "fault", "of": of, "text": fault_text(error), **about})

    def _answer(self, question: Question) -> tuple[dict[str, Any], list[bytes] | None]:
        chosen = question.selection or self._selection
        if question.kind == "find":
            return {"found": self._exploration.find(question.text)}, None
        if question.kind == "findings":
            self._look_for_findings(chosen)
            return {"found": None}, None
        if question.kind == "resource":
            return self._exploration.resource(question.resource, question.account), None
        if question.kind == "rows":
            place = question.offset, question.limit
            return self._exploration.rows(chosen, question.sort, *place, down=question.down), None
        piece, selected = self._exploration.csv(chosen, question.offset)
        rows = max(0, min(CSV_ROWS, selected - question.offset))
        return {"selected": selected, "rows": rows, "key": repr(chosen)}, [piece]

    def _look(self, selection: Selection, question: Question | None) -> None:
        """Select, and tell every view what is to be seen now."""
        with self._lock:
            span = self._span_of(selection, question)
            seen = self._view_of(selection, span)
            self._selection, self._span = selection, span
            about = {"view": question and question.view, "number": question and question.number}
            is_current = question is not None and question.selection is None
            self._is_shown = self._is_shown or question is not None
            self._update_fallback()  # first: what a page has shown is there to read when the kernel has ended
            if self._is_shown:
                self.send({"kind": "look", **about, "is_current": is_current, **seen})

    def _span_of(self, selection: Selection, question: Question | None) -> tuple[int, int] | None:
        """Return what the timeline is to show, as long as there is a window: where it was zoomed in, or everything."""
        since, until = self._exploration.window_of(selection)
        zoom = None if question is None else question.zoom
        if zoom is False or (since is None and until is None):
            return None
        return (-_FAR_S if since is None else since, _FAR_S if until is None else until) if zoom else self._span

    def _view_of(self, selection: Selection, span: tuple[int, int] | None) -> dict[str, Any]:
        """Return what is to be seen of a selection, and keep the last."""
        if self._seen is None or self._seen[0] != (selection, span):
            given = selection.conditions()
            chosen = {name: getattr(selection, name) for name in given}
            told = {
                "selection": {name: list(each) if isinstance(each, tuple) else each for name, each in chosen.items()},
                "names": self._exploration.names_of(selection.resource or ()),
                "code": self._code_of(selection),
                "report_code": _report_line(self._frame_name, given),
                "columns": self._exploration.columns,
            }
            self._seen = (selection, span), self._exploration.look(selection, span) | told
        return self._seen[1]

    def _look_for_findings(self, selection: Selection) -> None:
        """Look for findings in a thread, which takes seconds for a million actions; every view is told."""
        with self._lock:
            self._wanted = selection
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._find_findings, name="doaudit-findings", daemon=True).start()

    def _find_findings(self) -> None:
        """Look for the findings that are wanted, again if others are wanted meanwhile, and tell every view."""
        while True:
            wanted = self._wanted
            try:
                found = self._exploration.findings(wanted)
            except Exception as error:  # noqa: BLE001 -- nobody sees what a thread raises
                found = [("look", "error", f"No findings: {fault_text(error)}")]
            with self._lock:
                if self._wanted == wanted:
                    # A page may show another selection by now, for which these are not.
                    self.send({"kind": "findings", "code": self._code_of(wanted), "found": found})
                    self._is_looking = False
                    return

    def _static_fallback(self) -> tuple[str, str]:
        seen = self._view_of(self._selection, self._span)
        return fallback_html(seen), fallback_text(seen)


def _droplets(source: ActionSource) -> pd.DataFrame | None:
    """Return the droplets that exist; None where this token may not read them, or they could not be read."""
    try:
        return source.droplets()
    except ApiProblem:
        return None


def _report_line(name: str, given: dict[str, str]) -> str:
    account = given.get(ACCOUNT)
    frame = name if account is None else f"da.select({name}, {account})"
    conditions = [code for condition, code in given.items() if condition != ACCOUNT]
    arguments = ", ".join([frame, '"report"', *conditions])
    return f"da.report({arguments})"
