"""Tell two variants of a language apart by the words, spellings and forms of `variants.toml`.

A cue counts once in a text, however often it stands there: strong 3, fair 2, weak 1. A text is of the variant whose
cues weigh 2 more than the other's at least, and 1.5 times as much; else it is of neither. Both bounds were set on
messages of free software in both variants, which stand in no test.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ftdata.batch import nest
from ftdata.selectors.language.shown import Turns

MARGIN = 2
RATIO = 1.5
_WEIGHTS = {"strong": 3, "fair": 2, "weak": 1}
_READ = 6_000
"""Characters of a conversation that are looked at."""
_LINK = r"(?:https?://|www\.)\S+"
_Array = np.ndarray[Any, Any]
_BETWEEN = r"[^\p{L}\p{M}$€ -]+[^\p{L}\p{M}$€-]*"

VARIANTS: tuple[str, ...] = ("pt-BR", "pt-PT")
"""The variants that are told, in the order of their numbers from 1 on; 0 is neither."""


class _Cues(NamedTuple):
    """Spellings as they stand in a text, the number of the cue that each is of, the weight of each cue."""

    spellings: list[str]
    cue: dict[str, int]
    forms: list[str]
    weights: np.ndarray[tuple[int, int], np.dtype[np.int16]]


@cache
def _cues() -> _Cues:
    """Load the cues, once per process."""
    tables: dict[str, Any] = tomllib.loads(
        files("ftdata.selectors.language").joinpath("variants.toml").read_text("utf-8")
    )
    cue: dict[str, int] = {}
    weights: list[tuple[int, int]] = []

    def add(number: int, weight: int) -> int:
        weights.append((weight, 0) if number == 0 else (0, weight))
        return len(weights) - 1

    forms: list[tuple[int, int, str]] = []
    for number, variant in enumerate(VARIANTS):
        table = tables[variant]
        for level, weight in _WEIGHTS.items():
            for word in _listed(table[level].get("words", "")):
                at = add(number, weight)
                for spelling in (word, _bare(word)):
                    cue[f" {spelling} "] = at
            for word in _listed(table[level].get("exact", "")):
                cue[f" {word} "] = add(number, weight)
            forms += [(number, weight, form) for form in table["forms"].get(level, ())]
    for number, weight, _ in forms:
        add(number, weight)
    return _Cues(sorted(cue), cue, [form for *_, form in forms], np.array(weights, np.int16))


def _listed(words: str) -> list[str]:
    return [word for part in words.split(",") if (word := " ".join(part.split()))]


def _bare(word: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


def variants(asked: pl.Series, given: Turns, rows: _Array) -> _Array:
    """Give the number in `VARIANTS` of the variant of some rows; 0: neither is clear.

    What the user says decides (`asked`, a text for each row), or all that is said where that is not clear.
    """
    found = tell(asked.gather(rows))
    unclear = np.flatnonzero(found == 0)
    if len(unclear):
        whole = nest(given.text, given.offsets).gather(rows[unclear]).list.drop_nulls().list.join(" . ")
        found[unclear] = tell(whole.str.head(_READ).fill_null(""))
    return found


def tell(texts: pl.Series) -> _Array:
    """Give the number in `VARIANTS` of the variant of each text; 0: neither is clear."""
    cues = _cues()
    if (marked := texts.str.contains(r"[\x{300}-\x{36f}]")).any():
        texts = pl.select(pl.when(marked).then(texts.str.normalize("NFC")).otherwise(texts)).to_series()
    shown = texts.str.to_lowercase().str.replace_all(_LINK, " ").str.replace_all(_BETWEEN, " . ")
    shown = pl.select(pl.format(" . {} . ", shown)).to_series()
    found = shown.str.extract_many(cues.spellings, overlapping=True)
    owner = np.repeat(np.arange(len(texts)), found.list.len().to_numpy())
    spelled = found.explode(empty_as_null=False, keep_nulls=False)
    numbers = np.array([cues.cue[spelling] for spelling in spelled.to_list()], np.int64)
    seen = np.unique(owner * len(cues.weights) + numbers)  # a cue counts once
    scores = np.zeros((len(texts), len(VARIANTS)), np.int64)
    np.add.at(scores, seen // len(cues.weights), cues.weights[seen % len(cues.weights)])
    # Where words alone say it twice over, and none speaks against it, the forms are not looked for.
    open_ = np.flatnonzero((scores.max(axis=1) < 2 * MARGIN) | (scores.min(axis=1) > 0))
    rest = shown.gather(open_)
    for at, form in enumerate(cues.forms, len(cues.weights) - len(cues.forms)):
        scores[open_] += np.outer(rest.str.contains(form).to_numpy(), cues.weights[at])
    one, two = scores[:, 0], scores[:, 1]
    first = (one - two >= MARGIN) & (one >= RATIO * two)
    second = (two - one >= MARGIN) & (two >= RATIO * one)
    return np.where(first, 1, np.where(second, 2, 0)).astype(np.uint8)
