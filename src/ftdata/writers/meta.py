"""Which of a row's meta go into an output: only the keys that the writer's `meta` names, copied byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import polars as pl

from ftdata.batch import Batch

OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Opens a JSON object one level deep: values stay the text they are, so that no number passes through a float."""


def reads(keys: Iterable[str]) -> frozenset[str]:
    """Give the meta keys that naming `keys` reads: `language.code` needs the tags that stand under `language`."""
    return frozenset(name for key in keys for name in (key, key.partition(".")[0]))


def pick(batch: Batch, keys: Sequence[str]) -> pl.Series:
    """Give the named meta of each row as the text of one JSON object, null where a row has none of them.

    A key is a key of `meta`, or, with a dot, a key below one (`language.code`); it is written as it is named. A null
    value counts as absent.
    """
    return pl.Series("meta", [_named(text, keys) for text in batch["meta"]], pl.String)


def _named(text: str | None, keys: Sequence[str]) -> str | None:
    if text is None:
        return None
    fields = OBJECT.decode(text)
    named = {}
    for key in keys:
        value = fields.get(key)
        head, dot, rest = key.partition(".")
        if value is None and dot and bytes(fields.get(head, b"")).lstrip().startswith(b"{"):
            value = OBJECT.decode(fields[head]).get(rest)
        if value is not None and bytes(value).strip() != b"null":
            named[key] = value
    return msgspec.json.encode(named).decode() if named else None
