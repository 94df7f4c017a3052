"""Run the examples of a step: what becomes of the rows that it shows. The reference pages are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ftdata import engine
from ftdata.batch import Batch, conversations, to_batches
from ftdata.conversation import Conversation, Message
from ftdata.selection import Decisions
from ftdata.stages import Check, Example, Finding, Said, Selector, Stage, Transform

_TURNS = ("user", "assistant")


@dataclass(frozen=True)
class Outcome:
    """What became of one row: as it was, as it is, the reason if it was dropped, and what the ledger says of it."""

    before: Conversation
    after: Conversation
    drop: str | None
    note: str | None


def outcomes(stage: type[Stage], example: Example) -> tuple[list[Outcome], list[Finding]]:
    """Run a step on the rows of an example; give each row's outcome, and the findings of a check."""
    made = stage(**example.fields)
    batch = _batch(example.rows, example.meta, "rows")
    if isinstance(made, Check):
        return [], engine.judge(made, made.name, made.sketch(batch).lazy())
    if isinstance(made, Selector):
        frame = made.select(made.sketch(batch).lazy(), _Held(batch, example)).collect()
        after = Decisions(made, made.name, frame).lay(batch)
    else:
        assert isinstance(made, Transform)
        after = made.apply(batch.clone())
    _, events = engine.settle(made.name, batch, after)
    told = {row: note for lines in events for row, note in lines.select("row", "note").iter_rows() if note}
    pairs = zip(conversations(batch), conversations(after), strict=True)
    return [Outcome(old, new, new.drop, told.get(old.row)) for old, new in pairs], []


def _batch(rows: Sequence[Sequence[Said]], meta: Sequence[Mapping[str, Any]], name: str) -> Batch:
    made = []
    for number, texts in enumerate(rows, 1):
        turns = [_message(said, _TURNS[at % 2]) for at, said in enumerate(texts)]
        tags = dict(meta[number - 1]) if meta else None
        made.append(
            Conversation(row=number, id=f"{name}#{number}", origin=(number,), messages=tuple(turns), meta=tags or None)
        )
    return pl.concat(to_batches(made), rechunk=True)


def _message(said: Said, role: str) -> Message:
    if isinstance(said, Message):
        return said
    role, text = said if isinstance(said, tuple) else (role, said)
    return Message(role=role, content=text)


@dataclass(frozen=True)
class _Held:
    """The rows of an example, as a selector reads them again."""

    batch: Batch
    example: Example

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """Give these rows again."""
        yield self.batch.filter(pl.col("row").is_in(list(numbers)))

    def tick(self) -> None:
        """Go on: nobody waits."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        """Give what the example says that an earlier output holds."""
        yield _batch(self.example.earlier, (), path.name)
