"""Rows that are no good examples: cut, looped, damaged, closed by a program, in another language than the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from ftdata.advice.signals.signal import Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.selectors.language.codes import CODES
from ftdata.selectors.language.detectors import choose, detect
from ftdata.transforms.quality.stage import Quality

_QUALITY = Quality()
_SHOUT = 12
"""Letters from which the language of a text is told."""
_LEAST = 0.05


class Flags(Signal):
    """What the step `quality` flags with its defaults, and rows whose last message is no answer."""

    name: ClassVar[str] = "quality"
    sampled: ClassVar[bool] = True
    of: ClassVar[Mapping[str, str]] = {"flawed": "looked_at", "worst_flaw_share": "looked_at"}

    def look(self, view: View) -> pl.DataFrame:
        """Give the flags of each row."""
        bare = view.batch.with_columns(pl.lit([], pl.List(pl.String)).alias("flags"))
        flags = _QUALITY.apply(bare)["flags"].list.set_difference(["refusal"])
        last = view.batch.select(pl.col("messages").list.last().struct.field("role")).to_series()
        return pl.DataFrame([view.batch["row"], flags.rename("flags"), (last == "assistant").rename("ends")])

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `flawed` (share of rows), and `worst_flaw` with its share."""
        frame = evidence.frames[self.name]
        bad = (frame["flags"].list.len() > 0) | ~frame["ends"].fill_null(False)
        counts = frame["flags"].explode(empty_as_null=False, keep_nulls=False).value_counts(sort=True)
        return {
            "flawed": share(int(bad.sum()), frame.height),
            "looked_at": frame.height,
            "worst_flaw": str(counts["flags"][0]) if counts.height else "none",
            "worst_flaw_share": share(int(counts["count"][0]), frame.height) if counts.height else 0.0,
        }


class Languages(Signal):
    """Languages of the questions, and answers in another one; only where the detector is sure of both."""

    name: ClassVar[str] = "languages"
    sampled: ClassVar[bool] = True
    of: ClassVar[Mapping[str, str]] = {"wrong_language": "looked_at"}

    def look(self, view: View) -> pl.DataFrame:
        """Give numbers of languages (`codes.CODES`); 0 where nothing sure can be told."""
        reply = view.reply.fill_null("")
        columns = [
            pl.Series(name, _codes(texts), pl.UInt16) for name, texts in (("asked", view.asked), ("told", reply))
        ]
        return pl.DataFrame([view.batch["row"], *columns])

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `languages` (of at least 5 % of the questions), `language` (the most frequent), `wrong_language`."""
        frame = evidence.frames[self.name]
        known = frame.filter(pl.col("asked") > 0)
        counts = known["asked"].value_counts(sort=True)
        wrong = known.filter((pl.col("told") > 0) & (pl.col("told") != pl.col("asked")))
        return {
            "languages": int((counts["count"] >= _LEAST * known.height).sum()) if known.height else None,
            "language": CODES[int(counts["asked"][0])] if known.height else None,
            "wrong_language": share(wrong.height, frame.height),
        }


def _codes(texts: pl.Series) -> list[int]:
    letters = texts.str.count_matches(r"\p{L}").fill_null(0)
    seen = detect(texts.fill_null("").to_list(), letters.to_list(), choose(None))
    return [one.code if one.sure and count >= _SHOUT else 0 for one, count in zip(seen, letters.to_list(), strict=True)]
