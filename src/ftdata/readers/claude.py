"""Read the export of Claude: `conversations.json`, each conversation a list of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from ftdata.errors import InputError
from ftdata.readers.branches import Branches, Node, Talk, word
from ftdata.readers.messages import files
from ftdata.readers.times import instant
from ftdata.source import Source
from ftdata.stages import Sniff

_FILES = r"conversations(?:-[0-9]+)?\.json"
_WRAPPED = re.compile(rb'\s*\{(?:(?!"chat_messages").)*?"conversations"\s*:\s*\[', re.DOTALL)
_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}
_UNSHOWN = re.compile(r"\n*```[a-z]*\s*This block is not supported on your current device yet\.\s*```\n*")
"""What older exports put into `text` where a block stood that is no text."""

_THOUGHT = re.compile(r"\n*(?<!`)<antThinking>.*?(?:</antThinking>|\Z)\n*", re.DOTALL)
_ARTIFACT = re.compile(r"</?antArtifact\b[^<>]{0,2000}>\n?")
"""Exports of 2024 have thoughts, and the marks of what is shown beside the chat, in the text."""
_WORDS = frozenset({"text", "voice_note"})


class Claude(Branches):
    """Read a Claude export: `conversations.json`, or the folder or zip that holds it.

    The text of a message is that of its `content` blocks of type `text`; `text` counts only where there are no blocks,
    since newer exports write thoughts into it. Thoughts in a text are taken out of it (`<antThinking>`), of what was
    shown beside the chat (`<antArtifact>`) the text stays. Messages go by the ones they answer
    (`parent_message_uuid`) where these are told, else by time, then as they stand.

    Records left out, besides those of `Branches` and of the source: `preamble` (what stands around a conversation's
    messages), `thinking`, `tool-output` (what is said to a tool, and what tools say, without words of the assistant's
    own), `not-text` (a file alone), `system-line`, `unknown-role`, `not-an-object` (messages that are null).
    Flags: `attachments-left-out`, `thinking-removed`, `card-opened`, and those of `Branches`.

    `meta` holds `subject` (the title), `chat` (the id), `created_at` and, where it is told, `model`. The list of
    messages as in files that were read; branches as in dumps that others published.
    """

    name: ClassVar[str] = "claude"
    evidence: ClassVar[str] = "F"

    attachments: bool = Field(False, description="put the text of attached files and pastes below the message's own")

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know the export by its lists of messages."""
        found = files(source, _FILES)
        opening = source.opening(member=found[0]) if found else b""
        if opening.lstrip()[:1] not in (b"[", b"{") or b'"chat_messages"' not in opening:
            return None
        if b'"uuid"' not in opening and b'"sender"' not in opening:
            return None
        told = [f"{len(found)} files of conversations"] if len(found) > 1 else []
        if b'"parent_message_uuid"' in opening:
            told.append("messages name the one they answer: branches (experimental)")
        return cls.known(source, "conversations with chat_messages (Claude)", *told)

    def talks(self, source: Source) -> Iterator[Talk]:
        """Give the conversations, file by file."""
        found = files(source, _FILES)
        if not found:
            raise InputError(f"{source.name}: holds no conversations.json, the file to read")
        for member in found:
            inside = "conversations" if _WRAPPED.match(source.opening(member=member)) else None
            for whole in source.json_parts("chat_messages", inside=inside, member=member):
                number, holder = whole.record.number, whole.record.value
                if whole.record.problem:
                    yield Talk([], others=[(number, whole.record.problem)])
                    continue
                nodes = [self._node(part.number, part.value) for part in whole.parts]
                if not any(node.parent for node in nodes):
                    nodes = _in_line(nodes)
                current = word(holder.get("current_leaf_message_uuid"))
                yield Talk(nodes, current, _meta(holder), [(number, "preamble")])

    def _node(self, number: int, message: Any) -> Node:
        if not isinstance(message, dict):
            return Node(number, drop="not-an-object")
        at = instant(word(message.get("created_at")))
        node = Node(
            number,
            word(message.get("uuid")),
            word(message.get("parent_message_uuid")),
            at=None if at is None else at[0] / 1e6,
        )
        sender = message.get("sender")
        role = _ROLES.get(sender) if isinstance(sender, str) else None
        if role is None:
            return node._replace(drop="system-line" if sender == "system" else "unknown-role")
        text, reason = _said(message)
        flags: tuple[str, ...] = ()
        if role == "assistant" and "<ant" in text:
            text, thoughts = _THOUGHT.subn("\n\n", text)
            text, opened = _ARTIFACT.subn("", text.strip("\n") if thoughts else text)
            flags = (*(("thinking-removed",) if thoughts else ()), *(("card-opened",) if opened else ()))
            reason = reason or (None if text.strip() else "thinking")
        pasted = [word(one.get("extracted_content")) for one in _objects(message.get("attachments"))]
        pasted = [one for one in pasted if one]
        if self.attachments:
            text = "\n\n".join([text, *pasted] if text.strip() else pasted)
        if not text.strip():
            files = message.get("files") or message.get("attachments")
            return node._replace(role=role, drop=reason or ("not-text" if files else "empty-text"))
        if pasted and not self.attachments:
            flags = (*flags, "attachments-left-out")
        return node._replace(role=role, text=text, flags=flags, model=word(message.get("model")) or None)


def _said(message: Mapping[str, Any]) -> tuple[str, str | None]:
    """Give the words of a message and, where it has blocks but no words, the reason."""
    blocks = _objects(message.get("content"))
    if not blocks:
        text = message.get("text")
        return _UNSHOWN.sub("\n\n", text).strip("\n") if isinstance(text, str) else "", None
    kinds = [kind for block in blocks if isinstance(kind := block.get("type"), str)]
    texts = [block.get("text") for block in blocks if isinstance(kind := block.get("type"), str) and kind in _WORDS]
    text = "\n\n".join(text for text in texts if isinstance(text, str) and text.strip())
    if any(kind.startswith("tool") or kind.endswith(("tool_use", "tool_result")) for kind in kinds):
        return text, "tool-output"
    if any("thinking" in kind for kind in kinds):
        return text, "thinking"
    return text, None if "text" in kinds else "not-text"


def _in_line(nodes: Sequence[Node]) -> list[Node]:
    """Put messages that do not say what they answer into the order of time, and let each answer the one before."""
    if all(node.at is not None for node in nodes if node.drop != "not-an-object"):
        # What has no time, because it is no message, stays behind the one before it.
        times, late = [], float("-inf")
        for node in nodes:
            late = late if node.at is None else node.at
            times.append(late)
        nodes = [nodes[at] for at in sorted(range(len(nodes)), key=lambda at: times[at])]
    return [node._replace(id=f"{at}", parent=f"{at - 1}" if at else "") for at, node in enumerate(nodes)]


def _meta(holder: Mapping[str, Any]) -> dict[str, str]:
    told = {"subject": "name", "chat": "uuid", "created_at": "created_at", "model": "model"}
    return {key: value for key, field in told.items() if (value := word(holder.get(field)))}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
