"""Refusals, and abuse by whoever answers: told by phrases, in English, Portuguese and Spanish.

Those of refusals are the step `quality`'s, those of abuse stand in `phrases/abuse.toml`: patterns over words in lower
case without accents and punctuation.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np
import polars as pl

from ftdata.advice.signals.signal import Array, Evidence, Signal, Value, share
from ftdata.advice.view import View
from ftdata.checks.replies import refuses
from ftdata.transforms.quality.rule import View as QualityView
from ftdata.transforms.quality.talk import refusal, refuses_somehow
from ftdata.transforms.quality.words import fold

_SAYS_MORE = 300
"""Characters above which an answer that begins with a refusal does something else too."""


class Refusals(Signal):
    """Answers that refuse to help and do nothing else: what `balance` and `quality` know, and further wordings."""

    name: ClassVar[str] = "refusals"

    def look(self, view: View) -> pl.DataFrame:
        """Say which rows refuse."""
        texts = view.reply
        short = ((texts.str.len_chars() <= _SAYS_MORE) & ~texts.str.contains(r"\n\s*(?:\d+[.)]|[-*•])")).fill_null(
            False
        )
        brief = texts.set(~short, None)
        found = (refuses(brief) | refuses_somehow(brief)).to_numpy().copy()
        found[refusal(QualityView(view.batch))] = True
        found &= short.to_numpy()
        return pl.DataFrame({"refuses": found})

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `refusals`, a share of all rows."""
        column = evidence.frames[self.name]["refuses"]
        evidence.marks["refuses"] = column.to_numpy()
        return {"refusals": share(int(column.sum()), len(column))}


class Toxic(Signal):
    """Answers that insult or threaten; rude customers are counted apart, for they teach nothing bad."""

    name: ClassVar[str] = "toxic"

    def look(self, view: View) -> pl.DataFrame:
        """Say which rows' answers insult, and in which the user is rude."""
        abusive = _said(view.answered, "insults")
        rude = _said(view.asked, "insults") | _said(view.asked, "rude")
        return pl.DataFrame({"toxic": abusive, "rude": rude})

    def tell(self, evidence: Evidence) -> Mapping[str, Value]:
        """Give `toxic_answers` and `rude_customers` (shares), `toxic_rows`."""
        frame = evidence.frames[self.name]
        evidence.marks["toxic"] = frame["toxic"].to_numpy()
        return {
            "toxic_answers": share(int(frame["toxic"].sum()), frame.height),
            "toxic_rows": int(frame["toxic"].sum()),
            "rude_customers": share(int(frame["rude"].sum()), frame.height),
        }


def _said(texts: pl.Series, key: str) -> pl.Series:
    """Say which texts hold one of the phrases; only those with a stem in them are looked at by word."""
    stems, pattern = _phrases(key)
    low = texts.fill_null("").str.to_lowercase()
    found: Array = np.zeros(len(texts), dtype=bool)
    at = np.flatnonzero(low.str.contains_any(stems).to_numpy())
    for place, text in zip(at.tolist(), texts.gather(at).to_list(), strict=True):
        found[place] = pattern.search(fold(text)) is not None
    return pl.Series(key, found)


@cache
def _phrases(key: str) -> tuple[list[str], re.Pattern[str]]:
    path = files("ftdata.advice.signals").joinpath("phrases", "abuse.toml")
    table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    listed = [_filled(phrase, table.get("words", {})) for phrase in table[key]["phrases"]]
    return table[key]["stems"], re.compile("|".join(rf"(?<!\w)(?:{phrase})(?!\w)" for phrase in listed))


def _filled(phrase: str, words: Mapping[str, str]) -> str:
    for word, meaning in words.items():
        phrase = phrase.replace(f"{{{word}}}", f"(?:{meaning})")
    return phrase
