"""Do two answers say the same? Numbers, ids and placeholders do not count; a yes for a no does.

Two answers are the same if, masked, they are equal or their own Jaccard is at or above the threshold and none of the
words that differ turns the meaning (`not`, `nunca`, `sin`). Where one of the two is empty there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from ftdata.batch import Batch
from ftdata.similarity.shingles import spoken
from ftdata.similarity.sketch import sets, sketch
from ftdata.similarity.verify import BUDGET, Read, Shingles

_Array = np.ndarray[Any, Any]

POLAR = tuple(
    "not no nor never none neither cannot without t nt don doesn didn isn aren wasn won couldn wouldn shouldn dont "
    "cant wont isnt yes "
    "não nao nunca jamais nem sem nenhum nenhuma tampouco sim "
    "jamás jamas ni sin ningún ningun ninguno ninguna tampoco nada sí si".split()
)
"""Words that turn an answer, in English (`don't` is read as `don` and `t`), Portuguese and Spanish."""

_MASKED = "|".join(
    (
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"[\[<{]+[A-Z][A-Z0-9_ -]*[\]>}]+|\{\{[^{}]*\}\}",
        # Any word with a digit in it, with what hangs on it: 12.345,67 · LM-20418 · 10:30 · A7F-3B-C.
        r"(?:\w+[-_])*\w*\d\w*(?:[-.,:/_]\w*\d\w*|-\w+)*",
    )
)
_SEVERAL = r"\b0(?:[\s.,:/()+-]+0\b)+"


def masked(texts: pl.Series) -> pl.Series:
    """Put one sign (`0`) for each e-mail address, placeholder such as [ORDER_1], number and id, and for runs of them.

    >>> masked(pl.Series(["Order LM-20418 of 3 May: +1 555 010 9999, see [URL_2]"])).to_list()
    ['Order 0 of 0 May: 0, see 0']
    """
    bare = texts.str.replace_all(_MASKED, "0")
    return bare.str.replace_all(_SEVERAL, "0")


def questions(batch: Batch, least: int = 0) -> pl.Series:
    """Give what is asked in each row that has an answer, masked; empty where there is none, or of fewer words."""
    asked = masked(spoken(batch, ("user",)))
    fit = spoken(batch, ("assistant",)).str.strip_chars() != ""
    if least:
        fit &= asked.str.count_matches(r"\p{L}+") >= least
    return pl.select(pl.when(fit).then(asked).otherwise(pl.lit("")).alias("asked")).to_series()


def reading(take: Callable[[Iterable[int]], Iterable[Batch]], texts: Callable[[Batch], pl.Series]) -> Read:
    """Make what reads rows again by their numbers: `take` gives them, `texts` what they say."""

    def read(numbers: Iterable[int]) -> Iterator[tuple[_Array, pl.Series]]:
        return ((batch["row"].to_numpy(), texts(batch)) for batch in take(numbers))

    return read


def identity(texts: pl.Series, ngram: int) -> _Array:
    """Give a number for each answer, equal for answers that are equal when masked; 0 for an empty one."""
    made = sketch(masked(texts), ngram)
    number = made["hi"].to_numpy() ^ made["lo"].to_numpy()
    return np.where(made["count"].to_numpy() > 0, number, np.uint64(0))


def differing(words: int) -> str:
    """Say how many words differ, for a note."""
    return "1 word differs" if words == 1 else f"{words} words differ"


class Answers:
    """The answers of rows, read again when two of them are to be compared.

    `rows` are the rows' numbers, `chars` the length of each answer; a row is known by its place in them.
    """

    def __init__(
        self,
        rows: _Array,
        chars: _Array,
        read: Read,
        threshold: float,
        ngram: int,
        tick: Callable[[], None],
        budget: int = BUDGET // 2,
    ) -> None:
        def hidden(numbers: Iterable[int]) -> Iterator[tuple[_Array, pl.Series]]:
            return ((found, masked(texts)) for found, texts in read(numbers))

        self.threshold = threshold
        most = chars // 4 + 1
        marks = np.unique(sets(pl.Series(POLAR), 1)[0])
        self.shingles = Shingles(rows, most, hidden, ngram, tick, budget)
        self.words = Shingles(rows, most, hidden, 1, tick, budget, marks)

    def same(self, one: _Array, other: _Array) -> _Array:
        """Say of each pair whether the answers are the same."""
        shared = self.shingles.shared(one, other)
        left, right = (self.shingles.size[side].astype(np.int64) for side in (one, other))
        same: _Array = (left == 0) | (right == 0) | ((shared == left) & (shared == right))
        asked = np.flatnonzero(~same & (shared >= self.threshold * (left + right - shared)))
        if len(asked):
            self.words.shared(one[asked], other[asked])
            same[asked] = (self.words.marked[one[asked]] == self.words.marked[other[asked]]).all(axis=1)
        return same

    def differing(self, one: _Array, other: _Array) -> _Array:
        """Give how many words of one answer are missing in the other: the larger of both counts."""
        shared = self.words.shared(one, other)
        longer: _Array = np.maximum(self.words.size[one], self.words.size[other]).astype(np.int64) - shared
        return longer
