"""Datasets whose answers carry knowledge, or tell one thing in two ways: facts-only, drifting, contradictory, mixed."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from golden_rows import Draft, Golden
from golden_talk import (
    PLANTED,
    SYSTEM,
    TALK,
    Ask,
    answer,
    contracted,
    edge,
    joined,
    language,
    product,
    question,
    upper,
)

Known = dict[tuple[str, int], dict[str, str]]
"""What is true of a product, by number of the attribute: one value for it wherever it is asked."""


def _values(dice: Random) -> dict[str, str]:
    letters = "".join(dice.choice("BCDFGKLMPRTVX") for _ in range(2))
    day = f"{dice.randrange(1, 29):02}/{dice.randrange(1, 13):02}/2026"
    return {
        "n": str(dice.choice((6, 9, 12, 18, 24, 36))),
        "v": str(dice.randrange(21, 980)),
        "c": f"{letters}-{dice.randrange(100, 9999)}",
        "u": f"https://lume.example.com/{dice.choice(('docs', 'm', 'ajuda'))}/{letters.lower()}{dice.randrange(100)}",
        "d": day,
        "t": f"{dice.randrange(12, 22)}h",
    }


def fact(dice: Random, lang: str, known: Known, *, told: bool = True) -> tuple[str, str]:
    """Ask for a fact of a product; the answer states it (no part of the question does), or, not `told`, does not."""
    words, item = TALK[lang], product(dice, lang)
    number = dice.randrange(len(PLANTED["facts"][lang]))
    entry = PLANTED["facts"][lang][number]
    values = known.setdefault((item, number), _values(dice))
    context = dice.sample(words["details"], dice.choice((0, 1, 1, 2)))
    asked = [upper(contracted(dice.choice(entry["q"]).format(p=item))), *context]
    if dice.random() < 0.5:
        asked = asked[1:] + asked[:1]
    core = dice.choice(entry["a"]).format(**values) if told else dice.choice(PLANTED["unsure"][lang])
    parts = [core, dice.choice(PLANTED["sourced"][lang])] if told else [core]
    dice.shuffle(parts)
    first = dice.choice(words["feelings"]) if dice.random() < 0.35 else ""
    last = dice.choice(words["closings"]) if dice.random() < 0.45 else ""
    return joined(dice.choice(words["openers"]), *asked), joined(first, *parts, last)


def facts_only() -> Golden:
    """Make 420 questions for facts of products; 92 of 100 answers state one, the others ask back."""
    draft, known = Draft("facts-only", SYSTEM["pt"]), Known()
    for marks in draft.planted(420, knowledge_load=0.92):
        lang = language(draft.dice)
        asked, told = fact(draft.dice, lang, known, told="knowledge_load" in marks)
        draft.add(asked, told, *marks, category="product")
    return draft.done()


class _Family:
    """One question asked several times, and the two ways in which it may be answered."""

    def __init__(self, dice: Random) -> None:
        self.dice, lang = dice, language(dice)
        words, self.policy = TALK[lang], dice.choice(PLANTED["policies"][lang])
        self.ask: Ask = question(dice, lang, dice.choice(("delivery", "payment", "exchange")), ask=self.policy["q"])
        heard = self.ask.fill(dice.choice(words["topic"][self.ask.topic]["understood"]))
        self.begin = joined(dice.choice(words["feelings"]), heard if dice.random() < 0.6 else "")
        self.end = dice.choice((*words["closings"], ""))

    def asked(self) -> str:
        """Ask again: another customer, so another order."""
        order = str(self.dice.randrange(204_000, 998_000))
        return edge(self.dice, self.ask.text.replace(self.ask.order, order), self.ask.lang)

    def told(self, way: str) -> tuple[str, tuple[str, ...]]:
        """Answer the one way or the other; say whether the answer states a figure."""
        core = self.policy[way]
        marks = ("knowledge_load",) if any(sign.isdigit() for sign in core) else ()
        greeting = self.dice.choice(("", "", {"pt": "Oi!", "es": "¡Hola!", "en": "Hi!"}[self.ask.lang]))
        return joined(greeting, self.begin, core, self.end), marks


def _chat(draft: Draft, count: int) -> None:
    for _ in range(count):
        ask = question(draft.dice, language(draft.dice))
        draft.add(ask.text, answer(draft.dice, ask), category=ask.topic)


def drifting() -> Golden:
    """Make 150 questions asked 3 or 4 times over 18 months, 45 of which are answered otherwise from a day on.

    100 rows stand beside them whose question nobody repeats.
    """
    draft = Draft("drifting", SYSTEM["pt"])
    dice, changed = draft.dice, 45
    for number in range(150):
        family, asks = _Family(dice), dice.choice((3, 4))
        ways = dice.choice(("ab", "ba"))
        switch = dice.randrange(1, asks) if number < changed else asks
        for turn in range(asks):
            told, marks = family.told(ways[turn >= switch])
            at = draft.moment((turn + 0.1) / asks, (turn + 0.9) / asks)
            marks += (f"asked:{number}",) + ((f"volatility:{number}",) if number < changed else ())
            draft.add(family.asked(), told, *marks, at=at, category=family.ask.topic)
    _chat(draft, 100)
    return draft.done(volatility=changed / 150)


def _disputes(draft: Draft, families: int, disputed: int, **side: Any) -> float:
    """Add questions asked 4 times within ten days; those disputed are answered a, b, a, b or a, b, b, a.

    Give the share of comparable pairs that disagree: 4 of the 6 pairs of a disputed question.
    """
    dice = draft.dice
    for number in range(families):
        family, begin = _Family(dice), draft.moment(0, 0.97)
        ways = dice.choice(("abab", "abba", "baba", "baab")) if number < disputed else dice.choice("ab") * 4
        for turn, way in enumerate(ways):
            told, marks = family.told(way)
            at = begin + timedelta(days=turn * 2.5, minutes=dice.randrange(900))
            marks += (f"asked:{number}",) + ((f"contradictions:{number}",) if number < disputed else ())
            draft.add(family.asked(), told, *marks, at=at, category=family.ask.topic, **side)
    return disputed * 4 / (families * 6)


def contradictory() -> Golden:
    """Make 150 questions asked 4 times within days, 42 of which two agents answer in opposite ways; 100 rows beside."""
    draft = Draft("contradictory", SYSTEM["pt"])
    share = _disputes(draft, 150, 42)
    _chat(draft, 100)
    return draft.done(contradictions=share, volatility=0.0)


def macro(dice: Random, *, states: bool) -> tuple[str, str, str]:
    """Give a question, a canned answer with its slots filled (`states`: one that states facts), and the topic.

    Names are placeholders, as the step pii leaves them.
    """
    ask = question(dice, "pt")
    name = "[NAME_1]" if dice.random() < 0.6 else ""
    asked = f"{ask.text} Pedido {ask.order}." if ask.order not in ask.text else ask.text
    if name:
        asked += f"\n{dice.choice(('Att.', 'Obrigada,', 'Grato,'))} {name}"
    template = dice.choice(PLANTED["macros"]["facts" if states else "plain"])
    greeting = dice.choice((f"Olá, {name}!", f"Oi {name},", f"Prezado cliente {name},")) if name else "Olá!"
    return asked, template.format(g=greeting, o=ask.order), ask.topic


def refusal(dice: Random, lang: str) -> str:
    """Draw a refusal, with a courtesy behind it or none."""
    said = PLANTED["refusals"]
    return joined(dice.choice(said[lang]), dice.choice(said[f"after_{lang}"]))


def mixed() -> Golden:
    """Make 1,000 rows as a help desk exports them: facts, macros, refusals, disputed questions, ordinary talk."""
    draft, known = Draft("mixed", SYSTEM["pt"]), Known()
    dice = draft.dice
    for _ in range(380):
        draft.add(*fact(dice, language(dice), known), "knowledge_load", category="product")
    for number in range(340):
        asked, told, topic = macro(dice, states=number < 200)
        marks = ("template_share", "knowledge_load") if number < 200 else ("template_share",)
        draft.add(asked, told, *marks, category=topic)
    for _ in range(110):
        ask = question(dice, language(dice))
        draft.add(ask.text, refusal(dice, ask.lang), "refusals", category=ask.topic)
    share = _disputes(draft, 30, 4)
    _chat(draft, 50)
    return draft.done(contradictions=share)
