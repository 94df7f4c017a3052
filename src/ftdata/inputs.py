"""The inputs of a run: their names for people, their sources, their entries in the manifest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ftdata.account import scrubbed
from ftdata.errors import ContractError
from ftdata.hub import is_hub
from ftdata.manifest import InputPart
from ftdata.source import Source, is_stdin
from ftdata.stages import Reader


def open_source(
    reader: Reader,
    folder: Path,
    name: str,
    first: int,
    scratch: Path | None,
    records: int | None = None,
    network: bool = False,
) -> Source:
    """Open the source of a reader, its path relative to the recipe's folder; `records` ends it early."""
    path = reader.path if str(reader.path) == "-" or is_hub(reader.path) else folder / reader.path
    return Source(
        path, name=name, first=first, encoding=reader.encoding, scratch=scratch, records=records, network=network
    )


def display_names(paths: Sequence[str]) -> list[str]:
    """Cut paths to their last parts as far as they stay unique, and scrub them: a file name may hold an address.

    >>> display_names(["2024/tickets.csv", "2025/tickets.csv", "chat.jsonl"])
    ['2024/tickets.csv', '2025/tickets.csv', 'chat.jsonl']
    """
    parts = [("stdin",) if is_stdin(path) else Path(path).parts for path in paths]
    names: list[str] = []
    for number, own in enumerate(parts):
        length = 1
        others = [other for place, other in enumerate(parts) if place != number]
        while length < len(own) and any(other[-length:] == own[-length:] for other in others):
            length += 1
        name = scrubbed("/".join(own[-length:]))
        names.append(name)
        if names.count(name) > 1:  # the same file read twice, or names that scrubbing made equal
            names[-1] = f"{name}~{number + 1}"
    return names


def ids(source: Source, firsts: pl.Series) -> pl.Series:
    """Name rows after their first record, numbered within its file: `tickets.csv#42`."""
    spans = source.spans()
    if len(spans) == 1:
        start, name = spans[0]
        return pl.select(pl.lit(f"{name}#") + (firsts - (start - 1)).cast(pl.String)).to_series()
    bounds = np.array([start for start, _ in spans])
    at = np.searchsorted(bounds, firsts.to_numpy(), side="right") - 1
    local = firsts.to_numpy() - bounds[at].astype(np.uint64) + np.uint64(1)
    return pl.Series("id", [f"{spans[a][1]}#{n}" for a, n in zip(at.tolist(), local.tolist(), strict=True)])


def splits(source: Source, firsts: pl.Series) -> pl.Series | None:
    """Give the split of rows by the file of their first record, where the names of an input's files tell; else None."""
    spans = source.splits()
    if all(split is None for _, split in spans):
        return None
    at = np.searchsorted(np.array([start for start, _ in spans]), firsts.to_numpy(), side="right") - 1
    return pl.Series("split", [spans[a][1] for a in at.tolist()], pl.String)


def _notes(source: Source) -> list[str]:
    told = {"media": "images and sounds are left out", "uncomputed": "formulas without a value are left empty"}
    return [f"{count:,} {told[what]}" for what, count in source.left_out.items()]


def input_parts(source: Source, reader: Reader, folder: Path) -> list[InputPart]:
    """Give the manifest's entries for all files that a source read, with paths relative to the recipe's folder.

    Raises `ContractError` if the reader stopped early: records that were never handed out would be lost unseen.
    """
    absolute = reader.path.is_absolute()
    unread = source.unread()
    if unread is not None:
        raise ContractError(f"reader {reader.name}: did not read {unread} to its end; a reader must take all records")
    return [
        InputPart(
            path="-" if i.name == "stdin" else scrubbed(str(i.path) if absolute else os.path.relpath(i.path, folder)),
            name=i.name,
            bytes=i.bytes,
            sha256=i.sha256,
            encoding=i.encoding,
            first=i.first,
            records=i.records,
            use=reader.name,
            lookup=i.first == 0,
            legacy=i.legacy,
            notes=_notes(source) if number == 0 else [],
        )
        for number, i in enumerate(source.inputs)
    ]
