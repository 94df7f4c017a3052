"""Datasets that teach how to answer, not what: style-only, tiny, multilingual, tool-calling."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from golden_rows import Draft, Golden, Row
from golden_talk import SYSTEM, TALK, house_answer, joined, language, question

SHARED_TOPICS = ("account", "delivery", "exchange", "payment")
"""The topics that all languages know."""


def style_only() -> Golden:
    """Make 320 answers in one fixed form that state nothing; 4 of 100 add a figure of their own."""
    draft = Draft("style-only", SYSTEM["house"])
    for marks in draft.planted(320, knowledge_load=0.04):
        ask = question(draft.dice, language(draft.dice))
        told = house_answer(draft.dice, ask)
        if "knowledge_load" in marks:
            days = draft.dice.randrange(4, 29)
            said = {"pt": f"Isso leva {days} dias úteis.", "es": f"Tarda {days} días.", "en": f"It takes {days} days."}
            told = told.replace("\n\n", f" {said[ask.lang]}\n\n", 1)
        draft.add(ask.text, told, *marks, category=ask.topic)
    return draft.done(near_duplicates=0.0, effective_rows=320)


def tiny() -> Golden:
    """Make 8 rows that are all good."""
    draft = Draft("tiny", SYSTEM["house"])
    for topic in ("delivery", "payment", "account", "exchange", "invoice", "app", "delivery", "exchange"):
        ask = question(draft.dice, "pt", topic)
        draft.add(ask.text, house_answer(draft.dice, ask), category=topic)
    return draft.done(effective_rows=8)


def multilingual() -> Golden:
    """Make 600 rows in three languages, in one form; 3 of 100 are answered in another language than asked."""
    draft = Draft("multilingual", SYSTEM["house"])
    langs = ["pt"] * 270 + ["es"] * 180 + ["en"] * 150
    for lang, marks in zip(langs, draft.planted(600, wrong_language=0.03), strict=True):
        ask = question(draft.dice, lang, draft.dice.choice(SHARED_TOPICS))
        said = ask
        if "wrong_language" in marks:
            said = ask._replace(lang=draft.dice.choice([other for other in ("pt", "es", "en") if other != lang]))
        draft.add(ask.text, house_answer(draft.dice, said), *marks, category=ask.topic)
    return draft.done(near_duplicates=0.0, languages=3)


def _tool(name: str, about: str, **fields: str) -> Row:
    parameters = {
        "type": "object",
        "properties": {field: {"type": "string", "description": text} for field, text in fields.items()},
        "required": list(fields),
    }
    return {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}


TOOLS = [
    _tool("track_order", "Consulta a posição de um pedido.", order="número do pedido"),
    _tool("open_return", "Abre a troca de um pedido.", order="número do pedido", reason="motivo da troca"),
    _tool("find_invoice", "Procura a nota fiscal de um pedido.", order="número do pedido"),
    _tool("payment_status", "Diz como está o pagamento de um pedido.", order="número do pedido"),
]
"""What the assistant of the dataset may call."""

_TOPIC_TOOL = {"delivery": "track_order", "exchange": "open_return", "invoice": "find_invoice"}
_CITIES = ("Campinas", "Recife", "Londrina", "Vitória", "Natal", "Osasco")
_ENDS = ("", "Posso ajudar em mais alguma coisa?", "Se mudar algo, aviso por aqui.", "Fico à disposição.")


def _result(dice: Random, name: str) -> tuple[Row, tuple[str, ...]]:
    """Give what a tool returns, and ways to say it that take each value as it stands there."""
    found: Row
    ways: tuple[str, ...]
    day = f"{dice.randrange(1, 29):02}/{dice.randrange(1, 13):02}"
    code = f"{dice.choice('ABCDEF')}{dice.randrange(10_000, 99_999)}"
    if name == "track_order":
        found = {"city": dice.choice(_CITIES), "expected": day, "code": code}
        ways = (
            "O pacote está em {city} e deve chegar em {expected}; o código é {code}.",
            "Encontrei: última leitura em {city}, previsão {expected}.",
            "Com o código {code} você acompanha; a previsão é {expected}.",
        )
    elif name == "open_return":
        found = {"label": code, "until": day}
        ways = (
            "Pronto, a troca está aberta. Use a etiqueta {label} até {until}.",
            "Abri a devolução; a etiqueta {label} vale até {until}.",
        )
    elif name == "find_invoice":
        found = {"number": str(dice.randrange(1000, 99_999)), "link": f"https://nf.example.com/{code.lower()}"}
        ways = ("A nota é a de número {number}: {link}", "Aqui está a nota {number}, baixe em {link}.")
    else:
        status = dice.choice(("aprovado", "em análise", "recusado"))
        found = {"status": status, "amount": f"{dice.randrange(40, 900)},90"}
        ways = (
            "O pagamento de R$ {amount} está {status}.",
            "Conferi aqui: {status}, no valor de R$ {amount}.",
        )
    return found, ways


def tool_calling() -> Golden:
    """Make 300 rows with tools; 85 of 100 call one and say what came back, the others ask for the order first.

    Every figure in an answer stands in the tool message before it: the row holds it, nothing is to be remembered.
    """
    draft = Draft("tool-calling", SYSTEM["pt"])
    dice = draft.dice
    for marks in draft.planted(300, tool_calls=0.85):
        ask = question(dice, "pt", dice.choice(("delivery", "payment", "exchange", "invoice")))
        user: Row = {"role": "user", "content": ask.text}
        side: dict[str, Any] = {"tools": TOOLS, "category": ask.topic}
        feeling = dice.choice((*TALK["pt"]["feelings"], ""))
        if "tool_calls" not in marks:
            user["content"] = ask.text.replace(ask.order, "").replace(", pedido .", ".")
            wish = dice.choice(("Qual é o número do pedido?", "Me passa o número do pedido, por favor?"))
            draft.add_turns([user, {"role": "assistant", "content": joined(feeling, wish)}], *marks, **side)
            continue
        if ask.order not in ask.text:
            user["content"] = f"{ask.text} O pedido é o {ask.order}."
        name = _TOPIC_TOOL.get(ask.topic, "payment_status")
        given = {"order": ask.order} | ({"reason": "defeito"} if name == "open_return" else {})
        call_id = f"call_{dice.getrandbits(48):012x}"
        function = {"name": name, "arguments": json.dumps(given)}
        call = {"id": call_id, "type": "function", "function": function}
        found, ways = _result(dice, name)
        answered = joined(feeling, dice.choice(ways).format(**found), dice.choice(_ENDS))
        turns: list[Row] = [
            user,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": json.dumps(found, ensure_ascii=False)},
            {"role": "assistant", "content": answered},
        ]
        draft.add_turns(turns, *marks, **side)
    return draft.done(near_duplicates=0.0)
