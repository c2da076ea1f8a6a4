"""One event of a workflow, from before it is asked for until nothing more is to be learnt about it: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from doaudit.workflow.exchange import (
    Absent,
    Accepted,
    Answered,
    ListRead,
    Lost,
    ReadAction,
    ReadList,
    Refusal,
    Request,
    Seen,
    Send,
    Trouble,
    Wait,
    matching,
)
from doaudit.workflow.expected import next_look_s, timeout_s
from doaudit.workflow.run import Order, OrderState, Run, logged

if TYPE_CHECKING:
    from doaudit.actions import Action

__all__ = [
    "ABSENT_S",
    "Next",
    "bear",
    "brought_up_to_date",
    "carry_out",
    "retry_s",
    "said_missing",
    "seconds",
    "way_is_clear",
]

Next = tuple[Run, Request | None]

ABSENT_S = 120.0  # a fresh thing may be 404 for a while, and what was deleted is so for ever
_LOOKUP_S = 60.0
_LOOKUP_PATIENCE_S = 900.0
_FIRST_LOOK_S = 2.0
_LOOKUP_EVERY_S = 5.0
_TROUBLE_WAIT_S = 10.0
_LONGEST_RETRY_S = 60.0
_SWITCHES_OFF = {"shutdown", "power_off"}
_SAYS = {"power_off": "switch off", "power_on": "switch on", "shutdown": "shut down", "snapshot": "take a snapshot of"}


def seconds(number: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=number)


def carry_out(run: Run, seen: Answered, kind: str, name: str | None = None, *, timeout: float | None = None) -> Next:
    """
    Go on with asking for an event and seeing it end.

    Args:
        run: its `order` is the event; None before it is asked for. Its `phase_deadline` is when to stop waiting.
        seen: what came back.
        kind: the event's type.
        name: of a snapshot.
        timeout: seconds after which the event is overdue; by default as `doaudit.workflow.expected` says.

    Returns:
        The run and what to ask next; None once `run.order.settled`.
    """
    order = run.order
    if isinstance(seen, Trouble | Absent):
        run = bear(run, seen) if isinstance(seen, Trouble) else said_missing(run, seen)
        return _patiently(run, seen.at, retry_s(run), kind)
    run = replace(run, absent_since=None) if isinstance(seen, ListRead | Seen) else run
    if order is None:
        return _before_sending(run, seen, kind, name)
    if order.settled:
        return run, None
    if order.state == "sending":
        return _answered(run, seen, order, timeout)
    return _looked_up(run, seen, order, timeout) if order.state == "lost" else _followed(run, seen, order)


def way_is_clear(run: Run, seen: ListRead) -> tuple[Run, float]:
    """The run, which says what is in the way, and in how many seconds to look again; 0 if nothing is in the way."""
    pending = [action for action in seen.actions if not action.finished]
    if not pending:
        return replace(run, in_the_way=None), 0.0
    first = min(pending, key=lambda action: action.id)
    own = " that this run has started" if first.id in run.action_ids else ""
    which = f"the {first.type} (action {first.id}){own}"
    sentence = f"Waiting for {which} to end: DigitalOcean does one thing at a time to a droplet."
    if run.in_the_way != first.id:
        run = logged(run, seen.at, sentence, first.id)
    age = first.age_s or 0.0
    return replace(run, in_the_way=first.id, sentence=sentence), next_look_s(age, run.expected.get(first.type or ""))


def bear(run: Run, trouble: Trouble) -> Run:
    """The run after something could not be read: it says so, once, and counts what will not pass by itself."""
    if not any(line.text == trouble.text for line in run.log[-3:]):
        run = logged(run, trouble.at, trouble.text)
    return replace(run, troubles=run.troubles + 1, rejections=run.rejections + trouble.final)


def retry_s(run: Run) -> float:
    """How long to wait after something could not be read: the longer, the more often it could not."""
    return min(_TROUBLE_WAIT_S * 2.0 ** max(run.troubles - 1, 0), _LONGEST_RETRY_S)


def said_missing(run: Run, absent: Absent) -> Run:
    """The run after a 404; after two minutes of them the thing is believed to be gone."""
    if run.absent_since is None:
        return replace(logged(run, absent.at, absent.text), absent_since=absent.at)
    return run


def brought_up_to_date(run: Run, seen: ListRead) -> Run:
    """The run with what the list tells of earlier events: how they ended, and that one without an answer did start."""
    by_id = {action.id: action for action in seen.actions}
    orders = []
    for order in run.orders:
        late = order
        if order.action_id is None and order.state in {"sending", "lost", "unknown"}:
            found = matching(seen.actions, order.type, (*order.known, *run.action_ids), order.since)
            if found is not None:
                text = f"The {order.type} that had no answer did start: it is action {found.id}."
                run = logged(run, seen.at, text, found.id)
                late = _accepted(order, found)
        action = by_id.get(late.action_id or 0)
        if action is not None and action.finished and late.state in {"accepted", "overdue"}:
            run = logged(run, seen.at, f"The {late.type} has ended: {action.status}.", action.id)
            late = _ended(late, action, seen.at)
        orders.append(late)
    return replace(run, orders=tuple(orders))


def _before_sending(run: Run, seen: Answered, kind: str, name: str | None) -> Next:
    if not isinstance(seen, ListRead):
        return run, ReadList()
    run, wait = way_is_clear(run, seen)
    if wait:
        return _patiently(run, seen.at, wait, kind)
    known = tuple(action.id for action in seen.actions)
    order = Order(kind, sent_at=seen.at, since=seen.date, known=known)
    power = "unknown" if kind in _SWITCHES_OFF and run.power == "untouched" else run.power
    run = logged(run, seen.at, f"Asking DigitalOcean to {_SAYS.get(kind, kind)} the droplet.")
    return replace(run, order=order, power=power), Send(kind, name)


def _answered(run: Run, seen: Answered, order: Order, timeout: float | None) -> Next:
    if isinstance(seen, Accepted):
        return _follow(run, order, seen.action, seen.at, timeout, f"DigitalOcean has started the {order.type}.")
    if isinstance(seen, Refusal):
        run = logged(run, seen.at, seen.text)
        if run.power == "unknown" and not any(o.type in _SWITCHES_OFF for o in run.orders if o.state != "refused"):
            run = replace(run, power="untouched")
        if not seen.passing:
            return _settled(run, order, "refused", said=seen.text)
        wait = min(_LOOKUP_EVERY_S * 2**run.refusals, _LONGEST_RETRY_S)
        return _patiently(replace(run, order=None, refusals=run.refusals + 1), seen.at, wait, order.type)
    said = seen.text if isinstance(seen, Lost) else "The run was interrupted while this was being asked for."
    text = f"{said} Looking among the droplet's actions for a {order.type} that has started since."
    lost = replace(order, state="lost", said=said)
    deadline = seen.at + seconds(_LOOKUP_PATIENCE_S)
    return replace(logged(run, seen.at, text), order=lost, phase_deadline=deadline), Wait(_FIRST_LOOK_S)


def _looked_up(run: Run, seen: Answered, order: Order, timeout: float | None) -> Next:
    if not isinstance(seen, ListRead):
        return run, ReadList()
    found = matching(seen.actions, order.type, (*order.known, *run.action_ids), order.since)
    if found is not None:
        return _follow(run, order, found, seen.at, timeout, f"The {order.type} did start, as action {found.id}.")
    if seen.at >= order.sent_at + seconds(_LOOKUP_S):
        return _settled(run, order, "unknown", said=order.said)
    return run, Wait(_LOOKUP_EVERY_S)


def _followed(run: Run, seen: Answered, order: Order) -> Next:
    if not isinstance(seen, Seen):
        return run, ReadAction(order.action_id or 0)
    if seen.action.finished:
        ended = _ended(order, seen.action, seen.at)
        run = logged(run, seen.at, f"The {order.type} has ended: {seen.action.status}.", seen.action.id)
        return replace(run, order=ended), None
    age = (seen.at - order.sent_at).total_seconds()
    return _patiently(run, seen.at, next_look_s(age, run.expected.get(order.type)), order.type)


def _follow(run: Run, order: Order, action: Action, at: datetime, timeout: float | None, text: str) -> Next:
    limit = timeout_s(order.type, run.expected.get(order.type)) if timeout is None else timeout
    steps = tuple(
        replace(one, action_id=action.id) if one.status == "running" and one.action_id is None else one
        for one in run.steps
    )
    run = replace(logged(run, at, text, action.id), steps=steps, order=_accepted(order, action), refusals=0)
    return replace(run, phase_deadline=at + seconds(limit)), Wait(_FIRST_LOOK_S)


def _accepted(order: Order, action: Action) -> Order:
    return replace(order, state="accepted", action_id=action.id, started_at=action.started_at)


def _ended(order: Order, action: Action, at: datetime) -> Order:
    state: OrderState = "completed" if action.outcome == "completed" else "errored"
    return replace(order, state=state, ended_at=action.completed_at or at, said=f"it ended '{action.status}'")


def _settled(run: Run, order: Order, state: OrderState, *, said: str) -> Next:
    return replace(run, order=replace(order, state=state, said=said)), None


def _patiently(run: Run, at: datetime, wait: float, kind: str) -> Next:
    """Wait, if there is time left; else settle the event with what is known."""
    deadline = run.phase_deadline or at
    gone = run.absent_since is not None and at >= run.absent_since + seconds(ABSENT_S)
    if at < deadline and not gone:
        return run, Wait(max(min(wait, (deadline - at).total_seconds()), 1.0))
    order = run.order
    if order is None:
        blocked = Order(kind, sent_at=at, since=at)
        return _settled(run, blocked, "blocked", said=run.sentence if run.in_the_way else "it could not be asked for")
    if order.state == "lost":
        return _settled(run, order, "unknown", said=order.said)
    return _settled(run, order, "overdue", said="it is still open")
