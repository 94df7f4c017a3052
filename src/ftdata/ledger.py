"""The ledger: one line per event of a row's life, derived from the rows themselves; no text of any row.

Events of a segment stand in row order, then in the order of the stages, so the ledger is the same whatever the batch
size. `drop`: the row ends here, for this reason; `write`: it stands in this line of this output; `edit`, `flag`, `tag`:
what a stage did to a row that lived on.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from ftdata import files

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


def assemble(parts: Iterable[pl.DataFrame], path: Path) -> None:
    """Write `ledger.parquet` from its parts; row groups do not depend on how the parts were cut."""
    held: list[pl.DataFrame] = []
    count = 0
    with files.create(path) as stream:
        arrow = pl.DataFrame(schema=EVENTS).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with pa.parquet.ParquetWriter(stream, arrow, compression="zstd") as writer:

            def flush(all_of_it: bool) -> None:
                nonlocal held, count
                while count >= _GROUP or (all_of_it and count):
                    whole = pl.concat(held).rechunk()
                    head, rest = whole.head(_GROUP), whole.slice(_GROUP)
                    writer.write_table(head.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow))
                    held, count = [rest], rest.height

            for part in parts:
                held.append(part.select(EVENTS.names()).cast(EVENTS))
                count += part.height
                flush(False)
            flush(True)


def scan(path: Path) -> pl.LazyFrame:
    """Open a ledger."""
    return pl.scan_parquet(path)


def totals(path: Path) -> dict[str, Any]:
    """Count a ledger: drops and flags by stage and reason (in rows, drops also in records), edits by stage."""
    keys = ["stage", "event", "reason"]
    summed = pl.DataFrame(schema={**dict.fromkeys(keys, pl.String), "rows": pl.UInt64, "records": pl.UInt64})
    # One row group at a time: the memory this takes does not grow with the ledger.
    with pa.parquet.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = pl.from_arrow(file.read_row_group(number, columns=[*keys, "origin"]))
            assert isinstance(group, pl.DataFrame)
            counts = group.group_by(keys).agg(
                pl.len().cast(pl.UInt64).alias("rows"),
                pl.col("origin").list.len().sum().cast(pl.UInt64).alias("records"),
            )
            summed = pl.concat([summed, counts]).group_by(keys).agg(pl.col("rows", "records").sum())
    counted = summed.sort(keys, nulls_last=True)
    result: dict[str, Any] = {event: {} for event in ("drop", "flag", "edit", "tag", "write")}
    result |= {"dropped_records": 0, "written_records": {}}
    for line in counted.iter_rows(named=True):
        if line["event"] in ("drop", "flag"):
            result[line["event"]].setdefault(line["stage"], {})[line["reason"]] = line["rows"]
        else:
            of_event = result[line["event"]]
            of_event[line["stage"]] = of_event.get(line["stage"], 0) + line["rows"]
        if line["event"] == "drop":
            result["dropped_records"] += line["records"]
        elif line["event"] == "write":
            result["written_records"][line["stage"]] = line["records"]
    return result
