"""The base of readers of workspaces: chats of many rooms, some of which only a few may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, Strict

from ftdata.readers.gate import Ids
from ftdata.readers.layout import Refused
from ftdata.readers.messages import Messages, Turn
from ftdata.source import Source
from ftdata.stages import Sniff

_AROUND = frozenset({"private-note", "preamble"})
_OFF = frozenset({"", "0", "0.0", "false", "f", "no", "n", "none", "null"})
_SHUT = (
    "these are private channels, or direct messages, which are not read unless asked for; if they may be, say so: "
    "--set private=true"
)


def is_set(flag: Any) -> bool:
    """Say whether a flag that hides is set: in whatever form it comes, unless it is one that says no."""
    return bool(flag) and (not isinstance(flag, str) or flag.strip().lower() not in _OFF)


class Rooms(Messages):
    """Base of readers of workspaces: give `said`, where what stands in a private room has the reason `private-note`.

    Raises, besides `Messages`, `InputError` where nothing but private rooms is there and none was asked for.
    """

    private: Annotated[bool, Strict()] | Ids = Field(
        False, description="read private channels, direct and group messages: all (true), or these (name or id)"
    )

    def said(self, source: Source) -> Iterator[Turn]:
        """Give the turns, as `Messages.turns`."""
        raise NotImplementedError

    def asked(self, *names: str) -> bool:
        """Say whether a private room, of this id and name, was asked for."""
        return self.private is True or (self.private is not False and not set(names).isdisjoint(self.private))

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages of all rooms."""
        turns, shut = self.said(source), False
        for turn in turns:
            yield turn
            if turn.drop not in _AROUND:
                yield from turns
                return
            shut = shut or turn.drop == "private-note"
        if shut and not source.sampled:
            raise Refused(_SHUT)

    @classmethod
    def known(
        cls, source: Source, *evidence: str, fields: Mapping[str, Any] | None = None, confidence: float = 0.95
    ) -> Sniff:
        """Make the verdict as `Messages` does; refuse what is private, as far as the first records show."""
        verdict = super().known(source, *evidence, fields=fields, confidence=confidence)
        if verdict.counts.get("private-note") and verdict.counts.keys() <= _AROUND:
            verdict = replace(verdict, refusal=_SHUT, force=f"{verdict.force} --set private=true")
        return verdict
