"""Phones, addresses of hosts and documents: what only these types can do, beside `test_transform_pii.py`."""

from __future__ import annotations

import random
import re
from functools import partial
from typing import Any

import numpy as np
import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from timing import MOST, cpu, growth

from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.transforms.pii import Pii, count, scrub
from ftdata.transforms.pii.find import find
from ftdata.transforms.pii.plans import REGIONS, forget
from ftdata.transforms.pii.rules import RULES


def said(text: str, **settings: Any) -> str:
    (batch,) = to_batches([Conversation(messages=(user(text),))])
    row = next(conversations(Pii(**settings).apply(batch)))
    assert row.messages and row.messages[0].content is not None
    return row.messages[0].content


def many(texts: list[str], **settings: Any) -> list[str]:
    (batch,) = to_batches(Conversation(messages=(user(text),)) for text in texts)
    return [row.messages[0].content or "" for row in conversations(Pii(**settings).apply(batch)) if row.messages]


# --- phones: libphonenumber's own examples are the oracle -------------------------------------------------------------

KINDS = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
FORMATS = phonenumbers.PhoneNumberFormat


def examples(region: str) -> list[phonenumbers.PhoneNumber]:
    return [n for kind in KINDS if (n := phonenumbers.example_number_for_type(region, kind)) is not None]


def test_a_number_of_any_country_with_plus() -> None:
    numbers = [number for region in sorted(phonenumbers.SUPPORTED_REGIONS) for number in examples(region)]
    assert len(numbers) > 400
    for form in (FORMATS.E164, FORMATS.INTERNATIONAL):
        written = [phonenumbers.format_number(number, form) for number in numbers]
        for frame in ("{}", "It is {}, or so.", "({})", "tel:{}", "pedido 12, {}\n"):
            assert many([frame.format(w) for w in written], regions=()) == [frame.format("[PHONE_1]")] * len(written)


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_in_its_national_form(region: str) -> None:
    wanted: dict[str, str] = {}
    for number in examples(region):
        written = phonenumbers.format_number(number, FORMATS.NATIONAL)
        for frame in (
            "phone: {}",
            "me liga no {}",
            "llámame al {} por favor",
            "{} is my mobile",
            "Sie erreichen mich unter {}",
        ):
            wanted[frame.format(written)] = frame.format("[PHONE_1]")
            wanted[frame.format(re.sub(r"\D", "", written))] = frame.format("[PHONE_1]")
        if len(re.findall(r"\d+", written)) > 1 and sum(map(str.isdigit, written)) > 8:
            wanted[f"It is {written}, or so."] = "It is [PHONE_1], or so."
        order = f"order {re.sub(r'[^0-9]', '', written)}"
        wanted[order] = order
    assert many(list(wanted)) == list(wanted.values())


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.randoms(use_true_random=False))
def test_valid_numbers_are_found_and_one_number_has_one_placeholder(region: str, rng: random.Random) -> None:
    number = rng.choice(examples(region) or examples("BR"))
    number.national_number = int(f"{number.national_number}"[:-3] + f"{rng.randrange(1000):03}")
    if not phonenumbers.is_valid_number(number):
        return
    forms = [phonenumbers.format_number(number, form) for form in (FORMATS.E164, FORMATS.INTERNATIONAL)]
    assert said(f"{forms[0]} and {forms[1]}") == "[PHONE_1] and [PHONE_1]"


def test_regions_are_chosen() -> None:
    text = "It is 612 34 56 78."  # of Spain
    assert said(text, regions=("BR",)) == text
    assert said(text, regions=("br", "es")) == "It is [PHONE_1]."
    assert said("(11) 98765-4321", regions=()) == "(11) 98765-4321"
    assert said("phone 467 3395", regions=()) == "phone [PHONE_1]"
    assert Pii(regions=(" pt ", "PT", "br")).regions == ("PT", "BR")


@pytest.mark.parametrize(("code", "meant"), [("UK", "GB"), ("BRA", "BR"), ("USA", "US"), ("ESP", "ES"), ("GER", "DE")])
def test_an_unknown_region(code: str, meant: str) -> None:
    with pytest.raises(ValidationError, match=f"'{code}' is not a country code; did you mean '{meant}'"):
        Pii(regions=("BR", code))


def test_an_unknown_region_that_is_like_none() -> None:
    with pytest.raises(ValidationError, match="'99' is not a country code; give two letters"):
        Pii(regions=("99",))


@pytest.mark.parametrize(
    "text",
    [
        "Order 415-555-0132 shipped",
        "I phoned about order 12345678",
        "call me on 2024-05-01 at 10:42",
        "phone model: 1234567",
        "phone 12345678901234567",
        "call 911 or 112",
        "ABC-415-555-0132",
        "$4,155,550,132.00",
        "415-555-0132.csv",
        "/415-555-0132/x",
        "1200-1000=200",
        "12:415 555 0132",
        "CPF 529.982.247-26",
        "4012 8888 8888 1882",
        "DE89 3704 0044 0532 0130 01",
        "Springfield, IL 08059-2042",
        "927 209 282 people",
        "00:1A:2B:3C:4D:5E",
        "version 06.12.34.56",
        "[PHONE_1] 1234567",
        "phone [PHONE_1] paid 2024 1234567",
        "1 234 567 890 bytes",
    ],
)
def test_traps(text: str) -> None:
    assert said(text) == text


def test_the_nearest_word_decides() -> None:
    assert said("phone of order 12345678") == "phone of order 12345678"
    assert said("order by phone 12345678") == "order by phone [PHONE_1]"
    assert said("NIF 501964843, tel 912345678") == "NIF [NIF_1], tel [PHONE_1]"
    assert said("tel 501964843, NIF 212345672") != "tel [NIF_1], NIF [NIF_2]"
    assert said("CPF 52998224725 tel 11987654321") == "CPF [CPF_1] tel [PHONE_1]"


def test_a_list_behind_one_word() -> None:
    assert said("Tel 467 3395, 467 3396 or 467 3397") == "Tel [PHONE_1], [PHONE_2] or [PHONE_3]"
    assert said("Tel 467 3395. Paid 467 3396") == "Tel [PHONE_1]. Paid 467 3396"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("phone", "11987654321", True),
        ("customer_phone", "467 3395", True),
        ("Telefone celular", "1133334444", True),
        ("whatsapp", 5511987654321, True),
        ("phone_id", "11987654321", False),
        ("phone_model", "1234567", False),
        *((key, "467 3395", True) for key in ("tel", "fone", "Contato", "contact_number", "zap", "whats", "caller")),
        ("msisdn", "5511987654321", True),
        ("home tel", "467 3395", True),
        ("tel_2", "467 3395", True),
        ("hotel", "467 3395", False),
        ("microfone", "467 3395", False),
        ("caller_id", "467 3395", False),
        ("contato", "2024-05-01", False),
        ("whatsapp", "01/05/2024", False),
        ("order", "11987654321", False),
        ("phone", "Galaxy 12", False),
    ],
)
def test_values_under_telling_keys(key: str, value: Any, found: bool) -> None:
    (batch,) = to_batches([Conversation(messages=(user("hello"),), meta={"a": {key: value}, "n": "11987654322"})])
    row = next(conversations(Pii().apply(batch)))
    assert row.meta is not None
    assert row.meta["a"][key] == ("[PHONE_1]" if found else value)
    assert row.meta["n"] == "11987654322"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("cep", "01310-100", "CEP"),
        ("customer_cep", "01310100", "CEP"),
        ("recep", "01310-100", ""),
        ("cep", "00000000", ""),
        ("rg", "12.345.678-9", "RG"),
        ("RG", "12345678X", "RG"),
        ("org", "123456789", ""),
        ("rg", "1234", ""),
        ("nif", "501964843", "NIF"),
        ("nif", "PT501 964 843", "NIF"),
        ("nif", "B58378431", "NIF"),
        ("nif", "501964844", ""),
        ("ssn", "123-45-6789", "SSN"),
        ("customer_ssn", "123 45 6789", "SSN"),
        ("ssn", "123456789", "SSN"),
        ("ssn", "000-45-6789", ""),
    ],
)
def test_documents_under_telling_keys(key: str, value: str, found: str) -> None:
    (batch,) = to_batches([Conversation(messages=(user("hello"),), meta={"a": {key: value}})])
    row = next(conversations(Pii().apply(batch)))
    assert row.meta == {"a": {key: f"[{found}_1]" if found else value}}
    assert next(conversations(Pii(types=("email",)).apply(batch))).meta == {"a": {key: value}}


def test_a_document_under_a_key_has_the_number_that_it_has_in_a_text() -> None:
    rows = [Conversation(messages=(user("CEP 01310-100 e 01310100"),), meta={"a": {"cep": "01310-100"}})]
    (batch,) = to_batches(rows)
    assert next(conversations(Pii().apply(batch))).meta == {"a": {"cep": "[CEP_1]"}}


@pytest.mark.parametrize("written", ["(11)987654321", "(11) 987654321", "(011) 987654321", "(415)5552671"])
def test_solid_behind_its_area(written: str) -> None:
    assert said(f"It is {written}, or so.") == "It is [PHONE_1], or so."
    bare = re.sub(r"[()]+", " ", written).strip()
    assert said(f"row {bare}") == f"row {bare}"  # an id and a sum, a status and a size


@pytest.mark.parametrize(
    "text",
    ["My number's {}", "my number’s {}", "Quero falar no {}", "Fale com {}", "add me on {}", "please add me: {}"],
)
def test_more_words_for_a_call(text: str) -> None:
    assert said(text.format("0412345678")) == text.format("[PHONE_1]")


@pytest.mark.parametrize("text", ["Add 4155552671 and 912345678", "The order's number's 0412345678"])
def test_a_sum_is_no_call(text: str) -> None:
    assert said(text) == text


# --- echoes: what is proved once --------------------------------------------------------------------------------------


def told(*texts: str, **settings: Any) -> list[str | None]:
    rows = [Conversation(messages=tuple(user(text) for text in texts)), Conversation(messages=(user(texts[-1]),))]
    (batch,) = to_batches(rows)
    once = Pii(**settings).apply(batch)
    assert Pii(**settings).apply(once).equals(once)
    assert pl.concat([Pii(**settings).apply(batch.slice(i, 1)) for i in range(2)]).equals(once)
    first, second = conversations(once)
    assert second.messages and second.messages[0].content == texts[-1]  # in no other conversation
    return [message.content for message in first.messages or ()]


@pytest.mark.parametrize(
    ("proof", "bare", "mark"),
    [
        ("(11) 98765-4321", "11987654321", "PHONE"),
        ("(11) 98765-4321", "5511987654321", "PHONE"),
        ("+55 11 98765-4321", "011987654321", "PHONE"),
        ("+44 7911 123456", "07911123456", "PHONE"),
        ("529.982.247-25", "52998224725", "CPF"),
        ("11.222.333/0001-81", "11222333000181", "CNPJ"),
        ("card 5019 7170 1010 3742", "5019717010103742", "CARD"),
    ],
)
def test_what_is_proved_once_is_known_bare(proof: str, bare: str, mark: str) -> None:
    (given_, confirmed) = told(f"é {proof}", f"confirmo {bare}, pedido 11987650000")
    assert given_ == f"{'é card' if proof[0] == 'c' else 'é'} [{mark}_1]"
    assert confirmed == f"confirmo [{mark}_1], pedido 11987650000"


@pytest.mark.parametrize("text", ["x11987654321", "R$11987654321", "0.11987654321", "119876543210", "11987654321.5"])
def test_a_piece_of_something_longer_is_no_echo(text: str) -> None:
    assert told("(11) 98765-4321", text) == ["[PHONE_1]", text]


def test_an_echo_only_of_the_types_asked_for() -> None:
    assert told("(11) 98765-4321", "11987654321", types=("cpf",)) == ["(11) 98765-4321", "11987654321"]
    (batch,) = to_batches([Conversation(messages=(user("(11) 98765-4321"), assistant("ok 11987654321")))])
    assert count(batch) == {"phone": (2, 1)}
    assert Pii().apply(batch)["note"].to_list() == ["PHONE 2"]


def test_a_placeholder_names_no_document() -> None:
    assert told("529.982.247-25", "11144477735") == ["[CPF_1]", "11144477735"]
    assert told("CEP: 01310-100", "20040-020 aqui")[0] == "CEP: [CEP_1]"


# --- names and messages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "tickets_2024-05-01.csv",
        "tickets_20240501123000.csv.gz",
        "export-2024-05-01T10-42-00.jsonl",
        "chamados 2023-2024.csv#42",
        "runs/415-555-0132.jsonl",
        "out/part-00001-of-00012.parquet",
        "polars 2.1.0.4, phonenumbers 9.0.43",
        "3f2a9c1d-1234-4abc-9def-426614174000",
        "chat.jsonl#11987654321",
        "a 12345678 b 612 345 678 c 01310-100",
        "step 3 (length): max_chars: 100000000",
    ],
)
def test_names_of_files_and_ids_stay(name: str) -> None:
    assert scrub(name) == name


def test_names_that_hold_a_number_of_somebody() -> None:
    assert scrub("calls of +55 11 98765-4321.csv") == "calls of [PHONE_1].csv"
    assert scrub("whatsapp 11987654321.txt") == "whatsapp [PHONE_1].txt"
    assert scrub("ssn 123-45-6789.csv") == "ssn [SSN_1].csv"
    assert scrub("12345678Z.pdf") == "[DNI_1].pdf"


# --- documents, addresses ---------------------------------------------------------------------------------------------


def test_what_the_conversation_names() -> None:
    rows = [
        Conversation(messages=(assistant("Qual é o seu CEP?"), user("01310-100"))),
        Conversation(messages=(assistant("E o RG?"), user("12.345.678-2"))),
        Conversation(messages=(assistant("O código?"), user("01310-100 e 12.345.678-2"))),
    ]
    (batch,) = to_batches(rows)
    told = [row.messages[1].content for row in conversations(Pii().apply(batch)) if row.messages]
    assert told == ["[CEP_1]", "[RG_1]", "01310-100 e 12.345.678-2"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99_999_999))
def test_exactly_one_letter_makes_a_dni(number: int) -> None:
    found = [
        text for text in many([f"DNI {number:08}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]) if "[" in text
    ]
    assert found == ([] if len(set(f"{number:08}")) == 1 else ["DNI [DNI_1]"])


@settings(max_examples=40, deadline=None)
@given(st.integers(10_000_000, 99_999_999))
def test_a_nif_needs_its_digit(number: int) -> None:
    assert sum("[NIF_1]" in text for text in many([f"NIF {number}{last}" for last in range(10)])) <= 1


@settings(max_examples=40, deadline=None)
@given(st.ip_addresses(v=6))
def test_any_address_of_a_host_in_version_six(address: Any) -> None:
    host = not (address.is_loopback or address.is_unspecified or address.is_multicast)
    groups = address.compressed.split(":")
    long = len(groups) == 8 or (max(map(len, groups)) > 2 and any(map(str.isdigit, address.compressed)))
    long = long and not address.compressed.startswith("::1:")
    short, exploded = many([f"host {address} down", f"host {address.exploded} down"])
    assert (short == "host [IP_1] down") == (host and long)
    assert (exploded == "host [IP_1] down") == host


@settings(max_examples=60, deadline=None)
@given(st.ip_addresses(v=4))
def test_any_address_of_a_host_in_version_four(address: Any) -> None:
    first = int(str(address).split(".")[0])
    named, version = many([f"the IP {address}, ok", f"version {address}"])
    assert (named == "the IP [IP_1], ok") == (first not in (0, 127) and first < 224)
    assert version == f"version {address}"


# --- disguises and time -----------------------------------------------------------------------------------------------

DISGUISES = (
    lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text),
    lambda text: "\u200b".join(text),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: text.replace("-", "\u2011"),
    lambda text: text.replace(" ", "\u2009").replace("-", "–"),
    lambda text: text[:5] + "\u2060" + text[5:],
    lambda text: text[:3] + "\ufeff\u200d" + text[3:6] + "\u00ad" + text[6:],
    lambda text: text.replace("+", "＋").replace("-", "－"),
)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguised(disguise: Any) -> None:
    cases = (
        ("né? ", "+55 11 98765-4321", "PHONE"),
        ("né? ", "(11) 98765-4321", "PHONE"),
        ("tel ", "11 98765-4321", "PHONE"),
        ("tel ", "467 3395", "PHONE"),
        ("RG ", "12.345.678-9", "RG"),
        ("CEP ", "01310-100", "CEP"),
        ("NIF ", "501 964 843", "NIF"),
        ("SSN ", "123-45-6789", "SSN"),
        ("DNI ", "12345678-Z", "DNI"),
        ("NIE ", "X1234567L", "NIE"),
        ("IP ", "203.0.113.42", "IP"),
    )
    told = many([f"{before}{disguise(value)}, ok" for before, value, _ in cases])
    assert told == [f"{before}[{mark}_1], ok" for before, _, mark in cases]


ATTACKS = [
    *("+1 ", "(11) ", "1.1.1.1 ", "1::", "tel 1 ", "tel 11987654321\n", "12345678Z", "123-45-6789-", "123-45-6789 "),
    *(
        "11 98765-4321\n",
        "+5511987654321 ",
        "12 34 56 78\n",
        "1234567\n",
        "x1234567L ",
        "501964843 ",
        "01/",
        "(1",
        "1)(",
    ),
    *("12.345.678-9 ", "01310-100 ", "2001:db8::1 ", "ab:cd:", "[PHONE_1] ", "1\u200b", "\u00a01", "ext. 12 "),
]
DENSE = "11 98765-4321\n"  # 71,000 phones in a megabyte, each found: 14 microseconds each, a second or a little more
NEW = ("phone", "ip", "ssn", "rg", "cep", "dni", "nie", "nif")


def seconds(rules: Any, unit: str, size: int) -> float:
    texts, rows = pl.Series([unit * (size // len(unit))]), np.zeros(1, dtype=np.uint32)
    forget()
    return cpu(lambda: find(texts, rows, rules))


@pytest.mark.parametrize("unit", ATTACKS)
def test_attacks_grow_as_they_are_long(unit: str) -> None:
    rules = [rule for rule in RULES if rule.type in NEW]
    assert growth(partial(seconds, rules, unit), 100_000) <= MOST


@pytest.mark.long
@pytest.mark.parametrize("unit", [unit for unit in ATTACKS if unit != DENSE])
def test_a_megabyte_of_attack_takes_no_rule_a_second(unit: str) -> None:
    for rule in RULES:
        if rule.type in NEW:
            took = min(seconds([rule], unit, 1_000_000) for _ in range(2))
            assert took < 1, (rule.pattern, unit)
