"""Selections drawn at random, and forty actions of which each leaves some."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pandas as pd
from hypothesis import strategies as st

import doaudit as da
from doaudit.errors import InvalidArgument

__all__ = ["CHOSEN", "makes_sense", "odd_actions", "quietly"]

ROWS = 40
NEWEST = datetime(2026, 3, 9, 12, tzinfo=UTC)


def odd_actions(frame):
    """Return forty actions of nine days in which everything odd occurs; *frame* is the fixture."""
    starts = [f"2026-03-0{1 + at % 9}T{at % 24:02}:00:00Z" for at in range(ROWS)]
    made = frame(
        type=(["snapshot", "resize", "resize_volume", None, "power_on"] * 8),
        status=(["completed", "errored", "in-progress", "done", "pending", None, "completed", "in-progress"] * 5),
        seconds=[3600 * (at % 5) * (at % 7) - 1 for at in range(ROWS)],
        started_at=starts,
        resource=(["droplet:1", "droplet:22", None, "volume:ab"] * 10),
        resource_name=(["web-01", "Web-02", None, "db.1", "a\n"] * 8),
        resource_type=(["droplet", "volume", None, "image"] * 10),
        region=(["fra1", "ams3", None, "nyc3", "nyc1"] * 8),
    )
    made.loc[::9, "started_at"] = pd.NaT
    made.loc[4::11, "completed_at"] = pd.NaT
    return made.assign(observed_at=made["observed_at"].mask(made["observed_at"] > NEWEST, NEWEST))


def quietly(actions, **chosen):
    """Select, where it does not matter whether anything is left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return da.select(actions, **chosen)


def some(*words):
    """One or several of the words, or null."""
    return st.lists(st.sampled_from([*words, None]), min_size=1, max_size=3, unique=True).map(tuple)


TIMES = ["0h", "1h", "30h", "100h", "2026-03-03T05:00:00+00:00", "2026-03-05T00:00:00+05:30"]
CONDITIONS = {
    "since": st.sampled_from(TIMES),
    "until": st.sampled_from(TIMES),
    "type": some("snapshot", "resize*", "power??n", "nothing"),
    "status": some("completed", "in-progress", "d*"),
    "outcome": st.lists(st.sampled_from(["completed", "errored", "open", "unclear"]), min_size=1, unique=True),
    "region": some("fra1", "nyc?", "*"),
    "resource_type": some("droplet", "*m*"),
    "resource": some("droplet:1", "web-*", "W??-02", "*:ab", "a?", "db?1"),
    "text": st.sampled_from(["WEB", "1", "re", "."]),
    "overlapping": st.just(True),
}
# A few conditions at a time, so that mostly something is left; overlapping needs a window, and needs it often.
NAMES = st.lists(st.sampled_from([*CONDITIONS]), max_size=3, unique=True).map(
    lambda names: [*names, "since"] if "overlapping" in names and "since" not in names else names
)
CHOSEN = NAMES.flatmap(lambda names: st.fixed_dictionaries({name: CONDITIONS[name] for name in names}))


def makes_sense(chosen):
    """Whether no window is refused as empty, or missing."""
    try:
        da.Selection(**chosen)
    except InvalidArgument:
        return False
    return True
