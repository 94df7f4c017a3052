"""Nested subsets of the training rows, to see whether more of them would help: 25 % within 50 % within all.

Which rows are in which subset a run's ledger tells, by flags (`flag`); `lay_out` writes the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ftdata import files, ledger, runs
from ftdata.errors import InputError, OutputError
from ftdata.files import Record
from ftdata.selectors.split.sides import connected

_Array = np.ndarray[Any, Any]
_FLAG = "curve-"


def flag(percent: int) -> str:
    """Name the smallest subset that a row stands in."""
    return f"{_FLAG}{percent}"


def subsets(keys: _Array, values: Sequence[Sequence[int]], labels: _Array, percents: Sequence[int]) -> _Array:
    """Give for each training row the smallest of the `percents` whose subset holds it; 100 for all others.

    Rows that share one of their `values` stand together: whole groups, lowest of their `keys` first, go into a subset
    as long as more than half of a group fits. With `labels` each subset takes its percent of each label.
    """
    found = np.full(len(keys), 100, dtype=np.int64)
    units = np.zeros(len(keys), dtype=np.int64)
    for number, rows in enumerate(connected(values)):
        units[rows] = number
    frame = (
        pl.DataFrame({"at": np.arange(len(keys)), "key": keys, "unit": units, "label": labels})
        .with_columns(first=pl.col("key").min().over("unit"), label=pl.col("label").first().over("unit"))
        .sort("label", "first", "unit", "at")
    )
    sizes = frame.group_by("label", "first", "unit", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("size"))
    of = pl.col("size").sum().over("label")
    middle = (pl.col("size").cum_sum().over("label") * 2 - pl.col("size")) * 50
    ranked = sizes.select("unit", share=middle / of)
    inside = frame.join(ranked, on="unit", how="left", maintain_order="left")
    at, share = inside["at"].to_numpy(), inside["share"].to_numpy()
    for percent in sorted(percents, reverse=True):
        found[at[share <= percent]] = percent
    return found


@dataclass(frozen=True)
class Subset:
    """One subset as a file: how many rows and lines of the training file it holds."""

    percent: int
    path: Path
    rows: int
    lines: int


def lay_out(record: Record, into: Path, *, overwrite: bool = False) -> list[Subset]:
    """Write each subset of the training rows of a run into a folder, line for line as the run wrote them.

    The last entry is the training file itself, as 100. Files of an older call are replaced with `overwrite`. Raises
    `InputError` if the run made no subsets, or its training file is no JSON lines or has changed; `OutputError` where a
    subset's file stands already.
    """
    manifest = runs.latest(record)
    outputs = [out for out in runs.of_first_writer(record, manifest) if out.split in (None, "train")]
    lines = ledger.scan(record.ledger)
    flags = lines.filter((pl.col("event") == "flag") & pl.col("reason").str.starts_with(_FLAG))
    marked = flags.select("row", percent=pl.col("reason").str.strip_prefix(_FLAG).cast(pl.Int64)).collect()
    if not marked.height:
        raise InputError(f"{record.folder}: the run made no subsets; put curve = [25, 50] into its step split")
    if len(outputs) != 1 or not outputs[0].path.endswith(".jsonl"):
        raise InputError(f"{record.folder}: the first writer wrote no one .jsonl file of training rows; write one")
    out = outputs[0]
    source = record.absolute(out.path)
    if not source.is_file() or files.sha256(source) != out.sha256:
        raise InputError(f"{source}: is gone, or has changed since the run wrote it; run the recipe again")
    own = lines.filter((pl.col("event") == "write") & (pl.col("output") == out.path)).select("row", "line").collect()
    placed = own.join(marked, on="row", how="left").with_columns(pl.col("percent").fill_null(100)).sort("line")
    percents = sorted(set(marked["percent"].to_list()))
    targets = {percent: into / f"{source.stem}-{percent}{source.suffix}" for percent in percents}
    standing = next((path for path in targets.values() if path.exists()), None)
    if standing is not None and not overwrite:
        raise OutputError(f"{standing}: exists already; name another folder with --into, or give --overwrite")
    files.make_folder(into)
    made = [_copied(source, placed, percent, path) for percent, path in targets.items()]
    return [*made, Subset(100, source, placed["row"].n_unique(), placed.height)]


def _copied(source: Path, placed: pl.DataFrame, percent: int, path: Path) -> Subset:
    """Copy the lines of one subset, whole or not at all."""
    chosen = placed.filter(pl.col("percent") <= percent)
    wanted = set(chosen["line"].to_list())
    scratch = path.with_name(f".{path.name}.tmp")
    files.remove(scratch)
    mark = b"\xef\xbb\xbf"
    with source.open("rb") as read, files.create(scratch) as write:
        for number, line in enumerate(read, 1):
            if number == 1 and line.startswith(mark):
                write.write(mark)
                line = line.removeprefix(mark)
            if number in wanted:
                write.write(line)
    files.sync(scratch)
    files.rename(scratch, path)
    files.sync(path.parent)
    return Subset(percent, path, chosen["row"].n_unique(), chosen.height)
