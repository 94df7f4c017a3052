"""Decontamination: what stands in the evaluation must not stand in the training data.

Two rules, each exact. *Near*: Jaccard similarity of runs of words, as in near-dedup (NVIDIA's Nemotron curation
decontaminates by it at 0.8). *Runs*: a run of 13 words of an evaluation's question stands in the row (Brown et al.
2020, Language Models are Few-Shot Learners, appendix C: any n-gram overlap, n from 8 to 13); runs that stand in more
than 10 rows are phrases (NeMo Curator, `TaskDecontamination`: `max_ngram_size` 13, `min_ngram_size` 8, `max_matches`
10).

Memory: what `guard.py` says, and 24 bytes for each run of the evaluation's questions. The rows are read again for each
rule, batch by batch; at most `common` rows are held for each run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.errors import InputError
from ftdata.selectors import guard
from ftdata.selectors.guard import Ons, Texts, Threshold
from ftdata.selectors.telling import heard, tell
from ftdata.similarity.shingles import words
from ftdata.similarity.sketch import sets
from ftdata.stages import Example, Rows, Selector
from ftdata.wording import counted

SHORTEST = 8
"""Questions of fewer words are no run: too many rows ask the same by chance."""

_DECISIONS = {"row": pl.UInt64(), "drop": pl.String(), "note": pl.String()}
_Array = np.ndarray[Any, Any]


class Decontaminate(Selector):
    """Drop rows that stand in an evaluation, be it a benchmark or the test set of an earlier run.

    ```toml
    [[step]]
    use = "decontaminate"
    against = ["eval.jsonl", "out/v1/test.jsonl"]
    ```

    A row goes, reason `contaminated`, if

    - it is near an evaluation row: the Jaccard similarity J of runs of `ngram` words of what `on` names reaches the
      threshold, as in `near-dedup` (note `earlier eval.jsonl#17, J 0.9310`: file and row);
    - or a run of `overlap` words of an evaluation's question stands in what its user or assistant says (note `earlier
      eval.jsonl#17, 4 runs of 13 words`, the evaluation row with the most). A question of fewer words, but at least 8,
      is one run. Runs that stand in more than `common` rows of the data or of the evaluation are phrases and do not
      count.

    Case, punctuation and white space do not count. The evaluation should be scrubbed like the data (the same `pii`):
    placeholders on one side only keep copies apart. The summary tells how many evaluation rows were found. An
    evaluation without rows is an error.
    """

    name: ClassVar[str] = "decontaminate"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A question of the evaluation goes, also in other words here and there, and where it is quoted.",
            (
                ("Where is my order? The shop said that it would come on Monday, and it is not here.", "We look."),
                ("Onde fica a loja?", "Na rua das Flores."),
                (
                    "Hi, Ana here. Where is my order? The shop said that it would come on Monday, I think.",
                    "On its way.",
                ),
            ),
            {"against": ("eval.jsonl",)},
            earlier=(("Where is my order? The shop said that it would come on Monday, and it is not here!", "Soon."),),
        ),
    )

    against: tuple[Path, ...] = Field(
        min_length=1, description="evaluation rows: chat JSONL files, or folders of them or of a Hugging Face dataset"
    )
    threshold: Threshold = Field(
        0.8, description='J from which a row is contaminated, 0.5 to 1; "off": only runs of words count'
    )
    ngram: int = Field(5, ge=1, le=20, description="words in a run for J, 1 to 20")
    on: Ons = Field(
        ("conversation", "question"),
        description="what is compared by J, each by itself: conversation, question, answer; one or several",
    )
    overlap: Annotated[int, Field(ge=SHORTEST, le=100)] | Literal["off"] = Field(
        13, description='words in a run that may not stand in a row, 8 to 100; "off": only J counts'
    )
    common: int = Field(10, ge=1, description="rows in which a run stands at most; one in more is a phrase")

    @model_validator(mode="after")
    def _not_idle(self) -> Self:
        if self.threshold == "off" and self.overlap == "off":
            raise ValueError("nothing is left to look for; set threshold or overlap")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give nothing but `row`: what the evaluation holds is known only when it is read."""
        return batch.select("row")

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Drop the rows that are near an evaluation row, then those in which a run of its question stands."""
        numbers = sketches.collect()["row"].sort().to_numpy()
        if not len(numbers):
            return pl.LazyFrame(schema=_DECISIONS)
        evaluation = _Evaluation(self, rows)
        if not evaluation.ids:  # held against nothing, every row would seem clean
            named = ", ".join(map(str, self.against))
            raise InputError(f"decontaminate: against: {named}: holds no rows; name the files of the evaluation")
        hits: dict[int, _Hit] = {}
        if self.threshold != "off":
            for row, (other, similarity) in evaluation.near(numbers).items():
                hits[row] = _Hit(other, f"J {similarity:.4f}")
        found = evaluation.found(sorted(hits)) if hits else {}
        if self.overlap != "off":
            shared = evaluation.shared(_without(numbers, hits))
            for row, other, size, count in shared.best():
                hits[row] = _Hit(other, f"{counted(count, f'run of {size} words')}")
            for other, row in shared.places():
                found.setdefault(other, row)
        decided = [
            (row, "contaminated", f"earlier {evaluation.ids[hit.other]}, {hit.told}")
            for row, hit in sorted(hits.items())
        ]
        near = sum(hit.told.startswith("J ") for hit in hits.values())
        told = {
            "evaluation rows found": f"{len(found):,} of {len(evaluation.ids):,}",
            "by": {"near": near, "runs": len(hits) - near},
        }
        return tell(pl.DataFrame(decided, schema=_DECISIONS, orient="row"), int(numbers[0]), told).lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: how many evaluation rows were found, and by which rule rows went."""
        return heard(decisions)


class _Hit(NamedTuple):
    """The evaluation row, by its number from 0, for which a row goes, and what is told of it."""

    other: int
    told: str


class _Evaluation:
    """The evaluation; its rows are numbered from 0."""

    def __init__(self, stage: Decontaminate, rows: Rows) -> None:
        self.stage, self.rows = stage, rows
        self.ids: list[str] = []
        self.runs = _Runs(stage)
        for start, batch in self._read():
            self.ids += batch["id"].to_list()
            if stage.overlap != "off":
                self.runs.add(start, guard.said(batch, ["question"])[0])
        self.runs.sort()

    def _read(self) -> Iterator[tuple[int, Batch]]:
        """Read the evaluation, each batch with the number of rows before it."""
        count = 0
        for path in self.stage.against:
            for batch in self.rows.earlier(path):
                yield count, batch
                count += batch.height

    def _theirs(self) -> Texts:
        for start, batch in self._read():
            yield np.arange(start, start + batch.height), guard.said(batch, self.stage.on)

    def _ours(self, numbers: Sequence[int]) -> Texts:
        for batch in self.rows.take(numbers):
            yield batch["row"].to_numpy(), guard.said(batch, self.stage.on)

    def _near(self, guarded: Texts, others: Callable[[], Texts]) -> dict[int, tuple[int, float]]:
        return guard.near(guarded, others, float(self.stage.threshold), self.stage.ngram, self.rows.tick)

    def near(self, numbers: _Array) -> dict[int, tuple[int, float]]:
        """Give the rows that are near an evaluation row, the number of the first such, and their J."""
        return self._near(self._theirs(), partial(self._ours, numbers.tolist()))

    def found(self, gone: Sequence[int]) -> dict[int, int]:
        """Give the evaluation rows that are near a row that goes, with the first such row."""
        return {other: row for other, (row, _) in self._near(self._ours(gone), self._theirs).items()}

    def shared(self, numbers: _Array) -> _Shared:
        """Look for the runs in these rows; those of more than `common` are left out."""
        counts = np.zeros(len(self.runs), dtype=np.int64)
        held: list[tuple[_Array, _Array]] = []
        for batch in self.rows.take(numbers.tolist()) if len(self.runs) else ():
            self.rows.tick()
            texts, own = guard.said(batch, ["conversation"])[0], batch["row"].to_numpy()
            for size in self.runs.lengths:
                flat, bounds = sets(texts, size)
                places, runs = self.runs.find(flat, size)
                counts += np.bincount(runs, minlength=len(counts))
                rare = counts[runs] <= self.stage.common
                held.append((own[np.searchsorted(bounds, places[rare], side="right") - 1], runs[rare]))
        found = [np.concatenate(part) for part in zip(*held, strict=True)] if held else [numbers[:0], numbers[:0]]
        rare = counts[found[1].astype(np.int64)] <= self.stage.common
        return _Shared(found[0][rare], found[1][rare].astype(np.int64), self.runs)


class _Runs:
    """The runs of the evaluation's questions, by size in words; a run is known by its place among all of them."""

    def __init__(self, stage: Decontaminate) -> None:
        self.stage = stage
        self.lengths: list[int] = []
        self._parts: dict[int, list[tuple[_Array, _Array]]] = {}
        self._hashes: dict[int, tuple[int, _Array]] = {}
        self.size = self.owners = np.zeros(0, dtype=np.int64)
        self.starts = np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.size)

    def add(self, start: int, questions: pl.Series) -> None:
        """Add the questions of rows, numbered from `start`."""
        most = int(self.stage.overlap)
        sizes = np.array([min(len(words(text)), most) for text in questions.to_list()], dtype=np.int64)
        for size in np.unique(sizes[sizes >= min(SHORTEST, most)]).tolist():
            at = np.flatnonzero(sizes == size)
            flat, bounds = sets(questions.gather(at), size)
            self._parts.setdefault(size, []).append((flat, np.repeat(at + start, np.diff(bounds))))

    def sort(self) -> None:
        """Finish: sort the runs, and leave out those that stand in too many questions."""
        for length in sorted(self._parts):
            hashes, owners = (np.concatenate(part) for part in zip(*self._parts.pop(length), strict=True))
            order = np.lexsort((owners, hashes))
            hashes, owners = hashes[order], owners[order]
            firsts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
            times = np.diff(np.append(firsts, len(hashes)))
            rare = times <= self.stage.common
            self._hashes[length] = (len(self.size), hashes[firsts[rare]])
            self.size = np.append(self.size, np.full(int(rare.sum()), length))
            self.starts = np.append(self.starts, self.starts[-1] + np.cumsum(times[rare]))
            self.owners = np.append(self.owners, owners[np.repeat(rare, times)])
        self.lengths = sorted(self._hashes)

    def owned(self, runs: _Array) -> tuple[_Array, _Array]:
        """Give the evaluation rows that each of these runs stands in, one after the other, and how many it are."""
        times = self.starts[runs + 1] - self.starts[runs]
        within = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        return self.owners[np.repeat(self.starts[runs], times) + within], times

    def find(self, hashes: _Array, length: int) -> tuple[_Array, _Array]:
        """Give the positions of the hashes that are runs of that many words, and which runs."""
        first, known = self._hashes[length]
        if not len(known) or not len(hashes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        places = np.flatnonzero(known[at] == hashes)
        return places, at[places] + first


class _Shared:
    """Which rows hold which runs."""

    def __init__(self, rows: _Array, runs: _Array, of: _Runs) -> None:
        others, times = of.owned(runs)
        own, sizes = np.repeat(rows, times).astype(np.uint64), np.repeat(of.size[runs], times)
        self.frame = pl.DataFrame({"row": own, "other": others, "size": sizes})

    def best(self) -> Iterator[tuple[int, int, int, int]]:
        """Give each row with the evaluation row that it shares the most runs with, their size and their number."""
        counted = self.frame.group_by("row", "other", "size").len("count")
        ordered = counted.sort("row", "count", "other", descending=[False, True, False])
        yield from ordered.unique("row", keep="first", maintain_order=True).rows()

    def places(self) -> Iterator[tuple[int, int]]:
        """Give the evaluation rows of which a run was found, with the first row that holds one."""
        yield from self.frame.group_by("other").agg(pl.col("row").min()).sort("other").rows()


def _without(numbers: _Array, hits: dict[int, _Hit]) -> _Array:
    return numbers[~np.isin(numbers, np.fromiter(hits, dtype=np.uint64, count=len(hits)))]
