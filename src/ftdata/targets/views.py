"""See a row in the layout that it is written in: one view for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftdata.targets import views_chat, views_vendor
from ftdata.targets.speech import Speech

_VIEWS: dict[str, Callable[[Speech], None]] = {
    "openai-chat": views_chat.openai,
    "nova": views_vendor.nova,
    "claude": views_vendor.claude,
    "gemini": views_vendor.gemini,
    "cohere": views_vendor.cohere,
    "prompt-completion": views_chat.prompt_completion,
    "preference": views_chat.preference,
    "sharegpt": views_chat.sharegpt,
}

LAYOUTS = tuple(_VIEWS)
"""The layouts that a row can be seen in: names of writers. What is none of them is taken for the first."""


def view(row: Any, layout: str) -> Speech:
    """Cut a parsed row, as it is written in a layout, into what the rules look at."""
    speech = Speech(layout, row if isinstance(row, dict) else {})
    if isinstance(row, dict):
        _VIEWS[layout](speech)
    return speech
