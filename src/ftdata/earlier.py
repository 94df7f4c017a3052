"""What earlier runs wrote, read again, so that a selector can hold new rows against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ftdata.account import scrubbed
from ftdata.batch import FIELDS, ROWS, Batch, make_batch, messages_column, nest
from ftdata.errors import InputError
from ftdata.manifest import InputPart
from ftdata.readers.openai_chat import OpenAIChat
from ftdata.source import Source

_ENDINGS = (".parquet", *(f".jsonl{packed}" for packed in ("", ".gz", ".bz2", ".xz", ".zst")))
_TURNS = ("messages", "prompt", "chosen", "rejected")


class Earlier:
    """The outputs of earlier runs that the selectors of this one look at; paths are relative to `folder`.

    `inputs` lists the files that were read, as tables that were only looked up.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, InputPart] = {}

    @property
    def inputs(self) -> list[InputPart]:
        """List the files read so far, with their hashes."""
        return list(self._seen.values())

    def read(self, path: Path) -> Iterator[Batch]:
        """Read the rows of an output, numbered from 1; raise `InputError` if there is none."""
        row = 1
        found = files(self.folder / path)
        for file in found:
            name = os.path.relpath(file, self.folder / path) if file != self.folder / path else file.name
            with Source(file, name=scrubbed(name)) as source:
                first, unread = row, 0
                for whole in (
                    _parquet(file, source) if file.suffix == ".parquet" else OpenAIChat(path=file).read(source)
                ):
                    batch = whole.filter(pl.col("drop").is_null())
                    unread += whole.height - batch.height
                    numbers = pl.Series("row", np.arange(row, row + batch.height, dtype=np.uint64))
                    row += batch.height
                    places = batch["origin"].list.first()
                    yield batch.with_columns(numbers, (pl.lit(f"{source.name}#") + places.cast(pl.String)).alias("id"))
                if unread and row == first:  # compared with nothing, every new row would seem to be new
                    raise InputError(
                        f"{source.name}: holds no chat rows; name a file or folder that an earlier run wrote"
                    )
                self._seen[file] = self._part(source, path.is_absolute(), row - first, unread)

    def _part(self, source: Source, absolute: bool, rows: int, unread: int) -> InputPart:
        read = source.inputs[0]
        return InputPart(
            path=scrubbed(str(read.path) if absolute else os.path.relpath(read.path, self.folder)),
            name=read.name,
            bytes=read.bytes,
            sha256=read.sha256,
            encoding=read.encoding,
            first=0,
            records=rows,
            use="earlier",
            lookup=True,
            notes=[f"{unread:,} lines are no chat rows"] if unread else [],
        )


def files(path: Path) -> list[Path]:
    """List the files of training rows that a path means, in name order: itself, or those in a folder.

    Hidden ones (records, sidecars) hold no training rows.
    """
    if path.is_file():
        return [path]
    listed = sorted(path.rglob("*")) if path.is_dir() else []
    shown = [file for file in listed if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    found = [file for file in shown if file.name.endswith(_ENDINGS) and file.is_file()]
    if not found:
        told = "holds no .jsonl or .parquet file" if path.is_dir() else "is not there"
        raise InputError(f"{path}: {told}; name a file or folder that an earlier run wrote")
    return found


def _parquet(file: Path, source: Source) -> Iterator[Batch]:
    """Read a data file of the writer `hf-dataset`; lines are numbered like those of a text file."""
    try:
        with pq.ParquetFile(file) as table:
            kinds = {field.name: field.type for field in table.schema_arrow}
            names = [name for name in kinds if name in (*_TURNS, "tools", "extra")]
            turns = [kinds[name] for name in names if name in _TURNS]
            if not ("messages" in names or {"prompt", "chosen"} <= set(names)) or not all(map(_is_turns, turns)):
                raise InputError(f"{source.name}: has no column of messages; name a file that an earlier run wrote")
            first = 1
            for part in table.iter_batches(ROWS, columns=names):
                yield _batch(part, first)
                first += part.num_rows
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError) as error:  # polars: a value of another type
        told = type(error).__name__
        raise InputError(f"{source.name}: is no Parquet file of an earlier run ({told}); name one") from None


def _batch(part: pa.RecordBatch, first: int) -> Batch:
    columns: dict[str, pl.Series] = {}
    for name in part.schema.names:
        columns[name] = _turns(part[name]) if name in _TURNS else pl.Series(name, _text(part[name]), pl.String)
    if "chosen" in columns:
        # A set may hold rows of both kinds: those without a preferred answer have none.
        asked, chosen = columns.pop("prompt"), columns.pop("chosen")
        frame = pl.DataFrame({"asked": asked, "chosen": chosen, "plain": columns.get("messages", asked)})
        paired, asked_at = pl.col("chosen").is_not_null(), pl.col("asked").list.len().cast(pl.UInt16)
        frame = frame.select(
            messages=pl.when(paired).then(pl.concat_list("asked", "chosen")).otherwise("plain"),
            answer_at=pl.when(paired).then(asked_at),
        )
        columns |= {name: frame[name] for name in frame.columns}
    numbers = np.arange(first, first + part.num_rows, dtype=np.uint64)
    origin = nest(pl.Series("origin", numbers), np.arange(part.num_rows + 1))
    return make_batch(part.num_rows, {"origin": origin, **columns})


def _is_turns(kind: pa.DataType) -> bool:
    listed: bool = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return listed and bool(pa.types.is_struct(kind.value_type))


def _turns(values: pa.Array) -> pl.Series:
    """Give a column of messages; the fields that the file leaves out are null."""
    inner = values.values
    have = {field.name: _text(inner.field(at)) for at, field in enumerate(inner.type)}
    fields = {name: have.get(name, [None] * len(inner)) for name in FIELDS}
    return messages_column(fields, values.offsets.to_numpy(), values.is_null().to_numpy(zero_copy_only=False))


def _text(values: pa.Array) -> list[Any]:
    """Give the values of a column; JSON as the text that it is stored as."""
    return list((values.storage if isinstance(values, pa.ExtensionArray) else values).to_pylist())
