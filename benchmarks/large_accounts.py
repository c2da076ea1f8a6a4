"""The simulated account many times over, as one frame: larger than any account that has been reported."""

from __future__ import annotations

import numpy as np
import pandas as pd
from framing import recorded_pages, to_actions

__all__ = ["enlarged", "simulated_actions"]

_SEED = 7


def simulated_actions() -> pd.DataFrame:
    """The actions frame of the simulated account, 52,292 rows."""
    return to_actions(recorded_pages())


def enlarged(actions: pd.DataFrame, rows: int) -> pd.DataFrame:
    """
    An actions frame of so many rows: copies of *actions*, each with resources of its own, newest first.

    Starts are moved by up to a day and durations stretched by a tenth, so that copies are not equal; a frame that
    repeated the same few durations would be easier to count than a real one.
    """
    random = np.random.default_rng(_SEED)
    copies = -(-rows // len(actions))
    source = np.tile(np.arange(len(actions)), copies)[:rows]
    copy = np.repeat(np.arange(copies), len(actions))[:rows]

    started = _unix(actions["started_at"])[source] + random.integers(-86_400, 86_400, rows)
    taken = (_unix(actions["completed_at"]) - _unix(actions["started_at"]))[source]
    stretched = np.rint(taken * np.exp(0.1 * random.standard_normal(rows))).astype(np.int64)
    newest = np.argsort(-started, kind="stable")
    source, copy, started, stretched = source[newest], copy[newest], started[newest], stretched[newest]

    large = actions.iloc[source].reset_index(drop=True)
    still_open = large["completed_at"].isna().to_numpy()
    large["id"] = np.arange(rows, 0, -1) + 2**31
    large["resource"] = _resources(actions["resource"], source, copy, copies)
    large["started_at"] = _times(started)
    large["completed_at"] = _times(started + stretched).where(~still_open)
    large["observed_at"] = actions["observed_at"].iloc[0]
    return large.astype({name: actions[name].dtype for name in ("started_at", "completed_at", "observed_at")})


def _unix(times: pd.Series[pd.Timestamp]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Unix seconds; 0 where there is no time, for the caller to blank out again."""
    plain = times.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(plain), 0, plain.astype(np.int64))


def _times(unix: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(unix.astype("datetime64[s]")).tz_localize("UTC")


def _resources(
    resource: pd.Series[str],
    source: np.ndarray[tuple[int], np.dtype[np.int64]],
    copy: np.ndarray[tuple[int], np.dtype[np.int64]],
    copies: int,
) -> pd.Categorical[str]:
    names, codes = resource.cat.categories, resource.cat.codes.to_numpy(dtype=np.int64)[source]
    all_names = pd.Index([f"{name}-{number}" for number in range(copies) for name in names], dtype=names.dtype)
    order = all_names.argsort()  # those of a history are sorted
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    places = np.where(codes < 0, -1, place[codes + copy * len(names)])
    return pd.Categorical.from_codes(places, categories=all_names[order])
