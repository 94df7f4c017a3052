"""Fewer rows of what there is too much of, or of everything. Which rows stay follows from a hash of what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.checks.classes import LABEL, Told, classes
from ftdata.errors import RunError
from ftdata.selectors.apportion import dealt
from ftdata.selectors.exact_dedup import canonical, digests
from ftdata.selectors.telling import heard, tell
from ftdata.similarity import sketch, spoken
from ftdata.similarity.clusters import join
from ftdata.stages import Example, Rows, Selector, heads

_BANDS, _WIDTH = 5, 6
"""Of pairs at J = 0.9 98 % share one of 5 bands of 6 values, at 0.8 78 %, at 0.5 8 %: `1 - (1 - J⁶)⁵`."""
_NGRAM = 5
_TAG = "near-dedup"
_TOLD = 5
_BARE = "no class: "

_DECISIONS = {"row": pl.UInt64(), "drop": pl.String(), "note": pl.String()}

_Array = np.ndarray[Any, Any]

_MANY = tuple((f"Where is my order {number}?", "It is on its way.") for number in (5521, 7314, 2047, 9962))
_FEW = (("Can I pay by invoice?", "Yes, you can."), ("Posso pagar com boleto?", "Pode, sim."))
_CLASSES = ({"category": "shipping"},) * 4 + ({"category": "billing"},) * 2


class Downsample(Selector):
    """Keep fewer rows: cap each class, or take a sample of a given size, the most diverse rows first.

    The class of a row is the value of the meta field `by`, or the last text of the assistant where `by = "label"`. Give
    one of these:

    - `most`: rows of a class at most;
    - `most_share`: share of the rows that a class may have in the result; the largest cap that does it is worked out;
    - `to`: every class is cut to the size of the `smallest` one, or of the `median` one (of an even number the lower);
    - `rows`: rows that are kept in all; with `by` each class keeps its share, rounded up or down.

    Rows without a class are no class: the caps leave them alone, `rows` takes them in proportion.

    Within a class the first row of every cluster of near-duplicates comes first, then the second of each, and so on; in
    each round the order is that of a hash of the seed and of all that the row holds. So the same rows stay whatever
    their order in the input, a kept row stays when `most` or `rows` grows, and other rows are seldom changed by new
    ones. Clusters are those of near-dedup where it tagged a row, else rows that share a band of their sketches (98 % of
    pairs at J = 0.9, 78 % at 0.8).

    The reason is `downsampled`; the note tells how many of the class are kept: `class rank 1: 400 of 1,200 kept`, where
    the largest class has rank 1. Columns read: `messages` and all that belongs to a training row, `meta` (`by` and
    `near-dedup`).

    Errors: no row has the field `by` (the keys seen are listed), or no answer is a label of one line and at most 64
    characters; there are too few classes for `most_share`.
    """

    name: ClassVar[str] = "downsample"
    examples: ClassVar[tuple[Example, ...]] = (
        Example("a class is capped at two rows", (*_MANY, *_FEW), {"by": "category", "most": 2}, _CLASSES),
        Example(
            "every class is cut to the size of the smallest",
            (*_MANY, *_FEW),
            {"by": "category", "to": "smallest"},
            _CLASSES,
        ),
        Example(
            "three rows of all, each class in proportion", (*_MANY, *_FEW), {"by": "category", "rows": 3}, _CLASSES
        ),
    )

    by: str | None = Field(
        None,
        min_length=1,
        description='meta field that holds the class, dotted for inner keys; "label": the last text of the assistant',
    )
    most: int | None = Field(None, ge=1, description="rows of a class at most")
    most_share: float | None = Field(
        None, gt=0, lt=1, description="share of the rows of the result that a class may have, above 0 and below 1"
    )
    to: Literal["smallest", "median"] | None = Field(
        None, description="cut every class to the size of the smallest, or of the median one"
    )
    rows: int | None = Field(None, ge=1, description="rows to keep in all; with `by` each class in proportion")
    diverse: bool = Field(
        True, description="rows unlike one another come first in a class; false: by the hash alone, which is faster"
    )
    seed: int = Field(0, ge=0, lt=2**64, description="another seed keeps other rows")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("most", "most_share", "to", "rows") if getattr(self, name) is not None]
        if len(given) != 1:
            told = f"{' and '.join(given)} are given" if given else "nothing says how many rows to keep"
            raise ValueError(f"{told}; give one of most, most_share, to and rows")
        if self.by is None and self.rows is None:
            raise ValueError(f'{given[0]} caps classes, and none are named; name a meta field, such as by = "category"')
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the field `by`, and the tags of near-dedup."""
        return heads(field for field in self._fields if field != LABEL) | ({_TAG} if self.diverse else frozenset())

    @property
    def _fields(self) -> tuple[str, ...]:
        return () if self.by is None else (self.by,)

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give hashes of each row's class, of all that it holds, and of 5 bands of its sketch: 48 bytes a row.

        `told` holds names and keys, null for most rows.
        """
        found = classes(batch, self._fields)
        if self.by is None:
            found = found.with_columns(class_0=pl.lit(0, pl.UInt64))
        key = digests(canonical(batch), self.seed)[0].rename("key")
        bands = np.zeros((batch.height, _BANDS + 1), dtype=np.uint32)
        if self.diverse and batch.height:
            said = sketch(spoken(batch, ("user", "assistant"), rejected=True), _NGRAM)
            bands[:, :_BANDS] = _banded(said["sketch"].to_numpy())
            bands[(said["count"] == 0).to_numpy(), :] = 0
            tags = classes(batch, (f"{_TAG}.cluster",))["class_0"]
            bands[:, _BANDS] = _short(tags.fill_null(0).to_numpy())
            bands[tags.is_not_null().to_numpy(), :_BANDS] = 0
        own = [pl.Series("bands", bands, pl.Array(pl.UInt32, _BANDS + 1))]
        return pl.DataFrame([batch["row"], key, *found.select("class_0", "told"), *own])

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Keep the first rows of each class, in its order; raise `RunError` if no row has the field `by`."""
        # In this order nothing follows from the order of the input but which of two equal rows is kept.
        frame = sketches.select("row", "class_0", "key", "bands").collect().sort("class_0", "key", "row")
        if not frame.height:
            return pl.LazyFrame(schema=_DECISIONS)
        if self.by is not None and frame["class_0"].null_count() == frame.height:
            if self.by == LABEL:
                raise RunError("downsample: by: the answers of the assistant are not labels; name a meta field")
            raise Told(sketches.select("told").collect()["told"]).missing(self.name, "by", str(self.by))
        group = frame["class_0"].rle_id().to_numpy()
        bands = frame["bands"].to_numpy()
        frame = frame.drop("bands")
        frame = frame.with_columns(group=pl.Series(group, dtype=pl.UInt32), round=_rounds(group, bands))
        ordered = frame.sort("group", "round", "key", "row").with_columns(place=pl.int_range(pl.len()).over("group"))
        sizes = ordered.group_by("group", "class_0").len("size").sort(["size", "class_0"], descending=[True, False])
        sizes = sizes.sort(pl.col("class_0").is_null(), maintain_order=True)  # those without a class come last
        kept = self._kept(sizes["size"].to_list(), sizes["class_0"].null_count() > 0)
        names = self._names(sizes)
        sizes = sizes.with_columns(
            kept=pl.Series(kept, dtype=pl.Int64),
            note=pl.Series(
                [f"{name}{k:,} of {n:,} kept" for name, k, n in zip(names, kept, sizes["size"], strict=True)],
                dtype=pl.String,
            ),
        )
        decided = (
            ordered.lazy()
            .join(sizes.lazy().select("group", "kept", "note"), on="group")
            .filter(pl.col("place") >= pl.col("kept"))
            .select("row", drop=pl.lit("downsampled"), note="note")
            .collect()
        )
        told = self._told(names, sizes["size"].to_list(), kept)
        return tell(decided, int(frame["row"].to_numpy().min()), told).lazy()

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: the classes, how many lost rows, and what the largest of these keep."""
        return heard(decisions)

    def _told(self, names: Sequence[str], sizes: Sequence[int], kept: Sequence[int]) -> dict[str, Any]:
        if self.by is None:
            return {"kept": f"{sum(kept):,} of {sum(sizes):,}"}
        parts = list(zip(names, sizes, kept, strict=True))
        cut = sorted((part for part in parts if part[2] < part[1]), key=lambda part: -part[1])
        told: dict[str, Any] = {"classes": sum(name != _BARE for name, _, _ in parts), "cut": len(cut)}
        if cut:
            shown = cut[:_TOLD]
            told["kept"] = {f"{name[:-2].replace(' rank', '')} of {size:,} rows:": k for name, size, k in shown}
        return told

    def _kept(self, sizes: Sequence[int], bare: bool) -> list[int]:
        """Say how many rows of each class stay; the last are those without one if `bare`."""
        if self.rows is not None:
            return dealt(sizes, min(self.rows, sum(sizes)))
        known = list(sizes[:-1] if bare else sizes)
        if not known:
            return list(sizes)
        if self.most is not None:
            cap = self.most
        elif self.to is not None:
            cap = sorted(known)[0 if self.to == "smallest" else (len(known) - 1) // 2]
        else:
            cap = self._cap(known)
        return [min(size, cap) for size in known] + list(sizes[len(known) :])

    def _cap(self, sizes: Sequence[int]) -> int:
        """Give the largest cap at which no class has more than `most_share` of what is left.

        With m(c) the rows left at a cap c, share · m(c) - c is concave and 0 at c = 0: caps that will do are all those
        up to some number, which halving finds.
        """
        share = Fraction(str(self.most_share))
        low, high = 0, max(sizes)
        while low < high:
            cap = (low + high + 1) // 2
            low, high = (cap, high) if cap <= share * sum(min(size, cap) for size in sizes) else (low, cap - 1)
        if not low:
            if len(sizes) == 1:
                raise RunError(
                    "downsample: most_share: there is one class only, which has all rows whatever is cut; use most or "
                    "rows, or another field `by`"
                )
            raise RunError(
                f"downsample: most_share: {len(sizes)} classes cannot each have at most {float(share):g} of the rows; "
                f"write {ceil(10_000 / len(sizes)) / 10_000} or more"
            )
        return low

    def _names(self, sizes: pl.DataFrame) -> list[str]:
        if self.by is None:
            return [""] * sizes.height
        bare = sizes["class_0"].is_null().to_list()
        return [_BARE if none else f"class rank {rank}: " for rank, none in enumerate(bare, 1)]


def _banded(values: _Array) -> _Array:
    """Hash the first bands of sketches to 32 bits each: they order rows and decide nothing else."""
    found = []
    for start in range(0, _BANDS * _WIDTH, _WIDTH):
        halves = np.zeros((len(values), 2), dtype=np.uint64)
        for place in range(_WIDTH):
            halves[:, place // 3] = halves[:, place // 3] << np.uint64(16) | values[:, start + place]
        found.append(_short(halves[:, 0] * np.uint64(0x9E3779B97F4A7C15) + halves[:, 1]))
    return np.stack(found, axis=1)


def _short(values: _Array) -> _Array:
    """Give 64 bits as 32 well mixed ones; 0 stays 0, and nothing else becomes it."""
    mixed = values * np.uint64(0xBF58476D1CE4E5B9)
    short = ((mixed ^ (mixed >> np.uint64(29))) >> np.uint64(32)).astype(np.uint32)
    return np.where(values == 0, np.uint32(0), np.maximum(short, np.uint32(1)))


def _rounds(group: _Array, bands: _Array) -> pl.Series:
    """Say of each row the how manieth of its cluster it is; rows come by class, in the order of their hashes."""
    parent = np.arange(len(group))
    for band in bands.T:
        order = np.lexsort((band, group))
        here, there = order[:-1], order[1:]
        alike = (band[here] == band[there]) & (group[here] == group[there]) & (band[here] != 0)
        join(parent, here[alike], there[alike])
    return pl.DataFrame({"part": parent}).select(pl.int_range(pl.len()).over("part").alias("round")).to_series()
