"""After how many requests tuning pays: the formula by hand, its laws, and what matters most."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_tables import parse

from ftdata.cost import JobTokens, Money, Plan, Usage, estimate
from ftdata.cost.break_even import Terms, compare, months, requests, saving

MILLION = Decimal(1_000_000)


def terms(**changes: Decimal | int | str | None) -> Terms:
    """Give terms in round numbers; prices as per million tokens."""
    given_ = {
        "preparation": 100,
        "training": 20,
        "monthly": 10,
        "months": 6,
        "prompt": 300,
        "extra": 1_500,
        "answer": 100,
        "tuned_prompt": None,
        "base_input": "1.00",
        "base_cached": "0.25",
        "cache": "0.5",
        "base_output": "2.00",
        "tuned_input": "2.00",
        "tuned_output": "4.00",
        **changes,
    }
    prices = ("base_input", "base_cached", "base_output", "tuned_input", "tuned_output")
    return Terms(
        **{
            name: None if value is None else Decimal(value) / (MILLION if name in prices else 1)  # type: ignore[arg-type]
            for name, value in given_.items()
        }
    )


def test_the_formula_by_hand() -> None:
    # price of a base prompt token: 1.00 x 0.5 + 0.25 x 0.5 = 0.625 / 1M
    # base:  (300 + 1,500) x 0.625 + 100 x 2.00 = 1,125 + 200 = 1,325 / 1M
    # tuned:  300 x 2.00 + 100 x 4.00           =   600 + 400 = 1,000 / 1M
    # saving: 325 / 1M; fixed: 100 + 20 + 6 x 10 = 180; 180 / 0.000325 = 553,846.2: 553,847 requests
    assert saving(terms()) == Decimal("0.000325")
    assert requests(terms()) == 553_847
    # 100,000 a month: 32.50 saved less 10 of hosting = 22.50; (100 + 20) / 22.50 = 5.33 months
    assert months(terms(), Decimal(100_000)) == Decimal(120) / Decimal("22.5")
    # 30,000 a month save 9.75, less than the hosting
    assert months(terms(), Decimal(30_000)) is None


def test_with_a_free_cache_it_is_the_plain_formula() -> None:
    # (300 + 1,500) x 1.00 x (1 - 0.5) + 200 - 1,000 = 900 + 200 - 1,000 = 100 / 1M
    assert saving(terms(base_cached=0)) == Decimal("0.0001")


def test_a_prompt_of_its_own_for_the_tuned_model() -> None:
    # 50 x 2.00 + 400 = 500: 1,325 - 500 = 825 / 1M
    assert saving(terms(tuned_prompt=50)) == Decimal("0.000825")


def test_no_saving_is_never() -> None:
    # without examples the tuned model is only dearer: 300 x 0.625 + 200 - 1,000 < 0
    dear = compare("the same", "nothing", "USD", terms(extra=0), Decimal(1_000_000))
    assert dear.never and dear.requests == (None, None, None)
    assert dear.months == (None, None, None)
    assert dear.saving is not None and dear.saving < 0
    # a saving of exactly 0 is none: 1,280 x 0.625 + 200 = 1,000
    even = terms(extra=980)
    assert saving(even) == 0 and requests(even) is None


def test_the_sensitivity_changes_each_input_alone_and_is_sorted() -> None:
    found = compare("x", "the examples", "USD", terms(), None)
    by_name = {effect.input: effect for effect in found.effects}
    # training 14 and 26 in the place of 20: 174 and 186 / 0.000325
    assert (by_name["cost of training"].less, by_name["cost of training"].more) == (535_385, 572_308)
    # examples 1,050 and 1,950: (1,350 x 0.625 + 200 - 1,000 = 43.75; 2,250 x 0.625 - 800 = 606.25) / 1M
    assert (by_name["tokens of the examples"].less, by_name["tokens of the examples"].more) == (4_114_286, 296_908)
    # the tuned prompt follows the prompt: 210 and 390
    assert by_name["tokens of the prompt"].less == requests(terms(prompt=210))
    assert "tokens of the tuned model's prompt" not in by_name
    spreads = [effect.spread for effect in found.effects]
    assert spreads == sorted(spreads, reverse=True) and found.effects[0].input == "tokens of the examples"
    # least and most of all: both come of the examples here
    assert found.requests == (296_908, 553_847, 4_114_286)


def test_an_input_that_decides_whether_it_pays_at_all_matters_most() -> None:
    # 1,400 x 0.625 + 200 - 1,000 = 75 / 1M; tuned input 30 % dearer: 75 - 180 < 0
    found = compare("x", "the examples", "USD", terms(extra=1_100), None)
    assert found.requests is not None and found.requests[1:] == (2_400_000, None)
    assert found.effects[0].spread == inf
    assert "tuned price of input" in [effect.input for effect in found.effects if effect.more is None]


def test_a_share_from_the_cache_stays_a_share() -> None:
    found = compare("x", "y", "USD", terms(cache="0.9"), None)
    effect = next(e for e in found.effects if e.input == "share read from the cache")
    assert effect.more == requests(terms(cache=1))


amounts = st.decimals(0, 1_000, places=2)
prices = st.decimals(0, 20, places=3)
tokens = st.integers(0, 5_000)


@settings(max_examples=200, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("preparation", "training", "monthly"), amounts)), st.data())
def test_laws_of_the_break_even(money: dict[str, Decimal], data: st.DataObject) -> None:
    given_: dict[str, Decimal | int] = {name: data.draw(tokens) for name in ("prompt", "extra", "answer")}
    given_ |= {name: data.draw(prices) for name in ("base_input", "base_output", "tuned_input", "tuned_output")}
    cache = data.draw(st.decimals(0, 1, places=2))
    some = terms(**money, **given_, cache=cache, base_cached=0, tuned_prompt=data.draw(st.none() | tokens))
    each, needed = saving(some), requests(some)
    assert (needed is None) == (each <= 0)
    assert needed is None or needed >= 0
    if needed is not None:
        fixed = some.preparation + some.training + some.monthly * some.months
        assert needed * each >= fixed > (needed - 1) * each or needed == 0
    # Dearer training never pays sooner, a longer prompt on the other side never later.
    dearer = requests(replace(some, training=some.training + 1))
    assert needed is None or (dearer is not None and dearer >= needed)
    longer = requests(replace(some, extra=some.extra + 100))
    assert needed is None or (longer is not None and longer <= needed)
    found = compare("x", "y", "USD", some, Decimal(10_000))
    assert found.requests is not None
    low, base, high = (inf if value is None else value for value in found.requests)
    assert 0 <= low <= base <= high
    assert found.months is not None
    assert all(value is None or value >= 0 for value in found.months)


TABLE = """
[source.s]
url = "https://example.com/prices"
date = 2026-11-20
evidence = "page"
[[price]]
vendor = "openai"
model = "m"
source = "s"
currency = "USD"
unit = "1M tokens"
training = 3.00
input = 2.00
output = 4.00
base-input = 1.00
base-cached-input = 0.25
base-output = 2.00
[[price]]
vendor = "openai"
model = "large"
source = "s"
currency = "USD"
unit = "1M tokens"
base-input = 10.00
base-output = 20.00
[[price]]
vendor = "gemini"
model = "g"
source = "s"
currency = "USD"
unit = "1M tokens"
training = 5.00
base-input = 1.00
base-output = 2.00
"""
ROWS = JobTokens.of([1_000_000])


def of(plan: Plan) -> list[object]:
    found = estimate(ROWS, plan, parse(TABLE, "t.toml", date(2026, 11, 22)))
    return [(one.against, one.saving, one.requests and one.requests[1], one.unknown) for one in found.alternatives]


def test_a_job_against_examples_and_against_retrieval() -> None:
    # training 1,000,000 x 3.00 = 3.00
    # examples:  (300 + 1,500) x 1.00 + 100 x 2.00 - (300 x 2.00 + 100 x 4.00) = 1,000 / 1M: 3 / 0.001 = 3,000 requests
    # passages:  (300 +   600) x 1.00 + 200 - 1,000 = 100 / 1M: 30,000 requests
    plan = Plan(vendor="openai", model="m", epochs=1, usage=Usage(prompt=300, answer=100, few_shot=1_500, rag=600))
    assert of(plan) == [
        ("a prompt with examples", Decimal("0.001"), 3_000, ""),
        ("retrieval", Decimal("0.0001"), 30_000, ""),
    ]


def test_a_small_tuned_model_against_a_large_one() -> None:
    # 300 x 10.00 + 100 x 20.00 - 1,000 = 4,000 / 1M: 3 / 0.004 = 750 requests
    plan = Plan(vendor="openai", model="m", base_model="large", epochs=1, usage=Usage(prompt=300, answer=100))
    assert of(plan) == [("the same prompt on the base model", Decimal("0.004"), 750, "")]


def test_where_a_tuned_model_costs_what_its_base_costs() -> None:
    # Gemini: 1,000 x 1.00 = 1,000 / 1M saved; 5.00 / 0.001 = 5,000 requests
    plan = Plan(vendor="gemini", model="g", epochs=1, usage=Usage(prompt=300, answer=100, few_shot=1_000))
    assert of(plan) == [("a prompt with examples", Decimal("0.001"), 5_000, "")]


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"vendor": "openai", "model": "other"}, "not known: price of base input"),
        ({"vendor": "openai", "model": "m", "evaluation_runs": 1}, "not known: cost of evaluation"),
        (
            {"vendor": "openai", "model": "m", "labelling_hours": 1, "labelling_rate": Money(Decimal(40), "EUR")},
            "amounts in EUR and USD are not converted",
        ),
    ],
)
def test_what_is_not_known_keeps_the_break_even_unknown(plan: dict[str, object], why: str) -> None:
    found = of(Plan(**plan, usage=Usage(prompt=300, answer=100, few_shot=1_500)))
    assert [one[1:3] for one in found] == [(None, None)]  # type: ignore[index]
    assert why in str(found)


def test_a_cache_without_a_price_is_not_taken_to_be_free() -> None:
    usage = Usage(prompt=300, answer=100, cache_share=Decimal("0.5"))
    found = of(Plan(vendor="openai", model="m", base_model="large", epochs=1, usage=usage))
    assert "price of base cached" in str(found)


def test_retraining_and_hosting_count_every_month() -> None:
    # 12 months, trained anew every 6: 3.00 once, 3.00 more = 0.25 a month. Saving 0.001 x 1,000 a month = 1.00.
    # months: 3.00 / (1.00 - 0.25) = 4; requests within the 12 months: (3.00 + 3.00) / 0.001 = 6,000
    usage = Usage(prompt=300, answer=100, few_shot=1_500, requests=Decimal(1_000))
    plan = Plan(vendor="openai", model="m", epochs=1, months=Decimal(12), retrain_months=Decimal(6), usage=usage)
    found = estimate(ROWS, plan, parse(TABLE, "t.toml", date(2026, 11, 22))).alternatives[0]
    assert found.requests is not None and found.requests[1] == 6_000
    assert found.months is not None and found.months[1] == 4
