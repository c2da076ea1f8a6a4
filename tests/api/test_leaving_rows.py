"""Rows that leave the list while it is read, and lists without an end: nothing is called complete that is not."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle

import pytest
from changing_list import START, ChangingList, reading_list, row
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.api.paging import most_requests, read_actions
from doaudit.errors import ApiProblem, ReadIncomplete
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store


def read_list(changing, per_page=10, in_flight=1):
    """Read a list once."""
    with reading_list(changing) as client:
        return read_actions(client, per_page=per_page, in_flight=in_flight)


def lose_one_and_get_one(changing):
    """Let the oldest row leave and a new one arrive, so that the total stays."""
    changing.leave(0)
    changing.arrive(1)


@pytest.mark.parametrize("when", range(1, 9))
def test_a_row_that_leaves_is_not_made_up_for_by_one_that_arrives(when):
    """Whenever it happens, the ids in hand are those of the list, or the read is not called complete."""
    changing = ChangingList([row(n) for n in range(50)], {when: lose_one_and_get_one})

    listing = read_list(changing)

    assert listing.proof.complete
    assert listing.proof.distinct_ids == listing.proof.total_reported == 50
    assert {record.id for record in listing.records} - listing.vanished == changing.ids


def test_a_history_is_not_whole_because_its_count_is():
    """Fifty of the oldest leave and 250 arrive between two reads: the newest fifty are not missed."""
    changing, store = ChangingList([row(n) for n in range(1000)]), open_store(":memory:", "mine")
    with reading_list(changing) as client:
        refresh(client, store, names=False)
        changing.leave(*[0] * 50)
        changing.arrive(250)

        second, third = (refresh(client, store, names=False) for _ in range(2))

    assert (second.complete, second.new, len(second.vanished)) == (True, 250, 50)
    assert set(store.ids().tolist()) - set(second.vanished) == changing.ids
    assert (third.complete, third.requests, third.vanished) == (True, 1, ())


@pytest.mark.parametrize("place", [63, 70, pytest.param(78, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("when", range(3, 9))
def test_a_row_that_came_and_went_is_not_taken_for_another(place, when):
    """Of thirty that arrive during a read one leaves again: the row that took its rank is read all the same."""

    def lose_one_of_them(changing):
        changing.leave(place)
        changing.arrive(1)

    changes = {2: lambda changing: changing.arrive(30), when: lose_one_of_them}
    changing = ChangingList([row(n) for n in range(60)], changes)

    listing = read_list(changing)

    assert listing.proof.complete
    assert {record.id for record in listing.records} - listing.vanished == changing.looked_at


def test_a_list_that_loses_rows_all_the_time_is_not_complete():
    """Where a row leaves before each request that is the reason told, and the requests are bounded."""
    changing = ChangingList([row(n) for n in range(100)], dict.fromkeys(range(2, 500), lose_one_and_get_one))

    listing = read_list(changing)

    assert not listing.proof.complete
    assert "rows left the list while it was read" in listing.proof.reason
    assert len(changing.requests) <= most_requests(100, 10)


def test_a_row_that_leaves_and_comes_back_counts_again():
    """What was noted as gone is no longer noted once it is listed."""
    changing, store = ChangingList([row(n) for n in range(300)]), open_store(":memory:", "mine")
    with reading_list(changing) as client:
        refresh(client, store, names=False)
        whole = list(changing.rows)
        changing.leave(7)
        without = refresh(client, store, names=False)
        changing.rows = whole
        again, after = (refresh(client, store, names=False) for _ in range(2))

    assert [each.complete for each in (without, again, after)] == [True] * 3
    assert (without.vanished, again.vanished, after.requests) == ((1007,), (), 1)


CHANGES = st.dictionaries(
    st.integers(1, 30), st.tuples(st.integers(0, 30), st.lists(st.integers(0, 200), max_size=4)), max_size=5
)


@examples(150, quick=4)
@given(
    seconds=st.lists(st.sampled_from([0, 1, 7]), min_size=1, max_size=40),
    reads=st.lists(
        st.tuples(
            CHANGES,
            st.integers(0, 30),
            st.lists(st.integers(0, 200), max_size=6),
            st.none() | st.integers(0, 2500),
        ),
        max_size=3,
    ),
    per_page=st.integers(4, 9),
    pages_a_look=st.sampled_from([2, 5, 250]),
    fails_at=st.none() | st.integers(2, 12),
)
def test_what_is_called_complete_is(seconds, reads, per_page, pages_a_look, fails_at):
    """
    Whatever arrives and leaves, in and between reads of which one is cut off: complete means the ids listed.

    So does "complete from here on", whether no more was asked for or a read was looked at on its way.
    """
    at, rows = 0, []
    for number, gap in enumerate(seconds):
        at += gap
        rows.append(row(number, at))
    changing, store, gone = ChangingList(rows), open_store(":memory:", "mine"), set()
    with reading_list(changing) as client, pytest.MonkeyPatch.context() as patched:
        patched.setattr("doaudit.history.refresh.read_actions", partial(read_actions, per_page=per_page))
        patched.setattr("doaudit.api.read_attempt._PAGES_BETWEEN_LOOKS", pages_a_look)
        patched.setattr("doaudit.api.read_attempt._FEW_PAGES", 1)
        for changes, arriving, leaving, wanted in [*reads, ({}, 0, [], None)]:
            since = None if wanted is None else datetime.fromtimestamp(START + wanted, UTC)
            changing.requests.clear()
            changing.changes = {k: partial(change, *what) for k, what in changes.items()}
            changing.fails_at, fails_at = fails_at, None
            retries = 8 * 5 if changing.fails_at else 0  # of each request that is under way when they begin to fail
            with suppress(ReadIncomplete, ApiProblem):
                result = refresh(client, store, names=False, since=since)
                gone |= set(result.vanished)
                if result.complete:
                    assert set(store.ids().tolist()) - gone == changing.looked_at
                    assert result.proof.distinct_ids == len(changing.looked_at)
                elif result.as_asked:
                    check_part(result.proof, store, changing, gone)
            assert len(changing.requests) <= most_requests(changing.most, per_page) + retries
            changing.leave(*leaving)
            changing.arrive(arriving)


def check_part(proof, store, changing, gone):
    """Check that the history has exactly the listed actions that started since the moment that the proof names."""
    held = store.ids(since=proof.complete_since - timedelta(seconds=1))
    began = {each["id"]: datetime.fromisoformat(each["started_at"]) for each in changing.rows}
    listed = {i for i in changing.looked_at if i not in began or began[i] >= proof.complete_since}
    left = changing.looked_at - began.keys()  # after the last look; nothing tells when these began
    assert set(held.tolist()) - gone <= listed
    assert listed - left <= set(held.tolist()) - gone
    assert len(changing.looked_at) - proof.older == proof.total_reported - proof.older


def change(arriving, leaving, changing):
    """Let rows arrive and leave."""
    changing.leave(*leaving)
    changing.arrive(arriving)


def swinging(*offsets):
    """Return what makes a wrong total out of the true one, another one each time."""
    turns = cycle(offsets)
    return lambda total: total + next(turns)


ODD = {
    "a total that is one too big": {"total_of": lambda total: total + 1},
    "a total that is far too big": {"total_of": lambda total: total + 10**12},
    "a total that is one too small": {"total_of": lambda total: total - 1},
    "a total that swings": {"total_of": swinging(-400, 350, -1, 499, 20, -77, 3)},
    "a total that is too small by turns": {"total_of": swinging(-500, -350)},
    "one page whatever is asked for": {"ignores_page": True},
}


@pytest.mark.parametrize("kind", ODD)
def test_a_list_that_makes_no_sense_is_read_within_bounds(kind):
    """At most two requests for each page and twenty, then INCOMPLETE with a reason; what was read is in hand."""
    changing = ChangingList([row(n) for n in range(1000)])
    vars(changing).update(ODD[kind])

    listing = read_list(changing, per_page=200, in_flight=8)

    assert not listing.proof.complete
    assert listing.proof.reason
    assert len(changing.requests) <= most_requests(1000, 200) + 8
    assert {record.id for record in listing.records} == changing.sent


def test_an_empty_page_is_named():
    """A page that has no rows, though the total says that it has, is the reason told."""
    changing = ChangingList([row(n) for n in range(1000)])
    changing.total_of = lambda total: total + 10**12

    assert (
        read_list(changing, per_page=200).proof.reason
        == "page 6 is empty, though the API reports 1,000,000,001,000 actions"
    )
