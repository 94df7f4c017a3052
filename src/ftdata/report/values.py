"""The values of a report: what a run's record and outputs say of it, in counts, shares and names; no text of any row.

A section that nothing measured is None, and its name stands in `Report.unmeasured` with the step that would measure it:
unknown is never 0. `source` says where a section's numbers come from. `Grid`, `Cost` and `Advice` are filled by those
who work them out; the report only shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ftdata.conversation import Conversation

Level = Literal["error", "warn", "info"]
Mark = Literal["error", "warn", "ok", "none"]


@dataclass(frozen=True)
class Count:
    """How many of something: `share` is of what the section counts, from 0 to 1."""

    name: str
    count: int
    share: float | None = None


@dataclass(frozen=True)
class Input:
    """One file that was read."""

    name: str
    use: str
    records: int
    bytes: int
    encoding: str | None
    sha256: str
    lookup: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Output:
    """One file that was written; `lines` are more than `rows` where a writer expands turns."""

    path: str
    use: str
    split: str | None
    rows: int
    lines: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Step:
    """What one reader, transform or selector did: rows that came in, and what became of them."""

    label: str
    use: str
    kind: str
    rows: int
    dropped: int
    edited: int
    flagged: int
    reasons: tuple[Count, ...]
    flags: tuple[Count, ...]


@dataclass(frozen=True)
class Funnel:
    """From records to rows to what was written: read = written + dropped, in rows and in records."""

    records: int
    rows: int
    written: int
    dropped: int
    written_records: int
    dropped_records: int
    steps: tuple[Step, ...]
    source: str


@dataclass(frozen=True)
class Bin:
    """Rows from `low` up to and without `high`; the last bin of a long tail has no `high`."""

    low: int
    high: int | None
    rows: int


@dataclass(frozen=True)
class Lengths:
    """How long the rows are. `measures`: least, percentiles (Hyndman and Fan's first kind), most, mean, sum of each.

    Of tokens: `counted_by` what, and `trained_share`, the share of all that is learnt.
    """

    rows: int
    unit: Literal["characters", "tokens"]
    measures: Mapping[str, Mapping[str, float]]
    bins: tuple[Bin, ...]
    source: str
    estimated: bool = False
    counted_by: str = ""
    trained_share: float | None = None


@dataclass(frozen=True)
class Balance:
    """How the rows spread over the classes of one field; `effective` equal classes would be as uneven."""

    by: str
    rows: int
    without: int
    classes: int
    effective: float
    largest_share: float
    smallest: int
    shares: tuple[Count, ...]
    source: str


@dataclass(frozen=True)
class Languages:
    """Rows by language, and how many none could be told for."""

    rows: tuple[Count, ...]
    unknown: int
    variants: tuple[Count, ...]
    backend: str | None
    source: str


@dataclass(frozen=True)
class Copies:
    """What one selector found of copies, near-copies, leaks, contradictions: rows dropped by reason, and its counts."""

    label: str
    dropped: tuple[Count, ...]
    flagged: tuple[Count, ...]
    numbers: tuple[Count, ...]


@dataclass(frozen=True)
class Duplicates:
    """Duplicates and conflicts, a line for each selector that looked for them."""

    stages: tuple[Copies, ...]
    source: str


@dataclass(frozen=True)
class Left:
    """Personal data of one type that was counted and left as it is."""

    type: str
    values: int
    rows: int


@dataclass(frozen=True)
class Privacy:
    """What `pii` replaced, by type, in how many rows; and what a check counted as still there.

    `left` is None where no check looked.
    """

    replaced: tuple[Count, ...]
    rows: int
    scrubbed: bool
    left: tuple[Left, ...] | None
    source: str


@dataclass(frozen=True)
class Said:
    """One finding of a check: its code, what it says, the ids of some rows."""

    stage: str
    code: str
    level: Level
    message: str
    numbers: Mapping[str, Any]
    where: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """What the format check of one target found."""

    name: str
    title: str
    checked: str | None
    errors: int
    warnings: int
    findings: tuple[Said, ...]
    source: str


@dataclass(frozen=True)
class Splits:
    """Rows on each side, and how many leaked from one to another before they were dropped, and after.

    `rate` is the share of the rows that leaked before.
    """

    rows: tuple[Count, ...]
    before: int | None
    after: int | None
    rate: float | None
    kinds: tuple[Count, ...]
    sizes: str | None
    source: str


# --- filled by others -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GridRow:
    """One rule: what it asks, and how each target judges the file by it (in the order of `Grid.targets`).

    `none`: the target has no such rule.
    """

    rule: str
    what: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Grid:
    """Rules by targets."""

    targets: tuple[str, ...]
    rows: tuple[GridRow, ...]
    source: str


@dataclass(frozen=True)
class CostLine:
    """One amount, low to high; None is unknown, which is never 0."""

    what: str
    low: float | None
    base: float | None
    high: float | None
    currency: str
    source: str


@dataclass(frozen=True)
class Cost:
    """What training and use cost at one target."""

    target: str
    lines: tuple[CostLine, ...]
    note: str = ""


@dataclass(frozen=True)
class Reason:
    """One sentence of the advice, with its number in it; where the threshold comes from, how sure it is."""

    sentence: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Advice:
    """The verdict, why, what would change it, and the next command."""

    verdict: str
    confidence: str
    reasons: tuple[Reason, ...] = ()
    would_change: str = ""
    next: str = ""


# --- the report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unmeasured:
    """A section that nothing measured, and the step (or the reason) that is missing."""

    section: str
    step: str


@dataclass(frozen=True)
class Report:
    """All that a report says of one run. `examples` holds text of rows, and is filled on request only."""

    name: str
    status: str
    error: str | None
    started: str
    finished: str
    ftdata: str
    seed: int
    plugins: Mapping[str, str]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    funnel: Funnel
    splits: Splits | None = None
    balance: tuple[Balance, ...] = ()
    lengths: Lengths | None = None
    tokens: Lengths | None = None
    languages: Languages | None = None
    duplicates: Duplicates | None = None
    privacy: Privacy | None = None
    targets: tuple[Target, ...] = ()
    flags: tuple[tuple[str, tuple[Count, ...]], ...] = ()
    findings: tuple[Said, ...] = ()
    grid: Grid | None = None
    cost: tuple[Cost, ...] = ()
    advice: Advice | None = None
    unmeasured: tuple[Unmeasured, ...] = ()
    examples: tuple[Conversation, ...] = field(default=())

    def level(self, level: Level) -> int:
        """Count the findings of a level."""
        return sum(finding.level == level for finding in self.findings)
