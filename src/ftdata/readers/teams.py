"""Read messages of Microsoft Teams: a tenant export's lists, or what the Graph API gave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from ftdata.readers.html import to_text
from ftdata.readers.messages import Turn, files
from ftdata.readers.rooms import Rooms
from ftdata.readers.times import instant
from ftdata.source import Source
from ftdata.stages import Sniff

# Tags of Teams that HTML does not know: what they mean is put in their place before the HTML is read.
_NOTHING = re.compile(r"</?(?:attachment|systemEventMessage)\b[^<>]*>", re.IGNORECASE)
_AT = re.compile(r"<at\b[^<>]*>(.*?)</at>", re.IGNORECASE | re.DOTALL)
_EMOJI = re.compile(r"<(?:emoji|customemoji)\b(?P<told>[^<>]*)>(?:\s*</(?:emoji|customemoji)>)?", re.IGNORECASE)
_ALT = re.compile(r"\balt=(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_QUOTE = re.compile(r"<blockquote\b[^<>]*>", re.IGNORECASE)
_CODE = re.compile(r"<(/?)codeblock\b[^<>]*>", re.IGNORECASE)
_TABLE = re.compile(r"(?:all)?channels(?:[_-][^/]*)?\.json$", re.IGNORECASE)
_SHUT = frozenset({"private", "shared"})


class _Channel(NamedTuple):
    name: str
    private: bool


class Teams(Rooms):
    """Read Teams messages: a list, an answer of the API (`{"value": [...]}`), JSON lines, or a tenant export's folder.

    In a channel each post with its replies is one conversation, whatever the pauses, and whatever stands first in the
    file; a chat is cut at a pause (`gap`). Bodies are HTML: mentions become `@name`, pictures and cards have no text,
    the message that a reply quotes is left out. Keys may be spelled as in the export (`ReplyToId`) or as in the API
    (`replyToId`, with `replies` inside a post).

    **Privacy**: chats (`ChatId`, one to one or in a group) and channels that `channels_*.json` calls private or shared
    are left out as `private-note`, unless `private` asks for them: all, or by id or name. What tells neither channel
    nor chat is left out as `unknown-visibility`, unless `assume_public`; what a policy blocked, as `hidden`.

    Records left out, besides those of `Messages` and of the source: `private-note`, `unknown-visibility`, `hidden`,
    `deleted`, `system-line` (every type but `message`), `bot` (an application), `unknown-author`, `not-text`,
    `not-an-object`. Flags: `edited` (the last text is read), and those of `Messages`.

    `meta` holds `chat` (the channel's name, else its id), `thread` (the post's id), `subject`, and `time` and `author`
    of the first turn. Keys as in files that were read; those of the API as Microsoft documents them.
    """

    name: ClassVar[str] = "teams"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})

    assume_public: bool = Field(False, description="read messages that tell neither their channel nor their chat")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know messages by their keys."""
        for member in files(source, r".*\.json")[:50]:
            if _inside(source, member) is not None:
                return cls.known(source, "keys of Teams messages")
        return None

    def said(self, source: Source) -> Iterator[Turn]:
        """Give the messages, file by file; the replies inside a post after it."""
        members = files(source, r".*\.json")
        channels = _channels(source, members)
        shapes = [(member, _inside(source, member)) for member in members]
        found = [(member, inside) for member, inside in shapes if inside is not None]
        for member, inside in found or [(member, "") for member in members]:
            for whole in source.json_parts("replies", "Replies", inside=inside or None, member=member):
                root = _word(_get(whole.record.value, "Id"))
                for record in (whole.record, *whole.parts):
                    if record.problem is not None or not isinstance(record.value, dict):
                        yield Turn(record.number, drop=record.problem or "not-an-object")
                    else:
                        yield self._turn(record.number, record.value, root, channels)

    def _turn(self, number: int, message: Mapping[str, Any], root: str, channels: Mapping[str, _Channel]) -> Turn:
        place, chat = _object(_get(message, "ChannelIdentity")), _word(_get(message, "ChatId"))
        room = _word(_get(place, "ChannelId")) or chat
        channel = channels.get(room, _Channel(room, False))
        if not room and not self.assume_public:
            return Turn(number, drop="unknown-visibility")
        if (channel.private or chat) and not self.asked(room, channel.name):
            return Turn(number, drop="private-note")
        if _get(message, "DeletedDateTime"):
            return Turn(number, drop="deleted")
        if _get(message, "PolicyViolation"):
            return Turn(number, drop="hidden")
        body = _object(_get(message, "Body"))
        content = _word(_get(body, "Content"))
        kind = _word(_get(message, "MessageType"))
        if kind not in ("message", "") or content.strip().lower().startswith("<systemeventmessage"):
            return Turn(number, drop="system-line")
        source = _object(_get(message, "From"))
        person, app = _object(_get(source, "User")), _object(_get(source, "Application"))
        who = person or app
        key, name = _word(_get(who, "Id")), _word(_get(who, "DisplayName"))
        robot = bool(app) and not person
        if not key and not name and not robot:
            return Turn(number, drop="unknown-author")
        text = content if _word(_get(body, "ContentType")).lower() == "text" else _plain(content)
        if not text.strip():
            media = bool(content.strip()) or bool(_get(message, "Attachments"))
            return Turn(number, drop="bot" if robot else "not-text" if media else "empty-text")
        post = "" if chat else _word(_get(message, "ReplyToId")) or root or _word(_get(message, "Id"))
        time = _word(_get(message, "CreatedDateTime"))
        meta = {
            "chat": channel.name,
            "thread": post,
            "subject": _word(_get(message, "Subject")),
            "time": time,
            "author": name or key,
        }
        return Turn(
            number,
            chat=f"{room}\n{post}",
            author=key or name,
            text=text,
            at=instant(time),
            role="bot" if robot else None,
            names=(name,) if name and key else (),
            meta={key: value for key, value in meta.items() if value},
            flag="edited" if _get(message, "LastEditedDateTime") else None,
            uncut=bool(post),
        )


def _get(value: Any, key: str) -> Any:
    """Give a key's value, spelled as in the export (`ReplyToId`) or as in the API (`replyToId`)."""
    if not isinstance(value, dict):
        return None
    return value[key] if key in value else value.get(key[:1].lower() + key[1:])


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""


def _plain(html: str) -> str:
    """Give the text of a body."""
    html = _NOTHING.sub("", html)
    html = _AT.sub(lambda at: f"@{at[1]}" if at[1].strip() else "", html)
    html = _EMOJI.sub(_emoji, html)
    return to_text(_CODE.sub(r"<\1pre>", _QUOTE.sub("<blockquote>", html)))


def _emoji(tag: re.Match[str]) -> str:
    alt = _ALT.search(tag["told"])
    return unescape(alt[1] or alt[2] or "").replace("<", "&lt;") if alt else ""


def _channels(source: Source, members: list[str | None]) -> dict[str, _Channel]:
    """Read the tables of channels that stand beside the messages of a tenant export."""
    found: dict[str, _Channel] = {}
    for member in members:
        if member is not None and _TABLE.match(member.rpartition("/")[2]):
            for record in source.lookup(member).json_items():
                listed = _get(record.value, "Value")  # an answer of the API, whole
                for value in listed if isinstance(listed, list) else [record.value]:
                    if key := _word(_get(value, "Id")):
                        shut = _word(_get(value, "MembershipType")).lower() in _SHUT
                        shut = shut or (key in found and found[key].private)
                        found[key] = _Channel(_word(_get(value, "DisplayName")) or key, shut)
    return found


def _inside(source: Source, member: str | None) -> str | None:
    """Say where a file holds Teams messages: at the key `value`, or (an empty text) it is a list; None: nowhere."""
    opening = source.opening(member=member).lstrip()
    lowered = opening.lower()
    if opening[:1] not in (b"[", b"{") or b'"createddatetime"' not in lowered or b'"body"' not in lowered:
        return None
    wrapped = re.match(rb'\{(?:\s*"@odata\.[^"]*"\s*:\s*(?:"[^"]*"|\d+)\s*,)*\s*"(value|Value)"\s*:', opening)
    inside = wrapped[1].decode() if wrapped else ""
    values = [one.record.value for one in source.again(20).json_parts(inside=inside or None, member=member)]
    known = [
        value
        for value in values
        if isinstance(_get(value, "Body"), dict)
        and isinstance(_get(_get(value, "Body"), "Content"), str)
        and _get(value, "CreatedDateTime")
        and any(key in value or key[:1].lower() + key[1:] in value for key in ("From", "ReplyToId", "MessageType"))
    ]
    return inside if len(known) * 2 > len(values) else None
