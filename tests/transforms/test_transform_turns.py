from __future__ import annotations

import re

import pytest

from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.transforms.turns import Turns

U, A, S = user("q"), assistant("r"), system("s")
PICTURE = {"type": "image_url", "image_url": {"url": "u"}}


def call(*ids: str) -> Message:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]
    return Message(role="assistant", tool_calls=calls)


def answer(one: str, content: str = "x") -> Message:
    return Message(role="tool", tool_call_id=one, content=content)


def parts(*items: object) -> Message:
    return Message(role="user", parts=list(items))


LEGACY = Message(role="assistant", extra={"function_call": {"name": "f", "arguments": "{}"}})
RESULT = Message(role="function", name="f", content="1")

CASES: list[tuple[tuple[Message, ...] | None, dict[str, int | None]]] = [
    ((U, A), {}),
    ((S, U, A), {}),
    ((U, A, U, A), {}),
    ((), {"no-messages": None}),
    (None, {"no-messages": None}),
    ((U,), {"no-assistant": None, "last-not-assistant": 1}),
    ((A,), {"no-user": None, "first-not-user": 1}),
    ((S, A), {"no-user": None, "first-not-user": 2}),
    ((S,), {"no-user": None, "no-assistant": None, "last-not-assistant": 1}),
    ((Message(role="bot", content="x"), U, A), {"unknown-role": 1, "first-not-user": 1}),
    ((U, A, Message(content="x"), A), {"unknown-role": 3}),
    ((U, assistant("")), {"empty-turn": 2}),
    ((U, assistant(" \n\u00a0")), {"empty-turn": 2}),
    ((Message(role="user"), A), {"empty-turn": 1}),
    ((system(" "), U, A), {"empty-turn": 1}),
    ((parts(), A), {"empty-turn": 1}),
    ((parts({"type": "text", "text": ""}), A), {"empty-turn": 1}),
    ((parts({"type": "text", "text": ""}, PICTURE), A), {}),
    ((parts(PICTURE), A), {}),
    ((U, Message(role="assistant", extra={"refusal": "no"})), {}),
    ((U, Message(role="assistant", extra={"refusal": None})), {"empty-turn": 2}),
    ((U, A, U), {"last-not-assistant": 3}),
    ((U, S, A), {"system-not-first": 2}),
    ((S, U, A, S, U, A), {"system-not-first": 4, "several-system": 4}),
    ((S, Message(role="developer", content="d"), U, A), {"several-system": 2}),
    ((S, A, U, A), {"first-not-user": 2}),
    ((U, U, A), {"consecutive-user": 2}),
    ((U, A, A), {"consecutive-assistant": 3}),
    ((U, call("1"), answer("1"), A), {}),
    ((U, call("1")), {}),
    ((U, LEGACY), {}),
    ((U, LEGACY, RESULT, A), {}),
    ((U, call("1", "2"), answer("2"), answer("1", ""), A), {}),
    ((U, call("1"), answer("1"), call("2"), answer("2"), A), {}),
    ((U, call("1", "2"), answer("1"), A), {"unanswered-call": 2}),
    ((U, call("1"), A), {"unanswered-call": 2, "consecutive-assistant": 3}),
    ((U, call("1"), U, A), {"unanswered-call": 2}),
    ((U, LEGACY, U, A), {"unanswered-call": 2}),
    ((U, answer("1"), A), {"tool-without-call": 2}),
    ((U, call("1"), answer("9"), A), {"tool-without-call": 3, "unanswered-call": 2}),
    ((U, RESULT, A), {"tool-without-call": 2}),
    ((U, call("1"), answer("1")), {"last-not-assistant": 3}),
]


@pytest.mark.parametrize(("messages", "broken"), CASES)
def test_each_rule_alone(messages: tuple[Message, ...] | None, broken: dict[str, int | None]) -> None:
    (batch,) = to_batches([Conversation(messages=(U, A)), Conversation(messages=messages)])
    rules = list(Turns.model_fields)
    for rule in rules:
        code = rule.replace("_", "-")
        others = dict.fromkeys(rules, "off")
        for level in ("warn", "drop"):
            after = Turns(**{**others, rule: level}).apply(batch)  # type: ignore[arg-type]
            drop, flags, note = after.select("drop", "flags", "note").row(1)
            assert drop == (code if code in broken and level == "drop" else None)
            assert flags == ([code] if code in broken and level == "warn" else [])
            place = broken.get(code)
            shown = None if place is None else f"turn {place}" if level == "drop" else f"{code} turn {place}"
            assert note == shown or (code in broken and place is None)
            assert after.select("drop", "flags", "note").row(0) == (None, [], None)


def test_dropped_for_the_first_rule_of_the_table_flagged_for_all() -> None:
    (batch,) = to_batches(
        [Conversation(messages=(U, U, A, A, S)), Conversation(messages=(A, U)), Conversation(messages=(U, U, A, A))]
    )
    first, second, third = Turns().apply(batch).select("drop", "flags", "note").rows()
    flags = ["system-not-first", "consecutive-user", "consecutive-assistant"]
    assert first == ("last-not-assistant", flags, "turn 5")
    assert second == ("last-not-assistant", ["first-not-user"], "turn 2")
    assert third == (None, flags[1:], "consecutive-user turn 2, consecutive-assistant turn 4")


def test_rows_for_reinforcement_and_preference() -> None:
    (batch,) = to_batches(
        [
            Conversation(messages=(U,), extra={"reference_label": "billing"}),
            Conversation(messages=(U,), extra={"parallel_tool_calls": True}),
            Conversation(messages=(S,), extra={"reference_label": "billing"}),
            Conversation(messages=(U, A), rejected=(A,), answer_at=1),
        ]
    )
    assert Turns().apply(batch)["drop"].to_list() == [None, "no-assistant", "no-user", None]


def test_the_documented_table_is_the_code() -> None:
    table = re.findall(r"\| `([a-z-]+)` \|.*\| (drop|warn) \|", Turns.__doc__ or "")
    fields = [(name.replace("_", "-"), field.default) for name, field in Turns.model_fields.items()]
    assert table == fields
