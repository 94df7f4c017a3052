"""How long the rows are, in tokens: as `ftdata tokens` counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.checks.spread import quantile


class Tokens(Signal):
    """Tokens a row, and those that are learnt of it: exact where a tokenizer is known, else estimated."""

    name: ClassVar[str] = "tokens"

    def look(self, view: View) -> pl.DataFrame:
        """Count the tokens of each row."""
        return pl.DataFrame({"all": view.tokens.all, "trained": view.tokens.trained})

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `tokens` (of all rows), `tokens_p50`, `tokens_p99`, `tokens_max`, `trained_share`, and `tokens_by`."""
        frame = evidence.frames[self.name]
        sizes = frame["all"].cast(pl.Int64)
        evidence.marks["tokens"] = sizes.to_numpy().astype(np.float64)
        trained = int(frame["trained"].cast(pl.Int64).sum())
        return {
            "tokens": int(sizes.sum()),
            "tokens_p50": quantile(sizes, 0.5),
            "tokens_p99": quantile(sizes, 0.99),
            "tokens_max": quantile(sizes, 1),
            "trained_share": share(trained, int(sizes.sum())),
            "tokens_by": evidence.count.told,
        }
