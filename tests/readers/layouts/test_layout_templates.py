"""Chat templates backwards: what published templates rendered is read back equal, anything else is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_case import one, said

from ftdata.errors import RowError
from ftdata.readers.layouts.templates import CONTROL, rendered

RECORDED = json.loads((Path(__file__).parent / "rendered.json").read_text())["rows"]


@pytest.mark.covers("rendered-text", "roles")
@pytest.mark.covers("rendered-text", "system")
@pytest.mark.parametrize("row", RECORDED, ids=[f"{row['template']}-{row['case']}" for row in RECORDED])
def test_what_published_templates_rendered(tmp_path: Path, row: dict[str, Any]) -> None:
    found = one("rendered-text", tmp_path, {"text": row["text"], "id": 7})
    if row["read"] != "equal":
        assert found.drop == row["read"] and not found.messages
        return
    assert said(found) == [(m["role"], m["content"] or None) for m in row["messages"]]
    assert found.meta is not None and found.meta["id"] == 7
    if row["tools"]:
        assert found.tools == row["tools"]
        calls = [
            (c["id"], json.loads(c["function"]["arguments"])) for m in found.messages or () for c in m.tool_calls or ()
        ]
        assert calls == [
            (c["id"], c["function"]["arguments"]) for m in row["messages"] for c in m.get("tool_calls", ())
        ]


# --- renderers of our own, written from the templates' documentation --------------------------------------------------

Talk = Sequence[tuple[str, str]]


def _each(made: str, **words: str) -> Callable[[Talk], str]:
    return lambda talk: "".join(made.format(role=words.get(role, role), text=text) for role, text in talk)


RENDERERS: dict[str, Callable[[Talk], str]] = {
    "ChatML": _each("<|im_start|>{role}\n{text}<|im_end|>\n"),
    "Llama 3": lambda talk: (
        "<|begin_of_text|>" + _each("<|start_header_id|>{role}<|end_header_id|>\n\n{text}<|eot_id|>")(talk)
    ),
    "Llama 4": _each("<|header_start|>{role}<|header_end|>\n\n{text}<|eot|>"),
    "Gemma": lambda talk: "<bos>" + _each("<start_of_turn>{role}\n{text}<end_of_turn>\n", assistant="model")(talk),
    "Phi": _each("<|{role}|>\n{text}<|end|>\n"),
    "Zephyr": _each("<|{role}|>\n{text}</s>\n"),
    "Tulu": lambda talk: "".join(
        f"<|{role}|>\n{text}" + ("</s>\n" if role == "assistant" else "\n") for role, text in talk
    ),
    "[INST]": lambda talk: "".join(
        f"<s>[INST] {text} [/INST]" if role == "user" else f" {text} </s>" for role, text in talk
    ),
    "### Human": _each("### {role}: {text}", user="Human", assistant="Assistant"),
    "Vicuna": lambda talk: "".join(
        f"USER: {text} " if role == "user" else f"ASSISTANT: {text}</s>" for role, text in talk
    ),
    "### Instruction": _each("### {role}:\n{text}\n\n", user="Instruction", assistant="Response"),
    "Human and Assistant": _each("\n\n{role}: {text}", user="Human", assistant="Assistant"),
    "DeepSeek": lambda talk: (
        "<｜begin▁of▁sentence｜>"
        + "".join(
            f"<｜User｜>{text}" if role == "user" else f"<｜Assistant｜>{text}<｜end▁of▁sentence｜>"
            for role, text in talk
        )
    ),
    "Command R": lambda talk: (
        "<BOS_TOKEN>"
        + _each("<|START_OF_TURN_TOKEN|><|{role}_TOKEN|>{text}<|END_OF_TURN_TOKEN|>", user="USER", assistant="CHATBOT")(
            talk
        )
    ),
}
# Most templates take the white space around a text away, so that it cannot come back.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="<>[]#\u2581\x85\x1c\x1d\x1e\x1f\x0b\x0c"), min_size=1
).map(str.strip)
TALK = st.lists(st.tuples(WORDS.filter(bool), WORDS.filter(bool)), min_size=1, max_size=4)


@pytest.mark.parametrize("name", RENDERERS)
def test_round_trip(name: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(TALK)
    def check(pairs: list[tuple[str, str]]) -> None:
        talk = [turn for asked, answer in pairs for turn in (("user", asked), ("assistant", answer))]
        if any(word in text for _, text in talk for word in ("USER:", "ASSISTANT:", "Human:", "Assistant:", "###")):
            return
        assert rendered(RENDERERS[name](talk)) == (name, talk)

    check()


def test_alpaca_sections() -> None:
    opening = "Below is an instruction that describes a task, paired with an input that provides further context. "
    opening += "Write a response that appropriately completes the request.\n\n"
    body = "### Instruction:\nDo it.\n\n### Input:\nx\ny\n\n### Response:\nDone.</s>"
    assert rendered(opening + body)[1] == [("user", "Do it.\n\nx\ny"), ("assistant", "Done.")]
    assert rendered("Be kind.\n\n" + body)[1][0] == ("system", "Be kind.")


def test_system_messages() -> None:
    assert rendered("<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nq [/INST] a </s>")[1] == [
        ("system", "S"),
        ("user", "q"),
        ("assistant", "a"),
    ]
    assert rendered("A chat.\n\nUSER: q\nASSISTANT: a")[1] == [("system", "A chat."), ("user", "q"), ("assistant", "a")]


def test_the_prompt_for_an_answer_is_no_answer(tmp_path: Path) -> None:
    asked = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
    assert rendered(asked)[1] == [("user", "q")]
    assert one("rendered-text", tmp_path, {"text": asked}).drop == "no-assistant"
    assert one("rendered-text", tmp_path, {"text": f"{asked}a"}).drop is None  # cut before the token that ends it


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("no-template", "just words"),
        ("no-template", "# A title\n\n### Usage\nwords"),
        ("control-token", "<|user_start|>q<|user_end|>"),
        ("control-token", "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na <|fim_middle|> b<|im_end|>\n"),
        ("control-token", "<|im_start|>user\nq\n<|im_start|>assistant\na<|im_end|>\n"),
        ("control-token", "junk <|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>"),
        ("control-token", "<s>[INST] q </s> a [INST] b [/INST]"),
        ("unknown-role", "<|im_start|>alien\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"),
        ("unclear-turns", "### Human: q### Human: r### Assistant: a"),
        ("unclear-turns", "USER: q ASSISTANT: write ASSISTANT: in capitals</s>"),
    ],
)
def test_refused(tmp_path: Path, reason: str, text: str) -> None:
    found = one("rendered-text", tmp_path, {"text": text})
    assert found.drop == reason and not found.messages


LLAMA = (
    "<|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n%s<|eot_id|>"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "f", "parameters": {"city": "Rome"}}', "bad-tool-call"),
        ('{"type": "function", "name": "f", "parameters": {}}', "bad-tool-call"),
        ('<function=f>{"city": "Rome"}</function>', "bad-tool-call"),
        ('[f(city="Rome"), g(a=1)]', "bad-tool-call"),
        ('<|python_tag|>f.call(query="x")', "control-token"),
        ("a<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\nr", "bad-tool-call"),
        ('{"name": "Ann", "age": 3}', None),
        ("[len(x)]", None),
        ("It is (x=1).", None),
    ],
)
def test_a_call_in_a_form_that_is_not_read_is_no_text(tmp_path: Path, text: str, reason: str | None) -> None:
    assert one("rendered-text", tmp_path, {"text": LLAMA % text}).drop == reason


def test_no_control_token_stays_in_a_text() -> None:
    """Every way to cut or double a rendered text gives messages without control tokens, or a refusal."""
    for row in RECORDED:
        text = row["text"]
        for at in range(0, len(text), 7):
            for damaged in (text[:at], text[at:], text[:at] + text[at + 5 :], text[:at] + "<|im_end|>" + text[at:]):
                try:
                    turns = rendered(damaged)[1]
                except RowError:
                    continue
                assert not any(CONTROL.search(turn[1]) for turn in turns)


def test_long_hostile_texts_take_no_time(tmp_path: Path) -> None:
    began = time.process_time()
    pieces = [
        " ",
        "\n",
        "<|im_start|>",
        "[INST]",
        "### ",
        "USER:",
        "</s>",
        "<tool_call>",
        "\n\nHuman:",
        "<think>",
        "\n \n",
    ]
    for piece in pieces:
        text = piece * (200_000 // len(piece))
        for row in (
            {"text": text},
            {"text": f"<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n{text}<|im_end|>"},
        ):
            one("rendered-text", tmp_path, row)
        one("glaive", tmp_path, {"chat": f"USER: q\n\n\nASSISTANT: {text}", "system": text})
        one(
            "hermes",
            tmp_path,
            {"messages": [{"role": "assistant", "content": text}, {"role": "system", "content": text}]},
        )
        one("anthropic-hh", tmp_path, {"chosen": text, "rejected": text})
    assert time.process_time() - began < 10


def test_a_column_of_another_name(tmp_path: Path) -> None:
    found = one("rendered-text", tmp_path, {"prompt": "### Human: q### Assistant: a", "text": "x"}, column="prompt")
    assert said(found) == [("user", "q"), ("assistant", "a")] and found.meta == {"text": "x"}
