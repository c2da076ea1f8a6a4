"""The virtual clock: standing still, advancing and following a source of time."""

from __future__ import annotations

import pytest

from doaudit.demo.world.clock import START, Clock, iso


def test_the_clock_starts_at_the_documented_time():
    """A clock that has not been moved shows 2026-11-23T12:00:00Z."""
    assert iso(Clock().second) == "2026-11-23T12:00:00Z"


def test_a_clock_stands_still_until_it_is_advanced():
    """The time is the start plus the seconds that it was advanced by."""
    clock = Clock()

    clock.advance(0.4)
    clock.advance(0.7)

    assert clock.now == pytest.approx(START + 1.1)
    assert clock.second == START + 1


def test_a_clock_that_follows_a_source_can_also_be_advanced():
    """The seconds of the source since it is followed, times the speed, add to those advanced by hand."""
    clock, elapsed = Clock(start=1000), [50.0]

    clock.follow(lambda: elapsed[0], speed=60)
    elapsed[0] = 52.0
    clock.advance(7)

    assert clock.now == 1000 + 2 * 60 + 7


def test_a_change_of_speed_keeps_the_time():
    """Following another source or speed keeps the time that has passed."""
    clock, elapsed = Clock(start=0), [0.0]
    clock.follow(lambda: elapsed[0], speed=60)
    elapsed[0] = 1.0

    clock.follow(lambda: elapsed[0], speed=0)
    elapsed[0] = 100.0

    assert clock.now == 60


def test_a_clock_never_goes_back():
    """A negative step or speed is rejected, with the value."""
    with pytest.raises(ValueError, match="-1"):
        Clock().advance(-1)
    with pytest.raises(ValueError, match="-2"):
        Clock().follow(lambda: 0.0, speed=-2)
