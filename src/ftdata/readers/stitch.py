"""Stitch numbered messages into conversations, in memory that does not grow with the file.

Messages may come in any order; those of one key need not be adjacent. They are partitioned by a stable hash of the key
into scratch files, grouped part by part, and given out in the order of the first record that each row owns. Order and
bytes are the same whether everything fitted in memory or not.

**Privacy**: whoever calls `add` has passed the privacy gate. Private text must never come here, because what comes here
may reach the disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias
from uuid import uuid4

import numpy as np
import polars as pl
import pyarrow as pa

from ftdata.batch import ROWS, TEXT, Batch, make_batch, messages_column, nest
from ftdata.files import create, private_folder

_Numbers: TypeAlias = np.ndarray[Any, Any]

MEMORY = 40 << 20
"""Characters of text that are held before anything goes to disk."""
_FLUSH = 16 << 20  # characters of text gathered before they are handed to the partitions
_FLUSH_ROWS = 100_000
_PARTS = 64
_OLDEST = pl.CompatLevel.oldest()  # Arrow's plain layout: a slice of it is written without the rest of its buffer

_MESSAGE = pl.Schema(
    {
        "record": pl.UInt64(),
        "key": pl.UInt64(),
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
                coded(values) if name == "key" else pl.Series(name, values, dtype)
                for (name, dtype), values in zip(_MESSAGE.items(), self._columns, strict=True)
            ]
        )
        self._columns = [[] for _ in _MESSAGE]
        self._take(frame, self._text)
        self._text = 0

    def extend(self, messages: pl.DataFrame) -> None:
        """Take many messages at once: columns named as the parameters of `add`, `by_day` and `by_month` for `time`.

        `key` is a number here, of the caller's own (`add` makes other ones). A column that is not there is null.
        """
        self._flush()
        if messages.height:
            size = sum(int(messages[name].str.len_bytes().sum() or 0) for name in ("text", "meta"))
            known = [
                messages[name] if name in messages.columns else pl.repeat(None, messages.height, dtype=kind, eager=True)
                for name, kind in _MESSAGE.items()
            ]
            self._take(pl.DataFrame([one.alias(name) for one, name in zip(known, _MESSAGE, strict=True)]), size)

    def _take(self, frame: pl.DataFrame, size: int) -> None:
        self._held += size
        self._frames.append(frame)
        if self._scratch is not None and (self._parts is not None or self._held > self._memory):
            if self._parts is None:
                self._parts = _Parts(private_folder(self._scratch / f"stitch-{uuid4().hex[:12]}"), self._count)
            while self._frames:
                self._parts.put(self._frames.pop(0))

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
        part = (frame["key"].hash() % self._count).cast(pl.UInt16).alias("part")
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


def coded(keys: Sequence[str]) -> pl.Series:
    """Give the hashes of keys (64 bits each)."""
    return pl.Series("key", keys, pl.String).hash()


class _Order(NamedTuple):
    """Messages in the order in which they were said, conversation by conversation: their places in the frame, the
    number of each one's conversation, and of each conversation whether a time is missing, or the order unclear."""

    at: _Numbers
    group: _Numbers
    missing: _Numbers
    unclear: _Numbers


def _order(frame: pl.DataFrame, rules: Rules, day_first: bool | None) -> _Order:
    """Sort the messages: by conversation, in it by time, then by record."""
    record = frame["record"].to_numpy()
    key = frame.select(pl.col("record").min().over("key")).to_series().to_numpy()
    place = np.arange(len(record))
    if (record[1:] < record[:-1]).any():
        place = np.lexsort((record, key))
    elif (key[1:] < key[:-1]).any():
        place = np.argsort(key, kind="stable")
    first = key[place]
    new = np.concatenate(([True], first[1:] != first[:-1]))
    group, starts = np.cumsum(new) - 1, np.flatnonzero(new)
    null = frame["by_day"].is_null().to_numpy()[place]
    by_day, by_month = (frame[way].fill_null(0).to_numpy()[place] for way in ("by_day", "by_month"))
    anyhow = np.logical_or.reduceat(null, starts) if null.any() else np.zeros(len(starts), dtype=bool)
    missing, unclear = anyhow & rules.timed, np.zeros(len(starts), dtype=bool)
    if day_first is None and (by_day != by_month)[~null].any():
        # The column does not tell: keep the order where both readings agree on it, else that of the file.
        split = np.lexsort((place, by_day, group)) != np.lexsort((place, by_month, group))
        unclear = np.logical_or.reduceat(split, starts) & ~anyhow
    at = np.where((anyhow | unclear)[group], 0, by_month if day_first is False else by_day)
    if ((at[1:] < at[:-1]) & ~new[1:]).any():
        place = place[np.lexsort((np.arange(len(at)), at, group))]
    return _Order(place, group, missing, unclear)


def _repeated(frame: pl.DataFrame, order: _Order) -> _Numbers:
    """Say which messages say again what was said (by places in `order`).

    An export that holds a ticket twice says everything twice: one role cannot write one text twice at one moment.
    """
    again = np.zeros(frame.height, dtype=bool)
    # Hashes first: there are hardly ever two alike.
    mixed = frame["text"].hash().to_numpy()[order.at] ^ (order.group.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mixed ^= frame["by_day"].fill_null(0).to_numpy().view(np.uint64)[order.at] * np.uint64(0xC2B2AE3D27D4EB4F)
    alike = np.sort(mixed)
    alike = alike[1:][alike[1:] == alike[:-1]]
    if len(alike):
        some = np.flatnonzero(np.isin(mixed, alike))
        found = frame.select("by_day", "role", "text")[order.at[some]]
        found = found.with_columns(group=pl.Series(order.group[some]))
        twice = ~pl.struct("group", "by_day", "role", "text").is_first_distinct() & pl.col("by_day").is_not_null()
        again[some] = found.select(twice).to_series().to_numpy()
    return again


_REASONS = ("no-assistant", "no-user", "no-answer", "leading-agent", "trailing-user", "repeated-message", None)
_KEPT = len(_REASONS) - 1


def _conversations(frame: pl.DataFrame, rules: Rules, day_first: bool | None) -> pl.DataFrame:
    """Give the finished rows of whole conversations, with `first`, sorted by it."""
    if not frame.height:
        return make_batch(0, {}).with_columns(first=pl.Series([], dtype=pl.UInt64))
    order = _order(frame, rules, day_first)
    group, count = order.group, len(order.missing)
    asks = (frame["role"] == "user").to_numpy()[order.at]
    again = _repeated(frame, order)
    position = np.arange(len(group))
    begin, end = np.full(count, len(group)), np.full(count, -1)
    np.minimum.at(begin, group[asks & ~again], position[asks & ~again])
    np.maximum.at(end, group[~asks & ~again], position[~asks & ~again])
    why = np.where(end < 0, 0, np.where(begin == len(group), 1, np.where(end > begin, _KEPT, 2)))[group]
    whole = why == _KEPT  # an answer follows a question
    if not rules.greeting:
        why[whole & (position < begin[group])] = 3
    why[whole & (position > end[group])] = 4
    why[again] = 5
    # What stays of a conversation is a row, and each message that is left out of it; a broken one is a row.
    alone = (why >= 3) & (why < _KEPT)
    row = np.where(alone, count + position, group)
    record = frame["record"].to_numpy()[order.at]
    first = np.full(count + len(group), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(first, row, record)
    used = np.zeros(len(first), dtype=bool)
    used[row] = True
    rows = np.flatnonzero(used)
    rows = rows[np.argsort(first[rows], kind="stable")]
    rank = np.empty(len(first), dtype=np.int64)
    rank[rows] = np.arange(len(rows))
    row = rank[row]
    origin = record[np.lexsort((record, row))]
    reason = np.empty(len(rows), dtype=np.uint32)
    reason[row] = why
    state = np.zeros(len(rows), dtype=np.uint32)
    state[row] = np.where(why == _KEPT, 1 + order.missing[group] + 2 * order.unclear[group], 0)
    told = [()] + [(*rules.flags, *("unparsed-time",) * (n & 1), *("ambiguous-time",) * (n >> 1)) for n in range(4)]
    kept = np.flatnonzero(why == _KEPT)
    if (row[kept][1:] < row[kept][:-1]).any():
        kept = kept[np.argsort(row[kept], kind="stable")]
    messages, meta = _turns(frame, rules, order.at[kept], asks[kept], row[kept], len(rows))
    columns = {
        "row": pl.zeros(len(rows), pl.UInt64, eager=True),
        "id": pl.repeat("", len(rows), dtype=pl.String, eager=True),
        "origin": nest(pl.Series(origin), _ends(row, len(rows))),
        "messages": messages,
        "meta": meta,
        "flags": pl.Series(told, dtype=pl.List(pl.String)).gather(pl.Series(state)),
        "drop": pl.Series(_REASONS, dtype=pl.String).gather(pl.Series(reason)),
    }
    return make_batch(len(rows), columns).with_columns(first=pl.Series(first[rows]))


def _ends(row: _Numbers, rows: int) -> _Numbers:
    """Give the offsets of rows by the row that each element belongs to."""
    return np.concatenate(([0], np.cumsum(np.bincount(row, minlength=rows))))


def _turns(
    frame: pl.DataFrame, rules: Rules, at: _Numbers, asks: _Numbers, row: _Numbers, rows: int
) -> tuple[pl.Series, pl.Series]:
    """Give the turns of the rows and their meta: messages of these places in the frame, with the row of each."""
    text = frame["text"].gather(pl.Series(at))
    opens = np.diff(row, prepend=-1) != 0
    if frame["title"].null_count() < frame.height:
        title = frame["title"].gather(pl.Series(at))
        titled = pl.concat_str(title, text, separator=rules.join or "\n\n")
        text = pl.select(pl.when(pl.Series(opens) & title.is_not_null()).then(titled).otherwise(text)).to_series()
    meta = np.full(rows, -1)
    meta[row[opens]] = at[opens]
    if rules.join is not None:
        turns = np.flatnonzero(opens | (np.diff(asks, prepend=False) != 0))
        if len(turns) < len(row):
            text = nest(text, np.append(turns, len(row))).list.join(rules.join)
            asks, row = asks[turns], row[turns]
    role = pl.Series(["assistant", "user"], dtype=pl.String).gather(pl.Series(asks.astype(np.uint32)))
    places = pl.Series(meta)
    places = places.set(places < 0, None)
    return messages_column({"role": role, "content": text}, _ends(row, rows)), frame["meta"].gather(places)


class Dropped:
    """Gather rows that hold no text, only why their records were left out; take a batch when `full`."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._records, self._counts, self._reasons = list[int](), list[int](), list[str]()

    def add(self, record: int, count: int, reason: str) -> None:
        """Add a row that owns `count` records from `record` on."""
        self._records.append(record)
        self._counts.append(count)
        self._reasons.append(reason)

    def __len__(self) -> int:
        return len(self._reasons)

    @property
    def full(self) -> bool:
        """Whether a batch should be taken now."""
        return len(self._reasons) >= ROWS

    def batch(self) -> Batch:
        """Take what was gathered as a batch, and start anew."""
        rows = len(self)
        counts, records = np.array(self._counts, np.int64), np.array(self._records, np.int64)
        ends = np.cumsum(counts)
        owned = np.repeat(records - ends + counts, counts) + np.arange(ends[-1] if rows else 0)
        columns = {
            "row": pl.zeros(rows, pl.UInt64, eager=True),
            "id": pl.repeat("", rows, dtype=pl.String, eager=True),
            "origin": nest(pl.Series(owned.astype(np.uint64)), np.concatenate(([0], ends))),
            "messages": messages_column({}, np.zeros(rows + 1, np.int64)),
            "drop": pl.Series(self._reasons, dtype=pl.String),
        }
        self._clear()
        return make_batch(rows, columns)
