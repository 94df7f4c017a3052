"""The `trl-completion` reader: a prompt and a completion, each a list of messages."""

from __future__ import annotations

from typing import Any, ClassVar

from ftdata.errors import RowError
from ftdata.readers.layouts.kto import sides
from ftdata.readers.layouts.rows import Row, TrainingRows, Turn, opened
from ftdata.readers.layouts.turns import checked, tools_of


class TrlCompletion(TrainingRows):
    """Read TRL's prompt-completion rows: `prompt` and `completion`, each a list of messages, or a text.

    TRL trains on the completion only. So that this is not lost, the assistant's messages in the prompt get the weight
    0. `tools` and the messages' calls are kept; all other keys go to `meta`. Rows of two texts are `prompt-completion`
    to `sniff`, which knows the marks of older files; asked for by name, this reader takes them as they stand.

    A record is dropped as `no-question`, `no-answer`, `no-user`, `no-assistant`, `unknown-role`, `not-text`,
    `bad-tools`, `bad-tool-call`, or with the problem of its record. Flags as in `sharegpt`.

    Source: TRL's dataset formats (prompt-completion, standard and conversational).
    """

    name: ClassVar[str] = "trl-completion"
    evidence: ClassVar[str] = "C"
    keys: ClassVar[tuple[str, ...]] = ("prompt", "completion")
    shape: ClassVar[str] = "`prompt` and `completion`, each a list of messages"

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its two lists of messages."""
        sides = value.get("prompt"), value.get("completion")
        lists = all(
            isinstance(side, list) and bool(side) and all(isinstance(one, dict) and "role" in one for one in side)
            for side in sides
        )
        return lists and "label" not in value

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        asked, answer = opened(rest.pop("prompt", None)), opened(rest.pop("completion", None))
        if not asked or not answer:
            raise RowError("no-answer" if asked else "no-question")
        tools = tools_of(rest.pop("tools", None))
        before, after = sides(asked, answer)
        turns = [_context(turn) if turn[0] == "assistant" else turn for turn in before] + after
        return Row(turns, rest, tools=tools, flags=checked(turns))


def _context(turn: Turn) -> Turn:
    """Give the assistant's message of a prompt: it is there to be read, not to be learnt."""
    full = (*turn, *(None,) * (8 - len(turn)))
    return (*full[:3], 0, *full[4:])
