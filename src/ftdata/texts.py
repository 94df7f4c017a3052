"""Every text of a batch as ONE flat Series, and the way back: one call of a function rewrites them all.

Texts inside JSON columns are leaves of the parsed JSON, never matched in its escaped form: `\\u0040` hides no address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import Batch, dumps, flat, owners, relist

PER_TOKEN = 4
"""Characters taken for one token in an estimate: OpenAI's rule for English (its tokenizer's help page)."""
_JSON_FIELDS = ("parts", "tool_calls", "extra")
_NUMBER = 10_000_000


class _Cell:
    """One JSON text, opened: its string leaves can be read and set, and it is written again only if one changed."""

    def __init__(self, source: str, deep: bool, spare: frozenset[str] = frozenset()) -> None:
        self.source = source
        self.value: Any = json.loads(source)
        self.leaves: list[tuple[Any, Any, bool]] = []  # container, key, whether the leaf is the key itself
        self.texts: list[str] = []
        self.inner: list[tuple[Any, Any, _Cell]] = []
        self._deep = deep
        root = [self.value]
        self._root = root
        self._walk(root, 0, spare)

    def _walk(self, container: Any, key: Any, spare: frozenset[str] = frozenset()) -> None:
        # An explicit stack: how deeply a JSON text nests is the data's choice, not the interpreter's.
        stack = [(container, key)]
        first = True
        while stack:
            holder, at = stack.pop()
            value = holder[at]
            if isinstance(value, str):
                if at == "arguments" and value[:1] in ("{", "["):
                    try:
                        self.inner.append((holder, at, _Cell(value, self._deep)))
                        continue
                    except (ValueError, RecursionError):
                        pass  # not JSON after all: an ordinary text
                if not (value.startswith("data:") and ";base64," in value[:100]):
                    self._leaf(holder, at, False, value)
            elif isinstance(value, dict):
                items = [(value, k) for k in value if not (first and k in spare)]
                if self._deep:
                    for _, k in items:
                        self._leaf(value, k, True, k)
                stack.extend(reversed(items))
            elif isinstance(value, list):
                stack.extend((value, i) for i in range(len(value) - 1, -1, -1))
            elif self._deep and isinstance(value, int) and abs(value) >= _NUMBER and not isinstance(value, bool):
                self._leaf(holder, at, False, str(value))
            first = False

    def _leaf(self, holder: Any, at: Any, is_key: bool, value: str) -> None:
        self.leaves.append((holder, at, is_key))
        self.texts.append(value)

    def all_texts(self) -> list[str]:
        """Give the texts of this cell and of the JSON texts inside it, in a fixed order."""
        return self.texts + [text for _, _, cell in self.inner for text in cell.all_texts()]

    def all_keys(self) -> list[str | None]:
        """Give for each of `all_texts` the key of the object that it is the value of; null for a key and in a list."""
        keys = [at if isinstance(at, str) and not is_key else None for _, at, is_key in self.leaves]
        return keys + [key for _, _, cell in self.inner for key in cell.all_keys()]

    def put(self, new: Iterator[str]) -> str:
        """Set the texts, in the order of `all_texts`; give the JSON text, the very same one if nothing changed."""
        edited, renamed = False, dict[int, tuple[dict[str, Any], dict[str, str]]]()
        for (holder, at, is_key), old in zip(self.leaves, self.texts, strict=True):
            text = next(new)
            if text == old:
                continue
            edited = True
            if is_key:
                renamed.setdefault(id(holder), (holder, {}))[1][at] = text
            else:
                holder[at] = text
        for holder, at, cell in self.inner:
            text = cell.put(new)
            if text != cell.source:
                edited, holder[at] = True, text
        for holder, names in renamed.values():
            items = list(holder.items())
            holder.clear()
            for key, value in items:
                name = names.get(key, key)
                while name in holder:
                    name += "'"
                holder[name] = value
        return dumps(self._root[0]) if edited else self.source


class Texts:
    """Every text of a batch as ONE flat Series, and the way back.

    `text` holds contents, names, texts inside `parts`, tool-call arguments and other message keys, for `messages` and
    `rejected`; with `tools`, `extra`, `meta` also the texts of those columns. `row` is the position of each text's row
    in the batch. Within a row the order is fixed, whatever the batch size. `deep` adds the keys of JSON objects and
    whole numbers of eight digits or more; `spare` names top-level keys of `meta` to leave alone.
    """

    def __init__(
        self,
        batch: Batch,
        *,
        tools: bool = False,
        extra: bool = False,
        meta: bool = False,
        deep: bool = False,
        spare: Iterable[str] = (),
    ) -> None:
        self._batch = batch
        self._flat: dict[str, pl.DataFrame] = {}
        self._pieces: list[tuple[str, str | None, np.ndarray[Any, Any], list[_Cell] | None, int]] = []
        texts: list[pl.Series] = []
        rows: list[np.ndarray[Any, Any]] = []

        def add(column: str, field: str | None, values: pl.Series, owner: np.ndarray[Any, Any], as_json: bool) -> None:
            present = np.flatnonzero(values.is_not_null().to_numpy())
            if not len(present):
                return
            kept = values if len(present) == len(values) else values.drop_nulls()
            if not as_json:
                texts.append(kept.rename("text"))
                rows.append(owner[present])
                self._pieces.append((column, field, present, None, len(present)))
                return
            skip = frozenset(spare) if column == "meta" else frozenset[str]()
            cells = [_Cell(source, deep, skip) for source in kept.to_list()]
            leaves = [cell.all_texts() for cell in cells]
            count = sum(map(len, leaves))
            texts.append(pl.Series("text", [leaf for cell in leaves for leaf in cell], pl.String))
            rows.append(np.repeat(owner[present], [len(cell) for cell in leaves]))
            self._pieces.append((column, field, present, cells, count))

        for column in ("messages", "rejected"):
            if batch[column].null_count() == batch.height:
                continue
            frame, owner = flat(batch, column), owners(batch, column).to_numpy()
            self._flat[column] = frame
            for field in ("content", "name", *_JSON_FIELDS):
                add(column, field, frame[field], owner, field in _JSON_FIELDS)
        everywhere = np.arange(batch.height, dtype=np.uint32)
        for column, wanted in (("tools", tools), ("extra", extra), ("meta", meta)):
            if wanted:
                add(column, None, batch[column], everywhere, True)
        self.text = pl.concat(texts) if texts else pl.Series("text", [], pl.String)
        self.row = pl.Series("row", np.concatenate(rows) if rows else np.array([], dtype=np.uint32))

    def keys(self) -> list[str | None]:
        """Give for each text the key of the JSON object that it is the value of (`"password": …`); null elsewhere.

        Empty if no text stands in JSON.
        """
        if all(cells is None for _, _, _, cells, _ in self._pieces):
            return []
        keys: list[str | None] = []
        for _, _, _, cells, count in self._pieces:
            keys += [None] * count if cells is None else [key for cell in cells for key in cell.all_keys()]
        return keys

    def replace(self, new: pl.Series) -> Batch:
        """Give the batch with its texts set to `new` (as long as `text`, no nulls); the rest comes back as it was."""
        if len(new) != len(self.text):
            raise ValueError(f"{len(self.text)} texts were handed out, {len(new)} came back")
        if new.null_count():
            raise ValueError("a text came back as null; give an empty string instead")
        if new is self.text:
            return self._batch
        edited = (new != self.text).to_numpy()
        if not edited.any():
            return self._batch
        columns: dict[str, pl.Series] = {}
        frames = dict(self._flat)
        start = 0
        for column, field, present, cells, count in self._pieces:
            part, touched = new.slice(start, count), edited[start : start + count].any()
            start += count
            if not touched:
                continue
            if cells is not None:
                given = iter(part.to_list())
                part = pl.Series("text", [cell.put(given) for cell in cells], pl.String)
            whole = frames[column][field] if field is not None else self._batch[column]
            if len(present) < len(whole):
                part = whole.scatter(present, part)
            if field is None:
                columns[column] = part.rename(column)
            else:
                frames[column] = frames[column].with_columns(part.rename(field))
                columns[column] = pl.Series()
        for column in columns.keys() & frames.keys():
            columns[column] = relist(self._batch[column], frames[column])
        return self._batch.with_columns(**columns)


def map_text(
    batch: Batch,
    fn: Callable[[pl.Series], pl.Series],
    *,
    tools: bool = False,
    extra: bool = False,
    meta: bool = False,
) -> Batch:
    """Rewrite every text of a batch through ONE call of `fn` on ONE flat Series of strings (`Texts` says which).

    >>> batch = map_text(batch, lambda texts: texts.str.replace_all("colour", "color"))
    """
    texts = Texts(batch, tools=tools, extra=extra, meta=meta)
    return texts.replace(fn(texts.text)) if len(texts.text) else batch
