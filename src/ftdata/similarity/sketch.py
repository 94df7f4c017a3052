"""Sketches: 128 values of 16 bits per text, of which two texts have in common a share of about J; and exact sets.

One-permutation hashing (Li, Owen, Zhang 2012): each shingle falls into one of 128 bins by the upper 7 bits of its hash,
and each bin keeps the least of its shingles by the next 24. Of two texts the same bin holds the same with the chance J.
Bins that stay empty take what another bin holds, by *optimal densification* (Shrivastava 2017): each bin has its own
order of all bins, the same for all texts, and takes from the first that is not empty. Then each bin makes 16 bits of
its 24 in its own way, so that texts of few shingles do not fill all bins with one and the same chance hit.

The share of equal values is an unbiased estimate of J. Its standard deviation is that of 128 permutations,
sqrt(J (1 - J) / 128), above 100 shingles; below it is up to 1.3 times as much (measured; see the tests).

The hash of a set is the sum of the hashes of its shingles and that of their squares, modulo 2⁶⁴: equal for equal sets
whatever their order, and different for different ones but for chance.

Beyond what is returned this takes 30 MB, however many texts there are, and for a text longer than a block (256 KB) some
60 bytes for each of its words.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from ftdata.similarity.compiled import kernel
from ftdata.similarity.hashing import BITS, HASH, TEXTS, Block, blocks

BINS = 128
SKETCH = {
    "size": pl.UInt32(),
    "count": pl.UInt32(),
    "hi": pl.UInt64(),
    "lo": pl.UInt64(),
    "sketch": pl.Array(pl.UInt16, BINS),
}
"""Columns of a sketch: characters, number of shingles, 128-bit hash of the set of them, values. 280 bytes a text."""

_U, _U4 = np.uint64, np.uint32
_EMPTY = _U4(2**32 - 1)
_VALUE = _U4(2**24 - 1)
_STEPS = 4
"""Steps of densification for all texts at once; dearer ways are for those with bins still empty."""
_FEW = 16
_AT_ONCE = 1 << 16
"""Shingles of a long text that are worked on at a time."""

_Array = np.ndarray[Any, Any]


class _Room(threading.local):
    """Arrays to work in, kept."""

    def __init__(self) -> None:
        self.bins = np.empty((TEXTS, BINS), dtype=np.uint32)


_room = _Room()


def sketch(texts: pl.Series, ngram: int) -> pl.DataFrame:
    """Give the sketch of each text: the columns of `SKETCH`. A text that says nothing has `count` 0."""
    told = np.zeros((4, len(texts)), dtype=np.uint64)
    values = np.zeros((len(texts), BINS), dtype=np.uint16)
    bins, held = _room.bins, list[_Array]()
    filled = 0
    for block in blocks(texts, ngram):
        told[0, block.texts] = block.sizes
        if not len(block.keys):
            continue
        if kernel() is not None:
            told[1:, block.texts], values[block.texts] = _compiled(block)
            continue
        if filled + len(block.texts) > TEXTS:
            values[np.concatenate(held)] = _values(bins[:filled])
            filled = 0
            held.clear()
        mine = bins[filled : filled + len(block.texts)]
        told[1:, block.texts] = _binned(block, mine)
        filled += len(block.texts)
        held.append(block.texts)
    if held:
        values[np.concatenate(held)] = _values(bins[:filled])
    pairs = zip(SKETCH.items(), (*told, values), strict=True)
    return pl.DataFrame([pl.Series(name, column).cast(kind) for (name, kind), column in pairs])


def sets(texts: pl.Series, ngram: int) -> tuple[_Array, _Array]:
    """Give the shingles of each text as hashes, each once, ascending: all in one array, and its offsets."""
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    parts = [np.zeros(0, dtype=np.uint64)]
    for block in blocks(texts, ngram):
        offsets[block.texts + 1] = block.counts
        parts.append(block.keys & HASH)
    return np.concatenate(parts), offsets.cumsum()


def _binned(block: Block, bins: _Array) -> _Array:
    """Fill the bins of the texts of a block; give their numbers of shingles, and the two sums."""
    said = np.flatnonzero(block.counts)
    owner = said.astype(np.uint64)
    starts = (block.counts.cumsum() - block.counts)[said]
    told = np.zeros((3, len(block.counts)), dtype=np.uint64)
    told[0] = block.counts
    bins.fill(_EMPTY)
    for at in range(0, len(block.keys), _AT_ONCE) if len(said) == 1 else (0,):
        keys = block.keys[at : at + _AT_ONCE] if len(said) == 1 else block.keys
        values = (keys >> _U(BITS - 7 - 24)).astype(np.uint32)
        values &= _VALUE
        np.minimum.at(bins.reshape(-1), (keys >> _U(BITS - 7)).view(np.int64), values)
        told[1, said] += np.add.reduceat(keys, starts)
        told[2, said] += np.add.reduceat(keys * keys, starts)
    # What stands above the hashes is taken off the sums: (h + o 2^55)^2 = h^2 + h o 2^56 modulo 2^64.
    told[1, said] -= told[0, said] * owner << _U(BITS)
    told[2, said] -= told[1, said] * owner << _U(BITS + 1)
    return told


def _values(bins: _Array) -> _Array:
    """Give the 128 values of each text from what its bins hold."""
    steps, _, _, factors = _donors()
    made, other = bins.copy(), np.empty_like(bins)
    for step, donor in enumerate(steps):
        # The place in the order goes above the value: the least is then that of the first bin that held something.
        made.take(donor, axis=1, out=other, mode="clip")
        np.bitwise_or(other, _U4(1 << 24 + step), out=other)
        np.minimum(made, other, out=made)
    empty = made == _EMPTY
    if empty.any():
        rest = np.flatnonzero(empty.any(axis=1))
        made[rest] = _filled(bins[rest], made[rest])
    np.bitwise_and(made, _VALUE, out=made)
    np.multiply(made, factors, out=made)
    np.right_shift(made, 16, out=made)
    return made.astype(np.uint16)


def _filled(bins: _Array, made: _Array) -> _Array:
    """Fill the bins that the first turns left empty, of texts with at least one that is not; the others' with 0."""
    _, orders, ranks, _ = _donors()
    held = (bins != _EMPTY).sum(axis=1)
    made[held == 0] = 0
    few = np.flatnonzero((held > 0) & (held < _FEW))
    if len(few):
        # Each bin takes from the full one of the lowest rank in its order; all texts go through theirs at once.
        owners, full = np.nonzero(bins[few] != _EMPTY)
        starts = np.searchsorted(owners, np.arange(len(few)))
        best = ranks[full[starts]]
        for step in range(1, int(held[few].max())):
            more = np.flatnonzero(held[few] > step)
            best[more] = np.minimum(best[more], ranks[full[starts[more] + step]])
        made[few] = bins[few[:, None], orders[best, np.arange(BINS)]]
    text, empty = np.nonzero(made == _EMPTY)
    turn = 0
    while len(empty):
        offered = bins[text, orders[turn : turn + 8, empty]]
        found = offered != _EMPTY
        made[text, empty] = offered[found.argmax(axis=0), np.arange(len(empty))]
        left = ~found.any(axis=0)
        empty, text, turn = empty[left], text[left], turn + 8
    return made


@cache
def _donors() -> tuple[_Array, _Array, _Array, _Array]:
    """Give in what order bins take from bins.

    The steps: each a bin for each bin, to take from what it holds after the steps before. So after four steps a bin has
    seen itself and 15 others. The whole orders that this makes, then by chance: a column for each bin. The rank of each
    bin in the order of each: a row for each that is ranked. What each bin multiplies its value by.
    """
    chance = np.random.RandomState(1)  # whose numbers are the same in every version of NumPy (NEP 19)
    steps = np.array([chance.permutation(BINS) for _ in range(_STEPS)])
    seen = np.arange(BINS)[None]
    for donor in steps:
        seen = np.concatenate((seen, seen[:, donor]))
    orders = np.array([list(dict.fromkeys([*mine, *chance.permutation(BINS)])) for mine in seen.T.tolist()])
    ranks = np.argsort(orders, axis=1).astype(np.uint8)
    factors = chance.randint(2**31, 2**32, BINS, dtype=np.uint32) | _U4(1)
    return steps, np.ascontiguousarray(orders.T), np.ascontiguousarray(ranks.T), factors


def _compiled(block: Block) -> tuple[_Array, _Array]:
    """Give what `_binned` gives of a block, and the values, by the compiled loop."""
    loops, size = kernel(), len(block.texts)
    assert loops is not None
    told, values = np.empty((3, size), dtype=np.uint64), np.empty((size, BINS), dtype=np.uint16)
    told[0] = block.counts
    loops.sketch(block.keys, block.counts, *_tables(), told[1], told[2], values.reshape(-1))
    return told, values


@cache
def _tables() -> tuple[_Array, _Array, _Array]:
    """Give the orders, the ranks and the factors as the compiled loops take them."""
    _, orders, ranks, factors = _donors()
    return orders.astype(np.uint8).ravel(), ranks.ravel(), factors
