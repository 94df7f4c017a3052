"""A conversation as plain values: the gentle face of one row, for odd readers, tests, `explain` and the report.

These are pure values: equal content is equal. The batch (`batch.py`) is what moves through a run; this is for people.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """One turn: who speaks and what is said.

    `parts` (a list of content parts) stands in place of `content`; `tool_calls` is the provider's list as it is;
    `extra` holds every other key of the message, `function_call` and `refusal` among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    role: str | None = None
    content: str | None = None
    name: str | None = None
    weight: int | None = None
    tool_calls: list[Any] | None = None
    tool_call_id: str | None = None
    parts: list[Any] | None = None
    extra: dict[str, Any] | None = None


class Conversation(BaseModel):
    """One row: its messages, the source records it owns, and what stages said of it.

    The fields are the columns of the batch (see `ftdata.batch.SCHEMA`), JSON columns as Python objects. A reader sets
    `origin` and leaves `row` and `id` to the engine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    row: int = 0
    id: str = ""
    origin: tuple[int, ...] = ()
    shares: tuple[int, ...] | None = None
    messages: tuple[Message, ...] | None = ()
    rejected: tuple[Message, ...] | None = None
    answer_at: int | None = None
    tools: list[Any] | None = None
    extra: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None
    split: str | None = None
    flags: tuple[str, ...] = ()
    drop: str | None = None
    note: str | None = None


def system(content: str, **fields: Any) -> Message:
    """Make a system message."""
    return Message(role="system", content=content, **fields)


def user(content: str, **fields: Any) -> Message:
    """Make a user message."""
    return Message(role="user", content=content, **fields)


def assistant(content: str, **fields: Any) -> Message:
    """Make an assistant message."""
    return Message(role="assistant", content=content, **fields)
