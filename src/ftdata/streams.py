"""Byte streams under limits: a file, a member of an archive or standard input, hashed and counted.

What a file is, is told by its first bytes, not by its name. Nothing is ever extracted to disk. The parts: `expansion`
(compressed streams), `archives` (zip), `columnar` (Parquet and Arrow, as JSON lines), `sheets` (.xlsx, as CSV).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from ftdata.archives import MEMBERS, Archive, called
from ftdata.errors import InputError
from ftdata.expansion import BLOCK, COMPRESSED, Bytes, Expanded, Peeked, Stream, bomb, cause
from ftdata.records import Limits
from ftdata.shards import in_order
from ftdata.sheets import SheetText, is_office

__all__ = ["BLOCK", "Bytes", "Store", "Stream", "Tap", "close", "kind_of", "named"]

_SPOOL = 4 << 20
_COLUMNAR = frozenset({"Parquet", "Arrow", "Arrow stream"})

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"PAR1", "Parquet"),
    (b"PARE", "encrypted Parquet"),
    (b"ARROW1\0\0", "Arrow"),
    (b"FEA1", "Feather 1"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel (.xls), Outlook (.msg) or encrypted Office"),
    (b"!BDN", "Outlook (.pst, .ost)"),
    (b"%PDF-", "PDF"),
)
_REMEDY = {
    "lz4": "decompress it first: lz4 -d FILE",
    "7z": "unpack it first",
    "rar": "unpack it first",
    "tar": "unpack it first",
    "encrypted Parquet": "decrypt it first",
    "Feather 1": "write it again with a newer library (Feather 2 or Parquet)",
    "SQLite": "export it as JSONL or CSV",
    "Excel (.xls), Outlook (.msg) or encrypted Office": "save a sheet as .xlsx without a password or as CSV (UTF-8), "
    "a mail as .eml",
    "Outlook (.pst, .ost)": "export the mails as .mbox or .eml",
    "PDF": "export the data as CSV or JSONL",
}


def kind_of(head: bytes) -> str | None:
    """Say by its first bytes (512 are enough) what a file is, if it is an archive, compressed or not text at all."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "tar"
    if head[:4] == b"\xff" * 4 and head[6:8] == b"\0\0" and len(head) > 16:
        return "Arrow stream"  # a mark, the length of the schema's message (under 64 kB), then its FlatBuffer
    return None


def named(path: Path | str) -> tuple[Path, str | None]:
    """Take a path apart that names a member of an archive, a sheet or a split: `in.zip:a/b.csv`, `book.xlsx:Sheet2`.

    A file whose own name has the colon is that file.
    """
    text = str(path)
    at = text.find(":")
    while at > 0 and not _there(text):
        if _there(text[:at]) and text[at + 1 :]:
            return Path(text[:at]), text[at + 1 :]
        at = text.find(":", at + 1)
    return Path(path), None


def _there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:
        return False


def close(stream: Any) -> None:
    """Close a stream of this module before its end, and what lies under it."""
    while stream is not None:
        if hasattr(stream, "close"):
            stream.close()
        stream = getattr(stream, "_raw", None) or getattr(stream, "_inner", None)


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


class _File:
    """An open file that closes itself at its end."""

    def __init__(self, path: Path, open_files: set[Any]) -> None:
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

    closed = False

    def close(self) -> None:
        """The shared file stays open."""


class Store:
    """Where the bytes of an input lie: a file, a folder, or what standard input gave (in memory, beyond 4 MB in a
    nameless temporary file). `links` says that links in a folder are the hub's own, and are followed."""

    def __init__(self, path: Path, name: str, scratch: Path | None, limits: Limits, *, links: bool = False) -> None:
        self.path, self.name, self._scratch, self._limits, self._links = path, name, scratch, limits, links
        self._spool: IO[bytes] | None = None
        self._open: set[Any] = set()
        self._zip: Archive | None = None
        self._bombs: dict[str | None, bool] = {}  # members that grow fast: whether they are bombs
        self._cleared: set[str] = set()  # columnar files that looked like bombs, and are none
        self._members: tuple[str, ...] | None = None
        self._shards: tuple[str, ...] | None = None
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
        return not self.folder and self.kind == "zip" and not self._office

    @property
    def _office(self) -> bool:
        return is_office(self._archive())

    @property
    def size(self) -> int:
        """Bytes on disk; for a folder those of its members."""
        if self.folder:
            return sum((self.path / name).stat().st_size for name in self.members())
        return self.path.stat().st_size if self._on_disk else self._spooled().seek(0, os.SEEK_END)

    def members(self) -> tuple[str, ...]:
        """List the files in a folder or zip archive by name; hidden ones and links are left out.

        The folders of a Maildir are not hidden, though their names begin with a dot (`.Sent/cur`).
        """
        if self._members is None:
            self._members = self._found()
        return self._members

    def _found(self) -> tuple[str, ...]:
        if self.folder:
            names = []
            for folder, folders, files in os.walk(self.path):
                folders[:] = sorted(
                    f for f in folders if not f.startswith((".", "__MACOSX")) or Path(folder, f, "cur").is_dir()
                )
                for file in files:
                    whole = Path(folder, file)
                    try:
                        own = self._links or not whole.is_symlink()
                        wanted = own and not file.startswith(".") and whole.is_file()
                    except OSError as error:
                        told = f"holds what cannot be read ({cause(error)}); give one file as the path"
                        raise InputError(f"{self.name}: {told}") from None
                    if wanted:
                        names.append(whole.relative_to(self.path).as_posix())
                if len(names) > MEMBERS:
                    raise InputError(f"{self.name}: holds more than {MEMBERS:,} files")
            return tuple(sorted(names))
        if not self.listed:
            return ()
        return tuple(sorted(n for n in self._archive().names() if not n.startswith("__MACOSX/") and not _hidden(n)))

    def shards(self) -> tuple[str, ...]:
        """List the files of a folder that is one data set in several Parquet or Arrow files; else none."""
        if self._shards is None:
            self._shards = in_order(self.members()) if self.folder else ()
        return self._shards

    def _archive(self) -> Archive:
        if self._zip is None:
            try:
                self._zip = Archive(self._seekable(), self.name, self._limits)
            except OSError as error:
                raise InputError(f"{self.name}: {cause(error)}") from None
        return self._zip

    def _seekable(self) -> IO[bytes]:
        """Open the bytes on disk to read here and there."""
        if not self._on_disk:
            return _View(self._spooled())  # type: ignore[return-value]
        file = self.path.open("rb")
        self._open = {one for one in self._open if not one.closed} | {file}
        return file

    def open(
        self, member: str | None, tap: Callable[[Bytes], Bytes] = lambda raw: raw, *, table: bool = False
    ) -> Stream:
        """Open the expanded bytes of the input, or of one of its members; `tap` sees the bytes as they are on disk.

        A columnar file gives JSON lines, or delimited text if a `table` is asked for; a workbook always the latter.
        """
        if self.folder:
            assert member is not None
            inner = Store(self.path / member, f"{self.name}/{member}", self._scratch, self._limits)
            if inner.kind == "zip" and not inner._office:
                raise InputError(f"{inner.name}: is a zip archive in a folder; give the archive itself as the path")
            return inner._keep(self).open(None, tap, table=table)
        kind, name = self.kind, self.name
        if kind in _COLUMNAR:
            from ftdata.columnar import RowLines

            return RowLines(self._seekable(), kind, name, self._limits, table=table, cleared=self._cleared)
        if kind == "zip":
            if self._office:
                return SheetText(self._archive(), name, self._limits, member, self._scratch)
            assert member is not None
            return Peeked(self._expanded(member, lambda raw: raw), called(name, member), kind_of)
        if kind is None:
            return Expanded(tap(self.raw()), None, name, self._limits)
        if kind not in COMPRESSED:
            article = "an" if kind[0] in "EeO" else "a"
            raise InputError(f"{name}: is {article} {kind} file, which cannot be read here; {_REMEDY[kind]}")
        return Peeked(self._expanded(None, tap), name, kind_of)

    def _expanded(self, member: str | None, tap: Callable[[Bytes], Bytes], probe: bool = True) -> Expanded:
        """Open what is compressed. Once it grows fast, a second reader looks through it before the first goes on."""

        def look() -> None:
            if member not in self._bombs:
                twin = self._expanded(member, lambda raw: raw, probe=False)
                self._bombs[member] = twin.is_bomb()
                close(twin)
            if self._bombs[member]:
                raise bomb(self.name if member is None else called(self.name, member), self._limits)

        if member is not None:
            return self._archive().open(member, look if probe else None)
        return Expanded(tap(self.raw()), self.kind, self.name, self._limits, look if probe else None)

    def _keep(self, owner: Store) -> Store:
        self._open = owner._open
        return self


def _hidden(name: str) -> bool:
    *folders, file = name.replace("\\", "/").split("/")
    if folders[-1:] in (["cur"], ["new"], ["tmp"]):
        del folders[-2:]  # of a Maildir
    return any(part.startswith(".") and part not in (".", "..") for part in (*folders, file))
