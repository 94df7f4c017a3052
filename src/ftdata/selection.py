"""Selections: what a selector decided about the rows of a spool, laid on by position, and what the next one sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import SCHEMA, Batch
from ftdata.earlier import Earlier
from ftdata.engine import NULL, OBJECT, RAW, REASON, fault, gather, look, settle, sketch
from ftdata.errors import ContractError, FtdataError, PluginError, RowError
from ftdata.pool import Pool
from ftdata.spool import Frames, Spool
from ftdata.stages import Check, Selector

_DECISIONS: Mapping[str, pl.DataType] = {
    "drop": pl.String(),
    "note": pl.String(),
    "flags": pl.List(pl.String),
    "split": pl.String(),
    "tags": pl.String(),
    "told": pl.String(),
}
_TOLD = "told"
"""What a selector tells its own `summary`: laid on no row."""


class Decisions:
    """What a selector decided, sorted by row and laid on by position (a join of each batch costs 75 times more)."""

    def __init__(self, stage: Selector, label: str, frame: pl.DataFrame) -> None:
        self.stage = stage
        self.label = label
        odd = [name for name in frame.columns if name != "row" and name not in _DECISIONS]
        if "row" not in frame.columns or odd:
            raise ContractError(
                f"{label}: select() must give `row` and any of {', '.join(_DECISIONS)}"
                + (f"; it gave {', '.join(odd)}" if odd else "")
            )
        types = {name: kind for name, kind in _DECISIONS.items() if name in frame.columns}
        try:
            frame = frame.cast(pl.Schema({"row": pl.UInt64(), **types})).sort("row")
        except pl.exceptions.PolarsError as error:
            raise ContractError(f"{label}: select() gave a column of another type ({type(error).__name__})") from None
        if frame["row"].null_count() or frame["row"].is_duplicated().any():
            raise ContractError(f"{label}: select() must name each row once")
        if "drop" in frame.columns and (frame["drop"].str.len_chars().max() or 0) > REASON:  # type: ignore[operator]
            raise ContractError(f"{label}: gave a reason of over {REASON} characters; a reason is a short code")
        self.frame = frame
        self.used = 0

    def lay(self, batch: Batch, some: bool = False) -> Batch:
        """Give the batch with the decisions on its rows; only live rows may be decided upon.

        `some`: these are not all rows of their range; decisions on others are passed over.
        """
        rows = self.frame["row"].to_numpy()
        have = batch["row"].to_numpy()
        if not len(have) or not len(rows):
            return batch
        start, end = np.searchsorted(rows, [have[0], have[-1] + np.uint64(1)])
        part = self.frame.slice(int(start), int(end - start))
        if not part.height:
            return batch
        at = np.searchsorted(have, rows[start:end])
        there = have[np.minimum(at, len(have) - 1)] == rows[start:end]
        if some:
            part, at = part.filter(pl.Series(there)), at[there]
        elif not there.all():
            raise ContractError(f"{self.label}: select() decided upon a row that is not there or was dropped before")
        self.used += part.height
        columns = []
        for name in part.columns:
            if name in ("row", _TOLD):
                continue
            index = pl.Series(np.full(batch.height, -1)).scatter(at, np.arange(part.height))
            whole = part[name].gather(index.replace(-1, None).cast(pl.UInt32))
            if name == "flags":
                whole = batch["flags"].list.set_union(whole.fill_null([]))
            elif name == "tags":
                whole = self._merged(batch["meta"], whole)
            else:
                whole = pl.select(pl.coalesce(whole, batch[name])).to_series()
            columns.append(whole.rename("meta" if name == "tags" else name))
        return batch.with_columns(columns)

    def _merged(self, meta: pl.Series, tags: pl.Series) -> pl.Series:
        """Put tags under the stage's name; where the source has a column of that name, beside it: `language.code`."""
        name, merged = self.stage.name, []
        alone = meta.is_null() & tags.is_not_null()
        try:
            if (tags.is_null() | alone).all() and tags.str.contains(r"^\{.*\}$").all():
                for text in tags.drop_nulls().unique().to_list():
                    OBJECT.decode(text)
                fresh = pl.format('{{"{}":{}}}', pl.lit(name), tags)
                return pl.select(pl.when(alone).then(fresh).otherwise(meta).alias("meta")).to_series()
            for old, new in zip(meta.to_list(), tags.to_list(), strict=True):
                if new is None:
                    merged.append(old)
                    continue
                held = OBJECT.decode(old or "{}")
                own = bytes(held.get(name, NULL)).strip()
                given = OBJECT.decode(new)
                if own == b"null":
                    held[name] = RAW.decode(new)
                elif own.startswith(b"{"):
                    held[name] = msgspec.Raw(msgspec.json.encode({**OBJECT.decode(own), **given}))
                else:
                    held |= {f"{name}.{key}": value for key, value in given.items()}
                merged.append(msgspec.json.encode(held).decode())
        except msgspec.MsgspecError:
            raise ContractError(
                f"{self.label}: select() gave `tags`, or a stage before it gave `meta`, that is no JSON object"
            ) from None
        return pl.Series("meta", merged, pl.String)


Sketched = tuple[pl.LazyFrame, list[tuple[int, RowError]]]
"""The sketches of all rows, and the rows on which `sketch` raised."""


def sketched(
    pool: Pool, stage: Selector | Check, label: str, batches: Iterable[Batch], into: Frames, tolerant: bool
) -> Sketched:
    """Gather the sketches of all rows of some batches."""
    bad: list[tuple[int, RowError]] = []
    tolerant = tolerant and isinstance(stage, Selector)  # a check that fails on a row must not pass it over
    for looked in pool.map(partial(look, stage, label, tolerant=tolerant), batches):
        bad += gather(label, looked, into)
    if not into.begun:  # no row is left, or none that could be sketched: the schema is needed all the same
        sketch(stage, label, pl.DataFrame(schema=SCHEMA), into, tolerant)
    return into.close().scan(), bad


class Selected:
    """The rows of a spool under the decisions made so far: what the next selector sees, and what `rows.take` reads."""

    def __init__(self, spool: Spool, tolerant: bool, before: Earlier, pool: Pool | None = None) -> None:
        self.spool = spool
        self.tolerant = tolerant
        self.before = before
        self.pool = pool or Pool(1)
        self.made: list[Decisions] = []
        self.failed: dict[str, list[tuple[int, RowError]]] = {}

    def _under(self, frames: Iterator[pl.DataFrame], some: bool = False) -> Iterator[Batch]:
        for frame in frames:
            self.tick()
            batch = frame.cast(SCHEMA)
            for decisions in self.made:
                batch = decisions.lay(batch, some).filter(pl.col("drop").is_null())
            yield batch

    def live(self) -> Iterator[Batch]:
        """Read the live rows in order."""
        return self._under(iter(self.spool))

    def tick(self) -> None:
        """Let the run be stopped here."""
        self.pool.tick()

    def take(self, numbers: Any) -> Iterator[Batch]:
        """Read these rows again."""
        return self._under(self.spool.take(numbers), some=True)

    def earlier(self, path: Path) -> Iterator[Batch]:
        """Read what an earlier run wrote."""
        for batch in self.before.read(path):
            self.tick()
            yield batch

    def sketches(self, stage: Any, label: str, into: Frames) -> Sketched:
        """Gather the sketches of all live rows; rows on which `sketch` raises are given back with their error."""
        return sketched(self.pool, stage, label, self.live(), into, self.tolerant)

    def run(self, stage: Selector, label: str, made: Sketched) -> None:
        """Let one selector decide upon the rows that are live now, of which these are the sketches."""
        sketches, bad = made
        try:
            frame = stage.select(sketches, self).collect()
        except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
            raise
        except BaseException as error:
            raise PluginError(f"{label}: {fault(error)}; the rows cannot be told apart without it") from None
        if bad:
            failed = pl.DataFrame(
                {
                    "row": pl.Series([row for row, _ in bad], dtype=pl.UInt64),
                    "drop": [str(error.reason)[:REASON] for _, error in bad],
                    "note": pl.Series([error.note for _, error in bad], dtype=pl.String),
                }
            )
            frame = pl.concat([frame, failed], how="diagonal_relaxed")
        self.made.append(Decisions(stage, label, frame))

    def settled(self) -> Iterator[tuple[Batch, list[pl.DataFrame]]]:
        """Read the rows a last time, with the events of every decision; each decision must have found its row."""
        for decisions in self.made:
            decisions.used = 0
        for frame in self.spool:
            batch: Batch = frame.cast(SCHEMA)
            found: list[pl.DataFrame] = []
            for decisions in self.made:
                batch, new = settle(decisions.label, batch, decisions.lay(batch), edits=False)
                found += new
            yield batch, found
        for decisions in self.made:
            if decisions.used != decisions.frame.height:
                raise ContractError(
                    f"{decisions.label}: select() decided upon a row that is not there or was dropped before"
                )
