"""Count the tokens of a file's or a run's rows, for the bill."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from ftdata import runs
from ftdata.batch import Batch
from ftdata.cost.plan import Counts, JobTokens
from ftdata.earlier import Earlier
from ftdata.errors import InputError, RecipeError
from ftdata.files import Record
from ftdata.sniff import best, spooled
from ftdata.source import Source
from ftdata.tokens import counter, encoding_of, per_row


def of(source: str, encoding: str | None = None, tokenizer: str | None = None, model: str = "") -> JobTokens:
    """Count a file, or what a run wrote: a file is one, all else is looked for among the runs, then read as data.

    Raises:
        InputError: see `of_file` and `of_run`.
    """
    with spooled(source) as path:
        if path != source or (os.path.isfile(path) and not path.endswith((".toml", "run.json"))):
            return of_file(path, encoding, tokenizer, model)
    try:
        record = runs.find(source)
    except InputError:
        if not os.path.isdir(source):
            raise InputError(f"{source}: there is no such file, and no run of this name near here; name one") from None
        return of_file(source, encoding, tokenizer, model)
    return of_run(record, tokenizer, model)


def of_file(path: str, encoding: str | None = None, tokenizer: str | None = None, model: str = "") -> JobTokens:
    """Count a file of any layout that a reader knows; rows without a split are training rows.

    `tokenizer` names one; else the one of the model is taken, if that is known; else four characters are a token.

    Raises:
        InputError: the file is not there, no reader knows it, or it has no rows.
    """
    return _counted(((batch, None) for batch in _read(path, encoding)), path, tokenizer, model)


def of_run(record: Record, tokenizer: str | None = None, model: str = "") -> JobTokens:
    """Count what a run wrote: the rows of its first writer, each in its split.

    Raises:
        InputError: its outputs are gone, or have no rows.
    """
    first = runs.of_first_writer(record, runs.latest(record))

    def batches() -> Iterator[tuple[Batch, str | None]]:
        for out in first:
            path = record.absolute(out.path)
            if path.suffix == ".parquet" or path.is_dir():
                yield from ((batch, out.split) for batch in Earlier(record.folder).read(path))
            else:
                yield from ((batch, out.split) for batch in _read(str(path), None))

    return _counted(batches(), record.name, tokenizer, model)


def _read(path: str, encoding: str | None) -> Iterator[Batch]:
    guess = best(path, encoding)
    reader = guess.reader.model_validate({"path": path, **guess.sniff.fields})
    with Source(path, encoding=encoding) as source:
        yield from reader.read(source)


def _counted(batches: Iterable[tuple[Batch, str | None]], name: str, tokenizer: str | None, model: str) -> JobTokens:
    named, counted = _tokenizer(tokenizer, model)
    everything: list[Counts] = []
    learnt: list[Counts] = []
    sides = []
    tools: int = 0
    for whole, side in batches:
        batch = whole.filter(pl.col("drop").is_null())
        found = per_row(batch, named)
        everything.append(np.asarray(found.all, np.int64))
        learnt.append(np.asarray(found.trained, np.int64))
        sides.append(batch["split"].fill_null(side or "train").to_numpy().astype(np.str_))
        tools += batch.height - batch["tools"].null_count()
    if not sum(len(one) for one in everything):
        raise InputError(f"{name}: has no rows that could be trained; name a file of conversations, or a run")
    if tools:
        counted += f"; without the tool definitions of {tools:,} rows, whose rule is not public"
    return JobTokens(
        np.concatenate(everything), np.concatenate(learnt), np.concatenate(sides), counted, estimated=named is None
    )


def _tokenizer(stated: str | None, model: str) -> tuple[str | None, str]:
    """Give the tokenizer to count with, None to estimate, and how the count is called.

    One that the user states must be there; the one of a known model is taken where it is installed.
    """
    named = stated or (encoding_of(model) if model else None)
    if named is None:
        return None, "estimated, 4 characters a token; --tokenizer counts exactly"
    try:
        counter(named)
    except RecipeError:
        if stated is not None:
            raise
        return None, f"estimated, 4 characters a token; {named}, which is exact, needs a library that is not installed"
    return named, f"exact, {named}"
