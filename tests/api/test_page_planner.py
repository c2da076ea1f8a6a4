"""The arithmetic of ranks and pages: which rows have been seen, and which page to read next."""

from __future__ import annotations

import time

from hypothesis import example, given
from hypothesis import strategies as st

from doaudit.api.page_planner import (
    Read,
    Recovery,
    Window,
    gaps,
    is_newest_first,
    ties_across_pages,
    window_around,
    windows_of,
)

PAGES = st.builds(Window, st.integers(1, 9), st.integers(1, 7))
READS = st.builds(
    Read,
    st.builds(Window, st.integers(1, 6), st.integers(1, 5)),
    total=st.integers(0, 14),
    starts=st.lists(st.sampled_from(["a", "b", 1, None]), max_size=6).map(tuple),
)


def read(window: Window, rows: list[str]) -> Read:
    """A page of a list of rows, newest first, as it is read."""
    begin = (window.page - 1) * window.per_page
    return Read(window, len(rows), tuple(rows[begin : begin + window.per_page]))


@given(windows=st.lists(PAGES, max_size=6), grown=st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_gaps_are_the_ranks_that_no_page_showed(windows, grown):
    """However a list grows between its pages, the gaps are what a plain set of seen rows lacks."""
    rows = list(range(12))
    seen, reads = set(), []
    for window, more in zip(windows, grown, strict=False):
        rows += range(len(rows), len(rows) + more)
        shown = rows[::-1][(window.page - 1) * window.per_page :][: window.per_page]
        seen |= set(shown)
        reads.append(Read(window, len(rows), tuple(map(str, shown))))

    missing = {rank for first, after in gaps([read.span for read in reads], len(rows)) for rank in range(first, after)}

    assert missing == set(rows) - seen


@given(total=st.integers(0, 60), per_page=st.integers(1, 9))
def test_the_pages_of_all_ranks_show_every_row_once(total, per_page):
    """The windows of a list are its rows, none left out and none twice."""
    rows = list(range(total))

    shown = [
        row
        for w in windows_of([(0, total)], total, per_page)
        for row in rows[(w.page - 1) * w.per_page : w.page * w.per_page]
    ]

    assert shown == rows


@given(position=st.integers(0, 60_000), per_page=st.integers(1, 200))
def test_a_window_around_a_row_has_it_in_its_middle_half(position, per_page):
    """A page laid over an edge shows rows on both sides of it, if a page has more than a few rows."""
    window = window_around(position, per_page)
    place = position - (window.page - 1) * window.per_page

    assert 1 <= window.per_page <= per_page
    assert 0 <= place < window.per_page
    if per_page >= 20 and position >= per_page**2:
        assert window.per_page / 4 <= place <= window.per_page * 3 / 4


def test_a_tie_across_two_pages_is_found():
    """Only an edge between two rows of one second is a tie across pages."""
    rows = ["e", "d", "d", "c", "b", "a"]

    assert ties_across_pages([read(Window(page, 2), rows) for page in (1, 2, 3)]) == [4]
    assert ties_across_pages([read(Window(page, 3), rows) for page in (1, 2)]) == []


@given(reads=st.lists(READS, max_size=12))
@example(reads=[Read(Window(1, 2), 1, ("a", "a")), Read(Window(1, 2), 1, ("a", "b"))])  # more rows than the total
def test_ties_across_pages_are_those_of_the_plain_definition(reads):
    """Whatever was read, the ties are those that comparing every page with every other one finds."""
    plain = {
        upper.lowest
        for upper in reads
        for lower in reads
        if upper.starts
        and lower.lowest < upper.lowest <= lower.above
        and lower.start_at(upper.lowest - 1) == upper.starts[-1]
    }

    assert ties_across_pages(reads) == sorted(plain)


def test_ties_of_a_long_list_are_found_soon():
    """A million rows on 5,000 pages are searched within two seconds, though every edge is a tie."""
    total, starts = 1_000_000, ("a",) * 200
    reads = [Read(window, total, starts) for window in windows_of([(0, total)], total, 200)]
    began = time.process_time()

    ties = ties_across_pages(reads)

    assert time.process_time() - began < 2
    assert ties == list(range(200, total, 200))


def test_order_is_checked_within_and_between_pages():
    """A newer row below an older one shows, be it on one page or on the next."""
    assert is_newest_first([read(Window(page, 2), ["d", "c", "b", "a"]) for page in (2, 1)])
    assert not is_newest_first([read(Window(page, 2), ["d", "c", "a", "b"]) for page in (1, 2)])
    assert not is_newest_first([read(Window(page, 2), ["b", "a", "d", "c"]) for page in (1, 2)])
    assert is_newest_first([])


def test_oldest_first_list_is_read_again_whole():
    """Ranks mean nothing in a list of another order, so gaps are not trusted there."""
    rows = ["a", "b", "c", "d"]

    spent, windows = Recovery().next([read(Window(1, 2), rows)], [], 4, wanted=(0, 4), per_page=2)

    assert spent == Recovery(full_passes=1)
    assert {window.per_page for window in windows} == {2, 1}


def test_gaps_are_read_before_ties_and_ties_before_everything():
    """Two rounds on gaps, then the ties, and a full pass only when neither helps."""
    pages = [read(Window(page, 2), ["e", "d", "d", "c", "b", "a"]) for page in (1, 2)]
    rounds = [Recovery()]
    for _ in range(6):
        spent, windows = rounds[-1].next(pages, [], 6, wanted=(0, 6), per_page=2)
        assert windows[0] == Window(1, 2)
        rounds.append(spent)

    assert rounds[1:] == [
        Recovery(gap_rounds=1, tie_rounds=1),
        Recovery(gap_rounds=2, tie_rounds=2),
        Recovery(gap_rounds=0, tie_rounds=3),
        Recovery(gap_rounds=1, tie_rounds=4),
        Recovery(gap_rounds=2, tie_rounds=5),
        Recovery(full_passes=1),
    ]


@given(reads=st.lists(READS, max_size=6), total=st.integers(0, 20), per_page=st.integers(1, 6))
def test_the_search_ends(reads, total, per_page):
    """However often nothing helps, there comes a round in which nothing is left to try."""
    recovery, windows, rounds = Recovery(), [Window(1, per_page)], 0
    while windows:
        recovery, windows = recovery.next(reads, [], total, wanted=(0, total), per_page=per_page)
        rounds += 1

    assert rounds < 30
    assert recovery.full_passes == 3
