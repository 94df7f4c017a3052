"""Say of one message of a help desk what it is: kept out and why, or who says what and when.

A dialect's words are made into functions once for each file; nothing of it is looked up again for each message. The
text is the last thing that is looked at: of a message that is kept out it never is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ftdata.readers.help_desk.dialect import COPIED, Body, Kind, Noted, Saying, Ticket, Visibility, Who, label
from ftdata.readers.help_desk.fields import Fields, Get, Meanings, among, rules
from ftdata.readers.help_desk.markup import adf, markdown, wiki
from ftdata.readers.html import plain
from ftdata.readers.mail_body import new_text
from ftdata.readers.messages import Turn
from ftdata.readers.times import Instant, instant

_KEPT_OUT = {"private": "private-note", "system": "system-line", "drop": "unwanted-role"}
_DULL = 2000  # characters; no notice of a desk is longer
_FAR = 2**62  # microseconds; a time beyond is none
Person = tuple[str | None, tuple[str, ...]]
Say = Callable[[Any, int, "Known | None"], Turn]


@dataclass(frozen=True)
class Asked:
    """What the user stated: `names` (folded) whose role is stated, and how texts and visibility are taken."""

    names: frozenset[str] = frozenset()
    assume_public: bool = False
    quotes: str = "auto"
    greeting: bool = False
    boilerplate: tuple[str, ...] = ()
    people: dict[str, Person] = field(default_factory=dict)
    """Id to role and names, from a list of people."""


class Known(NamedTuple):
    """A ticket: its id, who asked, who answers, why it is not read, what goes into `meta`, whether it came by mail."""

    id: str
    requester: str = ""
    assignees: tuple[str, ...] = ()
    reason: str | None = None
    meta: bytes = b"{}"
    mail: bool = False


def name_of(value: Any) -> str:
    """Give an id or a name as text; an empty text for what is none."""
    if value.__class__ is str:
        return str(value).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ""


def moment(value: Any) -> Instant | None:
    """Read a time: text, or seconds, milli- or microseconds since 1970."""
    if value.__class__ is str:
        return instant(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    unit = 1_000_000 if value < 10**11 else 1000 if value < 10**14 else 1
    at = int(value * unit)
    return (at, at) if at < _FAR else None


# --- the ticket -------------------------------------------------------------------------------------------------------


def ticket(spec: Ticket, fields: Fields) -> Callable[[Any], Known]:
    """Make the function from a ticket's record to what is known of it."""
    ids, requester, assignees = fields.get(spec.id), fields.get(spec.requester), fields.every(spec.assignee)
    reason, channel, mail = rules((*spec.drop, *COPIED), fields), fields.get(spec.channel), among(spec.mail)
    meta = _meta(spec.meta, fields)

    def known(record: Any) -> Known:
        key = name_of(ids(record))
        why = reason(record)
        if why is not None:
            return Known(key, reason=why)
        return Known(
            key,
            name_of(requester(record)),
            tuple([name for get in assignees if (name := name_of(get(record)))]),
            None,
            meta(record, key),
            mail(channel(record)),
        )

    return known


def _meta(spec: Mapping[str, Noted], fields: Fields) -> Callable[[Any, str], bytes]:
    wanted = [(name, fields.get(noted.path), Meanings(noted.values)) for name, noted in spec.items()]

    def meta(record: Any, key: str) -> bytes:
        found: dict[str, Any] = {"ticket": key} if key else {}
        for name, get, meanings in wanted:
            value = get(record)
            if value is not None and value != "" and value != []:
                found[name] = meanings.of(value) or value
        return _json(found)

    return meta


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a whole number beyond 64 bits
        return json.dumps(value, ensure_ascii=False).encode()


# --- the message ------------------------------------------------------------------------------------------------------


def saying(spec: Saying, about: Ticket, fields: Fields, asked: Asked, *, opens: bool = False, own: bool = False) -> Say:
    """Make the function from a message's record, its number and its ticket (None: there is no such one) to a turn.

    `opens`: it is the ticket's own text, which has an author even where none is named. `own`: its record is one of
    the file, which may be a copied table.
    """
    kind, listed = _kind(spec.kind, fields), spec.drop + COPIED if own else spec.drop
    rule = rules(listed, fields) if listed else None
    hidden = _hidden(spec.visibility, fields, asked.assume_public)
    role_of = _role(spec.role, fields) if spec.role else None
    author_of, names_of = fields.get(spec.author), [fields.get((path,)) for path in spec.names]
    time_of, sequence = fields.get(spec.time), fields.get(spec.sequence)
    ordered, timed = bool(spec.sequence), bool(spec.time)
    text_of = _text(spec.body, fields, asked.quotes)
    dull = re.compile("|".join(f"(?:{one})" for one in asked.boilerplate)).match if asked.boilerplate else None
    channel, mailed = fields.get(spec.channel) if spec.channel else None, among(about.mail)
    people, stated, others = asked.people, asked.names, spec.others
    auto, always = asked.quotes == "auto", asked.quotes == "cut"

    def came(record: Any, known: Known) -> bool:
        told = channel(record) if channel is not None else None
        return known.mail if told is None or told == "" else mailed(told)

    gates = [gate for gate in (kind, rule, hidden) if gate is not None]

    def say(record: Any, number: int, known: Known | None) -> Turn:
        if known is not None and known.reason is not None:
            return Turn(number, drop=known.reason)
        for gate in gates:
            why = gate(record)
            if why is not None:
                return Turn(number, drop=why)
        if known is None:
            return Turn(number, drop="orphan")
        author = name_of(author_of(record))
        names = tuple([name for get in names_of if (name := name_of(get(record)))]) if names_of else ()
        role, unclear = (None, False) if role_of is None else role_of(record)
        if role in _KEPT_OUT:
            return Turn(number, drop=_KEPT_OUT[role])
        person = people.get(author)
        if person is not None:
            role = role or person[0]
            names = names + person[1] if names else person[1]
        if role is None:
            if author and author == known.requester:
                role = "user"
            elif author and author in known.assignees:
                role = "assistant"
            elif unclear and others is None:
                if author.casefold() not in stated and not any(name.casefold() in stated for name in names):
                    return Turn(number, drop="unknown-role")
            elif author or names or opens:
                role = others
            else:
                return Turn(number, drop="unknown-author")
        if not author and names:
            author = names[0]
        text = text_of(record)
        if not text or text.isspace():
            return Turn(number, drop="empty-text")
        if dull is not None and len(text) < _DULL and dull(text.lstrip()):
            return Turn(number, drop="system-line")
        flags: tuple[str, ...] = ()
        if always or (auto and (known.mail if channel is None else came(record, known))):
            cut = new_text(text, sure=True, author=names[0] if names else "")
            text, flags = cut.text, cut.flags
        when = time_of(record) if timed else None
        at = moment(when) if when is not None else None
        if ordered:
            at = _after(at, sequence(record), timed)
        meta: str | None = None
        if role != "assistant" or asked.greeting or stated:
            meta = _told(known.meta, when, names[0] if names else author)
        return Turn(number, known.id, author, text, at, role, None, names, meta, flags)

    return say


def _told(meta: bytes, when: Any, author: str) -> str:
    own: dict[str, Any] = {"time": when} if when is not None else {}
    if author:
        own["author"] = author
    elif not own:
        return meta.decode()
    return f"{meta[:-1].decode()}{',' if len(meta) > 2 else ''}{_json(own)[1:].decode()}"


def _after(at: Instant | None, value: Any, timed: bool) -> Instant | None:
    """Move a time by the place among messages of one moment; without times the place alone is one."""
    place = name_of(value)
    shift = int(place) if place.isdecimal() and len(place) < 10 else 0
    if at is None:
        return None if timed or not place else (shift, shift)
    return at[0] + shift, at[1] + shift


def _kind(spec: Kind | None, fields: Fields) -> Callable[[Any], str | None] | None:
    if spec is None:
        return None
    get, meanings, missing = fields.get(spec.path), Meanings(spec.values), spec.missing

    def kind(record: Any) -> str | None:
        value = get(record)
        told = meanings.of(value)
        if told is None:
            told = missing if value is None or value == "" else "unknown-kind"
        return None if told == "message" else told

    return kind


def _hidden(spec: Visibility | None, fields: Fields, assume_public: bool) -> Callable[[Any], str | None] | None:
    if spec is None:
        return None
    gets = [fields.get((path,)) for path in spec.path]
    meanings = Meanings(dict.fromkeys(spec.public, "public") | dict.fromkeys(spec.private, "private"))
    unknown = None if assume_public else "unknown-visibility"

    if len(gets) == 1:
        only, of = gets[0], meanings.of
        answer = {"public": None, "private": "private-note"}

        def seen(record: Any) -> str | None:
            value = only(record)
            if value is None or value == "":
                return unknown
            return answer.get(of(value) or "", "unknown-visibility")

        return seen

    def hidden(record: Any) -> str | None:
        public = False
        for get in gets:
            value = get(record)
            if value is None or value == "":
                continue
            told = meanings.of(value)
            if told is None:
                return "unknown-visibility"
            if told == "private":
                return "private-note"
            public = True
        return None if public else unknown

    return hidden


def _role(spec: Sequence[Who], fields: Fields) -> Callable[[Any], tuple[str | None, bool]]:
    """Make the function that gives the role which a message's fields tell, and whether one told what nobody knows."""
    known = [(fields.get(who.path), Meanings(who.values)) for who in spec]

    def role(record: Any) -> tuple[str | None, bool]:
        unclear = False
        for get, meanings in known:
            value = get(record)
            if value is None or value == "":
                continue
            told = meanings.of(value)
            if told is not None:
                return told, False
            unclear = True
        return None, unclear

    return role


role = _role


# --- the text ---------------------------------------------------------------------------------------------------------


def _text(spec: Sequence[Body], fields: Fields, quotes: str) -> Callable[[Any], str]:
    made = [
        (fields.get((body.path,)), _FORMATS[body.format]) for body in spec if not (body.trimmed and quotes == "keep")
    ]

    def text(record: Any) -> str:
        for get, convert in made:
            value = get(record)
            if value is not None and value != "":
                found = convert(value)
                if found and not found.isspace():
                    return found
        return ""

    return text


def _as_text(value: Any) -> str:
    return value if value.__class__ is str else ""


def _as_html(value: Any) -> str:
    return plain(value, sure=True) if value.__class__ is str else ""


def _as_either(value: Any) -> str:
    return plain(value) if value.__class__ is str else adf(value)


def _as_wiki(value: Any) -> str:
    return wiki(value) if value.__class__ is str else adf(value)


def _as_markdown(value: Any) -> str:
    return markdown(value) if value.__class__ is str else ""


_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "text": _as_text,
    "html": _as_html,
    "auto": _as_either,
    "wiki": _as_wiki,
    "adf": _as_wiki,
    "markdown": _as_markdown,
}

__all__ = ["Asked", "Get", "Known", "Person", "Say", "label", "moment", "name_of", "role", "saying", "ticket"]
