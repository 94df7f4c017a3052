"""A signal: what is looked at in each row, and the numbers that follow from all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from ftdata.advice.reading import Held
from ftdata.advice.view import View
from ftdata.tokens import Counter

Value = float | int | str | None
"""A number; None is unknown. A text is a low-cardinality code, never text of a row."""
Array = np.ndarray[Any, Any]


@dataclass
class Evidence:
    """All that was looked at: a frame for each signal, one line a row (of a sample, with `row`), and what was found."""

    held: Held
    count: Counter
    frames: Mapping[str, pl.DataFrame]
    limits: Mapping[str, float]
    marks: dict[str, Array] = field(default_factory=dict)
    """For each row, what a signal tells others: `stays` (no near duplicate), `disputed`, `label`, …"""
    told: dict[str, Value] = field(default_factory=dict)


class Signal:
    """One signal. `sampled`: of a large set it looks at a sample only."""

    name: ClassVar[str]
    sampled: ClassVar[bool] = False
    of: ClassVar[Mapping[str, str]] = {}
    """Of which number the shares that it tells are shares, where that is not `rows`."""

    def look(self, view: View) -> pl.DataFrame:
        """Give one line for each row of the batch."""
        raise NotImplementedError

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give the numbers, by name."""
        raise NotImplementedError


def share(count: float, of: float) -> float | None:
    """Give a share; of nothing it is unknown."""
    return round(count / of, 4) if of else None
