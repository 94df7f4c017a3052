"""The records that hold messages and are none themselves: each belongs to the conversation that came of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from ftdata.batch import Batch, Rows, nest


class Holders:
    """Records whose messages follow them: a ticket with its comments. 24 bytes a record.

    A conversation owns those of its messages; what no conversation owns at the end is a row with a reason.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._ends: list[int] = []
        self._reasons: list[str] = []
        self._owned: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None

    def add(self, number: int, parts: int, reason: str) -> None:
        """Take the record of this number, which as many messages follow; `reason` if none of them is kept."""
        self._numbers.append(number)
        self._ends.append(number + parts)
        self._reasons.append(reason)

    def owned(self, batch: Batch) -> Batch:
        """Let the conversations of a batch own the records that hold their messages; all records have been read."""
        live = batch["drop"].is_null().to_numpy()
        if not self._numbers or not live.any():
            return batch
        if self._owned is None:
            self._owned = np.zeros(len(self._numbers), dtype=bool)
            self._starts, self._last = np.asarray(self._numbers, np.uint64), np.asarray(self._ends, np.uint64)
        lengths = batch["origin"].list.len().to_numpy()
        rows = np.repeat(np.arange(batch.height), lengths)
        records = batch["origin"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
        holder = np.searchsorted(self._starts, records, "right").astype(np.int64) - 1
        inside = live[rows] & (holder >= 0) & (records <= self._last[holder])
        which, first = np.unique(holder[inside], return_index=True)
        fresh = ~self._owned[which]
        which, takers = which[fresh], rows[inside][first[fresh]]
        self._owned[which] = True
        rows = np.concatenate((rows, takers))
        records = np.concatenate((records, self._starts[which]))
        order = np.lexsort((records, rows))
        bounds = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=batch.height))))
        return batch.with_columns(origin=nest(pl.Series("origin", records[order], pl.UInt64), bounds))

    def left(self) -> Iterator[Batch]:
        """Give the rows of those that no conversation owns."""
        out = Rows()
        for at, (number, reason) in enumerate(zip(self._numbers, self._reasons, strict=True)):
            if self._owned is None or not self._owned[at]:
                out.add((number,), drop=reason)
                if out.full:
                    yield out.batch()
        if len(out):
            yield out.batch()
