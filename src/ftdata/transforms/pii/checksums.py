"""Check digits and number plans: what proves that a run of characters is a card, an IBAN, a CPF or a CNPJ.

Sources: ISO/IEC 7812 (Luhn) and the networks' published issuer ranges; the SWIFT IBAN registry (lengths) and ISO 7064
mod 97-10; Receita Federal, IN RFB 2.229/2024 (alphanumeric CNPJ: value of a character = its ASCII code minus 48).
"""

from __future__ import annotations

_DOUBLED = bytes.maketrans(b"0123456789", bytes(48 + (2 * d - 9 if d > 4 else 2 * d) for d in range(10)))


def luhn(digits: str) -> bool:
    """Say whether a run of ASCII digits ends in its Luhn check digit."""
    raw = digits.encode()
    return (sum(raw[::-1][::2]) + sum(raw[-2::-2].translate(_DOUBLED)) - 48 * len(raw)) % 10 == 0


def _span(text: str) -> range:
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)


def _issuers() -> dict[str, frozenset[int]]:
    # Prefixes (of one to six digits) -> lengths that the network issues.
    plan = {
        "4": (13, 16, 19),  # Visa
        "51-55 2221-2720": (16,),  # Mastercard
        "34 37": (15,),  # American Express
        "6011 622126-622925 644-649 65": (16, 17, 18, 19),  # Discover
        "36 38-39 300-305 3095": (14, 16, 17, 18, 19),  # Diners Club
        "3528-3589": (16, 17, 18, 19),  # JCB
        "2131 1800": (15,),  # JCB, older cards
        "62 81": (16, 17, 18, 19),  # UnionPay, RuPay
        "5018 5020 5038 5893 6304 6759 6761-6763": tuple(range(12, 20)),  # Maestro
        "5041 5067 509 627780 636297 636368": (16,),  # Elo
        "606282 3841": (16, 19),  # Hipercard
        "2200-2204": (16, 17, 18, 19),  # Mir
        "508 60 82": (16,),  # RuPay
        "9792": (16,),  # Troy
        "589562 589657 604": (16,),  # Naranja, Cabal
    }
    table: dict[str, frozenset[int]] = {}
    for spans, lengths in plan.items():
        for span in spans.split():
            for prefix in _span(span):
                table[str(prefix)] = table.get(str(prefix), frozenset()) | frozenset(lengths)
    return table


_ISSUERS = _issuers()
_FIRST = frozenset(prefix[:2] for prefix in _ISSUERS) | frozenset(f"4{d}" for d in range(10))


def issued(digits: str) -> bool:
    """Say whether a card network issues numbers with this prefix and this length."""
    if digits[:2] not in _FIRST:
        return False
    return any(len(digits) in _ISSUERS.get(digits[:n], ()) for n in range(1, 7))


_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30"
)
IBAN_LENGTH: dict[str, int] = {entry[:2]: int(entry[2:]) for entry in _COUNTRIES.split()}
"""Characters of an IBAN by country, as the SWIFT registry lists them."""


def iban(number: str) -> bool:
    """Say whether a number (capitals and digits, no separators) has its country's length and leaves 1 modulo 97."""
    if IBAN_LENGTH.get(number[:2]) != len(number) or not number[2:4].isdigit():
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def _mod11(values: list[int], weights: range | tuple[int, ...]) -> int:
    rest = sum(v * w for v, w in zip(values, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def cpf(digits: str) -> bool:
    """Say whether eleven digits are a CPF; eleven times the same digit is not one."""
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    values = [ord(char) - 48 for char in digits]
    return _mod11(values[:9], range(10, 1, -1)) == values[9] and _mod11(values[:10], range(11, 1, -1)) == values[10]


_CNPJ = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def cnpj(number: str) -> bool:
    """Say whether fourteen characters (capitals and digits) are a CNPJ; fourteen times the same is not one."""
    if len(number) != 14 or len(set(number)) == 1 or not number[12:].isdigit():
        return False
    values = [ord(char) - 48 for char in number]
    return _mod11(values[:12], _CNPJ[1:]) == values[12] and _mod11(values[:13], _CNPJ) == values[13]


_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def dni(number: str) -> bool:
    """Say whether eight digits and a letter are a Spanish DNI: the letter is the number modulo 23 (RD 1553/2005)."""
    return len(number) == 9 and _DNI[int(number[:8]) % 23] == number[8] and len(set(number[:8])) > 1


def nie(number: str) -> bool:
    """Say whether X, Y or Z, seven digits and a letter are a Spanish NIE: as a DNI, X = 0, Y = 1, Z = 2."""
    return len(number) == 9 and _DNI[int(str("XYZ".index(number[0])) + number[1:8]) % 23] == number[8]


def cif(number: str) -> bool:
    """Say whether a letter, seven digits and a control character are a Spanish company's NIF (Orden EHA/451/2008).

    The control character may be a digit or a letter: sources differ on which kinds of companies have which. K, L and M
    (persons without a DNI) may also have the letter of a DNI.
    """
    first, digits, control = number[0], number[1:8], number[8]
    total = sum(map(int, digits[1::2])) + sum(divmod(2 * int(d), 10)[0] + 2 * int(d) % 10 for d in digits[::2])
    check = -total % 10
    return control in (str(check), "JABCDEFGHI"[check]) or (first in "KLM" and control == _DNI[int(digits) % 23])


_NIF = ("1", "2", "3", "45", "5", "6", "70", "71", "72", "74", "75", "77", "78", "79", "8", "90", "91", "98", "99")


def nif(digits: str) -> bool:
    """Say whether nine digits are a Portuguese NIF: a prefix that is given out, and modulo 11 (Decreto-Lei 14/2013)."""
    if len(digits) != 9 or not digits.startswith(_NIF) or len(set(digits)) == 1:
        return False
    return _mod11([int(char) for char in digits[:8]], range(9, 1, -1)) == int(digits[8])


def ssn(digits: str) -> bool:
    """Say whether nine digits can be a US social security number (SSA): no 000, 666, 9xx, no group 00, no 0000."""
    area = digits[:3]
    return area not in ("000", "666") and area[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


_RG = (2, 3, 4, 5, 6, 7, 8, 9)


def rg(number: str) -> bool:
    """Say whether nine characters end in the check digit that São Paulo gives an RG (modulo 11, X = 10).

    Other states have other rules or none: who fails it may still be one.
    """
    total = sum(int(d) * w for d, w in zip(number[:8], _RG, strict=True))
    return "0123456789X0"[-total % 11] == number[8].upper()


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def _varied(digits: str, length: int) -> bool:
    return len(digits) == length and digits.isdigit() and len(set(digits)) > 1


def pis(digits: str) -> bool:
    """Say whether eleven digits are a Brazilian PIS, PASEP, NIS or NIT (modulo 11)."""
    return _varied(digits, 11) and _mod11([int(d) for d in digits[:10]], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) == int(
        digits[10]
    )


def cnh(digits: str) -> bool:
    """Say whether eleven digits are a Brazilian driving licence's (Denatran: two modulo 11, the second less two)."""
    if not _varied(digits, 11):
        return False
    first = _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11
    less, first = (2, 0) if first > 9 else (0, first)
    second = _weighed(digits, (1, 2, 3, 4, 5, 6, 7, 8, 9)) % 11 - less
    second = second + 11 if second < 0 else second
    return digits[9:] == f"{first}{0 if second > 9 else second}"


def voter(digits: str) -> bool:
    """Say whether twelve digits are a Brazilian voter's title (TSE, Res. 21.538/2003): state 01-28, two modulo 11."""
    if not _varied(digits, 12) or not 1 <= int(digits[8:10]) <= 28:
        return False
    special = digits[8:10] in ("01", "02")  # São Paulo, Minas Gerais: a rest of 0 may count as 1

    def rests(total: int) -> tuple[int, ...]:
        rest = total % 11 % 10
        return (0, 1) if special and total % 11 == 0 else (rest,)

    first = int(digits[10])
    return first in rests(_weighed(digits, (2, 3, 4, 5, 6, 7, 8, 9))) and int(digits[11]) in rests(
        int(digits[8]) * 7 + int(digits[9]) * 8 + first * 9
    )


def cns(digits: str) -> bool:
    """Say whether fifteen digits are a Brazilian health card's (SUS: modulo 11 leaves 0; begins with 1, 2, 7, 8, 9)."""
    if not _varied(digits, 15) or digits[0] not in "12789" or _weighed(digits, tuple(range(15, 0, -1))) % 11:
        return False
    return digits[0] in "789" or digits[11:14] in ("000", "001")


def niss(digits: str) -> bool:
    """Say whether eleven digits are a Portuguese NISS: 9 less the sum by primes, modulo 10."""
    return _varied(digits, 11) and 9 - _weighed(digits, (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == int(digits[10])


def citizen_card(number: str) -> bool:
    """Say whether twelve characters are a Portuguese citizen card's (Luhn, letters from A = 10)."""
    if len(number) != 12 or not number[:9].isdigit() or not number[11].isdigit():
        return False
    values = [int(char, 36) * (2 - at % 2) for at, char in enumerate(number)]
    return sum(v - 9 if at % 2 == 0 and v > 9 else v for at, v in enumerate(values)) % 10 == 0


def nuss(digits: str) -> bool:
    """Say whether eleven or twelve digits are a Spanish social security number: the last two are the rest modulo 97."""
    if not 11 <= len(digits) <= 12 or not digits.isdigit():
        return False
    number = int(digits[2:-2])
    whole = int(digits[:2]) * 10**7 + number if number < 10**7 else int(digits[:-2])
    return 1 <= int(digits[:2]) <= 66 and whole % 97 == int(digits[-2:])


_DATE = (range(1, 13), range(1, 32))


def _dated(digits: str) -> bool:
    return int(digits[2:4]) in _DATE[0] and int(digits[4:6]) in _DATE[1]


_CURP = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def curp(number: str) -> bool:
    """Say whether eighteen characters are a Mexican CURP: date, sex, its digit (Renapo)."""
    if len(number) != 18 or not number[4:10].isdigit() or not _dated(number[4:10]) or number[10] not in "HMX":
        return False
    total = sum(_CURP.index(char) * (18 - at) for at, char in enumerate(number[:17]))
    return str(-total % 10) == number[17]


_RFC = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"


def rfc_form(number: str) -> bool:
    """Say whether twelve or thirteen characters have the form of a Mexican RFC; the ones for everybody do not count."""
    digits = number[-9:-3]
    return digits.isdigit() and _dated(digits) and not number.startswith(("XAXX010101", "XEXX010101"))


def rfc(number: str) -> bool:
    """Say whether an RFC also has its check character (SAT, modulo 11)."""
    if not rfc_form(number):
        return False
    total = sum(_RFC.index(char) * (13 - at) for at, char in enumerate(number[:-1].rjust(12)))
    return "0A987654321"[total % 11 if total % 11 != 0 else 0] == number[-1]


_CUIT = ("20", "23", "24", "25", "26", "27", "30", "33", "34", "50", "51", "55")
_TAX = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def cuit(digits: str) -> bool:
    """Say whether eleven digits are an Argentine CUIT or CUIL: a prefix that is given out, modulo 11."""
    if not _varied(digits, 11) or digits[:2] not in _CUIT:
        return False
    return "09987654321"[_weighed(digits, _TAX) % 11] == digits[10]


def ruc(digits: str) -> bool:
    """Say whether eleven digits are a Peruvian RUC (SUNAT: modulo 11, 10 counts as 0, 11 as 1)."""
    return _varied(digits, 11) and (11 - _weighed(digits, _TAX) % 11) % 10 == int(digits[10])


def rut(number: str) -> bool:
    """Say whether seven or eight digits and a digit or K are a Chilean RUT (modulo 11)."""
    if not 8 <= len(number) <= 9 or not number[:-1].isdigit() or len(set(number[:-1])) == 1:
        return False
    total = sum(int(d) * (2 + at % 6) for at, d in enumerate(reversed(number[:-1])))
    return "0K987654321"[total % 11] == number[-1]


def nino(number: str) -> bool:
    """Say whether nine characters can be a British national insurance number (HMRC, NIM39110)."""
    first = number[:2]
    given = (
        not set(first) & set("DFIQUV") and first[1] != "O" and first not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")
    )
    return len(number) == 9 and given and len(set(number[2:8])) > 1


def vat(number: str) -> bool:
    """Say whether a number can be of a European VAT register; an Italian one has its Luhn digit, a Belgian its rest."""
    digits = "".join(filter(str.isdigit, number))
    if number.isdigit() or number.startswith("IT"):
        return len(digits) == 11 and luhn(digits) and len(set(digits)) > 2
    if number.startswith("BE"):
        return len(digits) in (9, 10) and 97 - int(digits[:-2]) % 97 == int(digits[-2:])
    return 7 <= len(digits) <= 12 and len(set(digits)) > 2
