"""The `kto` reader: one answer, and whether it was wanted."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from ftdata.errors import RowError
from ftdata.readers.layouts.alpaca import Alpaca
from ftdata.readers.layouts.preference import messages_of
from ftdata.readers.layouts.rows import Columns, Row, Turn, joined, opened, pair, text_of
from ftdata.readers.layouts.sharegpt import CONVERSATION
from ftdata.readers.layouts.turns import Speech, checked

_LABELS = ("label", "kto_tag")
_PAIRS = (("prompt", "completion"), ("instruction", "output"), ("instruction", "response"), ("prompt", "response"))
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class Kto(Columns):
    """Read KTO rows: `prompt` and `completion`, each a text or messages, and `label`; or `messages` and `label`.

    `label` (or `kto_tag`) is true where the answer was wanted. One that was not is dropped as `undesired-answer`: no
    target takes an answer with a label, and as an ordinary row it would teach what people turned down. With `undesired
    = "keep"` it stays, and `meta.label` tells it from the others. All other keys go to `meta`.

    A record is dropped as `no-label` (nothing that is true or false), `no-question`, `no-answer`, `empty-text`,
    `no-messages`, `no-user`, `no-assistant`, `unknown-role`, `not-text`, `media`, or with the problem of its record.
    Flags as in `sharegpt`.

    Source: TRL's dataset formats (unpaired preference); LLaMA-Factory's `kto_tag`.
    """

    name: ClassVar[str] = "kto"
    keys: ClassVar[tuple[str, ...]] = ("label", "kto_tag", "prompt", "completion", "instruction", "output", "response")
    shape: ClassVar[str] = "an answer and a label that is true or false"
    surely: ClassVar[float] = 0.99

    undesired: Literal["drop", "keep"] = Field("drop", description="what becomes of answers that were not wanted")
    join: str = Field("\n\n", description="text between an `instruction` and its `input`")

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its label, which is true or false (or 1 or 0), beside an answer that ends it."""
        label = next((value[key] for key in _LABELS if key in value), None)
        if _truth(label) is None:
            return False
        talk = next((value[key] for key in CONVERSATION if isinstance(value.get(key), list)), None)
        if talk is not None:
            last = talk[-1] if talk else None
            who = (last.get("role", last.get("from")) if isinstance(last, dict) else None) or ""
            return str(who) in ("assistant", "gpt", "model")
        return any(a in value and b in value for a, b in _PAIRS)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        key = next((key for key in _LABELS if value.get(key) is not None), None)
        label = None if key is None else _truth(value[key])
        if key is None or label is None:
            raise RowError("no-label")
        rest = {name: item for name, item in value.items() if name != key}
        turns, tools = Alpaca.before(rest)
        turns += self._turns(rest)
        flags = checked(turns)
        if not label and self.undesired == "drop":
            raise RowError("undesired-answer")
        return Row(turns, {**rest, "label": label}, tools=tools, flags=flags)

    def _turns(self, rest: dict[str, Any]) -> list[Turn]:
        talk = next((key for key in CONVERSATION if isinstance(rest.get(key), list)), None)
        if talk is not None:
            return messages_of(rest.pop(talk))
        names = next((names for names in _PAIRS if names[1] in rest), _PAIRS[0])
        asked, answer = opened(rest.pop(names[0], None)), opened(rest.pop(names[1], None))
        if isinstance(asked, list | dict) or isinstance(answer, list | dict):
            before, after = sides(asked, answer)
            return before + after
        question = text_of(asked)
        if names[0] == "instruction":
            question = joined(question, text_of(rest.pop("input", None)), by=self.join)
        said = text_of(answer)
        pair(question, said)
        return [("user", question), ("assistant", said)]


def sides(asked: Any, answer: Any) -> tuple[list[Turn], list[Turn]]:
    """Give the turns of a prompt and of its completion, each a text or messages; calls are numbered over both."""
    speech, made = Speech(), []
    for role, side in (("user", asked), ("assistant", answer)):
        given = [side] if isinstance(side, dict) else side
        for message in given if isinstance(given, list) else [{"role": role, "content": given}]:
            speech.add(message)
        made.append(speech.turns)
        speech.turns = []
    return made[0], made[1]


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
