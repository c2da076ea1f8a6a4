"""
Tests of many groups at once: does one fail more often than the rest, and which of so many tests are to be believed.

Everything is vectorised over groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Figures = NDArray[np.float64]

__all__ = ["benjamini_hochberg", "fisher_greater"]

_NEGLIGIBLE = 1e-17  # of a sum: less than the last bit of a float64


def fisher_greater(errored: ArrayLike, finished: ArrayLike) -> Figures:
    """
    Compute for each group the chance of so many failures or more, if it failed no more often than the other groups.

    It is Fisher's exact test, one-sided, of each group against all others together: with the numbers of failures and of
    actions given, the failures of a group are hypergeometric.

    Source: Fisher, The Logic of Inductive Inference, 1935; Agresti, Categorical Data Analysis, 3rd edition, 2013,
    section 3.5.1.

    Args:
        errored: failures of each group.
        finished: actions of each group that failed or did not.

    Returns:
        The p-value of each group, float64; NaN where nothing has finished, or where there is no other group.

    Example:
        >>> fisher_greater([3, 1, 0], [10, 100, 0]).round(5).tolist()
        [0.00211, 0.99996, nan]
    """
    k, n = np.asarray(errored, dtype=float), np.asarray(finished, dtype=float)
    has_rest = (n > 0) & (n < n.sum())
    p = np.full(k.shape, np.nan)
    p[has_rest] = _upper_tail(k[has_rest], n[has_rest], failures=k.sum(), actions=n.sum())
    return p


def _upper_tail(k: Figures, n: Figures, *, failures: float, actions: float) -> Figures:
    """Return P(X >= k): summed upwards from k where that is above the mean, else one minus the lower tail."""
    is_above = k > n * failures / actions
    start, step = np.where(is_above, k, k - 1), np.where(is_above, 1.0, -1.0)
    tail = _sum_of_terms(start, step, n, failures, actions)
    return np.clip(np.where(is_above, tail, 1 - tail), 0.0, 1.0)


def _sum_of_terms(start: Figures, step: Figures, n: Figures, failures: float, actions: float) -> Figures:
    """Sum hypergeometric probabilities away from the mean, until what is left is nothing."""
    at = start.copy()
    possible = (at >= np.maximum(0, n + failures - actions)) & (at <= np.minimum(n, failures))
    term = np.where(possible, np.exp(_log_probability(np.where(possible, at, 0), n, failures, actions)), 0.0)
    total = term.copy()
    left = np.flatnonzero(term > 0)
    while left.size:
        x, size = at[left], n[left]
        up = (failures - x) * (size - x) / ((x + 1) * (actions - failures - size + x + 1))
        with np.errstate(divide="ignore"):  # below the smallest number that is possible
            down = x * (actions - failures - size + x) / ((failures - x + 1) * (size - x + 1))
        term[left] *= np.where(step[left] > 0, up, down)
        at[left] += step[left]
        total[left] += term[left]
        left = left[term[left] > _NEGLIGIBLE * total[left]]
    return total


def _log_probability(x: Figures, n: Figures, failures: float, actions: float) -> Figures:
    def log_binomial(whole: Any, part: Any) -> Figures:  # noqa: ANN401 -- a number or an array
        logarithm: Figures = gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1)
        return logarithm

    others = np.maximum(actions - failures - n + x, 0)
    ways = log_binomial(failures, x) + log_binomial(actions - failures, actions - failures - others)
    return ways - log_binomial(actions, n)


def benjamini_hochberg(p: ArrayLike) -> Figures:
    """
    Compute for each test the share of false ones to expect among it and all that are more significant: its q-value.

    Whoever believes the tests with a q of at most 5 % is wrong in 5 % of those, on average, however many are made.

    Source: Benjamini and Hochberg, Controlling the False Discovery Rate, 1995.

    Args:
        p: p-values; NaN where nothing was tested.

    Returns:
        As many q-values, float64; NaN likewise.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, float("nan"), 0.03]).round(3).tolist()
        [0.03, 0.04, nan, 0.04]
    """
    values = np.asarray(p, dtype=float)
    q = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    falling = tested[np.argsort(-values[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    q[falling] = np.minimum.accumulate(np.minimum(values[falling] * len(falling) / ranks, 1.0))
    return q
