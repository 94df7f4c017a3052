"""Documents of people and companies: US SSN, Brazilian RG and CEP, Spanish DNI, NIE and NIF, Portuguese NIF."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ftdata.transforms.pii import checksums
from ftdata.transforms.pii.nearby import said
from ftdata.transforms.pii.rule import Hit

SSN = r"[0-9]{3}[ \-][0-9]{2}[ \-][0-9]{4}|[0-9]{9}"
RG = r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3} ?-? ?[0-9Xx]|[0-9]{7,9}-?[0-9Xx]"
CEP = r"[0-9]{2}\.?[0-9]{3} ?- ?[0-9]{3}|[0-9]{8}"
_SIGN = "[ \\-\u00a0\u2010-\u2015\u2212]?"  # hyphens and spaces of all kinds: a letter follows, see `disguise`
DNI = rf"[0-9]{{8}}{_SIGN}[A-Za-z]|[0-9]{{1,2}}\.[0-9]{{3}}\.[0-9]{{3}}{_SIGN}[A-Za-z]"
NIE = rf"[XYZxyz](?:\.|{_SIGN})[0-9]{{7}}{_SIGN}[A-Za-z]|[XYZxyz]-?[0-9]\.[0-9]{{3}}\.[0-9]{{3}}{_SIGN}[A-Za-z]"
CIF = r"[A-Za-z]-?[0-9]{7}-?[0-9A-Za-z]|[A-Za-z]-?[0-9]{2}\.[0-9]{3}\.[0-9]{3}"
NIF = r"[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}"
ROW_NIF = r"(?i)nif|nipc|contribuinte|fiscal|vat|iva"
# What names a document in a row; its own placeholder does not, else a second run would find what the first did not.
ROW_CEP = r"(?i)(?:^|[^a-z\[])cep(?:$|[^a-z])|\[cep(?:$|[^a-z_])"
ROW_RG = r"(?:^|[^A-Za-z\[])(?:RG|rg|Rg|R\.G\.)(?:$|[^A-Za-z])|\[(?:RG|rg|Rg|R\.G\.)(?:$|[^A-Za-z_])|(?i)identidade"

NOT_ALNUM = re.compile(r"[^A-Za-z0-9]")


def alone(text: str, start: int, end: int) -> bool:
    """Say whether nothing is glued to the span, nor joined to it by a sign: then it is no piece of something longer."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isalnum() or before[-1:] in ("_", "#", "$", "€", "£", "+", "@", "\\"):
        return False
    if before[-1:] in ("-", ".", "/", ",") and before[:-1].isalnum():
        return False
    if after[:1].isalnum() or after[:1] in ("_", "@", "%"):
        return False
    if after[:1] == ".":
        return not after[1:].isdigit()
    if after[:1] == ",":
        return not after[1:].isdigit()
    return not (after[:1] in ("-", "/", "\\") and after[1:].isalnum())


def ssns(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept `123-45-6789` in a range that is given out, unless a word near says order, phone or the like.

    With spaces, or as nine bare digits, only where SSN, social security or taxpayer is the nearest word.
    """
    whole = text[start:end]
    digits = NOT_ALNUM.sub("", whole)
    if not checksums.ssn(digits) or len(set(digits)) == 1 or not alone(text, start, end):
        return
    if len(whole) > 9 and whole[3] != whole[6]:
        return
    kind = said(text, start, end).kind
    if kind == "ssn" or (whole[3] == "-" and kind in ("", "ip", "call", "number")):
        yield Hit(start, end, digits)


def rgs(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept the form of an RG (`12.345.678-9`, bare digits, X for the last) where RG is the nearest telling word."""
    if alone(text, start, end) or (text[max(0, start - 3) : start - 1].isupper() and text[start - 1 : start] in "-."):
        value = NOT_ALNUM.sub("", text[start:end]).upper()
        near = said(text, start, end).kind
        if 7 < len(value) < 11 and near == "rg":
            yield Hit(start, end, value)


def rgs_of_row(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept an RG in full punctuation when the conversation names it and no word near says something else."""
    whole = text[start:end]
    value = NOT_ALNUM.sub("", whole).upper()
    if "." not in whole or "-" not in whole or len(value) != 9 or not alone(text, start, end):
        return
    if said(text, start, end).kind in ("", "rg") and checksums.rg(value):
        yield Hit(start, end, value)


def ceps(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a CEP (`01310-100`; `01.310-100`, eight digits) where CEP is the nearest telling word."""
    digits = NOT_ALNUM.sub("", text[start:end])
    if digits != "00000000" and alone(text, start, end) and said(text, start, end).kind == "cep":
        yield Hit(start, end, digits)


def ceps_of_row(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept `01310-100` in a conversation that names the CEP, where no word near says anything."""
    if end - start == 9 and text[start + 5] == "-" and alone(text, start, end) and not said(text, start, end).kind:
        yield Hit(start, end, NOT_ALNUM.sub("", text[start:end]))


def _plainly(text: str, start: int, end: int) -> bool:
    """Say whether a DNI or NIE stands where no word denies it: in capitals, its letter not behind a space."""
    whole = text[start:end]
    near = said(text, start, end)
    return near.kind in ("dni", "nif") or (
        whole == whole.upper()
        and " " not in whole
        and (near.kind not in ("other", "version", "unit", "rg") or not near.close)
    )


def dnis(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a Spanish DNI by its letter; with a small letter, or a space before it, only next to a word (DNI, NIF)."""
    value = NOT_ALNUM.sub("", text[start:end]).upper().zfill(9)
    if checksums.dni(value) and alone(text, start, end) and _plainly(text, start, end):
        yield Hit(start, end, value)


def nies(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a Spanish NIE by its letter; in small letters, or with spaces, only next to a word (NIE, NIF, DNI)."""
    value = NOT_ALNUM.sub("", text[start:end]).upper()
    if checksums.nie(value) and alone(text, start, end) and _plainly(text, start, end):
        yield Hit(start, end, value)


def cifs(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a Spanish company's NIF by its control character, where NIF, CIF or VAT is the nearest telling word."""
    value = NOT_ALNUM.sub("", text[start:end]).upper()
    if value[0] not in "ABCDEFGHJKLMNPQRSUVW" or not checksums.cif(value):
        return
    if text[max(0, start - 2) : start].upper() == "ES":
        start -= 2  # the form of the VAT number
    if alone(text, start, end) and said(text, start, end).kind in ("nif", "dni"):
        yield Hit(start, end, value)


def nifs(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a Portuguese NIF by its control digit where NIF, contribuinte or VAT is the nearest telling word."""
    digits = NOT_ALNUM.sub("", text[start:end])
    if not checksums.nif(digits):
        return
    if text[max(0, start - 2) : start].upper() == "PT":
        start -= 2
    if alone(text, start, end) and said(text, start, end).kind == "nif":
        yield Hit(start, end, digits)


NAMED = r"(?i)^(?:[\w\- ]{0,20}[_\- ])?(cep|rg|nif|ssn)(?:[_\- ]?(?:[0-9]{1,2}|number|numero|n[uú]mero))?$"
"""A key of a JSON object under which a document stands; the group tells its type."""
_NAMED = re.compile(NAMED)
_SHAPES = {
    "cep": re.compile(CEP),
    "rg": re.compile(RG),
    "nif": re.compile(f"(?:PT)?(?:{NIF})|(?:ES)?(?:{CIF})"),
    "ssn": re.compile(SSN),
}


def under_key(type: str, key: str, value: str) -> str:
    """Give the value of the text under a key of a JSON object (`"cep": "…"`) if the key names this type; else nothing.

    It needs the document's shape, and its check digit or range where it has one.
    """
    named = _NAMED.search(key)
    if named is None or named[1].lower() != type or not _SHAPES[type].fullmatch(value):
        return ""
    plain = NOT_ALNUM.sub("", value).upper()
    if type == "nif":
        plain = plain.removeprefix("PT").removeprefix("ES")
        return plain if (checksums.nif(plain) if plain.isdigit() else checksums.cif(plain)) else ""
    if type == "ssn":
        return plain if checksums.ssn(plain) and len(set(plain)) > 1 else ""
    return plain if len(set(plain)) > 1 and (type == "cep" or 7 < len(plain) < 11) else ""
