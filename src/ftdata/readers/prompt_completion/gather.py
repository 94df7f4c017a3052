"""Rows of plain turns, gathered column by column: half of what they cost one by one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import ROWS, TEXT, Batch, make_batch, messages_column, nest


class Gathered:
    """Gathers rows of plain turns, column by column."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._size = 0
        self._origin: tuple[list[int], list[int]] = ([], [])
        self._turns: tuple[list[str], list[str], list[int]] = ([], [], [])
        self._flags: tuple[list[str], list[int]] = ([], [])
        self._meta: list[str | None] = []
        self._drop: list[str | None] = []
        self._note: list[str | None] = []

    def pair(self, number: int, asked: str, answer: str, flags: tuple[str, ...]) -> None:
        """Add a row of a question and an answer."""
        numbers, owned = self._origin
        numbers.append(number)
        owned.append(1)
        roles, texts, counts = self._turns
        roles += ("user", "assistant")
        texts += (asked, answer)
        counts.append(2)
        self._flags[0].extend(flags)
        self._flags[1].append(len(flags))
        self._meta.append(None)
        self._drop.append(None)
        self._note.append(None)
        self._size += len(asked) + len(answer)

    def add(
        self,
        origin: list[int],
        turns: list[tuple[str, str]],
        *,
        meta: str | None = None,
        flags: Iterable[str] = (),
        drop: str | None = None,
        note: str | None = None,
    ) -> None:
        """Add a row."""
        numbers, owned = self._origin
        numbers += origin
        owned.append(len(origin))
        roles, texts, counts = self._turns
        for role, text in turns:
            roles.append(role)
            texts.append(text)
            self._size += len(text)
        counts.append(len(turns))
        before = len(self._flags[0])
        self._flags[0].extend(flags)
        self._flags[1].append(len(self._flags[0]) - before)
        self._meta.append(meta)
        self._drop.append(drop)
        self._note.append(note)
        self._size += len(meta or "")

    def __len__(self) -> int:
        return len(self._drop)

    @property
    def full(self) -> bool:
        """Whether a batch should be taken now."""
        return len(self) >= ROWS or self._size >= TEXT

    def batch(self) -> Batch:
        """Take what was gathered as a batch, and start anew."""
        count = len(self)

        def offsets(counts: list[int]) -> Any:
            return np.fromiter(accumulate(counts, initial=0), np.int64, count + 1)

        roles, texts, turns = self._turns
        columns = {
            "row": pl.zeros(count, pl.UInt64, eager=True),
            "id": pl.Series("id", [""], pl.String).new_from_index(0, count),
            "origin": nest(pl.Series("origin", self._origin[0], pl.UInt64), offsets(self._origin[1])),
            "messages": messages_column({"role": roles, "content": texts}, offsets(turns)),
            "flags": nest(pl.Series("flags", self._flags[0], pl.String), offsets(self._flags[1])),
            "meta": self._meta,
            "drop": self._drop,
            "note": self._note,
        }
        self._clear()
        return make_batch(count, columns)
