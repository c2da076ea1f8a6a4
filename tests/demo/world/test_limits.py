"""The hourly limit and the burst limit of a token."""

from __future__ import annotations

import pytest

from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.limits import Limits


def test_each_request_counts_for_one_hour():
    """A request is allowed again exactly an hour after the oldest counted one, and reset names that second."""
    limits = Limits(hourly=2)
    limits.admit("a", now=0)
    limits.admit("a", now=600)

    with pytest.raises(ErrorResponse) as rejection:
        limits.admit("a", now=3599)

    assert rejection.value.status == 429
    assert rejection.value.message == "API Rate limit exceeded."
    assert rejection.value.headers == {"ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "3600"}
    limits.admit("a", now=3600)
    assert limits.headers("a", now=3600)["ratelimit-reset"] == "4200"


def test_the_burst_limit_has_retry_after_and_no_remaining_requests():
    """A burst 429 has retry-after, and remaining 0 although the hourly limit is not used up."""
    limits = Limits(hourly=5000, burst=3)
    for second in (0, 10, 20):
        limits.admit("a", now=second)

    with pytest.raises(ErrorResponse) as rejection:
        limits.admit("a", now=30)

    assert rejection.value.message == "Too many requests"
    assert rejection.value.headers["retry-after"] == "30"
    assert rejection.value.headers["ratelimit-remaining"] == "0"
    assert limits.headers("a", now=30)["ratelimit-remaining"] == "4997"
    limits.admit("a", now=60)


def test_there_is_no_burst_limit_by_default():
    """By default only the hourly limit counts."""
    limits = Limits()

    for _ in range(251):
        limits.admit("a", now=0)

    assert limits.headers("a", now=0)["ratelimit-remaining"] == str(5000 - 251)


def test_tokens_do_not_share_a_limit():
    """The requests of a token do not count for another."""
    limits = Limits(hourly=1)
    limits.admit("a", now=0)

    limits.admit("b", now=0)

    assert limits.headers("b", now=0)["ratelimit-remaining"] == "0"
