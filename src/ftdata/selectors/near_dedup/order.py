"""Which rows come first: by place, by length, by a time, by a score."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Literal

import polars as pl

from ftdata.batch import Batch, dumps
from ftdata.checks.classes import Told
from ftdata.errors import RunError
from ftdata.readers.times import instant
from ftdata.transforms.filter import look_up

Keep = Literal["first", "last", "longest", "newest", "best"]


def fits(keep: str, by: str | None) -> None:
    """Raise `ValueError` unless `by` names a key where one is needed, and only there."""
    if (keep in ("newest", "best")) != (by is not None):
        raise ValueError('`by` names the meta key for keep = newest or best; give both, such as by = "created_at"')


def scores(batch: Batch, keep: Keep, by: str) -> list[pl.Series]:
    """Give the `score` that rows are ordered by, the time or the number in meta (null: none), and `told`.

    `told` is JSON, null for most rows: the meta keys of a row that lacks `by`, each set of them once, or the key itself
    where its value cannot be read.
    """
    read = _moment if keep == "newest" else _number
    found: list[float | None] = []
    told: list[str | None] = []
    shapes = set[str]()
    for text in batch["meta"].to_list():
        meta = json.loads(text) if text else None
        value = look_up(meta, by)
        found.append(read(value))
        shape = None
        if found[-1] is None:
            shape = dumps(by if value is not None else sorted(meta) if isinstance(meta, dict) else [])
        told.append(None if shape in shapes else shape)
        if shape is not None:
            shapes.add(shape)
    return [pl.Series("score", found, pl.Float64), pl.Series("told", told, pl.String)]


def lacking(sketches: pl.DataFrame, stage: str, keep: Keep, by: str) -> pl.DataFrame:
    """Give the sketches without `told`; raise `RunError` if there are rows, but none with what they are ordered by."""
    if sketches.height and sketches["score"].null_count() == sketches.height:
        told = {text: json.loads(text) for text in sketches["told"].drop_nulls().unique().to_list()}
        if any(value == by for value in told.values()):
            kind = "a time; write them as ISO 8601, such as 2026-01-31" if keep == "newest" else "a number"
            raise RunError(f"{stage}: by: no value of the meta key {by!r} can be read as {kind}")
        seen = [dumps([[], [key for key in keys if key != by]]) for keys in told.values()]
        raise Told(pl.Series(seen, dtype=pl.String)).missing(stage, "by", by)
    return sketches.drop("told")


def ordered(sketches: pl.DataFrame, keep: Keep, low: bool = False) -> pl.DataFrame:
    """Put rows in the order in which they stay; without a score they come last, and of equal ones the first."""
    if keep == "first" and sketches["row"].is_sorted():
        return sketches.rechunk()
    by, falling = {
        "first": (["row"], [False]),
        "last": (["row"], [True]),
        "longest": (["size", "row"], [True, False]),
        "newest": (["score", "row"], [True, False]),
        "best": (["score", "row"], [not low, False]),
    }[keep]
    return sketches.sort(by, descending=falling, nulls_last=True)


def _moment(value: Any) -> float | None:
    """Read a time as microseconds since 1970; of `03/04/2024` the day comes first."""
    if isinstance(value, float) and isfinite(value):
        value = int(value)
    at = instant(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    return None if at is None else float(at[0])


def _number(value: Any) -> float | None:
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and isfinite(number) else None
