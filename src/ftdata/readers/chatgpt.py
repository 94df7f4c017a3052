"""Read the export of ChatGPT: `conversations.json`, each conversation a tree of messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ftdata.errors import InputError
from ftdata.readers.branches import Branches, Node, Talk, word
from ftdata.readers.messages import files
from ftdata.readers.times import utc
from ftdata.source import Source
from ftdata.stages import Sniff

_FILES = r"conversations(?:-[0-9]+)?\.json"
_THINKING = frozenset({"thoughts", "reasoning_recap"})
_TOOLS = frozenset(
    "code execution_output system_error tether_quote tether_browsing_display tether_browsing_code computer_output "
    "computer_initialize_state citable_code_output sonic_webpage super_widget".split()
)
_CONTEXT = frozenset({"user_editable_context", "model_editable_context"})
_ROLES = {"system": "system-line", "developer": "system-line", "tool": "tool-output"}

# Marks that the model writes for the page to show a source in their place: `【4†source】`, the older
# `:contentReference[oaicite:0]{index=0}`, and, between characters for private use, `cite` with the numbers of sources.
_MARKS = re.compile(
    r" ?(?:【[0-9]{1,4}(?::[0-9]{1,4})?†[^【】\n]{0,300}】|:contentReference\[oaicite:[0-9]{1,4}\]\{index=[0-9]{1,4}\}"
    r"|\ue200(?!entity\ue202)[^\ue200\ue201]{0,20000}\ue201)"
)
_URL = re.compile(r"\ue200url\ue202([^\ue200-\ue202]{1,2000})(?:\ue202([^\ue200-\ue202]{0,2000}))?\ue201")
_WRITING = re.compile(r"^:::writing\{[^\n]{0,2000}\}[ \t]*\n(.*?)\n:::[ \t]*$", re.MULTILINE | re.DOTALL)
"""What the page shows as a card to copy: a draft of a mail, a document."""
_CUT = frozenset({"interrupted", "max_tokens"})
_ENTITY = re.compile(r"\ue200entity\ue202([^\ue200\ue201]{0,2000})\ue201")
_STRAY = re.compile("[\ue200-\ue206]")


class ChatGPT(Branches):
    """Read a ChatGPT export: `conversations.json` or its numbered parts, or the folder or zip that holds them.

    A conversation is the branch from `current_node` up; answers made again and questions asked anew are other branches.
    What the assistant says before and after a tool is one turn. The marks of sources (`【4†source】` and the like) are
    taken out of answers; of a name or link marked for the page, and of a draft in a card, the text stays.

    Records left out, besides those of `Branches` and of the source: `preamble` (what stands around a conversation's
    messages), `hidden` (messages that the page does not show, custom instructions), `system-line`, `thinking`,
    `tool-output` (what is said to a tool, and what tools say), `not-text` (pictures and sounds without words),
    `unknown-role`, `not-an-object`. Flags: `citations-removed`, `card-opened`, `answer-cut` (it was stopped, or too
    long), and those of `Branches`.

    `meta` holds `subject` (the title), `chat` (the id), `created_at` and `model` (that of the last answer). Keys and
    kinds as in files that were read, and as documents of parsers list them.
    """

    name: ClassVar[str] = "chatgpt"
    evidence: ClassVar[str] = "F"
    problems: ClassVar[frozenset[str]] = frozenset({"not-an-object"})

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the export by its tree of messages."""
        found = files(source, _FILES)
        opening = source.opening(member=found[0]) if found else b""
        if opening.lstrip()[:1] not in (b"[", b"{") or b'"mapping"' not in opening:
            return None
        if not all(key in opening for key in (b'"parent"', b'"children"', b'"message"')):
            return None
        told = [f"{len(found)} files of conversations"] if len(found) > 1 else []
        return cls.known(source, "conversations with a mapping of messages (ChatGPT)", *told)

    def talks(self, source: Source) -> Iterator[Talk]:
        """Give the conversations, file by file."""
        found = files(source, _FILES)
        if not found:
            raise InputError(f"{source.name}: holds no conversations.json, the file to read")
        for member in found:
            for whole in source.json_parts("mapping{}", member=member):
                number, holder = whole.record.number, whole.record.value
                if whole.record.problem:
                    yield Talk([], others=[(number, whole.record.problem)])
                    continue
                nodes = [_node(part.number, part.value) for part in whole.parts]
                yield Talk(nodes, word(holder.get("current_node")), _meta(holder), [(number, "preamble")])


def _node(number: int, value: Any) -> Node:
    if not isinstance(value, dict):
        return Node(number, drop="not-an-object")
    message = value.get("message")
    message = message if isinstance(message, dict) else {}
    key = word(value.get("id")) or word(message.get("id"))
    node = Node(number, key, word(value.get("parent")), at=_seconds(message.get("create_time")))
    author, content, about = (_object(message.get(part)) for part in ("author", "content", "metadata"))
    role, kind = word(author.get("role")), content.get("content_type", "text")
    reason = _left_out(message, role, kind if isinstance(kind, str) else "", about)
    if reason is not None:
        return node._replace(drop=reason)
    text = said(content)
    if not text.strip():
        parts = content.get("parts")
        media = isinstance(parts, list) and any(isinstance(part, dict) for part in parts)
        return node._replace(role=role, drop="not-text" if media else "empty-text")
    flags: tuple[str, ...] = ()
    if role == "assistant":
        if (plain := without_marks(text)) != text:
            text, flags = plain, ("citations-removed",)
        if ":::writing{" in text and (plain := _WRITING.sub(r"\1", text)) != text:
            text, flags = plain, (*flags, "card-opened")
        ended = _object(about.get("finish_details")).get("type")
        if message.get("status") == "finished_partial_completion" or (isinstance(ended, str) and ended in _CUT):
            flags = (*flags, "answer-cut")
    return node._replace(role=role, text=text, flags=flags, model=word(about.get("model_slug")) or None)


def _left_out(message: Mapping[str, Any], role: str, kind: str, about: Mapping[str, Any]) -> str | None:
    """Give the reason why a message is no turn, its text not looked at; None for one that is."""
    if not message:
        return "empty-text"
    if about.get("is_visually_hidden_from_conversation") or about.get("is_user_system_message") or kind in _CONTEXT:
        return "hidden"
    weight = message.get("weight")
    if isinstance(weight, int | float) and weight == 0:
        return "hidden"
    if role not in ("user", "assistant"):
        return _ROLES.get(role, "unknown-role")
    if kind in _THINKING or message.get("channel") == "analysis":
        return "thinking"
    if kind in _TOOLS or message.get("recipient") not in (None, "all"):
        return "tool-output"
    return None if kind in ("text", "multimodal_text") else "not-text"


def said(content: Mapping[str, Any]) -> str:
    """Give the text of a message's content: its parts that are text, and what was said aloud as it was written down."""
    parts = content.get("parts")
    texts = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("content_type") in ("text", "audio_transcription"):
            part = part.get("text")
        if isinstance(part, str) and part.strip():
            texts.append(part)
    return "\n".join(texts)


def without_marks(text: str) -> str:
    """Give an answer without the marks of its sources; of a name marked for the page its text stays."""
    if "【" not in text and "oaicite" not in text and not _STRAY.search(text):
        return text
    return _STRAY.sub("", _ENTITY.sub(_named, _MARKS.sub("", _URL.sub(_linked, text))))


def _linked(match: re.Match[str]) -> str:
    target = match[2] or ""
    return f"{match[1]} ({target})" if target.startswith(("http://", "https://")) else match[1]


def _named(match: re.Match[str]) -> str:
    try:
        told = json.loads(match[1])
        return str(told[1].encode().decode())  # no half of a surrogate pair
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return ""


def _meta(holder: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "subject": word(holder.get("title")),
        "chat": word(holder.get("conversation_id")) or word(holder.get("id")),
        "created_at": _moment(holder.get("create_time")),
    }
    return {key: value for key, value in told.items() if value}


def _moment(value: Any) -> str:
    """Give seconds since 1970 as a time in UTC; a time that is text stays as it is."""
    seconds = _seconds(value)
    if seconds is None or not 0 <= seconds < 1e11:
        return word(value)
    return utc(int(seconds) * 10**6)


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and abs(value) < 1e15 else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
