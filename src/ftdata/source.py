"""The one read path: opens an input, decompresses, decodes, hashes and hands out numbered records.

No reader calls `open` or numbers anything: the engine holds the records that a source has handed out (`handed`) against
the records that the reader's rows own. The parts: `streams` (bytes under limits), `decoding` (encodings), `delimited`
(CSV), `jsontext` (JSON).
"""

from __future__ import annotations

import io
import itertools
import json
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from ftdata import decoding
from ftdata.delimited import Dialect, cut_rows, guess_delimiter, judged
from ftdata.errors import InputError
from ftdata.hub import fetched, is_hub
from ftdata.jsontext import BadJson, Item, Items, items_of, on_one_line, parse, unfinished, value_of
from ftdata.mails import cut_mails
from ftdata.nested import Holder, Inside, Whole, taken
from ftdata.records import Input, Limits, Lines, Record, Table
from ftdata.shards import chosen, split_of
from ftdata.streams import BLOCK, Bytes, Store, Stream, Tap, close, named

__all__ = ["PROBLEMS", "Input", "Limits", "Lines", "Record", "Source", "Table"]

PROBLEMS = frozenset(
    {
        "bad-json",
        "bad-quote",
        "huge-number",
        "lone-surrogate",
        "not-utf8",
        "nul-byte",
        "ragged-row",
        "repeated-header",
        "row-too-large",
        "too-deep",
        "unclosed-quote",
    }
)
"""What can be wrong with a record; a reader drops it with the code as the reason."""

_WIDE_ROW = 16 << 20
_WHOLE = 16  # blocks of a JSON text that are held to be cut at once
_PLACES = 1_000_000
_T = TypeVar("_T")


class _Part:
    """One file of an input, while it is read."""

    def __init__(self, name: str, path: Path, first: int, encoding: str) -> None:
        self.name, self.path, self.first, self.encoding = name, path, first, encoding
        self.records = 0
        self.drained = self.at_once = False
        self.member: str | None = None
        self.tap: Tap | None = None
        self.stream: Stream | None = None
        self.split: str | None = None
        self.digest: tuple[int, str] | None = None


class _Begun:
    """A stream whose first four bytes were looked at."""

    def __init__(self, inner: Stream) -> None:
        self._inner, self.head = inner, b""
        while len(self.head) < 4 and (piece := inner.read(4 - len(self.head))):
            self.head += piece
        self._held = self.head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def wide(self) -> bool:
        return self._inner.wide

    def read(self, size: int = BLOCK) -> bytes:
        if self._held:
            held, self._held = self._held[:size], self._held[size:]
            return held + self._inner.read(size - len(held)) if len(held) < size else held
        return self._inner.read(size)


class Source:
    """One input of a run: a file, a folder, a zip archive, or standard input (`-`).

    `name` is what users see of it, `first` the number of its first record in the run, `encoding` a stated encoding
    (default: decided, see `ftdata.decoding`; the decision is then found in `encoding`), `scratch` a private folder,
    `records` how many records to hand out at most. `bytes_read` of `bytes_total` tell the progress. An input that
    cannot be read is an `InputError`; what is wrong with one record only is a `Record` with a `problem`.

    A folder or archive is read by `member`; without one it must hold exactly one file, or be one data set in several
    (see `ftdata.shards`). The path itself may name the member after a colon: `in.zip:a.csv`, `book.xlsx:Sheet2`,
    `folder:train`. `network` permits to fetch `hf://owner/name` from the Hugging Face hub.

    `legacy` is for a reader that can give its file back: what it says there goes to the manifest with each file read.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        first: int = 1,
        encoding: str | None = None,
        limits: Limits | None = None,
        scratch: Path | None = None,
        records: int | None = None,
        network: bool = False,
    ) -> None:
        place, member = fetched(path, network) if is_hub(path) else named(path)
        self.path: Path | None = None if str(path) == "-" else place
        shown = place.name or str(place)
        if is_hub(path):
            shown = re.sub("^hf:/+([^@:]+).*", r"hf://\1", str(path))
        shown += f":{member}" if member is not None else ""
        self.name = name or ("stdin" if is_stdin(path) else _shown(shown))
        self.first, self.scratch, self.handed = first, scratch, 0
        self.limits = limits or Limits()
        self.bytes_read = 0
        self._stated = None if encoding is None else decoding.checked(self.name, encoding)
        self.encoding = self._stated or "utf-8"
        self._most = records
        self.legacy: dict[str, Any] | None = None
        self._store = Store(place, self.name, scratch, self.limits, links=is_hub(path))
        self._which = member if member is not None and self._store.shards() else None
        self._member: str | None = None if self._which is not None else member
        self._parts: list[_Part] = []
        self._lookups: list[Source] = []
        self._starts: list[int] = []
        self._lines: list[int] = []
        self._digests: dict[Path, tuple[int, str]] = {}  # of an archive: its members have one

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        self._store.close()
        for side in self._lookups:
            side.close()

    def _twin(self, member: str | None = None) -> Source:
        """Make a second reader of the same bytes, whose records nobody counts."""
        twin = object.__new__(Source)
        twin.__dict__.update(self.__dict__)
        twin._most, twin._parts, twin._lookups, twin._starts, twin._lines = None, [], [], [], []
        twin._member, twin.handed, twin.first = member or self._member, 0, 1
        return twin

    # --- looking through it first -------------------------------------------------------------------------------------

    def again(self, records: int | None = None) -> Source:
        """Make a second reader of the same bytes, whose records nobody counts: for a look through the whole input.

        `records`: how many it hands out at most, for a look at the beginning.
        """
        twin = self._twin()
        twin._most = records
        return twin

    def content(self) -> Iterator[bytes]:
        """Give all decompressed bytes as they stand, byte order mark included, uncounted."""
        stream = self._store.open(self._chosen(None))
        while piece := stream.read(BLOCK):
            yield piece

    def text(self, *, json: bool) -> Iterator[bytes]:
        """Give all text as UTF-8 without byte order mark, uncounted; `json`: its encoding is not guessed."""
        twin = self._twin()
        first, *rest = twin._each(None)
        part, stream, encoding, skip = twin._begin(first, json)
        self.encoding = encoding
        others = (twin._pieces(*twin._begin(one, json)) for one in rest)
        return itertools.chain(twin._pieces(part, stream, encoding, skip), itertools.chain.from_iterable(others))

    # --- what the input is --------------------------------------------------------------------------------------------

    @property
    def bytes_total(self) -> int:
        """Bytes on disk."""
        return self._store.size

    @property
    def sampled(self) -> bool:
        """Whether only the first records are read: what is not met in them may yet come."""
        return self._most is not None

    def legacy_encoding(self) -> str | None:
        """Name the encoding that text which is no UTF-8 seems to have, where none was stated; else None.

        For lines of text, which are taken for UTF-8 unless it is stated: each line with an accent would be lost.
        """
        if self._stated is not None:
            return None
        head = self.head(decoding.SAMPLE)
        encoding, _ = decoding.decide(self.name, head, len(head) < decoding.SAMPLE, None, False)
        return None if encoding.startswith("utf") else encoding

    def members(self) -> tuple[str, ...]:
        """List the files in a folder or zip archive by name, else none; hidden files and links are left out.

        The names are data of the archive's maker: nothing is written under them. There are none where the path itself
        names one, nor in a folder that is one data set: its files are read one after the other, as one input.
        """
        return () if self._member is not None or self._store.shards() else self._store.members()

    def head(self, size: int = 65536, member: str | None = None) -> bytes:
        """Give the decompressed first bytes, byte order mark included; no record is counted."""
        stream = self._store.open(self._chosen(member))
        pieces, length = [], 0
        while length < size and (piece := stream.read(min(BLOCK, size - length))):
            pieces.append(piece)
            length += len(piece)
        close(stream)
        return b"".join(pieces)

    def opening(self, size: int = 65536, member: str | None = None) -> bytes:
        """Give the first bytes as UTF-8 without byte order mark, as `lines` would; bytes that are not UTF-8 stay."""
        head = self.head(size, member)
        encoding, skip = decoding.decide(self.name, head, False, self._stated, True)
        if encoding == "utf-8":
            return head[skip:]
        return head[skip : len(head) - len(head) % 4].decode(encoding, "ignore").encode()

    def _chosen(self, member: str | None) -> str | None:
        member = member or self._member
        if member is not None:
            return member
        if self._store.shards():
            return self._each(None)[0]
        names = self._store.members()
        if not names:
            if self._store.folder or self._store.listed:
                raise InputError(f"{self.name}: holds no file to read")
            return None
        if len(names) > 1:
            some = ", ".join(_shown(name) for name in names[:5]) + (", …" if len(names) > 5 else "")
            raise InputError(f"{self.name}: holds {len(names)} files ({some}); give one file as the path")
        return names[0]

    def _each(self, member: str | None) -> tuple[str | None, ...]:
        """List what to read for a member: if none is named, and the input is one data set, all files of that."""
        if member is not None or self._member is not None or not self._store.shards():
            return (member,)
        return chosen(self._store.shards(), self._which, self.name)

    def splits(self) -> list[tuple[int, str | None]]:
        """List the number of the first record of each file read so far, and the split that the file's name tells."""
        return [(part.first, part.split) for part in self._parts]

    @property
    def left_out(self) -> dict[str, int]:
        """Count what was left out of values: `media` (images, sounds), `uncomputed` (formulas without a value)."""
        found = {}
        for what in ("media", "uncomputed"):
            count = sum(getattr(part.stream, what, 0) for part in self._parts)
            if count:
                found[what] = count
        return found

    def lookup(self, path: Path | str) -> Source:
        """Open a side table: a member of this folder or archive, or a file beside this one.

        It is hashed and listed among `inputs`, and its records are outside the equation.
        """
        wanted = str(path)
        if wanted in self._store.members():
            side = self._twin(wanted)
            side.name = f"{self.name}:{_shown(wanted)}"
        else:
            beside = self.path if self._store.folder else self.path.parent if self.path else Path()
            assert beside is not None
            side = Source(beside / wanted, limits=self.limits, scratch=self.scratch)
        self._lookups.append(side)
        return side

    @property
    def inputs(self) -> list[Input]:
        """List the files read, with their hashes; complete when the reader has drained the source."""
        parts = self._parts or ([] if self._store.members() else [self._part(None, "utf-8")])
        listed = [self._input(part) for part in parts]
        for side in self._lookups:
            listed += [Input(i.name, i.path, i.bytes, i.sha256, i.encoding, 0, 0) for i in side.inputs]
        return listed

    def _input(self, part: _Part) -> Input:
        if part.digest is None:
            part.digest = self._digests.get(part.path)
        if part.digest is None:
            tap = part.tap
            if tap is None or not tap.ended:
                # Not read to its end, or not in order (a zip archive): hash the file on its own.
                folder = self._store.folder
                store = Store(part.path, part.name, None, self.limits) if folder else self._store
                tap = Tap(store.raw())
                while tap.read():
                    pass
                if folder:
                    store.close()
            part.digest = self._digests[part.path] = (tap.count, tap.sha256)
        return Input(part.name, part.path, *part.digest, part.encoding, part.first, part.records, self.legacy)

    def unread(self) -> str | None:
        """Name a file that the reader began and did not read to its end, or never began; None if there is none."""
        begun = {part.member for part in self._parts}
        if not self._parts or not begun.issuperset(self._each(None) if self._store.shards() else ()):
            return self.name
        return next((part.name for part in self._parts if not part.drained), None)

    def spans(self) -> list[tuple[int, str]]:
        """List the number of the first record of each file read so far, and the file's name."""
        return [(part.first, part.name) for part in self._parts] or [(self.first, self.name)]

    def place(self, number: int) -> str:
        """Say where a record stands: `tickets.csv:1842` with its line where that is known, else its record number."""
        name, first = self.name, self.first
        for start, label in ((s, n) for s, n in self.spans() if s <= number):
            first, name = start, label
        part = next((one for one in reversed(self._parts) if one.first <= number), None)
        if part is not None and part.at_once and number < part.first + part.records:
            return f"{name}:{self._lines_in(part)[number - part.first]}"
        at = bisect_right(self._starts, number) - 1
        known = self.first <= number < self.first + self.handed and len(self._starts) < _PLACES
        if at < 0 or not known:
            return f"{name}, record {number - first + 1}"
        return f"{name}:{self._lines[at] + number - self._starts[at]}"

    def record_at(self, line: int) -> int | None:
        """Give the number of the record at a line of the file read last, or None; the reverse of `place`."""
        if self._parts and (part := self._parts[-1]).at_once:
            at = bisect_right(self._lines_in(part)[: part.records], line) - 1
            return None if at < 0 else part.first + at
        at = bisect_right(self._lines, line) - 1
        if at < 0:
            return None
        number = self._starts[at] + line - self._lines[at]
        end = self._starts[at + 1] if at + 1 < len(self._starts) else self.first + self.handed
        return min(number, end - 1)

    def _lines_in(self, part: _Part) -> list[int]:
        """List the lines on which the items of an array start that was decoded at once."""
        twin = self._twin(part.member)
        begun = twin._begin(part.member, True)
        return [item.line for item in twin._cut(twin._pieces(*begun), begun[1])]

    # --- records ------------------------------------------------------------------------------------------------------

    def lines(self, member: str | None = None) -> Iterator[Lines]:
        """Give the lines in blocks of about 256 kB (that fits the cache), as UTF-8 bytes; blank ones are records too.

        Lines end with LF; a CR before it is cut. They are UTF-8 unless a byte order mark or the user says otherwise; a
        line that is not valid UTF-8 is handed out as it is, for the reader to drop it (`not-utf8`).
        """
        if len(each := self._each(member)) > 1:
            for one in each:
                yield from self.lines(one)
            return
        part, stream, encoding, skip = self._begin(member, True)
        number = part.first
        for block in self._blocks(part, stream, encoding, skip):
            room = self._room(block.count)
            if room <= 0:
                part.drained = True
                return
            if room < block.count:
                block = Lines(0, block.line, b"\n".join(block.lines[:room]), room, block.problem)
            block.number = number
            number += room
            self._remember(block.number, block.line)
            self.handed += room
            part.records += room
            yield block
        part.drained = True

    def _blocks(self, part: _Part, stream: Stream, encoding: str, skip: int) -> Iterator[Lines]:
        held: list[bytes] = []
        size, line, skipping = 0, 1, False
        for piece in self._pieces(part, stream, encoding, skip):
            cut = piece.rfind(b"\n")
            if cut < 0 or skipping or size + piece.find(b"\n") > self.limits.row:
                if cut < 0:
                    held.append(piece)
                    size += len(piece)
                    if size > self.limits.row or (stream.wide and size > _WIDE_ROW):
                        skipping, held = True, []
                    continue
                # The end of a line that is too large: it stands alone.
                yield Lines(0, line, b"", 1, "row-too-large")
                skipping, held, line = False, [], line + 1
                piece = piece[piece.find(b"\n") + 1 :]
                cut = piece.rfind(b"\n")
                if cut < 0:
                    held, size = [piece], len(piece)
                    continue
            block = b"".join([*held, memoryview(piece)[:cut]])  # one copy
            held, size = [piece[cut + 1 :]], len(piece) - cut - 1
            if b"\r" in block:
                block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
            count = int(np.count_nonzero(np.frombuffer(block, np.uint8) == 10)) + 1  # thrice as fast as bytes.count
            yield Lines(0, line, block, count)
            line += count
        if skipping:
            yield Lines(0, line, b"", 1, "row-too-large")
        elif any(held):
            yield Lines(0, line, b"".join(held).removesuffix(b"\r"), 1)

    def csv_records(
        self,
        *,
        delimiter: str | None = None,
        quotechar: str | None = '"',
        header: bool = True,
        member: str | None = None,
    ) -> Table:
        """Give the rows of delimited text, each a list of as many cells as there are fields.

        The delimiter is guessed from `, ; tab |` unless given; `quotechar=None` turns quoting off. Blank lines are no
        records. Without a header the fields are named `1`, `2`, … Damage is one record: see `ftdata.delimited`. A
        header that cannot be read is an `InputError`.
        """
        if len(each := self._each(member)) > 1:
            tables = (self.csv_records(header=header, member=one) for one in each)
            return _joined(self.name, tables)
        part, stream, encoding, skip = self._begin(member, False)
        texts = decoding.texts(part.name, self._tapped(part, stream), encoding, skip, BLOCK)
        opening = _taken(texts, 1 << 18)
        opening[:1] = [opening[0].removeprefix("\ufeff")] if opening and skip == 0 else opening[:1]
        sample = "".join(opening)
        stated = sample.startswith("sep=") and sample[5:6] in ("\r", "\n")
        delimiter = getattr(stream, "delimiter", None) or delimiter
        if delimiter is None:
            delimiter = guess_delimiter(sample, quotechar or None)[0]
        elif len(delimiter) != 1:
            raise InputError(f"{self.name}: the delimiter must be one character")
        dialect = Dialect(delimiter, quotechar or None)
        blocks = cut_rows(itertools.chain(opening, texts), dialect, _WIDE_ROW if stream.wide else self.limits.row)
        first = next((block for block in blocks if block.cells), None)
        if first and stated:
            first = type(first)(first.lines[1:], first.cells[1:], first.problems and first.problems[1:])
            if not first.cells:
                first = next((block for block in blocks if block.cells), None)
        if first is None:
            part.drained = True
            return Table((), delimiter, iter(()))
        top, line = first.cells[0], first.lines[0]
        if header:
            if top is None:
                problem = (first.problems or ["unreadable"])[0]
                raise InputError(
                    f"{part.name}:{line}: the header cannot be read ({problem}); {_HEADER.get(str(problem))}"
                )
            fields = tuple(top)
            first = type(first)(first.lines[1:], first.cells[1:], first.problems and first.problems[1:])
        else:
            width = next((len(cells) for cells in first.cells if cells is not None), 0)
            fields = tuple(str(number + 1) for number in range(width))
        names = list(fields) if header else None
        judge = (judged(block, names, len(fields)) for block in itertools.chain([first], blocks))
        counted = (zip(b.lines, b.cells, b.problems or itertools.repeat(None)) for b in judge)  # noqa: B905
        return Table(fields, delimiter, self._number(part, itertools.chain.from_iterable(counted)))

    def json_items(self, member: str | None = None) -> Iterator[Record]:
        """Give the items of a JSON array, or the object of a file (several, if they follow one another), as values.

        Numbers beyond a double's range are refused (`huge-number`), not rounded to infinity.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_items(one) for one in each)
        part, stream, encoding, skip = self._begin(member, True)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            for line, text, problem in self._cut(self._pieces(part, stream, encoding, skip), stream):
                value, problem = (None, problem) if text is None else self._value(text)
                yield line, value, problem

        return self._number(part, found())

    def json_blocks(self, into: type[_T], member: str | None = None) -> Iterator[tuple[int, Sequence[_T | Record]]]:
        """Give the items as `json_items` does, in blocks, as structures of msgspec: the first one's number, and all.

        Keys that `into` does not name are looked through. An item that it refuses stands there as a `Record`. A small
        array is decoded at once; the lines of its items are looked for only if `place` is asked.
        """
        if len(each := self._each(member)) > 1:
            for shard in each:
                yield from self.json_blocks(into, shard)
            return
        part, stream, encoding, skip = self._begin(member, True)
        pieces = self._pieces(part, stream, encoding, skip)
        held = list(itertools.islice(pieces, _WHOLE + 1))
        if len(held) <= _WHOLE:
            try:
                items = msgspec.json.decode(b"".join(held), type=list[into])  # type: ignore[valid-type]
            except (msgspec.MsgspecError, ValueError, RecursionError):
                pass
            else:
                del items[self._room(len(items)) :]
                self.handed += len(items)
                part.records, part.at_once, part.drained = len(items), True, True
                if items:
                    yield part.first, items
                return
        one = msgspec.json.Decoder(into)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            for line, text, problem in self._cut(itertools.chain(held, pieces), stream):
                try:
                    value, problem = None if text is None else one.decode(text), problem
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    value, problem = self._value(text or b"")
                yield line, value, problem

        for record in self._number(part, found()):
            yield record.number, [record.value if isinstance(record.value, into) else record]

    def _cut(self, pieces: Iterator[bytes], stream: Stream) -> Iterator[Item]:
        """Cut JSON text into items: a small array at once, all else as it comes."""
        held: list[bytes] = []
        for piece in pieces:
            held.append(piece)
            if len(held) > _WHOLE:
                break
        else:
            text = b"".join(held)
            if (texts := items_of(text)) is not None:
                line, counted, end = 1, 0, text.find(b"[") + 1
                for one in texts:
                    # Between two items are a comma and white space, so this byte is the first of the item.
                    at = text.find(one[:1], end)
                    line += text.count(b"\n", counted, at)
                    counted, end = at, at + len(one)
                    wide = len(one) > self.limits.row
                    yield Item(line, None if wide else one, "row-too-large" if wide else None)
                return
        items = Items(self.limits)
        for piece in itertools.chain(held, pieces):
            yield from items.feed(piece, most=_WIDE_ROW if stream.wide else None)
        yield from items.feed(b"", final=True)

    def json_texts(self, member: str | None = None, *, as_it_stands: bool = False) -> Iterator[Record]:
        """Give the items of a JSON array, or the object of a file, each as JSON text on one line, not yet checked.

        `as_it_stands` leaves the white space between their tokens as it is.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_texts(one, as_it_stands=as_it_stands) for one in each)
        made = _as_it_stands if as_it_stands else _one_line
        part, stream, encoding, skip = self._begin(member, True)

        def found() -> Iterator[tuple[int, bytes | None, str | None]]:
            items = Items(self.limits)
            for piece in self._pieces(part, stream, encoding, skip):
                yield from map(made, items.feed(piece, most=_WIDE_ROW if stream.wide else None))
            yield from map(made, items.feed(b"", final=True))

        return self._number(part, found())

    def objects(self, member: str | None = None) -> Iterator[Record]:
        """Give the rows of whatever holds objects, each as a value: JSON lines, a JSON array, or delimited text.

        A row of delimited text is a dict by its column names (of two equal names the last wins). A blank line has the
        problem `blank-line`, an item of JSON that is no object `not-an-object`.
        """
        opening = self.opening(member=member).lstrip()
        if opening[:1] not in (b"{", b"[", b""):
            table = self.csv_records(member=member)
            for record in table:
                value = None if record.problem else dict(zip(table.fields, record.value, strict=True))
                yield record._replace(value=value)
            return
        for record in self._values(member, opening):
            if record.problem is None and not isinstance(record.value, dict):
                record = record._replace(value=None, problem="not-an-object")
            yield record

    def _values(self, member: str | None, opening: bytes) -> Iterator[Record]:
        if not opening or is_one_value(opening):
            yield from self.json_items(member)
            return
        for block in self.lines(member):
            for place, text in enumerate(block.lines):
                value, problem = (None, block.problem) if block.problem else self._value(text)
                yield Record(block.number + place, block.line + place, value, problem)

    def _value(self, text: bytes) -> tuple[Any, str | None]:
        if not text.strip():
            return None, "blank-line"
        try:
            return value_of(text, self.limits), None
        except BadJson as error:
            return None, error.problem

    def json_within(self, *paths: str, member: str | None = None) -> Iterator[Record]:
        """Give the items of the lists inside a JSON document, as values, and before each list a `Holder`, a record too.

        A path is keys joined by dots: `messages`, `chats.list[].messages` (see `ftdata.nested.Inside`). For a document
        that may be larger than memory. One without any of the lists gives one record, `bad-json` or `not-an-object`.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_within(*paths, member=one) for one in each)
        part, stream, encoding, skip = self._begin(member, True)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            cut, any_ = Inside(self.limits, paths), False
            pieces = itertools.chain(self._pieces(part, stream, encoding, skip), (b"",))
            for piece in pieces:
                for holds, item in cut.feed(piece, final=not piece, most=_WIDE_ROW if stream.wide else None):
                    any_ = True
                    value, problem = (None, item.problem) if item.text is None else self._value(item.text)
                    if holds and value is not None:
                        value = Holder(value)
                    yield item.line, value, problem
            if cut.began and not any_:
                yield 1, None, "not-an-object"

        return self._number(part, found())

    def json_parts(self, *inner: str, inside: str | None = None, member: str | None = None) -> Iterator[Whole]:
        """Give the objects of a document, each with the messages inside it; both are records, in this order.

        The document is a JSON array, JSON lines, one object, or an object with a list of them at the key `inside`.
        `inner` are the paths of the lists of messages in an object (`comments`, `conversation_parts.parts`, `mapping{}`
        for the values of an object); they are taken out of it. What is no object has a problem, and no parts.
        """
        if len(each := self._each(member)) > 1:
            for one in each:
                yield from self.json_parts(*inner, inside=inside, member=one)
            return
        part, stream, encoding, skip = self._begin(member, True)
        limits, sizes = self.limits, deque[int]()

        def texts() -> Iterator[tuple[int, bytes | None, str | None]]:
            if inside is None:
                yield from self._cut(self._pieces(part, stream, encoding, skip), stream)
                return
            cut = Inside(limits, (inside,))
            for piece in itertools.chain(self._pieces(part, stream, encoding, skip), (b"",)):
                for holds, item in cut.feed(piece, final=not piece, most=_WIDE_ROW if stream.wide else None):
                    if not holds:
                        yield item

        def found() -> Iterator[tuple[int, Any, str | None]]:
            for line, text, problem in texts():
                value, problem = (None, problem) if text is None else self._value(text)
                if problem is None and not isinstance(value, dict):
                    value, problem = None, "not-an-object"
                inside_it = taken(value, inner) if value is not None else []
                sizes.append(len(inside_it))
                yield line, value, problem
                yield from ((line, one, None) for one in inside_it)

        records = self._number(part, found())
        for record in records:
            parts = list(itertools.islice(records, sizes.popleft()))
            yield Whole(record, parts)

    def mails(self, member: str | None = None) -> Iterator[Record]:
        """Give the mails of an mbox, or the one mail of any other file, as bytes (see `ftdata.mails`)."""
        part, stream, _, _ = self._begin(member, True)
        read = self._tapped(part, stream)
        pieces = iter(lambda: read(BLOCK), b"")
        yield from self._number(part, cut_mails(pieces, _WIDE_ROW if stream.wide else self.limits.row))

    # --- previews -----------------------------------------------------------------------------------------------------

    def sample(self, count: int = 500, member: str | None = None) -> list[Any]:
        """Give the first records, uncounted: values for JSON, lists of cells for CSV, lines of text else.

        What cannot be read is left out.
        """
        opening = self.opening(member=member).lstrip()
        if opening[:1] in (b"{", b"["):
            whole = is_one_value(opening)
            twin = self._twin(member)
            if whole:
                return [r.value for r in itertools.islice(twin.json_items(), count) if r.problem is None]
            values = []
            for line in itertools.islice((line for block in twin.lines() for line in block.lines), count):
                try:
                    values.append(parse(line, self.limits).value)
                except BadJson:
                    continue
            return values
        name = (member or self._chosen(None) or self.name).lower()
        table = name.partition(":")[0].endswith((".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz", ".xlsx"))
        if table or (not name.endswith((".txt", ".log", ".md")) and self._looks_delimited(member)):
            rows = self._twin(member).csv_records(header=False)
            return [r.value for r in itertools.islice(rows, count) if r.problem is None]
        part, stream, encoding, skip = self._twin(member)._begin(None, False)
        texts = decoding.texts(part.name, stream.read, encoding, skip, BLOCK)
        lines = io.StringIO("".join(_taken(texts, 1 << 20))).read().split("\n")
        return lines[:count]

    def _looks_delimited(self, member: str | None) -> bool:
        try:
            table = self._twin(member).csv_records(header=False)
            widths = [r.problem is None for r in itertools.islice(table, 50)]
        except InputError:
            return False
        return len(table.fields) > 1 and len(widths) > 1 and sum(widths) > 0.8 * len(widths)

    def sample_table(
        self,
        count: int = 500,
        *,
        delimiter: str | None = None,
        quotechar: str | None = '"',
        header: bool = True,
        member: str | None = None,
    ) -> Table:
        """Give the first records of delimited text, uncounted."""
        twin = self._twin(member)
        table = twin.csv_records(delimiter=delimiter, quotechar=quotechar, header=header)
        self.encoding = twin.encoding
        return Table(table.fields, table.delimiter, itertools.islice(table, count))

    # --- inner workings -----------------------------------------------------------------------------------------------

    def _part(self, member: str | None, encoding: str) -> _Part:
        path = self.path if self.path is not None else Path("-")
        name = self.name
        if member is not None and self._member is None:
            name = name.removesuffix(f":{self._which}")
            name = f"{name}{'/' if self._store.folder else ':'}{_shown(member)}"
        if member is not None and self._store.folder:
            path = path / member
        part = _Part(name, path, self.first + self.handed, encoding)
        part.member = member
        part.split = split_of(member) if member is not None and self._store.shards() else None
        return part

    def _begin(self, member: str | None, as_json: bool) -> tuple[_Part, Stream, str, int]:
        """Open an input to read it: the part, its stream, its encoding, and the bytes of byte order mark to skip."""
        member = self._chosen(member)
        part = self._part(member, "utf-8")

        def tap(raw: Bytes) -> Bytes:
            part.tap = Tap(raw, self._progress)
            return part.tap

        if not as_json:
            sample = self.head(decoding.SAMPLE, member)
            stream = part.stream = self._store.open(member, tap, table=True)
        else:
            stream = part.stream = _Begun(self._store.open(member, tap))
            sample = stream.head
        whole = len(sample) < decoding.SAMPLE
        encoding, skip = decoding.decide(self.name, sample, whole, self._stated, as_json)
        self.encoding = part.encoding = encoding
        self._parts.append(part)
        return part, stream, encoding, skip

    def _progress(self, count: int) -> None:
        self.bytes_read += count

    def _tapped(self, part: _Part, stream: Stream) -> Callable[[int], bytes]:
        if part.tap is not None:
            return stream.read
        total = self.bytes_total

        def read(size: int) -> bytes:
            piece = stream.read(size)
            self.bytes_read = min(self.bytes_read + len(piece), total)
            return piece

        return read

    def _pieces(self, part: _Part, stream: Stream, encoding: str, skip: int) -> Iterator[bytes]:
        """Give the stream as UTF-8; what is UTF-8 already is not decoded."""
        read = self._tapped(part, stream)
        if encoding != "utf-8":
            for text in decoding.texts(part.name, read, encoding, skip, BLOCK):
                yield text.encode()
            return
        while piece := read(BLOCK):
            yield piece[skip:]
            skip = 0

    def _room(self, count: int) -> int:
        return count if self._most is None else min(count, self._most - self.handed)

    def _remember(self, number: int, line: int) -> None:
        """Keep where a record stands, if that does not follow from the one before."""
        starts = self._starts
        if len(starts) < _PLACES and (not starts or line - self._lines[-1] != number - starts[-1]):
            starts.append(number)
            self._lines.append(line)

    def _number(self, part: _Part, found: Iterator[tuple[int, Any, str | None]]) -> Iterator[Record]:
        number = part.first
        expected = -1
        for line, value, problem in found:
            if self._most is not None and self.handed >= self._most:
                part.drained = True
                return
            if line != expected:
                self._remember(number, line)
            expected = line + 1
            self.handed += 1
            part.records += 1
            yield Record(number, line, value, problem)
            number += 1
        part.drained = True


_HEADER = {
    "unclosed-quote": "turn quoting off if the quotes are plain text",
    "bad-quote": "turn quoting off if the quotes are plain text",
    "row-too-large": "is this a table at all?",
    "nul-byte": "if the file is UTF-16, state --encoding utf-16-le",
}


def _joined(name: str, tables: Iterator[Table]) -> Table:
    """Put the tables of one data set together; each must have the columns of the first."""
    first = next(tables)

    def records() -> Iterator[Record]:
        yield from first
        for table in tables:
            if table.fields != first.fields:
                raise InputError(f"{name}: its files have different columns; give one file as the path")
            yield from table

    return Table(first.fields, first.delimiter, records())


def is_stdin(path: Path | str) -> bool:
    """Say whether a path means standard input: `-`, or the nameless file that holds what came through it."""
    return str(path) == "-" or str(path).startswith("/dev/fd/")


def is_one_value(opening: bytes) -> bool:
    """Say by its first bytes (UTF-8) whether a file is one JSON array or pretty-printed object, not lines."""
    first, newline, rest = opening.lstrip().partition(b"\n")
    second = rest.lstrip(b"\r\n")
    if first[:1] == b"[":
        if not newline or not rest.strip():
            return True
        try:
            json.loads(first)
        except ValueError:
            return True
        return False
    return first[:1] == b"{" and bool(newline) and second[:1] in (b" ", b"\t", b'"', b"}") and unfinished(first)


def _as_it_stands(item: Item) -> tuple[int, bytes | None, str | None]:
    return item


def _one_line(item: Item) -> tuple[int, bytes | None, str | None]:
    return item.line, item.text and on_one_line(item.text), item.problem


def _taken(texts: Iterator[str], size: int) -> list[str]:
    """Take pieces until they hold `size` characters, or all."""
    taken: list[str] = []
    length = 0
    for text in texts:
        taken.append(text)
        length += len(text)
        if length >= size:
            break
    return taken


def _shown(name: str) -> str:
    """Give a file name with its control and invisible characters made visible."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in name)
