"""Sketches: 128 values of 16 bits per text, by one-permutation hashing, of which two texts share a share of about J."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import xxhash

from ftdata.similarity.shingles import hashes

BINS = 128
SKETCH = {
    "size": pl.UInt32(),
    "count": pl.UInt32(),
    "hi": pl.UInt64(),
    "lo": pl.UInt64(),
    "sketch": pl.Array(pl.UInt16, BINS),
}
"""Columns of a sketch: characters, number of shingles, 128-bit hash of the set of them, values. 280 bytes a text."""

_Array = np.ndarray[Any, Any]


def sketch(texts: pl.Series, ngram: int) -> pl.DataFrame:
    """Give the sketch of each text: the columns of `SKETCH`. A text that says nothing has `count` 0."""
    counts = np.zeros(len(texts), dtype=np.uint32)
    halves = np.zeros((len(texts), 2), dtype=">u8")
    values = np.zeros((len(texts), BINS), dtype=np.uint16)
    for at, text in enumerate(texts.to_list()):
        found = hashes(text, ngram)
        counts[at] = len(found)
        halves[at] = np.frombuffer(xxhash.xxh3_128_digest(found.astype("<u8").tobytes()), dtype=">u8")
        values[at] = _values(found)
    columns = [texts.str.len_chars(), counts, *halves.astype(np.uint64).T, values]
    pairs = zip(SKETCH.items(), columns, strict=True)
    return pl.DataFrame([pl.Series(name, column, kind) for (name, kind), column in pairs])


def sets(texts: pl.Series, ngram: int) -> tuple[_Array, _Array]:
    """Give the shingles of each text as 64-bit hashes, each once, ascending: all in one array, and its offsets."""
    found = [hashes(text, ngram) for text in texts.to_list()]
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in found], dtype=np.int64)))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.uint64), offsets


def _values(shingles: _Array) -> _Array:
    best = np.full(BINS, 2**32 - 1, dtype=np.uint64)
    np.minimum.at(best, (shingles >> np.uint64(57)).astype(np.int64), shingles & np.uint64(2**32 - 1))
    full = best < 2**32 - 1
    if full.any() and not full.all():  # an empty bin takes the value of the next full one
        place = np.where(full, np.arange(BINS), 2 * BINS)
        ahead = np.minimum.accumulate(np.concatenate((place, place + BINS))[::-1])[::-1][:BINS]
        best = best[ahead % BINS] + (ahead - np.arange(BINS)).astype(np.uint64) * np.uint64(40503)
    return best.astype(np.uint16)
