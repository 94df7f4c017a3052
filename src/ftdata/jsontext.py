"""One JSON text, exactly: to a value or a named problem, to one line.

Fast parsers settle most rows; what they refuse, or cannot judge (duplicate keys, depth), is settled here, with the
standard library's parser under limits.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from ftdata.records import Limits

STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_SPACES = re.compile(rb'((?:[^" \t\r\n]++|' + STRING + rb")++)|[ \t\r\n]++")
_QUOTED = re.compile(STRING)
_STEP = np.zeros(256, np.int8)  # how each byte outside strings changes the depth
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
SPACE = b" \t\r\n"


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


_decode = msgspec.json.Decoder().decode
_TWO = re.compile(rb"[0-9](?=[0-9])")
_PAIR = re.compile(rb'"[^"]*"')
_PLAIN = bytes(byte for byte in range(256) if byte not in b'"[]{}')


def _long_number(text: bytes, digits: int) -> bool:
    """Say whether so many digits may stand in a row: then all are digits between some two places half that apart."""
    step = max(1, digits // 2)
    sample = text[::step]
    if _TWO.search(sample) is None:
        return False
    places = (match.start() for match in _TWO.finditer(sample))
    return any(text[at * step : (at + 1) * step + 1].isdigit() for at in places)


def _sound_too_deep(text: bytes, depth: int) -> bool:
    """Say whether a text nests deeper than `depth`, as `too_deep` does, but faster: it is sound JSON for certain."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    bare = _PAIR.sub(b"", text.translate(None, _PLAIN).replace(b'""', b""))
    return int(np.cumsum(_STEP[np.frombuffer(bare, np.uint8)], dtype=np.int32).max(initial=0)) > depth


def value_of(text: bytes, limits: Limits, levels: int = 0) -> tuple[Any, str | None]:
    """Parse one JSON text quickly to its value, or to None and what is wrong with it; `blank-line`: there is none.

    The value is that of `parse`, which settles what a fast parser refuses. Depth and long numbers, which it does not
    limit, are looked at here; `levels`: it is known to nest no deeper. Of duplicate keys the last wins, unnoticed.
    """
    if len(text) < limits.digits or not _long_number(text, limits.digits):
        try:
            value = _decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        else:
            depth = limits.depth
            shallow = 0 < levels <= depth or text.count(b"[") + text.count(b"{") <= depth
            if shallow or not _sound_too_deep(text, depth):
                return value, None
    try:
        return parse(text, limits).value, None
    except BadJson as error:
        return None, error.problem if text.strip() else "blank-line"


def on_one_line(text: bytes) -> bytes:
    """Shrink the white space in a JSON text to single spaces; strings and numbers stay as they are written.

    It is not taken out altogether: `1 000` is no number.
    """
    return _SPACES.sub(lambda match: match[1] or b" ", text)


_SPACED = r"[,:\[{][ \t\r\n]|[ \t\r\n][,:\]}]|^\s|\s$"


def compact(texts: pl.Series) -> pl.Series:
    """Take the white space between tokens out of a column of JSON texts; the tokens themselves stay as they are."""
    if texts.null_count() == len(texts):
        return texts
    at = texts.str.contains(_SPACED).fill_null(False).arg_true()
    if not len(at):
        return texts
    made = [msgspec.json.format(text, indent=-1) for text in texts.gather(at).to_list()]
    return texts.scatter(at, pl.Series(made, dtype=pl.String))
