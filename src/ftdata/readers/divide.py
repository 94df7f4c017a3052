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
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import numpy as np
import polars as pl

from ftdata.batch import Batch, mark, nest
from ftdata.files import private_folder
from ftdata.readers.stitch import MEMORY, Dropped, Rules, Stitch, coded
from ftdata.readers.times import Instant
from ftdata.spool import Frames

_FLUSH = 16 << 20
_FLUSH_ROWS = 100_000
_AT_ONCE = 256
_LONG = 10_000  # characters: a text that waits for no others
_DAY = 86_400 * 10**6
_TURN_OF_DAY = 3_600 * 10**6  # a clock that falls by more has passed midnight; by less, lines stand out of order
_ORDERLY = 9  # newest first: so many times more steps back than forward

_TEXTS = pl.Schema({"text": pl.String(), "meta": pl.String()})
_NEVER = (0, 0)
_MIXED = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: makes a hash of a hash and a number
_ROLES = ("user", "assistant")  # what speaks, by the first numbers of a role; further ones are reasons

_Numbers: TypeAlias = np.ndarray[Any, Any]
_NONE: _Numbers = np.empty(0)


@dataclass
class _Messages:
    """What is known of messages besides their texts: one array for each, in file order. Times count where `timed`."""

    record: _Numbers
    lines: _Numbers
    key: _Numbers
    words: _Numbers
    who: _Numbers
    by_day: _Numbers
    by_month: _Numbers
    timed: _Numbers
    bare: _Numbers
    uncut: _Numbers
    role: _Numbers
    name: _Numbers

    @classmethod
    def of(cls, parts: list[_Messages]) -> _Messages:
        """Give all parts as one; they are used up, column by column, so that nothing is held twice."""
        columns = []
        for one in fields(cls):
            columns.append(np.concatenate([getattr(part, one.name) for part in parts]))
            for part in parts:
                setattr(part, one.name, _NONE)
        return cls(*columns)

    def picked(self, which: _Numbers) -> _Messages:
        """Give some of them (arrays of their own, but where all are picked)."""
        if len(which) == len(self.record):
            return replace(self)
        return _Messages(*(getattr(self, one.name)[which] for one in fields(self)))


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
        self._columns: list[list[Any]] = [[] for _ in range(11)]
        self._roles: dict[str, int] = {role: number for number, role in enumerate(_ROLES)}
        self._held: list[pl.DataFrame | Frames] = []
        self._known: list[_Messages] = []
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
            self._gather()

    def _gather(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            # Columns at once: an `append` to each of eleven lists, for each message, takes three times as long.
            self.extend(list(zip(*waiting, strict=True)))

    def extend(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take many messages at once: a column for each thing that `add` takes, in its order."""
        self._gather()
        for column, values in zip(self._columns, columns, strict=True):
            column.extend(values)
        _, key, _, text, _, _, _, at, _, _, meta = columns
        self.timed = self.timed or at.count(None) < len(at)
        self._size += sum(map(len, text)) + sum(map(len, key)) + sum(map(len, filter(None, meta)))
        if self._size >= _FLUSH or len(self._columns[0]) >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        self._gather()
        (record, key, role, text, lines, author, name, at, bare, uncut, meta), self._columns = (
            self._columns,
            [[] for _ in range(11)],
        )
        texts = pl.DataFrame(
            [pl.Series(title, held, kind) for (title, kind), held in zip(_TEXTS.items(), (text, meta), strict=True)]
        )
        roles = self._roles
        for one in set(role) - roles.keys():
            roles[one] = len(roles)
        timed = np.full(len(at), True)
        if at.count(None):
            timed = np.array([one is not None for one in at], dtype=bool)
            at = [one or _NEVER for one in at]
        self._known.append(
            _Messages(
                np.fromiter(record, np.uint64, len(record)),
                np.fromiter(lines, np.uint32, len(lines)),
                coded(key).to_numpy(),
                texts["text"].hash().to_numpy(),
                coded(author).to_numpy(),
                np.fromiter([one[0] for one in at], np.int64, len(at)),
                np.fromiter([one[1] for one in at], np.int64, len(at)),
                timed,
                np.array(bare, bool),
                np.array(uncut, bool),
                np.fromiter(map(roles.__getitem__, role), np.uint16, len(role)),
                np.fromiter([-1 if one is None else one for one in name], np.int32, len(name)),
            )
        )
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
        log, self._known = _Messages.of(self._known), []
        filled, group = _settled(log, self._roles, rules.timed, gap, day_first, names)
        marked: dict[str, Any] = {
            **(flags or {}),
            **({"several-users": _mixed(log, group)} if mixed else {}),
            "unparsed-time": log.record[filled],
        }
        marked = {flag: np.unique(np.asarray(found, np.uint64)) for flag, found in marked.items() if len(found)}
        stitch, out, begin = Stitch(rules, self._scratch), Dropped(), 0
        reasons = list(self._roles)
        one_line = bool((log.lines == 1).all())
        log.key = log.words = log.who = log.name = _NONE  # done with, and as large as all that is still to come
        try:
            while self._held:
                part = self._held.pop(0)
                texts = part if isinstance(part, pl.DataFrame) else pl.concat(part)
                here = slice(begin, begin + texts.height)
                begin += texts.height
                role = log.role[here]
                speaks = role < len(_ROLES)
                stitch.extend(_spoken(log, group, here, speaks, texts))
                del texts, part
                for at in (np.flatnonzero(~speaks) + here.start).tolist():
                    out.add(int(log.record[at]), int(log.lines[at]), reasons[log.role[at]])
                    if out.full:
                        yield out.batch()
            if len(out):
                yield out.batch()
            records, lines = log.record, log.lines
            del log, group
            for batch in stitch.batches(day_first):
                batch = flagged(batch, marked)
                yield batch if one_line else _widened(batch, records, lines)
        finally:
            stitch.close()


def _spoken(log: _Messages, group: _Numbers, here: slice, speaks: _Numbers, texts: pl.DataFrame) -> pl.DataFrame:
    """Give some messages as `Stitch` takes them: those that speak."""
    columns = [
        pl.Series("record", log.record[here]),
        pl.Series("key", group[here]),
        pl.Series("role", _ROLES, pl.String).gather(pl.Series(np.where(speaks, log.role[here], 0).astype(np.uint32))),
    ]
    untimed = ~log.timed[here]
    for name, values in (("by_day", log.by_day[here]), ("by_month", log.by_month[here])):
        column = pl.Series(name, values)
        columns.append(column.set(pl.Series(untimed), None) if untimed.any() else column)
    spoken = pl.DataFrame([*(column.alias(name) for column, name in zip(columns, _NAMED, strict=True)), *texts])
    return spoken if speaks.all() else spoken.filter(pl.Series(speaks))


_NAMED = ("record", "key", "role", "by_day", "by_month")


def _settled(
    log: _Messages,
    roles: dict[str, int],
    timed: bool,
    gap: int | None,
    day_first: bool | None,
    names: Sequence[str | None],
) -> tuple[_Numbers, _Numbers]:
    """Give the messages their roles, and times that are whole; say which times were filled in, and number the cuts."""
    known = np.array([-1 if role is None else roles.setdefault(role, len(roles)) for role in (*names, None)], np.int32)
    told = known[log.name]
    log.role = np.where(told >= 0, told, log.role).astype(np.uint16)
    filled, cut = np.zeros(len(log.record), dtype=bool), np.zeros(len(log.record), dtype=np.int64)
    if timed and len(log.record):
        _date(log)
        which = np.flatnonzero(log.role < len(_ROLES))
        speaking = log.picked(which)
        way = "by_month" if day_first is False else "by_day"
        filled[which] = _put_in_order(speaking, way)
        for name in ("by_day", "by_month", "timed"):
            getattr(log, name)[which] = getattr(speaking, name)
        if gap is not None:
            cut[which] = _cuts(speaking, way, gap)
            both = day_first is None and (speaking.by_day != speaking.by_month)[speaking.timed].any()
            if both and not np.array_equal(cut[which], _cuts(speaking, "by_month", gap)):
                raise Undecided
    return filled, _grouped(log.key, cut)


def _grouped(key: _Numbers, cut: _Numbers) -> _Numbers:
    """Number the conversations: what has one key and one cut."""
    if len(key) and (key == key[0]).all():
        return cut.astype(np.uint64)
    mixed: _Numbers = key + cut.astype(np.uint64) * _MIXED
    return mixed


def _date(log: _Messages) -> None:
    """Give clocks without a date their day: each time the clock falls by more than an hour, a new one begins.

    A log whose clock falls more often than it rises is taken from its end. In a log with dates a bare clock is no time.
    """
    if not log.bare.any():
        return
    if not log.bare.all() or not log.timed.any():
        log.timed = log.timed & ~log.bare
        return
    place = np.maximum.accumulate(np.where(log.timed, np.arange(len(log.timed)), -1))
    times = log.by_day[np.where(place < 0, np.argmax(log.timed), place)]
    steps = np.diff(times)
    backwards = int((steps < 0).sum()) > int((steps > 0).sum())
    if backwards:
        steps = -steps[::-1]
    days = np.concatenate(([0], np.cumsum(steps < -_TURN_OF_DAY)))
    days = days[::-1] if backwards else days
    log.by_day = log.by_month = log.by_day + days.astype(np.int64) * _DAY


def _by_key(log: _Messages) -> tuple[_Numbers, _Numbers, _Numbers]:
    """Give the places of messages sorted by key, and of each of them where its key begins and where it ends."""
    key = log.key
    place = np.arange(len(key), dtype=np.uint32)
    if len(key) and not (key == key[0]).all():
        place = np.argsort(key, kind="stable").astype(np.uint32)
        key = key[place]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))).astype(np.int32) if len(key) else place
    counts = np.diff(starts, append=np.int32(len(key)))
    return place, np.repeat(starts, counts), np.repeat(starts + counts, counts)


def _put_in_order(log: _Messages, way: str) -> _Numbers:
    """Give a message without a time that of the one before it, and turn round equal times of a log newest first.

    What stands later in such a log was said earlier: equal minutes in file order would put answers before questions.
    Says which times were filled in.
    """
    place, begin, end = _by_key(log)
    timed, times = log.timed[place], getattr(log, way)[place]
    step = np.diff(times)[timed[1:] & timed[:-1] & (begin[1:] == begin[:-1])]
    back, forth = int((step < 0).sum()), int((step > 0).sum())
    newest_first = back > 0 and back >= _ORDERLY * forth
    filled = np.zeros(len(timed), dtype=bool)
    if not timed.all():
        at = np.arange(len(timed))
        before = np.maximum.accumulate(np.where(timed, at, -1))
        after = np.minimum.accumulate(np.where(timed, at, len(at))[::-1])[::-1]
        has_before, has_after = before >= begin, after < end
        near = np.where(has_after, after, before) if newest_first else np.where(has_before, before, after)
        known = has_before | has_after
        source = place[np.where(known, near, at)]
        log.by_day[place], log.by_month[place] = log.by_day[source], log.by_month[source]
        filled[place] = known & ~timed
        log.timed[place] = known
    if newest_first:
        # What is said twice at one moment keeps one time, by which `Stitch` knows it.
        frame = pl.DataFrame(
            {name: getattr(log, name) for name in ("record", "key", "by_day", "timed", "role", "words")}
        )
        frame = frame.with_columns(said=pl.col("record").max().over("key", "by_day", "timed", "role", "words"))
        late = pl.col("said").rank("dense", descending=True).over("key", "by_day", "timed").cast(pl.Int64) - 1
        moved = frame.select(late).to_series().to_numpy()
        log.by_day, log.by_month = log.by_day + moved, log.by_month + moved
    return filled


def _cuts(log: _Messages, way: str, gap: int) -> _Numbers:
    """Number the conversations of each key, by the pauses between its messages."""
    place, begin, end = _by_key(log)
    times = getattr(log, way)
    if ((times[place][1:] < times[place][:-1]) & (begin[1:] == begin[:-1])).any():
        place = place[np.lexsort((np.arange(len(place)), times[place], begin))]
    times, timed = times[place], log.timed[place]
    answers, who = (log.role == 1)[place], log.who[place]
    at = np.arange(len(place), dtype=np.int32)
    before = np.maximum.accumulate(np.where(answers, np.int32(-1), at))
    after = np.minimum.accumulate(np.where(answers, np.int32(len(at)), at)[::-1])[::-1]
    known = (before >= begin) & (after < end)
    others = known & (who[before] != who[np.where(known, after, 0)])
    cut = np.zeros(len(place), dtype=bool)
    cut[1:] = (
        (begin[1:] == begin[:-1])
        & answers[:-1]
        & timed[1:]
        & timed[:-1]
        & (np.diff(times) > gap)
        & (~answers | others)[1:]
        & ~log.uncut[place][1:]
    )
    numbers = np.empty(len(place), dtype=np.int64)
    numbers[place] = np.cumsum(cut)
    return numbers


def _mixed(log: _Messages, group: _Numbers) -> _Numbers:
    """Give the records of users in conversations in which another user writes too."""
    users = np.flatnonzero(log.role == 0)
    if not len(users):
        return users
    group = group[users]
    if (group[1:] < group[:-1]).any():
        order = np.argsort(group, kind="stable")
        users, group = users[order], group[order]
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    who = log.who[users]
    several = np.minimum.reduceat(who, starts) != np.maximum.reduceat(who, starts)
    found: _Numbers = log.record[users[np.repeat(several, np.diff(starts, append=len(users)))]]
    return found


def flagged(batch: Batch, flags: Mapping[str, Any]) -> Batch:
    """Give the live rows that own one of the records listed under a flag this flag."""
    owners = np.repeat(np.arange(batch.height), batch["origin"].list.len().to_numpy())
    owned = batch["origin"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    live = batch["drop"].is_null().to_numpy()
    for flag, records in flags.items():
        if len(records):
            wanted = np.asarray(records, np.uint64)
            if (wanted[1:] < wanted[:-1]).any():
                wanted = np.sort(wanted)
            near = np.minimum(np.searchsorted(wanted, owned), len(wanted) - 1)
            hit = np.zeros(batch.height, dtype=bool)
            hit[owners[wanted[near] == owned]] = True
            batch = mark(batch, hit & live, flag=flag)
    return batch


def _widened(batch: Batch, records: np.ndarray[Any, Any], lines: np.ndarray[Any, Any]) -> Batch:
    """Let each row own all the lines of its messages."""
    owned = batch["origin"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    counts = lines[np.searchsorted(records, owned)].astype(np.int64)
    ends = np.cumsum(counts)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
    flat = np.repeat(owned.astype(np.int64), counts) + within
    rows = np.cumsum(batch["origin"].list.len().to_numpy(), dtype=np.int64)
    bounds = np.concatenate((np.zeros(1, np.int64), ends))[np.concatenate((np.zeros(1, np.int64), rows))]
    return batch.with_columns(origin=nest(pl.Series("origin", flat, pl.UInt64), bounds))
