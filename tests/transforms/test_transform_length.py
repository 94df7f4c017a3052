from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.transforms.length import Length


def judged(stage: Length, *messages: Message) -> tuple[str | None, str | None, list[str]]:
    (batch,) = to_batches([Conversation(messages=messages)])
    drop, note, flags = stage.apply(batch).select("drop", "note", "flags").row(0)
    return drop, note, flags


@pytest.mark.parametrize(
    ("limits", "messages", "expected"),
    [
        ({"min_chars": 4}, (user("ab"), assistant("cd")), None),
        ({"min_chars": 5}, (user("ab"), assistant("cd")), "too-short"),
        ({"max_chars": 4}, (user("ab"), assistant("cd")), None),
        ({"max_chars": 3}, (user("ab"), assistant("cd")), "too-long"),
        ({"max_chars": 2}, (user("😀é"),), None),
        ({"max_chars": 3}, (system("abcd"), user("")), "too-long"),
        ({"max_chars": 3}, (Message(role="user", parts=[{"type": "text", "text": "abcd"}]),), "too-long"),
        ({"max_chars": 3}, (Message(role="user", parts=[{"type": "image_url", "image_url": {"url": "abcd"}}]),), None),
        ({"min_chars": 1}, (), "too-short"),
        ({"min_turns": 2}, (system("s"), user("q"), assistant("r")), None),
        ({"min_turns": 3}, (system("s"), user("q"), assistant("r")), "too-few-turns"),
        ({"max_turns": 2}, (user("q"), Message(role="tool", content="x"), assistant("r")), None),
        ({"max_turns": 1}, (user("q"), assistant("r")), "too-many-turns"),
        ({"min_turns": 1}, (), "too-few-turns"),
        ({"max_chars": 1, "max_turns": 1}, (user("q"), assistant("r")), "too-long"),
    ],
)
def test_table(limits: dict[str, Any], messages: tuple[Message, ...], expected: str | None) -> None:
    drop, _, flags = judged(Length(**limits), *messages)
    assert drop == expected
    assert flags == []
    drop, _, flags = judged(Length(**limits, level="warn"), *messages)
    assert drop is None
    assert flags[:1] == ([] if expected is None else [expected])
    assert judged(Length(**limits, level="off"), *messages) == (None, None, [])


def test_the_note_gives_the_number() -> None:
    assert judged(Length(max_chars=3), user("abcd"))[1] == "4 characters"
    assert judged(Length(max_turns=1), user("a"), assistant("b"))[1] == "2 turns"
    assert judged(Length(max_chars=1, max_turns=1, level="warn"), user("a"), assistant("b"))[2] == [
        "too-long",
        "too-many-turns",
    ]


CONTENT = st.none() | st.text(max_size=8)
MESSAGES = st.builds(Message, role=st.sampled_from(["system", "user", "assistant", "tool", None]), content=CONTENT)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.lists(MESSAGES, max_size=4).map(tuple), min_size=1, max_size=8), st.integers(0, 12))
def test_agrees_with_plain_counting(rows: list[tuple[Message, ...] | None], limit: int) -> None:
    (batch,) = to_batches(Conversation(messages=messages) for messages in rows)
    chars = [sum(len(m.content or "") for m in messages or ()) for messages in rows]
    turns = [sum(m.role in ("user", "assistant") for m in messages or ()) for messages in rows]
    by_chars = [row.drop for row in conversations(Length(max_chars=limit).apply(batch))]
    assert by_chars == ["too-long" if count > limit else None for count in chars]
    by_turns = [row.drop for row in conversations(Length(min_turns=limit).apply(batch))]
    assert by_turns == ["too-few-turns" if count < limit else None for count in turns]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({}, "no limit is given"),
        ({"min_chars": 5, "max_chars": 4}, "min_chars 5 is above max_chars 4"),
        ({"min_turns": -1}, "greater than or equal to 0"),
        ({"max_words": 4}, "Extra inputs"),
    ],
)
def test_mistakes_are_told(limits: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Length(**limits)
    assert told in str(caught.value)
