"""What stays of an answer without its slots, and what counts as a refusal."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftdata.checks.replies import masked, refuses


def left(text: str) -> str | None:
    value: str | None = masked(pl.Series([text], dtype=pl.String))[0]
    return value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hi Bea,\n\nit ships today.\n\nBest regards,\nNadia", "Hello Tom Kettering!\nIt ships today."),
        (
            "Olá, tudo certo com o pedido 5521.",
            "Olá Maria Clara, tudo certo com o pedido 7.\n\nAtenciosamente,\nJosé\nSuporte",
        ),
        ("Estimado Juan: su envío sale el 5 de mayo.\nSaludos,\nEva", "Estimada Ana, su envío sale el 17 de mayo."),
        ("Write to [EMAIL_1] or see https://example.com/a", "Write to ann@example.com or see www.example.com/b?c=d"),
        ("Your code is {code}.", "Your code is {{ ticket.code }}."),
        ("We asked Ann Brown about it.", "We asked Joe about it."),
        ("Order LM-20418 is paid", "order 7 is paid"),
        ("It is DONE!!", "it is done"),
        ("Alles ist da, und wir helfen.\nMit freundlichem Gruß\nAnna", "Alles ist da, und wir helfen."),
    ],
)
def test_templates_are_one(one: str, other: str):
    assert left(one) == left(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The parcel is lost.", "The parcel is found."),
        ("Ihre Bestellung liegt beim Zoll in der Stadt.", "Ihre Rechnung liegt beim Amt in der Stadt."),
        ("请问您的订单号是多少", "请问您的地址是什么"),
    ],
)
def test_others_are_not(one: str, other: str):
    assert left(one) != left(other)


@pytest.mark.parametrize("text", ["42", "", " ", "!!", "https://example.com", "[NAME_1]"])
def test_nothing_stays(text: str):
    assert left(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can\u2019t assist with that request.",
        "Unfortunately, we are not able to provide this.",
        "As an AI language model, I have no opinions.",
        "That is outside of my scope.",
        "Desculpe, não consigo ajudar com isso.",
        "Como um modelo de linguagem, não tenho opinião.",
        "Lo siento, no puedo ayudarle con eso.",
        "Désolé, je ne peux pas vous aider.",
        "Leider kann ich Ihnen nicht helfen; ich kann das nicht beantworten.",
        "Mi dispiace, non posso aiutarti.",
    ],
)
def test_refusals(text: str):
    assert refuses(pl.Series([text]))[0]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry for the wait; your parcel arrives today.",
        "I can help with that.",
        "I can't find the order, could you send its number?",
        "Não se preocupe, já resolvemos.",
        "It is fine. " * 40 + "I cannot help with that.",
        "",
    ],
)
def test_answers_that_do_not_refuse(text: str):
    assert not refuses(pl.Series([text]))[0]


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), max_size=5))
def test_each_text_by_itself(texts: list[str | None]):
    whole = pl.Series(texts, dtype=pl.String)
    alone = [masked(pl.Series([text], dtype=pl.String))[0] for text in texts]
    assert masked(whole).to_list() == alone
    assert all(text is None or text.strip() for text in alone)
