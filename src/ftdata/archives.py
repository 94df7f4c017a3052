"""Zip archives, read where they lie: nothing is extracted, and the names of members are only names.

The directory is read by our own hand (format: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16, 4.5.3), because the
standard library keeps an object of 600 bytes per member and expands bzip2 members without a bound. What the directory
states is held against the archive: members that lie over one another, or that grow too much, are refused unread.
"""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from array import array
from collections.abc import Callable
from typing import IO, NamedTuple

from ftdata.errors import InputError
from ftdata.expansion import Bytes, Expanded, bomb
from ftdata.records import Limits

MEMBERS = 100_000
"""How many files an archive or a folder may hold."""

_DIRECTORY = 16 << 20
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_PLACE64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_METHODS = {0: "stored", 8: "deflate", 12: "bzip2", 93: "zstd", 95: "xz"}
_FOREIGN = {1: "shrunk", 6: "imploded", 9: "deflate64", 14: "LZMA", 97: "WavPack", 98: "PPMd"}
_UTF8, _ENCRYPTED = 0x800, 0x2041  # flag bits: 11; 0, 6 (strong) and 13 (the directory too)


class Member(NamedTuple):
    """One entry of the directory: `at` is where its local header stands, `packed` and `size` are stated in bytes."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int


def called(archive: str, member: str) -> str:
    """Give the name of a member for a message: `in.zip:a.json`, also where the archive is known by that already."""
    return archive if archive.endswith(f":{member}") else f"{archive}:{member}"


class Archive:
    """A zip archive in a file, which stays open. Raises `InputError` for one that is damaged or a bomb."""

    def __init__(self, file: IO[bytes], name: str, limits: Limits) -> None:
        self._file, self.name, self._limits = file, name, limits
        self._places: dict[str, int] = {}
        self._again: dict[str, int] = {}  # names that stand there more than once: how often
        try:
            self._read()
        except (OSError, ValueError, struct.error):
            raise InputError(f"{name}: the zip archive is damaged") from None

    def names(self) -> list[str]:
        """List the members, as the archive's maker called them; folders are left out."""
        return list(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def packed(self, name: str) -> int:
        """Say how many bytes of the archive a member takes."""
        return self._entry(self._places[name])[0].packed

    def size(self, name: str) -> int:
        """Say to how many bytes a member expands."""
        return self._entry(self._places[name])[0].size

    def _read(self) -> None:
        """Read the directory, and hold it against the archive."""
        start, length, count, shift = self._end()
        self._file.seek(start)
        self._directory = self._file.read(length)
        self._shift, self._start = shift, start
        spans, found, at, total = array("Q"), 0, 0, 0
        while at < length:
            member, after = self._entry(at)
            found += 1
            if found > MEMBERS:
                raise InputError(f"{self.name}: holds too many members to list (over {MEMBERS:,})")
            if member.at + _LOCAL.size + member.packed > start:
                raise ValueError
            spans.append(member.at)
            spans.append(member.at + _LOCAL.size + member.packed)
            total += member.size
            if not member.name.endswith(b"/"):
                shown = _text(member)
                if self._places.setdefault(shown, at) != at:
                    self._again[shown] = self._again.get(shown, 1) + 1
            at = after
        if (found ^ count) & 0xFFFF:  # 16 bits are told; some writers let them run over
            raise ValueError
        self._weigh(total, spans)

    def _weigh(self, total: int, spans: array[int]) -> None:
        """Refuse an archive whose members grow too much, or lie over one another, by what it states."""
        limits = self._limits
        if total > limits.expanded:
            raise InputError(f"{self.name}: expands beyond the limit of {limits.expanded:,} bytes")
        if total > limits.ratio_from and total > limits.ratio * self._start:
            raise bomb(self.name, limits)
        ordered = sorted(range(0, len(spans), 2), key=spans.__getitem__)
        if any(spans[one + 1] > spans[two] for one, two in itertools.pairwise(ordered)):
            raise InputError(f"{self.name}: its members lie over one another, as in a decompression bomb")

    def _end(self) -> tuple[int, int, int, int]:
        """Find the directory: where it starts, its bytes, its members, and by how much the archive is moved."""
        size = self._file.seek(0, os.SEEK_END)
        tail_at = max(0, size - 65_557)
        self._file.seek(tail_at)
        tail = self._file.read(65_557)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0:
            raise ValueError
        _, disk, _, _, count, length, stated, _ = _END.unpack_from(tail, at)
        end = tail_at + at
        if 0xFFFF in (count, disk) or 0xFFFFFFFF in (length, stated):
            self._file.seek(max(0, end - _PLACE64.size))
            magic, _, place, _ = _PLACE64.unpack(self._file.read(_PLACE64.size))
            if magic == b"PK\x06\x07":
                if place > end - _END64.size:
                    raise ValueError
                self._file.seek(place)
                magic, *_, count, length, stated = _END64.unpack(self._file.read(_END64.size))
                if magic != b"PK\x06\x06":
                    raise ValueError
                end = place
        if length > _DIRECTORY or count > MEMBERS:
            told = f"({count:,}, in {length:,} bytes of directory)"
            raise InputError(f"{self.name}: holds too many members to list {told}")
        start = end - length
        if start < stated:
            raise ValueError
        return start, length, count, start - stated

    def _entry(self, at: int) -> tuple[Member, int]:
        """Read one entry of the directory, and where the next one stands."""
        parts = _ENTRY.unpack_from(self._directory, at)
        magic, _, _, flags, method, _, _, crc, packed, size, named, extra, comment, _, _, _, place = parts
        name_at = at + _ENTRY.size
        after = name_at + named + extra + comment
        if magic != b"PK\x01\x02" or after > len(self._directory):
            raise ValueError
        name = self._directory[name_at : name_at + named]
        if 0xFFFFFFFF in (packed, size, place):
            packed, size, place = self._wide(name_at + named, extra, [size, packed, place])
        return Member(name, flags, method, crc, packed, size, place + self._shift), after

    def _wide(self, at: int, length: int, stated: list[int]) -> tuple[int, int, int]:
        """Read the 64-bit sizes of an entry (4.5.3): only those that the entry itself leaves open, in this order."""
        end = at + length
        while at + 4 <= end:
            kind, size = struct.unpack_from("<HH", self._directory, at)
            if kind == 1:
                wanted = [place for place, value in enumerate(stated) if value == 0xFFFFFFFF]
                told = struct.unpack_from(f"<{len(wanted)}Q", self._directory[: at + 4 + size], at + 4)
                for place, value in zip(wanted, told, strict=True):
                    stated[place] = value
                return stated[1], stated[0], stated[2]
            at += 4 + size
        return stated[1], stated[0], stated[2]

    def open(self, name: str, probe: Callable[[], None] | None = None) -> Expanded:
        """Open the expanded bytes of a member; its length and checksum are held against what the archive states.

        `probe`: see `Expanded`.
        """
        shown = called(self.name, name)
        if name not in self._places:
            some = list(itertools.islice(self._places, 6))
            raise InputError(f"{shown}: no such member", f"it holds {', '.join(some[:5])}{', …' if some[5:] else ''}")
        if name in self._again:
            raise InputError(f"{shown}: the archive holds {self._again[name]} members of that name")
        member, _ = self._entry(self._places[name])
        if member.flags & _ENCRYPTED or member.method == 99:
            raise InputError(f"{shown}: is encrypted; unpack it first")
        if member.method not in _METHODS:
            how = _FOREIGN.get(member.method, f"method {member.method}")
            raise InputError(f"{shown}: is compressed in a way that cannot be read here ({how}); unpack it first")
        self._file.seek(member.at)
        header = self._file.read(_LOCAL.size)
        if len(header) == _LOCAL.size:
            magic, *_, named, extra = _LOCAL.unpack(header)
            start = member.at + _LOCAL.size + named + extra
            same = magic == b"PK\x03\x04" and self._file.read(named) == member.name
            if same and start + member.packed <= self._start:
                section = _Section(self._file, start, member.packed)
                return _Checked(section, member, shown, self._limits, probe)
        raise InputError(f"{shown}: the archive is damaged")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Section:
    """The bytes of one member, at a reading position of its own."""

    def __init__(self, file: IO[bytes], at: int, length: int) -> None:
        self._file, self._at, self._left = file, at, length

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._at)
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._at += len(piece)
        self._left -= len(piece)
        return piece


class _Checked(Expanded):
    """The expanded bytes of a member. It gives no more than the archive states, and no less."""

    def __init__(self, raw: Bytes, member: Member, name: str, limits: Limits, probe: Callable[[], None] | None) -> None:
        super().__init__(raw, _METHODS[member.method if member.packed else 0], name, limits, probe)
        self._member, self._crc, self._came = member, 0, 0

    def read(self, size: int = 1 << 18) -> bytes:
        piece = super().read(size)
        self._crc = zlib.crc32(piece, self._crc)
        self._came += len(piece)
        wrong = self._came > self._member.size
        if not piece:
            wrong = self._came != self._member.size or self._crc != self._member.crc
        if wrong:
            raise InputError(f"{self._name}: the archive is damaged: the member is not what the archive states")
        return piece


def _text(member: Member) -> str:
    """Decode a member's name (appendix D): UTF-8 if the flag says so, else the code page of DOS."""
    return member.name.decode("utf-8" if member.flags & _UTF8 else "cp437", "backslashreplace")
