"""Folders that a local trainer takes as they are: the data by split, and a configuration ready to be run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import polars as pl
from pydantic import Field, model_validator

from ftdata import files
from ftdata.batch import Batch, flat, relist
from ftdata.stages import Writer
from ftdata.writers.cargo import Masks, calls_of
from ftdata.writers.dialect import raw
from ftdata.writers.json_lines import JsonLines, NotCarried
from ftdata.writers.learned import DESCRIPTION, Turns, spread

DATA = "data"
CHAT = frozenset(
    {"system", "later-system", "developer", "tools", "tool-turns", "tool-text", "call-order", "single-answer", "talk"}
)
"""What a trainer with a chat template takes, in the words of `CARGO`, whichever answers it learns."""

Line = tuple[str, Any, str]
"""A line of a configuration: key, value, and why (none: empty)."""


class TrainerFolder(Writer):
    """Base of such writers: write `layout` (the writer of the data) and `configs` (the other files)."""

    folder: ClassVar[bool] = True

    turns: Turns = Field("whole", description=DESCRIPTION)
    model: str = Field("MODEL", description="model to begin with: a folder, or a name on a hub", min_length=1)
    max_length: int = Field(2048, description="tokens of a row at most; the trainer cuts longer ones", ge=16)
    epochs: int = Field(3, description="times that all rows are seen", ge=1)
    rank: int = Field(16, description="rank of the LoRA matrices", ge=1)

    @property
    def carries(self) -> frozenset[str]:
        """What the data can hold, in the words of `CARGO`."""
        return self.layout().carries

    def layout(self) -> JsonLines:
        """Give the writer of the data; its files lie in the folder `data`, or where its path says."""
        raise NotImplementedError

    def configs(self, lines: dict[str, int]) -> dict[str, str]:
        """Give the other files by name; `lines` counts those of each data file (`data/train.jsonl`)."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits_the_layout(self) -> TrainerFolder:
        self.layout()
        return self

    def unheld(self, batch: Batch) -> Masks:
        """Give what some row holds and the data cannot, as `JsonLines.unheld`."""
        return self.layout().unheld(batch)

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are written."""
        return self.layout().reads_meta()

    def spread(self, batch: Batch) -> pl.Series | None:
        """Count the lines that each row makes, if `turns` is `expand`."""
        return spread(batch, self.turns)

    def split_of(self, file: Path) -> str | None:
        """Give the split in the name of a data file; None for the configuration."""
        return file.stem if file.suffix == ".jsonl" else None

    def lines(self, file: Path) -> int | None:
        """Count the rows of a data file; None for the configuration."""
        return super().lines(file) if file.suffix == ".jsonl" else None

    def write(self, batches: Iterator[Batch], into: Path) -> None:
        """Write the data, then what belongs to it. Raises `NotCarried` for the first row that does not fit."""
        data = self.layout()
        try:
            data.write(batches, into / data.root)
        except NotCarried as error:
            raise NotCarried(self.name, error.row, error.words) from None
        found = {path.relative_to(into).as_posix(): self.lines(path) or 0 for path in sorted(files.below(into))}
        for name, text in self.configs(found).items():
            with files.create(into / name) as stream:
                stream.write(text.encode())


def opened(batch: Batch) -> Batch:
    """Give a batch whose calls have their arguments as an object, not as a text that holds one.

    Chat templates write arguments by `tojson`, which makes of a text a text in quotes: the model would learn to say
    `"arguments": "{\\"nr\\": 1}"`, and some templates refuse it. What a text holds is copied, not computed. Source:
    transformers, "Tool use" (arguments is a dict); `datasets` from 4.7 on keeps objects of unlike keys as they are.
    """
    for column in ("messages", "rejected"):
        if batch[column].null_count() == batch.height:
            continue
        turns = flat(batch, column)
        if turns["tool_calls"].null_count() < turns.height:
            calls = [None if text is None else _opened(text) for text in turns["tool_calls"]]
            turns = turns.with_columns(tool_calls=pl.Series(calls, dtype=pl.String))
            batch = batch.with_columns(relist(batch[column], turns))
    return batch


def _opened(text: str) -> str:
    calls = [
        {"id": key, "type": "function", "function": {"name": name, "arguments": raw(arguments)}}
        for key, name, arguments in calls_of(text) or ()
    ]
    return msgspec.json.encode(calls).decode()


def yaml(head: str, lines: list[Line]) -> str:
    """Write a YAML file: what it is, then a key and its value a line, with the reason above where there is one."""
    written = [f"# {line}".rstrip() for line in head.split("\n")]
    for key, value, why in lines:
        if why:
            written += ["", *(f"# {line}" for line in why.split("\n"))]
        if isinstance(value, list):
            written.append(f"{key}:")
            for one in value:
                first = "- "
                for name, item in one.items():
                    written.append(f"  {first}{name}: {_value(item)}")
                    first = "  "
        else:
            written.append(f"{key}: {_value(value)}")
    return "\n".join(written) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value(item)}" for name, item in value.items()) + "}"
    # What JSON is, YAML reads the same; only DEL and the like are not allowed in it as they are.
    return json.dumps(value, ensure_ascii=not (isinstance(value, str) and value.isprintable()))
