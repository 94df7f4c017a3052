"""The numbers of a training: as a table by step, as CSV, as a plot, and what they say of its speed."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from typing import Any

from ftdata.trainers.curves import Curve, plot

COLUMNS = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm", "mean_token_accuracy", "num_tokens")


def table(history: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Give one line for each step that was logged, from TRL's own history: training and evaluation side by side."""
    by: dict[int, dict[str, float]] = {}
    for entry in history:
        numbers = {name: float(value) for name, value in entry.items() if isinstance(value, int | float)}
        if "step" in numbers and ("loss" in numbers or "eval_loss" in numbers):
            by.setdefault(int(numbers["step"]), {}).update(
                {name: value for name, value in numbers.items() if name in COLUMNS}
            )
    return [by[step] for step in sorted(by)]


def with_end(rows: list[dict[str, float]], events: Iterable[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Add the evaluation at the very end, which TRL prints (to four digits) after it has saved its history."""
    evaluated = [event["numbers"] for event in events if "eval_loss" in event.get("numbers", {})]
    if not rows or "eval_loss" in rows[-1] or not evaluated:
        return rows
    last = evaluated[-1]
    if abs(last.get("epoch", -1.0) - rows[-1].get("epoch", -2.0)) > 1e-3:
        return rows
    return [*rows[:-1], {**rows[-1], "eval_loss": last["eval_loss"]}]


def as_csv(rows: Iterable[Mapping[str, float]]) -> str:
    """Write the table as CSV; what was not measured at a step stays empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_told(row[name]) if name in row else "" for name in COLUMNS])
    return out.getvalue()


def _told(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def curve(rows: list[dict[str, float]]) -> str | None:
    """Draw the losses over the steps as SVG; None where there are none."""
    named = {"loss": "training", "eval_loss": "held out"}
    return plot(
        (
            Curve(label, [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))])
            for name, label in named.items()
        ),
        "loss",
    )


def seconds_per_step(events: Iterable[Mapping[str, Any]], every: int) -> float | None:
    """Give the median time of a step, from the moments at which the loss was told (each `every` steps).

    The first step, which warms up, is not in it. None: too few were told.
    """
    moments = [
        datetime.fromisoformat(event["at"]).timestamp()
        for event in events
        if event.get("what") == "numbers" and "loss" in event["numbers"]
    ]
    gaps = [(after - before) / every for before, after in itertools.pairwise(moments)]
    return median(gaps) if gaps else None


def cuda_peak(events: Iterable[Mapping[str, Any]]) -> int | None:
    """Give the peak of a graphics card's memory in bytes, from what the trainer says of it at its end."""
    for event in events:
        numbers = event.get("numbers", {})
        if "train_mem_gpu_peaked_delta" in numbers:
            names = ("init_mem_gpu_alloc_delta", "train_mem_gpu_alloc_delta", "train_mem_gpu_peaked_delta")
            return int(sum(numbers.get(name, 0.0) for name in names))
    return None
