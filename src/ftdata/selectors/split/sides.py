"""The side of each row, before leaks are looked for: by hash, in reading order, by exact size, or by time.

Sides are numbers here, by how well they are guarded: 0 train, 1 validation, 2 test. `pinned` holds the side that a row
had in an earlier run, or -1.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

SIDES = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
EVALUATION = (VALIDATION, TEST)

Shares = tuple[float, float, float]
"""Shares of train, validation and test."""

_Array = np.ndarray[Any, Any]
_EPSILON = 1e-9


def by_hash(hashes: _Array, shares: Shares) -> _Array:
    """Give validation the lowest hashes, test the highest: a row keeps its side whatever else is in the data.

    Changing one share never moves a row between validation and test.
    """
    sides = np.zeros(len(hashes), dtype=np.int8)
    if shares[TEST]:
        sides[hashes >= np.uint64(2**64 - int(shares[TEST] * 2**64))] = TEST
    sides[hashes < np.uint64(int(shares[VALIDATION] * 2**64))] = VALIDATION
    return sides


def bound_by_hash(sides: _Array, keys: _Array, pinned: _Array) -> _Array:
    """Move the keys of pinned rows to the side of these, the most guarded where they stand on several."""
    held: dict[int, int] = {}
    for at in np.flatnonzero(pinned >= 0).tolist():
        held[int(keys[at])] = max(held.get(int(keys[at]), TRAIN), int(pinned[at]))
    moved = np.isin(keys, np.fromiter(held, dtype=np.uint64, count=len(held)))
    sides = sides.copy()
    for at in np.flatnonzero(moved).tolist():
        sides[at] = held[int(keys[at])]
    return np.where(pinned >= 0, pinned, sides)


def in_order(
    wished: _Array, values: Sequence[Sequence[int]], labels: Sequence[int] | None, pinned: _Array, shares: Shares
) -> _Array:
    """Go through the rows in reading order; what comes later never changes a side given before.

    A row stands where one of its `values` was seen before, on the least guarded of these sides if there are several
    (it is then a leak, which links groups that stand apart). Else its hash decides (`wished`), with `labels` as far as
    the label keeps its share.
    """
    bound: dict[int, int] = {}
    for at in np.flatnonzero(pinned >= 0).tolist():
        for value in values[at]:
            bound[value] = max(bound.get(value, TRAIN), int(pinned[at]))
    tallies: dict[int, list[int]] = {}
    sides = np.zeros(len(wished), dtype=np.int8)
    wishes, before = wished.tolist(), pinned.tolist()
    for at, mine in enumerate(values):
        tally = [0, 0, 0] if labels is None else tallies.setdefault(labels[at], [0, 0, 0])
        known = [bound[value] for value in mine if value in bound]
        if before[at] >= 0:
            side = before[at]
        elif known:
            side = min(known)
        else:
            side = wishes[at] if labels is None else balanced(tally, wishes[at], shares)
        sides[at] = side
        tally[side] += 1
        for value in mine:
            bound.setdefault(value, side)
    return sides


def balanced(tally: Sequence[int], wish: int, shares: Shares) -> int:
    """Give the wished side if a label then keeps its share on every side, else the one that keeps it.

    `tally` counts its rows so far. Were they placed one by one, each side would hold its share of them within one row
    at all times: with d the surplus of a side (rows less share), -1 <= d <= 1 for validation, for test and for both
    together, and so for train. Both can never be due at once, for then both together would be below -1.
    """
    rows = sum(tally) + 1
    # The surplus of each side if the row went elsewhere.
    over = {side: tally[side] - shares[side] * rows for side in EVALUATION if shares[side]}
    neediest = min(over, key=lambda side: over[side])
    both = sum(over.values())
    if over[neediest] < -1 - _EPSILON:
        return neediest
    if wish != TRAIN and over[wish] <= _EPSILON and both <= _EPSILON:
        return wish
    return TRAIN if both >= -1 - _EPSILON else neediest


def exactly(
    keys: Sequence[tuple[int, int]],
    values: Sequence[Sequence[Hashable]],
    labels: Sequence[int],
    pinned: _Array,
    shares: Shares,
) -> _Array:
    """Fill each side with whole groups, lowest hashes first (test: highest), up to its size; at least one each.

    With labels each side takes of each what the largest remainders give, then whatever fits.
    """
    units = _Units(keys, values, labels, pinned)
    for side in EVALUATION:
        if not shares[side]:
            continue
        room = max(1, int(shares[side] * len(keys) + 0.5)) - units.held(side)
        order = range(len(units.sides)) if side == VALIDATION else range(len(units.sides) - 1, -1, -1)
        free = [unit for unit in order if units.sides[unit] == TRAIN and not units.fixed[unit]]
        quota = units.quota(free, room)
        taken = units.fill(free, side, quota)
        rest = max(0, room) - taken
        taken += units.fill(free, side, dict.fromkeys(quota, rest), rest)
        if not taken and not units.held(side) and len(free) > 1:
            units.sides[min(free, key=lambda unit: units.sizes[unit])] = side
    return units.of_rows(pinned)


class _Units:
    """Rows that stay together, in order of their hashes."""

    def __init__(
        self,
        keys: Sequence[tuple[int, int]],
        values: Sequence[Sequence[Hashable]],
        labels: Sequence[int],
        pinned: _Array,
    ) -> None:
        self.rows = connected(values)
        self.rows.sort(key=lambda rows: min(keys[row] for row in rows))
        self.sizes = [len(rows) for rows in self.rows]
        self.labels = [labels[rows[0]] for rows in self.rows]
        held = [max(int(pinned[row]) for row in rows) for rows in self.rows]
        self.fixed = [side >= 0 for side in held]
        self.sides = [max(TRAIN, side) for side in held]

    def held(self, side: int) -> int:
        """Count the rows on a side."""
        return sum(size for size, own in zip(self.sizes, self.sides, strict=True) if own == side)

    def quota(self, free: Sequence[int], room: int) -> dict[int, int]:
        """Share the room out among the labels by largest remainders."""
        counts: dict[int, int] = {}
        for unit in sorted(free, key=lambda unit: self.labels[unit]):
            counts[self.labels[unit]] = counts.get(self.labels[unit], 0) + self.sizes[unit]
        total = sum(counts.values())
        room = max(0, min(room, total))
        quota = {label: room * count // total for label, count in counts.items()}
        falling = sorted(counts, key=lambda label: (-(room * counts[label] % total), label))
        for label in falling[: room - sum(quota.values())]:
            quota[label] += 1
        return quota

    def fill(self, free: Sequence[int], side: int, quota: dict[int, int], room: int | None = None) -> int:
        """Put units on a side as long as they fit and one is left for train; give the rows taken."""
        taken, left = 0, dict(quota)
        for unit in free:
            size, label = self.sizes[unit], self.labels[unit]
            if self.sides[unit] != TRAIN or size > left[label] or (room is not None and taken + size > room):
                continue
            if self.sides.count(TRAIN) > 1:
                self.sides[unit] = side
                left[label] -= size
                taken += size
        return taken

    def of_rows(self, pinned: _Array) -> _Array:
        """Give the side of each row; a pinned one keeps its own."""
        sides = np.zeros(len(pinned), dtype=np.int8)
        for rows, side in zip(self.rows, self.sides, strict=True):
            sides[rows] = side
        return np.where(pinned >= 0, pinned, sides)


def connected(values: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """Put together the rows that share a value, straight or by way of others."""
    parent = list(range(len(values)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    first: dict[Hashable, int] = {}
    for row, mine in enumerate(values):
        for value in mine:
            one, other = sorted((root(first.setdefault(value, row)), root(row)))
            parent[other] = one
    found: dict[int, list[int]] = {}
    for row in range(len(values)):
        found.setdefault(root(row), []).append(row)
    return list(found.values())


def by_time(times: _Array, shares: Shares, cuts: tuple[int | None, int | None] | None) -> _Array:
    """Give test the newest rows and validation the next; rows of one moment stand together.

    `cuts` are the first moments of validation and of test; without them the shares decide where they lie.
    """
    sides = np.zeros(len(times), dtype=np.int8)
    if cuts is not None:
        for side, cut in zip(EVALUATION, cuts, strict=True):
            if cut is not None:
                sides[times >= cut] = side
        return sides
    for side in (TEST, VALIDATION):
        free = np.sort(times[sides == TRAIN])
        if shares[side] and len(free):
            count = max(1, int(shares[side] * len(times) + 0.5))
            sides[(times >= free[-min(count, len(free))]) & (sides == TRAIN)] = side
    return sides
