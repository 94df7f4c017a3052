"""Exact Jaccard of pairs of rows: their texts are read again, and their shingles held within a budget of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from ftdata.similarity.compiled import kernel
from ftdata.similarity.hashing import BITS, HASH, blocks
from ftdata.similarity.leaders import components

_Array = np.ndarray[Any, Any]
Read = Callable[[Iterable[int]], Iterator[tuple[_Array, pl.Series]]]
"""Reads the texts of rows again: gives their `row` numbers and texts, some at a time, in ascending order."""
BUDGET = 1 << 25
"""Shingles held at once: 256 MB."""
_CHUNK = 1 << 15
"""Shingles merged at once: 256 KB, which stays in the cache."""
_PAIRS = 1 << 12
"""Pairs merged at once by the compiled loop."""
_TAG = np.uint64(BITS)
"""Above so many bits of a hash stands the number of its pair."""
_AT_ONCE = 1 << (64 - BITS)


class Shingles:
    """The shingles of rows, read when asked for.

    `rows` are the rows' numbers, `most` about how many shingles each has; a row is known by its place in them. `size`
    is the number of shingles of the rows read so far, `marked` which of the hashes `marks` (ascending) they hold.
    """

    def __init__(
        self,
        rows: _Array,
        most: _Array,
        read: Read,
        ngram: int,
        tick: Callable[[], None],
        budget: int = BUDGET,
        marks: _Array | None = None,
    ) -> None:
        self.rows, self.most, self.read, self.ngram, self.tick, self.budget = rows, most, read, ngram, tick, budget
        self._marks = np.zeros(0, dtype=np.uint64) if marks is None else marks
        self.marked = np.zeros((len(rows), (len(self._marks) + 7) // 8), dtype=np.uint8)
        self._start = np.full(len(rows), -1)
        self.size = np.zeros(len(rows), dtype=np.uint32)
        self._flat = np.empty(0, dtype=np.uint64)
        self._used = 0
        self._claimed = 0

    def jaccard(self, one: _Array, other: _Array) -> _Array:
        """Give the Jaccard similarity of each pair; 0 if both are empty."""
        shared = self.shared(one, other)
        union = self.size[one].astype(np.int64) + self.size[other] - shared
        alike: _Array = shared / np.maximum(union, 1)
        return alike

    def shared(self, one: _Array, other: _Array) -> _Array:
        """Give the number of shingles that both of each pair have."""
        found = np.zeros(len(one), dtype=np.int64)
        for cell in self._cells(one, other):
            self.tick()
            self.hold(np.unique(np.concatenate((one[cell], other[cell]))))
            found[cell] = self._merged(one[cell], other[cell])
        return found

    def _merged(self, one: _Array, other: _Array) -> _Array:
        begins = np.stack((self._start[one], self._start[other]), axis=1)
        finish = begins + np.stack((self.size[one], self.size[other]), axis=1)
        both = (finish - begins).sum(axis=1)
        total = np.cumsum(both)
        found = np.zeros(len(one), dtype=np.int64)
        if (loops := kernel()) is not None:
            for start in range(0, len(one), _PAIRS):
                self.tick()
                part = slice(start, start + _PAIRS)
                loops.shared(self._flat, begins[part].ravel(), finish[part].ravel(), found[part])
            return found
        at = 0
        while at < len(one):
            self.tick()
            done = int(total[at - 1]) if at else 0
            end = max(at + 1, int(np.searchsorted(total, done + _CHUNK, "right")))
            end = min(end, at + _AT_ONCE)
            pairs = zip(begins[at:end].ravel().tolist(), finish[at:end].ravel().tolist(), strict=True)
            merged = np.concatenate([self._flat[lo:hi] for lo, hi in pairs])
            merged |= np.repeat(np.arange(end - at, dtype=np.uint64) << _TAG, both[at:end])
            merged.sort(kind="stable")  # two ascending runs for each pair: merged, not sorted anew
            same = np.zeros(len(merged), dtype=bool)
            np.equal(merged[1:], merged[:-1], out=same[1:])
            says = np.flatnonzero(both[at:end]) + at
            if len(says):
                found[says] = np.add.reduceat(same, total[says] - both[says] - done, dtype=np.int64)
            at = end
        return found

    def expect(self, places: _Array) -> None:
        """Read rows (ascending) that may be asked for, if there is room for all: they are read in one go then."""
        if self._claimed + int(self.most[places[self._start[places] < 0]].sum(dtype=np.int64)) <= self.budget:
            self.hold(places)

    def hold(self, places: _Array) -> None:
        """Read the rows that are not held; if there is no room for them, all others are forgotten."""
        missing = places[self._start[places] < 0]
        if not len(missing):
            return
        need = int(self.most[missing].sum(dtype=np.int64))
        if self._claimed + need > self.budget and self._claimed:
            self._start[:] = -1
            self._used = self._claimed = 0
            missing = places
            need = int(self.most[missing].sum(dtype=np.int64))
        self._claimed += need
        # Room for as much as there may ever be, within the budget: what is not written to takes no memory.
        self._make_room(max(self._claimed, min(self.budget, int(self.most.sum(dtype=np.int64)))))
        missing = missing[np.argsort(self.rows[missing], kind="stable")]
        numbers = self.rows[missing]
        self.tick()
        for rows, texts in self.read(numbers.tolist()):
            self.tick()
            at = missing[np.searchsorted(numbers, rows)]
            self._start[at] = self._used  # where nothing is said
            for block in blocks(texts, self.ngram):
                self._take(at[block.texts], block.counts, block.keys)
        if (self._start[missing] < 0).any():
            raise ValueError("read() did not give all rows that it was asked for")

    def _take(self, at: _Array, counts: _Array, keys: _Array) -> None:
        bounds = np.concatenate(([0], counts.cumsum()))
        self._start[at] = self._used + bounds[:-1]
        self.size[at] = counts
        self._make_room(self._used + len(keys))
        flat = np.bitwise_and(keys, HASH, out=self._flat[self._used : self._used + len(keys)])
        self._mark(at, flat, bounds)
        self._used += len(keys)

    def _make_room(self, room: int) -> None:
        if room > len(self._flat):
            grown = np.empty(room, dtype=np.uint64)
            grown[: self._used] = self._flat[: self._used]
            self._flat = grown

    def _mark(self, at: _Array, flat: _Array, bounds: _Array) -> None:
        if len(self._marks):
            likely = np.zeros(1 << 16, dtype=bool)
            upper = np.uint64(BITS - 16)
            likely[self._marks >> upper] = True
            where = np.flatnonzero(likely[flat >> upper])
            mark = np.searchsorted(self._marks, flat[where])
            is_one = self._marks[np.minimum(mark, len(self._marks) - 1)] == flat[where]
            where, mark = where[is_one], mark[is_one]
            owner = at[np.searchsorted(bounds, where, "right") - 1]
            np.bitwise_or.at(self.marked, (owner, mark // 8), (1 << mark % 8).astype(np.uint8))

    def _cells(self, one: _Array, other: _Array) -> Iterator[_Array]:
        """Part the pairs so that the rows of each part fit into the budget; mostly there is one part.

        Rows that pairs connect stay together, so that each is read once; only if they are too many themselves, they are
        cut into blocks, and each block is held against each.
        """
        places, inverse = np.unique(np.concatenate((one, other)), return_inverse=True)
        most = self.most[places].astype(np.int64)
        if not len(one) or int(most.sum()) <= self.budget:
            yield np.arange(len(one))
            return
        left, right = inverse[: len(one)], inverse[len(one) :]
        label = components(left, right, len(places), self.tick)
        order = np.argsort(label, kind="stable")
        block = np.empty(len(places), dtype=np.int64)
        block[order] = _blocks(label[order], most[order], self.budget // 2)
        cell = np.maximum(block[left], block[right]) * (int(block.max()) + 1) + np.minimum(block[left], block[right])
        ordered = np.argsort(cell, kind="stable")
        cuts = np.flatnonzero(np.diff(cell[ordered])) + 1
        yield from np.split(ordered, cuts)


def _blocks(label: _Array, most: _Array, room: int) -> _Array:
    """Number the blocks into which rows go one after the other, those of one label into one block where they fit."""
    starts = np.flatnonzero(np.concatenate(([True], label[1:] != label[:-1])))
    totals = np.add.reduceat(most, starts).tolist()
    bounds = [*starts.tolist(), len(label)]
    found = np.empty(len(label), dtype=np.int64)
    number, used = 0, 0
    for begin, end, total in zip(bounds[:-1], bounds[1:], totals, strict=True):
        if used and used + total > room:
            number, used = number + 1, 0
        if total <= room:
            found[begin:end] = number
            used += total
            continue
        for at in range(begin, end):
            one = int(most[at])
            if used and used + one > room:
                number, used = number + 1, 0
            found[at] = number
            used += one
    return found
