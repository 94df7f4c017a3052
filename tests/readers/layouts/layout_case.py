"""What the tests of the layouts share: write rows to a file, read them, hold the records against the rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from ftdata import hooks
from ftdata.batch import ROWS, SCHEMA, TEXT, Batch, conversations
from ftdata.conversation import Conversation
from ftdata.source import Source
from ftdata.stages import Reader

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
READERS: dict[str, type[Reader]] = {e.stage.name: e.stage for e in hooks.builtin() if issubclass(e.stage, Reader)}
NAMES = (
    "alpaca anthropic-hh bedrock cohere dolly gemini glaive hermes kto preference question-answer rendered-text "
    "sharegpt trl-completion"
).split()


def batch_of(name: str, path: Path, first: int = 1, **fields: Any) -> Batch:
    """Read a file; that every record is owned by one row, in order, is checked on the way."""
    reader = READERS[name](path=path, **fields)
    with Source(reader.path, first=first) as source:
        batches = list(reader.read(source))
        owned = [number for batch in batches for origin in batch["origin"].to_list() for number in origin]
        assert owned == list(range(first, first + source.handed))
    for batch in batches:
        assert batch.schema == SCHEMA
        assert batch.height <= ROWS
        assert batch.estimated_size() < 4 * TEXT
    return pl.concat(batches) if batches else pl.DataFrame(schema=SCHEMA)


def written(folder: Path, rows: Iterable[Any], file: str = "rows.jsonl") -> Path:
    path = folder / file
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def read(name: str, folder: Path, *rows: Any, **fields: Any) -> list[Conversation]:
    return list(conversations(batch_of(name, written(folder, rows), **fields)))


def one(name: str, folder: Path, row: Any, **fields: Any) -> Conversation:
    (found,) = read(name, folder, row, **fields)
    return found


def said(row: Conversation) -> list[tuple[str | None, str | None]]:
    return [(message.role, message.content) for message in row.messages or ()]


def counted(batch: Batch) -> dict[str, int]:
    """Live rows, turns by role, reasons, preference rows, rows with tools."""
    counts: Counter[str] = Counter(rows=batch["drop"].is_null().sum())
    counts.update(batch["messages"].explode().struct.field("role").drop_nulls().to_list())
    counts.update(batch["drop"].drop_nulls().to_list())
    counts["pairs"] = batch["rejected"].is_not_null().sum()
    counts["tools"] = batch["tools"].is_not_null().sum()
    return {name: count for name, count in counts.items() if count}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}
