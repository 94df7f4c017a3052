"""What columnar files state about their parts, read without unpacking any: to refuse a bomb before it is opened.

Arrow's own readers allocate what a file says. So the headers are read first, in a few microseconds each: those of
Parquet pages (Thrift compact protocol; parquet-format, `PageHeader`) and of Arrow messages (FlatBuffers; Arrow columnar
format 1.5, `Message.fbs`). A header that makes no sense is a `ValueError`.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

_HEADER = 1 << 16  # most page headers take under 100 bytes; one with statistics of long texts may take more
_LONGEST = 1 << 20
_DICTIONARY = (2, 8)  # PLAIN_DICTIONARY, RLE_DICTIONARY
_MESSAGE = 16 << 20


class Page(NamedTuple):
    """One page of a Parquet column: its bytes as stored and unpacked, its values, whether it is the dictionary."""

    packed: int
    unpacked: int
    values: int
    dictionary: bool
    coded: bool  # its values are numbers of the dictionary's
    body: int  # where it begins


def pages(file: IO[bytes], start: int, length: int) -> Iterator[Page]:
    """List the pages of a column chunk by their headers."""
    at, end = start, start + length
    while at < end:
        size = _HEADER
        while True:
            file.seek(at)
            thrift = _Thrift(file.read(min(size, end - at)))
            try:
                fields = thrift.struct()
                break
            except IndexError:
                size *= 4
                if size > _LONGEST or size // 4 >= end - at:
                    raise ValueError from None
        kind, unpacked, packed = (fields.get(number) for number in (1, 2, 3))
        inner = fields.get({0: 5, 2: 7, 3: 8}.get(kind if isinstance(kind, int) else -1, 0))
        if not isinstance(unpacked, int) or not isinstance(packed, int) or unpacked < 0 or packed < 0:
            raise ValueError
        values, how = (inner.get(1), inner.get(4 if kind == 3 else 2)) if isinstance(inner, dict) else (0, 0)
        if not isinstance(values, int) or values < 0:
            raise ValueError
        body = at + thrift.at
        at = body + packed
        if at > end:
            raise ValueError
        yield Page(packed, unpacked, values, kind == 2, kind in (0, 3) and how in _DICTIONARY, body)


class _Thrift:
    """Reads structs of the compact protocol; of their fields whole numbers and structs are kept, by number."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _number(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise ValueError

    def _skip(self, count: int) -> object:
        self.at += count
        if self.at > len(self._data):
            raise IndexError
        return None

    def struct(self, depth: int = 0) -> dict[int, object]:
        """Read one struct."""
        if depth > 8:
            raise ValueError
        fields: dict[int, object] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            coded = 0 if step else self._number()
            number = number + step if step else (coded >> 1) ^ -(coded & 1)
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if kind in (1, 2):
            return None
        if kind == 3:
            return self._skip(1)
        if kind in (4, 5, 6):
            value = self._number()
            return (value >> 1) ^ -(value & 1)
        if kind == 7:
            return self._skip(8)
        if kind == 8:
            return self._skip(self._number())
        if kind in (9, 10):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._number()
            if count > len(self._data):
                raise ValueError
            for _ in range(count):
                if head & 15 in (1, 2):
                    self._skip(1)
                else:
                    self._value(head & 15, depth)
            return None
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError


class Frame(NamedTuple):
    """One Arrow record batch or dictionary: its rows, its bytes as stored and unpacked."""

    rows: int
    packed: int
    unpacked: int
    dictionary: bool


def in_stream(file: IO[bytes], size: int) -> Iterator[Frame]:
    """List the batches of an Arrow stream of `size` bytes by their headers."""
    at = 0
    while found := _message(file, at, size):
        frame, at = found
        if frame is not None:
            yield frame


def in_file(file: IO[bytes], size: int) -> Iterator[Frame]:
    """List the batches of an Arrow file by their headers, which the index at its end points to."""
    file.seek(max(0, size - 10))
    length, mark = struct.unpack("<i6s", file.read(10))
    if mark != b"ARROW1" or not 0 < length <= min(_MESSAGE, size - 18):
        raise ValueError
    file.seek(size - 10 - length)
    footer = _Table.root(file.read(length))
    ends = []
    for field in (2, 3):
        for at, told, packed in footer.structs(field, "<qi4xq"):
            found = _message(file, at, size) if 0 < at < size else None
            if found is None or found[0] is None or found[0].packed != packed or told < 8:
                raise ValueError
            ends.append((at, found[1]))
            yield found[0]
    ends.sort()
    if any(one[1] > two[0] for one, two in itertools.pairwise(ends)):
        raise ValueError


def _message(file: IO[bytes], at: int, size: int) -> tuple[Frame | None, int] | None:
    """Read the header of one message: the batch in it, if any, and where the next one stands; None: the end."""
    file.seek(at)
    length = _int(file.read(4))
    if length == 0xFFFFFFFF:
        length = _int(file.read(4))
        at += 4
    at += 4
    if length == 0:
        return None
    if length > _MESSAGE:
        raise ValueError
    table = _Table.root(file.read(length))
    body = at + length
    packed = table.number(3, "<q")
    if packed < 0 or body + packed > size:
        raise ValueError
    kind, header = table.number(1, "<B"), table.table(2)
    batch = header.table(1) if kind == 2 and header is not None else header
    if kind not in (2, 3) or batch is None:
        return None, body + packed
    frame = Frame(batch.number(0, "<q"), packed, _unpacked(file, body, packed, batch), kind == 2)
    return frame, body + packed


def _unpacked(file: IO[bytes], body: int, length: int, batch: _Table) -> int:
    """Add up the bytes of a batch's buffers; before a compressed one stand 8 bytes that tell them (-1: it is not)."""
    total = 0
    compressed = batch.table(3) is not None
    for offset, size in batch.structs(2, "<qq"):
        if offset < 0 or size < 0 or offset + size > length:
            raise ValueError
        told = -1
        if compressed and size >= 8:
            file.seek(body + offset)
            told = int.from_bytes(file.read(8), "little", signed=True)
        total += size if told < 0 else told
    return total


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little")


class _Table:
    """A table of a FlatBuffer: its fields are found by their number."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - self._get("<i", at)
        self._end = self._get("<H", self._fields)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        if len(data) < 8:
            raise ValueError
        return cls(data, _int(data[:4]))

    def _get(self, form: str, at: int) -> int:
        if at < 0:
            raise ValueError
        try:
            return int(struct.unpack_from(form, self._data, at)[0])
        except struct.error:
            raise ValueError from None

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        offset = self._get("<H", self._fields + entry) if entry < self._end else 0
        return self._at + offset if offset else 0

    def number(self, field: int, form: str) -> int:
        """Give a number; one that is not there is 0."""
        place = self._place(field)
        return self._get(form, place) if place else 0

    def table(self, field: int) -> _Table | None:
        """Give an inner table."""
        place = self._place(field)
        return _Table(self._data, place + self._get("<I", place)) if place else None

    def structs(self, field: int, form: str) -> Iterator[tuple[int, ...]]:
        """Give a vector of structs of numbers."""
        place = self._place(field)
        if place:
            place += self._get("<I", place)
            length = struct.calcsize(form) * self._get("<I", place)
            if place + 4 + length > len(self._data):
                raise ValueError
            yield from struct.iter_unpack(form, self._data[place + 4 : place + 4 + length])
