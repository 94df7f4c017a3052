"""Let the writers write, count their lines against the rows they were handed, and log where each row went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ftdata import files, ledger
from ftdata.account import WRITTEN, Account
from ftdata.batch import Batch
from ftdata.errors import ContractError, FtdataError, PluginError
from ftdata.files import Move, Record
from ftdata.hooks import raised_at
from ftdata.manifest import OutputPart, load
from ftdata.spool import Frames
from ftdata.stages import Writer

_MEMORY = 16 << 20
"""Bytes of what was handed over, and of the ledger's lines for it, that are held rather than put on disk."""
FURTHER = "further-line"
"""The reason of a `write` event that is not the first of its row."""


@dataclass(frozen=True)
class _File:
    """A finished file: where it lies, its name below the writer's root, its split, its training rows (None: none)."""

    path: Path
    name: str
    split: str | None
    lines: int | None


@dataclass
class Output:
    """One writer of a run, with its scratch folder."""

    number: int
    writer: Writer
    label: str
    root: Path
    record: Record

    @property
    def scratch(self) -> Path:
        """The folder in which the writer works: beside its output, hidden, private."""
        name = f".{self.record.name}-{self.number}.ftdata-scratch"
        return (self.root.parent if self.writer.folder else self.root) / name

    def write(
        self, account: Account, batches: Iterable[Batch], tick: Callable[[str], None]
    ) -> tuple[list[OutputPart], list[Move]]:
        """Write all rows; give the outputs and how to publish them. Raises `ContractError` if a row was not written."""
        handed = Frames(self.record.work / f"handed-{self.number}.arrow", _MEMORY)
        finished = False

        def hand() -> Iterator[Batch]:
            nonlocal finished
            for batch in batches:
                tick(f"write {self.label}")
                split = pl.col("split").fill_null("train")
                handed.append(batch.select("row", "id", "origin", split, self._spread(batch).alias("lines")))
                if self.number == 0:
                    account.rows.set(batch["row"].to_numpy(), WRITTEN, "engine")
                yield batch
            finished = True

        try:
            self.writer.write(hand(), self.scratch)
        except (FtdataError, KeyboardInterrupt, MemoryError, OSError):
            raise
        except BaseException as error:  # a panic in polars is no Exception
            raise PluginError(
                f"writer {self.label}: {type(error).__name__} at {raised_at(error)}; nothing was published"
            ) from None
        if not finished:
            raise ContractError(f"writer {self.label}: stopped before the last row; write() must take all batches")
        handed.close()
        found = [
            _File(path, name, self.writer.split_of(Path(name)), self.writer.lines(path))
            for path in files.below(self.scratch)
            for name in [str(path.relative_to(self.scratch))]
        ]
        if not self.writer.folder:
            data = {self.writer.file_for(file.split) for file in found}
            named = {str(file) for file in (*data, *map(self.writer.sidecar_for, data))}
            odd = next((file.name for file in found if file.name not in named), None)
            if odd is not None:
                raise ContractError(f"writer {self.label}: wrote {odd}, which is not the file that `path` names")
        rows = self._log(
            account, handed, [file for file in found if file.lines is not None], lambda: tick(f"write {self.label}")
        )
        files.remove(handed.path)
        hashes = {file.name: files.sha256(file.path) for file in found}
        outputs = [
            OutputPart(
                path=self.record.relative(self.root / file.name),
                use=self.writer.name,
                split=file.split,
                rows=rows.get(file.name, 0),
                lines=file.lines or 0,
                bytes=file.path.stat().st_size,
                sha256=hashes[file.name],
            )
            for file in found
        ]
        relative = self.record.relative
        if self.writer.folder:
            return outputs, [Move(relative(self.root), relative(self.scratch), hashes)]
        return outputs, [
            Move(relative(self.root / name), relative(self.scratch / name), {"": digest})
            for name, digest in hashes.items()
        ]

    def owns(self, place: Path, split: str | None) -> bool:
        """Tell whether a file of an earlier run would make a mixed set with this output if it stayed.

        That is: a file of a split in the same folder, or one of this output's name there or in a folder below.
        """
        root = self.record.absolute(self.record.relative(self.root))
        if self.writer.folder or not place.is_relative_to(root):
            return place == root
        file, data = place.relative_to(root), self.writer.file_for(None)
        return split is not None or (file.name == data.name and file.is_relative_to(data.parent))

    def _spread(self, batch: Batch) -> pl.Series:
        """Count the lines that the writer says it makes of each row."""
        told = self.writer.spread(batch)
        if told is None:
            return pl.repeat(1, batch.height, dtype=pl.UInt32, eager=True)
        if len(told) != batch.height or not told.dtype.is_integer() or told.null_count() or (told < 1).any():
            raise ContractError(f"writer {self.label}: spread() must give each row a whole number of lines from 1 on")
        return told.cast(pl.UInt32)

    def _log(self, account: Account, handed: Frames, found: list[_File], tick: Callable[[], None]) -> dict[str, int]:
        """Enter a ledger line for each line written; give the rows of each file.

        The lines of a row follow one another; the rows of a split stand in order in its files, these in name order. A
        line that is not the first of its row has the reason `further-line`.
        """
        part = account.part(f"events-write-{self.number}", _MEMORY)
        whole = all(file.split is None for file in found)
        own = {
            split: [file for file in found if (file.split or "") == split] for split in {f.split or "" for f in found}
        }
        names = {split: [self.record.relative(self.root / file.name) for file in of] for split, of in own.items()}
        bounds = {split: np.cumsum([0, *(file.lines or 0 for file in of)], dtype=np.int64) for split, of in own.items()}
        counter = dict.fromkeys(own, 0)
        held: Counter[str] = Counter()
        for frame in handed:
            tick()
            lines = []
            groups = [(("",), frame)] if whole else frame.group_by(["split"], maintain_order=True)
            for split, rows in ((str(key[0]), rows) for key, rows in groups):
                rows, reason = _by_line(rows)
                if split not in own or counter[split] + rows.height > bounds[split][-1]:
                    self._miscounted(split)
                at = np.arange(counter[split], counter[split] + rows.height)
                counter[split] += rows.height
                file = np.searchsorted(bounds[split], at, side="right") - 1
                firsts = file if reason is None else file[reason.is_null().to_numpy()]
                for one, count in zip(own[split], np.bincount(firsts, minlength=len(own[split])), strict=True):
                    held[one.name] += int(count)
                lines.append(
                    ledger.events(rows, self.label, "write", reason).with_columns(
                        pl.Series("output", names[split], pl.String).gather(file),
                        pl.Series("line", (at - bounds[split][file] + 1).astype(np.uint64)),
                    )
                )
            part.append(ledger.in_order(lines))
        part.close()
        for split, count in counter.items():
            if count != bounds[split][-1]:
                self._miscounted(split)
        return held

    def _miscounted(self, split: str) -> None:
        which = f" of split {split!r}" if split else ""
        raise ContractError(
            f"writer {self.label}: the lines it wrote{which} are not the rows it was handed; nothing was published"
        )


def _by_line(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series | None]:
    """Repeat each row as often as it has lines; give the reason of each, None if there is none."""
    if (rows["lines"] == 1).all():
        return rows, None
    rows = rows[np.repeat(np.arange(rows.height), rows["lines"].to_numpy())]
    further = rows["row"] == rows["row"].shift(1)
    return rows, pl.select(reason=pl.when(further).then(pl.lit(FURTHER))).to_series().cast(pl.String)


def leftovers(record: Record, outs: Sequence[Output], moves: list[Move]) -> list[Move]:
    """Give the removal of what the run before wrote for the same outputs and this one does not, such as its test split.

    Left behind, it would make a mixed set. An output that the recipe does not name any more stays: it mixes with none.
    """
    if not record.manifest.exists():
        return []
    before = load(record.manifest)
    splits = {out.path: out.split for out in before.outputs}
    new = {move.final for move in moves}
    gone = []
    for old in (Move(**move) for move in before.publish if move["final"] not in new):
        place = record.absolute(old.final)
        ours = place in (record.ledger, record.texts) or any(out.owns(place, splits.get(old.final)) for out in outs)
        if ours and old.scratch is not None and place.exists() and old.holds(place):
            gone.append(Move(old.final))
    return gone
