"""What a layout cannot hold is refused, and named: nothing is lost in silence."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from layout_talks import talks

from ftdata import flow
from ftdata.batch import to_batches
from ftdata.conversation import Conversation
from ftdata.errors import RunError
from ftdata.recipe import Recipe
from ftdata.writers.axolotl import Axolotl
from ftdata.writers.cargo import CARGO, cargo
from ftdata.writers.claude import Claude
from ftdata.writers.cohere import Cohere
from ftdata.writers.gemini import Gemini
from ftdata.writers.json_lines import JsonLines, NotCarried
from ftdata.writers.llama_factory import LlamaFactory
from ftdata.writers.mlx_lm import MlxLm
from ftdata.writers.nova import Nova
from ftdata.writers.openai_chat import OpenAIChat
from ftdata.writers.preference import Preference
from ftdata.writers.prompt_completion import PromptCompletion
from ftdata.writers.sharegpt import ShareGPT
from ftdata.writers.trainer_folder import TrainerFolder
from ftdata.writers.trl import Trl
from ftdata.writers.trl_completion import TrlCompletion

U, A = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
GIF = {"type": "image_url", "image_url": {"url": "data:image/gif;base64,AA=="}}


def call(identity: str = "c", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": list(calls)}


def answer(content: str = "{}", to: str | None = "c", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, "tool_call_id": to, **more}


def tool(**more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **more}}


PAIR = {"messages": [U, A], "answer_at": 1, "rejected": [A]}
TOOL_TURNS = {"tool-turns"}
SHOWN: list[tuple[set[str], dict[str, Any]]] = [
    ({"no-messages", "no-answer", "talk"}, {"messages": []}),
    ({"no-messages", "no-answer", "talk"}, {"messages": None}),
    ({"unknown-role", "talk"}, {"messages": [{"content": "x"}, U, A]}),
    ({"unknown-role", "talk"}, {"messages": [{"role": "moderator", "content": "x"}, U, A]}),
    ({"system"}, {"messages": [{"role": "system", "content": "s"}, U, A]}),
    ({"later-system", "talk"}, {"messages": [U, {"role": "system", "content": "s"}, A]}),
    ({"developer", "talk"}, {"messages": [{"role": "developer", "content": "s"}, U, A]}),
    ({*TOOL_TURNS, "many-answers", "talk"}, {"messages": [U, calling(call()), answer(), A]}),
    ({*TOOL_TURNS, "many-answers", "talk", "tool-text"}, {"messages": [U, calling(call()), answer("x"), A]}),
    ({*TOOL_TURNS, "many-answers", "talk", "name"}, {"messages": [U, calling(call()), answer(name="g"), A]}),
    ({*TOOL_TURNS, "many-answers", "talk"}, {"messages": [U, calling(call()), answer(name="f"), A]}),
    ({*TOOL_TURNS, "many-answers", "talk", "call-order"}, {"messages": [U, calling(call()), answer(to="d"), A]}),
    (
        {*TOOL_TURNS, "many-answers", "talk", "call-order"},
        {"messages": [U, calling(call(), call("d")), answer(to="d"), answer(), A]},
    ),
    (
        {*TOOL_TURNS, "many-answers", "talk", "call-order", "odd-call"},
        {"messages": [U, calling(call()), answer(to=None), A]},
    ),
    ({*TOOL_TURNS, "odd-call", "call-order"}, {"messages": [U, calling(call(arguments="no"))]}),
    ({*TOOL_TURNS, "odd-call", "call-order"}, {"messages": [U, calling(call(arguments="[1]"))]}),
    ({*TOOL_TURNS, "odd-call", "call-order"}, {"messages": [U, calling(call(index=0))]}),
    ({*TOOL_TURNS, "odd-call"}, {"messages": [{**U, "tool_call_id": "c"}, A]}),
    ({"tools"}, {"messages": [U, A], "tools": [tool(description="d", parameters={})]}),
    ({"tools", "odd-tool"}, {"messages": [U, A], "tools": [tool(strict=True)]}),
    ({"tools", "odd-tool"}, {"messages": [U, A], "tools": [7]}),
    ({"parallel-tool-calls"}, {"messages": [U, A], "extra": {"parallel_tool_calls": False}}),
    ({"function-call"}, {"messages": [U, A], "extra": {"functions": []}}),
    (
        {"function-call", "null-content"},
        {"messages": [U, {"role": "assistant", "extra": {"function_call": {"name": "f"}, "content": None}}]},
    ),
    ({"function-call", "talk"}, {"messages": [{"role": "function", "content": "x"}, U, A]}),
    ({"name"}, {"messages": [{**U, "name": "ana"}, A]}),
    ({"weight", "no-answer"}, {"messages": [U, {**A, "weight": 0}]}),
    (set(), {"messages": [U, {**A, "weight": 1}]}),
    ({"odd-weight"}, {"messages": [{**U, "weight": 1}, A]}),
    ({"odd-weight"}, {"messages": [U, {**A, "weight": 2}]}),
    ({"images"}, {"messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}, GIF]}, A]}),
    (
        {"images", "image-links"},
        {
            "messages": [
                {"role": "user", "parts": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
                A,
            ]
        },
    ),
    ({"images", "odd-parts"}, {"messages": [{"role": "user", "parts": [GIF, 7]}, A]}),
    ({"parts"}, {"messages": [{"role": "user", "parts": [{"type": "text", "text": "x"}]}, A]}),
    ({"parts"}, {"messages": [{"role": "user", "parts": []}, A]}),
    ({"parts", "odd-parts"}, {"messages": [{"role": "user", "parts": [{"type": "text", "text": "x", "y": 1}]}, A]}),
    ({"parts", "refusal"}, {"messages": [U, {"role": "assistant", "parts": [{"type": "refusal", "refusal": "x"}]}]}),
    ({"refusal"}, {"messages": [U, {**A, "extra": {"refusal": "x"}}]}),
    ({"null-content"}, {"messages": [U, {"role": "assistant"}]}),
    ({"message-extra"}, {"messages": [U, {**A, "extra": {"x": 1}}]}),
    (set(), {"messages": [U, {**A, "extra": {"x": None}}]}),
    ({"row-extra"}, {"messages": [U, A], "extra": {"reference": 1}}),
    (set(), {"messages": [U, A], "extra": {"reference": None}}),
    ({"preference"}, PAIR),
    (
        {"preference", "row-extra", "parallel-tool-calls"},
        {**PAIR, "extra": {"x": 1, "input": {"parallel_tool_calls": True}}},
    ),
    ({"preference", "name"}, {**PAIR, "rejected": [{**A, "name": "bot"}]}),
    ({"preference", "odd-preference", "long-preference"}, {**PAIR, "answer_at": 0}),
    ({"preference", "odd-preference"}, {**PAIR, "rejected": [U]}),
    ({"preference", "long-preference", "talk"}, {**PAIR, "messages": [U, A, U, A], "rejected": [A]}),
    ({"many-answers", "talk"}, {"messages": [U, A, U, A]}),
    ({"no-answer", "talk"}, {"messages": [U, A, U]}),
]
WRITERS: list[JsonLines | TrainerFolder] = [
    OpenAIChat(path=Path("x.jsonl")),
    Nova(path=Path("x.jsonl")),
    Claude(path=Path("x.jsonl")),
    Gemini(path=Path("x.jsonl")),
    Cohere(path=Path("x.jsonl")),
    ShareGPT(path=Path("x.jsonl")),
    Preference(path=Path("x.jsonl")),
    PromptCompletion(path=Path("x.jsonl")),
    TrlCompletion(path=Path("x.jsonl")),
    Trl(path=Path("x")),
    Axolotl(path=Path("x")),
    LlamaFactory(path=Path("x")),
    MlxLm(path=Path("x"), turns="whole"),
]


def test_each_word_is_shown_and_only_where_it_is() -> None:
    seen = {"single-answer"}
    for words, talk in SHOWN:
        (batch,) = to_batches([Conversation.model_validate(talk)])
        expected = words if "preference" in words else words | {"single-answer"}
        found = cargo(batch)
        assert set(found) == expected, talk
        assert all(mask.tolist() == [True] for mask in found.values())
        seen |= expected
    assert seen == set(CARGO)


def test_rows_are_told_apart() -> None:
    (batch,) = to_batches([Conversation.model_validate(talk) for _, talk in SHOWN])
    found = cargo(batch)
    for at, (words, _) in enumerate(SHOWN):
        assert {word for word in found if found[word][at]} - {"single-answer"} == words
    assert set(cargo(batch, frozenset({"system", "name"}))) == {"system", "name"}
    assert cargo(batch.clear()) == {}


@pytest.mark.parametrize("writer", WRITERS, ids=[writer.name for writer in WRITERS])
def test_every_cargo_that_it_does_not_hold_is_refused(writer: Any, tmp_path: Path) -> None:
    for words, talk in SHOWN:
        said = words if "preference" in words else words | {"single-answer"}
        given = list(to_batches([*talks(2, writer.carries), Conversation.model_validate({**talk, "id": "here#3"})]))
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        place.mkdir()
        if said <= writer.carries:
            writer.write(iter(given), place)
            continue
        with pytest.raises(NotCarried) as caught:
            writer.write(iter(given), place)
        assert caught.value.reason == "not-carried" and "step fit" in str(caught.value)
        assert f"writer {writer.name}: row here#3: " in str(caught.value)
        assert set(caught.value.words) >= said - writer.carries, talk
    assert writer.carries <= set(CARGO)


def test_sharegpt_refuses_what_would_melt_together(tmp_path: Path) -> None:
    writer = ShareGPT(path=tmp_path / "x.jsonl")
    for messages in (
        [U, A, calling(call()), answer(), A],
        [U, calling(call(), call("d")), answer(), A],
        [U, calling(call()), A, answer(), A],
    ):
        (batch,) = to_batches([Conversation.model_validate({"messages": messages})])
        assert "call-order" in writer.unheld(batch), messages
    (batch,) = to_batches([Conversation.model_validate({"messages": [U, calling(call()), answer(), A]})])
    assert writer.unheld(batch) == {}


def test_the_refusal_is_one_line_of_a_run_and_survives_pickling(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"messages":[{"role":"user","content":"Qxzv","name":"Qxzv"}]}\n')
    tables = {
        "read": [{"use": "openai-chat", "path": "in.jsonl"}],
        "write": [{"use": "claude", "path": "out/all.jsonl"}],
    }
    with pytest.raises(RunError) as caught:
        flow.run(Recipe.parse(tables, tmp_path, "job"))
    told = str(caught.value)
    assert told.startswith("writer claude: row in.jsonl#1: not-carried: ") and "name (" in told
    assert "Qxzv" not in told and "\n" not in told and not (tmp_path / "out/all.jsonl").exists()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == told and again.reason == "not-carried" and again.note == caught.value.note  # type: ignore[attr-defined]
