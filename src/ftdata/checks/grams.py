"""How many different runs of words a dataset holds, counted without holding them: the lowest hashes stand for all.

Of n different values hashed evenly to 0..1, the k-th lowest hash x tells n: about (k - 1) / x, with a standard error of
1 / √(k - 2), 3 % for k = 1,024 (Bar-Yossef et al. 2002; Beyer et al. 2007, KMV). The lowest of all are among the lowest
of each batch, so that batches of any size tell the same. With fewer than k the count is exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
import xxhash

LONGEST = 3
"""Words in a run at most: runs of 1, 2 and 3 are counted."""
LOWEST = 1024

_Array = np.ndarray[Any, Any]


def words(texts: pl.Series) -> tuple[_Array, _Array]:
    """Give all words of the texts one after the other as hashes of 64 bits, and how many each text has.

    A word is a run of letters, digits and marks, in lower case; scripts without spaces give long words.
    """
    listed = texts.str.to_lowercase().str.extract_all(r"[\p{L}\p{M}\p{N}_]+")
    counts = listed.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = listed.explode(empty_as_null=False, keep_nulls=False)
    # Each different word is hashed once: a batch of 4,096 rows has some 10,000.
    unique = flat.unique()
    hashes = pl.Series([xxhash.xxh3_64_intdigest(word.encode()) for word in unique.to_list()], dtype=pl.UInt64)
    if len(flat):
        hashes = flat.replace_strict(unique, hashes, return_dtype=pl.UInt64)
    return hashes.to_numpy(), counts


def runs(hashes: _Array, counts: _Array) -> list[tuple[_Array, int]]:
    """Give for runs of 1, 2 and 3 words their lowest hashes, ascending, and how many runs the texts have."""
    ends = np.cumsum(counts)
    left = np.repeat(ends, counts) - np.arange(len(hashes))  # words from here to the end of the text
    found = []
    run = hashes
    for length in range(1, LONGEST + 1):
        if length > 1:
            run = _mixed(run[:-1] * np.uint64(0x9E3779B97F4A7C15) + hashes[length - 1 :]) if len(run) else run
        inside = run[left[: len(run)] >= length]
        found.append((lowest([inside]), len(inside)))
    return found


def lowest(parts: Iterable[_Array]) -> _Array:
    """Give the lowest hashes of several sets, each once, ascending."""
    values = np.concatenate([np.zeros(0, dtype=np.uint64), *parts])
    if len(values) > 16 * LOWEST:  # most stand far above: only those that may be among the lowest are sorted
        few = np.unique(values[values <= np.partition(values, 4 * LOWEST)[4 * LOWEST]])
        if len(few) >= LOWEST:
            return few[:LOWEST]
    return np.unique(values)[:LOWEST]


def different(values: _Array) -> int:
    """Estimate how many different values there are from the lowest of them."""
    if len(values) < LOWEST:
        return len(values)
    return round((LOWEST - 1) / (float(values[-1]) / 2.0**64))


def _mixed(values: _Array) -> _Array:
    """Spread values evenly over 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values
