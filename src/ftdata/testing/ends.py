"""The kit for both ends of a run: readers and writers."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ftdata import files
from ftdata.batch import ROWS, SCHEMA, Batch, flat
from ftdata.errors import FtdataError, InputError, RowError
from ftdata.source import Source
from ftdata.stages import Reader, Sniff, Writer
from ftdata.testing.clauses import HASHES, codes, fail, holds_canary, imported, raised, sound
from ftdata.testing.process import elsewhere
from ftdata.testing.rows import CANARY, META_CANARY, hard_rows, hostile_inputs
from ftdata.texts import Texts

_LATER = 1001
"""Number of the first record where a reader is not the first of a run."""
_GROWN = 16 << 20
_SPLITS = (None, "train", "validation", "test")


def check_reader(stage: Reader, *sources: Path | str) -> None:
    """Assert that a reader keeps its contract, on the given files (default: its `path`), grown and damaged ones.

    Clauses: `batch` (schema, at most 4,096 rows), `records` (each one that the source handed out is owned by exactly
    one row, wherever the run's numbering starts), `reason`, `flag`, `text` (none of the input in reasons, notes and
    flags, no message in dropped rows), `raises` (on a damaged or foreign input only `InputError`), `sniff` (a `Sniff`
    or None, no record counted, no text of the input), `repeatable`, `other process`, and those of every stage.
    """
    sound(stage, Reader)
    for path in [Path(source) for source in sources or (stage.path,)]:
        if not path.exists():
            raise AssertionError(f"reader {stage.name}: records: {path} does not exist; give a file that it reads")
        whole = _read(stage, path, f"of {path.name}")
        if not whole.handed:
            fail(stage, "records", f"took no record of {path.name}", "give check_reader a file that it reads")
        _quotes(stage, whole.rows)
        later = _read(stage, path, f"of {path.name}, read second in a run", _LATER)
        shifted = later.rows.with_columns(_back("origin"), _back("shares"))
        if not shifted.equals(whole.rows):
            remedy = "number nothing itself: take `number` from the source's records"
            fail(stage, "records", "gives other rows where it is not the first reader of a run", remedy)
        if not _read(stage, path, f"of {path.name}").rows.equals(whole.rows):
            fail(stage, "repeatable", "gives other rows a second time", "keep nothing from one read to the next")
        answer = elsewhere(read_all, stage, path, 1)
        if not imported(stage, answer).rows.equals(whole.rows):
            fail(stage, "other process", "gives other rows in a process with another hash seed", HASHES)
        _sniffed(stage, path, path.name)
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        for name, content in _variants([Path(source) for source in sources or (stage.path,)]):
            path = Path(place) / f"{CANARY}.data"
            path.write_bytes(content)
            _sniffed(stage, path, name)
            found = _read(stage, path, f"of {name}", foreign=True)
            if found is not None:
                _quotes(stage, found.rows)


class _Found(NamedTuple):
    """What a reader gave: its rows, the sizes of its batches, the records that it was handed."""

    rows: Batch
    sizes: list[int]
    handed: int


def read_all(stage: Reader, path: Path, first: int) -> _Found:
    """Read a file as the engine does, from the record number `first` on."""
    with tempfile.TemporaryDirectory(prefix="ftdata-") as place:
        encoding = getattr(stage, "encoding", None)
        with Source(path, first=first, encoding=encoding, scratch=Path(place)) as source:
            batches = list(stage.read(source))
            for batch in batches:
                if not isinstance(batch, pl.DataFrame) or batch.schema != SCHEMA:
                    raise FtdataError("gave something else than a batch")
            sizes = [batch.height for batch in batches]
            return _Found(pl.concat([pl.DataFrame(schema=SCHEMA), *batches]), sizes, source.handed)


def _read(stage: Reader, path: Path, which: str, first: int = 1, foreign: bool = False) -> Any:
    """Read and judge; None if a foreign input was refused."""
    try:
        found = read_all(stage, path, first)
    except InputError as error:
        if foreign:
            return None
        fail(stage, "raises", f"refuses what it should read ({error})", "give a file that it reads", error)
    except FtdataError as error:
        if type(error) is not FtdataError:
            fail(stage, "raises", f"raises {raised(error)} on the records {which}", "raise InputError", error)
        fail(stage, "batch", f"{error}", "build batches with ftdata.Rows or ftdata.to_batches", error)
    except Exception as error:
        remedy = "drop a record that it cannot use with a reason; raise InputError for an input that is not its own"
        fail(stage, "raises", f"raises {raised(error)} on the records {which}", remedy, error)
    if max(found.sizes, default=0) > ROWS:
        remedy = f"give a batch when ftdata.Rows is full, at {ROWS:,} rows"
        fail(stage, "batch", f"gave one of {max(found.sizes):,} rows", remedy)
    if found.rows["flags"].null_count():
        fail(stage, "batch", "`flags` is null in some row", "an empty list means no flag")
    owned = found.rows["origin"].explode(empty_as_null=False, keep_nulls=False).to_list()
    due = range(first, first + found.handed)
    remedy = "own each record in exactly one row; one that cannot be used is a row with `drop` set"
    twice = len(owned) - len(set(owned))
    lost, made = set(due).difference(owned), set(owned).difference(due)
    for count, what in ((twice, "owned twice"), (len(lost), "lost"), (len(made), "owned but never handed out")):
        if count:
            fail(stage, "records", f"{count:,} {what}, {which}", remedy)
    bare = found.rows["origin"].is_null() | (found.rows["origin"].list.len() == 0)
    if bare.any():
        fail(stage, "records", f"a row owns none, {which}", remedy)
    return found


def _back(column: str) -> pl.Expr:
    return pl.col(column).list.eval(pl.element() - (_LATER - 1))


def _quotes(stage: Reader, rows: Batch) -> None:
    """Check reasons, flags and notes for their form and for text of the input; dropped rows for messages."""
    dropped = rows.filter(pl.col("drop").is_not_null())
    codes(stage, "reason", dropped["drop"].to_list())
    codes(stage, "flag", rows["flags"].explode(empty_as_null=False, keep_nulls=False).to_list())
    for column in ("messages", "rejected"):
        if flat(dropped, column)["content"].drop_nulls().len():
            fail(stage, "text", "a dropped row still holds messages", "give it its records, the reason and a note only")
    said = " ".join(rows["drop"].drop_nulls().to_list() + rows["note"].drop_nulls().to_list())
    texts = Texts(rows).text
    words = texts.filter((texts.str.len_chars() >= 12) & texts.str.contains(r"\S \S")).unique().to_list()
    if holds_canary(said) or any(text in said for text in words):
        fail(stage, "text", "a reason or note holds text of the input", "tell counts, columns and codes only")


def _sniffed(stage: Reader, path: Path, name: str) -> None:
    remedy = "look at source.head(), .members() and .sample(), and give None for what is not its own"
    try:
        with Source(path, encoding=getattr(stage, "encoding", None)) as source:
            found = type(stage).sniff(source)
            counted = source.handed
    except InputError:
        return  # the source itself cannot open it
    except Exception as error:
        fail(stage, "sniff", f"raises {raised(error)} on {name}", remedy, error)
    if counted:
        fail(stage, "sniff", f"takes {counted} records of {name}", remedy)
    if found is None:
        return
    if not isinstance(found, Sniff) or not 0 <= found.confidence <= 1:
        fail(stage, "sniff", f"gives no Sniff with a confidence from 0 to 1 on {name}", remedy)
    if any(holds_canary(phrase.replace(f"{CANARY}.data", "")) for phrase in (*found.evidence, found.refusal or "")):
        fail(stage, "sniff", f"its evidence holds text of the input, on {name}", "tell counts and column names only")


def _variants(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Give foreign and damaged inputs: those of the kit, and the given files grown and with a broken end."""
    yield from hostile_inputs().items()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        if not content or b"\x00" in content[:4096] or content[:2] in (b"\x1f\x8b", b"PK"):
            continue
        ended = content if content.endswith(b"\n") else content + b"\n"
        for tail in (b'{"%b": ["%b', b'"%b', b"%b\x00%b", b"\xff%b\xfe"):
            yield f"{path.name} with a broken end", ended + tail.replace(b"%b", CANARY.encode())
        yield f"{path.name}, cut", content[: len(content) * 2 // 3]
        head, _, body = ended.partition(b"\n")
        times = ROWS // max(1, body.count(b"\n")) + 2
        if body and len(body) * times < _GROWN:
            yield f"{path.name}, grown over {ROWS:,} records", head + b"\n" + body * times


# --- writers ----------------------------------------------------------------------------------------------------------


def check_writer(stage: Writer, batch: Batch | None = None) -> None:
    """Assert that a writer keeps its contract, on the kit's rows and on `batch`.

    Clauses: `batches` (it takes all), `lines` (`lines(file)` and `split_of(file)` sum up to the rows of each split),
    `leftovers` (no scratch file, no empty folder, no file beside `file_for`), `outside` (it writes below `into` only),
    `meta` (none that is not named), `input`, `empty batch`, `raises`, `repeatable` (the same bytes twice), `other
    process`, and those of every stage. A row that the writer refuses with a `RowError` is set aside first; its reason
    and note hold no text of it (`reason`, `text`).
    """
    sound(stage, Writer)
    for rows in [hard_rows()] if batch is None else [hard_rows(), batch]:
        rows = _taken(stage, rows)
        untouched = pl.DataFrame([pl.Series(name, rows[name].to_list(), kind) for name, kind in rows.schema.items()])
        whole = _written(stage, _parts(rows, 29), rows)
        if not rows.equals(untouched):
            fail(stage, "input", "the batches that it was given have changed", "make new frames")
        if _written(stage, _parts(rows, 29), rows) != whole:
            fail(stage, "repeatable", "writes other bytes a second time", "write no times, random names or ids")
        if imported(stage, elsewhere(write_all, stage, _parts(rows, 29))).hashes != whole:
            fail(stage, "other process", "writes other bytes in a process with another hash seed", HASHES)
        for parts in (_parts(rows, 1), [rows]):
            _written(stage, parts, rows)
        _written(stage, [], rows.clear())


def _taken(stage: Writer, rows: Batch) -> Batch:
    """Give the rows that a writer does not refuse, each handed to it alone."""
    refused: list[RowError] = []
    kept = []
    for at in range(rows.height):
        with tempfile.TemporaryDirectory(prefix="ftdata-") as name:
            try:
                stage.write(iter([rows[at : at + 1]]), files.private_folder(Path(name).resolve() / "into"))
            except RowError as error:
                refused.append(error)
            except Exception:  # judged below, with all the others
                kept.append(at)
            else:
                kept.append(at)
    codes(stage, "reason", [error.reason for error in refused])
    if any(holds_canary(f"{error.reason} {error.note} {error}") for error in refused):
        remedy = "tell codes, counts and where the row stands only"
        fail(stage, "text", "a refusal holds text of the row", remedy)
    return rows[kept]


def _parts(rows: Batch, size: int) -> list[Batch]:
    return [rows.slice(start, size) for start in range(0, rows.height, size)]


class _Wrote(NamedTuple):
    """What a writer did: the hash, split and lines of each file, and what else there is to tell."""

    hashes: dict[str, str]
    lines: dict[str, tuple[str | None, int | None]]
    took_all: bool
    empty: list[str]
    outside: list[str]
    meta: bool


def write_all(stage: Writer, parts: Sequence[Batch]) -> _Wrote:
    """Let a writer write into a folder of its own, and look at what lies there and elsewhere."""
    finished = False

    def hand() -> Iterator[Batch]:
        nonlocal finished
        yield from parts
        finished = True

    with tempfile.TemporaryDirectory(prefix="ftdata-") as name:
        place = Path(name).resolve()
        into = files.private_folder(place / "into")
        with _watched(files.private_folder(place / "elsewhere")) as touched:
            stage.write(hand(), into)
        found = files.below(into)
        names = {path: str(path.relative_to(into)) for path in found}
        outside = {path.name for path in files.below(place) if into not in path.parents}
        outside |= {path.name for path in touched if path != into and into not in path.parents}
        return _Wrote(
            {names[path]: files.sha256(path) for path in found},
            {names[path]: (stage.split_of(Path(names[path])), stage.lines(path)) for path in found},
            finished,
            [path.name for path in into.rglob("*") if path.is_dir() and not any(path.iterdir())],
            sorted(outside),
            any(META_CANARY.encode() in path.read_bytes() for path in found),
        )


def _written(stage: Writer, parts: Sequence[Batch], rows: Batch) -> dict[str, str]:
    """Write and judge; give the hashes of all files."""
    try:
        wrote = write_all(stage, parts)
    except Exception as error:
        which = f"on batches of {parts[0].height} rows" if parts else "without any batch"
        shown = str(error) if isinstance(error, FtdataError) else raised(error)
        clause = "raises" if parts else "empty batch"
        fail(stage, clause, f"fails {which} ({shown})", "make it take such rows", error)
    if not wrote.took_all:
        fail(stage, "batches", "stopped before the last one", "go through all of `batches`")
    if wrote.outside:
        remedy = "write below `into` only, with ftdata.files.create"
        fail(stage, "outside", f"touched {', '.join(wrote.outside[:3])} outside of `into`", remedy)
    allowed = {str(stage.file_for(split)) for split in _SPLITS}
    for name, (_, lines) in wrote.lines.items():
        scratch = any(word in name.lower() for word in ("scratch", "tmp", "temp", ".part")) and lines is None
        if any(part.startswith(".") for part in Path(name).parts) or scratch or not (stage.folder or name in allowed):
            fail(stage, "leftovers", f"{name} would be published", "remove scratch files; name files by file_for()")
    if wrote.empty:
        fail(stage, "leftovers", f"the folder {wrote.empty[0]} is empty", "make folders only for files")
    _counted(stage, wrote, rows)
    if wrote.meta and not stage.meta:
        fail(stage, "meta", "writes meta that the field `meta` does not name", "write the keys in `meta` only")
    return wrote.hashes


def _counted(stage: Writer, wrote: _Wrote, rows: Batch) -> None:
    told = stage.spread(rows)
    per_row = pl.repeat(1, rows.height, dtype=pl.UInt32, eager=True) if told is None else told
    if len(per_row) != rows.height or not per_row.dtype.is_integer() or bool((per_row < 1).any()):
        fail(stage, "lines", "spread() gives no whole number from 1 on for each row", "count the lines of each row")
    summed = (
        pl.DataFrame({"split": rows["split"].fill_null("train"), "lines": per_row})
        .group_by("split")
        .agg(pl.sum("lines"))
    )
    due: dict[str | None, int] = {split: int(count) for split, count in summed.iter_rows()}
    held: dict[str | None, int] = {}
    for split, lines in wrote.lines.values():
        if lines is not None:
            held[split] = held.get(split, 0) + lines
    if set(held) <= {None}:
        due, held = {None: int(per_row.sum())}, {None: held.get(None, 0)}
    for split in {*due, *held}:
        if held.get(split, 0) != due.get(split, 0):
            which = "" if split is None else f" of the split {split!r}"
            remedy = "write each row once, into the file of its split, and let lines() and split_of() tell so"
            counted = f"{due.get(split, 0)} rows{which} came in, lines() tells of {held.get(split, 0)}"
            fail(stage, "lines", counted, remedy)


@contextmanager
def _watched(folder: Path) -> Iterator[list[Path]]:
    """Note, from within an empty working folder, what Python writes; the paths are absolute."""
    seen, before = _heard(), os.getcwd()
    seen.clear()
    touched: list[Path] = []
    os.chdir(folder)
    try:
        seen.append(touched.append)
        yield touched
    finally:
        seen.clear()
        os.chdir(before)


@cache
def _heard() -> list[Callable[[Path], None]]:
    """Give the list of listeners; a hook into the interpreter cannot be taken away again, only left without one."""
    listeners: list[Callable[[Path], None]] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if not listeners or event not in ("open", "os.mkdir", "os.rename", "os.link", "os.symlink"):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        for path in arguments[: 1 if event in ("open", "os.mkdir") else 2]:
            if isinstance(path, (str, bytes, os.PathLike)):
                name = os.path.abspath(os.fsdecode(path))
                if not name.startswith("/dev/") and "__pycache__" not in name:
                    for listener in listeners:
                        listener(Path(name))

    sys.addaudithook(hear)
    return listeners
