"""The text of a Slack message: its markup resolved once, from `text`, or from its blocks where it has none.

Markup as documented by Slack ("Formatting text for app surfaces", "Block Kit: rich text"): what a person typed is
escaped (`&lt; &gt; &amp;`), so each `<...>` is a mention, a link or a date. Bold, code and emoji codes stay as typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_MARK = re.compile(r"<([^<>\n]+)>|&(lt|gt|amp);")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_LINK = re.compile(r"[A-Za-z][\w+.-]*:\S|www\.")
_PLAIN = {"lt": "<", "gt": ">", "amp": "&"}
_UPLOADED = re.compile(
    r"<@\w+(?:\|[^<>]*)?> (?:uploaded|shared) (?:a file|an image):? <[^<>]*>(?: and commented: (?P<said>.*))?",
    re.DOTALL,
)
Name = Callable[[str], str]
"""From the id of a user to what they are called; the id itself where nobody knows."""
Room = Callable[[str], str | None]
"""From the id of a channel to what it is called; the id itself where nobody knows; None: it must not be named."""


def plain(text: str, user: Name, channel: Room) -> str:
    """Give a text as its readers saw it: `<@U1>` is `@name`, `<url|label>` is `label (url)`, entities are resolved."""
    if "<" not in text and "&" not in text:
        return text
    return _MARK.sub(lambda mark: _PLAIN[mark[2]] if mark[2] else _shown(mark[1], user, channel), text)


def _once(text: str) -> str:
    return _ENTITY.sub(lambda mark: _PLAIN[mark[1]], text)


def _shown(inside: str, user: Name, channel: Room) -> str:
    target, _, label = (_once(part) for part in inside.partition("|"))
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return f"@{_bare(user(rest) if user(rest) != rest else label or rest)}"
    if kind == "#":
        name = channel(rest)
        return f"#{rest if name is None else _bare(label or name)}"
    if kind == "!":
        if rest.startswith("date^"):
            return label
        if rest.startswith("subteam^"):
            return f"@{_bare(label or rest[8:])}"
        return label or f"@{rest}"
    return linked(target, label) if _LINK.match(target) else f"<{_once(inside)}>"


def _bare(name: str) -> str:
    return name.lstrip("@#")


def linked(target: str, label: str) -> str:
    """Give a link as text: its label, then its target unless that is what the label says."""
    shown = re.sub(r"^(?:mailto|tel):", "", target)
    label = label.strip()
    bare, told = (re.sub(r"^https?://(?:www\.)?", "", part).rstrip("/") for part in (shown, label))
    return shown if not label or bare == told else f"{label} ({shown})"


def caption(text: str) -> str:
    """Give what a person said with a file, where Slack wrote the text (before 2018): `<@U1> uploaded a file: <...>`."""
    wrote = _UPLOADED.match(text)
    return text if wrote is None else (wrote["said"] or "").strip()


def of_blocks(blocks: Any, user: Name, channel: Room) -> str:
    """Give the text of a message's blocks, a line each; pictures, buttons and menus have none."""
    if not isinstance(blocks, list):
        return ""
    return "\n".join(filter(None, (_block(block, user, channel) for block in blocks if isinstance(block, dict))))


def _block(block: Mapping[str, Any], user: Name, channel: Room) -> str:
    kind, inner = block.get("type"), block.get("elements")
    elements = [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []
    if kind == "rich_text":
        return "\n".join(filter(None, (_block(one, user, channel) for one in elements)))
    if kind == "rich_text_list":
        counted = block.get("style") == "ordered"
        lines = [_block(one, user, channel) for one in elements]
        return "\n".join(f"{number}. {line}" if counted else f"- {line}" for number, line in enumerate(lines, 1))
    if kind in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        return "".join(_inline(one, user, channel) for one in elements)
    if kind == "context":
        return " ".join(filter(None, (_object(one, user, channel) for one in elements)))
    if kind in ("section", "header", "markdown"):
        fields = block.get("fields")
        told = [block.get("text"), *(fields if isinstance(fields, list) else ())]
        return "\n".join(filter(None, (_object(one, user, channel) for one in told)))
    return ""


def _object(value: Any, user: Name, channel: Room) -> str:
    """Give the text of a text object: markup, or plain text."""
    if isinstance(value, str):
        return value
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return ""
    return plain(text, user, channel) if value.get("type") != "plain_text" else text


def _inline(element: Mapping[str, Any], user: Name, channel: Room) -> str:
    def word(key: str) -> str:
        value = element.get(key)
        return value if isinstance(value, str) else ""

    match element.get("type"):
        case "text":
            return word("text")
        case "link":
            return linked(word("url"), word("text"))
        case "user":
            return f"@{_bare(user(word('user_id')))}"
        case "channel":
            return f"#{_bare(channel(word('channel_id')) or word('channel_id'))}"
        case "emoji":
            return f":{word('name')}:"
        case "broadcast":
            return f"@{word('range')}"
        case "usergroup":
            return f"@{word('usergroup_id')}"
        case "date":
            return word("fallback")
    return ""


def of_attachments(attachments: Any, user: Name, channel: Room) -> str:
    """Give the text of what an app attached: `pretext`, `title`, `text`, `fields`; else the `fallback`."""
    said: list[str] = []
    for one in attachments if isinstance(attachments, list) else ():
        if not isinstance(one, dict):
            continue
        fields = one.get("fields")
        told = [one.get("pretext"), one.get("title"), one.get("text")]
        for field in fields if isinstance(fields, list) else ():
            if isinstance(field, dict):
                told.append(": ".join(str(field[key]) for key in ("title", "value") if field.get(key)))
        lines = [plain(line, user, channel) for line in told if isinstance(line, str) and line.strip()]
        if not lines and isinstance(one.get("fallback"), str):
            lines = [plain(one["fallback"], user, channel)]
        said += lines
    return "\n".join(said)
