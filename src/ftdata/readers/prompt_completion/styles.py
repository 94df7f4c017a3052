"""How a record is written in its file: the style of a JSON object, the style of a line of CSV.

A style renders values back to text, byte for byte what json.dumps or csv.writer (or pandas, or JavaScript) gave; what
no style renders is kept as it stands.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class JsonStyle:
    r"""A JSON object: the white space (with its `:` or `,`) between its tokens, and how text is escaped.

    `ascii`: other letters as `\u00e9`; `slash`: `\/`, as pandas and PHP write it.
    """

    open: str = ""
    colon: str = ": "
    comma: str = ", "
    close: str = ""
    ascii: bool = False
    slash: bool = False

    def render(self, keys: Sequence[str], values: Sequence[str | bytes]) -> str:
        """Write an object; a value that is bytes is JSON text already."""
        frames = _frames(self, tuple(keys))
        pieces = []
        for frame, value in zip(frames, values, strict=False):
            pieces.append(frame)
            pieces.append(self._text(value) if value.__class__ is str else self._value(value))  # type: ignore[arg-type]
        pieces.append(frames[-1])
        return "".join(pieces)

    def _text(self, text: str) -> str:
        written = encode_basestring_ascii(text) if self.ascii else encode_basestring(text)
        return written.replace("/", "\\/") if self.slash else written

    def _value(self, value: bytes) -> str:
        text = str(value, "utf-8")
        if text[:1] not in ('"', "[", "{"):
            return text  # a number keeps its digits
        if self.open[:1] == "\n":  # indented: what is inside is so too
            inner, outer = self.open[1:], self.close[1:]
            written = json.dumps(json.loads(text), ensure_ascii=self.ascii, indent=inner.removeprefix(outer))
            written = written.replace("\n", self.open)
        else:
            between = (self.comma, self.colon)
            written = json.dumps(json.loads(text), ensure_ascii=self.ascii, separators=between)
        return written.replace("/", "\\/") if self.slash else written

    def dump(self) -> dict[str, Any]:
        """Give the style as the manifest and a row keep it."""
        return asdict(self)


@lru_cache(1024)
def _frames(style: JsonStyle, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Give what stands before each value, and after the last."""
    names = [style._text(key) + style.colon for key in keys]
    if not names:
        return ("{" + style.open + "}",)
    return ("{" + style.open + names[0], *(style.comma + name for name in names[1:]), style.close + "}")


def json_style(raw: str) -> JsonStyle | None:
    """Tell the style of an object from its text; None if it is none."""
    if raw[:1] != "{":
        return None
    space = _SPACE.match(raw, 1)
    assert space is not None
    opening, at, comma, colon = space[0], space.end(), ", ", ": "
    first = True
    try:
        while raw[at : at + 1] == '"':
            _, at = _decode(raw, at)
            start, at = at, _after(raw, at, ":")
            colon = raw[start:at] if first else colon
            _, at = _decode(raw, at)
            start, first = at, False
            at = _SPACE.match(raw, at).end()  # type: ignore[union-attr]
            if raw[at : at + 1] == "}":
                return JsonStyle(opening, colon, comma, raw[start:at], raw.isascii(), "\\/" in raw)
            at = _after(raw, start, ",")
            comma = raw[start:at]
    except (ValueError, RecursionError):
        return None
    return None


def _after(raw: str, at: int, sign: str) -> int:
    """Give the place after a sign and the white space around it; raise `ValueError` if another one stands there."""
    at = _SPACE.match(raw, at).end()  # type: ignore[union-attr]
    if raw[at : at + 1] != sign:
        raise ValueError(sign)
    return _SPACE.match(raw, at + 1).end()  # type: ignore[union-attr]


@dataclass(frozen=True)
class CsvStyle:
    """A line of delimited text: which columns are always quoted; the others only where they must be.

    That covers csv.writer's QUOTE_MINIMAL (none), QUOTE_ALL (all) and QUOTE_NONNUMERIC (the text columns).
    """

    delimiter: str
    quote: str | None
    always: tuple[bool, ...]

    @cached_property
    def _must(self) -> re.Pattern[str]:
        return re.compile(f"[{re.escape(self.delimiter + (self.quote or ''))}\r\n]")

    def render(self, keys: Sequence[str], values: Sequence[str | bytes]) -> str:
        """Write a record, without its line end."""
        quote, must, cells = self.quote, self._must.search, []
        for value, always in zip(values, self.always, strict=False):
            text = str(value)
            if quote is not None and (always or must(text)):
                text = quote + text.replace(quote, quote * 2) + quote
            cells.append(text)
        return self.delimiter.join(cells)

    def quoted(self, raw: str, cells: Sequence[str]) -> list[bool | None]:
        """Say for each cell of a record whether it is quoted without need; None: it must be, or is not to be told."""
        found: list[bool | None] = []
        at = 0
        for cell in cells:
            if self.quote is not None and raw[at : at + 1] == self.quote:
                at += len(cell) + cell.count(self.quote) + 2
                found.append(None if self._must.search(cell) else True)
            else:
                at += len(cell)
                found.append(False)
            at += 1
        return found if at == len(raw) + 1 else [None] * len(cells)

    def dump(self) -> dict[str, Any]:
        """Give the style as the manifest keeps it."""
        return asdict(self)


Style = JsonStyle | CsvStyle


def load(given: Mapping[str, Any]) -> Style:
    """Read a style that `dump` gave."""
    if "delimiter" in given:
        return CsvStyle(given["delimiter"], given["quote"], tuple(given["always"]))
    return JsonStyle(**given)


class Votes:
    """Finds the style of a file: white space from its first records, escapes from all of them."""

    _FIRST = 1000

    def __init__(self) -> None:
        self._shapes: Counter[tuple[str, str, str, str]] = Counter()
        self._seen = self._ascii = self._slash = 0
        self._columns: list[int] = []

    def see_json(self, raw: str, plain: bool) -> None:
        """Count an object; `plain`: its texts hold nothing but ASCII letters."""
        if not raw.isascii():
            self._ascii -= 1
        elif not plain:
            self._ascii += 1
        if "/" in raw:
            self._slash += 1 if "\\/" in raw else -1
        if self._seen < self._FIRST:
            self._seen += 1
            style = json_style(raw)
            if style is not None:
                self._shapes[style.open, style.colon, style.comma, style.close] += 1

    def see_csv(self, bare: CsvStyle, raw: str, cells: Sequence[str]) -> None:
        """Count a line."""
        if self._seen < self._FIRST:
            self._seen += 1
            self._columns = self._columns or [0] * len(cells)
            for at, always in enumerate(bare.quoted(raw, cells)[: len(self._columns)]):
                self._columns[at] += 0 if always is None else 1 if always else -1

    def json(self) -> JsonStyle:
        """Give the style of most objects."""
        shape = self._shapes.most_common(1)[0][0] if self._shapes else ("", ": ", ", ", "")
        return JsonStyle(*shape, ascii=self._ascii > 0, slash=self._slash > 0)

    def csv(self, bare: CsvStyle) -> CsvStyle:
        """Give the style of most lines."""
        return CsvStyle(bare.delimiter, bare.quote, tuple(votes > 0 for votes in self._columns) or bare.always)
