"""Length limits, in Unicode code points: what every tool counts alike, while tokens differ from model to model."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch, lengths, mark, said
from ftdata.stages import Example, Transform

TURNS = ("user", "assistant")


class Length(Transform):
    """Drop (or flag) conversations that are too short or too long, in characters or in turns.

    | code | when |
    |---|---|
    | `too-short` | fewer characters than `min_chars` |
    | `too-long` | more characters than `max_chars` |
    | `too-few-turns` | fewer turns than `min_turns` |
    | `too-many-turns` | more turns than `max_turns` |

    Characters are Unicode code points of all contents (text parts of one message are joined by a line break), system
    and tool messages included, the `rejected` answer not. Turns are messages of the user and of the assistant. Both
    bounds are allowed values. A dropped row gets the first code that applies, in the order of the table; the note gives
    the number that was measured.
    """

    name: ClassVar[str] = "length"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Both bounds are allowed values; the note gives what was measured.",
            (("Hi", "Hello!"), ("Where is my order 1042?", "It left us on Monday."), ("Help", "Sure", "Now", "Yes?")),
            {"min_chars": 10, "max_turns": 2},
        ),
    )

    min_chars: int | None = Field(None, ge=0, description="characters that a row has at least")
    max_chars: int | None = Field(None, ge=0, description="characters that a row has at most")
    min_turns: int | None = Field(None, ge=0, description="turns of user and assistant that a row has at least")
    max_turns: int | None = Field(None, ge=0, description="turns of user and assistant that a row has at most")
    level: Literal["off", "warn", "drop"] = Field("drop", description="off, warn (adds a flag) or drop")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if all(bound is None for bound in (self.min_chars, self.max_chars, self.min_turns, self.max_turns)):
            raise ValueError("no limit is given; set min_chars, max_chars, min_turns or max_turns")
        for low, high, what in (
            (self.min_chars, self.max_chars, "chars"),
            (self.min_turns, self.max_turns, "turns"),
        ):
            if low is not None and high is not None and low > high:
                raise ValueError(f"min_{what} {low} is above max_{what} {high}: no row could pass; exchange them")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Mark the rows outside the limits."""
        if self.level == "off" or not batch.height:
            return batch
        chars = turns = np.zeros(batch.height, dtype=np.int64)
        messages = batch["messages"].explode(empty_as_null=False, keep_nulls=False).struct
        counts = lengths(batch).to_numpy()
        if self.min_chars is not None or self.max_chars is not None:
            texts = said(pl.DataFrame([messages.field("content"), messages.field("parts")]))
            chars = _sums(texts.str.len_chars().fill_null(0).to_numpy(), counts)
        if self.min_turns is not None or self.max_turns is not None:
            turns = _sums(messages.field("role").is_in(TURNS).fill_null(False).to_numpy(), counts)
        broken: list[tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any], str]] = []
        if self.min_chars is not None:
            broken.append(("too-short", chars < self.min_chars, chars, "characters"))
        if self.max_chars is not None:
            broken.append(("too-long", chars > self.max_chars, chars, "characters"))
        if self.min_turns is not None:
            broken.append(("too-few-turns", turns < self.min_turns, turns, "turns"))
        if self.max_turns is not None:
            broken.append(("too-many-turns", turns > self.max_turns, turns, "turns"))
        noted = np.zeros(batch.height, dtype=bool)
        for code, mask, measured, unit in broken:
            if not mask.any():
                continue
            first = mask & ~noted
            note = pl.select(pl.format("{} {}", pl.Series("n", measured), pl.lit(unit))).to_series()
            if self.level == "drop":
                batch = mark(batch, first, drop=code, note=note)
            else:
                batch = mark(mark(batch, mask, flag=code), first, note=note)
            noted |= mask
        return batch


def _sums(values: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Sum the values of each row's messages; `counts` says how many messages each row has."""
    running = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    ends = np.cumsum(counts, dtype=np.int64)
    sums: np.ndarray[Any, Any] = running[ends] - running[ends - counts]
    return sums
