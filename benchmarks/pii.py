"""Measure what `pii` finds: on generated texts (the half that nobody tuned on), on a public set, beside peers.

    python benchmarks/pii.py                                    # generated texts, held-out half
    python benchmarks/pii.py --half tune                        # the half that the rules were tuned on
    python benchmarks/pii.py --speed 4000 --peers /path/to/other/bin/python     # tickets: megabytes a second
    python benchmarks/pii.py --public .../presidio_synth_dataset_v2.json --peers /path/to/other/bin/python

Phones by country and form of writing: `pii_phones.py`; texts that hold nothing of anybody: `pii_harmless.py`.

The rule of counting: a hit is right if it overlaps a labelled span of its class, a labelled span is found if a hit of
its class overlaps it; precision is right hits over hits, recall found spans over spans, F1 their harmonic mean; "all"
sums over classes. Peers (presidio-analyzer's pattern recognisers without a language model, scrubadub, commonregex
datafog) are
run by the interpreter that `--peers` names, so that ftdata's own environment needs none of them; one that it does not
have is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple


class Labelled(NamedTuple):
    text: str
    spans: list[tuple[int, int, str]]
    kind: str


# --- numbers ----------------------------------------------------------------------------------------------------------

# Country code, trunk prefix, national number (d: any digit, n: 2-9), forms of writing: `N` the whole number, `A`, `B` …
# its parts. Written by hand from the countries' numbering plans, not taken from the library under test.
PLANS: dict[str, list[tuple[str, str, str]]] = {
    "BR": [
        (
            "55",
            "{11,21,31,41,51,61,71,81,85,19,27,48}|9{6-9}ddd|dddd",
            "(A) B-C;A B-C;A B C;(0A) B-C;0A B-C;ABC;+55 A B-C;+55 (A) B-C;+55ABC;+55 A B C",
        ),
        ("55", "{11,21,31,41,51,61,71,81,85,19,27,48}|3ddd|dddd", "(A) B-C;A B-C;(A)B-C;0A B C;+55 A B-C;A B.C"),
    ],
    "PT": [
        ("351", "9{1,2,3,6}d|ddd|ddd", "A B C;ABC;+351 A B C;+351ABC;00351 A B C;A-B-C;(+351) A B C;A.B.C"),
        ("351", "2{1,2}|ddd|dddd", "A B C;+351 A B C"),
    ],
    "ES": [
        ("34", "6dd|ddd|ddd", "A B C;ABC;+34 A B C;+34ABC;0034 A B C;A-B-C;(+34) A B C"),
        ("34", "9{1,3,5}|ddd|dd|dd", "A B C D;+34 A B C D;A-B-C-D"),
    ],
    "MX": [("52", "{55,33,81}|{1-8}ddd|dddd", "A B C;(A) B C;ABC;+52 A B C;+52 1 A B C;A-B-C;(A) B-C")],
    "AR": [("54", "11|{4-6}ddd|dddd", "(011) B-C;011 B-C;A B-C;+54 9 A B-C;+54 A B C;(011) 15-B-C;15-B-C;0A-B-C")],
    "US": [
        (
            "1",
            "{212,415,305,617,312,206,713,404,602,503}|{2-9}{0,2-9}d|dddd",
            "(A) B-C;A-B-C;A.B.C;A B C;ABC;+1 A-B-C;+1 (A) B-C;1-A-B-C;+1ABC;A-B-C x12;(A) B-C ext. 305;001-A-B-C",
        )
    ],
    "GB": [
        ("44", "7{4,5,7,8,9}dd|ddd|ddd", "0A BC;0ABC;0A B C;+44 A B C;+44 ABC;+44 (0)A B C;0044 A BC"),
        ("44", "20|{7,8}ddd|dddd", "0A B C;(0A) B C;+44 A B C;+44 (0)A B C"),
    ],
    "FR": [
        (
            "33",
            "{6,7,1,4}|dd|dd|dd|dd",
            "0A B C D E;0A.B.C.D.E;0ABCDE;+33 A B C D E;+33ABCDE;0A-B-C-D-E;+33 (0)A B C D E;0033 A B C D E",
        )
    ],
    "DE": [
        ("49", "{151,160,170,171,172,175}|dddd|ddd", "0A BC;0A/BC;0A-BC;+49 A BC;+49 A B C;0049 A BC;0ABC;+49 (0)A BC"),
        ("49", "{30,89,40,69}|{2-9}ddd|dddd", "0A BC;0A/BC;(0A) BC;+49 A BC;0A-BC;0A B C"),
    ],
    "IT": [
        ("39", "3{28,33,47,20,39}|ddd|dddd", "A BC;A B C;ABC;+39 A BC;+39 A B C;+39ABC;0039 A BC"),
        ("39", "0{2,6}|{2-8}ddd|dddd", "A BC;A B C;+39 A BC"),
    ],
    "CO": [("57", "3{00,10,15,20}|ddd|dddd", "A B C;ABC;+57 A B C;A-B-C")],
    "CL": [("56", "9|{5-9}ddd|dddd", "A B C;+56 A B C;+56ABC;ABC")],
    "NL": [("31", "6|{1-5}ddd|dddd", "0A-BC;0A BC;0ABC;+31 A BC;+31 A B C")],
    "BE": [("32", "4{7,8,9}d|dd|dd|dd", "0A B C D;0A/B.C.D;+32 A B C D;0ABCD")],
    "CH": [("41", "7{6,8,9}|ddd|dd|dd", "0A B C D;+41 A B C D;0ABCD")],
    "AU": [("61", "4dd|ddd|ddd", "0A B C;+61 A B C;0ABC")],
    "IN": [("91", "9{8,7}ddd|ddddd", "+91 A B;+91-A-B;+91AB;AB;A B")],
    "CA": [("1", "{416,514,604,403}|{2-9}{0,2-9}d|dddd", "(A) B-C;A-B-C;+1 A B C;ABC")],
}
LANGUAGE = {
    "pt": ("BR", "BR", "BR", "PT", "PT"),
    "es": ("ES", "ES", "MX", "AR", "CO", "CL"),
    "en": ("US", "US", "GB", "GB", "CA", "AU", "IN"),
    "fr": ("FR", "FR", "BE", "CH"),
    "de": ("DE", "DE", "CH"),
    "it": ("IT",),
    "nl": ("NL",),
}


def _fill(rng: random.Random, shape: str) -> str:
    out, at = "", 0
    while at < len(shape):
        if shape[at] == "{":
            end = shape.index("}", at)
            choices: list[str] = []
            for choice in shape[at + 1 : end].split(","):
                low, dash, high = choice.partition("-")
                choices += [str(n) for n in range(int(low), int(high) + 1)] if dash else [choice]
            out += rng.choice(choices)
            at = end
        else:
            out += rng.choice("0123456789") if shape[at] == "d" else shape[at]
        at += 1
    return out


def phone(rng: random.Random, country: str) -> str:
    _, shape, forms = rng.choice(PLANS[country])
    parts = dict(zip("ABCDE", (_fill(rng, part) for part in shape.split("|")), strict=False))
    form = rng.choice(forms.split(";"))
    return "".join(parts.get(char, char) for char in form)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _mod11(digits: str, weights: Sequence[int]) -> str:
    rest = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    return "0" if rest < 2 else str(11 - rest)


def cpf(rng: random.Random) -> str:
    d = _digits(rng, 9)
    d += _mod11(d, range(10, 1, -1))
    d += _mod11(d, range(11, 1, -1))
    return rng.choice((f"{d[:3]}.{d[3:6]}.{d[6:9]}-{d[9:]}", f"{d[:3]}.{d[3:6]}.{d[6:9]}-{d[9:]}", d))


def cnpj(rng: random.Random) -> str:
    d = _digits(rng, 8) + "0001"
    d += _mod11(d, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))
    d += _mod11(d, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))
    return rng.choice((f"{d[:2]}.{d[2:5]}.{d[5:8]}/{d[8:12]}-{d[12:]}", d))


def rg(rng: random.Random) -> str:
    d = _digits(rng, 8)
    last = rng.choice("0123456789X")
    return rng.choice((f"{d[:2]}.{d[2:5]}.{d[5:]}-{last}", f"{d}-{last}", d + last))


def cep(rng: random.Random) -> str:
    d = rng.choice("012345678") + _digits(rng, 7)
    return rng.choice((f"{d[:5]}-{d[5:]}", f"{d[:5]}-{d[5:]}", d, f"{d[:2]}.{d[2:5]}-{d[5:]}"))


def nif(rng: random.Random) -> str:
    d = rng.choice("1235") + _digits(rng, 7)
    d += _mod11(d, range(9, 1, -1))
    return rng.choice((d, f"{d[:3]} {d[3:6]} {d[6:]}", "PT" + d))


def dni(rng: random.Random) -> str:
    d = _digits(rng, 8)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(d) % 23]
    return rng.choice((d + letter, f"{d}-{letter}", f"{d[:2]}.{d[2:5]}.{d[5:]}-{letter}", d + letter.lower()))


def nie(rng: random.Random) -> str:
    first, d = rng.choice("XYZ"), _digits(rng, 7)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(first)) + d) % 23]
    return rng.choice((first + d + letter, f"{first}-{d}-{letter}"))


def ssn(rng: random.Random) -> str:
    a, b, c = rng.choice(range(1, 666)), rng.randrange(1, 100), rng.randrange(1, 10000)
    return rng.choice(
        (f"{a:03}-{b:02}-{c:04}", f"{a:03}-{b:02}-{c:04}", f"{a:03} {b:02} {c:04}", f"{a:03}{b:02}{c:04}")
    )


def ip(rng: random.Random) -> str:
    kind = rng.randrange(5)
    if kind == 0:
        return ":".join(f"{rng.getrandbits(16):04x}" for _ in range(8))
    if kind == 1:
        return f"2a02:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{rng.getrandbits(16):04x}"
    if kind == 2:
        return f"192.168.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    return f"{rng.randrange(11, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}".replace(
        "127.", "128."
    )


def _luhn(d: str) -> str:
    total = sum(n - 9 if (n := int(c) * 2) > 9 else n for c in d[::-1][::2]) + sum(map(int, d[::-1][1::2]))
    return d + str(-total % 10)


def card(rng: random.Random) -> str:
    start = rng.choice(("4", "51", "54"))
    d = _luhn(start + _digits(rng, 15 - len(start)))
    joint = rng.choice((" ", "-", ""))
    return joint.join(d[i : i + 4] for i in range(0, 16, 4))


def iban(rng: random.Random) -> str:
    country, size = rng.choice((("ES", 20), ("DE", 18), ("PT", 21), ("NL", 0)))
    body = rng.choice(("ABNA", "INGB")) + _digits(rng, 10) if country == "NL" else _digits(rng, size)
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    whole = f"{country}{check:02}{body}"
    return whole if rng.random() < 0.5 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))


def email(rng: random.Random) -> str:
    name = rng.choice(("ana", "joao.silva", "j_smith", "marie+x"))
    host = rng.choice(("example.com", "correio.exemplo.com.br", "mail.example.co.uk"))
    return f"{name}{rng.randrange(99)}@{host}"


# --- sentences --------------------------------------------------------------------------------------------------------

# {} is the labelled value. Those behind `~` carry no word for a phone: a number in bare digits is never put there.
PHONE_IN: dict[str, tuple[str, ...]] = {
    "pt": (
        "Meu telefone é {}, pode ligar depois das 18h.",
        "Cel: {}",
        "WhatsApp {} (Ana)",
        "Fone/Fax: {}",
        "Me liga no {} por favor",
        "Entre em contato pelo {} ou pelo chat.",
        "Olá, sou o João, telemóvel {}.",
        "pode me chamar no zap {}",
        "Tel. {} - São Paulo",
        "O número dela é {}.",
        "Ligue para {} e fale com a Rita",
        "Contato: {}",
        "telefone para recado: {}",
        "Nome: Ana Souza\nTelefone: {}\nCidade: Recife",
        "tentei o {} mas ninguém atende",
        "~Att,\nCarlos Lima\n{}",
        "~Pode ser no {} ou por e-mail.",
        "~{}",
        "~Obrigada! Maria, {}",
        "Meu número mudou, agora é {}",
        "Segue meu contato {}",
    ),
    "es": (
        "Mi teléfono es {}, gracias.",
        "Llámame al {} por la tarde",
        "Móvil: {}",
        "Tel.: {}",
        "WhatsApp: {}",
        "Puede llamar al {}.",
        "Contacto: {}",
        "mi número es {} y vivo en Sevilla",
        "Celular {}",
        "Nombre: Luis\nTeléfono: {}\nCiudad: Madrid",
        "Me marcaron del {}",
        "~Saludos,\nLuis Pérez\n{}",
        "~{}",
        "~Estoy en el {} toda la mañana.",
        "Comuníquese al {} con Marta",
        "su fijo es el {}",
        "llamen al {}",
    ),
    "en": (
        "My phone number is {}.",
        "Call me at {} after 5pm",
        "Tel: {}",
        "mobile {}",
        "You can reach me on {}",
        "Please text {} when it ships",
        "Cell: {}, home address below",
        "Phone: {}\nName: John",
        "I tried calling {} but nobody answers",
        "WhatsApp me at {}",
        "dial {} for support",
        "~Best,\nJohn Smith\n{}",
        "~{}",
        "~It's {} if you need it.",
        "contact number {}",
        "my new number is {}",
        "fax {}",
        "Can you ring {} tomorrow?",
        "You may contact our office at {}.",
        "Customer {} (mobile) complained.",
        "Ph {}",
        "Is {} still your phone?",
    ),
    "fr": (
        "Mon téléphone : {}",
        "Appelez-moi au {} svp",
        "Tél. {}",
        "Vous pouvez me joindre au {}.",
        "Portable : {}",
        "mon numéro est le {}",
        "~Cordialement,\nPaul Martin\n{}",
        "~{}",
    ),
    "de": (
        "Meine Telefonnummer ist {}.",
        "Tel. {}",
        "Bitte rufen Sie mich unter {} an",
        "Handy: {}",
        "Sie erreichen mich unter {}",
        "Mobil {}",
        "~Viele Grüße\nHans Meier\n{}",
        "Rückruf bitte an {} (Handy)",
    ),
    "it": (
        "Il mio numero è {}",
        "Tel: {}",
        "Chiamami al {}",
        "Cellulare {}",
        "telefono {} ore pasti",
        "~Saluti,\nMario Rossi\n{}",
    ),
    "nl": ("My phone is {}", "Tel: {}", "telefoon {}", "mobile: {}"),
}
DOCUMENT_IN: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "cpf": (cpf, ("Meu CPF é {}.", "CPF: {}", "cpf {} em nome de Ana", "Titular do CPF {}")),
    "cnpj": (cnpj, ("CNPJ {}", "nosso CNPJ é {}", "Empresa X, CNPJ: {}")),
    "rg": (
        rg,
        ("RG {}", "meu RG é {}", "R.G.: {} SSP/SP", "Identidade {}", "carteira de identidade nº {}", "RG nº {}"),
    ),
    "cep": (
        cep,
        ("CEP {}", "meu CEP é {}", "Rua das Flores, 12, cep: {}", "Cep {} São Paulo", "O CEP da entrega é {}."),
    ),
    "nif": (
        nif,
        ("NIF {}", "o meu NIF é {}", "Contribuinte n.º {}", "número de contribuinte: {}", "fatura com NIF {}"),
    ),
    "dni": (dni, ("DNI {}", "mi DNI es {}", "NIF: {}", "con DNI número {}", "documento {} a nombre de Luis")),
    "nie": (nie, ("NIE {}", "mi NIE es {}", "NIE: {}", "Soy extranjera, {}")),
    "ssn": (
        ssn,
        ("SSN {}", "my SSN is {}", "Social security number: {}", "Social Security {} on file", "his social is {}"),
    ),
    "ip": (
        ip,
        (
            "my IP is {}",
            "IP: {}",
            "O IP {} foi bloqueado",
            "login from {} at 10:42",
            "la dirección IP {}",
            "Connection from {} refused",
            "server {} down",
            "ping {} fails",
            "o host {} não responde",
            "Serveur {} injoignable",
            "blocked by firewall: {}",
        ),
    ),
    "card": (card, ("card {}", "Cartão {}", "I paid with {}.", "tarjeta {}")),
    "iban": (iban, ("IBAN {}", "Transferir para {}", "meine IBAN: {}", "cuenta {}")),
    "email": (email, ("write to {}", "Meu e-mail é {}", "correo: {}", "E-Mail {}")),
}


def _order(rng: random.Random) -> str:
    return rng.choice(
        (
            _digits(rng, rng.randrange(6, 13)),
            f"{_digits(rng, 3)}-{_digits(rng, 7)}-{_digits(rng, 7)}",
            f"{_digits(rng, 2)}-{_digits(rng, 5)}-{_digits(rng, 5)}",
            f"2024-{_digits(rng, 6)}",
            f"{_digits(rng, 4)} {_digits(rng, 4)} {_digits(rng, 4)}",
        )
    )


def _uuid(rng: random.Random) -> str:
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _date(rng: random.Random) -> str:
    y, m, d = rng.randrange(1950, 2030), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice(
        (
            f"{y}-{m:02}-{d:02}",
            f"{d:02}/{m:02}/{y}",
            f"{d:02}.{m:02}.{y}",
            f"{y}-{m:02}-{d:02} {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
            f"{y}{m:02}{d:02}",
            f"{d:02}-{m:02}-{y} {rng.randrange(24):02}h{rng.randrange(60):02}",
            f"{y}-{y + 1}",
            f"{y}{m:02}{d:02}{_digits(rng, 6)}",
        )
    )


def _price(rng: random.Random) -> str:
    a, b, c = _digits(rng, 1), _digits(rng, 3), _digits(rng, 3)
    return rng.choice(
        (
            f"R$ {a}.{b}.{c},00",
            f"€ {a}.{b},50",
            f"${a},{b},{c}.99",
            f"{a} {b} {c} €",
            f"{a}.{b}.{c} COP",
            f"US$ {a}{b}{c}",
            f"{a}{b}{c} euros",
        )
    )


def _version(rng: random.Random) -> str:
    v = ".".join(str(rng.randrange(rng.choice((5, 12)))) for _ in range(4))
    return rng.choice(
        (
            f"version {v}",
            f"v{v}",
            f"versão {v}",
            f"Chrome/{rng.randrange(90, 120)}.0.{rng.randrange(5000)}.{rng.randrange(200)}",
            f"tool-{v}.tar.gz",
            f"firmware {v}",
            f"section {v}",
            f"lib {v[:5]}",
        )
    )


HARMLESS: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "order": (
        _order,
        (
            "Pedido {}",
            "order number {} has not arrived",
            "Order #{}",
            "mi pedido {} no llegó",
            "invoice {} is wrong",
            "Fatura {} em aberto",
            "protocolo {}",
            "Bestellung {} fehlt",
            "commande n° {}",
            "ticket {} resolved",
            "reference: {}",
            "código {}",
            "I called about order {}",
            "liguei sobre o pedido {}",
            "account {} was charged",
        ),
    ),
    "tracking": (
        lambda r: r.choice(
            (
                f"AA{_digits(r, 9)}BR",
                f"1Z{_digits(r, 3)}AA1{_digits(r, 10)}",
                _digits(r, 12),
                f"{_digits(r, 4)} {_digits(r, 4)} {_digits(r, 4)} {_digits(r, 4)} {_digits(r, 4)} {_digits(r, 2)}",
            )
        ),
        ("tracking {}", "Rastreio {}", "código de rastreamento: {}", "seguimiento {}", "Sendungsnummer {}", "suivi {}"),
    ),
    "uuid": (_uuid, ("id {}", "request {} failed", "call id {}", "{}")),
    "date": (
        _date,
        ("Em {} fiz a compra.", "call me on {}", "since {}", "nascido em {}", "ligue dia {}", "am {} geliefert", "{}"),
    ),
    "price": (_price, ("It costs {}.", "Paguei {} ontem", "cuesta {}", "total {}", "je paie {}")),
    "version": (_version, ("{} crashes", "Uso {} no Windows", "update to {}", "instalé {}")),
    "isbn": (
        lambda r: r.choice(
            (
                f"978-{_digits(r, 1)}-{_digits(r, 2)}-{_digits(r, 6)}-{_digits(r, 1)}",
                f"978{_digits(r, 10)}",
                f"0-{_digits(r, 3)}-{_digits(r, 5)}-{_digits(r, 1)}",
            )
        ),
        ("ISBN {}", "the book {}", "livro {}"),
    ),
    "coordinates": (
        lambda r: f"-{r.randrange(90)}.{_digits(r, 6)}, -{r.randrange(180)}.{_digits(r, 6)}",
        ("{}", "lat/lon {}", "fica em {}"),
    ),
    "snowflake": (lambda r: f"1{_digits(r, 18)}", ("https://example.com/u/status/{}", "tweet {}", "message {}")),
    "size": (
        lambda r: r.choice(
            (
                f"{_digits(r, 9)} bytes",
                f"{_digits(r, 1)}.{_digits(r, 3)}.{_digits(r, 3)} habitantes",
                f"{r.randrange(600, 999)} {_digits(r, 3)} {_digits(r, 3)} people",
                f"{_digits(r, 4)}x{_digits(r, 4)}",
            )
        ),
        ("the file has {}", "tem {}", "about {}"),
    ),
    "table": (
        lambda r: " ".join(_digits(r, r.randrange(1, 5)) for _ in range(r.randrange(6, 30))),
        ("{}", "rows: {}", "1 {}"),
    ),
    "sums": (lambda r: "\n".join(f"{_digits(r, 3)} {_digits(r, 2)}" for _ in range(5)), ("{}", "saldo\n{}")),
    "zip": (lambda r: f"{_digits(r, 5)}-{_digits(r, 4)}", ("ZIP {}", "Springfield, IL {}", "New York, NY {}")),
    "code": (
        lambda r: r.choice(
            (
                f"ABC-{_digits(r, 3)}-{_digits(r, 4)}",
                f"SKU{_digits(r, 8)}",
                f"{_digits(r, 8)}{r.choice('ABCDEF')}{_digits(r, 2)}",
                f"std::vector<int>::{_digits(r, 2)}",
                f"00:1A:2B:{_digits(r, 2)}:{_digits(r, 2)}:5E",
                f"0x{_digits(r, 8)}",
                f"E{_digits(r, 7)}A",
            )
        ),
        ("part {}", "peça {}", "error {}", "{}", "model {}"),
    ),
    "boleto": (
        lambda r: (
            f"34191.{_digits(r, 5)} {_digits(r, 5)}.{_digits(r, 6)} {_digits(r, 5)}.{_digits(r, 6)} 5 {_digits(r, 14)}"
        ),
        ("Boleto {}", "linha digitável {}", "{}"),
    ),
    "process": (
        lambda r: f"{_digits(r, 7)}-{_digits(r, 2)}.20{_digits(r, 2)}.8.26.{_digits(r, 4)}",
        ("processo {}", "Proc. {}"),
    ),
    "bare": (
        lambda r: _digits(r, r.randrange(7, 14)),
        (
            "{}",
            "It says {} there.",
            "Aparece {} na tela",
            "pone {}",
            "da steht {}",
            "My phone shows the number of points: 12 and the sum {}",
        ),
    ),
    "not a card": (lambda r: " ".join(_digits(r, 4) for _ in range(3)) + " 12", ("card {} invalid", "cartão {}")),
    "time": (
        lambda r: r.choice(
            (
                f"1{_digits(r, 9)}",
                f"1{_digits(r, 12)}",
                f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{_digits(r, 6)}",
            )
        ),
        ("timestamp {}", "at {}", "epoch {}"),
    ),
    "loopback": (
        lambda r: r.choice(("127.0.0.1", "0.0.0.0", "255.255.255.0", "::1")),
        ("listen on {}", "mask {}", "curl http://[{}]/"),
    ),
}


def generate(count: int = 4000, seed: int = 7) -> list[Labelled]:
    """Make labelled texts: a third phones, a third other classes, a third that hold nothing; some glued to a second."""
    rng = random.Random(seed)
    languages = ("pt", "pt", "pt", "es", "es", "en", "en", "en", "fr", "de", "it", "nl")
    out: list[Labelled] = []
    for _ in range(count):
        pieces: list[Labelled] = []
        for _ in range(rng.choice((1, 1, 1, 2))):
            draw = rng.random()
            if draw < 0.36:
                language = rng.choice(languages)
                value = phone(rng, rng.choice(LANGUAGE[language]))
                frames = PHONE_IN[language]
                if value.isdigit():
                    frames = tuple(frame for frame in frames if frame[0] != "~")
                pieces.append(_put(rng.choice(frames).lstrip("~"), value, "phone"))
            elif draw < 0.66:
                type = rng.choice(tuple(DOCUMENT_IN))
                make, frames = DOCUMENT_IN[type]
                pieces.append(_put(rng.choice(frames), make(rng), type))
            else:
                kind = rng.choice(tuple(HARMLESS))
                make, frames = HARMLESS[kind]
                pieces.append(Labelled(rng.choice(frames).format(make(rng)), [], kind))
        text, spans = "", list[tuple[int, int, str]]()
        for piece in pieces:
            text += "\n" if text else ""
            spans += [(start + len(text), end + len(text), type) for start, end, type in piece.spans]
            text += piece.text
        out.append(Labelled(text, spans, "+".join(piece.kind for piece in pieces)))
    return out


def _put(frame: str, value: str, type: str) -> Labelled:
    start = frame.index("{}")
    return Labelled(frame.replace("{}", value), [(start, start + len(value), type)], type)


# --- counting ---------------------------------------------------------------------------------------------------------

PUBLIC = {
    "CREDIT_CARD": "card",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
}
Spans = list[list[tuple[int, int, str]]]


def public(path: Path) -> list[Labelled]:
    """Read presidio-research's set: the structured classes of its labels."""
    return [
        Labelled(
            record["full_text"],
            [
                (s["start_position"], s["end_position"], PUBLIC[s["entity_type"]])
                for s in record["spans"]
                if s["entity_type"] in PUBLIC
            ],
            "",
        )
        for record in json.loads(path.read_text("utf-8"))
    ]


def score(texts: Sequence[Labelled], found: Spans, types: Sequence[str]) -> dict[str, tuple[int, int, int, int]]:
    """Count by class: right hits, hits, found spans, spans."""
    counts = {type: [0, 0, 0, 0] for type in types}
    for labelled, hits in zip(texts, found, strict=True):
        for ours, theirs, at in ((hits, labelled.spans, 0), (labelled.spans, hits, 2)):
            for start, end, type in ours:
                if type in counts:
                    counts[type][at + 1] += 1
                    counts[type][at] += any(t == type and s < end and start < e for s, e, t in theirs)
    counts["all"] = [sum(column) for column in zip(*counts.values(), strict=True)]
    return {type: (a, b, c, d) for type, (a, b, c, d) in counts.items()}


def f1(right: int, hits: int, found: int, spans: int) -> float:
    precision, recall = right / max(1, hits), found / max(1, spans)
    return 100 * 2 * precision * recall / max(1e-9, precision + recall)


def show(title: str, counts: dict[str, tuple[int, int, int, int]]) -> None:
    print(f"\n{title}\n{'class':<8}{'spans':>7}{'hits':>7}{'precision':>11}{'recall':>9}{'F1':>8}")
    for type, (right, hits, found, spans) in counts.items():
        if hits or spans:
            shares = f"{100 * right / max(1, hits):>11.1f}{100 * found / max(1, spans):>9.1f}"
            figures = f"{shares}{f1(right, hits, found, spans):>8.1f}"
            print(f"{type:<8}{spans:>7}{hits:>7}{figures}")


def ours(texts: Sequence[str], regions: tuple[str, ...] | None = None) -> tuple[Spans, float]:
    """Find with ftdata; give the spans and CPU seconds (the second pass: libraries loaded, numbers looked up anew)."""
    import numpy as np
    import polars as pl

    from ftdata.transforms.pii import find, nearby, phones, plans, rules

    chosen = rules.rules(rules.TYPES, plans.REGIONS if regions is None else regions)
    series, rows = pl.Series("text", texts), np.arange(len(texts), dtype=np.uint32)
    for _ in range(2):
        plans.forget()
        nearby._said.cache_clear()
        phones._remembered.cache_clear()
        began = time.process_time()
        found = find.find(series, rows, chosen)
        took = time.process_time() - began
    return [[(hit.start, hit.end, hit.type) for hit in found.get(at, [])] for at in range(len(texts))], took


PEERS = {
    "presidio-analyzer": """
from presidio_analyzer import predefined_recognizers as p
names = {"CREDIT_CARD": "card", "EMAIL_ADDRESS": "email", "IBAN_CODE": "iban", "US_SSN": "ssn", "IP_ADDRESS": "ip",
         "PHONE_NUMBER": "phone"}
makers = [p.CreditCardRecognizer, p.EmailRecognizer, p.IbanRecognizer, p.UsSsnRecognizer, p.IpRecognizer]
recognizers = [make() for make in makers]
recognizers.append(p.PhoneRecognizer(supported_regions=REGIONS))
def run(text):
    return [(r.start, r.end, names[r.entity_type]) for one in recognizers
            for r in one.analyze(text, one.supported_entities, None) or [] if r.score >= 0.3 and r.entity_type in names]
""",
    "scrubadub": """
import scrubadub
names = {"email": "email", "phone": "phone", "credit_card": "card", "social_security_number": "ssn"}
tool = scrubadub.Scrubber(locale="en_US")
def run(text):
    return [(f.beg, f.end, names[f.type]) for f in tool.iter_filth(text) if f.type in names]
""",
    "commonregex": """
import commonregex as c
names = {"email": c.email, "phone": c.phone, "ip": c.ip, "card": c.credit_card}
names6 = {"ip": c.ipv6} if hasattr(c, "ipv6") else {}
def run(text):
    return [(m.start(), m.end(), t) for table in (names, names6) for t, r in table.items() for m in r.finditer(text)]
""",
    "datafog": """
from datafog.processing.text_processing.regex_annotator.regex_annotator import RegexAnnotator
names = {"EMAIL": "email", "PHONE": "phone", "SSN": "ssn", "CREDIT_CARD": "card", "IP_ADDRESS": "ip"}
tool = RegexAnnotator()
def run(text):
    return [(s.start, s.end, names[s.label]) for s in tool.annotate_with_spans(text)[1].spans if s.label in names]
""",
}
_PEER = """
import json, sys, time, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
from importlib.metadata import version
REGIONS = {regions!r}
{code}
texts = json.load(sys.stdin)
run(texts[0])
began = time.process_time()
found = [run(text) for text in texts]
print(json.dumps([version({name!r}), time.process_time() - began, found]))
"""


def peer(python: str, name: str, texts: Sequence[str]) -> tuple[str, Spans, float] | None:
    """Run a peer in its own environment; null if it is not there."""
    from ftdata.transforms.pii.plans import REGIONS

    code = _PEER.format(regions=list(REGIONS), code=PEERS[name], name=name)
    done = subprocess.run(
        [python, "-c", code], input=json.dumps(list(texts)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{name}: left out ({done.stderr.strip().splitlines()[-1][:100]})")
        return None
    number, took, found = json.loads(done.stdout.splitlines()[-1])
    return f"{name} {number}", [[tuple(hit) for hit in hits] for hits in found], took


def compare(title: str, texts: Sequence[Labelled], types: Sequence[str], python: str | None) -> None:
    """Print our table, and those of the peers over the classes that they know."""
    plain = [labelled.text for labelled in texts]
    size = sum(len(text.encode()) for text in plain) / 1e6
    found, took = ours(plain)
    mine = score(texts, found, types)
    show(f"{title}: ftdata {version('ftdata')}, {size / took:.2f} MB/s ({len(texts)} texts, {size:.2f} MB, CPU)", mine)
    for name in PEERS if python else ():
        result = peer(str(python), name, plain)
        if result is None:
            continue
        label, theirs, theirs_took = result
        known = tuple(PUBLIC.values())
        both = [score(texts, spans, known)["all"] for spans in (found, theirs)]
        show(f"{title}: {label}, {size / theirs_took:.2f} MB/s", score(texts, theirs, known))
        print(
            f"over the six classes: F1 {f1(*both[0]):.1f} against {f1(*both[1]):.1f}, speed x {theirs_took / took:.1f}"
        )


# --- speed ------------------------------------------------------------------------------------------------------------

_PROSE = {
    "pt": "Olá, boa tarde! Comprei uma cafeteira na semana passada e ela chegou com a tampa quebrada. Já tentei falar "
    "pelo chat mas ninguém respondeu até agora. Gostaria de saber como faço para trocar o produto, porque preciso "
    "dele até o fim do mês e não quero pagar outro frete. Fico no aguardo de um retorno, muito obrigado desde já.",
    "es": "Buenas tardes, hace diez días que hice la compra y todavía no me ha llegado nada. La página dice que está "
    "en reparto, pero el repartidor no aparece. Quisiera que me dijeran cuándo va a llegar o que me devuelvan todo, "
    "porque ya no puedo esperar más y el regalo era para el cumpleaños de mi hija. Gracias por su ayuda.",
    "en": "Hello, I have been using your service for about three years and never had a problem until Tuesday when "
    "the app stopped syncing my notes between the laptop and the tablet. I have tried to sign out and in again, and "
    "to install it anew, as the help page says, but it made no difference. Could somebody please have a look at it?",
}


def tickets(count: int, seed: int = 5) -> list[str]:
    """Make texts of support desks, about 700 characters each: prose, numbers of orders, in each third one something."""
    rng = random.Random(seed)
    out = []
    for at in range(count):
        language = rng.choice(("pt", "es", "en"))
        sentences = _PROSE[language].split(". ")
        parts = [". ".join(rng.choices(sentences, k=rng.randrange(3, 9)))]
        kind = rng.choice(("order", "date", "price", "tracking", "version"))
        parts.append(rng.choice(HARMLESS[kind][1]).format(HARMLESS[kind][0](rng)))
        parts.append(". ".join(rng.choices(sentences, k=rng.randrange(1, 5))))
        if at % 3 == 0:
            if rng.random() < 0.5:
                parts.append(
                    rng.choice(PHONE_IN[language]).lstrip("~").format(phone(rng, rng.choice(LANGUAGE[language])))
                )
            else:
                make, frames = DOCUMENT_IN[rng.choice(tuple(DOCUMENT_IN))]
                parts.append(rng.choice(frames).format(make(rng)))
        out.append("\n".join(parts))
    return out


def speed(count: int, python: str | None, repeats: int = 5) -> None:
    """Print megabytes a second of CPU time on tickets, ours and the peers', runs alternated, medians with min-max."""
    texts = tickets(count)
    size = sum(len(text.encode()) for text in texts) / 1e6
    few = texts[: max(50, count // 20)]
    less = sum(len(text.encode()) for text in few) / 1e6
    rates: dict[str, list[float]] = {}
    for _ in range(repeats):
        rates.setdefault(f"ftdata {version('ftdata')}", []).append(size / ours(texts)[1])
        for name in PEERS if python else ():
            if f"{name} -" not in rates and (result := peer(str(python), name, few)):
                rates.setdefault(result[0], []).append(less / result[2])
            elif f"{name} -" not in rates and not any(name in known for known in rates):
                rates[f"{name} -"] = []
    mine = sorted(next(iter(rates.values())))[repeats // 2]
    print(f"\ntickets: {count} texts, {size:.2f} MB (peers: the first {len(few)}), MB/s of CPU time, {repeats} runs")
    for name, some in rates.items():
        if some:
            middle = sorted(some)[len(some) // 2]
            print(f"  {name:<28}{middle:>9.3f} ({min(some):.3f}-{max(some):.3f})   ftdata is {mine / middle:.1f} x")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--half", choices=("tune", "held-out"), default="held-out")
    options.add_argument("--public", type=Path, help="presidio_synth_dataset_v2.json")
    options.add_argument("--peers", help="a Python interpreter that has the peers")
    options.add_argument("--misses", action="store_true", help="print what was missed or wrong (of the half tuned on)")
    options.add_argument("--speed", type=int, default=0, help="measure speed on so many tickets, and nothing else")
    given = options.parse_args()
    if given.speed:
        return speed(given.speed, given.peers)
    from ftdata.transforms.pii.rules import TYPES

    texts = generate()[given.half == "held-out" :: 2]
    compare(f"generated, {given.half} half", texts, tuple(type for type in TYPES), given.peers)
    if given.misses and given.half == "tune":
        misses(texts)
    if given.public:
        compare("presidio-research v2", public(given.public), tuple(PUBLIC.values()), given.peers)


def misses(texts: Sequence[Labelled]) -> None:
    for labelled, hits in zip(texts, ours([one.text for one in texts])[0], strict=True):
        for mark, mine, theirs in (("missed", labelled.spans, hits), ("wrong", hits, labelled.spans)):
            for start, end, type in mine:
                if not any(t == type and s < end and start < e for s, e, t in theirs):
                    print(mark, type, labelled.kind, repr(labelled.text[max(0, start - 50) : end + 30]), sep="\t")


if __name__ == "__main__":
    main()
