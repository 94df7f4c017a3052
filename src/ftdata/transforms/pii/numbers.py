"""Cards, IBANs, CPFs and CNPJs: where a candidate begins and ends, and what its neighbours must not be.

Every function gets the text and the bounds of one match of the rule's pattern, looks at a bounded piece around it, and
gives the hits it holds. That keeps the whole linear: the number of matches times a constant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ftdata.transforms.pii import checksums
from ftdata.transforms.pii.nearby import said
from ftdata.transforms.pii.rule import Hit

_ALNUM = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")


def _glued(text: str, start: int, end: int) -> bool:
    """Say whether letters or digits touch the span: then it is a piece of a longer token."""
    return (start > 0 and text[start - 1].isalnum()) or (end < len(text) and text[end].isalnum())


def _chained(text: str, start: int, end: int) -> bool:
    """Say whether the span goes on over a joint (`-`, `.`, `/` …): a UUID, a version, a path, a decimal, a phone."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:] in ("#", "+", "$", "€", "£", "/", "\\"):
        return True
    if before[-1:] in ("-", ".", "_", ",") and before[:-1].isalnum():
        return True
    if after[:1] == ".":
        return after[1:].isalnum() and not after[1:].isupper()  # a capital: the space after a full stop was left out
    if after[:1] == ",":
        return after[1:].isdigit()
    return after[:1] in ("-", "/", "_", "%") and after[1:].isalnum()


# --- cards ------------------------------------------------------------------------------------------------------------

CARD = r"[0-9]{4}[0-9 .\-]{7,}[0-9]"
_CARD_WORD = re.compile(
    r"card\b|cards\b|(?<!-)\bccn?\b(?!-)|cart[aã]o|cart[oõ]es|tarjeta|visa\b|master ?card|amex"
    r"|cr[eé]dito\b|d[eé]bito\b",
    re.I,
)
_IMEI = re.compile(r"(?:imei|iccid)\b[^0-9]{0,16}$", re.I)
_GROUPS = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 3), (4, 4, 4, 1), (4, 3, 3, 3), (6, 13))
_SOLID = range(12, 20)


def _named_card(text: str, start: int, end: int) -> bool:
    return _CARD_WORD.search(text, max(0, start - 60), min(len(text), end + 40)) is not None


def _card(text: str, start: int, end: int, digits: str) -> bool:
    if not checksums.luhn(digits) or _glued(text, start, end) or len(set(digits)) == 1:
        return False
    if _IMEI.search(text, max(0, start - 24), start):
        return False
    common = len(digits) in (15, 16) or end - start > len(digits)
    plain = common and checksums.issued(digits) and not _chained(text, start, end)
    return plain or _named_card(text, start, end)


def cards(text: str, start: int, end: int) -> Iterator[Hit]:
    """Find card numbers in a run of digits and single separators, solid or in the groups printed on cards.

    Needs Luhn and an issuer's prefix with its length (a solid number: 15 or 16 digits, since article, protocol and
    account numbers of other lengths pass Luhn one time in ten). When "card", "cartão", "tarjeta" or a network's name
    stands within 60 characters before or 40 after, Luhn alone is enough.
    """
    groups = [(m.start(), m.end()) for m in _DIGITS.finditer(text, start, end)]
    sizes = [stop - begin for begin, stop in groups]
    at = 0
    while at < len(groups):
        size = sizes[at]
        step = 1
        if size in _SOLID:
            begin, stop = groups[at]
            digits = text[begin:stop]
            if _card(text, begin, stop, digits):
                yield Hit(begin, stop, digits)
        elif size in (4, 6):
            for shape in _GROUPS:
                last = at + len(shape)
                if size != shape[0] or tuple(sizes[at:last]) != shape:
                    continue
                begin, stop = groups[at][0], groups[last - 1][1]
                joints = {text[groups[i][1] : groups[i + 1][0]] for i in range(at, last - 1)}
                digits = "".join(text[b:s] for b, s in groups[at:last])
                if len(joints) != 1 or len(joint := joints.pop()) != 1:
                    continue
                if _card(text, begin, stop, digits) and (
                    not _in_row(text, groups, at, last, joint) or _named_card(text, begin, stop)
                ):
                    yield Hit(begin, stop, digits)
                    step = len(shape)
                    break
        at += step


def _in_row(text: str, groups: list[tuple[int, int]], at: int, last: int, joint: str) -> bool:
    """Say whether four more digits stand in the same row: a parcel, a key. Not a year before, nor an expiry behind."""
    before = text[slice(*groups[at - 1])] if at and text[groups[at - 1][1] : groups[at][0]] == joint else ""
    after = ""
    if last < len(groups) and text[groups[last - 1][1] : groups[last][0]] == joint:
        after = text[slice(*groups[last])]
    if len(before) == 4 and (at > 1 or before[:2] not in ("19", "20")):
        return True
    return len(after) == 4 and (not "01" <= after[:2] <= "12" or said(text, *groups[0]).kind == "other")


# --- IBAN -------------------------------------------------------------------------------------------------------------

IBAN = r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11}"
IBAN_HINT = r"[0-9]{2}[ \-]?[A-Za-z0-9]{4}[ \-]?[A-Za-z0-9]{4}[ \-]?[A-Za-z0-9]{3}"
_HEAD = re.compile(r"[A-Za-z]{2}[0-9]{2}")


@cache
def _iban_shape(length: int) -> re.Pattern[str]:
    char, whole, rest = "[A-Za-z0-9]", length // 4, length % 4
    tail = f"\\1{char}{{{rest}}}" if rest else ""
    return re.compile(
        f"(?:{char}{{{length}}}|{char}{{4}}([ -]){char}{{4}}(?:\\1{char}{{4}}){{{whole - 2}}}{tail})(?!{char})"
    )


def ibans(text: str, start: int, end: int) -> Iterator[Hit]:
    """Find IBANs in any case, solid or in groups of four, by country length and mod 97."""
    at = start
    while head := _HEAD.search(text, at, min(len(text), end + 3)):
        at = head.start() + 1
        length = checksums.IBAN_LENGTH.get(head.group()[:2].upper())
        if length is None or head.start() >= end:
            continue
        if head.start() > 0 and (text[head.start() - 1].isalnum() or text[head.start() - 1] == "_"):
            continue
        found = _iban_shape(length).match(text, head.start())
        if found and checksums.iban(number := re.sub("[ -]", "", found.group()).upper()):
            yield Hit(found.start(), found.end(), number)
            at = found.end()


# --- Brazilian documents ----------------------------------------------------------------------------------------------

DIGITS = r"[0-9][0-9 ./\-–—]{9,}[0-9]"
"""Where a CPF or a card may be: cheap, and shared as a hint."""

CPF = r"[0-9]{3}\.[0-9]{3}\.[0-9]{3} ?[-–—] ?[0-9]{2}"
CPF_LOOSE = r"[0-9]{11,}|[0-9]{9}[-–—/][0-9]{2}|[0-9]{3}[ .][0-9]{3}[ .][0-9]{3}[ .\-–—/][0-9]{2}"
CNPJ = (
    r"[0-9A-Za-z]{2} ?\. ?[0-9A-Za-z]{3} ?\. ?[0-9A-Za-z]{3} ?[/.] ?[0-9A-Za-z]{4} ?[-–—] ?[0-9]{2}"
    r"|[0-9A-Za-z]{8}/[0-9A-Za-z]{4}[-–—][0-9]{2}"
)
CNPJ_HINT = r"[./] ?[0-9A-Za-z]{4} ?[-–—] ?[0-9]{2}"
CNPJ_LOOSE = r"[0-9A-Z]{14,}"


def _joined(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:] in ("-", ".", "/") and before[:-1].isdigit():
        return True
    return after[:1] in ("-", ".", "/") and after[1:].isdigit()


def cpfs(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a CPF by its two check digits."""
    digits = "".join(_DIGITS.findall(text[start:end])) if end - start < 20 else ""
    if not _glued(text, start, end) and not _joined(text, start, end) and checksums.cpf(digits):
        yield Hit(start, end, digits)


def cnpjs(text: str, start: int, end: int) -> Iterator[Hit]:
    """Accept a CNPJ, numeric or alphanumeric, by its two check digits."""
    number = "".join(_ALNUM.findall(text[start:end])).upper() if end - start < 32 else ""
    if not _glued(text, start, end) and not _joined(text, start, end) and checksums.cnpj(number):
        yield Hit(start, end, number)
