"""Read IRC logs as irssi, WeeChat, HexChat, mIRC, ZNC and channel archives write them.

What a line is, is seen by its own form: a time, then `<nick> text` (in WeeChat's logs `nick`, a tab, the text), or an
event. A log whose lines have a clock alone takes its days from its own day lines or from its file's name, and counts on
where the clock falls past midnight.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from typing import ClassVar, NamedTuple

from ftdata.errors import InputError
from ftdata.readers.messages import Messages, Turn, files
from ftdata.source import Source
from ftdata.stages import Sniff

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DATE = r"(?P<date>\d{4}-\d\d-\d\d|(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d))"
_CLOCK = r"(?P<clock>\d{1,2}[:.]\d\d(?:[:.]\d\d)?)(?P<part>\.\d{1,6})?(?P<zone>Z|[+-]\d\d:?\d\d)?"
_TIME = re.compile(rf"\s{{0,4}}(?P<open>[\[(])?(?:{_DATE}[T ])?{_CLOCK}(?(open)[\])])(?=\s|<|-!-|$)")
_TABBED = re.compile(r"(?P<date>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d)\t(?P<nick>[^\t]{0,80})\t")
_ANGLE = re.compile(r"\s{0,4}<[ ]?(?P<nick>[^<>\s][^<>\n]{0,63}?)[ ]?>(?:\s|$)")
_EVENT = re.compile(r"\s*(?:===|\*\*\*|-!-|-->|<--|--|\*|-[^-\s<>][^\s<>]{0,40}-|[<>=-]{2,5}\s?\|?)(?:\s|$)")
_SESSION = re.compile(
    r"(?:\*{4} (?:BEGIN|ENDING) LOGGING AT|--- (?:Log (?:opened|closed)|Day changed)"
    r"|Session (?:Start|Close|Time|Ident):)\s*(?P<when>.*)"
)
_RENAMED = re.compile(r"\s*(?:\S{1,5}\s+)?(?P<old>[^\s<>]{1,64}) (?:is|are) now known as (?P<new>[^\s<>]{1,64})\s*$")
_GONE = re.compile(
    r"\s*(?:===|\*\*\*|-!-|-->|<--|--|\*)\s+(?:(?:Joins|Parts|Quits): )?(?P<nick>[^\s<>]{1,64})\s"
    r"(?:[\[(][^\s]{1,200}[\])]\s?)?(?:has |\()?(?:joined|left|quit|parted|\S+@\S+)"
)
_WEEKDAY = re.compile(
    r"(?:[A-Z][a-z]{2} )?(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2})(?: +(?P<clock>[\d:]{5,8}))? +(?P<year>\d{4})"
)
_CODES = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6})?|[\x02\x0f\x11\x16\x1d-\x1f]")
_ANY_CODE = re.compile(r"[\x02-\x04\x0f\x11\x16\x1d-\x1f]")
_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_./]?(0[1-9]|1[0-2])[-_./]?(0[1-9]|[12]\d|3[01])(?!\d)")
_MODES = "@+%&~!"
_LOGS = r"[^/]*\.(?:log|weechatlog|txt|irc)"
_FALL = timedelta(hours=1)  # a clock that falls by more has passed midnight; by less, lines stand out of order
_NICKS = 10_000  # renamed people that are remembered
_HEAD = 1 << 16


class _Line(NamedTuple):
    """One line: its time as far as it tells, who said what; an event has no nick, a line that goes on no `kind`."""

    kind: str
    nick: str = ""
    text: str = ""
    day: date | None = None
    yearless: bool = False
    clock: timedelta | None = None


_ON = _Line("")


class Irc(Messages):
    """Read logs of IRC channels and queries: irssi, WeeChat, HexChat, mIRC, ZNC, and `[HH:MM] <nick> text` of archives.

    Marks of rank before a nick and colour codes are cut. A person keeps the first nick by which the log knows him
    through `is now known as`; stated names may be any of them. Days come from the lines, from `Day changed` and the
    like, or from the file's name (`2024-05-17.log`); past midnight the next day begins. Files of a folder are read in
    the order of their names; those whose names differ only in the date are one chat. Many people talk at once in a
    channel: conversations are cut by pauses alone, and have the flag `several-users`.

    Records left out, besides those of `Messages` and of the source: `system-line` (joins, quits, topics, notices, and
    what somebody does: `* nick waves`), `preamble`, `not-utf8`, `row-too-large`.

    `meta` holds `chat` (the file's name without its date), and `time` (where there is a date) and `author` of the first
    turn. Forms as in channel archives that were read, and in the sources of programs that write and read them.
    """

    name: ClassVar[str] = "irc"
    evidence: ClassVar[str] = "F"

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know a log by its lines: nearly all are messages with `<nick>`, or events."""
        found = _logs(source)
        if not found or not _looks(source, found[0]) or b"<|" in source.opening(_HEAD, found[0]):
            return None  # <|im_start|> and the like are control tokens of training data
        told = "lines <nick> text and events of IRC"
        if b"\t" in source.opening(_HEAD, found[0]).partition(b"\n")[0]:
            told = "lines with a time, a nick and a text, and events of IRC"
        return cls.known(source, told, *([f"{len(found)} files"] if len(found) > 1 else []))

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages, file by file."""
        found = _logs(source)
        if not found:
            raise InputError(f"{source.name}: holds no log of IRC: no text file with lines <nick> text")
        nicks = _Nicks()
        for member in found:
            name = member or next(iter(source.members()), source.name)
            chat = _IN_NAME.sub("", str(PurePosixPath(name).with_suffix(""))).strip("-_. /")
            days = _Days(name)
            yield from self._lines(source, member, chat, days, nicks)

    def _lines(self, source: Source, member: str | None, chat: str, days: _Days, nicks: _Nicks) -> Iterator[Turn]:
        start, count, size = 0, 0, 0
        title = PurePosixPath(chat).name
        author, nick, when = "", "", days.none
        drop: str | None = "preamble"
        texts: list[str] = []

        def done() -> Turn:
            if drop is not None:
                return Turn(start, drop=drop, lines=count)
            at, bare, iso = when
            meta = {**({"chat": title} if title else {}), **({"time": iso} if iso else {}), "author": nick}
            text = "\n".join(texts).rstrip("\n")
            at_ = None if at is None else (at, at)
            return Turn(start, chat, author, text, at_, None, None, (nick,), meta, None, count, bare)

        for block in source.lines(member):
            for number, raw in enumerate(block.lines, block.number):
                problem = block.problem
                try:
                    line = raw.decode()
                except UnicodeDecodeError:
                    line, problem = raw.decode(errors="replace"), "not-utf8"
                if _ANY_CODE.search(line):
                    line = _CODES.sub("", line)
                one = _read(line)
                if one.kind:
                    if count:
                        yield done()
                    start, count, size, texts = number, 1, len(one.text), [one.text]
                    when = days.of(one, line)
                    if one.kind == "event":
                        nicks.follow(line)
                        drop = problem or "system-line"
                    else:
                        nick, author, drop = one.nick, nicks.person(one.nick), problem
                    continue
                if count == 0:
                    start = number
                count += 1
                size += len(line) + 1
                if drop is None:
                    texts.append(line)
                    if problem is not None or size > source.limits.row:
                        drop, texts = problem or "row-too-large", []
        if count:
            yield done()


class _Nicks:
    """Who is who: a person keeps the first nick that the log knows of him."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def person(self, nick: str) -> str:
        return self._first.get(nick, nick)

    def follow(self, line: str) -> None:
        """Take an event into account: a new nick, or one that came or went and may next be somebody else's."""
        if renamed := _RENAMED.search(line):
            old, new = renamed["old"].lstrip(_MODES), renamed["new"].lstrip(_MODES)
            person = self._first.pop(old, old)
            if new == person:
                self._first.pop(new, None)
            elif len(self._first) < _NICKS:
                self._first[new] = person
        elif gone := _GONE.search(line):
            self._first.pop(gone["nick"].lstrip(_MODES), None)


class _Days:
    """The day that a clock belongs to: of its own line, of the last day line, of the file's name, or unknown."""

    none: tuple[int | None, bool, str] = (None, False, "")

    def __init__(self, name: str) -> None:
        self._day: date | None = None
        self._last: timedelta | None = None
        self._year: int | None = None
        if found := _IN_NAME.search(name):
            self._day = _date(int(found[1]), int(found[2]), int(found[3]))
            self._year = int(found[1])
        self._month = 0

    def of(self, line: _Line, text: str) -> tuple[int | None, bool, str]:
        """Give the time of a line: microseconds, whether they count from midnight for want of a day, and ISO 8601."""
        if (told := _SESSION.match(text)) is not None:
            self._opened(told["when"])
            return self.none
        if line.clock is None:
            return self.none
        day, known = line.day, True
        if day is not None and line.yearless:
            if self._year is None:
                known, year = False, 2000  # its order is known, its year is not; 2000 has a 29 February
            else:
                year = self._year
            if self._month == 12 and day.month == 1:
                self._year = None if self._year is None else self._year + 1
                year += 1
            self._month = day.month
            day = _date(year, day.month, day.day) or day
        if day is None:
            if self._last is not None and self._last - line.clock > _FALL and self._day is not None:
                self._day += timedelta(days=1)
            self._last, day = line.clock, self._day
        else:
            self._day, self._last = day, line.clock
        if day is None:
            return line.clock // timedelta(microseconds=1), True, ""
        moment = datetime(day.year, day.month, day.day) + line.clock
        at = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
        return at, False, moment.isoformat() if known else ""

    def _opened(self, when: str) -> None:
        if found := _WEEKDAY.match(when.strip()):
            month = found["month"].lower()
            if month in _MONTHS:
                day = _date(int(found["year"]), _MONTHS.index(month) + 1, int(found["day"]))
                self._day, self._last, self._month = day or self._day, None, 0
                self._year = int(found["year"])


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read(line: str) -> _Line:
    """Say what a line is: `said`, `event`, or "" for one that goes on."""
    if tabbed := _TABBED.match(line):
        nick = tabbed["nick"].strip()
        day, clock = _day(tabbed["date"]), _clock(tabbed["clock"])
        text = line[tabbed.end() :]
        if not nick or _EVENT.fullmatch(nick) or nick in ("=!=", "⚡"):
            return _Line("event", "", text, day, False, clock)
        return _Line("said", nick.lstrip(_MODES) or nick, text, day, False, clock)
    time = _TIME.match(line)
    rest = line[time.end() :] if time is not None else line
    day, yearless, clock = None, False, None
    if time is not None:
        clock = _clock(time["clock"])
        if clock is None:
            return _ON
        if time["month"] is not None:
            month = time["month"].lower()
            day = _date(2000, _MONTHS.index(month) + 1, int(time["day"])) if month in _MONTHS else None
            yearless = True
        elif time["date"] is not None:
            day = _day(time["date"])
        if time["date"] is not None and day is None:
            return _ON
    if angle := _ANGLE.match(rest):
        nick = angle["nick"].strip()
        return _Line("said", nick.lstrip(_MODES) or nick, rest[angle.end() :], day, yearless, clock)
    if (time is not None and _EVENT.match(rest)) or _EVENT_ALONE.match(line) or _SESSION.match(line):
        return _Line("event", "", "", day, yearless, clock)
    return _ON


_EVENT_ALONE = re.compile(r"(?:===|\*\*\*|-!-|-->|<--|\*\t)\s?\S")


@lru_cache(maxsize=1 << 12)
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@lru_cache(maxsize=1 << 16)
def _clock(text: str) -> timedelta | None:
    hour, minute, *rest = (int(number) for number in re.findall(r"\d+", text))
    second = rest[0] if rest else 0
    return timedelta(hours=hour, minutes=minute, seconds=second) if hour < 24 and minute < 60 and second < 61 else None


def _logs(source: Source) -> list[str | None]:
    """List the files that are logs, by name; [None] for a plain file."""
    names = files(source, _LOGS)
    return names if names == [None] else [name for name in names if _looks(source, name)]


def _looks(source: Source, member: str | None) -> bool:
    """Say whether a file is a log of IRC: two messages or more, and most lines are messages or events."""
    text = source.opening(_HEAD, member).decode(errors="replace")
    if "\0" in text:
        return False
    lines = [_CODES.sub("", line) for line in text.split("\n")[:500] if line.strip()]
    kinds = Counter(_read(line).kind for line in lines)
    return kinds["said"] > 1 and (kinds["said"] + kinds["event"]) * 10 >= 7 * len(lines)
