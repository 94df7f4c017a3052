"""Hold the messages of a log until its end is known, then divide them into conversations.

Three things can be known only at the end: which of the stated names are authors, whether the day or the month stands
first, and, as messages may stand in any order, where a pause lies. The texts wait on disk where they are many; about
80 bytes a message stay in memory.

**Where a log is cut**: after an assistant turn that a pause longer than `gap` follows, if then a user writes, or the
assistant writes and the next user is another one. Not after a user turn: the answer that comes hours later belongs to
the question. Nor before what the assistant adds later for the same user ("it is solved now"): it belongs to what was
asked, and as the opening of a conversation it would be left out.

**Privacy**: as for `stitch`, private text must never come here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import xxhash

from ftdata.batch import Batch, Rows, mark, nest
from ftdata.files import private_folder
from ftdata.readers.stitch import MEMORY, Rules, Stitch
from ftdata.readers.times import Instant
from ftdata.spool import Frames

_FLUSH = 16 << 20
_FLUSH_ROWS = 100_000
_AT_ONCE = 256
_LONG = 10_000  # characters: a text that waits for no others
_DAY = 86_400 * 10**6
_TURN_OF_DAY = 3_600 * 10**6  # a clock that falls by more has passed midnight; by less, lines stand out of order
_hash = xxhash.xxh3_64_intdigest
_ORDERLY = 9  # newest first: so many times more steps back than forward

_TEXTS = pl.Schema({"key": pl.String(), "text": pl.String(), "meta": pl.String()})
_NUMBERS = pl.Schema(
    {
        "record": pl.UInt64(),
        "lines": pl.UInt32(),
        "key": pl.UInt64(),
        "words": pl.UInt64(),
        "who": pl.UInt64(),
        "by_day": pl.Int64(),
        "by_month": pl.Int64(),
        "bare": pl.Boolean(),
        "uncut": pl.Boolean(),
        "role": pl.Categorical(),
        "name": pl.Int32(),
    }
)


class Undecided(Exception):
    """Say that the cuts depend on whether the day or the month stands first, which the log does not tell."""


class Log:
    """Gather messages with `add`, in file order; take the conversations from `batches`.

    `scratch` is the folder for texts that do not fit in `memory` characters (default `MEMORY`); None keeps all. `timed`
    says whether any message has a time.
    """

    def __init__(self, scratch: Path | None = None, *, memory: int | None = None) -> None:
        self._scratch, self._memory = scratch, MEMORY if memory is None else memory
        self._waiting: list[tuple[Any, ...]] = []
        self._texts: list[list[Any]] = [[] for _ in _TEXTS]
        self._numbers: list[list[Any]] = [[] for _ in _NUMBERS]
        self._held: list[pl.DataFrame | Frames] = []
        self._frames: list[pl.DataFrame] = []
        self._size = self._inside = 0
        self.timed = False
        self._folder: Path | None = None

    def add(
        self,
        record: int,
        key: str,
        role: str,
        text: str,
        *,
        lines: int = 1,
        author: str = "",
        name: int | None = None,
        at: Instant | None = None,
        bare: bool = False,
        uncut: bool = False,
        meta: str | None = None,
    ) -> None:
        """Take a message that owns `lines` records from `record` on; a pause before it does not count if `uncut`.

        `role` is `user`, `assistant`, or a reason to leave it out; `name` counts before it: the number of a name whose
        role is told to `batches`. `at` is its time, counted from midnight if it is `bare` of a date.
        """
        self._waiting.append((record, key, role, text, lines, author, name, at, bare, uncut, meta))
        self.timed = self.timed or at is not None
        if len(self._waiting) >= _AT_ONCE or len(text) >= _LONG:
            self.extend([])

    def extend(self, messages: Sequence[tuple[Any, ...]]) -> None:
        """Take many messages at once: each a tuple of what `add` takes, in its order."""
        if self._waiting:
            messages, self._waiting = [*self._waiting, *messages], []
        if not messages:
            return
        # Columns at once: an `append` to each of fourteen lists, for each message, takes three times as long.
        record, key, role, text, lines, author, name, at, bare, uncut, meta = zip(*messages, strict=True)
        by_day, by_month = zip(*[one or (None, None) for one in at], strict=True)
        self.timed = self.timed or any(one is not None for one in at)
        words = [_hash(one.encode()) for one in text]
        numbers = (
            record,
            lines,
            self._coded(key),
            words,
            self._coded(author),
            by_day,
            by_month,
            bare,
            uncut,
            role,
            name,
        )
        for column, values in zip(self._numbers, numbers, strict=True):
            column.extend(values)
        for column, values in zip(self._texts, (key, text, meta), strict=True):
            column.extend(values)
        self._size += sum(map(len, text)) + sum(map(len, key)) + sum(len(one) for one in meta if one)
        if self._size >= _FLUSH or len(self._texts[0]) >= _FLUSH_ROWS:
            self._flush()

    def _coded(self, names: Sequence[str]) -> list[int]:
        """Give the hashes of names, of which there are few."""
        codes = {name: _hash(name.encode()) for name in set(names)}
        return [codes[name] for name in names]

    def _flush(self) -> None:
        self.extend([])
        self._frames.append(_frame(_NUMBERS, self._numbers))
        self._numbers = [[] for _ in _NUMBERS]
        texts = _frame(_TEXTS, self._texts)
        self._texts = [[] for _ in _TEXTS]
        self._inside += self._size
        self._size = 0
        self._held.append(texts)
        if self._scratch is not None and self._inside > self._memory:
            if self._folder is None:
                self._folder = private_folder(self._scratch / f"log-{uuid4().hex[:12]}")
            self._held = [self._put(part) if isinstance(part, pl.DataFrame) else part for part in self._held]
            self._inside = 0

    def _put(self, texts: pl.DataFrame) -> Frames:
        assert self._folder is not None
        frames = Frames(self._folder / uuid4().hex)
        frames.append(texts)
        return frames.close()

    def close(self) -> None:
        """Remove the scratch files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def batches(
        self,
        rules: Rules,
        *,
        gap: int | None = None,
        day_first: bool | None = None,
        names: Sequence[str | None] = (),
        mixed: bool = False,
        flags: Mapping[str, Sequence[int]] | None = None,
    ) -> Iterator[Batch]:
        """Give the rows: those of `Stitch`, and one for each message whose role is a reason.

        `gap` in microseconds (None: no cut); `day_first` None: nobody knows; `names` gives the role of each numbered
        name, None for that of its message; `flags` the records whose conversation gets a flag; `mixed` asks for the
        flag `several-users`, where more than one user writes. Raises `Undecided`.
        """
        self._flush()
        log = _settled(pl.concat(self._frames), rules.timed, gap, day_first, names)
        self._frames = []
        marked: dict[str, Any] = {
            **(flags or {}),
            **({"several-users": _mixed(log)} if mixed else {}),
            "unparsed-time": log["record"].filter(log["filled"]).to_numpy(),
        }
        records, lines = log["record"].to_numpy(), log["lines"].to_numpy()
        stitch, out, begin = Stitch(rules, self._scratch), Rows(), 0
        try:
            while self._held:
                part = self._held.pop(0)
                texts = part if isinstance(part, pl.DataFrame) else pl.concat(part)
                turns = log.slice(begin, texts.height).select("record", "lines", "role", "cut", "by_day", "by_month")
                begin += texts.height
                speaks = turns["role"].is_in(["user", "assistant"])
                spoken = turns.hstack(texts).filter(speaks)
                key = pl.format("{}:{}", "cut", "key")
                stitch.extend(spoken.with_columns(key=key))
                for record, count, role in turns.filter(~speaks).select("record", "lines", "role").iter_rows():
                    out.add(range(record, record + count), drop=role)
                    if out.full:
                        yield out.batch()
            if len(out):
                yield out.batch()
            for batch in stitch.batches(day_first):
                yield _widened(flagged(batch, marked), records, lines)
        finally:
            stitch.close()


def _frame(schema: pl.Schema, columns: list[list[Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [pl.Series(name, values, kind) for (name, kind), values in zip(schema.items(), columns, strict=True)]
    )


def _settled(
    log: pl.DataFrame, timed: bool, gap: int | None, day_first: bool | None, names: Sequence[str | None]
) -> pl.DataFrame:
    """Give the messages in file order with their roles, times that are whole, and the number of their cut."""
    known = pl.Series([*names, None], dtype=pl.String)
    told = known.gather(log["name"].fill_null(len(names)).cast(pl.UInt32))
    log = log.with_columns(role=pl.select(pl.coalesce(told, log["role"].cast(pl.String))).to_series())
    log = log.with_columns(filled=pl.lit(False), cut=pl.lit(0, pl.UInt32), turn=pl.col("role") == "assistant")
    if not timed or not log.height:
        return log
    log = _dated(log)
    speaking = log.filter(pl.col("role").is_in(["user", "assistant"]))
    speaking = _in_order(speaking, "by_month" if day_first is False else "by_day")
    ways = ["by_month" if day_first is False else "by_day"]
    if day_first is None and (speaking["by_day"] != speaking["by_month"]).any():
        ways = ["by_day", "by_month"]
    if gap is not None:
        cuts = [_cuts(speaking, way, gap) for way in ways]
        if not cuts[0].equals(cuts[-1]):
            raise Undecided
        speaking = speaking.with_columns(cut=cuts[0])
    fresh = speaking.select("record", "by_day", "by_month", "filled", "cut")
    return (
        log.drop("by_day", "by_month", "filled", "cut")
        .join(fresh, on="record", how="left", maintain_order="left")
        .with_columns(pl.col("filled").fill_null(False), pl.col("cut").fill_null(0))
    )


def _dated(log: pl.DataFrame) -> pl.DataFrame:
    """Give clocks without a date their day: each time the clock falls by more than an hour, a new one begins.

    A log whose clock falls more often than it rises is taken from its end. In a log with dates a bare clock is no time.
    """
    if not log["bare"].any():
        return log
    if not log["bare"].all() or log["by_day"].null_count() == log.height:
        undated = (pl.when("bare").then(None).otherwise(pl.col(way)).alias(way) for way in ("by_day", "by_month"))
        return log.with_columns(undated)
    times = log["by_day"].forward_fill().backward_fill().to_numpy()
    steps = np.diff(times)
    backwards = int((steps < 0).sum()) > int((steps > 0).sum())
    if backwards:
        steps = -steps[::-1]
    days = np.concatenate(([0], np.cumsum(steps < -_TURN_OF_DAY)))
    days = days[::-1] if backwards else days
    moved = log["by_day"] + pl.Series(days.astype(np.int64)) * _DAY
    return log.with_columns(by_day=moved, by_month=moved)


def _in_order(log: pl.DataFrame, way: str) -> pl.DataFrame:
    """Give a message without a time that of the one before it, and turn round equal times of a log newest first.

    What stands later in such a log was said earlier: equal minutes in file order would put answers before questions.
    """
    step = log.select(pl.col(way).diff().over("key")).to_series()
    back, forth = int((step < 0).sum()), int((step > 0).sum())
    newest_first = back > 0 and back >= _ORDERLY * forth
    missing = log["by_day"].is_null()
    ways = ("by_day", "by_month")
    if missing.any():

        def near(column: str) -> pl.Expr:
            before, after = pl.col(column).forward_fill(), pl.col(column).backward_fill()
            return (after.fill_null(before) if newest_first else before.fill_null(after)).over("key")

        log = log.with_columns(near(column) for column in ways)
        log = log.with_columns(filled=missing & log["by_day"].is_not_null())
    if newest_first:
        # What is said twice at one moment keeps one time, by which `Stitch` knows it.
        same = pl.col("record").max().over("key", "by_day", "role", "words")
        log = log.with_columns(said=same)
        late = pl.col("said").rank("dense", descending=True).over("key", "by_day").cast(pl.Int64) - 1
        log = log.with_columns(pl.col(column) + late for column in ways)
    return log


def _cuts(log: pl.DataFrame, way: str, gap: int) -> pl.Series:
    """Number the conversations of each key, by the pauses between its messages."""
    said, answered = pl.col("turn").not_(), pl.col("turn").shift(1).over("key")
    pause = pl.col(way).diff().over("key")
    user = pl.when(said).then("who")
    others = user.forward_fill().over("key") != user.backward_fill().over("key")
    cut = (answered & (pause > gap) & (said | others) & pl.col("uncut").not_()).fill_null(False)
    ordered = log.sort("key", way, "record").select("record", cut=cut)
    ordered = ordered.with_columns(pl.col("cut").cum_sum().cast(pl.UInt32))
    return ordered.sort("record")["cut"]


def _mixed(log: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Give the records of users in conversations in which another user writes too."""
    users = log.filter(pl.col("role") == "user")
    return users.filter(pl.col("who").n_unique().over("key", "cut") > 1)["record"].to_numpy()


def flagged(batch: Batch, flags: Mapping[str, Any]) -> Batch:
    """Give the live rows that own one of the records listed under a flag this flag."""
    owners = np.repeat(np.arange(batch.height), batch["origin"].list.len().to_numpy())
    owned = batch["origin"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    for flag, records in flags.items():
        if len(records):
            hit = np.zeros(batch.height, dtype=bool)
            hit[owners[np.isin(owned, np.asarray(records, np.uint64))]] = True
            batch = mark(batch, hit & batch["drop"].is_null().to_numpy(), flag=flag)
    return batch


def _widened(batch: Batch, records: np.ndarray[Any, Any], lines: np.ndarray[Any, Any]) -> Batch:
    """Let each row own all the lines of its messages."""
    if (lines == 1).all():
        return batch
    owned = batch["origin"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    counts = lines[np.searchsorted(records, owned)].astype(np.int64)
    ends = np.cumsum(counts)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
    flat = np.repeat(owned.astype(np.int64), counts) + within
    rows = np.cumsum(batch["origin"].list.len().to_numpy(), dtype=np.int64)
    bounds = np.concatenate((np.zeros(1, np.int64), ends))[np.concatenate((np.zeros(1, np.int64), rows))]
    return batch.with_columns(origin=nest(pl.Series("origin", flat, pl.UInt64), bounds))
