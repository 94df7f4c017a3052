"""JSON lines: one object a line, one file per split; what a layout can hold, and the refusal of what it cannot."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, ClassVar

import numpy as np
import polars as pl
from pydantic import Field, field_validator, model_validator

from ftdata import files
from ftdata.batch import Batch
from ftdata.errors import RowError, RunError
from ftdata.jsontext import compact
from ftdata.stages import Writer
from ftdata.writers import learned
from ftdata.writers.cargo import CARGO as CARGO
from ftdata.writers.cargo import cargo
from ftdata.writers.meta import pick, reads

SIDE = ".meta"
"""The folder, beside the data, of the files that hold meta."""
NOT_CARRIED = "not-carried"
"""The reason, and the code of the finding, for rows that hold what a layout cannot."""


class NotCarried(RowError, RunError):
    """Refuse a row that holds what the layout of a writer cannot: naming the row, what it is, and the remedy.

    As a `RowError` its reason is `not-carried` and its note the words of `CARGO`; as a `RunError` it stops the run.
    """

    def __init__(self, writer: str, row: str, words: tuple[str, ...]) -> None:
        super().__init__(NOT_CARRIED, ", ".join(words))
        self.args = (writer, row, words)
        self.writer, self.row, self.words = writer, row, words

    def __str__(self) -> str:
        told = "; ".join(f"{word} ({CARGO[word]})" for word in self.words)
        return (
            f"writer {self.writer}: {self.row}: {NOT_CARRIED}: this layout does not hold {told}; add the step fit "
            "before the writers, or choose a layout that holds it"
        )


class JsonLines(Writer):
    """Base of writers of one JSON object a line: write `render`, and say in `carries` what the layout can hold.

    A row with anything else is refused before its line is written (`NotCarried`): nothing is lost in silence.
    """

    carries: ClassVar[frozenset[str]] = frozenset()
    """What the layout can hold, in the words of `CARGO`."""

    turns: learned.Turns = Field("whole", description=learned.DESCRIPTION)
    sidecar: tuple[str, ...] = Field((), description='meta keys to keep in a file beside the data; "*": all')
    bom: bool = Field(False, description="begin each file with the byte order mark of UTF-8, as Azure asks for")

    @field_validator("path")
    @classmethod
    def _not_aside(cls, path: Path) -> Path:
        if path.parent.name == SIDE:
            raise ValueError(f"the folder {SIDE} is for what stands beside the data; choose another")
        return path

    @model_validator(mode="after")
    def _can_say_it(self) -> JsonLines:
        if self.turns != "whole" and "weight" not in self.carries:
            raise ValueError(
                f"turns: {self.name} has no weights, so it cannot say which answers are not learnt; leave it `whole`"
            )
        return self

    def render(self, batch: Batch) -> pl.Series:
        """Give each row of a batch as one line of JSON, without the line feed; only rows that `unheld` lets pass."""
        raise NotImplementedError

    def unheld(self, batch: Batch) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """Give the words of `CARGO` for what some row holds and the layout cannot, each with a mask of these rows."""
        return cargo(batch, frozenset(CARGO) - self.carries)

    def rendered(self, batch: Batch) -> pl.Series:
        """Give the lines with the named meta, which stand in an object `meta` at the end of each."""
        lines = self.render(batch)
        if not self.meta or not batch.height:
            return lines
        inner = pl.concat_str(lines.str.strip_suffix("}"), pl.lit(',"meta":'), pick(batch, self.meta), pl.lit("}"))
        return pl.select(line=pl.coalesce(inner, lines)).to_series()

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are written; for `language.code` also `language`; with the sidecar `*` all there are."""
        return None if "*" in self.sidecar else reads((*self.meta, *self.sidecar))

    def sidecar_for(self, file: Path) -> Path | None:
        """Give the name of the file that the sidecar of a data file has; it is there only if some row has such meta."""
        return file.parent / SIDE / file.name if self.sidecar else None

    def spread(self, batch: Batch) -> pl.Series | None:
        """Count the lines of each row, if `turns` is `expand`."""
        return learned.spread(batch, self.turns)

    def split_of(self, file: Path) -> str | None:
        """Give the split whose rows a finished file holds."""
        return super().split_of(file.parent.parent / file.name if file.parent.name == SIDE else file)

    def lines(self, file: Path) -> int | None:
        """Count the rows in a finished file; None for a sidecar."""
        return None if file.parent.name == SIDE else super().lines(file)

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write the rows of each split to its file, in reading order; raise `NotCarried` for one that does not fit."""
        with ExitStack() as stack:
            streams: dict[Path, IO[bytes]] = {}
            written: Counter[Path] = Counter()

            def stream(file: Path, opening: bytes = b"") -> IO[bytes]:
                if file not in streams:
                    files.make_folder((into / file).parent)
                    streams[file] = stack.enter_context(files.create(into / file))
                    streams[file].write(opening)
                return streams[file]

            for rows_in in batches:
                batch = learned.unfold(rows_in, self.turns)
                refuse(self.name, batch, self.unheld(batch))
                lines = self.rendered(batch)
                for file, chosen in self._by_file(batch["split"]):
                    data = stream(file, codecs.BOM_UTF8 if self.bom else b"")
                    data.write(_ended(lines if chosen is None else lines.filter(chosen)))
                    rows = batch if chosen is None else batch.filter(chosen)
                    beside = self.sidecar_for(file)
                    if beside is not None and len(aside := _aside(rows, self.sidecar, written[file])):
                        stream(beside).write(_ended(aside))
                    written[file] += rows.height

    def _by_file(self, split: pl.Series) -> Iterator[tuple[Path, pl.Series | None]]:
        """Give each file with the mask of the rows that go to it; None: all."""
        held: dict[Path, list[str | None]] = {}
        for side in split.unique(maintain_order=True):
            held.setdefault(self.file_for(side), []).append(side)
        for file, sides in held.items():
            yield file, None if len(held) == 1 else split.is_in(sides, nulls_equal=True)


def refuse(writer: str, batch: Batch, unheld: Mapping[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> None:
    """Raise `NotCarried` for the first row of a batch that holds what its writer cannot."""
    if not unheld:
        return
    at = min(int(np.argmax(mask)) for mask in unheld.values())
    words = tuple(word for word in CARGO if word in unheld and unheld[word][at])
    raise NotCarried(writer, f"row {batch['id'][at] or batch['row'][at]}", words)


def _aside(batch: Batch, keys: Sequence[str], before: int) -> pl.Series:
    """Give the sidecar's lines for rows that have any of these meta keys; `before` rows stand in the file already."""
    meta = compact(batch["meta"]) if "*" in keys else pick(batch, keys)
    frame = pl.DataFrame({"line": np.arange(before + 1, before + 1 + batch.height), "meta": meta})
    return (
        frame.filter(pl.col("meta").is_not_null() & (pl.col("meta") != "{}"))
        .select(pl.concat_str(pl.lit('{"line":'), "line", pl.lit(',"meta":'), "meta", pl.lit("}")).alias("line"))
        .to_series()
    )


def _ended(lines: pl.Series) -> memoryview:
    """Give the lines with a line feed after each, as the one buffer in which Arrow holds them (20× a join)."""
    array = (lines + "\n").to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, values = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)
    return memoryview(values)[bounds[array.offset] : bounds[array.offset + len(array)]]
