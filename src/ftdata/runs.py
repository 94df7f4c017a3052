"""Find the record of a run from whatever a person has at hand, and check that its outputs are what it says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl

from ftdata import files, ledger
from ftdata.errors import FtdataError, InputError, RecipeError, RunError
from ftdata.files import Move, Record
from ftdata.manifest import Manifest, OutputPart, load
from ftdata.stages import Writer


@dataclass(frozen=True)
class Problem:
    """One way in which files and record disagree: a stable code, the file, and what to do."""

    code: str
    path: str
    message: str


def find(run: str, here: Path | None = None) -> Record:
    """Find the record that RUN means: a recipe, an output file or folder, a `run.json`, or a run's name.

    Raises `InputError` that names the records near by if there is none, `RecipeError` if two fit.
    """
    here = here or Path.cwd()
    path = Path(run)
    if path.name in ("run.json", "attempt.json", "publish.json") and path.parent.parent.name == ".ftdata":
        return Record(path.absolute().parent.parent.parent, path.absolute().parent.name)
    if path.parent.name == ".ftdata" and os.path.isdir(path):
        return Record(path.absolute().parent.parent, path.name)
    if path.suffix == ".toml" and os.path.isfile(path):  # unlike a Path, it raises for no name
        from ftdata.flow import record_of
        from ftdata.recipe import Recipe

        return record_of(Recipe.load(path))
    if os.path.exists(path):
        return _of_output(path.absolute())
    beside = Record(path.absolute().parent, path.name)
    if path.parent != Path() and (beside.attempt.exists() or beside.manifest.exists()):
        return beside  # `convert` names its record after OUT, which a run that failed did not write
    near = [record for record in records_below(here) if record.name == run]
    if len(near) == 1:
        return near[0]
    if near:
        raise RecipeError(f"{run}: {len(near)} runs have this name; name one by its output or its run.json")
    names = sorted({record.name for record in records_below(here)})
    known = f"; runs near here: {', '.join(names)}" if names else "; no run left a record in this folder or those below"
    raise InputError(f"{run}: is no recipe, output, run.json or name of a run{known}")


def _of_output(path: Path) -> Record:
    # Beside the output or above it; the record of a run with several writers lies with the first one's output.
    above = [record for folder in (path, *path.parents) for record in _records_in(folder)]
    fault: RunError | None = None
    for record in [*above, *(record for folder in path.parents[:2] for record in records_below(folder))]:
        if not record.manifest.exists():
            continue
        try:
            outputs = load(record.manifest).outputs
        except RunError as error:  # of another run, it may be
            fault = fault or (error if record in above else None)
            continue
        for out in outputs:
            file = record.absolute(out.path)
            if file == path or path in file.parents:
                return record
    if fault is not None:
        raise fault
    raise InputError(f"{path}: no run's record lists this output; records lie in `.ftdata` beside the outputs")


def _records_in(folder: Path) -> list[Record]:
    return [Record(folder, home.name) for home in _folders(folder / ".ftdata")]


def _folders(folder: Path) -> list[Path]:
    """List the folders in a folder; none if it is not there, or not ours to read."""
    try:
        return [child for child in sorted(folder.iterdir()) if child.is_dir() and not child.is_symlink()]
    except OSError:
        return []


def records_below(folder: Path) -> list[Record]:
    """List the records in a folder and, five levels deep, below it."""
    found = list(_records_in(folder))
    level = [folder]
    for _ in range(5):
        level = [child for parent in level for child in _folders(parent) if not child.name.startswith(".")][:1000]
        found += [record for child in level for record in _records_in(child)]
    return found


def latest(record: Record) -> Manifest:
    """Give the manifest that a record's outputs belong to; the last attempt if nothing was ever published."""
    if record.manifest.exists():
        return load(record.manifest)
    if record.attempt.exists():
        return load(record.attempt)
    raise InputError(f"{record.folder}: holds no finished run; run the recipe again")


def attempt(record: Record) -> Manifest | None:
    """Give the manifest of a later run that published nothing, if there was one."""
    return load(record.attempt) if record.attempt.exists() and record.manifest.exists() else None


def verify(record: Record) -> list[Problem]:
    """Check outputs and ledger against the manifest: hashes, lost and added files, lines against the ledger.

    An empty list means that the set of outputs is whole and just what the run wrote.
    """
    problems: list[Problem] = []
    if record.intent.exists():
        moves = [Move(**move) for move in json.loads(record.intent.read_text())["publish"]]
        done = all(record.ready(move) for move in moves)
        told = "start the run again to finish it" if done else "the run's scratch files are gone; run it again"
        problems.append(Problem("unfinished", record.relative(record.intent), f"publishing was interrupted; {told}"))
    if not record.manifest.exists():
        return [*problems, Problem("no-record", record.relative(record.manifest), "there is no finished run here")]
    manifest = load(record.manifest)
    for move in (Move(**move) for move in manifest.publish):
        if move.scratch is not None:
            problems += _verify_move(record, move)
    broken = {problem.path for problem in problems}
    problems += _count_files(record, manifest, broken)
    if record.relative(record.ledger) not in broken:
        problems += _count_ledger(record, manifest)
    return problems


def _verify_move(record: Record, move: Move) -> list[Problem]:
    final = record.absolute(move.final)
    problems = []
    for name, digest in move.files.items():
        path = final / name if name else final
        if not path.is_file():
            problems.append(Problem("lost", record.relative(path), "was written by the run and is gone"))
        elif files.sha256(path) != digest:
            problems.append(Problem("changed", record.relative(path), "holds other bytes than the run wrote"))
    if "" not in move.files and final.is_dir():
        for path in sorted(p for p in final.rglob("*") if p.is_file()):
            name = str(path.relative_to(final))
            if name not in move.files and not name.startswith("."):
                problems.append(Problem("added", record.relative(path), "was not written by the run"))
    return problems


def _count_files(record: Record, manifest: Manifest, broken: set[str]) -> list[Problem]:
    """Count the training rows in each output that holds the run's bytes."""
    from ftdata.hooks import find as find_stage

    problems = []
    for out in manifest.outputs:
        if out.path in broken:
            continue
        try:
            writer = cast(type[Writer], find_stage(("writer",), out.use).stage)
        except (LookupError, FtdataError):
            continue  # the plugin that wrote it is not here; its hash was checked
        path = record.absolute(out.path)
        if not os.path.isfile(path):  # not in the list of what was published, else it would be broken
            problems.append(Problem("lost", out.path, "is no file that this run published"))
            continue
        lines = writer.model_construct(path=path, meta=()).lines(path) or 0
        if lines != out.lines:
            problems.append(Problem("miscounted", out.path, f"holds {lines} lines, not {out.lines}"))
    return problems


def _count_ledger(record: Record, manifest: Manifest) -> list[Problem]:
    """Count the ledger again: the lines of each output, the one end of each row and record, the drops by reason."""
    name = record.relative(record.ledger)
    lines = ledger.scan(record.ledger)
    writes, drops = lines.filter(pl.col("event") == "write"), lines.filter(pl.col("event") == "drop")
    at = pl.col("line")
    counted = writes.group_by("output").agg(
        pl.len().alias("n"), at.n_unique().alias("own"), at.min(), at.max().alias("last")
    )
    found = {out: rest for out, *rest in counted.collect().iter_rows()}
    problems = []
    for out in manifest.outputs:
        n, own, first, last = found.pop(out.path, (0, 0, 1, 0))
        if n != out.lines:
            problems.append(Problem("miscounted", out.path, f"the ledger has {n} lines for it, not {out.lines}"))
        elif n and (own, first, last) != (n, 1, n):
            problems.append(Problem("miscounted", out.path, "the ledger names a line of it twice, or leaves one out"))
    problems += [Problem("miscounted", str(out), "is in the ledger but no output of the run") for out in found]
    writers = sum(stage.kind == "writer" for stage in manifest.stages)
    ends = (
        pl.concat([drops, writes])
        .group_by("row")
        .agg(
            (pl.col("event") == "drop").sum().alias("gone"),
            pl.col("stage").filter(pl.col("event") == "write").n_unique().alias("kept"),
        )
    )
    told = ends.select(
        pl.len().alias("rows"),
        (pl.col("kept") > 0).sum().alias("written"),
        (((pl.col("gone") == 0) & (pl.col("kept") == writers)) | ((pl.col("gone") == 1) & (pl.col("kept") == 0)))
        .all()
        .alias("once"),
        pl.col("row").max().alias("last"),
    )
    rows, written, once, last = told.collect(engine="streaming").row(0)
    if (rows, written, last or 0) != (manifest.rows, manifest.written, manifest.rows) or not once:
        problems.append(
            Problem(
                "unbalanced",
                name,
                f"{rows} rows, {written} of them written, is not {manifest.rows} and {manifest.written}"
                if once
                else "a row of it was both written and dropped, or twice, or not by every writer",
            )
        )
    # Each record ends once: in a dropped row, or in a line (every writer repeats the rows: one of each is enough).
    numbers = pl.concat([drops, writes]).select("row", "origin").unique("row").select(pl.col("origin").list.explode())
    records, single, top = (
        numbers.select(pl.len(), pl.col("origin").n_unique().alias("single"), pl.col("origin").max().alias("top"))
        .collect()
        .row(0)
    )
    if not records == single == (top or 0) == manifest.records:
        problems.append(Problem("unbalanced", name, f"{single} records end in it, not {manifest.records}"))
    dropped = ledger.totals(record.ledger)["drop"]
    if dropped != manifest.dropped:
        problems.append(Problem("unbalanced", name, "its dropped rows by stage and reason are not the manifest's"))
    return problems


def of_first_writer(record: Record, manifest: Manifest) -> list[OutputPart]:
    """List the files with rows that the first writer wrote: several writers hold the same rows. Train comes first."""
    writer = next((stage.label for stage in manifest.stages if stage.kind == "writer"), None)
    if writer is None or not record.ledger.exists():
        return []
    of_writer = (pl.col("event") == "write") & (pl.col("stage") == writer)
    paths = set(ledger.scan(record.ledger).filter(of_writer).select("output").unique().collect()["output"])
    order = {"train": 0, "validation": 1, "test": 2}
    own = [out for out in manifest.outputs if out.path in paths]
    return sorted(own, key=lambda out: order.get(out.split or "", 0))
