"""Read an export in a test, and hold it to the law on the way: every record is owned by exactly one row."""

from __future__ import annotations

import copy
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from ftdata import batch as batches
from ftdata.batch import SCHEMA, TEXT, Batch, conversations
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.readers import stitch
from ftdata.source import Source
from ftdata.stages import Reader, Sniff

SHARED = Path(__file__).resolve().parents[1] / "../shared/data/chats"
CANARY = "CANARY-7be1"


def write(place: Path, content: Any) -> Path:
    """Write an export: JSON for a value, bytes as they are, a folder for a mapping whose keys are paths."""
    if isinstance(content, dict) and content and all("." in key for key in content):
        for name, inner in content.items():
            write(place / name, inner)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
    return place


def frame(stage: type[Reader], path: Path, scratch: Path | None = None, **fields: Any) -> tuple[Batch, int]:
    """Give all rows of an export as one frame, and the number of records that were handed out."""
    reader = stage.model_validate({"path": path, **fields})
    with Source(path, scratch=scratch) as source:
        found = list(reader.read(source))
        handed = source.handed
        assert not handed or source.unread() is None
    assert all(one.schema == SCHEMA and one.height <= 4096 for one in found)
    whole = pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)
    assert sorted(number for origin in whole["origin"].to_list() for number in origin) == list(range(1, handed + 1))
    return whole, handed


def read(stage: type[Reader], path: Path, **fields: Any) -> list[Conversation]:
    """Give the rows of an export; those that are left out hold nothing."""
    rows = list(conversations(frame(stage, path, **fields)[0]))
    for row in rows:
        assert row.drop is None or not (row.messages or row.meta or row.note)
        assert row.shares is None or (row.shares == tuple(sorted(row.shares)) and not set(row.shares) & set(row.origin))
    return rows


def talks(rows: list[Conversation]) -> list[list[str]]:
    """Give the conversations: `u:` or `a:` and the text of each turn."""
    return [[f"{str(m.role)[0]}:{m.content}" for m in row.messages or ()] for row in rows if row.drop is None]


def drops(rows: list[Conversation]) -> dict[str | None, int]:
    """Count the records of each reason, None for those in conversations."""
    counts: Counter[str | None] = Counter()
    for row in rows:
        counts[row.drop] += len(row.origin)
    return dict(counts)


def sniffed(stage: type[Reader], path: Path) -> Sniff | None:
    with Source(path) as source:
        return stage.sniff(source)


def same_in_any_size(stage: type[Reader], path: Path, monkeypatch: Any, **fields: Any) -> None:
    """Read with batches of 1, of 7 and of the usual number of rows: the rows are the same."""
    whole = frame(stage, path, **fields)[0]
    for size in (1, 7):
        monkeypatch.setattr(batches, "ROWS", size)
        monkeypatch.setattr(stitch._windows, "__defaults__", (size, TEXT))
        assert frame(stage, path, **fields)[0].equals(whole, null_equal=True)
    monkeypatch.undo()


# --- damage -----------------------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, 1.5e300, "", " ", "a", "\u0000", "Ã©", "x" * 300, "1544006350", "9" * 40),
    *([], {}, [None], [[]], [{}], {"text": {}}, {"": []}, "2024-01-01T10:00:00", "message", "user", "all", "\ue200"),
)


def mutated(value: Any, rng: random.Random, links: Mapping[str, list[Any]]) -> Any:
    """Change a JSON value in up to eight places: other values, lost and doubled items, moved keys, other links.

    `links` are keys that name another item, each with what it may name.
    """
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 8)):
        holder, key = _place(value, rng)
        if holder is None:
            continue
        what = rng.randrange(7)
        if key in links and rng.random() < 0.7:
            holder[key] = rng.choice(links[key])
        elif what == 0:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif what == 1:
            del holder[key]
        elif what == 2 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[rng.randrange(len(holder))]))
        elif what == 3 and isinstance(holder, dict):
            holder[rng.choice(["", "id", "type", "text", "message", "content", "parent"])] = holder.pop(key)
        elif what == 4 and isinstance(holder, list):
            rng.shuffle(holder)
        elif what == 5:
            other, at = _place(value, rng)
            if other is not None:
                holder[key] = copy.deepcopy(other[at])
        else:
            holder[key] = [copy.deepcopy(holder[key])]
    return value


def _place(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """Choose a place inside a value, mostly a deep one: the object or list, and the key."""
    holder, key = None, None
    while isinstance(value, dict | list) and value and (holder is None or rng.random() < 0.85):
        holder = value
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        value = holder[key]
    return holder, key


def broken(text: bytes, rng: random.Random) -> bytes:
    """Damage the bytes: changed, cut, doubled, pieces of JSON put in."""
    data = bytearray(text)
    for _ in range(rng.randint(0, 4)):
        at, what = rng.randrange(len(data) + 1), rng.randrange(4)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(200)]
        elif what == 2:
            data[at:at] = rng.choice([b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\\", b"\xff", b"\0", b"null"])
        else:
            data[at:at] = data[at : at + rng.randrange(300)]
    return bytes(data)


def damaged(
    stage: type[Reader],
    place: Path,
    value: Any,
    seeds: range,
    fields: list[dict[str, Any]],
    links: Callable[[Any], Mapping[str, list[Any]]] = lambda value: {},
) -> int:
    """Read damaged exports: no exception but `InputError`, no hang, every record owned once; count what was read."""
    whole = 0
    for seed in seeds:
        rng = random.Random(seed)
        text = json.dumps(mutated(value, rng, links(value)), indent=rng.choice([None, 1])).encode()
        place.write_bytes(broken(text, rng) if seed % 2 else text)
        began = time.process_time()
        try:
            with suppress(InputError):
                sniffed(stage, place)
            with suppress(InputError):
                frame(stage, place, **fields[seed % len(fields)])
                whole += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
        assert time.process_time() - began < 5, seed
    return whole
