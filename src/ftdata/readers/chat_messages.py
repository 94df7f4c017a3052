"""Take a chat log apart into messages: lines of text, and objects of JSON.

In plain text, a line `time author: text` opens a message and the lines below belong to it. Forms of it: `[2024-05-01
10:03] Ana: text`, `2024-05-01T10:03:22Z Ana: text`, `01/05/2024, 10:03 - Ana: text`, `10:03 Ana: text`, and `<Ana>
text` after any of these times. Which of them opens a message is settled by the log's own majority, so that a line
inside a message that quotes another form, or begins with a clock, stays where it is; but for a line in another form by
an author who is known: what it says must not become the text of somebody else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ftdata.batch import dumps
from ftdata.jsontext import BadJson, parse
from ftdata.readers.gate import named_private, opens_private
from ftdata.readers.times import Instant, instant
from ftdata.source import Source, is_one_value

_MARKS = "\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # invisible: direction, byte order
_WORD = r"[^\W\d_]{3,10}"
_DATE = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    rf"|\d{{1,2}}\s(?:de\s)?{_WORD}\.?\s(?:de\s)?\d{{4}}|{_WORD}\.?\s\d{{1,2}},?\s\d{{4}}"
)
_CLOCK = (
    r"\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[apAP]\.?\s?[mM]\b\.?)?(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})\b)?"
)
_START = re.compile(
    rf"[\s{_MARKS}]*+(?P<open>[\[(]?)\s?(?:(?P<date>{_DATE})(?:T|,?\s?(?:às|as|at|a las|-|–)?\s))?(?P<clock>{_CLOCK})"
    r"(?:\s?[\])]:?\s*(?:[-–—|]\s+)?|\s?[-–—|]\s+|:?\s+|$)",
    re.I,
)
_ANGLE = re.compile(r"<([^<>\n]{1,80})>(?:\s|$)")
_NAMED = re.compile(r"([^\t<>\n]{1,80}?)\s?:(?=\s|$)")
_EVENT = re.compile(r"\s*(?:===|\*\*\*|-!-)\s+\S")
_DAY_LINE = re.compile(rf"[\s=*–—-]*(?:[^\W\d_]+,?\s)?(?P<date>{_DATE})[\s=*–—:-]*", re.I)
_EDGES = re.compile(rf"^[\s{_MARKS}]+|[\s{_MARKS}]+$")
_WORDS_OF_A_NAME = 8
_NAMES = 10_000  # authors that are remembered
_OF_NAMES = frozenset("de da do das dos del la las los van von der den di du le bin al el".split())
_MIDNIGHT = "1970-01-01 "


class Said(NamedTuple):
    """One message as it came: its first record, how many it takes, its cells in the order of the layout.

    `extra` holds all values of an object of JSON under their paths.
    """

    number: int
    lines: int
    cells: list[str]
    problem: str | None = None
    at: tuple[int, int] | None = None
    bare: bool = False
    flag: str | None = None
    extra: Mapping[str, Any] = {}


class Judged(NamedTuple):
    """One message and what is made of it: who says what in which talk, or the `reason` why it may not be read.

    `name` is the number of a stated name, which counts before `role`.
    """

    said: Said
    reason: str | None
    name: int | None = None
    role: str = ""
    talk: str = ""
    text: str = ""


class Opening(NamedTuple):
    """What opens a message in one log: a time with or without a date, in brackets or bare."""

    dated: bool
    bracketed: bool


class Opened(NamedTuple):
    """The first line of a message. Without an author it is a line of the system."""

    opening: Opening
    date: str
    clock: str
    author: str
    text: str


class Message(NamedTuple):
    """One message: its first record, how many records (lines) it takes, and what they say, or why they say nothing.

    `at` is the time; one without a date (`bare`) counts from midnight.
    """

    number: int
    lines: int
    time: str = ""
    at: Instant | None = None
    bare: bool = False
    author: str = ""
    text: str = ""
    problem: str | None = None
    flag: str | None = None


def opened(line: str, people: Sequence[str] = ()) -> Opened | None:
    """Read a line as the first of a message; None if no time stands at its start.

    `people` are names that the user stated: they may hold a colon and a space, which otherwise end a name.
    """
    match = _START.match(line)
    if match is None:
        return None
    rest = line[match.end() :]
    opening = Opening(match["date"] is not None, bool(match["open"]))
    author, text = _speaks(rest, people)
    return Opened(opening, match["date"] or "", match["clock"], author, text)


def _speaks(rest: str, people: Sequence[str]) -> tuple[str, str]:
    if angle := _ANGLE.match(rest):
        return trimmed(angle[1]), rest[angle.end() :]
    for name in people:
        if rest.startswith(f"{name}:"):
            return name, rest[len(name) + 1 :].removeprefix(" ")
    if named := _NAMED.match(rest):
        author = trimmed(named[1])
        lettered = any(letter.isalnum() or letter > "\u2190" for letter in author)
        if lettered and len(author.split()) <= _WORDS_OF_A_NAME and not _cuts_a_quote(author):
            return author, rest[named.end() :].removeprefix(" ")
    return "", rest


def _cuts_a_quote(name: str) -> bool:
    """Say whether a name ends inside a quotation: it is the line of an event, `Ana set the subject to "a: b"`."""
    curly = sum(map(name.count, "„“”"))
    return name.count('"') % 2 == 1 or curly % 2 == 1 or name.count("«") != name.count("»")


def trimmed(name: str) -> str:
    """Take white space and invisible marks off both ends of a name."""
    return _EDGES.sub("", name)


def opening_of(lines: Sequence[str]) -> Opening | None:
    """Say what opens a message in most of these lines that have an author; None if no line has one."""
    seen = Counter(first.opening for line in lines if (first := opened(line)) and first.author)
    return max(seen, key=lambda opening: (seen[opening], opening)) if seen else None


def messages(
    blocks: Iterator[tuple[int, bytes, str | None]], opening: Opening, people: Sequence[str] = (), most: int = 64 << 20
) -> Iterator[Message]:
    """Cut numbered lines into messages; each line belongs to exactly one. A text beyond `most` is `row-too-large`.

    Problems: `preamble` (before the first message), `system-line` (a line without author, or one of joins and days),
    `not-utf8` and `row-too-large`, also of a message that such a line belongs to: its text would have a hole; and
    `private-note`, where brackets in the author, if `people` does not name it, or before the text mean private.
    A line in another form than `opening` opens a message if its author is in `people` or came before, or it is private;
    by another author it stays in the message above, which gets the flag `other-form`.
    """
    day = ""
    start, count, head = 0, 0, Message(0, 0, problem="preamble")
    texts: list[str] = []
    seen: set[str] = set()
    stated = frozenset(name.strip().casefold() for name in people)
    forms = {opening}
    size = 0

    def done() -> Message:
        text = "" if head.problem else "\n".join(texts).rstrip("\n")
        told = head.problem or ("private-note" if opens_private(text) else None)
        return head._replace(number=start, lines=count, text="" if told else text, problem=told)

    def known(name: str) -> bool:
        return name in seen or name.casefold() in stated

    def private(first: Opened) -> bool:
        named = first.author.casefold() not in stated and named_private(first.author)
        return named or (bool(first.author) and opens_private(first.text))

    def own(first: Opened) -> bool:
        """Say whether a line that begins with a time opens a message."""
        if first.opening in forms and (first.opening == opening or not first.author):
            return first.opening.dated >= opening.dated
        if first.author and known(first.author):
            forms.add(first.opening)
            return True
        return private(first)

    for number, raw, problem in blocks:
        fresh: Message | None = None
        first: Opened | None = None
        line = ""
        if problem:
            fresh = Message(number, 1, problem=problem)
        else:
            try:
                line = raw.decode()
            except UnicodeDecodeError:
                line, problem = raw.decode(errors="replace"), "not-utf8"
            first = opened(line, people)
            if first is not None and not first.author and (name := trimmed(first.text.partition(":")[0])) in seen:
                # `Ana:text`: without a space only a name that is known is one.
                first = first._replace(author=name, text=first.text.partition(":")[2])
            elif first is not None and _is_event(first.author, known):
                first = first._replace(author="")
            if first is not None and own(first):
                hidden = private(first)
                if first.author and not hidden and len(seen) < _NAMES:
                    seen.add(first.author)
                at, bare = _when(first, day, opening.dated)
                line, time = first.text, f"{first.date} {first.clock}".strip()
                told = problem or ("private-note" if hidden else None if first.author else "system-line")
                fresh = Message(number, 1, time, at, bare, first.author, "", told)
            elif not opening.dated and (found := _DAY_LINE.fullmatch(line)) and instant(found["date"]):
                day = found["date"]
                fresh = Message(number, 1, problem=problem or "system-line")
            elif _EVENT.match(line):
                fresh = Message(number, 1, problem=problem or "system-line")
        if fresh is not None:
            if count:
                yield done()
            start, count, head, texts, size = number, 1, fresh, [line], len(line)
            continue
        if count == 0:
            start = number
        elif first is not None and first.author and not head.problem:
            head = head._replace(flag="other-form")
        count += 1
        size += len(line) + 1
        if problem or size > most:
            head = head._replace(problem=head.problem or problem or "row-too-large")
        if head.problem:
            texts = []
        else:
            texts.append(line)
    if count:
        yield done()


def _is_event(author: str, known: Callable[[str], bool]) -> bool:
    """Say whether an author is one who is known and what he did: `Ana changed the subject to a` before a colon.

    Words of an event are lower case, those of a longer name (`Ana Lima`, `Ana de Lima`, `Ana (2)`) are not; where names
    are lower case as well, an event has two words or more.
    """
    if known(author):
        return False
    for space in re.finditer(r"\s", author):
        name, rest = author[: space.start()], author[space.end() :].split()
        if rest and rest[0][0].islower() and rest[0] not in _OF_NAMES and known(name):
            return len(rest) > 1 or not name[0].islower()
    return False


def _when(first: Opened, day: str, dated: bool) -> tuple[Instant | None, bool]:
    # One date in a log of clocks would leave all its clocks without a time.
    date = first.date if dated or day else ""
    date = date or day
    clock = _read(_MIDNIGHT + first.clock)
    if not date:
        return clock, True
    # A log repeats its days and its clocks: read apart, nearly all are known already.
    at = _read(date)
    return None if at is None or clock is None else (at[0] + clock[0], at[1] + clock[1]), False


@lru_cache(maxsize=1 << 15)
def _read(text: str) -> Instant | None:
    return instant(text)


def numbered(source: Source) -> Iterator[tuple[int, bytes, str | None]]:
    """Give the lines of a source one by one, with their record numbers."""
    for block in source.lines():
        for number, line in enumerate(block.lines, block.number):
            yield number, line, block.problem


# --- objects of JSON --------------------------------------------------------------------------------------------------


def objects(source: Source, keys: tuple[str, ...], body: int | None = None) -> Iterator[Said]:
    """Give the objects of a JSON array or of JSON lines, each as the cells of `keys`.

    Problems besides those of the source: `blank-line`, `not-an-object`, `not-text` (its `body` is a list or an object).
    """
    for number, text, problem in _texts(source):
        if problem is None and not text.strip():
            problem = "blank-line"
        if problem is not None:
            yield Said(number, 1, [], problem)
            continue
        try:
            value, duplicate = parse(text, source.limits)
        except BadJson as error:
            yield Said(number, 1, [], error.problem)
            continue
        if not isinstance(value, dict):
            yield Said(number, 1, [], "not-an-object")
            continue
        found = flat(value)
        if body is not None and isinstance(found.get(keys[body]), list | dict):
            problem = "not-text"
        cells = [cell(found.get(key)) for key in keys]
        yield Said(number, 1, cells, problem, flag="duplicate-key" if duplicate else None, extra=found)


def _texts(source: Source) -> Iterator[tuple[int, bytes, str | None]]:
    if is_one_value(source.opening()):
        for record in source.json_texts():
            yield record.number, record.value or b"", record.problem
        return
    yield from numbered(source)


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 3) -> dict[str, Any]:
    """Give an object's values under their paths: `{"author": {"name": ...}}` -> `author.name`."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item and depth > 1:
            found |= flat(item, f"{prefix}{key}.", depth - 1)
        else:
            found[prefix + key] = item
    return found


def cell(value: Any) -> str:
    """Give a value as the text of a cell: nothing for null, JSON text for what is no scalar."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else dumps(value)
