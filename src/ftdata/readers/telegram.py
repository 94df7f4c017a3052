"""Read Telegram's own export: `result.json`, of one chat or of a whole account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from ftdata.errors import InputError
from ftdata.nested import Holder
from ftdata.readers.messages import Messages, Turn, files
from ftdata.readers.times import Instant, instant, utc
from ftdata.source import Source
from ftdata.stages import Sniff

_LISTS = ("messages", "chats.list[].messages", "left_chats.list[].messages")
_MEDIA = frozenset(
    "photo file media_type sticker_emoji thumbnail poll contact_information contact_vcard location_information "
    "live_location_period_seconds venue_information place_name address game_title game_description invoice_information "
    "dice giveaway_information giveaway_results paid_media paid_stars_amount todo_list story story_id".split()
)
_KEPT = 200_000  # messages of topics whose answers are known by them
_SERVICE_BOTS = frozenset({"replies", "verify_codes"})
_TELEGRAM = "user777000"
_FENCE = "```"
_HTML = (
    "this is Telegram's HTML export, which has no ids and no exact texts; export the chat again in the format "
    '"Machine-readable JSON" and give its result.json'
)


class _Chat(NamedTuple):
    """The chat that the messages at hand belong to; `bot` is the author id of the bot that it is with."""

    key: str = ""
    meta: Mapping[str, Any] = {}
    bot: str | None = None
    robots: bool = False


class _Topics:
    """The topics of a forum: a message is in the one that it answers, or in that of the message that it answers."""

    def __init__(self) -> None:
        self._titles: dict[int, str] = {}
        self._of: dict[int, int] = {}

    def of(self, message: Mapping[str, Any]) -> tuple[int, str] | None:
        """Give the id and title of a message's topic; None outside of topics, and in the general one."""
        number, answers = message.get("id"), message.get("reply_to_message_id")
        if message.get("action") == "topic_created" and type(number) is int:
            self._titles[number] = _word(message.get("title"))
        if not self._titles or type(number) is not int or type(answers) is not int or "reply_to_peer_id" in message:
            return None
        topic = answers if answers in self._titles else self._of.get(answers)
        if topic is None:
            return None
        if len(self._of) >= _KEPT:
            del self._of[next(iter(self._of))]
        self._of[number] = topic
        return topic, self._titles[topic]


class Telegram(Messages):
    """Read a Telegram export (`result.json`, or the folder or zip that holds it), of one chat or of a whole account.

    Texts in pieces are put together; a link that hides its address gets it behind its words in brackets, a block of
    code its fences. Each topic of a forum is a conversation. What is sent by way of an inline bot, with buttons (only
    bots can), by the bot of a bot chat, or by Telegram itself (login codes) is a bot's. An author is known by `from_id`
    and by name; one whose account was deleted by `from_id` alone.

    Records left out, besides those of `Messages` and of the source: `preamble` (what stands around a chat's messages),
    `system-line` (service messages), `not-text` (a picture, sticker or poll without words, and what the export calls
    unsupported), `forwarded` (the words are another's; `with_forwarded` keeps them), `not-an-object`.
    Flags: `edited` (the last text is kept), and those of `Messages`.

    `meta` holds `chat` (its name), `type` (personal_chat, private_group, ...), `thread` (a topic's title), and `time`
    and `author` of the first turn. Keys and kinds as in Telegram Desktop's exporter and in files it wrote.
    """

    name: ClassVar[str] = "telegram"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})

    with_forwarded: bool = Field(False, description="take forwarded messages for the words of who forwarded them")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know `result.json` by the keys of its messages, and the HTML export, which is refused."""
        shown = next(iter(files(source, r"result\.json")), "")
        if shown == "":
            page = next(iter(files(source, r"messages[0-9]*\.html")), "")
            return _refused() if page != "" and _is_page(source.opening(member=page)) else None
        opening = source.opening(member=shown)
        if _is_page(opening):
            return _refused()
        if not opening.lstrip().startswith(b"{"):
            return None
        if re.search(rb'"personal_information"\s*:\s*\{', opening) and b'"about"' in opening:
            return cls.known(source, "the export of a Telegram account")
        if b'"messages"' in opening and _has_messages(source, shown):
            return cls.known(source, "messages with type, from and date_unixtime or date (Telegram)")
        return None

    def turns(self, source: Source) -> Iterator[Turn]:
        """Give the messages, chat by chat."""
        found = files(source, r"result\.json")
        if not found or _is_page(source.opening(member=found[0])):
            pages = found or files(source, r"messages[0-9]*\.html")
            raise InputError(f"{source.name}: " + (_HTML if pages else "holds no result.json, the file to read"))
        for place, member in enumerate(found):
            chat, topics, count = _Chat(f"{place}"), _Topics(), 0
            for record in source.json_within(*_LISTS, member=member):
                if isinstance(record.value, Holder):
                    count += 1
                    chat, topics = _chat(record.value.value, f"{place}.{count}"), _Topics()
                    yield Turn(record.number, drop="preamble")
                elif record.problem or not isinstance(record.value, dict):
                    yield Turn(record.number, drop=record.problem or "not-an-object")
                else:
                    topic = topics.of(record.value)
                    yield self._turn(record.number, record.value, _within(chat, topic) if topic else chat)

    def _turn(self, number: int, message: dict[str, Any], chat: _Chat) -> Turn:
        kind = message.get("type")
        if kind != "message":
            return Turn(number, drop="not-text" if kind == "unsupported" else "system-line")
        name, author = _word(message.get("from")), _word(message.get("from_id"))
        forwarded = any(message.get(key) is not None for key in ("forwarded_from", "forwarded_from_id", "saved_from"))
        if message.get("via_bot") is not None or author == _TELEGRAM or chat.robots:
            return Turn(number, drop="bot")
        if forwarded and not self.with_forwarded:
            return Turn(number, drop="forwarded")
        if not name and not author:
            return Turn(number, drop="unknown-author")
        text = said(message)
        if not text.strip():
            return Turn(number, drop="not-text" if _MEDIA & message.keys() else "empty-text")
        at, time = _time(message)
        buttons = not forwarded and bool(message.get("inline_bot_buttons"))
        return Turn(
            number,
            chat=chat.key,
            author=author or name,
            text=text,
            at=at,
            role="bot" if buttons or (author and author == chat.bot) else None,
            names=(name,) if author and name else (),
            meta={**chat.meta, **({"time": time} if time else {}), "author": name or author},
            flag="edited" if _edited(message) else None,
        )


def said(message: Mapping[str, Any]) -> str:
    """Give the text of a message: `text`, a string or a list of strings and entities; else `text_entities`."""
    text = message.get("text")
    if not text:
        text = message.get("text_entities")
    if isinstance(text, str):
        return text
    if not isinstance(text, list):
        return ""
    told = ""
    for piece in text:
        words, fenced = _piece(piece), isinstance(piece, dict) and piece.get("type") == "pre"
        if fenced or told.endswith(_FENCE):
            told += "" if not told or told.endswith("\n") or (words.startswith("\n") and not fenced) else "\n"
        told += words
    return told


def _piece(piece: Any) -> str:
    if not isinstance(piece, dict):
        return piece if isinstance(piece, str) else ""
    text, target = piece.get("text"), piece.get("href")
    if not isinstance(text, str):
        return ""
    if piece.get("type") == "pre" and text.strip() and _FENCE not in text:
        return f"{_FENCE}{_word(piece.get('language'))}\n{text.strip(chr(10))}\n{_FENCE}"
    if piece.get("type") != "text_link" or not isinstance(target, str) or not target.strip():
        return text
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", target.strip()).rstrip("/")
    return text if bare in text else f"{text} ({target.strip()})"


def _time(message: Mapping[str, Any]) -> tuple[Instant | None, str]:
    """Read the time: seconds since 1970 if they are told, else the local time without a zone."""
    if at := instant(_word(message.get("date_unixtime"))):
        return at, utc(at[0])
    told = _word(message.get("date"))
    at = instant(told)
    return at, told if at else ""


def _edited(message: Mapping[str, Any]) -> bool:
    """Say whether a message was edited; older versions of the exporter give all others the time 0."""
    told = _word(message.get("edited_unixtime")) or _word(message.get("edited"))
    return bool(told) and told != "0" and not told.startswith("1970-")


def _word(value: Any) -> str:
    """Give an id or a name as text: old versions of the exporter write ids as numbers."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) is int else ""


def _within(chat: _Chat, topic: tuple[int, str]) -> _Chat:
    number, title = topic
    return chat._replace(key=f"{chat.key}#{number}", meta={**chat.meta, **({"thread": title} if title else {})})


def _chat(holder: Mapping[str, Any], key: str) -> _Chat:
    name, kind, number = (_word(holder.get(part)) for part in ("name", "type", "id"))
    meta = {label: value for label, value in (("chat", name), ("type", kind)) if value}
    return _Chat(key, meta, f"user{number}" if kind == "bot_chat" and number else None, kind in _SERVICE_BOTS)


def _has_messages(source: Source, member: str | None) -> bool:
    """Say whether most of the first items are Telegram's messages, and none looks like another's."""
    items = [record.value for record in source.again(40).json_within(*_LISTS, member=member)]
    found = [item for item in items if isinstance(item, dict)]
    known = [
        item
        for item in found
        if item.get("type") in ("message", "service", "unsupported")
        and not item.keys().isdisjoint(("date_unixtime", "date"))
        and not item.keys().isdisjoint(("from", "from_id", "actor", "actor_id", "text_entities"))
        and "text" in item
    ]
    return len(known) * 2 > len(found)


def _is_page(opening: bytes) -> bool:
    return b"<html" in opening[:512].lower() and b"page_wrap" in opening and b"chat_page" in opening


def _refused() -> Sniff:
    return Sniff(0.95, ("Telegram's HTML export",), {}, "", _HTML)
