"""Rules about tools and the calls made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ftdata.targets.example import Example, Hit, Params, items_of, key_path, kind_of


def _call_fault(call: Any) -> tuple[str, str] | None:
    if not isinstance(call, dict):
        return "", f"the call is {kind_of(call)}, not an object"
    if not isinstance(call.get("id"), str):
        return ".id", "the id of the call is missing or no string"
    if call.get("type") != "function":
        return ".type", 'the type of the call is not "function"'
    if not isinstance(call.get("function"), dict):
        return ".function", "the function of the call is missing or no object"
    if not isinstance(call["function"].get("name"), str):
        return ".function.name", "the name of the function is missing or no string"
    return None


def tool_calls(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `tool_calls` to be an array of calls with id, type and function name."""
    for turn in ex.turns:
        calls = turn.message.get("tool_calls")
        if calls is None or turn.role != "assistant":
            continue
        if not isinstance(calls, list):
            yield Hit(f"{turn.path}.tool_calls", f"tool_calls is {kind_of(calls)}, not an array")
            continue
        for i, call in enumerate(calls):
            if (fault := _call_fault(call)) is not None:
                yield Hit(f"{turn.path}.tool_calls[{i}]{fault[0]}", fault[1])


def _functions_called(ex: Example) -> Iterator[tuple[str, dict[str, Any]]]:
    for turn in ex.turns:
        if turn.role != "assistant":
            continue
        calls = turn.message.get("tool_calls")
        for i, call in enumerate(calls if isinstance(calls, list) else ()):
            if _call_fault(call) is None:
                yield f"{turn.path}.tool_calls[{i}].function", call["function"]
        call = turn.message.get("function_call")
        if isinstance(call, dict) and isinstance(call.get("name"), str):
            yield f"{turn.path}.function_call", call


def arguments_string(ex: Example, _: Params) -> Iterator[Hit]:
    """Want the arguments of a call to be a string."""
    for path, function in _functions_called(ex):
        value = function.get("arguments")
        if value is None:
            yield Hit(f"{path}.arguments", "the arguments are missing")
        elif not isinstance(value, str):
            yield Hit(f"{path}.arguments", f"the arguments are {kind_of(value)}, not a string that holds JSON")


def arguments_json(ex: Example, _: Params) -> Iterator[Hit]:
    """Want the arguments of a call to hold a JSON object."""
    for path, function in _functions_called(ex):
        value = function.get("arguments")
        if isinstance(value, str):
            try:
                parsed = orjson.loads(value)
            except ValueError:
                yield Hit(f"{path}.arguments", "the string does not hold valid JSON")
            else:
                if not isinstance(parsed, dict):
                    yield Hit(f"{path}.arguments", f"the string holds {kind_of(parsed)}, not an object")


def tool_call_id(ex: Example, _: Params) -> Iterator[Hit]:
    """Want a tool message to say which call it answers."""
    for turn in ex.turns:
        if turn.role == "tool" and not isinstance(turn.message.get("tool_call_id"), str):
            yield Hit(f"{turn.path}.tool_call_id", "the tool_call_id is missing or no string")


def tool_answer(ex: Example, _: Params) -> Iterator[Hit]:
    """Want a tool message to answer a call made earlier."""
    for turn in ex.turns:
        if turn.role == "tool" and isinstance(turn.message.get("tool_call_id"), str) and not turn.answers:
            yield Hit(f"{turn.path}.tool_call_id", "no earlier call has this id")


def function_call(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `function_call` to be an object with a name."""
    for turn in ex.turns:
        call = turn.message.get("function_call")
        if call is None or turn.role != "assistant":
            continue
        if not isinstance(call, dict):
            yield Hit(f"{turn.path}.function_call", f"function_call is {kind_of(call)}, not an object")
        elif not isinstance(call.get("name"), str):
            yield Hit(f"{turn.path}.function_call.name", "the name of the function is missing or no string")


def _definition_fault(function: Any) -> tuple[str, str] | None:
    if not isinstance(function, dict):
        return "", f"the function is {kind_of(function)}, not an object"
    if not isinstance(function.get("name"), str):
        return ".name", "the name of the function is missing or no string"
    if function.get("description") is not None and not isinstance(function["description"], str):
        return ".description", "the description is no string"
    if function.get("parameters") is not None and not isinstance(function["parameters"], dict):
        return ".parameters", "the parameters are no object"
    return None


def tools(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `tools` to be an array of function definitions."""
    value, path = ex.holder.get("tools"), key_path(ex.at, "tools")
    if value is not None and not isinstance(value, list):
        yield Hit(path, f"tools is {kind_of(value)}, not an array")
    for i, tool in enumerate(items_of(value)):
        if not isinstance(tool, dict):
            yield Hit(f"{path}[{i}]", f"the tool is {kind_of(tool)}, not an object")
        elif tool.get("type") != "function":
            yield Hit(f"{path}[{i}].type", 'the type of the tool is not "function"')
        elif (fault := _definition_fault(tool.get("function"))) is not None:
            yield Hit(f"{path}[{i}].function{fault[0]}", fault[1])


def parallel_tool_calls(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `parallel_tool_calls` to be a boolean."""
    value = ex.holder.get("parallel_tool_calls")
    if value is not None and not isinstance(value, bool):
        path = key_path(ex.at, "parallel_tool_calls")
        yield Hit(path, f"parallel_tool_calls is {kind_of(value)}, not true or false")


def functions(ex: Example, params: Params) -> Iterator[Hit]:
    """Want `functions` to be an array of `minimum` to `maximum` definitions."""
    value, path = ex.row.get("functions"), "functions"
    if value is None:
        return
    if not isinstance(value, list):
        yield Hit(path, f"functions is {kind_of(value)}, not an array")
        return
    if not params["minimum"] <= len(value) <= params["maximum"]:
        yield Hit(path, f"there are {len(value)} functions; {params['minimum']} to {params['maximum']} are allowed")
    for i, function in enumerate(value):
        if (fault := _definition_fault(function)) is not None:
            yield Hit(f"{path}[{i}]{fault[0]}", fault[1])


def deprecated(ex: Example, params: Params) -> Iterator[Hit]:
    """Name keys of the `row` and of a `message`, and `roles`, that the vendor calls deprecated."""
    for key in params["row"]:
        if ex.row.get(key) is not None:
            yield Hit(key, f"{key} is deprecated")
    for turn in ex.turns:
        if turn.role in params["roles"]:
            yield Hit(f"{turn.path}.role", f"the role {turn.role} is deprecated")
        for key in params["message"]:
            if turn.message.get(key) is not None:
                yield Hit(f"{turn.path}.{key}", f"{key} is deprecated")
