"""See through disguises: invisible characters inside a number, digits of other scripts, entities, broken lines.

Rules look at a shadow of such a text; the edit is made in the original.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right

import numpy as np
import polars as pl

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
# Full-width and mathematical letters and digits, circled digits, the signs of addresses, digits of other scripts.
_ODD = (
    "\uff0b\uff0d-\uff1a\uff20-\uff3a\uff3f\uff41-\uff5a\ufe52\ufe63\ufe6b\uff08\uff09\uff3b\uff3d\U0001d400-\U0001d7ff"
    "\u2460-\u2468\u24ea\u2070\u00b2\u00b3\u00b9\u2074-\u2079\u2080-\u2089\u2024\u3002\uff61"
    "\u0660-\u0669\u06f0-\u06f9\u07c0-\u07c9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59"
)
_DOTS = frozenset("\u2024\u3002\uff61")
_JOINT = "\u00a0\u2000-\u200a\u202f\u205f\u3000\u2010-\u2015\u2212"
_ENTITY = (
    "&(?:#[0-9]{2,5}|#[xX][0-9a-fA-F]{2,4}|commat|period|nbsp|ensp|emsp|thinsp|shy|zwnj|zwj|plus|hyphen|dash"
    "|lpar|rpar);"
)
_PERCENT = "%(?:2[0BbDdEe89]|3[0-9]|40)"
_BROKEN = r"[0-9][ \-]?\r?\n[0-9]|[0-9A-Z]-\r?\n[0-9A-Z]"
DISGUISED = f"[{_INVISIBLE}{_ODD}]|[{_JOINT}][0-9()+\\-]|[0-9][{_JOINT}]|{_ENTITY}|{_PERCENT}|{_BROKEN}"

_LONG = 55  # characters of a line that a mail program broke; shorter ones are lists
_CHANGE = re.compile(
    f"[{_INVISIBLE}]+|[{_ODD}{_JOINT}]|{_ENTITY}|{_PERCENT}(?=[0-9A-Za-z(+.%_])|(?<=[0-9A-Z]-)\r?\n(?=[0-9]|[A-Z](?![a-z]))|"
    f"(?<=[0-9])\r?\n(?=[0-9])"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]+")


def _plain(found: re.Match[str]) -> str:
    """Give what stands for a disguise: a character, or nothing."""
    char = found.group()
    if len(char) > 1 or char == "\n":
        if char[0] == "&":
            plain = html.unescape(char)
            return "" if _HIDDEN.fullmatch(plain) else " " if plain == "\xa0" else plain if len(plain) == 1 else char
        if char[0] == "%":
            return chr(int(char[1:], 16))
        if char[-1] != "\n":
            return ""  # several that are invisible
        text, at = found.string, found.start()
        if text[at - 1] == "-":
            return ""
        return " " if at - text.rfind("\n", 0, at) > _LONG else char
    if _HIDDEN.fullmatch(char):
        return ""
    if char in _DOTS:
        return "." if found.string[found.end() : found.end() + 1].isalnum() else char
    if unicodedata.category(char) == "Pd" or char == "\u2212":
        return "-"
    digit = unicodedata.digit(char, -1)
    if digit >= 0:
        return str(digit)
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char


class Shadow:
    """A text without its disguises, and the way from its offsets back to the original's."""

    def __init__(self, original: str) -> None:
        self._starts: list[int] = []  # offsets in the shadow from which on it lags behind
        self._gaps: list[int] = [0]
        self._widths: dict[int, int] = {}  # what stands for several characters
        pieces, at = list[str](), 0
        for found in _CHANGE.finditer(original):
            plain = _plain(found)
            pieces += original[at : found.start()], plain
            at = found.end()
            if (lag := at - found.start() - len(plain)) == 0:
                continue
            here = found.start() - self._gaps[-1]
            if plain:
                self._widths[here] = lag + 1
            self._starts.append(here + len(plain))
            self._gaps.append(self._gaps[-1] + lag)
        pieces.append(original[at:])
        self.text = "".join(pieces)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give a span of the shadow as the span of the original."""
        last = end - 1
        return (
            start + self._gaps[bisect_right(self._starts, start)],
            last + self._gaps[bisect_right(self._starts, last)] + self._widths.get(last, 1),
        )


def undisguise(texts: pl.Series, among: pl.Series) -> tuple[pl.Series, dict[int, Shadow]]:
    """Give the texts as rules should see them, and the shadows by position; only those at `among` can be disguised."""
    odd = among.filter(texts.gather(among).str.contains(DISGUISED))
    if not len(odd):
        return texts, {}
    shadows = {at: Shadow(text) for at, text in zip(odd.to_list(), texts.gather(odd).to_list(), strict=True)}
    index = np.arange(len(texts), dtype=np.uint32)
    index[odd.to_numpy()] = np.arange(len(texts), len(texts) + len(odd), dtype=np.uint32)
    changed = pl.Series(texts.name, [shadow.text for shadow in shadows.values()], pl.String)
    return pl.concat([texts, changed]).gather(pl.Series(index)), shadows
