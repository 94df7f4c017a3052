"""Measure how often `pii` finds something in texts that hold nothing of anybody: numbers that only look like it.

    python benchmarks/pii_harmless.py                   # 20,000 rows: the held-out half, other sentences and seeds
    python benchmarks/pii_harmless.py --half tune --wrong 40

A row is wrong if any type is found in it. The generator shares no code with the rules. What a machine cannot know is
left out: an order number that no word names and that is written as a phone is one of the country's.
"""

from __future__ import annotations

import argparse
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable

_R = random.Random


def _n(r: _R, shape: str) -> str:
    """Fill a shape: `0` any digit, `1` 1-9, `A` a capital, `a` a small letter, `h` a hexadecimal digit."""
    made = {
        "0": "0123456789",
        "1": "123456789",
        "A": "ABCDEFGHJKLMNPQRSTUVWXYZ",
        "a": "abcdefghijkmnopqrstuvwxyz",
        "h": "0123456789abcdef",
    }
    return "".join(r.choice(made[char]) if char in made else char for char in shape)


def _pick(*shapes: str) -> Callable[[_R], str]:
    return lambda r: _n(r, r.choice(shapes))


def _date(r: _R) -> str:
    y, m, d, h, s = r.randrange(1950, 2031), r.randrange(1, 13), r.randrange(1, 29), r.randrange(24), r.randrange(60)
    return r.choice(
        (
            f"{y}-{m:02}-{d:02}",
            f"{d:02}/{m:02}/{y}",
            f"{d}/{m}/{y % 100:02}",
            f"{d:02}.{m:02}.{y}",
            f"{d:02}-{m:02}-{y}",
            f"{d:02} {m:02} {y}",
            f"{y}/{m:02}/{d:02}",
            f"{y}{m:02}{d:02}",
            f"{y}-{m:02}-{d:02} {h:02}:{s:02}:{s:02}",
            f"{y}-{m:02}-{d:02}T{h:02}:{s:02}:{s:02}Z",
            f"{y}-{m:02}-{d:02}T{h:02}:{s:02}:{s:02}.{s:03}+00:00",
            f"{d:02}/{m:02}/{y} {h:02}:{s:02}",
            f"{d:02}/{m:02}/{y} - {d:02}/{m:02}/{y + 1}",
            f"{y}{m:02}{d:02}{h:02}{s:02}{s:02}",
            f"{y}-{y + 1}",
            f"{d:02}.{m:02}. - {d + 1:02}.{m:02}.{y}",
            f"{h:02}:{s:02}-{h:02}:{s:02}",
            f"{h:02}.{s:02} - {h:02}.{s:02}",
        )
    )


def _uuid(r: _R) -> str:
    value = str(uuid.UUID(int=r.getrandbits(128), version=4))
    return r.choice((value, value.upper(), "{" + value + "}", value.replace("-", "")))


def _isbn(r: _R) -> str:
    digits = r.choice(("978", "979")) + _n(r, "000000000")
    digits += str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10)
    return r.choice(
        (
            digits,
            f"{digits[:3]}-{digits[3]}-{digits[4:7]}-{digits[7:12]}-{digits[12]}",
            f"{digits[:3]} {digits[3:5]} {digits[5:9]} {digits[9:12]} {digits[12]}",
        )
    )


def _ean(r: _R) -> str:
    digits = r.choice(("789", "400", "560", "841", "750", "501")) + _n(r, "000000000")
    return digits + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10)


def _version(r: _R) -> str:
    return r.choice(
        (
            f"{r.randrange(20)}.{r.randrange(20)}.{r.randrange(30)}",
            f"{r.randrange(20)}.{r.randrange(20)}.{r.randrange(30)}.{r.randrange(300)}",
            f"v{r.randrange(20)}.{r.randrange(20)}.{r.randrange(9999)}.{r.randrange(300)}",
            f"{r.randrange(2019, 2026)}.{r.randrange(1, 13)}.{r.randrange(1, 30)}",
            f"{r.randrange(90, 130)}.0.{r.randrange(5000)}.{r.randrange(200)}",
        )
    )


def _price(r: _R) -> str:
    a, b, c = _n(r, "1"), _n(r, "000"), _n(r, "000")
    shapes = (
        *(f"R$ {a}.{b}.{c},00", f"R${a}{b},90", f"€ {a}.{b},50", f"${a},{b},{c}.99", f"{a} {b} {c} €"),
        *(f"{a}.{b}.{c} COP", f"US$ {a}{b}{c}", f"{a}{b}{c} euros", f"{a}'{b}'{c} CHF", f"{a}.{b}.{c} reais"),
        *(f"£{a},{b}", f"{a} {b},00 EUR", f"ARS {a}.{b}.{c}", f"$ {a}.{b}.{c}"),
    )
    return r.choice(shapes)


def _mac(r: _R) -> str:
    pairs = [f"{r.getrandbits(8):02X}" for _ in range(6)]
    return r.choice((":", "-")).join(pairs)


def _place(r: _R) -> str:
    a, b = r.uniform(-90, 90), r.uniform(-180, 180)
    return r.choice(
        (
            f"{a:.6f}, {b:.6f}",
            f"{a:.4f},{b:.4f}",
            f"lat {a:.5f} lon {b:.5f}",
            f"{abs(a):.0f}°{r.randrange(60)}'{r.randrange(60)}\"S",
        )
    )


def _slip(r: _R) -> str:
    return _n(
        r,
        r.choice(
            (
                "34191.00000 00000.000000 00000.000000 5 00000000000000",
                "23793381286000000000300000000401184340000010000",
                "846700000017 435900240209 024050002435 842210108119",
            )
        ),
    )


KINDS: dict[str, tuple[Callable[[_R], str], tuple[str, ...]]] = {
    "order": (
        _pick(
            "000000",
            "0000000",
            "00000000",
            "000000000",
            "0000000000",
            "00000000000",
            "#00000000",
            "000-0000000-0000000",
            "00-00000-00000",
            "2024-000000",
            "0000-0000",
            "000-000-000",
            "000 000 000",
            "00000-0000",
            "BR-00000000",
            "00.000.000",
            "000-000-0000",
            "00 00000-0000",
        ),
        (
            "Pedido {}",
            "order number {} has not arrived",
            "Order #{}",
            "mi pedido {} no llegó",
            "o pedido {} veio errado",
            "Bestellung {} fehlt",
            "commande n° {}",
            "ordine {}",
            "Order: {}",
            "pedido nº {}",
            "I called about order {} twice",
            "liguei sobre o pedido {} ontem",
            "me llamaron por el pedido {}",
            "compra {} cancelada",
            "my order ({}) is late",
            "¿dónde está mi orden {}?",
            "número do pedido: {}",
            "Your order {} was shipped",
            "N° de pedido {}",
            "Bestellnummer: {}",
        ),
    ),
    "invoice": (
        _pick(
            "000000",
            "00000000",
            "000.000.000",
            "000-000-000000000",
            "0001-00012345",
            "2024/0000",
            "A-000000",
            "001-001-000000000",
            "000000000000",
            "NF 000.000",
        ),
        (
            "invoice {} is wrong",
            "Fatura {} em aberto",
            "factura {}",
            "nota fiscal {}",
            "Rechnung {}",
            "facture {}",
            "boleto da fatura {}",
            "Invoice no. {}",
            "factura nº {}",
            "fattura {}",
            "segunda via da nota {}",
            "the invoice ({}) shows",
            "Número de factura: {}",
            "recibo {}",
        ),
    ),
    "ticket": (
        _pick(
            "000000",
            "0000000",
            "00000000",
            "0000000000",
            "2024000000000",
            "000000000000",
            "INC0000000",
            "00000-0",
            "0000-0000",
            "TCK-000000",
            "000-000-0000",
        ),
        (
            "ticket {}",
            "protocolo {}",
            "número de protocolo: {}",
            "chamado {} sem resposta",
            "case {} closed",
            "caso {}",
            "Vorgang {}",
            "ref. {}",
            "reference: {}",
            "referencia {}",
            "Protocolo de atendimento {}",
            "my case number is {}",
            "reclamo {}",
            "o protocolo da ligação é {}",
            "dossier {}",
            "Ticket-Nr. {}",
        ),
    ),
    "tracking": (
        _pick(
            "AA000000000BR",
            "1Z000AA10000000000",
            "000000000000",
            "0000 0000 0000 0000 0000 00",
            "000000000000000",
            "RR000000000ES",
            "0000 0000 0000",
            "JD0000000000000000",
            "TBA000000000000",
            "00000000000000000000",
        ),
        (
            "tracking {}",
            "Rastreio {}",
            "código de rastreamento: {}",
            "seguimiento {}",
            "Sendungsnummer {}",
            "suivi {}",
            "tracking number is {}",
            "código de rastreio {}",
            "n.º de envío {}",
            "guía {}",
            "the parcel {}",
            "encomenda {}",
            "Sendung {}",
            "objeto {} parado",
        ),
    ),
    "uuid": (
        _uuid,
        (
            "id {}",
            "request {} failed",
            "{}",
            "session {}",
            "token id: {}",
            "correlation-id={}",
            "erro {}",
            "error en {}",
            "the trace is {}",
            "transação {}",
        ),
    ),
    "date": (
        _date,
        (
            "Em {} fiz a compra.",
            "call me on {}",
            "since {}",
            "nascido em {}",
            "ligue dia {}",
            "am {} geliefert",
            "{}",
            "entre {}",
            "el {} llamé",
            "Vencimento: {}",
            "período {}",
            "horário {}",
            "le {} j'ai appelé",
            "il {} ho chiamato",
            "delivered {}",
            "me liguem em {}",
        ),
    ),
    "price": (
        _price,
        (
            "It costs {}.",
            "Paguei {} ontem",
            "cuesta {}",
            "total {}",
            "je paie {}",
            "cobraram {}",
            "reembolso de {}",
            "refund of {}",
            "me cobraron {} de más",
            "{} abgebucht",
            "costa {}",
            "valor: {}",
        ),
    ),
    "version": (
        _version,
        (
            "version {}",
            "v. {} crashes",
            "Uso a versão {} no Windows",
            "update to {}",
            "instalé la versión {}",
            "Chrome/{}",
            "app {} trava",
            "firmware {}",
            "lib-{}.tar.gz",
            "since release {}",
            "ab Version {}",
            "section {}",
            "iOS {}",
            "Android {}",
            "build {}",
        ),
    ),
    "isbn": (_isbn, ("ISBN {}", "the book {}", "livro ISBN: {}", "libro {}", "ISBN-13 {}", "EAN {}")),
    "ean": (
        _ean,
        (
            "EAN {}",
            "código de barras {}",
            "barcode {}",
            "produto {}",
            "GTIN: {}",
            "código {}",
            "article {}",
            "artículo {}",
        ),
    ),
    "sku": (
        _pick(
            "AAA-000-0000",
            "SKU-00000000",
            "000-000-000",
            "AA00-0000",
            "00000.000",
            "AAA000000",
            "000.000.00",
            "00-0000-00",
            "A00000000",
            "0000000-0",
            "800-000-0000",
        ),
        (
            "SKU {}",
            "sku: {}",
            "modelo {}",
            "part number {}",
            "ref {}",
            "item {}",
            "peça {}",
            "artikel {}",
            "código do produto {}",
            "product {}",
            "model {}",
            "article {}",
            "referência {}",
            "artículo {}",
        ),
    ),
    "hex": (
        lambda r: r.choice(
            (
                f"#{r.getrandbits(24):06x}",
                f"0x{r.getrandbits(32):08X}",
                f"#{_n(r, '000000')}",
                f"0x{_n(r, '00000000')}",
                f"rgb({r.randrange(256)}, {r.randrange(256)}, {r.randrange(256)})",
            )
        ),
        ("color {}", "cor {}", "error {}", "{}", "background: {};", "stop code {}", "código {}", "couleur {}"),
    ),
    "hash": (
        lambda r: f"{r.getrandbits(160):040x}"[: r.choice((7, 12, 32, 40))],
        ("commit {}", "hash {}", "{}", "md5 {}", "etag: {}", "sha {}", "request id {}", "build {}"),
    ),
    "place": (
        _place,
        (
            "{}",
            "coordinates {}",
            "estou em {}",
            "location: {}",
            "ubicación {}",
            "GPS {}",
            "localização {}",
            "maps ?q={}",
        ),
    ),
    "mac": (_mac, ("MAC {}", "device {}", "{}", "o roteador {}", "wifi {}", "adaptador {}")),
    "imei": (
        _pick("350000000000000", "000000000000000"),
        (
            "IMEI {}",
            "imei: {}",
            "o IMEI do celular é {}",
            "IMEI del móvil {}",
            "phone IMEI {}",
            "my phone's IMEI is {}",
        ),
    ),
    "serial": (
        _pick("A00A0000000", "000000000", "00000000", "SN000000000", "0000-0000-0000", "AA000000"),
        (
            "serial {}",
            "número de série {}",
            "S/N {}",
            "serial number: {}",
            "Seriennummer {}",
            "nº de serie {}",
            "série: {}",
            "matrícula {}",
        ),
    ),
    "account": (
        _pick("00000-0", "000000", "00000000", "0000 0000 0000", "000000000", "00000000-0"),
        (
            "account {}",
            "conta {}",
            "ag 0001 conta {}",
            "cuenta {}",
            "Konto {}",
            "customer id {}",
            "código do cliente {}",
            "Kundennummer {}",
            "client ID: {}",
            "contrato {}",
            "matrícula {}",
            "policy {}",
            "apólice {}",
            "número de cliente {}",
            "user id {}",
            "assinatura {}",
        ),
    ),
    "zip": (
        _pick("00000", "00000-0000", "00000-000"),
        ("ZIP {}", "IL {}", "código postal {}", "codigo postal {}", "PLZ {}", "C.P. {}", "zip code {}", "postcode {}"),
    ),
    "time": (
        lambda r: r.choice(
            (
                _n(r, "1700000000"),
                _n(r, "1700000000000"),
                f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{_n(r, '000000')}",
                f"{_n(r, '1700000000')}.{_n(r, '000000')}",
            )
        ),
        ("timestamp {}", "at {}", "epoch {}", "ts={}", "hora {}", "created: {}"),
    ),
    "count": (
        lambda r: r.choice(
            (
                f"{_n(r, '1')} {_n(r, '000')} {_n(r, '000')}",
                f"{_n(r, '1')},{_n(r, '000')},{_n(r, '000')}",
                f"{_n(r, '1')}.{_n(r, '000')}.{_n(r, '000')}",
                _n(r, "10000000"),
            )
        ),
        (
            "{} rows",
            "{} bytes",
            "{} views",
            "{} seguidores",
            "{} habitantes",
            "{} km",
            "{} items",
            "população de {} pessoas",
            "{} users",
            "{} linhas",
        ),
    ),
    "sizes": (
        lambda r: r.choice(
            (
                f"{r.randrange(10, 300)}x{r.randrange(10, 300)}x{r.randrange(10, 300)}",
                f"{r.randrange(10, 300)} x {r.randrange(10, 300)} x {r.randrange(10, 300)} cm",
                f"{r.randrange(640, 4000)}x{r.randrange(480, 3000)}",
                f"{r.randrange(100, 999)} / {r.randrange(100, 999)} / {r.randrange(100, 999)}",
                f"{r.randrange(35, 46)}, {r.randrange(35, 46)}, {r.randrange(35, 46)}, {r.randrange(35, 46)}",
            )
        ),
        ("size {}", "medidas {}", "{}", "tamanho {}", "dimensions: {}", "tallas {}", "Größe {}"),
    ),
    "scores": (
        lambda r: r.choice(
            (
                f"{r.randrange(6)}-{r.randrange(6)}",
                f"{r.randrange(99)}% / {r.randrange(99)}%",
                " ".join(str(r.randrange(60)) for _ in range(6)),
                ", ".join(str(r.randrange(1000)) for _ in range(8)),
                "-".join(f"{r.randrange(1, 60):02}" for _ in range(6)),
            )
        ),
        ("{}", "resultado {}", "score {}", "lista {}", "os números {}", "values: {}"),
    ),
    "law": (
        lambda r: r.choice(
            (
                f"{_n(r, '0000000')}-{_n(r, '00')}.20{_n(r, '00')}.8.26.{_n(r, '0000')}",
                f"Lei {_n(r, '00.000')}/20{_n(r, '00')}",
                f"art. {r.randrange(300)}, § {r.randrange(9)}",
                f"BOE-A-20{_n(r, '00')}-{_n(r, '00000')}",
                f"IN {_n(r, '0000')}/20{_n(r, '00')}",
            )
        ),
        ("processo {}", "conforme {}", "según {}", "see {}", "ver {}"),
    ),
    "slip": (
        _slip,
        ("Boleto {}", "linha digitável {}", "{}", "código de barras: {}", "pagar {}", "o boleto {} venceu"),
    ),
    "access": (
        _pick("35240000000000000000550010000000001000000000", "3524 0000 0000 0000 0000 5500 1000 0000 0010 0000 0000"),
        ("chave de acesso {}", "NF-e {}", "chave da nota: {}", "{}"),
    ),
    "bare": (
        _pick("0000000", "00000000", "000000000", "0000000000", "00000000000", "000000000000", "0000000000000"),
        (
            "{}",
            "It says {} there.",
            "Aparece {} na tela",
            "pone {}",
            "da steht {}",
            "on voit {}",
            "c'è scritto {}",
            "the screen shows {}",
            "aparece el {}",
            "digitei {}",
        ),
    ),
    "flight": (_pick("AA 0000", "AA0000", "LH 000"), ("flight {}", "voo {}", "vuelo {}", "Flug {}", "vol {}")),
    "near": (
        _pick("000000", "00000000", "000000000"),
        (
            "I phoned support about ticket {}",
            "call about invoice {}",
            "Liguei e o protocolo foi {}",
            "telefone com defeito, série {}",
            "phone model {}",
            "the phone order {} is late",
            "celular comprado no pedido {}",
            "móvil pedido {}",
            "WhatsApp order {}",
            "Handy Bestellung {}",
            "mensagem sobre a fatura {}",
            "contact us about case {}",
            "texted about order {}",
            "app do celular erro {}",
        ),
    ),
    "path": (
        _pick(
            "/var/log/0000/00/00/app.log",
            "IMG_20240000_000000.jpg",
            "file-0000000.pdf",
            "https://example.com/p/000000000",
            "https://example.com/?id=0000000000&x=1",
            "WhatsApp Image 2024-01-10 at 10.00.00.jpeg",
            "VID-20240110-WA0000.mp4",
            "C:\\tmp\\000-000-0000.txt",
            "https://x.example/item/000-000-000",
            "doc_000.000.000.pdf",
        ),
        ("{}", "see {}", "anexo {}", "attached {}", "el archivo {}", "open {} please"),
    ),
    "math": (
        lambda r: r.choice(
            (
                f"{_n(r, '1000')}+{_n(r, '1000')}={_n(r, '10000')}",
                f"{_n(r, '10')}-{_n(r, '100')}-{_n(r, '10')}",
                f"({_n(r, '100')}) {_n(r, '100')}",
                f"{_n(r, '1')}.{_n(r, '000')}e{_n(r, '1')}",
                f"{_n(r, '100')}/{_n(r, '100')}/{_n(r, '100')}",
                f"3.14159{_n(r, '00000')}",
                f"{_n(r, '1000')} ({_n(r, '1000')})",
            )
        ),
        ("{}", "calc {}", "resultado: {}", "= {}", "value {}"),
    ),
    "code": (
        _pick("00000-00", "E0000", "0000", "00000", "ERR-0000", "0x8007000A", "404", "PIN 0000"),
        ("erro {}", "error {}", "código de erro {}", "Fehler {}", "error code: {}", "code {} shows up", "tela {}"),
    ),
    "talk": (
        _pick("10", "100", "0"),
        (
            "Forgot my password, {} tries",
            "A senha é obrigatória, tentei {} vezes",
            "password must have {} characters",
            "my token expired after {} minutes",
            "the api key page shows {} keys",
            "contraseña incorrecta {} veces",
            "email me at the usual address, {} times asked",
            "login at noon at example dot, {} errors",
            "arroba é o símbolo, custa {}",
            "let's meet at home dot dot dot {}",
            "clave incorrecta {} veces",
            "o código de verificação não chegou há {} min",
            "the verification code never came, waited {} min",
            "secret sauce number {}",
            "Passwort vergessen, {} Versuche",
        ),
    ),
}


def generate(count: int, half: str, seed: int = 23) -> list[tuple[str, str]]:
    """Make texts and their kinds; the halves share neither sentences nor values. A fifth holds two such sentences."""
    rng = random.Random(f"{seed}-{half}")
    parity = half == "held-out"
    names = tuple(KINDS)

    def one() -> tuple[str, str]:
        kind = rng.choice(names)
        make, frames = KINDS[kind]
        return rng.choice(frames[parity::2]).replace("{}", make(rng)), kind

    out = list[tuple[str, str]]()
    for _ in range(count):
        text, kind = one()
        if rng.random() < 0.2:
            more, other = one()
            text, kind = text + rng.choice((". ", "\n", "; ")) + more, f"{kind}+{other}"
        out.append((text, kind))
    return out


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--half", choices=("tune", "held-out"), default="held-out")
    options.add_argument("--count", type=int, default=20000)
    options.add_argument("--wrong", type=int, default=0, help="print so many wrong rows (of the half tuned on)")
    given = options.parse_args()
    from pii import ours

    made = generate(given.count, given.half)
    found, took = ours([text for text, _ in made])
    wrong = [(text, kind, hits) for (text, kind), hits in zip(made, found, strict=True) if hits]
    print(
        f"{given.half}: {len(wrong)} wrong rows of {len(made)} ({100 * len(wrong) / len(made):.2f} %), {took:.2f} s CPU"
    )
    print("by type:", dict(Counter(type for _, _, hits in wrong for _, _, type in hits).most_common()))
    kinds: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (_, kind), hits in zip(made, found, strict=True):
        if "+" not in kind:
            kinds[kind][0] += bool(hits)
            kinds[kind][1] += 1
    for kind, (bad, all_) in sorted(kinds.items(), key=lambda entry: -entry[1][0]):
        if bad:
            print(f"  {kind:<10}{bad:>5} of {all_}")
    if given.half == "tune":
        for text, kind, hits in wrong[: given.wrong]:
            print(kind, [(type, text[start:end]) for start, end, type in hits], repr(text), sep="\t")


if __name__ == "__main__":
    main()
