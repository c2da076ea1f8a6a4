"""Text that is shown of a value at the end of a cell: sentences, not every field."""

from __future__ import annotations

from dataclasses import replace

import pytest

import doaudit as da


@pytest.fixture(scope="module")
def account():
    """A simulated account that was read."""
    with da.demo(actions=500) as opened:
        opened.refresh()
        yield opened


def planned(account):
    """A plan of a snapshot."""
    return account.snapshot_runs.plan(int(account.droplets()["id"].iloc[0]), "nightly")


SHOWN = {
    "a refresh": (lambda account: account.refresh(), "0 new actions, 0 newly finished, in 1 request; complete: 500"),
    "a proof": (lambda account: account.refresh().proof, "complete: 500 distinct ids"),
    "a check": (lambda account: account.check(), "Token of   ops@example.com"),
    "the state of a history": (lambda account: account.check().history, "Complete as of 2026-11-23"),
    "a selection": (lambda _: da.Selection(type="resize", since="7d"), 'Selection(since="7d", type=["resize"])'),
    "a snapshot": (planned, "<Run of worker-fra1-13: The droplet will be off for about "),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_value_is_shown_as_what_it_says(account, name):
    """At the end of a cell, and in a list, stands the text that `print` gives."""
    make, begins = SHOWN[name]
    value = make(account)

    assert repr(value).startswith(begins)
    assert str(value) == repr(value)
    assert repr([value]).startswith(f"[{begins}")


def test_a_sentence_cannot_write_to_the_terminal(account):
    """A name from outside in the sentence of a run is shown, and does nothing."""
    run = replace(planned(account), sentence="\x1b[31m\u202eDone")

    assert not {"\x1b", "\u202e"} & set(repr(run))
