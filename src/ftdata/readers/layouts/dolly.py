"""The `dolly` reader: instruction, context, response, category."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from ftdata.readers.layouts.rows import Columns, Row, joined, pair, text_of


class Dolly(Columns):
    """Read Dolly rows: `instruction`, `context`, `response`, `category`.

    The user says the instruction and the context, a blank line between them, the assistant the response; `category` and
    all other keys go to `meta`. The file is JSON lines, a JSON array, or delimited text.

    A record is dropped as `no-question`, `no-answer`, `empty-text` (neither), `not-text` (a list or object where a text
    belongs), or with the problem of its record.

    Source: the card of databricks-dolly-15k.
    """

    name: ClassVar[str] = "dolly"
    evidence: ClassVar[str] = "D"
    keys: ClassVar[tuple[str, ...]] = ("instruction", "response", "context", "category")
    shape: ClassVar[str] = "`instruction`, `context` and `response`"

    context: Literal["after", "before"] = Field(
        "after", description="where the context stands: after the instruction, or before it"
    )

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by instruction, context and response."""
        asked, answer = value.get("instruction"), value.get("response")
        return "context" in value and isinstance(asked, str) and isinstance(answer, str)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        asked, more = text_of(rest.pop("instruction", None)), text_of(rest.pop("context", None))
        question = joined(asked, more) if self.context == "after" else joined(more, asked)
        answer = text_of(rest.pop("response", None))
        pair(question, answer)
        return Row([("user", question), ("assistant", answer)], rest)
