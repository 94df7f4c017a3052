"""Gather the values of a report from a run's record: manifest, ledger, and the outputs that are still as written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import polars as pl

from ftdata import files, ledger, runs
from ftdata.batch import conversations
from ftdata.conversation import Conversation
from ftdata.errors import FtdataError
from ftdata.files import Record
from ftdata.manifest import FindingPart, Manifest, StagePart
from ftdata.report.measure import languages, measured, numbers, ranked
from ftdata.report.values import (
    Advice,
    Balance,
    Copies,
    Cost,
    Count,
    Duplicates,
    Funnel,
    Grid,
    Input,
    Left,
    Lengths,
    Output,
    Privacy,
    Report,
    Said,
    Splits,
    Step,
    Target,
    Unmeasured,
)
from ftdata.rows import live, outputs, read

EXAMPLES = 3
"""Conversations that `show_values` shows, from the beginning of the first output."""
_ALIKE = ("exact-dedup", "near-dedup", "contradictions", "decontaminate")
"""Selectors that look for copies and conflicts."""
_FOUND = re.compile(r"([A-Z][A-Z_]*) (\d+)(?:, |$)")
"""What `pii` notes of a row: `EMAIL 2, PHONE 1`."""


@dataclass(frozen=True)
class Extra:
    """What other parts work out and the report shows (see `beside.py`): the grid of targets, costs, advice."""

    grid: Grid | None = None
    cost: tuple[Cost, ...] = ()
    advice: Advice | None = None


def report(record: Record, *, show_values: bool = False, extra: Extra | None = None) -> Report:
    """Gather the report of a run; `show_values` adds some conversations, else it holds no text of any row.

    Raises `InputError` if the record holds no run.
    """
    manifest = runs.latest(record)
    rows = _Outputs(record, manifest)
    extra = extra or Extra()
    lengths, tokens = rows.lengths() or _spread(manifest), _tokens(manifest)
    privacy = _privacy(record, manifest)
    found = Report(
        name=manifest.name,
        status=manifest.status,
        error=manifest.error,
        started=manifest.started,
        finished=manifest.finished,
        ftdata=manifest.ftdata,
        seed=manifest.seed,
        plugins=dict(manifest.plugins),
        inputs=tuple(
            Input(i.name, i.use, i.records, i.bytes, i.encoding, i.sha256, i.lookup, tuple(i.notes))
            for i in manifest.inputs
        ),
        outputs=tuple(Output(o.path, o.use, o.split, o.rows, o.lines, o.bytes, o.sha256) for o in manifest.outputs),
        funnel=_funnel(manifest),
        splits=_splits(manifest),
        balance=tuple(_balance(manifest)),
        lengths=lengths,
        tokens=tokens,
        languages=languages(manifest),
        duplicates=_duplicates(manifest),
        privacy=privacy,
        targets=tuple(_targets(manifest)),
        flags=tuple((stage, ranked(flags, manifest.rows)) for stage, flags in manifest.flags.items() if flags),
        findings=tuple(map(_said, manifest.findings)),
        grid=extra.grid,
        cost=extra.cost,
        advice=extra.advice,
        examples=rows.examples() if show_values else (),
    )
    return _with_unmeasured(found, rows.fault)


def _with_unmeasured(found: Report, fault: str) -> Report:
    missing = {
        "balance": ("balance", bool(found.balance)),
        "lengths": (fault or "lengths", found.lengths is not None),
        "tokens": ("tokens", found.tokens is not None),
        "languages": ("language", found.languages is not None),
        "duplicates": ("exact-dedup, near-dedup", found.duplicates is not None),
        "privacy": ("pii", found.privacy is not None),
        "targets": ("format", bool(found.targets) or found.grid is not None),
        "splits": ("split", found.splits is not None),
    }
    told = tuple(Unmeasured(section, step) for section, (step, known) in missing.items() if not known)
    return replace(found, unmeasured=told)


class _Outputs:
    """The rows that the first writer wrote, as long as the files hold its bytes; else `fault` says what is wrong."""

    def __init__(self, record: Record, manifest: Manifest) -> None:
        self.files = outputs(record, manifest)
        self.fault = ""
        sums = {record.absolute(out.path): out.sha256 for out in manifest.outputs}
        for path, _ in self.files:
            if not path.is_file() or files.sha256(path) != sums[path]:
                self.files, self.fault = (), "outputs-changed"
                break

    def lengths(self) -> Lengths | None:
        if not self.files:
            return None
        try:
            batches = (batch for path, split in self.files for batch in read(path, split=split))
            return measured(batches).lengths()
        except FtdataError:  # a writer of a plugin, in a layout that no reader knows
            self.files, self.fault = (), "outputs-unread"
            return None

    def examples(self) -> tuple[Conversation, ...]:
        rows = (row for path, split in self.files for batch in read(path, split=split) for row in _rows(batch))
        return tuple(islice(rows, EXAMPLES))


def _rows(batch: pl.DataFrame) -> Iterator[Conversation]:
    return conversations(live(batch).head(EXAMPLES))


def _of(manifest: Manifest, *uses: str) -> list[StagePart]:
    return [stage for stage in manifest.stages if stage.use in uses and stage.kind != "writer"]


def _findings(manifest: Manifest, use: str, *codes: str) -> list[FindingPart]:
    labels = {stage.label for stage in _of(manifest, use)}
    return [one for one in manifest.findings if one.stage in labels and (not codes or one.code in codes)]


def _said(part: FindingPart) -> Said:
    return Said(part.stage, part.code, part.level, part.message, dict(part.numbers), tuple(part.where))


def _funnel(manifest: Manifest) -> Funnel:
    steps = tuple(
        Step(
            label=stage.label,
            use=stage.use,
            kind=stage.kind,
            rows=stage.rows,
            dropped=stage.dropped,
            edited=stage.edited,
            flagged=stage.flagged,
            reasons=ranked(manifest.dropped.get(stage.label, {}), manifest.rows),
            flags=ranked(manifest.flags.get(stage.label, {}), manifest.rows),
        )
        for stage in manifest.stages
        if stage.kind in ("reader", "transform", "selector")
    )
    return Funnel(
        manifest.records,
        manifest.rows,
        manifest.written,
        manifest.dropped_rows,
        manifest.written_records,
        manifest.dropped_records,
        steps,
        "ledger",
    )


def _splits(manifest: Manifest) -> Splits | None:
    stages = _of(manifest, "split")
    if stages and stages[-1].summary:
        told, label = stages[-1].summary, stages[-1].label
        leaks = told.get("leaks", {})
        before = leaks.get("before")
        return Splits(
            rows=_sides(told.get("rows", {})),
            before=before,
            after=leaks.get("after"),
            rate=round(before / stages[-1].rows, 4) if before is not None and stages[-1].rows else None,
            kinds=ranked(numbers(told.get("leaks by kind", {}))),
            sizes=told.get("sizes"),
            source=label,
        )
    counts: Counter[str] = Counter()
    first = manifest.outputs[0].use if manifest.outputs else None
    for out in manifest.outputs:
        if out.split is not None and out.use == first:
            counts[out.split] += out.rows
    return Splits(_sides(counts), None, None, None, (), None, "outputs") if len(counts) > 1 else None


def _sides(counts: Mapping[str, int]) -> tuple[Count, ...]:
    whole = sum(counts.values())
    return tuple(Count(side, count, round(count / whole, 4) if whole else None) for side, count in counts.items())


def _balance(manifest: Manifest) -> Iterator[Balance]:
    for part in _findings(manifest, "balance", "balance-spread"):
        told = part.numbers
        known = told["rows"] - told["without"]
        shares = tuple(Count(name, round(share * known), share) for name, share in told.get("shares", {}).items())
        yield Balance(
            by=told["by"],
            rows=told["rows"],
            without=told["without"],
            classes=told["classes"],
            effective=told["effective"],
            largest_share=told["largest_share"],
            smallest=told["smallest"],
            shares=shares,
            source=part.stage,
        )


def _spread(manifest: Manifest) -> Lengths | None:
    """Give the lengths that the check `lengths` measured, without bins."""
    for part in _findings(manifest, "lengths", "lengths-spread"):
        return Lengths(part.numbers["rows"], "characters", _measures(part.numbers), (), part.stage)
    return None


def _tokens(manifest: Manifest) -> Lengths | None:
    """Give what the check `tokens` measured."""
    for part in _findings(manifest, "tokens", "tokens-spread"):
        told = part.numbers
        return Lengths(
            rows=told.get("rows", 0),
            unit="tokens",
            measures=_measures(told),
            bins=(),
            source=part.stage,
            estimated=bool(told.get("estimated", False)),
            counted_by=": ".join(str(told[key]) for key in ("tokenizer", "counted_by") if told.get(key)),
            trained_share=told.get("trained_share"),
        )
    return None


def _measures(numbers: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found = {}
    for name, value in numbers.items():
        if isinstance(value, Mapping) and not {"median", "p50"}.isdisjoint(value):
            found[name] = {key: n for key, n in value.items() if isinstance(n, (int, float))}
    return found


def _duplicates(manifest: Manifest) -> Duplicates | None:
    stages = tuple(
        Copies(
            stage.label,
            ranked(manifest.dropped.get(stage.label, {}), stage.rows),
            ranked(manifest.flags.get(stage.label, {}), stage.rows),
            tuple(Count(key, n) for key, n in numbers(stage.summary).items()),
        )
        for stage in _of(manifest, *_ALIKE)
    )
    return Duplicates(stages, "ledger") if stages else None


def _privacy(record: Record, manifest: Manifest) -> Privacy | None:
    scrubbed = [stage.label for stage in _of(manifest, "pii")]
    looked = _of(manifest, "private-data")
    if not scrubbed and not looked:
        return None
    replaced, rows = _replaced(record, scrubbed) if scrubbed else (Counter[str](), 0)
    left = None
    if looked:
        counted = [
            Left(type, found["values"], found["rows"])
            for part in _findings(manifest, "private-data", "not-scrubbed")
            for type, found in part.numbers.items()
            if isinstance(found, Mapping)
        ]
        left = tuple(counted)
    source = ", ".join([*scrubbed, *(stage.label for stage in looked)])
    return Privacy(ranked(replaced), rows, bool(scrubbed), left, source)


def _replaced(record: Record, labels: list[str]) -> tuple[Counter[str], int]:
    """Count what `pii` notes of the rows, values by type, and the rows that held any."""
    counts: Counter[str] = Counter()
    if not record.ledger.exists():
        return counts, 0
    lines = ledger.scan(record.ledger).filter(
        pl.col("stage").is_in(labels) & pl.col("event").is_in(["edit", "tag"]) & pl.col("note").is_not_null()
    )
    noted = lines.group_by("note").agg(pl.len().alias("rows")).collect(engine="streaming")
    for note, rows in noted.iter_rows():
        for type, number in _FOUND.findall(note):
            counts[type] += int(number) * rows
    return counts, int(lines.select(pl.col("row").n_unique()).collect(engine="streaming").item())


def _targets(manifest: Manifest) -> Iterator[Target]:
    steps = dict(zip(_labels(manifest), manifest.recipe.get("step", []), strict=False))
    for stage in _of(manifest, "format"):
        name = str(steps.get(stage.label, {}).get("for", stage.label))
        title, checked = _profile(name)
        found = [_said(part) for part in manifest.findings if part.stage == stage.label]
        levels = Counter(one.level for one in found)
        yield Target(name, title, checked, levels["error"], levels["warn"], tuple(found), stage.label)


def _labels(manifest: Manifest) -> list[str]:
    """Give the labels of the steps, in the order of the recipe."""
    return [stage.label for stage in manifest.stages if stage.kind not in ("reader", "writer")]


def _profile(name: str) -> tuple[str, str | None]:
    from ftdata.targets import load

    try:
        profile = load(name)
    except FtdataError:
        return name, None
    return profile.title, profile.checked.isoformat()
