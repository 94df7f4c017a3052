"""For every rule about a row: lines that keep it and lines that break it, and only it."""

from __future__ import annotations

import json
from typing import Any

USER = {"role": "user", "content": "Where is my order?"}
ANSWER = {"role": "assistant", "content": "It leaves today."}
CALL = {"id": "c1", "type": "function", "function": {"name": "status", "arguments": '{"id": 1}'}}
CALLING = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "sent"}
TOOL = {"type": "function", "function": {"name": "status", "description": "d", "parameters": {"type": "object"}}}
DATA = "data:image/png;base64,"


def row(*messages: Any, **more: Any) -> str:
    """Write a supervised (or reinforcement) row."""
    return json.dumps({"messages": list(messages), **more}, ensure_ascii=False)


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """Write a message."""
    return {"role": role, "content": content, **more}


def pair(messages: Any = (USER,), yes: Any = (ANSWER,), no: Any = (ANSWER,), **more: Any) -> str:
    """Write a preference row."""
    return json.dumps({"input": {"messages": messages}, "preferred_output": yes, "non_preferred_output": no, **more})


def image(url: str = "https://example.com/a.png") -> dict[str, Any]:
    """Write an image part."""
    return {"type": "image_url", "image_url": {"url": url}}


def call(**changes: Any) -> dict[str, Any]:
    """Write an assistant message with a call that differs in some fields."""
    return {"role": "assistant", "tool_calls": [{**CALL, **changes}]}


TEXT = {"type": "text", "text": "hi"}
REFUSAL = {"type": "refusal", "refusal": "no"}
PLAIN = row(USER, ANSWER)
# The replaced message in a row that is otherwise sound.
LEGACY_CALL = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}

# code -> (lines that pass, [(line that fails, path of the finding)])
ROWS: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "openai-json": (
        [PLAIN, " " + PLAIN + " "],
        [("{'messages': []}", ""), (PLAIN[:-1], ""), (PLAIN + ",", ""), ('{"messages": NaN}', ""), ("x", "")],
    ),
    "openai-row-object": ([PLAIN], [(f"[{PLAIN}]", ""), ("null", ""), ('"text"', ""), ("1.5", ""), ("true", "")]),
    "openai-legacy-row": (
        [row(said("user", "Card charged twice"), said("assistant", "billing"))],
        [('{"prompt":"Card charged twice\\n\\n###\\n\\n","completion":" billing END"}', "")],
    ),
    "openai-messages": (
        [PLAIN],
        [
            ("{}", "messages"),
            ('{"messages":[]}', "messages"),
            ('{"messages":"x"}', "messages"),
            ('{"messages":null}', "messages"),
            ('{"messages":{"role":"user"}}', "messages"),
        ],
    ),
    "openai-message-object": (
        [PLAIN],
        [
            (row(USER, "hi", ANSWER), "messages[1]"),
            (row(USER, None), "messages[1]"),
            (pair(messages=[USER, 5]), "input.messages[1]"),
        ],
    ),
    "openai-top-level-key": (
        [row(USER, ANSWER, tools=[TOOL]), row(USER, reference_label="billing")],
        [
            (row(USER, ANSWER, ticket_id=7), "ticket_id"),
            (row(USER, ANSWER, **{"a b@c": 7}), "*"),
            (pair(ticket_id=7), "ticket_id"),
            (json.dumps({**json.loads(pair()), "input": {"messages": [USER], "n": 1}}), "input.n"),
        ],
    ),
    "openai-role": (
        [row(said("system", "s"), USER, ANSWER)],
        [
            (row(said("human", "x"), ANSWER), "messages[0].role"),
            (row(USER, said("Assistant", "x")), "messages[1].role"),
            (row({"content": "x"}, ANSWER), "messages[0].role"),
            (row(said(3, "x"), ANSWER), "messages[0].role"),
        ],  # type: ignore[arg-type]
    ),
    "openai-developer-role": (
        [row(said("developer", "s"), USER, answer="x")],
        [(row(said("developer", "s"), USER, ANSWER), "messages[0].role")],
    ),
    "openai-message-key": (
        [row(USER, CALLING, RESULT, ANSWER)],
        [
            (row({**USER, "time": 3}, ANSWER), "messages[0].time"),
            (row({**USER, "tool_calls": [CALL]}, ANSWER), "messages[0].tool_calls"),
        ],
    ),
    "openai-content-missing": (
        [row(USER, CALLING), row(USER, {**CALLING, "content": None})],
        [
            (row({"role": "user"}, ANSWER), "messages[0].content"),
            (row(USER, {"role": "assistant"}), "messages[1].content"),
            (row(USER, {"role": "assistant", "content": None, "tool_calls": []}), "messages[1].content"),
            (row(USER, CALLING, {**RESULT, "content": None}, ANSWER), "messages[2].content"),
        ],
    ),
    "openai-content-type": (
        [PLAIN],
        [
            (row(said("user", 5), ANSWER), "messages[0].content"),
            (row(USER, said("assistant", {})), "messages[1].content"),
        ],
    ),
    "openai-content-empty": (
        [PLAIN, row(USER, {**CALLING, "content": ""})],
        [
            (row(USER, said("assistant", "")), "messages[1].content"),
            (row(said("user", " \n"), ANSWER), "messages[0].content"),
        ],
    ),
    "openai-content-parts": (
        [row(said("user", [TEXT, image()]), said("assistant", [TEXT]))],
        [
            (row(said("user", []), ANSWER), "messages[0].content"),
            (row(said("user", ["x"]), ANSWER), "messages[0].content[0]"),
            (row(said("user", [{"text": "x"}]), ANSWER), "messages[0].content[0].type"),
            (row(said("user", [{"type": "text"}]), ANSWER), "messages[0].content[0].text"),
            (
                row(said("user", [{"type": "image_url", "image_url": "http://x"}]), ANSWER),
                "messages[0].content[0].image_url.url",
            ),
        ],
    ),
    "openai-part-type": (
        [row(said("user", [image()]), ANSWER), row(USER, said("assistant", [REFUSAL]))],
        [
            (row(USER, said("assistant", [image()])), "messages[1].content[0].type"),
            (row(said("system", [image()]), USER, ANSWER), "messages[0].content[0].type"),
            (row(said("user", [{"type": "video"}]), ANSWER), "messages[0].content[0].type"),
        ],
    ),
    "openai-part-unverified": (
        [row(said("user", [TEXT]), ANSWER)],
        [(row(said("user", [{"type": "input_audio", "input_audio": {}}]), ANSWER), "messages[0].content[0].type")],
    ),
    "openai-refusal-alone": (
        [row(USER, said("assistant", [REFUSAL]))],
        [(row(USER, said("assistant", [TEXT, REFUSAL])), "messages[1].content[1]")],
    ),
    "openai-name": (
        [row({**USER, "name": "ann"}, ANSWER)],
        [(row({**USER, "name": 5}, ANSWER), "messages[0].name")],
    ),
    "openai-weight": (
        [row(USER, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1})],
        [(row(USER, {**ANSWER, "weight": value}), "messages[1].weight") for value in (0.5, 1.0, "1", True, 2, -1, [1])],
    ),
    "openai-weight-role": ([PLAIN], [(row({**USER, "weight": 1}, ANSWER), "messages[0].weight")]),
    "openai-weight-none": (
        [row(USER, {**ANSWER, "weight": 0}, USER, ANSWER)],
        [(row(USER, {**ANSWER, "weight": 0}), "messages"), (row(USER, *[{**ANSWER, "weight": 0}] * 2), "messages")],
    ),
    "openai-tool-calls": (
        [row(USER, CALLING, tools=[TOOL])],
        [
            (row(USER, {**ANSWER, "tool_calls": "x"}), "messages[1].tool_calls"),
            (row(USER, {**ANSWER, "tool_calls": ["x"]}), "messages[1].tool_calls[0]"),
            (row(USER, call(id=None)), "messages[1].tool_calls[0].id"),
            (row(USER, call(type="tool")), "messages[1].tool_calls[0].type"),
            (row(USER, call(function="status")), "messages[1].tool_calls[0].function"),
            (row(USER, call(function={"arguments": "{}"})), "messages[1].tool_calls[0].function.name"),
        ],
    ),
    "openai-arguments-string": (
        [row(USER, CALLING)],
        [
            (row(USER, call(function={"name": "f", "arguments": {}})), "messages[1].tool_calls[0].function.arguments"),
            (row(USER, call(function={"name": "f"})), "messages[1].tool_calls[0].function.arguments"),
        ],
    ),
    "openai-arguments-json": (
        [row(USER, CALLING)],
        [
            (row(USER, call(function={"name": "f", "arguments": text})), "messages[1].tool_calls[0].function.arguments")
            for text in ("", "{id: 1}", "[1]", '"x"', '{"a": NaN}')
        ],
    ),
    "openai-tool-call-id": (
        [row(USER, CALLING, RESULT, ANSWER)],
        [
            (row(USER, CALLING, said("tool", "sent"), ANSWER), "messages[2].tool_call_id"),
            (row(USER, CALLING, {**RESULT, "tool_call_id": 5}, ANSWER), "messages[2].tool_call_id"),
        ],
    ),
    "openai-tool-answer": (
        [row(USER, CALLING, RESULT, ANSWER)],
        [
            (row(USER, CALLING, {**RESULT, "tool_call_id": "c2"}, ANSWER), "messages[2].tool_call_id"),
            (row(USER, RESULT, CALLING, ANSWER), "messages[1].tool_call_id"),
        ],
    ),
    "openai-tools": (
        [row(USER, ANSWER, tools=[TOOL]), row(USER, ANSWER, tools=[]), row(USER, ANSWER, tools=None)],
        [
            (row(USER, ANSWER, tools={}), "tools"),
            (row(USER, ANSWER, tools=["x"]), "tools[0]"),
            (row(USER, ANSWER, tools=[{"function": {"name": "f"}}]), "tools[0].type"),
            (row(USER, ANSWER, tools=[{"type": "function"}]), "tools[0].function"),
            (row(USER, ANSWER, tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
            (
                row(USER, ANSWER, tools=[{"type": "function", "function": {"name": "f", "parameters": "x"}}]),
                "tools[0].function.parameters",
            ),
            (json.dumps({**json.loads(pair()), "input": {"messages": [USER], "tools": 1}}), "input.tools"),
        ],
    ),
    "openai-parallel-tool-calls": (
        [row(USER, ANSWER, tools=[TOOL], parallel_tool_calls=False)],
        [
            (row(USER, ANSWER, parallel_tool_calls="false"), "parallel_tool_calls"),
            (row(USER, ANSWER, parallel_tool_calls=0), "parallel_tool_calls"),
        ],
    ),
    "openai-image-count": (
        [row(said("user", [image()] * 64), ANSWER)],
        [(row(said("user", [image()] * 65), ANSWER), "messages")],
    ),
    "openai-image-type": (
        [row(said("user", [image(DATA + "AAAA")]), ANSWER)],
        [(row(said("user", [image("data:image/gif;base64,AAAA")]), ANSWER), "messages[0].content[0].image_url.url")],
    ),
    "openai-image-size": (
        [row(said("user", [image(DATA + "A" * 1000)]), ANSWER)],
        [(row(said("user", [image(DATA + "A" * 13_400_000)]), ANSWER), "messages[0].content[0].image_url.url")],
    ),
    "openai-no-assistant": (
        [PLAIN],
        [(row(USER), "messages"), (row(said("system", "s"), USER), "messages")],
    ),
    "openai-last-message": (
        [row(USER, ANSWER, USER, ANSWER), row(USER, ANSWER, ANSWER)],
        [(row(USER, ANSWER, USER), "messages[2].role"), (row(USER, CALLING, RESULT), "messages[2].role")],
    ),
    "openai-no-user": ([PLAIN], [(row(said("system", "s"), ANSWER), "messages"), (row(ANSWER), "messages")]),
    "openai-rft-last-message": (
        [row(USER, reference_label="billing"), row(USER, ANSWER, USER, reference_label="billing")],
        [(row(USER, said("system", "s"), reference_label="billing"), "messages[1].role")],
    ),
    "openai-dpo-input": (
        [pair()],
        [
            (json.dumps({"preferred_output": [ANSWER], "non_preferred_output": [ANSWER]}), "input"),
            (pair(messages=[]), "input.messages"),
            (pair(messages="x"), "input.messages"),
        ],
    ),
    "openai-dpo-side": (
        [pair()],
        [
            (pair(yes=[]), "preferred_output"),
            (pair(no="x"), "non_preferred_output"),
            (pair(no=[USER]), "non_preferred_output[0].role"),
            (json.dumps({"input": {"messages": [USER]}, "preferred_output": [ANSWER]}), "non_preferred_output"),
        ],
    ),
    "openai-dpo-one-turn": ([pair()], [(pair(yes=[ANSWER, ANSWER]), "preferred_output")]),
    "openai-dpo-history": (
        [pair(messages=[said("system", "s"), USER])],
        [(pair(messages=[USER, ANSWER, USER]), "input.messages")],
    ),
    "openai-dpo-text-only": (
        [pair(messages=[said("user", [TEXT])])],
        [(pair(messages=[said("user", [TEXT, image()])]), "input.messages[0].content[1].type")],
    ),
    "openai-dpo-keys": (
        [pair()],
        [
            (
                json.dumps(
                    {"input": {"messages": [USER]}, "preferred_completion": [ANSWER], "non_preferred_output": [ANSWER]}
                ),
                "preferred_completion",
            )
        ],
    ),
}

# Rules about the deprecated keys: a breach of one of them comes with the warning that the key is deprecated.
DEPRECATED: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "openai-deprecated": (
        [PLAIN],
        [
            (row(USER, LEGACY_CALL, said("function", "sent", name="f"), ANSWER), "messages[1].function_call"),
            (row(USER, ANSWER, functions=[{"name": "f"}]), "functions"),
        ],
    ),
    "openai-function-call": (
        [row(USER, LEGACY_CALL)],
        [
            (row(USER, {**ANSWER, "function_call": "f"}), "messages[1].function_call"),
            (row(USER, {**ANSWER, "function_call": {"arguments": "{}"}}), "messages[1].function_call.name"),
        ],
    ),
    "openai-functions": (
        [row(USER, ANSWER, functions=[{"name": "f"}] * 128)],
        [(row(USER, ANSWER, functions=functions), "functions") for functions in ([], [{"name": "f"}] * 129, "x")]
        + [(row(USER, ANSWER, functions=[{}]), "functions[0].name")],
    ),
}
