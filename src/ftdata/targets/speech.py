"""One training row, in whatever layout it is written, as the rules about who says what see it.

A view (`ftdata.targets.views`) cuts a parsed JSON row into a `Speech`: turns with a role, their texts, images and
calls, each with its path in the raw row. What a layout's own shape forbids (wrong types, missing keys) is collected as
faults, so that one kind of rule, `shape`, names them all. Paths and causes hold no value of the row.

Sources of the layouts: the readers of the same layouts (`ftdata.readers`), each with its own source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ftdata.targets.example import Hit, key_path, kind_of


class Text(NamedTuple):
    """A text and where it stands."""

    path: str
    text: str


class Image(NamedTuple):
    """An image and where it stands; `url` is its address or data as a URL, null where it is kept elsewhere."""

    path: str
    url: str | None


class Call(NamedTuple):
    """A call of a tool: where it stands, where its id stands (or should), and the id if it is a string."""

    path: str
    id_path: str
    id: str | None


@dataclass(slots=True)
class Said:
    """One turn. `word` is its role as written, `role` the common name for it (null if there is none)."""

    path: str
    word: Any
    role: str | None
    role_path: str
    message: Mapping[str, Any]
    texts: list[Text] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    answers: Call | None = None  # the call that a turn of a tool answers
    extra: list[str] = field(default_factory=list)  # keys of the message that the layout does not have
    parts: bool | None = None  # whether the content is an array; null where the layout knows only one form


@dataclass(slots=True)
class Speech:
    """One row: its turns (of a preference row those before the answers), its two answers, tools, extra keys, faults."""

    layout: str
    row: Mapping[str, Any]
    preference: bool = False
    turns: list[Said] = field(default_factory=list)
    sides: list[tuple[str, list[Said]]] = field(default_factory=list)
    tools: list[tuple[str, Any]] = field(default_factory=list)  # path and definition of each function
    about_tools: list[str] = field(default_factory=list)  # keys of the row that are about tools
    extra: list[str] = field(default_factory=list)  # keys of the row that the layout does not have
    faults: list[Hit] = field(default_factory=list)

    def all(self) -> Iterator[Said]:
        """Give every turn, those of the two answers too."""
        yield from self.turns
        for _, turns in self.sides:
            yield from turns

    def talk(self) -> list[Said]:
        """Give the turns without the system's."""
        return [turn for turn in self.turns if turn.role not in ("system", "developer")]


# --- what the views share ---------------------------------------------------------------------------------------------


def messages_at(speech: Speech, path: str, value: Any, missing: bool) -> list[tuple[str, dict[str, Any]]]:
    """Give the messages of an array that are objects, with their paths; name everything else."""
    if missing:
        speech.faults.append(Hit(path, "the key is missing"))
        return []
    if not isinstance(value, list):
        speech.faults.append(Hit(path, f"this is {kind_of(value)}, not an array"))
        return []
    if not value:
        speech.faults.append(Hit(path, "the array is empty"))
    found = []
    for i, message in enumerate(value):
        if isinstance(message, dict):
            found.append((f"{path}[{i}]", message))
        else:
            speech.faults.append(Hit(f"{path}[{i}]", f"the message is {kind_of(message)}, not an object"))
    return found


def said_at(path: str, message: Mapping[str, Any], roles: Mapping[str, str], key: str = "role") -> Said:
    """Begin a turn, its role as written under a key."""
    word = message.get(key)
    return Said(path, word, roles.get(word) if isinstance(word, str) else None, f"{path}.{key}", message)


def unknown(path: str, value: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    """Give the paths of keys that are not known."""
    return [key_path(path, key) for key in value if key not in known]


def missing(value: Any) -> str:
    """Name what stands where a text should."""
    return "missing or null" if value is None else kind_of(value)


PAIR_KEYS = (("prompt", "completion"), ("input", "output"))
"""The names that the two texts of a row may have: most targets', and watsonx's."""


def pair_keys(row: Mapping[str, Any]) -> tuple[str, str]:
    """Give the names that the two texts of a row have."""
    return next((pair for pair in PAIR_KEYS if row.keys() & set(pair)), PAIR_KEYS[0])
