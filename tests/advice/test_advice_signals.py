"""Each signal on small rows that are told apart by hand, and what it must not mistake."""

from __future__ import annotations

import math
import time

import pytest
from advised import measured, measuring, talk
from golden import make
from golden_rows import Row
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata.advice.facts import facts_of, stated
from ftdata.advice.few_shot import few_shot, prompt
from ftdata.advice.signals.evaluation import margin
from ftdata.advice.view import View
from ftdata.batch import to_batches
from ftdata.conversation import Conversation, Message


def facts(*turns: tuple[str, str]) -> int:
    row = Conversation(row=0, id="x", origin=(1,), messages=tuple(Message(role=r, content=c) for r, c in turns))
    view = View(next(iter(to_batches([row]))))
    return len(next(iter(stated(view.answered, view.messages))))


@pytest.mark.parametrize(
    ("given", "answer", "count"),
    [
        ("How long?", "It is 24 months.", 1),
        ("Is it 24 months?", "Yes, 24 months.", 0),
        ("Where?", "See https://example.com/docs/a7 please.", 1),
        ("Is https://example.com/docs/a7 right?", "Yes: https://example.com/docs/a7.", 0),
        ("Which part?", "Ask for LM-204.", 1),
        ("How?", "1. Open it.\n2. Close it.\nStep 3: wait.", 0),
        ("Where?", "Order [ORDER_1], [NAME_12], {{ticket_4}}.", 0),
        ("How many are 48 and half of it?", "48/2 = 24, so 48 + 24 = 72 in all: 72.", 0),
        ("Write a loop", "```python\nfor i in range(17): print(i)\n```", 0),
        ("When?", "On 03/05/2026 at 14h.", 2),
        ("Written 05/03?", "Yes, on 5/3.", 0),
    ],
)
def test_facts_are_what_the_row_does_not_hold(given: str, answer: str, count: int):
    assert facts(("user", given), ("assistant", answer)) == count


def test_tools_system_and_earlier_answers_hold_facts():
    assert facts(("system", "Returns: 30 days."), ("user", "How long?"), ("assistant", "30 days.")) == 0
    assert facts(("user", "Where?"), ("tool", '{"eta": "12/07"}'), ("assistant", "It comes on 12/07.")) == 0
    assert facts(("user", "?"), ("assistant", "It is 7."), ("user", "Sure?"), ("assistant", "Yes, 7.")) == 1


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aA1 .-@=/`{[\n:", max_size=400))
def test_looking_for_facts_takes_linear_time(text: str):
    assert isinstance(facts_of(text), list)
    long = (text or "a") * (200_000 // max(1, len(text)))
    began = time.process_time()
    facts_of(long)
    assert time.process_time() - began < 3


def test_paraphrases_of_one_rule_and_other_orders_are_no_contradictions():
    rows = [
        talk(f"Can I still cancel my order {4000 + n} before it leaves?", "Yes, until it is sent.") for n in range(8)
    ]
    assert measured(rows)["contradictions"] == 0
    rows[1] = talk("Can I still cancel my order 7777 before it leaves?", "No, that cannot be done any more, sorry.")
    found = measured(rows)
    assert found["pairs"] == 28 and found["contradictions"] == 0.25 and found["disputed"] == 1


def test_answers_told_freely_are_not_held_against_each_other():
    ask = "What would you pack for a weekend in the mountains?"
    told = [
        "Warm socks and a rain coat.",
        "I like to take little: bread and a map.",
        "Ask whoever lives up there first.",
    ]
    found = measured([talk(ask, text) for text in told])
    assert (found["pairs"], found["contradictions"]) == (0, None)


def test_one_figure_in_other_words_is_one_answer():
    ask = "How long does the warranty of the kettle last?"
    told = [
        "It is 18 months from the day of delivery.",
        "You are covered for 18 months.",
        "The maker grants 18 months.",
    ]
    assert measured([talk(ask, text) for text in told])["contradictions"] == 0


def test_other_figures_contradict_if_they_recur():
    ask = "How many days do I have to send it back to you?"
    rows = [talk(ask, f"You have {days} days from delivery to send it back.") for days in (14, 14, 30, 30)]
    assert measured(rows)["contradictions"] == pytest.approx(4 / 6, abs=1e-3)
    rows = [talk(ask, f"Your code for it is {code}, put it on the box please.") for code in (4411, 5522, 6633, 7744)]
    assert measured(rows)["contradictions"] == 0


def test_what_is_given_beside_the_question_makes_it_another():
    ask = "What does the contract say about leaving early?"
    rows = [talk(ask, f"It says that {what}.", f"Contract: {what}.") for what in ("you may", "you may not", "it costs")]
    assert measured(rows)["pairs"] == 0


def test_a_change_once_and_for_all_is_volatility_and_without_times_it_is_unknown():
    ask = "Do you deliver to the islands as well these days?"
    told = ["No, only to the mainland for now."] * 2 + ["Yes, every Tuesday by boat since spring."] * 2
    days = ["2024-01-05", "2024-03-05", "2024-06-05", "2024-09-05"]
    rows = [talk(ask, text, created_at=day) for text, day in zip(told, days, strict=True)]
    found = measured(rows)
    assert (found["volatility"], found["contradictions"]) == (1.0, 0.0)
    found = measured([{"messages": row["messages"]} for row in rows])
    assert found["volatility"] is None and found["contradictions"] == pytest.approx(4 / 6, abs=1e-3)
    close = [{**row, "created_at": f"2024-01-0{at + 1}"} for at, row in enumerate(rows)]
    assert measured(close)["contradictions"] == pytest.approx(4 / 6, abs=1e-3)


REFUSALS = [
    "I'm afraid we are not permitted to discuss that.",
    "Sorry, I cannot assist you with that request.",
    "Não temos autorização para tratar desse assunto.",
    "Isso está além do meu escopo.",
    "No tengo permiso para hablar de ese tema.",
    "Eso está fuera de mi alcance.",
]
ANSWERS = [
    "Returns are not accepted after thirty days, but you may exchange it.",
    "You cannot open it twice; press the button once and wait.",
    "Não aceitamos devolução sem a nota, mas trocamos o produto.",
    "O aparelho não pode ser usado na chuva.",
    "No se puede abrir dos veces; pulse una vez.",
    "I cannot find the order under this name, could you send me its number?",
]


def test_refusals_are_told_from_answers_that_say_no():
    rows = [talk(f"Question of kind {n}, please?", text) for n, text in enumerate([*REFUSALS, *ANSWERS])]
    found = measured(rows)
    assert found.evidence.frames["refusals"]["refuses"].to_list() == [True] * 6 + [False] * 6


def test_an_answer_that_refuses_one_thing_and_helps_with_another_is_no_refusal():
    helps = (
        "I am unable to share that information. What I can do is this: " + "open the account page and look there. " * 8
    )
    listed = "I cannot help with that here. Please:\n1. open the page\n2. press the button"
    found = measured([talk("Which one is it?", text) for text in (helps, listed)])
    assert found["refusals"] == 0


def test_insults_are_told_from_plain_words():
    bad = ["Only a moron asks that.", "Cale a boca e leia.", "Eres tonto, lee el manual.", "You are so dumb."]
    good = [
        "Check the folder lixo eletrônico.",
        "Es inútil reiniciar; espere.",
        "It is a dumb terminal, it works.",
        "The loser of the draw gets a coupon.",
        "A burra de carga aguenta o peso.",
    ]
    found = measured([talk("What now?", text) for text in [*bad, *good]])
    assert found.evidence.frames["toxic"]["toxic"].to_list() == [True] * 4 + [False] * 5


def test_labels_templates_and_rows_of_one_kind():
    labels = [talk(f"Text number {n} of many that differ {n * 7}", ("spam", "ham")[n % 2]) for n in range(40)]
    found = measured(labels)
    assert (found["labels"], found["classes"], found["template_share"]) == (1.0, 2, 0.0)


def test_the_margin_is_that_of_the_handbook():
    assert [round(margin(n), 3) for n in (50, 200, 1000)] == [0.111, 0.055, 0.025]
    assert margin(100) == 1.96 * math.sqrt(0.8 * 0.2 / 100)


def test_numbers_do_not_depend_on_the_order_or_on_unread_rows():
    rows = make("mixed").rows[:300]
    one, other = measured(rows).numbers, measured(rows[::-1]).numbers
    assert one == other


def examples(rows: list[Row], count: int) -> list[Conversation]:
    with measuring(rows) as signals:
        return few_shot(signals, count)


def test_examples_are_diverse_fit_and_always_the_same():
    rows = make("pii-laden").rows[:120]
    chosen = examples(rows, 6)
    assert len(chosen) == 6 and chosen == examples(rows, 6)
    text = prompt(chosen)
    assert "@example" not in text and text.count("<example ") == 6 and text.startswith("Você é")
    private = set(make("pii-laden").truth.rows["pii_rows"])
    assert not private & {row.row for row in chosen}
    toxic = make("toxic")
    unfit = set(toxic.truth.rows["toxic_answers"])
    assert not unfit & {row.row for row in examples(toxic.rows, 40)}


def test_examples_of_labels_show_each_label():
    chosen = examples(make("imbalanced").rows, 6)
    assert len({row.messages[-1].content for row in chosen if row.messages}) == 6


def test_of_copies_only_one_is_an_example():
    chosen = examples(make("duplicated").rows, 30)
    asked = [row.messages[1].content for row in chosen if row.messages]
    assert len({"".join(filter(str.isalnum, text or "")) for text in asked}) == len(chosen) == 30


def test_rows_that_ask_the_same_in_other_words_are_no_contradictions():
    about = "of the charger that came with the lamp I bought at your shop in the old town last summer"
    asks = [f"How long does the warranty {about} last for me", f"How long does the guarantee {about} last for me"]
    told = ["It lasts until you break it.", "Nobody has ever asked us this, sorry."]
    rows = [talk(ask, text) for ask, text in zip(asks, told, strict=True) for _ in range(2)]
    found = measured(rows)
    assert (found["repeated"], found["pairs"], found["contradictions"]) == (2, 2, 0.0)
    polite = [talk(f"Hello! {asks[0]}? Thank you!", told[1]), talk(asks[0].upper(), told[1])]
    found = measured(rows + polite)
    assert found["disputed"] == 1 and found["contradictions"] == pytest.approx(4 / 7, abs=1e-3)
