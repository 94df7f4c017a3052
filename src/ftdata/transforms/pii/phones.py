"""Phone numbers: of any country with `+`, of the configured regions in their national forms, others next to a word.

Whether a number exists, and how its digits are grouped, is what `plans` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from ftdata.transforms.pii.nearby import Said, said
from ftdata.transforms.pii.plans import international, readings
from ftdata.transforms.pii.rule import Hit
from ftdata.transforms.pii.written import EXTENSION, Candidate

_SIGNS = "[ ()./+\\-–—]"
RUN = rf"[+(]{{1,2}} ?[0-9][0-9 ()./+\-–—]{{5,}}[0-9]|[0-9]+{_SIGNS}[0-9 ()./+\-–—]{{2,}}[0-9]"
"""Digits and signs between them, or a + before them."""
BARE = "[0-9]{7,15}"
"""Digits only: they need a word near (`words.CUES`)."""

_PIECE = re.compile(r"(?:\(?\+ ?\(?|\()?[0-9]+(?:(?: {0,2}[-–—/] {0,2}| ?\.|\) ?[-–—./]? ?| \(|[-.]?\(| )[0-9]+)*")
_DIGITS = re.compile("[0-9]+")
_MOST_GROUPS = 40  # more stand in a table of numbers, not in a list of phones
_NEAR = 12  # words at most between bare digits and the word that names them
_LONGEST = 7  # groups of one number: +55 (0) 11 9 8765 43 21


_CLOSE = ("", "\n", ".", ")")
_DATES = {(4, 2, 2): 0, (2, 2, 4): 2}  # and the group that is a year


_NEVER = frozenset({(3, 3, 3, 2), (2, 3, 3, 4, 2), (4, 4, 4, 4), (4, 6, 5)})  # CPF, CNPJ, cards
# Solid behind an area in parentheses, by country: (11)987654321, (415)5552671. Bare they may be a status and a size.
_SOLID = (("+55", (2, 9)), ("+55", (3, 9)), ("+1", (3, 7)))


def _known(found: Candidate, regions: tuple[str, ...], near: Said) -> str:
    """Give the value of a candidate without `+` if a number plan proves it; else an empty string."""
    named = near.kind in ("label", "call")
    formatted = len(found.sizes) > 1
    if (_denied(near) and not found.area) or not (named or formatted):
        return ""
    if found.digits.startswith("00") and len(found.digits) > 10:
        value = international(found.digits[2:])
        if value[:1] == "+" or (value and (named or len(found.sizes) > 2)):
            return value.lstrip("~")
    if named and not formatted and len(found.digits) in (12, 13) and found.digits[0] != "0":
        value = international(found.digits)  # before some country's plan that has so many digits
        if value[:1] == "+":
            return value
    spoken_of = named and (near.close or (len(found.digits) > 8 and (formatted or near.between < _NEAR)))
    loose = spoken_of or found.area or any("/" in joint for joint in found.joints)
    known = readings(found.digits, found.sizes, found.area, loose, regions)
    for value, shapes, coded, mobile in known:
        found.value = value
        usual = found.sizes in shapes or (found.area and _solid(value, found.sizes))
        fits = found.sizes[1:] in shapes or (found.area and len(found.sizes) == 2)
        if coded and not named and set(found.sizes) == {2}:
            continue  # a row of pairs
        if (fits if coded else usual) and (spoken_of or _strong(found, True, mobile)):
            return value
    for value, _, coded, _ in known:
        if (spoken_of and found.written()) or (not coded and _strong(found, False)):
            return value
    if (
        near.close
        and named
        and 9 < len(found.digits) < 14
        and found.digits[0] != "0"
        and max(found.sizes[1:], default=0) < 9
    ):
        value = international(found.digits)
        return value.lstrip("~") if value[:1] == "+" or (near.linked and len(found.digits) > 10) else ""
    return ""


def _denied(near: Said) -> bool:
    return near.kind not in ("", "label", "call", "ip", "version") and near.close


def _solid(value: str, sizes: tuple[int, ...]) -> bool:
    """Say whether the groups of a number are those of its country when only the area stands apart."""
    return any(sizes == solid and value.startswith(code) for code, solid in _SOLID)


def _named(found: Candidate, near: Said) -> str:
    """Give the digits of a candidate that no plan knows, if a word names it and it is written as some phone is."""
    if near.kind not in ("label", "call") or not near.close:
        return ""
    if not found.written() and not (near.kind == "label" and near.linked and found.sizes == (3, 2, 4)):
        return ""
    dialled = len(found.sizes) > 1 or (found.digits[0] == "0" and len(found.digits) > 8)
    sure = near.linked and (near.kind == "label" or dialled)
    return found.digits if sure or (dialled and len(found.digits) > 7) else ""


_NORTH = (
    {"-"},
    {"."},
    {") ", "-"},
    {")", "-"},
    {")-", "-"},
    {") ", "."},
    {") "},
    {")"},
    {"-", " "},
    {" ", "-"},
    {"/", "-"},
)
_TRUNKED = frozenset(
    {
        (3, 4, 4),
        (4, 3, 4),
        (3, 3, 4),
        (4, 3, 3),
        (5, 3, 3),
        (2, 4, 4),
        (4, 2, 2, 2),
        (4, 3, 2, 2),
        (3, 3, 2, 2),
        (5, 6),
        (4, 6),
        (4, 7),
        (3, 7),
        (3, 8),
    }
)


def _formed(found: Candidate) -> str:
    """Give the digits of a candidate that no plan knows and no word names, in a form that only phones have.

    Those of North America with any area (555 and others are not given out, yet written); an area in brackets that
    begins with 0, and ten to eleven digits that do, grouped as phones are.
    """
    sizes, joints, groups = found.sizes, set(found.joints), found.groups
    if len(sizes) > 3 and groups[0] in ("1", "001", "01"):
        if (
            sizes[1:] == (3, 3, 4)
            and groups[1][0] not in "01"
            and joints <= {"-", ".", " ", " (", ") ", "(", ")", "-("}
        ):
            return "+1" + "".join(groups[1:])
        return ""
    if sizes == (3, 3, 4) and groups[0][0] not in "01" and joints in _NORTH:
        return "+1" + found.digits
    if found.area and sizes == (3, 7) and groups[0][0] not in "01":
        return "+1" + found.digits
    if sizes in ((2, 4, 4), (2, 5, 4)) and found.joints[1] == "-" and "0" not in groups[0]:
        return "+55" + found.digits if found.joints[0] in (" ", ") ", ")") else ""  # of Brazil, before the 9
    if groups[0][0] != "0" or not 10 <= len(found.digits) <= 11 or len(set(found.digits)) < 4:
        return ""
    if found.area:
        return found.digits if 3 <= sizes[0] <= 5 and len(sizes) < 5 else ""
    return found.digits if sizes in _TRUNKED and joints in ({" "}, {"-"}) else ""


def _strong(found: Candidate, usual: bool, mobile: bool = False) -> bool:
    """Say whether a valid number, grouped as `usual` or not, is written so that nobody writes anything else like it."""
    joints, sizes = set(found.joints), found.sizes
    if "/" in joints:  # of area codes only: 030/1234567, 0486/39.53.78
        area = found.joints[0] == "/" and "/" not in found.joints[1:] and found.groups[0][0] == "0"
        if joints == {"/"} and sizes == (2, 2, 2, 2, 2):
            return usual and found.groups[0][0] == "0"
        return (area or (mobile and sizes == (3, 7))) and len(found.digits) >= 9 and (usual or len(sizes) == 2)
    if not usual and " / " in joints and found.groups[0][0] == "0":
        return len(sizes) <= 3 and found.joints[0] == " / " and len(found.digits) >= 9
    if not usual or " / " in joints:
        return False
    if found.area:
        return True
    if joints == {"."}:  # neither a sum (912.345.678) nor an address of the network (196.91.54.20)
        if (
            len(sizes) < 3
            or len(found.digits) < 9
            or (len(sizes) == 4 and all(int(group) < 256 for group in found.groups))
        ):
            return False
        return found.groups[0][0] == "0" or set(sizes[1:]) != {3}
    if "." in joints:
        return found.joints[-1] == "." and "." not in found.joints[:-1] and sizes[-2:] in ((4, 4), (5, 4))
    if sizes == (3, 3, 3) and not mobile:
        return joints == {" "} and found.value.startswith(("+351", "+34"))  # by threes anybody groups anything
    return len(found.digits) >= 9 and not found.drawn()


def _proved(found: Candidate, regions: tuple[str, ...], near: Said) -> str:
    """Give the value of a candidate that is proved to be a phone; else an empty string."""
    if not found.plus:
        value = _known(found, regions, near)
        return value or (_formed(found) if regions and near.kind in ("", "label", "call", "ip") else "")
    value = international(found.digits)
    if not value and len(found.sizes) > 3 and len(found.digits) > 9 and found.sizes[0] < 4 and not _denied(near):
        return found.digits
    if value[:1] != "~":
        return value
    return value[1:] if near.kind in ("label", "call") or (not _denied(near) and len(found.digits) > 9) else ""


_BEFORE, _BEHIND, _SHORT = 82, 52, 40


def phones(regions: tuple[str, ...], text: str, start: int, end: int) -> Iterator[Hit]:
    """Find phone numbers in a run of digits and the signs between them.

    With `+`: a valid number of any country, or one of a possible length. Without: a valid number of one of the
    `regions`, grouped as it is written there, or next to a word for a phone; any seven to thirteen digits, if such a
    word names just them (`phone: 467 3395`). Bare digits never without a word, nothing behind a word for an order, a
    version, a price or the like.
    """
    for piece in _PIECE.finditer(text, start, end):
        spans = [found.span() for found in _DIGITS.finditer(text, piece.start(), piece.end())]
        sizes = tuple(stop - begin for begin, stop in spans)
        if len(spans) > _MOST_GROUPS or sum(sizes) < 7 or sizes in _NEVER:
            continue
        if len(spans) == 1 and _glued(text, piece.start(), piece.end()):
            continue
        if sizes in _DATES and text[spans[_DATES[sizes]][0] : spans[_DATES[sizes]][0] + 2] in ("19", "20"):
            continue
        yield from _known_surroundings(regions, text, piece.start(), piece.end())


def _known_surroundings(regions: tuple[str, ...], text: str, start: int, end: int) -> Iterator[Hit]:
    """Look at a piece, or remember it: signatures and forms come again in every ticket."""
    if end - start > _SHORT:
        yield from _of_piece(_Piece(text, start, end), regions)
        return
    low = max(0, start - _BEFORE)
    for hit in _remembered(regions, text[low : end + _BEHIND], start - low, end - low):
        yield Hit(low + hit.start, low + hit.end, hit.value)


@lru_cache(8192)
def _remembered(regions: tuple[str, ...], text: str, start: int, end: int) -> tuple[Hit, ...]:
    return tuple(_of_piece(_Piece(text, start, end), regions))


def _glued(text: str, start: int, end: int) -> bool:
    """Say whether letters or digits touch a span, and not those of an extension: a cheap test before all others."""
    touched = (start > 0 and text[start - 1].isalnum()) or text[end : end + 1].isalpha()
    return touched and not EXTENSION.match(text, end)


class _Piece:
    """A run of digits and single signs between them, and what the words near it say."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        self.spans = spans = [found.span() for found in _DIGITS.finditer(text, start, end)]
        self.groups = [text[begin:stop] for begin, stop in spans]
        self.joints = [text[one[1] : two[0]] for one, two in pairwise(spans)]
        self.signed = "+" in text[start:end] or "(" in text[start:end]
        self.near = said(text, start, end)
        self.named = self.near.kind in ("label", "call")


def _of_piece(piece: _Piece, regions: tuple[str, ...]) -> Iterator[Hit]:
    at, count = 0, len(piece.spans)
    if not (piece.named or piece.signed):
        if count == 1:
            return
        if all(joint == " " for joint in piece.joints):
            # Nothing says where in the row a number begins: it is one as a whole, or none.
            if count <= _LONGEST and (best := _best(piece, 0, regions, count)):
                yield best[1]
            return
    while at < count:
        best = _best(piece, at, regions) if at == 0 or _parts(piece.joints[at - 1]) else None
        if best is None:
            at += 1
            continue
        taken, hit = best
        yield hit
        at += taken


def _parts(joint: str) -> bool:
    """Say whether a new number can begin behind what joins two groups."""
    return " " in joint or "(" in joint or "/" in joint


def _best(piece: _Piece, at: int, regions: tuple[str, ...], least: int = 1) -> tuple[int, Hit] | None:
    """Give the number that begins with a group, the longest proved one, else the longest named; and how many."""
    text, spans, joints, groups = piece.text, piece.spans, piece.joints, piece.groups
    first = spans[at][0]
    begin = _begin(text, spans[at - 1][1] if at else piece.start, first)
    opening = text[begin:first]
    named: tuple[int, Hit] | None = None
    for last in range(min(len(spans), at + _LONGEST), at + least - 1, -1):
        inside = joints[at : last - 1]
        if last < len(spans) and not _parts(joints[last - 1]):
            continue
        whole = at == 0 and last == len(spans)
        if not (whole or piece.named or opening) and " " in inside:
            continue  # a piece of a longer row of numbers
        if not 7 <= sum(map(len, groups[at:last])) <= 15:
            continue
        start = begin
        number = text[begin : spans[last - 1][1]]
        if opening[:1] == "(" and number.count("(") > number.count(")"):
            start += 1  # a parenthesis around the number, not around its area
        found = Candidate(text, start, spans[last - 1][1], groups[at:last], inside)
        if not found.free() or (not found.plus and found.dated()):
            continue
        near = said(text, start, found.end) if at and piece.named else piece.near
        value = _proved(found, regions, near)
        loose = "" if value or named else _named(found, near)
        if value or loose:
            more = None if text[found.end : found.end + 1] in _CLOSE else EXTENSION.match(text, found.end)
            hit = Hit(start, more.end() if more else found.end, value or loose)
            if value:
                return last - at, hit
            named = last - at, hit
    return named


def _begin(text: str, earliest: int, start: int) -> int:
    """Give where a number begins whose first digit stands at `start`: at its `+` or `(`."""
    while start > earliest and text[start - 1] in "+(":
        start -= 1
    if start - 1 > earliest and text[start - 2 : start] == "+ ":
        start -= 2
    return start


NAMED = (
    r"(?i)^[\w\- ]{0,20}(?:phone|mobile|cell|celular|telefone|tel[eé]fono|m[oó]vil|whatsapp|telefon|handy|fax)"
    r"[\w\- ]{0,12}$"
    r"|^(?:[\w\- ]{0,20}[_\- ])?(?:tel|fone|contato|contact[_\- ]?number|zap|whats|msisdn|caller)"
    r"(?:[_\- ]?(?:[0-9]{1,2}|num|number|numero|n[uú]mero))?$"
)
"""A key of a JSON object under which a phone stands, however it is written."""
_NAMED = re.compile(NAMED)
_DATE = re.compile(r"(?:19|20)[0-9]{2}([\-/.])[0-9]{2}\1[0-9]{2}|[0-9]{2}([\-/.])[0-9]{2}\2(?:19|20)[0-9]{2}")
_BARE = re.compile(r"[+(]{0,2}[0-9][0-9 ()./\-]{5,18}[0-9]")


def under_key(key: str, value: str) -> bool:
    """Say whether the text under a key of a JSON object (`"phone": "…"`) is a phone: seven to fifteen digits."""
    if not _BARE.fullmatch(value) or _DATE.match(value) or not _NAMED.search(key):
        return False
    return 7 <= sum(map(str.isdigit, value)) <= 15 and not re.search("(?i)id$|model|serial|imei", key)
