"""What holds for every transform of this folder that needs no model: same rows, same order, one row at a time."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.batch import SCHEMA, Batch, to_batches
from ftdata.conversation import Conversation, Message
from ftdata.stages import Transform
from ftdata.transforms.filter import Filter
from ftdata.transforms.length import Length
from ftdata.transforms.placeholders import Placeholders
from ftdata.transforms.system import System
from ftdata.transforms.turns import Turns

STAGES: list[Transform] = [
    Filter(where={"status": ["solved", 4, True]}, contains={"tags": "a"}),
    Filter(min={"n": 2}, before={"when": "2026-01-01"}),
    System(text="Seja breve."),
    System(text="Be brief.", mode="add"),
    System(text="Be brief.", mode="replace"),
    Placeholders(),
    Placeholders(level="drop"),
    Length(min_chars=4, max_chars=20),
    Length(min_turns=1, max_turns=2, level="warn"),
    Turns(),
    Turns(consecutive_user="drop", no_user="warn", last_not_assistant="off"),
]

TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "Be brief.", "Hi {name}", "<br>", "100%", "مرحبا", "👩‍👩‍👧 ok", "{{x}} [Your Name]"]),
    st.text(max_size=12),
)
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "bot", None]),
    content=TEXTS,
    weight=st.sampled_from([None, 0, 1]),
    tool_calls=st.sampled_from([None, None, CALLS, []]),
    tool_call_id=st.sampled_from([None, "c1", "c2"]),
    extra=st.sampled_from([None, {"refusal": "no"}, {"function_call": {"name": "f"}}]),
) | st.builds(
    Message,
    role=st.sampled_from(["user", "assistant"]),
    parts=st.sampled_from(
        [[], [{"type": "text", "text": "Dear {name}"}], [{"type": "image_url", "image_url": {"url": "u"}}]]
    ),
)
META = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["solved", "open", None, 4, True, ["solved"], {"a": 1}]),
        "tags": st.sampled_from([[], ["A"], "ba", "c"]),
        "n": st.sampled_from([1, "2", 3.5, "x", True]),
        "when": st.sampled_from(["2025-01-01", 1700000000, "soon", None]),
    },
)
TURNS = st.none() | st.lists(MESSAGES, max_size=5).map(tuple)
FLAGS = st.sampled_from([(), ("unfilled-placeholder",), ("other",)])
ROWS = st.lists(
    st.builds(
        Conversation,
        messages=TURNS,
        meta=META,
        flags=FLAGS,
        extra=st.sampled_from([None, {"label": "b"}, {"parallel_tool_calls": True}]),
    )
    | st.builds(
        Conversation,
        messages=st.lists(MESSAGES, min_size=2, max_size=4).map(tuple),
        rejected=st.lists(MESSAGES, min_size=1, max_size=1).map(tuple),
        answer_at=st.just(1),
    ),
    min_size=1,
    max_size=12,
)


def number(rows: list[Conversation]) -> list[Conversation]:
    return [row.model_copy(update={"row": i, "id": f"f#{i}", "origin": (i,)}) for i, row in enumerate(rows, 1)]


def whole(rows: list[Conversation]) -> Batch:
    return pl.concat(to_batches(number(rows)))


@pytest.mark.parametrize("stage", STAGES, ids=repr)
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_rows_are_kept_and_judged_one_by_one(stage: Transform, rows: list[Conversation]) -> None:
    before = whole(rows)
    after = stage.apply(before)
    assert after.schema == SCHEMA
    kept = ["row", "id", "origin", "shares", "tools", "extra", "meta", "split", "rejected"]
    assert after.select(kept).equals(before.select(kept))
    assert after["flags"].null_count() == 0
    assert before["flags"].list.set_difference(after["flags"]).list.len().sum() == 0
    assert (after["flags"].list.n_unique() == after["flags"].list.len()).all()
    alone = pl.concat([stage.apply(before.slice(i, 1)) for i in range(before.height)])
    assert alone.equals(after)
    backwards = list(range(before.height - 1, -1, -1))  # (reverse() loses the type of a list column of nulls)
    assert stage.apply(before[backwards]).equals(after[backwards])
    if not isinstance(stage, System):
        assert after["messages"].equals(before["messages"])


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_an_empty_batch_comes_back(stage: Transform) -> None:
    empty = whole([Conversation()]).clear()
    assert stage.apply(empty).equals(empty)
    assert stage.apply(empty).schema == SCHEMA


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_settings_replay_and_hash(stage: Transform) -> None:
    again = type(stage)(**stage.model_dump(mode="json", exclude_none=True))
    assert again == stage
    assert hash(again) == hash(stage)


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_no_text_of_a_row_in_reasons_notes_and_flags(stage: Transform) -> None:
    secret = "Zanzibar"
    row = Conversation(
        messages=(
            Message(role=secret, content=f"{{{secret}}} <{secret}> [Your {secret}]"),
            Message(role="user", parts=[{"type": "text", "text": secret}]),
            Message(role="tool", content=secret, tool_call_id=secret),
        ),
        meta={"status": secret, "tags": [secret], "n": secret, "when": secret},
    )
    after = stage.apply(whole([row]))
    assert secret not in str(after.select("drop", "note", "flags").rows())


@pytest.mark.parametrize("stage", STAGES, ids=repr)
def test_meta_read_is_named(stage: Transform) -> None:
    assert stage.reads_meta() is not None
    if not isinstance(stage, Filter):
        assert stage.reads_meta() == frozenset()
