"""Cut JSON documents into the messages that lie inside them: each is a record, and so is what holds them.

An export is often one object with a list of messages in it, or a list of conversations that each hold one. The source,
not the reader, numbers what is inside: a `Holder` (the object without its list) is a record, and each item of the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ftdata.jsontext import Item, Items
from ftdata.records import Limits, Record

_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[\[{\]},:]|[^\s\[{\]},:"]++|"')


@dataclass(frozen=True)
class Holder:
    """What stands around a list of messages: the object's other keys (of a streamed one: those before the list)."""

    value: Mapping[str, Any]


class Whole(NamedTuple):
    """One object of a document and the messages inside it: the record of what holds them, and theirs."""

    record: Record
    parts: list[Record]


class _Open:
    """A bracket that is open: where it stands, whether it is an object's, and the key at hand."""

    __slots__ = ("key", "line", "mapping", "start")

    def __init__(self, start: int, line: int, mapping: bool) -> None:
        self.start, self.line, self.mapping, self.key = start, line, mapping, ""


class Inside:
    """Cuts a stream of JSON text into the items of the lists at some paths, in little memory.

    A path is keys joined by dots, `[]` after one that is a list of objects: `messages`, `chats.list[].messages`. Before
    the items of a list stands its holder, as an `Item` with `held` (the text of the object, the list taken out). What
    lies elsewhere is looked through and left.
    """

    def __init__(self, limits: Limits, paths: Sequence[str]) -> None:
        self._limits = limits
        self._paths = {tuple(path.replace("[]", ".[]").lstrip(".").split(".")) for path in paths}
        self._held = bytearray()
        self._at = 0
        self._line = 1
        self._counted = 0
        self._open: list[_Open] = []
        self._items: Items | None = None
        self._base = 0
        self._string: bytes | None = None  # the string read last: a key, if a colon follows
        self.began = self._lost = False

    def _line_at(self, position: int) -> int:
        self._line += self._held.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def feed(self, piece: bytes, *, final: bool = False, most: int | None = None) -> Iterator[tuple[bool, Item]]:
        """Take the next bytes; give the complete items, each with whether it is a holder."""
        while True:
            if self._items is not None:
                for item in self._items.feed(piece, final=final, most=most):
                    yield False, item._replace(line=item.line + self._base)
                if not self._items.closed:
                    return
                # The list is over; its place in the text of its holder is taken by a null.
                self._line += self._items.line - 1
                piece, self._items = self._items.rest, None
            self._held += piece
            piece = b""
            found = yield from self._outside(final)
            if not found:
                break
            piece = found
        if final and self._open:
            yield False, Item(self._line_at(len(self._held)), None, "bad-json")

    def _path(self) -> tuple[str, ...]:
        return tuple(one.key if one.mapping else "[]" for one in self._open)

    def _outside(self, final: bool) -> Generator[tuple[bool, Item], None, bytes]:
        """Look through what is around the lists; the return value is what follows the beginning of one."""
        held = self._held
        begin = self._look(final)
        if begin is not None:
            holder = self._open[-1]
            text, line = bytes(held[holder.start : begin]) + b"null}", self._line_at(begin)
            problem = "row-too-large" if self._lost or len(text) > self._limits.row else None
            yield True, Item(holder.line, None if problem else text, problem)
            rest = bytes(held[begin:])
            del held[begin:]
            held += b"null"
            self._at = self._counted = len(held)
            self._items, self._base = Items(self._limits, nested=True), line - 1
            return rest
        if self._open and self._at - self._open[0].start > self._limits.row:
            # What stands around the lists is larger than a row may be: forget it.
            self._line_at(self._at)
            del held[: self._at]
            self._at = self._counted = 0
            self._lost = True
            for one in self._open:
                one.start = 0
        return b""

    def _look(self, final: bool) -> int | None:
        """Go on to the bracket that opens one of the lists, and give its place; None if the bytes end before."""
        held = self._held
        for match in _TOKEN.finditer(held, self._at):
            start = match.start()
            token = held[start]
            if not final and token not in b"[{]},:":
                lone = token == 34 and match.end() - start == 1
                if match.end() == len(held) or (lone and held.find(b"\n", start) < 0):
                    break  # it may go on in the next piece
            self._at = match.end()
            self.began = True
            if token == 34:
                self._string = bytes(held[start : match.end()])
            elif token == 58:
                if self._open and self._string is not None:
                    self._open[-1].key = _text(self._string)
            elif token in b"{[":
                if token == 91 and self._path() in self._paths and self._open[-1].mapping:
                    return start
                self._open.append(_Open(start, self._line_at(start), token == 123))
            elif token in b"]}" and self._open:
                self._open.pop()
        return None


def _text(string: bytes) -> str:
    try:
        return str(json.loads(string))
    except ValueError:
        return ""


def taken(value: Any, paths: Sequence[str]) -> list[Any]:
    """Take the lists at these paths out of an object, and give their items; `mapping{}` takes an object's values.

    The object at hand is changed: the list's key is gone.
    """
    found: list[Any] = []
    for path in paths:
        *outer, last = path.split(".")
        holder = value
        for key in outer:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            continue
        key = last.removesuffix("{}")
        items = holder.get(key)
        if last.endswith("{}") and isinstance(items, dict):
            found.extend(holder.pop(key).values())
        elif not last.endswith("{}") and isinstance(items, list):
            found.extend(holder.pop(key))
    return found
