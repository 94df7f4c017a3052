"""The `alpaca` reader: instruction, input, output."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ftdata.errors import RowError
from ftdata.readers.layouts.media import no_media
from ftdata.readers.layouts.rows import Columns, Row, Turn, joined, opened, pair, text_of
from ftdata.readers.layouts.turns import preferred, tools_of


class Alpaca(Columns):
    """Read Alpaca rows: `instruction`, `input`, `output`, and where given `system`, `history`, `tools`.

    The user says the instruction and the input, a blank line between them, the assistant the output; `history` is a
    list of pairs said before, `system` (or `system_prompt`) the system message. An `output` that is a list of two is a
    preference row, the better one first. All other keys go to `meta` under their own names. The file is JSON lines, a
    JSON array, or delimited text.

    A record is dropped as `no-question`, `no-answer`, `empty-text` (neither), `not-text` (a list or object where a text
    belongs), `media` (pictures or sound belong to it), `bad-tools`, or with the problem of its record.

    Source: the Stanford Alpaca data and LLaMA-Factory's `AlpacaDatasetConverter`.
    """

    name: ClassVar[str] = "alpaca"
    keys: ClassVar[tuple[str, ...]] = ("instruction", "output", "input", "history", "system")
    shape: ClassVar[str] = "`instruction` and `output`"

    join: str = Field("\n\n", description="text between the instruction and the input")

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by its instruction and its output, unless it has another answer or a label beside them."""
        output = value.get("output")
        told = isinstance(value.get("instruction"), str) and isinstance(value.get("input", ""), str | None)
        return told and isinstance(output, str | list) and not {"chosen", "kto_tag"} & value.keys()

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        asked, more, answer = rest.pop("instruction", None), rest.pop("input", None), rest.pop("output", None)
        question = joined(text_of(asked), text_of(more), by=self.join)
        turns, tools = self.before(rest) if rest else ([], None)
        turns.append(("user", question))
        if isinstance(answer, list) and len(answer) == 2:
            better, worse = map(text_of, answer)
            pair(question, better)
            pair(question, worse)
            sides = [*turns, ("assistant", better)], [*turns, ("assistant", worse)]
            return preferred(*sides, rest, tools, len(turns))
        said = text_of(answer)
        pair(question, said)
        turns.append(("assistant", said))
        return Row(turns, rest, tools=tools)

    @staticmethod
    def before(rest: dict[str, Any]) -> tuple[list[Turn], str | None]:
        """Take what goes before the question out of a record: system message and history; and the tools."""
        no_media(rest)
        turns: list[Turn] = []
        system = next((key for key in ("system", "system_prompt") if key in rest), None)
        if system is not None and (told := text_of(rest.pop(system))).strip():
            turns.append(("system", told))
        history = opened(rest.pop("history", None)) or []
        if not isinstance(history, list):
            raise RowError("not-text")
        for one in history:
            if not isinstance(one, list | tuple) or len(one) != 2:
                raise RowError("not-text")
            turns += (("user", text_of(one[0])), ("assistant", text_of(one[1])))
        return turns, tools_of(rest.pop("tools", None))
