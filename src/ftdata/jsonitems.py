"""Cut JSON text into the texts of its items: a stream as it comes, a small document at once.

What the bytes at hand hold whole is jumped over by one pattern; the rest goes bracket by bracket. Both ways agree on
any bytes: a `]` closes a `{` as well (it is the parser that judges), and what is no bracket or string is passed by.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import msgspec

from ftdata.jsontext import SPACE, STRING
from ftdata.records import Limits

_DEPTH = 8  # levels that one pattern takes; deeper nesting is cut level by level, and its depth not known
_BLANK = 4096
"""White space behind an item that is held with it."""
_HOLD = 1 << 20  # bytes of an unfinished item that are awaited before it is cut level by level
_WHOLE = 16  # pieces of a JSON text that are held to be cut at once


def _nested(depth: int) -> bytes:
    """Give the pattern of a bracket with all that it holds, up to a depth; it never goes back, so it is linear."""
    plain = rb'[^"\[\]{}]*+'
    flat = plain + rb"(?:" + STRING + plain + rb")*+"
    made = rb"[\[{]" + flat + rb"[\]}]"
    for _ in range(depth - 1):
        made = rb"[\[{]" + flat + rb"(?:" + made + flat + rb")*+[\]}]"
    return made


GROUP = _nested(_DEPTH)
"""A bracket, what it holds and the bracket that closes it, if it nests no deeper than a few levels."""

_REST = re.compile(rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+')
DEEP = re.compile(GROUP + rb"|" + STRING + rb'|[\[{\]}"]')
_TOP = re.compile(rb"(" + GROUP + rb")([ \t\r\n]*+,[ \t\r\n]*+)?+|" + STRING + rb'|[\[{\]}",]')
_TOKEN = re.compile(STRING + rb'|[\[{\]}"]')

_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)


def string_end(held: bytearray, at: int) -> int:
    """Go on from any place inside a string to its end, or that of its line, or of the bytes at hand."""
    rest = _REST.match(held, at)
    assert rest is not None
    return rest.end()


class Item(NamedTuple):
    """The text of one item, the line on which it starts, or what is wrong with it.

    `levels`: it nests no deeper than these; 0: that is not known.
    """

    line: int
    text: bytes | None
    problem: str | None
    levels: int = 0


def is_one_value(opening: bytes) -> bool:
    """Say by its first bytes (UTF-8) whether a file is one JSON array or pretty-printed object, not lines."""
    first, newline, rest = opening.lstrip().partition(b"\n")
    second = rest.lstrip(b"\r\n")
    if first[:1] == b"[":
        if not newline or not rest.strip():
            return True
        try:
            json.loads(first)
        except ValueError:
            return True
        return False
    return first[:1] == b"{" and bool(newline) and second[:1] in (b" ", b"\t", b'"', b"}") and _unfinished(first)


def _unfinished(line: bytes) -> bool:
    """Say whether a line opens more brackets than it closes, as the first line of a pretty-printed value does."""
    level = 0
    for match in _TOKEN.finditer(line):
        token = line[match.start()]
        level += 1 if token in b"[{" else -1 if token in b"]}" else 0
        if token == 34 and match.end() - match.start() == 1:
            return False
    return level > 0


def items_of(text: bytes) -> list[bytes] | None:
    """Cut a whole JSON array into the texts of its items, as `Items` would; None for what is no sound array."""
    try:
        return [bytes(raw) for raw in _RAW.decode(text)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def cut_items(pieces: Iterator[bytes], limits: Limits, most: Callable[[], int]) -> Iterator[Item]:
    """Cut pieces of JSON text into the items of its array, or its top-level values: see `Items`.

    A small array (4 MB in pieces of 256 kB) is cut at once. `most` says how many bytes an unfinished item may take.
    """
    held = list(itertools.islice(pieces, _WHOLE + 1))
    if len(held) <= _WHOLE and (texts := items_of(text := b"".join(held))) is not None:
        line, counted, end = 1, 0, text.find(b"[") + 1
        for one in texts:
            # Between two items are a comma and white space, so this byte is the first of the item.
            at = text.find(one[:1], end)
            line += text.count(b"\n", counted, at)
            counted, end = at, at + len(one)
            wide = len(one) > limits.row
            yield Item(line, None if wide else one, "row-too-large" if wide else None)
        return
    yield from stream_items(itertools.chain(held, pieces), limits, most)


def stream_items(pieces: Iterator[bytes], limits: Limits, most: Callable[[], int]) -> Iterator[Item]:
    """Cut pieces of JSON text into items as they come, in little memory: see `Items`."""
    items = Items(limits)
    for piece in pieces:
        yield from items.feed(piece, most=most())
    yield from items.feed(b"", final=True)


def _is_one(text: bytearray) -> bool:
    try:
        _ONE.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


class Items:
    """Cuts a stream of JSON text into the items of its array, or into its top-level values, in little memory.

    A string ends at the end of its line at the latest, so that an unclosed quote spoils one item and not the rest. What
    follows a closed array is one bad item; so is the missing end of an array.

    An array that is part of a larger value is cut where it lies: `inside` are the bytes of that, `at` the place after
    the opening bracket, `line` its line. Its items are taken out of the bytes; when it has `closed`, the bytes at `at`
    are those that follow its closing bracket.
    """

    def __init__(self, limits: Limits, *, inside: bytearray | None = None, at: int = 0, line: int = 1) -> None:
        nested = inside is not None
        self._limits, self._nested = limits, nested
        self._held = bytearray() if inside is None else inside
        self._floor = at  # what lies before is not ours
        self._at = at  # scanned up to here
        self._start = at  # where the item at hand starts
        self._due = 0  # an item that the bytes did not hold whole is tried again when they reach to here
        self._line = line
        self._counted = at  # lines are counted up to here
        self._cut_line = 0  # on which an item started whose beginning was let go
        self._level = self._base = int(nested)  # brackets open; 1 in an array: its items lie one level down
        self._problem: str | None = None
        self._began = nested
        self._in_string = False
        self._in_line = False  # in a top-level value without brackets, which ends with its line
        self._comma = False  # an item must follow
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the array has ended."""
        return self._closed

    @property
    def line(self) -> int:
        """The line, from 1, on which what is left begins."""
        return self._line_at(self._at)

    def _line_at(self, position: int) -> int:
        self._line += self._held.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def _item(self, end: int, *, empty: bool) -> Iterator[Item]:
        start = self._start
        while start < end and self._held[start] in SPACE:
            start += 1
        text = bytes(memoryview(self._held)[start:end]).rstrip(SPACE)
        self._start, problem, self._problem = end, self._problem, None
        if text or empty or problem:
            line, self._cut_line = self._cut_line or self._line_at(start), 0
            if len(text) > self._limits.row:
                problem = "row-too-large"
            yield Item(line, None if problem or not text else text, problem or (None if text else "bad-json"))

    def feed(self, piece: bytes, *, final: bool = False, most: int | None = None) -> Iterator[Item]:
        """Take the next bytes; give the complete items. `most` bounds an unfinished item tighter than usual."""
        self._held += piece
        return self.cut(final=final, most=most)

    def cut(self, *, final: bool = False, most: int | None = None) -> Iterator[Item]:
        """Give the items that the bytes at hand complete."""
        held, end, most = self._held, len(self._held), most or self._limits.row
        if end < self._due and not final:
            return
        while self._at < end:
            if self._closed:
                if self._nested:
                    break
                if beyond := held[self._at : end].lstrip(SPACE):
                    self._problem, self._cut_line = "bad-json", self._cut_line or self._line_at(end - len(beyond))
                self._at = end
                break
            if self._level == 0:
                yield from self._outside(final)
                if self._level == 0:
                    break
                continue
            if not (yield from self._inside(final, 0 if final else min(most, _HOLD))):
                break
        if final and self._in_line:
            yield from self._item(end, empty=False)
        elif final and not (self._closed and self._nested):
            rest = bool(held[self._start : end].strip(SPACE)) and not self._closed
            if rest or self._problem or self._level or (self._base and not self._closed):
                self._problem = self._problem or "bad-json"
                yield from self._item(end, empty=True)
        if final and not self._nested:
            return
        if self._closed:
            self._start = self._at
        elif self._at - self._start > most:
            # White space around an item is no part of it: what follows it, for as much as may stand before a comma.
            begun = bytes(memoryview(held)[self._start : self._at]).lstrip(SPACE)
            if len(begun) > most + _BLANK or len(begun.rstrip(SPACE)) > most:
                self._let_go()
            else:
                self._start = self._at - len(begun)
        self._line_at(self._start)
        gone = self._start - self._floor
        del held[self._floor : self._start]
        self._start -= gone
        self._at -= gone
        self._counted -= gone
        self._due -= gone

    def _let_go(self) -> None:
        """Forget what was read of an item that is too large."""
        self._problem = "row-too-large"
        if not self._cut_line:
            self._cut_line = self._line_at(self._at - len(self._held[self._start : self._at].lstrip(SPACE)))
        self._line_at(self._at)
        self._start = self._at

    def _outside(self, final: bool) -> Iterator[Item]:
        """Between top-level values: find the next bracket; anything else is a value of its own, to the line's end."""
        held, end = self._held, len(self._held)
        while self._at < end:
            byte = held[self._at]
            if not self._in_line:
                if byte in SPACE:
                    self._at += 1
                    continue
                self._start = self._at
                if byte in b"{[":
                    if byte == 123 and (stop := held.find(b"\n", self._at)) > 0 and _is_one(held[self._at : stop]):
                        # A value on a line of its own: the fast parser finds its end.
                        self._began, self._at = True, stop
                        yield from self._item(stop, empty=False)
                        continue
                    if byte == 91 and not self._began:
                        self._base, self._start = 1, self._at + 1
                    self._began, self._level = True, 1
                    self._at += 1
                    return
                self._began = self._in_line = True
            stop = held.find(b"\n", self._at)
            if stop < 0:
                self._at = end
                if not final:
                    return
                stop = end
            self._at, self._in_line = stop, False
            yield from self._item(stop, empty=False)
        self._start = self._at

    def _inside(self, final: bool, patience: int) -> Generator[Item, None, bool]:
        """Go on inside brackets; the return value says whether to go on after it.

        `patience`: how many bytes of an item to await, so that one match takes it whole.
        """
        held = self._held
        if self._in_string and not self._string(final):
            return False
        top = self._level == self._base
        for match in (_TOP if top else DEEP).finditer(held, self._at):
            at, stop = match.span()
            if stop - at > 1:
                # A string or a bracket with all that it holds; `lastindex`: and the comma after it.
                if match.lastindex == 2:
                    if self._problem is None and (at == self._start or not held[self._start : at].strip(SPACE)):
                        text = match[1]
                        if len(text) > self._limits.row:
                            yield Item(self._line_at(at), None, "row-too-large")
                        else:
                            yield Item(self._line_at(at), text, None, _DEPTH)
                    else:
                        yield from self._item(match.start(2), empty=True)
                    self._start, self._comma = stop, True
                self._at = stop
                continue
            token = held[at]
            if token == 34:
                self._at, self._in_string = at + 1, True
                return True
            if token in b"[{":
                if top and at + patience > len(held):
                    self._at, self._due = at, at + min(2 * (len(held) - at), patience)
                    return False
                self._at = at + 1
                self._level += 1
                if top:
                    return True
                continue
            self._at = at + 1
            if token == 44:
                yield from self._item(at, empty=True)
                self._start, self._comma = at + 1, True
            else:
                self._level -= 1
                if self._level == 0 and self._base:
                    blank = not held[self._start : at].strip(SPACE)
                    if not blank or self._comma or self._problem:
                        yield from self._item(at, empty=True)
                    self._closed, self._start = True, at + 1
                    return True
                if self._level == 0:
                    yield from self._item(at + 1, empty=False)
                    return True
                if self._level == self._base:
                    return True
        self._at = len(held)
        return False

    def _string(self, final: bool) -> bool:
        """Go on inside a string that the bytes at hand did not end; say whether it ends in these."""
        held = self._held
        self._at = string_end(held, self._at)
        ending = bytes(held[self._at : self._at + 2])
        if not final and ending in (b"", b"\\"):
            return False
        if ending[:1] == b'"':
            self._at += 1
        else:
            # A line ends, or the file: the string was never closed.
            self._problem = self._problem or "bad-json"
            self._at += ending[:1] == b"\\"
        self._in_string = False
        return True
