"""Stages that each break one clause of the contract, and sound ones beside them. A module of its own: the kit imports
it in a second process, and pytest would count against the time that this may take."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import ConfigDict, Field, PrivateAttr, field_serializer

from ftdata import files
from ftdata.batch import SCHEMA, Batch, Rows, flat, make_batch, mark
from ftdata.errors import InputError, RowError
from ftdata.source import Source
from ftdata.stages import Check, Finding, Reader, Selector, Sniff, Transform, Writer
from ftdata.texts import map_text

# --- settings ---------------------------------------------------------------------------------------------------------


class Sound(Transform):
    """Do nothing wrong."""

    name: ClassVar[str] = "sound"

    def apply(self, batch: Batch) -> Batch:
        return batch


class Polite(Sound):
    """Drop rows by an exception of its own, flag others, edit texts: all of it as the contract has it."""

    def apply(self, batch: Batch) -> Batch:
        if batch["messages"].null_count():
            raise RowError("no-messages", "0 messages")
        short = batch["messages"].list.len() < 2
        return map_text(mark(batch, short, flag="short", note="1 turn"), lambda texts: texts.str.to_uppercase())


class Misnamed(Sound):
    """Do nothing wrong."""

    name: ClassVar[str] = "Mis_Named"


class Undocumented(Sound):
    name: ClassVar[str] = "undocumented"


class NoSentence(Sound):
    """A transform that does things"""


class Undescribed(Sound):
    """Do nothing wrong."""

    level: int = 1


class Thawed(Sound):
    """Do nothing wrong."""

    model_config = ConfigDict(frozen=False)


class Lax(Sound):
    """Do nothing wrong."""

    model_config = ConfigDict(extra="ignore")


class Listed(Sound):
    """Do nothing wrong."""

    words: list[str] = Field(["a"], description="words")


class Handle(Sound):
    """Do nothing wrong."""

    _lock: Any = PrivateAttr(default_factory=lambda: (i for i in ()))


class Untoml(Sound):
    """Do nothing wrong."""

    words: tuple[str | None, ...] = Field((None,), description="words")


class Refusing(Sound):
    """Do nothing wrong."""

    size: int = Field(5, description="size")

    @field_serializer("size")
    def _size(self, value: int) -> str:
        return f"{value} rows"


class Forgetful(Sound):
    """Do nothing wrong."""

    size: int | None = Field(5, description="size")


class Meta(Sound):
    """Do nothing wrong."""

    def reads_meta(self) -> Any:
        return ["status"]


# --- transforms -------------------------------------------------------------------------------------------------------


class Retyped(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(pl.col("note").cast(pl.Categorical))


class NoFrame(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Any:
        return list(batch.iter_rows())


class Losing(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.filter(pl.col("messages").list.len() > 1)


class Reordering(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.sort("n" if "n" in batch.columns else "id")


class Renaming(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(id=pl.col("id") + "x")


class Owning(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(origin=pl.col("origin").list.head(1))


class Sharing(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(shares=pl.lit(None, pl.List(pl.UInt64)))


class Unflagging(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(flags=pl.lit(["mine"], pl.List(pl.String)))


class Raising(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        for messages in batch["messages"].to_list():
            len(messages)
        return batch


class Contents(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        for content in flat(batch)["content"].to_list():
            content.strip()
        return batch


class Unjson(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(meta=pl.lit("{'single': 'quotes'}"))


class Crowded(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(note=pl.lit(str(batch["row"][0])))


class Writing(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        batch.insert_column(0, batch.drop_in_place("row").clear().extend_constant(1, batch.height))
        return batch


class Neighbours(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return mark(batch, ~batch["messages"].is_first_distinct(), drop="copy")


class Averaging(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return mark(batch, batch["messages"].list.len() > (batch["messages"].list.len().mean() or 0), flag="long")


class Chancy(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(note=pl.lit(str(random.random()))) if batch.height > 7 else batch


_CALLS = [0]


class Counting(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        # Steady within the rows of one batch, another in every whole pass: batch-size checks see equal parts.
        _CALLS[0] += batch.height > 60
        return batch.with_columns(note=pl.lit(f"pass {max(_CALLS[0] - 1, 0)}")) if batch.height else batch


class Hashing(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        odd = pl.Series([hash(text) % 2 == 1 for text in batch["id"].to_list()], dtype=pl.Boolean)
        return mark(batch, odd, flag="odd")


class ManyReasons(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(drop=pl.format("too long: {}", "row"))


class LongReason(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(drop=pl.lit("the row\nis bad"))


class ManyFlags(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(flags=pl.col("flags").list.concat(pl.concat_list(pl.col("id"))))


class Quoting(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        first = pl.col("messages").list.first().struct.field("content").str.slice(0, 12).str.to_lowercase()
        return batch.with_columns(note=first)


class QuotingPart(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        return batch.with_columns(note=pl.col("tools").str.slice(0, 60))


class QuotingMeta(Sound):
    """Do wrong."""

    def apply(self, batch: Batch) -> Batch:
        values = [json.loads(text or "{}").get("subject") for text in batch["meta"].to_list()]
        return batch.with_columns(note=pl.Series("note", values, pl.String))


class QuotingOwn(Sound):
    """Do wrong, but only with words that the kit does not use."""

    def apply(self, batch: Batch) -> Batch:
        content = pl.col("messages").list.first().struct.field("content")
        return batch.with_columns(note=pl.when(content.str.contains("invoice")).then(content))


# --- selectors --------------------------------------------------------------------------------------------------------


class Chooser(Selector):
    """Drop later copies of a row."""

    name: ClassVar[str] = "chooser"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return pl.DataFrame({"row": batch["row"], "text": _texts(batch)})

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        later = pl.col("row") != pl.col("row").min().over("text")
        return sketches.filter(later).select("row", pl.lit("copy").alias("drop"))


def _texts(batch: Batch) -> pl.Series:
    return pl.Series([str(messages) for messages in batch["messages"].to_list()], dtype=pl.String)


class NoRow(Chooser):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return super().sketch(batch).drop("row")


class Changeable(Chooser):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return pl.DataFrame({"row": batch["row"], "text": _texts(batch), f"n{batch.height}": batch["row"]})


class Stranger(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return sketches.with_row_index("at").select(
            pl.col("at").cast(pl.UInt64).alias("row"), pl.lit("x").alias("drop")
        )


class Twice(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return pl.concat([sketches, sketches]).select("row", pl.lit("x").alias("drop"))


class Inventing(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return sketches.select("row", pl.lit("x").alias("fate"))


class Eager(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> Any:
        return super().select(sketches, rows).collect()


class Arriving(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return sketches.filter(~pl.col("text").is_first_distinct()).select("row", pl.lit("copy").alias("drop"))


class Batched(Chooser):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return pl.DataFrame({"row": batch["row"], "text": batch["row"] % max(batch.height, 1)})


class Blabbing(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return sketches.select("row", pl.lit("copy").alias("drop"), pl.col("text").str.slice(0, 80).alias("note"))


class Tagging(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        return sketches.select("row", pl.lit("no JSON").alias("tags"))


class Needy(Chooser):
    """Do wrong."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        first = sketches.collect()["row"][0]
        return sketches.filter(pl.col("row") == first).select("row", pl.lit("first").alias("drop"))


class Sketchless(Chooser):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return pl.DataFrame({"row": batch["row"], "text": [len(m) for m in batch["messages"].to_list()]})


class HashingChooser(Chooser):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        # Of any row of dozens another seed would have to make the same of its text, for the fault to stay unseen.
        odd = [text if hash(text) % 2 else "even" for text in _texts(batch)]
        return pl.DataFrame({"row": batch["row"], "text": pl.Series(odd, dtype=pl.String)})


class Reading(Chooser):
    """Read rows again, as near-duplicates must."""

    def select(self, sketches: pl.LazyFrame, rows: Any) -> pl.LazyFrame:
        third = sketches.collect()["row"].sort().to_list()[::3]
        again = pl.concat([pl.DataFrame(schema=SCHEMA), *rows.take(third)])
        return again.lazy().filter(pl.col("messages").is_null()).select("row", pl.lit("null").alias("drop"))


# --- checks -----------------------------------------------------------------------------------------------------------


class Judge(Check):
    """Count the rows."""

    name: ClassVar[str] = "judge"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return pl.DataFrame({"row": batch["row"], "text": _texts(batch)})

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some rows", {"rows": sketches.collect().height})]


class Telling(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", f"such as {sketches.collect()['text'].max()}")]


class TellingNumbers(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some", {"values": sketches.collect()["text"].sort().to_list()[-2:]})]


class NotANumber(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some", {"mean": float("nan")})]


class NoFinding(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> Any:
        return ["all is well"]


class Level(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "fatal", "some")]  # type: ignore[arg-type]


class Pointing(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some", {}, tuple(range(sketches.collect().height)))]


class PerBatch(Judge):
    """Do wrong."""

    def sketch(self, batch: Batch) -> pl.DataFrame:
        return super().sketch(batch).head(1)


class ByArrival(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some", {}, tuple(sketches.collect()["row"].to_list()[:3]))]


class Dividing(Judge):
    """Do wrong."""

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        return [Finding("rows", "info", "some", {"share": 1 / sketches.collect().height})]


# --- readers ----------------------------------------------------------------------------------------------------------


class LineReader(Reader):
    """Read each line as a question."""

    name: ClassVar[str] = "lines"

    def read(self, source: Source) -> Iterator[Batch]:
        rows = Rows()
        for number, line in self._numbered(source):
            self._add(rows, number, line)
            if rows.full:
                yield rows.batch()
        if len(rows):
            yield rows.batch()

    def _numbered(self, source: Source) -> Iterator[tuple[int, bytes]]:
        for block in source.lines():
            yield from enumerate(block.lines, block.number)

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        try:
            said = line.decode()
        except UnicodeDecodeError:
            said = ""
        if said.strip():
            rows.add([number], [("user", said)])
        else:
            rows.add([number], None, drop="blank-line")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        return Sniff(0.1, ("lines",)) if source.head(10) else None


class Skipping(LineReader):
    """Do wrong."""

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        if line.strip():
            super()._add(rows, number, line)


class Repeating(LineReader):
    """Do wrong."""

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        super()._add(rows, number, line)
        super()._add(rows, number, line)


class SelfNumbering(LineReader):
    """Do wrong."""

    def _numbered(self, source: Source) -> Iterator[tuple[int, bytes]]:
        return ((number, line) for number, (_, line) in enumerate(super()._numbered(source), 1))


class OneBatch(LineReader):
    """Do wrong."""

    def read(self, source: Source) -> Iterator[Batch]:
        rows = Rows()
        for number, line in self._numbered(source):
            self._add(rows, number, line)
        yield rows.batch()


class FrameOnly(LineReader):
    """Do wrong."""

    def read(self, source: Source) -> Iterator[Batch]:
        for number, _ in self._numbered(source):
            yield make_batch(1, {"origin": [[number]]}).drop("meta")


class QuotingReason(LineReader):
    """Do wrong."""

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        if b"{" in line:
            rows.add([number], None, drop="bad-json", note=repr(line[-40:]))
        else:
            super()._add(rows, number, line)


class Keeping(LineReader):
    """Do wrong."""

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        rows.add([number], [("user", line.decode(errors="replace"))], drop="odd" if number % 2 else None)


class Fragile(LineReader):
    """Do wrong."""

    def _add(self, rows: Rows, number: int, line: bytes) -> None:
        rows.add([number], [("user", line.decode())])


class Picky(LineReader):
    """Refuse what it does not know, as it may."""

    def read(self, source: Source) -> Iterator[Batch]:
        if b"\xff" in source.head() or b"\x00" in source.head():
            raise InputError(f"{source.name}: is no text")
        return super().read(source)


class CountingSniff(LineReader):
    """Do wrong."""

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        return Sniff(0.5, ("lines",)) if next(source.lines(), None) else None


class CrashingSniff(LineReader):
    """Do wrong."""

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        return Sniff(0.5, (f"begins with {source.head(1)[0]}",))


class QuotingSniff(LineReader):
    """Do wrong."""

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        return Sniff(0.5, (f"begins with {source.head(20).decode(errors='replace')}",))


class SureSniff(LineReader):
    """Do wrong."""

    @classmethod
    def sniff(cls, source: Source) -> Any:
        return True


# --- writers ----------------------------------------------------------------------------------------------------------


class CountWriter(Writer):
    """Write the number of each row."""

    name: ClassVar[str] = "count"

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        held: dict[str | None, list[str]] = {}
        for batch in batches:
            self._take(held, batch)
        texts: dict[Path, str] = {}
        for split, lines in held.items():
            file = into / self.file_for(split)
            texts[file] = texts.get(file, "") + "".join(lines)
        for file, text in texts.items():
            with files.create(file) as stream:
                stream.write(text.encode())

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        for row, split in batch.select("row", pl.col("split").fill_null("train")).iter_rows():
            held.setdefault(split, []).append(f"{row}\n")


class Impatient(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        super().write(iter([batch for _, batch in zip(range(2), batches, strict=False)]), into)


class Dropping(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        super()._take(held, batch.filter(pl.col("messages").list.len() > 1))


class Mixing(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        super()._take(held, batch.with_columns(split=pl.lit("test")))


class Littering(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        files.create(into / "notes.txt").close()
        super().write(batches, into)


class EmptyFolder(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        (into / "shards").mkdir()
        super().write(batches, into)


class Straying(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        Path("debug.log").write_text("x")
        super().write(batches, into)


class Spilling(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        spill = into.parent.parent / "spill-of-the-kit-test"
        spill.write_text("x")
        spill.unlink()
        super().write(batches, into)


class Stamping(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        super()._take(held, batch)
        for lines in held.values():
            lines[-1] = f"{os.urandom(4).hex()}\n"


class HashOrdered(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        super()._take(held, batch)
        for split, lines in held.items():
            held[split] = sorted(lines, key=hash)


class Leaking(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        for meta, split in batch.select("meta", pl.col("split").fill_null("train")).iter_rows():
            held.setdefault(split, []).append(f"{meta}\n")


class Choosy(CountWriter):
    """Do wrong."""

    def _take(self, held: dict[str | None, list[str]], batch: Batch) -> None:
        if batch["messages"].null_count():
            raise ValueError("no messages")
        super()._take(held, batch)


class NeedsRows(CountWriter):
    """Do wrong."""

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        first = next(batches)
        super().write(iter([first, *batches]), into)
