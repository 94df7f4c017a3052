"""The rows to look at: of a file in any layout that a reader knows, or of what the first writer of a run wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ftdata import runs
from ftdata.batch import Batch, conversations
from ftdata.conversation import Conversation
from ftdata.earlier import files as data_files
from ftdata.errors import InputError
from ftdata.files import Record
from ftdata.inputs import ids
from ftdata.manifest import Manifest
from ftdata.sniff import best
from ftdata.source import Source

_RECORDS = ("run.json", "attempt.json", "publish.json")


@dataclass(frozen=True)
class Place:
    """Where rows stand: files and the split of each, and the record of the run that wrote them, if that was named."""

    files: tuple[tuple[Path, str | None], ...]
    record: Record | None = None
    manifest: Manifest | None = None


def place(what: str) -> Place:
    """Say which files RUN or FILE means; a folder means the data files in it.

    Raises `InputError` if nothing is there, or the run has no output that is still there.
    """
    path = Path(what)
    if os.path.exists(path) and path.suffix != ".toml" and path.name not in _RECORDS and ".ftdata" not in path.parts:
        if not path.is_dir():
            return Place(((path, None),))
        return Place(tuple((file, None) for file in data_files(path)))
    if what == "-" or what.startswith("/dev/"):
        return Place(((path, None),))
    record = runs.find(what)
    manifest = runs.latest(record)
    written = outputs(record, manifest)
    if not written:
        raise InputError(f"{what}: this run published no row; run the recipe again")
    missing = [file for file, _ in written if not file.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: was written by the run and is gone; run the recipe again")
    return Place(written, record, manifest)


def outputs(record: Record, manifest: Manifest) -> tuple[tuple[Path, str | None], ...]:
    """List the files with the rows that the first writer wrote, and the split of each; train first."""
    return tuple((record.absolute(out.path), out.split) for out in runs.of_first_writer(record, manifest))


def read(file: Path | str, *, split: str | None = None, encoding: str | None = None, first: int = 1) -> Iterator[Batch]:
    """Read the rows of one file as the reader that knows it does; numbered from `first`, and named `file#record`.

    A row that could not be read has its reason in `drop`. Raises `InputError` if no reader is sure of the file.
    """
    guess = best(file, encoding)
    reader = guess.reader.model_validate({"path": file, **({"encoding": encoding} if encoding else {})})
    name = "stdin" if str(file).startswith("/dev/") else Path(file).name
    with Source(file, name=name, encoding=encoding) as source:
        for batch in reader.read(source):
            numbers = np.arange(first, first + batch.height, dtype=np.uint64)
            first += batch.height
            named = batch.with_columns(pl.Series("row", numbers), ids(source, batch["origin"].list.first()).alias("id"))
            yield named if split is None else named.with_columns(pl.lit(split).alias("split"))


def every(where: Place, encoding: str | None = None) -> Iterator[Batch]:
    """Read the rows of all files of a place, numbered through."""
    number = 1
    for path, split in where.files:
        for batch in read(path, split=split, encoding=encoding, first=number):
            number += batch.height
            yield batch


def first(what: str, count: int, row: int | None = None, encoding: str | None = None) -> list[Conversation]:
    """Give the first rows of a RUN or FILE, or the one that is number `row`, from 1; rows that can be read count.

    Raises `InputError` if there is no such row.
    """
    wanted = range(row - 1, row) if row is not None else range(count)
    found: list[Conversation] = []
    seen = 0
    for batch in every(place(what), encoding):
        rows = live(batch)
        skipped = max(0, wanted.start - seen)
        found += conversations(rows.slice(skipped, max(0, wanted.stop - seen - skipped)))
        seen += rows.height
        if seen >= wanted.stop:
            break
    if not found and (row is not None or not seen):
        raise InputError(f"{what}: holds {seen:,} rows" + (f"; there is no row {row:,}" if row is not None else ""))
    return found


def live(batch: Batch) -> Batch:
    """Leave out the rows that could not be read."""
    return batch.filter(pl.col("drop").is_null())
