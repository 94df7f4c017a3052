"""The scrubbing of texts: find, number, replace, and look again until nothing more is found.

Whatever the style, values are first replaced by numbered placeholders; only when nothing more is found are these
rendered in their style. What an earlier run left (hash tokens, surrogates) is turned into placeholders before the first
look and back at the end: that is why scrubbing twice gives what scrubbing once gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from ftdata.transforms.pii import styles
from ftdata.transforms.pii.answers import answers
from ftdata.transforms.pii.echoes import echoes
from ftdata.transforms.pii.find import Found, find
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.rules import TYPES, label, placeholder

_ROUNDS = 12
_LABELS = "|".join(label(type) for type in TYPES)
PLACEHOLDER = rf"\[(?:{_LABELS})_[0-9]{{1,9}}\]"
_NUMBERED = re.compile(rf"\[({_LABELS})_([0-9]{{1,9}})\]")
_TYPES = {label(type): type for type in TYPES}
_KEPT = "\0"  # before the value of what an earlier run put in place: it is rendered as it was

_Rows = np.ndarray[Any, Any]
Counts = dict[int, dict[str, int]]
"""Replacements by row and type."""


class Names(Protocol):
    """Who is spoken of: finds the names of each conversation's people in its texts."""

    def find(self, texts: pl.Series, rows: _Rows, keys: Sequence[str | None] | None) -> dict[int, list[Found]]:
        """Find names by position of the text, in order of place, without overlaps; learns people as it goes."""
        ...


class Numbers:
    """The numbers given in one conversation: by type and value; those that its source already used are passed over."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, str], int] = {}
        self.surface: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        self.used: set[tuple[str, int]] = set()

    def values(self) -> Iterable[tuple[str, str]]:
        """Give type and value of all that has a number."""
        return self.given.keys()

    def number(self, type: str, value: str, surface: str) -> int:
        """Give the number of a value, a new one if it has none; the way it is written first is remembered."""
        known = self.given.get((type, value))
        if known is not None:
            return known
        number = self._last.get(type, 0) + 1
        while (type, number) in self.used:
            number += 1
        self.given[type, value] = self._last[type] = number
        self.surface[type, value] = surface
        return number


def scrub(
    texts: pl.Series,
    rows: _Rows,
    rules: Sequence[Rule],
    keys: Sequence[str | None] | None,
    *,
    names: Names | None = None,
    style: styles.Styles | None = None,
    contents: int = 0,
) -> tuple[pl.Series, Counts]:
    """Give the texts scrubbed, and the replacements by row and type.

    The first `contents` texts are what is said, in order: an answer is read with the question before it.
    """
    numbers: dict[int, Numbers] = {}
    before = texts
    if style is not None:
        kept = style.known(texts)
        where = np.array(list(kept), dtype=np.uint32)
        texts = _replace(texts, rows, where, kept, numbers, None)
    texts, counts = _rounds(texts, rows, rules, keys, names, numbers, contents)
    if style is None:
        return texts, counts
    return (_render(texts, rows, numbers, style) if counts else before), counts


def _rounds(
    texts: pl.Series,
    rows: _Rows,
    rules: Sequence[Rule],
    keys: Sequence[str | None] | None,
    names: Names | None,
    numbers: dict[int, Numbers],
    contents: int,
) -> tuple[pl.Series, Counts]:
    """Replace until nothing more is found: a replacement can part what stood glued together."""
    counts: Counts = {}
    seen: set[tuple[int, str]] = set()
    everywhere = np.arange(len(texts), dtype=np.uint32)
    where = everywhere
    for _ in range(_ROUNDS):
        looked = texts.gather(pl.Series(where)) if len(where) < len(texts) else texts
        under = None if keys is None else [keys[at] for at in where.tolist()]
        found = find(looked, rows[where], rules, under, around=(texts, rows))
        if not found and contents:
            where = everywhere
            found = answers(texts, rows, contents, rules, seen)
        if not found and numbers:
            # Only now are all values known: those that stand bare elsewhere.
            where = np.flatnonzero(np.isin(rows, list(numbers))).astype(np.uint32)
            looked = texts.gather(pl.Series(where))
            found = echoes(looked, rows[where], {row: given.values() for row, given in numbers.items()})
        if not found and names is not None:
            # Last, on texts whose addresses are gone: no part of an address is a name.
            where = everywhere
            found = names.find(texts, rows, keys)
        if not found:
            break
        where = where[list(found)]
        texts = _replace(
            texts, rows, where, {at: found[old] for at, old in zip(where.tolist(), found, strict=True)}, numbers, counts
        )
    return texts, counts


def _replace(
    texts: pl.Series,
    rows: _Rows,
    where: _Rows,
    found: dict[int, list[Found]],
    numbers: dict[int, Numbers],
    counts: Counts | None,
) -> pl.Series:
    """Put placeholders in the texts at `where`."""
    if not len(where):
        return texts
    _note_used(texts, rows, {int(row) for row in rows[where]} - numbers.keys(), numbers)
    edited = []
    for at, text in zip(where.tolist(), texts.gather(pl.Series(where)).to_list(), strict=True):
        row = int(rows[at])
        edited.append(_edit(text, found[at], numbers[row], None if counts is None else counts.setdefault(row, {})))
    index = np.arange(len(texts), dtype=np.uint32)
    index[where] = np.arange(len(texts), len(texts) + len(where), dtype=np.uint32)
    return pl.concat([texts, pl.Series(texts.name, edited, pl.String)]).gather(pl.Series(index))


def _edit(text: str, hits: list[Found], numbers: Numbers, counts: dict[str, int] | None) -> str:
    pieces, at = list[str](), 0
    for hit in hits:
        surface = text[hit.start : hit.end]
        value = hit.value if counts is not None else _KEPT + surface
        pieces += text[at : hit.start], placeholder(hit.type, numbers.number(hit.type, value, surface))
        if counts is not None:
            counts[hit.type] = counts.get(hit.type, 0) + 1
        at = hit.end
    pieces.append(text[at:])
    return "".join(pieces)


def _note_used(texts: pl.Series, rows: _Rows, fresh: set[int], numbers: dict[int, Numbers]) -> None:
    """Start the numbering of rows, noting which placeholders their texts already hold."""
    if not fresh:
        return
    for row in fresh:
        numbers[row] = Numbers()
    concerned = np.flatnonzero(np.isin(rows, list(fresh)))
    some = texts.gather(pl.Series(concerned, dtype=pl.UInt32)).str.extract_all(PLACEHOLDER)
    holders = (some.list.len() > 0).to_numpy()
    for at, strings in zip(concerned[holders], some.filter(pl.Series(holders)).to_list(), strict=True):
        for string in strings:
            name, number = _NUMBERED.fullmatch(string).groups()  # type: ignore[union-attr]
            numbers[int(rows[at])].used.add((_TYPES[name], int(number)))


def _render(texts: pl.Series, rows: _Rows, numbers: dict[int, Numbers], style: styles.Styles) -> pl.Series:
    """Put what the style says in place of the placeholders that were given."""
    where = np.flatnonzero(np.isin(rows, list(numbers))).astype(np.uint32)
    where = where[texts.gather(pl.Series(where)).str.contains(PLACEHOLDER).to_numpy()]
    held = texts.gather(pl.Series(where)).to_list()
    by_row: dict[int, list[str]] = {}
    for at, text in zip(where.tolist(), held, strict=True):
        by_row.setdefault(int(rows[at]), []).append(text)
    tables = {row: _table(numbers[row], mine, style) for row, mine in by_row.items()}
    edited = [_dressed(text, *tables[int(rows[at])], style) for at, text in zip(where.tolist(), held, strict=True)]
    index = np.arange(len(texts), dtype=np.uint32)
    index[where] = np.arange(len(texts), len(texts) + len(where), dtype=np.uint32)
    return pl.concat([texts, pl.Series(texts.name, edited, pl.String)]).gather(pl.Series(index))


def _table(numbers: Numbers, texts: Sequence[str], style: styles.Styles) -> tuple[dict[str, str], dict[str, str]]:
    """Give what stands for each placeholder of a conversation: of all, and of those that stood there before."""
    kept = {
        placeholder(type, number): value[len(_KEPT) :]
        for (type, value), number in numbers.given.items()
        if value.startswith(_KEPT)
    }
    fresh = {
        (type, value): placeholder(type, number)
        for (type, value), number in numbers.given.items()
        if not value.startswith(_KEPT)
    }
    # A surrogate is drawn by what is said around the value, never by the value: from it nothing can be worked out, and
    # copies of a conversation stay copies.
    where = {mark: skeleton(text) for text in reversed(texts) for mark in set(re.findall(PLACEHOLDER, text))}
    ordered = sorted(fresh, key=lambda given: (given[0], numbers.given[given]))
    made = style.render(
        [(type, value, numbers.surface[type, value], where.get(fresh[type, value], "")) for type, value in ordered],
        set(kept.values()),
        " ".join(texts),
    )
    return {**kept, **{fresh[given]: text for given, text in zip(ordered, made, strict=True) if text}}, kept


def skeleton(text: str) -> str:
    """Give a text with all placeholders of a type alike."""
    return _NUMBERED.sub(r"[\1]", text)


def _dressed(text: str, table: dict[str, str], kept: dict[str, str], style: styles.Styles) -> str:
    """Render one text; where the result could not be told from an original, its surrogates stay placeholders."""
    dressed = _NUMBERED.sub(lambda mark: table.get(mark.group(), mark.group()), text)
    if skeleton(style.masked(dressed)) == skeleton(text):
        return dressed
    safe = {mark: value for mark, value in table.items() if mark in kept or styles.is_token(value)}
    return _NUMBERED.sub(lambda mark: safe.get(mark.group(), mark.group()), text)
