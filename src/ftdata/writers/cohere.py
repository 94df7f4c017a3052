"""Rows for tuning Cohere's chat models."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from ftdata.writers.cargo import TALK
from ftdata.writers.dialect import Dialect, Talk, key

ROLES = {"system": "System", "user": "User", "assistant": "Chatbot"}


class Cohere(Dialect):
    """Write rows for tuning Cohere's chat models, one file per split. Cohere closed its tuning on 2025-09-15.

    A row has `messages` of a role (`System`, `User`, `Chatbot`) and a text.

        {"messages":[{"role":"System","content":"Seja breve."},{"role":"User","content":"Oi"},…]}

    Refused: everything but talk of user and assistant, and one system message before it.

    Source: Cohere's documentation of chat fine-tuning; as of 2026-11-21.
    """

    name: ClassVar[str] = "cohere"
    carries: ClassVar[frozenset[str]] = TALK | {"system"}
    apart: ClassVar[bool] = False

    def message(self) -> pl.Expr:
        """Give a plain message."""
        return pl.struct(pl.col("role").replace(ROLES), "content")

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row."""
        return [key("messages", pl.col("turns"))]

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give any row."""
        return {"messages": [{"role": ROLES[turn.role], "content": turn.content} for turn in talk.turns]}
