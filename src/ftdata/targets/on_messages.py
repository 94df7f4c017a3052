"""Rules about one row and one message of it: keys, role, content, name, weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ftdata.targets.example import BLANK, Example, Hit, Params, calls, key_path, kind_of, list_fault

# --- the row ----------------------------------------------------------------------------------------------------------


def row_object(ex: Example, _: Params) -> Iterator[Hit]:
    """Refuse a line that is JSON but no object."""
    if not isinstance(ex.found, dict):
        yield Hit("", f"the line is {kind_of(ex.found)}, not an object")


def legacy_row(ex: Example, _: Params) -> Iterator[Hit]:
    """Refuse a prompt/completion row of the old completion models."""
    if ex.form == "legacy":
        yield Hit("", "the row has prompt and completion instead of messages")


def messages(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `messages` to be an array with at least one element."""
    if ex.form in ("sft", "rft") and (fault := list_fault(ex.row, "messages")):
        yield Hit("messages", fault)


def messages_or_text(ex: Example, _: Params) -> Iterator[Hit]:
    """Want `messages` to be an array with at least one element, or the row to be one `text`."""
    if isinstance(ex.row.get("text"), str) and "messages" not in ex.row:
        return
    yield from messages(ex, _)


def message_object(ex: Example, _: Params) -> Iterator[Hit]:
    """Want every message to be an object."""
    for path, items in ex.sequences:
        for i, item in enumerate(items):
            if not isinstance(item, dict):
                yield Hit(f"{path}[{i}]", f"the message is {kind_of(item)}, not an object")


def top_level_keys(ex: Example, params: Params) -> Iterator[Hit]:
    """Name the keys of the row that its schema does not have (`keys`: form, or `input`, to known keys)."""
    known = params["keys"].get(ex.form)
    if known is not None:
        for key in ex.row:
            if key not in known:
                yield Hit(key_path("", key), "the schema of the row has no such key")
    if ex.form == "dpo":
        for key in ex.holder:
            if key not in params["keys"]["input"]:
                yield Hit(key_path("input", key), "the schema of input has no such key")


# --- a message --------------------------------------------------------------------------------------------------------


def role(ex: Example, params: Params) -> Iterator[Hit]:
    """Want one of `roles`; `aliases` (lower case) say what a wrong word seems to mean."""
    for turn in ex.turns:
        if turn.role is not None:
            continue
        value, path = turn.message.get("role"), f"{turn.path}.role"
        if value is None:
            yield Hit(path, "the role is missing")
        elif not isinstance(value, str):
            yield Hit(path, f"the role is {kind_of(value)}, not a string")
        elif (meant := params["aliases"].get(value.lower().strip())) is not None:
            # An alias is a word of our own list, so naming what it should be shows nothing of the row.
            yield Hit(path, f"the role is not a known one; '{meant}' seems to be meant")
        else:
            yield Hit(path, "the role is not a known one")


def developer_role(ex: Example, params: Params) -> Iterator[Hit]:
    """Name the `roles` that the schema of these `forms` does not list."""
    if ex.form in params["forms"]:
        for turn in ex.turns:
            if turn.role in params["roles"]:
                yield Hit(f"{turn.path}.role", f"the role {turn.role} is not in the schema of this kind of row")


def message_keys(ex: Example, params: Params) -> Iterator[Hit]:
    """Name the keys of a message that its role does not have (`keys`: role to known keys)."""
    for turn in ex.turns:
        known = params["keys"].get(turn.role)
        if known is not None:
            for key in turn.message:
                if key not in known and key != "weight":  # weight has rules of its own
                    yield Hit(key_path(turn.path, key), f"a message of the role {turn.role} has no such key")


def content_missing(ex: Example, params: Params) -> Iterator[Hit]:
    """Want content, but for roles that may have calls instead and roles where null is allowed."""
    for turn in ex.turns:
        if turn.role is None or turn.message.get("content") is not None:
            continue
        if "content" in turn.message and turn.role in params["nullable"]:
            continue
        if turn.role in params["optional_with_calls"]:
            if not calls(turn.message):
                yield Hit(f"{turn.path}.content", "there is neither content nor a call")
        else:
            yield Hit(f"{turn.path}.content", "the content is missing or null")


def content_type(ex: Example, _: Params) -> Iterator[Hit]:
    """Want content to be a string or an array."""
    for turn in ex.turns:
        value = turn.message.get("content")
        if turn.role is not None and value is not None and not isinstance(value, str | list):
            yield Hit(f"{turn.path}.content", f"the content is {kind_of(value)}, not a string or an array of parts")


def content_empty(ex: Example, params: Params) -> Iterator[Hit]:
    """Name blank contents of these `roles`."""
    for turn in ex.turns:
        if turn.role in params["roles"] and not calls(turn.message):
            value = turn.message.get("content")
            if isinstance(value, str) and not value.strip(BLANK):
                yield Hit(f"{turn.path}.content", "the content is empty")


_PART_FIELDS = {"text": ("text",), "refusal": ("refusal",), "image_url": ("image_url", "url")}


def content_parts(ex: Example, _: Params) -> Iterator[Hit]:
    """Want parts to be objects with a type and the field of their type."""
    for turn in ex.turns:
        content = turn.message.get("content")
        if turn.role is None or not isinstance(content, list):
            continue
        if not content:
            yield Hit(f"{turn.path}.content", "the array of parts is empty")
        for i, part in enumerate(content):
            path = f"{turn.path}.content[{i}]"
            if not isinstance(part, dict):
                yield Hit(path, f"the part is {kind_of(part)}, not an object")
                continue
            if not isinstance(part.get("type"), str):
                yield Hit(f"{path}.type", "the type of the part is missing or no string")
                continue
            value: Any = part
            for field in _PART_FIELDS.get(part["type"], ()):
                path = f"{path}.{field}"
                value = value.get(field) if isinstance(value, dict) else None
            if part["type"] in _PART_FIELDS and not isinstance(value, str):
                yield Hit(path, f"a part of the type {part['type']} needs a string here")


def part_type(ex: Example, params: Params) -> Iterator[Hit]:
    """Want only the part types of the role (`parts`: role to types)."""
    for turn, path, part in ex.parts():
        allowed = params["parts"].get(turn.role)
        if allowed is not None and part["type"] not in allowed:
            yield Hit(f"{path}.type", f"a message of the role {turn.role} takes no part of this type")


def part_unverified(ex: Example, params: Params) -> Iterator[Hit]:
    """Name the part types of which nobody says whether they may be trained on (`parts`: role to types)."""
    for turn, path, part in ex.parts():
        if part["type"] in params["parts"].get(turn.role, ()):
            yield Hit(f"{path}.type", f"whether a {part['type']} part may be trained on is not known")


def refusal_alone(ex: Example, _: Params) -> Iterator[Hit]:
    """Want a refusal part to be the only part."""
    for turn, path, part in ex.parts():
        if part["type"] == "refusal" and turn.role == "assistant" and len(turn.message["content"]) != 1:
            yield Hit(path, "a refusal part stands beside other parts")


def name(ex: Example, params: Params) -> Iterator[Hit]:
    """Want a name to be a string, and these roles to have one."""
    for turn in ex.turns:
        value = turn.message.get("name")
        if value is not None and not isinstance(value, str):
            yield Hit(f"{turn.path}.name", f"the name is {kind_of(value)}, not a string")
        elif value is None and turn.role in params["required"]:
            yield Hit(f"{turn.path}.name", f"a message of the role {turn.role} needs a name")


# --- weights ----------------------------------------------------------------------------------------------------------


def _is_weight(value: Any, values: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in values


def weight(ex: Example, params: Params) -> Iterator[Hit]:
    """Want a weight to be one of `values`, as an integer."""
    for turn in ex.turns:
        value = turn.message.get("weight")
        if value is not None and not _is_weight(value, params["values"]):
            cause = "another number" if type(value) is int else kind_of(value)
            yield Hit(f"{turn.path}.weight", f"the weight is {cause}, not the integer 0 or 1")


def weight_role(ex: Example, params: Params) -> Iterator[Hit]:
    """Want weights on messages of these `roles` only."""
    for turn in ex.turns:
        if turn.message.get("weight") is not None and turn.role is not None and turn.role not in params["roles"]:
            yield Hit(f"{turn.path}.weight", f"a message of the role {turn.role} has a weight")


def weight_none(ex: Example, _: Params) -> Iterator[Hit]:
    """Name rows in which no assistant message is trained on."""
    said = [turn.message.get("weight") for turn in ex.turns if turn.role == "assistant"]
    if ex.form == "sft" and said and all(type(value) is int and value == 0 for value in said):
        yield Hit("messages", "every assistant message has the weight 0, so nothing is learnt from the row")
