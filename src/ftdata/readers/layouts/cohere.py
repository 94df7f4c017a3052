"""The `cohere` reader: messages of `System`, `User` and `Chatbot`."""

from __future__ import annotations

from typing import Any, ClassVar

from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Row, TrainingRows
from ftdata.readers.layouts.turns import Speech, conversation, tools_of

_WORDS = frozenset({"System", "User", "Chatbot", "Tool"})


class Cohere(TrainingRows):
    """Read rows for tuning Cohere's chat models: `messages` whose roles are `System`, `User` and `Chatbot`.

    `tools` are kept in OpenAI's form; all other keys go to `meta`. A record is dropped as `no-messages`,
    `no-assistant`, `no-user`, `no-answer`, `unknown-role`, `not-text`, `bad-tools`, or with the problem of its record.
    Flags as in `sharegpt`.

    Source: Cohere's documentation of chat fine-tuning.
    """

    name: ClassVar[str] = "cohere"
    evidence: ClassVar[str] = "D"
    keys: ClassVar[tuple[str, ...]] = ("messages",)
    shape: ClassVar[str] = "`messages` of `User` and `Chatbot`"
    surely: ClassVar[float] = 0.99

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its role words."""
        messages = value.get("messages")
        roles = (
            {str(one.get("role")) for one in messages if isinstance(one, dict)} if isinstance(messages, list) else set()
        )
        return "Chatbot" in roles and roles <= _WORDS

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        messages = rest.pop("messages", None)
        if not isinstance(messages, list):
            raise RowError("no-messages" if messages is None else "not-text")
        tools = tools_of(rest.pop("tools", None))
        speech = Speech()
        for message in messages:
            speech.add(message)
        return conversation(speech, rest, tools)
