"""What a target learns of a row: which answers count, where it is not all whose weight is not 0."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

import polars as pl

from ftdata.batch import Batch, flat, relist
from ftdata.writers.learned import unfold


class Learning(NamedTuple):
    """How a target learns: by `weights` or not, of rows with tools the last answer only or all; and who says so."""

    weights: bool = True
    last_with_tools: bool = False
    source: str | None = None


def learning(target: str | None) -> Learning:
    """Give how a target learns, by `learning.toml`; `source` is None where that is not known."""
    return _table().get(target or "", Learning())


def as_learnt(batch: Batch, target: str | None) -> Batch:
    """Set the weights of a batch to what a target makes of them."""
    how = learning(target)
    if not how.weights and batch["messages"].null_count() < batch.height:
        plain = flat(batch).with_columns(pl.lit(None, pl.Int8).alias("weight"))
        batch = batch.with_columns(relist(batch["messages"], plain))
    if how.last_with_tools and batch["tools"].null_count() < batch.height:
        tooled = (batch["tools"].is_not_null() & (batch["tools"] != "[]")).fill_null(False)
        numbered = batch.with_row_index("place")
        last = unfold(numbered.filter(tooled), "last")
        batch = pl.concat([last, numbered.filter(~tooled)]).sort("place").drop("place")
    return batch


@cache
def _table() -> dict[str, Learning]:
    table = tomllib.loads((resources.files("ftdata.tokens") / "learning.toml").read_text(encoding="utf-8"))
    return {name: Learning(**entry) for name, entry in table.items()}
