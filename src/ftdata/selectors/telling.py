"""What a selector tells the record beside its decisions: `told`, JSON text at one of the rows that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from ftdata.batch import dumps


def tell(decided: pl.DataFrame, row: int, what: Mapping[str, Any]) -> pl.DataFrame:
    """Add `told` at the lowest row decided upon; where there is none, at the live row `row`, of which nothing else is
    decided."""
    decided = decided.sort("row")
    if not decided.height:
        decided = pl.DataFrame({"row": [row]}, schema={"row": pl.UInt64}).join(decided, on="row", how="left")
    told = pl.Series("told", [dumps(what)] + [None] * (decided.height - 1), pl.String)
    return decided.with_columns(told)


def heard(decisions: pl.DataFrame) -> dict[str, Any]:
    """Give what `tell` has told; nothing where no row could be looked at."""
    texts = decisions["told"].drop_nulls() if "told" in decisions.columns else pl.Series(dtype=pl.String)
    found: dict[str, Any] = msgspec.json.decode(texts[0]) if len(texts) else {}
    return found
