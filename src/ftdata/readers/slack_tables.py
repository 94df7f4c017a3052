"""The tables of a Slack export: who its users are, and which channels may be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ftdata.readers.rooms import is_set
from ftdata.source import Source

TABLES = ("channels.json", "groups.json", "dms.json", "mpims.json")


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

    base: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    tabled: bool = False

    def user(self, key: str) -> str:
        """Give what a user is called."""
        person = self.people.get(key)
        return person.names[0] if person is not None and person.names else key

    def channel(self, key: str) -> str:
        """Give what a channel is called: never the name of one that may not be read."""
        found = self.channels.get(key)
        return found.name if found is not None and found.drop is None else key


def workspace(source: Source, members: tuple[str, ...]) -> Workspace:
    """Read the tables that stand beside the channels' folders."""
    tables = [name for name in members if name.rpartition("/")[2] in TABLES]
    users = [name for name in members if name.rpartition("/")[2] == "users.json"]
    space = Workspace(tabled=bool(tables))
    found = min((*tables, *users), key=lambda name: (name.count("/"), name), default="")
    space.base = found.rpartition("/")[0]
    for table in TABLES:
        for row in _rows(source, space.base, table, members):
            key = word(row.get("id"))
            label = word(row.get("name")) or key
            own = table != "channels.json" or any(is_set(row.get(name)) for name in ("is_private", "is_im", "is_mpim"))
            for name in {key, label} - {""}:
                if name not in space.channels or own:  # of two of one name, the private one
                    space.channels[name] = Channel(key or label, label, "private-note" if own else None)
    for row in _rows(source, space.base, "users.json", members):
        if key := word(row.get("id")):
            profile = row.get("profile")
            space.people[key] = person_of(row, profile if isinstance(profile, dict) else {})
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
