"""The ledger: one line per event of a row's life, derived from the rows themselves; no text of any row.

Events of a segment stand in row order, then in the order of the stages, so the ledger is the same whatever the batch
size. `drop`: the row ends here, for this reason; `write`: it stands in this line of this output; `edit`, `flag`, `tag`:
what a stage did to a row that lived on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet

from ftdata import files
from ftdata.batch import handed
from ftdata.errors import RunError

EVENTS = pl.Schema(
    {
        "row": pl.UInt64(),
        "id": pl.String(),
        "origin": pl.List(pl.UInt64),
        "stage": pl.String(),
        "event": pl.String(),
        "reason": pl.String(),
        "note": pl.String(),
        "output": pl.String(),
        "line": pl.UInt64(),
    }
)

_GROUP = 32_768
_KEYS = ["stage", "event", "reason"]


def events(
    batch: pl.DataFrame, stage: str, event: str, reason: pl.Series | None = None, note: pl.Series | None = None
) -> pl.DataFrame:
    """Make one event per row of a batch."""
    missing = pl.lit(None, dtype=pl.String)
    return batch.select(
        "row",
        "id",
        "origin",
        pl.lit(stage).alias("stage"),
        pl.lit(event).alias("event"),
        (missing if reason is None else reason).alias("reason"),
        (missing if note is None else note).alias("note"),
        missing.alias("output"),
        pl.lit(None, dtype=pl.UInt64).alias("line"),
    )


def in_order(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Bring the events of one batch into ledger order: by row, then as the stages came."""
    return pl.concat(frames).sort("row", maintain_order=True) if frames else pl.DataFrame(schema=EVENTS)


TEXTS = pl.Schema(
    {"row": pl.UInt64(), "stage": pl.String(), "event": pl.String(), "before": pl.String(), "after": pl.String()}
)
"""What `keep_text` keeps beside the ledger: rows that a transform edited or dropped, as JSON lines."""


def texts(stage: str, before: pl.DataFrame, after: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Give the texts of the rows that a step edited or dropped, from the batches before and after it."""
    from ftdata.writers.openai_chat import render

    parts = [pl.DataFrame(schema=TEXTS)]
    for lines in found:
        event = lines["event"][0]
        if event not in ("edit", "drop"):
            continue
        rows = lines["row"].implode()
        old, new = before.filter(before["row"].is_in(rows)), after.filter(after["row"].is_in(rows))
        parts.append(
            pl.DataFrame(
                {
                    "row": old["row"],
                    "stage": pl.Series([stage], dtype=pl.String).new_from_index(0, old.height),
                    "event": pl.Series([event], dtype=pl.String).new_from_index(0, old.height),
                    "before": render(old),
                    "after": render(new) if event == "edit" else pl.Series([None] * old.height, dtype=pl.String),
                },
                schema=TEXTS,
            )
        )
    return in_order(parts)


def assemble(parts: Iterable[pl.DataFrame], path: Path, schema: pl.Schema = EVENTS) -> None:
    """Write `ledger.parquet` (or `texts.parquet`) from its parts; row groups do not depend on how these were cut."""
    held: list[pl.DataFrame] = []
    count = 0
    with files.create(path) as stream:
        arrow = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with pa.parquet.ParquetWriter(stream, arrow, compression="zstd", **_encoding(schema)) as writer:

            def flush(all_of_it: bool) -> None:
                nonlocal held, count
                while count >= _GROUP or (all_of_it and count):
                    whole = pl.concat(held).rechunk()
                    head, rest = whole.head(_GROUP), whole.slice(_GROUP)
                    table = head.to_arrow(compat_level=pl.CompatLevel.oldest())
                    # To cast imports all of pyarrow's functions.
                    writer.write_table(table if table.schema == arrow else table.cast(arrow))
                    held, count = [rest], rest.height

            for part in parts:
                held.append(part.select(schema.names()).cast(schema))
                count += part.height
                flush(False)
            flush(True)


def _encoding(schema: pl.Schema) -> dict[str, Any]:
    """Say how columns are encoded: numbers and ids grow from row to row (a ninth of the size, a third of the time)."""
    growing = {"row": "DELTA_BINARY_PACKED", "line": "DELTA_BINARY_PACKED", "id": "DELTA_BYTE_ARRAY"}
    encoded = {name: encoding for name, encoding in growing.items() if name in schema}
    return {
        "use_dictionary": [name for name in schema if name in ("stage", "event", "reason", "note", "output")],
        "column_encoding": encoded,
        "write_statistics": list(encoded),
    }


def scan(path: Path) -> pl.LazyFrame:
    """Open a ledger; raise `RunError` if it is gone, cut short, or no ledger of this version."""
    try:
        found = pl.read_parquet_schema(path) if path.is_file() else {}
    except (OSError, pl.exceptions.PolarsError):
        found = {}
    if any(found.get(name) != kind for name, kind in EVENTS.items()):
        raise RunError(f"{path}: is not a ledger that this version reads; run the recipe again")
    return pl.scan_parquet(path)


def totals(path: Path) -> dict[str, Any]:
    """Count a ledger: drops and flags by stage and reason (in rows, drops also in records), edits by stage."""
    summed: dict[tuple[Any, ...], np.ndarray[Any, Any]] = {}
    # One row group at a time: the memory this takes does not grow with the ledger.
    with pa.parquet.ParquetFile(path, read_dictionary=_KEYS) as file:
        for number in range(file.num_row_groups):
            for key, counts in _counted(file.read_row_group(number, [*_KEYS, "origin"], use_threads=False)):
                summed[key] = summed.get(key, 0) + counts
    result: dict[str, Any] = {event: {} for event in ("drop", "flag", "edit", "tag", "write")}
    result |= {"dropped_records": 0, "written_records": {}}
    for stage, event, reason in sorted(summed, key=lambda key: [(part is None, part) for part in key]):
        rows, records = map(int, summed[stage, event, reason])
        if event in ("drop", "flag"):
            result[event].setdefault(stage, {})[reason] = rows
        elif event != "write" or reason is None:  # a row's further lines are no more rows
            result[event][stage] = result[event].get(stage, 0) + rows
        if event == "drop":
            result["dropped_records"] += records
        elif event == "write" and reason is None:
            result["written_records"][stage] = records
    return result


def _counted(group: pa.Table) -> Iterator[tuple[tuple[Any, ...], np.ndarray[Any, Any]]]:
    """Count the rows and records of each stage, event and reason, by the numbers that stand for them in the file."""
    codes, words = np.zeros(len(group), dtype=np.int64), []
    for name in _KEYS:
        column = group[name].combine_chunks()
        words.append([*column.dictionary.to_pylist(), None])
        own = handed(column.indices).fill_null(len(column.dictionary)).to_numpy()
        codes = codes * len(words[-1]) + own
    records = handed(group["origin"].combine_chunks()).list.len().to_numpy()
    found, rows = np.unique(codes, return_counts=True)
    sums = np.bincount(np.searchsorted(found, codes), records, len(found)).astype(np.int64)
    parts = np.unravel_index(found, [len(known) for known in words])
    for place in range(len(found)):
        key = tuple(known[part[place]] for known, part in zip(words, parts, strict=True))
        yield key, np.array([rows[place], sums[place]])
