"""Read Signal chats: plain text with `[2019-12-24, 12:23] Name: text`, and what signal-export (`sigexport`) writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ftdata.errors import InputError
from ftdata.readers.messages import Messages, Turn, files
from ftdata.readers.times import instant
from ftdata.source import Source
from ftdata.stages import Sniff

_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d)(,?) (\d\d:\d\d(?::\d\d)?)\] ")
_NAMES = r"data\.json|chat\.md|index\.md|signal[^/]*\.txt"
_DELETED = "(This message was deleted)"
_CALL = re.compile(r"(?:(?:Incoming|Outgoing|Missed)(?: (?:voice|video|group))? call)(?: \([^()\n]{1,60}\))?")
_REACTIONS = re.compile(r"\n?\(- [^\n]{1,2000} -\)\s*$")
_STICKER = re.compile(r"\n?\(\( [^\n]{0,40} \)\)\s*$|\[[^\]\n]{0,40}\]\(\.\./exported_stickers/[^)\n]*\)\s*$")
_FILE = re.compile(r"!?\[[^\]\n]{0,250}\]\(\./media/[^)\n]{0,400}\)[ ]{0,2}")
_NOBODY = "No-Sender"
_HEAD = 1 << 16


class Signal(Messages):
    """Read Signal: a chat as text (`[2019-12-24, 12:23] Name: text`), or signal-export's `data.json` or `chat.md`.

    A folder or archive of signal-export holds a chat in each folder; `data.json` is read rather than `chat.md`. What a
    message quotes, reactions, stickers and files are not its text. You are `Me` there, a name like any other.

    Records left out, besides those of `Messages` and of the source: `deleted`, `system-line` (calls), `not-text` (a
    file or sticker alone), `unknown-author` (`No-Sender`), `preamble`, `blank-line`, `not-an-object`, `not-utf8`,
    `row-too-large`.

    `meta` holds `chat` (the folder's name), and `time` and `author` of the first turn. The text as in a file read, the
    rest as in signal-export's source.
    """

    name: ClassVar[str] = "signal"
    evidence: ClassVar[str] = "F"

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the text by its headers, signal-export by its keys and names."""
        found = _chosen(source)
        shown = next((member for member in found if _form(source, member) is not None), "")
        if shown == "":
            return None
        told = {
            "json": "messages with sender, body, quote, sticker and reactions (signal-export)",
            "markdown": "lines [YYYY-MM-DD HH:MM:SS] NAME: text (signal-export)",
            "text": "lines [YYYY-MM-DD, HH:MM] NAME: text (Signal)",
        }[_form(source, shown) or "text"]
        chats = [f"{len(found)} chats"] if len(found) > 1 else []
        return cls.known(source, told, *chats)

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages, chat by chat."""
        found = _chosen(source)
        if not found:
            raise InputError(f"{source.name}: holds no chat of Signal: no data.json, chat.md or signal.txt")
        for place, member in enumerate(found):
            title = PurePosixPath(member).parent.name if member else ""
            form = _form(source, member) or "text"
            if form == "json":
                yield from self._objects(source, member, str(place or ""), title)
            else:
                yield from self._lines(source, member, str(place or ""), title, form == "markdown")

    def _objects(self, source: Source, member: str | None, chat: str, title: str) -> Iterator[Turn]:
        for record in source.objects(member):
            if record.problem is not None:
                yield Turn(record.number, drop=record.problem)
                continue
            message: dict[str, Any] = record.value
            body, sender, date = (_word(message.get(key)) for key in ("body", "sender", "date"))
            files_or = bool(message.get("attachments")) or bool(message.get("sticker"))
            if message.get("deleted") is True:
                drop = "deleted"
            elif message.get("call") is True or _CALL.fullmatch(body.strip()):
                drop = "system-line"
            elif not body.strip() and files_or:
                drop = "not-text"
            elif sender in ("", _NOBODY):
                drop = "unknown-author"
            else:
                yield _turn(record.number, chat, title, sender, body.rstrip(), date, 1)
                continue
            yield Turn(record.number, drop=drop)

    def _lines(self, source: Source, member: str | None, chat: str, title: str, markdown: bool) -> Iterator[Turn]:
        stated = sorted((n for n in (*self._assistants, *self.users, *self.bots) if ":" in n), key=len, reverse=True)
        start, count, size = 0, 0, 0
        author, date = "", ""
        drop: str | None = "preamble"
        texts: list[str] = []

        def done() -> Turn:
            if drop is not None:
                return Turn(start, drop=drop, lines=count)
            text = "\n".join(texts).rstrip()
            text, reason = _said(text, markdown)
            if reason is None and author == _NOBODY:
                reason = "unknown-author"
            if reason is not None:
                return Turn(start, drop=reason, lines=count)
            return _turn(start, chat, title, author, text, date, count)

        for block in source.lines(member):
            for number, raw in enumerate(block.lines, block.number):
                problem = block.problem
                try:
                    line = raw.decode()
                except UnicodeDecodeError:
                    line, problem = raw.decode(errors="replace"), "not-utf8"
                header = _HEADER.match(line)
                if header is not None and (said := _split(line[header.end() :], stated)) is not None:
                    if count:
                        yield done()
                    author, text = said
                    start, count, size, texts = number, 1, len(text), [text]
                    date, drop = f"{header[1]}T{header[3]}", problem
                    continue
                if count == 0:
                    start = number
                count += 1
                size += len(line) + 1
                if drop is None:
                    texts.append(line)
                    if problem is not None or size > source.limits.row:
                        drop, texts = problem or "row-too-large", []
        if count:
            yield done()


def _turn(number: int, chat: str, title: str, author: str, text: str, date: str, lines: int) -> Turn:
    at = instant(date)
    meta = {**({"chat": title} if title else {}), **({"time": date} if at is not None else {}), "author": author}
    return Turn(number, chat, author, text, at, meta=meta, lines=lines)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _split(rest: str, stated: list[str]) -> tuple[str, str] | None:
    """Give the author and the text of what follows a header; None if it is no header, for want of an author."""
    for name in stated:
        if rest.startswith(f"{name}:"):
            return name, rest[len(name) + 1 :].removeprefix(" ")
    name, colon, text = rest.partition(": ")
    if not colon:
        name, colon, text = rest.removesuffix(":"), rest[-1:] if rest[-1:] == ":" else "", ""
    return (name.strip(), text) if colon and name.strip() else None


def _said(text: str, markdown: bool) -> tuple[str, str | None]:
    """Give the text of a message, or why there is none: without what it quotes, its files, stickers and reactions."""
    body = text.strip()
    if body == _DELETED:
        return "", "deleted"
    if _CALL.fullmatch(body):
        return "", "system-line"
    if not markdown:
        return text, None
    if text[:1] == "\n" and body[:2] == "> ":  # a quotation stands before the text, on lines of its own
        _, _, text = text.lstrip("\n").partition("\n\n")
        text = text.lstrip("\n")
    bare = _FILE.sub("", _REACTIONS.sub("", text))
    bare = _STICKER.sub("", bare)
    left = "\n".join(line.removesuffix("  ") for line in bare.split("\n")).strip()
    return left, "not-text" if not left and bare != text else None


def _chosen(source: Source) -> list[str | None]:
    """List the chats: of each folder the best file; [None] for a plain file."""
    names = files(source, _NAMES)
    if names == [None]:
        return names
    best: dict[str, str] = {}
    for name in names:
        if name is not None and _form(source, name) is not None:
            path = PurePosixPath(name)
            folder = str(path.parent) if path.suffix != ".txt" else name
            if folder not in best or path.suffix == ".json":
                best[folder] = name
    return list(best.values())


def _form(source: Source, member: str | None) -> str | None:
    """Say which form a file has: `json`, `markdown`, `text`; None for none of them."""
    opening = source.opening(_HEAD, member)
    if opening.lstrip()[:1] == b"{":
        first = opening.lstrip().partition(b"\n")[0]
        keys = (b'"sender"', b'"body"', b'"date"', b'"reactions"', b'"attachments"')
        return "json" if all(key in first for key in keys) else None
    text = opening.decode(errors="replace")
    if "\0" in text:
        return None
    lines = [line for line in text.split("\n")[:500] if line.strip()]
    headers = [header for line in lines if (header := _HEADER.match(line)) and _split(line[header.end() :], [])]
    if not headers or _HEADER.match(lines[0]) is None:
        return None
    if headers[0][2]:
        return "text" if headers[0][3].count(":") == 1 or "\u200e" not in text else None
    name = member or next(iter(source.members()), source.name)
    traces = "](./media/" in text or _DELETED in text or re.search(r"\] Me: .*  $", text, re.M) is not None
    return "markdown" if traces or PurePosixPath(name).suffix == ".md" else None
