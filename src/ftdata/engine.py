"""The engine: the one place where a stage runs, and the only one that lets rows go.

A stage sees live rows only; what it did is *derived* from the rows before and after, never counted on the side. So one
process, many processes and a cluster give the same ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import ROWS, SCHEMA, Batch, changed, differs, same_lists
from ftdata.errors import ContractError, FtdataError, OutputError, PluginError, RowError
from ftdata.hooks import raised_at
from ftdata.ledger import events
from ftdata.spool import Frames, Spool
from ftdata.stages import Check, Finding, Reader, Selector, Stage, Transform

_REASON = 80
_FIXED = ("row", "id", "origin", "shares")
_DECISIONS: Mapping[str, pl.DataType] = {
    "drop": pl.String(),
    "note": pl.String(),
    "flags": pl.List(pl.String),
    "split": pl.String(),
    "tags": pl.String(),
}
# Meta is opened one level deep: values stay the text they are, so that no number passes through a float.
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW = msgspec.json.Decoder(msgspec.Raw)
_NULL = msgspec.Raw(b"null")


# --- one stage, one batch ---------------------------------------------------------------------------------------------


def _contract(label: str, before: Batch, after: Any) -> None:
    """Raise `ContractError` unless `after` holds the rows of `before`, whole, in order, with the batch's schema."""
    if not isinstance(after, pl.DataFrame):
        raise ContractError(f"{label}: gave {type(after).__name__} instead of a batch; return the batch from apply()")
    if after.schema != SCHEMA:
        odd = [f"{name} {kind}" for name, kind in after.schema.items() if SCHEMA.get(name) != kind]
        lost = [name for name in SCHEMA if name not in after.schema]
        told = f"wrong: {', '.join(odd)}" if odd else f"missing: {', '.join(lost)}" if lost else "columns out of order"
        raise ContractError(f"{label}: gave a batch with another schema ({told}); keep the columns as they come")
    if after.height != before.height:
        raise ContractError(
            f"{label}: {before.height} rows went in, {after.height} came out; a stage never removes or adds a row: "
            "set `drop` to a reason instead"
        )
    for column in _FIXED:
        old, new = before[column], after[column]
        same = same_lists(old, new) if isinstance(old.dtype, pl.List) else differs(old, new) is None
        if not same:
            told = "reordered or exchanged rows" if column == "row" else f"changed the column {column!r}"
            raise ContractError(f"{label}: {told}; rows keep their order, number, id and records")
    reasons = after["drop"].drop_nulls()
    if len(reasons) and (reasons.str.len_chars().max() or 0) > _REASON:  # type: ignore[operator]
        raise ContractError(f"{label}: gave a reason of over {_REASON} characters; a reason is a short code")
    had = _flagged(before)
    if after["flags"].null_count() or (
        had.any() and before["flags"].list.set_difference(after["flags"].rechunk()).list.len().sum()
    ):
        raise ContractError(f"{label}: took a flag away; flags are only added")


def system_says(error: OSError) -> str:
    """Give the system's own words for an error: those of the exception may be anybody's."""
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__


def _where(error: BaseException) -> str:
    return f"{type(error).__name__} at {raised_at(error)}"


def guarded(fn: Callable[[Batch], Any], label: str, batch: Batch, tolerant: bool) -> list[tuple[Batch, Any]]:
    """Call `fn` on a batch; if it raises, halve the batch until the guilty rows stand alone.

    Gives pairs (rows, result); for a guilty row the result is a `RowError`. A broken contract and a fault of the system
    (disk, memory) are never taken for a bad row. Nothing of the exception's message is kept: messages quote values.
    """
    try:
        return [(batch, fn(batch))]
    except (FtdataError, KeyboardInterrupt, MemoryError):
        raise
    except OSError as error:
        raise OutputError(f"{label}: the system failed: {system_says(error)}") from None
    except BaseException as error:
        if batch.height > 1:
            half = batch.height // 2
            return [
                *guarded(fn, label, batch.head(half), tolerant),
                *guarded(fn, label, batch.slice(half), tolerant),
            ]
        if batch.height == 0:
            raise PluginError(f"{label}: {_where(error)}, on an empty batch") from None
        if not tolerant:
            name = error.reason if isinstance(error, RowError) else _where(error)
            raise PluginError(
                f'{label}: {name} on row {batch["id"][0]}; repair the stage, or set on_error = "drop" in [run] to drop '
                "such rows and count them"
            ) from None
        if isinstance(error, RowError):
            return [(batch, error)]
        return [(batch, RowError(type(error).__name__, raised_at(error)))]


def step(stage: Transform, label: str, batch: Batch, tolerant: bool) -> tuple[Batch, list[pl.DataFrame]]:
    """Run one transform on the live rows of a batch: THE place where a stage runs.

    Gives the rows that live on, notes cleared, and the events of this step.
    """
    if not batch.height:
        return batch, []

    def apply(rows: Batch) -> Batch:
        after = stage.apply(rows.clone())  # a stage that edits its frame in place must not edit ours
        _contract(label, rows, after)
        # polars' set operations on lists panic where two columns are cut into other chunks.
        return after.rechunk()

    parts = []
    for rows, result in guarded(apply, label, batch, tolerant):
        if isinstance(result, RowError):
            result = rows.with_columns(
                pl.lit(str(result.reason)[:_REASON]).alias("drop"), pl.lit(result.note, pl.String).alias("note")
            )
        parts.append(result)
    after = pl.concat(parts, rechunk=True) if len(parts) > 1 else parts[0]
    return settle(label, batch, after)


def settle(label: str, before: Batch, after: Batch, edits: bool = True) -> tuple[Batch, list[pl.DataFrame]]:
    """Derive the events between two batches of the same rows, and keep the rows that live on.

    `edits` says whether the training rows themselves can differ; comparing them is most of the cost.
    """
    found: list[pl.DataFrame] = []
    live = after
    if after["drop"].null_count() < after.height:
        gone = after.filter(pl.col("drop").is_not_null())
        found.append(events(gone, label, "drop", gone["drop"], gone["note"]))
        keep = after["drop"].is_null()
        before, live = before.filter(keep), after.filter(keep)
    quiet = np.zeros(live.height, dtype=bool)
    edited = changed(before, live) if edits else quiet
    if edited.any():
        rows = live.filter(pl.Series(edited))
        found.append(events(rows, label, "edit", None, rows["note"]))
    flagged = quiet
    if _flagged(live).any():
        new = live["flags"].list.set_difference(before["flags"])
        flagged = (new.list.len() > 0).to_numpy()
        if flagged.any():
            rows = live.with_columns(new.alias("flags")).filter(pl.Series(flagged)).explode("flags")
            found.append(events(rows, label, "flag", rows["flags"], rows["note"]))
    moved = differs(before["split"], live["split"])
    tagged = differs(before["meta"], live["meta"])
    tagged = quiet if tagged is None else tagged
    if live["note"].null_count() < live.height:
        tagged = tagged | live["note"].is_not_null().to_numpy()
    tagged = tagged & ~edited & ~flagged
    moved = quiet if moved is None else moved
    tagged = tagged | moved
    if tagged.any():
        rows = live.filter(pl.Series(tagged))
        found.append(events(rows, label, "tag", rows["split"].set(pl.Series(~moved[tagged]), None), rows["note"]))
    if live["note"].null_count() < live.height:
        live = live.with_columns(pl.lit(None, dtype=pl.String).alias("note"))
    return live, found


def _flagged(batch: Batch) -> np.ndarray[Any, Any]:
    """Say which rows have a flag."""
    return (batch["flags"].list.len() > 0).fill_null(False).to_numpy()


# --- reading ----------------------------------------------------------------------------------------------------------


def intake(
    reader: Reader, label: str, batches: Iterator[Batch], row: int, named: Callable[[pl.Series], pl.Series]
) -> Iterator[Batch]:
    """Check what a reader gives, number the rows from `row` on and name them; batches are cut to 4,096 rows.

    `named` gives the ids for a Series of first record numbers. A dropped row loses every text it still carries.
    """
    while True:
        try:
            batch = next(batches, None)
        except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
            raise
        except BaseException as error:  # a panic in polars is no Exception
            raise PluginError(f"reader {label}: {_where(error)}; the input may be one that it does not know") from None
        if batch is None:
            return
        if not isinstance(batch, pl.DataFrame) or batch.schema != SCHEMA:
            raise ContractError(f"reader {label}: gave something else than a batch; build it with ftdata.to_batches")
        if batch["flags"].null_count():
            raise ContractError(f"reader {label}: gave a row without flags; an empty list says that there are none")
        batch = batch.rechunk()
        for start in range(0, batch.height, ROWS):
            part = batch.slice(start, ROWS)
            if (part["drop"].str.len_chars().max() or 0) > _REASON:  # type: ignore[operator]
                raise ContractError(
                    f"reader {label}: gave a reason of over {_REASON} characters; a reason is a short code"
                )
            owned = part["origin"].list.len()
            if owned.null_count() or (owned == 0).any() or part["origin"].explode().null_count():
                raise ContractError(f"reader {label}: gave a row that owns no record; every row owns at least one")
            dropped = part["drop"].is_not_null()
            if dropped.any():
                cleared = [
                    pl.when(pl.col("drop").is_null()).then(pl.col(name)).alias(name)
                    for name in ("messages", "rejected", "tools", "extra", "meta")
                ]
                part = part.with_columns(cleared)
            part = part.with_columns(
                pl.Series("row", np.arange(row, row + part.height, dtype=np.uint64)),
                named(part["origin"].list.first()).alias("id"),
            )
            row += part.height
            yield part


def arrived(label: str, batch: Batch) -> tuple[Batch, list[pl.DataFrame]]:
    """Give the live rows of a batch just read, and the events of those that its reader dropped or flagged."""
    bare = batch.with_columns(
        pl.lit(None, pl.String).alias("drop"),
        pl.lit([], pl.List(pl.String)).alias("flags"),
        pl.lit(None, pl.String).alias("note"),
    )
    return settle(label, bare, batch, edits=False)


# --- selectors --------------------------------------------------------------------------------------------------------


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
        if "drop" in frame.columns and (frame["drop"].str.len_chars().max() or 0) > _REASON:  # type: ignore[operator]
            raise ContractError(f"{label}: gave a reason of over {_REASON} characters; a reason is a short code")
        self.frame = frame
        self.used = 0

    def lay(self, batch: Batch) -> Batch:
        """Give the batch with the decisions on its rows; only live rows may be decided upon."""
        rows = self.frame["row"].to_numpy()
        have = batch["row"].to_numpy()
        if not len(have) or not len(rows):
            return batch
        start, end = np.searchsorted(rows, [have[0], have[-1] + np.uint64(1)])
        part = self.frame.slice(int(start), int(end - start))
        if not part.height:
            return batch
        at = np.searchsorted(have, rows[start:end])
        if (have[np.minimum(at, len(have) - 1)] != rows[start:end]).any():
            raise ContractError(f"{self.label}: select() decided upon a row that is not there or was dropped before")
        self.used += part.height
        columns = []
        for name in part.columns:
            if name == "row":
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
        merged = []
        try:
            for old, new in zip(meta.to_list(), tags.to_list(), strict=True):
                held = None if new is None else {**_OBJECT.decode(old or "{}"), self.stage.name: _RAW.decode(new)}
                merged.append(msgspec.json.encode(held).decode() if held else old)
        except msgspec.MsgspecError:
            raise ContractError(
                f"{self.label}: select() gave `tags`, or a stage before it gave `meta`, that is no JSON text"
            ) from None
        return pl.Series("meta", merged, pl.String)


class Selected:
    """The rows of a spool under the decisions made so far: what the next selector sees, and what `rows.take` reads."""

    def __init__(self, spool: Spool, tolerant: bool, tick: Callable[[], None] = lambda: None) -> None:
        self.spool = spool
        self.tolerant = tolerant
        self.tick = tick
        self.made: list[Decisions] = []
        self.failed: dict[str, list[tuple[int, RowError]]] = {}

    def _under(self, frames: Iterator[pl.DataFrame]) -> Iterator[Batch]:
        for frame in frames:
            self.tick()
            batch = frame.cast(SCHEMA)
            for decisions in self.made:
                batch = decisions.lay(batch).filter(pl.col("drop").is_null())
            yield batch

    def live(self) -> Iterator[Batch]:
        """Read the live rows in order."""
        return self._under(iter(self.spool))

    def take(self, numbers: Any) -> Iterator[Batch]:
        """Read these rows again."""
        return self._under(self.spool.take(numbers))

    def sketches(self, stage: Any, label: str, into: Frames) -> tuple[pl.LazyFrame, list[tuple[int, RowError]]]:
        """Gather the sketches of all live rows; rows on which `sketch` raises are given back with their error."""
        bad: list[tuple[int, RowError]] = []
        tolerant = self.tolerant and isinstance(stage, Selector)  # a check that fails on a row must not pass it over
        for batch in self.live():
            bad += sketch(stage, label, batch, into, tolerant)
        if not into.begun:  # no row is left, or none that could be sketched: the schema is needed all the same
            sketch(stage, label, pl.DataFrame(schema=SCHEMA), into, tolerant)
        return into.close().scan(), bad

    def run(self, stage: Selector, label: str, into: Frames) -> None:
        """Let one selector decide upon the rows that are live now."""
        sketches, bad = self.sketches(stage, label, into)
        try:
            frame = stage.select(sketches, self).collect()
        except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
            raise
        except BaseException as error:
            raise PluginError(f"{label}: {_where(error)}; the rows cannot be told apart without it") from None
        if bad:
            failed = pl.DataFrame(
                {
                    "row": pl.Series([row for row, _ in bad], dtype=pl.UInt64),
                    "drop": [str(error.reason)[:_REASON] for _, error in bad],
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


def sketch(stage: Any, label: str, batch: Batch, into: Frames, tolerant: bool) -> list[tuple[int, RowError]]:
    """Append the sketch of a batch; give the rows on which it raised."""
    bad = []

    def look(rows: Batch) -> pl.DataFrame:
        frame = stage.sketch(rows.clone())
        if not isinstance(frame, pl.DataFrame) or frame.schema.get("row") != pl.UInt64:
            raise ContractError(f"{label}: sketch() must give a frame with `row` (UInt64)")
        if not frame["row"].is_in(rows["row"].implode()).all():
            raise ContractError(f"{label}: sketch() named a row that it was not given")
        return frame

    for rows, result in guarded(look, label, batch, tolerant):
        if isinstance(result, RowError):
            bad.append((int(rows["row"][0]), result))
        else:
            try:
                into.append(result)
            except ValueError as error:
                told = f"{label}: sketch() gave another schema than before ({type(error).__name__})"
                raise ContractError(told) from None
    return bad


def judge(stage: Check, label: str, sketches: pl.LazyFrame) -> list[Finding]:
    """Let a check judge; one that raises stops the run: a guard that fails must not let anything pass."""
    try:
        found = list(stage.judge(sketches))
    except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
        raise
    except BaseException as error:
        raise PluginError(f"{label}: {_where(error)} while judging; nothing was published") from None
    if not all(isinstance(finding, Finding) for finding in found):
        raise ContractError(f"{label}: judge() gave something else than findings; nothing was published")
    return found


def meta_needed(stages: Sequence[Stage]) -> frozenset[str] | None:
    """Give the meta keys that any of these stages reads; None if one may read any."""
    needed: set[str] = set()
    for stage in stages:
        keys = stage.reads_meta()
        if keys is None:
            return None
        needed |= keys
    return frozenset(needed)


def without_meta(batch: Batch, keep: frozenset[str] | None) -> Batch:
    """Leave out the meta that no later stage needs, so that it never reaches the disk."""
    if keep is None or batch["meta"].null_count() == batch.height:
        return batch
    if not keep:
        return batch.with_columns(pl.lit(None, dtype=pl.String).alias("meta"))
    kept = []
    for text in batch["meta"].to_list():
        try:
            meta = _OBJECT.decode(text) if text else {}
        except msgspec.MsgspecError:
            raise ContractError("a stage gave `meta` that is no JSON object; nothing was published") from None
        known = {key: value for key, value in meta.items() if key in keep}
        if len(known) < len(keep):  # a stage may have to say which keys there were: names, no values
            known = {key: known.get(key, _NULL) for key in meta}
        kept.append(msgspec.json.encode(known).decode() if known else None)
    return batch.with_columns(pl.Series("meta", kept, pl.String))
