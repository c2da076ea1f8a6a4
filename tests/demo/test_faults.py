from __future__ import annotations

import pytest

from doaudit.demo.faults import Fault, Faults


def _taken(faults, *requests):
    taken = [faults.take(method, path) for method, path in requests]
    return [fault.kind if fault else None for fault in taken]


def test_a_fault_happens_as_often_as_asked_after_what_it_spares():
    """`after` matching requests go well, the next `times` do not, and then all is well again."""
    faults = Faults()
    faults.add(Fault("server_error", path="/v2/actions", after=1, times=2))

    kinds = _taken(faults, *[("GET", "/v2/actions"), ("GET", "/v2/droplets")] * 4)

    assert kinds[0::2] == [None, "server_error", "server_error", None]
    assert kinds[1::2] == [None] * 4


def test_a_fault_without_end_always_happens():
    """`times=None` never runs out, until everything is cleared."""
    faults = Faults()
    faults.add(Fault("slow", times=None))

    assert _taken(faults, *[("GET", "/")] * 50) == ["slow"] * 50
    faults.clear()
    assert _taken(faults, ("GET", "/")) == [None]


def test_a_fault_can_be_meant_for_one_method_and_one_page():
    """The method and the query narrow it; `per_page=7` is not page 7."""
    faults = Faults()
    faults.add(Fault("dropped", method="get", path=r"[?&]page=7\b"))

    kinds = _taken(
        faults,
        ("POST", "/v2/actions?page=7"),
        ("GET", "/v2/actions?per_page=7"),
        ("GET", "/v2/actions?page=71"),
        ("GET", "/v2/actions?per_page=200&page=7"),
    )

    assert kinds == [None, None, None, "dropped"]


def test_of_two_faults_for_one_request_the_older_happens_and_the_other_waits():
    """No fault is lost because another came first."""
    faults = Faults()
    faults.add(Fault("server_error"), Fault("bad_gateway"))

    assert _taken(faults, *[("GET", "/")] * 3) == ["server_error", "bad_gateway", None]


def test_faults_of_events_leave_requests_alone():
    """What happens to an action of a type does not happen to the request that starts it."""
    faults = Faults()
    faults.add(Fault("stuck", type="snapshot"))

    assert faults.take("POST", "/v2/droplets/1/actions") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "shutdown") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "snapshot").kind == "stuck"


def test_an_unknown_kind_is_refused_with_those_there_are():
    """A misspelt fault is no silent success of a test."""
    with pytest.raises(ValueError, match=r"captive_portal.*got 'captiveportal'"):
        Fault("captiveportal")


def test_a_request_fault_cannot_be_narrowed_by_type():
    """A type on a fault of requests would never match; it is refused instead."""
    with pytest.raises(ValueError, match="use path"):
        Fault("server_error", type="snapshot")
