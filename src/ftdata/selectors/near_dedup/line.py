"""The rows in greedy order: which are near-duplicates, which are conflicts, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.batch import Batch, dumps, nest
from ftdata.selectors.near_dedup.asked import Askers
from ftdata.similarity import Twins, spoken
from ftdata.similarity.answers import Answers, differing, identity
from ftdata.similarity.twins import Read, search
from ftdata.similarity.verify import Shingles
from ftdata.stages import Rows

if TYPE_CHECKING:
    from ftdata.selectors.near_dedup.stage import NearDedup

_DECISIONS = {
    "row": pl.UInt64(),
    "drop": pl.String(),
    "note": pl.String(),
    "flags": pl.List(pl.String),
    "tags": pl.String(),
}
_Array = np.ndarray[Any, Any]


class Found(NamedTuple):
    """What was found at one threshold. `asks`: the rows that conflict with a row because both ask the very same."""

    twins: Twins
    asks: _Array
    answers: Answers | None


class Line:
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
            made = stage.sketch(batch).select(own.columns)
            made = made.with_columns(row=pl.Series(np.arange(start, self.base, dtype=np.uint64)))
            says = made["count"] > 0
            before.append(made.filter(says))
            self.ids += batch["id"].filter(says).to_list()
        if before:
            self.frame = pl.concat([*before, own.with_columns(pl.col("row") + self.base)]).rechunk()
        else:
            self.frame = own
        self.start = len(self.ids)
        self.numbers = self.frame["row"].to_numpy()
        self.apart: _Array | None = None
        self.askers: Askers | None = None
        if stage.heeds_answers:
            self.askers = Askers(self.frame["asked"], self.numbers, self._read, rows.tick)
            if stage.on == "question":
                self.apart = self._apart()

    def decisions(self) -> pl.DataFrame:
        """Search; give the decisions of the rows of this run."""
        found = self._found(self.stage.threshold)
        if len(found.asks):
            found.twins.nearness[found.asks] = self._similarity(found.asks, found.twins.rival[found.asks])
        return self._told(found)

    def counts(self, threshold: float) -> dict[str, int]:
        """Search at another threshold; tell how many rows of this run would go, stay, and conflict."""
        twins = self._found(threshold).twins
        gone, conflicts = (int(np.count_nonzero(at[self.start :] >= 0)) for at in (twins.twin, twins.rival))
        return {"drop": gone, "keep": self.frame.height - self.start - gone, "conflicts": conflicts}

    def _found(self, threshold: float) -> Found:
        """Search for twins, and for rivals among those that stay."""
        stage, frame, tick = self.stage, self.frame, self.rows.tick
        answers = self._answers(threshold) if stage.heeds_answers else None
        read = self._read(stage.texts)
        if stage.backend == "native":
            group = np.maximum(np.arange(frame.height) - (self.start - 1), 0) if self.start else None
            agree = answers.same if answers is not None else None
            twins = search(frame, read, threshold, stage.ngram, group, tick, apart=self.apart, agree=agree)
        else:
            from ftdata.selectors.near_dedup import by_datasketch

            twins = by_datasketch.search(frame, self.start, read, threshold, stage.ngram, tick, self.apart, answers)
        if answers is None or self.askers is None:
            return Found(twins, np.zeros(0, dtype=np.int64), None)
        row, first = self.askers.rivals(twins.twin < 0)
        fresh = (row >= self.start) & (twins.rival[row] < 0)
        row, first = row[fresh], first[fresh]
        other = ~answers.same(row, first)
        twins.rival[row[other]] = first[other]
        return Found(twins, row[other], answers)

    def _similarity(self, one: _Array, other: _Array) -> _Array:
        stage = self.stage
        shingles = Shingles(
            self.numbers, self.frame["count"].to_numpy(), self._read(stage.texts), stage.ngram, self.rows.tick
        )
        return shingles.jaccard(one, other)

    def _told(self, outcome: Found) -> pl.DataFrame:
        found, answers = outcome.twins, outcome.answers
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
            asks = np.isin(at, outcome.asks)
            for place, rival, alike, words, same in _listed(at, found.rival[at], found.nearness[at], differ, asks):
                number, own = numbers[place], rival >= self.start
                name = f"row {numbers[rival]}" if own else f"earlier {self.ids[rival]}"
                why = "same question, " if same else ""
                notes[number] = f"conflict {name}, {why}J {alike:.4f}, {differing(words)}"
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

    def _answers(self, threshold: float) -> Answers:
        stage, frame = self.stage, self.frame
        length = frame["said" if stage.on == "question" else "size"].to_numpy().astype(np.int64)
        return Answers(self.numbers, length, self._read(answers_of), threshold, stage.ngram, self.rows.tick)

    def _apart(self) -> _Array:
        """Tell rows of one question apart by their answers: a number for each, 0 where no other row asks the same."""
        found: _Array = np.zeros(self.frame.height, dtype=np.uint64)
        places = np.flatnonzero(self.frame.select("hi", "lo").is_duplicated().to_numpy())
        places = places[np.argsort(self.numbers[places])]
        numbers = self.numbers[places]
        for rows, texts in self._read(answers_of)(numbers.tolist()):
            self.rows.tick()
            found[places[np.searchsorted(numbers, rows)]] = identity(texts, self.stage.ngram)
        return found


def answers_of(batch: Batch) -> pl.Series:
    """Give the answer of each row; empty where nobody asks."""
    asked = spoken(batch, ("user",)).str.strip_chars() != ""
    return pl.select(pl.when(asked).then(spoken(batch, ("assistant",))).otherwise(pl.lit(""))).to_series()


def _listed(*columns: _Array) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
