"""A Hugging Face dataset: Parquet files and a card, in a folder that `datasets.load_dataset` reads as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from ftdata import files
from ftdata.batch import FIELDS, MESSAGE, Batch, flat, relist
from ftdata.errors import OutputError
from ftdata.stages import Writer
from ftdata.writers import learned
from ftdata.writers.dataset_card import Stated, card
from ftdata.writers.meta import pick, reads

SHARD_ROWS = 1_000_000
SHARD_BYTES = 500_000_000
"""A new file is begun before either is passed: rows, bytes of uncompressed data."""
GROUP_ROWS = 50_000
GROUP_BYTES = 32_000_000
"""The same for a row group, which is what a reader must hold in memory at once."""

TURNS = ("messages", "prompt", "chosen", "rejected")
COLUMNS = (*TURNS, "tools", "extra", "meta")
JSON = ("tools", "extra", "meta", "messages.tool_calls", "messages.parts", "messages.extra")
"""Where open-ended JSON stands: columns, and fields of the messages (the same in all columns of messages)."""

_MESSAGE = pa.struct([(f.name, pa.int8() if f.dtype == pl.Int8 else pa.string()) for f in MESSAGE.fields])
_SCRATCH = pa.schema([(name, pa.list_(_MESSAGE) if name in TURNS else pa.string()) for name in COLUMNS])


class HfDataset(Writer):
    """Write a Hugging Face dataset: Parquet files by split and a card, for `datasets.load_dataset(FOLDER)`.

    Files are `data/<split>-NNNNN-of-NNNNN.parquet`, a new one at 1,000,000 rows or 500 MB before compression (zstd);
    rows without a split go to `train`. The columns: `messages`; for preference rows instead `prompt`, `chosen` and
    `rejected`, as TRL's conversational preference format has them; `tools`; `extra` (all other keys of the row) and
    `meta` (the keys that `meta` names), each one JSON object. A message has `role`, `content` and of `name, weight,
    tool_calls, tool_call_id, parts` (a list as content), `extra` (all other keys) those that some row uses: columns and
    fields that are null in the whole set are left out.

    JSON of open shape (`tools, tool_calls, parts, extra, meta`) is stored as the type `Json` of `datasets` (4.7 and
    later), which gives it back as lists and objects, different in every row. That type reads numbers with 15 digits
    and integers of 64 bits at most: a field in which some value would not come back equal is stored as text instead,
    and the card says so. `nested = "text"` stores all of them as text, which any version and any Parquet reader takes.

    The card (README.md) says what is stated of the rows in `licence`, `provenance`, `lawful_basis`, `personal_data` and
    `contact`, and of what is not, that it is unknown.

    Raises OutputError for a split whose name `datasets` does not take (letters, digits, `_` and `.` between them).
    """

    name: ClassVar[str] = "hf-dataset"
    folder: ClassVar[bool] = True

    nested: Literal["json", "text"] = Field(
        "json", description="how tools, tool calls, parts and extra are stored: json (datasets 4.7 or later), or text"
    )

    turns: learned.Turns = Field("whole", description=learned.DESCRIPTION)
    title: str | None = Field(None, description="title of the card")
    licence: str | None = Field(
        None, description="licence, as Hugging Face lists it (cc-by-4.0), or in words; on the card"
    )
    provenance: str | None = Field(None, description="where the rows come from, and who agreed to what; on the card")
    lawful_basis: str | None = Field(None, description="on what ground they may be used for training; on the card")
    personal_data: str | None = Field(None, description="which personal data may be left in them; on the card")
    contact: str | None = Field(None, description="whom to ask; on the card")

    def spread(self, batch: Batch) -> pl.Series | None:
        """Count the rows of the dataset that each row makes, if `turns` is `expand`."""
        return learned.spread(batch, self.turns)

    def reads_meta(self) -> frozenset[str]:
        """Read the keys that are written; for `language.code` also `language`."""
        return reads(self.meta)

    def split_of(self, file: Path) -> str | None:
        """Give the split in the name of a data file; None for the card."""
        return file.name.rpartition("-of-")[0].rpartition("-")[0] if file.suffix == ".parquet" else None

    def lines(self, file: Path) -> int | None:
        """Count the rows of a data file; None for the card."""
        return int(pq.read_metadata(file).num_rows) if file.suffix == ".parquet" else None

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write all rows to scratch files first, then, when it is known what is null everywhere, to Parquet."""
        shape, sides = _Shape(self.nested), dict[str, _Side]()
        with ExitStack() as stack:
            for rows in batches:
                batch = learned.unfold(rows, self.turns)
                for split, part in _by_split(batch):
                    if split not in sides:
                        # Not named after the split: a file of data until it is taken away again.
                        scratch = into / f"scratch-{len(sides)}.arrow"
                        sides[split] = _Side(scratch, stack.enter_context(files.create(scratch)))
                    frame = _frame(part, self.meta)
                    shape.look(frame)
                    sides[split].add(frame)
            for side in sides.values():
                side.close()
        schema = shape.schema()
        if sides:
            files.make_folder(into / "data")
        for split, side in sides.items():
            _publish(side, schema, into / "data", split)
            files.remove(side.path)
        text = card({split: side.counts for split, side in sides.items()}, schema, shape.unfit, self._stated())
        with files.create(into / "README.md") as stream:
            stream.write(text.encode())

    def _stated(self) -> Stated:
        return Stated(self.title, self.licence, self.provenance, self.lawful_basis, self.personal_data, self.contact)


def _by_split(batch: Batch) -> Iterator[tuple[str, Batch]]:
    split = batch["split"].fill_null("train")
    for side in split.unique(maintain_order=True):
        if not re.fullmatch(r"\w+(\.\w+)*", side):
            raise OutputError(
                f"hf-dataset: split {side!r}: datasets takes letters, digits and _ only (a dot between them); rename it"
            )
        yield side, batch.filter(split == side)


_NO_CONTENT = r'^\s*\{\s*"content"\s*:\s*null\s*\}\s*$'


def _frame(batch: Batch, meta: tuple[str, ...]) -> pl.DataFrame:
    """Give the columns to be written, all of them, with the types of a batch."""
    turns, at, other = pl.col("messages"), pl.col("answer_at"), pl.col("rejected")
    for column in ("messages", "rejected"):
        fields = flat(batch, column)
        if fields["extra"].null_count() < fields.height:
            # A column has no other way to say `content: null` than null.
            fields = fields.with_columns(
                extra=pl.when(~pl.col("extra").str.contains(_NO_CONTENT)).then("extra").otherwise(None)
            )
            batch = batch.with_columns(relist(batch[column], fields).alias(column))
    paired = other.is_not_null() | at.is_not_null()
    nothing = pl.lit(None, batch["messages"].dtype)
    preference = bool(batch.select(paired.any()).item())
    return batch.select(
        messages=pl.when(~paired).then(turns) if preference else turns,
        prompt=pl.when(paired).then(turns.list.slice(0, pl.coalesce(at, turns.list.len()))) if preference else nothing,
        chosen=pl.when(at.is_not_null()).then(turns.list.slice(at)) if preference else nothing,
        rejected=other,
        tools="tools",
        extra="extra",
        meta=pick(batch, meta) if meta else pl.lit(None, pl.String),
    )


# --- what the whole set holds -----------------------------------------------------------------------------------------

# What `datasets` may read differently: fractions, exponents, long integers, halves of surrogate pairs.
_SUSPECT = r"[0-9][.eE]|[0-9]{18}|\\u[dD]"
_DEEP = 500


class _Shape:
    """What was seen so far: which columns and message fields hold anything, and which JSON must stay text."""

    def __init__(self, nested: Literal["json", "text"]) -> None:
        self._present = {"messages.role", "messages.content"}
        self.unfit: set[str] = set(JSON) if nested == "text" else set()

    def look(self, frame: pl.DataFrame) -> None:
        """Take note of one more frame."""
        for column in COLUMNS:
            self._see(column, frame[column])
            if column in TURNS and column in self._present:
                fields = flat(frame, column)
                for field in FIELDS:
                    self._see(f"messages.{field}", fields[field])

    def _see(self, name: str, values: pl.Series) -> None:
        if values.null_count() == len(values):
            return
        self._present.add(name)
        if name in JSON and name not in self.unfit:
            text = values.drop_nulls()
            doubtful = text.filter(text.str.contains(_SUSPECT) | (text.str.count_matches(r"[\[{]") > _DEEP))
            if not all(_survives(value) for value in doubtful):
                self.unfit.add(name)

    def schema(self) -> pa.Schema:
        """Give the schema of what is left when all-null columns and fields are gone."""

        def kind(name: str, dtype: pa.DataType) -> pa.DataType:
            return pa.json_() if name in JSON and name not in self.unfit else dtype

        message = pa.struct(
            [(f.name, kind(f"messages.{f.name}", f.type)) for f in _MESSAGE if f"messages.{f.name}" in self._present]
        )
        columns = [c for c in COLUMNS if c in self._present] or ["messages"]
        return pa.schema([(c, pa.list_(message) if c in TURNS else kind(c, pa.string())) for c in columns])


def _survives(text: str) -> bool:
    """Say whether the JSON reader of `datasets` gives the same value as Python's."""
    from datasets.utils.json import ujson_loads

    try:
        return bool(ujson_loads(text) == json.loads(text))
    except (ValueError, RecursionError):
        return False


# --- from scratch to Parquet ------------------------------------------------------------------------------------------


class _Side:
    """The rows of one split on their way: a scratch file, and how it will be cut into data files."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path = path
        self.shards: list[int] = []  # for each data file the number of record batches in it
        self.counts = {"rows": 0, "preference": 0}
        self._rows = self._bytes = 0  # of the last data file
        self._stream = stream
        self._writer = pa.ipc.new_stream(stream, _SCRATCH, options=pa.ipc.IpcWriteOptions(compression="lz4"))

    def add(self, frame: pl.DataFrame) -> None:
        """Write the frame as one record batch."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_SCRATCH).combine_chunks()
        for batch in table.to_batches():
            rows, size = self._rows + batch.num_rows, self._bytes + batch.nbytes
            if not self.shards or rows > SHARD_ROWS or size > SHARD_BYTES:
                self.shards.append(0)
                rows, size = batch.num_rows, batch.nbytes
            self._rows, self._bytes = rows, size
            self.shards[-1] += 1
            self._writer.write_batch(batch)
        self.counts["rows"] += frame.height
        self.counts["preference"] += frame.height - frame["prompt"].null_count()

    def close(self) -> None:
        """End the scratch file."""
        self._writer.close()
        self._stream.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the scratch file again."""
        with self.path.open("rb") as stream:
            yield from pa.ipc.open_stream(stream)


def _publish(side: _Side, schema: pa.Schema, folder: Path, split: str) -> None:
    batches = side.batches()
    for number, count in enumerate(side.shards):
        name = f"{split}-{number:05d}-of-{len(side.shards):05d}.parquet"
        with (
            files.create(folder / name) as stream,
            # Statistics would repeat texts in the footer, and nobody filters conversations by their smallest one.
            pq.ParquetWriter(stream, schema, compression="zstd", write_statistics=False) as writer,
        ):
            group: list[pa.RecordBatch] = []
            rows = size = 0
            for _ in range(count):
                batch = _fitted(next(batches), schema)
                if group and (rows + batch.num_rows > GROUP_ROWS or size + batch.nbytes > GROUP_BYTES):
                    writer.write_table(pa.Table.from_batches(group), row_group_size=rows)
                    group, rows, size = [], 0, 0
                group.append(batch)
                rows, size = rows + batch.num_rows, size + batch.nbytes
            writer.write_table(pa.Table.from_batches(group), row_group_size=rows)


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cut a record batch to the columns and message fields of the schema."""

    def typed(values: pa.Array, dtype: pa.DataType) -> pa.Array:
        return pa.ExtensionArray.from_storage(dtype, values) if isinstance(dtype, pa.JsonType) else values

    def column(field: pa.Field) -> Any:
        values = batch[field.name]
        if field.name not in TURNS:
            return typed(values, field.type)
        inner = list(field.type.value_type)
        kept = [typed(values.values.field(each.name), each.type) for each in inner]
        structs = pa.StructArray.from_arrays(kept, fields=inner)
        return pa.ListArray.from_arrays(values.offsets, structs, type=field.type, mask=values.is_null())

    return pa.record_batch([column(field) for field in schema], schema=schema)
