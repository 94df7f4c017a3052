"""The check `private-data`: what the `pii` transform would replace, counted and left as it is."""

from __future__ import annotations

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from ftdata.batch import Batch
from ftdata.stages import Check, Example, Finding
from ftdata.texts import Texts
from ftdata.writers.meta import pick


class PrivateData(Check):
    """Count the personal data and secrets that stand in the rows, without touching them.

    Meta counts as far as a writer writes it, into the rows or beside them. `convert` adds this check where it does not
    scrub: files that are training data already are not changed unasked.

    `scanner = "second"` asks a scanner of other rules (`ftdata.scanner`), which shares nothing with `pii`: behind a
    `pii` step it counts what that step let through, as far as it is sure. It knows no names. `both` counts, of each
    type, the larger of the two.
    """

    name: ClassVar[str] = "private-data"
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Counted by type, with the rows that hold it; nothing is changed.",
            rows=(
                ("Where is my order? ana@example.com", "On its way to you."),
                ("Meu CPF é 529.982.247-25, cartão 4111 1111 1111 1111.", "Obrigado!"),
            ),
        ),
        Example(
            "The second scanner finds by other rules; it is sure of the IBAN and not of an address at example.com.",
            rows=(("Mi cuenta es ES91 2100 0418 4502 0005 1332, correo ana@example.com", "Gracias."),),
            fields={"scanner": "second", "level": "error"},
        ),
    )

    level: str = Field("warn", pattern="^(error|warn|info)$", description="level of the finding: error, warn or info")
    scanner: Literal["first", "second", "both"] = Field(
        "first", description="whose rules count: those of `pii` (first), the second scanner's, or both"
    )
    written: tuple[str, ...] | None = Field(
        None, description='meta keys to judge beside the texts ("*": all); by default those that a writer writes'
    )

    def reads_meta(self) -> frozenset[str] | None:
        """Read the keys that are judged."""
        return None if "*" in (self.written or ()) else frozenset(self.written or ())

    def sketch(self, batch: Batch) -> pl.DataFrame:
        """Give one line per type found: `row` (the first of the batch), `type`, `values`, `rows`."""
        if "*" not in (self.written or ()):
            batch = batch.with_columns(pick(batch, self.written or ()))
        found = self._count(batch) if batch.height else {}
        return pl.DataFrame(
            {
                "row": pl.repeat(batch["row"][0] if batch.height else 0, len(found), dtype=pl.UInt64(), eager=True),
                "type": pl.Series(list(found), dtype=pl.String),
                "values": pl.Series([values for values, _ in found.values()], dtype=pl.Int64),
                "rows": pl.Series([rows for _, rows in found.values()], dtype=pl.Int64),
            }
        )

    def _count(self, batch: Batch) -> dict[str, tuple[int, int]]:
        """Count by type: values, rows."""
        from ftdata.transforms.pii import count

        first = count(batch) if self.scanner != "second" else {}
        second = _scanned(batch) if self.scanner != "first" else {}
        return {type: max(first.get(type, (0, 0)), second.get(type, (0, 0))) for type in sorted({*first, *second})}

    def judge(self, sketches: pl.LazyFrame) -> list[Finding]:
        """Give one finding with all counts, or none."""
        counts = sketches.group_by("type").agg(pl.col("values", "rows").sum()).sort("type").collect()
        if not counts.height:
            return []
        told = ", ".join(f"{v:,} {t} in {r:,} rows" for t, v, r in counts.iter_rows())
        numbers = {t: {"values": v, "rows": r} for t, v, r in counts.iter_rows()}
        return [Finding("not-scrubbed", self.level, f"not scrubbed: {told}; add --pii, or a pii step", numbers)]  # type: ignore[arg-type]


def _scanned(batch: Batch) -> dict[str, tuple[int, int]]:
    """Count what the second scanner is sure of: by type, values and rows."""
    from ftdata import scanner

    texts = Texts(batch, tools=True, extra=True, meta=True, deep=True)
    rows = texts.row.to_list()
    values: dict[str, int] = {}
    where: dict[str, set[int]] = {}
    for hit in scanner.hits(texts.text.to_list()):
        if hit.confidence == "high":
            values[hit.type] = values.get(hit.type, 0) + 1
            where.setdefault(hit.type, set()).add(rows[hit.line - 1])
    return {type: (count, len(where[type])) for type, count in values.items()}
