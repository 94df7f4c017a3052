"""Settle what a chat log is, from its beginning: its form, its columns, and the id that tells conversations apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from ftdata.errors import InputError
from ftdata.readers import chat_messages as chat
from ftdata.readers import words as w
from ftdata.readers.chat_messages import Message, Opening, cell, flat
from ftdata.readers.columns import Column, looks_like_data, names, study
from ftdata.readers.gate import listed
from ftdata.readers.layout import Layout, Refused, resolve, settle
from ftdata.source import Source

COLUMNS = ("key", "author", "role", "body", "time", "visibility", "id", "parent")
_LINE_COLUMNS = ("time", "author", "text")
_HEAD = 1 << 20  # bytes of lines that are looked at
_ROWS = 500
_ALL_ONE = "log"  # the column that stands in for a missing conversation id

_TALK = w.word_set(
    "conversation conversa conversacao conversacion thread hilo chat session sesion sessao ticket chamado atendimento "
    "caso case protocolo dialog dialogue dialogo issue"
)
_ROOM = w.word_set("channel canal room sala group grupo")
_MEDIA = w.word_set(
    "email mail whatsapp phone telefone telefono web sms telegram instagram facebook site app voice voz"
)
_PARENT, _REPLY = (
    w.word_set("parent pai padre"),
    w.word_set("reply replied response answer resposta respuesta responde"),
)
_KIND = re.compile(r"^t[1-6]_(?=\w)")
_TO = w.word_set("to in a")
_LITTLE = w.word_set("de da do del la el o a of the")


@dataclass(frozen=True)
class Stated:
    """What the user said of a log: `columns` by field, `dialect` of its table, `people` by name, in all roles."""

    columns: Mapping[str, str] = field(default_factory=dict)
    dialect: Mapping[str, Any] = field(default_factory=dict)
    header: bool | None = None
    people: tuple[str, ...] = ()
    assistants: bool = False
    roles: bool = False
    assume_public: bool = False


class Plan(NamedTuple):
    """What is settled before the first message is read.

    `rooms`: the id names rooms, which go on for ever; `replies`: the columns of a message's own id and of the id of the
    message that it answers.
    """

    form: str
    layout: Layout
    keys: tuple[str, ...] = ()
    opening: Opening | None = None
    rooms: bool = False
    replies: tuple[int, int] | None = None
    authors: tuple[str, ...] = ()

    def unnamed(self) -> Refused:
        """Say that nothing tells who is the assistant, and how to name them."""
        if "author" not in self.layout.columns:
            return Refused(
                "no column tells who wrote each message; name one: --from chat-log --set role=NAME (user, assistant, "
                "...), or --set author=NAME --set 'assistants=[\"NAME\"]'"
            )
        return Refused(
            "this is a chat, but nothing tells who is the assistant; name the author (or authors) who is: "
            "--from chat-log --set 'assistants=[\"NAME\"]'",
            f"the authors are {listed(self.authors)}",
        )


def form_of(source: Source) -> str:
    """Tell by its first bytes which form a log has: `table`, `json` or `lines`."""
    name = source.name.lower().removesuffix(".gz")
    head = source.opening(_HEAD)
    if re.match(rb"\s*(?:\{|\[\s*[\[{\"\]])", head):
        return "json"
    if name.endswith((".csv", ".tsv", ".tab")):
        return "table"
    lines = [line for line in _lines_of(head) if line.strip()][:50]
    first = sum(1 for line in lines if (found := chat.opened(line)) and found.author)
    if first and (first * 10 >= len(lines) or name.endswith((".txt", ".log"))):
        return "lines"
    with suppress(InputError):
        if len(source.sample_table(5).fields) > 1:
            return "table"
    return "lines"


def plan(source: Source, form: str, stated: Stated) -> Plan | None:
    """Settle what is what; None for a log that says nothing. Raises `Refused` where that is not clear."""
    if form == "lines":
        if (encoding := source.legacy_encoding()) is not None:
            raise Refused(misread(encoding))
        return plan_lines(source, stated)[0]
    header, rows = sample(source, form, stated)
    return plan_columns(header, rows, form, stated) if header or rows else None


def misread(encoding: str) -> str:
    """Say that lines of text are in another encoding than UTF-8, and how to state it."""
    return f"the text is not UTF-8 but looks like {encoding}; say so: --encoding {encoding}"


# --- lines of text ----------------------------------------------------------------------------------------------------


def plan_lines(source: Source, stated: Stated) -> tuple[Plan | None, list[Message]]:
    """Settle what opens a message, and give those of the log's beginning."""
    lines = _lines_of(source.opening(_HEAD))
    if not any(line.strip() for line in lines):
        return None, []
    opening = chat.opening_of(lines)
    if opening is None:
        raise Refused(
            "no line of the form `time author: text` was found; for a table say --set form=table, for JSON --set "
            "form=json"
        )
    numbered = ((number, line.encode(), None) for number, line in enumerate(lines))
    found = list(chat.messages(numbered, opening, stated.people))
    authors = tuple(dict.fromkeys(message.author for message in found if message.problem is None))
    kinds = {w.speaker(author) if len(author) < 40 else None for author in authors}
    # Every author is a role by name (`Cliente`, `Atendente`): then the authors are the role column.
    named = None not in kinds and {"user", "assistant"} <= kinds
    columns = {"time": 0, "author": 1, "body": 2}
    if stated.roles or (named and not stated.assistants):
        columns["role"] = 1
    return Plan("lines", Layout("message", _LINE_COLUMNS, columns), opening=opening, authors=authors), found


def _lines_of(head: bytes) -> list[str]:
    """Give the whole lines of a log's beginning."""
    if len(head) >= _HEAD and b"\n" in head:
        head = head[: head.rfind(b"\n")]
    return head.replace(b"\r\n", b"\n").decode(errors="replace").split("\n")


# --- tables and objects -----------------------------------------------------------------------------------------------


def sample(source: Source, form: str, stated: Stated) -> tuple[tuple[str, ...], list[list[str]]]:
    """Give the names of the columns and the first rows; of JSON, the paths of all keys seen stand for columns."""
    if form == "json":
        values = [flat(value) for value in source.sample(_ROWS) if isinstance(value, dict)]
        keys = tuple(dict.fromkeys(key for value in values for key in value))
        return keys, [[cell(value.get(key)) for key in keys] for value in values]
    table = source.sample_table(_ROWS, **stated.dialect)
    return table.fields, [record.value for record in table if record.problem is None]


def plan_columns(header: Sequence[str], rows: list[list[str]], form: str, stated: Stated) -> Plan:
    """Settle what each column is, as `tickets` does, the conversation id apart: a log may do without."""
    named = names(header) if stated.header is not False else tuple(f"#{i}" for i in range(1, len(header) + 1))
    known = any(not re.fullmatch(r"#\d+", name) and name in header for name in stated.columns.values())
    has_header = True if form == "json" or (stated.header is None and known) else stated.header
    if has_header is None and looks_like_data(header, rows):
        raise Refused(
            "the first row looks like data, not like column names; if there is no header, say so and give the "
            "columns by number: --from chat-log --set header=false --set 'author=#N' --set 'body=#N' "
            "(if it is one: --set header=true)"
        )
    given = resolve(stated.columns, named)
    replies = _replies(named, rows, given)
    key, rooms = _key(named, rows, given) if replies is None else (given.get("key"), False)
    # `settle` wants an id: where there is none, a column beside the others says that all is one conversation.
    wide = [*header, "\0" + _ALL_ONE] if has_header is not False else [""] * (len(header) + 1)
    try:
        layout = settle(
            wide,
            [[*row, _ALL_ONE] for row in rows],
            {
                **{name: column for name, column in stated.columns.items() if name not in ("id", "parent")},
                "key": f"#{(len(header) if key is None else key) + 1}",
            },
            has_header=True if has_header is None else has_header,
            shape="message",
            authors_known=True,
            assume_public=stated.assume_public,
        )
    except Refused as refusal:
        if "--from tickets" not in str(refusal):
            raise
        raise Refused(
            "no column of message texts was found; name the columns: --from chat-log --set body=NAME --set "
            "author=NAME --set time=NAME --set key=NAME"
        ) from None
    left = {"subject"} if key is not None else {"subject", "key"}
    columns = {name: index for name, index in layout.columns.items() if name not in left}
    if "author" not in columns and "role" in columns:
        columns["author"] = columns["role"]
    evidence = tuple(line for line in layout.evidence if not line.startswith(("key = ", "subject = ", "one row")))
    layout = replace(layout, names=layout.names[: len(header)], columns=columns, evidence=evidence)
    found = [row[columns["author"]].strip() for row in rows] if "author" in columns else []
    authors = tuple(dict.fromkeys(filter(None, found)))
    return Plan(form, layout, tuple(header), rooms=rooms, replies=replies, authors=authors)


def _replies(named: Sequence[str], rows: list[list[str]], given: Mapping[str, int]) -> tuple[int, int] | None:
    """Find the columns of a message's own id and of the message that it answers; None where no message names one."""
    columns = study(named, rows)
    taken = set(given.values()) - {given.get("id"), given.get("parent")}
    ids = [given["id"]] if "id" in given else [c.index for c in columns if c.has(w.ID) and c.distinct == c.filled > 1]
    parents = [given["parent"]] if "parent" in given else [c.index for c in columns if _is_parent(c)]
    best, pair = 0, None
    for parent in parents:
        for own in ids:
            if own == parent or not taken.isdisjoint((own, parent)):
                continue
            known = {bare_id(row[own]) for row in rows}
            hits = sum(1 for row in rows if row[parent].strip() and bare_id(row[parent]) in known)
            if hits > best or (pair is None and "parent" in given):
                best, pair = hits, (own, parent)
    if pair is None and "parent" in given:
        raise Refused("parent names the column of the message that each one answers; name that of its own id too: id")
    return pair


def _is_parent(column: Column) -> bool:
    """Say whether a column's name speaks of what a message answers: `in_reply_to`, `parent_id`; not of its answers."""
    return column.filled > 0 and (column.has(_PARENT) or (column.has(_REPLY) and column.has(_TO)))


def bare_id(text: str) -> str:
    """Give an id without the kind that Reddit's dumps put before it in a parent's: `t1_c0ffee`."""
    return _KIND.sub("", text.strip())


def _key(named: Sequence[str], rows: list[list[str]], given: Mapping[str, int]) -> tuple[int | None, bool]:
    """Find the column of the conversation id, and say whether it names rooms, which go on for ever."""
    if "key" in given:
        return given["key"], bool(_ROOM & set(w.words(named[given["key"]])))
    scores = {column.index: _is_key(column) for column in study(named, rows) if column.index not in given.values()}
    best = max(scores, key=lambda index: scores[index], default=None)
    if best is None or not scores[best]:
        return None, False
    return best, bool(_ROOM & set(w.words(named[best])) - _TALK)


def _is_key(column: Column) -> float:
    """Score a column as the conversation id: 0 where it cannot be one. Each value once: that is a message's own id."""
    if column.filled < 2 or column.distinct >= column.filled or not column.coded:
        return 0.0
    if column.has(w.CUSTOMER | w.STAFF | w.PERSON - {"by"}) or column.has(w.TIME - {"on", "em", "at"}):
        return 0.0
    if len(set(column.words) - _LITTLE) > 3 or column.has(w.ROLE | w.SUBJECT | w.VISIBILITY | w.TEXT):
        return 0.0
    number = column.has(w.ID)
    if column.has(_TALK):
        return 1.0 if number else 0.9 if len(column.words) == 1 else 0.0
    if column.has(_ROOM) and not column.has(_MEDIA):
        return 0.8 if number else 0.7
    return 0.0


@lru_cache(maxsize=4096)
def is_private(key: str) -> bool:
    """Say whether a key's name speaks of what is public or internal: it may hide a message, and is no `meta`."""
    return not w.VISIBILITY.isdisjoint(w.words(key))
