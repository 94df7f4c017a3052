from __future__ import annotations

import pytest

from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.transforms.pii import Pii


def answered(*pairs: tuple[str, str]) -> list[str]:
    rows = [Conversation(messages=(user("oi"), assistant(ask), user(tell), assistant("ok"))) for ask, tell in pairs]
    (batch,) = to_batches(rows)
    result = Pii().apply(batch)
    assert Pii().apply(result).equals(result)
    return [row.messages[2].content or "" for row in conversations(result) if row.messages]


@pytest.mark.parametrize(
    ("asked", "told", "expected"),
    [
        ("Qual o seu telefone com DDD, por favor? Obrigada!", "11987654321", "[PHONE_1]"),
        ("Please provide your phone number.", "it's 2125550199", "it's [PHONE_1]"),
        ("Wie lautet Ihre Telefonnummer?", "017655512345", "[PHONE_1]"),
        ("what is your CPF?", "52998224725", "[CPF_1]"),
        ("Qual o NIF?", "218147813", "[NIF_1]"),
        ("Qual é o CEP?", "01310100", "[CEP_1]"),
        ("¿Cuál es su cédula?", "1032456789", "[CEDULA_1]"),
        ("Qual a senha do wifi?", "batata123", "[SECRET_1]"),
    ],
)
def test_an_answer_is_read_with_its_question(asked: str, told: str, expected: str) -> None:
    assert answered((asked, told)) == [expected]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Pode me informar o número do pedido?", "4500123987"),
        ("Qual o número do pedido ou telefone?", "4500123987"),
        ("What is your order number?", "2125550199"),
        ("Em que data você ligou?", "12032024"),
        ("Ligaremos às 14:30.", "4500123987"),
        ("What's the serial number of the phone?", "12345678901"),
        ("Which phone model?", "Samsung 12345678"),
        ("Qual o seu telefone?", "o pedido que fiz tem o código 4500123987"),
        ("Which password did you try?", "6-digit"),
    ],
)
def test_an_answer_to_something_else_stays(asked: str, told: str) -> None:
    assert answered((asked, told)) == [told]


def test_a_question_of_another_row_asks_nothing() -> None:
    rows = [Conversation(messages=(user("Qual o seu telefone?"),)), Conversation(messages=(user("11987654321"),))]
    (batch,) = to_batches(rows)
    assert Pii().apply(batch).equals(batch)


def test_rows_that_are_alike_are_all_read() -> None:
    pair = ("Qual o seu telefone?", "11987654321")
    assert answered(pair, pair, pair) == ["[PHONE_1]"] * 3
