"""The one read path: opens an input, decompresses, decodes, hashes and hands out numbered records.

No reader calls `open` or numbers anything: the engine holds the records that a source has handed out (`handed`) against
the records that the reader's rows own. The parts: `intake` (what the input is, its files and bytes), `numbering`, and
what cuts text into records: `lines`, `delimited` (CSV), `jsonitems` and `nested` (JSON), `mails`.
"""

from __future__ import annotations

import io
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from ftdata.decoding import first_texts
from ftdata.delimited import read_table
from ftdata.errors import InputError
from ftdata.intake import Intake, is_stdin
from ftdata.jsonitems import cut_items, is_one_value, stream_items
from ftdata.jsontext import BadJson, on_one_line, parse, value_of
from ftdata.lines import cut_lines
from ftdata.mails import cut_mails
from ftdata.nested import Whole, cut_list, cut_within, taken
from ftdata.records import Input, Limits, Lines, Record, Table
from ftdata.streams import BLOCK

__all__ = [
    "PROBLEMS",
    "Input",
    "Limits",
    "Lines",
    "Record",
    "Source",
    "Table",
    "is_one_value",
    "is_stdin",
]

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

_AT_ONCE = 16  # blocks of a JSON array that are decoded together
_T = TypeVar("_T")


class Source(Intake):
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

    @property
    def first(self) -> int:
        """The number of the first record in the run."""
        return self._numbering.first

    @property
    def handed(self) -> int:
        """How many records were handed out."""
        return self._numbering.handed

    def place(self, number: int) -> str:
        """Say where a record stands: `tickets.csv:1842` with its line where that is known, else its record number."""
        return self._numbering.place(number, self.name)

    def record_at(self, line: int) -> int | None:
        """Give the number of the record at a line of the file read last, or None; the reverse of `place`."""
        return self._numbering.record_at(line)

    # --- lines and tables ---------------------------------------------------------------------------------------------

    def lines(self, member: str | None = None) -> Iterator[Lines]:
        """Give the lines in blocks of about 256 kB (that fits the cache), as UTF-8 bytes; blank ones are records too.

        Lines end with LF; a CR before it is cut. They are UTF-8 unless a byte order mark or the user says otherwise; a
        line that is not valid UTF-8 is handed out as it is, for the reader to drop it (`not-utf8`).
        """
        for one in self._each(member):
            begun = self._begin(one, True)
            yield from self._numbering.blocks(begun.part, cut_lines(begun.pieces(), self.limits.row, begun.most))

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
        begun = self._begin(member, False)
        delimiter = getattr(begun.stream, "delimiter", None) or delimiter
        if delimiter is not None and len(delimiter) != 1:
            raise InputError(f"{self.name}: the delimiter must be one character")
        fields, delimiter, rows = read_table(
            begun.texts(),
            begun.part.name,
            begun.most,
            delimiter=delimiter,
            quotechar=quotechar,
            header=header,
            unmarked=begun.skip > 0,
        )
        begun.part.drained = rows is None
        return Table(fields, delimiter, self._numbering.each(begun.part, rows or iter(())))

    # --- JSON ---------------------------------------------------------------------------------------------------------

    def json_items(self, member: str | None = None) -> Iterator[Record]:
        """Give the items of a JSON array, or the object of a file (several, if they follow one another), as values.

        Numbers beyond a double's range are refused (`huge-number`), not rounded to infinity.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_items(one) for one in each)
        begun = self._begin(member, True)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            limits = self.limits
            for line, text, problem, levels in cut_items(begun.pieces(), limits, begun.most):
                value, problem = (None, problem) if text is None else value_of(text, limits, levels)
                yield line, value, problem

        return self._numbering.each(begun.part, found())

    def json_blocks(self, into: type[_T], member: str | None = None) -> Iterator[tuple[int, Sequence[_T | Record]]]:
        """Give the items as `json_items` does, in blocks, as structures of msgspec: the first one's number, and all.

        Keys that `into` does not name are looked through. An item that it refuses stands there as a `Record`. A small
        array is decoded at once; the lines of its items are looked for only if `place` is asked.
        """
        if len(each := self._each(member)) > 1:
            for shard in each:
                yield from self.json_blocks(into, shard)
            return
        begun = self._begin(member, True)
        pieces = begun.pieces()
        held = list(itertools.islice(pieces, _AT_ONCE + 1))
        if len(held) <= _AT_ONCE:
            try:
                items = msgspec.json.decode(b"".join(held), type=list[into])  # type: ignore[valid-type]
            except (msgspec.MsgspecError, ValueError, RecursionError):
                pass
            else:
                del items[self._numbering.room(len(items)) :]
                self._numbering.at_once(begun.part, len(items), lambda: self._lines_in(begun.part.member))
                if items:
                    yield begun.part.first, items
                return
        one = msgspec.json.Decoder(into)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            for line, text, problem, _ in cut_items(itertools.chain(held, pieces), self.limits, begun.most):
                try:
                    value, problem = None if text is None else one.decode(text), problem
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    value, problem = value_of(text or b"", self.limits)
                yield line, value, problem

        for record in self._numbering.each(begun.part, found()):
            yield record.number, [record.value if isinstance(record.value, into) else record]

    def _lines_in(self, member: str | None) -> list[int]:
        """List the lines on which the items of an array start that was decoded at once."""
        begun = self._twin(member)._begin(member, True)
        return [item.line for item in cut_items(begun.pieces(), self.limits, begun.most)]

    def json_texts(self, member: str | None = None, *, as_it_stands: bool = False) -> Iterator[Record]:
        """Give the items of a JSON array, or the object of a file, each as JSON text on one line, not yet checked.

        `as_it_stands` leaves the white space between their tokens as it is.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_texts(one, as_it_stands=as_it_stands) for one in each)
        begun = self._begin(member, True)
        items = stream_items(begun.pieces(), self.limits, begun.most)
        made = bytes if as_it_stands else on_one_line
        found = ((line, text and made(text), problem) for line, text, problem, _ in items)
        return self._numbering.each(begun.part, found)

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
                value, problem = (None, block.problem) if block.problem else value_of(text, self.limits)
                yield Record(block.number + place, block.line + place, value, problem)

    def json_within(self, *paths: str, member: str | None = None) -> Iterator[Record]:
        """Give the items of the lists inside a JSON document, as values, and before each list a `Holder`, a record too.

        A path is keys joined by dots: `messages`, `chats.list[].messages` (see `ftdata.nested.Inside`). For a document
        that may be larger than memory. One without any of the lists gives one record, `bad-json` or `not-an-object`.
        """
        if len(each := self._each(member)) > 1:
            return itertools.chain.from_iterable(self.json_within(*paths, member=one) for one in each)
        begun = self._begin(member, True)
        return self._numbering.each(begun.part, cut_within(begun.pieces(), self.limits, begun.most, paths))

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
        begun = self._begin(member, True)
        limits, sizes = self.limits, deque[int]()
        cut = cut_items if inside is None else partial(cut_list, path=inside)

        def found() -> Iterator[tuple[int, Any, str | None]]:
            for line, text, problem, levels in cut(begun.pieces(), limits, begun.most):
                value, problem = (None, problem) if text is None else value_of(text, limits, levels)
                if problem is None and not isinstance(value, dict):
                    value, problem = None, "not-an-object"
                inside_it = taken(value, inner) if value is not None else []
                sizes.append(len(inside_it))
                yield line, value, problem
                yield from ((line, one, None) for one in inside_it)

        records = self._numbering.each(begun.part, found())
        for record in records:
            parts = list(itertools.islice(records, sizes.popleft()))
            yield Whole(record, parts)

    # --- mails --------------------------------------------------------------------------------------------------------

    def mails(self, member: str | None = None) -> Iterator[Record]:
        """Give the mails of an mbox, or the one mail of any other file, as bytes (see `ftdata.mails`)."""
        begun = self._begin(member, True)
        pieces = iter(lambda: begun.read(BLOCK), b"")
        yield from self._numbering.each(begun.part, cut_mails(pieces, begun.most()))

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
        texts = first_texts(self._twin(member)._begin(None, False).texts(), 1 << 20)
        lines = io.StringIO("".join(texts)).read().split("\n")
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
