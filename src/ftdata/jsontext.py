"""JSON texts, exactly: one text to a value or a named problem, a file of JSON to the texts of its items.

Fast parsers settle most rows; what they refuse, or cannot judge (duplicate keys, depth), is settled here, with the
standard library's parser under limits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from ftdata.records import Limits

_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_DEEP = re.compile(_STRING + rb'|[\[{]|[\]}]|"')
_TOP = re.compile(_STRING + rb'|[\[{]|[\]}]|"|,')
_REST = re.compile(rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+')
_SPACES = re.compile(rb"(" + _STRING + rb")|[ \t\r\n]+")
_QUOTED = re.compile(_STRING)
_STEP = np.zeros(256, np.int8)  # how each byte outside strings changes the depth
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACE = b" \t\r\n"


class BadJson(ValueError):
    """A text that is refused: `problem` is the code, `column` counts characters from 1 (0: no one place)."""

    def __init__(self, problem: str, column: int = 0) -> None:
        super().__init__(problem, column)
        self.problem, self.column = problem, column


class Parsed(NamedTuple):
    """A value, and whether some object in it gave a key twice (the last one wins)."""

    value: Any
    duplicate: bool


def too_deep(text: bytes, depth: int) -> bool:
    """Say whether a JSON text nests deeper than `depth`."""
    if text.count(b"[") + text.count(b"{") <= depth:
        return False
    bare = np.frombuffer(_QUOTED.sub(b"", text), np.uint8)
    return int(np.cumsum(_STEP[bare], dtype=np.int32).max(initial=0)) > depth


def parse(text: bytes, limits: Limits) -> Parsed:
    """Parse one JSON text (RFC 8259) by the book.

    Refused, as `BadJson`: `not-utf8`, `too-deep`, `bad-json` (NaN and Infinity too), `huge-number` (a whole number of
    more digits than the limit, or one beyond the range of a double), `lone-surrogate`.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise BadJson("not-utf8", error.start + 1) from None
    if too_deep(text, limits.depth):
        raise BadJson("too-deep")
    duplicate = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicate
        made = dict(items)
        duplicate |= len(made) != len(items)
        return made

    def whole(digits: str) -> int:
        if len(digits) > limits.digits:
            raise BadJson("huge-number")
        return int(digits)

    def real(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise BadJson("huge-number")
        return value

    def constant(_: str) -> Any:
        raise BadJson("bad-json")

    try:
        value = json.loads(decoded, object_pairs_hook=pairs, parse_int=whole, parse_float=real, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise BadJson("bad-json", error.pos + 1) from None
    except RecursionError:
        raise BadJson("too-deep") from None
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadJson("lone-surrogate") from None
    return Parsed(value, duplicate)


_TWO = re.compile(rb"\d\d")


def value_of(text: bytes, limits: Limits) -> Any:
    """Parse one JSON text quickly; the value is that of `parse`, which settles what a fast parser refuses.

    Depth and long numbers are looked at here: one of too many digits has two among the bytes taken half that many
    apart. Of duplicate keys the last wins, unnoticed.
    """
    if not too_deep(text, limits.depth) and _TWO.search(text[:: max(1, limits.digits // 2)]) is None:
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    return parse(text, limits).value


_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)


def _is_one(text: bytearray) -> bool:
    try:
        _ONE.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def items_of(text: bytes) -> list[bytes] | None:
    """Cut a whole JSON array into the texts of its items, as `Items` would; None for what is no sound array."""
    try:
        return [bytes(raw) for raw in _RAW.decode(text)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def on_one_line(text: bytes) -> bytes:
    """Shrink the white space in a JSON text to single spaces; strings and numbers stay as they are written.

    It is not taken out altogether: `1 000` is no number.
    """
    return _SPACES.sub(lambda match: match[1] or b" ", text)


_SPACED = r"[,:\[{][ \t\r\n]|[ \t\r\n][,:\]}]|^\s|\s$"


def compact(texts: pl.Series) -> pl.Series:
    """Take the white space between tokens out of a column of JSON texts; the tokens themselves stay as they are."""
    at = texts.str.contains(_SPACED).fill_null(False).arg_true()
    if not len(at):
        return texts
    made = [msgspec.json.format(text, indent=-1) for text in texts.gather(at).to_list()]
    return texts.scatter(at, pl.Series(made, dtype=pl.String))


def unfinished(line: bytes) -> bool:
    """Say whether a line opens more brackets than it closes, as the first line of a pretty-printed value does."""
    level = 0
    for match in _DEEP.finditer(line):
        token = line[match.start()]
        level += 1 if token in b"[{" else -1 if token in b"]}" else 0
        if token == 34 and match.end() - match.start() == 1:
            return False
    return level > 0


class Item(NamedTuple):
    """The text of one item, the line on which it starts, or what is wrong with it."""

    line: int
    text: bytes | None
    problem: str | None


class Items:
    """Cuts a stream of JSON text into the items of its array, or into its top-level values, in little memory.

    A string ends at the end of its line at the latest, so that an unclosed quote spoils one item and not the rest. What
    follows a closed array is one bad item; so is the missing end of an array. A `nested` array is part of a larger
    value: what follows it is none of its own, and is found in `rest` as soon as `closed`.
    """

    def __init__(self, limits: Limits, *, nested: bool = False) -> None:
        self._limits, self._nested = limits, nested
        self._held = bytearray()
        self._at = 0  # scanned up to here
        self._start = 0  # where the item at hand starts
        self._line = 1
        self._counted = 0  # lines are counted up to here
        self._level = 0  # brackets open
        self._base = 0  # 1 in an array: its items lie one level down
        self._problem: str | None = None
        self._began = False
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

    @property
    def rest(self) -> bytes:
        """What was fed beyond the end of a nested array."""
        return bytes(self._held[self._at :])

    def _line_at(self, position: int) -> int:
        self._line += self._held.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def _item(self, end: int, *, empty: bool) -> Iterator[Item]:
        start = self._start
        while start < end and self._held[start] in _SPACE:
            start += 1
        text = bytes(self._held[start:end]).rstrip(_SPACE)
        self._start, problem, self._problem = end, self._problem, None
        if text or empty or problem:
            line = self._line_at(start)
            if len(text) > self._limits.row:
                problem = "row-too-large"
            yield Item(line, None if problem or not text else text, problem or (None if text else "bad-json"))

    def feed(self, piece: bytes, *, final: bool = False, most: int | None = None) -> Iterator[Item]:
        """Take the next bytes; give the complete items. `most` bounds an unfinished item tighter than usual."""
        self._held += piece
        held, end = self._held, len(self._held)
        while self._at < end:
            if self._closed:
                if self._nested:
                    break
                if held[self._at : end].strip(_SPACE):
                    self._problem = "bad-json"
                self._at = end
                break
            if self._level == 0:
                yield from self._outside(final)
                if self._level == 0:
                    break
                continue
            if not (yield from self._inside(final)):
                break
        if final and self._in_line:
            yield from self._item(end, empty=False)
        elif final:
            rest = bool(held[self._start : end].strip(_SPACE)) and not self._closed
            if rest or self._problem or self._level or (self._base and not self._closed):
                self._problem = self._problem or "bad-json"
                yield from self._item(end, empty=True)
        if final:
            return
        if self._closed:
            self._start = self._at
        elif self._at - self._start > (most or self._limits.row):
            self._problem = "row-too-large"
            self._line_at(self._at)
            self._start = self._at
        self._line_at(self._start)
        del held[: self._start]
        self._at -= self._start
        self._counted -= self._start
        self._start = 0

    def _outside(self, final: bool) -> Iterator[Item]:
        """Between top-level values: find the next bracket; anything else is a value of its own, to the line's end."""
        held, end = self._held, len(self._held)
        while self._at < end:
            byte = held[self._at]
            if not self._in_line:
                if byte in _SPACE:
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

    def _inside(self, final: bool) -> Generator[Item, None, bool]:
        """Go on inside brackets; the return value says whether to go on after it."""
        held = self._held
        if self._in_string and not self._string(final):
            return False
        top = self._level == self._base
        for match in (_TOP if top else _DEEP).finditer(held, self._at):
            at = match.start()
            token = held[at]
            if token == 34:
                if match.end() - at > 1:
                    self._at = match.end()
                    continue
                self._at, self._in_string = at + 1, True
                return True
            self._at = at + 1
            if token in b"[{":
                self._level += 1
                if top:
                    return True
            elif token == 44:
                yield from self._item(at, empty=True)
                self._start, self._comma = at + 1, True
            else:
                self._level -= 1
                if self._level == 0 and self._base:
                    blank = not held[self._start : at].strip(_SPACE)
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
        rest = _REST.match(held, self._at)
        assert rest is not None
        self._at = rest.end()
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
