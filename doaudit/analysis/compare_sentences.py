"""Comparisons in words: what is different in a group, by how much, and what can be told of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.formatting import count, rate, time_span

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["compare_sentence"]

_MOST_Q = 0.05


def compare_sentence(name: str, figures: Mapping[str, Any]) -> str:
    """
    Say in plain words how a group differs between two periods, from the figures of its row.

    Example:
        >>> gone = {"presence": "vanished", "actions_before": 34, "actions_after": 0}
        >>> compare_sentence("resize", gone)
        'resize has vanished: 34 actions before, none after'
    """
    if figures["presence"] == "new":
        return f"{name} is new: none before, {count(figures['actions_after'], 'action')} after"
    if figures["presence"] == "vanished":
        return f"{name} has vanished: {count(figures['actions_before'], 'action')} before, none after"
    if np.isnan(figures["q"]):
        return f"{name}: too few to tell, {figures['actions_before']:,} before and {figures['actions_after']:,} after"
    parts = [*_duration(figures), *_rate(figures)]
    if parts:
        return f"{name} {' and '.join(parts)}"
    return f"{name}: no difference beyond chance, {_levels(figures)}"


def _duration(figures: Mapping[str, Any]) -> list[str]:
    """Say how much longer or shorter actions take, if that is beyond chance, or that only the longest do."""
    if figures["q_duration"] <= _MOST_Q:
        ratio, low, high = (figures[name] for name in ("ratio", "ratio_low", "ratio_high"))
        medians = f"{time_span(figures['p50_before_s'])} before, {time_span(figures['p50_after_s'])} after"
        longer = "longer" if figures["t_duration"] > 0 else "shorter"
        if not np.isfinite(ratio) or (ratio > 1) != (figures["t_duration"] > 0):
            return [f"takes {longer} (median {medians})"]
        return [f"takes {ratio:.2f} x as long ({low:.2f} to {high:.2f}): {medians}"]
    if figures["q_tail"] <= _MOST_Q:
        longest = "longer" if figures["z_tail"] > 0 else "shorter"
        return [f"takes {longest} in the longest cases, with a median of {time_span(figures['p50_after_s'])}"]
    return []


def _rate(figures: Mapping[str, Any]) -> list[str]:
    if not figures["q_rate"] <= _MOST_Q:
        return []
    more = "more" if figures["rate_change"] > 0 else "less"
    low, high = (100 * figures[name] for name in ("rate_change_low", "rate_change_high"))
    before, after = rate(figures["rate_before"]), rate(figures["rate_after"])
    return [f"fails {more} often: {before} before, {after} after ({low:+.2f} to {high:+.2f} points)"]


def _levels(figures: Mapping[str, Any]) -> str:
    median = f"median {time_span(figures['p50_before_s'])} and {time_span(figures['p50_after_s'])}"
    return f"{median}, {rate(figures['rate_before'])} and {rate(figures['rate_after'])} failed"
