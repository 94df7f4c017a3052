"""What people are told: values made safe to show, numbers with their noun, the name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# C0 but for line feed, DEL, C1, zero-width and bidirectional controls, byte order mark, tag characters: whatever could
# move the cursor, set a title, reorder or hide text.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def safe(value: Any) -> str:
    """Give a value as text that a terminal or page only shows: control and invisible characters as visible escapes."""
    text = str(value).encode("utf-8", "backslashreplace").decode()

    def shown(hit: re.Match[str]) -> str:
        code = ord(hit[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return _UNSAFE.sub(shown, text)


def inline(value: Any) -> str:
    """Give a value, such as the name of a file, as `safe` does and on one line: a line feed may be part of a name."""
    return safe(value).replace("\n", "\\x0a")


def counted(count: int, what: str) -> str:
    """Give a number with its noun: `1 row`, `1,200 rows`; `of …` behind the noun stays: `2 values of 'kind'`."""
    noun, of, rest = what.partition(" of ")
    return f"{count:,} {noun}{'' if count == 1 else 's'}{of}{rest}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known name that is most like a word, if any is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), 1)), None)


def hint(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Give the end of a sentence that refuses a name: `; did you mean 'near'?`, or `otherwise` where none is."""
    near = nearest(word, known)
    return otherwise if near is None else f"; did you mean {near!r}?"
