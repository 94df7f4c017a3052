"""From texts to hashes of their words, many texts at once: all work is on the bytes of the column, none on strings.

A block of texts (their UTF-8, a line break after each) goes through these steps, each a few passes of NumPy:

1. *Level*: `byte | 0x20` makes ASCII letters small. Digits have that bit; `_` becomes 0x7F, which is no character of a
   word. What is not ASCII is looked up by code point (`levels.py`) and written over by what it becomes.
2. *Class*: each byte belongs to a word or not.
3. *Edges*: where this changes, words begin and end: the numbers 0, 1, 2 ... filtered by "differs from the one before".
4. *Hash*: the first 16 bytes of all words are taken out of the text seen as numbers of 64 bits, three of which cover
   them, shifted to the word's beginning, what is behind its end cut off. Words hold no zero byte, so equal numbers are
   equal words. Longer words go on, eight bytes at a time; those above 64 bytes are hashed by XXH3.

Texts with a slow character are levelled one by one and take their place in the block.

Where the compiled loops are at hand (`compiled.py`) they do all of this but the characters beyond ASCII.
"""

from __future__ import annotations

import sys
import threading
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import xxhash

from ftdata.errors import FtdataError
from ftdata.similarity.compiled import kernel
from ftdata.similarity.shingles import level

SIZE = 1 << 18
"""Bytes of text in a block at most, unless it is one word: what is worked on at a time stays in the cache."""
_AT_ONCE = 1 << 14
"""Words hashed at once at most."""
_LONG = 64
_STEPS = np.arange(8)
_U = np.uint64
_MUL, _MUL2 = _U(0x9E3779B97F4A7C15), _U(0xD6E8FEB86659FD93)
_LOW = _U(0xFFFFFFFF)
_HEADS = np.array([256 ** min(size, 8) - 1 for size in range(17)], dtype=np.uint64)
_TAILS = np.array([256 ** max(size - 8, 0) - 1 for size in range(17)], dtype=np.uint64)
"""What is a word's in its first and its second eight bytes, by its length."""

_Array = np.ndarray[Any, Any]


class Room:
    """Arrays to work in, kept: memory fresh from the system costs more than the work done in it."""

    def __init__(self, size: int = SIZE) -> None:
        self.low = np.zeros(size + 32, dtype=np.uint8)
        self.kind, self.spare = np.zeros(size, dtype=np.uint8), np.empty(size, dtype=np.uint8)
        self.edge = np.empty(size, dtype=bool)
        self.numbers = pl.Series(np.arange(size, dtype=np.uint32))
        self.made = np.empty(size // 2 + 1, dtype=np.uint64)
        self.pairs = np.empty(size // 2 + 128, dtype=np.uint64)
        self.wide = [np.empty(_AT_ONCE, dtype=np.uint64) for _ in range(6)]


_kept = threading.local()


def _room(size: int) -> Room:
    """Give room for a block of so many bytes: the thread's own, unless it is too small."""
    if size > SIZE:
        return Room(size)
    if not hasattr(_kept, "room"):
        _kept.room = Room()
    room: Room = _kept.room
    return room


class Words(NamedTuple):
    """The words of some texts, as hashes."""

    hashes: _Array
    """In memory that the next call uses again."""
    bounds: _Array
    """Where the words of each text begin, and the last end."""
    ascii: bool


def joined(texts: pl.Series) -> tuple[_Array, _Array]:
    """Give the UTF-8 of texts, a line break after each, and where each begins, and the last ends."""
    if sys.byteorder != "little":
        raise FtdataError(
            f"this machine's byte order is {sys.byteorder}: texts are compared on little-endian ones only"
        )
    found = (texts + "\n").to_arrow()
    bounds = np.frombuffer(found.buffers()[1], dtype=np.int64)[found.offset : found.offset + len(found) + 1]
    return np.frombuffer(found.buffers()[2], dtype=np.uint8)[bounds[0] : bounds[-1]], bounds - bounds[0]


def tokens(texts: pl.Series, data: _Array, bounds: _Array) -> Words:
    """Give the hashes of the words of texts, whose UTF-8 is `joined`."""
    room, ascii_ = _ascii(data)
    breaks = None
    if not ascii_:
        from ftdata.similarity.levels import write

        slow, breaks = write(data, bounds, np.zeros(len(texts), dtype=bool), room.low, room.kind, room.numbers)
        if slow.any():
            levelled = [level(text) if is_slow else text for text, is_slow in zip(texts.to_list(), slow, strict=True)]
            data, bounds = joined(pl.Series(levelled, dtype=pl.String))
            room, _ = _ascii(data)
            _, breaks = write(data, bounds, slow, room.low, room.kind, room.numbers)
    if (loops := kernel()) is not None:
        offsets = np.empty(len(bounds), dtype=np.int64)
        none = np.zeros(0, dtype=bool) if breaks is None else breaks
        count, long = loops.words(room.low, room.kind, none, bounds, room.pairs.view(np.uint32), room.made, offsets)
        pairs, hashes = room.pairs[:count], room.made[:count]
        if long:
            _digest(hashes, (pairs & _LOW).view(np.int64), (pairs >> _U(32)).view(np.int64), room.low)
        return Words(hashes, offsets, ascii_)
    pairs = _edges(len(data), breaks, room)
    return Words(_hashed(pairs, room), np.searchsorted(pairs, bounds.astype(np.uint64) << _U(32)), ascii_)


def _ascii(data: _Array) -> tuple[Room, bool]:
    """Level what is ASCII into `low`, tell by 1 and 0 in `kind` which bytes are of words; none beyond ASCII is.

    Also tells whether there is nothing beyond ASCII.
    """
    size = len(data)
    room = _room(size)
    if (loops := kernel()) is not None:
        return room, loops.level(data, room.low, room.kind)
    low, kind, spare, flag = room.low[:size], room.kind[:size].view(bool), room.spare[:size], room.edge[:size]
    np.bitwise_or(data, 0x20, out=low)
    np.subtract(low, ord("a"), out=spare)
    np.less(spare, 26, out=kind)
    np.subtract(data, ord("0"), out=spare)
    np.less(spare, 10, out=flag)
    np.bitwise_or(kind, flag, out=kind)
    np.equal(data, ord("_"), out=flag)
    np.bitwise_or(kind, flag, out=kind)
    return room, bool(data.view(np.int8).min(initial=0) >= 0)


def _edges(size: int, breaks: _Array | None, room: Room) -> _Array:
    """Give where words begin and end, as the lower and the upper half of one number each."""
    if not size:
        return np.zeros(0, dtype=np.uint64)
    word, edge, numbers = room.kind[:size].view(bool), room.edge[:size], room.numbers.head(size)
    if breaks is None or not breaks.any():
        edge[0] = word[0]
        np.not_equal(word[1:], word[:-1], out=edge[1:])
        return numbers.filter(pl.Series(edge)).to_numpy().view(np.uint64)
    behind = np.concatenate(([False], word[:-1]))
    starts = numbers.filter(pl.Series(word & (breaks | ~behind))).to_numpy()
    ends = numbers.filter(pl.Series(behind & (breaks | ~word))).to_numpy()
    return starts.astype(np.uint64) | ends.astype(np.uint64) << _U(32)


def _hashed(pairs: _Array, room: Room) -> _Array:
    """Hash words."""
    found = room.made[: len(pairs)]
    long = [
        at + _hash(pairs[at : at + _AT_ONCE], found[at : at + _AT_ONCE], room) for at in range(0, len(pairs), _AT_ONCE)
    ]
    if any(map(len, long)):
        live = np.concatenate(long)
        found[live] = _long(found[live], pairs[live], room.low)
    return found


def _hash(pairs: _Array, made: _Array, room: Room) -> _Array:
    """Hash words into `made`, by their first 16 bytes; tell which are longer."""
    start, place, shift, rest, one, two = (array[: len(pairs)] for array in room.wide)
    at, index = room.low[: len(room.low) // 8 * 8].view(np.uint64), place.view(np.int64)

    np.bitwise_and(pairs, _LOW, out=start)
    np.right_shift(start, 3, out=place)
    np.left_shift(pairs, 3, out=shift)
    np.bitwise_and(shift, 63, out=shift)
    np.subtract(64, shift, out=rest)
    # The words of the text that the word is in: one and two make its first eight bytes, two and three its second.
    at.take(index, out=made, mode="clip")
    at[1:].take(index, out=two, mode="clip")
    np.right_shift(made, shift, out=made)
    np.left_shift(two, rest, out=one)  # by 64: 0, as NumPy has it
    np.bitwise_or(made, one, out=made)
    np.right_shift(two, shift, out=two)
    at[2:].take(index, out=one, mode="clip")
    np.left_shift(one, rest, out=one)
    np.bitwise_or(two, one, out=two)
    length = place
    np.right_shift(pairs, 32, out=length)
    np.subtract(length, start, out=length)
    np.bitwise_and(made, _HEADS.take(index, out=one, mode="clip"), out=made)
    np.bitwise_and(two, _TAILS.take(index, out=one, mode="clip"), out=two)

    np.multiply(made, _MUL, out=made)
    np.bitwise_xor(made, np.right_shift(made, 32, out=one), out=made)
    np.add(made, two, out=made)
    np.multiply(made, _MUL2, out=made)
    return np.flatnonzero(length > 16)


def _long(mixed: _Array, pairs: _Array, low: _Array) -> _Array:
    """Go on with the words of more than 16 bytes."""
    starts, ends = (pairs & _LOW).view(np.int64), (pairs >> _U(32)).view(np.int64)
    lengths = ends - starts - 16
    lengths[_digest(mixed, starts, ends, low)] = 0
    starts += 16
    for done in range(0, int(lengths.max()), 8):
        on = lengths > done
        block = low[(starts[on] + done)[:, None] + _STEPS].view(np.uint64).ravel()
        block &= _HEADS.take(lengths[on] - done, mode="clip")
        block += mixed[on]
        block *= _MUL
        mixed[on] = block ^ block >> _U(32)
    return mixed


def _digest(mixed: _Array, starts: _Array, ends: _Array, low: _Array) -> _Array:
    """Hash the words of more than 64 bytes; tell which these are."""
    longest = np.flatnonzero(ends - starts > _LONG)
    for place, start, end in zip(*(part.tolist() for part in (longest, starts[longest], ends[longest])), strict=True):
        mixed[place] = xxhash.xxh3_64_intdigest(low[start:end].data)
    return longest
