"""The greedy pass: of rows in order, which are kept if each goes that is near one kept before it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_Array = np.ndarray[Any, Any]
_TURNS = 24
"""Passes over all pairs that are still open, before the rest is gone through one by one (a long chain)."""
_UNTIL_TICK = 100_000


def kept(later: _Array, earlier: _Array, size: int, tick: Callable[[], None]) -> _Array:
    """Say of each of `size` rows whether it is kept: it goes if one before it, near it, is kept.

    `later`, `earlier`: the pairs that are near, in any order.
    """
    stays = np.ones(size, dtype=bool)
    waits = np.zeros(size, dtype=bool)
    waits[later] = True
    for _ in range(_TURNS):
        if not len(later):
            return stays
        tick()
        gone = later[~waits[earlier] & stays[earlier]]
        stays[gone] = waits[gone] = False
        # Open is a pair whose later row waits, and whose earlier one waits too.
        still = waits[later] & waits[earlier]
        later, earlier = later[still], earlier[still]
        waits[:] = False
        waits[later] = True
    order = np.argsort(later, kind="stable")
    stays[later] = True
    for at, (row, other) in enumerate(zip(later[order].tolist(), earlier[order].tolist(), strict=True)):
        if at % _UNTIL_TICK == 0:
            tick()
        if stays[other]:
            stays[row] = False
    return stays


def components(one: _Array, other: _Array, size: int, tick: Callable[[], None]) -> _Array:
    """Give each of `size` rows the smallest row that it is connected with by the pairs."""
    label = np.arange(size)
    while len(one):
        tick()
        left, right = label[one], label[other]
        apart = left != right
        one, other, left, right = one[apart], other[apart], left[apart], right[apart]
        np.minimum.at(label, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(shorter := label[label], label):
            label = shorter
    return label
