"""The balance check measures how evenly rows are spread over classes."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata.batch import Batch, make_batch, to_batches
from ftdata.checks.balance import Balance
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.errors import RunError
from ftdata.stages import Finding


def by_meta(*values: Any, key: str = "category") -> Batch:
    meta = [None if value is ... else json.dumps({key: value, "other": 1}) for value in values]
    return make_batch(len(values), {"row": list(range(len(values))), "meta": meta})


def by_answers(*texts: str | None) -> Batch:
    talks = [
        Conversation(row=i, messages=(user("q"), assistant("x"), user("q"), Message(role="assistant", content=text)))
        for i, text in enumerate(texts)
    ]
    return next(to_batches(talks))


def judged(check: Balance, batch: Batch) -> dict[str, Finding]:
    return {finding.code: finding for finding in check.judge(check.sketch(batch).lazy())}


def test_spread_by_a_meta_field():
    found = judged(
        Balance(by="category", max_share=0.6), by_meta(*["billing"] * 70, *["shipping"] * 25, *["other"] * 5)
    )
    spread = found["balance-spread"].numbers
    assert spread["shares"] == {"billing": 0.7, "shipping": 0.25, "other": 0.05}
    entropy = -sum(p * math.log(p) for p in (0.7, 0.25, 0.05))
    assert spread["effective"] == round(math.exp(entropy), 2)
    assert (spread["classes"], spread["smallest"], spread["largest_share"]) == (3, 5, 0.7)
    assert found["balance-max-share"].level == "warn" and found["balance-max-share"].where == tuple(range(20))
    assert found["balance-min-count"].numbers["classes"] == 1
    assert found["balance-min-count"].where == tuple(range(95, 100))


def test_even_classes_have_one_finding():
    assert list(judged(Balance(by="category"), by_meta(*["a", "b"] * 20))) == ["balance-spread"]


def test_level():
    found = judged(Balance(by="category", level="error"), by_meta(*["a"] * 40))
    assert found["balance-max-share"].level == "error" and found["balance-spread"].level == "info"


def test_rows_without_the_field_are_counted():
    found = judged(Balance(by="category"), by_meta(*["a", "b"] * 10, None, "", ...))
    assert found["balance-spread"].numbers["without"] == 3
    assert found["balance-no-class"].numbers == {"rows": 3}


def test_values_that_are_no_text_are_classes_too():
    found = judged(Balance(by="category", min_count=1), by_meta(*[1, 2, True, ["x"]] * 5))
    assert found["balance-spread"].numbers["shares"] == {"1": 0.25, "2": 0.25, "true": 0.25, '["x"]': 0.25}


def test_a_field_that_no_row_has_is_an_error():
    with pytest.raises(RunError, match="no row has the meta key 'categoria'; keys seen: category, other"):
        judged(Balance(by="categoria"), by_meta("a", "b"))
    with pytest.raises(RunError, match="keys seen: none"):
        judged(Balance(by="categoria"), by_meta(..., ...))


@pytest.mark.parametrize("by", [None, "label"])
def test_spread_by_the_labels_of_the_assistant(by: str | None):
    found = judged(Balance(by=by), by_answers(*["billing", " billing "] * 15, *["shipping"] * 30))
    spread = found["balance-spread"].numbers
    assert (spread["classes"], spread["effective"], spread["smallest"]) == (2, 2.0, 30)
    assert "billing" not in json.dumps([[f.message, dict(f.numbers)] for f in found.values()])


@pytest.mark.parametrize("text", ["x" * 65, "two\nlines", None, " "])
def test_long_answers_are_no_labels(text: str | None):
    assert judged(Balance(), by_answers(*[text] * 30))["balance-no-labels"].level == "info"
    assert judged(Balance(by="label"), by_answers(*[text] * 30))["balance-no-labels"].level == "warn"


def test_different_answers_are_no_labels():
    assert list(judged(Balance(), by_answers(*[f"answer {i}" for i in range(50)]))) == ["balance-no-labels"]


def test_personal_data_is_not_shown_as_a_label():
    values = ["ann@example.com"] * 20 + ["+351 912345678"] * 20 + ["x" * 50] * 20
    shares = judged(Balance(by="category"), by_meta(*values))["balance-spread"].numbers["shares"]
    assert sorted(shares) == sorted(["(class 2)", "(class 1)", "x" * 39 + "…"])


def test_many_classes_are_not_listed():
    found = judged(Balance(by="category"), by_meta(*[f"customer {i}" for i in range(100)]))
    assert "shares" not in found["balance-spread"].numbers
    assert found["balance-spread"].numbers["effective"] == 100


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=80))
def test_effective_classes_lie_between_one_and_the_number_of_classes(values: list[str]):
    spread = judged(Balance(by="category"), by_meta(*values))["balance-spread"].numbers
    counts = Counter(values)
    assert 1 <= spread["effective"] <= len(counts) + 0.01
    assert (spread["classes"], spread["smallest"]) == (len(counts), min(counts.values()))


@given(st.lists(st.sampled_from(["a", "b", None, ...]), min_size=1, max_size=40), st.integers(1, 9))
def test_batches_of_any_size_give_the_same(values: list[Any], size: int):
    check, batch = Balance(by="category"), by_meta("a", *values)
    parts = pl.concat([check.sketch(batch.slice(i, size)) for i in range(0, batch.height, size)])
    assert check.judge(parts.lazy()) == check.judge(check.sketch(batch).lazy())


def test_settings():
    with pytest.raises(ValidationError):
        Balance(max_share=0)
    assert Balance(by="category").reads_meta() == frozenset({"category"})
    assert Balance(by="label").reads_meta() == Balance().reads_meta() == frozenset()
