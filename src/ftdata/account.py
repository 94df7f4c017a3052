"""The account of a run: what was read, each row's fate, the ledger's parts; and the equation that must hold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ftdata import __version__, files, ledger
from ftdata.errors import ContractError, RunError
from ftdata.files import Record
from ftdata.manifest import FindingPart, InputPart, Manifest, OutputPart, StagePart, Status
from ftdata.recipe import Recipe, labels
from ftdata.source import PROBLEMS
from ftdata.spool import Frames
from ftdata.stages import Finding
from ftdata.wording import hint

DROPPED, WRITTEN = 1, 2


class Fates:
    """What became of each numbered thing: nothing yet (0), or its one fate; a second one is an error.

    One byte a number: a million records or rows cost a megabyte.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._fate = np.zeros(1024, dtype=np.uint8)

    def set(self, numbers: np.ndarray[Any, Any], fate: int, who: str) -> None:
        """Give these numbers (1..) their fate; raise `ContractError` if one has a fate already, or is named twice."""
        if not len(numbers):
            return
        top = int(numbers.max())
        if int(numbers.min()) < 1:
            raise ContractError(f"{who}: {self.what} 0 does not exist; numbers start at 1")
        if top >= len(self._fate):
            if top > 2 * len(self._fate) + 50_000_000:
                raise ContractError(f"{who}: {self.what} {top} was never handed out")
            grown = np.zeros(max(2 * len(self._fate), top + 1), dtype=np.uint8)
            grown[: len(self._fate)] = self._fate
            self._fate = grown
        held = self._fate[numbers]
        if held.any():
            number = int(numbers[np.flatnonzero(held)[0]])
            raise ContractError(f"{who}: {self.what} {number} has two owners; each belongs to exactly one row")
        if not (np.diff(numbers.astype(np.int64)) > 0).all() and len(np.unique(numbers)) < len(numbers):
            raise ContractError(f"{who}: a {self.what} is named twice in one batch; each belongs to exactly one row")
        self._fate[numbers] = fate

    def missing(self, first: int, count: int) -> int | None:
        """Give the first number of a range that has no fate, or None."""
        part = self._fate[first : first + count]
        holes = np.flatnonzero(part == 0)
        if len(holes):
            return first + int(holes[0])
        return first + len(part) if len(part) < count else None

    def beyond(self, last: int) -> int | None:
        """Give a number above `last` that has a fate, or None."""
        extra = np.flatnonzero(self._fate[last + 1 :])
        return last + 1 + int(extra[0]) if len(extra) else None

    def count(self, fate: int) -> int:
        """Count the numbers with this fate."""
        return int((self._fate == fate).sum())


@dataclass
class Account:
    """All that a run knows of its rows; a resumed run takes it over with the spool."""

    recipe: Recipe
    record: Record
    row_count: int = 0
    rows_by_reader: dict[str, int] = field(default_factory=dict)
    record_count: int = 0
    inputs: list[InputPart] = field(default_factory=list)
    earlier: list[InputPart] = field(default_factory=list)
    parts: list[Frames] = field(default_factory=list)
    texts: list[Frames] = field(default_factory=list)
    found: list[tuple[str, Finding]] = field(default_factory=list)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen_keys: dict[str, set[str]] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)
    rows: Fates = field(default_factory=lambda: Fates("row"))
    records: Fates = field(default_factory=lambda: Fates("record"))
    started: str = field(default_factory=lambda: now())

    def __post_init__(self) -> None:
        self.reader_labels = self.recipe.reader_labels
        self.step_labels = self.recipe.step_labels
        self.writer_labels = labels(self.recipe.writers)

    def part(self, name: str, memory: int = 0) -> Frames:
        """Begin the next part of the ledger; one that no resumed run takes over may begin in memory."""
        part = Frames(self.record.work / f"{name}.arrow", memory)
        part.append(pl.DataFrame(schema=ledger.EVENTS))
        self.parts.append(part)
        return part

    def text_part(self, name: str) -> Frames:
        """Begin the next part of the texts that `keep_text` keeps."""
        part = Frames(self.record.work / f"{name}.arrow")
        part.append(pl.DataFrame(schema=ledger.TEXTS))
        self.texts.append(part)
        return part

    def enter(self, part: Frames, events: list[pl.DataFrame]) -> int:
        """Enter the events of one batch, and the fate of the rows that go; give how many went."""
        lines = ledger.in_order(events)
        gone = lines.filter(pl.col("event") == "drop")
        self.rows.set(gone["row"].to_numpy(), DROPPED, "engine")
        part.append(lines)
        return gone.height

    # --- the law ------------------------------------------------------------------------------------------------------

    def balance(self) -> None:
        """Hold the law: every row read was written or dropped, once; else fail, and publish nothing."""
        hole = self.rows.missing(1, self.row_count)
        if hole is not None:
            raise RunError(f"the run does not add up: row {hole} was not written and not dropped; nothing published")
        extra = self.rows.beyond(self.row_count)
        if extra is not None:
            raise RunError(f"the run does not add up: row {extra} was never read; nothing was published")

    def hold(self, manifest: Manifest) -> None:
        """Hold the manifest against the law, the stages' own conditions and the limits; else fail the run."""
        rows = manifest.written + manifest.dropped_rows
        if manifest.rows != rows or manifest.records != manifest.written_records + manifest.dropped_records:
            raise RunError(
                f"the run does not add up: {manifest.rows} rows, {manifest.records} records were read, the ledger has "
                f"{rows} and {manifest.written_records + manifest.dropped_records}; nothing was published"
            )
        told = [*self._fields(manifest), *self._limits(manifest)]
        if not manifest.written and not told:
            reasons = [f"{reason} {n:,}" for part in manifest.dropped.values() for reason, n in part.items()]
            why = f"dropped: {', '.join(reasons)}" if reasons else "the input holds no record"
            told = [f"no row is left to write ({why})"]
            told += [finding.message for _, finding in self._misread(manifest.dropped)]
        if told:
            raise RunError("\n".join(f"{line}; nothing was published" for line in told))

    def _fields(self, manifest: Manifest) -> list[str]:
        """Ask stages that name meta keys whether any row had them; a key that no row has is an error."""
        parts = {part.label: part for part in manifest.stages}
        told = []
        for label, stage in zip(self.step_labels, self.recipe.steps, strict=True):
            verify = getattr(stage, "verify", None)
            if verify is not None:
                keys = sorted(self.seen_keys.get(label, ()))
                answer = verify(manifest.dropped.get(label, {}), parts[label].rows, keys)
                told += [f"{label}: {answer}"] if answer else []
        return told

    def _limits(self, manifest: Manifest) -> list[str]:
        """Compare what was unreadable or dropped with `max_bad` and `max_drop`; the limit itself is allowed."""
        options = self.recipe.options
        told = []

        def over(what: str, count: int, limit: float, of: int) -> None:
            exact = Fraction(str(limit))  # 0.29 of 100 is 29, and not 28.999999999999996
            if count > (exact * of if isinstance(limit, float) and limit < 1 else exact):
                told.append(f"{what}: {count:,} of {of:,}, the limit is {limit:,}")

        if options.max_bad is not None:
            bad = 0
            for label, reader in zip(self.reader_labels, self.recipe.readers, strict=True):
                codes = PROBLEMS | reader.problems
                bad += sum(count for reason, count in manifest.dropped.get(label, {}).items() if reason in codes)
            over("max_bad: unreadable records", bad, options.max_bad, manifest.records)
        if isinstance(options.max_drop, Mapping):
            for rule, limit in options.max_drop.items():
                stage, _, reason = rule.partition(": ")
                reasons = manifest.dropped.get(stage, {})
                count = reasons.get(reason, 0) if reason else sum(reasons.values())
                over(f"max_drop: {rule}", count, limit, manifest.rows)
        elif options.max_drop is not None:
            over("max_drop: dropped rows", manifest.dropped_rows, options.max_drop, manifest.rows)
        return told

    # --- the manifest -------------------------------------------------------------------------------------------------

    def manifest(
        self,
        outputs: Sequence[OutputPart],
        status: Status,
        error: str | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> Manifest:
        """Assemble the ledger in the work folder, and derive the manifest from it."""
        path = self.record.work / "ledger.parquet"
        files.remove(path)

        def frames() -> Iterator[pl.DataFrame]:
            for part in self.parts:
                for frame in part:
                    tick()
                    yield frame

        ledger.assemble(frames(), path)
        counts = ledger.totals(path)
        drops = counts["drop"]
        found = [*self._warned(counts["flag"]), *self._misread(drops), *self._mistyped(drops), *self.found]
        ids = self._ids_of({row for _, finding in self.found for row in finding.where}, path)
        return self.outline(status, error).model_copy(
            update={
                "written": self.rows.count(WRITTEN),
                "dropped": {stage: dict(sorted(reasons.items())) for stage, reasons in counts["drop"].items()},
                "written_records": counts["written_records"].get(self.writer_labels[0], 0),
                "dropped_records": counts["dropped_records"],
                "flags": counts["flag"],
                "stages": self._stages(counts),
                "findings": [
                    FindingPart(
                        stage=label,
                        code=f.code,
                        level=f.level,
                        message=f.message,
                        numbers=dict(f.numbers),
                        where=[ids[row] for row in f.where if row in ids],
                    )
                    for label, f in found
                ],
                "outputs": list(outputs),
                "ledger_sha256": files.sha256(path),
            }
        )

    def outline(self, status: Status, error: str | None = None) -> Manifest:
        """Give the manifest as far as it is known without the ledger."""
        options = self.recipe.options
        return Manifest(
            ftdata=__version__,
            name=self.record.name,
            status=status,
            error=scrubbed(error),  # it may name a file
            recipe=scrubbed(self.recipe.dump()),
            folder=scrubbed(self.record.relative(self.recipe.folder)),
            plugins=dict(self.recipe.plugins),
            inputs=[*self.inputs, *self.earlier],
            records=self.record_count,
            rows=self.row_count,
            limits=options.model_dump(include={"max_bad", "max_drop"}, exclude_none=True),
            resumed=self.resumed,
            seed=options.seed,
            started=self.started,
            finished=now(),
        )

    def _warned(self, flags: dict[str, dict[str, int]]) -> list[tuple[str, Finding]]:
        """Turn the flags by which readers warn of a whole input into findings."""
        return [
            (label, Finding(flag, "warn", reader.warns[flag], {"rows": count}))
            for label, reader in zip(self.reader_labels, self.recipe.readers, strict=True)
            for flag, count in flags.get(label, {}).items()
            if flag in reader.warns
        ]

    def _misread(self, dropped: dict[str, dict[str, int]]) -> list[tuple[str, Finding]]:
        """Warn of records that are no UTF-8: a file in another encoding loses just those with an accent."""
        cure = "if the whole file is in another encoding, state it: --encoding cp1252, or encoding in [[read]]"
        return [
            (label, Finding("not-utf8", "warn", f"{count:,} records are not UTF-8; {cure}", {"records": count}))
            for label in self.reader_labels
            if (count := dropped.get(label, {}).get("not-utf8", 0))
        ]

    def _mistyped(self, dropped: dict[str, dict[str, int]]) -> list[tuple[str, Finding]]:
        """Warn of a limit for a reason that did not occur, where one of nearly that name did: it would never trip."""
        rules = self.recipe.options.max_drop
        found = []
        for rule in rules if isinstance(rules, Mapping) else ():
            label, _, reason = rule.partition(": ")
            seen = dropped.get(label, {})
            meant = "" if not reason or reason in seen else hint(reason, seen)
            if meant:
                told = f"max_drop: {rule!r}: no row was dropped for that reason{meant}"
                found.append((label, Finding("unknown-reason", "warn", told)))
        return found

    def _stages(self, counts: dict[str, Any]) -> list[StagePart]:
        stages = []
        live = self.row_count
        gone = {label: sum(reasons.values()) for label, reasons in counts["drop"].items()}
        reader_count = len(self.reader_labels)
        everything = [
            *zip(self.reader_labels, self.recipe.readers, strict=True),
            *zip(self.step_labels, self.recipe.steps, strict=True),
            *zip(self.writer_labels, self.recipe.writers, strict=True),
        ]
        for place, (label, stage) in enumerate(everything):
            writes = stage.kind == "writer"
            stages.append(
                StagePart(
                    label=label,
                    use=stage.name,
                    kind=stage.kind,
                    rows=self.rows_by_reader.get(label, 0) if stage.kind == "reader" else live,
                    dropped=0 if writes else gone.get(label, 0),
                    edited=0 if writes else counts["edit"].get(label, 0),
                    flagged=0 if writes else sum(counts["flag"].get(label, {}).values()),
                    summary=self.summaries.get(label, {}),
                )
            )
            if place + 1 == reader_count:
                live -= sum(gone.get(name, 0) for name in self.reader_labels)
            elif place >= reader_count and not writes:
                live -= gone.get(label, 0)
        return stages

    def _ids_of(self, rows: set[int], path: Path) -> dict[int, str]:
        if not rows:
            return {}
        lines = ledger.scan(path).filter(pl.col("row").is_in(sorted(rows))).select("row", "id").unique().collect()
        return dict(lines.iter_rows())


_PLAIN_NAME = re.compile(r"(?!.*[a-z]{16})(?!(?:[^0-9]*[0-9]){3})[a-z0-9_./{}-]*")
"""Short lower-case words and two digits at most: no address, number or key looks like that."""


def scrubbed(value: Any) -> Any:
    """Scrub every string of a value: what goes into the record may hold no address or number of a person.

    What `_PLAIN_NAME` matches, most names of files and settings, is not looked at: the scrubber takes 0.1 s to load.
    """
    if isinstance(value, str):
        if _PLAIN_NAME.fullmatch(value):
            return value
        from ftdata.transforms.pii import scrub

        # A file name may hold bytes that are no text.
        return scrub(value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    if isinstance(value, dict):
        return {key: scrubbed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrubbed(item) for item in value]
    return value


def now() -> str:
    """Give the time as the record writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
