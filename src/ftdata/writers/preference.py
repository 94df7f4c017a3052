"""Preference rows as TRL takes them: prompt, chosen, rejected."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from ftdata.batch import Batch
from ftdata.writers.cargo import TALK
from ftdata.writers.encoding import array, copied, objects, turns_of
from ftdata.writers.json_lines import JsonLines


class Preference(JsonLines):
    """Write preference rows as TRL takes them for DPO: `prompt`, `chosen`, `rejected`, one file per split.

    Each is a list of messages of role and content; calls of tools stand in `tool_calls` as OpenAI has them, and the
    definitions in `tools`.

        {"prompt":[{"role":"user","content":"Oi"}],"chosen":[{"role":"assistant","content":"Olá!"}],"rejected":…}

    Refused: a row without a second answer (another writer is for these), weights, names, parts and pictures, all that
    is OpenAI's own.

    Source: TRL, "Dataset formats and types", conversational preference with an explicit prompt; as of 2026-11-21.
    """

    name: ClassVar[str] = "preference"
    carries: ClassVar[frozenset[str]] = TALK - {"single-answer"} | {
        "system",
        "later-system",
        "developer",
        "tools",
        "tool-turns",
        "tool-text",
        "call-order",
        "preference",
        "long-preference",
    }

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        rows = pl.DataFrame(
            [turns_of(batch, "messages"), turns_of(batch, "rejected"), batch["answer_at"], batch["tools"]]
        )
        turns, at = pl.col("messages"), pl.col("answer_at")
        pieces = [
            array("prompt", turns.list.slice(0, at)),
            array("chosen", turns.list.slice(at)),
            array("rejected", pl.col("rejected")),
            copied("tools"),
        ]
        return objects(rows, pieces)
