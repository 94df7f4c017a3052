"""What the paragraph says in each case, what an answer costs, and what neither may ever say."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftdata.conversation import Conversation, assistant, system, user
from ftdata.cost import JobTokens, Money, Plan, Prices, estimate, load, money
from ftdata.cost import Usage as Used
from ftdata.errors import RecipeError
from ftdata.evaluation.answer_cost import AnswerCost, Rates, Running, Spent, costs, named, running, spent_on
from ftdata.evaluation.answers import Answers, Usage
from ftdata.evaluation.comparison import BASE, FEW_SHOT, MAJORITY, TUNED, compare
from ftdata.evaluation.held_out import HeldOut, Question
from ftdata.evaluation.page import as_json, page
from ftdata.evaluation.sentences import SAY
from ftdata.evaluation.statistics import mcnemar
from ftdata.evaluation.verdict import Against, against
from ftdata.evaluation.worth import Worth, wanted_rows, worth

TODAY = date(2026, 11, 22)
LABELS = ("billing", "delivery", "account", "returns")
OPENAI = {TUNED: "openai:ft:gpt-4o-mini-2024-07-18:org::id", BASE: "openai:gpt-4o-mini", FEW_SHOT: "openai:gpt-4o-mini"}
GOOD = re.compile(r"\b(yes|paid for|pays|better and|it is better|earn)\b", re.IGNORECASE)
NUMERIC = {
    "cost",
    "other_cost",
    "apart",
    "spent",
    "requests",
    "thousand",
    "price",
    "known",
    "of",
    "none",
    "rows",
    "more",
}
NUMERIC |= {"tuned", "other", "gain", "labels"}


def prices() -> Prices:
    return load(TODAY)


def asked(wanted: list[str], task: str = "labels") -> HeldOut:
    questions = tuple(Question(i, f"t#{i}", (user(f"question {i}"),), one) for i, one in enumerate(wanted, 1))
    return HeldOut(questions, {}, task)  # type: ignore[arg-type]


def right(wanted: list[str], rows: range | list[int]) -> tuple[str, ...]:
    """Answers that are right in these rows, and no label elsewhere."""
    return tuple(one if i in rows else "?" for i, one in enumerate(wanted))


def told(
    rights: dict[str, range | list[int]],
    rows: int = 100,
    cost: dict[str, str] | None = None,
    spent: str | None = "4.60 USD",
    monthly: str = "0",
) -> Worth:
    """The paragraph for systems that are right in these rows, and whose answers cost so much."""
    wanted = [LABELS[i % 4] for i in range(rows)]
    held = asked(wanted)
    found = compare(held, [Answers(name, right(wanted, list(some))) for name, some in rights.items()])
    priced = {
        name: AnswerCost(name, rows, amount=Decimal(value), currency="USD", counted="tokens as told")
        for name, value in (cost or {}).items()
    }
    priced |= {name: AnswerCost(name, rows, how="no price of m is known") for name in rights if name not in priced}
    priced[MAJORITY] = AnswerCost(MAJORITY, rows, amount=Decimal(0), how="needs no model")
    paid = None if spent is None else Spent(money(spent), "as given")
    return worth(found, priced, paid, Running(Decimal(monthly), "USD", "hosting"))


CHEAP = {TUNED: "0.0001", BASE: "0.0002", FEW_SHOT: "0.0005"}
DEAR = {TUNED: "0.0005", BASE: "0.0001", FEW_SHOT: "0.0001"}
GAIN = {TUNED: range(95), BASE: range(20), FEW_SHOT: range(45)}


@pytest.mark.parametrize(
    ("case", "word", "said"),
    [
        # 4.60 / (0.0005 - 0.0001) = 11,500
        (
            told(GAIN, cost=CHEAP),
            "pays",
            ["Yes, after 11,500 requests.", "+50.0 points", "0.00040 USD less", "as given"],
        ),
        (told(GAIN, cost=CHEAP, spent="0 USD"), "pays", ["Yes, from the first request."]),
        # (4.60 + 1.40) / 0.0004 = 15,000
        (told(GAIN, cost=CHEAP, monthly="1.40"), "pays", ["Yes, after 15,000 requests.", "hosting x 1 month"]),
        (told(GAIN, cost=CHEAP, spent=None), "price unknown", ["1,000 requests earn 0.40 USD", "--spent"]),
        (told(GAIN, cost=CHEAP, spent="4.60 EUR"), "price unknown", ["EUR and USD are not converted"]),
        # 0.0004 more an answer / 0.5 more right answers = 0.0008
        (told(GAIN, cost=DEAR), "at a price", ["one more right answer costs 0.00080 USD", "never paid back"]),
        (
            told(GAIN, cost=DEAR | {TUNED: "0.0001"}),
            "at a price",
            ["It is better, and an answer costs the same.", "limit 0: never paid back"],
        ),
        (told(GAIN, cost={TUNED: "0.0001"}), "price unknown", ["known of 1 of 3 systems", "no price of m is known"]),
        # 18 + 15 rows tell the two apart
        (
            told({TUNED: range(85), BASE: range(20), FEW_SHOT: [*range(65), *range(83, 100)]}, cost=DEAR),
            "no",
            [
                "No gain is shown over base with examples",
                "+3.0 points",
                "Stopping saves 0.00040 USD an answer",
                "4.60 USD of training is earned back by no number",
                "learnt the form",
                "more held-out rows",
            ],
        ),
        (
            told({TUNED: range(85), BASE: range(20), FEW_SHOT: [*range(65), *range(83, 100)]}, cost=CHEAP),
            "no",
            ["costs 0.00040 USD less than by base with examples, which is no saving unless it is as good"],
        ),
        # as good to the row: no number of rows shows a gain
        (
            told({TUNED: range(85), BASE: range(20), FEW_SHOT: [*range(70), *range(85, 100)]}, cost=DEAR),
            "no",
            ["+0.0 points", "More rows would not help"],
        ),
        (
            told({TUNED: range(20), BASE: range(60), FEW_SHOT: range(90)}, cost=DEAR),
            "no",
            ["No, it is worse.", "-70.0 points"],
        ),
        (
            told({TUNED: range(19), BASE: range(1), FEW_SHOT: range(1)}, 20),
            "not told",
            ["20 rows tell nothing, 30 are wanted"],
        ),
        # 20 + 3 rows tell them apart; at that rate 30 do so among 131 rows
        (
            told({TUNED: range(80), BASE: range(1), FEW_SHOT: [*range(60), *range(97, 100)]}),
            "not told",
            [
                "Only 23 of 100 rows tell the tuned model and base with examples apart, 30 are wanted",
                "about 31 more held-out",
            ],
        ),
        (
            told({TUNED: range(95), BASE: range(20)}),
            "not told",
            ["To beat base with examples is what tells", "0 answers"],
        ),
        (told({TUNED: range(95)}), "not told", ["of it there are 0 answers"]),
        (told({BASE: range(95)}), "not told", ["0 answers of a tuned model"]),
    ],
)
def test_each_case_says_what_it_is(case: Worth, word: str, said: list[str]):
    assert case.word == word, case.paragraph
    for part in said:
        assert part in case.paragraph, case.paragraph
    if word in ("no", "not told"):
        assert not GOOD.search(case.paragraph), case.paragraph


def test_random_labels_are_not_better_than_the_most_common_one():
    draw = random.Random(2)
    wanted = draw.choices(LABELS, (4, 2, 2, 2), k=120)
    held = asked(wanted)
    guessed = tuple(draw.choices(LABELS, (6, 2, 1, 1))[0] for _ in wanted)
    again = tuple(draw.choices(LABELS, (6, 2, 1, 1))[0] for _ in wanted)
    took = (Usage(100, 4),) * 120
    systems = [Answers(TUNED, guessed, took), Answers(BASE, ("I think this is",) * 120), Answers(FEW_SHOT, again, took)]
    found = compare(held, systems)
    assert found.verdict.against[0].outcome == "better", "the base never prints a label"
    case = worth(found, costs(held, systems, Rates(prices(), OPENAI)), Spent(money("3 USD"), "as given"))
    assert case.word == "no" and case.said == "No."
    assert "a guess among 4 labels in 25.0 %" in case.paragraph and "no better than either is shown" in case.paragraph
    assert "learnt the form" in case.paragraph and "is right in 0.0 %" in case.paragraph
    assert (
        "by most common answer" in case.paragraph
        and "3.00 USD of training is earned back by no number" in case.paragraph
    )
    assert not GOOD.search(case.paragraph)


def test_prose_is_priced_by_the_measure_that_decides():
    wanted = [f"Your order {i} leaves the house today, it takes {i} days." for i in range(40)]
    held = asked(wanted, "text")
    systems = [
        Answers(TUNED, tuple(wanted)),
        Answers(BASE, ("I do not know.",) * 40),
        Answers(FEW_SHOT, tuple(one.replace("house", "depot").replace("today", "soon") for one in wanted)),
    ]
    found = compare(held, systems)
    case = worth(
        found, {name: AnswerCost(name, 40, amount=Decimal(value), currency="USD") for name, value in DEAR.items()}
    )
    assert (
        case.word == "at a price"
        and "0.01 more of rouge-l costs" in case.said
        and "has rouge-l 1.000" in case.paragraph
    )
    worse = worth(compare(held, [replace(systems[2], system=TUNED), replace(systems[0], system=BASE)]))
    assert worse.said == "No, it is worse." and "is, of 0 of 2 systems" in worse.paragraph


def test_every_sentence_holds_a_number_and_how_it_is_known():
    for code, (text, how) in SAY.items():
        fields = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert fields & NUMERIC, f"{code} measures nothing"
        assert how.strip(), f"{code} does not say how it is known"
    for case in (told(GAIN, cost=CHEAP), told(GAIN, cost=DEAR), told({TUNED: range(95)})):
        for one in case.sentences:
            assert re.search(r"\d", one.text) and one.how and str(one).endswith(").")


RIGHTS = st.integers(0, 100)


@settings(max_examples=10, deadline=None)
@given(RIGHTS, RIGHTS, RIGHTS, RIGHTS, st.sampled_from([CHEAP, DEAR, {}]))
def test_value_is_claimed_only_of_what_is_better(tuned: int, base: int, shots: int, start: int, cost: dict[str, str]):
    rights = {
        TUNED: range(tuned),
        BASE: range(base),
        FEW_SHOT: range(min(start, 100 - shots), min(start, 100 - shots) + shots),
    }
    case = told(rights, cost=cost)
    assert (case.word in ("pays", "at a price", "price unknown")) == (case.sentences[0].code == "gain")
    if case.word in ("no", "not told"):
        assert not GOOD.search(case.paragraph) and case.break_even is None
    if case.word == "pays":
        assert case.break_even is not None and not case.break_even.never


# --- rows that would tell -------------------------------------------------------------------------------------------


def binary(gained: int, lost: int, rows: int) -> Against:
    """One system beside another: so many rows only it has right, so many only the other."""
    tuned, other = np.zeros(rows), np.zeros(rows)
    tuned[:gained] = 1
    other[gained : gained + lost] = 1
    return against("x", tuned, other, True)


@settings(max_examples=15, deadline=None)
@example(15, 11, 0)  # 169 rows apart: 97.5 of them right, whichever way that is rounded
@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 60))
def test_the_rows_told_are_the_first_that_would_do(gained: int, lost: int, same: int):
    rows = max(gained + lost + same, 1)
    wanted = wanted_rows(binary(gained, lost, rows), rows)
    if gained <= lost:
        assert wanted is None
        return
    assert wanted is not None
    if wanted > 3_000:
        return
    apart = gained + lost

    def shown(count: int) -> bool:
        hits = round(count * gained / apart)
        return count >= 30 and mcnemar(hits, count - hits) < 0.05

    least = next(count for count in range(30, 100_000) if shown(count))
    assert wanted == max(30, -(-least * rows // apart))


def test_of_a_share_the_interval_must_leave_out_zero():
    values = np.random.default_rng(1).normal(0.05, 0.3, 100)
    one = against("x", values, np.zeros(100), False)
    assert one.outcome == "even" and one.difference.mean > 0
    wanted = wanted_rows(one, 100)
    mean, low, _ = one.difference
    assert wanted is not None and mean - (mean - low) * (100 / wanted) ** 0.5 >= 0
    assert mean - (mean - low) * (100 / (wanted - 1)) ** 0.5 < 0
    assert wanted_rows(against("x", -values, np.zeros(100), False), 100) is None


# --- costs ----------------------------------------------------------------------------------------------------------


def test_the_cost_of_an_answer_is_what_was_billed():
    held = asked(["a b", "c d"], "text")
    usage = (Usage(100, 20, 1.0), Usage(300, 40, 2.0))
    systems = [
        Answers(TUNED, ("x", "y"), usage),
        Answers(BASE, ("x", "y"), usage),
        Answers(FEW_SHOT, ("x", "y"), (usage[0], None)),
    ]
    found = costs(held, systems, Rates(prices(), OPENAI))
    assert found[TUNED].amount == (200 * Decimal("0.30") + 30 * Decimal("1.20")) / 1_000_000
    assert found[BASE].amount == (200 * Decimal("0.15") + 30 * Decimal("0.60")) / 1_000_000
    assert found[FEW_SHOT].read == 100 and found[FEW_SHOT].counted == "tokens as told with 1 of 2 answers"
    assert found[TUNED].said == "0.000096 USD (stale)" and found[TUNED].cites[0].date == date(2026, 9, 3)


def test_only_rows_that_all_answered_are_priced():
    held = asked(["a", "b"], "text")
    systems = [
        Answers(TUNED, ("x", "y"), (Usage(100, 10), Usage(900, 90))),
        Answers(BASE, ("x", None), (Usage(50, 5), None)),
    ]
    found = costs(held, systems, Rates(prices(), {name: OPENAI[name] for name in (TUNED, BASE)}))
    assert (found[TUNED].answers, found[TUNED].read, found[BASE].read) == (1, 100, 50)


def test_without_usage_tokens_are_counted_as_cost_counts_them():
    pytest.importorskip("toktok")
    held = asked(["a b", "c d"], "text")
    shots = (Conversation(messages=(system("left out"), user("hello"), assistant("hi"))),)
    systems = [Answers(name, ("one two three", "one")) for name in (TUNED, BASE, FEW_SHOT)]
    found = costs(held, systems, Rates(prices(), OPENAI, shots=shots))
    # "question 1" is 3 tokens of o200k, "user" 1; 3 a message and 3 for the answer that begins; the example 5 + 5 more
    assert found[BASE].read == 10 and found[BASE].written == 2
    assert found[FEW_SHOT].read == 20 and found[TUNED].counted == "no usage is told, so counted: exact, o200k"
    unknown = costs(held, systems, Rates(prices(), OPENAI))[FEW_SHOT]
    assert unknown.amount is None and "the examples in its prompt are not known" in unknown.how


@pytest.mark.parametrize(
    ("word", "how"),
    [
        ("azure:my-deployment", "no price of azure:my-deployment is known"),
        ("nebius:Qwen3-8B", "no price of nebius:Qwen3-8B is known"),
        ("https://llm.example/v1#m", "no price of https://llm.example/v1#m is known"),
        ("openai:gpt-99", "no price of openai:gpt-99 is known"),
        ("local:models/tiny+out/adapter", "costs what the machine costs: 1.5 s an answer"),
        ("http://localhost:8000/v1#m", "costs what the machine costs: 1.5 s an answer"),
        (None, "which model this is was not said"),
    ],
)
def test_an_unknown_price_stays_unknown(word: str | None, how: str):
    held = asked(["a b", "c d"], "text")
    systems = [Answers(TUNED, ("x", "y"), (Usage(10, 2, 1.0), Usage(10, 2, 2.0)))]
    found = costs(held, systems, Rates(prices(), {} if word is None else {TUNED: word}))[TUNED]
    assert found.amount is None and how in found.how
    assert found.said == ("1.5 s" if "machine" in how else "unknown")


def test_a_machine_of_ones_own_costs_its_seconds():
    held = asked(["a b", "c d"], "text")
    systems = [Answers(TUNED, ("x", "y"), (Usage(10, 2, 1.0), Usage(10, 2, 2.0))), Answers(BASE, ("x", "y"))]
    rates = Rates(prices(), {TUNED: "local:m+a", BASE: "local:m"}, gpu_rate=money("2.40 EUR"))
    found = costs(held, systems, rates)
    assert found[TUNED].amount == Decimal("0.001") and found[TUNED].currency == "EUR"
    assert found[BASE].amount is None and "seconds are not told" in found[BASE].how
    assert spent_on(rates, seconds=3600) == Spent(
        Money(Decimal("2.40"), "EUR"), "3,600 s x 2.40 EUR an hour", found[TUNED].cites
    )
    assert spent_on(rates) is None and running(rates).amount == 0 and "waits" in running(rates).how


def test_a_tuned_model_is_priced_by_its_base_and_its_vendor(tmp_path: Path):
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[price]]\nvendor = "azure"\nmodel = "gpt-4.1-mini"\ncurrency = "EUR"\nunit = "1M tokens"\nurl = "https://a.example"\n'
        "date = 2026-11-20\ntraining = 5\nbase-input = 1\nbase-output = 2\n"
    )
    held = asked(["a b", "c d"], "text")
    systems = [Answers(name, ("x", "y"), (Usage(1_000_000, 1_000_000),) * 2) for name in (TUNED, BASE)]
    rates = Rates(load(TODAY, table), {TUNED: "https://r.openai.azure.com/openai/v1#my-ft", BASE: "azure:gpt-4.1-mini"})
    found = costs(held, systems, rates)
    assert found[TUNED].amount == found[BASE].amount == 3, "azure bills a tuned model's tokens as its base's"
    hosted = running(rates)
    assert hosted.amount == Decimal("1.70") * 730 and hosted.currency == "USD", "a deployment costs something when idle"
    assert spent_on(rates, trained_tokens=2_000_000).money == Money(Decimal(10), "EUR")  # type: ignore[union-attr]
    assert running(Rates(load(TODAY), {TUNED: "nova:nova-lite"})).amount is None
    assert spent_on(Rates(load(TODAY), OPENAI), trained_tokens=1_000_000).money.amount == 3  # type: ignore[union-attr]
    assert spent_on(Rates(load(TODAY))) is None is spent_on(Rates(load(TODAY), OPENAI))


def test_words_are_taken_apart():
    assert named("openai:ft:gpt-4o-mini:o::i") == ("openai", "ft:gpt-4o-mini:o::i")
    assert named("http://127.0.0.1:8080/v1#m") == ("local", "m") and named("trl:m") == ("local", "m")
    assert named("https://api.openai.com/v1#gpt-4o") == ("openai", "gpt-4o")
    for word in ("gpt-4o", "openai:", ":m", "https://x.example/v1"):
        with pytest.raises(RecipeError, match="names no model"):
            named(word)
    with pytest.raises(RecipeError, match=r"--model few-shot=…: there are no answers .*there are: tuned\)"):
        costs(asked(["a b", "c d"], "text"), [Answers(TUNED, ("x", "y"))], Rates(prices(), {FEW_SHOT: "openai:gpt-4o"}))


@settings(max_examples=10, deadline=None)
@given(st.integers(10, 900), st.integers(0, 3000), st.integers(1, 200), st.decimals(1, 500, places=2))
def test_the_break_even_is_that_of_cost(prompt: int, extra: int, answer: int, spent: Decimal):
    """Told the same tokens, `ftdata cost` and the paragraph come to the same number of requests."""
    wanted = [LABELS[i % 4] for i in range(60)]
    held = asked(wanted)
    rights = {TUNED: range(60), BASE: range(10), FEW_SHOT: range(20)}
    took = {TUNED: Usage(prompt, answer), BASE: Usage(prompt, answer), FEW_SHOT: Usage(prompt + extra, answer)}
    systems = [Answers(name, right(wanted, list(some)), (took[name],) * 60) for name, some in rights.items()]
    mine = costs(held, systems, Rates(prices(), OPENAI))
    case = worth(compare(held, systems), mine, Spent(Money(spent, "USD"), "as given"))
    job = JobTokens.of([int(spent / 3 * 1_000_000)])
    plan = Plan(
        vendor="openai",
        model="gpt-4o-mini",
        epochs=1,
        context=10**12,
        usage=Used(prompt=prompt, answer=answer, few_shot=extra),
    )
    theirs = estimate(job, plan, prices()).alternatives[0]
    if theirs.never:
        assert case.word == "at a price" and case.break_even is None
        return
    assert case.break_even is not None and case.break_even.requests is not None and theirs.requests is not None
    assert case.break_even.saving == theirs.saving
    assert case.break_even.requests[1] == pytest.approx(theirs.requests[1], rel=1e-5, abs=1)


# --- shown ----------------------------------------------------------------------------------------------------------


def test_the_page_ends_with_the_paragraph_and_has_the_costs():
    wanted = [LABELS[i % 4] for i in range(60)]
    held = asked(wanted)
    systems = [
        Answers(name, right(wanted, list(some)), (Usage(100, 4, 0.5),) * 60)
        for name, some in {TUNED: range(60), BASE: range(10), FEW_SHOT: range(20)}.items()
    ]
    found = compare(held, systems)
    case = worth(found, costs(held, systems, Rates(prices(), OPENAI)))
    shown = list(page(found, case))
    table = next(part for part in shown if isinstance(part, list))
    row = next(cells for cells in table if cells[0] == "an answer costs")
    assert row == ["an answer costs", "0.000035 USD (stale)", "0.000017 USD (stale)", "0.000017 USD (stale)", "nothing"]
    lines = [part for part in shown if isinstance(part, str)]
    assert any(line.startswith("Was it worth it? ") for line in lines) and any(
        "developers.openai.com" in line for line in lines
    )
    assert list(page(found)) == list(page(found, None)), "without costs all stands as before"
    values = as_json(found, case)["worth"]
    assert values["word"] == "at a price" and values["costs"][TUNED]["amount"] == pytest.approx(3.48e-05)
    assert [one["code"] for one in values["sentences"]][:2] == ["gain", "costs"]
    assert "worth" not in as_json(found)
