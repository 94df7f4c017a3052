"""Compressed streams, expanded piece by piece under limits: a decompression bomb stops early and in little memory.

gzip, bzip2, xz and Zstandard; what comes out is counted. A stream that begins to grow suspiciously fast is looked
through first, which costs a fraction of a second: the rows of a bomb are not worked on before it is known as one.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from ftdata.errors import InputError
from ftdata.records import Limits

BLOCK = 1 << 18
_XZ_MEMORY = 48 << 20
_ZSTD_WINDOW = 25  # bits: 32 MiB, what `zstd -20 --ultra` takes; `--long` takes more
_LOOK = 1 << 20  # bytes given, between two looks at how fast a stream grows


class Bytes(Protocol):
    """Anything that gives bytes piece by piece, none at the end."""

    def read(self, size: int = ..., /) -> bytes:
        """Read at most `size` bytes."""
        ...


class Stream(Bytes, Protocol):
    """The expanded bytes of an input."""

    @property
    def wide(self) -> bool:
        """Whether it expands suspiciously: no long row is waited for."""
        ...


class _Deflate:
    """zlib's decompressor with the manners of bz2's and lzma's; `bits` 31 for gzip, -15 for a member of a zip."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(wbits=bits)

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


def _zstd() -> Any:
    """Import Zstandard: it is part of Python from 3.14 on; before that `backports.zstd` is the same code."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _unzstd() -> Any:
    return _zstd().ZstdDecompressor(options={_zstd().DecompressionParameter.window_log_max: _ZSTD_WINDOW})


_EXPANDERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: _Deflate(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    "zstd": _unzstd,
}
COMPRESSED = frozenset(_EXPANDERS)
"""The kinds of compressed file that are read."""

_EXPANDERS["deflate"] = lambda: _Deflate(-15)

_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)


class Expanded:
    """A decompressed stream that stops when it grows beyond the limits.

    `kind` is None for a stream that is not compressed, or how it is. `probe` is called once, when the stream begins to
    grow fast: it raises if the whole of it is a bomb.
    """

    def __init__(
        self,
        raw: Bytes,
        kind: str | None,
        name: str,
        limits: Limits,
        probe: Callable[[], None] | None = None,
    ) -> None:
        self._raw, self._kind, self._name, self._limits, self._probe = raw, kind, name, limits, probe
        self._make = _EXPANDERS.get(kind or "")
        self._inner: Any = self._make() if self._make else None
        self._compressed = kind is not None
        self._errors = (*_ERRORS, _zstd().ZstdError) if kind == "zstd" else _ERRORS
        self._taken = 0
        self._given = 0
        self._looked = (0, 0)  # taken and given at the last look

    @property
    def wide(self) -> bool:
        """Whether more than `ratio` times the bytes taken have been given so far."""
        return self._compressed and self._given > self._limits.ratio * max(self._taken, 1)

    def read(self, size: int = BLOCK) -> bytes:
        """Read at most `size` bytes."""
        try:
            piece = self._more(size) if self._inner is None else self._expand(size)
        except self._errors as error:
            raise self._told(error) from None
        if self._compressed:
            self._given += len(piece)
            self._judge()
            if self._probe is not None and self._given - self._looked[1] > _LOOK:
                self._look()
        return piece

    def _told(self, error: Exception) -> InputError:
        told = str(error)
        if isinstance(error, lzma.LZMAError) and "emory" in told:
            return InputError(f"{self._name}: needs more than {_XZ_MEMORY >> 20} MiB to decompress; run xz -d on it")
        if "window" in told or "too much memory" in told:
            most = 1 << (_ZSTD_WINDOW - 20)
            return InputError(f"{self._name}: needs a window of more than {most} MiB to decompress; run zstd -d on it")
        return InputError(f"{self._name}: cannot be read: {cause(error)}")

    def _judge(self) -> None:
        limits = self._limits
        if self._given > limits.expanded:
            raise InputError(f"{self._name}: expands beyond the limit of {limits.expanded:,} bytes")
        if self._given > limits.ratio_from and self.wide:
            raise bomb(self._name, limits)

    def _look(self) -> None:
        """Call the probe if what came since the last look grew beyond the ratio."""
        taken, given = self._looked
        grown = self._given - given > self._limits.ratio * max(self._taken - taken, 1)
        self._looked = (self._taken, self._given)
        if self._probe is not None and (grown or self.wide):
            probe, self._probe = self._probe, None
            probe()

    def is_bomb(self) -> bool:
        """Read on, as far as it takes to say whether this stream is a bomb; what else is wrong with it is not told."""
        try:
            while self._given <= self._limits.ratio_from and self.read():
                pass
        except InputError:
            return self._given > self._limits.ratio_from
        return False

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

    def _more(self, size: int = 1 << 16) -> bytes:
        data = self._raw.read(size)
        self._taken += len(data)
        return data


class Peeked:
    """An expanded stream whose first bytes were looked at: an archive inside an archive is refused."""

    def __init__(self, inner: Expanded, name: str, kind_of: Callable[[bytes], str | None]) -> None:
        self._inner, self._head = inner, inner.read(1 << 16)
        kind = kind_of(self._head)
        if kind is not None:
            raise InputError(f"{name}: holds a {kind} file inside, which is not opened; unpack the outer one first")

    @property
    def wide(self) -> bool:
        """Whether the stream expands suspiciously."""
        return self._inner.wide

    def read(self, size: int = BLOCK) -> bytes:
        """Read at most `size` bytes."""
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._inner.read(size)


def bomb(name: str, limits: Limits, over: int | None = None) -> InputError:
    """Say that an input, or a part of it that is `over` so many bytes, grows as a decompression bomb does."""
    return InputError(
        f"{name}: expands more than {limits.ratio}-fold, to over {over or limits.ratio_from:,} "
        "bytes, as a decompression bomb does; if it is genuine, decompress it first"
    )


def cause(error: Exception) -> str:
    """Say in a few words why compressed data cannot be read."""
    if isinstance(error, EOFError):
        return "the compressed data is cut short"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the compressed data is damaged"
