"""Turn raw exports into training files that a fine-tuning job accepts, with every row accounted for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftdata.batch import SCHEMA, Batch, Rows, text, to_batches
    from ftdata.conversation import Conversation, Message, assistant, system, user
    from ftdata.errors import FtdataError, RowError
    from ftdata.flow import run
    from ftdata.hooks import hookimpl
    from ftdata.manifest import Manifest
    from ftdata.readers.messages import Messages, Turn
    from ftdata.readers.times import instant
    from ftdata.recipe import Recipe
    from ftdata.source import Source
    from ftdata.stages import (
        Check,
        Event,
        Example,
        Finding,
        Job,
        Order,
        Reader,
        Result,
        Selector,
        Sniff,
        Trainer,
        Transform,
        Writer,
    )
    from ftdata.texts import Texts, map_text

__version__ = "0.1.0"

# Public names are imported when first used: `ftdata --help` must not pay for polars.
_HOMES = {
    "batch": ("SCHEMA", "Batch", "Rows", "text", "to_batches"),
    "conversation": ("Conversation", "Message", "assistant", "system", "user"),
    "flow": ("run",),
    "errors": ("FtdataError", "RowError"),
    "hooks": ("hookimpl",),
    "manifest": ("Manifest",),
    "readers.messages": ("Messages", "Turn"),
    "readers.times": ("instant",),
    "recipe": ("Recipe",),
    "source": ("Source",),
    "stages": (
        "Check",
        "Event",
        "Example",
        "Finding",
        "Job",
        "Order",
        "Reader",
        "Result",
        "Selector",
        "Sniff",
        "Trainer",
        "Transform",
        "Writer",
    ),
    "texts": ("Texts", "map_text"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "SCHEMA",
    "Batch",
    "Check",
    "Conversation",
    "Event",
    "Example",
    "Finding",
    "FtdataError",
    "Job",
    "Manifest",
    "Message",
    "Messages",
    "Order",
    "Reader",
    "Recipe",
    "Result",
    "RowError",
    "Rows",
    "Selector",
    "Sniff",
    "Source",
    "Texts",
    "Trainer",
    "Transform",
    "Turn",
    "Writer",
    "assistant",
    "hookimpl",
    "instant",
    "map_text",
    "run",
    "system",
    "text",
    "to_batches",
    "user",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"ftdata.{_HOME[name]}"), name)
    raise AttributeError(f"module 'ftdata' has no attribute {name!r}")
