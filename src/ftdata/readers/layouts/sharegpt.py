"""The `sharegpt` reader: `conversations` of `from` and `value`."""

from __future__ import annotations

from typing import Any, ClassVar

from ftdata.errors import RowError
from ftdata.readers.layouts.media import pictured
from ftdata.readers.layouts.rows import Columns, Row, opened, text_of
from ftdata.readers.layouts.turns import Speech, conversation, tools_of

CONVERSATION = ("conversations", "conversation", "items", "dialog", "dialogue", "messages")
"""Keys under which a conversation stands."""
_PAIRS = (("input", "output"), ("human", "assistant"))
_BARE = ("conversations", "data")
"""Keys under which LIMA and UltraChat have texts alone, the user's first and then in turns."""


class ShareGPT(Columns):
    """Read ShareGPT rows: `conversations` of `from` and `value`, and where given `system` and `tools`.

    The conversation may also stand under `conversation`, `items`, `dialog` or `messages`, its messages may have `role`
    and `content`, or be pairs of `input` and `output` (XTuner), `human` and `assistant`. Where `conversations` (LIMA)
    or `data` (UltraChat) hold nothing but texts, the user says the first and the roles take turns; such a row has the
    flag `roles-by-order`. Speakers: `human`, `user`, `prompter`; `gpt`, `assistant`, `model`, `bot` and the names of
    chat services; `system`; `function_call` (its text is JSON, one call or a list) becomes `tool_calls` of the
    assistant; `observation`, `tool`, `function`, `ipython` the tool's answer, with made-up ids (`call00001`). `tools`
    may be JSON as text. A weight of 0 or 1 (`weight`, `loss`, `loss_weight`, `train`) on the assistant's messages is
    kept. Pictures stand as parts where `<image>` stood, if they are web addresses. The conversation may be JSON as
    text, as in a CSV. Other keys of a message go to `meta.turns` under the message's number (from 1), other keys of the
    row to `meta`.

    Nothing is merged, moved or cut: what a target may refuse has a flag, `first-not-user`, `last-not-assistant`,
    `consecutive-user`, `consecutive-assistant`, `several-system`, `empty-turn` (see the stage `turns`). A record is
    dropped as `no-messages`, `no-assistant`, `no-user`, `no-answer` (the assistant says nothing), `unknown-role`,
    `not-text`, `bad-tool-call` (a call that is no JSON, or has no name), `bad-tools`, `media` (pictures that are files,
    sound, films), or with the problem of its record.

    Source: the public ShareGPT sets, LLaMA-Factory's `SharegptDatasetConverter`, torchtune's chat data.
    """

    name: ClassVar[str] = "sharegpt"
    keys: ClassVar[tuple[str, ...]] = (*CONVERSATION, "data")
    shape: ClassVar[str] = "a conversation with `from` and `value`, or the like"

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by the messages of its conversation; `messages` of role and content are OpenAI's."""
        key = key_of(value)
        if key is None or value.keys() & {"chosen", "rejected", "kto_tag"}:
            return False
        found = opened(value[key])
        messages = found[:20] if isinstance(found, list) else []
        if _bare(key, messages):
            return True
        if key == "data":
            return False
        if key == "messages" and isinstance(value[key], list):
            return bool(messages) and all(isinstance(one, dict) and {"from", "value"} <= one.keys() for one in messages)
        if not messages:
            return key == "conversations"
        return all(
            isinstance(one, dict)
            and ({"from", "value"} <= one.keys() or {"role", "content"} <= one.keys() or any_pair(one) is not None)
            for one in messages
        )

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        key = key_of(value)
        if key is None:
            raise RowError("no-messages")
        rest = dict(value)
        messages = opened(rest.pop(key))
        if not isinstance(messages, list):
            raise RowError("not-text")
        bare = _bare(key, messages)
        if bare:
            messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(messages)]
        system, tools = "", None
        if rest:
            system = text_of(rest.pop("system", None)) or text_of(rest.pop("system_prompt", None))
            tools = tools_of(rest.pop("tools", None))
        speech = self.heard(messages)
        if rest:
            pictured(speech.turns, rest)
        made = self.finished(speech, rest, tools, system)
        return made._replace(flags=(*made.flags, "roles-by-order")) if bare else made

    def heard(self, messages: list[Any]) -> Speech:
        """Take the messages of a conversation."""
        speech = Speech()
        for message in messages:
            if isinstance(message, dict) and "from" not in message and (names := any_pair(message)) is not None:
                self._paired(speech, message, names)
            else:
                speech.add(message)
        return speech

    def _paired(self, speech: Speech, message: dict[str, Any], names: tuple[str, str]) -> None:
        """Take a pair of a question and its answer, with a system message before it and what else it has."""
        rest = dict(message)
        asked, answer, system = (text_of(rest.pop(key, None)) for key in (*names, "system"))
        if system.strip():
            speech.say("system", system)
        speech.say("user", asked)
        speech.say("assistant", answer)
        speech.beside(rest)

    def finished(self, speech: Speech, rest: dict[str, Any], tools: str | None, system: str) -> Row:
        """Make the row of what was heard."""
        return conversation(speech, rest, tools, system)


def key_of(value: dict[str, Any]) -> str | None:
    """Find the key of the conversation in a row."""
    found = next((key for key in CONVERSATION if isinstance(value.get(key), list | str)), None)
    return "data" if found is None and _bare("data", value.get("data")) else found


def _bare(key: str, messages: Any) -> bool:
    """Say whether a conversation is a list of texts, of a layout in which the user begins and the roles take turns."""
    return key in _BARE and isinstance(messages, list) and bool(messages) and all(map(_is_text, messages))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def any_pair(message: dict[str, Any]) -> tuple[str, str] | None:
    """Give the two keys of a message that is a question and its answer; None: it is none."""
    if "from" in message or "role" in message:
        return None
    return next((pair for pair in _PAIRS if pair[0] in message and pair[1] in message), None)
