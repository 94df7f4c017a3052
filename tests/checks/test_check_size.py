"""The size check counts the rows of each split."""

from __future__ import annotations

import polars as pl
import pytest
from pydantic import ValidationError

from ftdata.batch import make_batch
from ftdata.checks.size import Size
from ftdata.stages import Finding


def judged(check: Size, **splits: int) -> list[Finding]:
    named = [None if split == "none" else split for split, count in splits.items() for _ in range(count)]
    return check.judge(check.sketch(make_batch(len(named), {"split": named})).lazy())


@pytest.mark.parametrize(
    ("count", "code", "level"),
    [
        (0, "size-minimum", "error"),
        (9, "size-minimum", "error"),
        (10, "size-useful", "warn"),
        (49, "size-useful", "warn"),
        (50, "size-ideal", "info"),
        (499, "size-ideal", "info"),
        (500, "size-ok", "info"),
    ],
)
def test_levels(count: int, code: str, level: str):
    (found,) = judged(Size(), none=count)
    assert (found.code, found.level, found.numbers["rows"]) == (code, level, count)


def test_only_training_rows_are_judged_and_all_splits_counted():
    found = judged(Size(minimum=5), train=2, none=2, validation=100, test=3)
    assert [(f.code, f.level, f.numbers["rows"]) for f in found] == [
        ("size-minimum", "error", 4),
        ("size-split", "info", 3),
        ("size-split", "info", 100),
    ]


def test_settings():
    (found,) = judged(Size(minimum=1, useful=2, ideal=3), none=3)
    assert found.code == "size-ok"
    with pytest.raises(ValidationError, match="must rise"):
        Size(minimum=100)
    assert Size().reads_meta() == frozenset()


def test_batches_of_any_size_give_the_same():
    batch = make_batch(60, {"split": ["train"] * 55 + ["validation"] * 5})
    parts = pl.concat([Size().sketch(batch.slice(i, 7)) for i in range(0, 60, 7)])
    assert Size().judge(parts.lazy()) == Size().judge(Size().sketch(batch).lazy())
