"""Conversations made for layouts, of exactly the cargo asked for; and what must be equal after a way through."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

from strategies import NASTY

from ftdata.conversation import Conversation, Message
from ftdata.writers.json_lines import CARGO

_WORDS = (
    "pedido",
    "não",
    "chegou",
    "order",
    "1001",
    "where",
    "está",
    "é",
    "¿dónde?",
    "refund",
    "☕️",
    '"so"',
    "a\\b",
    "{x}",
)


def text(rng: random.Random) -> str:
    """A text that says something; some of those that writers get wrong."""
    made = " ".join(rng.choices(_WORDS, k=rng.randint(1, 6)))
    if rng.random() < 0.15:
        made += rng.choice(NASTY)
    return made


def talks(count: int, held: frozenset[str], seed: int = 0) -> list[Conversation]:
    """Conversations that hold nothing but `held`, and of that a good part each."""
    rng = random.Random(seed)
    return [_talk(rng, held, number) for number in range(1, count + 1)]


def _talk(rng: random.Random, held: frozenset[str], number: int) -> Conversation:
    def may(word: str, share: float = 0.4) -> bool:
        return word in held and rng.random() < share

    turns: list[Message] = []
    if may("system"):
        turns.append(Message(role="system", content=text(rng)))
    calls = 0
    rounds = rng.randint(1, 4) if {"talk", "many-answers"} <= held or {"talk", "weight"} <= held else 1
    for at in range(rounds):
        last = at + 1 == rounds
        if may("later-system", 0.1) and turns:
            turns.append(Message(role="system", content=text(rng)))
        if may("developer", 0.1):
            turns.append(Message(role="developer", content=text(rng)))
        turns.append(_asked(rng, may("images", 0.3)))
        if {"talk", "many-answers"} <= held and may("talk", 0.05):
            turns.append(Message(role="user", content=text(rng)))
        if (
            "tool-turns" in held
            and "talk" in held
            and ("many-answers" in held or "weight" in held)
            and may("tool-turns")
        ):
            turns += _tooled(rng, held, calls, 0 if "many-answers" not in held else None)
            calls += 9
        weight = rng.choice([None, None, 0, 1]) if "weight" in held else None
        if "many-answers" not in held and "weight" in held:
            weight = None if last else 0
        elif last and "no-answer" not in held and weight == 0:
            weight = None
        turns.append(Message(role="assistant", content=text(rng), weight=weight))
    tools = _tools(rng) if may("tools") else None
    fields: dict[str, Any] = {"row": number, "id": f"made#{number}", "origin": (number,), "tools": tools}
    if "preference" in held and ("single-answer" not in held or rng.random() < 0.3):
        answers = [Message(role="assistant", content=text(rng)) for _ in range(2)]
        more = [Message(role="user", content="E?"), Message(role="assistant", content=text(rng))]
        sides = [[answers[0]], [answers[1]]]
        if may("long-preference", 0.3):
            sides[rng.randint(0, 1)] += more
        turns = [turn.model_copy(update={"weight": None}) for turn in turns]
        fields |= {"messages": (*turns[:-1], *sides[0]), "answer_at": len(turns) - 1, "rejected": tuple(sides[1])}
        return Conversation(**fields)
    return Conversation(messages=tuple(turns), **fields)


def _asked(rng: random.Random, pictured: bool) -> Message:
    if not pictured:
        return Message(role="user", content=text(rng))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVs" + rng.choice(["bG8=", "bG9v"])}}
    parts = [{"type": "text", "text": text(rng)}, picture]
    return Message(role="user", parts=rng.choice([parts, parts[::-1], [picture], [*parts, picture]]))


def _tooled(rng: random.Random, held: frozenset[str], before: int, weight: int | None) -> list[Message]:
    count = rng.choice([1, 1, 2])
    made = [
        {
            "id": f"id{before}{at}{rng.randint(0, 9)}",
            "type": "function",
            "function": {
                "name": rng.choice(["status", "look_up"]),
                "arguments": json.dumps({"id": text(rng), "n": [1.5]}),
            },
        }
        for at in range(count)
    ]
    said = text(rng) if rng.random() < 0.3 else None
    answers = []
    for call in made:
        told = text(rng) if "tool-text" in held and rng.random() < 0.5 else json.dumps({"s": text(rng), "n": None})
        answers.append(Message(role="tool", content=told, tool_call_id=str(call["id"])))
    if "call-order" in held and rng.random() < 0.3:
        answers.reverse()
    return [Message(role="assistant", content=said, tool_calls=made, weight=weight), *answers]


def _tools(rng: random.Random) -> list[Any]:
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": text(rng)},
            "n": {"type": "array", "items": {"type": "number"}},
        },
        "required": ["type"],
    }
    bare = {"name": "status", "description": text(rng), "parameters": schema}
    return [{"type": "function", "function": {name: bare[name] for name in list(bare)[: rng.choice([1, 3, 3])]}}]


def canonical(talk: Conversation) -> Any:
    """Give what must be equal: ids of calls stand for their order, JSON in texts for its value, weight 1 for none."""
    numbers: dict[str | None, int] = {}
    return {
        "messages": [_message(one, numbers) for one in talk.messages or ()],
        "rejected": None if talk.rejected is None else [_message(one, numbers) for one in talk.rejected],
        "answer_at": talk.answer_at,
        "tools": talk.tools,
        "extra": talk.extra,
    }


def _message(one: Message, numbers: dict[str | None, int]) -> Any:
    for call in one.tool_calls or ():
        numbers.setdefault(call["id"], len(numbers))
    calls = [
        (numbers[call["id"]], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in one.tool_calls or ()
    ]
    content: Any = one.content
    if one.role == "tool" and (content or "")[:1] == "{":
        with suppress(ValueError):
            content = json.loads(content or "")
    other = {key: item for key, item in (one.extra or {}).items() if item is not None}
    named = one.name if one.role != "tool" else None
    answers = numbers.get(one.tool_call_id, one.tool_call_id)
    return one.role, content, calls, answers, one.parts, one.weight == 0, named, other


ALL = frozenset(CARGO)
