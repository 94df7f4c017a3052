"""The most useful examples for a prompt: unlike each other, fit to be shown, short, the same ones always.

From each group of rows that say about the same one is a candidate, the shortest whose answer is no shorter than most;
groups of many rows come first. Of the first candidates each next one is the one least like those chosen (estimated
from sketches); of labels, the one that was shown least. Rows whose question has several answers, which refuse, insult,
are flagged by `quality` or hold anything that `pii` would replace (names too) are never chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from ftdata.advice.measure import Signals
from ftdata.advice.signals.variety import CHECK
from ftdata.batch import Batch, conversations, dumps
from ftdata.conversation import Conversation, Message
from ftdata.similarity.clusters import clusters
from ftdata.transforms.pii import Pii
from ftdata.transforms.quality.stage import Quality

_POOL = 400
_LOOK = 64
_BRIEF = 0.25
"""Answers shorter than a quarter of the median are no good examples."""


def few_shot(signals: Signals, count: int) -> list[Conversation]:
    """Choose at most `count` rows, in the order in which they were chosen."""
    order = _candidates(signals)
    pool = [row for rows in _fit(signals, order, max(_POOL, 20 * count)) for row in rows]
    if not pool:
        return []
    values = signals.evidence.frames["variety"]["sketch"].gather(pool).to_numpy()
    labels = signals.evidence.marks["label"][pool] if signals["labels"] else np.zeros(len(pool))
    chosen = _unlike(values, labels, count)
    return _read(signals, [pool[place] for place in chosen])


def prompt(examples: list[Conversation]) -> str:
    """Write a prompt: the system text that all examples share, then each example."""
    systems = {
        "\n".join(m.content or "" for m in row.messages or () if m.role in ("system", "developer")) for row in examples
    }
    shared = systems.pop() if len(systems) == 1 else ""
    parts = [shared] if shared else []
    parts.append("Answer as in these examples.")
    for number, row in enumerate(examples, 1):
        turns = [m for m in row.messages or () if not shared or m.role not in ("system", "developer")]
        parts.append(f"<example {number}>\n" + "\n".join(_turn(message) for message in turns) + "\n</example>")
    return "\n\n".join(parts) + "\n"


def _turn(message: Message) -> str:
    said = message.content if message.content is not None else dumps(message.parts) if message.parts else ""
    called = f" calls {dumps(message.tool_calls)}" if message.tool_calls else ""
    return f"{(message.role or 'user').capitalize()}{called}: {said}".rstrip()


def _candidates(signals: Signals) -> np.ndarray[Any, Any]:
    """Give the places of rows to try: one of each group, then, behind all those, the others."""
    marks, frames = signals.evidence.marks, signals.evidence.frames
    trained = frames["tokens"]["trained"].to_numpy()
    fit = marks["stays"] & ~marks["disputed"] & ~marks["refuses"] & ~marks["toxic"]
    fit &= trained >= _BRIEF * np.median(trained)
    fit &= trained > 0
    return (
        pl.DataFrame(
            {
                "place": np.arange(len(fit)),
                "cluster": _clusters(frames["variety"]),
                "tokens": marks["tokens"],
                "hash": frames["variety"]["hi"],
                "fit": fit,
            }
        )
        .with_columns(size=pl.len().over("cluster"))
        .filter("fit")
        .sort("tokens", "hash")
        .with_columns(turn=pl.int_range(pl.len()).over("cluster"))
        .sort("turn", "size", "tokens", "hash", descending=[False, True, False, False])["place"]
        .to_numpy()
    )


def _clusters(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Give for each row the row that stands for its group, as the check `diversity` groups them."""
    order = np.argsort(frame["hi"].to_numpy(), kind="stable")
    cluster = np.full(frame.height, -1)
    cluster[order] = order[clusters(frame["sketch"].to_numpy(), CHECK.threshold, order)]
    return cluster


def _fit(signals: Signals, order: np.ndarray[Any, Any], most: int) -> Iterator[list[int]]:
    """Give the candidates that hold nothing private and are not flagged, in their order, about `most` of them."""
    found = 0
    for start in range(0, len(order), _LOOK):
        part = order[start : start + _LOOK].tolist()
        good = {row for batch in signals.evidence.held.spool.take(part) for row in _clean(batch)}
        kept = [row for row in part if row in good]
        found += len(kept)
        yield kept
        if found >= most:
            return


def _clean(batch: Batch) -> list[int]:
    none = [pl.lit(None, pl.String).alias(name) for name in ("meta", "extra", "note")]
    bare = batch.with_columns(*none, pl.lit([], pl.List(pl.String)).alias("flags"))
    ends = batch.select(pl.col("messages").list.last().struct.field("role") == "assistant").to_series()
    private = Pii().apply(bare)["note"].is_not_null()
    flagged = Quality().apply(bare)["flags"].list.len() > 0
    return [int(row) for row in batch["row"].filter(ends.fill_null(False) & ~private & ~flagged)]


def _unlike(values: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], count: int) -> list[int]:
    """Choose places: the first, then always the one least like those chosen, among labels shown least."""
    nearest = np.zeros(len(values))
    shown = dict.fromkeys(labels.tolist(), 0)
    left = np.ones(len(values), dtype=bool)
    chosen: list[int] = []
    while left.any() and len(chosen) < count:
        times = np.array([shown[label] for label in labels.tolist()])
        open_ = left & (times == times[left].min())
        place = int(np.flatnonzero(open_)[np.argmin(nearest[open_])])
        chosen.append(place)
        left[place] = False
        shown[labels[place].item()] += 1
        nearest = np.maximum(nearest, (values == values[place]).mean(axis=1))
    return chosen


def _read(signals: Signals, rows: list[int]) -> list[Conversation]:
    found = {row.row: row for batch in signals.evidence.held.spool.take(rows) for row in conversations(batch)}
    return [found[row] for row in rows]
