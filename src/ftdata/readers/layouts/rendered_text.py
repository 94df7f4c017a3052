"""The `rendered-text` reader: conversations that a chat template has made one text of."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from pydantic import Field

from ftdata.errors import RowError
from ftdata.readers.layouts.hermes import untagged
from ftdata.readers.layouts.rows import Row, TrainingRows, first
from ftdata.readers.layouts.templates import rendered
from ftdata.readers.layouts.turns import Speech
from ftdata.source import Source
from ftdata.stages import Sniff


class RenderedText(TrainingRows):
    """Read rows of one `text` that a chat template rendered, back into messages.

    Known templates: ChatML (Qwen, Phi-4), Llama 2 and Mistral (`[INST]`), Llama 3 and 4, Gemma, Phi-3, Zephyr, Tulu,
    Command R, DeepSeek, Vicuna (`USER: … ASSISTANT:`), `### Human:` and `### Assistant:`, Alpaca's `### Instruction:`,
    `Human: … Assistant:`. Tokens that begin and end a text go, an empty `<think>` too, and Alpaca's two opening
    sentences; calls between tags become calls, as in `hermes`. All other keys go to `meta`.

    A text must follow its template to the end. A record is dropped as `no-template`, `control-token` (a control token
    is left in what somebody says, or a template that is not known), `unclear-turns` (two turns of one role in a
    template in which roles take turns), `unknown-role`, `no-assistant`, `no-user`, `bad-tool-call`, `not-text`, or with
    the problem of its record. Flags as in `sharegpt`, and `thinking-left` (a `<think>` in a text).

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
        thinking = any("<think>" in turn[1] for turn in turns if turn[0] == "assistant")
        return untagged(speech, rest, None, "", ("thinking-left",) if thinking else ())


def _template(value: dict[str, Any]) -> str | None:
    text = value.get("text")
    if not isinstance(text, str):
        return None
    try:
        name, turns = rendered(text)
    except RowError:
        return None
    return name if any(turn[0] == "assistant" for turn in turns) else None
