"""The timeline: which actions it lists, in which order, and how a resource is asked for."""

from __future__ import annotations

import pandas as pd
import pytest

from doaudit.analysis import timeline
from doaudit.errors import InvalidArgument


@pytest.fixture
def actions(frame):
    """Return the actions of two droplets of one name, of one without a name, and one without a resource."""
    return frame(
        resource=["droplet:1", "droplet:2", "droplet:1", "droplet:3", None, "droplet:1"],
        resource_name=["web-1", "web-1", None, None, "web-1", "web-1"],
        started_at=[None, *(f"2026-03-0{day}T00:00:00Z" for day in (3, 2, 1, 1, 2))],
        status=["completed", "errored", "in-progress", "odd", "completed", "completed"],
        seconds=[3, 5, 90, 7, 9, -1],
    )


@pytest.mark.parametrize(
    ("resource", "ids"),
    [
        (None, [4, 3, 6, 2, 1]),
        ("droplet:1", [3, 6, 1]),
        ("web-1", [3, 6, 2, 1]),
        (["droplet:3", "droplet:2"], [4, 2]),
        (["web-1", "droplet:3"], [4, 3, 6, 2, 1]),
    ],
)
def test_a_resource_is_asked_for_by_key_or_name(actions, elsewhere, resource, ids):
    """All its actions are listed, oldest first, those without a name or a start too, and nothing without a resource."""
    assert timeline(actions, resource)["id"].tolist() == ids
    assert timeline(elsewhere(actions), resource)["id"].tolist() == ids


def test_only_what_has_ended_has_an_end_and_a_duration(actions):
    """An open action has none, nor one whose end is before its start."""
    table = timeline(actions).set_index("id")

    assert table["duration_s"].dropna().to_dict() == {2: 5, 4: 7}
    assert table["end"].dropna().to_dict() == {
        2: pd.Timestamp("2026-03-03T00:00:05Z"),
        4: pd.Timestamp("2026-03-01T00:00:07Z"),
    }
    assert table["outcome"].tolist() == ["unclear", "open", "completed", "errored", "completed"]


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("web-01", "No action here is of a resource 'web-01'; did you mean 'web-1'"),
        (["droplet:1", "zzz"], "resource 'zzz', or of one with a name like that. doaudit.last_actions"),
        ([], "resource names none"),
    ],
)
def test_a_resource_that_is_not_there_is_refused(actions, resource, message):
    """The message names the ones that are nearly called so, or says where they are listed."""
    with pytest.raises(InvalidArgument, match=message):
        timeline(actions, resource)
