"""What each layout's rows become: roles, system messages, calls, weights, pictures, what is refused and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from layout_case import assistant, batch_of, one, read, said, user

from ftdata.batch import conversations
from ftdata.conversation import Message
from ftdata.errors import InputError

PAIRS = json.loads((Path(__file__).parent / "pairs.json").read_text())


def call(number: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call{number:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


def turn(who: str, value: Any, **keys: Any) -> dict[str, Any]:
    return {"from": who, "value": value, **keys}


# --- questions and answers --------------------------------------------------------------------------------------------


@pytest.mark.covers("alpaca", "roles")
@pytest.mark.covers("alpaca", "system")
def test_alpaca(tmp_path: Path) -> None:
    row = {"instruction": "q", "input": "x", "output": "a", "history": [["o", "p"]], "system": "s", "id": 7}
    found = one("alpaca", tmp_path, row)
    assert said(found) == [("system", "s"), ("user", "o"), ("assistant", "p"), ("user", "q\n\nx"), ("assistant", "a")]
    assert found.meta == {"id": 7}
    assert said(one("alpaca", tmp_path, row, join="\n"))[3] == ("user", "q\nx")
    found = one("alpaca", tmp_path, {"instruction": "q", "input": "", "output": ["better", "worse"]})
    assert said(found) == [("user", "q"), ("assistant", "better")] and found.answer_at == 1
    assert found.rejected == (Message(role="assistant", content="worse"),)


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no-answer", {"instruction": "q", "output": " "}),
        ("no-answer", {"instruction": "q"}),
        ("no-question", {"instruction": "", "input": None, "output": "a"}),
        ("empty-text", {"instruction": "", "output": ""}),
        ("not-text", {"instruction": ["q"], "output": "a"}),
        ("not-text", {"instruction": "q", "output": "a", "history": [["only"]]}),
        ("media", {"instruction": "q", "output": "a", "images": ["1.png"]}),
        ("bad-tools", {"instruction": "q", "output": "a", "tools": "[{]"}),
    ],
)
def test_alpaca_refuses(tmp_path: Path, reason: str, row: dict[str, Any]) -> None:
    found = one("alpaca", tmp_path, row)
    assert found.drop == reason and not found.messages


@pytest.mark.covers("dolly", "roles")
def test_dolly(tmp_path: Path) -> None:
    row = {"instruction": "q", "context": "c", "response": "a", "category": "closed_qa"}
    found = one("dolly", tmp_path, row)
    assert said(found) == [("user", "q\n\nc"), ("assistant", "a")] and found.meta == {"category": "closed_qa"}
    assert said(one("dolly", tmp_path, row, context="before"))[0] == ("user", "c\n\nq")
    assert said(one("dolly", tmp_path, {**row, "context": ""}))[0] == ("user", "q")


@pytest.mark.covers("question-answer", "roles")
def test_questions_and_answers(tmp_path: Path) -> None:
    squad = {"question": "q", "context": "c", "answers": {"text": ["a", "b"], "answer_start": [0, 1]}, "title": "t"}
    found = one("question-answer", tmp_path, squad)
    assert said(found) == [("user", "c\n\nq"), ("assistant", "a")]
    assert found.meta == {"title": "t", "answers": squad["answers"]}
    assert one("question-answer", tmp_path, {**squad, "answers": {"text": [], "answer_start": []}}).drop == "no-answer"
    found = one("question-answer", tmp_path, {"system_prompt": "s", "question": "q", "answer": True})
    assert said(found) == [("system", "s"), ("user", "q"), ("assistant", "true")]
    stated = one(
        "question-answer", tmp_path, {"Frage": "q", "question": "x", "Antwort": 5}, question="Frage", answer="Antwort"
    )
    assert said(stated) == [("user", "q"), ("assistant", "5")] and stated.meta == {"question": "x"}
    rows = read("question-answer", tmp_path, {"question": "q", "answer": "a"}, {"question": "q"}, {"answer": "a"}, {})
    assert [row.drop for row in rows] == [None, "no-answer", "no-question", "empty-text"]


def test_columns_in_another_case(tmp_path: Path) -> None:
    found = one("question-answer", tmp_path, {"Question": "q", "Response": "a", "Context": "c", "Kind": "x"})
    assert said(found) == [("user", "c\n\nq"), ("assistant", "a")] and found.meta == {"Kind": "x"}
    found = one("question-answer", tmp_path, {"Context": "q", "Response": "a"})
    assert said(found) == [("user", "q"), ("assistant", "a")]
    found = one("question-answer", tmp_path, {"question": "q", "passage": "p", "answer": True})
    assert said(found) == [("user", "p\n\nq"), ("assistant", "true")]


def test_answers_that_are_calls(tmp_path: Path) -> None:
    row = {
        "id": 3,
        "query": "q",
        "answers": '[{"name": "f", "arguments": {"type": "x"}}, {"name": "f", "arguments": {}}]',
        "tools": json.dumps(
            [
                {
                    "name": "f",
                    "description": "d",
                    "parameters": {
                        "type": {"description": "t", "type": "str", "default": "x"},
                        "many": {"type": "List[int], optional"},
                        "must": {"type": "int"},
                    },
                }
            ]
        ),
    }
    found = one("question-answer", tmp_path, row)
    assert found.drop is None and said(found) == [("user", "q"), ("assistant", None)] and found.meta == {"id": 3}
    assert (found.messages or ())[1].tool_calls == [
        call(1, "f", '{"type": "x"}'),
        call(2, "f", "{}"),
    ]
    (tool,) = found.tools or ()
    assert tool["function"]["parameters"] == {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "t", "default": "x"},
            "many": {"type": "array", "items": {"type": "integer"}},
            "must": {"type": "integer"},
        },
        "required": ["must"],
    }
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    found = one("question-answer", tmp_path, {**row, "tools": [{"name": "f", "parameters": schema}]})
    assert (found.tools or ())[0]["function"]["parameters"] == schema
    assert one("question-answer", tmp_path, {**row, "answers": [{"arguments": {}}]}).drop == "bad-tool-call"
    assert one("question-answer", tmp_path, {**row, "tools": "[1]"}).drop == "bad-tools"
    assert one("question-answer", tmp_path, {**row, "answers": "[]"}).drop == "no-answer"


def test_columns_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'no known pair of question and answer; name them: --set question="…"'):
        read("question-answer", tmp_path, {"Frage": "q", "Antwort": "a"})
    with pytest.raises(InputError, match="the stated columns are not there") as caught:
        read("question-answer", tmp_path, {"a": "q", "b": "a"}, question="q", answer="b2")
    assert caught.value.seen == 'its columns are "a", "b"' and "its columns" not in caught.value.recorded
    table = tmp_path / "t.tsv"
    table.write_text('q\ta\n"quoted" text\tyes "so"\n')
    (row,) = conversations(batch_of("question-answer", table, question="q", answer="a", quotechar="", delimiter="\t"))
    assert said(row) == [("user", '"quoted" text'), ("assistant", 'yes "so"')]


@pytest.mark.covers("question-answer", "encodings")
def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes("question;answer\nonde está?;já está aí\n".encode("utf-16"))
    (row,) = conversations(batch_of("question-answer", table))
    assert said(row) == [("user", "onde está?"), ("assistant", "já está aí")]


# --- conversations ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("sharegpt", "roles")
def test_speakers(tmp_path: Path) -> None:
    words = {
        "user": ["human", "user", "Human", "prompter", "USER "],
        "assistant": ["gpt", "assistant", "model", "bot", "chatgpt", "Chatbot", "bard"],
    }
    for role, names in words.items():
        for name in names:
            row = {"conversations": [turn("human", "q"), turn(name, "x"), turn("gpt", "a")]}
            assert said(one("sharegpt", tmp_path, row))[1] == (role, "x")
    for bad in ("alien", None, 7, ["gpt"]):
        assert one("sharegpt", tmp_path, {"conversations": [turn("human", "q"), turn(bad, "x")]}).drop == "unknown-role"


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [turn("human", "q"), turn("gpt", "a")]},
        {"conversation": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {"items": [turn("human", "q"), turn("gpt", "a")]},
        {"messages": [turn("human", "q"), turn("gpt", "a")]},
        {"dialog": [{"author": "user", "content": "q"}, {"author": "bot", "content": "a"}]},
        {"conversation": [{"input": "q", "output": "a"}]},
        {"conversation": [{"human": "q", "assistant": "a"}]},
        {"conversations": ["q", "a"]},
        {"data": ["q", "a"]},
        {"conversations": '[{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]'},
    ],
)
def test_shapes_of_a_conversation(tmp_path: Path, row: dict[str, Any]) -> None:
    assert said(one("sharegpt", tmp_path, row)) == [("user", "q"), ("assistant", "a")]


@pytest.mark.covers("sharegpt", "system")
def test_texts_alone_have_their_roles_by_order(tmp_path: Path) -> None:
    for key in ("conversations", "data"):
        found = one("sharegpt", tmp_path, {key: ["q", "a", "r", "b"], "source": "s"})
        assert said(found) == [("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b")]
        assert found.flags == ("roles-by-order",) and found.meta == {"source": "s"}
    assert one("sharegpt", tmp_path, {"conversations": ["q"]}).drop == "no-assistant"
    assert one("sharegpt", tmp_path, {"conversations": ["q", {"from": "gpt", "value": "a"}]}).drop == "not-text"
    assert one("sharegpt", tmp_path, {"dialog": ["hello", "hello to you"]}).drop == "not-text"


def test_system_messages(tmp_path: Path) -> None:
    talk = [turn("human", "q"), turn("gpt", "a")]
    system = ("system", "s")
    for row in (
        {"conversations": talk, "system": "s"},
        {"conversations": [turn("system", "s"), *talk]},
        {"conversations": [turn("system", "s"), *talk], "system": "s"},
        {"conversations": talk, "system_prompt": "s"},
        {"conversation": [{"system": "s", "input": "q", "output": "a"}]},
    ):
        found = one("sharegpt", tmp_path, row)
        assert said(found) == [system, ("user", "q"), ("assistant", "a")] and not found.flags
    found = one("sharegpt", tmp_path, {"conversations": [turn("system", "t"), *talk], "system": "s"})
    assert said(found)[:2] == [system, ("system", "t")] and found.flags == ("several-system",)


def test_calls_and_answers(tmp_path: Path) -> None:
    row = {
        "conversations": [
            turn("human", "q"),
            turn("gpt", "let me see"),
            turn("function_call", '{"name": "f", "arguments": {"n": 12345678901234567890123}}'),
            turn("function_call", '[{"name": "g", "arguments": "{}"}, {"name": "h"}]'),
            turn("observation", "1"),
            turn("observation", '["2", {"n": 3}]'),
            turn("gpt", "a"),
            turn("function_call", {"name": "f", "parameters": {}}),
            turn("tool", {"n": 4}),
            turn("gpt", "b"),
        ],
        "tools": '[{"name": "f", "description": "d", "parameters": {}}]',
    }
    found = one("sharegpt", tmp_path, row)
    assert not found.flags
    messages = found.messages or ()
    tools = ["tool"] * 3
    assert [m.role for m in messages] == ["user", "assistant", *tools, "assistant", "tool", "assistant"]
    first, second = [message for message in messages if message.tool_calls]
    assert first.content == "let me see"
    assert first.tool_calls == [call(1, "f", '{"n": 12345678901234567890123}'), call(2, "g", "{}"), call(3, "h", "{}")]
    assert [(m.tool_call_id, m.content) for m in messages if m.role == "tool"] == [
        ("call00001", "1"),
        ("call00002", "2"),
        ("call00003", '{"n": 3}'),
        ("call00004", '{"n": 4}'),
    ]
    assert (second.content, second.tool_calls) == ("a", [call(4, "f", "{}")])
    assert found.tools == [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}]


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no-messages", {"conversations": []}),
        ("no-messages", {"id": 1}),
        ("not-text", {"conversations": [7]}),
        ("not-text", {"conversations": [turn("human", {"a": 1}), turn("gpt", "a")]}),
        ("no-assistant", {"conversations": [turn("human", "q")]}),
        ("no-user", {"conversations": [turn("system", "s"), turn("gpt", "a")]}),
        ("no-answer", {"conversations": [turn("human", "q"), turn("gpt", " ")]}),
        ("bad-tool-call", {"conversations": [turn("human", "q"), turn("function_call", "f(1)")]}),
        ("bad-tool-call", {"conversations": [turn("human", "q"), turn("function_call", '{"name": 1}')]}),
        ("bad-tools", {"conversations": [turn("human", "q"), turn("gpt", "a")], "tools": '["f"]'}),
        ("media", {"conversations": [turn("human", "<image>q"), turn("gpt", "a")], "images": ["1.png"]}),
        ("media", {"conversations": [turn("human", "q"), turn("gpt", "a")], "images": ["https://x.org/1.png"]}),
        ("media", {"conversations": [turn("human", "<video>q"), turn("gpt", "a")], "videos": ["1.mp4"]}),
    ],
)
def test_conversations_refused(tmp_path: Path, reason: str, row: dict[str, Any]) -> None:
    assert one("sharegpt", tmp_path, row).drop == reason


def test_what_a_target_may_refuse_has_a_flag(tmp_path: Path) -> None:
    talks = {
        "first-not-user": "gpt human gpt",
        "last-not-assistant": "human gpt human",
        "consecutive-user": "human human gpt",
        "consecutive-assistant": "human gpt gpt",
    }
    for flag, words in talks.items():
        row = {"conversations": [turn(word, f"{place}") for place, word in enumerate(words.split())]}
        found = one("sharegpt", tmp_path, row)
        assert found.flags == (flag,) and len(found.messages or ()) == 3
    row = {"conversations": [turn("human", "q"), turn("gpt", "a"), turn("human", ""), turn("gpt", "b")]}
    assert one("sharegpt", tmp_path, row).flags == ("empty-turn",)


@pytest.mark.covers("sharegpt", "attachments")
def test_pictures(tmp_path: Path) -> None:
    url = "https://example.com/1.png"
    row = {"conversations": [turn("human", "<image>\nwhat?"), turn("gpt", "a")], "images": [url]}
    found = one("sharegpt", tmp_path, row)
    assert (found.messages or ())[0].parts == [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "\nwhat?"},
    ]
    assert found.meta is None
    parts = [{"type": "text", "value": "q"}, {"type": "image", "image": "data:image/png;base64,AA=="}]
    found = one("sharegpt", tmp_path, {"conversations": [{"role": "user", "content": parts}, assistant("a")]})
    assert (found.messages or ())[0].parts == [
        {"type": "text", "text": "q"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]


def test_weights_and_other_keys(tmp_path: Path) -> None:
    talk = [
        turn("human", "q", weight=1),
        turn("gpt", "a", weight=0, model="m"),
        turn("gpt", "b", loss=True),
        turn("gpt", "c", weight=0.5),
    ]
    found = one("sharegpt", tmp_path, {"conversations": talk, "system": "s", "id": "x"})
    messages = found.messages or ()
    assert [message.weight for message in messages] == [None, None, 0, 1, None]
    assert messages[4].extra == {"weight": 0.5}
    assert found.meta == {"id": "x", "turns": {"2": {"weight": 1}, "3": {"model": "m"}}}
    thought = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]
    found = one("sharegpt", tmp_path, {"conversations": [user("q"), {"role": "assistant", "content": thought}]})
    assert said(found)[1] == ("assistant", "a") and found.meta == {"turns": {"2": {"thoughts": thought[:1]}}}


@pytest.mark.covers("hermes", "roles")
@pytest.mark.covers("hermes", "system")
def test_hermes(tmp_path: Path) -> None:
    told = (
        "You are a function calling AI model. You are provided with function signatures within <tools> </tools> tags. "
        '<tools>\n[{"type": "function", "function": {"name": "f"}}]\n</tools>\nReturn <tool_call>\n{}\n</tool_call>'
    )
    row = {
        "conversations": [
            turn("system", told),
            turn("human", "q"),
            turn(
                "gpt",
                "ok\n<tool_call>\n{'arguments': {'a': \"it's\"}, 'name': 'f'}\n</tool_call>\n"
                '<tool_call>{"name": "g"}</tool_call>',
                id=3,
            ),
            turn("tool", "<tool_response>\n1\n</tool_response>\n<tool_response>2</tool_response>"),
            turn("gpt", "done"),
        ]
    }
    found = one("hermes", tmp_path, row)
    messages = found.messages or ()
    assert said(found) == [("user", "q"), ("assistant", "ok"), ("tool", "1"), ("tool", "2"), ("assistant", "done")]
    assert messages[1].tool_calls == [call(1, "f", '{"a": "it\'s"}'), call(2, "g", "{}")]
    assert [message.tool_call_id for message in messages[2:4]] == ["call00001", "call00002"]
    assert found.tools == [{"type": "function", "function": {"name": "f"}}]
    assert found.meta == {"told": told, "turns": {"2": {"id": 3}}} and not found.flags


def test_qwen_in_messages(tmp_path: Path) -> None:
    told = '# Tools\n\nYou may call one or more functions.\n<tools>\n{"name": "f"}\n{"name": "g"}\n</tools>'
    talk = [
        {"role": "system", "content": f"Be kind.\n\n{told}"},
        user("q"),
        assistant('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'),
        user("<tool_response>\n5\n</tool_response>"),
        assistant("five <tool_call>"),
    ]
    found = one("hermes", tmp_path, {"messages": talk})
    assert said(found) == [
        ("system", "Be kind."),
        ("user", "q"),
        ("assistant", None),
        ("tool", "5"),
        ("assistant", "five <tool_call>"),
    ]
    assert found.flags == ("tool-tags-left",) and found.meta == {"told": told}
    assert [tool["function"]["name"] for tool in found.tools or ()] == ["f", "g"]
    for bad in ("f(1)", "{'name': __import__('os')}", "[" * 5000, '{"name": 7}'):
        row = {"messages": [user("q"), assistant(f"<tool_call>{bad}</tool_call>")]}
        assert one("hermes", tmp_path, row).drop == "bad-tool-call"


@pytest.mark.covers("glaive", "roles")
@pytest.mark.covers("glaive", "system")
def test_glaive(tmp_path: Path) -> None:
    told = "You are a helpful assistant with access to the following functions. Use them if required -"
    chat = (
        'USER: Hi\n\n\nASSISTANT: <functioncall> {"name": "f", "arguments": \'{"a": "it\\\'s"}\'} <|endoftext|>\n\n\n'
        'FUNCTION RESPONSE: {"r": 1}\n\n\nASSISTANT: One.\n\nTwo: USER: no <|endoftext|>\n\n\n'
    )
    row = {"system": f'SYSTEM: {told}\n{{\n "name": "f",\n "parameters": {{}}\n}}\n\n{{"name": "g"}}\n', "chat": chat}
    found = one("glaive", tmp_path, row)
    assert said(found) == [
        ("user", "Hi"),
        ("assistant", None),
        ("tool", '{"r": 1}'),
        ("assistant", "One.\n\nTwo: USER: no"),
    ]
    assert (found.messages or ())[1].tool_calls == [call(1, "f", '{"a": "it\'s"}')]
    assert [tool["function"]["name"] for tool in found.tools or ()] == ["f", "g"] and found.meta == {"told": told}
    plain = {"sample": "SYSTEM: You are kind.\nUSER: q\nASSISTANT: a <|endoftext|>"}
    assert said(one("glaive", tmp_path, plain)) == [("system", "You are kind."), ("user", "q"), ("assistant", "a")]
    for reason, text in {
        "unknown-role": "hello\n\n\nUSER: q\n\n\nASSISTANT: a",
        "no-messages": "hello",
        "control-token": "USER: q\n\n\nASSISTANT: a <|endoftext|> b",
        "bad-tool-call": "USER: q\n\n\nASSISTANT: <functioncall> f()",
    }.items():
        found = one("glaive", tmp_path, {"chat": text})
        assert found.drop == reason if reason != "no-messages" else found.drop in ("no-messages", "unknown-role")


# --- two answers, and answers with a label ----------------------------------------------------------------------------


@pytest.mark.covers("anthropic-hh", "roles")
def test_transcripts_as_trl_reads_them(tmp_path: Path) -> None:
    for row in PAIRS["transcripts"]:
        found = one("anthropic-hh", tmp_path, {"chosen": row["chosen"], "rejected": row["rejected"], "n": 1})
        told = row["told"]
        assert said(found) == [(m["role"], m["content"]) for m in told["prompt"] + told["chosen"]]
        assert [m.content for m in found.rejected or ()] == [m["content"] for m in told["rejected"]]
        assert found.answer_at == len(told["prompt"]) and found.meta == {"n": 1}


def test_odd_transcripts(tmp_path: Path) -> None:
    def read_pair(chosen: str, rejected: str) -> Any:
        return one("anthropic-hh", tmp_path, {"chosen": chosen, "rejected": rejected})

    start = "\n\nHuman: a\n\nAssistant:"
    assert (read_pair(f"{start} b", start).drop, read_pair(f"{start} b", start).note) == (
        "no-answer",
        "the rejected one",
    )
    assert (read_pair(start, f"{start} b").drop, read_pair(start, f"{start} b").note) == ("no-answer", None)
    assert read_pair(f"{start} b", "\n\nHuman: z\n\nAssistant: c").drop == "different-prompts"
    assert read_pair(f"{start} b", f"{start} b").flags == ("equal-answers",)
    assert read_pair(f"{start} b\n\nAssistant: c", f"{start} d").flags == ("consecutive-assistant",)
    assert read_pair(f"\n\nHuman: x\n\nHuman: y{start} b", f"\n\nHuman: x\n\nHuman: y{start} c").flags == (
        "consecutive-user",
    )
    assert read_pair("Note.\n\nHuman: a\n\nAssistant: b", f"{start} c").drop == "unknown-role"
    longer = read_pair(f"{start} b\n\nHuman: c\n\nAssistant: d", f"{start} e")
    assert longer.answer_at == 1 and len(longer.messages) == 4 and len(longer.rejected) == 1


@pytest.mark.covers("preference", "roles")
def test_implicit_prompts_as_trl_reads_them(tmp_path: Path) -> None:
    for row in PAIRS["pairs"]:
        found = one("preference", tmp_path, {"chosen": row["chosen"], "rejected": row["rejected"]})
        told = row["told"]
        if told["chosen"][0]["role"] != "assistant":
            assert found.drop == "different-prompts"
            continue
        assert said(found) == [(m["role"], m["content"]) for m in told["prompt"] + told["chosen"]]
        assert [(m.role, m.content) for m in found.rejected or ()] == [
            (m["role"], m["content"]) for m in told["rejected"]
        ]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"question": "q", "chosen": "a", "rejected": "b"},
        {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")]},
        {"prompt": "q", "chosen": [assistant("a")], "rejected": [assistant("b")]},
        {"prompt": "q", "chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
        {"prompt": [user("q")], "chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
        {"chosen_messages": [user("q"), assistant("a")], "rejected_messages": [user("q"), assistant("b")]},
        {"conversations": [turn("human", "q")], "chosen": turn("gpt", "a"), "rejected": turn("gpt", "b")},
        {"instruction": "q", "input": "", "chosen": "a", "rejected": "b"},
        {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": "a", "rejected": "b"},
        {"instruction": "q", "chosen_response": "a", "rejected_response": "b"},
    ],
)
def test_preference(tmp_path: Path, row: dict[str, Any]) -> None:
    found = one("preference", tmp_path, {**row, "score": 1.5})
    assert said(found) == [("user", "q"), ("assistant", "a")] and found.answer_at == 1
    assert found.rejected == (Message(role="assistant", content="b"),) and found.meta == {"score": 1.5}
    found = one("preference", tmp_path, {**row, "system": "s"})
    assert said(found) == [("system", "s"), ("user", "q"), ("assistant", "a")] and found.answer_at == 2


def test_a_conversation_that_is_answered_is_no_prompt(tmp_path: Path) -> None:
    talk = [user("q"), assistant("a")]
    row = {"messages": talk, "chosen": talk, "rejected": [user("q"), assistant("b")]}
    for more in ({"prompt": "q"}, {}):
        found = one("preference", tmp_path, {**row, **more})
        assert said(found) == [("user", "q"), ("assistant", "a")] and found.answer_at == 1
        assert found.rejected == (Message(role="assistant", content="b"),) and found.meta == {"messages": talk}


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no-answer", {"prompt": "q", "chosen": "", "rejected": "b"}),
        ("no-answer", {"prompt": "q", "chosen": "a"}),
        ("no-answer", {"prompt": "q", "chosen": "a", "rejected": []}),
        ("no-question", {"chosen": "a", "rejected": "b"}),
        ("no-question", {"prompt": " ", "chosen": "a", "rejected": "b"}),
        ("no-question", {"chosen": [assistant("a")], "rejected": [assistant("b")]}),
        (
            "different-prompts",
            {"prompt": "z", "chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]},
        ),
        ("unknown-role", {"prompt": "q", "chosen": [{"role": "alien", "content": "a"}], "rejected": "b"}),
    ],
)
def test_preference_refused(tmp_path: Path, reason: str, row: dict[str, Any]) -> None:
    assert one("preference", tmp_path, row).drop == reason


@pytest.mark.covers("kto", "roles")
def test_kto(tmp_path: Path) -> None:
    rows = [
        {"prompt": "q", "completion": "a", "label": label} for label in (True, False, "True", "0", 1, None, "maybe", 2)
    ]
    assert [row.drop for row in read("kto", tmp_path, *rows)] == [
        None, "undesired-answer", None, "undesired-answer", None, "no-label", "no-label", "no-label",
    ]  # fmt: skip
    kept = read("kto", tmp_path, *rows[:2], undesired="keep")
    assert [row.meta for row in kept] == [{"label": True}, {"label": False}]
    for row in (
        {"prompt": [user("q")], "completion": [assistant("a")]},
        {"messages": [user("q"), assistant("a")]},
        {"conversations": [turn("human", "q"), turn("gpt", "a")]},
        {"instruction": "q", "input": "", "output": "a"},
    ):
        assert said(one("kto", tmp_path, {**row, "kto_tag": True})) == [("user", "q"), ("assistant", "a")]


@pytest.mark.covers("trl-completion", "roles")
def test_trl_completion(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "s"}, user("q"), assistant("z"), user("y")]
    found = one("trl-completion", tmp_path, {"prompt": asked, "completion": [assistant("a")], "n": 1})
    assert [(m.content, m.weight) for m in found.messages or ()] == [
        ("s", None),
        ("q", None),
        ("z", 0),
        ("y", None),
        ("a", None),
    ]
    assert found.meta == {"n": 1}
    assert said(one("trl-completion", tmp_path, {"prompt": "q", "completion": " a"})) == [
        ("user", "q"),
        ("assistant", " a"),
    ]
    assert one("trl-completion", tmp_path, {"prompt": "q", "completion": ""}).drop == "no-answer"


# --- services ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("gemini", "roles")
@pytest.mark.covers("gemini", "system")
@pytest.mark.covers("gemini", "attachments")
def test_gemini(tmp_path: Path) -> None:
    row = {
        "systemInstruction": {"role": "system", "parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "q"}, {"text": "r"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"n": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 2}}}]},
            {"role": "model", "parts": [{"thought": True, "text": "hm"}, {"text": "a"}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    }
    found = one("gemini", tmp_path, row)
    assert said(found) == [
        ("system", "s"),
        ("user", "q\nr"),
        ("assistant", None),
        ("tool", '{"r": 2}'),
        ("assistant", "a"),
    ]
    assert (found.messages or ())[2].tool_calls == [call(1, "f", '{"n": 1}')]
    assert found.tools == [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert found.meta == {"turns": {"5": {"thoughts": [{"thought": True, "text": "hm"}]}}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    answer = {"role": "model", "parts": [{"text": "a"}]}
    found = one("gemini", tmp_path, {"contents": [{"role": "user", "parts": [picture, {"text": "q"}]}, answer]})
    assert (found.messages or ())[0].parts == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "q"},
    ]
    bucket = {"file_data": {"mime_type": "image/png", "file_uri": "gs://b/1.png"}}
    assert one("gemini", tmp_path, {"contents": [{"role": "user", "parts": [bucket]}, answer]}).drop == "media"
    assert one("gemini", tmp_path, {"contents": [{"role": "alien", "parts": []}]}).drop == "unknown-role"


@pytest.mark.covers("bedrock", "roles")
@pytest.mark.covers("bedrock", "system")
def test_bedrock(tmp_path: Path) -> None:
    nova = {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "s"}],
        "messages": [
            {"role": "user", "content": [{"text": "q"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"n": 1}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"r": 2}}]}}]},
            {"role": "assistant", "content": [{"text": "a"}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    found = one("bedrock", tmp_path, nova)
    assert said(found) == [
        ("system", "s"),
        ("user", "q"),
        ("assistant", None),
        ("tool", '{"r": 2}'),
        ("assistant", "a"),
    ]
    messages = found.messages or ()
    assert messages[2].tool_calls == [{**call(1, "f", '{"n": 1}'), "id": "t1"}] and messages[3].tool_call_id == "t1"
    assert found.tools == [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert found.meta == {"schemaVersion": "bedrock-conversation-2024"}
    claude = {"system": "s", "messages": [user("q"), {"role": "assistant", "content": [{"type": "text", "text": "a"}]}]}
    assert said(one("bedrock", tmp_path, claude)) == [("system", "s"), ("user", "q"), ("assistant", "a")]
    sides = [
        {"content": [{"text": text}], "preferenceLabel": label}
        for text, label in (("b", "non-preferred"), ("a", "preferred"))
    ]
    found = one(
        "bedrock",
        tmp_path,
        {"messages": [{"role": "user", "content": [{"text": "q"}]}, {"role": "assistant", "candidates": sides}]},
    )
    assert said(found) == [("user", "q"), ("assistant", "a")] and found.rejected == (
        Message(role="assistant", content="b"),
    )
    film = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/1.mp4"}}}}
    assert one("bedrock", tmp_path, {"messages": [{"role": "user", "content": [film]}]}).drop == "media"


@pytest.mark.covers("cohere", "roles")
@pytest.mark.covers("cohere", "system")
def test_cohere(tmp_path: Path) -> None:
    talk = [{"role": role, "content": role[0]} for role in ("System", "User", "Chatbot")]
    assert said(one("cohere", tmp_path, {"messages": talk})) == [("system", "S"), ("user", "U"), ("assistant", "C")]
    assert one("cohere", tmp_path, {"messages": "x"}).drop == "not-text"
