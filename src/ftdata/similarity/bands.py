"""Candidates: which pairs of rows share a band of their sketches, and which of those may be at the threshold at all.

A template that thousands of rows fill makes buckets of thousands: all pairs of one would be their square. So a row is
held against a bounded number of rows of each bucket, in full where the bucket is small; what is left over is sought
again among those that are still kept, of whom there are fewer each time (`twins.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from ftdata.similarity.compiled import kernel
from ftdata.similarity.sketch import BINS

_Array = np.ndarray[Any, Any]
_CHUNK = 1024
"""Pairs whose sketches are compared at once: 256 KB a side, which stays in the cache (measured best)."""
_TURNED = 4
"""Columns of the sketches put one after the other at once: 32 bytes a row."""
_GATHERED = 1 << 21
"""Pairs gathered before each is counted once and screened: 16 MB."""
_DRAWN = 48
"""Bits by which a crowded bucket is ordered, at most: at J = 0.73 nine of 8,000 rows have them all in common."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


def bands(threshold: float) -> tuple[int, int]:
    """Give the number of bands and their width: the widest of at most 4 that finds 999 of 1,000 pairs at the threshold.

    The chance that a pair shares a band is 1 - (1 - Jʳ)ᵇ (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets,
    3.4.2).
    """
    for width in (4, 3):
        count = BINS // width
        if 1 - (1 - threshold**width) ** count >= 0.999:
            return count, width
    return BINS // 2, 2


def least_shared(threshold: float) -> int:
    """Give how many bands a pair at the threshold shares at least, but for one in 1,000 (binomial); 1 or more."""
    count, width = bands(threshold)
    total, chance = 0.0, threshold**width
    for shared in range(count):
        total += comb(count, shared) * chance**shared * (1 - chance) ** (count - shared)
        if total > 1e-3:
            return max(1, shared)
    return count


class Bands:
    """The sketches of rows in greedy order (`at`: the place of each in `values`), and the pairs that they suggest."""

    def __init__(self, values: _Array, at: _Array, counts: _Array, threshold: float, tick: Callable[[], None]) -> None:
        self.values, self.at, self.counts = np.ascontiguousarray(values), at, counts
        self._columns = np.zeros((0, 0), dtype=np.uint64)
        self.threshold, self.tick = threshold, tick
        self.count, self.width = bands(threshold)
        self.least = least_shared(threshold)
        """How many buckets a row shares with one at the threshold, but for one pair in 1,000."""

    def pairs(
        self, rows: _Array, group: _Array, most: int, reach: int, turn: int, hot: _Array
    ) -> tuple[_Array, _Array]:
        """Give the pairs of `rows` (ascending) that share a band and may be near, and in how many values they agree.

        A pair is `later << 32 | earlier`, of different groups; the pairs are in ascending order. In each bucket a row
        is held against all earlier ones if they are `most` or fewer. Else against the first and the last of them, and
        its bucket is put in the order of other values of their sketches, which `turn` draws, so that rows that share
        many stand beside each other, and it is held against `reach` neighbours (Bawa, Condie, Ganesan, LSH Forest,
        2005). `hot` counts for each row the buckets that are so crowded.
        """
        found: list[_Array] = []
        agreed: list[_Array] = []
        gathered: list[_Array] = []
        held = 0
        for band in range(self.count):
            self.tick()
            row, begin, before, sizes = self._buckets(band, rows, group)
            crowded = np.repeat(before[np.cumsum(sizes) - 1] > most, sizes)
            hot[row[crowded]] += 1
            gathered.append(_held_against(row, begin, before, most))
            if reach and crowded.any():
                bucket = np.repeat(np.arange(len(sizes), dtype=np.uint64), sizes)[crowded]
                gathered.append(self._beside(row[crowded], bucket, group, reach, turn * self.count + band))
            held += sum(map(len, gathered[-2:]))
            if held >= _GATHERED or band == self.count - 1:
                near, agree = self._screened(_once(np.concatenate(gathered)))
                self.tick()
                found.append(near)
                agreed.append(agree)
                gathered, held = [], 0
        pairs, agree = np.concatenate(found), np.concatenate(agreed)
        if len(found) > 1:
            self.tick()
            order = np.argsort(pairs)  # of equal pairs either: they agree in as many values
            self.tick()
            pairs = pairs[order]
            first = np.concatenate(([True], pairs[1:] != pairs[:-1])) if len(pairs) else np.zeros(0, dtype=bool)
            pairs, agree = pairs[first], agree[order[first]]
        return pairs, agree

    def _keys(self, band: int, rows: _Array) -> _Array:
        """Hash the values of one band to 64 bits."""
        width = self.width
        keys: _Array
        if width == 3:
            part = self.values[self.at[rows], band * width : (band + 1) * width].astype(np.uint64)
            keys = part[:, 0] | part[:, 1] << np.uint64(16) | part[:, 2] << np.uint64(32)
        else:
            place, half = divmod(band * width, 4)
            if not half and place % _TURNED == 0:
                self._turn(place, rows)
            keys = self._columns[place % _TURNED]
            if width == 2:
                keys = keys >> np.uint64(16 * half) & np.uint64(2**32 - 1)
        keys ^= keys >> np.uint64(29)
        keys *= _ODD
        keys ^= keys >> np.uint64(32)
        keys *= _ODD
        return keys

    def _turn(self, place: int, rows: _Array) -> None:
        """Put columns of the sketches, of four values each, one after the other: rows stand far apart in memory."""
        at, wide = self.at[rows], self.values.view(np.uint64)
        if self._columns.shape[1] != len(at):
            self._columns = np.empty((_TURNED, len(at)), dtype=np.uint64)
        for start in range(0, len(at), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._columns[:, part] = wide.take(at[part], axis=0)[:, place : place + _TURNED].T

    def _buckets(self, band: int, rows: _Array, group: _Array) -> tuple[_Array, _Array, _Array, _Array]:
        """Give the rows of all buckets of two or more, one bucket after the other, each ascending.

        For each row: where its bucket begins, and how many rows of smaller groups the bucket holds; and the sizes of
        the buckets.
        """
        low = np.uint64((1 << len(rows).bit_length()) - 1)
        keys = self._keys(band, rows)
        keys &= ~low
        keys |= np.arange(len(rows), dtype=np.uint64)
        keys.sort()
        first = np.ones(len(keys) + 1, dtype=bool)
        np.greater(keys[1:] ^ keys[:-1], low, out=first[1:-1])
        where = np.flatnonzero(~(first[:-1] & first[1:]))
        row = rows[(keys[where] & low).astype(np.int64)]
        begins = np.flatnonzero(first[where])
        sizes = np.diff(begins, append=len(where))
        begin = np.repeat(begins, sizes)
        groups = group[row]
        fresh = first[where]
        fresh[1:] |= groups[1:] != groups[:-1]
        # Before a row stand, in smaller groups, those before the first of its own group.
        before = np.maximum.accumulate(np.where(fresh, np.arange(len(where)), 0)) - begin
        return row, begin, before, sizes

    def _beside(self, rows: _Array, bucket: _Array, group: _Array, reach: int, draw: int) -> _Array:
        """Put the rows of each bucket in order of single bits of their sketches; give the pairs that stand close by."""
        spare = 64 - int(bucket[-1]).bit_length()
        # One bit a value tells most for each bit of the key: two rows have it in common with the chance (1 + J) / 2.
        drawn = np.argsort((np.arange(BINS, dtype=np.uint64) + np.uint64(draw * BINS)) * _ODD)[: min(spare, _DRAWN)]
        at, packed = self.at[rows], np.zeros((len(rows), 8), dtype=np.uint8)
        for start in range(0, len(at), _CHUNK):
            part = slice(start, start + _CHUNK)
            bits = self.values.take(at[part], axis=0).astype(np.uint8).take(drawn, axis=1) & np.uint8(1)
            packed[part, : (len(drawn) + 7) // 8] = np.packbits(bits, axis=1)
        keys = packed.view(">u8").ravel().astype(np.uint64) >> np.uint64(64 - spare)
        keys |= bucket << np.uint64(spare)
        order = np.argsort(keys, kind="stable")
        row, place, mine = rows[order], bucket[order], group[rows[order]]
        found = []
        # The nearest of another group; where each row is its own group that is the one just before.
        fresh = np.concatenate(([True], (place[1:] != place[:-1]) | (mine[1:] != mine[:-1])))
        last = np.maximum.accumulate(np.where(fresh, np.arange(len(row)), 0)) - 1
        found.append((np.arange(len(row)), last))
        found += [(np.arange(step, len(row)), np.arange(len(row) - step)) for step in range(2, reach + 1)]
        pairs = []
        for one, other in found:
            fits = (other >= 0) & (place[one] == place[other]) & (mine[one] != mine[other])
            left, right = row[one[fits]], row[other[fits]]
            later, earlier = np.maximum(left, right), np.minimum(left, right)
            pairs.append(later.astype(np.uint64) << np.uint64(32) | earlier.astype(np.uint64))
        return np.concatenate(pairs)

    def _screened(self, pairs: _Array) -> tuple[_Array, _Array]:
        """Leave out pairs whose sizes or sketches forbid the threshold (but for one of some 30,000 at it)."""
        self.tick()
        one, other = ends(pairs)
        left, right = self.counts[one], self.counts[other]
        more = np.maximum(left, right)
        fits = np.minimum(left, right) >= self.threshold * more * (1 - 1e-12)
        pairs, one, other, more = pairs[fits], self.at[one[fits]], self.at[other[fits]], more[fits]
        agree, loops = np.empty(len(pairs), dtype=np.uint8), kernel()
        for at, start in enumerate(range(0, len(pairs), _CHUNK)):
            if at % 256 == 0:
                self.tick()
            part = slice(start, start + _CHUNK)
            if loops is not None:
                loops.agreeing(self.values.reshape(-1), one[part], other[part], agree[part])
                continue
            same = self.values.take(one[part], axis=0) == self.values.take(other[part], axis=0)
            bits = np.bitwise_count(np.packbits(same).view(np.uint64))
            np.add(bits[::2], bits[1::2], out=agree[part])  # 128 bits a pair
        fits = agree >= least_agreeing(more, self.threshold)
        return pairs[fits], agree[fits]


def least_agreeing(counts: _Array, threshold: float) -> _Array:
    """Give in how many values the sketches of a pair at the threshold agree at least, by the larger of their sizes.

    Each value agrees with the chance J (Broder 1997). Four standard deviations below; of a set with fewer shingles than
    values, several values stand for one shingle, and the share of a shingle among the values has about twice the
    variance of a fair draw.
    """
    spread = np.sqrt(threshold * (1 - threshold) * np.maximum(1 / BINS, 2 / np.maximum(counts, 1)))
    least: _Array = np.floor(BINS * (threshold - 4 * spread))
    return least


def _held_against(row: _Array, begin: _Array, before: _Array, most: int) -> _Array:
    """Give the pairs of each row with all of its bucket before it, or, of more than `most`, with first and last."""
    takes = np.where(before <= most, before, 2)
    owner = np.repeat(np.arange(len(row)), takes)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(takes) - takes, takes)
    many = before[owner]
    other = row[begin[owner] + np.where((many > most) & (nth == 1), many - 1, nth)]
    pairs: _Array = row[owner].astype(np.uint64) << np.uint64(32) | other.astype(np.uint64)
    return pairs


def ends(pairs: _Array) -> tuple[_Array, _Array]:
    """Give the later and the earlier row of each pair."""
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(2**32 - 1)).astype(np.int64)


def without(pairs: _Array, known: _Array) -> _Array:
    """Say which of the pairs are not among the known ones (ascending)."""
    if not len(known):
        return np.ones(len(pairs), dtype=bool)
    fresh: _Array = known[np.minimum(np.searchsorted(known, pairs), len(known) - 1)] != pairs
    return fresh


def _once(pairs: _Array) -> _Array:
    pairs.sort()
    return pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))] if len(pairs) else pairs
