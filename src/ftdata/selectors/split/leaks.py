"""Leaks: rows of a side that are known on a more guarded one. The guarded row stays, the other goes.

The best guarded are gone through first: what of validation is near test leaks, then what of train is near what is left
of both. So no row goes for the sake of one that went itself, and after the pass nothing that was looked for is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ftdata.selectors import guard
from ftdata.selectors.guard import On, Texts
from ftdata.selectors.split.sides import TEST, TRAIN
from ftdata.stages import Rows

KINDS = ("", "same question", "group", "near-duplicate")
"""Kinds of leak by number; 0 is none. A row that leaks in several ways counts for the first."""
QUESTION, GROUP, NEAR = 1, 2, 3

_Array = np.ndarray[Any, Any]
Look = Callable[[_Array, _Array], tuple[_Array, _Array]]
"""Looks for the positions `mine` among those guarded: gives for each the guarded row (-1: none) and their J."""


@dataclass(frozen=True)
class Leaks:
    """For each row the kind of its leak (0: none), the position of the guarded row, and their J."""

    kind: _Array
    twin: _Array
    similarity: _Array


def leaks(sides: _Array, pinned: _Array, looks: Iterable[tuple[int, Look]]) -> Leaks:
    """Find the rows that any of `looks` finds on another side that is better guarded.

    `pinned` are the sides of an earlier run (-1: none): what was published then is guarded before all else.
    """
    size, looks = len(sides), list(looks)
    found = Leaks(np.zeros(size, dtype=np.int8), np.full(size, -1), np.ones(size))
    levels = sides + 2 * ((pinned > TRAIN) & (sides > TRAIN))
    for level in range(3, -1, -1):
        side = level - 2 if level > TEST else level
        guarded = np.flatnonzero((levels > level) & (sides != side) & (found.kind == 0))
        guarded = guarded[np.argsort(-levels[guarded], kind="stable")]  # the best guarded first, in reading order
        for kind, look in looks:
            mine = np.flatnonzero((levels == level) & (found.kind == 0))
            if not len(guarded) or not len(mine):
                break
            twin, similarity = look(guarded, mine)
            hit = twin >= 0
            found.kind[mine[hit]] = kind
            found.twin[mine[hit]] = twin[hit]
            found.similarity[mine[hit]] = similarity[hit]
    return found


def equal(values: pl.Series) -> Look:
    """Look for rows with an equal value; null equals nothing."""

    def look(guarded: _Array, mine: _Array) -> tuple[_Array, _Array]:
        theirs = pl.DataFrame({"value": values.gather(guarded), "at": guarded})
        theirs = theirs.filter(pl.col("value").is_not_null()).unique("value", keep="first", maintain_order=True)
        ours = pl.DataFrame({"value": values.gather(mine)})
        joined = ours.join(theirs, on="value", how="left", maintain_order="left")
        return joined["at"].fill_null(-1).to_numpy(), np.ones(len(mine))

    return look


def near(numbers: _Array, rows: Rows, on: Sequence[On], threshold: float, ngram: int) -> Look:
    """Look for rows that say nearly the same; `numbers` are those of the rows, in ascending order."""

    def read(places: _Array) -> Texts:
        for batch in rows.take(numbers[places].tolist()):
            yield batch["row"].to_numpy(), guard.said(batch, on)

    def look(guarded: _Array, mine: _Array) -> tuple[_Array, _Array]:
        found = guard.near(read(guarded), lambda: read(mine), threshold, ngram, rows.tick)
        twin, similarity = np.full(len(mine), -1), np.ones(len(mine))
        at = np.searchsorted(numbers[mine], np.fromiter(found, dtype=np.uint64, count=len(found)))
        theirs = np.array([other for other, _ in found.values()], dtype=np.uint64)
        twin[at] = np.searchsorted(numbers, theirs)
        similarity[at] = [alike for _, alike in found.values()]
        return twin, similarity

    return look


def notes(found: Leaks, numbers: _Array) -> pl.Series:
    """Say of each row that leaks which row it would give away: `twin row 17, J 0.9310`, `group of row 17`."""
    told: list[str | None] = []
    for kind, twin, similarity in zip(found.kind.tolist(), found.twin.tolist(), found.similarity.tolist(), strict=True):
        if not kind:
            told.append(None)
        elif kind == GROUP:
            told.append(f"group of row {numbers[twin]}")
        else:
            told.append(f"twin row {numbers[twin]}" + (f", J {similarity:.4f}" if kind == NEAR else ""))
    return pl.Series("note", told, pl.String)


def counted(told: Sequence[str]) -> dict[str, int]:
    """Count the kinds of leak from the notes of the rows that went; kinds without a row are left out."""
    kinds = [
        KINDS[GROUP] if note.startswith("group") else KINDS[NEAR] if ", J " in note else KINDS[QUESTION]
        for note in told
    ]
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
