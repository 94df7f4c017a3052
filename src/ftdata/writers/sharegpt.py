"""ShareGPT rows as LLaMA-Factory takes them."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import polars as pl

from ftdata.batch import Batch
from ftdata.writers.cargo import TALK, Masks, mask_of
from ftdata.writers.dialect import Dialect, Talk, Turn, key, named, raw

ROLES = {"user": "human", "assistant": "gpt"}


class ShareGPT(Dialect):
    """Write ShareGPT rows as LLaMA-Factory takes them, one file per split.

    A row has `conversations` of `from` (`human`, `gpt`, `function_call`, `observation`) and `value`, and where given
    `system` and `tools`, the definitions as JSON in a text. A call is a turn of its own, JSON in a text (several at
    once: a list); the answers to several calls are one observation, a JSON list of texts.

        {"conversations":[{"from":"human","value":"Oi"},{"from":"gpt","value":"Olá!"}],"system":"Seja breve."}

    The layout has no ids of calls: the answers must all follow their calls, in order. Refused besides: weights, names,
    preference, pictures, a system message that is not the first, and a call without words after another message of the
    assistant (both would be one turn). LLaMA-Factory leaves out, without a word, rows in which user (or observation)
    and assistant (or call) do not take turns: the check `format` names them.

    Source: LLaMA-Factory, `data/README.md`, `converter.py` and `tool_utils.py`; as of 2026-11-21.
    """

    name: ClassVar[str] = "sharegpt"
    carries: ClassVar[frozenset[str]] = TALK | {"system", "tools", "tool-turns", "tool-text"}

    def unheld(self, batch: Batch) -> Masks:
        """Refuse also calls whose answers do not all follow, and those that would melt into the turn before."""
        found = super().unheld(batch)
        calling = batch.select(pl.col("messages").list.eval(pl.element().struct.field("tool_calls")).list.drop_nulls())
        odd = [
            at
            for at in (calling.to_series().list.len().fill_null(0) > 0).arg_true()
            if not _parted(batch["messages"][at].to_list())
        ]
        if odd:
            mask = mask_of(batch.height, odd)
            found["call-order"] = found["call-order"] | mask if "call-order" in found else mask
        return found

    def message(self) -> pl.Expr:
        """Give a plain message."""
        return pl.struct(pl.col("role").replace(ROLES).alias("from"), pl.col("content").alias("value"))

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row."""
        return [key("conversations", pl.col("turns")), named("system", pl.col("system"))]

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give any row."""
        said: list[dict[str, Any]] = []
        answers: list[str] = []
        for turn in [*talk.turns, Turn("", None)]:
            if turn.role == "tool":
                answers.append(turn.content or "")
                continue
            if answers:
                told = answers[0] if len(answers) == 1 else msgspec.json.encode(answers).decode()
                said.append({"from": "observation", "value": told})
                answers = []
            if turn.content is not None:
                said.append({"from": ROLES[turn.role], "value": turn.content})
            if turn.calls:
                said.append({"from": "function_call", "value": _called(turn)})
        made: dict[str, Any] = {"conversations": said}
        if talk.system is not None:
            made["system"] = talk.system
        if talk.functions is not None:
            bare = [{name: raw(item) for name, item in one.items()} for one in talk.functions]
            made["tools"] = msgspec.json.encode(bare).decode()
        return made


def _called(turn: Turn) -> str:
    calls = [{"name": name, "arguments": raw(arguments)} for _, name, arguments in turn.calls]
    return msgspec.json.encode(calls[0] if len(calls) == 1 else calls).decode()


def _parted(messages: list[dict[str, Any]]) -> bool:
    """Say whether each message with calls has as many answers right after it, and stands as a turn of its own."""
    for at, message in enumerate(messages):
        if message["tool_calls"] is None:
            continue
        calls = len(msgspec.json.decode(message["tool_calls"]))
        answers = [one["role"] == "tool" for one in messages[at + 1 : at + 2 + calls]]
        following = answers.index(False) if False in answers else len(answers)
        last = at + 1 == len(messages)
        if (following != calls and not last) or (
            message["content"] is None and at and messages[at - 1]["role"] == "assistant"
        ):
            return False
    return True
