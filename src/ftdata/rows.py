"""The rows to look at: of a file in any layout that a reader knows, or of what the first writer of a run wrote."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ftdata import engine, hooks, inputs, runs
from ftdata.batch import Batch, conversations
from ftdata.conversation import Conversation
from ftdata.earlier import files as data_files
from ftdata.errors import FtdataError, InputError, RecipeError
from ftdata.files import Record
from ftdata.manifest import Manifest
from ftdata.sniff import best
from ftdata.stages import Reader

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
        return Place(((path, None),)) if not path.is_dir() else _folder(path)
    if what == "-" or what.startswith("/dev/"):
        return Place(((path, None),))
    try:
        record = runs.find(what)
    except InputError as error:
        if os.path.exists(path):
            raise
        raise InputError(f"{what}: there is no such file, and it {str(error).removeprefix(f'{what}: ')}") from None
    manifest = runs.latest(record)
    written = outputs(record, manifest)
    if not written:
        raise InputError(f"{what}: this run published no row; run the recipe again")
    missing = [file for file, _ in written if not file.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: was written by the run and is gone; run the recipe again")
    return Place(written, record, manifest)


def _folder(path: Path) -> Place:
    """List the data files of a folder, each with the split that the run which wrote it says."""
    try:
        record = runs.find(str(path))
        written = dict(outputs(record, runs.latest(record)))
    except FtdataError:  # no run wrote this folder
        written = {}
    return Place(tuple((file, written.get(Path(os.path.abspath(file)))) for file in data_files(path)))


def outputs(record: Record, manifest: Manifest) -> tuple[tuple[Path, str | None], ...]:
    """List the files with the rows that the first writer wrote, and the split of each; train first."""
    return tuple((record.absolute(out.path), out.split) for out in runs.of_first_writer(record, manifest))


def read(
    file: Path | str,
    *,
    split: str | None = None,
    encoding: str | None = None,
    format: str | None = None,
    first: int = 1,
) -> Iterator[Batch]:
    """Read the rows of one file as the reader that knows it does; numbered from `first`, and named `file#record`.

    `format` names the reader instead. A row that could not be read has its reason in `drop`; the split is `split`, else
    what the file's name tells. Raises `InputError` if no reader is sure of the file, `RecipeError` if there is none of
    that name.
    """
    path = Path(file)
    name = "stdin" if str(file).startswith("/dev/") else path.name
    stage = _reader(file, encoding, format)
    with (
        tempfile.TemporaryDirectory(prefix="ftdata-") as scratch,
        inputs.open_source(stage, Path(), name, 1, Path(scratch)) as source,
    ):
        for batch in engine.intake(stage, stage.name, stage.read(source), first, partial(inputs.ids, source)):
            if split is not None:
                yield batch.with_columns(pl.lit(split).alias("split"))
                continue
            told = inputs.splits(source, batch["origin"].list.first()) if batch.height else None
            yield batch if told is None else batch.with_columns(told)


def _reader(file: Path | str, encoding: str | None, format: str | None) -> Reader:
    stated: dict[str, Any] = {"path": file} | ({} if encoding is None else {"encoding": encoding})
    if format is None:
        guess = best(file, encoding)
        return guess.reader.model_validate({**guess.sniff.fields, **stated})
    try:
        found = hooks.find(("reader",), format).stage
    except LookupError as error:
        raise RecipeError(f"--from: {error}") from None
    assert issubclass(found, Reader)
    return found.model_validate(stated)


def every(where: Place, encoding: str | None = None, format: str | None = None) -> Iterator[Batch]:
    """Read the rows of all files of a place, numbered through."""
    number = 1
    for path, split in where.files:
        for batch in read(path, split=split, encoding=encoding, format=format, first=number):
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
