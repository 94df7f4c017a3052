"""The numbers of records and where they stand: counted as they are handed out, the line of each told on request."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ftdata.records import Lines, Record

_PLACES = 1_000_000


class Span:
    """The records of one file: its name, the number of its first record, how many were handed out, whether all were.

    `lines`: lists the lines on which they start, where that was not remembered on the way.
    """

    def __init__(self, name: str, first: int) -> None:
        self.name, self.first = name, first
        self.records = 0
        self.drained = False
        self.lines: Callable[[], list[int]] | None = None


SpanT = TypeVar("SpanT", bound=Span)


class Numbering(Generic[SpanT]):
    """Numbers the records of an input from `first` on, `most` of them at most, over all its files (`spans`).

    `handed` is how many were handed out.
    """

    def __init__(self, first: int = 1, most: int | None = None) -> None:
        self.first, self.most = first, most
        self.handed = 0
        self.spans: list[SpanT] = []
        self._starts: list[int] = []  # numbers of records whose line does not follow from the one before …
        self._lines: list[int] = []  # … and these lines

    @property
    def next(self) -> int:
        """The number of the next record."""
        return self.first + self.handed

    def room(self, count: int) -> int:
        """Say how many of so many records may be handed out."""
        return count if self.most is None else min(count, self.most - self.handed)

    def each(self, span: SpanT, found: Iterator[tuple[int, Any, str | None]]) -> Iterator[Record]:
        """Number what was found: the line, the value, the problem of each."""
        number, expected = span.first, -1
        for line, value, problem in found:
            if self.most is not None and self.handed >= self.most:
                break
            if line != expected:
                self._remember(number, line)
            expected = line + 1
            self.handed += 1
            span.records += 1
            yield Record(number, line, value, problem)
            number += 1
        span.drained = True

    def blocks(self, span: SpanT, found: Iterator[Lines]) -> Iterator[Lines]:
        """Number blocks of lines."""
        number = span.first
        for block in found:
            room = self.room(block.count)
            if room <= 0:
                break
            if room < block.count:
                block = Lines(0, block.line, b"\n".join(block.lines[:room]), room, block.problem)
            block.number = number
            number += room
            self._remember(block.number, block.line)
            self.handed += room
            span.records += room
            yield block
        span.drained = True

    def at_once(self, span: SpanT, count: int, lines: Callable[[], list[int]]) -> None:
        """Count all records of a file together; `lines` tells where they stand, should that be asked."""
        self.handed += count
        span.records, span.lines, span.drained = count, lines, True

    def _remember(self, number: int, line: int) -> None:
        starts = self._starts
        if len(starts) < _PLACES and (not starts or line - self._lines[-1] != number - starts[-1]):
            starts.append(number)
            self._lines.append(line)

    def place(self, number: int, name: str) -> str:
        """Say where a record stands: `tickets.csv:1842` with its line where that is known, else its record number.

        `name` is that of the input, for a number before its first file.
        """
        span = next((one for one in reversed(self.spans) if one.first <= number), None)
        first = self.first
        if span is not None:
            name, first = span.name, span.first
            if span.lines is not None and number < first + span.records:
                return f"{name}:{span.lines()[number - first]}"
        at = bisect_right(self._starts, number) - 1
        known = self.first <= number < self.next and len(self._starts) < _PLACES
        if at < 0 or not known:
            return f"{name}, record {number - first + 1}"
        return f"{name}:{self._lines[at] + number - self._starts[at]}"

    def record_at(self, line: int) -> int | None:
        """Give the number of the record at a line of the file read last, or None; the reverse of `place`."""
        if self.spans and (span := self.spans[-1]).lines is not None:
            at = bisect_right(span.lines()[: span.records], line) - 1
            return None if at < 0 else span.first + at
        at = bisect_right(self._lines, line) - 1
        if at < 0:
            return None
        number = self._starts[at] + line - self._lines[at]
        end = self._starts[at + 1] if at + 1 < len(self._starts) else self.next
        return min(number, end - 1)
