"""How many answers are one of a few texts with other names and numbers in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.checks.replies import masked
from ftdata.similarity import sketch
from ftdata.similarity.clusters import clusters

_NGRAM = 3
_ALIKE = 0.9


class Templates(Signal):
    """Of the rows that are no near duplicates, those whose prose answer many others have, slots aside."""

    name: ClassVar[str] = "templates"
    of: ClassVar[Mapping[str, str]] = {"template_share": "effective_rows"}

    def look(self, view: View) -> pl.DataFrame:
        """Give the sketch of each answer without greeting, names, numbers and addresses (as in `balance`)."""
        return sketch(masked(view.reply).fill_null(""), _NGRAM).select("count", "hi", "sketch")

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `template_share`, `templates` (how many such texts); 0 where the answers are labels."""
        frame = evidence.frames[self.name].rechunk()
        if evidence.told.get("labels"):
            return {"template_share": 0.0, "templates": 0}
        stays = evidence.marks["stays"] & (frame["count"].to_numpy() > 0)
        rows = np.flatnonzero(stays)
        if not len(rows):
            return {"template_share": None, "templates": None}
        rows = rows[np.argsort(frame["hi"].to_numpy()[rows], kind="stable")]
        head = clusters(frame["sketch"].to_numpy(), _ALIKE, rows)
        sizes = np.bincount(head, minlength=len(rows))
        many = sizes >= evidence.limits["template_rows"]
        canned = int(sizes[many].sum())
        return {"template_share": share(canned, len(rows)), "templates": int(many.sum())}
