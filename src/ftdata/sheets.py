"""Sheets of Excel workbooks (.xlsx) as comma-delimited text, row by row (format: ECMA-376, part 1, clause 18).

A workbook is a zip archive of XML. It is read here, and not by a library, because none streams it in bounded memory:
openpyxl keeps all shared texts, calamine a whole sheet with its empty cells. XML with a document type, where entity
bombs live, is refused; so is XML that expands as no sheet does.

Cells: text as it stands; numbers as the file writes them; dates as ISO 8601 (`2024-01-31`, `2024-01-31T12:30:00`, a
time alone `12:30:00`, elapsed time `PT5400S`); `true` and `false`; an error as its text (`#N/A`); a formula as the
value that was computed last. Of merged cells the first holds the value, the others are empty. Every row of the sheet is
a line, an empty one a blank line, so that line numbers are row numbers as long as no cell has a line break.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
import tempfile
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from ftdata.archives import Archive
from ftdata.errors import InputError
from ftdata.expansion import Bytes, bomb
from ftdata.records import Limits

_QUIET = 1 << 20  # bytes that one XML part may take, however well it is packed
_KEPT = 16 << 20  # bytes of shared texts that are kept in memory
_ROWS, _COLUMNS, _DEPTH = 1_048_576, 16_384, 32
_PIECE = 1 << 16
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REF = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
# A format is one of dates if letters of dates are left once texts, colours and other conditions are taken out.
_NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|General', re.IGNORECASE)
_DATE = re.compile("[ymdhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
# 18.8.30: the built-in formats of dates and times; 27 to 36 and 50 to 58 are those of East Asian locales.
_DATES = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_SPANS = frozenset({46})
_DAMAGE = (ElementTree.ParseError, expat.ExpatError, ValueError, LookupError, OverflowError)


def is_office(archive: Archive) -> bool:
    """Say whether a zip archive is an Office file of any kind."""
    return "[Content_Types].xml" in archive or ("mimetype" in archive and "content.xml" in archive)


def visible_sheets(path: Path) -> list[str]:
    """Name the visible sheets of a workbook; none for what is no workbook that can be read."""
    try:
        with path.open("rb") as file:
            archive = Archive(file, path.name, Limits())
            if not is_office(archive):
                return []
            text = SheetText(archive, path.name, Limits(), None, None)
            text.close()
            return [name for name, _, hidden in text._sheets if not hidden]
    except (OSError, InputError):
        return []


class SheetText:
    """One sheet as comma-delimited text: the one named, else the first visible one that is not empty.

    Raises `InputError` for an Office file without such a sheet, one that is damaged, or a bomb. `uncomputed` counts
    formulas that were saved without a value; their cells are empty.
    """

    delimiter = ","

    def __init__(self, archive: Archive, name: str, limits: Limits, sheet: str | None, scratch: Path | None) -> None:
        self._archive, self._name, self._limits, self._scratch = archive, name, limits, scratch
        self.uncomputed = 0
        try:
            self._book()
            self._texts = _Texts(self._scratch)
            for item in self._items(self._shared, 2) if self._shared else ():
                self._texts.add(_text(item))
            self._pieces = self._chosen(sheet)
        except _DAMAGE:
            raise self._damaged() from None
        self._rest = memoryview(b"")

    @property
    def wide(self) -> bool:
        """Sheets that expand suspiciously are refused."""
        return False

    def read(self, size: int = 1 << 18) -> bytes:
        """Read at most `size` bytes."""
        if not self._rest:
            try:
                self._rest = memoryview(next(filter(None, self._pieces), b""))
            except _DAMAGE:
                raise self._damaged() from None
        piece = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        return piece

    def close(self) -> None:
        """Let go of the shared texts."""
        self._pieces = iter(())
        self._texts.close()

    def _damaged(self) -> InputError:
        return InputError(f"{self._name}: the Excel file is damaged; open and save it again, or save it as CSV (UTF-8)")

    # --- the parts of the archive -------------------------------------------------------------------------------------

    def _items(self, part: str, depth: int) -> Iterator[Any]:
        """Give the elements of an XML part at a depth, one by one; each is gone when the next is asked for."""
        if part not in self._archive:
            raise ValueError
        size = self._archive.size(part)
        if size > _QUIET and size > self._limits.ratio * self._archive.packed(part):
            raise bomb(f"{self._name}:{part}", self._limits, _QUIET)
        stream = self._archive.open(part)
        parser: Any = ElementTree.XMLPullParser(("start", "end"))
        above: list[Any] = []
        for piece in _without_doctype(stream, self._name):
            parser.feed(piece)
            for event, element in parser.read_events():
                if event == "start":
                    above.append(element)
                    if len(above) > _DEPTH:
                        raise ValueError
                    continue
                above.pop()
                if len(above) == depth - 1:
                    yield element
                if len(above) < depth and above:
                    above[-1].clear()
        parser.close()

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Read what a part points to: kind and part by id (part 2, clause 9.3)."""
        folder, base = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{base}.rels")
        found = {}
        for item in self._items(path, 2) if path in self._archive else ():
            target = posixpath.normpath(posixpath.join("/", folder, item.get("Target", "")))
            found[item.get("Id", "")] = (posixpath.basename(item.get("Type", "")), target.lstrip("/"))
        return found

    def _book(self) -> None:
        """Read the workbook: its sheets, which formats are those of dates, where the shared texts are."""
        if "mimetype" in self._archive:
            raise InputError(f"{self._name}: is an OpenDocument file; save the sheet as .xlsx or CSV (UTF-8)")
        roots = dict(self._relations("").values())
        book = roots.get("officeDocument", "xl/workbook.xml")
        if book not in self._archive or not book.endswith(".xml") or not book.startswith("xl/"):
            kind = "a binary workbook (.xlsb)" if book.endswith(".bin") else "an Office file without sheets"
            raise InputError(f"{self._name}: is {kind}; save the sheet as .xlsx or CSV (UTF-8)")
        related = self._relations(book)
        parts = dict(related.values())
        self._shared = parts.get("sharedStrings")
        self._sheets: list[tuple[str, str, bool]] = []
        self._from_1904 = False
        for item in self._items(book, 2):
            if _tag(item) == "workbookPr":
                self._from_1904 = item.get("date1904") in ("1", "true")
            elif _tag(item) == "sheets":
                for sheet in item:
                    ids = [value for key, value in sheet.items() if key.endswith("}id")]
                    kind, part = related[ids[0]] if ids and ids[0] in related else ("", "")
                    if kind == "worksheet":
                        hidden = sheet.get("state", "visible") != "visible"
                        self._sheets.append((sheet.get("name", ""), part, hidden))
        self._dates, self._spans = self._formats(parts.get("styles"))

    def _formats(self, part: str | None) -> tuple[set[str], set[str]]:
        """Say which cell formats show a date, and which elapsed time."""
        dates, spans, own = set(_DATES), set(_SPANS), []
        for item in self._items(part, 2) if part else ():
            if _tag(item) == "numFmts":
                for form in item:
                    code = _NO_DATE.sub("", form.get("formatCode", "").partition(";")[0])
                    number = int(form.get("numFmtId", "0"))
                    if _ELAPSED.search(code):
                        spans.add(number)
                    elif _DATE.search(code):
                        dates.add(number)
            elif _tag(item) == "cellXfs":
                own = [int(form.get("numFmtId", "0")) for form in item]
        numbered = [(str(place), number) for place, number in enumerate(own)]
        return {p for p, n in numbered if n in dates - spans}, {p for p, n in numbered if n in spans}

    def _chosen(self, sheet: str | None) -> Iterator[bytes]:
        """Give the text of the sheet wanted."""
        names = [name for name, _, _ in self._sheets]
        if sheet is not None:
            if sheet not in names:
                raise InputError(
                    f"{self._name}: has no sheet of that name (FILE.xlsx:SHEET)", f"it has {', '.join(names[:8])}"
                )
            return self._lines(self._sheets[names.index(sheet)][1])
        for _, part, hidden in self._sheets:
            lines = iter(()) if hidden else self._lines(part)
            first = next(lines, None)
            if first is not None:
                return _after(first, lines)
        raise InputError(f"{self._name}: holds no visible sheet with anything in it")

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _lines(self, part: str) -> Iterator[bytes]:
        """Write the rows as text, about 64 kB at a time; nothing for a sheet without a value."""
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\r\n").writerow
        last = width = 0
        for row in self._items(part, 3):
            if _tag(row) != "row":
                continue
            number = int(row.get("r") or last + 1)
            if not last < number <= _ROWS:
                raise ValueError
            cells = self._cells(row)
            while cells and not cells[-1]:
                cells.pop()
            if not cells:
                continue
            if not width:
                width = len(cells)
            text.write("\r\n" * (number - last - 1))
            last = number
            cells += [""] * (width - len(cells))
            write(cells)
            if text.tell() > _PIECE:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        if text.tell():
            yield text.getvalue().encode()

    def _cells(self, row: Any) -> list[str]:
        cells: list[str] = []
        for cell in row:
            if _tag(cell) != "c":
                continue
            place = _column(cell.get("r")) if cell.get("r") else len(cells)
            if place < len(cells):
                raise ValueError
            cells += [""] * (place - len(cells))
            cells.append(self._value(cell))
            if len(cells) > _COLUMNS:
                raise ValueError
        return cells

    def _value(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        value, formula = None, False
        for part in cell:
            tag = _tag(part)
            if tag == "v":
                value = part.text or ""
            elif tag == "is" and kind == "inlineStr":
                value = _text(part)
            elif tag == "f":
                formula = True
        if not value:
            self.uncomputed += formula and kind == "n"
            return ""
        if kind == "s":
            return self._texts[int(value)]
        if kind == "b":
            return "true" if value.strip() == "1" else "false"
        if kind == "str":
            return _unescaped(value)
        style = cell.get("s", "0")
        if kind == "n" and (style in self._dates or style in self._spans):
            return _moment(value, style in self._spans, self._from_1904)
        return value


class _Texts:
    """The shared texts, by number, beyond 16 MB in a nameless temporary file."""

    def __init__(self, scratch: Path | None) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_KEPT, dir=str(scratch) if scratch else None)  # noqa: SIM115 - lives with the sheet
        self._ends = array("Q", [0])

    def add(self, text: str) -> None:
        self._ends.append(self._ends[-1] + self._file.write(text.encode()))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return self._file.read(end - start).decode()

    def close(self) -> None:
        self._file.close()


def _without_doctype(stream: Bytes, name: str) -> Iterator[bytes]:
    """Give a stream of XML as it is; one with a document type is refused when that begins, before the root element."""
    root = False

    def refuse(*_: object) -> None:
        raise InputError(f"{name}: holds XML with a document type, as an entity bomb does; save the sheet as CSV")

    def began(*_: object) -> None:
        nonlocal root
        root = True

    prolog = expat.ParserCreate()
    prolog.StartDoctypeDeclHandler = refuse
    prolog.StartElementHandler = began
    while piece := stream.read(_PIECE):
        if not root:
            prolog.Parse(piece, False)
        yield piece


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(item: Any) -> str:
    """Put the runs of a text together; how it is pronounced (`rPh`) is no part of it."""
    found = [part.text or "" for part in item if _tag(part) == "t"]
    found += [part.text or "" for run in item if _tag(run) == "r" for part in run if _tag(part) == "t"]
    return _unescaped("".join(found))


def _unescaped(text: str) -> str:
    """Resolve `_x000D_`, which stands for a character that XML cannot hold (22.9.2.19)."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)  # half of a pair is no character


def _column(reference: str) -> int:
    match = _REF.fullmatch(reference)
    if not match:
        raise ValueError
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _moment(value: str, elapsed: bool, from_1904: bool) -> str:
    """Write a serial number of days as a date or time (18.17.4); one that is no date stays the number."""
    try:
        days = float(value)
        milliseconds = round(days * 86_400_000)
        if elapsed:
            seconds, rest = divmod(milliseconds, 1000)
            return f"PT{seconds}{f'.{rest:03}' if rest else ''}S"
        start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30 if days >= 60 else 31)
        moment = start + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return value
    if days < 0:
        return value
    date = moment.date().isoformat()
    clock = moment.time().isoformat("milliseconds" if moment.microsecond else "seconds")
    if not from_1904 and days < 1:
        return clock
    return date if milliseconds % 86_400_000 == 0 else f"{date}T{clock}"
