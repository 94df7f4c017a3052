"""Rows with one fault each, made on purpose: what each target is to say of them, and where.

`SEEDED` lists them: the layout that the row is written in, the line, and for each target that has something against it
the code and the path of its one finding. `several` names the targets that have more than one; every other target has
none. `GOOD` is a sound row of each layout.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Seeded(NamedTuple):
    """One row with a fault."""

    name: str
    layout: str
    line: str
    found: dict[str, tuple[str, str]]  # target -> (code, path)
    several: frozenset[str] = frozenset()


HOSTED = " openai azure fireworks nebius alibaba bedrock-rft "
LOCAL = "trl axolotl mlx-lm unsloth "
PAIRED = HOSTED.replace("bedrock-rft ", "")
CHAT = HOSTED + "mistral together " + LOCAL
OTHERS = " nova claude gemini cohere oci watsonx llama-factory "
EVERY = CHAT + OTHERS


def seeded(name: str, layout: str, value: Any, *found: tuple[str, str, str], several: str = "") -> Seeded:
    """Make one: `found` are a rule without its target, the path, and the targets."""
    told = {target: (f"{target}-{rule}", path) for rule, path, targets in found for target in targets.split()}
    return Seeded(name, layout, json.dumps(value, ensure_ascii=False), told, frozenset(several.split()))


USER = {"role": "user", "content": "Where is my order?"}
ANSWER = {"role": "assistant", "content": "It leaves today."}
SYSTEM = {"role": "system", "content": "Be brief."}
CALL = {"id": "TX92Jm8Zi", "type": "function", "function": {"name": "status", "arguments": '{"id": 1}'}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "TX92Jm8Zi", "content": "sent"}
TOOL = {
    "type": "function",
    "function": {"name": "status", "description": "State of an order", "parameters": {"type": "object"}},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT = {"type": "text", "text": "What is this?"}


def row(*messages: Any, **more: Any) -> dict[str, Any]:
    """Write a row of OpenAI's layout."""
    return {"messages": list(messages), **more}


def pair(messages: Any, yes: Any, no: Any) -> dict[str, Any]:
    """Write a preference row of OpenAI's layout."""
    return {"input": {"messages": messages}, "preferred_output": yes, "non_preferred_output": no}


def nova(*messages: Any) -> dict[str, Any]:
    """Write a row of Nova's layout."""
    return {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "Be brief."}], "messages": list(messages)}


def block(role: str, text: str) -> dict[str, Any]:
    """Write a message of Nova's layout."""
    return {"role": role, "content": [{"text": text}]}


def gemini(*contents: Any) -> dict[str, Any]:
    """Write a row of Gemini's layout."""
    return {"systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]}, "contents": list(contents)}


def part(role: str, text: str) -> dict[str, Any]:
    """Write a message of Gemini's layout."""
    return {"role": role, "parts": [{"text": text}]}


def talk(*turns: tuple[str, Any]) -> dict[str, Any]:
    """Write a row of ShareGPT's layout."""
    return {"conversations": [{"from": who, "value": text} for who, text in turns]}


def cohere(*turns: tuple[str, Any]) -> dict[str, Any]:
    """Write a row of Cohere's layout."""
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


HI, HELLO = block("user", "Hi"), block("assistant", "Hello")
ASK, TELL = part("user", "Hi"), part("model", "Hello")
HUMAN, GPT = ("human", "Hi"), ("gpt", "Hello")

GOOD: dict[str, dict[str, Any]] = {
    "openai-chat": row(USER, ANSWER),
    "nova": nova(HI, HELLO),
    "claude": {"system": "Be brief.", "messages": [USER, ANSWER]},
    "gemini": gemini(ASK, TELL),
    "cohere": cohere(("User", "Hi"), ("Chatbot", "Hello")),
    "prompt-completion": {"prompt": "Hi", "completion": "Hello"},
    "sharegpt": talk(HUMAN, GPT),
    "preference": {"prompt": [USER], "chosen": [ANSWER], "rejected": [ANSWER]},
}
"""A sound row of each layout."""

SEEDED: list[Seeded] = [
    seeded(
        "role-alias",
        "openai-chat",
        row({"role": "human", "content": "Hi"}, ANSWER),
        ("role", "messages[0].role", EVERY),
    ),
    seeded(
        "role-missing",
        "openai-chat",
        row({"content": "Hi"}, ANSWER),
        ("role", "messages[0].role", EVERY),
    ),
    seeded(
        "role-developer",
        "openai-chat",
        row({"role": "developer", "content": "Be brief."}, USER, ANSWER),
        ("developer-role", "messages[0].role", HOSTED.replace("fireworks ", "")),
        ("role", "messages[0].role", OTHERS + "mistral together fireworks"),
    ),
    seeded(
        "two-users",
        "openai-chat",
        row(USER, {"role": "user", "content": "Hello?"}, ANSWER),
        ("alternation", "messages[1].role", "nova claude gemini mistral together fireworks"),
        ("positions", "messages[1].role", "llama-factory"),
        ("one-exchange", "messages[1]", "oci watsonx"),
    ),
    seeded(
        "two-assistants",
        "openai-chat",
        row(USER, ANSWER, {"role": "assistant", "content": "At noon."}),
        ("alternation", "messages[2].role", "nova claude gemini mistral together fireworks"),
        ("positions", "messages[2].role", "llama-factory"),
        ("one-exchange", "messages[2]", "oci watsonx"),
    ),
    seeded(
        "ends-with-user",
        "openai-chat",
        row(USER, ANSWER, USER),
        ("last-message", "messages[2].role", HOSTED + "mistral"),
        ("last-assistant", "messages[2].role", "nova claude gemini"),
        ("positions", "messages[2].role", "llama-factory"),
        ("one-exchange", "messages[2]", "oci watsonx"),
    ),
    seeded(
        "starts-with-assistant",
        "openai-chat",
        row(ANSWER, USER, ANSWER),
        ("first-user", "messages[0].role", "nova claude"),
        ("positions", "messages[0].role", "llama-factory"),
        ("one-exchange", "messages[2]", "oci watsonx"),
    ),
    seeded(
        "no-assistant",
        "openai-chat",
        row(SYSTEM, USER),
        ("no-assistant", "messages", CHAT),
        ("last-assistant", "messages[1].role", "nova claude gemini"),
        ("positions", "messages[1].role", "llama-factory"),
        ("role", "messages[0].role", "oci watsonx"),
    ),
    seeded(
        "system-later",
        "openai-chat",
        row(USER, SYSTEM, ANSWER),
        ("system-first", "messages[1].role", "nova claude gemini together fireworks llama-factory"),
        ("role", "messages[1].role", "oci watsonx"),
    ),
    seeded(
        "two-systems",
        "openai-chat",
        row(SYSTEM, SYSTEM, USER, ANSWER),
        ("system-first", "messages[1].role", "nova claude gemini fireworks llama-factory"),
        ("alternation", "messages[1].role", "together"),
        ("one-system", "messages[1].role", "mistral"),
        several="oci watsonx",
    ),
    seeded(
        "content-missing",
        "openai-chat",
        row(USER, {"role": "assistant"}),
        ("content-missing", "messages[1].content", CHAT),
        ("shape", "messages[1].content", OTHERS),
    ),
    seeded(
        "content-null",
        "openai-chat",
        row({"role": "user", "content": None}, ANSWER),
        ("content-missing", "messages[0].content", CHAT),
        ("shape", "messages[0].content", OTHERS),
    ),
    seeded(
        "content-number",
        "openai-chat",
        row({"role": "user", "content": 5}, ANSWER),
        ("content-type", "messages[0].content", CHAT),
        ("shape", "messages[0].content", OTHERS),
    ),
    seeded(
        "content-empty",
        "openai-chat",
        row(USER, {"role": "assistant", "content": ""}),
        ("content-or-calls", "messages[1].content", "mistral"),
        ("text-empty", "messages[1].content", "nova"),
        ("content-empty", "messages[1].content", HOSTED + "trl axolotl mlx-lm unsloth"),
    ),
    seeded(
        "message-string",
        "openai-chat",
        row(USER, "hi", ANSWER),
        ("message-object", "messages[1]", CHAT),
        ("shape", "messages[1]", OTHERS),
    ),
    seeded(
        "messages-empty",
        "openai-chat",
        row(),
        ("messages", "messages", CHAT),
        ("shape", "messages", OTHERS),
    ),
    seeded(
        "messages-object",
        "openai-chat",
        {"messages": {"role": "user"}},
        ("messages", "messages", CHAT),
        ("shape", "messages", OTHERS),
    ),
    seeded(
        "weight-fraction",
        "openai-chat",
        row(USER, {**ANSWER, "weight": 0.5}),
        ("weight", "messages[1].weight", CHAT),
        ("other-key", "messages[1].weight", "nova claude"),
    ),
    seeded(
        "weight-on-user",
        "openai-chat",
        row({**USER, "weight": 1}, ANSWER),
        ("weight-role", "messages[0].weight", HOSTED + "mistral trl axolotl mlx-lm unsloth"),
        ("other-key", "messages[0].weight", "nova claude"),
    ),
    seeded(
        "weight-zero-only",
        "openai-chat",
        row(USER, {**ANSWER, "weight": 0}),
        ("weight-none", "messages", HOSTED + "mistral together"),
        ("weights-ignored", "messages[1].weight", LOCAL),
        ("other-key", "messages[1].weight", "nova claude"),
    ),
    seeded(
        "weight-null",
        "openai-chat",
        row(USER, {**ANSWER, "weight": None}),
        ("weight-null", "messages[1].weight", "together"),
        ("other-key", "messages[1].weight", "nova claude"),
    ),
    seeded(
        "tools-null",
        "openai-chat",
        row(USER, ANSWER, tools=None),
        ("other-key", "tools", "nova claude gemini together"),
    ),
    seeded(
        "extra-key",
        "openai-chat",
        row(USER, ANSWER, ticket_id=7),
        ("top-level-key", "ticket_id", HOSTED + "mistral"),
        ("other-key", "ticket_id", "nova claude gemini together"),
    ),
    seeded(
        "message-key",
        "openai-chat",
        row({**USER, "time": 3}, ANSWER),
        ("message-key", "messages[0].time", HOSTED + "mistral"),
        ("other-key", "messages[0].time", "nova claude"),
    ),
    seeded(
        "name-number",
        "openai-chat",
        row({**USER, "name": 5}, ANSWER),
        ("name", "messages[0].name", HOSTED + "mistral trl axolotl mlx-lm unsloth"),
        ("other-key", "messages[0].name", "nova claude"),
    ),
    seeded(
        "reserved-word",
        "openai-chat",
        row({"role": "user", "content": "It says Bot: twice"}, ANSWER),
        ("reserved-words", "messages[0].content", "nova"),
    ),
    seeded(
        "reserved-image",
        "openai-chat",
        row(USER, {"role": "assistant", "content": "See <image>"}),
        ("reserved-words", "messages[1].content", "nova"),
    ),
    seeded(
        "tools",
        "openai-chat",
        row(USER, ANSWER, tools=[TOOL]),
        ("no-tools", "tools", "nova claude together fireworks"),
    ),
    seeded(
        "tools-used",
        "openai-chat",
        row(USER, CALLING, RESULT, ANSWER, tools=[TOOL]),
        ("role", "messages[2].role", "cohere"),
        ("tools-last-only", "tools", "mistral"),
        several="nova claude together fireworks oci watsonx",
    ),
    seeded(
        "tool-called",
        "openai-chat",
        row(USER, CALLING),
        ("no-tools", "messages[1].tool_calls[0]", "nova claude fireworks"),
    ),
    seeded(
        "tool-id",
        "openai-chat",
        row(USER, {**CALLING, "tool_calls": [{**CALL, "id": "call_1"}]}),
        ("no-tools", "messages[1].tool_calls[0]", "nova claude fireworks"),
        ("tool-id-shape", "messages[1].tool_calls[0].id", "mistral"),
    ),
    seeded(
        "tool-incomplete",
        "openai-chat",
        row(USER, ANSWER, tools=[{"type": "function", "function": {"name": "status", "parameters": {}}}]),
        ("no-tools", "tools", "nova claude together fireworks"),
        ("tool-complete", "tools[0].function.description", "mistral"),
    ),
    seeded(
        "arguments-object",
        "openai-chat",
        row(USER, {**CALLING, "tool_calls": [{**CALL, "function": {"name": "status", "arguments": {"id": 1}}}]}),
        (
            "arguments-string",
            "messages[1].tool_calls[0].function.arguments",
            "openai azure mistral nebius alibaba bedrock-rft axolotl unsloth",
        ),
        ("no-tools", "messages[1].tool_calls[0]", "nova claude"),
        several="fireworks",
    ),
    seeded(
        "arguments-broken",
        "openai-chat",
        row(USER, {**CALLING, "tool_calls": [{**CALL, "function": {"name": "status", "arguments": "{id: 1}"}}]}),
        (
            "arguments-json",
            "messages[1].tool_calls[0].function.arguments",
            "openai azure mistral nebius alibaba bedrock-rft trl axolotl mlx-lm unsloth",
        ),
        ("no-tools", "messages[1].tool_calls[0]", "nova claude"),
        several="fireworks",
    ),
    seeded(
        "tool-unasked",
        "openai-chat",
        row(USER, {**RESULT, "tool_call_id": "AAAAAAAA1"}, ANSWER),
        (
            "tool-answer",
            "messages[1].tool_call_id",
            "openai azure nebius alibaba bedrock-rft trl axolotl mlx-lm unsloth",
        ),
        ("no-tools", "messages[1]", "nova claude"),
        ("role", "messages[1].role", "together cohere oci watsonx"),
        ("positions", "messages[1].role", "llama-factory"),
        several="fireworks mistral",
    ),
    seeded(
        "parallel-string",
        "openai-chat",
        row(USER, ANSWER, parallel_tool_calls="no"),
        (
            "parallel-tool-calls",
            "parallel_tool_calls",
            "openai azure mistral nebius alibaba bedrock-rft trl axolotl mlx-lm unsloth",
        ),
        ("no-tools", "parallel_tool_calls", "nova claude together"),
        several="fireworks",
    ),
    seeded(
        "function-call",
        "openai-chat",
        row(USER, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}),
        ("deprecated", "messages[1].function_call", "openai azure nebius alibaba bedrock-rft"),
        ("function-call", "messages[1].function_call", "mistral"),
        ("no-function-call", "messages[1].function_call", LOCAL),
        ("no-tools", "messages[1].function_call", "nova claude"),
        ("content-missing", "messages[1].content", "together"),
        several="fireworks",
    ),
    seeded(
        "image-by-assistant",
        "openai-chat",
        row({"role": "user", "content": [TEXT]}, {"role": "assistant", "content": [IMAGE]}),
        ("part-type", "messages[1].content[0].type", CHAT.replace("mistral ", "")),
        ("media-where", "messages[1].content[0].image_url.url", "nova"),
        several="mistral",
    ),
    seeded(
        "image-by-address",
        "openai-chat",
        row(
            {
                "role": "user",
                "content": [TEXT, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "A hinge."}]},
        ),
        ("image-embedded", "messages[0].content[1].image_url.url", "together"),
        ("content-string", "messages[0].content", "mistral"),
    ),
    seeded(
        "images-eleven",
        "openai-chat",
        row(
            {"role": "user", "content": [IMAGE] * 11},
            {"role": "assistant", "content": [{"type": "text", "text": "Eleven."}]},
        ),
        ("images-max", "messages[0]", "nova"),
        ("content-string", "messages[0].content", "mistral"),
        ("image-count", "messages", "together"),
    ),
    seeded(
        "image-and-strings",
        "openai-chat",
        row({"role": "user", "content": [TEXT, IMAGE]}, ANSWER),
        ("content-uniform", "messages[1].content", "together"),
        ("content-string", "messages[0].content", "mistral"),
    ),
    seeded(
        "image-weighted",
        "openai-chat",
        row(
            {"role": "user", "content": [TEXT, IMAGE], "weight": 1},
            {"role": "assistant", "content": [{"type": "text", "text": "A hinge."}]},
        ),
        ("weight-role", "messages[0].weight", HOSTED + LOCAL),
        ("other-key", "messages[0].weight", "nova claude"),
        ("image-weight", "messages[0].weight", "together"),
        several="mistral",
    ),
    seeded(
        "part-untyped",
        "openai-chat",
        row({"role": "user", "content": [{"text": "Hi"}]}, ANSWER),
        ("content-parts", "messages[0].content[0].type", HOSTED + LOCAL),
        ("shape", "messages[0].content[0].type", OTHERS),
        several="together mistral",
    ),
    seeded(
        "pair-missing-side",
        "openai-chat",
        {"input": {"messages": [USER]}, "preferred_output": [ANSWER]},
        ("dpo-side", "non_preferred_output", PAIRED + "together"),
        ("shape", "non_preferred_output", "nova llama-factory"),
        ("pair-layout", "", "trl"),
        ("no-pairs", "", "mistral axolotl bedrock-rft"),
        several="claude gemini cohere oci watsonx",
    ),
    seeded(
        "pair-two-messages",
        "openai-chat",
        pair([USER], [ANSWER, ANSWER], [ANSWER]),
        ("dpo-one-turn", "preferred_output", PAIRED + "together"),
        ("no-pairs", "", "claude gemini cohere oci watsonx mistral axolotl bedrock-rft"),
        ("pair-layout", "", "trl"),
    ),
    seeded(
        "pair-input-answered",
        "openai-chat",
        pair([USER, ANSWER], [ANSWER], [ANSWER]),
        ("no-pairs", "", "claude gemini cohere oci watsonx mistral axolotl bedrock-rft"),
        ("positions", "input.messages[1].role", "llama-factory"),
        ("pair-input", "input.messages[1].role", "together"),
        ("pair-layout", "", "trl"),
    ),
    seeded(
        "pair-long",
        "openai-chat",
        pair([USER, ANSWER, USER], [ANSWER], [ANSWER]),
        ("dpo-history", "input.messages", PAIRED),
        ("no-pairs", "", "claude gemini cohere mistral axolotl bedrock-rft"),
        ("pair-layout", "", "trl"),
        several="oci watsonx",
    ),
    seeded(
        "pair-old-keys",
        "openai-chat",
        {"input": {"messages": [USER]}, "preferred_completion": [ANSWER], "non_preferred_completion": [ANSWER]},
        ("no-pairs", "", "claude gemini cohere oci watsonx mistral axolotl bedrock-rft"),
        ("pair-layout", "", "trl"),
        several="openai azure together fireworks nebius alibaba",
    ),
    seeded(
        "no-object",
        "openai-chat",
        [USER, ANSWER],
        ("row-object", "", EVERY),
    ),
    seeded(
        "nova-no-schema",
        "nova",
        {"messages": [HI, HELLO]},
        ("schema-version", "schemaVersion", "nova"),
    ),
    seeded(
        "nova-content-string",
        "nova",
        nova({"role": "user", "content": "Hi"}, HELLO),
        ("shape", "messages[0].content", CHAT + "nova claude gemini cohere llama-factory"),
        several="oci watsonx",
    ),
    seeded(
        "nova-word",
        "nova",
        nova(block("user", "Thought: no"), HELLO),
        ("reserved-words", "messages[0].content[0].text", "nova"),
        ("role", "system", "oci watsonx"),
    ),
    seeded(
        "nova-system-turn",
        "nova",
        {"schemaVersion": "bedrock-conversation-2024", "messages": [block("system", "Be brief."), HI, HELLO]},
        ("role", "messages[0].role", "nova oci watsonx"),
    ),
    seeded(
        "nova-image",
        "nova",
        nova(
            HI,
            {
                "role": "assistant",
                "content": [{"text": "See"}, {"image": {"format": "png", "source": {"bytes": "AAAA"}}}],
            },
        ),
        ("role", "system", "oci watsonx"),
        several="nova",
    ),
    seeded(
        "nova-one-candidate",
        "nova",
        nova(
            HI, {"role": "assistant", "candidates": [{"content": [{"text": "Hello"}], "preferenceLabel": "preferred"}]}
        ),
        ("shape", "messages[1].candidates", PAIRED + "nova together llama-factory mlx-lm unsloth"),
        several="claude gemini cohere oci watsonx trl mistral axolotl bedrock-rft",
    ),
    seeded(
        "claude-extra-key",
        "claude",
        {"system": "Be brief.", "messages": [USER, ANSWER], "id": 7},
        ("other-key", "id", "nova claude gemini together"),
        ("role", "system", "oci watsonx"),
    ),
    seeded(
        "claude-system-turn",
        "claude",
        {"system": "Be brief.", "messages": [SYSTEM, USER, ANSWER]},
        ("system-first", "messages[0].role", "nova gemini fireworks llama-factory"),
        ("one-system", "messages[0].role", "mistral"),
        ("alternation", "messages[0].role", "together"),
        several="claude oci watsonx",
    ),
    seeded(
        "gemini-assistant",
        "gemini",
        gemini(ASK, part("assistant", "Hello")),
        ("role", "contents[1].role", "nova claude gemini cohere llama-factory"),
        several="oci watsonx",
    ),
    seeded(
        "gemini-text-number",
        "gemini",
        gemini({"role": "user", "parts": [{"text": 5}]}, TELL),
        ("shape", "contents[0].parts[0].text", CHAT + "nova claude gemini cohere llama-factory"),
        several="oci watsonx",
    ),
    seeded(
        "gemini-ends-with-user",
        "gemini",
        gemini(ASK, TELL, ASK),
        ("last-assistant", "contents[2].role", "nova claude gemini"),
        ("positions", "contents[2].role", "llama-factory"),
        several="oci watsonx",
    ),
    seeded(
        "cohere-small-role",
        "cohere",
        cohere(("User", "Hi"), ("chatbot", "Hello")),
        ("role", "messages[1].role", "cohere"),
    ),
    seeded(
        "cohere-content",
        "cohere",
        {"messages": [{"role": "User", "content": ["Hi"]}, {"role": "Chatbot", "content": "Hello"}]},
        ("shape", "messages[0].content", EVERY),
    ),
    seeded(
        "pair-no-completion",
        "prompt-completion",
        {"prompt": "Hi"},
        ("shape", "completion", CHAT + "nova claude gemini cohere oci llama-factory"),
        several="watsonx",
    ),
    seeded(
        "pair-input-output",
        "prompt-completion",
        {"input": "Hi", "output": "Hello"},
        several="together oci trl",
    ),
    seeded(
        "sharegpt-out-of-place",
        "sharegpt",
        talk(HUMAN, HUMAN, GPT),
        ("alternation", "conversations[1].from", "nova claude gemini mistral together fireworks"),
        ("positions", "conversations[1].from", "llama-factory"),
        ("one-exchange", "conversations[1]", "oci watsonx"),
    ),
    seeded(
        "sharegpt-unanswered",
        "sharegpt",
        talk(HUMAN, GPT, HUMAN),
        ("last-assistant", "conversations[2].from", "nova claude gemini"),
        ("positions", "conversations[2].from", "llama-factory"),
        ("one-exchange", "conversations[2]", "oci watsonx"),
    ),
    seeded(
        "sharegpt-value",
        "sharegpt",
        talk(HUMAN, ("gpt", None)),
        ("shape", "conversations[1].value", EVERY),
    ),
    seeded(
        "preference-no-rejected",
        "preference",
        {"prompt": [USER], "chosen": [ANSWER]},
        ("shape", "rejected", PAIRED + "together trl mlx-lm unsloth nova llama-factory"),
        several="claude gemini cohere oci watsonx mistral axolotl bedrock-rft",
    ),
]
