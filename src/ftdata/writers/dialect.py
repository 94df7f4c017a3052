"""Base of layouts with words of their own: plain talk goes natively, column by column, all else row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, nest, owners
from ftdata.writers.cargo import calls_of
from ftdata.writers.encoding import by_mask, objects
from ftdata.writers.json_lines import JsonLines


class Turn(NamedTuple):
    """One message of a row: `calls` as id, name and arguments (JSON text), `parts` as they stand."""

    role: str
    content: str | None
    calls: Sequence[tuple[str, str, str]] = ()
    call: str | None = None
    parts: Sequence[dict[str, Any]] = ()


class Talk(NamedTuple):
    """One row: what the system says, the turns after it, the other answer, and the functions of the tools."""

    system: str | None
    turns: list[Turn]
    rejected: list[Turn] | None
    functions: list[dict[str, msgspec.Raw]] | None


class Dialect(JsonLines):
    """Base of such writers: write `message` and `pieces` for plain talk, and `row` for all other rows.

    Both must give the same bytes for the same row: which way it goes is no business of the reader of the file.
    """

    apart: ClassVar[bool] = True
    """Whether the system message stands outside of the messages."""

    def message(self) -> pl.Expr:
        """Give a plain message as a struct, made of the columns `role` and `content`."""
        raise NotImplementedError

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row as JSON: of `turns` (the messages, JSON in a text) and `system` (or null)."""
        raise NotImplementedError

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give a row that is more than plain talk as an object, to be written in the order of its keys."""
        raise NotImplementedError

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        rows = batch.select("messages", "rejected", "answer_at", "tools")
        special = ~_plain(batch)
        if not special.any():
            return self._natively(rows)
        return by_mask(rows, pl.Series(special), self._by_row, self._natively)

    def _natively(self, rows: pl.DataFrame) -> pl.Series:
        turns, first = flat(rows), pl.col("messages").list.first().struct
        system = rows.select(system=pl.when(first.field("role") == "system").then(first.field("content"))).to_series()
        sizes = lengths(rows).to_numpy().astype(np.int64)
        if self.apart:
            turns = turns.filter(turns["role"] != "system")
            sizes = sizes - system.is_not_null().to_numpy()
        said = turns.select(turns=self.message().struct.json_encode()).to_series()
        listed = nest(said, np.concatenate(([0], np.cumsum(sizes))))
        joined = pl.concat_str(pl.lit("["), listed.list.join(","), pl.lit("]"))
        return objects(pl.DataFrame([pl.select(turns=joined).to_series(), system]), self.pieces())

    def _by_row(self, rows: pl.DataFrame) -> pl.Series:
        encode = msgspec.json.Encoder().encode
        lines = [encode(self.row(_talk(row, self.apart))).decode() for row in rows.iter_rows(named=True)]
        return pl.Series("line", lines, pl.String)


def key(name: str, value: pl.Expr) -> pl.Expr:
    """Give `"name":value` of a column of JSON."""
    return pl.concat_str(pl.lit(f'"{name}":'), value)


def named(name: str, value: pl.Expr) -> pl.Expr:
    """Give `"name":value` of a value to be encoded; null where the column `system` is."""
    encoded = pl.struct(value.alias(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
    return pl.when(pl.col("system").is_not_null()).then(encoded)


def _plain(batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say of each row whether it is nothing but talk of system, user and assistant."""
    turns = flat(batch)
    more = (
        turns["parts"].is_not_null()
        | turns["tool_calls"].is_not_null()
        | turns["content"].is_null()
        | ~turns["role"].is_in(["system", "user", "assistant"])
    ).fill_null(True)
    rows = np.bincount(owners(batch).to_numpy()[more.to_numpy()], minlength=batch.height) > 0
    odd = (batch["rejected"].is_not_null() | batch["answer_at"].is_not_null() | batch["tools"].is_not_null()).to_numpy()
    return np.asarray(~rows & ~odd & (lengths(batch).to_numpy() > 0))


_TOOLS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_FUNCTION = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PARTS = msgspec.json.Decoder(list[dict[str, Any]])


def _talk(row: dict[str, Any], apart: bool) -> Talk:
    turns = [_turn(message) for message in row["messages"] or ()]
    system = turns.pop(0).content if apart and turns and turns[0].role == "system" else None
    rejected = None if row["rejected"] is None else [_turn(message) for message in row["rejected"]]
    functions = None
    if row["tools"] is not None:
        functions = [_FUNCTION.decode(tool["function"]) for tool in _TOOLS.decode(row["tools"])]
    return Talk(system, turns, rejected, functions)


def _turn(message: dict[str, Any]) -> Turn:
    calls, parts = message["tool_calls"], message["parts"]
    return Turn(
        message["role"],
        message["content"],
        () if calls is None else calls_of(calls) or (),
        message["tool_call_id"],
        () if parts is None else _PARTS.decode(parts),
    )


def raw(text: str | msgspec.Raw) -> msgspec.Raw:
    """Give JSON text as a value to be written as it stands, without white space between its tokens."""
    return msgspec.Raw(msgspec.json.format(bytes(text) if isinstance(text, msgspec.Raw) else text.encode(), indent=-1))
