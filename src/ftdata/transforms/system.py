"""The system message. Rows are rebuilt by one gather over the flat messages, never one by one."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from ftdata.batch import FIELDS, MESSAGE, Batch, flat, lengths, mark, nest, owners
from ftdata.stages import Example, Transform

ROLES = ("system", "developer")


class System(Transform):
    """Put one system message before every conversation.

    | mode | a row without a system message | a row that starts with one |
    |---|---|---|
    | `add` | gets it first | gets it first, its own comes second |
    | `replace` | gets it first | its leading system and developer messages give way to it |
    | `only-if-missing` | gets it first | stays as it is |

    `only-if-missing` also leaves a row alone whose system message stands further down. Rows without any message stay as
    they are. In preference rows the place where the preferred answer begins moves along.
    """

    name: ClassVar[str] = "system"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A row with a system message keeps its own, unless `mode` says otherwise.",
            (("Oi", "Olá!"), (("system", "Answer in verse."), ("user", "Hi"), ("assistant", "Good day, I say."))),
            {"text": "You are the support of Example Shop."},
        ),
        Example(
            "What stood there gives way.",
            ((("system", "Answer in verse."), ("user", "Hi"), ("assistant", "Good day, I say.")),),
            {"text": "You are the support of Example Shop.", "mode": "replace"},
        ),
    )

    text: str = Field(min_length=1, description="what the system message says")
    mode: Literal["add", "replace", "only-if-missing"] = Field(
        "only-if-missing", description="add, replace or only-if-missing: what happens to a system message already there"
    )

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Insert the message, shift `answer_at`, and note what gave way."""
        counts = lengths(batch).to_numpy().astype(np.int64)
        touched = counts > 0
        if not touched.any():
            return batch
        messages, owner = flat(batch), owners(batch).to_numpy()
        starts = np.cumsum(counts) - counts
        is_system = messages["role"].is_in(ROLES).fill_null(False).to_numpy()
        cut = np.zeros(batch.height, dtype=np.int64)
        if self.mode == "only-if-missing":
            touched[owner[is_system]] = False
        elif self.mode == "replace":
            place = np.arange(messages.height) - starts[owner]
            first_other = counts.copy()
            np.minimum.at(first_other, owner[~is_system], place[~is_system])
            answer = batch["answer_at"].fill_null(np.iinfo(np.uint16).max).to_numpy().astype(np.int64)
            cut = np.minimum(first_other, answer)
            alike = pl.all_horizontal(pl.col(name).eq_missing(value) for name, value in self._message().items())
            same = np.zeros(batch.height, dtype=bool)
            same[touched] = messages.select(alike).to_series().to_numpy()[starts[touched]]
            # A row that has this very message already is not edited.
            touched &= ~((cut == 1) & same)
            cut[~touched] = 0
        if not touched.any():
            return batch
        return self._insert(batch, messages, counts, starts, touched, cut)

    def _message(self) -> dict[str, pl.Expr]:
        values = {"role": "system", "content": self.text}
        return {field.name: pl.lit(values.get(field.name), field.dtype) for field in MESSAGE.fields}

    def _insert(
        self,
        batch: Batch,
        messages: pl.DataFrame,
        counts: np.ndarray[Any, Any],
        starts: np.ndarray[Any, Any],
        touched: np.ndarray[Any, Any],
        cut: np.ndarray[Any, Any],
    ) -> Batch:
        new = pl.select([value.alias(name) for name, value in self._message().items()])
        added = touched.astype(np.int64)
        sizes = counts - cut + added
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        # Each row takes its own messages from `starts + cut` on, behind the new one (which stands last in the frame).
        index = np.repeat(starts + cut - offsets[:-1] - added, sizes) + np.arange(offsets[-1])
        index[offsets[:-1][touched]] = messages.height
        gathered = pl.concat([messages, new])[index].select(FIELDS).to_struct("messages")
        column = nest(gathered, offsets, batch["messages"].is_null().to_numpy())
        answer = pl.Series(batch["answer_at"].cast(pl.Int64) + pl.Series(added - cut)).cast(pl.UInt16)
        batch = batch.with_columns(column.rename("messages"), answer.rename("answer_at"))
        if self.mode == "replace":
            note = pl.select(pl.format("system messages replaced: {}", pl.Series("n", cut))).to_series()
            batch = mark(batch, touched & (cut > 0), note=note)
            return mark(batch, touched & (cut == 0), note="system message added")
        return mark(batch, touched, note="system message added")
