"""The way in and out of a training layout: values of records in, batches of rows out, both fast.

A record is parsed by orjson. What it refuses, or would read otherwise than the book (whole numbers beyond 64 bits,
duplicate keys, depth), is settled by the standard library's parser, which names what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import orjson
import polars as pl

from ftdata.batch import FIELDS, ROWS, TEXT, Batch, make_batch, messages_column, nest
from ftdata.jsontext import BadJson, parse, too_deep
from ftdata.readers.columns import names
from ftdata.records import Limits
from ftdata.source import Source, is_one_value

_JSON = re.compile(r"(?i)\.(?:jsonl?|ndjson)(?:\.\w+)?\Z")


class Value(NamedTuple):
    """A record as a value, or what is wrong with it; `note` counts columns, `flags` concern the record."""

    number: int
    value: Any
    problem: str | None = None
    note: str | None = None
    flags: tuple[str, ...] = ()


def values(
    source: Source,
    *,
    table: bool = True,
    columns: frozenset[str] = frozenset(),
    delimiter: str | None = None,
    quotechar: str | None = '"',
    member: str | None = None,
) -> Iterator[Value]:
    """Give each record as an object: lines of JSON, one JSON array or object, or (with `table`) rows of delimited text.

    A column of delimited text whose name is one of `columns` but for case or blanks gets that name.
    """
    opening = source.opening(member=member).lstrip()
    if opening[:1] in (b"{", b"[") or not table or _JSON.search(member or source.name):
        return _items(source, member) if is_one_value(opening) else _lines(source, member)
    return _cells(source, columns, delimiter, quotechar, member)


def _cells(
    source: Source, columns: frozenset[str], delimiter: str | None, quotechar: str | None, member: str | None
) -> Iterator[Value]:
    table = source.csv_records(delimiter=delimiter, quotechar=quotechar, member=member)
    fields = names(table.fields)
    folded = [name.strip().casefold() for name in fields]
    named = [
        plain if plain in columns and plain not in fields and folded.count(plain) == 1 else name
        for name, plain in zip(fields, folded, strict=True)
    ]
    for number, _, cells, problem in table:
        yield Value(number, None if problem else dict(zip(named, cells, strict=True)), problem)


def _items(source: Source, member: str | None) -> Iterator[Value]:
    flags = ("json-array",) if source.opening(4096, member).lstrip()[:1] == b"[" else ("json-object",)
    for number, _, text, problem in source.json_texts(member):
        found = Value(number, None, problem) if problem else exactly(number, text, source.limits)
        yield found._replace(flags=flags + found.flags)


def _lines(source: Source, member: str | None) -> Iterator[Value]:
    limits = source.limits
    for block in source.lines(member):
        if block.problem:
            yield Value(block.number, None, block.problem)
            continue
        quick = _quickly(block.lines, block.block, limits)
        if quick is None:
            for number, line in enumerate(block.lines, block.number):
                yield exactly(number, line, limits)
        else:
            for number, value in enumerate(quick, block.number):
                yield Value(number, value)


_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 19


def _quickly(lines: list[bytes], block: bytes, limits: Limits) -> list[dict[str, Any]] | None:
    """Parse a block of lines that are objects without anything odd; None: look at each on its own."""
    if _LONG in block.translate(_DIGITS) or b'"\t:' in block or b'" :' in block:
        return None
    made = []
    try:
        for line in lines:
            if line.count(b"[") + line.count(b"{") > limits.depth and too_deep(line, limits.depth):
                return None
            value = orjson.loads(line)
            if value.__class__ is not dict or len(line) > limits.row:
                return None
            made.append(value)
    except ValueError:
        return None
    # Written again, an object has each key once.
    return made if _colons(block) == _colons(orjson.dumps(made)) else None


def whole(text: bytes, limits: Limits) -> Any:
    """Parse one JSON text that stands inside a field."""
    if _LONG not in text.translate(_DIGITS) and text.count(b"[") + text.count(b"{") <= limits.depth:
        try:
            return orjson.loads(text)
        except ValueError:
            pass
    return parse(text, limits).value


def _colons(text: bytes) -> int:
    return text.count(b'":') - text.count(b'\\":')


def exactly(number: int, text: bytes, limits: Limits) -> Value:
    """Parse one record by the book; where a key is given twice the last wins, and the record has a flag."""
    if not text.strip(b" \t\r\n"):
        return Value(number, None, "blank-line")
    if len(text) > limits.row:
        return Value(number, None, "row-too-large")
    quick = _quickly([text], text, limits)
    if quick is not None:
        return Value(number, quick[0])
    try:
        value, duplicate = parse(text, limits)
    except BadJson as error:
        return Value(number, None, error.problem, f"column {error.column}" if error.column else None)
    if not isinstance(value, dict):
        return Value(number, None, "not-an-object")
    return Value(number, value, None, None, ("duplicate-key",) if duplicate else ())


# --- out --------------------------------------------------------------------------------------------------------------


class Turns:
    """Messages of many rows, column by column; what few messages have is kept by its place."""

    def __init__(self) -> None:
        self.roles: list[str | None] = []
        self.texts: list[str | None] = []
        self.counts: list[int] = []
        self.nulls: list[bool] = []
        self.others: dict[str, dict[int, Any]] = {field: {} for field in FIELDS[2:]}

    def add(self, turns: Iterable[tuple[Any, ...]] | None) -> int:
        """Add the messages of a row; give the size of their text."""
        size, before = 0, len(self.roles)
        for turn in turns or ():
            if len(turn) > 2:
                self._rest(turn)
            self.roles.append(turn[0])
            text = turn[1]
            self.texts.append(text)
            if text is not None:
                size += len(text)
        self.counts.append(len(self.roles) - before)
        self.nulls.append(turns is None)
        return size

    def _rest(self, turn: tuple[Any, ...]) -> None:
        place = len(self.roles)
        for field, value in zip(FIELDS[2:], turn[2:], strict=False):
            if value is not None:
                self.others[field][place] = value

    def column(self) -> pl.Series:
        """Give the column."""
        total = len(self.roles)
        fields: dict[str, Any] = {"role": self.roles, "content": self.texts}
        for field, found in self.others.items():
            if found:
                fields[field] = _filled(found, total)
        return messages_column(fields, _offsets(self.counts), self.nulls if any(self.nulls) else None)


def _filled(found: dict[int, Any], count: int) -> list[Any]:
    column: list[Any] = [None] * count
    for place, value in found.items():
        column[place] = value
    return column


def _offsets(counts: list[int]) -> Any:
    return np.fromiter(accumulate(counts, initial=0), np.int64, len(counts) + 1)


class Gathered:
    """Gathers rows of one record each, column by column; take a batch when `full`."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._turns = Turns()
        self._rejected: dict[int, Iterable[tuple[Any, ...]]] = {}
        self._flags: tuple[list[str], list[int]] = ([], [])
        self._rest: dict[str, dict[int, Any]] = {
            name: {} for name in ("answer_at", "tools", "extra", "meta", "drop", "note")
        }
        self._size = 0

    def add(
        self,
        number: int,
        messages: Iterable[tuple[Any, ...]],
        rejected: Iterable[tuple[Any, ...]] | None = None,
        answer_at: int | None = None,
        tools: str | None = None,
        extra: str | None = None,
        meta: str | None = None,
        flags: tuple[str, ...] = (),
        drop: str | None = None,
        note: str | None = None,
    ) -> None:
        """Add a row."""
        place = len(self._numbers)
        self._numbers.append(number)
        self._size += self._turns.add(messages)
        self._flags[1].append(len(flags))
        if flags:
            self._flags[0].extend(flags)
        if meta is not None:
            self._rest["meta"][place] = meta
            self._size += len(meta)
        if rejected is not None:
            self._rejected[place] = rejected = list(rejected)
            self._size += sum(len(turn[1] or "") for turn in rejected)
            self._rest["answer_at"][place] = answer_at
        for name, value in (("tools", tools), ("extra", extra), ("drop", drop), ("note", note)):
            if value is not None:
                self._rest[name][place] = value
                self._size += len(value)

    def _others(self, count: int) -> pl.Series | None:
        if not self._rejected:
            return None
        turns = Turns()
        for place in range(count):
            turns.add(self._rejected.get(place))
        return turns.column()

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def full(self) -> bool:
        """Whether a batch should be taken now: 4,096 rows or 8 MB of text."""
        return len(self._numbers) >= ROWS or self._size >= TEXT

    def batch(self) -> Batch:
        """Take what was gathered as a batch, and start anew."""
        count = len(self)
        columns = {
            "row": pl.zeros(count, pl.UInt64, eager=True),
            "id": pl.Series("id", [""], pl.String).new_from_index(0, count),
            "origin": nest(pl.Series("origin", self._numbers, pl.UInt64), np.arange(count + 1)),
            "flags": nest(pl.Series("flags", self._flags[0], pl.String), _offsets(self._flags[1])),
            "messages": self._turns.column(),
            "rejected": self._others(count),
            **{name: _filled(found, count) for name, found in self._rest.items() if found},
        }
        self._clear()
        return make_batch(count, columns)
