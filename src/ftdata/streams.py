"""Byte streams under limits: a file, a member of an archive or standard input, hashed, counted, decompressed.

Nothing is ever extracted to disk. Compressed bytes are recognised by their first bytes, not by the file's name, and
expanded piece by piece: what comes out is counted, so a decompression bomb stops early and in little memory.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol

from ftdata.errors import InputError
from ftdata.records import Limits

BLOCK = 1 << 18
_SPOOL = 4 << 20
_XZ_MEMORY = 48 << 20
_MEMBERS = 100_000
_DIRECTORY = 16 << 20

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel (.xls)"),
    (b"%PDF-", "PDF"),
)
_REMEDY = {
    "zstd": "decompress it first: zstd -d FILE",
    "7z": "unpack it first",
    "rar": "unpack it first",
    "tar": "unpack it first",
    "Parquet": "export it as JSONL or CSV",
    "SQLite": "export it as JSONL or CSV",
    "Excel (.xls)": "save it as CSV (UTF-8)",
    "PDF": "export the data as CSV or JSONL",
}


def kind_of(head: bytes) -> str | None:
    """Say by its first bytes (512 are enough) what a file is, if it is an archive, compressed or not text at all."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "tar"
    return None


def close(stream: Any) -> None:
    """Close a stream of this module before its end, and what lies under it."""
    while stream is not None:
        if hasattr(stream, "close"):
            stream.close()
        stream = getattr(stream, "_raw", None) or getattr(stream, "_inner", None)


class Bytes(Protocol):
    """Anything that gives bytes piece by piece, none at the end."""

    def read(self, size: int = ..., /) -> bytes:
        """Read at most `size` bytes."""
        ...


class Tap:
    """A stream that hashes and counts what passes. Hashing is done beside the reading, in a thread: it needs no GIL."""

    def __init__(self, raw: Bytes, on_read: Callable[[int], None] | None = None) -> None:
        self._raw = raw
        self._hash = hashlib.sha256()
        self._on_read = on_read
        self._waiting: list[bytes] = []
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self.count = 0
        self.ended = False

    def read(self, size: int = BLOCK) -> bytes:
        """Read at most `size` bytes."""
        piece = self._raw.read(size)
        if piece:
            self.count += len(piece)
            self._waiting.append(piece)
            if len(self._waiting) >= 4:
                self._hand_over()
            if self._on_read:
                self._on_read(len(piece))
        elif not self.ended:
            self.ended = True
            self._settle()
        return piece

    def _hand_over(self) -> None:
        """Let the thread hash what waits, once it is done with what it has: no more than this is ever held."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "ftdata-hash")
        if self._running is not None:
            self._running.result()
        self._running = self._thread.submit(_update, self._hash, self._waiting)
        self._waiting = []

    def _settle(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = self._running = None
        _update(self._hash, self._waiting)
        self._waiting = []

    @property
    def sha256(self) -> str:
        """The hash of what has passed."""
        self._settle()
        return self._hash.hexdigest()


def _update(sha256: Any, pieces: list[bytes]) -> None:
    for piece in pieces:
        sha256.update(piece)


class _Gzip:
    """zlib's decompressor with the manners of bz2's and lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_EXPANDERS: dict[str, Callable[[], Any]] = {
    "gzip": _Gzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}


class Expanded:
    """A decompressed stream that stops when it grows beyond the limits. `wide` says that it expands suspiciously."""

    def __init__(self, raw: Bytes, kind: str | None, name: str, limits: Limits, held: int = 0) -> None:
        self._raw, self._kind, self._name, self._limits = raw, kind, name, limits
        self._make = _EXPANDERS.get(kind or "")
        self._inner: Any = self._make() if self._make else None
        self._compressed = kind is not None
        self._taken = held
        self._given = 0

    @property
    def wide(self) -> bool:
        """Whether more than `ratio` times the bytes taken have been given so far."""
        return self._compressed and self._given > self._limits.ratio * max(self._taken, 1)

    def read(self, size: int = BLOCK) -> bytes:
        """Read at most `size` bytes."""
        try:
            piece = self._raw.read(size) if self._inner is None else self._expand(size)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError) as error:
            if isinstance(error, lzma.LZMAError) and "emory" in str(error):
                raise InputError(f"{self._name}: needs more than {_XZ_MEMORY >> 20} MiB to decompress") from None
            raise InputError(f"{self._name}: cannot be read: {_cause(error)}") from None
        if self._compressed:
            self._given += len(piece)
            if self._given > self._limits.expanded:
                raise InputError(f"{self._name}: expands beyond the limit of {self._limits.expanded:,} bytes")
            if self._given > self._limits.ratio_from and self.wide:
                raise InputError(
                    f"{self._name}: expands more than {self._limits.ratio}-fold, to over {self._limits.ratio_from:,} "
                    "bytes, as a decompression bomb does; if it is genuine, decompress it first"
                )
        return piece

    def _expand(self, size: int) -> bytes:
        assert self._make is not None
        while True:
            data = b""
            if self._inner.eof:
                # Several compressed streams may follow one another; padding with zeros is allowed.
                data = self._inner.unused_data.lstrip(b"\x00")
                while not data:
                    data = self._more()
                    if not data:
                        return b""
                    data = data.lstrip(b"\x00")
                self._inner = self._make()
            elif self._inner.needs_input:
                data = self._more()
                if not data:
                    raise EOFError
            piece: bytes = self._inner.decompress(data, size)
            if piece:
                return piece

    def _more(self) -> bytes:
        data = self._raw.read(1 << 16)
        self._taken += len(data)
        return data


def _cause(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the compressed data is cut short"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the compressed data is damaged"


class _File:
    """An open file that closes itself at its end."""

    def __init__(self, path: Path, open_files: set[_File]) -> None:
        self._file = path.open("rb", buffering=0)
        self._open = open_files
        open_files.add(self)

    def read(self, size: int = -1) -> bytes:
        piece = b"" if self._file.closed else self._file.read(size)
        if not piece and size:
            self.close()
        return piece or b""

    def close(self) -> None:
        self._file.close()
        self._open.discard(self)


class _View:
    """A reading position of its own on a shared file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._at = file, 0

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._at)
        piece = self._file.read(size)
        self._at += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(self._at)
        self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """The shared file stays open."""


class Store:
    """Where the bytes of an input lie: a file, a folder, or what standard input gave (in memory, beyond 4 MB in a
    nameless temporary file)."""

    def __init__(self, path: Path, name: str, scratch: Path | None, limits: Limits) -> None:
        self.path, self.name, self._scratch, self._limits = path, name, scratch, limits
        self._spool: IO[bytes] | None = None
        self._open: set[_File] = set()
        self._zip: zipfile.ZipFile | None = None
        self._zip_file: Any = None
        self._kind: str | None = None
        self._looked = False
        self.folder = False
        if str(path) != "-":
            try:
                mode = path.stat().st_mode
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "not a usable file name"
                raise InputError(f"{name}: {reason}; check the path") from None
            self.folder = stat.S_ISDIR(mode)
            self._regular = stat.S_ISREG(mode)

    def close(self) -> None:
        """Close all files."""
        for file in tuple(self._open):
            file.close()
        if self._zip is not None:
            self._zip.close()
        if self._zip_file is not None:
            self._zip_file.close()
        if self._spool is not None:
            self._spool.close()

    @property
    def _on_disk(self) -> bool:
        return str(self.path) != "-" and self._regular

    def raw(self) -> Bytes:
        """Open the bytes as they are on disk."""
        try:
            return _File(self.path, self._open) if self._on_disk else _View(self._spooled())
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror}") from None

    def _spooled(self) -> IO[bytes]:
        if self._spool is None:
            self._spool = self._take()
        return self._spool

    @property
    def kind(self) -> str | None:
        """What the first bytes say that the file is; None: text."""
        if not self._looked:
            self._looked = True
            raw = self.raw()
            self._kind = kind_of(raw.read(512))
            close(raw)
        return self._kind

    def _take(self) -> IO[bytes]:
        import sys

        source = sys.stdin.buffer if str(self.path) == "-" else self.path.open("rb")
        spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL, dir=str(self._scratch) if self._scratch else None)  # noqa: SIM115 - lives with the store
        while piece := source.read(BLOCK):
            spool.write(piece)
        return spool

    @property
    def listed(self) -> bool:
        """Whether this is an archive with members."""
        return not self.folder and self.kind == "zip"

    @property
    def size(self) -> int:
        """Bytes on disk; for a folder those of its members."""
        if self.folder:
            return sum((self.path / name).stat().st_size for name in self.members())
        return self.path.stat().st_size if self._on_disk else self._spooled().seek(0, os.SEEK_END)

    def members(self) -> tuple[str, ...]:
        """List the files in a folder or zip archive by name; hidden ones and links are left out."""
        if self.folder:
            names = []
            for folder, folders, files in os.walk(self.path):
                folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
                for file in files:
                    whole = Path(folder, file)
                    try:
                        wanted = not file.startswith(".") and whole.is_file() and not whole.is_symlink()
                    except OSError as error:
                        told = f"holds what cannot be read ({_cause(error)}); give one file as the path"
                        raise InputError(f"{self.name}: {told}") from None
                    if wanted:
                        names.append(whole.relative_to(self.path).as_posix())
                if len(names) > _MEMBERS:
                    raise InputError(f"{self.name}: holds more than {_MEMBERS:,} files")
            return tuple(sorted(names))
        return tuple(sorted({info.filename for info in self._infos()})) if self.listed else ()

    def _infos(self) -> list[zipfile.ZipInfo]:
        if self._zip is None:
            file: Any = None
            try:
                file = self.path.open("rb") if self._on_disk else _View(self._spooled())
                self._zip_file = file
                _check_directory(file, self.name)
                self._zip = zipfile.ZipFile(file)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
                raise InputError(f"{self.name}: the zip archive is damaged") from None
            if "[Content_Types].xml" in self._zip.NameToInfo:
                raise InputError(f"{self.name}: is an Office file; save the sheet as CSV (UTF-8)")
        return [
            info
            for info in self._zip.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX/") and not _hidden(info.filename)
        ]

    def open(self, member: str | None, tap: Callable[[Bytes], Bytes] = lambda raw: raw) -> Expanded:
        """Open the expanded bytes of the input, or of one of its members; `tap` sees the bytes as they are on disk."""
        if self.folder:
            assert member is not None
            return Store(self.path / member, f"{self.name}/{member}", None, self._limits)._keep(self).open(None, tap)
        kind, name = self.kind, self.name
        raw: Bytes
        if kind == "zip":
            assert member is not None
            raw, held, name = self._member(member)
            expanded = Expanded(raw, kind, name, self._limits, held)
        else:
            if kind is not None and kind not in _EXPANDERS:
                raise InputError(f"{name}: is a {kind} file, which cannot be read here; {_REMEDY[kind]}")
            if kind is None:
                return Expanded(tap(self.raw()), None, name, self._limits)
            expanded = Expanded(tap(self.raw()), kind, name, self._limits)
        return _Peeked(expanded, name)  # type: ignore[return-value]

    def _keep(self, owner: Store) -> Store:
        self._open = owner._open
        return self

    def _member(self, member: str) -> tuple[Bytes, int, str]:
        name = f"{self.name}:{member}"
        infos = [info for info in self._infos() if info.filename == member]
        if not infos:
            raise InputError(f"{name}: no such member")
        if len(infos) > 1:
            raise InputError(f"{name}: the archive holds {len(infos)} members of that name")
        info = infos[0]
        if info.flag_bits & 1:
            raise InputError(f"{name}: is encrypted; unpack it first")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{name}: is compressed in a way that cannot be read here; unpack it first")
        assert self._zip is not None
        try:
            return self._zip.open(info), min(info.compress_size, self.size), name
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
            raise InputError(f"{name}: the archive is damaged") from None


class _Peeked:
    """An expanded stream whose first bytes were looked at: an archive inside an archive is refused."""

    def __init__(self, inner: Expanded, name: str) -> None:
        self._inner, self._head = inner, inner.read(1 << 16)
        kind = kind_of(self._head)
        if kind is not None:
            raise InputError(f"{name}: holds a {kind} file inside, which is not opened; unpack the outer one first")

    @property
    def wide(self) -> bool:
        return self._inner.wide

    def read(self, size: int = BLOCK) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._inner.read(size)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.replace("\\", "/").split("/"))


def _check_directory(file: IO[bytes], name: str) -> None:
    """Refuse a zip directory so large that listing it would fill the memory (end records: APPNOTE 4.3.14, 4.3.16)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_700))
    tail = file.read(65_700)
    end, end64 = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    listed = int.from_bytes(tail[end + 12 : end + 16], "little") if end >= 0 else 0
    if listed == 0xFFFFFFFF and end64 >= 0:
        listed = int.from_bytes(tail[end64 + 40 : end64 + 48], "little")
    if listed > _DIRECTORY:
        raise InputError(f"{name}: holds too many members to list ({listed:,} bytes of directory)")
    file.seek(0)
