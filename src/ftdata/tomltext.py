"""TOML text: read whole, with one kind of error; written as single keys and values, each on one line for a comment.

Writers for whole documents (tomli-w) break lists over lines and turn an inner table into a section of its own, which
inside `[[read]]` would take the comments' place.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from tomllib import TOMLDecodeError
from typing import Any

__all__ = ["TOMLDecodeError", "comment", "key", "loads", "value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def loads(text: str, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Read TOML; raise `TOMLDecodeError` also for what Python's reader answers with an error of another kind.

    That reader calls itself for each array in an array, and hands numbers to Python, which refuses a whole number of
    more than 4,300 digits (CVE-2020-10735), and to `parse_float`, which may refuse some, too.
    """
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except TOMLDecodeError:
        raise
    except RecursionError:
        raise TOMLDecodeError("it is nested too deeply") from None
    except (ValueError, ArithmeticError):
        raise TOMLDecodeError("a number has too many digits") from None


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
