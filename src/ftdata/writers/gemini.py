"""Rows for tuning Gemini on Google's platform."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import msgspec
import polars as pl

from ftdata.writers.cargo import TALK
from ftdata.writers.dialect import Dialect, Talk, Turn, key, named, raw

_ROLES = {"assistant": "model", "tool": "user"}
_INNER = ("items", "additionalProperties", "not")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions")


class Gemini(Dialect):
    """Write rows for tuning Gemini, one file per split.

    A row has, where there is one, `systemInstruction`, and `contents` of a role (`user`, `model`) and `parts`: a text,
    a picture that the row holds (`inlineData`), a call of a function (`functionCall`, its arguments as an object), a
    function's answer (`functionResponse`, said by the user, under the name of what was called). Tools stand in one
    list of `functionDeclarations`, the types of their parameters in capitals.

        {"systemInstruction":{"role":"system","parts":[{"text":"Seja breve."}]},"contents":[{"role":"user","parts":…}]}

    The layout has no ids of calls: answers must stand in the order of their calls, and each must be a JSON object.
    Refused besides: weights, names, preference, a system message that is not the first, pictures at an address.

    Source: Google, "Supervised fine-tuning" and "Tune function calling"; as of 2026-11-21.
    """

    name: ClassVar[str] = "gemini"
    carries: ClassVar[frozenset[str]] = TALK | {"system", "tools", "tool-turns", "images"}

    def message(self) -> pl.Expr:
        """Give a plain message."""
        return pl.struct(pl.col("role").replace(_ROLES), parts=pl.concat_list(pl.struct(text="content")))

    def pieces(self) -> list[pl.Expr]:
        """Give the keys of a plain row."""
        told = pl.struct(role=pl.lit("system"), parts=pl.concat_list(pl.struct(text="system")))
        return [named("systemInstruction", told), key("contents", pl.col("turns"))]

    def row(self, talk: Talk) -> dict[str, Any]:
        """Give any row."""
        made: dict[str, Any] = {}
        if talk.system is not None:
            made["systemInstruction"] = {"role": "system", "parts": [{"text": talk.system}]}
        called: dict[str | None, str] = {}
        made["contents"] = []
        for turn in talk.turns:
            called.update({identity: name for identity, name, _ in turn.calls})
            made["contents"].append({"role": _ROLES.get(turn.role, turn.role), "parts": _parts(turn, called)})
        if talk.functions is not None:
            made["tools"] = [{"functionDeclarations": [_declared(one) for one in talk.functions]}]
        return made


def _parts(turn: Turn, called: dict[str | None, str]) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [{"functionResponse": {"name": called.get(turn.call, ""), "response": raw(turn.content or "{}")}}]
    parts: list[dict[str, Any]] = [] if turn.content is None else [{"text": turn.content}]
    for part in turn.parts:
        if part["type"] == "text":
            parts.append({"text": part["text"]})
        else:
            kind, _, data = part["image_url"]["url"].partition(";base64,")
            parts.append({"inlineData": {"mimeType": kind.removeprefix("data:"), "data": data}})
    return parts + [{"functionCall": {"name": name, "args": raw(arguments)}} for _, name, arguments in turn.calls]


def _declared(function: dict[str, msgspec.Raw]) -> dict[str, Any]:
    made: dict[str, Any] = {name: raw(function[name]) for name in ("name", "description") if name in function}
    if "parameters" in function:
        schema = _capitals(json.loads(bytes(function["parameters"])))
        made["parameters"] = msgspec.Raw(json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode())
    return made


def _capitals(schema: Any) -> Any:
    """Write the types of a JSON schema in capitals: where schemas stand, not in examples and defaults."""
    if not isinstance(schema, dict):
        return schema
    made = {}
    for name, item in schema.items():
        if name == "type" and isinstance(item, str):
            item = item.upper()
        elif name in _INNER:
            item = _capitals(item)
        elif name in _LISTED and isinstance(item, list):
            item = [_capitals(one) for one in item]
        elif name in _NAMED and isinstance(item, dict):
            item = {inner: _capitals(one) for inner, one in item.items()}
        made[name] = item
    return made
