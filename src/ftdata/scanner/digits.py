"""Runs of digits with signs between them: taken apart into groups, and judged by check digits, form and words before.

Sources: ISO/IEC 7812-1 (check digit of cards, first digits by network), ISO 13616 and 7064 (IBAN), Receita Federal
(CPF, CNPJ, letters as ASCII minus 48), the SSA (numbers never given), ITU-T E.164 (country codes), RD 1553/2005 and
Decreto-Lei 14/2013 (letters of DNI and NIE, digit of the NIF).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Literal

from ftdata.scanner.addresses import Span
from ftdata.scanner.blocks import alnum, before, touches

Sure = Literal["high", "low"]

_RUN = re.compile(rb"[0-9](?:[ ./\-()]{0,3}[0-9]){6,30}")
_NOBODYS = "surrogate"
_GROUP = re.compile(rb"[0-9]+")


def find(block: bytes) -> Iterator[Span]:
    """Find cards, documents, accounts and phones."""
    proved = sorted([*_accounts(block), *_lettered(block)])
    yield from proved
    taken = [(start, end) for start, end, _, _ in proved]
    for found in _RUN.finditer(block):
        for span in _run(block, *found.span()):
            if not touches(taken, span[0], span[1]):
                yield span


def _run(block: bytes, start: int, end: int) -> Iterator[Span]:
    if block[start - 1 : start] in (b"#", b"_", b"$") or block[end : end + 1] == b"_":
        return
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(block, start, end)]
    lengths = [b - a for a, b in groups]
    ends = [0, *accumulate(lengths)]
    ones = [0, *accumulate(length == 1 for length in lengths)]
    used = 0
    for first in range(len(groups)):
        if first < used:
            continue
        for last in range(min(len(groups), first + 7), first, -1):
            if not 7 <= ends[last] - ends[first] <= 19 or ones[last] - ones[first] > 2:
                continue
            begin, stop = groups[first][0], groups[last - 1][1]
            coded = block[begin - 2 : begin].upper() == b"PT" and not alnum(block, begin - 3)
            if (first == 0 and alnum(block, begin - 1) and not coded) or (last == len(groups) and alnum(block, stop)):
                continue
            joints = tuple(block[groups[i][1] : groups[i + 1][0]] for i in range(first, last - 1))
            sizes = tuple(b - a for a, b in groups[first:last])
            digits = b"".join(block[a:b] for a, b in groups[first:last])
            whole = first == 0 and last == len(groups)
            if verdict := _judge(block, begin, stop, digits, sizes, joints, whole):
                if verdict[0] != _NOBODYS:
                    yield begin, stop, *verdict
                used = last
                break


def _judge(
    block: bytes, start: int, end: int, digits: bytes, sizes: tuple[int, ...], joints: tuple[bytes, ...], whole: bool
) -> tuple[str, Sure] | None:
    """Say what some groups of digits are, if anything."""
    total = len(digits)
    if len(set(digits)) == 1 or total < 7 or (not whole and _joined(block, start, end)):
        return None
    told = before(block, start)
    joint = joints[0] if joints else b""
    goes_on = joint != b"" and block.startswith(joint, end) and _digit(block, end + len(joint))
    if 13 <= total <= 19 and not goes_on and (verdict := _card(digits, sizes, joints, told)):
        return verdict
    if total == 11 and _cpf(digits) and digits[:4] != b"9999":
        dotted = sizes == (3, 3, 3, 2) and joints[:2] == (b".", b".")
        if dotted or _says(told, b"cpf", b"c.p.f"):
            return "cpf", "high"
    shaped = sizes == (2, 3, 3, 4, 2) or _says(told, b"cnpj")
    if total == 14 and shaped and _cnpj(digits) and digits[8:12] != b"9999":
        return "cnpj", "high"
    if total == 9 and (verdict := _nine(digits, sizes, joints, told)):
        return verdict
    if total == 8 and digits[:3] != b"000" and _last(told, b"cep") and sizes in ((8,), (5, 3), (2, 3, 3)):
        return "cep", "high"
    if (
        7 < total < 11
        and digits[:4] != b"0099"
        and _last(told, b"rg", b"r.g", b"identidade")
        and (sizes[0] < 3 or len(sizes) < 3)
    ):
        return "rg", "high"
    return _phone(block, start, end, digits, sizes, joints, told)


def _digit(block: bytes, at: int) -> bool:
    return block[at : at + 1].isdigit()


def _joined(block: bytes, start: int, end: int) -> bool:
    """Say whether a piece of a run goes on with other digits over a sign that is no space."""
    return block[start - 1 : start] in (b"-", b".", b"/") or block[end : end + 1] in (b"-", b".", b"/")


def _says(told: bytes, *words: bytes) -> bool:
    return any(word in told for word in words)


_WORD = re.compile(rb"[a-z\x80-\xff][a-z.\x80-\xff]+")


def _last(told: bytes, *words: bytes) -> bool:
    """Say whether one of the words is among the last four before a number."""
    return any(word.startswith(words) for word in _WORD.findall(told)[-4:])


def _luhn(digits: bytes) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        number = char - 48
        if place % 2:
            number = number * 2 - 9 * (number > 4)
        total += number
    return total % 10 == 0


_CARD_SHAPES = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 4, 3)}
_CARD_WORDS = (b"card", b"cart\xc3\xa3o", b"cartao", b"tarjeta", b"visa", b"master", b"amex", b"cr\xc3\xa9dito")


def _card(digits: bytes, sizes: tuple[int, ...], joints: tuple[bytes, ...], told: bytes) -> tuple[str, Sure] | None:
    if digits.startswith((b"400000", b"378282")) or not _luhn(digits):
        return None
    named = _says(told, *_CARD_WORDS)
    shaped = (sizes in _CARD_SHAPES and len(set(joints)) == 1 and len(joints[0]) == 1) or len(sizes) == 1
    if not shaped:
        return None
    head, size = int(digits[:4]), len(digits)
    network = (
        (digits[:1] == b"4" and size in (13, 16, 19))
        or (5100 <= head < 5600 and size == 16)
        or (2221 <= head <= 2720 and size == 16)
        or (digits[:2] in (b"34", b"37") and size == 15)
        or ((6440 <= head < 6600 or 3528 <= head < 3590 or head in (6011, 6062, 5067, 6362, 6363)) and size == 16)
        or (digits[:2] in (b"62", b"81") and size in (16, 19))
    )
    if named or (network and (len(sizes) > 1 or size in (15, 16))):
        return "card", "high"
    return None


def _mod11(digits: bytes, weights: range) -> int:
    rest = sum((char - 48) * weight for char, weight in zip(digits, weights, strict=False)) % 11
    return 0 if rest < 2 else 11 - rest


def _cpf(digits: bytes) -> bool:
    first = _mod11(digits[:9], range(10, 1, -1)) == digits[9] - 48
    return first and _mod11(digits[:10], range(11, 1, -1)) == digits[10] - 48


def _cnpj(number: bytes) -> bool:
    for length in (12, 13):
        total = sum((number[length - 1 - i] - 48) * (2 + i % 8) for i in range(length))
        if number[length] - 48 != (0 if total % 11 < 2 else 11 - total % 11):
            return False
    return True


def _nine(digits: bytes, sizes: tuple[int, ...], joints: tuple[bytes, ...], told: bytes) -> tuple[str, Sure] | None:
    given = digits[:3] not in (b"000", b"666") and digits[:1] != b"9" and digits[3:5] != b"00" and digits[5:] != b"0000"
    if given and (sizes == (3, 2, 4) or len(sizes) == 1):
        if _says(told, b"ssn", b"social", b"taxpayer"):
            return "ssn", "high"
        if sizes == (3, 2, 4) and joints == (b"-", b"-"):
            return "ssn", "low"
    named = digits[:4] != b"0000" and _last(told, b"nif", b"contribuinte", b"nipc", b"vat")
    return ("nif", "high") if named and _mod11(digits[:8], range(9, 1, -1)) == digits[8] - 48 else None


# --- phones -----------------------------------------------------------------------------------------------------------

_PHONE_WORDS = (
    *(b"phone", b"tel", b"fone", b"cel", b"mobile", b"m\xc3\xb3vil", b"movil", b"whats", b"zap", b"fax", b"handy"),
    *(b"call", b"ligar", b"ligue", b"liga", b"llam", b"dial", b"ring", b"text", b"contato", b"contact", b"contacto"),
    *(b"joindre", b"erreich", b"reach", b"portable", b"cellulare", b"mobil", b"anruf", b"appel", b"chiama", b"sms"),
)
_OTHER = (
    *(b"order", b"pedido", b"invoice", b"fatura", b"factura", b"ticket", b"protocol", b"track", b"rastre", b"ref"),
    *(
        b"account",
        b"conta",
        b"cuenta",
        b"isbn",
        b"version",
        b"id",
        b"process",
        b"boleto",
        b"serial",
        b"bestell",
        b"sku",
    ),
    *(b"price", b"total", b"sku", b"timestamp", b"epoch", b"zip", b"nota", b"lote", b"commande", b"part", b"code"),
)
_CODES = re.compile(
    rb"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-689][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]"
    rb"|6[7-9][0-9]|8[058][0-9]|9[679][0-9]"
)
"""Country codes that ITU-T gives out."""
_NATIONAL: dict[tuple[int, ...], str] = {
    (2, 5, 4): "br",
    (2, 4, 4): "br",
    (3, 3, 4): "us",
}


def _fictional(digits: bytes) -> bool:
    tail = digits[-7:]
    if tail[:5] == b"55501":
        return len(digits) < 8 or digits[-8:-7] == b"0" or digits[-10:-7] in _AREAS
    return digits[-10:-3] == b"7700900" or digits[-9:-4] == b"63998"


_AREAS = frozenset((b"202", b"303", b"404", b"415", b"512", b"617", b"713", b"808"))


def _phone(
    block: bytes, start: int, end: int, digits: bytes, sizes: tuple[int, ...], joints: tuple[bytes, ...], told: bytes
) -> tuple[str, Sure] | None:
    total = len(digits)
    if total <= 15 and _fictional(digits):
        return _NOBODYS, "low"
    if total > 15 or _dated(digits, sizes):
        return None
    opening = block[max(0, start - 3) : start]
    if opening.rstrip(b" (").endswith(b"+"):
        return ("phone", "high") if total > 7 and _CODES.match(digits) else None
    words = _WORD.findall(told)[-4:]
    other = any(word.startswith(_OTHER) for word in words[-2:])
    if any(word.startswith(_PHONE_WORDS) for word in words) and 8 <= total <= 13 and not other:
        near = any(word.startswith(_PHONE_WORDS) for word in words[-2:])
        return "phone", "high" if near else "low"
    area = opening[-1:] == b"(" and joints and joints[0].startswith(b")")
    if area and sizes in _NATIONAL:
        return "phone", "high"
    if sizes in _NATIONAL and joints[-1] == b"-" and joints[0] in (b"-", b" ") and not other:
        return "phone", "low"
    return None


def _dated(digits: bytes, sizes: tuple[int, ...]) -> bool:
    if sizes[:3] in ((4, 2, 2), (2, 2, 4)):
        year = digits[:4] if sizes[0] == 4 else digits[4:8]
        return year[:2] in (b"19", b"20")
    if sizes == (4, 4) and digits[:2] in (b"19", b"20") and digits[4:6] in (b"19", b"20"):
        return True
    return sizes in ((8,), (12,), (14,)) and digits[:2] in (b"19", b"20") and digits[4:6] <= b"12"


# --- with letters -----------------------------------------------------------------------------------------------------

_CNPJ = re.compile(rb"[0-9A-Za-z]{2}\.[0-9A-Za-z]{3}\.[0-9A-Za-z]{3}/[0-9A-Za-z]{4}-[0-9]{2}")
_CHECKED = re.compile(rb"([0-9](?:[0-9]?\.[0-9]{3}\.[0-9]{3}|[0-9]{6,7}))[ \-]?([A-Za-z])")
_DNI = b"TRWAGMYFPDXBNJZSQVHLCKE"


def _lettered(block: bytes) -> Iterator[Span]:
    if b"/" in block:
        for found in _CNPJ.finditer(block):
            number = re.sub(rb"[./\-]", b"", found.group()).upper()
            glued = alnum(block, found.start() - 1) or alnum(block, found.end())
            if not glued and not number.isdigit() and number[8:12] != b"9999" and _cnpj(number):
                yield *found.span(), "cnpj", "high"
    for found in _CHECKED.finditer(block):
        body, letter = found.groups()
        digits = body.replace(b".", b"")
        start, end = found.span()
        head = b""
        if len(digits) == 7:
            at = start - (block[start - 1 : start] in (b" ", b".", b"-"))
            head, start = block[at - 1 : at].upper(), at - 1
            if head not in (b"X", b"Y", b"Z"):
                continue
        if alnum(block, start - 1) or alnum(block, end):
            continue
        if block[start - 1 : start] in (b"-", b"_", b".", b"#", b"+") or block[end : end + 1] in (b"-", b"_"):
            continue
        whole = int((b"%d" % b"XYZ".index(head) if head else b"") + digits)
        if _DNI[whole % 23] != letter.upper()[0] or digits[:5] == b"99999" or (head and digits[:4] == b"9999"):
            continue
        named = _last(before(block, start), b"dni", b"nif", b"nie", b"documento", b"identi")
        yield start, end, "nie" if head else "dni", "high" if named or head else "low"


_ACCOUNT = re.compile(rb"[0-9]{2}[ \-]?[A-Za-z0-9]{4}[ \-]?[A-Za-z0-9]{4}[ \-]?[A-Za-z0-9]{3}")
_LENGTHS = {
    int(part[:2]): part[2:].split()
    for part in (
        "15NO;16BE;18DK FO FI GL NL SD;19MK SI;20AT BA EE KZ LT LU MN XK;21CH HR LI LV;22BG BH CR DE GB GE IE ME RS VA;"
        "23AE GI IL IQ OM SO TL;24AD CZ ES MD PK RO SA SE SK TN VG;25LY PT ST;26IS TR;27BI DJ FR GR IT MC MR SM;"
        "28AL AZ BY CY DO GT HN HU LB NI PL SV;29BR EG PS QA UA;30JO KW MU YE;31MT SC;32LC;33RU"
    ).split(";")
}
_LENGTH = {country.encode(): length for length, countries in _LENGTHS.items() for country in countries}


def _accounts(block: bytes) -> Iterator[Span]:
    at = 0
    while found := _ACCOUNT.search(block, at):
        start, at = found.start() - 2, found.start() + 1
        length = _LENGTH.get(block[start : start + 2].upper()) if start >= 0 else None
        if length is None or alnum(block, start - 1):
            continue
        held, end = bytearray(), start
        while end < len(block) and len(held) < length and end - start < 2 * length:
            if alnum(block, end) and block[end] < 128:
                held.append(block[end])
            elif block[end : end + 1] not in (b" ", b"-"):
                break
            end += 1
        if len(held) != length or alnum(block, end):
            continue
        plain = bytes(held).upper()
        rest = 0
        for char in plain[4:] + plain[:4]:
            value = char - 48 if char < 58 else char - 55
            rest = (rest * (10 if value < 10 else 100) + value) % 97
        if rest == 1 and plain[4:-6].strip(b"0X"):
            yield start, end, "iban", "high"
            at = end
