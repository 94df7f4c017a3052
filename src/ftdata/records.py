"""What a source hands out: numbered records, and the limits that an input must keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Record(NamedTuple):
    """One record. With a `problem` the value is None: the reader gives a row with `drop` set to it, and no text."""

    number: int
    line: int
    value: Any
    problem: str | None = None


@dataclass
class Lines:
    """A block of lines: `lines[i]` is record `number + i` on line `line + i`, without its line end.

    `block` is the same as one piece of bytes, the lines joined by LF: a parser that takes many lines at once needs no
    list of them. With a `problem` (`row-too-large`) the block is one record, its line empty.
    """

    number: int
    line: int
    block: bytes
    count: int
    problem: str | None = None

    @cached_property
    def ends(self) -> np.ndarray[Any, Any]:
        """Where in the block the line feeds stand, between the lines."""
        return np.flatnonzero(np.frombuffer(self.block, np.uint8) == 10)

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines, one by one."""
        return self.block.split(b"\n")


@dataclass(frozen=True)
class Limits:
    """What an input may demand: bytes of a row, levels of nesting, digits of a whole number, bytes after expansion.

    A compressed input stops at `expanded` bytes, or when it has given more than `ratio_from` bytes and more than
    `ratio` times what it holds.
    """

    row: int = 64 << 20
    depth: int = 64
    digits: int = 400
    expanded: int = 10_000_000_000
    ratio: int = 200
    ratio_from: int = 100_000_000


@dataclass(frozen=True)
class Input:
    """One file that was read: `bytes` and `sha256` are those of the file on disk, compressed if it is.

    `legacy`: how to give it back, from a reader that can.
    """

    name: str
    path: Path
    bytes: int
    sha256: str
    encoding: str
    first: int
    records: int
    legacy: dict[str, Any] | None = None


class Table:
    """The records of a delimited file: `fields` are the header's cells as they stand (they may repeat)."""

    def __init__(self, fields: tuple[str, ...], delimiter: str, records: Iterator[Record]) -> None:
        self.fields, self.delimiter, self._records = fields, delimiter, records

    def __iter__(self) -> Iterator[Record]:
        return self._records
