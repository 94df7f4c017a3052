"""The `hermes` reader: conversations in which calls of tools stand between tags."""

from __future__ import annotations

from typing import Any, ClassVar

from ftdata.readers.layouts.rows import Row, first, opened
from ftdata.readers.layouts.sharegpt import ShareGPT, key_of
from ftdata.readers.layouts.tags import LEFT, answers_of, calls_of, tools_in
from ftdata.readers.layouts.turns import Speech, conversation, tools_of
from ftdata.source import Source
from ftdata.stages import Sniff

_TAGS = ("<tool_call>", "<tool_response>", "<tools>")


class Hermes(ShareGPT):
    """Read Hermes' function calling rows: `<tool_call>`, `<tool_response>` and `<tools>` in a conversation's texts.

    The conversation is one that `sharegpt` reads, or `messages` of role and content. A `<tool_call>` of the assistant
    becomes a call (JSON, or what Python writes for a dict), with a made-up id (`call00001`); what it says besides
    stays its content. A `<tool_response>`, said by the tool or by the user, becomes the tool's answer. The definitions
    between `<tools>` in the system message become `tools`, unless the row has some; the words that told the model of
    the tags (Hermes' and Qwen's) go to `meta.told`, since they would now be wrong; the rest of the message stays.

    Flag: `tool-tags-left` (a tag was left in a text, as one that is not closed); otherwise as `sharegpt`.

    Source: NousResearch's hermes-function-calling data; the chat template of Qwen2.5.
    """

    name: ClassVar[str] = "hermes"
    evidence: ClassVar[str] = "D"
    surely: ClassVar[float] = 0.985

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by a conversation; that there are tags in some row is for `sniff` to see."""
        key = key_of(value)
        if key is None or value.keys() & {"chosen", "rejected", "kto_tag", "label"}:
            return False
        messages = opened(value[key])
        return isinstance(messages, list) and all(
            isinstance(one, dict) and ({"from", "value"} <= one.keys() or "role" in one) for one in messages
        )

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know conversations in some of which the tags stand."""
        rows = first(source, cls.keys)
        tagged = sum(_tagged(value) for value in rows if cls._knows(value))
        if not tagged:
            return None
        found = super().sniff(source)
        evidence = f"{tagged} of {len(rows)} rows have `<tool_call>` or `<tools>` in their texts"
        return cls.known(source, evidence, confidence=found.confidence) if found else None

    def finished(self, speech: Speech, rest: dict[str, Any], tools: str | None, system: str) -> Row:
        """Take the tags out of what was heard."""
        return untagged(speech, rest, tools, system)


def untagged(speech: Speech, rest: dict[str, Any], tools: str | None, system: str, flags: tuple[str, ...] = ()) -> Row:
    """Make the row of messages with tags in their texts: calls, tools' answers and definitions, each in its place."""
    if not system.strip() and not any(turn[0] == "tool" or (turn[1] and "<tool" in turn[1]) for turn in speech.turns):
        return conversation(speech, rest, tools, "", flags)
    heard, speech.turns = speech.turns, []
    besides, speech.besides = speech.besides, {}
    told: list[str] = []
    for number, turn in enumerate(
        [("system", system), *heard] if system.strip() else heard, 0 if system.strip() else 1
    ):
        role, text = turn[:2]
        if number > 1:
            speech.beside(besides.get(str(number - 1), {}))
        if role == "tool" and (len(turn) < 6 or turn[5] is None):
            for answer in answers_of(text) or [text]:
                speech.answer(answer, name=turn[2] if len(turn) > 2 else None)
            continue
        if not text or "<tool" not in text:
            speech.turns.append(turn)
            continue
        if role == "system":
            text, found, taken = tools_in(text)
            told += [taken] if taken else []
            tools = tools or tools_of(found)
            if text:
                speech.turns.append((role, text, *turn[2:]))
            continue
        if role == "assistant":
            left, calls = calls_of(text)
            if calls:
                speech.turns.append((role, left or None, *turn[2:]))
                speech.call(calls)
                text = left
            else:
                speech.turns.append(turn)
        elif role == "user" and (answers := answers_of(text)) is not None:
            for answer in answers:
                speech.answer(answer)
            text = ""
        else:
            speech.turns.append(turn)
        if LEFT.search(text):
            flags = (*flags, "tool-tags-left") if "tool-tags-left" not in flags else flags
    speech.beside(besides.get(str(len(heard)), {}))
    if told:
        rest = {**rest, "told": "\n".join(told)}
    return conversation(speech, rest, tools, "", flags)


def _tagged(value: dict[str, Any]) -> bool:
    key = key_of(value)
    texts = [str(value.get("system"))]
    if key is not None:
        for message in opened(value[key]):
            texts += [text for text in message.values() if isinstance(text, str)]
    return any(tag in text for text in texts for tag in _TAGS[:1]) or any(
        "<tools>" in text and "</tools>" in text for text in texts
    )
