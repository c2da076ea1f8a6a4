"""Names beside keys: which name a resource has, where it stands, and that it is the same from every engine."""

from __future__ import annotations

import inspect

import pandas as pd
import pytest
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st
from joined import joined

from doaudit import analysis
from doaudit.analysis import failure_rates

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["droplet:1", "droplet:2", None]),
        st.sampled_from(["web-1", "web-2", None]),
        st.sampled_from([None, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"]),
    ),
    min_size=1,
    max_size=12,
)
PUBLIC = {name: getattr(analysis, name) for name in analysis.__all__ if name != "tally"}
GROUPED = [
    name for name, made in PUBLIC.items() if inspect.isfunction(made) and "by" in inspect.signature(made).parameters
]
"""The functions that group by a column; not the tally, from which all others are computed."""


def plainly(rows):
    """Find the newest name of each resource with a loop; None where it has none."""
    newest = {}
    for id_, (resource, name, start) in enumerate(rows, start=1):
        known = newest.setdefault(resource, (None, None))
        if resource is not None and name is not None:
            newest[resource] = max(known, ((start or "", id_), name), key=lambda each: each[0] or ("", 0))
    return {resource: name for resource, (_, name) in newest.items()}


@examples(150)
@given(ROWS, st.randoms(use_true_random=False))
@example([("droplet:1", name, "2026-03-01T00:00:00Z") for name in ("web-2", "web-1")], None)
@example([("droplet:1", name, None) for name in ("web-2", "web-1")], None)
@example([("droplet:1", "web-2", "2026-03-01T00:00:00Z"), ("droplet:1", "web-1", None)], None)
def test_each_resource_has_its_newest_name(frame, rows, drawn):
    """The one of the action that started last, of equal starts the one with the highest id, whatever their order."""
    resources, names, starts = map(list, zip(*rows, strict=True))
    actions = frame(resource=resources, resource_name=names, started_at=starts)
    order = drawn.sample(range(len(rows)), len(rows)) if drawn else range(len(rows))[::-1]

    table = failure_rates(actions.iloc[order], by="resource")[["resource", "resource_name"]].astype(object)

    assert dict(table.where(table.notna(), None).itertuples(index=False, name=None)) == plainly(rows)


CHANGES = ("changes", "change_series")


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_a_resource_has_its_name(frame, name):
    """What changed on a resource, and the weeks that show it, carry its name."""
    starts = [
        f"{pd.Timestamp('2026-01-01T10:00:00Z') + pd.Timedelta(day, 'D'):%Y-%m-%dT%H:%M:%SZ}" for day in range(100)
    ]
    seconds = [(20 if day < 60 else 60) + day * 7 % 10 for day in range(100)]

    table = PUBLIC[name](frame(type="reboot", started_at=starts, seconds=seconds), by="resource")

    assert table.columns[:2].tolist() == ["resource", "resource_name"]
    assert set(table["resource_name"]) == {"web-1"}


@pytest.fixture
def actions(frame):
    """Return actions on two droplets, one of them renamed in one second, one without a name, and on none."""
    return frame(
        resource=["droplet:1", "droplet:1", "droplet:2", None] * 15,
        resource_name=["old", "new", None, None] * 15,
        status=["completed"] * 40 + ["errored"] * 20,
        started_at=["2026-03-01T00:00:00Z"] * 40 + ["2026-03-02T00:00:00Z"] * 20,
    )


@pytest.mark.parametrize("name", GROUPED)
def test_every_grouped_table_has_it_after_the_key(actions, elsewhere, name):
    """Wherever the key stands, with the rest of the table as without names, from every engine."""
    make = PUBLIC[name]

    table = make(actions, by=["type", "resource", "region"])

    assert table.columns[:4].tolist() == ["type", "resource", "resource_name", "region"]
    assert table["resource_name"].dtype == "category"
    pairs = set(table[["resource", "resource_name"]].astype(object).itertuples(index=False, name=None))
    assert (("droplet:1", "new") in pairs) == (name not in CHANGES)  # there is no change in this frame
    assert all(pd.isna(label) for key, label in pairs if key != "droplet:1")
    unnamed = make(actions.drop(columns="resource_name"), by=["type", "resource", "region"])
    pd.testing.assert_frame_equal(table.drop(columns="resource_name"), unnamed)
    plain = {"resource": object, "resource_name": object, "type": object, "region": object}
    pd.testing.assert_frame_equal(
        make(elsewhere(actions), by=["type", "resource", "region"]).astype(plain), table.astype(plain)
    )


@pytest.mark.parametrize("by", ["type", ["resource", "resource_name"], ["resource_name"], ()])
def test_it_is_not_there_unasked_nor_twice(actions, by):
    """A table by other columns has no names, and one that is grouped by the name has it where it was asked for."""
    keys = [by] if isinstance(by, str) else list(by)

    table = failure_rates(actions, by=by)

    assert table.columns[: len(keys) + 1].tolist() == [*keys, "actions"]


def test_nothing_has_no_names(frame):
    """An empty account has the column all the same."""
    table = failure_rates(frame(status=[]), by="resource")

    assert table.columns[:2].tolist() == ["resource", "resource_name"]
    assert table["resource_name"].dtype == "category"


def test_keys_of_plain_text_find_their_names(actions):
    """A frame of one's own need not have categories."""
    table = failure_rates(actions.astype({"resource": object, "resource_name": object}), by="resource")

    assert table.set_index("resource")["resource_name"].dropna().to_dict() == {"droplet:1": "new"}


def test_a_name_is_that_of_the_account_where_the_table_tells_accounts_apart(frame, elsewhere):
    """Grouped by resource alone, one key is one group, and has the newest name of all accounts."""
    old = frame(resource="droplet:1", resource_name=["first", "then"], started_at=["2026-03-01", "2026-03-02"])
    new = frame(resource="droplet:1", resource_name=["other", None], started_at=["2026-03-03", "2026-03-04"])
    tied = frame(resource="droplet:2", resource_name=["x", "y"], started_at="2026-03-01T00:00:00Z")
    both = joined(
        {
            "globex": pd.concat([old, tied], ignore_index=True),
            "acme": pd.concat([new, tied.iloc[1:].assign(resource_name="a")]),
        }
    )

    for actions in (both, elsewhere(both)):
        apart = failure_rates(actions, by=["account", "resource"])
        names = dict(zip(zip(apart["account"], apart["resource"], strict=True), apart["resource_name"], strict=True))
        assert names == {
            ("acme", "droplet:1"): "other", ("acme", "droplet:2"): "a",
            ("globex", "droplet:1"): "then", ("globex", "droplet:2"): "y",
        }  # fmt: skip
        together = failure_rates(actions, by="resource").set_index("resource")
        assert together["resource_name"].to_dict() == {"droplet:1": "other", "droplet:2": "y"}
        assert together["actions"].to_dict() == {"droplet:1": 4, "droplet:2": 3}
