"""The `gemini` reader: `contents` of `parts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Row, TrainingRows, opened
from ftdata.readers.layouts.turns import Speech, conversation, is_url, tools_of

_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
_ROLES = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}
_DATA = frozenset({"text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature"})
_SPELT = {
    "inline_data": "inlineData",
    "file_data": "fileData",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "mime_type": "mimeType",
    "file_uri": "fileUri",
    "system_instruction": "systemInstruction",
    "function_declarations": "functionDeclarations",
}


class Gemini(TrainingRows):
    """Read rows for tuning Gemini: `contents` of a role and `parts`, `systemInstruction`, `tools`.

    The roles are `user` (also where there is none), `model` and `function` or `tool`. Texts of one message are joined
    by a line break; a picture makes them parts (`inlineData`, or `fileData` with a web address). `functionCall` becomes
    a call with a made-up id (`call00001`), `functionResponse` the tool's answer; `functionDeclarations` become `tools`,
    their types in small letters, as JSON Schema has them. Thoughts go to `meta.turns` under the message's number, all
    other keys of the row to `meta`. Keys in snake case are known too.

    A record is dropped as `media` (a file that is no picture, or lies in a bucket), `no-messages`, `no-assistant`,
    `no-user`, `no-answer`, `unknown-role`, `not-text`, `bad-tool-call`, `bad-tools`, or with the problem of its record.
    Flags as in `sharegpt`.

    Source: Google's documentation of supervised tuning.
    """

    name: ClassVar[str] = "gemini"
    evidence: ClassVar[str] = "D"
    keys: ClassVar[tuple[str, ...]] = ("contents",)
    shape: ClassVar[str] = "`contents` of `parts`"
    surely: ClassVar[float] = 0.98

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its contents and their parts."""
        contents = value.get("contents")
        return (
            isinstance(contents, list)
            and bool(contents)
            and all(isinstance(one, dict) and isinstance(one.get("parts"), list) for one in contents)
        )

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = {_SPELT.get(key, key): item for key, item in value.items()}
        contents = opened(rest.pop("contents", None))
        if not isinstance(contents, list):
            raise RowError("no-messages")
        speech = Speech()
        for message in contents:
            if not isinstance(message, dict):
                raise RowError("not-text")
            who = message.get("role")
            role = "user" if who is None else _ROLES.get(who) if isinstance(who, str) else None
            if role is None:
                raise RowError("unknown-role")
            self._take(speech, role, message.get("parts"))
            speech.beside({key: item for key, item in message.items() if key not in ("role", "parts")})
        told = rest.pop("systemInstruction", None)
        system = _texts(told.get("parts") if isinstance(told, dict) else told)
        return conversation(speech, rest, _tools(rest.pop("tools", None)), system)

    @staticmethod
    def _take(speech: Speech, role: str, parts: Any) -> None:
        """Take the parts of one message."""
        if not isinstance(parts, list):
            raise RowError("not-text")
        said: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        thoughts: list[Any] = []
        answered = False
        for given in parts:
            if not isinstance(given, dict):
                raise RowError("not-text")
            part = {_SPELT.get(str(key), str(key)): item for key, item in given.items()}
            if part.get("thought") is True:
                thoughts.append(part)
            elif isinstance(part.get("text"), str):
                said.append({"type": "text", "text": part["text"]})
            elif isinstance(call := part.get("functionCall"), dict) and isinstance(call.get("name"), str):
                calls.append({"name": call["name"], "arguments": dumps(call.get("args") or {}), "id": call.get("id")})
            elif isinstance(response := part.get("functionResponse"), dict):
                name, given_id = response.get("name"), response.get("id")
                speech.answer(
                    dumps(response.get("response")),
                    given_id if isinstance(given_id, str) else None,
                    name if isinstance(name, str) else None,
                )
                answered = True
            elif not _DATA.isdisjoint(part):
                said.append({"type": "image_url", "image_url": {"url": _picture(part)}})
            else:
                raise RowError("not-text")
        text = "\n".join(part["text"] for part in said if part["type"] == "text")
        pictures = any(part["type"] != "text" for part in said)
        if said or not (calls or answered):
            if pictures:
                speech.say(role, None, parts=dumps(said))
            else:
                speech.say(role, text)
        if calls and role == "assistant":
            speech.call(calls, alone=not said)
        elif calls:
            raise RowError("bad-tool-call")
        if thoughts:
            speech.beside({"thoughts": thoughts})


def _picture(part: Mapping[str, Any]) -> str:
    for key, place in (("inlineData", "data"), ("fileData", "fileUri")):
        found = part.get(key)
        if isinstance(found, dict):
            found = {_SPELT.get(name, name): item for name, item in found.items()}
            kind, where = found.get("mimeType"), found.get(place)
            if isinstance(kind, str) and kind.startswith("image/") and isinstance(where, str):
                url = f"data:{kind};base64,{where}" if place == "data" else where
                if is_url(url):
                    return url
    raise RowError("media")


def _texts(parts: Any) -> str:
    """Give a system instruction: a text, or the texts of its parts."""
    if parts is None or isinstance(parts, str):
        return parts or ""
    listed = parts if isinstance(parts, list) else [parts]
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in listed):
        raise RowError("not-text")
    return "\n".join(part["text"] for part in listed)


def _tools(value: Any) -> str | None:
    """Give the declared functions in OpenAI's form."""
    listed: list[Any] = []
    for one in value if isinstance(value, list) else [value] if value else []:
        keys = one if isinstance(one, dict) else {}
        declared = next((keys[key] for key in keys if _SPELT.get(key, key) == "functionDeclarations"), None)
        if not isinstance(declared, list):
            raise RowError("bad-tools")
        listed += declared
    return tools_of([_lowered(one) for one in listed])


def _lowered(schema: Any) -> Any:
    """Write the types of a schema in small letters."""
    if isinstance(schema, list):
        return [_lowered(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: item.lower() if key == "type" and isinstance(item, str) and item in _TYPES else _lowered(item)
        for key, item in schema.items()
    }
