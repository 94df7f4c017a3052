"""Conversations out of messages that each name the one they answer: a tree, of which every path is a conversation.

A message with several answers begins several paths. Each path from the first message to a last one is a row; what two
paths have in common is owned by the first of them (by the times of the answers, then by the file), and listed by the
others in `shares`.

As the messages of a tree may stand anywhere in the file, its form is settled in a first pass over the ids alone (24
bytes a message); the texts then come tree by tree.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
import xxhash

from ftdata.batch import Batch, Rows
from ftdata.readers.stitch import Rules

_MOST = 64
"""A tree whose paths hold more than so many times its messages (and 10,000 more) gives its longest path only."""
_FREE = 10_000


class Forest:
    """Who answers whom: take the messages with `add`, in file order; then `settle`."""

    def __init__(self) -> None:
        self._records, self._ids, self._parents = array("Q"), array("Q"), array("Q")
        self._read = bytearray()

    def add(self, record: int, id: str, parent: str, read: bool) -> None:
        """Take a message; without an id nobody can answer it, without a parent it answers nobody.

        One that is not `read` (a note, a bot's) keeps its place: who answers it answers what it answers.
        """
        self._read.append(read)
        self._records.append(record)
        self._ids.append(_code(id) if id else 0)
        self._parents.append(_code(parent) if parent else 0)

    def settle(self) -> Forest:
        """Find the parent of each message and the first message of its tree."""
        ids, parents = np.asarray(self._ids, np.uint64), np.asarray(self._parents, np.uint64)
        self._numbers = np.asarray(self._records, np.uint64)
        count = len(ids)
        order = np.argsort(ids, kind="stable")  # of two messages with one id the first in the file counts
        place = np.searchsorted(ids, parents, sorter=order)
        found = np.minimum(place, max(count - 1, 0))
        hit = order[found] if count else found
        known = (parents != 0) & (place < count) & (ids[hit] == parents) if count else np.zeros(0, bool)
        up = np.where(known, hit, np.arange(count))
        root = up.copy()
        for _ in range(max(1, count).bit_length() + 1):
            root = root[root]
        self._loop = up[root] != root  # who answers himself by way of others is in no tree
        read = np.frombuffer(self._read, np.uint8) > 0
        above = np.where(read, np.arange(count), up)
        for _ in range(max(1, count).bit_length() + 1):
            above = above[above]
        self._parent = np.where((up == np.arange(count)) | ~read[above[up]], -1, above[up]) if count else up
        self._root = root
        return self

    def of(self, record: int) -> tuple[int, int | None] | None:
        """Give the first record of a message's tree and that of its parent, if it has one; None: it is in no tree."""
        at = int(np.searchsorted(self._numbers, record))
        if self._loop[at]:
            return None
        parent = int(self._parent[at])
        return int(self._numbers[self._root[at]]), None if parent < 0 else int(self._numbers[parent])


def _code(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode()) or 1


def finish(frame: pl.DataFrame, rules: Rules, day_first: bool | None) -> pl.DataFrame:
    """Give the finished rows of whole trees (messages as `Stitch` holds them), with `first`, sorted by it."""
    at = "by_month" if day_first is False else "by_day"
    out, firsts = Rows(), []
    pieces: list[Batch] = []
    for _, tree in frame.sort("key", "record").group_by("key", maintain_order=True):
        for origin, shares, turns, meta, drop, flags in _paths(tree, at, rules):
            out.add(origin, turns, shares=shares or None, meta=meta, drop=drop, flags=flags)
            firsts.append(origin[0])
            if out.full:
                pieces.append(out.batch())
    pieces.append(out.batch())
    rows = pl.concat(pieces)
    return rows.with_columns(first=pl.Series(firsts, dtype=pl.UInt64)).sort("first")


_Path = tuple[list[int], list[int], list[tuple[str, str]], str | None, str | None, tuple[str, ...]]


def _paths(tree: pl.DataFrame, at: str, rules: Rules) -> Iterator[_Path]:
    records, roles, texts = (tree[name].to_list() for name in ("record", "role", "text"))
    metas, times, parents = (tree[name].to_list() for name in ("meta", at, "parent"))
    place = {record: i for i, record in enumerate(records)}
    children: dict[int, list[int]] = {}
    tops = []
    for i, parent in enumerate(parents):
        up = place.get(parent)
        if up is None:
            tops.append(i)
        else:
            children.setdefault(up, []).append(i)
    for answers in children.values():
        answers.sort(key=lambda i: (times[i] if times[i] is not None else 0, records[i]))
    owned: set[int] = set()
    waiting: list[tuple[int, str]] = []
    missing = ("unparsed-time",) if rules.timed and any(time is None for time in times) else ()
    for path, fresh, cut in _walk(tops, children, len(records)):
        asks = [n for n, i in enumerate(path) if roles[i] == "user"]
        says = [n for n, i in enumerate(path) if roles[i] == "assistant"]
        begin, end = (0 if rules.greeting else asks[0]) if asks else len(path), says[-1] if says else -1
        whole = bool(asks and says) and end > asks[0] and not cut
        reason = "other-branch" if cut else "no-assistant" if not says else "no-user" if not asks else "no-answer"
        kept = path[begin : end + 1] if whole else []
        mine = [i for i in kept if i not in owned]
        if mine:
            owned.update(mine)
            turns = _joined([(roles[i], texts[i]) for i in kept], rules.join)
            shares = sorted(records[i] for i in kept if i not in set(mine))
            yield sorted(records[i] for i in mine), shares, turns, metas[kept[0]], None, (*rules.flags, *missing)
        for n, i in enumerate(fresh if cut else path):
            if i not in owned:
                waiting.append((i, reason if not whole else "leading-agent" if n < begin else "trailing-user"))
    told: set[int] = set()
    for i, reason in waiting:
        if i not in owned and i not in told:
            told.add(i)
            yield [records[i]], [], [], None, reason, ()


def _walk(
    tops: Iterable[int], children: dict[int, list[int]], count: int
) -> Iterator[tuple[list[int], list[int], bool]]:
    """Give each path from a top to a leaf, what of it no path before had, and whether it is one too many."""
    spent, most = 0, _MOST * count + _FREE
    for top in tops:
        path: list[int] = []
        known = 0
        stack: list[tuple[int, int]] = [(top, 0)]
        while stack:
            node, depth = stack.pop()
            del path[depth:]
            known = min(known, depth)
            path.append(node)
            below = children.get(node)
            if below:
                stack.extend((child, depth + 1) for child in reversed(below))
                continue
            fresh = path[known:]
            spent += len(path)
            yield list(path) if spent <= most else [], fresh, spent > most
            known = len(path)


def _joined(turns: list[tuple[str, str]], join: str | None) -> list[tuple[str, str]]:
    if join is None:
        return turns
    made: list[tuple[str, str]] = []
    for role, text in turns:
        if made and made[-1][0] == role:
            made[-1] = (role, made[-1][1] + join + text)
        else:
            made.append((role, text))
    return made
