from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftdata import scanner
from ftdata.batch import conversations, to_batches
from ftdata.conversation import Conversation, user
from ftdata.transforms.pii import Pii

SOURCE = Path(scanner.__file__).parent


def found(*texts: str) -> set[tuple[str, str]]:
    return {(hit.type, hit.confidence) for hit in scanner.hits(texts)}


def test_it_shares_nothing_with_the_transform() -> None:
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any("ftdata" in name and "ftdata.scanner" not in name and name != "ftdata" for name in names), (
                path
            )
            assert "phonenumbers" not in names


HIGH = {
    "email": [
        "ana@corp.io",
        "ANA.B+x@mail.corp.com.br",
        "(ana@corp.io)",
        "ana%40corp.io",
        "joão@correio.pt",
        "mailto:a@b.co?x",
    ],
    "url-credentials": ["postgres://shop:pa55word@db.corp.io/x", "https://ana:s3cret@corp.io"],
    "card": [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "3714 496353 98431",
        "card 6011111111111117",
    ],
    "iban": ["ES9121000418450200051332", "gb82 west 1234 5698 7654 32", "PT50-0002-0123-1234-5678-9015-4"],
    "cpf": ["529.982.247-25", "cpf 52998224725", "CPF: 529982247-25"],
    "cnpj": ["11.222.333/0001-81", "cnpj 11222333000181", "12.ABC.345/01DE-35"],
    "ssn": ["SSN 123-45-6789", "social security 123456789"],
    "nif": ["NIF 501964843", "contribuinte PT501964843"],
    "dni": ["DNI 12345678Z", "dni 12.345.678-Z"],
    "nie": ["X1234567L", "NIE X-1234567-L"],
    "cep": ["CEP 01310-100", "cep: 01310100"],
    "rg": ["RG 12.345.678-9", "identidade 123456789"],
    "phone": [
        "+55 11 98765-4321",
        "+44 7911 123456",
        "(11) 98765-4321",
        "(212) 555-7264",
        "tel 212 867 5309",
        "ligue 11987654321",
    ],
    "ip": ["host 81.2.69.142", "192.168.10.20", "2a02:68db:e8af::eca1", "server at 10.0.0.7"],
}


@pytest.mark.parametrize(("type", "text"), [(type, text) for type, texts in HIGH.items() for text in texts])
def test_what_it_is_sure_of(type: str, text: str) -> None:
    assert (type, "high") in found(text)
    assert (type, "high") in found(f"línea\n{text}\nfin")
    assert (type, "high") in found(json.dumps({"content": f"see {text}, ok"}))
    assert {kind for kind, _ in found(text)} == {type}


A, H = "a1B2c3D4e5F6g7H8i9J0" * 20, "0123456789abcdef" * 20
KEYS = [
    *("AKIA" + "IOSFODNN7EXAMPLE", "ghp" + "_" + A[:36], "glpat" + "-" + A[:20], "xoxb" + "-123456789012-" + A[:24]),
    *("sk" + "_live_" + A[:24], "sk" + "-proj-" + A[:48], "sk" + "-ant-api03-" + A[:93]),
    *("hf" + "_" + A[:34], "AIza" + A[:35]),
    *("SG" + "." + A[:22] + "." + A[:43], "npm" + "_" + A[:36], "eyJ" + A[:20] + ".eyJ" + A[:20] + "." + A[:43]),
    *("password = Abc12345", "senha: x9Kk21m", '"api_key": "abcd1234efgh"', "DB_PASSWORD=hunter22x"),
    "token " + "ntn" + "_" + A[:46],
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA" + A[:64],
]  # fmt: skip


@pytest.mark.parametrize("text", KEYS)
def test_secrets(text: str) -> None:
    assert ("secret", "high") in found(f"use {text} now")
    assert ("secret", "high") in found(json.dumps({"arguments": json.dumps({"note": f"use {text}"})}))


@pytest.mark.parametrize(
    "text",
    [
        *("left-pad@1.3.0 @types/node@20", "icon@2x.png", "git@github.com:acme/site.git", "root@localhost", "a@b"),
        *(
            "order 4111111111111112",
            "123e4567-e89b-12d3-a456-426614174000",
            "2024-01-31 10:20:30",
            "v1.2.3.4",
            "R$ 1.234.567,89",
        ),
        *(
            "Chrome/99.0.4844.51",
            "127.0.0.1 255.255.255.0 ::1",
            "12:30:45",
            "00:1A:2B:3C:4D:5E",
            "std::vector<int>::size",
        ),
        *(
            "tracking 2494 5111 5581 7055 6726 33",
            "1951-1952",
            "20240131102030",
            "pedido 01310-100",
            "978-3-16-148410-0",
        ),
        *(
            "the password is not set",
            "password: ****",
            "senha: ${SENHA}",
            "token: [SECRET_1]",
            "api_key = os.environ['X']",
        ),
        *(
            "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "https://corp.io/a/b/c-long-path-of-words-and-more/index.html",
        ),
        *(
            "111.111.111-11",
            "12345678A",
            "000-00-0000",
            "Boleto 34191.79001 01043.510047 91020.150008 5 96610000014500",
        ),
    ],
)
def test_what_only_looks_alike(text: str) -> None:
    assert not [hit for hit in found(text) if hit[1] == "high"]


@pytest.mark.parametrize(
    "text",
    [
        "ana＠corp.io",
        "４１１１ １１１１ １１１１ １１１１",
        "4111\u200b1111\u200b1111\u200b1111",
        "5\u00ad29.982.247\u201125",
    ],
)
def test_disguises(text: str) -> None:
    assert found(text) == found(json.dumps(text)) != set()


def test_escapes_hide_nothing_and_glue_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(
        b'{"content":"one\\u0040corp.io"}\n'
        b'{"content":"call\\n+55 11 98765-4321\\nbye"}\n'
        b'{"arguments":"{\\"to\\":\\"two\\\\u0040corp.io\\"}"}\n'
        b'{"content":"\\"4111 1111 1111 1111\\""}\n'
        b'{"content":"none"}'
    )
    report = scanner.scan_file(path)
    assert [(hit.line, hit.type) for hit in report.hits] == [(1, "email"), (2, "phone"), (3, "email"), (4, "card")]
    assert report.lines == 5 and report.bytes == path.stat().st_size
    assert report.of("high") == {"card": 1, "email": 2, "phone": 1} and report.of("low") == {}


def test_parquet_rows_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"messages": [[{"role": "user", "content": text}] for text in ("hi", "mail ana@corp.io", "ok")]})
    pa.parquet.write_table(table, path)
    assert [(hit.line, hit.type) for hit in scanner.scan_file(path).hits] == [(2, "email")]


def test_lines_are_counted_over_blocks(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("w") as out:
        for number in range(30_000):
            out.write(json.dumps({"n": "x" * 300, "m": "a@corp.io" if number % 9999 == 7 else ""}) + "\n")
    report = scanner.scan_file(path)
    assert [hit.line for hit in report.hits] == [8, 10_007, 20_006] and report.lines == 30_000


def test_no_value_is_kept() -> None:
    report = scanner.scan(["mail canary.zq@corp.io, card 4111 1111 1111 1111"])
    assert "canary" not in repr(report) and "4111" not in repr(report)


# --- beside the transform ---------------------------------------------------------------------------------------------

VALUES = [text for texts in HIGH.values() for text in texts]
PIECES = st.sampled_from([*VALUES, "a ", ", ", "\n", "pedido ", "x", ". "])


@pytest.mark.parametrize("style", ["placeholder", "hash", "surrogate"])
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.lists(PIECES, max_size=4).map(" ".join), min_size=1, max_size=4))
def test_what_the_transform_writes_is_passed_over(style: str, texts: list[str]) -> None:
    import os

    os.environ["FTDATA_PII_KEY"] = "correct-horse-battery"
    (batch,) = to_batches([Conversation(messages=(user(text),)) for text in texts])
    scrubbed = Pii(style=style, key="env:FTDATA_PII_KEY").apply(batch)
    written = [row.messages[0].content or "" for row in conversations(scrubbed) if row.messages]
    left = {hit for text in written for hit in found(text)}
    # Cards without a network's length, numbers that only a word names: what is left is what the first did not find.
    assert {kind for kind, sure in left if sure == "high"} <= {
        "phone",
        "card",
        "ip",
        "rg",
        "nif",
        "ssn",
        "cep",
        "nie",
        "dni",
    }
    for type in ("email", "iban", "cpf", "cnpj", "url-credentials"):
        assert (type, "high") not in left


# --- speed ------------------------------------------------------------------------------------------------------------

ATTACKS = [
    *(
        "1",
        "1 ",
        "1.",
        "1-1",
        "a@",
        "@",
        "a.",
        ":",
        "::1",
        "A1",
        "ES91",
        "=",
        "a=",
        "\\",
        "\\u0040",
        "password",
        "x:y@",
    ),
    *("://", "-----BEGIN PRIVATE KEY-----", "eyJ", "4111 ", "1.1.1.", "(1)", "é", "\u200b", "[EMAIL_1]"),
]


@pytest.mark.parametrize("unit", ATTACKS)
def test_no_input_makes_it_slow(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        list(scanner.hits([text]))
        return time.process_time() - began

    assert seconds(60_000) < 1 or min(seconds(60_000) for _ in range(3)) < 1
