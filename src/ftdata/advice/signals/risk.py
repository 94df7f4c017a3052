"""Rows with personal data or secrets that the step `pii` would replace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.transforms.pii import TYPES, Pii

_TYPES = tuple(type for type in TYPES if type != "name")
_PII = Pii(types=_TYPES)


class Risk(Signal):
    """Rows whose messages hold an address, a number of a person or card, or a secret; names alone do not count."""

    name: ClassVar[str] = "risk"
    sampled: ClassVar[bool] = True
    of: ClassVar[Mapping[str, str]] = {"pii_rows": "looked_at"}

    def look(self, view: View) -> pl.DataFrame:
        """Say which rows the step `pii` would change."""
        bare = [pl.lit(None, pl.String).alias(name) for name in ("meta", "extra", "tools", "note")]
        noted = _PII.apply(view.batch.with_columns(bare))["note"]
        secret = noted.str.contains("SECRET", literal=True).fill_null(False)
        return pl.DataFrame([view.batch["row"], noted.is_not_null().rename("private"), secret.rename("secret")])

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `pii_rows` (share), `private_rows` (number, of those looked at), `secret_rows`."""
        frame = evidence.frames[self.name]
        return {
            "pii_rows": share(int(frame["private"].sum()), frame.height),
            "private_rows": int(frame["private"].sum()),
            "secret_rows": int(frame["secret"].sum()),
        }
