"""Read an exported WhatsApp chat: `_chat.txt`, `WhatsApp Chat with X.txt`, or the zip or folder that holds it.

A header (`whatsapp_headers`) opens a message, the lines below belong to it. A header without an author is a line of the
system; what WhatsApp itself puts into somebody's mouth is known by `whatsapp_phrases`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import ClassVar

import orjson
from pydantic import Field

from ftdata.readers.chat_plan import misread
from ftdata.readers.layout import Refused
from ftdata.readers.messages import Messages, Turn
from ftdata.readers.times import Instant
from ftdata.readers.whatsapp_headers import (
    EDGES,
    HEADER,
    HEADS,
    MARKS,
    MIDNIGHT,
    NEVER,
    OPENS,
    ROWS,
    Row,
    Styles,
    row_of,
)
from ftdata.readers.whatsapp_phrases import phrases, said
from ftdata.source import Source
from ftdata.stages import Sniff

_STRANGER = re.compile(rf"^[\s{MARKS}]*~[\s{MARKS}]*")  # before the name of one who is in no address book
_QUOTES = re.compile(r"[“”„«»\"]")
_WORDS = 10  # a longer name is a line of the system with a colon in it
_LENGTH = 100
_AUTHORS = 100_000  # names that are remembered
_SAMPLED = 20_000  # lines by which a sample's styles are decided
_HEAD = 1 << 16
_EVER = 1 << 62
_LEVELS = frozenset("error warn warning info debug trace fatal critical notice severe".split())
_NAMED = re.compile(r"(?:.*/)?_chat(?:\s?\(\d+\))?\.txt", re.I)
_MANY = 20  # files of a folder that are looked into, where none has a name that WhatsApp gives


class _People:
    """The authors of a chat: which beginning of a line is a name, and which is a line of the system with a colon."""

    def __init__(self, stated: tuple[str, ...]) -> None:
        self._stated = sorted((name.strip() for name in stated if ": " in name), key=len, reverse=True)
        self.named: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def see(self, names: Iterable[str]) -> None:
        """Count beginnings that may be names."""
        self._counts.update(names)
        if len(self._counts) > _AUTHORS:
            self._counts = Counter(dict(self._counts.most_common(_AUTHORS // 2)))

    def split(self, rest: str) -> tuple[str, str]:
        """Give the author and the text of what follows a header; no author for a line of the system."""
        if self._stated and (name := next((n for n in self._stated if _plain(rest).startswith(f"{n}:")), None)):
            return name, rest[rest.index(name) + len(name) + 1 :].removeprefix(" ")
        raw, colon, text = rest.partition(": ")
        if not colon:
            raw, colon, text = rest.partition(":")
            # `Ana:` says nothing; `Ana:.` is what a message leaves that was to vanish; a name that is known may stand
            # before any text.
            if not colon or (text not in ("", ".") and self.named.get(raw, "") == ""):
                return "", rest
            text = "" if text == "." else text
        name = self.named.get(raw)
        if name is None:
            name = self._name(raw)
            if len(self.named) < _AUTHORS:
                self.named[raw] = name
        return (name, text) if name else ("", rest)

    def _name(self, raw: str) -> str:
        name = _STRANGER.sub("", raw.strip(EDGES), count=1)
        often = self._counts[raw] > 2
        if not name or len(name) > _LENGTH or (len(name.split()) > _WORDS and not often):
            return ""
        return "" if not often and (_cuts_a_quote(name) or self._is_event(name)) else name

    def _is_event(self, name: str) -> bool:
        """Say whether it is a name that is known and what he did: `Ana changed the subject to a` before a colon."""
        for space in re.finditer(r"\s", name):
            rest = name[space.end() :]
            if name[: space.start()] in self._counts and phrases().events.match(rest):
                return True
        return False


class WhatsApp(Messages):
    """Read an exported WhatsApp chat, in any of its header styles and languages, with or without media beside it.

    Whether the day or the month stands first is decided over the whole file, in a file of two phones for each style of
    header: see `ftdata.readers.whatsapp_headers.Styles`. Media are not read; a caption is kept. The `~ ` before the
    name of a stranger is cut. A folder or archive may hold several chats.

    Records left out, besides those of `Messages` and of the source: `system-line` (events, calls, notices),
    `not-text` (media, polls, places, contacts), `deleted`, `preamble` (before the first message), `not-utf8`,
    `row-too-large`.
    Flags: `edited` (its mark is cut), `ambiguous-time` (day or month is not told: state `day_first`), `other-form` (a
    line that looks like a header of another phone, by nobody who is known, stands in the text), and those of
    `Messages`.

    `meta` holds `chat` (the name in the file's name), and `time` (where it is told) and `author` of the first turn.
    Forms as in exports read, and in the sources of public parsers.
    """

    name: ClassVar[str] = "whatsapp"
    evidence: ClassVar[str] = "F"

    day_first: bool | None = Field(
        None, description="03/04 is 3 April, in headers whose numbers do not tell; default: told by the order, or both"
    )

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know a chat by its headers: the first line is one, or most are."""
        try:
            members = _chats(source)
        except Refused:
            return None
        if not members or not _looks(source, members[0]) or _of_others(source, members[0]):
            return None
        evidence = []
        styles = _styles(source.again(_SAMPLED), members[0], _People(()), None).names()
        shown = ", ".join(f"{look} ({count})" for look, count in styles.most_common(4))
        evidence.append(f"headers of WhatsApp: {shown}")
        if any("?" in look for look in styles):
            evidence.append("day or month first? not told by the beginning: day_first = true or false")
        if len(source.members()) > 1:
            chats, others = len(members), len(source.members()) - len(members)
            evidence.append(f"{chats} chat{'s' * (chats > 1)}; {others} other files (media) are not read")
        verdict = cls.known(source, *evidence)
        encoding = source.legacy_encoding() if len(members) == 1 and not source.members() else None
        if encoding is None:
            return verdict
        return Sniff(
            verdict.confidence,
            verdict.evidence,
            verdict.fields,
            f"{verdict.force} --encoding {encoding}",
            misread(encoding),
            verdict.counts,
        )

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages, chat by chat."""
        members = _chats(source)
        if not members:
            raise Refused("holds no chat of WhatsApp: no text file with its headers")
        for place, member in enumerate(members):
            people = _People((*self._assistants, *self.users, *self.bots))
            look = source.again(_SAMPLED) if source.sampled else source.again()
            styles = _styles(look, member, people, self.day_first)
            title = _title(member or next(iter(source.members()), source.name)) or _title(source.name)
            yield from self._turns(source, member, styles, people, str(place or ""), title)

    def _turns(
        self, source: Source, member: str | None, styles: Styles, people: _People, chat: str, title: str
    ) -> Iterator[Turn]:
        most, days, clocks = source.limits.row, styles.days, styles.clocks
        split, name_of, named, known = people.split, people.named.get, _About(title), phrases()
        # The message at hand; before the first one, what stands above it.
        start, count, size, other = 0, 0, 0, False
        drop: str | None = "preamble"
        author, text, more = "", "", [""]
        (by_day, by_month, iso, phone), (_, at, hour) = NEVER, MIDNIGHT
        opening = _Opening(None if self.bots or self.users else self._gap() or _EVER)
        for number, rows, problem in chain(_rows(source, member), _LAST):
            for date, _, time, name, rest in rows:
                day, when = None, clocks[time] if date else None
                if when is not None:
                    day = days[when[0]][date]
                    if day is None and name_of(name):
                        day = styles.quoted[when[0]][date]
                if day is None and rows is not _END:
                    if count == 0:
                        start = number
                    count += 1
                    line = f"{date}{time}{name}: {rest}" if name else date + time + rest
                    size += len(line) + 1
                    other = other or date != ""
                    if drop is None:
                        more.append(line)
                        if problem is not None or size > most:
                            drop, more = problem or "row-too-large", []
                    number += 1
                    continue
                # The message above ends here.
                if drop is None:
                    words = text if count == 1 else "\n".join((text, *more)).rstrip("\n")
                    words, drop, flag = said(words, author, phone, known)
                    if drop is None:
                        flags: str | tuple[str, ...] | None = flag
                        if other or not iso:
                            more_flags = ("" if iso else "ambiguous-time", "other-form" if other else "")
                            flags = tuple(told for told in (flag, *more_flags) if told)
                        moment, meta = (by_day + at, by_month + at), None
                        if opening.may_be(moment, author):
                            meta = f'{named[author]},"time":"{iso}T{hour}"}}' if iso else named[author] + "}"
                        yield Turn(start, chat, author, words, moment, None, None, (), meta, flags, count)
                if drop is not None and count:
                    yield Turn(start, drop=drop, lines=count)
                if day is None or when is None:
                    return
                (by_day, by_month, iso, phone), (_, at, hour), start = day, when, number
                author = name_of(name, "")
                author, text = (author, rest) if author else split(f"{name}: {rest}" if name else rest)
                drop = problem or (None if author else "system-line")
                count, size, other, more = 1, len(text), False, []
                number += 1


_END = [("", "", "", "", "")]
_LAST = ((0, _END, None),)
"""What stands behind the last line: it ends the last message."""


class _Opening:
    """Which messages may become the first turn of a conversation: the first by each author after a pause.

    Only they need `meta`, which else is as large as the texts. Where the file goes back in time counts as a pause; with
    `gap` None (messages of some authors may be left out, so that pauses lie elsewhere) each message may be one.
    """

    def __init__(self, gap: int | None) -> None:
        self._gap, self._last, self._spoken = gap, (0, 0), set[str]()

    def may_be(self, moment: Instant, author: str) -> bool:
        """Take a message into account; say whether it may be one."""
        if self._gap is None:
            return True
        (day, month), (last_day, last_month), gap = moment, self._last, self._gap
        self._last = moment
        if not (0 <= day - last_day <= gap and 0 <= month - last_month <= gap):
            self._spoken.clear()
        elif author in self._spoken:
            return False
        self._spoken.add(author)
        return True


class _About(dict[str, str]):
    """What is told in `meta` of each author, as JSON text that is still open."""

    def __init__(self, title: str) -> None:
        self._chat = {"chat": title} if title else {}

    def __missing__(self, author: str) -> str:
        told = orjson.dumps({**self._chat, "author": author}).decode().removesuffix("}")
        if len(self) < _AUTHORS:
            self[author] = told
        return told


def _rows(
    source: Source, member: str | None, parts: re.Pattern[str] = ROWS
) -> Iterator[tuple[int, list[Row], str | None]]:
    """Give the lines in blocks, taken apart; one that is no UTF-8 has a problem, and what can be read of it."""
    for block in source.lines(member):
        if block.problem is not None:
            yield block.number, [("", "", "", "", "")], block.problem
            continue
        try:
            rows = parts.findall(block.block.decode())[: block.count]
        except UnicodeDecodeError:
            for number, raw in enumerate(block.lines, block.number):
                try:
                    line, problem = raw.decode(), None
                except UnicodeDecodeError:
                    line, problem = raw.decode(errors="replace"), "not-utf8"
                yield number, [row_of(row) for row in parts.findall(line)[:1]], problem
            continue
        yield block.number, [row if row[0] or not OPENS.match(row[4]) else row_of(row) for row in rows], None


def _styles(source: Source, member: str | None, people: _People, stated: bool | None) -> Styles:
    """Look through a chat, and decide what its headers mean."""
    styles = Styles()
    for _, rows, _ in _rows(source, member, HEADS):
        styles.see(rows)
        people.see(row[3] for row in rows if row[3])
    styles.settle(stated)
    return styles


def _plain(rest: str) -> str:
    return _STRANGER.sub("", rest.strip(EDGES), count=1)


def _cuts_a_quote(name: str) -> bool:
    """Say whether a name ends inside a quotation: it is a line of the system, `Ana changed the subject to "a: b"`."""
    marks = Counter(_QUOTES.findall(name))
    return marks['"'] % 2 == 1 or (marks["“"] + marks["”"] + marks["„"]) % 2 == 1 or marks["«"] != marks["»"]


def _title(name: str) -> str:
    """Give the chat's name out of the name of its file; nothing where that holds none."""
    found = phrases().titles.fullmatch(PurePosixPath(name).stem.replace("_", " ").strip())
    return next((group for group in found.groups() if group), "").strip() if found is not None else ""


def _chats(source: Source) -> list[str | None]:
    """List the files that are chats: by WhatsApp's names for them, else by their lines; [None] for a plain file."""
    names = source.members()
    if len(names) < 2:
        return [None]
    texts = [name for name in names if name.lower().endswith(".txt")]
    named = [name for name in texts if _NAMED.fullmatch(name) or _title(name)]
    return [name for name in named or texts[:_MANY] if _looks(source, name)]


_BARE = re.compile(rb"\[[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4} [0-9]{1,2}:[0-9]{2}\] ")
"""Brackets with a year of four digits and neither comma nor seconds: no header that was seen has all three."""


def _of_others(source: Source, member: str | None) -> bool:
    """Say whether the headers are such as other programs write, and nothing names WhatsApp."""
    opening = source.opening(member=member)
    lines = [line for line in opening.split(b"\n")[:200] if line.startswith(b"[")]
    bare = sum(_BARE.match(line) is not None for line in lines)
    return bare * 2 > len(lines) and b"whatsapp" not in f"{source.name} {member}".lower().encode() + opening.lower()


def _looks(source: Source, member: str | None) -> bool:
    """Say whether a file is a chat of WhatsApp: its first line is a header, or many are, and people write in it."""
    name = member or next(iter(source.members()), source.name)
    if PurePosixPath(name).suffix.lower() in (".tsv", ".csv", ".md", ".json", ".jsonl"):
        return False
    text = source.opening(_HEAD, member).decode(errors="replace")
    if "\0" in text:
        return False
    lines = [line for line in text.split("\n")[:500] if line.strip()]
    headers = [HEADER.match(line) for line in lines]
    authors = [
        line[header.end() :].partition(": ")[0]
        for line, header in zip(lines, headers, strict=True)
        if header is not None and ":" in line[header.end() :]
    ]
    if not authors or sum(name.strip("[] ").lower() in _LEVELS for name in authors) * 10 > len(authors):
        return False
    if headers[0] is None and sum(header is not None for header in headers) < 3:
        return False
    if _NAMED.fullmatch(name) or _title(name) or "\u200e" in text:
        return True
    # `[2024-05-01, 10:03] Ana: ...` is how Signal and many a program write.
    return not all(
        header is None or (header[1] is not None and header[2][4:5] == "-" and not _is_phone(header))
        for header in headers
    )


def _is_phone(header: re.Match[str]) -> bool:
    """Say whether a header with the year first is one of an iPhone: a comma behind the date, and seconds."""
    return "," in header[0] and header[3].count(":") == 2
