"""A dataset of known truth while it is made: rows, what is planted in which of them, and the dice."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

Row = dict[str, Any]

BEGIN = datetime(2024, 3, 1, 8)
"""Before this no row was written."""
DAYS = 540
"""Days over which the rows were written."""
NEVER = ("knowledge_load", "refusals", "toxic_answers", "pii_rows")
"""What stands in no row unless it is planted there: nothing in the grammar of ordinary talk does it."""


class Truth(NamedTuple):
    """What is planted: signals as numbers, and for each mark the rows that carry it.

    `groups` lists the rows of each repeated question (of each family of copies), by mark.
    """

    signals: Mapping[str, float]
    rows: Mapping[str, tuple[int, ...]]
    groups: Mapping[str, tuple[tuple[int, ...], ...]]


class Golden(NamedTuple):
    """A dataset of known truth; `rows` are chat rows in OpenAI's layout with side keys, in order of `created_at`."""

    name: str
    rows: list[Row]
    truth: Truth

    def lines(self) -> bytes:
        """Give the rows as JSON Lines, the same bytes always."""
        return b"".join(orjson.dumps(row) + b"\n" for row in self.rows)


class Draft:
    """Rows as they are added, with their marks; `done` puts them in order and counts."""

    def __init__(self, name: str, system: str | None = None) -> None:
        self.name, self.system = name, system
        self.dice = random.Random(f"ftdata advice {name}")
        self._rows: list[tuple[datetime, int, Row, tuple[str, ...]]] = []

    def moment(self, begin: float = 0.0, end: float = 1.0) -> datetime:
        """Draw a time between two shares of the whole span."""
        return BEGIN + timedelta(minutes=int(DAYS * 1440 * self.dice.uniform(begin, end)))

    def add(self, asked: str, answered: str, *marks: str, at: datetime | None = None, **side: Any) -> None:
        """Add a row of one question and one answer. A mark `a:b` says: a row of family b of the groups a."""
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        self.add_turns(turns, *marks, at=at, **side)

    def add_turns(self, turns: Sequence[Row], *marks: str, at: datetime | None = None, **side: Any) -> None:
        """Add a row of any turns; the system text of the dataset comes first."""
        opening = [{"role": "system", "content": self.system}] if self.system else []
        moment = at or self.moment()
        row = {"messages": [*opening, *turns], **side, "created_at": moment.isoformat()}
        row["customer"] = f"c-{self.dice.randrange(10_000):04}"
        self._rows.append((moment, len(self._rows), row, marks))

    def planted(self, count: int, **shares: float) -> list[frozenset[str]]:
        """Say what each of `count` rows carries: each mark on its share of them, independent of the others."""
        carried: list[set[str]] = [set() for _ in range(count)]
        for mark, share in shares.items():
            for at in self.dice.sample(range(count), round(share * count)):
                carried[at].add(mark)
        return [frozenset(marks) for marks in carried]

    def done(self, **signals: float) -> Golden:
        """Put the rows in order of time. Signals not given are the shares of rows that carry a mark of that name."""
        self._rows.sort(key=lambda entry: entry[:2])
        rows: dict[str, list[int]] = {}
        groups: dict[str, dict[str, list[int]]] = {}
        for at, (_, _, _, marks) in enumerate(self._rows):
            for mark in sorted(marks):
                kind, colon, family = mark.partition(":")
                if colon:
                    groups.setdefault(kind, {}).setdefault(family, []).append(at)
                else:
                    rows.setdefault(kind, []).append(at)
        total = len(self._rows)
        counted = {mark: len(numbers) / total for mark, numbers in rows.items()}
        truth = Truth(
            {"rows": total, **dict.fromkeys(NEVER, 0.0), **counted, **signals},
            {mark: tuple(numbers) for mark, numbers in rows.items()},
            {kind: tuple(tuple(numbers) for numbers in found.values()) for kind, found in groups.items()},
        )
        return Golden(self.name, [row for _, _, row, _ in self._rows], truth)
