"""A folder for mlx-lm: chat rows under its names, and the configuration of a LoRA run."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import Field

from ftdata.batch import Batch, flat, relist
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.learned import DESCRIPTION, Turns
from ftdata.writers.openai_chat import OpenAIChat, render
from ftdata.writers.trainer_folder import CHAT, Line, TrainerFolder, yaml

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
        return render(batch.with_columns(relist(batch["messages"], bare)), self.meta)


class MlxLm(TrainerFolder):
    """Write a folder for mlx-lm: `train.jsonl`, `valid.jsonl`, `test.jsonl` and `lora.yaml`.

    The rows are chat rows of `messages`. With `mask_prompt` mlx-lm learns the last message of a row and nothing else,
    so that `turns` is `expand` unless said otherwise: each answer is learnt, from a row of its own. Without
    `mask_prompt` it would learn what the user says as well. Refused: preference rows, names, pictures, parts, further
    keys.

    Source: mlx-lm, `LORA.md`, `tuner/datasets.py`; as of 2026-11-21.
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
        rows = lines.get("train.jsonl", 0)
        size = max(1, min(_BATCH, *(lines.get(name, _BATCH) for name in ("train.jsonl", "valid.jsonl"))))
        missing = (
            "" if "valid.jsonl" in lines else " It wants valid.jsonl too: a step `split` with `validation` makes it."
        )
        made: list[Line] = [
            ("model", self.model, "" if self.model != "MODEL" else "Name your model here."),
            ("train", True, ""),
            ("fine_tune_type", "lora", ""),
            ("data", ".", f"This folder: run the command from here.{missing}"),
            ("mask_prompt", True, "Learn the last message of each row, not what stands before it."),
            ("max_seq_length", self.max_length, "Longer rows are cut."),
            ("batch_size", size, ""),
            ("iters", max(1, -(-rows * self.epochs // size)), f"{rows} rows, {self.epochs} times, {size} at once."),
            ("learning_rate", 0.0001, "A place to begin, to be tried out."),
            ("lora_parameters", {"rank": self.rank, "scale": 2.0, "dropout": 0.0}, ""),
            ("adapter_path", "adapter", ""),
        ]
        return {"lora.yaml": yaml("Train with mlx-lm, in this folder: mlx_lm.lora -c lora.yaml", made)}
