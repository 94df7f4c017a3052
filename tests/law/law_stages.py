"""Stages that behave, and stages that break their contract in every way we could think of.

Every record of a law input has a key, which is its number in the run; a row says `q<key>`, so that any stage, and
whoever reads the output, can tell which record a row came from without asking the engine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

import ftdata
from ftdata.batch import Batch
from ftdata.stages import Check, Finding, Reader, Rows, Selector, Transform
from ftdata.writers.openai_chat import OpenAIChat

CANARY = "canary-7f3a"
"""Stands in the message of every exception that a law stage raises; must be found nowhere afterwards."""

Entry = tuple[list[int], int, str | None]
"""The records a row owns, its key, its reason to be dropped."""


class LawError(Exception):
    """Raised by law stages."""


def keys(batch: Batch) -> pl.Series:
    """Give the key of each row, read from what its user says."""
    said = batch["messages"].list.first().struct.field("content")
    return said.str.extract(r"^q(\d+)").cast(pl.UInt64)


class LawReader(Reader):
    """Read keys, a row each; drop, join and disorder rows as a reader may, or break the contract in one way."""

    name: ClassVar[str] = "law-reader"
    fault: str = ""
    at: int = 0
    drop: int = 0
    join: bool = False
    backwards: bool = False
    cut: int = 3

    def entries(self, first: int, count: int) -> list[Entry]:
        """Give the rows that this reader makes when it behaves."""
        numbers = list(range(first, first + count))
        step = 2 if self.join else 1
        groups = [numbers[i : i + step] for i in range(0, count, step)]
        rows: list[Entry] = [(own, own[0], "odd-one" if own[0] % 4 < self.drop else None) for own in groups]
        return rows[::-1] if self.backwards else rows

    def read(self, source: ftdata.Source) -> Iterator[Batch]:
        """Read the source."""
        if self.fault == "never-reads":
            return
        handed: list[int] = []
        if str(self.path).endswith(".csv"):
            for record in source.csv_records():
                handed.append(record.number)
                if self.fault == "stops":
                    break
        else:
            for block in source.lines():
                handed += range(block.number, block.number + len(block.lines))
                if self.fault == "stops":
                    break
        first = source.first
        rows = self.entries(first, len(handed))
        if rows:
            self._spoil(rows, first, len(handed))
        for number, start in enumerate(range(0, len(rows), self.cut)):
            if self.fault == "raises" and start + self.cut > self.at % len(rows):
                raise LawError(CANARY)
            batch = self._batch(rows[start : start + self.cut])
            yield self._misshape(batch) if number == 0 else batch

    def _spoil(self, rows: list[Entry], first: int, count: int) -> None:
        at = self.at % len(rows)
        own, key, drop = rows[at]
        if self.fault == "skips":
            del rows[at]
        elif self.fault == "skips-in-a-row":
            rows[at] = (own[1:] or [first + count], key, drop)
        elif self.fault == "repeats-a-row":
            rows.insert(self.at % (len(rows) + 1), rows[at])
        elif self.fault == "repeats-in-a-row":
            rows[at] = (own + own, key, drop)
        elif self.fault == "renumbers":
            rows[:] = [([n + 1 for n in each], k, d) for each, k, d in rows]
        elif self.fault == "owns-the-next":
            rows[at] = ([*own, first + count], key, drop)
        elif self.fault == "owns-an-earlier":
            rows[at] = ([*own, first - 1], key, drop)
        elif self.fault == "owns-far-away":
            rows[at] = ([*own, 2**40], key, drop)
        elif self.fault == "owns-nothing":
            rows[at] = ([], key, drop)
        elif self.fault == "adds-a-row":
            rows.append(([], key, None))

    def _batch(self, rows: list[Entry]) -> Batch:
        gathered = ftdata.Rows()
        for own, key, drop in rows:
            turns = [("user", f"q{key}"), ("assistant", f"a{key}")]
            flags = ("fifth",) if key % 5 == 0 else ()
            gathered.add(own, turns, meta=json.dumps({"k": key}), flags=flags, drop=drop)
        return gathered.batch()

    def _misshape(self, batch: Batch) -> Any:
        null = pl.lit(None)
        return {
            "gives-a-list": batch.to_dicts,
            "other-column": lambda: batch.with_columns(pl.lit(1).alias("more")),
            "lost-column": lambda: batch.drop("note"),
            "other-type": lambda: batch.with_columns(pl.col("row").cast(pl.Int32)),
            "null-origin": lambda: batch.with_columns(null.cast(pl.List(pl.UInt64)).alias("origin")),
            "null-flags": lambda: batch.with_columns(null.cast(pl.List(pl.String)).alias("flags")),
        }.get(self.fault, lambda: batch)()


READER_FAULTS = (
    "never-reads",
    "stops",
    "skips",
    "skips-in-a-row",
    "repeats-a-row",
    "repeats-in-a-row",
    "renumbers",
    "owns-the-next",
    "owns-an-earlier",
    "owns-far-away",
    "owns-nothing",
    "adds-a-row",
    "raises",
    "gives-a-list",
    "other-column",
    "lost-column",
    "other-type",
    "null-origin",
    "null-flags",
)


def hit(key: int, mod: int, rem: int) -> bool:
    """Say whether a stage with these settings acts on the row of a key."""
    return key % mod == rem


class LawStep(Transform):
    """Act on the rows whose key fits, or break the contract."""

    name: ClassVar[str] = "law-step"
    act: str = "keep"
    mod: int = 2
    rem: int = 0

    def apply(self, batch: Batch) -> Any:
        """Act."""
        mask = keys(batch) % self.mod == self.rem
        return getattr(self, "_" + self.act.replace("-", "_"))(batch, mask)

    # what a transform may do

    def _keep(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch

    def _sleep(self, batch: Batch, mask: pl.Series) -> Batch:
        time.sleep(0.001)
        return batch

    def _drop(self, batch: Batch, mask: pl.Series) -> Batch:
        return ftdata.batch.mark(batch, mask, drop="law-drop", note=f"mod {self.mod}")

    def _flag(self, batch: Batch, mask: pl.Series) -> Batch:
        return ftdata.batch.mark(batch, mask, flag="law-flag", note="1 flag")

    def _edit(self, batch: Batch, mask: pl.Series) -> Batch:
        marked = keys(batch).filter(mask).cast(pl.String).to_list()
        return ftdata.map_text(
            batch,
            lambda texts: pl.Series([t + "!" if t[0] == "q" and t[1:].rstrip("!") in marked else t for t in texts]),
        )

    def _tag(self, batch: Batch, mask: pl.Series) -> Batch:
        tagged = pl.when(mask).then(pl.lit('{"k": 0, "law": 1}')).otherwise(pl.col("meta"))
        return batch.with_columns(tagged.alias("meta"))

    def _raise(self, batch: Batch, mask: pl.Series) -> Batch:
        if mask.any():
            raise LawError(f"{CANARY} {batch['messages'][0][0]}")
        return batch

    def _row_error(self, batch: Batch, mask: pl.Series) -> Batch:
        if mask.any():
            raise ftdata.RowError("law-odd", "1 of 1")
        return batch

    def _mutate_then_raise(self, batch: Batch, mask: pl.Series) -> Batch:
        if mask.any():
            batch[0, "id"] = "spoilt"
            batch[0, "drop"] = "spoilt"
            raise LawError(CANARY)
        return batch

    # what no transform may do

    def _reverse(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.reverse()

    def _reverse_in_place(self, batch: Batch, mask: pl.Series) -> Batch:
        for at, name in enumerate(batch.columns):
            batch.replace_column(at, batch[name].reverse())
        return batch

    def _lose(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.slice(1)

    def _add(self, batch: Batch, mask: pl.Series) -> Batch:
        return pl.concat([batch, batch.head(1)])

    def _exchange(self, batch: Batch, mask: pl.Series) -> Batch:
        return pl.concat([batch.slice(1), batch.tail(1)])

    def _none(self, batch: Batch, mask: pl.Series) -> None:
        return None

    def _lazy(self, batch: Batch, mask: pl.Series) -> pl.LazyFrame:
        return batch.lazy()

    def _column(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit(1).alias("more"))

    def _cast(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.col("row").cast(pl.Int64))

    def _order(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.select(reversed(batch.columns))

    def _renumber(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.col("row") + 1)

    def _rename(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit("x#1").alias("id"))

    def _rename_in_place(self, batch: Batch, mask: pl.Series) -> Batch:
        batch[0, "id"] = "spoilt"
        return batch

    def _disown(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit([1], pl.List(pl.UInt64)).alias("origin")).with_columns(
            pl.col("origin").list.concat(pl.lit([99], pl.List(pl.UInt64)))
        )

    def _share(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit([1], pl.List(pl.UInt64)).alias("shares"))

    def _null_flags(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit(None, pl.List(pl.String)).alias("flags"))

    def _unflag(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit([], pl.List(pl.String)).alias("flags"))

    def _prose(self, batch: Batch, mask: pl.Series) -> Batch:
        return batch.with_columns(pl.lit("because " * 20).alias("drop"))


STEPS = ("keep", "sleep", "drop", "flag", "edit", "tag", "raise", "row-error", "mutate-then-raise")
STEP_FAULTS = (
    "reverse",
    "reverse-in-place",
    "lose",
    "add",
    "exchange",
    "none",
    "lazy",
    "column",
    "cast",
    "order",
    "renumber",
    "rename",
    "rename-in-place",
    "disown",
    "share",
    "null-flags",
    "unflag",
    "prose",
)


class LawPick(Selector):
    """Decide on the rows whose key fits, or break the contract."""

    name: ClassVar[str] = "law-pick"
    act: str = "nothing"
    mod: int = 2
    rem: int = 0

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the key."""
        frame = pl.DataFrame([batch["row"], keys(batch).alias("key")])
        if self.act == "raise-in-sketch" and (frame["key"] % self.mod == self.rem).any():
            raise LawError(CANARY)
        if self.act == "sketch-foreign" and batch.height:
            return frame.with_columns(pl.col("row") + 1_000)
        if self.act == "sketch-nothing":
            return None  # type: ignore[return-value]
        return frame

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> Any:
        """Decide."""
        fits = sketches.filter(pl.col("key") % self.mod == self.rem).select("row")
        tag = pl.lit('{"in": 1}').alias("tags")
        every = sketches.select("row")
        side = pl.Series(["train", "validation", "test"])
        up_to = pl.int_range(1, pl.col("row").max() + 1, dtype=pl.UInt64)
        far = pl.LazyFrame({"row": pl.Series([10**6], dtype=pl.UInt64)})
        return {
            "nothing": lambda: fits.head(0),
            "bare": lambda: every,
            "drop": lambda: fits.with_columns(pl.lit("law-out").alias("drop"), pl.lit("twin 1").alias("note")),
            "flag": lambda: fits.with_columns(pl.lit(["law-seen"]).alias("flags")),
            "tag": lambda: fits.with_columns(tag),
            "split": lambda: sketches.select(
                "row", pl.lit(side).implode().first().list.get(pl.col("key") % 3).alias("split")
            ),
            "raise-in-sketch": lambda: fits.with_columns(tag),
            "taken": lambda: self._taken(every, rows),
            "twice": lambda: pl.concat([every, every]).with_columns(tag),
            "foreign": lambda: pl.concat([every, far]).with_columns(pl.lit("law-out").alias("drop")),
            "dead": lambda: every.select(up_to.alias("row")).with_columns(tag),
            "no-row": lambda: every.select(pl.lit("x").alias("drop")),
            "null-row": lambda: every.select(pl.lit(None, pl.UInt64).alias("row"), tag),
            "column": lambda: every.with_columns(pl.lit(1).alias("messages")),
            "types": lambda: every.with_columns(pl.lit([1]).alias("drop")),
            "tags": lambda: every.with_columns(pl.lit("{not json").alias("tags")),
            "prose": lambda: every.with_columns(pl.lit("because " * 20).alias("drop")),
            "none": lambda: None,
            "raise": self._raise,
            "raise-late": lambda: every.map_batches(self._fail),
            "sketch-foreign": lambda: every,
            "sketch-nothing": lambda: every,
        }[self.act]()

    def _taken(self, every: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        wanted = every.collect()["row"].to_list()[::2]
        got = [row for batch in rows.take(wanted) for row in batch["row"].to_list()]
        if got != wanted:
            raise LawError("rows.take gave other rows")
        return every.filter(pl.col("row").is_in(wanted)).with_columns(pl.lit(["law-taken"]).alias("flags"))

    def _raise(self) -> None:
        raise LawError(CANARY)

    def _fail(self, frame: pl.DataFrame) -> pl.DataFrame:
        raise LawError(CANARY)


PICKS = ("nothing", "bare", "drop", "flag", "tag", "split", "raise-in-sketch", "taken")
PICK_FAULTS = (
    "twice",
    "foreign",
    "dead",
    "no-row",
    "null-row",
    "column",
    "types",
    "tags",
    "prose",
    "none",
    "raise",
    "raise-late",
    "sketch-foreign",
    "sketch-nothing",
)


class LawLook(Check):
    """Look, or misbehave."""

    name: ClassVar[str] = "law-look"
    act: str = "keep"
    mod: int = 2
    rem: int = 0

    def sketch(self, batch: Batch) -> Any:
        """Look at a batch."""
        mask = keys(batch) % self.mod == self.rem
        if self.act == "raise-in-sketch" and mask.any():
            raise LawError(CANARY)
        if self.act == "sketch-foreign" and batch.height:
            return batch.select(pl.col("row") + 1_000)
        if self.act == "sketch-nothing":
            return None
        rows = batch.select("row")
        if self.act == "mutate":
            for at, name in enumerate(batch.columns):
                batch.replace_column(at, batch[name].reverse())
        return rows

    def judge(self, sketches: pl.LazyFrame) -> Any:
        """Judge."""
        rows = sketches.collect()["row"].to_list()
        if self.act == "raise":
            raise LawError(CANARY)
        if self.act == "none":
            return None
        if self.act == "strings":
            return ["all is well"]
        level = {"error": "error", "warn": "warn"}.get(self.act)
        return [Finding("law", level, "seen", {"rows": len(rows)}, tuple(rows[:3]))] if level else []  # type: ignore[arg-type]


LOOKS = ("keep", "warn", "error", "mutate")
LOOK_FAULTS = ("raise-in-sketch", "sketch-foreign", "sketch-nothing", "raise", "none", "strings")


class LawWriter(OpenAIChat):
    """Write as `openai-chat` does, then spoil it in one way."""

    name: ClassVar[str] = "law-writer"
    fault: str = ""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write."""
        if self.fault == "writes-nothing":
            for _ in batches:
                pass
            return
        if self.fault == "stops":
            batches = iter([next(batches)])
        elif self.fault == "swallows":
            try:
                for _ in batches:
                    raise LawError(CANARY)
            except LawError:
                pass
        elif self.fault == "mutates":
            batches = self._mutated(batches)
        super().write(batches, into)
        file = sorted(path for path in into.rglob("*") if path.is_file())[0] if any(into.iterdir()) else into / "none"
        if self.fault == "loses-a-line":
            file.write_bytes(b"".join(file.read_bytes().splitlines(True)[1:]))
        elif self.fault == "doubles-a-line":
            file.write_bytes(file.read_bytes() + file.read_bytes().splitlines(True)[-1])
        elif self.fault == "other-name":
            file.rename(file.with_name("other.jsonl"))
        elif self.fault == "one-file-more":
            (into / "more.jsonl").write_bytes(b"{}\n")
        elif self.fault == "raises":
            raise LawError(CANARY)

    def _mutated(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield batch.clone()
            batch[0, "id"] = "spoilt"


WRITER_FAULTS = (
    "writes-nothing",
    "stops",
    "swallows",
    "loses-a-line",
    "doubles-a-line",
    "other-name",
    "one-file-more",
    "raises",
)
