"""Chat messages and rows as JSON, column by column: from text to text, so that open-ended parts keep their tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import polars as pl

from ftdata.batch import FIELDS, Batch, flat, lengths, nest
from ftdata.jsontext import compact
from ftdata.writers.meta import OBJECT

_Encode: TypeAlias = Callable[[pl.DataFrame], pl.Series]
PLAIN = ("role", "content")
"""The fields of a message that every one has; most have no others."""

# --- messages ---------------------------------------------------------------------------------------------------------

_OWNED = {field: (field,) for field in FIELDS if field not in ("parts", "extra")} | {"content": ("content", "parts")}


def turns_of(batch: Batch, column: str) -> pl.Series:
    """Give the messages of a column as lists of JSON objects."""
    if batch[column].null_count() == batch.height:
        return pl.repeat(None, batch.height, dtype=pl.List(pl.String), eager=True).alias(column)
    offsets = np.concatenate(([0], np.cumsum(lengths(batch, column).to_numpy(), dtype=np.int64)))
    nulls = batch[column].is_null().to_numpy() if batch[column].null_count() else None
    return nest(messages_of(flat(batch, column)), offsets, nulls).alias(column)


def messages_of(turns: pl.DataFrame) -> pl.Series:
    """Encode flat messages: those of role and content alone, which most are, in one native step."""
    others = [field for field in FIELDS if field not in PLAIN]
    special = turns.select(
        pl.any_horizontal(pl.col(PLAIN).is_null(), *(pl.col(field).is_not_null() for field in others))
    ).to_series()
    return by_mask(turns, special, _full_messages, _plain_messages) if special.any() else _plain_messages(turns)


def _plain_messages(turns: pl.DataFrame) -> pl.Series:
    return turns.select(line=pl.struct(PLAIN).struct.json_encode()).to_series()


def _full_messages(turns: pl.DataFrame) -> pl.Series:
    has = {field for field in FIELDS if turns[field].null_count() < turns.height}
    pieces = []
    if "role" in has:
        pieces.append(text("role"))
    if "parts" in has:
        pieces.append(pl.coalesce(pl.concat_str(pl.lit('"content":'), _compact("parts")), text("content")))
    elif "content" in has:
        pieces.append(text("content"))
    if "name" in has:
        pieces.append(text("name"))
    if "weight" in has:
        pieces.append(pl.concat_str(pl.lit('"weight":'), pl.col("weight").cast(pl.String)))
    if "tool_calls" in has:
        pieces.append(copied("tool_calls"))
    if "tool_call_id" in has:
        pieces.append(text("tool_call_id"))
    if "extra" in has:
        pieces.append(inside(unclashed(turns, _OWNED, keep=("content",))))
    return objects(turns, pieces)


# --- JSON, from text to text ------------------------------------------------------------------------------------------


def text(field: str) -> pl.Expr:
    """Give `"field":"value"`, escaped, or null."""
    encoded = pl.struct(field).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
    return pl.when(pl.col(field).is_not_null()).then(encoded)


def copied(field: str) -> pl.Expr:
    """Give `"field":…` with the JSON text of that column, or null."""
    return pl.concat_str(pl.lit(f'"{field}":'), _compact(field))


def array(key: str, values: pl.Expr) -> pl.Expr:
    """Give `"key":[…]` of a list of JSON texts, or null."""
    return pl.concat_str(pl.lit(f'"{key}":['), values.list.join(","), pl.lit("]"))


def _compact(field: str) -> pl.Expr:
    """Give the JSON text of a column without white space between its tokens; the tokens themselves stay as they are."""
    return pl.col(field).map_batches(compact, return_dtype=pl.String)


def inside(objects: pl.Series) -> pl.Expr:
    """Give what stands between the braces of JSON objects; null where that is nothing."""
    inner = pl.lit(objects).str.strip_chars(" ").str.strip_prefix("{").str.strip_suffix("}").str.strip_chars(" ")
    return pl.when(inner != "").then(inner)


def objects(frame: pl.DataFrame, pieces: Sequence[pl.Expr]) -> pl.Series:
    """Join pieces (`"key":value`, null where absent) to JSON objects, one for each row of the frame."""
    if not pieces:
        return pl.repeat("{}", frame.height, dtype=pl.String, eager=True)
    inner = pieces[0] if len(pieces) == 1 else pl.concat_str(pieces, separator=",", ignore_nulls=True)
    return frame.select(line=pl.concat_str(pl.lit("{"), inner.fill_null(""), pl.lit("}"))).to_series()


def unclashed(frame: pl.DataFrame, owned: Mapping[str, Sequence[str]], keep: Sequence[str] = ()) -> pl.Series:
    """Give column `extra`, compact, without null values (but for `keep`) and without keys that a column writes too.

    `owned` names for each key the columns that write it. A stage may have filled a column whose key the source had with
    an odd value: the column wins, since a key written twice is read differently by different parsers.
    """
    extra = frame.select(_compact("extra")).to_series()
    keys = "|".join(owned)
    suspect = extra.str.contains(rf'"(?:{keys})"|:\s*null|\\u').fill_null(False)
    if not suspect.any():
        return extra
    columns = sorted({column for names in owned.values() for column in names})
    texts = extra.to_list()
    for at, *filled in frame.select(pl.int_range(pl.len()), *(pl.col(c).is_not_null() for c in columns)).rows():
        if not suspect[at]:
            continue
        taken = {column for column, full in zip(columns, filled, strict=True) if full}
        texts[at] = encoded(
            {
                key: value
                for key, value in OBJECT.decode(texts[at]).items()
                if taken.isdisjoint(owned.get(key, ())) and (key in keep or bytes(value).strip() != b"null")
            }
        )
    return pl.Series("extra", texts, pl.String)


def encoded(fields: Mapping[str, msgspec.Raw]) -> str | None:
    """Write an object of raw values; null where it has no key."""
    return msgspec.json.encode(fields).decode() if fields else None


def by_mask(frame: pl.DataFrame, mask: pl.Series, yes: _Encode, no: _Encode) -> pl.Series:
    """Encode the rows under a mask one way, the others another way; give all in their order."""
    order = pl.concat([mask.arg_true(), (~mask).arg_true()]).arg_sort()
    return pl.concat([yes(frame.filter(mask)), no(frame.filter(~mask))]).gather(order)
