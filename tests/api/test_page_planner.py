"""Which rows have been seen, and which page to read next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from doaudit.api.page_planner import (
    Read,
    Window,
    every_window,
    gaps,
    is_newest_first,
    next_windows,
    ties_across_pages,
    window_around,
)

PAGES = st.builds(Window, st.integers(1, 9), st.integers(1, 7))


def read(window: Window, rows: list[str]) -> Read:
    """What an answer tells of a list of rows, given newest first."""
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
def test_every_window_shows_every_row_once(total, per_page):
    """The windows of a list are its rows, none left out and none twice."""
    rows = list(range(total))

    shown = [
        row for w in every_window(total, per_page) for row in rows[(w.page - 1) * w.per_page : w.page * w.per_page]
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


def test_a_tie_on_the_edge_of_two_pages_is_torn():
    """Only an edge between two rows of one second is a torn tie."""
    rows = ["e", "d", "d", "c", "b", "a"]

    assert ties_across_pages([read(Window(page, 2), rows) for page in (1, 2, 3)]) == [4]
    assert ties_across_pages([read(Window(page, 3), rows) for page in (1, 2)]) == []


def test_order_is_checked_within_and_between_pages():
    """A newer row below an older one shows, be it on one page or on the next."""
    assert is_newest_first([read(Window(page, 2), ["d", "c", "b", "a"]) for page in (2, 1)])
    assert not is_newest_first([read(Window(page, 2), ["d", "c", "a", "b"]) for page in (1, 2)])
    assert not is_newest_first([read(Window(page, 2), ["b", "a", "d", "c"]) for page in (1, 2)])
    assert is_newest_first([])


def test_oldest_first_list_is_read_again_whole():
    """Ranks mean nothing in a list of another order, so gaps are not trusted there."""
    rows = ["a", "b", "c", "d"]

    word, windows = next_windows([read(Window(1, 2), rows)], [], 4, per_page=2, rounds=[])

    assert word == "all"
    assert {window.per_page for window in windows} == {2, 1}


def test_the_search_ends():
    """However often nothing helps, there comes a round in which nothing is left to try."""
    tied = [read(Window(page, 2), ["a"] * 6) for page in (1, 2, 3)]
    rounds: list[str] = []
    while not rounds or rounds[-1] != "enough":
        word, _ = next_windows(tied, [], 7, per_page=2, rounds=rounds)
        rounds.append(word)

    assert len(rounds) < 30
