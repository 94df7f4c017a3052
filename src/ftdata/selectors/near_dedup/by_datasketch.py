"""The search for near-duplicates with datasketch: another road to the same rows, for comparison; many times slower.

The 128 permutations are datasketch's (its affine scheme of 32 bits), cut into the same bands as those of the native
search; each candidate is verified by exact Jaccard, but for those whose sketches have less in common than all but one
in 10,000 pairs at the threshold. (The bands that datasketch itself chooses for 0.8 miss 60 % of the pairs at it.)

Memory: a sketch takes 548 bytes a row, datasketch's index about 11 KB for each kept row that shares a band with
another. Time grows with the square of the rows that one template makes and that all stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import comb
from typing import Any

import numpy as np
import polars as pl
import xxhash

from ftdata.batch import ROWS, TEXT
from ftdata.similarity.answers import Answers
from ftdata.similarity.bands import bands
from ftdata.similarity.shingles import hashes, jaccard
from ftdata.similarity.twins import Read, Twins

PERMUTATIONS = 128
SEED = 1
"""Of the permutations (datasketch's default). It decides nothing but which pairs are missed, so it is no field."""
SKETCH = {
    "size": pl.UInt32(),
    "count": pl.UInt32(),
    "hi": pl.UInt64(),
    "lo": pl.UInt64(),
    "sketch": pl.Array(pl.UInt32, PERMUTATIONS),
}
_CHUNK = 8192
"""Shingles permuted at once: 4 MB."""
_Array = np.ndarray[Any, Any]


def sketch(texts: pl.Series, ngram: int) -> pl.DataFrame:
    """Give each text's characters (`size`), number of shingles (`count`), their hash (`hi`, `lo`) and MinHash."""
    counts = np.zeros(len(texts), dtype=np.uint32)
    halves = np.zeros((len(texts), 2), dtype=">u8")
    values = np.zeros((len(texts), PERMUTATIONS), dtype=np.uint32)
    for at, text in enumerate(texts.to_list()):
        found = hashes(text, ngram)
        counts[at] = len(found)
        halves[at] = np.frombuffer(xxhash.xxh3_128_digest(found.astype("<u8").tobytes()), dtype=">u8")
        values[at] = _minhash(found)
    columns = [texts.str.len_chars(), counts, *halves.astype(np.uint64).T, values]
    pairs = zip(SKETCH.items(), columns, strict=True)
    return pl.DataFrame([pl.Series(name, column, kind) for (name, kind), column in pairs])


def search(
    frame: pl.DataFrame,
    start: int,
    read: Read,
    threshold: float,
    ngram: int,
    tick: Callable[[], None],
    apart: _Array | None,
    answers: Answers | None,
) -> Twins:
    """Find for each row the first kept row before it that it is like, as `similarity.search` does.

    The first `start` rows stay whatever they are like.
    """
    line = _Line(frame, start, read, threshold, ngram, tick, apart, answers)
    line.walk()
    return Twins(line.twins, line.alike, line.rivals, line.nearness)


class _Line:
    def __init__(
        self,
        frame: pl.DataFrame,
        start: int,
        read: Read,
        threshold: float,
        ngram: int,
        tick: Callable[[], None],
        apart: _Array | None,
        answers: Answers | None,
    ) -> None:
        self.start, self.read, self.threshold, self.ngram, self.tick = start, read, threshold, ngram, tick
        self.answers = answers
        self.rows, self.counts = frame["row"].to_numpy(), frame["count"].to_numpy()
        self.twins: _Array = np.full(frame.height, -1)
        self.alike: _Array = np.ones(frame.height)
        self.rivals: _Array = np.full(frame.height, -1)
        self.nearness: _Array = np.ones(frame.height)
        split = np.zeros(frame.height, dtype=np.uint64) if apart is None else apart
        places = frame.select("hi", "lo", pl.Series("apart", split)).with_row_index("place")
        first = places.select(pl.col("place").min().over("hi", "lo", "apart").cast(pl.Int64)).to_series()
        self.first = np.where(self.counts > 0, first.to_numpy(), -1)
        self.index = _Index(frame["sketch"].to_numpy(), self.counts, threshold)

    def walk(self) -> None:
        """Go through the rows. Those of equal shingles are one: all but the first share its fate."""
        places = np.arange(len(self.first))
        single = np.flatnonzero(self.first == places)
        single = single[self.index.mates(single)]
        for at in self._each(single[single < self.start]):
            self.index.add(at)
        own = single[single >= self.start]
        earlier = {other for at in self._each(own) for other in self.index.near(at)} if self.start else set[int]()
        sets = self._sets(earlier)
        for block in self._blocks(own):
            self._walk_block(block, sets)
        copies = np.flatnonzero((self.first >= 0) & (self.first != places) & (places >= self.start))
        leaders = self.first[copies]
        stayed = self.twins[leaders] < 0
        self.twins[copies] = np.where(stayed, leaders, self.twins[leaders])
        self.alike[copies] = np.where(stayed, 1.0, self.alike[leaders])

    def _walk_block(self, block: list[int], earlier: dict[int, _Array]) -> None:
        near = {other for at in self._each(np.array(block)) for other in self.index.near(at)}
        sets = {**earlier, **self._sets({other for other in near if other >= self.start} | set(block))}
        for at in self._each(np.array(block)):
            for other in self.index.near(at):
                if other not in sets:  # kept in this very block
                    sets |= self._sets({other})
                alike = jaccard(sets[at], sets[other])
                if alike < self.threshold:
                    continue
                if self.answers is None or self.answers.same(np.array([at]), np.array([other]))[0]:
                    self.twins[at], self.alike[at] = other, alike
                    self.rivals[at] = -1
                    break
                if self.rivals[at] < 0:
                    self.rivals[at], self.nearness[at] = other, alike
            if self.twins[at] < 0:
                self.index.add(at)

    def _sets(self, places: set[int]) -> dict[int, _Array]:
        """Read rows again."""
        wanted = {int(self.rows[place]): place for place in places}
        pairs = (
            pair
            for rows, texts in self.read(sorted(wanted))
            for pair in zip(rows.tolist(), texts.to_list(), strict=True)
        )
        return {wanted[row]: hashes(text, self.ngram) for row, text in pairs}

    def _blocks(self, own: _Array) -> Iterator[list[int]]:
        """Cut the rows into blocks of a batch's size, whose texts may stand in memory at once."""
        block, held = list[int](), 0
        for at in own.tolist():
            block.append(at)
            held += int(self.counts[at])
            if len(block) >= ROWS or held >= TEXT // 8:
                yield block
                block, held = [], 0
        if block:
            yield block

    def _each(self, places: _Array) -> Iterator[int]:
        """Give places one by one; the run may be stopped between them, for one of a hot template takes its time."""
        for at in places.tolist():
            self.tick()
            yield at


class _Index:
    """The rows kept so far, by their bands: which of them may a row be like?"""

    def __init__(self, sketches: _Array, counts: _Array, threshold: float) -> None:
        from datasketch import MinHashLSH

        self.sketches, self.counts, self.threshold = sketches, counts, threshold
        self.bands, self.width = bands(threshold)
        self.floor = least_agreeing(threshold)
        self.lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(self.bands, self.width))

    def mates(self, places: _Array) -> _Array:
        """Say which of these rows share a band with another of them; no other need stand in the index."""
        shared = np.zeros(len(places), dtype=bool)
        for band in range(self.bands):
            values = self.sketches[places, band * self.width : (band + 1) * self.width]
            shared |= pl.DataFrame(list(values.T)).is_duplicated().to_numpy()
        return shared

    def add(self, at: int) -> None:
        """Add a row that is kept."""
        self.lsh.insert(at, self._signature(at), check_duplication=False)

    def near(self, at: int) -> list[int]:
        """Give the rows that a row may be like, in greedy order: they share a band, and neither size nor sketch differs
        too much."""
        found: _Array = np.array(self.lsh.query(self._signature(at)), dtype=np.int64)
        sizes, size = self.counts[found].astype(np.float64), float(self.counts[at])
        found = found[np.minimum(sizes, size) / np.maximum(sizes, size) >= self.threshold]
        agree = (self.sketches[found] == self.sketches[at]).sum(axis=1)
        near: list[int] = np.sort(found[agree >= self.floor]).tolist()
        return near

    def _signature(self, at: int) -> Any:
        from datasketch import LeanMinHash

        return LeanMinHash(seed=SEED, hashvalues=self.sketches[at], scheme="affine32")


def least_agreeing(threshold: float) -> int:
    """Give how many values two sketches have in common at least, but for one pair in 10,000 at the threshold.

    Each value is the same with the chance J (Broder 1997), so that their number is binomial.
    """
    total = 0.0
    for count in range(PERMUTATIONS + 1):
        total += comb(PERMUTATIONS, count) * threshold**count * (1 - threshold) ** (PERMUTATIONS - count)
        if total > 1e-4:
            return count
    return PERMUTATIONS


def _minhash(shingles: _Array) -> _Array:
    """Give the MinHash of a set of hashes, of which datasketch takes the lower 32 bits."""
    made = _empty().copy()
    for start in range(0, len(shingles), _CHUNK):
        made.update_batch(shingles[start : start + _CHUNK].astype(np.uint32).tolist())
    values: _Array = made.hashvalues
    return values


@cache
def _empty() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=int, scheme="affine32")
