"""What a target learns of a row: which answers count, where it is not all whose weight is not 0."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from ftdata.batch import Batch, flat, relist
from ftdata.targets import load
from ftdata.writers.learned import unfold


class Learning(NamedTuple):
    """How a target learns: by `weights` or not, of rows with tools the last answer only or all; and who says so."""

    weights: bool = True
    last_with_tools: bool = False
    source: str | None = None


def learning(target: str | None) -> Learning:
    """Give how a target learns, by the rules of its profile; `source` is None where that is not known.

    Without such a rule every answer whose weight is not 0 is learnt.
    """
    if target is None:
        return Learning()
    profile = load(target)
    ignored, weight, last = (profile.rule(kind) for kind in ("weights-ignored", "weight", "tools-last-only"))
    rule = ignored or (weight if weight is not None and weight.evidence != "unverified" else None)
    return Learning(ignored is None, last is not None, None if rule is None else f"{rule.what}: {rule.source}")


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
