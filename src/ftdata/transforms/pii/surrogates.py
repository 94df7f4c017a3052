"""Surrogates: made-up values of the same kind and shape, from ranges that nobody is given, and how to know them again.

Sources of the ranges: RFC 2606 (example.com), RFC 5737 and RFC 3849 (addresses for documentation), NANPA (555-0100 to
555-0199), Ofcom and Arcep (numbers for drama: 07700 900xxx, 06 39 98 xx xx), the SSA (987-65-43xx for advertising). No
other plan keeps a range for fiction: there the surrogate is plainly made up (a phone that ends in 0 555 01xx behind its
country's code, a card of the test prefix 4000 00 or 3782 82 with its check digit, an IBAN of zeros, branch 9999 of a
CNPJ, a CPF from 999.9 on, a CEP from 000 on).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from ftdata.transforms.pii import checksums
from ftdata.transforms.pii.rule import Hit

FIRST: dict[str, tuple[str, ...]] = {
    "en": ("Averil", "Corwin", "Delphine", "Emrys", "Fenella", "Gareld", "Isolde", "Jorah", "Linnea", "Merrick"),
    "pt": (
        "Adelmira",
        "Belarmino",
        "Cidalina",
        "Deolinda",
        "Evaristo",
        "Floripes",
        "Gualter",
        "Honorina",
        "Leopoldina",
    ),
    "es": (
        "Abundio",
        "Baldomera",
        "Casilda",
        "Dionisia",
        "Eleuterio",
        "Filomena",
        "Gumersindo",
        "Hermelinda",
        "Leocadia",
    ),
    "de": ("Adelgunde", "Burkhart", "Dietlinde", "Eberwin", "Friedlinde", "Gerlinde", "Hartwig", "Irmtraud"),
    "fr": ("Adalbert", "Bertille", "Clothilde", "Dieudonnee", "Ermeline", "Fulbert", "Gontran", "Hermance"),
    "it": ("Adalgisa", "Brunilde", "Clorinda", "Domitilla", "Ermenegildo", "Fiordaliso", "Gelsomina", "Ildebrando"),
}
LAST: tuple[str, ...] = (
    *("Abendrot", "Brookmere", "Calderwick", "Dunmarrow", "Eastvale", "Fernhollow", "Glasmeer", "Hartwhistle"),
    *("Ilvermoor", "Jadefield", "Kestrelow", "Larkmoor", "Montalvera", "Nordhaven", "Ostrevale", "Pradoluz"),
    *("Quintaflor", "Rosalviva", "Serravento", "Tavermont", "Umbravale", "Valdemora", "Westermark", "Zarzalejo"),
)
_GIVEN = frozenset(name.lower() for names in FIRST.values() for name in names)
_FAMILY = frozenset(name.lower() for name in LAST)
_AREAS = ("202", "303", "404", "415", "512", "617", "713", "808")


class Draw:
    """Digits and choices that follow from a seed alone, in every process and version."""

    def __init__(self, *seed: str | int) -> None:
        self._seed = "\x1f".join(map(str, seed)).encode("utf-8", "surrogatepass")
        self._bytes = self._stream()

    def _stream(self) -> Iterator[int]:
        for block in count():
            yield from hashlib.blake2b(self._seed, salt=block.to_bytes(16, "big")).digest()

    def below(self, bound: int) -> int:
        """Give a number from 0 to below a bound."""
        return int.from_bytes([next(self._bytes) for _ in range(8)], "big") % bound

    def digits(self, length: int) -> str:
        """Give some digits."""
        return str(self.below(10**length)).zfill(length) if length else ""

    def choice(self, options: Sequence[str]) -> str:
        """Give one of the options."""
        return options[self.below(len(options))]


def fill(shape: str, characters: str) -> str:
    """Put characters in the place of the letters and digits of a shape, the signs between them stay."""
    given = iter(characters)
    pieces = [next(given, "") if char.isalnum() else char for char in shape if char.isprintable()]
    return "".join(pieces) + "".join(given)


def _email(surface: str, value: str, draw: Draw, tongue: str) -> str:
    sign = "%40" if "%40" in surface else "@"
    return f"{person(draw, tongue, '.').lower()}{draw.digits(2)}{sign}example.{draw.choice(('com', 'org', 'net'))}"


_EXTENSION = re.compile(r"[,;]? ?(?:x|ext|ramal|anexo|interno|poste|dw).*", re.I | re.S)


def _phone(surface: str, value: str, draw: Draw, tongue: str) -> str:
    surface = _EXTENSION.sub("", surface)
    digits = "".join(char for char in surface if char.isdigit())
    code = ""
    if value[0] == "+":
        import phonenumbers

        try:
            code = str(phonenumbers.parse(value).country_code)
        except phonenumbers.NumberParseException:  # found by its form: of no country that the library knows
            code = ""
    kept = ""
    plain = digits[2:] if digits.startswith("00") else digits
    if code and plain.startswith(code) and ("+" in surface or plain is not digits or len(plain) > 10):
        kept = digits[: len(digits) - len(plain)] + code
    national = digits[len(kept) :]
    if national.startswith("0") and len(national) > 8:
        kept, national = kept + "0", national[1:]
    return fill(surface, kept + _national(code, len(national), draw))


def _national(code: str, length: int, draw: Draw) -> str:
    last = "55501" + draw.digits(2)
    if length <= 7:
        return last
    if code == "1" and length == 10:
        return draw.choice(_AREAS) + last
    if code == "44" and length == 10:
        return "7700900" + draw.digits(3)
    if code == "33" and length == 9:
        return "63998" + draw.digits(4)
    lead = {"55": "119", "52": "55", "54": "911", "351": "9", "34": "6", "49": "151", "39": "39", "56": "9"}.get(
        code, "9"
    )
    return (lead + "0" * length)[: length - 8] + "0" + last


def _card(surface: str, value: str, draw: Draw, tongue: str) -> str:
    prefix = "378282" if len(value) == 15 else "400000"
    body = prefix + draw.digits(len(value) - 7)
    return fill(surface, body + next(d for d in "0123456789" if checksums.luhn(body + d)))


def _iban(surface: str, value: str, draw: Draw, tongue: str) -> str:
    body = "".join("X" if char.isalpha() else "0" for char in value[4:-6]) + draw.digits(6)
    rest = int("".join(str(int(char, 36)) for char in f"{body}{value[:2]}00")) % 97
    whole = f"{value[:2]}{98 - rest:02}{body}"
    return fill(surface, whole if surface.upper() == surface else whole.lower())


def _checked(stem: str, test: Callable[[str], bool], places: int) -> str:
    """Give a stem with the check digits that make it pass a test."""
    return next(
        (stem + f"{n:0{places}}" for n in range(10**places) if test(stem + f"{n:0{places}}")), stem + "0" * places
    )


def _cpf(surface: str, value: str, draw: Draw, tongue: str) -> str:
    return fill(surface, _checked("9999" + draw.digits(5), checksums.cpf, 2))


def _cnpj(surface: str, value: str, draw: Draw, tongue: str) -> str:
    return fill(surface, _checked(draw.digits(8) + "9999", checksums.cnpj, 2))


def _ip(surface: str, value: str, draw: Draw, tongue: str) -> str:
    if ":" in surface:
        return f"2001:db8::{draw.below(1 << 16):x}:{draw.below(1 << 16):x}"
    return f"{draw.choice(('192.0.2', '198.51.100', '203.0.113'))}.{1 + draw.below(254)}"


def _ssn(surface: str, value: str, draw: Draw, tongue: str) -> str:
    return fill(surface, "98765" + draw.digits(4))


def _rg(surface: str, value: str, draw: Draw, tongue: str) -> str:
    return fill(surface, ("0099" + draw.digits(6))[: len(value)])


def _cep(surface: str, value: str, draw: Draw, tongue: str) -> str:
    return fill(surface, "000" + draw.digits(5))


def _dni(surface: str, value: str, draw: Draw, tongue: str) -> str:
    number = "99999" + draw.digits(3)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]
    number = number if sum(map(str.isdigit, surface)) == 8 else number[1:]
    return fill(surface, number + letter if surface[-1:].isalpha() else number)


def _nie(surface: str, value: str, draw: Draw, tongue: str) -> str:
    number = "9999" + draw.digits(3)
    return fill(surface, "Z" + number + "TRWAGMYFPDXBNJZSQVHLCKE"[int("2" + number) % 23])


def _nif(surface: str, value: str, draw: Draw, tongue: str) -> str:
    country = surface[:2] if surface[:2].upper() in ("PT", "ES") and surface[2:3] not in ("", "-") else ""
    head = "A" if value[0].isalpha() else "0"
    stem = head + "000" + draw.digits(4)
    total = sum(int(d) * w for d, w in zip(stem[head == "A" :], range(9, 1, -1), strict=False)) % 11
    return country + fill(surface[len(country) :], stem + str(0 if total < 2 else 11 - total))


MAKERS: dict[str, Callable[[str, str, Draw, str], str]] = {
    "email": _email,
    "phone": _phone,
    "ip": _ip,
    "card": _card,
    "iban": _iban,
    "ssn": _ssn,
    "cpf": _cpf,
    "cnpj": _cnpj,
    "rg": _rg,
    "cep": _cep,
    "dni": _dni,
    "nie": _nie,
    "nif": _nif,
}
"""How each type is made, from how it was written, its value, a draw and the language around it.

Others keep their placeholder: documents without a range that is plainly nobody's, and secrets (a made-up key teaches no
more than a placeholder, and sets off the scanners of others).
"""


def person(draw: Draw, tongue: str, joint: str = " ") -> str:
    """Give the name of nobody, first and last."""
    return f"{draw.choice(FIRST.get(tongue, FIRST['en']))}{joint}{draw.choice(LAST)}"


# --- knowing them again -----------------------------------------------------------------------------------------------

_NAME = "|".join(sorted((name for names in (*FIRST.values(), LAST) for name in names), key=lambda n: (-len(n), n)))
_RUN = r"[+(]{0,2}[0-9](?:[ ()./+\-–—]{0,3}[0-9]){5,18}"
_SHAPES: tuple[tuple[str, str], ...] = (
    ("email", r"[a-z]{4,12}\.[a-z]{6,12}[0-9]{2}(?:@|%40)example\.(?:com|org|net)"),
    ("name", rf"(?:{_NAME})(?: (?:{_NAME}))?"),
    ("ip", r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.[0-9]{1,3}|2001:db8::[0-9a-f]{1,4}:[0-9a-f]{1,4}"),
    ("iban", r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[0Xx]){4}"),
    (
        "nif",
        r"(?:PT|pt)000[ .]?0[0-9]{2}[ .]?[0-9]{3}|(?:ES|es)?[Aa]-?0{3}[0-9]{4}-?[0-9]|[Aa]-?00\.0[0-9]{2}\.[0-9]{3}",
    ),
    ("nie", r"Z[.\- ]?9\.?999\.?[0-9]{3}[.\- ]?[A-Z]"),
    ("dni", r"9{1,2}\.?999\.?[0-9]{3}[ \-]?[A-Z]|99999[0-9]{3}[ \-]?[A-Z]"),
    ("digits", _RUN),
)
_KNOWN = re.compile("|".join(f"(?P<t{at}>{shape})" for at, (_, shape) in enumerate(_SHAPES)))
HINT = r"@example\.|%40example\.|[0-9]{2}|(?:" + _NAME + ")"
"""What a text holds that holds a surrogate, for the linear-time engine."""


def _of_digits(run: str) -> str:
    digits = "".join(char for char in run if char.isdigit())
    size = len(digits)
    if digits.startswith(("400000", "378282")) and size > 11 and checksums.luhn(digits):
        return "card"
    if digits.startswith("9999") and size == 11 and checksums.cpf(digits):
        return "cpf"
    if size == 14 and digits[8:12] == "9999" and checksums.cnpj(digits):
        return "cnpj"
    if digits.startswith("98765") and size == 9:
        return "ssn"
    if re.search(r"(?:^|0|[2-8][0-9]{2})55501[0-9]{2}$|7700900[0-9]{3}$|63998[0-9]{4}$", digits) and size < 16:
        return "phone"
    if digits.startswith("0099") and 7 < size < 11:
        return "rg"
    if (digits.startswith("99999") and size == 8) or (digits.startswith("9999") and size == 7):
        return "dni"
    if digits.startswith("0000") and size == 9:
        return "nif"
    return "cep" if digits.startswith("000") and size == 8 else ""


def _is_email(text: str) -> bool:
    first, _, rest = text.partition(".")
    return first in _GIVEN and re.split("[0-9]", rest, maxsplit=1)[0] in _FAMILY


def known(text: str, types: frozenset[str]) -> Iterator[tuple[str, Hit]]:
    """Find the surrogates of some types in a text, with their types."""
    at = 0
    while found := _KNOWN.search(text, at):
        start, at = found.span()
        type = _SHAPES[int((found.lastgroup or "t0")[1:])][0]
        if type == "digits":
            type = _of_digits(found.group())
        elif type == "email" and not _is_email(found.group()):
            continue
        elif type == "iban":
            end = _iban_end(text, start)
            if not end:
                continue
            at = end
        touched = text[max(0, start - 1) : start] + text[at : at + 1]
        if type in types and not any(char.isalnum() or char == "_" for char in touched):
            yield type, Hit(start, at, text[start:at])


def _iban_end(text: str, start: int) -> int:
    """Give where an IBAN of zeros ends that begins at a place; 0 if there is none."""
    length, number = checksums.IBAN_LENGTH.get(text[start : start + 2].upper(), 0), ""
    for at in range(start, min(len(text), start + 2 * length)):
        if text[at].isalnum():
            number += text[at].upper()
        elif text[at] not in " -":
            return 0
        if len(number) == length:
            return at + 1 if checksums.iban(number) and re.fullmatch("[0X]*[0-9]{6}", number[4:]) else 0
    return 0
