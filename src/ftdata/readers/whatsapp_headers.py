"""The first line of a message in a WhatsApp export: its time in every style, and whether the day or the month is first.

A style is what tells one phone's headers from another's: brackets, the marks and the places in the date, seconds, a
clock of twelve hours. In a file that two phones wrote, each style is decided for itself (`Styles`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from ftdata.readers.times import Instant

MARKS = "\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff"
"""Invisible: direction, byte order; as ranges of a pattern."""
EDGES = " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code)
    for first, last in ((0x2000, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069), (0xFEFF, 0xFEFF))
    for code in range(first, last + 1)
)
"""What is taken off both ends of a name or a phrase: white space, and what is invisible."""

_PM = r"[pP]\.?\s?[mM]\.?|午後|下午|晚上|오후|م|ب\.ظ\.?|μ\.?μ\.?|ÖS|CH"
_AM = r"[aA]\.?\s?[mM]\.?|午前|上午|凌晨|早上|오전|ص|ق\.ظ\.?|π\.?μ\.?|ÖÖ|SA"
_AT = r"às|as|at|a las?|a les|à|um|klo|kl\.?|alle(?: ore)?|ve|в|о|lúc|pukul|ob|ore"
HEADER = re.compile(
    rf"[{MARKS}\s]*+(\[)?[{MARKS}]*"
    rf"(\d{{1,4}}[{MARKS}]*(?:[-/.]\s?|\s)[{MARKS}]*\d{{1,2}}[{MARKS}]*(?:[-/.]\s?|\s)[{MARKS}]*\d{{1,4}}\.?)"
    rf"[{MARKS}]*[,،]?\s(?:(?:{_AT})\s)?[{MARKS}]*"
    rf"((?:(?:{_AM}|{_PM})\s?)?\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?(?:[\s_]?(?:{_AM}|{_PM}))?)[{MARKS}]*"
    r"(?(1)\](?::?\s[-–—]\s|:?\s|$)|(?:\s?[-–—](?:\s|$)|:\s))"
)
"""Groups: the bracket, the date, the clock. What follows is the author and the text, or a line of the system."""

OPENS = re.compile(rf"[{MARKS}\s]*+\[?[{MARKS}]*+\d{{1,4}}[{MARKS}]*+[-/.\s]")

_COMMON = (
    r"(\u200e?+(?:(\[)|(?=\d))\d{1,4}+[-/.]\d{1,2}+[-/.]\d{1,4}+,?+\s)"
    r"(\d{1,2}+:\d\d(?::\d\d)?+(?:\s[AaPp]\.?\s?[Mm]\.?)?+(?(2)\]\s|\s-\s))(?:([^:\n]{1,100}+): )?+"
)
ROWS = re.compile(rf"(?:{_COMMON})?+(.*+)\n?+")
"""All lines of a text at once: date, bracket, clock, author and the rest of each in the common styles, "" for what is
not there. A line in a rare style is all rest, and begins as `OPENS` says; `row_of` takes it apart."""

HEADS = re.compile(rf"(?:{_COMMON}|(?={OPENS.pattern})(.*+))?+.*+\n?+")
"""The same without the rest of a line, but for one that begins as `OPENS` says: a third faster."""

_NUMBER = re.compile(r"\d+")
_HALF, _OTHER_HALF = re.compile(_PM), re.compile(_AM)
_DAY = 86_400 * 10**6
_START = datetime(1970, 1, 1)
_EPOCH = _START.toordinal()
_YEARS, _BEGAN = range(1990, 2100), 2009  # what is a year at all; WhatsApp's first
_BUDDHIST, _PERSIAN = range(2552, 2643), range(1388, 1479)  # the years since, in two other calendars
_SHARE = 20  # a style with fewer headers than one in so many of the most frequent must be of people who are known
_NAMES = 10_000  # authors of a style that are remembered
_KEPT = 1 << 17  # dates and clocks that are remembered

Row = tuple[str, str, str, str, str]
"""A line: date, bracket, clock, author and the rest, as `ROWS` gives them."""
Style = tuple[bool, str, int]
"""Whether there are brackets; the mark in the date and the place of its number of four digits; the kind of clock."""


class Day(NamedTuple):
    """The date of a header: midnight with the day and with the month first; `iso` where both are one, else ""."""

    by_day: int
    by_month: int
    iso: str
    phone: bool
    """Whether the header is in brackets, as an iPhone writes it."""


class Clock(NamedTuple):
    """The clock of a header: its kind (1: seconds, 2: of twelve hours), the time since midnight."""

    kind: int
    at: int
    iso: str


class _Date(NamedTuple):
    bracket: bool
    kind: str
    numbers: tuple[int, int, int]


class _Seen:
    """What the headers of one style say, in file order."""

    def __init__(self) -> None:
        self.count = 0
        self.authors: set[str] = set()
        self._dates: dict[tuple[int, int, int], None] = {}
        self._last: tuple[int, int, int] | None = None
        self._at: Instant | None = None
        self._back = [0, 0]

    def see(self, numbers: tuple[int, int, int], count: int) -> None:
        """Take the date of so many headers into account."""
        self.count += count
        if numbers == self._last:
            return
        self._last = numbers
        self._dates[numbers] = None
        at = _instant(numbers, None)
        if at is not None:
            if self._at is not None:
                for way in (0, 1):
                    self._back[way] += at[way] < self._at[way]
            self._at = at

    def order(self, place: str, stated: bool | None) -> str:
        """Say what the three numbers are: `ymd`, `dmy`, `mdy`; `?` where nobody knows which of the last two."""
        if place == "0" or (place == "-" and self._year_is_first()):
            return "ymd"
        days, months = (sum(numbers[place] > 12 for numbers in self._dates) for place in (0, 1))
        if days != months:
            return "dmy" if days > months else "mdy"
        if stated is not None:
            return "dmy" if stated else "mdy"
        if not days and bool(self._back[0]) != bool(self._back[1]):
            return "mdy" if self._back[0] else "dmy"
        return "?" if any(a != b for a, b, _ in self._dates) else "dmy"

    def _year_is_first(self) -> bool:
        """Say whether of three short numbers the first is the year: the last one then cannot be, as 05 cannot."""
        first, last = ([2000 + numbers[place] >= _BEGAN for numbers in self._dates] for place in (0, 2))
        return all(first) and not all(last)


class Styles:
    """The styles of a chat: look at all headers with `see`, then `settle`, then ask `days` and `clocks` for their time.

    **Day or month**: numbers over 12 decide their whole style (where some contradict, the larger part; the rest are no
    headers). Where there are none: what is stated; else the order of the file, where it runs backwards read one way and
    never the other way. Else the style is undecided, and each of its times has two readings.

    A style that is rare beside the most frequent one, by people who do not write in that one, is a quotation.
    """

    def __init__(self) -> None:
        self._seen: dict[Style, _Seen] = {}
        self._orders: dict[Style, str] = {}
        self._own: dict[Style, str] = {}
        self.clocks = _Clocks()
        self.days = [_Days({}, kind) for kind in range(4)]
        self.quoted = self.days

    def see(self, rows: Iterable[Row]) -> None:
        """Take headers into account, in file order."""
        heads = [row for row in rows if row[0]]
        clocks = self.clocks
        # Most of a chat is of one style, and a day has many messages: run by run, the days are looked at.
        at = 0
        for (text, kind), run in groupby([(row[0], clocks.kinds[row[2]]) for row in heads]):
            count = len(list(run))
            self._see(text, kind, heads[at : at + count])
            at += count

    def _see(self, text: str, kind: int, heads: Sequence[Row]) -> None:
        found = None if kind < 0 else _read_date(text)
        if found is None:
            return
        style = (found[0], found[1], kind)
        seen = self._seen.get(style)
        if seen is None:
            seen = self._seen[style] = _Seen()
        seen.see(found[2], len(heads))
        if len(seen.authors) < _NAMES:
            seen.authors.update(row[3] for row in heads if row[3])

    def settle(self, stated: bool | None) -> None:
        """Decide; `stated` is whether the day is first, by the user."""
        known: set[str] = set()
        own: dict[Style, str] = {}
        most = max((seen.count for seen in self._seen.values()), default=0)
        for style, seen in sorted(self._seen.items(), key=lambda pair: -pair[1].count):
            self._orders[style] = seen.order(style[1][-1], stated)
            if seen.count * _SHARE >= most or 2 * len(seen.authors & known) > len(seen.authors):
                known |= seen.authors
                own[style] = self._orders[style]
        self.days = [_Days(own, kind) for kind in range(4)]
        self.quoted = [_Days(self._orders, kind) for kind in range(4)]
        self._own = own

    def names(self) -> Counter[str]:
        """Count the styles: how they look, and how many headers they have; `?` stands where day or month is first."""
        told: Counter[str] = Counter()
        for (bracket, kind, clock), seen in self._seen.items():
            if (order := self._own.get((bracket, kind, clock))) is not None:
                look = kind[0].join("??y" if order == "?" else order)
                when = "hh:mm" + (":ss" if clock & 1 else "") + (" am/pm" if clock & 2 else "")
                told[f"[{look}, {when}]" if bracket else f"{look}, {when}"] += seen.count
        return told


class _Kinds(dict[str, int]):
    """The kinds of clocks by how they stand in headers; -1 for what is none."""

    def __init__(self, clocks: _Clocks) -> None:
        self._clocks = clocks

    def __missing__(self, text: str) -> int:
        clock = self._clocks[text]
        kind = -1 if clock is None else clock.kind
        if len(self) < _KEPT:
            self[text] = kind
        return kind


class _Clocks(dict[str, Clock | None]):
    """Clocks by how they stand in headers; None for what is none, 25:00."""

    def __init__(self) -> None:
        self.kinds = _Kinds(self)

    def __missing__(self, text: str) -> Clock | None:
        hour, minute, *rest = (int(number) for number in _NUMBER.findall(text))
        second = rest[0] if rest else 0
        half = True
        if _HALF.search(text):
            hour = hour % 12 + 12
        elif _OTHER_HALF.search(text):
            hour %= 12
        else:
            half = False
        found = None
        if hour < 24 and minute < 60 and second < 60:
            at = ((hour * 60 + minute) * 60 + second) * 10**6
            found = Clock(2 * half + bool(rest), at, f"{hour:02}:{minute:02}:{second:02}")
        if len(self) < _KEPT:
            self[text] = found
        return found


class _Days(dict[str, Day | None]):
    """Dates by how they stand in headers with one kind of clock; None where the header opens no message."""

    def __init__(self, orders: Mapping[Style, str], clock: int) -> None:
        self._orders, self._clock = orders, clock

    def __missing__(self, text: str) -> Day | None:
        read, found = _read_date(text), None
        order = None if read is None else self._orders.get((read.bracket, read.kind, self._clock))
        if read is not None and order is not None and (at := _instant(read.numbers, order)) is not None:
            iso = (_START + timedelta(microseconds=at[0])).date().isoformat() if at[0] == at[1] else ""
            found = Day(*at, iso, read.bracket)
        if len(self) < _KEPT:
            self[text] = found
        return found


NEVER, MIDNIGHT = Day(0, 0, "", False), Clock(0, 0, "")


def row_of(row: Row) -> Row:
    """Take a line in a rare style apart: its date, bracket, clock, author and the rest, as `ROWS` does."""
    line = row[4]
    header = None if row[0] else HEADER.match(line)
    if header is None:
        return row
    rest = line[header.end() :]
    name, colon, text = rest.partition(": ")
    if not colon or ":" in name or len(name) > 100:
        name, text = "", rest
    at = header.start(3)
    return line[:at], header[1] or "", line[at : header.end()], name, text


@lru_cache(maxsize=1 << 16)
def _read_date(text: str) -> _Date | None:
    places = list(_NUMBER.finditer(text))
    numbers = (int(places[0][0]), int(places[1][0]), int(places[2][0]))
    long = [len(place[0]) == 4 for place in places]
    if any(len(place[0]) == 3 for place in places) or sum(long) > 1:
        return None
    mark = next((letter for letter in text[places[0].end() :] if letter in "-/."), " ")
    return _Date("[" in text, f"{mark}{'0' if long[0] else '2' if long[2] else '-'}", numbers)


def _instant(numbers: tuple[int, int, int], order: str | None) -> Instant | None:
    """Give midnight of a date with the day and with the month first; both alike where the order is known."""
    a, b, c = numbers
    ways: tuple[tuple[int, int, int], ...] = ((c, b, a), (c, a, b))
    if order == "ymd":
        ways = ((a, b, c),)
    elif order == "dmy":
        ways = ((c, b, a),)
    elif order == "mdy":
        ways = ((c, a, b),)
    found = [_midnight(*way) for way in ways]
    first, last = found[0], found[-1]
    return None if first is None or last is None else (first, last)


@lru_cache(maxsize=1 << 14)
def _midnight(year: int, month: int, day: int) -> int | None:
    if year in _PERSIAN:
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return None
        # A year of 365 days with 8 leap years in 33; six months of 31 days, then of 30 (as in the public library
        # jalaali-js, whose table of breaks agrees with it for these years).
        passed = year + 1595
        days = 365 * passed + passed // 33 * 8 + (passed % 33 + 3) // 4 - 355_668 + day
        days += (month - 1) * 31 if month < 7 else (month - 7) * 30 + 186
        return (days - 719_528) * _DAY
    year += 2000 if year < 100 else -543 if year in _BUDDHIST else 0
    try:
        return (date(year, month, day).toordinal() - _EPOCH) * _DAY if year in _YEARS else None
    except ValueError:
        return None
