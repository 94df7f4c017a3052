"""See by the beginning of an input what it is made of: the keys of its objects and where they stand, or its columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from ftdata.errors import InputError
from ftdata.readers.help_desk.dialect import Dialect, Shape
from ftdata.readers.messages import files
from ftdata.readers.words import words
from ftdata.source import Source

_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[\[{\]},:]')
_LOOK = (1 << 16, 1 << 20)  # bytes looked at first, and if they do not tell
_DEPTH = 12
_NAMES = r"[^/]*\.(?:csv|tsv|tab|txt|json|jsonl|ndjson)(?:\.(?:gz|bz2|xz|zst))?"
_FILES = 5000
_RAW = "_airbyte_data"  # the key at which Airbyte's raw files hold each record

Outline = Mapping[str, Set[str]]
"""Where objects stand (`tickets[].comments[]`, "" for those of a file of lines) to the keys that they have."""


def outline(opening: bytes) -> Outline:
    """Give the places of objects and of lists' items in the beginning of a JSON text, and the keys of those there."""
    found: dict[str, set[str]] = {}
    stack: list[tuple[str, bool]] = []  # where, and whether an object's
    key, string = "", b""
    for match in _TOKEN.finditer(opening):
        token = match[0]
        if token[:1] == b'"':
            string = token
        elif token == b":":
            if stack and stack[-1][1]:
                key = _text(string)
                if len(stack) <= _DEPTH:
                    found.setdefault(stack[-1][0], set()).add(key)
        elif token in (b"{", b"["):
            mapping = token == b"{"
            if len(stack) >= _DEPTH:
                # No record stands so deep, and each name of a place holds those of all above it.
                stack.append(("", mapping))
                continue
            if not stack:
                where = "" if mapping else "[]"
            else:
                place, inside = stack[-1]
                where = f"{place}.{key}".lstrip(".") if inside else place
                where += "" if mapping else "[]"
            found.setdefault(where, set())
            stack.append((where, mapping))
        elif token in (b"}", b"]") and stack:
            stack.pop()
    return found


def _text(string: bytes) -> str:
    try:
        return str(json.loads(string))
    except ValueError:
        return ""


@dataclass(frozen=True)
class File:
    """One file of an export, recognised: its shape, and where its records stand."""

    dialect: Dialect
    shape: Shape
    member: str | None
    table: bool
    inside: str | None = None
    wrap: str | None = None
    known: Outline | None = None
    at: str = ""
    header: tuple[str, ...] = ()
    share: float = 1.0

    def has(self, path: str, messages: bool = False) -> bool:
        """Say whether a path is there, as far as the beginning tells; `messages`: in those inside."""
        if self.table:
            column = path.partition(".")[0]
            return path in self.header or words(column) in {words(name) for name in self.header}
        assert self.known is not None
        places = [f"{self.at}.{inner}[]".lstrip(".") for inner in self.shape.messages] if messages else [self.at]
        return any(_there(self.known, place, path) for place in places)

    @property
    def shows_messages(self) -> bool:
        """Whether a message inside its tickets stands in the beginning, so that it tells what they have."""
        known = self.known or {}
        return any(known.get(f"{self.at}.{inner}[]".lstrip(".")) for inner in self.shape.messages)

    @property
    def holds_messages(self) -> bool:
        """Whether messages stand inside its tickets, as far as the beginning tells."""
        known = self.known or {}
        return not self.table and any(f"{self.at}.{inner}[]".lstrip(".") in known for inner in self.shape.messages)


def _there(known: Outline, place: str, paths: str) -> bool:
    return any(_stands(known, place, path) for path in paths.split("|"))


def _stands(known: Outline, place: str, path: str) -> bool:
    *outer, last = path.removesuffix("{}").replace("[]", "").split(".")
    where = ".".join([place, *outer]).lstrip(".")
    return last in known.get(where, ()) or last in known.get(f"{where}[]", ())


def recognise(source: Source, dialects: Sequence[Dialect]) -> list[File]:
    """Give the files of an input that these dialects know, those of one dialect: the one that knows most of them."""
    names = files(source, _NAMES)[:_FILES]
    found = [file for name in names if (file := _file(source, name, dialects)) is not None]
    if len({file.dialect.name for file in found}) < 2:
        return found
    texts = [file for file in found if file.shape.kind in ("messages", "tickets")] or found
    counts: dict[str, tuple[int, float]] = {}
    for file in texts:
        count, share = counts.get(file.dialect.name, (0, 0.0))
        counts[file.dialect.name] = (count + (file.shape.kind != "metadata"), share + file.share)
    best = max(counts, key=lambda name: counts[name])
    return [file for file in found if file.dialect.name == best]


def _file(source: Source, member: str | None, dialects: Sequence[Dialect]) -> File | None:
    for size in _LOOK:
        opening = source.opening(size, member).lstrip()
        if opening[:1] not in (b"{", b"["):
            break
        known = outline(opening)
        file = _document(known, member, dialects)
        if file is not None or len(opening) < size // 2:
            return file
    else:
        return None
    if not opening or b"\0" in opening[:4096]:
        return None
    try:
        table = source.sample_table(1, member=member)
        list(table)
    except InputError:
        return None
    return _columns(table.fields, member, dialects, table=True)


def _document(known: Outline, member: str | None, dialects: Sequence[Dialect]) -> File | None:
    best: tuple[int, File] | None = None
    for dialect in dialects:
        for shape in dialect.shape:
            if not shape.keys:
                continue
            for at, inside, wrap in _places(shape):
                if at in known and all(_there(known, at, key) for key in shape.keys):
                    if any(_there(known, at, key) for key in shape.lacks):
                        continue
                    score = 10 * len(shape.keys) + (5 if any(_there(known, at, m) for m in shape.messages) else 0)
                    if best is None or score > best[0]:
                        best = score, File(dialect, shape, member, False, inside, wrap, known, at)
    if best is not None:
        return best[1]
    # Rows as JSON: the keys are the columns.
    for at in ("", "[]"):
        if at in known:
            return _columns(sorted(known[at]), member, dialects, table=False, known=known, at=at)
    return None


def _places(shape: Shape) -> list[tuple[str, str | None, str | None]]:
    """List where a shape's records may stand: in lines or an array, at a key of the document, wrapped in an object."""
    found: list[tuple[str, str | None, str | None]] = [("", None, None), ("[]", None, None)]
    for key in shape.lists:
        found += [(f"{key}[]", key, None), (f"[].{key}[]", f"[].{key}", None)]
    for key in (*shape.wraps, _RAW):
        found += [(key, None, key), (f"[].{key}", None, key)]
    return found


def _columns(
    header: Sequence[str],
    member: str | None,
    dialects: Sequence[Dialect],
    *,
    table: bool,
    known: Outline | None = None,
    at: str = "",
) -> File | None:
    found = by_columns(header, dialects)
    if found is None:
        return None
    dialect, shape, share = found
    return File(dialect, shape, member, table, known=known, at=at, header=tuple(header), share=share)


def by_columns(header: Sequence[str], dialects: Sequence[Dialect]) -> tuple[Dialect, Shape, float] | None:
    """Find the shape of a table with these columns: the one most of whose columns are there; with that share."""
    present = {words(name) for name in header}
    best: tuple[Dialect, Shape, float] | None = None
    for dialect in dialects:
        for shape in dialect.shape:
            if not shape.columns:
                continue
            hits = sum(words(column) in present for column in shape.columns)
            if hits < shape.enough or any(words(name) in present for name in shape.lacks):
                continue
            share = min(1.0, hits / len(shape.columns))
            if best is None or share > best[2]:
                best = dialect, shape, share
    return best
