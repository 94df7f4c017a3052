"""Rows for tuning Claude on Bedrock."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from ftdata.writers.cargo import TALK
from ftdata.writers.dialect import Dialect, Talk, key, named


class Claude(Dialect):
    """Write rows for tuning Claude 3 Haiku on Bedrock, one file per split. That model's life ended on 2026-09-10.

    A row has, where there is one, `system` (a text), and `messages` of a role (`user`, `assistant`) and a text; no
    other key.

        {"system":"Seja breve.","messages":[{"role":"user","content":"Oi"},{"role":"assistant","content":"Olá!"}]}

    Refused: everything but talk of user and assistant, and one system message before it.

    Source: Anthropic's cookbook and AWS's documentation of tuning Claude 3 Haiku; as of 2026-11-21.
    """

    name: ClassVar[str] = "claude"
    carries: ClassVar[frozenset[str]] = TALK | {"system"}

    def message(self) -> pl.Expr:
        """Give a plain message."""
        return pl.struct("role", "content")

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row."""
        return [named("system", pl.col("system")), key("messages", pl.col("turns"))]

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give any row."""
        made: dict[str, Any] = {} if talk.system is None else {"system": talk.system}
        return {**made, "messages": [{"role": turn.role, "content": turn.content} for turn in talk.turns]}
