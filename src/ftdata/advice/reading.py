"""What advice is about: the rows of a file, or the training rows of a run, held in a private spool to be read again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ftdata import rows, runs, sniff
from ftdata.batch import Batch, dumps
from ftdata.engine import OBJECT
from ftdata.errors import FtdataError, InputError
from ftdata.manifest import Manifest
from ftdata.spool import Spool

TRAINED = (None, "train")
STATED = {"licence": "licence", "provenance": "source", "lawful_basis": "lawful_basis"}
"""What a writer that makes a card can state of the rows, and the keys for it in the recipe's `[provenance]`."""


@dataclass
class Held:
    """The rows that are judged, in a spool. `unread`: rows of the input that no reader could use; `validation`: rows
    that the run put aside (None: no run is known); `stated`: how many of licence, source of the rows and lawful basis a
    writer of the run states (None: none of its writers can)."""

    name: str
    spool: Spool
    rows: int = 0
    unread: int = 0
    validation: int | None = None
    stated: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Read all rows, batch by batch."""
        yield from self.spool

    def add(self, batch: Batch) -> None:
        """Take the live rows of a batch, numbered on."""
        live = batch.filter(pl.col("drop").is_null()) if batch["drop"].null_count() < batch.height else batch
        self.unread += batch.height - live.height
        if live.height:
            numbers = pl.Series("row", np.arange(self.rows, self.rows + live.height, dtype=np.uint64))
            self.spool.append(live.with_columns(numbers, _meta(live)).rechunk())
            self.rows += live.height


@contextmanager
def held(target: str, encoding: str | None = None) -> Iterator[Held]:
    """Hold the rows of a file in any layout that a reader knows, or the training rows that a run wrote.

    The spool lies in a private folder (0700) that is gone afterwards. Raises `InputError` if there is no row.
    """
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        made = Held(_shown(target), Spool(Path(place) / "rows.arrow"))
        with sniff.spooled(target) as path:
            where = rows.place(path)
            if where.record is not None:
                made.validation, made.stated = _aside(where.record), _stated(where.manifest)
            else:
                made.validation = _beside(target)
            trained = tuple(file for file in where.files if file[1] in TRAINED)
            for batch in rows.every(replace(where, files=trained or where.files), encoding):
                made.add(batch)
        made.spool.close()
        if not made.rows:
            raise InputError(f"{made.name}: holds no row that could be judged; give a file or run with rows")
        yield made


def _shown(target: str) -> str:
    return "stdin" if target == "-" else Path(target).name or target


def _beside(target: str) -> int | None:
    """Count the rows that the run which wrote a file put aside; None if no run did."""
    beside = [folder / ".ftdata" for folder in list(Path(target).absolute().parents)[:2]]
    if target == "-" or not any(place.is_dir() for place in beside):
        return None
    try:
        return _aside(runs.find(target))
    except FtdataError:
        return None


def _stated(manifest: Manifest | None) -> int | None:
    """Count what a run's writers and `[provenance]` state of its rows, of `STATED`; None where none can state it."""
    from ftdata import hooks

    told = set[str]()
    there = False
    for fields in manifest.recipe.get("write", []) if manifest is not None else ():
        try:
            stage = hooks.find(("writer",), str(fields.get("use"))).stage
        except (LookupError, FtdataError):
            continue
        there |= stage.model_fields.keys() >= STATED.keys()
        told |= {name for name in STATED if fields.get(name)}
    table = manifest.recipe.get("provenance") if manifest is not None else None
    if isinstance(table, dict):
        there = True
        told |= {name for name, key in STATED.items() if table.get(key)}
    return len(told) if there else None


def _aside(record: Any) -> int:
    outputs = runs.latest(record).outputs
    counts: dict[str, int] = {}
    for out in outputs:
        if out.split and out.split not in TRAINED:
            counts[out.split] = max(counts.get(out.split, 0), out.rows)
    return sum(counts.values())


def _meta(batch: Batch) -> pl.Series:
    """Give what stands beside the conversation, be it `meta` of the source or further keys of the training row."""
    if batch["extra"].null_count() == batch.height:
        return batch["meta"]
    if batch["meta"].null_count() == batch.height:
        return batch["extra"].rename("meta")
    merged = []
    for meta, extra in zip(batch["meta"].to_list(), batch["extra"].to_list(), strict=True):
        parts = [OBJECT.decode(text) for text in (extra, meta) if text]
        body = ",".join(f"{dumps(key)}:{bytes(value).decode()}" for part in parts for key, value in part.items())
        merged.append(f"{{{body}}}" if parts else None)
    return pl.Series("meta", merged, pl.String)
