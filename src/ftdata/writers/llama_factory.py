"""A folder for LLaMA-Factory: ShareGPT rows, their description, and the configuration of a LoRA run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from ftdata import files
from ftdata.batch import Batch, flat, relist
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.sharegpt import ShareGPT
from ftdata.writers.trainer_folder import DATA, Line, TrainerFolder, yaml

INFO = "dataset_info.json"
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


class _Turns(ShareGPT):
    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line; an empty text beside a call is no turn of its own."""
        turns = flat(batch)
        empty = pl.col("tool_calls").is_not_null() & (pl.col("content") == "")
        turns = turns.with_columns(content=pl.when(empty).then(None).otherwise(pl.col("content")))
        return super().render(batch.with_columns(relist(batch["messages"], turns)))


class LlamaFactory(TrainerFolder):
    """Write a folder for LLaMA-Factory: the data, `dataset_info.json` and `train.yaml`.

    The rows are those of `sharegpt`, and refused as there. `dataset_info.json` describes each split as a data set,
    `<folder>_<split>`, with the columns that its rows have; `formatting` is `sharegpt` with tags, since `openai` puts a
    system text of its own into rows without one. `template` must be the one of your model.

    LLaMA-Factory leaves out, with a warning among many, rows in which user (or a tool's answer) and assistant (or a
    call) do not take turns, so also those with words beside a call: `train.yaml` says how many these are, and the step
    `fit` takes them out with their reason.

    Source: LLaMA-Factory, `data/README.md`, `parser.py`, `converter.py`, `examples/`; as of 2026-11-21. Loaded with
    LLaMA-Factory 0.9.5, 2026-11-22 (`benchmarks/trainer_configs.py`).
    """

    name: ClassVar[str] = "llama-factory"

    template: str = Field("default", description="LLaMA-Factory's name of the model's chat template", min_length=1)

    def layout(self) -> JsonLines:
        """Give the writer of the data."""
        return _Turns(path=Path(DATA, "{split}.jsonl"), turns=self.turns, meta=self.meta)

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write the data, then what belongs to it."""
        columns: dict[str, set[str]] = {}
        left_out: Counter[str] = Counter()

        def seen() -> Iterator[Batch]:
            for batch in batches:
                _note(batch, columns)
                left_out.update(batch["split"].fill_null("train").filter(~_alternating(batch)))
                yield batch

        super().write(seen(), into)
        entries = {self._entry(split): _described(split, found) for split, found in sorted(columns.items())}
        info = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
        for name, text in ((INFO, info), ("train.yaml", self._config(set(columns), left_out))):
            with files.create(into / name) as stream:
                stream.write(text.encode())

    def configs(self, lines: dict[str, int]) -> dict[str, str]:
        """Give nothing: what belongs to the data is known when its rows were seen."""
        return {}

    def _entry(self, split: str) -> str:
        return re.sub(r"[\W_]+", "_", f"{self.path.name}_{split}")

    def _config(self, splits: set[str], left_out: Counter[str]) -> str:
        made: list[Line] = [
            ("model_name_or_path", self.model, "" if self.model != "MODEL" else "Name your model here."),
            ("template", self.template, "Must be the template of your model, by LLaMA-Factory's name for it."),
            ("stage", "sft", ""),
            ("do_train", True, ""),
            ("finetuning_type", "lora", "A LoRA adapter on all linear layers."),
            ("lora_rank", self.rank, ""),
            ("lora_alpha", 2 * self.rank, ""),
            ("lora_target", "all", ""),
            ("dataset_dir", ".", f"The folder of {INFO}: run the command from here."),
            ("dataset", self._entry("train"), ""),
        ]
        if "validation" in splits:
            made += [("eval_dataset", self._entry("validation"), ""), ("eval_strategy", "epoch", "")]
        else:
            made.append(("eval_strategy", "no", "No rows were held out: a step `split` with `validation` makes some."))
        made += [
            ("cutoff_len", self.max_length, "Longer rows are cut: the end of a long question, and the turns behind."),
            ("packing", False, ""),
            ("learning_rate", 0.0002, "A place to begin, to be tried out."),
            ("lr_scheduler_type", "cosine", ""),
            ("num_train_epochs", float(self.epochs), ""),
            ("per_device_train_batch_size", 2, ""),
            ("gradient_accumulation_steps", 4, ""),
            ("bf16", True, "False on hardware without it."),
            ("report_to", "none", "Nothing is sent anywhere."),
            ("output_dir", "adapter", ""),
        ]
        head = "Train with LLaMA-Factory, in this folder: llamafactory-cli train train.yaml"
        if left_out:
            told = ", ".join(f"{rows} of {split}" for split, rows in sorted(left_out.items()))
            head += (
                f"\nIt will leave out rows in which user and assistant do not take turns: {told}."
                "\nThe step `fit` for llama-factory takes them out, and says so."
            )
        return yaml(head, made)


def _note(batch: Batch, columns: dict[str, set[str]]) -> None:
    """Note which columns the rows of each split have: LLaMA-Factory stops at one that is described and not there."""
    first = pl.col("messages").list.first().struct.field("role")
    frame = batch.select(
        split=pl.col("split").fill_null("train"),
        system=(first == "system").fill_null(False),
        tools=pl.col("tools").is_not_null(),
    )
    for split, system, tools in frame.group_by("split").agg(pl.any("system"), pl.any("tools")).iter_rows():
        held = columns.setdefault(split, set())
        held.update(name for name, there in (("system", system), ("tools", tools)) if there)


def _alternating(batch: Batch) -> pl.Series:
    """Say of each row whether its turns are those that LLaMA-Factory takes: `ua` again and again.

    u is the user, or the answers of tools, which are one turn; a the assistant's words, or its calls.
    """
    role, called = pl.col("role"), pl.col("tool_calls").is_not_null()
    words = (role == "assistant") & pl.col("content").is_not_null() & ~(called & (pl.col("content") == ""))
    said = (
        pl.when(role.is_in(["user", "tool", "system"])).then(role.str.head(1)).otherwise(pl.lit(""))
        + pl.when(words).then(pl.lit("a")).otherwise(pl.lit(""))
        + pl.when(called).then(pl.lit("a")).otherwise(pl.lit(""))
    )
    listed = relist(batch["messages"], flat(batch).select(said=said))
    turns = listed.list.eval(pl.element().struct.field("said")).list.join("").str.replace_all("t+", "u")
    return turns.str.contains("^s?(?:ua)+$").fill_null(False)


def _described(split: str, columns: set[str]) -> dict[str, Any]:
    named = {"messages": "conversations", **{name: name for name in sorted(columns)}}
    return {"file_name": f"{DATA}/{split}.jsonl", "formatting": "sharegpt", "columns": named, "tags": _TAGS}
