"""A folder for mlx-lm: chat rows under its names, and the configuration of a LoRA run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import Field

from ftdata.batch import Batch, flat, relist
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.learned import DESCRIPTION, Turns
from ftdata.writers.openai_chat import OpenAIChat, render
from ftdata.writers.trainer_folder import CHAT, Line, TrainerFolder, opened, yaml

_NAMES = {"validation": "valid"}
_SPLITS = {name: split for split, name in _NAMES.items()}
_BATCH = 4


class _Last(OpenAIChat):
    """Writes rows of which the last message is learnt: earlier answers need no weight."""

    carries: ClassVar[frozenset[str]] = CHAT | {"weight"}

    def file_for(self, split: str | None) -> Path:
        """Give the name that mlx-lm has for a split."""
        return super().file_for(_NAMES.get(split or "", split))

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line, without weights."""
        bare = flat(batch).with_columns(weight=pl.lit(None, pl.Int8))
        return render(opened(batch.with_columns(relist(batch["messages"], bare))), self.meta)


class MlxLm(TrainerFolder):
    """Write a folder for mlx-lm: `train.jsonl`, `valid.jsonl`, `test.jsonl` and `lora.yaml`.

    The rows are chat rows of `messages`. With `mask_prompt` mlx-lm learns the last message of a row and nothing else,
    so that `turns` is `expand` unless said otherwise: each answer is learnt, from a row of its own. Without
    `mask_prompt` it would learn what the user says as well. Arguments of tool calls are objects, as chat templates want
    them. Refused: preference rows, names, pictures, parts, further keys.

    mlx-lm takes whole batches only and never reaches the rows that are left over, so that `batch_size` (4 at most)
    divides their number, on both sides; `iters` and `grad_accumulation_steps` go with it: each row is seen `epochs`
    times, and no gradient is left over.

    Source: mlx-lm, `LORA.md`, `tuner/datasets.py`, `tuner/trainer.py`; as of 2026-11-21. Loaded and run with mlx-lm
    0.32.2 on a CPU, 2026-11-22 (`benchmarks/trainer_configs.py`).
    """

    name: ClassVar[str] = "mlx-lm"

    turns: Turns = Field("expand", description=DESCRIPTION)

    def layout(self) -> JsonLines:
        """Give the writer of the data."""
        return _Last(path=Path("{split}.jsonl"), turns=self.turns, meta=self.meta)

    def split_of(self, file: Path) -> str | None:
        """Give the split of a data file; None for the configuration."""
        split = super().split_of(file)
        return None if split is None else _SPLITS.get(split, split)

    def configs(self, lines: dict[str, int]) -> dict[str, str]:
        """Give the configuration."""
        rows, held_out = lines.get("train.jsonl", 0), lines.get("valid.jsonl", 0)
        size = _most(math.gcd(rows, held_out), _BATCH)
        steps = max(1, rows * self.epochs // size)
        missing = "" if held_out else " No rows were held out: a step `split` with `validation` makes valid.jsonl."
        made: list[Line] = [
            ("model", self.model, "" if self.model != "MODEL" else "Name your model here."),
            ("train", True, ""),
            ("fine_tune_type", "lora", ""),
            ("data", ".", f"This folder: run the command from here.{missing}"),
            ("mask_prompt", True, "Learn the last message of each row, not what stands before it."),
            (
                "max_seq_length",
                self.max_length,
                "Longer rows are cut. If nothing to learn is left of a whole batch, the loss is no number and\n"
                "the adapter is spoilt: see that ftdata tokens names no such row.",
            ),
            ("batch_size", size, "Divides the number of rows: those of a batch that is not full are never read."),
            ("grad_accumulation_steps", _most(steps, _BATCH // size), ""),
            ("iters", steps, f"{rows} rows, {self.epochs} times, {size} at once."),
            ("val_batches", -1, "All that is held out."),
            ("num_layers", -1, "All layers; not more than the model has."),
            ("learning_rate", 0.0001, "A place to begin, to be tried out."),
            ("lora_parameters", {"rank": self.rank, "scale": 2.0, "dropout": 0.0}, ""),
            ("adapter_path", "adapter", ""),
        ]
        return {"lora.yaml": yaml("Train with mlx-lm, in this folder: mlx_lm.lora -c lora.yaml", made)}


def _most(number: int, limit: int) -> int:
    """Give the greatest number up to a limit that divides another."""
    return next(found for found in range(limit, 0, -1) if number % found == 0)
