"""The rows on which the checkers of others are asked: sound, broken and odd ones, in each layout that a checker reads.

They are those of the tests of targets, every order of a few turns in three layouts, and what the checkers are known to
look at. `agree.py rows` keeps them in `tests/targets/agreement/rows.jsonl`, so that all are asked about the same.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "tests" / "targets"
sys.path.insert(0, str(TESTS))

import seeded as written  # noqa: E402
from rule_rows import DEPRECATED, ROWS  # noqa: E402

from ftdata.targets.layouts import layout_of  # noqa: E402

Row = dict[str, Any]
USER, ANSWER, SYSTEM = written.USER, written.ANSWER, written.SYSTEM
CALL, CALLING, RESULT, TOOL = written.CALL, written.CALLING, written.RESULT, written.TOOL
LONGEST = 20_000


def chat() -> Iterator[Row]:
    """Give rows of OpenAI's layout: every order of up to four turns, weights, tools and their ids, other keys."""
    turns = [{"role": role, "content": "Hi"} for role in ("system", "user", "assistant")]
    for count in range(1, 5):
        yield from ({"messages": list(order)} for order in itertools.product(turns, repeat=count))
    for weight, at in itertools.product((0, 1, True, 2, "1", 0.0, None), range(3)):
        yield {"messages": [{**turn, "weight": weight} if i == at else turn for i, turn in enumerate(turns)]}
    for count in range(1, 4):
        for order in itertools.product((USER, CALLING, RESULT, ANSWER), repeat=count):
            yield {"messages": [USER, *order], "tools": [TOOL]}
    two = {**CALLING, "tool_calls": [CALL, {**CALL, "id": "AX92Jm8Zi"}]}
    other = {**RESULT, "tool_call_id": "AX92Jm8Zi"}
    for order in ([two, RESULT, other, ANSWER], [two, other, RESULT, ANSWER], [two, RESULT, ANSWER], [two, ANSWER]):
        yield {"messages": [USER, *order], "tools": [TOOL]}
    for id_ in ("", "a", "TX92Jm8Z", "TX92Jm8Zi0", "TX92Jm8Z-", "TX92Jm8Zé", None, 5):
        call = {**CALLING, "tool_calls": [{**CALL, "id": id_}]}
        yield {"messages": [USER, call, {**RESULT, "tool_call_id": id_}, ANSWER], "tools": [TOOL]}
        yield {"messages": [USER, call], "tools": [TOOL]}
    for change in (
        {"name": "a b"},
        {"name": "x" * 65},
        {"name": ""},
        {"name": 5},
        {"arguments": ""},
        {"arguments": {}},
    ):
        call = {**CALL, "function": {**CALL["function"], **change}}
        yield {"messages": [USER, {**CALLING, "tool_calls": [call]}], "tools": [TOOL]}
    for change in ({"name": "a b"}, {"description": ""}, {"parameters": []}, {"parameters": {}}, {"strict": True}):
        tool = {**TOOL, "function": {**TOOL["function"], **change}}
        yield {"messages": [USER, ANSWER], "tools": [tool]}
    for tools in ([], {}, "", [TOOL, TOOL], [{}], [{"type": "function"}], [5]):
        yield {"messages": [USER, ANSWER], "tools": tools}
    yield {"messages": [USER, {**ANSWER, "tool_calls": [CALL]}], "tools": [TOOL]}
    yield {"messages": [USER, {**ANSWER, "tool_calls": []}]}
    yield {"messages": [USER, {**ANSWER, "tool_calls": None}]}
    for key in ("system_prompt", "only_last", "interactions", "available_tools", "text", "conversations", "system"):
        for value in ("Be brief.", True, [USER, ANSWER], None):
            yield {"messages": [USER, ANSWER], key: value}
    yield {"messages": [SYSTEM, USER, ANSWER], "system_prompt": "Be brief."}
    yield {"interactions": [USER, ANSWER]}
    yield {"messages": [{"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello"}]}
    yield {"text": "Hi"}
    for text in ("", " ", "\n", "\u200b", 5, 1.5, True, [], {}, ["Hi"], [{"type": "text", "text": "Hi"}], None):
        for at in range(3):
            said = [SYSTEM, USER, ANSWER]
            yield {"messages": [{**turn, "content": text} if i == at else turn for i, turn in enumerate(said)]}


def nova() -> Iterator[Row]:
    """Give rows of Nova's layout: every order of up to four turns, texts, media, tools, pairs, other keys."""
    hi, hello = written.HI, written.HELLO
    head = {"schemaVersion": "bedrock-conversation-2024"}

    def row(*messages: Any, **more: Any) -> Row:
        return {**head, **more, "messages": list(messages)}

    for count in range(1, 5):
        for order in itertools.product((hi, hello), repeat=count):
            yield row(*order)
    for role in ("system", "User", "ASSISTANT", "tool", "", None, 5):
        yield row({**hi, "role": role}, hello)
        yield row(hi, {**hello, "role": role})
    for word in ("System", "User", "Bot", "Assistant", "Thought", "Human"):
        for form in (word, word.upper(), word.lower()):
            yield row(written.block("user", f"It says {form}: twice"), hello)
    for word in ("[EOS]", "[eos]", "<image>", "<video>", "<unk>", "<Image>", "User :", "User\uff1a", "SuperUser:"):
        yield row(hi, written.block("assistant", f"It says {word}"))
        yield row(hi, hello, system=[{"text": f"It says {word}"}])
    for version in (None, "", "bedrock-conversation-2023", 5):
        yield {**row(hi, hello), "schemaVersion": version}
    for system in ("Be brief.", [], [{}], [{"text": ""}], [{"text": 5}], ["Be brief."], None, {"text": "Be brief."}):
        yield row(hi, hello, system=system)
    yield row(hi, hello, system=[{"text": "Be brief."}, {"text": "Be kind."}])
    contents: list[Any] = ["Hi", [], [{}], [{"text": ""}], [{"text": " "}], [{"text": 5}], [5], None]
    contents += [[{"text": ""}, {"text": "Hi"}], [{"text": "Hi", "x": 1}], [{"type": "text", "text": "Hi"}]]
    for content in contents:
        yield row({"role": "user", "content": content}, hello)
        yield row(hi, {"role": "assistant", "content": content})

    def medium(kind: str, form: str) -> Row:
        place = {"s3Location": {"uri": f"s3://bucket/a.{form.lower()}", "bucketOwner": "123456789012"}}
        return {kind: {"format": form, "source": place}}

    image, video, document = medium("image", "png"), medium("video", "mp4"), medium("document", "pdf")
    for media in (
        [image],
        [image] * 10,
        [image] * 11,
        [video],
        [video] * 2,
        [image, video],
        [document],
        [document] * 2,
    ):
        yield row({"role": "user", "content": [*media, {"text": "What is this?"}]}, hello)
        yield row({"role": "user", "content": media}, hello)
        yield row(hi, {"role": "assistant", "content": media})
    for count in (5, 6):
        yield row(*[{"role": "user", "content": [image] * count}, hello] * 2)
    yield row(*[{"role": "user", "content": [video]}, hello] * 2)
    for source in ({"bytes": "AAAA"}, {"s3Location": {"uri": "https://example.com/a.png"}}, {}):
        yield row({"role": "user", "content": [{"image": {"format": "png", "source": source}}]}, hello)
    for kind, form in (("image", "jpg"), ("image", "PNG"), ("image", "tiff"), ("video", "avi"), ("document", "docx")):
        yield row({"role": "user", "content": [medium(kind, form)]}, hello)
    thought = {"reasoningContent": {"reasoningText": {"text": "It is late."}}}
    yield row(hi, {"role": "assistant", "content": [thought, {"text": "Hello"}]})
    yield row({"role": "user", "content": [thought, {"text": "Hi"}]}, hello)
    yield row(hi, hello, ticket=7)
    yield row({**hi, "name": "Ana"}, hello)
    yield row(hi, {**hello, "weight": 1})
    spec = {"name": "status", "description": "State", "inputSchema": {"json": {"type": "object"}}}
    tools = {"tools": [{"toolSpec": spec}]}
    use = {"toolUse": {"toolUseId": "a1", "name": "status", "input": {"id": 1}}}
    result = {"toolResult": {"toolUseId": "a1", "content": [{"text": "sent"}]}}
    called, answered = {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}
    for told in (tools, {"tools": []}, {}, {"tools": [{"toolSpec": {**spec, "description": ""}}]}, None):
        yield row(hi, called, answered, hello, toolConfig=told)
        yield row(hi, hello, toolConfig=told)
    yield row(hi, called, answered, hello)
    yield row(hi, called, hi, hello, toolConfig=tools)
    yield row(hi, called, {"role": "user", "content": [result, result]}, hello, toolConfig=tools)
    yield row(hi, hello, answered, hello, toolConfig=tools)
    yield row({"role": "user", "content": [use]}, hello, toolConfig=tools)


def pairs() -> Iterator[Row]:
    """Give rows with two answers, and rows of a prompt and a completion, as TRL takes them."""
    told: list[Any] = ["Hi", "", [USER], [SYSTEM, USER], [USER, ANSWER], [ANSWER], [], None, 5, [5], ["Hi"]]
    for prompt in told:
        for yes, no in (([ANSWER], [ANSWER]), ("Hello", "No."), ([ANSWER], "No."), ([USER], [USER])):
            yield {"prompt": prompt, "chosen": yes, "rejected": no}
        yield {"prompt": prompt, "completion": "Hello"}
        yield {"prompt": prompt, "completion": [ANSWER]}
    for side in ([USER, ANSWER], [USER, ANSWER, USER, ANSWER], "Hi. Hello", [], None):
        yield {"chosen": side, "rejected": [USER, {**ANSWER, "content": "No."}]}
        yield {"chosen": side, "rejected": side}
        yield {"prompt": [USER], "chosen": [ANSWER], "rejected": side}
        yield {"prompt": [USER], "completion": side}
    yield {"prompt": [USER], "chosen": [ANSWER]}
    yield {"prompt": [USER], "rejected": [ANSWER]}
    yield {"prompt": "Hi", "completion": "Hello", "id": 7}
    yield {"prompt": "Hi", "completion": "Hello", "messages": [USER, ANSWER]}
    yield {"Prompt": "Hi", "Completion": "Hello"}


def sharegpt() -> Iterator[Row]:
    """Give rows of ShareGPT's layout: every order of up to three turns of five speakers, texts, other keys."""
    speakers = ("human", "gpt", "system", "observation", "function_call")
    for count in range(1, 4):
        for order in itertools.product(speakers, repeat=count):
            yield written.talk(*((who, "Hi") for who in order))
    for order in itertools.product(("human", "gpt"), repeat=4):
        yield written.talk(*((who, "Hi") for who in order))
    for word in ("user", "assistant", "chatgpt", "bot", "Human", "tool", "", None, 5):
        yield written.talk((word, "Hi"), ("gpt", "Hello"))  # type: ignore[arg-type]
        yield written.talk(("human", "Hi"), (word, "Hello"))  # type: ignore[arg-type]
    for value in ("", " ", None, 5, ["Hi"], {}):
        yield written.talk(("human", value), ("gpt", "Hello"))
        yield written.talk(("human", "Hi"), ("gpt", value))
    good = written.talk(("human", "Hi"), ("gpt", "Hello"))
    for key in ("system", "tools", "images", "chosen", "id", "loss"):
        for told in ("Be brief.", "[]", "", None, 5, ["a.png"], {"from": "gpt", "value": "Hello"}):
            yield {**good, key: told}
    asked, (yes, no) = written.talk(("human", "Hi")), ({"from": "gpt", "value": one} for one in ("Hello", "No."))
    yield {**asked, "chosen": yes, "rejected": no}
    yield {**good, "chosen": yes, "rejected": no}
    yield {**asked, "chosen": yes}
    yield {**asked, "chosen": {**yes, "from": "human"}, "rejected": no}
    yield {**asked, "chosen": "Hello", "rejected": "No."}
    yield {"conversations": []}
    yield {"conversations": None}
    yield {"conversations": ["Hi", "Hello"]}
    yield {"conversations": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def _layout(line: str) -> str:
    try:
        return layout_of(json.loads(line)) or "openai-chat"
    except ValueError:
        return "openai-chat"


def rows() -> list[tuple[str, str]]:
    """Give every row with the layout that it is written in: of two that are alike, the first."""
    found: dict[str, str] = {}
    for good, bad in [*ROWS.values(), *DEPRECATED.values()]:
        for line in [*good, *(one for one, _ in bad)]:
            found.setdefault(line, _layout(line))
    for one in written.SEEDED:
        found.setdefault(one.line, one.layout)
    for layout, good_row in written.GOOD.items():
        found.setdefault(json.dumps(good_row), layout)
    for layout, made in (("openai-chat", chat()), ("nova", nova()), ("sharegpt", sharegpt()), ("", pairs())):
        for row in made:
            found.setdefault(json.dumps(row), layout or layout_of(row) or "openai-chat")
    return [(layout, line) for line, layout in found.items() if "\n" not in line and len(line) < LONGEST]
