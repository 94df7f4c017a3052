"""Levelling by table: what each character of a text becomes, and what it does to words, by its code point.

The rule of `shingles.py` levels whole texts, since characters may join (`e` + an accent). Most never do. Unicode's
quick check (UAX #15, section 9) says when: a text is in its normal form if no character in it composes with one before
it and its marks stand in their order. Then the text levelled is its characters levelled one by one, and one look in a
table does for each. Characters that the table cannot answer for are `SLOW`: `shingles.level` levels their texts.

    SEP      separates words
    WORD     begins a word or goes on with one
    ALONE    is a word by itself, with the marks after it
    MARK     goes on with the word before it, separates nothing
    ORDERED  is a mark with a place among marks: two in the wrong order make the text slow
    UNSEEN   is left out; beside a separator that is the same as to separate, elsewhere the text is slow
    SHORT    becomes letters of fewer bytes, such as `º`: a separator or a word of its own must follow, else slow
    SLOW     makes the text slow
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.similarity.shingles import SCANNED, kinds, level

SEP, WORD, ALONE, MARK, ORDERED, UNSEEN, SHORT, SLOW = range(8)
_BASIC = 0x10000
_JAMO = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
_KINDS = {" ": SEP, "w": WORD, "1": ALONE, "m": MARK}

_Array = np.ndarray[Any, Any]

_ROLES = np.array([SEP, WORD, ALONE, MARK, MARK, SEP, WORD, SEP], dtype=np.uint8)
_HEADS = np.array([SEP, WORD, ALONE, SEP, SEP, SEP, WORD, SEP], dtype=np.uint8)
"""What a character is in the end, and what makes it of a mark that follows it."""
_FOLLOWS = np.array([True, True, True, False, False, True, True, True])
"""What ends a word in a script without spaces: all but marks."""


class Levels(NamedTuple):
    """What to do with each code point."""

    raw: _Array
    """Its class in a text as it comes."""
    plain: _Array
    """Its class in a text that is level: `SEP`, `WORD`, `ALONE` or `MARK`."""
    place: _Array
    """The place of a mark among marks (its canonical combining class); 0 if it has none."""
    becomes: _Array
    """For those below U+10000: the bytes it becomes, the first lowest, zeros after them; 0 if it stays what it is."""


@cache
def levels() -> Levels:
    """Make the table, once in a process: 1.1 million code points."""
    plain = np.zeros(0x110000, dtype=np.uint8)
    plain[:SCANNED] = [_KINDS[kind] for kind in kinds()]
    plain[0x20000:0x40000] = ALONE
    raw, place, becomes = plain.copy(), np.zeros_like(plain), np.zeros(_BASIC, dtype=np.uint32)
    codes = [code for code in range(0x80, SCANNED) if not 0xD800 <= code < 0xE000]
    joining = _joining()
    # All at once: no character joins one beyond a line break.
    lines = "\n".join(map(chr, codes))
    normal = unicodedata.normalize("NFKC", lines).split("\n")
    for code, first, last in zip(codes, normal, level(lines).split("\n"), strict=True):
        char = chr(code)
        if first == last == char:
            if code in joining or (plain[code] != MARK and unicodedata.combining(char)):
                raw[code] = SLOW
            elif unicodedata.combining(char):
                raw[code], place[code] = ORDERED, unicodedata.combining(char)
        elif not last:
            raw[code] = UNSEEN
        else:
            raw[code], made = _changed(char, first, last, plain, joining)
            if made:
                becomes[code] = int.from_bytes(made, "little")
    raw[0x2F800:0x2FA20] = SLOW  # compatibility ideographs
    raw[0xE0000:0xE1000] = UNSEEN
    return Levels(raw, plain, place, becomes)


def _changed(char: str, first: str, last: str, plain: _Array, joining: set[int]) -> tuple[int, bytes]:
    """Class a character that becomes another or several, `first` by NFKC, `last` in the end."""
    if any(ord(text[0]) in joining or unicodedata.combining(text[0]) for text in (first, last)):
        return SLOW, b""
    found = [int(plain[ord(part)]) for part in last]
    if found[0] == SEP and set(found) <= {SEP, MARK}:
        return SEP, b""
    width, made = len(char.encode()), last.replace("_", "\x7f").encode()  # as `tokens` writes it
    if width < 4 and len(made) == width and (found == [ALONE] or set(found) == {WORD}):
        return found[0], made
    if width < 4 and len(made) < width and set(found) == {WORD}:
        return SHORT, made
    return SLOW, b""


def _joining() -> set[int]:
    """Give the characters that compose with one before them."""
    split = [unicodedata.decomposition(chr(code)).split() for code in range(SCANNED)]
    return _JAMO | {int(parts[1], 16) for parts in split if len(parts) == 2 and parts[0][0] != "<"}


class Chars(NamedTuple):
    """What was found out about the texts of a block that are not all ASCII."""

    slow: _Array
    """Which texts the table cannot answer for. If there are any, the rest says nothing."""
    breaks: _Array
    """The bytes at which a word begins, or ends, though they and those before them both are of words."""


def write(data: _Array, bounds: _Array, done: _Array, low: _Array, kind: _Array, numbers: pl.Series) -> Chars:
    """Level all characters beyond ASCII: put what they become into `low`, and into `kind` if they are of a word.

    `data`: UTF-8, a line break after each text; text `i` begins at `bounds[i]`, and is level already if `done[i]`.
    `low` and `kind` hold what is right for ASCII; in `kind` 1 for the bytes of words, 0 for all others.
    """
    found = [chars for size in (2, 3, 4) if (chars := _read(size, data, bounds, done, low, kind, numbers)) is not None]
    at, width, raw, code = (np.concatenate(parts) for parts in zip(*(chars.odd for chars in found), strict=True))
    order = at.argsort(kind="stable")
    at, width, raw, code = at[order], width[order], raw[order], code[order]
    before = kind.take(at - 1, mode="wrap")  # before the first byte: the last, which is of no word
    slow = np.zeros(len(done), dtype=bool)
    slow[bounds.searchsorted(at[_bad(raw, before, kind.take(at + width), code)], side="right") - 1] = True
    role = _roles(raw, before)
    alone = [at[role == ALONE] + width[role == ALONE], *(chars.alone + chars.size for chars in found)]
    breaks = np.zeros(len(data), dtype=bool)
    for behind in alone:
        breaks[behind[_FOLLOWS[kind.take(behind)]]] = True
    for chars in found:
        breaks[chars.alone] = True
    for size in (2, 3, 4):
        _fill(kind, at[width == size], size, role[width == size])
    np.not_equal(kind[: len(data)], SEP, out=kind[: len(data)].view(bool))
    for chars in found:
        for step in range(min(chars.size, 3)):
            byte = (chars.to >> np.uint32(8 * step)).astype(np.uint8)
            low[chars.changed + step], kind[chars.changed + step] = byte, byte != 0
    return Chars(slow, breaks)


class _Read(NamedTuple):
    """The characters of a block that have so many bytes, by their first bytes."""

    size: int
    alone: _Array
    """Those that are words by themselves."""
    changed: _Array
    """Those that become something else; and what."""
    to: _Array
    odd: tuple[_Array, _Array, _Array, _Array]
    """Marks and all that needs a look at what stands beside it: where, how long, its class, its code point."""


def _read(
    size: int, data: _Array, bounds: _Array, done: _Array, low: _Array, kind: _Array, numbers: pl.Series
) -> _Read | None:
    """Class the characters of so many bytes, in `kind` too, and write them into `low` as they are."""
    least = (0xC0, 0xE0, 0xF0)[size - 2]
    leads = data >= least if size == 4 else (data - np.uint8(least)) < (0x20, 0x10)[size - 2]
    at = numbers.head(len(data)).filter(pl.Series(leads)).to_numpy().astype(np.int64)
    if not len(at) and size < 4:
        return None
    table = levels()
    parts = [data[step:].take(at, mode="clip") for step in range(size)]
    code = (parts[0] & (0x1F, 0xF, 0x7)[size - 2]).astype(np.int64)
    for part in parts[1:]:
        code <<= 6
        code |= part & 63
    for step, part in enumerate(parts):
        low[at + step] = part
    raw, becomes = table.raw.take(code), table.becomes.take(code, mode="clip")  # beyond is U+FFFF, which stays
    if done.any():
        levelled = done[bounds.searchsorted(at, side="right") - 1]
        raw = np.where(levelled, table.plain.take(code), raw)
        becomes[levelled] = 0
    _fill(kind, at, size, raw)
    changed, odd = np.flatnonzero(becomes), np.flatnonzero(raw >= MARK)
    widths = np.full(len(odd), size)
    return _Read(size, at[raw == ALONE], at[changed], becomes[changed], (at[odd], widths, raw[odd], code[odd]))


def _bad(raw: _Array, before: _Array, after: _Array, code: _Array) -> _Array:
    """Say which of the odd characters make their texts slow."""
    bad: _Array = (raw == SLOW) | ((raw == UNSEEN) & (before != SEP) & (before != UNSEEN) & (after != SEP))
    bad |= (raw == SHORT) & (after != SEP) & (after != ALONE) & (after != UNSEEN)
    chained = np.flatnonzero((raw == ORDERED) & (before == ORDERED))
    place = levels().place
    bad[chained] |= place.take(code[chained]) < place.take(code[chained - 1])
    return bad


def _fill(kind: _Array, at: _Array, size: int, values: _Array) -> None:
    """Write a value over all bytes of each character."""
    for step in range(size):
        kind[at + step] = values


def _roles(raw: _Array, before: _Array) -> _Array:
    """Class odd characters as SEP, WORD or ALONE: a mark is what the last character before it is that is none."""
    role = _ROLES[raw]
    marks = role == MARK
    if marks.any():
        before = before[marks]
        first = (before != MARK) & (before != ORDERED)  # of a run of marks
        of = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
        role[marks] = _HEADS[before[of]]
    return role
