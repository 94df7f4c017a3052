"""What the parameters of rules are: anybody may write a profile, and predicates rely on what they are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

# One character, escape or class, and how often: without groups, and with one open number of times at most, a pattern
# takes as many steps as the text has characters; `(a+)+$` takes 2 to the power of them.
_PIECE = r"(?:\[(?:[^\[\]\\]|\\[^A-Za-z]|\\[dswDSW])+\]|\\[^A-Za-z]|\\[dswDSW]|[^\[\](){}\\|*+?^$])"
_PLAIN = re.compile(rf"(?:{_PIECE}(?:\{{\d{{1,3}}\}}|\?)?){{0,16}}")
_OPEN = re.compile(rf"({_PIECE})(?:[*+]|\{{\d{{1,3}},\d{{0,3}}\}})")


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _table_of(inner: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(inner, value.values()))


def _pattern(value: Any) -> bool:
    if not isinstance(value, str) or not _PLAIN.fullmatch(_OPEN.sub(r"\1", value, count=1)):
        return False
    try:
        re.compile(value)
    except re.error:
        return False
    return True


_SWITCH = (lambda value: isinstance(value, bool), "true or false")
_NUMBER = (_number, "a whole number of 0 or more")
_TEXTS = (_texts, "a list of texts")
_LISTS = (_table_of(_texts), "a table with a list of texts for each key")

_SHAPES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("maximum", "maximum_bytes", "minimum", "useful", "user_turns"), _NUMBER),
    **dict.fromkeys(("calls", "messages", "running"), _SWITCH),
    **dict.fromkeys(("layout", "value"), (_text, "a text")),
    "aliases": (_table_of(_text), "a table of texts"),
    "keys": _LISTS,
    "parts": _LISTS,
    "pattern": (
        _pattern,
        "a pattern without groups, `|`, `^` and `$`, in which at most one piece stands any number of times, such as "
        "[A-Za-z0-9]{9}",
    ),
    "values": (_numbers, "a list of whole numbers"),
}


def faults(kind: str, params: Mapping[str, Any]) -> list[str]:
    """Say which parameters of a rule are not what its kind takes: `parameter 'maximum': must be a whole number …`."""
    found = []
    for name, value in params.items():
        takes, what = _TEXTS if (kind, name) == ("key-names", "keys") else _SHAPES.get(name, _TEXTS)
        if not takes(value):
            found.append(f"parameter '{name}': must be {what}")
    return found
