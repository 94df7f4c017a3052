"""Rules about tools and the calls made of them, on a row in whatever layout it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from ftdata.targets.example import Hit, Params, items_of, kind_of
from ftdata.targets.speech import Said, Speech


def tool_turns(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want the answers of tools behind the assistant's turn that calls them, as many as calls, then the assistant.

    The calls of the last turn are learnt, so one of them needs no answer.
    """
    talk = speech.talk()
    if any(turn.role is None for turn in talk):
        return
    before, unanswered = "assistant", 0
    for turn in talk:
        if turn.role == "tool":
            if before not in ("assistant", "tool"):
                yield Hit(turn.role_path, f"an answer of a tool stands behind a turn of the {before}")
            unanswered -= 1
        elif before == "tool" and turn.role != "assistant":
            yield Hit(turn.role_path, f"a turn of the {turn.role} stands behind an answer of a tool")
        if turn.role == "assistant":
            if unanswered:
                yield Hit(turn.role_path, f"calls before this turn less their answers: {unanswered}, not 0")
            unanswered = len(turn.calls)
        before = str(turn.role)
    if unanswered not in (0, 1):
        yield Hit(talk[-1].role_path, f"calls less their answers at the end: {unanswered}, not 0 or 1")


def function_name(speech: Speech, params: Params) -> Iterator[Hit]:
    """Want the names of functions, where they are defined and where they are called, to have this `pattern`."""
    fits = re.compile(params["pattern"]).fullmatch
    for path, function in speech.tools:
        if isinstance(function.get("name"), str) and not fits(function["name"]):
            yield Hit(f"{path}.name", f"the name of the function does not have the form {params['pattern']}")
    for turn in speech.all():
        for path, name in _called(turn):
            if not fits(name):
                yield Hit(path, f"the name of the function does not have the form {params['pattern']}")


def _called(turn: Said) -> Iterator[tuple[str, str]]:
    for i, call in enumerate(items_of(turn.message.get("tool_calls"))):
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield f"{turn.path}.tool_calls[{i}].function.name", function["name"]


def tools_array(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want `tools` to be an array of objects, or a text that holds one."""
    value: Any = speech.row.get("tools")
    if value is None:
        return
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            yield Hit("tools", "the string does not hold valid JSON")
            return
    if not isinstance(value, list):
        yield Hit("tools", f"tools is {kind_of(value)}, not an array")
    for i, tool in enumerate(items_of(value)):
        if not isinstance(tool, dict):
            yield Hit(f"tools[{i}]", f"the tool is {kind_of(tool)}, not an object")


def tools_text(speech: Speech, _: Params) -> Iterator[Hit]:
    """Want `tools` of a ShareGPT row to be a text (of JSON)."""
    value = speech.row.get("tools")
    if speech.layout == "sharegpt" and value is not None and not isinstance(value, str):
        yield Hit("tools", f"tools is {kind_of(value)}, not a string that holds JSON")
