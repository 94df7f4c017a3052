"""Which answers of a conversation are learnt, and from which lines: all from one, the last, or each from its own."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, lengths, messages_column, owners, paired, relist

Turns: TypeAlias = Literal["whole", "last", "expand"]
DESCRIPTION = (
    "which answers are learnt: `whole`: all, from one line a row; `last`: only the last (the others get weight 0); "
    "`expand`: each, from a line of its own that ends with it"
)


def answers(batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say of each flat message whether it is an answer to learn: the assistant's, of a weight that is not 0.

    Preference rows have none: what is learnt of them is the pair.
    """
    messages = flat(batch)
    learnt = (messages["role"] == "assistant").fill_null(False) & (messages["weight"].fill_null(1) != 0)
    return np.asarray(learnt.to_numpy() & ~paired(batch)[owners(batch).to_numpy()])


def spread(batch: Batch, turns: Turns) -> pl.Series | None:
    """Count the lines of each row (UInt32); None: one each."""
    if turns != "expand":
        return None
    counts = np.bincount(owners(batch).to_numpy()[answers(batch)], minlength=batch.height)
    return pl.Series("lines", np.maximum(counts, 1), pl.UInt32)


def unfold(batch: Batch, turns: Turns) -> Batch:
    """Give one row for each line to be written, in which every answer with a weight that is not 0 is to be learnt."""
    if turns == "whole" or not batch.height:
        return batch
    learnt, messages = answers(batch), flat(batch)
    owner = owners(batch).to_numpy().astype(np.int64)
    at = np.flatnonzero(learnt)
    if turns == "last":
        if not len(at):
            return batch
        last = np.full(batch.height, -1)
        np.maximum.at(last, owner[at], at)
        earlier = learnt & (np.arange(len(learnt)) != last[owner])
        messages = messages.with_columns(weight=_unlearnt(messages["weight"], earlier))
        return batch.with_columns(relist(batch["messages"], messages))
    sizes = lengths(batch).to_numpy().astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    lines = np.maximum(np.bincount(owner[at], minlength=batch.height), 1)
    row = np.repeat(np.arange(batch.height), lines)
    # A line ends with the answer that it teaches; that of a row without any, with the row.
    ends = (starts + sizes)[row]
    has = np.zeros(batch.height, dtype=bool)
    has[owner[at]] = True
    ends[has[row]] = at + 1
    long = ends - starts[row]
    bounds = np.concatenate(([0], np.cumsum(long)))
    taken = np.arange(bounds[-1]) - np.repeat(bounds[:-1] - starts[row], long)
    final = np.repeat(ends - 1, long)
    fields = messages[taken]
    fields = fields.with_columns(weight=_unlearnt(fields["weight"], learnt[taken] & (taken != final)))
    nulls = batch["messages"].is_null().to_numpy()[row] if batch["messages"].null_count() else None
    turned = messages_column({name: fields[name] for name in fields.columns}, bounds, nulls)
    return batch[row].with_columns(turned.alias("messages"))


def _unlearnt(weight: pl.Series, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.Series:
    return pl.select(pl.when(pl.Series(mask)).then(pl.lit(0, pl.Int8)).otherwise(weight)).to_series()
