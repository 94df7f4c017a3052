"""A batch as the signals see it: each part is made when a signal first asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from ftdata.advice.facts import stated
from ftdata.batch import Batch, flat, owners, said
from ftdata.checks.replies import replies
from ftdata.engine import OBJECT
from ftdata.readers.times import instant
from ftdata.similarity import spoken
from ftdata.tokens import Counter, RowTokens, per_row

GIVEN = ("system", "developer", "tool", "function")
"""Who says what an answer follows from, beside the user."""
_TIMES = (
    *("created_at", "created", "createdAt", "created_time", "creation_date", "opened_at", "date", "datetime", "time"),
    *("timestamp", "ts", "sent_at", "solved_at", "closed_at", "updated_at", "data", "fecha", "criado_em", "creado_en"),
)
"""Keys that hold the time of a row, the first of them that is there; as help desks and exports name it."""


class View:
    """A batch; texts are Series of one text a row, empty where nobody says anything."""

    def __init__(self, batch: Batch, count: Counter | None = None) -> None:
        self.batch, self.count = batch, Counter() if count is None else count
        self.height = batch.height

    @cached_property
    def asked(self) -> pl.Series:
        """All that the user says."""
        return spoken(self.batch, ("user",))

    @cached_property
    def answered(self) -> pl.Series:
        """All that the assistant says and calls."""
        return spoken(self.batch, ("assistant",))

    @cached_property
    def given(self) -> pl.Series:
        """All that is given beside the question: system texts, and what tools say."""
        return spoken(self.batch, GIVEN)

    @cached_property
    def both(self) -> pl.Series:
        """Question and answer."""
        return spoken(self.batch, ("user", "assistant"))

    @cached_property
    def reply(self) -> pl.Series:
        """The longest text of the assistant; null where it says nothing."""
        return replies(self.batch)

    @cached_property
    def messages(self) -> pl.DataFrame:
        """All messages: `row` (position in the batch), `role`, `said`, `calls` (JSON text)."""
        messages = flat(self.batch)
        return pl.DataFrame(
            {
                "row": owners(self.batch).cast(pl.Int64),
                "role": messages["role"],
                "said": said(messages),
                "calls": messages["tool_calls"],
            }
        )

    @cached_property
    def times(self) -> pl.Series:
        """The time of each row, in microseconds since 1970; null where no key known holds one."""
        found: list[int | None] = []
        for text in self.batch["meta"].to_list():
            found.append(_moment(text) if text else None)
        return pl.Series("at", found, pl.Int64)

    @cached_property
    def stated(self) -> pl.Series:
        """Hashes of the facts that each row's answers state and nothing before them holds."""
        return pl.Series("facts", list(stated(self.answered, self.messages)), pl.List(pl.UInt64))

    @cached_property
    def tokens(self) -> RowTokens:
        """The tokens of each row, and those that are learnt."""
        return per_row(self.batch, self.count)

    @cached_property
    def digest(self) -> np.ndarray[Any, Any]:
        """A hash of what each row says: a sample drawn by it does not depend on the order of rows."""
        import xxhash

        texts = self.both.fill_null("").to_list()
        return np.fromiter((xxhash.xxh3_64_intdigest(text.encode()) for text in texts), np.uint64, len(texts))


def answer(batch: Batch) -> pl.Series:
    """Give all that the assistant says."""
    return spoken(batch, ("assistant",))


def both(batch: Batch) -> pl.Series:
    """Give question and answer."""
    return spoken(batch, ("user", "assistant"))


def _moment(text: str) -> int | None:
    import json

    meta = OBJECT.decode(text)
    for key in _TIMES:
        raw = meta.get(key)
        if raw is None:
            continue
        value = json.loads(bytes(raw))
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            at = instant(str(int(value)) if isinstance(value, float) else str(value))
            if at is not None:
                return at[0]
    return None
