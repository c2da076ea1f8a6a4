"""The last action of each type on each resource, against loops, and the oddities of its rows."""

from __future__ import annotations

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.analysis import last_actions
from doaudit.errors import InvalidArgument

STARTS = [None, "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z", "2026-03-02T12:00:00Z"]
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["droplet:1", "droplet:2", None]),
        st.sampled_from(["resize", "reboot", None]),
        st.sampled_from(["completed", "errored", "in-progress", "odd"]),
        st.sampled_from(STARTS),
    ),
    min_size=1,
    max_size=25,
)
OUTCOMES = {"completed": "completed", "errored": "errored", "in-progress": "open", "odd": "unclear"}


def plainly(rows, outcome):
    """Find the id of the last action of each resource and type, and count them, with a loop."""
    last, counts = {}, {}
    for id_, (resource, type_, status, start) in enumerate(rows, start=1):
        outcome_of = "open" if status == "odd" and start is None else OUTCOMES[status]
        if resource is None or (outcome is not None and outcome_of != outcome):
            continue
        key, place = (resource, type_), (start or "", id_)
        counts[key] = counts.get(key, 0) + 1
        last[key] = max(last.get(key, place), place)
    return {key: (id_, counts[key]) for key, (_, id_) in last.items()}


@examples(150)
@given(ROWS, st.sampled_from([None, "completed", "errored", "open", "unclear"]), st.randoms(use_true_random=False))
def test_each_row_is_the_one_that_a_loop_finds(frame, rows, outcome, drawn):
    """Of each resource and type the action with the latest start and highest id, and how many there are."""
    resources, kinds, status, starts = map(list, zip(*rows, strict=True))
    actions = frame(resource=resources, type=kinds, status=status, started_at=starts)
    order = drawn.sample(range(len(rows)), len(rows))

    table = last_actions(actions.iloc[order], outcome=outcome)

    keys = table[["resource", "type"]].astype(object).where(table[["resource", "type"]].notna(), None)
    found = dict(zip(keys.itertuples(index=False, name=None), table[["id", "actions"]].to_numpy(), strict=True))
    assert {key: tuple(figures) for key, figures in found.items()} == plainly(rows, outcome)


def test_the_newest_comes_first_and_ages_are_those_at_the_newest_reading(frame):
    """All ages are at one moment, the newest `observed_at`, though rows were read at different times."""
    actions = frame(
        type=["resize", "reboot", "snapshot"],
        started_at=["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", None],
        observed_at=["2026-03-01T00:05:00Z", "2026-03-02T00:01:00Z", "2026-03-02T00:00:30Z"],
    )

    table = last_actions(actions)

    assert table["type"].tolist() == ["reboot", "resize", "snapshot"]
    assert table["age_s"].iloc[:2].tolist() == [60, 86_460]
    assert pd.isna(table["age_s"].iloc[2])


def test_an_open_action_has_an_age_and_no_duration(frame):
    """A duration is that of an action that has ended."""
    actions = frame(type=["resize", "reboot"], status=["in-progress", "errored"], seconds=[90, 30])

    table = last_actions(actions).set_index("type")

    assert pd.isna(table.loc["resize", "duration_s"])
    assert table.loc["reboot", "duration_s"] == 30


def test_the_last_that_worked_hides_a_later_failure(frame):
    """With `outcome` the last one is sought among those alone, and only those are counted."""
    starts = [f"2026-03-0{day}T00:00:00Z" for day in (1, 2, 3)]
    actions = frame(status=["completed", "completed", "errored"], started_at=starts)

    assert last_actions(actions)[["id", "actions"]].to_numpy().tolist() == [[3, 3]]
    assert last_actions(actions, outcome="completed")[["id", "actions"]].to_numpy().tolist() == [[2, 2]]


def test_a_start_after_the_newest_reading_has_no_age(frame):
    """A clock that was wrong gives no negative age."""
    assert last_actions(frame(observed_at="2026-01-01T00:00:00Z"))["age_s"].isna().all()


def test_an_unknown_outcome_is_refused(frame):
    """The message lists the outcomes that there are."""
    with pytest.raises(InvalidArgument, match="one of 'completed', 'errored', 'open', 'unclear'; got 'done'"):
        last_actions(frame(), outcome="done")
