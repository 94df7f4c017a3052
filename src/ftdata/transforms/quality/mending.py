"""Repairs: every text of a row that can be mended is, rule after rule, until nothing more changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import Batch
from ftdata.texts import Texts
from ftdata.transforms.quality.damage import ODD
from ftdata.transforms.quality.mojibake import suspect
from ftdata.transforms.quality.rule import Rule


def mend(batch: Batch, rules: Sequence[Rule]) -> tuple[Batch, dict[str, np.ndarray[Any, Any]]]:
    """Mend the texts of a batch; give it, and for each rule that did something the texts mended in each row.

    Where a rule cannot mend one text of a row wholly, all of that row stays as it is: half a repair hides the damage.
    """
    texts = Texts(batch)
    likely = np.zeros(len(texts.text), dtype=bool)
    wide = np.flatnonzero((texts.text.str.len_bytes() != texts.text.str.len_chars()).to_numpy())
    kinds = {rule.suspect for rule in rules}
    if "mojibake" in kinds and len(wide):
        likely[wide] = texts.text.gather(wide).str.contains(suspect()).to_numpy()
    # What a removal leaves may be mojibake, and what is decoded may be invisible: both are looked for in both cases.
    likely |= texts.text.str.contains(ODD).to_numpy()
    at = np.flatnonzero(likely)
    if not len(at):
        return batch, {}
    rows = texts.row.to_numpy()[at]
    old = texts.text.gather(at).to_list()
    new, counts = list(old), {rule.code: np.zeros(batch.height, dtype=np.int64) for rule in rules}
    order = np.argsort(rows, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1):
        mended, touched = _row([old[place] for place in group], rules)
        for place, text in zip(group, mended, strict=True):
            new[place] = text
        for code, some in touched.items():
            counts[code][rows[group[0]]] = len(some)
    if new == old:
        return batch, {}
    whole = texts.text.clone().scatter(at, pl.Series(new, dtype=pl.String))  # `scatter` writes into its series
    return texts.replace(whole), {code: some for code, some in counts.items() if some.any()}


def _row(texts: list[str], rules: Sequence[Rule]) -> tuple[list[str], dict[str, set[int]]]:
    given, touched, quiet = texts, dict[str, set[int]](), 0
    for rule in cycle(rules):
        assert rule.mend is not None
        mended = list(map(rule.mend, texts))
        quiet += 1
        if any(text is None for text in mended):
            return given, {}
        if mended != texts:
            touched.setdefault(rule.code, set()).update(
                place for place, (one, other) in enumerate(zip(texts, mended, strict=True)) if one != other
            )
            texts = [text for text in mended if text is not None]
            quiet = 1  # mending twice is mending once
        if quiet >= len(rules):
            break
    return texts, touched
