"""The measures give what outside packages give (benchmarks/evaluation_oracles.py keeps their answers)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import pairs
from scipy.stats import bootstrap

from ftdata.evaluation import scores
from ftdata.evaluation.statistics import interval, mcnemar, share

ORACLE: dict[str, Any] = json.loads(Path(__file__).with_name("oracles.json").read_text())
PAIRS = pairs()
TEXTS = st.text(st.sampled_from("ab c.é{}1\n"), max_size=12)


@pytest.mark.parametrize("name", ["f1", "rouge_l"])
def test_a_thousand_pairs_score_as_outside(name: str):
    ours = [getattr(scores, name)(answer, right) for answer, right in PAIRS]
    assert ours == pytest.approx(ORACLE["scores"][name], abs=2e-9)
    assert len(ours) == 1000 and len({round(score, 3) for score in ours}) > 50


def test_rouge_of_plain_english_is_that_of_the_package_itself():
    told = [(at, a, r) for at, (a, r) in enumerate(PAIRS) if (a + r).isascii() and "_" not in a + r]
    assert len(told) > 100
    for at, answer, right in told:
        assert scores.rouge_l(answer, right) == pytest.approx(ORACLE["scores"]["rouge_l_ascii"][at], abs=2e-9)


def test_chrf_is_that_of_the_package():
    pytest.importorskip("sacrebleu")
    ours = [scores.chrf(answer, right) for answer, right in PAIRS[:200]]
    assert ours == pytest.approx(ORACLE["scores"]["chrf"][:200], abs=2e-9)


def test_mcnemar_is_that_of_statsmodels():
    for one, other, p in ORACLE["mcnemar"]:
        assert mcnemar(one, other) == pytest.approx(p, rel=1e-9)


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(5).exponential(size=200)
    found = interval(values)
    theirs = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert found.mean == values.mean()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)
    assert interval(values) == found != interval(values, seed=1)
    assert interval(np.ones(5)) == (1, 1, 1) and np.isnan(interval(np.zeros(0)).mean)


def test_the_interval_holds_the_mean_nineteen_times_of_twenty():
    draw = np.random.default_rng(8)
    held = sum(
        low <= 0.3 <= high
        for _, low, high in (interval((draw.random(80) < 0.3) * 1.0, resamples=500) for _ in range(400))
    )
    assert 360 <= held <= 396  # 380 expected; the percentile method is a little too narrow


def test_a_share_of_nothing_or_all_has_an_interval():
    assert share(0, 60).low == 0 < share(0, 60).high < 0.07
    assert 0.93 < share(60, 60).low < share(60, 60).high == 1


@given(TEXTS, TEXTS)
def test_scores_are_shares_and_one_for_equal_texts(answer: str, wanted: str):
    for score in (scores.exact, scores.f1, scores.rouge_l, scores.fields, scores.same_value):
        assert 0 <= score(answer, wanted) <= 1
    assert scores.exact(answer, answer) == scores.f1(answer, answer) == 1


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSONS, JSONS)
def test_values_are_compared_not_their_spelling(one: Any, other: Any):
    spelt, again = json.dumps(one), json.dumps(one, indent=2, ensure_ascii=False)
    assert scores.same_value(again, spelt) == scores.fields(again, spelt) == scores.valid(again) == 1
    assert (scores.same_value(json.dumps(other), spelt) == 1) == (scores.fields(json.dumps(other), spelt) == 1)


def test_fields_are_counted_one_by_one():
    right = '{"a": 1, "b": {"c": "x", "d": [1, 2]}}'
    assert scores.fields('{"a": 1, "b": {"c": "y", "d": [1, 2]}}', right) == 3 / 4
    assert scores.fields('{"a": 1, "b": {"c": "x", "d": [1, 2]}, "e": 0}', right) == 4 / 5
    assert scores.fields('{"a": true, "b": {"c": "x", "d": [1, 2]}}', right) == 3 / 4
    assert scores.fields("```json\n{}\n```", right) == 0 == scores.valid("{'a': 1}") == scores.valid("NaN")
