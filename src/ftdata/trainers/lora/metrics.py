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

COLUMNS = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm", "mean_token_accuracy", "num_tokens")
_WIDE, _HIGH, _EDGE = 640, 320, 44


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
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def curve(rows: list[dict[str, float]], title: str) -> str:
    """Draw the losses over the steps as SVG: training as a line, evaluation as dots joined by a dashed one."""
    lines = {
        name: [(row["step"], row[name]) for row in rows if math.isfinite(row.get(name, math.nan))]
        for name in ("loss", "eval_loss")
    }
    points = [point for line in lines.values() for point in line] or [(0.0, 0.0)]
    last = max(step for step, _ in points) or 1.0
    top = max(value for _, value in points) * 1.05 or 1.0

    def at(step: float, value: float) -> tuple[float, float]:
        across = _EDGE + (_WIDE - _EDGE - 12) * step / last
        return round(across, 1), round(_HIGH - _EDGE - (_HIGH - _EDGE - 28) * value / top, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        f'font-family="sans-serif" font-size="11"><title>{title}</title>'
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="#fff"/>'
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(last * share, top * share)
        parts.append(
            f'<line x1="{_EDGE}" x2="{_WIDE - 12}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            f'<text x="{_EDGE - 5}" y="{y + 4}" text-anchor="end">{top * share:.2f}</text>'
            f'<text x="{x}" y="{_HIGH - _EDGE + 16}" text-anchor="middle">{last * share:.0f}</text>'
        )
    looks = {"loss": ("#1f5fa8", "training", ""), "eval_loss": ("#b3541e", "held out", ' stroke-dasharray="5 4"')}
    for number, (name, line) in enumerate(lines.items()):
        colour, word, dash = looks[name]
        if line:
            placed = [at(*point) for point in line]
            path = " ".join(f"{x},{y}" for x, y in placed)
            parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dash} points="{path}"/>')
            if name == "eval_loss" or len(line) == 1:
                parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in placed]
            left = _EDGE + 10 + 90 * number
            parts.append(
                f'<line x1="{left}" x2="{left + 22}" y1="14" y2="14" stroke="{colour}" stroke-width="2"{dash}/>'
                f'<text x="{left + 27}" y="18">{word}</text>'
            )
    parts.append(f'<text x="{_WIDE / 2}" y="{_HIGH - 8}" text-anchor="middle">step</text></svg>\n')
    return "".join(parts)


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
