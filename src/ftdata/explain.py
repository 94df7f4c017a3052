"""Tell the life of one row: the records it came from, what each stage did to it, and where it ended."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ftdata import ledger
from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation
from ftdata.errors import InputError
from ftdata.files import Record
from ftdata.inputs import display_names, open_source
from ftdata.manifest import InputPart, Manifest, load
from ftdata.recipe import Recipe
from ftdata.source import Source

_RIVAL = re.compile(r"(?:conflict|contradicts) row (\d+)\b")
_SIMILARITY = re.compile(r"\bJ (\d\.\d+)")
_LONG = 2000
"""Words of an answer above which common words no longer anchor its comparison, which else takes their square."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to the row. `twin` is the id of another row that the note names."""

    stage: str
    event: str
    reason: str | None
    note: str | None
    output: str | None
    line: int | None
    twin: str | None


@dataclass(frozen=True)
class Difference:
    """How the answer of a row differs from that of a row that it conflicts with or contradicts.

    `similarity` is J of what the stage compares. `words`: runs of words that only the other row's answer has (`-`), or
    only this row's (`+`), in order, as they were read, small; numbers and ids are no differences, and shown as `#`.
    """

    stage: str
    row: int
    id: str | None
    similarity: float
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Life:
    """A row from its records to its end. `read`, `written` and `differs` hold text and are only filled on request."""

    row: int
    id: str
    records: tuple[str, ...]
    events: tuple[Event, ...]
    read: Conversation | None = None
    written: tuple[str, ...] = ()
    differs: tuple[Difference, ...] = ()


def explain(record: Record, what: str, *, show_values: bool = False) -> list[Life]:
    """Tell the life of the rows that an id (`tickets.csv#42`) or `FILE:LINE` (of an input or output) means.

    Raises `InputError` if nothing fits.
    """
    if not record.manifest.exists():
        raise InputError(f"{record.folder}: holds no finished run to explain; run the recipe first")
    manifest = load(record.manifest)
    lines = ledger.scan(record.ledger)
    rows = _rows(record, manifest, lines, what)
    if not rows:
        raise InputError(f"{what}: no row of this run; give an id such as {_example(manifest)}, or FILE:LINE")
    found = lines.filter(pl.col("row").is_in(rows)).collect()
    twins = _twins(lines, found)
    lives = []
    for row in rows:
        own = found.filter(pl.col("row") == row)
        numbers = own["origin"][0].to_list()
        places, read = _reread(record, manifest, numbers, show_values)
        lives.append(
            Life(
                row=row,
                id=own["id"][0],
                records=tuple(places),
                events=tuple(
                    Event(
                        e["stage"],
                        e["event"],
                        e["reason"],
                        e["note"],
                        e["output"],
                        e["line"],
                        twins.get(_twin(e["note"])),
                    )
                    for e in own.iter_rows(named=True)
                ),
                read=read,
                written=_written(record, own) if show_values else (),
                differs=_differences(record, manifest, lines, own, read) if read is not None else (),
            )
        )
    return lives


def _example(manifest: Manifest) -> str:
    return f"{manifest.inputs[0].name}#1" if manifest.inputs else "tickets.csv#1"


def _read(manifest: Manifest) -> list[InputPart]:
    """Give the inputs whose records became rows: not those that were only looked up."""
    return [part for part in manifest.inputs if not part.lookup]


def _rows(record: Record, manifest: Manifest, lines: pl.LazyFrame, what: str) -> list[int]:
    name, hash_, number = what.rpartition("#")
    if hash_ and number.isdecimal():
        for part in _read(manifest):
            if (part.name == name or part.name.endswith(f"/{name}")) and 1 <= int(number) <= part.records:
                return _owners(lines, part.first + int(number) - 1)
        return []
    file, colon, line = what.rpartition(":")
    if not colon or not line.isdecimal():
        return []
    path = Path(file).absolute()
    for out in manifest.outputs:
        if record.absolute(out.path).absolute() == path or _ends(out.path, file):
            hit = lines.filter((pl.col("output") == out.path) & (pl.col("line") == int(line)))
            return hit.select("row").unique().collect()["row"].to_list()
    for part in _read(manifest):
        if _ends(part.name, file) or _ends(part.path, file) or Path(part.path).absolute() == path:
            return _owners(lines, *_numbers_at(record, manifest, part, int(line)))
    return []


def _ends(path: str, tail: str) -> bool:
    return path == tail or path.endswith("/" + tail) or tail.endswith("/" + path)


def _owners(lines: pl.LazyFrame, *numbers: int) -> list[int]:
    if not numbers:
        return []
    owns = pl.col("origin").list.eval(pl.element().is_in(list(numbers))).list.any()
    return lines.filter(owns).select("row").unique().sort("row").collect()["row"].to_list()


def _twin(note: str | None) -> int:
    hit = re.search(r"\brow (\d+)", note or "")
    return int(hit[1]) if hit else 0


def _twins(lines: pl.LazyFrame, found: pl.DataFrame) -> dict[int, str]:
    wanted = {_twin(note) for note in found["note"].to_list()} - {0}
    if not wanted:
        return {}
    hits = lines.filter(pl.col("row").is_in(sorted(wanted))).select("row", "id").unique().collect()
    return dict(hits.iter_rows())


def _recipe(record: Record, manifest: Manifest) -> Recipe:
    return Recipe.parse(manifest.recipe, record.absolute(manifest.folder), manifest.name)


def _is_of(part: InputPart, name: str) -> bool:
    """Say whether a file is the input of this name, or lies in it (a folder, an archive)."""
    return part.name == name or part.name.startswith((f"{name}/", f"{name}:"))


def _walk(record: Record, manifest: Manifest, part: InputPart, wanted: set[int]) -> tuple[Source, list[Conversation]]:
    """Read an input again as the run did, so that each record's line is known; the file must not have changed."""
    recipe = _recipe(record, manifest)
    names = display_names([str(reader.path) for reader in recipe.readers])
    at = next((n for n, name in enumerate(names) if _is_of(part, name)), 0)
    if part.path == "-":
        raise InputError(f"{part.name}: came through a pipe, so its lines cannot be told any more")
    reader = recipe.readers[at]
    own = (p.first for p in manifest.inputs if not p.lookup and _is_of(p, names[at]))
    first = min(own, default=part.first)
    with open_source(reader, recipe.folder, names[at], first, None, network=recipe.options.network) as source:
        rows: list[Conversation] = []
        for batch in reader.read(source):
            if wanted:
                hit = batch.filter(pl.col("origin").list.eval(pl.element().is_in(list(wanted))).list.any())
                rows += list(conversations(hit))
        if part.sha256 not in {i.sha256 for i in source.inputs}:
            raise InputError(f"{part.path}: has changed since the run, so its lines cannot be told any more")
        return source, rows


def _numbers_at(record: Record, manifest: Manifest, part: InputPart, line: int) -> list[int]:
    number = _walk(record, manifest, part, set())[0].record_at(line)
    return [] if number is None else [number]


def _reread(
    record: Record, manifest: Manifest, numbers: list[int], show_values: bool
) -> tuple[list[str], Conversation | None]:
    places: list[str] = []
    read: Conversation | None = None
    for part in _read(manifest):
        own = sorted(n for n in numbers if part.first <= n < part.first + part.records)
        if not own:
            continue
        try:
            source, rows = _walk(record, manifest, part, set(own) if show_values else set())
        except InputError:
            places += [f"{part.name}#{n - part.first + 1} (the input is gone or has changed)" for n in own]
            continue
        places += [source.place(n) for n in own]
        read = rows[0] if rows else read
    return places, read


def _differences(
    record: Record, manifest: Manifest, lines: pl.LazyFrame, own: pl.DataFrame, read: Conversation
) -> tuple[Difference, ...]:
    """Hold the answer of a row against those of the rows that its notes call rivals."""
    found: dict[tuple[str, int], Difference] = {}
    for stage, note in own.select("stage", "note").iter_rows():
        rival = _RIVAL.match(note or "")
        if rival is None or (stage, int(rival[1])) in found:
            continue
        hit = lines.filter(pl.col("row") == int(rival[1])).select("id", "origin").head(1).collect()
        if not hit.height:
            continue
        _, other = _reread(record, manifest, hit["origin"][0].to_list(), True)
        if other is None:
            continue
        told = _SIMILARITY.search(note)
        alike = float(told[1]) if told else _question_similarity(read, other, _ngram(record, manifest, stage))
        difference = Difference(stage, int(rival[1]), hit["id"][0], alike, _differing(_told(other), _told(read)))
        found[stage, difference.row] = difference
    return tuple(found.values())


def _ngram(record: Record, manifest: Manifest, label: str) -> int:
    """Give the length of the runs that a stage compares, by its label (`contradictions#2` is the second of them)."""
    name, _, number = label.partition("#")
    of = [step for step in _recipe(record, manifest).steps if step.name == name]
    ngram: int = of[int(number or 1) - 1].model_dump()["ngram"]
    return ngram


def _spoken(row: Conversation, role: str) -> str:
    from ftdata.similarity import spoken

    text: str = spoken(next(iter(to_batches([row]))), (role,))[0]
    return text


def _question_similarity(one: Conversation, other: Conversation, ngram: int) -> float:
    from ftdata.similarity.answers import masked
    from ftdata.similarity.shingles import hashes, jaccard

    asked = masked(pl.Series([_spoken(row, "user") for row in (one, other)])).to_list()
    return round(jaccard(*(hashes(text, ngram) for text in asked)), 4)


def _told(row: Conversation) -> str:
    from ftdata.similarity.answers import masked

    answer: str = masked(pl.Series([_spoken(row, "assistant")]))[0]
    return answer


def _differing(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """Give the runs of words, of texts whose numbers and ids are masked, that only one of the two has."""
    from ftdata.similarity.shingles import words

    left, right = words(old), words(new)
    found = []
    quick = max(len(left), len(right)) > _LONG
    for kind, start, end, begin, finish in difflib.SequenceMatcher(None, left, right, autojunk=quick).get_opcodes():
        if kind != "equal":
            found += [("-", left[start:end]), ("+", right[begin:finish])]
    shown = ((sign, " ".join("#" if word == "0" else word for word in run)) for sign, run in found)
    return tuple((sign, run) for sign, run in shown if run.strip("# "))


def _written(record: Record, own: pl.DataFrame) -> tuple[str, ...]:
    texts = []
    for event in own.filter(pl.col("event") == "write").iter_rows(named=True):
        path = record.absolute(event["output"])
        if path.suffix == ".parquet":
            row = pl.scan_parquet(path).slice(event["line"] - 1, 1).collect()
            texts.append(row.write_ndjson().strip())
        elif path.is_file():
            with path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    if number == event["line"]:
                        texts.append(line.decode(errors="backslashreplace").rstrip("\n"))
                        break
    return tuple(texts)
