"""Phone numbers: of any country with `+`, of the configured regions in their national forms, others next to a word.

Whether a number exists, and how its digits are grouped, is what `plans` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ftdata.transforms.pii.nearby import Said, said
from ftdata.transforms.pii.plans import international, readings
from ftdata.transforms.pii.rule import Hit

RUN = r"[+(]{0,2}[0-9][0-9 ()./+\-–—]{5,}[0-9]"

_PIECE = re.compile(r"(?:\(?\+ ?\(?|\()?[0-9]+(?:(?: ?[-–—./] ?|\) ?[-–—./]? ?| \(|[-.]?\(| )[0-9]+)*")
_DIGITS = re.compile("[0-9]+")
_EXTENSION = re.compile(
    r"[,;]? ?(?:x|ext\.?|extension|ramal|anexo|interno|poste|dw)[ :.]{0,2}[0-9]{1,6}(?![0-9A-Za-z])", re.I
)
_MOST_GROUPS = 40  # more stand in a table of numbers, not in a list of phones
_NEAR = 5  # words at most between bare digits and the word that names them
_LONGEST = 7  # groups of one number: +55 (0) 11 9 8765 43 21


_CLOSE = ("", "\n", ".", ")")
_GLUE = frozenset("_#$€£¥@\\+*~^<%&")
_JOINTS = frozenset("-.,–/':=")


class _Candidate:
    """A few groups of digits of a run, as one number."""

    def __init__(self, text: str, start: int, end: int, groups: Sequence[str], joints: Sequence[str]) -> None:
        self.text, self.start, self.end = text, start, end
        self.digits = "".join(groups)
        self.sizes = tuple(map(len, groups))
        self.groups, self.joints = groups, joints
        self.plus = "+" in text[start : start + 3]
        self.area = "(" in text[start:end] and ")" in text[start:end]

    def dated(self) -> bool:
        """Say whether it begins or ends as a date, or is a span of years."""
        sizes, groups = self.sizes, self.groups
        for at in range(len(sizes) - 2):
            one, two, three = groups[at : at + 3]
            if sizes[at] == 4 and one[:2] in ("19", "20") and sizes[at + 1] <= 2 >= sizes[at + 2]:
                return int(two) <= 12 and int(three) <= 31
            if sizes[at + 2] == 4 and three[:2] in ("19", "20") and sizes[at] <= 2 >= sizes[at + 1]:
                return min(int(one), int(two)) <= 12 and max(int(one), int(two)) <= 31
        if len(sizes) == 2 and sizes == (4, 4):
            return all(group[:2] in ("19", "20") for group in groups)
        return (
            len(sizes) == 1
            and sizes[0] in (8, 12, 14)
            and re.match("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])", self.digits) is not None
        )

    def drawn(self) -> bool:
        """Say whether it is five numbers of a lottery: pairs that rise, none above 60."""
        numbers = [int(group) for group in self.groups]
        return self.sizes == (2, 2, 2, 2, 2) and numbers[-1] <= 60 and all(a < b for a, b in pairwise(numbers))

    def free(self) -> bool:
        """Say whether nothing is glued to it: it is no piece of a code, a path, a price, a decimal."""
        text = self.text
        before, after = text[max(0, self.start - 2) : self.start], text[self.end : self.end + 2]
        last = before[-1:]
        if self.plus:
            if last.isdigit() or (last in ("+", "_") and before[:-1].isdigit()):
                return False
        elif last.isalnum() or last in _GLUE or (last in _JOINTS and before[:-1].isdigit()):
            return False
        elif last in ("-", "–", ".", "/", "=") and before[:-1].isalpha():
            # -: ABC-415-555-0132; a path or a parameter only counts where it names a phone: wa.me/…, phone=…
            return last in ("/", "=", ".") and said(text, self.start, self.end).kind == "label"
        if after[:1].isalnum() or after[:1] in _GLUE or after[:1] in ("=", "°"):
            return _EXTENSION.match(text, self.end) is not None
        if after[:1] in ("-", "/", ":", ",", "–"):
            return not after[1:].isdigit() and (after[:1] in (",", ":", "–") or not after[1:].isalpha())
        if after[:1] == ".":
            if after[1:].islower() and not self.plus:  # a file, or the space after a full stop was left out
                return said(text, self.start, self.end).kind == "label"
            return not after[1:].isdigit()
        return not (after[:1] == " " and after[1:] in ("€", "$", "%", "£"))

    def written(self) -> bool:
        """Say whether it is written as some phone is, be it of an unknown plan: groups of two to eight digits."""
        if len(self.sizes) > 6 or not 7 <= len(self.digits) <= 13 or len(set(self.digits)) == 1:
            return False
        if (self.sizes in _DOCUMENTS and len(set(self.joints)) > 1) or self.sizes == (3, 2, 4) or self.sizes == (5, 3):
            return False
        if len(self.sizes) > 1 and (max(self.sizes) > 8 or min(self.sizes[1:]) < 2):
            return self.sizes[0] <= 4 and self.sizes[1:2] == (1,) and min(self.sizes[2:], default=0) >= 3
        return sum("/" in joint for joint in self.joints) <= 1


_NEVER = frozenset({(3, 3, 3, 2), (2, 3, 3, 4, 2), (4, 4, 4, 4), (4, 6, 5)})  # CPF, CNPJ, cards
# Solid behind an area in parentheses, by country: (11)987654321, (415)5552671. Bare they may be a status and a size.
_SOLID = (("+55", (2, 9)), ("+55", (3, 9)), ("+1", (3, 7)))
_DOCUMENTS = {(3, 3, 3, 2), (2, 3, 3, 4, 2), (2, 3, 3, 1), (1, 3, 3, 1)}


def _known(found: _Candidate, regions: tuple[str, ...], near: Said) -> str:
    """Give the value of a candidate without `+` if a number plan proves it; else an empty string."""
    said_so = near.kind in ("label", "call")
    denied = not said_so and near.kind not in ("", "ip", "version") and near.close
    formatted = len(found.sizes) > 1
    if (denied and not found.area) or not (said_so or formatted):
        return ""
    if found.digits.startswith("00") and len(found.digits) > 10 and (said_so or len(found.sizes) > 2):
        value = international(found.digits[2:])
        if value[:1] == "+":
            return value
    spoken_of = said_so and (near.linked or (len(found.digits) > 8 and (formatted or near.between < _NEAR)))
    known = readings(found.digits, found.sizes[0] if len(found.sizes) > 2 else 0, regions)
    for value, shapes, coded in known:
        usual = found.sizes in shapes or (found.area and _solid(value, found.sizes))
        if found.sizes[1:] in shapes if coded else usual and (spoken_of or _strong(found, True)):
            return value
    for value, _, coded in known:
        if not coded and (spoken_of or _strong(found, False)):
            return value
    if said_so and len(found.digits) > 10 and found.digits[0] != "0":
        value = international(found.digits)
        return value if value[:1] == "+" else ""
    return ""


def _solid(value: str, sizes: tuple[int, ...]) -> bool:
    """Say whether the groups of a number are those of its country when only the area stands apart."""
    return any(sizes == solid and value.startswith(code) for code, solid in _SOLID)


def _named(found: _Candidate, near: Said) -> str:
    """Give the digits of a candidate that no plan knows, if a word names it and it is written as some phone is."""
    dialled = len(found.sizes) > 1 or (found.digits[0] == "0" and len(found.digits) > 8)
    named = near.kind == "label" or (near.kind == "call" and dialled)
    return found.digits if near.linked and named and found.written() else ""


def _strong(found: _Candidate, usual: bool) -> bool:
    """Say whether a valid number, grouped as `usual` or not, is written so that nobody writes anything else like it."""
    joints, sizes = set(found.joints), found.sizes
    if "/" in joints:  # of area codes only: 030/1234567, 0486/39.53.78
        area = found.joints[0] == "/" and "/" not in found.joints[1:] and found.groups[0][0] == "0"
        return area and len(found.digits) >= 9 and (usual or len(sizes) == 2)
    if not usual or " / " in joints:
        return False
    if found.area:
        return True
    if joints == {"."}:
        return sizes == (3, 3, 4) or sizes == (2, 2, 2, 2, 2)
    if "." in joints:
        return found.joints[-1] == "." and "." not in found.joints[:-1] and sizes[-2:] in ((4, 4), (5, 4))
    return len(found.digits) >= 9 and not found.drawn()


def _proved(found: _Candidate, regions: tuple[str, ...], near: Said) -> str:
    """Give the value of a candidate that is proved to be a phone; else an empty string."""
    if not found.plus:
        return _known(found, regions, near)
    value = international(found.digits)
    if value[:1] != "~":
        return value
    possible = near.kind in ("label", "call") or (near.kind in ("", "ip", "version") and len(found.digits) > 9)
    return value[1:] if possible else ""


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
        yield from _of_piece(_Piece(text, piece.start(), piece.end(), spans), regions)


def _glued(text: str, start: int, end: int) -> bool:
    """Say whether letters or digits touch a span, and not those of an extension: a cheap test before all others."""
    touched = (start > 0 and text[start - 1].isalnum()) or text[end : end + 1].isalpha()
    return touched and not _EXTENSION.match(text, end)


class _Piece:
    """A run of digits and single signs between them, and what the words near it say."""

    def __init__(self, text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> None:
        self.text, self.start, self.end, self.spans = text, start, end, spans
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
        found = _Candidate(text, start, spans[last - 1][1], groups[at:last], inside)
        if not found.free() or (not found.plus and found.dated()):
            continue
        near = said(text, start, found.end) if at and piece.named else piece.near
        value = _proved(found, regions, near)
        loose = "" if value or named else _named(found, near)
        if value or loose:
            more = None if text[found.end : found.end + 1] in _CLOSE else _EXTENSION.match(text, found.end)
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
