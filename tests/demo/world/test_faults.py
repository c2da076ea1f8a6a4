"""The queue of faults: which fault happens to which request or event."""

from __future__ import annotations

import pytest

from doaudit.demo.world.faults import Fault, Faults


def _kinds(faults, *requests):
    taken = [faults.take(method, path) for method, path in requests]
    return [fault.kind if fault else None for fault in taken]


def test_a_fault_happens_a_number_of_times_after_a_number_of_requests():
    """The first `after` matching requests go well, the next `times` do not, and later ones do again."""
    faults = Faults()
    faults.add(Fault("server_error", path="/v2/actions", after=1, times=2))

    kinds = _kinds(faults, *[("GET", "/v2/actions"), ("GET", "/v2/droplets")] * 4)

    assert kinds[0::2] == [None, "server_error", "server_error", None]
    assert kinds[1::2] == [None] * 4


def test_a_fault_without_end_always_happens():
    """A fault with `times=None` happens until the queue is cleared."""
    faults = Faults()
    faults.add(Fault("slow", times=None))

    assert _kinds(faults, *[("GET", "/")] * 50) == ["slow"] * 50
    faults.clear()
    assert _kinds(faults, ("GET", "/")) == [None]


def test_a_fault_can_be_limited_to_a_method_and_a_page():
    """A fault matches by method and by the path with its query; `per_page=7` is not page 7."""
    faults = Faults()
    faults.add(Fault("dropped", method="get", path=r"[?&]page=7\b"))

    kinds = _kinds(
        faults,
        ("POST", "/v2/actions?page=7"),
        ("GET", "/v2/actions?per_page=7"),
        ("GET", "/v2/actions?page=71"),
        ("GET", "/v2/actions?per_page=200&page=7"),
    )

    assert kinds == [None, None, None, "dropped"]


def test_of_two_matching_faults_the_older_happens_first():
    """A fault that another one precedes happens to the next request."""
    faults = Faults()
    faults.add(Fault("server_error"), Fault("bad_gateway"))

    assert _kinds(faults, *[("GET", "/")] * 3) == ["server_error", "bad_gateway", None]


def test_faults_of_events_do_not_affect_requests():
    """A fault of an action does not happen to the request that starts the action."""
    faults = Faults()
    faults.add(Fault("stuck", type="snapshot"))

    assert faults.take("POST", "/v2/droplets/1/actions") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "shutdown") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "snapshot").kind == "stuck"


def test_an_unknown_kind_is_rejected_with_the_known_ones():
    """A misspelt kind is an error that lists the known kinds."""
    with pytest.raises(ValueError, match=r"captive_portal.*got 'captiveportal'"):
        Fault("captiveportal")


def test_a_request_fault_cannot_be_limited_to_a_type():
    """A type on a fault of requests would never match, so it is rejected."""
    with pytest.raises(ValueError, match="use path"):
        Fault("server_error", type="snapshot")
