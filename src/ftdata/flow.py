"""A run from recipe to published outputs.

    read ─► segment ─► [spool] ─► select … ─► segment ─► [spool] ─► writers

A *section* ends at a spool or at the writers: first what selects among the rows of the spool before, then what goes
row by row. Transforms stream; only a selector, or a second writer, makes a spool necessary.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ftdata import engine, files, ledger, resume
from ftdata.account import DROPPED, WRITTEN, Account
from ftdata.batch import SCHEMA, Batch, conversations
from ftdata.conversation import Conversation
from ftdata.earlier import Earlier
from ftdata.errors import ContractError, FtdataError, Interrupted, OutputError, RunError
from ftdata.files import Move, Record
from ftdata.inputs import display_names, ids, input_parts, open_source, splits
from ftdata.manifest import Manifest, OutputPart, Status, known_hashes, load
from ftdata.outputs import Output, leftovers
from ftdata.pool import Pool
from ftdata.recipe import Recipe
from ftdata.selection import Selected, Sketched, sketched
from ftdata.spool import Frames, Spool
from ftdata.stages import Check, Finding, Selector, Stage, Transform

_SPLITS = (None, "train", "validation", "test")
Arrival = tuple[Batch, list[pl.DataFrame]]
"""A batch of live rows, with the events that led to it."""


@dataclass
class Progress:
    """Where a run stands; handed to the caller between batches."""

    doing: str = ""
    rows: int = 0
    dropped: int = 0
    bytes_read: int = 0
    bytes_total: int = 0


Watch = Callable[[Progress], None]


def run(
    recipe: Recipe | Path | str, *, overwrite: bool = False, fresh: bool = False, watch: Watch | None = None
) -> Manifest:
    """Run a recipe and publish its outputs; give the manifest.

    `overwrite` replaces outputs that another program wrote or changed; `fresh` takes nothing over from an interrupted
    run; `watch` is called between batches. Raises `FtdataError` (its `exit_code` says of what kind); then the outputs
    of the run before stand untouched.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    record = record_of(recipe)
    _check_targets(recipe, record, overwrite)
    with record.locked():
        record.recover()
        return _Flow(recipe, record, overwrite, fresh, watch).run()


def sample(recipe: Recipe, count: int, watch: Watch | None = None) -> tuple[Manifest, list[Conversation]]:
    """Run a recipe on the first `count` records of each reader and publish nothing.

    Gives the manifest of that try and the conversations that would have been written, `count` at most.
    """
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        record = Record(Path(place), "sample")
        with record.locked():
            flow = _Flow(recipe, record, True, True, watch, only=count)
            return flow.run(), flow.kept


def record_of(recipe: Recipe) -> Record:
    """Give the record of a recipe: `.ftdata/<name>` in the folder of its first writer's output."""
    writer = recipe.writers[0]
    place = recipe.folder / writer.root
    return Record(place.parent if writer.folder else place, recipe.options.name or recipe.stem)


def _check_targets(recipe: Recipe, record: Record, overwrite: bool, moves: Sequence[Move] = ()) -> None:
    """Refuse outputs that could not be published; once they are written (`moves`), also those of unforeseen splits."""
    targets = []
    for writer in recipe.writers:
        root = recipe.folder / writer.root
        names = [Path()] if writer.folder else [writer.file_for(split) for split in _SPLITS]
        names += [beside for name in names if (beside := writer.sidecar_for(name)) is not None]
        targets += [(root / name, writer.folder) for name in dict.fromkeys(names)]
    targets += [
        (record.absolute(move.final), record.absolute(move.scratch).is_dir())
        for move in moves
        if move.scratch is not None
    ]
    place = record.folder
    try:
        known = known_hashes(record)
        for place, folder in dict.fromkeys(targets):
            files.check_target(place if folder else place.parent, [place], known, overwrite, folder)
    except OSError as error:
        told = os.strerror(error.errno or 0).lower()
        raise OutputError(f"{place}: cannot be written: {told}; write elsewhere") from None


@dataclass
class _Section:
    group: list[tuple[str, Selector | Check]] = field(default_factory=list)
    segment: list[tuple[str, Transform | Check]] = field(default_factory=list)

    @property
    def stages(self) -> list[Stage]:
        return [stage for _, stage in [*self.group, *self.segment]]


def sections(recipe: Recipe) -> list[_Section]:
    """Cut the steps of a recipe into sections; selectors in a row share one spool, with the checks between them."""
    found = [_Section()]
    for label, stage in zip(recipe.step_labels, recipe.steps, strict=True):
        last = found[-1]
        if not isinstance(stage, Selector):
            last.segment.append((label, stage))
        elif last.group and all(isinstance(other, Check) for _, other in last.segment):
            between = [(name, other) for name, other in last.segment if isinstance(other, Check)]
            last.group += [*between, (label, stage)]
            last.segment = []
        else:
            found.append(_Section(group=[(label, stage)]))
    return found


class _Flow:
    """One run: batches from section to section, and the account of them."""

    def __init__(
        self,
        recipe: Recipe,
        record: Record,
        overwrite: bool,
        fresh: bool,
        watch: Watch | None,
        only: int | None = None,
    ) -> None:
        self.recipe, self.record, self.overwrite, self.fresh = recipe, record, overwrite, fresh
        self.watch, self.only = watch, only
        self.tolerant = recipe.options.on_error == "drop"
        self.progress = Progress()
        self.account = Account(recipe, record)
        self.pool = Pool(recipe.options.jobs, lambda: self._tick(self.progress.doing))
        self.kept: list[Conversation] = []
        self.early: Sketched | None = None
        self.stop: int | None = None

    def run(self) -> Manifest:
        try:
            with self._signals():
                return self._run()
        except FtdataError as error:
            self._give_up("interrupted" if isinstance(error, Interrupted) else "failed", error.recorded)
            raise
        except KeyboardInterrupt:
            self._give_up("interrupted", "interrupted at once")
            raise Interrupted(signal.SIGINT) from None
        except MemoryError:
            self._give_up("failed", "out of memory")
            raise RunError("out of memory; close other programs, or run on a machine with more") from None
        except OSError as error:
            told = f"the system failed: {engine.system_says(error)}"
            self._give_up("failed", told)
            raise OutputError(f"{self.record.base}: {told}; free space or memory, then run again") from None
        except Exception as error:
            self._give_up("failed", f"a bug in ftdata: {type(error).__name__}")
            raise
        finally:
            self.pool.close()

    def _run(self) -> Manifest:
        files.private_folder(self.record.work)
        cut = sections(self.recipe)
        several = len(self.recipe.writers) > 1 and self.only is None
        spooled = len(cut) - 1 + several
        start, spool = self._resume(cut, spooled)
        final: Iterable[Batch] = ()
        for number in range(start, len(cut)):
            final = self._through(self._begin(cut[number], number, spool), cut[number].segment, number)
            if number < spooled:
                spool = self._spool(final, number, cut)
        if several:
            assert spool is not None
            final = _Again(spool)
        if self.only is not None:
            return self._keep(final)
        places = [self.recipe.folder / writer.root for writer in self.recipe.writers]
        outs = [
            Output(number, writer, label, root, self.record)
            for number, (writer, label, root) in enumerate(
                zip(self.recipe.writers, self.account.writer_labels, places, strict=True)
            )
        ]
        self.record.open_scratch([out.scratch for out in outs])
        outputs: list[OutputPart] = []
        moves: list[Move] = []
        for out in outs:
            parts, steps = out.write(self.account, final, self._tick)
            outputs += parts
            moves += steps
        return self._publish(outs, outputs, moves)

    # --- sections -----------------------------------------------------------------------------------------------------

    def _begin(self, section: _Section, number: int, spool: Spool | None) -> Iterator[Arrival]:
        """Give the batches at the start of a section: read, or selected from the spool of the section before."""
        if spool is None:
            yield from self._read()
            return
        before = Earlier(self.recipe.folder)
        selected = Selected(spool, self.tolerant, before, self.pool)
        early, self.early = self.early, None
        for label, stage in section.group:
            self._tick(f"select {label}")
            sketches = self._sketches(number)
            if isinstance(stage, Selector):
                try:
                    selected.run(stage, label, early or selected.sketches(stage, label, sketches))
                except RunError as error:
                    if self.only is None:
                        raise
                    # Too few rows to split or to choose among: a sample is there to be looked at all the same.
                    self.account.found.append((label, Finding("sample-too-small", "info", str(error))))
                    continue
                if hasattr(stage, "summary"):
                    self.account.summaries[label] = stage.summary(selected.made[-1].frame)
            else:
                frame, _ = selected.sketches(stage, label, sketches)
                self.account.found += [(label, finding) for finding in engine.judge(stage, label, frame)]
            early = None
            files.remove(sketches.path)
        self.account.earlier += [part for part in before.inputs if part not in self.account.earlier]
        for batch, found in selected.settled():
            self._tick(f"section {number + 1}")
            yield batch, found

    def _through(
        self, arrivals: Iterator[Arrival], segment: Sequence[tuple[str, Transform | Check]], number: int
    ) -> Iterator[Batch]:
        """Run the steps of a segment on each batch; account for every row that goes; give the rows that live on."""
        account = self.account
        part = account.part(f"events-{number}")
        kept = account.text_part(f"texts-{number}") if self.recipe.options.keep_text else None
        looks = {
            label: Frames(self.record.work / f"check-{number}-{place}.arrow")
            for place, (label, stage) in enumerate(segment)
            if isinstance(stage, Check)
        }
        waiting: deque[list[pl.DataFrame]] = deque()

        def batches() -> Iterator[Batch]:
            for batch, found in arrivals:
                waiting.append(found)
                yield batch

        work = partial(engine.segment, segment, self.tolerant, kept is not None)
        for passed in self.pool.map(work, batches()) if segment else map(work, batches()):
            for label, looked in passed.looked.items():
                engine.gather(label, looked, looks[label])
            for label, keys in passed.keys.items():
                seen = account.seen_keys.setdefault(label, set())
                if len(seen) < 200:
                    seen.update(keys)
            for frame in passed.texts:
                assert kept is not None
                kept.append(frame)
            if events := waiting.popleft() + passed.events:
                self.progress.dropped += account.enter(part, events)
            if passed.batch.height:
                yield passed.batch
        part.close()
        if kept is not None:
            kept.close()
        for label, stage in segment:
            if isinstance(stage, Check):
                look = looks[label]
                if not look.path.exists():
                    engine.sketch(stage, label, pl.DataFrame(schema=SCHEMA), look, False)
                account.found += [(label, finding) for finding in engine.judge(stage, label, look.close().scan())]
                files.remove(look.path)

    def _read(self) -> Iterator[Arrival]:
        account = self.account
        names = display_names([str(reader.path) for reader in self.recipe.readers])
        for reader, label, name in zip(self.recipe.readers, account.reader_labels, names, strict=True):
            first = account.record_count + 1
            network = self.recipe.options.network
            with open_source(reader, self.recipe.folder, name, first, self.record.work, self.only, network) as source:
                self.progress.bytes_total += source.bytes_total
                before = self.progress.bytes_read
                named = partial(ids, source)
                for batch in engine.intake(reader, label, reader.read(source), account.row_count + 1, named):
                    account.row_count += batch.height
                    account.rows_by_reader[label] = account.rows_by_reader.get(label, 0) + batch.height
                    owned = batch["origin"].explode().to_numpy()
                    account.records.set(owned, DROPPED, f"reader {label}")
                    self.progress.bytes_read = before + source.bytes_read
                    self._tick(f"read {source.name}")
                    if batch.height:
                        told = splits(source, batch["origin"].list.first())
                        if told is not None:
                            batch = batch.with_columns(split=pl.coalesce("split", told))
                        yield engine.arrived(label, batch)
                hole = account.records.missing(first, source.handed)
                if hole is not None:
                    raise ContractError(f"reader {label}: lost {source.place(hole)}; every record belongs to a row")
                extra = account.records.beyond(first + source.handed - 1)
                if extra is not None:
                    raise ContractError(f"reader {label}: owns record {extra}, which was never handed out")
                account.record_count += source.handed
                account.inputs += input_parts(source, reader, self.recipe.folder)

    # --- spools -------------------------------------------------------------------------------------------------------

    def _kept_meta(self, cut: list[_Section], number: int) -> frozenset[str] | None:
        return engine.meta_needed([*(s for c in cut[number + 1 :] for s in c.stages), *self.recipe.writers])

    def _key(self, cut: list[_Section], number: int) -> str:
        done = [stage for section in cut[: number + 1] for stage in section.stages]
        return resume.key(self.recipe, done, self._kept_meta(cut, number))

    def _sketches(self, number: int) -> Frames:
        return Frames(self.record.work / f"sketch-{number}.arrow")

    def _spool(self, batches: Iterable[Batch], number: int, cut: list[_Section]) -> Spool:
        """Drain a section into its spool, and note all that a resumed run must take over.

        What selects first among these rows sees them as they go by: that saves reading the spool once.
        """
        spool = Spool(self.record.work / f"spool-{number}.arrow")
        keep = self._kept_meta(cut, number)
        spool.append(pl.DataFrame(schema=SCHEMA))

        def spooled() -> Iterator[Batch]:
            for batch in batches:
                kept = engine.without_meta(batch, keep)
                spool.append(kept)
                yield kept

        if number + 1 < len(cut):
            label, stage = cut[number + 1].group[0]
            self.early = sketched(self.pool, stage, label, spooled(), self._sketches(number + 1), self.tolerant)
        else:
            deque(spooled(), 0)
        spool.close()
        resume.save(self.account, spool, number, self._key(cut, number))
        return spool

    def _resume(self, cut: list[_Section], spooled: int) -> tuple[int, Spool | None]:
        """Take over the last finished spool that still holds; remove all other work."""
        start, spool = 0, None
        for number in range(spooled - 1, -1, -1):
            spool = None if self.fresh else resume.take_over(self.account, number, self._key(cut, number))
            if spool is not None:
                start = number + 1
                break
        resume.clear(self.account, spool)
        return start, spool

    # --- the end ------------------------------------------------------------------------------------------------------

    def _keep(self, final: Iterable[Batch]) -> Manifest:
        """Keep the rows of a sample instead of writing them."""
        assert self.only is not None
        records = 0
        for batch in final:
            self.kept += conversations(batch.head(max(0, self.only - len(self.kept))))
            self.account.rows.set(batch["row"].to_numpy(), WRITTEN, "sample")
            records += int(batch["origin"].list.len().sum())
        return self.account.manifest([], self._verdict()).model_copy(update={"written_records": records})

    def _verdict(self) -> Status:
        return "findings" if any(finding.level == "error" for _, finding in self.account.found) else "done"

    def _publish(self, outs: list[Output], outputs: list[OutputPart], moves: list[Move]) -> Manifest:
        self.account.balance()
        manifest = self.account.manifest(outputs, self._verdict(), tick=lambda: self._tick("account"))
        self.account.hold(manifest)
        _check_targets(self.recipe, self.record, self.overwrite, moves)
        books = [(self.record.ledger, manifest.ledger_sha256 or "")]
        if self.account.texts:
            texts = self.record.work / self.record.texts.name
            ledger.assemble((frame for part in self.account.texts for frame in part), texts, ledger.TEXTS)
            books.append((self.record.texts, files.sha256(texts)))
        moves = list(moves)
        for book, digest in books:
            scratch = book.with_name(f".{book.name}.ftdata-scratch")
            files.rename(self.record.work / book.name, scratch)
            moves.append(Move(self.record.relative(book), self.record.relative(scratch), {"": digest}))
        moves += leftovers(self.record, outs, moves)  # last: the ledger of the run before is replaced, not left over
        self._tick("publish")
        self.record.publish(moves, manifest.model_dump(mode="json"))
        files.remove(self.record.work)
        return load(self.record.manifest)

    def _give_up(self, status: Status, error: str) -> None:
        """Leave the outputs of the run before as they are; keep a manifest of the attempt beside theirs."""
        try:
            self.record.clear_scratch()
            try:
                for part in self.account.parts:
                    part.close()
                # To assemble the ledger may take longer than whoever pressed Ctrl-C should wait.
                made = self.account.outline if status == "interrupted" else partial(self.account.manifest, [])
                manifest = made(status, error)
            except Exception:  # the ledger itself may be what failed
                manifest = self.account.outline(status, error)
            files.save(self.record.attempt, manifest.model_dump_json(indent=1) + "\n")
        except (OSError, FtdataError):
            pass  # the disk may be the very reason; the error itself is on its way to the user

    # --- between batches ----------------------------------------------------------------------------------------------

    def _tick(self, doing: str) -> None:
        if self.stop is not None:
            raise Interrupted(self.stop)
        self.progress.doing, self.progress.rows = doing, self.account.row_count
        if self.watch is not None:
            self.watch(self.progress)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let the first Ctrl-C or SIGTERM end the run after the batch in hand, the second at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def heard(number: int, _frame: Any) -> None:
            if self.stop is not None:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self.stop = number

        old = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)


class _Again:
    """A spool as batches that can be read once for each writer."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool

    def __iter__(self) -> Iterator[Batch]:
        for frame in self.spool:
            yield frame.cast(SCHEMA)
