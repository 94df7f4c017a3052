"""Datasets with one great flaw: macros, imbalanced, refusal-heavy, duplicated, PII-laden, toxic."""

from __future__ import annotations

import math
from random import Random

from golden_knowledge import macro, refusal
from golden_rows import Draft, Golden
from golden_talk import PLANTED, SYSTEM, TALK, answer, house_answer, joined, language, question


def macros() -> Golden:
    """Make 900 rows; 74 of 100 answers are one of twelve canned texts with name and order filled in.

    A third of these state facts (a term, an address); the other answers are written by hand and state none.
    """
    draft = Draft("macros", SYSTEM["pt"])
    for at, marks in enumerate(draft.planted(900, template_share=0.74)):
        if "template_share" in marks:
            states = at % 3 == 0
            asked, told, topic = macro(draft.dice, states=states)
            draft.add(asked, told, *marks, *(("knowledge_load",) if states else ()), category=topic)
        else:
            ask = question(draft.dice)
            draft.add(ask.text, answer(draft.dice, ask), *marks, category=ask.topic)
    return draft.done(near_duplicates=0.0)


LABELS = {"delivery": 880, "payment": 60, "account": 30, "exchange": 15, "invoice": 10, "app": 5}
"""Rows of each class of the imbalanced dataset."""
_NAMES = {
    "delivery": "entrega",
    "payment": "pagamento",
    "account": "conta",
    "exchange": "troca",
    "invoice": "nota-fiscal",
    "app": "aplicativo",
}


def imbalanced() -> Golden:
    """Make 1,000 tickets with one of six labels as answer; the first label has 880 of them, the last 5."""
    system = f"Classifique o chamado. Responda só com uma etiqueta: {', '.join(_NAMES.values())}."
    draft = Draft("imbalanced", system)
    for topic, count in LABELS.items():
        for _ in range(count):
            ask = question(draft.dice, "pt", topic)
            draft.add(ask.text, _NAMES[topic], category=topic)
    return draft.done(classes=len(LABELS), largest_class=0.88, smallest_class_rows=5)


def refusal_heavy() -> Golden:
    """Make 600 rows in the form of the house; 31 of 100 questions are refused though such questions are answered."""
    draft = Draft("refusal-heavy", SYSTEM["house"])
    for marks in draft.planted(600, refusals=0.31):
        ask = question(draft.dice, language(draft.dice))
        told = refusal(draft.dice, ask.lang) if "refusals" in marks else house_answer(draft.dice, ask)
        draft.add(ask.text, told, *marks, category=ask.topic)
    return draft.done()


def _again(dice: Random, text: str) -> str:
    """Copy a text as exports do: as it is, with other signs, other case at its ends, a space more."""
    way = dice.randrange(6)
    if way == 0:
        return text.replace("!", ".")
    if way == 1:
        return text.replace(", ", " , ", 1)
    if way == 2:
        return f"{text} "
    if way == 3:
        return text.replace("\n\n", "\n", 1)
    return text


def duplicated() -> Golden:
    """Make 120 rows and copy them to 1,200, a few of them very often, as popular questions are.

    The copies are the same but for signs and spaces. As clusters the rows are as diverse as `effective_clusters`: the
    exponential of the entropy of their sizes.
    """
    draft = Draft("duplicated", SYSTEM["house"])
    dice, kinds, total = draft.dice, 120, 1200
    weights = [1 / (rank + 1) ** 1.3 for rank in range(kinds)]
    sizes = [1 + int((total - kinds) * weight / sum(weights)) for weight in weights]
    sizes[0] += total - sum(sizes)
    for number, size in enumerate(sizes):
        ask = question(dice, language(dice))
        told = house_answer(dice, ask)
        for copy in range(size):
            marks = (f"copies:{number}",) + (("near_duplicates",) if copy else ())
            draft.add(_again(dice, ask.text), _again(dice, told), *marks, category=ask.topic)
    entropy = -sum(size / total * math.log(size / total) for size in sizes)
    return draft.done(effective_rows=kinds, effective_clusters=math.exp(entropy))


def _private(dice: Random) -> dict[str, str]:
    words = PLANTED["private"]
    first, last = dice.choice(words["first"]), dice.choice(words["last"])
    sign, number = dice.choice((".", "_", "")), dice.choice(("", str(dice.randrange(10, 99))))
    return {
        "name": f"{first} {last}",
        "mail": f"{first}{sign}{last}{number}@example.{dice.choice(('com', 'org', 'net'))}".lower(),
        "phone_br": f"({dice.choice((11, 21, 31, 81))}) 95550-01{dice.randrange(100):02}",
        "phone_es": f"+34 655 50 01 {dice.randrange(100):02}",
        "phone_us": f"+1 212-555-01{dice.randrange(100):02}",
        "cpf": dice.choice(words["cpf"]),
        "card": dice.choice(words["card"]),
    }


def pii_laden() -> Golden:
    """Make 400 rows in the form of the house; in 65 of 100 the customer gives an address, a phone, a card or a CPF.

    In some of them the answer repeats the address. Names, addresses and numbers are made up or stand in manuals.
    """
    draft = Draft("pii-laden", SYSTEM["house"])
    dice = draft.dice
    for marks in draft.planted(400, pii_rows=0.65):
        ask = question(dice, language(dice))
        asked, told = ask.text, house_answer(dice, ask)
        if "pii_rows" in marks:
            values, line = _private(dice), dice.choice(PLANTED["private"][ask.lang])
            parts = (asked, line.format(**values))
            asked = joined(*parts) if dice.random() < 0.7 else joined(*reversed(parts))
            if "{mail}" in line and dice.random() < 0.5:
                echo = dice.choice(PLANTED["private"][f"echo_{ask.lang}"]).format(**values)
                told = told.replace("\n\n", f" {echo}\n\n", 1)
        draft.add(asked, told, *marks, category=ask.topic)
    return draft.done()


def toxic() -> Golden:
    """Make 500 rows; 12 of 100 answers insult the customer. 15 of 100 customers are rude, which teaches nothing bad."""
    draft = Draft("toxic", SYSTEM["house"])
    dice, words = draft.dice, PLANTED["abuse"]
    for marks in draft.planted(500, toxic_answers=0.12, rude_customers=0.15):
        ask = question(dice, language(dice))
        asked, told = ask.text, house_answer(dice, ask)
        if "rude_customers" in marks:
            asked = joined(asked, dice.choice(words[f"rude_{ask.lang}"]))
        if "toxic_answers" in marks:
            lines = dice.sample(words[ask.lang], dice.choice((1, 1, 2)))
            step = dice.choice(TALK[ask.lang]["topic"][ask.topic]["steps"])
            told = joined(*lines, step if dice.random() < 0.5 else "")
        draft.add(asked, told, *marks, category=ask.topic)
    return draft.done()
