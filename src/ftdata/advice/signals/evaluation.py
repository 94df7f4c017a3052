"""Whether one could even tell that training helped: the smallest difference that the held-out rows show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value
from ftdata.advice.view import View

_ACCURACY = 0.8
_Z = 1.96


def margin(rows: int, accuracy: float = _ACCURACY) -> float:
    """Give the half width of the 95 % interval of an accuracy: 1.96 √(p (1 - p) / n), as a share."""
    return _Z * math.sqrt(accuracy * (1 - accuracy) / rows)


class Evaluation(Signal):
    """Rows held out, and what they show at an accuracy of 80 %."""

    name: ClassVar[str] = "evaluation"

    def look(self, view: View) -> pl.DataFrame:
        """Count rows that are marked as held out."""
        return pl.DataFrame({"aside": view.batch["split"].is_in(["validation", "test"]).fill_null(False)})

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `validation_rows`, `eval_margin` (unknown without rows), `eval_margin_tenth` (with a tenth held out)."""
        aside = int(evidence.frames[self.name]["aside"].sum()) + (evidence.held.validation or 0)
        tenth = max(1, evidence.held.rows // 10)
        return {
            "validation_rows": aside,
            "eval_margin": round(margin(aside), 4) if aside else None,
            "tenth_rows": tenth,
            "eval_margin_tenth": round(margin(tenth), 4),
        }
