from __future__ import annotations

import csv
import functools
import itertools
import json
import random
import re
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from timing import MOST, cpu, growth

from ftdata.batch import changed, conversations, dumps, to_batches
from ftdata.conversation import Conversation, Message, assistant, user
from ftdata.transforms.pii import TYPES, Pii, count, scrub
from ftdata.transforms.pii.find import find
from ftdata.transforms.pii.rule import Rule
from ftdata.transforms.pii.rules import RULES, rules
from ftdata.transforms.pii.shapes import SHAPES

BLOCKS = Path(__file__).parent / "pii_blocks"
SHARED = Path(__file__).resolve().parents[3] / "shared/data/bench/pii"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def one(conversation: Conversation, **settings: Any) -> Conversation:
    (batch,) = to_batches([conversation])
    return next(conversations(Pii(**settings).apply(batch)))


# --- blocks: input and expected output, in every place a text can stand ----------------------------------------------


def blocks() -> list[Any]:
    cases = []
    for path in sorted(BLOCKS.glob("*.txt")):
        for block in re.split("^=== ", path.read_text("utf-8"), flags=re.M)[1:]:
            title, _, body = block.partition("\n")
            given_, expected = body.rstrip("\n").split("\n---\n")
            cases.append(pytest.param(given_, expected, id=f"{path.stem}: {title}"))
    return cases


def places(text: str) -> list[Conversation]:
    """Put a text in every place that is scrubbed, each time in a conversation of its own."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": dumps({"x": {"text": [text]}})}}
    old = {"function_call": {"name": "f", "arguments": dumps({"text": text})}, "refusal": text}
    tool = {"type": "function", "function": {"name": "f", "description": text}}
    plain = [user("hello"), assistant("hi")]
    return [
        Conversation(messages=(user(text), *plain)),
        Conversation(messages=(Message(role="user", parts=[{"type": "text", "text": text}]), *plain)),
        Conversation(messages=(user("go"), Message(role="assistant", tool_calls=[call]))),
        Conversation(messages=(user("go"), Message(role="assistant", extra=old))),
        Conversation(messages=(user("go", name=text), *plain)),
        Conversation(messages=tuple(plain), rejected=(assistant(text),), answer_at=1),
        Conversation(messages=tuple(plain), tools=[tool]),
        Conversation(messages=tuple(plain), extra={"reference": {"answer": text}}),
        Conversation(messages=tuple(plain), meta={"note": text, "deep": [{"more": text}], text: 1}),
    ]


def test_there_are_sixty_blocks_in_three_languages() -> None:
    assert len(blocks()) >= 60
    assert {path.stem for path in BLOCKS.glob("*.txt")} == {"en", "pt", "es"}


@functools.cache
def scrubbed() -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Give for each block the rows of its places scrubbed, and these scrubbed again; a last one has the text alone."""
    texts = list(dict.fromkeys(case.values[0] for case in blocks()))
    made = [[*places(text), Conversation(messages=(user(text),))] for text in texts]
    once = Pii().apply(pl.concat(to_batches(row for rows in made for row in rows)))
    twice, size = Pii().apply(once), len(made[0])
    return {
        text: (once[at : at + size], twice[at : at + size])
        for at, text in zip(range(0, once.height, size), texts, strict=True)
    }


@pytest.mark.parametrize(("given_", "expected"), blocks())
def test_block_in_every_place(given_: str, expected: str) -> None:
    once, twice = scrubbed()[given_]
    (wanted,) = to_batches(places(expected))
    result, (alone,) = once[:-1], conversations(once[-1:])
    assert not changed(result, wanted).any()
    assert result["note"].is_not_null().all() == (given_ != expected)
    assert alone.messages[0].content == expected  # type: ignore[index]
    assert twice.equals(once)


# --- every type in every place, keys and numbers of JSON -------------------------------------------------------------

VALUES = {
    "email": "ana@example.com",
    "url-credentials": "https://ana:s3cret@example.com",
    "card": "4111 1111 1111 1111",
    "iban": "GB82 WEST 1234 5698 7654 32",
    "cpf": "529.982.247-25",
    "cnpj": "12.ABC.345/01DE-35",
    "phone": "+55 11 98765-4321",
    "ip": "203.0.113.42",
    "ssn": "123-45-6789",
    "rg": "RG 12.345.678-9",
    "cep": "CEP 01310-100",
    "dni": "12345678-Z",
    "nie": "X-1234567-L",
    "nif": "NIF 501964843",
    "curp": "BEML920313HCMLNS09",
    "rfc": "GODE561231GR8",
    "cuit": "20-12345678-6",
    "nino": "AB 12 34 56 C",
    "pis": "PIS 120.56412.54-5",
    "cnh": "CNH 62472927637",
    "voter-id": "título de eleitor 0043 5687 0906",
    "cns": "cartão SUS 898 0000 0004 3208",
    "plate": "placa ABC1D23",
    "niss": "NISS 11234567892",
    "citizen-card": "cartão de cidadão 00000000 0 ZZ4",
    "nuss": "NUSS 28 12345678 40",
    "rut": "RUT 12.345.678-5",
    "ruc": "RUC 20131312955",
    "nit": "NIT 900.123.456-7",
    "cedula": "cédula 1.012.345.678",
    "passport": "passport FX123456",
    "license": "driving licence D1234567",
    "vat": "VAT DE123456789",
    "secret": "AKIAIOSFODNN7EXAMPLE",
    "name": "my name is Anna Lindqvist",
}


@pytest.mark.parametrize("type", TYPES)
def test_type_in_every_place(type: str) -> None:
    mark = f"[{type.upper().replace('-', '_')}_1]"
    value = VALUES[type]
    result = list(conversations(Pii().apply(next(to_batches(places(f"it is {value}, ok"))))))
    for row in result:
        assert value not in row.model_dump_json()
        assert mark in row.model_dump_json()


def test_only_the_types_asked_for() -> None:
    text = "; ".join(VALUES.values())
    for type in TYPES:
        message = one(Conversation(messages=(user(text),)), types=(type.upper(),)).messages[0]  # type: ignore[index]
        assert message.content is not None
        assert re.findall(r"\[([A-Z_]+)_1\]", message.content) == [type.upper().replace("-", "_")]


def test_keys_and_numbers_of_json() -> None:
    arguments = dumps({"ana@example.com": {"cpf": 52998224725, "card": 4111111111111111, "n": 12345678}})
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    row = one(Conversation(messages=(Message(role="assistant", tool_calls=[call]),), meta={"doc": "52998224725"}))
    assert row.messages and row.messages[0].tool_calls
    assert json.loads(row.messages[0].tool_calls[0]["function"]["arguments"]) == {
        "[EMAIL_1]": {"cpf": "[CPF_1]", "card": "[CARD_1]", "n": 12345678}
    }
    assert row.meta == {"doc": "[CPF_1]"}
    assert row.note == "EMAIL 1, CARD 1, CPF 2"


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("password", "sunshine", True),
        ("db_password", "1234", True),
        ("userPassword", "x9!kk", True),
        ("senha", "flamengo", True),
        ("contraseña", "gato", True),
        ("api_key", "abcd1234efgh5678", True),
        ("client_secret", "abcd1234efgh5678", True),
        ("password", "[SECRET_4]", False),
        ("password", "string", False),
        ("password", "the one you chose", False),
        ("password", "${DB_PASSWORD}", False),
        ("max_tokens", "4096", False),
        ("token", "approved", False),
        ("autoclave", "134C", False),
        ("key", "abcd1234efgh5678", False),
    ],
)
def test_values_under_telling_keys(key: str, value: str, secret: bool) -> None:
    row = one(Conversation(messages=(user("hello"),), meta={"settings": {key: value}, "other": value}))
    assert row.meta is not None
    assert (row.meta["settings"][key] != value) == secret


# --- numbering --------------------------------------------------------------------------------------------------------


def test_one_value_one_number_across_the_conversation() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to": "B@example.com"}'}}
    row = one(
        Conversation(
            messages=(
                user("a@example.com and b@example.com"),
                Message(role="assistant", tool_calls=[call]),
                assistant("Sent to A@EXAMPLE.com. CPF 529.982.247-25, i.e. 52998224725"),
            ),
            rejected=(assistant("c@example.com b@example.com"),),
            meta={"from": "a@example.com", "cc": "d@example.com"},
        )
    )
    assert row.messages and row.rejected and row.meta and row.messages[1].tool_calls
    assert [m.content for m in row.messages] == [
        "[EMAIL_1] and [EMAIL_2]",
        None,
        "Sent to [EMAIL_1]. CPF [CPF_1], i.e. [CPF_1]",
    ]
    assert row.messages[1].tool_calls[0]["function"]["arguments"] == '{"to": "[EMAIL_2]"}'
    assert row.rejected[0].content == "[EMAIL_3] [EMAIL_2]"
    assert row.meta == {"from": "[EMAIL_1]", "cc": "[EMAIL_4]"}
    assert row.note == "EMAIL 8, CPF 2"


def test_numbers_start_anew_in_each_conversation() -> None:
    (batch,) = to_batches(Conversation(messages=(user(f"u{i}@example.com"),)) for i in range(3))
    assert {c.messages[0].content for c in conversations(Pii().apply(batch)) if c.messages} == {"[EMAIL_1]"}


def test_numbers_in_use_anywhere_in_the_row_are_passed_over() -> None:
    row = one(Conversation(messages=(user("x@example.com y@example.com"),), meta={"log": "[EMAIL_1] [EMAIL_3]"}))
    assert row.messages and row.messages[0].content == "[EMAIL_2] [EMAIL_4]"


def test_context_stands_anywhere_in_the_conversation_but_in_no_other() -> None:
    said = (assistant("Qual é o seu CPF?"), user("52998224725"))
    (batch,) = to_batches([Conversation(messages=said), Conversation(messages=(user("52998224725"),))])
    first, second = conversations(Pii().apply(batch))
    assert first.messages and first.messages[1].content == "[CPF_1]"
    assert second.messages and second.messages[0].content == "52998224725"


PIECES = st.sampled_from(
    [
        *VALUES.values(),
        "b@example.com",
        "cpf 52998224725",
        "senha: Abc12345",
        "11987654321",
        "(11) 98765-4321",
        "467 3395",
        "tel ",
        "pedido ",
        "phone",
        "1.2.3.4",
        "01310-100",
        " ou ",
        "[EMAIL_1]",
        "x",
        " ",
        ", ",
        "\n",
        "４",
        "-",
    ]
)
SAID = st.lists(PIECES, max_size=6).map("".join)
ROWS = st.lists(
    st.builds(
        lambda texts, meta: Conversation(messages=tuple(user(t) for t in texts), meta={"k": meta}),
        st.lists(SAID, max_size=3),
        SAID,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_laws(rows: list[Conversation]) -> None:
    (batch,) = to_batches(rows)
    whole = Pii().apply(batch)
    # One row at a time gives the same, whatever the neighbours.
    assert pl.concat([Pii().apply(batch.slice(i, 1)) for i in range(batch.height)]).equals(whole)
    # Twice is once.
    assert Pii().apply(whole).equals(whole)
    # A note stands where something was edited, and only there.
    edited = [old != new for old, new in zip(batch.drop("note").to_dicts(), whole.drop("note").to_dicts(), strict=True)]
    assert whole["note"].is_not_null().to_list() == edited


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="aé4.@:/- \u200b４1[]_=\"'%", max_size=60))
def test_scrubbing_any_text_twice_is_once(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


def test_untouched_rows_come_back_as_they_were() -> None:
    rows = [
        Conversation(messages=()),
        Conversation(messages=(user(""), Message(role="assistant")), meta={"a": 1.50, "b": None}),
        Conversation(messages=(user("a@example.com"),), note="before"),
        Conversation(messages=(user("nothing here"),), note="before"),
    ]
    (batch,) = to_batches(rows)
    result = Pii().apply(batch)
    assert result.filter(pl.Series([True, True, False, True])).equals(
        batch.filter(pl.Series([True, True, False, True]))
    )
    assert result["note"].to_list() == [None, None, "EMAIL 1", "before"]
    assert Pii().apply(batch[:2]) is not None and Pii().apply(batch[:2]).equals(batch[:2])
    assert Pii().apply(batch[:0]).equals(batch[:0])


# --- settings and the small sisters -----------------------------------------------------------------------------------


def test_spared_meta_stays() -> None:
    conversation = Conversation(messages=(user("hi"),), meta={"customer": "a@example.com", "cc": "a@example.com"})
    assert one(conversation, spare=("customer",)).meta == {"customer": "a@example.com", "cc": "[EMAIL_1]"}
    assert one(conversation).meta == {"customer": "[EMAIL_1]", "cc": "[EMAIL_1]"}


def test_settings() -> None:
    assert Pii.scrubs is True
    assert Pii(names="off").reads_meta() == frozenset()
    assert {"customer", "Customer Name", "customer_name"} <= Pii().reads_meta()
    assert hash(Pii()) == hash(Pii(types=tuple(reversed(TYPES))))
    with pytest.raises(ValidationError, match="'mail' is not a type; use some of email, url-credentials"):
        Pii(types=("mail",))
    with pytest.raises(ValidationError, match="no type is named"):
        Pii(types=())


def test_count() -> None:
    rows = [Conversation(messages=(user("a@example.com a@example.com"), assistant("4111 1111 1111 1111")))] * 3
    (batch,) = to_batches([*rows, Conversation(messages=(user("hello"),), meta={"by": "b@example.com"})])
    assert count(batch) == {"email": (7, 4), "card": (3, 3)}
    assert count(batch, types=("card",)) == {"card": (3, 3)}
    assert count(batch[:0]) == {}


def test_scrub_of_names_and_messages() -> None:
    assert scrub("tickets_jose@example.com.csv") == "[EMAIL_1]"
    assert scrub("export-529.982.247-25.csv.gz") == "export-[CPF_1].csv.gz"
    assert scrub("tickets.csv") == "tickets.csv"
    assert scrub("") == ""


def test_nothing_is_found_in_a_few_characters() -> None:
    """`scrub` does not look at strings as short as these."""
    few = ["".join(given) for size in range(1, 5) for given in itertools.product("a@.1+-:/ ", repeat=size)]
    chosen = rules(tuple(type for type in TYPES if type not in ("ip", "cep", "name")), ())
    assert not find(pl.Series(few), np.arange(len(few), dtype=np.uint32), chosen)
    assert all(scrub(text) == text for text in few[-5:])


# --- keys and tokens --------------------------------------------------------------------------------------------------

HEX, ALNUM = "0123456789abcdef" * 20, "a1B2c3D4e5F6g7H8i9J0" * 20


def keys() -> dict[str, str]:
    """Give an invented key of each shape, put together here so that no scanner takes this file for a leak."""
    a, h = ALNUM, HEX
    return {
        "aws id": "AKIA" + "IOSFODNN7EXAMPLE",
        "aws temporary": "ASIA" + "IOSFODNN7EXAMPLE",
        "github": "ghp" + "_" + a[:36],
        "github app": "ghs" + "_" + a[:36],
        "github fine": "github" + "_pat_" + a[:82],
        "gitlab": "glpat" + "-" + a[:20],
        "slack bot": "xoxb" + "-123456789012-1234567890123-" + a[:24],
        "slack user": "xoxp" + "-123456789012-1234567890123-" + a[:24],
        "slack app": "xapp" + "-1-A0123456789-1234567890123-" + h[:64],
        "stripe": "sk" + "_live_" + a[:24],
        "stripe restricted": "rk" + "_live_" + a[:24],
        "stripe webhook": "whsec" + "_" + a[:32],
        "openai": "sk" + "-proj-" + a[:48],
        "openai old": "sk" + "-" + a[:48],
        "anthropic": "sk" + "-ant-api03-" + a[:93] + "-AA",
        "openrouter": "sk" + "-or-v1-" + h[:64],
        "hugging face": "hf" + "_" + a[:34],
        "groq": "gsk" + "_" + a[:52],
        "google": "AIza" + a[:35],
        "google oauth": "GOCSPX" + "-" + a[:28],
        "google access": "ya29" + "." + a[:60],
        "azure client": a[:3] + "8Q~" + a[:34],
        "sendgrid": "SG" + "." + a[:22] + "." + a[:43],
        "twilio": "SK" + h[:32],
        "twilio account": "AC" + h[:32],
        "mailgun": "key" + "-" + h[:32],
        "mailchimp": h[:32] + "-us12",
        "brevo": "xkeysib" + "-" + h[:64] + "-" + a[:16],
        "npm": "npm" + "_" + a[:36],
        "pypi": "pypi" + "-" + "AgEIcHlwaS5vcmc" + a[:80],
        "rubygems": "rubygems" + "_" + h[:48],
        "docker": "dckr" + "_pat_" + a[:27],
        "digitalocean": "dop" + "_v1_" + h[:64],
        "shopify": "shpat" + "_" + h[:32],
        "square": "sq0" + "atp-" + a[:22],
        "mercado pago": "APP_USR" + "-1234567890123456-010203-" + h[:32] + "-123456789",
        "razorpay": "rzp" + "_live_" + a[:14],
        "telegram": "1234567890" + ":AA" + a[:33],
        "discord": "M" + a[:23] + "." + a[:6] + "." + a[:27],
        "jwt": "eyJ" + a[:20] + ".eyJ" + a[:20] + "." + a[:43],
        "databricks": "dapi" + h[:32],
        "linear": "lin" + "_api_" + a[:40],
        "postman": "PMAK" + "-" + h[:24] + "-" + h[:34],
        "new relic": "NRAK" + "-" + ("A1B2" * 7)[:27],
        "cloudflare": "v1.0" + "-" + h[:24] + "-" + h[:146],
        "vault": "hvs" + "." + a[:28],
        "terraform": a[:14] + ".atlasv1." + a[:64],
        "doppler": "dp" + ".pt." + a[:43],
        "grafana": "glsa" + "_" + a[:32] + "_" + h[:8],
        "sentry": "sntrys" + "_" + a[:60],
        "heroku": "HRKU" + "-" + a[:58],
        "atlassian": "ATATT3" + a[:180],
        "figma": "figd" + "_" + a[:40],
        "notion": "ntn" + "_" + a[:46],
        "airtable": "pat" + a[:14] + "." + h[:64],
        "hubspot": "pat" + "-na1-" + str(uuid.UUID(int=2**100 + 7)),
        "supabase": "sbp" + "_" + h[:40],
        "planetscale": "pscale" + "_tkn_" + a[:43],
        "pulumi": "pul" + "-" + h[:40],
        "age": "AGE-SECRET-KEY" + "-1" + ("A1B2" * 15)[:58],
        "buildkite": "bkua" + "_" + h[:40],
    }


@pytest.mark.parametrize(("name", "key"), keys().items())
def test_key_of_a_known_shape(name: str, key: str) -> None:
    for text in ("{}", "use {}, ok?", 'x="{}";', "línea\n{}\nfin", "({})", "chave：{}。"):
        assert scrub(text.format(key)) == text.format("[SECRET_1]"), name
    # A piece of a longer word is something else.
    assert scrub(f"zz{key}") != "zz[SECRET_1]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://api.telegram.org/bot1234567890" + ":AA" + ALNUM[:33] + "/getMe",
            "https://api.telegram.org/bot[SECRET_1]/getMe",
        ),
        ("AccountKey=" + ALNUM[:86] + "==;", "AccountKey=[SECRET_1];"),
        ("SharedAccessKey=" + ALNUM[:43] + "=", "SharedAccessKey=[SECRET_1]"),
        ("?sv=2022&sig=" + ALNUM[:43] + "%3D&se=1", "?sv=2022&sig=[SECRET_1]&se=1"),
        ("https://hooks.slack.com/services/T00000000/B00000000/" + ALNUM[:24], "https://hooks.slack.com/[SECRET_1]"),
        (
            "https://discord.com/api/webhooks/123456789012345678/" + ALNUM[:68],
            "https://discord.com/api/webhooks/[SECRET_1]",
        ),
        (
            '{"private_key": "-----BEGIN PRIVATE'
            + " KEY-----\\nMIIE"
            + ALNUM[:60]
            + "\\n-----END PRIVATE"
            + ' KEY-----\\n"}',
            '{"private_key": "[SECRET_1]\\n"}',
        ),
    ],
)
def test_keys_that_follow_a_mark(text: str, expected: str) -> None:
    assert scrub(text) == expected


# --- what must stay ---------------------------------------------------------------------------------------------------


def digits(r: random.Random, n: int) -> str:
    return "".join(r.choices("0123456789", k=n))


HARMLESS: dict[str, Callable[[random.Random], str]] = {
    "uuid": lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    "sha": lambda r: f"{r.getrandbits(160):040x}",
    "md5": lambda r: f"{r.getrandbits(128):032x}",
    "object id": lambda r: f"{r.getrandbits(96):024x}",
    "time": lambda r: (
        f"2024-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}T10:{r.randrange(60):02}:00.{digits(r, 6)}Z"
    ),
    "milliseconds": lambda r: f"17{digits(r, 11)}",
    "zip": lambda r: f"ZIP {digits(r, 5)}-{digits(r, 4)}",
    "bare": lambda r: digits(r, r.randrange(5, 15)),
    "date": lambda r: r.choice(("{2}/{1}/20{0}", "20{0}-{1}-{2} 10:{1}", "{2}.{1}.19{0}", "19{0}/20{0}")).format(
        *(f"{r.randrange(1, 13):02}" for _ in range(3))
    ),
    "isbn": lambda r: f"978-{digits(r, 1)}-{digits(r, 2)}-{digits(r, 6)}-{digits(r, 1)}",
    "place": lambda r: f"-{r.randrange(90)}.{digits(r, 6)}, -{r.randrange(180)}.{digits(r, 6)}",
    "case": lambda r: f"{digits(r, 7)}-{digits(r, 2)}.2024.8.26.{digits(r, 4)}",
    "slip": lambda r: (
        f"34191.{digits(r, 5)} {digits(r, 5)}.{digits(r, 6)} {digits(r, 5)}.{digits(r, 6)} 5 {digits(r, 14)}"
    ),
    "code": lambda r: f"ABC-{digits(r, 3)}-{digits(r, 4)}",
    "invoice": lambda r: f"invoice {digits(r, 3)}-{digits(r, 3)}-{digits(r, 4)}",
    "order": lambda r: f"#{digits(r, 16)}",
    "order of eleven": lambda r: f"pedido {digits(r, 11)}",
    "protocol": lambda r: f"protocolo {digits(r, 14)}",
    "article": lambda r: f"EAN {r.randrange(4, 8)}{digits(r, 12)}",
    "snowflake": lambda r: f"user {r.randrange(1, 9)}{digits(r, 17)}",
    "parcel": lambda r: f"{''.join(r.choices('ABCDLR', k=2))}{digits(r, 9)}BR",
    "ups": lambda r: f"1Z{digits(r, 3)}AA1{digits(r, 10)}",
    "version": lambda r: f"foo@{digits(r, 1)}.{digits(r, 2)}.{digits(r, 1)}-rc.1",
    "money": lambda r: f"R$ {digits(r, 3)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)}",
    "release": lambda r: "version " + ".".join(str(r.randrange(256)) for _ in range(4)),
    "section": lambda r: "section " + ".".join(str(r.randrange(20)) for _ in range(4)),
    "float": lambda r: f"0.{digits(r, 16)}",
    "counting": lambda r: " ".join(digits(r, r.randrange(1, 4)) for _ in range(20)),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_only_looks_personal_stays(kind: str) -> None:
    r = random.Random(kind)
    texts = [f"It says {HARMLESS[kind](r)} here." for _ in range(500)]
    (batch,) = to_batches(Conversation(messages=(user(text),)) for text in texts)
    edited = [new for old, new in zip(texts, Pii().apply(batch)["messages"], strict=True) if new[0]["content"] != old]
    assert not edited


# --- disguises --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["email", "card", "iban", "cpf", "cnpj", "phone", "ip", "ssn", "dni", "nie"])
@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() and c.isascii() else c for c in text),
        lambda text: text.replace("@", "＠"),
        lambda text: text[:6] + "\u200b" + text[6:],
        lambda text: "\u2060".join(text),
        lambda text: text[:4] + "\ufeff\u200d" + text[4:9] + "\u00ad" + text[9:],
        lambda text: text.replace(" ", "\u00a0").replace("-", "\u2011"),
        lambda text: text.replace(" ", "\u2009").replace("-", "–"),
    ],
)
def test_disguised(type: str, disguise: Any) -> None:
    text = f"né? {disguise(VALUES[type])}\u200b, ok ½"
    said = one(Conversation(messages=(user(text),))).messages[0].content  # type: ignore[index]
    assert said == f"né? [{type.upper()}_1]\u200b, ok ½"


# --- time -------------------------------------------------------------------------------------------------------------

ATTACKS = [
    "a.",
    "@",
    "1",
    "1 ",
    "4111 ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJaaaaaaaa.",
    "://",
    "senha:",
    "a:a@",
    "GB82WEST",
    "sk-",
    " ",
    "\u200b1",
]


def seconds(rules: Sequence[Rule], unit: str, size: int) -> float:
    texts, rows = pl.Series([unit * (size // len(unit))]), np.zeros(1, dtype=np.uint32)
    return cpu(lambda: find(texts, rows, rules))


@pytest.mark.parametrize("unit", ATTACKS)
def test_a_megabyte_of_attack_takes_all_rules_together_a_second(unit: str) -> None:
    took = partial(seconds, RULES, unit)
    assert took(1_000_000) < 1 or took(1_000_000) < 1
    assert growth(took, 300_000) <= MOST


@pytest.mark.long
@pytest.mark.parametrize("unit", ATTACKS)
def test_a_megabyte_of_attack_takes_no_rule_a_second(unit: str) -> None:
    for rule in RULES:
        took = partial(seconds, [rule], unit)
        whole = took(1_000_000)
        assert whole < 1, (rule.pattern, unit)
        assert whole < 0.05 or growth(took, 500_000) <= MOST, (rule.pattern, unit)


def test_no_rule_asserts_what_stands_around_its_match() -> None:
    for rule in RULES:
        assert not re.search(r"\\b|\\B|\\A|\\z|(?<![\[\\(])\^|(?<!\\)\$$", rule.pattern), rule.pattern
    assert len(SHAPES) >= 30


# --- public sets ------------------------------------------------------------------------------------------------------


@needs_shared
def test_recall_on_a_public_set() -> None:
    records = json.loads((SHARED / "presidio_synth_dataset_v2.json").read_text("utf-8"))
    kinds = {"CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN"}
    (batch,) = to_batches(Conversation(messages=(user(record["full_text"]),)) for record in records)
    found = dict.fromkeys(kinds, 0)
    for record, row in zip(records, conversations(Pii().apply(batch)), strict=True):
        assert row.messages and row.messages[0].content is not None
        for span in record["spans"]:
            kind = kinds.get(span["entity_type"])
            if kind:
                found[span["entity_type"]] += (
                    span["entity_value"] not in row.messages[0].content and f"[{kind}_" in row.messages[0].content
                )
    assert found == {"CREDIT_CARD": 136, "EMAIL_ADDRESS": 49, "IBAN_CODE": 21}


@needs_shared
def test_brazilian_documents_of_another_project() -> None:
    with (SHARED / "br_documents.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert rows
    for row in rows:
        mark = f"[{row['kind'].upper()}_1]"
        wanted = mark if row["expected"] == "valid" else row["number"]
        assert scrub(f"{row['kind']}: {row['number']}.") == f"{row['kind']}: {wanted}."


@pytest.mark.parametrize("number", ["4111111111111111", "4111-1111-1111-1111", "4111 1111 1111 1111"])
def test_a_sentence_that_goes_on_without_a_space_does_not_hide_a_card(number: str) -> None:
    for after in (".Thanks", ".", ". ok", ",Bob", ",exp 12/27", "\n.Ok"):
        assert scrub(f"I paid with {number}{after}") == f"I paid with [CARD_1]{after}"
    for after in (".5", ",5", ".csv", "-a1b2", "_x"):
        assert scrub(f"see {number}{after}") == f"see {number}{after}"
