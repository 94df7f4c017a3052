"""Read what DiscordChatExporter writes: a channel a file, in JSON or CSV, or a folder or zip of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from ftdata.batch import Batch
from ftdata.errors import InputError
from ftdata.nested import Holder
from ftdata.readers.messages import Turn, files
from ftdata.readers.rooms import Rooms, is_set
from ftdata.readers.times import Days, instant
from ftdata.source import Source
from ftdata.stages import Sniff

# Message types by the exporter's names and by Discord's numbers: what people write. All others are notices.
_SAID = frozenset({"Default", "Reply", "0", "19", ""})
_COMMAND = frozenset({"20", "23", "ChatInputCommand", "ContextMenuCommand"})
# What the exporter writes for notices (`MessageExtensions`): the CSV has no type, these texts alone betray them.
_NOTICE = re.compile(
    r"Pinned a message\.|Joined the server\.|Started a thread\.|Left the group\.|Changed the channel icon\."
    r"|Changed the channel name: .*|(?:Added|Removed) .+ (?:to|from) the group\."
    r"|Started a call that lasted \S+ minutes\."
)
_MARK = re.compile(
    r"<(?:(?P<kind>@[!&]?|#)(?P<id>\w+)|a?:(?P<emoji>\w+):\d+|t:(?P<time>-?\d{1,12})(?::\w)?|/(?P<command>[^<>:]+):\d+)>"
)
_PRIVATE = re.compile(r"direct|private|\bgroup\b|^(?:dm|gdm|1|3|12)$", re.IGNORECASE)
_THREAD = re.compile(r"thread|^1[012]$", re.IGNORECASE)
_BRACKETS = re.compile(r"(?P<name>.*?) ?\[(?P<id>[^\[\]]+)\](?: \[part \d+\])?")
_FILES = r"[^/]+\.(?:json|csv)"
_COLUMNS = frozenset({"author", "date", "content", "attachments"})


class Channel(NamedTuple):
    """What an export says about its channel: `thread`: it is one conversation."""

    id: str
    name: str
    thread: bool = False
    private: bool = False


@dataclass
class _Known:
    """What is known of the channels and the people that a message may mention, and of the threads."""

    channels: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    threads: dict[str, Channel] = field(default_factory=dict)


class Discord(Rooms):
    """Read exports of DiscordChatExporter: JSON (all versions) or CSV; one channel, or a folder or zip of channels.

    The parts of a channel (`[part 2]`) are one. A thread or forum post is one conversation, with the message it was
    started from where that channel is read too; what else is said in a channel is cut at a pause (`gap`). Mentions,
    emoji and times that were exported raw become names (`<:wave:1>` is `:wave:`).

    **Privacy**: direct messages, group chats and private threads are left out as `private-note`, unless `private` asks
    for them: all, or by id or name. Which text channels only some members see, the export does not tell.

    The CSV has neither types nor a mark of bots: name the `bots`; what is exactly a notice of the exporter is taken for
    one, and all is flagged `no-message-type`. Its dates follow the exporter's locale: see `day_first`.

    Records left out, besides those of `Messages` and of the source: `preamble` (what stands around the messages),
    `private-note`, `bot`, `system-line` (every type but Default and Reply), `forwarded`, `not-text` (attachments,
    stickers, embeds only), `not-an-object`. Flags: `edited`, `no-message-type`, and those of `Messages`.

    `meta` holds `chat` (the channel's name), `thread` (of a thread: its name), and `time` and `author` of the first
    turn. Keys of the JSON as in files that were read, of the CSV as in the exporter's source.
    """

    name: ClassVar[str] = "discord"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})
    warns: ClassVar[Mapping[str, str]] = {
        "no-message-type": "a CSV of DiscordChatExporter tells neither bots nor notices from messages; export JSON, or "
        "name the bots with `bots`",
    }

    day_first: bool | None = Field(None, description="whether 03/04 in a CSV is 3 April; decided over the whole input")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the JSON by its keys, the CSV by its header."""
        members = files(source, _FILES)
        kinds = [kind for member in members[:50] if (kind := _kind(source, member)) is not None]
        if not kinds:
            return None
        what = " and ".join(sorted({"JSON" if kind == "json" else "CSV" for kind in kinds}))
        return cls.known(source, f"{what} of DiscordChatExporter")

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the messages; whether the day stands first in the dates of a CSV is decided before."""
        reader = self
        if self.day_first is None:
            days = Days()
            for member in files(source, _FILES):
                if _kind(source, member) != "csv":
                    continue
                table = source.again().csv_records(member=member)
                at = [name.strip().lower() for name in table.fields].index("date")
                for record in table:
                    if record.problem is None:
                        days.see(record.value[at])
            if (first := days.day_first(None)) is not None:
                reader = self.model_copy(update={"day_first": first})
        yield from super(Discord, reader).read(source)

    def said(self, source: Source) -> Iterator[Turn]:
        """Give the messages, channel by channel."""
        kinds = {member: _kind(source, member) for member in files(source, _FILES)}
        tables = [member for member, kind in kinds.items() if kind == "csv"]
        # By force, all are read: the source says what is wrong with them.
        objects = [member for member, kind in kinds.items() if kind == "json" or not any(kinds.values())]
        known = _Known()
        for member in objects:
            channel = _channel(_head(source, member), member)
            known.channels[channel.id] = channel.name
            if channel.thread:
                known.threads[channel.id] = channel
        for member in objects:
            yield from self._json(source, member, known)
        for member in tables:
            yield from self._csv(source, member)

    def _shut(self, channel: Channel) -> str | None:
        return "private-note" if channel.private and not self.asked(channel.id, channel.name) else None

    def _json(self, source: Source, member: str | None, known: _Known) -> Iterator[Turn]:
        channel = _channel({}, member)
        for record in source.json_within("messages", member=member):
            if isinstance(record.value, Holder):
                channel = _channel(record.value.value, member)
                yield Turn(record.number, drop="preamble")
            elif record.problem is not None or not isinstance(record.value, dict):
                yield Turn(record.number, drop=record.problem or "not-an-object")
            elif shut := self._shut(channel):
                yield Turn(record.number, drop=shut)
            else:
                yield self._turn(record.number, record.value, channel, known)

    def _turn(self, number: int, message: Mapping[str, Any], channel: Channel, known: _Known) -> Turn:
        author = _object(message.get("author"))
        key, names = _word(author.get("id")), _names(author)
        for one in (author, *_objects(message.get("mentions"))):
            if called := _names(one):
                known.people[_word(one.get("id"))] = called[0]
        kind = _word(message.get("type"))
        robot = is_set(author.get("isBot")) or kind in _COMMAND or isinstance(message.get("interaction"), dict)
        if not robot and kind not in _SAID:
            return Turn(number, drop="system-line")
        text = _plain(_word(message.get("content")), known)
        if not text.strip():
            if robot:
                return Turn(number, drop="bot")
            forwarded = isinstance(message.get("forwardedMessage"), dict)
            media = any(message.get(name) for name in ("attachments", "stickers", "embeds"))
            return Turn(number, drop="forwarded" if forwarded else "not-text" if media else "empty-text")
        if not key and not names:
            return Turn(number, drop="unknown-author")
        started = known.threads.get(_word(message.get("id")))  # a thread has the id of the message it was started from
        if started is not None and started.id != channel.id and self._shut(started) is None:
            thread = started
        else:
            thread = channel
        time = _word(message.get("timestamp"))
        return Turn(
            number,
            chat=thread.id,
            author=key or names[0],
            text=text,
            at=instant(time),
            role="bot" if robot else None,
            names=names,
            meta=_meta(thread, time, names[0] if names else key),
            flag="edited" if message.get("timestampEdited") else None,
            uncut=thread.thread,
        )

    def _csv(self, source: Source, member: str | None) -> Iterator[Turn]:
        channel = _channel({}, member)
        if (member or source.name).rpartition("/")[2].lower().startswith("direct messages"):
            channel = channel._replace(private=True)
        shut, known = self._shut(channel), _Known()
        table = source.csv_records(member=member)
        places = {name.strip().lower(): at for at, name in enumerate(table.fields)}
        for record in table:
            if record.problem is not None or shut is not None:
                yield Turn(record.number, drop=record.problem or shut)
                continue
            cells = record.value
            name, time, content = (cells[places[column]].strip() for column in ("author", "date", "content"))
            key = cells[places["authorid"]].strip() if "authorid" in places else ""
            if _NOTICE.fullmatch(content):
                yield Turn(record.number, drop="system-line")
            elif not content:
                yield Turn(record.number, drop="not-text" if cells[places["attachments"]].strip() else "empty-text")
            elif not key and not name:
                yield Turn(record.number, drop="unknown-author")
            else:
                short = re.sub(r"#\d{1,4}$", "", name)
                yield Turn(
                    record.number,
                    chat=channel.id,
                    author=key or name,
                    text=_plain(cells[places["content"]], known),
                    at=instant(time),
                    names=tuple(dict.fromkeys(filter(None, (short, name)))),
                    meta=_meta(channel, time, short or key),
                    flag="no-message-type",
                )


def _meta(channel: Channel, time: str, author: str) -> dict[str, str]:
    told = {"chat": channel.name, "time": time, "author": author, "thread": channel.name if channel.thread else ""}
    return {key: value for key, value in told.items() if value}


def _channel(holder: Mapping[str, Any], member: str | None) -> Channel:
    """Say which channel an export is of, by what stands before its messages; of a CSV, by the file's name."""
    told, guild = _object(holder.get("channel")), _object(holder.get("guild"))
    kind = _word(told.get("type"))
    named = _BRACKETS.fullmatch(re.sub(r"\.\w+$", "", (member or "").rpartition("/")[2]))
    key = _word(told.get("id")) or (named["id"] if named else "") or (member or "")
    label = _word(told.get("name")) or (named["name"].rpartition(" - ")[2] if named else "")
    # The guild of direct messages is null, or the exporter's stand-in of id 0.
    direct = bool(holder) and not kind and (_word(guild.get("id")) in ("", "0"))
    return Channel(key, label, bool(_THREAD.search(kind)), direct or bool(_PRIVATE.search(kind)))


def _head(source: Source, member: str | None) -> Mapping[str, Any]:
    """Give what stands before the messages of an export."""
    first = next((one.value for one in source.again(1).json_within("messages", member=member)), None)
    return first.value if isinstance(first, Holder) else {}


def _kind(source: Source, member: str | None) -> str | None:
    """Say whether a file is an export in JSON or in CSV; None: neither."""
    opening = source.opening(member=member).lstrip()
    if opening[:1] == b"{":
        found = all(key in opening for key in (b'"channel"', b'"messages"')) and (
            b'"guild"' in opening or b'"isBot"' in opening
        )
        return "json" if found else None
    if not opening or opening[:1] == b"[":
        return None
    try:
        fields = {name.strip().lower() for name in source.sample_table(1, member=member).fields}
    except InputError:
        return None
    return "csv" if fields >= _COLUMNS and fields <= _COLUMNS | {"authorid", "reactions"} else None


def _plain(text: str, known: _Known) -> str:
    """Resolve the markup of a text that was exported raw."""
    return _MARK.sub(lambda mark: _shown(mark, known), text) if "<" in text else text


def _shown(mark: re.Match[str], known: _Known) -> str:
    if mark["emoji"]:
        return f":{mark['emoji']}:"
    if mark["command"]:
        return f"/{mark['command']}"
    if mark["time"]:
        try:
            return f"{datetime.fromtimestamp(int(mark['time']), UTC):%Y-%m-%d %H:%M} UTC"
        except (OverflowError, ValueError, OSError):
            return mark[0]
    if mark["kind"] == "#":
        return f"#{known.channels.get(mark['id'], mark['id'])}"
    return f"@{known.people.get(mark['id'], mark['id'])}"


def _names(author: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what an author is called: in the server, by name, and by the old name with its number."""
    nick, name, number = (_word(author.get(key)) for key in ("nickname", "name", "discriminator"))
    old = f"{name}#{number}" if name and number.strip("0") else ""
    return tuple(dict.fromkeys(filter(None, (nick, name, old))))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _word(value: Any) -> str:
    """Give an id, a type or a text as text: some versions write ids and types as numbers."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""
