"""Near-duplicates: candidates by MinHash and bands, each verified by exact Jaccard, and leaders to stand for the rest.

`shingles.py` says what is compared. The 128 permutations are datasketch's (its affine scheme of 32 bits), cut into 32
bands of 4: of pairs at J = 0.8 one in 20 million shares no band (`(1 - J⁴)³²`), of pairs at 0.7 one in 6,500; the bands
that datasketch itself chooses for 0.8 miss 60 % of the pairs at the threshold. A pair is compared exactly unless its
sketches have less in common than all but one in 10,000 pairs at the threshold.
Sets stand for their 64-bit hashes: exact but for collisions, below 1e-14 for a pair of 400 shingles.

Memory: a sketch takes 548 bytes a row, datasketch's index about 11 KB for each kept row that shares a band with
another; texts are read again block by block, with those of the kept rows that they may be like.

Time: grows with the square of the rows that one template makes and that all stay, since each is held against all kept
before: 4,000 tickets of 160 words take 5 s of CPU at a mean J of 0.55 and 16 s at 0.69; all else is linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from math import comb
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import xxhash
from pydantic import Field

from ftdata.batch import ROWS, TEXT, Batch, dumps
from ftdata.similarity.shingles import hashes, jaccard, spoken
from ftdata.stages import Rows, Selector

PERMUTATIONS = 128
SEED = 1
"""Of the permutations (datasketch's default). It decides nothing but which pairs are missed, so it is no field."""

_ROLES = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}
_CHUNK = 8192
"""Shingles permuted at once: 4 MB."""
_SKETCH = {
    "row": pl.UInt64(),
    "size": pl.UInt32(),
    "count": pl.UInt32(),
    "hi": pl.UInt64(),
    "lo": pl.UInt64(),
    "sketch": pl.Array(pl.UInt32, PERMUTATIONS),
}
_DECISIONS = {"row": pl.UInt64(), "drop": pl.String(), "note": pl.String(), "tags": pl.String()}
_Array = np.ndarray[Any, Any]


class NearDedup(Selector):
    """Drop conversations that say nearly the same as one that is kept.

    What user and assistant say is compared as the set of all runs of `ngram` words, by the Jaccard similarity J (shared
    runs / all runs of both); upper and lower case, punctuation and white space do not count, nor do system messages.
    In scripts without spaces, such as Chinese or Thai, each letter is a word. A text of `ngram` words or fewer is like
    its equal only; one that says nothing is nobody's duplicate.

    The rows are gone through in the order that `keep` says. A row goes only if one kept before it is at or above the
    threshold, so every dropped row has a kept twin: reason `near-duplicate`, note `twin row 17, J 0.9310` (the first
    such row; one with the very same runs before all others). Twins and the row that stands for them have the tags
    `near-dedup.cluster` (number of that row) and `near-dedup.similarity`.

    What `against` names comes before all rows and is never dropped itself: a row like one of it goes for the reason
    `near-duplicate-earlier`, note `earlier train.jsonl#17, J 0.9310` (file and row), tags `near-dedup.earlier` and
    `near-dedup.similarity`.
    """

    name: ClassVar[str] = "near-dedup"
    decides_with: ClassVar[tuple[str, ...]] = ("datasketch",)

    threshold: float = Field(
        0.8, ge=0.5, le=1, description="J from which a row is a duplicate, 0.5 to 1; below, nearly all rows are alike"
    )
    ngram: int = Field(5, ge=1, le=20, description="words in a run, 1 to 20")
    on: Literal["conversation", "question", "answer"] = Field(
        "conversation", description="what is compared: conversation, question or answer"
    )
    keep: Literal["first", "last", "longest"] = Field(
        "first",
        description="which rows come first and stay: first, last or longest (by what is compared; then first)",
    )
    against: tuple[Path, ...] = Field(
        (), description="what earlier runs wrote: chat JSONL files, or folders of them or of a Hugging Face dataset"
    )

    def reads_meta(self) -> frozenset[str] | None:
        """Read no meta."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's characters (`size`), number of shingles (`count`), their hash (`hi`, `lo`) and MinHash."""
        texts = self._texts(batch)
        counts = np.zeros(batch.height, dtype=np.uint32)
        halves = np.zeros((batch.height, 2), dtype=">u8")
        values = np.zeros((batch.height, PERMUTATIONS), dtype=np.uint32)
        for at, text in enumerate(texts.to_list()):
            found = hashes(text, self.ngram)
            counts[at] = len(found)
            halves[at] = np.frombuffer(xxhash.xxh3_128_digest(found.astype("<u8").tobytes()), dtype=">u8")
            values[at] = _minhash(found)
        columns = [batch["row"], texts.str.len_chars(), counts, *halves.astype(np.uint64).T, values]
        pairs = zip(_SKETCH.items(), columns, strict=True)
        return pl.DataFrame([pl.Series(name, column, kind) for (name, kind), column in pairs])

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Go through the rows in keep order, after those of earlier runs; drop each that is like one kept before."""
        order = {"first": ["row"], "last": ["row"], "longest": ["size", "row"]}[self.keep]
        falling = {"first": [False], "last": [True], "longest": [True, False]}[self.keep]
        own = sketches.filter(pl.col("count") > 0).collect().sort(order, descending=falling)
        before = self._earlier(rows)
        line = _Line(pl.concat([before.drop("id"), own]), before.height, self)
        line.walk(rows)
        return self._decisions(line, before["id"].to_list()).lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: how many kept rows have near-duplicates."""
        return {"clusters": decisions.filter(pl.col("drop").is_null()).height}

    def _texts(self, batch: Batch) -> pl.Series:
        return spoken(batch, _ROLES[self.on], rejected=self.on == "conversation")

    def _written(self, rows: Rows) -> Iterator[tuple[int, Batch]]:
        """Read the earlier rows, each batch with the number of rows before it."""
        count = 0
        for path in self.against:
            for batch in rows.earlier(path):
                yield count, batch
                count += batch.height

    def _earlier(self, rows: Rows) -> pl.DataFrame:
        """Sketch the earlier rows; `row` is their number over all of `against`, from 0."""
        found = [pl.DataFrame(schema={**_SKETCH, "id": pl.String()})]
        for start, batch in self._written(rows):
            numbers = pl.Series("row", np.arange(start, start + batch.height, dtype=np.uint64))
            sketch = self.sketch(batch).with_columns(numbers, batch["id"])
            found.append(sketch.filter(pl.col("count") > 0))
        return pl.concat(found)

    def _decisions(self, line: _Line, ids: list[str]) -> pl.DataFrame:
        numbers = line.rows.tolist()
        decided: list[tuple[int, str | None, str | None, str]] = []
        leaders: set[int] = set()
        for at in np.flatnonzero(line.twins >= 0).tolist():
            twin, alike = int(line.twins[at]), float(line.alike[at])
            if twin < line.start:
                tags: dict[str, Any] = {"earlier": ids[twin]}
                told = ("near-duplicate-earlier", f"earlier {ids[twin]}")
            else:
                tags = {"cluster": numbers[twin]}
                told = ("near-duplicate", f"twin row {numbers[twin]}")
                leaders.add(twin)
            tags["similarity"] = round(alike, 4)
            decided.append((numbers[at], told[0], f"{told[1]}, J {alike:.4f}", dumps(tags)))
        for leader in leaders:
            decided.append((numbers[leader], None, None, dumps({"cluster": numbers[leader], "similarity": 1.0})))
        return pl.DataFrame(decided, schema=_DECISIONS, orient="row").sort("row")


class _Line:
    """All rows in greedy order: the first `start` ones are of earlier runs, and stay; then those of this run.

    `walk` finds for each row the kept one before it that it is like: its position in `twins` (-1: it is kept), their
    similarity in `alike`.
    """

    def __init__(self, frame: pl.DataFrame, start: int, stage: NearDedup) -> None:
        self.stage, self.start = stage, start
        self.rows, self.counts = frame["row"].to_numpy(), frame["count"].to_numpy()
        self.sketches = frame["sketch"].to_numpy()
        self.twins: _Array = np.full(frame.height, -1)
        self.alike: _Array = np.ones(frame.height)
        places = frame.select("hi", "lo").with_row_index("place")
        self.first = places.select(pl.col("place").min().over("hi", "lo").cast(pl.Int64)).to_series().to_numpy()
        self.index = _Index(self.sketches, self.counts, stage.threshold)

    def walk(self, rows: Rows) -> None:
        """Go through the rows. Those of equal shingles are one: all but the first share its fate."""
        single = np.flatnonzero(self.first == np.arange(len(self.first)))
        single = single[self.index.mates(single)]
        for at in _each(single[single < self.start].tolist(), rows):
            self.index.add(at)
        own = single[single >= self.start]
        earlier = self._sets_of_earlier(rows, own)
        for block in self._blocks(own):
            self._walk_block(block, rows, earlier)
        copies = np.flatnonzero((self.first != np.arange(len(self.first))) & (np.arange(len(self.first)) >= self.start))
        leaders = self.first[copies]
        stayed = self.twins[leaders] < 0
        self.twins[copies] = np.where(stayed, leaders, self.twins[leaders])
        self.alike[copies] = np.where(stayed, 1.0, self.alike[leaders])

    def _walk_block(self, block: list[int], rows: Rows, earlier: dict[int, _Array]) -> None:
        stage, texts = self.stage, dict[int, str]()
        near = {other for at in _each(block, rows) for other in self.index.near(at) if other >= self.start}
        for batch in rows.take(self.rows[[*near, *block]].tolist()):
            texts.update(zip(batch["row"].to_list(), stage._texts(batch).to_list(), strict=True))
        sets = dict[int, _Array]()

        def shingled(at: int) -> _Array:
            if at < self.start:
                return earlier[at]
            if at not in sets:
                sets[at] = hashes(texts[int(self.rows[at])], stage.ngram)
            return sets[at]

        for at in _each(block, rows):
            for other in self.index.near(at):
                alike = jaccard(shingled(at), shingled(other))
                if alike >= stage.threshold:
                    self.twins[at], self.alike[at] = other, alike
                    break
            else:
                self.index.add(at)

    def _blocks(self, own: _Array) -> Iterator[list[int]]:
        """Cut the rows into blocks of a batch's size, whose texts may stand in memory at once."""
        block, held = list[int](), 0
        for at in own.tolist():
            block.append(at)
            held += int(self.counts[at])
            if len(block) >= ROWS or held >= TEXT // 8:
                yield block
                block, held = [], 0
        if block:
            yield block

    def _sets_of_earlier(self, rows: Rows, own: _Array) -> dict[int, _Array]:
        """Read again the earlier rows that any of this run may be like: they come from files, not from the spool."""
        if not self.start:
            return {}
        places = _each(own.tolist(), rows)
        wanted = {int(self.rows[other]): other for at in places for other in self.index.near(at)}
        sets: dict[int, _Array] = {}
        for start, batch in self.stage._written(rows):
            texts: Iterable[tuple[int, str]] = enumerate(self.stage._texts(batch).to_list(), start)
            sets.update({wanted[row]: hashes(text, self.stage.ngram) for row, text in texts if row in wanted})
        return sets


def _each(places: Iterable[int], rows: Rows) -> Iterator[int]:
    """Give places one by one; the run may be stopped between them, for one of a hot template takes its time."""
    for at in places:
        rows.tick()
        yield at


class _Index:
    """The rows kept so far, by their bands: which of them may a row be like?"""

    def __init__(self, sketches: _Array, counts: _Array, threshold: float) -> None:
        from datasketch import MinHashLSH

        self.sketches, self.counts, self.threshold = sketches, counts, threshold
        self.bands, self.width = bands(threshold)
        self.floor = least_agreeing(threshold)
        self.lsh = MinHashLSH(num_perm=PERMUTATIONS, params=(self.bands, self.width))

    def mates(self, places: _Array) -> _Array:
        """Say which of these rows share a band with another of them; no other need stand in the index."""
        shared = np.zeros(len(places), dtype=bool)
        for band in range(self.bands):
            values = self.sketches[places, band * self.width : (band + 1) * self.width]
            shared |= pl.DataFrame(list(values.T)).is_duplicated().to_numpy()
        return shared

    def add(self, at: int) -> None:
        """Add a row that is kept."""
        self.lsh.insert(at, self._minhash(at), check_duplication=False)

    def near(self, at: int) -> list[int]:
        """Give the rows that a row may be like, in greedy order: they share a band, and neither size nor sketch differs
        too much."""
        found: _Array = np.array(self.lsh.query(self._minhash(at)), dtype=np.int64)
        sizes, size = self.counts[found].astype(np.float64), float(self.counts[at])
        found = found[np.minimum(sizes, size) / np.maximum(sizes, size) >= self.threshold]
        agree = (self.sketches[found] == self.sketches[at]).sum(axis=1)
        near: list[int] = np.sort(found[agree >= self.floor]).tolist()
        return near

    def _minhash(self, at: int) -> Any:
        from datasketch import LeanMinHash

        return LeanMinHash(seed=SEED, hashvalues=self.sketches[at], scheme="affine32")


def bands(threshold: float) -> tuple[int, int]:
    """Give the number of bands and their width: the widest of at most 4 that finds 999 of 1,000 pairs at the threshold.

    The chance that a pair shares a band is 1 - (1 - Jʳ)ᵇ (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets,
    3.4.2).
    """
    for width in (4, 3):
        count = PERMUTATIONS // width
        if 1 - (1 - threshold**width) ** count >= 0.999:
            return count, width
    return PERMUTATIONS // 2, 2


def least_agreeing(threshold: float) -> int:
    """Give how many values two sketches have in common at least, but for one pair in 10,000 at the threshold.

    Each value is the same with the chance J (Broder 1997), so that their number is binomial.
    """
    total = 0.0
    for count in range(PERMUTATIONS + 1):
        total += comb(PERMUTATIONS, count) * threshold**count * (1 - threshold) ** (PERMUTATIONS - count)
        if total > 1e-4:
            return count
    return PERMUTATIONS


def _minhash(shingles: _Array) -> _Array:
    """Give the MinHash of a set of hashes, of which datasketch takes the lower 32 bits."""
    made = _empty().copy()
    for start in range(0, len(shingles), _CHUNK):
        made.update_batch(shingles[start : start + _CHUNK].astype(np.uint32).tolist())
    values: _Array = made.hashvalues
    return values


@cache
def _empty() -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=int, scheme="affine32")
