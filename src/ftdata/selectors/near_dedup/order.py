"""Which rows come first: by place, by length, by a time, by a score."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Literal

import polars as pl

from ftdata.batch import Batch
from ftdata.readers.times import instant
from ftdata.transforms.filter import look_up

Keep = Literal["first", "last", "longest", "newest", "best"]


def fits(keep: str, by: str | None) -> None:
    """Raise `ValueError` unless `by` names a key where one is needed, and only there."""
    if (keep in ("newest", "best")) != (by is not None):
        raise ValueError('`by` names the meta key for keep = newest or best; give both, such as by = "created_at"')


def scores(batch: Batch, keep: Keep, by: str | None) -> pl.Series:
    """Give what rows are ordered by beside their place: the time or the number in meta; null where there is none."""
    if by is None:
        return pl.Series("score", [None], pl.Float64).new_from_index(0, batch.height)
    read = _moment if keep == "newest" else _number
    found = [read(look_up(json.loads(text), by)) if text else None for text in batch["meta"].to_list()]
    return pl.Series("score", found, pl.Float64)


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
