"""One question, several answers: rows that ask nearly the same and are told something else, wherever they stand."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.selectors.near_dedup.order import Keep, fits, lacking, ordered, scores
from ftdata.similarity import sketch, spoken, twins
from ftdata.similarity.answers import Answers, differing, questions, reading
from ftdata.stages import Example, Rows, Selector, heads

_DECISIONS = {
    "row": pl.UInt64(),
    "drop": pl.String(),
    "note": pl.String(),
    "flags": pl.List(pl.String),
    "tags": pl.String(),
}
_Array = np.ndarray[Any, Any]


class Contradictions(Selector):
    """Find rows that ask nearly the same and get different answers.

    Questions (all that the user says) are compared as sets of runs of `ngram` words by their Jaccard similarity, after
    numbers, ids, e-mail addresses and placeholders such as [ORDER_1] were masked; so are the answers (all that the
    assistant says), which are different below the threshold, or if a word that turns the meaning (`not`, `nunca`,
    `sin`) stands in one alone. Rows without a question or an answer contradict nothing.

    Rows that ask nearly the same as one row, the first in the order of `keep`, are a group. If any of them answers
    otherwise than that row, all of the group have the flag `contradiction`, the note `contradicts row 17, 3 words
    differ, 5 rows ask` and the tags `contradictions.group` (number of that row) and `contradictions.with`.

    With `level = "drop"` those that answer otherwise go for the reason `contradiction`, so that one answer stays; with
    `keep = "none"` the whole group goes, for which answer is right cannot be told from the rows.
    """

    name: ClassVar[str] = "contradictions"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two customers ask the same about different orders and are told the opposite; both rows are flagged.",
            (
                ("Can I still cancel order LM-20418?", "Yes, until it is sent."),
                ("¿Dónde está mi factura?", "En tu cuenta, en Pedidos."),
                ("Can I still cancel order LM-20977?", "No, orders are final."),
            ),
        ),
        Example(
            "Of several answers the newest stays.",
            (
                ("Qual é o prazo de devolução?", "O prazo é de sete dias corridos."),
                ("Qual é o prazo de devolução?", "O prazo agora é de um mês inteiro."),
            ),
            {"level": "drop", "keep": "newest", "by": "created_at"},
            ({"created_at": "2023-05-02"}, {"created_at": "2025-01-20"}),
        ),
    )

    level: Literal["off", "warn", "drop"] = Field(
        "warn", description="warn flags all rows of a group; drop drops those that answer otherwise than the kept row"
    )
    threshold: float = Field(0.8, ge=0.5, le=1, description="J from which two questions are one, 0.5 to 1")
    ngram: int = Field(5, ge=1, le=20, description="words in a run, 1 to 20")
    keep: Literal["first", "last", "longest", "newest", "best", "none"] = Field(
        "first",
        description="whose answer stays: that of the first, last or longest row, of the newest or best (by the meta "
        "key `by`), or none",
    )
    by: str | None = Field(
        None,
        min_length=1,
        description="meta key of the time (newest; of 03/04/2024 the day comes first) or of the number (best)",
    )
    order: Literal["high", "low"] = Field("high", description="whether high or low numbers are best")

    @model_validator(mode="after")
    def _ordered_by(self) -> Self:
        fits(self.keep, self.by)
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the key that the rows are ordered by."""
        return heads((self.by,))

    @property
    def _order(self) -> Keep:
        return "first" if self.keep == "none" else self.keep

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the sketch of each row's question (280 bytes), the length of its answer, and what it is ordered by (with
        `told` of rows without it, null for most)."""
        if self.level == "off":
            batch = batch.clear()
        said = _answers(batch).str.len_chars().rename("said")
        more = scores(batch, self._order, self.by) if self.by is not None else []
        return sketch(questions(batch), self.ngram).select(batch["row"], pl.all(), said, *more)

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Group the rows by what they ask; in each group compare all answers with that of its first row.

        Raises `RunError` if no row has what `by` names.
        """
        frame = sketches.collect()
        if self.by is not None:
            frame = lacking(frame, self.name, self._order, self.by)
        frame = ordered(frame, self._order, self.order == "low")
        numbers = frame["row"].to_numpy()
        found = twins(frame, reading(rows.take, questions), self.threshold, self.ngram, tick=rows.tick)
        length = frame["said"].to_numpy().astype(np.int64)
        answers = Answers(numbers, length, reading(rows.take, _answers), self.threshold, self.ngram, rows.tick)
        asks = np.flatnonzero(found.twin >= 0)
        asks = asks[np.argsort(numbers[asks])]
        lead = found.twin[asks]
        agrees = answers.same(asks, lead)
        other = np.full(frame.height, -1)  # a row that answers otherwise
        for at, first in zip(asks[~agrees][::-1].tolist(), lead[~agrees][::-1].tolist(), strict=True):
            other[first], other[at] = at, first
        quiet = other[lead] >= 0
        asks, lead, agrees = asks[quiet], lead[quiet], agrees[quiet]
        other[asks[agrees]] = other[lead[agrees]]
        heads, counts = np.unique(lead, return_counts=True)
        size = np.zeros(frame.height, dtype=np.int64)
        size[heads] = counts + 1
        size[asks] = size[lead]
        group = np.arange(frame.height)
        group[asks] = lead
        told = np.concatenate((heads, asks))
        words = answers.differing(told, other[told])
        gone = np.concatenate((np.zeros(len(heads), dtype=bool), ~agrees)) | (self.keep == "none")
        gone &= self.level == "drop"
        flagged = self.level == "warn"
        columns = (numbers[told], numbers[group[told]], numbers[other[told]], words, size[told], gone)
        decided = [
            (
                row,
                "contradiction" if goes else None,
                f"contradicts row {against}, {differing(count)}, {ask} rows ask",
                ["contradiction"] if flagged else [],
                f'{{"group": {first}, "with": {against}}}',
            )
            for row, first, against, count, ask, goes in zip(*(column.tolist() for column in columns), strict=True)
        ]
        return pl.DataFrame(decided, schema=_DECISIONS, orient="row").sort("row").lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: how many questions have several answers, and how many rows ask them."""
        groups = decisions["tags"].str.extract(r'"group": (\d+)')
        return {"questions": groups.n_unique(), "rows": decisions.height, "dropped": decisions["drop"].count()}


def _answers(batch: Batch) -> pl.Series:
    return spoken(batch, ("assistant",))
