"""Cut JSON documents into the messages that lie inside them: each is a record, and so is what holds them.

An export is often one object with a list of messages in it, or a list of conversations that each hold one. The source,
not the reader, numbers what is inside: a `Holder` (the object without its list) is a record, and each item of the list.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ftdata.jsonitems import DEEP, GROUP, Item, Items, string_end
from ftdata.jsontext import STRING, value_of
from ftdata.records import Limits, Record

_TOKEN = re.compile(STRING + rb'|[\[{\]}:"]|[^\s\[{\]}:"]++')
_GROUP = re.compile(GROUP)


@dataclass(frozen=True)
class Holder:
    """What stands around a list of messages: the object's other keys (of a streamed one: those before the list)."""

    value: Mapping[str, Any]


class Whole(NamedTuple):
    """One object of a document and the messages inside it: the record of what holds them, and theirs."""

    record: Record
    parts: list[Record]


class _Way:
    """What lies at a key on the way to the lists: the keys beneath it that lead on, and whether it is a list itself."""

    __slots__ = ("ends", "inner")

    def __init__(self) -> None:
        self.inner: dict[str, _Way] = {}
        self.ends = False


def _ways(paths: Sequence[str]) -> _Way:
    first = _Way()
    for path in paths:
        way = first
        for key in path.replace("[]", ".[]").lstrip(".").split("."):
            way = way.inner.setdefault(key, _Way())
        way.ends = True
    return first


class _Open:
    """An open bracket in which a list may lie: where it stands, whether it is an object's, and the key at hand."""

    __slots__ = ("key", "line", "mapping", "start", "way")

    def __init__(self, start: int, line: int, mapping: bool, way: _Way) -> None:
        self.start, self.line, self.mapping, self.way, self.key = start, line, mapping, way, ""


class Inside:
    """Cuts a stream of JSON text into the items of the lists at some paths, in little memory.

    A path is keys joined by dots, `[]` after one that is a list of objects: `messages`, `chats.list[].messages`. Before
    the items of a list stands its holder, as an `Item` whose text is that of the object up to the list, with a null in
    its place. What lies elsewhere is passed by. As in `Items`, a string ends at the end of its line at the latest.
    """

    def __init__(self, limits: Limits, paths: Sequence[str]) -> None:
        self._limits = limits
        self._ways = _ways(paths)
        self._held = bytearray()
        self._at = 0  # looked through up to here
        self._line = 1
        self._counted = 0  # lines are counted up to here
        self._open: list[_Open] = []
        self._lost = 0  # how many of the open ones are larger than a row may be: their beginning was let go
        self._beneath = 0  # how many more brackets are open, of what is passed by
        self._quote: int | None = None  # where the string begins that the bytes did not end
        self._string: tuple[int, int] | None = None  # the string just read: a key, if a colon follows
        self._items: Items | None = None
        self.began = False

    def _line_at(self, position: int) -> int:
        self._line += self._held.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def feed(self, piece: bytes, *, final: bool = False, most: int | None = None) -> Iterator[tuple[bool, Item]]:
        """Take the next bytes; give the complete items, each with whether it is a holder."""
        self._held += piece
        while True:
            if self._items is not None:
                for item in self._items.cut(final=final, most=most):
                    yield False, item
                if not self._items.closed:
                    return
                self._line, self._counted, self._items = self._items.line, self._at, None
            begin = self._next(final)
            if begin is None:
                break
            yield True, self._enter(begin)
        if final and self._open:
            yield False, Item(self._line_at(len(self._held)), None, "bad-json")
        self._let_go()

    def _enter(self, begin: int) -> Item:
        """Go into the list that begins here, and give its holder; in the holder's text a null takes its place."""
        held, holder = self._held, self._open[-1]
        line = self._line_at(begin)
        text = bytes(memoryview(held)[holder.start : begin]) + b"null}"
        wide = len(self._open) <= self._lost or len(text) > self._limits.row
        held[begin : begin + 1] = b"null"
        self._at = begin + 4
        self._items = Items(self._limits, inside=held, at=self._at, line=line)
        return Item(holder.line, None if wide else text, "row-too-large" if wide else None)

    def _let_go(self) -> None:
        """Forget what no holder will need: what stands around the lists and is too large, what follows the document."""
        while self._lost < len(self._open) and self._at - self._open[self._lost].start > self._limits.row:
            self._lost += 1
        keep = self._open[self._lost].start if self._lost < len(self._open) else self._at
        keep = min(keep, self._string[0]) if self._string is not None and self._open else keep
        if not keep:
            return
        self._line_at(max(keep, self._counted))
        self._at, self._counted = self._at - keep, self._counted - keep
        if self._quote is not None:
            self._quote -= keep
        if self._string is not None:
            self._string = self._string[0] - keep, self._string[1] - keep
        for one in self._open:
            one.start -= keep
        del self._held[:keep]

    def _next(self, final: bool) -> int | None:
        """Go on to the bracket that opens one of the lists, and give its place; None if the bytes end before."""
        begin = None
        while begin is None and self._at < len(self._held):
            if self._quote is not None:
                if not self._unquoted(final):
                    break
            elif self._beneath:
                self._pass_by()
            else:
                begin = self._along()
        return begin

    def _along(self) -> int | None:
        """Go along the ways to the lists, up to the opening of one, or what has to be passed by, or the end."""
        held = self._held
        for match in _TOKEN.finditer(held, self._at):
            start, self._at = match.span()
            self.began = True
            token = held[start]
            if token == 34:
                if self._at - start == 1:
                    self._quote = start
                    return None
                self._string = start, self._at
                continue
            string, self._string = self._string, None
            if token == 58:
                if self._open and string is not None:
                    self._open[-1].key = _text(held[slice(*string)]) if string[0] >= 0 else ""
            elif token in b"{[":
                outer = self._open[-1] if self._open else None
                key = "[]" if outer is None or not outer.mapping else outer.key
                way = self._ways if outer is None else outer.way.inner.get(key)
                if way is None:
                    whole = _GROUP.match(held, start)
                    self._at, self._beneath = (start + 1, 1) if whole is None else (whole.end(), 0)
                    return None
                if token == 91 and way.ends and outer is not None and outer.mapping:
                    return start
                self._open.append(_Open(start, self._line_at(start), token == 123, way))
            elif token in b"]}" and self._open:
                self._open.pop()
                self._lost = min(self._lost, len(self._open))
        self._at = len(held)
        return None

    def _pass_by(self) -> None:
        """Go to the end of what is passed by, or of the bytes, or to a string that they do not end."""
        held = self._held
        for match in DEEP.finditer(held, self._at):
            start, self._at = match.span()
            if self._at - start > 1:
                continue
            token = held[start]
            if token == 34:
                self._quote = start
                return
            self._beneath += 1 if token in b"[{" else -1
            if not self._beneath:
                return
        self._at = len(held)

    def _unquoted(self, final: bool) -> bool:
        """Go on inside a string that the bytes at hand did not end; say whether it ends in these."""
        held, quote = self._held, self._quote
        assert quote is not None
        self._at = string_end(held, self._at)
        ending = bytes(held[self._at : self._at + 2])
        if not final and ending in (b"", b"\\"):
            return False
        self._quote = None
        if ending[:1] == b'"':
            self._at += 1
            self._string = None if self._beneath else (quote, self._at)
        else:
            # A line ends, or the file: the string was never closed.
            self._at += ending[:1] == b"\\"
        return True


def _text(string: bytearray) -> str:
    try:
        return str(json.loads(string))
    except ValueError:
        return ""


def cut_within(
    pieces: Iterator[bytes], limits: Limits, most: Callable[[], int], paths: Sequence[str]
) -> Iterator[tuple[int, Any, str | None]]:
    """Give line, value and problem of each item of the lists inside a document, and of each `Holder` before them.

    A document without any of the lists is one that is `not-an-object`.
    """
    cut, found = Inside(limits, paths), False
    for piece in itertools.chain(pieces, (b"",)):
        for holds, (line, text, problem, levels) in cut.feed(piece, final=not piece, most=most()):
            found = True
            value, problem = (None, problem) if text is None else value_of(text, limits, levels)
            yield line, Holder(value) if holds and value is not None else value, problem
    if cut.began and not found:
        yield 1, None, "not-an-object"


def cut_list(pieces: Iterator[bytes], limits: Limits, most: Callable[[], int], path: str) -> Iterator[Item]:
    """Give the items of the list at a path of a document, without what holds it."""
    cut = Inside(limits, (path,))
    for piece in itertools.chain(pieces, (b"",)):
        for holds, item in cut.feed(piece, final=not piece, most=most()):
            if not holds:
                yield item


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
