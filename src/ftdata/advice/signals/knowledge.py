"""Knowledge load: how many answers state what nothing before them in the row holds (see `facts`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View


class Knowledge(Signal):
    """The share of answers that carry knowledge, and how much of it is told more than once."""

    name: ClassVar[str] = "knowledge"
    of: ClassVar[Mapping[str, str]] = {"recurring_facts": "facts"}

    def look(self, view: View) -> pl.DataFrame:
        """Give a hash of each fact that the row states."""
        return pl.DataFrame({"facts": view.stated})

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `knowledge_load`, and `recurring_facts`: of the facts stated, those that other rows state too."""
        facts = evidence.frames[self.name]["facts"]
        states = (facts.list.len() > 0).fill_null(False)
        evidence.marks["states"] = states.to_numpy()
        listed = facts.explode(empty_as_null=False, keep_nulls=False)
        often = int(listed.is_duplicated().sum()) if len(listed) else 0
        return {
            "knowledge_load": share(int(states.sum()), len(facts)),
            "facts": len(listed),
            "recurring_facts": share(often, len(listed)),
        }
