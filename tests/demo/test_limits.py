from __future__ import annotations

import pytest

from doaudit.demo.world.api_errors import Refusal
from doaudit.demo.world.limits import Limits


def test_each_request_counts_for_one_hour():
    """A slot frees up exactly an hour after the request that took it, and reset names that second."""
    limits = Limits(hourly=2)
    limits.admit("a", now=0)
    limits.admit("a", now=600)

    with pytest.raises(Refusal) as refused:
        limits.admit("a", now=3599)

    assert refused.value.status == 429
    assert refused.value.message == "API Rate limit exceeded."
    assert refused.value.headers == {"ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "3600"}
    limits.admit("a", now=3600)
    assert limits.headers("a", now=3600)["ratelimit-reset"] == "4200"


def test_the_burst_limit_says_how_long_to_wait_and_that_nothing_remains():
    """A burst 429 has retry-after and remaining 0 although the hour is not used up."""
    limits = Limits(hourly=5000, burst=3)
    for second in (0, 10, 20):
        limits.admit("a", now=second)

    with pytest.raises(Refusal) as refused:
        limits.admit("a", now=30)

    assert refused.value.message == "Too many requests"
    assert refused.value.headers["retry-after"] == "30"
    assert refused.value.headers["ratelimit-remaining"] == "0"
    assert limits.headers("a", now=30)["ratelimit-remaining"] == "4997"
    limits.admit("a", now=60)


def test_there_is_no_burst_limit_unless_it_is_switched_on():
    """By default only the hour counts."""
    limits = Limits()

    for _ in range(251):
        limits.admit("a", now=0)

    assert limits.headers("a", now=0)["ratelimit-remaining"] == str(5000 - 251)


def test_tokens_do_not_share_a_limit():
    """What one token uses up is no loss to another."""
    limits = Limits(hourly=1)
    limits.admit("a", now=0)

    limits.admit("b", now=0)

    assert limits.headers("b", now=0)["ratelimit-remaining"] == "0"
