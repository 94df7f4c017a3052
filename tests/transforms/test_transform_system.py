from __future__ import annotations

import pytest
from pydantic import ValidationError

from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, Message, assistant, system, user
from ftdata.transforms.system import System

DEVELOPER = Message(role="developer", content="D")
NEW, U, A = system("New"), user("q"), assistant("r")


def run(mode: str, row: Conversation) -> Conversation:
    (batch,) = to_batches([Conversation(messages=(user("before"),)), row, Conversation(messages=(user("after"),))])
    first, made, last = conversations(System(text="New", mode=mode).apply(batch))  # type: ignore[arg-type]
    assert first.messages == (NEW, user("before"))
    assert last.messages == (NEW, user("after"))
    return made


@pytest.mark.parametrize(
    ("messages", "add", "replace", "missing"),
    [
        ((U, A), (NEW, U, A), (NEW, U, A), (NEW, U, A)),
        ((system("S"), U, A), (NEW, system("S"), U, A), (NEW, U, A), (system("S"), U, A)),
        ((DEVELOPER, U, A), (NEW, DEVELOPER, U, A), (NEW, U, A), (DEVELOPER, U, A)),
        ((system("S"), DEVELOPER, U), (NEW, system("S"), DEVELOPER, U), (NEW, U), (system("S"), DEVELOPER, U)),
        ((U, system("S"), A), (NEW, U, system("S"), A), (NEW, U, system("S"), A), (U, system("S"), A)),
        ((system("S"),), (NEW, system("S")), (NEW,), (system("S"),)),
        ((), (), (), ()),
        (None, None, None, None),
    ],
)
def test_table(
    messages: tuple[Message, ...] | None,
    add: tuple[Message, ...] | None,
    replace: tuple[Message, ...] | None,
    missing: tuple[Message, ...] | None,
) -> None:
    row = Conversation(messages=messages)
    assert run("add", row).messages == add
    assert run("replace", row).messages == replace
    assert run("only-if-missing", row).messages == missing


@pytest.mark.parametrize(("mode", "begins", "becomes"), [("add", 2, 3), ("replace", 2, 2), ("only-if-missing", 2, 2)])
def test_the_preferred_answer_is_found_again(mode: str, begins: int, becomes: int) -> None:
    row = Conversation(messages=(system("S"), U, assistant("good")), rejected=(assistant("bad"),), answer_at=begins)
    made = run(mode, row)
    assert made.answer_at == becomes
    assert made.messages is not None and made.messages[becomes] == assistant("good")
    assert made.rejected == (assistant("bad"),)


def test_notes_say_what_was_done_and_the_same_message_is_no_edit() -> None:
    assert run("replace", Conversation(messages=(system("S"), DEVELOPER, U))).note == "system messages replaced: 2"
    assert run("replace", Conversation(messages=(U,))).note == "system message added"
    assert run("replace", Conversation(messages=(NEW, U))).note is None
    assert run("replace", Conversation(messages=(NEW, NEW, U))).messages == (NEW, U)
    named = system("New", name="x")
    assert run("replace", Conversation(messages=(named, U))).messages == (NEW, U)


def test_everything_else_of_a_message_stays() -> None:
    call = Message(
        role="assistant", weight=0, tool_calls=[{"id": "1"}], extra={"refusal": None}, name="n", tool_call_id="t"
    )
    parts = Message(role="user", parts=[{"type": "text", "text": "😀"}])
    assert run("add", Conversation(messages=(parts, call))).messages == (NEW, parts, call)


def test_a_blank_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        System(text="")
