"""Make a conversation of one record that holds all its messages: a row of Jira's, an incident with its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftdata.batch import Rows
from ftdata.readers.gate import People
from ftdata.readers.help_desk.export import Export
from ftdata.readers.messages import Turn

if TYPE_CHECKING:
    from ftdata.readers.help_desk.reader import HelpDesk


class Talks:
    """Turns the messages of one record into one row, by the rules of `Stitch`: sorted, cut at both ends, merged.

    What is left out of a row that stays is counted in its note, with the flag `messages-left-out`; a record without
    a question and an answer gets the reason that most of its messages have, or the one that its roles give.
    """

    def __init__(self, reader: HelpDesk, export: Export) -> None:
        self._reader, self._export = reader, export
        assistants = (*reader.assistants, *([reader.me] if reader.me else []))
        self._stated = [
            (name, role)
            for role, names in (("assistant", assistants), ("user", reader.users), ("bot", reader.bots))
            for name in names
        ]
        self._roles = {name.strip().casefold(): role for name, role in reversed(self._stated)}
        self._others = "user" if assistants and not reader.users else "unknown-author"
        self._people = People([name for name, _ in self._stated])
        self._day_first: bool | None = reader.day_first
        self._asked = reader.day_first is not None

    def _role(self, turn: Turn) -> str:
        role = turn.role
        for name in (turn.author, *turn.names):
            self._people.number(name)
            if name.casefold() in self._roles:
                role = self._roles[name.casefold()]
                break
        if role == "bot" and self._reader.with_bots:
            role = "assistant"
        return role or self._others

    def add(self, out: Rows, number: int, turns: Sequence[Turn]) -> None:
        """Add the row of a record: its messages in the order in which they stand."""
        left: Counter[str] = Counter()
        said: list[tuple[str, Turn]] = []
        for turn in turns:
            role = turn.drop or self._role(turn)
            if role in ("user", "assistant"):
                said.append((role, turn))
            else:
                left[role] += 1
        said, flags = self._ordered(said)
        asks = [at for at, (role, _) in enumerate(said) if role == "user"]
        answers = [at for at, (role, _) in enumerate(said) if role == "assistant"]
        if not asks or not answers or answers[-1] < asks[0]:
            if said:
                reason = "no-assistant" if not answers else "no-user" if not asks else "no-answer"
            else:
                reason = left.most_common(1)[0][0] if left else "empty-text"
            out.add((number,), drop=reason)
            return
        begin, end = 0 if self._reader.greeting else asks[0], answers[-1] + 1
        left.update({"leading-agent": begin, "trailing-user": len(said) - end})
        kept = said[begin:end]
        flags += [flag for _, turn in kept for flag in _flags(turn)]
        note = ", ".join(f"{reason} {count}" for reason, count in sorted(left.items()) if count)
        if note:
            flags.append("messages-left-out")
        meta = kept[0][1].meta
        out.add(
            (number,),
            self._merged(kept),
            meta=meta if isinstance(meta, str) else None,
            flags=dict.fromkeys(flags),
            note=note or None,
        )

    def _ordered(self, said: list[tuple[str, Turn]]) -> tuple[list[tuple[str, Turn]], list[str]]:
        if len(said) < 2:
            return said, []
        if any(turn.at is None for _, turn in said):
            return said, [] if all(turn.at is None for _, turn in said) else ["unparsed-time"]
        days, months = (
            sorted(range(len(said)), key=lambda at, way=way: (said[at][1].at or (0, 0))[way])  # type: ignore[misc]
            for way in (0, 1)
        )
        if days != months and not self._asked:
            self._asked, self._day_first = True, self._export.day_first()
        if days != months and self._day_first is None:
            return said, ["ambiguous-time"]
        return [said[at] for at in (months if self._day_first is False else days)], []

    def _merged(self, kept: Sequence[tuple[str, Turn]]) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for role, turn in kept:
            if self._reader.merge is not False and found and found[-1][0] == role:
                found[-1] = role, f"{found[-1][1]}{self._reader.merge}{turn.text}"
            else:
                found.append((role, turn.text))
        return found

    def check(self, *, whole: bool) -> None:
        """Raise `Refused` for a stated name that nobody has."""
        self._people.settle(self._stated, whole=whole)


def _flags(turn: Turn) -> Sequence[str]:
    return (turn.flag,) if isinstance(turn.flag, str) else turn.flag or ()
