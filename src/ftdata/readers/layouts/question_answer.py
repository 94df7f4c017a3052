"""The `question-answer` reader: one question, one answer, whatever the two columns are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from ftdata.batch import Batch
from ftdata.errors import InputError, RowError
from ftdata.readers.columns import quoted
from ftdata.readers.layouts.media import no_media
from ftdata.readers.layouts.rows import Columns, Row, Turn, first, joined, opened, pair, text_of
from ftdata.source import Source
from ftdata.stages import Sniff

# Question and answer, those that are unmistakable first.
_PAIRS = (
    ("question", "answer"),
    ("question", "answers"),
    ("question", "response"),
    ("question", "best_answer"),
    ("instruction", "response"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("query", "answer"),
    ("query", "response"),
    ("input_text", "output_text"),
    ("input", "output"),
    ("input", "target"),
    ("question", "output"),
)
_BITEXT = frozenset({"instruction", "response", "category", "intent"})
# In a table these may as well be columns of a help desk's tickets, whose reader has private data scrubbed.
_PLAIN = frozenset({"question", "answer", "answers", "query", "response", "input", "output"})


class QuestionAnswer(Columns):
    """Read pairs of a question and an answer: `question`/`answer`, `prompt`/`response`, `query`/`answer` and the like.

    The columns are found by their names, or stated. A `context` goes before the question, `system` (or `system_prompt`)
    before all. `answers` of a reading-comprehension set (an object with a list `text`) gives its first text. All other
    keys go to `meta` under their own names: of Bitext's `flags, instruction, category, intent, response` the flags,
    category and intent. The file is JSON lines, a JSON array, or delimited text.

    A record is dropped as `no-question`, `no-answer`, `empty-text` (neither), `not-text` (a list or object where a text
    belongs), `media`, or with the problem of its record. Raises `InputError` where no columns are known, or those that
    were stated are not there.

    Source: the published sets gsm8k, SQuAD, Bitext, and torchtune's instruction data.
    """

    name: ClassVar[str] = "question-answer"
    keys: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys([*(name for pair in _PAIRS for name in pair), "context", "system", "category", "intent", "flags"])
    )
    surely: ClassVar[float] = 0.95

    question: str | None = Field(None, description="column of the question; found by its name")
    answer: str | None = Field(None, description="column of the answer; found by its name")
    context: str | None = Field(
        "context", description="column of what the question is about; it goes before it; an empty text for none"
    )
    system: str | None = Field(None, description="column of the system message; `system` or `system_prompt`")
    join: str = Field("\n\n", description="text between the context and the question")

    @classmethod
    def knows(cls, value: dict[str, Any]) -> bool:
        """Know a row by one of the known pairs of columns."""
        return _pair_of(value) is not None

    def read(self, source: Source) -> Iterator[Batch]:
        """Read the source."""
        stated = {name for name in (self.question, self.answer) if name is not None}
        rows = [found.value for found in self.values(source.again(200)) if found.problem is None]
        if rows and not any(stated & row.keys() if stated else _columns(row) for row in rows):
            told = "the stated columns are not there" if stated else "no known pair of question and answer"
            listed = ", ".join(quoted(name) for name in list(rows[0])[:12])
            raise InputError(
                f'{source.name}: {told}; name them: --set question="…" --set answer="…"', f"its columns are {listed}"
            )
        return super().read(source)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(value)
        found = _columns(value) or ("question", "answer")
        asked = text_of(rest.pop(self.question or found[0], None))
        answer = _first(rest, self.answer or found[1])
        if self.context and self.context in rest:
            asked = joined(_listed(rest.pop(self.context)), asked, by=self.join) if asked.strip() else asked
        turns: list[Turn] = []
        if rest:
            no_media(rest)
            system = self.system or next((key for key in ("system", "system_prompt") if key in rest), None)
            if system in rest and (told := text_of(rest.pop(system))).strip():
                turns.append(("system", told))
        pair(asked, answer)
        turns += (("user", asked), ("assistant", answer))
        return Row(turns, rest)

    @classmethod
    def sniff(cls, source: Source) -> Sniff | None:
        """Know pairs by their columns; of a table with columns that tickets have, less surely."""
        rows = first(source, cls.keys)
        pairs = [found for found in map(_pair_of, rows) if found is not None]
        if not pairs or 2 * len(pairs) < len(rows) or any(map(_other, rows)):
            return None
        chosen = max(dict.fromkeys(pairs), key=pairs.count)
        table = source.opening(4096).lstrip()[:1] not in (b"{", b"[")
        share = len(pairs) / len(rows)
        sure = cls.surely if not table or rows[0].keys() >= _BITEXT or not set(chosen) <= _PLAIN else 0.8
        what = "Bitext's columns" if rows[0].keys() >= _BITEXT else f"`{chosen[0]}` and `{chosen[1]}`"
        evidence = f"{len(pairs)} of {len(rows)} rows have {what}"
        return cls.known(source, evidence, confidence=round(0.3 + (sure - 0.3) * share, 3))


def _other(value: dict[str, Any]) -> bool:
    """Say whether a row is one of a richer layout."""
    keys = value.keys()
    return bool(keys & {"chosen", "rejected", "conversations", "messages", "completion", "history"}) or (
        {"instruction", "output"} <= keys
    )


def _columns(value: dict[str, Any]) -> tuple[str, str] | None:
    """Give the first known pair of columns that a row has."""
    return next((pair for pair in _PAIRS if pair[0] in value and pair[1] in value), None)


def _pair_of(value: dict[str, Any]) -> tuple[str, str] | None:
    """Give the known pair of columns of a row that hold texts."""
    found = _columns(value)
    if found is None or not isinstance(value[found[0]], str | None):
        return None
    said = value[found[1]]
    several = found[1] in ("answers", "answer") and isinstance(said, dict | list)
    return found if several or isinstance(said, str | int | float | None) else None


def _first(rest: dict[str, Any], column: str) -> str:
    """Take the answer out of a record; of several, the first; the others stay under the column's name."""
    value = rest.pop(column, None)
    if column == "answers" or isinstance(value, dict | list):
        value = opened(value)
        listed = value.get("text") if isinstance(value, dict) else value
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            if value:
                rest[column] = value
            return listed[0] if listed else ""
        if not isinstance(listed, str | None):
            raise RowError("not-text")
        value = listed
    return text_of(value)


def _listed(value: Any) -> str:
    """Give a context: a text, or a list of them, a paragraph each."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n\n".join(value)
    return text_of(value)
