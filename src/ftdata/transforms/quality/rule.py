"""A rule: what is wrong with a text or an answer, as one small declarative entry; and what the rules look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl

from ftdata.batch import Batch, flat, owners, said
from ftdata.stages import Example
from ftdata.texts import Texts

Level: TypeAlias = Literal["off", "warn", "drop"]
Repairable: TypeAlias = Literal["off", "warn", "drop", "repair"]
Found: TypeAlias = np.ndarray[Any, Any]
"""The positions of the rows in the batch, one for each text or message found."""

NOTHING: Found = np.array([], dtype=np.int64)
_SHORT = 600


@dataclass(frozen=True)
class Rule:
    """One rule: its code (flag, reason, and with `_` the field of the stage), what it finds, its level by default.

    `find` gives the rows in which something is found, once for each text. `source` says where the thresholds come
    from. A rule with `mend` can be set to `repair`: it gives a text mended (itself where nothing is wrong), or None
    where it cannot be mended wholly; `suspect` matches every text (Rust, linear time) that may need it.
    """

    code: str
    finds: str
    find: Callable[[View], Found]
    example: Example
    default: Level = "warn"
    source: str = ""
    suspect: str = ""
    mend: Callable[[str], str | None] | None = None

    @property
    def field(self) -> str:
        """The field of the stage that holds the level."""
        return self.code.replace("-", "_")


class View:
    """A batch as the rules see it; each part is made when a rule first asks for it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    @cached_property
    def texts(self) -> Texts:
        """Every text: contents, names, parts, tool-call arguments, and those of the `rejected` answer."""
        return Texts(self.batch)

    @cached_property
    def odd(self) -> tuple[pl.Series, Found]:
        """The texts that hold any sign of damage (a control, an invisible or a mangled character), and their rows."""
        from ftdata.transforms.quality.damage import ODD

        at = np.flatnonzero(self.texts.text.str.contains(ODD).to_numpy())
        return self.texts.text.gather(at), self.texts.row.to_numpy()[at].astype(np.int64)

    @cached_property
    def messages(self) -> pl.DataFrame:
        """All messages: `said`, `role`, `row` (position in the batch), `at` (position here), `last` of its row."""
        messages = flat(self.batch)
        row = owners(self.batch).to_numpy().astype(np.int64)
        last = np.ones(len(row), dtype=bool)
        last[:-1] = row[1:] != row[:-1]
        return pl.DataFrame(
            {
                "said": said(messages),
                "role": messages["role"],
                "row": row,
                "at": np.arange(len(row), dtype=np.int64),
                "last": last,
                "weight": messages["weight"],
                "size": said(messages).str.len_bytes(),
            }
        )

    @cached_property
    def answers(self) -> pl.DataFrame:
        """What the assistant says and the model would learn: without messages of weight 0, and without calls alone."""
        m = self.messages
        said = m["said"].is_not_null() & (m["role"] == "assistant").fill_null(False)
        return m.filter(said & (m["weight"].fill_null(1) != 0))

    @cached_property
    def short(self) -> pl.DataFrame:
        """The answers of at most 600 bytes: no phrase that a rule knows makes a longer one bad."""
        return self.answers.filter(self.answers["size"] <= _SHORT)

    @cached_property
    def others(self) -> dict[int, str]:
        """For a row, what all but the assistant say in it, in lower case; worked out by row when it is asked for."""
        return _Others(self.messages)


class _Others(dict[int, str]):
    def __init__(self, messages: pl.DataFrame) -> None:
        super().__init__()
        self._said, self._role = messages["said"], messages["role"]
        self._row = messages["row"].to_numpy()

    def __missing__(self, row: int) -> str:
        first, end = np.searchsorted(self._row, [row, row + 1])
        piece = zip(self._said[first:end].to_list(), self._role[first:end].to_list(), strict=True)
        self[row] = "\n".join(text for text, role in piece if text and role != "assistant").lower()
        return self[row]


def rows_of(frame: pl.DataFrame, told: Iterable[bool]) -> Found:
    """Give the rows of the messages for which something was told."""
    found: Found = frame["row"].to_numpy()[np.fromiter(told, dtype=bool, count=frame.height)]
    return found


def among(frame: pl.DataFrame, mask: pl.Series, check: Callable[[str], bool]) -> Found:
    """Give the rows of the messages that the mask keeps and the check confirms."""
    some = frame.filter(mask)
    if not some.height:
        return NOTHING
    return rows_of(some, map(check, some["said"].to_list()))
