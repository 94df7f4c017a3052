"""Clusters of texts that say about the same, from their sketches alone: estimated, and near-linear in their number.

Of two sketches the share of values that agree estimates their Jaccard similarity J (Li, Owen, Zhang 2012, one
permutation hashing): with 128 values its standard error is 0.044 at J = 0.5, more for texts of few shingles.

    rows that share a band and agree ─► parts that hang together ─► each part cut into balls around one row

The last step keeps chains apart: a row of a cluster is like the row that stands for it, not only like some other. That
is the one in most company, so that the texts of one template are not scattered over odd ones among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_BANDED = 8
"""Rows of a bucket that the others are held against: what none of them is like has other bands."""
_CUTS = 64
_PASSES = 4
_PAIRS = 1 << 16
"""Pairs compared at once: 32 MB."""

_Array = np.ndarray[Any, Any]


def clusters(values: _Array, threshold: float, rows: _Array | None = None) -> _Array:
    """Give for each of the `rows` of sketch values (n x 128) the place in `rows` of what stands for its cluster.

    Of rows in equal company the first stands for the others: give them in an order that does not follow the input, such
    as that of a hash. Default: all rows, as they are. Memory: some 70 bytes a row beside the values.
    """
    least = int(np.ceil(threshold * values.shape[1]))
    rows = np.arange(len(values)) if rows is None else rows
    result = np.arange(len(rows))
    rest = result.copy()
    for _ in range(_PASSES):
        if not len(rest):
            break
        parts, company = _parts(values, rows[rest], _width(threshold, values.shape[1]), least)
        order = np.lexsort((np.arange(len(rest)), -company, parts))
        left = np.ones(len(rest), dtype=bool)
        for pivot, member in _balls(values, order, parts[order], least, _CUTS, rows[rest]):
            result[rest[member]] = rest[pivot]
            left[pivot] = left[member] = False
        alone = np.bincount(parts, minlength=len(rest))[parts] == 1
        rest = rest[left & ~alone]
    return result


def join(parent: _Array, one: _Array, other: _Array) -> _Array:
    """Join the parts that pairs of places stand in. `parent` names each place's part after its first; it is changed."""
    while len(one):
        left, right = parent[one], parent[other]
        apart = left != right
        if not apart.any():
            break
        one, other, left, right = one[apart], other[apart], left[apart], right[apart]
        np.minimum.at(parent, np.maximum(left, right), np.minimum(left, right))
        while True:
            up = parent[parent]
            if np.array_equal(up, parent):
                break
            parent[:] = up
    return parent


def _width(threshold: float, size: int) -> int:
    """Give the widest band, of at most 4 values, of which 99 in 100 pairs at the threshold share one."""
    fit = (width for width in (4, 3, 2) if 1 - (1 - threshold**width) ** (size // width) >= 0.99)
    return next(fit, 1)


def _parts(values: _Array, rows: _Array, width: int, least: int) -> tuple[_Array, _Array]:
    """Give the part that each of the rows hangs together with, over pairs that share a band and agree enough, and its
    company: how many rows share its bands."""
    parent, company = np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64)
    slots = max(1, len(rows).bit_length() + 1)
    for start in range(0, values.shape[1] - width + 1, width):
        key = np.zeros(len(rows), dtype=np.uint64)
        for column in values[:, start : start + width][rows].T:
            key = key << np.uint64(16) | column
        # Most keys stand alone; few of those share a slot with another, and need not be sorted.
        slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - slots)
        some = np.flatnonzero((np.bincount(slot.astype(np.int64), minlength=1 << slots) > 1)[slot.astype(np.int64)])
        if not len(some):
            continue
        key = key[some]
        order = np.argsort(key, kind="stable")
        buckets = np.cumsum(np.concatenate(([True], key[order][1:] != key[order][:-1]))) - 1
        order = some[order]
        company[order] += np.bincount(buckets)[buckets] - 1
        for pivot, member in _balls(values, order, buckets, least, _BANDED, rows, parent):
            join(parent, pivot, member)
    return parent, company


def _balls(
    values: _Array,
    order: _Array,
    group: _Array,
    least: int,
    rounds: int,
    rows: _Array,
    parent: _Array | None = None,
) -> Iterator[tuple[_Array, _Array]]:
    """Cut groups into balls: again and again the first row left of each, and those that agree with it.

    `order` holds places in `rows`, group by group. Gives the pairs (first, other) of each round. Rows that stand in one
    part of `parent` already are not compared.
    """
    for _ in range(rounds):
        keep = np.bincount(group)[group] > 1 if len(group) else np.zeros(0, dtype=bool)
        order, group = order[keep], group[keep]
        if not len(order):
            return
        first = np.concatenate(([True], group[1:] != group[:-1]))
        pivot = order[first][np.cumsum(first) - 1]
        known = first.copy() if parent is None else parent[order] == parent[pivot]
        todo = np.flatnonzero(~known)
        agree = np.zeros(len(todo), dtype=bool)
        for start in range(0, len(todo), _PAIRS):
            some = todo[start : start + _PAIRS]
            one, other = rows[order[some]], rows[pivot[some]]
            agree[start : start + _PAIRS] = (values[one] == values[other]).sum(axis=1) >= least
        found = todo[agree]
        # A row that nothing is like stands for itself: the pair of it with itself says that it is done.
        yield np.concatenate((pivot[found], order[first])), np.concatenate((order[found], order[first]))
        known[found] = True
        order, group = order[~known], group[~known]
