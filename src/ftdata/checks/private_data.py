"""The check `private-data`: what the `pii` transform would replace, counted and left as it is."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from ftdata.batch import Batch
from ftdata.stages import Check, Finding
from ftdata.writers.meta import pick


class PrivateData(Check):
    """Count the personal data and secrets that stand in the rows, without touching them.

    Meta counts as far as a writer writes it, into the rows or beside them. `convert` adds this check where it does not
    scrub: files that are training data already are not changed unasked.
    """

    name: ClassVar[str] = "private-data"

    level: str = Field("warn", pattern="^(error|warn|info)$", description="level of the finding: error, warn or info")
    written: tuple[str, ...] | None = Field(
        None, description='meta keys to judge beside the texts ("*": all); by default those that a writer writes'
    )

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are judged."""
        return None if "*" in (self.written or ()) else frozenset(self.written or ())

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give one line per type found: `row` (the first of the batch), `type`, `values`, `rows`."""
        from ftdata.transforms.pii import count

        if "*" not in (self.written or ()):
            batch = batch.with_columns(pick(batch, self.written or ()))
        found = count(batch) if batch.height else {}
        return pl.DataFrame(
            {
                "row": pl.repeat(batch["row"][0] if batch.height else 0, len(found), dtype=pl.UInt64(), eager=True),
                "type": pl.Series(list(found), dtype=pl.String),
                "values": pl.Series([values for values, _ in found.values()], dtype=pl.Int64),
                "rows": pl.Series([rows for _, rows in found.values()], dtype=pl.Int64),
            }
        )

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give one finding with all counts, or none."""
        counts = sketches.group_by("type").agg(pl.col("values", "rows").sum()).sort("type").collect()
        if not counts.height:
            return []
        told = ", ".join(f"{v:,} {t} in {r:,} rows" for t, v, r in counts.iter_rows())
        numbers = {t: {"values": v, "rows": r} for t, v, r in counts.iter_rows()}
        return [Finding("not-scrubbed", self.level, f"not scrubbed: {told}; add --pii, or a pii step", numbers)]  # type: ignore[arg-type]
