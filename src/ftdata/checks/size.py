"""Whether there are rows enough."""

from __future__ import annotations

from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from ftdata.batch import Batch
from ftdata.stages import Check, Example, Finding
from ftdata.wording import counted


class Size(Check):
    """Judge whether there are rows enough to train on, and count the rows of every split.

    Training rows are those of the split `train` or of none. Below `minimum` the finding is an error, below `useful` a
    warning, else a piece of information that says whether `ideal` is reached. The defaults 10 and 50 are OpenAI's: a
    job with fewer than 10 rows fails, gains are seen from 50 to 100 rows on (its supervised fine-tuning guide, checked
    2026-11-21); 500 is a rule of thumb. Columns read: `split`.
    """

    name: ClassVar[str] = "size"
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Few rows are an error.", tuple((f"Question {number}", "Answer") for number in range(9))),
        Example("Enough to begin with.", tuple((f"Question {number}", "Answer") for number in range(60))),
    )

    minimum: int = Field(10, ge=1, description="fewer training rows than this are an error")
    useful: int = Field(50, ge=1, description="fewer training rows than this are a warning")
    ideal: int = Field(500, ge=1, description="training rows to aim for")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.minimum <= self.useful <= self.ideal:
            raise ValueError("minimum, useful and ideal must rise in this order")
        return self

    def reads_meta(self) -> frozenset[str]:
        """Read none."""
        return frozenset()

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give the split of each row."""
        return batch.select("row", "split")

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give one finding on the training rows, and one for each other split."""
        sizes = sketches.group_by(pl.col("split").fill_null("train")).len().collect()
        counts = {split: int(count) for split, count in sizes.sort("split").rows()}
        rows = counts.pop("train", 0)
        numbers = {"rows": rows, "minimum": self.minimum, "useful": self.useful, "ideal": self.ideal}
        said = counted(rows, "training row")
        if rows < self.minimum:
            first = Finding("size-minimum", "error", f"{said}: at least {self.minimum:,} are needed; add rows", numbers)
        elif rows < self.useful:
            message = f"{said}: gains are seen from {self.useful:,} on; add rows, {self.ideal:,} or more at best"
            first = Finding("size-useful", "warn", message, numbers)
        elif rows < self.ideal:
            message = f"{said}: enough to see whether training helps; {self.ideal:,} or more are ideal"
            first = Finding("size-ideal", "info", message, numbers)
        else:
            first = Finding("size-ok", "info", said, numbers)
        others = [
            Finding("size-split", "info", f"{count:,} rows in the split {split}", {"split": split, "rows": count})
            for split, count in counts.items()
        ]
        return [first, *others]
