"""The views of the layouts of chat sets: OpenAI's, pairs of texts, TRL's preference rows, ShareGPT's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ftdata.targets.example import PREFERRED, REJECTED, Hit, items_of, key_path, kind_of
from ftdata.targets.speech import Call, Image, Said, Speech, Text, messages_at, missing, pair_keys, said_at, unknown

_OPENAI_ROLES = {name: name for name in ("system", "developer", "user", "assistant", "tool", "function")}
_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id", "function_call"})


def _content(speech: Speech, said: Said, path: str, content: Any, *, optional: bool = False) -> None:
    """Take a content as OpenAI and its kin have it: a string, or an array of parts."""
    if isinstance(content, str):
        said.parts = False
        said.texts.append(Text(path, content))
        return
    if content is None:
        if not optional:
            speech.faults.append(Hit(path, "the content is missing or null"))
        return
    if not isinstance(content, list):
        speech.faults.append(Hit(path, f"the content is {kind_of(content)}, not a string or an array of parts"))
        return
    said.parts = True
    for i, part in enumerate(content):
        at = f"{path}[{i}]"
        if not isinstance(part, dict):
            speech.faults.append(Hit(at, f"the part is {kind_of(part)}, not an object"))
        elif part.get("type") in ("text", "refusal"):
            text = part.get(part["type"])
            if isinstance(text, str):
                said.texts.append(Text(f"{at}.{part['type']}", text))
            else:
                speech.faults.append(Hit(f"{at}.{part['type']}", "the text of the part is missing or no string"))
        elif part.get("type") == "image_url":
            holder = part.get("image_url")
            url = holder.get("url") if isinstance(holder, dict) else None
            said.images.append(Image(f"{at}.image_url.url", url if isinstance(url, str) else None))
        elif not isinstance(part.get("type"), str):
            speech.faults.append(Hit(f"{at}.type", "the type of the part is missing or no string"))


def _openai_turn(speech: Speech, path: str, message: Mapping[str, Any]) -> Said:
    said = said_at(path, message, _OPENAI_ROLES)
    calls = items_of(message.get("tool_calls"))
    for i, call in enumerate(calls):
        id_ = call.get("id") if isinstance(call, dict) else None
        at = f"{path}.tool_calls[{i}]"
        said.calls.append(Call(at, f"{at}.id", id_ if isinstance(id_, str) else None))
    if message.get("function_call") is not None:
        said.calls.append(Call(f"{path}.function_call", f"{path}.function_call", None))
    if said.role == "tool":
        id_ = message.get("tool_call_id")
        said.answers = Call(path, f"{path}.tool_call_id", id_ if isinstance(id_, str) else None)
    optional = said.role == "assistant" and bool(said.calls)
    _content(speech, said, f"{path}.content", message.get("content"), optional=optional)
    said.extra = unknown(path, message, _MESSAGE)
    return said


def _openai_tools(speech: Speech, holder: Mapping[str, Any], at: str) -> None:
    for key in ("tools", "parallel_tool_calls", "functions"):
        if holder.get(key) is not None:
            speech.about_tools.append(key_path(at, key))
    for i, tool in enumerate(items_of(holder.get("tools"))):
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            speech.tools.append((f"{key_path(at, 'tools')}[{i}].function", function))


_TOOL_KEYS = frozenset({"tools", "parallel_tool_calls", "functions"})


def openai(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    sides = [next((name for name in names if name in row), None) for names in (PREFERRED, REJECTED)]
    given = row.get("input")
    if any(sides) or ("messages" not in row and isinstance(given, dict)):
        speech.preference = True
        holder = given if isinstance(given, dict) else {}
        if not isinstance(given, dict):
            speech.faults.append(Hit("input", "input is missing or no object"))
        else:
            listed = messages_at(speech, "input.messages", holder.get("messages"), "messages" not in holder)
            speech.turns = [_openai_turn(speech, path, message) for path, message in listed]
        for name, names in zip(sides, (PREFERRED, REJECTED), strict=True):
            listed = messages_at(speech, name or names[0], row.get(name or names[0]), name is None)
            speech.sides.append((name or names[0], [_openai_turn(speech, *one) for one in listed]))
        _openai_tools(speech, holder, "input")
        speech.extra = unknown("", row, frozenset({"input", *PREFERRED, *REJECTED}))
        speech.extra += unknown("input", holder, frozenset({"messages"}) | _TOOL_KEYS)
        return
    listed = messages_at(speech, "messages", row.get("messages"), "messages" not in row)
    speech.turns = [_openai_turn(speech, path, message) for path, message in listed]
    _openai_tools(speech, row, "")
    speech.extra = unknown("", row, frozenset({"messages"}) | _TOOL_KEYS)
    speech.extra += [key for key in sorted(_TOOL_KEYS) if key in row and row[key] is None]


def prompt_completion(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    asked, answer = pair_keys(row)
    for key, role in ((asked, "user"), (answer, "assistant")):
        value = row.get(key)
        if isinstance(value, list):  # TRL's conversational form: a list of messages on each side
            for path, message in messages_at(speech, key, value, missing=False):
                speech.turns.append(_openai_turn(speech, path, message))
            continue
        said = Said(key, role, role, key, {})
        if isinstance(value, str):
            said.texts.append(Text(key, value))
        else:
            speech.faults.append(Hit(key, f"{key} is {missing(value)}, not a string"))
        speech.turns.append(said)
    speech.extra = unknown("", row, frozenset({asked, answer}))


_SIDES = ("chosen", "rejected")


def preference(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    speech.preference = True
    if "prompt" in row:
        speech.turns = _side(speech, "prompt", row["prompt"], "user")
    for key in _SIDES:
        if key in row:
            speech.sides.append((key, _side(speech, key, row[key], "assistant")))
        else:
            speech.faults.append(Hit(key, "the key is missing"))
    speech.about_tools += [key for key in ("tools",) if row.get(key) is not None]
    speech.extra = unknown("", row, frozenset({"prompt", *_SIDES, "tools"}))


def _side(speech: Speech, key: str, value: Any, role: str) -> list[Said]:
    if isinstance(value, str):
        return [Said(key, role, role, key, {}, [Text(key, value)])]
    return [_openai_turn(speech, *one) for one in messages_at(speech, key, value, missing=False)]


_SHAREGPT_ROLES = {"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
_SHAREGPT_ROLES |= {"function_call": "assistant", "observation": "tool", "tool": "tool"}


def sharegpt(speech: Speech) -> None:
    """See a row of this layout."""
    row = speech.row
    if row.get("system"):
        said = Said("system", "system", "system", "system", {})
        if isinstance(row["system"], str):
            said.texts.append(Text("system", row["system"]))
        else:
            speech.faults.append(Hit("system", f"system is {kind_of(row['system'])}, not a string"))
        speech.turns.append(said)
    for path, message in messages_at(speech, "conversations", row.get("conversations"), "conversations" not in row):
        said = said_at(path, message, _SHAREGPT_ROLES, "from")
        said.extra = unknown(path, message, frozenset({"from", "value"}))
        value = message.get("value")
        if isinstance(value, str):
            said.texts.append(Text(f"{path}.value", value))
        else:
            speech.faults.append(Hit(f"{path}.value", f"the value is {missing(value)}, not a string"))
        if said.word == "function_call":
            said.calls.append(Call(path, path, None))
        speech.turns.append(said)
    for key in _SIDES:  # the form for preference training: one message a side
        if key in row:
            speech.preference = True
            said = said_at(key, row[key] if isinstance(row[key], dict) else {}, _SHAREGPT_ROLES, "from")
            if not isinstance(said.message.get("value"), str):
                speech.faults.append(Hit(key, f"{key} is no message with from and value"))
            else:
                said.texts.append(Text(f"{key}.value", said.message["value"]))
            speech.sides.append((key, [said]))
    speech.about_tools += [key for key in ("tools",) if row.get(key)]
    known = {"conversations", "system", "tools", "images", "videos", "audios", *_SIDES}
    speech.extra = unknown("", row, frozenset(known))
