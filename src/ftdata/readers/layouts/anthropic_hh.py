"""The `anthropic-hh` reader: two transcripts, `chosen` and `rejected`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ftdata.errors import RowError
from ftdata.readers.layouts.rows import Columns, Row, Turn
from ftdata.readers.layouts.turns import preferred

_TURN = re.compile(r"\n\n(Human|Assistant):(?: |\Z|(?=\n))")
_ROLES = {"Human": "user", "Assistant": "assistant"}


class AnthropicHH(Columns):
    r"""Read Anthropic's helpful-and-harmless rows: transcripts `chosen` and `rejected`, as preference rows.

    A transcript is cut at `\n\nHuman: ` and `\n\nAssistant: `; one space after the label belongs to it, all other white
    space to the text. What both begin with is the prompt, the rest of each the answer. All other keys go to `meta`.

    A label within a text cannot be told from a turn: two turns of one role in a row are kept apart, with the flag
    `consecutive-user` or `consecutive-assistant`. Flags also: `equal-answers`, `last-not-assistant`,
    `first-not-user`, `empty-turn`. A record is dropped as `no-answer` (an empty one; the note says if it is the
    rejected one), `different-prompts` (the two differ in something the user says), `no-user`, `no-assistant`,
    `unknown-role` (text before the first label), `not-text`, or with the problem of its record.

    Source: the data of hh-rlhf, and TRL's script that turns them into conversations.
    """

    name: ClassVar[str] = "anthropic-hh"
    keys: ClassVar[tuple[str, ...]] = ("chosen", "rejected")
    shape: ClassVar[str] = "transcripts `chosen` and `rejected` with `Human:` and `Assistant:`"
    surely: ClassVar[float] = 0.98

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its two transcripts."""
        sides = value.get("chosen"), value.get("rejected")
        return all(isinstance(side, str) and side.lstrip().startswith(("Human:", "Assistant:")) for side in sides)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        chosen, rejected = rest.pop("chosen", None), rest.pop("rejected", None)
        if not isinstance(chosen, str) or not isinstance(rejected, str):
            raise RowError("not-text" if chosen is not None and rejected is not None else "no-answer")
        return preferred(transcript(chosen), transcript(rejected), rest)


def transcript(text: str) -> list[Turn]:
    """Cut a transcript into its turns; refuse one that begins with something else."""
    pieces = _TURN.split(text if text.startswith("\n\n") else "\n\n" + text)
    if pieces[0].strip():
        raise RowError("unknown-role")
    return [(_ROLES[label], said) for label, said in zip(pieces[1::2], pieces[2::2], strict=True)]
