"""Rows for tuning Amazon Nova on Bedrock: the Converse schema."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from ftdata.writers.cargo import TALK
from ftdata.writers.dialect import Dialect, Talk, Turn, key, named, raw

SCHEMA = "bedrock-conversation-2024"


class Nova(Dialect):
    r"""Write rows for tuning Amazon Nova on Bedrock, one file per split.

    A row has `schemaVersion`, where there is one `system` (a list of one text), and `messages` whose content is a list
    of blocks: a text, a call of a tool (`toolUse`, its arguments as an object), a tool's answer (`toolResult`, said by
    the user). The tools stand in `toolConfig`. A preference row ends with the `candidates` of its last message,
    labelled `preferred` and `non-preferred`.

        {"schemaVersion":"bedrock-conversation-2024","messages":[{"role":"user","content":[{"text":"Oi"}]},…]}

    Refused, since the layout has no place for it: weights, names, a system message that is not the first, pictures
    (they must lie in a bucket), all that is OpenAI's own. The schema takes tools, but Nova 2 does not train on them:
    the check `format` says so. Bedrock takes letters, digits and `_-/.` in the name of a file.

    Source: AWS, "Preparing data for fine-tuning Understanding models" and the Converse API; as of 2026-11-21.
    """

    name: ClassVar[str] = "nova"
    carries: ClassVar[frozenset[str]] = TALK | {
        "system",
        "tools",
        "tool-turns",
        "call-order",
        "tool-text",
        "preference",
    }

    def message(self) -> pl.Expr:
        """Give a plain message."""
        return pl.struct("role", content=pl.concat_list(pl.struct(text="content")))

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row."""
        return [
            pl.lit(f'"schemaVersion":"{SCHEMA}"'),
            named("system", pl.concat_list(pl.struct(text="system"))),
            key("messages", pl.col("turns")),
        ]

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give any row."""
        made: dict[str, Any] = {"schemaVersion": SCHEMA}
        if talk.system is not None:
            made["system"] = [{"text": talk.system}]
        asked = talk.turns if talk.rejected is None else talk.turns[:-1]
        made["messages"] = [
            {"role": "user" if turn.role == "tool" else turn.role, "content": _blocks(turn)} for turn in asked
        ]
        if talk.rejected is not None:
            sides = (("preferred", talk.turns[-1]), ("non-preferred", talk.rejected[0]))
            candidates = [{"content": _blocks(turn), "preferenceLabel": label} for label, turn in sides]
            made["messages"].append({"role": "assistant", "candidates": candidates})
        if talk.functions is not None:
            made["toolConfig"] = {"tools": [{"toolSpec": _spec(one)} for one in talk.functions]}
        return made


def _blocks(turn: Turn) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [{"toolResult": {"toolUseId": turn.call, "content": [{"text": turn.content}]}}]
    blocks: list[dict[str, Any]] = [] if turn.content is None else [{"text": turn.content}]
    for identity, name, arguments in turn.calls:
        blocks.append({"toolUse": {"toolUseId": identity, "name": name, "input": raw(arguments)}})
    return blocks


def _spec(function: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {name: raw(function[name]) for name in ("name", "description") if name in function}
    if "parameters" in function:
        spec["inputSchema"] = {"json": raw(function["parameters"])}
    return spec
