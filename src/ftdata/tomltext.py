"""TOML text of single keys and values, each on one line, so that a comment can stand beside it.

Writers for whole documents (tomli-w) break lists over lines and turn an inner table into a section of its own, which
inside `[[read]]` would take the comments' place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(text: str) -> str:
    """Give a key, quoted unless it is bare."""
    return text if _BARE.fullmatch(text) else _string(text)


def value(given: Any) -> str:
    """Give a value: text, number, boolean, date, list or (as an inline table) mapping.

    Whatever an editor would not show (control, invisible and bidirectional characters) stands as its escape. Raises
    `ValueError` for a text with a lone surrogate, `TypeError` for what TOML cannot hold.
    """
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str):
        return _string(given)
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, date | time):
        return given.isoformat()
    if isinstance(given, list | tuple):
        return f"[{', '.join(map(value, given))}]"
    if isinstance(given, Mapping):
        inside = ", ".join(f"{key(str(name))} = {value(held)}" for name, held in given.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise TypeError(f"TOML has no form for a {type(given).__name__}")


def comment(text: str) -> str:
    """Give a text as it can stand after `#`: on one line, with nothing that an editor would not show."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _string(text: str) -> str:
    text.encode()  # a lone surrogate has no form in TOML
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
