"""How long the rows are, in turns, characters and words; tokens differ from model to model and are not counted here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from ftdata.batch import Batch, flat, owners, said
from ftdata.checks.spread import quantile
from ftdata.stages import Check, Example, Finding
from ftdata.transforms.length import TURNS
from ftdata.writers.learned import answers

SHOWN = 20
"""Rows named for one finding at most."""
FEW = 100
"""Below so many rows nothing is said of the tail: its longest 1 % would be less than one row."""

_QUANTILES = {"min": 0.0, "p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
_SIDES: dict[str, str | None] = {"user": "user", "assistant": "assistant", "all": None}
_MEASURES = ("turns", *(f"{side}_{unit}" for unit in ("characters", "words") for side in _SIDES))


class Lengths(Check):
    """Measure how long the rows are, and warn of short answers, of outliers and of a heavy tail.

    The finding `lengths-spread` gives min, p5, p25, median, p75, p95, max and mean of a row's turns (messages of user
    and assistant), and of the characters (Unicode code points) and words (runs of signs between white space; in
    scripts without spaces a clause) of the user's, the assistant's and all texts, system and tool messages included,
    the `rejected` answer not. Quantiles are values that occur: the least value that at least that share of the rows
    does not exceed. Null contents count as nothing. Where some row has several answers, `lengths-turns` tells what the
    writers' field `turns` would cost: lines, characters that are read in training, the share of them that is learnt.

    | code | when | where |
    |---|---|---|
    | `lengths-short-answers` | over `max_short` of the answers have fewer words than `short_words` | rows with one |
    | `lengths-outlier` | a row has over `times_median` times the characters of the median row | the longest |
    | `lengths-too-long` | a row has more than `max_chars` characters | the longest |
    | `lengths-heavy-tail` | of 100 rows or more, the longest 1 % hold over `max_tail` of all characters | these |

    Why: short answers teach a model to answer shortly, while the longest 1,000 of a public set trained better models
    than all of it (Zhao et al. 2024, arXiv:2402.04833); where answers are labels they are meant to be short, and
    `max_short = 1` says so. Services bill, and average the loss, by token: a few long rows, often a pasted log or mail
    thread, outweigh hundreds. `max_chars` is a rough bound: OpenAI cuts an example after 65,536 tokens, and counts on
    4 characters of English for one (its tokenizer's help page; other languages have fewer). The other bounds are rules
    of thumb. Answers are messages of the assistant with text. Columns read: `messages`.
    """

    name: ClassVar[str] = "lengths"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Short answers, and one row that is far longer than the median.",
            (("Is it here?", "Yes."), ("Is it gone?", "No."), ("Why?", "It broke. " * 60), ("When?", "Today.")),
        ),
    )

    short_words: int = Field(3, ge=1, description="an answer of the assistant with fewer words than this is short")
    max_short: float = Field(0.1, ge=0, le=1, description="share of the answers that may be short; 1 turns this off")
    times_median: float = Field(
        20, ge=0, description="times the median row's characters that a row may have; 0 turns this off"
    )
    max_chars: int = Field(65_536 * 4, ge=0, description="characters that a row may have; 0 turns this off")
    max_tail: float = Field(
        0.25, gt=0, le=1, description="share of all characters that the longest 1 % of the rows may hold; 1: off"
    )
    level: Literal["warn", "error"] = Field("warn", description="level of the findings but the spread")

    def reads_meta(self) -> frozenset[str]:
        """Read none."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's measures, its answers and how many of them are short: 80 bytes a row."""
        messages, owner = flat(batch), owners(batch).to_numpy()
        texts = said(messages)
        role = messages["role"]
        sizes = {
            "characters": texts.str.len_chars().fill_null(0).to_numpy(),
            "words": texts.str.count_matches(r"\S+").fill_null(0).to_numpy(),
        }

        def summed(values: Any, mask: Any = None) -> pl.Series:
            kept = (owner, values) if mask is None else (owner[mask], values[mask])
            # Sums of whole numbers in floats: exact below 2**53.
            return pl.Series(np.bincount(kept[0], kept[1], batch.height).astype(np.uint64))

        one = np.ones(len(owner))
        columns = {"row": batch["row"], "turns": summed(one, _true(role.is_in(TURNS)))}
        for unit, values in sizes.items():
            for side, speaker in _SIDES.items():
                columns[f"{side}_{unit}"] = summed(values, None if speaker is None else _true(role == speaker))
        answer = _true(role == "assistant") & (sizes["words"] > 0)
        columns["answers"] = summed(one, answer)
        columns["short"] = summed(one, answer & (sizes["words"] < self.short_words))
        # What the writers' `turns` would make of a row: the text before an answer is read once more for each.
        learnt, size = answers(batch), sizes["characters"].astype(np.int64)
        sums = np.cumsum(size)
        counts = np.bincount(owner, minlength=batch.height)
        first = np.cumsum(counts) - counts
        before = sums - np.concatenate((sums - size, [0]))[np.minimum(first, len(sums))][owner] if len(sums) else sums
        last = np.zeros(batch.height, np.int64)
        last[owner[learnt]] = size[learnt]
        columns["learnt"] = summed(one, learnt)
        columns["learnt_characters"] = summed(size, learnt)
        columns["last_characters"] = pl.Series(last.astype(np.uint64))
        columns["expanded_characters"] = summed(before, learnt)
        return pl.DataFrame(columns)

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give a finding on the spread, and one for each bound that is passed; none without rows."""
        rows = sketches.collect().sort("row")
        return [_spread(rows), *_turns(rows), *self._breaches(rows)] if rows.height else []

    def _breaches(self, rows: pl.DataFrame) -> Iterator[Finding]:
        answers, short = int(rows["answers"].sum()), int(rows["short"].sum())
        if answers and short > self.max_short * answers:
            told = f"{short:,} of {answers:,} answers have fewer than {self.short_words} words"
            numbers = {"short": short, "answers": answers, "share": round(short / answers, 4)}
            numbers |= {"short_words": self.short_words, "max_short": self.max_short}
            yield self._finding(
                "lengths-short-answers",
                f"{told}; drop them, or state max_short = 1 if answers are labels",
                numbers,
                rows.filter(pl.col("short") > 0)["row"],
            )
        longest = rows.sort("all_characters", "row", descending=[True, False])
        chars = longest["all_characters"]
        median = quantile(chars, 0.5)
        if self.times_median and median:
            far = longest.filter(pl.col("all_characters") > self.times_median * median)
            if far.height:
                told = f"{_rows(far.height)} over {self.times_median:g} times the median of {median:,} characters"
                numbers = {"rows": far.height, "median": median, "max": int(chars[0]), "times": self.times_median}
                yield self._finding(
                    "lengths-outlier", f"{told}, the longest {chars[0]:,}; look at them", numbers, far["row"]
                )
        if self.max_chars:
            over = longest.filter(pl.col("all_characters") > self.max_chars)
            if over.height:
                told = f"{_rows(over.height)} over {self.max_chars:,} characters; a service may cut or refuse such rows"
                numbers = {"rows": over.height, "max": int(chars[0]), "max_chars": self.max_chars}
                yield self._finding("lengths-too-long", f"{told}; drop them with a length step", numbers, over["row"])
        top, total = rows.height // FEW, int(chars.sum())
        if top and total:
            held = int(chars.head(top).sum()) / total
            if held > self.max_tail:
                told = f"the longest 1 % of the rows ({top:,}) hold {held:.0%} of all characters"
                numbers = {"rows": top, "share": round(held, 4), "max_tail": self.max_tail}
                yield self._finding(
                    "lengths-heavy-tail", f"{told}; they will outweigh the others", numbers, longest["row"].head(top)
                )

    def _finding(self, code: str, message: str, numbers: dict[str, Any], rows: pl.Series) -> Finding:
        return Finding(code, self.level, message, numbers, tuple(int(row) for row in rows.head(SHOWN)))


def _true(mask: pl.Series) -> np.ndarray[Any, Any]:
    return mask.fill_null(False).to_numpy()


def _rows(count: int) -> str:
    return f"{count:,} row{' has' if count == 1 else 's have'}"


def _spread(rows: pl.DataFrame) -> Finding:
    numbers: dict[str, Any] = {"rows": rows.height}
    for measure in _MEASURES:
        values = rows[measure]
        mean = round(int(values.sum()) / rows.height, 1)
        numbers[measure] = {**{name: quantile(values, share) for name, share in _QUANTILES.items()}, "mean": mean}
    whole, spoken, turns = numbers["all_characters"], numbers["assistant_words"], numbers["turns"]
    message = (
        f"half of {rows.height:,} rows have at most {whole['median']:,} characters, 95 % at most {whole['p95']:,}, the "
        f"longest {whole['max']:,}; the median row has {turns['median']:,} turns and {spoken['median']:,} words of the "
        "assistant"
    )
    return Finding("lengths-spread", "info", message, numbers)


def _turns(rows: pl.DataFrame) -> Iterator[Finding]:
    """Compare the ways to write conversations of several answers; nothing is said where there are none."""
    if not (rows["learnt"] > 1).any():
        return
    read, single = int(rows["all_characters"].sum()), rows.filter(pl.col("learnt") == 0)
    lines = int(rows["learnt"].sum()) + single.height
    expanded = int(rows["expanded_characters"].sum()) + int(single["all_characters"].sum())
    learnt, last = int(rows["learnt_characters"].sum()), int(rows["last_characters"].sum())
    numbers: dict[str, Any] = {
        "whole": {"lines": rows.height, "characters": read, "learnt": learnt},
        "last": {"lines": rows.height, "characters": read, "learnt": last},
        "expand": {"lines": lines, "characters": expanded, "learnt": learnt},
    }
    message = (
        f"written whole, {rows.height:,} lines of {read:,} characters, of which {_share(learnt, read)} are learnt; "
        f'with turns = "last" {_share(last, read)}; with turns = "expand" {lines:,} lines of {expanded:,} characters, '
        f"{expanded / max(read, 1):.2f} times the cost"
    )
    yield Finding("lengths-turns", "info", message, numbers)


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.0%}"
