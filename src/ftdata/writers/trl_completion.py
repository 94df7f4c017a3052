"""Rows of a prompt and a completion, each a list of messages, as TRL takes them."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from ftdata.batch import Batch, flat, relist
from ftdata.writers.encoding import array, copied, objects, turns_of
from ftdata.writers.json_lines import JsonLines


class TrlCompletion(JsonLines):
    """Write a prompt and a completion, each a list of messages, as TRL takes them; one file per split.

    The completion is the last message, the prompt all before it: TRL learns the completion only, with any chat
    template. Calls of tools stand in `tool_calls` as OpenAI has them, the definitions in `tools`.

        {"prompt":[{"role":"user","content":"Oi"}],"completion":[{"role":"assistant","content":"Olá!"}]}

    A conversation with several answers is refused as it is, since only the last would be learnt: `turns = "expand"`
    makes a row of each, `turns = "last"` leaves the others out of the loss. An answer of weight 0 stands in the prompt,
    without its weight. Refused besides: preference rows, names, parts and pictures, all that is OpenAI's own.

    Source: TRL, "Dataset formats and types", conversational prompt-completion; as of 2026-11-21.
    """

    name: ClassVar[str] = "trl-completion"
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "system",
            "later-system",
            "developer",
            "tools",
            "tool-turns",
            "tool-text",
            "call-order",
            "weight",
            "single-answer",
            "talk",
        }
    )

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        bare = flat(batch).with_columns(weight=pl.lit(None, pl.Int8))
        batch = batch.with_columns(relist(batch["messages"], bare))
        rows = pl.DataFrame([turns_of(batch, "messages"), batch["tools"]])
        turns = pl.col("messages")
        pieces = [
            array("prompt", turns.list.head(turns.list.len() - 1)),
            array("completion", turns.list.tail(1)),
            copied("tools"),
        ]
        return objects(rows, pieces)
