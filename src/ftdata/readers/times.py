"""Instants from the many ways in which exports write a time, for putting messages in order.

A time without a zone stays without one: it is compared as it stands, no zone is invented. `03/04/2024` has two
readings; which one holds is decided over the whole column (`Days`), and matters only where it would change an order.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from ftdata.readers.words import fold

Instant = tuple[int, int]
"""Microseconds since 1970 with the day first, and with the month first; equal unless the text leaves it open."""

_EPOCH = datetime(1970, 1, 1)
_DIGITS = re.compile(r"(-?\d{9,10})(\.\d{1,9})?|(\d{13})|(\d{16})")
_CLOCK = (
    r"(?:(?:,|\s|t|as|at|a las|las|-|\u2013)*\s*(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})"
    r"(?:[:.m](?P<second>\d{2}))?(?:[.,](?P<part>\d{1,9}))?s?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})?(?:\s*\([a-z ]+\))?)?"
)
_NUMERIC = re.compile(rf"(?P<a>\d{{1,2}})[/.-](?P<b>\d{{1,2}})[/.-](?P<year>\d{{4}}|\d{{2}}){_CLOCK}")
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[/.-](?P<month>\d{{1,2}})[/.-](?P<day>\d{{1,2}}){_CLOCK}")
_DAY_NAME = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|o)?[\s/.-]+(?:de\s+|of\s+)?(?P<name>[a-z]{{3,10}})\.?[\s,/.-]+(?:de\s+|del\s+)?"
    rf"(?P<year>\d{{4}}|\d{{2}}){_CLOCK}"
)
_NAME_DAY = re.compile(
    rf"(?P<name>[a-z]{{3,10}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_CLOCK}"
)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?:[t ](?=\d{4})|(?=\d{6}$))"
    r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<zone>z|[+-]\d{2}:?\d{2})?"
)
_UNIX = re.compile(
    r"(?P<name>[a-z]{3})\s+(?P<day>\d{1,2})\s+(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})\s+(?P<zone>[+-]\d{4}|utc|gmt)?"
    r"\s*(?P<year>\d{4})"
)
_WEEKDAY = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun|seg|ter|qua|qui|sex|sab|dom|lun|mar|mie|jue|vie)[a-z-]*\.?,?\s+(?=\d|[a-z]{3})"
)
_MONTHS = {
    name[:3]: number
    for number, names in enumerate(
        "jan ene|feb fev|mar|apr abr|may mai|jun|jul|aug ago|sep set|oct out|nov|dec dez dic".split("|"), 1
    )
    for name in names.split()
}


def instant(text: str) -> Instant | None:
    """Read a time; None if it is not one.

    ISO 8601, seconds, milli- or microseconds since 1970, `d/m/y` and `m/d/y` with a clock, month names in English,
    Portuguese and Spanish, and the Unix form (`Tue Oct 31 22:10:47 +0000 2017`).
    """
    text = text.strip()
    if len(text) >= 10 and text[4:5] == "-":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            at = _micros(moment)
            return at, at
    return _odd(text) if text and len(text) <= 64 else None


def utc(micros: int) -> str:
    """Give microseconds since 1970 as a time in UTC, to the second: `2024-01-31T09:05:00Z`."""
    return (_EPOCH + timedelta(seconds=micros // 10**6)).isoformat() + "Z"


def _micros(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def _odd(text: str) -> Instant | None:
    if match := _DIGITS.fullmatch(text):
        seconds, part, milli, micro = match.groups()
        at = int(micro) if micro else int(milli) * 1000 if milli else int(seconds) * 10**6
        at += int((part[1:] + "000000")[:6]) if part else 0
        return at, at
    folded = fold(text).replace("\u202f", " ").replace("\xa0", " ")
    if match := _YEAR_FIRST.fullmatch(folded) or _COMPACT.fullmatch(folded):
        moment = _build(match, int(match["month"]), int(match["day"]))
        return None if moment is None else (moment, moment)
    if match := _NUMERIC.fullmatch(folded):
        a, b = int(match["a"]), int(match["b"])
        by_day, by_month = _build(match, b, a), _build(match, a, b)
        if by_day is None and by_month is None:
            return None
        return (by_month if by_day is None else by_day), (by_day if by_month is None else by_month)  # type: ignore[return-value]
    for shape in (folded, _WEEKDAY.sub("", folded, count=1)):
        for pattern in (_DAY_NAME, _NAME_DAY, _UNIX):
            if (match := pattern.fullmatch(shape)) and (month := _MONTHS.get(match["name"][:3])):
                moment = _build(match, month, int(match["day"]))
                return None if moment is None else (moment, moment)
    return None


def _build(match: re.Match[str], month: int, day: int) -> int | None:
    parts = match.groupdict()
    year = int(parts["year"])
    year += 0 if year > 99 else 2000 if year < 70 else 1900
    hour = int(parts["hour"] or 0)
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    zone = None
    if mark := parts.get("zone"):
        shift = timedelta() if mark[0] not in "+-" else timedelta(hours=int(mark[1:3]), minutes=int(mark[-2:]))
        zone = timezone(-shift if mark[0] == "-" else shift)
    micro = int(((parts.get("part") or "") + "000000")[:6])
    try:
        return _micros(
            datetime(year, month, day, hour, int(parts["minute"] or 0), int(parts["second"] or 0), micro, zone)
        )
    except ValueError:
        return None


class Days:
    """Decide, over a whole column, whether the day or the month stands first.

    >>> days = Days()
    >>> for text in ("03/04/2024", "25/04/2024"):
    ...     days.see(text)
    >>> days.first
    'day'
    """

    def __init__(self) -> None:
        self._day = self._month = self._open = False

    def see(self, text: str) -> None:
        """Take one cell of the column into account."""
        match = _NUMERIC.match(text.strip())
        if match is not None:
            a, b = int(match["a"]), int(match["b"])
            self._day |= a > 12
            self._month |= b > 12
            self._open |= a <= 12 and b <= 12 and a != b

    @property
    def first(self) -> str | None:
        """Say what stands first, `day` or `month`; None where the column does not tell, or contradicts itself."""
        if self._day != self._month:
            return "day" if self._day else "month"
        return None if self._open or self._day else "day"

    def day_first(self, stated: bool | None) -> bool | None:
        """Say whether the day stands first: what the user stated, else what the column tells."""
        return {"day": True, "month": False}.get(self.first or "") if stated is None else stated
