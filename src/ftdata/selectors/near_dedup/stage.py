"""Near-duplicates: candidates share a band of their sketches, exact Jaccard decides, kept rows stand for the rest.

`similarity/shingles.py` says what is compared, `similarity/twins.py` how twins are found and what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from math import exp
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch, dumps, nest
from ftdata.selectors.near_dedup.order import Keep, fits, ordered, scores
from ftdata.similarity import Twins, sketch, spoken
from ftdata.similarity.answers import Answers, differing, identity, masked
from ftdata.similarity.twins import Read, search
from ftdata.stages import Example, Rows, Selector, heads

_ROLES = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}
_DECISIONS = {
    "row": pl.UInt64(),
    "drop": pl.String(),
    "note": pl.String(),
    "flags": pl.List(pl.String),
    "tags": pl.String(),
}
_Array = np.ndarray[Any, Any]


class NearDedup(Selector):
    """Drop conversations that say nearly the same as one that is kept.

    What user and assistant say is compared as the set of all runs of `ngram` words, by the Jaccard similarity J (shared
    runs / all runs of both); upper and lower case, punctuation and white space do not count, nor do system messages.
    In scripts without spaces, such as Chinese or Thai, each letter is a word. A text of `ngram` words or fewer is like
    its equal only; one that says nothing is nobody's duplicate.

    The rows are gone through in the order that `keep` says. A row goes only if one kept before it is at or above the
    threshold, so every dropped row has a kept twin: reason `near-duplicate`, note `twin row 17, J 0.9310`. Twins and
    the row that stands for them have the tags `near-dedup.cluster` (number of that row) and `near-dedup.similarity`.

    A row that is like a kept one but **gives another answer** is a conflict, not a duplicate: it stays, with the flag
    `conflict`, the note `conflict row 17, J 0.9310, 3 words differ` and the tag `near-dedup.conflict`. Answers are the
    same if they are equal but for numbers, ids, e-mail addresses and placeholders such as [ORDER_1], or if they are at
    the threshold themselves and no word that turns the meaning (`not`, `nunca`, `sin`) differs. A row is dropped if any
    kept row that it is like gives the same answer.

    What `against` names comes before all rows and is never dropped itself: a row like one of it goes for the reason
    `near-duplicate-earlier`, note `earlier train.jsonl#17, J 0.9310` (file and row), tags `near-dedup.earlier` and
    `near-dedup.similarity`.
    """

    name: ClassVar[str] = "near-dedup"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The third row says the same as the first in other letters and signs; the second is another question.",
            (
                (
                    "Hello, my order LM-20418 has not arrived yet, can you tell me where it is now? Thank you so much",
                    "It left our warehouse this morning and will be with you within two days.",
                ),
                ("How do I return a pair of shoes?", "Print the label in your account and hand the parcel in."),
                (
                    "hello! My order LM-20418 has not arrived yet: can you tell me where it is now?? thank you so much",
                    "It left our warehouse this morning and will be with you within two days.",
                ),
            ),
        ),
        Example(
            "The same question with another answer is a conflict: both rows stay, and the second is flagged.",
            (
                ("Posso cancelar o meu pedido depois do envio?", "Sim, em até 7 dias."),
                ("Posso cancelar o meu pedido depois do envio?", "Não, depois do envio não é possível."),
                ("Posso cancelar o meu pedido depois do envio?", "Sim, em até 10 dias."),
            ),
            {"on": "question"},
        ),
        Example(
            "Where numbers do not count, tickets of one template that differ in the order alone are one.",
            (
                ("Where is order LM-20418? It was due on 3 May.", "It is on its way."),
                ("Where is order LM-20977? It was due on 17 May.", "It is on its way."),
            ),
            {"mask": True},
        ),
        Example(
            "The row with the best rating stays, whatever its place.",
            (
                ("¿Dónde está mi pedido? Todavía no ha llegado a casa", "Llega mañana por la tarde."),
                ("¿Dónde está mi pedido? ¡Todavía no ha llegado a casa!", "Llega mañana por la tarde."),
            ),
            {"keep": "best", "by": "csat"},
            ({"csat": 2}, {"csat": 5}),
        ),
    )

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="J from which a row is a duplicate, 0.5 to 1; below, nearly all rows are alike"
    )
    ngram: int = Field(5, ge=1, le=20, description="words in a run, 1 to 20")
    on: Literal["conversation", "question", "answer"] = Field(
        "conversation", description="what is compared: conversation, question or answer"
    )
    mask: bool = Field(
        False, description="whether numbers, ids, e-mail addresses and placeholders such as [ORDER_1] are all alike"
    )
    keep: Keep = Field(
        "first",
        description="which rows come first and stay: first, last, longest (by what is compared), newest or best (by "
        "the meta key `by`); of equal ones the first, rows without the key last",
    )
    by: str | None = Field(
        None,
        min_length=1,
        description="meta key of the time (newest; of 03/04/2024 the day comes first) or of the number (best)",
    )
    order: Literal["high", "low"] = Field("high", description="whether high or low numbers are best")
    conflict: Literal["keep", "drop"] = Field(
        "keep",
        description="what becomes of a row like a kept one that gives another answer; drop: answers do not count",
    )
    against: tuple[Path, ...] = Field(
        (), description="what earlier runs wrote: chat JSONL files, or folders of them or of a Hugging Face dataset"
    )
    backend: Literal["native", "datasketch"] = Field(
        "native", description="how candidates are found: native, or datasketch (for comparison; many times slower)"
    )

    @model_validator(mode="after")
    def _ordered_by(self) -> Self:
        fits(self.keep, self.by)
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the key that the rows are ordered by."""
        return heads((self.by,))

    def outside(self) -> str:
        """Name the version of datasketch where that is what decides."""
        return f"datasketch {version('datasketch')}" if self.backend == "datasketch" else ""

    @property
    def _heeds_answers(self) -> bool:
        return self.conflict == "keep" and self.on != "answer"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's sketch (280 bytes), if needed the length of its answer (`said`) and its place (`score`)."""
        texts = self._texts(batch)
        if self.backend == "native":
            made = sketch(texts, self.ngram)
        else:
            from ftdata.selectors.near_dedup import by_datasketch

            made = by_datasketch.sketch(texts, self.ngram)
        more = [scores(batch, self.keep, self.by)] if self.by is not None else []
        if self._heeds_answers and self.on == "question":
            more.append(_answers(batch).str.len_chars().rename("said"))
        return made.select(batch["row"], pl.all(), *more)

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Go through the rows in keep order, after those of earlier runs; drop each that is like one kept before."""
        line = _Line(ordered(sketches.collect(), self.keep, self.order == "low"), self, rows)
        return line.decisions().lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: how many rows have near-duplicates, how many those are, and how they spread."""
        cluster = decisions["tags"].str.extract(r'"cluster": (\d+)').drop_nulls()
        sizes = cluster.value_counts()["count"].to_numpy()
        shares = sizes / max(1, sizes.sum())
        conflicts = int(decisions["flags"].list.contains("conflict").sum())
        told: dict[str, Any] = {"clusters": len(sizes)}
        if len(sizes):
            # exp of Shannon's entropy (Hill 1973): how many clusters of one size would be as uneven as these.
            effective = round(exp(-float((shares * np.log(shares)).sum())), 1)
            told |= {"largest cluster": int(sizes.max()), "effective clusters": effective}
        return told | ({"conflicts": conflicts} if conflicts else {})

    def _texts(self, batch: Batch) -> pl.Series:
        texts = spoken(batch, _ROLES[self.on], rejected=self.on == "conversation")
        return masked(texts) if self.mask else texts

    def written(self, rows: Rows) -> Iterator[tuple[int, Batch]]:
        """Read the earlier rows, each batch with the number of rows before it."""
        count = 0
        for path in self.against:
            for batch in rows.earlier(path):
                yield count, batch
                count += batch.height


class _Line:
    """All rows in greedy order: those of earlier runs, which stay, then those of this run.

    A row's number here (`frame["row"]`) is its place among all earlier rows, or its own number after all these.
    """

    def __init__(self, own: pl.DataFrame, stage: NearDedup, rows: Rows) -> None:
        self.stage, self.rows = stage, rows
        self.base = 0
        self.ids: list[str] = []
        before = []
        for start, batch in stage.written(rows):
            self.base = start + batch.height
            made = stage.sketch(batch).with_columns(row=pl.Series(np.arange(start, self.base, dtype=np.uint64)))
            says = made["count"] > 0
            before.append(made.filter(says))
            self.ids += batch["id"].filter(says).to_list()
        if before:
            self.frame = pl.concat([*before, own.with_columns(pl.col("row") + self.base)]).rechunk()
        else:
            self.frame = own
        self.start = len(self.ids)

    def decisions(self) -> pl.DataFrame:
        """Search; give the decisions of the rows of this run."""
        stage, frame, tick = self.stage, self.frame, self.rows.tick
        answers = self._answers() if stage._heeds_answers else None
        apart = self._apart() if stage._heeds_answers and stage.on == "question" else None
        read = self._read(stage._texts)
        if stage.backend == "native":
            group = np.maximum(np.arange(frame.height) - (self.start - 1), 0) if self.start else None
            agree = answers.same if answers is not None else None
            found = search(frame, read, stage.threshold, stage.ngram, group, tick, apart=apart, agree=agree)
        else:
            from ftdata.selectors.near_dedup import by_datasketch

            settings = stage.threshold, stage.ngram
            found = by_datasketch.search(frame, self.start, read, *settings, tick, apart, answers)
        return self._told(found, answers)

    def _told(self, found: Twins, answers: Answers | None) -> pl.DataFrame:
        numbers = (self.frame["row"] - self.base).cast(pl.Int64, wrap_numerical=True).to_list()
        drops: dict[int, tuple[str, str]] = {}
        notes: dict[int, str] = {}
        tags: dict[int, str] = {}
        at = np.flatnonzero(found.twin >= 0)
        for place, twin, alike in _listed(at, found.twin[at], found.similarity[at]):
            number = numbers[place]
            if twin < self.start:
                name = self.ids[twin]
                drops[number] = "near-duplicate-earlier", f"earlier {name}, J {alike:.4f}"
                tags[number] = f'"earlier": {dumps(name)}, "similarity": {round(alike, 4)}'
            else:
                leader = numbers[twin]
                drops[number] = "near-duplicate", f"twin row {leader}, J {alike:.4f}"
                tags[number] = f'"cluster": {leader}, "similarity": {round(alike, 4)}'
                tags[leader] = f'"cluster": {leader}, "similarity": 1.0'
        if answers is not None:
            at = np.flatnonzero(found.rival >= 0)
            differ = answers.differing(at, found.rival[at])
            for place, rival, alike, words in _listed(at, found.rival[at], found.nearness[at], differ):
                number, own = numbers[place], rival >= self.start
                name = f"row {numbers[rival]}" if own else f"earlier {self.ids[rival]}"
                notes[number] = f"conflict {name}, J {alike:.4f}, {differing(words)}"
                told = f'"conflict": {{"with": {numbers[rival] if own else dumps(self.ids[rival])}}}'
                tags[number] = f"{tags[number]}, {told}" if number in tags else told
        decided = sorted(tags)
        conflicts = np.array([row in notes for row in decided], dtype=np.int64)
        flags = pl.Series(["conflict"] * int(conflicts.sum()), dtype=pl.String)
        return pl.DataFrame(
            {
                "row": decided,
                "drop": [drops[row][0] if row in drops else None for row in decided],
                "note": [drops[row][1] if row in drops else notes.get(row) for row in decided],
                "flags": nest(flags, np.concatenate(([0], np.cumsum(conflicts)))),
                "tags": [f"{{{tags[row]}}}" for row in decided],
            },
            schema=_DECISIONS,
        )

    def _read(self, texts: Callable[[Batch], pl.Series]) -> Read:
        """Make what reads rows again, of earlier runs and of this one, by their numbers here."""

        def read(numbers: Iterable[int]) -> Iterator[tuple[_Array, pl.Series]]:
            wanted = np.sort(np.fromiter(numbers, dtype=np.uint64))
            cut = int(np.searchsorted(wanted, self.base))
            earlier, own = wanted[:cut], wanted[cut:]
            for start, batch in self.stage.written(self.rows) if cut else ():
                lo, hi = np.searchsorted(earlier, [start, start + batch.height])
                if lo < hi:
                    yield earlier[lo:hi], texts(batch[(earlier[lo:hi] - np.uint64(start)).astype(np.int64)])
            for batch in self.rows.take((own - np.uint64(self.base)).tolist()) if len(own) else ():
                yield batch["row"].to_numpy() + np.uint64(self.base), texts(batch)

        return read

    def _answers(self) -> Answers:
        stage, frame = self.stage, self.frame
        length = frame["said" if stage.on == "question" else "size"].to_numpy().astype(np.int64)
        read, numbers = self._read(_answers), frame["row"].to_numpy()
        return Answers(numbers, length, read, stage.threshold, stage.ngram, self.rows.tick)

    def _apart(self) -> _Array:
        """Tell rows of one question apart by their answers: a number for each, 0 where no other row asks the same."""
        found: _Array = np.zeros(self.frame.height, dtype=np.uint64)
        places = np.flatnonzero(self.frame.select("hi", "lo").is_duplicated().to_numpy())
        places = places[np.argsort(self.frame["row"].to_numpy()[places])]
        numbers = self.frame["row"].to_numpy()[places]
        for rows, texts in self._read(_answers)(numbers.tolist()):
            self.rows.tick()
            found[places[np.searchsorted(numbers, rows)]] = identity(texts, self.stage.ngram)
        return found


def _answers(batch: Batch) -> pl.Series:
    """Give the answer of each row; empty where nobody asks."""
    asked = spoken(batch, _ROLES["question"]).str.strip_chars() != ""
    return pl.select(pl.when(asked).then(spoken(batch, _ROLES["answer"])).otherwise(pl.lit(""))).to_series()


def _listed(*columns: _Array) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
