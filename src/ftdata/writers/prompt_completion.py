"""Rows of two texts: a prompt and its completion."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.writers.encoding import objects
from ftdata.writers.json_lines import JsonLines
from ftdata.writers.meta import pick

LEGACY = "legacy"
"""Meta key under which the reader `prompt-completion` keeps what a row had of its own."""


class PromptCompletion(JsonLines):
    r"""Write rows of two texts, a prompt and its completion, one file per split.

    For OCI, Bedrock's other text models, TRL's plain form; `prompt = "input"`, `completion = "output"` for watsonx.

        {"prompt":"Oi","completion":"Olá! Como ajudo?"}

    The rows of OpenAI's old models had marks: `separator` is put after the prompt, `stop` after the completion, with
    `space` one space before it. `legacy` gives each row the marks of its own that the reader `prompt-completion` kept
    in `meta.legacy`, these before the common ones (to get a whole old file back byte for byte: `convert --reverse`).

    Refused: everything but one question and its answer, each a text; also a system message.

    Source: OCI, watsonx and AWS documentation of tuning data; openai 0.28.1, `validators.py`; as of 2026-11-21.
    """

    name: ClassVar[str] = "prompt-completion"
    carries: ClassVar[frozenset[str]] = frozenset({"single-answer"})

    prompt: str = Field("prompt", description="key of the prompt (watsonx: input)", min_length=1)
    completion: str = Field("completion", description="key of the completion (watsonx: output)", min_length=1)
    separator: str = Field("", description='text after each prompt, such as "\\n\\n###\\n\\n"')
    stop: str = Field("", description='text after each completion, such as " END"')
    space: bool = Field(False, description="begin each completion with a space")
    legacy: bool = Field(False, description="use the marks that a row kept in meta.legacy before the common ones")

    @model_validator(mode="after")
    def _two_keys(self) -> PromptCompletion:
        if self.prompt == self.completion:
            raise ValueError(f"completion: {self.completion!r} is the key of the prompt as well; name another")
        return self

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are written, and with `legacy` that one."""
        keys = super().reads_meta()
        return keys if keys is None or not self.legacy else keys | {LEGACY}

    def render(self, batch: Batch) -> pl.Series:
        """Give each row as one line."""
        asked, answer = (
            batch.select(pl.col("messages").list.get(at, null_on_oob=True).struct.field("content")).to_series()
            for at in (0, 1)
        )
        marks = pl.DataFrame(
            self._marks(batch), {"separator": pl.String, "space": pl.String, "stop": pl.String}, orient="row"
        )
        frame = marks.select(
            (pl.lit(asked) + pl.col("separator")).alias(self.prompt),
            (pl.col("space") + pl.lit(answer) + pl.col("stop")).alias(self.completion),
        )
        return (
            frame.select(line=pl.struct(pl.all()).struct.json_encode()).to_series()
            if batch.height
            else objects(frame, [])
        )

    def _marks(self, batch: Batch) -> list[tuple[str, str, str]]:
        """Give the separator, the space and the stop of each row."""
        common = (self.separator, " " if self.space else "", self.stop)
        if not self.legacy:
            return [common] * batch.height
        return [common if own is None else self._own(own) for own in pick(batch, (LEGACY,))]

    def _own(self, text: str) -> tuple[str, str, str]:
        given: Any = msgspec.json.decode(text)[LEGACY]
        own = given if isinstance(given, dict) else {}
        separator, stop = (
            held if isinstance(held := own.get(name, common), str) else common
            for name, common in (("separator", self.separator), ("stop", self.stop))
        )
        return separator, " " if own.get("space", self.space) else "", stop
