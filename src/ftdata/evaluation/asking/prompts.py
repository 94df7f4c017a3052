"""What a model is asked: the exact messages of a question, with examples before it or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftdata.conversation import Conversation, Message
from ftdata.evaluation.asking.systems import digest
from ftdata.evaluation.held_out import HeldOut, Question

LEAST_TOKENS = 64
"""Tokens that every answer may have: a base that was told no format talks first."""
INSTRUCT = ("system", "developer")
"""Roles that instruct; all others take turns."""


@dataclass(frozen=True)
class Prompt:
    """What one question is asked by: messages and tools as OpenAI's protocol writes them; `key` is their digest."""

    key: str
    messages: list[dict[str, Any]]
    tools: list[Any] | None

    @property
    def characters(self) -> int:
        """How many characters of text it holds."""
        return sum(map(_characters, (self.messages, self.tools)))


def prompt(question: Question, examples: Sequence[Conversation] = ()) -> Prompt:
    """Write the prompt of a question.

    Examples stand as earlier turns behind the system message of the question; a system message of their own is left
    out. Nothing of the right answer goes in.
    """
    asked = list(question.messages)
    lead = next((at for at, one in enumerate(asked) if one.role not in INSTRUCT), len(asked))
    shown = [turn for one in examples for turn in one.messages or () if turn.role not in INSTRUCT]
    messages = [written(one) for one in (*asked[:lead], *shown, *asked[lead:])]
    return Prompt(digest(messages, question.tools), messages, question.tools)


def written(message: Message) -> dict[str, Any]:
    """Give a message as the protocol takes it in a prompt: without a training weight or keys that it does not know."""
    content: Any = message.content if message.parts is None else message.parts
    found: dict[str, Any] = {"role": message.role or "user"}
    if content is not None or not message.tool_calls:
        found["content"] = "" if content is None else content
    for key in ("name", "tool_calls", "tool_call_id"):
        if (value := getattr(message, key)) is not None:
            found[key] = value
    return found


def most_tokens(held: HeldOut) -> int:
    """Give the tokens that an answer may have: half the bytes of the longest right answer, up to a power of two.

    English text has four bytes a token, JSON about three, other scripts two or more: all fit, and held-out rows that
    change a little ask for the same answers. At least 64.
    """
    longest = max(len(text.encode("utf-8", "replace")) for text in held.wanted)
    return max(LEAST_TOKENS, 1 << (max(1, longest // 2) - 1).bit_length())


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0
