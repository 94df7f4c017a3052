"""From the words of many texts to the hashes of their shingles.

A shingle of n words t₁ ... tₙ (their hashes) is t₁·Kⁿ⁻¹ + ... + tₙ modulo 2⁶⁴, for all places of all texts at once by
doubling: runs of 2a words are those of a words times Kᵃ, plus those that begin a words later. Runs that reach into
the next text are left out. A text of fewer words is one run. Then the bits are mixed, and 55 are kept, so that with the
number of its text, below 512, a shingle is one number of 64 bits: one sort brings the shingles of each text together.
Two shingles have the same hash with a chance of 2⁻⁵⁵: any two of a pair of texts of 400 each with one of 5e-12 or so.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import xxhash

from ftdata.similarity.compiled import kernel
from ftdata.similarity.shingles import level
from ftdata.similarity.tokens import SIZE, Words, joined, tokens

TEXTS = 512
"""Texts in a block at most."""
BITS = 55
HASH = np.uint64((1 << BITS) - 1)
"""The bits of a key that are the shingle's hash."""
_U = np.uint64
_K = 0xA0761D6478BD642F
_MUL = _U(0xE7037ED1A0B428DB)
_NONE = _U(2**64 - 1)
_JOINED = 4 * SIZE
"""Bytes of text joined at once at most."""
_CUT = SIZE // 8
"""Characters of a part of a text that is too long for a block, at least."""
_CUTS = re.compile("[\\x00-/]|[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]")

_Array = np.ndarray[Any, Any]


class _Room(threading.local):
    """Arrays for the compiled loops to work in, kept."""

    def __init__(self) -> None:
        self.keys, self.spare = (np.empty(SIZE // 2 + 1, dtype=np.uint64) for _ in range(2))


_room = _Room()


class Block(NamedTuple):
    """The shingles of some texts of a series."""

    texts: _Array
    """The places of the texts in the series."""
    sizes: _Array
    """Their characters."""
    counts: _Array
    """How many shingles each has."""
    keys: _Array
    """The shingles, each once in a text, in ascending order: the place of the text here, above `BITS` bits of hash.

    In memory that the next block may use again.
    """


def blocks(texts: pl.Series, ngram: int) -> Iterator[Block]:
    """Give the shingles of the texts that are not empty, block by block. Texts that say nothing have none."""
    lengths = texts.str.len_bytes()
    sizes = (lengths.fill_null(0) if lengths.null_count() else lengths).to_numpy()
    filled = np.flatnonzero(sizes)
    if len(filled) < len(sizes):
        texts, sizes = texts.gather(filled), sizes[filled]
    ends = np.concatenate(([0], np.cumsum(sizes + 1, dtype=np.int64)))
    start = first = last = 0
    data = bounds = np.zeros(0, dtype=np.int64)
    while start < len(texts):
        end = _reach(ends, start, SIZE, TEXTS)
        if end == start:
            end += 1
            words = _long(texts[start])
        else:
            if end > last:
                first, last = start, max(end, _reach(ends, start, _JOINED, len(texts)))
                del data, bounds  # so that their memory is taken again: fresh memory is dear
                data, bounds = joined(texts.slice(first, last - first))
            block = bounds[start - first : end - first + 1]
            words = tokens(texts.slice(start, end - start), data[block[0] : block[-1]], block - block[0])
        counts = np.empty(end - start, dtype=np.int64)
        keys = _compiled(words, ngram, counts)
        if keys is None:
            found, counts = _shingles(words.hashes, words.bounds, ngram)
            keys = _each_once(found, counts)
        signs = _signs(texts.slice(start, end - start), counts)
        if len(signs):
            keys = np.concatenate((keys, signs))
            keys.sort()
        chars = sizes[start:end] if words.ascii else texts.slice(start, end - start).str.len_chars().to_numpy()
        yield Block(filled[start:end], chars, counts, keys)
        start = end


def _reach(ends: _Array, start: int, size: int, most: int) -> int:
    """Give the end of the texts from one on that are not more than so many, and bytes."""
    return min(start + most, int(ends.searchsorted(ends[start] + size, side="right")) - 1)


def _compiled(words: Words, ngram: int, counts: _Array) -> _Array | None:
    """Give the keys of shingles in order, each once, and their numbers in `counts`, if the compiled loop can."""
    loops = kernel()
    if loops is None or len(words.hashes) > len(_room.keys):
        return None
    size = loops.shingles(words.hashes, words.bounds, _room.spare, _room.keys, counts, ngram)
    return _room.keys[:size] if size >= 0 else None


def _each_once(found: _Array, counts: _Array) -> _Array:
    """Give the keys of shingles in order, each once; and in `counts` how many each text has."""
    found.sort()
    keys = found[: counts.sum()]
    again = keys[1:] == keys[:-1]
    if again.any():
        owner = (keys[1:][again] >> _U(BITS)).view(np.int64)
        counts -= np.bincount(owner, minlength=len(counts))
        new = np.concatenate(([True], ~again))
        keys = pl.Series(keys).filter(pl.Series(new)).to_numpy()
    return keys


def _shingles(tokens: _Array, bounds: _Array, ngram: int) -> tuple[_Array, _Array]:
    """Give the keys of the shingles of texts, and the number of those of each text.

    There is a key for each word; where no shingle begins it is `_NONE`, which comes last in order.
    """
    starts, ends = bounds[:-1], bounds[1:]
    words = ends - starts
    keys = _runs(tokens, ngram)
    counts = words - (ngram - 1)
    none = ends[:, None] - np.arange(1, ngram)
    if counts.min(initial=1) < 1:
        short = np.flatnonzero((words < ngram) & (words > 0))
        at = starts[short]
        told = tokens.take(at[:, None] + np.arange(ngram - 1), mode="clip")
        keys[at] = (told * _wholes(ngram)[words[short]]).sum(axis=1)
        counts = np.where(words < ngram, words > 0, counts)
        none = none[none > starts[:, None]]
    rest = np.right_shift(keys, 32)
    np.bitwise_xor(keys, rest, out=keys)
    np.multiply(keys, _MUL, out=keys)
    np.right_shift(keys, 64 - BITS, out=keys)
    np.bitwise_or(keys, (np.arange(len(words), dtype=np.uint64) << _U(BITS)).repeat(words), out=keys)
    keys[none] = _NONE
    return keys, counts


def _runs(tokens: _Array, ngram: int) -> _Array:
    """Give the hash of the n words from each place on; of the last n - 1 places it says nothing."""
    made, size = tokens, 1
    for bit in bin(ngram)[3:]:
        longer = made * _U(pow(_K, size, 2**64))
        longer[:-size] += made[size:]
        made, size = longer, size * 2
        if bit == "1":
            made *= _U(_K)
            made[:-size] += tokens[size:]
            size += 1
    return made


@cache
def _wholes(ngram: int) -> _Array:
    """Give by what each word of a text too short for a shingle is multiplied, by its number of words."""
    rows = [[pow(_K, words - 1 - at, 2**64) if at < words else 0 for at in range(ngram - 1)] for words in range(ngram)]
    return np.array(rows, dtype=np.uint64)


def _long(text: str) -> Words:
    """Give the hashes of the words of a text too long for a block, of its parts one by one."""
    found = [tokens(part, *joined(part)).hashes.copy() for part in (pl.Series([part]) for part in _parts(text))]
    hashes = np.concatenate(found)
    return Words(hashes, np.array([0, len(hashes)]), text.isascii())


def _parts(text: str) -> Iterator[str]:
    """Cut a text where words end whatever follows: before white space, or a sign, of ASCII, or a Han character."""
    start = 0
    while start < len(text):
        cut = _CUTS.search(text, start + _CUT)
        end = cut.start() if cut else len(text)
        yield text[start:end]
        start = end


def _signs(texts: pl.Series, counts: _Array) -> _Array:
    """Give the keys of the texts without a word, one of the signs of each that has any; and count them in `counts`."""
    keys = []
    for place in np.flatnonzero(counts == 0).tolist():
        if sign := "".join(level(texts[place]).split()):
            keys.append(place << BITS | xxhash.xxh3_64_intdigest(sign.encode()) >> (64 - BITS))
            counts[place] = 1
    return np.array(keys, dtype=np.uint64)
