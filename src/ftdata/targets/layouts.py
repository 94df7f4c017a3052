"""Tell in which layout the rows of a file are written, by what the readers know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ftdata.targets.views import LAYOUTS


def layout_of(row: Any) -> str | None:
    """Tell the layout of one row; None for what is no row of a known one."""
    if _is_chat(row):
        return "openai-chat"
    from ftdata.readers.layouts import AnthropicHH, Bedrock, Cohere, Gemini, Preference, ShareGPT, TrlCompletion

    if not isinstance(row, dict):
        return None
    if Gemini.knows(row) or "contents" in row:
        return "gemini"
    if isinstance(row.get("input"), dict) or "preferred_output" in row or "preferred_completion" in row:
        return "openai-chat"
    if {"chosen", "rejected"} & row.keys() or Preference.knows(row) or AnthropicHH.knows(row):
        return "sharegpt" if "conversations" in row else "preference"
    if "messages" in row:
        if Cohere.knows(row) or _capital(row["messages"]):
            return "cohere"
        if row.get("schemaVersion") is not None:
            return "nova"
        if Bedrock.knows(row):
            return "claude" if isinstance(row.get("system"), str) or _typed(row["messages"]) else "nova"
        if isinstance(row.get("system"), str) and "tools" not in row:
            return "claude"
        return "sharegpt" if ShareGPT.knows(row) else "openai-chat"
    if TrlCompletion.knows(row) or {"prompt", "completion"} & row.keys() or _is_pair(row):
        return "prompt-completion"
    return "sharegpt" if "conversations" in row else None


def _is_chat(row: Any) -> bool:
    """Know the most common row without importing a reader: messages of role and content, and nothing beside them."""
    return (
        isinstance(row, dict)
        and row.keys() == {"messages"}
        and isinstance(row["messages"], list)
        and all(
            isinstance(one, dict)
            and one.get("role") in ("system", "user", "assistant")
            and isinstance(one.get("content"), str)
            for one in row["messages"]
        )
    )


def _is_pair(row: dict[str, Any]) -> bool:
    """Know the rows whose two texts have watsonx's names, whatever stands beside them but an instruction (Alpaca's)."""
    return isinstance(row.get("input"), str) and isinstance(row.get("output"), str) and "instruction" not in row


def _capital(messages: Any) -> bool:
    """Say whether a role is written as only Cohere writes it."""
    listed = messages if isinstance(messages, list) else []
    return any(isinstance(one, dict) and one.get("role") in ("System", "User", "Chatbot") for one in listed)


def _typed(messages: Any) -> bool:
    """Say whether contents are strings, or blocks that name their type: Anthropic's form, not Converse's."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            return any(isinstance(block, dict) and "type" in block for block in content)
    return True


def most_common(rows: Iterable[Any]) -> str:
    """Tell the layout that most rows have; OpenAI's chat rows if none is known.

    Rows of Claude's layout without a system message look like OpenAI's: where all rows are of these two and some are
    Claude's, all are, lest `system` be taken for a key that nobody knows.
    """
    counts = Counter(layout for row in rows if (layout := layout_of(row)) is not None)
    if counts["claude"] and counts.keys() <= {"claude", "openai-chat"}:
        return "claude"
    return max(LAYOUTS, key=lambda layout: counts[layout])  # the first of those that are as common
