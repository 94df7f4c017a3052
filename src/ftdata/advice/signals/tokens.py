"""How long the rows are, in tokens: estimated from characters, for advice names no tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.checks.spread import characters
from ftdata.texts import PER_TOKEN


class Tokens(Signal):
    """Tokens a row, estimated at 4 characters each (OpenAI's figure for English; other languages have fewer)."""

    name: ClassVar[str] = "tokens"

    def look(self, view: View) -> pl.DataFrame:
        """Count the characters of all messages and of the assistant's."""
        return pl.DataFrame([characters(view.batch), view.answered.str.len_chars().cast(pl.UInt32).rename("trained")])

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `tokens` (of all rows), `tokens_p50`, `tokens_p99`, `tokens_max`, `trained_share`."""
        frame = evidence.frames[self.name]
        sizes = np.ceil(frame["characters"].to_numpy() / PER_TOKEN)
        evidence.marks["tokens"] = sizes
        p50, p99 = (int(np.quantile(sizes, level, method="inverted_cdf")) for level in (0.5, 0.99))
        return {
            "tokens": int(sizes.sum()),
            "tokens_p50": p50,
            "tokens_p99": p99,
            "tokens_max": int(sizes.max()),
            "trained_share": share(int(frame["trained"].sum()), int(frame["characters"].sum())),
        }
