"""The three layouts of an old file (lines of JSON, one JSON array, delimited text) as one stream of records.

Each record comes with its text as it stands in the file, and with what stands before it: the records and what lies
between them are the whole text, so that what is rebuilt can be held against it piece by piece.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson

from ftdata.decoding import marked
from ftdata.errors import InputError
from ftdata.jsontext import BadJson, parse, too_deep
from ftdata.readers.columns import names
from ftdata.readers.prompt_completion.form import places
from ftdata.readers.prompt_completion.styles import CsvStyle
from ftdata.source import Limits, Source, is_one_value

_JSON = re.compile(r"(?i)\.(jsonl?|ndjson)(\.\w+)?\Z")
_GAP = re.compile(rb"[ \t\r\n,\[\]]*")


class Found(NamedTuple):
    """One record: its number (0: the end of the file), its value or what is wrong with it, its text, what is before.

    The value is an object, or the cells of a row by column name.
    """

    number: int
    value: dict[str, Any]
    raw: str
    before: str
    problem: str | None = None
    note: str | None = None


class Content(NamedTuple):
    """The bytes of an input, decompressed: how many, their hash, the byte order mark, how its lines end."""

    bytes: int
    sha256: str
    bom: bool
    encoding: str
    ends: np.ndarray[Any, Any] | None
    """For each line whether it ends with CR LF; None: all end alike."""
    crlf: bool
    tail: str
    """What ends the last line."""


_UNSEEN = Content(0, "", False, "utf-8", None, False, "")


def look(source: Source, json: bool) -> Content:
    """Look through the whole input as bytes, uncounted; `json`: it is JSON, whose encoding is not guessed."""
    digest, count, head = hashlib.sha256(), 0, b""
    for piece in source.content():
        digest.update(piece)
        count += len(piece)
        head = head or piece[:4]
    mark = marked(head)
    twin = source.again()
    marks: list[np.ndarray[Any, Any]] = []
    last = b""
    for piece in twin.text(json=json):
        text = np.frombuffer(last[-1:] + piece, np.uint8)
        at = np.flatnonzero(text == 10)
        at = at[at >= len(last[-1:])]
        marks.append((at > 0) & (text[at - 1] == 13))
        last = (last[-1:] + piece)[-2:]
    ends = np.concatenate(marks) if marks else np.zeros(0, bool)
    alike = not len(ends) or ends.all() or not ends.any()
    tail = "\r\n" if last.endswith(b"\r\n") else "\n" if last.endswith(b"\n") else "\r" if last.endswith(b"\r") else ""
    bom = mark is not None and mark[0] == twin.encoding
    return Content(
        count, digest.hexdigest(), bom, twin.encoding, None if alike else ends, bool(len(ends)) and bool(ends[0]), tail
    )


class Layout:
    """Reads the records of a source, from first to last, as often as asked; `whole`: after a look at all its bytes.

    Raises `InputError` for a table without the two columns.
    """

    def __init__(self, source: Source, delimiter: str | None, quote: str | None, *, whole: bool = True) -> None:
        opening = source.opening()
        self.style: CsvStyle | None = None
        self.fields: tuple[str, ...] = ()
        self.name = "json" if is_one_value(opening) else "jsonl"
        if opening.lstrip()[:1] not in (b"{", b"["):
            try:
                self._as_table(source, delimiter, quote)
            except InputError:
                # Lines of JSON, of which the first is damaged.
                if source.path is None or not _JSON.search(source.path.name):
                    raise
        self.content = look(source, self.name != "csv") if whole else _UNSEEN

    def _as_table(self, source: Source, delimiter: str | None, quote: str | None) -> None:
        """Settle the columns; raise `InputError` if the two are not among them."""
        table = source.again().csv_records(delimiter=delimiter, quotechar=quote)
        fields = names(table.fields)
        if fields and -1 in places(fields):
            raise InputError(
                f"{source.name}: has no columns `prompt` and `completion`, in any case; rename its columns, or "
                "read it with another reader (--from)"
            )
        self.name, self.fields = "csv", fields
        self.style = CsvStyle(table.delimiter, quote, (False,) * len(fields))

    def records(self, source: Source) -> Iterator[Found]:
        """Give the records, and the end of the file as a last one with the number 0."""
        if self.name == "csv":
            return self._csv(source)
        return self._items(source) if self.name == "json" else self._lines(source)

    # --- lines of JSON ------------------------------------------------------------------------------------------------

    def _lines(self, source: Source) -> Iterator[Found]:
        usual = "\r\n" if self.content.crlf else "\n"
        ends, before, line = self.content.ends, "", 0
        for block in source.lines():
            for number, text in enumerate(block.lines, block.number):
                end = usual if ends is None else self._end(line)
                line += 1
                found = block.problem and Found(number, {}, "", "", block.problem)
                if not found:
                    found = _object(number, text, before, source.limits)
                    if found.problem == "blank-line":
                        before += text.decode() + end
                        yield found
                        continue
                yield found
                before = end
        if line:  # the last one has an end of its own, or none
            before = before.removesuffix(end) + self.content.tail
        yield Found(0, {}, "", before)

    def _end(self, line: int) -> str:
        ends = self.content.ends
        return "\r\n" if ends is not None and line < len(ends) and ends[line] else "\n"

    # --- one JSON value -----------------------------------------------------------------------------------------------

    def _items(self, source: Source) -> Iterator[Found]:
        cursor, lost = _Cursor(source.again().text(json=True)), False
        for record in source.json_texts(as_it_stands=True):
            before = "" if lost else cursor.gap()
            if record.problem:
                lost = True  # what a broken item spans cannot be told
                yield Found(record.number, {}, "", "", record.problem)
                continue
            lost = lost or not cursor.take(record.value)
            yield _object(record.number, record.value, before, source.limits)
        yield Found(0, {}, "", "" if lost else cursor.gap())

    # --- delimited text -----------------------------------------------------------------------------------------------

    def _csv(self, source: Source) -> Iterator[Found]:
        assert self.style is not None
        table = source.csv_records(delimiter=self.style.delimiter, quotechar=self.style.quote)
        lines = _physical(source.again().text(json=False))
        taken = 0
        before, held = "", None

        def upto(line: int) -> str:
            nonlocal taken
            if taken == line - 2 and (text := next(lines, None)) is not None:  # one line, as most
                taken += 1
                return text
            pieces = []
            while taken < line - 1 and (text := next(lines, None)) is not None:
                pieces.append(text)
                taken += 1
            return "".join(pieces)

        for record in chain(table, [None]):
            span = upto(record.line if record else sys.maxsize)
            if held is None:
                before = span
            else:
                end = len(span.rstrip("\r\n"))
                yield self._row(held, span[:end], before)
                before = span[end:]
            held = record
        yield Found(0, {}, "", before)

    def _row(self, record: Any, raw: str, before: str) -> Found:
        if record.problem:
            return Found(record.number, {}, "", "", record.problem)
        return Found(record.number, dict(zip(self.fields, record.value, strict=True)), raw, before)


def _object(number: int, text: bytes, before: str, limits: Limits) -> Found:
    """Parse one object; say why where it is none."""
    try:
        value = orjson.loads(text)
    except ValueError:
        if not text.strip(b" \t\r\n"):
            return Found(number, {}, "", "", "blank-line")
        try:
            value = parse(text, limits).value
        except BadJson as error:
            return Found(number, {}, "", "", error.problem, f"column {error.column}" if error.column else None)
    if value.__class__ is not dict:
        return Found(number, {}, "", "", "not-an-object")
    if len(text) > limits.row:
        return Found(number, {}, "", "", "row-too-large")
    if text.count(b"[") + text.count(b"{") > limits.depth and too_deep(text, limits.depth):
        return Found(number, {}, "", "", "too-deep")
    return Found(number, value, str(text, "utf-8"), before)


class _Cursor:
    """Walks through a JSON text beside the one who cuts it into items."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held, self._at = pieces, b"", 0

    def _more(self) -> bool:
        piece = next(self._pieces, b"")
        self._held, self._at = self._held[self._at :] + piece, 0
        return bool(piece)

    def gap(self) -> str:
        """Take what stands before the next item: white space, commas, the brackets of the array."""
        pieces = []
        while True:
            match = _GAP.match(self._held, self._at)
            assert match is not None  # it may be empty
            pieces.append(match[0])
            self._at = match.end()
            if self._at < len(self._held) or not self._more():
                return b"".join(pieces).decode()

    def take(self, text: bytes) -> bool:
        """Take an item; False if something else stands here."""
        while len(self._held) - self._at < len(text) and self._more():
            pass
        found = self._held.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found


def _physical(pieces: Iterator[bytes]) -> Iterator[str]:
    """Cut UTF-8 into lines as the csv module counts them (LF, CRLF, CR), each with its end."""
    held = [b""]  # a line that is not finished
    for piece in pieces:
        if held[-1].endswith(b"\r"):
            piece = held.pop() + piece
        # A CR at the very end may be the first half of a CRLF: it waits for the next piece.
        cut = max(piece.rfind(b"\n"), piece.rfind(b"\r", 0, -1)) + 1
        if cut:
            yield from io.StringIO(b"".join([*held, piece[:cut]]).decode(), newline="")
            held = []
        held.append(piece[cut:])
    yield from io.StringIO(b"".join(held).decode(), newline="")
