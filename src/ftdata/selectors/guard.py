"""Which rows say nearly the same as one of a guarded few? Exact: every pair at the threshold is found.

That a split does not leak is a claim about all pairs, so that chance may miss none of them, as sketches and bands do
(`similarity/twins.py`, which has to look among all rows). Here one side is small, and prefix filtering (Chaudhuri et
al. 2006; Bayardo, Ma and Srikant 2007, Scaling up all pairs similarity search) makes the exact search cheap:

1. Of two sets at Jaccard t or above, each holds at least the share t of the other. So a row of which less than t stands
   anywhere among the guarded is like none of them; a table of bits tells that of nearly all rows.
2. Put all shingles in one order, the rarest among the guarded first. Two sets that share at least c shingles share one
   of the first |x| - c + 1 of the one and |y| - c + 1 of the other: only rows that do are compared, shingle by shingle.

Shingles stand for their 64-bit hashes. Memory: about 25 bytes for each shingle of the guarded, 8 million at a time; if
they have more, the other rows are read several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import polars as pl
from pydantic import BeforeValidator, Field

from ftdata.batch import Batch
from ftdata.similarity import spoken
from ftdata.similarity.sketch import sets

On: TypeAlias = Literal["conversation", "question", "answer"]
Ons: TypeAlias = Annotated[
    tuple[On, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1),
]
"""What is compared, each by itself."""
Threshold: TypeAlias = Annotated[float, Field(ge=0.5, le=1)] | Literal["off"]

BUDGET = 1 << 23
"""Shingles of guarded rows held at once: 200 MB."""

_ROLES = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}
_EPSILON = 1e-9
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio: multiplied by it, numbers spread over the upper bits (Knuth, vol. 3, 6.4)."""
_Array = np.ndarray[Any, Any]
Texts: TypeAlias = Iterable[tuple[_Array, Sequence[pl.Series]]]
"""Numbers of rows and their texts, one column for each thing that is compared; some rows at a time."""


def said(batch: Batch, on: Sequence[On]) -> list[pl.Series]:
    """Give the texts that are compared; of a preference row the rejected answer counts as said."""
    return [spoken(batch, _ROLES[what], rejected=what == "conversation") for what in on]


def near(
    guarded: Texts,
    others: Callable[[], Texts],
    threshold: float,
    ngram: int,
    tick: Callable[[], None] = lambda: None,
    budget: int = BUDGET,
) -> dict[int, tuple[int, float]]:
    """Find the rows at or above the threshold to a guarded one: the first of these, as they were given, and J.

    Rows go by their numbers. Where several things are compared, the first by which a row is near one decides. A text
    that says nothing is like no other.
    """
    found: dict[int, tuple[int, float]] = {}
    for parts in _Guarded.parted(guarded, threshold, ngram, tick, budget):
        for numbers, texts in others():
            tick()
            left = ~np.isin(numbers, np.fromiter(found, dtype=numbers.dtype, count=len(found)))
            for part, column in zip(parts, texts, strict=True):
                places = np.flatnonzero(left)
                for at, other, similarity in part.search(column.gather(places) if found else column):
                    left[places[at]] = False
                    found[int(numbers[places[at]])] = (other, similarity)
    return found


class _Guarded:
    """Guarded rows, ready to be searched. A shingle is known by its place in the order of rarity."""

    def __init__(self, numbers: _Array, flat: _Array, sizes: _Array, threshold: float, ngram: int) -> None:
        self.numbers, self.sizes, self.threshold, self.ngram = numbers, sizes, threshold, ngram
        ordered = np.sort(flat)
        firsts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))[: len(ordered)]
        self.known = ordered[firsts]
        rarity = np.argsort(np.diff(np.append(firsts, len(ordered))), kind="stable")
        del ordered, firsts
        self.place = np.empty(len(rarity), dtype=np.int32)
        self.place[rarity] = np.arange(len(rarity), dtype=np.int32)
        del rarity
        self.places = self.place[np.searchsorted(self.known, flat)]
        self.bounds = np.concatenate(([0], np.cumsum(sizes)))
        width = max(16, int(4 * len(self.known)).bit_length())
        self.shift = np.uint64(64 - width)
        self.bits = np.zeros(1 << width, dtype=bool)
        self.bits[self._mixed(self.known)] = True
        self.stamp = np.full(len(self.known), -1, dtype=np.int32)
        self.stamps = 0
        self._index()

    def _mixed(self, hashes: _Array) -> _Array:
        """Give the bit of each shingle; its hash need not fill all 64 bits."""
        mixed: _Array = ((hashes * _ODD) >> self.shift).view(np.int64)
        return mixed

    @classmethod
    def parted(
        cls, rows: Texts, threshold: float, ngram: int, tick: Callable[[], None], budget: int
    ) -> Iterator[list[_Guarded]]:
        """Read guarded rows, as many at a time as the budget allows; leave out those that say nothing."""
        held: list[list[tuple[_Array, _Array, _Array]]] = []
        used = 0
        for numbers, texts in rows:
            tick()
            columns = []
            for column in texts:
                flat, bounds = sets(column, ngram)
                sizes = np.diff(bounds)
                columns.append((numbers[sizes > 0], flat.copy(), sizes[sizes > 0]))
                used += len(flat)
            held.append(columns)
            if used >= budget:
                yield [cls._of(parts, threshold, ngram) for parts in zip(*held, strict=True)]
                held, used = [], 0
        if held:
            yield [cls._of(parts, threshold, ngram) for parts in zip(*held, strict=True)]

    @classmethod
    def _of(cls, parts: Sequence[tuple[_Array, _Array, _Array]], threshold: float, ngram: int) -> _Guarded:
        numbers, flat, sizes = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(numbers, flat, sizes, threshold, ngram)

    def _index(self) -> None:
        """List for each shingle the rows that have it among their first ones."""
        owner = np.repeat(np.arange(len(self.sizes), dtype=np.int64), self.sizes)
        order = np.argsort((owner << 32) | self.places, kind="stable")
        rank = np.arange(len(order)) - self.bounds[owner]
        first = rank < (self.sizes - _least(self.sizes, self.threshold) + 1)[owner]
        places, owner = self.places[order][first], owner[first].astype(np.int32)
        order = np.argsort(places, kind="stable")
        self.owners = owner[order]
        self.starts = np.searchsorted(places[order], np.arange(len(self.known) + 1)).astype(np.int64)

    def search(self, texts: pl.Series) -> Iterator[tuple[int, int, float]]:
        """Give the positions of the texts that are near a guarded row, the number of the first such, and their J."""
        if not len(self.known):
            return
        flat, bounds = sets(texts, self.ngram)
        sizes = np.diff(bounds)
        least = _least(sizes, self.threshold)
        hits = self.bits[self._mixed(flat)]
        running = np.concatenate(([0], np.cumsum(hits)))
        may = (sizes > 0) & (running[bounds[1:]] - running[bounds[:-1]] >= least)
        for at in np.flatnonzero(may).tolist():
            mine = flat[bounds[at] : bounds[at + 1]]
            where = np.minimum(np.searchsorted(self.known, mine), len(self.known) - 1)
            places = self.place[where[self.known[where] == mine]]
            spare = len(places) - int(least[at])
            if spare >= 0:
                yield from self._nearest(at, places, spare + 1, len(mine))

    def _nearest(self, at: int, places: _Array, first: int, size: int) -> Iterator[tuple[int, int, float]]:
        """Compare a row with the guarded ones that share one of its first shingles."""
        places.sort()
        lists = [self.owners[self.starts[place] : self.starts[place + 1]] for place in places[:first].tolist()]
        near = np.unique(np.concatenate(lists))
        theirs = self.sizes[near]
        near = near[np.minimum(theirs, size) >= self.threshold * np.maximum(theirs, size) - _EPSILON]
        self.stamps += 1
        self.stamp[places] = self.stamps
        start, count = 0, 16
        while start < len(near):
            some = near[start : start + count]
            start, count = start + count, count * 4
            sizes = self.sizes[some]
            within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            shared = self.stamp[self.places[np.repeat(self.bounds[some], sizes) + within]] == self.stamps
            both = np.add.reduceat(shared, np.cumsum(sizes) - sizes, dtype=np.int64)
            similarity = both / (sizes + size - both)
            hit = np.flatnonzero(similarity >= self.threshold)
            if len(hit):
                yield at, int(self.numbers[some[hit[0]]]), float(similarity[hit[0]])
                return


def _least(sizes: _Array, threshold: float) -> _Array:
    """Give how many shingles a set of each size shares at least with one at the threshold."""
    return np.ceil(threshold * sizes - _EPSILON).astype(np.int64)
