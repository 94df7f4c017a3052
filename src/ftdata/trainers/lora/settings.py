"""The settings of a LoRA training as one writes them, and what TRL is given of them.

TRL's own defaults differ in what counts: it learns the user's text too, saves memory at the price of time, reports to
whatever is installed, and looks for a graphics card.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from ftdata.stages import Trainer
from ftdata.trainers.lora.job import ADAPTER, DATA
from ftdata.trainers.lora.probe import kind_of
from ftdata.writers.trainer_folder import Line, yaml

TEMPLATE = "chat_template.jinja"
LOGS = 100
"""How often the loss is told over a training, about."""


class Settings(Trainer):
    """Base of the trainer: its fields, and the configuration that they come to."""

    places: ClassVar[tuple[str, ...]] = ("folder", "chat_template")
    names: ClassVar[tuple[str, ...]] = ("model", "python")

    model: str = Field(description="model to begin with: a folder, or a name that the cache of this machine holds")
    python: str | None = Field(
        None, description="Python of the environment that has torch and trl; default: the one that runs ftdata"
    )
    folder: str | None = Field(
        None, description="folder of the job; default: `lora/<run>` beside the outputs of the run"
    )
    method: Literal["sft", "dpo"] = Field("sft", description="sft: learn the answers; dpo: learn from preference rows")
    quantize: Literal["none", "4bit"] = Field("none", description="4bit: the base in four bits (QLoRA; wants CUDA)")
    rank: int = Field(16, description="rank of the LoRA matrices", ge=1, le=1024)
    alpha: int | None = Field(None, description="scale of the LoRA matrices; default: twice the rank", ge=1)
    dropout: float = Field(0.0, description="share of LoRA inputs left out at random", ge=0, lt=1)
    target_modules: tuple[str, ...] = Field(("all-linear",), description="layers to adapt", min_length=1)
    learning_rate: float | None = Field(None, description="default: 0.0002 for sft, 0.000005 for dpo", gt=0)
    scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = Field(
        "cosine", description="how the learning rate falls"
    )
    warmup: float = Field(0.0, description="share of the steps in which the learning rate rises first", ge=0, lt=1)
    beta: float = Field(0.1, description="dpo: how closely to stay with the base", gt=0)
    epochs: int = Field(3, description="times that all rows are seen", ge=1)
    batch_size: int = Field(8, description="rows computed at once", ge=1)
    accumulation: int = Field(1, description="batches per step", ge=1)
    max_length: int = Field(2048, description="tokens of a row at most; longer ones are cut behind that", ge=16)
    packing: bool = Field(False, description="put several short rows into one sequence (sft)")
    gradient_checkpointing: bool = Field(False, description="half the memory, a quarter more time")
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="auto: bf16 where the machine computes it")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a graphics card where there is one")
    seed: int = Field(0, description="of the LoRA matrices and of the order of the rows", ge=0)
    chat_template: str | None = Field(None, description="Jinja file to use instead of the model's own chat template")
    report_to: Literal["none", "wandb", "tensorboard", "trackio"] = Field(
        "none", description="who is told the numbers besides; wandb sends them to its servers"
    )
    checkpoints: int = Field(5, description="how often, over the whole, it is saved to go on from", ge=1)
    keep: int = Field(2, description="how many of these are kept", ge=1)
    threads: int | None = Field(None, description="processor threads; default: all that may be used", ge=1)
    merge: bool = Field(False, description="at the end also lay the adapter into the base, as a model of its own")
    base_licence: str | None = Field(None, description="licence of the base; default: what its own files say")
    whole_log: bool = Field(False, description="keep all that TRL prints in the log, where it may quote rows")

    @field_validator("target_modules", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.learning_rate or (0.0002 if self.method == "sft" else 0.000005)

    def steps(self, rows: int) -> int:
        """Count the steps over `rows` rows without packing."""
        batches = math.ceil(rows / self.batch_size)
        return math.ceil(batches / self.accumulation) * self.epochs

    def every(self, rows: int) -> int:
        """Say after how many steps the loss is told."""
        return 1 if self.packing else max(1, self.steps(rows) // LOGS)  # packed, there are fewer steps than that

    def on_cuda(self, machine: Mapping[str, Any]) -> bool:
        """Say whether it computes on a graphics card of NVIDIA's."""
        return self.device != "cpu" and bool(machine["cuda"] and machine["cards"])

    def in_bf16(self, machine: Mapping[str, Any]) -> bool:
        """Say whether it computes in bfloat16: on cards from compute capability 8 on, on processors that have it."""
        if self.precision != "auto":
            return self.precision == "bf16"
        if self.on_cuda(machine):
            return all(card["capability"] >= 8 for card in machine["cards"])
        return bool(machine["bf16"])

    def config(
        self, rows: Mapping[str, int], machine: Mapping[str, Any], kind: str, more: Mapping[str, Any] | None = None
    ) -> str:
        """Give TRL's configuration; `kind` is the form of the rows: messages, completion or preference.

        The same rows, settings and machine give the same bytes. `more` is laid over it.
        """
        made = self._data(rows, kind) + self._lora(machine) + self._course(rows, machine)
        over = dict(more or {})
        lines: list[Line] = [(key, over.pop(key, value), why) for key, value, why in made]
        lines += [(key, value, "") for key, value in over.items()]
        return yaml(f"Made by ftdata. In this folder: trl {self.method} --config {self.method}.yaml", lines)

    def _data(self, rows: Mapping[str, int], kind: str) -> list[Line]:
        made: list[Line] = [
            ("model_name_or_path", self.model, ""),
            ("dataset_name", DATA, "The folder of the judged files."),
            ("dataset_train_split", "train", ""),
        ]
        if "validation" in rows:
            made += [
                ("dataset_test_split", "validation", ""),
                ("eval_strategy", "epoch", ""),
                ("per_device_eval_batch_size", self.batch_size, ""),
            ]
        else:
            made.append(("eval_strategy", "no", ""))
        if kind == "messages":
            made.append(("assistant_only_loss", True, "Learn what the assistant says, and nothing else."))
        elif kind == "completion":
            made.append(("completion_only_loss", True, "Learn the completion, not the prompt."))
        if self.chat_template is not None:
            made.append(("chat_template_path", TEMPLATE, ""))
        if self.method == "dpo":
            made.append(("beta", self.beta, ""))
        return made

    def _lora(self, machine: Mapping[str, Any]) -> list[Line]:
        target: Any = self.target_modules[0] if len(self.target_modules) == 1 else self.target_modules
        made: list[Line] = [
            ("use_peft", True, ""),
            ("lora_r", self.rank, ""),
            ("lora_alpha", self.alpha or 2 * self.rank, ""),
            ("lora_dropout", self.dropout, ""),
            ("lora_target_modules", target, ""),
        ]
        bf16 = self.in_bf16(machine)
        # On a card the frozen base may lie in bf16; on a processor autocast of an fp32 base was the faster one.
        made.append(("dtype", "bfloat16" if bf16 and self.on_cuda(machine) else "float32", ""))
        made.append(("bf16", bf16, ""))
        if self.quantize == "4bit":
            made += [
                ("load_in_4bit", True, ""),
                ("bnb_4bit_quant_type", "nf4", ""),
                ("use_bnb_nested_quant", True, ""),
            ]
        if not self.on_cuda(machine) and not (self.device == "auto" and machine["apple"]):
            made.append(("use_cpu", True, ""))
        elif self.on_cuda(machine):
            made.append(("skip_memory_metrics", False, "Tell the peak of the card's memory."))
        return made

    def _course(self, rows: Mapping[str, int], machine: Mapping[str, Any]) -> list[Line]:
        made: list[Line] = [
            ("learning_rate", self.rate, ""),
            ("lr_scheduler_type", self.scheduler, ""),
            ("warmup_steps", self.warmup, "A share of all."),
            ("num_train_epochs", self.epochs, ""),
            ("per_device_train_batch_size", self.batch_size, ""),
            ("gradient_accumulation_steps", self.accumulation, ""),
            ("max_length", self.max_length, ""),
        ]
        if self.method == "sft":
            made.append(("packing", self.packing, ""))
        return [
            *made,
            ("gradient_checkpointing", self.gradient_checkpointing, ""),
            ("seed", self.seed, ""),
            ("logging_steps", self.every(rows["train"]), ""),
            ("save_strategy", "steps", ""),
            ("save_steps", round(1 / self.checkpoints, 6) if self.checkpoints > 1 else 0.999999, "A share of all."),
            ("save_total_limit", self.keep, ""),
            ("report_to", self.report_to, "Who is told the numbers."),
            ("disable_tqdm", True, "Numbers line by line instead of a bar."),
            ("output_dir", ADAPTER, ""),
        ]


def lines(path: Path) -> int:
    """Count the rows of a file."""
    with path.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


def kind(path: Path) -> str:
    """Say in which of TRL's forms the rows of a file are: by the first, as TRL does."""
    with path.open("rb") as stream:
        first = next((line for line in stream if line.strip()), b"{}")
    try:
        row = json.loads(first)
    except ValueError:
        return "unknown"
    return kind_of(row) if isinstance(row, dict) else "unknown"
