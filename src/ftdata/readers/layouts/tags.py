"""Calls of tools written into a text between tags, as Hermes and Qwen have them: `<tool_call>` and its kin."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import from_json
from ftdata.readers.layouts.turns import call_of

LEFT = re.compile(r"</?(?:tool_call|tool_response|tools)>")
_LONGEST = 1_000_000
# Where the words begin that tell a model of such tags: Hermes' system prompt, Qwen's (from its chat template).
_TOLD = re.compile(r"\s*(?:You are a function calling AI model\.|# Tools\s+You may call one or more functions)")


def calls_of(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Take the calls out of a text; give what is left, and the calls."""
    inside, outside = between(text, "tool_call")
    if not inside:
        return text, []
    return "\n".join(piece for piece in outside if piece), [call_of(_value(found)) for found in inside]


def answers_of(text: str) -> list[str] | None:
    """Give the tools' answers that a text consists of; None: there is something else in it."""
    inside, outside = between(text, "tool_response")
    return inside if inside and not any(outside) else None


def between(text: str, tag: str) -> tuple[list[str], list[str]]:
    """Give what stands between a tag and its end, each time, and the pieces outside, without the space around them."""
    inside, outside, at = list[str](), list[str](), 0
    opening, closing = f"<{tag}>", f"</{tag}>"
    while (start := text.find(opening, at)) >= 0 and (end := text.find(closing, start)) >= 0:
        outside.append(text[at:start].strip())
        inside.append(text[start + len(opening) : end].strip())
        at = end + len(closing)
    return inside, [*outside, text[at:].strip()]


def _value(text: str) -> Any:
    """Read a call: JSON, or what Python writes for a dict, as part of Hermes' data has it."""
    try:
        return from_json(text, "bad-tool-call")
    except RowError:
        if len(text) > _LONGEST:
            raise
    try:
        value = ast.literal_eval(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise RowError("bad-tool-call") from None
    return value


def tools_in(system: str) -> tuple[str, str | None, str]:
    """Take definitions of tools out of a system message.

    Gives what is left of the message, the definitions (JSON text; null: none), and what was taken out. Only words that
    are known to tell a model of the tags are taken out with them.
    """
    for found in between(system, "tools")[0]:
        listed = _definitions(found)
        if listed is not None:
            told = _TOLD.search(system)
            if told is None:
                return system, dumps(listed), ""
            return system[: told.start()].strip(), dumps(listed), system[told.start() :].strip()
    return system, None, ""


def _definitions(text: str) -> list[Any] | None:
    """Read definitions: a list, or one a line."""
    if not text.startswith(("[", "{")):
        return None
    try:
        found = from_json(text, "")
    except RowError:
        try:
            found = [from_json(line, "") for line in text.split("\n") if line.strip()]
        except RowError:
            return None
    return found if isinstance(found, list) else [found]
