"""Settings that are open tables: TOML tables or JSON for the user, JSON text in the frozen stage."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema


def _text(given: Any) -> str | None:
    """Give a table as JSON text in one form; raise `ValueError` for what is none, or holds what JSON has not."""
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise ValueError("must be a table, or a JSON object") from None
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise ValueError("must be a table, or a JSON object")
    _finite(given)
    try:
        return json.dumps(given, ensure_ascii=False, sort_keys=True, default=dict)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("must hold texts, numbers, booleans, lists and tables only") from None


def _finite(given: Any) -> None:
    if isinstance(given, float) and not math.isfinite(given):
        raise ValueError("must hold numbers that are finite")
    for inner in given.values() if isinstance(given, Mapping) else given if isinstance(given, list | tuple) else ():
        _finite(inner)


def value(text: str | None) -> dict[str, Any]:
    """Give the table that a text holds; an empty one for none."""
    found: dict[str, Any] = {} if text is None else json.loads(text)
    return found


def _plain(text: str | None) -> dict[str, Any] | None:
    return None if text is None else value(text)


Table: TypeAlias = Annotated[
    str | None, PlainValidator(_text), PlainSerializer(_plain), WithJsonSchema({"type": "object"})
]
"""A setting that is a table; None where there is none."""
