"""What may be said of a tuned model: better, worse, no better, or nothing, and why, comparison by comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ftdata.evaluation.statistics import Interval, interval, mcnemar

LEAST_ROWS = 30
"""Rows below which nothing is said: a share of 30 rows is known to about 18 points at best (Wilson, 95 %)."""
LEAST_APART = 30
"""Rows that only one of two systems has right, below which a yes-or-no measure decides nothing."""
ALPHA = 0.05

Outcome = Literal["better", "worse", "even", "unknown"]
Word = Literal["better", "worse", "not better", "not told"]

_Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Against:
    """A tuned model beside another system, on the same rows, by one measure."""

    system: str
    outcome: Outcome
    difference: Interval
    only_tuned: int | None  # of a yes-or-no measure: rows that only the tuned model has right
    only_other: int | None
    p: float | None
    said: str


@dataclass(frozen=True)
class Verdict:
    """The verdict, each comparison behind it, and what else must be known."""

    word: Word
    said: str
    against: tuple[Against, ...]
    missing: tuple[str, ...] = ()


def against(system: str, tuned: _Array, other: _Array, binary: bool) -> Against:
    """Compare two systems on the same rows, by a measure that is yes or no (`binary`) or a share.

    A yes-or-no measure is decided by McNemar's exact test and at least 30 rows that only one of the two has right, a
    share by the bootstrap interval of its mean difference.
    """
    apart = interval(tuned - other)
    p, gained, lost = None, None, None
    if binary:
        gained, lost = int(np.sum((tuned == 1) & (other == 0))), int(np.sum((tuned == 0) & (other == 1)))
        p = mcnemar(gained, lost)
        sure = p < ALPHA and gained + lost >= LEAST_APART
        told = f"{gained:,} rows are right only in the tuned model, {lost:,} only there (p = {p:.2g})"
        outcome: Outcome = "even" if gained + lost >= LEAST_APART else "unknown"
        if not sure and p < ALPHA:
            told += f"; {LEAST_APART} such rows are wanted, more held-out rows would tell"
    else:
        sure = apart.low > 0 or apart.high < 0
        outcome = "even"
        told = f"the mean differs by {apart.mean:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})"
    if len(tuned) < LEAST_ROWS:
        sure, outcome = False, "unknown"
    if sure:
        outcome = "better" if apart.mean > 0 else "worse"
    return Against(system, outcome, apart, gained, lost, p, f"against {system}: {told}")


def verdict(found: tuple[Against, ...], rows: int, missing: tuple[str, ...] = ()) -> Verdict:
    """Judge by all comparisons: each must be won, so that none of them needs a correction for being one of many."""
    if rows < LEAST_ROWS:
        return Verdict("not told", f"{rows:,} rows tell nothing; {LEAST_ROWS} are the least", found, missing)
    by = {
        outcome: [one.system for one in found if one.outcome == outcome]
        for outcome in ("better", "worse", "even", "unknown")
    }
    if by["worse"]:
        return Verdict("worse", f"the tuned model is worse than {_listed(by['worse'])}", found, missing)
    if by["even"] or by["unknown"]:
        few = [one.system for one in found if one.outcome == "unknown" and one.p is not None and one.p < ALPHA]
        level = [one for one in by["even"] + by["unknown"] if one not in few]
        told = [f"no gain is shown over {_listed(level)}"] if level else []
        told += [f"too few rows differ to be sure of one over {_listed(few)}"] if few else []
        told += [f"it is better than {_listed(by['better'])}"] if by["better"] else []
        return Verdict("not better", "; ".join(told), found, missing)
    if not found:
        return Verdict("not told", "there is no other system to compare with", found, missing)
    if missing:
        why = f"the tuned model is better than {_listed(by['better'])}; not shown yet: {_listed(list(missing))}"
        return Verdict("not told", why, found, missing)
    return Verdict("better", f"the tuned model is better than {_listed(by['better'])}", found, missing)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
