"""What a system answered: a file of predictions, matched to the questions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftdata.errors import InputError
from ftdata.evaluation.held_out import Question
from ftdata.records import Record
from ftdata.source import Source

TEXTS = ("prediction", "answer", "completion", "output", "response", "content", "text")
"""Keys under which an answer may stand, in the order in which they are looked for."""
_NAMES = ("row", "id", "custom_id")


@dataclass(frozen=True)
class Usage:
    """What one answer took: tokens read and written, and seconds of waiting; null where it is not known."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Answers:
    """The answers of one system: one for each question, null where there is none; `usage` likewise, or empty."""

    system: str
    texts: tuple[str | None, ...]
    usage: tuple[Usage | None, ...] = ()

    @property
    def given(self) -> int:
        """How many questions were answered."""
        return sum(text is not None for text in self.texts)


def answers(system: str, path: Path | str, questions: tuple[Question, ...]) -> Answers:
    """Read a file of predictions: JSON lines, a JSON array, or delimited text with a column `prediction`.

    A record says its answer under `prediction` (or `answer`, `completion`, `output`, `response`, `content`, `text`), as
    chat `messages` that end with the assistant, or as a line of OpenAI's batch output. It names its question by `row`
    (from 1), `id` or `custom_id`; if no record does, they stand in the order of the questions, one for each. What the
    answer took may stand beside it: `prompt_tokens`, `completion_tokens`, `seconds`, or the `usage` of batch output.

    Raises:
        InputError: the file cannot be read, a record has no answer, names no question that there is, or one named
            before; or there are more or fewer records than questions and no names.
    """
    with Source(path) as source:
        found = [(record, _named(record, source), _text(record, source)) for record in source.objects()]
        if not any(name for _, name, _ in found):
            if len(found) != len(questions):
                raise InputError(
                    f"{source.name}: holds {len(found):,} answers to {len(questions):,} questions; name the question "
                    "in each by row or id (ftdata eval … --questions FILE writes them)"
                )
            return Answers(system, tuple(text for _, _, text in found), tuple(_usage(one.value) for one, _, _ in found))
        places = _places(questions)
        texts: list[str | None] = [None] * len(questions)
        took: list[Usage | None] = [None] * len(questions)
        seen: dict[int, int] = {}
        for record, name, text in found:
            where = source.place(record.number)
            if name is None:
                raise InputError(f"{where}: names no question by row or id, as other records do")
            if name not in places:
                raise InputError(f"{where}: there is no question with this {name[0]}")
            at = places[name]
            if at in seen:
                raise InputError(f"{where}: answers a question that was answered at {source.place(seen[at])}")
            seen[at], texts[at], took[at] = record.number, text, _usage(record.value)
    return Answers(system, tuple(texts), tuple(took))


def _places(questions: tuple[Question, ...]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for at, one in enumerate(questions):
        found["row", str(one.row)] = at
        for key in ("id", "custom_id"):
            found.setdefault((key, one.id), at)
        found.setdefault(("custom_id", str(one.row)), at)
    return found


def _named(record: Record, source: Source) -> tuple[str, str] | None:
    if record.problem is not None:
        raise InputError(f"{source.place(record.number)}: the record is unreadable ({record.problem})")
    for key in _NAMES:
        value = record.value.get(key)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return key, str(value)
    return None


def _text(record: Record, source: Source) -> str:
    value: dict[str, Any] = record.value
    for key in TEXTS:
        if isinstance(value.get(key), str):
            return str(value[key])
    for said in (value.get("messages"), _batched(value)):
        last = said[-1] if isinstance(said, list) and said else None
        if isinstance(last, dict) and last.get("role") == "assistant" and isinstance(last.get("content"), str):
            return str(last["content"])
    raise InputError(f"{source.place(record.number)}: holds no answer under {', '.join(TEXTS)} or messages")


def _batched(value: dict[str, Any]) -> list[Any] | None:
    """Give the message of a line of OpenAI's batch output (guide "Batch API": `response.body.choices[0].message`)."""
    held: Any = value.get("response")
    for key in ("body", "choices"):
        held = held.get(key) if isinstance(held, dict) else None
    first = held[0] if isinstance(held, list) and held else None
    return [first["message"]] if isinstance(first, dict) and "message" in first else None


def _usage(value: dict[str, Any]) -> Usage | None:
    """Give what an answer took, from its own keys, else from OpenAI's `usage`; None where nothing is said of it."""
    held: Any = value.get("response")
    for key in ("body", "usage"):
        held = held.get(key) if isinstance(held, dict) else None
    said = (held if isinstance(held, dict) else {}) | value
    read, written, seconds = (_number(said.get(key)) for key in ("prompt_tokens", "completion_tokens", "seconds"))
    if read is None and written is None and seconds is None:
        return None
    return Usage(None if read is None else int(read), None if written is None else int(written), seconds)


def _number(value: Any) -> float | None:
    """Give a number that may count something; in delimited text it is written as text. None for all else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if value >= 0 and math.isfinite(value) else None
