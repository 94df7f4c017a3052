"""Whether the answers are labels, and how evenly the rows are spread over them, or over a field of the source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.checks.classes import LABEL, Told, are_labels, classes
from ftdata.checks.spread import even


class Labels(Signal):
    """Classes by the last text of the assistant: labels if three rows share one on average, as in `balance`."""

    name: ClassVar[str] = "labels"

    def look(self, view: View) -> pl.DataFrame:
        """Give the hash of each row's label, null where its last answer is no single short line."""
        return classes(view.batch, (LABEL,)).select("class_0")

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `labels` (share of rows with a label; 0 where answers are prose), `classes`, `largest_class`,
        `smallest_class_rows`, `evenness` (entropy over log of the classes)."""
        column = evidence.frames[self.name]["class_0"]
        known = column.drop_nulls()
        counts = np.sort(known.value_counts()["count"].to_numpy())[::-1].astype(float)
        is_label = len(counts) > 1 and are_labels(len(column), len(known), len(counts))
        evidence.marks["label"] = column.fill_null(0).to_numpy()
        if not is_label:
            return dict.fromkeys(("classes", "largest_class", "smallest_class_rows", "evenness")) | {"labels": 0.0}
        shares = counts / counts.sum()
        return {
            "labels": share(len(known), len(column)),
            "classes": len(counts),
            "largest_class": round(float(shares[0]), 4),
            "smallest_class_rows": int(counts[-1]),
            "evenness": round(math.log(even(counts)) / math.log(len(counts)), 4),
        }


class Grouped(Signal):
    """The classes of a field of the source, for `--by`."""

    name: ClassVar[str] = "grouped"

    def __init__(self, field: str) -> None:
        self.field = field

    def look(self, view: View) -> pl.DataFrame:
        """Give the hash of each row's class, and the names that may be shown."""
        return classes(view.batch, (self.field,))

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Mark the rows with their classes; raise `RunError` if no row has the field."""
        frame = evidence.frames[self.name]
        told = Told(frame["told"])
        if not frame["class_0"].count():
            raise told.missing("advise", "--by", self.field)
        evidence.marks["group"] = frame["class_0"].fill_null(0).to_numpy()
        self.names = {value: name for (_, value), name in told.names.items()}
        return {"groups": frame["class_0"].n_unique()}
