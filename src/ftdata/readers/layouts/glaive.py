"""The `glaive` reader: a conversation as one text, with `<functioncall>`."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from ftdata.batch import dumps
from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Row, TrainingRows, from_json, text_of
from ftdata.readers.layouts.turns import Speech, call_of, conversation, tools_of

_TURN = re.compile(r"\n\n(SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE):")
_START = re.compile(r"\n(SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE):")
_CALL = re.compile(r"<functioncall>(.*?)(?:<\|endoftext\|>|\Z)", re.DOTALL)
# Glaive writes the arguments in single quotes, as no JSON has them.
_QUOTED = re.compile(r"""\{\s*"name":\s*"([^"]*)",\s*"arguments":\s*'(.*)'\s*\}""", re.DOTALL)
_TOLD = re.compile(
    r"\A(?:SYSTEM:)?\s*You are a helpful assistant with access to the following functions?\. "
    r"Use them if required\s*-?\s*\Z"
)
_END = "<|endoftext|>"
_DECODER = json.JSONDecoder()


class Glaive(TrainingRows):
    """Read Glaive's function calling rows: `system` and `chat`, or both in `sample`, each one text.

    The chat is cut where `USER:`, `ASSISTANT:` or `FUNCTION RESPONSE:` opens a paragraph. `<functioncall>` becomes a
    call with a made-up id (`call00001`), the function's response the tool's answer; `<|endoftext|>` goes. The functions
    in the system message become `tools`; the sentence that announces them goes to `meta.told`, any other system message
    stays. All other keys go to `meta`.

    Dropped: `no-messages` (no such paragraph), `unknown-role` (text before the first one), `bad-tool-call`,
    `bad-tools`, `control-token` (an `<|endoftext|>` within a text), `no-user`, `no-assistant`, `no-answer`, `not-text`.
    Flags as in `sharegpt`, and `arguments-not-json`. Glaive's data in ShareGPT form is for `sharegpt`.

    Source: glaive-function-calling (v1: `sample`, v2: `system` and `chat`).
    """

    name: ClassVar[str] = "glaive"
    evidence: ClassVar[str] = "D"
    keys: ClassVar[tuple[str, ...]] = ("chat", "sample")
    shape: ClassVar[str] = "`USER:` and `ASSISTANT:` in a text `chat` or `sample`"

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by the labels in its text."""
        text = value.get("chat", value.get("sample"))
        return isinstance(text, str) and "USER:" in text and "ASSISTANT:" in text

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        text = (text_of(rest.pop("chat", None)) or text_of(rest.pop("sample", None))).lstrip()
        system = text_of(rest.pop("system", None))
        cut = (_TURN if "\n\nASSISTANT:" in text else _START).split("\n\n" + text)
        if cut[0].strip():
            raise RowError("unknown-role")
        speech, flags = Speech(), tuple[str, ...]()
        for label, said in zip(cut[1::2], cut[2::2], strict=True):
            if label == "SYSTEM":
                system = f"{system}\n\n{said}" if system.strip() else said
            elif label == "USER":
                speech.say("user", _plain(said))
            elif label == "FUNCTION RESPONSE":
                speech.answer(_plain(said))
            else:
                calls = _CALL.findall(said)
                left = _plain(_CALL.sub("", said))
                if left or not calls:
                    speech.say("assistant", left)
                if calls:
                    made = [_call(one.strip()) for one in calls]
                    speech.call(made, alone=not left)
                    if not all(map(_is_json, (one["arguments"] for one in made))):
                        flags = ("arguments-not-json",)
        told, tools = _told(system)
        if tools and _TOLD.match(told):
            rest["told"], told = told.removeprefix("SYSTEM:").strip(), ""
        return conversation(speech, rest, tools, told.removeprefix("SYSTEM:").strip(), flags)


def _plain(text: str) -> str:
    """Give a text without the token that ends it; within a text it would be taught."""
    text = text.strip()
    while text.endswith(_END):
        text = text.removesuffix(_END).rstrip()
    if _END in text:
        raise RowError("control-token")
    return text


def _call(text: str) -> dict[str, Any]:
    quoted = _QUOTED.match(text)
    if quoted is not None:
        arguments = quoted[2]
        if not _is_json(arguments) and _is_json(plain := arguments.replace("\\'", "'")):
            arguments = plain
        return {"name": quoted[1], "arguments": arguments}
    found = call_of(from_json(text, "bad-tool-call"))
    return {"name": found["name"], "arguments": found["arguments"]}


def _is_json(text: str) -> bool:
    try:
        from_json(text, "")
    except RowError:
        return False
    return True


def _told(system: str) -> tuple[str, str | None]:
    """Split a system message into what it says and the definitions of functions that follow one another at its end."""
    start = system.find("{")
    listed: list[Any] = []
    at = start
    while 0 <= at < len(system):
        try:
            value, at = _DECODER.raw_decode(system, at)
            from_json(dumps(value), "")
        except (ValueError, RecursionError, RowError):
            return system, None
        listed.append(value)
        while at < len(system) and system[at] in " \t\r\n,":
            at += 1
    if not listed or not all(isinstance(one, dict) and "name" in one for one in listed):
        return system, None
    return system[:start].strip(), tools_of(listed)
