"""The batch: a polars frame of conversations with one fixed schema, and the few ways to make, read and rewrite one.

Open-ended parts (`parts`, `tool_calls`, `tools`, `extra`, `meta`) are JSON *text*: any two batches concatenate
and cross to Arrow without inference, which corrupts tool schemas in every columnar reader tried. Batches are built from
flat lists and offsets, never from lists of dicts (measured: 325 against 26 MB/s).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from ftdata.conversation import Conversation, Message

Batch: TypeAlias = pl.DataFrame

ROWS = 4096
"""Rows in a batch at most (measured best)."""
TEXT = 8 * 1024 * 1024
"""Characters of text in a batch at most, about 8 MB."""

MESSAGE = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "name": pl.String,
        "weight": pl.Int8,
        "tool_calls": pl.String,
        "tool_call_id": pl.String,
        "parts": pl.String,
        "extra": pl.String,
    }
)
FIELDS: tuple[str, ...] = tuple(field.name for field in MESSAGE.fields)

SCHEMA = pl.Schema(
    {
        "row": pl.UInt64(),
        "id": pl.String(),
        "origin": pl.List(pl.UInt64),
        "shares": pl.List(pl.UInt64),
        "messages": pl.List(MESSAGE),
        "rejected": pl.List(MESSAGE),
        "answer_at": pl.UInt16(),
        "tools": pl.String(),
        "extra": pl.String(),
        "meta": pl.String(),
        "split": pl.String(),
        "flags": pl.List(pl.String),
        "drop": pl.String(),
        "note": pl.String(),
    }
)

_NEWEST = pl.CompatLevel.newest()


def dumps(value: Any) -> str:
    """Give JSON text: UTF-8 characters as they are, numbers and key order kept, no NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- making batches ---------------------------------------------------------------------------------------------------


def make_batch(rows: int, columns: Mapping[str, Any]) -> Batch:
    """Make a batch of `rows` rows from whole columns (lists or Series); one not given is null, `flags` empty."""
    series = []
    for name, dtype in SCHEMA.items():
        values = columns.get(name)
        if values is None:
            series.append(_blank()[name].new_from_index(0, rows) if rows else pl.Series(name, [], dtype))
        elif isinstance(values, pl.Series):
            series.append(values.rename(name))
        else:
            series.append(pl.Series(name, values, dtype))
    return pl.DataFrame(series)


@cache
def _blank() -> pl.DataFrame:
    """Make a row of which nothing is known: to make one takes longer than to repeat it."""
    return pl.DataFrame([pl.Series(name, [[] if name == "flags" else None], dtype) for name, dtype in SCHEMA.items()])


def nest(flat: pl.Series, offsets: Sequence[int] | np.ndarray[Any, Any], nulls: Any = None) -> pl.Series:
    """Make a list column from its flat values: row `i` is `flat[offsets[i]:offsets[i + 1]]`, or null if `nulls[i]`."""
    # By way of its buffer: pyarrow's own conversion of a numpy array imports pandas where it is installed (0.15 s, 30
    # MB), and a mask its functions (0.04 s).
    ends = np.ascontiguousarray(offsets, dtype=np.int64)
    if not len(flat):  # an empty slice of texts keeps its offset, which pyarrow refuses
        flat = pl.Series(flat.name, [], flat.dtype)
    bounds = pa.Array.from_buffers(pa.int64(), len(ends), [None, pa.py_buffer(ends)])
    mask = None
    if nulls is not None and (missing := np.asarray(nulls, dtype=bool)).any():
        mask = pl.Series(missing).to_arrow()
    return handed(pa.LargeListArray.from_arrays(bounds, flat.to_arrow(compat_level=_NEWEST), mask=mask))


def handed(array: pa.Array) -> pl.Series:
    """Take over an array of Arrow."""
    return pl.Series(values=_Handed(array))


class _Handed:
    """An array by Arrow's interface: for one of pyarrow itself, polars imports all of its functions (0.04 s)."""

    def __init__(self, array: pa.Array) -> None:
        self._array = array

    def __arrow_c_array__(self, schema: object = None) -> Any:
        return self._array.__arrow_c_array__(schema)


def messages_column(
    fields: Mapping[str, Sequence[Any] | pl.Series], offsets: Sequence[int] | np.ndarray[Any, Any], nulls: Any = None
) -> pl.Series:
    """Make a `messages` (or `rejected`) column from flat message fields and row offsets; a field not given is null."""
    count = int(offsets[-1]) if len(offsets) else 0
    columns = []
    for field in MESSAGE.fields:
        values = fields.get(field.name)
        if values is None:
            columns.append(pl.Series(field.name, [None], field.dtype).new_from_index(0, count))
        elif isinstance(values, pl.Series):
            columns.append(values.rename(field.name))
        else:
            columns.append(pl.Series(field.name, values, field.dtype))
    return nest(pl.DataFrame(columns).to_struct("messages"), offsets, nulls)


class Rows:
    """Gather rows one by one as flat lists; take a batch when `full`.

    >>> rows = Rows()
    >>> rows.add([1], [("user", "Hi"), ("assistant", "Hello")])
    >>> rows.batch()["messages"].list.len().to_list()
    [2]
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._lists: dict[str, tuple[list[Any], list[int], list[bool]]] = {
            name: ([], [0], []) for name in ("origin", "shares", "messages", "rejected", "flags")
        }
        self._plain: dict[str, list[Any]] = {
            name: [] for name in ("answer_at", "tools", "extra", "meta", "split", "drop", "note")
        }
        self._text = 0

    def _extend(self, name: str, values: Iterable[Any] | None) -> None:
        flat, offsets, nulls = self._lists[name]
        if values is not None:
            flat.extend(values)
        offsets.append(len(flat))
        nulls.append(values is None)

    def add(
        self,
        origin: Iterable[int],
        messages: Iterable[tuple[Any, ...]] | None = (),
        *,
        shares: Iterable[int] | None = None,
        rejected: Iterable[tuple[Any, ...]] | None = None,
        answer_at: int | None = None,
        tools: str | None = None,
        extra: str | None = None,
        meta: str | None = None,
        split: str | None = None,
        flags: Iterable[str] = (),
        drop: str | None = None,
        note: str | None = None,
    ) -> None:
        """Add a row. A message is a tuple in the order of `FIELDS`, cut where the rest is null; JSON is text."""
        for name, turns in (("messages", messages), ("rejected", rejected)):
            whole = None
            if turns is not None:
                whole = [turn + (None,) * (len(FIELDS) - len(turn)) for turn in turns]
                for turn in whole:
                    self._text += sum(len(part) for part in turn if part.__class__ is str)
            self._extend(name, whole)
        self._extend("origin", origin)
        self._extend("shares", shares)
        self._extend("flags", flags)
        self._text += len(meta or "") + len(tools or "") + len(extra or "")
        for name, value in (
            ("answer_at", answer_at),
            ("tools", tools),
            ("extra", extra),
            ("meta", meta),
            ("split", split),
            ("drop", drop),
            ("note", note),
        ):
            self._plain[name].append(value)

    def __len__(self) -> int:
        return len(self._plain["drop"])

    @property
    def full(self) -> bool:
        """Whether a batch should be taken now: 4,096 rows or 8 MB of text."""
        return len(self) >= ROWS or self._text >= TEXT

    def batch(self) -> Batch:
        """Take what was gathered as a batch, and start anew."""
        columns: dict[str, Any] = dict(self._plain)
        for name in ("messages", "rejected"):
            flat, offsets, nulls = self._lists[name]
            if all(nulls):
                continue
            fields = dict(zip(FIELDS, zip(*flat, strict=True), strict=True)) if flat else {}
            columns[name] = messages_column(fields, offsets, nulls)
        for name in ("origin", "shares", "flags"):
            flat, offsets, nulls = self._lists[name]
            if all(nulls):
                continue
            inner = pl.String if name == "flags" else pl.UInt64
            columns[name] = nest(pl.Series(name, flat, inner), offsets, nulls)
        count = len(self)
        self._clear()
        return make_batch(count, {"row": pl.zeros(count, pl.UInt64, eager=True), "id": [""] * count, **columns})


def _turns(messages: Iterable[Message] | None) -> list[tuple[Any, ...]] | None:
    def text(value: Any) -> str | None:
        return None if value is None else dumps(value)

    if messages is None:
        return None
    return [
        (
            m.role,
            m.content,
            m.name,
            m.weight,
            text(m.tool_calls),
            m.tool_call_id,
            text(m.parts),
            text(m.extra),
        )
        for m in messages
    ]


def to_batches(conversations: Iterable[Conversation]) -> Iterator[Batch]:
    """Give conversations as batches of at most 4,096 rows and 8 MB of text; `row` and `id` are kept as they are."""
    rows, numbers, ids = Rows(), list[int](), list[str]()

    def take() -> Batch:
        batch = rows.batch().with_columns(pl.Series("row", numbers, pl.UInt64), pl.Series("id", ids, pl.String))
        numbers.clear()
        ids.clear()
        return batch

    for c in conversations:
        numbers.append(c.row)
        ids.append(c.id)
        rows.add(
            c.origin,
            _turns(c.messages),
            shares=c.shares,
            rejected=_turns(c.rejected),
            answer_at=c.answer_at,
            tools=None if c.tools is None else dumps(c.tools),
            extra=None if c.extra is None else dumps(c.extra),
            meta=None if c.meta is None else dumps(c.meta),
            split=c.split,
            flags=c.flags,
            drop=c.drop,
            note=c.note,
        )
        if rows.full:
            yield take()
    if len(rows):
        yield take()


def conversations(batch: Batch) -> Iterator[Conversation]:
    """Give the rows of a batch as `Conversation` values, JSON columns parsed."""

    def value(text: str | None) -> Any:
        return None if text is None else json.loads(text)

    def turns(messages: list[dict[str, Any]] | None) -> tuple[Message, ...] | None:
        if messages is None:
            return None
        return tuple(
            Message(**{**m, **{key: value(m[key]) for key in ("tool_calls", "parts", "extra")}}) for m in messages
        )

    for row in batch.iter_rows(named=True):
        yield Conversation(
            **{
                **row,
                **{key: value(row[key]) for key in ("tools", "extra", "meta")},
                "messages": turns(row["messages"]),
                "rejected": turns(row["rejected"]),
                "flags": tuple(row["flags"] or ()),
            }
        )


# --- reading batches --------------------------------------------------------------------------------------------------


def flat(batch: Batch, column: str = "messages") -> pl.DataFrame:
    """Give the messages of all rows one under the other, a column for each field; rows without any give none."""
    exploded = batch[column].explode(empty_as_null=False, keep_nulls=False)
    return exploded.struct.unnest()


def lengths(batch: Batch, column: str = "messages") -> pl.Series:
    """Count the messages of each row; a null list counts as none."""
    counts = batch[column].list.len()
    return counts.fill_null(0) if counts.null_count() else counts


def owners(batch: Batch, column: str = "messages") -> pl.Series:
    """Give, for each message of `flat`, the position in the batch of the row that it stands in (UInt32)."""
    counts = lengths(batch, column).to_numpy()
    return pl.Series("owner", np.repeat(np.arange(batch.height, dtype=np.uint32), counts))


def paired(batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say of each row whether it is a preference row: one with a second answer, or a place where answers begin."""
    return np.asarray((batch["rejected"].is_not_null() | batch["answer_at"].is_not_null()).to_numpy())


def said(messages: pl.DataFrame) -> pl.Series:
    """Give what each message of `flat` says: its content, else its parts' texts joined by line breaks, else null."""
    contents, parts = messages["content"], messages["parts"]
    if parts.null_count() == len(parts):
        return contents.rename("said")
    at = np.flatnonzero((parts.is_not_null() & contents.is_null()).to_numpy())
    found = [_part_texts(source) for source in parts.gather(at).to_list()]
    return contents.scatter(at, pl.Series(found, dtype=pl.String)).rename("said")


def _part_texts(source: str) -> str | None:
    parts = json.loads(source)
    texts = []
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, dict):
            part = next((part[key] for key in ("text", "refusal") if isinstance(part.get(key), str)), None)
        if isinstance(part, str):
            texts.append(part)
    return "\n".join(texts) if texts else None


def mark(
    batch: Batch,
    mask: pl.Series | np.ndarray[Any, Any],
    *,
    flag: str | None = None,
    drop: str | pl.Series | None = None,
    note: str | pl.Series | None = None,
) -> Batch:
    """Mark the rows where `mask` is true: add a flag (once), set a reason, set a note; a Series gives one for each row.

    Rows elsewhere keep what they have, and so do rows whose own reason or note in a Series is null. Never put text of
    the row into any of them.
    """
    chosen = pl.Series("mask", mask, pl.Boolean).fill_null(False)
    if not chosen.any():
        return batch
    columns: dict[str, pl.Series] = {}
    if flag is not None:
        before = batch["flags"]
        fresh = chosen & ~before.list.contains(flag)
        extra = nest(
            pl.Series("flag", [flag], pl.String).new_from_index(0, int(fresh.sum())),
            np.concatenate(([0], np.cumsum(fresh.to_numpy(), dtype=np.int64))),
        )
        columns["flags"] = before.list.concat(extra)
    for column, value in (("drop", drop), ("note", note)):
        if value is not None:
            given = pl.lit(value, pl.String) if isinstance(value, str) else value
            old = batch[column]
            laid = pl.when(chosen).then(pl.coalesce(given, old)).otherwise(old)
            columns[column] = pl.select(laid.alias(column)).to_series()
    return batch.with_columns(**columns)


def text(roles: Sequence[str] | None = None, separator: str = "\n") -> pl.Expr:
    """Make an expression: the texts of a row's messages joined, of the given roles only (default: all).

    Content given as `parts` stands as its JSON text; `said` gives what it says.
    """
    element = pl.element().struct
    spoken = pl.coalesce(element.field("content"), element.field("parts"))
    if roles is not None:
        spoken = spoken.filter(element.field("role").is_in(list(roles)))
    return pl.col("messages").list.eval(spoken.drop_nulls()).list.join(separator)


def differs(old: pl.Series, new: pl.Series) -> np.ndarray[Any, Any] | None:
    """Say where two plain columns differ (bool array); None: nowhere. A null differs from every value but null."""
    if old.null_count() == len(old) and new.null_count() == len(new):
        return None
    unequal = old.ne_missing(new) if old.null_count() or new.null_count() else old != new
    return unequal.to_numpy() if unequal.any() else None


def same_lists(old: pl.Series, new: pl.Series) -> bool:
    """Say whether two columns of lists are equal: by lengths and flat values, far cheaper than row by row."""
    if differs(old.list.len(), new.list.len()) is not None:
        return False
    plain = [column.explode(empty_as_null=False, keep_nulls=False) for column in (old, new)]
    return plain[0].equals(plain[1], null_equal=True)


def changed(before: Batch, after: Batch) -> np.ndarray[Any, Any]:
    """Say for each row whether the training row itself differs between two batches of the same rows (bool array)."""
    result = np.zeros(before.height, dtype=bool)
    for column in ("messages", "rejected"):
        if before[column].null_count() == before.height and after[column].null_count() == after.height:
            continue
        if differs(before[column].list.len(), after[column].list.len()) is not None:
            # Some row has more or fewer turns: compare whole values, the slow and rare way.
            result |= before[column].ne_missing(after[column]).to_numpy()
            continue
        old, new = flat(before, column), flat(after, column)
        found = [mask for field in FIELDS if (mask := differs(old[field], new[field])) is not None]
        if found:
            result[owners(before, column).to_numpy()[np.logical_or.reduce(found)]] = True
    for column in ("answer_at", "tools", "extra"):
        mask = differs(before[column], after[column])
        if mask is not None:
            result |= mask
    return result


def relist(listed: pl.Series, messages: pl.DataFrame) -> pl.Series:
    """Swap the flat messages under the unchanged offsets of a list column: empty and null rows stay as they are."""
    offsets = np.concatenate(([0], np.cumsum(listed.list.len().fill_null(0).to_numpy(), dtype=np.int64)))
    nulls = listed.is_null().to_numpy() if listed.null_count() else None
    return nest(messages.to_struct("messages"), offsets, nulls).rename(listed.name)
