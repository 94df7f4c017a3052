"""Changes under which a verdict must hold: rows removed, another order, light rewording. None touches a figure."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from random import Random

from golden_rows import Row

LABEL_WORDS = 1
"""An answer of so many words is a label, which is not reworded."""

SYNONYMS: tuple[tuple[str, str], ...] = (
    ("comprei", "adquiri"),
    ("troca", "substituição"),
    ("conferir", "verificar"),
    ("confiro", "verifico"),
    ("aparelho", "dispositivo"),
    ("prefere", "quer"),
    ("infelizmente", "lamentavelmente"),
    ("dúvida", "pergunta"),
    ("rapidinho", "bem rápido"),
    ("agora", "neste momento"),
    ("mande", "envie"),
    ("transportadora", "empresa de entregas"),
    ("conferi", "verifiquei"),
    ("previsão", "estimativa"),
    ("exatamente", "justamente"),
    ("compré", "adquirí"),
    ("caja", "embalaje"),
    ("arreglarlo", "solucionarlo"),
    ("pedí", "encargué"),
    ("contesto", "respondo"),
    ("dime", "indícame"),
    ("reviso", "compruebo"),
    ("bought", "purchased"),
    ("parcel", "package"),
    ("annoying", "frustrating"),
    ("swap", "exchange"),
    ("please", "kindly"),
    ("glad", "happy"),
    ("look", "check"),
)
"""Words and others that say the same in this talk; none occurs in a name, a label or an address."""

_WORD = re.compile(r"[^\W\d_]+")
_BEFORE = ("Olá, ", "Oi, ", "Hola, ", "Hello, ", "")
_APART = re.compile(r"https?://\S+|\S+@\S+")


def fewer(rows: Sequence[Row], seed: int) -> list[Row]:
    """Remove one row in ten, at least one."""
    dice = Random(f"fewer {seed}")
    gone = set(dice.sample(range(len(rows)), max(1, len(rows) // 10)))
    return [row for at, row in enumerate(rows) if at not in gone]


def shuffled(rows: Sequence[Row], seed: int) -> list[Row]:
    """Put the rows in another order; their times stay with them."""
    return Random(f"shuffled {seed}").sample(list(rows), len(rows))


def reworded(rows: Sequence[Row], seed: int) -> list[Row]:
    """Say the same in other words: the same synonyms in all rows, so that what was equal stays so, and in every other
    question a greeting more.

    Labels, numbers, addresses, tool calls and what tools say stay as they are, as does the system text.
    """
    dice = Random(f"reworded {seed}")
    chosen = dict(dice.sample(SYNONYMS, len(SYNONYMS) * 2 // 3))
    made = []
    for row in rows:
        row = copy.deepcopy(row)
        for turn in row["messages"]:
            if turn["role"] in ("user", "assistant") and turn["content"] is not None:
                turn["content"] = _said(turn["content"], chosen)
        asked = next(turn for turn in row["messages"] if turn["role"] == "user")
        if dice.random() < 0.5:
            asked["content"] = dice.choice(_BEFORE) + asked["content"]
        made.append(row)
    return made


def _said(text: str, chosen: dict[str, str]) -> str:
    if len(text.split()) <= LABEL_WORDS:
        return text

    def other(match: re.Match[str]) -> str:
        word = match[0]
        found = chosen.get(word.lower(), word)
        return found[:1].upper() + found[1:] if word[0].isupper() else found

    parts, at = [], 0
    for kept in _APART.finditer(text):
        parts += [_WORD.sub(other, text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join((*parts, _WORD.sub(other, text[at:])))


CHANGES: dict[str, Callable[[Sequence[Row], int], list[Row]]] = {
    "fewer": fewer,
    "shuffled": shuffled,
    "reworded": reworded,
}
"""Every change by the name that `holds` of `expected.toml` uses."""
