"""What a row is known by when it is given a side: what its user asks, its group, its label, its time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import Batch, dumps, flat, lengths, nest, said
from ftdata.errors import InputError
from ftdata.readers.times import instant
from ftdata.selectors.exact_dedup import canonical, digests
from ftdata.selectors.split.sides import SIDES
from ftdata.shards import split_of
from ftdata.stages import Rows
from ftdata.transforms.filter import look_up

_NUMERIC = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d")


def asked(batch: Batch) -> pl.Series:
    """Give what the user says in each row, levelled: lower case, no punctuation, single spaces; null if nothing."""
    messages = flat(batch)
    texts = said(messages)
    mine = (messages["role"] == "user").fill_null(False) & texts.is_not_null()
    offsets = np.concatenate(([0], np.cumsum(lengths(batch).to_numpy(), dtype=np.int64)))
    spoken = pl.select(pl.when(mine).then(texts.fill_null(""))).to_series()
    whole = nest(spoken, offsets).list.drop_nulls().list.join("\n")
    plain = whole.str.to_lowercase().str.replace_all(r"[\p{P}\p{Z}\p{C}]+", " ").str.strip_chars(" ")
    # A question of signs alone ("???") stays what it is.
    level = pl.when(plain != "").then(plain).otherwise(whole.str.strip_chars())
    return pl.select(pl.when(level != "").then(level).alias("asked")).to_series()


def tagged(batch: Batch) -> pl.Series:
    """Give the text by which a row without a group is known: what its user asks, else the whole row; never null."""
    question = asked(batch)
    found = pl.select(pl.format("text:{}", question)).to_series()
    bare = question.is_null()
    if bare.any():
        whole = pl.select(pl.format("row:{}", canonical(batch.filter(bare)))).to_series()
        found = found.scatter(bare.arg_true(), whole)
    return found


def values(meta: pl.Series, keys: Sequence[str]) -> tuple[dict[str, pl.Series], list[str]]:
    """Give the values of meta keys as text (7 and "7" are one value), and the keys of the rows that lack one of them.

    A null or blank value is none; keys are dotted paths.
    """
    decode = msgspec.json.Decoder().decode
    found: dict[str, list[str | None]] = {key: [] for key in keys}
    seen: dict[str, None] = {}
    for text in meta.to_list():
        tags = None if text is None else decode(text)
        for key, told in found.items():
            value = look_up(tags, key)
            if isinstance(value, str):
                value = value.strip()
            if value is None or value == "":
                told.append(None)
                if isinstance(tags, dict):
                    seen.update(dict.fromkeys(tags))
            else:
                told.append(value if isinstance(value, str) else dumps(value))
    return {key: pl.Series(key, told, pl.String) for key, told in found.items()}, list(seen)


def times(texts: pl.Series) -> pl.DataFrame:
    """Read times: microseconds since 1970 `by_day` (03/04 is 3 April) and `by_month`, null if it is none.

    `hint` is 1 where a date can only have its day first (25/04), -1 where only its month, else 0; null without a text.
    """
    by_day: list[int | None] = []
    by_month: list[int | None] = []
    hints: list[int | None] = []
    for text in texts.to_list():
        moment = None if text is None else instant(text)
        by_day.append(None if moment is None else moment[0])
        by_month.append(None if moment is None else moment[1])
        hint = None if text is None else 0
        if moment is not None and (match := _NUMERIC.match(text)):
            hint = int(int(match[1]) > 12) - int(int(match[2]) > 12)
        hints.append(hint)
    columns: Mapping[str, Iterable[Any]] = {"by_day": by_day, "by_month": by_month, "hint": hints}
    return pl.DataFrame(columns, schema={"by_day": pl.Int64, "by_month": pl.Int64, "hint": pl.Int8})


def whose(own: pl.Series, groups: Sequence[pl.Series]) -> pl.Series:
    """Give the text whose hash decides the side of a row: its first group value, else what it is known by itself."""
    marked = [
        pl.concat_str(pl.lit("group:" if not number else f"group {number}:"), values)
        for number, values in enumerate(groups)
    ]
    return pl.select(pl.coalesce(*marked, own)).to_series()


def linked(frame: pl.DataFrame, groups: int) -> Callable[[], list[list[int]]]:
    """Give what a row stands together by, as hashes: all its group values, else its key."""

    def values() -> list[list[int]]:
        own = frame["hi"].to_list()
        if groups < 2:
            return [[value] for value in own]
        columns = zip(*(frame[f"group{number}"].to_list() for number in range(groups)), strict=True)
        # The same value under two keys (7 of `customer` and of `ticket`) is two values.
        found = [[value ^ number for number, value in enumerate(row) if value is not None] for row in columns]
        return [mine or [key] for mine, key in zip(found, own, strict=True)]

    return values


def pinned(frame: pl.DataFrame, rows: Rows, paths: Sequence[Path]) -> np.ndarray[Any, Any]:
    """Give the side that each row had in an earlier run, the most guarded one if several; -1: it was not there.

    Raises `InputError` if the names of the files tell no side.
    """
    theirs = [pl.DataFrame(schema={"text": pl.UInt64, "side": pl.Int8})]
    for path in paths:
        told = False
        for batch in rows.earlier(path):
            names = batch["id"].str.replace(r"#\d+$", "")
            known = {name: SIDES.index(side) for name in names.unique() if (side := split_of(name)) is not None}
            told |= bool(known)
            numbers = names.replace_strict(known, default=None, return_dtype=pl.Int8).rename("side")
            text = digests(tagged(batch))[0]
            theirs.append(pl.DataFrame([text.rename("text"), numbers]).drop_nulls())
        if not told:
            raise InputError(
                f"split: earlier: {path}: no file name tells a side; name the files train, validation or test"
            )
    if not paths:
        return np.full(frame.height, -1, dtype=np.int8)
    held = pl.concat(theirs).group_by("text").agg(pl.col("side").max())
    joined = frame.select("text").join(held, on="text", how="left", maintain_order="left")
    return joined["side"].fill_null(-1).to_numpy()
