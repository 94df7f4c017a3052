"""Columnar files as streams of JSON lines: Parquet, and Arrow in its file (Feather) and stream form.

One object a row, columns in their order, so that whatever reads JSON lines reads these. A Parquet file is read page by
page, an Arrow file batch by batch: memory is bounded by what the writer wrote as one piece. Before a row group or a
batch is read, what its headers state is held against its bytes (`ftdata.frames`).
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from ftdata import arrow_rows
from ftdata.errors import InputError
from ftdata.expansion import bomb
from ftdata.frames import Page, in_file, in_stream, pages
from ftdata.records import Limits

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = frozenset({"Parquet", "Arrow", "Arrow stream"})

_ROWS = 1024  # rows that are turned into Python values at a time, at most
_FOOTER = 16 << 20
_QUIET = 32 << 20  # bytes that one row group or batch may take unpacked, whatever it is stored in
_LARGEST = 256 << 20  # bytes of one page or batch, at most
_VALUES = 4_000_000
_SMALL, _ENTRIES = 1 << 15, 300_000  # a dictionary that is looked into: its bytes, at least; its values, at most
_WIDTH = 1 << 16  # bytes of a value of fixed length, at most
_LOOK = 1 << 20
_BLANK = b" " * (1 << 18)


class RowLines:
    """The rows of a columnar file as JSON lines, or, as a `table`, as comma-delimited text with a header.

    `file` is read from its beginning and must be seekable. Raises `InputError`, on opening or reading, for a file that
    is damaged, a bomb, or has columns that JSON cannot hold. `cleared` keeps the names of files that were looked
    through, so that it is done once. `media` counts the images and sounds left out.
    """

    def __init__(
        self,
        file: IO[bytes],
        kind: str,
        name: str,
        limits: Limits,
        *,
        table: bool = False,
        cleared: set[str] | None = None,
    ) -> None:
        self._file, self._name, self._limits, self._table = file, name, limits, table
        self._size = file.seek(0, os.SEEK_END)
        self._kind = kind
        self._given, self._rows, self._weight = 0, 0, 0
        self._cleared = set() if cleared is None else cleared
        self.delimiter = "," if table else None
        with self._guarded():
            self._writer, batches = self._opened()
        self._pieces = self._text(batches)
        self._rest = memoryview(b"")

    @property
    def media(self) -> int:
        """How many images, sounds and films were left out so far."""
        return self._writer.media

    @property
    def wide(self) -> bool:
        """Whether more than `ratio` times the bytes of the file have been given so far."""
        return self._given > self._limits.ratio * self._size

    def close(self) -> None:
        """Close the file."""
        self._pieces = iter(())
        self._file.close()

    def read(self, size: int = 1 << 18) -> bytes:
        """Read at most `size` bytes."""
        if not self._rest:
            with self._guarded():
                self._rest = memoryview(next(filter(None, self._pieces), b""))
            if not self._rest:
                self.close()
        piece = bytes(self._rest[:size])
        self._rest = self._rest[size:]
        self._given += len(piece)
        self._judge(self._given)
        return piece

    def _guarded(self) -> _Guard:
        return _Guard(self._name, self._kind)

    def _opened(self) -> tuple[arrow_rows.Writer, Callable[[], Iterator[pa.RecordBatch]]]:
        if self._kind == "Parquet":
            return self._parquet()
        return self._arrow()

    def _judge(self, given: int) -> None:
        limits = self._limits
        if given > limits.expanded:
            raise InputError(f"{self._name}: expands beyond the limit of {limits.expanded:,} bytes")
        if given > limits.ratio_from and given > limits.ratio * self._size:
            raise bomb(self._name, limits)

    # --- rows to text -------------------------------------------------------------------------------------------------

    def _text(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[bytes]:
        if self._table:
            yield _csv([list(self._writer.fields)])
        for batch in batches():
            if self._name not in self._cleared:
                self._look(batch, batches)
            for rows in self._writer.pieces(batch):
                yield from self._tabled(rows) if self._table else self._lines(rows)

    def _lines(self, rows: list[dict[str, Any] | bytes]) -> Iterator[bytes]:
        made: list[bytes] = []
        for row in rows:
            line = arrow_rows.line_of(row, self._limits.row)
            if line is None:
                yield b"".join(made)
                made = []
                yield from self._too_large()
            else:
                made += (line, b"\n")
        yield b"".join(made)

    def _too_large(self) -> Iterator[bytes]:
        """Give a line that is over the limit, for it to be counted as such: blanks."""
        for _ in range(self._limits.row // len(_BLANK) + 1):
            yield _BLANK
            self._given -= len(_BLANK)
        yield b"\n"

    def _tabled(self, rows: list[dict[str, Any] | bytes]) -> Iterator[bytes]:
        width = len(self._writer.fields)
        yield _csv([["\0"] * width if isinstance(row, bytes) else arrow_rows.cells_of(row) for row in rows])

    def _look(self, batch: pa.RecordBatch, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        """Estimate what all rows will give, if these give much for the bytes of the file: a bomb is not written out."""
        limits = self._limits
        least = max(limits.ratio_from, limits.ratio * self._size)
        whole = self._weight * self._rows / max(batch.num_rows, 1)
        if whole <= least and not (self.wide and self._given > _LOOK):
            return
        total = 0
        for _ in batches():
            total += self._weight
            self._judge(total)
            if total > least:
                break
        self._cleared.add(self._name)

    def _fits(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        most = max(_QUIET, self._limits.ratio * self._size)
        self._weight = self._writer.weight(batch, most)
        if self._weight > most:
            raise bomb(self._name, self._limits, _QUIET)
        return batch

    def _enough(self, rows: int, schema: pa.Schema) -> None:
        """Refuse a file whose rows alone, were all their values empty, would grow too much."""
        self._rows = rows
        self._judge(rows * (2 + sum(len(field) + 5 for field in schema.names)))

    # --- Parquet ------------------------------------------------------------------------------------------------------

    def _parquet(self) -> tuple[arrow_rows.Writer, Callable[[], Iterator[pa.RecordBatch]]]:
        import pyarrow.parquet as pq

        self._file.seek(max(0, self._size - 8))
        tail = self._file.read(8)
        footer = int.from_bytes(tail[:4], "little")
        if tail[4:] == b"PARE":
            raise InputError(f"{self._name}: is encrypted; decrypt it first")
        if tail[4:] != b"PAR1" or footer > self._size - 12:
            raise ValueError
        if footer > _FOOTER:
            raise InputError(f"{self._name}: its footer of {footer:,} bytes is too large; write larger row groups")
        self._end = self._size - 8 - footer
        options: dict[str, Any] = {
            "pre_buffer": False,
            "buffer_size": 1 << 18,
            "thrift_string_size_limit": footer,
            "thrift_container_size_limit": footer // 16 + 1000,
        }
        self._file.seek(0)
        opened = pq.ParquetFile(self._file, **options)
        meta = opened.metadata
        self._chunks(meta)
        self._enough(meta.num_rows, opened.schema_arrow)

        def batches() -> Iterator[pa.RecordBatch]:
            for group in range(meta.num_row_groups):
                if meta.row_group(group).num_rows == 0:
                    continue
                size, coded = self._group(meta, group)
                reader = opened
                if coded:
                    reader = pq.ParquetFile(self._file, metadata=meta, read_dictionary=coded, **options)
                for batch in reader.iter_batches(size, row_groups=[group], use_threads=False):
                    yield self._fits(batch)

        return arrow_rows.Writer(opened.schema_arrow, self._name, self._limits.row), batches

    def _chunks(self, meta: Any) -> None:
        """Check where all column chunks lie: inside the file, and not over one another."""
        total = rows = 0
        for group in range(meta.num_row_groups):
            part = meta.row_group(group)
            rows += part.num_rows
            for number in range(part.num_columns if part.num_rows else 0):
                start, length = _range(part.column(number))
                total += length
                if start < 4 or length < 0 or start + length > self._end or total > self._end:
                    raise ValueError
        if rows != meta.num_rows:
            raise ValueError

    def _group(self, meta: Any, group: int) -> tuple[int, list[str]]:
        """Look through the pages of a row group before it is read.

        Say how many of its rows to read at a time, and which columns to read with their dictionary: those in which one
        long text could stand for very many values.
        """
        part = meta.row_group(group)
        columns = [_Column(self._file, part.column(n), meta.schema.column(n)) for n in range(part.num_columns)]
        most = self._limits.ratio * sum(column.packed for column in columns)
        for column in columns:
            if column.width > _WIDTH:
                told = f"holds values of {column.width:,} bytes of fixed length; write them as binary"
                raise InputError(f"{self._name}: {told}")
            if column.largest > _LARGEST:
                raise InputError(f"{self._name}: holds a page of {column.largest:,} bytes; write smaller pages")
        held = sum(column.largest + column.dictionary for column in columns)
        repeated = max((column.values for column in columns if column.repeated), default=0)
        if held > max(_QUIET, most) or repeated > max(_VALUES, most):
            raise bomb(self._name, self._limits, _QUIET)
        coded = [column.path for column in columns if column.coded * column.longest > max(_QUIET, most)]
        plain = [column.longest for column in columns if column.path not in coded]
        return max(1, _QUIET // max(_QUIET // _ROWS, *plain, 1)), coded

    # --- Arrow --------------------------------------------------------------------------------------------------------

    def _arrow(self) -> tuple[arrow_rows.Writer, Callable[[], Iterator[pa.RecordBatch]]]:
        import pyarrow as pa
        import pyarrow.ipc

        indexed = self._kind == "Arrow"
        rows = 0
        for frame in (in_file if indexed else in_stream)(self._file, self._size):
            rows += 0 if frame.dictionary else frame.rows
            size = max(frame.packed, frame.unpacked)
            if frame.rows < 0:
                raise ValueError
            if frame.unpacked > _QUIET and frame.unpacked > self._limits.ratio * frame.packed:
                raise bomb(self._name, self._limits, _QUIET)
            if size > _LARGEST:
                raise InputError(f"{self._name}: holds a record batch of {size:,} bytes; write smaller ones")

        def opened() -> Any:
            self._file.seek(0)
            if indexed:
                return pa.ipc.open_file(self._file)
            return pa.ipc.open_stream(pa.PythonFile(_From(self._file), mode="r"))

        schema = opened().schema
        self._enough(rows, schema)

        def batches() -> Iterator[pa.RecordBatch]:
            reader = opened()
            found = map(reader.get_batch, range(reader.num_record_batches)) if indexed else iter(reader)
            for batch in found:
                batch.validate(full=True)
                for at in range(0, batch.num_rows, _ROWS):
                    yield self._fits(batch.slice(at, _ROWS))

        return arrow_rows.Writer(schema, self._name, self._limits.row), batches


class _Column:
    """What the headers of a column chunk's pages state.

    `longest` bounds a value that takes less than its own bytes in a page: one of the dictionary, one of fixed length,
    or one that repeats the one before it.
    """

    def __init__(self, file: IO[bytes], chunk: Any, column: Any) -> None:
        self.path: str = chunk.path_in_schema
        self.repeated = column.max_repetition_level > 0
        self.width: int = column.length if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
        self.packed = self.largest = self.dictionary = self.values = self.coded = 0
        self.longest = self.width
        for page in pages(file, *_range(chunk)):
            self.packed += page.packed
            if page.dictionary:
                self.dictionary = max(self.dictionary, page.unpacked)
                if column.physical_type == "BYTE_ARRAY":
                    self.longest = max(self.longest, _longest(file, page, chunk.compression))
            else:
                self.largest = max(self.largest, page.unpacked)
                self.values += page.values
                self.coded += page.values if page.coded and column.physical_type == "BYTE_ARRAY" else 0
        if "DELTA_BYTE_ARRAY" in chunk.encodings:
            self.longest = max(self.longest, self.largest)


def _longest(file: IO[bytes], page: Page, codec: str) -> int:
    """Say how long the longest text of a dictionary is (4 bytes of length before each), or how long at most."""
    import pyarrow as pa

    if not _SMALL < page.unpacked <= _QUIET or page.values > _ENTRIES:
        return page.unpacked
    file.seek(page.body)
    data = file.read(page.packed)
    try:
        if codec != "UNCOMPRESSED":
            data = pa.Codec(codec.lower()).decompress(data, page.unpacked, asbytes=True)
    except (pa.ArrowException, ValueError, OSError):
        return page.unpacked
    at = longest = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        longest = max(longest, length)
        at += 4 + length
    return min(longest, page.unpacked)


class _Guard:
    """Turns whatever is raised about a damaged file into an `InputError`."""

    def __init__(self, name: str, kind: str) -> None:
        self._name, self._kind = name, kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, (OSError, ValueError, LookupError, TypeError, NotImplementedError, MemoryError)):
            # Arrow's own errors are of these classes; their messages may quote values.
            kind = self._kind.partition(" ")[0]
            raise InputError(f"{self._name}: the {kind} file is damaged, or of a kind that cannot be read") from None


class _From:
    """A reading position of its own on a shared file, from its beginning."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._at)
        piece = self._file.read(size)
        self._at += len(piece)
        return piece

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self.closed = True


def _range(chunk: Any) -> tuple[int, int]:
    """Say where a column chunk begins, and its bytes; some writers give 0 for a dictionary that is not there."""
    first: int = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < first:
        first = chunk.dictionary_page_offset
    return first, chunk.total_compressed_size


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
