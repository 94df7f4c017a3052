"""An export of a help desk, opened: which files it has, what is known of people and tickets, and its messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ftdata.readers.columns import quoted
from ftdata.readers.help_desk.dialect import Dialect, Shape, shipped
from ftdata.readers.help_desk.fields import Fields, Objects
from ftdata.readers.help_desk.holders import Holders
from ftdata.readers.help_desk.outline import File, recognise
from ftdata.readers.help_desk.records import entries, fields_of, looked_up, pieces
from ftdata.readers.help_desk.saying import Asked, Known, Person, Say, name_of, role, saying, ticket
from ftdata.readers.layout import Refused
from ftdata.readers.messages import Turn
from ftdata.readers.times import Days
from ftdata.source import Record, Source

PUBLIC = "assume_public=true"


class Wanting(Refused):
    """Say that a setting is missing without which the export cannot be read: `setting`, as `--set` takes it."""

    def __init__(self, problem: str, setting: str) -> None:
        super().__init__(problem)
        self.setting = setting


class Export:
    """An input that these dialects know. Raises `Refused` where none does, or it cannot be read as it is.

    `more` are files beside a single one: tables of tickets or of people that it needs. `holders` gathers the records
    that hold no message themselves, while `turns` is read.
    """

    def __init__(
        self, source: Source, dialects: Sequence[Dialect] | None, asked: Asked, more: Sequence[str] = ()
    ) -> None:
        self._source = source
        dialects = list(shipped().values()) if dialects is None else dialects
        self.files = recognise(source, dialects)
        self._sides: list[tuple[Source, File]] = []
        for name in more:
            side = source.lookup(name)
            found = recognise(side, [self.files[0].dialect] if self.files else dialects)
            if not found:
                raise Refused(f"{side.name}: is no table of tickets or people that this dialect knows")
            self._sides += [(side, file) for file in found]
        if not self.files:
            raise Refused("no dialect knows this export")
        self.dialect = self.files[0].dialect
        self._asked = replace(asked, boilerplate=self.dialect.boilerplate)
        self._said = [file for file in self.files if file.shape.kind == "messages"]
        self._tickets = [file for file in self.files if file.shape.kind == "tickets"]
        self._aside = [file for file in self._tickets if self._only_looked_up(file)]
        self._tickets = [file for file in self._tickets if file not in self._aside]
        self._people = [file for file in self.files if file.shape.kind == "users"]
        self.holders = Holders()
        self._index: dict[str, Known] | None = None
        self._refuse()

    # --- what it is ---------------------------------------------------------------------------------------------------

    def _only_looked_up(self, file: File) -> bool:
        """Say whether a file of tickets holds no message: it is read to know the tickets, and hands out nothing."""
        shape = file.shape
        if shape.first is not None or shape.entries is not None or file.holds_messages:
            return False
        return bool(self._said) or file.table or not shape.messages

    @property
    def shapes(self) -> list[Shape]:
        """The shapes that were recognised, each once."""
        return list({id(file.shape): file.shape for file in self.files}.values())

    @property
    def whole_talks(self) -> bool:
        """Whether a record holds a whole conversation."""
        return any(file.shape.entries is not None for file in self._tickets)

    @property
    def unanswered(self) -> Shape | None:
        """The shape of an export that holds questions only, as far as its beginning tells."""
        if self._said or self.whole_talks or not self._tickets or any(file.holds_messages for file in self._tickets):
            return None
        return self._tickets[0].shape

    def _refuse(self) -> None:
        if not self._said and not self._tickets:
            shape = self.files[0].shape
            advice = shape.advice or "give the messages too"
            raise Refused(f"no messages with their answers in this file; this looks like {shape.title}; {advice}")
        for file in [*self._said, *self._tickets]:
            self._refuse_unseen(file)
        self._refuse_unknown()

    def _refuse_unseen(self, file: File) -> None:
        """Refuse a file that lacks what its format has to tell who may read a message."""
        spec = file.shape.message
        if spec is None or spec.visibility is None or self._asked.assume_public:
            return
        if file.shape.entries is not None:
            raise Wanting(
                f"this looks like {file.shape.title}, which does not say which messages are internal; if none is, "
                "say so: --set assume_public=true",
                PUBLIC,
            )
        inside = file.shape.kind == "tickets"
        if inside and not file.shows_messages:
            return
        if not any(file.has(path, messages=bool(file.shape.messages)) for path in spec.visibility.path):
            what = f"its column {quoted(spec.visibility.path[0])}" if file.table else quoted(spec.visibility.path[0])
            raise Wanting(
                f"this looks like {file.shape.title}, but {what} is missing, so private notes cannot be told from "
                "replies; export it again with that, or, if every message was visible to the customer, say so: "
                "--set assume_public=true",
                PUBLIC,
            )

    def _refuse_unknown(self) -> None:
        """Refuse messages of which nothing tells who is an agent."""
        if self._asked.names or self._people or self._tickets or self._aside or self._sides:
            return
        for file in self._said:
            spec = file.shape.message
            told = [path for who in spec.role for path in who.path] if spec else []
            if spec and spec.others is None and not any(file.has(path, bool(file.shape.messages)) for path in told):
                if next(self._people_beside(file), None) is not None:
                    continue
                raise Wanting(
                    f"this looks like {file.shape.title}, and nothing in it tells who is an agent; give the folder "
                    "that holds the users too, or name their file (--set 'users_file=\"user.csv\"'), or the agents by "
                    "their ids: --set 'assistants=[\"ID\"]'",
                    "'assistants=[\"ID\"]'",
                )

    # --- what is looked up --------------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        people = self._asked.people
        for side, file in [*((self._source, file) for file in self._people), *self._sides]:
            if file.shape.kind == "users":
                people.update(_people(looked_up(side, file), file))
        for file in self._tickets + self._said:
            people.update(self._people_beside(file))
        for side, file in [*((self._source, file) for file in self._aside), *self._sides]:
            if file.shape.kind == "tickets":
                known = ticket(file.shape.ticket, fields_of(file))
                for record in looked_up(side, file):
                    self._learn(known(record))

    def _people_beside(self, file: File) -> Iterator[tuple[str, Person]]:
        """Give the people that stand in a document of tickets beside them, at a key of their own."""
        if file.table or file.inside is None or "." in file.inside:
            return
        for shape in self.dialect.shape:
            if shape.kind != "users" or shape.users is None:
                continue
            for key in shape.lists:
                if key != file.inside and self._stands_there(file, key):
                    beside = self._source.again().json_within(key, member=file.member)
                    values = (record.value for record in beside if isinstance(record.value, dict))
                    yield from _people(values, replace(file, shape=shape)).items()

    def _stands_there(self, file: File, key: str) -> bool:
        wanted, before = f'"{key}"'.encode(), b""
        side = self._source if file.member is None else self._source.lookup(file.member)
        for piece in side.content():
            if wanted in before + piece:
                return True
            before = piece[-len(wanted) :]
        return False

    def _learn(self, known: Known) -> None:
        if self._index is None:
            self._index = {}
        if known.id and known.reason != "history":
            self._index[known.id] = known

    # --- the messages -------------------------------------------------------------------------------------------------

    def turns(self) -> Iterator[Turn]:
        """Give the messages, tickets before those that stand in files of their own; records that hold none go to
        `holders`. A record that holds a whole conversation gives several turns of one number."""
        self._look_up()
        for file in self._tickets:
            yield from self._of_tickets(file)
        for file in self._said:
            yield from self._of_messages(file)

    def _of_tickets(self, file: File) -> Iterator[Turn]:
        shape, fields = file.shape, fields_of(file)
        known_of = ticket(shape.ticket, fields)
        first = saying(shape.first, shape.ticket, fields, self._asked, opens=True) if shape.first else None
        inside = _Inside(shape, fields, self._asked)
        learns = bool(self._said)
        for number, value, problem, parts in pieces(self._source, file):
            if problem is not None:
                yield Turn(number, drop=problem)
                yield from (Turn(part.number, drop="orphan") for part in parts)
                continue
            known = known_of(value)
            if learns:
                self._learn(known)
            if not known.id:
                # Without an id its messages still belong together: it is one conversation of its own.
                known = known._replace(id=f"\0{number}")
            if first is not None:
                yield first(value, number, known)
            elif known.reason is not None:
                yield Turn(number, drop=known.reason)
            elif inside.entries is None:
                self.holders.add(number, len(parts), shape.holder)
            yield from inside.turns(number, value, parts, known)

    def _of_messages(self, file: File) -> Iterator[Turn]:
        shape, fields = file.shape, fields_of(file)
        assert shape.message is not None
        key_of = fields.get(shape.message.ticket)
        index = self._index
        parted = bool(shape.messages)
        say = saying(shape.message, shape.ticket, Objects() if parted else fields, self._asked, own=not parted)
        about = ticket(shape.ticket.model_copy(update={"id": shape.message.ticket}), fields)

        def known_of(value: Any) -> Known | None:
            if index is not None:
                return index.get(name_of(key_of(value)))
            known = about(value)
            return known if known.id else None

        for number, value, problem, parts in pieces(self._source, file):
            if problem is not None:
                yield Turn(number, drop=problem)
                yield from (Turn(part.number, drop="orphan") for part in parts)
            elif parted:
                self.holders.add(number, len(parts), shape.holder)
                known = known_of(value)
                for part in parts:
                    yield _turn(say, part, known, value)
            else:
                yield say(value, number, known_of(value))

    # --- whole conversations ------------------------------------------------------------------------------------------

    def day_first(self) -> bool | None:
        """Say, from all times in cells, whether the day stands first in them; None where they do not tell."""
        days = Days()
        for file in self._tickets:
            shape, fields = file.shape, fields_of(file)
            if shape.entries is None:
                continue
            listed = entries(shape.entries, fields)
            opened = fields.get(shape.first.time) if shape.first else None
            for piece in pieces(self._source.again(), file):
                if piece.problem is None:
                    times = [entry.get("time", "") for entry in listed(piece.value)]
                    times += [value] if opened and isinstance(value := opened(piece.value), str) else []
                    for time in times:
                        days.see(time)
        return days.day_first(None)


class _Inside:
    """The messages inside a ticket."""

    def __init__(self, shape: Shape, fields: Fields, asked: Asked) -> None:
        self.entries = entries(shape.entries, fields) if shape.entries else None
        self._say: Say | None = None
        if shape.message is not None and (shape.messages or shape.entries):
            self._say = saying(shape.message, shape.ticket, Objects(), asked)

    def turns(self, number: int, value: Any, parts: Sequence[Record], known: Known) -> Iterator[Turn]:
        say = self._say
        if say is None:
            return
        if self.entries is not None:
            for entry in self.entries(value):
                yield say(entry, number, known)
        for part in parts:
            yield _turn(say, part, known)


def _turn(say: Say, part: Record, known: Known | None, holder: Any = None) -> Turn:
    value = part.value
    if part.problem is not None or not isinstance(value, dict):
        return Turn(part.number, drop=part.problem or "not-an-object")
    if holder is not None:
        value = {"holder": holder, **value}
    return say(value, part.number, known)


def _people(records: Iterator[Any], file: File) -> dict[str, Person]:
    spec = file.shape.users
    assert spec is not None
    fields = fields_of(file)
    ids, names, role_of = fields.get(spec.id), [fields.get((path,)) for path in spec.names], role(spec.role, fields)
    found: dict[str, Person] = {}
    for record in records:
        key = name_of(ids(record))
        if key:
            told, _ = role_of(record)
            found[key] = told, tuple(name for get in names if (name := name_of(get(record))))
    return found
