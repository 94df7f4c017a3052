"""Frames on disk: the spool, sketches and ledger parts of a run, as Arrow IPC files in its private work folder.

An IPC file is complete only once closed, so a killed run cannot leave one that looks finished. Frames are read back one
by one; nothing is memory-mapped, so what is read does not count against the run's memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from ftdata import files

_OLDEST = pl.CompatLevel.oldest()


class Frames:
    """A file of frames of one schema: append, close, read again.

    The first `memory` bytes are held, and reach the disk only if more come: for what no other run takes over.
    """

    def __init__(self, path: Path, memory: int = 0) -> None:
        self.path = path
        self.rows = 0
        self._memory = memory
        self._held: list[pl.DataFrame] = []
        self._stream: IO[bytes] | None = None
        self._writer: Any = None

    @property
    def begun(self) -> bool:
        """Whether any frame was added, be it an empty one."""
        return self._writer is not None or bool(self._held)

    def append(self, frame: pl.DataFrame) -> None:
        """Add a frame; the first one sets the schema. Frames stay apart, empty ones after the first are left out."""
        if not frame.height and self.begun:
            return
        self.rows += frame.height
        if self._memory > 0:
            self._held.append(frame)
            self._memory -= int(frame.estimated_size())
            if self._memory > 0:
                return
            held, self._held = self._held, []
            for one in held:
                self._write(one)
        else:
            self._write(frame)

    def _write(self, frame: pl.DataFrame) -> None:
        if self._writer is None:
            files.remove(self.path)
            self._stream = files.create(self.path)
        table = frame.to_arrow(compat_level=_OLDEST)
        if self._writer is None:
            self._writer = pa.ipc.new_file(self._stream, table.schema)
        for batch in table.combine_chunks().to_batches() if frame.height else ():
            self._writer.write_batch(batch)

    def close(self) -> Frames:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        return self

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Read the frames in order."""
        yield from self.pick(None)

    def pick(self, numbers: Iterable[int] | None) -> Iterator[pl.DataFrame]:
        """Read the frames with these positions (None: all)."""
        if self._held:
            yield from self._held if numbers is None else (self._held[number] for number in numbers)
            return
        if not self.path.exists():
            return
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            for number in range(reader.num_record_batches) if numbers is None else numbers:
                frame = pl.from_arrow(reader.get_batch(number))
                assert isinstance(frame, pl.DataFrame)
                yield frame

    def scan(self) -> pl.LazyFrame:
        """Give all frames as one lazy frame."""
        if self._held:
            return pl.concat(self._held).lazy()
        return pl.scan_ipc(self.path) if self.rows else self._empty().lazy()

    def _empty(self) -> pl.DataFrame:
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as reader:
            frame = pl.from_arrow(reader.schema.empty_table())
            assert isinstance(frame, pl.DataFrame)
            return frame


class Spool(Frames):
    """The batches at one place of a run, in row order, with an index of where each begins."""

    def __init__(self, path: Path, starts: list[int] | None = None) -> None:
        super().__init__(path)
        self.starts: list[int] = starts or []

    def append(self, frame: pl.DataFrame) -> None:
        """Add a batch."""
        if frame.height:
            self.starts.append(int(frame["row"][0]))
        super().append(frame)

    def take(self, numbers: Iterable[int]) -> Iterator[pl.DataFrame]:
        """Read these rows again, in batches, in row order."""
        wanted: dict[int, list[int]] = {}
        for number in sorted(set(numbers)):
            wanted.setdefault(bisect_right(self.starts, number) - 1, []).append(number)
        wanted.pop(-1, None)
        for rows, frame in zip(wanted.values(), self.pick(wanted), strict=True):
            whole = len(rows) == frame.height and frame["row"].to_list() == rows
            kept = frame if whole else frame.filter(pl.col("row").is_in(rows))
            if kept.height:
                yield kept
