"""See through disguises: invisible characters inside a number, full-width digits, exotic hyphens and spaces.

Rules look at a shadow of such a text; the edit is made in the original.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

import numpy as np
import polars as pl

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
# Full-width and mathematical letters and digits, the signs of addresses; digits of other scripts are left alone.
_ODD = "\uff0b\uff0d-\uff1a\uff20-\uff3a\uff3f\uff41-\uff5a\ufe52\ufe63\ufe6b\U0001d400-\U0001d7ff\u2460-\u2473"
_JOINT = "\u00a0\u2000-\u200a\u202f\u205f\u3000\u2010-\u2015\u2212"
DISGUISED = f"[{_INVISIBLE}{_ODD}]|[{_JOINT}][0-9]"

_STRIP = re.compile(f"[{_INVISIBLE}]+")
_CHANGE = re.compile(f"[{_ODD}{_JOINT}]")


def _plain(found: re.Match[str]) -> str:
    char = found.group()
    if unicodedata.category(char) == "Pd" or char == "\u2212":
        return "-"
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char


class Shadow:
    """A text without its disguises, and the way from its offsets back to the original's."""

    def __init__(self, original: str) -> None:
        self._starts: list[int] = []  # offsets in the shadow behind which something was left out
        self._gaps: list[int] = [0]
        pieces, at = [], 0
        for hidden in _STRIP.finditer(original):
            pieces.append(original[at : hidden.start()])
            at = hidden.end()
            self._starts.append(hidden.start() - self._gaps[-1])
            self._gaps.append(self._gaps[-1] + at - hidden.start())
        pieces.append(original[at:])
        self.text = _CHANGE.sub(_plain, "".join(pieces))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give a span of the shadow as the span of the original."""
        last = end - 1
        return (
            start + self._gaps[bisect_right(self._starts, start)],
            last + self._gaps[bisect_right(self._starts, last)] + 1,
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
