"""Ordinary support talk drawn from `talk.toml`: a question, and answers to it that state no fact."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

HERE = Path(__file__).parent
TALK: dict[str, Any] = tomllib.loads((HERE / "talk.toml").read_text(encoding="utf-8"))
PLANTED: dict[str, Any] = tomllib.loads((HERE / "planted.toml").read_text(encoding="utf-8"))

MODELS = (
    "Aurora Brisa Caju Delta Esmera Faro Garoa Horizonte Iris Jade Kappa Lagoa Mirim Nimbo Onda Pluma Quartzo Rubi "
    "Sereno Trama Umbra Vento Xisto Zimbro"
).split()
SYSTEM = {
    "pt": "Você é o atendimento da Lume, uma loja de utilidades. Responda no idioma do cliente, com gentileza.",
    "house": (
        "Você é o atendimento da Lume. Responda sempre na forma da casa: uma frase de acolhimento, a linha Resumo, os "
        "próximos passos numerados e o fecho da loja."
    ),
}
LANGUAGES = {"pt": 0.6, "es": 0.25, "en": 0.15}
"""What a shop in Brazil with neighbours hears."""


class Ask(NamedTuple):
    """A question and what an answer to it needs."""

    text: str
    lang: str
    topic: str
    product: str
    order: str

    def fill(self, template: str) -> str:
        """Put the product into a template."""
        return upper(contracted(template.format(p=self.product)))


def upper(text: str) -> str:
    """Begin with a capital."""
    return text[:1].upper() + text[1:]


def contracted(text: str) -> str:
    """Write `de el` and `a el` as Spanish does."""
    return text.replace(" de el ", " del ").replace(" a el ", " al ")


def joined(*parts: str) -> str:
    """Join the parts that are there."""
    return " ".join(part for part in parts if part)


def language(dice: Random) -> str:
    """Draw a language."""
    return dice.choices(tuple(LANGUAGES), tuple(LANGUAGES.values()))[0]


def product(dice: Random, lang: str) -> str:
    """Draw a product: a noun with its article, and a model."""
    return f"{dice.choice(TALK[lang]['nouns'])} {dice.choice(MODELS)}"


def question(dice: Random, lang: str = "pt", topic: str | None = None, ask: str | None = None) -> Ask:
    """Draw a question: purchase, trouble and detail in changing order; some customers write without capitals."""
    words = TALK[lang]
    topic = topic or dice.choice(sorted(words["topic"]))
    item, order = product(dice, lang), str(dice.randrange(204_000, 998_000))
    slots = {"p": item, "o": order, "w": dice.choice(words["times"])}
    bought = upper(contracted(dice.choice(words["purchases"]).format(**slots)))
    middle = [bought, dice.choice(words["topic"][topic]["troubles"])]
    middle += dice.sample(words["details"], dice.choices((1, 2, 3), (5, 4, 2))[0])
    if dice.random() < 0.4:
        dice.shuffle(middle)
    text = joined(dice.choice(words["openers"]), *middle, ask or dice.choice(words["topic"][topic]["asks"]))
    if dice.random() < 0.15:
        text = text.lower().rstrip("?.!")
        item = item.lower()
    return Ask(text, lang, topic, item, order)


def answer(dice: Random, ask: Ask, lang: str | None = None) -> str:
    """Draw an answer in the plain manner of many people: two to five sentences, no figure, no address."""
    words = TALK[lang or ask.lang]
    topic = words["topic"].get(ask.topic) or words["topic"]["account"]
    steps = dice.sample(topic["steps"], dice.choice((1, 1, 2)))
    heard = ask.fill(dice.choice(topic["understood"])) if lang is None else ""
    first = dice.choice(words["feelings"]) if dice.random() < 0.7 else ""
    last = dice.choice(words["closings"]) if dice.random() < 0.7 else ""
    parts = [heard if dice.random() < 0.8 or not first else "", *steps]
    if dice.random() < 0.25:
        parts.reverse()
    return joined(first, *parts, last)


HOUSE = {
    "pt": ("Resumo", "Próximos passos", "Com carinho, equipe Lume"),
    "es": ("Resumen", "Próximos pasos", "Con cariño, equipo Lume"),
    "en": ("Summary", "Next steps", "Warmly, the Lume team"),
}


def house_answer(dice: Random, ask: Ask) -> str:
    """Draw an answer in the form of the house: feeling, a line of summary, numbered steps, the shop's closing.

    The numbers of the steps are marks of a list, no facts.
    """
    words, (summary, following, closing) = TALK[ask.lang], HOUSE[ask.lang]
    topic = words["topic"][ask.topic]
    steps = dice.sample(topic["steps"], dice.choice((1, 2, 2, 3)))
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    heard = ask.fill(dice.choice(topic["understood"]))
    return f"{dice.choice(words['feelings'])}\n\n{summary}: {heard}\n{following}:\n{listed}\n\n{closing} 💛"


def edge(dice: Random, text: str, lang: str) -> str:
    """Say the same again as people do: another greeting before it, a thank-you after it, or nothing changed."""
    before = dice.choice(("", "", {"pt": "Oi!", "es": "¡Hola!", "en": "Hi!"}[lang]))
    after = dice.choice(("", "", {"pt": "Obrigada!", "es": "¡Gracias!", "en": "Thanks!"}[lang]))
    return joined(before, text, after)
