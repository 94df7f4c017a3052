"""The search for twins: candidates share a band, exact Jaccard decides, what was kept before stands for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ftdata.similarity.shingles import jaccard
from ftdata.similarity.sketch import BINS, sets

_Array = np.ndarray[Any, Any]
Read = Callable[[Iterable[int]], Iterator[tuple[_Array, pl.Series]]]
"""Reads the texts of rows again: gives their `row` numbers and texts, some at a time, in ascending order."""
_WIDTH = 4


@dataclass(frozen=True)
class Twins:
    """For each row of the frame searched: the position of the kept row that it is like (-1: none), and their J."""

    twin: _Array
    similarity: _Array


def twins(
    frame: pl.DataFrame,
    read: Read,
    threshold: float,
    ngram: int,
    group: _Array | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Twins:
    """Find for each row the first kept row before it whose exact Jaccard is at or above the threshold.

    `frame`: `row` and the columns of `SKETCH`, in greedy order. A row that has a twin is not kept, so nobody's twin.
    With `group` (whole numbers, none smaller than the one before) a row is held against rows of smaller groups only:
    rows of one group never stand for each other. Without it each row is a group of its own.
    """
    size = frame.height
    group = np.arange(size) if group is None else group
    counts, values = frame["count"].to_numpy(), frame["sketch"].to_numpy()
    found: dict[int, _Array] = {}
    numbers = {int(row): at for at, row in enumerate(frame["row"].to_list())}
    for rows, texts in read(sorted(numbers)):
        flat, bounds = sets(texts, ngram)
        for place, row in enumerate(rows.tolist()):
            found[numbers[row]] = flat[bounds[place] : bounds[place + 1]]
    twin, alike = np.full(size, -1), np.ones(size)
    index: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for at in range(size):
        tick()
        if not counts[at]:
            continue
        keys = [(band, values[at, band * _WIDTH : (band + 1) * _WIDTH].tobytes()) for band in range(BINS // _WIDTH)]
        for other in sorted({other for key in keys for other in index[key] if group[other] < group[at]}):
            both = jaccard(found[at], found[other])
            if both >= threshold:
                twin[at], alike[at] = other, both
                break
        else:
            for key in keys:
                index[key].append(at)
    return Twins(twin, alike)
