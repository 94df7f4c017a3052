"""Tell what a row is known to be without looking for what is wrong with it: strict decoders, one for each layout.

A row is *plain* if it has nothing but messages, each the system's, the user's or the assistant's with a text that is
not blank (in OpenAI's layout the assistant's may have a weight), with a turn of the user, one of the assistant that is
trained on, and the assistant at the end. It is *alternating* if, after at most one system message, user and assistant
take turns, the user first. What is not known to be plain is not refused: the explainer is asked.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from ftdata.targets.rules import (
    ALTERNATING,
    INPUT_KEYS,
    ONE_EXCHANGE,
    PLAIN,
    PROMPT_KEYS,
    SCHEMA,
    UNPAIRED,
    WEIGHTLESS,
    WITHOUT_SYSTEM,
)
from ftdata.targets.words import WORDS

_CHAT = "openai-chat"
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_KEPT = 64  # of rows with more turns nothing is kept: what they are is worked out anew
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_ROLE: dict[type, str] = {}
"""The types of messages, and who speaks in them."""


def _list(item: Any) -> Any:
    return Annotated[types.GenericAlias(list, (item,)), msgspec.Meta(min_length=1)]


def _struct(name: str, *fields: Any, **more: Any) -> Any:
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False, **more)


def _rows(*fields: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_struct("Row", *fields))


def _spoken(word: str, role: str, content: Any, *more: Any, keys: tuple[str, str] = ("role", "content")) -> Any:
    """Make the type of a message by one role; msgspec tells them apart by its word."""
    made = _struct(role.title(), (keys[1], content), *more, tag=word, tag_field=keys[0])
    _ROLE[made] = role
    return made


def _any_of(layout: str, content: Any, keys: tuple[str, str] = ("role", "content")) -> Any:
    """Make the type of a message of a layout."""
    made = None
    for word, role in WORDS[layout].items():
        one = _spoken(word, role, content, keys=keys)
        made = one if made is None else made | one
    return made


# --- OpenAI's layout --------------------------------------------------------------------------------------------------

_SPOKEN = {role: _spoken(role, role, _Text) for role in ("system", "user", "assistant")}
_Weighted = _spoken("assistant", "assistant", _Text, ("weight", Literal[0, 1] | msgspec.UnsetType, msgspec.UNSET))
_weightless = _rows(("messages", _list(_SPOKEN["system"] | _SPOKEN["user"] | _SPOKEN["assistant"])))
_weighted = _rows(("messages", _list(_SPOKEN["system"] | _SPOKEN["user"] | _Weighted)))


@lru_cache(maxsize=4096)
def _of_speakers(speakers: tuple[type, ...]) -> int:
    """Tell what a row is by who speaks in it; 0 if it is not plain."""
    roles = [_ROLE[speaker] for speaker in speakers]
    if not roles or roles[-1] != "assistant" or "user" not in roles:
        return 0
    talk = roles[roles[0] == "system" :]
    known = PLAIN | UNPAIRED
    if "system" not in roles:
        known |= WITHOUT_SYSTEM
    if len(talk) % 2 == 0 and all(role == ("user", "assistant")[at % 2] for at, role in enumerate(talk)):
        known |= ALTERNATING
    if talk == ["user", "assistant"]:
        known |= ONE_EXCHANGE
    return known


def _known(speakers: tuple[type, ...]) -> int:
    return _of_speakers(speakers) if len(speakers) <= _KEPT else _of_speakers.__wrapped__(speakers)


def _of_chat(messages: list[Any]) -> int:
    """Tell what the messages of a decoded chat row are, but for their weights."""
    return 0 if any(message.content.isspace() for message in messages) else _known(tuple(map(type, messages)))


def _chat_traits(line: bytes | str) -> int:
    try:
        known = _of_chat(_weightless.decode(line).messages)
    except _REFUSED:
        try:
            messages: list[Any] = _weighted.decode(line).messages
        except _REFUSED:
            return 0
        taught = any(type(message) is _Weighted and message.weight != 0 for message in messages)
        return _of_chat(messages) if taught else 0
    return known | WEIGHTLESS if known else 0


def traits_of(block: bytes, count: int) -> list[int] | None:
    """Tell what `count` lines of chat rows are known to be, in less time; None if they are to be asked one by one.

    Every line must end a row, and there must be as many rows as lines: then each line is one row.
    """
    if not block.endswith(b"]}") or block.count(b"]}\n") != count - 1:
        return None
    try:
        rows: list[Any] = _weightless.decode_lines(block)
    except _REFUSED:
        return None
    if len(rows) != count or any(map(str.isspace, [one.content for row in rows for one in row.messages])):
        return None
    found: dict[tuple[type, ...], int] = {}
    told = []
    for row in rows:
        speakers = tuple(map(type, row.messages))
        known = found.get(speakers)
        if known is None:
            known = _known(speakers)
            found[speakers] = known = known | WEIGHTLESS if known else 0
        told.append(known)
    return told


# --- the layouts of others --------------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    """A layout: what decodes its plain rows, what gives who speaks in one and what is said, what keys it then has."""

    decoder: msgspec.json.Decoder[Any]
    said: Callable[[Any], tuple[tuple[type, ...], list[str]]]
    keys: int = UNPAIRED


_System = _SPOKEN["system"]
_Block = _struct("Block", ("text", _Text))
_Typed = _struct("Typed", ("text", _Text), tag="text", tag_field="type")


def _texts(content: Any) -> Iterator[str]:
    """Give the texts of a content: itself, or those of its blocks or parts."""
    if isinstance(content, str):
        yield content
    else:
        for block in getattr(content, "parts", content):
            yield block.text


def _reading(holder: str, inner: str, system: str | None = None) -> Callable[[Any], tuple[tuple[type, ...], list[str]]]:
    """Make what reads a decoded row: the keys of its messages, of what one says, of the system's text beside."""

    def said(row: Any) -> tuple[tuple[type, ...], list[str]]:
        messages = getattr(row, holder)
        speakers = tuple(map(type, messages))
        texts = [text for message in messages for text in _texts(getattr(message, inner))]
        told = getattr(row, system) if system is not None else msgspec.UNSET
        if told is not msgspec.UNSET:
            speakers = (_System, *speakers)
            texts += _texts(told)
        return speakers, texts

    return said


def _beside(key: str, told: Any) -> tuple[str, Any, Any]:
    return key, told | msgspec.UnsetType, msgspec.UNSET


_Told = _struct("Told", ("parts", _list(_Block)), _beside("role", str))
_nova, _claude, _gemini = _list(_Block), _Text | _list(_Typed), _list(_Block)


def _pairs(keys: tuple[str, str], known: int) -> _Layout:
    both = (_SPOKEN["user"], _SPOKEN["assistant"])
    return _Layout(
        _rows(*((key, _Text) for key in keys)), lambda row: (both, [getattr(row, key) for key in keys]), known
    )


_LAYOUTS = {
    "nova": (
        _Layout(
            _rows(
                ("schemaVersion", Literal[SCHEMA]),
                ("messages", _list(_any_of("nova", _nova))),
                _beside("system", _nova),
            ),
            _reading("messages", "content", "system"),
        ),
    ),
    "claude": (
        _Layout(
            _rows(("messages", _list(_any_of("claude", _claude))), _beside("system", _claude)),
            _reading("messages", "content", "system"),
        ),
    ),
    "gemini": (
        _Layout(
            _rows(
                ("contents", _list(_any_of("gemini", _gemini, ("role", "parts")))), _beside("systemInstruction", _Told)
            ),
            _reading("contents", "parts", "systemInstruction"),
        ),
    ),
    "cohere": (_Layout(_rows(("messages", _list(_any_of("cohere", _Text)))), _reading("messages", "content")),),
    "sharegpt": (
        _Layout(
            _rows(("conversations", _list(_any_of("sharegpt", _Text, ("from", "value")))), _beside("system", _Text)),
            _reading("conversations", "value", "system"),
        ),
    ),
    "prompt-completion": (_pairs(("prompt", "completion"), PROMPT_KEYS), _pairs(("input", "output"), INPUT_KEYS)),
}

LAYOUTS = frozenset({_CHAT, *_LAYOUTS})
"""The layouts of which rows may be known to be plain."""


def traits(line: bytes | str, layout: str = _CHAT) -> int:
    """Tell what a line is known to be: a sum of the words of `ftdata.targets.rules`, 0 if it is not plain."""
    if layout == _CHAT:
        return _chat_traits(line)
    for decoder, said, keys in _LAYOUTS.get(layout, ()):
        try:
            speakers, texts = said(decoder.decode(line))
        except _REFUSED:
            continue
        known = 0 if any(map(str.isspace, texts)) else _known(speakers)
        return known & ~UNPAIRED | keys | WEIGHTLESS if known else 0
    return 0
