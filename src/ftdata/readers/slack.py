"""Read the export of a Slack workspace: a zip or a folder, as Slack or slackdump writes it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from ftdata.nested import Holder
from ftdata.readers.gate import Ids, listed
from ftdata.readers.layout import Refused
from ftdata.readers.messages import Turn
from ftdata.readers.rooms import Rooms, is_set
from ftdata.readers.slack_tables import TABLES, Channel, Person, Workspace, person_of, word, workspaces
from ftdata.readers.slack_text import caption, of_attachments, of_blocks, plain
from ftdata.source import Record, Source
from ftdata.stages import Sniff

_DAY = re.compile(r"(?:(?P<base>.*)/)?(?P<folder>[^/]+)/\d{4}-\d\d-\d\d\.json")
_STAMP = re.compile(r"\d{9,11}\.\d{6}")
_OWN = re.compile(r"[DG][A-Z0-9]{7,}|mpdm-.*")
"""Ids of direct messages (D) and of old private channels (G), and the names of group messages."""

# Subtypes of messages, from Slack's reference of the event `message`. What is not listed is a line that Slack wrote.
_SAID = frozenset({"", "me_message", "thread_broadcast", "file_share"})
_ROBOT = frozenset({"bot_message", "slackbot_response", "assistant_app_thread"})
_GONE = frozenset({"tombstone", "message_deleted"})


class Message(msgspec.Struct, gc=False):
    """The keys of a message that are read; all others are looked through."""

    ts: str | None = None
    text: str | None = None
    user: str | None = None
    type: str | None = None
    subtype: str | None = None
    thread_ts: str | None = None
    bot_id: str | None = None
    username: str | None = None
    hidden: Any = None
    is_ephemeral: Any = None
    reply_count: int | None = None
    edited: Any = None
    replies: Any = None
    bot_profile: msgspec.Raw = msgspec.Raw()
    user_profile: msgspec.Raw = msgspec.Raw()
    blocks: msgspec.Raw = msgspec.Raw()
    attachments: msgspec.Raw = msgspec.Raw()
    files: msgspec.Raw = msgspec.Raw()
    file: msgspec.Raw = msgspec.Raw()


class Slack(Rooms):
    """Read a Slack export: a zip or a folder with `channels.json`, `users.json` and a folder of days per channel.

    A thread is one conversation, over all its days, with the message that opened it; what else is said in a channel is
    cut at a pause (`gap`). Mentions become names, links keep their target, `&lt; &gt; &amp;` are resolved once; blocks
    are read where a message has no text, attachments only of apps. The export of an organization (Enterprise Grid) is
    read whole, each workspace by its own tables. slackdump's exports and dumps (a JSON file per channel, replies inside
    the messages) are read too.

    **Privacy**: only the public channels of `channels.json` are read. Private channels (`groups.json`, `is_private`),
    direct and group messages are left out as `private-note`, unless `private` asks for them; a folder that no table
    knows as `unknown-visibility`, unless `assume_public`. An export without these tables is refused.

    Records left out, besides those of `Messages` and of the source: `private-note`, `unknown-visibility`,
    `unwanted-channel` (not in `channels`), `bot` (apps, `bot_message`, Slackbot), `deleted`, `hidden`, `system-line`
    (joins, pins, topics, calls, file comments ...), `not-text` (a file without a caption), `forwarded` (only a shared
    message), `preamble` (what stands around the messages of a dump), `not-an-object`. Flags: `edited` (the last text is
    read), and those of `Messages`.

    `meta` holds `chat` (the channel's name), `thread` (its time, of a thread), and `time` (seconds since 1970) and
    `author` of the first turn. Keys as in files that were read; subtypes as Slack documents them.
    """

    name: ClassVar[str] = "slack"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})

    channels: Ids = Field((), description="read only these channels (name or id)")
    assume_public: bool = Field(False, description="read channels of which no table says whether they are private")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know an export by its folders of days and its tables, a day's file or a dump by the keys of its messages."""
        members = source.members()
        days = [name for name in members if _DAY.fullmatch(name)]
        if days:
            tables = [name for name in members if name.rpartition("/")[2] in (*TABLES, "users.json")]
            if not tables and not _holds_messages(source, days[0]):
                return None
            folders = len({name.rpartition("/")[0] for name in days})
            return cls.known(source, f"{len(days)} days of {folders} channels", *(("tables",) if tables else ()))
        one = [name for name in members if name.endswith(".json")] if members else [None]
        if any(_holds_messages(source, name) for name in one[:20]):
            return cls.known(source, "Slack's messages, without the tables of an export")
        return None

    def said(self, source: Source) -> Iterator[Turn]:
        """Give the messages, channel by channel, day by day."""
        members = source.members()
        spaces = workspaces(source, members)
        space = next(iter(spaces.values()))
        days = [(name, found) for name in members if (found := _DAY.fullmatch(name))]
        folders = {found["folder"] for _, found in days}
        dumps = [] if days else _dumps(source, members)
        if not any(one.tabled for one in spaces.values()) and not self.assume_public and self.private is not True:
            raise Refused(
                "without channels.json nothing tells which channels are private; give the whole export, or, if all of "
                "it may be read, say so: --set assume_public=true"
            )
        if days and not source.sampled:
            self._check(list(spaces.values()), folders)
        for name, found in days:
            # Days that stand elsewhere are of a workspace whose tables are not here.
            base, folder = found["base"] or "", found["folder"]
            own = spaces.get(base) or Workspace(space.people)
            channel = self._at(folder, own)
            if base and channel.id == folder:
                channel = channel._replace(id=f"{base}/{folder}")  # another workspace may have one of this name
            yield from self._read_day(source, name, channel, own)
        for dump in dumps:
            yield from self._read_dump(source, dump, space)

    # --- channels -----------------------------------------------------------------------------------------------------

    def _at(self, folder: str, space: Workspace) -> Channel:
        """Say which channel a folder is, and whether it may be read."""
        channel = space.channels.get(folder)
        if channel is None:
            channel = Channel(folder, folder, "private-note" if _OWN.fullmatch(folder) else "unknown-visibility")
        names = {channel.id, channel.name, folder}
        drop = channel.drop
        if drop is not None and self.asked(*names):
            drop = None
        if drop == "unknown-visibility" and self.assume_public:
            drop = None
        if drop is None and self.channels and names.isdisjoint(self.channels):
            drop = "unwanted-channel"
        return channel._replace(drop=drop)

    def _check(self, spaces: list[Workspace], folders: set[str]) -> None:
        """Refuse a channel that is named and not there, or private and not asked for."""
        named = [pair for space in spaces for pair in space.channels.items()]
        known = {name for key, one in named for name in (key, one.id, one.name)} | folders
        asked = self.private if isinstance(self.private, tuple) else ()
        for setting, names in (("channels", self.channels), ("private", asked)):
            for name in names:
                if name not in known:
                    close = difflib.get_close_matches(name, known, 3, 0.6)
                    told = f"did you mean {listed(close)}?" if close else f"the channels are {listed(sorted(known))}"
                    raise Refused(f"{setting}: no channel of the export has this name or id", told)
        for name in self.channels:
            found = [self._at(name, space) for space in spaces if name in space.channels]
            if found and all(channel.drop == "private-note" for channel in found):
                raise Refused(
                    "channels: one of these is private, or holds direct messages; name it in `private` as well, if it "
                    "may be read"
                )

    # --- messages -----------------------------------------------------------------------------------------------------

    def _read_day(self, source: Source, member: str | None, channel: Channel, space: Workspace) -> Iterator[Turn]:
        for first, items in source.json_blocks(Message, member):
            for number, item in enumerate(items, first):
                if item.__class__ is Record and item.problem is not None:
                    yield Turn(number, drop=item.problem)
                elif channel.drop is not None:
                    yield Turn(number, drop=channel.drop)
                else:
                    yield self._turn(number, item, channel, space)

    def _read_dump(self, source: Source, member: str | None, space: Workspace) -> Iterator[Turn]:
        """Read a channel's dump by slackdump: an object with the messages, replies inside those that they answer."""
        held: Any = None
        if source.opening(256, member).lstrip()[:1] == b"{":
            held = next((one.value for one in source.again(1).json_within("messages", member=member)), None)
        if not isinstance(held, Holder):
            yield from self._read_day(source, member, self._at("", space), space)
            return
        key, label = (word(held.value.get(name)) for name in ("channel_id", "name"))
        channel = self._at(key if key in space.channels or not label else label, space)
        if key and _OWN.fullmatch(key) and not self.asked(key, label):
            channel = channel._replace(drop="private-note")
        channel = channel._replace(id=key or channel.id, name=label or channel.name)
        for whole in source.json_parts("slackdump_thread_replies", inside="messages", member=member):
            for record in (whole.record, *whole.parts):
                problem = record.problem or channel.drop
                yield (
                    Turn(record.number, drop=problem)
                    if problem is not None
                    else self._turn(record.number, record.value, channel, space)
                )

    def _turn(self, number: int, value: Any, channel: Channel, space: Workspace) -> Turn:
        message = value if value.__class__ is Message else _lenient(value.value if isinstance(value, Record) else value)
        if message is None:
            return Turn(number, drop="not-an-object")
        subtype, user = message.subtype or "", message.user or ""
        if subtype in _GONE:
            return Turn(number, drop="deleted")
        if (message.hidden and is_set(message.hidden)) or (message.is_ephemeral and is_set(message.is_ephemeral)):
            return Turn(number, drop="hidden")
        robot = bool(subtype in _ROBOT or message.bot_id or user == "USLACKBOT")
        if not robot and (subtype not in _SAID or message.type not in ("message", None)):
            return Turn(number, drop="system-line")
        person = space.people.get(user) or _profile(message, space)
        robot = robot or person.bot
        author = user or message.bot_id or message.username or ""
        text = message.text or ""
        if subtype == "file_share":
            text = caption(text)
        if "<" in text or "&" in text:
            text = plain(text, space.user, space.channel)
        if not text.strip():
            text = self._elsewhere(message, robot, space)
            if not text.strip():
                return Turn(number, drop="bot" if robot else _without_text(message))
        if not author:
            return Turn(number, drop="unknown-author")
        stamp = message.ts
        thread = message.thread_ts or ((message.reply_count or message.replies) and stamp) or ""
        key = f"{channel.id}\n{thread}" if thread else channel.id
        at = None if (micros := _micros(stamp)) is None else (micros, micros)
        shown = person.names[0] if person.names else author
        # Written by hand, as there is one for each message; the same names come again and again.
        time = _quoted(stamp or "") if at is None else f'"{stamp}"'
        meta = f'{{"chat":{_quoted(channel.name)},"time":{time},"author":{_quoted(shown)}'
        meta += f',"thread":{_quoted(thread)}}}' if thread else "}"
        flag = "edited" if message.edited else None
        role = "bot" if robot else None
        # By position: by name it takes twice as long, and there is one for each message.
        return Turn(number, key, author, text, at, role, None, person.names, meta, flag, 1, False, bool(thread))

    def _elsewhere(self, message: Message, robot: bool, space: Workspace) -> str:
        """Give the text of a message that has none: that of its blocks; of an app also that of its attachments."""
        text = of_blocks(_json(message.blocks), space.user, space.channel)
        if robot and not text.strip():
            text = of_attachments(_json(message.attachments), space.user, space.channel)
        return text


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _lenient(value: Any) -> Message | None:
    """Make a message of an object in which some key holds what it should not: that key is not read."""
    if not isinstance(value, dict):
        return None
    made = Message()
    for name, kind in _KINDS.items():
        told = value.get(name)
        if kind is msgspec.Raw:
            if told is not None:
                setattr(made, name, msgspec.Raw(msgspec.json.encode(told)))
        elif kind is object or type(told) is kind:
            setattr(made, name, told)
        elif name in ("ts", "thread_ts") and isinstance(told, int | float) and 0 <= told < 1e12:
            setattr(made, name, f"{told:.6f}")
    return made


_KINDS: Mapping[str, type] = {
    **dict.fromkeys("ts text user type subtype thread_ts bot_id username".split(), str),
    "reply_count": int,
    **dict.fromkeys("bot_profile user_profile blocks attachments files file".split(), msgspec.Raw),
    **dict.fromkeys(("hidden", "is_ephemeral", "edited", "replies"), object),
}


def _json(raw: msgspec.Raw) -> Any:
    """Give the value of a key that is read only now and then; None for one that is damaged."""
    try:
        return msgspec.json.decode(raw) if memoryview(raw) else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _holds(raw: msgspec.Raw) -> bool:
    """Say whether a key is there and holds anything."""
    return len(memoryview(raw)) > 4 or bytes(raw) not in (b"", b"null", b"[]", b"{}", b'""')


def _without_text(message: Message) -> str:
    """Say why a person's message has no text: a file, a message that was shared, or nothing."""
    attached = _json(message.attachments)
    if isinstance(attached, list) and any(
        isinstance(one, dict) and (one.get("is_share") or one.get("is_msg_unfurl")) for one in attached
    ):
        return "forwarded"
    return "not-text" if any(map(_holds, (message.files, message.file, message.attachments))) else "empty-text"


def _micros(stamp: str | None) -> int | None:
    """Read a time: seconds since 1970, a point, and six digits of a second."""
    if stamp is None or len(stamp) > 20:
        return None
    if len(stamp) == 17 and stamp[10] == "." and (digits := stamp[:10] + stamp[11:]).isdigit() and digits.isascii():
        return int(digits)
    whole, _, part = stamp.partition(".")
    if not (whole.isdecimal() and whole.isascii()) or (part and not (part.isdecimal() and part.isascii())):
        return None
    return int(whole) * 1_000_000 + int((part + "000000")[:6])


def _profile(message: Message, space: Workspace) -> Person:
    """Give who wrote a message that `users.json` does not name, and keep them."""
    user = message.user or ""
    told, app = _json(message.user_profile), _json(message.bot_profile)
    person = person_of(told if isinstance(told, dict) else {}, {})
    name = word(app.get("name")) if isinstance(app, dict) else ""
    names = dict.fromkeys(filter(None, (*person.names, name, message.username if message.bot_id else "")))
    found = Person(tuple(names))
    if user and found.names and not message.bot_id:
        space.people[user] = found
    return found


# --- which files hold messages ----------------------------------------------------------------------------------------


def _dumps(source: Source, members: tuple[str, ...]) -> list[str | None]:
    """List the files of an input without days that hold messages."""
    if not members:
        return [None]
    return [name for name in members if name.endswith(".json") and _holds_messages(source, name)]


def _holds_messages(source: Source, member: str | None) -> bool:
    """Say whether a file is a list of Slack's messages, or an object that holds one."""
    opening = source.opening(1 << 16, member).lstrip()
    if b'"ts"' not in opening or opening[:1] not in (b"[", b"{"):
        return False
    twin = source.again(20)
    if opening[:1] == b"{":
        if b'"messages"' not in opening or (b'"channel_id"' not in opening and b'"name"' not in opening):
            return False
        values = [record.value for record in twin.json_within("messages", member=member)][1:]
    else:
        values = [record.value for record in twin.json_items(member)]
    return any(
        isinstance(value, dict)
        and isinstance(value.get("ts"), str)
        and _STAMP.fullmatch(value["ts"]) is not None
        and not value.keys().isdisjoint(("user", "bot_id", "subtype", "text"))
        for value in values
    )
