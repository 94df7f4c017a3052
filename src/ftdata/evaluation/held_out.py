"""The held-out rows as questions with the right answer to each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ftdata import rows
from ftdata.batch import conversations
from ftdata.checks.classes import LABEL_CHARS, are_labels
from ftdata.conversation import Conversation, Message
from ftdata.errors import InputError
from ftdata.evaluation import scores
from ftdata.transforms.filter import look_up

Task = Literal["labels", "json", "text"]
"""What the right answers are: labels (three rows share one on average, as in the check `balance`), objects, prose."""

_MOST_OBJECTS = 0.9


@dataclass(frozen=True)
class Question:
    """What a system is asked, and what it should answer; `row` counts the rows of the file from 1."""

    row: int
    id: str
    messages: tuple[Message, ...]
    wanted: str
    tools: list[Any] | None = None
    slices: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """The questions of a file or split, and how many rows hold none, by the reason."""

    questions: tuple[Question, ...]
    left_out: dict[str, int]
    task: Task

    @property
    def wanted(self) -> list[str]:
        """The right answers, in order."""
        return [question.wanted for question in self.questions]


def held_out(what: str, split: str | None = None, by: tuple[str, ...] = (), format: str | None = None) -> HeldOut:
    """Read the questions of a FILE, or of one split of a RUN (default: `test`, else `validation`).

    A question is a row up to its last message, which must be the assistant's, a text. `by` names fields of `meta` (or
    further keys of the row) whose values part the rows into slices; `format` names the reader instead of guessing.

    Raises:
        InputError: nothing is there, the run has no such split, a field of `by` stands in no row, no row asks anything.
    """
    place = rows.place(what)
    if place.manifest is not None or len(place.files) > 1:
        place = _of_split(what, place, split)
    elif split is not None:
        raise InputError(f"{what}: is one file; --split is for a run or a folder")
    found: list[Question] = []
    left: dict[str, int] = {}
    number = 0
    for batch in rows.every(place, format=format):
        for one in conversations(batch):
            number += 1
            reason = _unfit(one)
            if reason is not None:
                left[reason] = left.get(reason, 0) + 1
            else:
                found.append(_question(one, number, by))
    if not found:
        raise InputError(f"{what}: none of its {number:,} rows ends with a text of the assistant to compare with")
    for name in by:
        if not any(name in question.slices for question in found):
            raise InputError(f"--by {name}: no row has this field in its meta or beside its messages")
    return HeldOut(tuple(found), left, _task([question.wanted for question in found]))


def _of_split(what: str, place: rows.Place, split: str | None) -> rows.Place:
    there = {name for _, name in place.files if name is not None}
    wanted = split or next((name for name in ("test", "validation") if name in there), None)
    if wanted not in there or wanted is None:
        have = f"it has {', '.join(sorted(there))}" if there else "its rows are not split"
        raise InputError(f"{what}: there is no split {split or 'test or validation'}; {have}")
    return rows.Place(tuple(file for file in place.files if file[1] == wanted), place.record, place.manifest)


def _unfit(one: Conversation) -> str | None:
    if one.drop is not None:
        return one.drop
    if one.rejected is not None or one.answer_at is not None:
        return "two-answers"
    last = one.messages[-1] if one.messages else None
    if last is None or last.role != "assistant":
        return "no-answer"
    return None if last.content and last.content.strip() and not last.tool_calls else "no-text"


def _question(one: Conversation, number: int, by: tuple[str, ...]) -> Question:
    messages = one.messages or ()
    slices = {}
    for name in by:
        value = look_up(one.meta, name)
        value = look_up(one.extra, name) if value is None else value
        if value is not None:
            slices[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Question(number, one.id, messages[:-1], messages[-1].content or "", one.tools, slices)


def _task(wanted: list[str]) -> Task:
    if sum(map(scores.is_object, wanted)) >= _MOST_OBJECTS * len(wanted):
        return "json"
    labels = [text.strip() for text in wanted if len(text.strip()) <= LABEL_CHARS and "\n" not in text.strip()]
    classes = len(set(labels))
    return "labels" if classes > 1 and are_labels(len(wanted), len(labels), classes) else "text"


def numbered(questions: tuple[Question, ...]) -> Iterator[dict[str, Any]]:
    """Give what must be asked, without the right answers: `row`, `id` and `messages`, for whoever answers elsewhere."""
    for one in questions:
        asked = [message.model_dump(exclude_none=True) for message in one.messages]
        yield {"row": one.row, "id": one.id, "messages": asked} | ({"tools": one.tools} if one.tools else {})
