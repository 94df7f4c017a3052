"""Time and memory of a training, from a short run on at most 100 of its rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ftdata import files
from ftdata.errors import VendorError
from ftdata.handoff.state import State
from ftdata.trainers.lora import metrics
from ftdata.trainers.lora.job import DATA, Folder, environment, scratch
from ftdata.trainers.lora.preflight import interpreter, machine
from ftdata.trainers.lora.settings import TEMPLATE, Settings, kind, lines

MOST = 100
"""Rows of the dry run at most."""
STEPS = 6
"""Steps of it, if the rows suffice; the first warms up and is not counted."""
LONGEST = 0.1
"""Share of its rows that are the longest of all: the peak of memory is theirs."""


@dataclass(frozen=True)
class Measured:
    """What a dry run came to, and what it means for the whole.

    Seconds and bytes; `tokens_per_second` are all tokens of the rows, learnt or not. `seconds` is for the whole
    training without evaluations on the way: loading once, then `steps` steps.
    """

    rows: int
    seconds_per_step: float
    tokens_per_second: float | None
    loading: float
    peak: int
    card_peak: int | None
    steps: int
    seconds: float

    def told(self) -> tuple[str, ...]:
        """Tell it, a line for each figure."""
        memory = f"{self.peak / 1e9:.1f} GB of memory at the peak"
        if self.card_peak is not None:
            memory += f", {self.card_peak / 1e9:.1f} GB of the card's"
        speed = f"{self.seconds_per_step:.2f} s a step"
        if self.tokens_per_second is not None:
            speed += f", {self.tokens_per_second:,.0f} tokens a second"
        return (
            f"dry run of {self.rows} rows: {speed}, {memory}",
            f"the whole: {self.steps:,} steps, about {_span(self.seconds)}, {_span(self.loading)} of it loading; "
            "evaluations on the way are not counted",
        )


def measure(given: Settings, handed: Mapping[str, Path], state: State) -> Measured:
    """Train for a few steps on at most 100 rows in a scratch folder, and remove it.

    Raises `VendorError` if the environment lacks something, or the trainer ends with an error.
    """
    found = machine(given)
    every = [line for line in handed["train"].read_bytes().split(b"\n") if line.strip()]
    chosen = _chosen([len(line) for line in every], min(MOST, given.batch_size * given.accumulation * STEPS))
    folder = Folder(scratch(state.folder, "measure"))
    files.private_folder(state.folder)
    files.remove(folder.path)
    try:
        folder.claim("measure")
        data = files.private_folder(folder.path / DATA)
        with files.create(data / "train.jsonl") as stream:
            stream.write(b"".join(every[at] + b"\n" for at in chosen))
        if given.chat_template is not None:
            files.save(folder.path / TEMPLATE, Path(given.chat_template).read_text(encoding="utf-8"))
        over = {"num_train_epochs": 1, "logging_steps": 1, "save_strategy": "no", "report_to": "none"}
        config = given.config({"train": len(chosen)}, found, kind(data / "train.jsonl"), over)
        files.save(folder.path / "measure.yaml", config)
        command = [interpreter(given), "-m", "trl.cli.main", given.method, "--config", "measure.yaml"]
        with folder.held() as lock:
            child = folder.run(command, environment(folder.cache, given.threads or found["threads"]), lock)
            try:
                folder.wait(lambda event: None, child)
            except BaseException:
                folder.end_child(child)
                raise
        return _figures(given, folder, len(chosen), lines(handed["train"]))
    finally:
        files.remove(folder.path)


def _chosen(sizes: list[int], most: int) -> list[int]:
    """Choose rows evenly over the file, and a tenth of them as the longest ones."""
    if len(sizes) <= most:
        return list(range(len(sizes)))
    long = sorted(range(len(sizes)), key=lambda at: -sizes[at])[: max(1, round(most * LONGEST))]
    rest = [at for at in range(len(sizes)) if at not in set(long)]
    even = most - len(long)
    return sorted(long + [rest[at * len(rest) // even] for at in range(even)])


def _figures(given: Settings, folder: Folder, rows: int, whole: int) -> Measured:
    events, end = folder.events(1), folder.end
    if end is None or end["code"] != 0:
        why = "an unseen end" if end is None else f"exit {end['code']}, {end['error'] or 'no error named'}"
        raise VendorError(f"dry run: trl {given.method} ended with {why}; ftdata train --dry-run tells what is amiss")
    told = [event for event in events if event["what"] == "numbers" and "loss" in event["numbers"]]
    began = datetime.fromisoformat(events[0]["at"]).timestamp()
    moments = [datetime.fromisoformat(event["at"]).timestamp() for event in told]
    speed = metrics.seconds_per_step(events, 1)
    if speed is None:  # too few rows for a second step: the only one counts
        total = next(
            (one["numbers"]["train_runtime"] for one in events if "train_runtime" in one.get("numbers", {})), 0.0
        )
        speed = total / max(1, len(told))
    tokens = [event["numbers"].get("num_tokens", math.nan) for event in told]
    rate = None
    if len(tokens) > 1 and moments[-1] > moments[0] and math.isfinite(tokens[-1] - tokens[0]):
        rate = (tokens[-1] - tokens[0]) / (moments[-1] - moments[0])
    loading = max(0.0, moments[0] - began - speed) if moments else end["seconds"]
    steps = given.steps(whole)
    return Measured(rows, speed, rate, loading, end["peak"], metrics.cuda_peak(events), steps, loading + steps * speed)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
