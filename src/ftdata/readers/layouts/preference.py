"""The `preference` reader: a prompt, a chosen answer, a rejected one."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ftdata.errors import RowError
from ftdata.readers.layouts.alpaca import Alpaca
from ftdata.readers.layouts.anthropic_hh import AnthropicHH, transcript
from ftdata.readers.layouts.rows import Columns, Row, Turn, joined, opened, text_of
from ftdata.readers.layouts.sharegpt import CONVERSATION
from ftdata.readers.layouts.turns import Speech, preferred

_SIDES = (("chosen", "rejected"), ("chosen_messages", "rejected_messages"), ("chosen_response", "rejected_response"))
_PROMPTS = ("prompt", "question", "instruction", "query", "input")


class Preference(Columns):
    """Read preference rows: `prompt`, `chosen`, `rejected`, each a text or messages; or `chosen` and `rejected` alone.

    The answers may be called `chosen_messages` or `chosen_response` (and `rejected_…`) as well. The prompt may be
    called `question`, `instruction` (with `input`) or `query`, or be a conversation (`conversations`, `messages`, of
    `from` and `value` or role and content: LLaMA-Factory's ranking data). An answer is a text, a message, or a list of
    them; where both answers are whole conversations (without a prompt, or beginning with it), what both begin with is
    the prompt, as TRL's `extract_prompt` has it. A prompt that is a transcript with `Human:` and `Assistant:` is cut
    into its turns. A conversation that the assistant ends is no prompt: it goes to `meta`. `system` goes before all.
    All other keys go to `meta`.

    A record is dropped as `no-answer` (an empty one; the note says if it is the rejected one), `different-prompts`,
    `no-question`, `no-user`, `not-text`, `unknown-role`, `media`, `bad-tools`, or with the problem of its record. Flags
    as in `sharegpt`, and `equal-answers`.

    Source: TRL's dataset formats (preference, with explicit and implicit prompt); LLaMA-Factory's ranking data.
    """

    name: ClassVar[str] = "preference"
    keys: ClassVar[tuple[str, ...]] = (*(side for pair in _SIDES for side in pair), *_PROMPTS)
    shape: ClassVar[str] = "a chosen and a rejected answer"
    surely: ClassVar[float] = 0.985

    join: str = Field("\n\n", description="text between an `instruction` and its `input`")

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its two answers."""
        return any(
            isinstance(value.get(a), str | list | dict) and isinstance(value.get(b), str | list | dict)
            for a, b in _SIDES
        ) and not AnthropicHH.knows(value)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        sides = next((pair for pair in _SIDES if pair[0] in rest or pair[1] in rest), _SIDES[0])
        better, worse = (opened(rest.pop(side, None)) for side in sides)
        if better is None or worse is None:
            raise RowError("no-answer", None if better is None else "the rejected one")
        before = self._prompt(rest)
        system, tools = Alpaca.before(rest)
        if isinstance(better, str) and isinstance(worse, str) and not before:
            # No prompt beside them: transcripts, or answers to nobody knows what.
            return preferred([*system, *_talk(better)], [*system, *_talk(worse)], rest, tools)
        chosen, rejected = _answer(better), _answer(worse)
        asked = before[-1][1] if before else None
        whole = [side for side in (chosen, rejected) if side and side[0][0] != "assistant"]
        if whole and before and not all(_begins(side, before) for side in (chosen, rejected)):
            if len(before) > 1 or len(whole) < 2 or not all(("user", asked) in side for side in whole):
                raise RowError("different-prompts")
            before = []
        if whole:
            return preferred([*system, *chosen], [*system, *rejected], rest, tools)
        if not before:
            raise RowError("no-question")
        opening = [*system, *before]
        return preferred([*opening, *chosen], [*opening, *rejected], rest, tools, len(opening))

    def _prompt(self, rest: dict[str, Any]) -> list[Turn]:
        """Take the prompt out of a record."""
        key = next((key for key in (*CONVERSATION, *_PROMPTS) if rest.get(key) is not None), None)
        if key in CONVERSATION and _answered(rest[key]):
            # UltraFeedback's rows repeat the chosen conversation under `messages`: the prompt is told elsewhere.
            key = next((key for key in _PROMPTS if rest.get(key) is not None), None)
        if key is None:
            return []
        given = opened(rest.pop(key)) if key in CONVERSATION or isinstance(rest[key], list | dict) else rest.pop(key)
        if isinstance(given, list | dict):
            return messages_of(given)
        text = text_of(given)
        if key == "instruction":
            text = joined(text, text_of(rest.pop("input", None)), by=self.join)
        if not text.strip():
            raise RowError("no-question")
        return (
            _talk(text)
            if text.lstrip().startswith(("Human:", "Assistant:")) and "\n\nAssistant:" in text
            else [("user", text)]
        )


def messages_of(value: Any) -> list[Turn]:
    """Give messages: a list of them, or a single one."""
    speech = Speech()
    for message in value if isinstance(value, list) else [value]:
        speech.add(message)
    return speech.turns


def _talk(text: str) -> list[Turn]:
    """Cut a transcript; the label with which a prompt ends opens the answer, and is no turn."""
    try:
        turns = transcript(text)
    except RowError:
        raise RowError("no-question") from None
    if turns and turns[-1] == ("assistant", ""):
        turns.pop()
    return turns


def _answer(value: Any) -> list[Turn]:
    if isinstance(value, list | dict):
        return messages_of(value)
    return [("assistant", text_of(value))]


def _answered(value: Any) -> bool:
    """Say whether a conversation ends with the assistant, and so is no prompt."""
    talk = opened(value)
    last = talk[-1] if isinstance(talk, list) and talk else None
    return isinstance(last, dict) and last.get("role", last.get("from")) in ("assistant", "gpt")


def _begins(side: list[Turn], before: list[Turn]) -> bool:
    return side[: len(before)] == before
