"""The words for who speaks: in each layout, and those that people write instead."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "openai-chat": {"system": "system", "user": "user", "assistant": "assistant"},
    "nova": {"user": "user", "assistant": "assistant"},
    "claude": {"user": "user", "assistant": "assistant"},
    "gemini": {"user": "user", "model": "assistant"},
    "cohere": {"System": "system", "User": "user", "Chatbot": "assistant"},
    "sharegpt": {"system": "system", "human": "user", "gpt": "assistant"},
    "prompt-completion": {},
}
"""For each layout that has plain rows (see `ftdata.targets.plain`), the words in their messages and whom they name."""

ALIASES: dict[str, str] = {
    "agent": "assistant",
    "ai": "assistant",
    "assistant": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "customer": "user",
    "developer": "developer",
    "function": "function",
    "gpt": "assistant",
    "human": "user",
    "model": "assistant",
    "system": "system",
    "tool": "tool",
    "user": "user",
}
"""What a word for a role means, in lower case: of the words that exports and other layouts use."""
