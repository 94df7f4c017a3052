"""How many different things the rows say: clusters, and how evenly the rows are spread over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value
from ftdata.advice.view import View
from ftdata.checks.diversity import Diversity

CHECK = Diversity(on="conversation")


class Variety(Signal):
    """What the check `diversity` measures, of whole conversations: clusters at Jaccard 0.5, exp of their entropy."""

    name: ClassVar[str] = "variety"

    def look(self, view: View) -> pl.DataFrame:
        """Give the sketch of the check."""
        return CHECK.sketch(view.batch)

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `effective_clusters`, `cluster_share` (of the rows), `top_10`."""
        frame = evidence.frames[self.name].rechunk()
        found = {finding.code: finding.numbers for finding in CHECK.judge(frame.lazy())}
        counts = found.get("diversity-clusters", {})
        rows, effective = counts.get("rows"), counts.get("effective")
        return {
            "clusters": counts.get("clusters"),
            "effective_clusters": effective,
            "cluster_share": round(effective / rows, 4) if rows and effective is not None else None,
            "top_10": counts.get("top_10"),
        }
