"""The search for twins: candidates share a band, exact Jaccard decides, what was kept before stands for the rest.

    equal sets ─► pairs that share a band ─► screened by size and sketch ─► exact Jaccard ─► greedy pass ─┐
                       ▲ among those still kept, as long as it finds something ───────────────────────────┘

Rows of equal shingles are one. Where few rows share a band, all pairs of them are compared: there the outcome is that
of the exact greedy pass. Where thousands do (a hot template), each row is compared with a bounded number: first with
the earliest, which stand for most others; then those that are left with one another, the most alike first. So a pair of
kept rows may be missed, but no row goes without a kept one that it is like, for every J is exact.

Memory: 96 bytes a row beside its sketch, 9 for each pair that is left after the screen, 256 MB of shingles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ftdata.similarity.bands import Bands, ends, without
from ftdata.similarity.leaders import kept
from ftdata.similarity.verify import BUDGET, Read, Shingles

__all__ = ["Agree", "Read", "Twins", "search", "twins"]

_Array = np.ndarray[Any, Any]
Agree = Callable[[_Array, _Array], _Array]
"""Says of pairs of places in the frame, near each other, whether the one may stand for the other."""

_TURNS = 8
"""How often pairs are sought again among the rows of crowded buckets that are still kept."""
_MOST = 8
"""Rows of a bucket that a row is held against in full."""
_REACH = 2
"""Neighbours in a crowded bucket that it is held against; both are more in later turns, when rows are fewer, up to:"""
_CROWD = 64
_CALM = 4096
"""Rows of crowded buckets that are few."""
_FEW = 16
"""A row with so many candidates is compared with all of them; others step by step, as long as it finds something."""
_STEP = 8
_STEPS = 24
_WORTH = 0.02
"""Share of the rows compared that must go for another step or turn to be worth its while, unless few rows are, or:"""
_FREE = 4
"""Pairs compared for each row of the frame before it is asked what that is worth."""


@dataclass(frozen=True)
class Twins:
    """For each row of the frame searched: the position of the kept row that it is like (-1: none), and their J.

    `rival` is, for a kept row, the first kept row that it is like but that may not stand for it (-1: none), and
    `nearness` their J; there are none unless `search` was told who may stand for whom.
    """

    twin: _Array
    similarity: _Array
    rival: _Array
    nearness: _Array


def twins(
    frame: pl.DataFrame,
    read: Read,
    threshold: float,
    ngram: int,
    group: _Array | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Twins:
    """Find for each row a kept row before it whose exact Jaccard is at or above the threshold.

    `frame`: `row` and the columns of `SKETCH`, in greedy order. A row that has a twin is not kept, so nobody's twin. Of
    several kept rows one with the very same shingles is named, else the first of those that were compared.
    With `group` (whole numbers, none smaller than the one before) a row is held against rows of smaller groups only:
    rows of one group never stand for each other. Without it each row is a group of its own.
    """
    return search(frame, read, threshold, ngram, group, tick)


def search(
    frame: pl.DataFrame,
    read: Read,
    threshold: float,
    ngram: int,
    group: _Array | None = None,
    tick: Callable[[], None] = lambda: None,
    *,
    apart: _Array | None = None,
    agree: Agree | None = None,
    budget: int = BUDGET,
) -> Twins:
    """Find twins like `twins`, where not every row may stand for each that is like it.

    `agree` decides upon pairs of near rows. Rows of equal shingles stand for each other unasked if `apart` (a number
    for each row) is equal too. `budget`: shingles held at once.
    """
    return _Search(frame, read, threshold, ngram, group, tick, apart, agree, budget).found()


class _Search:
    def __init__(
        self,
        frame: pl.DataFrame,
        read: Read,
        threshold: float,
        ngram: int,
        group: _Array | None,
        tick: Callable[[], None],
        apart: _Array | None,
        agree: Agree | None,
        budget: int,
    ) -> None:
        self.threshold, self.tick, self.agree = threshold, tick, agree
        self.height = frame.height
        counts = frame["count"].to_numpy()
        self.first = _equals(frame, counts, apart)
        self.tick()
        # From here on rows of equal shingles are one, the first of them, known by its number among these.
        self.at = np.flatnonzero((self.first == np.arange(self.height)) & (counts > 0))
        self.size = len(self.at)
        groups = np.arange(self.height) if group is None else np.asarray(group)
        self.groups = groups
        self.bands = Bands(frame["sketch"].to_numpy(), self.at, counts[self.at], threshold, tick)
        self.shingles = Shingles(frame["row"].to_numpy(), counts, read, ngram, tick, budget)
        self.stays = np.ones(self.size, dtype=bool)
        empty = np.zeros(0, dtype=np.uint64)
        self.tested = empty
        """All pairs whose J is known, ascending."""
        self.near, self.alike, self.stand = empty, np.zeros(0), np.zeros(0, dtype=bool)
        """The pairs at or above the threshold, their J, and whether one may stand for the other."""
        self.open, self.agreed = empty, np.zeros(0, dtype=np.uint8)
        """The pairs that might be compared yet, and in how many values their sketches agree."""

    def found(self) -> Twins:
        """Search; give what was found for each row of the frame."""
        if self.size > 1:
            self._search()
        twin, similarity = np.full(self.height, -1), np.ones(self.height)
        rival, nearness = np.full(self.height, -1), np.ones(self.height)
        later, earlier = ends(self.near)
        stands = self.stays[earlier]
        for mask, name, alike in (
            (stands & self.stand & ~self.stays[later], twin, similarity),
            (stands & ~self.stand & self.stays[later], rival, nearness),
        ):
            row, where = np.unique(self.near[mask] >> np.uint64(32), return_index=True)
            row = self.at[row.astype(np.int64)]
            name[row], alike[row] = self.at[earlier[mask][where]], self.alike[mask][where]
        copies = np.flatnonzero((self.first >= 0) & (self.first != np.arange(self.height)))
        heads = self.first[copies]
        stayed = (twin[heads] < 0) & (self.groups[heads] < self.groups[copies])
        similarity[copies] = np.where(stayed, 1.0, similarity[heads])
        twin[copies] = np.where(stayed, heads, twin[heads])
        return Twins(twin, similarity, rival, nearness)

    def _search(self) -> None:
        group = self.groups[self.at]
        hot = np.zeros(self.size, dtype=bool)
        rows, most, reach = np.arange(self.size), _MOST, 0
        allowed = 0
        for turn in range(_TURNS):
            crowded = np.zeros(self.size, dtype=np.uint8)
            self._settle(*self.bands.pairs(rows, group, most, reach, turn, crowded))
            # Who stands in fewer crowded buckets than any twin would share has met his twins in the others.
            hot |= crowded >= self.bands.least
            gone = len(rows) - np.count_nonzero(self.stays[rows])
            rows = np.flatnonzero(hot & self.stays)
            dear = len(rows) > _CALM
            if len(rows) < 2 or (turn and gone <= (_WORTH * len(rows) if dear else 0)):
                break
            # As rows go, those that stay may be compared with more, at the same cost in all.
            allowed = allowed or max(len(rows), _CALM)
            most = min(_CROWD, _MOST * allowed // len(rows))
            reach = min(_CROWD, _REACH * allowed // len(rows))

    def _settle(self, pairs: _Array, agreed: _Array) -> None:
        """Compare new pairs, and those left over from before, as far as it is needed; decide who is kept."""
        self.tick()
        fresh = without(pairs, self.tested) & without(pairs, self.open)
        self.open = np.concatenate((self.open, pairs[fresh]))
        self.agreed = np.concatenate((self.agreed, agreed[fresh]))
        self.tick()
        order = np.argsort(self.open)
        self.open, self.agreed = self.open[order], self.agreed[order]
        self._expect()
        worth = True
        for step in range(_STEPS):
            self.tick()
            later, earlier = ends(self.open)
            live = np.flatnonzero(self.stays[later] & self.stays[earlier])
            chosen, many = self._chosen(live, later, step, worth)
            if not len(chosen):
                break
            asked = np.unique(later[many])
            self._compare(chosen)
            if len(asked) and step:
                worth = int(np.count_nonzero(~self.stays[asked])) >= _WORTH * len(asked)
                worth |= len(self.tested) < _FREE * max(self.size, _CALM)

    def _expect(self) -> None:
        """Read the rows of all open pairs: nearly all of them are asked for, most at once, few again and again."""
        later, earlier = ends(self.open)
        live = self.stays[later] & self.stays[earlier]
        asked = np.zeros(self.size, dtype=bool)
        asked[later[live]] = asked[earlier[live]] = True
        self.shingles.expect(self.at[asked])

    def _chosen(self, live: _Array, later: _Array, step: int, worth: bool) -> tuple[_Array, _Array]:
        """Choose among the open pairs: of each row the first, then all of rows that have few, else the most alike."""
        owner = later[live]
        starts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1]))) if len(owner) else owner
        number = np.diff(starts, append=len(owner))
        if not step:
            return live[starts], live[starts[number > _FEW]]
        few = np.repeat(number <= _FEW, number)
        crowd = live[~few]
        if not len(crowd) or not worth:
            return live[few], crowd[:0]
        owner = later[crowd]
        order = np.lexsort((-self.agreed[crowd].astype(np.int16), owner))
        starts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
        place = np.arange(len(owner)) - np.repeat(starts, np.diff(starts, append=len(owner)))
        many = crowd[order[place < _STEP]]
        return np.concatenate((live[few], many)), many

    def _compare(self, chosen: _Array) -> None:
        pairs = self.open[chosen]
        left = np.ones(len(self.open), dtype=bool)
        left[chosen] = False
        later, earlier = (self.at[row] for row in ends(pairs))
        alike = self.shingles.jaccard(later, earlier)
        near = alike >= self.threshold
        stand = np.ones(int(near.sum()), dtype=bool)
        if self.agree is not None and len(stand):
            stand = self.agree(later[near], earlier[near])
        order = np.argsort(self.near_and(pairs[near]))
        self.near = self.near_and(pairs[near])[order]
        self.alike = np.concatenate((self.alike, alike[near]))[order]
        self.stand = np.concatenate((self.stand, stand))[order]
        self.tested = np.sort(np.concatenate((self.tested, pairs)), kind="stable")
        self.open, self.agreed = self.open[left], self.agreed[left]
        self.stays = kept(*ends(self.near[self.stand]), self.size, self.tick)

    def near_and(self, pairs: _Array) -> _Array:
        return np.concatenate((self.near, pairs))


def _equals(frame: pl.DataFrame, counts: _Array, apart: _Array | None) -> _Array:
    """Give for each row the place of the first with equal shingles; -1 for a row that has none."""
    high, low = frame["hi"].to_numpy(), frame["lo"].to_numpy()
    key = high ^ low
    if apart is not None:
        key = key ^ apart.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    order = np.argsort(key)
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (high[order][1:] != high[order][:-1]) | (low[order][1:] != low[order][:-1])
    if apart is not None:
        fresh[1:] |= apart[order][1:] != apart[order][:-1]
    first = np.empty(len(order), dtype=np.int64)
    starts = np.flatnonzero(fresh)
    if len(order):
        first[order] = np.repeat(np.minimum.reduceat(order, starts), np.diff(starts, append=len(order)))
    first[counts == 0] = -1
    return first
