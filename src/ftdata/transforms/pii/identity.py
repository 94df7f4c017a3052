"""Documents of Latin America, Brazil, Portugal, Spain and others that a check digit or a word beside them proves.

One entry of `DOCUMENTS` per type. Where the check digit is weak (one number in ten passes) or missing, the nearest
telling word must name the document: PIS, CNH, passport, RUT …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ftdata.transforms.pii import checksums
from ftdata.transforms.pii.documents import NOT_ALNUM, alone
from ftdata.transforms.pii.nearby import said
from ftdata.transforms.pii.rule import Hit, Rule

WORDS = (
    r"(?i)pis|nis\b|pasep|nit\b|cnh|habilita|eleitor|t[ií]tulo|passport|passaporte|pasaporte"
    r"|passeport|reisepass|passaporto|niss\b|nuss|nss\b|naf\b|cidad[aã]o|sus\b|cns\b|curp|rfc|cuit|cuil|\brut\b|ruc\b"
    r"|c[eé]dula|c\.? ?c\.?\b|c\.i\.|\bci\b|dni|nino\b|insurance|vat\b|iva\b|tva\b|ust|p\. ?iva|btw|driver"
    r"|licen[cçs]|permiso|permis |patente|documento|seguridad|seguran[cç]a"
).replace(r"\b", r"(?-u:\b)")
"""What a text holds that names one of these documents: one cheap test for all of them."""
FORMS = r"[A-Z]{3,4}-?[0-9]{6}-?[A-Z0-9]{2}|[0-9]{2}-[0-9]{8}-[0-9]|[A-Z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-D]"
"""What a text holds that holds one whose form alone proves it."""


class _Document(NamedTuple):
    type: str
    named: tuple[str, ...]
    """Kinds of words (see `nearby`) that name it."""
    shape: str
    proved: Callable[[str], bool]
    """Whether the value (capitals and digits) passes where a word names it."""
    plain: Callable[[str, str], bool] | None = None
    """Whether the text as written and the value need no word at all."""


def _any(value: str) -> bool:
    return len(set(value)) > 2


def _has_digits(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 5 and len(set(value)) > 2


def _nit(value: str) -> bool:
    return 8 <= len(value) <= 10 and len(set(value)) > 2


def _cedula(value: str) -> bool:
    return 6 <= len(value.lstrip("VE")) <= 11 and len(set(value)) > 2


_SEP = "[ .\\-/]?"
DOCUMENTS: tuple[_Document, ...] = (
    # Mexico: form, date and check digit; an RFC beside its name also with the wrong digit (old ones, foreigners').
    _Document(
        "curp",
        ("curp",),
        r"[A-Za-z]{4}[0-9]{6}[A-Za-z]{6}[A-Za-z0-9][0-9]",
        checksums.curp,
        lambda _, v: checksums.curp(v),
    ),
    _Document(
        "rfc",
        ("rfc",),
        r"[A-Za-zÑñ&]{3,4}[ \-]?[0-9]{6}[ \-]?[A-Za-z0-9]{3}",
        checksums.rfc_form,
        lambda text, v: text == text.upper() and " " not in text and checksums.rfc(v),
    ),
    # Argentina: with hyphens its prefix and digit prove it.
    _Document(
        "cuit",
        ("cuit",),
        r"[0-9]{2}[ \-.]?[0-9]{8}[ \-.]?[0-9]",
        checksums.cuit,
        lambda text, v: text[2:3] == "-" and checksums.cuit(v),
    ),
    # United Kingdom: in groups of two it is nothing else.
    _Document(
        "nino",
        ("nino",),
        r"[A-Za-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]",
        checksums.nino,
        lambda text, v: text.count(" ") == 4 and text.isupper() and checksums.nino(v),
    ),
    # Brazil.
    _Document("pis", ("pis", "nit"), rf"[0-9]{{3}}\.?[0-9]{{5}}\.?[0-9]{{2}}{_SEP}[0-9]", checksums.pis),
    _Document("cnh", ("cnh",), r"[0-9]{11}|[0-9]{3} [0-9]{3} [0-9]{3} [0-9]{2}", checksums.cnh),
    _Document("voter-id", ("voter",), r"[0-9]{4} ?[0-9]{4} ?[0-9]{4}", checksums.voter),
    _Document("cns", ("cns",), r"[0-9]{3} ?[0-9]{4} ?[0-9]{4} ?[0-9]{4}", checksums.cns),
    _Document(
        "plate",
        ("plate",),
        r"[A-Z]{3}[ \-]?[0-9][0-9A-J][0-9]{2}|[0-9]{4}[ \-]?[B-DF-HJ-NP-TV-Z]{3}|[A-Z]{2}[ \-][0-9]{2}[ "
        r"\-][A-Z]{2}|[0-9]{2}[ \-][A-Z]{2}[ \-][0-9]{2}|[0-9]{2}[ \-][0-9]{2}[ \-][A-Z]{2}|[A-Z]{2}[ "
        r"\-][0-9]{2}[ \-][0-9]{2}",
        lambda value: value.isupper(),
    ),
    # Portugal, Spain.
    _Document("niss", ("niss", "ssn"), r"[12][0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}|[12][0-9]{10}", checksums.niss),
    _Document("citizen-card", ("citizen", "cc"), r"[0-9]{8} ?[0-9] ?[A-Za-z0-9]{2} ?[0-9]", checksums.citizen_card),
    _Document("nuss", ("nuss", "niss", "ssn"), r"[0-9]{2}[ /\-]?[0-9]{7,8}[ /\-]?[0-9]{2}", checksums.nuss),
    # Chile, Peru, Ecuador, Colombia, Venezuela, Uruguay.
    _Document(
        "rut", ("rut", "cedula"), r"[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3} ?- ?[0-9Kk]|[0-9]{7,8}[0-9Kk]", checksums.rut
    ),
    _Document(
        "ruc",
        ("ruc",),
        r"[0-9]{10}001|(?:10|15|16|17|20)[0-9]{9}",
        lambda v: checksums.ruc(v) if len(v) == 11 else True,
    ),
    _Document("nit", ("nit",), r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3} ?-? ?[0-9]|[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}", _nit),
    _Document(
        "cedula",
        ("cedula", "cc"),
        r"[VEve]-?[0-9]{1,2}\.?[0-9]{3}\.?[0-9]{3}|[0-9]\.[0-9]{3}\.[0-9]{3}\.[0-9]{3}"
        r"|[0-9]{1,3}\.[0-9]{3}\.[0-9]{3}(?:-[0-9])?|[0-9]{6,10}(?:-[0-9])?",
        _cedula,
    ),
    _Document("dni", ("dni",), r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}|[0-9]{7,8}", _any),
    # Of any country, by their name only.
    _Document("passport", ("passport",), r"[A-Z]{1,3}[0-9]{6,8}|[0-9]{2}[A-Z]{2}[0-9]{5}|[0-9]{8,9}", _has_digits),
    _Document("license", ("license",), r"[A-Z]{1,2}-?[0-9]{3,5}-?[0-9]{3,5}(?:-?[0-9]{2,6})?|[0-9]{7,9}", _has_digits),
    _Document(
        "vat",
        ("nif", "vat"),
        r"(?:ATU|DE|EE|EL|GB|HR|HU|IT|LU|MT|PL|RO|SE|SI|SK|CZ|DK|FI|FR|IE|LT|LV|NL|BE|BG|CY|CHE|NO)[ "
        r".\-]?[0-9A-Z]{1,3}[ .]?[0-9](?:[ .]?[0-9]){4,8}[A-Z]?(?:[0-9]{2})?|[0-9]{11}",
        checksums.vat,
    ),
)


def _check(document: _Document) -> Callable[[str, int, int], Iterator[Hit]]:
    def check(text: str, start: int, end: int) -> Iterator[Hit]:
        whole = text[start:end]
        value = NOT_ALNUM.sub("", whole).upper()
        if not alone(text, start, end):
            return
        near = said(text, start, end)
        named = near.kind in document.named and near.close
        if (named and document.proved(value)) or (
            document.plain is not None
            and (near.kind not in ("other", "version", "unit") or not near.close)
            and document.plain(whole, value)
        ):
            yield Hit(start, end, value)

    return check


PLATE_HINT = r"(?i)placa|plate|matr[ií]cula"


def identity(gate: str, window: str) -> tuple[Rule, ...]:
    """Give the rules of these types: behind a `gate`, those of form alone looking at a `window`."""
    worded = tuple(
        Rule(document.type, document.shape, _check(document), hint=PLATE_HINT)
        if document.type == "plate"
        else Rule(document.type, document.shape, _check(document), hint=WORDS, gate=gate)
        for document in DOCUMENTS
    )
    formed = tuple(
        Rule(document.type, document.shape, _check(document), hint=FORMS, gate=gate, window=window)
        for document in DOCUMENTS
        if document.plain is not None
    )
    return *formed, *worded


NAMES: tuple[str, ...] = tuple(dict.fromkeys(document.type for document in DOCUMENTS if document.type != "dni"))
"""The types that only stand here."""
