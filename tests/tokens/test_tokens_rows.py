"""The tokens of rows: equal to a plain count, message by message and token by token, as the cookbook counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts

import ftdata.rows
from ftdata.batch import Batch, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.tokens import Overhead, counted, counter, per_row
from ftdata.writers.learned import unfold

TOY = Path(__file__).parents[2] / "../shared/data/sft/openai_toy_chat_fine_tuning.jsonl"


def batch(*rows: Conversation) -> Batch:
    return next(to_batches(rows))


def one(text: str | None, tokenizer: str | None) -> int:
    return int(counter(tokenizer).counts(pl.Series([text], dtype=pl.String))[0])


CALLS = [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Faro"}'}}]
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool", "developer", "moderator", None]),
    content=st.one_of(st.none(), texts(12)),
    name=st.one_of(st.none(), texts(5)),
    weight=st.sampled_from([None, None, 0, 1]),
    tool_calls=st.sampled_from([None, None, CALLS, []]),
    extra=st.sampled_from([None, None, {"refusal": "I cannot."}, {"function_call": {"name": "f", "arguments": "{}"}}]),
)


@st.composite
def rows(draw: st.DrawFn) -> Conversation:
    messages = tuple(draw(st.lists(MESSAGES, max_size=4)))
    if draw(st.integers(0, 3)):
        return Conversation(messages=messages)
    at = draw(st.integers(0, len(messages)))
    rejected = draw(st.one_of(st.none(), st.lists(MESSAGES, max_size=2).map(tuple)))
    return Conversation(messages=messages, rejected=rejected, answer_at=at)


def spell(messages: tuple[Message, ...], learnt_from: int, tokenizer: str | None) -> list[bool]:
    """Write messages as a list of tokens, each true if it is learnt: the slow and plain way."""
    made: list[bool] = []
    for place, m in enumerate(messages):
        made += [False] * (3 + one(m.role, tokenizer))
        if m.name is not None:
            made += [False] * (1 + one(m.name, tokenizer))
        said = [m.content]
        for call in m.tool_calls or []:
            said += [call["function"]["name"], call["function"]["arguments"]]
        extra = m.extra or {}
        said += [extra.get("refusal")]
        said += [extra["function_call"][key] for key in ("name", "arguments")] if "function_call" in extra else []
        learnt = m.role == "assistant" and m.weight != 0 and place >= learnt_from
        made += [learnt] * sum(one(text, tokenizer) for text in said)
    return made


def plainly(row: Conversation, tokenizer: str | None, limit: int | None) -> tuple[int, int]:
    messages = row.messages or ()
    at = row.answer_at or 0
    first = spell(messages, at, tokenizer) + [False] * (3 if messages else 0)
    most = len(first) + 10**6 if limit is None else limit
    total, trained = len(first[:most]), sum(first[:most])
    if row.rejected:
        question = len(spell(messages[:at], 10**6, tokenizer))
        second = [False] * question + spell(row.rejected, 0, tokenizer) + [False] * 3
        total += max(len(second[:most]) - question, 0)
        trained += sum(second[:most])
    return total, trained


@pytest.mark.parametrize("tokenizer", [None, "o200k"])
@pytest.mark.parametrize("limit", [None, 9, 25])
def test_rows_count_as_their_tokens_one_by_one(tokenizer: str | None, limit: int | None) -> None:
    if tokenizer:
        pytest.importorskip("toktok")

    @settings(max_examples=120, deadline=None)
    @given(st.lists(rows(), min_size=1, max_size=4))
    def law(talks: list[Conversation]) -> None:
        found = per_row(batch(*talks), tokenizer, limit=limit)
        assert list(zip(found.all.tolist(), found.trained.tolist(), strict=True)) == [
            plainly(talk, tokenizer, limit) for talk in talks
        ]

    law()


def test_the_cookbook_example_counts_as_openai_did() -> None:
    """The example of the cookbook's "How to count tokens": the API itself counted 129 in cl100k, 124 in o200k."""
    pytest.importorskip("toktok")
    told = (
        "This late pivot means we don't have time to boil the ocean for the client deliverable.",
        "Things working well together will increase revenue.",
        "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        "Let's talk later when we're less busy about how to do better.",
        "New synergies will help drive top-line growth.",
    )
    messages = (
        system("You are a helpful, pattern-following assistant that translates corporate jargon into plain English."),
        system(told[4], name="example_user"),
        system(told[1], name="example_assistant"),
        system(told[2], name="example_user"),
        system(told[3], name="example_assistant"),
        user(told[0]),
    )
    row = batch(Conversation(messages=messages))
    assert per_row(row, "cl100k").all.tolist() == [129]
    assert per_row(row, "o200k").all.tolist() == [124]


@pytest.mark.skipif(not TOY.exists(), reason="needs the shared data")
def test_the_cookbook_s_notebook_printed_the_same_of_its_toy_file() -> None:
    """Its outputs: 26 to 8032 tokens, mean 1648.4; of the assistant 4 to 8000, mean 1610.2; 4306 billed at 4,096."""
    pytest.importorskip("toktok")
    found_rows = ftdata.rows.every(ftdata.rows.place(str(TOY)))
    toy = pl.concat(part for part in map(ftdata.rows.live, found_rows) if part.height)
    found = per_row(toy, "cl100k")
    assert (found.all.min(), found.all.max(), found.all.mean(), np.median(found.all)) == (26, 8032, 1648.4, 45)
    assert (found.trained.min(), found.trained.max(), found.trained.mean()) == (4, 8000, 1610.2)
    assert per_row(toy, "cl100k", limit=4096).all.sum() == 4306


def test_what_a_row_says_by_role_and_what_is_not_counted() -> None:
    parts = [{"type": "text", "text": "abcd"}, {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]
    tool = [{"type": "function", "function": {"name": "f"}}]
    made = batch(
        Conversation(
            messages=(
                Message(role="developer", content="abcd"),
                Message(role="user", parts=parts),
                Message(role="assistant", tool_calls=CALLS),
                Message(role="function", content="abcdefgh"),
                Message(role="moderator", content="abcd" * 3),
            ),
            tools=tool,
        ),
        Conversation(messages=(user("abcd"), assistant("abcd")), tools=[]),
    )
    found = counted(made, None)
    assert {role: values.tolist() for role, values in found.roles.items()} == {
        "system": [1, 0],
        "user": [1, 1],
        "assistant": [2 + 4, 1],
        "tool": [2, 0],
        "other": [3, 0],
    }
    for mask in (found.tools, found.images, found.calls):
        assert mask.tolist() == [True, False]


def test_what_a_service_adds_can_be_stated() -> None:
    row = batch(Conversation(messages=(user("abcd", name="ana"), assistant("abcd"))))
    assert per_row(row).all.tolist() == [3 + 1 + 1 + 1 + 1 + 3 + 3 + 1 + 3]
    assert per_row(row, overhead=Overhead(0, 0, 0, False)).all.tolist() == [2]
    assert per_row(row, overhead=Overhead(message=10, name=0, priming=2, role=False)).all.tolist() == [24]


def test_turns_are_counted_after_unfold() -> None:
    row = batch(Conversation(messages=(user("abcd"), assistant("abcd"), user("abcd"), assistant("abcdefgh"))))
    assert per_row(row).trained.tolist() == [3]
    assert per_row(unfold(row, "last")).trained.tolist() == [2]
    assert per_row(unfold(row, "expand")).trained.tolist() == [1, 2]


def test_batches_of_any_size_give_the_same() -> None:
    talks = [Conversation(messages=(user("q" * n), assistant("a" * (n % 5), weight=n % 2))) for n in range(40)]
    whole = per_row(batch(*talks), limit=8)
    for size in (1, 7):
        parts = [per_row(batch(*talks[at : at + size]), limit=8) for at in range(0, len(talks), size)]
        assert np.concatenate([part.all for part in parts]).tolist() == whole.all.tolist()
        assert np.concatenate([part.trained for part in parts]).tolist() == whole.trained.tolist()
    empty = batch(Conversation(messages=()), Conversation(messages=None))
    assert per_row(empty).all.tolist() == [0, 0]
    assert per_row(empty[:0]).all.tolist() == []


def test_arguments_that_are_no_text_are_counted_as_json() -> None:
    def calls(arguments: Any) -> list[Any]:
        return [{"function": {"name": "f", "arguments": arguments}}, "odd", {"function": None}]

    made = batch(
        Conversation(messages=(Message(role="assistant", tool_calls=calls({"a": "é"})),)),
        Conversation(
            messages=(Message(role="assistant", tool_calls=calls(json.dumps({"a": "é"}, ensure_ascii=False))),)
        ),
    )
    found = per_row(made).trained.tolist()
    assert found[0] == found[1] == 1 + 3
