"""Say of each message who may read it, who speaks in it and what text it holds: one gate for all readers of messages.

Nothing is read that the gate has not let through: where it is unclear whether a message is public, it is private.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from ftdata.readers import words as w
from ftdata.readers.columns import quoted
from ftdata.readers.html import plain, to_text
from ftdata.readers.layout import Layout, Refused, yes_is_public, yes_is_role

_AUTHORS = 10_000  # as many are kept, to name those that are like a name nobody has
_SHOWN = 10
_LABEL = 60  # a longer cell is no label: neither of a role nor of who may read

_WHISPER = w.word_set("whisper whispered whispering sussurro susurro")
_PART = re.compile(r"[(\[{（［【]([^()\[\]{}（）［］【】]*)(?:[)\]}）］】]|$)")
_FIRST = re.compile(r"[^\w(\[{（［【]*[(\[{（［【]([^()\[\]{}（）［］【】\n]{1,80})[)\]}）］】]")
_BEGINNING = 1000  # characters of a text in which its leading brackets must stand
_PIECES = re.compile(r"\s[-–—]\s|[:;,.|/]")


# --- what a user states -----------------------------------------------------------------------------------------------


def _pairs(value: Any) -> Any:
    return tuple((str(key), item) for key, item in value.items()) if isinstance(value, Mapping) else value


def _texts(value: Any) -> Any:
    """Take ids that were written as numbers."""
    value = (value,) if isinstance(value, str | int) else value
    return (
        tuple(str(item) if type(item) is int else item for item in value) if isinstance(value, list | tuple) else value
    )


Kind = Literal["user", "assistant", "bot", "system", "private", "drop"]
Roles = Annotated[
    tuple[tuple[str, Kind], ...], BeforeValidator(_pairs), PlainSerializer(lambda pairs: dict(pairs), return_type=dict)
]
Ids = Annotated[tuple[str, ...], BeforeValidator(_texts)]


# --- of one message ---------------------------------------------------------------------------------------------------


def privacy(layout: Layout, public: Sequence[str]) -> Callable[[Sequence[str]], str | None]:
    """Make the privacy gate: the reason why a message may not be read, None if it is public.

    `public` are the labels stated to mean public; without them, known words and yes or no decide.
    """
    if not layout.gates:
        return lambda cells: None
    stated = frozenset(value.strip().lower() for value in public)
    meanings = [(index, yes_is_public(layout.names[index])) for index in layout.gates]

    def seen(cell: str, yes: bool | None) -> bool | None:
        if stated:
            return cell.strip().lower() in stated
        if len(cell) >= _LABEL:
            return None
        told = w.visible(cell)
        if told is None and yes is not None and (truth := w.truth(cell)) is not None:
            return truth == yes
        return told

    def hidden(cells: Sequence[str]) -> str | None:
        told = [seen(cells[index], yes) for index, yes in meanings]
        return "private-note" if False in told else "unknown-visibility" if None in told else None

    return hidden


_GONE = {
    "deleted": w.word_set(
        "deleted redacted trashed excluido excluida apagado apagada eliminado eliminada borrado borrada"
    )
}
_GONE["spam"] = w.word_set("spam")
_FILLERS = w.word_set("is was foi fue e es at on em en date data fecha time fivetran ab cdc sdc")
_STATE = w.word_set("status state estado situacao")


def withdrawn(layout: Layout, blanks: Sequence[str]) -> Callable[[Sequence[str]], str | None]:
    """Make the gate of what was deleted, or is spam: by a column named so (a time, or a yes), or by the status.

    A mark is off only where its cell is empty, or says no.
    """
    marks: list[tuple[int, str]] = []
    states: list[int] = []
    for index, name in enumerate(layout.names):
        if any(at == index for use, at in layout.columns.items() if use != "time"):
            continue
        told = set(w.words(name.partition("#")[0])) - _FILLERS
        marks += [(index, reason) for reason, own in _GONE.items() if told and told <= own]
        states += [index] if told and told <= _STATE else []
    if not marks and not states:
        return lambda cells: None
    empty = {"", *blanks}

    def gone(cells: Sequence[str]) -> str | None:
        for index, reason in marks:
            if (cell := cells[index].strip()) not in empty and w.truth(cell) is not False:
                return reason
        for index in states:
            if 0 < len(cell := cells[index].strip()) < _LABEL:
                told = set(w.words(cell))
                for reason, own in _GONE.items():
                    if told and told <= own:
                        return reason
        return None

    return gone


@lru_cache(maxsize=4096)
def named_private(author: str) -> bool:
    """Say whether a part of an author in brackets means private: `Amy (whisper to agents)`, `[internal] Amy`."""
    return any(_is_private(part[1]) for part in _PART.finditer(author))


def opens_private(text: str) -> bool:
    """Say whether what stands in brackets before a text means private: `[nota interna] ...`."""
    text, at = text[:_BEGINNING], 0
    while (first := _FIRST.match(text, at)) is not None:
        if _is_private(first[1]):
            return True
        at = first.end()
    return False


def _is_private(label: str) -> bool:
    """Say whether a label, a piece of it, or two or three words at either end of a piece, mean private.

    One word of several does not: `nota fiscal`. What names a role as well is a role: `Marina (Staff)`.
    """
    for piece in (label, *_PIECES.split(label)):
        told = w.words(piece)
        if not _WHISPER.isdisjoint(told):
            return True
        for some in {told, told[:2], told[:3], told[-2:], told[-3:]}:
            kind = w.speaker(" ".join(some))
            if kind == "private" or (kind is None and w.visible(" ".join(some)) is False):
                return True
    return False


def speaker(
    layout: Layout,
    *,
    roles: Sequence[tuple[str, str]] = (),
    assistants: Sequence[str] = (),
    users: Sequence[str] = (),
    bots: Sequence[str] = (),
) -> Callable[[Sequence[str]], str]:
    """Make the function that says who speaks: `user`, `assistant`, or the reason why the message is left out."""
    known = {name.strip().casefold(): "bot" for name in bots}
    known |= {name.strip().casefold(): "assistant" for name in assistants}
    known |= {name.strip().casefold(): "user" for name in users}
    others = "user" if assistants and not users else "unknown-author"
    stated = {value.strip().casefold(): kind for value, kind in roles}
    role, author = layout.columns.get("role"), layout.columns.get("author")
    yes = yes_is_role(layout.names[role]) if role is not None else None
    reasons = {"private": "private-note", "system": "system-line", "drop": "unwanted-role"}

    def label(cell: str) -> str | None:
        kind = stated.get(cell.strip().casefold())
        if kind is None and len(cell) < _LABEL:
            kind = w.speaker(cell)
            if kind is None and yes is not None and (truth := w.truth(cell)) is not None:
                kind = yes if truth else {"user": "assistant", "assistant": "user"}[yes]
        return kind

    def who(cells: Sequence[str]) -> str:
        name = cells[author].strip().casefold() if author is not None else ""
        kind = known.get(name)
        if role is not None:
            said = label(cells[role])
            # A note stays a note, whoever wrote it.
            kind = said if said == "private" else kind or said or "unknown-role"
        elif kind is None:
            kind = others if name else "unknown-author"
        return reasons.get(kind, kind)

    return who


def text_of(column: int, layout: Layout, html: str, blanks: Sequence[str]) -> Callable[[str], str]:
    """Make the function from a cell to its text; an empty text where there is none.

    `html`: `auto`, `always` or `never`; `blanks`: cells that mean empty.
    """
    empty, sure = frozenset(blanks), column in layout.html

    def text(cell: str) -> str:
        if html != "never" and ("<" in cell or "&" in cell):
            cell = to_text(cell) if html == "always" else plain(cell, sure=sure)
        stripped = cell.strip()
        return "" if not stripped or stripped in empty else cell

    return text


# --- over all messages ------------------------------------------------------------------------------------------------


def listed(authors: Sequence[str]) -> str:
    """Give authors for the part of a message that only a terminal shows: ten at most, each quoted, cut and scrubbed."""
    rest = len(authors) - _SHOWN
    return ", ".join(map(quoted, authors[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")


class People:
    """Which authors the stated names are: by their very spelling, or by another case where only one author has it."""

    def __init__(self, stated: Sequence[str]) -> None:
        self._folded = {name.strip().casefold() for name in stated}
        self._numbers: dict[str, int] = {}
        self._authors: dict[str, None] = {}

    def number(self, author: str) -> int | None:
        """Number an author who may be one of the stated; None for all others."""
        if author not in self._authors and len(self._authors) < _AUTHORS:
            self._authors[author] = None
        if author.casefold() not in self._folded:
            return None
        return self._numbers.setdefault(author, len(self._numbers))

    def settle(self, stated: Sequence[tuple[str, str]], *, whole: bool) -> list[str | None]:
        """Give the role of each numbered author; raise `Refused` for a name that nobody has (bots apart), or two."""
        roles: dict[str, str] = {}
        for name, role in stated:
            name = name.strip()
            if name in self._numbers:
                roles.setdefault(name, role)
                continue
            alike = [author for author in self._numbers if author.casefold() == name.casefold()]
            field = f"{role}s"
            if len(alike) > 1:
                raise Refused(
                    f"{field}: {len(alike)} authors have this name but for its case; write it as the one who is meant",
                    f"{quoted(name)} may be {listed(alike)}",
                )
            if alike:
                roles.setdefault(alike[0], role)
            elif whole and role != "bot":
                authors = [author for author in self._authors if author]
                # An address would be shown as `[EMAIL_1]`: its domain and the name say more.
                authors = [author for author in authors if "@" not in author[1:]] or authors
                folded = {author.casefold(): author for author in authors}
                close = [folded[one] for one in difflib.get_close_matches(name.casefold(), folded, 3, 0.6)]
                told = f"did you mean {listed(close)}?" if close else f"the authors are {listed(authors)}"
                raise Refused(f"{field}: no message is by {quoted(name)}", told)
        return [roles.get(author) for author in self._numbers]
