"""What chance alone could have done: intervals, and tests of two systems on the same rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

_Array = np.ndarray[Any, np.dtype[np.float64]]
RESAMPLES = 10_000
_AT_ONCE = 1 << 22
"""Numbers drawn at once: 32 MB."""


class Interval(NamedTuple):
    """A mean, and the bounds between which it lies at 95 %."""

    mean: float
    low: float
    high: float


def interval(values: _Array, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Give the mean of values of rows, or of differences of paired rows, with its bootstrap interval at 95 %.

    The percentile method (Efron 1979): rows are drawn with return, `resamples` times, from a seeded generator. Where
    all values are equal the interval is that value: the rows hold no sign of how it varies. NaN of no values.
    """
    n = len(values)
    if not n:
        return Interval(float("nan"), float("nan"), float("nan"))
    draw = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, _AT_ONCE // n)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        means[start : start + count] = values[draw.integers(0, n, (count, n))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def share(hits: int, of: int) -> Interval:
    """Give a share with its Wilson score interval at 95 % (Wilson 1927), which is never empty, not even at 0 and 1."""
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(0.95, "wilson")
    return Interval(hits / of, float(found.low), float(found.high))


def mcnemar(only_one: int, only_other: int) -> float:
    """Give the exact two-sided p-value of McNemar's test, by the numbers of rows that only one of two has right.

    1 where there is no such row. Source: McNemar 1947, the exact binomial form.
    """
    from scipy.stats import binomtest

    total = only_one + only_other
    return float(binomtest(min(only_one, only_other), total).pvalue) if total else 1.0
