"""The table of prices: dated, sourced, laid over, and every fault of a file at once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from price_tables import parse

import ftdata
from ftdata.cost import Estimate, JobTokens, Money, Plan, estimate, load, money, refusals
from ftdata.cost.price_file import EVIDENCE, FACTORS, WHAT, read
from ftdata.cost.prices import STALE_DAYS
from ftdata.cost.vendors import vendors
from ftdata.errors import InputError, RecipeError

TODAY = date(2026, 11, 22)
SHIPPED = Path(ftdata.__file__).parent / "cost" / "prices.toml"
OWN = """
[[price]]
vendor = "openai"
model = "gpt-4o-mini"
currency = "EUR"
unit = "1M tokens"
url = "our contract 4711"
date = 2026-11-20
training = 2.50
"""


def priced(day: date = TODAY, text: str = OWN, amount: int = 1_000_000) -> Estimate:
    plan = Plan(vendor="openai", model="gpt-4o-mini", epochs=1)
    return estimate(JobTokens.of([1_000] * (amount // 1_000)), plan, parse(text, "own.toml", day))


def test_the_table_that_comes_along_loads_and_says_where_each_value_stands() -> None:
    table = load(TODAY)
    own = {block.vendor for block in read(SHIPPED.read_text("utf-8"), "prices.toml", date.max)}
    assert {"openai", "azure", "together", "fireworks", "gemini", "nova", "mistral"} <= own
    assert own <= {one.name for one in vendors()}
    for vendor in own:
        for model in (*table.models(vendor), "*"):
            for what in WHAT:
                price = table.find(vendor, model, what)
                if price is not None:
                    assert price.url.startswith("https://") and price.date <= TODAY and price.evidence in EVIDENCE
                    assert price.amount is None or (price.amount > 0 and price.evidence != "none")
                    assert price.unit in WHAT[what] and price.currency == "USD"


def test_prices_of_openai_are_those_of_its_page() -> None:
    # developers.openai.com/api/docs/pricing: training, input, cached input and output of a tuned model, per 1M tokens
    table = load(TODAY)
    page = {
        "gpt-4.1-2025-04-14": ("25.00", "3.00", "0.75", "12.00"),
        "gpt-4.1-mini-2025-04-14": ("5.00", "0.80", "0.20", "3.20"),
        "gpt-4.1-nano-2025-04-14": ("1.50", "0.20", "0.05", "0.80"),
        "gpt-4o-2024-08-06": ("25.00", "3.75", "1.875", "15.00"),
        "gpt-4o-mini-2024-07-18": ("3.00", "0.30", "0.15", "1.20"),
    }
    for model, row in page.items():
        found = [table.find("openai", model, what) for what in ("training", "input", "cached-input", "output")]
        assert [price and price.amount for price in found] == [Decimal(value) for value in row]
    assert table.find("openai", "gpt-5-mini", "training") is None


def test_a_date_behind_a_model_is_cut_and_nothing_else() -> None:
    table = load(TODAY)
    assert table.find("openai", "GPT-4o-mini-2024-07-18", "training") == table.find("openai", "gpt-4o-mini", "training")
    assert table.find("openai", "gpt-4o-mini-audio", "training") is None


def test_stale_is_said_from_the_61st_day_on() -> None:
    read = date(2026, 8, 2)
    text = OWN.replace("2026-11-20", "2026-08-02")
    for days, stale in ((0, False), (STALE_DAYS, False), (STALE_DAYS + 1, True)):
        found = priced(read + timedelta(days), text)
        assert [cite.stale for cite in found.items[0].cites] == [stale]
    assert "(table 2026-08-02, stale)" in str(found.items[0].cites[0])


def test_a_limit_is_kept_only_by_what_is_known_fresh_and_low_enough() -> None:
    def refused(limit: str, **given_: object) -> str:
        return "; ".join(refusals(priced(**given_), money(limit)))  # type: ignore[arg-type]

    assert refused("2.50 EUR") == "" and refused("2.50") == ""
    assert "up to 2.50 EUR is above the limit of 2.49 EUR" in refused("2.49 EUR")
    assert "nothing is converted" in refused("100 USD")
    assert "stale" in refused("100", text=OWN.replace("2026-11-20", "2026-08-02"))
    assert "unknown keeps no limit" in refused("100", text=OWN.replace("2.50", '"unknown"'))
    assert "unknown keeps no limit" in refused("100", text="")
    # the most of a range counts: 2.50 EUR estimated, up to 3.25
    plan = Plan(vendor="openai", model="gpt-4o-mini", epochs=1)
    guess = estimate(JobTokens.of([1_000] * 1_000, estimated=True), plan, parse(OWN, "own.toml", TODAY))
    assert refusals(guess, Money(Decimal(3))) and not refusals(guess, Money(Decimal("3.25")))


def test_several_currencies_keep_no_limit() -> None:
    plan = Plan(
        vendor="openai",
        model="gpt-4o-mini",
        epochs=1,
        labelling_hours=Decimal(1),
        labelling_rate=Money(Decimal(1), "USD"),
    )
    found = estimate(JobTokens.of([1_000_000]), plan, parse(OWN, "own.toml", TODAY))
    assert any("several currencies" in why for why in refusals(found, money("100")))
    assert any("nothing is converted" in why for why in refusals(found, money("100 EUR")))


def test_a_clock_that_is_behind_does_not_make_our_own_table_faulty() -> None:
    found = load(date(2020, 1, 1)).find("openai", "gpt-4o-mini", "training")
    assert found is not None and not found.stale


def test_a_file_is_laid_over_the_table_value_by_value(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    table = load(TODAY, own)
    training = table.find("openai", "gpt-4o-mini", "training")
    assert training is not None
    assert (training.amount, training.currency, training.url) == (Decimal("2.50"), "EUR", "our contract 4711")
    assert training.evidence == "own" and not training.stale
    assert table.find("openai", "gpt-4o-mini", "input") == load(TODAY).find("openai", "gpt-4o-mini", "input")
    assert table.find("openai", "gpt-4o", "training") == load(TODAY).find("openai", "gpt-4o", "training")
    later = tmp_path / "later.toml"
    later.write_text(OWN.replace("2.50", "2.25"))
    for order, amount in (((own, later), "2.25"), ((later, own), "2.50")):
        found = load(TODAY, *order).find("openai", "gpt-4o-mini", "training")
        assert found is not None and found.amount == Decimal(amount)
    unknown = tmp_path / "unknown.toml"
    unknown.write_text(OWN.replace("2.50", '"unknown"'))
    found = load(TODAY, unknown).find("openai", "gpt-4o-mini", "training")
    assert found is not None and found.amount is None


def test_a_name_is_worth_more_than_a_size_and_a_size_more_than_any(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace('"openai"', '"fireworks"').replace("gpt-4o-mini", "qwen3-8b"))
    table = load(TODAY, own)
    assert str(table.find("fireworks", "qwen3-8b", "training").amount) == "2.50"  # type: ignore[union-attr]
    assert str(table.find("fireworks", "llama-8b", "training").amount) == "0.50"  # type: ignore[union-attr]
    assert str(table.find("fireworks", "anything", "hosting").amount) == "8.00"  # type: ignore[union-attr]


FAULTY = """\
version = 2
[source.page]
url = ""
date = "2026-11-01"
evidence = "hearsay"
author = "x"

[[price]]
vendor = "openai"
model = "a"
currency = "euro"
unit = "1M token"
url = "https://example.com"
date = 2027-01-01
training = -3
inputs = 2.5
output = "cheap"

[[price]]
vendor = "openai"
model = "b"
currency = "EUR"
unit = "hour"
source = "pages"
training = 3.00

[[price]]
model = ""
currency = "EUR"
unit = "1M tokens"
source = "page"

[[price]]
vendor = "openai"
model = "a"
currency = "EUR"
unit = "1M tokens"
source = "page"
output = nan
up_to = "16B"
"""


def test_all_faults_of_a_file_come_at_once_with_line_and_cause() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(FAULTY, "my.toml", TODAY)
    told = caught.value.problems
    expected = [
        ("my.toml:1:", "'version' is not known"),
        ("my.toml:3: source page: url:", "say where it stands written"),
        ("my.toml:4: source page: date:", "'2026-11-01' is no day"),
        ("my.toml:5: source page: evidence:", "'hearsay' is not known"),
        ("my.toml:6: source page:", "'author' is not known"),
        ("my.toml:11: price openai a: currency:", "'euro' is no currency"),
        ("my.toml:12: price openai a: unit:", "'1M token' is not known"),
        ("my.toml:14: price openai a: date:", "lies in the future"),
        ("my.toml:15: price openai a: training:", "'-3' is below 0"),
        ("my.toml:16: price openai a:", "did you mean 'input'"),
        ("my.toml:17: price openai a: output:", "'cheap' is no number"),
        ("my.toml:24: price openai b: source:", "did you mean 'page'"),
        ("my.toml:25: price openai b: training:", "is not priced per hour"),
        ("my.toml:27: price :", "has no value"),
        ("my.toml:27: price : vendor:", "is missing"),
        ("my.toml:28: price : model:", "is missing"),
        ("my.toml:39: price openai a: output:", "is no number"),
        ("my.toml:39: price openai a: output:", "is priced twice"),
        ("my.toml:40: price openai a: up_to:", "'16B' is no number"),
    ]
    for begin, cause in expected:
        assert any(text.startswith(begin) and cause in text for text in told), (begin, cause, told)
    lines = [int(text.split(":")[1]) for text in told]
    assert lines == sorted(lines)
    assert not any("\n" in text for text in told)


def test_what_is_no_toml_is_said_with_its_line() -> None:
    with pytest.raises(RecipeError, match=r"own\.toml:9: is no TOML"):
        parse(OWN.replace("training = 2.50", "training = 2,50"), "own.toml", TODAY)


def test_a_list_of_inline_tables_is_read_too() -> None:
    inside = ", ".join(line for line in OWN.strip().splitlines()[1:])
    found = parse(f"price = [{{ {inside} }}]", "own.toml", TODAY).find("openai", "gpt-4o-mini", "training")
    assert found is not None and found.amount == Decimal("2.50")
    with pytest.raises(RecipeError, match="begin each with a line"):
        parse("price = 3", "own.toml", TODAY)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(TODAY, tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# pre\xe7os\n")
    with pytest.raises(InputError, match="is not UTF-8"):
        load(TODAY, tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "found"), [("50", ("50", "")), ("2.10EUR", ("2.10", "EUR")), (" 3 USD ", ("3", "USD"))]
)
def test_money_is_read(text: str, found: tuple[str, str]) -> None:
    assert money(text) == Money(Decimal(found[0]), found[1])


@pytest.mark.parametrize("text", ["", "-3", "3 euro", "3,50", "1e9", "$3", "nan", "3 EURO"])
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="is no amount of money"):
        money(text)


@given(st.decimals(0, 10_000, places=6), st.sampled_from(sorted(FACTORS)))
def test_amounts_are_exact(amount: Decimal, unit: str) -> None:
    what = next(name for name, units in WHAT.items() if unit in units)
    text = OWN.replace("1M tokens", unit).replace("training = 2.50", f"{what} = {amount}")
    found = parse(text, "own.toml", TODAY).find("openai", "gpt-4o-mini", what)
    assert found is not None and found.rate is not None and found.rate * FACTORS[unit] == amount
