"""The class of a row: the value of a meta field, or a label that the assistant gives. Classes are hashes, not texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl
import xxhash

from ftdata.batch import Batch, dumps
from ftdata.errors import RunError
from ftdata.readers.words import CUSTOMER, word_set, words
from ftdata.transforms.filter import look_up
from ftdata.wording import hint

LABEL = "label"
"""Stands for the last text of the assistant where a field of meta could be named."""
LABEL_CHARS = 64
"""Characters of a label at most; it is one line."""

_WIDTH = 40
_KEYS = 50
_PRIVATE = re.compile(r"@|\d{6}")
_NAMES = word_set("name nome nombre")
_PEOPLE = CUSTOMER | _NAMES | word_set("author autor agent agente atendente assignee sender remetente from operator")
_BESIDE = word_set("id full first last display completo complete do da de del of email e mail")
_DECODE = msgspec.json.Decoder().decode


def classes(batch: Batch, fields: Sequence[str]) -> pl.DataFrame:
    """Give the class of each row by each field: `class_0` … as hashes of 64 bits (null: none), and `told`.

    `told` is JSON that `Told` reads, null for most rows: the names of classes that may be shown, and the meta keys of
    rows that lack a field, each where the batch holds it first.
    """
    metas: list[Any] = []
    if any(field != LABEL for field in fields):
        metas = [None if text is None else _DECODE(text) for text in batch["meta"].to_list()]
    columns: dict[str, pl.Series] = {}
    named: dict[int, list[Any]] = {}
    keys: dict[int, list[str]] = {}
    for place, field in enumerate(fields):
        hashes = _labels(batch)
        if field != LABEL:
            seen: set[int] = set()
            shapes: set[tuple[str, ...]] = set()
            hashes = []
            for at, meta in enumerate(metas):
                label = label_of(look_up(meta, field))
                if label is None:
                    hashes.append(None)
                    shape = tuple(sorted(meta)) if isinstance(meta, dict) else ()
                    if shape not in shapes:
                        shapes.add(shape)
                        keys[at] = list(shape)
                    continue
                value = xxhash.xxh3_64_intdigest(label.encode())
                hashes.append(value)
                if value not in seen:
                    seen.add(value)
                    if (name := None if of_people(field) else shown(label)) is not None:
                        named.setdefault(at, []).append([place, value, name])
        columns[f"class_{place}"] = pl.Series(hashes, dtype=pl.UInt64)
    told: list[str | None] = [None] * batch.height
    for at in {*named, *keys}:
        told[at] = dumps([named.get(at, []), keys.get(at, [])])
    return pl.DataFrame({**columns, "told": pl.Series(told, dtype=pl.String)})


class Told:
    """What sketches tell beside the hashes: `names[field, class]`, and the meta keys seen where a field lacks."""

    def __init__(self, told: pl.Series) -> None:
        self.names: dict[tuple[int, int], str] = {}
        keys: set[str] = set()
        for text in told.drop_nulls().unique().to_list():
            named, more = _DECODE(text)
            self.names.update({(place, value): name for place, value, name in named})
            keys.update(more)
        self.keys = sorted(keys)

    def missing(self, stage: str, setting: str, field: str) -> RunError:
        """Make the error for a field that no row has: what was seen, what may have been meant."""
        listed = ", ".join(key[:_WIDTH] for key in self.keys[:_KEYS]) or "none"
        meant = hint(field, self.keys)
        return RunError(f"{stage}: {setting}: no row has the meta key {field!r}; keys seen: {listed}{meant}")


def are_labels(rows: int, known: int, different: int) -> bool:
    """Say whether answers are labels: half of the rows have a short line for one, and three share one."""
    return bool(known) and known >= rows / 2 and different <= known / 3


def label_of(value: Any) -> str | None:
    """Give a value of meta as a class (7 and "7" are one): null and the empty text are none."""
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None else dumps(value)


@lru_cache
def of_people(field: str) -> bool:
    """Say whether a field holds people by its name (`customer`, `Nome do cliente`): their names are not shown."""
    said = words(field.rpartition(".")[2])
    return not _PEOPLE.isdisjoint(said) and _PEOPLE.union(_BESIDE).issuperset(said)


def shown(label: str) -> str | None:
    """Give a label as it may be shown, cut; None if it might be personal data."""
    if _PRIVATE.search(label) or "\n" in label or len(label) > LABEL_CHARS:
        return None
    return label if len(label) <= _WIDTH else label[: _WIDTH - 1] + "…"


def _labels(batch: Batch) -> list[int | None]:
    """Hash the last assistant text of each row where it is label-like: a class needs no name, and no text is kept."""
    element = pl.element().struct
    said = element.field("content").filter(element.field("role") == "assistant").last()
    texts = batch.select(pl.col("messages").list.eval(said).list.first().str.strip_chars().alias("text"))["text"]
    long = (texts.str.len_chars() > LABEL_CHARS) | texts.str.contains("\n", literal=True) | (texts == "")
    labels = texts.set(long.fill_null(True), None).to_list()
    return [None if text is None else xxhash.xxh3_64_intdigest(text.encode()) for text in labels]
