"""Fixes of tools and the calls made of them."""

from __future__ import annotations

import copy
import re
import string
from collections import deque
from typing import Any

import xxhash

from ftdata.batch import dumps
from ftdata.transforms.fit.draft import Cost, Draft, Params, Turn, joined
from ftdata.writers.cargo import object_in

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def functions_to_tools(draft: Draft, _: Params) -> Cost | None:
    """Write the deprecated `functions` and `function_call` as tools, tool calls and tool messages.

    The n-th call gets the id `call_n`; the function message that follows it becomes the tool message that answers it.
    """
    waiting: deque[tuple[str, Any]] = deque()
    done, number = False, 0
    for _at, turn in draft.turns():
        call = turn.get("function_call")
        if isinstance(call, dict) and isinstance(call.get("name"), str) and not turn.get("tool_calls"):
            number += 1
            turn["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": call}]
            del turn["function_call"]
            waiting.append((f"call_{number}", call["name"]))
            done = True
        elif turn.get("role") == "function" and waiting and turn.get("name") in (None, waiting[0][1]):
            turn["role"], turn["tool_call_id"] = "tool", waiting.popleft()[0]
            turn.pop("name", None)
            done = True
    found = draft.holder.get("functions")
    if isinstance(found, list) and "tools" not in draft.holder and all(isinstance(f, dict) for f in found):
        draft.holder["tools"] = [{"type": "function", "function": function} for function in found]
        del draft.holder["functions"]
        done = True
    return "free" if done else None


def arguments_to_text(draft: Draft, _: Params) -> Cost | None:
    """Write the arguments of a call as a string of JSON; those that are missing or empty as `{}`."""
    done = False
    for call in _functions(draft):
        value = call.get("arguments")
        if isinstance(value, dict | list):
            call["arguments"] = dumps(value)
        elif value is None or (isinstance(value, str) and not value.strip()):
            call["arguments"] = "{}"
        else:
            continue
        done = True
    return "free" if done else None


def shorten_ids(draft: Draft, params: Params) -> Cost | None:
    """Give every call whose id the target refuses an id of nine letters and digits, and its answers the same.

    A rule says by its `pattern` which ids it takes. The new id is a stable hash of the old one, the same wherever
    that stands.
    """
    renamed: dict[str, str] = {}
    taken = {call["id"] for call in _calls(draft) if isinstance(call.get("id"), str)}
    takes = re.compile(params.get("pattern", "[A-Za-z0-9]{9}"))
    for call in _calls(draft):
        old = call.get("id")
        if isinstance(old, str) and not takes.fullmatch(old):
            renamed.setdefault(old, _hashed(old, taken | set(renamed.values())))
            call["id"] = renamed[old]
    for _, turn in draft.turns():
        asked = turn.get("tool_call_id")
        if isinstance(asked, str) and asked in renamed:
            turn["tool_call_id"] = renamed[asked]
    return "free" if renamed else None


_EMPTY: dict[str, Any] = {"description": "", "parameters": {"type": "object", "properties": {}}}


def complete_tools(draft: Draft, params: Params) -> Cost | None:
    """Give each tool the description and the parameters that it lacks: an empty text, an object without properties."""
    done, fields = False, params.get("fields", ("description", "parameters"))
    found = draft.holder.get("tools")
    for tool in found if isinstance(found, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            for key, value in _EMPTY.items():
                if key in fields and function.get(key) is None:
                    function[key] = copy.deepcopy(value)
                    done = True
    return "free" if done else None


def tools_to_text(draft: Draft, params: Params) -> Cost | None:
    """Tell calls and their results in words, and leave the definitions of the tools out: the calls are lost as calls.

    A call stands in the assistant's turn as `name(arguments)`, a result becomes a turn of the user.
    """
    if "tool" in params.get("roles", ()):
        return None
    done = False
    for _, turn in draft.turns():
        told = [f"{call['name']}({call.get('arguments') or ''})" for call in _made(turn)]
        if told:
            turn["content"] = joined(turn.get("content"), "\n".join(told))
        if turn.get("role") in ("tool", "function"):
            turn["role"] = "user"
            turn.pop("name", None)
            done = True
        for key in ("tool_calls", "function_call", "tool_call_id"):
            done |= turn.pop(key, None) is not None
    for holder in (draft.holder, draft.row):
        for key in ("tools", "functions", "parallel_tool_calls", "tool_choice", "function_call"):
            done |= holder.pop(key, None) is not None
    return "lost" if done else None


def wrap_results(draft: Draft, _: Params) -> Cost | None:
    """Write a result that is no JSON object as one: `{"result": "sent"}`."""
    turns = [turn for _, turn in draft.turns() if turn.get("role") == "tool" and isinstance(turn.get("content"), str)]
    odd = [turn for turn in turns if object_in(turn["content"]) is None]
    for turn in odd:
        turn["content"] = dumps({"result": turn["content"]})
    return "changed" if odd else None


def drop_parallel(draft: Draft, _: Params) -> Cost | None:
    """Take the switch `parallel_tool_calls` out of the row; it is kept beside it."""
    return "changed" if _shelved(draft, "parallel_tool_calls") else None


def _shelved(draft: Draft, key: str) -> bool:
    if key not in draft.holder:
        return False
    draft.keep("row", {key: draft.holder.pop(key)})
    return True


def _calls(draft: Draft) -> list[dict[str, Any]]:
    found = [turn.get("tool_calls") for _, turn in draft.turns()]
    return [call for calls in found if isinstance(calls, list) for call in calls if isinstance(call, dict)]


def _functions(draft: Draft) -> list[dict[str, Any]]:
    return [function for _, turn in draft.turns() for function in _made(turn)]


def _made(turn: Turn) -> list[dict[str, Any]]:
    calls = turn.get("tool_calls")
    listed = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [
        call
        for call in (*listed, turn.get("function_call"))
        if isinstance(call, dict) and isinstance(call.get("name"), str)
    ]


def _hashed(old: str, taken: set[str]) -> str:
    salt = 0
    while True:
        number, made = xxhash.xxh3_64_intdigest(old.encode("utf-8", "surrogatepass"), seed=salt), ""
        for _ in range(9):
            number, digit = divmod(number, len(_LETTERS))
            made += _LETTERS[digit]
        if made not in taken:
            return made
        salt += 1
