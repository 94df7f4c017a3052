"""Delimited text (CSV, TSV) into rows, by the standard library's csv module, strict where that module is lenient.

What cannot be right is one named row and never shifts a column: `ragged-row`, `unclosed-quote`, `bad-quote` (text after
a closing quote), `nul-byte`, `repeated-header`, `row-too-large`. The only tolerance: cells beyond the header's that are
all empty are cut. Lines are physical lines; a line end is LF, CRLF or CR (RFC 4180 knows CRLF alone).
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ftdata.decoding import first_texts
from ftdata.errors import InputError

DELIMITERS = ",;\t|"
QUOTED = 16 << 20
"""Characters that a record of several lines may take; a quote that is still open then counts as never closed."""


class Rows(NamedTuple):
    """Some rows: for each the line on which it starts, its cells, and (if any is bad) what is wrong with it."""

    lines: Sequence[int]
    cells: list[Any]
    problems: list[str | None] | None = None


class Dialect(NamedTuple):
    """How cells are told apart; no quote character: quotes are letters like any other."""

    delimiter: str
    quotechar: str | None

    def reader(self, lines: Iterator[str] | list[str]) -> Any:
        """Make a strict csv reader."""
        csv.field_size_limit(0x7FFFFFFF)
        if self.quotechar is None:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quotechar, strict=True)


def guess_delimiter(text: str, quotechar: str | None) -> tuple[str, int]:
    """Guess the delimiter from the first lines: the one whose rows agree best in width, then the widest.

    Gives the delimiter and its width (cells a row). A first line `sep=;`, as Excel writes it, decides.
    """
    stated = re.match(r"\ufeff?sep=(.)\r?\n", text)
    if stated:
        return stated[1], 2
    lines = list(io.StringIO(text[: 1 << 18], newline=""))
    if len(text) > 1 << 18 and len(lines) > 1:
        lines.pop()
    best = (0.0, 0, 0)
    for delimiter in DELIMITERS:
        widths: list[int] = []
        for rows in _Cutter(Dialect(delimiter, quotechar), iter(["".join(lines)]), 1 << 26).rows():
            widths.extend(len(cells) if cells else 0 for cells in rows.cells)
            if len(widths) > 500:
                break
        if widths and widths[0] > 1:
            share = sum(width == widths[0] for width in widths) / len(widths)
            best = max(best, (round(share, 1), widths[0], -DELIMITERS.index(delimiter)))
    return (DELIMITERS[-best[2]], best[1]) if best[1] else (",", 1)


class _Cutter:
    """Cuts text into rows, block by block; holds back no more than one unfinished record."""

    def __init__(self, dialect: Dialect, texts: Iterator[str], row: int) -> None:
        self._dialect, self._texts, self._limit = dialect, texts, row
        self._line = 1
        self._nul = self._long = False

    def rows(self) -> Iterator[Rows]:
        held: list[str] = []  # lines of a record that is not finished
        size = want = 0
        for block in self._blocks():
            if block is None:
                if held:
                    yield self._cut(held, True)[0]
                yield Rows([self._line], [None], ["row-too-large"])
                self._line += 1
                held, size, want = [], 0, 0
                continue
            lines = list(io.StringIO(block, newline=""))
            size += len(block)
            self._nul = self._nul or "\0" in block
            held = held + lines if held else lines
            if size < want:
                continue
            final = size > QUOTED
            rows, held = self._cut(held, final)
            size = sum(map(len, held))
            want = 2 * size  # an open record is tried again only when it has doubled: linear time
            yield rows
        if held:
            yield self._cut(held, True)[0]

    def _blocks(self) -> Iterator[str | None]:
        """Give whole lines, many at a time; None for a line that is too large."""
        pieces: list[str] = []
        length, skipping = 0, False
        for text in self._texts:
            # A CR at the very end may be the first half of a CRLF: it waits for the next piece.
            if pieces and pieces[-1].endswith("\r"):
                text = pieces.pop() + text
                length = sum(map(len, pieces))
            if skipping:
                ends = [at for at in (text.find("\n"), text.find("\r")) if at >= 0]
                if not ends or min(ends) == len(text) - 1 == text.find("\r"):
                    pieces = ["\r"] if text.endswith("\r") else []
                    continue
                at = min(ends) + (2 if text.startswith("\r\n", min(ends)) else 1)
                text, skipping, pieces, length = text[at:], False, [], 0
                yield None
            end = len(text) - text.endswith("\r")
            cut = max(text.rfind("\n", 0, end), text.rfind("\r", 0, end)) + 1
            if not cut:
                pieces.append(text)
                length += len(text)
                if length > self._limit:
                    pieces, skipping = (["\r"] if text.endswith("\r") else []), True
                continue
            yield "".join((*pieces, text[:cut]))
            pieces, length = [text[cut:]], len(text) - cut
        if skipping:
            yield None
        elif any(pieces):
            yield "".join(pieces)

    def _cut(self, lines: list[str], final: bool) -> tuple[Rows, list[str]]:
        """Cut whole lines into rows; give the rows, and the lines of a last record that needs more."""
        first = self._line
        rows: list[Any] = []
        if not self._long:
            with contextlib.suppress(csv.Error):
                rows = list(self._dialect.reader(lines))
        if rows and len(rows) == len(lines) and [] not in rows:
            # The fast way: every row stands on one line.
            self._line += len(lines)
            return self._without_nul(Rows(range(first, self._line), rows)), []
        self._long = True
        starts: list[int] = []
        cells: list[Any] = []
        problems: dict[int, str] = {}
        at = 0
        while at < len(lines):
            # `at` is where reading (re)starts, `start` where the record at hand does.
            rest: Any = iter(lines)
            rest.__setstate__(at)
            reader, start = self._dialect.reader(rest), at
            try:
                for row in reader:
                    if row:
                        starts.append(first + start)
                        cells.append(row)
                    start = at + reader.line_num
                break
            except csv.Error:
                end = at + reader.line_num
            record = lines[start:end]
            opened, is_open = self._opened(record)
            if is_open and end == len(lines) and not final:
                self._line = first + start
                return self._without_nul(_rows(starts, cells, problems)), lines[start:]
            problems[len(cells)] = "unclosed-quote" if is_open or len(record) > 1 else "bad-quote"
            starts.append(first + start)
            cells.append(None)
            at = start + opened + 1
        self._line = first + len(lines)
        self._long = len(starts) < len(lines) - 1
        return self._without_nul(_rows(starts, cells, problems)), []

    def _without_nul(self, rows: Rows) -> Rows:
        if not self._nul or not any("\0" in cell for row in rows.cells if row for cell in row):
            return rows
        problems = list(rows.problems or [None] * len(rows.cells))
        for at, row in enumerate(rows.cells):
            if row and any("\0" in cell for cell in row):
                rows.cells[at], problems[at] = None, "nul-byte"
        return Rows(rows.lines, rows.cells, problems)

    def _opened(self, lines: list[str]) -> tuple[int, bool]:
        """Find the line on which the quote was opened that spoils this record, and whether it is open to the end."""
        at, is_open = self._walk("".join(lines))
        for number, line in enumerate(lines):
            at -= len(line)
            if at < 0:
                return number, is_open
        return len(lines) - 1, is_open

    def _walk(self, text: str) -> tuple[int, bool]:
        quote, delimiter = re.escape(self._dialect.quotechar or "\0"), re.escape(self._dialect.delimiter)
        quoted = re.compile(f"{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+({quote})?")
        plain = re.compile(f"[^{delimiter}\r\n]*+")
        at = 0
        while at < len(text):
            field = quoted.match(text, at)
            if field:
                if field[1] is None:
                    return at, True
                if text[field.end() : field.end() + 1] != self._dialect.delimiter:
                    return at, False
                at = field.end() + 1
                continue
            bare = plain.match(text, at)
            assert bare is not None
            if text[bare.end() : bare.end() + 1] != self._dialect.delimiter:
                return at, False
            at = bare.end() + 1
        return max(at - 1, 0), False


def _rows(starts: list[int], cells: list[Any], problems: dict[int, str]) -> Rows:
    return Rows(starts, cells, [problems.get(at) for at in range(len(cells))] if problems else None)


def cut_rows(texts: Iterator[str], dialect: Dialect, limit: int) -> Iterator[Rows]:
    """Cut text into rows, many at a time, in bounded memory. Blank lines give none; widths are not looked at."""
    return _Cutter(dialect, texts, limit).rows()


def judged(rows: Rows, header: list[str] | None, width: int) -> Rows:
    """Name ragged rows and repeated headers; without a header (None) only the width counts."""
    cells = rows.cells
    if rows.problems is None and set(map(len, cells)) <= {width} and header not in cells:
        return rows
    problems = list(rows.problems or [None] * len(cells))
    for at, row in enumerate(cells):
        if row is None:
            continue
        if len(row) > width and not any(row[width:]):
            cells[at] = row = row[:width]
        if len(row) != width:
            cells[at], problems[at] = None, "ragged-row"
        elif row == header:
            cells[at], problems[at] = None, "repeated-header"
    return Rows(rows.lines, cells, problems)


_HEADER = {
    "unclosed-quote": "turn quoting off if the quotes are plain text",
    "bad-quote": "turn quoting off if the quotes are plain text",
    "row-too-large": "is this a table at all?",
    "nul-byte": "if the file is UTF-16, state --encoding utf-16-le",
}


class Read(NamedTuple):
    """A table: its fields, its delimiter, and for each row line, cells and problem (None: it holds nothing at all)."""

    fields: tuple[str, ...]
    delimiter: str
    rows: Iterator[tuple[int, Any, str | None]] | None


def read_table(
    texts: Iterator[str],
    name: str,
    most: Callable[[], int],
    *,
    delimiter: str | None,
    quotechar: str | None,
    header: bool,
    unmarked: bool = False,
) -> Read:
    """Read delimited text with its header, its rows as `cut_rows` and `judged` give them; no delimiter: it is guessed.

    A header that cannot be read is an `InputError`, which says `name`. `most`: characters that a row may take, asked
    when the first are read. `unmarked`: the byte order mark is off already.
    """
    opening = first_texts(texts, 1 << 18)
    if opening and not unmarked:
        opening[0] = opening[0].removeprefix("\ufeff")
    sample = "".join(opening)
    stated = sample.startswith("sep=") and sample[5:6] in ("\r", "\n")
    if delimiter is None:
        delimiter = guess_delimiter(sample, quotechar or None)[0]
    blocks = cut_rows(itertools.chain(opening, texts), Dialect(delimiter, quotechar or None), most())
    first = next((block for block in blocks if block.cells), None)
    if first and stated:
        first = _but_first(first)
        if not first.cells:
            first = next((block for block in blocks if block.cells), None)
    if first is None:
        return Read((), delimiter, None)
    if header:
        top, line = first.cells[0], first.lines[0]
        if top is None:
            problem = (first.problems or ["unreadable"])[0]
            raise InputError(f"{name}:{line}: the header cannot be read ({problem}); {_HEADER.get(str(problem))}")
        fields = tuple(top)
        first = _but_first(first)
    else:
        width = next((len(cells) for cells in first.cells if cells is not None), 0)
        fields = tuple(str(number + 1) for number in range(width))
    names = list(fields) if header else None
    judge = (judged(block, names, len(fields)) for block in itertools.chain([first], blocks))
    counted = (zip(b.lines, b.cells, b.problems or itertools.repeat(None)) for b in judge)  # noqa: B905
    return Read(fields, delimiter, itertools.chain.from_iterable(counted))


def _but_first(rows: Rows) -> Rows:
    return Rows(rows.lines[1:], rows.cells[1:], rows.problems and rows.problems[1:])
