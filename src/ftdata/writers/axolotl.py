"""A folder for axolotl: chat rows, and the configuration of a LoRA run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from ftdata.batch import Batch, flat, relist
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.openai_chat import OpenAIChat, render
from ftdata.writers.trainer_folder import CHAT, DATA, Line, TrainerFolder, yaml


class TrainedRows(OpenAIChat):
    """Writes the weight of an answer as axolotl has it: `train`, true or false."""

    carries: ClassVar[frozenset[str]] = CHAT | {"many-answers", "no-answer", "weight"}

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        turns = flat(batch)
        if turns["weight"].null_count() < turns.height:
            train = pl.when(weight=0).then(pl.lit('{"train":false}')).when(weight=1).then(pl.lit('{"train":true}'))
            turns = turns.with_columns(extra=train.otherwise(None), weight=pl.lit(None, pl.Int8))
            batch = batch.with_columns(relist(batch["messages"], turns))
        return render(batch, self.meta)


_HEAD = """Train with axolotl, in this folder: axolotl train axolotl.yaml
It reports its use to its makers, unless AXOLOTL_DO_NOT_TRACK=1 stands in the environment."""


class Axolotl(TrainerFolder):
    """Write a folder for axolotl: `data/<split>.jsonl` and `axolotl.yaml`, for `axolotl train axolotl.yaml`.

    The rows are chat rows of `messages` with role and content; an answer with a weight has `train: false` (weight 0) or
    `train: true` instead of it, which the configuration names (`message_field_training`); of those without one all are
    learnt. Refused: preference rows, names, pictures, parts, further keys.

    Source: axolotl, "Conversation" (`type: chat_template`), "Config reference"; as of 2026-11-21. Loaded with
    axolotl 0.19.0, 2026-11-22 (`benchmarks/trainer_configs.py`).
    """

    name: ClassVar[str] = "axolotl"

    def layout(self) -> JsonLines:
        """Give the writer of the data."""
        return TrainedRows(path=Path(DATA, "{split}.jsonl"), turns=self.turns, meta=self.meta)

    def configs(self, lines: dict[str, int]) -> dict[str, str]:
        """Give the configuration."""
        made: list[Line] = [
            ("base_model", self.model, "" if self.model != "MODEL" else "Name your model here."),
            ("chat_template", "tokenizer_default", "The model's own template; name one where it has none."),
            ("datasets", [_rows("train")], "Answers are learnt, unless a message says `train: false`."),
        ]
        if f"{DATA}/validation.jsonl" in lines:
            made += [
                ("test_datasets", [{**_rows("validation"), "split": "train"}], "Held out; all rows of that file."),
                ("eval_strategy", "epoch", ""),
            ]
        else:
            made.append(("val_set_size", 0, "No rows were held out: a step `split` with `validation` makes some."))
        made += [
            ("adapter", "lora", "A LoRA adapter on all linear layers."),
            ("lora_r", self.rank, ""),
            ("lora_alpha", 2 * self.rank, ""),
            ("lora_target_linear", True, ""),
            ("sequence_len", self.max_length, "Longer rows are left out, unless excess_length_strategy is truncate."),
            ("sample_packing", False, ""),
            ("learning_rate", 0.0002, "A place to begin, to be tried out."),
            ("lr_scheduler", "cosine", ""),
            ("optimizer", "adamw_torch", ""),
            ("num_epochs", self.epochs, ""),
            ("micro_batch_size", 2, ""),
            ("gradient_accumulation_steps", 4, ""),
            ("bf16", "auto", ""),
            ("gradient_checkpointing", False, "Twice the memory, a quarter less time; true if it does not fit."),
            ("output_dir", "adapter", ""),
        ]
        return {"axolotl.yaml": yaml(_HEAD, made)}


def _rows(split: str) -> dict[str, Any]:
    return {
        "path": f"{DATA}/{split}.jsonl",
        "ds_type": "json",
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles_to_train": ["assistant"],
        "message_field_training": "train",
    }
