"""Print a manifest: the table that follows a run and that `show` repeats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ftdata.cli.terminal import line, prose, table

if TYPE_CHECKING:
    from ftdata.files import Record
    from ftdata.manifest import Manifest, OutputPart

_INPUTS = 20  # files of a folder that are listed; the record has all
_COLOURS = {"error": "red", "warn": "yellow", "info": None}


def summarise(manifest: Manifest, record: Record | None = None) -> None:
    """Print what was read, what each stage did, what was written, and whether it adds up."""
    line()
    noted = [part for part in manifest.inputs[_INPUTS:] if part.notes]  # what was noted of a file is said
    shown = [*manifest.inputs[:_INPUTS], *noted[:_INPUTS]]
    table(
        [(part.name, part.use, f"{part.records:,} records", part.encoding or "", *part.notes) for part in shown],
        right=(2,),
    )
    if rest := len(manifest.inputs) - len(shown):
        line(f"and {rest:,} more files: {manifest.records - sum(part.records for part in shown):,} records")
    line()
    rows: list[tuple[str, ...]] = [("stage", "rows in", "dropped", "edited", "flagged", "")]
    for stage in manifest.stages:
        if stage.kind == "writer":
            continue
        reasons = manifest.dropped.get(stage.label, {})
        flags = manifest.flags.get(stage.label, {})
        told = [f"{reason} {count:,}" for reason, count in sorted(reasons.items(), key=lambda r: -r[1])]
        told += [f"flag {flag} {count:,}" for flag, count in sorted(flags.items(), key=lambda f: -f[1])]
        told += [f"{key}: {_counts(value)}" for key, value in stage.summary.items() if value or value == 0]
        counts = (stage.dropped, stage.edited, stage.flagged)
        rows.append((stage.label, f"{stage.rows:,}", *(f"{n:,}" if n else "·" for n in counts), ", ".join(told)))
    table(rows, right=(1, 2, 3, 4))
    for finding in manifest.findings:
        prose(f"{finding.level}: {finding.stage}: {finding.message}", fg=_COLOURS[finding.level])
        if finding.where:
            more = f" and {len(finding.where) - 5} more" if len(finding.where) > 5 else ""
            line(f"    at {', '.join(finding.where[:5])}{more}")
    line()
    if manifest.outputs:
        table(
            [
                (
                    _shown(record, out.path),
                    out.split or "",
                    f"{out.rows:,} rows{_lines(out)}" if out.rows else "",
                    f"{out.bytes:,} bytes",
                )
                for out in manifest.outputs
            ],
            right=(2, 3),
        )
        line()
    if manifest.error is None:
        line(
            f"{manifest.rows:,} rows read = {manifest.written:,} written + {manifest.dropped_rows:,} dropped; "
            f"{manifest.records:,} records = {manifest.written_records:,} + {manifest.dropped_records:,}",
            bold=True,
        )
    if manifest.resumed:
        line(f"taken over from the run before: {', '.join(manifest.resumed)}")
    if manifest.status != "done":
        line(f"status: {manifest.status}" + (f" ({manifest.error})" if manifest.error else ""), fg="red")


def _lines(out: OutputPart) -> str:
    return "" if out.lines == out.rows else f" in {out.lines:,} lines"


def _counts(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{key} {count:,}" if isinstance(count, (int, float)) else f"{key} {count}" for key, count in value.items()
        )
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _shown(record: Record | None, path: str) -> str:
    if record is None:
        return path
    place = record.absolute(path)
    try:
        return str(place.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(place)
