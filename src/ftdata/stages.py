"""The six kinds of stage, and the small values that they exchange with the engine.

A stage IS its validated configuration plus one method or two: frozen, unknown fields refused. The base class says the
kind; `name` is the word in a recipe. The first line of a stage's docstring is what `ftdata stages` prints, a field's
`description` is its documentation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ftdata.batch import Batch
from ftdata.conversation import Message

if TYPE_CHECKING:
    from ftdata.cost.estimate import Estimate
    from ftdata.handoff.gate import Passed
    from ftdata.handoff.state import State
    from ftdata.source import Source


@dataclass(frozen=True)
class Finding:
    """What a check saw: a stable code, a level, one sentence, the numbers behind it, and where.

    `where` holds row numbers (`row` of the batch), at most a few hundred; `numbers` only numbers and low-cardinality
    labels, never text of a row.
    """

    code: str
    level: Literal["error", "warn", "info"]
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    where: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sniff:
    """What a reader makes of an input it was shown.

    `confidence` runs from 0 to 1. With a `refusal` the input is recognised, but not read as it is: it says which
    setting is missing, or what to export instead. `evidence` is shown to the user, a short phrase each; `fields` are
    the settings it guessed, `force` the flags that state them, `counts` what its first records hold (turns by role,
    records left out by reason). `certain`: the input is this reader's to the letter; no other one need be asked.
    """

    confidence: float
    evidence: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    force: str = ""
    refusal: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    certain: bool = False


Said = str | tuple[str, str] | Message


@dataclass(frozen=True)
class Example:
    """Rows that show what a step does: the reference pages run the step on them and print before and after.

    `says` is one sentence: what is to be seen. A row is a tuple of texts, user and assistant in turn, or of pairs
    (role, text), or whole messages; `meta` holds the meta of each row, `earlier` the rows that any earlier output named
    in `fields` (the settings) is taken to hold.
    """

    says: str
    rows: tuple[tuple[Said, ...], ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    meta: tuple[Mapping[str, Any], ...] = ()
    earlier: tuple[tuple[Said, ...], ...] = ()


@dataclass(frozen=True)
class Order:
    """What a trainer would do, before anything is sent or started.

    `texts` are the exact request or configuration to show, a title and a text each; `estimate` is what the job costs
    (None: it costs nothing), `notes` what a user should know, `problems` why the trainer would refuse: the gate's
    condition `preflight`.
    """

    texts: tuple[tuple[str, str], ...]
    estimate: Estimate | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """Where a job stands: under which id, in which state, and the model that came of it.

    `status` is `starting` (nobody knows yet whether the job exists), `queued`, `running`, `paused`, `succeeded`,
    `failed` or `cancelled`; `detail` a sentence for people: the error of one that failed.
    """

    trainer: str
    id: str
    status: str
    model: str | None = None
    detail: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Event:
    """One line of a job's log: when (ISO 8601), how grave (`info`, `warn`, `error`), what; its numbers by name."""

    at: str
    level: str
    message: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a job that succeeded left: files by what they are, and the two models as `ftdata eval` takes them."""

    job: Job
    base: str
    tuned: str
    files: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Rows(Protocol):
    """The spool, as a selector sees it."""

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """Read these rows again, in batches, in row order."""
        ...

    def tick(self) -> None:
        """Let the run be stopped here; call it now and then in work of more than a second."""
        ...

    def earlier(self, path: Path) -> Iterator[Batch]:
        """Read what an earlier run wrote: a chat JSONL file, or a folder of such files or of a Hugging Face dataset.

        The rows are numbered from 1 within `path`; an `id` is the file's name and the line, `train.jsonl#17`. The
        files are hashed and listed among the run's inputs. Raises `InputError` if there is nothing to read.
        """
        ...


def heads(keys: Iterable[str | None]) -> frozenset[str]:
    """Give dotted meta keys with all that they may stand under, for `reads_meta`: `a.b` is found where `a` is kept."""
    parted = [key.split(".") for key in keys if key is not None]
    return frozenset(".".join(parts[:count]) for parts in parted for count in range(1, len(parts) + 1))


class Stage(BaseModel):
    """Base of all stages. Sequence fields are tuples, so that a stage is hashable."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    name: ClassVar[str]
    kind: ClassVar[str]
    decides_with: ClassVar[tuple[str, ...]] = ()
    """Distributions whose version decides what this stage gives: part of the key under which work is reused."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """What the reference shows of this step: each is run, nothing is written by hand but the rows."""

    def outside(self) -> str:
        """Tell what decides besides the settings, such as a digest of a key in the environment; default: nothing.

        Part of the key under which work is reused; never the secret itself.
        """
        return ""

    def reads_meta(self) -> frozenset[str] | None:
        """Name the `meta` keys that this stage reads; None (the default) means any.

        Meta that no later stage reads and no writer writes is not spooled to disk.
        """
        return None


class Reader(Stage):
    """Base of readers: turns the numbered records of a source into batches.

    Every record that `source` hands out must be owned (`origin`) by exactly one row; a record that cannot be used is a
    row with `drop` set. `row` and `id` are left to the engine.
    """

    kind: ClassVar[str] = "reader"
    ready: ClassVar[bool] = False
    """Whether what it reads is training data already: `convert` then counts private data instead of scrubbing it."""
    problems: ClassVar[frozenset[str]] = frozenset()
    """Reasons of its own for records that could not be read, which `max_bad` limits beside those of the source."""
    beside: ClassVar[tuple[str, ...]] = ()
    """Meta keys that `convert` keeps beside the rows, in the writer's `sidecar`: `*` means all."""
    warns: ClassVar[Mapping[str, str]] = {}
    """Flags that concern the whole input rather than one row, with a sentence: a run tells them as findings."""

    path: Path = Field(description='file to read, or "-" for standard input')
    encoding: str | None = Field(None, description="encoding of the input; UTF-8, or told from its bytes")

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the source. One that looks through all of it first gives an empty batch now and then meanwhile."""
        raise NotImplementedError

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Say whether this reader knows the input, from `source.head()`, `.members()`, `.sample()`; None: not mine."""
        return None


class Transform(Stage):
    """Base of transforms: sees one row at a time; edits texts or meta, adds flags, or sets `drop` and `note`."""

    kind: ClassVar[str] = "transform"

    def apply(self, batch: Batch) -> Batch:
        """Give the same rows in the same order, edited or marked. Only live rows come in."""
        raise NotImplementedError


class Selector(Stage):
    """Base of selectors: whatever depends on OTHER rows (dedup, down-sampling, splitting)."""

    kind: ClassVar[str] = "selector"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give a small piece of evidence per row: `row` plus columns of your own, the same for every batch."""
        raise NotImplementedError

    def select(self, sketches: pl.LazyFrame, rows: Rows) -> pl.LazyFrame:
        """Decide: `row` plus any of `drop`, `note`, `flags` (List(String)), `split`, `tags` (JSON text).

        Tags (an object) are merged into `meta` under the stage's name; where the source has a column of that name, they
        stand beside it as `name.key`. What `told` holds is only for the stage's own `summary`. Rows not mentioned stay
        as they are; a null decides nothing.
        """
        raise NotImplementedError


class Check(Stage):
    """Base of checks: only looks, and judges the dataset; never changes or drops a row."""

    kind: ClassVar[str] = "check"

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give what the judgement needs: `row` plus columns of your own, the same for every batch."""
        raise NotImplementedError

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Judge the dataset from all sketches."""
        raise NotImplementedError


class Writer(Stage):
    """Base of writers: writes the final rows into a scratch folder; the engine publishes.

    Only live rows come in, in row order. Files are created with `ftdata.files.create`, under `into`, with the names
    they will have below `root`.
    """

    kind: ClassVar[str] = "writer"
    folder: ClassVar[bool] = False
    """Whether `path` names a folder that this writer fills, rather than a file (or one file per `{split}`)."""

    path: Path = Field(description="file to write, `{split}` in it for one file per split, or the folder to fill")
    meta: tuple[str, ...] = Field((), description="meta keys to write beside each row; none by default")

    def reads_meta(self) -> frozenset[str] | None:
        """A writer reads the meta keys that it writes."""
        return frozenset(self.meta)

    @property
    def root(self) -> Path:
        """The folder below which all outputs lie: `path` itself, or the last folder before `{split}`."""
        if self.folder:
            return self.path
        root = self.path.parent
        while "{split}" in str(root):
            root = root.parent
        return root

    def file_for(self, split: str | None) -> Path:
        """Give the name, relative to `root`, of the file that holds the rows of a split (null: `train`)."""
        return Path(str(self.path.relative_to(self.root)).replace("{split}", split or "train"))

    def split_of(self, file: Path) -> str | None:
        """Give the split whose rows a finished file (relative to `root`) holds; None where files are not by split."""
        before, marked, after = str(self.path.relative_to(self.root)).partition("{split}")
        return str(file)[len(before) : len(str(file)) - len(after)] if marked else None

    def sidecar_for(self, file: Path) -> Path | None:
        """Give the name (relative to `root`) of the file beside a data file that holds no rows; None: there is none."""
        return None

    def spread(self, batch: Batch) -> pl.Series | None:
        """Say how many lines the writer makes of each row of a batch (whole numbers from 1 on); None: one of each."""
        return None

    def lines(self, file: Path) -> int | None:
        """Count the training rows in a finished file; None for a file that holds none (a card). Default: its lines."""
        with file.open("rb", buffering=0) as stream:
            blocks = iter(lambda: stream.read(1 << 18), b"")
            return sum(int(np.count_nonzero(np.frombuffer(block, np.uint8) == 10)) for block in blocks)

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write all rows under `into`. The rows of one split stand in reading order over its files in name order.

        A row may take several lines, one after the other: `spread` says how many.
        """
        raise NotImplementedError


class Trainer(Stage):
    """Base of trainers: thin; hands the files of a proven run to a service or a local tool.

    `ftdata train` finds the files, asks for the order, judges it at the gate, and only then calls `start`. Whatever a
    trainer must not forget it gives to `state.keep` before and after each step: after a crash it finds it there.
    """

    kind: ClassVar[str] = "trainer"
    takes: ClassVar[tuple[str, ...]] = ()
    """The writers whose files it takes; the first that the run has is used."""
    places: ClassVar[tuple[str, ...]] = ()
    """Settings that name a file or folder: relative to the recipe's folder, or where the command is given."""
    names: ClassVar[tuple[str, ...]] = ()
    """Settings that do so if it is there, and are a name elsewhere (a model of a hub) if not."""

    def placed(self, folder: Path) -> Trainer:
        """Give the trainer with its relative `places` and `names` meant from a folder."""
        found = {}
        for key in (*self.places, *self.names):
            value = getattr(self, key)
            if value is not None:
                path = Path(os.path.abspath(folder / Path(value).expanduser()))
                if key in self.places or path.exists():
                    found[key] = type(value)(path)
        return self.model_copy(update=found)

    @property
    def destination(self) -> str:
        """Give the name that `[provenance] destinations` must list: a vendor, or `local` where nothing leaves."""
        raise NotImplementedError

    @property
    def target(self) -> str:
        """Give the target by whose rules the files are judged (`ftdata targets`)."""
        raise NotImplementedError

    def order(self, files: Mapping[str, Path], state: State) -> Order:
        """Say what would be done with the files of each split. Sends nothing, starts nothing, needs no key."""
        raise NotImplementedError

    def start(self, given: Passed, state: State) -> Job:
        """Start the job; one that `state` shows to be started is found again, never started twice.

        Raises `VendorError` for a vendor that refuses or cannot be reached, `OutputError` for bytes that are not those
        that were judged.
        """
        raise NotImplementedError

    def look(self, state: State) -> Job:
        """Ask where the job stands."""
        raise NotImplementedError

    def events(self, state: State) -> Iterator[Event]:
        """Tell the job's log, oldest first."""
        raise NotImplementedError

    def cancel(self, state: State) -> Job:
        """Stop the job."""
        raise NotImplementedError

    def resume(self, state: State) -> Job:
        """Go on with a job that was interrupted, paused, or whose start nobody saw the end of."""
        raise NotImplementedError

    def result(self, state: State, into: Path) -> Result:
        """Fetch what the job left into a folder: metrics, plot, checkpoints. Raises `InputError` before its end."""
        raise NotImplementedError


KINDS: tuple[type[Stage], ...] = (Reader, Transform, Selector, Check, Writer, Trainer)
"""The base classes, in the order in which a run meets them."""
