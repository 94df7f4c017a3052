"""The engine: the one place where a stage runs, and the only one that lets rows go.

A stage sees live rows only; what it did is *derived* from the rows before and after, never counted on the side. So one
process, many processes and a cluster give the same ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import ROWS, SCHEMA, Batch, changed, differs, same_lists
from ftdata.errors import ContractError, FtdataError, OutputError, PluginError, RowError
from ftdata.hooks import raised_at
from ftdata.ledger import events, texts
from ftdata.spool import Frames
from ftdata.stages import Check, Finding, Reader, Stage, Transform

REASON = 80
_FIXED = ("row", "id", "origin", "shares")
# Meta is opened one level deep: values stay the text they are, so that no number passes through a float.
OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
RAW = msgspec.json.Decoder(msgspec.Raw)
NULL = msgspec.Raw(b"null")


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
    if len(reasons) and (reasons.str.len_chars().max() or 0) > REASON:  # type: ignore[operator]
        raise ContractError(f"{label}: gave a reason of over {REASON} characters; a reason is a short code")
    had = _flagged(before)
    if after["flags"].null_count() or (
        had.any() and before["flags"].list.set_difference(after["flags"].rechunk()).list.len().sum()
    ):
        raise ContractError(f"{label}: took a flag away; flags are only added")


def system_says(error: OSError) -> str:
    """Give the system's own words for an error: those of the exception may be anybody's."""
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__


def fault(error: BaseException) -> str:
    """Say what was raised and where, without the message: messages quote values."""
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
            raise PluginError(f"{label}: {fault(error)}, on an empty batch") from None
        if not tolerant:
            name = error.reason if isinstance(error, RowError) else fault(error)
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
                pl.lit(str(result.reason)[:REASON]).alias("drop"), pl.lit(result.note, pl.String).alias("note")
            )
        parts.append(result)
    after = pl.concat(parts, rechunk=True) if len(parts) > 1 else parts[0]
    return settle(label, batch, after)


class Passed(NamedTuple):
    """What a segment made of a batch: the rows that live on, the events, and what its checks and transforms saw."""

    batch: Batch
    events: list[pl.DataFrame]
    looked: dict[str, Looked]
    keys: dict[str, list[str]]
    texts: list[pl.DataFrame]


def segment(stages: Sequence[tuple[str, Transform | Check]], tolerant: bool, keep_text: bool, batch: Batch) -> Passed:
    """Run the steps of a segment on a batch: a function of the batch alone, wherever it runs.

    `keys` are the meta keys of its first rows, for stages that verify their own fields; `texts` what was edited or
    dropped, before and after.
    """
    passed = Passed(batch, [], {}, {}, [])
    for label, stage in stages:
        if isinstance(stage, Check):
            passed.looked[label] = look(stage, label, batch, False)
            continue
        if hasattr(stage, "verify"):
            some = batch["meta"].drop_nulls().head(100).to_list()
            passed.keys[label] = list(dict.fromkeys(key for text in some for key in OBJECT.decode(text)))
        before = batch
        batch, new = step(stage, label, batch, tolerant)
        passed.events.extend(new)
        if keep_text:
            passed.texts.append(texts(label, before, batch, new))
    return passed._replace(batch=batch)


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
            raise PluginError(f"reader {label}: {fault(error)}; the input may be one that it does not know") from None
        if batch is None:
            return
        if not isinstance(batch, pl.DataFrame) or batch.schema != SCHEMA:
            raise ContractError(f"reader {label}: gave something else than a batch; build it with ftdata.to_batches")
        if batch["flags"].null_count():
            raise ContractError(f"reader {label}: gave a row without flags; an empty list says that there are none")
        batch = batch.rechunk()
        if not batch.height:  # a reader that only looks for now: the run may be stopped here
            yield batch
        for start in range(0, batch.height, ROWS):
            part = batch.slice(start, ROWS)
            owned = part["origin"].list.len()
            if owned.null_count() or (owned == 0).any() or part["origin"].explode().null_count():
                raise ContractError(f"reader {label}: gave a row that owns no record; every row owns at least one")
            if part["drop"].null_count() < part.height:
                if (part["drop"].str.len_chars().max() or 0) > REASON:  # type: ignore[operator]
                    raise ContractError(
                        f"reader {label}: gave a reason of over {REASON} characters; a reason is a short code"
                    )
                cleared = [
                    pl.when(pl.col("drop").is_null()).then(pl.col(name)).alias(name)
                    for name in ("messages", "rejected", "tools", "extra", "meta")
                ]
                part = part.with_columns(cleared)
            part = part.with_columns(
                pl.int_range(row, row + part.height, dtype=pl.UInt64).alias("row"),
                named(part["origin"].list.first()).alias("id"),
            )
            row += part.height
            yield part


def arrived(label: str, batch: Batch) -> tuple[Batch, list[pl.DataFrame]]:
    """Give the live rows of a batch just read, and the events of those that its reader dropped or flagged."""
    if batch["drop"].null_count() == batch["note"].null_count() == batch.height and not _flagged(batch).any():
        return batch, []
    bare = batch.with_columns(
        pl.lit(None, pl.String).alias("drop"),
        pl.lit([], pl.List(pl.String)).alias("flags"),
        pl.lit(None, pl.String).alias("note"),
    )
    return settle(label, bare, batch, edits=False)


# --- evidence and meta ------------------------------------------------------------------------------------------------


Looked = tuple[list[pl.DataFrame], list[tuple[int, RowError]]]
"""The sketches of a batch, and the rows on which `sketch` raised."""


def look(stage: Any, label: str, batch: Batch, tolerant: bool) -> Looked:
    """Sketch a batch."""
    frames: list[pl.DataFrame] = []
    bad: list[tuple[int, RowError]] = []

    def sketched(rows: Batch) -> pl.DataFrame:
        frame = stage.sketch(rows.clone())
        if not isinstance(frame, pl.DataFrame) or frame.schema.get("row") != pl.UInt64:
            raise ContractError(f"{label}: sketch() must give a frame with `row` (UInt64)")
        if not (frame["row"].equals(rows["row"]) or frame["row"].is_in(rows["row"].implode()).all()):
            raise ContractError(f"{label}: sketch() named a row that it was not given")
        return frame

    for rows, result in guarded(sketched, label, batch, tolerant):
        if isinstance(result, RowError):
            bad.append((int(rows["row"][0]), result))
        else:
            frames.append(result)
    return frames, bad


def gather(label: str, looked: Looked, into: Frames) -> list[tuple[int, RowError]]:
    """Append the sketches of a batch; give the rows on which `sketch` raised."""
    frames, bad = looked
    try:
        for frame in frames:
            into.append(frame)
    except ValueError as error:
        told = f"{label}: sketch() gave another schema than before ({type(error).__name__})"
        raise ContractError(told) from None
    return bad


def sketch(stage: Any, label: str, batch: Batch, into: Frames, tolerant: bool) -> list[tuple[int, RowError]]:
    """Append the sketch of a batch; give the rows on which it raised."""
    return gather(label, look(stage, label, batch, tolerant), into)


def judge(stage: Check, label: str, sketches: pl.LazyFrame) -> list[Finding]:
    """Let a check judge; one that raises stops the run: a guard that fails must not let anything pass."""
    try:
        found = list(stage.judge(sketches))
    except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
        raise
    except BaseException as error:
        raise PluginError(f"{label}: {fault(error)} while judging; nothing was published") from None
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
            meta = OBJECT.decode(text) if text else {}
        except msgspec.MsgspecError:
            raise ContractError("a stage gave `meta` that is no JSON object; nothing was published") from None
        known = {key: value for key, value in meta.items() if key in keep}
        if len(known) < len(keep):  # a stage may have to say which keys there were: names, no values
            known = {key: known.get(key, NULL) for key in meta}
        kept.append(msgspec.json.encode(known).decode() if known else None)
    return batch.with_columns(pl.Series("meta", kept, pl.String))
