"""Read chat logs: one message a row of a table, an object of JSON, or a line of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from ftdata.batch import Batch, Rows, dumps, make_batch
from ftdata.errors import InputError
from ftdata.readers import chat_messages as chat
from ftdata.readers import words as w
from ftdata.readers.chat_messages import Judged, Said, cell, objects
from ftdata.readers.chat_plan import COLUMNS, Plan, Stated, bare_id, form_of, is_private, plan
from ftdata.readers.chat_sniff import sniffed
from ftdata.readers.divide import Log, Undecided
from ftdata.readers.durations import micros
from ftdata.readers.gate import Ids, People, Roles, privacy, speaker, text_of
from ftdata.readers.layout import Layout, Refused
from ftdata.readers.replies import Forest, finish
from ftdata.readers.stitch import Rules, Stitch
from ftdata.readers.tickets import Tickets
from ftdata.readers.times import Days, instant
from ftdata.source import Source
from ftdata.stages import Reader, Sniff

_PAUSE = 60
"""Minutes without a message after which a new conversation begins, where nothing else tells: the upper end of the 30 to
60 minutes at which chats are cut in practice."""
_NAME = 40  # a longer author is no word for a role


class ChatLog(Reader):
    """Read a chat log: a table (CSV, TSV) with a message a row, JSON with a message an object, or lines of text.

    Lines of text are `time author: text` or `time <author> text`, the time with or without a date and brackets; lines
    below belong to the message above. Brackets in their author, if no field names it, or before their text may say
    `private-note`: `Amy (whisper)`, `[nota interna] ...`. Columns and keys (nested: `author.name`) are guessed as
    `tickets` guesses them, and each can be stated. Who is the assistant is never guessed: a role column tells, or
    `assistants`.

    Where each message names the one that it answers (`in_reply_to`, `parent_id`), every path from a first message to a
    last one is a conversation; what paths have in common is owned by the first of them. Else

    a conversation is what has one id, cut after an assistant turn that a pause longer than `gap` follows, if then a
    user writes, or the assistant for another user; without an id and a `gap`, the pause is 60 minutes. Times order the
    messages, then the file does; a message without one stays behind the one above it; a log newest first is turned
    round; clocks without a date pass midnight where they fall by more than an hour. Times without a zone stay without.

    Records left out, each a row without text: `preamble` (lines before the first message), `system-line`,
    `private-note`, `unknown-visibility`, `bot`, `unwanted-role`, `unknown-role`, `unknown-author`, `orphan` (no
    conversation id), `empty-text`, `not-text`, `leading-agent`, `trailing-user`, `no-assistant`, `no-user`,
    `no-answer`, `repeated-message`, `blank-line`, `not-an-object`, besides those of the source.
    Flags: `no-visibility-column`, `one-conversation`, `several-users` (no id, and more than one user writes),
    `unparsed-time`, `ambiguous-time`, `duplicate-key`, `other-form` (a line in another form, by an unknown author, is
    taken as part of the message above it).

    `meta` holds the other columns under their names, with the conversation id, the time and the author of the first
    turn; never a column of internal notes. Raises `InputError` where it is not clear who is the assistant, which name
    in `assistants` is whose, or whether the day or the month stands first and the cuts depend on it.
    """

    name: ClassVar[str] = "chat-log"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})
    warns: ClassVar[Mapping[str, str]] = {
        **Tickets.warns,
        "one-conversation": "neither a conversation id nor times tell where a conversation ends: the whole log is one; "
        "name the column with `key`",
    }

    form: Literal["table", "json", "lines"] | None = Field(
        None, description="`table` (CSV, TSV), `json` (an array, or an object a line), `lines` of text; told by itself"
    )
    key: str | None = Field(None, description="column of the conversation id; guessed")
    gap: str | float | Literal[False] | None = Field(
        None,
        description="pause after which a user's message opens a new conversation: minutes, or `45m`, `1h30m`, `2d`; "
        "false: none; default: none where there is a conversation id, else 60 minutes",
    )
    body: str | None = Field(None, description="column of the message text")
    author: str | None = Field(None, description="column of the author's id or name")
    id: str | None = Field(None, description="column of a message's own id, which `parent` names")
    parent: str | None = Field(
        None, description="column of the id of the message that each one answers: every path is a conversation; guessed"
    )
    role: str | None = Field(None, description="column that says user or assistant, customer or agent")
    time: str | None = Field(None, description="column of the time")
    visibility: str | None = Field(None, description="column that says public or private")
    roles: Roles = Field(
        (), description="what the values of the role column mean: user, assistant, bot, system, private or drop"
    )
    assistants: Ids = Field((), description="authors (id or name) who are assistants; all others are users")
    users: Ids = Field((), description="authors who are users; if given with `assistants`, all others are dropped")
    bots: Ids = Field((), description="authors who are bots; dropped")
    me: str | None = Field(None, description="your own name in the log: you are the assistant")
    public: Ids = Field((), description="values of the visibility column that mean public; all others are private")
    assume_public: bool = Field(False, description="take every message as public where no column tells")
    merge: str | Literal[False] = Field(
        "\n\n", description="text between consecutive turns of one role, which become one; false keeps them apart"
    )
    greeting: bool = Field(False, description="keep what the assistant says before the user's first message")
    day_first: bool | None = Field(None, description="whether 03/04 is 3 April; decided over the whole log")
    html: Literal["auto", "always", "never"] = Field("auto", description="turn HTML bodies to text")
    blanks: tuple[str, ...] = Field(
        ("-", "--", "null", "NULL", "nan", "NaN", "None", "N/A", "n/a", "#N/A"),
        description="cells that mean empty, besides empty ones",
    )
    header: bool | None = Field(
        None, description="whether the first row holds the names; refused if it looks like data"
    )
    delimiter: str | None = Field(None, description="character between cells; guessed", min_length=1, max_length=1)
    quotechar: str | None = Field('"', description="character around cells; an empty text turns quoting off")

    @field_validator("gap", mode="before")
    @classmethod
    def _pause(cls, value: Any) -> Any:
        if value is not None and value is not False and (value is True or not micros(value)):
            raise ValueError("must be minutes (45), a duration (45m, 1h30m, 2d), or false for none")
        return value

    @field_validator("quotechar")
    @classmethod
    def _quote(cls, value: str | None) -> str | None:
        if value is not None and len(value) > 1:
            raise ValueError('must be one character, or "" for none')
        return value

    def reads_meta(self) -> frozenset[str]:
        """A reader reads no meta."""
        return frozenset()

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know a table, JSON or lines of text with an author, a text, and a time or a conversation a message."""
        return sniffed(source, _PAUSE)

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the log."""
        form = self.form or form_of(source)
        try:
            found = plan(source, form, self._stated())
            if found is None:
                yield from _dropped(self._nothing(source, form))
                return
            if "role" not in found.layout.columns and not self._assistants:
                raise found.unnamed()
            if found.replies is not None:
                yield from self._answered(source, found, *found.replies)
            else:
                yield from self._read(source, found)
        except Refused as refusal:
            raise refusal.of(source.name) from None
        except Undecided:
            raise InputError(
                f"{source.name}: the times do not tell whether the day or the month stands first, and where a "
                "conversation ends depends on it; say which: --set day_first=true (03/04 is 3 April) or false"
            ) from None

    def _stated(self) -> Stated:
        return Stated(
            columns={name: value for name in COLUMNS if (value := getattr(self, name)) is not None},
            dialect=self._dialect(),
            header=self.header,
            people=self._people(),
            assistants=bool(self._assistants),
            roles=bool(self.roles),
            assume_public=self.assume_public,
        )

    def _dialect(self) -> dict[str, Any]:
        quotechar, header = self.quotechar or None, self.header is not False
        return {"delimiter": self.delimiter, "quotechar": quotechar, "header": header}

    @property
    def _assistants(self) -> tuple[str, ...]:
        return self.assistants if self.me is None else (*self.assistants, self.me)

    def _rules(self, timed: bool, flags: tuple[str, ...]) -> Rules:
        return Rules(None if self.merge is False else self.merge, timed, flags, self.greeting)

    def _people(self) -> tuple[str, ...]:
        return (*self._assistants, *self.users, *self.bots)

    # --- the messages -------------------------------------------------------------------------------------------------

    def _read(self, source: Source, plan: Plan) -> Iterator[Batch]:
        people, days, log = People(self._people()), Days(), Log(source.scratch)
        marks: dict[str, list[int]] = {"duplicate-key": [], "other-form": []}
        try:
            yield from _dropped(self._gathered(source, plan, log, people, days, marks))
            columns = plan.layout.columns
            key, author = columns.get("key"), columns.get("author")
            flags = (*plan.layout.flags, *(("one-conversation",) if key is None and not log.timed else ()))
            yield from log.batches(
                self._rules(log.timed, flags),
                gap=self._gap(key is not None and not plan.rooms) if log.timed else None,
                day_first=days.day_first(self.day_first),
                # A look at a log's beginning may not have met them all.
                names=people.settle(self._stated_roles(), whole=not source.sampled),
                mixed=(key is None or plan.rooms) and author is not None and author != columns.get("role"),
                flags=marks,
            )
        finally:
            log.close()

    def _gathered(
        self, source: Source, plan: Plan, log: Log, people: People, days: Days, marks: dict[str, list[int]]
    ) -> Iterator[tuple[range, str]]:
        """Add to the log what may be read; give the records of what may not, with the reason."""
        author, meta = plan.layout.columns.get("author"), self._meta(plan)
        for one in self._judged(source, plan, people, days):
            said = one.said
            if one.reason is not None:
                yield range(said.number, said.number + said.lines), one.reason
                continue
            if said.flag:
                marks[said.flag].append(said.number)
            log.add(
                said.number,
                one.talk,
                one.role,
                one.text,
                lines=said.lines,
                author="" if author is None else said.cells[author].strip(),
                name=one.name,
                at=said.at,
                bare=said.bare,
                meta=meta(said),
            )

    def _judged(self, source: Source, plan: Plan, people: People, days: Days) -> Iterator[Judged]:
        """Say of each message who speaks and what, or why it may not be read."""
        columns = plan.layout.columns
        body, key, author = columns["body"], columns.get("key"), columns.get("author")
        text, hidden, who = self._text(plan), self._hidden(plan), self._speaker(plan.layout)
        for said in self._said(source, plan, days):
            cells, reason = said.cells, said.problem
            name = None if author is None or reason else people.number(cells[author].strip())
            reason = reason or hidden(said)
            if reason is not None:
                yield Judged(said, reason)
                continue
            role, talk = who(cells), cells[key].strip() if key is not None else ""
            if role == "private-note" or (name is None and role not in ("user", "assistant")):
                yield Judged(said, role)
            elif key is not None and not talk:
                yield Judged(said, "orphan")
            elif not (words := text(cells[body])):
                yield Judged(said, "empty-text")
            else:
                yield Judged(said, None, name, role, talk, words)

    # --- messages that name the one they answer -----------------------------------------------------------------------

    def _answered(self, source: Source, plan: Plan, own: int, parent: int) -> Iterator[Batch]:
        """Read a log in which each message names the one that it answers: each path of the tree is a conversation."""
        people, days, forest = People(self._people()), Days(), Forest()
        bots = {name.strip().casefold() for name in self.bots}
        author, meta = plan.layout.columns.get("author"), self._meta(plan)

        def silent(one: Judged) -> str | None:
            called = "" if author is None or one.reason else one.said.cells[author].strip().casefold()
            return one.reason or ("bot" if called in bots else None)

        for place, one in enumerate(self._judged(source.again(), plan, people, days)):
            if one.said.problem is None:
                cells = one.said.cells
                forest.add(one.said.number, bare_id(cells[own]), bare_id(cells[parent]), silent(one) is None)
            if place % 10_000 == 0:
                yield make_batch(0, {})
        forest.settle()
        names = people.settle(self._stated_roles(), whole=not source.sampled)
        rules = self._rules("time" in plan.layout.columns, plan.layout.flags)
        stitch = Stitch(rules, source.scratch, finish=finish)

        def told() -> Iterator[tuple[range, str]]:
            for one in self._judged(source, plan, people, Days()):
                said, reason = one.said, silent(one)
                role = (names[one.name] if one.name is not None else None) or one.role
                stand = None if said.problem else forest.of(said.number - source.first + 1)
                if reason is None and stand is None:
                    reason = "orphan"
                if reason is None and role not in ("user", "assistant"):
                    reason = role
                if reason is not None or stand is None:
                    yield range(said.number, said.number + said.lines), reason or "orphan"
                    continue
                up = None if stand[1] is None else stand[1] + source.first - 1
                stitch.add(said.number, str(stand[0]), role, one.text, time=said.at, meta=meta(said), parent=up)

        try:
            yield from _dropped(told())
            yield from stitch.batches(days.day_first(self.day_first))
        finally:
            stitch.close()

    def _stated_roles(self) -> list[tuple[str, str]]:
        roles = (("assistant", self._assistants), ("user", self.users), ("bot", self.bots))
        return [(name, role) for role, names in roles for name in names]

    def _said(self, source: Source, plan: Plan, days: Days) -> Iterator[Said]:
        at = plan.layout.columns.get("time")
        if plan.opening is not None:
            lines = chat.numbered(source)
            for one in chat.messages(lines, plan.opening, self._people(), source.limits.row):
                if plan.opening.dated and one.time and one.time[4:5] != "-":
                    days.see(one.time)
                cells = [one.time, one.author, one.text]
                yield Said(one.number, one.lines, cells, one.problem, one.at, one.bare, one.flag)
            return
        body = plan.layout.columns["body"]
        for said in objects(source, plan.keys, body) if plan.form == "json" else self._rows(source):
            when = said.cells[at].strip() if at is not None and said.problem is None else ""
            if not when:
                yield said
                continue
            days.see(when)
            moment = instant(when)
            bare = moment is None and (moment := instant(f"1970-01-01 {when}")) is not None
            yield said._replace(at=moment, bare=bare)

    def _rows(self, source: Source) -> Iterator[Said]:
        for number, _, cells, problem in source.csv_records(**self._dialect()):
            yield Said(number, 1, cells, problem)

    def _nothing(self, source: Source, form: str) -> Iterator[tuple[Iterable[int], str]]:
        """Give the records of a log that holds no message, each with the reason why it is left out."""
        if form == "lines":
            yield from (((number,), problem or "blank-line") for number, _, problem in chat.numbered(source))
            return
        for said in objects(source, ()) if form == "json" else self._rows(source):
            yield (said.number,), said.problem or "empty-text"

    # --- what is made of one message ----------------------------------------------------------------------------------

    def _text(self, plan: Plan) -> Callable[[str], str]:
        """Make the function from a body to its text. In lines of text, `-` and `<b>` are what somebody wrote."""
        text = text_of(plan.layout.columns["body"], plan.layout, self.html, self.blanks)
        if plan.form != "lines" or self.html != "auto":
            return text
        return lambda body: body if body.strip() else ""

    def _meta(self, plan: Plan) -> Callable[[Said], str]:
        """Make the function from a message to its columns that became no text, as JSON text under their names."""
        columns, layout = plan.layout.columns, plan.layout
        used = {columns["body"], *layout.gates, *layout.internal}
        if "role" in columns and plan.form != "lines":
            used.add(columns["role"])
        kept = [(name, index) for index, name in enumerate(layout.names) if index not in used]
        if plan.form != "json":
            return lambda said: orjson.dumps({name: said.cells[index] for name, index in kept}).decode()
        known, left = frozenset(plan.keys), frozenset(plan.keys[index] for index in used)

        def values(said: Said) -> str:
            found = said.extra.items()
            return dumps({k: v for k, v in found if k not in left and (k in known or not is_private(k))})

        return values

    def _hidden(self, plan: Plan) -> Callable[[Said], str | None]:
        """Make the privacy gate. An object of JSON may hold a key that the sample lacked, or lack one that it had."""
        gate, gates = privacy(plan.layout, self.public), plan.layout.gates
        if plan.form != "json":
            return lambda said: gate(said.cells)
        keys = frozenset(plan.keys)

        def hidden(said: Said) -> str | None:
            reason = None if self.assume_public and not any(said.cells[i] for i in gates) else gate(said.cells)
            for name, value in said.extra.items():
                if name in keys or not is_private(name):
                    continue
                told = cell(value).strip()
                if told and len(told) < 60 and len(told.split()) < 4:  # longer: a note beside the message
                    reason = reason or privacy(Layout("message", (name,), {}, (0,)), self.public)([told])
            return reason

        return hidden

    def _speaker(self, layout: Layout) -> Callable[[list[str]], str]:
        """Make the function that says who speaks, where the author is none of the stated names.

        An author who is called what bots and systems are called is one, also beside `assistants`.
        """
        # An author that nobody has stands for the names stated: that there are some decides what all others are.
        assistants, users = (("\0",) if stated else () for stated in (self._assistants, self.users))
        who = speaker(layout, roles=self.roles, assistants=assistants, users=users)
        author = None if "role" in layout.columns else layout.columns.get("author")

        def called(cells: list[str]) -> str:
            kind = None if author is None or len(cells[author]) > _NAME else w.speaker(cells[author])
            return {"bot": "bot", "system": "system-line", "private": "private-note"}.get(kind or "") or who(cells)

        return called

    def _gap(self, divided: bool) -> int | None:
        if self.gap is None:
            return None if divided else _PAUSE * 60_000_000
        return None if self.gap is False else micros(self.gap)


def _dropped(lost: Iterable[tuple[Iterable[int], str]]) -> Iterator[Batch]:
    """Give a row for each reason to leave records out."""
    out = Rows()
    for records, reason in lost:
        out.add(records, drop=reason)
        if out.full:
            yield out.batch()
    if len(out):
        yield out.batch()
