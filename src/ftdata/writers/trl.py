"""A folder for TRL: data that it reads, and the configuration of a LoRA run."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from ftdata.batch import Batch
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.openai_chat import OpenAIChat
from ftdata.writers.preference import Preference
from ftdata.writers.trainer_folder import CHAT, DATA, Line, TrainerFolder, opened, yaml
from ftdata.writers.trl_completion import TrlCompletion


class _Messages(OpenAIChat):
    carries: ClassVar[frozenset[str]] = CHAT | {"many-answers"}

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        return super().render(opened(batch))


class _Completion(TrlCompletion):
    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        return super().render(opened(batch))


class _Preference(Preference):
    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        return super().render(opened(batch))


_CUT = {
    "sft": "Longer rows are cut; where no answer is left, the row is left out without a word (see: ftdata tokens).",
    "dpo": "Longer answers are cut; rows whose prompt is as long are left out without a word (see: ftdata tokens).",
}


class Trl(TrainerFolder):
    """Write a folder for TRL: `data/<split>.jsonl`, and `sft.yaml` or `dpo.yaml`.

    `rows` says in which of TRL's forms: `messages` (all answers of a conversation are learnt, and nothing else:
    `assistant_only_loss`, which wants a chat template with marks around what the assistant says), `completion` (a
    prompt and its completion, with any template; several answers in a conversation want `turns`), or `preference` (for
    DPO). TRL knows no weights: a row of messages with an answer of weight 0 is refused, and taken by `completion`.
    Arguments of tool calls are objects, as chat templates want them.

    The configuration trains a LoRA adapter: it reports to nobody, saves no memory at the price of time, and is
    commented. Of rows over `max_length` TRL cuts the end; those of which it then would learn nothing it leaves out
    without a word: the check `tokens` counts both.

    Source: TRL, "Command line interfaces", "Dataset formats and types", `SFTConfig`, `DPOConfig`; as of 2026-11-21.
    Loaded and run with TRL 1.16.0, 2026-11-22 (`benchmarks/trainer_configs.py`).
    """

    name: ClassVar[str] = "trl"

    rows: Literal["messages", "completion", "preference"] = Field("messages", description="form of the rows")

    def layout(self) -> JsonLines:
        """Give the writer of the data."""
        kinds: dict[str, type[JsonLines]] = {"completion": _Completion, "preference": _Preference}
        return kinds.get(self.rows, _Messages)(path=Path(DATA, "{split}.jsonl"), turns=self.turns, meta=self.meta)

    def configs(self, lines: dict[str, int]) -> dict[str, str]:
        """Give the configuration."""
        verb = "dpo" if self.rows == "preference" else "sft"
        held_out = f"{DATA}/validation.jsonl" in lines
        made: list[Line] = [
            ("model_name_or_path", self.model, "" if self.model != "MODEL" else "Name your model here."),
            ("dataset_name", DATA, "The folder beside this file: run the command from here."),
            ("dataset_train_split", "train", ""),
        ]
        if held_out:
            made += [("dataset_test_split", "validation", ""), ("eval_strategy", "epoch", "")]
        else:
            made.append(("eval_strategy", "no", "No rows were held out: a step `split` with `validation` makes some."))
        if self.rows == "messages":
            why = (
                "Learn what the assistant says, not what the user says. The chat template must mark it with\n"
                "{% generation %}. TRL knows such a template for some models; of others it says so and stops: then\n"
                "set chat_template_path to a file that ends in .jinja."
            )
            made.append(("assistant_only_loss", True, why))
        elif self.rows == "completion":
            made.append(("completion_only_loss", True, "Learn the completion, not the prompt."))
        else:
            made.append(("beta", 0.1, "How closely to stay with the model to begin with."))
        made += [
            ("use_peft", True, "A LoRA adapter on all linear layers."),
            ("lora_r", self.rank, ""),
            ("lora_alpha", 2 * self.rank, ""),
            ("lora_target_modules", "all-linear", ""),
            ("learning_rate", 0.0002 if verb == "sft" else 0.000005, "A place to begin, to be tried out."),
            ("num_train_epochs", self.epochs, ""),
            ("per_device_train_batch_size", 8, ""),
            ("max_length", self.max_length, _CUT[verb]),
        ]
        if verb == "sft":  # DPO has no such key: `trl` would hand it to accelerate, which stops at it
            made.append(("packing", False, "Packed, a row stays of which nothing to learn is left."))
        made += [
            ("gradient_checkpointing", False, "Twice the memory, a quarter less time; true if it does not fit."),
            ("report_to", "none", "Nothing is sent anywhere."),
            ("output_dir", "adapter", ""),
        ]
        return {f"{verb}.yaml": yaml(f"Train with TRL, in this folder: trl {verb} --config {verb}.yaml", made)}
