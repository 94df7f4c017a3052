"""The `question-answer` reader: one question, one answer, whatever the two columns are called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from ftdata.batch import Batch
from ftdata.errors import InputError, RowError
from ftdata.readers.columns import quoted
from ftdata.readers.layouts.media import no_media
from ftdata.readers.layouts.rows import Columns, Row, Turn, first, joined, opened, pair, text_of
from ftdata.readers.layouts.turns import Speech, calls_in, conversation, tools_of
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
    ("query", "answers"),
    ("problem", "solution"),
    ("problem", "answer"),
    ("inputs", "targets"),
    ("context", "response"),
)
_ABOUT = ("context", "passage")
_SYSTEM = ("system", "system_prompt")
_CHOICES = frozenset({"choices", "options"})
"""Keys of a set of multiple choice: its answer is the number or letter of a choice, and says nothing without them."""
_BITEXT = frozenset({"instruction", "response", "category", "intent"})
# In a table these may as well be columns of a help desk's tickets, whose reader has private data scrubbed.
_PLAIN = frozenset(
    {"question", "answer", "answers", "query", "response", "input", "output", "problem", "solution", "context"}
)


class QuestionAnswer(Columns):
    """Read pairs of a question and an answer: `question`/`answer`, `prompt`/`response`, `query`/`answer` and the like.

    The columns are found by their names, whatever their case, or stated. A `context` or `passage` goes before the
    question, `system` (or `system_prompt`) before all. `answers` of a reading-comprehension set (an object with a list
    `text`) gives its first text; `answers` that are calls, beside `tools` (xLAM), become `tool_calls`, their
    parameters' types those of JSON Schema. All other keys go to `meta` under their own names: of Bitext's `flags,
    instruction, category, intent, response` the flags, category and intent. The file is JSON lines, a JSON array, or
    delimited text.

    A record is dropped as `no-question`, `no-answer`, `empty-text` (neither), `not-text` (a list or object where a text
    belongs), `media`, `bad-tool-call`, `bad-tools`, or with the problem of its record. Raises `InputError` where no
    columns are known, or those that were stated are not there. Questions of multiple choice are not known: their answer
    is the number of a choice.

    Source: the published sets gsm8k, SQuAD, Bitext, OpenOrca, xLAM, and torchtune's instruction data.
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
        rows = [_folded(found.value) for found in self.values(source.again(200)) if found.problem is None]
        if rows and not any(stated & row.keys() if stated else _columns(row) for row in rows):
            told = "the stated columns are not there" if stated else "no known pair of question and answer"
            listed = ", ".join(quoted(name) for name in list(rows[0])[:12])
            raise InputError(
                f'{source.name}: {told}; name them: --set question="…" --set answer="…"', f"its columns are {listed}"
            )
        return super().read(source)

    def row(self, value: dict[str, Any]) -> Row:
        """Make the row of a record."""
        rest = dict(_folded(value) if self.question is None and self.answer is None else value)
        found = _columns(rest) or ("question", "answer")
        if self.answer is None and (calls := _calls(rest, found[1])):
            return _called(rest, found, calls)
        asked = text_of(rest.pop(self.question or found[0], None))
        answer = _first(rest, self.answer or found[1])
        about = self.context if self.context != "context" else next((key for key in _ABOUT if key in rest), None)
        if about and about in rest:
            asked = joined(_listed(rest.pop(about)), asked, by=self.join) if asked.strip() else asked
        turns: list[Turn] = []
        if rest:
            no_media(rest)
            system = self.system or next((key for key in _SYSTEM if key in rest), None)
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
    """Say whether a row is one of a richer layout, of multiple choice, or of tasks whose definition stands apart."""
    keys = value.keys()
    return (
        bool(keys & _CHOICES)
        or {"definition", "inputs"} <= keys
        or bool(keys & {"chosen", "rejected", "conversations", "messages", "completion", "history"})
        or ({"instruction", "output"} <= keys)
    )


def _columns(value: dict[str, Any]) -> tuple[str, str] | None:
    """Give the first known pair of columns that a row has."""
    return next((pair for pair in _PAIRS if pair[0] in value and pair[1] in value), None)


def _folded(value: dict[str, Any]) -> dict[str, Any]:
    """Give a row with its columns in lower case, where a known pair is found only so (`Question`, `ANSWER`)."""
    if _columns(value) is not None:
        return value
    lower = {key.casefold(): item for key, item in value.items()}
    found = _columns(lower)
    if found is None or len(lower) < len(value):
        return value
    known = {*found, *_ABOUT, *_SYSTEM}
    return {(low if (low := key.casefold()) in known else key): item for key, item in value.items()}


def _pair_of(value: dict[str, Any]) -> tuple[str, str] | None:
    """Give the known pair of columns of a row that hold texts, or an answer that is calls of tools."""
    value = _folded(value)
    found = _columns(value)
    if found is None or not isinstance(value[found[0]], str | None):
        return None
    said = value[found[1]]
    listed = said.get("text") if isinstance(said, dict) else said
    several = found[1] in ("answers", "answer") and isinstance(listed, list | str)
    if isinstance(listed, list) and several and not all(isinstance(one, str) for one in listed):
        return found if _calls(value, found[1]) else None
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


# --- answers that are calls -------------------------------------------------------------------------------------------

_TYPES = {
    **{"str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"},
    **dict.fromkeys(("list", "tuple", "set"), "array"),
}
"""Types of parameters as xLAM's data writes them (`List[int], optional`), as JSON Schema has them."""


def _calls(value: dict[str, Any], column: str) -> list[Any] | None:
    """Give the calls that an answer consists of, beside definitions of tools; None: it is no such answer."""
    said = value.get(column)
    if column != "answers" or not value.get("tools"):
        return None
    try:
        listed = opened(said)
    except RowError:
        return None
    return listed if isinstance(listed, list) and listed and all(isinstance(one, dict) for one in listed) else None


def _called(rest: dict[str, Any], columns: tuple[str, str], calls: list[Any]) -> Row:
    asked = text_of(rest.pop(columns[0], None))
    pair(asked, "calls")
    rest.pop(columns[1])
    defined = opened(rest.pop("tools"), "bad-tools")
    speech = Speech()
    speech.say("user", asked)
    speech.call(calls_in(calls))
    tools = tools_of([_schema(one) for one in defined] if isinstance(defined, list) else defined)
    return conversation(speech, rest, tools)


def _schema(tool: Any) -> Any:
    """Give a definition whose parameters are a JSON Schema, of one in which they stand by name."""
    given = tool.get("parameters") if isinstance(tool, dict) else None
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        return tool
    made, needed = {}, []
    for name, one in given.items():
        told = str(one.get("type", "")).lower()
        kinds = [_TYPES[word] for word in re.findall(r"[a-z]+", told) if word in _TYPES]
        kind = {"type": kinds[0]} if kinds else {}
        items = {"items": {"type": kinds[1]} if len(kinds) > 1 else {}} if kinds[:1] == ["array"] else {}
        made[name] = kind | items | {key: item for key, item in one.items() if key != "type"}
        if "default" not in one and "optional" not in told:
            needed.append(name)
    return {**tool, "parameters": {"type": "object", "properties": made, "required": needed}}


def _listed(value: Any) -> str:
    """Give a context: a text, or a list of them, a paragraph each."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n\n".join(value)
    return text_of(value)
