"""Train, validation and test sides. A row's side follows from a hash, not from chance or order: it can be repeated."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch, dumps, flat, lengths, nest, said
from ftdata.errors import RunError
from ftdata.selectors.exact_dedup import canonical, digests
from ftdata.stages import Rows, Selector
from ftdata.transforms.filter import look_up

EXACT = 200
"""Below so many rows the sizes of the sides are exact, because chance alone could leave a side of 5 % empty."""

_RANK = {"train": 0, "validation": 1, "test": 2}
_SIDES = pl.Enum(list(_RANK))


class Split(Selector):
    """Split the rows into train, validation and test, so that nothing of one side is known on another.

    The side of a row is decided by a hash of the seed and its key: the value of the meta key `group` (a customer, a
    ticket), else what the user says, with case, spaces and punctuation levelled. Rows of one key always stand on one
    side, and a row keeps its side when rows are added, for validation takes the lowest hashes and test the highest.
    (Changing one share therefore never moves a row between those two.)

    Under 200 rows the sizes are exact, as far as keys that several rows share allow: lowest hashes first; here a row
    may change sides when rows are added. With `group`, a row whose user says the same as one of another group on a more
    guarded side (test before validation before train) is dropped: reason `leak`, note `twin row 17`.

    Errors: a side that ends empty, and a `group` key that no row has; the keys seen are listed. A row without the key
    falls back to what its user says, a row without a user's text to the whole row.
    """

    name: ClassVar[str] = "split"

    validation: float = Field(0.1, ge=0, lt=1, description="share of the rows for validation, 0 to 1")
    test: float = Field(0.0, ge=0, lt=1, description="share of the rows for test, 0 to 1")
    seed: int = Field(0, ge=0, lt=2**64, description="another seed gives another split")
    group: str | None = Field(
        None,
        min_length=1,
        description="meta key whose rows stay together, such as customer; a dotted path for inner keys",
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if not self.validation and not self.test:
            raise ValueError("nothing is split off; set validation or test, such as validation = 0.1")
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation} and test {self.test} leave nothing for train; lower one")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the group key."""
        if self.group is None:
            return frozenset()
        parts = self.group.split(".")
        return frozenset(".".join(parts[:count]) for count in range(1, len(parts) + 1))

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give each row's key as a hash (`hi`, `lo`), its user's text as one (`text`), and whether it has the group.

        33 bytes a row; `keys` holds the meta keys seen, once a batch, where rows lack the group key.
        """
        asked = _asked(batch)
        text = pl.Series("text", [None], pl.UInt64).new_from_index(0, batch.height)
        keys: list[str | None] = [None] * batch.height
        tagged = pl.select(pl.format("text:{}", asked)).to_series()
        bare = asked.is_null()
        if bare.any():
            whole = pl.select(pl.format("row:{}", canonical(batch.filter(bare)))).to_series()
            tagged = tagged.scatter(bare.arg_true(), whole)
        grouped = pl.Series("grouped", [False]).new_from_index(0, batch.height)
        if self.group is not None:
            text = digests(asked)[0].rename("text")
            values, seen = _groups(batch["meta"], self.group)
            grouped = values.is_not_null().rename("grouped")
            tagged = pl.select(pl.coalesce(pl.format("group:{}", values), tagged)).to_series()
            if not grouped.all():
                keys[int(grouped.arg_min() or 0)] = dumps(seen)
        hi, lo = digests(tagged, self.seed)
        return pl.DataFrame(
            [batch["row"], hi, lo, text, grouped, pl.Series("keys", keys, pl.String)],
        )

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Decide the side of every row; raise `RunError` if one ends empty or no row has the group key."""
        # Without groups the other columns are empty: a million rows of them would be memory for nothing.
        frame = (sketches.select("row", "hi", "lo") if self.group is None else sketches).collect().sort("row")
        if not frame.height:
            return _decisions(frame.with_columns(side=pl.lit("train"), twin=pl.lit(None, pl.UInt64)))
        if self.group is not None and not frame["grouped"].any():
            raise RunError(self._no_group(frame["keys"].drop_nulls().to_list()))
        frame = frame.drop("grouped", "keys", strict=False)
        sided = self._exact(frame) if frame.height < EXACT else self._by_hash(frame)
        # Without groups equal questions have one key, and so one side.
        sided = sided.with_columns(twin=pl.lit(None, pl.UInt64)) if self.group is None else _leaks(sided)
        self._not_empty(sided)
        return _decisions(sided)

    def summary(self, decisions: pl.DataFrame) -> dict[str, Any]:
        """Give what the manifest tells: rows on each side, leaks dropped, and whether the sizes are exact."""
        decided = decisions.filter(pl.col("split").is_not_null())  # not the rows that could not be sketched
        if not decided.height:
            return {}
        counts = decided.filter(pl.col("drop").is_null())["split"].value_counts().rows()
        return {
            "rows": dict(sorted(counts, key=lambda pair: _RANK[pair[0]])),
            "leaks": decided.height - decided["drop"].null_count(),
            "exact": decided.height < EXACT,
        }

    def _by_hash(self, frame: pl.DataFrame) -> pl.DataFrame:
        hi = pl.col("hi")
        low, high = _limit(self.validation), 2**64 - _limit(self.test)
        side = pl.lit("train", _SIDES)
        if self.test:
            side = pl.when(hi >= pl.lit(high, pl.UInt64)).then(pl.lit("test", _SIDES)).otherwise(side)
        side = pl.when(hi < pl.lit(low, pl.UInt64)).then(pl.lit("validation", _SIDES)).otherwise(side)
        return frame.with_columns(side=side)

    def _exact(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Fill each side with whole keys, lowest hashes first, up to its size; at least one key each."""
        units = frame.group_by("hi", "lo").len("size").sort("hi", "lo")
        sizes = units["size"].to_list()
        sides = ["train"] * len(sizes)
        for side, share in (("validation", self.validation), ("test", self.test)):
            if not share:
                continue
            room = max(1, int(share * frame.height + 0.5))
            order = range(len(sizes)) if side == "validation" else range(len(sizes) - 1, -1, -1)
            free = [unit for unit in order if sides[unit] == "train"]
            taken = 0
            for unit in free:
                if taken + sizes[unit] <= room and len([s for s in sides if s == "train"]) > 1:
                    sides[unit], taken = side, taken + sizes[unit]
            if not taken and len(free) > 1:
                sides[min(free, key=lambda unit: sizes[unit])] = side
        units = units.with_columns(side=pl.Series(sides, dtype=_SIDES))
        return frame.join(units.drop("size"), on=["hi", "lo"]).sort("row")

    def _not_empty(self, sided: pl.DataFrame) -> None:
        live = set(sided.filter(pl.col("twin").is_null())["side"].unique().to_list())
        wanted = ["train"] + [side for side in ("validation", "test") if getattr(self, side)]
        empty = [side for side in wanted if side not in live]
        if empty:
            keys = sided.select("hi", "lo").n_unique()
            what = f"different values of {self.group!r}" if self.group is not None else "different questions"
            raise RunError(
                f"split: {' and '.join(empty)} would be empty: {sided.height} rows with {keys} {what}; "
                "raise the share, take another seed" + (" or group by another key" if self.group else "")
            )

    def _no_group(self, listed: list[str]) -> str:
        keys = sorted({key for text in listed for key in msgspec.json.decode(text)})
        close = difflib.get_close_matches(self.group or "", keys, 1)
        meant = f"; did you mean {close[0]!r}?" if close else "."
        # A spool holds only the meta that a later stage reads: there may be no other key left to show.
        seen = f"Keys seen: {', '.join(keys)}" if keys else "`ftdata sniff` lists the columns of a source"
        return f"split: no row has the meta key {self.group!r} (group){meant} {seen}"


def _limit(share: float) -> int:
    return int(share * 2**64)


def _asked(batch: Batch) -> pl.Series:
    """Give what the user says in each row, levelled: lower case, no punctuation, single spaces; null if nothing."""
    messages = flat(batch)
    texts = said(messages)
    mine = (messages["role"] == "user").fill_null(False) & texts.is_not_null()
    offsets = np.concatenate(([0], np.cumsum(lengths(batch).to_numpy(), dtype=np.int64)))
    spoken = pl.select(pl.when(mine).then(texts.fill_null(""))).to_series()
    whole = nest(spoken, offsets).list.drop_nulls().list.join("\n")
    plain = whole.str.to_lowercase().str.replace_all(r"[\p{P}\p{Z}\p{C}]+", " ").str.strip_chars(" ")
    # A question of signs alone ("???") stays what it is.
    level = pl.when(plain != "").then(plain).otherwise(whole.str.strip_chars())
    return pl.select(pl.when(level != "").then(level).alias("asked")).to_series()


def _groups(meta: pl.Series, group: str) -> tuple[pl.Series, list[str]]:
    """Give the group value of each row as text (7 and "7" are one value), and the keys of the rows that lack it."""
    decode = msgspec.json.Decoder().decode
    values: list[str | None] = []
    seen: dict[str, None] = {}
    for text in meta.to_list():
        tags = None if text is None else decode(text)
        value = look_up(tags, group)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            values.append(None)
            if isinstance(tags, dict):
                seen.update(dict.fromkeys(tags))
        else:
            values.append(value if isinstance(value, str) else dumps(value))
    return pl.Series("group", values, pl.String), list(seen)


def _leaks(sided: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose user says the same as one on a more guarded side; `twin` is the lowest row there."""
    rank = pl.col("side").to_physical()
    top = rank.max()
    several = (
        sided.filter(pl.col("text").is_not_null())
        .group_by("text")
        .agg(
            top.alias("top"),
            (rank.min() != top).alias("mixed"),
            pl.col("row").filter(rank == top).min().alias("guarded"),
        )
        .filter("mixed")
        .drop("mixed")
    )
    return (
        sided.join(several, on="text", how="left")
        .with_columns(twin=pl.when(rank < pl.col("top")).then(pl.col("guarded")))
        .drop("top", "guarded")
    )


def _decisions(sided: pl.DataFrame) -> pl.LazyFrame:
    leaked = pl.col("twin").is_not_null()
    return sided.lazy().select(
        "row",
        pl.col("side").cast(pl.String).alias("split"),
        pl.when(leaked).then(pl.lit("leak")).alias("drop"),
        pl.when(leaked).then(pl.format("twin row {}", pl.col("twin"))).alias("note"),
    )
