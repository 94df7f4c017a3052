"""Blocks of whole lines, and how their bytes look without escapes and disguises; line breaks stay where they are."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_SIZE = 4 << 20
BREAK = b"\x0b"
"""Stands for a line break inside a text: the lines of a block are the lines of the file."""


def of_file(path: Path) -> Iterator[tuple[bytes, int]]:
    """Read a file as blocks of whole lines, with their number."""
    with path.open("rb") as stream:
        while block := stream.read(_SIZE):
            if block[-1:] != b"\n":
                block += stream.readline()
            yield block, block.count(b"\n") + (block[-1:] != b"\n")


def of_texts(texts: Iterable[str]) -> Iterator[tuple[bytes, int]]:
    """Give texts as blocks, a line each."""
    held, size = list[bytes](), 0
    for text in texts:
        raw = text.encode("utf-8", "replace").replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        held.append(raw)
        size += len(raw)
        if size > _SIZE:
            yield b"\n".join(held) + b"\n", len(held)
            held, size = [], 0
    if held:
        yield b"\n".join(held) + b"\n", len(held)


def of_parquet(path: Path) -> Iterator[tuple[bytes, int]]:
    """Give the rows of a Parquet file as blocks, each row as JSON."""
    import pyarrow.parquet as parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1024):
            lines = [json.dumps(row, ensure_ascii=False, default=str) for row in batch.to_pylist()]
            yield "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"), len(lines)


# Two bytes and more of UTF-8: no-break space, soft hyphen, joiners, marks of direction, spaces of all widths, hyphens,
# minus, byte order mark, full-width signs, digits and letters, mathematical digits.
_ODD = re.compile(
    rb"\xc2[\xa0\xad]|\xcd\x8f|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x80-\x95\xaa-\xaf]|\xe2\x81[\x9f-\xaf]|\xe2\x88\x92"
    rb"|\xe3\x80\x80|\xef\xb9[\x92\xa3\xab]|\xef\xbb\xbf|\xef\xbc[\x80-\xbf]|\xef\xbd[\x80-\x9e]|\xf0\x9d[\x90-\x9f][\x80-\xbf]"
)
_ESCAPE = re.compile(rb"\\(u[0-9A-Fa-f]{4}|.)")
_CONTROL = {b"n": BREAK, b"r": b"", b"t": b" ", b"b": b" ", b"f": b" "}


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code[:1] != b"u" or len(code) == 1:
        return _CONTROL.get(code, code)
    char = chr(int(code[1:], 16))
    return BREAK if char in "\n\r" else char.encode("utf-8", "replace")


def _undisguised(found: re.Match[bytes]) -> bytes:
    import unicodedata

    char = found.group().decode("utf-8", "replace")
    if char in "\u2212\ufe63" or unicodedata.category(char) == "Pd":
        return b"-"
    if unicodedata.category(char) == "Zs":
        return b" "
    same = unicodedata.normalize("NFKC", char)
    return same.encode() if same.isascii() and same.isprintable() and unicodedata.category(char) != "Cf" else b""


def plain(block: bytes) -> bytes:
    """Give a block without JSON escapes (also those inside a JSON text), full-width characters and invisible ones."""
    for _ in range(3):
        if b"\\" not in block:
            break
        block = _ESCAPE.sub(_unescaped, block)
    return block if block.isascii() else _ODD.sub(_undisguised, block)


def touches(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether a span overlaps one of some sorted ones."""
    at = bisect_right(spans, (end, -1))
    return any(stop > start for begin, stop in spans[max(0, at - 8) : at])


_ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def alnum(block: bytes, at: int) -> bool:
    """Say whether a letter or digit stands at a place; bytes of other letters than ASCII's count."""
    return 0 <= at < len(block) and (block[at] in _ALNUM or block[at] > 127)


def before(block: bytes, at: int, reach: int = 48) -> bytes:
    """Give what stands before a place on the same line of its text, in small letters."""
    piece = block[max(0, at - reach) : at]
    cut = max(piece.rfind(b"\n"), piece.rfind(BREAK))
    return piece[cut + 1 :].lower()


def after(block: bytes, at: int, reach: int = 24) -> bytes:
    """Give what stands behind a place on the same line of its text, in small letters."""
    piece = block[at : at + reach]
    for stop in (b"\n", BREAK):
        piece = piece.partition(stop)[0]
    return piece.lower()
