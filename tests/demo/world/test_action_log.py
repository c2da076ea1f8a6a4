"""The list of actions: pages, totals and the order of actions of the same second."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doaudit.demo.world.action_log import ActionLog
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action


def _log(seconds, **options):
    return ActionLog([Action(id=place, type="x", started_at=second) for place, second in enumerate(seconds)], **options)


@given(
    seconds=st.lists(st.integers(0, 12), max_size=40),
    per_page=st.integers(1, 12),
    page=st.integers(1, 9),
    now=st.integers(-1, 13),
    seed=st.integers(0, 5),
    shuffle=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_page_is_a_slice_of_the_newest_first_list(seconds, per_page, page, now, seed, shuffle):
    """Whatever the ties, a page has the seconds of the same slice of a plainly sorted list."""
    log = _log(seconds, seed=seed, tie_shuffle=shuffle)

    shown = [action.started_at for action in log.page(page, per_page, now)]

    plain = sorted((second for second in seconds if second <= now), reverse=True)
    assert shown == plain[(page - 1) * per_page : page * per_page]
    assert log.total(now) == len(plain)


@given(seconds=st.lists(st.integers(0, 6), max_size=40), per_page=st.integers(1, 12), seed=st.integers(0, 5))
def test_with_a_fixed_order_of_ties_the_pages_have_each_action_once(seconds, per_page, seed):
    """Where actions of a second keep their order, the pages have each action exactly once."""
    log = _log(seconds, seed=seed, tie_shuffle=0)

    read = [action.id for page in range(1, len(seconds) + 2) for action in log.page(page, per_page, now=6)]

    assert Counter(read) == Counter(range(len(seconds)))


def test_actions_of_a_second_change_their_order_between_reads():
    """With shuffled ties a page comes in several orders, by second still newest first."""
    log = _log([5] * 8 + [4])

    orders = {tuple(action.id for action in log.page(1, 9, now=5)) for _ in range(20)}

    assert len(orders) > 10
    assert {order[-1] for order in orders} == {8}


def test_shuffled_ties_can_hide_an_action_and_repeat_another():
    """A second that is cut by a page boundary may lose an action in a read, which a client has to notice."""
    log = _log([5] * 10)

    readings = [[a.id for page in (1, 2) for a in log.page(page, 5, now=5)] for _ in range(20)]

    assert any(len(set(reading)) < 10 for reading in readings)


def test_the_order_of_ties_depends_only_on_the_seed_and_the_reads_of_a_page():
    """Two clients of equal worlds get the same order, whatever pages they read in between."""
    first_log, second_log = _log([5] * 30, seed=3), _log([5] * 30, seed=3)

    for page in (3, 1, 1):
        second_log.page(page, 10, now=5)
    first = [action.id for action in first_log.page(2, 10, now=5)]

    assert [action.id for action in second_log.page(2, 10, now=5)] == first


def test_ties_are_not_in_the_order_of_their_ids():
    """Within a second the order says nothing about the ids, even where it is fixed."""
    log = _log([5] * 20, tie_shuffle=0)

    ids = [action.id for action in log.page(1, 20, now=5)]

    assert ids not in (sorted(ids), sorted(ids, reverse=True))


def test_an_action_is_not_visible_before_it_starts():
    """The list, the total and the single read all depend on the clock."""
    log = _log([10, 20])

    assert log.total(now=19) == 1
    assert log.get(1, now=19) is None
    assert log.get(1, now=20).started_at == 20


def test_an_id_belongs_to_one_action():
    """Two actions with the same id are rejected."""
    with pytest.raises(ValueError, match="same id"):
        ActionLog([Action(id=1, type="x", started_at=START), Action(id=1, type="y", started_at=START)])
