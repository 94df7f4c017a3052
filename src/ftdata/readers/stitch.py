"""Stitch numbered messages into conversations, in memory that does not grow with the file.

Messages may come in any order; those of one key need not be adjacent. They are partitioned by a stable hash of the key
into scratch files, grouped part by part, and given out in the order of the first record that each row owns. Order and
bytes are the same whether everything fitted in memory or not.

**Privacy**: whoever calls `add` has passed the privacy gate. Private text must never come here, because what comes here
may reach the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import uuid4

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

from ftdata.batch import ROWS, TEXT, Batch, make_batch, messages_column, nest
from ftdata.files import create, private_folder

MEMORY = 64 << 20
"""Characters of text that are held before anything goes to disk."""
_FLUSH = 16 << 20  # characters of text gathered before they are handed to the partitions
_FLUSH_ROWS = 100_000
_PARTS = 64
_OLDEST = pl.CompatLevel.oldest()  # Arrow's plain layout: a slice of it is written without the rest of its buffer

_MESSAGE = pl.Schema(
    {
        "record": pl.UInt64(),
        "key": pl.String(),
        "role": pl.String(),
        "by_day": pl.Int64(),
        "by_month": pl.Int64(),
        "text": pl.String(),
        "meta": pl.String(),
        "title": pl.String(),
        "parent": pl.UInt64(),
    }
)


@dataclass(frozen=True)
class Rules:
    """How messages become a conversation.

    Consecutive turns of one role are joined with `join` (None: they stay apart). A conversation begins with its first
    user turn (`greeting`: with what the assistant said before it) and ends with its last assistant turn. `timed`: the
    messages carry a time, so one without is worth a flag.
    """

    join: str | None = "\n\n"
    timed: bool = True
    flags: tuple[str, ...] = ()
    greeting: bool = False


Finish: TypeAlias = Callable[[pl.DataFrame, Rules, bool | None], pl.DataFrame]


class Stitch:
    """Gather messages with `add`, then take the conversations from `batches`.

    Rows that come out: conversations (flags `unparsed-time` where a time is missing and file order was kept,
    `ambiguous-time` where day and month could not be told apart and the order depends on it), and, without text, rows
    dropped as `leading-agent` (before the first user turn, unless `greeting`), `trailing-user` (after the last answer),
    `no-assistant`, `no-user`, `no-answer` (no assistant turn follows a user turn), `repeated-message` (time, role and
    text of another).

    `scratch` is the folder for partition files; None keeps everything in memory. `memory` is the number of characters
    that are held before they go to disk (default `MEMORY`). `finish` makes the rows of whole conversations, where they
    are more than messages in a row: `ftdata.readers.replies.finish`.
    """

    def __init__(
        self,
        rules: Rules,
        scratch: Path | None = None,
        *,
        memory: int | None = None,
        parts: int = _PARTS,
        finish: Finish | None = None,
    ) -> None:
        self._rules, self._scratch, self._count = rules, scratch, parts
        self._finish = finish or _conversations
        self._memory = MEMORY if memory is None else memory
        self._columns: list[list[Any]] = [[] for _ in _MESSAGE]
        self._text = self._held = 0
        self._frames: list[pl.DataFrame] = []
        self._parts: _Parts | None = None

    def add(
        self,
        record: int,
        key: str,
        role: str,
        text: str,
        *,
        time: tuple[int, int] | None = None,
        meta: str | None = None,
        title: str | None = None,
        parent: int | None = None,
    ) -> None:
        """Take a message: role `user` or `assistant`; `time` in microseconds with the day and with the month first.

        `meta` and `title` count where the message becomes the first turn: its `meta` is the conversation's, its `title`
        is put above its text. `parent` is the record of the message that it answers, for `finish`.
        """
        record_, key_, role_, by_day, by_month, text_, meta_, title_, parent_ = self._columns
        record_.append(record)
        key_.append(key)
        role_.append(role)
        by_day.append(None if time is None else time[0])
        by_month.append(None if time is None else time[1])
        text_.append(text)
        meta_.append(meta)
        title_.append(title)
        parent_.append(parent)
        self._text += len(text) + len(meta or "") + len(key)
        if self._text >= _FLUSH or len(record_) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._columns[0]:
            return
        frame = pl.DataFrame(
            [
                pl.Series(name, values, dtype)
                for (name, dtype), values in zip(_MESSAGE.items(), self._columns, strict=True)
            ]
        )
        self._columns = [[] for _ in _MESSAGE]
        self._take(frame, self._text)
        self._text = 0

    def extend(self, messages: pl.DataFrame) -> None:
        """Take many messages at once: columns named as the parameters of `add`, `by_day` and `by_month` for `time`.

        A column that is not there is null.
        """
        self._flush()
        if messages.height:
            sizes = messages.select(pl.col("text", "meta", "key").str.len_chars().sum())
            known = (
                (pl.col(name) if name in messages.columns else pl.lit(None)).cast(kind).alias(name)
                for name, kind in _MESSAGE.items()
            )
            self._take(messages.select(known), sum(sizes.row(0)))

    def _take(self, frame: pl.DataFrame, size: int) -> None:
        self._held += size
        self._frames.append(frame)
        if self._scratch is not None and (self._parts is not None or self._held > self._memory):
            if self._parts is None:
                self._parts = _Parts(private_folder(self._scratch / f"stitch-{uuid4().hex[:12]}"), self._count)
            for held in self._frames:
                self._parts.put(held)
            self._frames = []

    def batches(self, day_first: bool | None = None) -> Iterator[Batch]:
        """Give the rows, in the order of the first record that each owns. `day_first` None: nobody knows."""
        self._flush()
        if self._parts is None:
            frame = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=_MESSAGE)
            self._frames = []
            rows = self._finish(frame, self._rules, day_first)
            del frame
            firsts, sizes = _measure(rows)
            for low, high in _windows(firsts, sizes):
                yield rows.slice(low, high - low).drop("first")
            return
        with self._parts as parts:
            firsts, sizes = parts.finish(self._finish, self._rules, day_first)
            order = np.argsort(firsts, kind="stable")
            firsts, sizes = firsts[order], sizes[order]
            limits = [int(firsts[high - 1]) for _, high in _windows(firsts, sizes)]
            yield from parts.merge(limits)

    def close(self) -> None:
        """Remove the scratch files, should `batches` not have been exhausted."""
        if self._parts is not None:
            self._parts.__exit__()


class _Parts:
    """The partition files: messages in, by hash of the key; finished rows out, in order."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._stack = ExitStack()
        self._files = [_Stream(self._stack, folder / f"messages-{i:03d}") for i in range(count)]
        self._rows: list[_Stream] = []

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def put(self, frame: pl.DataFrame) -> None:
        keys = frame["key"].to_list()
        part = pl.Series("part", [xxhash.xxh3_64_intdigest(key.encode()) % self._count for key in keys], pl.UInt16)
        for (number,), piece in (
            frame.with_columns(part).partition_by("part", as_dict=True, include_key=False, maintain_order=True).items()
        ):
            self._files[number].write(piece)

    def finish(
        self, made: Finish, rules: Rules, day_first: bool | None
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Turn each part into finished rows; give the first record and the text size of each row."""
        firsts, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for i, messages in enumerate(self._files):
            pieces = list(messages.read())
            messages.remove()
            if not pieces:
                continue
            rows = made(pl.concat(pieces), rules, day_first)
            del pieces
            first, size = _measure(rows)
            firsts.append(first)
            sizes.append(size)
            stream = _Stream(self._stack, self._folder / f"rows-{i:03d}")
            for low, high in _windows(first, size, ROWS // 16, TEXT // 32):
                stream.write(rows.slice(low, high - low))
            self._rows.append(stream)
        return np.concatenate(firsts), np.concatenate(sizes)

    def merge(self, limits: list[int]) -> Iterator[Batch]:
        """Give batches: one for each limit, holding the rows up to it."""
        streams = [stream.read() for stream in self._rows]
        heads: list[pl.DataFrame | None] = [next(stream, None) for stream in streams]
        for limit in limits:
            pieces = []
            for i, stream in enumerate(streams):
                while (head := heads[i]) is not None:
                    upto = int(head["first"].search_sorted(limit, "right"))
                    if upto:
                        pieces.append(head.slice(0, upto))
                    if upto < head.height:
                        heads[i] = head.slice(upto)
                        break
                    heads[i] = next(stream, None)
            yield pl.concat(pieces).sort("first").drop("first")


class _Stream:
    """One scratch file: frames written one after the other, read back one by one."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._stack, self._path = stack, path
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        table = frame.to_arrow(compat_level=_OLDEST)
        if self._writer is None:
            self._file = self._stack.enter_context(create(self._path))
            self._writer = pa.ipc.new_stream(self._file, table.schema)
        self._writer.write_table(table)

    def read(self) -> Iterator[pl.DataFrame]:
        if self._writer is None:
            return
        if self._file is not None:
            self._writer.close()
            self._file.close()
            self._file = None
        with pa.OSFile(str(self._path)) as source, pa.ipc.open_stream(source) as stream:
            for piece in stream:
                yield pl.DataFrame(pl.from_arrow(piece))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _measure(rows: pl.DataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    size = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
    sizes = rows.select(size.fill_null(0).cast(pl.Int64) + pl.col("meta").str.len_chars().fill_null(0).cast(pl.Int64))
    return rows["first"].to_numpy(), sizes.to_series().to_numpy()


def _windows(
    firsts: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any], rows: int = ROWS, text: int = TEXT
) -> Iterator[tuple[int, int]]:
    """Cut rows into batches of at most `rows` rows and `text` characters (a larger row stands alone)."""
    sums = np.concatenate(([0], np.cumsum(sizes)))
    low = 0
    while low < len(firsts):
        high = min(low + rows, int(np.searchsorted(sums, sums[low] + text, "right")) - 1)
        high = max(high, low + 1)
        yield low, high
        low = high


def _order(frame: pl.DataFrame, rules: Rules, day_first: bool | None) -> tuple[pl.DataFrame, pl.Expr]:
    """Sort the messages: by conversation, in it by time, then by record; give the flags of each one's conversation."""
    frame = frame.with_columns(first=pl.col("record").min().over("key"))
    missing = (pl.col("by_day").is_null().any().over("first") & pl.lit(rules.timed)).alias("missing")
    if day_first is None and (frame["by_day"] != frame["by_month"]).any():
        # The column does not tell: keep the order where both readings agree on it, else that of the file.
        by_day, by_month = (pl.struct(at, "record").rank("ordinal").over("first") for at in ("by_day", "by_month"))
        split = (by_day != by_month).any().over("first")
        frame = frame.with_columns(missing, unclear=split)
    else:
        frame = frame.with_columns(missing, unclear=pl.lit(False))
    frame = frame.with_columns(unclear=pl.col("unclear") & ~pl.col("missing"))
    at = pl.col("by_month" if day_first is False else "by_day")
    anyhow = pl.col("by_day").is_null().any().over("first") | pl.col("unclear")
    frame = frame.with_columns(at=pl.when(anyhow).then(0).otherwise(at)).sort("first", "at", "record")
    flags = pl.concat_list(
        pl.lit(list(rules.flags), pl.List(pl.String)),
        pl.when("missing")
        .then(pl.lit(["unparsed-time"], pl.List(pl.String)))
        .otherwise(pl.lit([], pl.List(pl.String))),
        pl.when("unclear")
        .then(pl.lit(["ambiguous-time"], pl.List(pl.String)))
        .otherwise(pl.lit([], pl.List(pl.String))),
    )
    return frame, flags


def _conversations(frame: pl.DataFrame, rules: Rules, day_first: bool | None) -> pl.DataFrame:
    """Give the finished rows of whole conversations, with `first`, sorted by it."""
    if not frame.height:
        return make_batch(0, {}).with_columns(first=pl.Series([], dtype=pl.UInt64))
    frame, flags = _order(frame, rules, day_first)
    pieces = []
    # An export that holds a ticket twice says everything twice: one role cannot write one text twice at one moment.
    again = ~pl.struct("first", "by_day", "role", "text").is_first_distinct() & pl.col("by_day").is_not_null()
    repeated = frame.select(again).to_series()
    if repeated.any():
        twice = frame["record"].filter(repeated)
        told = pl.repeat("repeated-message", len(twice), dtype=pl.String, eager=True)
        pieces.append(_dropped(twice, np.arange(len(twice) + 1), told))
        frame = frame.filter(~repeated)
    group = frame["first"].rle_id().to_numpy()
    count = int(group[-1]) + 1
    asks = (frame["role"] == "user").to_numpy()
    position = np.arange(len(group))
    far = len(group)
    begin = np.full(count, far)
    np.minimum.at(begin, group[asks], position[asks])
    end = np.full(count, -1)
    np.maximum.at(end, group[~asks], position[~asks])
    whole = end > begin  # an answer follows a question
    kept = whole[group] & (rules.greeting | (position >= begin[group])) & (position <= end[group])
    if kept.any():
        pieces.append(_whole(frame.filter(pl.Series(kept)), rules, flags))
    loose = whole[group] & ~kept
    if loose.any():
        reason = np.where(position[loose] < begin[group[loose]], "leading-agent", "trailing-user")
        records = frame["record"].filter(pl.Series(loose))
        pieces.append(
            _dropped(records, np.arange(len(records) + 1), pl.Series("drop", reason.astype(object), pl.String))
        )
    broken = ~whole[group]
    if broken.any():
        which = np.flatnonzero(~whole)
        reasons = np.where(end[which] < 0, "no-assistant", np.where(begin[which] == far, "no-user", "no-answer"))
        part = frame.filter(pl.Series(broken)).sort("first", "record")
        offsets = np.concatenate(([0], np.cumsum(np.bincount(group[broken], minlength=count)[which])))
        pieces.append(_dropped(part["record"], offsets, pl.Series("drop", reasons.astype(object), pl.String)))
    return pl.concat(pieces).sort("first")


def _dropped(records: pl.Series, offsets: np.ndarray[Any, Any], reasons: pl.Series) -> pl.DataFrame:
    rows = len(reasons)
    empty = messages_column({}, np.zeros(rows + 1, np.int64))
    columns = {"origin": nest(records, offsets), "messages": empty, "drop": reasons, **_blank(rows)}
    return make_batch(rows, columns).with_columns(first=records.gather(offsets[:-1]))


def _blank(rows: int) -> dict[str, pl.Series]:
    return {"row": pl.zeros(rows, pl.UInt64, eager=True), "id": pl.repeat("", rows, dtype=pl.String, eager=True)}


def _whole(kept: pl.DataFrame, rules: Rules, flags: pl.Expr) -> pl.DataFrame:
    group = kept["first"].rle_id()
    starts = np.flatnonzero(np.diff(group.to_numpy(), prepend=-1))
    rows = len(starts)
    if kept["title"].null_count() < kept.height:
        opening = np.zeros(kept.height, dtype=bool)
        opening[starts] = True
        titled = pl.concat_str("title", "text", separator=rules.join or "\n\n")
        kept = kept.with_columns(
            text=pl.when(pl.Series(opening) & pl.col("title").is_not_null()).then(titled).otherwise("text")
        )
    turns = kept.select("role", "text", turn=pl.struct("first", "role").rle_id())
    if rules.join is not None and turns["turn"].n_unique() < turns.height:
        turns = (
            turns.with_columns(conversation=group)
            .group_by("turn", maintain_order=True)
            .agg(pl.col("role").first(), pl.col("text").str.join(rules.join), pl.col("conversation").first())
        )
        group_of_turn = turns["conversation"].to_numpy()
    else:
        group_of_turn = group.to_numpy()
    offsets = np.concatenate(([0], np.cumsum(np.bincount(group_of_turn, minlength=rows))))
    owned = kept.select("first", "record").sort("first", "record")["record"]
    bounds = np.append(starts, kept.height)
    columns = {
        "origin": nest(owned, bounds),
        "messages": messages_column({"role": turns["role"], "content": turns["text"]}, offsets),
        "meta": kept["meta"].gather(starts),
        "flags": kept.select(flags.alias("flags"))["flags"].gather(starts),
        **_blank(rows),
    }
    return make_batch(rows, columns).with_columns(first=owned.gather(starts))
