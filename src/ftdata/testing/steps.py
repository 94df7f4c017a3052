"""The kit for what stands between reading and writing: transforms, selectors, checks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ftdata import engine
from ftdata.batch import Batch, conversations
from ftdata.earlier import Earlier
from ftdata.errors import FtdataError, PluginError, RowError, RunError
from ftdata.selection import Decisions
from ftdata.spool import Frames
from ftdata.stages import Check, Finding, Selector, Stage, Transform
from ftdata.testing.clauses import HASHES, codes, fail, holds_canary, imported, raised, sound, speaks
from ftdata.testing.process import elsewhere
from ftdata.testing.rows import hard_rows

SIZES = (1, 7)
"""Sizes of the parts in which rows are handed over again, besides halves."""
_ALONE = "judge each row by itself; what depends on other rows is a selector"
_ALONE_SKETCH = "let sketch() look at each row by itself, and select() at all sketches"


def check_transform(stage: Transform, batch: Batch | None = None) -> None:
    """Assert that a transform keeps its contract, on the kit's rows and on `batch`.

    Clauses: `contract` (schema, rows, order, records, flags kept), `raises`, `JSON`, `empty batch`, `input`,
    `batch size`, `repeatable`, `other process`, `reason`, `flag`, `text`, and those of every stage: `kind`, `name`,
    `docstring`, `description`, `frozen`, `hashable`, `pickles`, `recipe`, `reads_meta`, `import`.
    """
    sound(stage, Transform)
    for rows in _samples(batch):
        untouched = _deep_copy(rows)
        whole = _checked(stage, rows)
        _unmixed(stage, untouched, rows)
        fresh = whole["flags"].list.set_difference(rows["flags"])
        speaks(stage, rows, whole.select("row", "drop", "note", fresh.alias("flags")))
        try:
            list(conversations(whole))
        except ValueError as error:
            remedy = "columns such as `parts`, `tools` and `meta` hold JSON text, of a list or an object as before"
            fail(stage, "JSON", "a column does not hold the JSON that it should", remedy, error)
        if _checked(stage, rows.clear()).height:
            fail(stage, "empty batch", "rows came out of an empty batch", "give an empty batch back")
        for parts in _partings(rows):
            told = f"in parts of {parts[0].height} rows"
            _same(stage, "batch size", told, whole, pl.concat([_checked(stage, part) for part in parts]), _ALONE)
        remedy = "take nothing from clocks, chance or what was seen before"
        _same(stage, "repeatable", "a second time", whole, _checked(stage, rows), remedy)
        again = imported(stage, elsewhere(applied, stage, rows))
        _same(stage, "other process", "in a process with another hash seed", whole, again, HASHES)


def check_selector(stage: Selector, batch: Batch | None = None) -> None:
    """Assert that a selector keeps its contract, on the kit's rows and on `batch`.

    Clauses: `sketch` (a frame with `row`, one schema for all batches, of given rows), `select` (decisions of the given
    form, on given rows, each once), `raises`, `empty batch`, `input`, `batch size`, `order`, `repeatable`,
    `other process`, `reason`, `flag`, `text`, `JSON`, and those of every stage.
    """
    sound(stage, Selector)
    for rows in _samples(batch):
        untouched = _deep_copy(rows)
        whole = _settled(decided, stage, [rows], rows)
        _unmixed(stage, untouched, rows)
        missing = whole.filter(~pl.col("row").is_in(rows["row"].implode()))
        if missing.height:
            fail(stage, "select", "decided upon a row that it was not given", "take numbers from the sketches' `row`")
        speaks(stage, rows, whole)
        if "tags" in whole.columns:
            _tags(stage, whole["tags"].drop_nulls().to_list())
        _empty(decided, stage, [rows.clear()], rows.clear())
        for parts in _partings(rows):
            other = _settled(decided, stage, parts, rows)
            _same(stage, "batch size", f"from parts of {parts[0].height} rows", whole, other, _ALONE_SKETCH)
        for order in _orders(rows):
            other = _settled(decided, stage, order, rows)
            remedy = "sort by `row` before taking the first of anything"
            _same(stage, "order", "when the sketches arrive in another order", whole, other, remedy)
        other = _settled(decided, stage, [rows], rows)
        _same(stage, "repeatable", "a second time", whole, other, "seed what is random, and sort what has no order")
        again = imported(stage, elsewhere(decided, stage, [rows], rows))
        _same(stage, "other process", "in a process with another hash seed", whole, again, HASHES)


def check_check(stage: Check, batch: Batch | None = None) -> None:
    """Assert that a check keeps its contract, on the kit's rows and on `batch`.

    Clauses: `sketch`, `findings` (a list of `Finding` with a code, a level, a message, numbers that JSON can hold, and
    numbers of given rows), `text`, `raises`, `empty batch`, `input`, `batch size`, `order`, `repeatable`,
    `other process`, and those of every stage.
    """
    sound(stage, Check)
    for rows in _samples(batch):
        untouched = _deep_copy(rows)
        whole = _settled(judged, stage, [rows])
        _unmixed(stage, untouched, rows)
        _findings(stage, whole, rows)
        _empty(judged, stage, [rows.clear()])
        remedy = "sketch each row by itself, and sort before taking the first of anything"
        others: list[tuple[str, Any]] = [("batch size", parts) for parts in _partings(rows)]
        others += [("order", order) for order in _orders(rows)]
        for clause, parts in [*others, ("repeatable", [rows])]:
            if _settled(judged, stage, parts) != whole:
                fail(stage, clause, "the findings differ when the same rows come again, or otherwise batched", remedy)
        if imported(stage, elsewhere(judged, stage, [rows])) != whole:
            fail(stage, "other process", "the findings differ in a process with another hash seed", HASHES)


# --- running ----------------------------------------------------------------------------------------------------------


class _Done(NamedTuple):
    """A transform that has run already: hands its result to the engine, which judges it."""

    after: Any

    def apply(self, batch: Batch) -> Any:
        """Give the result."""
        return self.after


class _Told(NamedTuple):
    """A stage whose exceptions say where they arose, so that the engine need not look for a guilty row."""

    stage: Any

    def apply(self, batch: Batch) -> Any:
        return self._run(self.stage.apply, batch)

    def sketch(self, batch: Batch) -> Any:
        return self._run(self.stage.sketch, batch)

    def _run(self, method: Callable[[Batch], Any], batch: Batch) -> Any:
        try:
            return method(batch)
        except (RowError, FtdataError):
            raise
        except Exception as error:
            raise _Raised(raised(error)) from error


class _Raised(PluginError):
    """Says that a stage raised, and where."""


def applied(stage: Transform, rows: Batch) -> Batch:
    """Run a transform as the engine does; a row on which it raises `RowError` is dropped with that reason."""
    label = stage.name

    def apply(part: Batch) -> Any:
        after = _Told(stage).apply(part)
        engine.step(_Done(after), label, part, True)  # type: ignore[arg-type]
        return after

    parts: list[Batch] = []
    for part, result in engine.guarded(apply, label, rows, True):
        if isinstance(result, RowError):
            told = [pl.lit(result.reason, pl.String).alias("drop"), pl.lit(result.note, pl.String).alias("note")]
            result = part.with_columns(told)
        parts.append(result)
    return pl.concat(parts)


def decided(stage: Selector, parts: Sequence[Batch], rows: Batch) -> pl.DataFrame:
    """Let a selector sketch each part and decide; give its decisions by row."""
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        sketches = _sketched(stage, parts, Path(place))
        frame = stage.select(sketches, _Held(rows))
        if not isinstance(frame, pl.LazyFrame):
            raise PluginError(f"select() gave {type(frame).__name__} instead of a lazy frame")
        return Decisions(stage, stage.name, frame.collect()).frame


def judged(stage: Check, parts: Sequence[Batch]) -> list[Finding]:
    """Let a check sketch each part and judge."""
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        return list(stage.judge(_sketched(stage, parts, Path(place))))


def _sketched(stage: Any, parts: Sequence[Batch], place: Path) -> pl.LazyFrame:
    into = Frames(place / "sketches.arrow")
    for part in parts:
        engine.sketch(_Told(stage), stage.name, part, into, True)
    return into.close().scan()


class _Held(NamedTuple):
    """The rows of a check, as a selector may read them again."""

    rows: Batch

    def take(self, numbers: Iterable[int]) -> Iterator[Batch]:
        """Read these rows again, a few at a time, in row order."""
        found = self.rows.filter(pl.col("row").is_in(list(numbers))).sort("row")
        yield from found.iter_slices(10)

    def tick(self) -> None:
        """Let the run be stopped here."""

    def earlier(self, path: Path) -> Iterator[Batch]:
        """Read what an earlier run wrote."""
        return Earlier(Path()).read(path)


# --- clauses ----------------------------------------------------------------------------------------------------------


def _samples(batch: Batch | None) -> list[Batch]:
    return [hard_rows()] if batch is None else [hard_rows(), batch]


def _partings(rows: Batch) -> Iterator[list[Batch]]:
    for size in (*SIZES, max(1, (rows.height + 1) // 2)):
        yield [rows.slice(start, size) for start in range(0, rows.height, size)]


def _orders(rows: Batch) -> Iterator[list[Batch]]:
    parts = [rows.slice(start, 5) for start in range(0, rows.height, 5)]
    yield parts[::-1]
    yield [part[::-1] for part in parts[1::2] + parts[::2]]


def _deep_copy(rows: Batch) -> Batch:
    """Copy the values themselves: frames share memory, which a stage may write to."""
    return pl.DataFrame([pl.Series(name, rows[name].to_list(), kind) for name, kind in rows.schema.items()])


def _unmixed(stage: Stage, before: Batch, rows: Batch) -> None:
    if not rows.equals(before):
        fail(stage, "input", "the batch that it was given has changed", "use with_columns(), which makes a new frame")


def _checked(stage: Transform, rows: Batch) -> Batch:
    """Apply a transform; say which row it raised on, or what it broke."""
    try:
        return applied(stage, rows)
    except _Raised as error:
        if not rows.height:
            fail(stage, "empty batch", f"raises {error}", "give an empty batch back", error.__cause__)
        clause, remedy = "raises", "make it take such rows; raise ftdata.RowError(reason) where a row must go"
        fail(stage, clause, f"raises {error}{_guilty(stage, rows)}", remedy, error.__cause__)
    except FtdataError as error:
        raise AssertionError(f"{stage.kind} {stage.name}: contract: {_bare(stage, error)}") from None


def _bare(stage: Stage, error: FtdataError) -> str:
    """Give the engine's sentence, without the stage's name that it begins with."""
    return str(error).removeprefix(f"{stage.name}: ")


def _guilty(stage: Transform, rows: Batch) -> str:
    for row in range(rows.height):
        try:
            applied(stage, rows.slice(row, 1))
        except FtdataError:
            return f" on the row {rows['id'][row]!r}"
    return " on a batch of several rows"


def _settled(run: Callable[..., Any], stage: Stage, *arguments: Any) -> Any:
    """Run a selector or check; make one sentence of what it raises."""
    try:
        return run(stage, *arguments)
    except _Raised as error:
        remedy = "make it take such rows: no messages, null contents, parts, no meta"
        fail(stage, "sketch", f"sketch() raises {error}", remedy, error.__cause__)
    except RunError as error:
        remedy = "give rows that it can decide upon: check_…(stage, batch), or other settings"
        fail(stage, "raises", f"stops the run on these rows ({error})", remedy, error)
    except FtdataError as error:
        clause = "select" if "select()" in str(error) else "sketch"
        fail(stage, clause, _bare(stage, error), "see the docstring of its base class")
    except Exception as error:
        method = "judge" if isinstance(stage, Check) else "select"
        fail(stage, "raises", f"{method}() raises {raised(error)}", "make it take whatever sketch() gives", error)


def _empty(run: Callable[..., Any], stage: Stage, *arguments: Any) -> None:
    """Hand over no row at all: a run may come to that, and it is no fault of the stage."""
    try:
        run(stage, *arguments)
    except RunError:
        return  # it says on purpose that it needs rows
    except Exception as error:
        shown = str(error) if isinstance(error, FtdataError) else raised(error)
        fail(stage, "empty batch", f"fails without any row ({shown})", "give an empty answer", error)


def _same(stage: Stage, clause: str, when: str, one: pl.DataFrame, other: pl.DataFrame, remedy: str) -> None:
    """Check that two frames of rows are equal; name the first row and column that is not."""
    if one.equals(other):
        return
    if one.schema != other.schema or one.height != other.height or not one["row"].equals(other["row"]):
        fail(stage, clause, f"other rows or columns come out {when}", remedy)
    for column in one.columns:
        differs = one[column].ne_missing(other[column]).arg_true()
        if len(differs):
            row = one["id"][differs[0]] if "id" in one.columns else one["row"][differs[0]]
            fail(stage, clause, f"`{column}` of the row {row!r} comes out otherwise {when}", remedy)


def _tags(stage: Selector, tags: list[str]) -> None:
    for tag in tags:
        try:
            held = json.loads(tag)
        except ValueError as error:
            fail(stage, "JSON", "`tags` does not hold JSON text", "write it with json.dumps", error)
        if not isinstance(held, dict):
            fail(stage, "JSON", "`tags` holds no object", "name each value: json.dumps({'score': 0.9})")


def _findings(stage: Check, found: list[Finding], rows: Batch) -> None:
    clause, numbers = "findings", set(rows["row"].to_list())
    for number, finding in enumerate(found, 1):
        if not isinstance(finding, Finding):
            fail(stage, clause, f"judge() gave a {type(finding).__name__}", "give a list of ftdata.Finding")
        if finding.level not in ("error", "warn", "info") or not finding.message:
            fail(stage, clause, "one has no message or another level", "use error, warn or info, and one sentence")
        try:
            shown = json.dumps([finding.code, finding.message, dict(finding.numbers)], allow_nan=False)
        except (TypeError, ValueError) as error:
            fail(stage, clause, "`numbers` holds what JSON cannot", "use int, finite float, str, list and dict", error)
        if holds_canary(shown):
            fail(stage, "text", f"finding {number} holds text of a row", "tell numbers and codes only")
        if len(finding.where) > 500 or not numbers.issuperset(finding.where):
            remedy = "name some hundred rows at most, by their `row`"
            fail(stage, clause, "`where` names rows that were not given, or too many", remedy)
    codes(stage, "findings", [finding.code for finding in found])
