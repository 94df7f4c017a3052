"""The tokens check measures rows, and tells which ones a limit cuts and which ones teach nothing."""

from __future__ import annotations

import importlib.util
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import Batch, to_batches
from ftdata.checks.tokens import Tokens
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.stages import Finding

exact = pytest.mark.skipif(importlib.util.find_spec("toktok") is None, reason="needs toktok-rs")


def batch(*talks: tuple[Message, ...] | Conversation) -> Batch:
    rows = [talk if isinstance(talk, Conversation) else Conversation(messages=talk) for talk in talks]
    return next(to_batches([row.model_copy(update={"row": at}) for at, row in enumerate(rows, 1)]))


def judged(rows: Batch, **fields: Any) -> dict[str, Finding]:
    check = Tokens.model_validate(fields)
    return {finding.code: finding for finding in check.judge(check.sketch(rows).lazy())}


def talk(question: int, answer: int, **more: Any) -> Conversation:
    """Make a row whose question and answer have so many tokens by the estimate; with 14 beside them."""
    return Conversation(messages=(user("x" * 4 * question), assistant("x" * 4 * answer)), **more)


BESIDE = (3 + 1) + (3 + 3) + 3  # "user" is one token by the estimate, "assistant" three


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=30))
def test_the_spread_is_of_values_that_occur(sizes: list[tuple[int, int]]) -> None:
    numbers = judged(batch(*(talk(*size) for size in sizes)))["tokens-spread"].numbers
    everything = sorted(question + answer + BESIDE for question, answer in sizes)
    shares = {"min": 0, "p5": 5, "p50": 50, "p95": 95, "p99": 99, "max": 100}
    expected = {name: everything[max(-(-len(sizes) * share // 100), 1) - 1] for name, share in shares.items()}
    assert numbers["all"] == expected | {"sum": sum(everything)}
    trained = sum(answer for _, answer in sizes)
    assert numbers["trained"]["sum"] == trained
    assert numbers["trained_share"] == round(trained / sum(everything), 4)
    assert numbers["estimated"] and numbers["tokenizer"] == "characters/4"


def test_rows_are_told_apart_by_split_and_role() -> None:
    found = judged(batch(talk(1, 2, split="train"), talk(3, 4), talk(5, 6, split="validation")))["tokens-spread"]
    assert {split: held["rows"] for split, held in found.numbers["splits"].items()} == {"train": 2, "validation": 1}
    assert found.numbers["splits"]["validation"]["assistant"]["max"] == 6
    assert found.numbers["user"]["sum"] == 9
    assert "system" not in found.numbers
    assert "splits" not in judged(batch(talk(1, 2)))["tokens-spread"].numbers


def test_rows_that_are_cut_are_a_warning_and_rows_that_teach_nothing_an_error() -> None:
    rows = batch(
        talk(1, 1),
        talk(80, 5),
        talk(20, 80),
        Conversation(messages=(user("q"),)),
        Conversation(messages=(user("q"), assistant("a", weight=0))),
        Conversation(messages=(user("q"),), extra={"reference_label": "x"}),
        Conversation(messages=(user("q"), assistant("abcd")), rejected=(assistant("x" * 400),), answer_at=1),
    )
    found = judged(rows, max_length=50)
    cut, void = found["tokens-truncated"], found["tokens-nothing-learnt"]
    assert cut.level == "warn" and cut.where == (7, 3, 2), "the longest first"
    # Of row 3: 20 and the marks before the answer; of row 7 nothing of the good answer, the end of the bad one.
    assert cut.numbers == {
        "rows": 3,
        "max_length": 50,
        "max": (3 + 1 + 1) + (3 + 3 + 100) + 3,
        "lost": 5 + (80 - (50 - (4 + 20 + 6))) + (100 - (50 - (5 + 6))),
    }
    assert void.level == "error" and void.where == (2, 4, 5)
    assert void.numbers == {"rows": 3, "cut": 1, "max_length": 50}
    assert judged(rows)["tokens-nothing-learnt"].where == (4, 5)
    assert "tokens-truncated" not in judged(rows)
    assert judged(batch(talk(1, 1)), max_length=1 + 1 + BESIDE).keys() == {"tokens-spread"}


def test_the_edge_of_the_limit() -> None:
    rows = batch(talk(10, 5))  # the answer begins after 20 tokens
    assert "tokens-nothing-learnt" in judged(rows, max_length=20)
    assert "tokens-nothing-learnt" not in judged(rows, max_length=21)
    assert "tokens-truncated" not in judged(rows, max_length=15 + BESIDE)
    assert "tokens-truncated" in judged(rows, max_length=14 + BESIDE)


def test_a_limit_holds_for_each_answer_of_a_preference_row() -> None:
    pair = Conversation(messages=(user("q"), assistant("x" * 80)), rejected=(assistant("x" * 80),), answer_at=1)
    sequence = (3 + 1 + 1) + (3 + 3 + 20) + 3
    assert judged(batch(pair))["tokens-spread"].numbers["tokens"] == sequence + (3 + 3 + 20) + 3
    assert "tokens-truncated" not in judged(batch(pair), max_length=sequence)
    assert "tokens-truncated" in judged(batch(pair), max_length=sequence - 1)


def test_what_is_not_counted_is_said() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    image = [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]
    rows = batch(
        Conversation(messages=(user("q"), Message(role="assistant", tool_calls=calls)), tools=[{"type": "function"}]),
        (Message(role="user", parts=image), assistant("a")),
    )
    found = judged(rows)["tokens-spread"]
    assert found.numbers["not_counted"] == {"tool_definitions": 1, "images": 1}
    assert found.numbers["partly_counted"] == {"tool_calls": 1}
    assert "not counted: tool definitions of 1 row, images of 1 row" in found.message
    assert "not counted" not in judged(batch(talk(1, 1)))["tokens-spread"].message


def test_turns_are_judged_as_lines() -> None:
    rows = batch((user("x" * 40), assistant("abcd"), user("x" * 40), assistant("abcd")))
    assert judged(rows, turns="expand")["tokens-spread"].numbers["rows"] == 2
    assert "of 2 lines" in judged(rows, turns="expand", max_length=14)["tokens-nothing-learnt"].message
    assert judged(rows, turns="last")["tokens-spread"].numbers["trained"]["sum"] == 1
    assert judged(rows, turns="last", max_length=40)["tokens-nothing-learnt"].where == (1,)
    assert "tokens-nothing-learnt" not in judged(rows, max_length=40)


@exact
def test_a_model_names_its_encoding_and_a_target_its_limit() -> None:
    rows = batch(talk(1, 1))
    numbers = judged(rows, model="gpt-4o-mini-2024-07-18", **{"for": "openai"})["tokens-spread"].numbers
    assert (numbers["tokenizer"], numbers["max_length"], numbers["estimated"]) == ("o200k", 65536, False)
    long = batch(talk(1, 20_000))
    assert judged(long, model="gpt-3.5-turbo-0125", **{"for": "openai"}).keys() == {"tokens-spread"}
    words = batch((user("q"), assistant("word " * 20_000)))
    found = judged(words, model="ft:gpt-3.5-turbo-0125:acme::x", **{"for": "openai"})["tokens-truncated"]
    assert found.numbers["max_length"] == 16385
    assert "gpt-3.5-turbo-0125 at openai, guide" in found.message
    assert judged(words, model="gpt-3.5-turbo-0125", max_length=99999, **{"for": "openai"}).keys() == {"tokens-spread"}


def test_what_a_target_learns_decides() -> None:
    tool = [{"type": "function", "function": {"name": "f"}}]
    said = (user("q"), assistant("abcd"), user("q"), assistant("abcd"), user("q"), assistant("abcd", weight=0))
    rows = batch(said, Conversation(messages=said, tools=tool), (user("q"), assistant("abcdefgh")))

    def learnt(**fields: Any) -> list[int]:
        check = Tokens.model_validate(fields)
        return check.sketch(rows)["trained"].to_list()

    assert learnt() == learnt(**{"for": "openai"}) == [2, 2, 2]
    assert learnt(**{"for": "trl"}) == [3, 3, 2], "TRL looks at no weights"
    assert learnt(**{"for": "mistral"}) == [2, 1, 2], "with tools Mistral learns the last answer only"


def test_a_limit_that_is_not_known_is_none() -> None:
    check = Tokens.model_validate({"for": "openai", "model": "gpt-9"})
    assert check.limit() == (None, "")
    assert Tokens(max_length=7).limit() == (7, "max_length")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"tokenizer": "cl100k_base"}, "did you mean 'cl100k'"),
        ({"tokenizer": "nowhere/model"}, "folder with tokenizer.json"),
        ({"for": "opnai", "model": "gpt-4o"}, "did you mean 'openai'"),
        ({"max_length": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Tokens.model_validate(fields)


def test_no_rows_no_findings_and_batches_of_any_size() -> None:
    assert judged(batch(talk(1, 1))[:0]) == {}
    check = Tokens(max_length=30)
    rows = batch(*(talk(n, n % 7) for n in range(50)))
    whole = check.judge(check.sketch(rows).lazy())
    for size in (1, 7):
        parts = [check.sketch(rows[at : at + size]) for at in range(0, 50, size)]
        assert check.judge(pl.concat(parts[::-1]).lazy()) == whole
