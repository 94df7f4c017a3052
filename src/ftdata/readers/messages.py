"""The base of readers of messages: a reader says what each message is, the rest is the same for all of them.

A reader of a chat or of a mailbox writes one generator, `turns`: who wrote what, when, in which conversation, or why it
may not be read. Here it is decided who is the assistant, where a conversation begins and ends, and that every record
ends in a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, ClassVar, Literal, NamedTuple

import orjson
from pydantic import Field, field_validator

from ftdata.batch import Batch
from ftdata.errors import InputError
from ftdata.readers.columns import quoted
from ftdata.readers.divide import Log, Undecided
from ftdata.readers.durations import micros
from ftdata.readers.gate import Ids, People, listed
from ftdata.readers.layout import Refused
from ftdata.readers.stitch import Dropped, Rules
from ftdata.readers.times import Instant
from ftdata.source import Source
from ftdata.stages import Reader, Sniff

_AT_ONCE = 256  # turns that are handed on together
_LONG = 10_000  # characters: a text that waits for no others
_SPEAKS = frozenset({"user", "assistant"})
_TOLD = frozenset({str, type(None)})
SAMPLE = 500
"""Records that are looked at before a file is read."""


class Turn(NamedTuple):
    """One message as its format tells it.

    `number` is its first record, `lines` how many it takes; `chat` the conversation it belongs to ("" where the format
    knows only one); `author` the author's id (where there is none, the name), `names` what else the author is called
    (a name that begins with `@` is shared by many: a domain). `role` is what the format tells: `user`, `assistant`,
    `bot`, or None. `drop` is the reason why it is left out: its text is then never looked at. `at` is its time, from
    midnight if `bare` of a date; `uncut`: a pause before it divides nothing (a thread, a ticket). `meta` (a mapping, or
    JSON text) counts where it becomes the first turn of a conversation.
    """

    number: int
    chat: str = ""
    author: str = ""
    text: str = ""
    at: Instant | None = None
    role: str | None = None
    drop: str | None = None
    names: tuple[str, ...] = ()
    meta: Mapping[str, Any] | str | None = None
    flag: str | tuple[str, ...] | None = None
    lines: int = 1
    bare: bool = False
    uncut: bool = False


class Told(Reader):
    """Base of readers whose format tells what each message is: give `turns`, and `sniff` with the help of `known`."""

    tells_roles: ClassVar[bool] = False
    """Whether the format itself says who is the assistant; else someone must."""
    evidence: ClassVar[str] = "F"
    """What is known of the format: `F` real files, `C` an exporter's source, `D` documents, `K` hearsay."""
    calls: ClassVar[str] = "NAME"
    """How an author is best stated, for the command that is shown."""

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give each record of the source exactly once, in reading order, as a message or with the reason to drop it."""
        raise NotImplementedError

    # --- a look at the beginning --------------------------------------------------------------------------------------

    def survey(self, source: Source) -> Survey:
        """Look at the first 500 records: how many turns of each role, what is left out and why, who writes."""
        counts: Counter[str] = Counter()
        authors: dict[str, str] = {}
        domains: Counter[str] = Counter()
        for turn in self.turns(source.again(SAMPLE)):
            reason = turn.drop or (None if turn.text.strip() else "empty-text")
            counts[reason or turn.role or "undecided"] += 1
            if reason is None and turn.role is None and len(authors) < 1000:
                authors.setdefault(turn.author, next((name for name in turn.names if name[:1] != "@"), turn.author))
                domains.update(name for name in turn.names if name[:1] == "@")
        return Survey(counts, authors, domains)

    @classmethod
    def _unnamed(cls, survey: Survey) -> Refused:
        # An address would be shown as `[EMAIL_1]`, which nobody can copy: the domain and the name say more.
        shown = [
            name if name == author or "@" in author else f"{name} ({author})"
            for author, name in survey.authors.items()
            if "@" not in name
        ]
        domains = [f"{quoted(name)} ({count})" for name, count in survey.domains.most_common(10)]
        told = [f"the domains and their messages: {', '.join(domains)}"] if domains else []
        told += [f"the authors are {listed(list(dict.fromkeys(shown)))}"] if shown or not told else []
        return Refused(
            "nothing in this format tells who is the assistant; name the author (or authors) who is: "
            f"--from {cls.name} --set 'assistants=[\"{cls.calls}\"]'",
            "; ".join(told),
        )

    @classmethod
    def known(
        cls, source: Source, *evidence: str, fields: Mapping[str, Any] | None = None, confidence: float = 0.95
    ) -> Sniff:
        """Make the verdict on a source that was recognised: `evidence`, and what its first 500 records hold."""
        stated = dict(fields or {})
        refusal = None
        counts: Counter[str] = Counter()
        try:
            survey = cls.model_validate({"path": "-", **stated}).survey(source)
            counts = survey.counts
            if not cls.tells_roles and counts["undecided"]:
                refusal = str(cls._unnamed(survey))
        except (Refused, InputError) as error:
            refusal = str(error)
        shown = ", ".join(f"{count} {what}" for what, count in counts.most_common())
        found = [*evidence, f"the first {sum(counts.values())} records: {shown or 'none'}"]
        if cls.evidence == "K":
            found.append("experimental: written without a real file of this format")
        force = " ".join([f"--from {cls.name}", *(f"--set {key}={value}" for key, value in stated.items())])
        if not cls.tells_roles:
            force += f" --set 'assistants=[\"{cls.calls}\"]'"
        return Sniff(confidence, tuple(found), stated, force, refusal, counts)


class Messages(Told):
    """Base of readers of messages: give `turns`, and `sniff` with the help of `known`.

    Records left out, besides the reasons of `turns` and of the source: `bot`, `unknown-author`, `empty-text`,
    `leading-agent`, `trailing-user`, `no-assistant`, `no-user`, `no-answer`, `repeated-message`.
    Flags: `several-users`, `unparsed-time`, `ambiguous-time`. Raises `InputError` where it is not clear who is the
    assistant, or which name is whose.
    """

    pause: ClassVar[int | None] = 60
    """Minutes after which a new conversation begins, where `gap` is not stated: the upper end of the 30 to 60 minutes
    at which chats are cut in practice; None: what has one id is one conversation."""
    rooms: ClassVar[bool] = True
    """Whether many people may write in one conversation, so that a second user is worth the flag `several-users`."""

    assistants: Ids = Field((), description="authors (id or name) who are assistants; all others are users")
    users: Ids = Field((), description="authors who are users; if given with `assistants`, all others are dropped")
    bots: Ids = Field((), description="authors who are bots; dropped, unless `with_bots`")
    me: str | None = Field(None, description="your own name in the export: you are the assistant")
    with_bots: bool = Field(False, description="take bots for assistants")
    gap: str | float | Literal[False] | None = Field(
        None,
        description="pause after which a user's message opens a new conversation: minutes, or `45m`, `1h30m`, `2d`; "
        "false: none",
    )
    merge: str | Literal[False] = Field(
        "\n\n", description="text between consecutive turns of one role, which become one; false keeps them apart"
    )
    greeting: bool = Field(False, description="keep what the assistant says before the user's first message")

    @field_validator("gap", mode="before")
    @classmethod
    def _pause(cls, value: Any) -> Any:
        if value is not None and value is not False and (value is True or not micros(value)):
            raise ValueError("must be minutes (45), a duration (45m, 1h30m, 2d), or false for none")
        return value

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the messages."""
        try:
            if not self.tells_roles and not self._assistants:
                raise self._unnamed(self.survey(source))
            yield from self._read(source)
        except Refused as refusal:
            raise refusal.of(source.name) from None
        except Undecided:
            raise InputError(
                f"{source.name}: the times do not tell whether the day or the month stands first, and where a "
                "conversation ends depends on it; say which: --set day_first=true (03/04 is 3 April) or false"
            ) from None

    @property
    def _assistants(self) -> tuple[str, ...]:
        return self.assistants if self.me is None else (*self.assistants, self.me)

    def _read(self, source: Source, turns: Iterator[Turn] | None = None) -> Iterator[Batch]:
        stated = [
            (name, role)
            for role, names in (("assistant", self._assistants), ("user", self.users), ("bot", self.bots))
            for name in names
        ]
        people, log, out = People([name for name, _ in stated]), Log(source.scratch), Dropped()
        called = _Called(people)
        marks: dict[str, list[int]] = {}
        try:
            some: list[Turn] = []
            for turn in self.turns(source) if turns is None else turns:
                some.append(turn)
                if len(some) >= _AT_ONCE or len(turn[3]) >= _LONG:
                    for left_out in self._take(some, called, marks, log):
                        out.add(*left_out)
                        if out.full:
                            yield out.batch()
                    some = []
            for left_out in self._take(some, called, marks, log):
                out.add(*left_out)
            if len(out):
                yield out.batch()
            yield from log.batches(
                Rules(None if self.merge is False else self.merge, log.timed, greeting=self.greeting),
                gap=self._gap() if log.timed else None,
                day_first=getattr(self, "day_first", None),
                names=[
                    "assistant" if role == "bot" and self.with_bots else role
                    for role in called.settle(stated, whole=bool(called) and not source.sampled)
                ],
                mixed=self.rooms,
                flags=marks,
            )
        finally:
            log.close()

    def _take(
        self, turns: list[Turn], called: _Called, marks: dict[str, list[int]], log: Log
    ) -> list[tuple[int, int, str]]:
        """Put turns into the log; give those that are left out: the first record, their number, the reason."""
        # Column by column: turn by turn it takes twice as long.
        reasons: list[str | None] = [turn[6] for turn in turns]
        texts = [turn[3] for turn in turns]
        if not all(texts) or any(map(str.isspace, texts)):
            reasons = [
                reason or (None if text and not text.isspace() else "empty-text")
                for reason, text in zip(reasons, texts, strict=True)
            ]
        heard = turns
        if reasons.count(None) < len(turns):
            heard = [turn for turn, reason in zip(turns, reasons, strict=True) if not reason]
        if heard:
            number, chat, author, text, at, role, _, names, meta, flag, lines, bare, uncut = zip(*heard, strict=True)
            others = "user" if self._assistants and not self.users else "unknown-author"
            roles = [one or others for one in role]
            if self.with_bots:
                roles = ["assistant" if one == "bot" else one for one in roles]
            if flag.count(None) < len(flag):
                for record, found in zip(number, flag, strict=True):
                    for one in () if found is None else (found,) if isinstance(found, str) else found:
                        marks.setdefault(one, []).append(record)
            known = [called[who] for who in zip(author, map(tuple, names), strict=True)]
            told = meta
            if not set(map(type, meta)) <= _TOLD:
                told = tuple(one if one is None or isinstance(one, str) else orjson.dumps(one).decode() for one in meta)
            columns: list[Sequence[Any]] = [number, chat, roles, text, lines, author, known, at, bare, uncut, told]
            if not _SPEAKS.issuperset(roles):
                speaks = [name is not None or one in _SPEAKS for name, one in zip(known, roles, strict=True)]
                silent = iter([None if one else why for one, why in zip(speaks, roles, strict=True)])
                reasons = [reason or next(silent) for reason in reasons]
                columns = [list(compress(column, speaks)) for column in columns]
            if columns[0]:
                log.extend(columns)
        if reasons.count(None) == len(turns):
            return []
        return [(turn[0], turn[10], why) for turn, why in zip(turns, reasons, strict=True) if why]

    def _gap(self) -> int | None:
        if self.gap is None:
            return None if self.pause is None else self.pause * 60_000_000
        return None if self.gap is False else micros(self.gap)


def files(source: Source, pattern: str) -> list[str | None]:
    """List the files of an input that a reader takes: those whose path the pattern ends with; [None] for a plain file.

    A folder or archive of one file is that file, whatever its name. Numbers in names count as numbers: `message_10`
    stands behind `message_9`.
    """
    names = source.members()
    if len(names) < 2:
        return [None]
    wanted = re.compile(rf"(?:.*/)?(?:{pattern})", re.IGNORECASE)
    return [*sorted((name for name in names if wanted.fullmatch(name)), key=_numbered)]


def _numbered(name: str) -> list[str | int]:
    return [int(part) if at % 2 else part for at, part in enumerate(re.split(r"([0-9]{1,18})", name))]


class Survey(NamedTuple):
    """What the first records hold: how many are what, the authors whose role nothing tells, with their names, and the
    names that begin with `@` (domains) with their messages."""

    counts: Counter[str]
    authors: Mapping[str, str]
    domains: Counter[str] = Counter()


class _Called(dict[tuple[str, tuple[str, ...]], int | None]):
    """Which of the stated names an author has, by id and other names: by id, or by a name that no second author has."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._bearers: dict[int, set[str]] = {}

    def __missing__(self, who: tuple[str, tuple[str, ...]]) -> int | None:
        author, names = who
        number = self._people.number(author.strip())
        if number is None:
            for name in names:
                number = self._people.number(name.strip())
                if number is not None:
                    if name[:1] != "@":
                        self._bearers.setdefault(number, set()).add(author)
                    break
        if len(self) < 100_000:
            self[who] = number
        return number

    def settle(self, stated: list[tuple[str, str]], *, whole: bool) -> list[str | None]:
        for ids in self._bearers.values():
            if len(ids) > 1:
                raise Refused(
                    f"{len(ids)} authors have a name that was stated; give the id of the one who is meant",
                    f"their ids are {listed(sorted(ids))}",
                )
        return self._people.settle(stated, whole=whole)
