"""Datasets of known truth, measured and advised upon, as a user would have it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from golden import make
from golden_rows import Row

from ftdata.advice.measure import Signals, measure
from ftdata.advice.reading import held
from ftdata.advice.rules import Rules, rules
from ftdata.advice.verdict import Advice, verdict


def written(rows: Sequence[Row], path: Path) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


@contextmanager
def measuring(rows: Sequence[Row], by: str | None = None) -> Iterator[Signals]:
    """Measure rows; they can be read again as long as this lasts."""
    with tempfile.TemporaryDirectory() as place:
        file = written(rows, Path(place) / "train.jsonl")
        with held(str(file)) as kept:
            yield measure(kept, by, rules().limits)


def measured(rows: Sequence[Row]) -> Signals:
    with measuring(rows) as signals:
        return signals


def advised(rows: Sequence[Row], own: Rules | None = None) -> Advice:
    return verdict(measured(rows).numbers, own or rules())


@cache
def signals_of(name: str) -> Signals:
    return measured(make(name).rows)


def talk(asked: str, answered: str, system: str | None = None, **side: Any) -> Row:
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return {"messages": [*([{"role": "system", "content": system}] if system else []), *turns], **side}
