"""Power periods: against a loop over each droplet's actions, what is certain about one, and against the account."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

import doaudit as da
from doaudit.analysis import power_periods

OFF = ("power_off", "shutdown")
ENDS = ("power_on", "power_cycle", "rebuild", "restore", "destroy")
START = pd.Timestamp("2026-03-02T10:00:00Z")
NOW = pd.Timestamp("2026-04-01T00:00:00Z")

ROWS = st.lists(
    st.tuples(
        st.sampled_from([*OFF, *OFF, *ENDS, "reboot", "resize", None]),
        st.sampled_from(["completed"] * 5 + ["done", "errored", "in-progress", "odd", None]),
        st.sampled_from(["droplet:1", "droplet:2", None]),
        st.sampled_from(["droplet"] * 5 + ["volume", None]),
        st.integers(0, 30) | st.none(),
        st.integers(-2, 4) | st.none(),
    ),
    max_size=40,
)


def frame_of(build, rows):
    """Build actions whose starts are seconds after a moment, and whose lengths are in seconds; both may be missing."""
    kinds, status, resources, resource_types, starts, lengths = map(list, zip(*rows, strict=True)) if rows else [[]] * 6
    begun = [None if start is None else START + pd.Timedelta(start, "s") for start in starts]
    ended = [
        None if length is None else START + pd.Timedelta((start or 0) + length, "s")
        for start, length in zip(starts, lengths, strict=True)
    ]
    return build(
        type=kinds, status=status, resource=resources, resource_type=resource_types, started_at=begun,
        completed_at=ended, observed_at=[NOW] * len(rows),
    )  # fmt: skip


def plainly(actions):
    """Follow each droplet through its completed actions, and note every period in which it was off."""
    by_droplet, periods = defaultdict(list), []
    for row in actions.itertuples():
        kind, start, end = row.type, row.started_at, row.completed_at
        completed = row.status in ("completed", "done") and row.resource_type == "droplet" and pd.notna(row.resource)
        if not completed or kind not in (*OFF, *ENDS, "reboot") or (pd.isna(start) and pd.isna(end)):
            continue
        known = pd.notna(end) and not (pd.notna(start) and end < start)
        moment = end if known else start
        by_droplet[row.resource].append((moment, end if pd.isna(start) else start, kind, row.id, known))
    for droplet, happened in by_droplet.items():
        off = None
        for moment, _, kind, id_, known in sorted(happened):
            if kind in OFF and (off is None or (kind, off["by"]) == ("power_off", "shutdown")):
                off = {"by": kind, "id": id_, "from": moment, "certain": known and kind == "power_off"}
            elif off is not None and kind in ("power_off", "reboot"):
                off["certain"] = False
            elif off is not None and kind in ENDS:
                certain = off["certain"] and known and kind in ("power_on", "destroy")
                periods.append((droplet, off["from"], moment, off["by"], off["id"], kind, id_, certain))
                off = None
        if off is not None:
            periods.append((droplet, off["from"], None, off["by"], off["id"], None, None, off["certain"]))
    return sorted(periods, key=str)


@examples(300)
@given(ROWS)
def test_each_period_is_one_that_a_loop_finds(frame, rows):
    """Bounds, actions and certainty of every period are those of following each droplet action by action."""
    actions = frame_of(frame, rows)

    table = power_periods(actions)

    columns = ["resource", "off_from", "off_to", "off_by", "off_id", "on_by", "on_id", "certain"]
    found = [
        tuple(None if pd.isna(value) else value for value in row) for row in table[columns].itertuples(index=False)
    ]
    assert sorted(found, key=str) == plainly(actions)
    assert table["still_off"].equals(table["on_id"].isna())
    assert (table["certain"] == (table["note"] == "")).all()
    ends = table["off_to"].fillna(NOW)
    assert table["off_s"].tolist() == [
        (end - begin).total_seconds() for begin, end in zip(table["off_from"], ends, strict=True)
    ]


def one_after_the_other(build, *kinds, **columns):
    """Build actions on one droplet, a minute apart, each of ten seconds."""
    starts = [str(START + pd.Timedelta(minute, "min")) for minute in range(len(kinds))]
    return build(type=list(kinds), started_at=starts, seconds=[10] * len(kinds), **columns)


@pytest.mark.parametrize(
    ("kinds", "off_s", "doubt"),
    [
        (["power_off", "power_on"], 60, ""),
        (["power_off", "destroy"], 60, ""),
        (["power_off", "shutdown", "power_on"], 120, ""),
        (["shutdown", "power_off", "power_on"], 60, ""),
        (["shutdown", "reboot", "power_off", "power_on"], 60, ""),
        (["shutdown", "power_on"], 60, "A shutdown completes whether or not"),
        (["shutdown", "shutdown", "power_on"], 120, "A shutdown completes whether or not"),
        (["power_off", "reboot", "power_on"], 120, "A reboot completed meanwhile"),
        (["power_off", "power_off", "power_on"], 120, "A power_off completed again meanwhile"),
        (["power_off", "power_cycle"], 60, "No public description says"),
        (["power_off", "rebuild"], 60, "No public description says"),
        (["power_off", "restore"], 60, "No public description says"),
        (["power_off", "resize", "snapshot", "enable_ipv6", "power_on"], 240, ""),
    ],
)
def test_what_is_certain_about_a_period(frame, kinds, off_s, doubt):
    """It lasts from the end of one action to the end of the other, and the note says what makes it doubtful."""
    [row] = power_periods(one_after_the_other(frame, *kinds)).to_dict("records")

    assert (row["off_s"], row["still_off"], row["certain"]) == (off_s, False, not doubt)
    assert row["note"].startswith(doubt)
    assert (row["note"] == "") == (not doubt)


@pytest.mark.parametrize("kinds", [["power_on"], ["reboot"], ["destroy"], ["create", "power_on", "snapshot"]])
def test_what_never_switched_anything_off_is_no_period(frame, kinds):
    """Nothing is guessed about the time before the first of the actions."""
    assert power_periods(one_after_the_other(frame, *kinds)).empty


@pytest.mark.parametrize("status", ["errored", "in-progress", "odd"])
def test_only_what_completed_switches(frame, status):
    """An action that failed, is open or ended with an unknown word neither begins a period nor ends one."""
    assert power_periods(one_after_the_other(frame, "power_off", "power_on", status=[status, "completed"])).empty

    [row] = power_periods(one_after_the_other(frame, "power_off", "power_on", status=["completed", status])).to_dict(
        "records"
    )

    assert (row["still_off"], row["certain"]) == (True, True)


def test_a_droplet_that_is_off_is_off_until_the_actions_were_read(frame):
    """The time runs to the newest observation of any action, and the longest of those still off comes first."""
    actions = frame(
        type=["power_off"] * 3 + ["power_on", "snapshot"],
        resource=["droplet:1", "droplet:2", "droplet:3", "droplet:3", "droplet:9"],
        started_at=[f"2026-03-0{day}T00:00:00Z" for day in (5, 4, 1, 3, 6)],
        seconds=0,
        observed_at=["2026-03-06T00:00:00Z"] * 4 + ["2026-03-07T00:00:00Z"],
    )

    table = power_periods(actions)

    assert table["resource"].tolist() == ["droplet:2", "droplet:1", "droplet:3"]
    assert table["still_off"].tolist() == [True, True, False]
    assert (table["off_s"] / 86_400).tolist() == [3, 2, 2]


def test_a_power_off_ahead_of_the_clock_has_lasted_no_time(frame):
    """A length is never negative, even where clocks differ."""
    actions = frame(type="power_off", started_at="2026-03-02T00:00:00Z", seconds=0, observed_at="2026-03-01T23:59:58Z")

    assert power_periods(actions)["off_s"].tolist() == [0]


def test_an_end_that_is_not_known_is_said(frame):
    """Where the API left out when an action ended, its start stands for it, and the note says so."""
    actions = one_after_the_other(frame, "power_off", "power_on", completed_at=[None, None])

    [row] = power_periods(actions).to_dict("records")

    assert (row["off_from"], row["off_s"], row["certain"]) == (START, 60, False)
    assert "off_from is when the action started" in row["note"]
    assert "off_to is when the action started" in row["note"]


def test_what_doaudit_started_is_told_from_what_others_did(frame):
    """Without the ids nobody knows; with them each ended period says who ended it, and one that goes on does not."""
    actions = one_after_the_other(frame, "power_off", "power_on", "power_off", "power_on", "power_off")

    assert power_periods(actions)["by_doaudit"].isna().all()

    table = power_periods(actions, started_by_doaudit=pd.Series([1, 2, 3, 5])).sort_values("off_from")

    assert table["by_doaudit"].tolist() == [True, False, pd.NA]


def test_a_period_that_doaudit_ended_is_called_that():
    """What the account says that doaudit started is what the table takes."""
    with da.demo(speed=1000, actions=50) as account:
        droplet_id = account.droplets()["id"].iloc[0]
        for kind in ("power_off", "power_on"):
            account.wait(account.act(f"droplet:{droplet_id}", kind))
        table = power_periods(account.actions(), started_by_doaudit=account.started()["id"])

    [row] = table[table["by_doaudit"].fillna(value=False)].to_dict("records")
    assert (row["resource"], row["off_by"], row["on_by"]) == (f"droplet:{droplet_id}", "power_off", "power_on")


@pytest.mark.release
@pytest.mark.parametrize("seed", range(1, 9))
def test_the_account_says_the_same_of_what_is_off(seed):
    """Whatever is certainly still off has that status, and what has it is still off or was left in a doubtful way."""
    with da.demo(seed=seed) as account:
        table, droplets = power_periods(account.actions()), account.droplets()

    off = {f"droplet:{number}" for number in droplets.loc[droplets["status"] == "off", "id"]}
    latest = table.sort_values("off_from").drop_duplicates("resource", keep="last")
    assert set(table.loc[table["still_off"] & table["certain"], "resource"]) <= off
    assert off <= set(latest.loc[latest["still_off"] | ~latest["certain"], "resource"])
