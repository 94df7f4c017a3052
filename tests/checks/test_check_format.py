"""The format check judges what would be written, row by row and file by file."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from strategies import conversation, rows

from ftdata.batch import to_batches
from ftdata.checks.format import Format
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.stages import Finding
from ftdata.targets import load, names
from ftdata.targets.gate import Gate
from ftdata.writers.openai_chat import render

FORMAT = Format.model_validate({"for": "openai"})
GATE = Gate(load("openai"))
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def judged(conversations: list[Conversation]) -> list[Finding]:
    numbered = [c.model_copy(update={"row": i}) for i, c in enumerate(conversations)]
    sketches = [FORMAT.sketch(batch) for batch in to_batches(numbered)] or [FORMAT.sketch(empty())]
    return FORMAT.judge(pl.concat(sketches).lazy())


def empty() -> pl.DataFrame:
    return next(to_batches([Conversation()])).clear()


def talk(i: int = 0, **more: Any) -> Conversation:
    return Conversation(messages=(user(f"q{i}"), assistant("a")), **more)


def good(count: int = 50, **more: Any) -> list[Conversation]:
    return [talk(i, **more) for i in range(count)]


def test_good_rows_have_no_finding():
    assert judged(good()) == []


def test_findings_carry_rows_numbers_and_source():
    odd = Conversation(messages=(user("q"), assistant("a"), user("again")))
    found = judged([*good(), *[odd] * 30])
    assert [(f.code, f.level, f.numbers["rows"], f.numbers["at"]) for f in found] == [
        ("openai-last-message", "error", 30, ["messages[].role"])
    ]
    assert found[0].where == tuple(range(50, 70))
    assert "observed" in found[0].message and "2026-11-21" in found[0].message


CASES: list[tuple[str, Conversation]] = [
    ("openai-weight", Conversation(messages=(user("q"), assistant("a", extra={"weight": 0.5})))),
    ("openai-weight-role", Conversation(messages=(user("q", weight=1), assistant("a")))),
    ("openai-messages", Conversation(messages=None, extra={"messages": "x"})),
    ("openai-messages", Conversation(messages=())),
    ("openai-content-missing", Conversation(messages=(user("q"), Message(role="assistant", extra={"content": None})))),
    ("openai-content-parts", Conversation(messages=(Message(role="user", parts=[]), assistant("a")))),
    ("openai-tool-calls", Conversation(messages=(user("q"), Message(role="assistant", tool_calls=["x"])))),
    ("openai-tools", Conversation(messages=(user("q"), assistant("a")), tools=[1])),
    ("openai-parallel-tool-calls", Conversation(messages=talk().messages, extra={"parallel_tool_calls": "yes"})),
    ("openai-top-level-key", Conversation(messages=talk().messages, extra={"ticket_id": 5})),
    ("openai-content-empty", Conversation(messages=(user("q"), assistant(" ")))),
    ("openai-no-assistant", Conversation(messages=(system("s"), user("q")))),
]


@pytest.mark.parametrize(("code", "odd"), CASES)
def test_a_broken_row_is_found(code: str, odd: Conversation):
    found = judged([*good(), odd])
    assert [(f.code, f.where) for f in found] == [(code, (50,))]
    assert found[0].level == next(rule.level for rule in load("openai").rules if rule.code == code)


def test_sound_rows_with_tools_pass():
    calling = Message(role="assistant", tool_calls=[CALL], extra={"content": None})
    row = Conversation(
        messages=(user("q"), calling, Message(role="tool", tool_call_id="c1", content="x"), assistant("a"))
    )
    assert judged([*good(), row]) == []


def preference(**more: Any) -> Conversation:
    return Conversation(messages=(user("q"), assistant("a")), rejected=(assistant("b"),), answer_at=1, **more)


def test_preference_rows_are_judged_as_such():
    assert judged([preference()] * 50) == []
    both = Conversation(messages=(user("q"), assistant("a")), rejected=(user("b"),), answer_at=1)
    assert [f.code for f in judged([preference()] * 50 + [both])] == ["openai-dpo-side"]


def test_reinforcement_rows_are_judged_as_such():
    row = Conversation(messages=(user("q"),), extra={"reference_label": "billing"})
    assert judged([row] * 50) == []


def test_mixed_methods_are_an_error():
    found = judged([*good(), preference(), preference()])
    assert [(f.code, f.level, f.where) for f in found] == [("openai-mixed-forms", "error", (50, 51))]
    assert found[0].numbers["supervised"] == 50 and found[0].numbers["preference"] == 2


def test_a_row_in_both_splits_is_found():
    rows_of = [*good(50, split="train"), talk(7, split="validation"), talk(99, split="validation")]
    assert [(f.code, f.where) for f in judged(rows_of)] == [("openai-split-overlap", (50,))]


@pytest.mark.parametrize(("count", "code"), [(0, "openai-min-rows"), (9, "openai-min-rows"), (10, "openai-few-rows")])
def test_too_few_rows(count: int, code: str):
    assert [f.code for f in judged(good(count))] == [code]
    # A validation file may be small.
    assert [f.code for f in judged([*good(count), *[talk(1000 + i, split="validation") for i in range(3)]])] == [code]


def test_size_is_that_of_the_written_lines():
    batch = next(to_batches(good()))
    written = sum(len(line.encode()) + 1 for line in render(batch))
    assert FORMAT.sketch(batch)["bytes"].sum() == written


@settings(max_examples=150, deadline=None)
@given(st.lists(rows(), max_size=4))
def test_the_check_equals_the_explainer_on_the_written_lines(given_rows: list[dict[str, Any]]):
    conversations = [conversation(row) for row in given_rows]
    expected = set()
    for batch in to_batches(conversations):
        for line in render(batch):
            expected |= {rule.code for rule, _ in GATE.explain(line).breaches}
    about_files = {"openai-min-rows", "openai-mixed-forms"}
    assert {f.code for f in judged(conversations)} - about_files == expected


def test_batches_of_any_size_give_the_same():
    all_rows = [*good(60), *[odd for _, odd in CASES], preference()]
    numbered = [c.model_copy(update={"row": i}) for i, c in enumerate(all_rows)]
    batch = pl.concat(list(to_batches(numbered)))
    whole = FORMAT.judge(FORMAT.sketch(batch).lazy())
    for size in (1, 7, 50):
        parts = [FORMAT.sketch(batch.slice(i, size)) for i in range(0, batch.height, size)]
        assert FORMAT.judge(pl.concat(parts).lazy()) == whole


def test_no_text_of_a_row_is_shown():
    secret = "c4n4ry"
    odd = [
        Conversation(messages=(user(secret), Message(role=secret, content=secret))),
        Conversation(messages=(user("q"), assistant(secret, extra={secret + " @": secret, "weight": secret}))),
    ]
    found = judged(odd)
    assert found and secret not in json.dumps([[f.code, f.message, dict(f.numbers)] for f in found])


def test_an_unknown_target_is_refused():
    with pytest.raises(ValidationError, match="did you mean 'openai'"):
        Format.model_validate({"for": "opnai"})
    assert FORMAT.model_dump(by_alias=True) == {"for": "openai"}
    assert FORMAT.reads_meta() == frozenset()


SAID = st.sampled_from(["Hi", "Where is it?", " ", "", "Bot: hello", "[EOS]", "Olá, tudo bem?", "A\u200bB"])
TURNS = st.lists(
    st.builds(
        lambda role, said, weight: Message(role=role, content=said, weight=weight if role == "assistant" else None),
        st.sampled_from(["system", "user", "assistant", "user", "assistant"]),
        SAID,
        st.sampled_from([None, None, None, 0, 1]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(lambda turns: Conversation(messages=tuple(turns)), TURNS), min_size=1, max_size=8))
def test_what_passes_as_a_chat_row_breaks_no_rule_as_it_is_written(conversations: list[Conversation]):
    numbered = [c.model_copy(update={"row": i}) for i, c in enumerate(conversations)]
    batches = list(to_batches(numbered))
    for target in names():
        check = Format.model_validate({"for": target})
        for batch in batches:
            quick = check.sketch(batch)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Gate, "takes", lambda *_: False)
                assert_frame_equal(check.sketch(batch), quick)
