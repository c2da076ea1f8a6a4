"""The table of transitions, held against the machine and against the page that is made from it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from machine_walk import walk
from transition_check import TABLE, transition

from doaudit.snapshot.run import Phase
from doaudit.snapshot.transition_table import TRANSITIONS, transitions_markdown

PAGE = Path(__file__).parents[2] / "docs" / "snapshot_transitions.md"


@pytest.fixture(scope="module")
def moves():
    """Every move that changes the phase, from every state that the driver can bring about."""
    return [move for move in walk() if transition(move.before, move.trigger, move.after)]


def test_the_machine_takes_each_transition_of_the_table_and_no_other(moves):
    """Whatever can come back in whatever state leads where the table says, and each row can happen."""
    taken = {transition(move.before, move.trigger, move.after) for move in moves}

    assert taken - set(TABLE) == set(), "not in the table"
    assert set(TABLE) - taken == set(), "never taken"


def test_a_transition_has_one_row():
    """Two rows for the same phase, trigger and next phase could not be told apart."""
    assert [row for row, times in Counter(TABLE).items() if times > 1] == []


def test_the_table_has_every_phase():
    """A phase without a row says that nothing leads out of it."""
    assert set(TRANSITIONS) == set(get_args(Phase))


def test_a_droplet_that_may_be_off_reaches_an_end_only_through_powering_on(moves):
    """No run ends while the droplet's power has to be restored, unless the token is not accepted or it tried."""
    tried = {"powering on", "confirming on"}
    left_off = [
        move
        for move in moves
        if move.after.ended and move.after.needs_power_on and not move.before.ended and move.before.phase not in tried
    ]

    assert {move.before.auth_errors for move in left_off} == {2}
    assert all(move.trigger.unauthorized for move in left_off)


def test_the_page_is_made_from_the_table():
    """The documentation shows the table as it is; if it changed, write the page again with `transitions_markdown`."""
    assert PAGE.read_text(encoding="utf-8") == transitions_markdown()
