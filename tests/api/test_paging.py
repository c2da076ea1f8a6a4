"""The whole list, exactly, whatever happens to it and to the connection meanwhile."""

from __future__ import annotations

import _thread
import threading
from collections import Counter

import pytest
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st
from served import reading

from doaudit.api.paging import read_actions
from doaudit.demo import Fault, World, company_world
from doaudit.demo.world.records import Action
from doaudit.errors import ReadIncomplete, ReadInterrupted, Unauthorized, UnexpectedAnswer

START = 1_795_435_200
PASSING = st.builds(
    Fault,
    st.sampled_from(
        ["server_error", "bad_gateway", "unavailable", "dropped", "truncated", "invalid_json", "burst_limit"]
    ),
    path=st.sampled_from([r"page=1&", r"page=2&", r"page=3&", r"/v2/actions"]),
    after=st.integers(0, 5),
    times=st.integers(1, 2),
)


def world_of(gaps: list[int], **options) -> World:
    """Return an account whose actions start so many seconds apart; equal starts are listed in any order."""
    at, actions = START - 10_000, []
    for n, gap in enumerate(gaps):
        at += gap
        actions.append(Action(id=2**31 + 7 * n, type="reboot", resource_id=1, started_at=at, ends_at=at + 1))
    return World(actions=actions, **options)


def ids_in(world: World) -> list[int]:
    """Return every id the account has at its end: the plain model."""
    return sorted(action.id for action in world.log.page(1, 10**9, world.now))


def largest_tie(gaps: list[int]) -> int:
    """Return how many actions start in the busiest second."""
    starts, at = Counter(), 0
    for gap in gaps:
        at += gap
        starts[at] += 1
    return max(starts.values(), default=0)


@examples(150)
@example(  # a read that ends with rows in hand whose ranks it has forgotten
    gaps=[int(gap) for gap in "105555015015111051050015111500"],
    arrivals={11: 4, 6: 3, 5: 3, 3: 3},
    faults=[],
    per_page=4,
    in_flight=1,
)
@given(
    gaps=st.lists(st.sampled_from([0, 0, 1, 5]), max_size=40),
    arrivals=st.dictionaries(st.integers(1, 12), st.integers(1, 4), max_size=6),
    faults=st.lists(PASSING, max_size=2),
    per_page=st.integers(4, 9),
    in_flight=st.integers(1, 5),
)
def test_nothing_is_lost_and_nothing_is_twice(gaps, arrivals, faults, per_page, in_flight):
    """Under arrivals, reordered ties and passing faults the ids read are those of the account, each once."""
    world = world_of(gaps, arrivals=arrivals)
    world.faults.add(*faults)

    with reading(world) as client:
        listing = read_actions(client, per_page=per_page, in_flight=in_flight)

    ids = sorted(record.id for record in listing.records)
    assert len(ids) == len(set(ids)) == listing.proof.distinct_ids
    assert set(ids) <= set(ids_in(world))
    assert ids == ids_in(world) or not listing.proof.complete
    if largest_tie(gaps) <= per_page // 2:
        assert listing.proof.complete, listing.proof
    assert listing.proof.is_newest_first
    assert bool(listing.proof.reason) != listing.proof.complete


def test_the_proof_is_that_of_the_read():
    """Total, ids, pages, arrivals and times are those of the read."""
    world = world_of([60] * 50, tie_shuffle=0, arrivals={1: 3})

    with reading(world) as client:
        proof = read_actions(client, per_page=10).proof

    assert (proof.total_reported, proof.distinct_ids, proof.pages_read, proof.pages_read_again) == (53, 53, 7, 0)
    assert (proof.arrived, proof.is_newest_first, proof.complete, proof.reason) == (0, True, True, "")
    assert proof.started.timestamp() == proof.finished.timestamp() == START + 3
    assert len(world.requests) == 7, "six pages, and the first one once more"


def test_rows_that_arrive_between_pages_are_found():
    """Pages that were read at different totals leave gaps, which are read again and counted."""
    world = world_of([60] * 50, tie_shuffle=0, arrivals={4: 7, 5: 6})

    with reading(world) as client:
        proof = read_actions(client, per_page=10, in_flight=1).proof

    assert (proof.complete, proof.distinct_ids, proof.arrived) == (True, 63, 13)
    assert proof.pages_read == len(world.requests)
    assert 0 < proof.pages_read_again <= 6


def test_a_tie_longer_than_a_page_is_read_or_reported_never_guessed():
    """Forty actions in one second on pages of ten: either all are in hand or the proof says that some are not."""
    world = world_of([60] * 10 + [0] * 39 + [60] * 10)

    with reading(world) as client:
        listing = read_actions(client, per_page=10)

    assert listing.proof.complete == (sorted(r.id for r in listing.records) == ids_in(world))
    assert len(world.requests) < 60


def test_an_empty_account_is_complete():
    """No actions are a whole list, after one request."""
    world = World()

    with reading(world) as client:
        listing = read_actions(client)

    assert (listing.records, listing.proof.complete, len(world.requests)) == ((), True, 1)


def test_a_page_that_cannot_be_read_is_an_error_that_keeps_the_rest():
    """One page that fails for good is named, and the others are in the error."""
    world = world_of([60] * 50)
    world.faults.add(Fault("server_error", path=r"page=3&", times=None))

    with (
        reading(world) as client,
        pytest.raises(ReadIncomplete, match=r"of 50 actions were read and are kept.*500") as e,
    ):
        read_actions(client, per_page=10, in_flight=1)

    kept = e.value.listing
    assert len(kept.records) == 20
    assert (kept.proof.complete, kept.proof.reason) == (False, "a page failed")


def test_a_first_page_that_fails_is_the_error_itself():
    """A bad token is named as the cause, not a list cut short."""
    world = world_of([60] * 50)
    world.faults.add(Fault("unauthorized", times=None))

    with reading(world) as client, pytest.raises(Unauthorized):
        read_actions(client)


def test_a_page_with_a_record_without_id_is_an_error():
    """A row that could not be told from others is never dropped without notice."""
    world = world_of([60] * 3)
    world.faults.add(Fault("invalid_json", times=None))

    with reading(world) as client, pytest.raises(UnexpectedAnswer, match="could not be read"):
        read_actions(client)


def test_progress_is_reported_on_the_calling_thread():
    """Each response and each wait is reported, with the rows in hand and the reason of the wait."""
    world = world_of([60] * 50)
    world.faults.add(Fault("burst_limit", path=r"page=4&", seconds=9))
    reports, threads = [], set()

    def note(progress):
        reports.append(progress)
        threads.add(threading.current_thread())

    with reading(world) as client:
        read_actions(client, per_page=10, on_progress=note)

    assert threads == {threading.current_thread()}
    assert (reports[-1].rows, reports[-1].total, reports[-1].pages) == (50, 50, 6)
    assert [(p.pause.seconds, p.pause.reason) for p in reports if p.pause] == [(9, "limit of requests a minute")]


def test_ctrl_c_stops_at_once_and_keeps_what_was_read():
    """While pages hang, an interrupt ends the read without waiting for them."""
    world = world_of([60] * 50)
    world.faults.add(Fault("hang", path=r"page=[45]&", times=None, seconds=60))

    def interrupt_when_three_pages_are_in(progress):
        if progress.pages == 3:
            _thread.interrupt_main()

    with reading(world) as client, pytest.raises(ReadInterrupted) as stopped:
        read_actions(client, per_page=10, on_progress=interrupt_when_three_pages_are_in)

    assert isinstance(stopped.value, KeyboardInterrupt)
    assert len(stopped.value.listing.records) == 30
    assert not stopped.value.listing.proof.complete


def test_the_list_of_a_company_is_262_pages():
    """52,292 actions are read in 262 requests, one more look at page 1, and a few where a tie lies on an edge."""
    with reading(company_world()) as client:
        proof = read_actions(client).proof

    assert (proof.total_reported, proof.distinct_ids, proof.complete) == (52_292, 52_292, True)
    assert proof.pages_read - proof.pages_read_again == 262 + 1
