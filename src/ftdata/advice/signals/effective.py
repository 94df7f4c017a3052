"""How many rows say something of their own: those that stay when near duplicates are removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View, both
from ftdata.similarity import sketch, twins
from ftdata.similarity.answers import reading

NGRAM = 5
NEAR = 0.8
"""As near-dedup has it by default."""


class EffectiveRows(Signal):
    """Rows that stay when near duplicates are removed (question and answer together, exact Jaccard 0.8)."""

    name: ClassVar[str] = "effective"

    def look(self, view: View) -> pl.DataFrame:
        """Give the sketch of each conversation: 280 bytes a row."""
        return sketch(view.both, NGRAM).insert_column(0, view.batch["row"])

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `rows`, `effective_rows`, `near_duplicates`."""
        frame = evidence.frames[self.name].rechunk()
        found = twins(frame, reading(evidence.held.spool.take, both), NEAR, NGRAM)
        stays = (found.twin < 0) & (frame["count"].to_numpy() > 0)
        evidence.marks["stays"] = stays
        said = int((frame["count"].to_numpy() > 0).sum())
        gone = int((found.twin >= 0).sum())
        return {
            "rows": frame.height,
            "unread": evidence.held.unread,
            "effective_rows": int(stays.sum()),
            "near_duplicates": share(gone, said),
        }
