"""Rows that ask the very same but for numbers and ids: near-dedup holds their answers against each other.

A short template filled with an order number is far below any threshold: one word of a line stands in five runs of five
words. So each row carries a key of what is asked, the sum of its letters but for words with a number in them, 8 bytes:
rows with equal keys *may* ask the same. Those of them that are kept are read again, and their questions compared.

A long question is found by its own J, and to add up its letters would cost more: none above `LONGEST` has a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, said
from ftdata.similarity import spoken
from ftdata.similarity.answers import identity, masked
from ftdata.similarity.shingles import words
from ftdata.transforms.quality.words import courtesies, fold

FEWEST = 3
"""Words that a question has at least, numbers and ids left out: "123", "Hi Maria" and "yes, 20418" ask nothing."""
LONGEST = 512
"""Bytes of a question at most, about 85 words."""
_NGRAM = 5
_GIVEN = ("system", "developer", "user", "tool", "function")
"""Who says what an answer follows from: another document in the system message is reason enough for another answer."""
_AT_ONCE = 512
"""Messages worked on at a time."""
_IDS = b"@[]<>{}"
"""Beside digits: what stands in an e-mail address or a placeholder."""
_SIGNS = ((0xC2, 2), (0xE2, 3))
"""How signs such as ¿ and “ begin in UTF-8, and their bytes: U+0080 to U+00BF, U+2000 to U+2FFF hold few letters."""

_Array = np.ndarray[Any, Any]
Readers = Callable[[Callable[[Batch], pl.Series]], Callable[[Iterable[int]], Iterator[tuple[_Array, pl.Series]]]]
"""Makes what reads rows again, from what is to be read of each."""


def _letters() -> _Array:
    """Give each byte a number, that of small letters and capitals the same; 0 to what is no letter."""
    code = np.arange(256) | 0x20
    numbers: _Array = np.random.RandomState(1).randint(1, 2**32, 256, dtype=np.uint32)[code]
    numbers[((code < ord("a")) | (code > ord("z"))) & (code < 0x80)] = 0
    numbers[0xC0:] = 0  # what begins a letter of several bytes: P and p of Greek and Cyrillic begin differently
    return numbers


_LETTERS = _letters()


def asked(batch: Batch) -> pl.Series:
    """Give a key of what is asked in each row, 0 if nothing or too much: equal where only numbers and ids differ.

    Other questions of the same letters have the same key too.
    """
    messages = flat(batch)
    user = messages["role"] == "user"
    users = np.flatnonzero((user.fill_null(False) if user.null_count() else user).to_numpy())
    ends = np.searchsorted(users, np.cumsum(lengths(batch).to_numpy(), dtype=np.int64))
    found = np.zeros(batch.height, dtype=np.uint64)
    texts = said(messages).gather(users)
    sizes = texts.str.len_bytes().fill_null(0).to_numpy()
    totals = np.diff(np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))[ends], prepend=0)
    rows = np.flatnonzero((totals > 0) & (totals <= LONGEST))
    counts = np.diff(ends, prepend=0)[rows]
    if len(rows):
        starts = np.cumsum(counts) - counts
        at = np.repeat(ends[rows] - counts - starts, counts) + np.arange(int(counts.sum()))
        found[rows] = np.add.reduceat(_sums(texts.gather(at)), starts)
    return pl.Series("asked", found)


def _sums(texts: pl.Series) -> _Array:
    """Add up the letters of each text, but for words that hold a number or part of an address or a placeholder."""
    raw = ((texts.fill_null("") if texts.null_count() else texts) + "\n").to_arrow()
    ends = np.frombuffer(raw.buffers()[1], dtype=np.int64)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(raw.buffers()[2], dtype=np.uint8)
    parts = []
    for at in range(0, len(texts), _AT_ONCE):
        bounds = ends[at : at + _AT_ONCE + 1]
        parts.append(
            np.add.reduceat(_told_apart(data[bounds[0] : bounds[-1]]), bounds[:-1] - bounds[0], dtype=np.uint64)
        )
    return np.concatenate(parts)


def _told_apart(data: _Array) -> _Array:
    """Give the number of each letter, 0 for what does not count; white space stands between texts."""
    letters = np.take(_LETTERS, data)
    marks = (data - np.uint8(ord("0"))) < 10
    for sign in _IDS:
        marks |= data == sign
    marks[1:] &= ~marks[:-1]  # of those in a row, the first
    at = np.flatnonzero(marks)
    if len(at):
        spaces = np.flatnonzero(data <= ord(" "))
        word = np.searchsorted(spaces, at)
        word = word[np.concatenate(([True], word[1:] != word[:-1]))]
        starts = np.where(word > 0, spaces[word - 1], -1) + 1
        sizes = spaces[word] - starts
        letters[np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))] = 0
    if data.max(initial=0) >= 0x80:
        for lead, size in _SIGNS:
            at = np.flatnonzero(data == lead)
            for step in range(1, size):
                letters[at + step] = 0
    return letters


class Askers:
    """The rows whose keys say that they may ask the same, known by their places in `keys`.

    `rows` are the rows' numbers, `readers` makes what reads them again. What was read once is held: 17 bytes a row.
    """

    def __init__(self, keys: pl.Series, rows: _Array, readers: Readers, tick: Callable[[], None]) -> None:
        self.keys, self.rows, self.readers, self.tick = keys, rows, readers, tick
        self.given, self.told = (np.zeros(len(rows), dtype=np.uint64) for _ in range(2))
        self._known = np.zeros(len(rows), dtype=bool)
        self._asks: dict[int, bool] = {}

    def rivals(self, stays: _Array) -> tuple[_Array, _Array]:
        """Give the rows that ask the same as a row before them and are told something else, and for each the first
        row that asks it.

        Only rows that stay count, and only such as have an answer. What is told is compared to the letter here, but
        for numbers and ids: whether it means something else, `Answers` knows.
        """
        places = np.flatnonzero(stays & (self.keys > 0).to_numpy())
        places = places[self.keys.gather(places).is_duplicated().to_numpy()]
        for at, found in self._read(places[~self._known[places]], _identities):
            self.given[at], self.told[at] = (found.struct.field(name).to_numpy() for name in ("given", "told"))
        self._known[places] = True
        places = places[(self.given[places] > 0) & (self.told[places] > 0)]
        frame = pl.DataFrame({"place": places, "given": self.given[places]})
        first = frame.select(pl.col("place").first().over("given")).to_series().to_numpy()
        other = self.told[places] != self.told[first]
        places, first = places[other], first[other]
        heads = np.unique(first)
        self._ask(heads)
        asks = np.array([self._asks[head] for head in heads.tolist()], dtype=bool)
        real = asks[np.searchsorted(heads, first)]
        return places[real], first[real]

    def _ask(self, places: _Array) -> None:
        """Find out whether these rows ask anything."""
        for at, texts in self._read(np.setdiff1d(places, np.fromiter(self._asks, dtype=np.int64)), _question):
            self._asks.update(zip(at.tolist(), map(_says, texts.to_list()), strict=True))

    def _read(self, places: _Array, what: Callable[[Batch], pl.Series]) -> Iterator[tuple[_Array, pl.Series]]:
        places = places[np.argsort(self.rows[places], kind="stable")]
        numbers = self.rows[places]
        for rows, found in self.readers(what)(numbers.tolist()) if len(places) else ():
            self.tick()
            yield places[np.searchsorted(numbers, rows)], found


def _question(batch: Batch) -> pl.Series:
    return masked(spoken(batch, ("user",)))


def _identities(batch: Batch) -> pl.Series:
    given, told = spoken(batch, _GIVEN), spoken(batch, ("assistant",))
    return pl.DataFrame({"given": identity(given, _NGRAM), "told": identity(told, _NGRAM)}).to_struct("asked")


def _says(question: str) -> bool:
    """Say whether a question (masked) has words enough, and other words than thanks and greetings."""
    found = [word for word in words(question) if word != "0"]
    return len(found) >= FEWEST and not courtesies().wholly(fold(question.replace("0", " ")))
