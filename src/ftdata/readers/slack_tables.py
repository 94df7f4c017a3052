"""The tables of a Slack export: who its users are, and which channels may be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ftdata.readers.rooms import is_set
from ftdata.source import Source

TABLES = ("channels.json", "groups.json", "dms.json", "mpims.json")
_FLAGS = ("is_private", "is_group", "is_im", "is_mpim")
_USERS = ("org_users.json", "users.json")


class Person(NamedTuple):
    """A user: what they are called (the first name is shown), and whether they are a program."""

    names: tuple[str, ...]
    bot: bool = False


class Channel(NamedTuple):
    """A channel: its id, its name, and why it may not be read (None: it may)."""

    id: str
    name: str
    drop: str | None = None


@dataclass
class Workspace:
    """What the tables of an export tell."""

    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    tabled: bool = False

    def user(self, key: str) -> str:
        """Give what a user is called."""
        person = self.people.get(key)
        return person.names[0] if person is not None and person.names else key

    def channel(self, key: str) -> str | None:
        """Give what a channel is called; None: it may not be read, so it is not named either."""
        found = self.channels.get(key)
        return key if found is None else found.name if found.drop is None else None


def workspaces(source: Source, members: tuple[str, ...]) -> dict[str, Workspace]:
    """Read the tables that stand beside the channels' folders, by the folder they stand in, the outermost first.

    The export of an organization has some for itself, and some for each of its workspaces (`teams/NAME/`): a channel is
    known by those of its own workspace alone, a person by any.
    """
    named = [name.rpartition("/") for name in members]
    bases = {base for base, _, name in named if name in (*TABLES, *_USERS)}
    people: dict[str, Person] = {}
    found = {
        base: _workspace(source, base, members, people) for base in sorted(bases, key=lambda one: (one.count("/"), one))
    }
    return found or {"": Workspace()}


def _workspace(source: Source, base: str, members: tuple[str, ...], people: dict[str, Person]) -> Workspace:
    prefix = f"{base}/" if base else ""
    space = Workspace(people, tabled=any(prefix + table in members for table in TABLES))
    for table in TABLES:
        for row in _rows(source, base, table, members):
            key = word(row.get("id"))
            label = word(row.get("name")) or key
            own = table != "channels.json" or any(is_set(row.get(name)) for name in _FLAGS)
            for name in {key, label} - {""}:
                if name not in space.channels or own:  # of two of one name, the private one
                    space.channels[name] = Channel(key or label, label, "private-note" if own else None)
    for table in _USERS:
        for row in _rows(source, base, table, members):
            if key := word(row.get("id")):
                profile = row.get("profile")
                told = person_of(row, profile if isinstance(profile, dict) else {})
                earlier = people.get(key)
                people[key] = told if earlier is None else told._replace(bot=told.bot or earlier.bot)
    return space


def _rows(source: Source, base: str, table: str, members: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    member = f"{base}/{table}" if base else table
    if member in members:
        for record in source.lookup(member).json_items():
            if isinstance(record.value, dict):
                yield record.value


def person_of(row: Mapping[str, Any], profile: Mapping[str, Any]) -> Person:
    """Give what a row of `users.json`, or the profile in a message, tells of a person."""
    told = [profile.get("display_name"), row.get("display_name"), profile.get("real_name"), row.get("real_name")]
    told += [row.get("name"), profile.get("email"), row.get("email")]
    names = dict.fromkeys(name for one in told if (name := word(one)))
    return Person(tuple(names), is_set(row.get("is_bot")))


def word(value: Any) -> str:
    """Give a text without the white space around it; an empty one for what is no text."""
    return value.strip() if isinstance(value, str) else ""
