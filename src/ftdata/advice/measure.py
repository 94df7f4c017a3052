"""Measure all signals of held rows: one pass that looks, then each signal tells its numbers.

Memory: some 2 KB a row at most (four sketches of 280 bytes, hashes, what the search takes); texts lie in the spool. Of
more than `SAMPLE` rows, the dear signals (private data, quality, language) look at a sample of about that many, drawn
by a hash of what the rows say: shares are right to ±0.7 points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ftdata.advice.reading import Held
from ftdata.advice.signals import SIGNALS, Evidence, Grouped, Signal, Value
from ftdata.advice.view import View
from ftdata.tokens import Counter

SAMPLE = 20_000
LIMITS: Mapping[str, float] = {"drift_days": 30, "template_rows": 5}
"""What signals themselves go by, where no rules are given."""


@dataclass(frozen=True)
class Group:
    """A class of `--by`: its name (None where it may not be shown), and numbers of its rows."""

    name: str | None
    numbers: Mapping[str, Value]


@dataclass
class Signals:
    """What was measured: numbers by name (None: unknown), and for each row what `few_shot` goes by."""

    name: str
    numbers: dict[str, Value]
    evidence: Evidence
    groups: list[Group] = field(default_factory=list)

    def __getitem__(self, name: str) -> Value:
        return self.numbers[name]


def measure(
    held: Held, by: str | None = None, limits: Mapping[str, float] = LIMITS, count: Counter | None = None
) -> Signals:
    """Measure the rows; with `by` also each class of that field. `count` counts tokens, by default it estimates.

    Raises `RunError` if no row has the field `by`.
    """
    count = Counter() if count is None else count
    grouped = Grouped(by) if by is not None else None
    signals: list[Signal] = [*SIGNALS, *([grouped] if grouped else [])]
    looked: dict[str, list[pl.DataFrame]] = {signal.name: [] for signal in signals}
    drawn = 2**64 * (SAMPLE / held.rows) if held.rows > SAMPLE else None
    for batch in held:
        view = View(batch, count)
        some = view
        if drawn is not None:
            some = View(batch.filter(pl.Series(view.digest.astype(np.float64) < drawn)), count)
        for signal in signals:
            looked[signal.name].append(signal.look(some if signal.sampled else view))
    frames = {name: pl.concat(parts) for name, parts in looked.items()}
    evidence = Evidence(held, count, frames, {**LIMITS, **limits})
    for signal in signals:
        evidence.told.update(signal.tell(evidence))
    made = Signals(held.name, evidence.told, evidence)
    if grouped:
        made.groups = _groups(evidence, grouped.names)
    return made


def _groups(evidence: Evidence, names: Mapping[int, str]) -> list[Group]:
    columns = {name: evidence.marks[name] for name in ("group", "stays", "states", "refuses", "disputed", "tokens")}
    counted = (
        pl.DataFrame(columns)
        .group_by("group")
        .agg(
            rows=pl.len().cast(pl.Int64),
            effective_rows=pl.col("stays").sum().cast(pl.Int64),
            knowledge_load=pl.col("states").mean().round(4),
            refusals=pl.col("refuses").mean().round(4),
            disputed_rows=pl.col("disputed").sum().cast(pl.Int64),
            tokens=pl.col("tokens").sum().cast(pl.Int64),
        )
        .sort(["rows", "group"], descending=[True, False])
    )
    found = []
    for row in counted.iter_rows(named=True):
        value = row.pop("group")
        found.append(Group("(none)" if value == 0 else names.get(value), row))
    return found
