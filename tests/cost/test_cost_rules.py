"""Every vendor's billing rule on small examples whose arithmetic stands beside them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from price_tables import parse

from ftdata.cost import Estimate, JobTokens, Money, Plan, Range, estimate
from ftdata.cost.billing import cookbook_epochs
from ftdata.cost.prices import load
from ftdata.cost.vendors import vendors
from ftdata.errors import RecipeError
from ftdata.targets import names

TODAY = date(2026, 11, 22)
# Round prices of our own, so that the arithmetic can be done by hand.
TABLE = """
[source.s]
url = "https://example.com/prices"
date = 2026-11-20
evidence = "page"
"""


def line(vendor: str, unit: str = "1M tokens", model: str = "m", **amounts: str) -> str:
    values = "\n".join(f"{what.replace('_', '-')} = {amount}" for what, amount in amounts.items())
    about = f'vendor = "{vendor}"\nmodel = "{model}"\nsource = "s"\ncurrency = "USD"\nunit = "{unit}"'
    return f"[[price]]\n{about}\n{values}\n"


def made(table: str, rows: JobTokens, vendor: str, **plan: Any) -> Estimate:
    return estimate(
        rows, Plan(vendor=vendor, model=plan.pop("model", "m"), **plan), parse(TABLE + table, "t.toml", TODAY)
    )


def amounts(found: Estimate) -> dict[str, Decimal | None]:
    return {item.name: None if item.amount is None else item.amount.base for item in found.items}


@pytest.mark.parametrize(
    ("rows", "epochs"),
    [
        (1, 25),  # 100 // 1 = 100, at most 25
        (4, 25),  # 100 // 4 = 25
        (5, 20),  # 100 // 5
        (10, 10),  # 100 // 10
        (33, 3),  # 3 x 33 = 99 < 100: 100 // 33
        (34, 3),  # 3 x 34 = 102: the target
        (8_333, 3),  # 3 x 8,333 = 24,999: the target
        (8_334, 2),  # 3 x 8,334 = 25,002 > 25,000: 25,000 // 8,334
        (12_500, 2),
        (12_501, 1),
        (30_000, 1),  # 25,000 // 30,000 = 0, at least 1
    ],
)
def test_default_epochs_are_those_of_the_cookbook(rows: int, epochs: int) -> None:
    assert cookbook_epochs(rows) == epochs
    # The notebook, word for word (commit b774cbf1).
    n_epochs = 3
    if rows * 3 < 100:
        n_epochs = min(25, 100 // rows)
    elif rows * 3 > 25_000:
        n_epochs = max(1, 25_000 // rows)
    assert cookbook_epochs(rows) == n_epochs


def test_openai_bills_each_row_up_to_its_limit_every_epoch() -> None:
    # 40 rows of 1,000 tokens and one of 70,000, of which 65,536 count (gpt-4o-mini's tokens per example).
    # 41 rows: 3 epochs. 3 x (40,000 + 65,536) = 316,608 tokens. x 3.00 / 1,000,000 = 0.949824 USD.
    rows = JobTokens.of([1_000] * 40 + [70_000])
    found = made(line("openai", model="gpt-4o-mini", training="3.00"), rows, "openai", model="gpt-4o-mini-2024-07-18")
    assert (found.epochs, found.billed) == (3, Range.exact(316_608))
    assert amounts(found) == {"training": Decimal("0.949824")}
    assert "1 rows are cut" in found.billed_how


def test_openai_takes_a_stated_limit_and_says_when_it_knows_none() -> None:
    rows = JobTokens.of([100, 500])
    # 2 x (100 + 200) = 600
    assert made("", rows, "openai", epochs=2, context=200).billed == Range.exact(600)
    # An unknown model is not cut: 2 x 600 = 1,200
    found = made("", rows, "openai", epochs=2)
    assert found.billed == Range.exact(1_200) and "not known" in found.billed_how


def test_validation_rows_are_not_billed_by_openai() -> None:
    rows = JobTokens.of([100], [10_000])
    assert made("", rows, "openai", epochs=1, evals=5).billed == Range.exact(100)


def test_together_bills_epochs_and_evaluations() -> None:
    # 2 x 1,000,000 + 10 x 100,000 = 3,000,000 tokens x 0.48 / 1,000,000 = 1.44 USD
    rows = JobTokens.of([500_000, 500_000], [100_000])
    found = made(line("together", training="0.48"), rows, "together", epochs=2, evals=10)
    assert found.billed == Range.exact(3_000_000)
    assert amounts(found)["training"] == Decimal("1.44")


def test_together_equals_the_worked_example_of_its_documentation() -> None:
    # "context_length 8192 x batch_size 8 x 1000 steps" = 65,536,000, and "1M tokens with n_evals=10 adds another 10M":
    # 75,536,000 tokens.
    rows = JobTokens.of([8_192] * 8_000, [1_000_000])
    assert made("", rows, "together", epochs=1, evals=10).billed == Range.exact(75_536_000)


def test_together_without_packing_bills_whole_sequences() -> None:
    # 3 x (4 rows x 2,048) + 1 x 50 = 24,626, however short the rows are
    rows = JobTokens.of([10, 20, 30, 40], [50])
    plan = {"epochs": 3, "evals": 1, "packing": False}
    assert made("", rows, "together", max_seq_length=2_048, **plan).billed == Range.exact(24_626)
    lacking = made(line("together", training="0.48"), rows, "together", **plan)
    assert lacking.billed is None and amounts(lacking)["training"] is None
    assert "--max-seq-length" in lacking.unknown[0]


def test_together_trains_once_by_default_and_hosting_is_left_out_by_name() -> None:
    found = made(line("together", training="0.48"), JobTokens.of([100] * 50), "together")
    assert found.epochs == 1
    assert any("--hosting-hours" in text for text in found.left_out)


AZURE = line("azure", training="2.00") + line("azure", "hour", hosting="1.70")


def test_azure_equals_the_worked_examples_of_its_guide() -> None:
    # Training: "$2 / 1M tokens x 1M training tokens x 2 epochs = $4". Hosting of a month: 1.70 x 30 x 24 = 1,224.
    rows = JobTokens.of([2_000] * 500, [2_000] * 20)
    found = made(AZURE, rows, "azure", epochs=2, hosting_hours=720)
    assert amounts(found) == {"training": Decimal(4), "hosting": Decimal(1_224)}
    assert found.totals == {"USD": Range.exact(1_228)}


def test_azure_hosts_by_the_hour_even_when_nobody_asks() -> None:
    # 730 hours a month x 2 months x 1.70 = 2,482
    found = made(AZURE, JobTokens.of([1_000_000]), "azure", epochs=1, months=2)
    assert amounts(found) == {"training": Decimal(2), "hosting": Decimal(2_482)}
    assert any("15 days" in note.text for note in found.vendor.notes)


def test_azure_tiers() -> None:
    # Global: 10 to 30 % off the regional rate. 2 USD x 0.7, 0.8, 0.9. Developer: half of global.
    rows = JobTokens.of([1_000_000])
    of_tier = {
        tier: next(i for i in made(AZURE, rows, "azure", epochs=1, tier=tier).items if i.name == "training").amount
        for tier in ("regional", "global", "developer")
    }
    assert of_tier == {
        "regional": Range.exact(2),
        "global": Range(Decimal("1.4"), Decimal("1.6"), Decimal("1.8")),
        "developer": Range(Decimal("0.7"), Decimal("0.8"), Decimal("0.9")),
    }
    with pytest.raises(RecipeError, match=r"no 'spot' training .*regional, global, developer"):
        made(AZURE, rows, "azure", tier="spot")
    with pytest.raises(RecipeError, match="no 'global' training"):
        made("", rows, "openai", tier="global")


def test_fireworks_prices_by_size_and_method() -> None:
    # 3 x 1,000,000 tokens at 0.50 = 1.50 USD; preferences at 1.00 = 3.00 USD; 14B lies in "up to 16B"
    table = """
[[price]]
vendor = "fireworks"
model = "up-to-16b"
up_to = 16
source = "s"
currency = "USD"
unit = "1M tokens"
training = 0.50
training-dpo = 1.00
[[price]]
vendor = "fireworks"
model = "16b-to-80b"
above = 16
up_to = 80
source = "s"
currency = "USD"
unit = "1M tokens"
training = 3.00
""" + line("fireworks", "hour", "*", hosting="8.00")
    rows = JobTokens.of([1_000_000])

    def training(model: str, **plan: Any) -> Decimal | None:
        return amounts(made(table, rows, "fireworks", model=model, epochs=3, **plan))["training"]

    assert training("qwen2p5-14b-instruct") == Decimal("1.5")
    assert training("accounts/fireworks/models/llama-v3p1-8b-instruct", method="dpo") == 3
    assert training("llama-v3p1-70b") == 9
    assert training("qwen3-30b-a3b") == 9  # of two sizes the whole model's
    assert training("up-to-16b") == Decimal("1.5")
    assert training("mixtral-8x7b") is None  # 7 would be wrong, and 56 a guess
    assert training("kimi") is None
    assert training("llama-v3p1-70b", method="dpo") is None
    # 20 hours a month x 3 months x 8.00 = 480
    assert amounts(made(table, rows, "fireworks", model="up-to-16b", hosting_hours=20, months=3))["hosting"] == 480


def test_gemini_and_nova_bill_all_tokens_every_epoch() -> None:
    # 4 x 250,000 = 1,000,000 tokens: x 5.00 / 1M = 5.00; x 0.001 / 1K = 1.00, and 3 months of storage at 1.95 = 5.85
    rows = JobTokens.of([100_000, 150_000])
    assert amounts(made(line("gemini", training="5.00"), rows, "gemini", epochs=4)) == {"training": Decimal(5)}
    table = line("nova", "1K tokens", training="0.001") + line("nova", "month", storage="1.95")
    assert amounts(made(table, rows, "nova", epochs=4, months=3)) == {
        "training": Decimal(1),
        "storage": Decimal("5.85"),
    }


def test_mistral_has_a_least_price_and_a_fee_for_keeping() -> None:
    table = (
        line("mistral", training="2.00")
        + line("mistral", "job", minimum="4.00")
        + line("mistral", "month", storage="2.00")
    )
    # 1,000,000 tokens x 2.00 = 2.00, lifted to 4.00; 3,000,000 x 2.00 = 6.00 stays
    assert amounts(made(table, JobTokens.of([1_000_000]), "mistral", epochs=1)) == {"training": 4, "storage": 2}
    assert amounts(made(table, JobTokens.of([3_000_000]), "mistral", epochs=1))["training"] == 6
    unpriced = line("mistral", "job", minimum="4.00") + line("mistral", training='"unknown"')
    found = made(unpriced, JobTokens.of([10]), "mistral")
    assert amounts(found)["training"] is None and "at least 4.00 USD" in found.unknown[0]


def test_local_training_is_time_at_a_measured_speed() -> None:
    # 3 x 1,200,000 = 3,600,000 tokens / 1,000 a second = 3,600 s = 1 h x 2.50 EUR = 2.50 EUR.
    # Power: 1 h x 700 W = 0.7 kWh x 0.30 EUR = 0.21 EUR.
    rows = JobTokens.of([1_200_000])
    found = made(
        "",
        rows,
        "local",
        epochs=3,
        tokens_per_second=1_000,
        gpu_rate=Money(Decimal("2.50"), "EUR"),
        watts=700,
        power_rate=Money(Decimal("0.30"), "EUR"),
    )
    assert {name: round(amount or 0, 9) for name, amount in amounts(found).items()} == {
        "training": Decimal("2.5"),
        "power": Decimal("0.21"),
    }
    assert made("", rows, "trl", epochs=3).vendor.name == "local"


def test_local_training_without_a_measured_speed_is_unknown() -> None:
    found = made("", JobTokens.of([10]), "local", gpu_rate=Money(Decimal(2), "EUR"))
    assert amounts(found) == {"training": None} and "--tokens-per-second" in found.unknown[0]
    assert any("--watts" in text for text in found.left_out)


def test_what_is_easily_forgotten() -> None:
    # Training 1,000,000 x 3.00 = 3.00. Labelling 5 h x 40 = 200. Every 3 months within 12: 4 trainings, 3 more: 9.
    # Evaluation, 2 runs of 1,000 validation tokens, 200 of them learnt: 2 x (800 x 1.00 + 200 x 2.00) / 1M = 0.0024.
    rows = JobTokens(**{**JobTokens.of([1_000_000], [1_000]).__dict__, "trained": JobTokens.of([1], [200]).trained})
    table = line("openai", training="3.00", input="1.00", output="2.00")
    found = made(
        table,
        rows,
        "openai",
        epochs=1,
        months=12,
        retrain_months=3,
        labelling_hours=5,
        labelling_rate=Money(Decimal(40), "USD"),
        evaluation_runs=2,
    )
    assert amounts(found) == {
        "training": Decimal(3),
        "labelling": Decimal(200),
        "evaluation": Decimal("0.0024"),
        "retraining": Decimal(9),
    }
    assert found.left_out == ()


def test_what_cannot_be_counted_is_unknown_and_never_nothing() -> None:
    rows = JobTokens.of([10])
    found = made(line("openai", training="3.00"), rows, "openai", evaluation_runs=1, labelling_hours=3)
    assert amounts(found)["evaluation"] is None and amounts(found)["labelling"] is None
    assert found.totals == {"USD": None}
    assert amounts(made("", rows, "openai")) == {"training": None}
    assert made("", rows, "openai").totals == {"": None}


def test_currencies_are_added_up_apart() -> None:
    table = line("openai", training="3.00")
    found = made(
        table,
        JobTokens.of([1_000_000]),
        "openai",
        epochs=1,
        labelling_hours=1,
        labelling_rate=Money(Decimal(40), "EUR"),
    )
    assert found.totals == {"EUR": Range.exact(40), "USD": Range.exact(3)}


def test_an_estimated_count_gives_a_range() -> None:
    # 1,000,000 tokens, 30 % either way, x 3.00
    found = made(line("openai", training="3.00"), JobTokens.of([1_000_000], estimated=True), "openai", epochs=1)
    assert found.billed == Range(Decimal(700_000), Decimal(1_000_000), Decimal(1_300_000))
    assert found.totals == {"USD": Range(Decimal("2.1"), Decimal(3), Decimal("3.9"))}
    # What is cut at the limit is cut in the range too: 3 x 65,536 at most.
    capped = made("", JobTokens.of([60_000], estimated=True), "openai", epochs=3, context=65_536).billed
    assert capped is not None and (int(capped.base), int(capped.high)) == (180_000, 196_608)


def test_the_end_of_a_target_is_told_with_its_day() -> None:
    notes = " ".join(note.text for note in made("", JobTokens.of([1]), "openai").notes)
    assert "from 2027-01-06: " in notes and "from 2027-01-14: " in notes


def test_every_target_has_a_bill_or_is_said_to_have_none() -> None:
    known = {name for one in vendors() for name in (one.name, *one.also)}
    assert set(names()) <= known
    for one in vendors():
        assert one.rule == "unknown" or one.url
        assert one.rule in ("unknown", "local") or one.checked
    with pytest.raises(RecipeError, match="did you mean 'openai'"):
        made("", JobTokens.of([1]), "opneai")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 200_000), min_size=1, max_size=30), st.lists(st.integers(0, 5_000), max_size=5), st.data()
)
def test_more_tokens_or_epochs_never_cost_less(train: list[int], validation: list[int], data: st.DataObject) -> None:
    table = load(TODAY)
    vendor, model = data.draw(
        st.sampled_from(
            [
                ("openai", "gpt-4.1"),
                ("together", "x-8b"),
                ("fireworks", "x-70b"),
                ("azure", "x"),
                ("mistral", "x"),
                ("local", "x"),
            ]
        )
    )
    epochs, evals = data.draw(st.integers(1, 50)), data.draw(st.integers(0, 5))
    more = [count + data.draw(st.integers(0, 90_000)) for count in train]
    local = {"tokens_per_second": 500, "gpu_rate": Money(Decimal(2), "EUR")}

    def of(rows: list[int], epochs: int, estimated: bool = False) -> Estimate:
        plan = Plan(vendor=vendor, model=model, epochs=epochs, evals=evals, **(local if vendor == "local" else {}))
        return estimate(JobTokens.of(rows, validation, estimated=estimated), plan, table)

    base = of(train, epochs)
    for larger in (of(more, epochs), of(train, epochs + 1), of([*train, 7], epochs)):
        assert base.billed is not None and larger.billed is not None
        assert larger.billed.base >= base.billed.base
        for one, other in zip(base.items, larger.items, strict=True):
            assert one.amount is None or (other.amount is not None and other.amount.base >= one.amount.base >= 0)
    guess = of(train, epochs, estimated=True)
    for item in guess.items:
        assert item.amount is None or 0 <= item.amount.low <= item.amount.base <= item.amount.high
