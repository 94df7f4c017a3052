from __future__ import annotations

import ipaddress
import json
import pickle
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ftdata import flow, runs
from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, assistant, user
from ftdata.errors import RecipeError
from ftdata.examples import outcomes
from ftdata.recipe import Recipe
from ftdata.transforms.pii import TYPES, Pii, surrogates
from ftdata.transforms.pii.styles import TOKEN

KEY = "correct-horse-battery"
HASH: dict[str, Any] = {"style": "hash", "key": "env:FTDATA_PII_KEY"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTDATA_PII_KEY", KEY)


def said(*texts: str, meta: dict[str, Any] | None = None, **fields: Any) -> list[str]:
    turns = [user(text) if at % 2 == 0 else assistant(text) for at, text in enumerate(texts)]
    (batch,) = to_batches([Conversation(messages=tuple(turns), meta=meta)])
    row = next(conversations(Pii(**fields).apply(batch)))
    return [message.content or "" for message in row.messages or ()]


# --- hash -------------------------------------------------------------------------------------------------------------


def test_one_value_has_one_token_in_the_whole_dataset() -> None:
    first = said("Ana@Example.com, (11) 98765-4321", **HASH)[0]
    other = said("ligue +55 11 98765-4321 ou ana@example.com", **HASH)[0]
    assert sorted(re.findall(TOKEN, first)) == sorted(re.findall(TOKEN, other))
    assert len(set(re.findall(TOKEN, first + other))) == 2
    assert said("Anna here", meta={"author": "Anna Lindqvist"}, **HASH) == said(
        "Lindqvist here", meta={"customer": "Anna Lindqvist"}, **HASH
    )


def test_another_key_gives_other_tokens_and_none_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = said("ana@example.com", **HASH)
    monkeypatch.setenv("FTDATA_PII_KEY", KEY + "!")
    assert said("ana@example.com", **HASH) != mine
    monkeypatch.setenv("OTHER", KEY)
    assert said("ana@example.com", style="hash", key="env:OTHER") == mine
    for value, told in (("", "is not set"), ("short", "holds fewer than 16 characters")):
        monkeypatch.setenv("FTDATA_PII_KEY", value)
        with pytest.raises(RecipeError, match=f"the environment variable FTDATA_PII_KEY {told}") as error:
            said("nothing to find", **HASH)
        assert "short" not in str(error.value).replace("shorter", "")


def test_a_token_says_nothing_without_the_key() -> None:
    import hashlib
    import hmac

    (token,) = re.findall(r"_([0-9a-f]{10})\]", said("ana@example.com", **HASH)[0])
    for digest in ("md5", "sha1", "sha256", "blake2b"):
        for value in ("ana@example.com", "email\0ana@example.com"):
            assert not hashlib.new(digest, value.encode()).hexdigest().startswith(token)
            assert not hmac.new(b"", value.encode(), digest).hexdigest().startswith(token)


@pytest.mark.parametrize("key", ["s3cret-key-itself-x", "env:", "env:1X", "env:A B", "ENV:FTDATA", "env:A;B", ""])
def test_the_key_itself_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValidationError, match=r'write "env:FTDATA_PII_KEY"') as error:
        Pii(style="hash", key=key)
    assert "s3cret" not in str(error.value)


def test_settings() -> None:
    with pytest.raises(ValidationError, match="the style hash needs a key"):
        Pii(style="hash")
    with pytest.raises(ValidationError, match="the style hash needs a key"):
        Pii(styles={"email": "hash"})
    with pytest.raises(ValidationError, match="'mail' is not a type; use some of email"):
        Pii(styles={"mail": "hash"})
    with pytest.raises(ValidationError, match="'mask' is not a style; use one of placeholder, hash, surrogate"):
        Pii(styles={"email": "mask"})
    made = Pii(styles={"CARD": "surrogate", "e-mail".replace("-", ""): "hash"}, key="env:FTDATA_PII_KEY")
    assert made.styles == (("email", "hash"), ("card", "surrogate"))
    assert pickle.loads(pickle.dumps(made)) == made and hash(made) == hash(made.model_copy())
    assert Pii(**made.model_dump()) == made
    assert (
        Pii(types=("email",), styles={"card": "hash"}).key is None
    )  # a style of a type that is left out asks for no key


def test_styles_by_type() -> None:
    text = said(
        "ana@example.com paid with 5555 5555 5555 4444, 81.2.69.1",
        styles={"email": "hash", "card": "surrogate"},
        key="env:FTDATA_PII_KEY",
    )[0]
    assert re.fullmatch(r"\[EMAIL_[0-9a-f]{10}\] paid with 4000 00\d\d \d{4} \d{4}, \[IP_1\]", text)


# --- surrogates -------------------------------------------------------------------------------------------------------

MADE = {
    "email": ("a.b@corp.io", r"[a-z]+\.[a-z]+\d\d@example\.(com|org|net)"),
    "phone": ("+55 (11) 98765-4321", r"\+55 \(11\) 90555-01\d\d"),
    "card": ("5555-5555-5555-4444", r"4000-00\d\d-\d{4}-\d{4}"),
    "iban": ("ES91 2100 0418 4502 0005 1332", r"ES\d\d 0000 0000 0000 00\d\d \d{4}"),
    "cpf": ("529.982.247-25", r"999\.9\d\d\.\d{3}-\d\d"),
    "cnpj": ("11.222.333/0001-81", r"\d\d\.\d{3}\.\d{3}/9999-\d\d"),
    "ip": ("81.2.69.142", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}"),
    "ssn": ("SSN 123-45-6789", r"SSN 987-65-\d{4}"),
    "rg": ("RG 12.345.678-9", r"RG 00\.99\d\.\d{3}-\d"),
    "cep": ("CEP 01310-100", r"CEP 000\d\d-\d{3}"),
    "dni": ("DNI 12345678Z", r"DNI 99999\d{3}[A-Z]"),
    "nie": ("NIE X1234567L", r"NIE Z9999\d{3}[A-Z]"),
    "nif": ("NIF 501964843", r"NIF 0000\d{5}"),
    "name": ("my name is Anna Lindqvist", r"my name is [A-Z][a-z]+ [A-Z][a-z]+"),
}


def test_types_without_surrogates_keep_their_placeholder() -> None:
    assert set(MADE) == {*surrogates.MAKERS, "name"} <= set(TYPES)
    text = said("senha: Abc12345, https://ana:pa55word@corp.io/x", style="surrogate")[0]
    assert text == "senha: [SECRET_1], https://[URL_CREDENTIALS_1]@corp.io/x"


@pytest.mark.parametrize("type", MADE)
def test_surrogate_of_a_type(type: str) -> None:
    value, shape = MADE[type]
    seen = set()
    for seed in range(12):
        made = Pii(style="surrogate", seed=seed)
        (batch,) = to_batches([Conversation(messages=(user(f"it is {value}, ok"),))])
        result = made.apply(batch)
        text = next(conversations(result)).messages[0].content or ""  # type: ignore[index]
        assert re.fullmatch(f"it is {shape}, ok", text), text
        assert value.split()[-1] not in text
        assert made.apply(result).equals(result)
        seen.add(text)
    assert len(seen) > 3


def test_check_digits_of_surrogates_by_a_library_that_knows_them() -> None:
    cpf, cnpj = pytest.importorskip("stdnum.br.cpf"), pytest.importorskip("stdnum.br.cnpj")
    luhn, iban = pytest.importorskip("stdnum.luhn"), pytest.importorskip("stdnum.iban")
    for seed in range(30):
        one = said("CPF 529.982.247-25, CNPJ 11.222.333/0001-81", style="surrogate", seed=seed)[0]
        first, second = re.findall(r"[\d./\-]{14,}", one)
        assert cpf.is_valid(first) and cnpj.is_valid(second)
        two = said("5555555555554444; GB82 WEST 1234 5698 7654 32 e 81.2.69.1", style="surrogate", seed=seed)[0]
        card, account, host = re.fullmatch(r"(\d+); ([A-Z\d ]+) e (\S+)", two).groups()  # type: ignore[union-attr]
        assert luhn.is_valid(card) and iban.is_valid(account, check_country=False)
        assert not ipaddress.ip_address(host).is_global


def test_same_value_same_surrogate_in_a_conversation_and_others_differ() -> None:
    texts = said(
        "a@corp.io, b@corp.io, (212) 555-7264",
        "A@CORP.io? call +1 212 555 7264 or 2125557264",
        style="surrogate",
    )
    emails = re.findall(r"\S+@example\.\w+", " ".join(texts))
    assert len(emails) == 3 and emails[0].strip(",?") == emails[2].strip(",?") != emails[1].strip(",?")
    many = [f"u{n}@corp.io" for n in range(60)]
    assert len(set(said(" ".join(many), style="surrogate")[0].split(" "))) == 60


def test_a_person_keeps_first_and_last_name() -> None:
    first, second = said(
        "Olá, não chegou.\nAtt, Carla Nobre de Souza", "Olá, Carla! Sra. Souza, …", style="surrogate", seed=3
    )
    given, family = first.rpartition("Att, ")[2].split(" ")
    assert second == f"Olá, {given}! Sra. {family}, …"
    assert given in surrogates.FIRST["pt"]


def test_copies_stay_copies_whatever_the_values() -> None:
    one = said("Write to a@corp.io about 81.2.69.1", style="surrogate")
    assert one == said("Write to longer.name@other.org about 77.1.2.3", style="surrogate")
    assert one != said("Write to a@corp.io about 81.2.69.1", style="surrogate", seed=1)


def test_surrogates_in_the_source_stay_and_are_not_given_again() -> None:
    text = said("Write to a@corp.io", style="surrogate")[0]
    again = said(f"{text}. Write to a@corp.io", style="surrogate")[0]
    held, fresh = re.findall(r"[a-z.]+\d\d@example\.\w+", again)
    assert again.startswith(f"{text}. ") and held != fresh


def test_what_numbers_would_glue_together_keeps_its_placeholder() -> None:
    for seed in range(20):
        text = said("1 2 3 4111 1111 1111 1111 5 6 7 cartão", style="surrogate", seed=seed)[0]
        assert said(text, style="surrogate", seed=seed) == [text]


# --- laws -------------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *(value for value, _ in MADE.values()),
        *(
            "b@corp.io",
            "11987654321",
            "(11) 98765-4321",
            "07911 123456",
            "06 12 34 56 78",
            "+49 30 1234567",
            "2001:db8::1",
        ),
        *(
            "tel ",
            "cpf ",
            "card ",
            "[EMAIL_1]",
            "[PHONE_0123456789]",
            "averil.eastvale12@example.com",
            "+1 202 555 0147",
        ),
        *(
            "4000 0012 3456 7899",
            "203.0.113.7",
            "Averil Eastvale",
            "Anna",
            "Hi Anna,",
            "Att, ",
            " ",
            ", ",
            "\n",
            "-",
            "x",
            "4",
        ),
        *("1", "0", ".", "CEP ", "00012-345", "RG ", "senha: Abc12345", "https://u:p4ss@corp.io/", "\u200b", "４"),
    ]
)
SAID = st.lists(PIECES, max_size=7).map("".join)
ROWS = st.lists(
    st.builds(
        lambda texts, meta: Conversation(messages=tuple(user(t) for t in texts), meta=meta),
        st.lists(SAID, max_size=3),
        st.sampled_from([None, {"author": "Anna Lindqvist", "note": "tel 11987654321"}]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(
    "fields",
    [HASH, {"style": "surrogate"}, {"styles": {"email": "hash", "phone": "surrogate"}, "key": "env:FTDATA_PII_KEY"}],
)
@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_laws(fields: dict[str, Any], rows: list[Conversation]) -> None:
    import os

    os.environ["FTDATA_PII_KEY"] = KEY
    (batch,) = to_batches(rows)
    made = Pii(**fields)
    whole = made.apply(batch)
    # One row at a time gives the same, whatever the neighbours.
    assert pl.concat([made.apply(batch.slice(i, 1)) for i in range(batch.height)]).equals(whole)
    # Twice is once.
    assert made.apply(whole).equals(whole)
    # A note stands where something was edited, and only there.
    edited = [old != new for old, new in zip(batch.drop("note").to_dicts(), whole.drop("note").to_dicts(), strict=True)]
    assert whole["note"].is_not_null().to_list() == edited
    # What is scrubbed to placeholders is scrubbed in every style.
    assert fields != HASH or Pii().apply(batch)["note"].is_not_null().to_list() == edited


# --- canaries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["placeholder", "hash", "surrogate"])
def test_neither_key_nor_value_is_in_any_file_of_the_run(tmp_path: Path, style: str) -> None:
    values = ["zq.canary@corp.io", "+55 11 98765-4321", "5555 5555 5555 4444", "529.982.247-25", "Quillon", "Vexworth"]
    lines = [
        {"messages": [
            {"role": "user", "content": f"Write to {values[0]}, tel {values[1]}, card {values[2]}, CPF {values[3]}"},
            {"role": "assistant", "content": f"Hi Quillon, done {n}.\nRegards,\nQuillon Vexworth"},
        ]}
        for n in range(5)
    ]  # fmt: skip
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "r.toml").write_text(
        '[[read]]\nuse = "openai-chat"\npath = "in.jsonl"\n[[step]]\nuse = "pii"\n'
        f'style = "{style}"\nkey = "env:FTDATA_PII_KEY"\n'
        '[[step]]\nuse = "exact-dedup"\n[[step]]\nuse = "private-data"\nscanner = "both"\n'
        '[[write]]\nuse = "openai-chat"\npath = "out/train.jsonl"\n'
    )
    recipe = Recipe.load(tmp_path / "r.toml")
    manifest = flow.run(recipe)
    assert manifest.written == 5
    table = next(step for step in manifest.recipe["step"] if step["use"] == "pii")
    assert table["style"] == style and table["key"] == "env:FTDATA_PII_KEY"
    assert runs.verify(flow.record_of(recipe)) == []
    held = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    for canary in [KEY, *values]:
        assert canary.encode() not in held
    ledger = pl.read_parquet(tmp_path / "out/.ftdata/r/ledger.parquet")
    assert not any(word in str(ledger.to_dicts()) for word in [KEY, *values])


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", Pii.examples, ids=lambda example: example.says[:40])
def test_examples_show_what_they_say(example: Any) -> None:
    lives, findings = outcomes(Pii, example)
    assert findings == []
    nobody = "nobody" in example.says and "team" in example.says
    assert any(life.note for life in lives) != nobody


def test_examples_show_each_type_and_style() -> None:
    shown = " ".join(example.says for example in Pii.examples)
    assert all(f"`{type}`" in shown for type in TYPES)
    assert all(f"`{style}`" in shown for style in ("hash", "surrogate", "styles"))


def test_work_under_another_key_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Pii(style="hash", key="env:FTDATA_PII_KEY")
    told = []
    for key in ("one key of many letters", "one key of many letters", "another key of letters"):
        monkeypatch.setenv("FTDATA_PII_KEY", key)
        told.append(stage.outside())
        assert key not in told[-1]
    assert told[0] == told[1] != told[2]
    assert Pii().outside() == ""
