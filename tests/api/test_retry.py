"""The retry policy: which GETs are sent again, and after how long."""

from __future__ import annotations

import pytest

from doaudit.api.retry import Attempts, RetryLimits, pause_after_no_response, pause_after_response, reserve_pause

NOW = 1_795_435_200


def waits(status: int, headers: dict[str, str] | None = None, *, jitter: float = 1.0) -> list[float]:
    """Return the seconds before each retry, if every attempt gets the same response, until it is final."""
    attempts, seconds = Attempts(), []
    while pause := pause_after_response(status, headers or {}, attempts, now=NOW, jitter=jitter):
        seconds.append(pause.seconds)
        attempts = pause.attempts
    return seconds


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
def test_a_refusal_is_final(status):
    """Sending a refused request again changes nothing."""
    assert waits(status) == []


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 524])
def test_a_fault_is_retried_four_times_ever_later(status):
    """Five attempts in all, the wait doubling from half a second."""
    assert waits(status) == [0.5, 1.0, 2.0, 4.0]
    assert waits(status, jitter=0.0) == [0.25, 0.5, 1.0, 2.0]


def faults(budget_s, took_s=0.0, headers=None):
    """Return the seconds before each retry of a request whose every attempt takes so long and ends in a fault."""
    attempts, seconds, limits = Attempts(), [], RetryLimits(fault_budget_s=budget_s)
    while pause := pause_after_response(
        503, headers or {}, attempts.plus_fault_s(took_s), now=NOW, jitter=1, limits=limits
    ):
        seconds.append(pause.seconds)
        attempts = pause.attempts
    return seconds


@pytest.mark.parametrize("took_s", [0.0, 0.2, 7.0, 60.0])
@pytest.mark.parametrize("budget_s", [0.0, 10.0, 120.0, 600.0])
def test_faults_last_for_a_time_budget(budget_s, took_s):
    """Waits double to 30 s, and with what the attempts take they fit the budget, and no further wait would."""
    waits_s = faults(budget_s, took_s)
    plain = [min(0.5 * 2**n, 30.0) for n in range(99)]
    most = next(n for n in range(99) if sum(plain[: n + 1]) + (n + 1) * took_s > budget_s)

    assert waits_s == plain[:most]


def test_a_wait_that_is_asked_for_costs_no_budget():
    """A fault that names the time to come back is waited for, four times."""
    assert faults(120.0, headers={"retry-after": "3000"}) == [3000] * 4


def test_no_response_is_retried_like_a_fault():
    """No response counts as one attempt, as a 5xx does."""
    attempts = Attempts(faults=3)

    assert pause_after_no_response("timed out", attempts, jitter=1.0).seconds == 4.0
    assert pause_after_no_response("timed out", Attempts(faults=4), jitter=1.0) is None


def test_burst_limit_waits_as_long_as_it_says_and_costs_no_attempt():
    """A 429 with retry-after says when to come back, for every request of the token."""
    pause = pause_after_response(
        429, {"retry-after": "17", "ratelimit-reset": str(NOW + 900)}, Attempts(), now=NOW, jitter=1
    )

    assert (pause.seconds, pause.account_wide, pause.attempts.faults) == (17, True, 0)


@pytest.mark.parametrize(("reset_in", "wait"), [(90, 90), (-5, 1), (0, 1), (999_999, 3600)])
def test_hour_limit_waits_for_the_next_free_slot(reset_in, wait):
    """Without retry-after the reset counts, though it may lie in the past or far away."""
    pause = pause_after_response(429, {"ratelimit-reset": str(NOW + reset_in)}, Attempts(), now=NOW, jitter=1)

    assert (pause.seconds, pause.account_wide) == (wait, True)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "soon"}, {"ratelimit-reset": "-1"}, {"retry-after": "nan"}])
def test_unreadable_limit_headers_fall_back_to_a_short_wait(headers):
    """A limit without a readable header is waited out for a second at first."""
    assert pause_after_response(429, headers, Attempts(), now=NOW, jitter=1).seconds == 1


def test_limits_fail_in_the_end():
    """No request waits for ever."""
    assert len(waits(429, {"retry-after": "1"})) == 60


def test_retry_after_of_a_fault_is_honoured():
    """A 503 that names a time is not asked again before it."""
    assert waits(503, {"retry-after": "7"}) == [7, 7, 7, 7]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "asked", ["7200", "nan", "-5", "inf", "1e999", "soon", "", "0x10", "9" * 5000, "Mon, 1 Jan 2029"]
)
def test_no_wait_is_longer_than_it_may_be_whatever_is_asked_for(status, asked):
    """An hour at most, or what the caller allows, and never less than nothing."""
    for name in ("retry-after", "ratelimit-reset"):
        for longest_s in (3600, 120, 3):
            pause = pause_after_response(
                status, {name: asked}, Attempts(), now=NOW, jitter=1, limits=RetryLimits(longest_s)
            )
            assert 0 < pause.seconds <= longest_s


@pytest.mark.parametrize("reset", [NOW + 7200, NOW - 5, "nan", "inf", "1e308", ""])
@pytest.mark.parametrize("left", ["0", "nan", "-1", "1e999"])
def test_the_pause_for_the_reserve_is_no_longer_than_it_may_be(reset, left):
    """The reserve is waited for like a limit, and headers that make no sense are not waited for."""
    headers = {"ratelimit-limit": "5000", "ratelimit-remaining": left, "ratelimit-reset": str(reset)}
    pause = reserve_pause(headers, 0.1, now=NOW, longest_s=120)

    assert pause is None or 1 <= pause.seconds <= 120
    assert (pause is None) == (left != "0" or reset in {"nan", "inf", ""})


def test_the_wait_after_no_response_is_no_longer_than_it_may_be():
    """The bound holds after a fault as well."""
    assert pause_after_no_response("timed out", Attempts(faults=3), jitter=1.0, limits=RetryLimits(1)).seconds == 1
