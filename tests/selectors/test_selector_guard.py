"""The exact search among guarded rows, held against all pairs of Python sets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.selectors.guard import near
from ftdata.similarity.shingles import shingles

TEXT = st.lists(st.sampled_from("abcdeé字"), max_size=12).map(" ".join)


def parts(texts: list[tuple[str, ...]], first: int, size: int) -> Iterator[tuple[Any, list[pl.Series]]]:
    for at in range(0, len(texts), size):
        some = texts[at : at + size]
        columns = [pl.Series(column, dtype=pl.String) for column in zip(*some, strict=True)]
        yield np.arange(first + at, first + at + len(some), dtype=np.uint64), columns


def expected(
    guarded: list[tuple[str, ...]], others: list[tuple[str, ...]], threshold: float, ngram: int
) -> dict[int, set[tuple[int, float]]]:
    """Give all guarded rows that a row is near, with their J."""
    found: dict[int, set[tuple[int, float]]] = {}
    for row, mine in enumerate(others, 500):
        for other, theirs in enumerate(guarded, 9):
            for one, two in zip(mine, theirs, strict=True):
                a, b = shingles(one, ngram), shingles(two, ngram)
                if a and len(a & b) / len(a | b) >= threshold:
                    found.setdefault(row, set()).add((other, len(a & b) / len(a | b)))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(TEXT, TEXT), max_size=20),
    st.lists(st.tuples(TEXT, TEXT), max_size=20),
    st.sampled_from([0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.9, 1.0]),
    st.integers(1, 4),
    st.sampled_from([1, 40, 10**6]),
    st.integers(1, 7),
)
def test_every_pair_at_the_threshold_is_found(
    guarded: list[tuple[str, ...]],
    others: list[tuple[str, ...]],
    threshold: float,
    ngram: int,
    budget: int,
    size: int,
) -> None:
    found = near(parts(guarded, 9, size), lambda: parts(others, 500, size), threshold, ngram, budget=budget)
    wanted = expected(guarded, others, threshold, ngram)
    assert found.keys() == wanted.keys()
    assert all(hit in wanted[row] for row, hit in found.items())


@pytest.mark.parametrize("threshold", [0.6, 0.8])
@pytest.mark.parametrize("budget", [500, 10**9])
def test_a_hot_template_hides_no_pair(threshold: float, budget: int) -> None:
    chance = random.Random(7)
    words = [f"w{number}" for number in range(400)]
    base = chance.choices(words, k=80)

    def filled() -> tuple[str]:
        made = list(base)
        for _ in range(chance.randint(0, 6)):
            made[chance.randrange(80)] = chance.choice(words)
        return (" ".join(made),)

    guarded, others = [filled() for _ in range(110)], [filled() for _ in range(100)]
    wanted = expected(guarded, others, threshold, 5)
    assert len(wanted) > 20 and any(len(hits) > 64 for hits in wanted.values()) == (threshold == 0.6)
    found = near(parts(guarded, 9, 30), lambda: parts(others, 500, 30), threshold, 5, budget=budget)
    assert found == {row: min(hits) for row, hits in wanted.items()}, "the first, as they were given"


def test_many_that_are_half_alike_hide_no_pair() -> None:
    mine = [f"a{n}" for n in range(10)]
    guarded: list[tuple[str, ...]] = [(" ".join(mine[:5] + [f"b{at}x{n}" for n in range(5)]),) for at in range(100)]
    guarded.insert(90, (" ".join(mine[::-1]),))
    found = near(parts(guarded, 9, 30), lambda: parts([(" ".join(mine),)], 500, 30), 0.5, 1)
    assert found == {500: (99, 1.0)}


def test_nothing_is_near_nothing() -> None:
    for guarded, others in (([("",)], [("",)]), ([], [("a",)]), ([("a",)], [])):
        assert near(parts(guarded, 9, 5), lambda others=others: parts(others, 500, 5), 0.5, 5) == {}  # type: ignore[misc]
