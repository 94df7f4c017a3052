"""How much of a dataset is new: clusters of rows that say about the same, copies, openings, runs of words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
import xxhash
from pydantic import Field

from ftdata.batch import Batch
from ftdata.checks.grams import LONGEST, different, lowest, runs, words
from ftdata.checks.spread import even
from ftdata.similarity import sketch, spoken
from ftdata.similarity.clusters import clusters
from ftdata.stages import Check, Example, Finding

SHOWN = 20
"""Rows named for one finding at most."""
FEW = 100
"""Below so many rows shares say little, and nothing is judged."""
ENOUGH = 1000
"""Effective clusters that are enough whatever share of the rows they are: LIMA's number of rows."""
NEAR = 0.8
"""Similarity from which rows count as copies of one another, as in near-dedup."""
TOP = 10

_ROLES = {"conversation": ("user", "assistant"), "question": ("user",), "answer": ("assistant",)}
_OPENING = 3
_ROUNDING = 1e-9  # exp(H) of rows that all differ is their number but for this

_ORDER = "Hello, I paid a week ago and would like to know where my order {} is by now, please."
_OTHERS = ("Posso trocar a cor do tênis depois de pagar?", "¿Hacen envíos a Canarias?")


class Diversity(Check):
    """Measure how many different things the rows say, and warn where most of them say the same.

    Rows are put into clusters: each is like the row that stands for its cluster, by a Jaccard similarity of `threshold`
    or more over runs of `ngram` words. Similarities are estimated from sketches of 128 values (standard error 0.044 at
    0.5), near-linear in the number of rows, and the same for any order of them. `diversity-clusters` tells:

    - `different`: rows that differ in some run of words; `effective_rows`: clusters at a similarity of 0.8, what
      near-dedup would about leave;
    - `clusters`, `singletons` (share of the rows alone in theirs), `top_10` (share of the rows in the largest ten);
    - `effective`: exp(H), H the Shannon entropy of the clusters' shares, and `effective_simpson`: 1 / Σ p², in which
      large clusters count more (Hill numbers of order 1 and 2; Hill 1973). As many clusters of equal size would be as
      diverse. Rows that say nothing are left out of all this (`silent`).

    `diversity-words` tells how many different runs of 1, 2 and 3 words there are per run (distinct-n, Li et al. 2016,
    arXiv:1510.03055; estimated to 3 %). It falls as rows are added: compare sets of like size only.

    | code | when, of 100 rows or more | where |
    |---|---|---|
    | `diversity-low` | `effective` is under `min_effective` of the rows, and under 1,000 | the largest |
    | `diversity-top` | the ten largest clusters, of more than 20, hold over `max_top` of the rows | the largest |
    | `diversity-copies` | over `max_copies` of the rows are copies: similarity 0.8 or more | the most copied |
    | `diversity-openings` | over `max_opening` of the rows begin with the same three words | these |

    Why: 1,000 rows that were picked to differ taught a model more than many that did not (LIMA, Zhou et al. 2023,
    arXiv:2305.11206), and copies are learnt by heart (Lee et al. 2022, arXiv:2107.06499). The bounds are rules of
    thumb. Columns read: `messages`.
    """

    name: ClassVar[str] = "diversity"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "four questions that differ in a number, and two others: three clusters",
            tuple((text, "…") for text in (*map(_ORDER.format, (5521, 7314, 2047, 9962)), *_OTHERS)),
        ),
    )

    on: Literal["question", "answer", "conversation"] = Field(
        "question", description="what is compared: question, answer or conversation"
    )
    threshold: float = Field(0.5, ge=0.3, le=0.95, description="similarity within a cluster, 0.3 to 0.95")
    ngram: int = Field(3, ge=1, le=20, description="words in a run, 1 to 20")
    min_effective: float = Field(
        0.05, ge=0, le=1, description="effective clusters per row that there should be; 0 turns this off"
    )
    max_top: float = Field(
        0.5, gt=0, le=1, description="share of the rows that the ten largest clusters may hold; 1 turns this off"
    )
    max_copies: float = Field(0.2, ge=0, le=1, description="share of the rows that may be copies; 1 turns this off")
    max_opening: float = Field(
        0.3, gt=0, le=1, description="share of the rows that may begin with the same three words; 1 turns this off"
    )
    level: Literal["warn", "error"] = Field("warn", description="level of the findings but the measures")

    def reads_meta(self) -> frozenset[str]:
        """Read none."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's sketch and a hash of its first words: 292 bytes a row; once a batch its runs (`grams`)."""
        texts = spoken(batch, _ROLES[self.on])
        hashes, counts = words(texts)
        openings: list[int | None] = [None] * batch.height
        starts = np.cumsum(counts) - counts
        for at in np.flatnonzero(counts >= _OPENING).tolist():
            first = hashes[starts[at] : starts[at] + _OPENING]
            openings[at] = xxhash.xxh3_64_intdigest(first.astype("<u8").tobytes())
        grams: list[list[int] | None] = [None] * batch.height
        if batch.height and len(hashes):
            # The number of runs of each length, how many hashes of each follow, these hashes.
            found = runs(hashes, counts)
            sizes = [total for _, total in found] + [len(values) for values, _ in found]
            grams[0] = [*sizes, *(value for values, _ in found for value in values.tolist())]
        own = sketch(texts, self.ngram).select("count", "hi", "sketch")
        columns = [
            batch["row"],
            *own,
            pl.Series("opening", openings, pl.UInt64),
            pl.Series("grams", grams, pl.List(pl.UInt64)),
        ]
        return pl.DataFrame(columns)

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give the measures, and a finding for each bound that is passed; none without rows."""
        rows = int(sketches.select(pl.len()).collect().item())
        # Copies once, in the order of their hashes: who stands for a cluster follows from nothing but texts.
        said = (
            sketches.select("row", "count", "hi")
            .with_row_index("at")
            .filter(pl.col("count") > 0)
            .group_by("hi")
            .agg(pl.col("row").min(), pl.len().alias("copies"), pl.col("at").min())
            .sort("hi")
            .collect()
        )
        if not said.height:
            return []
        values = sketches.select("sketch").collect(engine="in-memory")["sketch"].to_numpy()
        places = said["at"].to_numpy().astype(np.int64)
        named = said.with_columns(
            cluster=pl.Series(clusters(values, self.threshold, places)), near=pl.Series(clusters(values, NEAR, places))
        )
        del values
        return [*self._clusters(rows, named), *self._openings(sketches), *_words(sketches)]

    def _clusters(self, rows: int, named: pl.DataFrame) -> Iterator[Finding]:
        sizes = _sizes(named, "cluster")
        near = _sizes(named, "near")
        counts = sizes["rows"].to_numpy()
        known = int(counts.sum())
        shares, effective = counts / known, even(counts)
        top = int(counts[:TOP].sum()) / known
        numbers: dict[str, Any] = {
            "rows": known,
            "silent": rows - known,
            "different": named.height,
            "effective_rows": near.height,
            "clusters": sizes.height,
            "effective": round(effective, 1),
            "effective_simpson": round(1 / math.fsum((shares**2).tolist()), 1),
            "largest": round(int(counts[0]) / known, 4),
            "top_10": round(top, 4),
            "singletons": round(int((counts == 1).sum()) / known, 4),
            "on": self.on,
            "threshold": self.threshold,
        }
        told = (
            f"{known:,} rows say {near.height:,} different things, in {sizes.height:,} clusters, as diverse as "
            f"{effective:,.1f} of equal size; the ten largest hold {top:.0%}, {numbers['singletons']:.0%} stand alone "
            "(similarity estimated)"
        )
        yield Finding("diversity-clusters", "info", told, numbers)
        if known < FEW:
            return
        if effective < ENOUGH and effective < self.min_effective * known * (1 - _ROUNDING):
            told = (
                f"{known:,} rows are as diverse as {effective:,.1f} clusters, {effective / known:.1%} of them; more of "
                "the same will not help: add others, or keep the most diverse with downsample: rows = …"
            )
            numbers = {"effective": round(effective, 1), "rows": known, "min_effective": self.min_effective}
            yield self._finding("diversity-low", told, numbers, sizes["row"][0])
        if top > self.max_top and sizes.height > 2 * TOP:
            told = (
                f"the ten largest of {sizes.height:,} clusters hold {top:.0%} of the rows; lower near-dedup: threshold"
            )
            numbers = {"share": round(top, 4), "max_top": self.max_top, "largest": int(counts[0])}
            yield self._finding("diversity-top", told, numbers, sizes["row"][0])
        copies = known - near.height
        if copies > self.max_copies * known:
            told = f"{copies:,} of {known:,} rows say nearly the same as another one; put a near-dedup step before"
            numbers = {"copies": copies, "share": round(copies / known, 4), "max_copies": self.max_copies}
            yield self._finding("diversity-copies", told, numbers, near["row"][0])

    def _openings(self, sketches: pl.LazyFrame) -> Iterator[Finding]:
        counted = (
            sketches.filter(pl.col("opening").is_not_null())
            .group_by("opening")
            .agg(pl.len().alias("rows"), pl.col("row").bottom_k(SHOWN))
            .sort(["rows", "opening"], descending=[True, False])
            .collect()
        )
        known = int(counted["rows"].sum())
        if known < FEW or counted["rows"][0] <= self.max_opening * known:
            return
        most = int(counted["rows"][0])
        told = f"{most:,} of {known:,} rows begin with the same {_OPENING} words; vary them, or cut the greeting off"
        numbers = {"rows": most, "share": round(most / known, 4), "max_opening": self.max_opening}
        yield self._finding("diversity-openings", told, numbers, counted["row"][0])

    def _finding(self, code: str, message: str, numbers: dict[str, Any], rows: pl.Series) -> Finding:
        return Finding(code, self.level, message, numbers, tuple(int(row) for row in rows.sort().head(SHOWN)))


def _sizes(named: pl.DataFrame, cluster: str) -> pl.DataFrame:
    """Give the rows of each cluster, the largest first, and some of the rows in it: one of each text."""
    return (
        named.group_by(cluster)
        .agg(pl.col("copies").sum().cast(pl.Int64).alias("rows"), pl.col("row").bottom_k(SHOWN))
        .sort(["rows", cluster], descending=[True, False])
    )


def _words(sketches: pl.LazyFrame) -> Iterator[Finding]:
    totals = [0] * LONGEST
    parts: list[list[np.ndarray[Any, Any]]] = [[] for _ in range(LONGEST)]
    for listed in sketches.select(pl.col("grams").drop_nulls()).collect()["grams"]:
        values = listed.to_numpy()
        at = 2 * LONGEST
        for place in range(LONGEST):
            totals[place] += int(values[place])
            size = int(values[LONGEST + place])
            parts[place].append(values[at : at + size])
            at += size
            if len(parts[place]) > 64:
                parts[place] = [lowest(parts[place])]
    if not totals[0]:
        return
    counts = [different(lowest(found)) for found in parts]
    numbers: dict[str, Any] = {"words": totals[0], "vocabulary": counts[0]}
    for place, (count, total) in enumerate(zip(counts, totals, strict=True), 1):
        numbers[f"distinct_{place}"] = round(min(1.0, count / total), 4) if total else None
    told = f"about {counts[0]:,} different words in {totals[0]:,}"
    if totals[1]:
        told += f"; {numbers['distinct_2']:.0%} of the runs of two words are different"
    yield Finding("diversity-words", "info", told, numbers)
