"""The transform `quality`: a table of rules, each with a level of its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from ftdata.batch import Batch, mark
from ftdata.stages import Example, Transform
from ftdata.transforms.quality.mending import mend
from ftdata.transforms.quality.rule import Level, Repairable, View
from ftdata.transforms.quality.rules import RULES

_RULES = {rule.field: rule for rule in RULES}


def _level(field: str) -> Any:
    return Field(_RULES[field].default, description=_RULES[field].finds)


class Quality(Transform):
    """Flag, drop or repair conversations with damaged texts or with answers that are none.

    Each rule has a field of its name (`cut_answer` for `cut-answer`) with its level: `off`, `warn` (adds a flag),
    `drop` (gives the reason), and for mojibake, control, invisible and direction characters `repair`; flag and reason
    are the rule's code. A repaired text is an edit; what cannot be repaired wholly is flagged. A row is dropped
    for the first rule of the table that it breaks; the note counts by rule the texts (or messages) found.

    Damage is looked for in all texts: contents, names, parts, arguments of tool calls, the `rejected` answer. Rules on
    answers look at the assistant's messages of a weight other than 0, the preferred side only. Phrases are known in
    English, Portuguese and Spanish, some in German, French and Italian; case, accents and punctuation do not matter.

    Answers in another language than the question are told by the step `language`, answers that contradict each other
    by `contradictions`.
    """

    name: ClassVar[str] = "quality"
    decides_with: ClassVar[tuple[str, ...]] = ("ftfy",)
    examples: ClassVar[tuple[Example, ...]] = tuple(rule.example for rule in RULES)

    unfilled_placeholder: Level = _level("unfilled_placeholder")
    mojibake: Repairable = _level("mojibake")
    replacement_character: Level = _level("replacement_character")
    control_character: Repairable = _level("control_character")
    invisible: Repairable = _level("invisible")
    bidi: Repairable = _level("bidi")
    control_token: Level = _level("control_token")
    encoded_blob: Level = _level("encoded_blob")
    markup: Level = _level("markup")
    empty_answer: Level = _level("empty_answer")
    cut_answer: Level = _level("cut_answer")
    loop: Level = _level("loop")
    echo: Level = _level("echo")
    system_as_answer: Level = _level("system_as_answer")
    refusal: Level = _level("refusal")
    only_thanks: Level = _level("only_thanks")
    auto_closed: Level = _level("auto_closed")
    auto_reply: Level = _level("auto_reply")
    thanks_ending: Level = _level("thanks_ending")
    deferral: Level = _level("deferral")
    shouting: Level = _level("shouting")

    def reads_meta(self) -> frozenset[str]:
        """Read no meta."""
        return frozenset()

    def apply(self, batch: Batch) -> Batch:
        """Repair what is to be repaired, then mark the rows in which a rule finds something."""
        if not batch.height:
            return batch
        notes: list[tuple[str, np.ndarray[Any, Any]]] = []
        repairing = [rule for rule in RULES if getattr(self, rule.field) == "repair"]
        if repairing:
            batch, repaired = mend(batch, repairing)
            notes += [(f"{code} repaired", counts) for code, counts in repaired.items()]
        view = View(batch)
        dropped = np.zeros(batch.height, dtype=bool)
        for rule in RULES:
            level = getattr(self, rule.field)
            if level == "off" or not len(rows := rule.find(view)):
                continue
            counts = np.bincount(rows, minlength=batch.height)
            notes.append((rule.code, counts))
            if level == "drop":
                batch = mark(batch, (counts > 0) & ~dropped, drop=rule.code)
                dropped |= counts > 0
            else:
                batch = mark(batch, counts > 0, flag=rule.code)
        return mark(batch, pl.Series(_any(notes, batch.height)), note=_told(notes)) if notes else batch


def _any(notes: list[tuple[str, np.ndarray[Any, Any]]], height: int) -> np.ndarray[Any, Any]:
    return sum((counts for _, counts in notes), np.zeros(height, dtype=np.int64)) > 0


def _told(notes: list[tuple[str, np.ndarray[Any, Any]]]) -> pl.Series:
    pieces = [
        pl.when(pl.Series(counts) > 0).then(pl.format("{} {}", pl.lit(what), pl.Series(counts)))
        for what, counts in notes
    ]
    return pl.select(pl.concat_str(pieces, separator=", ", ignore_nulls=True)).to_series()
