"""The `rendered-text` reader: conversations that a chat template has made one text of."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any, ClassVar

from pydantic import Field

from ftdata.errors import RowError
from ftdata.readers.layouts.hermes import untagged
from ftdata.readers.layouts.rows import Columns, Row, Turn, first
from ftdata.readers.layouts.templates import rendered
from ftdata.readers.layouts.turns import Speech
from ftdata.source import Source
from ftdata.stages import Sniff


class RenderedText(Columns):
    """Read rows of one `text` that a chat template rendered, back into messages.

    Known templates: ChatML (Qwen, Phi-4), Llama 2 and Mistral (`[INST]`), Llama 3 and 4, Gemma, Phi-3, Zephyr, Tulu,
    Command R, DeepSeek, Vicuna (`USER: … ASSISTANT:`), `### Human:` and `### Assistant:`, Alpaca's `### Instruction:`,
    `Human: … Assistant:`, `<human>: … <bot>:`. Tokens that begin and end a text go, an empty `<think>` too, and
    Alpaca's two opening sentences; calls between tags become calls, as in `hermes`. All other keys go to `meta`. The
    file is JSON lines, a JSON array, or delimited text.

    A text must follow its template to the end. A record is dropped as `no-template`, `control-token` (a control token
    is left in what somebody says, or a template that is not known), `unclear-turns` (two turns of one role in a
    template in which roles take turns), `unknown-role`, `no-assistant`, `no-user`, `bad-tool-call` (also a call in a
    form that is not read, as Llama 3 writes them), `not-text`, or with the problem of its record. Flags as in
    `sharegpt`, and `thinking-left` (a `<think>` in a text).

    Source: the chat templates published with the models, TRL's collection of them.
    """

    name: ClassVar[str] = "rendered-text"
    evidence: ClassVar[str] = "C"
    keys: ClassVar[tuple[str, ...]] = ("text",)
    shape: ClassVar[str] = "a `text` that a chat template rendered"
    surely: ClassVar[float] = 0.96

    column: str = Field("text", description="key of the text")

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by a text that follows a template."""
        return _template(value) is not None

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know texts of templates, and name these."""
        found = super().sniff(source)
        if found is None:
            return None
        rows = first(source, cls.keys)
        names = Counter(name for name in map(_template, rows) if name is not None)
        told = f"templates: {', '.join(f'{name} ({count} rows)' for name, count in names.most_common())}"
        return cls.known(source, *found.evidence[:1], told, confidence=found.confidence)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        text = rest.pop(self.column, None)
        if not isinstance(text, str):
            raise RowError("no-messages" if text is None else "not-text")
        _, turns = rendered(text)
        speech = Speech()
        speech.turns = turns
        if any(_unread_call(turn[1], after) for turn, after in pairwise([*turns, ("", "")]) if turn[0] == "assistant"):
            raise RowError("bad-tool-call")
        thinking = any("<think>" in turn[1] for turn in turns if turn[0] == "assistant")
        return untagged(speech, rest, None, "", ("thinking-left",) if thinking else ())


# Calls as Llama 3 and its successors write them: JSON, or a function's tag. What these texts tell the model of its
# tools stands in a message in words, so that no row with calls can be made of them.
_WRITTEN = re.compile(
    r"\s*(?:<function=[\w.-]+>|\{\s*\"(?:type\"\s*:\s*\"function\"\s*,\s*\")?name\"\s*:\s*\"[^\"\n]*\"\s*,"
    r"\s*\"(?:parameters|arguments)\"\s*:\s*\{|\[\s*[A-Za-z_][\w.]*\((?:\w+\s*=[^\n]*)?\)\s*\]\s*\Z)"
)


def _unread_call(text: str, after: Turn) -> bool:
    """Say whether the assistant calls a tool in a form that is not read: a tool answers, or the text is a call."""
    return "<tool_call>" not in text and (after[0] == "tool" or _WRITTEN.match(text) is not None)


def _template(value: dict[str, Any]) -> str | None:
    text = value.get("text")
    if not isinstance(text, str):
        return None
    try:
        name, turns = rendered(text)
    except RowError:
        return None
    return name if any(turn[0] == "assistant" for turn in turns) else None
